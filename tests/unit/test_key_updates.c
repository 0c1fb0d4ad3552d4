// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

#include "certificate.h"
#include "standalone/net/network_private.h"

/* Real TLS connections, whose client updates its keys again and again (RFC 8446 4.6.3). */

enum { REQUESTS = 10, BURST = REQUESTS * SOURCE_BURST_S, TURNS = 1000000 };

struct scene {
    struct stage stage;
    uv_loop_t loop;
    struct network *network;
    struct source_limits *sources;
    union address address;
    struct test_folder folder;
    char paths[2][128];
    struct tls_options options;
    struct tls *tls;
    SSL_CTX *context;
};

static void open_tls(struct scene *scene)
{
    char error[256];
    test_folder_create(&scene->folder);
    test_folder_sign(&scene->folder, "a.test");
    scene->options.certificate = test_folder_file(&scene->folder, "a.test.pem", scene->paths[0]);
    scene->options.key = test_folder_file(&scene->folder, "a.test.key", scene->paths[1]);
    scene->options.ca = scene->options.certificate;
    if (tls_new(&scene->tls, &scene->stage.fake.host, &scene->options, error, sizeof error) != 0)
        fail_msg("%s", error);
    scene->context = SSL_CTX_new(TLS_client_method());
    assert_non_null(scene->context);
}

static int begin(void **state)
{
    static struct scene scene;
    struct listener listener;
    memset(&scene, 0, sizeof scene);
    stage_create(&scene.stage);
    const struct source_limits_config limits = {.host = &scene.stage.fake.host, .requests = REQUESTS};
    assert_int_equal(source_limits_new(&scene.sources, &limits), 0);
    scene.stage.config.sources = scene.sources;
    stage_open(&scene.stage);
    open_tls(&scene);
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    const struct network_config config = {
        .loop = &scene.loop, .host = &scene.stage.fake.host, .sources = scene.sources, .tls = scene.tls};
    assert_int_equal(network_new(&scene.network, &config), 0);
    int error = -1;
    for (uint16_t port = 20000 + (uint16_t)getpid() % 10000; error != 0 && port < 32000; port++) {
        assert_true(address_read(TEXT("127.0.0.1"), port, &scene.address));
        error = network_listen(scene.network, TRANSPORT_TLS, &scene.address, &listener);
    }
    assert_int_equal(error, 0);
    assert_int_equal(network_start(scene.network, scene.stage.server, &server_network_events), 0);
    *state = &scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    SSL_CTX_free(scene->context);
    network_close(scene->network);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    network_delete(scene->network);
    tls_delete(scene->tls);
    source_limits_delete(scene->sources);
    test_folder_destroy(&scene->folder);
    scene->stage.config.sources = NULL;
    stage_destroy(&scene->stage);
    return 0;
}

static void turn(struct scene *scene)
{
    uv_run(&scene->loop, UV_RUN_NOWAIT);
}

/* From an address that has no exemption from limits. */
static SSL *shakes(struct scene *scene)
{
    union address own;
    int caller = socket(AF_INET, SOCK_STREAM, 0), result;
    assert_true(caller >= 0);
    assert_true(address_read(TEXT("127.0.0.2"), 0, &own));
    assert_int_equal(bind(caller, &own.any, sizeof own.v4), 0);
    assert_int_equal(connect(caller, &scene->address.any, sizeof scene->address.v4), 0);
    assert_int_equal(fcntl(caller, F_SETFL, O_NONBLOCK), 0);
    SSL *ssl = SSL_new(scene->context);
    assert_int_equal(SSL_set_fd(ssl, caller), 1);
    while ((result = SSL_connect(ssl)) != 1) {
        assert_int_equal(SSL_get_error(ssl, result), SSL_ERROR_WANT_READ);
        turn(scene);
    }
    while (network_counters(scene->network)->tls == 0)
        turn(scene);
    return ssl;
}

static void updates(SSL *ssl, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(ssl), 1);
    }
}

static void ends(SSL *ssl)
{
    int caller = SSL_get_fd(ssl);
    SSL_free(ssl);
    close(caller);
}

/* A megabyte of them a second would take a third of a CPU. */
static void test_more_key_updates_than_keep_alives_end_the_connection(void **state)
{
    struct scene *scene = *state;
    const struct network_counters *counters = network_counters(scene->network);
    SSL *ssl = shakes(scene);
    updates(ssl, BURST + 1);
    for (size_t turns = 0; turns < TURNS && counters->connections > 0; turns++)
        turn(scene);
    assert_int_equal(counters->connections, 0);
    assert_int_equal(source_limits_counters(scene->sources).limited_keepalives, 1);
    assert_int_equal(source_limits_counters(scene->sources).bans, 1);
    ends(ssl);
}

static void test_a_client_may_update_its_keys(void **state)
{
    struct scene *scene = *state;
    const struct network_counters *counters = network_counters(scene->network);
    SSL *ssl = shakes(scene);
    updates(ssl, BURST - 1);
    assert_int_equal(SSL_write(ssl, "\r\n\r\n", 4), 4);
    for (size_t turns = 0; turns < TURNS && counters->pings == 0; turns++)
        turn(scene);
    assert_int_equal(counters->pings, 1);
    assert_int_equal(counters->connections, 1);
    ends(ssl);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_more_key_updates_than_keep_alives_end_the_connection, begin, end),
        cmocka_unit_test_setup_teardown(test_a_client_may_update_its_keys, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
