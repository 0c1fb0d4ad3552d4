// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/connection_private.h"

#include "flow/ack_watch.h"
#include "flow/recovery.h"

#include <errno.h>

/* Timeouts of a connection: unfinished messages, silence, missing pongs (RFC 5626 4.4.1, 5.4), missing
   acknowledgements (5626-7.i). */

/* True for a flow of a registrar or an edge, through which the user agent may be called. */
static bool is_registered(const struct connection *connection)
{
    return connection_now(connection) < connection->held_until_ms ||
           connection->network->events->flow_is_bound(connection->network->server, connection->number);
}

/* True for an outbound flow, whose user agent answers keep-alives (RFC 5626 3.5.1). A plain phone may not know them. */
static bool is_pinged(const struct connection *connection)
{
    return connection->network->config.limits.flow_timer != 0 &&
           (connection_now(connection) < connection->held_until_ms ||
            connection->network->events->flow_is_outbound(connection->network->server, connection->number));
}

/* One or two bytes may be half of a keep-alive and may wait, but not those of a peer that has never completed
   anything. */
bool connection_is_unfinished(const struct connection *connection)
{
    return !connection->has_spoken || connection->pending_length > 2 || layers_are_unfinished(connection);
}

/* When to check the connection again: for an unfinished message, for the pong, for silence. */
static uint64_t next_look(const struct connection *connection)
{
    const struct network_limits *limits = &connection->network->config.limits;
    uint64_t due = connection->heard_ms + limits->idle_s * 1000ULL;
    if (connection->opening || connection->awaits_header)
        return connection->began_ms + limits->connect_s * 1000ULL;
    /* The connection of a plain phone may be silent for longer. */
    if (due <= connection_now(connection))
        due = connection_now(connection) + limits->idle_s * 1000ULL;
    if (is_pinged(connection))
        due = connection->heard_ms + keepalive_grace_ms(limits->flow_timer) +
              (connection->pinged ? KEEPALIVE_PONG_MS : 0);
    if (connection_is_unfinished(connection) && connection->began_ms + limits->message_s * 1000ULL < due)
        due = connection->began_ms + limits->message_s * 1000ULL;
    return due;
}

void connection_watch(struct connection *connection)
{
    uint64_t due = next_look(connection), at = connection_now(connection);
    const struct network_limits *limits = &connection->network->config.limits;
    uint64_t wait = due > at ? due - at : 0;
    /* A REGISTER may start the Flow-Timer of the flow at any time, so check at least that often. */
    if (limits->flow_timer != 0 && wait > keepalive_grace_ms(limits->flow_timer))
        wait = keepalive_grace_ms(limits->flow_timer);
    if (timer_start(connection->network->events->timers(connection->network->server), &connection->check, wait) != 0)
        connection_close(connection, "memory");
}

bool connection_ping(struct network *network, flow_id number, bool *answered)
{
    struct connection *connection = connection_find(network, number);
    if (connection == NULL)
        return false;
    *answered = !connection->asked;
    connection->asked = true;
    network->counters.pings_sent++;
    layers_ping(connection);
    return true;
}

void connection_check_fires(struct timer *timer)
{
    struct connection *connection = TABLE_OWNER(timer, struct connection, check);
    struct network_counters *counters = &connection->network->counters;
    const struct network_limits *limits = &connection->network->config.limits;
    uint64_t at = connection_now(connection), silent = at - connection->heard_ms;
    if (connection->awaits_header && at - connection->began_ms >= limits->connect_s * 1000ULL) {
        connection_refuse_header(connection, "it was not complete within --connect-time");
    } else if (connection->opening && at - connection->began_ms >= limits->connect_s * 1000ULL) {
        counters->connect_late++;
        connection_close(connection, FLOW_UNOPENED);
    } else if (!connection->awaits_header && connection_is_unfinished(connection) &&
               at - connection->began_ms >= limits->message_s * 1000ULL) {
        counters->unfinished++;
        connection_close(connection, "unfinished");
    } else if (is_pinged(connection)) {
        if (connection->pinged && silent >= keepalive_grace_ms(limits->flow_timer) + KEEPALIVE_PONG_MS) {
            counters->keepalive_lost++;
            connection_close(connection, "keepalive");
        } else if (!connection->pinged && silent >= keepalive_grace_ms(limits->flow_timer)) {
            counters->pings_sent++;
            connection->pinged = true;
            layers_ping(connection);
        }
    } else if (silent >= limits->idle_s * 1000ULL && !is_registered(connection)) {
        counters->idle++;
        layers_leave(connection);
        connection_close(connection, "idle");
    }
    if (connection->reason == NULL)
        connection_watch(connection);
}

int connection_acks(const struct connection *connection, struct ack_sample *sample)
{
    uv_os_fd_t descriptor;
    if (connection->reason != NULL || uv_fileno((const uv_handle_t *)&connection->tcp, &descriptor) != 0)
        return -ENOTCONN;
    int error = ack_sample_read(descriptor, sample);
    if (error == 0 && connection->unsent > 0)
        sample->unsent = UINT32_MAX;
    return error;
}

void connection_abort(struct connection *connection)
{
    static const struct linger discard = {.l_onoff = 1, .l_linger = 0};
    uv_os_fd_t descriptor;
    if (connection->reason != NULL)
        return;
    if (uv_fileno((const uv_handle_t *)&connection->tcp, &descriptor) == 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &discard, sizeof discard);
    connection->network->counters.unacknowledged++;
    connection_close(connection, "unacknowledged");
}
