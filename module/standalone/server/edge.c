// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/edge.h"
#include "standalone/server/server_private.h"
#include "standalone/server/context.h"
#include "standalone/address/destination.h"
#include "standalone/address/own_side.h"

#include <arpa/inet.h>
#include <stdio.h>

/*
 * The edge proxy (RFC 5626 section 5): the token of a flow in Path, and requests that return one. A policy makes the
 * server an edge by sip_forward(); tokens are read in any case. Record-Route, which keeps a dialog on its flows, is in
 * route.c.
 */

static void token_address(const union address *address, struct token_flow *flow, uint8_t out[16])
{
    bool ipv6 = address->any.sa_family == AF_INET6;
    flow->address_length = ipv6 ? 16 : 4;
    memcpy(out, ipv6 ? (const void *)&address->v6.sin6_addr : (const void *)&address->v4.sin_addr,
           flow->address_length);
}

struct token_flow edge_flow_of(const struct server *server, const struct peer *peer)
{
    union address local;
    struct own_side side;
    own_side_read_real(server, peer, &side);
    struct token_flow flow = {.transport = peer->transport,
                              .local_port = side.port,
                              .remote_port = address_port(&peer->address),
                              .run = server->run,
                              .connection = peer_flow(peer)};
    token_address(&peer->address, &flow, flow.remote);
    /* The families differ where a PROXY header names the peer. The number then identifies the connection. */
    if (address_read(text_of(side.host), side.port, &local) && local.any.sa_family == peer->address.any.sa_family)
        token_address(&local, &flow, flow.local);
    return flow;
}

static size_t edge_token(const struct server *server, const struct peer *peer, char out[TOKEN_TEXT_MOST])
{
    struct token_flow flow = edge_flow_of(server, peer);
    return token_write(server->config.token_keys, &flow, out, TOKEN_TEXT_MOST);
}

static void address_of_token(const struct token_flow *flow, const uint8_t bytes[16], uint16_t port,
                             union address *address)
{
    memset(address, 0, sizeof *address);
    if (flow->address_length == 16) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        memcpy(&address->v6.sin6_addr, bytes, 16);
    } else {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        memcpy(&address->v4.sin_addr, bytes, 4);
    }
}

void edge_remote_address(const struct token_flow *flow, union address *address)
{
    address_of_token(flow, flow->remote, flow->remote_port, address);
}

/* A datagram flow consists of its addresses, independent of the run of the process and of the listener's position in
   the configuration (5626-5.2.b). */
static bool same_local(const struct token_flow *a, const struct token_flow *b)
{
    return a->local_port == b->local_port && memcmp(a->local, b->local, a->address_length) == 0;
}

static bool same_remote(const struct token_flow *a, const struct token_flow *b)
{
    return a->remote_port == b->remote_port && a->address_length == b->address_length &&
           memcmp(a->remote, b->remote, a->address_length) == 0;
}

/* The number of a connection is valid only in the run that assigned it. */
static bool same_connection(const struct token_flow *a, const struct token_flow *b)
{
    return a->connection == b->connection && a->run == b->run && a->local_port == b->local_port;
}

static bool is_flow_of(const struct server *server, const struct token_flow *flow, const struct peer *peer)
{
    struct token_flow own = edge_flow_of(server, peer);
    if (flow->transport != own.transport || !same_remote(flow, &own))
        return false;
    return transport_connects(flow->transport) ? same_connection(flow, &own) : same_local(flow, &own);
}

bool edge_find_datagram(const struct server *server, const struct token_flow *flow, struct peer *peer)
{
    union address local;
    *peer = (struct peer){.transport = TRANSPORT_UDP};
    address_of_token(flow, flow->remote, flow->remote_port, &peer->address);
    address_of_token(flow, flow->local, flow->local_port, &local);
    return server_find_local(server, &local, peer);
}

bool edge_find_own_side(const struct server *server, const struct token_flow *flow, struct peer *own)
{
    union address local;
    address_of_token(flow, flow->local, flow->local_port, &local);
    return own_side_find(server, (enum transport)flow->transport, &local, own);
}

/* A datagram flow is alive while there is a listener at its local side; a connection, while it is open. */
static bool find_peer(const struct server *server, const struct token_flow *flow, struct peer *peer)
{
    *peer = (struct peer){.transport = flow->transport};
    if (!transport_connects(flow->transport))
        return edge_find_datagram(server, flow, peer);
    return flow->run == server->run &&
           server->config.wire->connection(server->config.wire->context, flow->connection, peer) &&
           is_flow_of(server, flow, peer);
}

enum route_token edge_read_token(const struct server *server, struct text token, const struct peer *source,
                                 struct peer *peer)
{
    struct token_flow flow;
    if (token_read(server->config.token_keys, token, &flow) != TOKEN_GOOD)
        return ROUTE_TOKEN_FORGED;
    if (is_flow_of(server, &flow, source))
        return ROUTE_TOKEN_OUTGOING;
    return find_peer(server, &flow, peer) ? ROUTE_TOKEN_INCOMING : ROUTE_TOKEN_GONE;
}

static size_t write_value(const struct sip_message *request, const struct own_side *side, const char *user,
                          const char *marks, char *out, size_t size)
{
    const struct listener *listener = side->listener;
    int length =
        snprintf(out, size, "<%s:%s%s%s:%u%s;lr%s>", route_scheme(request, listener), user, user[0] != '\0' ? "@" : "",
                 side->host, side->port, transport_uri_parameter(listener->transport), marks);
    return length < 0 || (size_t)length >= size ? 0 : (size_t)length;
}

bool edge_is_first_hop(const struct sip_message *request)
{
    return sip_via_count(request) <= 1;
}

/* The token identifies the flow; the address is that of the listener towards the registrar, which need not have the
   user agent's transport. */
size_t edge_path(const struct server *server, const struct sip_message *request, const struct peer *source,
                 const struct peer *inner, char *out, size_t size)
{
    char token[TOKEN_TEXT_MOST] = "";
    struct own_side side;
    own_side_read(server, inner, &side);
    if (!edge_is_first_hop(request))
        return write_value(request, &side, "", "", out, size); /* 5626-5.1.b */
    return edge_token(server, source, token) == 0 ? 0 : write_value(request, &side, token, ";ob", out, size);
}
