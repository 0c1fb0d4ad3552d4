// SPDX-License-Identifier: BSD-2-Clause
#include "core/decide_private.h"

/* The code that an event without a response acts as (3261-8.1.3.b, 16.9). */
static const uint16_t acts_as[ORIGIN_COUNT] = {
    [ORIGIN_TIMEOUT] = SIP_REQUEST_TIMEOUT,
    [ORIGIN_TRANSPORT] = SIP_SERVICE_UNAVAILABLE,
    [ORIGIN_FLOW_DOWN] = SIP_FLOW_FAILED,
};

static uint32_t code_of(const struct facts *facts, enum origin origin)
{
    if (origin == ORIGIN_WIRE)
        return facts->code;
    if (facts->role == ROLE_UAC && origin == ORIGIN_FLOW_DOWN)
        return SIP_SERVICE_UNAVAILABLE;
    if (facts->role != ROLE_UAC && origin == ORIGIN_TRANSPORT && facts->on_flow)
        return SIP_FLOW_FAILED;
    return acts_as[origin];
}

struct reading decide_read(const struct facts *facts, const struct state *state)
{
    const enum origin origin = facts->origin < ORIGIN_COUNT ? facts->origin : ORIGIN_WIRE;
    const uint32_t code = code_of(facts, origin);
    const struct reaction *row = reaction_find(code);
    const bool flow_died = origin == ORIGIN_FLOW_DOWN || (origin == ORIGIN_TRANSPORT && facts->on_flow);
    return (struct reading){
        .facts = facts,
        .state = state,
        .row = row,
        .code = row->number ? (uint16_t)code : 0,
        .method = facts->method < METHOD_COUNT ? facts->method : METHOD_OTHER,
        .origin = (uint8_t)origin,
        .drop = flow_died ? DROP_FLOW : DROP_NONE,
        .wire = origin == ORIGIN_WIRE,
    };
}

/* RFC 6665 decides about subscriptions, RFC 5057 about all other usages of a dialog. */
static bool usage_ends(const struct reading *reading)
{
    const struct reaction *row = reading->row;
    const bool in_dialog = reading->facts->in_dialog;
    switch (reading->method) {
    case METHOD_SUBSCRIBE:
        return (in_dialog || reading->facts->refresh) && row->subscription == SUBSCRIPTION_ENDS;
    case METHOD_NOTIFY:
        return row->subscription == SUBSCRIPTION_ENDS || row->usage >= USAGE_ENDS;
    case METHOD_INVITE:
        return in_dialog && row->usage >= USAGE_BY_METHOD;
    default:
        return in_dialog && row->usage >= USAGE_ENDS;
    }
}

uint16_t decide_common_flags(const struct reading *reading)
{
    uint16_t flags = 0;
    if (reading->wire && reading->method == METHOD_INVITE && reading->row->invite == INVITE_SAME_ACK)
        flags |= FLAG_ACK;
    if (usage_ends(reading))
        flags |= FLAG_END_USAGE;
    return flags;
}

struct decision decide_absorb(const struct reading *reading, enum rule_id rule, const char *why)
{
    return (struct decision){
        .action = ACTION_ABSORB, .code = reading->code, .drop = reading->drop, .rule = (uint8_t)rule, .why = why};
}

/* A response that the registrar itself makes. Only one that must never be sent is suppressed. */
static struct decision decide_registrar(const struct reading *reading)
{
    const struct facts *facts = reading->facts;
    const struct reaction *row = reading->row;
    struct decision decision = {
        .action = ACTION_FORWARD,
        .code = reading->code,
        .status = row->number == SIP_FLOW_FAILED ? row->sent_as : 0,
        .rule = RULE_3261_8_1_3_A,
        .why = row->why,
    };
    if (reading->origin == ORIGIN_FLOW_DOWN)
        return decide_absorb(reading, RULE_5626_7_F, "the flow is dead, and so is every binding on it");
    if (!reading->wire)
        return decide_absorb(reading, RULE_3261_16_9_A,
                             "the response could not be sent, and the client will retransmit the request");
    if (reading->method != METHOD_INVITE && row->number == SIP_REQUEST_TIMEOUT)
        return decide_absorb(reading, RULE_4320_4_A,
                             "a 408 to a request other than INVITE would arrive too late to be of use");
    if (decision.status) {
        decision.rule = RULE_5626_11_5_A;
        decision.why = "430 is for authoritative proxies and is never sent to an endpoint";
    } else if (row->to_register == REGISTER_WITHOUT_OUTBOUND) {
        const bool outbound = reading->method == METHOD_REGISTER && facts->reg_id && facts->supports_outbound;
        decision.status = outbound ? 0 : SIP_BAD_REQUEST;
        decision.rule = RULE_5626_11_6_A;
        decision.why = outbound ? "the first hop does not support outbound, and the user agent asked for it"
                                : "439 would mean nothing to a client that did not ask for outbound";
    } else if (row->to_register == REGISTER_BOUND && reading->method == METHOD_REGISTER) {
        decision.flags = FLAG_STORE_BINDING | (facts->requires_outbound ? FLAG_START_KEEPALIVE : 0);
        decision.rule = facts->requires_outbound ? RULE_5626_6_H : RULE_CODE_2XX_REGISTER;
        decision.why = "the registration is active";
    }
    return decision;
}

static struct decision decide_role(const struct reading *reading)
{
    if (!reading->row->number)
        return decide_absorb(reading, RULE_3261_8_1_3_A, reading->row->why);
    if (reading->facts->unmatched || reading->method == METHOD_ACK)
        return decide_absorb(reading, RULE_3261_16_7_A, "no transaction waits for this response");
    if (reading->method == METHOD_CANCEL)
        return decide_absorb(reading, RULE_3261_9_A,
                             "CANCEL is answered hop by hop; only the request that it cancels counts");
    switch (reading->facts->role) {
    case ROLE_UAC:
        return decide_uac(reading);
    case ROLE_REGISTRAR:
        return decide_registrar(reading);
    default:
        return decide_proxy(reading);
    }
}

struct decision decide(const struct facts *facts, const struct state *state)
{
    const struct reading reading = decide_read(facts, state);
    return decide_role(&reading);
}

bool decide_lacks_flow(const struct facts *facts, const struct state *state)
{
    struct facts with_flow = *facts;
    with_flow.flows_left = 1;
    return facts->has_instance && facts->flows_left == 0 && decide(&with_flow, state).action == ACTION_NEXT_FLOW;
}
