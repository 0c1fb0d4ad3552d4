// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/nat_ping.h"
#include "standalone/server/server_private.h"
#include "standalone/server/branch.h"
#include "standalone/server/context.h"
#include "standalone/server/probe.h"

/*
 * A ping is an OPTIONS, because every user agent must answer it in some way; CRLFCRLF is answered only by user agents
 * that know RFC 5626. Over WebSocket it is a ping frame, which the browser answers also while the page sleeps.
 *
 * An OPTIONS over UDP is repeated like any request, but not for longer than WAIT_MS, so that a dead flow costs four
 * datagrams in each interval and a lost datagram costs nothing.
 */

enum {
    WAIT_MS = 4000,
    MISSED_MOST = 3,  /* pings in a row without an answer, after which the flow is dead */
    CROWD_LEAST = 16, /* so many flows cannot all be silent at the same time by chance */
    MAX_FORWARDS = 70
};

struct nat_ping {
    struct table_link link; /* by flow */
    struct server *server;
    struct client_transaction *transaction; /* NULL: none, or it has ended */
    struct timer timer;
    flow_id flow;
    uint64_t received_then; /* messages that the server had received when it was sent */
    uint64_t sent_ms;       /* when it was sent */
    uint8_t missed;         /* in a row */
    bool waits;             /* for the response to an OPTIONS */
    bool settled;           /* a response was received, or it could not be sent */
};

static uint64_t interval_ms(const struct server *server)
{
    return server->config.nat_ping * 1000ULL;
}

static struct nat_ping *nat_ping_find(const struct server *server, flow_id flow)
{
    struct table_link *link = table_find(&server->nat_pings, flow);
    return link != NULL ? TABLE_OWNER(link, struct nat_ping, link) : NULL;
}

static void end_transaction(struct nat_ping *ping)
{
    if (ping->transaction != NULL)
        client_transaction_forget(ping->transaction);
    ping->transaction = NULL;
}

static void nat_ping_delete(struct nat_ping *ping)
{
    struct server *server = ping->server;
    end_transaction(ping);
    table_remove(&server->nat_pings, &ping->link);
    timer_give_back(&server->timers, &ping->timer);
    memory_delete(server->config.host, ping, sizeof *ping);
}

/* --- which flows --- */

/* 3261-10.a: a plain phone that is called over its flow, because its Contact does not lead to it. */
static bool needs_pings(const struct binding_view *view)
{
    return view->flow != 0 && view->reg_id == 0 && view->path.length == 0 && view->route != BINDING_BY_CONTACT &&
           view->state == BINDING_ALIVE;
}

/* An outbound binding on the flow means that its user agent sends keep-alives. */
static bool flow_needs_pings(const struct server *server, flow_id flow)
{
    bool needed = false;
    const struct binding *binding = binding_first_on_flow(server->bindings, flow);
    for (; binding != NULL; binding = binding_next_on_flow(server->bindings, binding)) {
        struct binding_view view;
        binding_read(binding, &view);
        if (view.reg_id != 0)
            return false;
        needed |= needs_pings(&view);
    }
    return needed;
}

/* --- answers --- */

static void on_response(void *user, struct client_transaction *transaction, struct sip_message **response)
{
    struct nat_ping *ping = user;
    (void)transaction;
    (void)response;
    ping->settled = true;
    ping->missed = 0;
}

/* What could not be sent says nothing about the phone. A datagram that came back is not answered. The end of a
   connection is reported by itself. */
static void on_failed(void *user, struct client_transaction *transaction, bool down)
{
    struct nat_ping *ping = user;
    (void)transaction;
    ping->settled = !down;
}

static void on_ended(void *user, struct client_transaction *transaction)
{
    struct nat_ping *ping = user;
    (void)transaction;
    ping->transaction = NULL;
}

static const struct client_events ping_events = {.response = on_response, .failed = on_failed, .ended = on_ended};

static uint64_t messages_received(const struct server *server)
{
    return server->counters.requests + server->counters.responses;
}

/* If the server has heard nobody since the ping, its own network has probably failed. */
static bool is_cut_off(const struct nat_ping *ping)
{
    return ping->server->nat_pings.count >= CROWD_LEAST && messages_received(ping->server) == ping->received_then;
}

/* Returns true if the flow is dead; the ping is then deleted. */
static bool nat_ping_miss(struct nat_ping *ping)
{
    struct server *server = ping->server;
    flow_id flow = ping->flow;
    if (is_cut_off(ping))
        return false;
    server->counters.nat_pings_lost++;
    if (++ping->missed < MISSED_MOST)
        return false;
    server->counters.nat_flows_lost++;
    nat_ping_delete(ping);
    server_flow_lost(server, flow, "nat-ping");
    return true;
}

/* --- pings --- */

static void nat_ping_note_sent(struct nat_ping *ping)
{
    ping->server->counters.nat_pings++;
    ping->sent_ms = host_now_ms(ping->server->config.host);
    ping->received_then = messages_received(ping->server);
}

/* The source of the REGISTER may be forged: until it has answered, it has its credit and no more. If pings have used
   that up without an answer, this one is lost too. Returns true if the flow is dead; the ping is then deleted. */
static bool send_options(struct nat_ping *ping, const struct peer *peer)
{
    enum { LENGTH = 512 }; /* about that of the request */
    struct server *server = ping->server;
    struct cause *cause = cause_new(server->config.host, peer, 0);
    bool allowed = cause != NULL && amplification_allows(&server->amplification, cause, peer, LENGTH);
    ping->settled = false;
    const struct options options = {.max_forwards = MAX_FORWARDS};
    if (allowed && probe_send_options(server, peer, &options, cause, &ping_events, ping, &ping->transaction) == 0) {
        ping->waits = true;
        nat_ping_note_sent(ping);
    }
    cause_release(server->config.host, cause);
    return cause != NULL && !allowed && ping->missed > 0 && nat_ping_miss(ping);
}

/* Returns true if the flow is dead; the ping is then deleted. */
static bool send_frame(struct nat_ping *ping)
{
    bool answered;
    const struct wire *wire = ping->server->config.wire;
    if (wire->ping == NULL || !wire->ping(wire->context, ping->flow, &answered))
        return false;
    if (answered)
        ping->missed = 0;
    else if (nat_ping_miss(ping))
        return true;
    nat_ping_note_sent(ping);
    return false;
}

static bool is_trusted(const struct server *server, const struct peer *peer)
{
    return source_is_trusted(server->config.sources, &peer->address);
}

/* Returns true if the ping was deleted, because the flow is dead or needs no pings any more. */
static bool nat_ping_begin(struct nat_ping *ping)
{
    struct peer peer;
    if (!flow_needs_pings(ping->server, ping->flow) || !peer_of_flow(ping->server, ping->flow, &peer) ||
        is_trusted(ping->server, &peer)) {
        nat_ping_delete(ping);
        return true;
    }
    if (transport_is_websocket(peer.transport))
        return send_frame(ping);
    return send_options(ping, &peer);
}

/* With a shorter interval, an OPTIONS without an answer still waits for the whole time, and its copies keep the NAT
   open. */
static void ping_fires(struct timer *timer)
{
    struct nat_ping *ping = TABLE_OWNER(timer, struct nat_ping, timer);
    struct server *server = ping->server;
    uint64_t elapsed = host_now_ms(server->config.host) - ping->sent_ms;
    bool waited = ping->waits;
    if (waited && !ping->settled && elapsed < WAIT_MS) {
        timer_start(&server->timers, timer, WAIT_MS - elapsed);
        return;
    }
    ping->waits = false;
    end_transaction(ping);
    if (waited && !ping->settled && nat_ping_miss(ping))
        return;
    if (waited && elapsed < interval_ms(server)) {
        timer_start(&server->timers, timer, interval_ms(server) - elapsed);
        return;
    }
    if (nat_ping_begin(ping))
        return;
    bool is_short = ping->waits && interval_ms(server) > WAIT_MS;
    timer_start(&server->timers, timer, is_short ? WAIT_MS : interval_ms(server));
}

/* When the first ping is sent. After a REGISTER the NAT knows the phone for a while, and phones register one by one;
   but the bindings of an earlier run come all at once. */
static uint64_t first_ping_ms(const struct server *server)
{
    const struct host *host = server->config.host;
    uint64_t least = server->restoring ? 0 : interval_ms(server) / 2;
    return least + host->random(host->context) % (interval_ms(server) - least);
}

static void nat_ping_new(struct server *server, flow_id flow)
{
    const struct host *host = server->config.host;
    struct nat_ping *ping = memory_new(host, sizeof *ping);
    if (ping == NULL)
        return;
    if (timer_keep(&server->timers, &ping->timer) != 0) {
        memory_delete(host, ping, sizeof *ping);
        return;
    }
    ping->server = server;
    ping->flow = flow;
    ping->timer.fire = ping_fires;
    table_add(&server->nat_pings, &ping->link, flow);
    timer_start(&server->timers, &ping->timer, first_ping_ms(server));
}

void nat_pings_note(struct server *server, const struct binding_view *view)
{
    if (server->config.nat_ping == 0 || !needs_pings(view))
        return;
    struct nat_ping *ping = nat_ping_find(server, view->flow);
    if (ping != NULL)
        ping->missed = 0;
    else
        nat_ping_new(server, view->flow);
}

size_t nat_pings_count(const struct server *server)
{
    return server->nat_pings.count;
}

void nat_pings_clear(struct server *server)
{
    struct table_link *link;
    while ((link = table_any(&server->nat_pings)) != NULL)
        nat_ping_delete(TABLE_OWNER(link, struct nat_ping, link));
}
