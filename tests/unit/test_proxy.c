// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

/* Calls: forking, q classes, what the caller hears, next_after. Alice is the caller, at 5070. */

enum { T1_64 = 32000, TIMER_C = 185000 };

/* --- forking --- */

static void test_one_q_class_rings_together_and_the_first_2xx_wins(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_call(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    assert_true(sent_starts(first, "INVITE sip:bob@127.0.0.1:5080 SIP/2.0\r\n"));
    assert_int_equal(sent_count(first, "Via"), 2);
    stage_response(stage, first, 180, NULL);
    assert_int_equal(sent_count(stage_hears(stage, 180), "Via"), 1);
    stage_response(stage, second, 183, NULL);
    stage_hears(stage, 183);
    stage_response(stage, second, 200, NULL);
    stage_hears(stage, 200);
    struct sent *cancel = stage_sent_to(stage, "CANCEL", 5080);
    assert_string_equal(sent_header(cancel, "Via", 0), sent_header(first, "Via", 0));
    stage_response(stage, cancel, 200, NULL);
    stage_refuses(stage, first, 487, NULL);
    stage_silent(stage);
    stage_ends(stage);
}

static void test_lower_q_classes_wait_their_turn(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.3"});
    stage_phone(stage, (struct phone){.port = 5081, .more = ";q=0.9"});
    stage_phone(stage, (struct phone){.port = 5082, .more = ";q=0.3"});
    stage_call(stage, "one");
    struct sent *high = stage_sent_to(stage, "INVITE", 5081);
    stage_silent(stage);
    stage_refuses(stage, high, 486, NULL);
    struct sent *low = stage_sent_to(stage, "INVITE", 5080), *other = stage_sent_to(stage, "INVITE", 5082);
    stage_refuses(stage, low, 480, NULL);
    stage_silent(stage);
    stage_refuses(stage, other, 404, NULL);
    stage_hears(stage, 404);
    stage_ends(stage);
}

static void test_nobody_is_bound(void **state)
{
    struct stage *stage = *state;
    stage_call(stage, "one");
    struct sent *refusal = stage_hears(stage, 480);
    assert_non_null(strstr(sent_header(refusal, "To", 0), ";tag="));
    stage_ends(stage);
}

/* --- finals --- */

static void test_3261_16_7_c_a_second_2xx_goes_up_too(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_call(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    stage_response(stage, first, 200, NULL);
    assert_non_null(strstr(sent_header(stage_hears(stage, 200), "To", 0), "tag=p5080"));
    stage_response(stage, second, 200, NULL);
    assert_non_null(strstr(sent_header(stage_hears(stage, 200), "To", 0), "tag=p5081"));
    /* and each of their retransmissions, for 64*T1 */
    stage_advance(stage, T1_64 - 1);
    stage_response(stage, first, 200, NULL);
    stage_hears(stage, 200);
    stage_silent(stage);
    stage_ends(stage);
}

static void test_3261_16_7_c_a_2xx_after_a_refusal_over_tcp(void **state)
{
    struct stage *stage = *state;
    struct peer caller = fake_tcp(&stage->wire, 5070);
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_invite(stage, &caller, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    stage_response(stage, second, 180, NULL);
    stage_status(stage, &caller, 180);
    stage_refuses(stage, first, 603, NULL);
    stage_sent_to(stage, "CANCEL", 5081);
    stage_request(stage, &caller, (struct request){.method = "CANCEL"});
    stage_status(stage, &caller, 200);
    stage_advance(stage, T1_64);
    stage_discard(stage);
    stage_request(stage, &caller, (struct request){.method = "ACK", .to_tag = "p5080"});
    stage_advance(stage, 0);
    assert_int_equal(stage_count(stage, "transactions"), 0);
    stage_response(stage, second, 200, NULL);
    stage_silent(stage); /* its transaction has ended too */
    stage_ends(stage);
}

/* The caller is gone from our tables (timer I is zero on TCP), the phone is not. */
static void test_3261_16_7_c_a_2xx_when_the_caller_s_transaction_has_ended(void **state)
{
    struct stage *stage = *state;
    struct peer caller = fake_tcp(&stage->wire, 5070);
    stage_phone(stage, (struct phone){.port = 5080});
    stage_invite(stage, &caller, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_response(stage, invite, 180, NULL);
    stage_status(stage, &caller, 180);
    stage_advance(stage, TIMER_C);
    stage_sent_to(stage, "CANCEL", 5080);
    stage_status(stage, &caller, 408);
    stage_request(stage, &caller, (struct request){.method = "ACK", .to_tag = "p5080"});
    stage_advance(stage, 1);
    assert_int_equal(stage_count(stage, "transactions"), 0);
    stage_response(stage, invite, 200, NULL);
    stage_status(stage, &caller, 200);
    stage_ends(stage);
}

static void test_3261_16_7_d_a_6xx_ends_the_search(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_phone(stage, (struct phone){.port = 5082, .more = ";q=0.1"});
    stage_call(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    stage_response(stage, second, 180, NULL);
    stage_hears(stage, 180);
    stage_refuses(stage, first, 603, NULL);
    stage_sent_to(stage, "CANCEL", 5081);
    stage_advance(stage, 100);
    stage_silent(stage); /* not before they have ended */
    stage_refuses(stage, second, 487, NULL);
    stage_hears(stage, 603);
    stage_silent(stage);
    stage_ends(stage);
}

static void test_3261_16_7_d_flows_of_others_are_not_tried_after_a_6xx(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5082, .instance = "2", .reg_id = 1});
    stage_call(stage, "one");
    struct sent *a = stage_sent(stage, "INVITE"), *b = stage_sent(stage, "INVITE");
    struct sent *two = sent_port(a) == 5082 ? a : b, *one = sent_port(a) == 5082 ? b : a;
    stage_refuses(stage, two, 600, NULL);
    struct peer dead = one->peer;
    stage_flow_dies(stage, &dead);
    stage_hears(stage, 600);
    stage_silent(stage);
}

static void test_3261_16_7_c_a_2xx_after_a_6xx_goes_up(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_call(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    stage_refuses(stage, first, 603, NULL);
    stage_response(stage, second, 200, NULL);
    stage_hears(stage, 200);
    stage_silent(stage);
}

static void best_of(struct stage *stage, unsigned a, unsigned b, unsigned best)
{
    char call[32];
    struct peer caller = stage_alice();
    for (int turned = 0; turned < 2; turned++) {
        snprintf(call, sizeof call, "call-%u-%u-%d", a, b, turned);
        stage_call(stage, call);
        struct sent *first = stage_sent(stage, "INVITE"), *second = stage_sent(stage, "INVITE");
        stage_refuses(stage, first, turned ? b : a, NULL);
        stage_refuses(stage, second, turned ? a : b, NULL);
        stage_hears(stage, best);
        stage_request(stage, &caller, (struct request){.method = "ACK", .call = call});
    }
}

static void test_3261_16_7_e_the_best_of_the_finals(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    best_of(stage, 404, 500, 404);
    best_of(stage, 404, 302, 302);
    best_of(stage, 404, 484, 484);
    best_of(stage, 486, 420, 420);
    best_of(stage, 504, 302, 302);
    best_of(stage, 404, 408, 404);
}

static void test_3261_16_7_g_a_503_goes_up_as_500(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 503, NULL);
    struct sent *refusal = stage_hears(stage, 500);
    assert_true(sent_starts(refusal, "SIP/2.0 500 Server Internal Error\r\n"));
    assert_non_null(strstr(sent_header(refusal, "To", 0), "tag=p5080"));
}

static void test_3261_16_7_h_the_challenges_of_all_go_up_together(void **state)
{
    struct stage *stage = *state;
    for (uint16_t port = 5080; port < 5084; port++)
        stage_phone(stage, (struct phone){.port = port});
    stage_call(stage, "one");
    struct sent *invite[4];
    for (size_t i = 0; i < 4; i++)
        invite[i] = stage_sent(stage, "INVITE");
    stage_refuses(stage, invite[0], 407, "Proxy-Authenticate: Digest realm=\"a\", nonce=\"1\"\n");
    stage_refuses(stage, invite[1], 401,
                  "WWW-Authenticate: Digest realm=\"b\"\nWWW-Authenticate: Digest realm=\"c\"\n");
    stage_refuses(stage, invite[2], 407, "Proxy-Authenticate: Digest realm=\"d\"\n");
    stage_refuses(stage, invite[3], 404, "WWW-Authenticate: Digest realm=\"not of a challenge\"\n");
    struct sent *merged = stage_sent(stage, "SIP/2.0 40");
    assert_true(sent_status(merged) == 401 || sent_status(merged) == 407);
    assert_int_equal(sent_count(merged, "Proxy-Authenticate"), 2);
    assert_int_equal(sent_count(merged, "WWW-Authenticate"), 2);
    for (const char *const *line = (const char *const[]){"Proxy-Authenticate: Digest realm=\"a\", nonce=\"1\"\r\n",
                                                         "WWW-Authenticate: Digest realm=\"b\"\r\n",
                                                         "WWW-Authenticate: Digest realm=\"c\"\r\n",
                                                         "Proxy-Authenticate: Digest realm=\"d\"\r\n", NULL};
         *line != NULL; line++)
        assert_non_null(strstr(merged->bytes, *line));
}

static void test_a_retransmitted_final_is_not_sent_up_again(void **state)
{
    struct stage *stage = *state;
    struct peer caller = fake_tcp(&stage->wire, 5070);
    stage_phone(stage, (struct phone){.port = 5080});
    stage_invite(stage, &caller, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_refuses(stage, invite, 486, NULL);
    stage_status(stage, &caller, 486);
    stage_refuses(stage, invite, 486, NULL);
    stage_refuses(stage, invite, 487, NULL);
    stage_silent(stage);
}

/* --- other methods --- */

static struct sent *message_to_bob(struct stage *stage)
{
    struct peer caller = stage_alice();
    stage_request(stage, &caller, (struct request){.method = "MESSAGE", .fields = "Content-Type: text/plain\n"});
    return stage_sent(stage, "MESSAGE");
}

static void test_4320_4_a_no_408_to_a_non_invite(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .tcp = true});
    message_to_bob(stage);
    stage_advance(stage, T1_64 - 1);
    assert_int_equal(stage_count(stage, "transactions"), 1);
    stage_advance(stage, 1);
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "transactions"), 0);
    stage_ends(stage);
}

static void test_4320_4_a_a_408_from_downstream_is_not_sent_up_either(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_response(stage, message_to_bob(stage), 408, NULL);
    stage_advance(stage, 0);
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "unanswered"), 0);
}

static void test_4320_4_a_another_final_outranks_the_silence(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .tcp = true});
    message_to_bob(stage);
    struct sent *second = stage_sent(stage, "MESSAGE");
    stage_response(stage, second, 404, NULL);
    stage_silent(stage);
    stage_advance(stage, T1_64);
    stage_hears(stage, 404);
    stage_ends(stage);
}

static void test_5626_7_b_non_invites_fail_over_too(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    struct sent *first = message_to_bob(stage);
    struct peer dead = first->peer;
    stage_flow_dies(stage, &dead);
    struct sent *second = stage_sent(stage, "MESSAGE");
    assert_int_not_equal(sent_port(first), sent_port(second));
    stage_response(stage, second, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

static void test_the_first_2xx_of_a_non_invite_is_the_only_one(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    struct sent *first = message_to_bob(stage), *second = stage_sent(stage, "MESSAGE");
    stage_response(stage, first, 202, NULL);
    stage_hears(stage, 202);
    stage_response(stage, second, 200, NULL);
    stage_silent(stage);
    stage_ends(stage);
}

/* --- next_after --- */

static void test_next_after_rings_the_next_beside(void **state)
{
    struct stage *stage = *state;
    for (uint16_t port = 5080; port < 5083; port++)
        stage_phone(stage, (struct phone){.port = port});
    stage_script(stage, "sip_on_request('INVITE', function(r) return sip_route{next_after = 15} end)\n");
    stage_call(stage, "one");
    uint64_t start = stage->fake.now_ms;
    struct sent *first = stage_sent(stage, "INVITE");
    stage_response(stage, first, 180, NULL);
    stage_hears(stage, 180);
    stage_advance(stage, 14999);
    stage_silent(stage);
    stage_advance(stage, 1);
    struct sent *second = stage_sent(stage, "INVITE");
    assert_int_equal(second->at_ms - start, 15000);
    stage_response(stage, second, 180, NULL);
    stage_hears(stage, 180);
    /* one that refuses does not make the next wait for its turn */
    stage_advance(stage, 5000);
    stage_refuses(stage, second, 486, NULL);
    stage_advance(stage, 10000);
    struct sent *third = stage_sent(stage, "INVITE");
    assert_int_equal(third->at_ms - start, 30000);
    stage_response(stage, first, 200, NULL);
    stage_hears(stage, 200);
    stage_advance(stage, 15000);
    stage_ends(stage);
}

static void test_next_after_when_nothing_rings_the_next_is_tried_at_once(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.9"});
    stage_phone(stage, (struct phone){.port = 5081, .more = ";q=0.8"});
    stage_script(stage, "sip_on_request('INVITE', function(r) return sip_route{next_after = 15} end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 486, NULL);
    struct sent *second = stage_sent_to(stage, "INVITE", 5081);
    assert_int_equal(second->at_ms, stage->fake.now_ms);
    stage_response(stage, second, 200, NULL);
    stage_hears(stage, 200);
    stage_advance(stage, 60000);
    stage_ends(stage);
}

static void test_next_after_ends_with_cancel(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_script(stage, "sip_on_request('INVITE', function(r) return sip_route{next_after = 15} end)\n");
    stage_call(stage, "one");
    struct sent *first = stage_sent(stage, "INVITE");
    stage_response(stage, first, 180, NULL);
    stage_hears(stage, 180);
    stage_cancels(stage);
    stage_sent(stage, "CANCEL");
    stage_refuses(stage, first, 487, NULL);
    stage_hears(stage, 487);
    struct peer caller = stage_alice();
    stage_request(stage, &caller, (struct request){.method = "ACK"});
    stage_advance(stage, 20000);
    assert_int_equal(stage_count(stage, "branches"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_one_q_class_rings_together_and_the_first_2xx_wins),
        TEST(test_lower_q_classes_wait_their_turn),
        TEST(test_nobody_is_bound),
        TEST(test_3261_16_7_c_a_second_2xx_goes_up_too),
        TEST(test_3261_16_7_c_a_2xx_after_a_refusal_over_tcp),
        TEST(test_3261_16_7_c_a_2xx_when_the_caller_s_transaction_has_ended),
        TEST(test_3261_16_7_d_a_6xx_ends_the_search),
        TEST(test_3261_16_7_d_flows_of_others_are_not_tried_after_a_6xx),
        TEST(test_3261_16_7_c_a_2xx_after_a_6xx_goes_up),
        TEST(test_3261_16_7_e_the_best_of_the_finals),
        TEST(test_3261_16_7_g_a_503_goes_up_as_500),
        TEST(test_3261_16_7_h_the_challenges_of_all_go_up_together),
        TEST(test_a_retransmitted_final_is_not_sent_up_again),
        TEST(test_4320_4_a_no_408_to_a_non_invite),
        TEST(test_4320_4_a_a_408_from_downstream_is_not_sent_up_either),
        TEST(test_4320_4_a_another_final_outranks_the_silence),
        TEST(test_5626_7_b_non_invites_fail_over_too),
        TEST(test_the_first_2xx_of_a_non_invite_is_the_only_one),
        TEST(test_next_after_rings_the_next_beside),
        TEST(test_next_after_when_nothing_rings_the_next_is_tried_at_once),
        TEST(test_next_after_ends_with_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
