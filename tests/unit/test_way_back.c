// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

/*
 * Responses whose connection has ended (3261-18.2.2.a). The caller is at 127.0.0.1, port 40000, and its Via names port
 * 5077 of another address. Bob is at 5080.
 */

enum { CALLER = 40000, SENT_BY = 5077, SIP = 5060, SIPS = 5061, LISTENER_V6 = TRANSPORT_COUNT };

static int every_transport(void **state)
{
    struct stage *stage = malloc(sizeof *stage);
    if (stage == NULL)
        return -1;
    stage_create(stage);
    stage_listen_by_every_transport(stage);
    stage->config.listeners[LISTENER_V6] = (struct listener){TRANSPORT_TCP, 5060, "[2001:db8::1]"};
    stage->config.listener_count = LISTENER_V6 + 1;
    stage_open(stage);
    *state = stage;
    return 0;
}

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
    struct peer caller = fake_stream_from(&stage->wire, TRANSPORT_TCP, LISTENER_V6, "2001:db8::9", CALLER);
    calls(stage, &caller, "[2001:db8::77]:5077");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_flow_dies(stage, &caller);
    stage_response(stage, invite, 200, NULL);
    assert_int_equal(comes_back(stage, 200, &caller, SENT_BY)->peer.listener, LISTENER_V6);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, every_transport, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_3261_18_2_2_a_a_response_takes_a_new_connection),
        TEST(test_3261_18_2_2_a_over_ipv6_too),
        TEST(test_3261_18_2_2_a_later_responses_share_the_new_connection),
        TEST(test_3261_18_2_2_a_what_cannot_be_called_is_not),
        TEST(test_3261_18_2_2_a_a_via_leads_to_no_third_party),
        TEST(test_3261_18_2_2_a_a_phone_that_has_registered_again_hears_over_its_new_flow),
        TEST(test_3261_18_2_2_a_a_new_flow_without_tls_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
