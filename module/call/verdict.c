// SPDX-License-Identifier: BSD-2-Clause
#include "call/call_private.h"

#include <stdio.h>

#include "core/code.h"

/* The policy's verdict on a decision, within the guardrails. */

static bool verdict_answers(const struct script_verdict *verdict)
{
    return verdict->kind == VERDICT_REPLY || verdict->kind == VERDICT_FAIL;
}

static bool verdict_adds_target(const struct script_verdict *verdict)
{
    return verdict->kind == VERDICT_RELAY || verdict->kind == VERDICT_ROUTE;
}

static void event_refuse_verdict(struct call_event *event, const char *why)
{
    char line[240], place[96] = "";
    const struct script_verdict *verdict = &event->verdict;
    if (verdict->file != NULL)
        snprintf(place, sizeof place, " (%s:%u)", verdict->file, verdict->line);
    snprintf(line, sizeof line, "verdict %s on %u refused: %s%s%s%s", verdict_name((enum verdict_kind)verdict->kind),
             event->decision.code, why, event->refused != RULE_NONE ? " " : "",
             event->refused != RULE_NONE ? rule_at(event->refused)->id : "", place);
    event->context->host->count(event->context, CALL_VERDICT_REFUSED);
    event->context->host->log(event->context, LOG_WARNING, line);
}

/* NULL: the verdict may be carried out. */
static const char *verdict_fault(const struct call_event *event)
{
    if (event->refused != RULE_NONE)
        return "it would break rule";
    if (!verdict_adds_branch((enum verdict_kind)event->verdict.kind))
        return NULL;
    if (event->context->role == ROLE_EDGE)
        return "an edge keeps to the flow it was given";
    if (event->context->targets == NULL)
        return "inside a dialog nothing is forked";
    return code_class(event->decision.code) == CLASS_SUCCESS ? "a 2xx is forwarded at once" : NULL;
}

/* 3261-16.3.a. VERDICT_ROUTE adds bindings here, whatever its URI. */
static bool verdict_leaves(const struct call_event *event)
{
    const struct response_context *context = event->context;
    return context->bound_only && event->verdict.kind == VERDICT_RELAY &&
           context->host->leaves(context, text_of(event->verdict.uri));
}

/* Where a 6xx ends its own branch alone, a policy may go on after it, as the decision does. */
static enum rule_id verdict_guard(const struct call_event *event)
{
    struct facts facts = event->facts;
    struct decision decision = event->decision;
    if (event->context->plain_6xx && code_class(decision.code) == CLASS_GLOBAL_FAILURE)
        facts.code = decision.code = SIP_BUSY_HERE;
    return event->hook == HOOK_EXHAUSTED ? verdict_guard_exhausted(&event->verdict, &facts, &event->state)
                                         : verdict_guard_response(&event->verdict, &facts, &event->state, &decision);
}

static void verdict_judge(struct call_event *event)
{
    const char *fault;
    if (event->outcome != SCRIPT_VERDICT)
        return;
    event->refused = verdict_guard(event);
    if (event->refused == RULE_NONE && verdict_leaves(event))
        event->refused = RULE_3261_16_3_A;
    if ((fault = verdict_fault(event)) != NULL) {
        event_refuse_verdict(event, fault);
        return;
    }
    event->context->host->count(event->context, CALL_VERDICT);
    event->carried = true;
    event->overrides = verdict_replaces_action((enum verdict_kind)event->verdict.kind);
}

/* --- the hooks --- */

static bool event_has_hook(const struct call_event *event, const struct policy_hold *hold)
{
    return event->hook == HOOK_EXHAUSTED ? policy_has_hook(hold, HOOK_EXHAUSTED)
                                         : policy_hears_response(hold, &event->facts);
}

static void event_enter(struct call_event *event, struct policy_hold *hold)
{
    const struct call_host *host = event->context->host;
    const struct target *target = event->hook == HOOK_RESPONSE ? event->branch->target : NULL;
    struct script_call call = {0};
    struct script_reply reply = {
        .facts = &event->facts, .state = &event->state, .branches = event->context->branches_made};
    if (target != NULL)
        reply.instance = target->instance;
    if (!host->show(event, &call, &reply))
        return;
    event->outcome = event->hook == HOOK_EXHAUSTED
                         ? policy_on_exhausted(hold, &call, &reply, &event->verdict)
                         : policy_on_response(hold, &call, &reply, &event->decision, &event->verdict);
    if (host->hide != NULL)
        host->hide(event);
    if (event->outcome >= SCRIPT_ERROR)
        host->count(event->context, CALL_SCRIPT_ERROR);
}

static void event_ask_policy(struct call_event *event)
{
    const struct call_host *host = event->context->host;
    struct policy_hold *hold = host->policy_begin(event);
    event->outcome = SCRIPT_NO_HOOK;
    if (hold == NULL)
        return;
    if (event_has_hook(event, hold))
        event_enter(event, hold);
    if (host->policy_end != NULL)
        host->policy_end(event);
}

void verdict_ask(struct call_event *event)
{
    const struct call_host *host = event->context->host;
    if (host->ask != NULL)
        event->outcome = host->ask(event);
    else
        event_ask_policy(event);
    verdict_judge(event);
}

/* --- carrying out a verdict --- */

void verdict_take_aside(struct call_event *event)
{
    struct response_context *context = event->context;
    const struct script_verdict *verdict = &event->verdict;
    if (verdict->kind == VERDICT_REST)
        context->host->rest(context, verdict_tenant(verdict), verdict->destination, verdict->seconds);
    if (verdict->kind != VERDICT_RETRY_AFTER)
        return;
    context->retry_after = verdict->seconds;
    context->has_retry_after = true;
}

/* Returns true if there are new targets. */
static bool verdict_add_targets(struct call_event *event)
{
    struct response_context *context = event->context;
    const struct script_verdict *verdict = &event->verdict;
    const struct text uri = text_of(verdict->uri);
    context->may_recurse |= verdict->recurse;
    if (verdict->kind == VERDICT_RELAY)
        return context->host->add_uri(context, uri) > 0;
    return context->host->add_aor(context, uri.length > 0 ? uri : context->aor) > 0;
}

void verdict_replace_action(struct call_event *event)
{
    struct call_branch *branch = event->branch;
    switch (event->verdict.kind) {
    case VERDICT_NEXT_FLOW:
        branch->action = ACTION_NEXT_FLOW;
        break;
    case VERDICT_NEXT_TARGET:
        branch->action = ACTION_NEXT_TARGET;
        break;
    case VERDICT_RELAY:
    case VERDICT_ROUTE:
        branch->action = ACTION_NEXT_TARGET;
        branch->next_server = false;
        branch_mark(branch);
        branch->open_class = verdict_add_targets(event);
        break;
    default:
        event->context->fail_status = event->verdict.code;
        branch->cancels_rest = true;
        branch->action = ACTION_FAIL;
        if (code_class(branch->code) == CLASS_SUCCESS) /* of a request other than INVITE: must not be forwarded */
            branch->code = 0;
    }
}

void verdict_try_beside(struct call_event *event)
{
    if (!verdict_adds_target(&event->verdict) || verdict_add_targets(event))
        event->context->host->beside(event->context);
}

/* --- no target is left --- */

/* Marks a 408 that no server has sent as a timeout, so that the hook can tell it from a received one (3263-4.3.a). */
static void event_note_timeout(struct call_event *event)
{
    const struct call_branch *branch = event->context->branches;
    while (branch != NULL && (!branch->has_final || branch->origin != ORIGIN_TIMEOUT))
        branch = branch->next;
    if (branch == NULL || event->facts.code != SIP_REQUEST_TIMEOUT)
        return;
    event->facts.origin = ORIGIN_TIMEOUT;
    event->facts.provisional_seen = branch->provisional_seen;
}

bool call_ask_exhausted(struct call_event *event, uint32_t status)
{
    struct response_context *context = event->context;
    event->hook = HOOK_EXHAUSTED;
    event->facts = (struct facts){.code = status, .method = context->method};
    event->state = (struct state){.cancelled = context->cancelled, .global_failure_seen = context->global_failure_seen};
    event->decision = (struct decision){.code = (uint16_t)status};
    if (context->targets == NULL || context->role == ROLE_EDGE || context->fail_status != 0)
        return false;
    if (event->branch == NULL)
        event_note_timeout(event);
    verdict_ask(event);
    if (!event->carried)
        return false;
    verdict_take_aside(event);
    if (verdict_answers(&event->verdict))
        context->fail_status = event->verdict.code;
    return verdict_adds_target(&event->verdict) && verdict_add_targets(event);
}
