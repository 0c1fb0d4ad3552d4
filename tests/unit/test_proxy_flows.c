// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <errno.h>

/* The flows of an instance: where a call goes, and where it goes on when one has failed. Alice is the caller, at 5070.
 */

enum { T1_64 = 32000 };

/* --- an instance's flows --- */

static void test_5626_7_a_two_flows_of_an_instance_never_at_the_same_time(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2});
    stage_phone(stage, (struct phone){.port = 5082, .instance = "2", .reg_id = 1});
    stage_call(stage, "one");
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
    stage_call(stage, "one");
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
    stage_call(stage, "one");
    struct sent *newest = stage_sent_to(stage, "INVITE", 5081);
    uint64_t at = stage->fake.now_ms;
    stage_refuses(stage, newest, 430, NULL);
    struct sent *other = stage_sent_to(stage, "INVITE", 5080);
    assert_int_equal(other->at_ms, at);
    assert_int_equal(stage_count(stage, "bindings"), 2);
    stage_response(stage, other, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
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
        stage_call(stage, call);
        stage_refuses(stage, stage_sent(stage, "INVITE"), answers[i], NULL);
        stage_hears(stage, answers[i]);
        stage_advance(stage, 100);
        stage_silent(stage);
        struct peer caller = stage_alice();
        stage_request(stage, &caller, (struct request){.method = "ACK", .call = call});
    }
    stage_ends(stage);
}

static void test_5626_7_d_a_408_without_provisional_permits_another_flow(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2});
    stage_call(stage, "one");
    struct sent *first = stage_sent(stage, "INVITE");
    stage_response(stage, first, 100, NULL);
    stage_refuses(stage, first, 408, NULL);
    struct sent *second = stage_sent(stage, "INVITE");
    assert_int_not_equal(sent_port(first), sent_port(second));
    stage_response(stage, second, 180, NULL);
    stage_hears(stage, 180);
    stage_refuses(stage, second, 408, NULL);
    stage_hears(stage, 408);
    stage_ends(stage);
}

static void test_5626_7_d_nothing_heard_in_64_t1_tries_another_flow(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    stage_call(stage, "one");
    struct sent *first = stage_sent(stage, "INVITE");
    stage_advance(stage, T1_64 - 1);
    stage_silent(stage);
    stage_advance(stage, 1);
    struct sent *second = stage_sent(stage, "INVITE");
    assert_int_not_equal(sent_port(first), sent_port(second));
    stage_advance(stage, T1_64);
    stage_hears(stage, 408);
}

static void test_5626_7_h_a_dead_flow_fails_over_at_once(void **state)
{
    struct stage *stage = *state;
    for (int tcp = 0; tcp < 2; tcp++) {
        uint16_t port = (uint16_t)(5080 + 10 * tcp);
        stage_phone(stage, (struct phone){.port = port, .instance = "1", .reg_id = 1, .tcp = tcp});
        stage_phone(stage, (struct phone){.port = (uint16_t)(port + 1), .instance = "1", .reg_id = 2, .tcp = tcp});
        stage_call(stage, tcp ? "tcp" : "udp");
        struct sent *first = stage_sent(stage, "INVITE");
        stage_response(stage, first, 100, NULL);
        uint64_t at = stage->fake.now_ms;
        struct peer dead = first->peer;
        stage_flow_dies(stage, &dead);
        /* no timer has run, the clock has not moved */
        struct sent *second = stage_sent(stage, "INVITE");
        assert_int_equal(second->at_ms, at);
        assert_int_not_equal(sent_port(second), sent_port(first));
        assert_int_equal(stage_count(stage, "bindings"), 1);
        stage_response(stage, second, 200, NULL);
        stage_hears(stage, 200);
        stage_ends(stage);
    }
}

static void test_5626_7_h_all_flows_dead_is_480_at_once(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    stage_call(stage, "one");
    struct peer first = stage_sent(stage, "INVITE")->peer;
    stage_flow_dies(stage, &first);
    struct peer second = stage_sent(stage, "INVITE")->peer;
    stage_flow_dies(stage, &second);
    assert_int_equal(stage_hears(stage, 480)->at_ms, stage->fake.now_ms);
    assert_int_equal(stage_count(stage, "bindings"), 0);
    stage_ends(stage);
}

/* A flow whose death nobody has told: the send finds out. */
static void test_3261_16_9_a_a_refused_send_on_a_flow_is_a_failed_flow(void **state)
{
    struct stage *stage = *state;
    struct peer first = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    struct peer second = stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    fake_wire_refuse(&stage->wire, &first, -EPIPE);
    fake_wire_refuse(&stage->wire, &second, -EPIPE);
    stage_call(stage, "one");
    stage_silent(stage);
    fake_wire_refuse(&stage->wire, &first, 0);
    fake_wire_refuse(&stage->wire, &second, 0);
    stage_advance(stage, 0);
    stage_sent(stage, "INVITE");
    assert_int_equal(stage_count(stage, "bindings"), 1);
}

static void test_3261_16_9_a_and_3261_16_7_g_a_send_that_fails_is_a_503_and_goes_up_as_500(void **state)
{
    struct stage *stage = *state;
    struct peer trunk = fake_udp(5090);
    stage_script(stage, "sip_on_request(function(r) return sip_relay('sip:x@127.0.0.1:5090') end)\n");
    fake_wire_refuse(&stage->wire, &trunk, -EHOSTUNREACH);
    stage_call(stage, "one");
    stage_advance(stage, 0);
    stage_hears(stage, 500);
    stage_ends(stage);
}

static void test_5626_7_h_an_instance_that_rang_is_waited_for(void **state)
{
    struct stage *stage = *state;
    struct peer first = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    struct peer second = stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_flow_dies(stage, &first);
    stage_advance(stage, 60000);
    stage_silent(stage);
    /* it answers over its other flow, and is acknowledged there */
    stage_response_from(stage, &second, invite, 486, NULL);
    stage_sent_to(stage, "ACK", 5081);
    stage_hears(stage, 486);
    stage_ends(stage);
}

static void test_5626_7_h_a_2xx_over_the_other_flow(void **state)
{
    struct stage *stage = *state;
    struct peer first = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    struct peer second = stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    struct peer used = invite->peer, other = used.connection == first.connection ? second : first;
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_flow_dies(stage, &used);
    stage_response_from(stage, &other, invite, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

static void test_5626_7_f_untried_targets_on_a_dead_flow_are_not_tried(void **state)
{
    struct stage *stage = *state;
    struct peer high = stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.9"});
    struct peer low =
        stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1, .tcp = true, .more = ";q=0.1"});
    (void)high;
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_flow_dies(stage, &low);
    stage_refuses(stage, invite, 486, NULL);
    stage_advance(stage, 0);
    stage_hears(stage, 486);
    stage_ends(stage);
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
    stage_call(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5092);
    assert_string_equal(sent_header(first, "Route", 0), "<sip:t2@127.0.0.1:5092;lr;ob>");
    assert_true(sent_starts(first, "INVITE sip:bob@192.0.2.4 SIP/2.0"));
    stage_refuses(stage, first, 430, NULL);
    struct sent *second = stage_sent_to(stage, "INVITE", 5091);
    assert_string_equal(sent_header(second, "Route", 0), "<sip:t1@127.0.0.1:5091;lr;ob>");
    assert_int_equal(stage_count(stage, "bindings"), 1);
}

/* --- edges that are gone --- */

/* Two flows of an instance, each through an edge; the first one to be tried is at 5092. */
static void register_by_edges(struct stage *stage)
{
    char lines[1024];
    struct peer edge = fake_udp(5090);
    for (unsigned i = 1; i <= 2; i++) {
        snprintf(lines, sizeof lines,
                 "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5090;branch=z9hG4bKe%u%u;rport\n"
                 "Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bKb\nMax-Forwards: 69\n"
                 "Path: <sip:t%u@127.0.0.1:%u;transport=tcp;lr;ob>\nSupported: path, outbound\n"
                 "From: <sip:bob@example.com>;tag=b\nTo: <sip:bob@example.com>\nCall-ID: reg%u%u\n"
                 "CSeq: %u REGISTER\nContact: <sip:bob@192.0.2.4>;+sip.instance=\"<urn:uuid:1>\";reg-id=%u\n"
                 "Content-Length: 0\n\n",
                 i, stage->registers, i, 5090 + i, i, stage->registers, stage->registers + 1, i);
        stage->registers++;
        stage_receive(stage, &edge, lines);
        stage_status(stage, &edge, 200);
        stage_advance(stage, 2000);
    }
}

static void test_3261_16_9_b_an_edge_that_is_gone_counts_as_a_dead_flow(void **state)
{
    static const unsigned others[][2] = {{430, 480}, {486, 486}, {503, 500}, {404, 404}};
    struct stage *stage = *state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char call[8];
        snprintf(call, sizeof call, "c%zu", i);
        register_by_edges(stage);
        stage_call(stage, call);
        struct peer gone = stage_sent_to(stage, "INVITE", 5092)->peer;
        stage_flow_dies(stage, &gone);
        stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), others[i][0], NULL);
        stage_hears(stage, others[i][1]);
        struct peer caller = stage_alice();
        stage_request(stage, &caller, (struct request){.method = "ACK", .call = call});
        binding_remove_aor(server_bindings(stage->server), TEXT("sip:bob@example.com"));
        stage_ends(stage);
    }
}

static void test_3261_16_9_b_all_edges_gone_is_480(void **state)
{
    struct stage *stage = *state;
    register_by_edges(stage);
    stage_call(stage, "one");
    for (uint16_t port = 5092; port >= 5091; port--) {
        struct peer gone = stage_sent_to(stage, "INVITE", port)->peer;
        stage_flow_dies(stage, &gone);
    }
    stage_hears(stage, 480);
    assert_int_equal(stage_count(stage, "bindings"), 2);
    stage_ends(stage);
}

/* --- 430 at the end --- */

static void test_5626_11_5_a_a_430_goes_up_as_480(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 430, NULL);
    struct sent *refusal = stage_hears(stage, 480);
    assert_true(sent_starts(refusal, "SIP/2.0 480 Temporarily Unavailable\r\n"));
    assert_int_equal(stage_count(stage, "bindings"), 0);
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
        stage_call(stage, call);
        struct sent *first = stage_sent(stage, "INVITE"), *second = stage_sent(stage, "INVITE");
        stage_refuses(stage, i % 2 ? first : second, 430, NULL);
        stage_refuses(stage, i % 2 ? second : first, others[i], NULL);
        stage_hears(stage, others[i]);
        struct peer caller = stage_alice();
        stage_request(stage, &caller, (struct request){.method = "ACK", .call = call});
    }
}

static void test_5626_7_b_and_5626_7_g_a_430_spares_a_binding_that_has_moved_and_the_call_follows_it(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 1});
    stage_refuses(stage, invite, 430, NULL);
    assert_int_equal(stage_count(stage, "bindings"), 1);
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5081), 430, NULL);
    assert_int_equal(stage_count(stage, "bindings"), 0);
    stage_hears(stage, 480);
}

static void test_5626_7_g_a_430_for_a_binding_that_is_gone(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .more = ";expires=0"});
    assert_int_equal(stage_count(stage, "bindings"), 0);
    stage_refuses(stage, invite, 430, NULL);
    stage_hears(stage, 480);
    stage_ends(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
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
        TEST(test_3261_16_9_b_an_edge_that_is_gone_counts_as_a_dead_flow),
        TEST(test_3261_16_9_b_all_edges_gone_is_480),
        TEST(test_5626_11_5_a_a_430_goes_up_as_480),
        TEST(test_5626_11_5_b_any_other_response_outranks_a_430),
        TEST(test_5626_7_b_and_5626_7_g_a_430_spares_a_binding_that_has_moved_and_the_call_follows_it),
        TEST(test_5626_7_g_a_430_for_a_binding_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
