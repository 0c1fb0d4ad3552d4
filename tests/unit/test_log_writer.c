// SPDX-License-Identifier: BSD-2-Clause
#include "log_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

#include "standalone/log/log_writer.h"

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

/* --- descriptors --- */

enum { PIPE, PIPE_OF_OTHERS, SOCKET, KINDS };

/* What is read, and what is written to. The pipe of others was made non-blocking by them. */
static void open_ends(int kind, int ends[2])
{
    if (kind == SOCKET) {
        int both[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, both), 0);
        ends[0] = both[0];
        ends[1] = both[1];
        return;
    }
    assert_int_equal(pipe2(ends, kind == PIPE_OF_OTHERS ? O_NONBLOCK : 0), 0);
    if (kind == PIPE_OF_OTHERS)
        assert_int_equal(fcntl(ends[0], F_SETFL, 0), 0);
}

static void open_descriptor(struct stage *stage, int descriptor, size_t buffer)
{
    const struct log_writer_config config = {
        .host = &stage->fake.host, .name = "standard error", .descriptor = descriptor, .buffer = buffer};
    assert_int_equal(log_writer_new(&stage->writer, &config), 0);
}

/* Another thread that reads until there is no writer. */
struct reader {
    uv_thread_t thread;
    int descriptor;
    char *bytes;
    size_t length;
};

static void reader_run(void *context)
{
    struct reader *reader = context;
    ssize_t count = 1;
    while (count > 0) {
        reader->bytes = realloc(reader->bytes, reader->length + 4097);
        count = read(reader->descriptor, reader->bytes + reader->length, 4096);
        reader->length += count > 0 ? (size_t)count : 0;
    }
    reader->bytes[reader->length] = '\0';
}

static void reader_begin(struct reader *reader, int descriptor)
{
    *reader = (struct reader){.descriptor = descriptor};
    assert_int_equal(uv_thread_create(&reader->thread, reader_run, reader), 0);
}

/* How many lines there were; each must be whole, and the numbers at their begin must grow. */
static unsigned reader_end(struct reader *reader)
{
    unsigned count = 0;
    unsigned long number = 0;
    assert_int_equal(uv_thread_join(&reader->thread), 0);
    for (char *line = reader->bytes, *end; *line != '\0'; line = end + 1) {
        unsigned long before = number;
        number = strtoul(line, &end, 10);
        assert_true(end > line && number > before);
        end += strspn(end, "x");
        assert_int_equal(*end, '\n');
        count++;
    }
    free(reader->bytes);
    return count;
}

static bool put_numbered(struct stage *stage, unsigned number, size_t length)
{
    char line[8192];
    size_t digits = (size_t)snprintf(line, sizeof line, "%u", number);
    memset(line + digits, 'x', length);
    line[digits + length] = '\n';
    return log_writer_put(stage->writer, line, digits + length + 1);
}

static void test_a_descriptor_that_nobody_reads_costs_lines_and_no_time(void **unused)
{
    (void)unused;
    for (int kind = 0; kind < KINDS; kind++) {
        struct stage stage;
        struct reader reader;
        int ends[2];
        unsigned number = 0;
        create(&stage);
        open_ends(kind, ends);
        open_descriptor(&stage, ends[1], 16384);
        while (counters(&stage).dropped < 10) { /* some lines are longer than a pipe takes at once */
            number++;
            put_numbered(&stage, number, number * 37 % 6000);
        }
        assert_int_equal(stage.fake.logged[LOG_WARNING], 0);
        /* It is read again: the log has the number, and what was not dropped comes whole. */
        reader_begin(&reader, ends[0]);
        while (stage.fake.logged[LOG_WARNING] == 0)
            put_numbered(&stage, ++number, 10);
        assert_non_null(strstr(stage.fake.last_log, "standard error: it is not read fast enough: "));
        unsigned put = number - (unsigned)counters(&stage).dropped;
        while (counters(&stage).written < put)
            sched_yield();
        assert_int_equal(counters(&stage).lost, 0);
        destroy(&stage);
        close(ends[1]);
        assert_int_equal(reader_end(&reader), put);
        close(ends[0]);
    }
}

static void test_the_end_waits_half_a_second_for_a_reader(void **unused)
{
    (void)unused;
    for (int kind = 0; kind < KINDS; kind++) {
        struct stage stage;
        int ends[2];
        create(&stage);
        open_ends(kind, ends);
        open_descriptor(&stage, ends[1], 1 << 20);
        while (put_numbered(&stage, 1, 4000)) {
        }
        destroy(&stage); /* asserts that its memory was given back */
        close(ends[0]);
        close(ends[1]);
    }
}

static void test_without_a_reader_lines_are_lost_and_the_next_ones_are_tried(void **unused)
{
    struct stage stage;
    struct reader reader;
    int ends[2], again[2];
    (void)unused;
    signal(SIGPIPE, SIG_IGN);
    for (int closed = 0; closed < 2; closed++) {
        create(&stage);
        open_ends(PIPE, ends);
        open_descriptor(&stage, ends[1], 0);
        close(ends[0]);
        if (closed)
            close(ends[1]);
        put_numbered(&stage, 1, 10);
        wait_for_lost(&stage, 1);
        put_numbered(&stage, 2, 10);
        wait_for_lost(&stage, 2);
        assert_int_equal(stage.fake.logged[LOG_WARNING], 1);
        assert_non_null(strstr(stage.fake.last_log, strerror(closed ? EBADF : EPIPE)));
        open_ends(PIPE, again);
        assert_int_equal(dup2(again[1], ends[1]), ends[1]);
        if (again[1] != ends[1])
            close(again[1]);
        put_numbered(&stage, 3, 10);
        destroy(&stage);
        close(ends[1]);
        reader_begin(&reader, again[0]);
        assert_int_equal(reader_end(&reader), 1);
        close(again[0]);
    }
    signal(SIGPIPE, SIG_DFL);
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
        cmocka_unit_test(test_a_descriptor_that_nobody_reads_costs_lines_and_no_time),
        cmocka_unit_test(test_the_end_waits_half_a_second_for_a_reader),
        cmocka_unit_test(test_without_a_reader_lines_are_lost_and_the_next_ones_are_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
