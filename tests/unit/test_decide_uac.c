// SPDX-License-Identifier: BSD-2-Clause
#include "decide_check.h"

static const struct state alone = {0};

static struct facts reply(uint32_t code, enum method method)
{
    return (struct facts){.code = code, .method = (uint8_t)method, .role = ROLE_UAC, .via_count = 1};
}

static struct decision decide_reply(uint32_t code, enum method method)
{
    const struct facts facts = reply(code, method);
    return decide(&facts, &alone);
}

static struct decision decide_in_dialog(uint32_t code, enum method method)
{
    struct facts facts = reply(code, method);
    facts.in_dialog = true;
    return decide(&facts, &alone);
}

/* A first refusal is mended as the code asks, a second one is final. */
static void check_retry(struct facts facts, uint32_t change, const char *rule)
{
    struct decision decision = decide(&facts, &alone);
    assert_action(decision, ACTION_RETRY);
    assert_int_equal(decision.change, change);
    assert_rule(decision, rule);
    facts.attempts = 1;
    decision = decide(&facts, &alone);
    assert_action(decision, ACTION_FAIL);
    assert_int_equal(decision.change, 0);
    assert_rule(decision, rule);
}

static void check_retry_of(uint32_t code, enum method method, uint32_t change, const char *rule)
{
    check_retry(reply(code, method), change, rule);
}

static void test_3261_8_1_3_a_unknown_codes_act_as_x00_and_183(void **unused)
{
    (void)unused;
    const uint32_t pairs[][2] = {{150, 183}, {250, 200}, {350, 300}, {477, 400}, {599, 500}, {650, 600}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        for (unsigned method = 0; method < METHOD_COUNT; method++) {
            const struct decision got = decide_reply(pairs[i][0], (enum method)method);
            const struct decision expected = decide_reply(pairs[i][1], (enum method)method);
            assert_action(got, expected.action);
            assert_int_equal(got.flags, expected.flags);
            assert_int_equal(got.rule, expected.rule);
            assert_int_equal(got.code, pairs[i][0]);
        }
    }
    assert_rule(decide_reply(477, METHOD_OPTIONS), "3261-8.1.3.a");
    assert_action(decide_reply(150, METHOD_INVITE), ACTION_FORWARD);
    assert_action(decide_reply(100, METHOD_INVITE), ACTION_ABSORB);
}

static void test_3261_8_1_3_b_timeout_is_408_and_transport_503(void **unused)
{
    (void)unused;
    struct facts facts = reply(0, METHOD_INVITE);
    const uint8_t origins[] = {ORIGIN_TIMEOUT, ORIGIN_TRANSPORT, ORIGIN_FLOW_DOWN};
    const uint16_t codes[] = {SIP_REQUEST_TIMEOUT, SIP_SERVICE_UNAVAILABLE, SIP_SERVICE_UNAVAILABLE};
    for (size_t i = 0; i < 3; i++) {
        facts.origin = origins[i];
        const struct decision decision = decide(&facts, &alone);
        assert_action(decision, ACTION_FAIL);
        assert_rule(decision, "3261-8.1.3.b");
        assert_int_equal(decision.code, codes[i]);
        assert_no_flag(decision, FLAG_ACK);
    }
}

static void test_3261_8_1_3_b_a_failed_flow_gives_way_to_another(void **unused)
{
    (void)unused;
    struct facts facts = reply(0, METHOD_MESSAGE);
    facts.origin = ORIGIN_FLOW_DOWN;
    facts.flows_left = 1;
    assert_action(decide(&facts, &alone), ACTION_NEXT_FLOW);
    assert_int_equal(decide(&facts, &alone).drop, DROP_FLOW);
    facts.provisional_seen = true;
    assert_action(decide(&facts, &alone), ACTION_FAIL);
}

static void test_3261_8_1_3_c_a_second_via_discards(void **unused)
{
    (void)unused;
    const uint32_t codes[] = {180, 200, 401, 603};
    for (size_t i = 0; i < 4; i++) {
        struct facts facts = reply(codes[i], METHOD_INVITE);
        facts.via_count = 2;
        const struct decision decision = decide(&facts, &alone);
        assert_action(decision, ACTION_ABSORB);
        assert_rule(decision, "3261-8.1.3.c");
        assert_int_equal(decision.flags, 0);
    }
}

static void test_3261_8_1_3_d_mended_retries(void **unused)
{
    (void)unused;
    const uint32_t challenges[] = {401, 407};
    for (size_t i = 0; i < 2; i++) {
        struct facts facts = reply(challenges[i], METHOD_INVITE);
        assert_action(decide(&facts, &alone), ACTION_FAIL);
        facts.has_challenge = true;
        check_retry(facts, CHANGE_CREDENTIALS, "3261-8.1.3.d");
        assert_flag(decide(&facts, &alone), FLAG_ACK);
    }
    check_retry_of(413, METHOD_MESSAGE, CHANGE_BODY_SMALLER, "3261-8.1.3.d");
    check_retry_of(415, METHOD_INVITE, CHANGE_BODY_TYPE, "3261-8.1.3.d");
    check_retry_of(416, METHOD_INVITE, CHANGE_URI_SCHEME, "3261-8.1.3.d");
    check_retry_of(420, METHOD_REGISTER, CHANGE_EXTENSIONS_LESS, "3261-8.1.3.d");
}

static void test_extensions_and_referrer_are_added_where_asked_for(void **unused)
{
    (void)unused;
    check_retry_of(421, METHOD_REGISTER, CHANGE_EXTENSIONS_MORE, "3261-8.1.3.d");
    check_retry_of(429, METHOD_REFER, CHANGE_REFERRER, "3261-8.1.3.a");
}

static void test_3261_13_2_a_each_2xx_to_invite_is_acknowledged(void **unused)
{
    (void)unused;
    for (uint32_t code = 200; code < 300; code++) {
        const struct decision decision = decide_reply(code, METHOD_INVITE);
        assert_action(decision, ACTION_ACK);
        assert_rule(decision, "3261-13.2.a");
        assert_int_equal(decision.flags, FLAG_ACK);
    }
    const struct facts again = reply(200, METHOD_INVITE);
    const struct state answered = {.success_forwarded = true, .final_forwarded = true};
    assert_action(decide(&again, &answered), ACTION_ACK);
    assert_no_flag(decide_reply(200, METHOD_BYE), FLAG_ACK);
    assert_action(decide_reply(200, METHOD_BYE), ACTION_FORWARD);
}

static void test_3261_13_2_b_an_unwanted_2xx_is_acknowledged_and_ended(void **unused)
{
    (void)unused;
    struct facts facts = reply(200, METHOD_INVITE);
    const struct state cancelled = {.cancelled = true};
    assert_flag(decide(&facts, &cancelled), FLAG_ACK | FLAG_BYE);
    facts.unwanted = true;
    const struct decision decision = decide(&facts, &alone);
    assert_action(decision, ACTION_ACK);
    assert_rule(decision, "3261-13.2.b");
    assert_flag(decision, FLAG_ACK | FLAG_BYE);
    facts = reply(200, METHOD_INVITE);
    facts.in_dialog = true;
    assert_no_flag(decide(&facts, &cancelled), FLAG_BYE);
}

static void test_3261_17_a_failures_of_invite_alone_are_acknowledged(void **unused)
{
    (void)unused;
    for (uint32_t code = 300; code < 700; code++) {
        for (unsigned method = 0; method < METHOD_COUNT; method++) {
            const bool acknowledged = decide_reply(code, (enum method)method).flags & FLAG_ACK;
            assert_int_equal(acknowledged, method == METHOD_INVITE);
        }
    }
}

static void test_3261_16_7_a_unmatched_and_cancel_stay_here(void **unused)
{
    (void)unused;
    struct facts facts = reply(200, METHOD_INVITE);
    facts.unmatched = true;
    assert_action(decide(&facts, &alone), ACTION_ABSORB);
    assert_rule(decide(&facts, &alone), "3261-16.7.a");
    assert_action(decide_in_dialog(481, METHOD_CANCEL), ACTION_ABSORB);
    assert_no_flag(decide_in_dialog(481, METHOD_CANCEL), FLAG_END_USAGE);
}

static void test_3261_9_a_a_provisional_permits_the_cancel_that_waits(void **unused)
{
    (void)unused;
    struct facts facts = reply(100, METHOD_INVITE);
    const struct state cancelled = {.cancelled = true};
    assert_flag(decide(&facts, &cancelled), FLAG_CANCEL_REST);
    facts.unwanted = true;
    assert_flag(decide(&facts, &alone), FLAG_CANCEL_REST);
    facts.unwanted = false;
    assert_no_flag(decide(&facts, &alone), FLAG_CANCEL_REST);
}

static void test_3261_16_7_i_3xx_is_followed_where_policy_says(void **unused)
{
    (void)unused;
    const struct state may = {.may_recurse = true};
    const struct facts facts = reply(302, METHOD_INVITE);
    assert_action(decide(&facts, &may), ACTION_RECURSE);
    assert_action(decide(&facts, &alone), ACTION_FAIL);
    assert_rule(decide(&facts, &alone), "3261-16.7.i");
}

static bool retry_after_counts(uint32_t code)
{
    const uint32_t listed[] = {404, 413, 480, 486, 500, 503, 600, 603};
    for (size_t i = 0; i < 8; i++) {
        if (listed[i] == code_fold(code))
            return true;
    }
    return false;
}

static void test_3261_20_33_a_retry_after_counts_on_eight_codes(void **unused)
{
    (void)unused;
    for (uint32_t code = 300; code < 700; code++) {
        if (code == SIP_REQUEST_PENDING)
            continue;
        struct facts facts = reply(code, METHOD_OPTIONS);
        facts.has_retry_after = true;
        facts.retry_after = 7;
        const struct decision decision = decide(&facts, &alone);
        assert_int_equal(decision.wait_min_ms, retry_after_counts(code) ? 7000 : 0);
        assert_int_equal(decision.wait_max_ms, decision.wait_min_ms);
        if (retry_after_counts(code))
            assert_action(decision, ACTION_RETRY);
        facts.attempts = 1;
        if (code != SIP_REQUEST_ENTITY_TOO_LARGE && retry_after_counts(code)) {
            assert_action(decide(&facts, &alone), ACTION_FAIL);
            assert_int_equal(decide(&facts, &alone).wait_min_ms, 7000);
        }
    }
}

static void test_3261_20_33_a_a_person_is_not_called_again_by_itself(void **unused)
{
    (void)unused;
    const uint32_t callee[] = {404, 480, 486, 600, 603}, server[] = {413, 500, 503};
    for (size_t i = 0; i < 5; i++) {
        struct facts facts = reply(callee[i], METHOD_INVITE);
        facts.has_retry_after = true;
        facts.retry_after = 60;
        assert_action(decide(&facts, &alone), ACTION_FAIL);
        assert_rule(decide(&facts, &alone), "3261-20.33.a");
        assert_int_equal(decide(&facts, &alone).wait_min_ms, 60000);
    }
    for (size_t i = 0; i < 3; i++) {
        struct facts facts = reply(server[i], METHOD_INVITE);
        facts.has_retry_after = true;
        facts.retry_after = UINT32_MAX;
        assert_action(decide(&facts, &alone), ACTION_RETRY);
        assert_int_equal(decide(&facts, &alone).wait_min_ms, UINT32_MAX);
    }
}

static void test_3261_21_5_4_a_503_rests_or_acts_as_500(void **unused)
{
    (void)unused;
    struct facts facts = reply(503, METHOD_INVITE);
    assert_action(decide(&facts, &alone), decide_reply(500, METHOD_INVITE).action);
    assert_int_equal(decide(&facts, &alone).rest_s, 0);
    facts.has_retry_after = true;
    facts.retry_after = 30;
    assert_int_equal(decide(&facts, &alone).rest_s, 30);
    facts.next_server = true;
    assert_int_equal(decide(&facts, &alone).rest_s, 30);
    assert_int_equal(decide(&facts, &alone).wait_min_ms, 0);
}

static void test_3263_4_3_a_next_server_on_503_transport_and_silence_alone(void **unused)
{
    (void)unused;
    for (uint32_t code = 300; code < 700; code++) {
        struct facts facts = reply(code, METHOD_INVITE);
        facts.next_server = true;
        const struct decision decision = decide(&facts, &alone);
        assert_int_equal((decision.flags & FLAG_NEXT_SERVER) != 0, code == SIP_SERVICE_UNAVAILABLE);
    }
    const uint8_t origins[] = {ORIGIN_TIMEOUT, ORIGIN_TRANSPORT, ORIGIN_FLOW_DOWN};
    for (size_t i = 0; i < 3; i++) {
        struct facts facts = reply(0, METHOD_BYE);
        facts.origin = origins[i];
        facts.next_server = true;
        facts.in_dialog = true;
        const struct decision decision = decide(&facts, &alone);
        assert_action(decision, ACTION_RETRY);
        assert_rule(decision, "3263-4.3.a");
        assert_flag(decision, FLAG_NEXT_SERVER);
        assert_no_flag(decision, FLAG_END_USAGE);
        facts.provisional_seen = true;
        assert_no_flag(decide(&facts, &alone), FLAG_NEXT_SERVER);
    }
}

static void test_5626_4_2_a_require_outbound_starts_keep_alives(void **unused)
{
    (void)unused;
    struct facts facts = reply(200, METHOD_REGISTER);
    assert_no_flag(decide(&facts, &alone), FLAG_START_KEEPALIVE);
    facts.flow_timer = 120;
    assert_int_equal(decide(&facts, &alone).value, 0);
    facts.requires_outbound = true;
    const struct decision decision = decide(&facts, &alone);
    assert_flag(decision, FLAG_START_KEEPALIVE | FLAG_STORE_BINDING);
    assert_rule(decision, "5626-4.2.a");
    assert_int_equal(decision.value, 120);
}

static void test_5626_4_2_b_503_to_register_is_waited_out(void **unused)
{
    (void)unused;
    struct facts facts = reply(503, METHOD_REGISTER);
    facts.has_retry_after = true;
    const uint32_t waits[] = {0, 90};
    for (size_t i = 0; i < 2; i++) {
        facts.retry_after = waits[i];
        facts.attempts = 3;
        const struct decision decision = decide(&facts, &alone);
        assert_action(decision, ACTION_REREGISTER);
        assert_rule(decision, "5626-4.2.b");
        assert_int_equal(decision.wait_min_ms, waits[i] * 1000);
        assert_int_equal(decision.wait_max_ms, waits[i] * 1000);
    }
}

static void test_5626_4_2_c_439_registers_without_outbound(void **unused)
{
    (void)unused;
    check_retry_of(439, METHOD_REGISTER, CHANGE_OUTBOUND, "5626-4.2.c");
    assert_flag(decide_reply(439, METHOD_REGISTER), FLAG_STOP_OUTBOUND);
    assert_action(decide_reply(439, METHOD_INVITE), ACTION_FAIL);
    assert_no_flag(decide_reply(439, METHOD_INVITE), FLAG_STOP_OUTBOUND);
}

static void test_5626_4_5_a_a_lost_registration_recovers_after_a_wait(void **unused)
{
    (void)unused;
    const uint32_t dead[] = {60, 120, 240, 480, 960, 1800, 1800}, alive[] = {180, 360, 720, 1440, 1800, 1800, 1800};
    struct facts facts = reply(503, METHOD_REGISTER);
    for (uint16_t i = 0; i < 7; i++) {
        facts.attempts = i;
        facts.flows_left = 0;
        struct decision decision = decide(&facts, &alone);
        assert_action(decision, ACTION_REREGISTER);
        assert_rule(decision, "5626-4.5.a");
        assert_int_equal(decision.wait_max_ms, dead[i] * 1000);
        assert_int_equal(decision.wait_min_ms, dead[i] * 500);
        facts.flows_left = 1;
        decision = decide(&facts, &alone);
        assert_int_equal(decision.wait_max_ms, alive[i] * 1000);
    }
    facts.attempts = UINT16_MAX;
    assert_int_equal(decide(&facts, &alone).wait_max_ms, 1800000);
    const uint8_t origins[] = {ORIGIN_TIMEOUT, ORIGIN_TRANSPORT, ORIGIN_FLOW_DOWN};
    for (size_t i = 0; i < 3; i++) {
        facts.origin = origins[i];
        assert_action(decide(&facts, &alone), ACTION_REREGISTER);
    }
}

static void test_5626_11_5_c_430_is_read_as_400(void **unused)
{
    (void)unused;
    for (unsigned method = 0; method < METHOD_COUNT; method++) {
        const struct decision got = decide_reply(430, (enum method)method);
        const struct decision expected = decide_reply(400, (enum method)method);
        assert_action(got, expected.action);
        assert_int_equal(got.flags, expected.flags);
        assert_int_equal(got.drop, DROP_NONE);
    }
    assert_rule(decide_reply(430, METHOD_INVITE), "5626-11.5.c");
}

static void test_code_2xx_register_stores_binding_and_service_route(void **unused)
{
    (void)unused;
    struct facts facts = reply(200, METHOD_REGISTER);
    struct decision decision = decide(&facts, &alone);
    assert_action(decision, ACTION_FORWARD);
    assert_rule(decision, "code-2xx-register");
    assert_int_equal(decision.flags, FLAG_STORE_BINDING | FLAG_DROP_SERVICE_ROUTE);
    facts.has_service_route = true;
    assert_int_equal(decide(&facts, &alone).flags, FLAG_STORE_BINDING | FLAG_SET_SERVICE_ROUTE);
}

static void test_code_2xx_subscribe_stands(void **unused)
{
    (void)unused;
    const uint32_t codes[] = {200, 202, 204};
    for (size_t i = 0; i < 3; i++) {
        const struct decision decision = decide_reply(codes[i], METHOD_SUBSCRIBE);
        assert_action(decision, ACTION_FORWARD);
        assert_rule(decision, "code-2xx-subscribe");
        assert_int_equal(decision.flags, FLAG_SUBSCRIPTION_STANDS);
    }
}

static void test_code_408_481_in_a_dialog_end_the_usage(void **unused)
{
    (void)unused;
    const enum method methods[] = {METHOD_INVITE, METHOD_BYE, METHOD_INFO, METHOD_UPDATE, METHOD_NOTIFY};
    const uint32_t codes[] = {408, 481};
    for (size_t i = 0; i < 10; i++) {
        const struct decision decision = decide_in_dialog(codes[i % 2], methods[i / 2]);
        assert_action(decision, ACTION_FAIL);
        assert_flag(decision, FLAG_END_USAGE);
    }
    assert_rule(decide_in_dialog(481, METHOD_BYE), "code-408-481");
    assert_no_flag(decide_reply(408, METHOD_INVITE), FLAG_END_USAGE);
    assert_no_flag(decide_reply(481, METHOD_INVITE), FLAG_END_USAGE);
    struct facts silent = reply(0, METHOD_INVITE);
    silent.in_dialog = true;
    silent.origin = ORIGIN_TIMEOUT;
    assert_flag(decide(&silent, &alone), FLAG_END_USAGE);
}

static bool is_one_of(uint32_t code, const uint32_t *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (codes[i] == code)
            return true;
    }
    return false;
}

/* RFC 5057 5.1, told for a re-INVITE and for a MESSAGE that no usage depends on. */
static void test_code_408_481_other_failures_end_what_rfc_5057_says(void **unused)
{
    (void)unused;
    const uint32_t any[] = {404, 408, 410, 416, 480, 481, 482, 483, 484, 485, 502, 604};
    const uint32_t by_method[] = {405, 501};
    for (uint32_t code = 300; code < 700; code++) {
        const bool ends = is_one_of(code, any, 12), invite = ends || is_one_of(code, by_method, 2);
        assert_int_equal((decide_in_dialog(code, METHOD_INVITE).flags & FLAG_END_USAGE) != 0, invite);
        assert_int_equal((decide_in_dialog(code, METHOD_MESSAGE).flags & FLAG_END_USAGE) != 0, ends);
    }
}

static void test_code_412_publishes_anew(void **unused)
{
    (void)unused;
    check_retry_of(412, METHOD_PUBLISH, CHANGE_ETAG, "code-412");
    assert_flag(decide_reply(412, METHOD_PUBLISH), FLAG_NEVER_REPEAT);
    assert_flag(decide_reply(412, METHOD_OPTIONS), FLAG_NEVER_REPEAT);
    assert_action(decide_reply(412, METHOD_OPTIONS), ACTION_FAIL);
}

static void test_code_417_chooses_a_known_priority(void **unused)
{
    (void)unused;
    check_retry_of(417, METHOD_INVITE, CHANGE_RESOURCE_PRIORITY, "code-417");
}

static void test_code_440_narrows_the_search(void **unused)
{
    (void)unused;
    check_retry_of(440, METHOD_INVITE, CHANGE_BREADTH, "code-440");
}

static void test_code_470_asks_for_consent(void **unused)
{
    (void)unused;
    check_retry_of(470, METHOD_MESSAGE, CHANGE_CONSENT, "code-470");
}

static void test_code_494_agrees_on_security(void **unused)
{
    (void)unused;
    check_retry_of(494, METHOD_REGISTER, CHANGE_SECURITY, "code-494");
}

static void test_code_422_retries_with_min_se(void **unused)
{
    (void)unused;
    struct facts facts = reply(422, METHOD_INVITE);
    assert_action(decide(&facts, &alone), ACTION_FAIL);
    facts.min_se = 1800;
    facts.min_expires = 60;
    check_retry(facts, CHANGE_SESSION_INTERVAL, "code-422");
    assert_int_equal(decide(&facts, &alone).value, 1800);
}

static void test_code_423_retries_with_min_expires(void **unused)
{
    (void)unused;
    struct facts facts = reply(423, METHOD_REGISTER);
    assert_action(decide(&facts, &alone), ACTION_FAIL);
    facts.min_expires = 3600;
    check_retry(facts, CHANGE_EXPIRES, "code-423");
    assert_int_equal(decide(&facts, &alone).value, 3600);
}

static void test_code_424_mends_the_location_and_the_dialog_lives(void **unused)
{
    (void)unused;
    check_retry_of(424, METHOD_INVITE, CHANGE_LOCATION, "code-424");
    assert_no_flag(decide_in_dialog(424, METHOD_INVITE), FLAG_END_USAGE);
}

static void test_code_428_438_sign(void **unused)
{
    (void)unused;
    const uint32_t codes[] = {428, 436, 437, 438};
    for (size_t i = 0; i < 4; i++)
        check_retry_of(codes[i], METHOD_INVITE, CHANGE_IDENTITY, "code-428-438");
}

static void test_code_433_never_reveals_the_caller_by_itself(void **unused)
{
    (void)unused;
    const struct decision decision = decide_reply(433, METHOD_INVITE);
    assert_action(decision, ACTION_FAIL);
    assert_rule(decision, "code-433");
    assert_flag(decision, FLAG_NEVER_REPEAT);
    assert_int_equal(decision.change, CHANGE_PRIVACY);
}

static void test_code_469_the_usage_lives(void **unused)
{
    (void)unused;
    check_retry_of(469, METHOD_INFO, CHANGE_INFO_PACKAGE, "code-469");
    assert_no_flag(decide_in_dialog(469, METHOD_INFO), FLAG_END_USAGE);
    assert_action(decide_reply(469, METHOD_INVITE), ACTION_FAIL);
}

static void test_code_489_is_not_asked_again(void **unused)
{
    (void)unused;
    const struct decision decision = decide_reply(489, METHOD_SUBSCRIBE);
    assert_action(decision, ACTION_FAIL);
    assert_rule(decision, "code-489");
    assert_flag(decision, FLAG_NEVER_REPEAT);
    assert_flag(decide_in_dialog(489, METHOD_SUBSCRIBE), FLAG_NEVER_REPEAT | FLAG_END_USAGE);
}

static void test_code_491_waits_a_random_time(void **unused)
{
    (void)unused;
    struct facts facts = reply(491, METHOD_INVITE);
    facts.in_dialog = true;
    check_retry(facts, 0, "code-491");
    struct decision decision = decide(&facts, &alone);
    assert_int_equal(decision.wait_min_ms, 0);
    assert_int_equal(decision.wait_max_ms, 2000);
    facts.owns_call_id = true;
    decision = decide(&facts, &alone);
    assert_int_equal(decision.wait_min_ms, 2100);
    assert_int_equal(decision.wait_max_ms, 4000);
    assert_no_flag(decision, FLAG_END_USAGE);
}

static void test_code_555_is_not_asked_again(void **unused)
{
    (void)unused;
    const struct decision decision = decide_reply(555, METHOD_REGISTER);
    assert_action(decision, ACTION_FAIL);
    assert_rule(decision, "code-555");
    assert_flag(decision, FLAG_NEVER_REPEAT);
}

static void test_code_607_608_are_as_any_6xx(void **unused)
{
    (void)unused;
    const uint32_t codes[] = {607, 608};
    for (size_t i = 0; i < 2; i++) {
        const struct decision got = decide_reply(codes[i], METHOD_INVITE);
        const struct decision expected = decide_reply(600, METHOD_INVITE);
        assert_action(got, expected.action);
        assert_int_equal(got.flags, expected.flags);
        assert_rule(got, "code-607-608");
    }
}

static void test_code_6665_ends_the_subscription_on_its_list_alone(void **unused)
{
    (void)unused;
    const uint32_t ends[] = {404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604};
    for (uint32_t code = 300; code < 700; code++) {
        struct facts refresh = reply(code, METHOD_SUBSCRIBE);
        refresh.refresh = true;
        refresh.has_retry_after = true;
        const struct decision subscribe = decide(&refresh, &alone), notify = decide_reply(code, METHOD_NOTIFY);
        const bool ended = is_one_of(code, ends, 13);
        assert_int_equal((subscribe.flags & FLAG_END_USAGE) != 0, ended);
        assert_int_equal((subscribe.flags & FLAG_SUBSCRIPTION_STANDS) != 0, !ended);
        if (ended) {
            assert_action(subscribe, ACTION_FAIL);
            assert_rule(subscribe, "code-6665");
            assert_rule(notify, "code-6665");
            assert_flag(notify, FLAG_END_USAGE);
        }
        assert_no_flag(decide_reply(code, METHOD_SUBSCRIBE), FLAG_END_USAGE | FLAG_SUBSCRIPTION_STANDS);
    }
    struct facts silent = reply(0, METHOD_NOTIFY);
    silent.origin = ORIGIN_TIMEOUT;
    assert_flag(decide(&silent, &alone), FLAG_END_USAGE);
}

static void test_code_3608_a_refused_register_drops_the_service_route(void **unused)
{
    (void)unused;
    for (uint32_t code = 300; code < 700; code++) {
        const struct decision decision = decide_reply(code, METHOD_REGISTER);
        const bool mended = decision.action == ACTION_RETRY && decision.change;
        assert_int_equal((decision.flags & FLAG_DROP_SERVICE_ROUTE) != 0, !mended);
        assert_no_flag(decision, FLAG_SET_SERVICE_ROUTE | FLAG_STORE_BINDING);
        assert_no_flag(decide_reply(code, METHOD_OPTIONS), FLAG_DROP_SERVICE_ROUTE);
    }
    struct facts challenged = reply(401, METHOD_REGISTER);
    assert_flag(decide(&challenged, &alone), FLAG_DROP_SERVICE_ROUTE);
    challenged.has_challenge = true;
    assert_no_flag(decide(&challenged, &alone), FLAG_DROP_SERVICE_ROUTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_3261_8_1_3_a_unknown_codes_act_as_x00_and_183),
        cmocka_unit_test(test_3261_8_1_3_b_timeout_is_408_and_transport_503),
        cmocka_unit_test(test_3261_8_1_3_b_a_failed_flow_gives_way_to_another),
        cmocka_unit_test(test_3261_8_1_3_c_a_second_via_discards),
        cmocka_unit_test(test_3261_8_1_3_d_mended_retries),
        cmocka_unit_test(test_extensions_and_referrer_are_added_where_asked_for),
        cmocka_unit_test(test_3261_13_2_a_each_2xx_to_invite_is_acknowledged),
        cmocka_unit_test(test_3261_13_2_b_an_unwanted_2xx_is_acknowledged_and_ended),
        cmocka_unit_test(test_3261_17_a_failures_of_invite_alone_are_acknowledged),
        cmocka_unit_test(test_3261_16_7_a_unmatched_and_cancel_stay_here),
        cmocka_unit_test(test_3261_9_a_a_provisional_permits_the_cancel_that_waits),
        cmocka_unit_test(test_3261_16_7_i_3xx_is_followed_where_policy_says),
        cmocka_unit_test(test_3261_20_33_a_retry_after_counts_on_eight_codes),
        cmocka_unit_test(test_3261_20_33_a_a_person_is_not_called_again_by_itself),
        cmocka_unit_test(test_3261_21_5_4_a_503_rests_or_acts_as_500),
        cmocka_unit_test(test_3263_4_3_a_next_server_on_503_transport_and_silence_alone),
        cmocka_unit_test(test_5626_4_2_a_require_outbound_starts_keep_alives),
        cmocka_unit_test(test_5626_4_2_b_503_to_register_is_waited_out),
        cmocka_unit_test(test_5626_4_2_c_439_registers_without_outbound),
        cmocka_unit_test(test_5626_4_5_a_a_lost_registration_recovers_after_a_wait),
        cmocka_unit_test(test_5626_11_5_c_430_is_read_as_400),
        cmocka_unit_test(test_code_2xx_register_stores_binding_and_service_route),
        cmocka_unit_test(test_code_2xx_subscribe_stands),
        cmocka_unit_test(test_code_408_481_in_a_dialog_end_the_usage),
        cmocka_unit_test(test_code_408_481_other_failures_end_what_rfc_5057_says),
        cmocka_unit_test(test_code_412_publishes_anew),
        cmocka_unit_test(test_code_417_chooses_a_known_priority),
        cmocka_unit_test(test_code_440_narrows_the_search),
        cmocka_unit_test(test_code_470_asks_for_consent),
        cmocka_unit_test(test_code_494_agrees_on_security),
        cmocka_unit_test(test_code_422_retries_with_min_se),
        cmocka_unit_test(test_code_423_retries_with_min_expires),
        cmocka_unit_test(test_code_424_mends_the_location_and_the_dialog_lives),
        cmocka_unit_test(test_code_428_438_sign),
        cmocka_unit_test(test_code_433_never_reveals_the_caller_by_itself),
        cmocka_unit_test(test_code_469_the_usage_lives),
        cmocka_unit_test(test_code_489_is_not_asked_again),
        cmocka_unit_test(test_code_491_waits_a_random_time),
        cmocka_unit_test(test_code_555_is_not_asked_again),
        cmocka_unit_test(test_code_607_608_are_as_any_6xx),
        cmocka_unit_test(test_code_6665_ends_the_subscription_on_its_list_alone),
        cmocka_unit_test(test_code_3608_a_refused_register_drops_the_service_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
