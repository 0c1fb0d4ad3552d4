// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "cli/simulate/simulate.h"

static const struct strategy rfc = {.kind = STRATEGY_RFC, .name = "rfc"};

/* A region of one flow each that dies at 100 s, with servers that take everything. */
static struct simulate_config unlimited(void)
{
    return (struct simulate_config){.agents = 20000,
                                    .edges = 4,
                                    .flows = 1,
                                    .region = true,
                                    .at_s = 100,
                                    .down_s = 60,
                                    .duration_s = 600,
                                    .step_s = 1,
                                    .queue_s = 5,
                                    .call_timeout_s = 32,
                                    .seed = 1};
}

static struct simulate_result run(const struct simulate_config *config, const struct strategy *strategy)
{
    struct simulate_result result;
    assert_int_equal(simulate_run(&result, config, strategy), 0);
    return result;
}

static const struct simulate_sample *last(const struct simulate_result *result)
{
    return &result->samples[result->count - 1];
}

struct witness {
    uint64_t first, first_early; /* first tries; those within a given time of the death */
    uint32_t early_ms, latest_ms;
    uint64_t second; /* after one failure, none of the agent's flows alive */
    double second_wait_ms;
    uint64_t told, deep, wrong;
    uint32_t retry_after_s;
};

static void note_first(struct witness *witness, const struct simulate_try *attempt)
{
    witness->first++;
    witness->first_early += attempt->now_ms <= witness->early_ms;
    witness->latest_ms = attempt->now_ms > witness->latest_ms ? attempt->now_ms : witness->latest_ms;
}

/* The range as RFC 5626 section 4.5 has it, reckoned apart. */
static bool in_range(const struct simulate_try *attempt)
{
    double most = attempt->any_flow_alive ? 90000 : 30000;
    for (uint32_t i = 0; i < attempt->failures; i++)
        most *= 2;
    most = most > 1800000 ? 1800000 : most;
    return attempt->waited_ms >= most / 2 && attempt->waited_ms <= most;
}

static void note(void *context, const struct simulate_try *attempt)
{
    struct witness *witness = context;
    if (attempt->failures == 0) {
        note_first(witness, attempt);
        return;
    }
    if (attempt->failures == 1 && !attempt->any_flow_alive && !attempt->told_when) {
        witness->second++;
        witness->second_wait_ms += attempt->waited_ms;
    }
    witness->deep += attempt->failures >= 4;
    witness->told += attempt->told_when;
    witness->wrong += attempt->told_when ? attempt->waited_ms != witness->retry_after_s * 1000 : !in_range(attempt);
}

/* Pings at a uniform 80 to 100 % of 100 s: until 80 s after the death, the share that has sent one is t / 90 s. */
static void test_5626_4_4_a_the_share_that_has_noticed_is_as_reckoned(void **unused)
{
    (void)unused;
    for (uint32_t after_s = 20; after_s <= 80; after_s += 20) {
        struct witness witness = {.early_ms = (100 + 10 + after_s) * 1000};
        struct simulate_config config = unlimited();
        config.flow_timer_s = 100;
        config.down_s = 300;
        config.watch = note;
        config.watch_context = &witness;
        struct simulate_result result = run(&config, &rfc);
        assert_int_equal(witness.first, config.agents);
        const double share = (double)witness.first_early / config.agents;
        assert_true(share > after_s / 90.0 - 0.012 && share < after_s / 90.0 + 0.012);
        /* 5626-4.4.b: 10 s after a ping that comes within the timer. */
        assert_true(witness.latest_ms <= (100 + 100 + 10) * 1000);
        simulate_result_destroy(&result);
    }
}

static void test_5626_4_5_b_the_first_wait_is_45_s_in_the_mean(void **unused)
{
    (void)unused;
    struct witness witness = {0};
    struct simulate_config config = unlimited();
    config.down_s = 300;
    config.watch = note;
    config.watch_context = &witness;
    struct simulate_result result = run(&config, &rfc);
    const double mean = witness.second_wait_ms / (double)witness.second;
    assert_true(witness.second > 10000);
    assert_true(mean > 44700 && mean < 45300);
    simulate_result_destroy(&result);
}

static struct simulate_config overloaded(struct witness *witness)
{
    struct simulate_config config = unlimited();
    config.flows = 2;
    config.capacity = 60;
    config.edge_capacity = 30;
    config.refusal_cost = 50;
    config.duration_s = 3600;
    config.step_s = 10;
    config.watch = note;
    config.watch_context = witness;
    return config;
}

static void test_5626_4_5_a_nobody_retries_outside_the_range(void **unused)
{
    (void)unused;
    struct witness witness = {0};
    const struct simulate_config config = overloaded(&witness);
    struct simulate_result result = run(&config, &rfc);
    assert_true(witness.deep > 1000);
    assert_int_equal(witness.told, 0);
    assert_int_equal(witness.wrong, 0);
    simulate_result_destroy(&result);
}

static void test_5626_4_2_b_retry_after_is_waited_for(void **unused)
{
    (void)unused;
    struct witness witness = {.retry_after_s = 17};
    struct simulate_config config = overloaded(&witness);
    config.retry_after_s = 17;
    struct simulate_result result = run(&config, &rfc);
    assert_true(witness.told > 1000);
    assert_int_equal(witness.wrong, 0);
    simulate_result_destroy(&result);
}

/* Until 120 s the pings find out, and nobody fails: who notices early does so 10 s after the ping. */
static void test_a_short_outage_is_over_with_the_last_ping(void **unused)
{
    (void)unused;
    struct simulate_config config = unlimited();
    config.down_s = 10;
    struct simulate_result result = run(&config, &rfc);
    assert_in_range(result.flows_after_s, 90, 120);
    assert_int_equal(last(&result)->flows_alive, config.agents);
    for (size_t i = 0; i < result.count; i++)
        assert_int_equal(result.samples[i].timed_out + result.samples[i].refused, 0);
    simulate_result_destroy(&result);
}

/* The last unlucky try is made as the outage ends: 32 s without an answer, and a wait of 60 s at most. */
static void test_without_limits_all_are_back_within_timeout_and_wait(void **unused)
{
    (void)unused;
    const struct simulate_config config = unlimited();
    struct simulate_result result = run(&config, &rfc);
    assert_in_range(result.flows_after_s, 120, 60 + 32 + 60);
    assert_int_equal(last(&result)->unreachable, 0);
    uint64_t asked = 0, failed = 0;
    for (size_t i = 0; i < result.count; i++) {
        asked += result.samples[i].asked;
        failed += result.samples[i].timed_out;
    }
    assert_int_equal(asked, config.agents + failed);
    simulate_result_destroy(&result);
}

static void test_an_outage_longer_than_the_simulation(void **unused)
{
    (void)unused;
    struct simulate_config config = unlimited();
    config.down_s = 10000;
    config.calls_per_second = 10;
    struct simulate_result result = run(&config, &rfc);
    assert_int_equal(result.reachable_after_s, SIMULATE_NEVER);
    assert_int_equal(result.flows_after_s, SIMULATE_NEVER);
    assert_true(result.unreachable_ms == (uint64_t)config.agents * 500 * 1000);
    assert_int_equal(result.calls_answered, 1000);
    assert_int_equal(result.calls_failed_over, 0);
    assert_int_equal(result.calls_lost, (500 - 32) * 10);
    assert_int_equal(last(&result)->calls_waiting, 320);
    assert_int_equal(result.peak_served, 0);
    simulate_result_destroy(&result);
}

static void test_death_at_time_0(void **unused)
{
    (void)unused;
    struct simulate_config config = unlimited();
    config.at_s = 0;
    config.down_s = 0;
    struct simulate_result result = run(&config, &rfc);
    assert_in_range(result.flows_after_s, 90, 120);
    assert_true(result.samples[0].unreachable > config.agents * 9 / 10);
    assert_int_equal(last(&result)->flows_alive, config.agents);
    simulate_result_destroy(&result);
}

static void test_5626_7_b_one_edge_of_two_flows_loses_no_call(void **unused)
{
    (void)unused;
    struct simulate_config config = unlimited();
    config.flows = 2;
    config.region = false;
    config.calls_per_second = 100;
    config.duration_s = 1000;
    struct simulate_result result = run(&config, &rfc);
    assert_int_equal(result.reachable_after_s, 0);
    assert_int_equal(result.unreachable_ms, 0);
    assert_int_equal(result.calls_lost, 0);
    assert_true(result.calls_failed_over > 500);
    assert_int_equal(result.calls_begun, 100000);
    assert_int_equal(result.calls_answered + result.calls_failed_over + last(&result)->calls_waiting, 100000);
    assert_true(result.flows_after_s > 0 && result.flows_after_s != SIMULATE_NEVER);
    simulate_result_destroy(&result);
}

static void test_no_more_is_served_than_the_capacity_and_no_call_gets_out_of_count(void **unused)
{
    (void)unused;
    static const struct strategy strategies[] = {{.kind = STRATEGY_RFC},
                                                 {.kind = STRATEGY_FIXED, .seconds = 5},
                                                 {.kind = STRATEGY_JITTER, .seconds = 30},
                                                 {.kind = STRATEGY_PACED}};
    struct witness witness = {0};
    struct simulate_config config = overloaded(&witness);
    config.watch = NULL;
    config.duration_s = 900;
    config.calls_per_second = 50;
    for (size_t i = 0; i < sizeof strategies / sizeof strategies[0]; i++) {
        struct simulate_result result = run(&config, &strategies[i]);
        uint64_t served = 0, ended = result.calls_answered + result.calls_failed_over + result.calls_lost;
        for (size_t j = 0; j < result.count; j++) {
            assert_true(result.samples[j].served <= config.capacity * config.step_s + 1);
            served += result.samples[j].served;
        }
        assert_true(served > 0 && last(&result)->flows_alive <= served);
        assert_int_equal(result.calls_begun, 45000);
        assert_int_equal(ended + last(&result)->calls_waiting, result.calls_begun);
        simulate_result_destroy(&result);
    }
}

static void test_few_and_none(void **unused)
{
    (void)unused;
    struct simulate_config config = unlimited();
    config.calls_per_second = 1;
    config.agents = 0;
    struct simulate_result result = run(&config, &rfc);
    assert_int_equal(result.count, 600);
    assert_int_equal(result.calls_begun + result.peak_asked + result.unreachable_ms, 0);
    assert_int_equal(result.reachable_after_s, 0);
    simulate_result_destroy(&result);
    config.agents = 1;
    config.edges = 1;
    result = run(&config, &rfc);
    assert_int_equal(last(&result)->flows_alive, 1);
    assert_true(result.unreachable_ms > 0 && result.unreachable_ms <= 152000);
    assert_int_equal(result.calls_begun, 600);
    simulate_result_destroy(&result);
}

static void test_the_last_step_may_be_shorter(void **unused)
{
    (void)unused;
    struct simulate_config config = unlimited();
    config.step_s = 7;
    struct simulate_result result = run(&config, &rfc);
    assert_int_equal(result.count, 86);
    assert_int_equal(result.samples[84].time_s, 595);
    assert_int_equal(last(&result)->time_s, 600);
    assert_int_equal(last(&result)->length_s, 5);
    simulate_result_destroy(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_5626_4_4_a_the_share_that_has_noticed_is_as_reckoned),
        cmocka_unit_test(test_5626_4_5_b_the_first_wait_is_45_s_in_the_mean),
        cmocka_unit_test(test_5626_4_5_a_nobody_retries_outside_the_range),
        cmocka_unit_test(test_5626_4_2_b_retry_after_is_waited_for),
        cmocka_unit_test(test_a_short_outage_is_over_with_the_last_ping),
        cmocka_unit_test(test_without_limits_all_are_back_within_timeout_and_wait),
        cmocka_unit_test(test_an_outage_longer_than_the_simulation),
        cmocka_unit_test(test_death_at_time_0),
        cmocka_unit_test(test_5626_7_b_one_edge_of_two_flows_loses_no_call),
        cmocka_unit_test(test_no_more_is_served_than_the_capacity_and_no_call_gets_out_of_count),
        cmocka_unit_test(test_few_and_none),
        cmocka_unit_test(test_the_last_step_may_be_shorter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
