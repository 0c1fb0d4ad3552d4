// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <arpa/inet.h>

#include "call/request_view.h"
#include "flow/source_number.h"

/* What policies see of where a request came from. */

static struct request_source source_from(const char *transport, const char *address, uint8_t bytes[16], uint16_t port)
{
    bool ipv6 = inet_pton(AF_INET6, address, bytes) == 1;
    assert_true(ipv6 || inet_pton(AF_INET, address, bytes) == 1);
    return (struct request_source){.transport = transport, .address = bytes, .length = ipv6 ? 16 : 4, .port = port};
}

static void test_source_has_transport_address_and_port(void **state)
{
    static const struct {
        const char *transport, *address, *expected;
        uint16_t port;
    } cases[] = {
        {"udp", "192.0.2.1", "udp:192.0.2.1:5060", 5060},
        {"tcp", "0.0.0.0", "tcp:0.0.0.0:0", 0},
        {"tls", "2001:db8::1", "tls:[2001:db8::1]:5061", 5061},
        {"wss", "2001:db8:1111:2222:3333:4444:5555:6666", "wss:[2001:db8:1111:2222:3333:4444:5555:6666]:65535", 65535}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[16];
        char text[SOURCE_TEXT_MOST];
        struct request_source source = source_from(cases[i].transport, cases[i].address, bytes, cases[i].port);
        struct script_call call = request_view(NULL, TEXT("sip:bob@example.com"), &source, 17, text);
        assert_true(text_equal(call.source, text_of(cases[i].expected)));
        assert_true(text_equal(call.aor, TEXT("sip:bob@example.com")));
        assert_int_equal(call.started_ms, 17);
        assert_int_equal(call.source_number, source_number(bytes, source.length));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source_has_transport_address_and_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
