// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

/* What the server knows of flows beside the bindings on them; IPv6 datagram flows above all. */

static struct peer peer6(uint16_t port)
{
    struct peer peer = {.transport = TRANSPORT_UDP};
    assert_true(address_read(TEXT("::1"), port, &peer.address));
    return peer;
}

static void assert_described(struct stage *stage, flow_id flow, const char *expected)
{
    char out[96];
    size_t length = server_describe_flow(stage->server, flow, out, sizeof out);
    assert_int_equal(length, strlen(expected));
    assert_string_equal(out, expected);
}

static void test_flows_described(void **state)
{
    struct stage *stage = *state;
    struct peer udp = fake_udp(5080), tcp = fake_tcp(&stage->wire, 40112);
    assert_described(stage, peer_flow(&udp), "udp 127.0.0.1:5080");
    assert_described(stage, peer_flow(&tcp), "tcp 127.0.0.1:40112 #1");
    assert_described(stage, 0, "");
    fake_wire_close(&stage->wire, tcp.connection);
    assert_described(stage, peer_flow(&tcp), "tcp gone #1");
}

static void test_a_description_that_does_not_fit_is_cut(void **state)
{
    struct stage *stage = *state;
    char out[8];
    struct peer udp = fake_udp(5080);
    assert_int_equal(server_describe_flow(stage->server, peer_flow(&udp), out, sizeof out), 7);
    assert_string_equal(out, "udp 127");
}

static void test_the_other_side_of_a_flow(void **state)
{
    struct stage *stage = *state;
    struct peer read, udp = fake_udp(5080), tcp = fake_tcp(&stage->wire, 40112), unknown = peer6(5080);
    assert_true(server_flow_peer(stage->server, peer_flow(&udp), &read));
    assert_true(address_equal(&read.address, &udp.address));
    assert_true(server_flow_peer(stage->server, peer_flow(&tcp), &read));
    assert_int_equal(read.connection, tcp.connection);
    assert_false(server_flow_peer(stage->server, 0, &read));
    assert_false(server_flow_peer(stage->server, 99, &read));
    assert_false(server_flow_peer(stage->server, peer_flow(&unknown), &read));
    /* a listener that is not there */
    udp.listener = 7;
    assert_false(server_flow_peer(stage->server, peer_flow(&udp), &read));
}

/* --- IPv6 --- */

struct witness {
    struct stage *stage;
    unsigned known, unknown; /* flows of bindings that were told as standing */
};

static void on_change(void *context, enum binding_event event, const struct binding *binding)
{
    struct witness *witness = context;
    struct binding_view view;
    struct peer peer;
    binding_read(binding, &view);
    if (event != BINDING_ADDED && event != BINDING_UPDATED)
        return;
    bool known = server_flow_peer(witness->stage->server, view.flow, &peer);
    witness->known += known;
    witness->unknown += !known;
}

static void open_six(struct stage *stage, struct witness *witness)
{
    stage_create(stage);
    *witness = (struct witness){.stage = stage};
    stage->config.listeners[0] = (struct listener){TRANSPORT_UDP, 5060, "[::1]"};
    stage->config.binding_changed = on_change;
    stage->config.binding_changed_context = witness;
    stage_open(stage);
}

static void register_six(struct stage *stage, uint16_t port, const char *user, unsigned expires)
{
    char lines[1024];
    struct peer peer = peer6(port);
    stage->registers++;
    snprintf(lines, sizeof lines,
             "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP [::1]:%u;branch=z9hG4bK%u;rport\nMax-Forwards: 70\n"
             "From: <sip:%s@example.com>;tag=b\nTo: <sip:%s@example.com>\nCall-ID: reg\nCSeq: %u REGISTER\n"
             "Contact: <sip:bob@[2001:db8::1]:%u>;+sip.instance=\"<urn:uuid:1>\";reg-id=1;expires=%u\n"
             "Content-Length: 0\n\n",
             port, stage->registers, user, user, stage->registers, port, expires);
    stage_receive(stage, &peer, lines);
    struct sent *fine = stage_status(stage, &peer, 200);
    assert_non_null(strstr(sent_header(fine, "Via", 0), "received=::1"));
}

static void test_5626_7_e_a_request_goes_over_an_ipv6_datagram_flow(void **state)
{
    struct stage stage;
    struct witness witness;
    struct peer read, alice = peer6(5070), bob = peer6(5080);
    (void)state;
    open_six(&stage, &witness);
    register_six(&stage, 5080, "bob", 600);
    stage_receive(&stage, &alice,
                  "INVITE sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP [::1]:5070;branch=z9hG4bKa;rport\n"
                  "Max-Forwards: 70\nFrom: <sip:alice@example.com>;tag=a\nTo: <sip:bob@example.com>\nCall-ID: one\n"
                  "CSeq: 1 INVITE\nContent-Length: 0\n\n");
    stage_status(&stage, &alice, 100);
    struct sent *invite = stage_sent_to(&stage, "INVITE", 5080);
    assert_true(address_equal(&invite->peer.address, &bob.address));
    assert_non_null(strstr(sent_header(invite, "Via", 0), "SIP/2.0/UDP [::1]:5060;branch="));
    assert_non_null(strstr(sent_header(invite, "Record-Route", 0), "@[::1]:5060;lr>"));
    assert_described(&stage, peer_flow(&bob), "udp [::1]:5080");
    server_flow_down(stage.server, peer_flow(&bob), "icmp");
    assert_false(server_flow_peer(stage.server, peer_flow(&bob), &read));
    assert_described(&stage, peer_flow(&bob), "udp gone");
    stage_destroy(&stage);
}

/* Whoever writes bindings down asks for the other side when told of them. */
static void test_an_ipv6_flow_is_known_when_its_binding_is_told(void **state)
{
    struct stage stage;
    struct witness witness;
    (void)state;
    open_six(&stage, &witness);
    register_six(&stage, 5080, "bob", 600);
    register_six(&stage, 5080, "bob", 700);
    register_six(&stage, 5081, "bob", 700);
    register_six(&stage, 5081, "carol", 700);
    assert_int_equal(witness.known, 4);
    assert_int_equal(witness.unknown, 0);
    stage_destroy(&stage);
}

static void test_an_ipv6_flow_is_known_as_long_as_a_binding_is_on_it(void **state)
{
    struct stage stage;
    struct witness witness;
    struct peer read, first = peer6(5080), second = peer6(5081);
    (void)state;
    open_six(&stage, &witness);
    register_six(&stage, 5080, "bob", 600);
    register_six(&stage, 5080, "carol", 600);
    assert_true(server_flow_peer(stage.server, peer_flow(&first), &read));
    register_six(&stage, 5081, "bob", 600); /* bob moves */
    assert_true(server_flow_peer(stage.server, peer_flow(&first), &read));
    assert_true(server_flow_peer(stage.server, peer_flow(&second), &read));
    register_six(&stage, 5080, "carol", 0);
    assert_false(server_flow_peer(stage.server, peer_flow(&first), &read));
    stage_advance(&stage, 700000);
    assert_false(server_flow_peer(stage.server, peer_flow(&second), &read));
    stage_destroy(&stage);
}

static void test_a_binding_that_is_not_stored_leaves_no_flow(void **state)
{
    struct stage stage;
    struct witness witness;
    struct peer read, peer = peer6(5080);
    (void)state;
    for (uint64_t call = 1; call < 40; call++) {
        open_six(&stage, &witness);
        stage.fake.fail_after = stage.fake.calls + call;
        stage_request(&stage, &peer,
                      (struct request){.method = "REGISTER",
                                       .uri = "sip:example.com",
                                       .fields = "Contact: <sip:b@h>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"});
        stage.fake.fail_after = 0;
        bool stored = binding_count(server_bindings(stage.server)) > 0;
        if (!stored)
            assert_false(server_flow_peer(stage.server, peer_flow(&peer), &read));
        stage_destroy(&stage);
    }
}

/* --- from an earlier life --- */

static void test_a_restored_binding_is_on_its_flow(void **state)
{
    struct stage stage;
    struct witness witness;
    struct peer read, six = peer6(5080), four = fake_udp(5081);
    (void)state;
    open_six(&stage, &witness);
    struct binding_view view = {.aor = TEXT("sip:bob@example.com"),
                                .contact = TEXT("sip:bob@192.0.2.1"),
                                .instance = TEXT("urn:uuid:1"),
                                .call_id = TEXT("c"),
                                .reg_id = 1,
                                .q = 1000,
                                .flow = peer_flow(&six),
                                .expires_at = stage.fake.wall_s + 60,
                                .registered_at = stage.fake.wall_s};
    assert_int_equal(server_restore_binding(stage.server, &view, &six), 0);
    assert_true(server_flow_peer(stage.server, view.flow, &read));
    assert_true(address_equal(&read.address, &six.address));
    view.reg_id = 2;
    view.flow = peer_flow(&four);
    assert_int_equal(server_restore_binding(stage.server, &view, &four), 0);
    view.reg_id = 3;
    view.flow = 0;
    view.state = BINDING_FLOW_GONE;
    assert_int_equal(server_restore_binding(stage.server, &view, &(struct peer){.transport = TRANSPORT_TCP}), 0);
    assert_int_equal(binding_count(server_bindings(stage.server)), 3);
    assert_int_equal(server_flow_peer(stage.server, peer_flow(&six), &read), true);
    server_flow_down(stage.server, peer_flow(&six), "icmp");
    assert_int_equal(binding_count(server_bindings(stage.server)), 2);
    stage_destroy(&stage);
}

static void test_own_ipv6_addresses(void **state)
{
    struct stage stage;
    struct witness witness;
    struct peer alice = peer6(5070);
    (void)state;
    open_six(&stage, &witness);
    stage_request(&stage, &alice, (struct request){.method = "OPTIONS", .uri = "sip:[::1]:5060"});
    stage_status(&stage, &alice, 200);
    stage_request(&stage, &alice, (struct request){.method = "OPTIONS", .uri = "sip:[::2]:5060", .call = "two"});
    stage_status(&stage, &alice, 403);
    stage_destroy(&stage);
}

/* Whose a dead flow was is kept for dialogs, for some of them. */
static void test_whose_dead_flows_were_is_kept_within_bounds(void **state)
{
    struct stage *stage = *state;
    struct binding_store *store = server_bindings(stage->server);
    struct binding_view view = {.aor = TEXT("sip:bob@example.com"),
                                .contact = TEXT("sip:bob@192.0.2.1"),
                                .instance = TEXT("urn:uuid:1"),
                                .call_id = TEXT("c"),
                                .reg_id = 1,
                                .q = 1000,
                                .expires_at = stage->fake.wall_s + 60};
    size_t at_most = 0;
    for (view.flow = 1; view.flow <= 40000; view.flow++) {
        assert_int_equal(binding_put(store, &view, NULL), 0);
        assert_int_equal(binding_flow_died(store, view.flow, true), 1);
        if (view.flow == 20000)
            at_most = stage->fake.allocated;
    }
    assert_true(stage->fake.allocated <= at_most);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_flows_described),
        TEST(test_a_description_that_does_not_fit_is_cut),
        TEST(test_the_other_side_of_a_flow),
        cmocka_unit_test(test_5626_7_e_a_request_goes_over_an_ipv6_datagram_flow),
        cmocka_unit_test(test_an_ipv6_flow_is_known_when_its_binding_is_told),
        cmocka_unit_test(test_an_ipv6_flow_is_known_as_long_as_a_binding_is_on_it),
        cmocka_unit_test(test_a_binding_that_is_not_stored_leaves_no_flow),
        cmocka_unit_test(test_a_restored_binding_is_on_its_flow),
        cmocka_unit_test(test_own_ipv6_addresses),
        TEST(test_whose_dead_flows_were_is_kept_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
