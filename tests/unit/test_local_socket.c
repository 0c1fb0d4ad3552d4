// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "standalone/serve/control.h"
#include "standalone/serve/status_socket.h"

/* The sockets of `--status` and `--control`, with clients that do what they should not, without memory and without
   descriptors: they go on listening. */

enum { CLIENTS = LOCAL_CLIENTS_MOST + 8, LONG_STATUS = 4 << 20 };

struct scene {
    struct fake_host fake;
    uv_loop_t loop;
    struct status_socket status;
    struct control control;
    char status_path[128], control_path[128];
    size_t status_length; /* 0: "{}\n" */
    struct control_client *waiting;
    unsigned commands;
};

static void write_status_text(void *context, struct sip_buffer *out)
{
    const struct scene *scene = context;
    sip_append(out, TEXT("{}\n"));
    while (out->length < scene->status_length && !out->failed)
        sip_append(out, TEXT("0123456789012345678901234567890123456789012345678901234567890123"));
}

/* "wait" is answered by the test. */
static void on_command(void *context, struct control_client *client, char *line)
{
    struct scene *scene = context;
    scene->commands++;
    if (strcmp(line, "wait") == 0)
        scene->waiting = client;
    else
        control_answer(client, text_of("line\n"), CONTROL_OK, NULL);
}

static int begin(void **state)
{
    static struct scene scene;
    memset(&scene, 0, sizeof scene);
    fake_host_create(&scene.fake);
    temporary_path(scene.status_path, sizeof scene.status_path, ".status");
    temporary_path(scene.control_path, sizeof scene.control_path, ".control");
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    assert_int_equal(status_socket_create(&scene.status, &scene.loop, &scene.fake.host, scene.status_path,
                                          write_status_text, &scene),
                     0);
    assert_int_equal(
        control_create(&scene.control, &scene.loop, &scene.fake.host, scene.control_path, on_command, &scene), 0);
    *state = &scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    status_socket_destroy(&scene->status);
    control_destroy(&scene->control);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    if (scene->waiting != NULL)
        control_answer(scene->waiting, text_of(""), CONTROL_OK, NULL);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    assert_int_equal(scene->fake.allocated, 0);
    assert_int_not_equal(access(scene->status_path, F_OK), 0);
    return 0;
}

static int client_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(client >= 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    return client;
}

static void turn(struct scene *scene)
{
    for (unsigned i = 0; i < 5; i++)
        uv_run(&scene->loop, UV_RUN_NOWAIT);
}

/* What the client gets until the server closes; NULL where nothing came. The program has a time limit of its own. */
static const char *hears(struct scene *scene, int client)
{
    static char text[1000];
    size_t length = 0;
    for (;;) {
        ssize_t count = read(client, text + length, sizeof text - 1 - length);
        if (count < 0 && errno == EAGAIN) {
            uv_run(&scene->loop, UV_RUN_NOWAIT);
            continue;
        }
        if (count <= 0)
            break;
        length += (size_t)count;
    }
    text[length] = '\0';
    close(client);
    return text;
}

static void send_text(int client, const char *text)
{
    assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void assert_both_work(struct scene *scene)
{
    assert_string_equal(hears(scene, client_of(scene->status_path)), "{}\n");
    int client = client_of(scene->control_path);
    send_text(client, "reload\n");
    assert_string_equal(hears(scene, client), "line\nok\n");
}

static void test_without_memory_clients_are_closed_and_later_ones_are_served(void **state)
{
    struct scene *scene = *state;
    for (uint64_t step = 1; step < 8; step++) {
        int clients[6];
        for (size_t i = 0; i < 6; i++) {
            clients[i] = client_of(i % 2 == 0 ? scene->status_path : scene->control_path);
            if (i % 2 == 1)
                send_text(clients[i], "reload\n");
        }
        scene->fake.calls = 0;
        scene->fake.fail_after = step;
        for (size_t i = 0; i < 6; i++)
            hears(scene, clients[i]);
        scene->fake.fail_after = 0;
        assert_both_work(scene);
    }
    assert_true(scene->status.local.refused > 0);
    assert_true(scene->control.local.refused > 0);
}

static void test_without_descriptors_clients_wait_and_are_served_later(void **state)
{
    struct scene *scene = *state;
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int reader = client_of(scene->status_path), client = client_of(scene->control_path);
    send_text(client, "reload\n");
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    turn(scene);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(scene->status.local.acceptor.pauses, 1);
    assert_int_equal(scene->control.local.acceptor.pauses, 1);
    assert_int_equal(scene->commands, 0);
    assert_string_equal(hears(scene, reader), "{}\n");
    assert_string_equal(hears(scene, client), "line\nok\n");
    assert_both_work(scene);
}

static void test_clients_that_ask_nothing_make_room_for_others(void **state)
{
    struct scene *scene = *state;
    int idle[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        idle[i] = client_of(scene->control_path);
        send_text(idle[i], "relo");
        turn(scene);
    }
    assert_int_equal(scene->control.local.count, LOCAL_CLIENTS_MOST);
    assert_both_work(scene);
    /* The newest may still ask. */
    send_text(idle[CLIENTS - 1], "ad\n");
    assert_string_equal(hears(scene, idle[CLIENTS - 1]), "line\nok\n");
    assert_string_equal(hears(scene, idle[0]), "");
    for (size_t i = 1; i < CLIENTS - 1; i++)
        close(idle[i]);
    assert_both_work(scene);
    assert_int_equal(scene->control.local.count, 0);
}

static void test_clients_that_do_not_read_make_room_for_others(void **state)
{
    struct scene *scene = *state;
    int deaf[CLIENTS];
    scene->status_length = LONG_STATUS;
    for (size_t i = 0; i < CLIENTS; i++) {
        deaf[i] = client_of(scene->status_path);
        turn(scene);
    }
    assert_int_equal(scene->status.local.count, LOCAL_CLIENTS_MOST);
    scene->status_length = 0;
    assert_both_work(scene);
    for (size_t i = 0; i < CLIENTS / 2; i++)
        close(deaf[i]);
    assert_both_work(scene);
    /* The others are still there at the end, which must not wait for them. */
    status_socket_destroy(&scene->status);
    turn(scene);
    for (size_t i = CLIENTS / 2; i < CLIENTS; i++)
        close(deaf[i]);
}

static void test_broken_lines_and_clients_that_leave(void **state)
{
    struct scene *scene = *state;
    char line[8000];
    int client = client_of(scene->control_path);
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    send_text(client, line);
    assert_string_equal(hears(scene, client), "error: the line is too long\n");
    client = client_of(scene->control_path);
    close(client);
    client = client_of(scene->control_path);
    send_text(client, "relo");
    turn(scene);
    close(client);
    client = client_of(scene->control_path);
    assert_int_equal(send(client, "re\0load\n", 8, MSG_NOSIGNAL), 8);
    turn(scene);
    close(client);
    client = client_of(scene->status_path);
    close(client);
    turn(scene);
    assert_both_work(scene);
    assert_int_equal(scene->control.local.count, 0);
    assert_int_equal(scene->status.local.count, 0);
}

/* The answer comes when the client has left, or the server has ended. */
static void test_a_late_answer_finds_nobody(void **state)
{
    struct scene *scene = *state;
    for (unsigned i = 0; i < 2; i++) {
        int client = client_of(scene->control_path);
        send_text(client, "wait\n");
        while (scene->waiting == NULL)
            uv_run(&scene->loop, UV_RUN_NOWAIT);
        close(client);
        if (i == 1)
            break;
        turn(scene);
        control_answer(scene->waiting, text_of("late\n"), CONTROL_OK, NULL);
        scene->waiting = NULL;
        assert_both_work(scene);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_without_memory_clients_are_closed_and_later_ones_are_served),
        TEST(test_without_descriptors_clients_wait_and_are_served_later),
        TEST(test_clients_that_ask_nothing_make_room_for_others),
        TEST(test_clients_that_do_not_read_make_room_for_others),
        TEST(test_broken_lines_and_clients_that_leave),
        TEST(test_a_late_answer_finds_nobody),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
