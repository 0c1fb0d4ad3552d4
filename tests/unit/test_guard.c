// SPDX-License-Identifier: BSD-2-Clause
#include "decide_check.h"

#include "core/guard.h"

static const struct state alone = {0};

static struct facts reply(uint32_t code, enum method method)
{
    return (struct facts){.code = code, .method = (uint8_t)method, .role = ROLE_PROXY, .has_instance = true};
}

static const char *check(const struct facts *facts, const struct state *state, struct proposal proposal)
{
    return rule_at(guard_check(facts, state, &proposal))->id;
}

/* What the guard says to an INVITE's reply when nothing else is known. */
static const char *check_code(uint32_t code, struct proposal proposal)
{
    const struct facts facts = reply(code, METHOD_INVITE);
    return check(&facts, &alone, proposal);
}

static const struct proposal relay = {.action = ACTION_NEXT_TARGET, .adds_branch = true};

static void test_5626_7_a_one_flow_of_an_instance_at_a_time(void **unused)
{
    (void)unused;
    const struct proposal beside = {.action = ACTION_NEXT_TARGET, .adds_branch = true, .instance_pending = true};
    assert_string_equal(check_code(486, beside), "5626-7.a");
    assert_string_equal(check_code(180, (struct proposal){.action = ACTION_NEXT_FLOW}), "5626-7.a");
    assert_string_equal(check_code(486, relay), "none");
}

static void test_5626_7_c_an_instance_that_answered_is_left_alone(void **unused)
{
    (void)unused;
    const struct proposal again = {.action = ACTION_NEXT_TARGET, .adds_branch = true, .to_answered_instance = true};
    const struct proposal next_flow = {.action = ACTION_NEXT_FLOW, .adds_branch = true};
    const struct proposal retry = {.action = ACTION_RETRY};
    assert_string_equal(check_code(430, again), "5626-7.c");
    for (uint32_t code = 300; code < 600; code++) {
        const bool permits = code == SIP_REQUEST_TIMEOUT || code == SIP_FLOW_FAILED;
        assert_string_equal(check_code(code, next_flow), permits ? "none" : "5626-7.c");
        assert_string_equal(check_code(code, retry), permits ? "none" : "5626-7.c");
    }
    struct facts dead = reply(0, METHOD_INVITE);
    dead.origin = ORIGIN_FLOW_DOWN;
    assert_string_equal(check(&dead, &alone, next_flow), "none");
}

static void test_5626_11_5_a_430_is_not_sent_up(void **unused)
{
    (void)unused;
    assert_string_equal(check_code(430, (struct proposal){.action = ACTION_FORWARD}), "5626-11.5.a");
    assert_string_equal(check_code(486, (struct proposal){.action = ACTION_FAIL, .status = 430}), "5626-11.5.a");
    assert_string_equal(check_code(430, (struct proposal){.action = ACTION_FORWARD, .status = 480}), "none");
    assert_string_equal(check_code(430, (struct proposal){.action = ACTION_FAIL}), "none");
    assert_string_equal(rule_at(guard_status(METHOD_INVITE, 430))->id, "5626-11.5.a");
    struct facts edge = reply(430, METHOD_INVITE);
    edge.role = ROLE_EDGE;
    assert_string_equal(check(&edge, &alone, (struct proposal){.action = ACTION_FAIL, .status = 430}), "5626-11.5.a");
    edge.on_flow = true;
    assert_string_equal(check(&edge, &alone, (struct proposal){.action = ACTION_FAIL, .status = 430}), "none");
}

static void test_5626_11_5_b_a_stored_430_is_not_sent_for_another_final(void **unused)
{
    (void)unused;
    struct facts facts = reply(486, METHOD_INVITE);
    const struct state held = {.responses_held = 1};
    assert_string_equal(check(&facts, &held, (struct proposal){.action = ACTION_FORWARD, .status = 430}),
                        "5626-11.5.a");
}

static void test_5626_11_6_a_439_is_not_sent_to_whom_did_not_ask(void **unused)
{
    (void)unused;
    const struct proposal reject = {.action = ACTION_FAIL, .status = 439};
    for (unsigned bits = 0; bits < 8; bits++) {
        struct facts facts = reply(486, bits & 1 ? METHOD_REGISTER : METHOD_INVITE);
        facts.reg_id = bits & 2 ? 1 : 0;
        facts.supports_outbound = bits & 4;
        assert_string_equal(check(&facts, &alone, reject), bits == 7 ? "none" : "5626-11.6.a");
        facts.role = ROLE_REGISTRAR;
        facts.code = 439;
        const char *own = check(&facts, &alone, (struct proposal){.action = ACTION_FORWARD});
        assert_string_equal(own, bits == 7 ? "none" : "5626-11.6.a");
    }
    const struct facts relayed = reply(439, METHOD_REGISTER);
    assert_string_equal(check(&relayed, &alone, (struct proposal){.action = ACTION_FORWARD}), "none");
}

static void test_3261_16_7_c_a_2xx_to_invite_goes_up_and_nothing_else(void **unused)
{
    (void)unused;
    for (unsigned action = 0; action < ACTION_COUNT + 1; action++) {
        const struct proposal proposal = {.action = (uint8_t)action};
        assert_string_equal(check_code(200, proposal), action == ACTION_FORWARD ? "none" : "3261-16.7.c");
        assert_string_equal(check_code(299, proposal), action == ACTION_FORWARD ? "none" : "3261-16.7.c");
    }
    assert_string_equal(check_code(200, (struct proposal){.action = ACTION_FORWARD, .status = 486}), "3261-16.7.c");
    assert_string_equal(check_code(200, (struct proposal){.action = ACTION_FORWARD, .adds_branch = true}),
                        "3261-16.7.c");
    struct facts stray = reply(200, METHOD_INVITE);
    stray.unmatched = true;
    assert_string_equal(check(&stray, &alone, (struct proposal){.action = ACTION_ABSORB}), "none");
}

static void test_3261_16_7_c_no_branch_after_a_2xx_went_up(void **unused)
{
    (void)unused;
    const struct facts facts = reply(486, METHOD_INVITE);
    const struct state answered = {.success_forwarded = true};
    assert_string_equal(check(&facts, &answered, relay), "3261-16.7.c");
}

static void test_3261_16_7_d_no_branch_at_or_after_a_6xx(void **unused)
{
    (void)unused;
    const uint8_t adding[] = {ACTION_NEXT_FLOW, ACTION_NEXT_TARGET, ACTION_RECURSE, ACTION_RETRY};
    const struct state after = {.global_failure_seen = true};
    for (size_t i = 0; i < 4; i++) {
        const struct facts facts = reply(430, METHOD_INVITE);
        assert_string_equal(check_code(600, (struct proposal){.action = adding[i]}), "3261-16.7.d");
        assert_string_equal(check_code(699, (struct proposal){.action = adding[i]}), "3261-16.7.d");
        assert_string_equal(check(&facts, &after, (struct proposal){.action = adding[i]}), "3261-16.7.d");
    }
    assert_string_equal(check_code(603, (struct proposal){.action = ACTION_HOLD, .adds_branch = true}), "3261-16.7.d");
}

static void test_3261_16_7_d_a_6xx_goes_up_when_the_others_have_ended(void **unused)
{
    (void)unused;
    const struct facts facts = reply(603, METHOD_INVITE), busy = reply(486, METHOD_INVITE);
    const struct state pending = {.branches_pending = 1};
    const struct state both = {.branches_pending = 1, .global_failure_seen = true};
    assert_string_equal(check(&facts, &pending, (struct proposal){.action = ACTION_FORWARD}), "3261-16.7.d");
    assert_string_equal(check(&facts, &pending, (struct proposal){.action = ACTION_FAIL}), "3261-16.7.d");
    assert_string_equal(check(&busy, &both, (struct proposal){.action = ACTION_FAIL}), "3261-16.7.d");
    assert_string_equal(check(&facts, &alone, (struct proposal){.action = ACTION_FORWARD}), "none");
    assert_string_equal(check(&facts, &alone, (struct proposal){.action = ACTION_ABSORB}), "3261-16.7.d");
    assert_string_equal(check(&facts, &pending, (struct proposal){.action = ACTION_HOLD}), "none");
}

static void test_3261_16_7_h_a_challenge_is_not_sent_without_the_others(void **unused)
{
    (void)unused;
    const struct state held = {.responses_held = 1}, pending = {.branches_pending = 1};
    const uint32_t codes[] = {401, 407};
    for (size_t i = 0; i < 2; i++) {
        const struct facts facts = reply(codes[i], METHOD_INVITE);
        assert_string_equal(check(&facts, &held, (struct proposal){.action = ACTION_FORWARD}), "3261-16.7.h");
        assert_string_equal(check(&facts, &pending, (struct proposal){.action = ACTION_FORWARD}), "3261-16.7.h");
        assert_string_equal(check(&facts, &held, (struct proposal){.action = ACTION_FAIL}), "none");
        assert_string_equal(check(&facts, &alone, (struct proposal){.action = ACTION_FORWARD}), "none");
    }
}

static void test_4320_4_a_no_408_goes_to_a_non_invite(void **unused)
{
    (void)unused;
    const struct facts options = reply(408, METHOD_OPTIONS), message = reply(486, METHOD_MESSAGE);
    assert_string_equal(check(&options, &alone, (struct proposal){.action = ACTION_FORWARD}), "4320-4.a");
    assert_string_equal(check(&message, &alone, (struct proposal){.action = ACTION_FAIL, .status = 408}), "4320-4.a");
    assert_string_equal(check_code(408, (struct proposal){.action = ACTION_FORWARD}), "none");
    assert_string_equal(rule_at(guard_status(METHOD_OPTIONS, 408))->id, "4320-4.a");
    assert_int_equal(guard_status(METHOD_INVITE, 408), RULE_NONE);
}

static void test_3261_8_1_3_a_what_is_no_status_is_not_sent(void **unused)
{
    (void)unused;
    assert_string_equal(check_code(5, (struct proposal){.action = ACTION_FORWARD}), "3261-8.1.3.a");
    assert_string_equal(check_code(486, (struct proposal){.action = ACTION_FAIL, .status = 700}), "3261-8.1.3.a");
    assert_string_equal(rule_at(guard_status(METHOD_INVITE, 99))->id, "3261-8.1.3.a");
    assert_int_equal(guard_status(METHOD_INVITE, 0), RULE_NONE);
    assert_int_equal(guard_status(METHOD_INVITE, 699), RULE_NONE);
}

static void test_3261_8_1_3_a_an_unknown_final_is_guarded_as_x00(void **unused)
{
    (void)unused;
    const uint32_t pairs[][2] = {{299, 200}, {399, 300}, {477, 400}, {599, 500}, {699, 600}};
    for (size_t i = 0; i < 5; i++) {
        for (unsigned action = 0; action < ACTION_COUNT; action++) {
            const struct proposal proposal = {.action = (uint8_t)action};
            assert_string_equal(check_code(pairs[i][0], proposal), check_code(pairs[i][1], proposal));
        }
    }
}

static void test_3261_16_7_e_3261_9_a_no_branch_that_serves_nobody(void **unused)
{
    (void)unused;
    const struct facts facts = reply(486, METHOD_INVITE);
    const struct state done = {.final_forwarded = true}, cancelled = {.cancelled = true};
    assert_string_equal(check(&facts, &done, relay), "3261-16.7.e");
    assert_string_equal(check(&facts, &cancelled, relay), "3261-9.a");
}

static void test_3261_13_2_a_a_user_agent_acknowledges_each_2xx(void **unused)
{
    (void)unused;
    struct facts facts = reply(200, METHOD_INVITE);
    facts.role = ROLE_UAC;
    for (unsigned action = 0; action < ACTION_COUNT; action++) {
        const char *rule = check(&facts, &alone, (struct proposal){.action = (uint8_t)action});
        assert_string_equal(rule, action == ACTION_ACK ? "none" : "3261-13.2.a");
    }
}

static void test_3261_17_a_a_user_agent_acknowledges_nothing_else(void **unused)
{
    (void)unused;
    const struct proposal ack = {.action = ACTION_ACK};
    struct facts facts = reply(486, METHOD_INVITE);
    facts.role = ROLE_UAC;
    assert_string_equal(check(&facts, &alone, ack), "3261-17.a");
    facts = reply(200, METHOD_BYE);
    facts.role = ROLE_UAC;
    assert_string_equal(check(&facts, &alone, ack), "3261-17.a");
    assert_string_equal(check(&facts, &alone, (struct proposal){.action = ACTION_FORWARD}), "none");
}

static void test_what_a_policy_may_do(void **unused)
{
    (void)unused;
    const struct state pending = {.branches_pending = 1};
    const struct facts busy = reply(486, METHOD_INVITE), ringing = reply(180, METHOD_INVITE);
    assert_string_equal(check(&busy, &pending, relay), "none");
    assert_string_equal(check(&ringing, &pending, relay), "none");
    assert_string_equal(check(&busy, &pending, (struct proposal){.action = ACTION_FAIL, .status = 480}), "none");
    assert_string_equal(check(&ringing, &alone, (struct proposal){.action = ACTION_ABSORB}), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_5626_7_a_one_flow_of_an_instance_at_a_time),
        cmocka_unit_test(test_5626_7_c_an_instance_that_answered_is_left_alone),
        cmocka_unit_test(test_5626_11_5_a_430_is_not_sent_up),
        cmocka_unit_test(test_5626_11_5_b_a_stored_430_is_not_sent_for_another_final),
        cmocka_unit_test(test_5626_11_6_a_439_is_not_sent_to_whom_did_not_ask),
        cmocka_unit_test(test_3261_16_7_c_a_2xx_to_invite_goes_up_and_nothing_else),
        cmocka_unit_test(test_3261_16_7_c_no_branch_after_a_2xx_went_up),
        cmocka_unit_test(test_3261_16_7_d_no_branch_at_or_after_a_6xx),
        cmocka_unit_test(test_3261_16_7_d_a_6xx_goes_up_when_the_others_have_ended),
        cmocka_unit_test(test_3261_16_7_h_a_challenge_is_not_sent_without_the_others),
        cmocka_unit_test(test_4320_4_a_no_408_goes_to_a_non_invite),
        cmocka_unit_test(test_3261_8_1_3_a_what_is_no_status_is_not_sent),
        cmocka_unit_test(test_3261_8_1_3_a_an_unknown_final_is_guarded_as_x00),
        cmocka_unit_test(test_3261_16_7_e_3261_9_a_no_branch_that_serves_nobody),
        cmocka_unit_test(test_3261_13_2_a_a_user_agent_acknowledges_each_2xx),
        cmocka_unit_test(test_3261_17_a_a_user_agent_acknowledges_nothing_else),
        cmocka_unit_test(test_what_a_policy_may_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
