// SPDX-License-Identifier: BSD-2-Clause
#include "script/engine/judge.h"

#include "core/code.h"

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
