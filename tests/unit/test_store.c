// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>
#include <pthread.h>

#include "script/store/store_private.h"

struct fixture {
    struct fake_host fake;
    struct store *store;
    unsigned locked, locks; /* how deep now; how often */
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    fake_host_create(&f->fake);
    assert_int_equal(store_new(&f->store, &f->fake.host, NULL), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_delete(f->store);
    assert_int_equal(f->fake.allocated, 0);
    free(f);
    return 0;
}

static void remake(struct fixture *f, uint32_t entries, size_t bytes)
{
    struct store_limits limits = {.entries = entries, .bytes = bytes};
    store_delete(f->store);
    assert_int_equal(f->fake.allocated, 0);
    assert_int_equal(store_new(&f->store, &f->fake.host, &limits), 0);
}

static int put(struct fixture *f, const char *name, const char *value, uint64_t ttl_ms)
{
    return store_put(f->store, text_of(name), text_of(value), ttl_ms);
}

static void assert_value(struct fixture *f, const char *name, const char *expected)
{
    char value[STORE_VALUE_MOST];
    size_t length = 0;
    assert_int_equal(store_copy(f->store, text_of(name), value, &length), expected != NULL ? 0 : -ENOENT);
    if (expected != NULL)
        assert_true(text_equal((struct text){value, length}, text_of(expected)));
}

static int insert(struct fixture *f, const char *set, const char *member, uint64_t ttl_ms)
{
    return store_insert(f->store, text_of(set), text_of(member), ttl_ms);
}

static bool contains(struct fixture *f, const char *set, const char *member)
{
    return store_contains(f->store, text_of(set), text_of(member));
}

static void test_a_counter_adds_up(void **state)
{
    struct fixture *f = *state;
    int64_t value = 7;
    assert_int_equal(store_count(f->store, TEXT("calls"), &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(store_add(f->store, TEXT("calls"), 5, &value), 0);
    assert_int_equal(value, 5);
    assert_int_equal(store_add(f->store, TEXT("calls"), -7, &value), 0);
    assert_int_equal(value, -2);
    assert_int_equal(store_count(f->store, TEXT("calls"), &value), 0);
    assert_int_equal(value, -2);
    assert_int_equal(store_count(f->store, TEXT("call"), &value), 0);
    assert_int_equal(value, 0);
}

static void test_a_counter_at_zero_takes_no_room(void **state)
{
    struct fixture *f = *state;
    int64_t value;
    assert_int_equal(store_add(f->store, TEXT("calls"), 0, &value), 0);
    assert_int_equal(store_entries(f->store), 0);
    assert_int_equal(store_add(f->store, TEXT("calls"), 1, &value), 0);
    assert_int_equal(store_entries(f->store), 1);
    assert_int_equal(f->store->bytes, 5);
    assert_int_equal(store_add(f->store, TEXT("calls"), -1, &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(store_entries(f->store), 0);
    assert_int_equal(f->store->bytes, 0);
    assert_int_equal(store_forget(f->store, TEXT("calls")), -ENOENT);
}

static void test_a_counter_that_would_overflow_stays(void **state)
{
    struct fixture *f = *state;
    int64_t value = 0;
    assert_int_equal(store_add(f->store, TEXT("calls"), INT64_MAX, &value), 0);
    assert_int_equal(store_add(f->store, TEXT("calls"), 1, &value), -EOVERFLOW);
    assert_int_equal(store_count(f->store, TEXT("calls"), &value), 0);
    assert_true(value == INT64_MAX);
    assert_int_equal(store_add(f->store, TEXT("debt"), INT64_MIN, &value), 0);
    assert_int_equal(store_add(f->store, TEXT("debt"), -1, &value), -EOVERFLOW);
}

static void test_a_value_is_there_until_forgotten(void **state)
{
    struct fixture *f = *state;
    assert_value(f, "greeting", NULL);
    assert_int_equal(put(f, "greeting", "hello", 0), 0);
    assert_value(f, "greeting", "hello");
    fake_host_advance(&f->fake, 1000ULL * 86400 * 365);
    assert_value(f, "greeting", "hello");
    assert_int_equal(put(f, "greeting", "salut", 0), 0);
    assert_value(f, "greeting", "salut");
    assert_int_equal(put(f, "greeting", "good morning", 0), 0);
    assert_value(f, "greeting", "good morning");
    assert_int_equal(put(f, "greeting", "", 0), 0);
    assert_value(f, "greeting", "");
    assert_int_equal(store_entries(f->store), 1);
    assert_int_equal(f->store->bytes, 8);
    assert_int_equal(store_forget(f->store, TEXT("greeting")), 0);
    assert_value(f, "greeting", NULL);
    assert_int_equal(store_forget(f->store, TEXT("greeting")), -ENOENT);
}

static void test_a_value_ends_to_the_millisecond(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f, "short", "a", 1500), 0);
    assert_int_equal(put(f, "long", "b", 3000), 0);
    fake_host_advance(&f->fake, 1499);
    assert_value(f, "short", "a");
    fake_host_advance(&f->fake, 1);
    assert_value(f, "short", NULL);
    assert_int_equal(store_entries(f->store), 2);
    assert_int_equal(store_forget(f->store, TEXT("short")), -ENOENT);
    assert_value(f, "long", "b");
    fake_host_advance(&f->fake, 1500);
    assert_value(f, "long", NULL);
    assert_int_equal(store_expire(f->store, 10), 1);
    assert_int_equal(store_entries(f->store), 0);
}

static void test_a_value_put_again_has_the_new_time(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put(f, "a", "one", 1000), 0);
    fake_host_advance(&f->fake, 900);
    assert_int_equal(put(f, "a", "two", 1000), 0);
    fake_host_advance(&f->fake, 900);
    assert_value(f, "a", "two");
    assert_int_equal(put(f, "a", "three", 0), 0);
    fake_host_advance(&f->fake, 100000);
    assert_value(f, "a", "three");
    assert_int_equal(put(f, "a", "four", UINT64_MAX), 0);
    fake_host_advance(&f->fake, 100000);
    assert_value(f, "a", "four");
    assert_int_equal(put(f, "a", "fives", 1), 0);
    fake_host_advance(&f->fake, 1);
    assert_value(f, "a", NULL);
    assert_int_equal(put(f, "a", "six", 0), 0);
    assert_value(f, "a", "six");
}

static void test_a_copy_is_the_callers(void **state)
{
    struct fixture *f = *state;
    char buffer[STORE_VALUE_MOST];
    size_t length = 0;
    memset(buffer, 'x', sizeof buffer);
    assert_int_equal(store_put(f->store, TEXT("big"), (struct text){buffer, sizeof buffer}, 0), 0);
    memset(buffer, 0, sizeof buffer);
    assert_int_equal(store_copy(f->store, TEXT("big"), buffer, &length), 0);
    assert_int_equal(length, sizeof buffer);
    assert_int_equal(buffer[0], 'x');
    assert_int_equal(buffer[sizeof buffer - 1], 'x');
    assert_int_equal(store_copy(f->store, TEXT("bigger"), buffer, &length), -ENOENT);
}

static bool count_member(void *context, struct text member)
{
    unsigned *seen = context;
    assert_true(member.length == 3);
    return ++*seen < 2;
}

static void test_a_set_has_members_each_once(void **state)
{
    struct fixture *f = *state;
    unsigned seen = 0;
    assert_int_equal(store_size(f->store, TEXT("busy")), 0);
    assert_int_equal(insert(f, "busy", "bob", 0), 0);
    assert_int_equal(insert(f, "busy", "eve", 0), 0);
    assert_int_equal(insert(f, "busy", "bob", 0), 0);
    assert_int_equal(insert(f, "idle", "bob", 0), 0);
    assert_int_equal(store_size(f->store, TEXT("busy")), 2);
    assert_true(contains(f, "busy", "bob"));
    assert_true(contains(f, "idle", "bob"));
    assert_false(contains(f, "idle", "eve"));
    assert_false(contains(f, "none", "eve"));
    assert_int_equal(store_entries(f->store), 5);
    assert_int_equal(insert(f, "busy", "pat", 0), 0);
    assert_int_equal(store_members(f->store, TEXT("busy"), count_member, &seen), 0);
    assert_int_equal(seen, 2);
    assert_int_equal(store_members(f->store, TEXT("none"), count_member, &seen), 0);
    assert_int_equal(seen, 2);
}

static void test_a_set_goes_with_its_last_member(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(insert(f, "busy", "bob", 0), 0);
    assert_int_equal(insert(f, "busy", "eve", 1000), 0);
    assert_int_equal(store_erase(f->store, TEXT("busy"), TEXT("bob")), 0);
    assert_int_equal(store_erase(f->store, TEXT("busy"), TEXT("bob")), -ENOENT);
    assert_int_equal(store_entries(f->store), 2);
    fake_host_advance(&f->fake, 1000);
    assert_int_equal(store_size(f->store, TEXT("busy")), 0);
    assert_false(contains(f, "busy", "eve"));
    assert_int_equal(store_erase(f->store, TEXT("busy"), TEXT("eve")), -ENOENT);
    assert_int_equal(store_entries(f->store), 0);
    assert_int_equal(f->store->bytes, 0);
}

/* A window over the last second: what a limit of calls per time is made of. */
static void test_the_size_counts_only_what_lives(void **state)
{
    struct fixture *f = *state;
    char name[16];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "call %u", i);
        assert_int_equal(insert(f, "window", name, 1000), 0);
        assert_int_equal(insert(f, "for ever", name, 0), 0);
        assert_int_equal(store_size(f->store, TEXT("window")), i < 10 ? i + 1 : 10);
        fake_host_advance(&f->fake, 100);
    }
    fake_host_advance(&f->fake, 2000);
    assert_int_equal(store_size(f->store, TEXT("window")), 0);
    assert_int_equal(store_size(f->store, TEXT("for ever")), 100);
    assert_int_equal(insert(f, "window", "again", 1000), 0);
    assert_int_equal(store_size(f->store, TEXT("window")), 1);
}

static void test_a_member_inserted_again_has_the_new_time(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(insert(f, "busy", "bob", 1000), 0);
    fake_host_advance(&f->fake, 999);
    assert_int_equal(insert(f, "busy", "bob", 1000), 0);
    fake_host_advance(&f->fake, 999);
    assert_true(contains(f, "busy", "bob"));
    fake_host_advance(&f->fake, 1);
    assert_false(contains(f, "busy", "bob"));
    assert_int_equal(insert(f, "busy", "bob", 0), 0);
    fake_host_advance(&f->fake, 5000);
    assert_true(contains(f, "busy", "bob"));
    assert_int_equal(store_size(f->store, TEXT("busy")), 1);
}

static void test_a_name_is_of_one_kind(void **state)
{
    struct fixture *f = *state;
    char bytes[STORE_VALUE_MOST];
    size_t length;
    int64_t value;
    unsigned seen = 0;
    assert_int_equal(put(f, "value", "v", 0), 0);
    assert_int_equal(insert(f, "set", "m", 1000), 0);
    assert_int_equal(store_add(f->store, TEXT("counter"), 1, &value), 0);
    assert_int_equal(store_add(f->store, TEXT("value"), 1, &value), -EEXIST);
    assert_int_equal(store_add(f->store, TEXT("set"), 1, &value), -EEXIST);
    assert_int_equal(store_count(f->store, TEXT("set"), &value), -EEXIST);
    assert_int_equal(put(f, "counter", "v", 0), -EEXIST);
    assert_int_equal(put(f, "set", "v", 0), -EEXIST);
    assert_int_equal(store_copy(f->store, TEXT("set"), bytes, &length), -EEXIST);
    assert_int_equal(insert(f, "value", "m", 0), -EEXIST);
    assert_int_equal(store_members(f->store, TEXT("value"), count_member, &seen), -EEXIST);
    assert_int_equal(store_size(f->store, TEXT("value")), 0);
    assert_false(contains(f, "counter", "m"));
    assert_value(f, "value", "v");
    assert_true(contains(f, "set", "m"));
    assert_value(f, "m", NULL);
    fake_host_advance(&f->fake, 1000);
    assert_int_equal(store_add(f->store, TEXT("set"), 1, &value), 0);
    assert_int_equal(value, 1);
}

static void test_names_and_values_are_bounded(void **state)
{
    struct fixture *f = *state;
    static char long_text[STORE_VALUE_MOST + 1];
    int64_t value;
    memset(long_text, 'n', sizeof long_text);
    struct text name = {long_text, STORE_NAME_MOST}, longer = {long_text, STORE_NAME_MOST + 1};
    assert_int_equal(store_add(f->store, name, 1, &value), 0);
    assert_int_equal(store_add(f->store, longer, 1, &value), -ENAMETOOLONG);
    assert_int_equal(store_put(f->store, longer, TEXT("v"), 0), -ENAMETOOLONG);
    assert_int_equal(store_insert(f->store, longer, TEXT("m"), 0), -ENAMETOOLONG);
    assert_int_equal(store_insert(f->store, TEXT("s"), longer, 0), -ENAMETOOLONG);
    assert_int_equal(store_insert(f->store, TEXT("s"), TEXT(""), 0), -EINVAL);
    assert_int_equal(store_add(f->store, TEXT(""), 1, &value), -EINVAL);
    assert_int_equal(store_put(f->store, TEXT("v"), (struct text){long_text, sizeof long_text}, 0), -EMSGSIZE);
    assert_false(store_contains(f->store, longer, TEXT("m")));
    assert_int_equal(store_forget(f->store, longer), -ENOENT);
    assert_int_equal(store_entries(f->store), 1);
}

static void test_a_full_store_takes_nothing_new_and_loses_nothing(void **state)
{
    struct fixture *f = *state;
    int64_t value;
    remake(f, 4, 0);
    assert_int_equal(put(f, "a", "1", 0), 0);
    assert_int_equal(insert(f, "s", "m", 0), 0);
    assert_int_equal(store_add(f->store, TEXT("c"), 1, &value), 0);
    assert_int_equal(put(f, "b", "2", 0), -ENOSPC);
    assert_int_equal(insert(f, "s", "n", 0), -ENOSPC);
    assert_int_equal(insert(f, "t", "n", 0), -ENOSPC);
    assert_int_equal(store_add(f->store, TEXT("d"), 1, &value), -ENOSPC);
    assert_int_equal(store_add(f->store, TEXT("c"), 1, &value), 0);
    assert_int_equal(value, 2);
    assert_int_equal(put(f, "a", "longer", 0), 0);
    assert_value(f, "a", "longer");
    assert_true(contains(f, "s", "m"));
    assert_int_equal(store_entries(f->store), 4);
}

/* The set that would be made for it is not left behind, empty. */
static void test_a_set_without_room_for_its_first_member_is_not_made(void **state)
{
    struct fixture *f = *state;
    remake(f, 2, 0);
    assert_int_equal(put(f, "a", "1", 0), 0);
    assert_int_equal(insert(f, "s", "m", 0), -ENOSPC);
    assert_int_equal(store_entries(f->store), 1);
    assert_int_equal(put(f, "s", "2", 0), 0);
}

static void test_bytes_are_bounded(void **state)
{
    struct fixture *f = *state;
    remake(f, 0, 10);
    assert_int_equal(put(f, "a", "123456789", 0), 0);
    assert_int_equal(put(f, "b", "", 0), -ENOSPC);
    assert_int_equal(put(f, "a", "1234567890", 0), -ENOSPC);
    assert_value(f, "a", "123456789");
    assert_int_equal(put(f, "a", "1234", 0), 0);
    assert_int_equal(put(f, "b", "1234", 0), 0);
    assert_int_equal(f->store->bytes, 10);
}

static void test_what_has_expired_makes_room(void **state)
{
    struct fixture *f = *state;
    char name[16];
    remake(f, 3, 0);
    for (unsigned i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "m%u", i);
        assert_int_equal(insert(f, "s", name, 1000), 0);
        assert_int_equal(put(f, "v", name, 1000), 0);
        assert_int_equal(insert(f, "s", "one more", 1000), -ENOSPC);
        fake_host_advance(&f->fake, 1000);
    }
    assert_int_equal(store_size(f->store, TEXT("s")), 0);
}

static void test_expiry_removes_as_many_as_it_is_told(void **state)
{
    struct fixture *f = *state;
    char name[16];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "v%u", i);
        assert_int_equal(put(f, name, "", i < 60 ? 1000 : 0), 0);
    }
    assert_int_equal(store_expire(f->store, 100), 0);
    fake_host_advance(&f->fake, 1000);
    assert_int_equal(store_expire(f->store, 25), 25);
    assert_int_equal(store_expire(f->store, 100), 35);
    assert_int_equal(store_entries(f->store), 40);
}

/* Where nobody calls store_expire, changes remove what has expired, a few each. */
static void test_changes_remove_what_has_expired(void **state)
{
    struct fixture *f = *state;
    char name[16];
    int64_t value;
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "v%u", i);
        assert_int_equal(put(f, name, "", 1000), 0);
    }
    fake_host_advance(&f->fake, 1000);
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(store_add(f->store, TEXT("c"), 1, &value), 0);
    assert_int_equal(store_entries(f->store), 1);
}

/* A set of thousands is gone at once, and its room a little later: nobody waits for it. */
static void test_a_large_set_is_forgotten_at_once(void **state)
{
    struct fixture *f = *state;
    char name[16];
    remake(f, 1002, 0);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "m%u", i);
        assert_int_equal(insert(f, "large", name, i % 2 ? 1000 : 0), 0);
    }
    assert_int_equal(store_forget(f->store, TEXT("large")), 0);
    assert_int_equal(store_forget(f->store, TEXT("large")), -ENOENT);
    assert_int_equal(store_size(f->store, TEXT("large")), 0);
    assert_false(contains(f, "large", "m1"));
    assert_true(store_entries(f->store) > 900);
    assert_int_equal(put(f, "large", "value", 0), 0);
    assert_value(f, "large", "value");
    assert_int_equal(store_forget(f->store, TEXT("large")), 0);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "m%u", i);
        assert_int_equal(insert(f, "large", name, 0), 0);
    }
    assert_int_equal(store_size(f->store, TEXT("large")), 1000);
    assert_int_equal(store_entries(f->store), 1001);
    assert_int_equal(store_forget(f->store, TEXT("large")), 0);
    fake_host_advance(&f->fake, 1000);
    assert_true(store_expire(f->store, 2000) > 900);
    assert_int_equal(store_entries(f->store), 0);
    assert_int_equal(f->store->bytes, 0);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "m%u", i);
        assert_int_equal(insert(f, "left behind", name, 1000), 0);
    }
    assert_int_equal(store_forget(f->store, TEXT("left behind")), 0);
}

static void lock(void *context)
{
    struct fixture *f = context;
    assert_int_equal(f->locked++, 0);
    f->locks++;
}

static void unlock(void *context)
{
    struct fixture *f = context;
    assert_int_equal(--f->locked, 0);
}

static uint64_t now_locked(void *context)
{
    return ((struct fixture *)context)->fake.now_ms;
}

static void *allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    struct fixture *f = context;
    return f->fake.host.allocate(&f->fake, old, old_size, new_size);
}

static uint32_t draw(void *context)
{
    struct fixture *f = context;
    return f->fake.host.random(&f->fake);
}

static void test_each_call_holds_the_lock_once(void **state)
{
    struct fixture *f = *state;
    struct host host = {
        .context = f, .now_ms = now_locked, .allocate = allocate, .random = draw, .lock = lock, .unlock = unlock};
    char buffer[STORE_VALUE_MOST];
    size_t length;
    int64_t value;
    unsigned seen = 0;
    struct store *store;
    assert_int_equal(store_new(&store, &host, NULL), 0);
    f->locks = 0;
    store_add(store, TEXT("c"), 1, &value);
    store_count(store, TEXT("c"), &value);
    store_put(store, TEXT("c"), TEXT("v"), 0);
    store_copy(store, TEXT("v"), buffer, &length);
    store_insert(store, TEXT("s"), TEXT("m"), 0);
    store_contains(store, TEXT("s"), TEXT("m"));
    store_erase(store, TEXT("s"), TEXT("m"));
    store_size(store, TEXT("s"));
    store_members(store, TEXT("s"), count_member, &seen);
    store_forget(store, TEXT("s"));
    store_expire(store, 1);
    store_entries(store);
    assert_int_equal(f->locks, 12);
    assert_int_equal(f->locked, 0);
    store_delete(store);
}

/* Every allocation fails once in its turn: the call says so, and the store is as it was. */
static void test_without_memory_nothing_is_half_stored(void **state)
{
    struct fixture *f = *state;
    for (uint64_t step = 1; step < 40; step++) {
        int64_t value = 0;
        remake(f, 0, 0);
        assert_int_equal(put(f, "old", "value", 5000), 0);
        assert_int_equal(insert(f, "set", "member", 5000), 0);
        f->fake.fail_after = f->fake.calls + step;
        int errors[5] = {put(f, "new", "n", 1000), put(f, "old", "longer value", 1000), insert(f, "set", "two", 1000),
                         insert(f, "other", "one", 1000), store_add(f->store, TEXT("c"), 1, &value)};
        f->fake.fail_after = 0;
        for (size_t i = 0; i < 5; i++)
            assert_true(errors[i] == 0 || errors[i] == -ENOMEM);
        assert_value(f, "new", errors[0] == 0 ? "n" : NULL);
        assert_value(f, "old", errors[1] == 0 ? "longer value" : "value");
        assert_int_equal(store_size(f->store, TEXT("set")), errors[2] == 0 ? 2 : 1);
        assert_int_equal(store_size(f->store, TEXT("other")), errors[3] == 0 ? 1 : 0);
        assert_int_equal(store_count(f->store, TEXT("c"), &value), 0);
        assert_int_equal(value, errors[4] == 0 ? 1 : 0);
        size_t expected = 3 + (errors[0] == 0) + (errors[2] == 0) + 2 * (errors[3] == 0) + (errors[4] == 0);
        assert_int_equal(store_entries(f->store), expected);
        fake_host_advance(&f->fake, 5000);
        store_expire(f->store, 100);
        assert_int_equal(store_entries(f->store), errors[4] == 0 ? 1 : 0);
    }
    f->fake.fail_after = f->fake.calls + 1;
    struct store *none = NULL;
    assert_int_equal(store_new(&none, &f->fake.host, NULL), -ENOMEM);
    f->fake.fail_after = f->fake.calls + 2;
    assert_int_equal(store_new(&none, &f->fake.host, NULL), -ENOMEM);
    assert_null(none);
    f->fake.fail_after = 0;
    store_delete(NULL);
}

/* --- shared by threads --- */

enum { THREADS = 4, TURNS = 20000 };

struct crowd {
    struct fake_host fake;
    pthread_mutex_t mutex;
    struct store *store;
};

static void crowd_lock(void *context)
{
    pthread_mutex_lock(&((struct crowd *)context)->mutex);
}

static void crowd_unlock(void *context)
{
    pthread_mutex_unlock(&((struct crowd *)context)->mutex);
}

static uint64_t crowd_now(void *context)
{
    return ((struct crowd *)context)->fake.now_ms;
}

static void *crowd_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    struct fake_host *fake = &((struct crowd *)context)->fake;
    return fake->host.allocate(fake, old, old_size, new_size);
}

static uint32_t crowd_random(void *context)
{
    struct fake_host *fake = &((struct crowd *)context)->fake;
    return fake->host.random(fake);
}

/* A value is one letter, many times: half of one and half of another would show. Returns NULL where all is well. */
static void *crowd_member(void *context)
{
    struct store *store = ((struct crowd *)context)->store;
    char value[STORE_VALUE_MOST], copy[STORE_VALUE_MOST];
    int64_t sum;
    size_t length;
    for (unsigned i = 0; i < TURNS; i++) {
        size_t wanted = 1 + i * 7 % 300;
        memset(value, 'a' + (int)(i % 26), wanted);
        if (store_put(store, TEXT("value"), (struct text){value, wanted}, 0) != 0 ||
            store_copy(store, TEXT("value"), copy, &length) != 0 || store_add(store, TEXT("count"), 1, &sum) != 0)
            return "refused";
        for (size_t at = 1; at < length; at++)
            if (copy[at] != copy[0])
                return "mixed";
        store_insert(store, TEXT("set"), (struct text){value, 1}, 0);
        store_erase(store, TEXT("set"), (struct text){copy, 1});
    }
    return NULL;
}

static void test_threads_share_it(void **state)
{
    static struct crowd crowd;
    pthread_t threads[THREADS];
    int64_t sum;
    (void)state;
    fake_host_create(&crowd.fake);
    pthread_mutex_init(&crowd.mutex, NULL);
    struct host host = {.context = &crowd,
                        .now_ms = crowd_now,
                        .allocate = crowd_allocate,
                        .random = crowd_random,
                        .lock = crowd_lock,
                        .unlock = crowd_unlock};
    assert_int_equal(store_new(&crowd.store, &host, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_member, &crowd), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *trouble;
        pthread_join(threads[i], &trouble);
        assert_null(trouble);
    }
    assert_int_equal(store_count(crowd.store, TEXT("count"), &sum), 0);
    assert_int_equal(sum, THREADS * TURNS);
    store_delete(crowd.store);
    assert_int_equal(crowd.fake.allocated, 0);
    pthread_mutex_destroy(&crowd.mutex);
}

/* --- against a plain model --- */

enum { NAMES = 12, MEMBERS = 6, STEPS = 200000 };

struct model {
    char kind; /* 'c', 'v', 's', or 0 */
    int64_t count;
    unsigned value;
    uint64_t until; /* of the value; UINT64_MAX: for ever */
    uint64_t member_until[MEMBERS];
};

static unsigned model_size(const struct model *model, uint64_t now)
{
    unsigned size = 0;
    for (unsigned i = 0; i < MEMBERS; i++)
        size += model->member_until[i] > now;
    return size;
}

static char model_kind(const struct model *model, uint64_t now)
{
    if (model->kind == 'c')
        return model->count != 0 ? 'c' : 0;
    if (model->kind == 'v')
        return model->until > now ? 'v' : 0;
    return model->kind == 's' && model_size(model, now) != 0 ? 's' : 0;
}

static void model_become(struct model *model, char kind)
{
    if (model->kind != kind)
        *model = (struct model){.kind = kind};
}

static void model_check(struct fixture *f, const struct model *model, struct text name, char kind)
{
    uint64_t now = f->fake.now_ms;
    char text[STORE_VALUE_MOST];
    size_t length = 0;
    int64_t count = 0;
    char expected[16];
    assert_int_equal(store_count(f->store, name, &count), kind == 0 || kind == 'c' ? 0 : -EEXIST);
    assert_true(count == (kind == 'c' ? model->count : 0));
    int error = store_copy(f->store, name, text, &length);
    assert_int_equal(error, kind == 'v' ? 0 : kind == 0 ? -ENOENT : -EEXIST);
    if (kind == 'v') {
        snprintf(expected, sizeof expected, "%u", model->value);
        assert_true(text_equal((struct text){text, length}, text_of(expected)));
    }
    assert_int_equal(store_size(f->store, name), kind == 's' ? model_size(model, now) : 0);
    for (unsigned i = 0; i < MEMBERS; i++) {
        snprintf(expected, sizeof expected, "m%u", i);
        assert_int_equal(store_contains(f->store, name, text_of(expected)),
                         kind == 's' && model->member_until[i] > now);
    }
}

static void model_step(struct fixture *f, struct model *model, struct text name, uint32_t chance)
{
    uint64_t now = f->fake.now_ms;
    uint64_t ttl = chance >> 8 & 1 ? 0 : 1 + (chance >> 9) % 400;
    uint64_t until = ttl == 0 ? UINT64_MAX : now + ttl;
    char kind = model_kind(model, now), text[16], member[16];
    unsigned which = (chance >> 20) % MEMBERS;
    int64_t amount = (int64_t)(chance >> 12) % 5 - 2, sum = 0;
    snprintf(text, sizeof text, "%u", chance >> 16);
    snprintf(member, sizeof member, "m%u", which);
    switch (chance % 5) {
    case 0:
        assert_int_equal(store_add(f->store, name, amount, &sum), kind == 0 || kind == 'c' ? 0 : -EEXIST);
        if (kind != 0 && kind != 'c')
            return;
        model_become(model, 'c');
        model->count += amount;
        assert_true(sum == model->count);
        return;
    case 1:
        assert_int_equal(store_put(f->store, name, text_of(text), ttl), kind == 0 || kind == 'v' ? 0 : -EEXIST);
        if (kind != 0 && kind != 'v')
            return;
        model_become(model, 'v');
        model->value = chance >> 16;
        model->until = until;
        return;
    case 2:
        assert_int_equal(store_insert(f->store, name, text_of(member), ttl), kind == 0 || kind == 's' ? 0 : -EEXIST);
        if (kind != 0 && kind != 's')
            return;
        model_become(model, 's');
        model->member_until[which] = until;
        return;
    case 3:
        assert_int_equal(store_erase(f->store, name, text_of(member)),
                         kind == 's' && model->member_until[which] > now ? 0 : -ENOENT);
        if (kind == 's')
            model->member_until[which] = 0;
        return;
    default:
        if (chance >> 10 & 1)
            return;
        assert_int_equal(store_forget(f->store, name), kind != 0 ? 0 : -ENOENT);
        *model = (struct model){0};
    }
}

static void test_it_does_what_a_plain_model_does(void **state)
{
    struct fixture *f = *state;
    static struct model models[NAMES];
    char name[8];
    memset(models, 0, sizeof models);
    for (unsigned step = 0; step < STEPS; step++) {
        uint32_t chance = f->fake.host.random(&f->fake);
        unsigned which = (f->fake.host.random(&f->fake) >> 8) % NAMES;
        struct model *model = &models[which];
        snprintf(name, sizeof name, "n%u", which);
        model_step(f, model, text_of(name), chance);
        if (step % 3 == 0)
            fake_host_advance(&f->fake, chance >> 24);
        if (step % 97 == 0)
            store_expire(f->store, 3);
        model_check(f, model, text_of(name), model_kind(model, f->fake.now_ms));
    }
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH(test_a_counter_adds_up),
        WITH(test_a_counter_at_zero_takes_no_room),
        WITH(test_a_counter_that_would_overflow_stays),
        WITH(test_a_value_is_there_until_forgotten),
        WITH(test_a_value_ends_to_the_millisecond),
        WITH(test_a_value_put_again_has_the_new_time),
        WITH(test_a_copy_is_the_callers),
        WITH(test_a_set_has_members_each_once),
        WITH(test_a_set_goes_with_its_last_member),
        WITH(test_the_size_counts_only_what_lives),
        WITH(test_a_member_inserted_again_has_the_new_time),
        WITH(test_a_name_is_of_one_kind),
        WITH(test_names_and_values_are_bounded),
        WITH(test_a_full_store_takes_nothing_new_and_loses_nothing),
        WITH(test_a_set_without_room_for_its_first_member_is_not_made),
        WITH(test_bytes_are_bounded),
        WITH(test_what_has_expired_makes_room),
        WITH(test_expiry_removes_as_many_as_it_is_told),
        WITH(test_changes_remove_what_has_expired),
        WITH(test_a_large_set_is_forgotten_at_once),
        WITH(test_each_call_holds_the_lock_once),
        WITH(test_without_memory_nothing_is_half_stored),
        cmocka_unit_test(test_threads_share_it),
        WITH(test_it_does_what_a_plain_model_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
