// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>

#include "standalone/net/source_limits.h"

/* The limits per source: allowances, bans, who is exempt, and what is left when the table is full. */

enum { CONNECTIONS = 64 };

struct bench {
    struct fake_host fake;
    struct source_limits_config config;
    struct source_limits *limits;
    struct source_connection connections[CONNECTIONS];
    unsigned closed;
};

static void on_banned(void *context, struct source_connection *connection)
{
    struct bench *bench = context;
    source_disconnect(bench->limits, connection); /* as closing does: it is not counted any more */
    bench->closed++;
}

static int setup(void **state)
{
    static struct bench bench;
    memset(&bench, 0, sizeof bench);
    fake_host_create(&bench.fake);
    bench.config = (struct source_limits_config){
        .host = &bench.fake.host, .requests = 10, .connections = 3, .failures = 6, .ban_s = 60};
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    source_limits_delete(bench->limits);
    assert_int_equal(bench->fake.allocated, 0);
    return 0;
}

static void open_limits(struct bench *bench)
{
    assert_int_equal(source_limits_new(&bench->limits, &bench->config), 0);
    source_limits_listen(bench->limits, on_banned, bench);
}

static struct peer peer_at(enum transport transport, const char *host)
{
    struct peer peer = {.transport = (uint8_t)transport};
    assert_true(address_read(text_of(host), 5060, &peer.address));
    return peer;
}

/* How many of so many uses are allowed. */
static unsigned uses(struct bench *bench, enum transport transport, const char *host, enum source_use use,
                     unsigned count)
{
    struct peer peer = peer_at(transport, host);
    unsigned allowed = 0;
    for (unsigned i = 0; i < count; i++)
        allowed += source_may(bench->limits, &peer, use);
    return allowed;
}

static unsigned requests(struct bench *bench, enum transport transport, const char *host, unsigned count)
{
    return uses(bench, transport, host, SOURCE_REQUEST, count);
}

static int connects(struct bench *bench, unsigned index, const char *host)
{
    struct peer peer = peer_at(TRANSPORT_TCP, host);
    return source_connect(bench->limits, &peer, &bench->connections[index]);
}

static void test_a_burst_of_four_seconds_then_the_rate(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 100), 40);
    fake_host_advance(&bench->fake, 100);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 100), 1);
    fake_host_advance(&bench->fake, 1000);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 100), 10);
    fake_host_advance(&bench->fake, 3600000);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 100), 40);
    assert_int_equal(source_limits_counters(bench->limits).limited_requests, 60 + 99 + 90 + 60);
    assert_int_equal(source_limits_counters(bench->limits).bans, 0);
}

static void test_a_rate_that_is_kept_is_never_limited(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(requests(bench, TRANSPORT_TCP, "192.0.2.1", 1), 1);
        fake_host_advance(&bench->fake, 100);
    }
}

static void test_sources_do_not_share_an_allowance(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 100), 40);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.2", 40), 40);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "2001:db8::1", 40), 40);
}

static void test_one_64_is_one_source(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "2001:db8::1", 20), 20);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "2001:db8::ffff:2", 100), 20);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "2001:db8:0:1::1", 100), 40);
}

static void test_mapped_ipv4_is_ipv4(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "::ffff:192.0.2.1", 20), 20);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 100), 20);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "::ffff:127.0.0.1", 100), 100);
}

static void test_kinds_of_use_are_counted_apart(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    assert_int_equal(uses(bench, TRANSPORT_UDP, "192.0.2.1", SOURCE_KEEPALIVE, 100), 40);
    assert_int_equal(uses(bench, TRANSPORT_UDP, "192.0.2.1", SOURCE_FAILURE, 100), 6);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 100), 40);
    fake_host_advance(&bench->fake, 10000);
    assert_int_equal(uses(bench, TRANSPORT_UDP, "192.0.2.1", SOURCE_FAILURE, 100), 1);
    assert_int_equal(source_limits_counters(bench->limits).limited_failures, 94 + 99);
    assert_int_equal(source_limits_counters(bench->limits).limited_keepalives, 60);
}

/* A stranger who forges the address of a trunk must not shut out the trunk's connections. */
static void test_datagrams_do_not_count_against_streams(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    assert_int_equal(connects(bench, 0, "192.0.2.1"), 0);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 10000), 40);
    assert_int_equal(uses(bench, TRANSPORT_UDP, "192.0.2.1", SOURCE_FAILURE, 10000), 6);
    assert_int_equal(bench->closed, 0);
    assert_int_equal(connects(bench, 1, "192.0.2.1"), 0);
    assert_int_equal(requests(bench, TRANSPORT_TLS, "192.0.2.1", 38), 38);
    source_disconnect(bench->limits, &bench->connections[0]);
    source_disconnect(bench->limits, &bench->connections[1]);
}

static void test_excess_over_a_stream_bans(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    assert_int_equal(connects(bench, 0, "192.0.2.1"), 0);
    assert_int_equal(connects(bench, 1, "192.0.2.1"), 0);
    assert_int_equal(connects(bench, 2, "192.0.2.2"), 0);
    assert_int_equal(requests(bench, TRANSPORT_WSS, "192.0.2.1", 100), 38);
    assert_int_equal(bench->closed, 2);
    assert_int_equal(source_limits_counters(bench->limits).bans, 1);
    assert_int_equal(connects(bench, 0, "192.0.2.1"), -EPERM);
    fake_host_advance(&bench->fake, 59999);
    assert_int_equal(requests(bench, TRANSPORT_TCP, "192.0.2.1", 1), 0);
    assert_int_equal(connects(bench, 0, "192.0.2.1"), -EPERM);
    fake_host_advance(&bench->fake, 1);
    assert_int_equal(connects(bench, 0, "192.0.2.1"), 0);
    assert_int_equal(requests(bench, TRANSPORT_TCP, "192.0.2.1", 39), 39);
    assert_int_equal(source_limits_counters(bench->limits).bans, 1);
    assert_int_equal(bench->closed, 2);
    source_disconnect(bench->limits, &bench->connections[0]);
    source_disconnect(bench->limits, &bench->connections[2]);
}

static void test_failures_over_a_stream_ban(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    assert_int_equal(connects(bench, 0, "192.0.2.1"), 0);
    assert_int_equal(uses(bench, TRANSPORT_TLS, "192.0.2.1", SOURCE_FAILURE, 7), 6);
    assert_int_equal(bench->closed, 1);
    assert_int_equal(connects(bench, 0, "192.0.2.1"), -EPERM);
    /* The same address over UDP, where a stranger may have forged it. */
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 1), 1);
}

static void test_connections_at_a_time(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(connects(bench, i, "192.0.2.1"), 0);
    assert_int_equal(connects(bench, 3, "192.0.2.1"), -EDQUOT);
    assert_int_equal(connects(bench, 4, "192.0.2.2"), 0);
    source_disconnect(bench->limits, &bench->connections[1]);
    assert_int_equal(connects(bench, 1, "192.0.2.1"), 0);
    assert_int_equal(connects(bench, 3, "192.0.2.1"), -EDQUOT);
    assert_int_equal(source_limits_counters(bench->limits).limited_connections, 2);
    assert_int_equal(bench->closed, 0);
    for (unsigned i = 0; i < 5; i++)
        source_disconnect(bench->limits, &bench->connections[i]);
}

/* Each connection costs a handshake: opening and closing them is no way around the limits. */
static void test_connecting_again_and_again_bans(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(connects(bench, 0, "192.0.2.1"), 0);
        source_disconnect(bench->limits, &bench->connections[0]);
    }
    assert_int_equal(connects(bench, 0, "192.0.2.1"), -EPERM);
    assert_int_equal(source_limits_counters(bench->limits).bans, 1);
}

static void test_loopback_is_exempt_but_not_trusted(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < 2; i++) {
        struct peer peer = peer_at(TRANSPORT_TCP, hosts[i]);
        assert_int_equal(requests(bench, TRANSPORT_TCP, hosts[i], 1000), 1000);
        assert_int_equal(uses(bench, TRANSPORT_UDP, hosts[i], SOURCE_FAILURE, 1000), 1000);
        assert_true(source_is_exempt(bench->limits, &peer.address));
        assert_false(source_is_trusted(bench->limits, &peer.address));
    }
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(connects(bench, i, "127.0.0.1"), 0);
    assert_int_equal(source_limits_count(bench->limits), 0);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "127.0.0.2", 1000), 40);
}

static void test_trusted_blocks_are_exempt(void **state)
{
    struct bench *bench = *state;
    assert_true(cidr_read(TEXT("198.51.100.0/24"), &bench->config.trusted[0]));
    assert_true(cidr_read(TEXT("2001:db8:5::/48"), &bench->config.trusted[1]));
    bench->config.trusted_count = 2;
    open_limits(bench);
    struct peer trunk = peer_at(TRANSPORT_UDP, "198.51.100.77");
    assert_true(source_is_trusted(bench->limits, &trunk.address));
    assert_int_equal(requests(bench, TRANSPORT_UDP, "198.51.100.77", 1000), 1000);
    assert_int_equal(requests(bench, TRANSPORT_TCP, "2001:db8:5:1::1", 1000), 1000);
    assert_int_equal(requests(bench, TRANSPORT_TCP, "198.51.101.1", 1000), 40);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(connects(bench, i, "198.51.100.77"), 0);
}

static void test_zero_is_no_limit(void **state)
{
    struct bench *bench = *state;
    bench->config.requests = bench->config.connections = bench->config.failures = 0;
    open_limits(bench);
    assert_int_equal(requests(bench, TRANSPORT_TCP, "192.0.2.1", 10000), 10000);
    assert_int_equal(uses(bench, TRANSPORT_TCP, "192.0.2.1", SOURCE_FAILURE, 10000), 10000);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(connects(bench, i, "192.0.2.1"), 0);
}

static void test_without_limits_everybody_is_exempt(void **state)
{
    struct bench *bench = *state;
    struct peer peer = peer_at(TRANSPORT_TCP, "192.0.2.1");
    assert_true(source_is_exempt(NULL, &peer.address));
    assert_false(source_is_trusted(NULL, &peer.address));
    assert_int_equal(requests(bench, TRANSPORT_TCP, "192.0.2.1", 10000), 10000);
    assert_int_equal(connects(bench, 0, "192.0.2.1"), 0);
    source_disconnect(NULL, &bench->connections[0]);
    source_limits_sweep(NULL);
    assert_int_equal(source_limits_count(NULL), 0);
}

static void test_a_ban_of_no_time_closes_what_is_open(void **state)
{
    struct bench *bench = *state;
    bench->config.ban_s = 0;
    open_limits(bench);
    assert_int_equal(connects(bench, 0, "192.0.2.1"), 0);
    assert_int_equal(requests(bench, TRANSPORT_TCP, "192.0.2.1", 40), 39);
    assert_int_equal(bench->closed, 1);
    fake_host_advance(&bench->fake, 1000);
    assert_int_equal(connects(bench, 0, "192.0.2.1"), 0);
    source_disconnect(bench->limits, &bench->connections[0]);
}

static const char *host_of(char out[32], unsigned number)
{
    snprintf(out, 32, "10.%u.%u.%u", number >> 16, number >> 8 & 255, number & 255);
    return out;
}

/* Forged addresses neither use up memory nor take anything from those who behave, nor end a ban. */
static void test_a_flood_of_forged_sources_is_bounded(void **state)
{
    struct bench *bench = *state;
    char host[32];
    open_limits(bench);
    assert_int_equal(connects(bench, 0, "192.0.2.1"), 0);
    assert_int_equal(uses(bench, TRANSPORT_TCP, "192.0.2.9", SOURCE_FAILURE, 7), 6);
    for (unsigned i = 0; i < 5 * SOURCES_MOST; i++)
        uses(bench, TRANSPORT_UDP, host_of(host, i), SOURCE_FAILURE, 1);
    assert_true(source_limits_count(bench->limits) <= SOURCES_MOST + 2);
    assert_int_equal(connects(bench, 1, "192.0.2.9"), -EPERM);
    assert_int_equal(connects(bench, 1, "192.0.2.1"), 0);
    assert_int_equal(connects(bench, 2, "192.0.2.1"), 0);
    assert_int_equal(connects(bench, 3, "192.0.2.1"), -EDQUOT);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 40), 40);
    for (unsigned i = 0; i < 3; i++)
        source_disconnect(bench->limits, &bench->connections[i]);
}

/* Who holds connections is not forgotten, however many others come. */
static void test_a_flood_of_proved_sources_is_bounded(void **state)
{
    struct bench *bench = *state;
    char host[32];
    open_limits(bench);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(connects(bench, i, "192.0.2.1"), 0);
    for (unsigned i = 0; i < 3 * SOURCES_MOST; i++)
        uses(bench, TRANSPORT_TCP, host_of(host, i), SOURCE_FAILURE, 1);
    assert_true(source_limits_count(bench->limits) <= SOURCES_MOST + 1);
    assert_int_equal(connects(bench, 3, "192.0.2.1"), -EDQUOT);
    for (unsigned i = 0; i < 3; i++)
        source_disconnect(bench->limits, &bench->connections[i]);
}

/* Its own flood keeps it among the sources that are remembered. */
static void test_a_source_that_floods_is_not_forgotten(void **state)
{
    struct bench *bench = *state;
    char host[32];
    open_limits(bench);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 40), 40);
    for (unsigned i = 0; i < 5 * SOURCES_MOST; i++) {
        uses(bench, TRANSPORT_UDP, host_of(host, i), SOURCE_FAILURE, 1);
        if (i % 1000 == 0)
            assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 1), 0);
    }
}

static void test_sources_that_rest_are_forgotten(void **state)
{
    struct bench *bench = *state;
    char host[32];
    open_limits(bench);
    for (unsigned i = 0; i < 1000; i++)
        requests(bench, i % 2 == 0 ? TRANSPORT_UDP : TRANSPORT_TCP, host_of(host, i), 1);
    assert_int_equal(uses(bench, TRANSPORT_TCP, "192.0.2.9", SOURCE_FAILURE, 7), 6);
    fake_host_advance(&bench->fake, 1000);
    source_limits_sweep(bench->limits);
    assert_int_equal(source_limits_count(bench->limits), 1);
    fake_host_advance(&bench->fake, 60000);
    source_limits_sweep(bench->limits);
    assert_int_equal(source_limits_count(bench->limits), 0);
}

static void test_without_memory_nobody_is_limited(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    bench->fake.fail_after = 1;
    assert_int_equal(requests(bench, TRANSPORT_TCP, "192.0.2.1", 1000), 1000);
    assert_int_equal(connects(bench, 0, "192.0.2.1"), 0);
    bench->fake.fail_after = 0;
    source_disconnect(bench->limits, &bench->connections[0]);
    assert_int_equal(requests(bench, TRANSPORT_TCP, "192.0.2.1", 1000), 40);
}

static void test_creation_without_memory_leaves_nothing(void **state)
{
    struct bench *bench = *state;
    for (uint64_t fail = 1; fail <= 2; fail++) {
        bench->fake.fail_after = bench->fake.calls + fail;
        assert_int_equal(source_limits_new(&bench->limits, &bench->config), -ENOMEM);
        assert_null(bench->limits);
        assert_int_equal(bench->fake.allocated, 0);
    }
}

/* A datagram alone bans nobody, whatever was proved before; a proved failure does, and streams are not affected. */
static void test_proved_failures_of_datagrams_lead_to_a_ban(void **state)
{
    struct bench *bench = *state;
    open_limits(bench);
    assert_int_equal(uses(bench, TRANSPORT_UDP, "192.0.2.1", SOURCE_FAILURE, 10), 6);
    assert_int_equal(uses(bench, TRANSPORT_UDP, "192.0.2.1", SOURCE_PROVED_FAILURE, 6), 6);
    assert_int_equal(source_limits_counters(bench->limits).bans, 0);
    assert_int_equal(uses(bench, TRANSPORT_UDP, "192.0.2.1", SOURCE_FAILURE, 10), 0);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 1), 1);
    assert_int_equal(uses(bench, TRANSPORT_UDP, "192.0.2.1", SOURCE_PROVED_FAILURE, 1), 0);
    assert_int_equal(source_limits_counters(bench->limits).bans, 1);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 1), 0);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.2", 1), 1);
    assert_int_equal(requests(bench, TRANSPORT_TCP, "192.0.2.1", 1), 1);
    fake_host_advance(&bench->fake, 60000);
    assert_int_equal(requests(bench, TRANSPORT_UDP, "192.0.2.1", 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_burst_of_four_seconds_then_the_rate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_rate_that_is_kept_is_never_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sources_do_not_share_an_allowance, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_64_is_one_source, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mapped_ipv4_is_ipv4, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kinds_of_use_are_counted_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_datagrams_do_not_count_against_streams, setup, teardown),
        cmocka_unit_test_setup_teardown(test_excess_over_a_stream_bans, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures_over_a_stream_ban, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connections_at_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_connecting_again_and_again_bans, setup, teardown),
        cmocka_unit_test_setup_teardown(test_loopback_is_exempt_but_not_trusted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trusted_blocks_are_exempt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zero_is_no_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_limits_everybody_is_exempt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_ban_of_no_time_closes_what_is_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_flood_of_forged_sources_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_flood_of_proved_sources_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_source_that_floods_is_not_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sources_that_rest_are_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_memory_nobody_is_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(test_creation_without_memory_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_proved_failures_of_datagrams_lead_to_a_ban, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
