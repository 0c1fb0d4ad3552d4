// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "call_stage.h"
#include "core/code.h"

/* The life of one request in the model of the call, event by event. A and B are bob's instances: flows 1 and 2 are A's,
   3 and 4 B's, of which 1 and 3 ring first. */

static struct call_stage stage;

static void begin(enum method method, uint32_t max_breadth, uint32_t ring_next_ms)
{
    stage.heap = true;
    call_stage_begin(&stage, method, ROLE_PROXY, max_breadth, ring_next_ms);
}

static int teardown(void **state)
{
    (void)state;
    call_stage_end(&stage);
    size_t live = stage.live;
    const char *broken = stage.broken;
    stage = (struct call_stage){0};
    return live == 0 && broken == NULL ? 0 : -1;
}

/* The branch that waits on this flow; 0: that of a URI. */
static struct stage_branch *waits_on(flow_id flow)
{
    struct stage_branch *branch;
    for (unsigned place = 0; (branch = call_stage_branch(&stage, place, false)) != NULL; place++)
        if (branch->model.target->flow == flow)
            return branch;
    fail_msg("no branch waits on flow %u", (unsigned)flow);
    return NULL;
}

static void comes(flow_id flow, uint16_t code)
{
    call_stage_event(&stage, waits_on(flow), &(struct stage_event){code, ORIGIN_WIRE, VERDICT_COUNT, 0});
}

static void is_lost(flow_id flow, enum origin origin)
{
    call_stage_event(&stage, waits_on(flow), &(struct stage_event){0, (uint8_t)origin, VERDICT_COUNT, 0});
}

static void is_judged(flow_id flow, uint16_t code, enum verdict_kind verdict, uint16_t status)
{
    call_stage_event(&stage, waits_on(flow), &(struct stage_event){code, ORIGIN_WIRE, (uint8_t)verdict, status});
}

static unsigned pending(void)
{
    return call_pending(&stage.model, NULL);
}

static void assert_up(uint16_t status)
{
    assert_int_equal(pending(), 0);
    assert_int_equal(stage.finals, 1);
    assert_int_equal(stage.status, status);
}

static void test_5626_7_b_a_430_is_replaced_by_another_flow_of_the_instance(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    assert_int_equal(pending(), 2);
    comes(1, 430);
    waits_on(2);
    comes(3, 486);
    comes(2, 200);
    assert_int_equal(stage.status, 200);
}

static void test_5626_7_b_a_flow_registered_meanwhile_is_found(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    comes(1, 430);
    stage.registers_flow = true;
    comes(2, 430);
    waits_on(5);
}

static void test_5626_7_c_an_instance_that_answered_gets_no_further_request(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    comes(1, 486);
    comes(3, 480);
    waits_on(0); /* the plain target is all that is left */
    comes(0, 404);
    assert_int_equal(stage.starts, 3);
    assert_int_equal(stage.finals, 1);
}

static void test_5626_7_f_a_dead_flow_goes_with_its_untried_targets(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    is_lost(1, ORIGIN_FLOW_DOWN);
    assert_true(stage.flow_dropped[1]);
    waits_on(2);
}

static void test_5626_7_h_a_branch_that_rang_waits_and_takes_a_living_flow(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    comes(1, 180);
    is_lost(1, ORIGIN_FLOW_DOWN);
    assert_int_equal(stage.starts, 2);
    assert_int_equal(stage.moved_to, 2);
    comes(1, 200);
    assert_int_equal(stage.successes, 1);
}

static void test_5626_7_h_it_takes_a_flow_registered_meanwhile_where_no_other_lives(void **state)
{
    struct stage_branch *branch;
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    branch = waits_on(1);
    comes(1, 180);
    stage.flow_dead[2] = true;
    stage.registers_flow = true;
    assert_false(call_flow_down(&branch->model));
    assert_int_equal(stage.moved_to, 5);
}

static void test_5626_7_h_a_silent_branch_fails_at_once(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    assert_true(call_flow_down(&waits_on(1)->model));
}

static void test_5626_7_h_a_branch_that_fails_at_once_seeks_no_other_flow(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    assert_true(call_flow_down(&waits_on(1)->model));
    call_seek_flows(&stage.model);
    assert_int_equal(stage.moved_to, 0);
}

static void test_3261_9_a_cancel_does_not_wait_for_a_dead_flow(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    comes(3, 486);
    comes(1, 180);
    is_lost(1, ORIGIN_FLOW_DOWN);
    assert_int_equal(pending(), 1);
    call_stage_cancel(&stage);
    assert_int_equal(pending(), 0);
    assert_int_equal(stage.status, 486);
}

static void test_3261_9_a_a_cancelled_call_ends_with_487(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    call_stage_cancel(&stage);
    assert_int_equal(pending(), 2);
    is_lost(1, ORIGIN_TIMEOUT);
    is_lost(3, ORIGIN_TIMEOUT);
    assert_up(487);
}

static void test_3261_16_7_c_a_2xx_cancels_the_others(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    comes(1, 200);
    assert_int_equal(stage.successes, 1);
    assert_true(waits_on(3)->cancelled);
    comes(3, 200);
    assert_int_equal(stage.successes, 2);
    assert_int_equal(stage.finals, 0);
}

static void test_3261_16_7_d_a_6xx_ends_the_search_whatever_the_policy_has_said(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    is_judged(3, 486, VERDICT_FAIL, 480);
    comes(1, 603);
    assert_up(603);
}

static void test_3261_16_7_d_a_6xx_goes_up_when_the_others_have_ended(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    comes(1, 603);
    assert_true(waits_on(3)->cancelled);
    assert_int_equal(stage.finals, 0);
    comes(3, 487);
    assert_up(603);
}

static void test_a_6xx_ends_its_branch_alone_where_the_host_wants_that(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    stage.model.plain_6xx = true;
    comes(1, 603);
    assert_false(waits_on(3)->cancelled);
    comes(3, 486);
    comes(0, 404);
    assert_up(603);
}

static void test_3261_16_7_d_a_policy_may_go_on_after_such_a_6xx(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    stage.model.plain_6xx = true;
    comes(1, 486);
    comes(3, 486);
    stage.last_verdict = VERDICT_RELAY;
    comes(0, 603);
    assert_int_equal(stage.finals, 0);
    comes(0, 404);
    assert_up(603);
}

static void test_3261_16_7_d_a_policy_may_answer_in_place_of_such_a_6xx(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    stage.model.plain_6xx = true;
    comes(1, 486);
    comes(3, 486);
    is_judged(0, 603, VERDICT_FAIL, 480);
    assert_up(480);
}

static void test_a_branch_that_is_withdrawn_is_not_replaced(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    call_branch_withdraw(&waits_on(3)->model);
    comes(1, 486);
    comes(0, 486);
    assert_up(486);
}

static void test_5626_11_5_b_a_430_never_outranks_another_final(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    comes(1, 486);
    comes(3, 430);
    comes(4, 430);
    comes(0, 430);
    assert_up(486);
}

static void test_5626_11_5_a_430_alone_is_480(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    comes(1, 430);
    comes(2, 430);
    comes(3, 430);
    comes(4, 430);
    comes(0, 430);
    assert_up(480);
}

static void test_5626_5_3_c_an_edge_passes_430_on(void **state)
{
    (void)state;
    stage.heap = true;
    call_stage_begin(&stage, METHOD_INVITE, ROLE_EDGE, 0, 0);
    call_stage_event(&stage, call_stage_branch(&stage, 0, false),
                     &(struct stage_event){0, ORIGIN_FLOW_DOWN, VERDICT_COUNT, 0});
    assert_up(430);
}

static void test_5626_5_3_c_an_edge_that_sent_nothing_answers_480(void **state)
{
    (void)state;
    stage.heap = true;
    call_stage_begin(&stage, METHOD_INVITE, ROLE_EDGE, 0, 0);
    call_stage_branch(&stage, 0, false)->model.withheld = true;
    call_stage_event(&stage, call_stage_branch(&stage, 0, false),
                     &(struct stage_event){0, ORIGIN_FLOW_DOWN, VERDICT_COUNT, 0});
    assert_up(480);
}

static void test_4320_4_a_silence_is_answered_with_silence(void **state)
{
    (void)state;
    begin(METHOD_MESSAGE, 0, 0);
    while (pending() > 0)
        call_stage_event(&stage, call_stage_branch(&stage, 0, false),
                         &(struct stage_event){0, ORIGIN_TIMEOUT, VERDICT_COUNT, 0});
    assert_true(stage.silent);
}

static void test_5393_5_a_max_breadth_1_tries_in_turn(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 1, 0);
    assert_int_equal(pending(), 1);
    comes(1, 486);
    assert_int_equal(pending(), 1);
    comes(3, 486);
    comes(0, 486);
    assert_up(486);
}

/* A second AOR whose target belongs to the open class, before anything was sent. */
static void another_user_is_added(void)
{
    const struct target target = {.uri = TEXT("sip:carol@192.0.2.9"),
                                  .aor = TEXT("sip:carol@example.com"),
                                  .q = 10,
                                  .lift = (int16_t)target_lift(stage.model.targets, 10)};
    assert_int_equal(target_add(stage.model.targets, &target), 0);
}

static uint32_t breadth_of_pending(uint32_t *least)
{
    uint32_t sum = 0;
    *least = UINT32_MAX;
    for (const struct call_branch *branch = stage.model.branches; branch != NULL; branch = branch->next) {
        sum += branch->breadth;
        *least = branch->breadth < *least ? branch->breadth : *least;
    }
    return sum;
}

static void test_5393_5_a_a_second_aor_gets_a_share_of_what_was_not_sent(void **state)
{
    uint32_t least;
    (void)state;
    begin(METHOD_INVITE, 60, 0);
    const unsigned before = pending();
    another_user_is_added();
    assert_int_equal(call_start_with_unsent(&stage.model), 1);
    assert_int_equal(pending(), before + 1);
    assert_int_equal(breadth_of_pending(&least), 60);
    assert_int_equal(least, 60 / (before + 1));
}

static void test_5393_5_a_a_second_aor_waits_where_max_breadth_does_not_suffice(void **state)
{
    uint32_t least;
    (void)state;
    begin(METHOD_INVITE, 1, 0);
    another_user_is_added();
    assert_int_equal(call_start_with_unsent(&stage.model), 0);
    assert_int_equal(breadth_of_pending(&least), 1);
    comes(1, 486);
    assert_int_equal(pending(), 1);
}

static void test_with_next_after_a_second_aor_waits_for_its_turn(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 20000);
    another_user_is_added();
    assert_int_equal(call_start_with_unsent(&stage.model), 0);
    assert_int_equal(pending(), 1);
}

static void test_next_after_rings_the_next_target_beside(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 20000);
    assert_int_equal(pending(), 1);
    assert_true(stage.rings_later);
    call_stage_ring(&stage);
    assert_int_equal(pending(), 2);
    call_stage_ring(&stage);
    assert_int_equal(pending(), 3);
}

static void test_3261_16_7_i_a_followed_3xx_does_not_go_up(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    comes(3, 486);
    comes(1, 302);
    comes(0, 486); /* the Contact, of the higher class */
    comes(0, 486);
    assert_up(486);
}

static void test_verdicts_beside_a_decision_and_in_its_place(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    is_judged(1, 503, VERDICT_RETRY_AFTER, 0);
    assert_true(stage.model.has_retry_after);
    is_judged(3, 486, VERDICT_RELAY, 0);
    assert_int_equal(pending(), 1);
    is_judged(0, 180, VERDICT_FAIL, 404);
    assert_true(waits_on(0)->cancelled);
    comes(0, 487);
    assert_up(404);
}

static void test_exhausted_may_name_a_last_target(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    comes(1, 486);
    comes(3, 486);
    stage.last_verdict = VERDICT_RELAY;
    comes(0, 486);
    assert_int_equal(pending(), 1);
    comes(0, 200);
    assert_int_equal(stage.successes, 1);
}

static void test_a_verdict_that_would_break_a_guardrail_is_refused_counted_and_logged(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 0, 0);
    is_judged(1, 486, VERDICT_NEXT_FLOW, 0);
    assert_int_equal(stage.counted[CALL_VERDICT_REFUSED], 1);
    assert_string_equal(stage.logged, "verdict next_flow on 486 refused: it would break rule 5626-7.c");
    is_judged(3, 486, VERDICT_FAIL, 430);
    assert_int_equal(stage.counted[CALL_VERDICT_REFUSED], 2);
    assert_int_equal(stage.counted[CALL_VERDICT], 0);
    comes(0, 486);
    assert_up(486);
}

/* What is in flight already: nothing further is begun, and the request is refused where nothing was. */
static void test_5393_5_a_a_call_beyond_the_load_begins_no_branch(void **state)
{
    struct fake_host fake;
    struct load_table *table;
    const struct load_request request = {TEXT("id"), TEXT("tag"), TEXT("INVITE"), 1, 7};
    (void)state;
    fake_host_create(&fake);
    assert_int_equal(load_table_new(&table, &fake.host, &(struct load_limits){.transactions = 1}), 0);
    begin(METHOD_INVITE, 0, 0);
    assert_int_equal(load_enter(table, &request, &stage.model.load), 0);
    load_begin(stage.model.load, 100);
    comes(1, 430);
    assert_int_equal(stage.counted[CALL_FAILOVER], 1); /* it replaces a branch that was counted */
    comes(2, 486);
    assert_int_equal(pending(), 1); /* what was waiting for Max-Breadth is not begun */
    unsigned refused = stage.counted[CALL_LOAD_IN_TOTAL];
    assert_false(call_has_room(&stage.model));
    assert_int_equal(call_refusal(&stage.model), 503);
    assert_int_equal(stage.counted[CALL_LOAD_IN_TOTAL], refused + 1);
    load_end(stage.model.load, 100);
    assert_true(call_has_room(&stage.model));
    assert_int_equal(call_refusal(&stage.model), 0);
    load_leave(stage.model.load);
    stage.model.load = NULL;
    load_table_delete(table);
    assert_int_equal(fake.allocated, 0);
}

static void test_5393_5_a_without_breadth_a_call_is_refused_with_440(void **state)
{
    (void)state;
    begin(METHOD_INVITE, 2, 0);
    unsigned waits = stage.counted[CALL_BREADTH_WAIT];
    assert_false(call_has_room(&stage.model));
    assert_int_equal(stage.counted[CALL_BREADTH_WAIT], waits + 1);
    assert_int_equal(call_refusal(&stage.model), 440);
}

/* A call with a dead flow, a registration meanwhile, a redirection and a last target. */
static void run_long_call(uint64_t fails_at)
{
    static const struct stage_event events[] = {
        {0, ORIGIN_FLOW_DOWN, VERDICT_COUNT, 0}, {430, ORIGIN_WIRE, VERDICT_COUNT, 0},
        {302, ORIGIN_WIRE, VERDICT_COUNT, 0},    {486, ORIGIN_WIRE, VERDICT_RELAY, 0},
        {0, ORIGIN_TIMEOUT, VERDICT_COUNT, 0},   {503, ORIGIN_WIRE, VERDICT_COUNT, 0},
    };
    stage.heap = true;
    stage.fails_at = fails_at;
    call_stage_begin(&stage, METHOD_INVITE, ROLE_PROXY, 0, 0);
    stage.registers_flow = true;
    stage.last_verdict = VERDICT_RELAY;
    for (size_t i = 0; pending() > 0; i++)
        call_stage_event(&stage, call_stage_branch(&stage, 0, false), &events[i % (sizeof events / sizeof events[0])]);
    assert_true(call_stage_is_over(&stage));
}

static void test_every_allocation_may_fail_once(void **state)
{
    uint64_t count = 0, fails_at = 0;
    (void)state;
    do {
        run_long_call(++fails_at);
        count = stage.allocations;
        assert_null(stage.broken);
        call_stage_end(&stage);
        assert_int_equal(stage.live, 0);
        stage = (struct call_stage){0};
    } while (fails_at <= count);
    assert_true(fails_at > 10);
    run_long_call(0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_5626_7_b_a_430_is_replaced_by_another_flow_of_the_instance),
        TEST(test_5626_7_b_a_flow_registered_meanwhile_is_found),
        TEST(test_5626_7_c_an_instance_that_answered_gets_no_further_request),
        TEST(test_5626_7_f_a_dead_flow_goes_with_its_untried_targets),
        TEST(test_5626_7_h_a_branch_that_rang_waits_and_takes_a_living_flow),
        TEST(test_5626_7_h_it_takes_a_flow_registered_meanwhile_where_no_other_lives),
        TEST(test_5626_7_h_a_silent_branch_fails_at_once),
        TEST(test_5626_7_h_a_branch_that_fails_at_once_seeks_no_other_flow),
        TEST(test_3261_9_a_cancel_does_not_wait_for_a_dead_flow),
        TEST(test_3261_9_a_a_cancelled_call_ends_with_487),
        TEST(test_3261_16_7_c_a_2xx_cancels_the_others),
        TEST(test_3261_16_7_d_a_6xx_ends_the_search_whatever_the_policy_has_said),
        TEST(test_3261_16_7_d_a_6xx_goes_up_when_the_others_have_ended),
        TEST(test_a_6xx_ends_its_branch_alone_where_the_host_wants_that),
        TEST(test_3261_16_7_d_a_policy_may_go_on_after_such_a_6xx),
        TEST(test_3261_16_7_d_a_policy_may_answer_in_place_of_such_a_6xx),
        TEST(test_a_branch_that_is_withdrawn_is_not_replaced),
        TEST(test_5626_11_5_b_a_430_never_outranks_another_final),
        TEST(test_5626_11_5_a_430_alone_is_480),
        TEST(test_5626_5_3_c_an_edge_passes_430_on),
        TEST(test_5626_5_3_c_an_edge_that_sent_nothing_answers_480),
        TEST(test_4320_4_a_silence_is_answered_with_silence),
        TEST(test_5393_5_a_max_breadth_1_tries_in_turn),
        TEST(test_5393_5_a_a_second_aor_gets_a_share_of_what_was_not_sent),
        TEST(test_5393_5_a_a_second_aor_waits_where_max_breadth_does_not_suffice),
        TEST(test_with_next_after_a_second_aor_waits_for_its_turn),
        TEST(test_next_after_rings_the_next_target_beside),
        TEST(test_3261_16_7_i_a_followed_3xx_does_not_go_up),
        TEST(test_verdicts_beside_a_decision_and_in_its_place),
        TEST(test_exhausted_may_name_a_last_target),
        TEST(test_a_verdict_that_would_break_a_guardrail_is_refused_counted_and_logged),
        TEST(test_5393_5_a_a_call_beyond_the_load_begins_no_branch),
        TEST(test_5393_5_a_without_breadth_a_call_is_refused_with_440),
        TEST(test_every_allocation_may_fail_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
