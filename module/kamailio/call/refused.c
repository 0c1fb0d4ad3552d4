// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/refused.h"

#include "core/code.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/react.h"
#include "kamailio/call/react_private.h"

/* A branch that the branch route drops is not sent, and neither is one for which tm finds no address. tm reports
   nothing: it only lets t_relay() fail if there is no other branch. Other flows and targets of the call are tried then,
   when the route has ended. */

/* The last message of this process to which a final response was sent without its transaction. */
static struct {
    unsigned id;
    int pid;
} answered;

static void on_stateless_response(sl_cbp_t *sent)
{
    if (sent->req == NULL || sent->code < CODE_FINAL_LEAST)
        return;
    answered.id = sent->req->id;
    answered.pid = sent->req->pid;
}

/* tm reports a request that it builds after this. */
static int after_branch_route(struct sip_msg *msg, unsigned flags, void *parameter)
{
    struct call *call = call_of_message(msg);
    struct cell *t = call_transaction();
    (void)flags;
    (void)parameter;
    if (call != NULL && t != NULL)
        call_heed_cleared(t, call, msg);
    struct ksr_branch *branch = call != NULL ? call_branch_of_request(call, msg) : NULL;
    if (branch != NULL)
        branch->refused = true;
    return 1;
}

static bool is_lost(const struct cell *t, const struct ksr_branch *branch)
{
    return (branch->refused || branch->built) && !branch->model.has_final && branch_index(t, branch) < 0;
}

static bool has_lost(const struct cell *t, const struct call *call)
{
    for (size_t i = 0; i < call->branch_count; i++)
        if (is_lost(t, call->branches[i]))
            return true;
    return false;
}

/* The script may have sent the request elsewhere itself. */
static bool is_ours(const struct cell *t, struct call *call)
{
    for (int i = 0; i < t->nr_of_outgoings; i++)
        if (call_branch_of_ruid(call, &t->uac[i].ruid) != NULL)
            return true;
    return call_first_branch(t) == NULL;
}

/* tm has a response of its own if an address was not found. */
static bool is_answered_by_tm(const struct cell *t, const struct call *call)
{
    bool built = false;
    for (size_t i = 0; i < call->branch_count; i++)
        built |= call->branches[i]->built;
    return built && call_first_branch(t) == NULL && call->model.fail_status == 0;
}

static void follow_lost(struct sip_msg *msg, struct cell *t, struct call *call)
{
    if (t->uas.status >= CODE_FINAL_LEAST || !has_lost(t, call) || !is_ours(t, call))
        return;
    call_withdraw_removed(t, call);
    failover_unsent(msg, t, call);
    if (t->uas.status < CODE_FINAL_LEAST && transaction_pending(t) == 0 && !is_answered_by_tm(t, call))
        react_to_exhaustion(msg, t, call);
}

/* Before tm's own function, which sends 500. */
static int after_route(struct sip_msg *msg, unsigned flags, void *parameter)
{
    struct cell *t = tmb.t_gett();
    struct call *call = t != NULL && t != T_UNDEFINED ? call_of(t) : NULL;
    const bool was_answered = answered.id == msg->id && answered.pid == msg->pid;
    (void)flags;
    (void)parameter;
    if (call == NULL || was_answered)
        return 1;
    call_lock(t);
    follow_lost(msg, t, call);
    call_unlock(t);
    return 1;
}

int refused_create(void)
{
    static sl_cbelem_t responses = {.type = SLCB_REPLY_READY, .cbf = on_stateless_response};
    if (slb.register_cb(&responses) == 0 &&
        register_script_cb(after_branch_route, POST_SCRIPT_CB | BRANCH_CB, NULL) == 0 &&
        register_script_cb(after_route, POST_SCRIPT_CB | REQUEST_CB | FAILURE_CB, NULL) == 0)
        return 0;
    ksr_log(LOG_ERROR, "what follows a branch route cannot be registered");
    return -1;
}
