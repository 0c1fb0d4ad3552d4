// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/address/own_side.h"
#include "standalone/server/server_private.h"
#include "standalone/server/context.h"

#include <stdio.h>

/*
 * The server's own addresses. A listener on one address uses that. A listener on a wildcard address has all addresses
 * of the machine; each message uses one of them, whose number is in its peer, and which the network knows.
 */

const struct listener *server_listener(const struct server *server, const struct peer *peer)
{
    size_t index = peer->listener < server->config.listener_count ? peer->listener : 0;
    return &server->config.listeners[index];
}

static bool listener_is_wildcard(const struct listener *listener)
{
    return strcmp(listener->host, "0.0.0.0") == 0 || strcmp(listener->host, "[::]") == 0;
}

static bool is_ipv6(const struct listener *listener)
{
    return listener->host[0] == '[';
}

/* Returns false if no number was available. */
static bool read_local(const struct server *server, const struct peer *peer, union address *local)
{
    const struct wire *wire = server->config.wire;
    return wire->local != NULL && wire->local(wire->context, peer->local, local);
}

static void write_host(const union address *local, char out[64])
{
    char host[INET6_ADDRSTRLEN];
    address_host(local, host, sizeof host);
    snprintf(out, 64, local->any.sa_family == AF_INET6 ? "[%s]" : "%s", host);
}

void own_side_read(const struct server *server, const struct peer *peer, struct own_side *side)
{
    union address local;
    side->listener = server_listener(server, peer);
    if (!listener_is_wildcard(side->listener))
        memcpy(side->host, side->listener->host, sizeof side->host);
    else if (read_local(server, peer, &local))
        write_host(&local, side->host);
    else
        snprintf(side->host, sizeof side->host, "%s", is_ipv6(side->listener) ? "[::1]" : "127.0.0.1");
}

bool own_side_is_same(const struct server *server, const struct peer *a, const struct peer *b)
{
    return server_listener(server, a) == server_listener(server, b) && a->local == b->local;
}

bool own_side_choose(const struct server *server, struct peer *peer)
{
    const struct wire *wire = server->config.wire;
    if (peer->local != 0 || !listener_is_wildcard(server_listener(server, peer)) || wire->choose_local == NULL)
        return true;
    return wire->choose_local(wire->context, peer) == 0;
}

bool server_local_address(const struct server *server, const struct peer *peer, union address *local)
{
    struct own_side side;
    own_side_read(server, peer, &side);
    return address_read(text_of(side.host), side.listener->port, local);
}

static bool has_address(const struct listener *listener, const union address *local)
{
    union address bound;
    return !transport_connects(listener->transport) && address_read(text_of(listener->host), listener->port, &bound) &&
           address_serves(&bound, local);
}

/* The flow is gone if the machine no longer has its address. */
static bool find_local_number(const struct server *server, const union address *local, uint16_t *number)
{
    const struct wire *wire = server->config.wire;
    *number = 0;
    if (wire->local_number == NULL)
        return true;
    *number = wire->local_number(wire->context, local);
    return *number != 0;
}

/* Tokens and files do not contain the interface of a link-local address: both sides are on the same one. */
static void find_scope(const struct server *server, struct peer *peer)
{
    union address local;
    if (peer->address.any.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&peer->address.v6.sin6_addr) &&
        read_local(server, peer, &local) && local.any.sa_family == AF_INET6)
        peer->address.v6.sin6_scope_id = local.v6.sin6_scope_id;
}

bool server_find_local(const struct server *server, const union address *local, struct peer *peer)
{
    for (size_t i = 0; i < server->config.listener_count; i++) {
        const struct listener *listener = &server->config.listeners[i];
        if (!has_address(listener, local))
            continue;
        peer->listener = (uint8_t)i;
        peer->local = 0;
        if (listener_is_wildcard(listener) && !find_local_number(server, local, &peer->local))
            return false;
        find_scope(server, peer);
        return true;
    }
    return false;
}

static struct text without_brackets(struct text host)
{
    bool bracketed = host.length > 2 && host.at[0] == '[' && host.at[host.length - 1] == ']';
    return bracketed ? (struct text){host.at + 1, host.length - 2} : host;
}

bool listener_has_host(const struct server *server, const struct listener *listener, struct text host)
{
    union address address;
    const struct wire *wire = server->config.wire;
    if (!listener_is_wildcard(listener))
        return text_equal_nocase(without_brackets(text_of(listener->host)), without_brackets(host));
    return wire->is_local != NULL && address_read(host, 0, &address) &&
           (address.any.sa_family == AF_INET6) == is_ipv6(listener) && !address_is_wildcard(&address) &&
           wire->is_local(wire->context, &address);
}

/* --- what is ours --- */

bool server_is_own_address(const struct server *server, struct text host, uint32_t port)
{
    for (size_t i = 0; i < server->config.listener_count; i++) {
        const struct listener *listener = &server->config.listeners[i];
        if (listener->port == (port ? port : 5060) && listener_has_host(server, listener, host))
            return true;
    }
    return false;
}

static bool is_listener_port(const struct server *server, uint32_t port)
{
    for (size_t i = 0; i < server->config.listener_count; i++) {
        if (server->config.listeners[i].port == port)
            return true;
    }
    return false;
}

/* An address without port, as in an AOR, is ours on whatever port we listen. */
static bool is_listener_host(const struct server *server, struct text host)
{
    for (size_t i = 0; i < server->config.listener_count; i++) {
        if (listener_has_host(server, &server->config.listeners[i], host))
            return true;
    }
    return false;
}

bool server_is_own_domain(const struct server *server, const struct sip_uri *uri)
{
    if (uri->port != 0 && !is_listener_port(server, uri->port))
        return false;
    return domains_have(server->config.domains, uri->host) || is_listener_host(server, uri->host);
}

bool server_is_own_route(const struct server *server, const struct sip_uri *uri)
{
    bool by_name =
        domains_have(server->config.domains, uri->host) && (uri->port == 0 || is_listener_port(server, uri->port));
    return by_name || server_is_own_address(server, uri->host, uri->port);
}
