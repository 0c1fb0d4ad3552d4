// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_REACT_PRIVATE_H
#define REFLOW_KAMAILIO_REACT_PRIVATE_H

#include "kamailio/base/ksr.h"

#include "kamailio/call/call.h"

/* What has come to one branch: a response, or that none will come. */
struct arrival {
    struct call_event event;
    struct cell *t;
    struct call *call;
    struct leg *leg;
    int branch;              /* of t; -1: tm made none for this leg */
    struct sip_msg *request; /* tm's own, or the copy that a route has */
    struct sip_msg *reply;   /* NULL: none came */
    struct policy_hold hold;
    struct call_view view;
    struct sip_message *message; /* the reply as the policy sees it */
    char flow[128], destination[ADDRESS_TEXT_MOST];
};

/* 3261-9.a: each as soon as it has seen a provisional, but for the branch `except`, or -1. */
void react_cancel_pending(struct cell *t, int except);

/* react.c: facts and state; `origin` and `code` are what tm says. */
void arrival_gather(struct arrival *arrival, enum origin origin, uint32_t code);
/* As call_origin_unsent(); tm does not tell that a datagram could not be sent. */
enum origin leg_origin_unsent(const struct leg *leg);
/* A branch has ended: the decision and the policy's verdict, kept in the leg. What follows is for failover_branch(). */
void arrival_decide_end(struct arrival *arrival);

/* failover.c: what follows from the decisions, in a route that may add branches. */
void failover_branch(struct sip_msg *msg, struct cell *t, struct call *call, struct leg *leg);
/* The same for every leg that has ended and is waited for by nobody; then the next targets, where nothing pends. */
void failover_all(struct sip_msg *msg, struct cell *t, struct call *call);
/* The next targets, where nothing pends. */
void failover_more(struct sip_msg *msg, struct cell *t, struct call *call);
/* What was put into the destination set. */
void failover_send(struct sip_msg *msg, struct cell *t);

/* best_reply.c: which response goes up. */
void best_create(void); /* mod_init */
bool best_is_received(const struct ua_client *uac);
/* It, and its message; *reply NULL: what goes up is made here, or (status 0) nothing goes. */
struct call_best best_reply(struct cell *t, struct call *call, struct sip_msg **reply);
/* tm, which chooses when the route ends, shall choose the best response: `branch` is the one that has just ended. */
void best_weigh(struct cell *t, struct call *call, int branch);
/* tm has chosen: its codes are again what scripts may read. */
void best_weighed(struct cell *t, struct call *call);
/* The failure route has ended: the others' codes too are again what came, so that what is repeated is known. */
void best_settled(struct cell *t, struct call *call);
/* All branches have ended: leave it to tm to relay the winner, answer, or end in silence. */
void best_send(struct sip_msg *msg, struct cell *t, struct call *call);

#endif
