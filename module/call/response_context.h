// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CALL_RESPONSE_CONTEXT_H
#define REFLOW_CALL_RESPONSE_CONTEXT_H

#include "core/best.h"
#include "core/decide.h"
#include "flow/load.h"
#include "flow/target.h"
#include "script/policy/policy.h"

/*
 * The life of one request that is being proxied (RFC 3261 16.4 to 16.10, RFC 5626 section 7): what every host does with
 * it. A host embeds both structures in its own records, allocates and locks them, and lends the operations of struct
 * call_host; it receives, sends and keeps time, and decides nothing.
 *
 * The course of an event: the host fills a struct call_event and calls call_decide(). Where that ends the branch,
 * call_follow() carries out what was decided, at once or as soon as the host can begin branches; otherwise call_pass()
 * does. When no branch is pending, call_ask_exhausted() gives the policy its last word, and call_choose() tells what
 * goes upstream.
 *
 * Nothing here allocates, locks or reads a clock. All calls for one context must be serialised by the host.
 */

struct call_host;
struct call_event;

struct response_context {
    const struct call_host *host;
    struct target_set *targets;   /* NULL: there is one destination, inside a dialog or over the flow of an edge */
    struct call_branch *branches; /* that were begun, newest first */
    struct load *load;            /* NULL: no limit holds */
    struct text aor;              /* as policies see it */
    uint64_t started_ms;          /* of the host's clock */
    size_t bytes;                 /* about as many as one branch sends */
    uint32_t max_breadth;         /* of the request (RFC 5393) */
    uint32_t ring_next_ms;        /* sip_route's next_after: the next target rings beside after so long; 0: in turn */
    uint32_t retry_after;         /* s, with has_retry_after: for the response that goes upstream */
    uint16_t branches_made;       /* targets that rested are counted too */
    uint16_t fail_status;         /* from a verdict; 0: the best response goes upstream */
    uint8_t method;               /* enum method */
    uint8_t role;                 /* enum role: proxy or edge */
    uint8_t over;                 /* enum load_refusal: why no further branch was begun */
    bool in_dialog;               /* the request has a To tag */
    bool success_forwarded, global_failure_seen, final_forwarded, cancelled;
    bool may_recurse; /* 3xx responses are followed */
    bool has_retry_after;
    bool waits;       /* a target waits until a branch gives its share of Max-Breadth back */
    bool keeps_share; /* of Max-Breadth, for a target that the policy may add */
};

struct call_branch {
    struct call_branch *next;
    struct response_context *context; /* NULL: not begun */
    struct target *target;            /* NULL where the context has no targets */
    struct decision decision;         /* with has_final */
    uint32_t breadth;                 /* its share of Max-Breadth, given back with the final response */
    uint16_t code;                    /* with has_final: as decided; 0: not for upstream, its Contacts are followed */
    uint8_t origin;                   /* with has_final: enum origin */
    uint8_t action;                   /* with has_final: enum action, the decision's or that of a verdict */
    bool has_final;                   /* a final response has come, or none will; it has been decided on */
    bool marked;                      /* ... its target is */
    bool followed;                    /* ... and carried out */
    bool open_class;                  /* ... and the next target is wanted even beside those that ring */
    bool cancels_rest;                /* ... and the other branches shall end */
    bool next_server;                 /* ... and another address of the same target is wanted */
    bool provisional_seen;            /* above 100 */
    bool on_flow;                     /* it was handed to a flow, and not to an address */
    bool flow_died;                   /* it waits for its instance all the same (5626-7.h) */
    bool rested;                      /* nothing was sent, because the destination rests or may get no more */
    bool unsafe;                      /* nothing was sent: a sips: request, and no TLS on the way there */
};

/* What has come to a branch, or, for HOOK_EXHAUSTED, what would go upstream. */
struct call_event {
    struct response_context *context;
    struct call_branch *branch; /* HOOK_EXHAUSTED: whose response would go upstream; NULL: none's */
    enum hook hook;             /* HOOK_RESPONSE or HOOK_EXHAUSTED */
    struct facts facts;         /* the host fills origin and what the response says */
    struct state state;
    struct decision decision;
    enum script_outcome outcome;
    enum rule_id refused; /* the guardrail that refused the verdict */
    bool carried;         /* there was a verdict, and it is carried out */
    bool overrides;       /* ... in place of the decision's action */
    struct script_verdict verdict;
};

enum call_counter {
    CALL_VERDICT,
    CALL_VERDICT_REFUSED,
    CALL_SCRIPT_ERROR,
    CALL_FAILOVER, /* another flow of an instance was tried */
    CALL_BREADTH_WAIT,
    CALL_LOAD_OF_REQUEST,
    CALL_LOAD_OF_SOURCE,
    CALL_LOAD_IN_TOTAL,
    CALL_COUNTER_COUNT
};

/* Branches that the host's own configuration has made, beside those of the context. */
struct call_others {
    unsigned pending;
    size_t count; /* of the finals in `stored` */
    struct stored_response stored[32];
    int number[32]; /* the host's own, not negative */
};

/* What a host lends. An operation marked "may be NULL" is left out where a host has no use for it. */
struct call_host {
    /* --- what is known of a branch --- */
    bool (*has_other_server)(const struct call_branch *branch); /* an address of its name not tried; may be NULL */
    bool (*has_contact)(const struct call_branch *branch);      /* 3261-10.a: its Contact can be called as well */
    bool (*has_response)(const struct call_branch *branch);     /* the final response is kept, and can be relayed */
    /* Adds the host's own branches to what is counted; may be NULL. */
    void (*others)(const struct response_context *context, struct call_others *others);

    /* --- the policy --- */
    /* The version that the context began with, until policy_end(); NULL: there is none. */
    struct policy_hold *(*policy_begin)(struct call_event *event);
    void (*policy_end)(struct call_event *event);
    /* Fill what hooks see, until hide(): `call`, and of `reply` the message and its source; for HOOK_RESPONSE also
       destination and flow. False: it cannot be shown, and no hook is entered. */
    bool (*show)(struct call_event *event, struct script_call *call, struct script_reply *reply);
    void (*hide)(struct call_event *event);
    /* The hooks, in place of all four; may be NULL. For tests without a policy. */
    enum script_outcome (*ask)(struct call_event *event);
    void (*decided)(struct call_event *event); /* to log and count a decision */
    void (*count)(struct response_context *context, enum call_counter counter);
    void (*log)(struct response_context *context, enum log_level level, const char *line);

    /* --- the target set: how many targets were added, or a negative error --- */
    int (*add_uri)(struct response_context *context, struct text uri);
    int (*add_aor)(struct response_context *context, struct text aor);
    int (*add_flows)(struct response_context *context, const struct target *target); /* as target_add_flows() */
    int (*add_contacts)(struct call_event *event);                                   /* of the 3xx in hand */

    /* --- branches --- */
    bool (*has_room)(const struct response_context *context); /* for one more branch; may be NULL */
    /* Begin a branch to the target, which is pending, with call_branch_begin(). False: it was not begun. */
    bool (*start)(struct response_context *context, struct target *target);
    /* The same target by another address of its server, or by its Contact. */
    bool (*start_next_server)(struct call_branch *branch);
    void (*send)(struct response_context *context);       /* what was begun; may be NULL where start() sends */
    void (*beside)(struct response_context *context);     /* calls call_start_beside() where branches may be begun */
    void (*ring_later)(struct response_context *context); /* after ring_next_ms; may be NULL */
    void (*cancel_pending)(struct response_context *context, const struct call_branch *except);
    void (*forward)(struct call_event *event); /* the response goes upstream now */
    /* ACK and CANCEL of the branch take the flow of `target` from now on. False: that flow is dead too. */
    bool (*move)(struct call_branch *branch, struct target *target);

    /* --- what goes, what rests --- */
    void (*drop_flow)(struct call_branch *branch);    /* with every binding on it (5626-7.f) */
    void (*drop_binding)(struct call_branch *branch); /* unless it has moved to another flow (5626-7.g) */
    void (*rest_branch)(struct call_branch *branch, uint32_t seconds);
    void (*rest)(struct response_context *context, struct text tenant, const char *destination, uint32_t seconds);
};

/* --- events --- */

/* Decides on what has come to a branch: facts, decide(), the policy within the guardrails. True where that ends the
   branch: call_follow() is due. Otherwise call_pass() is. */
bool call_decide(struct call_event *event);
void call_follow(struct call_branch *branch); /* does nothing where it has been followed */
/* The decision alone: nothing is kept, no policy is asked. */
struct decision call_foresee(struct call_event *event);
void call_pass(struct call_event *event);

/* The flow of a waiting branch is dead. True where the branch shall fail now; otherwise it has ended, or waits for its
   instance, by another flow where one lives (5626-7.h). */
bool call_flow_down(struct call_branch *branch);

/* How a request counts that could not be sent: as a dead flow where a plain binding cannot be reached (3261-10.a,
   3261-16.9.b). */
enum origin call_origin_unsent(const struct call_branch *branch);

/* The caller has given up: nothing new is begun, and branches that wait on a dead flow have ended, because nothing may
   come any more. True where there were any. The host sends the CANCELs. */
bool call_cancel(struct response_context *context);

/* --- branches --- */

/* Not after a final response, a 6xx, CANCEL or sip_fail(). */
bool call_may_add(const struct response_context *context);
unsigned call_pending(const struct response_context *context, const struct call_branch *except);

/* Puts a new branch into the context, with its share of Max-Breadth. */
void call_branch_begin(struct response_context *context, struct call_branch *branch, struct target *target);
/* Begin those targets that may be tried now; the next q class only with `open_class`. Returns how many were begun. */
unsigned call_start_targets(struct response_context *context, bool open_class);
/* The next target, beside those that ring. True where there may be one more. */
bool call_start_beside(struct response_context *context);
/* The next targets where nothing is pending, begun and sent. */
void call_start_more(struct response_context *context);

/* May the request have one more branch now? Otherwise `waits` or `over` is set, and counted. */
bool call_has_room(struct response_context *context);
/* May it be sent once more, with so many bytes? Otherwise `over` is set, and counted. */
bool call_may_send(struct response_context *context, size_t bytes);
/* With which status a request is refused that no branch could be begun for (5393-5.a); 0: for another reason. */
uint32_t call_refusal(const struct response_context *context);

/* --- upstream --- */

/* The best of the final responses (16.7 step 6). */
struct call_best {
    struct best best;
    struct call_branch *branch; /* whose response it is; NULL: none's, or that of `other` */
    int other;                  /* the number of the host's own branch whose response it is; -1: none's */
};
struct call_best call_best(const struct response_context *context);

/* What goes upstream, once no branch is pending. */
struct call_upstream {
    enum { UPSTREAM_RELAY, UPSTREAM_OWN, UPSTREAM_SILENCE } kind;
    struct call_best winner; /* UPSTREAM_RELAY */
    uint16_t status;         /* of what is relayed, or of a response made here */
    bool merges;             /* UPSTREAM_RELAY: the challenges of all 401 and 407 (3261-16.7.h) */
};
struct call_upstream call_choose(const struct response_context *context);

/* No target is left, and `status` would go upstream: asks the policy. True where it has added targets. The host fills
   event->context and event->branch. */
bool call_ask_exhausted(struct call_event *event, uint32_t status);

#endif
