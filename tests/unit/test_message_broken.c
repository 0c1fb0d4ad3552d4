// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "sip_corpus.h"

/* Cut and broken messages, at the end of a page behind which nothing may be read. */

enum { CAPACITY = 8192, MUTATIONS = 10000 };

static void exercise(struct guard *guard, const char *bytes, size_t length, uint64_t fail_after)
{
    struct fake_host fake;
    uint16_t status;
    fake_host_create(&fake);
    fake.fail_after = fail_after;
    const char *problem = sip_exercise(&fake.host, guard_put(guard, bytes, length), length, &status);
    if (problem != NULL)
        fail_msg("%s:\n%.*s", problem, (int)length, bytes);
    assert_int_equal(fake.allocated, 0);
}

static void test_corpus_is_read(void **state)
{
    (void)state;
    struct guard guard;
    guard_create(&guard, CAPACITY);
    assert_true(sip_corpus_count() >= 20);
    for (size_t i = 0; i < sip_corpus_count(); i++) {
        struct fake_host fake;
        struct text text = sip_corpus_at(i);
        uint16_t status = 1;
        fake_host_create(&fake);
        const char *problem = sip_exercise(&fake.host, guard_put(&guard, text.at, text.length), text.length, &status);
        if (problem != NULL || status != 0)
            fail_msg("%s, status %u:\n%s", problem != NULL ? problem : "refused", status, text.at);
    }
    guard_destroy(&guard);
}

static void test_every_truncation(void **state)
{
    (void)state;
    struct guard guard;
    guard_create(&guard, CAPACITY);
    for (size_t i = 0; i < sip_corpus_count(); i++)
        for (size_t length = 0; length < sip_corpus_at(i).length; length++)
            exercise(&guard, sip_corpus_at(i).at, length, 0);
    guard_destroy(&guard);
}

static void test_random_mutations(void **state)
{
    (void)state;
    struct guard guard;
    uint32_t seed = 20260101;
    guard_create(&guard, CAPACITY);
    for (size_t i = 0; i < MUTATIONS; i++) {
        struct text from = sip_corpus_at(i % sip_corpus_count());
        struct text other = sip_corpus_at((i * 7 + seed) % sip_corpus_count());
        char bytes[CAPACITY];
        memcpy(bytes, from.at, from.length);
        exercise(&guard, bytes, sip_mutate(bytes, from.length, sizeof bytes, other, &seed), 0);
    }
    guard_destroy(&guard);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    struct guard guard;
    guard_create(&guard, CAPACITY);
    for (size_t i = 0; i < sip_corpus_count(); i++)
        for (uint64_t call = 1; call <= 12; call++)
            exercise(&guard, sip_corpus_at(i).at, sip_corpus_at(i).length, call);
    guard_destroy(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus_is_read),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_random_mutations),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
