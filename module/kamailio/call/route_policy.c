// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/route.h"

#include "core/code.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/rests.h"
#include "kamailio/base/stats.h"
#include "kamailio/policy/worker_policy.h"
#include "script/engine/judge.h"

/* The policy's verdict on a request before it has targets. */

static struct text call_id(struct sip_msg *msg)
{
    bool there = parse_headers(msg, HDR_CALLID_F, 0) == 0 && msg->callid != NULL;
    return there ? text_of_str(msg->callid->body) : (struct text){NULL, 0};
}

/* Kamailio accepts more than this parser does. A request that the policy cannot read must not bypass it. */
static void refuse_unseen(struct route *route, uint16_t status)
{
    route->verdict = (struct script_verdict){.kind = VERDICT_REPLY, .code = status};
    route->outcome = SCRIPT_VERDICT;
}

static void enter_hooks(struct route *route, struct policy_hold *hold)
{
    struct call_view view;
    const struct host *host = ksr_host();
    const struct call asked = {
        .model = {.aor = text_of_str(route->names.uri), .started_ms = host->now_ms(host->context)},
        .user = text_of(route->caller.user),
        .trunk = route->caller.trunk,
        .registered = route->caller.registered};
    if (!policy_has_hook(hold, HOOK_REQUEST))
        return;
    if (call_view_begin(&view, &asked, route->msg) < 0) {
        refuse_unseen(route, view.fault);
        return;
    }
    route->outcome = policy_on_request(hold, &view.call, &route->verdict);
    verdict_settle_challenge(host, &view.call, &route->outcome, &route->verdict);
    call_view_end(&view);
    stats_hook(HOOK_REQUEST, route->outcome);
}

static bool may_answer(const struct route *route)
{
    const str *method = &route->msg->first_line.u.request.method;
    const struct facts facts = {.method = (uint8_t)method_find(method->s, (size_t)method->len)};
    enum rule_id rule = verdict_guard_answer(&route->verdict, &facts);
    if (rule == RULE_NONE)
        return true;
    stats_count(STAT_VERDICTS_REFUSED);
    ksr_log(LOG_WARNING, "verdict %s refused: it would break rule %s", verdict_name(route->verdict.kind),
            rule_at(rule)->id);
    return false;
}

static void answer(const struct route *route)
{
    const struct script_verdict *verdict = &route->verdict;
    const char *phrase = verdict->phrase[0] != '\0' ? verdict->phrase : code_phrase(verdict->code);
    str reason = {(char *)phrase, (int)strlen(phrase)};
    if (slb.freply(route->msg, verdict->code, &reason) < 0)
        ksr_log(LOG_ERROR, "the policy's answer %u could not be sent", verdict->code);
}

/* Returns false if the request ends here, or the configuration challenges its sender. */
static bool carry_out(struct route *route)
{
    stats_count(STAT_VERDICTS);
    switch (route->verdict.kind) {
    case VERDICT_REPLY:
    case VERDICT_FAIL:
        answer(route);
        return false;
    case VERDICT_CHALLENGE:
        route->challenges = true;
        return false;
    case VERDICT_DROP:
        return false;
    case VERDICT_REST:
        rest_set(verdict_tenant(&route->verdict), text_of(route->verdict.destination), route->verdict.seconds);
        return true;
    default:
        return true;
    }
}

/* 3261-16.3.a: a sender who has shown no credentials may have a password, and the configuration asks for it. */
static bool may_not_leave(const struct route *route)
{
    const struct script_verdict *verdict = &route->verdict;
    const str uri = {(char *)verdict->uri, (int)strlen(verdict->uri)};
    const bool names = (verdict->kind == VERDICT_RELAY || verdict->kind == VERDICT_ROUTE) && uri.len > 0;
    return names && !uri_is_own(&uri) && caller_is_bound(&route->caller, route->msg);
}

bool route_ask_policy(struct route *route)
{
    struct policy_hold hold;
    if (!worker_policy_present())
        return true;
    caller_read(route->msg, route->table, &route->caller);
    worker_policy_take(&route->policy_hash, call_id(route->msg), &hold);
    route->hears_responses = policy_has_hook(&hold, HOOK_RESPONSE);
    enter_hooks(route, &hold);
    worker_policy_release(&hold);
    if (route->outcome == SCRIPT_VERDICT && may_not_leave(route)) {
        stats_count(STAT_VERDICTS_REFUSED);
        route->challenges = true;
        return false;
    }
    bool answers = route->verdict.kind == VERDICT_REPLY || route->verdict.kind == VERDICT_FAIL;
    if (route->outcome == SCRIPT_VERDICT && (!answers || may_answer(route)))
        return carry_out(route);
    route->verdict = (struct script_verdict){0};
    return true;
}
