// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_DESTINATION_H
#define REFLOW_STANDALONE_DESTINATION_H

#include "standalone/server/server.h"

/* Which address a URI leads to, and whether it may be called. */

/* RFC 6761: a name ending in ".invalid" is never an address; WebSocket clients use such names (RFC 7118). */
bool host_is_invalid(struct text host);
/* 3261-10.a: may a plain binding's Contact be called over a new connection? `came_by`: the transport of the flow that
   it was made on. Not over WebSocket, to no ".invalid" name, and over TLS only by a name. */
bool contact_may_be_called(struct text contact, enum transport came_by);
/* 3261-16.6.b: may the next hop in a dialog be called over a new connection, after a connection of that transport to a
   server or proxy has ended? As above, but a numeric address over TLS may be called, because the certificate may
   contain it, and what came over TLS does not go on over UDP or TCP. */
bool hop_may_be_called(struct text hop, enum transport came_by);
/* Is the Contact the very address that the REGISTER came from, over UDP or TCP? */
bool contact_is_source(struct text contact, const struct peer *source);
/* False where there is no way: a transport that we do not call by, sips over one that is not safe. */
bool uri_transport(const struct sip_uri *uri, enum transport *transport);
/* "sips" where the request's own URI is, and the listener can be; else "sip". */
const char *route_scheme(const struct sip_message *request, const struct listener *listener);
/* RFC 3261 26.2.2, RFC 5630: a request for a sips URI that came over UDP or TCP is refused, whatever a policy says: who
   wrote sips asked for TLS on every hop. */
bool uri_is_served(const struct sip_uri *uri, const struct peer *source);
/* A request for a sips URI goes on by TLS alone (RFC 5630 3.1.3). */
bool peer_is_safe_for(const struct peer *peer, const struct sip_message *request);
enum { LOCATE_HOST_SIZE = 256 };
/* What wire->locate() needs to find the servers of a URI. query->host is copied into `host`; the selection remains 0.
   Returns false if there is no way to call it: see uri_transport(), and a transport without a listener. */
bool uri_locate_query(const struct server *server, const struct sip_uri *uri, char host[LOCATE_HOST_SIZE],
                      struct locate_query *query);
uint16_t uri_port(const struct sip_uri *uri, enum transport transport);
/* 5658-a: chooses the socket that messages to the peer leave by, and sets peer->listener and peer->local. It is that of
   `near`, of which only these two members count, if it has peer->transport and the address family; else one on the same
   address; else the first that fits. near->local 0: of several addresses of a wildcard, the kernel's choice. Sets
   peer->named. Returns false if no listener fits, or for a wildcard address. */
bool peer_choose_listener(const struct server *server, const struct peer *near, struct peer *peer);
/* Sets *peer to a numeric host, and its socket as peer_choose_listener(). Returns false for names. */
bool peer_of_uri(const struct server *server, const struct sip_uri *uri, const struct peer *near, struct peer *peer);
/* 3261-18.1.1.a: if a request of this size is too large for a datagram to the peer, over UDP, gets a TCP connection to
   the same address and puts it into *peer. False: the datagram is small enough, no TCP listener has an address that the
   Via could name, or no connection can be opened. *peer is then unchanged. */
bool peer_prefer_stream(const struct server *server, const struct peer *near, size_t length, struct peer *peer);
/* The opposite: the same address over UDP. False: there is no listener. */
bool peer_use_datagram(const struct server *server, const struct peer *near, struct peer *peer);
/* For peer.named_by: the source of the message that names an address; 0: it is exempt, by --trust or as loopback. */
uint64_t source_that_names(const struct server *server, const struct peer *source);
/* The name that a TLS server must prove (RFC 5922): the host, or, if that is an address, `proven`, unless empty. */
struct text domain_to_prove(const struct sip_uri *uri, struct text proven);
/* Without a connection: finds the one that the peer has named for reuse (RFC 5923), or over TLS gets one that is proven
   for the domain. */
bool peer_connect(const struct server *server, struct peer *peer, struct text domain);

#endif
