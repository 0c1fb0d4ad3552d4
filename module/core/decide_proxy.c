// SPDX-License-Identifier: BSD-2-Clause
#include "core/decide_private.h"

/* A final response was forwarded. Only a 2xx to INVITE may follow it. */
static bool is_done(const struct state *state)
{
    return state->final_forwarded || state->success_forwarded;
}

/* 3261-16.7.c, 3261-16.7.d; nor after the caller has cancelled. */
static bool may_branch(const struct reading *reading)
{
    const struct state *state = reading->state;
    return !is_done(state) && !state->global_failure_seen && !state->cancelled && reading->row->proxy != PROXY_GLOBAL;
}

/* Decides what follows the end of a branch. If the response is held or forwarded as a failure, `decision` keeps its
   rule and reason. */
static void settle(const struct reading *reading, struct decision *decision)
{
    const struct state *state = reading->state;
    if (is_done(state)) {
        decision_take(decision, ACTION_ABSORB, RULE_3261_16_7_E, "a final response was forwarded already");
    } else if (state->branches_pending) {
        decision->action = ACTION_HOLD;
    } else if (state->targets_left && may_branch(reading)) {
        decision_take(decision, ACTION_NEXT_TARGET, decision->rule,
                      "this branch has ended, and there are targets left to try");
    } else {
        decision->action = ACTION_FAIL;
        decision->status = reading->row->sent_as;
    }
}

/* Replaces the branch if another flow of its instance, or another address of its server, is left. An edge proxy uses
   only the flow in the token: the authoritative proxy chooses another one. */
static bool next_flow(const struct reading *reading, struct decision *decision, enum rule_id rule, const char *why)
{
    if (!reading->facts->flows_left || reading->facts->role == ROLE_EDGE || !may_branch(reading))
        return false;
    decision_take(decision, ACTION_NEXT_FLOW, rule, why);
    return true;
}

static bool next_server(const struct reading *reading, struct decision *decision)
{
    if (!reading->facts->next_server || reading->facts->on_flow || !may_branch(reading))
        return false;
    if (reading->origin == ORIGIN_FLOW_DOWN)
        decision_take(decision, ACTION_NEXT_TARGET, RULE_3261_10_A,
                      "the flow did not reach the phone, and its Contact can be called directly");
    else
        decision_take(decision, ACTION_NEXT_TARGET, RULE_3263_4_3_A,
                      "the server failed, and its domain has another one");
    decision->flags |= FLAG_NEXT_SERVER;
    decision->flags &= (uint16_t)~FLAG_ANSWERED;
    return true;
}

static void relay(const struct reading *reading, struct decision *decision)
{
    const bool stays = reading->row->proxy == PROXY_ABSORB || is_done(reading->state);
    decision_take(decision, stays ? ACTION_ABSORB : ACTION_FORWARD, RULE_3261_16_7_B,
                  stays ? "100 is not forwarded" : "a provisional response above 100 is forwarded at once");
    if (reading->method == METHOD_INVITE && reading->row->proxy == PROXY_RELAY)
        decision->flags |= FLAG_RESET_TIMER_C;
    if (cancel_is_due(reading))
        decision->flags |= FLAG_CANCEL_REST;
}

static void succeed(const struct reading *reading, struct decision *decision)
{
    if (reading->method == METHOD_INVITE) {
        decision_take(decision, ACTION_FORWARD, RULE_3261_16_7_C, "every 2xx to INVITE is forwarded at once");
        decision->flags |= FLAG_CANCEL_REST;
    } else if (is_done(reading->state)) {
        decision_take(decision, ACTION_ABSORB, RULE_3261_16_7_E, "a final response was forwarded already");
    } else {
        decision_take(decision, ACTION_FORWARD, RULE_3261_16_7_E, "the first 2xx is forwarded at once");
    }
}

static void redirect(const struct reading *reading, struct decision *decision)
{
    if (reading->state->may_recurse && may_branch(reading))
        decision_take(decision, ACTION_RECURSE, RULE_3261_16_7_I, "the policy follows redirections");
    else
        settle(reading, decision);
}

static void answer(const struct reading *reading, struct decision *decision)
{
    if (reading->row->proxy == PROXY_CHALLENGE) {
        decision_take(decision, ACTION_FAIL, RULE_3261_16_7_H, "the challenges of all branches are forwarded together");
        decision->flags |= FLAG_MERGE_CHALLENGES;
    }
    settle(reading, decision);
}

static void time_out(const struct reading *reading, struct decision *decision)
{
    const bool silent = !reading->facts->provisional_seen;
    if (silent && next_flow(reading, decision, RULE_5626_7_D,
                            "nothing was received over this flow; another one may reach the phone"))
        return;
    if (silent && !reading->wire && next_server(reading, decision))
        return;
    if (!reading->wire)
        decision_take(decision, ACTION_FAIL, RULE_3261_16_7_F, "no final response came in time");
    settle(reading, decision);
    if (decision->action == ACTION_FAIL && reading->method != METHOD_INVITE && !reading->state->responses_held)
        decision_take(decision, ACTION_ABSORB, RULE_4320_4_A,
                      "a 408 to a request other than INVITE would arrive too late to be of use");
}

static void be_unavailable(const struct reading *reading, struct decision *decision)
{
    const struct facts *facts = reading->facts;
    const bool tries_again = reading->wire ? !facts->has_instance : !facts->provisional_seen;
    if (reading->wire && facts->has_retry_after) {
        decision->rest_s = facts->retry_after;
        decision_take(decision, ACTION_FAIL, RULE_3261_21_5_4_A, "the destination asks for a pause");
    }
    if (tries_again && next_server(reading, decision))
        return;
    if (!reading->wire) {
        if (tries_again &&
            next_flow(reading, decision, RULE_3261_16_9_A, "the request could not be sent; another flow is left"))
            return;
        decision_take(decision, ACTION_FAIL, RULE_3261_16_9_A, "a request that cannot be sent counts as a 503");
    }
    settle(reading, decision);
    if (decision->action == ACTION_FAIL)
        decision->rule = RULE_3261_16_7_G;
}

static void answer_flow_failed(const struct reading *reading, struct decision *decision)
{
    decision_take(decision, ACTION_HOLD, RULE_5626_11_5_B, "a 430 ranks below any other response");
    settle(reading, decision);
    if (decision->action != ACTION_FAIL)
        return;
    const bool unreachable = !reading->wire && !reading->facts->on_flow;
    decision->rule = unreachable ? RULE_3261_16_9_B : RULE_5626_11_5_A;
    decision->why =
        unreachable ? "the phone cannot be reached, and no target is left" : "no flow and no target is left";
    if (reading->facts->role == ROLE_EDGE && reading->facts->on_flow) {
        decision->status = SIP_FLOW_FAILED;
        decision->rule = RULE_5626_5_3_C;
        decision->why = "the authoritative proxy must know that this flow is gone";
    }
}

static enum rule_id dead_flow_rule(const struct reading *reading)
{
    if (reading->origin == ORIGIN_TRANSPORT)
        return RULE_3261_16_9_A;
    return reading->facts->unacknowledged ? RULE_5626_7_I : RULE_5626_7_H;
}

static const char *dead_flow_why(const struct facts *facts)
{
    return facts->unacknowledged ? "the peer acknowledged nothing over this flow, and another one is left"
                                 : "the flow is dead, and another one is left";
}

/* A 430 was received, or this server knows that the flow is dead. */
static void flow_failed(const struct reading *reading, struct decision *decision)
{
    const struct facts *facts = reading->facts;
    if (reading->wire) {
        if (facts->role != ROLE_EDGE && (facts->on_flow || facts->has_instance))
            decision->drop = DROP_BINDING;
        if (next_flow(reading, decision, RULE_5626_7_B, "this flow is gone, and another flow of the instance is left"))
            return;
    } else if (facts->provisional_seen && !is_done(reading->state)) {
        decision_take(decision, ACTION_HOLD, RULE_5626_7_H,
                      "the instance has the request and may answer over a new flow");
        return;
    } else if (!facts->provisional_seen) {
        if (next_server(reading, decision) ||
            next_flow(reading, decision, dead_flow_rule(reading), dead_flow_why(facts)))
            return;
    }
    answer_flow_failed(reading, decision);
}

static void fail_globally(const struct reading *reading, struct decision *decision)
{
    if (reading->method == METHOD_INVITE)
        decision->flags |= FLAG_CANCEL_REST;
    decision_take(decision, ACTION_FAIL, RULE_3261_16_7_D, "a 6xx ends the search: nothing new is tried");
    settle(reading, decision);
}

/* The part of the decision that is the same for every final response. After an instance has sent a final response other
   than 408 and 430, it never gets the request again (5626-7.c). A target without an instance-id counts as an instance.
 */
static struct decision begin(const struct reading *reading)
{
    const struct reaction *row = reading->row;
    struct decision decision = {
        .code = reading->code,
        .drop = reading->drop,
        .flags = decide_common_flags(reading),
        .rule = RULE_3261_16_7_E,
        .why = row->why,
    };
    if (reading->wire && row->proxy >= PROXY_SUCCESS && row->proxy != PROXY_TIMEOUT &&
        row->proxy != PROXY_FLOW_FAILED) {
        decision.flags |= FLAG_ANSWERED;
        if (reading->facts->has_instance && reading->facts->flows_left)
            decision.rule = RULE_5626_7_C;
    }
    if (reading->state->global_failure_seen)
        decision.rule = RULE_3261_16_7_D;
    return decision;
}

struct decision decide_proxy(const struct reading *reading)
{
    static void (*const react[PROXY_REACTION_COUNT])(const struct reading *, struct decision *) = {
        [PROXY_ABSORB] = relay,
        [PROXY_RELAY] = relay,
        [PROXY_SUCCESS] = succeed,
        [PROXY_REDIRECT] = redirect,
        [PROXY_ANSWER] = answer,
        [PROXY_CHALLENGE] = answer,
        [PROXY_TIMEOUT] = time_out,
        [PROXY_FLOW_FAILED] = flow_failed,
        [PROXY_UNAVAILABLE] = be_unavailable,
        [PROXY_GLOBAL] = fail_globally,
    };
    struct decision decision = begin(reading);
    react[reading->row->proxy](reading, &decision);
    if (decision.action != ACTION_FAIL && decision.action != ACTION_ABSORB)
        decision.flags &= (uint16_t)~FLAG_END_USAGE;
    return decision;
}
