// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_CONTEXT_H
#define REFLOW_STANDALONE_CONTEXT_H

#include "call/request_view.h"
#include "call/response_context.h"
#include "script/policy/policy.h"
#include "standalone/server/caller.h"
#include "standalone/server/server.h"

/* A request that is being proxied: what the server keeps of it, and what is done with it. */

struct server_transaction;
struct route;
struct cause;
struct branch;

struct context {
    struct response_context model;
    struct server *server;
    struct server_transaction *transaction; /* NULL when it has ended */
    const struct sip_message *request;      /* the transaction's, while it lives; else NULL */
    struct caller caller;
    struct policy_hold hold;   /* the version of the policy that it began with */
    struct cause *cause;       /* of what is sent because of it */
    struct peer back;          /* where responses go, for a 2xx that comes after the transaction has ended */
    struct peer near;          /* the own socket that new destinations are sent to from: peer_choose_listener() */
    struct timer ring_next;    /* sip_route's next_after */
    uint16_t routes_dropped;   /* of the request's Route values, ours */
    uint32_t digest;           /* for the loop check */
    struct holdings *holdings; /* where the bytes of branches are counted; NULL: nowhere */
    source_id holder;
    size_t kept;      /* those bytes */
    size_t responses; /* the part of them for stored responses */
    uint8_t way;      /* enum way */
    bool foreign;     /* the policy wants the bindings of a domain that is not ours */
    bool starting;    /* a branch is being started: do not finish meanwhile */
    bool stray;       /* a tag in To, and no seal of a dialog that came through here */
};

static inline struct context *context_of(const struct response_context *model)
{
    return TABLE_OWNER(model, struct context, model);
}

/* A new request outside this server's own transactions: proxied, registered or refused. The transaction is answered now
   or later. route: of the request; it is changed. user: the authenticated AOR, for struct caller. */
void proxy_handle(struct server *server, struct server_transaction *transaction, struct route *route, const char *user);
/* The request has a To tag and came with the seal of a dialog, so that it is relayed without a new decision
   (3261-16.4.a). */
bool proxy_knows_dialog(const struct server *server, const struct sip_message *request, const struct route *route,
                        const struct peer *source);
/* A Route value cannot be read and would be passed on. */
bool proxy_refuses_route(const struct server *server, const struct sip_message *request, const struct route *route,
                         const struct peer *source);
/* A REGISTER for the registrar of this server; `uri` is that of the route. */
bool proxy_is_for_registrar(const struct server *server, const struct sip_message *request, const struct route *route,
                            const struct sip_uri *uri);
/* The caller has given up (RFC 3261 16.10): branches that ring are cancelled. */
void proxy_cancel(struct context *context);
/* The ACK of a 2xx goes on without a transaction (RFC 3261 16.11), or is dropped and counted. */
void proxy_forward_ack(struct server *server, const struct sip_message *ack, const struct peer *source);
/* A URI that the policy named, and one from the Contact of a 3xx; q in thousandths. How many targets that has added, or
   an error. */
int context_add_uri(struct context *context, struct text uri);
int context_add_contact(struct context *context, struct text uri, int q);
int context_add_aor(struct context *context, struct text aor);
/* Whether the URI means anything but the bindings of an AOR of this server. */
bool context_leaves(const struct context *context, struct text uri);
/* What hooks see of the request. The result borrows from the context and from `source_text`. */
struct script_call context_script_call(const struct context *context, char source_text[SOURCE_TEXT_MOST]);
/* Frees the context unless its transaction lives or a branch may still get a response. */
void context_forget_unused(struct context *context);
/* Cancels all branches without a final response but `except`, which may be NULL. */
void context_cancel_pending(struct context *context, const struct call_branch *except);

/* How a request enters the limits of what it may make the server send. */

/* Reads Max-Breadth and finds or begins the request's load. 0 or -ENOMEM. */
int context_enter_load(struct context *context, const struct peer *source);

/* Counts bytes that a branch keeps, for the source of the request and until the context ends. Returns false if there is
   no room for them. */
bool context_keep(struct context *context, size_t bytes);
/* The same also beyond the limits. */
void context_charge(struct context *context, size_t bytes);
/* Gives back a part of them before the context ends. */
void context_discharge(struct context *context, size_t bytes);
void context_give_back(struct context *context);

/* The functions for the model of the call, and its events */
extern const struct call_host standalone_call_host;
/* No target is left. True where the policy has added targets, and branches to them are pending. */
bool context_ask_exhausted(struct context *context, const struct call_best *best);

/* No branch pends: sends the best response upstream, or asks the policy for more targets. Harmless if a final response
   went up. */
void context_finish(struct context *context);
/* Sends a response upstream; status 0: its own. `from` as in route_answer(). */
void context_send_up(struct context *context, const struct sip_message *response, const struct peer *from,
                     uint32_t status);
/* Write a response that goes up to server->out. As sip_forward_response(); `from` as in route_answer(). */
int response_write_up(struct server *server, const struct sip_message *response, const struct peer *from,
                      struct sip_upward *upward);

#endif
