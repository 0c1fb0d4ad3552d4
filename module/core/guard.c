// SPDX-License-Identifier: BSD-2-Clause
#include "core/guard.h"

#include "core/decide_private.h"

enum rule_id guard_status(enum method method, uint32_t status)
{
    if (status && code_class(status) == CLASS_MALFORMED)
        return RULE_3261_8_1_3_A;
    if (status == SIP_FLOW_FAILED)
        return RULE_5626_11_5_A;
    if (status == SIP_REQUEST_TIMEOUT && method != METHOD_INVITE)
        return RULE_4320_4_A;
    return RULE_NONE;
}

static bool is_matched(const struct reading *reading)
{
    return reading->row->number && !reading->facts->unmatched && reading->method != METHOD_ACK &&
           reading->method != METHOD_CANCEL;
}

static bool is_success_to_invite(const struct reading *reading)
{
    return reading->wire && is_matched(reading) && reading->method == METHOD_INVITE &&
           reading->row->invite == INVITE_NEW_ACK;
}

static bool is_global(const struct reading *reading)
{
    return is_matched(reading) && reading->row->proxy == PROXY_GLOBAL;
}

/* The proposal would send the request again to the instance that sent this reply. */
static enum rule_id guard_same_instance(const struct reading *reading)
{
    const uint8_t reaction = reading->row->proxy;
    if (!reading->wire || !is_matched(reading) || reaction == PROXY_TIMEOUT || reaction == PROXY_FLOW_FAILED)
        return RULE_NONE;
    return reaction < PROXY_SUCCESS ? RULE_5626_7_A : RULE_5626_7_C;
}

static enum rule_id guard_branch(const struct reading *reading, const struct proposal *proposal)
{
    const struct state *state = reading->state;
    const bool same_instance = proposal->action == ACTION_NEXT_FLOW || proposal->action == ACTION_RETRY;
    if (!proposal->adds_branch && !same_instance && proposal->action != ACTION_NEXT_TARGET &&
        proposal->action != ACTION_RECURSE)
        return RULE_NONE;
    if (is_global(reading) || state->global_failure_seen)
        return RULE_3261_16_7_D;
    if (state->success_forwarded)
        return RULE_3261_16_7_C;
    if (state->final_forwarded)
        return RULE_3261_16_7_E;
    if (state->cancelled)
        return RULE_3261_9_A;
    if (proposal->to_answered_instance)
        return RULE_5626_7_C;
    if (proposal->instance_pending)
        return RULE_5626_7_A;
    return same_instance ? guard_same_instance(reading) : RULE_NONE;
}

/* 5626-11.6.a, for a 439 that this server makes. */
static bool is_stray_439(const struct reading *reading, const struct proposal *proposal)
{
    const struct facts *facts = reading->facts;
    const bool ours = proposal->status || facts->role == ROLE_REGISTRAR;
    const uint32_t status = proposal->status ? proposal->status : reading->code;
    return ours && status == SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT &&
           !(reading->method == METHOD_REGISTER && facts->reg_id && facts->supports_outbound);
}

/* The proposal would forward a final response. */
static enum rule_id guard_final(const struct reading *reading, const struct proposal *proposal)
{
    const struct state *state = reading->state;
    const bool own_code = !proposal->status || proposal->status == reading->code;
    if (state->branches_pending && (is_global(reading) || state->global_failure_seen))
        return RULE_3261_16_7_D;
    if (proposal->action == ACTION_FORWARD && own_code && is_matched(reading) &&
        reading->row->proxy == PROXY_CHALLENGE && (state->responses_held || state->branches_pending))
        return RULE_3261_16_7_H;
    return RULE_NONE;
}

/* The guardrails on the response that the proposal would forward. For FAIL without a status, best_choose() keeps them.
 */
static enum rule_id guard_up(const struct reading *reading, const struct proposal *proposal)
{
    const bool forward = proposal->action == ACTION_FORWARD;
    const uint32_t status = proposal->status ? proposal->status : forward ? reading->code : 0;
    if (!forward && proposal->action != ACTION_FAIL)
        return RULE_NONE;
    if (forward && !status)
        return RULE_3261_8_1_3_A;
    if (is_stray_439(reading, proposal))
        return RULE_5626_11_6_A;
    const bool from_edge = reading->facts->role == ROLE_EDGE && reading->facts->on_flow && status == SIP_FLOW_FAILED;
    const enum rule_id broken = from_edge ? RULE_NONE : guard_status(reading->method, status);
    if (broken || reading->facts->role == ROLE_REGISTRAR || (status && code_class(status) <= CLASS_SUCCESS))
        return broken;
    return guard_final(reading, proposal);
}

static enum rule_id guard_proxy(const struct reading *reading, const struct proposal *proposal)
{
    const enum rule_id branch = guard_branch(reading, proposal);
    if (is_success_to_invite(reading)) {
        const bool kept = !proposal->status || code_class(proposal->status) == CLASS_SUCCESS;
        return proposal->action == ACTION_FORWARD && kept && !proposal->adds_branch ? RULE_NONE : RULE_3261_16_7_C;
    }
    if (branch)
        return branch;
    const bool done = reading->state->final_forwarded || reading->state->success_forwarded;
    if (proposal->action == ACTION_ABSORB && is_global(reading) && !done)
        return RULE_3261_16_7_D;
    return guard_up(reading, proposal);
}

/* A policy cannot choose which transaction sends the ACK. */
static enum rule_id guard_uac(const struct reading *reading, const struct proposal *proposal)
{
    const bool ours = reading->facts->via_count <= 1;
    const bool acknowledges = proposal->action == ACTION_ACK;
    if (!reading->row->number)
        return proposal->action == ACTION_ABSORB ? RULE_NONE : RULE_3261_8_1_3_A;
    if (ours && is_success_to_invite(reading))
        return acknowledges ? RULE_NONE : RULE_3261_13_2_A;
    return acknowledges ? RULE_3261_17_A : RULE_NONE;
}

enum rule_id guard_check(const struct facts *facts, const struct state *state, const struct proposal *proposal)
{
    const struct reading reading = decide_read(facts, state);
    switch (facts->role) {
    case ROLE_UAC:
        return guard_uac(&reading, proposal);
    case ROLE_REGISTRAR:
        return guard_up(&reading, proposal);
    default:
        return guard_proxy(&reading, proposal);
    }
}
