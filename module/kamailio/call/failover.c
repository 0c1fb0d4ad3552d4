// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "core/code.h"
#include "kamailio/call/react_private.h"
#include "kamailio/base/module_config.h"

/* Carries out decisions in a route that may add branches. A branch that cannot be sent fails at once, and that is
   handled too. */

/* tm ends a branch that it could not send with a final response without a message, and reports nothing. */
static bool is_unsent(const struct cell *t, const struct leg *leg)
{
    int branch = transaction_branch(t, leg);
    return branch < 0 || (t->uac[branch].last_received >= CODE_FINAL_LEAST && t->uac[branch].reply == NULL);
}

static struct leg *next_unsent(const struct cell *t, struct call *call)
{
    for (size_t i = 0; i < call->leg_count; i++) {
        struct leg *leg = call->legs[i];
        if (leg->model.context != NULL && !leg->model.has_final && is_unsent(t, leg))
            return leg;
    }
    return NULL;
}

/* New branches are reported like those before them. */
void failover_send(struct sip_msg *msg, struct cell *t)
{
    const struct ua_client *like = call_first_branch(t);
    if (like != NULL && t->on_branch_failure == 0)
        t->on_branch_failure = like->on_branch_failure;
    if (like != NULL && t->on_failure == 0)
        t->on_failure = like->on_failure;
    if (like != NULL && t->on_reply == 0)
        t->on_reply = like->on_reply;
    if (t->on_branch == 0)
        t->on_branch = t->on_branch_delayed;
    const int before = t->nr_of_outgoings;
    if (tmb.t_forward_nonack(msg, NULL) >= 0 || ser_error != E_CANCELED)
        return;
    for (int i = before; i < t->nr_of_outgoings;
         i++) /* tm has created them, will not send them, and would wait for them */
        if (t->uac[i].last_received < CODE_FINAL_LEAST)
            t->uac[i].last_received = SIP_REQUEST_TIMEOUT;
}

/* 3261-16.9.a. Each leg is sent to once, so this ends. */
static void follow_unsent(struct sip_msg *msg, struct cell *t, struct call *call)
{
    struct leg *leg;
    while ((leg = next_unsent(t, call)) != NULL) {
        struct arrival arrival = {
            .t = t, .call = call, .leg = leg, .branch = transaction_branch(t, leg), .request = msg};
        arrival_gather(&arrival, leg_origin_unsent(leg), 0);
        arrival_decide_end(&arrival);
        call_follow(&leg->model);
    }
}

void failover_branch(struct sip_msg *msg, struct cell *t, struct call *call, struct leg *leg)
{
    struct step step = {.msg = msg};
    call->step = &step;
    call_sync(call, t);
    call_follow(&leg->model);
    follow_unsent(msg, t, call);
    call->step = NULL;
}

void failover_more(struct sip_msg *msg, struct cell *t, struct call *call)
{
    struct step step = {.msg = msg};
    call->step = &step;
    call_sync(call, t);
    call_start_more(&call->model);
    follow_unsent(msg, t, call);
    call->step = NULL;
}

void failover_all(struct sip_msg *msg, struct cell *t, struct call *call)
{
    for (size_t i = 0; i < call->leg_count; i++)
        failover_branch(msg, t, call, call->legs[i]);
    failover_more(msg, t, call);
}
