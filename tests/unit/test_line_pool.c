// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "base/line_pool.h"

static void assert_zeros(const unsigned char *line)
{
    for (size_t i = 0; i < LINE_BYTES; i++)
        assert_int_equal(line[i], 0);
}

static void test_lines_are_aligned_apart_and_stay(void **state)
{
    (void)state;
    enum { COUNT = 3 * SEGMENT_LINES };
    static unsigned char *lines[COUNT];
    struct fake_host fake;
    fake_host_create(&fake);
    struct line_pool pool;
    line_pool_create(&pool, &fake.host);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(line_pool_reserve(&pool), 0);
        assert_int_equal(line_pool_take(&pool), i + 1);
        lines[i] = line_pool_at(&pool, i + 1);
        assert_int_equal((uintptr_t)lines[i] % LINE_BYTES, 0);
        assert_zeros(lines[i]);
        memset(lines[i], (int)(i % 251 + 1), LINE_BYTES);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(line_pool_at(&pool, i + 1), lines[i]);
        assert_int_equal(lines[i][0], i % 251 + 1);
        assert_int_equal(lines[i][LINE_BYTES - 1], i % 251 + 1);
    }
    line_pool_destroy(&pool);
    assert_int_equal(fake.allocated, 0);
}

static void test_released_lines_come_back_empty(void **state)
{
    (void)state;
    struct fake_host fake;
    fake_host_create(&fake);
    struct line_pool pool;
    line_pool_create(&pool, &fake.host);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(line_pool_reserve(&pool), 0);
        memset(line_pool_at(&pool, line_pool_take(&pool)), 0xff, LINE_BYTES);
    }
    line_pool_release(&pool, 3);
    line_pool_release(&pool, 7);
    uint64_t calls = fake.calls;
    assert_int_equal(line_pool_take(&pool), 7);
    assert_zeros(line_pool_at(&pool, 7));
    assert_int_equal(line_pool_take(&pool), 3);
    assert_zeros(line_pool_at(&pool, 3));
    assert_int_equal(fake.calls, calls);
    assert_int_equal(line_pool_reserve(&pool), 0);
    assert_int_equal(line_pool_take(&pool), 11);
    line_pool_destroy(&pool);
    assert_int_equal(fake.allocated, 0);
}

static void test_no_memory_leaves_a_pool_that_works(void **state)
{
    (void)state;
    for (uint64_t fail = 1; fail <= 2; fail++) {
        struct fake_host fake;
        fake_host_create(&fake);
        fake.fail_after = fail;
        struct line_pool pool;
        line_pool_create(&pool, &fake.host);
        assert_true(line_pool_reserve(&pool) < 0);
        fake.fail_after = 0;
        assert_int_equal(line_pool_reserve(&pool), 0);
        assert_int_equal(line_pool_take(&pool), 1);
        line_pool_destroy(&pool);
        assert_int_equal(fake.allocated, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_are_aligned_apart_and_stay),
        cmocka_unit_test(test_released_lines_come_back_empty),
        cmocka_unit_test(test_no_memory_leaves_a_pool_that_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
