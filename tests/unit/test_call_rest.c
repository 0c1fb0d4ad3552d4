// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "base/plain_host.h"
#include "call/rest_name.h"

/* By which names a destination rests (3261-21.5.4.a). */

static bool is_named(void *context, struct text name)
{
    char wanted[REST_NAME_MOST + 1];
    size_t length = rest_name_write(text_of(context), wanted);
    return length > 0 && text_equal((struct text){wanted, length}, name);
}

static bool rests(const char *rest, const char *address, const char *host, uint32_t port)
{
    const struct rest_destination destination = {text_of(address), text_of(host), port};
    return rest_holds(&destination, is_named, (void *)(uintptr_t)rest);
}

static void test_3261_21_5_4_a_a_destination_rests_by_any_of_its_names(void **state)
{
    (void)state;
    assert_true(rests("192.0.2.1:5060", "192.0.2.1:5060", "", 0));
    assert_true(rests("192.0.2.1", "192.0.2.1:5060", "", 0));
    assert_true(rests("trunk.example", "192.0.2.1:5060", "trunk.example", 5060));
    assert_true(rests("trunk.example:5060", "192.0.2.1:5060", "trunk.example", 5060));
    assert_true(rests("Trunk.EXAMPLE", "", "trunk.example", 5060));
    assert_true(rests("trunk.example:5070", "192.0.2.1:5060", "TRUNK.example", 5070));
}

static void test_3261_21_5_4_a_another_destination_does_not_rest(void **state)
{
    (void)state;
    assert_false(rests("192.0.2.1:5061", "192.0.2.1:5060", "trunk.example", 5061));
    assert_false(rests("192.0.2.2", "192.0.2.1:5060", "trunk.example", 5060));
    assert_false(rests("trunk.example:5061", "192.0.2.1:5061", "trunk.example", 5060));
    assert_false(rests("trunk.example.org", "192.0.2.1:5060", "trunk.example", 5060));
    assert_false(rests("example", "192.0.2.1:5060", "trunk.example", 5060));
    assert_false(rests("trunk.example", "192.0.2.1:5060", "", 0));
    assert_false(rests("192.0.2.1", "", "", 0));
}

static void test_5954_4_a_an_ipv6_destination_is_compared_by_value(void **state)
{
    (void)state;
    assert_true(rests("[2001:db8::1]:5060", "[2001:DB8:0:0::1]:5060", "", 0));
    assert_true(rests("2001:db8:0::1", "[2001:db8::1]:5060", "", 0));
    assert_true(rests("[2001:db8::1]", "[2001:db8::1]:5060", "", 0));
    assert_true(rests("[2001:db8::1]:5070", "", "[2001:db8:0::1]", 5070));
    assert_false(rests("[2001:db8::1]:5061", "[2001:db8::1]:5060", "", 0));
    assert_false(rests("2001:db8::2", "[2001:db8::1]:5060", "", 0));
}

static void test_3261_21_5_4_a_what_is_no_name_is_refused(void **state)
{
    char out[REST_NAME_MOST + 1], text[400];
    (void)state;
    memset(text, 'a', sizeof text);
    assert_int_equal(rest_name_write((struct text){text, 0}, out), 0);
    assert_int_equal(rest_name_write((struct text){text, REST_NAME_MOST}, out), REST_NAME_MOST);
    assert_int_equal(rest_name_write((struct text){text, REST_NAME_MOST + 1}, out), 0);
    assert_int_equal(rest_name_write(text_of("["), out), 1);
    assert_int_equal(rest_name_write(text_of(":"), out), 1);
    assert_int_equal(rest_name_write(text_of("[]"), out), 2);
    text[0] = '[';
    text[REST_NAME_MOST - 1] = ']';
    assert_true(rest_name_write((struct text){text, REST_NAME_MOST}, out) <= REST_NAME_MOST);
    const struct rest_destination longest = {{NULL, 0}, {text, REST_NAME_MOST}, 5060};
    assert_false(rest_holds(&longest, is_named, (void *)(uintptr_t) "a"));
}

static void assert_silent_name(const char *transport, const char *destination, const char *name)
{
    char out[REST_NAME_MOST + 1] = "";
    size_t length = silent_name_write(transport, text_of(destination), out);
    assert_int_equal(length, strlen(name));
    assert_string_equal(length > 0 ? out : "", name);
}

static void test_3263_4_3_b_the_transport_belongs_to_the_name_of_a_silent_destination(void **state)
{
    char text[REST_NAME_MOST + 1];
    (void)state;
    assert_silent_name("udp", "192.0.2.1:5060", "udp:192.0.2.1:5060");
    assert_silent_name("tls", "Trunk.Example.NET:5061", "tls:trunk.example.net:5061");
    assert_silent_name("udp", "[2001:DB8:0::1]:5060", "udp:[2001:db8::1]:5060");
    assert_silent_name("udp", "", "");
    memset(text, 'a', sizeof text);
    text[REST_NAME_MOST - 3] = '\0'; /* one too long with "udp:" */
    assert_silent_name("udp", text, "");
}

struct ended {
    char names[256];
};

static void note_end(void *context, struct text name)
{
    struct ended *ended = context;
    size_t used = strlen(ended->names);
    snprintf(ended->names + used, sizeof ended->names - used, "%s%.*s", used > 0 ? " " : "", (int)name.length, name.at);
}

/* `path`: a Path header line, or "". The source is 192.0.2.7:40000, or [2001:db8::7]:40000. */
static void assert_ended(const char *transport, bool ipv6, const char *path, const char *names)
{
    static const unsigned char four[] = {192, 0, 2, 7}, six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};
    const struct request_source source = {transport, ipv6 ? six : four, ipv6 ? sizeof six : sizeof four, 40000};
    struct ended ended = {""};
    const struct host host = plain_host();
    struct sip_message *request;
    struct sip_fault fault;
    char bytes[1024];
    int length = snprintf(bytes, sizeof bytes,
                          "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n"
                          "From: <sip:bob@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: 1\r\n"
                          "CSeq: 1 REGISTER\r\n%sContent-Length: 0\r\n\r\n",
                          path);
    assert_int_equal(sip_message_new(&request, &host, bytes, (size_t)length, NULL, &fault), 0);
    silent_names_end(request, &source, note_end, &ended);
    sip_message_delete(request);
    assert_string_equal(ended.names, names);
}

static void test_3263_4_3_b_a_register_shows_that_its_sender_is_alive(void **state)
{
    (void)state;
    assert_ended("udp", false, "", "udp:192.0.2.7:40000");
    assert_ended("tcp", true, "", "tcp:[2001:db8::7]:40000");
}

static void test_3263_4_3_b_a_register_shows_that_its_edge_is_alive(void **state)
{
    (void)state;
    assert_ended("tcp", false, "Path: <sip:t@192.0.2.7;transport=tcp;lr>, <sip:192.0.2.9;lr>\r\n",
                 "tcp:192.0.2.7:40000 tcp:192.0.2.7:5060");
    assert_ended("udp", false, "Path: <sip:t@192.0.2.7:5070;lr>\r\n", "udp:192.0.2.7:40000 udp:192.0.2.7:5070");
    assert_ended("tls", false, "Path: <sips:192.0.2.7;lr>\r\n", "tls:192.0.2.7:40000 tls:192.0.2.7:5061");
    assert_ended("tcp", true, "Path: <sip:[2001:DB8:0::7]:5062;transport=tcp;lr>\r\n",
                 "tcp:[2001:db8::7]:40000 tcp:[2001:db8::7]:5062");
}

static void test_3263_4_3_b_a_register_tells_nothing_about_other_hosts(void **state)
{
    (void)state;
    assert_ended("udp", false, "Path: <sip:192.0.2.8;lr>\r\n", "udp:192.0.2.7:40000");
    assert_ended("udp", false, "Path: <sip:edge.example.com;lr>\r\n", "udp:192.0.2.7:40000");
    assert_ended("udp", false, "Path: <sip:192.0.2.7;transport=x;lr>\r\n", "udp:192.0.2.7:40000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_3261_21_5_4_a_a_destination_rests_by_any_of_its_names),
        cmocka_unit_test(test_3261_21_5_4_a_another_destination_does_not_rest),
        cmocka_unit_test(test_5954_4_a_an_ipv6_destination_is_compared_by_value),
        cmocka_unit_test(test_3261_21_5_4_a_what_is_no_name_is_refused),
        cmocka_unit_test(test_3263_4_3_b_the_transport_belongs_to_the_name_of_a_silent_destination),
        cmocka_unit_test(test_3263_4_3_b_a_register_shows_that_its_sender_is_alive),
        cmocka_unit_test(test_3263_4_3_b_a_register_shows_that_its_edge_is_alive),
        cmocka_unit_test(test_3263_4_3_b_a_register_tells_nothing_about_other_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
