// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/connection_private.h"

/*
 * Shares of the connections that this server opens. A stranger can name any address, in a Contact, a Via or a Route,
 * and so make the server connect there. What strangers cause has a share for each of them and one in total, so that
 * there is always room for peers that connect, and for the destinations of the policy and of the operator.
 */

enum {
    OPENING_SHARE = 4, /* of --max-connections, for connections that are not open yet */
    OPENING_LEAST = 16,
    STRANGE_SHARE = 2,        /* of those, and of all, that strangers have caused */
    STRANGE_SOURCE_SHARE = 8, /* the same for one source */
    SPARE = 64                /* beyond --max-connections, for connections that no stranger has caused */
};

static uint64_t hash_of(const struct network *network, uint64_t source)
{
    return hash_pair(&network->address_key, source, 0);
}

static uint32_t opening_most(const struct network *network)
{
    return network->config.limits.connections / OPENING_SHARE + OPENING_LEAST;
}

static uint32_t strange_most(const struct network *network)
{
    return network->config.limits.connections / STRANGE_SHARE + OPENING_LEAST;
}

static bool source_fits(const struct connection *connection)
{
    const struct network *network = connection->network;
    uint32_t all = 0, opening = 0;
    struct table_link *link = table_find(&network->strange, hash_of(network, connection->named_by));
    for (; link != NULL && all <= strange_most(network) / STRANGE_SOURCE_SHARE; link = table_next(link)) {
        const struct connection *other = TABLE_OWNER(link, struct connection, share);
        all += other->named_by == connection->named_by;
        opening += other->named_by == connection->named_by && other->opening;
    }
    return all <= strange_most(network) / STRANGE_SOURCE_SHARE &&
           opening <= opening_most(network) / STRANGE_SOURCE_SHARE;
}

static bool stranger_fits(const struct connection *connection)
{
    const struct network *network = connection->network;
    return network->counters.connections <= network->config.limits.connections &&
           network->opening_strange <= opening_most(network) / STRANGE_SHARE &&
           network->strange.count <= strange_most(network) && source_fits(connection);
}

bool share_take(struct connection *connection, const struct peer *peer)
{
    struct network *network = connection->network;
    connection->opening = true;
    connection->named_by = source_is_trusted(network->config.sources, &peer->address) ? 0 : peer->named_by;
    network->opening++;
    if (connection->named_by != 0) {
        network->opening_strange++;
        table_add(&network->strange, &connection->share, hash_of(network, connection->named_by));
    }
    if (network->opening > opening_most(network))
        return false;
    if (connection->named_by != 0)
        return stranger_fits(connection);
    return network->counters.connections <= network->config.limits.connections + SPARE;
}

void share_opened(struct connection *connection)
{
    struct network *network = connection->network;
    network->opening -= connection->opening;
    network->opening_strange -= connection->opening && connection->named_by != 0;
    connection->opening = false;
}

void share_give_back(struct connection *connection)
{
    share_opened(connection);
    table_remove(&connection->network->strange, &connection->share);
}
