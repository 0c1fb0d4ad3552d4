// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/react_private.h"

#include <stdio.h>

#include "core/code.h"
#include "kamailio/flow/connection.h"
#include "kamailio/flow/flows.h"
#include "kamailio/base/host.h"
#include "kamailio/flow/keeper.h"
#include "kamailio/flow/record.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/react.h"
#include "kamailio/call/rests.h"
#include "kamailio/call/ring.h"
#include "kamailio/base/stats.h"
#include "kamailio/call/targets.h"
#include "kamailio/policy/worker_policy.h"

/* The functions of Kamailio for the model of the call: tm's branches, usrloc's bindings, the policy of this process. */

static struct call *call_of_model(const struct response_context *model)
{
    return (struct call *)(void *)((char *)model - offsetof(struct call, model));
}

static struct ksr_branch *branch_of_model(const struct call_branch *model)
{
    return (struct ksr_branch *)(void *)((char *)model - offsetof(struct ksr_branch, model));
}

static struct arrival *arrival_of_event(struct call_event *event)
{
    return (struct arrival *)(void *)((char *)event - offsetof(struct arrival, event));
}

static int index_of_model(const struct call_branch *model)
{
    const struct call *call = call_of_model(model->context);
    return call->t != NULL ? branch_index(call->t, branch_of_model(model)) : -1;
}

/* --- branches --- */

static bool lend_contact(const struct call_branch *model)
{
    return branch_of_model(model)->contact_left;
}

static bool lend_response(const struct call_branch *model)
{
    int index = index_of_model(model);
    return index >= 0 && best_is_received(&call_of_model(model->context)->t->uac[index]);
}

/* A branch on which a suspended transaction waited has no request, and is not a response. */
static bool others_store(struct call_others *others, const struct ua_client *uac)
{
    struct stored_response *stored = &others->stored[others->count];
    if (uac->request.buffer == NULL || others->count == sizeof others->stored / sizeof others->stored[0])
        return false;
    if (best_is_received(uac))
        *stored = (struct stored_response){.code = (uint16_t)uac->reply->first_line.u.reply.statuscode};
    else if (uac->reply == FAKED_REPLY)
        *stored = (struct stored_response){.code = SIP_REQUEST_TIMEOUT, .origin = ORIGIN_TIMEOUT};
    else
        *stored = (struct stored_response){.code = SIP_SERVICE_UNAVAILABLE, .origin = ORIGIN_TRANSPORT};
    return true;
}

/* Branches that the script has added, newest first. */
static void lend_others(const struct response_context *context, struct call_others *others)
{
    struct call *call = call_of_model(context);
    const struct cell *t = call->t;
    for (int i = t != NULL ? t->nr_of_outgoings - 1 : -1; i >= 0; i--) {
        const struct ua_client *uac = &t->uac[i];
        if (call_branch_of_ruid(call, &uac->ruid) != NULL)
            continue;
        if (uac->last_received < CODE_FINAL_LEAST)
            others->pending++;
        else if (others_store(others, uac))
            others->number[others->count++] = i;
    }
}

static bool lend_room(const struct response_context *context)
{
    const struct step *step = call_of_model(context)->step;
    return (step->first && step->put == 0) || !targets_set_is_full();
}

static bool lend_start(struct response_context *context, struct target *target)
{
    struct call *call = call_of_model(context);
    struct ksr_branch *branch = call_branch_of_target(call, target);
    return branch != NULL && targets_may_be_sent_to(call, branch) && call_put_branch(call, branch) == 0;
}

static bool lend_next_server(struct call_branch *model)
{
    struct call *call = call_of_model(model->context);
    struct ksr_branch *other = targets_branch_by_contact(call, branch_of_model(model));
    return other != NULL && call_put_branch(call, other) == 0;
}

static void lend_send(struct response_context *context)
{
    struct call *call = call_of_model(context);
    failover_send(call->step->msg, call->t, call);
}

static void lend_beside(struct response_context *context)
{
    struct call *call = call_of_model(context);
    ring_beside(call->t, call);
}

static void lend_cancel_pending(struct response_context *context, const struct call_branch *except)
{
    call_seek_flows(context);
    react_cancel_pending(call_of_model(context)->t, except != NULL ? index_of_model(except) : -1);
}

static bool lend_move(struct call_branch *model, struct target *target)
{
    struct call *call = call_of_model(model->context);
    const struct ksr_branch *branch = call_branch_of_target(call, target);
    int index = index_of_model(model);
    return branch != NULL && index >= 0 && branch_of_model(model)->peer == NULL && target->flow != 0 &&
           flow_lives(target->flow) && call_aim(&call->t->uac[index].request.dst, branch);
}

/* --- the target set --- */

static int lend_add_uri(struct response_context *context, struct text text)
{
    const str uri = str_of_text(text);
    return call_add_chosen_uri(call_of_model(context), &uri);
}

static int lend_add_aor(struct response_context *context, struct text text)
{
    const str aor = str_of_text(text);
    return call_add_aor(call_of_model(context), &aor);
}

static bool lend_leaves(const struct response_context *context, struct text text)
{
    const str uri = str_of_text(text);
    return call_of_model(context)->table[0] == '\0' || !uri_is_own(&uri);
}

static int lend_add_flows(struct response_context *context, const struct target *target)
{
    return (int)targets_add_flows(call_of_model(context), target);
}

/* 3261-16.7.i */
static int lend_add_contacts(struct call_event *event)
{
    struct sip_msg *reply = arrival_of_event(event)->reply;
    contact_t *contact = NULL;
    int added = 0;
    if (reply == NULL || parse_headers(reply, HDR_EOH_F, 0) != 0)
        return 0;
    while (contact_iterator(&contact, reply, contact) == 0) {
        qvalue_t q = MAX_Q;
        if (!sip_uri_is_sip(text_of_str(contact->uri)))
            continue;
        if (contact->q != NULL && str2q(&q, contact->q->body.s, contact->q->body.len) < 0)
            continue;
        if (event->context->bound_only && lend_leaves(event->context, text_of_str(contact->uri)))
            continue;
        added += call_add_uri(call_of_model(event->context), &contact->uri, q) > 0;
    }
    return added;
}

/* --- bindings and rests --- */

static bool is_text(const str *a, struct text b)
{
    return (size_t)a->len == b.length && (b.length == 0 || memcmp(a->s, b.at, b.length) == 0);
}

/* 5626-7.g; but a user agent that has registered again meanwhile, over another flow, must be reached over that. */
static bool branch_stands_on_same_flow(const struct call *call, struct ksr_branch *branch)
{
    udomain_t *domain;
    urecord_t *record = NULL;
    ucontact_t *contact = NULL;
    if (ul.get_udomain(call->table, &domain) < 0 ||
        record_open(domain, branch->aor_hash, &branch->binding, &record, &contact) < 0)
        return false;
    bool same =
        flow_of_contact(contact) == branch->model.target->flow && is_text(&contact->path, branch->model.target->path);
    record_close(domain, record);
    return same;
}

/* Its Path, if it has one, may lead to a new flow by the same edge; a peer must get CANCEL and ACK in any case. */
static bool lend_has_left(const struct call_branch *model)
{
    struct call *call = call_of_model(model->context);
    struct ksr_branch *branch = branch_of_model(model);
    return module_has_usrloc && call->table[0] != '\0' && branch->binding.len > 0 && branch->peer == NULL &&
           branch->model.target->path.length == 0 && !branch_stands_on_same_flow(call, branch);
}

/* The code that marked the branch has reported the flow as well. */
static void lend_drop_flow(struct call_branch *model)
{
    if (!model->flow_died)
        keeper_flow_down(model->target->flow, FLOW_SEND_FAILED);
}

static void lend_drop_binding(struct call_branch *model)
{
    struct call *call = call_of_model(model->context);
    struct ksr_branch *branch = branch_of_model(model);
    if (module_has_usrloc && call->table[0] != '\0' && branch_stands_on_same_flow(call, branch))
        contact_drop(call->table, branch->aor_hash, &branch->binding, FLOW_RESPONSE);
}

static bool is_of_branch(const struct ua_client *uac, const struct ksr_branch *branch)
{
    return uac->request.buffer != NULL && uac->ruid.len == branch->ruid.len &&
           memcmp(uac->ruid.s, branch->ruid.s, (size_t)branch->ruid.len) == 0;
}

/* tm may have begun a branch to the next address of the name already, which must not rest. */
static void lend_rest_branch(struct call_branch *model, uint32_t seconds)
{
    struct cell *t = call_of_model(model->context)->t;
    for (int i = t != NULL ? t->nr_of_outgoings - 1 : -1; i >= 0; i--) {
        struct ua_client *uac = &t->uac[i];
        if (!is_of_branch(uac, branch_of_model(model)) || uac->last_received != SIP_SERVICE_UNAVAILABLE)
            continue;
        const struct text destination = text_of(su2a(&uac->request.dst.to, sizeof uac->request.dst.to));
        if (call_branch_is_chosen(model))
            rest_set((struct text){NULL, 0}, destination, seconds);
        else
            rest_set_named(destination, seconds);
        return;
    }
}

static void lend_rest(struct response_context *context, struct text tenant, const char *destination, uint32_t seconds)
{
    (void)context;
    rest_set(tenant, text_of(destination), seconds);
}

/* --- silent destinations --- */

static bool lend_silent(const struct response_context *context, const struct target *target)
{
    char name[REST_NAME_MOST + 1];
    const struct ksr_branch *branch =
        silence_count() > 0 ? call_branch_of_target(call_of_model(context), target) : NULL;
    return branch != NULL && silence_is_on(target->by_policy, (struct text){name, targets_silent_name(branch, name)});
}

/* tm may have tried several addresses of one name, each with a branch of its own. Calls `each` with the name of every
   address that was silent, or of those that were not. */
static void each_address(const struct call_branch *model, bool silent, void (*each)(bool chosen, struct text name))
{
    char address[ADDRESS_TEXT_MOST], name[REST_NAME_MOST + 1];
    const struct ksr_branch *branch = branch_of_model(model);
    const struct cell *t = call_of_model(model->context)->t;
    for (int i = 0; t != NULL && i < t->nr_of_outgoings; i++) {
        const struct ua_client *uac = &t->uac[i];
        if (!is_of_branch(uac, branch) || branch_is_silent(uac) != silent)
            continue;
        const struct dest_info *to = &uac->request.dst;
        const char *transport = proto_word(proto_at_listener(to->proto, to->send_sock));
        size_t length = sockaddr_text(&to->to, address);
        length = silent_name_write(transport, (struct text){address, length}, name);
        each(model->target->by_policy, (struct text){name, length});
    }
}

static void end_silence(bool chosen, struct text name)
{
    (void)chosen;
    silence_end(name);
}

/* Kamailio resolves names itself and would send the next request to the same address: the name is silent too. */
static void lend_begin_silence(struct call_branch *model)
{
    char name[REST_NAME_MOST + 1];
    each_address(model, true, silence_begin);
    silence_begin(model->target->by_policy, (struct text){name, targets_silent_name(branch_of_model(model), name)});
}

static void lend_end_silence(struct call_branch *model)
{
    char name[REST_NAME_MOST + 1];
    if (silence_count() == 0)
        return;
    each_address(model, false, end_silence);
    silence_end((struct text){name, targets_silent_name(branch_of_model(model), name)});
}

/* --- the policy --- */

static struct text call_id_of(const struct sip_msg *request)
{
    return request->callid != NULL ? text_of_str(request->callid->body) : (struct text){NULL, 0};
}

static struct policy_hold *lend_policy(struct call_event *event)
{
    struct arrival *arrival = arrival_of_event(event);
    if (!worker_policy_present() || arrival->call->of_peer)
        return NULL;
    worker_policy_take(&arrival->call->policy_hash, call_id_of(arrival->request), &arrival->hold);
    return &arrival->hold;
}

static void lend_policy_end(struct call_event *event)
{
    worker_policy_release(&arrival_of_event(event)->hold);
}

static uint64_t source_of_reply(const struct sip_msg *reply)
{
    return reply != NULL && reply != FAKED_REPLY ? source_number_of(&reply->rcv) : 0;
}

/* "tcp 127.0.0.1:5060-127.0.0.1:40112 #17" */
static struct text describe_flow(const struct arrival *arrival, char *out, size_t size)
{
    const struct ksr_branch *branch = arrival->branch;
    if (branch->model.target->flow == 0 || arrival->index < 0)
        return (struct text){NULL, 0};
    struct dest_info *to = &arrival->t->uac[arrival->index].request.dst;
    const str none = {"?", 1};
    const str *address = to->send_sock != NULL ? &to->send_sock->address_str : &none;
    const flow_id flow = branch->model.target->flow;
    const int proto = flow_is_datagram(flow) ? PROTO_NONE : connection_proto((int)flow);
    const char *transport = proto_word(proto != PROTO_NONE ? proto : proto_at_listener(to->proto, to->send_sock));
    char remote[ADDRESS_TEXT_MOST];
    sockaddr_text(&to->to, remote);
    int length = snprintf(out, size, "%s %.*s:%u-%s", transport, address->len, address->s,
                          to->send_sock != NULL ? to->send_sock->port_no : 0, remote);
    if (length > 0 && (size_t)length < size && !flow_is_datagram(flow))
        length += snprintf(out + length, size - (size_t)length, " #%llu", (unsigned long long)flow);
    return (struct text){out, length > 0 && (size_t)length < size ? (size_t)length : 0};
}

static bool lend_show(struct call_event *event, struct script_call *call, struct script_reply *reply)
{
    struct arrival *arrival = arrival_of_event(event);
    if (call_view_begin(&arrival->view, arrival->call, arrival->request) != 0)
        return false;
    *call = arrival->view.call;
    arrival->message = reply_view_begin(arrival->reply);
    reply->message = arrival->message;
    reply->source_number = source_of_reply(arrival->reply);
    if (event->hook != HOOK_RESPONSE)
        return true;
    reply->flow = describe_flow(arrival, arrival->flow, sizeof arrival->flow);
    if (arrival->index < 0)
        return true;
    const union sockaddr_union *to = &arrival->t->uac[arrival->index].request.dst.to;
    if (su_getport(to) != 0) /* 0: nothing was sent */
        reply->destination = (struct text){arrival->destination, sockaddr_text(to, arrival->destination)};
    return true;
}

static void lend_hide(struct call_event *event)
{
    struct arrival *arrival = arrival_of_event(event);
    reply_view_end(arrival->message);
    arrival->message = NULL;
    call_view_end(&arrival->view);
    stats_hook(event->hook, event->outcome);
}

static void lend_decided(struct call_event *event)
{
    stats_decision(&event->decision);
}

static void lend_count(struct response_context *context, enum call_counter counter)
{
    static const enum stat stats[CALL_COUNTER_COUNT] = {
        [CALL_VERDICT] = STAT_VERDICTS,           [CALL_VERDICT_REFUSED] = STAT_VERDICTS_REFUSED,
        [CALL_FAILOVER] = STAT_FAILOVERS,         [CALL_SILENCE] = STAT_SILENCES,
        [CALL_BREADTH_WAIT] = STAT_BREADTH_WAITS, [CALL_LOAD_OF_REQUEST] = STAT_LOAD_REQUEST,
        [CALL_LOAD_OF_SOURCE] = STAT_LOAD_SOURCE, [CALL_LOAD_IN_TOTAL] = STAT_LOAD_TOTAL};
    (void)context;
    if (counter != CALL_SCRIPT_ERROR) /* is counted by stats_hook() */
        stats_count(stats[counter]);
}

static void lend_log(struct response_context *context, enum log_level level, const char *line)
{
    (void)context;
    ksr_log(level, "%s", line);
}

static const struct call_host kamailio_call_host = {.has_contact = lend_contact,
                                                    .has_left = lend_has_left,
                                                    .has_response = lend_response,
                                                    .others = lend_others,
                                                    .policy_begin = lend_policy,
                                                    .policy_end = lend_policy_end,
                                                    .show = lend_show,
                                                    .hide = lend_hide,
                                                    .decided = lend_decided,
                                                    .count = lend_count,
                                                    .log = lend_log,
                                                    .add_uri = lend_add_uri,
                                                    .add_aor = lend_add_aor,
                                                    .leaves = lend_leaves,
                                                    .add_flows = lend_add_flows,
                                                    .add_contacts = lend_add_contacts,
                                                    .has_room = lend_room,
                                                    .start = lend_start,
                                                    .start_next_server = lend_next_server,
                                                    .send = lend_send,
                                                    .beside = lend_beside,
                                                    .cancel_pending = lend_cancel_pending,
                                                    .move = lend_move,
                                                    .drop_flow = lend_drop_flow,
                                                    .drop_binding = lend_drop_binding,
                                                    .rest_branch = lend_rest_branch,
                                                    .rest = lend_rest,
                                                    .is_silent = lend_silent,
                                                    .begin_silence = lend_begin_silence,
                                                    .end_silence = lend_end_silence};

const struct transaction_events kamailio_transaction_events = {.host = &kamailio_call_host,
                                                               .sending = react_to_sending,
                                                               .sent = ring_start,
                                                               .branch_failure = react_on_branch_failure,
                                                               .failure = react_on_failure,
                                                               .failing = best_begin_failure,
                                                               .reply = react_on_reply,
                                                               .cancel = react_on_cancel};
