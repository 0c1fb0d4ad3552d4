// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_OWN_SIDE_H
#define REFLOW_STANDALONE_OWN_SIDE_H

#include "standalone/server/server.h"

/* Our addresses: which listener and host a peer sees, and which domains are ours. */

/* The local side of a message to or from a peer, for Via, Record-Route and Path. */

const struct listener *server_listener(const struct server *server, const struct peer *peer);
struct own_side {
    const struct listener *listener;
    char host[64]; /* the listener's, or, if that is a wildcard, the address in use; IPv6 in brackets */
};
void own_side_read(const struct server *server, const struct peer *peer, struct own_side *side);
/* Do both have the same listener and address? */
bool own_side_is_same(const struct server *server, const struct peer *a, const struct peer *b);
/* Choose the address that the peer's messages leave from, if its listener is on a wildcard address. False: there is no
   way to the peer. */
bool own_side_choose(const struct server *server, struct peer *peer);
/* Is the host, an IPv6 address with or without brackets, the listener's own address? A wildcard is not, but stands for
   all addresses of the machine. */
bool listener_has_host(const struct server *server, const struct listener *listener, struct text host);

/* Is it one of our domains or addresses, with a port that we listen on, or without a port? */
bool server_is_own_domain(const struct server *server, const struct sip_uri *uri);
bool server_is_own_address(const struct server *server, struct text host, uint32_t port);

/* Whether a Route of that URI is ours (16.4): it has an address that we listen on, or a domain that we serve, as phones
   name their outbound proxy. */
bool server_is_own_route(const struct server *server, const struct sip_uri *uri);

#endif
