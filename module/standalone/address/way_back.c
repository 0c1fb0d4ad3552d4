// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/address/way_back.h"
#include "standalone/server/server_private.h"
#include "standalone/address/destination.h"

struct way_back {
    struct way_back *next;
    struct server *server;
    struct peer source; /* of the request, with the number of the lost connection */
    struct peer peer;   /* where the response was sent last; connection 0: nowhere */
    source_id holder;
    struct timer timer; /* it is no longer kept */
    struct text bytes;
    struct place places[PLACES_MOST];
    size_t count, tried;
    bool located, locating;
    uint16_t port; /* of sent-by; 0: it has none */
    char host[LOCATE_HOST_SIZE];
};

static size_t cost_of(const struct way_back *way)
{
    return sizeof *way + way->bytes.length;
}

static void way_back_delete(struct way_back *way)
{
    struct server *server = way->server;
    const struct host *host = server->config.host;
    struct way_back **place = &server->ways_back.first;
    while (*place != way)
        place = &(*place)->next;
    *place = way->next;
    server->ways_back.count--;
    server->ways_back.strange -= way->holder != 0;
    holdings_remove(&server->requests_kept, way->holder, cost_of(way));
    timer_give_back(&server->timers, &way->timer);
    memory_delete_text(host, way->bytes);
    memory_delete(host, way, sizeof *way);
}

static void timer_fires(struct timer *timer)
{
    way_back_delete(TABLE_OWNER(timer, struct way_back, timer));
}

/* --- the servers of the name --- */

static bool may_be_sent_to(const struct way_back *way, const struct place *place)
{
    return !address_equal(&place->address, &way->peer.address) &&
           (way->holder == 0 || address_same_machine(&place->address, &way->source.address));
}

static bool send_to_place(struct way_back *way, const struct place *place)
{
    struct server *server = way->server;
    const struct wire *wire = server->config.wire;
    struct peer peer = {.transport = place->transport, .address = place->address};
    if (!peer_choose_listener(server, &way->source, &peer))
        return false;
    peer.named_by = source_that_names(server, &way->source);
    if (wire->reopen(wire->context, &peer, text_of(way->host)) != 0 ||
        wire->send(wire->context, &peer, way->bytes.at, way->bytes.length) != 0)
        return false;
    way->peer = peer;
    server->counters.responses_by_name++;
    timer_start(&server->timers, &way->timer, WAY_BACK_MS);
    return true;
}

static void try_next_place(struct way_back *way)
{
    while (way->tried < way->count) {
        if (send_to_place(way, &way->places[way->tried++]))
            return;
    }
    way_back_delete(way);
}

static void located(void *again, const struct place *places, size_t count)
{
    struct way_back *way = again;
    way->located = true;
    way->locating = false;
    for (size_t i = 0; i < count; i++) {
        if (may_be_sent_to(way, &places[i]))
            way->places[way->count++] = places[i];
    }
    try_next_place(way);
}

/* RFC 3263 5. The number of the lost connection draws from servers of one priority, so that all responses for it go to
   the same one. */
static void locate(struct way_back *way)
{
    const struct wire *wire = way->server->config.wire;
    const struct locate_query query = {.host = way->host,
                                       .port = way->port,
                                       .transport = way->source.transport,
                                       .callable = 1U << way->source.transport,
                                       .selection = way->source.connection};
    timer_stop(&way->server->timers, &way->timer);
    way->locating = true;
    if (wire->locate(wire->context, &way->source, &query, located, way) != 0)
        way_back_delete(way);
}

static void go_on(struct way_back *way)
{
    way->peer.connection = 0;
    if (way->located)
        try_next_place(way);
    else
        locate(way);
}

/* --- responses --- */

/* At the address of a stranger, a name and a port would lead to where no connection could be opened. */
static bool leads_elsewhere(const struct server *server, const struct way_back_response *response)
{
    union address numeric;
    const struct sip_via *via = response->via;
    return server->config.wire->locate != NULL && transport_may_be_called(response->source->transport) &&
           via->host.length < LOCATE_HOST_SIZE && !address_read(via->host, 0, &numeric) &&
           !host_is_invalid(via->host) && (response->holder == 0 || via->port == 0);
}

static size_t count_of(const struct ways_back *ways, source_id holder)
{
    size_t count = 0;
    for (const struct way_back *way = ways->first; way != NULL; way = way->next)
        count += way->holder == holder;
    return count;
}

static bool has_room(const struct server *server, const struct way_back_response *response)
{
    const struct ways_back *ways = &server->ways_back;
    if (response->holder == 0)
        return ways->count < WAYS_BACK_MOST;
    return ways->strange < WAYS_BACK_STRANGE && count_of(ways, response->holder) < WAYS_BACK_OF_SOURCE &&
           holdings_fit(&server->requests_kept, response->holder, sizeof(struct way_back) + response->bytes.length);
}

static void enter(struct way_back *way)
{
    struct ways_back *ways = &way->server->ways_back;
    struct way_back **place = &ways->first;
    while (*place != NULL)
        place = &(*place)->next;
    *place = way;
    ways->count++;
    ways->strange += way->holder != 0;
    holdings_add(&way->server->requests_kept, way->holder, cost_of(way));
}

static struct way_back *way_back_new(struct server *server, const struct way_back_response *response)
{
    const struct host *host = server->config.host;
    const struct sip_via *via = response->via;
    struct way_back *way = memory_new(host, sizeof *way);
    if (way == NULL)
        return NULL;
    if (!memory_copy(host, response->bytes, &way->bytes) || timer_keep(&server->timers, &way->timer) != 0) {
        memory_delete_text(host, way->bytes);
        memory_delete(host, way, sizeof *way);
        return NULL;
    }
    way->server = server;
    way->source = way->peer = *response->source;
    way->peer.connection = response->connection;
    address_set_port(&way->peer.address, via->port != 0 ? (uint16_t)via->port : transport_port(way->source.transport));
    way->holder = response->holder;
    way->port = (uint16_t)via->port;
    memcpy(way->host, via->host.at, via->host.length);
    way->timer.fire = timer_fires;
    enter(way);
    return way;
}

void way_back_keep(struct server *server, const struct way_back_response *response)
{
    if (!leads_elsewhere(server, response) || !has_room(server, response))
        return;
    struct way_back *way = way_back_new(server, response);
    if (way == NULL)
        return;
    if (response->connection != 0)
        timer_start(&server->timers, &way->timer, WAY_BACK_MS);
    else
        go_on(way);
}

static bool is_for(const struct way_back *way, const struct peer *source, const struct sip_via *via)
{
    return way->source.connection == source->connection && way->port == via->port &&
           text_equal_nocase(text_of(way->host), via->host);
}

bool way_back_find(const struct server *server, const struct peer *source, const struct sip_via *via, struct peer *back)
{
    struct peer other;
    const struct wire *wire = server->config.wire;
    for (const struct way_back *way = server->ways_back.first; way != NULL; way = way->next) {
        if (way->tried == 0 || way->peer.connection == 0 || !is_for(way, source, via) ||
            !wire->connection(wire->context, way->peer.connection, &other))
            continue;
        *back = way->peer;
        return true;
    }
    return false;
}

/* What was given to a connection that has been open is not sent again: it may have arrived. */
static bool has_not_opened(const char *reason)
{
    return strcmp(reason, FLOW_UNOPENED) == 0 || strcmp(reason, FLOW_REFUSED) == 0 || strcmp(reason, "tls") == 0;
}

void ways_back_flow_down(struct server *server, flow_id flow, const char *reason)
{
    struct way_back *next;
    for (struct way_back *way = server->ways_back.first; way != NULL; way = next) {
        next = way->next;
        if (way->locating || way->peer.connection != flow)
            continue;
        if (has_not_opened(reason))
            go_on(way);
        else
            way_back_delete(way);
    }
}

void ways_back_clear(struct server *server)
{
    while (server->ways_back.first != NULL)
        way_back_delete(server->ways_back.first);
}
