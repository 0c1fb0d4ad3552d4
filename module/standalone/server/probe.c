// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/probe.h"
#include "standalone/server/server_private.h"
#include "standalone/server/branch.h"
#include "standalone/server/context.h"
#include "standalone/server/flows.h"
#include "standalone/address/own_side.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/*
 * ICMP errors (5626-7.j). Anybody can send one that names a flow by its addresses and ports. Only the branch of a
 * waiting request proves that the datagram has reached the sender of the error. Without that proof the server sends one
 * OPTIONS over the flow, and only silence ends the flow.
 */

enum {
    PROBE_MS = 5000,    /* until silence ends the flow; no second OPTIONS is sent before */
    PROBES_MOST = 1024, /* at a time, because errors can be forged for every flow */
    FLOW_URI_MOST = 256,
    ERROR_LEAST = 56 /* bytes of the shortest ICMP error: two IPv4 headers, its own, and 8 quoted bytes */
};

struct probe {
    struct table_link link; /* by flow, until PROBE_MS are over */
    struct server *server;
    struct client_transaction *transaction; /* NULL: has ended */
    struct peer peer;
    struct timer timer;
    bool settled; /* a response was received, the flow is dead, or nothing could be sent */
};

static void probe_delete(struct probe *probe)
{
    struct server *server = probe->server;
    table_remove(&server->probes, &probe->link);
    timer_give_back(&server->timers, &probe->timer);
    memory_delete(server->config.host, probe, sizeof *probe);
}

static void probe_answered(void *user, struct client_transaction *transaction, struct sip_message **response)
{
    (void)transaction;
    (void)response;
    ((struct probe *)user)->settled = true;
}

static void probe_failed(void *user, struct client_transaction *transaction, bool down)
{
    (void)transaction;
    (void)down;
    ((struct probe *)user)->settled = true;
}

static void probe_ended(void *user, struct client_transaction *transaction)
{
    struct probe *probe = user;
    (void)transaction;
    probe->transaction = NULL;
    if (!timer_runs(&probe->timer))
        probe_delete(probe);
}

/* Timer F does not matter: the probe's own timer limits the silence. */
static const struct client_events probe_events = {
    .response = probe_answered, .failed = probe_failed, .ended = probe_ended};

static void probe_fires(struct timer *timer)
{
    struct probe *probe = TABLE_OWNER(timer, struct probe, timer);
    struct server *server = probe->server;
    table_remove(&server->probes, &probe->link);
    if (!probe->settled) {
        server->counters.probes_silent++;
        server_flow_down(server, peer_flow(&probe->peer), "icmp");
    }
    if (probe->transaction == NULL)
        probe_delete(probe);
}

/* A URI from elsewhere: accepted only if it cannot end a line or a URI in angle brackets. */
static bool is_plain_uri(struct text uri)
{
    for (size_t i = 0; i < uri.length; i++) {
        if (uri.at[i] <= ' ' || uri.at[i] == 0x7f || uri.at[i] == '<' || uri.at[i] == '>')
            return false;
    }
    return uri.length > 0 && uri.length < FLOW_URI_MOST;
}

/* The Contact of the flow's binding (3261-16.6.a), because some phones ignore requests for other URIs; otherwise the
   flow's address. */
static void options_uri(const struct server *server, const struct peer *peer, char out[FLOW_URI_MOST])
{
    struct binding_view view = {0};
    const struct binding *binding = binding_first_on_flow(server->bindings, peer_flow(peer));
    snprintf(out, FLOW_URI_MOST, "sip:");
    if (binding != NULL)
        binding_read(binding, &view);
    if (is_plain_uri(view.contact)) {
        snprintf(out, FLOW_URI_MOST, "%.*s", (int)view.contact.length, view.contact.at);
        out[sip_uri_strip(out, strlen(out))] = '\0';
    } else {
        address_format(&peer->address, out + 4, FLOW_URI_MOST - 4);
    }
}

static size_t options_write(const struct server *server, const struct peer *peer, const struct options *options,
                            struct branch_id id, char *out, size_t size)
{
    char via[VIA_MOST], of_flow[FLOW_URI_MOST];
    const char *uri = options->uri;
    struct own_side side;
    own_side_read(server, peer, &side);
    if (uri == NULL)
        options_uri(server, peer, of_flow);
    uri = uri != NULL ? uri : of_flow;
    if (branch_via(server, peer, id, via, sizeof via) == 0)
        return 0;
    int length = snprintf(out, size,
                          "OPTIONS %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: %u\r\nFrom: <sip:%s:%u>;tag=%016" PRIx64
                          "\r\nTo: <%s>\r\nCall-ID: %016" PRIx64 "%016" PRIx64
                          "\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
                          uri, via, options->max_forwards, side.host, side.port, host_random_64(server->config.host),
                          uri, host_random_64(server->config.host), host_random_64(server->config.host));
    return length < 0 || (size_t)length >= size ? 0 : (size_t)length;
}

int probe_send_options(struct server *server, const struct peer *peer, const struct options *options,
                       struct cause *cause, const struct client_events *events, void *user,
                       struct client_transaction **out)
{
    char bytes[2048];
    struct branch_id id = branch_draw(server->transactions, 0);
    struct text request = {bytes, options_write(server, peer, options, id, bytes, sizeof bytes)};
    if (request.length == 0)
        return -EMSGSIZE;
    int error = client_transaction_new(server->transactions, id, METHOD_OPTIONS, peer, cause, request, user, out);
    if (error == 0)
        client_transaction_listen(*out, events);
    return error;
}

/* The cause is the error, which may be forged like the flow's address. Max-Forwards 0: the peer itself shall answer
   (RFC 3261 11). Returns false if nothing was started; the caller then deletes the probe. */
static bool probe_send(struct probe *probe)
{
    struct server *server = probe->server;
    struct cause *cause = cause_new(server->config.host, &probe->peer, ERROR_LEAST);
    bool begun = cause != NULL && timer_start(&server->timers, &probe->timer, PROBE_MS) == 0 &&
                 probe_send_options(server, &probe->peer, &(struct options){0}, cause, &probe_events, probe,
                                    &probe->transaction) == 0;
    cause_release(server->config.host, cause);
    return begun;
}

static void probe_start(struct server *server, const struct peer *peer)
{
    struct probe *probe = memory_new(server->config.host, sizeof *probe);
    if (probe == NULL)
        return;
    probe->server = server;
    probe->peer = *peer;
    probe->timer.fire = probe_fires;
    if (timer_keep(&server->timers, &probe->timer) != 0) {
        memory_delete(server->config.host, probe, sizeof *probe);
        return;
    }
    if (!probe_send(probe)) {
        probe_delete(probe);
        return;
    }
    table_add(&server->probes, &probe->link, peer_flow(peer));
    server->counters.probes++;
}

/* Only flows with an outbound binding are probed. An error does not affect plain bindings, and without a binding the
   waiting request has its own timers. */
static bool may_probe(const struct server *server, const struct peer *peer)
{
    flow_id flow = server_flow_of(server, peer);
    return flow != 0 && server->probes.count < PROBES_MOST && table_find(&server->probes, flow) == NULL &&
           server_flow_is_outbound(server, flow);
}

void server_datagram_returned(struct server *server, const struct peer *peer, struct text quoted)
{
    flow_id flow = transactions_quoted_flow(server->transactions, peer, quoted);
    if (flow != 0) {
        server_flow_down(server, flow, "icmp");
        return;
    }
    server->counters.icmp_unproved++;
    if (may_probe(server, peer))
        probe_start(server, peer);
}

void probes_clear(struct server *server)
{
    struct table_link *link;
    while ((link = table_any(&server->probes)) != NULL)
        probe_delete(TABLE_OWNER(link, struct probe, link));
}
