// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <arpa/inet.h>
#include <sys/resource.h>
#include <unistd.h>

#include "standalone/network.h"

/* Real connections to a listener, with the memory of the test's choice. */

struct scene {
    struct stage stage;
    uv_loop_t loop;
    struct network *network;
    union address address;
};

static int begin(void **state)
{
    static struct scene scene;
    struct listener listener;
    memset(&scene, 0, sizeof scene);
    stage_create(&scene.stage);
    stage_open(&scene.stage);
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    const struct network_config config = {.loop = &scene.loop, .host = &scene.stage.fake.host};
    assert_int_equal(network_new(&scene.network, &config), 0);
    int error = -1;
    for (uint16_t port = 20000 + (uint16_t)getpid() % 10000; error != 0 && port < 32000; port++) {
        assert_true(address_read(TEXT("127.0.0.1"), port, &scene.address));
        error = network_listen(scene.network, TRANSPORT_TCP, &scene.address, &listener);
    }
    assert_int_equal(error, 0);
    assert_int_equal(network_start(scene.network, scene.stage.server), 0);
    *state = &scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    network_close(scene->network);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    network_delete(scene->network);
    stage_destroy(&scene->stage);
    return 0;
}

static int connects(const struct scene *scene)
{
    int caller = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(caller >= 0);
    assert_int_equal(connect(caller, &scene->address.any, sizeof scene->address.v4), 0);
    return caller;
}

static void test_without_memory_connections_are_dropped_and_the_listener_goes_on(void **state)
{
    struct scene *scene = *state;
    const struct network_counters *counters = network_counters(scene->network);
    int callers[4];
    scene->stage.fake.fail_after = 1;
    for (size_t i = 0; i < 3; i++)
        callers[i] = connects(scene);
    for (size_t turn = 0; turn < 1000 && counters->refused < 3; turn++)
        uv_run(&scene->loop, UV_RUN_NOWAIT);
    assert_int_equal(counters->refused, 3);
    assert_int_equal(counters->connections, 0);
    for (size_t i = 0; i < 3; i++) {
        char byte;
        assert_true(read(callers[i], &byte, 1) <= 0);
    }
    scene->stage.fake.fail_after = 0;
    callers[3] = connects(scene);
    for (size_t turn = 0; turn < 1000 && counters->accepted < 1; turn++)
        uv_run(&scene->loop, UV_RUN_NOWAIT);
    assert_int_equal(counters->accepted, 1);
    for (size_t i = 0; i < 4; i++)
        close(callers[i]);
}

/* All descriptors are in use: the loop goes on, connections wait, and none is lost. */
static void test_without_descriptors_connections_wait_and_the_listener_goes_on(void **state)
{
    struct scene *scene = *state;
    const struct network_counters *counters = network_counters(scene->network);
    struct rlimit before, none;
    int callers[3];
    for (size_t i = 0; i < 3; i++)
        callers[i] = connects(scene);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (size_t turn = 0; turn < 10; turn++)
        uv_run(&scene->loop, UV_RUN_NOWAIT);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(counters->accepted + counters->refused, 0);
    while (counters->accepted < 3)
        uv_run(&scene->loop, UV_RUN_ONCE);
    for (size_t i = 0; i < 3; i++)
        close(callers[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_memory_connections_are_dropped_and_the_listener_goes_on, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_without_descriptors_connections_wait_and_the_listener_goes_on, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
