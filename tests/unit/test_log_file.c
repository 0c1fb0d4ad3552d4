// SPDX-License-Identifier: BSD-2-Clause
#include "log_folder.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "standalone/log/log_file.h"

struct stage {
    struct log_folder folder;
    struct log_file file;
    uint64_t now_ms;
    size_t lost;
};

static void create(struct stage *stage, uint64_t size_most, uint32_t keep)
{
    *stage = (struct stage){.now_ms = 5000};
    log_folder_create(&stage->folder);
    const struct log_file_config config = {.path = stage->folder.log, .size_most = size_most, .keep = keep};
    assert_int_equal(log_file_create(&stage->file, &config), 0);
}

static void destroy(struct stage *stage)
{
    log_file_destroy(&stage->file);
    log_folder_destroy(&stage->folder);
}

static int put(struct stage *stage, const char *lines)
{
    return log_file_write(&stage->file, lines, strlen(lines), stage->now_ms, &stage->lost);
}

static void assert_put(struct stage *stage, const char *lines)
{
    assert_int_equal(put(stage, lines), 0);
    assert_int_equal(stage->lost, 0);
}

static void test_what_was_there_is_kept(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage, 0, 0);
    assert_put(&stage, "one\n");
    log_file_destroy(&stage.file);
    const struct log_file_config config = {.path = stage.folder.log, .size_most = 100};
    assert_int_equal(log_file_create(&stage.file, &config), 0);
    assert_int_equal(stage.file.size, 4);
    assert_put(&stage, "two\n");
    assert_log(&stage.folder, 0, "one\ntwo\n");
    destroy(&stage);
}

static void test_rotates_by_size_and_keeps_so_many(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage, 10, 2);
    assert_put(&stage, "aaaa\n");
    assert_put(&stage, "bbbb\n");
    assert_log(&stage.folder, 1, NULL);
    assert_put(&stage, "cccc\n");
    assert_log(&stage.folder, 0, "cccc\n");
    assert_log(&stage.folder, 1, "aaaa\nbbbb\n");
    assert_put(&stage, "ddddddddddddd\n"); // longer than a file may be: one of its own
    assert_put(&stage, "e\n");
    assert_log(&stage.folder, 0, "e\n");
    assert_log(&stage.folder, 1, "ddddddddddddd\n");
    assert_log(&stage.folder, 2, "cccc\n");
    assert_log(&stage.folder, 3, NULL);
    destroy(&stage);
}

static void test_many_lines_at_once_are_cut_between_lines(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage, 10, 3);
    assert_put(&stage, "aaaa\nbbbb\ncccc\ndddd\neeee\n");
    assert_log(&stage.folder, 0, "eeee\n");
    assert_log(&stage.folder, 1, "cccc\ndddd\n");
    assert_log(&stage.folder, 2, "aaaa\nbbbb\n");
    destroy(&stage);
}

static void test_with_none_to_keep_the_file_starts_again(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage, 5, 0);
    assert_put(&stage, "aaaa\nbbbb\n");
    assert_log(&stage.folder, 0, "bbbb\n");
    assert_log(&stage.folder, 1, NULL);
    destroy(&stage);
}

static void test_a_renamed_file_is_begun_anew_within_a_second(void **unused)
{
    struct stage stage;
    char moved[128];
    (void)unused;
    create(&stage, 0, 0);
    snprintf(moved, sizeof moved, "%s.7", stage.folder.log);
    assert_put(&stage, "one\n");
    assert_int_equal(rename(stage.folder.log, moved), 0);
    stage.now_ms += 999;
    assert_put(&stage, "two\n");
    stage.now_ms += 1;
    assert_put(&stage, "three\n");
    assert_log(&stage.folder, 7, "one\ntwo\n");
    assert_log(&stage.folder, 0, "three\n");
    destroy(&stage);
}

static void test_a_file_that_was_cut_counts_from_there(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage, 10, 1);
    assert_put(&stage, "aaaa\nbbbb\n");
    assert_int_equal(truncate(stage.folder.log, 0), 0);
    stage.now_ms += 1000;
    assert_put(&stage, "cccc\n");
    assert_log(&stage.folder, 0, "cccc\n");
    assert_log(&stage.folder, 1, NULL);
    destroy(&stage);
}

static void test_a_full_disk_loses_whole_lines_and_is_over_when_it_is_over(void **unused)
{
    struct stage stage;
    struct rlimit before, limit;
    (void)unused;
    create(&stage, 0, 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = (struct rlimit){.rlim_cur = 12, .rlim_max = before.rlim_max};
    assert_put(&stage, "one\n");
    setrlimit(RLIMIT_FSIZE, &limit);
    int cut = put(&stage, "two\nthree and more\n"); // the disk takes eight bytes of it
    size_t cut_lost = stage.lost;
    int refused = put(&stage, "four is too long\n");
    size_t refused_lost = stage.lost;
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(cut, -ENOSPC);
    assert_int_equal(cut_lost, 2);
    assert_true(refused < 0);
    assert_int_equal(refused_lost, 1);
    assert_put(&stage, "five\n");
    assert_log(&stage.folder, 0, "one\nfive\n");
    destroy(&stage);
}

static void test_a_device_that_is_full_takes_nothing_and_is_not_rotated(void **unused)
{
    struct log_file file;
    size_t lost;
    const struct log_file_config config = {.path = "/dev/full", .size_most = 4, .keep = 1};
    (void)unused;
    assert_int_equal(log_file_create(&file, &config), 0);
    assert_false(file.regular);
    assert_int_equal(log_file_write(&file, "one\ntwo\n", 8, 1, &lost), -ENOSPC);
    assert_int_equal(lost, 2);
    assert_int_equal(access("/dev/full", F_OK), 0);
    log_file_destroy(&file);
}

static void test_a_pipe_that_nobody_reads_does_not_hold_up(void **unused)
{
    struct log_folder folder;
    struct log_file file;
    (void)unused;
    log_folder_create(&folder);
    assert_int_equal(mkfifo(folder.log, 0600), 0);
    const struct log_file_config config = {.path = folder.log};
    assert_int_equal(log_file_create(&file, &config), -ENXIO);
    log_folder_destroy(&folder);
}

static void test_what_cannot_be_rotated_grows(void **unused)
{
    struct stage stage;
    char older[128];
    (void)unused;
    create(&stage, 10, 1);
    snprintf(older, sizeof older, "%s.1", stage.folder.log);
    assert_int_equal(mkdir(older, 0700), 0); // no file can take its place
    assert_put(&stage, "aaaa\nbbbb\n");
    assert_true(put(&stage, "cccc\n") < 0);
    assert_int_equal(stage.lost, 0);
    assert_log(&stage.folder, 0, "aaaa\nbbbb\ncccc\n");
    assert_int_equal(rmdir(older), 0);
    stage.now_ms += 1000;
    assert_put(&stage, "dddd\n");
    assert_log(&stage.folder, 0, "dddd\n");
    assert_log(&stage.folder, 1, "aaaa\nbbbb\ncccc\n");
    destroy(&stage);
}

static void test_a_folder_that_is_gone_is_written_to_when_it_is_back(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage, 0, 0);
    assert_int_equal(unlink(stage.folder.log), 0);
    assert_int_equal(rmdir(stage.folder.path), 0);
    assert_int_equal(put(&stage, "one\ntwo\n"), -ENOENT);
    assert_int_equal(stage.lost, 2);
    assert_int_equal(mkdir(stage.folder.path, 0700), 0);
    assert_put(&stage, "three\n");
    assert_log(&stage.folder, 0, "three\n");
    destroy(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_there_is_kept),
        cmocka_unit_test(test_rotates_by_size_and_keeps_so_many),
        cmocka_unit_test(test_many_lines_at_once_are_cut_between_lines),
        cmocka_unit_test(test_with_none_to_keep_the_file_starts_again),
        cmocka_unit_test(test_a_renamed_file_is_begun_anew_within_a_second),
        cmocka_unit_test(test_a_file_that_was_cut_counts_from_there),
        cmocka_unit_test(test_a_full_disk_loses_whole_lines_and_is_over_when_it_is_over),
        cmocka_unit_test(test_a_device_that_is_full_takes_nothing_and_is_not_rotated),
        cmocka_unit_test(test_a_pipe_that_nobody_reads_does_not_hold_up),
        cmocka_unit_test(test_what_cannot_be_rotated_grows),
        cmocka_unit_test(test_a_folder_that_is_gone_is_written_to_when_it_is_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
