// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_REACT_PRIVATE_H
#define REFLOW_KAMAILIO_REACT_PRIVATE_H

#include "kamailio/base/ksr.h"

#include "kamailio/call/call.h"

enum { SEND_FAILED = 908 }; /* the code that tm has stored for it: uac[].icode */

/* An event on one branch: a response, or an event in place of one. */
struct arrival {
    struct call_event event;
    struct cell *t;
    struct call *call;
    struct ksr_branch *branch;
    int index;               /* of tm's branch; -1: tm has none */
    struct sip_msg *request; /* tm's own, or the copy that a route has */
    struct sip_msg *reply;   /* NULL: none came */
    struct policy_hold hold;
    struct call_view view;
    struct sip_message *message; /* the reply as the policy sees it */
    char flow[128], destination[ADDRESS_TEXT_MOST];
};

/* 3261-9.a: cancels each as soon as it has seen a provisional, except the branch `except` (-1: none). */
void react_cancel_pending(struct cell *t, int except);

/* react.c: facts and state; `origin` and `code` are tm's. */
void arrival_gather(struct arrival *arrival, enum origin origin, uint32_t code);
/* As call_origin_unsent(); tm does not report that a datagram could not be sent. */
enum origin branch_origin_unsent(const struct ksr_branch *branch);
/* A branch has ended: stores the decision and the policy's verdict in the branch. failover_branch() and
   failover_all() carry them out. */
void arrival_decide_end(struct arrival *arrival);

/* failover.c: carries out the decisions, in a route that may add branches. */
void failover_branch(struct sip_msg *msg, struct cell *t, struct call *call, struct ksr_branch *branch);
/* The same for every branch that has ended without a waiting route; then the next targets, if nothing is pending. */
void failover_all(struct sip_msg *msg, struct cell *t, struct call *call);
/* The same for the branches that tm has not sent. */
void failover_unsent(struct sip_msg *msg, struct cell *t, struct call *call);
/* The next targets, if nothing is pending. */
void failover_more(struct sip_msg *msg, struct cell *t, struct call *call);
/* The branches in the destination set. */
void failover_send(struct sip_msg *msg, struct cell *t, struct call *call);

/* best_reply.c: which response is forwarded. */
void best_create(void); /* mod_init */
bool best_is_received(const struct ua_client *uac);
/* The best response and its message; *reply NULL: this server makes the response, or (status 0) nothing is sent. */
struct call_best best_reply(struct cell *t, struct call *call, struct sip_msg **reply);
/* Makes tm choose the best response when the route ends: `branch` is the one that has just ended. */
void best_weigh(struct cell *t, struct call *call, int index);
/* TMCB_ON_FAILURE: the status for callbacks and scripts. May be called twice. */
void best_begin_failure(struct cell *t, struct call *call, struct tmcb_params *params);
/* Answers in a failure route. Accounting writes a missed call once. */
void best_answer(struct sip_msg *msg, struct cell *t, uint32_t status);
/* After tm's choice: restores the codes for scripts. */
void best_weighed(struct cell *t, struct call *call);
/* After the failure route: restores the other codes too, so that retransmissions are recognised. */
void best_settled(struct cell *t, struct call *call);
/* All branches have ended: lets tm forward the best response, answer, or end in silence. */
void best_send(struct sip_msg *msg, struct cell *t, struct call *call);

#endif
