// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/names/name_lookup.h"

#include <ares.h>
#include <errno.h>

#include "base/memory.h"
#include "standalone/names/dns_message.h"

/* A server that does not answer is queried again after 1 s, then 2 s, then 4 s; lookups.c ends the lookup before that.
   Records have less time, so that addresses can be asked for if a server does not answer for them. */
enum { FIRST_TRY_MS = 1000, FIRST_TRY_RECORDS_MS = 500, TRIES = 3, IDLE_MS = 1000 };

struct name_socket {
    struct name_socket *next;
    struct name_lookup *lookup;
    const struct host *host;
    uv_poll_t poll;
    int fd;
};

struct name_lookup {
    struct name_lookup_config config;
    ares_channel channel; /* NULL: it was cancelled */
    struct name_socket *sockets;
    struct name_answer *answer;
    bool ended;
    char name[NAME_SIZE];
};

/* --- its sockets --- */

static void name_socket_on_closed(uv_handle_t *handle)
{
    struct name_socket *socket = handle->data;
    memory_delete(socket->host, socket, sizeof *socket);
}

static struct name_socket **name_socket_find(struct name_lookup *lookup, int fd)
{
    struct name_socket **place = &lookup->sockets;
    while (*place != NULL && (*place)->fd != fd)
        place = &(*place)->next;
    return place;
}

/* c-ares closes the descriptor itself, after this. */
static void name_socket_delete(struct name_socket **place)
{
    struct name_socket *socket = *place;
    *place = socket->next;
    uv_poll_stop(&socket->poll);
    uv_close((uv_handle_t *)&socket->poll, name_socket_on_closed);
}

static struct name_socket *name_socket_new(struct name_lookup *lookup, int fd)
{
    struct name_socket *socket = memory_new(lookup->config.host, sizeof *socket);
    if (socket == NULL)
        return NULL;
    if (uv_poll_init(lookup->config.loop, &socket->poll, fd) != 0) {
        memory_delete(lookup->config.host, socket, sizeof *socket);
        return NULL;
    }
    socket->poll.data = socket;
    socket->host = lookup->config.host;
    socket->lookup = lookup;
    socket->fd = fd;
    socket->next = lookup->sockets;
    lookup->sockets = socket;
    return socket;
}

/* c-ares reads an error from the socket. libuv has stopped polling the socket then; if c-ares keeps the socket,
   polling is started again. */
static void name_socket_on_ready(uv_poll_t *poll, int status, int events)
{
    const struct name_socket *socket = poll->data;
    struct name_lookup *lookup = socket->lookup;
    int fd = socket->fd;
    bool broken = status < 0;
    bool readable = broken || (events & UV_READABLE) != 0, writable = broken || (events & UV_WRITABLE) != 0;
    ares_process_fd(lookup->channel, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
    struct name_socket *kept = broken ? *name_socket_find(lookup, fd) : NULL;
    if (kept != NULL)
        uv_poll_start(&kept->poll, UV_READABLE, name_socket_on_ready);
    lookup->config.changed(lookup->config.context);
}

/* Without memory for polling the socket, the query on it fails by timeout. */
static void name_socket_on_state(void *context, ares_socket_t fd, int readable, int writable)
{
    struct name_lookup *lookup = context;
    struct name_socket **place = name_socket_find(lookup, fd), *socket = *place;
    int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    if (events == 0) {
        if (socket != NULL)
            name_socket_delete(place);
        return;
    }
    if (socket == NULL)
        socket = name_socket_new(lookup, fd);
    if (socket != NULL)
        uv_poll_start(&socket->poll, events, name_socket_on_ready);
}

/* --- its answer --- */

static void name_answer_add(struct name_answer *answer, const struct ares_addrinfo_node *node)
{
    union address *address = &answer->addresses[answer->count];
    if (answer->count == NAME_ADDRESSES_MOST || node->ai_addrlen > sizeof *address)
        return;
    memset(address, 0, sizeof *address);
    memcpy(address, node->ai_addr, node->ai_addrlen);
    answer->count++;
}

static uint32_t ttl_least(uint32_t least, int ttl)
{
    uint32_t seconds = ttl > 0 ? (uint32_t)ttl : 0;
    return seconds < least ? seconds : least;
}

static void name_answer_read(struct name_answer *answer, const struct ares_addrinfo *result)
{
    uint32_t ttl = UINT32_MAX;
    for (const struct ares_addrinfo_node *node = result->nodes; node != NULL; node = node->ai_next) {
        name_answer_add(answer, node);
        ttl = ttl_least(ttl, node->ai_ttl);
    }
    for (const struct ares_addrinfo_cname *alias = result->cnames; alias != NULL; alias = alias->next)
        ttl = ttl_least(ttl, alias->ttl);
    answer->ttl_s = answer->count > 0 ? ttl : 0;
    answer->outcome = answer->count > 0 ? NAME_FOUND : NAME_NOT_FOUND;
}

static bool status_is_about_the_name(int status)
{
    return status != ARES_ENOMEM && status != ARES_ECONNREFUSED && status != ARES_EFILE &&
           status != ARES_ENOTINITIALIZED;
}

static enum name_outcome outcome_of(int status)
{
    return status_is_about_the_name(status) ? NAME_NOT_FOUND : NAME_NOT_ASKED;
}

static void on_addresses(void *context, int status, int timeouts, struct ares_addrinfo *result)
{
    struct name_lookup *lookup = context;
    struct name_answer *answer = name_answer_new(lookup->config.host, outcome_of(status), 0);
    (void)timeouts;
    lookup->ended = true;
    lookup->answer = answer;
    if (answer != NULL && status == ARES_SUCCESS && result != NULL)
        name_answer_read(answer, result);
    ares_freeaddrinfo(result);
}

/* The message of a negative answer has its lifetime; of other failures it may be part. */
static void on_records(void *context, int status, int timeouts, unsigned char *bytes, int length)
{
    struct name_lookup *lookup = context;
    const struct host *host = lookup->config.host;
    bool answered = status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND;
    (void)timeouts;
    lookup->ended = true;
    if (answered && bytes != NULL)
        lookup->answer = dns_message_read(host, lookup->config.kind, lookup->name, bytes, (size_t)length);
    else
        lookup->answer = name_answer_new(host, outcome_of(status), 0);
}

/* --- as a whole --- */

static int set_servers(ares_channel channel, const union address *servers, size_t count)
{
    struct ares_addr_port_node nodes[NAME_SERVERS_MOST] = {0};
    for (size_t i = 0; i < count; i++) {
        const union address *server = &servers[i];
        nodes[i].next = i + 1 < count ? &nodes[i + 1] : NULL;
        nodes[i].family = server->any.sa_family;
        nodes[i].udp_port = nodes[i].tcp_port = address_port(server);
        if (server->any.sa_family == AF_INET6)
            memcpy(&nodes[i].addr.addr6, &server->v6.sin6_addr, sizeof server->v6.sin6_addr);
        else
            nodes[i].addr.addr4 = server->v4.sin_addr;
    }
    return count > 0 ? ares_set_servers_ports(channel, nodes) : ARES_SUCCESS;
}

static void name_lookup_begin(struct name_lookup *lookup)
{
    static const int types[NAME_KINDS] = {[NAME_SRV] = DNS_TYPE_SRV, [NAME_NAPTR] = DNS_TYPE_NAPTR};
    const struct ares_addrinfo_hints hints = {.ai_family = lookup->config.family, .ai_socktype = SOCK_DGRAM};
    if (lookup->config.kind == NAME_ADDRESSES)
        ares_getaddrinfo(lookup->channel, lookup->name, NULL, &hints, on_addresses, lookup);
    else
        ares_query(lookup->channel, lookup->name, DNS_CLASS_IN, types[lookup->config.kind], on_records, lookup);
}

int name_lookup_new(struct name_lookup **out, const struct name_lookup_config *config, const char *name)
{
    int timeout = config->kind == NAME_ADDRESSES ? FIRST_TRY_MS : FIRST_TRY_RECORDS_MS;
    struct ares_options options = {.timeout = timeout, .tries = TRIES, .sock_state_cb = name_socket_on_state};
    struct name_lookup *lookup = memory_new(config->host, sizeof *lookup);
    if (lookup == NULL)
        return -ENOMEM;
    lookup->config = *config;
    snprintf(lookup->name, sizeof lookup->name, "%s", name);
    options.sock_state_cb_data = lookup;
    if (ares_init_options(&lookup->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) !=
        ARES_SUCCESS) {
        memory_delete(config->host, lookup, sizeof *lookup);
        return -ENOMEM;
    }
    if (set_servers(lookup->channel, config->servers, config->server_count) != ARES_SUCCESS) {
        name_lookup_delete(lookup);
        return -ENOMEM;
    }
    name_lookup_begin(lookup);
    *out = lookup;
    return 0;
}

void name_lookup_give_up(struct name_lookup *lookup)
{
    if (lookup->channel != NULL)
        ares_destroy(lookup->channel);
    lookup->channel = NULL;
    lookup->ended = true;
}

void name_lookup_delete(struct name_lookup *lookup)
{
    name_lookup_give_up(lookup);
    name_answer_release(lookup->answer);
    memory_delete(lookup->config.host, lookup, sizeof *lookup);
}

bool name_lookup_has_ended(const struct name_lookup *lookup)
{
    return lookup->ended;
}

struct name_answer *name_lookup_answer(const struct name_lookup *lookup)
{
    return lookup->answer;
}

uint64_t name_lookup_wait_ms(const struct name_lookup *lookup)
{
    struct timeval wait, most = {.tv_sec = IDLE_MS / 1000};
    if (lookup->ended)
        return 0;
    const struct timeval *next = ares_timeout(lookup->channel, &most, &wait);
    return next == NULL ? IDLE_MS : (uint64_t)next->tv_sec * 1000 + (uint64_t)next->tv_usec / 1000 + 1;
}

void name_lookup_run(struct name_lookup *lookup)
{
    if (!lookup->ended)
        ares_process_fd(lookup->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}
