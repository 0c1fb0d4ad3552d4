// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "standalone/auth/users_removed.h"

/* Who was removed from a list of users that is read in slices. */

struct roll {
    struct fake_host fake;
    struct users_removed removed;
    char reported[256];
};

static void note(void *context, const char *aor)
{
    struct roll *roll = context;
    size_t length = strlen(roll->reported);
    snprintf(roll->reported + length, sizeof roll->reported - length, "%s ", aor);
}

static void roll_create(struct roll *roll)
{
    *roll = (struct roll){0};
    fake_host_create(&roll->fake);
    users_removed_create(&roll->removed, &roll->fake.host);
    roll->removed.report = note;
    roll->removed.context = roll;
}

static void roll_destroy(struct roll *roll)
{
    users_removed_destroy(&roll->removed);
    assert_int_equal(roll->fake.allocated, 0);
}

/* The users are letters. One slice has at most `most`. */
static void read_slice(struct roll *roll, const char *users, size_t most)
{
    const char *after = users_removed_after(&roll->removed);
    while (*users != '\0' && *users <= after[0])
        users++;
    for (size_t i = 0; i < most && users[i] != '\0'; i++)
        users_removed_see(&roll->removed, (char[]){users[i], '\0'});
    users_removed_end_slice(&roll->removed, most);
}

static void read_all(struct roll *roll, const char *users, size_t most)
{
    roll->reported[0] = '\0';
    users_removed_begin(&roll->removed);
    for (int i = 0; i < 100 && roll->removed.reads; i++)
        read_slice(roll, users, most);
    assert_false(roll->removed.reads);
}

static void assert_reports(struct roll *roll, const char *users, size_t most, const char *reported)
{
    read_all(roll, users, most);
    assert_string_equal(roll->reported, reported);
}

static void test_those_who_are_missing_are_reported(void **unused)
{
    (void)unused;
    for (size_t most = 1; most < 10; most++) {
        struct roll roll;
        roll_create(&roll);
        assert_reports(&roll, "bcdefg", most, "");
        assert_reports(&roll, "bcdefg", most, "");
        assert_reports(&roll, "abcdefgh", most, "");
        assert_reports(&roll, "bcdefg", most, "a h ");
        assert_reports(&roll, "cfgz", most, "b d e ");
        assert_reports(&roll, "", most, "c f g z ");
        assert_reports(&roll, "", most, "");
        assert_reports(&roll, "a", most, "");
        roll_destroy(&roll);
    }
}

static void test_a_change_during_a_pass_begins_another(void **unused)
{
    struct roll roll;
    (void)unused;
    roll_create(&roll);
    read_all(&roll, "abcdef", 2);
    users_removed_begin(&roll.removed);
    read_slice(&roll, "abcdef", 2);
    users_removed_begin(&roll.removed);
    /* "a" is removed behind the pass, "f" before it. */
    read_slice(&roll, "bcde", 2);
    assert_string_equal(roll.reported, "");
    read_slice(&roll, "bcde", 2);
    assert_string_equal(roll.reported, "f ");
    assert_true(roll.removed.reads);
    for (int i = 0; i < 3; i++)
        read_slice(&roll, "bcde", 2);
    assert_string_equal(roll.reported, "f a ");
    assert_false(roll.removed.reads);
    roll_destroy(&roll);
}

static void find_each(struct roll *roll, const char *users)
{
    for (; *users != '\0'; users++)
        users_removed_found(&roll->removed, (struct text){users, 1});
}

static void test_those_who_were_found_between_two_passes_are_known(void **unused)
{
    (void)unused;
    for (size_t most = 1; most < 6; most++) {
        struct roll roll;
        roll_create(&roll);
        find_each(&roll, "b");
        assert_reports(&roll, "", most, "b ");
        read_all(&roll, "cef", most);
        find_each(&roll, "gaeedag");
        assert_reports(&roll, "cf", most, "a d e g ");
        assert_reports(&roll, "cf", most, "");
        /* During a pass: known to the next one. */
        users_removed_begin(&roll.removed);
        find_each(&roll, "dz");
        users_removed_begin(&roll.removed);
        roll.reported[0] = '\0';
        while (roll.removed.reads)
            read_slice(&roll, "cdf", most);
        assert_string_equal(roll.reported, "z ");
        roll_destroy(&roll);
    }
}

static void test_without_memory_those_who_were_found_are_known_later(void **unused)
{
    (void)unused;
    for (unsigned step = 1; step <= 3; step++) {
        struct roll roll;
        roll_create(&roll);
        read_all(&roll, "b", 10);
        find_each(&roll, "a");
        roll.fake.fail_after = roll.fake.calls + step;
        users_removed_begin(&roll.removed);
        roll.fake.fail_after = 0;
        users_removed_give_up(&roll.removed);
        assert_reports(&roll, "b", 10, "a ");
        roll_destroy(&roll);
    }
}

static void test_users_out_of_order_report_nobody(void **unused)
{
    struct roll roll;
    (void)unused;
    roll_create(&roll);
    read_all(&roll, "ab", 10);
    users_removed_begin(&roll.removed);
    users_removed_see(&roll.removed, "b");
    roll.reported[0] = '\0';
    users_removed_see(&roll.removed, "a");
    users_removed_end_slice(&roll.removed, 10);
    assert_false(roll.removed.reads);
    assert_string_equal(roll.reported, "");
    assert_reports(&roll, "b", 10, "a ");
    roll_destroy(&roll);
}

static void test_without_memory_a_pass_is_given_up(void **unused)
{
    struct roll roll;
    (void)unused;
    roll_create(&roll);
    read_all(&roll, "ab", 10);
    roll.fake.fail_after = roll.fake.calls + 1;
    assert_reports(&roll, "", 10, "a b ");
    read_all(&roll, "ab", 10);
    roll.fake.fail_after = 0;
    roll_destroy(&roll);

    roll_create(&roll);
    roll.fake.fail_after = roll.fake.calls + 1;
    read_all(&roll, "ab", 10);
    roll.fake.fail_after = 0;
    assert_reports(&roll, "a", 10, "");
    assert_reports(&roll, "", 10, "a ");
    roll_destroy(&roll);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_those_who_are_missing_are_reported),
        cmocka_unit_test(test_a_change_during_a_pass_begins_another),
        cmocka_unit_test(test_those_who_were_found_between_two_passes_are_known),
        cmocka_unit_test(test_without_memory_those_who_were_found_are_known_later),
        cmocka_unit_test(test_users_out_of_order_report_nobody),
        cmocka_unit_test(test_without_memory_a_pass_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
