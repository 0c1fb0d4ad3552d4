// SPDX-License-Identifier: BSD-2-Clause
#include "log_folder.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "standalone/log_writer.h"

struct stage {
    struct log_folder folder;
    struct fake_host fake;
    struct log_writer *writer;
};

static int open_writer(struct stage *stage, const char *path, size_t buffer)
{
    const struct log_writer_config config = {
        .host = &stage->fake.host, .file = {.path = path, .size_most = 1000, .keep = 1}, .buffer = buffer};
    return log_writer_new(&stage->writer, &config);
}

static void create(struct stage *stage)
{
    *stage = (struct stage){0};
    fake_host_create(&stage->fake);
    log_folder_create(&stage->folder);
}

static void destroy(struct stage *stage)
{
    log_writer_delete(stage->writer);
    assert_int_equal(stage->fake.allocated, 0);
    log_folder_destroy(&stage->folder);
}

static bool put(struct stage *stage, const char *line)
{
    return log_writer_put(stage->writer, line, strlen(line));
}

static struct log_writer_counters counters(const struct stage *stage)
{
    struct log_writer_counters counters;
    log_writer_counters(stage->writer, &counters);
    return counters;
}

static void wait_for_lost(const struct stage *stage, uint64_t lost)
{
    while (counters(stage).lost < lost)
        sched_yield();
}

static void test_what_is_left_is_written_at_the_end(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage);
    assert_int_equal(open_writer(&stage, stage.folder.log, 0), 0);
    for (int i = 0; i < 100; i++)
        assert_true(put(&stage, "12345\n"));
    log_writer_delete(stage.writer);
    stage.writer = NULL;
    FILE *file = fopen(stage.folder.log, "r");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    assert_int_equal(ftell(file), 600);
    fclose(file);
    destroy(&stage);
}

static void test_lines_are_counted_once_written(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage);
    assert_int_equal(open_writer(&stage, stage.folder.log, 0), 0);
    put(&stage, "one\n");
    put(&stage, "two\n");
    while (counters(&stage).written < 2)
        sched_yield();
    assert_log(&stage.folder, 0, "one\ntwo\n");
    assert_int_equal(counters(&stage).dropped + counters(&stage).lost, 0);
    assert_int_equal(stage.fake.logged[LOG_WARNING], 0);
    destroy(&stage);
}

static void test_a_line_without_room_is_dropped_counted_and_told(void **unused)
{
    struct stage stage;
    char line[200];
    (void)unused;
    create(&stage);
    assert_int_equal(open_writer(&stage, stage.folder.log, 64), 0);
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\n';
    assert_false(log_writer_put(stage.writer, line, sizeof line));
    assert_int_equal(counters(&stage).dropped, 1);
    assert_int_equal(stage.fake.logged[LOG_WARNING], 1);
    assert_non_null(strstr(stage.fake.last_log, "1 lines dropped"));
    assert_true(put(&stage, "short\n"));
    log_writer_delete(stage.writer);
    stage.writer = NULL;
    assert_log(&stage.folder, 0, "short\n");
    destroy(&stage);
}

static void test_a_full_disk_is_told_once_a_minute_and_calls_go_on(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage);
    assert_int_equal(open_writer(&stage, "/dev/full", 0), 0);
    assert_true(put(&stage, "one\n"));
    wait_for_lost(&stage, 1);
    assert_true(put(&stage, "two\n"));
    assert_int_equal(stage.fake.logged[LOG_WARNING], 1);
    assert_non_null(strstr(stage.fake.last_log, strerror(ENOSPC)));
    wait_for_lost(&stage, 2);
    fake_host_advance(&stage.fake, 59999);
    assert_true(put(&stage, "three\n"));
    assert_int_equal(stage.fake.logged[LOG_WARNING], 1);
    fake_host_advance(&stage.fake, 1);
    assert_true(put(&stage, "four\n"));
    assert_int_equal(stage.fake.logged[LOG_WARNING], 2);
    wait_for_lost(&stage, 4);
    assert_int_equal(counters(&stage).written, 0);
    destroy(&stage);
}

static void test_a_name_that_cannot_be_written_is_told_at_the_start(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage);
    assert_int_equal(open_writer(&stage, "/nonexistent/folder/log", 0), -ENOENT);
    assert_int_equal(open_writer(&stage, stage.folder.path, 0), -EISDIR);
    destroy(&stage);
}

static void test_memory_short_at_each_step(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage);
    for (uint64_t step = 1;; step++) {
        stage.fake.calls = 0;
        stage.fake.fail_after = step;
        if (open_writer(&stage, stage.folder.log, 0) == 0)
            break;
        assert_int_equal(stage.fake.allocated, 0);
    }
    destroy(&stage);
}

static void on_signal(int number)
{
    (void)number;
}

/* The watch of scripts, and the host's handlers, are the other threads'. */
static void test_the_thread_takes_no_signals(void **unused)
{
    struct stage stage;
    sigset_t blocked, before, pending;
    (void)unused;
    create(&stage);
    assert_int_equal(open_writer(&stage, stage.folder.log, 0), 0);
    signal(SIGUSR2, on_signal);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    kill(getpid(), SIGUSR2);
    sigpending(&pending);
    assert_true(sigismember(&pending, SIGUSR2)); // nobody else was there to take it
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    signal(SIGUSR2, SIG_DFL);
    destroy(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_left_is_written_at_the_end),
        cmocka_unit_test(test_lines_are_counted_once_written),
        cmocka_unit_test(test_a_line_without_room_is_dropped_counted_and_told),
        cmocka_unit_test(test_a_full_disk_is_told_once_a_minute_and_calls_go_on),
        cmocka_unit_test(test_a_name_that_cannot_be_written_is_told_at_the_start),
        cmocka_unit_test(test_memory_short_at_each_step),
        cmocka_unit_test(test_the_thread_takes_no_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
