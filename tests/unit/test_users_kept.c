// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "standalone/auth/users_kept.h"

/* Secrets in memory. */

static struct users_key key(const char *aor)
{
    return (struct users_key){text_of(aor), AUTH_SHA256, USERS_USER_PART};
}

static void put(struct users_kept *kept, const char *aor, const char *ha1)
{
    struct users_key which = key(aor);
    users_kept_put(kept, &which, ha1);
}

static void assert_kept(const struct users_kept *kept, const char *aor, const char *ha1)
{
    char found[HA1_SIZE] = "";
    struct users_key which = key(aor);
    assert_int_equal(users_kept_find(kept, &which, found), ha1 != NULL);
    assert_string_equal(found, ha1 != NULL ? ha1 : "");
}

static void test_a_secret_is_found_by_its_whole_key(void **unused)
{
    struct fake_host fake;
    struct users_kept kept;
    char found[HA1_SIZE];
    (void)unused;
    fake_host_create(&fake);
    assert_int_equal(users_kept_create(&kept, &fake.host, 0), 0);
    put(&kept, "bob@example.com", "12");
    assert_kept(&kept, "bob@example.com", "12");
    assert_kept(&kept, "bob@example.co", NULL);
    assert_kept(&kept, "", NULL);
    struct users_key other = key("bob@example.com");
    other.algorithm = AUTH_MD5;
    assert_false(users_kept_find(&kept, &other, found));
    other = key("bob@example.com");
    other.name = USERS_WHOLE_AOR;
    assert_false(users_kept_find(&kept, &other, found));
    users_kept_remove(&kept, &other);
    assert_kept(&kept, "bob@example.com", "12");
    put(&kept, "bob@example.com", "34");
    assert_kept(&kept, "bob@example.com", "34");
    assert_int_equal(kept.table.count, 1);
    other = key("bob@example.com");
    users_kept_remove(&kept, &other);
    assert_kept(&kept, "bob@example.com", NULL);
    users_kept_destroy(&kept);
    assert_int_equal(fake.allocated, 0);
}

static void test_the_oldest_goes_where_there_is_no_room(void **unused)
{
    struct fake_host fake;
    struct users_kept kept;
    char aor[32];
    (void)unused;
    fake_host_create(&fake);
    assert_int_equal(users_kept_create(&kept, &fake.host, 3), 0);
    for (int i = 0; i < 10; i++) {
        snprintf(aor, sizeof aor, "u%d@example.com", i);
        put(&kept, aor, "12");
    }
    assert_int_equal(kept.table.count, 3);
    assert_kept(&kept, "u6@example.com", NULL);
    assert_kept(&kept, "u7@example.com", "12");
    assert_kept(&kept, "u9@example.com", "12");
    /* The one in the middle, the newest and the oldest. */
    const char *const removed[] = {"u8@example.com", "u9@example.com", "u7@example.com"};
    for (size_t i = 0; i < 3; i++) {
        struct users_key which = key(removed[i]);
        users_kept_remove(&kept, &which);
        assert_kept(&kept, removed[i], NULL);
    }
    put(&kept, "u1@example.com", "56");
    assert_kept(&kept, "u1@example.com", "56");
    users_kept_clear(&kept);
    assert_kept(&kept, "u1@example.com", NULL);
    users_kept_clear(&kept);
    users_kept_destroy(&kept);
    assert_int_equal(fake.allocated, 0);
}

static void test_without_memory_nothing_is_kept(void **unused)
{
    struct fake_host fake;
    struct users_kept kept;
    (void)unused;
    fake_host_create(&fake);
    assert_int_equal(users_kept_create(&kept, &fake.host, 0), 0);
    put(&kept, "bob@example.com", "12");
    fake.fail_after = fake.calls + 1;
    put(&kept, "bob@example.com", "34");
    fake.fail_after = 0;
    assert_kept(&kept, "bob@example.com", NULL);
    users_kept_destroy(&kept);
    assert_int_equal(fake.allocated, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_secret_is_found_by_its_whole_key),
        cmocka_unit_test(test_the_oldest_goes_where_there_is_no_room),
        cmocka_unit_test(test_without_memory_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
