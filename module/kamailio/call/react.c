// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/react.h"

#include "core/code.h"
#include "core/reaction.h"
#include "kamailio/call/breadth.h"
#include "kamailio/policy/events.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/react_private.h"
#include "kamailio/call/reconnect.h"

/* Handles a response on a branch, or an event in place of one: facts, decision, and the functions of the
   configuration that carry it out or only query it. */

void react_cancel_pending(struct cell *t, int except)
{
    struct cancel_info cancel;
    init_cancel_info(&cancel);
    if (!is_invite(t))
        return;
    tmb.prepare_to_cancel(t, &cancel.cancel_bitmap, except >= 0 ? (branch_bm_t)1 << except : 0);
    tmb.cancel_uacs(t, &cancel, F_CANCEL_B_FORCE_RETR);
}

/* 3261-20.33.a */
static void read_retry_after(struct facts *facts, struct sip_msg *reply)
{
    const struct reaction *row = reaction_find(facts->code);
    if (reply == NULL || row->retry_after == RETRY_AFTER_IGNORED || parse_headers(reply, HDR_RETRY_AFTER_F, 0) != 0)
        return;
    for (const struct hdr_field *field = reply->headers; field != NULL; field = field->next) {
        if (field->type != HDR_RETRY_AFTER_T || field->parsed == NULL)
            continue;
        facts->has_retry_after = true;
        facts->retry_after = (uint32_t)(uintptr_t)field->parsed;
        return;
    }
}

void arrival_gather(struct arrival *arrival, enum origin origin, uint32_t code)
{
    struct ksr_branch *branch = arrival->branch;
    call_sync(arrival->call, arrival->t);
    arrival->event = (struct call_event){.branch = &branch->model, .facts = {.code = code, .origin = (uint8_t)origin}};
    /* If nothing was sent over the flow, the result says nothing about it. */
    branch->model.on_flow = arrival->index >= 0 && branch->model.target->flow != 0;
    branch->model.context = &arrival->call->model;
    read_retry_after(&arrival->event.facts, arrival->reply);
}

void arrival_decide_end(struct arrival *arrival)
{
    breadth_give_back(arrival->call, arrival->branch);
    call_decide(&arrival->event);
}

enum origin branch_origin_unsent(const struct ksr_branch *branch)
{
    return flow_is_datagram(branch->model.target->flow) ? ORIGIN_TRANSPORT : call_origin_unsent(&branch->model);
}

/* The response that tm generates without a received one shows how it noticed. A branch that has seen a provisional
   waits for its instance although its flow is dead (5626-7.h), and ends with what arrives. */
static enum origin origin_of(const struct ua_client *uac, const struct ksr_branch *branch, bool received, int code)
{
    /* 3261-16.9.a: the generated code does not matter; decide() knows the meaning of a failed send on a flow. */
    if (uac->icode == SEND_FAILED)
        return branch_origin_unsent(branch);
    if (branch->model.flow_died && !branch->model.provisional_seen && (!received || code == SIP_FLOW_FAILED))
        return ORIGIN_FLOW_DOWN;
    if (received)
        return ORIGIN_WIRE;
    return code == SIP_SERVICE_UNAVAILABLE ? branch_origin_unsent(branch) : ORIGIN_TIMEOUT;
}

/* 3263-4.3.b: tm reports a timeout like a response, and no 100. */
static void branch_note_silence(struct ksr_branch *branch, const struct ua_client *uac, bool received, int code)
{
    branch->model.overdue = !received && code == SIP_REQUEST_TIMEOUT && branch_is_silent(uac);
    branch->model.heard |= !received && !branch->model.overdue;
}

/* --- tm's callbacks --- */

void react_on_branch_failure(struct cell *t, struct call *call, struct tmcb_params *params)
{
    struct arrival arrival = {.t = t, .call = call, .index = tmb.t_gett_branch(), .request = params->req};
    best_weighed(t, call);
    if (arrival.index < 0 || arrival.index >= t->nr_of_outgoings)
        return;
    const struct ua_client *uac = &t->uac[arrival.index];
    arrival.branch = call_branch_of_ruid(call, &uac->ruid);
    if (arrival.branch == NULL)
        return;
    arrival.reply = params->rpl != FAKED_REPLY ? params->rpl : NULL;
    wait_remove(&arrival.branch->wait);
    branch_note_silence(arrival.branch, uac, arrival.reply != NULL, params->code);
    arrival_gather(&arrival, origin_of(uac, arrival.branch, arrival.reply != NULL, params->code),
                   (uint32_t)params->code);
    arrival_decide_end(&arrival);
    pv_note_decision(params->req, &arrival.event.decision);
}

void react_on_failure(struct cell *t, struct call *call, struct tmcb_params *params)
{
    int index = tmb.t_get_picked_branch();
    best_begin_failure(t, call, params);
    if (index < 0 || index >= t->nr_of_outgoings)
        return;
    const struct ksr_branch *branch = call_branch_of_ruid(call, &t->uac[index].ruid);
    if (branch != NULL && branch->model.has_final)
        pv_note_decision(params->req, &branch->model.decision);
    if (t->uac[index].on_failure == 0) { /* no route will run that could carry out the decision */
        best_send(params->req, t, call);
        best_settled(t, call);
    }
}

/* 3261-9.a. While tm waits for its lock with this provisional response, another process may handle a final one and
   cancel the branches with a provisional: this branch has one, but tm does not store what arrives after a final
   response. The same holds for a branch of the script's own. */
static void make_cancellable(const struct arrival *arrival)
{
    struct ua_client *uac = &arrival->t->uac[arrival->index];
    if (is_invite(arrival->t) && uac->last_received == 0)
        uac->last_received = SIP_TRYING;
}

static void hear_reply(struct arrival *arrival, uint32_t code)
{
    arrival->branch = call_branch_of_ruid(arrival->call, &arrival->t->uac[arrival->index].ruid);
    if (code < CODE_FINAL_LEAST)
        make_cancellable(arrival);
    if (arrival->branch == NULL || (arrival->branch->model.has_final && code < CODE_FINAL_LEAST))
        return;
    arrival_gather(arrival, ORIGIN_WIRE, code);
    bool ends = call_decide(&arrival->event);
    pv_note_decision(arrival->reply, &arrival->event.decision);
    if (!ends)
        call_pass(&arrival->event);
    else if (arrival->event.overrides) /* a 2xx that the policy replaces by another status */
        tmb.t_reply_trans(arrival->t, arrival->t->uas.request, arrival->call->model.fail_status,
                          (char *)code_phrase(arrival->call->model.fail_status));
    if (code >= CODE_FINAL_LEAST)
        arrival->call->model.success_forwarded = true;
}

/* tm acknowledges it next, and reports it afterwards. */
static void hear_failure(const struct arrival *arrival)
{
    const struct ksr_branch *branch = call_branch_of_ruid(arrival->call, &arrival->t->uac[arrival->index].ruid);
    if (branch == NULL || branch->model.context == NULL || branch->model.has_final || !is_invite(arrival->t))
        return;
    call_sync(arrival->call, arrival->t);
    call_seek_flows(&arrival->call->model);
    reconnect_aim_ack(arrival->t, branch, &arrival->reply->rcv);
}

void react_on_reply(struct cell *t, struct call *call, struct tmcb_params *params)
{
    struct arrival arrival = {
        .t = t, .call = call, .index = tmb.t_gett_branch(), .request = params->req, .reply = params->rpl};
    if (params->code <= SIP_TRYING)
        return;
    call_lock(t);
    if (params->code < SIP_MULTIPLE_CHOICES)
        hear_reply(&arrival, (uint32_t)params->code);
    else
        hear_failure(&arrival);
    call_unlock(t);
}

/* The CANCELs are sent with the reply. */
void react_on_cancel(struct cell *t, struct call *call)
{
    call_lock(t);
    call_sync(call, t);
    call_seek_flows(&call->model);
    if (call_cancel(&call->model) && t->uas.status < CODE_FINAL_LEAST)
        tmb.t_reply_trans(t, t->uas.request, SIP_REQUEST_TERMINATED, (char *)code_phrase(SIP_REQUEST_TERMINATED));
    call_unlock(t);
}

bool react_ask_exhausted(struct cell *t, struct call *call, struct sip_msg *request, struct sip_msg *reply,
                         struct call_branch *model, uint32_t code)
{
    struct arrival arrival = {.event = {.context = &call->model, .branch = model},
                              .t = t,
                              .call = call,
                              .index = -1,
                              .request = request,
                              .reply = reply};
    call_sync(call, t);
    call->model.method = (uint8_t)request_method(request);
    return call_ask_exhausted(&arrival.event, code);
}

/* A route has ended, and tm chooses next. */
static int after_branch_failure(struct sip_msg *msg, unsigned flags, void *parameter)
{
    struct cell *t = call_transaction();
    struct call *call = t != NULL ? call_of(t) : NULL;
    (void)msg;
    (void)flags;
    (void)parameter;
    if (call != NULL && t->uas.status < CODE_FINAL_LEAST && transaction_pending(t) == 0)
        best_weigh(t, call, tmb.t_gett_branch());
    return 1;
}

/* The guardrails on what reaches an endpoint apply whatever the script has called. */
static int after_failure(struct sip_msg *msg, unsigned flags, void *parameter)
{
    struct cell *t = call_transaction();
    struct call *call = t != NULL ? call_of(t) : NULL;
    (void)flags;
    (void)parameter;
    if (call == NULL)
        return 1;
    if (t->uas.status < CODE_FINAL_LEAST && transaction_pending(t) == 0)
        best_send(msg, t, call);
    best_settled(t, call);
    return 1;
}

/* --- requests that cannot be sent --- */

static int *tm_tells; /* tm's parameter failure_exec_mode: whether failed sends are reported to failure routes. In each
                         process */
static bool tm_told_nobody;

void react_to_sending(void)
{
    if (tm_tells == NULL || *tm_tells != 0)
        return;
    *tm_tells = 1;
    tm_told_nobody = true;
}

/* A request may also be routed in a failure route, and when a suspended transaction is resumed. */
static int after_sending(struct sip_msg *msg, unsigned flags, void *parameter)
{
    (void)msg;
    (void)flags;
    (void)parameter;
    if (tm_told_nobody)
        *tm_tells = 0;
    tm_told_nobody = false;
    return 1;
}

int react_create(void)
{
    tm_tells = module_parameter("tm", "failure_exec_mode", PARAM_INT);
    best_create();
    if (register_script_cb(after_sending, POST_SCRIPT_CB | REQUEST_CB | FAILURE_CB, NULL) == 0 &&
        register_script_cb(after_branch_failure, POST_SCRIPT_CB | BRANCH_FAILURE_CB, NULL) == 0 &&
        register_script_cb(after_failure, POST_SCRIPT_CB | FAILURE_CB, NULL) == 0)
        return 0;
    ksr_log(LOG_ERROR, "what follows a route cannot be registered");
    return -1;
}

/* --- functions of the configuration --- */

/* The return codes. tm logs an error for a failure route that ends with a negative one. */
enum { DONE = 1, BRANCHES_ADDED = 1, RESPONSE_CHOSEN = 2, NOT_OF_THIS_MODULE = 3, MISPLACED = -1 };

static struct call *current_call(const char *function, int route_types, struct cell **t)
{
    *t = call_transaction();
    if ((get_route_type() & route_types) != 0)
        return *t != NULL ? call_of(*t) : NULL;
    ksr_log(LOG_ERROR, "%s() is in a route where no branch has failed", function);
    return NULL;
}

int sip_on_flow_failed(struct sip_msg *msg)
{
    struct cell *t;
    const int blocks = BRANCH_FAILURE_ROUTE | FAILURE_ROUTE;
    struct call *call = current_call("sip_on_flow_failed", blocks, &t);
    if (call == NULL)
        return (get_route_type() & blocks) != 0 ? NOT_OF_THIS_MODULE : MISPLACED;
    if (get_route_type() == FAILURE_ROUTE) {
        failover_all(msg, t, call);
        return DONE;
    }
    struct ksr_branch *branch = call_branch_of_ruid(call, &t->uac[tmb.t_gett_branch()].ruid);
    if (branch == NULL || !branch->model.has_final)
        return NOT_OF_THIS_MODULE;
    failover_branch(msg, t, call, branch);
    return DONE;
}

/* 5626-11.5.a, also for a call without a record (no memory). Only the server with the binding answers so: an edge
   forwards the 430 of another one. */
static int answer_without_record(struct sip_msg *msg, struct cell *t)
{
    int picked = t != NULL ? tmb.t_get_picked_branch() : -1;
    if (get_route_type() != FAILURE_ROUTE)
        return MISPLACED;
    if (picked < 0 || picked >= t->nr_of_outgoings || t->uac[picked].last_received != SIP_FLOW_FAILED ||
        !branch_is_of_binding(&t->uac[picked].ruid))
        return NOT_OF_THIS_MODULE;
    best_answer(msg, t, SIP_TEMPORARILY_UNAVAILABLE);
    return RESPONSE_CHOSEN;
}

void react_to_exhaustion(struct sip_msg *msg, struct cell *t, struct call *call)
{
    struct sip_msg *reply;
    const struct call_best best = best_reply(t, call, &reply);
    if (react_ask_exhausted(t, call, msg, reply, best.branch, best.best.status))
        failover_more(msg, t, call);
    if (transaction_pending(t) > 0)
        return;
    event_exhausted(msg, best.best.status);
    best_send(msg, t, call);
}

int sip_on_failure(struct sip_msg *msg)
{
    struct cell *t;
    struct call *call = current_call("sip_on_failure", FAILURE_ROUTE, &t);
    if (call == NULL)
        return answer_without_record(msg, t);
    failover_all(msg, t, call);
    if (t->uas.status < CODE_FINAL_LEAST && transaction_pending(t) > 0)
        return BRANCHES_ADDED;
    if (t->uas.status >= CODE_FINAL_LEAST)
        return RESPONSE_CHOSEN;
    react_to_exhaustion(msg, t, call);
    return transaction_pending(t) > 0 ? BRANCHES_ADDED : RESPONSE_CHOSEN;
}

uint32_t current_code(struct sip_msg *msg)
{
    const struct cell *t = call_transaction();
    int index = -1;
    if (msg->first_line.type == SIP_REPLY)
        return (uint32_t)msg->first_line.u.reply.statuscode;
    if (t == NULL)
        return 0;
    if (get_route_type() == BRANCH_FAILURE_ROUTE)
        index = tmb.t_gett_branch();
    else if (get_route_type() == FAILURE_ROUTE)
        index = tmb.t_get_picked_branch();
    if (index < 0 || index >= t->nr_of_outgoings)
        return 0;
    struct call *call = call_of(t);
    const struct ksr_branch *branch = call != NULL ? call_branch_of_ruid(call, &t->uac[index].ruid) : NULL;
    return branch != NULL && branch->model.has_final && branch->model.code != 0 ? branch->model.code
                                                                                : (uint32_t)t->uac[index].last_received;
}

/* For a response that belongs to no call of this module, only the message has facts. */
static void facts_of_message(struct facts *facts, struct sip_msg *msg)
{
    struct sip_msg *reply = msg->first_line.type == SIP_REPLY ? msg : NULL;
    const str *method = NULL;
    if (reply == NULL)
        method = &msg->first_line.u.request.method;
    else if (parse_headers(reply, HDR_CSEQ_F, 0) == 0 && reply->cseq != NULL)
        method = &get_cseq(reply)->method;
    if (method != NULL)
        facts->method = (uint8_t)method_find(method->s, (size_t)method->len);
    read_retry_after(facts, reply);
}

int sip_decide(struct sip_msg *msg)
{
    struct cell *t = call_transaction();
    struct arrival arrival = {.t = t, .call = t != NULL ? call_of(t) : NULL, .index = -1, .reply = msg};
    struct facts facts = {.code = current_code(msg)};
    const struct state state = {0};
    struct decision decision;
    if (facts.code == 0)
        return -1;
    if (arrival.call != NULL)
        arrival.index = get_route_type() == FAILURE_ROUTE ? tmb.t_get_picked_branch() : tmb.t_gett_branch();
    if (arrival.index >= 0 && arrival.index < t->nr_of_outgoings)
        arrival.branch = call_branch_of_ruid(arrival.call, &t->uac[arrival.index].ruid);
    if (arrival.branch != NULL && arrival.branch->model.has_final) {
        decision = arrival.branch->model.decision;
    } else if (arrival.branch != NULL && msg->first_line.type == SIP_REPLY) {
        arrival_gather(&arrival, ORIGIN_WIRE, facts.code);
        decision = call_foresee(&arrival.event);
    } else {
        facts_of_message(&facts, msg);
        decision = decide(&facts, &state);
    }
    pv_note_decision(msg, &decision);
    return 1;
}
