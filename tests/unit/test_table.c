// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>

#include "base/table.h"

enum { MANY = 1000 };

struct entry {
    int before; /* so that the link is not at the start */
    struct table_link link;
    bool inside;
};

static void test_empty(void **state)
{
    struct fake_host fake;
    struct table table;
    (void)state;
    fake_host_create(&fake);
    assert_int_equal(table_create(&table, &fake.host), 0);
    assert_null(table_find(&table, 1));
    assert_null(table_any(&table));
    table_destroy(&table);
    table_destroy(&table);
    assert_int_equal(fake.allocated, 0);
}

static void test_no_memory_to_create(void **state)
{
    struct fake_host fake;
    struct table table;
    (void)state;
    fake_host_create(&fake);
    fake.fail_after = 1;
    assert_int_equal(table_create(&table, &fake.host), -ENOMEM);
    table_destroy(&table);
    assert_int_equal(fake.allocated, 0);
}

static void test_several_of_one_hash(void **state)
{
    struct fake_host fake;
    struct table table;
    struct entry entries[3] = {0};
    (void)state;
    fake_host_create(&fake);
    assert_int_equal(table_create(&table, &fake.host), 0);
    for (size_t i = 0; i < 3; i++)
        table_add(&table, &entries[i].link, 42);
    size_t found = 0;
    for (struct table_link *link = table_find(&table, 42); link != NULL; link = table_next(link), found++)
        assert_in_range((uintptr_t)TABLE_OWNER(link, struct entry, link), (uintptr_t)entries, (uintptr_t)&entries[2]);
    assert_int_equal(found, 3);
    table_remove(&table, &entries[1].link);
    table_remove(&table, &entries[1].link);
    assert_int_equal(table.count, 2);
    for (struct table_link *link = table_find(&table, 42); link != NULL; link = table_next(link))
        assert_ptr_not_equal(link, &entries[1].link);
    assert_null(table_find(&table, 43));
    table_destroy(&table);
    assert_int_equal(fake.allocated, 0);
}

/* Many, added and removed, with or without memory to grow: what is inside is found, what is not is not. */
static void many(uint64_t fail_after)
{
    struct fake_host fake;
    struct table table;
    struct entry *entries = calloc(MANY, sizeof *entries);
    fake_host_create(&fake);
    assert_int_equal(table_create(&table, &fake.host), 0);
    fake.fail_after = fail_after;
    for (size_t i = 0; i < MANY; i++) {
        table_add(&table, &entries[i].link, i * 0x100000001ULL);
        entries[i].inside = true;
        if (i % 3 == 0) {
            table_remove(&table, &entries[i / 2].link);
            entries[i / 2].inside = false;
        }
    }
    size_t inside = 0;
    for (size_t i = 0; i < MANY; i++) {
        const struct table_link *link = table_find(&table, i * 0x100000001ULL);
        assert_ptr_equal(link, entries[i].inside ? &entries[i].link : NULL);
        inside += entries[i].inside;
    }
    assert_int_equal(table.count, inside);
    for (struct table_link *link; (link = table_any(&table)) != NULL; inside--)
        table_remove(&table, link);
    assert_int_equal(inside, 0);
    table_destroy(&table);
    free(entries);
    assert_int_equal(fake.allocated, 0);
}

static void test_many(void **state)
{
    (void)state;
    many(0);
}

static void test_many_without_memory_to_grow(void **state)
{
    (void)state;
    for (uint64_t call = 2; call < 6; call++)
        many(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_no_memory_to_create),
        cmocka_unit_test(test_several_of_one_hash),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_many_without_memory_to_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
