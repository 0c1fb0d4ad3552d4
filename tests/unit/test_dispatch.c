// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"
#include "standalone/server/server_private.h"

/* What has arrived and where it goes: retransmissions, CANCEL, limits, loops, faults, draining. */

static void test_options_to_the_server_itself(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_request(stage, &alice, (struct request){.method = "OPTIONS", .uri = "sip:example.com"});
    struct sent *fine = stage_status(stage, &alice, 200);
    assert_non_null(strstr(sent_header(fine, "Via", 0), "received=127.0.0.1"));
    assert_non_null(strstr(sent_header(fine, "Via", 0), "rport=5070"));
    assert_non_null(strstr(sent_header(fine, "To", 0), ";tag="));
    stage_silent(stage);
}

static void test_response_goes_to_the_port_of_the_via_without_rport(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(40000), listening = fake_udp(5071);
    stage_receive(stage, &alice,
                  "OPTIONS sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 10.9.8.7:5071;branch=z9hG4bKa\n"
                  "Max-Forwards: 70\nFrom: <sip:alice@example.com>;tag=a\nTo: <sip:example.com>\nCall-ID: c\n"
                  "CSeq: 1 OPTIONS\nContent-Length: 0\n\n");
    struct sent *fine = stage_status(stage, &listening, 200);
    assert_non_null(strstr(sent_header(fine, "Via", 0), "received=127.0.0.1"));
}

static void test_a_retransmission_gets_the_same_response(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    const struct request options = {.method = "OPTIONS", .uri = "sip:example.com"};
    stage_request(stage, &alice, options);
    struct sent *first = stage_status(stage, &alice, 200);
    stage_request(stage, &alice, options);
    assert_string_equal(stage_status(stage, &alice, 200)->bytes, first->bytes);
    assert_int_equal(stage_counters(stage)->retransmissions, 1);
    assert_int_equal(stage_counters(stage)->requests, 2);
    assert_int_equal(stage_count(stage, "transactions"), 1);
}

static void test_3261_16_7_a_a_response_without_transaction_is_dropped(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    stage_receive(stage, &bob,
                  "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKr1.1\n"
                  "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKa\nFrom: <sip:a@example.com>;tag=a\n"
                  "To: <sip:bob@example.com>;tag=b\nCall-ID: c\nCSeq: 1 INVITE\nContent-Length: 0\n\n");
    stage_silent(stage);
    assert_int_equal(stage_counters(stage)->unmatched, 1);
    assert_int_equal(stage_counters(stage)->responses, 1);
}

static void test_no_hops_left(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_request(stage, &alice, (struct request){.hops = 1000});
    stage_status(stage, &alice, 483);
    stage_request(stage, &alice, (struct request){.method = "ACK", .hops = 1000});
    stage_silent(stage);
}

static void test_one_hop_less(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_phone(stage, (struct phone){.port = 5080});
    stage_request(stage, &alice, (struct request){.hops = 3});
    stage_status(stage, &alice, 100);
    assert_string_equal(sent_header(stage_sent(stage, "INVITE"), "Max-Forwards", 0), "2");
}

static void test_a_proxy_require_is_not_supported(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_request(stage, &alice, (struct request){.fields = "Proxy-Require: magic, wand\n"});
    struct sent *refusal = stage_status(stage, &alice, 420);
    assert_string_equal(sent_header(refusal, "Unsupported", 0), "magic, wand");
}

static void test_sips_over_an_open_transport_is_refused_whatever_a_policy_says(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_script(stage, "sip_on_request(function() return sip_relay('sip:127.0.0.1:5099') end)");
    stage_request(stage, &alice, (struct request){.uri = "sips:bob@example.com"});
    stage_status(stage, &alice, 416);
    stage_request(stage, &alice, (struct request){.call = "two", .uri = "sips:bob@192.0.2.9"});
    stage_status(stage, &alice, 416);
    stage_silent(stage);
}

/* No open relay. */
static void test_strangers_do_not_reach_elsewhere(void **state)
{
    struct stage *stage = *state;
    struct peer mallory = fake_udp(5070),
                bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_request(stage, &mallory, (struct request){.uri = "sip:eve@192.0.2.1"});
    stage_status(stage, &mallory, 100);
    stage_status(stage, &mallory, 403);
    stage_request(stage, &mallory,
                  (struct request){.call = "two", .uri = "sip:eve@192.0.2.1", .method = "BYE", .to_tag = "t"});
    stage_status(stage, &mallory, 481);
    stage_request(stage, &bob, (struct request){.uri = "sip:eve@127.0.0.1:5099", .from = "bob"});
    stage_status(stage, &bob, 100);
    stage_sent_to(stage, "INVITE", 5099);
}

/* A long Request-URI is no want of memory: at home there is nobody of that name, and elsewhere is for those who may. */
static void test_a_long_request_uri_is_routed_like_any_other(void **state)
{
    struct stage *stage = *state;
    char user[901], uri[1000];
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080});
    memset(user, 'x', sizeof user - 1);
    user[sizeof user - 1] = '\0';
    snprintf(uri, sizeof uri, "sip:%s@example.com", user);
    stage_request(stage, &bob, (struct request){.uri = uri});
    stage_status(stage, &bob, 100);
    stage_status(stage, &bob, 480);
    snprintf(uri, sizeof uri, "tel:+1%s", user);
    stage_request(stage, &bob, (struct request){.uri = uri, .call = "two"});
    stage_status(stage, &bob, 100);
    stage_status(stage, &bob, 416);
    snprintf(uri, sizeof uri, "sip:%s@127.0.0.1:5099", user);
    stage_request(stage, &bob, (struct request){.uri = uri, .call = "three"});
    stage_status(stage, &bob, 100);
    struct sent *invite = stage_sent_to(stage, "INVITE", 5099);
    assert_memory_equal(invite->bytes + 7, uri, strlen(uri));
    stage_refuses(stage, invite, 404, NULL);
    stage_status(stage, &bob, 404);
    assert_int_equal(stage_count(stage, "memory"), 0);
}

/* --- loops --- */

/* What was sent, back at the door by way of somebody who changed the Request-URI. */
static void comes_back(struct stage *stage, const struct sent *sent, const char *uri)
{
    char copy[8192];
    struct peer from = fake_udp(5099);
    int length =
        snprintf(copy, sizeof copy, "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK-%s;rport%s",
                 uri, uri + 4, strstr(sent->bytes, "\r\n"));
    server_received(stage->server, &from, copy, (size_t)length);
}

/* RFC 5393: what comes back unchanged loops; with another Request-URI it spirals, and may. */
static void test_a_loop_is_refused_and_a_spiral_is_not(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070), elsewhere = fake_udp(5099);
    stage_phone(stage, (struct phone){.user = "bob", .port = 5080});
    stage_phone(stage, (struct phone){.user = "carol", .port = 5081});
    stage_invite(stage, &alice, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    comes_back(stage, invite, "sip:carol@example.com");
    stage_status(stage, &elsewhere, 100);
    stage_sent_to(stage, "INVITE", 5081);
    comes_back(stage, invite, "sip:bob@example.com");
    stage_status(stage, &elsewhere, 482);
    stage_silent(stage);
}

static void test_another_request_of_the_call_is_no_loop(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_phone(stage, (struct phone){.port = 5080});
    stage_invite(stage, &alice, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    char fields[256];
    snprintf(fields, sizeof fields, "Via: %s\n", sent_header(invite, "Via", 0));
    stage_request(stage, &alice, (struct request){.cseq = 2, .fields = fields});
    stage_status(stage, &alice, 100);
    stage_sent_to(stage, "INVITE", 5080);
}

/* --- CANCEL --- */

static void test_3261_9_a_cancel_of_nothing(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_request(stage, &alice, (struct request){.method = "CANCEL"});
    stage_status(stage, &alice, 481);
}

static void test_3261_9_a_cancel_after_the_final_changes_nothing(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_phone(stage, (struct phone){.port = 5080});
    stage_invite(stage, &alice, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 200, NULL);
    stage_status(stage, &alice, 200);
    stage_request(stage, &alice, (struct request){.method = "CANCEL"});
    struct sent *fine = stage_status(stage, &alice, 200);
    assert_string_equal(sent_header(fine, "CSeq", 0), "1 CANCEL");
    stage_silent(stage);
}

/* --- limits --- */

static void test_too_many_transactions(void **state)
{
    struct stage stage;
    struct peer alice = fake_udp(5070);
    (void)state;
    stage_create(&stage);
    stage.config.transactions_most = 2;
    stage_open(&stage);
    for (unsigned i = 1; i <= 3; i++)
        stage_request(&stage, &alice, (struct request){.method = "OPTIONS", .uri = "sip:example.com", .cseq = i});
    stage_status(&stage, &alice, 200);
    stage_status(&stage, &alice, 200);
    struct sent *refusal = stage_status(&stage, &alice, 503);
    assert_string_equal(sent_header(refusal, "Retry-After", 0), "10");
    assert_int_equal(stage_counters(&stage)->overloaded, 1);
    /* a retransmission needs no room */
    stage_request(&stage, &alice, (struct request){.method = "OPTIONS", .uri = "sip:example.com", .cseq = 1});
    stage_status(&stage, &alice, 200);
    /* and there is room again when they have ended */
    stage_advance(&stage, 32000);
    stage_request(&stage, &alice, (struct request){.method = "OPTIONS", .uri = "sip:example.com", .cseq = 4});
    stage_status(&stage, &alice, 200);
    stage_destroy(&stage);
}

static struct peer stranger(uint32_t number)
{
    struct peer peer = fake_udp(5070);
    peer.address.v4.sin_addr.s_addr = htonl(0xC0000200U + number);
    return peer;
}

static void ask_options(struct stage *stage, const struct peer *peer, uint32_t cseq, const char *uri)
{
    stage_request(stage, peer, (struct request){.method = "OPTIONS", .uri = uri, .cseq = cseq});
}

/* Each costs about 3,700 bytes. A source that stays within its rate would fill the memory with messages of 64 kB. */
static void test_requests_that_are_kept_have_a_limit_in_bytes(void **state)
{
    struct stage stage;
    struct peer first = stranger(1), second = stranger(2), third = stranger(3), near = fake_udp(5070);
    (void)state;
    stage_create(&stage);
    stage.config.requests_kept = (struct holdings_limits){.bytes = 16000, .source_bytes = 10000};
    stage_open(&stage);
    for (uint32_t i = 1; i <= 3; i++)
        ask_options(&stage, &first, i, "sip:example.com");
    stage_status(&stage, &first, 200);
    stage_status(&stage, &first, 200);
    assert_string_equal(sent_header(stage_status(&stage, &first, 503), "Retry-After", 0), "10");
    ask_options(&stage, &second, 11, "sip:example.com"); /* another one has room, until all together have none */
    stage_status(&stage, &second, 200);
    ask_options(&stage, &second, 12, "sip:example.com");
    stage_status(&stage, &second, 200);
    ask_options(&stage, &third, 21, "sip:example.com");
    stage_status(&stage, &third, 503);
    assert_int_equal(stage_counters(&stage)->overloaded, 2);
    ask_options(&stage, &near, 31, "sip:example.com"); /* who has no limits, and who calls for help */
    stage_status(&stage, &near, 200);
    stage_request(&stage, &first, (struct request){.uri = "urn:service:sos", .cseq = 4});
    stage_status(&stage, &first, 100);
    stage_status(&stage, &first, 416);
    assert_in_range(stage_count(&stage, "kept_bytes"), 13000, 20000);
    stage_advance(&stage, 64000);
    stage_discard(&stage);
    assert_int_equal(stage_count(&stage, "kept_bytes"), 0);
    ask_options(&stage, &first, 5, "sip:example.com");
    stage_status(&stage, &first, 200);
    stage_destroy(&stage);
}

/* --- what branches keep --- */

static void register_phones(struct stage *stage, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        stage_phone(stage, (struct phone){.port = (uint16_t)(6000 + i)});
}

static unsigned take_invites(struct stage *stage, struct sent *invites[])
{
    unsigned count = 0;
    while (stage->wire.first != NULL && strncmp(stage->wire.first->bytes, "INVITE ", 7) == 0)
        invites[count++] = stage_sent(stage, "INVITE ");
    return count;
}

/* Few requests that fork could fill the memory with branches, which are kept for 32 s after their answer. */
static void test_branches_count_as_bytes_that_are_kept(void **state)
{
    enum { PHONES = 16 };
    struct stage stage;
    struct sent *invites[PHONES + 1];
    struct peer first = stranger(1), second = stranger(2);
    (void)state;
    stage_create(&stage);
    stage.config.requests_kept = (struct holdings_limits){.bytes = 100000, .source_bytes = 20000};
    stage_open(&stage);
    register_phones(&stage, PHONES);
    stage_invite(&stage, &first, "one");
    unsigned called = take_invites(&stage, invites);
    assert_in_range(called, 2, PHONES - 1);
    assert_in_range(stage_count(&stage, "kept_bytes"), 10000, 20000);
    for (unsigned i = 0; i < called; i++)
        stage_refuses(&stage, invites[i], 486, NULL);
    stage_status(&stage, &first, 486);
    stage_request(&stage, &first, (struct request){.call = "two"});
    assert_string_equal(sent_header(stage_status(&stage, &first, 503), "Retry-After", 0), "10");
    stage_invite(&stage, &second, "three"); /* another source has room of its own */
    assert_in_range(take_invites(&stage, invites), 2, PHONES - 1);
    stage_ends(&stage);
    assert_int_equal(stage_count(&stage, "kept_bytes"), 0);
    stage_invite(&stage, &first, "four");
    assert_in_range(take_invites(&stage, invites), 2, PHONES - 1);
    stage_ends(&stage);
    stage_destroy(&stage);
}

/* Refused for lack of room for its only branch, it would be kept for 32 s all the same. */
static void test_a_request_with_room_has_room_for_one_branch(void **state)
{
    enum { PHONES = 3 };
    struct stage *stage = *state;
    struct sent *invites[PHONES + 1];
    struct peer caller = stranger(1);
    register_phones(stage, PHONES);
    stage->server->requests_kept.limits.source_bytes = 4000;
    stage_invite(stage, &caller, "one");
    assert_int_equal(take_invites(stage, invites), 1);
    assert_in_range(stage_count(stage, "kept_bytes"), 4000, 8000);
    stage_request(stage, &caller, (struct request){.call = "two"});
    stage_status(stage, &caller, 503);
    stage_ends(stage);
    assert_int_equal(stage_count(stage, "kept_bytes"), 0);
}

/* A call that rings on one phone would keep what all others have answered, 64 kB each. */
static void test_stored_responses_have_a_limit_in_bytes(void **state)
{
    enum { PHONES = 30, LONG = 7000, LIMIT = 131072, ACK = 1000 };
    struct stage *stage = *state;
    struct sent *invites[PHONES + 1];
    char fields[LONG + 16] = "X: ";
    struct peer caller = stranger(1);
    memset(fields + 3, 'x', LONG);
    fields[3 + LONG] = '\n';
    register_phones(stage, PHONES);
    stage_invite(stage, &caller, "one");
    assert_int_equal(take_invites(stage, invites), PHONES);
    const size_t ringing = stage->fake.allocated;
    const int64_t counted = stage_count(stage, "kept_bytes");
    for (unsigned i = 1; i < PHONES; i++)
        stage_refuses(stage, invites[i], 486, fields);
    assert_in_range(stage->fake.allocated - ringing, LIMIT / 2, LIMIT + PHONES * ACK);
    assert_in_range(stage_count(stage, "kept_bytes") - counted, LIMIT / 2, LIMIT);
    stage_refuses(stage, invites[0], 486, NULL);
    stage_ends(stage);
    assert_int_equal(stage_count(stage, "kept_bytes"), 0);
}

/* What a caller has to answer, a challenge for example, needs no room if nothing else is waited for. */
static void test_a_response_that_is_relayed_at_once_needs_no_room(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stranger(1);
    register_phones(stage, 1);
    stage_invite(stage, &caller, "one");
    struct sent *invite = stage_sent(stage, "INVITE ");
    const int64_t ringing = stage_count(stage, "kept_bytes");
    stage->server->requests_kept.limits.source_bytes = 1;
    stage_refuses(stage, invite, 407, "Proxy-Authenticate: Digest realm=\"b\"\n");
    struct sent *up = stage_status(stage, &caller, 407);
    assert_string_equal(sent_header(up, "Proxy-Authenticate", 0), "Digest realm=\"b\"");
    assert_true(stage_count(stage, "kept_bytes") <= ringing + (int64_t)up->length);
    stage_ends(stage);
    assert_int_equal(stage_count(stage, "kept_bytes"), 0);
}

/* A transaction lasts for 32 s after the answer, to absorb repeated ones. */
static void test_an_answered_branch_keeps_no_request(void **state)
{
    enum { LONG = 6000 };
    static const struct {
        const char *method;
        unsigned status;
    } cases[] = {{"INVITE", 486}, {"INVITE", 200}, {"MESSAGE", 404}, {"UNHEARD", 404}};
    struct stage *stage = *state;
    char fields[LONG + 16] = "X: ";
    struct peer caller = stranger(1);
    memset(fields + 3, 'x', LONG);
    fields[3 + LONG] = '\n';
    register_phones(stage, 1);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stage_request(stage, &caller, (struct request){.method = cases[i].method, .cseq = i + 1, .fields = fields});
        if (strcmp(cases[i].method, "INVITE") == 0)
            stage_status(stage, &caller, 100);
        struct sent *sent = stage_sent_to(stage, cases[i].method, 6000);
        const size_t waiting = stage->fake.allocated;
        stage_response(stage, sent, cases[i].status, NULL);
        assert_true(stage->fake.allocated + LONG / 2 < waiting);
        stage_response(stage, sent, cases[i].status, NULL); /* is still recognised */
        assert_int_equal(stage_count(stage, "unmatched"), 0);
        stage_discard(stage);
    }
    stage_ends(stage);
}

/* It repeats what the caller has written, a long Call-ID or the Routes of a Path. */
static void test_a_long_ack_is_repeated_and_counts(void **state)
{
    enum { LONG = 3000 };
    struct stage *stage = *state;
    struct peer caller = stranger(1);
    char call[LONG + 1];
    snprintf(call, sizeof call, "%0*d", LONG, 1);
    register_phones(stage, 1);
    stage_invite(stage, &caller, call);
    struct sent *invite = stage_sent(stage, "INVITE ");
    const int64_t ringing = stage_count(stage, "kept_bytes");
    stage_response(stage, invite, 486, NULL);
    stage_sent(stage, "ACK ");
    assert_in_range(stage_count(stage, "kept_bytes") - ringing, LONG * 3 / 4, LONG * 5 / 4);
    stage_discard(stage);
    stage_response(stage, invite, 486, NULL);
    stage_sent(stage, "ACK ");
    stage_ends(stage);
    assert_int_equal(stage_count(stage, "kept_bytes"), 0);
}

/* Over UDP the caller may repeat the request for 32 s, but the phone its answer only for 5 s. */
static void test_a_client_transaction_counts_until_it_ends(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stranger(1);
    register_phones(stage, 1);
    stage_request(stage, &caller, (struct request){.method = "MESSAGE"});
    stage_response(stage, stage_sent(stage, "MESSAGE "), 200, NULL);
    stage_status(stage, &caller, 200);
    const int64_t answered = stage_count(stage, "kept_bytes");
    stage_advance(stage, 6000);
    assert_int_equal(stage_count(stage, "client_transactions"), 0);
    const int64_t ended = stage_count(stage, "kept_bytes");
    assert_in_range(ended, 3000, answered - 1000);
    stage_ends(stage);
    assert_int_equal(stage_count(stage, "kept_bytes"), 0);
}

static void test_draining_refuses_new_calls_and_lets_old_ones_end(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070), bob = stage_phone(stage, (struct phone){.port = 5080});
    stage_invite(stage, &alice, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    assert_false(server_is_drained(stage->server));
    server_drain(stage->server);
    assert_int_equal(stage_count(stage, "draining"), 1);
    stage_request(stage, &alice, (struct request){.call = "two"});
    stage_status(stage, &alice, 503);
    stage_request(stage, &bob,
                  (struct request){.method = "REGISTER", .uri = "sip:example.com", .call = "r", .to = "bob"});
    stage_status(stage, &bob, 503);
    assert_int_equal(stage_counters(stage)->overloaded, 2);
    stage_response(stage, invite, 200, "Contact: <sip:bob@127.0.0.1:5080>\n");
    struct sent *fine = stage_status(stage, &alice, 200);
    assert_true(server_is_drained(stage->server));
    /* inside the dialog all goes on */
    char fields[256];
    snprintf(fields, sizeof fields, "Route: %s\n", sent_header(fine, "Record-Route", 0));
    stage_request(
        stage, &alice,
        (struct request){
            .method = "BYE", .uri = "sip:bob@127.0.0.1:5080", .to_tag = "p5080", .cseq = 2, .fields = fields});
    struct sent *bye = stage_sent_to(stage, "BYE", 5080);
    assert_false(server_is_drained(stage->server));
    stage_response(stage, bye, 200, NULL);
    stage_status(stage, &alice, 200);
    assert_true(server_is_drained(stage->server));
}

/* --- faults --- */

static void test_a_message_with_a_fault_is_answered_and_counted(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_receive(stage, &alice,
                  "OPTIONS sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKa;rport\n"
                  "Max-Forwards: 70\nFrom: <sip:alice@example.com>;tag=a\nTo: <sip:example.com>\nCall-ID: c\n"
                  "CSeq: 1 INVITE\nContent-Length: 0\n\n");
    stage_status(stage, &alice, 400);
    assert_int_equal(stage_counters(stage)->malformed_answered, 1);
    assert_int_equal(stage_counters(stage)->malformed_dropped, 0);
    assert_int_equal(stage_count(stage, "transactions"), 0);
}

static void test_what_cannot_be_answered_is_dropped_and_counted(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    static const char *const broken[] = {
        "x\n\n", "OPTIONS sip:example.com SIP/2.0\n\n",
        "SIP/2.0 999 Strange\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKa\nFrom: <sip:a@b>;tag=a\n"
        "To: <sip:a@b>;tag=b\nCall-ID: c\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n",
        "ACK sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKa;rport\n"
        "From: <sip:alice@example.com>;tag=a\nTo: <sip:example.com>\nCall-ID: c\nCSeq: 1 INVITE\n"
        "Content-Length: 0\n\n"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        stage_receive(stage, &alice, broken[i]);
        stage_silent(stage);
        assert_int_equal(stage_counters(stage)->malformed_dropped, i + 1);
    }
}

static void test_a_stream_that_cannot_be_cut_is_answered_with_the_status_told(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_tcp(&stage->wire, 5070);
    static const char head[] = "OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5070;branch=z9hG4bKa\r\n"
                               "From: <sip:alice@example.com>;tag=a\r\nTo: <sip:example.com>\r\nCall-ID: c\r\n"
                               "CSeq: 1 OPTIONS\r\nContent-Length: 99999999\r\n\r\n";
    server_received_fault(stage->server, &alice, head, sizeof head - 1, 413);
    stage_status(stage, &alice, 413);
    server_received_fault(stage->server, &alice, "rubbish", 7, 400);
    stage_silent(stage);
    assert_int_equal(stage_counters(stage)->malformed_answered, 1);
    assert_int_equal(stage_counters(stage)->malformed_dropped, 1);
}

/* --- domains --- */

static bool is_own(struct stage *stage, const char *uri)
{
    struct peer alice = fake_udp(5070);
    static unsigned const own = 200;
    char call[32];
    snprintf(call, sizeof call, "own-%u", (unsigned)stage_count(stage, "requests"));
    stage_request(stage, &alice, (struct request){.method = "OPTIONS", .uri = uri, .call = call});
    return sent_status(stage_sent(stage, "SIP/2.0")) == own;
}

static void test_what_is_our_domain(void **state)
{
    struct stage *stage = *state;
    assert_true(is_own(stage, "sip:example.com"));
    assert_true(is_own(stage, "sip:EXAMPLE.com:5060"));
    assert_true(is_own(stage, "sip:127.0.0.1"));
    assert_true(is_own(stage, "sip:127.0.0.1:5060;transport=tcp"));
    assert_false(is_own(stage, "sip:example.com:5061"));
    assert_false(is_own(stage, "sip:example.org"));
    assert_false(is_own(stage, "sip:127.0.0.1:5070"));
    assert_false(is_own(stage, "sip:sub.example.com"));
}

static void test_status_tells_what_stands(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "2", .reg_id = 1});
    stage_advance(stage, 40000);
    stage_invite(stage, &alice, "one");
    struct sent *first = stage_sent(stage, "INVITE");
    stage_sent(stage, "INVITE");
    stage_response(stage, first, 180, NULL);
    assert_int_equal(stage_count(stage, "flows"), 2);
    assert_int_equal(stage_count(stage, "bindings"), 2);
    assert_int_equal(stage_count(stage, "aors"), 1);
    assert_int_equal(stage_count(stage, "transactions"), 1);
    assert_int_equal(stage_count(stage, "client_transactions"), 2);
    assert_int_equal(stage_count(stage, "unanswered"), 1);
    assert_int_equal(stage_count(stage, "response_contexts"), 1);
    assert_int_equal(stage_count(stage, "resting"), 0);
    assert_int_equal(stage_count(stage, "draining"), 0);
    assert_int_equal(stage_count(stage, "branches"), 2);
    assert_int_equal(stage_count(stage, "forward"), 1);
}

static void test_no_memory_for_the_server(void **state)
{
    struct stage stage;
    (void)state;
    for (uint64_t call = 1; call < 50; call++) {
        stage_create(&stage);
        stage.fake.fail_after = stage.fake.calls + call;
        int error = server_new(&stage.server, &stage.config);
        stage.fake.fail_after = 0;
        stage_destroy(&stage);
        if (error == 0) {
            assert_true(call > 5);
            return;
        }
    }
    fail_msg("no server with fifty allocations");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_options_to_the_server_itself),
        TEST(test_response_goes_to_the_port_of_the_via_without_rport),
        TEST(test_a_retransmission_gets_the_same_response),
        TEST(test_3261_16_7_a_a_response_without_transaction_is_dropped),
        TEST(test_no_hops_left),
        TEST(test_one_hop_less),
        TEST(test_a_proxy_require_is_not_supported),
        TEST(test_sips_over_an_open_transport_is_refused_whatever_a_policy_says),
        TEST(test_a_long_request_uri_is_routed_like_any_other),
        TEST(test_strangers_do_not_reach_elsewhere),
        TEST(test_a_loop_is_refused_and_a_spiral_is_not),
        TEST(test_another_request_of_the_call_is_no_loop),
        TEST(test_3261_9_a_cancel_of_nothing),
        TEST(test_3261_9_a_cancel_after_the_final_changes_nothing),
        cmocka_unit_test(test_too_many_transactions),
        cmocka_unit_test(test_requests_that_are_kept_have_a_limit_in_bytes),
        cmocka_unit_test(test_branches_count_as_bytes_that_are_kept),
        cmocka_unit_test_setup_teardown(test_stored_responses_have_a_limit_in_bytes, stage_setup, stage_teardown),
        TEST(test_a_request_with_room_has_room_for_one_branch),
        TEST(test_a_response_that_is_relayed_at_once_needs_no_room),
        cmocka_unit_test_setup_teardown(test_an_answered_branch_keeps_no_request, stage_setup, stage_teardown),
        TEST(test_a_long_ack_is_repeated_and_counts),
        TEST(test_a_client_transaction_counts_until_it_ends),
        TEST(test_draining_refuses_new_calls_and_lets_old_ones_end),
        TEST(test_a_message_with_a_fault_is_answered_and_counted),
        TEST(test_what_cannot_be_answered_is_dropped_and_counted),
        TEST(test_a_stream_that_cannot_be_cut_is_answered_with_the_status_told),
        TEST(test_what_is_our_domain),
        TEST(test_status_tells_what_stands),
        cmocka_unit_test(test_no_memory_for_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
