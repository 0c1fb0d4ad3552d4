// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVER_PRIVATE_H
#define REFLOW_STANDALONE_SERVER_PRIVATE_H

#include "base/hash.h"
#include "base/memory.h"
#include "base/table.h"
#include "call/request_view.h"
#include "core/best.h"
#include "core/code.h"
#include "core/guard.h"
#include "call/response_context.h"
#include "call/rest_name.h"
#include "flow/breadth.h"
#include "flow/load.h"
#include "flow/target.h"
#include "flow/token.h"
#include "script/engine/judge.h"
#include "standalone/net/refusal.h"
#include "standalone/server/server.h"
#include "standalone/net/source.h"
#include "standalone/net/source_limits.h"

enum { CODES_MOST = 700 };

/* The other side of an IPv6 datagram flow that carries bindings: its number does not tell. */
struct datagram6 {
    struct table_link link; /* by flow */
    struct peer peer;
    bool held; /* a binding is being put on it */
};

struct server {
    struct server_config config;
    struct timers timers;
    struct transactions *transactions;
    struct binding_store *bindings;
    struct policy *policy;
    bool own_policy;
    struct table datagram6; /* peers of IPv6 datagram flows that carry bindings, by flow */
    struct table probes;    /* OPTIONS after ICMP errors, by flow */
    struct table rests;     /* destinations that rest, by digest of their name */
    struct rest_owner {
        char tenant[128];
        uint32_t rests;
    } rest_owners[1 + LAYERS_MOST]; /* 0: everybody's; the others as tenants come to have rests */
    struct table heirs;             /* whose a dead flow was, by flow */
    struct heir *heirs_oldest, *heirs_newest;
    struct timer sweep;          /* expired bindings and rests */
    struct token_keys *own_keys; /* where the configuration has none */
    uint32_t run;                /* told by flow tokens: numbers of flows mean something in one run alone */
    struct hash_key rest_key;
    struct hash_key tag_key;  /* of the To tags of our own responses */
    struct hash_key loop_key; /* of the digests in branch parameters, which strangers see */
    struct load_table *loads;
    struct holdings requests_kept, bindings_kept;
    struct server_counters counters;
    struct refusals refusals;
    struct amplification amplification;
    uint64_t decisions[CODES_MOST][ACTION_COUNT];
    struct sip_buffer out;    /* for the message being written */
    struct sip_buffer routes; /* for its Record-Route */
    size_t contexts;
    bool draining;
};

/* How a request passes an edge (RFC 5626 section 5.3). */
enum way {
    WAY_PROXY,   /* no edge: to bindings, or by Route */
    WAY_INWARD,  /* over the flow of its token, to the user agent */
    WAY_OUTWARD, /* from a user agent, or a proxy before it, to the next hop that a policy named */
};

/* One request that is being proxied: proxy.c, branch.c, upstream.c. */
struct context {
    struct response_context model;
    struct server *server;
    struct server_transaction *transaction; /* NULL when it has ended */
    const struct sip_message *request;      /* the transaction's, while it lives; else NULL */
    struct policy_hold hold;                /* the version of the policy that it began with */
    struct cause *cause;                    /* of what is sent because of it */
    struct peer back;        /* where responses go, for a 2xx that comes after the transaction has ended */
    struct timer ring_next;  /* sip_route's next_after */
    uint16_t routes_dropped; /* of the request's Route values, ours */
    uint32_t digest;         /* for the loop check */
    uint8_t way;             /* enum way */
    bool foreign;            /* the policy wants the bindings of a domain that is not ours */
    bool starting;           /* a branch is being started: do not finish meanwhile */
    bool stray;              /* a tag in To, and no seal of a dialog that came through here */
};

struct branch {
    struct call_branch model;
    struct context *context;
    struct client_transaction *transaction;
    struct sip_message *response; /* the stored final one; NULL: none, or made up here */
    struct peer peer;
    struct timer timer;  /* C; or, before anything was sent, what is due at once */
    struct text uri;     /* the Request-URI sent, inside a dialog */
    struct text domain;  /* of the URI that the address came from; empty: a flow */
    uint16_t named_port; /* of that URI, or its default */
    char destination[72];
    bool resolving;
    bool by_policy;          /* the policy named the destination, nobody else */
    uint8_t pending_origin;  /* what `timer` tells when nothing was sent */
    union address others[4]; /* further addresses of the same name (3263-4.3.a) */
    uint8_t other_count;
};

static inline struct context *context_of(const struct response_context *model)
{
    return TABLE_OWNER(model, struct context, model);
}

static inline struct branch *branch_of(const struct call_branch *model)
{
    return TABLE_OWNER(model, struct branch, model);
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

/* refused.c */
/* Counts and logs a refused request (refusal.h). request NULL: what came is no request that could be read; status 0: it
   is dropped; detail NULL: nothing more to say. */
void server_refused(struct server *server, const struct sip_message *request, const struct peer *source,
                    enum refusal reason, uint32_t status, const char *detail);

/* allowance.c: the limits per source (source_limits.h). False: what has come is dropped, or the answer is not sent; it
   has been counted and logged. Over a stream the connection is closed then. */
bool server_may_read(struct server *server, const struct peer *source);
/* Failing answers are limited, except to calls for help. To be asked once for each answer, before it is first sent. */
bool server_may_answer(struct server *server, const struct sip_message *request, const struct peer *source,
                       uint32_t status);
/* A Request-URI of urn:service:sos or one of its kinds: never limited. */
bool server_is_emergency(struct text uri);
/* What a message begins with, before it is read. START_OTHER: a request, or nothing that could be read. */
enum message_start { START_OTHER, START_RESPONSE, START_EMERGENCY };
enum message_start message_start(const char *bytes, size_t length);

/* own_side.c: the local side of a message to or from a peer, for Via, Record-Route and Path */
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

/* answer.c: responses of our own */
struct own_answer {
    uint32_t status;
    struct text phrase;
    struct text fields;
};
void answer_stateless(struct server *server, const struct sip_message *request, const struct peer *source,
                      const struct own_answer *answer);
void answer(struct server *server, struct server_transaction *transaction, const struct own_answer *answer);
/* Would the answer be sent: does it fit into a datagram, and may its receiver get it (amplification.h)? */
bool answer_is_allowed(struct server *server, const struct server_transaction *transaction,
                       const struct own_answer *answer);
/* The ACK of a refusal of ours carries the To tag that only its receiver knows. */
bool answer_is_acknowledged(const struct server *server, const struct sip_message *ack, const struct peer *source);
void answer_status(struct server *server, struct server_transaction *transaction, uint32_t status);

/* register.c */
void register_handle(struct server *server, struct server_transaction *transaction);

/* proxy.c */
void proxy_handle(struct server *server, struct server_transaction *transaction);
void proxy_cancel(struct context *context);
void proxy_forward_ack(struct server *server, const struct sip_message *ack, const struct peer *source);
/* A URI that the policy named, and one from the Contact of a 3xx; q in thousandths. How many targets that has added, or
   an error. */
int context_add_uri(struct context *context, struct text uri);
int context_add_contact(struct context *context, struct text uri, int q);
int context_add_aor(struct context *context, struct text aor);
struct script_call context_script_call(const struct context *context, char source_text[SOURCE_TEXT_MOST]);
void context_forget_unused(struct context *context);
void context_cancel_pending(struct context *context, const struct call_branch *except);

/* context_load.c: how a request enters the limits of what it may make the server send */
/* Limits per source do not hold for it. */
bool server_is_exempt(const struct server *server, const union address *address);
/* Reads Max-Breadth and finds or begins the request's load. 0 or -ENOMEM. */
int context_enter_load(struct context *context, const struct peer *source);

/* edge.c */
enum route_token { ROUTE_TOKEN_NONE, ROUTE_TOKEN_OUTGOING, ROUTE_TOKEN_INCOMING, ROUTE_TOKEN_GONE, ROUTE_TOKEN_FORGED };
/* *peer is the other side of the flow, for ROUTE_TOKEN_INCOMING. */
enum route_token edge_read_token(const struct server *server, struct text token, const struct peer *source,
                                 struct peer *peer);
/* The token of a flow; its length, or 0. */
bool edge_is_first_hop(const struct sip_message *request);
/* The flow as tokens name it, by its other side. */
struct token_flow edge_flow_of(const struct server *server, const struct peer *peer);
/* Datagram flows by their addresses, others by their number alone. */
bool edge_is_same_flow(const struct token_flow *a, const struct token_flow *b);
void edge_remote_address(const struct token_flow *flow, union address *address); /* of a datagram flow */
/* The other side of a datagram flow; false if no listener has its local side. */
bool edge_find_datagram(const struct server *server, const struct token_flow *flow, struct peer *peer);
/* The Path value for a REGISTER that goes on (5626-5.1.a b). Its length, or 0. */
size_t edge_path(const struct server *server, const struct sip_message *request, const struct peer *source,
                 const struct peer *inner, char *out, size_t size);

/* route.c: where a request goes that carries Route, and the seal of a dialog */
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

/* destination.c */
/* 3261-10.a: may a plain binding's Contact be called over a new connection? `came_by`: the transport of the flow that
   it was made on. Not over WebSocket, to no ".invalid" name, and over TLS only by a name. */
bool contact_may_be_called(struct text contact, enum transport came_by);
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
uint16_t uri_port(const struct sip_uri *uri, enum transport transport);
/* Send from where the request came in, if that listener speaks peer->transport and the address family, else from the
   first that does. */
bool peer_choose_listener(const struct server *server, const struct peer *source, struct peer *peer);
/* A numeric host; false for names. */
bool peer_of_uri(const struct server *server, const struct sip_uri *uri, const struct peer *source, struct peer *peer);
/* For TLS without a connection: have one that is proven for the domain. */
bool peer_connect(const struct server *server, struct peer *peer, struct text domain);

/* branch.c */
struct branch *branch_start(struct context *context, struct text uri, struct text next_hop);
/* The same to a next hop that the policy named. */
struct branch *branch_start_by_policy(struct context *context, struct text uri, struct text next_hop);
/* The same over a flow that is known by its other side. */
struct branch *branch_start_peer(struct context *context, struct text uri, const struct peer *peer);
/* The same where the flow is gone: nothing is sent. */
struct branch *branch_start_gone(struct context *context, struct text uri);
struct branch *branch_start_target(struct context *context, struct target *target);
struct branch *branch_start_next_server(const struct branch *failed);
/* 3261-10.a: it went over the flow of a plain binding whose Contact can be called over a new connection. */
bool branch_has_contact_left(const struct branch *branch);
/* ACK and CANCEL take the flow of the target from now on. False: that flow is dead. */
bool branch_move_to(struct branch *branch, const struct target *target);
void branch_delete(struct branch *branch);
/* RFC 5393 4.2: over all that routing depends on, which is the AOR and not the parameters of the Request-URI, the
   remaining Route values, and the flow that a token names. Keyed, so that nobody can make it for another request. */
uint32_t branch_digest(const struct server *server, const struct sip_message *request, const struct route *route);
size_t branch_via(const struct server *server, const struct peer *peer, struct branch_id id, char *out, size_t size);
bool peer_of_flow(const struct server *server, flow_id flow, struct peer *peer);

extern const struct client_events branch_events;
extern const struct server_events context_events;

/* react.c: the functions for the model of the call, and its events */
extern const struct call_host standalone_call_host;
/* A response has come, or `origin` tells why none will. A response that is kept is taken over (*response NULL). */
void branch_react(struct branch *branch, enum origin origin, struct sip_message **response);
/* No target is left. True where the policy has added targets, and branches to them are pending. */
bool context_ask_exhausted(struct context *context, const struct call_best *best);

/* request_verdict.c: may the server answer a request so? Otherwise the verdict is counted as refused, and logged. */
bool verdict_may_answer(struct server *server, const struct facts *request, const struct script_verdict *verdict);
/* Counts and logs a verdict that would break a rule. */
void verdict_note_refused(struct server *server, const struct script_verdict *verdict, enum rule_id rule);

/* upstream.c */
void context_finish(struct context *context);
void context_send_up(struct context *context, const struct sip_message *response, uint32_t status);
/* Write a response that goes up to server->out. As sip_forward_response(). */
int response_write_up(struct server *server, const struct sip_message *response, struct sip_upward *upward);

/* rest.c */
/* `tenant`: whose policy says so, and for whose calls alone it holds; empty: for all. */
void rest_set(struct server *server, struct text tenant, struct text destination, uint32_t seconds);
/* `aor`: of the call, which tells the tenant. */
bool rest_is_on(const struct server *server, struct text aor, struct text destination);
void rest_sweep(struct server *server);
void rest_clear(struct server *server);
size_t rest_count(const struct server *server);

/* heirs.c */
void heirs_note(struct server *server, const struct binding_view *view);
flow_id heirs_find(const struct server *server, flow_id dead);
/* 3261-10.a: may the Contact of a dialog be called where this flow is dead? Not that of an outbound binding. */
bool heirs_leave_contact(const struct server *server, flow_id dead, struct text contact);
void heirs_clear(struct server *server);

/* probe.c: ICMP errors; the rest of it is server_datagram_returned() */
void probes_clear(struct server *server);

/* flows.c: what the server knows of flows beside the bindings */
/* What a binding counts for in bindings_kept. */
size_t binding_cost(const struct binding_view *view);
/* The number under which bindings are found that were made over the peer's flow. 0 if that number is the one of another
   address: numbers of IPv6 datagram flows are digests, and must not lead to somebody else's bindings. */
flow_id server_flow_of(const struct server *server, const struct peer *peer);
/* As binding_put() or, not `limited`, binding_put_unlimited(); sets view->route. `peer` is the flow's other side, known
   when the change is reported. -EADDRINUSE: another address has the flow's number. */
int flows_put_binding(struct server *server, const struct binding_view *asked, const struct peer *peer, bool limited,
                      const struct binding **out);
/* A flow is dead (5626-7.f): its bindings go, or lose it where they can be reached without it (3261-10.a). A datagram
   flow never closes: plain bindings keep it, and the next call tries it again. */
void flows_end(struct server *server, flow_id flow);
void flows_listen(struct server *server);
void flows_clear(struct server *server);

/* verbose.c: a line in the log, with --verbose. */
void verbose_registered(const struct server *server, const struct peer *from, struct text aor, size_t contacts);
void verbose_register_refused(const struct server *server, const struct peer *from, struct text aor, uint32_t status);
void verbose_flow_down(const struct server *server, flow_id flow, const char *reason);
void verbose_call_ended(const struct context *context, uint32_t status);

#endif
