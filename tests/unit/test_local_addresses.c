// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <arpa/inet.h>

#include "standalone/net/local_addresses.h"

/* The kernel's own answers: that it has 127.0.0.1 is all that is asked of the machine. */

struct stand {
    struct fake_host fake;
    struct local_addresses *addresses;
};

static int setup(void **state)
{
    static struct stand stand;
    stand = (struct stand){0};
    fake_host_create(&stand.fake);
    *state = &stand;
    return local_addresses_new(&stand.addresses, &stand.fake.host);
}

static int teardown(void **state)
{
    struct stand *stand = *state;
    local_addresses_delete(stand->addresses);
    return stand->fake.allocated == 0 ? 0 : -1;
}

static union address address_of(const char *host)
{
    union address address;
    assert_true(address_read(text_of(host), 5060, &address));
    return address;
}

static uint16_t number_of(struct stand *stand, const char *host)
{
    union address address = address_of(host);
    return local_addresses_number(stand->addresses, &address);
}

static void test_a_number_stays(void **state)
{
    struct stand *stand = *state;
    union address read, expected = address_of("192.0.2.7");
    uint16_t first = number_of(stand, "192.0.2.7"), second = number_of(stand, "2001:db8::7");
    assert_true(first != 0 && second != 0 && first != second);
    assert_int_equal(number_of(stand, "192.0.2.7"), first);
    assert_int_equal(number_of(stand, "2001:db8::7"), second);
    assert_true(local_addresses_get(stand->addresses, first, &read));
    assert_int_equal(address_port(&read), 0);
    assert_int_equal(read.v4.sin_addr.s_addr, expected.v4.sin_addr.s_addr);
    assert_false(local_addresses_get(stand->addresses, 0, &read));
    assert_false(local_addresses_get(stand->addresses, 3, &read));
    assert_int_equal(number_of(stand, "0.0.0.0"), 0);
    assert_int_equal(number_of(stand, "::"), 0);
}

static void test_link_local_addresses_are_told_apart_by_interface(void **state)
{
    struct stand *stand = *state;
    union address one = address_of("fe80::1"), two = one;
    one.v6.sin6_scope_id = 1;
    two.v6.sin6_scope_id = 2;
    assert_int_not_equal(local_addresses_number(stand->addresses, &one),
                         local_addresses_number(stand->addresses, &two));
}

static void test_numbers_end(void **state)
{
    struct stand *stand = *state;
    union address address = address_of("10.0.0.0");
    for (uint32_t i = 1; i <= LOCAL_ADDRESSES_MOST; i++) {
        address.v4.sin_addr.s_addr = htonl(0x0a000000U + i);
        assert_int_equal(local_addresses_number(stand->addresses, &address), i);
    }
    assert_int_equal(number_of(stand, "10.9.0.0"), 1);
    assert_int_equal(number_of(stand, "10.0.0.9"), 9);
    assert_int_equal(number_of(stand, "2001:db8::1"), 0);
}

static bool has(struct stand *stand, const char *host)
{
    union address address = address_of(host);
    return local_addresses_have(stand->addresses, &address);
}

static void test_the_loopback_network_is_the_machine_s(void **state)
{
    struct stand *stand = *state;
    assert_true(has(stand, "127.0.0.1") && has(stand, "127.0.0.2") && has(stand, "127.200.3.4"));
    assert_false(has(stand, "0.0.0.0") || has(stand, "::") || has(stand, "192.0.2.1") || has(stand, "2001:db8::1"));
    fake_host_advance(&stand->fake, INTERFACES_MS + 1);
    assert_true(has(stand, "127.0.0.1"));
    local_addresses_refresh(stand->addresses);
    assert_true(has(stand, "127.0.0.1"));
    union address address = address_of("127.0.0.9"), foreign = address_of("192.0.2.1");
    uint16_t number = local_addresses_find(stand->addresses, &address);
    assert_int_not_equal(number, 0);
    assert_int_equal(number, number_of(stand, "127.0.0.9"));
    assert_int_equal(local_addresses_find(stand->addresses, &foreign), 0);
}

static uint16_t route_to(struct stand *stand, const char *host)
{
    union address address = address_of(host);
    return local_addresses_route(stand->addresses, &address);
}

static void test_the_kernel_s_route_is_kept_for_a_while(void **state)
{
    struct stand *stand = *state;
    union address read, loopback = address_of("127.0.0.1");
    uint16_t number = route_to(stand, "127.0.0.1");
    assert_true(local_addresses_get(stand->addresses, number, &read));
    assert_int_equal(read.v4.sin_addr.s_addr, loopback.v4.sin_addr.s_addr);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(route_to(stand, "127.0.0.1"), number);
        fake_host_advance(&stand->fake, ROUTE_MS);
    }
    local_addresses_refresh(stand->addresses);
    assert_int_equal(route_to(stand, "127.0.0.1"), number);
    /* As many destinations as there may be: none is mixed up with another. */
    for (unsigned i = 1; i < 2000; i++) {
        char host[32];
        snprintf(host, sizeof host, "127.0.%u.%u", i / 250, i % 250 + 1);
        assert_int_not_equal(route_to(stand, host), 0);
    }
    assert_int_equal(route_to(stand, "127.0.0.1"), number);
}

static void test_there_may_be_no_way(void **state)
{
    struct stand *stand = *state;
    assert_int_equal(route_to(stand, "fe80::1"), 0); /* by no interface */
    assert_int_equal(route_to(stand, "255.255.255.255"), 0);
}

static void test_without_memory_no_address_is_ours(void **state)
{
    struct stand *stand = *state;
    stand->fake.fail_after = stand->fake.calls + 1;
    assert_false(has(stand, "127.0.0.1"));
    stand->fake.fail_after = 0;
    local_addresses_refresh(stand->addresses);
    assert_true(has(stand, "127.0.0.1"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_number_stays),
        TEST(test_link_local_addresses_are_told_apart_by_interface),
        TEST(test_numbers_end),
        TEST(test_the_loopback_network_is_the_machine_s),
        TEST(test_the_kernel_s_route_is_kept_for_a_while),
        TEST(test_there_may_be_no_way),
        TEST(test_without_memory_no_address_is_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
