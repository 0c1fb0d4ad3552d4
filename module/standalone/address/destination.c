// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/address/destination.h"
#include "standalone/server/server_private.h"
#include "standalone/server/context.h"
#include "standalone/address/own_side.h"

/* Resolves a URI to a transport, an address and a listener of this server (RFC 3263 4.1, RFC 3261 26.2.2). */

static bool sip_is_safe(const struct sip_message *request)
{
    struct text uri = sip_request_uri(request);
    return uri.length > 5 && text_equal_nocase((struct text){uri.at, 5}, TEXT("sips:"));
}

/* RFC 3261 16.6 step 4: a request that must be secure needs a secure route. */
const char *route_scheme(const struct sip_message *request, const struct listener *listener)
{
    return sip_is_safe(request) && transport_is_secure(listener->transport) ? "sips" : "sip";
}

/* sips means TLS. WebSocket servers are not called, because their clients open the connections (RFC 7118). */
bool uri_transport(const struct sip_uri *uri, enum transport *transport)
{
    bool secure = text_equal_nocase(uri->scheme, TEXT("sips"));
    *transport = secure ? TRANSPORT_TLS : TRANSPORT_UDP;
    if (!secure && !text_equal_nocase(uri->scheme, TEXT("sip")))
        return false;
    if (uri->transport.length == 0)
        return true;
    if (!transport_of_word(uri->transport, transport) || !transport_may_be_called(*transport))
        return false;
    if (secure && *transport == TRANSPORT_TCP)
        *transport = TRANSPORT_TLS;
    return !secure || *transport == TRANSPORT_TLS;
}

bool uri_is_served(const struct sip_uri *uri, const struct peer *source)
{
    return !text_equal_nocase(uri->scheme, TEXT("sips")) || transport_is_secure(source->transport);
}

bool host_is_invalid(struct text host)
{
    static const char invalid[] = ".invalid";
    size_t length = sizeof invalid - 1;
    if (host.length > 0 && host.at[host.length - 1] == '.')
        host.length--;
    if (host.length < length)
        return text_equal_nocase(host, TEXT("invalid"));
    return text_equal_nocase((struct text){host.at + host.length - length, length}, text_of(invalid));
}

static bool uri_may_be_called(struct sip_uri *uri, struct text text, enum transport came_by, enum transport *transport)
{
    return sip_uri_create(uri, text) == 0 && uri_transport(uri, transport) && transport_may_be_called(came_by) &&
           !host_is_invalid(uri->host);
}

bool contact_may_be_called(struct text contact, enum transport came_by)
{
    struct sip_uri uri;
    union address numeric;
    enum transport transport;
    bool callable = uri_may_be_called(&uri, contact, came_by, &transport);
    /* A certificate contains host names, not the current address of a phone. */
    if (callable && (transport_is_secure(transport) || transport_is_secure(came_by)))
        callable = !address_read(uri.host, 0, &numeric);
    sip_uri_destroy(&uri);
    return callable;
}

bool hop_may_be_called(struct text hop, enum transport came_by)
{
    struct sip_uri uri;
    enum transport transport;
    bool callable = uri_may_be_called(&uri, hop, came_by, &transport) &&
                    (transport_is_secure(transport) || !transport_is_secure(came_by));
    sip_uri_destroy(&uri);
    return callable;
}

struct text domain_to_prove(const struct sip_uri *uri, struct text proven)
{
    union address numeric;
    return proven.length > 0 && address_read(uri->host, 0, &numeric) ? proven : uri->host;
}

bool contact_is_source(struct text contact, const struct peer *source)
{
    struct sip_uri uri;
    union address numeric;
    enum transport transport;
    bool same = sip_uri_create(&uri, contact) == 0 && uri_transport(&uri, &transport) &&
                transport == source->transport && !transport_is_secure(transport) &&
                address_read(uri.host, uri_port(&uri, transport), &numeric) &&
                address_equal(&numeric, &source->address);
    sip_uri_destroy(&uri);
    return same;
}

bool peer_is_safe_for(const struct peer *peer, const struct sip_message *request)
{
    return !sip_is_safe(request) || transport_is_secure(peer->transport);
}

uint16_t uri_port(const struct sip_uri *uri, enum transport transport)
{
    return uri->port != 0 ? (uint16_t)uri->port : transport_port(transport);
}

static uint32_t callable_transports(const struct server *server)
{
    uint32_t callable = 0;
    for (size_t i = 0; i < server->config.listener_count; i++) {
        unsigned transport = server->config.listeners[i].transport;
        if (transport_may_be_called(transport))
            callable |= 1U << transport;
    }
    return callable;
}

bool uri_locate_query(const struct server *server, const struct sip_uri *uri, char host[LOCATE_HOST_SIZE],
                      struct locate_query *query)
{
    enum transport transport;
    if (uri->host.length >= LOCATE_HOST_SIZE || !uri_transport(uri, &transport))
        return false;
    memcpy(host, uri->host.at, uri->host.length);
    host[uri->host.length] = '\0';
    *query = (struct locate_query){.host = host,
                                   .port = (uint16_t)uri->port,
                                   .secure = text_equal_nocase(uri->scheme, TEXT("sips")),
                                   .transport = (uint8_t)(uri->transport.length > 0 ? transport : TRANSPORT_COUNT),
                                   .callable = callable_transports(server)};
    return query->transport == TRANSPORT_COUNT || (query->callable & 1U << transport) != 0;
}

static bool is_listener_for(const struct listener *listener, enum transport transport, sa_family_t family)
{
    return listener->transport == transport && (listener->host[0] == '[') == (family == AF_INET6);
}

/* host NULL: on any address. */
static bool find_listener(const struct server *server, const char *host, struct peer *peer)
{
    sa_family_t family = peer->address.any.sa_family;
    for (size_t i = 0; i < server->config.listener_count; i++) {
        const struct listener *listener = &server->config.listeners[i];
        if (!is_listener_for(listener, peer->transport, family) || (host != NULL && strcmp(listener->host, host) != 0))
            continue;
        peer->listener = (uint8_t)i;
        return true;
    }
    return false;
}

/* Without a route to the peer no address is set, so that own_side_choose() fails. */
static uint16_t local_of(const struct server *server, const struct peer *near, const struct peer *peer)
{
    const struct wire *wire = server->config.wire;
    struct peer routed = *peer;
    bool routes = near->local != 0 && (wire->choose_local == NULL || wire->choose_local(wire->context, &routed) == 0);
    return routes ? near->local : 0;
}

/* A wildcard address is no destination: the kernel would send to this machine, and what returns would not be recognised
   as the server's own. */
bool peer_choose_listener(const struct server *server, const struct peer *near, struct peer *peer)
{
    const struct listener *listener = server_listener(server, near);
    peer->named = true;
    peer->local = 0;
    if (address_is_wildcard(&peer->address))
        return false;
    if (is_listener_for(listener, peer->transport, peer->address.any.sa_family))
        peer->listener = near->listener;
    else if (!find_listener(server, listener->host, peer))
        return find_listener(server, NULL, peer);
    peer->local = local_of(server, near, peer);
    return true;
}

bool peer_of_uri(const struct server *server, const struct sip_uri *uri, const struct peer *near, struct peer *peer)
{
    enum transport transport;
    *peer = (struct peer){0};
    if (!uri_transport(uri, &transport) || !address_read(uri->host, uri_port(uri, transport), &peer->address))
        return false;
    peer->transport = (uint8_t)transport;
    peer->address = address_unmapped(&peer->address);
    return peer_choose_listener(server, near, peer);
}

uint64_t source_that_names(const struct server *server, const struct peer *source)
{
    return source_is_exempt(server->config.sources, &source->address) ? 0 : source_of(&source->address);
}

/* RFC 5923 */
static bool reuse_connection(const struct server *server, struct peer *peer, struct text domain)
{
    const struct wire *wire = server->config.wire;
    return wire->reuse != NULL && wire->reuse(wire->context, peer, domain);
}

bool peer_connect(const struct server *server, struct peer *peer, struct text domain)
{
    const struct wire *wire = server->config.wire;
    if (!transport_connects(peer->transport) || peer->connection != 0 || reuse_connection(server, peer, domain) ||
        peer->transport != TRANSPORT_TLS)
        return true;
    return wire->connect != NULL && wire->connect(wire->context, peer, domain) == 0;
}

/* RFC 3261 18.1.1. A datagram of MTU_LEAST less the spare fits on every usual path, and only above that the kernel is
   asked. An MTU of 1500 or more is the one of the first link, and says nothing of the rest of the path. */
static size_t datagram_most(const struct wire *wire, const struct peer *peer, size_t length)
{
    enum { UNKNOWN_MOST = 1300, MTU_SPARE = 200, MTU_LEAST = 1280 };
    if (length <= MTU_LEAST - MTU_SPARE || length > UNKNOWN_MOST || wire->path_mtu == NULL)
        return UNKNOWN_MOST;
    uint32_t mtu = wire->path_mtu(wire->context, peer);
    return mtu > MTU_SPARE && mtu < UNKNOWN_MOST + MTU_SPARE ? mtu - MTU_SPARE : UNKNOWN_MOST;
}

bool peer_prefer_stream(const struct server *server, const struct peer *near, size_t length, struct peer *peer)
{
    const struct wire *wire = server->config.wire;
    struct peer stream = {.transport = TRANSPORT_TCP, .named_by = peer->named_by, .address = peer->address};
    if (transport_connects(peer->transport) || length <= datagram_most(wire, peer, length) || wire->connect == NULL ||
        stream_refusals_have(&server->stream_refusals, &peer->address))
        return false;
    const struct text no_domain = {NULL, 0};
    if (!peer_choose_listener(server, near, &stream) ||
        (!reuse_connection(server, &stream, no_domain) && wire->connect(wire->context, &stream, no_domain) != 0) ||
        !own_side_choose(server, &stream))
        return false;
    *peer = stream;
    return true;
}

bool peer_use_datagram(const struct server *server, const struct peer *near, struct peer *peer)
{
    *peer = (struct peer){.transport = TRANSPORT_UDP, .address = peer->address};
    return peer_choose_listener(server, near, peer);
}
