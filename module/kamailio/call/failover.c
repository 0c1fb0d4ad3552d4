// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "core/code.h"
#include "kamailio/call/react_private.h"
#include "kamailio/base/module_config.h"

/* Carries out decisions in a route that may add branches. A branch that cannot be sent fails at once, and that is
   handled too. */

/* tm ends a branch that it could not send with a final response without a message, and reports nothing. */
static bool is_unsent(const struct cell *t, const struct ksr_branch *branch)
{
    int index = branch_index(t, branch);
    return index < 0 || (t->uac[index].last_received >= CODE_FINAL_LEAST && t->uac[index].reply == NULL);
}

static struct ksr_branch *next_unsent(const struct cell *t, struct call *call)
{
    for (size_t i = 0; i < call->branch_count; i++) {
        struct ksr_branch *branch = call->branches[i];
        if (branch->model.context != NULL && !branch->model.has_final && is_unsent(t, branch))
            return branch;
    }
    return NULL;
}

/* New branches are reported like those before them. */
void failover_send(struct sip_msg *msg, struct cell *t, struct call *call)
{
    const struct ua_client *like = call_branch_to_follow(t, call);
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

/* Without a branch of tm's, nothing was sent. The script has dropped the branch, or tm could not make it: that says
   nothing about its flow. */
static enum origin origin_of_unsent(struct arrival *arrival)
{
    struct ksr_branch *branch = arrival->branch;
    const bool never_sent = arrival->index < 0 && (branch->refused || branch->model.target->flow != 0);
    branch->model.withheld = never_sent;
    return never_sent ? ORIGIN_FLOW_DOWN : branch_origin_unsent(branch);
}

/* 3261-16.9.a. Each branch is sent to once, so this ends. */
static void follow_unsent(struct sip_msg *msg, struct cell *t, struct call *call)
{
    struct ksr_branch *branch;
    while ((branch = next_unsent(t, call)) != NULL) {
        struct arrival arrival = {
            .t = t, .call = call, .branch = branch, .index = branch_index(t, branch), .request = msg};
        arrival_gather(&arrival, origin_of_unsent(&arrival), 0);
        arrival_decide_end(&arrival);
        call_follow(&branch->model);
    }
}

/* A new Request-URI of the script is not sent with the targets: it may only have named a user who has none. Returns
   whether there is one. */
static bool begin_step(struct step *step, struct cell *t, struct call *call)
{
    const bool has_request_uri = ruri_get_forking_state();
    ruri_mark_consumed();
    call->step = step;
    call_sync(call, t);
    return has_request_uri;
}

/* The script may relay its Request-URI later. */
static void end_step(struct call *call, bool has_request_uri)
{
    call->step = NULL;
    if (has_request_uri)
        ruri_mark_new();
}

void failover_branch(struct sip_msg *msg, struct cell *t, struct call *call, struct ksr_branch *branch)
{
    struct step step = {.msg = msg};
    const bool has_request_uri = begin_step(&step, t, call);
    call_follow(&branch->model);
    follow_unsent(msg, t, call);
    end_step(call, has_request_uri);
}

void failover_more(struct sip_msg *msg, struct cell *t, struct call *call)
{
    struct step step = {.msg = msg};
    const bool has_request_uri = begin_step(&step, t, call);
    call_start_more(&call->model);
    follow_unsent(msg, t, call);
    end_step(call, has_request_uri);
}

void failover_unsent(struct sip_msg *msg, struct cell *t, struct call *call)
{
    struct step step = {.msg = msg};
    const bool has_request_uri = begin_step(&step, t, call);
    follow_unsent(msg, t, call);
    end_step(call, has_request_uri);
    failover_more(msg, t, call);
}

void failover_all(struct sip_msg *msg, struct cell *t, struct call *call)
{
    for (size_t i = 0; i < call->branch_count; i++)
        failover_branch(msg, t, call, call->branches[i]);
    failover_more(msg, t, call);
}
