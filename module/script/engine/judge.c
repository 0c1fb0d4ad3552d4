// SPDX-License-Identifier: BSD-2-Clause
#include "script/engine/judge.h"

#include "core/code.h"
#include "script/base/emergency.h"

static bool answers(enum verdict_kind kind)
{
    return kind == VERDICT_REPLY || kind == VERDICT_FAIL;
}

bool verdict_adds_branch(enum verdict_kind kind)
{
    return kind == VERDICT_NEXT_FLOW || kind == VERDICT_NEXT_TARGET || kind == VERDICT_RELAY || kind == VERDICT_ROUTE;
}

bool verdict_replaces_action(enum verdict_kind kind)
{
    return verdict_adds_branch(kind) || answers(kind);
}

static struct proposal propose(const struct script_verdict *verdict, const struct decision *decision)
{
    if (verdict->kind == VERDICT_NEXT_FLOW)
        return (struct proposal){.action = ACTION_NEXT_FLOW,
                                 .adds_branch = true,
                                 .to_answered_instance = (decision->flags & FLAG_ANSWERED) != 0};
    if (verdict_adds_branch(verdict->kind))
        return (struct proposal){.action = ACTION_NEXT_TARGET, .adds_branch = true};
    if (answers(verdict->kind))
        return (struct proposal){.action = ACTION_FAIL, .status = verdict->code};
    return (struct proposal){.action = decision->action, .status = decision->status};
}

enum rule_id verdict_guard_response(const struct script_verdict *verdict, const struct facts *facts,
                                    const struct state *state, const struct decision *decision)
{
    const struct proposal proposal = propose(verdict, decision);
    enum rule_id rule = guard_check(facts, state, &proposal);
    if (rule != RULE_NONE || !answers(verdict->kind))
        return rule;
    /* 3261-16.7.d: a received 6xx is forwarded unchanged. */
    bool global = state->global_failure_seen || code_class(decision->code) == CLASS_GLOBAL_FAILURE;
    return global ? RULE_3261_16_7_D : guard_status(facts->method, verdict->code);
}

enum rule_id verdict_guard_exhausted(const struct script_verdict *verdict, const struct facts *facts,
                                     const struct state *state)
{
    struct proposal proposal = {.action = ACTION_FAIL, .status = verdict->code};
    if (verdict->kind == VERDICT_RELAY || verdict->kind == VERDICT_ROUTE)
        proposal = (struct proposal){.action = ACTION_NEXT_TARGET, .adds_branch = true};
    enum rule_id rule = guard_check(facts, state, &proposal);
    bool silenced = answers(verdict->kind) && state->global_failure_seen;
    return rule == RULE_NONE && silenced ? RULE_3261_16_7_D : rule;
}

enum rule_id verdict_guard_answer(const struct script_verdict *verdict, const struct facts *request)
{
    struct facts facts = *request;
    const struct state state = {0};
    const struct proposal proposal = {.action = ACTION_FORWARD, .status = verdict->code};
    if (!answers(verdict->kind))
        return RULE_NONE;
    facts.role = ROLE_REGISTRAR; /* the server itself makes the response */
    facts.code = verdict->code;
    return guard_check(&facts, &state, &proposal);
}

static bool is_never_challenged(const struct sip_message *request)
{
    static const struct emergency no_numbers;
    enum method method = sip_method(request);
    return method == METHOD_ACK || method == METHOD_CANCEL || emergency_is(&no_numbers, sip_request_uri(request));
}

void verdict_settle_challenge(const struct host *host, const struct script_call *call, enum script_outcome *outcome,
                              struct script_verdict *verdict)
{
    if (*outcome != SCRIPT_VERDICT || verdict->kind != VERDICT_CHALLENGE)
        return;
    if (is_never_challenged(call->request)) {
        host->log(host->context, LOG_WARNING,
                  "verdict challenge is not carried out: such a request is never challenged");
        *outcome = SCRIPT_DEFAULT;
    } else if (call->user.length > 0) {
        host->log(host->context, LOG_WARNING,
                  "verdict challenge for a user who has authenticated (call.user): the request is refused with 403");
        verdict->kind = VERDICT_REPLY;
        verdict->code = SIP_FORBIDDEN;
    }
}
