// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

/* CANCEL: whom it reaches, and when. Alice is the caller, at 5070. */

enum { T1_64 = 32000 };

static void test_3261_9_a_cancel_waits_for_a_provisional(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_cancels(stage);
    stage_advance(stage, 400);
    stage_silent(stage);
    stage_response(stage, invite, 100, NULL);
    struct sent *cancel = stage_sent_to(stage, "CANCEL", 5080);
    stage_response(stage, cancel, 200, NULL);
    stage_refuses(stage, invite, 487, NULL);
    stage_hears(stage, 487);
    stage_ends(stage);
}

static void test_3261_9_a_cancel_reaches_all_that_ring_and_starts_no_other(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_phone(stage, (struct phone){.port = 5082, .more = ";q=0.1"});
    stage_call(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    stage_response(stage, first, 180, NULL);
    stage_hears(stage, 180);
    stage_response(stage, second, 180, NULL);
    stage_hears(stage, 180);
    stage_cancels(stage);
    struct sent *cancels[] = {stage_sent(stage, "CANCEL"), stage_sent(stage, "CANCEL")};
    assert_int_not_equal(sent_port(cancels[0]), sent_port(cancels[1]));
    stage_refuses(stage, first, 487, NULL);
    stage_silent(stage);
    stage_refuses(stage, second, 486, NULL);
    struct sent *refusal = stage_hears(stage, 486);
    assert_non_null(refusal);
    stage_silent(stage);
}

static void test_3261_9_a_cancel_after_a_failover_reaches_the_branch_that_lives(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    stage_call(stage, "one");
    struct sent *first = stage_sent(stage, "INVITE");
    struct peer dead = first->peer;
    stage_flow_dies(stage, &dead);
    struct sent *second = stage_sent(stage, "INVITE");
    stage_response(stage, second, 180, NULL);
    stage_hears(stage, 180);
    stage_cancels(stage);
    stage_sent_to(stage, "CANCEL", sent_port(second));
    stage_silent(stage);
    stage_refuses(stage, second, 487, NULL);
    stage_hears(stage, 487);
    stage_ends(stage);
}

static void test_3261_9_a_cancel_of_one_that_rang_on_a_flow_now_dead(void **state)
{
    struct stage *stage = *state;
    struct peer first = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    struct peer second = stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    struct peer used = invite->peer, other = used.connection == first.connection ? second : first;
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_flow_dies(stage, &used);
    stage_cancels(stage);
    stage_sent_to(stage, "CANCEL", address_port(&other.address));
    stage_hears(stage, 487);
    stage_ends(stage);
}

static void test_3261_9_a_a_2xx_that_crosses_the_cancel_goes_up(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_cancels(stage);
    stage_sent_to(stage, "CANCEL", 5080);
    stage_response(stage, invite, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

static void test_3261_9_a_a_cancelled_phone_that_never_answers_is_given_up(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .tcp = true});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_cancels(stage);
    stage_sent_to(stage, "CANCEL", 5080);
    stage_advance(stage, T1_64 - 1);
    stage_silent(stage);
    stage_advance(stage, 1);
    stage_hears(stage, 487);
    stage_ends(stage);
}

static void test_3261_9_a_a_retransmitted_cancel_is_answered_alike(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stage_alice();
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    stage_response(stage, stage_sent(stage, "INVITE"), 180, NULL);
    stage_hears(stage, 180);
    stage_request(stage, &caller, (struct request){.method = "CANCEL"});
    struct sent *first = stage_hears(stage, 200);
    stage_sent(stage, "CANCEL");
    stage_request(stage, &caller, (struct request){.method = "CANCEL"});
    assert_string_equal(stage_hears(stage, 200)->bytes, first->bytes);
    stage_silent(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_3261_9_a_cancel_waits_for_a_provisional),
        TEST(test_3261_9_a_cancel_reaches_all_that_ring_and_starts_no_other),
        TEST(test_3261_9_a_cancel_after_a_failover_reaches_the_branch_that_lives),
        TEST(test_3261_9_a_cancel_of_one_that_rang_on_a_flow_now_dead),
        TEST(test_3261_9_a_a_2xx_that_crosses_the_cancel_goes_up),
        TEST(test_3261_9_a_a_cancelled_phone_that_never_answers_is_given_up),
        TEST(test_3261_9_a_a_retransmitted_cancel_is_answered_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
