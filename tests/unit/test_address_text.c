// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <arpa/inet.h>

#include "base/address_text.h"

static void assert_written(int family, const char *host, uint16_t port)
{
    unsigned char bytes[16];
    char expected[ADDRESS_TEXT_MOST], text[ADDRESS_TEXT_MOST];
    size_t length = family == AF_INET6 ? 16 : 4;
    assert_int_equal(inet_pton(family, host, bytes), 1);
    assert_int_equal(host_text(bytes, length, text, sizeof text), strlen(host));
    assert_string_equal(text, host);
    snprintf(expected, sizeof expected, family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
    assert_int_equal(address_text(bytes, length, port, text, sizeof text), strlen(expected));
    assert_string_equal(text, expected);
}

static void test_each_digit_of_an_address_and_a_port_is_written(void **state)
{
    char host[INET_ADDRSTRLEN];
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        snprintf(host, sizeof host, "%u.%u.%u.%u", byte, 255 - byte, byte / 3, byte);
        assert_written(AF_INET, host, (uint16_t)(byte * 257));
    }
    for (unsigned port = 0; port <= UINT16_MAX; port++)
        assert_written(AF_INET, "192.0.2.1", (uint16_t)port);
}

static void test_5954_4_a_an_ipv6_address_is_written_in_its_shortest_form(void **state)
{
    static const char *const hosts[] = {
        "::", "::1", "2001:db8::1", "fe80::1:2:3:4", "::ffff:192.0.2.1", "1111:2222:3333:4444:5555:6666:7777:8888"};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        assert_written(AF_INET6, hosts[i], 0);
        assert_written(AF_INET6, hosts[i], 65535);
    }
}

static void test_a_text_is_cut_where_it_does_not_fit(void **state)
{
    static const unsigned char v4[4] = {192, 0, 2, 1}, v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    char text[8] = "-------";
    (void)state;
    assert_int_equal(address_text(v4, sizeof v4, 5060, text, sizeof text), 7);
    assert_string_equal(text, "192.0.2");
    assert_int_equal(address_text(v6, sizeof v6, 5060, text, sizeof text), 7);
    assert_string_equal(text, "[2001:d");
    assert_int_equal(host_text(v4, sizeof v4, text, 1), 0);
    assert_string_equal(text, "");
    text[0] = '-';
    assert_int_equal(host_text(v4, sizeof v4, text, 0), 0);
    assert_int_equal(text[0], '-');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_digit_of_an_address_and_a_port_is_written),
        cmocka_unit_test(test_5954_4_a_an_ipv6_address_is_written_in_its_shortest_form),
        cmocka_unit_test(test_a_text_is_cut_where_it_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
