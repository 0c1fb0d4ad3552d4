// SPDX-License-Identifier: BSD-2-Clause
#include "call/call_private.h"

#include "core/code.h"
#include "flow/breadth.h"

/* Branches: which may be started, how many at the same time, and what follows when one has ended. */

void call_others_read(const struct response_context *context, struct call_others *others)
{
    others->pending = 0;
    others->count = 0;
    if (context->host->others != NULL)
        context->host->others(context, others);
}

unsigned call_pending(const struct response_context *context, const struct call_branch *except)
{
    struct call_others others;
    call_others_read(context, &others);
    unsigned pending = others.pending;
    for (const struct call_branch *branch = context->branches; branch != NULL; branch = branch->next)
        pending += branch != except && !branch->has_final;
    return pending;
}

bool call_may_add(const struct response_context *context)
{
    return !context->final_forwarded && !context->success_forwarded && !context->global_failure_seen &&
           !context->cancelled && context->fail_status == 0;
}

/* --- Max-Breadth (RFC 5393 section 5) --- */

static uint32_t breadth_left(const struct response_context *context)
{
    uint32_t used = 0;
    for (const struct call_branch *branch = context->branches; branch != NULL; branch = branch->next)
        used += branch->has_final ? 0 : branch->breadth;
    return used < context->max_breadth ? context->max_breadth - used : 0;
}

/* The number of targets that wait in addition to the one that is started now; one more if a policy may add some. */
static uint32_t others_to_begin(const struct response_context *context)
{
    if (context->targets == NULL)
        return 0;
    uint32_t others =
        context->ring_next_ms > 0 ? target_targets_left(context->targets) : target_class_left(context->targets);
    return others + (context->keeps_share ? 1 : 0);
}

void call_branch_begin(struct response_context *context, struct call_branch *branch, struct target *target)
{
    branch->breadth = breadth_share(breadth_left(context), 1 + others_to_begin(context));
    branch->context = context;
    branch->target = target;
    branch->next = context->branches;
    context->branches = branch;
    context->branches_made++;
}

void call_branch_withdraw(struct call_branch *branch)
{
    branch->has_final = branch->followed = branch->marked = branch->withheld = true;
    branch->code = 0;
    if (branch->target != NULL)
        target_answered(branch->context->targets, branch->target);
}

/* --- the limits of one request --- */

bool call_may_send(struct response_context *context, size_t bytes)
{
    static const enum call_counter counters[] = {[LOAD_OF_REQUEST] = CALL_LOAD_OF_REQUEST,
                                                 [LOAD_OF_SOURCE] = CALL_LOAD_OF_SOURCE,
                                                 [LOAD_IN_TOTAL] = CALL_LOAD_IN_TOTAL};
    context->over = (uint8_t)(context->load != NULL ? load_check(context->load, bytes) : LOAD_FINE);
    if (context->over != LOAD_FINE)
        context->host->count(context, counters[context->over]);
    return context->over == LOAD_FINE;
}

bool call_has_room(struct response_context *context)
{
    context->waits = breadth_left(context) == 0;
    if (context->waits && context->branches != NULL)
        context->host->count(context, CALL_BREADTH_WAIT);
    return !context->waits && call_may_send(context, context->bytes);
}

uint32_t call_refusal(const struct response_context *context)
{
    if (context->over == LOAD_OF_SOURCE || context->over == LOAD_IN_TOTAL)
        return SIP_SERVICE_UNAVAILABLE;
    return context->waits || context->over == LOAD_OF_REQUEST ? SIP_MAX_BREADTH_EXCEEDED : 0;
}

/* --- starting branches --- */

static bool target_start(struct response_context *context, struct target *target)
{
    if (context->host->start(context, target))
        return true;
    target_failed(context->targets, target);
    context->branches_made++;
    return false;
}

/* A target that cannot be tried now waits; if the request has reached its limit, it is never tried. */
static struct target *next_target(struct response_context *context, bool open_class)
{
    const struct call_host *host = context->host;
    if (target_targets_left(context->targets) == 0 || (host->has_room != NULL && !host->has_room(context)))
        return NULL;
    return call_has_room(context) ? target_next(context->targets, open_class) : NULL;
}

/* 3263-4.3.b. The host is asked each time, because destinations fall silent and answer while a call waits. */
static void mark_silent_targets(const struct response_context *context)
{
    struct target *target;
    if (context->host->is_silent == NULL)
        return;
    for (size_t i = 0; (target = target_at(context->targets, i)) != NULL; i++)
        if (target->status == TARGET_UNTRIED)
            target->silent = context->host->is_silent(context, target);
}

unsigned call_start_targets(struct response_context *context, bool open_class)
{
    unsigned started = 0;
    struct target *target;
    context->waits = false;
    mark_silent_targets(context);
    while ((target = next_target(context, open_class && started == 0)) != NULL) {
        if (!target_start(context, target))
            continue;
        started++;
        if (context->ring_next_ms == 0)
            continue;
        if (context->host->ring_later != NULL)
            context->host->ring_later(context);
        break;
    }
    return started;
}

static unsigned unsent_set_breadth(struct response_context *context, uint32_t breadth)
{
    unsigned count = 0;
    for (struct call_branch *branch = context->branches; branch != NULL; branch = branch->next) {
        if (branch->has_final)
            continue;
        branch->breadth = breadth;
        count++;
    }
    return count;
}

static void divide_breadth(struct response_context *context)
{
    uint32_t left = context->max_breadth;
    uint32_t shares = unsent_set_breadth(context, 0) + (context->keeps_share ? 1 : 0);
    for (struct call_branch *branch = context->branches; branch != NULL; branch = branch->next) {
        if (branch->has_final)
            continue;
        branch->breadth = breadth_share(left, shares--);
        left -= branch->breadth;
    }
}

unsigned call_start_with_unsent(struct response_context *context)
{
    if (context->ring_next_ms > 0)
        return 0;
    unsent_set_breadth(context, 1);
    unsigned started = call_start_targets(context, false);
    divide_breadth(context);
    return started;
}

bool call_start_beside(struct response_context *context)
{
    if (context->targets == NULL || !call_may_add(context))
        return false;
    call_start_targets(context, true);
    return target_targets_left(context->targets) > 0;
}

static void context_send(struct response_context *context, unsigned started)
{
    if (started > 0 && context->host->send != NULL)
        context->host->send(context);
}

void call_start_more(struct response_context *context)
{
    if (context->targets != NULL && call_may_add(context) && call_pending(context, NULL) == 0)
        context_send(context, call_start_targets(context, true));
}

/* --- what follows when a branch has ended --- */

void branch_drop(struct call_branch *branch, const struct decision *decision)
{
    const struct target *target = branch->target;
    const struct call_host *host = branch->context->host;
    if (target == NULL || branch->withheld)
        return;
    if (decision->drop == DROP_FLOW && target->flow != 0) {
        /* Plain bindings on the flow may have another route. */
        if (target->reg_id != 0)
            target_flow_died(branch->context->targets, target->flow);
        host->drop_flow(branch);
    } else if (decision->drop == DROP_BINDING && target->aor.length > 0) {
        host->drop_binding(branch);
    }
}

void branch_mark(struct call_branch *branch)
{
    struct target_set *targets = branch->context->targets;
    if (branch->target == NULL || branch->action == ACTION_NEXT_FLOW || branch->marked)
        return;
    branch->marked = true;
    if ((branch->decision.flags & FLAG_ANSWERED) != 0 || target_flows_left(targets, branch->target) > 0)
        target_answered(targets, branch->target);
    else
        target_failed(targets, branch->target);
}

static bool branch_start_known_flow(struct call_branch *branch)
{
    struct response_context *context = branch->context;
    struct target *next;
    mark_silent_targets(context);
    while ((next = target_next_flow(context->targets, branch->target)) != NULL)
        if (target_start(context, next))
            return true;
    return false;
}

/* 5626-7.b. If the known flows are dead, the instance may have registered another one meanwhile. */
static unsigned branch_start_next_flow(struct call_branch *branch)
{
    struct response_context *context = branch->context;
    if (branch->target == NULL ||
        (!branch_start_known_flow(branch) &&
         (context->host->add_flows(context, branch->target) <= 0 || !branch_start_known_flow(branch))))
        return 0;
    context->host->count(context, CALL_FAILOVER);
    return 1;
}

static unsigned branch_go_on(struct call_branch *branch)
{
    struct response_context *context = branch->context;
    unsigned started = branch->action == ACTION_NEXT_FLOW ? branch_start_next_flow(branch) : 0;
    bool wants_target = started == 0 && (branch->action == ACTION_NEXT_FLOW || branch->action == ACTION_NEXT_TARGET);
    /* 5393-5.a: returns the branch's share of Max-Breadth to waiting targets. */
    if (context->targets != NULL && (wants_target || context->waits)) {
        bool open_class =
            branch->open_class || call_pending(context, NULL) == 0 || (context->waits && context->ring_next_ms > 0);
        started += call_start_targets(context, open_class);
    }
    return started;
}

void call_follow(struct call_branch *branch)
{
    struct response_context *context = branch->context;
    if (!branch->has_final || branch->followed)
        return;
    branch->followed = true;
    branch_drop(branch, &branch->decision);
    if (branch->decision.rest_s > 0)
        context->host->rest_branch(branch, branch->decision.rest_s);
    if (branch->next_server && call_may_add(context) && context->host->start_next_server(branch)) {
        context_send(context, 1);
        return;
    }
    branch_mark(branch);
    if (branch->cancels_rest)
        context->host->cancel_pending(context, branch);
    if (call_may_add(context))
        context_send(context, branch_go_on(branch));
}
