// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <errno.h>

#include "standalone/address/stream_refusals.h"
#include "standalone/net/network_events.h"

/* 3261-18.1.1.a: requests that are too large for a datagram. */

enum { TRUNK = 5090, LIMIT = 1300 };

/* Every INVITE goes to the URI in its header field. */
static const char by_header[] = "sip_on_request('INVITE', function(r) return sip_relay(r:header 'X-To') end)";

static void call_with(struct stage *stage, const char *uri, const char *call, size_t padding)
{
    char fields[4096], large[3000];
    struct peer alice = stage_alice();
    assert_in_range(padding, 0, sizeof large - 1);
    memset(large, 'x', padding);
    large[padding] = '\0';
    snprintf(fields, sizeof fields, "Contact: <sip:alice@127.0.0.1:5070>\nX-To: %s\nX-Large: %s\n", uri, large);
    stage_request(stage, &alice, (struct request){.call = call, .fields = fields});
    stage_status(stage, &alice, 100);
}

/* The padding with which the sent INVITE has exactly this size over UDP, as long as nothing else changes. */
static size_t padding_for(struct stage *stage, const char *uri, const char *call, size_t size)
{
    call_with(stage, uri, call, 100);
    struct sent *invite = stage_sent(stage, "INVITE");
    assert_int_equal(invite->peer.transport, TRANSPORT_UDP);
    assert_in_range(size, invite->length, 4000);
    size_t padding = 100 + size - invite->length;
    stage_refuses(stage, invite, 486, NULL);
    stage_hears(stage, 486);
    return padding;
}

static const char *top_via(struct sent *sent)
{
    return sent_header(sent, "Via", 0);
}

static struct sent *sent_over(struct stage *stage, const char *method, enum transport transport)
{
    char via[32];
    struct sent *sent = stage_sent_to(stage, method, TRUNK);
    snprintf(via, sizeof via, "SIP/2.0/%s 127.0.0.1:5060;branch=", transport_name(transport));
    assert_int_equal(sent->peer.transport, transport);
    assert_memory_equal(top_via(sent), via, strlen(via));
    return sent;
}

static void connection_fails(struct stage *stage, flow_id connection)
{
    fake_wire_leave_unopened(&stage->wire, connection);
    server_flow_down(stage->server, connection, FLOW_UNOPENED);
}

static int script_setup(void **state)
{
    int error = stage_setup(state);
    stage_script(*state, by_header);
    return error;
}

static void test_3261_18_1_1_a_a_large_request_goes_over_tcp(void **state)
{
    struct stage *stage = *state;
    const char *const uri = "sip:trunk@127.0.0.1:5090";
    size_t most = padding_for(stage, uri, "c0", LIMIT);
    call_with(stage, uri, "c1", most);
    struct sent *invite = sent_over(stage, "INVITE", TRANSPORT_UDP);
    assert_int_equal(invite->length, LIMIT);
    stage_refuses(stage, invite, 486, NULL);
    stage_hears(stage, 486);
    call_with(stage, uri, "c2", most + 1);
    invite = sent_over(stage, "INVITE", TRANSPORT_TCP);
    assert_non_null(strstr(sent_header(invite, "Record-Route", 0), "transport=tcp"));
    /* What belongs to the transaction follows it. */
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    struct peer alice = stage_alice();
    stage_request(stage, &alice, (struct request){.method = "CANCEL", .call = "c2"});
    stage_hears(stage, 200);
    struct sent *cancel = sent_over(stage, "CANCEL", TRANSPORT_TCP);
    assert_int_equal(cancel->peer.connection, invite->peer.connection);
    assert_string_equal(top_via(cancel), top_via(invite));
    stage_response(stage, invite, 487, NULL);
    assert_int_equal(sent_over(stage, "ACK", TRANSPORT_TCP)->peer.connection, invite->peer.connection);
    stage_hears(stage, 487);
    /* The next one uses the same connection. */
    call_with(stage, uri, "c3", most + 200);
    assert_int_equal(sent_over(stage, "INVITE", TRANSPORT_TCP)->peer.connection, invite->peer.connection);
    assert_int_equal(stage_count(stage, "large_by_stream"), 2);
    assert_int_equal(stage_count(stage, "large_returned"), 0);
    stage_ends(stage);
}

static void test_3261_18_1_1_a_a_uri_with_a_transport_keeps_it(void **state)
{
    struct stage *stage = *state;
    call_with(stage, "sip:trunk@127.0.0.1:5090;transport=UDP", "c1", 2000);
    sent_over(stage, "INVITE", TRANSPORT_UDP);
    call_with(stage, "sip:trunk@127.0.0.1:5090;transport=tcp", "c2", 10);
    sent_over(stage, "INVITE", TRANSPORT_TCP);
    assert_int_equal(stage_count(stage, "large_by_stream"), 0);
    stage_ends(stage);
}

static void test_3261_18_1_1_a_a_name_is_resolved_for_both_transports(void **state)
{
    struct stage *stage = *state;
    const uint16_t ports[] = {TRUNK, TRUNK + 1, 0};
    call_with(stage, "sip:trunk@trunk.example.net", "c1", 2000);
    fake_wire_resolve(&stage->wire, "trunk.example.net", ports);
    struct sent *invite = sent_over(stage, "INVITE", TRANSPORT_TCP);
    /* The next address of the name is tried over TCP, too (3263-4.3.a). */
    stage_refuses(stage, invite, 503, NULL);
    invite = stage_sent_to(stage, "INVITE", TRUNK + 1);
    assert_int_equal(invite->peer.transport, TRANSPORT_TCP);
    stage_refuses(stage, invite, 486, NULL);
    stage_hears(stage, 486);
    stage_ends(stage);
}

static void test_3261_18_1_1_a_where_no_connection_can_be_opened_it_returns_to_udp(void **state)
{
    struct stage *stage = *state;
    const char *const uri = "sip:trunk@127.0.0.1:5090";
    call_with(stage, uri, "c1", 2000);
    struct sent *invite = sent_over(stage, "INVITE", TRANSPORT_TCP);
    connection_fails(stage, invite->peer.connection);
    invite = sent_over(stage, "INVITE", TRANSPORT_UDP);
    assert_null(strstr(sent_header(invite, "Record-Route", 0), "transport=tcp"));
    stage_refuses(stage, invite, 486, NULL);
    stage_hears(stage, 486);
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "large_returned"), 1);
    /* The next request does not try again, until an hour is over. */
    call_with(stage, uri, "c2", 2000);
    stage_refuses(stage, sent_over(stage, "INVITE", TRANSPORT_UDP), 486, NULL);
    stage_hears(stage, 486);
    stage_advance(stage, STREAM_REFUSED_MS);
    stage_discard(stage);
    call_with(stage, uri, "c3", 2000);
    sent_over(stage, "INVITE", TRANSPORT_TCP);
    assert_int_equal(stage_count(stage, "large_by_stream"), 2);
    stage_ends(stage);
}

static void test_3261_18_1_1_a_the_next_address_is_tried_from_the_start(void **state)
{
    struct stage *stage = *state;
    const uint16_t ports[] = {TRUNK, TRUNK + 1, 0};
    call_with(stage, "sip:trunk@trunk.example.net", "c1", 2000);
    fake_wire_resolve(&stage->wire, "trunk.example.net", ports);
    connection_fails(stage, sent_over(stage, "INVITE", TRANSPORT_TCP)->peer.connection);
    stage_refuses(stage, sent_over(stage, "INVITE", TRANSPORT_UDP), 503, NULL);
    struct sent *invite = stage_sent_to(stage, "INVITE", TRUNK + 1);
    assert_int_equal(invite->peer.transport, TRANSPORT_TCP);
    stage_refuses(stage, invite, 503, NULL);
    stage_hears(stage, 500);
    stage_ends(stage);
}

/* The destination may have received it: the request is not sent a second time. */
static void test_3261_18_1_1_a_a_connection_that_was_open_is_no_reason_to_return(void **state)
{
    struct stage *stage = *state;
    call_with(stage, "sip:trunk@127.0.0.1:5090", "c1", 2000);
    struct peer trunk = sent_over(stage, "INVITE", TRANSPORT_TCP)->peer;
    stage_flow_dies(stage, &trunk);
    stage_hears(stage, 500);
    stage_silent(stage);
    stage_ends(stage);
}

static void test_3261_18_1_1_a_a_call_that_was_given_up_does_not_return(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    call_with(stage, "sip:trunk@127.0.0.1:5090", "c1", 2000);
    flow_id connection = sent_over(stage, "INVITE", TRANSPORT_TCP)->peer.connection;
    stage_request(stage, &alice, (struct request){.method = "CANCEL", .call = "c1"});
    stage_hears(stage, 200);
    connection_fails(stage, connection);
    stage_hears(stage, 487);
    stage_silent(stage);
    stage_ends(stage);
}

static void test_3261_18_1_1_a_where_none_can_be_asked_for_it_stays_on_udp(void **state)
{
    struct stage *stage = *state;
    stage->wire.connect_error = -EPIPE;
    call_with(stage, "sip:trunk@127.0.0.1:5090", "c1", 2000);
    sent_over(stage, "INVITE", TRANSPORT_UDP);
    assert_int_equal(stage_count(stage, "large_by_stream"), 0);
    stage_ends(stage);
}

static void test_3261_18_1_1_a_without_a_tcp_listener_it_stays_on_udp(void **state)
{
    struct stage stage;
    (void)state;
    stage_create(&stage);
    stage.config.listener_count = 1;
    stage_open(&stage);
    stage_script(&stage, by_header);
    call_with(&stage, "sip:trunk@127.0.0.1:5090", "c1", 2000);
    sent_over(&stage, "INVITE", TRANSPORT_UDP);
    stage_ends(&stage);
    stage_destroy(&stage);
}

static void test_3261_18_1_1_a_a_known_path_mtu_is_a_lower_limit(void **state)
{
    static const struct {
        uint32_t mtu;
        size_t most;
    } paths[] = {{0, 1300}, {65536, 1300}, {1500, 1300}, {1499, 1299}, {1492, 1292}, {1280, 1080}, {1000, 1080}};
    struct stage *stage = *state;
    const char *const uri = "sip:trunk@127.0.0.1:5090";
    size_t fits = padding_for(stage, uri, "mtu", LIMIT);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        stage->wire.path_mtu = paths[i].mtu;
        for (size_t more = 0; more < 2; more++) {
            char call[16];
            snprintf(call, sizeof call, "m%zu%zu", i, more);
            call_with(stage, uri, call, fits - LIMIT + paths[i].most + more);
            struct sent *invite = stage_sent_to(stage, "INVITE", TRUNK);
            if (invite->peer.transport != (more ? TRANSPORT_TCP : TRANSPORT_UDP))
                fail_msg("MTU %u: %zu bytes", paths[i].mtu, paths[i].most + more);
            stage_refuses(stage, invite, 486, NULL);
            stage_hears(stage, 486);
        }
    }
    stage_ends(stage);
}

static void test_3261_18_1_1_a_a_flow_is_kept(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    char fields[2200], large[2001];
    memset(large, 'x', 2000);
    large[2000] = '\0';
    snprintf(fields, sizeof fields, "Contact: <sip:alice@127.0.0.1:5070>\nX-Large: %s\n", large);
    struct peer bob = stage_phone(stage, (struct phone){.instance = "1", .reg_id = 1, .port = 5081});
    stage_request(stage, &alice, (struct request){.call = "c1", .fields = fields});
    stage_hears(stage, 100);
    struct sent *invite = stage_sent_to(stage, "INVITE", 5081);
    assert_int_equal(peer_flow(&invite->peer), peer_flow(&bob));
    stage_refuses(stage, invite, 486, NULL);
    stage_hears(stage, 486);
    /* A Contact without a flow is a URI like others. */
    stage_phone(stage, (struct phone){.user = "carol", .port = TRUNK});
    stage_request(stage, &alice,
                  (struct request){.call = "c2", .uri = "sip:carol@example.com", .to = "carol", .fields = fields});
    stage_hears(stage, 100);
    sent_over(stage, "INVITE", TRANSPORT_TCP);
    /* So is the next hop of a request other than INVITE. */
    stage_request(
        stage, &alice,
        (struct request){
            .method = "MESSAGE", .call = "c3", .uri = "sip:carol@example.com", .to = "carol", .fields = fields});
    struct sent *message = sent_over(stage, "MESSAGE", TRANSPORT_TCP);
    connection_fails(stage, message->peer.connection);
    size_t seen = 0;
    for (struct sent *sent; (sent = fake_wire_take(&stage->wire)) != NULL; seen++)
        assert_int_equal(sent->peer.transport, TRANSPORT_UDP);
    assert_int_equal(seen, 2);
    stage_ends(stage);
}

/* The ACK of a 2xx is a request of its own. */
static void test_3261_18_1_1_a_a_large_ack_goes_over_tcp(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    char fields[2600], large[2001];
    memset(large, 'x', 2000);
    large[2000] = '\0';
    stage_phone(stage, (struct phone){.port = TRUNK});
    stage_call(stage, "one");
    stage_response(stage, sent_over(stage, "INVITE", TRANSPORT_UDP), 200, "Contact: <sip:bob@127.0.0.1:5090>\n");
    struct sent *fine = stage_hears(stage, 200);
    snprintf(fields, sizeof fields, "Route: %s\nX-Large: %s\n", sent_header(fine, "Record-Route", 0), large);
    const struct request ack = {
        .method = "ACK", .uri = "sip:bob@127.0.0.1:5090", .to_tag = "p5090", .branch = "z9hG4bK-ack", .fields = fields};
    stage_request(stage, &alice, ack);
    connection_fails(stage, sent_over(stage, "ACK", TRANSPORT_TCP)->peer.connection);
    stage_silent(stage);
    /* The 2xx is repeated, and so is the ACK. */
    stage_request(stage, &alice, ack);
    sent_over(stage, "ACK", TRANSPORT_UDP);
    assert_int_equal(stage_count(stage, "large_by_stream"), 1);
    stage_ends(stage);
}

/* --- what is known of addresses --- */

static union address address_of(const char *host, uint16_t port)
{
    union address address;
    assert_true(address_read(text_of(host), port, &address));
    return address;
}

static void test_refusals_are_those_of_an_address_and_port(void **state)
{
    struct fake_host fake;
    struct stream_refusals refusals;
    union address four = address_of("192.0.2.1", 5060), six = address_of("2001:db8::1", 5060);
    union address port = address_of("192.0.2.1", 5061);
    (void)state;
    fake_host_create(&fake);
    assert_int_equal(stream_refusals_create(&refusals, &fake.host), 0);
    assert_false(stream_refusals_have(&refusals, &four));
    stream_refusals_note(&refusals, &four);
    stream_refusals_note(&refusals, &six);
    stream_refusals_note(&refusals, &six);
    assert_int_equal(refusals.table.count, 2);
    assert_true(stream_refusals_have(&refusals, &four) && stream_refusals_have(&refusals, &six));
    assert_false(stream_refusals_have(&refusals, &port));
    fake_host_advance(&fake, STREAM_REFUSED_MS);
    assert_false(stream_refusals_have(&refusals, &four));
    stream_refusals_note(&refusals, &four);
    assert_int_equal(refusals.table.count, 1);
    stream_refusals_destroy(&refusals);
    assert_int_equal(fake.allocated, 0);
}

static void test_refusals_have_a_limit_and_may_find_no_memory(void **state)
{
    struct fake_host fake;
    struct stream_refusals refusals;
    (void)state;
    fake_host_create(&fake);
    fake.fail_after = 1;
    assert_int_equal(stream_refusals_create(&refusals, &fake.host), -ENOMEM);
    stream_refusals_destroy(&refusals);
    fake.fail_after = 0;
    assert_int_equal(stream_refusals_create(&refusals, &fake.host), 0);
    for (unsigned i = 0; i < STREAM_REFUSALS_MOST + 10; i++) {
        union address address = address_of("192.0.2.1", (uint16_t)(1000 + i));
        stream_refusals_note(&refusals, &address);
    }
    union address first = address_of("192.0.2.1", 1009), later = address_of("192.0.2.1", 1010);
    assert_int_equal(refusals.table.count, STREAM_REFUSALS_MOST);
    assert_false(stream_refusals_have(&refusals, &first));
    assert_true(stream_refusals_have(&refusals, &later));
    fake.fail_after = fake.calls + 1;
    stream_refusals_note(&refusals, &first);
    assert_false(stream_refusals_have(&refusals, &first));
    fake.fail_after = 0;
    stream_refusals_destroy(&refusals);
    assert_int_equal(fake.allocated, 0);
}

int main(void)
{
#define TEST(name)   cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
#define SCRIPT(name) cmocka_unit_test_setup_teardown(name, script_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        SCRIPT(test_3261_18_1_1_a_a_large_request_goes_over_tcp),
        SCRIPT(test_3261_18_1_1_a_a_uri_with_a_transport_keeps_it),
        SCRIPT(test_3261_18_1_1_a_a_name_is_resolved_for_both_transports),
        SCRIPT(test_3261_18_1_1_a_where_no_connection_can_be_opened_it_returns_to_udp),
        SCRIPT(test_3261_18_1_1_a_the_next_address_is_tried_from_the_start),
        SCRIPT(test_3261_18_1_1_a_a_connection_that_was_open_is_no_reason_to_return),
        SCRIPT(test_3261_18_1_1_a_a_call_that_was_given_up_does_not_return),
        SCRIPT(test_3261_18_1_1_a_where_none_can_be_asked_for_it_stays_on_udp),
        cmocka_unit_test(test_3261_18_1_1_a_without_a_tcp_listener_it_stays_on_udp),
        SCRIPT(test_3261_18_1_1_a_a_known_path_mtu_is_a_lower_limit),
        TEST(test_3261_18_1_1_a_a_flow_is_kept),
        TEST(test_3261_18_1_1_a_a_large_ack_goes_over_tcp),
        cmocka_unit_test(test_refusals_are_those_of_an_address_and_port),
        cmocka_unit_test(test_refusals_have_a_limit_and_may_find_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
