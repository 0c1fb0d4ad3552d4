// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "cli/simulate/simulate_server.h"

static struct simulate_server make(uint32_t capacity, uint32_t queue_s, uint32_t refusal_cost)
{
    const struct simulate_config config = {.queue_s = queue_s, .refusal_cost = refusal_cost};
    struct simulate_server server;
    simulate_server_create(&server, &config, capacity);
    return server;
}

static void test_without_limit_all_are_served_at_once(void **unused)
{
    (void)unused;
    struct simulate_server server = make(0, 0, 10);
    uint32_t done_ms;
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(simulate_server_admit(&server, 17, &done_ms), SIMULATE_TAKEN);
        assert_int_equal(done_ms, 17);
    }
}

static void test_the_queue_is_served_at_the_capacity(void **unused)
{
    (void)unused;
    struct simulate_server server = make(100, 5, 10);
    uint32_t done_ms;
    for (uint32_t i = 0; i < 500; i++) {
        assert_int_equal(simulate_server_admit(&server, 1000, &done_ms), SIMULATE_TAKEN);
        assert_int_equal(done_ms, 1000 + (i + 1) * 10);
    }
}

static void test_beyond_the_queue_it_refuses_which_costs_and_then_ignores_which_does_not(void **unused)
{
    (void)unused;
    struct simulate_server server = make(100, 1, 50);
    unsigned counts[3] = {0};
    uint32_t done_ms;
    for (int i = 0; i < 1000; i++)
        counts[simulate_server_admit(&server, 0, &done_ms)]++;
    /* Taken until 1 s of work waits and one more; refused at 5 ms each until 3 s wait and one more. */
    assert_int_equal(counts[SIMULATE_TAKEN], 101);
    assert_int_equal(counts[SIMULATE_REFUSED], 399);
    assert_int_equal(counts[SIMULATE_IGNORED], 500);
    assert_int_equal(simulate_server_admit(&server, 3000, &done_ms), SIMULATE_TAKEN);
}

static void test_promises_are_as_many_a_second_as_the_capacity(void **unused)
{
    (void)unused;
    struct simulate_server server = make(100, 0, 0);
    unsigned in_second[12] = {0};
    for (int i = 0; i < 1000; i++) {
        uint32_t after_s = simulate_server_promise(&server, 0);
        assert_in_range(after_s, 1, 11);
        in_second[after_s]++;
    }
    for (int second = 2; second <= 10; second++)
        assert_int_equal(in_second[second], 100);
}

static void test_a_death_empties_the_queue(void **unused)
{
    (void)unused;
    struct simulate_server server = make(1, 5, 10);
    uint32_t done_ms;
    for (int i = 0; i < 5; i++)
        simulate_server_admit(&server, 0, &done_ms);
    simulate_server_die(&server, 100);
    assert_true(server.down);
    simulate_server_return(&server);
    assert_false(server.down);
    assert_int_equal(server.died_ms, 100);
    assert_int_equal(simulate_server_admit(&server, 200, &done_ms), SIMULATE_TAKEN);
    assert_int_equal(done_ms, 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_limit_all_are_served_at_once),
        cmocka_unit_test(test_the_queue_is_served_at_the_capacity),
        cmocka_unit_test(test_beyond_the_queue_it_refuses_which_costs_and_then_ignores_which_does_not),
        cmocka_unit_test(test_promises_are_as_many_a_second_as_the_capacity),
        cmocka_unit_test(test_a_death_empties_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
