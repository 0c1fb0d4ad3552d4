// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include "standalone/server/server_private.h"

#include <errno.h>

/*
 * Requests inside a dialog to a side whose Contact is a private address behind an address translation, which only its
 * flow reaches (3261-10.a). Bob registers the address of his flow, 5080, without reg-id, and answers with another
 * Contact. Alice is the caller, at 5070.
 */

enum { LISTENER_V6 = 2, TCP_V6 = 3 };

static int with_ipv6(void **state)
{
    struct stage *stage = stage_begin(state);
    stage->config.listeners[LISTENER_V6] = (struct listener){TRANSPORT_UDP, 5060, "[2001:db8::1]"};
    stage->config.listeners[TCP_V6] = (struct listener){TRANSPORT_TCP, 5060, "[2001:db8::1]"};
    stage->config.listener_count = 4;
    struct advertising *advertising = &stage->config.advertising;
    assert_true(cidr_read(TEXT("10.7.0.0/16"), &advertising->local_nets[advertising->local_net_count++]));
    stage_open(stage);
    return 0;
}

struct dialog {
    char caller[600], callee[600]; /* Route lines */
};

static void write_route(struct sent *sent, char out[600])
{
    assert_int_equal(sent_count(sent, "Record-Route"), 1);
    snprintf(out, 600, "Route: %s\n", sent_header(sent, "Record-Route", 0));
}

static struct dialog talk(struct stage *stage, const struct peer *alice, const char *alice_contact,
                          const char *bob_contact, struct peer *bob)
{
    char fields[200];
    struct dialog dialog;
    snprintf(fields, sizeof fields, "Contact: <%s>\n", alice_contact);
    stage_request(stage, alice, (struct request){.fields = fields});
    stage_status(stage, alice, 100);
    struct sent *invite = stage_sent(stage, "INVITE");
    *bob = invite->peer;
    write_route(invite, dialog.callee);
    snprintf(fields, sizeof fields, "Contact: <%s>\n", bob_contact);
    stage_response(stage, invite, 200, fields);
    write_route(stage_status(stage, alice, 200), dialog.caller);
    return dialog;
}

static void sends(struct stage *stage, const struct peer *from, const char *method, const char *uri, const char *route)
{
    static unsigned cseq = 10;
    char branch[40];
    snprintf(branch, sizeof branch, "z9hG4bKp%u", ++cseq);
    stage_request(
        stage, from,
        (struct request){.method = method, .uri = uri, .to_tag = "x", .branch = branch, .cseq = cseq, .fields = route});
}

static struct sent *arrives_at(struct stage *stage, const char *method, const struct peer *peer)
{
    struct sent *sent = stage_sent(stage, method);
    char expected[64], found[64];
    address_format(&peer->address, expected, sizeof expected);
    address_format(&sent->peer.address, found, sizeof found);
    assert_string_equal(found, expected);
    assert_int_equal(sent->peer.transport, peer->transport);
    return sent;
}

static void is_answered(struct stage *stage, const struct peer *from, struct sent *request)
{
    stage_response(stage, request, 200, NULL);
    stage_status(stage, from, 200);
    stage_ends(stage);
}

static const char *const hidden[] = {"sip:bob@10.0.0.4:5060",    "sip:bob@172.16.0.4",     "sip:bob@172.31.255.4:9",
                                     "sip:bob@192.168.178.20",   "sip:bob@100.64.0.4",     "sip:bob@169.254.7.7:5062",
                                     "sip:bob@[fd12:3456::4]:9", "sip:bob@[fe80::4]:5060", "sip:bob@0.0.0.0"};

static void test_3261_10_a_a_private_contact_in_the_answer_leads_to_the_flow(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice(), called;
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        char line[80];
        struct peer bob = stage_phone(stage, (struct phone){.port = 5080});
        struct dialog dialog = talk(stage, &alice, "sip:alice@127.0.0.1:5070", hidden[i], &called);
        sends(stage, &alice, "ACK", hidden[i], dialog.caller);
        struct sent *ack = arrives_at(stage, "ACK", &bob);
        snprintf(line, sizeof line, "ACK %s SIP/2.0\r\n", hidden[i]);
        assert_true(sent_starts(ack, line));
        sends(stage, &alice, "BYE", hidden[i], dialog.caller);
        is_answered(stage, &alice, arrives_at(stage, "BYE", &bob));
    }
}

/* A B2BUA or a phone with two addresses may have its reasons. */
static void test_3261_16_6_b_a_contact_that_is_not_private_is_called(void **state)
{
    static const char *const contacts[] = {"192.0.2.4", "172.32.0.4", "100.128.0.4", "10.7.0.4", "127.0.0.9"};
    struct stage *stage = *state;
    struct peer alice = stage_alice(), called;
    for (size_t i = 0; i < sizeof contacts / sizeof contacts[0]; i++) {
        char uri[64];
        struct peer expected = {.transport = TRANSPORT_UDP};
        stage_phone(stage, (struct phone){.port = 5080});
        snprintf(uri, sizeof uri, "sip:bob@%s:5099", contacts[i]);
        assert_true(address_read(text_of(contacts[i]), 5099, &expected.address));
        struct dialog dialog = talk(stage, &alice, "sip:alice@127.0.0.1:5070", uri, &called);
        sends(stage, &alice, "ACK", uri, dialog.caller);
        arrives_at(stage, "ACK", &expected);
        sends(stage, &alice, "BYE", uri, dialog.caller);
        is_answered(stage, &alice, arrives_at(stage, "BYE", &expected));
    }
}

static void test_3261_16_6_b_a_contact_with_a_name_is_called(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice(), called, expected = fake_udp(5099);
    stage_phone(stage, (struct phone){.port = 5080});
    struct dialog dialog = talk(stage, &alice, "sip:alice@127.0.0.1:5070", "sip:bob@pbx.example.net", &called);
    sends(stage, &alice, "BYE", "sip:bob@pbx.example.net", dialog.caller);
    fake_wire_resolve(&stage->wire, "pbx.example.net", (const uint16_t[]){5099, 0});
    is_answered(stage, &alice, arrives_at(stage, "BYE", &expected));
}

/* One lookup lets any number of them wait for it. */
static void test_acks_that_wait_for_a_name_have_a_limit_in_bytes(void **state)
{
    enum { ACKS = 10, LONG = 3000, ROOM = 12000 };
    struct stage *stage = *state;
    char fields[LONG + 700];
    struct peer alice = stage_alice(), called;
    alice.address.v4.sin_addr.s_addr = htonl(0xC0000209U); /* 192.0.2.9, which has limits */
    stage_phone(stage, (struct phone){.port = 5080});
    struct dialog dialog = talk(stage, &alice, "sip:alice@192.0.2.9:5070", "sip:bob@pbx.example.net", &called);
    struct holdings *kept = &stage->server->acks_kept;
    const uint64_t before = kept->bytes;
    kept->limits.source_bytes = before + ROOM;
    stage->server->requests_kept.limits.bytes = 0; /* the ACK of an established call needs no room of new requests */
    snprintf(fields, sizeof fields, "%sX: %0*d\n", dialog.caller, LONG, 1);
    stage->wire.locate_error = -EMFILE;
    sends(stage, &alice, "ACK", "sip:bob@pbx.example.net", fields);
    stage->wire.locate_error = 0;
    assert_int_equal(stage_count(stage, "acks_dropped"), 1);
    assert_int_equal(kept->bytes, before);
    for (unsigned i = 0; i < ACKS; i++)
        sends(stage, &alice, "ACK", "sip:bob@pbx.example.net", fields);
    const size_t waiting = stage->wire.lookup_count;
    assert_in_range(waiting, 2, ROOM / LONG);
    assert_int_equal(stage_count(stage, "acks_dropped"), 1 + ACKS - waiting);
    assert_in_range(kept->bytes, before + waiting * LONG, before + ROOM);
    for (size_t i = 0; i < waiting; i++) {
        fake_wire_resolve(&stage->wire, "pbx.example.net", (const uint16_t[]){5099, 0});
        assert_int_equal(sent_port(stage_sent(stage, "ACK")), 5099);
    }
    assert_int_equal(kept->bytes, before);
    stage_ends(stage);
    assert_int_equal(kept->bytes, 0);
    assert_int_equal(stage->server->requests_kept.bytes, 0);
}

/* A proxy beyond this server has recorded itself, and knows the way to the phone. */
static void test_3261_16_6_b_a_private_contact_behind_a_proxy_is_left_to_the_proxy(void **state)
{
    struct stage *stage = *state;
    char response[1600], route[700];
    struct peer alice = stage_alice(), proxy = fake_udp(5092), bob = stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    snprintf(response, sizeof response,
             "SIP/2.0 200 OK\nVia: %s\nVia: %s\nRecord-Route: <sip:127.0.0.1:5092;lr>, %s\nFrom: %s\nTo: %s;tag=x\n"
             "Call-ID: one\nCSeq: %s\nContact: <sip:bob@10.0.0.4>\nContent-Length: 0\n\n",
             sent_header(invite, "Via", 0), sent_header(invite, "Via", 1), sent_header(invite, "Record-Route", 0),
             sent_header(invite, "From", 0), sent_header(invite, "To", 0), sent_header(invite, "CSeq", 0));
    stage_receive(stage, &bob, response);
    const char *values = sent_header(stage_hears(stage, 200), "Record-Route", 0), *own = strstr(values, ", ");
    assert_non_null(own);
    snprintf(route, sizeof route, "Route: %s, <sip:127.0.0.1:5092;lr>\n", own + 2);
    sends(stage, &alice, "BYE", "sip:bob@10.0.0.4", route);
    is_answered(stage, &alice, arrives_at(stage, "BYE", &proxy));
}

/* Alice has not registered, and her Via is true. */
static void test_3261_10_a_a_private_contact_of_the_caller_leads_to_its_flow(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice(), bob = stage_phone(stage, (struct phone){.port = 5080}), called;
    struct dialog dialog = talk(stage, &alice, "sip:alice@192.168.1.9", "sip:bob@127.0.0.1:5080", &called);
    sends(stage, &bob, "BYE", "sip:alice@192.168.1.9", dialog.callee);
    is_answered(stage, &bob, arrives_at(stage, "BYE", &alice));
}

/* A re-INVITE, an UPDATE or its 2xx changes the Contact, and the route set stays. */
static void test_3261_10_a_a_contact_that_becomes_private_leads_to_the_flow(void **state)
{
    static const char *const methods[] = {"INVITE", "UPDATE", "NOTIFY", "BYE"};
    struct stage *stage = *state;
    struct peer alice = stage_alice(), bob = stage_phone(stage, (struct phone){.port = 5080}), called;
    struct dialog dialog = talk(stage, &alice, "sip:alice@127.0.0.1:5070", "sip:bob@127.0.0.1:5080", &called);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        sends(stage, &alice, methods[i], "sip:bob@10.0.0.4", dialog.caller);
        if (i == 0)
            stage_status(stage, &alice, 100);
        is_answered(stage, &alice, arrives_at(stage, methods[i], &bob));
        sends(stage, &bob, methods[i], "sip:alice@10.0.0.5", dialog.callee);
        if (i == 0)
            stage_status(stage, &bob, 100);
        is_answered(stage, &bob, arrives_at(stage, methods[i], &alice));
    }
}

/* The connection is not open yet when the INVITE is written, so only the answer knows it. */
static void test_3261_10_a_a_private_contact_over_a_new_connection_leads_to_it(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice(), called;
    stage_script(stage, "sip_on_request(function(call) if call.method == 'INVITE' then "
                        "return sip_relay('sip:t@127.0.0.1:5091;transport=tcp') end end)");
    struct dialog dialog =
        talk(stage, &alice, "sip:alice@127.0.0.1:5070", "sip:t@10.0.0.4:5091;transport=tcp", &called);
    assert_int_not_equal(called.connection, 0);
    sends(stage, &alice, "ACK", "sip:t@10.0.0.4:5091;transport=tcp", dialog.caller);
    assert_int_equal(arrives_at(stage, "ACK", &called)->peer.connection, called.connection);
    sends(stage, &alice, "BYE", "sip:t@10.0.0.4:5091;transport=tcp", dialog.caller);
    struct sent *bye = arrives_at(stage, "BYE", &called);
    assert_int_equal(bye->peer.connection, called.connection);
    is_answered(stage, &alice, bye);
}

/* Once the connection has ended, the Contact is all that is left. */
static void test_3261_16_6_b_a_private_contact_is_called_if_its_connection_is_gone(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice(), called, expected = {.transport = TRANSPORT_TCP};
    assert_true(address_read(TEXT("10.0.0.4"), 5091, &expected.address));
    stage_script(stage, "sip_on_request(function(call) if call.method == 'INVITE' then "
                        "return sip_relay('sip:t@127.0.0.1:5091;transport=tcp') end end)");
    struct dialog dialog =
        talk(stage, &alice, "sip:alice@127.0.0.1:5070", "sip:t@10.0.0.4:5091;transport=tcp", &called);
    stage_flow_dies(stage, &called);
    sends(stage, &alice, "BYE", "sip:t@10.0.0.4:5091;transport=tcp", dialog.caller);
    is_answered(stage, &alice, arrives_at(stage, "BYE", &expected));
}

static struct peer from_ipv6(const char *host, uint16_t port)
{
    struct peer peer = {.transport = TRANSPORT_UDP, .listener = LISTENER_V6};
    assert_true(address_read(text_of(host), port, &peer.address));
    return peer;
}

static void registers_over_ipv6(struct stage *stage, const struct peer *bob)
{
    stage_request(stage, bob,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .to = "bob",
                                   .call = "register",
                                   .cseq = ++stage->registers,
                                   .fields = "Contact: <sip:bob@[2001:db8::80]:5080>\n"});
    stage_status(stage, bob, 200);
}

static void test_3261_10_a_ipv6_a_private_contact_leads_to_the_flow(void **state)
{
    static const char *const contacts[] = {"sip:bob@[fd00::4]:5060", "sip:bob@[fe80::4]", "sip:bob@[::1]:5060",
                                           "sip:bob@10.0.0.4", "sip:bob@[::ffff:192.168.1.4]"};
    struct stage *stage = *state;
    struct peer alice = from_ipv6("2001:db8::70", 5070), bob = from_ipv6("2001:db8::80", 5080), called;
    for (size_t i = 0; i < sizeof contacts / sizeof contacts[0]; i++) {
        registers_over_ipv6(stage, &bob);
        struct dialog dialog = talk(stage, &alice, "sip:alice@[fd00::5]", contacts[i], &called);
        sends(stage, &alice, "ACK", contacts[i], dialog.caller);
        arrives_at(stage, "ACK", &bob);
        sends(stage, &alice, "BYE", contacts[i], dialog.caller);
        is_answered(stage, &alice, arrives_at(stage, "BYE", &bob));
        sends(stage, &bob, "BYE", "sip:alice@[fd00::5]", dialog.callee);
        is_answered(stage, &bob, arrives_at(stage, "BYE", &alice));
    }
}

/* Without a seal for this call nobody reaches the flow by a private address. */
static void test_3261_16_4_a_a_private_contact_gives_no_right(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice(), mallory = fake_udp(6666), called;
    stage_phone(stage, (struct phone){.port = 5080});
    talk(stage, &alice, "sip:alice@127.0.0.1:5070", "sip:bob@10.0.0.4", &called);
    stage_ends(stage);
    sends(stage, &mallory, "BYE", "sip:bob@10.0.0.4", "Route: <sip:127.0.0.1:5060;lr>\n");
    stage_status(stage, &mallory, 481);
    stage_silent(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, with_ipv6, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_3261_10_a_a_private_contact_in_the_answer_leads_to_the_flow),
        TEST(test_3261_16_6_b_a_contact_that_is_not_private_is_called),
        TEST(test_3261_16_6_b_a_contact_with_a_name_is_called),
        TEST(test_acks_that_wait_for_a_name_have_a_limit_in_bytes),
        TEST(test_3261_16_6_b_a_private_contact_behind_a_proxy_is_left_to_the_proxy),
        TEST(test_3261_10_a_a_private_contact_of_the_caller_leads_to_its_flow),
        TEST(test_3261_10_a_a_contact_that_becomes_private_leads_to_the_flow),
        TEST(test_3261_10_a_a_private_contact_over_a_new_connection_leads_to_it),
        TEST(test_3261_16_6_b_a_private_contact_is_called_if_its_connection_is_gone),
        TEST(test_3261_10_a_ipv6_a_private_contact_leads_to_the_flow),
        TEST(test_3261_16_4_a_a_private_contact_gives_no_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
