// SPDX-License-Identifier: BSD-2-Clause
#include "decide_check.h"

#include "core/best.h"
#include "core/guard.h"

/*
 * The guardrails, written again from the rules and not from the code, against two million random facts and states and
 * against whole response contexts played through by a small proxy.
 */

enum { COMBINATIONS = 2000000, CONTEXTS = 150000 };

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * 0x2545F4914F6CDD1DULL >> 16;
}

static uint32_t below(uint64_t *seed, uint32_t limit)
{
    return (uint32_t)(next_random(seed) % limit);
}

static bool coin(uint64_t *seed)
{
    return next_random(seed) & 1;
}

/* Mostly sensible, sometimes anything. */
static uint32_t value(uint64_t *seed, uint32_t sensible)
{
    return below(seed, 8) ? below(seed, sensible) : (uint32_t)next_random(seed);
}

static uint32_t random_code(uint64_t *seed)
{
    switch (below(seed, 4)) {
    case 0:
        return 100 + below(seed, 600);
    case 1:
        return (uint32_t)next_random(seed);
    default:
        return code_at(below(seed, (uint32_t)code_count()))->number;
    }
}

static void random_facts(uint64_t *seed, struct facts *facts)
{
    *facts = (struct facts){
        .code = random_code(seed),
        .retry_after = value(seed, 3),
        .min_expires = value(seed, 2),
        .min_se = value(seed, 2),
        .flow_timer = value(seed, 2),
        .reg_id = value(seed, 2),
        .flows_left = (uint16_t)value(seed, 3),
        .via_count = (uint16_t)value(seed, 3),
        .attempts = (uint16_t)value(seed, 2),
        .method = (uint8_t)(coin(seed) ? METHOD_INVITE : value(seed, METHOD_COUNT)),
        .role = (uint8_t)value(seed, ROLE_COUNT),
        .origin = (uint8_t)(coin(seed) ? ORIGIN_WIRE : value(seed, ORIGIN_COUNT)),
        .unmatched = below(seed, 8) == 0,
        .in_dialog = coin(seed),
        .refresh = coin(seed),
        .provisional_seen = coin(seed),
        .on_flow = coin(seed),
        .has_instance = coin(seed),
        .has_retry_after = coin(seed),
        .requires_outbound = coin(seed),
        .supports_outbound = coin(seed),
        .unwanted = coin(seed),
        .owns_call_id = coin(seed),
        .has_service_route = coin(seed),
        .has_challenge = coin(seed),
        .next_server = coin(seed),
    };
}

static void random_state(uint64_t *seed, struct state *state)
{
    *state = (struct state){
        .branches_pending = (uint16_t)value(seed, 2),
        .targets_left = (uint16_t)value(seed, 2),
        .responses_held = (uint16_t)value(seed, 2),
        .success_forwarded = below(seed, 4) == 0,
        .global_failure_seen = below(seed, 4) == 0,
        .final_forwarded = below(seed, 4) == 0,
        .cancelled = below(seed, 4) == 0,
        .may_recurse = coin(seed),
    };
}

static bool is_wire(const struct facts *facts)
{
    return facts->origin == ORIGIN_WIRE || facts->origin >= ORIGIN_COUNT;
}

static bool is_class(const struct facts *facts, uint32_t class)
{
    return is_wire(facts) && facts->code >= 100 && facts->code <= 699 && facts->code / 100 == class;
}

static bool is_final_failure(const struct facts *facts)
{
    return is_wire(facts) && facts->code >= 300 && facts->code <= 699;
}

static bool is_matched(const struct facts *facts)
{
    return !facts->unmatched && facts->method != METHOD_ACK && facts->method != METHOD_CANCEL;
}

static bool is_proxy(const struct facts *facts)
{
    return facts->role != ROLE_UAC && facts->role != ROLE_REGISTRAR;
}

static bool adds_branch(const struct decision *decision)
{
    return decision->action == ACTION_NEXT_FLOW || decision->action == ACTION_NEXT_TARGET ||
           decision->action == ACTION_RECURSE || decision->action == ACTION_RETRY ||
           decision->action == ACTION_REREGISTER;
}

/* What the caller would see if this response were all there is; 0: nothing. */
static uint32_t sent_up(const struct decision *decision)
{
    if (decision->action != ACTION_FORWARD && decision->action != ACTION_FAIL)
        return 0;
    return decision->status ? decision->status : decision->code;
}

#define HOLDS(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return #condition;                                                                                         \
    } while (0)

static const char *broken_form(const struct facts *facts, const struct decision *decision)
{
    const bool malformed = is_wire(facts) && (facts->code < 100 || facts->code > 699);
    HOLDS(decision->action < ACTION_COUNT);
    HOLDS(decision->rule > RULE_NONE && decision->rule < RULE_COUNT);
    HOLDS(decision->why && decision->why[0]);
    HOLDS(decision->wait_min_ms <= decision->wait_max_ms);
    HOLDS(decision->drop <= DROP_FLOW);
    HOLDS((decision->code == 0) == malformed);
    HOLDS(!malformed || decision->action == ACTION_ABSORB);
    HOLDS(!facts->unmatched || (decision->action == ACTION_ABSORB && decision->flags == 0));
    return NULL;
}

/* 5626-7.a c f g, 11.5.a */
static const char *broken_outbound(const struct facts *facts, const struct decision *decision)
{
    const bool answered = (is_class(facts, 2) || is_final_failure(facts)) && facts->code != 408 && facts->code != 430;
    const bool edge_on_flow = facts->role == ROLE_EDGE && facts->on_flow;
    HOLDS(!(answered && decision->action == ACTION_NEXT_FLOW));
    HOLDS(!(answered && facts->has_instance && decision->flags & FLAG_NEXT_SERVER));
    HOLDS(!(is_class(facts, 1) && adds_branch(decision)));
    HOLDS(decision->action != ACTION_NEXT_FLOW || facts->flows_left);
    HOLDS(!is_matched(facts) || !answered || (decision->flags & (FLAG_ANSWERED | FLAG_NEXT_SERVER)));
    HOLDS(facts->origin != ORIGIN_FLOW_DOWN || decision->drop == DROP_FLOW);
    HOLDS(!is_wire(facts) || decision->drop != DROP_FLOW);
    HOLDS(is_wire(facts) || decision->drop != DROP_BINDING);
    HOLDS(sent_up(decision) != 430 || edge_on_flow);
    return NULL;
}

/* 3261-16.7.c d h, 4320-4.a */
static const char *broken_proxy(const struct facts *facts, const struct state *state, const struct decision *decision)
{
    const bool invite = facts->method == METHOD_INVITE;
    const bool done = state->success_forwarded || state->final_forwarded;
    const bool over = done || state->global_failure_seen || state->cancelled || is_class(facts, 6);
    HOLDS(!(over && adds_branch(decision)));
    HOLDS(decision->action != ACTION_RETRY && decision->action != ACTION_ACK && decision->action != ACTION_REREGISTER);
    if (invite && is_class(facts, 2) && is_matched(facts)) {
        HOLDS(decision->action == ACTION_FORWARD && decision->status == 0);
        HOLDS(decision->flags & FLAG_CANCEL_REST);
    }
    if (is_class(facts, 6) && is_matched(facts) && !done) {
        HOLDS(decision->action == (state->branches_pending ? ACTION_HOLD : ACTION_FAIL));
        HOLDS(!invite || decision->flags & FLAG_CANCEL_REST);
    }
    HOLDS(!(done && decision->action == ACTION_FAIL));
    HOLDS(!(is_final_failure(facts) && decision->action == ACTION_FORWARD));
    HOLDS(invite || sent_up(decision) != 408 || (decision->action == ACTION_FAIL && state->responses_held));
    HOLDS(decision->action != ACTION_FAIL || !state->branches_pending);
    if (is_wire(facts) && (facts->code == 401 || facts->code == 407) && sent_up(decision))
        HOLDS(decision->flags & FLAG_MERGE_CHALLENGES);
    return broken_outbound(facts, decision);
}

/* 5626-11.5.a, 11.6.a, 4320-4.a */
static const char *broken_registrar(const struct facts *facts, const struct decision *decision)
{
    const bool outbound = facts->method == METHOD_REGISTER && facts->reg_id && facts->supports_outbound;
    HOLDS(sent_up(decision) != 430);
    HOLDS(sent_up(decision) != 439 || outbound);
    HOLDS(sent_up(decision) != 408 || facts->method == METHOD_INVITE);
    HOLDS(!adds_branch(decision));
    return NULL;
}

/* 3261-13.2.a, 17.a */
static const char *broken_ack(const struct facts *facts, const struct decision *decision)
{
    const bool ours = is_matched(facts) && (facts->role != ROLE_UAC || facts->via_count <= 1);
    const bool by_core = facts->role == ROLE_UAC && is_class(facts, 2);
    const bool due = ours && facts->method == METHOD_INVITE && (is_final_failure(facts) || by_core);
    if (facts->role != ROLE_REGISTRAR)
        HOLDS(((decision->flags & FLAG_ACK) != 0) == due);
    HOLDS((decision->action == ACTION_ACK) == (due && by_core));
    return NULL;
}

/* 3261-8.1.3.a: an unknown code decides as the one it folds to. */
static const char *broken_fold(const struct facts *facts, const struct state *state, const struct decision *decision)
{
    struct facts folded = *facts;
    folded.code = code_fold(facts->code);
    const struct decision same = decide(&folded, state);
    HOLDS(same.action == decision->action && same.flags == decision->flags && same.drop == decision->drop);
    HOLDS(same.status == decision->status && same.rule == decision->rule && same.change == decision->change);
    return NULL;
}

static const char *broken(const struct facts *facts, const struct state *state, const struct decision *decision)
{
    const char *what = broken_form(facts, decision);
    if (!what)
        what = broken_ack(facts, decision);
    if (!what)
        what = broken_fold(facts, state, decision);
    if (!what && is_proxy(facts))
        what = broken_proxy(facts, state, decision);
    if (!what && facts->role == ROLE_REGISTRAR)
        what = broken_registrar(facts, decision);
    return what;
}

static void describe_and_fail(const struct facts *facts, const struct state *state, const struct decision *decision,
                              const char *what)
{
    fail_msg(
        "%s: code %u method %u role %u origin %u unmatched %d flows %u provisional %d on_flow %d instance %d "
        "next_server %d; pending %u targets %u held %u 2xx %d 6xx %d final %d cancelled %d -> %s status %u flags %x "
        "drop %u rule %s",
        what, facts->code, facts->method, facts->role, facts->origin, facts->unmatched, facts->flows_left,
        facts->provisional_seen, facts->on_flow, facts->has_instance, facts->next_server, state->branches_pending,
        state->targets_left, state->responses_held, state->success_forwarded, state->global_failure_seen,
        state->final_forwarded, state->cancelled, action_name((enum action)decision->action), decision->status,
        decision->flags, decision->drop, RULE_ID(*decision));
}

static void test_no_guardrail_breaks_in_two_million_combinations(void **unused)
{
    (void)unused;
    uint64_t seed = 20090626;
    for (unsigned i = 0; i < COMBINATIONS; i++) {
        struct facts facts;
        struct state state;
        random_facts(&seed, &facts);
        random_state(&seed, &state);
        const struct decision decision = decide(&facts, &state);
        const char *what = broken(&facts, &state, &decision);
        const struct proposal own = {.action = decision.action, .status = decision.status};
        if (!what && guard_check(&facts, &state, &own) != RULE_NONE)
            what = "the guard refuses the core's own decision";
        if (what)
            describe_and_fail(&facts, &state, &decision, what);
    }
}

/* A verdict that the guard lets pass must keep the guardrails too. */
static void test_no_guardrail_breaks_by_a_verdict_that_the_guard_lets_pass(void **unused)
{
    (void)unused;
    uint64_t seed = 3261;
    for (unsigned i = 0; i < COMBINATIONS / 4; i++) {
        struct facts facts;
        struct state state;
        random_facts(&seed, &facts);
        random_state(&seed, &state);
        facts.role = ROLE_PROXY;
        const struct proposal proposal = {.action = (uint8_t)value(&seed, ACTION_COUNT),
                                          .status = coin(&seed) ? 0 : (uint16_t)random_code(&seed),
                                          .adds_branch = coin(&seed),
                                          .to_answered_instance = coin(&seed),
                                          .instance_pending = coin(&seed)};
        if (guard_check(&facts, &state, &proposal) != RULE_NONE)
            continue;
        const struct decision core = decide(&facts, &state);
        const struct decision carried = {.action = proposal.action, .status = proposal.status, .code = core.code};
        const bool adds = proposal.adds_branch || adds_branch(&carried);
        const uint32_t up = proposal.action == ACTION_FAIL && !proposal.status ? 0 : sent_up(&carried);
        if (adds && proposal.action != ACTION_REREGISTER) {
            assert_false(state.global_failure_seen || state.success_forwarded ||
                         (is_matched(&facts) && is_class(&facts, 6)));
            assert_false(proposal.to_answered_instance || proposal.instance_pending);
        }
        if (facts.method == METHOD_INVITE && is_class(&facts, 2) && is_matched(&facts))
            assert_true(carried.action == ACTION_FORWARD && up / 100 == 2);
        assert_int_not_equal(up, 430);
        assert_true(up != 408 || facts.method == METHOD_INVITE);
        assert_true(up == 0 || (up >= 100 && up <= 699));
    }
}

/* A response context played through: instances with flows, each flow a target; what a proxy must remember and no more.
 */
enum { INSTANCES = 4, FLOWS = 3, STORED = 64 };

struct branch {
    bool pending, tried, ringing;
};

struct context {
    uint64_t *seed;
    uint8_t method;
    struct branch flows[INSTANCES][FLOWS];
    bool plain[INSTANCES]; /* no instance-id: one Contact, no flow */
    bool answered[INSTANCES];
    struct state state;
    struct stored_response stored[STORED];
    size_t stored_count;
    unsigned finals_up, successes_up, successes_came, sixes;
    bool silent; /* ended without a final */
};

static unsigned flows_of(const struct context *context, unsigned instance)
{
    return context->plain[instance] ? 1 : FLOWS;
}

static unsigned flows_left(const struct context *context, unsigned instance)
{
    unsigned left = 0;
    for (unsigned flow = 0; flow < flows_of(context, instance); flow++)
        left += !context->flows[instance][flow].tried && !context->answered[instance];
    return left;
}

static unsigned pending_of(const struct context *context, unsigned instance)
{
    unsigned pending = 0;
    for (unsigned flow = 0; flow < FLOWS; flow++)
        pending += context->flows[instance][flow].pending;
    return pending;
}

static unsigned pending_in(const struct context *context)
{
    unsigned pending = 0;
    for (unsigned instance = 0; instance < INSTANCES; instance++)
        pending += pending_of(context, instance);
    return pending;
}

/* Every new branch goes by here, and the guardrails with it. */
static bool start_branch(struct context *context, unsigned instance)
{
    for (unsigned flow = 0; flow < flows_of(context, instance); flow++) {
        struct branch *branch = &context->flows[instance][flow];
        if (branch->tried)
            continue;
        assert_false(context->answered[instance]);                 /* 5626-7.c */
        assert_int_equal(pending_of(context, instance), 0);        /* 5626-7.a */
        assert_int_equal(context->sixes, 0);                       /* 3261-16.7.d */
        assert_false(context->finals_up || context->successes_up); /* 3261-16.7.c */
        assert_false(context->state.cancelled);
        branch->tried = branch->pending = true;
        return true;
    }
    return false;
}

static unsigned start_targets(struct context *context, unsigned most)
{
    unsigned started = 0;
    for (unsigned instance = 0; instance < INSTANCES && started < most; instance++) {
        if (!pending_of(context, instance) && flows_left(context, instance))
            started += start_branch(context, instance);
    }
    return started;
}

static void send_best(struct context *context)
{
    const struct best best = best_choose(context->method, context->stored, context->stored_count);
    bool only_430 = true;
    for (size_t i = 0; i < context->stored_count; i++)
        only_430 &=
            context->stored[i].code == 430 || (context->method != METHOD_INVITE && context->stored[i].code == 408);
    assert_int_not_equal(best.status, 430);                              /* 5626-11.5.a */
    assert_int_not_equal(best.status, 503);                              /* 3261-16.7.g */
    assert_true(best.status != 408 || context->method == METHOD_INVITE); /* 4320-4.a */
    assert_true(!context->sixes || best.status >= 600);                  /* 3261-16.7.e */
    if (best.index >= 0 && context->stored[best.index].code == 430)
        assert_true(only_430);                                                   /* 5626-11.5.b */
    assert_int_equal(best.merge != 0, best.status == 401 || best.status == 407); /* 3261-16.7.h */
    assert_int_equal(context->finals_up + context->successes_up, 0);
    context->finals_up += best.status != 0;
    context->silent = best.status == 0;
    context->state.final_forwarded = true;
}

static void store(struct context *context, const struct decision *decision, uint8_t origin)
{
    assert_true(context->stored_count < STORED);
    context->stored[context->stored_count++] = (struct stored_response){decision->code, origin};
}

static void carry_out(struct context *context, unsigned instance, struct branch *branch, const struct facts *facts,
                      const struct decision *decision)
{
    const bool final = decision->code >= 200;
    const bool waits = facts->origin >= ORIGIN_TRANSPORT && facts->provisional_seen && decision->action == ACTION_HOLD;
    if (final && !waits)
        branch->pending = false;
    if (decision->flags & FLAG_ANSWERED)
        context->answered[instance] = true;
    switch (decision->action) {
    case ACTION_FORWARD:
        assert_true(decision->code < 300);
        context->successes_up += final;
        context->state.success_forwarded |= final;
        break;
    case ACTION_HOLD:
        if (!waits)
            store(context, decision, facts->origin);
        break;
    case ACTION_NEXT_FLOW:
        assert_true(start_branch(context, instance));
        break;
    case ACTION_NEXT_TARGET:
    case ACTION_RECURSE:
        store(context, decision, facts->origin);
        assert_int_equal(pending_in(context), 0);
        assert_true(start_targets(context, 1 + below(context->seed, 2)));
        break;
    case ACTION_FAIL:
        assert_int_equal(pending_in(context), 0); /* 3261-16.7.d e */
        store(context, decision, facts->origin);
        send_best(context);
        break;
    default:
        assert_int_equal(decision->action, ACTION_ABSORB);
        context->silent |= final && !context->finals_up && !context->successes_up;
    }
}

static unsigned targets_left(const struct context *context)
{
    unsigned left = 0;
    for (unsigned instance = 0; instance < INSTANCES; instance++)
        left += flows_left(context, instance) && !pending_of(context, instance);
    return left;
}

static void random_reply(struct context *context, unsigned instance, struct branch *branch, struct facts *facts)
{
    const uint32_t often[] = {100, 180, 183, 200, 302, 401, 407, 408, 430, 430, 480, 486, 486, 503, 603};
    const uint32_t range = below(context->seed, 3);
    *facts = (struct facts){
        .code = range ? often[below(context->seed, sizeof(often) / sizeof(often[0]))] : 100 + below(context->seed, 600),
        .method = context->method,
        .role = ROLE_PROXY,
        .origin = (uint8_t)(coin(context->seed) ? ORIGIN_WIRE : below(context->seed, ORIGIN_COUNT)),
        .provisional_seen = branch->ringing,
        .on_flow = !context->plain[instance],
        .has_instance = !context->plain[instance],
        .flows_left = (uint16_t)flows_left(context, instance),
        .via_count = 2,
    };
}

static void one_reply(struct context *context, unsigned instance, struct branch *branch)
{
    struct facts facts;
    random_reply(context, instance, branch, &facts);
    context->state.branches_pending = (uint16_t)(pending_in(context) - branch->pending);
    context->state.targets_left = (uint16_t)targets_left(context);
    context->state.responses_held = (uint16_t)context->stored_count;
    if (branch->pending && below(context->seed, 40) == 0)
        context->state.cancelled = true;
    const struct decision decision = decide(&facts, &context->state);
    const bool wire = facts.origin == ORIGIN_WIRE;
    context->sixes += wire && facts.code >= 600;
    context->state.global_failure_seen = context->sixes != 0;
    context->successes_came += wire && facts.code / 100 == 2;
    branch->ringing |= wire && facts.code > 100 && facts.code < 200;
    carry_out(context, instance, branch, &facts, &decision);
}

static void play(struct context *context)
{
    for (unsigned instance = 0; instance < INSTANCES; instance++)
        context->plain[instance] = below(context->seed, 4) == 0;
    start_targets(context, 1 + below(context->seed, INSTANCES));
    for (unsigned steps = 0; pending_in(context); steps++) {
        const unsigned instance = below(context->seed, INSTANCES), flow = below(context->seed, FLOWS);
        if (context->flows[instance][flow].pending)
            one_reply(context, instance, &context->flows[instance][flow]);
        assert_true(steps < 100000);
    }
    if (context->method == METHOD_INVITE)
        assert_int_equal(context->successes_up, context->successes_came); /* 3261-16.7.c */
    assert_true(context->finals_up <= 1);
    assert_int_equal(context->finals_up || context->successes_up || context->silent, 1);
    assert_true(!context->silent || context->method != METHOD_INVITE);
}

static void test_no_guardrail_breaks_over_whole_response_contexts(void **unused)
{
    (void)unused;
    uint64_t seed = 5626;
    unsigned silent = 0, failed = 0, succeeded = 0;
    for (unsigned i = 0; i < CONTEXTS; i++) {
        struct context context = {.seed = &seed, .method = coin(&seed) ? METHOD_INVITE : METHOD_MESSAGE};
        play(&context);
        silent += context.silent;
        failed += context.finals_up;
        succeeded += context.successes_up != 0;
    }
    /* The play reached every kind of end. */
    assert_true(silent > 100 && failed > 10000 && succeeded > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_guardrail_breaks_in_two_million_combinations),
        cmocka_unit_test(test_no_guardrail_breaks_by_a_verdict_that_the_guard_lets_pass),
        cmocka_unit_test(test_no_guardrail_breaks_over_whole_response_contexts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
