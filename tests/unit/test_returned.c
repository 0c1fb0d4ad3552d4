// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include "standalone/server/server_private.h"

/* Requests that return through the server itself, and for whom the bytes of a request count. */

static const char show[] = "sip_on_request(function(request, call)\n"
                           "  if call.aor == 'sip:bob@example.com' then return end\n"
                           "  return sip_reply(603, ('%s/%s'):format(call.source, call.trunk))\n"
                           "end)";

static struct trunks trunks;

static int setup(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    memset(&trunks, 0, sizeof trunks);
    assert_true(cidr_read(TEXT("127.0.0.0/24"), &trunks.addresses[0].cidr));
    trunks.addresses[0].text = TEXT("127.0.0.0/24");
    trunks.address_count = 1;
    stage_create(stage);
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

static const struct peer *self(void)
{
    static struct peer peer;
    peer = udp_from("127.0.0.1", 5060);
    return &peer;
}

/* Bob has registered a Contact that leads back to the server, from the stranger's address. */
static void register_bob(struct stage *stage, const struct peer *from)
{
    stage_request(stage, from,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = "register",
                                   .fields = "Contact: <sip:premium@127.0.0.1:5060>\nSupported: path\n"
                                             "Path: <sip:127.0.0.1:5060;lr>\n"});
    stage_status(stage, from, 200);
}

static void pass_back(struct stage *stage)
{
    struct sent *sent = stage_sent(stage, "INVITE sip:premium@127.0.0.1:5060 ");
    char bytes[4096];
    size_t length = sent->length;
    assert_true(length < sizeof bytes);
    memcpy(bytes, sent->bytes, length);
    server_received(stage->server, self(), bytes, length);
}

static void assert_answer(struct stage *stage, const char *seen)
{
    char line[96];
    struct sent *sent;
    snprintf(line, sizeof line, "SIP/2.0 603 %s\r\n", seen);
    do
        sent = stage_sent(stage, "SIP/2.0 ");
    while (strncmp(sent->bytes, "SIP/2.0 100", 11) == 0);
    if (!sent_starts(sent, line))
        fail_msg("not %s: %.80s", seen, sent->bytes);
}

static void test_the_policy_sees_the_first_source(void **state)
{
    struct stage *stage = *state;
    const struct peer stranger = udp_from("198.51.100.9", 5070);
    register_bob(stage, &stranger);
    stage_invite(stage, &stranger, "one");
    pass_back(stage);
    assert_answer(stage, "udp:198.51.100.9:5070/nil");
}

/* The first test shows the opposite: the server's own address is in the block of the trunk. */
static void test_what_a_trunk_has_sent_is_from_the_trunk_when_it_returns(void **state)
{
    struct stage *stage = *state;
    const struct peer trunk = udp_from("127.0.0.9", 5070);
    register_bob(stage, &trunk);
    stage_invite(stage, &trunk, "one");
    pass_back(stage);
    assert_answer(stage, "udp:127.0.0.9:5070/127.0.0.0/24");
}

/* Whoever writes such Vias himself stays who he is. */
static void test_made_up_vias_are_not_believed(void **state)
{
    struct stage *stage = *state;
    stage_receive(stage, self(),
                  "INVITE sip:premium@127.0.0.1:5060 SIP/2.0\n"
                  "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK0123456789abcdef.01234567;rport\n"
                  "Via: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bKx;received=203.0.113.1;rport=5060\n"
                  "From: <sip:eve@example.com>;tag=1\nTo: <sip:premium@127.0.0.1>\nCall-ID: forged\nCSeq: 1 INVITE\n"
                  "Max-Forwards: 70\nContact: <sip:eve@203.0.113.1>\nContent-Length: 0\n\n");
    stage_sent(stage, "SIP/2.0 100");
    struct sent *sent = stage_sent(stage, "SIP/2.0 603 udp:127.0.0.1:5060/");
    assert_non_null(sent);
}

/* The phone that gets the INVITE knows its branch, and may forge the server's address. */
static void test_a_branch_that_went_elsewhere_is_not_believed(void **state)
{
    struct stage *stage = *state;
    const struct peer stranger = udp_from("198.51.100.9", 5070);
    stage_request(stage, &stranger,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = "register",
                                   .fields = "Contact: <sip:premium@127.0.0.1:5060>\n"});
    stage_status(stage, &stranger, 200);
    stage_invite(stage, &stranger, "one");
    pass_back(stage);
    assert_answer(stage, "udp:127.0.0.1:5060/127.0.0.0/24");
}

/* The kernel would send there to this machine, and what returns would be a request of the server itself, or of the
   trunk that has its address. */
static void test_a_wildcard_address_is_no_destination(void **state)
{
    static const char *const hops[] = {"<sip:0.0.0.0:5060;lr>", "<sip:0.0.0.0:5060;transport=tcp;lr>",
                                       "<sip:[::ffff:0.0.0.0]:5060;lr>"};
    struct stage *stage = *state;
    const struct peer stranger = udp_from("198.51.100.9", 5070);
    for (unsigned i = 0; i < sizeof hops / sizeof hops[0]; i++) {
        char fields[200], call[] = {'a', (char)('0' + i), '\0'};
        snprintf(fields, sizeof fields, "Contact: <sip:premium@192.0.2.1>\nSupported: path\nPath: %s\n", hops[i]);
        stage_request(stage, &stranger,
                      (struct request){.method = "REGISTER",
                                       .uri = "sip:example.com",
                                       .from = "bob",
                                       .call = "register",
                                       .cseq = i + 1,
                                       .fields = fields});
        stage_status(stage, &stranger, 200);
        stage_invite(stage, &stranger, call);
        stage_advance(stage, 0);
        stage_status(stage, &stranger, 500);
        stage_ends(stage);
    }
}

static void test_what_returns_counts_for_the_first_source(void **state)
{
    struct stage *stage = *state;
    const struct peer stranger = udp_from("198.51.100.9", 5070);
    register_bob(stage, &stranger);
    stage_invite(stage, &stranger, "one");
    const uint64_t once = stage->server->requests_kept.bytes;
    const source_id holder = ~source_of(&stranger.address);
    assert_true(once > 0);
    pass_back(stage);
    assert_true(stage->server->requests_kept.bytes > once);
    const size_t rest = stage->server->requests_kept.limits.source_bytes - stage->server->requests_kept.bytes;
    assert_true(holdings_fit(&stage->server->requests_kept, holder, rest));
    assert_false(holdings_fit(&stage->server->requests_kept, holder, rest + 1));
    stage_discard(stage);
}

static void test_datagrams_and_connections_of_a_source_count_apart(void **state)
{
    struct stage *stage = *state;
    const struct peer udp = udp_from("198.51.100.9", 5070);
    const struct peer tcp = fake_stream_from(&stage->wire, TRANSPORT_TCP, 1, "198.51.100.9", 40000);
    const size_t most = stage->server->requests_kept.limits.source_bytes;
    stage_request(stage, &udp, (struct request){.method = "OPTIONS", .uri = "sip:x@127.0.0.1", .call = "udp"});
    assert_false(holdings_fit(&stage->server->requests_kept, ~source_of(&udp.address), most));
    assert_true(holdings_fit(&stage->server->requests_kept, source_of(&udp.address), most));
    stage_request(stage, &tcp, (struct request){.method = "OPTIONS", .uri = "sip:x@127.0.0.1", .call = "tcp"});
    assert_false(holdings_fit(&stage->server->requests_kept, source_of(&udp.address), most));
    stage_discard(stage);
}

static void test_calls_for_help_have_bounded_room_of_their_own(void **state)
{
    struct stage *stage = *state;
    const struct peer stranger = udp_from("198.51.100.9", 5070);
    stage_request(stage, &stranger, (struct request){.method = "OPTIONS", .uri = "urn:service:sos", .call = "options"});
    assert_true(stage->server->requests_kept.bytes > 0);
    assert_int_equal(stage->server->emergencies_kept.bytes, 0);
    const uint64_t kept = stage->server->requests_kept.bytes;
    stage_request(stage, &stranger, (struct request){.uri = "urn:service:sos", .call = "help"});
    assert_int_equal(stage->server->requests_kept.bytes, kept);
    assert_true(stage->server->emergencies_kept.bytes > 0);
    stage->server->emergencies_kept.limits.source_bytes = 1;
    stage_request(stage, &stranger, (struct request){.uri = "urn:service:sos", .call = "again"});
    assert_true(stage->server->requests_kept.bytes > kept);
    stage_discard(stage);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, stage_teardown)
        TEST(test_the_policy_sees_the_first_source),
        TEST(test_what_a_trunk_has_sent_is_from_the_trunk_when_it_returns),
        TEST(test_made_up_vias_are_not_believed),
        TEST(test_a_branch_that_went_elsewhere_is_not_believed),
        TEST(test_a_wildcard_address_is_no_destination),
        TEST(test_what_returns_counts_for_the_first_source),
        TEST(test_datagrams_and_connections_of_a_source_count_apart),
        TEST(test_calls_for_help_have_bounded_room_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
