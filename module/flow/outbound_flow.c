// SPDX-License-Identifier: BSD-2-Clause
#include "core/code.h"
#include "flow/outbound_private.h"

enum {
    S = 1000,
    DAY_S = 86400, /* no server can keep a user agent silent for longer */
    REFRESH_LEAST =
        700, /* thousandths of the granted time: a random part spreads the user agents and leaves time to try again */
    REFRESH_MOST = 900
};

static size_t others_registered(const struct outbound *outbound, const struct flow *flow)
{
    return outbound_registered(outbound) - flow->registered;
}

/* The wait after the failure that is being counted (5626-4.5.a b). */
static uint64_t flow_recovery(struct outbound *outbound, const struct flow *flow)
{
    const uint32_t random = outbound->host->random(outbound->host->context);
    return recovery_wait_ms(&outbound->options.times.recovery, flow->failures, others_registered(outbound, flow) != 0,
                            random);
}

/* Everything that belongs to a connection ends with it, also the binding, because no call can arrive over it any
   more. */
static void forget_connection(struct flow *flow)
{
    flow->pending = flow->leaving = flow->registered = flow->keepalive = flow->proven = false;
    flow->plain = flow->retiring = flow->with_credentials = false;
    flow->deadline = flow->expires_at = flow->proven_at = flow->ping_at = flow->pong_by = OUTBOUND_NEVER;
    flow->mapped_length = 0;
    flow->mended_count = 0;
}

void flow_close(struct flow *flow)
{
    if (flow->link != LINK_CLOSED)
        flow->close = true;
    flow->link = LINK_CLOSED;
    forget_connection(flow);
}

/* The request has got its final response. */
static void settle(struct flow *flow)
{
    flow->pending = flow->leaving = false;
    flow->deadline = OUTBOUND_NEVER;
    flow->mended_count = 0;
}

static void tell(struct flow *flow, enum news news, struct setback setback)
{
    flow->news = news;
    flow->rule = setback.rule;
    flow->why = setback.why;
    flow->code = setback.code;
}

static void count_failure(struct flow *flow)
{
    if (flow->failures < UINT32_MAX)
        flow->failures++;
}

void flow_lost(struct outbound *outbound, struct flow *flow, uint64_t now, struct setback setback)
{
    if (flow->proven)
        flow->failures = 0;
    else
        count_failure(flow);
    flow_close(flow);
    flow->due_at = now + flow_recovery(outbound, flow);
    tell(flow, outbound->stopping ? NEWS_UNREGISTERED : NEWS_FAILED, setback);
}

/* An attempt to register has come to nothing; where the registration stands, its flow is kept. */
static void flow_refused(struct outbound *outbound, struct flow *flow, uint64_t now, struct setback setback,
                         uint64_t wait)
{
    const bool stays = flow->registered && !flow->leaving;
    settle(flow);
    flow->due_at = now + (outbound->stopping ? 0 : wait);
    if (!stays)
        flow_close(flow);
    tell(flow, outbound->stopping && !stays ? NEWS_UNREGISTERED : NEWS_FAILED, setback);
}

/* RFC 5626 section 4.5: the flow has worked, so that its next failure is the first. */
static void prove(struct flow *flow)
{
    flow->proven = true;
    flow->failures = 0;
    flow->hurried = false;
    flow->proven_at = OUTBOUND_NEVER;
}

void flow_pong(struct flow *flow)
{
    if (flow->pong_by == OUTBOUND_NEVER)
        return;
    flow->pong_by = OUTBOUND_NEVER;
    prove(flow);
}

static uint64_t keepalive_wait(const struct outbound *outbound, const struct flow *flow)
{
    return keepalive_interval_ms(flow->proxy.keepalive, flow->flow_timer,
                                 outbound->host->random(outbound->host->context));
}

/* 5626-4.2.a, 4.4.a: keep-alives start after Require: outbound. A running interval is kept unless the Flow-Timer is
   shorter. */
static void set_keepalive(const struct outbound *outbound, struct flow *flow, uint64_t now,
                          const struct decision *decision)
{
    flow->keepalive = (decision->flags & FLAG_START_KEEPALIVE) != 0;
    if (!flow->keepalive) {
        flow->ping_at = flow->pong_by = OUTBOUND_NEVER;
        return;
    }
    flow->flow_timer = decision->value;
    const uint64_t at = now + keepalive_wait(outbound, flow);
    if (at < flow->ping_at)
        flow->ping_at = at;
}

/* 5626-4.2.c: a plain binding was used in place of outbound ones. Together with an outbound one it would make this
   user agent ring twice. */
static void retire_plain(struct outbound *outbound, uint64_t now)
{
    for (size_t i = 0; i < outbound->options.count; i++) {
        struct flow *flow = &outbound->flows[i];
        if (flow->plain && flow->registered && !flow->retiring) {
            flow->retiring = true;
            flow->due_at = now;
        }
    }
}

static void bound(struct outbound *outbound, struct flow *flow, uint64_t now, uint32_t granted,
                  const struct decision *decision)
{
    const bool news = !flow->registered || flow->failures != 0;
    const uint64_t counts = granted < DAY_S ? granted : DAY_S;
    const uint64_t refresh = outbound_between(outbound, counts * REFRESH_LEAST, counts * REFRESH_MOST);
    flow->registered = true;
    flow->granted = granted;
    flow->expires_at = now + (uint64_t)granted * S;
    flow->due_at = outbound->stopping || flow->retiring ? now : now + refresh;
    set_keepalive(outbound, flow, now, decision);
    if (flow->keepalive)
        retire_plain(outbound, now);
    if (flow->proven)
        prove(flow);
    else if (!flow->keepalive && flow->proven_at == OUTBOUND_NEVER)
        flow->proven_at = now + recovery_wait_ms(&outbound->options.times.recovery, 1, false, 0);
    if (news)
        tell(flow, NEWS_REGISTERED, (struct setback){.why = ""});
}

static void succeed(struct outbound *outbound, struct flow *flow, uint64_t now, const struct outbound_answer *answer,
                    const struct decision *decision)
{
    const uint32_t granted = answer->has_expires ? answer->expires : outbound->options.expires;
    const bool left = flow->leaving;
    settle(flow);
    if (left) {
        count_failure(flow);
        flow_close(flow);
        flow->due_at = now + flow_recovery(outbound, flow);
        tell(flow, NEWS_UNREGISTERED, (struct setback){.why = ""});
    } else if (granted == 0) {
        flow->registered = false;
        count_failure(flow);
        flow_refused(outbound, flow, now,
                     (struct setback){decision->rule, "the registrar accepted, and bound nothing", decision->code},
                     flow_recovery(outbound, flow));
    } else {
        bound(outbound, flow, now, granted, decision);
    }
}

/* A request is changed only once for each code: a server that rejects every request would cause retries for ever. A
   nonce that was too old does not count, but only a limited number of times. */
static uint16_t attempts(const struct flow *flow, const struct outbound_answer *answer)
{
    uint16_t count = 0;
    if (flow->mended_count == MENDED_MOST)
        return 1;
    for (size_t i = 0; i < flow->mended_count; i++)
        count += flow->mended[i] == answer->facts.code;
    return answer->stale ? 0 : count;
}

/* After a 439, if another flow is registered or is being registered, this flow waits: two plain bindings would make
   the user agent ring twice (5626-4.2.c). */
static bool another_hop(const struct outbound *outbound, const struct flow *flow)
{
    for (size_t i = 0; i < outbound->options.count; i++) {
        const struct flow *other = &outbound->flows[i];
        if (other != flow && (other->registered || other->link != LINK_CLOSED))
            return true;
    }
    return outbound->options.always_outbound;
}

/* Returns whether the request is sent again, with the change of the decision. */
static bool mend(struct outbound *outbound, struct flow *flow, const struct decision *decision)
{
    if (decision->action != ACTION_RETRY || decision->change == CHANGE_NONE)
        return false;
    switch (decision->change) {
    case CHANGE_CREDENTIALS:
        flow->with_credentials = true;
        break;
    case CHANGE_EXPIRES:
        if (decision->value <= outbound->options.expires)
            return false;
        outbound->options.expires = decision->value;
        break;
    case CHANGE_OUTBOUND:
        if (another_hop(outbound, flow))
            return false;
        flow->plain = true;
        break;
    default:
        return false;
    }
    flow->mended[flow->mended_count++] = decision->code;
    return true;
}

/* The wait after a response that cannot be fixed by another request. The Retry-After of a 503 counts, and 0 means
   now, but only once: then the recovery wait follows (5626-4.2.b). Any other Retry-After counts if it is longer than
   that wait. */
static uint64_t wait_after(struct outbound *outbound, struct flow *flow, const struct outbound_answer *answer,
                           const struct decision *decision)
{
    const bool told = answer->facts.has_retry_after, by_503 = told && decision->action == ACTION_REREGISTER;
    const uint64_t recovery = flow_recovery(outbound, flow);
    uint64_t asked = told ? decision->wait_min_ms : 0;
    if (asked > (uint64_t)DAY_S * S)
        asked = (uint64_t)DAY_S * S;
    if (by_503 && asked == 0 && !flow->hurried) {
        flow->hurried = true;
        return 0;
    }
    return (by_503 && asked != 0) || asked > recovery ? asked : recovery;
}

static struct decision judge(const struct outbound *outbound, const struct flow *flow,
                             const struct outbound_answer *answer)
{
    const struct state alone = {0};
    const struct facts facts = {
        .code = answer->facts.code,
        .retry_after = answer->facts.retry_after,
        .min_expires = answer->facts.min_expires,
        .flow_timer = answer->facts.flow_timer,
        .reg_id = flow->plain ? 0 : flow->proxy.reg_id,
        .flows_left = (uint16_t)others_registered(outbound, flow),
        .via_count = answer->facts.via_count,
        .attempts = attempts(flow, answer),
        .method = METHOD_REGISTER,
        .role = ROLE_UAC,
        .origin = answer->facts.origin,
        .refresh = flow->registered,
        .has_retry_after = answer->facts.has_retry_after,
        .requires_outbound = answer->facts.requires_outbound && !flow->plain,
        .supports_outbound = !flow->plain,
        .has_service_route = answer->facts.has_service_route,
        .has_challenge = answer->facts.has_challenge,
    };
    return decide(&facts, &alone);
}

struct decision flow_answered(struct outbound *outbound, struct flow *flow, uint64_t now,
                              const struct outbound_answer *answer)
{
    const struct decision decision = judge(outbound, flow, answer);
    const bool wire = answer->facts.origin == ORIGIN_WIRE, final = !wire || code_fold(answer->facts.code) >= SIP_OK;
    const struct setback setback = {(enum rule_id)decision.rule, decision.why, wire ? decision.code : 0};
    if (decision.action == ACTION_ABSORB || !final)
        return decision;
    if (decision.flags & FLAG_STORE_BINDING) {
        succeed(outbound, flow, now, answer, &decision);
    } else if (!wire) {
        flow_lost(outbound, flow, now, setback);
    } else if (mend(outbound, flow, &decision)) {
        flow->pending = flow->leaving = false;
        flow->deadline = OUTBOUND_NEVER;
        flow->due_at = now;
    } else {
        count_failure(flow);
        flow_refused(outbound, flow, now, setback, wait_after(outbound, flow, answer, &decision));
    }
    return decision;
}

static void hear_nothing(struct outbound *outbound, struct flow *flow, uint64_t now)
{
    const struct outbound_answer nothing = {.facts = {.origin = ORIGIN_TIMEOUT}};
    flow_answered(outbound, flow, now, &nothing);
}

void flow_tick(struct outbound *outbound, struct flow *flow, uint64_t now)
{
    if (flow->link == LINK_OPENING && now >= flow->deadline)
        flow_lost(outbound, flow, now,
                  (struct setback){.rule = RULE_5626_4_5_A, .why = "the flow did not open in time"});
    if (flow->pending && now >= flow->deadline)
        hear_nothing(outbound, flow, now);
    if (now >= flow->pong_by)
        flow_lost(outbound, flow, now, (struct setback){.rule = RULE_5626_4_4_B, .why = "no pong came in time"});
    if (now >= flow->proven_at)
        prove(flow);
    if (flow->registered && now >= flow->expires_at) {
        flow->registered = flow->keepalive = false;
        flow->expires_at = flow->proven_at = flow->ping_at = flow->pong_by = OUTBOUND_NEVER;
        tell(flow, NEWS_UNREGISTERED, (struct setback){.why = "the registration has expired"});
    }
}

/* When the next OPEN or REGISTER is due; if one is in progress, when it has failed. */
static uint64_t turn_at(const struct outbound *outbound, const struct flow *flow)
{
    if (flow->link == LINK_OPENING || flow->pending)
        return flow->deadline;
    return flow->link == LINK_CLOSED && outbound->stopping ? OUTBOUND_NEVER : flow->due_at;
}

uint64_t flow_wake_at(const struct outbound *outbound, const struct flow *flow)
{
    if (flow->close || flow->news != NEWS_NONE)
        return 0;
    const uint64_t times[] = {turn_at(outbound, flow), flow->pong_by, flow->expires_at, flow->proven_at,
                              flow->pong_by == OUTBOUND_NEVER ? flow->ping_at : OUTBOUND_NEVER};
    uint64_t first = OUTBOUND_NEVER;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        if (times[i] < first)
            first = times[i];
    return first;
}

static bool next_news(struct flow *flow, uint64_t now, struct outbound_action *action, bool stopping)
{
    static const enum outbound_action_kind kinds[] = {
        [NEWS_REGISTERED] = OUTBOUND_REGISTERED,
        [NEWS_FAILED] = OUTBOUND_FAILED,
        [NEWS_UNREGISTERED] = OUTBOUND_UNREGISTERED,
    };
    if (flow->news == NEWS_NONE)
        return false;
    action->kind = kinds[flow->news];
    action->expires = flow->registered ? flow->granted : 0;
    action->keepalive = flow->keepalive;
    action->rule = flow->rule;
    action->why = flow->why;
    action->code = flow->code;
    action->wait_ms = stopping ? OUTBOUND_NEVER : flow->due_at > now ? flow->due_at - now : 0;
    flow->news = NEWS_NONE;
    return true;
}

static void next_open(struct outbound *outbound, struct flow *flow, uint64_t now, struct outbound_action *action)
{
    flow->link = LINK_OPENING;
    flow->connection = ++outbound->serial;
    flow->deadline = now + outbound->options.times.answer_ms;
    action->kind = OUTBOUND_OPEN;
    action->serial = flow->connection;
}

static void next_register(struct outbound *outbound, struct flow *flow, uint64_t now, struct outbound_action *action)
{
    flow->pending = true;
    flow->leaving = outbound->stopping || flow->retiring;
    flow->request = ++outbound->serial;
    flow->deadline = now + outbound->options.times.answer_ms;
    action->kind = OUTBOUND_REGISTER;
    action->serial = flow->request;
    action->outbound = !flow->plain;
    action->with_credentials = flow->with_credentials;
    action->expires = flow->leaving ? 0 : outbound->options.expires;
}

static void next_keepalive(const struct outbound *outbound, struct flow *flow, uint64_t now,
                           struct outbound_action *action)
{
    flow->pong_by = now + outbound->options.times.pong_ms;
    flow->ping_at = now + keepalive_wait(outbound, flow);
    action->kind = OUTBOUND_KEEPALIVE;
}

bool flow_next(struct outbound *outbound, struct flow *flow, uint64_t now, struct outbound_action *action)
{
    const bool due = !flow->pending && now >= flow->due_at;
    if (flow->close) {
        flow->close = false;
        action->kind = OUTBOUND_CLOSE;
    } else if (next_news(flow, now, action, outbound->stopping)) {
        return true;
    } else if (flow->link == LINK_CLOSED && due && !outbound->stopping) {
        next_open(outbound, flow, now, action);
    } else if (flow->link == LINK_OPEN && due) {
        next_register(outbound, flow, now, action);
    } else if (flow->link == LINK_OPEN && now >= flow->ping_at && flow->pong_by == OUTBOUND_NEVER) {
        next_keepalive(outbound, flow, now, action);
    } else {
        return false;
    }
    return true;
}
