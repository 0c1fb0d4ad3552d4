// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_FLOWS_H
#define REFLOW_STANDALONE_FLOWS_H

#include "standalone/server/server.h"

/* What the server knows of flows beside the bindings. */

/* What a binding counts for in bindings_kept. */
size_t binding_cost(const struct binding_view *view);
/* The number under which bindings are found that were made over the peer's flow. 0 if that number is the one of another
   address: numbers of IPv6 datagram flows are digests, and must not lead to somebody else's bindings. */
flow_id server_flow_of(const struct server *server, const struct peer *peer);
/* As binding_put() or, not `limited`, binding_put_unlimited(), whose `out` is not NULL; sets view->route. `peer` is the
   flow's other side, known when the change is reported. -EADDRINUSE: another address has the flow's number. */
int flows_put_binding(struct server *server, const struct binding_view *asked, const struct peer *peer, bool limited,
                      const struct binding **out);
/* Stores a registration that has passed through this server as an edge (passed.h), unless there is no room. */
void flows_put_passed(struct server *server, const struct binding_view *view, const struct peer *peer);
/* A flow is dead (5626-7.f): its bindings go, or lose it where they can be reached without it (3261-10.a). A datagram
   flow never closes: plain bindings keep it, and the next call tries it again. */
void flows_end(struct server *server, flow_id flow);
/* A flow is dead, and nothing else leads to its user agents: all its bindings are removed. */
void flows_drop(struct server *server, flow_id flow);
void flows_listen(struct server *server);
void flows_clear(struct server *server);

#endif
