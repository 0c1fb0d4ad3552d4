// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include "core/decide.h"

/* 5626-7.i: an INVITE on a connection whose peer acknowledges nothing. Alice calls, from 5070. */

enum { PATIENCE_MS = 850, T1_64 = 32000 };

static const struct ack_sample gone = {.in_flight = 1, .timeouts = 2, .last_sent_ms = 400, .srtt_us = 1000};
static const struct ack_sample unread = {.unsent = 400, .srtt_us = 1000};

static enum rule_id cited;
static enum action taken;

static void note_decided(void *context, const struct decided *decided)
{
    (void)context;
    cited = decided->decision->rule;
    taken = decided->decision->action;
}

static int setup(void **state)
{
    struct stage *stage = stage_begin(state);
    stage_listen_by_every_transport(stage);
    stage->config.listeners[TRANSPORT_COUNT] = (struct listener){TRANSPORT_TCP, 5070, "127.0.0.1"};
    stage->config.listener_count = TRANSPORT_COUNT + 1;
    stage->config.ack_ms = PATIENCE_MS;
    stage->config.decided = note_decided;
    stage_open(stage);
    cited = RULE_NONE;
    return 0;
}

/* Bob's flow `reg_id`, over TCP from 5080 + reg_id; the newest one is called first. */
static struct peer flow_of_bob(struct stage *stage, unsigned reg_id)
{
    stage_advance(stage, 1000);
    return stage_phone(
        stage, (struct phone){.port = (uint16_t)(5080 + reg_id), .instance = "1", .reg_id = reg_id, .tcp = true});
}

static struct sent *invite_to(struct stage *stage, const struct peer *flow)
{
    return stage_sent_to(stage, "INVITE", address_port(&flow->address));
}

/* The network informs the server of the connection that it has aborted. */
static void abort_is_reported(struct stage *stage, const struct peer *flow)
{
    assert_true(fake_wire_is_aborted(&stage->wire, flow));
    server_flow_down(stage->server, flow->connection, "unacknowledged");
}

static void test_5626_7_i_the_next_flow_is_tried_within_a_second(void **state)
{
    struct stage *stage = *state;
    struct peer second = flow_of_bob(stage, 1), first = flow_of_bob(stage, 2);
    fake_wire_acks(&stage->wire, &first, gone);
    stage_call(stage, "one");
    invite_to(stage, &first);
    stage_advance(stage, PATIENCE_MS - 1);
    assert_false(fake_wire_is_aborted(&stage->wire, &first));
    stage_advance(stage, 1);
    abort_is_reported(stage, &first);
    struct sent *invite = invite_to(stage, &second);
    assert_int_equal(cited, RULE_5626_7_I);
    assert_int_equal(taken, ACTION_NEXT_FLOW);
    assert_int_equal(stage_count(stage, "bindings"), 1);
    stage_response(stage, invite, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

/* RFC 3261 17.2.3: to a phone that has the first copy, whose acknowledgement was lost, the second one is a
   retransmission. */
static void test_5626_7_i_a_phone_that_has_the_first_copy_does_not_ring_twice(void **state)
{
    struct stage *stage = *state;
    struct peer second = flow_of_bob(stage, 1), first = flow_of_bob(stage, 2);
    fake_wire_acks(&stage->wire, &first, gone);
    stage_call(stage, "one");
    struct sent *lost = invite_to(stage, &first);
    stage_advance(stage, PATIENCE_MS);
    abort_is_reported(stage, &first);
    struct sent *invite = invite_to(stage, &second);
    assert_string_equal(sent_header(invite, "Via", 0), sent_header(lost, "Via", 0));
    assert_non_null(strstr(invite->bytes, "INVITE sip:bob@127.0.0.1:5081;"));
    assert_int_equal(stage_count(stage, "client_transactions"), 1);
    /* It answers the first copy, over a new connection (RFC 3261 18.2.2). */
    struct peer new = fake_tcp(&stage->wire, 5999);
    stage_response_from(stage, &new, lost, 180, NULL);
    stage_hears(stage, 180);
    stage_cancels(stage);
    struct sent *cancel = stage_sent_to(stage, "CANCEL", 5081);
    assert_string_equal(sent_header(cancel, "Via", 0), sent_header(lost, "Via", 0));
    stage_response(stage, cancel, 200, NULL);
    stage_response_from(stage, &new, lost, 487, NULL);
    stage_sent_to(stage, "ACK", 5081);
    stage_hears(stage, 487);
    stage_ends(stage);
}

/* Branch, sent-by and method make a transaction (RFC 3261 17.2.3); the transport does not. */
static void test_5626_7_i_over_another_transport_the_copy_is_a_retransmission_too(void **state)
{
    struct stage *stage = *state;
    struct peer tls = fake_stream(&stage->wire, TRANSPORT_TLS, TRANSPORT_TLS, 5088);
    stage_request(stage, &tls,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = "tls",
                                   .fields = "Supported: outbound\nContact: <sip:bob@127.0.0.1:5088;transport=tls>"
                                             ";+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"});
    stage_status(stage, &tls, 200);
    struct peer first = flow_of_bob(stage, 2);
    fake_wire_acks(&stage->wire, &first, gone);
    stage_call(stage, "one");
    struct sent *lost = invite_to(stage, &first);
    stage_advance(stage, PATIENCE_MS);
    abort_is_reported(stage, &first);
    struct sent *invite = invite_to(stage, &tls);
    assert_true(strncmp(sent_header(invite, "Via", 0), "SIP/2.0/TLS 127.0.0.1:5060;", 27) == 0);
    assert_string_equal(strchr(sent_header(invite, "Via", 0), ' '), strchr(sent_header(lost, "Via", 0), ' '));
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    /* It answers the first copy in the way of that one. */
    struct peer new = fake_tcp(&stage->wire, 5999);
    stage_response_from(stage, &new, lost, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

/* The phone has one flow to each of two addresses of the server. */
static void test_5626_7_i_the_copy_over_another_listener_keeps_the_via(void **state)
{
    struct stage *stage = *state;
    struct peer second = fake_stream(&stage->wire, TRANSPORT_TCP, TRANSPORT_COUNT, 5088);
    stage_request(stage, &second,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = "other",
                                   .fields = "Supported: outbound\nContact: <sip:bob@127.0.0.1:5088;transport=tcp>"
                                             ";+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"});
    stage_status(stage, &second, 200);
    struct peer first = flow_of_bob(stage, 2);
    fake_wire_acks(&stage->wire, &first, gone);
    stage_call(stage, "one");
    struct sent *lost = invite_to(stage, &first);
    stage_advance(stage, PATIENCE_MS);
    abort_is_reported(stage, &first);
    struct sent *invite = invite_to(stage, &second);
    assert_string_equal(sent_header(invite, "Via", 0), sent_header(lost, "Via", 0));
    stage_response(stage, invite, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

static void test_5626_7_i_a_phone_without_another_flow_is_waited_for(void **state)
{
    struct stage *stage = *state;
    struct peer only = flow_of_bob(stage, 1);
    stage_phone(stage, (struct phone){.port = 5090, .instance = "2", .reg_id = 1, .tcp = true, .more = ";q=0.5"});
    fake_wire_acks(&stage->wire, &only, gone);
    stage_call(stage, "one");
    struct sent *invite = invite_to(stage, &only);
    stage_advance(stage, 20000);
    stage_silent(stage);
    assert_false(fake_wire_is_aborted(&stage->wire, &only));
    stage_response(stage, invite, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

static void test_5626_7_i_a_flow_that_is_registered_meanwhile_is_taken(void **state)
{
    struct stage *stage = *state;
    struct peer old = flow_of_bob(stage, 1);
    fake_wire_acks(&stage->wire, &old, gone);
    stage_call(stage, "one");
    invite_to(stage, &old);
    stage_advance(stage, 5000);
    struct peer new = flow_of_bob(stage, 2);
    stage_advance(stage, 500);
    abort_is_reported(stage, &old);
    stage_response(stage, invite_to(stage, &new), 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

/* The phone has come back with a new connection for the same registration. */
static void test_5626_7_i_the_same_registration_over_a_new_connection_is_another_flow(void **state)
{
    struct stage *stage = *state;
    struct peer old = flow_of_bob(stage, 1);
    fake_wire_acks(&stage->wire, &old, gone);
    stage_call(stage, "one");
    invite_to(stage, &old);
    stage_advance(stage, 1000);
    struct peer new = flow_of_bob(stage, 1);
    stage_advance(stage, 500);
    abort_is_reported(stage, &old);
    assert_int_equal(stage_count(stage, "bindings"), 1);
    struct sent *invite = invite_to(stage, &new);
    assert_int_equal(invite->peer.connection, new.connection);
    stage_response(stage, invite, 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

static void test_5626_7_i_flow_after_flow(void **state)
{
    struct stage *stage = *state;
    struct peer flows[] = {flow_of_bob(stage, 1), flow_of_bob(stage, 2), flow_of_bob(stage, 3)};
    for (size_t i = 0; i < 3; i++)
        fake_wire_acks(&stage->wire, &flows[i], gone);
    stage_call(stage, "one");
    struct sent *first = invite_to(stage, &flows[2]);
    for (size_t i = 2; i > 0; i--) {
        stage_advance(stage, PATIENCE_MS);
        abort_is_reported(stage, &flows[i]);
        struct sent *invite = invite_to(stage, &flows[i - 1]);
        assert_string_equal(sent_header(invite, "Via", 0), sent_header(first, "Via", 0));
    }
    /* The last one is not aborted: the caller gets the 408 of timer B. */
    stage_advance(stage, T1_64);
    stage_hears(stage, 408);
    assert_false(fake_wire_is_aborted(&stage->wire, &flows[0]));
    assert_int_equal(stage_count(stage, "bindings"), 1);
    stage_ends(stage);
}

static void test_5626_7_i_every_call_on_the_connection_goes_on(void **state)
{
    struct stage *stage = *state;
    struct peer second = flow_of_bob(stage, 1), first = flow_of_bob(stage, 2);
    fake_wire_acks(&stage->wire, &first, gone);
    const char *lost[2];
    for (int i = 0; i < 2; i++) {
        stage_call(stage, i == 0 ? "one" : "two");
        lost[i] = sent_header(invite_to(stage, &first), "Via", 0);
    }
    stage_advance(stage, PATIENCE_MS);
    abort_is_reported(stage, &first);
    for (int i = 0; i < 2; i++) {
        struct sent *invite = invite_to(stage, &second);
        const char *via = sent_header(invite, "Via", 0);
        assert_true(strcmp(via, lost[0]) == 0 || strcmp(via, lost[1]) == 0);
        stage_response(stage, invite, 200, NULL);
    }
    for (int i = 0; i < 2; i++)
        stage_hears(stage, 200);
    stage_silent(stage);
    stage_ends(stage);
}

static void waits_on_a_living_flow(struct stage *stage, struct ack_sample sample)
{
    struct peer second = flow_of_bob(stage, 1), first = flow_of_bob(stage, 2);
    fake_wire_acks(&stage->wire, &first, sample);
    stage_call(stage, "one");
    invite_to(stage, &first);
    stage_advance(stage, T1_64 - 1);
    assert_false(fake_wire_is_aborted(&stage->wire, &first));
    stage_silent(stage);
    /* 5626-7.d: nothing was received within timer B. */
    stage_advance(stage, 1);
    stage_response(stage, invite_to(stage, &second), 200, NULL);
    stage_hears(stage, 200);
    stage_ends(stage);
}

static void test_5626_7_i_a_phone_that_acknowledges_keeps_its_flow(void **state)
{
    waits_on_a_living_flow(*state, (struct ack_sample){0});
}

static void test_5626_7_i_a_phone_that_does_not_read_keeps_its_flow(void **state)
{
    waits_on_a_living_flow(*state, unread);
}

/* 100 or 180: the phone has the request. What follows on the connection is not the INVITE's. */
static void test_5626_7_i_after_a_response_nothing_is_watched(void **state)
{
    struct stage *stage = *state;
    for (unsigned status = 100; status <= 180; status += 80) {
        flow_of_bob(stage, 1);
        struct peer first = flow_of_bob(stage, 2);
        fake_wire_acks(&stage->wire, &first, gone);
        stage_call(stage, status == 100 ? "one" : "two");
        struct sent *invite = invite_to(stage, &first);
        stage_response(stage, invite, status, NULL);
        if (status > 100)
            stage_hears(stage, status);
        stage_advance(stage, 60000);
        assert_false(fake_wire_is_aborted(&stage->wire, &first));
        stage_silent(stage);
        stage_response(stage, invite, 200, NULL);
        stage_hears(stage, 200);
    }
    stage_ends(stage);
}

static void test_5626_7_i_a_cancelled_call_aborts_nothing(void **state)
{
    struct stage *stage = *state;
    flow_of_bob(stage, 1);
    struct peer first = flow_of_bob(stage, 2);
    fake_wire_acks(&stage->wire, &first, gone);
    stage_call(stage, "one");
    invite_to(stage, &first);
    stage_cancels(stage);
    stage_advance(stage, 10000);
    assert_false(fake_wire_is_aborted(&stage->wire, &first));
    stage_discard(stage);
    stage_ends(stage);
}

/* A non-INVITE transaction ends with its response (17.2.2, timer J), so that a second copy would be a new request. */
static void test_5626_7_i_is_for_invite_alone(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    flow_of_bob(stage, 1);
    struct peer first = flow_of_bob(stage, 2);
    fake_wire_acks(&stage->wire, &first, gone);
    stage_request(stage, &alice, (struct request){.method = "MESSAGE"});
    stage_sent_to(stage, "MESSAGE", 5082);
    stage_advance(stage, T1_64 - 1);
    assert_false(fake_wire_is_aborted(&stage->wire, &first));
    stage_discard(stage);
    stage_ends(stage);
}

static void test_5626_7_i_can_be_switched_off(void **state)
{
    struct stage *stage = *state;
    server_delete(stage->server);
    stage->config.ack_ms = 0;
    stage_open(stage);
    waits_on_a_living_flow(stage, gone);
}

/* Nothing is known about the acknowledgements: an older kernel, or another wire. */
static void test_5626_7_i_needs_what_the_kernel_knows(void **state)
{
    struct stage *stage = *state;
    stage->wire.wire.acks = NULL;
    waits_on_a_living_flow(stage, gone);
}

/* A closed connection is no reason to repeat the branch. */
static void test_5626_7_h_after_a_closed_connection_the_copy_is_a_new_transaction(void **state)
{
    struct stage *stage = *state;
    struct peer second = flow_of_bob(stage, 1), first = flow_of_bob(stage, 2);
    stage_call(stage, "one");
    struct sent *lost = invite_to(stage, &first);
    stage_flow_dies(stage, &first);
    struct sent *invite = invite_to(stage, &second);
    assert_string_not_equal(sent_header(invite, "Via", 0), sent_header(lost, "Via", 0));
    assert_int_equal(cited, RULE_5626_7_H);
    stage_response(stage, invite, 486, NULL);
    stage_sent_to(stage, "ACK", 5081);
    stage_hears(stage, 486);
    stage_ends(stage);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, stage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_5626_7_i_the_next_flow_is_tried_within_a_second),
        TEST(test_5626_7_i_a_phone_that_has_the_first_copy_does_not_ring_twice),
        TEST(test_5626_7_i_over_another_transport_the_copy_is_a_retransmission_too),
        TEST(test_5626_7_i_the_copy_over_another_listener_keeps_the_via),
        TEST(test_5626_7_i_a_phone_without_another_flow_is_waited_for),
        TEST(test_5626_7_i_a_flow_that_is_registered_meanwhile_is_taken),
        TEST(test_5626_7_i_the_same_registration_over_a_new_connection_is_another_flow),
        TEST(test_5626_7_i_flow_after_flow),
        TEST(test_5626_7_i_every_call_on_the_connection_goes_on),
        TEST(test_5626_7_i_a_phone_that_acknowledges_keeps_its_flow),
        TEST(test_5626_7_i_a_phone_that_does_not_read_keeps_its_flow),
        TEST(test_5626_7_i_after_a_response_nothing_is_watched),
        TEST(test_5626_7_i_a_cancelled_call_aborts_nothing),
        TEST(test_5626_7_i_is_for_invite_alone),
        TEST(test_5626_7_i_can_be_switched_off),
        TEST(test_5626_7_i_needs_what_the_kernel_knows),
        TEST(test_5626_7_h_after_a_closed_connection_the_copy_is_a_new_transaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
