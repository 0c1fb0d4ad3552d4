// SPDX-License-Identifier: BSD-2-Clause
#include "call/call_private.h"

#include "core/code.h"

/* Chooses the response to forward when no branch is pending (RFC 3261 16.7 steps 6 and 7). */

enum { FINALS_MOST = 2 * TARGETS_MOST + 32 };

struct finals {
    struct stored_response stored[FINALS_MOST];
    struct call_branch *branch[FINALS_MOST]; /* NULL: a branch of the host's own, identified by its number */
    int number[FINALS_MOST];
    size_t count;
};

static void finals_add(struct finals *finals, uint16_t code, uint8_t origin, struct call_branch *branch, int number)
{
    if (finals->count == FINALS_MOST || !code_is_final(code))
        return;
    finals->stored[finals->count] = (struct stored_response){.code = code, .origin = origin};
    finals->number[finals->count] = number;
    finals->branch[finals->count++] = branch;
}

/* A response that the host has not stored counts as one that this server makes. */
static uint8_t branch_origin(const struct call_branch *branch)
{
    bool lost = branch->origin == ORIGIN_WIRE && !branch->context->host->has_response(branch);
    return lost ? ORIGIN_TRANSPORT : branch->origin;
}

/* The final responses of all branches, newest first, including the 430 and 408 of replaced branches. */
static size_t finals_gather(struct finals *finals, const struct response_context *context)
{
    struct call_others others;
    call_others_read(context, &others);
    finals->count = 0;
    for (struct call_branch *branch = context->branches; branch != NULL; branch = branch->next)
        if (branch->has_final)
            finals_add(finals, branch->code, branch_origin(branch), branch, -1);
    size_t own = finals->count;
    for (size_t i = 0; i < others.count; i++)
        finals_add(finals, others.stored[i].code, others.stored[i].origin, NULL, others.number[i]);
    return own;
}

/* 5626-5.3.c: an edge has only one flow; the authoritative proxy must learn that it is gone, and only that. */
static bool context_lost_edge_flow(const struct response_context *context)
{
    const struct call_branch *branch = context->branches;
    return context->role == ROLE_EDGE && branch != NULL && branch->has_final && branch->code == SIP_FLOW_FAILED &&
           !branch->withheld;
}

/* A phone that subscribes to its own AOR repeats the request at once after 480, but not after 404. */
static uint16_t status_without_branch(const struct response_context *context)
{
    bool only_sender = context->targets != NULL && target_only_sender(context->targets);
    return only_sender ? SIP_NOT_FOUND : SIP_TEMPORARILY_UNAVAILABLE;
}

struct call_best call_best(const struct response_context *context)
{
    struct finals finals;
    size_t own = finals_gather(&finals, context);
    struct call_best result = {.best = best_choose((enum method)context->method, finals.stored, finals.count),
                               .other = -1};
    if (finals.count == 0 && context->branches == NULL)
        result.best.status = status_without_branch(context);
    if (result.best.index >= (int)own)
        result.other = finals.number[result.best.index];
    else if (result.best.index >= 0)
        result.branch = finals.branch[result.best.index];
    if (context_lost_edge_flow(context))
        result.best.status = SIP_FLOW_FAILED;
    return result;
}

struct call_upstream call_choose(const struct response_context *context)
{
    const struct call_best winner = call_best(context);
    const struct best *best = &winner.best;
    bool global = context->global_failure_seen && code_class(best->status) == CLASS_GLOBAL_FAILURE;
    if (context->fail_status != 0 && !global)
        return (struct call_upstream){.kind = UPSTREAM_OWN, .status = context->fail_status};
    if (best->index >= 0)
        return (struct call_upstream){
            .kind = UPSTREAM_RELAY, .winner = winner, .status = best->status, .merges = best->merge != 0};
    if (context->cancelled && context->method == METHOD_INVITE)
        return (struct call_upstream){.kind = UPSTREAM_OWN, .status = SIP_REQUEST_TERMINATED};
    if (best->status == 0)
        return (struct call_upstream){.kind = UPSTREAM_SILENCE};
    return (struct call_upstream){.kind = UPSTREAM_OWN, .status = best->status};
}
