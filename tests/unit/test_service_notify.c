// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "standalone/serve/service_notify.h"

/* The process and its service manager, which is a socket of the test. */

enum { PATIENCE_MS = 30000 };

struct scene {
    uv_loop_t loop;
    struct service_notify notify;
    uv_timer_t patience;
    int manager;
    char name[128]; /* as in NOTIFY_SOCKET */
    char message[1024];
};

static void manager_listen(struct scene *scene, char first)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    temporary_path(scene->name, sizeof scene->name, ".notify");
    if (first == '@')
        scene->name[0] = '@';
    memcpy(address.sun_path, scene->name, strlen(scene->name));
    if (first == '@')
        address.sun_path[0] = '\0';
    scene->manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(scene->manager >= 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(scene->name));
    assert_int_equal(bind(scene->manager, (struct sockaddr *)&address, length), 0);
    setenv("NOTIFY_SOCKET", scene->name, 1);
}

/* The next message, or NULL if the socket has no message now. */
static const char *received(struct scene *scene)
{
    ssize_t length = recv(scene->manager, scene->message, sizeof scene->message - 1, MSG_DONTWAIT);
    if (length < 0)
        return NULL;
    scene->message[length] = '\0';
    return scene->message;
}

static int begin(void **state)
{
    static struct scene scene;
    memset(&scene, 0, sizeof scene);
    scene.manager = -1;
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    *state = &scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    service_notify_close(&scene->notify);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    if (scene->manager >= 0)
        close(scene->manager);
    if (scene->name[0] == '/')
        unlink(scene->name);
    unsetenv("NOTIFY_SOCKET");
    return 0;
}

static void check_life(struct scene *scene)
{
    assert_int_equal(service_notify_open(&scene->notify, &scene->loop), 0);
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_null(received(scene));
    service_notify_ready(&scene->notify, "Serving");
    assert_string_equal(received(scene), "READY=1\nSTATUS=Serving");
    service_notify_reloading(&scene->notify);
    const char *message = received(scene);
    assert_memory_equal(message, "RELOADING=1\nMONOTONIC_USEC=", 27);
    assert_true(strtoull(message + 27, NULL, 10) > 0);
    service_notify_ready(&scene->notify, "first\nSTOPPING=1");
    assert_string_equal(received(scene), "READY=1\nSTATUS=first");
    service_notify_stopping(&scene->notify, "Ending");
    assert_string_equal(received(scene), "STOPPING=1\nSTATUS=Ending");
    assert_null(received(scene));
}

static void test_the_manager_hears_of_start_reload_and_end(void **state)
{
    manager_listen(*state, '/');
    check_life(*state);
}

static void test_the_socket_may_be_abstract(void **state)
{
    manager_listen(*state, '@');
    check_life(*state);
}

static void test_without_a_manager_nothing_is_sent(void **state)
{
    struct scene *scene = *state;
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(service_notify_open(&scene->notify, &scene->loop), 0);
    service_notify_ready(&scene->notify, "Serving");
    service_notify_stopping(&scene->notify, "Ending");
}

static void test_a_name_that_is_no_socket_is_refused(void **state)
{
    struct scene *scene = *state;
    char long_name[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
    memset(long_name, '/', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    const struct {
        const char *name;
        int error;
    } cases[] = {{"relative", -EINVAL},
                 {"/", -EINVAL},
                 {"@", -EINVAL},
                 {"/nowhere/notify", -ENOENT},
                 {long_name, -ENAMETOOLONG}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        setenv("NOTIFY_SOCKET", cases[i].name, 1);
        assert_int_equal(service_notify_open(&scene->notify, &scene->loop), cases[i].error);
        assert_null(getenv("NOTIFY_SOCKET"));
        service_notify_ready(&scene->notify, "Serving");
    }
}

static void test_a_manager_that_is_gone_harms_nobody(void **state)
{
    struct scene *scene = *state;
    manager_listen(scene, '/');
    assert_int_equal(service_notify_open(&scene->notify, &scene->loop), 0);
    close(scene->manager);
    scene->manager = -1;
    service_notify_ready(&scene->notify, "Serving");
}

static void on_patience(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void test_the_watchdog_is_fed_while_the_loop_runs(void **state)
{
    struct scene *scene = *state;
    unsigned fed = 0;
    manager_listen(scene, '/');
    setenv("WATCHDOG_USEC", "4000", 1);
    assert_int_equal(service_notify_open(&scene->notify, &scene->loop), 0);
    assert_null(getenv("WATCHDOG_USEC"));
    uv_timer_init(&scene->loop, &scene->patience);
    uv_timer_start(&scene->patience, on_patience, PATIENCE_MS, 0);
    uv_run(&scene->loop, UV_RUN_NOWAIT);
    assert_null(received(scene)); /* not before it is ready */
    service_notify_ready(&scene->notify, "Serving");
    assert_string_equal(received(scene), "READY=1\nSTATUS=Serving");
    while (fed < 3 && uv_is_active((uv_handle_t *)&scene->patience)) {
        uv_run(&scene->loop, UV_RUN_ONCE);
        for (const char *message = received(scene); message != NULL; message = received(scene), fed++)
            assert_string_equal(message, "WATCHDOG=1");
    }
    assert_true(fed >= 3);
    uv_close((uv_handle_t *)&scene->patience, NULL);
}

static void test_the_watchdog_of_another_process_is_not_fed(void **state)
{
    struct scene *scene = *state;
    manager_listen(scene, '/');
    setenv("WATCHDOG_USEC", "1000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(service_notify_open(&scene->notify, &scene->loop), 0);
    assert_null(getenv("WATCHDOG_PID"));
    assert_false(scene->notify.watched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_manager_hears_of_start_reload_and_end, begin, end),
        cmocka_unit_test_setup_teardown(test_the_socket_may_be_abstract, begin, end),
        cmocka_unit_test_setup_teardown(test_without_a_manager_nothing_is_sent, begin, end),
        cmocka_unit_test_setup_teardown(test_a_name_that_is_no_socket_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_a_manager_that_is_gone_harms_nobody, begin, end),
        cmocka_unit_test_setup_teardown(test_the_watchdog_is_fed_while_the_loop_runs, begin, end),
        cmocka_unit_test_setup_teardown(test_the_watchdog_of_another_process_is_not_fed, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
