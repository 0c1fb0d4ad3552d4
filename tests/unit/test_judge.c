// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "core/code.h"
#include "script/engine/judge.h"

static enum rule_id on_response(enum verdict_kind kind, uint16_t verdict_code, uint32_t code, const struct state *state)
{
    const struct facts facts = {.code = code, .method = METHOD_INVITE, .has_instance = true, .flows_left = 1};
    const struct script_verdict verdict = {.kind = (uint8_t)kind, .code = verdict_code};
    const struct decision decision = decide(&facts, state);
    return verdict_guard_response(&verdict, &facts, state, &decision);
}

static void test_5626_7_c_another_flow_of_an_instance_that_answered_is_refused(void **unused)
{
    const struct state state = {0};
    (void)unused;
    assert_int_equal(on_response(VERDICT_NEXT_FLOW, 0, SIP_BUSY_HERE, &state), RULE_5626_7_C);
    assert_int_equal(on_response(VERDICT_NEXT_FLOW, 0, SIP_FLOW_FAILED, &state), RULE_NONE);
}

static void test_3261_16_7_d_after_a_6xx_nothing_new_and_nothing_else_goes_up(void **unused)
{
    const struct state state = {0}, seen = {.global_failure_seen = true};
    (void)unused;
    assert_int_equal(on_response(VERDICT_RELAY, 0, SIP_DECLINE, &state), RULE_3261_16_7_D);
    assert_int_equal(on_response(VERDICT_FAIL, SIP_BUSY_HERE, SIP_DECLINE, &state), RULE_3261_16_7_D);
    assert_int_equal(on_response(VERDICT_FAIL, SIP_FORBIDDEN, SIP_BUSY_HERE, &seen), RULE_3261_16_7_D);
    assert_int_equal(on_response(VERDICT_RELAY, 0, SIP_BUSY_HERE, &state), RULE_NONE);
    assert_int_equal(on_response(VERDICT_FAIL, SIP_FORBIDDEN, SIP_BUSY_HERE, &state), RULE_NONE);
}

static void test_5626_11_5_a_no_verdict_sends_430_up(void **unused)
{
    const struct state state = {0};
    const struct facts request = {.method = METHOD_INVITE};
    const struct script_verdict reply = {.kind = VERDICT_REPLY, .code = SIP_FLOW_FAILED};
    (void)unused;
    assert_int_equal(on_response(VERDICT_FAIL, SIP_FLOW_FAILED, SIP_BUSY_HERE, &state), RULE_5626_11_5_A);
    assert_int_equal(verdict_guard_answer(&reply, &request), RULE_5626_11_5_A);
}

static void test_3261_16_7_c_a_success_is_forwarded_whatever_a_verdict_says(void **unused)
{
    const struct state state = {0};
    (void)unused;
    assert_int_equal(on_response(VERDICT_FAIL, SIP_FORBIDDEN, SIP_OK, &state), RULE_3261_16_7_C);
    assert_int_equal(on_response(VERDICT_ACCEPT, 0, SIP_OK, &state), RULE_NONE);
}

static void test_verdicts_that_go_along_are_fine(void **unused)
{
    const struct state state = {0};
    const struct facts facts = {.code = SIP_SERVICE_UNAVAILABLE, .method = METHOD_INVITE};
    const struct script_verdict rest = {.kind = VERDICT_REST, .seconds = 30};
    (void)unused;
    assert_int_equal(on_response(VERDICT_REST, 0, SIP_SERVICE_UNAVAILABLE, &state), RULE_NONE);
    assert_int_equal(on_response(VERDICT_RETRY_AFTER, 0, SIP_BUSY_HERE, &state), RULE_NONE);
    assert_int_equal(verdict_guard_exhausted(&rest, &facts, &state), RULE_NONE);
    assert_false(verdict_replaces_action(VERDICT_REST));
    assert_true(verdict_replaces_action(VERDICT_FAIL));
    assert_false(verdict_adds_branch(VERDICT_FAIL));
}

static void test_3261_16_7_d_the_last_word_is_the_6xx(void **unused)
{
    const struct state state = {.global_failure_seen = true};
    const struct facts facts = {.code = SIP_DECLINE, .method = METHOD_INVITE};
    const struct script_verdict relay = {.kind = VERDICT_RELAY}, fail = {.kind = VERDICT_FAIL, .code = SIP_FORBIDDEN};
    (void)unused;
    assert_int_equal(verdict_guard_exhausted(&relay, &facts, &state), RULE_3261_16_7_D);
    assert_int_equal(verdict_guard_exhausted(&fail, &facts, &state), RULE_3261_16_7_D);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_5626_7_c_another_flow_of_an_instance_that_answered_is_refused),
        cmocka_unit_test(test_3261_16_7_d_after_a_6xx_nothing_new_and_nothing_else_goes_up),
        cmocka_unit_test(test_5626_11_5_a_no_verdict_sends_430_up),
        cmocka_unit_test(test_3261_16_7_c_a_success_is_forwarded_whatever_a_verdict_says),
        cmocka_unit_test(test_verdicts_that_go_along_are_fine),
        cmocka_unit_test(test_3261_16_7_d_the_last_word_is_the_6xx)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
