// SPDX-License-Identifier: BSD-2-Clause
#include "core/decide_private.h"

enum {
    MS = 1000,
    GLARE_OWNER_MIN_MS = 2100, /* 14.1 */
    GLARE_OWNER_MAX_MS = 4000,
    GLARE_OTHER_MAX_MS = 2000,
    RECOVERY_BASE_S = 30, /* 5626-4.5.a */
    RECOVERY_BASE_ALIVE_S = 90,
    RECOVERY_MOST_S = 1800,
    RECOVERY_DOUBLINGS = 6 /* enough to reach the most */
};

static void wait(struct decision *decision, uint32_t seconds)
{
    decision->wait_min_ms = seconds < UINT32_MAX / MS ? seconds * MS : UINT32_MAX;
    decision->wait_max_ms = decision->wait_min_ms;
}

static bool first_try(const struct reading *reading)
{
    return reading->facts->attempts == 0;
}

/* Retries the request with a change, once only: a peer that rejects every request would cause retries for ever. */
static void retry(const struct reading *reading, struct decision *decision)
{
    const struct reaction *row = reading->row;
    const bool fits = row->retry_method == METHOD_OTHER || row->retry_method == reading->method;
    if (row->change & CHANGE_ETAG)
        decision->flags |= FLAG_NEVER_REPEAT;
    if (!fits)
        return;
    if (row->to_register == REGISTER_WITHOUT_OUTBOUND)
        decision->flags |= FLAG_STOP_OUTBOUND;
    if (!first_try(reading)) {
        decision_take(decision, ACTION_FAIL, row->rule, "the changed request was refused as well");
        return;
    }
    decision_take(decision, ACTION_RETRY, row->rule, row->why);
    decision->change = row->change;
    if (reading->facts->has_retry_after && row->retry_after == RETRY_AFTER_SERVER)
        wait(decision, reading->facts->retry_after);
}

static void answer_challenge(const struct reading *reading, struct decision *decision)
{
    if (reading->facts->has_challenge)
        retry(reading, decision);
    else
        decision->why = "credentials are required, but the response has no challenge";
}

static void lengthen_interval(const struct reading *reading, struct decision *decision)
{
    const struct facts *facts = reading->facts;
    const uint32_t least = reading->row->change == CHANGE_SESSION_INTERVAL ? facts->min_se : facts->min_expires;
    if (!least) {
        decision->why = "the interval is too short, and the response does not name a sufficient one";
        return;
    }
    retry(reading, decision);
    if (decision->action == ACTION_RETRY)
        decision->value = least;
}

static void wait_out_glare(const struct reading *reading, struct decision *decision)
{
    retry(reading, decision);
    if (decision->action != ACTION_RETRY)
        return;
    decision->wait_min_ms = reading->facts->owns_call_id ? GLARE_OWNER_MIN_MS : 0;
    decision->wait_max_ms = reading->facts->owns_call_id ? GLARE_OWNER_MAX_MS : GLARE_OTHER_MAX_MS;
}

/* 3261-20.33.a: a server is asked again automatically when its condition has passed; only a person may decide to
   disturb a callee again. */
static void fail(const struct reading *reading, struct decision *decision)
{
    const uint8_t counts = reading->row->retry_after;
    if (!reading->wire || !reading->facts->has_retry_after || counts == RETRY_AFTER_IGNORED)
        return;
    wait(decision, reading->facts->retry_after);
    if (first_try(reading) && (counts == RETRY_AFTER_SERVER || reading->method != METHOD_INVITE))
        decision_take(decision, ACTION_RETRY, RULE_3261_20_33_A, "Retry-After says when to try again");
    else
        decision_take(decision, ACTION_FAIL, RULE_3261_20_33_A, "Retry-After says when the user may try again");
}

/* 5626-4.5: a random time between 50 and 100 % of a wait that doubles with each failure. */
static void recover(const struct reading *reading, struct decision *decision)
{
    const struct facts *facts = reading->facts;
    const uint32_t base = facts->flows_left ? RECOVERY_BASE_ALIVE_S : RECOVERY_BASE_S;
    const uint32_t doublings = facts->attempts < RECOVERY_DOUBLINGS ? facts->attempts + 1U : RECOVERY_DOUBLINGS;
    const uint32_t most = base << doublings;
    wait(decision, most < RECOVERY_MOST_S ? most : RECOVERY_MOST_S);
    decision->wait_min_ms = decision->wait_max_ms / 2;
    decision_take(decision, ACTION_REREGISTER, RULE_5626_4_5_A,
                  "the flow failed: register again after the recovery wait");
}

static bool next_server(const struct reading *reading, struct decision *decision)
{
    const bool heard = !reading->wire && reading->facts->provisional_seen;
    if (!reading->facts->next_server || heard)
        return false;
    decision_take(decision, ACTION_RETRY, RULE_3263_4_3_A, "the server failed, and its domain has another one");
    decision->flags |= FLAG_NEXT_SERVER;
    return true;
}

static void be_unavailable(const struct reading *reading, struct decision *decision)
{
    const struct facts *facts = reading->facts;
    if (facts->has_retry_after)
        decision->rest_s = facts->retry_after;
    if (reading->method == METHOD_REGISTER && facts->has_retry_after) {
        wait(decision, facts->retry_after);
        decision_take(decision, ACTION_REREGISTER, RULE_5626_4_2_B, "the registrar says when to register again");
    } else if (next_server(reading, decision)) {
        return;
    } else if (reading->method == METHOD_REGISTER) {
        recover(reading, decision);
    } else {
        fail(reading, decision);
    }
}

/* A timeout, a send that failed, a flow that died (3261-8.1.3.b). */
static void hear_nothing(const struct reading *reading, struct decision *decision)
{
    const struct facts *facts = reading->facts;
    decision->rule = RULE_3261_8_1_3_B;
    if (reading->method == METHOD_REGISTER)
        recover(reading, decision);
    else if (reading->origin != ORIGIN_TIMEOUT && facts->flows_left && !facts->provisional_seen)
        decision_take(decision, ACTION_NEXT_FLOW, RULE_3261_8_1_3_B, "the flow failed, and another one is left");
}

static void redirect(const struct reading *reading, struct decision *decision)
{
    if (reading->state->may_recurse)
        decision_take(decision, ACTION_RECURSE, RULE_3261_16_7_I, "the policy follows redirections");
}

static void never_repeat(const struct reading *reading, struct decision *decision)
{
    decision->flags |= FLAG_NEVER_REPEAT;
    decision->change = reading->row->change;
}

static void react(const struct reading *reading, struct decision *decision)
{
    static void (*const reactions[UAC_REACTION_COUNT])(const struct reading *, struct decision *) = {
        [UAC_REDIRECT] = redirect,          [UAC_FAIL] = fail,
        [UAC_REFUSED] = never_repeat,       [UAC_RETRY] = retry,
        [UAC_CHALLENGE] = answer_challenge, [UAC_INTERVAL] = lengthen_interval,
        [UAC_GLARE] = wait_out_glare,       [UAC_UNAVAILABLE] = be_unavailable,
    };
    if (!reading->wire)
        hear_nothing(reading, decision);
    else
        reactions[reading->row->uac](reading, decision);
}

static struct decision fail_finally(const struct reading *reading)
{
    const struct reaction *row = reading->row;
    struct decision decision = {
        .action = ACTION_FAIL,
        .code = reading->code,
        .drop = reading->drop,
        .flags = decide_common_flags(reading),
        .rule = row->rule,
        .why = row->why,
    };
    const bool of_subscription =
        reading->method == METHOD_NOTIFY ||
        (reading->method == METHOD_SUBSCRIBE && (reading->facts->refresh || reading->facts->in_dialog));
    if (!reading->wire && next_server(reading, &decision)) {
        decision.flags &= (uint16_t)~FLAG_END_USAGE;
        return decision;
    }
    if (decision.flags & FLAG_END_USAGE) {
        const bool by_6665 = of_subscription && row->subscription == SUBSCRIPTION_ENDS;
        decision.rule = by_6665 ? RULE_CODE_6665 : RULE_CODE_408_481;
        if (row->uac == UAC_REFUSED)
            never_repeat(reading, &decision);
        return decision;
    }
    if (of_subscription)
        decision.flags |= FLAG_SUBSCRIPTION_STANDS;
    react(reading, &decision);
    /* A challenge, a too short interval, or a server that has an alternative is not a refusal yet. */
    const bool goes_on = decision.action == ACTION_RETRY && (decision.change || decision.flags & FLAG_NEXT_SERVER);
    if (reading->method == METHOD_REGISTER && !goes_on)
        decision.flags |= FLAG_DROP_SERVICE_ROUTE;
    return decision;
}

static void register_succeeded(const struct reading *reading, struct decision *decision)
{
    const struct facts *facts = reading->facts;
    decision_take(decision, ACTION_FORWARD, RULE_CODE_2XX_REGISTER, "the registration is active");
    decision->flags |= FLAG_STORE_BINDING;
    decision->flags |= facts->has_service_route ? FLAG_SET_SERVICE_ROUTE : FLAG_DROP_SERVICE_ROUTE;
    if (facts->requires_outbound) {
        decision_take(decision, ACTION_FORWARD, RULE_5626_4_2_A,
                      "outbound was applied: the flow is kept alive from now on");
        decision->flags |= FLAG_START_KEEPALIVE;
        decision->value = facts->flow_timer;
    }
}

static struct decision succeed(const struct reading *reading)
{
    const struct facts *facts = reading->facts;
    struct decision decision = {
        .action = ACTION_FORWARD,
        .code = reading->code,
        .drop = reading->drop,
        .rule = reading->row->rule,
        .why = reading->row->why,
    };
    if (reading->method == METHOD_INVITE) {
        decision_take(&decision, ACTION_ACK, RULE_3261_13_2_A, "the call was answered: ACK each 2xx");
        decision.flags = FLAG_ACK;
        if (facts->unwanted || (reading->state->cancelled && !facts->in_dialog)) {
            decision_take(&decision, ACTION_ACK, RULE_3261_13_2_B, "the caller gave up before the call was answered");
            decision.flags |= FLAG_BYE;
        }
    } else if (reading->method == METHOD_REGISTER) {
        register_succeeded(reading, &decision);
    } else if (reading->method == METHOD_SUBSCRIBE) {
        decision_take(&decision, ACTION_FORWARD, RULE_CODE_2XX_SUBSCRIBE, "the subscription is active");
        decision.flags = FLAG_SUBSCRIPTION_STANDS;
    }
    return decision;
}

struct decision decide_uac(const struct reading *reading)
{
    struct decision decision;
    if (reading->wire && reading->facts->via_count > 1)
        return decide_absorb(reading, RULE_3261_8_1_3_C,
                             "the response has more than one Via and was meant for somebody else");
    switch (reading->row->uac) {
    case UAC_SUCCESS:
        return succeed(reading);
    case UAC_ABSORB:
    case UAC_PROGRESS:
        decision = decide_absorb(reading, reading->row->rule, reading->row->why);
        if (reading->row->uac == UAC_PROGRESS)
            decision.action = ACTION_FORWARD;
        if (reading->facts->unwanted || cancel_is_due(reading))
            decision.flags |= reading->method == METHOD_INVITE ? FLAG_CANCEL_REST : 0;
        return decision;
    default:
        return fail_finally(reading);
    }
}
