// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "standalone/serve/log_stamp.h"

static void test_the_journal_is_known_by_device_and_inode(void **state)
{
    int ends[2];
    char stream[64];
    struct stat status;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fstat(ends[1], &status), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
    assert_true(log_stamp_is_journal(ends[1], stream));
    assert_false(log_stamp_is_journal(ends[1], NULL));
    assert_false(log_stamp_is_journal(ends[1], ""));
    assert_false(log_stamp_is_journal(ends[1], "8:1"));
    snprintf(stream, sizeof stream, "%llu:%llu0", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
    assert_false(log_stamp_is_journal(ends[1], stream));
    close(ends[0]);
    close(ends[1]);
    assert_false(log_stamp_is_journal(ends[1], stream));
}

static void test_a_stamp_is_a_time_in_utc(void **state)
{
    char stamp[48];
    int year, month, day, hour, minute, second, millisecond, end = 0;
    (void)state;
    log_stamp_write(stamp, sizeof stamp);
    assert_int_equal(sscanf(stamp, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n", &year, &month, &day, &hour, &minute, &second,
                            &millisecond, &end),
                     7);
    assert_int_equal(end, 25);
    assert_int_equal(strlen(stamp), 25);
    assert_true(year >= 2024 && month >= 1 && month <= 12 && day >= 1 && day <= 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_journal_is_known_by_device_and_inode),
        cmocka_unit_test(test_a_stamp_is_a_time_in_utc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
