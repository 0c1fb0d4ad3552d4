// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "flow/holdings.h"

/* What the server keeps because of what sources have sent. */

struct fixture {
    struct fake_host fake;
    struct holdings holdings;
};

static int setup(void **state)
{
    static const struct holdings_limits limits = {.bytes = 1000, .source_bytes = 600};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL)
        return -1;
    fake_host_create(&fixture->fake);
    *state = fixture;
    return holdings_create(&fixture->holdings, &fixture->fake.host, &limits);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    holdings_destroy(&fixture->holdings);
    assert_int_equal(fixture->fake.allocated, 0);
    free(fixture);
    return 0;
}

static void test_a_source_has_a_limit_and_all_together(void **state)
{
    struct holdings *holdings = &((struct fixture *)*state)->holdings;
    assert_true(holdings_fit(holdings, 7, 600));
    assert_false(holdings_fit(holdings, 7, 601));
    holdings_add(holdings, 7, 500);
    assert_true(holdings_fit(holdings, 7, 100));
    assert_false(holdings_fit(holdings, 7, 101));
    assert_true(holdings_fit(holdings, 8, 500));
    assert_false(holdings_fit(holdings, 8, 501));
    holdings_remove(holdings, 7, 500);
    assert_int_equal(holdings->bytes, 0);
    assert_int_equal(holdings->sources.count, 0);
}

static void test_source_0_has_no_limit_and_counts_for_nobody(void **state)
{
    struct holdings *holdings = &((struct fixture *)*state)->holdings;
    holdings_add(holdings, 0, 5000);
    assert_true(holdings_fit(holdings, 0, 5000));
    assert_true(holdings_fit(holdings, 7, 600));
    holdings_remove(holdings, 0, 5000);
    assert_int_equal(holdings->bytes, 0);
}

static void test_without_memory_bytes_count_in_total(void **state)
{
    struct fixture *fixture = *state;
    struct holdings *holdings = &fixture->holdings;
    fixture->fake.fail_after = fixture->fake.calls + 1;
    holdings_add(holdings, 7, 500);
    assert_int_equal(holdings->bytes, 500);
    fixture->fake.fail_after = 0;
    holdings_add(holdings, 7, 100);
    holdings_remove(holdings, 7, 500); /* more than is known of it */
    assert_int_equal(holdings->bytes, 100);
    holdings_remove(holdings, 7, 100);
    assert_int_equal(holdings->bytes, 0);
    assert_true(holdings_fit(holdings, 7, 600));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_source_has_a_limit_and_all_together, setup, teardown),
        cmocka_unit_test_setup_teardown(test_source_0_has_no_limit_and_counts_for_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_memory_bytes_count_in_total, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
