// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/failed_address.h"
#include "standalone/server/server_private.h"
#include "standalone/address/destination.h"
#include "standalone/address/own_side.h"
#include "standalone/server/branch.h"
#include "standalone/server/probe.h"
#include "standalone/server/verbose.h"

#include <stdio.h>

enum {
    WAIT_LEAST_MS = 1000, /* until the first probe; doubled after each one that is not answered */
    WAIT_MOST_MS = 60000,
    ANSWER_MS = 4000, /* over UDP, the request is then sent four times */
    AT_ONCE_MOST = 64,
    KEPT_MS = 24 * 3600 * 1000,
    MAX_FORWARDS = 70
};

struct failed_address {
    struct table_link link;      /* by address and transport */
    struct table_link name_link; /* by `name` */
    struct server *server;
    union address address;
    struct peer near;    /* the own socket to send from: peer_choose_listener() */
    struct text domain;  /* of the URI that led to it; over TLS the address must prove it */
    struct text name;    /* domain, port and transport, as silent_name_write() writes them; empty: a numeric host */
    uint16_t named_port; /* of that URI */
    uint8_t transport;   /* enum transport */
    bool silent;         /* it did not answer at all */
    bool all_silent;     /* nor did the other addresses of the name */
    bool waits;          /* for the answer to a probe */
    uint32_t wait_ms;    /* until the next probe */
    uint64_t wanted_ms;  /* when a request last wanted it */
    struct timer timer;  /* the next probe, or the end of this one */
    struct client_transaction *transaction; /* of the probe; NULL: none, or it has ended */
};

static uint64_t address_key(const struct server *server, enum transport transport, const union address *address)
{
    return hash_pair(&server->rest_key, address_hash(&server->rest_key, address), transport);
}

static bool is_domain(enum transport transport, struct text a, struct text b)
{
    return !transport_is_secure(transport) || text_equal_nocase(a, b);
}

static struct failed_address *failed_find(const struct server *server, enum transport transport,
                                          const union address *address, struct text domain)
{
    if (server->failed.count == 0)
        return NULL;
    struct table_link *link = table_find(&server->failed, address_key(server, transport, address));
    for (; link != NULL; link = table_next(link)) {
        struct failed_address *failed = TABLE_OWNER(link, struct failed_address, link);
        if (failed->transport == transport && address_equal(&failed->address, address) &&
            is_domain(transport, failed->domain, domain))
            return failed;
    }
    return NULL;
}

static void end_probe(struct failed_address *failed)
{
    struct server *server = failed->server;
    server->failed_probes -= failed->waits;
    failed->waits = false;
    if (failed->transaction != NULL)
        client_transaction_forget(failed->transaction);
    failed->transaction = NULL;
}

static void set_silent(struct failed_address *failed, bool silent)
{
    failed->server->failed_silent += (size_t)silent - (size_t)failed->silent;
    failed->silent = silent;
}

static void failed_delete(struct failed_address *failed)
{
    struct server *server = failed->server;
    const struct host *host = server->config.host;
    end_probe(failed);
    set_silent(failed, false);
    table_remove(&server->failed, &failed->link);
    table_remove(&server->failed_names, &failed->name_link);
    timer_give_back(&server->timers, &failed->timer);
    memory_delete_text(host, failed->domain);
    memory_delete_text(host, failed->name);
    memory_delete(host, failed, sizeof *failed);
}

/* --- names --- */

static struct failed_address *next_of_name(struct table_link *link, struct text name)
{
    for (; link != NULL; link = table_next(link)) {
        struct failed_address *failed = TABLE_OWNER(link, struct failed_address, name_link);
        if (text_equal(failed->name, name))
            return failed;
    }
    return NULL;
}

static struct failed_address *first_of_name(const struct server *server, struct text name)
{
    return next_of_name(table_find(&server->failed_names, hash_seal(&server->rest_key, name)), name);
}

bool failed_name_is_silent(const struct server *server, struct text name)
{
    const struct failed_address *failed = first_of_name(server, name);
    while (failed != NULL && !failed->all_silent)
        failed = next_of_name(table_next(&failed->name_link), name);
    return failed != NULL;
}

void failed_name_end(struct server *server, struct text name)
{
    struct failed_address *failed = first_of_name(server, name);
    for (; failed != NULL; failed = next_of_name(table_next(&failed->name_link), name))
        failed->all_silent = false;
}

static void failed_end(struct failed_address *failed)
{
    struct server *server = failed->server;
    verbose_address(server, failed->transport, &failed->address, "answers again");
    if (failed->name.length > 0)
        failed_name_end(server, failed->name);
    failed_delete(failed);
}

/* --- probes --- */

/* Half of the time is random, so that the probes of many addresses do not coincide. */
static void start_wait(struct failed_address *failed)
{
    struct server *server = failed->server;
    const struct host *host = server->config.host;
    uint32_t half = failed->wait_ms / 2;
    timer_start(&server->timers, &failed->timer, half + host->random(host->context) % (half + 1));
}

static void probe_lost(struct failed_address *failed)
{
    end_probe(failed);
    failed->wait_ms = failed->wait_ms < WAIT_MOST_MS / 2 ? 2 * failed->wait_ms : WAIT_MOST_MS;
    if (host_now_ms(failed->server->config.host) - failed->wanted_ms > KEPT_MS)
        failed_delete(failed);
    else
        start_wait(failed);
}

static void on_response(void *user, struct client_transaction *transaction, struct sip_message **response)
{
    (void)transaction;
    (void)response;
    failed_end(user);
}

static void on_failed(void *user, struct client_transaction *transaction, bool down)
{
    (void)transaction;
    (void)down;
    probe_lost(user);
}

static void on_ended(void *user, struct client_transaction *transaction)
{
    struct failed_address *failed = user;
    (void)transaction;
    failed->transaction = NULL;
}

static const struct client_events probe_events = {.response = on_response, .failed = on_failed, .ended = on_ended};

static void write_uri(const struct failed_address *failed, char uri[OPTIONS_URI_MOST])
{
    char address[64], port[8] = "";
    address_format(&failed->address, address, sizeof address);
    if (failed->name.length > 0 && failed->named_port != transport_port(failed->transport))
        snprintf(port, sizeof port, ":%u", failed->named_port);
    snprintf(uri, OPTIONS_URI_MOST, "sip:%.*s%s%s", failed->name.length > 0 ? (int)failed->domain.length : 64,
             failed->name.length > 0 ? failed->domain.at : address, port, transport_uri_parameter(failed->transport));
}

static bool probe_send(struct failed_address *failed)
{
    char uri[OPTIONS_URI_MOST];
    struct server *server = failed->server;
    struct peer peer = {.transport = failed->transport, .address = failed->address};
    write_uri(failed, uri);
    return peer_choose_listener(server, &failed->near, &peer) && peer_connect(server, &peer, failed->domain) &&
           own_side_choose(server, &peer) &&
           server->send_options(server, &peer, &(struct options){uri, MAX_FORWARDS}, NULL, &probe_events, failed,
                                &failed->transaction) == 0;
}

static void probe_begin(struct failed_address *failed)
{
    struct server *server = failed->server;
    if (!probe_send(failed)) {
        probe_lost(failed);
        return;
    }
    failed->waits = true;
    server->failed_probes++;
    server->counters.address_probes++;
    timer_start(&server->timers, &failed->timer, ANSWER_MS);
}

static void timer_fires(struct timer *timer)
{
    struct failed_address *failed = TABLE_OWNER(timer, struct failed_address, timer);
    if (failed->waits)
        probe_lost(failed);
    else if (failed->server->failed_probes >= AT_ONCE_MOST)
        start_wait(failed);
    else
        probe_begin(failed);
}

/* --- the addresses --- */

static bool copy_texts(struct failed_address *failed, struct text domain, struct text name)
{
    const struct host *host = failed->server->config.host;
    return memory_copy(host, domain, &failed->domain) && memory_copy(host, name, &failed->name);
}

static struct failed_address *failed_new(const struct branch *branch, struct text name)
{
    struct server *server = branch->context->server;
    const struct host *host = server->config.host;
    struct failed_address *failed = server->failed.count < FAILED_MOST ? memory_new(host, sizeof *failed) : NULL;
    if (failed == NULL)
        return NULL;
    failed->server = server;
    failed->timer.fire = timer_fires;
    if (!copy_texts(failed, branch->domain, name) || timer_keep(&server->timers, &failed->timer) != 0) {
        failed_delete(failed);
        return NULL;
    }
    failed->transport = branch->peer.transport;
    failed->address = branch->peer.address;
    failed->near = branch->near;
    failed->named_port = branch->named_port;
    failed->wait_ms = WAIT_LEAST_MS;
    table_add(&server->failed, &failed->link, address_key(server, (enum transport)failed->transport, &failed->address));
    if (failed->name.length > 0)
        table_add(&server->failed_names, &failed->name_link, hash_seal(&server->rest_key, failed->name));
    server->counters.address_failures++;
    verbose_address(server, failed->transport, &failed->address, "has failed");
    start_wait(failed);
    return failed;
}

void failed_address_note(const struct branch *branch, const struct failure *failure)
{
    struct server *server = branch->context->server;
    struct failed_address *failed =
        failed_find(server, (enum transport)branch->peer.transport, &branch->peer.address, branch->domain);
    if (failed == NULL)
        failed = failed_new(branch, failure->name);
    if (failed == NULL)
        return;
    failed->wanted_ms = host_now_ms(server->config.host);
    failed->all_silent |= failure->name_silent;
    set_silent(failed, failure->silent);
}

void failed_address_end(struct server *server, enum transport transport, const union address *address,
                        struct text domain)
{
    struct failed_address *failed = failed_find(server, transport, address, domain);
    if (failed != NULL)
        failed_end(failed);
}

enum address_state failed_address_state(const struct server *server, enum transport transport,
                                        const union address *address, struct text domain)
{
    const struct failed_address *failed = failed_find(server, transport, address, domain);
    if (failed == NULL)
        return ADDRESS_FINE;
    return failed->silent ? ADDRESS_SILENT : ADDRESS_FAILED;
}

void failed_address_want(struct server *server, enum transport transport, const union address *address,
                         struct text domain)
{
    struct failed_address *failed = failed_find(server, transport, address, domain);
    if (failed != NULL)
        failed->wanted_ms = host_now_ms(server->config.host);
}

size_t failed_address_count(const struct server *server)
{
    return server->failed.count;
}

size_t failed_address_silent(const struct server *server)
{
    return server->failed_silent;
}

void failed_addresses_clear(struct server *server)
{
    struct table_link *link;
    while ((link = table_any(&server->failed)) != NULL)
        failed_delete(TABLE_OWNER(link, struct failed_address, link));
}
