// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

/* Who sent a request: trunks by address and certificate, and the flows of registrations. */

static const char show[] = "sip_on_request(function(request, call)\n"
                           "  return sip_reply(603, ('%s/%s/%s'):format(call.user, call.registered, call.trunk))\n"
                           "end)";

static struct trunks trunks;
static flow_id certified;

static struct text certified_trunk(void *context, flow_id connection)
{
    (void)context;
    return connection != 0 && connection == certified ? TEXT("trunk.example.net") : (struct text){NULL, 0};
}

static void add_trunk(const char *cidr)
{
    assert_true(cidr_read(text_of(cidr), &trunks.addresses[trunks.address_count].cidr));
    trunks.addresses[trunks.address_count++].text = text_of(cidr);
}

static int setup(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    memset(&trunks, 0, sizeof trunks);
    certified = 0;
    stage_create(stage);
    stage_listen_by_every_transport(stage);
    stage->wire.wire.trunk = certified_trunk;
    stage->config.trunks = &trunks;
    stage_open(stage);
    stage_script(stage, show);
    *state = stage;
    return 0;
}

static struct peer udp_from(const char *host, uint16_t port)
{
    struct peer peer = {0};
    assert_true(address_read(text_of(host), port, &peer.address));
    return peer;
}

static void assert_seen(struct stage *stage, const struct peer *from, const char *user, const char *seen)
{
    static unsigned calls;
    char call[32], line[96];
    snprintf(call, sizeof call, "call-%u", ++calls);
    stage_request(stage, from, (struct request){.method = "OPTIONS", .from = user, .call = call});
    struct sent *sent = stage_status(stage, from, 603);
    snprintf(line, sizeof line, "SIP/2.0 603 %s\r\n", seen);
    if (!sent_starts(sent, line))
        fail_msg("not %s: %.60s", seen, sent->bytes);
}

static void test_a_trunk_is_known_by_its_address(void **state)
{
    struct stage *stage = *state;
    add_trunk("203.0.113.0/24");
    add_trunk("203.0.113.7");
    add_trunk("2001:db8:1::/48");
    const struct peer inside = udp_from("203.0.113.7", 5060), outside = udp_from("203.0.114.7", 5060);
    const struct peer inside6 = udp_from("2001:db8:1::5", 5060), outside6 = udp_from("2001:db8:2::5", 5060);
    const struct peer mapped = udp_from("::ffff:203.0.113.9", 5060);
    assert_seen(stage, &inside, "alice", "nil/false/203.0.113.0/24");
    assert_seen(stage, &outside, "alice", "nil/false/nil");
    assert_seen(stage, &inside6, "alice", "nil/false/2001:db8:1::/48");
    assert_seen(stage, &outside6, "alice", "nil/false/nil");
    assert_seen(stage, &mapped, "alice", "nil/false/203.0.113.0/24");
    const struct peer tcp = fake_stream_from(&stage->wire, TRANSPORT_TCP, 1, "203.0.113.9", 40000);
    assert_seen(stage, &tcp, "alice", "nil/false/203.0.113.0/24");
}

static void test_loopback_is_no_trunk_unless_it_is_named(void **state)
{
    struct stage *stage = *state;
    const struct peer alice = stage_alice();
    assert_seen(stage, &alice, "alice", "nil/false/nil");
    add_trunk("127.0.0.1");
    assert_seen(stage, &alice, "alice", "nil/false/127.0.0.1");
}

static void test_a_certificate_comes_before_the_address(void **state)
{
    struct stage *stage = *state;
    const struct peer tls = fake_stream_from(&stage->wire, TRANSPORT_TLS, 2, "203.0.113.9", 40000);
    const struct peer other = fake_stream_from(&stage->wire, TRANSPORT_TLS, 2, "203.0.113.9", 40001);
    add_trunk("203.0.113.0/24");
    certified = tls.connection;
    assert_seen(stage, &tls, "alice", "nil/false/trunk.example.net");
    assert_seen(stage, &other, "alice", "nil/false/203.0.113.0/24");
}

/* A certificate proves nothing for a connection without TLS, whatever its number. */
static void test_a_certificate_is_of_tls(void **state)
{
    struct stage *stage = *state;
    const struct peer tcp = fake_stream_from(&stage->wire, TRANSPORT_TCP, 1, "203.0.113.9", 40000);
    certified = tcp.connection;
    assert_seen(stage, &tcp, "alice", "nil/false/nil");
}

static void test_registered_is_the_flow_of_the_aor_in_from(void **state)
{
    struct stage *stage = *state;
    const struct peer phone = stage_phone(stage, (struct phone){.user = "alice", .port = 5091});
    const struct peer tcp = stage_phone(stage, (struct phone){.user = "alice", .port = 5092, .tcp = true});
    const struct peer near = fake_udp(5093), again = fake_tcp(&stage->wire, 5092);
    assert_seen(stage, &phone, "alice", "nil/true/nil");
    assert_seen(stage, &tcp, "alice", "nil/true/nil");
    assert_seen(stage, &phone, "bob", "nil/false/nil");
    assert_seen(stage, &near, "alice", "nil/false/nil");
    assert_seen(stage, &again, "alice", "nil/false/nil");
    stage_advance(stage, 3601000);
    assert_seen(stage, &phone, "alice", "nil/false/nil");
}

/* What comes through an edge has the edge's flow, which is not the phone's. */
static void test_a_registration_by_path_proves_no_address(void **state)
{
    struct stage *stage = *state;
    const struct peer edge = fake_udp(5095);
    stage_receive(stage, &edge,
                  "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5095;branch=z9hG4bKe1\n"
                  "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKe0\nPath: <sip:token@127.0.0.1:5095;lr;ob>\n"
                  "Supported: path\nFrom: <sip:alice@example.com>;tag=1\nTo: <sip:alice@example.com>\n"
                  "Call-ID: by-path\nCSeq: 1 REGISTER\nContact: <sip:alice@192.0.2.9>\nContent-Length: 0\n\n");
    stage_status(stage, &edge, 200);
    assert_seen(stage, &edge, "alice", "nil/false/nil");
}

static void test_a_registration_shows_it_too(void **state)
{
    struct stage *stage = *state;
    const struct peer trunk = udp_from("203.0.113.7", 5060);
    add_trunk("203.0.113.7");
    stage_script(stage, "sip_on_register(function(request, call)\n"
                        "  return sip_reply(403, tostring(call.trunk) .. tostring(request.registered))\n"
                        "end)");
    stage_request(stage, &trunk, (struct request){.method = "REGISTER", .uri = "sip:example.com"});
    assert_true(sent_starts(stage_status(stage, &trunk, 403), "SIP/2.0 403 203.0.113.7false\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_trunk_is_known_by_its_address, setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_loopback_is_no_trunk_unless_it_is_named, setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_certificate_comes_before_the_address, setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_certificate_is_of_tls, setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_registered_is_the_flow_of_the_aor_in_from, setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_registration_by_path_proves_no_address, setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_registration_shows_it_too, setup, stage_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
