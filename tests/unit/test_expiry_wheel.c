// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "base/expiry_wheel.h"

enum { START = 1700000000, NODES = 50 };

struct clockwork {
    struct expiry_wheel wheel;
    struct expiry_node nodes[NODES];
    size_t ended;
    int64_t now;
};

static int setup(void **state)
{
    struct clockwork *clockwork = calloc(1, sizeof *clockwork);
    clockwork->now = START;
    expiry_wheel_create(&clockwork->wheel, START);
    *state = clockwork;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void end_node(void *context, struct expiry_node *node)
{
    struct clockwork *clockwork = context;
    assert_true(node->at <= clockwork->now);
    expiry_wheel_remove(node);
    node->at = INT64_MIN;
    clockwork->ended++;
}

static void add(struct clockwork *clockwork, size_t index, int64_t at)
{
    clockwork->nodes[index].at = at;
    expiry_wheel_add(&clockwork->wheel, &clockwork->nodes[index]);
}

static size_t turn(struct clockwork *clockwork, int64_t now, size_t most)
{
    clockwork->now = now;
    size_t before = clockwork->ended;
    size_t count = expiry_wheel_turn(&clockwork->wheel, now, most, end_node, clockwork);
    assert_int_equal(clockwork->ended - before, count);
    return count;
}

static void test_ends_at_its_second_and_not_before(void **state)
{
    struct clockwork *clockwork = *state;
    static const int64_t after[] = {0, 1, 59, 60, 61, 8191, 8192, 8193, 20000, 100000};
    for (size_t i = 0; i < 10; i++)
        add(clockwork, i, START + after[i]);
    for (int64_t second = 0; second <= 100000; second++) {
        size_t wanted = 0;
        for (size_t i = 0; i < 10; i++)
            wanted += after[i] == second;
        assert_int_equal(turn(clockwork, START + second, SIZE_MAX), wanted);
    }
}

static void test_steps_of_any_length_miss_nothing(void **state)
{
    struct clockwork *clockwork = *state;
    static const int64_t steps[] = {1, 100, 8191, 8192, 8193, 50000};
    for (size_t s = 0; s < 6; s++) {
        int64_t start = clockwork->now;
        for (size_t i = 0; i < NODES; i++)
            add(clockwork, i, start + 1 + (int64_t)i * 1777);
        for (size_t ended = 0; ended < NODES; ended += turn(clockwork, clockwork->now + steps[s], SIZE_MAX)) {
            for (size_t i = 0; i < NODES; i++)
                assert_true(clockwork->nodes[i].at == INT64_MIN || clockwork->nodes[i].at > clockwork->now);
        }
    }
}

static void test_interrupted_turn_goes_on_where_it_was(void **state)
{
    struct clockwork *clockwork = *state;
    for (size_t i = 0; i < NODES; i++)
        add(clockwork, i, START + 5 + (int64_t)i / 20);
    size_t ended = 0;
    for (int64_t second = 0; ended < NODES; second++) {
        size_t count = turn(clockwork, START + 20000 + second, 7);
        assert_int_equal(count, ended + 7 <= NODES ? 7 : NODES - ended);
        ended += count;
    }
    assert_int_equal(turn(clockwork, START + 40000, 0), 0);
}

static void test_clock_set_back(void **state)
{
    struct clockwork *clockwork = *state;
    assert_int_equal(turn(clockwork, START + 3000, SIZE_MAX), 0);
    assert_int_equal(turn(clockwork, START, SIZE_MAX), 0);
    add(clockwork, 0, START + 60);
    assert_int_equal(turn(clockwork, START + 59, SIZE_MAX), 0);
    assert_int_equal(turn(clockwork, START + 60, SIZE_MAX), 1);
}

static void test_ended_before_it_was_added(void **state)
{
    struct clockwork *clockwork = *state;
    assert_int_equal(turn(clockwork, START + 100, SIZE_MAX), 0);
    add(clockwork, 0, START);
    add(clockwork, 1, INT64_MIN);
    assert_int_equal(turn(clockwork, START + 100, SIZE_MAX), 2);
}

static void test_removed_is_not_met(void **state)
{
    struct clockwork *clockwork = *state;
    for (size_t i = 0; i < 3; i++)
        add(clockwork, i, START + 10);
    expiry_wheel_remove(&clockwork->nodes[1]);
    assert_int_equal(turn(clockwork, START + 10, SIZE_MAX), 2);
    assert_int_equal(clockwork->nodes[1].at, START + 10);
}

static bool remove_three(void *context, struct expiry_node *node)
{
    struct clockwork *clockwork = context;
    expiry_wheel_remove(node);
    return ++clockwork->ended < 3;
}

static void test_each_may_remove_and_stop(void **state)
{
    struct clockwork *clockwork = *state;
    for (size_t i = 0; i < 5; i++)
        add(clockwork, i, START + 10 + (int64_t)i / 3);
    expiry_wheel_each(&clockwork->wheel, remove_three, clockwork);
    assert_int_equal(clockwork->ended, 3);
    assert_int_equal(turn(clockwork, START + 100, SIZE_MAX), 2);
}

int main(void)
{
#define WHEEL_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WHEEL_TEST(test_ends_at_its_second_and_not_before),
        WHEEL_TEST(test_steps_of_any_length_miss_nothing),
        WHEEL_TEST(test_interrupted_turn_goes_on_where_it_was),
        WHEEL_TEST(test_clock_set_back),
        WHEEL_TEST(test_ended_before_it_was_added),
        WHEEL_TEST(test_removed_is_not_met),
        WHEEL_TEST(test_each_may_remove_and_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
