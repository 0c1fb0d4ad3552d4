// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/connection_private.h"

#include <ctype.h>

/*
 * Connections that peers have opened and that are used for requests to the peers' own addresses (RFC 5923). One alias
 * for each connection, so that the table is bounded like the connections.
 *
 * An alias is found by an address, which is the source address of the connection with the port of Via, and over TLS
 * also by the host of Via. Over TLS it is used only for a domain that the peer's certificate contains (5922-7.a).
 */

enum { HOST_MOST = 255 };

struct connection_alias {
    struct table_link by_address, by_host;
    struct connection *connection;
    union address address; /* with the port of Via */
    struct text host;      /* of Via; in the table of hosts only if the certificate contains it */
};

/* --- finding --- */

static uint64_t host_hash(const struct network *network, struct text host, uint16_t port)
{
    char lower[HOST_MOST];
    size_t length = host.length < sizeof lower ? host.length : sizeof lower;
    for (size_t i = 0; i < length; i++)
        lower[i] = (char)tolower((unsigned char)host.at[i]);
    return hash_pair(&network->address_key, hash_seal(&network->address_key, (struct text){lower, length}), port);
}

static bool is_of_own_host(const struct connection_alias *alias)
{
    return address_same_machine(&alias->address, &alias->connection->peer.address);
}

/* The host that has the address is preferred to one that only names it, and the newest connection to older ones. */
static bool is_better(const struct connection_alias *alias, const struct connection_alias *known)
{
    if (known == NULL || is_of_own_host(alias) != is_of_own_host(known))
        return known == NULL || is_of_own_host(alias);
    return alias->connection->number > known->connection->number;
}

static bool may_carry(const struct connection_alias *alias, const struct peer *peer, struct text domain)
{
    const struct connection *connection = alias->connection;
    return connection->peer.transport == peer->transport &&
           address_port(&alias->address) == address_port(&peer->address) &&
           (connection->tls == NULL || tls_session_proves(connection->tls, domain));
}

static const struct connection_alias *alias_by_address(const struct network *network, const struct peer *peer,
                                                       struct text domain)
{
    const struct connection_alias *best = NULL;
    struct table_link *link = table_find(&network->aliases, address_hash(&network->address_key, &peer->address));
    for (; link != NULL; link = table_next(link)) {
        const struct connection_alias *alias = TABLE_OWNER(link, struct connection_alias, by_address);
        if (is_better(alias, best) && address_equal(&alias->address, &peer->address) && may_carry(alias, peer, domain))
            best = alias;
    }
    return best;
}

static const struct connection_alias *alias_by_host(const struct network *network, const struct peer *peer,
                                                    struct text domain)
{
    const struct connection_alias *best = NULL;
    struct table_link *link =
        table_find(&network->alias_hosts, host_hash(network, domain, address_port(&peer->address)));
    for (; link != NULL; link = table_next(link)) {
        const struct connection_alias *alias = TABLE_OWNER(link, struct connection_alias, by_host);
        if (is_better(alias, best) && text_equal_nocase(alias->host, domain) && may_carry(alias, peer, domain))
            best = alias;
    }
    return best;
}

flow_id alias_find(const struct network *network, const struct peer *peer, struct text domain)
{
    if (network->aliases.count == 0)
        return 0;
    const struct connection_alias *alias = alias_by_address(network, peer, domain);
    if (alias == NULL && domain.length > 0)
        alias = alias_by_host(network, peer, domain);
    return alias != NULL ? alias->connection->number : 0;
}

/* --- claiming --- */

void alias_forget(struct connection *connection)
{
    struct network *network = connection->network;
    struct connection_alias *alias = connection->alias;
    if (alias == NULL)
        return;
    connection->alias = NULL;
    table_remove(&network->aliases, &alias->by_address);
    table_remove(&network->alias_hosts, &alias->by_host);
    memory_delete_text(network->config.host, alias->host);
    memory_delete(network->config.host, alias, sizeof *alias);
}

/* Returns false if the peer may not have the alias. A name in Via stands for the source address. Over TCP nothing
   proves another address than that; a peer of --trust behind a NAT may name one that --trust contains as well. */
static bool read_alias(const struct connection *connection, struct text host, uint16_t port, union address *address)
{
    const struct source_limits *sources = connection->network->config.sources;
    const union address *source = &connection->peer.address;
    bool numeric = address_read(host, port, address);
    if (!numeric || connection->tls != NULL || address_same_machine(address, source)) {
        *address = *source;
        if (address->any.sa_family == AF_INET6)
            address->v6.sin6_port = htons(port);
        else
            address->v4.sin_port = htons(port);
    } else if (!source_is_trusted(sources, address)) {
        return false;
    }
    return connection->tls != NULL ? tls_session_has_certificate(connection->tls) : source_is_trusted(sources, source);
}

static bool is_known(const struct connection_alias *alias, struct text host, uint16_t port)
{
    return alias != NULL && address_port(&alias->address) == port && text_equal(alias->host, host);
}

/* Without memory there is no alias: requests open a connection. */
static void add_alias(struct connection *connection, const union address *address, struct text host)
{
    struct network *network = connection->network;
    const struct host *memory = network->config.host;
    struct connection_alias *alias = memory_new(memory, sizeof *alias);
    if (alias == NULL || !memory_copy(memory, host, &alias->host)) {
        memory_delete(memory, alias, sizeof *alias);
        return;
    }
    alias->connection = connection;
    alias->address = *address;
    connection->alias = alias;
    table_add(&network->aliases, &alias->by_address, address_hash(&network->address_key, address));
    if (connection->tls != NULL && tls_session_proves(connection->tls, host))
        table_add(&network->alias_hosts, &alias->by_host, host_hash(network, host, address_port(address)));
}

void alias_claim(struct connection *connection, struct text host, uint16_t port)
{
    union address address;
    if (!transport_may_be_called(connection->peer.transport) || is_known(connection->alias, host, port) ||
        host.length > HOST_MOST || !read_alias(connection, host, port, &address))
        return;
    alias_forget(connection);
    add_alias(connection, &address, host);
}
