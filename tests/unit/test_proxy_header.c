// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "standalone/proxied/proxy_header.h"

/* The header of the PROXY protocol, as a function over bytes. */

#define SIGNATURE      "\r\n\r\n\0\r\nQUIT\n"
#define INET           "\xc0\0\2\1\xc6\x33\x64\1\x9c\xb0\x13\xc5" /* 192.0.2.1 to 198.51.100.1, ports 40112 and 5061 */
#define BYTES(literal) (literal), sizeof(literal) - 1

static enum proxy_outcome read_bytes(const char *bytes, size_t length, struct proxy_header *header)
{
    return proxy_header_read(bytes, length, header);
}

static void assert_client(const struct proxy_header *header, const char *host, uint16_t port)
{
    char name[INET6_ADDRSTRLEN];
    assert_non_null(inet_ntop(header->ipv6 ? AF_INET6 : AF_INET, header->address, name, sizeof name));
    assert_string_equal(name, host);
    assert_int_equal(header->port, port);
}

/* Complete with its last byte, and not before; what follows does not belong to it. */
static void assert_named(const char *bytes, size_t length, const char *host, uint16_t port)
{
    static const char next[] = "PROXY \r\n";
    char followed[PROXY_HEADER_MOST + sizeof next];
    struct proxy_header header;
    memcpy(followed, bytes, length);
    memcpy(followed + length, next, sizeof next);
    for (size_t cut = 1; cut < length; cut++)
        assert_int_equal(read_bytes(bytes, cut, &header), PROXY_MORE);
    for (size_t more = 0; more <= 8; more++) {
        assert_int_equal(read_bytes(followed, length + more, &header), PROXY_NAMED);
        assert_int_equal(header.length, length);
        assert_client(&header, host, port);
    }
}

static void assert_own(const char *bytes, size_t length)
{
    struct proxy_header header;
    for (size_t cut = 1; cut < length; cut++)
        assert_int_equal(read_bytes(bytes, cut, &header), PROXY_MORE);
    assert_int_equal(read_bytes(bytes, length, &header), PROXY_OWN);
    assert_int_equal(header.length, length);
}

static void assert_broken(const char *bytes, size_t length, const char *fault)
{
    struct proxy_header header;
    assert_int_equal(read_bytes(bytes, length, &header), PROXY_BROKEN);
    assert_string_equal(header.fault, fault);
}

static void test_a_line_names_the_client(void **state)
{
    (void)state;
    assert_named(BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 40112 5061\r\n"), "192.0.2.1", 40112);
    assert_named(BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 0 65535\r\n"), "192.0.2.1", 0);
    assert_named(BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 65535 1\r\n"), "2001:db8::1", 65535);
    assert_named(BYTES("PROXY TCP6 2001:0DB8:0:0:0:0:0:1 ::1 5060 1\r\n"), "2001:db8::1", 5060);
}

static void test_an_ipv4_address_that_is_written_as_ipv6_is_an_ipv4_address(void **state)
{
    (void)state;
    assert_named(BYTES("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 40112 5061\r\n"), "192.0.2.1", 40112);
    assert_named(BYTES(SIGNATURE "\x21\x21\0\x24\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"
                                 "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\1\x9c\xb0\x13\xc5"),
                 "192.0.2.1", 40112);
}

static void test_an_unknown_protocol_leaves_the_address_of_the_connection(void **state)
{
    (void)state;
    assert_own(BYTES("PROXY UNKNOWN\r\n"));
    assert_own(BYTES("PROXY UNKNOWN anything  at all\r\n"));
    /* The longest line that a balancer may send. */
    assert_own(BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"));
    assert_own(BYTES(SIGNATURE "\x21\0\0\0"));
    assert_own(BYTES(SIGNATURE "\x21\0\0\4\4\0\1x"));
}

/* The rest of the header, with its family, means nothing then. */
static void test_a_local_command_leaves_the_address_of_the_connection(void **state)
{
    (void)state;
    assert_own(BYTES(SIGNATURE "\x20\0\0\0"));
    assert_own(BYTES(SIGNATURE "\x20\x11\0\x0c" INET));
    assert_own(BYTES(SIGNATURE "\x20\xff\0\1x"));
}

static void test_a_binary_header_names_the_client_and_its_tlvs_are_skipped(void **state)
{
    (void)state;
    assert_named(BYTES(SIGNATURE "\x21\x11\0\x0c" INET), "192.0.2.1", 40112);
    assert_named(BYTES(SIGNATURE "\x21\x11\0\x13" INET "\4\0\4\r\n\r\n"), "192.0.2.1", 40112);
    assert_named(BYTES(SIGNATURE "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
                                 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x9c\xb0\x13\xc5"),
                 "2001:db8::1", 40112);
}

static void test_a_binary_header_of_4096_bytes_is_accepted_and_a_longer_one_is_not(void **state)
{
    (void)state;
    static const char start[] = SIGNATURE "\x21\x11\x0f\xf0" INET;
    char bytes[PROXY_HEADER_MOST] = {0};
    struct proxy_header header;
    memcpy(bytes, start, sizeof start - 1);
    assert_int_equal(read_bytes(bytes, sizeof bytes - 1, &header), PROXY_MORE);
    assert_int_equal(read_bytes(bytes, sizeof bytes, &header), PROXY_NAMED);
    assert_int_equal(header.length, sizeof bytes);
    bytes[15]++;
    assert_broken(bytes, 16, "it is longer than 4096 bytes");
}

static void test_what_cannot_be_a_header_is_refused_at_its_first_wrong_byte(void **state)
{
    (void)state;
    static const char *const starts[] = {"O",       "\x16",   "G",          "PS", "PROXX",
                                         "PROXY\r", "proxy ", "\r\n\r\n\r", "\n", " P"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        assert_broken(starts[i], strlen(starts[i]), "the connection does not begin with one");
    assert_broken(BYTES("\r\n\r\n\0\r\nQUIT\r"), "the connection does not begin with one");
    assert_broken(BYTES("\0"), "the connection does not begin with one");
}

static void test_a_line_with_a_fault_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *rest, *fault;
    } lines[] = {
        {"", "the protocol is not TCP4, TCP6 or UNKNOWN"},
        {" TCP4 192.0.2.1 198.51.100.1 1 2", "the protocol is not TCP4, TCP6 or UNKNOWN"},
        {"tcp4 192.0.2.1 198.51.100.1 1 2", "the protocol is not TCP4, TCP6 or UNKNOWN"},
        {"UDP4 192.0.2.1 198.51.100.1 1 2", "the protocol is not TCP4, TCP6 or UNKNOWN"},
        {"UNKNOWNS", "the protocol is not TCP4, TCP6 or UNKNOWN"},
        {"TCP4", "an address is not valid"},
        {"TCP4 192.0.2.1", "an address is not valid"},
        {"TCP4  192.0.2.1 198.51.100.1 1 2", "an address is not valid"},
        {"TCP4 192.0.2.01 198.51.100.1 1 2", "an address is not valid"},
        {"TCP4 192.0.2.256 198.51.100.1 1 2", "an address is not valid"},
        {"TCP4 192.0.2 198.51.100.1 1 2", "an address is not valid"},
        {"TCP4 2001:db8::1 2001:db8::2 1 2", "an address is not valid"},
        {"TCP6 192.0.2.1 198.51.100.1 1 2", "an address is not valid"},
        {"TCP6 [2001:db8::1] 2001:db8::2 1 2", "an address is not valid"},
        {"TCP6 fe80::1%eth0 2001:db8::2 1 2", "an address is not valid"},
        {"TCP4 192.0.2.1 example.com 1 2", "an address is not valid"},
        {"TCP4 192.0.2.1 198.51.100.1", "a port is not a number from 0 to 65535"},
        {"TCP4 192.0.2.1 198.51.100.1 1", "a port is not a number from 0 to 65535"},
        {"TCP4 192.0.2.1 198.51.100.1 65536 2", "a port is not a number from 0 to 65535"},
        {"TCP4 192.0.2.1 198.51.100.1 1 65536", "a port is not a number from 0 to 65535"},
        {"TCP4 192.0.2.1 198.51.100.1 01 2", "a port is not a number from 0 to 65535"},
        {"TCP4 192.0.2.1 198.51.100.1 00 2", "a port is not a number from 0 to 65535"},
        {"TCP4 192.0.2.1 198.51.100.1 +1 2", "a port is not a number from 0 to 65535"},
        {"TCP4 192.0.2.1 198.51.100.1 1  2", "a port is not a number from 0 to 65535"},
        {"TCP4 192.0.2.1 198.51.100.1 1 2 ", "a port is not a number from 0 to 65535"},
        {"TCP4 192.0.2.1 198.51.100.1 1 2 3", "a port is not a number from 0 to 65535"},
        {"TCP4 192.0.2.1 198.51.100.1 1 2\r", "a port is not a number from 0 to 65535"},
        {"TCP4 0.0.0.0 198.51.100.1 1 2", "the source address is not that of a host"},
        {"TCP4 224.0.0.1 198.51.100.1 1 2", "the source address is not that of a host"},
        {"TCP4 255.255.255.255 198.51.100.1 1 2", "the source address is not that of a host"},
        {"TCP6 :: 2001:db8::2 1 2", "the source address is not that of a host"},
        {"TCP6 ff02::1 2001:db8::2 1 2", "the source address is not that of a host"},
        {"TCP6 ::ffff:0.0.0.0 2001:db8::2 1 2", "the source address is not that of a host"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char line[128];
        int length = snprintf(line, sizeof line, "PROXY %s\r\n", lines[i].rest);
        assert_broken(line, (size_t)length, lines[i].fault);
    }
    assert_broken(BYTES("PROXY TCP4 192.0.2.1\0 198.51.100.1 1 2\r\n"), "an address is not valid");
    assert_broken(BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n"), "the line does not end with CRLF");
    assert_broken(BYTES("PROXY \n"), "the line does not end with CRLF");
}

static void test_a_line_has_at_most_107_bytes(void **state)
{
    (void)state;
    static const char start[] = "PROXY UNKNOWN ", line_end[] = {'\r', '\n'};
    char line[PROXY_HEADER_LINE + 1];
    struct proxy_header header;
    memset(line, 'x', sizeof line);
    memcpy(line, start, sizeof start - 1);
    assert_int_equal(read_bytes(line, PROXY_HEADER_LINE - 1, &header), PROXY_MORE);
    assert_broken(line, PROXY_HEADER_LINE, "the line is longer than 107 bytes");
    memcpy(line + PROXY_HEADER_LINE - 1, line_end, sizeof line_end);
    assert_broken(line, sizeof line, "the line is longer than 107 bytes");
    memcpy(line + PROXY_HEADER_LINE - 2, line_end, sizeof line_end);
    assert_own(line, PROXY_HEADER_LINE);
}

static void test_a_binary_header_with_a_fault_is_refused(void **state)
{
    (void)state;
    static const char protocol[] = "the protocol is not TCP over IPv4 or IPv6";
    static const char command[] = "the version is not 2, or the command is unknown";
    assert_broken(BYTES(SIGNATURE "\x11"), command);
    assert_broken(BYTES(SIGNATURE "\x31\x11\0\x0c" INET), command);
    assert_broken(BYTES(SIGNATURE "\x22\x11\0\x0c" INET), command);
    assert_broken(BYTES(SIGNATURE "\x21\x12\0\x0c" INET), protocol); /* UDP */
    assert_broken(BYTES(SIGNATURE "\x21\x10\0\x0c" INET), protocol);
    assert_broken(BYTES(SIGNATURE "\x21\1\0\0"), protocol);
    assert_broken(BYTES(SIGNATURE "\x21\x31\0\1x"), protocol); /* a Unix socket */
    assert_broken(BYTES(SIGNATURE "\x21\x41\0\0"), protocol);
    assert_broken(BYTES(SIGNATURE "\x21\x11\0\x0b" INET), "it is too short for its addresses");
    assert_broken(BYTES(SIGNATURE "\x21\x11\0\0"), "it is too short for its addresses");
    assert_broken(BYTES(SIGNATURE "\x21\x21\0\x0c" INET), "it is too short for its addresses");
    assert_broken(BYTES(SIGNATURE "\x21\x11\0\x0c\0\0\0\0\xc6\x33\x64\1\0\1\0\1"),
                  "the source address is not that of a host");
    assert_broken(BYTES(SIGNATURE "\x21\x11\xff\xff"), "it is longer than 4096 bytes");
    assert_broken(BYTES(SIGNATURE "\x20\0\xff\xff"), "it is longer than 4096 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_names_the_client),
        cmocka_unit_test(test_an_ipv4_address_that_is_written_as_ipv6_is_an_ipv4_address),
        cmocka_unit_test(test_an_unknown_protocol_leaves_the_address_of_the_connection),
        cmocka_unit_test(test_a_local_command_leaves_the_address_of_the_connection),
        cmocka_unit_test(test_a_binary_header_names_the_client_and_its_tlvs_are_skipped),
        cmocka_unit_test(test_a_binary_header_of_4096_bytes_is_accepted_and_a_longer_one_is_not),
        cmocka_unit_test(test_what_cannot_be_a_header_is_refused_at_its_first_wrong_byte),
        cmocka_unit_test(test_a_line_with_a_fault_is_refused),
        cmocka_unit_test(test_a_line_has_at_most_107_bytes),
        cmocka_unit_test(test_a_binary_header_with_a_fault_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
