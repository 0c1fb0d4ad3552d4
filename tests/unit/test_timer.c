// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>

#include "standalone/net/timer.h"

enum { MANY = 500 };

struct alarm_clock {
    struct fake_host fake;
    struct timers timers;
    struct bell *rung[MANY * 2]; /* in order */
    size_t count;
};

struct bell {
    struct timer timer; /* first: the address is the same */
    struct alarm_clock *clock;
    struct bell *stops;      /* when it rings */
    uint64_t again_after_ms; /* likewise; UINT64_MAX: not */
    uint64_t at_ms;
};

static void ring(struct timer *timer)
{
    struct bell *bell = (struct bell *)(void *)timer;
    struct alarm_clock *clock = bell->clock;
    bell->at_ms = clock->fake.now_ms;
    assert_false(timer_runs(timer));
    clock->rung[clock->count++] = bell;
    if (bell->stops != NULL)
        timer_stop(&clock->timers, &bell->stops->timer);
    if (bell->again_after_ms != UINT64_MAX) {
        assert_int_equal(timer_start(&clock->timers, timer, bell->again_after_ms), 0);
        bell->again_after_ms = UINT64_MAX;
    }
}

static struct bell bell_of(struct alarm_clock *clock)
{
    return (struct bell){.timer.fire = ring, .clock = clock, .again_after_ms = UINT64_MAX};
}

static int setup(void **state)
{
    struct alarm_clock *clock = calloc(1, sizeof *clock);
    fake_host_create(&clock->fake);
    timers_create(&clock->timers, &clock->fake.host);
    *state = clock;
    return 0;
}

static int teardown(void **state)
{
    struct alarm_clock *clock = *state;
    timers_destroy(&clock->timers);
    size_t left = clock->fake.allocated;
    free(clock);
    return left == 0 ? 0 : -1;
}

static void test_none_runs(void **state)
{
    struct alarm_clock *clock = *state;
    assert_int_equal(timers_next(&clock->timers), -1);
    assert_int_equal(timers_run(&clock->timers), 0);
}

static void test_fires_at_its_instant_and_once(void **state)
{
    struct alarm_clock *clock = *state;
    struct bell bell = bell_of(clock);
    assert_int_equal(timer_start(&clock->timers, &bell.timer, 500), 0);
    assert_true(timer_runs(&bell.timer));
    assert_int_equal(timers_next(&clock->timers), 500);
    fake_host_advance(&clock->fake, 499);
    assert_int_equal(timers_run(&clock->timers), 0);
    assert_int_equal(timers_next(&clock->timers), 1);
    fake_host_advance(&clock->fake, 1);
    assert_int_equal(timers_next(&clock->timers), 0);
    assert_int_equal(timers_run(&clock->timers), 1);
    fake_host_advance(&clock->fake, 5000);
    assert_int_equal(timers_run(&clock->timers), 0);
    assert_int_equal(clock->count, 1);
}

static void test_late_clock_counts_as_due(void **state)
{
    struct alarm_clock *clock = *state;
    struct bell bell = bell_of(clock);
    timer_start(&clock->timers, &bell.timer, 10);
    fake_host_advance(&clock->fake, 100000);
    assert_int_equal(timers_next(&clock->timers), 0);
    assert_int_equal(timers_run(&clock->timers), 1);
}

static void test_starting_anew_moves_it_both_ways(void **state)
{
    struct alarm_clock *clock = *state;
    struct bell bell = bell_of(clock), other = bell_of(clock);
    timer_start(&clock->timers, &bell.timer, 100);
    timer_start(&clock->timers, &other.timer, 200);
    timer_start(&clock->timers, &bell.timer, 300);
    assert_int_equal(timers_next(&clock->timers), 200);
    timer_start(&clock->timers, &bell.timer, 50);
    assert_int_equal(timers_next(&clock->timers), 50);
    fake_host_advance(&clock->fake, 1000);
    assert_int_equal(timers_run(&clock->timers), 2);
    assert_ptr_equal(clock->rung[0], &bell);
    assert_ptr_equal(clock->rung[1], &other);
}

static void test_stopped_does_not_fire(void **state)
{
    struct alarm_clock *clock = *state;
    struct bell bell = bell_of(clock);
    timer_stop(&clock->timers, &bell.timer);
    timer_start(&clock->timers, &bell.timer, 0);
    timer_stop(&clock->timers, &bell.timer);
    assert_false(timer_runs(&bell.timer));
    assert_int_equal(timers_run(&clock->timers), 0);
}

static void test_one_may_stop_another_that_is_due_too(void **state)
{
    struct alarm_clock *clock = *state;
    struct bell first = bell_of(clock), second = bell_of(clock);
    first.stops = &second;
    timer_start(&clock->timers, &first.timer, 10);
    timer_start(&clock->timers, &second.timer, 20);
    fake_host_advance(&clock->fake, 30);
    assert_int_equal(timers_run(&clock->timers), 1);
    assert_false(timer_runs(&second.timer));
}

static void test_what_is_started_for_now_while_firing_fires_in_the_same_run(void **state)
{
    struct alarm_clock *clock = *state;
    struct bell bell = bell_of(clock);
    bell.again_after_ms = 0;
    timer_start(&clock->timers, &bell.timer, 0);
    assert_int_equal(timers_run(&clock->timers), 2);
}

/* Against the plain truth: they fire in order of the instants they were last started for. */
static void test_order_of_many(void **state)
{
    struct alarm_clock *clock = *state;
    struct bell *bells = calloc(MANY, sizeof *bells);
    size_t running = 0;
    for (size_t i = 0; i < MANY; i++) {
        bells[i] = bell_of(clock);
        timer_start(&clock->timers, &bells[i].timer, i * 7919 % 1000);
    }
    for (size_t i = 0; i < MANY; i += 3)
        timer_start(&clock->timers, &bells[i].timer, i * 104729 % 1000);
    for (size_t i = 0; i < MANY; i += 5)
        timer_stop(&clock->timers, &bells[i].timer);
    for (size_t i = 0; i < MANY; i++)
        running += timer_runs(&bells[i].timer);
    assert_int_equal(running, MANY - MANY / 5);
    for (int64_t next; (next = timers_next(&clock->timers)) >= 0;) {
        fake_host_advance(&clock->fake, (uint64_t)next);
        timers_run(&clock->timers);
    }
    assert_int_equal(clock->count, running);
    for (size_t i = 0; i < clock->count; i++) {
        assert_int_equal(clock->rung[i]->at_ms, clock->rung[i]->timer.node.at);
        assert_true(i == 0 || clock->rung[i - 1]->at_ms <= clock->rung[i]->at_ms);
    }
    free(bells);
}

/* Memory that runs out as the heap grows: the new timer does not run, the others do. */
static void test_no_memory_to_grow(void **state)
{
    struct alarm_clock *clock = *state;
    struct bell *bells = calloc(MANY, sizeof *bells);
    size_t started = 0;
    clock->fake.fail_after = 2;
    for (size_t i = 0; i < MANY; i++) {
        bells[i] = bell_of(clock);
        int error = timer_start(&clock->timers, &bells[i].timer, i);
        assert_int_equal(error == 0, timer_runs(&bells[i].timer));
        assert_true(error == 0 || error == -ENOMEM);
        started += error == 0;
    }
    assert_in_range(started, 1, MANY - 1);
    clock->fake.fail_after = 0;
    fake_host_advance(&clock->fake, MANY);
    assert_int_equal(timers_run(&clock->timers), started);
    free(bells);
}

/* A kept place is nobody else's: the timer starts where there is no memory, and where others have filled the heap. */
static void test_a_kept_place_needs_no_memory(void **state)
{
    struct alarm_clock *clock = *state;
    struct bell *bells = calloc(MANY, sizeof *bells);
    struct bell kept[2] = {bell_of(clock), bell_of(clock)};
    size_t started = 0;
    assert_int_equal(timer_keep(&clock->timers, &kept[0].timer), 0);
    assert_int_equal(timer_keep(&clock->timers, &kept[0].timer), 0);
    clock->fake.fail_after = 1;
    for (size_t i = 0; i < MANY; i++) {
        bells[i] = bell_of(clock);
        started += timer_start(&clock->timers, &bells[i].timer, i) == 0;
    }
    assert_int_equal(timer_keep(&clock->timers, &kept[1].timer), -ENOMEM);
    assert_int_equal(timer_start(&clock->timers, &kept[0].timer, 7), 0);
    timer_stop(&clock->timers, &kept[0].timer);
    assert_int_equal(timer_start(&clock->timers, &kept[0].timer, 0), 0);
    assert_int_equal(timers_run(&clock->timers), 2);
    timer_start(&clock->timers, &kept[0].timer, 0);
    timer_give_back(&clock->timers, &kept[0].timer);
    assert_false(timer_runs(&kept[0].timer));
    /* the place is free again, for any */
    assert_int_equal(timer_keep(&clock->timers, &kept[1].timer), 0);
    fake_host_advance(&clock->fake, MANY);
    assert_int_equal(timers_run(&clock->timers), started - 1);
    timer_give_back(&clock->timers, &kept[1].timer);
    free(bells);
}

static void test_destroy_fires_none(void **state)
{
    struct alarm_clock *clock = *state;
    struct bell bell = bell_of(clock);
    timer_start(&clock->timers, &bell.timer, 0);
    timers_destroy(&clock->timers);
    assert_false(timer_runs(&bell.timer));
    assert_int_equal(timers_run(&clock->timers), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_none_runs),
        TEST(test_fires_at_its_instant_and_once),
        TEST(test_late_clock_counts_as_due),
        TEST(test_starting_anew_moves_it_both_ways),
        TEST(test_stopped_does_not_fire),
        TEST(test_one_may_stop_another_that_is_due_too),
        TEST(test_what_is_started_for_now_while_firing_fires_in_the_same_run),
        TEST(test_order_of_many),
        TEST(test_no_memory_to_grow),
        TEST(test_a_kept_place_needs_no_memory),
        TEST(test_destroy_fires_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
