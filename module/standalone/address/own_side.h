// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_OWN_SIDE_H
#define REFLOW_STANDALONE_OWN_SIDE_H

#include "standalone/server/server.h"

/* Our addresses: which listener and host a peer sees, and which domains are ours. */

/* The local side of a message to or from a peer, for Via, Record-Route and Path. */

enum { OWN_HOST_MOST = HOST_NAME_MOST + 2 };

const struct listener *server_listener(const struct server *server, const struct peer *peer);
struct own_side {
    const struct listener *listener;
    char host[OWN_HOST_MOST]; /* IPv6 in brackets */
    uint16_t port;
};
/* As the peer is to see it: what is advertised to the peer, else the real address. */
void own_side_read(const struct server *server, const struct peer *peer, struct own_side *side);
/* The address of the socket: the listener's, or, if that is a wildcard, the one in use. Flows and tokens consist of
   these, so that they do not depend on what is advertised. */
void own_side_read_real(const struct server *server, const struct peer *peer, struct own_side *side);
/* Is the same written for both? */
bool own_side_is_same(const struct own_side *a, const struct own_side *b);
/* Choose the address that the peer's messages leave from, if its listener is on a wildcard address. False: there is no
   way to the peer. */
bool own_side_choose(const struct server *server, struct peer *peer);
/* Finds the listener with this transport whose local address is `local`: sets listener and, for a wildcard, the number
   of the address in *peer. Returns false if no listener has it, or if the machine no longer has the address. */
bool own_side_find(const struct server *server, enum transport transport, const union address *local,
                   struct peer *peer);

/* The same of an own Record-Route, in its real or advertised form. Otherwise *own is unchanged. */
void own_side_of_uri(const struct server *server, const struct sip_uri *uri, struct peer *own);

/* All of these know the listeners' own addresses and the advertised ones. A wildcard stands for all addresses of the
   machine. IPv6 addresses, with or without brackets, are compared by value (5954-4.a). */

/* Is it the host of a listener, whatever the port? */
bool server_is_own_host(const struct server *server, struct text host);
bool server_is_own_port(const struct server *server, uint32_t port);
/* Is it one of our domains or addresses, whatever the port? */
bool server_is_own_name(const struct server *server, struct text host);
/* Is it one of our domains or addresses, with a port that we listen on, or without a port? */
bool server_is_own_domain(const struct server *server, const struct sip_uri *uri);
bool server_is_own_address(const struct server *server, struct text host, uint32_t port);

/* Whether a Route of that URI is ours (16.4): it has an address that we listen on, or a domain that we serve, as phones
   name their outbound proxy. */
bool server_is_own_route(const struct server *server, const struct sip_uri *uri);

#endif
