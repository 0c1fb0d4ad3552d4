// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"
#include "standalone/server/server_private.h"
#include "flow/target.h"
#include "standalone/server/rest.h"

#include <errno.h>

/* Destinations that did not answer at all are tried last for a time (3263-4.3.b). The trunks are at 5091 and 5092. */

enum { T1_64 = 32000, REST_S = 30 };

static int setup(void **state)
{
    struct stage *stage = stage_begin(state);
    stage->config.rest_silent = REST_S;
    stage_open(stage);
    return 0;
}

static int setup_without(void **state)
{
    struct stage *stage = stage_begin(state);
    stage_open(stage);
    return 0;
}

/* First one trunk, then the other. */
static const char two_trunks[] =
    "sip_on_request('INVITE', function() return sip_relay('sip:1@127.0.0.1:5091') end)\n"
    "sip_on_exhausted(function(r) if r.branches == 1 then return sip_relay('sip:1@127.0.0.1:5092') end end)\n";

/* Two Contacts of bob in two classes. */
static void two_phones(struct stage *stage, const char *second_q)
{
    stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.9"});
    stage_phone(stage, (struct phone){.port = 5081, .more = second_q});
}

/* All that the port gets until now; returns how many INVITEs that were. */
static unsigned takes_invites(struct stage *stage, uint16_t port)
{
    unsigned count = 0;
    struct sent *sent;
    while ((sent = fake_wire_take(&stage->wire)) != NULL)
        count += sent_starts(sent, "INVITE ") && sent_port(sent) == port;
    return count;
}

/* The phone at 5080 is silent in the call "one", and the one at 5081 takes it. */
static void first_is_silent(struct stage *stage)
{
    stage_call(stage, "one");
    stage_advance(stage, T1_64 - 1);
    assert_int_equal(takes_invites(stage, 5080), 7);
    stage_advance(stage, 1);
    stage_response(stage, stage_sent_to(stage, "INVITE", 5081), 200, NULL);
    stage_hears(stage, 200);
    assert_int_equal(stage_count(stage, "silences"), 1);
    assert_int_equal(stage_count(stage, "silent"), 1);
    assert_int_equal(stage_count(stage, "resting"), 0);
}

static void test_3263_4_3_b_a_silent_destination_is_tried_last(void **state)
{
    struct stage *stage = *state;
    two_phones(stage, ";q=0.1");
    first_is_silent(stage);
    stage_call(stage, "two");
    struct sent *second = stage_sent_to(stage, "INVITE", 5081);
    stage_silent(stage); /* serial forking stays serial */
    stage_refuses(stage, second, 486, NULL);
    stage_response(stage, stage_sent_to(stage, "INVITE", 5080), 200, NULL); /* last, but not left out */
    stage_hears(stage, 200);
}

static void test_3263_4_3_b_the_rest_ends_after_its_time(void **state)
{
    struct stage *stage = *state;
    two_phones(stage, ";q=0.1");
    first_is_silent(stage);
    stage_advance(stage, REST_S * 1000 - 1);
    stage_discard(stage);
    stage_call(stage, "two");
    stage_sent_to(stage, "INVITE", 5081);
    stage_advance(stage, 1);
    stage_discard(stage);
    stage_call(stage, "three");
    stage_sent_to(stage, "INVITE", 5080);
}

static void test_3263_4_3_b_an_answer_ends_the_rest_at_once(void **state)
{
    struct stage *stage = *state;
    two_phones(stage, ";q=0.1");
    first_is_silent(stage);
    stage_call(stage, "two");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5081), 486, NULL);
    struct sent *first = stage_sent_to(stage, "INVITE", 5080);
    stage_response(stage, first, 100, NULL);
    assert_int_equal(stage_count(stage, "silent"), 0);
    stage_call(stage, "three");
    stage_sent_to(stage, "INVITE", 5080);
}

static void test_3263_4_3_b_who_has_answered_anything_is_not_silent(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    stage_response(stage, stage_sent_to(stage, "INVITE", 5080), 100, NULL);
    stage_advance(stage, 250000); /* timer C, and 64*T1 for the CANCEL */
    assert_true(stage_discard(stage) > 0);
    assert_int_equal(stage_count(stage, "response_contexts"), 0);
    assert_int_equal(stage_count(stage, "silences"), 0);
    stage_request(stage, &(struct peer){.address = stage_alice().address},
                  (struct request){.method = "MESSAGE", .call = "m"});
    stage_response(stage, stage_sent_to(stage, "MESSAGE", 5080), 100, NULL);
    stage_advance(stage, T1_64);
    assert_int_equal(stage_count(stage, "silences"), 0);
    assert_int_equal(stage_count(stage, "silent"), 0);
}

static void test_3263_4_3_b_timer_f_counts_as_timer_b_does(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    stage_phone(stage, (struct phone){.port = 5080});
    stage_request(stage, &alice, (struct request){.method = "PROBE", .call = "p"});
    stage_advance(stage, T1_64);
    assert_int_equal(stage_count(stage, "silences"), 0); /* a method that it may not know */
    stage_request(stage, &alice, (struct request){.method = "MESSAGE", .call = "m"});
    stage_advance(stage, T1_64);
    assert_int_equal(stage_count(stage, "silences"), 1);
}

static void test_3263_4_3_b_a_single_target_rings_at_once(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    stage_advance(stage, T1_64);
    assert_int_equal(stage_count(stage, "silent"), 1);
    stage_discard(stage);
    stage_call(stage, "two");
    stage_response(stage, stage_sent_to(stage, "INVITE", 5080), 200, NULL);
    stage_hears(stage, 200);
    assert_int_equal(stage_count(stage, "silent"), 0);
}

/* Nothing waits for its end, so it delays nobody. */
static void test_3263_4_3_b_parallel_forking_stays_parallel(void **state)
{
    struct stage *stage = *state;
    two_phones(stage, ";q=0.9");
    stage_call(stage, "one");
    struct sent *silent = stage_sent_to(stage, "INVITE", 5080);
    assert_non_null(silent);
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5081), 486, NULL);
    stage_advance(stage, T1_64);
    assert_int_equal(stage_count(stage, "silent"), 1);
    stage_discard(stage);
    stage_call(stage, "two");
    stage_sent_to(stage, "INVITE", 5081);
    stage_sent_to(stage, "INVITE", 5080);
    stage_silent(stage);
}

/* ... but it must not delay the next class. */
static void test_3263_4_3_b_a_silent_target_does_not_hold_the_next_class_up(void **state)
{
    struct stage *stage = *state;
    two_phones(stage, ";q=0.9");
    stage_phone(stage, (struct phone){.port = 5082, .more = ";q=0.1"});
    stage_call(stage, "one");
    stage_sent_to(stage, "INVITE", 5080);
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5081), 486, NULL);
    stage_advance(stage, T1_64);
    stage_discard(stage);
    stage_call(stage, "two");
    struct sent *second = stage_sent_to(stage, "INVITE", 5081);
    stage_silent(stage);
    stage_refuses(stage, second, 486, NULL);
    struct sent *third = stage_sent_to(stage, "INVITE", 5082);
    stage_silent(stage);
    stage_refuses(stage, third, 486, NULL);
    stage_sent_to(stage, "INVITE", 5080);
}

static void test_3263_4_3_b_next_after_calls_a_silent_target_last(void **state)
{
    struct stage *stage = *state;
    two_phones(stage, ";q=0.1");
    stage_script(stage, "sip_on_request('INVITE', function() return sip_route{next_after = 5} end)\n");
    stage_call(stage, "one");
    stage_advance(stage, 4999);
    assert_true(takes_invites(stage, 5080) > 1);
    stage_advance(stage, 1);
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5081), 486, NULL);
    stage_advance(stage, T1_64);
    stage_discard(stage);
    assert_int_equal(stage_count(stage, "silent"), 1);
    stage_call(stage, "two");
    stage_response(stage, stage_sent_to(stage, "INVITE", 5081), 180, NULL);
    stage_hears(stage, 180);
    stage_advance(stage, 4999);
    stage_silent(stage);
    stage_advance(stage, 1);
    stage_sent_to(stage, "INVITE", 5080);
}

static void test_3263_4_3_b_it_can_be_switched_off(void **state)
{
    struct stage *stage = *state;
    two_phones(stage, ";q=0.1");
    stage_call(stage, "one");
    stage_advance(stage, T1_64);
    stage_discard(stage);
    assert_int_equal(stage_count(stage, "silent"), 0);
    stage_call(stage, "two");
    stage_sent_to(stage, "INVITE", 5080);
}

/* An outbound flow has rules of its own. */
static void test_5626_7_d_a_silent_flow_does_not_rest(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_call(stage, "one");
    stage_advance(stage, T1_64);
    assert_int_equal(stage_count(stage, "silences"), 0);
    assert_int_equal(stage_count(stage, "silent"), 0);
}

/* --- who has named it --- */

static void relay_to(struct stage *stage, const char *first, const char *second)
{
    char script[400];
    snprintf(script, sizeof script,
             "sip_on_request('INVITE', function() return sip_relay('%s') end)\n"
             "sip_on_exhausted(function(r) if r.branches == 1 then return sip_relay('%s') end end)\n",
             first, second);
    stage_script(stage, script);
}

/* A redirection by the policy's own trunk: three targets, of which the last two come from the 3xx. */
static void redirected_to(struct stage *stage, const char *call, const char *contacts, uint16_t first)
{
    stage_call(stage, call);
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5090), 302, contacts);
    stage_sent_to(stage, "INVITE", first);
}

static void test_3263_4_3_b_a_redirection_tries_the_silent_one_last(void **state)
{
    struct stage *stage = *state;
    static const char contacts[] = "Contact: <sip:1@127.0.0.1:5091>;q=0.9\nContact: <sip:1@127.0.0.1:5092>;q=0.1\n";
    stage_script(stage, "sip_on_request('INVITE', function() return sip_relay('sip:1@127.0.0.1:5090', "
                        "{recurse = true}) end)\n");
    redirected_to(stage, "one", contacts, 5091);
    stage_advance(stage, T1_64);
    stage_discard(stage);
    redirected_to(stage, "two", contacts, 5092);
    stage_silent(stage);
}

/* A registered Contact may be the address of a trunk; by another transport, or if it ignores the caller, the trunk is
   silent. That must not keep the policy's calls from it. */
static void test_3263_4_3_b_a_contact_cannot_let_a_trunk_of_the_policy_rest(void **state)
{
    struct stage *stage = *state;
    struct target target = {.uri = TEXT("sip:1@127.0.0.1:5091")};
    stage_phone(stage, (struct phone){.port = 5091});
    stage_call(stage, "one");
    stage_advance(stage, T1_64);
    assert_int_equal(stage_count(stage, "silent"), 1);
    assert_true(silence_is_on(stage->server, &target));
    target.by_policy = true;
    assert_false(silence_is_on(stage->server, &target));
}

static void test_3263_4_3_b_silence_towards_the_policys_trunk_is_valid_for_all(void **state)
{
    struct stage *stage = *state;
    struct target target = {.uri = TEXT("sip:1@127.0.0.1:5091")};
    stage_script(stage, two_trunks);
    stage_call(stage, "one");
    stage_advance(stage, T1_64);
    assert_true(silence_is_on(stage->server, &target));
    target.by_policy = true;
    assert_true(silence_is_on(stage->server, &target));
    target.uri = TEXT("sip:1@127.0.0.1:5091;transport=tcp"); /* there it may answer */
    assert_false(silence_is_on(stage->server, &target));
    target.uri = TEXT("sip:1@127.0.0.1:5092");
    assert_false(silence_is_on(stage->server, &target));
    target.uri = TEXT("tel:+1");
    assert_false(silence_is_on(stage->server, &target));
    target = (struct target){.uri = TEXT("sip:1@127.0.0.1:9"), .path = TEXT("<sip:127.0.0.1:5091;lr>")};
    assert_true(silence_is_on(stage->server, &target)); /* the next hop counts */
}

/* Contacts of 1100 phones, each with its own caller. */
static void test_3263_4_3_b_no_more_than_the_most_are_remembered(void **state)
{
    struct stage *stage = *state;
    char user[16], uri[64];
    for (unsigned i = 0; i < 1100; i++) {
        snprintf(user, sizeof user, "u%u", i);
        stage_phone(stage, (struct phone){.user = user, .port = (uint16_t)(6000 + i)});
    }
    for (unsigned i = 0; i < 1100; i++) {
        struct peer caller = fake_udp((uint16_t)(20000 + i));
        snprintf(user, sizeof user, "u%u", i);
        snprintf(uri, sizeof uri, "sip:%s@example.com", user);
        stage_request(stage, &caller, (struct request){.method = "MESSAGE", .call = user, .to = user, .uri = uri});
    }
    stage_advance(stage, T1_64 - 1);
    stage_discard(stage);
    stage_advance(stage, 1);
    assert_int_equal(stage_count(stage, "silences"), 1100);
    assert_int_equal(stage_count(stage, "silent"), 1024);
    stage_advance(stage, REST_S * 1000 + 1000);
    assert_int_equal(stage_count(stage, "silent"), 0);
}

/* --- names --- */

static const uint16_t both[] = {5091, 5092, 0};

static void test_3263_4_3_b_the_other_addresses_of_a_name_come_first(void **state)
{
    struct stage *stage = *state;
    relay_to(stage, "sip:1@trunk.example.net:5091", "sip:1@127.0.0.1:5099");
    stage_call(stage, "one");
    fake_wire_resolve(&stage->wire, "trunk.example.net", both);
    stage_advance(stage, T1_64 - 1);
    assert_int_equal(takes_invites(stage, 5091), 7);
    stage_advance(stage, 1);
    stage_response(stage, stage_sent_to(stage, "INVITE", 5092), 200, NULL);
    stage_hears(stage, 200);
    assert_int_equal(stage_count(stage, "silent"), 1);
    stage_call(stage, "two");
    fake_wire_resolve(&stage->wire, "trunk.example.net", both);
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5092), 503, NULL);
    stage_response(stage, stage_sent_to(stage, "INVITE", 5091), 200, NULL);
    stage_hears(stage, 200);
    assert_int_equal(stage_count(stage, "silent"), 0);
}

static void test_3263_4_3_b_a_name_is_silent_if_all_its_addresses_are(void **state)
{
    struct stage *stage = *state;
    struct target target = {.uri = TEXT("sip:1@Trunk.example.net:5091"), .by_policy = true};
    relay_to(stage, "sip:1@trunk.example.net:5091", "sip:1@127.0.0.1:5099");
    stage_call(stage, "one");
    fake_wire_resolve(&stage->wire, "trunk.example.net", both);
    stage_advance(stage, T1_64);
    assert_false(silence_is_on(stage->server, &target));
    stage_advance(stage, T1_64);
    assert_true(silence_is_on(stage->server, &target));
    assert_int_equal(stage_count(stage, "silences"), 2);
}

static void test_3263_4_3_b_a_name_with_an_address_that_refuses_is_not_silent(void **state)
{
    struct stage *stage = *state;
    struct target target = {.uri = TEXT("sip:1@trunk.example.net:5091"), .by_policy = true};
    relay_to(stage, "sip:1@trunk.example.net:5091", "sip:1@127.0.0.1:5099");
    stage_call(stage, "one");
    fake_wire_resolve(&stage->wire, "trunk.example.net", both);
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), 503, NULL);
    stage_advance(stage, T1_64);
    assert_int_equal(stage_count(stage, "silences"), 1);
    assert_false(silence_is_on(stage->server, &target));
}

/* --- connections --- */

static void test_3263_4_3_b_a_connection_that_does_not_open_in_time_is_silence(void **state)
{
    struct stage *stage = *state;
    struct target target = {.uri = TEXT("sip:1@127.0.0.1:5091;transport=tcp"), .by_policy = true};
    relay_to(stage, "sip:1@127.0.0.1:5091;transport=tcp", "sip:1@127.0.0.1:5099");
    stage_call(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5091);
    fake_wire_close(&stage->wire, first->peer.connection);
    server_flow_down(stage->server, first->peer.connection, "connect");
    assert_true(silence_is_on(stage->server, &target));
    stage_sent_to(stage, "INVITE", 5099);
}

static void test_3263_4_3_b_a_refused_or_closed_connection_is_no_silence(void **state)
{
    struct stage *stage = *state;
    relay_to(stage, "sip:1@127.0.0.1:5091;transport=tcp", "sip:1@127.0.0.1:5099");
    stage_call(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5091);
    fake_wire_close(&stage->wire, first->peer.connection);
    server_flow_down(stage->server, first->peer.connection, "write");
    stage_sent_to(stage, "INVITE", 5099);
    assert_int_equal(stage_count(stage, "silences"), 0);
}

/* A rest that the destination or the policy wants is another thing. */
static void test_3261_21_5_4_a_an_answer_does_not_end_a_rest(void **state)
{
    struct stage *stage = *state;
    rest_set(stage->server, TEXT(""), TEXT("127.0.0.1:5091"), 300);
    stage_script(stage, two_trunks);
    stage_call(stage, "one");
    stage_advance(stage, T1_64);
    assert_int_equal(stage_count(stage, "resting"), 1);
    assert_int_equal(stage_count(stage, "silent"), 1); /* the second trunk */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_3263_4_3_b_a_silent_destination_is_tried_last),
        TEST(test_3263_4_3_b_the_rest_ends_after_its_time),
        TEST(test_3263_4_3_b_an_answer_ends_the_rest_at_once),
        TEST(test_3263_4_3_b_who_has_answered_anything_is_not_silent),
        TEST(test_3263_4_3_b_timer_f_counts_as_timer_b_does),
        TEST(test_3263_4_3_b_a_single_target_rings_at_once),
        TEST(test_3263_4_3_b_parallel_forking_stays_parallel),
        TEST(test_3263_4_3_b_a_silent_target_does_not_hold_the_next_class_up),
        TEST(test_3263_4_3_b_next_after_calls_a_silent_target_last),
        cmocka_unit_test_setup_teardown(test_3263_4_3_b_it_can_be_switched_off, setup_without, stage_teardown),
        TEST(test_5626_7_d_a_silent_flow_does_not_rest),
        TEST(test_3263_4_3_b_a_redirection_tries_the_silent_one_last),
        TEST(test_3263_4_3_b_a_contact_cannot_let_a_trunk_of_the_policy_rest),
        TEST(test_3263_4_3_b_silence_towards_the_policys_trunk_is_valid_for_all),
        TEST(test_3263_4_3_b_no_more_than_the_most_are_remembered),
        TEST(test_3263_4_3_b_the_other_addresses_of_a_name_come_first),
        TEST(test_3263_4_3_b_a_name_is_silent_if_all_its_addresses_are),
        TEST(test_3263_4_3_b_a_name_with_an_address_that_refuses_is_not_silent),
        TEST(test_3263_4_3_b_a_connection_that_does_not_open_in_time_is_silence),
        TEST(test_3263_4_3_b_a_refused_or_closed_connection_is_no_silence),
        TEST(test_3261_21_5_4_a_an_answer_does_not_end_a_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
