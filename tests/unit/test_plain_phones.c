// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <errno.h>

#include "standalone/server/server_private.h"
#include "standalone/server/branch.h"
#include "standalone/server/context.h"
#include "standalone/server/heirs.h"
#include "standalone/server/route.h"

/*
 * Calls to phones without reg-id (3261-10.a): over the flow on which they registered, and by their Contact once that is
 * gone. The Contacts lie, as behind an address translation: 192.0.2.4 is nobody. Alice is the caller, at 5070.
 */

enum { LISTENER_TLS = 2, LISTENER_WS = 3, LISTENER_WSS = 4, T1_64 = 32000 };

static void registers_as(struct stage *stage, const char *user, const struct peer *from, const char *contact)
{
    char fields[256];
    snprintf(fields, sizeof fields, "Contact: <%s>\n", contact);
    stage_request(stage, from,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = user,
                                   .to = user,
                                   .call = "register",
                                   .cseq = ++stage->registers,
                                   .fields = fields});
    stage_status(stage, from, 200);
}

static void registers(struct stage *stage, const struct peer *from, const char *contact)
{
    registers_as(stage, "bob", from, contact);
}

/* A phone of each kind, and whether its Contact may be called once its flow is gone. */
struct kind {
    const char *contact;
    enum transport transport;
    uint8_t listener;
    bool callable;
};

static const struct kind kinds[] = {{"sip:bob@192.0.2.4:5060", TRANSPORT_UDP, 0, true},
                                    {"sip:bob@192.0.2.4;transport=tcp", TRANSPORT_TCP, 1, true},
                                    {"sip:bob@a1b2.invalid;transport=tcp", TRANSPORT_TCP, 1, false},
                                    {"sips:bob@192.0.2.4:5061", TRANSPORT_TLS, LISTENER_TLS, false},
                                    {"sip:bob@192.0.2.4:40000;transport=tls", TRANSPORT_TLS, LISTENER_TLS, false},
                                    {"sip:bob@192.0.2.4", TRANSPORT_TLS, LISTENER_TLS, false},
                                    {"sip:bob@a1b2.invalid;transport=ws", TRANSPORT_WS, LISTENER_WS, false},
                                    {"sip:bob@a1b2.invalid;transport=ws", TRANSPORT_WSS, LISTENER_WSS, false},
                                    {"sip:bob@192.0.2.4", TRANSPORT_WSS, LISTENER_WSS, false}};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static struct peer phone_of_kind(struct stage *stage, const struct kind *kind, uint16_t port)
{
    struct peer bob = kind->transport == TRANSPORT_UDP
                          ? fake_udp(port)
                          : fake_stream(&stage->wire, kind->transport, kind->listener, port);
    registers(stage, &bob, kind->contact);
    return bob;
}

/* The request has taken the flow of that peer. */
static struct sent *over(struct stage *stage, const char *method, const struct peer *peer)
{
    struct sent *sent = stage_sent(stage, method);
    assert_int_equal(peer_flow(&sent->peer), peer_flow(peer));
    return sent;
}

static void call_named(char call[16], const char *word, size_t i)
{
    snprintf(call, 16, "%s%zu", word, i);
}

static void test_3261_10_a_a_phone_is_called_over_the_flow_on_which_it_registered(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 0; i < KINDS; i++) {
        char call[16], line[96];
        struct peer bob = phone_of_kind(stage, &kinds[i], (uint16_t)(5080 + i));
        call_named(call, "call", i);
        stage_call(stage, call);
        struct sent *invite = over(stage, "INVITE", &bob);
        snprintf(line, sizeof line, "INVITE %s SIP/2.0\r\n", kinds[i].contact);
        assert_true(sent_starts(invite, line));
        stage_refuses(stage, invite, 486, NULL);
        stage_hears(stage, 486);
        struct peer alice = stage_alice();
        stage_request(stage, &alice, (struct request){.method = "ACK", .call = call});
        stage_request(stage, &bob,
                      (struct request){.method = "REGISTER",
                                       .uri = "sip:example.com",
                                       .call = "register",
                                       .cseq = ++stage->registers,
                                       .fields = "Contact: *\nExpires: 0\n"});
        stage_status(stage, &bob, 200);
    }
    stage_ends(stage);
}

/* And so are later requests, at the Contact that the phone has by then. */
static void test_3261_10_a_where_the_contact_is_the_source_it_is_called(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice(), bob = stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    struct sent *invite = over(stage, "INVITE", &bob);
    stage_response(stage, invite, 200, "Contact: <sip:bob@127.0.0.1:5081>\n");
    char route[300];
    snprintf(route, sizeof route, "Route: %s\n", sent_header(stage_hears(stage, 200), "Record-Route", 0));
    stage_request(
        stage, &alice,
        (struct request){.method = "BYE", .uri = "sip:bob@127.0.0.1:5081", .to_tag = "p5080", .fields = route});
    stage_sent_to(stage, "BYE", 5081);
}

/* The flow is gone before the call. */
static void test_3261_10_a_a_contact_is_called_once_the_flow_is_gone(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 1; i < KINDS; i++) {
        char call[16];
        struct peer bob = phone_of_kind(stage, &kinds[i], (uint16_t)(5080 + i));
        stage_flow_dies(stage, &bob);
        assert_int_equal(stage_count(stage, "bindings"), kinds[i].callable);
        call_named(call, "call", i);
        uint64_t at = stage->fake.now_ms;
        stage_call(stage, call);
        if (kinds[i].callable) {
            struct sent *invite = stage_sent(stage, "INVITE");
            assert_int_not_equal(peer_flow(&invite->peer), peer_flow(&bob));
            stage_refuses(stage, invite, 603, NULL);
            stage_hears(stage, 603);
        } else {
            assert_int_equal(stage_hears(stage, 480)->at_ms, at);
        }
        stage_silent(stage);
        struct peer alice = stage_alice();
        stage_request(stage, &alice, (struct request){.method = "ACK", .call = call});
        binding_remove_aor(server_bindings(stage->server), TEXT("sip:bob@example.com"));
    }
    stage_ends(stage);
}

/* The flow dies while the call waits on it: once by the Contact, and no more. */
static void test_3261_10_a_the_contact_is_tried_once_where_the_flow_dies_in_mid_call(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 0; i < KINDS; i++) {
        char call[16];
        struct peer bob = phone_of_kind(stage, &kinds[i], (uint16_t)(5080 + i));
        call_named(call, "call", i);
        stage_call(stage, call);
        stage_response(stage, over(stage, "INVITE", &bob), 100, NULL);
        uint64_t at = stage->fake.now_ms;
        stage_flow_dies(stage, &bob);
        if (kinds[i].callable) {
            struct sent *invite = stage_sent(stage, "INVITE");
            assert_int_equal(invite->at_ms, at);
            assert_string_equal(sent_header(invite, "Call-ID", 0), call);
            char address[64];
            address_format(&invite->peer.address, address, sizeof address);
            assert_string_equal(address, "192.0.2.4:5060");
            struct peer gone = invite->peer;
            stage_flow_dies(stage, &gone);
        }
        assert_int_equal(stage_hears(stage, 480)->at_ms, at);
        stage_silent(stage);
        struct peer alice = stage_alice();
        stage_request(stage, &alice, (struct request){.method = "ACK", .call = call});
        binding_remove_aor(server_bindings(stage->server), TEXT("sip:bob@example.com"));
    }
    stage_ends(stage);
}

static void test_3261_10_a_a_phone_that_rang_is_waited_for(void **state)
{
    struct stage *stage = *state;
    struct peer bob = phone_of_kind(stage, &kinds[1], 5081);
    stage_call(stage, "one");
    struct sent *invite = over(stage, "INVITE", &bob);
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_flow_dies(stage, &bob);
    stage_silent(stage);
    /* Its answer comes over a connection that it has opened anew. */
    struct peer again = fake_tcp(&stage->wire, 5081);
    stage_response_from(stage, &again, invite, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

/* An ICMP error may be of the past: the next call tries the flow again. */
static void test_3261_10_a_a_datagram_flow_is_tried_again_by_the_next_call(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    registers(stage, &bob, "sip:bob@a1b2.invalid");
    server_flow_down(stage->server, peer_flow(&bob), "icmp");
    stage_call(stage, "one");
    over(stage, "INVITE", &bob);
    server_flow_down(stage->server, peer_flow(&bob), "icmp");
    stage_hears(stage, 480);
    stage_call(stage, "two");
    stage_response(stage, over(stage, "INVITE", &bob), 200, NULL);
    stage_hears(stage, 200);
}

/* A name of a TLS Contact must be proven, as that of any server that we call. */
static void test_3261_10_a_over_tls_a_name_is_called_and_must_be_proven(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_stream(&stage->wire, TRANSPORT_TLS, LISTENER_TLS, 5080);
    registers(stage, &bob, "sip:bob@phone.example.net:5061;transport=tls");
    stage_call(stage, "one");
    over(stage, "INVITE", &bob);
    stage_flow_dies(stage, &bob);
    fake_wire_resolve(&stage->wire, "phone.example.net", (const uint16_t[]){5091, 0});
    struct sent *invite = stage_sent_to(stage, "INVITE", 5091);
    assert_int_equal(invite->peer.transport, TRANSPORT_TLS);
    assert_string_equal(stage->wire.connections[invite->peer.connection - 1].domain, "phone.example.net");
    struct peer gone = invite->peer;
    stage_flow_dies(stage, &gone);
    stage_hears(stage, 480);
}

static void test_3261_16_9_b_a_name_that_leads_nowhere_is_480(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_tcp(&stage->wire, 5080);
    registers(stage, &bob, "sip:bob@phone.example.net;transport=tcp");
    stage_flow_dies(stage, &bob);
    stage_call(stage, "one");
    fake_wire_resolve(&stage->wire, "phone.example.net", (const uint16_t[]){0});
    stage_advance(stage, 0);
    stage_hears(stage, 480);
}

static int no_way(void *context, struct peer *peer, struct text domain)
{
    (void)context, (void)peer, (void)domain;
    return -ENETUNREACH;
}

static void test_3261_16_9_b_a_tls_contact_to_which_there_is_no_way_is_480(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_stream(&stage->wire, TRANSPORT_TLS, LISTENER_TLS, 5080);
    registers(stage, &bob, "sip:bob@phone.example.net:5061;transport=tls");
    stage->wire.wire.connect = no_way;
    stage_flow_dies(stage, &bob);
    stage_call(stage, "one");
    fake_wire_resolve(&stage->wire, "phone.example.net", (const uint16_t[]){5091, 5092, 0});
    stage_advance(stage, 0);
    stage_hears(stage, 480);
    assert_int_equal(stage_count(stage, "bindings"), 1);
}

/* 3263-4.3.a among the addresses of a Contact, then 3261-16.9.b. */
static void test_3261_16_9_b_every_address_of_a_contact_is_tried_first(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_tcp(&stage->wire, 5080);
    registers(stage, &bob, "sip:bob@phone.example.net;transport=tcp");
    stage_flow_dies(stage, &bob);
    stage_call(stage, "one");
    fake_wire_resolve(&stage->wire, "phone.example.net", (const uint16_t[]){5091, 5092, 0});
    for (uint16_t port = 5091; port <= 5092; port++) {
        struct peer peer = stage_sent_to(stage, "INVITE", port)->peer;
        stage_flow_dies(stage, &peer);
    }
    stage_hears(stage, 480);
}

static void test_3261_16_9_b_what_cannot_be_sent_to_a_contact_is_480(void **state)
{
    struct stage *stage = *state;
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080});
    fake_wire_refuse(&stage->wire, &bob, -EHOSTUNREACH);
    stage_call(stage, "one");
    stage_advance(stage, 0);
    stage_hears(stage, 480);
    assert_int_equal(stage_count(stage, "bindings"), 1);
}

/* RFC 3261 26.2.2: a phone that is not on TLS cannot be reached for a sips: request; it stays registered. */
static void test_3261_16_9_b_a_phone_without_tls_is_not_there_for_sips(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_stream(&stage->wire, TRANSPORT_TLS, LISTENER_TLS, 5070);
    for (size_t i = 0; i < KINDS; i++) {
        char call[16];
        struct peer bob = phone_of_kind(stage, &kinds[i], (uint16_t)(5080 + i));
        call_named(call, "call", i);
        stage_request(stage, &alice, (struct request){.uri = "sips:bob@example.com", .call = call});
        stage_status(stage, &alice, 100);
        if (transport_is_secure(kinds[i].transport)) {
            stage_refuses(stage, over(stage, "INVITE", &bob), 486, NULL);
            stage_status(stage, &alice, 486);
        } else {
            stage_advance(stage, 0);
            stage_status(stage, &alice, 480);
        }
        stage_silent(stage);
        stage_request(stage, &alice, (struct request){.method = "ACK", .call = call});
        assert_int_equal(stage_count(stage, "bindings"), 1);
        binding_remove_aor(server_bindings(stage->server), TEXT("sip:bob@example.com"));
    }
    stage_ends(stage);
}

/* An outbound phone's flow over TLS is tried after the one without, and both stay. */
static void test_5626_7_b_sips_takes_the_flow_that_has_tls(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_stream(&stage->wire, TRANSPORT_TLS, LISTENER_TLS, 5070);
    struct peer flows[] = {fake_stream(&stage->wire, TRANSPORT_TLS, LISTENER_TLS, 5080), fake_tcp(&stage->wire, 5081)};
    for (unsigned i = 0; i < 2; i++) {
        char fields[160];
        snprintf(fields, sizeof fields,
                 "Supported: outbound\nContact: <sip:bob@192.0.2.4>;reg-id=%u;+sip.instance=\"<urn:uuid:1>\"\n", i + 1);
        stage_advance(stage, 1000);
        stage_request(
            stage, &flows[i],
            (struct request){
                .method = "REGISTER", .uri = "sip:example.com", .call = "register", .cseq = i + 1, .fields = fields});
        stage_status(stage, &flows[i], 200);
    }
    stage_request(stage, &alice, (struct request){.uri = "sips:bob@example.com"});
    stage_status(stage, &alice, 100);
    stage_advance(stage, 0);
    stage_refuses(stage, over(stage, "INVITE", &flows[0]), 486, NULL);
    stage_status(stage, &alice, 486);
    assert_int_equal(stage_count(stage, "bindings"), 2);
    stage_request(stage, &alice, (struct request){.method = "ACK"});
    stage_flow_dies(stage, &flows[0]);
    stage_request(stage, &alice, (struct request){.uri = "sips:bob@example.com", .call = "two"});
    stage_status(stage, &alice, 100);
    stage_advance(stage, 0);
    stage_status(stage, &alice, 480);
    assert_int_equal(stage_count(stage, "bindings"), 1);
}

static void test_3261_16_9_b_a_503_from_a_phone_goes_up_as_500(void **state)
{
    struct stage *stage = *state;
    struct peer bob = phone_of_kind(stage, &kinds[4], 5084);
    stage_call(stage, "one");
    stage_refuses(stage, over(stage, "INVITE", &bob), 503, NULL);
    stage_hears(stage, 500);
}

static void test_3261_10_a_another_phone_is_tried_where_one_has_gone(void **state)
{
    struct stage *stage = *state;
    struct peer gone = fake_stream(&stage->wire, TRANSPORT_WS, LISTENER_WS, 5080), desk = fake_udp(5081);
    registers(stage, &gone, "sip:bob@a1b2.invalid;transport=ws");
    registers(stage, &desk, "sip:bob@192.0.2.5:5060");
    stage_call(stage, "one");
    over(stage, "INVITE", &gone);
    struct sent *invite = over(stage, "INVITE", &desk);
    stage_flow_dies(stage, &gone);
    stage_silent(stage);
    stage_response(stage, invite, 200, NULL);
    stage_hears(stage, 200);
}

/* One after the other: when its turn comes, the phone has opened another connection. */
static void test_3261_10_a_the_flow_is_the_one_that_the_binding_has_now(void **state)
{
    struct stage *stage = *state;
    struct peer first = fake_udp(5080), old = fake_stream(&stage->wire, TRANSPORT_WS, LISTENER_WS, 5081);
    registers(stage, &old, "sip:bob@a1b2.invalid;transport=ws");
    registers(stage, &first, "sip:bob@192.0.2.5:5060");
    stage_script(stage, "sip_on_request(function(r) return sip_route(nil, { next_after = 5 }) end)\n");
    stage_call(stage, "one");
    over(stage, "INVITE", &old);
    struct peer now = fake_udp(5082);
    registers(stage, &now, "sip:bob@192.0.2.5:5060");
    stage_advance(stage, 5000);
    stage_discard(stage);
    struct sent *second = stage->wire.all;
    assert_int_equal(peer_flow(&second->peer), peer_flow(&now));
}

/* Whoever registers and unregisters all day takes no memory that stays, and makes no search longer. */
static void test_what_is_noted_of_former_flows_is_bounded(void **state)
{
    struct stage *stage = *state;
    char contact[2000] = "sip:bob@192.0.2.4";
    struct peer bob = fake_udp(5080);
    struct binding_view view = {.aor = TEXT("sip:bob@example.com"), .flow = peer_flow(&bob)};
    for (unsigned i = 0; i < 100; i++) {
        view.contact = text_of(contact);
        heirs_note(stage->server, &view);
    }
    assert_int_equal(stage->server->heirs.count, 1);
    memset(contact + 4, 'x', sizeof contact - 4);
    view.contact.length = sizeof contact;
    heirs_note(stage->server, &view);
    assert_int_equal(stage->server->heirs.count, 1);
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(contact, sizeof contact, "sip:%u@192.0.2.4", i);
        view.contact = text_of(contact);
        heirs_note(stage->server, &view);
    }
    assert_int_equal(stage->server->heirs.count, 1024);
    view.flow++;
    heirs_note(stage->server, &view);
    assert_int_equal(stage->server->heirs.count, 1025);
}

/* --- dialogs --- */

/* A caller over UDP may not ask for sips: (RFC 5630). */
static const char *inside(const struct kind *kind)
{
    return strncmp(kind->contact, "sips:", 5) == 0 ? "sip:bob@192.0.2.4:5061;transport=tls" : kind->contact;
}

/* The Route of each side, as it learned it. */
struct routes {
    char alice[400], bob[400];
};

/* The caller turns the values of the response around. */
static void write_route(struct sent *sent, bool reversed, char route[400])
{
    const char *routes = sent_header(sent, "Record-Route", 0), *comma = strchr(routes, ',');
    assert_int_equal(sent_count(sent, "Record-Route"), 1);
    if (comma != NULL && reversed)
        snprintf(route, 400, "Route: %s, %.*s\n", comma + 2, (int)(comma - routes), routes);
    else
        snprintf(route, 400, "Route: %s\n", routes);
}

/* A call to bob that is answered with this Contact. */
static void talk(struct stage *stage, const struct peer *alice, const struct peer *bob, const char *contact,
                 struct routes *routes)
{
    char fields[160];
    snprintf(fields, sizeof fields, "Contact: <%s>\n", contact);
    stage_request(stage, alice, (struct request){.fields = "Contact: <sip:alice@192.0.2.9:5060>\n"});
    stage_status(stage, alice, 100);
    struct sent *invite = over(stage, "INVITE", bob);
    write_route(invite, false, routes->bob);
    stage_response(stage, invite, 200, fields);
    write_route(stage_status(stage, alice, 200), true, routes->alice);
}

static void says(struct stage *stage, const struct peer *from, bool caller, const char *route, const char *uri)
{
    static unsigned cseq = 10;
    stage_request(stage, from,
                  (struct request){.method = "INFO",
                                   .uri = uri,
                                   .from = caller ? "alice" : "bob",
                                   .to_tag = "x",
                                   .cseq = cseq++,
                                   .fields = route});
}

static void test_3261_10_a_requests_inside_a_dialog_keep_to_the_flows(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    for (size_t i = 0; i < KINDS; i++) {
        struct routes routes;
        registers_as(stage, "alice", &alice, "sip:alice@192.0.2.9:5060");
        struct peer bob = phone_of_kind(stage, &kinds[i], (uint16_t)(5080 + i));
        talk(stage, &alice, &bob, inside(&kinds[i]), &routes);
        says(stage, &alice, true, routes.alice, inside(&kinds[i]));
        stage_response(stage, over(stage, "INFO", &bob), 200, NULL);
        stage_status(stage, &alice, 200);
        says(stage, &bob, false, routes.bob, "sip:alice@192.0.2.9:5060");
        stage_response(stage, over(stage, "INFO", &alice), 200, NULL);
        stage_status(stage, &bob, 200);
        binding_remove_aor(server_bindings(stage->server), TEXT("sip:bob@example.com"));
        stage_ends(stage);
    }
}

static void test_3261_10_a_a_dialog_follows_a_phone_to_its_new_flow(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    for (size_t i = 0; i < KINDS; i++) {
        struct routes routes;
        registers_as(stage, "alice", &alice, "sip:alice@192.0.2.9:5060");
        struct peer bob = phone_of_kind(stage, &kinds[i], (uint16_t)(5080 + i));
        talk(stage, &alice, &bob, inside(&kinds[i]), &routes);
        if (kinds[i].transport != TRANSPORT_UDP)
            stage_flow_dies(stage, &bob);
        struct peer again = phone_of_kind(stage, &kinds[i], (uint16_t)(6080 + i));
        says(stage, &alice, true, routes.alice, inside(&kinds[i]));
        stage_response(stage, over(stage, "INFO", &again), 200, NULL);
        stage_status(stage, &alice, 200);
        says(stage, &again, false, routes.bob, "sip:alice@192.0.2.9:5060");
        stage_response(stage, over(stage, "INFO", &alice), 200, NULL);
        stage_status(stage, &again, 200);
        binding_remove_aor(server_bindings(stage->server), TEXT("sip:bob@example.com"));
        stage_ends(stage);
    }
}

/* An address translation may give the phone another port during the call. The caller is a gateway, which registers
   nothing, and may send from several ports too. */
static void test_3261_10_a_a_phone_whose_port_has_changed_is_not_taken_for_the_caller(void **state)
{
    struct stage *stage = *state;
    struct routes routes;
    struct peer alice = fake_udp(5070), too = fake_udp(5071), moved = fake_udp(6080);
    struct peer bob = phone_of_kind(stage, &kinds[0], 5080);
    talk(stage, &alice, &bob, inside(&kinds[0]), &routes);
    says(stage, &moved, false, routes.bob, "sip:alice@127.0.0.1:5070");
    stage_response(stage, stage_sent_to(stage, "INFO", 5070), 200, NULL);
    stage_status(stage, &moved, 200);
    says(stage, &alice, true, routes.alice, kinds[0].contact);
    stage_response(stage, over(stage, "INFO", &bob), 200, NULL);
    stage_status(stage, &alice, 200);
    says(stage, &too, true, routes.alice, kinds[0].contact);
    stage_response(stage, over(stage, "INFO", &bob), 200, NULL);
    stage_status(stage, &too, 200);
    stage_ends(stage);
}

static void test_3261_10_a_an_ack_goes_where_the_dialog_does(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    for (size_t i = 1; i < KINDS; i++) {
        struct routes routes;
        struct peer bob = phone_of_kind(stage, &kinds[i], (uint16_t)(5080 + i));
        talk(stage, &alice, &bob, inside(&kinds[i]), &routes);
        struct request ack = {
            .method = "ACK", .uri = inside(&kinds[i]), .to_tag = "x", .branch = "z9hG4bKack", .fields = routes.alice};
        stage_request(stage, &alice, ack);
        over(stage, "ACK", &bob);
        stage_flow_dies(stage, &bob);
        int64_t dropped = stage_count(stage, "acks_dropped");
        stage_request(stage, &alice, ack);
        if (kinds[i].callable)
            assert_int_not_equal(peer_flow(&stage_sent(stage, "ACK")->peer), peer_flow(&bob));
        else
            assert_int_equal(stage_count(stage, "acks_dropped"), dropped + 1);
        stage_silent(stage);
        binding_remove_aor(server_bindings(stage->server), TEXT("sip:bob@example.com"));
        stage_ends(stage);
    }
}

static void test_3261_10_a_a_dialog_goes_on_by_the_contact_or_is_told_480(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    for (size_t i = 1; i < KINDS; i++) {
        struct routes routes;
        struct peer bob = phone_of_kind(stage, &kinds[i], (uint16_t)(5080 + i));
        talk(stage, &alice, &bob, inside(&kinds[i]), &routes);
        stage_flow_dies(stage, &bob);
        says(stage, &alice, true, routes.alice, inside(&kinds[i]));
        stage_advance(stage, 0);
        if (kinds[i].callable)
            stage_response(stage, stage_sent(stage, "INFO"), 200, NULL);
        stage_status(stage, &alice, kinds[i].callable ? 200 : 480);
        stage_silent(stage);
        binding_remove_aor(server_bindings(stage->server), TEXT("sip:bob@example.com"));
        stage_ends(stage);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup_every_transport, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_3261_10_a_a_phone_is_called_over_the_flow_on_which_it_registered),
        TEST(test_3261_10_a_where_the_contact_is_the_source_it_is_called),
        TEST(test_3261_10_a_a_contact_is_called_once_the_flow_is_gone),
        TEST(test_3261_10_a_the_contact_is_tried_once_where_the_flow_dies_in_mid_call),
        TEST(test_3261_10_a_a_phone_that_rang_is_waited_for),
        TEST(test_3261_10_a_a_datagram_flow_is_tried_again_by_the_next_call),
        TEST(test_3261_10_a_over_tls_a_name_is_called_and_must_be_proven),
        TEST(test_3261_16_9_b_a_name_that_leads_nowhere_is_480),
        TEST(test_3261_16_9_b_a_tls_contact_to_which_there_is_no_way_is_480),
        TEST(test_what_is_noted_of_former_flows_is_bounded),
        TEST(test_3261_16_9_b_every_address_of_a_contact_is_tried_first),
        TEST(test_3261_16_9_b_what_cannot_be_sent_to_a_contact_is_480),
        TEST(test_3261_16_9_b_a_phone_without_tls_is_not_there_for_sips),
        TEST(test_5626_7_b_sips_takes_the_flow_that_has_tls),
        TEST(test_3261_16_9_b_a_503_from_a_phone_goes_up_as_500),
        TEST(test_3261_10_a_another_phone_is_tried_where_one_has_gone),
        TEST(test_3261_10_a_the_flow_is_the_one_that_the_binding_has_now),
        TEST(test_3261_10_a_requests_inside_a_dialog_keep_to_the_flows),
        TEST(test_3261_10_a_a_dialog_follows_a_phone_to_its_new_flow),
        TEST(test_3261_10_a_a_phone_whose_port_has_changed_is_not_taken_for_the_caller),
        TEST(test_3261_10_a_an_ack_goes_where_the_dialog_does),
        TEST(test_3261_10_a_a_dialog_goes_on_by_the_contact_or_is_told_480),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
