// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CALL_RESPONSE_CONTEXT_H
#define REFLOW_CALL_RESPONSE_CONTEXT_H

#include "core/best.h"
#include "core/decide.h"
#include "flow/load.h"
#include "flow/target.h"
#include "script/policy/policy.h"

/*
 * The life of one proxied request (RFC 3261 16.4 to 16.10, RFC 5626 section 7), the same in every host. A host embeds
 * both structures in its own records, allocates and locks them, and provides the operations of struct call_host. It
 * receives, sends and keeps time, and decides nothing.
 *
 * For each event the host fills a struct call_event and calls call_decide(). If that ends the branch, call_follow()
 * carries out the decision, at once or as soon as the host can start branches; otherwise call_pass() does. When no
 * branch is pending, call_ask_exhausted() calls the policy a last time, and call_choose() determines the response to
 * forward.
 *
 * Nothing here allocates, locks or reads a clock. The host must serialise all calls for one context.
 */

struct call_host;
struct call_event;

enum { REST_SILENT_STANDARD_S = 30 }; /* how long a silent destination is tried last (3263-4.3.b) */

struct response_context {
    const struct call_host *host;
    struct target_set *targets;   /* NULL: there is only one destination, inside a dialog or over the flow of an edge */
    struct call_branch *branches; /* branches that were started, newest first */
    struct load *load;            /* NULL: no limit holds */
    struct text aor;              /* as policies see it */
    uint64_t started_ms;          /* of the host's clock */
    size_t bytes;                 /* approximate size of the request of one branch */
    uint32_t max_breadth;         /* of the request (RFC 5393) */
    uint32_t ring_next_ms; /* sip_route's next_after: ms after which the next target is called in addition; 0: one after
                              the other */
    uint32_t retry_after;  /* s, with has_retry_after: for the forwarded response */
    uint16_t branches_made; /* including targets that rested */
    uint16_t fail_status;   /* from a verdict; 0: the best response is forwarded */
    uint8_t method;         /* enum method */
    uint8_t role;           /* enum role: proxy or edge */
    uint8_t over;           /* enum load_refusal: why no further branch was started */
    bool in_dialog;         /* the request has a To tag */
    bool success_forwarded, global_failure_seen, final_forwarded, cancelled;
    bool may_recurse; /* 3xx responses are followed */
    bool plain_6xx;   /* the host's configuration wants a 6xx to end its own branch alone, as a 4xx does */
    bool bound_only;  /* nobody may send the request to anything but bindings (3261-16.3.a) */
    bool has_retry_after;
    bool waits;       /* a target waits until a branch returns its share of Max-Breadth */
    bool keeps_share; /* a share of Max-Breadth is reserved for a target that the policy may add */
};

struct call_branch {
    struct call_branch *next;
    struct response_context *context; /* NULL: not begun */
    struct target *target;            /* NULL if the context has no targets */
    struct decision decision;         /* with has_final */
    uint32_t breadth;                 /* its share of Max-Breadth, which is returned with the final response */
    uint16_t code;   /* with has_final: the code of the decision; 0: not forwarded, because its Contacts are followed */
    uint8_t origin;  /* with has_final: enum origin */
    uint8_t action;  /* with has_final: enum action, the decision's or that of a verdict */
    bool has_final;  /* a final response was received, or none will be; it was decided about */
    bool marked;     /* ... its target is */
    bool followed;   /* with has_final: the decision was carried out */
    bool open_class; /* with has_final: the next target is tried even if others are pending */
    bool cancels_rest;     /* with has_final: the other branches are cancelled */
    bool next_server;      /* with has_final: another address of the same target is tried */
    bool provisional_seen; /* above 100 */
    bool heard;            /* a response was received on it, perhaps only a 100 */
    bool overdue;          /* set by the host: timer B or F, or the time for opening a connection, has passed */
    bool silent;           /* ... without any response (3263-4.3.b) */
    bool on_flow;          /* it was sent over a flow, not to an address */
    bool chosen;           /* set by the host: it has no target, and the policy named the next hop */
    bool after_flow;       /* it was sent to an address because a flow has died */
    bool flow_died;        /* its flow died, but it waits for its instance (5626-7.h) */
    bool rested;           /* nothing was sent, because the destination rests or has reached a limit */
    bool withheld; /* nothing was sent, which says nothing about its flow: a sips: request without TLS on the way, or a
                      branch that the host's configuration has refused */
};

/* Did only the policy name its destination? */
static inline bool call_branch_is_chosen(const struct call_branch *branch)
{
    return branch->target != NULL ? branch->target->by_policy : branch->chosen;
}

/* An event on a branch; for HOOK_EXHAUSTED, the response that would be forwarded. */
struct call_event {
    struct response_context *context;
    struct call_branch *branch; /* HOOK_EXHAUSTED: the branch of the response that would be forwarded; NULL: none */
    enum hook hook;             /* HOOK_RESPONSE or HOOK_EXHAUSTED */
    struct facts facts;         /* the host sets origin and the facts of the response */
    struct state state;
    struct decision decision;
    enum script_outcome outcome;
    enum rule_id refused; /* the guardrail that refused the verdict */
    bool carried;         /* there was a verdict that is carried out */
    bool overrides;       /* the verdict replaces the decision's action */
    struct script_verdict verdict;
};

enum call_counter {
    CALL_VERDICT,
    CALL_VERDICT_REFUSED,
    CALL_SCRIPT_ERROR,
    CALL_FAILOVER, /* another flow of an instance was tried */
    CALL_SILENCE,  /* a destination did not answer at all */
    CALL_BREADTH_WAIT,
    CALL_LOAD_OF_REQUEST,
    CALL_LOAD_OF_SOURCE,
    CALL_LOAD_IN_TOTAL,
    CALL_COUNTER_COUNT
};

/* Branches that the host's own configuration has created, in addition to those of the context. */
struct call_others {
    unsigned pending;
    size_t count; /* of the finals in `stored` */
    struct stored_response stored[32];
    int number[32]; /* the host's own, not negative */
};

/* The operations of a host. One that is marked "may be NULL" is omitted if a host does not need it. */
struct call_host {
    /* --- data about a branch --- */
    bool (*has_other_server)(
        const struct call_branch *branch);                 /* whether its name has an untried address; may be NULL */
    bool (*has_contact)(const struct call_branch *branch); /* 3261-10.a: whether its Contact can be called */
    bool (*has_response)(
        const struct call_branch *branch); /* whether the final response is stored and can be forwarded */
    /* Adds the host's own branches to what is counted; may be NULL. */
    void (*others)(const struct response_context *context, struct call_others *others);

    /* --- the policy --- */
    /* The version that the context began with, until policy_end(); NULL: there is none. */
    struct policy_hold *(*policy_begin)(struct call_event *event);
    void (*policy_end)(struct call_event *event); /* may be NULL */
    /* Sets the values for hooks, valid until hide(): `call`, and of `reply` the message and its source; for
       HOOK_RESPONSE also destination and flow. Returns false if the message cannot be shown; then no hook is called. */
    bool (*show)(struct call_event *event, struct script_call *call, struct script_reply *reply);
    void (*hide)(struct call_event *event); /* may be NULL */
    /* Replaces the hooks and the four operations above; may be NULL. For tests without a policy. */
    enum script_outcome (*ask)(struct call_event *event);
    void (*decided)(struct call_event *event); /* logs and counts a decision */
    void (*count)(struct response_context *context, enum call_counter counter);
    void (*log)(struct response_context *context, enum log_level level, const char *line);

    /* --- the target set: how many targets were added, or a negative error --- */
    int (*add_uri)(struct response_context *context, struct text uri);
    int (*add_aor)(struct response_context *context, struct text aor);
    /* Whether a request for this URI would leave to anything but bindings; may be NULL if bound_only is never set. */
    bool (*leaves)(const struct response_context *context, struct text uri);
    int (*add_flows)(struct response_context *context, const struct target *target); /* as target_add_flows() */
    int (*add_contacts)(struct call_event *event);                                   /* of the 3xx in hand */

    /* --- branches --- */
    bool (*has_room)(
        const struct response_context *context); /* whether there is room for one more branch; may be NULL */
    /* Starts a branch to the target, which is pending, with call_branch_begin(). Returns false if it was not
       started. */
    bool (*start)(struct response_context *context, struct target *target);
    /* Starts a branch to the same target by another address of its server, or by its Contact. */
    bool (*start_next_server)(struct call_branch *branch);
    void (*send)(struct response_context *context);       /* sends what was started; may be NULL if start() sends */
    void (*beside)(struct response_context *context);     /* calls call_start_beside() where branches can be started */
    void (*ring_later)(struct response_context *context); /* calls the next target after ring_next_ms; may be NULL */
    void (*cancel_pending)(struct response_context *context, const struct call_branch *except);
    /* Forwards the response now; NULL: the host does that after the event. */
    void (*forward)(struct call_event *event);
    /* ACK and CANCEL of the branch use the flow of `target` from now on. Returns false if that flow is dead too. */
    bool (*move)(struct call_branch *branch, struct target *target);
    /* Whether the instance has left the flow of the branch by a new registration, although nobody has reported the
       flow as dead; may be NULL. */
    bool (*has_left)(const struct call_branch *branch);

    /* --- bindings and rests --- */
    void (*drop_flow)(struct call_branch *branch); /* removes the flow with every binding on it (5626-7.f) */
    void (*drop_binding)(
        struct call_branch *branch); /* removes the binding unless it has moved to another flow (5626-7.g) */
    /* Its destination has asked for it. If anybody but the policy may have named the destination, it must go on serving
       the calls for which only the policy does (call_branch_is_chosen()). */
    void (*rest_branch)(struct call_branch *branch, uint32_t seconds);
    void (*rest)(struct response_context *context, struct text tenant, const char *destination, uint32_t seconds);

    /* --- destinations that have failed (3263-4.3.b); all NULL: they are not remembered --- */
    /* Returns whether the target's destination was silent a short time ago. Silence that was seen on the way to a
       URI that only the policy named is valid for all targets. Other silence is valid only for targets that a caller
       or a registered user agent may have named, so that they cannot postpone the policy's. */
    bool (*is_silent)(const struct response_context *context, const struct target *target);
    void (*begin_silence)(struct call_branch *branch); /* the branch's destination has not answered at all */
    /* It could not be reached, or has sent a 503 without Retry-After; may be NULL. */
    void (*begin_failure)(struct call_branch *branch);
    void (*end_silence)(struct call_branch *branch); /* it has answered */
};

/* --- events --- */

/* Decides about an event on a branch: facts, decide(), and the policy within the guardrails. Returns true if that
   ends the branch; then call call_follow(), otherwise call_pass(). */
bool call_decide(struct call_event *event);
void call_follow(struct call_branch *branch); /* does nothing if the decision was carried out already */
/* Only the decision: nothing is stored, and no policy is called. */
struct decision call_foresee(struct call_event *event);
void call_pass(struct call_event *event);

/* Handles the death of a waiting branch's flow. Returns true if the branch must fail now; otherwise it has ended, or
   waits for its instance, by another flow if one is alive (5626-7.h). */
bool call_flow_down(struct call_branch *branch);

/* 5626-7.i: whether the death of the branch's flow would make another flow of its instance be tried. Otherwise it is
   better to wait on a flow that may be dead. */
bool call_has_next_flow(struct call_branch *branch);

/* The origin for a request that could not be sent: a dead flow if it was for a binding without a Path (3261-10.a) or
   for an outbound one, also by a Path (3261-16.9.b), or in place of a dead flow. */
enum origin call_origin_unsent(const struct call_branch *branch);

/* To be called before CANCELs are sent: a branch whose flow is dead, or no longer the flow of its instance, takes one
   that is alive, whichever was registered later. */
void call_seek_flows(struct response_context *context);

/* Handles CANCEL: nothing new is started, and branches that wait on a dead flow end, because nothing can arrive any
   more. Returns true if there were any. The host sends the CANCELs. */
bool call_cancel(struct response_context *context);

/* --- branches --- */

/* Returns false after a final response, a 6xx, CANCEL or sip_fail(). */
bool call_may_add(const struct response_context *context);
unsigned call_pending(const struct response_context *context, const struct call_branch *except);

/* Adds a new branch to the context, with its share of Max-Breadth. */
void call_branch_begin(struct response_context *context, struct call_branch *branch, struct target *target);
/* The host's configuration has removed the branch before it was sent: it has ended without a response, and its instance
   is not called over another flow. */
void call_branch_withdraw(struct call_branch *branch);
/* Starts the targets that can be tried now; the next q class only with `open_class`. Returns their number. */
unsigned call_start_targets(struct response_context *context, bool open_class);
/* Starts the next target in addition to the pending ones. Returns true if there may be one more. */
bool call_start_beside(struct response_context *context);
/* Starts the targets of the open class in addition to the pending branches, none of which has been sent, and divides
   Max-Breadth among all of them. Returns the number of those that it has started. */
unsigned call_start_with_unsent(struct response_context *context);
/* Starts and sends the next targets if nothing is pending. */
void call_start_more(struct response_context *context);

/* Returns whether the request may have one more branch now. Otherwise `waits` or `over` is set, and counted. */
bool call_has_room(struct response_context *context);
/* Returns whether the request may be sent once more, with this many bytes. Otherwise `over` is set, and counted. */
bool call_may_send(struct response_context *context, size_t bytes);
/* The status for a request for which no branch could be started (5393-5.a); 0: for another reason. */
uint32_t call_refusal(const struct response_context *context);

/* --- upstream --- */

/* The best of the final responses (16.7 step 6). */
struct call_best {
    struct best best;
    struct call_branch *branch; /* the branch of the response; NULL: none, or `other` */
    int other;                  /* the number of the host's own branch with the response; -1: none */
};
struct call_best call_best(const struct response_context *context);

/* The response to forward, when no branch is pending. */
struct call_upstream {
    enum { UPSTREAM_RELAY, UPSTREAM_OWN, UPSTREAM_SILENCE } kind;
    struct call_best winner; /* UPSTREAM_RELAY */
    uint16_t status;         /* of the forwarded response, or of one that this server makes */
    bool merges;             /* UPSTREAM_RELAY: merge the challenges of all 401 and 407 */
};
struct call_upstream call_choose(const struct response_context *context);

/* No target is left, and `status` would be forwarded: calls the policy. Returns true if it has added targets. The
   host sets event->context and event->branch. */
bool call_ask_exhausted(struct call_event *event, uint32_t status);

#endif
