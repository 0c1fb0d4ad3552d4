// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "standalone/log/line_ring.h"

struct stage {
    struct fake_host fake;
    struct line_ring ring;
    char out[128];
};

static void create(struct stage *stage, size_t capacity)
{
    fake_host_create(&stage->fake);
    assert_int_equal(line_ring_create(&stage->ring, &stage->fake.host, capacity), 0);
}

static void destroy(struct stage *stage)
{
    line_ring_destroy(&stage->ring);
    assert_int_equal(stage->fake.allocated, 0);
}

static bool put(struct stage *stage, const char *line)
{
    return line_ring_put(&stage->ring, line, strlen(line));
}

static void assert_take(struct stage *stage, size_t size, const char *expected)
{
    size_t length = line_ring_take(&stage->ring, stage->out, size);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(stage->out, expected, length);
}

static void test_lines_come_out_as_they_went_in(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage, 64);
    assert_take(&stage, sizeof stage.out, "");
    assert_true(put(&stage, "one\n"));
    assert_true(put(&stage, "two\n"));
    assert_take(&stage, sizeof stage.out, "one\ntwo\n");
    assert_take(&stage, sizeof stage.out, "");
    destroy(&stage);
}

static void test_only_whole_lines_are_taken(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage, 64);
    put(&stage, "one\n");
    put(&stage, "three\n");
    assert_take(&stage, 8, "one\n");
    assert_take(&stage, 8, "three\n");
    destroy(&stage);
}

static void test_what_has_no_room_is_refused_whole(void **unused)
{
    struct stage stage;
    char line[66];
    (void)unused;
    create(&stage, 50);
    assert_int_equal(stage.ring.capacity, 64);
    memset(line, 'x', sizeof line);
    line[64] = '\n';
    assert_false(line_ring_put(&stage.ring, line, 65));
    line[59] = '\n';
    assert_true(line_ring_put(&stage.ring, line, 60));
    assert_false(put(&stage, "12345\n"));
    assert_true(put(&stage, "123\n"));
    assert_false(put(&stage, "\n"));
    assert_int_equal(line_ring_take(&stage.ring, stage.out, sizeof stage.out), 64);
    assert_true(put(&stage, "\n"));
    destroy(&stage);
}

static void test_lines_go_over_the_end(void **unused)
{
    struct stage stage;
    char line[48];
    (void)unused;
    create(&stage, 64);
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof line, "line %d of some length\n", i);
        assert_true(put(&stage, line));
        assert_take(&stage, sizeof stage.out, line);
    }
    destroy(&stage);
}

static void test_no_memory_is_no_ring(void **unused)
{
    struct stage stage;
    (void)unused;
    fake_host_create(&stage.fake);
    stage.fake.fail_after = 1;
    assert_int_equal(line_ring_create(&stage.ring, &stage.fake.host, 64), -ENOMEM);
    assert_int_equal(stage.fake.allocated, 0);
}

enum { LINES = 20000 };

static void *put_many(void *context)
{
    char line[48];
    for (int i = 0; i < LINES; i++) {
        int length = snprintf(line, sizeof line, "%d\n", i);
        while (!line_ring_put(context, line, (size_t)length))
            sched_yield();
    }
    return NULL;
}

static void test_two_threads_lose_nothing(void **unused)
{
    struct stage stage;
    pthread_t thread;
    int next = 0;
    (void)unused;
    create(&stage, 256);
    assert_int_equal(pthread_create(&thread, NULL, put_many, &stage.ring), 0);
    while (next < LINES) {
        size_t length = line_ring_take(&stage.ring, stage.out, sizeof stage.out - 1);
        if (length == 0)
            sched_yield();
        stage.out[length] = '\0';
        char *at = stage.out;
        while (*at != '\0') {
            assert_int_equal(strtol(at, &at, 10), next++);
            assert_int_equal(*at++, '\n');
        }
    }
    pthread_join(thread, NULL);
    destroy(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_come_out_as_they_went_in),
        cmocka_unit_test(test_only_whole_lines_are_taken),
        cmocka_unit_test(test_what_has_no_room_is_refused_whole),
        cmocka_unit_test(test_lines_go_over_the_end),
        cmocka_unit_test(test_no_memory_is_no_ring),
        cmocka_unit_test(test_two_threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
