// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_ROUTE_H
#define REFLOW_STANDALONE_ROUTE_H

#include "standalone/server/server.h"

/* Where a request with Route values goes, and what is recorded of it. */

/* How a request passes an edge (RFC 5626 section 5.3). */
enum way {
    WAY_PROXY,   /* no edge: to bindings, or by Route */
    WAY_INWARD,  /* over the flow of its token, to the user agent */
    WAY_OUTWARD, /* from a user agent, or a proxy before it, to the next hop that a policy named */
};

/* Where a request goes that carries Route, and the seal of a dialog. */

struct route {
    unsigned dropped; /* topmost Route values that are ours */
    struct text uri;  /* Request-URI to use (strict routing undone) */
    struct text next; /* the next Route's URI; empty: the Request-URI */
    bool sealed;      /* a Route value of ours has a valid seal for this Call-ID (3261-16.4.a) */
    bool hop_sealed;  /* the seal also covers this next hop: `next`, or `uri` */
    bool edge;        /* we are the edge of one of the two sides */
    bool flow_lost;   /* no listener has the local side of the flow to the other side */
    flow_id flow;     /* of a sealed dialog, towards the other side; 0: by the next hop, or flow_lost */
    struct peer far;  /* the other side of `flow` if that is a datagram flow */
    uint8_t token;    /* enum route_token: of the topmost of ours that had one */
    struct peer peer; /* ROUTE_TOKEN_INCOMING: the flow's other side */
};
void route_read(const struct server *server, const struct sip_message *request, const struct peer *source,
                struct route *route);
struct text route_hop(const struct route *route); /* `next`, or `uri` */
/* The Record-Route value(s) for a request that goes from one peer to another; returns the length. to_flow: over the
   flow of the other side. */
size_t route_record(const struct server *server, const struct sip_message *request, const struct peer *from,
                    const struct peer *to, bool to_flow, enum way way, char *out, size_t size);
/* RFC 3261 16.7 step 8: the Record-Route values of a response that goes to the caller, ours sealed for him; empty if
   none has to be changed. They are in server->routes; with routes.failed memory was short. */
struct text route_answer(struct server *server, const struct sip_message *response);

#endif
