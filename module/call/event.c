// SPDX-License-Identifier: BSD-2-Clause
#include "call/call_private.h"

#include "core/code.h"

/* Decides about an event on a branch, and stores the consequences in the branch. */

static bool is_done(const struct response_context *context)
{
    return context->final_forwarded || context->success_forwarded;
}

static unsigned responses_held(const struct response_context *context)
{
    struct call_others others;
    call_others_read(context, &others);
    unsigned held = (unsigned)others.count;
    for (const struct call_branch *branch = context->branches; branch != NULL; branch = branch->next)
        held += branch->has_final && branch->code >= CODE_FINAL_LEAST;
    return held;
}

static bool branch_has_next_server(const struct call_branch *branch, enum origin origin)
{
    const struct call_host *host = branch->context->host;
    if (host->has_other_server != NULL && host->has_other_server(branch))
        return true;
    return (origin == ORIGIN_FLOW_DOWN || origin == ORIGIN_TRANSPORT) && host->has_contact(branch);
}

static void event_gather_target(struct call_event *event)
{
    const struct target *target = event->branch->target;
    struct facts *facts = &event->facts;
    facts->on_flow =
        event->branch->on_flow && (target == NULL || target->reg_id != 0 || event->context->role == ROLE_EDGE);
    if (target == NULL)
        return;
    facts->has_instance = target->instance.length > 0;
    facts->reg_id = target->reg_id;
    facts->flows_left = (uint16_t)target_flows_left(event->context->targets, target);
}

static void event_gather(struct call_event *event)
{
    const struct response_context *context = event->context;
    struct facts *facts = &event->facts;
    facts->role = context->role;
    facts->method = context->method;
    facts->in_dialog = context->in_dialog;
    facts->provisional_seen = event->branch->provisional_seen;
    facts->next_server = branch_has_next_server(event->branch, (enum origin)facts->origin);
    event_gather_target(event);
    event->state =
        (struct state){.branches_pending = (uint16_t)call_pending(context, event->branch),
                       .responses_held = (uint16_t)responses_held(context),
                       .targets_left = (uint16_t)(context->targets != NULL ? target_targets_left(context->targets) : 0),
                       .success_forwarded = context->success_forwarded,
                       .global_failure_seen = context->global_failure_seen,
                       .final_forwarded = context->final_forwarded,
                       .cancelled = context->cancelled,
                       .may_recurse = context->may_recurse};
}

/* 5626-7.b: flows that the instance has registered since the target set was made. */
static void event_find_flows(struct call_event *event)
{
    struct response_context *context = event->context;
    const struct target *target = event->branch->target;
    if (target == NULL || !decide_lacks_flow(&event->facts, &event->state) ||
        context->host->add_flows(context, target) <= 0)
        return;
    event->facts.flows_left = (uint16_t)target_flows_left(context->targets, target);
    event->state.targets_left = (uint16_t)target_targets_left(context->targets);
}

/* 5626-7.h */
static bool event_waits(const struct call_event *event)
{
    return event->facts.origin == ORIGIN_FLOW_DOWN && event->decision.action == ACTION_HOLD &&
           event->branch->provisional_seen;
}

static bool event_ends_branch(const struct call_event *event)
{
    const struct decision *decision = &event->decision;
    if (code_class(decision->code) == CLASS_PROVISIONAL)
        return false;
    if (event->overrides)
        return true;
    if (event_waits(event) || decision->action == ACTION_FORWARD)
        return false;
    return decision->action != ACTION_ABSORB || code_is_final(decision->code);
}

/* 3261-16.7.i. After its Contacts are followed, the 3xx itself is not forwarded any more. */
static void branch_recurse(struct call_event *event)
{
    struct call_branch *branch = event->branch;
    branch->action = ACTION_NEXT_TARGET;
    if (event->context->targets != NULL && event->context->host->add_contacts(event) > 0)
        branch->code = 0;
}

static void event_keep(struct call_event *event)
{
    struct call_branch *branch = event->branch;
    const struct decision *decision = &event->decision;
    branch->decision = *decision;
    branch->code = decision->code;
    branch->origin = event->facts.origin;
    branch->action = decision->action;
    branch->has_final = true;
    branch->marked = branch->followed = branch->open_class = false;
    branch->cancels_rest = (decision->flags & FLAG_CANCEL_REST) != 0;
    branch->next_server = (decision->flags & FLAG_NEXT_SERVER) != 0;
    if (event->overrides)
        verdict_replace_action(event);
    branch->next_server &= branch->action == ACTION_NEXT_TARGET;
    if (branch->action == ACTION_RECURSE)
        branch_recurse(event);
}

/* --- destinations that have failed (3263-4.3.b) --- */

/* An outbound flow has rules of its own (5626-7.d), and a request that was not sent shows nothing. */
static bool branch_shows_destination(const struct call_branch *branch)
{
    const struct target *target = branch->target;
    bool by_address = target != NULL ? target->reg_id == 0 || target->flow == 0 : branch->chosen && !branch->on_flow;
    return by_address && !branch->rested && !branch->withheld;
}

/* A destination may ignore an unknown method. */
static void event_note_silence(const struct call_event *event)
{
    if (event->context->method == METHOD_OTHER)
        return;
    event->context->host->count(event->context, CALL_SILENCE);
    event->context->host->begin_silence(event->branch);
}

/* 3263-4.3.a: what makes another address be tried. For a 503 with Retry-After, 3261-21.5.4.a is enough. */
static bool event_shows_failure(const struct call_event *event)
{
    const struct facts *facts = &event->facts;
    if (facts->origin == ORIGIN_WIRE)
        return facts->code == SIP_SERVICE_UNAVAILABLE && !facts->has_retry_after;
    return facts->origin == ORIGIN_TRANSPORT || facts->origin == ORIGIN_FLOW_DOWN;
}

static void event_note_destination(const struct call_event *event)
{
    struct call_branch *branch = event->branch;
    const struct call_host *host = event->context->host;
    bool was_heard = branch->heard, answers = event->facts.origin == ORIGIN_WIRE;
    branch->heard |= answers;
    branch->silent = branch->overdue && !branch->heard;
    if (host->begin_silence == NULL || !branch_shows_destination(branch))
        return;
    if (answers && !was_heard)
        host->end_silence(branch);
    if (branch->silent)
        event_note_silence(event);
    else if (host->begin_failure != NULL && event_shows_failure(event))
        host->begin_failure(branch);
}

static bool event_ends_search(const struct call_event *event, uint32_t code)
{
    return code_class(code) == CLASS_GLOBAL_FAILURE && !event->context->plain_6xx;
}

static struct decision event_decide(const struct call_event *event)
{
    struct facts facts = event->facts;
    const bool received = facts.origin == ORIGIN_WIRE && code_class(facts.code) == CLASS_GLOBAL_FAILURE;
    if (!received || event_ends_search(event, facts.code))
        return decide(&facts, &event->state);
    facts.code = SIP_BUSY_HERE;
    struct decision decision = decide(&facts, &event->state);
    decision.code = (uint16_t)event->facts.code;
    if (decision.action == ACTION_HOLD || decision.action == ACTION_FAIL)
        decision.why = "the configuration treats a 6xx as a 4xx";
    return decision;
}

struct decision call_foresee(struct call_event *event)
{
    event->context = event->branch->context;
    event_gather(event);
    return event_decide(event);
}

bool call_has_next_flow(struct call_branch *branch)
{
    struct call_event event = {.branch = branch, .context = branch->context, .facts = {.origin = ORIGIN_FLOW_DOWN}};
    if (branch->has_final || branch->context->targets == NULL)
        return false;
    event_gather(&event);
    event_find_flows(&event);
    return decide(&event.facts, &event.state).action == ACTION_NEXT_FLOW;
}

bool call_decide(struct call_event *event)
{
    struct call_branch *branch = event->branch;
    event->context = branch->context;
    event->hook = HOOK_RESPONSE;
    event_note_destination(event);
    event_gather(event);
    event_find_flows(event);
    event->decision = event_decide(event);
    const uint32_t code = event->decision.code;
    if (code > SIP_TRYING && code < SIP_OK)
        branch->provisional_seen = true;
    /* If nothing was sent to the destination, there is no response for the policy. */
    if (code != SIP_TRYING && !branch->rested && !branch->withheld)
        verdict_ask(event);
    event->context->host->decided(event);
    if (event_ends_search(event, code))
        event->context->global_failure_seen = true;
    if (event->carried)
        verdict_take_aside(event);
    if (!event_ends_branch(event))
        return false;
    event_keep(event);
    return true;
}

enum origin call_origin_unsent(const struct call_branch *branch)
{
    const struct target *target = branch->target;
    bool bound = target != NULL && target->aor.length > 0 && (target->path.length == 0 || target->reg_id != 0);
    return bound || branch->after_flow ? ORIGIN_FLOW_DOWN : ORIGIN_TRANSPORT;
}

/* --- events that do not end the branch --- */

/* A plain Contact may have moved to another flow; a dead flow stays dead. */
static bool target_leads_to_instance(const struct target *target, const struct target *other)
{
    if (target == other)
        return target->reg_id == 0;
    return target->instance.length > 0 && text_equal(target->instance, other->instance) &&
           text_equal(target->aor, other->aor);
}

static bool branch_move(struct call_branch *branch)
{
    struct response_context *context = branch->context;
    for (size_t i = 0; i < target_count(context->targets); i++) {
        struct target *other = target_at(context->targets, i);
        if (target_leads_to_instance(branch->target, other) && context->host->move(branch, other))
            return true;
    }
    return false;
}

static void branch_seek_flow(struct call_branch *branch)
{
    struct response_context *context = branch->context;
    if (branch->target == NULL || branch_move(branch))
        return;
    if (context->host->add_flows(context, branch->target) > 0)
        branch_move(branch);
}

/* The instance may still answer, over any of its flows; ACK and CANCEL use a living one. */
static void branch_wait(struct call_branch *branch)
{
    branch->flow_died = true;
    branch_seek_flow(branch);
}

/* 5626-7.h: its 430 is on the way. */
static bool branch_fails_at_once(const struct call_branch *branch)
{
    return branch->flow_died && !branch->provisional_seen;
}

void call_seek_flows(struct response_context *context)
{
    const struct call_host *host = context->host;
    for (struct call_branch *branch = context->branches; branch != NULL; branch = branch->next) {
        if (branch->has_final || branch_fails_at_once(branch))
            continue;
        if (branch->flow_died || (host->has_left != NULL && host->has_left(branch)))
            branch_seek_flow(branch);
    }
}

bool call_flow_down(struct call_branch *branch)
{
    if (branch->has_final)
        return false;
    branch->flow_died = true;
    if (branch->provisional_seen)
        branch_wait(branch);
    return !branch->provisional_seen;
}

static void event_forward(struct call_event *event)
{
    struct call_branch *branch = event->branch;
    struct response_context *context = event->context;
    const uint32_t code = event->decision.code;
    if (code_is_final(code)) {
        if (branch->target != NULL)
            target_answered(context->targets, branch->target);
        branch->has_final = branch->followed = true;
        branch->code = (uint16_t)code;
        branch->origin = event->facts.origin;
    }
    if (context->host->forward != NULL)
        context->host->forward(event);
    if (code_is_final(code)) {
        context->final_forwarded = true;
        context->success_forwarded |= code_class(code) == CLASS_SUCCESS;
    }
}

void call_pass(struct call_event *event)
{
    struct response_context *context = event->context;
    branch_drop(event->branch, &event->decision);
    if (event->overrides && verdict_adds_branch((enum verdict_kind)event->verdict.kind)) {
        if (event->decision.action == ACTION_FORWARD)
            event_forward(event);
        verdict_try_beside(event);
    } else if (event->overrides) {
        /* sip_fail() ends all branches; when all have ended, that status is forwarded. */
        context->fail_status = event->verdict.code;
        context->host->cancel_pending(context, NULL);
    } else if (event_waits(event)) {
        branch_wait(event->branch);
    } else if (event->decision.action == ACTION_FORWARD) {
        event_forward(event);
    }
    if ((event->decision.flags & FLAG_CANCEL_REST) != 0)
        context->host->cancel_pending(context, event->branch);
}

bool call_cancel(struct response_context *context)
{
    bool waited = false;
    context->cancelled = true;
    for (struct call_branch *branch = context->branches; branch != NULL && !is_done(context); branch = branch->next) {
        if (branch->has_final || !branch->flow_died)
            continue;
        branch->has_final = branch->followed = waited = true;
        branch->code = SIP_REQUEST_TIMEOUT;
        branch->origin = ORIGIN_TIMEOUT;
    }
    return waited;
}
