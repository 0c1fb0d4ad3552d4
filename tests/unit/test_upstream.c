// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <errno.h>

/* What the caller hears in the end, and the policy's last word (sip_on_exhausted). */

/* What is sent up is what was received, without our Via. */
static void test_a_response_goes_up_as_it_came(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_refuses(stage, invite, 486, "X-Why: lunch\nWarning: 399 host \"gone\"\n");
    struct sent *up = stage_hears(stage, 486);
    assert_true(sent_starts(up, "SIP/2.0 486 Whatever\r\n"));
    assert_string_equal(sent_header(up, "X-Why", 0), "lunch");
    assert_string_equal(sent_header(up, "Warning", 0), "399 host \"gone\"");
    assert_int_equal(sent_count(up, "Via"), 1);
    assert_non_null(strstr(sent_header(up, "Via", 0), "branch=z9hG4bK-one-1-INVITE-5070"));
}

static void test_3261_8_1_3_a_an_unknown_code_goes_up_and_acts_as_its_class(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.9"});
    stage_phone(stage, (struct phone){.port = 5081, .more = ";q=0.1"});
    stage_call(stage, "one");
    struct sent *first = stage_sent(stage, "INVITE");
    stage_response(stage, first, 177, NULL);
    stage_hears(stage, 177);
    stage_refuses(stage, first, 477, NULL);
    struct sent *second = stage_sent(stage, "INVITE");
    stage_refuses(stage, second, 577, NULL);
    stage_hears(stage, 477);
}

static void test_3261_16_7_h_challenges_are_merged_with_one_made_here_aside(void **state)
{
    struct stage *stage = *state;
    struct peer dead = stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    fake_wire_refuse(&stage->wire, &dead, -EHOSTUNREACH);
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5081);
    stage_advance(stage, 0);
    stage_refuses(stage, invite, 401, "WWW-Authenticate: Digest realm=\"b\"\n");
    struct sent *up = stage_hears(stage, 401);
    assert_int_equal(sent_count(up, "WWW-Authenticate"), 1);
}

static void test_3261_16_7_g_a_503_is_500_and_keeps_what_it_says(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 503, "X-Why: full\n");
    struct sent *up = stage_hears(stage, 500);
    assert_string_equal(sent_header(up, "X-Why", 0), "full");
}

/* --- the last word --- */

static void exhausted(struct stage *stage, const char *verdict)
{
    char lua[400];
    snprintf(lua, sizeof lua, "sip_on_exhausted(function(r, c) return %s end)\n", verdict);
    stage_script(stage, lua);
    stage_call(stage, "one");
}

static void test_exhausted_relays_to_a_last_target(void **state)
{
    struct stage *stage = *state;
    exhausted(stage, "sip_relay('sip:vm@127.0.0.1:5099')");
    struct sent *mailbox = stage_sent_to(stage, "INVITE", 5099);
    assert_int_equal(stage_counters(stage)->verdicts, 1);
    stage_refuses(stage, mailbox, 404, NULL);
    stage_hears(stage, 404);
    stage_silent(stage);
}

static void test_exhausted_after_a_refusal(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    exhausted(stage, "sip_relay('sip:vm@127.0.0.1:5099')");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 486, NULL);
    struct sent *mailbox = stage_sent_to(stage, "INVITE", 5099);
    stage_response(stage, mailbox, 200, NULL);
    stage_hears(stage, 200);
    stage_silent(stage);
}

static void test_exhausted_routes_anew(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    exhausted(stage, "sip_route()");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_phone(stage, (struct phone){.port = 5081});
    stage_refuses(stage, invite, 486, NULL);
    stage_response(stage, stage_sent_to(stage, "INVITE", 5081), 200, NULL);
    stage_hears(stage, 200);
}

static void test_exhausted_chooses_the_status(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    exhausted(stage, "sip_fail(404)");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 486, NULL);
    assert_true(sent_starts(stage_hears(stage, 404), "SIP/2.0 404 Not Found\r\n"));
    assert_int_equal(stage_counters(stage)->verdicts, 1);
}

static void test_exhausted_adds_retry_after(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    exhausted(stage, "sip_retry_after(90)");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 480, NULL);
    assert_string_equal(sent_header(stage_hears(stage, 480), "Retry-After", 0), "90");
}

static void test_one_retry_after_goes_up(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    exhausted(stage, "sip_retry_after(90)");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 480, "Retry-After: 5\n");
    struct sent *up = stage_hears(stage, 480);
    assert_int_equal(sent_count(up, "Retry-After"), 1);
    assert_string_equal(sent_header(up, "Retry-After", 0), "90");
}

static void assert_refused(struct stage *stage, const char *rule)
{
    assert_int_equal(stage_counters(stage)->verdicts_refused, 1);
    assert_int_equal(stage_counters(stage)->verdicts, 0);
    assert_non_null(strstr(stage->fake.last_log, rule));
}

static void test_5626_11_5_a_exhausted_cannot_send_a_430(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    exhausted(stage, "sip_fail(430)");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 486, NULL);
    stage_hears(stage, 486);
    assert_refused(stage, "5626-11.5.a");
}

static void test_5626_11_6_a_exhausted_cannot_send_a_439(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    exhausted(stage, "sip_fail(439)");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 486, NULL);
    stage_hears(stage, 486);
    assert_refused(stage, "5626-11.6.a");
}

static void test_4320_4_a_exhausted_cannot_send_a_408_to_a_non_invite(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stage_alice();
    stage_phone(stage, (struct phone){.port = 5080});
    stage_script(stage, "sip_on_exhausted(function(r, c) return sip_fail(408) end)\n");
    stage_request(stage, &caller, (struct request){.method = "MESSAGE"});
    stage_response(stage, stage_sent(stage, "MESSAGE"), 404, NULL);
    stage_hears(stage, 404);
    assert_refused(stage, "4320-4.a");
}

static void test_3261_16_7_d_exhausted_cannot_replace_a_6xx(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    exhausted(stage, "sip_fail(486)");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 603, NULL);
    stage_hears(stage, 603);
    assert_refused(stage, "3261-16.7.d");
}

static void test_3261_16_7_d_exhausted_cannot_go_on_after_a_6xx(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    exhausted(stage, "sip_relay('sip:vm@127.0.0.1:5099')");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 603, NULL);
    stage_hears(stage, 603);
    stage_silent(stage);
    assert_refused(stage, "3261-16.7.d");
}

static void test_3261_9_a_exhausted_cannot_go_on_after_cancel(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stage_alice();
    stage_phone(stage, (struct phone){.port = 5080});
    exhausted(stage, "sip_relay('sip:vm@127.0.0.1:5099')");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_request(stage, &caller, (struct request){.method = "CANCEL"});
    stage_hears(stage, 200);
    stage_sent(stage, "CANCEL");
    stage_refuses(stage, invite, 487, NULL);
    stage_hears(stage, 487);
    stage_silent(stage);
    assert_refused(stage, "3261-9.a");
}

static void test_exhausted_that_errs_leaves_the_best(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    exhausted(stage, "nil + 1");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 486, NULL);
    stage_hears(stage, 486);
    assert_int_equal(stage_counters(stage)->script_errors, 1);
}

/* The same instance may not be asked again by the back door (5626-7.c). */
static void test_5626_7_c_exhausted_does_not_ask_an_answered_instance_again(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2});
    exhausted(stage, "sip_route()");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 486, NULL);
    stage_hears(stage, 486);
    stage_silent(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_response_goes_up_as_it_came),
        TEST(test_3261_8_1_3_a_an_unknown_code_goes_up_and_acts_as_its_class),
        TEST(test_3261_16_7_h_challenges_are_merged_with_one_made_here_aside),
        TEST(test_3261_16_7_g_a_503_is_500_and_keeps_what_it_says),
        TEST(test_exhausted_relays_to_a_last_target),
        TEST(test_exhausted_after_a_refusal),
        TEST(test_exhausted_routes_anew),
        TEST(test_exhausted_chooses_the_status),
        TEST(test_exhausted_adds_retry_after),
        TEST(test_one_retry_after_goes_up),
        TEST(test_5626_11_5_a_exhausted_cannot_send_a_430),
        TEST(test_5626_11_6_a_exhausted_cannot_send_a_439),
        TEST(test_4320_4_a_exhausted_cannot_send_a_408_to_a_non_invite),
        TEST(test_3261_16_7_d_exhausted_cannot_replace_a_6xx),
        TEST(test_3261_16_7_d_exhausted_cannot_go_on_after_a_6xx),
        TEST(test_3261_9_a_exhausted_cannot_go_on_after_cancel),
        TEST(test_exhausted_that_errs_leaves_the_best),
        TEST(test_5626_7_c_exhausted_does_not_ask_an_answered_instance_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
