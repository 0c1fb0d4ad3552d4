// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "standalone/net/source.h"

static union address at(const char *host)
{
    union address address;
    assert_true(address_read(text_of(host), 5060, &address));
    return address;
}

static bool same_source(const char *a, const char *b)
{
    union address one = at(a), other = at(b);
    return source_of(&one) == source_of(&other);
}

static void test_ipv4_addresses_are_sources_of_their_own(void **state)
{
    (void)state;
    assert_true(same_source("192.0.2.1", "192.0.2.1"));
    assert_false(same_source("192.0.2.1", "192.0.2.2"));
    assert_false(same_source("192.0.2.1", "193.0.2.1"));
    assert_true(same_source("192.0.2.1", "::ffff:192.0.2.1"));
}

static void test_ipv6_addresses_of_one_64_are_one_source(void **state)
{
    (void)state;
    assert_true(same_source("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert_false(same_source("2001:db8:1:2::1", "2001:db8:1:3::1"));
    assert_false(same_source("::1", "0.0.0.1"));
    assert_false(same_source("::1", "127.0.0.1"));
    union address any = at("::");
    assert_true(source_of(&any) != 0);
}

static bool is_loopback(const char *host)
{
    union address address = at(host);
    return source_is_loopback(&address);
}

static void test_two_addresses_are_loopback(void **state)
{
    (void)state;
    assert_true(is_loopback("127.0.0.1"));
    assert_true(is_loopback("::1"));
    assert_true(is_loopback("::ffff:127.0.0.1"));
    assert_false(is_loopback("127.0.0.2"));
    assert_false(is_loopback("128.0.0.1"));
    assert_false(is_loopback("::"));
    assert_false(is_loopback("::ffff:127.0.0.2"));
}

static bool block_has(const char *block, const char *host)
{
    struct cidr cidr;
    union address address = at(host);
    assert_true(cidr_read(text_of(block), &cidr));
    return cidr_has(&cidr, &address);
}

static void test_blocks_have_their_addresses(void **state)
{
    (void)state;
    assert_true(block_has("192.0.2.0/24", "192.0.2.255"));
    assert_false(block_has("192.0.2.0/24", "192.0.3.0"));
    assert_true(block_has("192.0.2.0/24", "::ffff:192.0.2.7"));
    assert_true(block_has("192.0.2.128/25", "192.0.2.128"));
    assert_false(block_has("192.0.2.128/25", "192.0.2.127"));
    assert_true(block_has("192.0.2.7", "192.0.2.7"));
    assert_false(block_has("192.0.2.7", "192.0.2.6"));
    assert_true(block_has("0.0.0.0/0", "203.0.113.9"));
    assert_false(block_has("0.0.0.0/0", "2001:db8::1"));
    assert_true(block_has("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(block_has("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(block_has("[2001:db8::1]/128", "2001:db8::1"));
    assert_true(block_has("2001:db8::1", "2001:db8::1"));
    assert_false(block_has("::/0", "192.0.2.1"));
    assert_true(block_has("::/0", "2001:db8::1"));
    assert_false(block_has("::/0", "::ffff:192.0.2.1"));
    assert_true(block_has("::ffff:192.0.2.0/120", "192.0.2.7"));
    assert_true(block_has("[::ffff:192.0.2.0]/120", "::ffff:192.0.2.7"));
    assert_false(block_has("::ffff:192.0.2.0/120", "192.0.3.7"));
    assert_true(block_has("::ffff:192.0.2.7", "192.0.2.7"));
    assert_false(block_has("::ffff:192.0.2.7", "192.0.2.6"));
    assert_true(block_has("::ffff:0:0/96", "192.0.2.6"));
}

static bool is_private_elsewhere(const char *host, const char *from)
{
    union address address = at(host), source = at(from);
    return address_is_private_elsewhere(&address, &source);
}

static void test_3261_10_a_private_addresses_belong_to_their_own_network(void **state)
{
    static const char *const hidden[] = {"10.0.0.1",   "172.16.0.1",  "172.31.255.1", "192.168.0.1",
                                         "100.64.0.1", "100.127.9.1", "169.254.0.1",  "127.0.0.1",
                                         "0.0.0.0",    "fc00::1",     "fdff::1",      "fe80::1",
                                         "febf::1",    "::1",         "::",           "::ffff:10.0.0.1"};
    static const char *const open[] = {"9.255.255.255", "11.0.0.0",    "172.15.0.1",  "172.32.0.1",  "192.167.0.1",
                                       "192.169.0.1",   "100.63.0.1",  "100.128.0.1", "169.253.0.1", "128.0.0.1",
                                       "203.0.113.9",   "2001:db8::1", "fb00::1",     "fec0::1",     "::2"};
    (void)state;
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        if (!is_private_elsewhere(hidden[i], "203.0.113.9") || !is_private_elsewhere(hidden[i], "2001:db8::9"))
            fail_msg("%s", hidden[i]);
        assert_false(is_private_elsewhere(hidden[i], hidden[i]));
    }
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++) {
        if (is_private_elsewhere(open[i], "203.0.113.8") || is_private_elsewhere(open[i], "10.0.0.1"))
            fail_msg("%s", open[i]);
    }
    assert_false(is_private_elsewhere("10.0.0.1", "10.9.0.1"));
    assert_true(is_private_elsewhere("10.0.0.1", "192.168.0.1"));
    assert_false(is_private_elsewhere("10.0.0.1", "::ffff:10.9.0.1"));
    assert_false(is_private_elsewhere("fd00::1", "fd77::1"));
    assert_true(is_private_elsewhere("fd00::1", "fe80::1"));
}

static void test_what_is_no_block_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "/",
                                        "/8",
                                        "192.0.2.0/",
                                        "192.0.2.0/33",
                                        "192.0.2.0/x",
                                        "192.0.2.0/-1",
                                        "192.0.2.1/24",
                                        "192.0.2/24",
                                        "example.com/8",
                                        "::/129",
                                        "2001:db8::1/64",
                                        "192.0.2.0/0024",
                                        "192.0.2.0/24/8",
                                        "[::1/128"};
    struct cidr cidr;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (cidr_read(text_of(wrong[i]), &cidr))
            fail_msg("\"%s\" was taken", wrong[i]);
    }
}

static void test_the_reason_is_named(void **state)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {{"192.0.2.1/24", "bits set after the first BITS"},
                 {"2001:db8::1/64", "bits set after the first BITS"},
                 {"192.0.2.0/33", "from 0 to 32"},
                 {"192.0.2.0/", "from 0 to 32"},
                 {"2001:db8::/129", "from 0 to 128"},
                 {"::ffff:192.0.2.0/95", "from 96 to 128"},
                 {"::ffff:192.0.2.0/129", "from 96 to 128"},
                 {"::ffff:192.0.2.1/120", "bits set after the first BITS"},
                 {"edge.example.com/24", "not numeric"},
                 {"", "not numeric"}};
    struct cidr cidr;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *why = cidr_parse(text_of(cases[i].text), &cidr);
        assert_non_null(why);
        assert_non_null(strstr(why, "not ADDRESS or ADDRESS/BITS: "));
        assert_non_null(strstr(why, cases[i].reason));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv4_addresses_are_sources_of_their_own),
        cmocka_unit_test(test_ipv6_addresses_of_one_64_are_one_source),
        cmocka_unit_test(test_two_addresses_are_loopback),
        cmocka_unit_test(test_blocks_have_their_addresses),
        cmocka_unit_test(test_3261_10_a_private_addresses_belong_to_their_own_network),
        cmocka_unit_test(test_what_is_no_block_is_refused),
        cmocka_unit_test(test_the_reason_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
