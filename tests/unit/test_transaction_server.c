// SPDX-License-Identifier: BSD-2-Clause
#include "transaction_bench.h"

#include <errno.h>

#include "standalone/transaction/transaction_private.h"

/* Server transactions: RFC 3261 17.2 as RFC 6026 mends it. T1 is 500 ms, T2 4 s, T4 5 s. */

enum { T4 = 5000, T1_64 = 32000 };

static const char ringing[] = "SIP/2.0 180 Ringing\r\n\r\n";
static const char busy[] = "SIP/2.0 486 Busy Here\r\n\r\n";
static const char fine[] = "SIP/2.0 200 OK\r\n\r\n";

static struct server_transaction *begin(struct bench *bench, const char *method, bool tcp)
{
    struct server_transaction *transaction;
    struct peer source = tcp ? fake_tcp(&bench->wire, 5070) : fake_udp(5070);
    struct sip_message *request = bench_request(bench, method, "z9hG4bKa");
    assert_int_equal(server_transaction_new(bench->transactions, request, &source, &transaction), 0);
    server_transaction_set_user(transaction, bench);
    bench_mark(bench);
    return transaction;
}

static void again(struct bench *bench, struct server_transaction *transaction, const char *method)
{
    struct sip_message *request = bench_request(bench, method, "z9hG4bKa");
    assert_ptr_equal(server_transaction_find(bench->transactions, request, sip_method(request)), transaction);
    server_transaction_again(transaction, request);
    sip_message_delete(request);
}

static void assert_sent(struct bench *bench, const char *start, const char *instants)
{
    char found[512];
    bench_instants(bench, start, found, sizeof found);
    assert_string_equal(found, instants);
}

/* --- INVITE --- */

static void test_invite_provisional_is_repeated_for_each_retransmission(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "INVITE", false);
    again(bench, transaction, "INVITE");
    assert_sent(bench, "SIP/2.0", "");
    assert_int_equal(server_transaction_respond(transaction, 180, text_of(ringing)), 0);
    bench_advance(bench, 100);
    again(bench, transaction, "INVITE");
    bench_advance(bench, 60000);
    assert_sent(bench, ringing, "0 100");
    assert_int_equal(bench->server_ended, 0);
    assert_int_equal(transactions_unanswered(bench->transactions), 1);
    assert_true(transaction->state < TRANSACTION_ACCEPTED);
}

/* Timer G: T1, doubling up to T2; H ends it after 64*T1. */
static void test_timer_g_and_h_refusal_without_ack_on_udp(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "INVITE", false);
    assert_int_equal(server_transaction_respond(transaction, 486, text_of(busy)), 0);
    assert_true(transaction->state >= TRANSACTION_ACCEPTED);
    assert_false(server_transaction_is_accepted(transaction));
    assert_int_equal(transactions_unanswered(bench->transactions), 0);
    bench_advance(bench, T1_64 - 1);
    assert_int_equal(bench->server_ended, 0);
    assert_sent(bench, busy, "0 500 1500 3500 7500 11500 15500 19500 23500 27500 31500");
    bench_advance(bench, 1);
    assert_int_equal(bench->server_ended, 1);
    assert_int_equal(transactions_servers(bench->transactions), 0);
    bench_advance(bench, 60000);
    assert_sent(bench, busy, "");
}

static void test_timer_g_runs_on_udp_alone_h_also_on_tcp(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "INVITE", true);
    server_transaction_respond(transaction, 486, text_of(busy));
    bench_advance(bench, T1_64 - 1);
    assert_sent(bench, busy, "0");
    assert_int_equal(bench->server_ended, 0);
    bench_advance(bench, 1);
    assert_int_equal(bench->server_ended, 1);
}

static void test_refusal_is_repeated_for_each_retransmission(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "INVITE", true);
    server_transaction_respond(transaction, 486, text_of(busy));
    bench_advance(bench, 10);
    again(bench, transaction, "INVITE");
    assert_sent(bench, busy, "0 10");
}

/* The ACK ends G; I absorbs further ones for T4 on UDP. */
static void test_timer_i_after_the_ack_on_udp(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "INVITE", false);
    server_transaction_respond(transaction, 486, text_of(busy));
    bench_advance(bench, 600);
    again(bench, transaction, "ACK");
    again(bench, transaction, "ACK");
    again(bench, transaction, "INVITE");
    assert_sent(bench, busy, "0 500");
    bench_advance(bench, T4 - 1);
    assert_int_equal(bench->server_ended, 0);
    bench_advance(bench, 1);
    assert_int_equal(bench->server_ended, 1);
    assert_sent(bench, busy, "");
}

static void test_timer_i_is_zero_on_tcp(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "INVITE", true);
    server_transaction_respond(transaction, 486, text_of(busy));
    again(bench, transaction, "ACK");
    bench_advance(bench, 0);
    assert_int_equal(bench->server_ended, 1);
}

/* RFC 6026: the transaction outlives a 2xx by timer L; retransmissions of the INVITE are absorbed. */
static void test_rfc6026_timer_l_after_a_2xx(void **state)
{
    struct bench *bench = *state;
    for (int tcp = 0; tcp < 2; tcp++) {
        struct server_transaction *transaction = begin(bench, "INVITE", tcp);
        server_transaction_respond(transaction, 200, text_of(fine));
        assert_true(server_transaction_is_accepted(transaction));
        bench_advance(bench, 700);
        again(bench, transaction, "INVITE");
        again(bench, transaction, "ACK");
        assert_true(server_transaction_is_accepted(transaction));
        bench_advance(bench, T1_64 - 701);
        assert_int_equal(bench->server_ended, tcp);
        bench_advance(bench, 1);
        assert_int_equal(bench->server_ended, tcp + 1);
        assert_sent(bench, fine, "0");
    }
}

static void test_3261_16_7_c_every_further_2xx_is_sent(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "INVITE", false);
    server_transaction_respond(transaction, 200, text_of(fine));
    bench_advance(bench, 5);
    assert_int_equal(server_transaction_respond(transaction, 202, text_of(fine)), 0);
    assert_sent(bench, fine, "0 5");
    assert_int_equal(server_transaction_respond(transaction, 486, text_of(busy)), -EALREADY);
    assert_int_equal(server_transaction_respond(transaction, 180, text_of(ringing)), -EALREADY);
    assert_sent(bench, "SIP", "");
}

static void test_3261_16_7_c_a_2xx_is_sent_after_a_refusal_too(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "INVITE", false);
    server_transaction_respond(transaction, 486, text_of(busy));
    again(bench, transaction, "ACK");
    assert_sent(bench, busy, "0");
    assert_int_equal(server_transaction_respond(transaction, 200, text_of(fine)), 0);
    assert_sent(bench, fine, "0");
}

static void test_an_ack_before_any_response_is_absorbed(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "INVITE", false);
    again(bench, transaction, "ACK");
    bench_advance(bench, 60000);
    assert_int_equal(bench->server_ended, 0);
    assert_sent(bench, "SIP", "");
}

/* --- other methods --- */

static void test_timer_j_after_a_final_on_udp(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "OPTIONS", false);
    again(bench, transaction, "OPTIONS");
    assert_sent(bench, "SIP", "");
    server_transaction_respond(transaction, 200, text_of(fine));
    bench_advance(bench, 1000);
    again(bench, transaction, "OPTIONS");
    assert_sent(bench, fine, "0 1000");
    bench_advance(bench, T1_64 - 1001);
    assert_int_equal(bench->server_ended, 0);
    bench_advance(bench, 1);
    assert_int_equal(bench->server_ended, 1);
    assert_sent(bench, fine, "");
}

static void test_timer_j_is_zero_on_tcp(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "OPTIONS", true);
    server_transaction_respond(transaction, 200, text_of(fine));
    bench_advance(bench, 0);
    assert_int_equal(bench->server_ended, 1);
}

static void test_non_invite_has_one_final_only(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "OPTIONS", false);
    server_transaction_respond(transaction, 200, text_of(fine));
    assert_int_equal(server_transaction_respond(transaction, 200, text_of(fine)), -EALREADY);
    assert_sent(bench, fine, "0");
}

static void test_non_invite_provisional_is_repeated(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "SUBSCRIBE", false);
    server_transaction_respond(transaction, 180, text_of(ringing));
    again(bench, transaction, "SUBSCRIBE");
    assert_sent(bench, ringing, "0 0");
}

/* --- both --- */

static void test_4320_4_a_abandoned_ends_without_a_word(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "OPTIONS", false);
    server_transaction_abandon(transaction);
    bench_advance(bench, 0);
    assert_int_equal(bench->server_ended, 1);
    assert_int_equal(transactions_unanswered(bench->transactions), 0);
    assert_sent(bench, "SIP", "");
}

/* Memory was too short to write the response: the transaction ends all the same, and nothing empty is sent. */
static void test_an_empty_response_is_not_sent(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "OPTIONS", false);
    server_transaction_respond(transaction, 500, (struct text){NULL, 0});
    again(bench, transaction, "OPTIONS");
    assert_sent(bench, "SIP", "");
    bench_advance(bench, T1_64);
    assert_int_equal(bench->server_ended, 1);
}

static void test_a_send_that_is_refused_does_not_end_it(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction = begin(bench, "INVITE", false);
    struct peer source = fake_udp(5070);
    fake_wire_refuse(&bench->wire, &source, -EPIPE);
    assert_int_equal(server_transaction_respond(transaction, 486, text_of(busy)), -EPIPE);
    fake_wire_refuse(&bench->wire, &source, 0);
    bench_advance(bench, 500);
    assert_sent(bench, busy, "500");
}

static struct server_transaction *find(struct bench *bench, const char *lines)
{
    struct sip_message *request = bench_message(bench, lines);
    struct server_transaction *found = server_transaction_find(bench->transactions, request, sip_method(request));
    sip_message_delete(request);
    return found;
}

#define REQUEST(method, via, cseq)                                                                                     \
    method " sip:bob@127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP " via "\nMax-Forwards: 70\nFrom: <sip:a@example.com>;tag=a\n" \
           "To: <sip:b@example.com>\nCall-ID: c\nCSeq: " cseq " " method "\nContent-Length: 0\n\n"

static struct server_transaction *begin_with(struct bench *bench, const char *lines)
{
    struct server_transaction *transaction;
    struct peer source = fake_udp(5070);
    assert_int_equal(server_transaction_new(bench->transactions, bench_message(bench, lines), &source, &transaction),
                     0);
    return transaction;
}

/* 17.2.3: branch, sent-by and method, ACK aside. */
static void test_matching_by_branch_sent_by_and_method(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *invite = begin_with(bench, REQUEST("INVITE", "h:5070;branch=z9hG4bKx", "1"));
    assert_ptr_equal(find(bench, REQUEST("INVITE", "h:5070;branch=z9hG4bKx", "1")), invite);
    assert_ptr_equal(find(bench, REQUEST("ACK", "h:5070;branch=z9hG4bKx", "1")), invite);
    assert_null(find(bench, REQUEST("CANCEL", "h:5070;branch=z9hG4bKx", "1")));
    assert_null(find(bench, REQUEST("BYE", "h:5070;branch=z9hG4bKx", "1")));
    assert_null(find(bench, REQUEST("INVITE", "h:5071;branch=z9hG4bKx", "1")));
    assert_null(find(bench, REQUEST("INVITE", "i:5070;branch=z9hG4bKx", "1")));
    assert_null(find(bench, REQUEST("INVITE", "h:5070;branch=z9hG4bKy", "1")));
    struct server_transaction *foo = begin_with(bench, REQUEST("FOO", "h:5070;branch=z9hG4bKx", "1"));
    assert_ptr_equal(find(bench, REQUEST("FOO", "h:5070;branch=z9hG4bKx", "1")), foo);
    assert_null(find(bench, REQUEST("BAR", "h:5070;branch=z9hG4bKx", "1")));
    struct sip_message *cancel = bench_message(bench, REQUEST("CANCEL", "h:5070;branch=z9hG4bKx", "1"));
    assert_ptr_equal(server_transaction_find(bench->transactions, cancel, METHOD_INVITE), invite);
    sip_message_delete(cancel);
}

static void test_matching_without_the_magic_cookie(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *invite = begin_with(bench, REQUEST("INVITE", "h:5070;branch=1", "1"));
    assert_ptr_equal(find(bench, REQUEST("INVITE", "h:5070;branch=1", "1")), invite);
    assert_ptr_equal(find(bench, REQUEST("ACK", "h:5070;branch=1", "1")), invite);
    assert_null(find(bench, REQUEST("INVITE", "h:5070;branch=1", "2")));
}

/* A request that was answered over UDP is freed; its retransmissions are found and answered as before. */
static void test_an_answered_request_is_given_up(void **state)
{
    struct bench *bench = *state;
    static const char *const requests[][3] = {
        {REQUEST("REGISTER", "h:5070;branch=z9hG4bKx", "1"), REQUEST("REGISTER", "h:5070;branch=z9hG4bKy", "1"),
         REQUEST("OPTIONS", "h:5070;branch=z9hG4bKx", "1")},
        {REQUEST("REGISTER", "h:5070;branch=1", "1"), REQUEST("REGISTER", "h:5070;branch=1", "2"),
         REQUEST("REGISTER", "i:5070;branch=1", "1")},
        {REQUEST("FOO", "h:5070;branch=z9hG4bKx", "1"), REQUEST("BAR", "h:5070;branch=z9hG4bKx", "1"),
         REQUEST("FOO", "h:5071;branch=z9hG4bKx", "1")},
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct server_transaction *transaction = begin_with(bench, requests[i][0]);
        server_transaction_respond(transaction, 200, text_of(fine));
        server_transaction_give_up_request(transaction);
        server_transaction_give_up_request(transaction);
        assert_null(server_transaction_request(transaction));
        assert_ptr_equal(find(bench, requests[i][0]), transaction);
        assert_null(find(bench, requests[i][1]));
        assert_null(find(bench, requests[i][2]));
        struct sip_message *request = bench_message(bench, requests[i][0]);
        server_transaction_again(transaction, request);
        sip_message_delete(request);
        assert_sent(bench, fine, "0 0");
        bench_advance(bench, T1_64);
        bench_mark(bench);
        assert_int_equal(transactions_servers(bench->transactions), 0);
    }
}

/* The holdings count as much for it until the transaction ends. */
static void test_what_was_given_up_still_counts(void **state)
{
    static const struct holdings_limits limits = {.bytes = 100000, .source_bytes = 100000};
    struct bench *bench = *state;
    struct holdings holdings;
    assert_int_equal(holdings_create(&holdings, &bench->fake.host, &limits), 0);
    struct server_transaction *transaction = begin_with(bench, REQUEST("OPTIONS", "h:5070;branch=z9hG4bKx", "1"));
    server_transaction_charge(transaction, &holdings, 7);
    server_transaction_respond(transaction, 200, text_of(fine));
    uint64_t held = holdings.bytes;
    server_transaction_give_up_request(transaction);
    assert_int_equal(holdings.bytes, held);
    bench_advance(bench, T1_64);
    assert_int_equal(holdings.bytes, 0);
    holdings_destroy(&holdings);
}

static void assert_is_kept(struct bench *bench, struct server_transaction *transaction)
{
    server_transaction_give_up_request(transaction);
    assert_non_null(server_transaction_request(transaction));
    bench->fake.fail_after = 0;
    bench_advance(bench, 2 * T1_64);
}

static void test_a_request_that_is_still_needed_is_kept(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *unanswered = begin_with(bench, REQUEST("OPTIONS", "h:5070;branch=z9hG4bKx", "1"));
    assert_is_kept(bench, unanswered);
    server_transaction_abandon(unanswered);
    assert_is_kept(bench, unanswered);
    struct server_transaction *invite = begin_with(bench, REQUEST("INVITE", "h:5070;branch=z9hG4bKx", "1"));
    server_transaction_respond(invite, 486, text_of(busy));
    assert_is_kept(bench, invite);
    struct server_transaction *of_a_proxy = begin(bench, "OPTIONS", false);
    server_transaction_respond(of_a_proxy, 200, text_of(fine));
    assert_is_kept(bench, of_a_proxy);
    struct server_transaction *tcp = begin(bench, "OPTIONS", true);
    server_transaction_set_user(tcp, NULL);
    server_transaction_respond(tcp, 200, text_of(fine));
    assert_is_kept(bench, tcp);
    struct server_transaction *without_memory = begin_with(bench, REQUEST("FOO", "h:5070;branch=z9hG4bKx", "1"));
    server_transaction_respond(without_memory, 200, text_of(fine));
    bench->fake.fail_after = bench->fake.calls + 1;
    assert_is_kept(bench, without_memory);
    assert_int_equal(transactions_servers(bench->transactions), 0);
}

static void assert_back(struct bench *bench, const char *via, bool tcp, bool to_source, uint16_t port)
{
    char lines[512];
    snprintf(lines, sizeof lines,
             "OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP %s\nMax-Forwards: 70\nFrom: <sip:a@b>;tag=a\nTo: <sip:a@b>\n"
             "Call-ID: c\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n",
             via);
    struct sip_message *request = bench_message(bench, lines);
    struct peer source = tcp ? fake_tcp(&bench->wire, 40000) : fake_udp(40000);
    struct peer back = server_response_peer(request, &source, to_source);
    assert_int_equal(address_port(&back.address), port);
    assert_int_equal(peer_flow(&back) == peer_flow(&source), port == 40000);
    sip_message_delete(request);
}

/* RFC 3261 18.2.2, RFC 3581. */
static void test_where_a_response_goes(void **state)
{
    struct bench *bench = *state;
    assert_back(bench, "127.0.0.1:5070;branch=z9hG4bKa;rport", false, false, 40000);
    assert_back(bench, "127.0.0.1:5070;branch=z9hG4bKa", false, false, 5070);
    assert_back(bench, "127.0.0.1;branch=z9hG4bKa", false, false, 5060);
    assert_back(bench, "127.0.0.1:5070;branch=z9hG4bKa", true, false, 40000);
    assert_back(bench, "127.0.0.1:5070;branch=z9hG4bKa;rport", false, true, 40000);
    assert_back(bench, "127.0.0.1:5070;branch=z9hG4bKa", false, true, 40000);
    assert_back(bench, "127.0.0.1;branch=z9hG4bKa", false, true, 40000);
}

static void test_no_memory(void **state)
{
    struct bench *bench = *state;
    struct server_transaction *transaction;
    struct peer source = fake_udp(5070);
    struct sip_message *request = bench_request(bench, "INVITE", "z9hG4bKa");
    bench->fake.fail_after = bench->fake.calls + 1;
    assert_int_equal(server_transaction_new(bench->transactions, request, &source, &transaction), -ENOMEM);
    bench->fake.fail_after = 0;
    assert_int_equal(transactions_servers(bench->transactions), 0);
    assert_int_equal(transactions_unanswered(bench->transactions), 0);
    sip_message_delete(request);
}

/* Where a timer cannot be had, none is needed later: the transaction still ends. */
static void test_no_memory_for_timers(void **state)
{
    struct bench *bench = *state;
    for (uint64_t call = 1; call < 20; call++) {
        struct server_transaction *transaction;
        struct peer source = fake_udp(5070);
        struct sip_message *request = bench_request(bench, "INVITE", "z9hG4bKa");
        bench->server_ended = 0;
        bench->fake.fail_after = bench->fake.calls + call;
        if (server_transaction_new(bench->transactions, request, &source, &transaction) == 0) {
            server_transaction_set_user(transaction, bench);
            server_transaction_respond(transaction, 486, text_of(busy));
            bench->fake.fail_after = 0;
            bench_advance(bench, T1_64);
            assert_int_equal(bench->server_ended, 1);
        } else {
            bench->fake.fail_after = 0;
            sip_message_delete(request);
        }
        assert_int_equal(transactions_servers(bench->transactions), 0);
        /* the heap of timers is made anew */
        timers_destroy(&bench->timers);
        timers_create(&bench->timers, &bench->fake.host);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_invite_provisional_is_repeated_for_each_retransmission),
        TEST(test_timer_g_and_h_refusal_without_ack_on_udp),
        TEST(test_timer_g_runs_on_udp_alone_h_also_on_tcp),
        TEST(test_refusal_is_repeated_for_each_retransmission),
        TEST(test_timer_i_after_the_ack_on_udp),
        TEST(test_timer_i_is_zero_on_tcp),
        TEST(test_rfc6026_timer_l_after_a_2xx),
        TEST(test_3261_16_7_c_every_further_2xx_is_sent),
        TEST(test_3261_16_7_c_a_2xx_is_sent_after_a_refusal_too),
        TEST(test_an_ack_before_any_response_is_absorbed),
        TEST(test_timer_j_after_a_final_on_udp),
        TEST(test_timer_j_is_zero_on_tcp),
        TEST(test_non_invite_has_one_final_only),
        TEST(test_non_invite_provisional_is_repeated),
        TEST(test_4320_4_a_abandoned_ends_without_a_word),
        TEST(test_an_empty_response_is_not_sent),
        TEST(test_a_send_that_is_refused_does_not_end_it),
        TEST(test_matching_by_branch_sent_by_and_method),
        TEST(test_matching_without_the_magic_cookie),
        TEST(test_an_answered_request_is_given_up),
        TEST(test_what_was_given_up_still_counts),
        TEST(test_a_request_that_is_still_needed_is_kept),
        TEST(test_where_a_response_goes),
        TEST(test_no_memory),
        TEST(test_no_memory_for_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
