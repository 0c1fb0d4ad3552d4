// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <errno.h>

/* Calls: forking, q classes, flows of an instance, CANCEL, timers. Alice is the caller, at 5070. */

enum { T1_64 = 32000, TIMER_C = 185000, FOREVER = 400000 };

static struct peer alice(void)
{
    return fake_udp(5070);
}

/* A response that the phone's transaction acknowledges. */
static void refuses(struct stage *stage, struct sent *invite, unsigned status, const char *fields)
{
    stage_response(stage, invite, status, fields);
    stage_sent_to(stage, "ACK", sent_port(invite));
}

static void call_alice(struct stage *stage, const char *call)
{
    struct peer caller = alice();
    stage_invite(stage, &caller, call);
}

static struct sent *alice_hears(struct stage *stage, unsigned status)
{
    struct peer caller = alice();
    return stage_status(stage, &caller, status);
}

static void alice_cancels(struct stage *stage)
{
    struct peer caller = alice();
    stage_request(stage, &caller, (struct request){.method = "CANCEL"});
    assert_string_equal(sent_header(alice_hears(stage, 200), "CSeq", 0), "1 CANCEL");
}

static size_t bound(const struct stage *stage)
{
    return binding_count(server_bindings(stage->server));
}

/* Nothing is left of what was, when the time is over. */
static void all_ends(struct stage *stage)
{
    stage_advance(stage, FOREVER);
    stage_discard(stage);
    stage_advance(stage, FOREVER);
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "transactions"), 0);
    assert_int_equal(stage_count(stage, "client_transactions"), 0);
    assert_int_equal(stage_count(stage, "response_contexts"), 0);
    assert_int_equal(stage_count(stage, "unanswered"), 0);
}

/* --- forking --- */

static void test_one_q_class_rings_together_and_the_first_2xx_wins(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    call_alice(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    assert_true(sent_starts(first, "INVITE sip:bob@127.0.0.1:5080 SIP/2.0\r\n"));
    assert_int_equal(sent_count(first, "Via"), 2);
    stage_response(stage, first, 180, NULL);
    assert_int_equal(sent_count(alice_hears(stage, 180), "Via"), 1);
    stage_response(stage, second, 183, NULL);
    alice_hears(stage, 183);
    stage_response(stage, second, 200, NULL);
    alice_hears(stage, 200);
    struct sent *cancel = stage_sent_to(stage, "CANCEL", 5080);
    assert_string_equal(sent_header(cancel, "Via", 0), sent_header(first, "Via", 0));
    stage_response(stage, cancel, 200, NULL);
    refuses(stage, first, 487, NULL);
    stage_silent(stage);
    all_ends(stage);
}

static void test_lower_q_classes_wait_their_turn(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.3"});
    stage_phone(stage, (struct phone){.port = 5081, .more = ";q=0.9"});
    stage_phone(stage, (struct phone){.port = 5082, .more = ";q=0.3"});
    call_alice(stage, "one");
    struct sent *high = stage_sent_to(stage, "INVITE", 5081);
    stage_silent(stage);
    refuses(stage, high, 486, NULL);
    struct sent *low = stage_sent_to(stage, "INVITE", 5080), *other = stage_sent_to(stage, "INVITE", 5082);
    refuses(stage, low, 480, NULL);
    stage_silent(stage);
    refuses(stage, other, 404, NULL);
    alice_hears(stage, 404);
    all_ends(stage);
}

static void test_nobody_is_bound(void **state)
{
    struct stage *stage = *state;
    call_alice(stage, "one");
    struct sent *refusal = alice_hears(stage, 480);
    assert_non_null(strstr(sent_header(refusal, "To", 0), ";tag="));
    all_ends(stage);
}

/* --- an instance's flows --- */

static void test_5626_7_a_two_flows_of_an_instance_never_at_the_same_time(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2});
    stage_phone(stage, (struct phone){.port = 5082, .instance = "2", .reg_id = 1});
    call_alice(stage, "one");
    struct sent *sent[3] = {stage_sent(stage, "INVITE"), stage_sent(stage, "INVITE")};
    stage_silent(stage);
    bool once = (sent_port(sent[0]) == 5082) != (sent_port(sent[1]) == 5082);
    assert_true(once);
}

static void test_5626_7_e_the_request_goes_over_the_very_flow(void **state)
{
    struct stage *stage = *state;
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    struct peer same_address = fake_tcp(&stage->wire, 5080);
    call_alice(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    assert_int_equal(invite->peer.connection, bob.connection);
    assert_int_not_equal(invite->peer.connection, same_address.connection);
    assert_non_null(strstr(sent_header(invite, "Via", 0), "SIP/2.0/TCP 127.0.0.1:5060"));
}

static void test_5626_7_b_and_5626_7_g_a_430_takes_its_binding_and_the_next_flow(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_advance(stage, 2000);
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2});
    stage_phone(stage, (struct phone){.user = "carol", .port = 5081, .instance = "9", .reg_id = 1});
    call_alice(stage, "one");
    struct sent *newest = stage_sent_to(stage, "INVITE", 5081);
    uint64_t at = stage->fake.now_ms;
    refuses(stage, newest, 430, NULL);
    struct sent *other = stage_sent_to(stage, "INVITE", 5080);
    assert_int_equal(other->at_ms, at);
    assert_int_equal(bound(stage), 2);
    stage_response(stage, other, 200, NULL);
    alice_hears(stage, 200);
    all_ends(stage);
}

static void test_5626_7_c_an_answered_instance_is_final(void **state)
{
    struct stage *stage = *state;
    static const unsigned answers[] = {486, 403, 404, 480, 500, 302, 401};
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2});
    stage_phone(stage, (struct phone){.port = 5082, .instance = "1", .reg_id = 3, .more = ";q=0.1"});
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char call[16];
        snprintf(call, sizeof call, "call%zu", i);
        call_alice(stage, call);
        refuses(stage, stage_sent(stage, "INVITE"), answers[i], NULL);
        alice_hears(stage, answers[i]);
        stage_advance(stage, 100);
        stage_silent(stage);
        struct peer caller = alice();
        stage_request(stage, &caller, (struct request){.method = "ACK", .call = call});
    }
    all_ends(stage);
}

static void test_5626_7_d_a_408_without_provisional_permits_another_flow(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2});
    call_alice(stage, "one");
    struct sent *first = stage_sent(stage, "INVITE");
    stage_response(stage, first, 100, NULL);
    refuses(stage, first, 408, NULL);
    struct sent *second = stage_sent(stage, "INVITE");
    assert_int_not_equal(sent_port(first), sent_port(second));
    stage_response(stage, second, 180, NULL);
    alice_hears(stage, 180);
    refuses(stage, second, 408, NULL);
    alice_hears(stage, 408);
    all_ends(stage);
}

static void test_5626_7_d_nothing_heard_in_64_t1_tries_another_flow(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    call_alice(stage, "one");
    struct sent *first = stage_sent(stage, "INVITE");
    stage_advance(stage, T1_64 - 1);
    stage_silent(stage);
    stage_advance(stage, 1);
    struct sent *second = stage_sent(stage, "INVITE");
    assert_int_not_equal(sent_port(first), sent_port(second));
    stage_advance(stage, T1_64);
    alice_hears(stage, 408);
}

static void flow_dies(struct stage *stage, const struct peer *peer)
{
    if (peer->transport == TRANSPORT_TCP)
        fake_wire_close(&stage->wire, peer->connection);
    server_flow_down(stage->server, peer_flow(peer), "closed");
}

static void test_5626_7_h_a_dead_flow_fails_over_at_once(void **state)
{
    struct stage *stage = *state;
    for (int tcp = 0; tcp < 2; tcp++) {
        uint16_t port = (uint16_t)(5080 + 10 * tcp);
        stage_phone(stage, (struct phone){.port = port, .instance = "1", .reg_id = 1, .tcp = tcp});
        stage_phone(stage, (struct phone){.port = (uint16_t)(port + 1), .instance = "1", .reg_id = 2, .tcp = tcp});
        call_alice(stage, tcp ? "tcp" : "udp");
        struct sent *first = stage_sent(stage, "INVITE");
        stage_response(stage, first, 100, NULL);
        uint64_t at = stage->fake.now_ms;
        struct peer dead = first->peer;
        flow_dies(stage, &dead);
        /* no timer has run, the clock has not moved */
        struct sent *second = stage_sent(stage, "INVITE");
        assert_int_equal(second->at_ms, at);
        assert_int_not_equal(sent_port(second), sent_port(first));
        assert_int_equal(bound(stage), 1);
        stage_response(stage, second, 200, NULL);
        alice_hears(stage, 200);
        all_ends(stage);
    }
}

static void test_5626_7_h_all_flows_dead_is_480_at_once(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    call_alice(stage, "one");
    struct peer first = stage_sent(stage, "INVITE")->peer;
    flow_dies(stage, &first);
    struct peer second = stage_sent(stage, "INVITE")->peer;
    flow_dies(stage, &second);
    assert_int_equal(alice_hears(stage, 480)->at_ms, stage->fake.now_ms);
    assert_int_equal(bound(stage), 0);
    all_ends(stage);
}

/* A flow whose death nobody has told: the send finds out. */
static void test_3261_16_9_a_a_refused_send_on_a_flow_is_a_failed_flow(void **state)
{
    struct stage *stage = *state;
    struct peer first = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    struct peer second = stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    fake_wire_refuse(&stage->wire, &first, -EPIPE);
    fake_wire_refuse(&stage->wire, &second, -EPIPE);
    call_alice(stage, "one");
    stage_silent(stage);
    fake_wire_refuse(&stage->wire, &first, 0);
    fake_wire_refuse(&stage->wire, &second, 0);
    stage_advance(stage, 0);
    stage_sent(stage, "INVITE");
    assert_int_equal(bound(stage), 1);
}

static void test_3261_16_9_a_and_3261_16_7_g_a_send_that_fails_is_a_503_and_goes_up_as_500(void **state)
{
    struct stage *stage = *state;
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080});
    fake_wire_refuse(&stage->wire, &bob, -EHOSTUNREACH);
    call_alice(stage, "one");
    stage_advance(stage, 0);
    alice_hears(stage, 500);
    assert_int_equal(bound(stage), 1);
    all_ends(stage);
}

static void test_5626_7_h_an_instance_that_rang_is_waited_for(void **state)
{
    struct stage *stage = *state;
    struct peer first = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    call_alice(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    struct peer second = stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    stage_response(stage, invite, 180, NULL);
    alice_hears(stage, 180);
    flow_dies(stage, &first);
    stage_advance(stage, 60000);
    stage_silent(stage);
    /* it answers over its other flow, and is acknowledged there */
    stage_response_from(stage, &second, invite, 486, NULL);
    stage_sent_to(stage, "ACK", 5081);
    alice_hears(stage, 486);
    all_ends(stage);
}

static void test_5626_7_h_a_2xx_over_the_other_flow(void **state)
{
    struct stage *stage = *state;
    struct peer first = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    struct peer second = stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    call_alice(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    struct peer used = invite->peer, other = used.connection == first.connection ? second : first;
    stage_response(stage, invite, 180, NULL);
    alice_hears(stage, 180);
    flow_dies(stage, &used);
    stage_response_from(stage, &other, invite, 200, NULL);
    alice_hears(stage, 200);
    all_ends(stage);
}

static void test_5626_7_f_untried_targets_on_a_dead_flow_are_not_tried(void **state)
{
    struct stage *stage = *state;
    struct peer high = stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.9"});
    struct peer low =
        stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1, .tcp = true, .more = ";q=0.1"});
    (void)high;
    call_alice(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    flow_dies(stage, &low);
    refuses(stage, invite, 486, NULL);
    stage_advance(stage, 0);
    alice_hears(stage, 486);
    all_ends(stage);
}

static void test_a_failed_flow_goes_by_the_path_of_the_next(void **state)
{
    struct stage *stage = *state;
    struct peer edge = fake_udp(5090);
    for (unsigned reg_id = 1; reg_id <= 2; reg_id++) {
        char lines[1024];
        snprintf(lines, sizeof lines,
                 "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5090;branch=z9hG4bKe%u;rport\n"
                 "Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bKb\nMax-Forwards: 69\n"
                 "Path: <sip:t%u@127.0.0.1:%u;lr;ob>\nSupported: path, outbound\nFrom: <sip:bob@example.com>;tag=b\n"
                 "To: <sip:bob@example.com>\nCall-ID: reg\nCSeq: %u REGISTER\n"
                 "Contact: <sip:bob@192.0.2.4>;+sip.instance=\"<urn:uuid:1>\";reg-id=%u\nContent-Length: 0\n\n",
                 reg_id, reg_id, 5090 + reg_id, reg_id, reg_id);
        stage_receive(stage, &edge, lines);
        stage_status(stage, &edge, 200);
        stage_advance(stage, 2000);
    }
    call_alice(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5092);
    assert_string_equal(sent_header(first, "Route", 0), "<sip:t2@127.0.0.1:5092;lr;ob>");
    assert_true(sent_starts(first, "INVITE sip:bob@192.0.2.4 SIP/2.0"));
    refuses(stage, first, 430, NULL);
    struct sent *second = stage_sent_to(stage, "INVITE", 5091);
    assert_string_equal(sent_header(second, "Route", 0), "<sip:t1@127.0.0.1:5091;lr;ob>");
    assert_int_equal(bound(stage), 1);
}

/* --- 430 at the end --- */

static void test_5626_11_5_a_a_430_goes_up_as_480(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    call_alice(stage, "one");
    refuses(stage, stage_sent(stage, "INVITE"), 430, NULL);
    struct sent *refusal = alice_hears(stage, 480);
    assert_true(sent_starts(refusal, "SIP/2.0 480 Temporarily Unavailable\r\n"));
    assert_int_equal(bound(stage), 0);
}

static void test_5626_11_5_b_any_other_response_outranks_a_430(void **state)
{
    struct stage *stage = *state;
    static const unsigned others[] = {486, 500, 302, 408};
    for (size_t i = 0; i < 4; i++) {
        char call[16];
        snprintf(call, sizeof call, "call%zu", i);
        stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
        stage_phone(stage, (struct phone){.port = 5081, .instance = "2", .reg_id = 1});
        call_alice(stage, call);
        struct sent *first = stage_sent(stage, "INVITE"), *second = stage_sent(stage, "INVITE");
        refuses(stage, i % 2 ? first : second, 430, NULL);
        refuses(stage, i % 2 ? second : first, others[i], NULL);
        alice_hears(stage, others[i]);
        struct peer caller = alice();
        stage_request(stage, &caller, (struct request){.method = "ACK", .call = call});
    }
}

/* --- timers --- */

static void test_3261_16_7_f_nothing_received_is_408_after_64_t1(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    call_alice(stage, "one");
    uint64_t start = stage->fake.now_ms;
    static const unsigned instants[] = {0, 500, 1500, 3500, 7500, 15500, 31500};
    stage_advance(stage, T1_64);
    for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++)
        assert_int_equal(stage_sent(stage, "INVITE")->at_ms - start, instants[i]);
    assert_int_equal(alice_hears(stage, 408)->at_ms - start, T1_64);
    all_ends(stage);
}

static void test_3261_16_7_b_a_100_stays_here_and_leaves_timer_c(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    call_alice(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 100, NULL);
    stage_silent(stage);
    stage_advance(stage, TIMER_C - 10);
    stage_response(stage, invite, 100, NULL);
    stage_advance(stage, 9);
    stage_silent(stage);
    stage_advance(stage, 1);
    stage_sent_to(stage, "CANCEL", 5080);
    alice_hears(stage, 408);
}

static void test_3261_16_7_b_a_provisional_goes_up_at_once_and_starts_timer_c_anew(void **state)
{
    struct stage *stage = *state;
    static const unsigned provisionals[] = {180, 181, 183, 199, 180};
    stage_phone(stage, (struct phone){.port = 5080});
    call_alice(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    for (size_t i = 0; i < 5; i++) {
        stage_response(stage, invite, provisionals[i], NULL);
        alice_hears(stage, provisionals[i]);
        stage_advance(stage, TIMER_C - 1);
        stage_silent(stage);
    }
    stage_advance(stage, 1);
    struct sent *cancel = stage_sent_to(stage, "CANCEL", 5080);
    alice_hears(stage, 408);
    stage_response(stage, cancel, 200, NULL);
    refuses(stage, invite, 487, NULL);
    stage_silent(stage);
    all_ends(stage);
}

static void test_timer_c_as_configured(void **state)
{
    struct stage stage;
    (void)state;
    stage_create(&stage);
    stage.config.timer_c_ms = 7000;
    stage_open(&stage);
    stage_phone(&stage, (struct phone){.port = 5080});
    call_alice(&stage, "one");
    struct sent *invite = stage_sent(&stage, "INVITE");
    stage_response(&stage, invite, 180, NULL);
    alice_hears(&stage, 180);
    stage_advance(&stage, 7000);
    stage_sent_to(&stage, "CANCEL", 5080);
    alice_hears(&stage, 408);
    stage_destroy(&stage);
}

/* 6026: what comes after timer C has given up is still a call. */
static void test_3261_16_7_c_a_2xx_after_timer_c(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    call_alice(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    alice_hears(stage, 180);
    stage_advance(stage, TIMER_C);
    stage_sent_to(stage, "CANCEL", 5080);
    alice_hears(stage, 408);
    stage_response(stage, invite, 200, NULL);
    alice_hears(stage, 200);
    all_ends(stage);
}

/* The caller's server transaction: timer G repeats the refusal until the ACK, H gives up. */
static void test_the_refusal_is_repeated_until_the_ack(void **state)
{
    struct stage *stage = *state;
    struct peer caller = alice();
    stage_phone(stage, (struct phone){.port = 5080, .tcp = true});
    call_alice(stage, "one");
    refuses(stage, stage_sent(stage, "INVITE"), 486, NULL);
    stage_advance(stage, 2000);
    for (int i = 0; i < 3; i++)
        alice_hears(stage, 486);
    stage_request(stage, &caller, (struct request){.method = "ACK", .to_tag = "p5080"});
    stage_advance(stage, 10000);
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "transactions"), 0);
}

/* --- CANCEL --- */

static void test_3261_9_a_cancel_waits_for_a_provisional(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    call_alice(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    alice_cancels(stage);
    stage_advance(stage, 400);
    stage_silent(stage);
    stage_response(stage, invite, 100, NULL);
    struct sent *cancel = stage_sent_to(stage, "CANCEL", 5080);
    stage_response(stage, cancel, 200, NULL);
    refuses(stage, invite, 487, NULL);
    alice_hears(stage, 487);
    all_ends(stage);
}

static void test_3261_9_a_cancel_reaches_all_that_ring_and_starts_no_other(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_phone(stage, (struct phone){.port = 5082, .more = ";q=0.1"});
    call_alice(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    stage_response(stage, first, 180, NULL);
    alice_hears(stage, 180);
    stage_response(stage, second, 180, NULL);
    alice_hears(stage, 180);
    alice_cancels(stage);
    struct sent *cancels[] = {stage_sent(stage, "CANCEL"), stage_sent(stage, "CANCEL")};
    assert_int_not_equal(sent_port(cancels[0]), sent_port(cancels[1]));
    refuses(stage, first, 487, NULL);
    stage_silent(stage);
    refuses(stage, second, 486, NULL);
    struct sent *refusal = alice_hears(stage, 486);
    assert_non_null(refusal);
    stage_silent(stage);
}

static void test_3261_9_a_cancel_after_a_failover_reaches_the_branch_that_lives(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    call_alice(stage, "one");
    struct sent *first = stage_sent(stage, "INVITE");
    struct peer dead = first->peer;
    flow_dies(stage, &dead);
    struct sent *second = stage_sent(stage, "INVITE");
    stage_response(stage, second, 180, NULL);
    alice_hears(stage, 180);
    alice_cancels(stage);
    stage_sent_to(stage, "CANCEL", sent_port(second));
    stage_silent(stage);
    refuses(stage, second, 487, NULL);
    alice_hears(stage, 487);
    all_ends(stage);
}

static void test_3261_9_a_cancel_of_one_that_rang_on_a_flow_now_dead(void **state)
{
    struct stage *stage = *state;
    struct peer first = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    struct peer second = stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    call_alice(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    struct peer used = invite->peer, other = used.connection == first.connection ? second : first;
    stage_response(stage, invite, 180, NULL);
    alice_hears(stage, 180);
    flow_dies(stage, &used);
    alice_cancels(stage);
    stage_sent_to(stage, "CANCEL", address_port(&other.address));
    alice_hears(stage, 487);
    all_ends(stage);
}

static void test_3261_9_a_a_2xx_that_crosses_the_cancel_goes_up(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    call_alice(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    alice_hears(stage, 180);
    alice_cancels(stage);
    stage_sent_to(stage, "CANCEL", 5080);
    stage_response(stage, invite, 200, NULL);
    alice_hears(stage, 200);
    all_ends(stage);
}

static void test_3261_9_a_a_cancelled_phone_that_never_answers_is_given_up(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .tcp = true});
    call_alice(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    alice_hears(stage, 180);
    alice_cancels(stage);
    stage_sent_to(stage, "CANCEL", 5080);
    stage_advance(stage, T1_64 - 1);
    stage_silent(stage);
    stage_advance(stage, 1);
    alice_hears(stage, 487);
    all_ends(stage);
}

static void test_3261_9_a_a_retransmitted_cancel_is_answered_alike(void **state)
{
    struct stage *stage = *state;
    struct peer caller = alice();
    stage_phone(stage, (struct phone){.port = 5080});
    call_alice(stage, "one");
    stage_response(stage, stage_sent(stage, "INVITE"), 180, NULL);
    alice_hears(stage, 180);
    stage_request(stage, &caller, (struct request){.method = "CANCEL"});
    struct sent *first = alice_hears(stage, 200);
    stage_sent(stage, "CANCEL");
    stage_request(stage, &caller, (struct request){.method = "CANCEL"});
    assert_string_equal(alice_hears(stage, 200)->bytes, first->bytes);
    stage_silent(stage);
}

/* --- finals --- */

static void test_3261_16_7_c_a_second_2xx_goes_up_too(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    call_alice(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    stage_response(stage, first, 200, NULL);
    assert_non_null(strstr(sent_header(alice_hears(stage, 200), "To", 0), "tag=p5080"));
    stage_response(stage, second, 200, NULL);
    assert_non_null(strstr(sent_header(alice_hears(stage, 200), "To", 0), "tag=p5081"));
    /* and each of their retransmissions, for 64*T1 */
    stage_advance(stage, T1_64 - 1);
    stage_response(stage, first, 200, NULL);
    alice_hears(stage, 200);
    stage_silent(stage);
    all_ends(stage);
}

static void test_3261_16_7_c_a_2xx_after_a_refusal_over_tcp(void **state)
{
    struct stage *stage = *state;
    struct peer caller = fake_tcp(&stage->wire, 5070);
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_invite(stage, &caller, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    stage_response(stage, second, 180, NULL);
    stage_status(stage, &caller, 180);
    refuses(stage, first, 603, NULL);
    stage_sent_to(stage, "CANCEL", 5081);
    stage_request(stage, &caller, (struct request){.method = "CANCEL"});
    stage_status(stage, &caller, 200);
    stage_advance(stage, T1_64);
    stage_discard(stage);
    stage_request(stage, &caller, (struct request){.method = "ACK", .to_tag = "p5080"});
    stage_advance(stage, 0);
    assert_int_equal(stage_count(stage, "transactions"), 0);
    stage_response(stage, second, 200, NULL);
    stage_silent(stage); /* its transaction has ended too */
    all_ends(stage);
}

/* The caller is gone from our tables (timer I is zero on TCP), the phone is not. */
static void test_3261_16_7_c_a_2xx_when_the_caller_s_transaction_has_ended(void **state)
{
    struct stage *stage = *state;
    struct peer caller = fake_tcp(&stage->wire, 5070);
    stage_phone(stage, (struct phone){.port = 5080});
    stage_invite(stage, &caller, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_response(stage, invite, 180, NULL);
    stage_status(stage, &caller, 180);
    stage_advance(stage, TIMER_C);
    stage_sent_to(stage, "CANCEL", 5080);
    stage_status(stage, &caller, 408);
    stage_request(stage, &caller, (struct request){.method = "ACK", .to_tag = "p5080"});
    stage_advance(stage, 1);
    assert_int_equal(stage_count(stage, "transactions"), 0);
    stage_response(stage, invite, 200, NULL);
    stage_status(stage, &caller, 200);
    all_ends(stage);
}

static void test_3261_16_7_d_a_6xx_ends_the_search(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_phone(stage, (struct phone){.port = 5082, .more = ";q=0.1"});
    call_alice(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    stage_response(stage, second, 180, NULL);
    alice_hears(stage, 180);
    refuses(stage, first, 603, NULL);
    stage_sent_to(stage, "CANCEL", 5081);
    stage_advance(stage, 100);
    stage_silent(stage); /* not before they have ended */
    refuses(stage, second, 487, NULL);
    alice_hears(stage, 603);
    stage_silent(stage);
    all_ends(stage);
}

static void test_3261_16_7_d_flows_of_others_are_not_tried_after_a_6xx(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5082, .instance = "2", .reg_id = 1});
    call_alice(stage, "one");
    struct sent *a = stage_sent(stage, "INVITE"), *b = stage_sent(stage, "INVITE");
    struct sent *two = sent_port(a) == 5082 ? a : b, *one = sent_port(a) == 5082 ? b : a;
    refuses(stage, two, 600, NULL);
    struct peer dead = one->peer;
    flow_dies(stage, &dead);
    alice_hears(stage, 600);
    stage_silent(stage);
}

static void test_3261_16_7_c_a_2xx_after_a_6xx_goes_up(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    call_alice(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    refuses(stage, first, 603, NULL);
    stage_response(stage, second, 200, NULL);
    alice_hears(stage, 200);
    stage_silent(stage);
}

static void best_of(struct stage *stage, unsigned a, unsigned b, unsigned best)
{
    char call[32];
    struct peer caller = alice();
    for (int turned = 0; turned < 2; turned++) {
        snprintf(call, sizeof call, "call-%u-%u-%d", a, b, turned);
        call_alice(stage, call);
        struct sent *first = stage_sent(stage, "INVITE"), *second = stage_sent(stage, "INVITE");
        refuses(stage, first, turned ? b : a, NULL);
        refuses(stage, second, turned ? a : b, NULL);
        alice_hears(stage, best);
        stage_request(stage, &caller, (struct request){.method = "ACK", .call = call});
    }
}

static void test_3261_16_7_e_the_best_of_the_finals(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    best_of(stage, 404, 500, 404);
    best_of(stage, 404, 302, 302);
    best_of(stage, 404, 484, 484);
    best_of(stage, 486, 420, 420);
    best_of(stage, 504, 302, 302);
    best_of(stage, 404, 408, 404);
}

static void test_3261_16_7_g_a_503_goes_up_as_500(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    call_alice(stage, "one");
    refuses(stage, stage_sent(stage, "INVITE"), 503, NULL);
    struct sent *refusal = alice_hears(stage, 500);
    assert_true(sent_starts(refusal, "SIP/2.0 500 Server Internal Error\r\n"));
    assert_non_null(strstr(sent_header(refusal, "To", 0), "tag=p5080"));
}

static void test_3261_16_7_h_the_challenges_of_all_go_up_together(void **state)
{
    struct stage *stage = *state;
    for (uint16_t port = 5080; port < 5084; port++)
        stage_phone(stage, (struct phone){.port = port});
    call_alice(stage, "one");
    struct sent *invite[4];
    for (size_t i = 0; i < 4; i++)
        invite[i] = stage_sent(stage, "INVITE");
    refuses(stage, invite[0], 407, "Proxy-Authenticate: Digest realm=\"a\", nonce=\"1\"\n");
    refuses(stage, invite[1], 401, "WWW-Authenticate: Digest realm=\"b\"\nWWW-Authenticate: Digest realm=\"c\"\n");
    refuses(stage, invite[2], 407, "Proxy-Authenticate: Digest realm=\"d\"\n");
    refuses(stage, invite[3], 404, "WWW-Authenticate: Digest realm=\"not of a challenge\"\n");
    struct sent *merged = stage_sent(stage, "SIP/2.0 40");
    assert_true(sent_status(merged) == 401 || sent_status(merged) == 407);
    assert_int_equal(sent_count(merged, "Proxy-Authenticate"), 2);
    assert_int_equal(sent_count(merged, "WWW-Authenticate"), 2);
    for (const char *const *line = (const char *const[]){"Proxy-Authenticate: Digest realm=\"a\", nonce=\"1\"\r\n",
                                                         "WWW-Authenticate: Digest realm=\"b\"\r\n",
                                                         "WWW-Authenticate: Digest realm=\"c\"\r\n",
                                                         "Proxy-Authenticate: Digest realm=\"d\"\r\n", NULL};
         *line != NULL; line++)
        assert_non_null(strstr(merged->bytes, *line));
}

static void test_a_retransmitted_final_is_not_sent_up_again(void **state)
{
    struct stage *stage = *state;
    struct peer caller = fake_tcp(&stage->wire, 5070);
    stage_phone(stage, (struct phone){.port = 5080});
    stage_invite(stage, &caller, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    refuses(stage, invite, 486, NULL);
    stage_status(stage, &caller, 486);
    refuses(stage, invite, 486, NULL);
    refuses(stage, invite, 487, NULL);
    stage_silent(stage);
}

/* --- other methods --- */

static struct sent *message_to_bob(struct stage *stage)
{
    struct peer caller = alice();
    stage_request(stage, &caller, (struct request){.method = "MESSAGE", .fields = "Content-Type: text/plain\n"});
    return stage_sent(stage, "MESSAGE");
}

static void test_4320_4_a_no_408_to_a_non_invite(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .tcp = true});
    message_to_bob(stage);
    stage_advance(stage, T1_64 - 1);
    assert_int_equal(stage_count(stage, "transactions"), 1);
    stage_advance(stage, 1);
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "transactions"), 0);
    all_ends(stage);
}

static void test_4320_4_a_a_408_from_downstream_is_not_sent_up_either(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_response(stage, message_to_bob(stage), 408, NULL);
    stage_advance(stage, 0);
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "unanswered"), 0);
}

static void test_4320_4_a_another_final_outranks_the_silence(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .tcp = true});
    message_to_bob(stage);
    struct sent *second = stage_sent(stage, "MESSAGE");
    stage_response(stage, second, 404, NULL);
    stage_silent(stage);
    stage_advance(stage, T1_64);
    alice_hears(stage, 404);
    all_ends(stage);
}

static void test_5626_7_b_non_invites_fail_over_too(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    struct sent *first = message_to_bob(stage);
    struct peer dead = first->peer;
    flow_dies(stage, &dead);
    struct sent *second = stage_sent(stage, "MESSAGE");
    assert_int_not_equal(sent_port(first), sent_port(second));
    stage_response(stage, second, 200, NULL);
    alice_hears(stage, 200);
    all_ends(stage);
}

static void test_the_first_2xx_of_a_non_invite_is_the_only_one(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    struct sent *first = message_to_bob(stage), *second = stage_sent(stage, "MESSAGE");
    stage_response(stage, first, 202, NULL);
    alice_hears(stage, 202);
    stage_response(stage, second, 200, NULL);
    stage_silent(stage);
    all_ends(stage);
}

/* --- names --- */

static const uint16_t three_addresses[] = {5091, 5092, 5093, 0};

static void relay_to_name(struct stage *stage)
{
    stage_script(stage, "sip_on_request(function(r) return sip_relay('sip:bob@trunk.example.net:5091') end)\n");
    call_alice(stage, "one");
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
    refuses(stage, first, 503, NULL);
    stage_advance(stage, 0);
    struct sent *third = stage_sent_to(stage, "INVITE", 5093);
    uint64_t at = third->at_ms;
    stage_advance(stage, T1_64);
    for (int i = 0; i < 6; i++)
        stage_sent_to(stage, "INVITE", 5093);
    assert_int_equal(alice_hears(stage, 408)->at_ms - at, T1_64);
    all_ends(stage);
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
    alice_hears(stage, 200);
    all_ends(stage);
}

static void test_3263_4_3_a_never_after_another_answer(void **state)
{
    struct stage *stage = *state;
    relay_to_name(stage);
    fake_wire_resolve(&stage->wire, "trunk.example.net", three_addresses);
    refuses(stage, stage_sent_to(stage, "INVITE", 5091), 486, NULL);
    alice_hears(stage, 486);
    stage_silent(stage);
}

static void test_a_name_without_address_is_a_503(void **state)
{
    struct stage *stage = *state;
    relay_to_name(stage);
    fake_wire_resolve(&stage->wire, "trunk.example.net", (const uint16_t[]){0});
    stage_advance(stage, 0);
    alice_hears(stage, 500);
    all_ends(stage);
}

static void test_a_resolver_that_refuses_is_a_503(void **state)
{
    struct stage *stage = *state;
    stage->wire.resolve_error = -EMFILE;
    relay_to_name(stage);
    stage_advance(stage, 0);
    alice_hears(stage, 500);
    all_ends(stage);
}

static void test_3261_9_a_a_call_cancelled_while_its_name_is_looked_up(void **state)
{
    struct stage *stage = *state;
    relay_to_name(stage);
    alice_cancels(stage);
    stage_advance(stage, 0);
    fake_wire_resolve(&stage->wire, "trunk.example.net", three_addresses);
    stage_advance(stage, 0);
    alice_hears(stage, 487);
    stage_silent(stage);
    all_ends(stage);
}

/* The answer of the resolver comes when nobody waits any more: nothing is sent, nothing stays. */
static void test_a_name_that_is_resolved_after_all_is_over(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_receive(stage, &(struct peer){.transport = TRANSPORT_UDP, .address = alice().address},
                  "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKr;rport\n"
                  "Max-Forwards: 70\nFrom: <sip:bob@example.com>;tag=b\nTo: <sip:bob@example.com>\nCall-ID: reg\n"
                  "CSeq: 1 REGISTER\nContact: <sip:bob@phone.example.net>\nContent-Length: 0\n\n");
    alice_hears(stage, 200);
    call_alice(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_response(stage, invite, 200, NULL);
    alice_hears(stage, 200);
    stage_advance(stage, FOREVER);
    assert_int_equal(stage_count(stage, "transactions"), 0);
    fake_wire_resolve(&stage->wire, "phone.example.net", three_addresses);
    all_ends(stage);
}

/* --- next_after --- */

static void test_next_after_rings_the_next_beside(void **state)
{
    struct stage *stage = *state;
    for (uint16_t port = 5080; port < 5083; port++)
        stage_phone(stage, (struct phone){.port = port});
    stage_script(stage, "sip_on_request('INVITE', function(r) return sip_route{next_after = 15} end)\n");
    call_alice(stage, "one");
    uint64_t start = stage->fake.now_ms;
    struct sent *first = stage_sent(stage, "INVITE");
    stage_response(stage, first, 180, NULL);
    alice_hears(stage, 180);
    stage_advance(stage, 14999);
    stage_silent(stage);
    stage_advance(stage, 1);
    struct sent *second = stage_sent(stage, "INVITE");
    assert_int_equal(second->at_ms - start, 15000);
    stage_response(stage, second, 180, NULL);
    alice_hears(stage, 180);
    /* one that refuses does not make the next wait for its turn */
    stage_advance(stage, 5000);
    refuses(stage, second, 486, NULL);
    stage_advance(stage, 10000);
    struct sent *third = stage_sent(stage, "INVITE");
    assert_int_equal(third->at_ms - start, 30000);
    stage_response(stage, first, 200, NULL);
    alice_hears(stage, 200);
    stage_advance(stage, 15000);
    all_ends(stage);
}

static void test_next_after_when_nothing_rings_the_next_is_tried_at_once(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.9"});
    stage_phone(stage, (struct phone){.port = 5081, .more = ";q=0.8"});
    stage_script(stage, "sip_on_request('INVITE', function(r) return sip_route{next_after = 15} end)\n");
    call_alice(stage, "one");
    refuses(stage, stage_sent_to(stage, "INVITE", 5080), 486, NULL);
    struct sent *second = stage_sent_to(stage, "INVITE", 5081);
    assert_int_equal(second->at_ms, stage->fake.now_ms);
    stage_response(stage, second, 200, NULL);
    alice_hears(stage, 200);
    stage_advance(stage, 60000);
    all_ends(stage);
}

static void test_next_after_ends_with_cancel(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_script(stage, "sip_on_request('INVITE', function(r) return sip_route{next_after = 15} end)\n");
    call_alice(stage, "one");
    struct sent *first = stage_sent(stage, "INVITE");
    stage_response(stage, first, 180, NULL);
    alice_hears(stage, 180);
    alice_cancels(stage);
    stage_sent(stage, "CANCEL");
    refuses(stage, first, 487, NULL);
    alice_hears(stage, 487);
    struct peer caller = alice();
    stage_request(stage, &caller, (struct request){.method = "ACK"});
    stage_advance(stage, 20000);
    assert_int_equal(stage_count(stage, "branches"), 1);
}

static void test_5626_7_g_a_430_spares_a_binding_that_has_moved_meanwhile(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    call_alice(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1});
    refuses(stage, invite, 430, NULL);
    assert_int_equal(bound(stage), 1);
    alice_hears(stage, 480);
}

static void test_5626_7_g_a_430_for_a_binding_that_is_gone(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    call_alice(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .more = ";expires=0"});
    assert_int_equal(bound(stage), 0);
    refuses(stage, invite, 430, NULL);
    alice_hears(stage, 480);
    all_ends(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_one_q_class_rings_together_and_the_first_2xx_wins),
        TEST(test_lower_q_classes_wait_their_turn),
        TEST(test_nobody_is_bound),
        TEST(test_5626_7_a_two_flows_of_an_instance_never_at_the_same_time),
        TEST(test_5626_7_e_the_request_goes_over_the_very_flow),
        TEST(test_5626_7_b_and_5626_7_g_a_430_takes_its_binding_and_the_next_flow),
        TEST(test_5626_7_c_an_answered_instance_is_final),
        TEST(test_5626_7_d_a_408_without_provisional_permits_another_flow),
        TEST(test_5626_7_d_nothing_heard_in_64_t1_tries_another_flow),
        TEST(test_5626_7_h_a_dead_flow_fails_over_at_once),
        TEST(test_5626_7_h_all_flows_dead_is_480_at_once),
        TEST(test_3261_16_9_a_a_refused_send_on_a_flow_is_a_failed_flow),
        TEST(test_3261_16_9_a_and_3261_16_7_g_a_send_that_fails_is_a_503_and_goes_up_as_500),
        TEST(test_5626_7_h_an_instance_that_rang_is_waited_for),
        TEST(test_5626_7_h_a_2xx_over_the_other_flow),
        TEST(test_5626_7_f_untried_targets_on_a_dead_flow_are_not_tried),
        TEST(test_a_failed_flow_goes_by_the_path_of_the_next),
        TEST(test_5626_11_5_a_a_430_goes_up_as_480),
        TEST(test_5626_11_5_b_any_other_response_outranks_a_430),
        TEST(test_3261_16_7_f_nothing_received_is_408_after_64_t1),
        TEST(test_3261_16_7_b_a_100_stays_here_and_leaves_timer_c),
        TEST(test_3261_16_7_b_a_provisional_goes_up_at_once_and_starts_timer_c_anew),
        cmocka_unit_test(test_timer_c_as_configured),
        TEST(test_3261_16_7_c_a_2xx_after_timer_c),
        TEST(test_the_refusal_is_repeated_until_the_ack),
        TEST(test_3261_9_a_cancel_waits_for_a_provisional),
        TEST(test_3261_9_a_cancel_reaches_all_that_ring_and_starts_no_other),
        TEST(test_3261_9_a_cancel_after_a_failover_reaches_the_branch_that_lives),
        TEST(test_3261_9_a_cancel_of_one_that_rang_on_a_flow_now_dead),
        TEST(test_3261_9_a_a_2xx_that_crosses_the_cancel_goes_up),
        TEST(test_3261_9_a_a_cancelled_phone_that_never_answers_is_given_up),
        TEST(test_3261_9_a_a_retransmitted_cancel_is_answered_alike),
        TEST(test_3261_16_7_c_a_second_2xx_goes_up_too),
        TEST(test_3261_16_7_c_a_2xx_after_a_refusal_over_tcp),
        TEST(test_3261_16_7_c_a_2xx_when_the_caller_s_transaction_has_ended),
        TEST(test_3261_16_7_d_a_6xx_ends_the_search),
        TEST(test_3261_16_7_d_flows_of_others_are_not_tried_after_a_6xx),
        TEST(test_3261_16_7_c_a_2xx_after_a_6xx_goes_up),
        TEST(test_3261_16_7_e_the_best_of_the_finals),
        TEST(test_3261_16_7_g_a_503_goes_up_as_500),
        TEST(test_3261_16_7_h_the_challenges_of_all_go_up_together),
        TEST(test_a_retransmitted_final_is_not_sent_up_again),
        TEST(test_4320_4_a_no_408_to_a_non_invite),
        TEST(test_4320_4_a_a_408_from_downstream_is_not_sent_up_either),
        TEST(test_4320_4_a_another_final_outranks_the_silence),
        TEST(test_5626_7_b_non_invites_fail_over_too),
        TEST(test_the_first_2xx_of_a_non_invite_is_the_only_one),
        TEST(test_3263_4_3_a_the_next_address_after_a_503_a_dead_send_and_silence),
        TEST(test_3263_4_3_a_silence_leads_to_the_next_address),
        TEST(test_3263_4_3_a_never_after_another_answer),
        TEST(test_a_name_without_address_is_a_503),
        TEST(test_a_resolver_that_refuses_is_a_503),
        TEST(test_3261_9_a_a_call_cancelled_while_its_name_is_looked_up),
        TEST(test_a_name_that_is_resolved_after_all_is_over),
        TEST(test_next_after_rings_the_next_beside),
        TEST(test_next_after_when_nothing_rings_the_next_is_tried_at_once),
        TEST(test_next_after_ends_with_cancel),
        TEST(test_5626_7_g_a_430_spares_a_binding_that_has_moved_meanwhile),
        TEST(test_5626_7_g_a_430_for_a_binding_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
