// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/connection_private.h"

#include "core/code.h"

/* Splits a stream into messages and keep-alives (RFC 3261 18.3, RFC 5626 4.4.1, 5.4). */

static void broken(struct connection *connection, const char *bytes, size_t length, uint16_t status)
{
    connection->network->counters.oversized++;
    connection->network->events->received_fault(connection->network->server, &connection->peer, bytes, length, status);
    connection_close(connection, "closed");
}

/* Handles complete messages at the front; returns the number of bytes used. Stops if the connection was closed. */
static size_t take(struct connection *connection, const char *bytes, size_t available)
{
    struct network *network = connection->network;
    size_t used = 0, length;
    while (used < available && connection->reason == NULL) {
        const char *at = bytes + used;
        enum frame frame =
            sip_frame(at, available - used, &network->config.limits.message, &connection->resume, &length);
        if (frame == FRAME_MORE && available - used == 2 && connection->pinged && at[0] == '\r') {
            frame = FRAME_PONG;
            length = 2;
        }
        if (frame == FRAME_MORE)
            break;
        connection->resume = 0;
        used += length;
        if (frame == FRAME_MESSAGE) {
            connection->stray = 0;
            connection->has_spoken = true;
            network->events->received(network->server, &connection->peer, at, length);
        } else if (frame == FRAME_TOO_LONG) {
            broken(connection, at, length, SIP_REQUEST_ENTITY_TOO_LARGE);
        } else if (frame == FRAME_BROKEN) {
            broken(connection, at, length, SIP_BAD_REQUEST);
        } else {
            layers_padding(connection, frame, length);
        }
    }
    return used;
}

static bool reserve(struct connection *connection, size_t length)
{
    const struct host *host = connection->network->config.host;
    size_t capacity = connection->pending_capacity ? connection->pending_capacity : 2048;
    while (capacity < length)
        capacity *= 2;
    if (capacity == connection->pending_capacity)
        return true;
    char *pending = host->allocate(host->context, connection->pending, connection->pending_capacity, capacity);
    if (pending == NULL)
        return false;
    connection->pending = pending;
    connection->pending_capacity = capacity;
    return true;
}

static bool keep(struct connection *connection, const char *bytes, size_t length)
{
    if (connection->pending_length == 0)
        connection->began_ms = connection_now(connection);
    if (!reserve(connection, connection->pending_length + length))
        return false;
    memcpy(connection->pending + connection->pending_length, bytes, length);
    connection->pending_length += length;
    return true;
}

void stream_put(struct connection *connection, const char *bytes, size_t length)
{
    size_t used;
    if (connection->pending_length == 0) {
        used = take(connection, bytes, length);
        if (used < length && connection->reason == NULL && !keep(connection, bytes + used, length - used))
            connection_close(connection, "memory");
        return;
    }
    if (!keep(connection, bytes, length)) {
        connection_close(connection, "memory");
        return;
    }
    used = take(connection, connection->pending, connection->pending_length);
    if (used == connection->pending_length) {
        connection_free_pending(connection);
    } else if (used > 0) {
        memmove(connection->pending, connection->pending + used, connection->pending_length - used);
        connection->pending_length -= used;
        connection->began_ms = connection_now(connection);
    }
}
