// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_BRANCH_H
#define REFLOW_STANDALONE_BRANCH_H

#include "flow/target.h"
#include "sip/message.h"
#include "standalone/server/context.h"

/* One copy of a request, on its way to one destination. */

/* Bytes of a Via with the longest host. */
enum { VIA_MOST = 448 };

struct client_transaction;
struct route;

struct branch {
    struct call_branch model;
    struct context *context;
    struct client_transaction *transaction;
    size_t transaction_cost;      /* bytes that count for it until it ends */
    struct sip_message *response; /* the stored final one; NULL: none, or made up here */
    struct peer peer;
    struct peer sender;  /* whose sent-by is written: that of `peer`, or of the place of an earlier copy */
    struct peer near;    /* the own socket to send from: peer_choose_listener() */
    struct timer timer;  /* C; or, before anything was sent, what is due at once */
    struct text uri;     /* the Request-URI sent, inside a dialog */
    struct text hop;     /* inside a dialog: the next hop to call if the connection of the dialog ends; empty: none */
    struct text proven;  /* the domain that a TLS server with a numeric address must prove; empty: its address */
    struct text domain;  /* that a TLS server must prove: of the URI that the place came from; empty: a flow */
    uint16_t named_port; /* of that URI, or its default */
    uint8_t named_transport; /* enum transport, likewise; places of the name may have others */
    char destination[72];
    bool locating;
    bool unacknowledged;    /* its connection was aborted before a response came (5626-7.i) */
    bool tried;             /* it was sent, or there is no way to its address */
    bool by_policy;         /* the policy named the destination, nobody else */
    bool any_transport;     /* the URI leaves the transport to us */
    bool large;             /* it went over TCP because of its size (3261-18.1.1.a) */
    bool name_lives;        /* an address of the same name that was tried before was not silent */
    uint8_t pending_origin; /* what `timer` tells when nothing was sent */
    struct place others[8]; /* further places of the same name (3263-4.3.a) */
    uint8_t other_count;
};

static inline struct branch *branch_of(const struct call_branch *model)
{
    return TABLE_OWNER(model, struct branch, model);
}

/* The URI of the server to which a request for the target is sent, if the target has no flow. */
static inline struct text target_next_hop(const struct target *target)
{
    struct text hop = sip_path_next_hop(target->path);
    return hop.length > 0 ? hop : target->uri;
}

/* The branches of a context, newest first; NULL at the end. */
static inline struct branch *context_first(const struct context *context)
{
    return context->model.branches != NULL ? branch_of(context->model.branches) : NULL;
}

static inline struct branch *branch_next(const struct branch *branch)
{
    return branch->model.next != NULL ? branch_of(branch->model.next) : NULL;
}

/* Sends the request by the next hop of its route. It never fails at once: if sending fails, a timer reports it to
   branch_react(). NULL: no memory, or no further branch may begin (call_refusal()). */
struct branch *branch_start(struct context *context, const struct route *route);
/* The same to a next hop that the policy named. */
struct branch *branch_start_by_policy(struct context *context, struct text uri, struct text next_hop);
/* The same over a flow that is known by its other side. */
struct branch *branch_start_peer(struct context *context, struct text uri, const struct peer *peer);
/* The same inside a dialog. With `reconnect`, the next hop is called over a new connection if that of the flow ends
   before anything was received. */
struct branch *branch_start_in_dialog(struct context *context, const struct route *route, const struct peer *peer,
                                      bool reconnect);
/* The same where the flow is gone: nothing is sent. */
struct branch *branch_start_gone(struct context *context, struct text uri);
struct branch *branch_start_target(struct context *context, struct target *target);
struct branch *branch_start_next_server(const struct branch *failed);
/* It went over a flow, and there is a Contact or next hop that can be called over a new connection (3261-10.a,
   3261-16.6.b). */
bool branch_has_contact_left(const struct branch *branch);
/* It went over a flow on which its user agent has no binding any more. */
bool branch_has_left(const struct branch *branch);
/* ACK and CANCEL take the flow of the target from now on. False: that flow is dead. */
bool branch_move_to(struct branch *branch, const struct target *target);
/* Cancels it (rule 3261-9.a): over a new connection if it was sent to an address, and its connection has died. */
void branch_cancel(struct branch *branch);
void branch_delete(struct branch *branch);
/* RFC 5393 4.2: over all that routing depends on, which is the AOR and not the parameters of the Request-URI, the
   remaining Route values, and the flow that a token names. Keyed, so that nobody can make it for another request. */
uint32_t branch_digest(const struct server *server, const struct sip_message *request, const struct route *route);
/* For struct locate_query: all requests of a call are sent to the same server of a name, also an ACK. */
uint64_t branch_selection(const struct server *server, const struct sip_message *request);
/* Over a connection that this server may have opened, with the parameter alias: it accepts requests there (RFC 5923).
 */
size_t branch_via(const struct server *server, const struct peer *peer, struct branch_id id, char *out, size_t size);
bool peer_of_flow(const struct server *server, flow_id flow, struct peer *peer);

/* For transactions: what happens to a branch, and to a context. */
extern const struct client_events branch_events;
extern const struct server_events context_events;

/* A response has come, or `origin` tells why none will. A response that is kept is taken over (*response NULL). */
void branch_react(struct branch *branch, enum origin origin, struct sip_message **response);

#endif
