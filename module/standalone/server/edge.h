// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_EDGE_H
#define REFLOW_STANDALONE_EDGE_H

#include "flow/token.h"
#include "standalone/server/server.h"

/* Flow tokens, and the Path of an edge (RFC 5626 section 5). */

enum route_token { ROUTE_TOKEN_NONE, ROUTE_TOKEN_OUTGOING, ROUTE_TOKEN_INCOMING, ROUTE_TOKEN_GONE, ROUTE_TOKEN_FORGED };
/* *peer is the other side of the flow, for ROUTE_TOKEN_INCOMING. */
enum route_token edge_read_token(const struct server *server, struct text token, const struct peer *source,
                                 struct peer *peer);
/* The token of a flow; its length, or 0. */
bool edge_is_first_hop(const struct sip_message *request);
/* The flow as tokens name it, by its other side. */
struct token_flow edge_flow_of(const struct server *server, const struct peer *peer);
void edge_remote_address(const struct token_flow *flow, union address *address); /* of a datagram flow */
/* The other side of a datagram flow; false if no listener has its local side. */
bool edge_find_datagram(const struct server *server, const struct token_flow *flow, struct peer *peer);
/* Sets listener and local address to those of the flow's own side; false if there is no such listener. */
bool edge_find_own_side(const struct server *server, const struct token_flow *flow, struct peer *own);
/* Bytes of a Path with the longest host. */
enum { PATH_MOST = 512 };
/* The Path value for a REGISTER that goes on (5626-5.1.a b). Its length, or 0. */
size_t edge_path(const struct server *server, const struct sip_message *request, const struct peer *source,
                 const struct peer *inner, char *out, size_t size);

#endif
