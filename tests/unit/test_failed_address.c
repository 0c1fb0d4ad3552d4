// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"
#include "standalone/server/server_private.h"
#include "flow/target.h"
#include "standalone/server/failed_address.h"
#include "standalone/server/rest.h"

#include <errno.h>

/*
 * A dead address among several is not asked for each call again: it is tried last until a probe is answered
 * (3263-4.3.a, 3263-4.3.b). The trunk has the name trunk.example.net and addresses at 5091 and 5092.
 */

enum { T1_64 = 32000, FIRST_PROBE_MS = 1000, ANSWER_MS = 4000, WAIT_MOST_MS = 60000, KEPT_MS = 86400000 };

static const uint16_t both[] = {5091, 5092, 0};

static int setup(void **state)
{
    struct stage *stage = stage_begin(state);
    stage->config.rest_silent = 30;
    stage_open(stage);
    stage_script(stage, "sip_on_request('INVITE', function() return sip_relay('sip:1@trunk.example.net:5091') end)\n");
    return 0;
}

static int setup_tcp(void **state)
{
    if (setup(state) != 0)
        return -1;
    stage_script(*state, "sip_on_request('INVITE', function() return sip_relay("
                         "'sip:1@trunk.example.net:5091;transport=tcp') end)\n");
    return 0;
}

/* It can call by every transport. */
static int setup_tls(void **state)
{
    struct stage *stage = stage_begin(state);
    stage_listen_by_every_transport(stage);
    stage->config.rest_silent = 30;
    stage_open(stage);
    stage_script(stage, "sip_on_request('INVITE', function(_, c) return sip_relay(c.aor:find 'other' and "
                        "'sip:1@other.example.org;transport=tls' or 'sip:1@trunk.example.net;transport=tls') end)\n");
    return 0;
}

static void calls(struct stage *stage, const char *call)
{
    stage_call(stage, call);
    fake_wire_resolve(&stage->wire, "trunk.example.net", both);
}

/* The call is made, and answered by the trunk at this port, which is the first that gets it. */
static void taken_at_once(struct stage *stage, const char *call, uint16_t port)
{
    calls(stage, call);
    stage_response(stage, stage_sent_to(stage, "INVITE", port), 200, NULL);
    stage_hears(stage, 200);
}

/* The oldest message to this port; others are discarded. */
static struct sent *next_probe(struct stage *stage, uint64_t most_ms)
{
    struct sent *sent;
    for (uint64_t ms = 0; ms <= most_ms; ms += 100) {
        while ((sent = fake_wire_take(&stage->wire)) != NULL)
            if (sent_starts(sent, "OPTIONS "))
                return sent;
        stage_advance(stage, 100);
    }
    fail_msg("no probe was sent");
    return NULL;
}

static void first_is_silent(struct stage *stage)
{
    calls(stage, "one");
    stage_advance(stage, T1_64);
    for (int i = 0; i < 7; i++)
        stage_sent_to(stage, "INVITE", 5091);
    stage_response(stage, stage_sent_to(stage, "INVITE", 5092), 200, NULL);
    stage_hears(stage, 200);
    assert_int_equal(stage_count(stage, "failed_addresses"), 1);
}

static void test_3263_4_3_b_no_call_waits_for_a_silent_address_again(void **state)
{
    struct stage *stage = *state;
    char call[16];
    first_is_silent(stage);
    for (int i = 0; i < 12; i++) { /* ten minutes, in which no probe is answered */
        snprintf(call, sizeof call, "c%d", i);
        taken_at_once(stage, call, 5092);
        stage_advance(stage, 50000);
        stage_discard(stage);
    }
    assert_int_equal(stage_count(stage, "failed_addresses"), 1);
    assert_true(stage_count(stage, "address_probes") > 10);
    assert_true(stage_count(stage, "address_probes") < 25);
}

static void test_3263_4_3_b_an_answered_probe_ends_the_rest(void **state)
{
    static const unsigned answers[] = {200, 404, 483, 503};
    struct stage *stage = *state;
    for (size_t i = 0; i < 4; i++) {
        first_is_silent(stage);
        struct sent *probe = next_probe(stage, FIRST_PROBE_MS);
        assert_int_equal(sent_port(probe), 5091);
        assert_true(sent_starts(probe, "OPTIONS sip:trunk.example.net:5091 SIP/2.0"));
        assert_string_equal(sent_header(probe, "Max-Forwards", 0), "70");
        stage_response(stage, probe, answers[i], NULL);
        assert_int_equal(stage_count(stage, "failed_addresses"), 0);
        taken_at_once(stage, "two", 5091);
        stage_ends(stage);
    }
}

static void test_3263_4_3_b_the_probes_become_rarer(void **state)
{
    struct stage *stage = *state;
    first_is_silent(stage);
    uint64_t last = next_probe(stage, FIRST_PROBE_MS)->at_ms, wait = 2000;
    for (int i = 0; i < 12; i++) {
        stage_advance(stage, ANSWER_MS); /* and its retransmissions */
        stage_discard(stage);
        uint64_t at = next_probe(stage, wait)->at_ms;
        assert_in_range(at - last, ANSWER_MS + wait / 2, ANSWER_MS + wait);
        last = at;
        wait = wait < WAIT_MOST_MS / 2 ? 2 * wait : WAIT_MOST_MS;
    }
}

static void test_3263_4_3_b_an_address_that_nobody_wants_is_forgotten(void **state)
{
    struct stage *stage = *state;
    first_is_silent(stage);
    for (int hour = 0; hour < 24; hour++) {
        stage_advance(stage, KEPT_MS / 24);
        stage_discard(stage);
    }
    stage_advance(stage, WAIT_MOST_MS + ANSWER_MS);
    stage_discard(stage);
    assert_int_equal(stage_count(stage, "failed_addresses"), 0);
    int64_t probes = stage_count(stage, "address_probes");
    stage_advance(stage, KEPT_MS / 24);
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "address_probes"), probes);
}

static void test_3263_4_3_a_a_503_lets_the_next_call_begin_with_the_other(void **state)
{
    struct stage *stage = *state;
    calls(stage, "one");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), 503, NULL);
    stage_response(stage, stage_sent_to(stage, "INVITE", 5092), 200, NULL);
    stage_hears(stage, 200);
    taken_at_once(stage, "two", 5092);
    assert_int_equal(stage_count(stage, "silent"), 0);
    stage_response(stage, next_probe(stage, FIRST_PROBE_MS), 200, NULL);
    taken_at_once(stage, "three", 5091);
}

/* There is nothing else to try, so that a probe would be of no use. */
static void test_3263_4_3_b_a_503_of_an_address_without_a_name_is_not_probed(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_request('INVITE', function() return sip_relay('sip:1@127.0.0.1:5091') end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), 503, NULL);
    stage_hears(stage, 500);
    assert_int_equal(stage_count(stage, "failed_addresses"), 0);
}

/* Nothing is sent there, not even a probe; then it is the first again. */
static void test_3261_21_5_4_a_a_503_with_retry_after_is_a_rest(void **state)
{
    struct stage *stage = *state;
    calls(stage, "one");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), 503, "Retry-After: 60\n");
    stage_response(stage, stage_sent_to(stage, "INVITE", 5092), 200, NULL);
    stage_hears(stage, 200);
    assert_int_equal(stage_count(stage, "failed_addresses"), 0);
    assert_int_equal(stage_count(stage, "resting"), 1);
    calls(stage, "two");
    stage_advance(stage, 0);
    stage_response(stage, stage_sent_to(stage, "INVITE", 5092), 200, NULL);
    stage_hears(stage, 200);
    stage_advance(stage, 59999);
    stage_discard(stage);
    assert_int_equal(stage_count(stage, "address_probes"), 0);
    stage_advance(stage, 1);
    taken_at_once(stage, "three", 5091);
}

static void test_3263_4_3_a_another_answer_is_no_failure(void **state)
{
    static const unsigned answers[] = {408, 480, 486, 500, 504, 603};
    struct stage *stage = *state;
    for (size_t i = 0; i < 6; i++) {
        calls(stage, "one");
        stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), answers[i], NULL);
        stage_hears(stage, answers[i]);
        assert_int_equal(stage_count(stage, "failed_addresses"), 0);
        stage_ends(stage);
    }
}

static void test_3263_4_3_a_an_unreachable_address_is_tried_last(void **state)
{
    struct stage *stage = *state;
    struct peer first = fake_udp(5091);
    fake_wire_refuse(&stage->wire, &first, -EHOSTUNREACH);
    calls(stage, "one");
    stage_advance(stage, 0);
    stage_response(stage, stage_sent_to(stage, "INVITE", 5092), 200, NULL);
    stage_hears(stage, 200);
    taken_at_once(stage, "two", 5092);
    assert_int_equal(stage_count(stage, "silences"), 0);
    stage_advance(stage, FIRST_PROBE_MS); /* the probe cannot be sent either */
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "failed_addresses"), 1);
    fake_wire_refuse(&stage->wire, &first, 0);
    stage_response(stage, next_probe(stage, 4000), 200, NULL);
    taken_at_once(stage, "three", 5091);
}

static void test_3263_4_3_a_an_icmp_error_is_a_failure(void **state)
{
    struct stage *stage = *state;
    calls(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5091);
    server_datagram_returned(stage->server, &invite->peer, (struct text){invite->bytes, invite->length});
    stage_response(stage, stage_sent_to(stage, "INVITE", 5092), 200, NULL);
    stage_hears(stage, 200);
    taken_at_once(stage, "two", 5092);
}

/* Refused, unanswered, or a TLS handshake that failed. */
static void test_3263_4_3_a_a_connection_that_does_not_open_is_a_failure(void **state)
{
    static const char *const reasons[] = {FLOW_UNOPENED, FLOW_REFUSED, "tls", "closed", "write"};
    struct stage *stage = *state;
    for (size_t i = 0; i < 5; i++) {
        calls(stage, "one");
        struct sent *first = stage_sent_to(stage, "INVITE", 5091);
        fake_wire_close(&stage->wire, first->peer.connection);
        server_flow_down(stage->server, first->peer.connection, reasons[i]);
        stage_response(stage, stage_sent_to(stage, "INVITE", 5092), 200, NULL);
        stage_hears(stage, 200);
        taken_at_once(stage, "two", 5092);
        struct sent *probe = next_probe(stage, FIRST_PROBE_MS);
        assert_true(sent_starts(probe, "OPTIONS sip:trunk.example.net:5091;transport=tcp SIP/2.0"));
        assert_int_not_equal(probe->peer.connection, first->peer.connection);
        stage_response(stage, probe, 200, NULL);
        taken_at_once(stage, "three", 5091);
        stage_ends(stage);
    }
}

/* The server at this place opens a connection that must prove `domain`. */
static struct sent *goes_to(struct stage *stage, uint16_t port, const char *domain)
{
    struct sent *sent = stage_sent_to(stage, "INVITE", port);
    assert_int_equal(sent->peer.transport, TRANSPORT_TLS);
    assert_string_equal(stage->wire.connections[sent->peer.connection - 1].domain, domain);
    return sent;
}

static void is_located(struct stage *stage, const char *host)
{
    const struct place places[] = {fake_place(TRANSPORT_TLS, 5091), fake_place(TRANSPORT_TLS, 5092)};
    fake_wire_locate(&stage->wire, host, places, 2);
}

/* SRV led to these places. Each must prove the name that was asked for; one that does not is left for the next one, and
   for calls to this name alone. */
static void test_5922_7_a_each_place_must_prove_the_domain_that_was_asked_for(void **state)
{
    struct stage *stage = *state;
    stage_call(stage, "one");
    is_located(stage, "trunk.example.net");
    struct sent *first = goes_to(stage, 5091, "trunk.example.net");
    fake_wire_close(&stage->wire, first->peer.connection);
    server_flow_down(stage->server, first->peer.connection, "tls");
    goes_to(stage, 5092, "trunk.example.net");
    stage_call(stage, "two");
    is_located(stage, "trunk.example.net");
    goes_to(stage, 5092, "trunk.example.net");
    struct sent *probe = next_probe(stage, FIRST_PROBE_MS);
    assert_string_equal(stage->wire.connections[probe->peer.connection - 1].domain, "trunk.example.net");
    assert_true(sent_starts(probe, "OPTIONS sip:trunk.example.net;transport=tls SIP/2.0"));
    struct peer alice = stage_alice();
    stage_request(stage, &alice, (struct request){.call = "three", .uri = "sip:other@example.com"});
    stage_hears(stage, 100);
    is_located(stage, "other.example.org");
    goes_to(stage, 5091, "other.example.org");
}

/* If all have failed, the one that may at least answer quickly is tried before the silent one. */
static void test_3263_4_3_b_no_address_is_left_out(void **state)
{
    struct stage *stage = *state;
    first_is_silent(stage);
    calls(stage, "two");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5092), 503, NULL);
    stage_response(stage, stage_sent_to(stage, "INVITE", 5091), 503, NULL);
    stage_discard(stage);
    assert_int_equal(stage_count(stage, "failed_addresses"), 2);
    assert_int_equal(stage_count(stage, "silent"), 0); /* a 503 is an answer */
    calls(stage, "three");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), 503, NULL);
    stage_sent_to(stage, "INVITE", 5092);
}

/* What fails is the address. */
static void test_3263_4_3_b_the_name_is_silent_until_any_of_its_addresses_answers(void **state)
{
    struct stage *stage = *state;
    struct target target = {.uri = TEXT("sip:1@trunk.example.net:5091"), .by_policy = true};
    first_is_silent(stage);
    assert_false(silence_is_on(stage->server, &target));
    calls(stage, "two");
    stage_advance(stage, 2 * T1_64);
    assert_true(silence_is_on(stage->server, &target));
    stage_advance(stage, 600000); /* longer than any rest */
    stage_discard(stage);
    assert_true(silence_is_on(stage->server, &target));
    stage_response(stage, next_probe(stage, WAIT_MOST_MS + ANSWER_MS), 200, NULL);
    assert_false(silence_is_on(stage->server, &target));
    assert_int_equal(stage_count(stage, "failed_addresses"), 1);
}

/* sip_route's next_after calls another target, which says nothing about the first one. Its transaction ends after 32
   seconds, and only that is silence. */
static void test_3263_4_3_b_a_shorter_time_of_the_policy_is_no_failure(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_request('INVITE', function() return sip_route{next_after = 5} end)\n");
    stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.9"});
    stage_phone(stage, (struct phone){.port = 5081, .more = ";q=0.1"});
    stage_call(stage, "one");
    stage_advance(stage, 5000);
    struct sent *sent;
    while ((sent = fake_wire_take(&stage->wire)) != NULL && sent_port(sent) != 5081)
        continue;
    stage_response(stage, sent, 200, NULL);
    stage_hears(stage, 200);
    assert_int_equal(stage_count(stage, "silent"), 0);
    stage_advance(stage, T1_64 - 5000);
    assert_int_equal(stage_count(stage, "silent"), 1);
}

/* Strangers name the addresses of Contacts: those are not probed, and the rest ends by its time. */
static void test_3263_4_3_b_what_a_stranger_named_is_not_probed(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "");
    stage_receive(stage, &(struct peer){.transport = TRANSPORT_UDP, .address = stage_alice().address},
                  "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKr;rport\n"
                  "Via: SIP/2.0/UDP phone.example.net;branch=z9hG4bKq\n"
                  "Max-Forwards: 70\nFrom: <sip:bob@example.com>;tag=b\nTo: <sip:bob@example.com>\nCall-ID: reg\n"
                  "CSeq: 1 REGISTER\nContact: <sip:bob@phone.example.net>\nContent-Length: 0\n\n");
    stage_hears(stage, 200);
    stage_call(stage, "one");
    fake_wire_resolve(&stage->wire, "phone.example.net", both);
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), 503, NULL);
    stage_response(stage, stage_sent_to(stage, "INVITE", 5092), 200, NULL);
    stage_hears(stage, 200);
    assert_int_equal(stage_count(stage, "failed_addresses"), 0);
    stage_call(stage, "two");
    fake_wire_resolve(&stage->wire, "phone.example.net", both);
    stage_response(stage, stage_sent_to(stage, "INVITE", 5092), 200, NULL);
    stage_hears(stage, 200);
    stage_advance(stage, 30000);
    stage_discard(stage);
    assert_int_equal(stage_count(stage, "address_probes"), 0);
    stage_call(stage, "three");
    fake_wire_resolve(&stage->wire, "phone.example.net", both);
    stage_sent_to(stage, "INVITE", 5091);
}

static void test_3263_4_3_b_no_more_than_the_most_are_probed(void **state)
{
    struct stage *stage = *state;
    char call[16];
    struct sent *sent;
    stage_script(stage,
                 "sip_on_request('MESSAGE', function(r) return sip_relay('sip:1@127.0.1.1:' .. r.call_id) end)\n");
    for (unsigned i = 0; i < FAILED_MOST + 76; i++) {
        snprintf(call, sizeof call, "%u", 6000 + i);
        struct peer caller = fake_udp((uint16_t)(20000 + i));
        stage_request(stage, &caller, (struct request){.method = "MESSAGE", .call = call});
    }
    stage_advance(stage, T1_64);
    stage_discard(stage);
    assert_int_equal(stage_count(stage, "silences"), FAILED_MOST + 76);
    assert_int_equal(stage_count(stage, "failed_addresses"), FAILED_MOST);
    assert_int_equal(stage_count(stage, "silent"), FAILED_MOST);
    stage_advance(stage, FIRST_PROBE_MS); /* all are due, and no more than 64 are on the way */
    assert_int_equal(stage_count(stage, "address_probes"), 64);
    for (int i = 0; i < 3000 && stage_count(stage, "failed_addresses") > 0; i++) {
        stage_advance(stage, 100);
        while ((sent = fake_wire_take(&stage->wire)) != NULL)
            if (sent_starts(sent, "OPTIONS "))
                stage_response(stage, sent, 200, NULL);
    }
    assert_int_equal(stage_count(stage, "failed_addresses"), 0);
    assert_int_equal(stage_count(stage, "silent"), 0);
}

/* An edge sends everything to its registrar, by the policy's word. */
static void test_3263_4_3_b_an_edge_forgets_no_dead_registrar(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_request(function() return sip_forward('sip:trunk.example.net:5091') end)\n");
    first_is_silent(stage);
    taken_at_once(stage, "two", 5092);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_3263_4_3_b_no_call_waits_for_a_silent_address_again),
        TEST(test_3263_4_3_b_an_answered_probe_ends_the_rest),
        TEST(test_3263_4_3_b_the_probes_become_rarer),
        TEST(test_3263_4_3_b_an_address_that_nobody_wants_is_forgotten),
        TEST(test_3263_4_3_a_a_503_lets_the_next_call_begin_with_the_other),
        TEST(test_3263_4_3_b_a_503_of_an_address_without_a_name_is_not_probed),
        TEST(test_3261_21_5_4_a_a_503_with_retry_after_is_a_rest),
        TEST(test_3263_4_3_a_another_answer_is_no_failure),
        TEST(test_3263_4_3_a_an_unreachable_address_is_tried_last),
        TEST(test_3263_4_3_a_an_icmp_error_is_a_failure),
        cmocka_unit_test_setup_teardown(test_3263_4_3_a_a_connection_that_does_not_open_is_a_failure, setup_tcp,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_5922_7_a_each_place_must_prove_the_domain_that_was_asked_for, setup_tls,
                                        stage_teardown),
        TEST(test_3263_4_3_b_no_address_is_left_out),
        TEST(test_3263_4_3_b_the_name_is_silent_until_any_of_its_addresses_answers),
        TEST(test_3263_4_3_b_a_shorter_time_of_the_policy_is_no_failure),
        TEST(test_3263_4_3_b_what_a_stranger_named_is_not_probed),
        TEST(test_3263_4_3_b_no_more_than_the_most_are_probed),
        TEST(test_3263_4_3_b_an_edge_forgets_no_dead_registrar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
