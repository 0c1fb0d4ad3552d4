// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <errno.h>

/*
 * Several sockets of one transport (5658-a): what is sent leaves by the socket that the flow, the binding or the dialog
 * names. The server has 127.0.0.1 and 127.0.0.2 over UDP and TCP, and 2001:db8::1 over UDP.
 */

enum { UDP_A, TCP_A, UDP_B, TCP_B, UDP_6, PHONE = 5080, TRUNK = 5090 };

static int setup(void **state)
{
    struct stage *stage = stage_begin(state);
    stage->config.listeners[UDP_B] = (struct listener){TRANSPORT_UDP, 5060, "127.0.0.2"};
    stage->config.listeners[TCP_B] = (struct listener){TRANSPORT_TCP, 5060, "127.0.0.2"};
    stage->config.listeners[UDP_6] = (struct listener){TRANSPORT_UDP, 5060, "[2001:db8::1]"};
    stage->config.listener_count = 5;
    stage_open(stage);
    return 0;
}

static struct peer by(struct peer peer, uint8_t listener)
{
    peer.listener = listener;
    return peer;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s is not in: %s", part, text);
}

/* A request or response must leave by this socket; the Via of a request names it. */
static struct sent *leaves_by(struct sent *sent, uint8_t listener)
{
    static const char *const vias[] = {"SIP/2.0/UDP 127.0.0.1:5060;", "SIP/2.0/TCP 127.0.0.1:5060;",
                                       "SIP/2.0/UDP 127.0.0.2:5060;", "SIP/2.0/TCP 127.0.0.2:5060;",
                                       "SIP/2.0/UDP [2001:db8::1]:5060;"};
    if (sent->peer.listener != listener)
        fail_msg("by listener %u, not %u: %s", sent->peer.listener, listener, sent->bytes);
    if (sent_status(sent) == 0)
        assert_has(sent_header(sent, "Via", 0), vias[listener]);
    return sent;
}

static void registers(struct stage *stage, const struct peer *phone, const char *user, const char *contact)
{
    char fields[160];
    snprintf(fields, sizeof fields, "Contact: <%s>\n", contact);
    stage_request(stage, phone,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = user,
                                   .to = user,
                                   .call = user,
                                   .cseq = ++stage->registers,
                                   .fields = fields});
    leaves_by(stage_status(stage, phone, 200), phone->listener);
}

/* --- bindings --- */

static void test_5658_a_a_plain_phone_is_called_from_the_socket_of_its_binding(void **state)
{
    struct stage *stage = *state;
    struct peer phone = by(fake_udp(PHONE), UDP_B), alice = stage_alice();
    registers(stage, &phone, "bob", "sip:bob@127.0.0.1:5080");
    stage_call(stage, "one");
    struct sent *invite = leaves_by(stage_sent_to(stage, "INVITE", PHONE), UDP_B);
    assert_has(sent_header(invite, "Record-Route", 0), "@127.0.0.2:5060;lr>, <sip:");
    assert_has(sent_header(invite, "Record-Route", 0), "@127.0.0.1:5060;lr>");
    stage_response(stage, invite, 180, NULL);
    leaves_by(stage_status(stage, &alice, 180), UDP_A);
    stage_cancels(stage);
    leaves_by(stage_sent_to(stage, "CANCEL", PHONE), UDP_B);
    stage_response(stage, invite, 487, NULL);
    leaves_by(stage_sent_to(stage, "ACK", PHONE), UDP_B);
    leaves_by(stage_status(stage, &alice, 487), UDP_A);
    stage_ends(stage);
}

/* Phones beside each other on both sockets. */
static void test_5658_a_each_branch_leaves_by_the_socket_of_its_binding(void **state)
{
    struct stage *stage = *state;
    struct peer first = by(fake_udp(PHONE), UDP_B), second = fake_udp(PHONE + 1);
    registers(stage, &first, "bob", "sip:bob@127.0.0.1:5080");
    registers(stage, &second, "bob", "sip:bob@127.0.0.1:5081");
    stage_call(stage, "one");
    struct sent *invites[] = {stage_sent(stage, "INVITE"), stage_sent(stage, "INVITE")};
    for (int i = 0; i < 2; i++) {
        leaves_by(invites[i], sent_port(invites[i]) == PHONE ? UDP_B : UDP_A);
        stage_refuses(stage, invites[i], 404, NULL);
    }
    stage_hears(stage, 404);
    stage_ends(stage);
}

/* A Contact with another transport is called from the same address. */
static void test_5658_a_another_transport_has_a_socket_on_the_same_address(void **state)
{
    struct stage *stage = *state;
    struct peer phone = by(fake_udp(40000), UDP_B);
    registers(stage, &phone, "bob", "sip:bob@127.0.0.1:5080;transport=tcp");
    fake_wire_refuse(&stage->wire, &phone, -ENETUNREACH);
    stage_call(stage, "one");
    stage_advance(stage, 0);
    leaves_by(stage_sent_to(stage, "INVITE", PHONE), TCP_B);
    stage_ends(stage);
}

/* A REGISTER that came through an edge, which its Path names. */
static void test_5658_a_a_path_is_taken_from_the_socket_of_its_binding(void **state)
{
    struct stage *stage = *state;
    struct peer edge = by(fake_udp(6070), UDP_B);
    stage_receive(stage, &edge,
                  "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:6070;branch=z9hG4bKe;rport\n"
                  "Via: SIP/2.0/UDP 10.1.1.1;branch=z9hG4bKp\nPath: <sip:token@127.0.0.1:6070;lr;ob>\n"
                  "Max-Forwards: 70\nFrom: <sip:bob@example.com>;tag=1\nTo: <sip:bob@example.com>\nCall-ID: r\n"
                  "CSeq: 1 REGISTER\nSupported: path, outbound\n"
                  "Contact: <sip:bob@10.1.1.1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\nContent-Length: 0\n\n");
    leaves_by(stage_status(stage, &edge, 200), UDP_B);
    stage_call(stage, "one");
    struct sent *invite = leaves_by(stage_sent_to(stage, "INVITE", 6070), UDP_B);
    stage_refuses(stage, invite, 486, NULL);
    leaves_by(stage_hears(stage, 486), UDP_A);
    stage_ends(stage);
}

/* 3261-10.a: the Contact over a new connection. */
static void test_5658_a_a_lost_connection_is_replaced_from_the_same_address(void **state)
{
    struct stage *stage = *state;
    struct peer phone = fake_stream(&stage->wire, TRANSPORT_TCP, TCP_B, 40000);
    registers(stage, &phone, "bob", "sip:bob@127.0.0.1:5080;transport=tcp");
    stage_flow_dies(stage, &phone);
    stage_call(stage, "one");
    leaves_by(stage_sent_to(stage, "INVITE", PHONE), TCP_B);
    stage_discard(stage);
}

/* --- dialogs --- */

struct dialog {
    struct peer trunk, phone;
    char to_trunk[700], to_phone[700];
};

/* The trunk, which has no binding and no connection of its own, calls bob. */
static struct dialog call_from_trunk(struct stage *stage, struct peer trunk, const char *contact)
{
    struct dialog dialog = {.trunk = trunk, .phone = by(fake_udp(PHONE), UDP_A)};
    char fields[160];
    registers(stage, &dialog.phone, "bob", "sip:bob@127.0.0.1:5080");
    snprintf(fields, sizeof fields, "Contact: <%s>\n", contact);
    stage_request(stage, &trunk, (struct request){.from = "trunk", .fields = fields});
    leaves_by(stage_status(stage, &trunk, 100), trunk.listener);
    struct sent *invite = leaves_by(stage_sent_to(stage, "INVITE", PHONE), UDP_A);
    snprintf(dialog.to_trunk, sizeof dialog.to_trunk, "Route: %s\n", sent_header(invite, "Record-Route", 0));
    stage_response(stage, invite, 200, "Contact: <sip:bob@127.0.0.1:5080>\n");
    struct sent *fine = leaves_by(stage_status(stage, &trunk, 200), trunk.listener);
    snprintf(dialog.to_phone, sizeof dialog.to_phone, "Route: %s\n", sent_header(fine, "Record-Route", 0));
    return dialog;
}

static void phone_says(struct stage *stage, const struct dialog *dialog, const char *method, const char *uri)
{
    stage_request(stage, &dialog->phone,
                  (struct request){.method = method,
                                   .uri = uri,
                                   .from = "bob",
                                   .to = "trunk",
                                   .to_tag = "5090",
                                   .from_tag = "p5080",
                                   .branch = "z9hG4bKphone",
                                   .fields = dialog->to_trunk});
}

static void test_5658_a_a_dialog_leaves_by_the_socket_recorded_for_the_caller(void **state)
{
    struct stage *stage = *state;
    struct dialog dialog = call_from_trunk(stage, by(fake_udp(TRUNK), UDP_B), "sip:trunk@127.0.0.1:5090");
    phone_says(stage, &dialog, "INFO", "sip:trunk@127.0.0.1:5090");
    struct sent *info = leaves_by(stage_sent_to(stage, "INFO", TRUNK), UDP_B);
    assert_int_equal(sent_count(info, "Route"), 0);
    stage_response(stage, info, 200, NULL);
    leaves_by(stage_status(stage, &dialog.phone, 200), UDP_A);
    stage_request(
        stage, &dialog.trunk,
        (struct request){
            .method = "BYE", .uri = "sip:bob@127.0.0.1:5080", .to_tag = "p5080", .cseq = 2, .fields = dialog.to_phone});
    struct sent *bye = leaves_by(stage_sent_to(stage, "BYE", PHONE), UDP_A);
    stage_response(stage, bye, 200, NULL);
    leaves_by(stage_status(stage, &dialog.trunk, 200), UDP_B);
    stage_ends(stage);
}

static void test_5658_a_a_name_in_a_dialog_is_reached_from_the_recorded_socket(void **state)
{
    static const uint16_t ports[] = {TRUNK, 0};
    struct stage *stage = *state;
    struct dialog dialog = call_from_trunk(stage, by(fake_udp(TRUNK), UDP_B), "sip:trunk@trunk.example.net");
    phone_says(stage, &dialog, "INFO", "sip:trunk@trunk.example.net");
    fake_wire_resolve(&stage->wire, "trunk.example.net", ports);
    struct sent *info = leaves_by(stage_sent_to(stage, "INFO", TRUNK), UDP_B);
    stage_response(stage, info, 200, NULL);
    leaves_by(stage_status(stage, &dialog.phone, 200), UDP_A);
    stage_ends(stage);
}

/* By a Contact over TCP, although the caller's INVITE came over UDP. */
static void test_5658_a_a_new_connection_in_a_dialog_leaves_by_the_recorded_address(void **state)
{
    struct stage *stage = *state;
    static const char contact[] = "sip:trunk@127.0.0.1:5091;transport=tcp";
    struct dialog dialog = call_from_trunk(stage, by(fake_udp(TRUNK), UDP_B), contact);
    phone_says(stage, &dialog, "BYE", contact);
    leaves_by(stage_sent_to(stage, "BYE", 5091), TCP_B);
    stage_discard(stage);
}

/* Alice calls a gateway, which was registered on the other socket: ACK and BYE. */
static void test_5658_a_the_ack_leaves_by_the_socket_recorded_for_the_callee(void **state)
{
    static const uint16_t ports[] = {TRUNK, 0};
    static const struct {
        const char *contact;
        bool is_name;
    } contacts[] = {{"sip:g@127.0.0.1:5090", false}, {"sip:g@gateway.example.net", true}};
    struct stage *stage = *state;
    struct peer gateway = by(fake_udp(TRUNK), UDP_B), alice = stage_alice();
    registers(stage, &gateway, "bob", "sip:bob@127.0.0.1:5090");
    for (size_t i = 0; i < 2; i++) {
        char call[8], fields[160], route[700];
        snprintf(call, sizeof call, "c%zu", i);
        snprintf(fields, sizeof fields, "Contact: <%s>\n", contacts[i].contact);
        stage_call(stage, call);
        stage_response(stage, leaves_by(stage_sent_to(stage, "INVITE", TRUNK), UDP_B), 200, fields);
        struct sent *fine = leaves_by(stage_hears(stage, 200), UDP_A);
        snprintf(route, sizeof route, "Route: %s\n", sent_header(fine, "Record-Route", 0));
        struct request ack = {.method = "ACK",
                              .uri = contacts[i].contact,
                              .to_tag = "p5090",
                              .call = call,
                              .branch = i == 0 ? "z9hG4bKaddress" : "z9hG4bKname",
                              .fields = route};
        stage_request(stage, &alice, ack);
        if (contacts[i].is_name)
            fake_wire_resolve(&stage->wire, "gateway.example.net", ports);
        assert_int_equal(sent_count(leaves_by(stage_sent_to(stage, "ACK", TRUNK), UDP_B), "Route"), 0);
        ack.method = "BYE";
        ack.cseq = 2;
        stage_request(stage, &alice, ack);
        if (contacts[i].is_name)
            fake_wire_resolve(&stage->wire, "gateway.example.net", ports);
        stage_response(stage, leaves_by(stage_sent_to(stage, "BYE", TRUNK), UDP_B), 200, NULL);
        leaves_by(stage_hears(stage, 200), UDP_A);
    }
    stage_ends(stage);
}

/* The token of a connection has no address; the second value of the Route names it. The connection is gone. */
static void test_5658_a_the_route_names_the_socket_of_a_lost_connection(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_stream(&stage->wire, TRANSPORT_TCP, TCP_B, 5080), alice = stage_alice();
    registers(stage, &alice, "alice", "sip:alice@127.0.0.1:5070");
    registers(stage, &bob, "bob", "sip:bob@127.0.0.1:5080;transport=tcp");
    stage_call(stage, "one");
    struct sent *invite = leaves_by(stage_sent_to(stage, "INVITE", PHONE), TCP_B);
    stage_response(stage, invite, 200, "Contact: <sip:bob@127.0.0.1:5080;transport=tcp>\n");
    char route[700];
    snprintf(route, sizeof route, "Route: %s\n", sent_header(stage_hears(stage, 200), "Record-Route", 0));
    char *first = strstr(route, "<sip:"), *second = strstr(route, ", ") + 2, reversed[700];
    snprintf(reversed, sizeof reversed, "Route: %.*s, %.*s\n", (int)strcspn(second, "\n"), second,
             (int)(second - 2 - first), first);
    stage_flow_dies(stage, &bob);
    struct request ack = {.method = "ACK",
                          .uri = "sip:bob@127.0.0.1:5080;transport=tcp",
                          .to_tag = "p5080",
                          .branch = "z9hG4bKack",
                          .fields = reversed};
    stage_request(stage, &alice, ack);
    assert_int_equal(sent_count(leaves_by(stage_sent_to(stage, "ACK", PHONE), TCP_B), "Route"), 0);
    ack.method = "BYE";
    ack.cseq = 2;
    stage_request(stage, &alice, ack);
    leaves_by(stage_sent_to(stage, "BYE", PHONE), TCP_B);
    stage_discard(stage);
}

/* Both sides on one socket: recorded once, and the other socket is not used. */
static void test_a_call_on_one_socket_is_recorded_once(void **state)
{
    struct stage *stage = *state;
    struct peer phone = by(fake_udp(PHONE), UDP_B), alice = by(stage_alice(), UDP_B);
    registers(stage, &phone, "bob", "sip:bob@127.0.0.1:5080");
    stage_invite(stage, &alice, "one");
    struct sent *invite = leaves_by(stage_sent_to(stage, "INVITE", PHONE), UDP_B);
    assert_null(strstr(sent_header(invite, "Record-Route", 0), ", "));
    assert_null(strstr(sent_header(invite, "Record-Route", 0), "127.0.0.1"));
    stage_refuses(stage, invite, 404, NULL);
    leaves_by(stage_status(stage, &alice, 404), UDP_B);
    stage_ends(stage);
}

/* --- 5954-4.a --- */

static void test_5954_4_a_own_addresses_are_compared_by_value(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    static const struct {
        const char *uri;
        unsigned status;
    } uris[] = {{"sip:[2001:db8::1]", 200},
                {"sip:[2001:DB8:0:0::1]:5060", 200},
                {"sip:[2001:0db8:0000:0000:0000:0000:0000:0001]", 200},
                {"sip:[2001:db8::0.0.0.1]", 200},
                {"sip:[2001:db8::2]", 403},
                {"sip:[2001:db8::1]:5061", 403},
                {"sip:[::ffff:127.0.0.1]", 200},
                {"sip:[::ffff:7f00:1]:5060", 200},
                {"sip:[::ffff:127.0.0.9]", 403}};
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        stage_request(stage, &alice, (struct request){.method = "OPTIONS", .uri = uris[i].uri, .call = uris[i].uri});
        struct sent *answer = stage_sent(stage, "SIP/2.0 ");
        if (sent_status(answer) != uris[i].status)
            fail_msg("%s: %u", uris[i].uri, sent_status(answer));
    }
}

/* The AOR, and a Route of this server. */
static void test_5954_4_a_an_aor_and_a_route_are_found_in_any_spelling(void **state)
{
    struct stage *stage = *state;
    struct peer phone = fake_udp(PHONE), alice = stage_alice();
    stage_receive(stage, &phone,
                  "REGISTER sip:[2001:db8::1] SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bKr;rport\n"
                  "Max-Forwards: 70\nFrom: <sip:bob@[2001:DB8:0::1]>;tag=1\nTo: <sip:bob@[2001:DB8:0::1]>\n"
                  "Call-ID: r\nCSeq: 1 REGISTER\nContact: <sip:bob@127.0.0.1:5080>\nContent-Length: 0\n\n");
    stage_status(stage, &phone, 200);
    static const char *const uris[] = {"sip:bob@[2001:db8::1]", "sip:bob@[2001:db8:0:0:0:0:0:1]:5060"};
    for (size_t i = 0; i < 2; i++) {
        stage_request(stage, &alice,
                      (struct request){.method = "MESSAGE",
                                       .uri = uris[i],
                                       .call = uris[i],
                                       .fields = "Route: <sip:[2001:0DB8:0::1]:5060;lr>\n"});
        struct sent *message = stage_sent_to(stage, "MESSAGE", PHONE);
        assert_int_equal(sent_count(message, "Route"), 0);
        stage_response(stage, message, 200, NULL);
        stage_hears(stage, 200);
    }
    stage_ends(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_5658_a_a_plain_phone_is_called_from_the_socket_of_its_binding),
        TEST(test_5658_a_each_branch_leaves_by_the_socket_of_its_binding),
        TEST(test_5658_a_another_transport_has_a_socket_on_the_same_address),
        TEST(test_5658_a_a_path_is_taken_from_the_socket_of_its_binding),
        TEST(test_5658_a_a_lost_connection_is_replaced_from_the_same_address),
        TEST(test_5658_a_a_dialog_leaves_by_the_socket_recorded_for_the_caller),
        TEST(test_5658_a_a_name_in_a_dialog_is_reached_from_the_recorded_socket),
        TEST(test_5658_a_a_new_connection_in_a_dialog_leaves_by_the_recorded_address),
        TEST(test_5658_a_the_ack_leaves_by_the_socket_recorded_for_the_callee),
        TEST(test_5658_a_the_route_names_the_socket_of_a_lost_connection),
        TEST(test_a_call_on_one_socket_is_recorded_once),
        TEST(test_5954_4_a_own_addresses_are_compared_by_value),
        TEST(test_5954_4_a_an_aor_and_a_route_are_found_in_any_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
