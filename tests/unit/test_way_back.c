// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include "standalone/address/way_back.h"

/*
 * Responses whose connection has ended (3261-18.2.2.a). The caller is at 127.0.0.1, port 40000, and its Via names port
 * 5077 of another address. Bob is at 5080.
 */

enum { CALLER = 40000, SENT_BY = 5077, SIP = 5060, SIPS = 5061 };

static struct peer caller_over(struct stage *stage, enum transport transport)
{
    return fake_stream(&stage->wire, transport, (uint8_t)transport, CALLER);
}

static void calls(struct stage *stage, const struct peer *from, const char *sent_by)
{
    char lines[800];
    stage_phone(stage, (struct phone){.port = 5080});
    snprintf(lines, sizeof lines,
             "INVITE sip:bob@example.com SIP/2.0\nVia: SIP/2.0/%s %s;branch=z9hG4bKa\nMax-Forwards: 70\n"
             "From: <sip:alice@example.com>;tag=a\nTo: <sip:bob@example.com>\nCall-ID: one\nCSeq: 1 INVITE\n"
             "Contact: <sip:alice@192.0.2.9>\nContent-Length: 0\n\n",
             transport_name(from->transport), sent_by);
    stage_receive(stage, from, lines);
    stage_status(stage, from, 100);
}

/* A response that has gone over another connection than the caller's, to this port. */
static struct sent *comes_back(struct stage *stage, unsigned status, const struct peer *from, uint16_t port)
{
    struct sent *sent = fake_wire_take(&stage->wire);
    assert_non_null(sent);
    assert_int_equal(sent_status(sent), status);
    assert_int_not_equal(peer_flow(&sent->peer), peer_flow(from));
    assert_int_equal(sent->peer.transport, from->transport);
    assert_true(address_same_host(&sent->peer.address, &from->address));
    assert_int_equal(sent_port(sent), port);
    return sent;
}

static const struct {
    enum transport transport;
    const char *sent_by, *domain;
    uint16_t port;
} ways[] = {{TRANSPORT_TCP, "192.0.2.9:5077", "", SENT_BY},
            {TRANSPORT_TCP, "192.0.2.9", "", SIP},
            {TRANSPORT_TCP, "pc.example.net:5077", "", SENT_BY},
            {TRANSPORT_TLS, "192.0.2.9:5077", "192.0.2.9", SENT_BY},
            {TRANSPORT_TLS, "pc.example.net", "pc.example.net", SIPS}};

enum { WAYS = sizeof ways / sizeof ways[0] };

static void test_3261_18_2_2_a_a_response_takes_a_new_connection(void **state)
{
    static const unsigned codes[] = {180, 200, 486};
    struct stage *stage = *state;
    for (size_t i = 0; i < WAYS; i++) {
        for (size_t k = 0; k < 3; k++) {
            struct peer caller = caller_over(stage, ways[i].transport);
            calls(stage, &caller, ways[i].sent_by);
            struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
            stage_flow_dies(stage, &caller);
            stage_response(stage, invite, codes[k], NULL);
            if (codes[k] == 486)
                stage_sent_to(stage, "ACK", 5080);
            struct peer again = comes_back(stage, codes[k], &caller, ways[i].port)->peer;
            assert_string_equal(stage->wire.connections[again.connection - 1].domain, ways[i].domain);
            stage_ends(stage);
        }
    }
}

static void test_3261_18_2_2_a_over_ipv6_too(void **state)
{
    struct stage *stage = *state;
    struct peer caller = fake_stream_from(&stage->wire, TRANSPORT_TCP, STAGE_LISTENER_V6, "2001:db8::9", CALLER);
    calls(stage, &caller, "[2001:db8::77]:5077");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_flow_dies(stage, &caller);
    stage_response(stage, invite, 200, NULL);
    assert_int_equal(comes_back(stage, 200, &caller, SENT_BY)->peer.listener, STAGE_LISTENER_V6);
}

/* Bob repeats his 200 until the ACK comes. The new connection is used for all, and replaced if it ends too. */
static void test_3261_18_2_2_a_later_responses_share_the_new_connection(void **state)
{
    struct stage *stage = *state;
    struct peer caller = caller_over(stage, TRANSPORT_TCP);
    calls(stage, &caller, "192.0.2.9:5077");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_flow_dies(stage, &caller);
    stage_response(stage, invite, 180, NULL);
    struct peer first = comes_back(stage, 180, &caller, SENT_BY)->peer;
    stage_response(stage, invite, 200, NULL);
    assert_int_equal(peer_flow(&comes_back(stage, 200, &caller, SENT_BY)->peer), peer_flow(&first));
    stage_response(stage, invite, 200, NULL);
    assert_int_equal(peer_flow(&comes_back(stage, 200, &caller, SENT_BY)->peer), peer_flow(&first));
    assert_int_equal(stage->wire.reopened, 1);
    stage_flow_dies(stage, &first);
    stage_response(stage, invite, 200, NULL);
    assert_int_not_equal(peer_flow(&comes_back(stage, 200, &caller, SENT_BY)->peer), peer_flow(&first));
    assert_int_equal(stage->wire.reopened, 2);
}

/* A browser cannot be called, and nothing is lost but the response if there is no way. */
static void test_3261_18_2_2_a_what_cannot_be_called_is_not(void **state)
{
    static const enum transport transports[] = {TRANSPORT_WS, TRANSPORT_WSS, TRANSPORT_TCP};
    struct stage *stage = *state;
    for (size_t i = 0; i < 3; i++) {
        struct peer caller = caller_over(stage, transports[i]);
        stage->wire.reopen_error = transports[i] == TRANSPORT_TCP ? -32 : 0;
        calls(stage, &caller, "192.0.2.9:5077");
        struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
        stage_flow_dies(stage, &caller);
        stage_response(stage, invite, 200, NULL);
        stage_silent(stage);
        assert_int_equal(stage->wire.reopened, transports[i] == TRANSPORT_TCP);
        stage_ends(stage);
    }
}

/* Via may name anything: the address is that of the lost connection. */
static void test_3261_18_2_2_a_a_via_leads_to_no_third_party(void **state)
{
    static const char *const vias[] = {"198.51.100.7:5077", "victim.example.net:5077",
                                       "192.0.2.9:5077;received=198.51.100.7", "192.0.2.9:5077;maddr=198.51.100.7",
                                       "192.0.2.9:5077;rport=9;received=198.51.100.7"};
    struct stage *stage = *state;
    for (size_t i = 0; i < sizeof vias / sizeof vias[0]; i++) {
        struct peer caller = caller_over(stage, TRANSPORT_TCP);
        calls(stage, &caller, vias[i]);
        struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
        stage_flow_dies(stage, &caller);
        stage_response(stage, invite, 200, NULL);
        comes_back(stage, 200, &caller, SENT_BY);
        stage_silent(stage);
        assert_int_equal(stage->wire.lookup_count, 0);
        stage_ends(stage);
    }
}

/* --- the servers of the name in Via --- */

/* The connection that was opened for a response does not open. */
static void is_not_opened(struct stage *stage, const struct peer *peer, const char *reason)
{
    fake_wire_leave_unopened(&stage->wire, peer->connection);
    server_flow_down(stage->server, peer->connection, reason);
}

/* Bob answers a call of this caller, whose connection has ended. Returns where the response goes. */
static struct peer answered(struct stage *stage, const struct peer *caller, const char *sent_by, unsigned code,
                            uint16_t port)
{
    calls(stage, caller, sent_by);
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_flow_dies(stage, caller);
    stage_response(stage, invite, code, NULL);
    if (code >= 300)
        stage_sent_to(stage, "ACK", 5080);
    return comes_back(stage, code, caller, port)->peer;
}

static struct place place_of(enum transport transport, const char *host, uint16_t port)
{
    struct place place = {.transport = (uint8_t)transport};
    assert_true(address_read(text_of(host), port, &place.address));
    return place;
}

static struct peer goes_to(struct stage *stage, unsigned status, const char *address)
{
    char own[64];
    struct sent *sent = fake_wire_take(&stage->wire);
    assert_non_null(sent);
    assert_int_equal(sent_status(sent), status);
    address_format(&sent->peer.address, own, sizeof own);
    assert_string_equal(own, address);
    return sent->peer;
}

static const struct {
    enum transport transport;
    const char *sent_by, *reason;
    uint16_t port, asked_port;
} names[] = {{TRANSPORT_TCP, "pc.example.net:5077", FLOW_REFUSED, SENT_BY, SENT_BY},
             {TRANSPORT_TCP, "pc.example.net", FLOW_UNOPENED, SIP, 0},
             {TRANSPORT_TLS, "pc.example.net:5077", FLOW_UNOPENED, SENT_BY, SENT_BY},
             {TRANSPORT_TLS, "pc.example.net", "tls", SIPS, 0}};

enum { NAMES = sizeof names / sizeof names[0] };

/* A caller on loopback has no limits, as a trunk. */
static void test_3261_18_2_2_a_the_servers_of_the_name_are_tried_when_the_sender_is_gone(void **state)
{
    static const unsigned codes[] = {180, 200, 486};
    struct stage *stage = *state;
    for (size_t i = 0; i < NAMES; i++) {
        const struct place places[] = {place_of(names[i].transport, "127.0.0.1", names[i].port),
                                       place_of(names[i].transport, "192.0.2.7", 6001),
                                       place_of(names[i].transport, "192.0.2.8", 6002)};
        struct peer caller = caller_over(stage, names[i].transport);
        struct peer first = answered(stage, &caller, names[i].sent_by, codes[i % 3], names[i].port);
        stage_silent(stage);
        stage->wire.lookup_count = 0;
        is_not_opened(stage, &first, names[i].reason);
        assert_int_equal(stage->wire.lookup_count, 1);
        assert_int_equal(stage->wire.lookups[0].query.port, names[i].asked_port);
        assert_int_equal(stage->wire.lookups[0].query.transport, names[i].transport);
        stage_silent(stage);
        fake_wire_locate(&stage->wire, "pc.example.net", places, 3);
        struct peer second = goes_to(stage, codes[i % 3], "192.0.2.7:6001"); /* the first has failed already */
        if (names[i].transport == TRANSPORT_TLS)
            assert_string_equal(stage->wire.connections[second.connection - 1].domain, "pc.example.net");
        is_not_opened(stage, &second, names[i].reason);
        struct peer third = goes_to(stage, codes[i % 3], "192.0.2.8:6002");
        is_not_opened(stage, &third, names[i].reason);
        stage_silent(stage);
        stage_ends(stage);
    }
    assert_int_equal(stage_count(stage, "responses_by_name"), 2 * NAMES);
}

static void test_3261_18_2_2_a_without_a_connection_the_name_is_looked_up_at_once(void **state)
{
    struct stage *stage = *state;
    struct peer caller = caller_over(stage, TRANSPORT_TCP);
    const struct place place = place_of(TRANSPORT_TCP, "192.0.2.7", 6001);
    calls(stage, &caller, "pc.example.net:5077");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_flow_dies(stage, &caller);
    stage->wire.reopen_error = -32;
    stage_response(stage, invite, 200, NULL);
    stage_silent(stage);
    stage->wire.reopen_error = 0;
    fake_wire_locate(&stage->wire, "pc.example.net", &place, 1);
    goes_to(stage, 200, "192.0.2.7:6001");
}

/* 180 and 200 were both given to the connection that does not open. */
static void test_3261_18_2_2_a_later_responses_follow_in_their_order(void **state)
{
    struct stage *stage = *state;
    struct peer caller = caller_over(stage, TRANSPORT_TCP);
    const struct place place = place_of(TRANSPORT_TCP, "192.0.2.7", 6001);
    calls(stage, &caller, "pc.example.net:5077");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_flow_dies(stage, &caller);
    stage_response(stage, invite, 180, NULL);
    struct peer first = comes_back(stage, 180, &caller, SENT_BY)->peer;
    stage_response(stage, invite, 200, NULL);
    comes_back(stage, 200, &caller, SENT_BY);
    is_not_opened(stage, &first, FLOW_REFUSED);
    fake_wire_locate(&stage->wire, "pc.example.net", &place, 1);
    fake_wire_locate(&stage->wire, "pc.example.net", &place, 1);
    struct peer second = goes_to(stage, 180, "192.0.2.7:6001");
    goes_to(stage, 200, "192.0.2.7:6001");
    /* Bob has got no ACK and repeats his 200, which goes the same way at once. */
    stage_response(stage, invite, 200, NULL);
    assert_int_equal(goes_to(stage, 200, "192.0.2.7:6001").connection, second.connection);
    assert_int_equal(stage->wire.lookup_count, 2);
}

/* It may have arrived. */
static void test_3261_18_2_2_a_what_went_over_an_open_connection_is_not_sent_again(void **state)
{
    static const char *const reasons[] = {"closed", "idle", "write", "keepalive"};
    struct stage *stage = *state;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct peer caller = caller_over(stage, TRANSPORT_TCP);
        struct peer first = answered(stage, &caller, "pc.example.net:5077", 486, SENT_BY);
        is_not_opened(stage, &first, reasons[i]);
        assert_int_equal(stage->wire.lookup_count, 0);
        stage_silent(stage);
        stage_ends(stage);
    }
}

static void test_3261_18_2_2_a_what_is_no_name_is_not_looked_up(void **state)
{
    static const char *const sent_by[] = {"192.0.2.9:5077", "[2001:db8::9]:5077", "pc.invalid:5077"};
    struct stage *stage = *state;
    for (size_t i = 0; i < sizeof sent_by / sizeof sent_by[0]; i++) {
        struct peer caller = caller_over(stage, TRANSPORT_TCP);
        struct peer first = answered(stage, &caller, sent_by[i], 486, SENT_BY);
        is_not_opened(stage, &first, FLOW_REFUSED);
        assert_int_equal(stage->wire.lookup_count, 0);
        stage_silent(stage);
        stage_ends(stage);
    }
}

static void test_3261_18_2_2_a_a_name_without_servers_loses_the_response_alone(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 0; i < 2; i++) {
        struct peer caller = caller_over(stage, TRANSPORT_TCP);
        struct peer first = answered(stage, &caller, "pc.example.net:5077", 486, SENT_BY);
        stage->wire.locate_error = i == 0 ? 0 : -11;
        is_not_opened(stage, &first, FLOW_REFUSED);
        if (i == 0)
            fake_wire_locate(&stage->wire, "pc.example.net", NULL, 0);
        stage_silent(stage);
        stage_ends(stage);
    }
}

/* A response is lost at most, whatever fails while it is sent. */
static void test_3261_18_2_2_a_without_memory_only_the_response_is_lost(void **state)
{
    struct stage *stage = *state;
    const struct place place = place_of(TRANSPORT_TCP, "192.0.2.7", 6001);
    unsigned went_by_name = 0;
    for (uint64_t step = 1; step <= 40; step++) {
        struct peer caller = caller_over(stage, TRANSPORT_TCP);
        calls(stage, &caller, "pc.example.net:5077");
        struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
        stage_flow_dies(stage, &caller);
        stage->fake.calls = 0;
        stage->fake.fail_after = step;
        stage_response(stage, invite, 200, NULL);
        stage->fake.fail_after = 0;
        const struct sent *sent = fake_wire_take(&stage->wire);
        stage->wire.lookup_count = 0;
        if (sent != NULL)
            is_not_opened(stage, &sent->peer, FLOW_REFUSED);
        if (stage->wire.lookup_count > 0) {
            fake_wire_locate(&stage->wire, "pc.example.net", &place, 1);
            goes_to(stage, 200, "192.0.2.7:6001");
            went_by_name++;
        }
        stage_silent(stage);
        stage_ends(stage);
    }
    assert_in_range(went_by_name, 1, 39);
}

/* --- strangers --- */

static struct peer stranger(struct stage *stage)
{
    return fake_stream_from(&stage->wire, TRANSPORT_TCP, TRANSPORT_TCP, "198.51.100.9", CALLER);
}

/* The addresses of the name that are not the stranger's own get nothing, whatever the name is. */
static void test_3261_18_2_2_a_a_name_leads_no_stranger_to_a_third_party(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stranger(stage);
    const struct place places[] = {place_of(TRANSPORT_TCP, "192.0.2.7", 6001),
                                   place_of(TRANSPORT_TCP, "198.51.100.9", SIP),
                                   place_of(TRANSPORT_TCP, "198.51.100.9", 6001)};
    struct peer first = answered(stage, &caller, "victim.example.net", 486, SIP);
    is_not_opened(stage, &first, FLOW_REFUSED);
    assert_true(address_equal(&stage->wire.lookups[0].source.address, &caller.address)); /* whose limit counts */
    fake_wire_locate(&stage->wire, "victim.example.net", places, 3);
    struct peer second = goes_to(stage, 486, "198.51.100.9:6001");
    is_not_opened(stage, &second, FLOW_REFUSED);
    stage_silent(stage);
    stage_ends(stage);
    caller = stranger(stage);
    first = answered(stage, &caller, "victim.example.net", 486, SIP);
    is_not_opened(stage, &first, FLOW_REFUSED);
    fake_wire_locate(&stage->wire, "victim.example.net", places, 2);
    stage_silent(stage);
}

/* The name and port could lead only to where no connection has opened. */
static void test_3261_18_2_2_a_a_name_with_a_port_is_not_looked_up_for_a_stranger(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stranger(stage);
    struct peer first = answered(stage, &caller, "victim.example.net:5077", 486, SENT_BY);
    is_not_opened(stage, &first, FLOW_REFUSED);
    assert_int_equal(stage->wire.lookup_count, 0);
    stage_silent(stage);
}

static void test_3261_18_2_2_a_what_waits_for_one_stranger_is_bounded(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stranger(stage);
    calls(stage, &caller, "victim.example.net");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_flow_dies(stage, &caller);
    struct peer first = {0};
    for (unsigned i = 0; i < WAYS_BACK_OF_SOURCE + 2; i++) {
        stage_response(stage, invite, 180, NULL);
        first = comes_back(stage, 180, &caller, SIP)->peer;
    }
    is_not_opened(stage, &first, FLOW_REFUSED);
    assert_int_equal(stage->wire.lookup_count, WAYS_BACK_OF_SOURCE);
    fake_wire_answer_all(&stage->wire);
    stage_silent(stage);
}

static struct peer registers(struct stage *stage, enum transport transport, uint16_t port)
{
    struct peer peer = fake_stream(&stage->wire, transport, (uint8_t)transport, port);
    stage_request(stage, &peer,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .to = "alice",
                                   .call = "register",
                                   .cseq = ++stage->registers,
                                   .fields = "Supported: outbound\nContact: <sip:alice@192.0.2.9>;reg-id=1;"
                                             "+sip.instance=\"<urn:uuid:1>\"\n"});
    stage_status(stage, &peer, 200);
    return peer;
}

/* Behind an address translation nobody listens at the port of Via, but the phone has another connection by then. */
static void test_3261_18_2_2_a_a_phone_that_has_registered_again_hears_over_its_new_flow(void **state)
{
    static const enum transport transports[] = {TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_WS, TRANSPORT_WSS};
    struct stage *stage = *state;
    for (size_t i = 0; i < 4; i++) {
        struct peer caller = registers(stage, transports[i], CALLER);
        calls(stage, &caller, "192.0.2.9:5077");
        struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
        stage_flow_dies(stage, &caller);
        struct peer again = registers(stage, transports[i], CALLER + 1);
        stage_response(stage, invite, 200, NULL);
        stage_status(stage, &again, 200);
        assert_int_equal(stage->wire.reopened, 0);
        binding_remove_aor(server_bindings(stage->server), TEXT("sip:alice@example.com"));
        stage_ends(stage);
    }
}

/* What came over TLS is not answered in the clear. */
static void test_3261_18_2_2_a_a_new_flow_without_tls_is_not_taken(void **state)
{
    struct stage *stage = *state;
    struct peer caller = registers(stage, TRANSPORT_WSS, CALLER);
    calls(stage, &caller, "192.0.2.9:5077");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_flow_dies(stage, &caller);
    registers(stage, TRANSPORT_WS, CALLER + 1);
    stage_response(stage, invite, 200, NULL);
    stage_silent(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup_every_transport_and_v6, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_3261_18_2_2_a_a_response_takes_a_new_connection),
        TEST(test_3261_18_2_2_a_over_ipv6_too),
        TEST(test_3261_18_2_2_a_later_responses_share_the_new_connection),
        TEST(test_3261_18_2_2_a_what_cannot_be_called_is_not),
        TEST(test_3261_18_2_2_a_a_via_leads_to_no_third_party),
        TEST(test_3261_18_2_2_a_the_servers_of_the_name_are_tried_when_the_sender_is_gone),
        TEST(test_3261_18_2_2_a_without_a_connection_the_name_is_looked_up_at_once),
        TEST(test_3261_18_2_2_a_later_responses_follow_in_their_order),
        TEST(test_3261_18_2_2_a_what_went_over_an_open_connection_is_not_sent_again),
        TEST(test_3261_18_2_2_a_what_is_no_name_is_not_looked_up),
        TEST(test_3261_18_2_2_a_a_name_without_servers_loses_the_response_alone),
        TEST(test_3261_18_2_2_a_without_memory_only_the_response_is_lost),
        TEST(test_3261_18_2_2_a_a_name_leads_no_stranger_to_a_third_party),
        TEST(test_3261_18_2_2_a_a_name_with_a_port_is_not_looked_up_for_a_stranger),
        TEST(test_3261_18_2_2_a_what_waits_for_one_stranger_is_bounded),
        TEST(test_3261_18_2_2_a_a_phone_that_has_registered_again_hears_over_its_new_flow),
        TEST(test_3261_18_2_2_a_a_new_flow_without_tls_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
