// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_ROUTE_H
#define REFLOW_STANDALONE_ROUTE_H

#include "flow/target.h"
#include "flow/token.h"
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
    unsigned dropped;           /* topmost Route values that are ours, or empty */
    struct text uri;            /* Request-URI to use (strict routing undone) */
    struct text next;           /* the next Route's URI; empty: the Request-URI */
    bool malformed;             /* a Route value is no address; those after it were not read */
    bool sealed;                /* a Route value of ours has a valid seal for this Call-ID (3261-16.4.a) */
    bool hop_sealed;            /* the seal also covers this next hop: `next`, or `uri` */
    bool flow_lost;             /* no listener has the local side of the flow to the other side */
    uint8_t to;                 /* enum token_side, with `sealed`: where the request goes */
    struct token_dialog dialog; /* with `sealed` */
    flow_id flow;               /* of a sealed dialog, towards the other side; 0: by the next hop, or flow_lost */
    struct peer far;            /* the other side of `flow` if that is a datagram flow */
    struct text proven;         /* the domain that the TLS server on `flow` has proved to be; empty: none is known */
    struct peer near;           /* 5658-a: the own socket, see peer_choose_listener(): of the dialog's other side, which
                                   its datagram flow or the last Route of ours names; else of the request */
    uint8_t token;              /* enum route_token: of the topmost of ours that had one */
    struct peer peer;           /* ROUTE_TOKEN_INCOMING: the flow's other side */
};
void route_read(const struct server *server, const struct sip_message *request, const struct peer *source,
                struct route *route);
struct text route_hop(const struct route *route); /* `next`, or `uri` */

/* A request on its way from one peer to another, for its Record-Route. */
struct recorded {
    const struct sip_message *request;
    const struct peer *from, *to;
    const struct target *target; /* NULL: it does not go to a binding */
    struct text domain;          /* that a TLS server had to prove; empty: none */
    bool to_flow;                /* over the flow of the other side */
    uint8_t way;                 /* enum way */
};
/* Bytes of two Record-Route values with the longest hosts. */
enum { RECORD_ROUTE_MOST = 1280 };
/* The Record-Route value(s) of a request that forms a dialog; returns the length. */
size_t route_record(const struct server *server, const struct recorded *recorded, char *out, size_t size);
/* The same for a request inside a dialog. 0: it did not come with the seal of a dialog (6665-4.3.a). */
size_t route_record_again(const struct server *server, const struct recorded *recorded, char *out, size_t size);
/* RFC 3261 16.7 step 8: the Record-Route values of a response that goes to the caller, ours sealed for him; empty if
   none has to be changed. They are in server->routes; with routes.failed memory was short. `from`: where the request
   was sent, with the number of its connection; NULL: not known. */
struct text route_answer(struct server *server, const struct sip_message *response, const struct peer *from);

#endif
