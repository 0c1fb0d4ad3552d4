// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include <stdio.h>

#include "core/code.h"
#include "core/rule.h"
#include "kamailio/flow/connection.h"
#include "kamailio/base/host.h"
#include "kamailio/glue/module.h"
#include "kamailio/call/react.h"
#include "kamailio/call/react_private.h"
#include "kamailio/call/rests.h"
#include "kamailio/call/ring.h"
#include "kamailio/base/stats.h"
#include "kamailio/policy/worker_policy.h"
#include "script/engine/judge.h"

/* The policy's say on what came to a branch, within the guardrails. */

enum { VIEW_TEXT = 128 };

static void refuse(const struct script_verdict *verdict, uint32_t code, const char *why, enum rule_id rule)
{
    stats_count(STAT_VERDICTS_REFUSED);
    ksr_log(LOG_WARNING, "%s:%u: %s on %u is refused: %s%s%s", verdict->file != NULL ? verdict->file : "policy",
            verdict->line, verdict_name(verdict->kind), code, why, rule != RULE_NONE ? " " : "",
            rule != RULE_NONE ? rule_at(rule)->id : "");
}

static bool may_be_carried_out(const struct news *news, const struct script_verdict *verdict)
{
    enum rule_id rule = verdict_guard_response(verdict, &news->facts, &news->state, &news->decision);
    bool at_edge = news->call->role == ROLE_EDGE && verdict_adds_branch(verdict->kind);
    if (rule != RULE_NONE)
        refuse(verdict, news->decision.code, "it would break rule", rule);
    else if (at_edge)
        refuse(verdict, news->decision.code, "an edge keeps to the flow it was given", RULE_NONE);
    else
        stats_count(STAT_VERDICTS);
    return rule == RULE_NONE && !at_edge;
}

/* What goes along with the core's decision. */
static void take_aside(struct call *call, const struct script_verdict *verdict)
{
    if (verdict->kind == VERDICT_REST)
        rest_set(verdict_tenant(verdict), text_of(verdict->destination), verdict->seconds);
    if (verdict->kind != VERDICT_RETRY_AFTER)
        return;
    call->retry_after = verdict->seconds;
    call->has_retry_after = true;
}

static bool add_targets(struct call *call, const struct script_verdict *verdict)
{
    str uri = {(char *)verdict->uri, (int)strlen(verdict->uri)};
    call->may_recurse |= verdict->recurse;
    if (verdict->kind == VERDICT_RELAY)
        return call_add_uri(call, &uri, MAX_Q) > 0;
    return call_add_aor(call, uri.len > 0 ? &uri : &call->aor) > 0;
}

/* --- the hook --- */

static struct sip_message *message_of(const struct sip_msg *reply)
{
    struct sip_message *message = NULL;
    struct sip_fault fault;
    if (reply != NULL)
        sip_message_new(&message, ksr_host(), reply->buf, reply->len, NULL, &fault);
    return message;
}

static uint64_t source_of_reply(const struct sip_msg *reply)
{
    return reply != NULL && reply != FAKED_REPLY ? source_number_of(&reply->rcv) : 0;
}

/* "tcp 127.0.0.1:5060-127.0.0.1:40112 #17" */
static struct text describe_flow(const struct news *news, char *out, size_t size)
{
    const struct leg *leg = news->leg;
    if (leg->target->flow == 0 || news->branch < 0)
        return (struct text){NULL, 0};
    struct dest_info *to = &news->t->uac[news->branch].request.dst;
    const str none = {"?", 1};
    const str *address = to->send_sock != NULL ? &to->send_sock->address_str : &none;
    const char *transport = transport_name(to->proto);
    int length = snprintf(out, size, "%s %.*s:%u-%s", transport, address->len, address->s,
                          to->send_sock != NULL ? to->send_sock->port_no : 0, su2a(&to->to, sizeof to->to));
    if (length > 0 && (size_t)length < size && leg->target->flow >> 63 == 0)
        length += snprintf(out + length, size - (size_t)length, " #%llu", (unsigned long long)leg->target->flow);
    return (struct text){out, length > 0 && (size_t)length < size ? (size_t)length : 0};
}

static enum script_outcome hear(struct news *news, struct policy_hold *hold, struct script_verdict *verdict)
{
    char flow[VIEW_TEXT], destination[VIEW_TEXT] = "";
    struct call_view view;
    struct script_reply reply = {.facts = &news->facts,
                                 .state = &news->state,
                                 .flow = describe_flow(news, flow, sizeof flow),
                                 .instance = news->leg->target->instance,
                                 .branches = (uint32_t)news->t->nr_of_outgoings};
    if (call_view_begin(&view, news->call, news->request) != 0)
        return SCRIPT_NO_HOOK;
    if (news->branch >= 0)
        snprintf(destination, sizeof destination, "%s",
                 su2a(&news->t->uac[news->branch].request.dst.to, sizeof(union sockaddr_union)));
    reply.destination = text_of(destination);
    struct sip_message *message = message_of(news->reply);
    reply.message = message;
    reply.source_number = source_of_reply(news->reply);
    enum script_outcome outcome = policy_on_response(hold, &view.call, &reply, &news->decision, verdict);
    sip_message_delete(message);
    call_view_end(&view);
    stats_hook(HOOK_RESPONSE, outcome);
    return outcome;
}

static struct text call_id_of(const struct sip_msg *request)
{
    return request->callid != NULL ? (struct text){request->callid->body.s, (size_t)request->callid->body.len}
                                   : (struct text){NULL, 0};
}

/* True where there is a verdict that may be carried out. */
static bool ask(struct news *news, struct script_verdict *verdict)
{
    struct policy_hold hold;
    enum script_outcome outcome = SCRIPT_NO_HOOK;
    if (!worker_policy_present())
        return false;
    worker_policy_take(&news->call->policy_hash, call_id_of(news->request), &hold);
    if (policy_hears_response(&hold, &news->facts)) {
        *verdict = (struct script_verdict){0};
        outcome = hear(news, &hold, verdict);
    }
    worker_policy_release(&hold);
    return outcome == SCRIPT_VERDICT && may_be_carried_out(news, verdict);
}

/* --- what a verdict makes of the decision --- */

void verdict_on_end(struct news *news)
{
    struct script_verdict verdict;
    struct leg *leg = news->leg;
    if (!ask(news, &verdict))
        return;
    take_aside(news->call, &verdict);
    switch (verdict.kind) {
    case VERDICT_NEXT_FLOW:
        leg->action = ACTION_NEXT_FLOW;
        break;
    case VERDICT_NEXT_TARGET:
        leg->action = ACTION_NEXT_TARGET;
        break;
    case VERDICT_RELAY:
    case VERDICT_ROUTE:
        leg->open_class = add_targets(news->call, &verdict);
        leg->action = ACTION_NEXT_TARGET;
        break;
    case VERDICT_REPLY:
    case VERDICT_FAIL:
        news->call->fail_status = verdict.code;
        leg->cancels_rest = true;
        leg->action = ACTION_FAIL;
        break;
    default:
        break;
    }
}

/* The branch goes on: what the verdict adds is tried beside it. */
static void try_beside(struct news *news, const struct script_verdict *verdict)
{
    bool adds = verdict->kind == VERDICT_RELAY || verdict->kind == VERDICT_ROUTE;
    if (!adds || add_targets(news->call, verdict))
        ring_beside(news->t, news->call);
}

/* To fail is to stop the ringing everywhere; when all have ended, that status goes up. */
static void stop_ringing(struct news *news, uint16_t status)
{
    news->call->fail_status = status;
    react_cancel_pending(news->t);
}

void verdict_on_reply(struct news *news)
{
    struct script_verdict verdict;
    if (!ask(news, &verdict))
        return;
    bool provisional = code_class(news->decision.code) == CLASS_PROVISIONAL;
    take_aside(news->call, &verdict);
    if (!verdict_replaces_action(verdict.kind))
        return;
    if (verdict_adds_branch(verdict.kind) && provisional)
        try_beside(news, &verdict);
    else if (verdict_adds_branch(verdict.kind))
        refuse(&verdict, news->decision.code, "a 2xx goes up at once", RULE_NONE);
    else if (provisional)
        stop_ringing(news, verdict.code);
    else
        tmb.t_reply_trans(news->t, news->t->uas.request, verdict.code, (char *)code_phrase(verdict.code));
}

static bool carry_out_exhausted(struct call *call, const struct script_verdict *verdict)
{
    take_aside(call, verdict);
    if (verdict->kind == VERDICT_FAIL || verdict->kind == VERDICT_REPLY)
        call->fail_status = verdict->code;
    return (verdict->kind == VERDICT_RELAY || verdict->kind == VERDICT_ROUTE) && add_targets(call, verdict);
}

/* Marks a 408 that no server has sent as a timeout, so that the hook can tell it from a received one (3263-4.3.a). */
static void tell_timeout(const struct call *call, struct facts *facts)
{
    const struct leg *silent = NULL;
    for (size_t i = 0; silent == NULL && i < call->leg_count; i++) {
        const struct leg *leg = call->legs[i];
        silent = leg->decided && leg->origin == ORIGIN_TIMEOUT ? leg : NULL;
    }
    if (silent == NULL || facts->code != SIP_REQUEST_TIMEOUT)
        return;
    facts->origin = ORIGIN_TIMEOUT;
    facts->provisional_seen = silent->provisional_seen;
}

/* A target that was not sent to because it rests counts too. */
static uint32_t branches_tried(const struct cell *t, const struct call *call)
{
    uint32_t sent = t != NULL ? (uint32_t)t->nr_of_outgoings : 0, tried = 0;
    for (size_t i = 0; i < call->leg_count; i++)
        tried += call->legs[i]->target->status != TARGET_UNTRIED;
    return tried > sent ? tried : sent;
}

static enum script_outcome hear_exhausted(struct news *news, struct policy_hold *hold, struct script_verdict *verdict)
{
    struct call_view view;
    struct script_reply reply = {
        .facts = &news->facts, .state = &news->state, .branches = branches_tried(news->t, news->call)};
    if (call_view_begin(&view, news->call, news->request) != 0)
        return SCRIPT_NO_HOOK;
    struct sip_message *message = message_of(news->reply);
    reply.message = message;
    reply.source_number = source_of_reply(news->reply);
    enum script_outcome outcome = policy_on_exhausted(hold, &view.call, &reply, verdict);
    sip_message_delete(message);
    call_view_end(&view);
    stats_hook(HOOK_EXHAUSTED, outcome);
    return outcome;
}

bool verdict_on_exhausted(struct cell *t, struct call *call, struct sip_msg *request, struct sip_msg *reply,
                          uint32_t code)
{
    struct policy_hold hold;
    struct script_verdict verdict = {0};
    struct news news = {.t = t, .call = call, .branch = -1, .request = request, .reply = reply};
    news.facts = (struct facts){.code = code, .method = (uint8_t)react_method(request)};
    if (reply == NULL)
        tell_timeout(call, &news.facts);
    news.state = (struct state){.cancelled = t != NULL && (t->flags & T_CANCELED) != 0,
                                .global_failure_seen = call->global_failure_seen};
    enum script_outcome outcome = SCRIPT_NO_HOOK;
    if (!worker_policy_present())
        return false;
    worker_policy_take(&call->policy_hash, call_id_of(request), &hold);
    if (policy_has_hook(&hold, HOOK_EXHAUSTED))
        outcome = hear_exhausted(&news, &hold, &verdict);
    worker_policy_release(&hold);
    if (outcome != SCRIPT_VERDICT)
        return false;
    enum rule_id rule = verdict_guard_exhausted(&verdict, &news.facts, &news.state);
    if (rule != RULE_NONE) {
        refuse(&verdict, code, "it would break rule", rule);
        return false;
    }
    stats_count(STAT_VERDICTS);
    return carry_out_exhausted(call, &verdict);
}
