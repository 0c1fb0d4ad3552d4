// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "standalone/net/peer.h"

static struct peer peer_at(const char *host, uint16_t port, uint8_t listener)
{
    struct peer peer = {.transport = TRANSPORT_UDP, .listener = listener};
    assert_true(address_read(text_of(host), port, &peer.address));
    return peer;
}

static void assert_formats(const char *host, uint16_t port, const char *expected)
{
    char out[64];
    struct peer peer = peer_at(host, port, 0);
    assert_int_equal(address_format(&peer.address, out, sizeof out), strlen(expected));
    assert_string_equal(out, expected);
}

static void test_addresses_read_and_written(void **state)
{
    char out[64];
    (void)state;
    assert_formats("127.0.0.1", 5060, "127.0.0.1:5060");
    assert_formats("255.255.255.255", 65535, "255.255.255.255:65535");
    assert_formats("::1", 5060, "[::1]:5060");
    assert_formats("[::1]", 5060, "[::1]:5060");
    assert_formats("2001:DB8:0::A", 1, "[2001:db8::a]:1");
    struct peer peer = peer_at("[2001:db8::a]", 9, 0);
    assert_int_equal(address_host(&peer.address, out, sizeof out), 11);
    assert_string_equal(out, "2001:db8::a");
    assert_int_equal(address_port(&peer.address), 9);
}

static void test_format_that_is_too_short_is_cut(void **state)
{
    char out[8];
    struct peer peer = peer_at("127.0.0.1", 5060, 0);
    (void)state;
    assert_int_equal(address_format(&peer.address, out, sizeof out), 7);
    assert_string_equal(out, "127.0.0");
}

static void test_what_is_no_address(void **state)
{
    static const char *const hosts[] = {
        "",           "example.com",   "127.0.0",    "127.0.0.256",
        "127.0.0.1 ", "[127.0.0.1",    "::1]",       "[]",
        "1::2::3",    "[example.com]", "0x7f000001", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc"};
    union address address;
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        assert_false(address_read(text_of(hosts[i]), 5060, &address));
}

static void test_address_equal(void **state)
{
    struct peer a = peer_at("127.0.0.1", 5060, 0), b = peer_at("127.0.0.1", 5060, 1);
    struct peer port = peer_at("127.0.0.1", 5061, 0), host = peer_at("127.0.0.2", 5060, 0);
    struct peer six = peer_at("::1", 5060, 0), six_port = peer_at("::1", 5061, 0), six_host = peer_at("::2", 5060, 0);
    (void)state;
    assert_true(address_equal(&a.address, &b.address));
    assert_false(address_equal(&a.address, &port.address));
    assert_false(address_equal(&a.address, &host.address));
    assert_false(address_equal(&a.address, &six.address));
    assert_true(address_equal(&six.address, &six.address));
    assert_false(address_equal(&six.address, &six_port.address));
    assert_false(address_equal(&six.address, &six_host.address));
}

/* Same local and remote address and port: the same flow; anything else differs. */
static void test_5626_7_e_a_datagram_flow_is_local_and_remote_address(void **state)
{
    (void)state;
    struct peer a = peer_at("127.0.0.1", 5060, 0), same = peer_at("127.0.0.1", 5060, 0);
    struct peer others[] = {peer_at("127.0.0.1", 5061, 0), peer_at("127.0.0.2", 5060, 0), peer_at("127.0.0.1", 5060, 1),
                            peer_at("::1", 5060, 0),       peer_at("::1", 5061, 0),       peer_at("::2", 5060, 0),
                            peer_at("::1", 5060, 1)};
    assert_int_equal(peer_flow(&a), peer_flow(&same));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_not_equal(peer_flow(&a), peer_flow(&others[i]));
        assert_true(flow_is_datagram(peer_flow(&others[i])));
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(peer_flow(&others[i]), peer_flow(&others[j]));
    }
}

/* The digest of earlier versions had no key. Whoever has a network of IPv6 addresses could compute one whose flow had
   the number of somebody else's, and so receive the calls that were for him. */
static uint64_t mixed(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * 0x9E3779B97F4A7C15ULL;
    return sum ^ (sum >> 29);
}

static uint64_t unmixed(uint64_t sum)
{
    uint64_t inverse = 1;
    for (int i = 0; i < 6; i++) /* by Newton: twice as many bits are right each time */
        inverse *= 2 - 0x9E3779B97F4A7C15ULL * inverse;
    return (sum ^ sum >> 29 ^ sum >> 58) * inverse;
}

static void test_5626_7_e_nobody_can_aim_at_the_number_of_an_ipv6_flow(void **state)
{
    (void)state;
    struct peer victim = peer_at("2001:db8::1", 5060, 0), stranger = peer_at("2001:db8:bad::", 5061, 0);
    uint64_t words[2], own[2];
    memcpy(words, &victim.address.v6.sin6_addr, sizeof words);
    memcpy(own, &stranger.address.v6.sin6_addr, sizeof own);
    uint64_t wanted = mixed(mixed(mixed(0, words[0]), words[1]), victim.address.v6.sin6_port);
    uint64_t before_port = unmixed(wanted) ^ stranger.address.v6.sin6_port;
    own[1] = unmixed(before_port) ^ mixed(0, own[0]);
    memcpy(&stranger.address.v6.sin6_addr, own, sizeof own);
    assert_int_equal(mixed(mixed(mixed(0, own[0]), own[1]), stranger.address.v6.sin6_port), wanted);
    assert_int_not_equal(peer_flow(&victim), peer_flow(&stranger));
}

/* A link-local address means another host on each interface. */
static void test_5626_7_e_the_interface_of_a_link_local_address_counts(void **state)
{
    (void)state;
    struct peer one = peer_at("fe80::1", 5060, 0), other = one;
    one.address.v6.sin6_scope_id = 2;
    other.address.v6.sin6_scope_id = 3;
    assert_int_not_equal(peer_flow(&one), peer_flow(&other));
    assert_false(address_equal(&one.address, &other.address));
    other.address.v6.sin6_scope_id = 2;
    assert_int_equal(peer_flow(&one), peer_flow(&other));
    assert_true(address_equal(&one.address, &other.address));
}

static void test_a_datagram_flow_tells_its_peer(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "0.0.0.0", "255.255.255.255", "192.0.2.7"};
    static const uint16_t ports[] = {1, 5060, 65535};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 3; j++) {
            struct peer read, peer = peer_at(hosts[i], ports[j], (uint8_t)(i * 5));
            assert_true(peer_of_datagram_flow(peer_flow(&peer), &read));
            assert_int_equal(read.transport, TRANSPORT_UDP);
            assert_int_equal(read.listener, peer.listener);
            assert_true(address_equal(&read.address, &peer.address));
        }
    }
}

static void test_other_flows_do_not_tell_their_peer(void **state)
{
    struct peer read, six = peer_at("::1", 5060, 0);
    struct peer connection = {.transport = TRANSPORT_TCP, .connection = 17};
    (void)state;
    assert_false(peer_of_datagram_flow(peer_flow(&six), &read));
    assert_int_equal(peer_flow(&connection), 17);
    assert_false(flow_is_datagram(17));
    assert_false(peer_of_datagram_flow(17, &read));
}

static void test_transport_names(void **state)
{
    (void)state;
    assert_string_equal(transport_name(TRANSPORT_UDP), "UDP");
    assert_string_equal(transport_name(TRANSPORT_TCP), "TCP");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_read_and_written),
        cmocka_unit_test(test_format_that_is_too_short_is_cut),
        cmocka_unit_test(test_what_is_no_address),
        cmocka_unit_test(test_address_equal),
        cmocka_unit_test(test_5626_7_e_a_datagram_flow_is_local_and_remote_address),
        cmocka_unit_test(test_5626_7_e_nobody_can_aim_at_the_number_of_an_ipv6_flow),
        cmocka_unit_test(test_5626_7_e_the_interface_of_a_link_local_address_counts),
        cmocka_unit_test(test_a_datagram_flow_tells_its_peer),
        cmocka_unit_test(test_other_flows_do_not_tell_their_peer),
        cmocka_unit_test(test_transport_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
