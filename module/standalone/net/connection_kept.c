// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/connection_private.h"

/*
 * Limits the memory of all connections together: bytes of unfinished messages, and bytes that a peer does not read.
 * Beyond the limit the connection that has waited longest is closed, because an honest message is complete long before.
 * Sources without limits are not counted.
 */

static void unlink_kept(struct connection *connection)
{
    struct network *network = connection->network;
    struct connection *before = connection->kept_before, *after = connection->kept_after;
    *(before != NULL ? &before->kept_after : &network->kept_oldest) = after;
    *(after != NULL ? &after->kept_before : &network->kept_newest) = before;
    connection->kept_before = connection->kept_after = NULL;
}

static void link_newest(struct connection *connection)
{
    struct network *network = connection->network;
    connection->kept_before = network->kept_newest;
    *(network->kept_newest != NULL ? &network->kept_newest->kept_after : &network->kept_oldest) = connection;
    network->kept_newest = connection;
    connection->kept_since_ms = connection->began_ms;
}

static size_t bytes_kept(const struct connection *connection)
{
    size_t held = connection->websocket != NULL ? websocket_held(connection->websocket) : 0;
    return connection->reason == NULL ? connection->pending_capacity + held + connection->unsent : 0;
}

void connection_count_kept(struct connection *connection)
{
    struct network *network = connection->network;
    size_t kept = bytes_kept(connection);
    bool was_linked = connection->kept > 0;
    if (kept > 0 && !was_linked &&
        (connection->trunk.length > 0 || source_is_exempt(network->config.sources, &connection->peer.address)))
        return;
    network->kept_bytes = network->kept_bytes - connection->kept + kept;
    connection->kept = kept;
    /* The wait begins again when one message has ended and the next one has begun. */
    if (was_linked && (kept == 0 || connection->kept_since_ms != connection->began_ms)) {
        unlink_kept(connection);
        was_linked = false;
    }
    if (kept > 0 && !was_linked)
        link_newest(connection);
}
