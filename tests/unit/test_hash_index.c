// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "base/hash.h"
#include "base/hash_index.h"

struct item {
    uint32_t hash;
    uint32_t number;
    bool inside;
};

static bool same_number(const void *item, const void *key)
{
    return ((const struct item *)item)->number == *(const uint32_t *)key;
}

static struct item *find(const struct hash_index *table, const struct item *item)
{
    return hash_index_find(table, item->hash, same_number, &item->number);
}

static void assert_holds(const struct hash_index *table, const struct item *items, size_t count)
{
    size_t inside = 0;
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(find(table, &items[i]), items[i].inside ? &items[i] : NULL);
        inside += items[i].inside;
    }
    assert_int_equal(table->count, inside);
}

/* Insertions and removals at random; `mask` makes hashes collide, down to one chain. */
static void churn(uint32_t mask, size_t count, unsigned steps)
{
    struct fake_host fake;
    fake_host_create(&fake);
    struct hash_index table;
    assert_int_equal(hash_index_create(&table, &fake.host), 0);
    struct item *items = calloc(count, sizeof *items);
    for (uint32_t i = 0; i < count; i++)
        items[i] = (struct item){.number = i, .hash = fake.host.random(&fake) & mask};
    for (unsigned step = 0; step < steps; step++) {
        struct item *item = &items[fake.host.random(&fake) % count];
        if (item->inside) {
            hash_index_remove(&table, item->hash, item);
        } else {
            assert_int_equal(hash_index_reserve(&table), 0);
            hash_index_insert(&table, item->hash, item);
        }
        item->inside = !item->inside;
        if (step % 997 == 0)
            assert_holds(&table, items, count);
    }
    assert_holds(&table, items, count);
    hash_index_destroy(&table);
    assert_int_equal(fake.allocated, 0);
    free(items);
}

static void test_finds_what_it_holds_and_nothing_else(void **state)
{
    (void)state;
    churn(UINT32_MAX, 20000, 60000);
}

static void test_colliding_hashes_only_make_it_slow(void **state)
{
    (void)state;
    churn(0, 200, 4000);
    churn(0xff000007, 2000, 20000);
    churn(3, 300, 6000);
}

static void test_replaced_item_takes_the_place(void **state)
{
    (void)state;
    struct fake_host fake;
    fake_host_create(&fake);
    struct hash_index table;
    struct item old = {.hash = 5, .number = 1};
    struct item by = {.hash = 5, .number = 2};
    assert_int_equal(hash_index_create(&table, &fake.host), 0);
    assert_int_equal(hash_index_reserve(&table), 0);
    hash_index_insert(&table, 5, &old);
    hash_index_replace(&table, 5, &old, &by);
    assert_null(find(&table, &old));
    assert_ptr_equal(find(&table, &by), &by);
    assert_int_equal(table.count, 1);
    hash_index_destroy(&table);
}

static void test_no_memory_for_a_bucket_makes_longer_chains(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static struct item items[COUNT];
    struct fake_host fake;
    fake_host_create(&fake);
    struct hash_index table;
    assert_int_equal(hash_index_create(&table, &fake.host), 0);
    assert_int_equal(hash_index_reserve(&table), 0);
    fake.fail_after = fake.calls + 1;
    uint32_t held = 0;
    for (; held < COUNT && hash_index_reserve(&table) == 0; held++) {
        items[held] = (struct item){.number = held, .hash = fake.host.random(&fake), .inside = true};
        hash_index_insert(&table, items[held].hash, &items[held]);
    }
    /* More than the buckets of one segment take at their load. */
    assert_in_range(held, 4 * SEGMENT_LINES, COUNT - 1);
    assert_holds(&table, items, held);
    fake.fail_after = 0;
    for (; held < COUNT; held++) {
        assert_int_equal(hash_index_reserve(&table), 0);
        items[held] = (struct item){.number = held, .hash = fake.host.random(&fake), .inside = true};
        hash_index_insert(&table, items[held].hash, &items[held]);
    }
    assert_holds(&table, items, COUNT);
    hash_index_destroy(&table);
    assert_int_equal(fake.allocated, 0);
}

/* SipHash-1-3 with the zero key, its halves folded. */
static void test_hash_is_siphash_1_3(void **state)
{
    (void)state;
    const struct hash_key zero = {{0, 0}};
    if (*(const unsigned char *)&(const uint16_t){1} == 0)
        skip();
    assert_int_equal(hash_text(&zero, TEXT("a")), 0xf8ef50c1);
    assert_int_equal(hash_text(&zero, TEXT("sip:bob@")), 0x31fdde56);
    assert_int_equal(hash_text(&zero, TEXT("sip:bob@example.com")), 0x43e6b7d3);
    assert_int_equal(hash_text(&zero, TEXT("sip:alice@atlanta.example.com;x")), 0xddffbefa);
}

/* The vector of SipHash's own paper, appendix A. */
static void test_seal_is_siphash_2_4(void **state)
{
    (void)state;
    const struct hash_key key = {{0x0706050403020100U, 0x0f0e0d0c0b0a0908U}};
    const char bytes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    assert_true(hash_seal(&key, (struct text){bytes, sizeof bytes}) == 0xa129ca6149be45e5U);
    const uint64_t words[] = {7, UINT64_MAX};
    const struct text both = {(const char *)words, sizeof words};
    assert_true(hash_pair(&key, 7, UINT64_MAX) == hash_seal(&key, both));
    assert_true(hash_fixed(both) == hash_seal(&(struct hash_key){{0, 0}}, both));
}

static void test_hash_of_texts_depends_on_their_division(void **state)
{
    static const struct text lists[][3] = {
        {{"ab", 2}, {"c", 1}},       {{"a", 1}, {"bc", 2}},       {{"abc", 3}, {"", 0}},
        {{NULL, 0}, {"abc", 3}},     {{"ab", 2}, {"d", 1}},       {{"ab\0", 3}, {"c", 1}},
        {{"abcdefgh", 8}, {"c", 1}}, {{"abcdefghc", 9}, {"", 0}}, {{"abcdefgh\1", 9}, {"c", 1}}};
    enum { LISTS = sizeof lists / sizeof lists[0] };
    const struct hash_key key = {{1, 2}}, other = {{1, 3}};
    (void)state;
    for (size_t i = 0; i < LISTS; i++) {
        assert_true(hash_texts(&key, lists[i], 2) == hash_texts(&key, lists[i], 2));
        assert_true(hash_texts(&key, lists[i], 2) != hash_texts(&other, lists[i], 2));
        assert_true(hash_texts(&key, lists[i], 2) != hash_texts(&key, lists[i], 3));
        for (size_t k = 0; k < i; k++)
            assert_true(hash_texts(&key, lists[i], 2) != hash_texts(&key, lists[k], 2));
    }
}

static void test_hash_depends_on_every_byte_and_the_key(void **state)
{
    (void)state;
    struct fake_host fake;
    fake_host_create(&fake);
    struct hash_key key;
    struct hash_key other;
    hash_key_draw(&key, &fake.host);
    hash_key_draw(&other, &fake.host);
    char name[40] = "sip:bob@example.com;some-more-bytes-here";
    for (size_t length = 1; length <= sizeof name; length++) {
        struct text text = {name, length};
        uint32_t hash = hash_text(&key, text);
        assert_int_equal(hash_text(&key, text), hash);
        assert_int_not_equal(hash_text(&other, text), hash);
        assert_int_not_equal(hash_text(&key, (struct text){name, length - 1}), hash);
        for (size_t i = 0; i < length; i++) {
            name[i] ^= 1;
            assert_int_not_equal(hash_text(&key, text), hash);
            name[i] ^= 1;
        }
    }
}

static void test_hashes_spread_over_the_buckets(void **state)
{
    (void)state;
    enum { BUCKETS = 256, EACH = 256 };
    unsigned texts[BUCKETS] = {0};
    unsigned numbers[BUCKETS] = {0};
    struct fake_host fake;
    fake_host_create(&fake);
    struct hash_key key;
    hash_key_draw(&key, &fake.host);
    for (unsigned i = 0; i < BUCKETS * EACH; i++) {
        char name[32];
        snprintf(name, sizeof name, "sip:%u@example.com", i);
        texts[hash_text(&key, text_of(name)) % BUCKETS]++;
        numbers[hash_number(&key, i) % BUCKETS]++;
    }
    for (unsigned i = 0; i < BUCKETS; i++) {
        assert_in_range(texts[i], EACH / 2, EACH * 3 / 2);
        assert_in_range(numbers[i], EACH / 2, EACH * 3 / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_what_it_holds_and_nothing_else),
        cmocka_unit_test(test_colliding_hashes_only_make_it_slow),
        cmocka_unit_test(test_replaced_item_takes_the_place),
        cmocka_unit_test(test_no_memory_for_a_bucket_makes_longer_chains),
        cmocka_unit_test(test_hash_is_siphash_1_3),
        cmocka_unit_test(test_seal_is_siphash_2_4),
        cmocka_unit_test(test_hash_of_texts_depends_on_their_division),
        cmocka_unit_test(test_hash_depends_on_every_byte_and_the_key),
        cmocka_unit_test(test_hashes_spread_over_the_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
