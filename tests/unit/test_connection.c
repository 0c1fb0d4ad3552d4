// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "standalone/net/network_private.h"

/* Real connections to a listener, with the memory of the test's choice. */

enum { KEPT_MOST = 20000, HALF = 3000 /* bytes of a message: kept in 4096 */ };

struct scene {
    struct stage stage;
    uv_loop_t loop;
    struct network *network;
    struct source_limits *sources;
    union address address;
};

/* 127.0.0.2, from which the callers come, is a load balancer if `balanced`. */
static int begin_scene(void **state, bool balanced)
{
    static struct scene scene;
    struct listener listener;
    memset(&scene, 0, sizeof scene);
    stage_create(&scene.stage);
    stage_open(&scene.stage);
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    const struct source_limits_config limits = {.host = &scene.stage.fake.host};
    assert_int_equal(source_limits_new(&scene.sources, &limits), 0);
    struct network_config config = {
        .loop = &scene.loop, .host = &scene.stage.fake.host, .limits = {.kept = KEPT_MOST}, .sources = scene.sources};
    if (balanced)
        assert_true(cidr_read(TEXT("127.0.0.2"), &config.balancers[config.balancer_count++]));
    assert_int_equal(network_new(&scene.network, &config), 0);
    int error = -1;
    for (uint16_t port = 20000 + (uint16_t)getpid() % 10000; error != 0 && port < 32000; port++) {
        assert_true(address_read(TEXT("127.0.0.1"), port, &scene.address));
        error = network_listen(scene.network, TRANSPORT_TCP, &scene.address, &listener);
    }
    assert_int_equal(error, 0);
    assert_int_equal(network_start(scene.network, scene.stage.server, &server_network_events), 0);
    *state = &scene;
    return 0;
}

static int begin(void **state)
{
    return begin_scene(state, false);
}

static int begin_balanced(void **state)
{
    return begin_scene(state, true);
}

static int end(void **state)
{
    struct scene *scene = *state;
    network_close(scene->network);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    network_delete(scene->network);
    source_limits_delete(scene->sources);
    stage_destroy(&scene->stage);
    return 0;
}

/* From an address that has no exemption from limits. */
static int connects(const struct scene *scene)
{
    union address own;
    int caller = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(caller >= 0);
    assert_true(address_read(TEXT("127.0.0.2"), 0, &own));
    assert_int_equal(bind(caller, &own.any, sizeof own.v4), 0);
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

static void turns_until(const struct scene *scene, const uint64_t *counter, uint64_t value)
{
    for (size_t turn = 0; turn < 1000 && *counter != value; turn++)
        uv_run((uv_loop_t *)&scene->loop, UV_RUN_NOWAIT);
    assert_int_equal(*counter, value);
}

/* The head of a message whose body is to follow; sent by itself, so that the order is known. */
static void sends_half(const struct scene *scene, int caller)
{
    static const char head[] = "OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\nX: ";
    char bytes[HALF];
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, head, sizeof head - 1);
    assert_int_equal(send(caller, bytes, sizeof bytes, MSG_NOSIGNAL), sizeof bytes);
    for (size_t turn = 0; turn < 10; turn++)
        uv_run((uv_loop_t *)&scene->loop, UV_RUN_NOWAIT);
}

static bool is_closed(int caller)
{
    char bytes[4096];
    ssize_t got;
    while ((got = recv(caller, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        ;
    return got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

static void test_unfinished_messages_have_one_limit_and_the_oldest_goes(void **state)
{
    struct scene *scene = *state;
    const struct network_counters *counters = network_counters(scene->network);
    int callers[7];
    for (size_t i = 0; i < 6; i++) {
        callers[i] = connects(scene);
        turns_until(scene, &counters->accepted, i + 1);
        sends_half(scene, callers[i]);
    }
    assert_int_equal(counters->kept_closed, 2);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(is_closed(callers[i]), i < 2);
    /* The third finishes what it has begun, and begins something else: the fourth is the oldest now. */
    assert_int_equal(send(callers[2], "\r\n\r\n", 4, MSG_NOSIGNAL), 4);
    for (size_t turn = 0; turn < 10; turn++)
        uv_run(&scene->loop, UV_RUN_NOWAIT);
    uv_sleep(2); /* the loop's clock counts milliseconds */
    sends_half(scene, callers[2]);
    callers[6] = connects(scene);
    turns_until(scene, &counters->accepted, 7);
    sends_half(scene, callers[6]);
    assert_int_equal(counters->kept_closed, 3);
    assert_false(is_closed(callers[2]));
    assert_true(is_closed(callers[3]));
    for (size_t i = 0; i < 7; i++)
        close(callers[i]);
}

/* What the caller has not read and TCP has not sent is discarded: the caller finds a reset at its end. */
static void test_5626_7_i_an_aborted_connection_is_reset(void **state)
{
    struct scene *scene = *state;
    const struct wire *wire = network_wire(scene->network);
    const struct network_counters *counters = network_counters(scene->network);
    struct ack_sample sample = {0};
    struct peer peer;
    char bytes[4000] = "";
    int caller = connects(scene);
    turns_until(scene, &counters->accepted, 1);
    flow_id flow = scene->network->last_connection;
    assert_true(wire->connection(wire->context, flow, &peer));
    assert_int_equal(wire->acks(wire->context, flow, &sample), 0);
    assert_int_equal(sample.unsent, 0);
    while (sample.unsent == 0) {
        assert_int_equal(wire->send(wire->context, &peer, bytes, sizeof bytes), 0);
        assert_int_equal(wire->acks(wire->context, flow, &sample), 0);
    }
    wire->abort(wire->context, flow);
    assert_int_equal(counters->unacknowledged, 1);
    assert_int_equal(wire->acks(wire->context, flow, &sample), -ENOTCONN);
    wire->abort(wire->context, flow);
    turns_until(scene, &counters->connections, 0);
    assert_int_equal(counters->unacknowledged, 1);
    ssize_t got;
    while ((got = recv(caller, bytes, sizeof bytes, 0)) > 0)
        ;
    assert_int_equal(got, -1);
    assert_int_equal(errno, ECONNRESET);
    close(caller);
}

static char last_reason[32];

static void note_flow_down(struct server *server, flow_id flow, const char *reason)
{
    (void)server;
    (void)flow;
    snprintf(last_reason, sizeof last_reason, "%s", reason);
}

/* 3261-18.1.1.a: FLOW_UNOPENED and FLOW_REFUSED mean that the other side took no connection. */
static void test_3261_18_1_1_a_a_full_server_tells_nothing_about_the_other_side(void **state)
{
    struct scene *scene = *state;
    const struct wire *wire = network_wire(scene->network);
    struct network_events events = server_network_events;
    struct peer peer = {.transport = TRANSPORT_TCP, .named_by = 7, .address = scene->address};
    events.flow_down = note_flow_down;
    scene->network->events = &events;
    scene->network->config.limits.connections = 0;
    assert_int_equal(wire->send(wire->context, &peer, "x", 1), -EPIPE);
    for (size_t turn = 0; turn < 1000 && last_reason[0] == '\0'; turn++)
        uv_run(&scene->loop, UV_RUN_NOWAIT);
    scene->network->events = &server_network_events;
    assert_string_equal(last_reason, "refused");
}

/* 3263-4.3.b: a server that refuses the connection is not silent. */
static void test_3263_4_3_b_a_refused_connection_is_not_late(void **state)
{
    struct scene *scene = *state;
    const struct wire *wire = network_wire(scene->network);
    struct network_events events = server_network_events;
    struct peer peer = {.transport = TRANSPORT_TCP};
    assert_true(address_read(TEXT("127.0.0.3"), 1, &peer.address));
    events.flow_down = note_flow_down;
    last_reason[0] = '\0';
    scene->network->events = &events;
    assert_int_equal(wire->send(wire->context, &peer, "x", 1), 0);
    for (size_t turn = 0; turn < 1000000 && last_reason[0] == '\0'; turn++)
        uv_run(&scene->loop, UV_RUN_NOWAIT);
    scene->network->events = &server_network_events;
    assert_string_equal(last_reason, FLOW_REFUSED);
}

/* Nothing answers before the loop runs, so all of them are being opened. */
static void test_peers_find_room_beside_connections_that_are_being_opened(void **state)
{
    enum { CONNECTIONS = 100, OPENING_MOST = CONNECTIONS / 4 + 16 };
    struct scene *scene = *state;
    const struct wire *wire = network_wire(scene->network);
    const struct network_counters *counters = network_counters(scene->network);
    scene->network->config.limits.connections = CONNECTIONS;
    for (unsigned i = 0; i <= OPENING_MOST; i++) {
        struct peer peer = {.transport = TRANSPORT_TCP};
        assert_true(address_read(TEXT("127.0.0.3"), (uint16_t)(1000 + i), &peer.address));
        assert_int_equal(wire->send(wire->context, &peer, "x", 1), i < OPENING_MOST ? 0 : -EPIPE);
    }
    int caller = connects(scene);
    turns_until(scene, &counters->accepted, 1);
    turns_until(scene, &counters->connections, 1);
    assert_int_equal(scene->network->opening, 0);
    close(caller);
}

/* Sends to another address each time, for this source. Returns false if no connection may be opened. */
static bool opens(const struct scene *scene, uint64_t source)
{
    static uint16_t port = 1000;
    const struct wire *wire = network_wire(scene->network);
    struct peer peer = {.transport = TRANSPORT_TCP, .named_by = source};
    assert_true(address_read(TEXT("127.0.0.3"), port++, &peer.address));
    int error = wire->send(wire->context, &peer, "x", 1);
    assert_true(error == 0 || error == -EPIPE);
    return error == 0;
}

static unsigned opens_many(const struct scene *scene, uint64_t source, unsigned count)
{
    unsigned opened = 0;
    for (unsigned i = 0; i < count; i++)
        opened += opens(scene, source);
    return opened;
}

/* Nothing answers before the loop runs. */
static void test_a_stranger_and_all_strangers_have_a_share_of_what_is_being_opened(void **state)
{
    enum { CONNECTIONS = 400, OPENING_MOST = CONNECTIONS / 4 + 16 };
    struct scene *scene = *state;
    scene->network->config.limits.connections = CONNECTIONS;
    scene->network->config.limits.kept = 1000000;
    assert_int_equal(opens_many(scene, 1, 100), OPENING_MOST / 8);
    assert_int_equal(opens_many(scene, 2, 100), OPENING_MOST / 8);
    for (uint64_t source = 3; source <= 20; source++)
        opens_many(scene, source, 10);
    assert_int_equal(scene->network->opening, OPENING_MOST / 2);
    assert_false(opens(scene, 21));
    assert_int_equal(opens_many(scene, 0, 1000), OPENING_MOST - OPENING_MOST / 2);
}

/* The connections of strangers are closed: their shares are free again. */
static void test_a_share_is_given_back(void **state)
{
    struct scene *scene = *state;
    const struct network_counters *counters = network_counters(scene->network);
    scene->network->config.limits.connections = 100;
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(opens_many(scene, 1, 10), (100 / 4 + 16) / 8);
        turns_until(scene, &counters->connections, 0);
        assert_int_equal(scene->network->opening_strange, 0);
        assert_int_equal(scene->network->strange.count, 0);
    }
}

/* A stranger may offer as many addresses as it likes that accept connections. */
static void test_strangers_have_a_share_of_the_connections_that_are_open(void **state)
{
    enum { CONNECTIONS = 64, SHARE = CONNECTIONS / 2 + 16 };
    struct scene *scene = *state;
    const struct wire *wire = network_wire(scene->network);
    const struct network_counters *counters = network_counters(scene->network);
    unsigned opened = 0;
    scene->network->config.limits.connections = CONNECTIONS;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    union address address;
    socklen_t size = sizeof address.v4;
    assert_true(address_read(TEXT("0.0.0.0"), 0, &address));
    assert_int_equal(bind(listener, &address.any, size), 0);
    assert_int_equal(listen(listener, 128), 0);
    assert_int_equal(getsockname(listener, &address.any, &size), 0);
    for (unsigned i = 0; i < 60; i++) {
        char host[16];
        struct peer peer = {.transport = TRANSPORT_TCP, .named_by = 1 + i % 12};
        snprintf(host, sizeof host, "127.0.9.%u", i + 1);
        assert_true(address_read(text_of(host), address_port(&address), &peer.address));
        opened += wire->send(wire->context, &peer, "x", 1) == 0;
        for (size_t turn = 0; turn < 1000 && scene->network->opening > 0; turn++)
            uv_run(&scene->loop, UV_RUN_NOWAIT);
        assert_int_equal(scene->network->opening, 0);
        if (i == 11 + 12 * (SHARE / 8))
            assert_int_equal(opened, SHARE);
    }
    assert_int_equal(opened, SHARE);
    assert_int_equal(scene->network->strange.count, SHARE);
    assert_true(opens(scene, 0));
    int caller = connects(scene);
    turns_until(scene, &counters->accepted, 1);
    close(caller);
    close(listener);
}

/* All slots are taken, and the destinations of the policy still find room; a limited number of them. */
static void test_what_no_stranger_has_caused_finds_room_on_a_full_server(void **state)
{
    struct scene *scene = *state;
    scene->network->config.limits.connections = 1000;
    scene->network->counters.connections += 1000;
    assert_false(opens(scene, 1));
    assert_int_equal(opens_many(scene, 0, 100), 64);
    scene->network->counters.connections -= 1000;
}

/* 127.0.0.3 is one of --trust. */
static void test_a_trusted_destination_has_no_share(void **state)
{
    struct scene *scene = *state;
    struct source_limits *none = scene->network->config.sources, *limits;
    struct source_limits_config config = {.host = &scene->stage.fake.host, .trusted_count = 1};
    assert_true(cidr_read(TEXT("127.0.0.3"), &config.trusted[0]));
    assert_int_equal(source_limits_new(&limits, &config), 0);
    scene->network->config.limits.connections = 100;
    assert_int_equal(opens_many(scene, 1, 20), (100 / 4 + 16) / 8);
    scene->network->config.sources = limits;
    assert_int_equal(opens_many(scene, 1, 20), 20);
    scene->network->config.sources = none;
    source_limits_delete(limits);
}

static void sends(const struct scene *scene, int caller, const char *bytes)
{
    assert_int_equal(send(caller, bytes, strlen(bytes), MSG_NOSIGNAL), strlen(bytes));
    for (size_t turn = 0; turn < 10; turn++)
        uv_run((uv_loop_t *)&scene->loop, UV_RUN_NOWAIT);
}

static void test_unfinished_proxy_headers_have_the_limit_of_unfinished_messages(void **state)
{
    struct scene *scene = *state;
    const struct network_counters *counters = network_counters(scene->network);
    int callers[6];
    for (size_t i = 0; i < 6; i++) {
        callers[i] = connects(scene);
        turns_until(scene, &counters->accepted, i + 1);
        sends(scene, callers[i], "PROXY TCP4 ");
    }
    assert_int_equal(counters->kept_closed, 2);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(is_closed(callers[i]), i < 2);
    for (size_t i = 2; i < 6; i++)
        sends(scene, callers[i], "192.0.2.1 198.51.100.1 7 5060\r\n");
    turns_until(scene, &counters->proxied, 4);
    assert_int_equal(counters->connections, 4);
    assert_int_equal(counters->proxy_refused, 0);
    /* Nothing of the headers is kept: four halves of messages have room. */
    for (size_t i = 2; i < 6; i++)
        sends_half(scene, callers[i]);
    assert_int_equal(counters->kept_closed, 2);
    for (size_t i = 0; i < 6; i++)
        close(callers[i]);
}

static void test_without_memory_a_connection_with_half_a_proxy_header_is_closed(void **state)
{
    struct scene *scene = *state;
    const struct network_counters *counters = network_counters(scene->network);
    int caller = connects(scene), whole = connects(scene);
    turns_until(scene, &counters->accepted, 2);
    scene->stage.fake.fail_after = 1;
    sends(scene, whole, "PROXY TCP4 192.0.2.1 198.51.100.1 7 5060\r\n");
    sends(scene, caller, "PROXY ");
    turns_until(scene, &counters->connections, 1);
    scene->stage.fake.fail_after = 0;
    assert_true(is_closed(caller));
    assert_false(is_closed(whole));
    assert_int_equal(counters->proxied, 1);
    assert_int_equal(counters->proxy_refused, 0);
    close(caller);
    close(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_memory_connections_are_dropped_and_the_listener_goes_on, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_unfinished_messages_have_one_limit_and_the_oldest_goes, begin, end),
        cmocka_unit_test_setup_teardown(test_without_descriptors_connections_wait_and_the_listener_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(test_5626_7_i_an_aborted_connection_is_reset, begin, end),
        cmocka_unit_test_setup_teardown(test_3261_18_1_1_a_a_full_server_tells_nothing_about_the_other_side, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_3263_4_3_b_a_refused_connection_is_not_late, begin, end),
        cmocka_unit_test_setup_teardown(test_peers_find_room_beside_connections_that_are_being_opened, begin, end),
        cmocka_unit_test_setup_teardown(test_a_stranger_and_all_strangers_have_a_share_of_what_is_being_opened, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_a_share_is_given_back, begin, end),
        cmocka_unit_test_setup_teardown(test_strangers_have_a_share_of_the_connections_that_are_open, begin, end),
        cmocka_unit_test_setup_teardown(test_what_no_stranger_has_caused_finds_room_on_a_full_server, begin, end),
        cmocka_unit_test_setup_teardown(test_a_trusted_destination_has_no_share, begin, end),
        cmocka_unit_test_setup_teardown(test_unfinished_proxy_headers_have_the_limit_of_unfinished_messages,
                                        begin_balanced, end),
        cmocka_unit_test_setup_teardown(test_without_memory_a_connection_with_half_a_proxy_header_is_closed,
                                        begin_balanced, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
