// SPDX-License-Identifier: BSD-2-Clause
#include "transaction_bench.h"

#include <errno.h>

#include "standalone/transaction/transaction_private.h"

/* Client transactions: RFC 3261 17.1 as RFC 6026 mends it. T1 is 500 ms, T2 4 s, T4 5 s. */

enum { T4 = 5000, T1_64 = 32000, FOREVER = 1000000 };

struct exchange {
    struct client_transaction *transaction;
    char branch[64];
    const char *method;
    struct peer peer;
};

static struct exchange begin_over(struct bench *bench, const char *method, struct peer peer)
{
    struct exchange exchange = {.method = method, .peer = peer};
    struct branch_id id = branch_draw(bench->transactions, 0xabcd);
    branch_write(id, exchange.branch, sizeof exchange.branch);
    struct sip_message *request = bench_request(bench, method, exchange.branch);
    bench_mark(bench);
    assert_int_equal(client_transaction_new(bench->transactions, id, sip_method(request), &peer, NULL,
                                            sip_bytes(request), bench, &exchange.transaction),
                     0);
    sip_message_delete(request);
    return exchange;
}

static struct exchange begin(struct bench *bench, const char *method, bool tcp)
{
    return begin_over(bench, method, tcp ? fake_tcp(&bench->wire, 5080) : fake_udp(5080));
}

/* As the server does: found by branch, method and source, then told. */
static enum response_match answer_from(struct bench *bench, const struct exchange *exchange, struct peer source,
                                       unsigned status)
{
    enum response_match match;
    struct sip_message *response = bench_response(bench, exchange->method, exchange->branch, status);
    struct client_transaction *found = client_transaction_find(bench->transactions, response, &source, &match);
    assert_int_equal(found != NULL, match == RESPONSE_MATCHED || match == RESPONSE_OTHER_PORT);
    if (found != NULL)
        client_transaction_received(found, &response);
    sip_message_delete(response);
    return match;
}

/* From where its messages go. False where no transaction is found. */
static bool answer(struct bench *bench, const struct exchange *exchange, unsigned status)
{
    return answer_from(bench, exchange, exchange->peer, status) == RESPONSE_MATCHED;
}

static void assert_sent(struct bench *bench, const char *start, const char *instants)
{
    char found[512];
    bench_instants(bench, start, found, sizeof found);
    assert_string_equal(found, instants);
}

/* --- INVITE --- */

/* Timer A: T1, then twice as long each time; B: 64*T1. */
static void test_timer_a_and_b_nothing_comes_on_udp(void **state)
{
    struct bench *bench = *state;
    begin(bench, "INVITE", false);
    bench_advance(bench, T1_64 - 1);
    assert_sent(bench, "INVITE", "0 500 1500 3500 7500 15500 31500");
    assert_int_equal(bench->timeouts, 0);
    bench_advance(bench, 1);
    assert_int_equal(bench->timeouts, 1);
    assert_int_equal(bench->ended, 1);
    assert_int_equal(transactions_clients(bench->transactions), 0);
    bench_advance(bench, FOREVER);
    assert_sent(bench, "INVITE", "");
}

static void test_timer_b_nothing_comes_on_tcp(void **state)
{
    struct bench *bench = *state;
    begin(bench, "INVITE", true);
    bench_advance(bench, T1_64 - 1);
    assert_int_equal(bench->timeouts, 0);
    bench_advance(bench, 1);
    assert_int_equal(bench->timeouts, 1);
    assert_sent(bench, "INVITE", "0");
}

static void test_a_provisional_ends_timers_a_and_b(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "INVITE", false);
    bench_advance(bench, 600);
    assert_true(answer(bench, &exchange, 100));
    assert_true(answer(bench, &exchange, 180));
    bench_advance(bench, FOREVER);
    assert_sent(bench, "INVITE", "0 500");
    assert_int_equal(bench->responses, 2);
    assert_int_equal(bench->timeouts, 0);
    assert_int_equal(exchange.transaction->state, TRANSACTION_PROCEEDING);
}

/* Timer D: for 64*T1 on UDP each repeated refusal gets the same ACK again, and is reported once. */
static void test_3261_17_a_and_timer_d_refusal_on_udp(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "INVITE", false);
    assert_true(answer(bench, &exchange, 486));
    struct sent *invite = fake_wire_take(&bench->wire);
    struct sent *ack = fake_wire_take(&bench->wire);
    assert_true(sent_starts(ack, "ACK sip:bob@127.0.0.1:5080 SIP/2.0"));
    assert_int_equal(sent_port(ack), 5080);
    assert_int_equal(sent_count(ack, "Via"), 1);
    assert_string_equal(sent_header(ack, "Via", 0), sent_header(invite, "Via", 0));
    assert_string_equal(sent_header(ack, "Route", 0), sent_header(invite, "Route", 0));
    assert_string_equal(sent_header(ack, "To", 0), "<sip:bob@example.com>;tag=b");
    assert_string_equal(sent_header(ack, "CSeq", 0), "7 ACK");
    bench_advance(bench, T1_64 - 1);
    assert_true(answer(bench, &exchange, 486));
    struct sent *second = fake_wire_take(&bench->wire);
    assert_string_equal(second->bytes, ack->bytes);
    assert_int_equal(bench->responses, 1);
    assert_int_equal(bench->ended, 0);
    bench_advance(bench, 1);
    assert_int_equal(bench->ended, 1);
    assert_false(answer(bench, &exchange, 486));
    assert_sent(bench, "ACK", "");
    assert_int_equal(bench->timeouts, 0);
}

static void test_timer_d_is_zero_on_tcp(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "INVITE", true);
    assert_true(answer(bench, &exchange, 486));
    bench_advance(bench, 0);
    assert_int_equal(bench->ended, 1);
    assert_true(sent_starts(fake_wire_take(&bench->wire), "INVITE"));
    assert_sent(bench, "ACK", "0");
}

/* RFC 6026: for 64*T1 (timer M) every 2xx is reported; a refusal after it is dropped, and no ACK is sent. */
static void test_rfc6026_timer_m_every_2xx_is_told(void **state)
{
    struct bench *bench = *state;
    for (unsigned tcp = 0; tcp < 2; tcp++) {
        struct exchange exchange = begin(bench, "INVITE", tcp);
        bench->responses = 0;
        answer(bench, &exchange, 180);
        answer(bench, &exchange, 200);
        answer(bench, &exchange, 200);
        answer(bench, &exchange, 486);
        answer(bench, &exchange, 180);
        assert_int_equal(bench->responses, 3);
        assert_int_equal(exchange.transaction->state, TRANSACTION_ACCEPTED);
        bench_advance(bench, T1_64 - 1);
        assert_true(answer(bench, &exchange, 200));
        assert_int_equal(bench->responses, 4);
        assert_int_equal(bench->ended, tcp);
        bench_advance(bench, 1);
        assert_int_equal(bench->ended, tcp + 1);
        assert_false(answer(bench, &exchange, 200));
        assert_sent(bench, "INVITE", "0");
    }
}

static void test_a_2xx_after_a_refusal_is_absorbed_here(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "INVITE", false);
    answer(bench, &exchange, 486);
    answer(bench, &exchange, 200);
    assert_int_equal(bench->responses, 1);
}

/* --- other methods --- */

/* Timer E: T1, doubling up to T2; F: 64*T1. */
static void test_timer_e_and_f_nothing_comes_on_udp(void **state)
{
    struct bench *bench = *state;
    begin(bench, "OPTIONS", false);
    bench_advance(bench, T1_64 - 1);
    assert_sent(bench, "OPTIONS", "0 500 1500 3500 7500 11500 15500 19500 23500 27500 31500");
    assert_int_equal(bench->timeouts, 0);
    bench_advance(bench, 1);
    assert_int_equal(bench->timeouts, 1);
    assert_int_equal(bench->ended, 1);
}

static void test_timer_f_nothing_comes_on_tcp(void **state)
{
    struct bench *bench = *state;
    begin(bench, "OPTIONS", true);
    bench_advance(bench, T1_64);
    assert_sent(bench, "OPTIONS", "0");
    assert_int_equal(bench->timeouts, 1);
}

/* After a provisional E fires each T2, and F still ends it. */
static void test_timer_e_and_f_after_a_provisional(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "OPTIONS", false);
    bench_advance(bench, 600);
    answer(bench, &exchange, 100);
    bench_advance(bench, T1_64 - 600);
    assert_sent(bench, "OPTIONS", "0 500 1500 5500 9500 13500 17500 21500 25500 29500");
    assert_int_equal(bench->timeouts, 1);
}

static void test_timer_k_after_a_final(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "OPTIONS", false);
    answer(bench, &exchange, 200);
    answer(bench, &exchange, 200);
    assert_int_equal(bench->responses, 1);
    bench_advance(bench, T4 - 1);
    assert_int_equal(bench->ended, 0);
    bench_advance(bench, 1);
    assert_int_equal(bench->ended, 1);
    struct exchange over_tcp = begin(bench, "OPTIONS", true);
    answer(bench, &over_tcp, 486);
    bench_advance(bench, 0);
    assert_int_equal(bench->ended, 2);
    assert_int_equal(bench->timeouts, 0);
}

/* --- CANCEL --- */

static struct sent *take(struct bench *bench, const char *method)
{
    struct sent *sent = fake_wire_take(&bench->wire);
    if (sent == NULL || !sent_starts(sent, method))
        fail_msg("no %s was sent", method);
    return sent;
}

static void test_3261_9_a_cancel_waits_for_a_provisional(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "INVITE", false);
    struct sent *invite = take(bench, "INVITE");
    client_transaction_cancel(exchange.transaction);
    bench_advance(bench, 400);
    assert_sent(bench, "CANCEL", "");
    answer(bench, &exchange, 100);
    struct sent *cancel = take(bench, "CANCEL sip:bob@127.0.0.1:5080 SIP/2.0");
    assert_int_equal(cancel->at_ms - bench->started_ms, 400);
    assert_string_equal(sent_header(cancel, "Via", 0), sent_header(invite, "Via", 0));
    assert_string_equal(sent_header(cancel, "Route", 0), sent_header(invite, "Route", 0));
    assert_string_equal(sent_header(cancel, "To", 0), "<sip:bob@example.com>");
    assert_string_equal(sent_header(cancel, "CSeq", 0), "7 CANCEL");
    answer(bench, &exchange, 180);
    client_transaction_cancel(exchange.transaction);
    assert_sent(bench, "CANCEL", "");
}

/* 9.1: without an answer to the INVITE 64*T1 after its CANCEL, it is taken as cancelled. */
static void test_a_cancelled_invite_ends_64_t1_after_the_cancel(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "INVITE", true);
    answer(bench, &exchange, 180);
    bench_advance(bench, 50000);
    client_transaction_cancel(exchange.transaction);
    take(bench, "INVITE");
    take(bench, "CANCEL");
    bench_advance(bench, T1_64 - 1);
    assert_int_equal(bench->timeouts, 0);
    bench_advance(bench, 1);
    assert_int_equal(bench->timeouts, 1);
    assert_int_equal(transactions_clients(bench->transactions), 0);
}

static void test_cancel_is_a_transaction_of_its_own(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "INVITE", false);
    answer(bench, &exchange, 180);
    take(bench, "INVITE");
    client_transaction_cancel(exchange.transaction);
    bench_mark(bench);
    bench_advance(bench, 1600);
    struct exchange cancel = exchange;
    cancel.method = "CANCEL";
    assert_true(answer(bench, &cancel, 200));
    bench_advance(bench, 10000);
    char found[128];
    bench_instants(bench, "CANCEL", found, sizeof found);
    assert_string_equal(found, "0 500 1500");
    assert_int_equal(bench->responses, 1);
    answer(bench, &exchange, 487);
    assert_int_equal(bench->last_status, 487);
    assert_sent(bench, "ACK", "11600");
}

static void test_only_an_invite_without_final_is_cancelled(void **state)
{
    struct bench *bench = *state;
    struct exchange options = begin(bench, "OPTIONS", false);
    take(bench, "OPTIONS");
    client_transaction_cancel(options.transaction);
    answer(bench, &options, 100);
    assert_sent(bench, "CANCEL", "");
    answer(bench, &options, 200);
    struct exchange invite = begin(bench, "INVITE", true);
    take(bench, "INVITE");
    answer(bench, &invite, 180);
    answer(bench, &invite, 200);
    client_transaction_cancel(invite.transaction);
    assert_sent(bench, "CANCEL", "");
}

/* --- failures --- */

static void test_3261_16_9_a_a_refused_send_is_told_soon(void **state)
{
    struct bench *bench = *state;
    struct peer peer = fake_udp(5080);
    fake_wire_refuse(&bench->wire, &peer, -EMSGSIZE);
    begin(bench, "INVITE", false);
    assert_int_equal(bench->failures, 0);
    bench_advance(bench, 0);
    assert_int_equal(bench->failures, 1);
    assert_int_equal(bench->downs, 0);
    assert_int_equal(bench->timeouts, 0);
    assert_int_equal(bench->ended, 1);
    assert_sent(bench, "INVITE", "");
}

static void test_5626_7_h_a_send_on_a_closed_connection_is_told_as_dead(void **state)
{
    struct bench *bench = *state;
    struct peer peer = fake_tcp(&bench->wire, 5080);
    fake_wire_close(&bench->wire, peer.connection);
    begin_over(bench, "INVITE", peer);
    bench_advance(bench, 0);
    assert_int_equal(bench->downs, 1);
    assert_int_equal(bench->ended, 1);
}

static void test_5626_7_h_a_flow_that_dies_is_told_at_once(void **state)
{
    struct bench *bench = *state;
    struct peer peer = fake_tcp(&bench->wire, 5080);
    struct peer other = fake_tcp(&bench->wire, 5081);
    begin_over(bench, "INVITE", peer);
    begin_over(bench, "OPTIONS", peer);
    begin_over(bench, "INVITE", other);
    struct exchange answered = begin_over(bench, "INVITE", peer);
    answer(bench, &answered, 200);
    transactions_flow_down(bench->transactions, peer_flow(&peer));
    assert_int_equal(bench->downs, 2);
    transactions_flow_down(bench->transactions, peer_flow(&peer));
    assert_int_equal(bench->downs, 2);
}

/* A datagram flow that ICMP has told dead is asked no more. */
static void test_5626_7_h_no_retransmission_on_a_dead_flow(void **state)
{
    struct bench *bench = *state;
    struct peer peer = fake_udp(5080);
    begin_over(bench, "INVITE", peer);
    transactions_flow_down(bench->transactions, peer_flow(&peer));
    bench_advance(bench, FOREVER);
    assert_sent(bench, "INVITE", "0");
    assert_int_equal(bench->downs, 1);
    assert_int_equal(bench->ended, 1);
}

/* The connection that send() opened is the flow that dies. */
static void test_a_connection_opened_for_it_is_its_flow(void **state)
{
    struct bench *bench = *state;
    struct peer peer = fake_udp(5080);
    peer.transport = TRANSPORT_TCP;
    struct exchange exchange = begin_over(bench, "INVITE", peer);
    flow_id flow = peer_flow(&exchange.transaction->peer);
    assert_int_not_equal(flow, 0);
    transactions_flow_down(bench->transactions, flow);
    assert_int_equal(bench->downs, 1);
}

static void test_3261_9_a_a_moved_transaction_is_cancelled_and_acknowledged_where_it_lives(void **state)
{
    struct bench *bench = *state;
    struct peer dead = fake_tcp(&bench->wire, 5080), alive = fake_tcp(&bench->wire, 5081);
    struct exchange exchange = begin_over(bench, "INVITE", dead);
    take(bench, "INVITE");
    answer(bench, &exchange, 180);
    fake_wire_close(&bench->wire, dead.connection);
    transactions_flow_down(bench->transactions, peer_flow(&dead));
    client_transaction_move(exchange.transaction, &alive);
    client_transaction_cancel(exchange.transaction);
    assert_int_equal(sent_port(take(bench, "CANCEL")), 5081);
    answer(bench, &exchange, 487);
    assert_int_equal(sent_port(take(bench, "ACK")), 5081);
}

static void test_a_response_may_be_kept(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "INVITE", false);
    bench->keep_next = true;
    answer(bench, &exchange, 486);
    assert_non_null(bench->kept);
    assert_int_equal(sip_status(bench->kept), 486);
}

/* --- matching --- */

static void test_3261_17_1_3_a_the_whole_branch_and_the_method_match(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "INVITE", false), wrong = exchange;
    size_t length = strlen(exchange.branch);
    wrong.method = "CANCEL";
    assert_false(answer(bench, &wrong, 200));
    wrong = exchange;
    snprintf(wrong.branch, sizeof wrong.branch, "z9hG4bKother");
    assert_false(answer(bench, &wrong, 200));
    for (size_t i = 0; i < length; i++) {
        wrong = exchange;
        wrong.branch[i] = wrong.branch[i] == '1' ? '2' : '1';
        assert_false(answer(bench, &wrong, 200));
    }
    wrong = exchange;
    wrong.branch[length - 1] = '\0';
    assert_false(answer(bench, &wrong, 200));
    memcpy(wrong.branch + length - 1, "00", 3);
    wrong.branch[length - 1] = exchange.branch[length - 1];
    assert_false(answer(bench, &wrong, 200));
    assert_true(answer(bench, &exchange, 200));
}

/* Methods that the server does not know share one number, but are not one method. */
static void test_3261_17_1_3_a_unknown_methods_are_told_apart(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "FETCH", false), wrong = exchange;
    wrong.method = "FETCHES";
    assert_false(answer(bench, &wrong, 200));
    wrong.method = "FETC";
    assert_false(answer(bench, &wrong, 200));
    assert_true(answer(bench, &exchange, 200));
}

static struct peer at(struct peer peer, const char *host, uint16_t port)
{
    assert_true(address_read(text_of(host), port, &peer.address));
    return peer;
}

static void test_3261_17_1_3_a_a_response_over_udp_comes_from_the_host_of_its_request(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "INVITE", false);
    struct peer tcp = fake_tcp(&bench->wire, 5080);
    assert_int_equal(answer_from(bench, &exchange, at(exchange.peer, "127.0.0.2", 5080), 603), RESPONSE_FOREIGN);
    assert_int_equal(answer_from(bench, &exchange, at(exchange.peer, "::1", 5080), 603), RESPONSE_FOREIGN);
    assert_int_equal(answer_from(bench, &exchange, tcp, 603), RESPONSE_FOREIGN);
    assert_int_equal(exchange.transaction->state, TRANSACTION_TRYING);
    assert_int_equal(answer_from(bench, &exchange, at(exchange.peer, "127.0.0.1", 40001), 180), RESPONSE_OTHER_PORT);
    assert_int_equal(answer_from(bench, &exchange, at(exchange.peer, "::ffff:127.0.0.1", 5080), 180), RESPONSE_MATCHED);
    /* By which listener or local address it came in is of no account. */
    struct peer other = exchange.peer;
    other.listener = 3;
    other.local = 2;
    assert_int_equal(answer_from(bench, &exchange, other, 486), RESPONSE_MATCHED);
}

static void test_3261_17_1_3_a_ipv6_hosts_are_compared(void **state)
{
    struct bench *bench = *state;
    struct peer phone = at(fake_udp(5080), "fe80::1", 5080);
    phone.address.v6.sin6_scope_id = 2;
    struct exchange exchange = begin_over(bench, "INVITE", phone);
    struct peer other = phone;
    other.address.v6.sin6_scope_id = 3;
    assert_int_equal(answer_from(bench, &exchange, other, 603), RESPONSE_FOREIGN);
    assert_int_equal(answer_from(bench, &exchange, at(phone, "fe80::2", 5080), 603), RESPONSE_FOREIGN);
    assert_int_equal(answer_from(bench, &exchange, at(phone, "fe80::1", 5081), 180), RESPONSE_OTHER_PORT);
    assert_int_equal(answer_from(bench, &exchange, phone, 486), RESPONSE_MATCHED);
}

static void test_3261_17_1_3_a_a_response_over_a_stream_comes_from_the_host_of_its_connection(void **state)
{
    struct bench *bench = *state;
    struct exchange exchange = begin(bench, "INVITE", true);
    struct peer second = fake_tcp(&bench->wire, 5081), elsewhere = at(fake_tcp(&bench->wire, 5082), "127.0.0.2", 5082);
    struct peer tls = fake_stream(&bench->wire, TRANSPORT_TLS, 2, 5083);
    assert_int_equal(answer_from(bench, &exchange, elsewhere, 603), RESPONSE_FOREIGN);
    assert_int_equal(answer_from(bench, &exchange, fake_udp(5080), 603), RESPONSE_FOREIGN);
    assert_int_equal(answer_from(bench, &exchange, exchange.peer, 180), RESPONSE_MATCHED);
    assert_int_equal(answer_from(bench, &exchange, second, 180), RESPONSE_OTHER_PORT);
    /* 18.2.2: the connection is gone, and the same host has opened another one. */
    fake_wire_close(&bench->wire, exchange.peer.connection);
    assert_int_equal(answer_from(bench, &exchange, elsewhere, 603), RESPONSE_FOREIGN);
    assert_int_equal(answer_from(bench, &exchange, tls, 603), RESPONSE_FOREIGN);
    assert_int_equal(answer_from(bench, &exchange, fake_udp(5080), 603), RESPONSE_FOREIGN);
    assert_int_equal(answer_from(bench, &exchange, second, 486), RESPONSE_OTHER_PORT);
}

/* The instance may answer from where the INVITE went and from the flow that it has moved to. */
static void test_3261_17_1_3_a_a_moved_transaction_is_answered_from_both_places(void **state)
{
    struct bench *bench = *state;
    struct peer old = at(fake_udp(5080), "192.0.2.1", 5080), new = at(fake_udp(5080), "192.0.2.2", 5080);
    struct exchange exchange = begin_over(bench, "INVITE", old);
    assert_int_equal(answer_from(bench, &exchange, new, 180), RESPONSE_FOREIGN);
    client_transaction_move(exchange.transaction, &new);
    assert_int_equal(answer_from(bench, &exchange, new, 180), RESPONSE_MATCHED);
    assert_int_equal(answer_from(bench, &exchange, at(old, "192.0.2.3", 5080), 603), RESPONSE_FOREIGN);
    client_transaction_move(exchange.transaction, &(struct peer){.transport = TRANSPORT_TCP, .connection = 99});
    assert_int_equal(answer_from(bench, &exchange, old, 200), RESPONSE_MATCHED);
}

static void assert_branch(uint64_t secret, uint32_t digest)
{
    char out[64];
    struct branch_id read = {1, 1};
    size_t length = branch_write((struct branch_id){secret, digest}, out, sizeof out);
    assert_int_equal(length, strlen(out));
    assert_memory_equal(out, "z9hG4bK", 7);
    assert_true(branch_read(text_of(out), &read));
    assert_int_equal(read.secret, secret);
    assert_int_equal(read.digest, digest);
}

static void test_branch_is_read_as_written(void **state)
{
    char out[64];
    const struct branch_id most = {UINT64_MAX, UINT32_MAX};
    (void)state;
    assert_branch(0, 0);
    assert_branch(1, UINT32_MAX);
    assert_branch(UINT64_MAX, 1);
    assert_branch(0x1234567890abcdef, 0xdeadbeef);
    assert_int_equal(branch_write(most, out, 33), 0);
    assert_int_equal(branch_write(most, out, 34), 33);
}

static void test_branch_of_others_is_not_read(void **state)
{
    static const char *const branches[] = {"",
                                           "z9hG4bK",
                                           "z9hG4bKr",
                                           "z9hG4bKr1.1",
                                           "z9hG4bKr0000000000000001.",
                                           "z9hG4bKr0000000000000001.0000000",
                                           "z9hG4bKr0000000000000001.000000001",
                                           "z9hG4bKr0000000000000001.0000000 ",
                                           "z9hG4bKr0000000000000001:00000001",
                                           "z9hG4bKr000000000000001.000000001",
                                           "z9hG4bKr000000000000000A.00000001",
                                           "z9hG4bKr000000000000000g.00000001",
                                           "z9hG4bKr0000000000000001.0000000G",
                                           "z9hG4bKs0000000000000001.00000001",
                                           "Z9hG4bKr0000000000000001.00000001"};
    struct branch_id id;
    (void)state;
    for (size_t i = 0; i < sizeof branches / sizeof branches[0]; i++)
        assert_false(branch_read(text_of(branches[i]), &id));
}

static int by_value(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* All 64 bits are the host's random numbers, new for each branch: no counter is left to be guessed. */
static void test_3261_17_1_3_a_a_branch_holds_64_random_bits(void **state)
{
    enum { DRAWN = 1000 };
    struct bench *bench = *state;
    uint64_t secrets[DRAWN], ones = 0, zeros = 0;
    for (int i = 0; i < DRAWN; i++) {
        secrets[i] = branch_draw(bench->transactions, 7).secret;
        ones |= secrets[i];
        zeros |= ~secrets[i];
    }
    assert_true(ones == UINT64_MAX && zeros == UINT64_MAX);
    qsort(secrets, DRAWN, sizeof secrets[0], by_value);
    for (int i = 1; i < DRAWN; i++)
        assert_true(secrets[i] - secrets[i - 1] > 1);
}

/* --- memory --- */

static void test_no_memory(void **state)
{
    struct bench *bench = *state;
    unsigned failed = 0;
    for (uint64_t call = 1; call < 40; call++) {
        struct client_transaction *transaction = NULL;
        struct peer peer = fake_udp(5080);
        char branch[64];
        struct branch_id id = branch_draw(bench->transactions, 0);
        branch_write(id, branch, sizeof branch);
        struct sip_message *request = bench_request(bench, "INVITE", branch);
        struct sip_message *responses[] = {bench_response(bench, "INVITE", branch, 180),
                                           bench_response(bench, "INVITE", branch, 487)};
        bench->fake.fail_after = bench->fake.calls + call;
        int error = client_transaction_new(bench->transactions, id, METHOD_INVITE, &peer, NULL, sip_bytes(request),
                                           bench, &transaction);
        if (error == 0) {
            client_transaction_received(transaction, &responses[0]);
            client_transaction_cancel(transaction);
            client_transaction_received(transaction, &responses[1]);
        } else {
            assert_int_equal(error, -ENOMEM);
            failed++;
        }
        bench->fake.fail_after = 0;
        bench_advance(bench, 2 * T1_64);
        assert_int_equal(transactions_clients(bench->transactions), 0);
        sip_message_delete(responses[0]);
        sip_message_delete(responses[1]);
        sip_message_delete(request);
        while (fake_wire_take(&bench->wire) != NULL)
            ;
        timers_destroy(&bench->timers);
        timers_create(&bench->timers, &bench->fake.host);
    }
    assert_in_range(failed, 1, 10);
}

static void test_no_memory_for_the_layer(void **state)
{
    struct bench *bench = *state;
    const struct transactions_config config = {
        .host = &bench->fake.host, .timers = &bench->timers, .wire = &bench->wire.wire};
    for (uint64_t call = 1; call <= 4; call++) {
        struct transactions *transactions = NULL;
        bench->fake.fail_after = bench->fake.calls + call;
        assert_int_equal(transactions_new(&transactions, &config), -ENOMEM);
        assert_null(transactions);
    }
    bench->fake.fail_after = 0;
    transactions_delete(NULL);
}

static void test_delete_tells_the_end_of_each(void **state)
{
    struct bench *bench = *state;
    struct transactions *standing = bench->transactions;
    struct exchange exchange = begin(bench, "INVITE", false);
    begin(bench, "OPTIONS", true);
    answer(bench, &exchange, 180);
    client_transaction_cancel(exchange.transaction);
    transactions_delete(standing);
    bench->transactions = NULL;
    assert_int_equal(bench->ended, 2);
    assert_int_equal(timers_next(&bench->timers), -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_timer_a_and_b_nothing_comes_on_udp),
        TEST(test_timer_b_nothing_comes_on_tcp),
        TEST(test_a_provisional_ends_timers_a_and_b),
        TEST(test_3261_17_a_and_timer_d_refusal_on_udp),
        TEST(test_timer_d_is_zero_on_tcp),
        TEST(test_rfc6026_timer_m_every_2xx_is_told),
        TEST(test_a_2xx_after_a_refusal_is_absorbed_here),
        TEST(test_timer_e_and_f_nothing_comes_on_udp),
        TEST(test_timer_f_nothing_comes_on_tcp),
        TEST(test_timer_e_and_f_after_a_provisional),
        TEST(test_timer_k_after_a_final),
        TEST(test_3261_9_a_cancel_waits_for_a_provisional),
        TEST(test_a_cancelled_invite_ends_64_t1_after_the_cancel),
        TEST(test_cancel_is_a_transaction_of_its_own),
        TEST(test_only_an_invite_without_final_is_cancelled),
        TEST(test_3261_16_9_a_a_refused_send_is_told_soon),
        TEST(test_5626_7_h_a_send_on_a_closed_connection_is_told_as_dead),
        TEST(test_5626_7_h_a_flow_that_dies_is_told_at_once),
        TEST(test_5626_7_h_no_retransmission_on_a_dead_flow),
        TEST(test_a_connection_opened_for_it_is_its_flow),
        TEST(test_3261_9_a_a_moved_transaction_is_cancelled_and_acknowledged_where_it_lives),
        TEST(test_a_response_may_be_kept),
        TEST(test_3261_17_1_3_a_the_whole_branch_and_the_method_match),
        TEST(test_3261_17_1_3_a_unknown_methods_are_told_apart),
        TEST(test_3261_17_1_3_a_a_response_over_udp_comes_from_the_host_of_its_request),
        TEST(test_3261_17_1_3_a_ipv6_hosts_are_compared),
        TEST(test_3261_17_1_3_a_a_response_over_a_stream_comes_from_the_host_of_its_connection),
        TEST(test_3261_17_1_3_a_a_moved_transaction_is_answered_from_both_places),
        TEST(test_branch_is_read_as_written),
        TEST(test_branch_of_others_is_not_read),
        TEST(test_3261_17_1_3_a_a_branch_holds_64_random_bits),
        TEST(test_no_memory),
        TEST(test_no_memory_for_the_layer),
        TEST(test_delete_tells_the_end_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
