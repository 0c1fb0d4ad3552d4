// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "flow/recovery.h"

enum { DRAWS = 10000 };

static uint32_t draw(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed ^ *seed >> 16;
}

/* The wait lies in [most / 2, most], reaches both ends, and its mean is that of a uniform draw. */
static void assert_recovery(uint32_t failures, bool alive, uint32_t most_ms)
{
    assert_int_equal(recovery_delay_ms(failures, alive, 0), most_ms / 2);
    assert_int_equal(recovery_delay_ms(failures, alive, UINT32_MAX), most_ms);
    uint32_t seed = failures + 1;
    double sum = 0;
    for (unsigned i = 0; i < DRAWS; i++) {
        uint32_t wait = recovery_delay_ms(failures, alive, draw(&seed));
        assert_in_range(wait, most_ms / 2, most_ms);
        sum += wait;
    }
    double mean = sum / DRAWS;
    assert_true(mean > 0.745 * most_ms && mean < 0.755 * most_ms);
}

static void test_5626_4_5_a_wait_doubles_from_its_base_to_half_an_hour(void **state)
{
    (void)state;
    static const uint32_t none_alive_s[] = {60, 120, 240, 480, 960, 1800, 1800};
    static const uint32_t one_alive_s[] = {180, 360, 720, 1440, 1800, 1800, 1800};
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(recovery_delay_ms(i + 1, false, UINT32_MAX), none_alive_s[i] * 1000);
        assert_int_equal(recovery_delay_ms(i + 1, true, UINT32_MAX), one_alive_s[i] * 1000);
    }
    assert_int_equal(recovery_delay_ms(0, false, UINT32_MAX), 0);
    assert_int_equal(recovery_delay_ms(UINT32_MAX, false, UINT32_MAX), 1800000);
}

static void test_5626_4_5_a_times_can_be_configured(void **state)
{
    (void)state;
    const struct recovery_times times = {.base_ms = 10, .base_alive_ms = 30, .most_ms = 100};
    static const uint32_t none_alive_ms[] = {20, 40, 80, 100, 100}, one_alive_ms[] = {60, 100, 100, 100, 100};
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(recovery_wait_ms(&times, i + 1, false, UINT32_MAX), none_alive_ms[i]);
        assert_int_equal(recovery_wait_ms(&times, i + 1, false, 0), none_alive_ms[i] / 2);
        assert_int_equal(recovery_wait_ms(&times, i + 1, true, UINT32_MAX), one_alive_ms[i]);
    }
    assert_int_equal(recovery_wait_ms(&times, 0, true, UINT32_MAX), 0);
    const struct recovery_times one = {.base_ms = 1000};
    assert_int_equal(recovery_wait_ms(&one, 1, false, UINT32_MAX), 2000);
    assert_int_equal(recovery_wait_ms(&one, 1, true, UINT32_MAX), 180000);
    const struct recovery_times longest = {.base_ms = UINT32_MAX, .most_ms = UINT32_MAX};
    assert_int_equal(recovery_wait_ms(&longest, 1, false, UINT32_MAX), UINT32_MAX);
}

static void test_5626_4_5_b_wait_is_uniform_between_half_and_whole(void **state)
{
    (void)state;
    assert_recovery(1, false, 60000);
    assert_recovery(3, true, 720000);
    assert_recovery(40, false, 1800000);
}

static void test_5626_4_4_a_ping_within_flow_timer(void **state)
{
    (void)state;
    static const uint32_t timers[] = {1, 2, 25, 120, 3600};
    uint32_t seed = 9;
    for (size_t t = 0; t < sizeof timers / sizeof *timers; t++) {
        uint32_t timer = timers[t];
        assert_int_equal(keepalive_interval_ms(KEEPALIVE_STREAM, timer, 0), timer * 800);
        assert_int_equal(keepalive_interval_ms(KEEPALIVE_STUN, timer, UINT32_MAX), timer * 1000);
        for (unsigned i = 0; i < DRAWS; i++)
            assert_in_range(keepalive_interval_ms(KEEPALIVE_STREAM, timer, draw(&seed)), timer * 800, timer * 1000);
    }
}

static void test_5626_4_4_a_ping_without_flow_timer(void **state)
{
    (void)state;
    uint32_t seed = 10;
    assert_int_equal(keepalive_interval_ms(KEEPALIVE_STREAM, 0, 0), 95000);
    assert_int_equal(keepalive_interval_ms(KEEPALIVE_STREAM, 0, UINT32_MAX), 120000);
    assert_int_equal(keepalive_interval_ms(KEEPALIVE_STUN, 0, 0), 24000);
    assert_int_equal(keepalive_interval_ms(KEEPALIVE_STUN, 0, UINT32_MAX), 29000);
    for (unsigned i = 0; i < DRAWS; i++) {
        assert_in_range(keepalive_interval_ms(KEEPALIVE_STREAM, 0, draw(&seed)), 95000, 120000);
        assert_in_range(keepalive_interval_ms(KEEPALIVE_STUN, 0, draw(&seed)), 24000, 29000);
    }
}

static void test_5626_4_4_b_ten_seconds_for_a_pong(void **state)
{
    (void)state;
    assert_int_equal(KEEPALIVE_PONG_MS, 10000);
}

static void test_5626_5_4_c_server_waits_longer_than_flow_timer(void **state)
{
    (void)state;
    for (uint32_t timer = 1; timer < 3000000; timer = timer * 3 / 2 + 1)
        assert_true(keepalive_grace_ms(timer) >= (uint64_t)timer * 1000 + KEEPALIVE_PONG_MS);
    assert_int_equal(keepalive_grace_ms(20), 30000);
    assert_int_equal(keepalive_grace_ms(120), 150000);
    assert_int_equal(keepalive_grace_ms(0), 0);
}

static void test_most_milliseconds_instead_of_a_wrap(void **state)
{
    (void)state;
    assert_int_equal(keepalive_interval_ms(KEEPALIVE_STREAM, UINT32_MAX, UINT32_MAX), UINT32_MAX);
    assert_int_equal(keepalive_grace_ms(UINT32_MAX), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_5626_4_5_a_wait_doubles_from_its_base_to_half_an_hour),
        cmocka_unit_test(test_5626_4_5_a_times_can_be_configured),
        cmocka_unit_test(test_5626_4_5_b_wait_is_uniform_between_half_and_whole),
        cmocka_unit_test(test_5626_4_4_a_ping_within_flow_timer),
        cmocka_unit_test(test_5626_4_4_a_ping_without_flow_timer),
        cmocka_unit_test(test_5626_4_4_b_ten_seconds_for_a_pong),
        cmocka_unit_test(test_5626_5_4_c_server_waits_longer_than_flow_timer),
        cmocka_unit_test(test_most_milliseconds_instead_of_a_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
