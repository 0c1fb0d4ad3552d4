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
 * What the module knows of one request on its way: the target set, and one leg for each target. It lives in shared
 * memory and hangs on tm's transaction as the parameter of our callbacks. A target is tried at most once, so a leg is
 * at most one branch; the two know each other by ruid (tm keeps it as uac[].ruid, and keeps nothing else of ours).
 * Before t_relay() it belongs to the process that made it; afterwards it is changed under tm's reply lock.
 */

struct leg {
    struct call_branch model; /* its target is known from the beginning */
    struct wait wait;
    str ruid;        /* of the branch: the binding's, "reflow-N" where there is none or another leg has it already */
    str binding;     /* the binding's ruid; empty where the target is no binding */
    str destination; /* URI to send to in place of the target's (received, or the first of the Path); may be empty */
    str received;
    struct socket_info *socket;
    unsigned aor_hash;     /* of the binding, for usrloc; 0 with no binding */
    unsigned branch_flags; /* as usrloc keeps them with the binding */
    bool contact_left;     /* where the flow is gone, the binding's Contact may be called (3261-10.a) */
    size_t bytes;          /* that count as in flight for it */
};

/* One step of this process, with whose message branches are begun. */
struct step {
    struct sip_msg *msg;
    bool first;   /* nothing was sent yet: the first leg takes the Request-URI */
    unsigned put; /* legs in the destination set */
};

struct call {
    struct response_context
        model;          /* whose texts are in shared memory too; its AOR is policies', not usrloc's own key */
    struct arena arena; /* whence the record's own parts come */
    struct cell *t;     /* NULL before the transaction */
    struct step *step;  /* of the process that holds the lock */
    struct leg *legs[TARGETS_MOST];
    size_t leg_count;
    char table[32];       /* of usrloc; empty: no bindings are looked up */
    uint64_t policy_hash; /* of the version it began with; 0: none */
    struct timer_ln ring_next;
    bool ringing;             /* ring_next runs, or has run */
    unsigned methods;         /* that targets must take, Kamailio's bits */
    bool forbids_connecting;  /* the message's sending flags say so because of us: only living streams are sent over */
    uint8_t branch_raised;    /* + 1: whose code is changed for tm's choice of the best response; 0: none's */
    uint8_t branch_in_hand;   /* + 1: whose response tm has not stored yet */
    uint8_t branches_weighed; /* how many there were for that choice */
};

/* Does it go over a connection that the registered user agent has opened? */
static inline bool leg_is_stream(const struct leg *leg)
{
    return leg->model.target->flow != 0 && !flow_is_datagram(leg->model.target->flow);
}

static inline struct text text_of_str(str from)
{
    return (struct text){from.s, from.len > 0 ? (size_t)from.len : 0};
}

static inline str str_of_text(struct text from)
{
    return (str){(char *)from.at, (int)from.length};
}

/* What happens to the transactions that have a call; NULL members are not allowed. */
struct transaction_events {
    const struct call_host *host; /* of the model of each call */
    void (*sending)(void);        /* a call is made or found again, and its request will be sent */
    void (*sent)(struct cell *t, struct call *call);
    /* tm's callbacks of these names. The first two run under tm's reply lock, with params->rpl the response
       (FAKED_REPLY: none came); `reply` runs before it is taken; `cancel` before tm has done anything. */
    void (*branch_failure)(struct cell *t, struct call *call, struct tmcb_params *params);
    void (*failure)(struct cell *t, struct call *call, struct tmcb_params *params);
    void (*reply)(struct cell *t, struct call *call, struct tmcb_params *params);
    void (*cancel)(struct cell *t, struct call *call);
};
extern const struct transaction_events kamailio_transaction_events; /* call_host.c */
void call_listen(const struct transaction_events *events);          /* in mod_init, before the first call */

/* The call of a transaction; NULL: it is none of ours. */
struct call *call_of(const struct cell *t);
struct leg *call_leg(struct call *call, const str *ruid);

bool leg_is_of_binding(const str *ruid); /* and not of a URI that the configuration, a policy or a 3xx named */

/* Make one, and hang it on the transaction that `msg` has or will have, or give the one that hangs there. It begins
   without targets, and with `room` bytes for them and their texts before it takes more. NULL: no shared memory. */
struct call *call_new(struct sip_msg *msg, enum role role, size_t room);

/* Begin anew before anything was sent: a second sip_route_flows() for one message replaces the first. 0 or -1. */
int call_forget_targets(struct call *call);

/* The same in this process's memory and known to nobody, for a request that goes on without one. */
struct call *call_new_private(size_t room);
void call_delete_private(struct call *call);

/* Put one leg, whose target is pending, into the destination set of the step's message: as its Request-URI where it is
   the first, else as a branch more. With Path, socket, received, ruid and instance. 0 or -1. */
int call_put_leg(struct call *call, struct leg *leg);
/* Take the targets that may be tried now (call_start_targets()) and put their legs; returns how many. */
size_t call_put_targets(struct sip_msg *msg, struct call *call, bool open_class, bool first);
size_t call_put_beside(struct sip_msg *msg, struct call *call); /* the next target, beside those that ring */
/* More targets, for a policy's verdict or a 3xx: how many were added, or -1. A URI of this server stands for its
   bindings, another one for itself. */
int call_add_uri(struct call *call, const str *uri, int q);
int call_add_aor(struct call *call, const str *aor);
bool uri_is_own(const str *uri); /* a user at this server */
struct leg *call_leg_of_target(struct call *call, const struct target *target);
/* Branches without a final response; while there are any, tm chooses no winner. */
unsigned transaction_pending(const struct cell *t);
/* The last branch that was made for a leg; -1: none. */
int transaction_branch(const struct cell *t, const struct leg *leg);
enum method request_method(const struct sip_msg *request);

/* The first branch with a request; NULL: none was made. What a suspended transaction waits on is none. */
const struct ua_client *call_first_branch(const struct cell *t);

/* For policies: what their hooks see as `call`, and the request as they read it. A process parses it once for all hooks
   of a call (call/message_cache.h). The view is valid until call_view_end(). */
struct call_view {
    struct script_call call;
    struct sip_message *message;
    char source[SOURCE_TEXT_MOST];
    uint16_t fault; /* after a failure: the status that the request deserves, as our own server answers it */
};
int call_view_begin(struct call_view *view, const struct call *call, struct sip_msg *msg);
void call_view_end(struct call_view *view);

/* The same for a response, until reply_view_end(). NULL: none came, or it cannot be read. */
struct sip_message *reply_view_begin(const struct sip_msg *reply);
void reply_view_end(struct sip_message *message);

/* 5626-7.h: the branch has been sent; where it went over a stream it is told of when that closes. */
void call_watch_branch(const struct cell *t, struct call *call, int branch);

/* What tm knows of the transaction, into the model. Under the lock, or before the transaction (t NULL). */
void call_sync(struct call *call, struct cell *t);

/* Where the leg leads to. False: its destination is no address. */
bool call_aim(struct dest_info *to, const struct leg *leg);

/* tm's own lock of replies, under which the record is changed; this process may hold it already. */
void call_lock(struct cell *t);
void call_unlock(struct cell *t);

/* The flow that a waiting branch uses is dead. Returns the branch's index where it shall fail now (5626-7.h), or -1:
   it has ended, or it has seen a provisional and waits for its instance. Takes the reply lock. */
int call_branch_down(struct cell *t, const str *ruid);

/* Functions of the configuration: 1, -1, or 0 where the script ends here because the request has been answered. */
int sip_route_flows(struct sip_msg *msg, str *table, str *uri); /* uri NULL: the Request-URI */
int sip_on_flow_failed(struct sip_msg *msg);
int sip_on_failure(struct sip_msg *msg);
int sip_decide(struct sip_msg *msg);

/* The code that functions without a code mean: of the reply in a reply route, of the branch's or the winning reply in a
   branch failure or failure route. 0: none. */
uint32_t current_code(struct sip_msg *msg);

#endif
