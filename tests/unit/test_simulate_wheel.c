// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <stdbool.h>

#include "cli/simulate/simulate_wheel.h"

enum { TIMERS = 1000, TURNS = 700000 };

struct stage {
    struct simulate_wheel wheel;
    uint32_t now_ms;
    uint32_t due_ms[TIMERS];
    unsigned fired[TIMERS];
    bool again;
};

static void fire(void *context, uint32_t timer)
{
    struct stage *stage = context;
    assert_int_equal(stage->now_ms, stage->due_ms[timer]);
    stage->fired[timer]++;
    if (stage->again && stage->fired[timer] == 1)
        simulate_wheel_set(&stage->wheel, timer, stage->now_ms);
}

static void turn_through(struct stage *stage)
{
    for (stage->now_ms = 0; stage->now_ms < TURNS; stage->now_ms++)
        simulate_wheel_turn(&stage->wheel, stage->now_ms, fire, stage);
}

static void test_each_timer_fires_once_at_its_time_also_turns_later(void **unused)
{
    (void)unused;
    struct stage stage = {0};
    assert_int_equal(simulate_wheel_create(&stage.wheel, TIMERS), 0);
    for (uint32_t i = 0; i < TIMERS; i++) {
        stage.due_ms[i] = (uint32_t)((uint64_t)i * i * 7919 % TURNS);
        simulate_wheel_set(&stage.wheel, i, stage.due_ms[i]);
    }
    turn_through(&stage);
    for (size_t i = 0; i < TIMERS; i++)
        assert_int_equal(stage.fired[i], 1);
    simulate_wheel_destroy(&stage.wheel);
}

static void test_what_is_set_for_now_while_firing_fires_now(void **unused)
{
    (void)unused;
    struct stage stage = {.again = true};
    assert_int_equal(simulate_wheel_create(&stage.wheel, 1), 0);
    stage.due_ms[0] = 5;
    simulate_wheel_set(&stage.wheel, 0, 5);
    turn_through(&stage);
    assert_int_equal(stage.fired[0], 2);
    simulate_wheel_destroy(&stage.wheel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_timer_fires_once_at_its_time_also_turns_later),
        cmocka_unit_test(test_what_is_set_for_now_while_firing_fires_now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
