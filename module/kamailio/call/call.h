// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_CALL_H
#define REFLOW_KAMAILIO_CALL_H

#include "kamailio/base/ksr.h"
#include "kamailio/base/arena.h"
#include "kamailio/flow/flows.h"
#include "kamailio/flow/waits.h"

#include "call/request_view.h"
#include "call/response_context.h"

/*
 * The module's record of one request: the target set, and one branch (struct ksr_branch) for each target. It is in
 * shared memory, as the parameter of the callbacks of tm's transaction. A target is tried at most once, so tm has at
 * most one branch for each; the ruid links the two (tm stores it as uac[].ruid, and nothing else of the module). An
 * `index` is the place of tm's branch in uac[]. Before t_relay() the record belongs to the process that created it;
 * afterwards it is changed under tm's reply lock.
 */

struct peer;

struct ksr_branch {
    struct call_branch model; /* its target never changes */
    struct wait wait;
    str ruid; /* of the branch: that of the binding, or "reflow-N" for other targets, and where a branch has it already
               */
    str binding;     /* the ruid of the binding; empty if the target is not a binding */
    str destination; /* URI to send to instead of the target's (received, or the first of the Path); may be empty */
    str received;
    const struct peer *peer; /* the node that has the flow of the binding; NULL: this one */
    str request_uri;         /* for a peer: the AOR */
    str user_agent;
    sr_xavp_t *attributes; /* of usrloc's xavp_contact; NULL: none */
    struct socket_info *socket;
    unsigned aor_hash;     /* of the binding, for usrloc; 0 with no binding */
    unsigned branch_flags; /* as usrloc keeps them with the binding */
    bool contact_left;     /* if the flow is gone, the binding's Contact can be called (3261-10.a) */
    bool refused; /* the branch route has run for it, and tm has not built its request: the script dropped it */
    bool built;   /* tm has begun to build its request */
    size_t bytes; /* bytes that count as in flight for it */
};

/* One step of this process, with the message for which branches are started. */
struct step {
    struct sip_msg *msg;
    bool first;   /* nothing was sent yet: the first branch takes the Request-URI */
    unsigned put; /* branches in the destination set */
};

struct call {
    struct response_context
        model;          /* its texts are in shared memory too; its AOR is the one for policies, not usrloc's key */
    struct arena arena; /* memory of the record's parts */
    struct cell *t;     /* NULL before the transaction */
    struct step *step;  /* of the process that holds the lock */
    struct ksr_branch *branches[TARGETS_MOST];
    size_t branch_count;
    struct ksr_branch *in_request_uri; /* the branch whose target is the Request-URI of the message; NULL: none */
    char table[32];                    /* table of usrloc; empty: no bindings are looked up */
    flow_id sender_flow;               /* on which the request came; 0: its sender is not left out */
    struct text sender_aor;
    struct text user, trunk; /* of the sender, as policies see them: see caller.h */
    bool registered;
    bool of_peer;         /* a peer has chosen the binding, and asks its own policy */
    unsigned dead_flows;  /* bindings on dead flows that were not added */
    bool sender_left_out; /* a binding of sender_aor on that flow, or of its instance, was left out */
    uint64_t policy_hash; /* of the version with which it began; 0: none */
    struct timer_ln ring_next;
    bool cleared;             /* the script has cleared the first destination set, and named a Request-URI */
    bool ringing;             /* ring_next runs, or has run */
    int lift;                 /* of the targets that are being added: see target_lift() */
    unsigned methods;         /* methods that targets must allow, as Kamailio's bits */
    bool forces;              /* this module has set the message's flag for the first branch: see forced.h */
    uint32_t forced;          /* a bit for each branch of tm that has got it from the message */
    uint32_t built;           /* a bit for each branch of tm that it has begun to build */
    bool corrects_status;     /* its callback before those of other modules is registered */
    uint8_t branch_raised;    /* + 1: the branch whose code is changed for tm's choice of the best response; 0: none */
    uint8_t branch_in_hand;   /* + 1: the branch whose response tm has not stored yet */
    uint8_t branch_shown;     /* + 1: the branch whose 430 is shown as a timeout in the failure route; 0: none */
    uint8_t branches_weighed; /* number of branches at that choice */
    uint8_t branches_failing; /* ... when the failure route began */
};

/* Returns whether it is sent over a connection that the registered user agent has opened. */
static inline bool branch_is_stream(const struct ksr_branch *branch)
{
    return branch->model.target->flow != 0 && !flow_is_datagram(branch->model.target->flow);
}

static inline struct text text_of_str(str from)
{
    return (struct text){from.s, from.len > 0 ? (size_t)from.len : 0};
}

static inline str str_of_text(struct text from)
{
    return (str){(char *)from.at, (int)from.length};
}

/* Events of transactions that have a call; NULL members are not allowed. */
struct transaction_events {
    const struct call_host *host; /* for the model of each call */
    void (*sending)(void);        /* a call is created or found again, and its request will be sent */
    void (*sent)(struct cell *t, struct call *call);
    /* tm's callbacks of these names. The first two run under tm's reply lock, with params->rpl the response
       (FAKED_REPLY: there is none); `reply` runs before tm takes the lock; `cancel` before tm has done anything. */
    void (*branch_failure)(struct cell *t, struct call *call, struct tmcb_params *params);
    void (*failure)(struct cell *t, struct call *call, struct tmcb_params *params);
    /* The same event before `failure` and before the callbacks of other modules, which get what it changes in params */
    void (*failing)(struct cell *t, struct call *call, struct tmcb_params *params);
    void (*reply)(struct cell *t, struct call *call, struct tmcb_params *params);
    void (*cancel)(struct cell *t, struct call *call);
};
extern const struct transaction_events kamailio_transaction_events; /* call_host.c */
void call_listen(const struct transaction_events *events);          /* in mod_init, before the first call */

/* The call of a transaction; NULL: it does not belong to this module. */
struct call *call_of(const struct cell *t);
struct ksr_branch *call_branch_of_ruid(struct call *call, const str *ruid);
/* The branch for which tm builds a request from the message. */
struct ksr_branch *call_branch_of_request(struct call *call, const struct sip_msg *msg);

/* tm builds all branches of the destination set before it sends the first one. Those that it has not begun to build by
   then are no longer in the set: the script has called clear_branches(), and they are not called. */
void call_withdraw_removed(struct cell *t, struct call *call);
/* The same for a Request-URI that the script has replaced after clear_branches(). To be called before
   call_branch_of_request(). */
void call_heed_cleared(struct cell *t, struct call *call, struct sip_msg *msg);

bool branch_is_of_binding(const str *ruid); /* and not from a URI that the configuration, a policy or a 3xx named */

/* Creates a call for the transaction that `msg` has or will have, or returns the existing one. It begins without
   targets, with `room` bytes for them and their texts before it allocates more. NULL: no shared memory. */
struct call *call_new(struct sip_msg *msg, enum role role, size_t room);

/* tm's transaction that this process handles now, or NULL. */
struct cell *call_transaction(void);

/* The call of this message, or NULL. */
struct call *call_of_message(const struct sip_msg *msg);

/* The same in the private memory of this process, for a request that continues without a record. */
struct call *call_new_private(size_t room);
void call_delete_private(struct call *call);

/* Adds one branch, whose target is pending, to the destination set of the step's message: as its Request-URI if it is
   the first, else as a further branch. With Path, socket, received, ruid and instance. Returns 0 or -1. */
int call_put_branch(struct call *call, struct ksr_branch *branch);
/* Starts the targets that can be tried now (call_start_targets()) and adds their branches; returns their number. */
size_t call_put_targets(struct sip_msg *msg, struct call *call, bool open_class, bool first);
/* The same for targets that are called together with those in the destination set, which were not sent yet. */
size_t call_put_with_unsent(struct sip_msg *msg, struct call *call);
/* Puts the branch back that was in the Request-URI before the script named another AOR there. */
void call_keep_request_uri(struct sip_msg *msg, struct call *call);
size_t call_put_beside(struct sip_msg *msg, struct call *call); /* the next target, in addition to the pending ones */
/* Adds targets for a policy's verdict or a 3xx; returns their number, or -1. A URI of this server means its
   bindings, another one itself. */
int call_add_uri(struct call *call, const str *uri, int q);
/* The same for a URI that the policy named. */
int call_add_chosen_uri(struct call *call, const str *uri);
int call_add_aor(struct call *call, const str *aor);
bool uri_is_own(const str *uri); /* a user at this server */
struct ksr_branch *call_branch_of_target(struct call *call, const struct target *target);
/* The number of branches without a final response; while there are any, tm does not choose a response. */
unsigned transaction_pending(const struct cell *t);
/* The index of the last branch of tm that was created for it; -1: none. */
int branch_index(const struct cell *t, const struct ksr_branch *branch);
enum method request_method(const struct sip_msg *request);

/* Returns whether tm's timer has ended the branch before any response, even a 100 (3263-4.3.b). */
bool branch_is_silent(const struct ua_client *uac);

/* The first branch with a request, or NULL. A branch on which a suspended transaction waits has none. */
const struct ua_client *call_first_branch(const struct cell *t);

/* The last branch of this module with a request, or else the first branch: the routes that were set for it apply to
   later ones, too. A failure route may have set others than for the first branch. */
const struct ua_client *call_branch_to_follow(const struct cell *t, struct call *call);

/* For policies: the values of `call` in hooks, and the request, which is parsed when it is first needed and valid
   until call_view_end(). */
struct call_view {
    struct script_call call;
    struct sip_message *message;
    char source[SOURCE_TEXT_MOST];
    uint16_t fault; /* after a failure: the status for the request, as this server answers it */
};
int call_view_begin(struct call_view *view, const struct call *call, struct sip_msg *msg);
void call_view_end(struct call_view *view);

/* The same for a response, until reply_view_end(). NULL: none came, or it cannot be read. */
struct sip_message *reply_view_begin(const struct sip_msg *reply);
void reply_view_end(struct sip_message *message);

/* 5626-7.h: the branch was sent; if it uses a stream, the end of the connection will be reported. */
void call_watch_branch(struct cell *t, struct call *call, int index);

/* Copies tm's state of the transaction to the model. Under the lock, or before the transaction (t NULL). */
void call_sync(struct call *call, struct cell *t);

/* The destination of the branch. Returns false if it is not an address. */
bool call_aim(struct dest_info *to, const struct ksr_branch *branch);

/* tm's reply lock, under which the record is changed; this process may hold it already. */
void call_lock(struct cell *t);
void call_unlock(struct cell *t);

/* Handles the death of a waiting branch's flow. Returns the branch's index if it must fail now (5626-7.h), or -1: it
   has ended, or it has seen a provisional and waits for its instance. Takes the reply lock. */
int call_branch_down(struct cell *t, const str *ruid);

/* Functions of the configuration: return 1, -1, or 0 if the script ends here because the request was answered. */
int sip_route_flows(struct sip_msg *msg, str *table, str *uri); /* uri NULL: the Request-URI */
int sip_on_flow_failed(struct sip_msg *msg);
int sip_on_failure(struct sip_msg *msg);
int sip_decide(struct sip_msg *msg);

/* The code for functions without a code argument: of the reply in a reply route, of the branch's or the best reply
   in a branch failure or failure route. 0: none. */
uint32_t current_code(struct sip_msg *msg);

#endif
