// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"
#include "standalone/server/server_private.h"

#include <errno.h>

/* Phones without reg-id whose Contact is not their address are pinged (--nat-ping). Their Contacts say 192.0.2.4, which
   is nobody. */

enum { PING_S = 30, PING_MS = PING_S * 1000, LISTENER_WS = 3, PHONE = 5080 };

static int setup(void **state)
{
    struct stage *stage = stage_begin(state);
    stage_listen_by_every_transport(stage);
    stage->config.nat_ping = PING_S;
    stage_open(stage);
    return 0;
}

/* With as many bytes as the REGISTER of a real phone: they are its credit until it has answered. */
static void registers_as(struct stage *stage, const struct peer *from, const char *user, const char *contact)
{
    char fields[1024];
    snprintf(fields, sizeof fields, "Contact: %s\nUser-Agent: %0400d\n", contact, 0);
    stage_request(stage, from,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = user,
                                   .to = user,
                                   .call = user,
                                   .cseq = ++stage->registers,
                                   .fields = fields});
    stage_status(stage, from, 200);
}

static struct peer registers(struct stage *stage, const struct peer *from)
{
    registers_as(stage, from, "bob", "<sip:bob@192.0.2.4:5060>");
    return *from;
}

static struct peer phone(struct stage *stage)
{
    struct peer bob = fake_udp(PHONE);
    return registers(stage, &bob);
}

/* The next message is an OPTIONS to that port, at most `ms` from now. */
static struct sent *pinged_within(struct stage *stage, uint16_t port, uint64_t ms)
{
    struct timers *timers = server_timers(stage->server);
    uint64_t until = stage->fake.now_ms + ms;
    struct sent *sent = NULL;
    while ((sent = fake_wire_take(&stage->wire)) == NULL && stage->fake.now_ms < until) {
        int64_t next = timers_next(timers);
        assert_true(next >= 0);
        stage_advance(stage, (uint64_t)next);
    }
    assert_non_null(sent);
    assert_true(sent_starts(sent, "OPTIONS "));
    assert_int_equal(sent_port(sent), port);
    return sent;
}

/* Counts the OPTIONS of a time in which nothing is answered. */
static unsigned pings_in(struct stage *stage, uint64_t ms)
{
    unsigned count = 0;
    struct sent *sent;
    stage_advance(stage, ms);
    while ((sent = fake_wire_take(&stage->wire)) != NULL)
        count += sent_starts(sent, "OPTIONS ");
    return count;
}

static void assert_counts(struct stage *stage, int64_t pings, int64_t lost, int64_t flows_lost, int64_t bindings)
{
    assert_int_equal(stage_count(stage, "nat_pings"), pings);
    assert_int_equal(stage_count(stage, "nat_pings_lost"), lost);
    assert_int_equal(stage_count(stage, "nat_flows_lost"), flows_lost);
    assert_int_equal(stage_count(stage, "bindings"), bindings);
}

static void test_an_options_goes_to_the_phone_over_its_flow(void **state)
{
    struct stage *stage = *state;
    phone(stage);
    assert_int_equal(pings_in(stage, PING_MS / 2 - 1), 0);
    struct sent *first = pinged_within(stage, PHONE, PING_MS / 2 + 1);
    uint64_t at = first->at_ms;
    assert_true(sent_starts(first, "OPTIONS sip:bob@192.0.2.4:5060 SIP/2.0\r\n"));
    assert_string_equal(sent_header(first, "Max-Forwards", 0), "70");
    assert_string_equal(sent_header(first, "To", 0), "<sip:bob@192.0.2.4:5060>");
    assert_string_equal(sent_header(first, "CSeq", 0), "1 OPTIONS");
    stage_response(stage, first, 200, NULL);
    struct sent *second = pinged_within(stage, PHONE, PING_MS);
    assert_int_equal(second->at_ms - at, PING_MS);
    assert_string_not_equal(sent_header(first, "Call-ID", 0), sent_header(second, "Call-ID", 0));
    stage_response(stage, second, 200, NULL);
    assert_counts(stage, 2, 0, 0, 1);
}

static void test_any_response_is_an_answer(void **state)
{
    static const unsigned statuses[] = {404, 405, 481, 486, 501, 603};
    struct stage *stage = *state;
    phone(stage);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        stage_response(stage, pinged_within(stage, PHONE, PING_MS), statuses[i], NULL);
    stage_advance(stage, PING_MS - 1);
    assert_counts(stage, 6, 0, 0, 1);
}

/* Four datagrams for a ping, and no more until the next one. */
static void test_an_unanswered_ping_is_repeated_for_four_seconds(void **state)
{
    struct stage *stage = *state;
    phone(stage);
    uint64_t at = pinged_within(stage, PHONE, PING_MS)->at_ms;
    assert_int_equal(pings_in(stage, 3999), 3);
    assert_int_equal(stage_count(stage, "client_transactions"), 1);
    assert_int_equal(pings_in(stage, 1), 0);
    assert_int_equal(stage_count(stage, "client_transactions"), 0);
    assert_int_equal(stage_count(stage, "nat_pings_lost"), 1);
    assert_int_equal(pinged_within(stage, PHONE, PING_MS)->at_ms - at, PING_MS);
}

static void test_three_unanswered_pings_end_the_flow(void **state)
{
    struct stage *stage = *state;
    phone(stage);
    pinged_within(stage, PHONE, PING_MS);
    assert_int_equal(pings_in(stage, 2 * PING_MS + 3999), 3 + 4 + 4);
    assert_counts(stage, 3, 2, 0, 1);
    assert_int_equal(pings_in(stage, 1), 0);
    assert_counts(stage, 3, 3, 1, 0);
    assert_int_equal(stage_count(stage, "flows_down"), 1);
    assert_int_equal(stage_count(stage, "bindings_lost"), 1);
    assert_int_equal(stage_count(stage, "nat_pinged"), 0);
    assert_int_equal(pings_in(stage, 4 * PING_MS), 0);
}

/* An ICMP error is no answer. */
static void test_three_returned_pings_end_the_flow(void **state)
{
    struct stage *stage = *state;
    struct peer bob = phone(stage);
    for (int i = 0; i < 3; i++) {
        const struct sent *sent = pinged_within(stage, PHONE, PING_MS);
        server_datagram_returned(stage->server, &bob, (struct text){sent->bytes, sent->length});
        assert_int_equal(stage_count(stage, "bindings"), 1);
        stage_advance(stage, 4000);
    }
    assert_counts(stage, 3, 3, 1, 0);
}

static void test_an_answer_begins_the_count_again(void **state)
{
    struct stage *stage = *state;
    phone(stage);
    for (int i = 0; i < 4; i++) {
        pinged_within(stage, PHONE, PING_MS);
        stage_advance(stage, 4000);
        stage_discard(stage);
        pinged_within(stage, PHONE, PING_MS);
        stage_advance(stage, 4000);
        stage_discard(stage);
        stage_response(stage, pinged_within(stage, PHONE, PING_MS), 200, NULL);
    }
    assert_counts(stage, 12, 8, 0, 1);
}

static void test_a_register_begins_the_count_again(void **state)
{
    struct stage *stage = *state;
    struct peer bob = phone(stage);
    for (int i = 0; i < 6; i++) {
        assert_true(pings_in(stage, PING_MS) > 0);
        if (i % 2 == 1)
            registers(stage, &bob);
    }
    assert_int_equal(stage_count(stage, "bindings"), 1);
    assert_int_equal(stage_count(stage, "nat_flows_lost"), 0);
}

/* A call that waits on the flow fails at once, over no other way. */
static void test_5626_7_h_a_call_on_the_dead_flow_fails_at_once(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(PHONE);
    registers_as(stage, &bob, "bob", "<sip:bob@phone.invalid>");
    assert_true(pings_in(stage, 2 * PING_MS + PING_MS / 2) > 0);
    while (stage_count(stage, "nat_pings_lost") < 2)
        stage_advance(stage, 100);
    stage_discard(stage);
    while (stage_count(stage, "nat_pings") < 3)
        stage_advance(stage, 100);
    stage_discard(stage);
    stage_call(stage, "one");
    stage_sent_to(stage, "INVITE", PHONE);
    stage_advance(stage, 4000);
    struct sent *last = NULL, *sent;
    while ((sent = fake_wire_take(&stage->wire)) != NULL)
        last = sent;
    assert_non_null(last);
    assert_int_equal(sent_status(last), 480);
    assert_int_equal(stage_count(stage, "bindings"), 0);
}

/* --- which phones --- */

static void assert_not_pinged(struct stage *stage)
{
    assert_int_equal(stage_count(stage, "nat_pinged"), 0);
    assert_int_equal(pings_in(stage, 2 * PING_MS), 0);
}

static void test_a_contact_that_is_the_source_needs_no_ping(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = PHONE});
    assert_not_pinged(stage);
}

static void test_a_user_agent_with_reg_id_keeps_its_flow_itself(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(PHONE);
    registers_as(stage, &bob, "bob", "<sip:bob@192.0.2.4>;+sip.instance=\"<urn:uuid:1>\";reg-id=1");
    assert_not_pinged(stage);
}

/* ... and the flow of a plain binding with it. */
static void test_a_flow_with_a_reg_id_needs_no_ping(void **state)
{
    struct stage *stage = *state;
    struct peer bob = phone(stage);
    registers_as(stage, &bob, "carol", "<sip:bob@192.0.2.4>;+sip.instance=\"<urn:uuid:1>\";reg-id=1");
    assert_int_equal(pings_in(stage, 2 * PING_MS), 0);
    assert_int_equal(stage_count(stage, "nat_pinged"), 0);
    registers(stage, &bob); /* the reg-id may be gone by now: it is asked again at the next ping */
    assert_int_equal(pings_in(stage, PING_MS), 0);
}

static void test_a_phone_behind_another_proxy_is_left_alone(void **state)
{
    struct stage *stage = *state;
    struct peer edge = fake_udp(5090);
    stage_request(stage, &edge,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = "bob",
                                   .cseq = ++stage->registers,
                                   .fields = "Contact: <sip:bob@192.0.2.4>\nSupported: path\n"
                                             "Path: <sip:127.0.0.1:5090;lr>\n"});
    stage_status(stage, &edge, 200);
    assert_not_pinged(stage);
}

static void test_one_ping_for_a_flow_whatever_the_number_of_its_bindings(void **state)
{
    struct stage *stage = *state;
    struct peer bob = phone(stage);
    registers_as(stage, &bob, "carol", "<sip:carol@192.0.2.4>");
    registers_as(stage, &bob, "dave", "<sip:dave@192.0.2.5>");
    assert_int_equal(stage_count(stage, "nat_pinged"), 1);
    stage_response(stage, pinged_within(stage, PHONE, PING_MS), 200, NULL);
    assert_int_equal(pings_in(stage, PING_MS - 1), 0);
    assert_int_equal(stage_count(stage, "nat_pings"), 1);
    assert_true(pings_in(stage, 3 * PING_MS + 4000) > 0);
    assert_counts(stage, 4, 3, 1, 0);
    assert_int_equal(stage_count(stage, "bindings_lost"), 3);
}

static void test_a_phone_that_has_gone_is_not_pinged_any_more(void **state)
{
    struct stage *stage = *state;
    struct peer bob = phone(stage);
    registers_as(stage, &bob, "bob", "<sip:bob@192.0.2.4:5060>;expires=0");
    assert_int_equal(pings_in(stage, PING_MS), 0);
    assert_int_equal(stage_count(stage, "nat_pinged"), 0);
}

static void test_trusted_addresses_are_not_pinged(void **state)
{
    struct stage *stage = *state;
    struct source_limits *limits;
    struct source_limits_config config = {.host = &stage->fake.host, .trusted_count = 1};
    assert_true(cidr_read(TEXT("127.0.0.1"), &config.trusted[0]));
    assert_int_equal(source_limits_new(&limits, &config), 0);
    stage->server->config.sources = limits;
    phone(stage);
    assert_int_equal(pings_in(stage, 2 * PING_MS), 0);
    assert_int_equal(stage_count(stage, "nat_pinged"), 0);
    stage->server->config.sources = NULL;
    source_limits_delete(limits);
}

/* --- transports --- */

static void test_a_phone_on_tcp_gets_one_options_and_its_connection_is_closed(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_tcp(&stage->wire, PHONE);
    registers(stage, &bob);
    struct sent *ping = pinged_within(stage, PHONE, PING_MS);
    assert_int_equal(ping->peer.connection, bob.connection);
    stage_response(stage, ping, 501, NULL);
    assert_int_equal(pings_in(stage, 3 * PING_MS), 3);
    assert_counts(stage, 4, 2, 0, 1);
    assert_int_equal(pings_in(stage, 4000), 0);
    assert_counts(stage, 4, 3, 1, 0);
    assert_true(stage->wire.connections[bob.connection - 1].close_asked);
    fake_wire_close(&stage->wire, bob.connection);
    server_flow_down(stage->server, bob.connection, "closed");
    assert_int_equal(stage_count(stage, "flows_down"), 1);
}

static void test_a_phone_on_websocket_gets_ping_frames(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_stream(&stage->wire, TRANSPORT_WS, LISTENER_WS, PHONE);
    registers_as(stage, &bob, "bob", "<sip:bob@a1b2.invalid;transport=ws>");
    struct fake_connection *connection = &stage->wire.connections[bob.connection - 1];
    assert_int_equal(pings_in(stage, 5 * PING_MS), 0);
    assert_true(connection->pings >= 4);
    assert_int_equal(stage_count(stage, "nat_pings"), connection->pings);
    assert_int_equal(stage_count(stage, "nat_pings_lost"), 0);
    connection->silent = true;
    stage_advance(stage, 2 * PING_MS);
    assert_int_equal(stage_count(stage, "bindings"), 1);
    stage_advance(stage, PING_MS);
    assert_int_equal(stage_count(stage, "nat_pings_lost"), 3);
    assert_int_equal(stage_count(stage, "nat_flows_lost"), 1);
    assert_int_equal(stage_count(stage, "bindings"), 0);
    assert_true(connection->close_asked);
}

static void test_a_connection_that_has_closed_is_not_pinged(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_tcp(&stage->wire, PHONE);
    registers(stage, &bob);
    fake_wire_close(&stage->wire, bob.connection);
    server_flow_down(stage->server, bob.connection, "closed");
    assert_int_equal(pings_in(stage, 2 * PING_MS), 0);
    assert_int_equal(stage_count(stage, "nat_pinged"), 0);
}

/* --- bad networks --- */

static void test_a_ping_that_cannot_be_sent_is_not_lost(void **state)
{
    struct stage *stage = *state;
    struct peer bob = phone(stage);
    fake_wire_refuse(&stage->wire, &bob, -ENETUNREACH);
    stage_advance(stage, 6 * PING_MS);
    stage_discard(stage);
    assert_int_equal(stage_count(stage, "nat_pings_lost"), 0);
    assert_int_equal(stage_count(stage, "bindings"), 1);
}

static struct peer crowd(struct stage *stage, unsigned count)
{
    char user[32];
    struct peer last = {0};
    for (unsigned i = 0; i < count; i++) {
        snprintf(user, sizeof user, "u%u", i);
        last = fake_udp((uint16_t)(10000 + i));
        registers_as(stage, &last, user, "<sip:x@192.0.2.4>");
    }
    return last;
}

/* If the server's own network fails, all phones are silent: none must lose its binding. */
static void test_if_nobody_is_heard_no_binding_is_removed(void **state)
{
    struct stage *stage = *state;
    crowd(stage, 20);
    assert_true(pings_in(stage, 6 * PING_MS) > 100);
    assert_int_equal(stage_count(stage, "nat_pings_lost"), 0);
    assert_int_equal(stage_count(stage, "bindings"), 20);
}

static void test_if_others_are_heard_the_silent_ones_are_removed(void **state)
{
    struct stage *stage = *state;
    struct peer last = crowd(stage, 20);
    struct sent *sent;
    for (unsigned i = 0; i < 50 * PING_S; i++) {
        stage_advance(stage, 100);
        while ((sent = fake_wire_take(&stage->wire)) != NULL)
            if (sent_starts(sent, "OPTIONS ") && sent_port(sent) == address_port(&last.address))
                stage_response(stage, sent, 200, NULL);
        if (i % 10 == 0) /* somebody always speaks */
            stage_receive(stage, &last,
                          "SIP/2.0 200 OK\nVia: SIP/2.0/UDP x;branch=z9hG4bKx\nFrom: <sip:a@b>;tag=a\n"
                          "To: <sip:a@b>;tag=b\nCall-ID: c\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n");
    }
    assert_int_equal(stage_count(stage, "bindings"), 1);
}

/* Anybody can send a REGISTER with a forged source: the victim gets at most ten times its bytes, and then nothing. */
static void forged_register_costs(struct stage *stage, const char *fields, size_t length)
{
    size_t bytes = 0;
    struct peer victim = {.transport = TRANSPORT_UDP};
    assert_true(address_read(TEXT("198.51.100.7"), 5060, &victim.address));
    stage_request(stage, &victim,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = "bob",
                                   .cseq = ++stage->registers,
                                   .fields = fields});
    stage_advance(stage, 10 * PING_MS);
    for (struct sent *sent; (sent = fake_wire_take(&stage->wire)) != NULL;)
        bytes += sent->length;
    assert_true(bytes > length);
    assert_true(bytes <= 10 * length);
    assert_int_equal(stage_count(stage, "bindings"), 0);
}

static void test_a_forged_source_gets_no_more_than_its_credit(void **state)
{
    forged_register_costs(*state, "Contact: <sip:bob@192.0.2.4:5060>\n", 330);
}

/* --- many --- */

/* A restart brings all of them at once: the pings of one second are about those of an even spread. */
static void test_restored_bindings_are_pinged_spread_over_the_interval(void **state)
{
    enum { FLOWS = 3000 };
    unsigned each[PING_S] = {0};
    struct stage *stage = *state;
    for (unsigned i = 0; i < FLOWS; i++) {
        char aor[32];
        struct peer peer = fake_udp((uint16_t)(10000 + i));
        snprintf(aor, sizeof aor, "sip:u%u@example.com", i);
        struct binding_view view = {.aor = text_of(aor),
                                    .contact = TEXT("sip:x@192.0.2.4"),
                                    .call_id = TEXT("c"),
                                    .cseq = 1,
                                    .q = 1000,
                                    .flow = peer_flow(&peer),
                                    .expires_at = stage->fake.host.wall_s(&stage->fake) + 3600,
                                    .registered_at = stage->fake.host.wall_s(&stage->fake)};
        assert_int_equal(server_restore_binding(stage->server, &view, &peer), 0);
    }
    assert_int_equal(stage_count(stage, "nat_pinged"), FLOWS);
    uint64_t begun = stage->fake.now_ms;
    for (unsigned second = 0; second < PING_S; second++) {
        stage_advance(stage, begun + 1000 * (second + 1) - 1 - stage->fake.now_ms);
        for (struct sent *sent; (sent = fake_wire_take(&stage->wire)) != NULL;)
            each[second] += sent->at_ms >= begun && stage_count(stage, "nat_pings") >= 0;
        each[second] = (unsigned)stage_count(stage, "nat_pings");
    }
    for (unsigned second = 1; second < PING_S; second++)
        assert_in_range(each[second] - each[second - 1], FLOWS / PING_S / 2, FLOWS / PING_S * 2);
}

static void test_they_can_be_switched_off(void **state)
{
    struct stage *stage = *state;
    stage->server->config.nat_ping = 0;
    phone(stage);
    assert_not_pinged(stage);
}

/* An answer may take longer than the interval, and the three pings without one the same 12 s as usual. */
static void test_a_short_interval(void **state)
{
    struct stage *stage = *state;
    for (uint32_t interval = 1; interval <= 4; interval++) {
        stage->server->config.nat_ping = interval;
        phone(stage);
        int64_t lost = stage_count(stage, "nat_pings_lost");
        for (int i = 0; i < 5; i++)
            stage_response(stage, pinged_within(stage, PHONE, interval * 1000), 200, NULL);
        struct sent *late = pinged_within(stage, PHONE, interval * 1000);
        stage_advance(stage, 3900);
        stage_discard(stage);
        stage_response(stage, late, 200, NULL);
        assert_int_equal(stage_count(stage, "nat_pings_lost"), lost);
        pinged_within(stage, PHONE, 4000);
        assert_true(pings_in(stage, 11900) > 0);
        assert_int_equal(stage_count(stage, "bindings"), 1);
        stage_advance(stage, 200);
        assert_int_equal(stage_count(stage, "bindings"), 0);
        assert_int_equal(stage_count(stage, "nat_pings_lost"), lost + 3);
    }
}

static void test_the_server_may_end_while_a_ping_waits(void **state)
{
    struct stage *stage = *state;
    phone(stage);
    pinged_within(stage, PHONE, PING_MS); /* the teardown asserts that all memory was returned */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_an_options_goes_to_the_phone_over_its_flow),
        TEST(test_any_response_is_an_answer),
        TEST(test_an_unanswered_ping_is_repeated_for_four_seconds),
        TEST(test_three_unanswered_pings_end_the_flow),
        TEST(test_three_returned_pings_end_the_flow),
        TEST(test_an_answer_begins_the_count_again),
        TEST(test_a_register_begins_the_count_again),
        TEST(test_5626_7_h_a_call_on_the_dead_flow_fails_at_once),
        TEST(test_a_contact_that_is_the_source_needs_no_ping),
        TEST(test_a_user_agent_with_reg_id_keeps_its_flow_itself),
        TEST(test_a_flow_with_a_reg_id_needs_no_ping),
        TEST(test_a_phone_behind_another_proxy_is_left_alone),
        TEST(test_one_ping_for_a_flow_whatever_the_number_of_its_bindings),
        TEST(test_a_phone_that_has_gone_is_not_pinged_any_more),
        TEST(test_trusted_addresses_are_not_pinged),
        TEST(test_a_phone_on_tcp_gets_one_options_and_its_connection_is_closed),
        TEST(test_a_phone_on_websocket_gets_ping_frames),
        TEST(test_a_connection_that_has_closed_is_not_pinged),
        TEST(test_a_ping_that_cannot_be_sent_is_not_lost),
        TEST(test_if_nobody_is_heard_no_binding_is_removed),
        TEST(test_if_others_are_heard_the_silent_ones_are_removed),
        TEST(test_a_forged_source_gets_no_more_than_its_credit),
        TEST(test_restored_bindings_are_pinged_spread_over_the_interval),
        TEST(test_they_can_be_switched_off),
        TEST(test_a_short_interval),
        TEST(test_the_server_may_end_while_a_ping_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
