// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <errno.h>

/*
 * Listeners on a wildcard address, on a machine that has 192.0.2.1 (number 1), 192.0.2.2 (2), 2001:db8::1 (3) and
 * fe80::1 on its seventh interface (4). The kernel sends to odd ports from 192.0.2.1, and to even ones from 192.0.2.2.
 */

static const char *const hosts[] = {"192.0.2.1", "192.0.2.2", "2001:db8::1", "fe80::1"};

enum { HOSTS = 4, LINK_LOCAL = 4, INTERFACE = 7, NO_WAY = 666 };

static bool local(void *context, uint16_t number, union address *address)
{
    (void)context;
    bool known = number >= 1 && number <= HOSTS && address_read(text_of(hosts[number - 1]), 0, address);
    if (known && number == LINK_LOCAL)
        address->v6.sin6_scope_id = INTERFACE;
    return known;
}

static uint16_t local_number(void *context, const union address *address)
{
    char host[64];
    (void)context;
    address_host(address, host, sizeof host);
    for (unsigned i = 0; i < HOSTS; i++) {
        if (strcmp(hosts[i], host) == 0)
            return (uint16_t)(i + 1);
    }
    return 0;
}

static bool is_local(void *context, const union address *address)
{
    return local_number(context, address) != 0;
}

static int choose_local(void *context, struct peer *peer)
{
    (void)context;
    if (address_port(&peer->address) == NO_WAY)
        return -ENETUNREACH;
    peer->local = address_port(&peer->address) % 2 != 0 ? 1 : 2;
    return 0;
}

static void configure(struct stage *stage)
{
    stage->config.listeners[0] = (struct listener){TRANSPORT_UDP, 5060, "0.0.0.0"};
    stage->config.listeners[1] = (struct listener){TRANSPORT_TCP, 5060, "0.0.0.0"};
    stage->config.listeners[2] = (struct listener){TRANSPORT_UDP, 5060, "[::]"};
    stage->config.listener_count = 3;
    stage->wire.wire.local = local;
    stage->wire.wire.local_number = local_number;
    stage->wire.wire.is_local = is_local;
    stage->wire.wire.choose_local = choose_local;
}

static int setup(void **state)
{
    struct stage *stage = stage_begin(state);
    configure(stage);
    stage_open(stage);
    return 0;
}

static struct peer by(struct peer peer, uint16_t number)
{
    peer.local = number;
    return peer;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s is not in: %s", part, text);
}

static void registers(struct stage *stage, const struct peer *phone)
{
    stage_request(stage, phone,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = "register",
                                   .fields = "Contact: <sip:bob@10.1.1.1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"});
    assert_int_equal(stage_status(stage, phone, 200)->peer.local, phone->local);
}

static void test_5626_7_e_a_flow_is_also_its_local_address(void **state)
{
    struct stage *stage = *state;
    struct peer first = by(fake_udp(5080), 1), second = by(fake_udp(5080), 2), read, alice = by(fake_udp(5070), 1);
    assert_int_not_equal(peer_flow(&first), peer_flow(&second));
    assert_true(peer_of_datagram_flow(peer_flow(&second), &read));
    assert_int_equal(read.local, 2);
    assert_int_equal(read.listener, 0);
    registers(stage, &second);
    stage_request(stage, &alice, (struct request){0});
    assert_int_equal(stage_status(stage, &alice, 100)->peer.local, 1);
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    assert_int_equal(invite->peer.local, 2);
    assert_has(sent_header(invite, "Via", 0), "SIP/2.0/UDP 192.0.2.2:5060;");
    /* 5658-a: each side has the address that it uses. */
    assert_has(sent_header(invite, "Record-Route", 0), "@192.0.2.2:5060;lr>, <");
    assert_has(sent_header(invite, "Record-Route", 0), "@192.0.2.1:5060;lr>");
    server_flow_down(stage->server, peer_flow(&first), "icmp");
    assert_int_equal(stage_count(stage, "bindings"), 1);
    server_flow_down(stage->server, peer_flow(&second), "icmp");
    assert_int_equal(stage_count(stage, "bindings"), 0);
    stage_discard(stage);
}

static void test_ipv6_flows_have_a_local_address_too(void **state)
{
    (void)state;
    struct peer first = {.transport = TRANSPORT_UDP, .listener = 2, .local = 3}, second = first;
    assert_true(address_read(TEXT("2001:db8::9"), 5080, &first.address));
    second.address = first.address;
    second.local = 1;
    assert_int_not_equal(peer_flow(&first), peer_flow(&second));
}

static void test_a_new_destination_is_reached_as_the_kernel_chooses(void **state)
{
    struct stage *stage = *state;
    struct peer alice = by(fake_udp(5070), 1);
    stage_script(stage, "sip_on_request(function(request, call)\n"
                        "  return sip_relay('sip:x@127.0.0.1:' .. call.uri:match('^sip:(%d+)@'))\nend)");
    static const char *const expected[] = {"192.0.2.1:5060;", "192.0.2.2:5060;"};
    for (unsigned i = 0; i < 2; i++) {
        char uri[64], call[8];
        snprintf(uri, sizeof uri, "sip:%u@example.com", 6001 + i);
        snprintf(call, sizeof call, "c%u", i);
        stage_request(stage, &alice, (struct request){.uri = uri, .call = call});
        stage_status(stage, &alice, 100);
        struct sent *invite = stage_sent(stage, "INVITE");
        assert_int_equal(invite->peer.local, i + 1);
        assert_has(sent_header(invite, "Via", 0), expected[i]);
        stage_refuses(stage, invite, 404, NULL);
        stage_status(stage, &alice, 404);
    }
    stage_request(stage, &alice, (struct request){.uri = "sip:666@example.com", .call = "no"});
    stage_status(stage, &alice, 100);
    stage_advance(stage, 0);
    stage_status(stage, &alice, 500); /* after a failed branch, as for any destination without a way to it */
}

/* To odd ports the kernel would send from 192.0.2.1. */
static void test_5658_a_a_dialog_leaves_from_the_address_recorded_for_its_side(void **state)
{
    static const char *const contacts[] = {"sip:trunk@127.0.0.1:5091", "sip:trunk@127.0.0.1:5093;transport=tcp"};
    struct stage *stage = *state;
    struct peer bob = by(fake_udp(5080), 1), trunk = by(fake_udp(5091), 2);
    registers(stage, &bob);
    for (size_t i = 0; i < 2; i++) {
        char fields[100], route[500], call[8];
        snprintf(fields, sizeof fields, "Contact: <%s>\n", contacts[i]);
        snprintf(call, sizeof call, "c%zu", i);
        stage_request(stage, &trunk, (struct request){.from = "trunk", .call = call, .fields = fields});
        assert_int_equal(stage_status(stage, &trunk, 100)->peer.local, 2);
        struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
        snprintf(route, sizeof route, "Route: %s\n", sent_header(invite, "Record-Route", 0));
        stage_response(stage, invite, 200, "Contact: <sip:bob@10.1.1.1>\n");
        assert_int_equal(stage_status(stage, &trunk, 200)->peer.local, 2);
        stage_request(stage, &bob,
                      (struct request){.method = "BYE",
                                       .uri = contacts[i],
                                       .call = call,
                                       .to_tag = "5091",
                                       .branch = i == 0 ? "z9hG4bKudp" : "z9hG4bKtcp",
                                       .fields = route});
        struct sent *bye = stage_sent(stage, "BYE");
        assert_int_equal(bye->peer.local, 2);
        assert_has(sent_header(bye, "Via", 0), i == 0 ? "SIP/2.0/UDP 192.0.2.2:5060;" : "SIP/2.0/TCP 192.0.2.2:5060;");
    }
    stage_discard(stage);
}

/* A plain phone whose Contact is its address. */
static void test_5658_a_a_binding_is_called_from_the_address_that_it_was_made_at(void **state)
{
    struct stage *stage = *state;
    struct peer phone = by(fake_udp(5081), 2), alice = by(fake_udp(5070), 1);
    stage_request(stage, &phone,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = "register",
                                   .fields = "Contact: <sip:bob@127.0.0.1:5081>\n"});
    stage_status(stage, &phone, 200);
    stage_request(stage, &alice, (struct request){0});
    stage_status(stage, &alice, 100);
    struct sent *invite = stage_sent_to(stage, "INVITE", 5081);
    assert_int_equal(invite->peer.local, 2);
    assert_has(sent_header(invite, "Via", 0), "SIP/2.0/UDP 192.0.2.2:5060;");
    stage_discard(stage);
}

static void test_own_addresses(void **state)
{
    struct stage *stage = *state;
    struct peer alice = by(fake_udp(5070), 1);
    static const struct {
        const char *uri;
        unsigned status;
    } uris[] = {{"sip:192.0.2.1", 200},        {"sip:192.0.2.2:5060", 200},    {"sip:[2001:db8::1]", 200},
                {"sip:[2001:DB8:0::1]", 200},  {"sip:192.0.2.3", 403},         {"sip:192.0.2.1:5061", 403},
                {"sip:0.0.0.0", 403},          {"sip:0.0.0.0:5060", 403},      {"sip:[::]", 403},
                {"sip:[2001:db8::2]", 403},    {"sip:example.com", 200},       {"sip:[::ffff:192.0.2.1]", 200},
                {"sip:[::ffff:0.0.0.0]", 403}, {"sip:[::ffff:192.0.2.3]", 403}};
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        stage_request(stage, &alice, (struct request){.method = "OPTIONS", .uri = uris[i].uri, .call = uris[i].uri});
        struct sent *answer = stage_sent(stage, "SIP/2.0 ");
        if (sent_status(answer) != uris[i].status)
            fail_msg("%s: %u", uris[i].uri, sent_status(answer));
    }
}

static void test_own_routes(void **state)
{
    struct stage *stage = *state;
    struct peer alice = by(fake_udp(5070), 1), bob = by(fake_udp(5080), 1);
    static const char *const own[] = {"<sip:192.0.2.2:5060;lr>", "<sip:[2001:db8::1];lr>", "<sip:192.0.2.1;lr>"};
    static const char *const foreign[] = {"<sip:0.0.0.0:5060;lr>", "<sip:[::]:5060;lr>", "<sip:192.0.2.2:5061;lr>",
                                          "<sip:192.0.2.9;lr>"};
    registers(stage, &bob);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        char fields[80], call[8];
        snprintf(fields, sizeof fields, "Route: %s\n", own[i]);
        snprintf(call, sizeof call, "own-%zu", i);
        stage_request(stage, &alice, (struct request){.method = "MESSAGE", .call = call, .fields = fields});
        assert_int_equal(sent_count(stage_sent_to(stage, "MESSAGE", 5080), "Route"), 0);
    }
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        char fields[80], call[8];
        snprintf(fields, sizeof fields, "Route: %s\n", foreign[i]);
        snprintf(call, sizeof call, "not-%zu", i);
        stage_request(stage, &alice, (struct request){.method = "MESSAGE", .call = call, .fields = fields});
        stage_status(stage, &alice, 403);
    }
}

static void test_a_local_address_is_found_again(void **state)
{
    struct stage *stage = *state;
    struct peer peer = by(fake_udp(5080), 2), found = fake_udp(5080);
    union address address;
    assert_true(server_local_address(stage->server, &peer, &address));
    assert_int_equal(address_port(&address), 5060);
    assert_true(server_find_local(stage->server, &address, &found));
    assert_int_equal(peer_flow(&found), peer_flow(&peer));
    /* An address that the machine has lost takes its flows along. */
    assert_true(address_read(TEXT("192.0.2.99"), 5060, &address));
    assert_false(server_find_local(stage->server, &address, &found));
    assert_true(address_read(TEXT("192.0.2.1"), 5061, &address));
    assert_false(server_find_local(stage->server, &address, &found));
}

/* Neither a token nor a file has the interface of a link-local address: it is that of the local one. */
static void test_5626_5_2_b_a_link_local_phone_is_found_again(void **state)
{
    struct stage *stage = *state;
    struct peer phone = {.transport = TRANSPORT_UDP, .listener = 2, .local = LINK_LOCAL}, found = phone;
    union address address;
    assert_true(address_read(TEXT("fe80::9"), 5080, &phone.address));
    found.address = phone.address;
    phone.address.v6.sin6_scope_id = INTERFACE;
    assert_true(server_local_address(stage->server, &phone, &address));
    assert_true(server_find_local(stage->server, &address, &found));
    assert_int_equal(peer_flow(&found), peer_flow(&phone));
    /* An address of the whole network has none. */
    assert_true(address_read(TEXT("2001:db8::9"), 5080, &found.address));
    assert_true(server_find_local(stage->server, &address, &found));
    assert_int_equal(found.address.v6.sin6_scope_id, 0);
}

static void test_3261_16_9_b_a_phone_to_which_there_is_no_way_is_480(void **state)
{
    struct stage *stage = *state;
    struct peer phone = by(fake_udp(NO_WAY), 1), alice = by(fake_udp(5070), 1);
    stage_request(stage, &phone,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = "register",
                                   .fields = "Contact: <sip:bob@127.0.0.1:666>\n"});
    stage_status(stage, &phone, 200);
    stage_request(stage, &alice, (struct request){0});
    stage_status(stage, &alice, 100);
    stage_advance(stage, 0);
    stage_status(stage, &alice, 480);
    assert_int_equal(stage_count(stage, "bindings"), 1);
}

static void test_5626_5_2_b_a_token_names_the_local_address(void **state)
{
    struct stage *stage = *state;
    struct peer phone = by(fake_udp(5080), 2), registrar = by(fake_udp(6061), 1);
    char fields[512];
    stage_script(stage, "sip_on_request(function() return sip_forward('sip:127.0.0.1:6061') end)");
    stage_request(
        stage, &phone,
        (struct request){.method = "REGISTER",
                         .uri = "sip:example.net",
                         .from = "bob",
                         .fields = "Contact: <sip:bob@10.1.1.1;ob>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"});
    struct sent *request = stage_sent_to(stage, "REGISTER", 6061);
    /* The Path has the address on the registrar's side. */
    assert_has(sent_header(request, "Path", 0), "@192.0.2.1:5060;lr;ob>");
    snprintf(fields, sizeof fields, "Route: %s\nContact: <sip:alice@192.0.2.9;ob>\n", sent_header(request, "Path", 0));
    stage_request(stage, &registrar, (struct request){.uri = "sip:bob@10.1.1.1;ob", .fields = fields});
    stage_status(stage, &registrar, 100);
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    assert_int_equal(invite->peer.local, 2);
    assert_has(sent_header(invite, "Via", 0), "SIP/2.0/UDP 192.0.2.2:5060;");
    assert_has(sent_header(invite, "Record-Route", 0), "@192.0.2.2:5060;lr;ob>, <");
    /* The same datagram source by another of our addresses is another flow. */
    struct peer other = by(phone, 1);
    stage_request(stage, &other, (struct request){.uri = "sip:alice@example.net", .call = "two", .fields = fields});
    stage_status(stage, &other, 100);
    assert_int_equal(stage_sent(stage, "INVITE")->peer.local, 2); /* not outgoing: it goes to that flow */
    stage_discard(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_5626_7_e_a_flow_is_also_its_local_address),
        TEST(test_ipv6_flows_have_a_local_address_too),
        TEST(test_a_new_destination_is_reached_as_the_kernel_chooses),
        TEST(test_5658_a_a_dialog_leaves_from_the_address_recorded_for_its_side),
        TEST(test_5658_a_a_binding_is_called_from_the_address_that_it_was_made_at),
        TEST(test_own_addresses),
        TEST(test_own_routes),
        TEST(test_a_local_address_is_found_again),
        TEST(test_5626_5_2_b_a_link_local_phone_is_found_again),
        TEST(test_3261_16_9_b_a_phone_to_which_there_is_no_way_is_480),
        TEST(test_5626_5_2_b_a_token_names_the_local_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
