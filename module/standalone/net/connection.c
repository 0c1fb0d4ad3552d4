// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/connection_private.h"

#include <errno.h>
#include <unistd.h>

/* Connections: their sockets, coming and going (RFC 3261 18). */

struct connection *connection_find(const struct network *network, flow_id number)
{
    struct table_link *link = table_find(&network->connections, number);
    return link != NULL ? TABLE_OWNER(link, struct connection, link) : NULL;
}

struct connection *connection_find_dying(const struct network *network, flow_id number)
{
    struct table_link *link = table_find(&network->dying, number);
    return link != NULL ? TABLE_OWNER(link, struct connection, link) : NULL;
}

const struct peer *connection_peer(const struct connection *connection)
{
    return &connection->peer;
}

/* The Via of what is sent over a connection names its listener and local address (5658-a). local 0: not chosen yet. */
static bool leaves_as(const struct connection *connection, const struct peer *peer)
{
    return connection->peer.listener == peer->listener && (peer->local == 0 || peer->local == connection->peer.local);
}

/* Finds a connection to this address. Over TLS it must be verified for the same domain (RFC 5922); an address is not
   enough. */
static struct connection *find_by_address(const struct network *network, const struct peer *peer, struct text domain)
{
    struct table_link *link = table_find(&network->addresses, address_hash(&network->address_key, &peer->address));
    for (; link != NULL; link = table_next(link)) {
        struct connection *connection = TABLE_OWNER(link, struct connection, address);
        if (connection->peer.transport == peer->transport && address_equal(&connection->peer.address, &peer->address) &&
            leaves_as(connection, peer) && layers_are_for(connection, domain))
            return connection;
    }
    return NULL;
}

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct network *network = connection->network;
    const struct host *host = network->config.host;
    if (network->server != NULL && !network->closing)
        network->events->flow_down(network->server, connection->number, connection->reason);
    table_remove(&network->dying, &connection->link);
    connection_free_pending(connection);
    layers_destroy(connection);
    memory_delete(host, connection, sizeof *connection);
}

void connection_note_kept(struct connection *connection)
{
    struct network *network = connection->network;
    connection_count_kept(connection);
    while (network->kept_bytes > network->config.limits.kept) {
        network->counters.kept_closed++;
        connection_close(network->kept_oldest, "memory");
    }
}

/* The dead flow is reported from the loop and not from here, because the caller may be in the middle of sending. */
void connection_close(struct connection *connection, const char *reason)
{
    struct network *network = connection->network;
    if (connection->reason != NULL)
        return;
    connection->reason = reason;
    connection_note_kept(connection);
    share_give_back(connection);
    handshakes_forget(connection);
    alias_forget(connection);
    layers_end(connection);
    table_remove(&network->connections, &connection->link);
    table_remove(&network->addresses, &connection->address);
    table_add(&network->dying, &connection->link, connection->number);
    network->counters.connections--;
    source_disconnect(network->config.sources, &connection->counted);
    if (network->server != NULL)
        timer_stop(network->events->timers(network->server), &connection->check);
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

struct write {
    uv_write_t request;
    const struct host *host;
    size_t size;
    char bytes[];
};

static void on_written(uv_write_t *request, int status)
{
    struct write *write = request->data;
    struct connection *connection = request->handle->data;
    connection->unsent -= write->size;
    connection_note_kept(connection);
    memory_delete(write->host, write, write->size);
    if (status < 0 && status != UV_ECANCELED)
        connection_close(connection, "write");
}

bool connection_is_over_unsent(struct connection *connection, size_t length)
{
    struct network *network = connection->network;
    if (length <= network->config.limits.unsent)
        return false;
    network->counters.slow++;
    connection_close(connection, "slow");
    return true;
}

/* Stores a copy of the bytes that the socket does not accept now. */
static int write_later(struct connection *connection, const char *bytes, size_t length)
{
    const struct host *host = connection->network->config.host;
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    struct write *write = host->allocate(host->context, NULL, 0, sizeof *write + length);
    if (write == NULL)
        return -ENOMEM;
    write->host = host;
    write->size = sizeof *write + length;
    write->request.data = write;
    memcpy(write->bytes, bytes, length);
    uv_buf_t buffer = uv_buf_init(write->bytes, (unsigned)length);
    if (uv_write(&write->request, stream, &buffer, 1, on_written) != 0) {
        memory_delete(host, write, write->size);
        connection_close(connection, "write");
        return -EPIPE;
    }
    connection->unsent += write->size;
    connection_note_kept(connection);
    return connection->reason == NULL ? 0 : -EPIPE;
}

static int write_now(struct connection *connection, const char *bytes, size_t length)
{
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    uv_buf_t buffer = uv_buf_init((char *)(size_t)bytes, (unsigned)length);
    return uv_stream_get_write_queue_size(stream) == 0 ? uv_try_write(stream, &buffer, 1) : 0;
}

int connection_write(struct connection *connection, const char *bytes, size_t length)
{
    if (connection->reason != NULL)
        return -EPIPE;
    int sent = write_now(connection, bytes, length);
    if (sent == (int)length)
        return 0;
    if (sent < 0 && sent != UV_EAGAIN && sent != UV_EBADF) {
        connection_close(connection, "write");
        return -EPIPE;
    }
    size_t done = sent > 0 ? (size_t)sent : 0;
    /* The overhead of many small writes exceeds their bytes. */
    if (connection_is_over_unsent(connection, connection->unsent + length - done))
        return -EPIPE;
    return write_later(connection, bytes + done, length - done);
}

void connection_write_last(struct connection *connection, const char *bytes, size_t length)
{
    if (length > 0)
        write_now(connection, bytes, length);
}

/* --- reading --- */

static void begin_proxied(struct connection *connection, bool named);

void connection_refuse_header(struct connection *connection, const char *fault)
{
    struct network *network = connection->network;
    network->counters.proxy_refused++;
    network->events->connection_refused(network->server, &connection->peer, REFUSAL_PROXY_HEADER, 0, fault);
    connection_close(connection, "refused");
}

/* Returns how many bytes belong to the header. The connection may be closed. */
static size_t take_header(struct connection *connection, const char *bytes, size_t length)
{
    size_t used;
    const char *fault;
    enum proxy_outcome outcome = proxied_put(connection, bytes, length, &used, &fault);
    connection_note_kept(connection);
    if (connection->reason != NULL)
        return used;
    if (outcome == PROXY_BROKEN && fault != NULL)
        connection_refuse_header(connection, fault);
    else if (outcome == PROXY_BROKEN)
        connection_close(connection, "memory");
    else if (outcome != PROXY_MORE)
        begin_proxied(connection, outcome == PROXY_NAMED);
    return used;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct connection *connection = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(connection->network->read, READ_MOST);
}

/* A balancer that tests the port connects and closes, without any bytes. */
static void on_end(struct connection *connection)
{
    if (connection->awaits_header && connection->pending_length > 0)
        connection_refuse_header(connection, "the connection ended before it was complete");
    else
        connection_close(connection, "closed");
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;
    if (count < 0) {
        on_end(connection);
    } else if (count > 0) {
        bool was_unfinished = connection_is_unfinished(connection);
        size_t used = 0;
        connection->heard_ms = connection_now(connection);
        if (connection->awaits_header)
            used = take_header(connection, buffer->base, (size_t)count);
        if (connection->reason == NULL && used < (size_t)count)
            layers_put(connection, buffer->base + used, (size_t)count - used);
        connection->pinged = connection->asked = false;
        if (connection->reason == NULL && !was_unfinished && connection_is_unfinished(connection))
            connection_watch(connection);
    }
}

void connection_read_on(struct connection *connection)
{
    if (connection->reason == NULL && uv_read_start((uv_stream_t *)&connection->tcp, on_allocate, on_read) != 0)
        connection_close(connection, "read");
}

void connection_read_pause(struct connection *connection)
{
    uv_read_stop((uv_stream_t *)&connection->tcp);
}

/* --- coming and going --- */

static struct connection *connection_new(struct network *network, uint8_t transport, uint8_t listener)
{
    struct connection *connection = memory_new(network->config.host, sizeof *connection);
    if (connection == NULL)
        return NULL;
    if (uv_tcp_init(network->config.loop, &connection->tcp) != 0) {
        memory_delete(network->config.host, connection, sizeof *connection);
        return NULL;
    }
    connection->network = network;
    connection->tcp.data = connection;
    connection->number = ++network->last_connection;
    connection->peer = (struct peer){.transport = transport, .listener = listener, .connection = connection->number};
    connection->heard_ms = connection->began_ms = connection_now(connection);
    connection->check.fire = connection_check_fires;
    table_add(&network->connections, &connection->link, connection->number);
    network->counters.connections++;
    return connection;
}

/* The local address in use, if the listener has all addresses. */
static void note_local(struct connection *connection)
{
    union address local = {0};
    int size = sizeof local;
    struct network *network = connection->network;
    const struct peer *peer = &connection->peer;
    bool wildcard = peer->listener < network->socket_count && network->sockets[peer->listener].wildcard;
    if (wildcard && uv_tcp_getsockname(&connection->tcp, &local.any, &size) == 0)
        connection->peer.local = local_addresses_number(network->locals, &local);
}

/* From now on messages to the peer's address may go over this connection. */
static void enter_address(struct connection *connection)
{
    struct network *network = connection->network;
    table_add(&network->addresses, &connection->address,
              address_hash(&network->address_key, &connection->peer.address));
}

static void enter(struct connection *connection)
{
    if (!connection->awaits_header)
        enter_address(connection);
    uv_tcp_nodelay(&connection->tcp, 1);
    connection_watch(connection);
}

static bool is_full(const struct network *network)
{
    return network->counters.connections > network->config.limits.connections;
}

/* 0, or a negative errno: the connection is refused, which has been counted and logged. The source is not known before
   a PROXY header has named it. */
static int admit(struct connection *connection)
{
    struct network *network = connection->network;
    int error = 0;
    if (!connection->awaits_header)
        error = source_connect(network->config.sources, &connection->peer, &connection->counted);
    enum refusal reason = error == -EPERM ? REFUSAL_BANNED : REFUSAL_SOURCE_CONNECTIONS;
    if (error == 0 && is_full(network)) {
        error = -ENOSPC;
        reason = REFUSAL_CONNECTION_LIMIT;
    }
    if (error != 0) {
        network->counters.refused++;
        network->events->connection_refused(network->server, &connection->peer, reason, 0, NULL);
    }
    return error;
}

/* The header has named the source: the connection is treated as one that was accepted now. */
static void begin_proxied(struct connection *connection, bool named)
{
    connection->network->counters.proxied += named;
    if (admit(connection) != 0) {
        connection_close(connection, "refused");
        return;
    }
    enter_address(connection);
    connection_watch(connection);
}

static void on_connection(void *context, int descriptor)
{
    struct socket *socket = context;
    struct network *network = socket->network;
    struct connection *connection = connection_new(network, socket->kind, socket->index);
    if (connection == NULL) {
        network->counters.refused++;
        close(descriptor);
        return;
    }
    int size = sizeof connection->peer.address;
    int error = uv_tcp_open(&connection->tcp, descriptor);
    if (error != 0)
        close(descriptor);
    if (error == 0)
        error = uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&connection->peer.address, &size);
    connection->awaits_header = error == 0 && proxied_expects(network, &connection->peer.address);
    if (error == 0)
        error = admit(connection);
    if (error == 0)
        error = layers_create(connection, (struct text){NULL, 0}, true);
    if (error != 0) {
        connection_close(connection, "refused");
        return;
    }
    network->counters.accepted++;
    note_local(connection);
    enter(connection);
    connection_read_on(connection);
}

void connection_is_open(struct connection *connection)
{
    share_opened(connection);
    if (connection->reason == NULL)
        connection_watch(connection);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct connection *connection = request->data;
    if (status == UV_ECANCELED || connection->reason != NULL)
        return;
    if (status < 0) {
        connection_close(connection, status == UV_ETIMEDOUT ? FLOW_UNOPENED : FLOW_REFUSED);
        return;
    }
    connection_read_on(connection);
    if (connection->tls == NULL)
        connection_is_open(connection);
    else
        layers_begin(connection);
}

/* The local address for an opened connection, without port; false if the kernel shall choose it. */
static bool local_to_bind(const struct network *network, const struct peer *peer, union address *local)
{
    if (peer->listener >= network->socket_count)
        return false;
    if (!network->sockets[peer->listener].wildcard)
        *local = network->sockets[peer->listener].bound;
    else if (peer->local == 0 || !local_addresses_get(network->locals, peer->local, local))
        return false;
    if (local->any.sa_family == AF_INET6)
        local->v6.sin6_port = 0;
    else
        local->v4.sin_port = 0;
    return local->any.sa_family == peer->address.any.sa_family;
}

/* 5658-a: a connection leaves from the address that its Via names. The kernel chooses the port when it connects, so
   that connections to different peers can have the same one. */
static int bind_local(struct connection *connection)
{
    const int on = 1;
    union address local;
    if (!local_to_bind(connection->network, &connection->peer, &local))
        return 0;
    int descriptor = socket(local.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return -errno;
    setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    int error = bind(descriptor, &local.any, local.any.sa_family == AF_INET6 ? sizeof local.v6 : sizeof local.v4);
    error = error != 0 ? -errno : uv_tcp_open(&connection->tcp, descriptor);
    if (error != 0)
        close(descriptor);
    return error;
}

static struct connection *open_to(struct network *network, const struct peer *peer, struct text domain)
{
    struct connection *connection = connection_new(network, peer->transport, peer->listener);
    if (connection == NULL)
        return NULL;
    connection->peer.address = peer->address;
    connection->peer.local = peer->local;
    connection->connect.data = connection;
    connection->has_spoken = true;
    bool fits = share_take(connection, peer); /* first, because connection_watch() must know that it is being opened */
    enter(connection);
    network->counters.refused += !fits;
    if (connection->reason != NULL || !fits || layers_create(connection, domain, false) != 0 ||
        bind_local(connection) != 0 ||
        uv_tcp_connect(&connection->connect, &connection->tcp, &peer->address.any, on_connected) != 0) {
        connection_close(connection, "refused"); /* by this server, which tells nothing about the other */
        return NULL;
    }
    network->counters.opened++;
    note_local(connection);
    return connection;
}

static struct connection *find_or_open(struct network *network, struct peer *peer, struct text domain)
{
    struct connection *connection = find_by_address(network, peer, domain);
    if (connection == NULL)
        connection = open_to(network, peer, domain);
    if (connection != NULL)
        peer->connection = connection->number;
    return connection;
}

int connection_open(struct network *network, struct peer *peer, struct text domain)
{
    return find_or_open(network, peer, domain) != NULL ? 0 : -EPIPE;
}

int connection_reopen(struct network *network, struct peer *peer, struct text domain)
{
    struct connection *connection = find_by_address(network, peer, domain);
    if (connection == NULL)
        connection = connection_find(network, alias_find(network, peer, domain));
    bool known = connection != NULL;
    if (!known)
        connection = open_to(network, peer, domain);
    if (connection == NULL)
        return -EPIPE;
    int error = known ? 0 : admit(connection);
    if (error != 0) {
        connection_close(connection, "refused");
        return error;
    }
    peer->connection = connection->number;
    return 0;
}

int connection_send(struct network *network, struct peer *peer, const char *bytes, size_t length)
{
    struct connection *connection = NULL;
    if (peer->connection != 0)
        connection = connection_find(network, peer->connection);
    else if (peer->transport == TRANSPORT_TCP)
        connection = find_or_open(network, peer, (struct text){NULL, 0});
    return connection != NULL ? layers_send(connection, bytes, length) : -EPIPE;
}

uint16_t connection_local(const struct network *network, const struct peer *peer)
{
    const struct connection *connection = NULL;
    if (peer->connection != 0)
        connection = connection_find(network, peer->connection);
    else if (peer->transport == TRANSPORT_TCP)
        connection = find_by_address(network, peer, (struct text){NULL, 0});
    return connection != NULL ? connection->peer.local : 0;
}

void connection_hold(struct network *network, flow_id number, uint32_t seconds)
{
    struct connection *connection = connection_find(network, number);
    if (connection != NULL)
        connection->held_until_ms = connection_now(connection) + seconds * 1000ULL;
}

void connection_banned(void *context, struct source_connection *counted)
{
    (void)context;
    connection_close(TABLE_OWNER(counted, struct connection, counted), "banned");
}

/* Binds now, so that a port in use is reported at start. */
static int bound_socket(const union address *address)
{
    const int on = 1;
    bool six = address->any.sa_family == AF_INET6;
    int descriptor = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return -errno;
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (!six || setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
        bind(descriptor, &address->any, six ? sizeof address->v6 : sizeof address->v4) == 0)
        return descriptor;
    int error = -errno;
    close(descriptor);
    return error;
}

int connection_listen(struct socket *socket, const union address *address)
{
    int descriptor = bound_socket(address);
    if (descriptor < 0)
        return descriptor;
    return acceptor_create(&socket->acceptor, socket->network->config.loop, descriptor, 1024, on_connection, socket);
}

void connections_close(struct network *network)
{
    struct table_link *link;
    while ((link = table_any(&network->connections)) != NULL) {
        layers_leave(TABLE_OWNER(link, struct connection, link));
        connection_close(TABLE_OWNER(link, struct connection, link), "closed");
    }
}
