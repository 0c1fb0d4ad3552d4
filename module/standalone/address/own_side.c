// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/address/own_side.h"
#include "standalone/server/server_private.h"
#include "standalone/server/context.h"

#include <stdio.h>

/*
 * The server's own addresses. A listener on one address uses that. A listener on a wildcard address has all addresses
 * of the machine; each message uses one of them, whose number is in its peer, and which the network knows. Peers
 * outside may know the listener by another address, which is advertised to them.
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

static void write_host(const union address *local, char out[OWN_HOST_MOST])
{
    char host[INET6_ADDRSTRLEN];
    address_host(local, host, sizeof host);
    snprintf(out, OWN_HOST_MOST, local->any.sa_family == AF_INET6 ? "[%s]" : "%s", host);
}

void own_side_read_real(const struct server *server, const struct peer *peer, struct own_side *side)
{
    union address local;
    side->listener = server_listener(server, peer);
    side->port = side->listener->port;
    if (!listener_is_wildcard(side->listener))
        memcpy(side->host, side->listener->host, sizeof side->listener->host);
    else if (read_local(server, peer, &local))
        write_host(&local, side->host);
    else
        snprintf(side->host, sizeof side->host, "%s", is_ipv6(side->listener) ? "[::1]" : "127.0.0.1");
}

static size_t listener_index(const struct server *server, const struct listener *listener)
{
    return (size_t)(listener - server->config.listeners);
}

void own_side_read(const struct server *server, const struct peer *peer, struct own_side *side)
{
    const struct listener *listener = server_listener(server, peer);
    const struct advertised *advertised =
        advertised_to(&server->config.advertising, listener_index(server, listener), &peer->address);
    if (advertised == NULL) {
        own_side_read_real(server, peer, side);
        return;
    }
    side->listener = listener;
    side->port = advertised->port;
    memcpy(side->host, advertised->host, sizeof side->host);
}

bool own_side_is_same(const struct own_side *a, const struct own_side *b)
{
    return a->listener == b->listener && a->port == b->port && strcmp(a->host, b->host) == 0;
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
    own_side_read_real(server, peer, &side);
    return address_read(text_of(side.host), side.port, local);
}

static bool has_address(const struct listener *listener, const union address *local)
{
    union address bound;
    return address_read(text_of(listener->host), listener->port, &bound) && address_serves(&bound, local);
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

bool own_side_find(const struct server *server, enum transport transport, const union address *local, struct peer *peer)
{
    for (size_t i = 0; i < server->config.listener_count; i++) {
        const struct listener *listener = &server->config.listeners[i];
        if (listener->transport != transport || !has_address(listener, local))
            continue;
        peer->listener = (uint8_t)i;
        peer->local = 0;
        return !listener_is_wildcard(listener) || find_local_number(server, local, &peer->local);
    }
    return false;
}

/* Number of the listener from 1, and number of the local address. */
enum { SOCKET_LISTENER_MASK = 0x1f, SOCKET_LOCAL_SHIFT = 5 };

uint16_t server_socket_number(const struct peer *peer)
{
    return (uint16_t)((peer->listener + 1U) | (unsigned)peer->local << SOCKET_LOCAL_SHIFT);
}

bool server_socket(const struct server *server, uint16_t number, struct peer *own)
{
    unsigned listener = number & SOCKET_LISTENER_MASK;
    if (listener == 0 || listener > server->config.listener_count)
        return false;
    *own = (struct peer){.transport = server->config.listeners[listener - 1].transport,
                         .listener = (uint8_t)(listener - 1),
                         .local = (uint16_t)(number >> SOCKET_LOCAL_SHIFT)};
    return true;
}

uint16_t server_find_socket(const struct server *server, enum transport transport, const union address *local)
{
    struct peer own;
    return own_side_find(server, transport, local, &own) ? server_socket_number(&own) : 0;
}

bool server_find_local(const struct server *server, const union address *local, struct peer *peer)
{
    if (!own_side_find(server, TRANSPORT_UDP, local, peer))
        return false;
    find_scope(server, peer);
    return true;
}

static bool listener_has_host(const struct server *server, const struct listener *listener, struct text host)
{
    union address address;
    const struct wire *wire = server->config.wire;
    if (!listener_is_wildcard(listener))
        return sip_host_equal(text_of(listener->host), host);
    if (wire->is_local == NULL || !address_read(host, 0, &address))
        return false;
    address = address_unmapped(&address);
    return (address.any.sa_family == AF_INET6) == is_ipv6(listener) && !address_is_wildcard(&address) &&
           wire->is_local(wire->context, &address);
}

/* --- what is ours --- */

static const struct advertised *advertised_for(const struct server *server, size_t listener)
{
    return &server->config.advertising.listeners[listener];
}

bool server_is_own_address(const struct server *server, struct text host, uint32_t port)
{
    port = port != 0 ? port : 5060;
    for (size_t i = 0; i < server->config.listener_count; i++) {
        const struct listener *listener = &server->config.listeners[i];
        const struct advertised *advertised = advertised_for(server, i);
        if ((listener->port == port && listener_has_host(server, listener, host)) ||
            (advertised->port == port && advertised_is(advertised, host)))
            return true;
    }
    return false;
}

/* ";transport=tcp" and "tcp" */
static bool has_transport(const struct listener *listener, const struct sip_uri *uri)
{
    const char *parameter = transport_uri_parameter(listener->transport), *value = strchr(parameter, '=');
    return text_equal_nocase(uri->transport, text_of(value != NULL ? value + 1 : ""));
}

void own_side_of_uri(const struct server *server, const struct sip_uri *uri, struct peer *own)
{
    union address local;
    for (size_t i = 0; i < server->config.listener_count; i++) {
        const struct listener *listener = &server->config.listeners[i];
        const struct advertised *advertised = advertised_for(server, i);
        bool real = listener->port == uri->port && listener_has_host(server, listener, uri->host);
        if (!has_transport(listener, uri) ||
            !(real || (advertised->port == uri->port && advertised_is(advertised, uri->host))))
            continue;
        *own = (struct peer){.listener = (uint8_t)i};
        if (real && listener_is_wildcard(listener) && address_read(uri->host, 0, &local))
            find_local_number(server, &local, &own->local);
        return;
    }
}

bool server_is_own_port(const struct server *server, uint32_t port)
{
    for (size_t i = 0; i < server->config.listener_count; i++) {
        const struct advertised *advertised = advertised_for(server, i);
        if (server->config.listeners[i].port == port || (advertised->host[0] != '\0' && advertised->port == port))
            return true;
    }
    return false;
}

/* An address without port, as in an AOR, is ours on whatever port we listen. */
bool server_is_own_host(const struct server *server, struct text host)
{
    for (size_t i = 0; i < server->config.listener_count; i++) {
        if (listener_has_host(server, &server->config.listeners[i], host) ||
            advertised_is(advertised_for(server, i), host))
            return true;
    }
    return false;
}

bool server_is_own_name(const struct server *server, struct text host)
{
    return domains_have(server->config.domains, host) || server_is_own_host(server, host);
}

bool server_is_own_domain(const struct server *server, const struct sip_uri *uri)
{
    if (uri->port != 0 && !server_is_own_port(server, uri->port))
        return false;
    return server_is_own_name(server, uri->host);
}

bool server_is_own_route(const struct server *server, const struct sip_uri *uri)
{
    bool by_name =
        domains_have(server->config.domains, uri->host) && (uri->port == 0 || server_is_own_port(server, uri->port));
    return by_name || server_is_own_address(server, uri->host, uri->port);
}
