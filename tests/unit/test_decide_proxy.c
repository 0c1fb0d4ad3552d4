// SPDX-License-Identifier: BSD-2-Clause
#include "decide_check.h"

/* A forked INVITE on a flow of an instance that has another flow; nothing else pends or is left. */
static struct facts on_flow(uint32_t code)
{
    return (struct facts){.code = code,
                          .method = METHOD_INVITE,
                          .role = ROLE_PROXY,
                          .on_flow = true,
                          .has_instance = true,
                          .reg_id = 1,
                          .flows_left = 1};
}

static struct facts plain(uint32_t code, enum method method)
{
    return (struct facts){.code = code, .method = (uint8_t)method, .role = ROLE_PROXY};
}

static const struct state alone = {0};

static void test_3261_16_7_a_unmatched_response_is_dropped(void **unused)
{
    (void)unused;
    const uint32_t codes[] = {100, 180, 200, 302, 430, 486, 503, 600};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct facts facts = on_flow(codes[i]);
        facts.unmatched = true;
        const struct decision decision = decide(&facts, &alone);
        assert_action(decision, ACTION_ABSORB);
        assert_rule(decision, "3261-16.7.a");
        assert_int_equal(decision.drop, DROP_NONE);
    }
}

static void test_3261_16_7_a_nothing_answers_an_ack(void **unused)
{
    (void)unused;
    const struct facts facts = plain(200, METHOD_ACK);
    const struct decision decision = decide(&facts, &alone);
    assert_action(decision, ACTION_ABSORB);
    assert_rule(decision, "3261-16.7.a");
}

static void test_3261_16_7_b_100_stays_and_other_provisionals_go_up(void **unused)
{
    (void)unused;
    struct facts facts = on_flow(100);
    struct decision decision = decide(&facts, &alone);
    assert_action(decision, ACTION_ABSORB);
    assert_rule(decision, "3261-16.7.b");
    assert_int_equal(decision.flags, 0);
    for (facts.code = 101; facts.code < 200; facts.code++) {
        decision = decide(&facts, &alone);
        assert_action(decision, ACTION_FORWARD);
        assert_rule(decision, "3261-16.7.b");
        assert_int_equal(decision.flags, FLAG_RESET_TIMER_C);
        assert_int_equal(decision.code, facts.code);
        assert_int_equal(decision.status, 0);
    }
}

static void test_3261_16_7_b_no_provisional_follows_a_final(void **unused)
{
    (void)unused;
    const struct facts facts = on_flow(180);
    const struct state done = {.final_forwarded = true};
    const struct decision decision = decide(&facts, &done);
    assert_action(decision, ACTION_ABSORB);
    assert_flag(decision, FLAG_RESET_TIMER_C);
}

static void test_3261_9_a_a_provisional_permits_the_cancel_that_waits(void **unused)
{
    (void)unused;
    const struct state unwanted[] = {{.cancelled = true}, {.success_forwarded = true}, {.global_failure_seen = true}};
    for (size_t i = 0; i < 3; i++) {
        struct facts facts = on_flow(180);
        assert_flag(decide(&facts, &unwanted[i]), FLAG_CANCEL_REST);
        facts.code = 100;
        assert_flag(decide(&facts, &unwanted[i]), FLAG_CANCEL_REST);
        facts.method = METHOD_MESSAGE;
        assert_no_flag(decide(&facts, &unwanted[i]), FLAG_CANCEL_REST);
    }
    const struct facts facts = on_flow(180);
    assert_no_flag(decide(&facts, &alone), FLAG_CANCEL_REST);
}

static void test_3261_9_a_the_answer_to_a_cancel_stays_here(void **unused)
{
    (void)unused;
    const uint32_t codes[] = {200, 430, 481, 600};
    for (size_t i = 0; i < 4; i++) {
        const struct facts facts = plain(codes[i], METHOD_CANCEL);
        const struct decision decision = decide(&facts, &alone);
        assert_action(decision, ACTION_ABSORB);
        assert_rule(decision, "3261-9.a");
    }
}

static void test_3261_16_7_c_2xx_to_invite_always_goes_up(void **unused)
{
    (void)unused;
    for (unsigned bits = 0; bits < 32; bits++) {
        const struct state state = {.success_forwarded = bits & 1,
                                    .global_failure_seen = bits >> 1 & 1,
                                    .final_forwarded = bits >> 2 & 1,
                                    .cancelled = bits >> 3 & 1,
                                    .branches_pending = bits >> 4 & 1,
                                    .targets_left = 2};
        for (uint32_t code = 200; code < 300; code++) {
            const struct facts facts = on_flow(code);
            const struct decision decision = decide(&facts, &state);
            assert_action(decision, ACTION_FORWARD);
            assert_rule(decision, "3261-16.7.c");
            assert_int_equal(decision.flags, FLAG_CANCEL_REST | FLAG_ANSWERED);
        }
    }
}

static void test_3261_16_7_e_first_2xx_to_another_method_goes_up_once(void **unused)
{
    (void)unused;
    const struct facts facts = plain(202, METHOD_SUBSCRIBE);
    const struct state pending = {.branches_pending = 2}, done = {.success_forwarded = true};
    assert_action(decide(&facts, &pending), ACTION_FORWARD);
    assert_no_flag(decide(&facts, &pending), FLAG_CANCEL_REST);
    assert_action(decide(&facts, &done), ACTION_ABSORB);
}

static void test_3261_16_7_d_6xx_ends_the_search(void **unused)
{
    (void)unused;
    const struct state pending = {.branches_pending = 1, .targets_left = 3}, last = {.targets_left = 3};
    for (uint32_t code = 600; code < 700; code++) {
        const struct facts facts = on_flow(code);
        struct decision decision = decide(&facts, &pending);
        assert_action(decision, ACTION_HOLD);
        assert_rule(decision, "3261-16.7.d");
        assert_flag(decision, FLAG_CANCEL_REST | FLAG_ACK | FLAG_ANSWERED);
        decision = decide(&facts, &last);
        assert_action(decision, ACTION_FAIL);
        assert_rule(decision, "3261-16.7.d");
        assert_int_equal(decision.status, 0);
    }
}

static void test_3261_16_7_d_nothing_is_tried_after_a_6xx(void **unused)
{
    (void)unused;
    const struct state after = {.global_failure_seen = true, .targets_left = 2, .may_recurse = true};
    const uint32_t codes[] = {302, 408, 430, 486, 503, 603};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct facts facts = on_flow(codes[i]);
        facts.next_server = true;
        assert_action(decide(&facts, &after), ACTION_FAIL);
        facts.origin = ORIGIN_FLOW_DOWN;
        assert_action(decide(&facts, &after), ACTION_FAIL);
        facts.on_flow = false;
        facts.origin = ORIGIN_TRANSPORT;
        assert_action(decide(&facts, &after), ACTION_FAIL);
    }
}

static void test_code_607_608_are_as_any_6xx(void **unused)
{
    (void)unused;
    for (unsigned pending = 0; pending < 2; pending++) {
        const struct state state = {.branches_pending = (uint16_t)pending, .targets_left = 1};
        const struct facts busy = on_flow(600), unwanted = on_flow(607), rejected = on_flow(608);
        const struct decision expected = decide(&busy, &state);
        const struct decision got[] = {decide(&unwanted, &state), decide(&rejected, &state)};
        for (size_t i = 0; i < 2; i++) {
            assert_action(got[i], expected.action);
            assert_int_equal(got[i].flags, expected.flags);
            assert_int_equal(got[i].rule, expected.rule);
        }
    }
}

static void test_3261_16_7_e_a_final_waits_then_the_next_then_the_best(void **unused)
{
    (void)unused;
    const struct facts facts = plain(404, METHOD_INVITE);
    const struct state pending = {.branches_pending = 1, .targets_left = 1}, targets = {.targets_left = 1};
    assert_action(decide(&facts, &pending), ACTION_HOLD);
    assert_action(decide(&facts, &targets), ACTION_NEXT_TARGET);
    assert_action(decide(&facts, &alone), ACTION_FAIL);
    assert_rule(decide(&facts, &alone), "3261-16.7.e");
    assert_int_equal(decide(&facts, &alone).status, 0);
}

static void test_3261_16_7_e_nothing_follows_a_final(void **unused)
{
    (void)unused;
    const struct state done = {.final_forwarded = true, .targets_left = 3, .may_recurse = true};
    for (uint32_t code = 300; code < 700; code++) {
        struct facts facts = on_flow(code);
        facts.next_server = true;
        assert_action(decide(&facts, &done), ACTION_ABSORB);
        assert_flag(decide(&facts, &done), FLAG_ACK);
    }
}

static void test_3261_16_7_e_no_target_is_tried_for_a_caller_that_cancelled(void **unused)
{
    (void)unused;
    const struct state cancelled = {.cancelled = true, .targets_left = 3, .may_recurse = true};
    for (uint32_t code = 300; code < 700; code++) {
        struct facts facts = on_flow(code);
        facts.next_server = true;
        assert_action(decide(&facts, &cancelled), ACTION_FAIL);
    }
}

static void test_3261_16_7_f_silence_is_408(void **unused)
{
    (void)unused;
    struct facts facts = plain(0, METHOD_INVITE);
    facts.origin = ORIGIN_TIMEOUT;
    const struct decision decision = decide(&facts, &alone);
    assert_action(decision, ACTION_FAIL);
    assert_rule(decision, "3261-16.7.f");
    assert_int_equal(decision.code, SIP_REQUEST_TIMEOUT);
    assert_int_equal(decision.flags, 0);
}

static void test_3261_16_7_g_503_goes_up_as_500(void **unused)
{
    (void)unused;
    const struct facts facts = plain(503, METHOD_INVITE);
    const struct decision decision = decide(&facts, &alone);
    assert_action(decision, ACTION_FAIL);
    assert_rule(decision, "3261-16.7.g");
    assert_int_equal(decision.status, SIP_SERVER_INTERNAL_ERROR);
    assert_int_equal(decision.code, SIP_SERVICE_UNAVAILABLE);
}

static void test_3261_16_7_h_challenges_are_merged(void **unused)
{
    (void)unused;
    const struct state pending = {.branches_pending = 1};
    const uint32_t codes[] = {401, 407};
    for (size_t i = 0; i < 2; i++) {
        struct facts facts = on_flow(codes[i]);
        facts.has_challenge = true;
        assert_action(decide(&facts, &pending), ACTION_HOLD);
        assert_flag(decide(&facts, &pending), FLAG_MERGE_CHALLENGES);
        assert_action(decide(&facts, &alone), ACTION_FAIL);
        assert_rule(decide(&facts, &alone), "3261-16.7.h");
        assert_flag(decide(&facts, &alone), FLAG_MERGE_CHALLENGES);
    }
    const struct facts other = on_flow(403);
    assert_no_flag(decide(&other, &alone), FLAG_MERGE_CHALLENGES);
}

static void test_3261_16_7_i_3xx_is_followed_only_where_policy_says(void **unused)
{
    (void)unused;
    const struct state may = {.may_recurse = true, .branches_pending = 1}, may_not = {.targets_left = 1};
    for (uint32_t code = 300; code < 400; code++) {
        const struct facts facts = plain(code, METHOD_INVITE);
        assert_action(decide(&facts, &may), ACTION_RECURSE);
        assert_rule(decide(&facts, &may), "3261-16.7.i");
        assert_flag(decide(&facts, &may), FLAG_ANSWERED | FLAG_ACK);
        assert_action(decide(&facts, &may_not), ACTION_NEXT_TARGET);
        assert_action(decide(&facts, &alone), ACTION_FAIL);
    }
}

static void test_3261_16_9_a_a_send_that_fails_is_a_503(void **unused)
{
    (void)unused;
    struct facts facts = plain(0, METHOD_INVITE);
    facts.origin = ORIGIN_TRANSPORT;
    const struct state targets = {.targets_left = 1};
    struct decision decision = decide(&facts, &targets);
    assert_action(decision, ACTION_NEXT_TARGET);
    assert_rule(decision, "3261-16.9.a");
    assert_int_equal(decision.code, SIP_SERVICE_UNAVAILABLE);
    assert_no_flag(decision, FLAG_ANSWERED | FLAG_ACK);
    decision = decide(&facts, &alone);
    assert_action(decision, ACTION_FAIL);
    assert_int_equal(decision.status, SIP_SERVER_INTERNAL_ERROR);
}

static void test_3261_16_9_a_a_send_that_fails_on_a_flow_is_a_failed_flow(void **unused)
{
    (void)unused;
    struct facts facts = on_flow(0);
    facts.origin = ORIGIN_TRANSPORT;
    struct decision decision = decide(&facts, &alone);
    assert_action(decision, ACTION_NEXT_FLOW);
    assert_rule(decision, "3261-16.9.a");
    assert_int_equal(decision.drop, DROP_FLOW);
    assert_int_equal(decision.code, SIP_FLOW_FAILED);
    facts.flows_left = 0;
    decision = decide(&facts, &alone);
    assert_action(decision, ACTION_FAIL);
    assert_int_equal(decision.status, SIP_TEMPORARILY_UNAVAILABLE);
}

static void test_3261_16_9_a_a_plain_contact_of_an_instance_gives_way_to_its_flow(void **unused)
{
    (void)unused;
    struct facts facts = on_flow(0);
    facts.on_flow = false;
    facts.origin = ORIGIN_TRANSPORT;
    assert_action(decide(&facts, &alone), ACTION_NEXT_FLOW);
    facts.provisional_seen = true;
    assert_action(decide(&facts, &alone), ACTION_FAIL);
}

static void test_5626_7_b_430_goes_on_over_another_flow(void **unused)
{
    (void)unused;
    const struct facts facts = on_flow(430);
    const struct state pending = {.branches_pending = 4, .targets_left = 2};
    const struct decision decision = decide(&facts, &pending);
    assert_action(decision, ACTION_NEXT_FLOW);
    assert_rule(decision, "5626-7.b");
    assert_flag(decision, FLAG_ACK);
    assert_no_flag(decision, FLAG_ANSWERED);
}

static void test_5626_7_b_430_without_another_flow_waits_or_goes_on(void **unused)
{
    (void)unused;
    struct facts facts = on_flow(430);
    facts.flows_left = 0;
    const struct state pending = {.branches_pending = 1, .targets_left = 2}, targets = {.targets_left = 2};
    assert_action(decide(&facts, &pending), ACTION_HOLD);
    assert_action(decide(&facts, &targets), ACTION_NEXT_TARGET);
}

static void test_5626_7_c_answered_instance_is_final(void **unused)
{
    (void)unused;
    const struct state pending = {.branches_pending = 1};
    for (uint32_t code = 300; code < 700; code++) {
        if (code == SIP_REQUEST_TIMEOUT || code == SIP_FLOW_FAILED)
            continue;
        struct facts facts = on_flow(code);
        facts.next_server = true;
        const struct decision decision = decide(&facts, &alone);
        assert_action(decision, ACTION_FAIL);
        assert_flag(decision, FLAG_ANSWERED);
        assert_no_flag(decision, FLAG_NEXT_SERVER);
        assert_action(decide(&facts, &pending), ACTION_HOLD);
    }
    const struct facts busy = on_flow(486);
    assert_rule(decide(&busy, &alone), "5626-7.c");
}

static void test_5626_7_d_408_tries_another_flow_only_of_a_silent_instance(void **unused)
{
    (void)unused;
    const uint8_t origins[] = {ORIGIN_WIRE, ORIGIN_TIMEOUT};
    for (size_t i = 0; i < 2; i++) {
        struct facts facts = on_flow(408);
        facts.origin = origins[i];
        struct decision decision = decide(&facts, &alone);
        assert_action(decision, ACTION_NEXT_FLOW);
        assert_rule(decision, "5626-7.d");
        assert_int_equal(decision.drop, DROP_NONE);
        facts.provisional_seen = true;
        decision = decide(&facts, &alone);
        assert_action(decision, ACTION_FAIL);
        assert_no_flag(decision, FLAG_ANSWERED);
    }
}

static void test_5626_7_f_a_dead_flow_takes_all_its_bindings(void **unused)
{
    (void)unused;
    const struct state states[] = {{0}, {.final_forwarded = true}, {.cancelled = true}, {.branches_pending = 1}};
    for (size_t i = 0; i < 4; i++) {
        struct facts facts = on_flow(0);
        facts.origin = ORIGIN_FLOW_DOWN;
        assert_int_equal(decide(&facts, &states[i]).drop, DROP_FLOW);
        facts.provisional_seen = true;
        assert_int_equal(decide(&facts, &states[i]).drop, DROP_FLOW);
        facts.method = METHOD_CANCEL;
        assert_int_equal(decide(&facts, &states[i]).drop, DROP_FLOW);
    }
}

static void test_5626_7_g_430_takes_one_binding(void **unused)
{
    (void)unused;
    const struct state states[] = {{0}, {.final_forwarded = true}, {.cancelled = true}, {.branches_pending = 1}};
    for (size_t i = 0; i < 4; i++) {
        const struct facts facts = on_flow(430);
        assert_int_equal(decide(&facts, &states[i]).drop, DROP_BINDING);
    }
    const struct facts relayed = plain(430, METHOD_INVITE);
    assert_int_equal(decide(&relayed, &alone).drop, DROP_NONE);
}

static void test_5626_7_h_a_silent_branch_fails_over_at_once(void **unused)
{
    (void)unused;
    struct facts facts = on_flow(0);
    facts.origin = ORIGIN_FLOW_DOWN;
    const struct state pending = {.branches_pending = 1};
    assert_action(decide(&facts, &pending), ACTION_NEXT_FLOW);
    assert_rule(decide(&facts, &pending), "5626-7.h");
    assert_int_equal(decide(&facts, &pending).wait_max_ms, 0);
    facts.flows_left = 0;
    assert_action(decide(&facts, &pending), ACTION_HOLD);
    assert_action(decide(&facts, &alone), ACTION_FAIL);
    assert_int_equal(decide(&facts, &alone).status, SIP_TEMPORARILY_UNAVAILABLE);
}

static void test_5626_7_i_an_aborted_flow_is_followed_by_the_next(void **unused)
{
    (void)unused;
    struct facts facts = on_flow(0);
    facts.origin = ORIGIN_FLOW_DOWN;
    facts.unacknowledged = true;
    assert_action(decide(&facts, &alone), ACTION_NEXT_FLOW);
    assert_rule(decide(&facts, &alone), "5626-7.i");
    assert_int_equal(decide(&facts, &alone).drop, DROP_FLOW);
    facts.provisional_seen = true;
    assert_rule(decide(&facts, &alone), "5626-7.h");
}

static void test_5626_7_h_a_ringing_branch_waits_for_its_instance(void **unused)
{
    (void)unused;
    struct facts facts = on_flow(0);
    facts.provisional_seen = true;
    const struct state targets = {.targets_left = 2}, done = {.final_forwarded = true};
    const uint8_t origins[] = {ORIGIN_FLOW_DOWN, ORIGIN_TRANSPORT};
    for (size_t i = 0; i < 2; i++) {
        facts.origin = origins[i];
        assert_action(decide(&facts, &targets), ACTION_HOLD);
        assert_rule(decide(&facts, &targets), "5626-7.h");
        assert_action(decide(&facts, &done), ACTION_ABSORB);
    }
}

static void test_5626_11_5_a_430_alone_is_480_to_the_caller(void **unused)
{
    (void)unused;
    struct facts facts = on_flow(430);
    facts.flows_left = 0;
    for (unsigned method = 0; method < METHOD_COUNT; method++) {
        if (method == METHOD_ACK || method == METHOD_CANCEL)
            continue;
        facts.method = (uint8_t)method;
        const struct decision decision = decide(&facts, &alone);
        assert_action(decision, ACTION_FAIL);
        assert_rule(decision, "5626-11.5.a");
        assert_int_equal(decision.status, SIP_TEMPORARILY_UNAVAILABLE);
    }
}

static void test_4320_4_a_no_408_to_a_non_invite(void **unused)
{
    (void)unused;
    const uint8_t origins[] = {ORIGIN_WIRE, ORIGIN_TIMEOUT};
    const struct state held = {.responses_held = 1}, targets = {.targets_left = 1};
    for (size_t i = 0; i < 2; i++) {
        struct facts facts = plain(408, METHOD_OPTIONS);
        facts.origin = origins[i];
        assert_action(decide(&facts, &alone), ACTION_ABSORB);
        assert_rule(decide(&facts, &alone), "4320-4.a");
        assert_action(decide(&facts, &held), ACTION_FAIL);
        assert_action(decide(&facts, &targets), ACTION_NEXT_TARGET);
    }
}

static void test_3261_21_5_4_a_503_rests_its_destination(void **unused)
{
    (void)unused;
    struct facts facts = plain(503, METHOD_INVITE);
    facts.has_retry_after = true;
    facts.retry_after = 120;
    const struct state pending = {.branches_pending = 1}, done = {.final_forwarded = true};
    assert_int_equal(decide(&facts, &pending).rest_s, 120);
    assert_rule(decide(&facts, &pending), "3261-21.5.4.a");
    assert_int_equal(decide(&facts, &done).rest_s, 120);
    assert_int_equal(decide(&facts, &alone).rest_s, 120);
    facts.has_retry_after = false;
    assert_int_equal(decide(&facts, &alone).rest_s, 0);
    facts = plain(500, METHOD_INVITE);
    facts.has_retry_after = true;
    facts.retry_after = 120;
    assert_int_equal(decide(&facts, &alone).rest_s, 0);
}

static void test_3263_4_3_a_next_server_on_503_transport_and_silence(void **unused)
{
    (void)unused;
    const struct facts failed[] = {{.code = 503, .method = METHOD_INVITE, .next_server = true},
                                   {.origin = ORIGIN_TRANSPORT, .method = METHOD_INVITE, .next_server = true},
                                   {.origin = ORIGIN_TIMEOUT, .method = METHOD_INVITE, .next_server = true}};
    const struct state pending = {.branches_pending = 1}, cancelled = {.cancelled = true};
    for (size_t i = 0; i < 3; i++) {
        const struct decision decision = decide(&failed[i], &pending);
        assert_action(decision, ACTION_NEXT_TARGET);
        assert_rule(decision, "3263-4.3.a");
        assert_flag(decision, FLAG_NEXT_SERVER);
        assert_no_flag(decision, FLAG_ANSWERED);
        assert_action(decide(&failed[i], &cancelled), ACTION_FAIL);
    }
}

static void test_3261_10_a_the_contact_is_tried_where_the_flow_of_a_plain_binding_is_dead(void **unused)
{
    (void)unused;
    struct facts facts = {.origin = ORIGIN_FLOW_DOWN, .method = METHOD_INVITE, .next_server = true};
    const struct state cancelled = {.cancelled = true};
    const struct decision decision = decide(&facts, &alone);
    assert_action(decision, ACTION_NEXT_TARGET);
    assert_rule(decision, "3261-10.a");
    assert_flag(decision, FLAG_NEXT_SERVER);
    assert_action(decide(&facts, &cancelled), ACTION_FAIL);
    facts.provisional_seen = true;
    assert_action(decide(&facts, &alone), ACTION_HOLD);
    assert_rule(decide(&facts, &alone), "5626-7.h");
}

static void test_3261_16_9_b_a_dead_flow_without_reg_id_is_480(void **unused)
{
    (void)unused;
    const struct facts facts = {.origin = ORIGIN_FLOW_DOWN, .method = METHOD_INVITE};
    const struct facts sent = {.code = 503, .method = METHOD_INVITE};
    assert_action(decide(&facts, &alone), ACTION_FAIL);
    assert_int_equal(decide(&facts, &alone).status, 480);
    assert_rule(decide(&facts, &alone), "3261-16.9.b");
    assert_int_equal(decide(&sent, &alone).status, 500);
}

static void test_3263_4_3_a_next_server_on_nothing_else(void **unused)
{
    (void)unused;
    for (uint32_t code = 300; code < 700; code++) {
        if (code == SIP_SERVICE_UNAVAILABLE)
            continue;
        struct facts facts = plain(code, METHOD_INVITE);
        facts.next_server = true;
        assert_no_flag(decide(&facts, &alone), FLAG_NEXT_SERVER);
    }
    const uint8_t origins[] = {ORIGIN_TIMEOUT, ORIGIN_TRANSPORT, ORIGIN_FLOW_DOWN};
    for (size_t i = 0; i < 3; i++) {
        struct facts facts = plain(0, METHOD_INVITE);
        facts.origin = origins[i];
        facts.next_server = true;
        facts.provisional_seen = true;
        assert_no_flag(decide(&facts, &alone), FLAG_NEXT_SERVER);
    }
}

static void test_3261_17_a_the_transaction_acknowledges_300_to_699(void **unused)
{
    (void)unused;
    for (uint32_t code = 100; code < 700; code++) {
        for (unsigned method = 0; method < METHOD_COUNT; method++) {
            const struct facts facts = plain(code, (enum method)method);
            const bool acknowledged = decide(&facts, &alone).flags & FLAG_ACK;
            assert_int_equal(acknowledged, method == METHOD_INVITE && code >= 300);
        }
    }
}

static void test_3261_8_1_3_a_an_unknown_code_is_x00_to_a_proxy_too(void **unused)
{
    (void)unused;
    const uint32_t pairs[][2] = {{150, 183}, {250, 200}, {350, 300}, {477, 400}, {599, 500}, {650, 600}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const struct facts unknown = on_flow(pairs[i][0]), known = on_flow(pairs[i][1]);
        const struct decision decision = decide(&unknown, &alone), expected = decide(&known, &alone);
        assert_action(decision, expected.action);
        assert_int_equal(decision.flags, expected.flags);
        assert_int_equal(decision.rule, expected.rule);
        assert_int_equal(decision.code, pairs[i][0]);
        assert_int_equal(decision.status, expected.status);
    }
}

static void test_malformed_codes_are_absorbed_by_every_role(void **unused)
{
    (void)unused;
    const uint32_t malformed[] = {0, 5, 99, 700, 65736, UINT32_MAX};
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        struct facts facts = on_flow(malformed[i]);
        for (facts.role = 0; facts.role < ROLE_COUNT + 1; facts.role++) {
            const struct decision decision = decide(&facts, &alone);
            assert_action(decision, ACTION_ABSORB);
            assert_int_equal(decision.code, 0);
            assert_int_equal(decision.flags, 0);
        }
    }
}

static void test_code_408_481_in_a_dialog_are_told_and_passed_on(void **unused)
{
    (void)unused;
    const uint32_t codes[] = {408, 481};
    for (size_t i = 0; i < 2; i++) {
        struct facts facts = plain(codes[i], METHOD_INVITE);
        assert_no_flag(decide(&facts, &alone), FLAG_END_USAGE);
        facts.in_dialog = true;
        assert_action(decide(&facts, &alone), ACTION_FAIL);
        assert_flag(decide(&facts, &alone), FLAG_END_USAGE);
    }
    struct facts flow = on_flow(408);
    flow.in_dialog = true;
    assert_action(decide(&flow, &alone), ACTION_NEXT_FLOW);
    assert_no_flag(decide(&flow, &alone), FLAG_END_USAGE);
}

static void test_5626_5_3_c_an_edge_tells_its_authoritative_proxy_430(void **unused)
{
    (void)unused;
    const uint8_t origins[] = {ORIGIN_WIRE, ORIGIN_FLOW_DOWN, ORIGIN_TRANSPORT};
    for (size_t i = 0; i < 3; i++) {
        struct facts facts = on_flow(430);
        facts.role = ROLE_EDGE;
        facts.origin = origins[i];
        struct decision decision = decide(&facts, &alone);
        assert_action(decision, ACTION_FAIL);
        assert_rule(decision, "5626-5.3.c");
        assert_int_equal(decision.status, SIP_FLOW_FAILED);
        assert_int_not_equal(decision.drop, DROP_BINDING);
        facts.on_flow = false;
        facts.has_instance = false;
        facts.code = 430;
        facts.origin = ORIGIN_WIRE;
        decision = decide(&facts, &alone);
        assert_int_equal(decision.status, SIP_TEMPORARILY_UNAVAILABLE);
    }
}

static void test_5626_7_b_another_flow_is_looked_for_where_it_would_be_tried(void **unused)
{
    (void)unused;
    struct facts facts = on_flow(430);
    assert_false(decide_lacks_flow(&facts, &alone));
    facts.flows_left = 0;
    assert_true(decide_lacks_flow(&facts, &alone));
    const struct state cancelled = {.cancelled = true};
    assert_false(decide_lacks_flow(&facts, &cancelled));
    facts.role = ROLE_EDGE;
    assert_false(decide_lacks_flow(&facts, &alone));

    facts = on_flow(486);
    facts.flows_left = 0;
    assert_false(decide_lacks_flow(&facts, &alone));
    facts = plain(430, METHOD_INVITE);
    assert_false(decide_lacks_flow(&facts, &alone));
    for (enum origin origin = ORIGIN_WIRE + 1; origin < ORIGIN_COUNT; origin++) {
        facts = on_flow(0);
        facts.flows_left = 0;
        facts.origin = (uint8_t)origin;
        assert_true(decide_lacks_flow(&facts, &alone));
        facts.provisional_seen = true;
        assert_false(decide_lacks_flow(&facts, &alone));
    }
}

static void test_garbage_in_the_facts_still_gives_a_decision(void **unused)
{
    (void)unused;
    const struct facts garbage = {.code = 200, .method = 255, .role = 255, .origin = 255};
    assert_action(decide(&garbage, &alone), ACTION_FORWARD);
    const struct facts busy = {.code = 486, .method = METHOD_INVITE, .role = 99, .origin = 77};
    assert_action(decide(&busy, &alone), ACTION_FAIL);
    assert_flag(decide(&busy, &alone), FLAG_ACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_3261_16_7_a_unmatched_response_is_dropped),
        cmocka_unit_test(test_3261_16_7_a_nothing_answers_an_ack),
        cmocka_unit_test(test_3261_16_7_b_100_stays_and_other_provisionals_go_up),
        cmocka_unit_test(test_3261_16_7_b_no_provisional_follows_a_final),
        cmocka_unit_test(test_3261_9_a_a_provisional_permits_the_cancel_that_waits),
        cmocka_unit_test(test_3261_9_a_the_answer_to_a_cancel_stays_here),
        cmocka_unit_test(test_3261_16_7_c_2xx_to_invite_always_goes_up),
        cmocka_unit_test(test_3261_16_7_e_first_2xx_to_another_method_goes_up_once),
        cmocka_unit_test(test_3261_16_7_d_6xx_ends_the_search),
        cmocka_unit_test(test_3261_16_7_d_nothing_is_tried_after_a_6xx),
        cmocka_unit_test(test_code_607_608_are_as_any_6xx),
        cmocka_unit_test(test_3261_16_7_e_a_final_waits_then_the_next_then_the_best),
        cmocka_unit_test(test_3261_16_7_e_nothing_follows_a_final),
        cmocka_unit_test(test_3261_16_7_e_no_target_is_tried_for_a_caller_that_cancelled),
        cmocka_unit_test(test_3261_16_7_f_silence_is_408),
        cmocka_unit_test(test_3261_16_7_g_503_goes_up_as_500),
        cmocka_unit_test(test_3261_16_7_h_challenges_are_merged),
        cmocka_unit_test(test_3261_16_7_i_3xx_is_followed_only_where_policy_says),
        cmocka_unit_test(test_3261_16_9_a_a_send_that_fails_is_a_503),
        cmocka_unit_test(test_3261_16_9_a_a_send_that_fails_on_a_flow_is_a_failed_flow),
        cmocka_unit_test(test_3261_16_9_a_a_plain_contact_of_an_instance_gives_way_to_its_flow),
        cmocka_unit_test(test_5626_7_b_430_goes_on_over_another_flow),
        cmocka_unit_test(test_5626_7_b_430_without_another_flow_waits_or_goes_on),
        cmocka_unit_test(test_5626_7_c_answered_instance_is_final),
        cmocka_unit_test(test_5626_7_d_408_tries_another_flow_only_of_a_silent_instance),
        cmocka_unit_test(test_5626_7_f_a_dead_flow_takes_all_its_bindings),
        cmocka_unit_test(test_5626_7_g_430_takes_one_binding),
        cmocka_unit_test(test_5626_7_h_a_silent_branch_fails_over_at_once),
        cmocka_unit_test(test_5626_7_i_an_aborted_flow_is_followed_by_the_next),
        cmocka_unit_test(test_5626_7_h_a_ringing_branch_waits_for_its_instance),
        cmocka_unit_test(test_5626_11_5_a_430_alone_is_480_to_the_caller),
        cmocka_unit_test(test_4320_4_a_no_408_to_a_non_invite),
        cmocka_unit_test(test_3261_21_5_4_a_503_rests_its_destination),
        cmocka_unit_test(test_3263_4_3_a_next_server_on_503_transport_and_silence),
        cmocka_unit_test(test_3261_10_a_the_contact_is_tried_where_the_flow_of_a_plain_binding_is_dead),
        cmocka_unit_test(test_3261_16_9_b_a_dead_flow_without_reg_id_is_480),
        cmocka_unit_test(test_3263_4_3_a_next_server_on_nothing_else),
        cmocka_unit_test(test_3261_17_a_the_transaction_acknowledges_300_to_699),
        cmocka_unit_test(test_3261_8_1_3_a_an_unknown_code_is_x00_to_a_proxy_too),
        cmocka_unit_test(test_malformed_codes_are_absorbed_by_every_role),
        cmocka_unit_test(test_code_408_481_in_a_dialog_are_told_and_passed_on),
        cmocka_unit_test(test_5626_5_3_c_an_edge_tells_its_authoritative_proxy_430),
        cmocka_unit_test(test_5626_7_b_another_flow_is_looked_for_where_it_would_be_tried),
        cmocka_unit_test(test_garbage_in_the_facts_still_gives_a_decision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
