// SPDX-License-Identifier: BSD-2-Clause
#include "decide_check.h"

static const struct state alone = {0};

static struct facts own(uint32_t code, enum method method)
{
    return (struct facts){.code = code, .method = (uint8_t)method, .role = ROLE_REGISTRAR};
}

static void test_code_2xx_register_the_binding_stands(void **unused)
{
    (void)unused;
    const struct facts facts = own(200, METHOD_REGISTER);
    const struct decision decision = decide(&facts, &alone);
    assert_action(decision, ACTION_FORWARD);
    assert_rule(decision, "code-2xx-register");
    assert_int_equal(decision.flags, FLAG_STORE_BINDING);
    assert_int_equal(decision.status, 0);
}

static void test_5626_6_h_applied_outbound_is_kept_alive(void **unused)
{
    (void)unused;
    struct facts facts = own(200, METHOD_REGISTER);
    facts.requires_outbound = true;
    assert_rule(decide(&facts, &alone), "5626-6.h");
    assert_flag(decide(&facts, &alone), FLAG_STORE_BINDING | FLAG_START_KEEPALIVE);
}

static void test_5626_11_6_a_439_only_where_outbound_was_asked_for(void **unused)
{
    (void)unused;
    for (unsigned bits = 0; bits < 8; bits++) {
        struct facts facts = own(439, bits & 1 ? METHOD_REGISTER : METHOD_OPTIONS);
        facts.reg_id = bits & 2 ? 1 : 0;
        facts.supports_outbound = bits & 4;
        const struct decision decision = decide(&facts, &alone);
        assert_action(decision, ACTION_FORWARD);
        assert_rule(decision, "5626-11.6.a");
        assert_int_equal(decision.status, bits == 7 ? 0 : SIP_BAD_REQUEST);
    }
}

static void test_5626_11_5_a_a_registrar_never_sends_430(void **unused)
{
    (void)unused;
    const struct facts facts = own(430, METHOD_REGISTER);
    assert_int_equal(decide(&facts, &alone).status, SIP_TEMPORARILY_UNAVAILABLE);
    assert_rule(decide(&facts, &alone), "5626-11.5.a");
}

static void test_4320_4_a_a_registrar_never_sends_408(void **unused)
{
    (void)unused;
    const struct facts facts = own(408, METHOD_REGISTER);
    assert_action(decide(&facts, &alone), ACTION_ABSORB);
    assert_rule(decide(&facts, &alone), "4320-4.a");
}

static void test_5626_7_f_a_dead_flow_takes_its_bindings(void **unused)
{
    (void)unused;
    struct facts facts = own(0, METHOD_REGISTER);
    facts.origin = ORIGIN_FLOW_DOWN;
    assert_action(decide(&facts, &alone), ACTION_ABSORB);
    assert_rule(decide(&facts, &alone), "5626-7.f");
    assert_int_equal(decide(&facts, &alone).drop, DROP_FLOW);
}

static void test_3261_16_9_a_a_response_that_cannot_be_sent_is_gone(void **unused)
{
    (void)unused;
    struct facts facts = own(0, METHOD_REGISTER);
    facts.origin = ORIGIN_TRANSPORT;
    assert_action(decide(&facts, &alone), ACTION_ABSORB);
    assert_int_equal(decide(&facts, &alone).drop, DROP_NONE);
}

static void test_other_finals_go_out_as_they_are(void **unused)
{
    (void)unused;
    for (uint32_t code = 200; code < 700; code++) {
        if (code == SIP_FLOW_FAILED || code == SIP_REQUEST_TIMEOUT || code == SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT)
            continue;
        const struct facts facts = own(code, METHOD_REGISTER);
        const struct decision decision = decide(&facts, &alone);
        assert_action(decision, ACTION_FORWARD);
        assert_int_equal(decision.status, 0);
        assert_int_equal(decision.code, code);
        assert_int_equal((decision.flags & FLAG_STORE_BINDING) != 0, code < 300);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_2xx_register_the_binding_stands),
        cmocka_unit_test(test_5626_6_h_applied_outbound_is_kept_alive),
        cmocka_unit_test(test_5626_11_6_a_439_only_where_outbound_was_asked_for),
        cmocka_unit_test(test_5626_11_5_a_a_registrar_never_sends_430),
        cmocka_unit_test(test_4320_4_a_a_registrar_never_sends_408),
        cmocka_unit_test(test_5626_7_f_a_dead_flow_takes_its_bindings),
        cmocka_unit_test(test_3261_16_9_a_a_response_that_cannot_be_sent_is_gone),
        cmocka_unit_test(test_other_finals_go_out_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
