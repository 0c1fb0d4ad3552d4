// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <errno.h>

/* What time does to a call: timers B and C, the repeated refusal; and the addresses of a name. Alice is the caller, at
 * 5070. */

enum { T1_64 = 32000, TIMER_C = 185000, FOREVER = 400000 };

/* --- timers --- */

static void test_3261_16_7_f_nothing_received_is_408_after_64_t1(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    uint64_t start = stage->fake.now_ms;
    static const unsigned instants[] = {0, 500, 1500, 3500, 7500, 15500, 31500};
    stage_advance(stage, T1_64);
    for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++)
        assert_int_equal(stage_sent(stage, "INVITE")->at_ms - start, instants[i]);
    assert_int_equal(stage_hears(stage, 408)->at_ms - start, T1_64);
    stage_ends(stage);
}

static void test_3261_16_7_b_a_100_stays_here_and_leaves_timer_c(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 100, NULL);
    stage_silent(stage);
    stage_advance(stage, TIMER_C - 10);
    stage_response(stage, invite, 100, NULL);
    stage_advance(stage, 9);
    stage_silent(stage);
    stage_advance(stage, 1);
    stage_sent_to(stage, "CANCEL", 5080);
    stage_hears(stage, 408);
}

static void test_3261_16_7_b_a_provisional_goes_up_at_once_and_starts_timer_c_anew(void **state)
{
    struct stage *stage = *state;
    static const unsigned provisionals[] = {180, 181, 183, 199, 180};
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    for (size_t i = 0; i < 5; i++) {
        stage_response(stage, invite, provisionals[i], NULL);
        stage_hears(stage, provisionals[i]);
        stage_advance(stage, TIMER_C - 1);
        stage_silent(stage);
    }
    stage_advance(stage, 1);
    struct sent *cancel = stage_sent_to(stage, "CANCEL", 5080);
    stage_hears(stage, 408);
    stage_response(stage, cancel, 200, NULL);
    stage_refuses(stage, invite, 487, NULL);
    stage_silent(stage);
    stage_ends(stage);
}

static void test_timer_c_as_configured(void **state)
{
    struct stage stage;
    (void)state;
    stage_create(&stage);
    stage.config.timer_c_ms = 7000;
    stage_open(&stage);
    stage_phone(&stage, (struct phone){.port = 5080});
    stage_call(&stage, "one");
    struct sent *invite = stage_sent(&stage, "INVITE");
    stage_response(&stage, invite, 180, NULL);
    stage_hears(&stage, 180);
    stage_advance(&stage, 7000);
    stage_sent_to(&stage, "CANCEL", 5080);
    stage_hears(&stage, 408);
    stage_destroy(&stage);
}

/* 6026: what comes after timer C has given up is still a call. */
static void test_3261_16_7_c_a_2xx_after_timer_c(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_advance(stage, TIMER_C);
    stage_sent_to(stage, "CANCEL", 5080);
    stage_hears(stage, 408);
    stage_response(stage, invite, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

/* The caller's server transaction: timer G repeats the refusal until the ACK, H gives up. */
static void test_the_refusal_is_repeated_until_the_ack(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stage_alice();
    stage_phone(stage, (struct phone){.port = 5080, .tcp = true});
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 486, NULL);
    stage_advance(stage, 2000);
    for (int i = 0; i < 3; i++)
        stage_hears(stage, 486);
    stage_request(stage, &caller, (struct request){.method = "ACK", .to_tag = "p5080"});
    stage_advance(stage, 10000);
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "transactions"), 0);
}

/* --- names --- */

static const uint16_t three_addresses[] = {5091, 5092, 5093, 0};

static void relay_to_name(struct stage *stage)
{
    stage_script(stage, "sip_on_request(function(r) return sip_relay('sip:bob@trunk.example.net:5091') end)\n");
    stage_call(stage, "one");
    stage_silent(stage);
}

static void test_3263_4_3_a_the_next_address_after_a_503_a_dead_send_and_silence(void **state)
{
    struct stage *stage = *state;
    struct peer refusing = fake_udp(5092);
    fake_wire_refuse(&stage->wire, &refusing, -EHOSTUNREACH);
    relay_to_name(stage);
    fake_wire_resolve(&stage->wire, "trunk.example.net", three_addresses);
    struct sent *first = stage_sent_to(stage, "INVITE", 5091);
    stage_refuses(stage, first, 503, NULL);
    stage_advance(stage, 0);
    struct sent *third = stage_sent_to(stage, "INVITE", 5093);
    uint64_t at = third->at_ms;
    stage_advance(stage, T1_64);
    for (int i = 0; i < 6; i++)
        stage_sent_to(stage, "INVITE", 5093);
    assert_int_equal(stage_hears(stage, 408)->at_ms - at, T1_64);
    stage_ends(stage);
}

static void test_3263_4_3_a_silence_leads_to_the_next_address(void **state)
{
    struct stage *stage = *state;
    relay_to_name(stage);
    fake_wire_resolve(&stage->wire, "trunk.example.net", (const uint16_t[]){5091, 5092, 0});
    stage_advance(stage, T1_64);
    for (int i = 0; i < 7; i++)
        stage_sent_to(stage, "INVITE", 5091);
    struct sent *second = stage_sent_to(stage, "INVITE", 5092);
    stage_response(stage, second, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

/* 3263-4.a: the transport of a branch is that of the place. */
static void test_3263_4_a_each_place_has_its_transport(void **state)
{
    struct stage *stage = *state;
    const struct place places[] = {fake_place(TRANSPORT_TLS, 5093), fake_place(TRANSPORT_TCP, 5091),
                                   fake_place(TRANSPORT_UDP, 5092)};
    stage_script(stage, "sip_on_request(function(r) return sip_relay('sip:bob@trunk.example.net') end)\n");
    stage_call(stage, "one");
    const struct locate_query *query = &stage->wire.lookups[0].query;
    assert_int_equal(query->port, 0);
    assert_int_equal(query->transport, TRANSPORT_COUNT);
    assert_int_equal(query->callable, 1U << TRANSPORT_UDP | 1U << TRANSPORT_TCP);
    assert_false(query->secure);
    /* There is no listener for TLS. */
    fake_wire_locate(&stage->wire, "trunk.example.net", places, 3);
    struct sent *first = stage_sent_to(stage, "INVITE", 5091);
    assert_int_equal(first->peer.transport, TRANSPORT_TCP);
    assert_memory_equal(sent_header(first, "Via", 0), "SIP/2.0/TCP ", 12);
    stage_refuses(stage, first, 503, NULL);
    struct sent *second = stage_sent_to(stage, "INVITE", 5092);
    assert_int_equal(second->peer.transport, TRANSPORT_UDP);
    assert_memory_equal(sent_header(second, "Via", 0), "SIP/2.0/UDP ", 12);
    stage_response(stage, second, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

static void test_3263_4_a_the_requests_of_a_call_have_one_selection(void **state)
{
    static const char *const calls[] = {"one", "two", "one"};
    struct stage *stage = *state;
    stage_script(stage, "sip_on_request(function(r) return sip_relay('sip:bob@trunk.example.net') end)\n");
    for (size_t i = 0; i < 3; i++) {
        struct peer alice = stage_alice();
        char branch[32];
        snprintf(branch, sizeof branch, "z9hG4bKs%zu", i);
        stage_request(
            stage, &alice,
            (struct request){.method = "OPTIONS", .uri = "sip:bob@example.com", .call = calls[i], .branch = branch});
    }
    assert_int_equal(stage->wire.lookups[0].query.selection, stage->wire.lookups[2].query.selection);
    assert_int_not_equal(stage->wire.lookups[0].query.selection, stage->wire.lookups[1].query.selection);
    fake_wire_answer_all(&stage->wire);
}

/* For the lookups of the policy's names (names.h). A caller chooses the host of the Request-URI, and a phone that of
   its Contact. */
static void test_what_the_policy_alone_has_named_is_chosen(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    stage_script(stage, "sip_on_request('OPTIONS', function(r)\n"
                        "  return sip_relay('sip:bob@' .. (r.uri:match '@(.*)$' or 'trunk.example.net'))\n"
                        "end)\n"
                        "sip_on_request('INFO', function() return sip_forward('sip:trunk.example.net') end)\n");
    static const struct {
        const char *method, *uri;
        bool chosen;
    } requests[] = {{"OPTIONS", "sip:other.example.net", true},
                    {"OPTIONS", "sip:bob@other.example.net", false},
                    {"INFO", "sip:bob@other.example.net", true}};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        stage_request(stage, &alice,
                      (struct request){.method = requests[i].method, .uri = requests[i].uri, .cseq = (unsigned)i + 1});
        assert_int_equal(stage->wire.lookup_count, i + 1);
        assert_int_equal(stage->wire.lookups[i].query.chosen, requests[i].chosen);
    }
    fake_wire_answer_all(&stage->wire);
}

static void test_3263_4_3_a_never_after_another_answer(void **state)
{
    struct stage *stage = *state;
    relay_to_name(stage);
    fake_wire_resolve(&stage->wire, "trunk.example.net", three_addresses);
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), 486, NULL);
    stage_hears(stage, 486);
    stage_silent(stage);
}

static void test_a_name_without_address_is_a_503(void **state)
{
    struct stage *stage = *state;
    relay_to_name(stage);
    fake_wire_resolve(&stage->wire, "trunk.example.net", (const uint16_t[]){0});
    stage_advance(stage, 0);
    stage_hears(stage, 500);
    stage_ends(stage);
}

static void test_a_resolver_that_refuses_is_a_503(void **state)
{
    struct stage *stage = *state;
    stage->wire.locate_error = -EMFILE;
    relay_to_name(stage);
    stage_advance(stage, 0);
    stage_hears(stage, 500);
    stage_ends(stage);
}

static void test_3261_9_a_a_call_cancelled_while_its_name_is_looked_up(void **state)
{
    struct stage *stage = *state;
    relay_to_name(stage);
    stage_cancels(stage);
    stage_advance(stage, 0);
    fake_wire_resolve(&stage->wire, "trunk.example.net", three_addresses);
    stage_advance(stage, 0);
    stage_hears(stage, 487);
    stage_silent(stage);
    stage_ends(stage);
}

/* The answer of the resolver comes when nobody waits any more: nothing is sent, nothing stays. */
static void test_a_name_that_is_resolved_after_all_is_over(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_receive(stage, &(struct peer){.transport = TRANSPORT_UDP, .address = stage_alice().address},
                  "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKr;rport\n"
                  "Via: SIP/2.0/UDP phone.example.net;branch=z9hG4bKq\n"
                  "Max-Forwards: 70\nFrom: <sip:bob@example.com>;tag=b\nTo: <sip:bob@example.com>\nCall-ID: reg\n"
                  "CSeq: 1 REGISTER\nContact: <sip:bob@phone.example.net>\nContent-Length: 0\n\n");
    stage_hears(stage, 200);
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_response(stage, invite, 200, NULL);
    stage_hears(stage, 200);
    stage_advance(stage, FOREVER);
    assert_int_equal(stage_count(stage, "transactions"), 0);
    fake_wire_resolve(&stage->wire, "phone.example.net", three_addresses);
    stage_ends(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_3261_16_7_f_nothing_received_is_408_after_64_t1),
        TEST(test_3261_16_7_b_a_100_stays_here_and_leaves_timer_c),
        TEST(test_3261_16_7_b_a_provisional_goes_up_at_once_and_starts_timer_c_anew),
        cmocka_unit_test(test_timer_c_as_configured),
        TEST(test_3261_16_7_c_a_2xx_after_timer_c),
        TEST(test_the_refusal_is_repeated_until_the_ack),
        TEST(test_3263_4_3_a_the_next_address_after_a_503_a_dead_send_and_silence),
        TEST(test_3263_4_3_a_silence_leads_to_the_next_address),
        TEST(test_3263_4_a_each_place_has_its_transport),
        TEST(test_3263_4_a_the_requests_of_a_call_have_one_selection),
        TEST(test_what_the_policy_alone_has_named_is_chosen),
        TEST(test_3263_4_3_a_never_after_another_answer),
        TEST(test_a_name_without_address_is_a_503),
        TEST(test_a_resolver_that_refuses_is_a_503),
        TEST(test_3261_9_a_a_call_cancelled_while_its_name_is_looked_up),
        TEST(test_a_name_that_is_resolved_after_all_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
