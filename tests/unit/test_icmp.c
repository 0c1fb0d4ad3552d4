// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include "standalone/server/server_private.h"
#include "standalone/server/branch.h"

/* ICMP errors, which anybody can send (5626-7.j), and flows of IPv6 whose numbers are the same. */

enum { PROBE_MS = 5000, IPV6 = 2 };

static int setup(void **state)
{
    struct stage *stage = stage_begin(state);
    stage->config.listeners[IPV6] = (struct listener){TRANSPORT_UDP, 5060, "[::1]"};
    stage->config.listener_count = IPV6 + 1;
    stage_open(stage);
    return 0;
}

static struct peer v6(const char *host, uint16_t port)
{
    struct peer peer = {.transport = TRANSPORT_UDP, .listener = IPV6};
    assert_true(address_read(text_of(host), port, &peer.address));
    return peer;
}

/* An error about a datagram to `peer` that quotes the first bytes of a message. */
static void returned(struct stage *stage, const struct peer *peer, const struct sent *sent, size_t most)
{
    size_t length = sent == NULL ? 0 : sent->length < most ? sent->length : most;
    server_datagram_returned(stage->server, peer, (struct text){sent != NULL ? sent->bytes : "", length});
}

static void assert_count(struct stage *stage, const char *name, int64_t count)
{
    if (stage_count(stage, name) != count)
        fail_msg("%s: %ld", name, (long)stage_count(stage, name));
}

static struct peer registered(struct stage *stage, const struct peer *phone)
{
    stage_request(
        stage, phone,
        (struct request){.method = "REGISTER",
                         .uri = "sip:example.com",
                         .from = "bob",
                         .call = "register",
                         .cseq = ++stage->registers,
                         .fields = "Contact: <sip:bob@phone.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"});
    stage_status(stage, phone, 200);
    return *phone;
}

static struct peer bob_of(struct stage *stage)
{
    return stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
}

static void test_5626_7_j_the_branch_of_a_waiting_request_counts_at_once(void **state)
{
    struct stage *stage = *state;
    struct peer first = bob_of(stage);
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    struct peer tried = invite->peer;
    const char *branch = strstr(invite->bytes, ";branch=");
    assert_non_null(branch);
    /* As far as the branch goes, and no further. */
    returned(stage, &tried, invite, (size_t)(branch - invite->bytes) + 8 + 33);
    stage_advance(stage, 0);
    struct sent *second = stage_sent(stage, "INVITE");
    assert_int_not_equal(sent_port(second), address_port(&tried.address));
    assert_count(stage, "bindings", 1);
    assert_count(stage, "icmp_unproved", 0);
    (void)first;
    stage_refuses(stage, second, 486, NULL);
    stage_hears(stage, 486);
    stage_ends(stage);
}

/* One byte less, or eight, or none: nothing but one OPTIONS follows, and any response to it leaves the flow. */
static void test_5626_7_j_a_shorter_quote_removes_nothing(void **state)
{
    static const unsigned answers[] = {200, 405, 180, 503};
    struct stage *stage = *state;
    struct peer bob = bob_of(stage);
    for (size_t i = 0; i < 4; i++) {
        char call[8];
        snprintf(call, sizeof call, "c%zu", i);
        stage_call(stage, call);
        struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
        size_t whole = (size_t)(strstr(invite->bytes, ";branch=") - invite->bytes) + 8 + 33;
        const size_t quotes[] = {whole - 1, 8, 1, 0};
        returned(stage, &bob, invite, quotes[i]);
        struct sent *options = stage_sent_to(stage, "OPTIONS", 5080);
        assert_true(sent_starts(options, "OPTIONS sip:bob@127.0.0.1:5080 SIP/2.0"));
        assert_string_equal(sent_header(options, "Max-Forwards", 0), "0");
        stage_response(stage, options, answers[i], NULL);
        stage_refuses(stage, invite, 486, NULL);
        stage_hears(stage, 486);
        stage_request(stage, &(struct peer){.address = stage_alice().address},
                      (struct request){.method = "ACK", .call = call});
        stage_advance(stage, 2 * PROBE_MS);
        stage_discard(stage);
        assert_count(stage, "bindings", 1);
        assert_count(stage, "probes", (int64_t)i + 1);
    }
    assert_count(stage, "icmp_unproved", 4);
    assert_count(stage, "probes_silent", 0);
    assert_count(stage, "flows_down", 0);
    stage_ends(stage);
}

static void test_5626_7_j_silence_ends_the_flow_after_5_s(void **state)
{
    struct stage *stage = *state;
    struct peer bob = bob_of(stage);
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    bob = invite->peer;
    returned(stage, &bob, invite, 8);
    stage_advance(stage, PROBE_MS - 1);
    assert_count(stage, "bindings", 2);
    stage_discard(stage);
    stage_advance(stage, 1);
    assert_count(stage, "bindings", 1);
    assert_count(stage, "probes_silent", 1);
    struct sent *second = stage_sent(stage, "INVITE");
    assert_int_not_equal(sent_port(second), address_port(&bob.address));
    stage_refuses(stage, second, 486, NULL);
    stage_hears(stage, 486);
    stage_ends(stage);
}

/* The phone is really gone: the error of the OPTIONS quotes the branch of a request that waits. */
static void test_5626_7_j_the_options_itself_comes_back(void **state)
{
    struct stage *stage = *state;
    struct peer bob = bob_of(stage);
    returned(stage, &bob, NULL, 0);
    struct sent *options = stage_sent_to(stage, "OPTIONS", 5080);
    returned(stage, &bob, options, options->length);
    assert_count(stage, "bindings", 0);
    assert_count(stage, "flows_down", 1);
    stage_advance(stage, 2 * PROBE_MS);
    assert_count(stage, "flows_down", 1);
    assert_count(stage, "probes_silent", 0);
    stage_ends(stage);
}

static void test_5626_7_j_one_options_at_a_time(void **state)
{
    struct stage *stage = *state;
    struct peer bob = bob_of(stage);
    returned(stage, &bob, NULL, 0);
    struct sent *options = stage_sent_to(stage, "OPTIONS", 5080);
    for (int i = 0; i < 100; i++)
        returned(stage, &bob, NULL, 0);
    stage_silent(stage);
    stage_response(stage, options, 200, NULL);
    for (int i = 0; i < 100; i++)
        returned(stage, &bob, NULL, 0);
    stage_silent(stage);
    stage_advance(stage, PROBE_MS);
    returned(stage, &bob, NULL, 0);
    struct sent *next = stage_sent_to(stage, "OPTIONS", 5080);
    assert_string_not_equal(sent_header(next, "Call-ID", 0), sent_header(options, "Call-ID", 0));
    assert_string_not_equal(sent_header(next, "From", 0), sent_header(options, "From", 0));
    assert_count(stage, "icmp_unproved", 202);
    assert_count(stage, "probes", 2);
    stage_response(stage, next, 200, NULL);
    stage_ends(stage);
}

/* No binding, or one without reg-id: strangers do not choose whom the server asks, and plain phones stay. */
static void test_5626_7_j_other_addresses_are_not_asked(void **state)
{
    struct stage *stage = *state;
    struct peer nobody = fake_udp(5099), plain = stage_phone(stage, (struct phone){.port = 5080});
    returned(stage, &nobody, NULL, 0);
    returned(stage, &plain, NULL, 0);
    stage_silent(stage);
    assert_count(stage, "icmp_unproved", 2);
    assert_count(stage, "bindings", 1);
    stage_advance(stage, 2 * PROBE_MS);
    assert_count(stage, "bindings", 1);
}

/* The forger has seen a branch: of a request to himself, or of one that has been answered. */
static void test_5626_7_j_the_branch_of_another_request_proves_nothing(void **state)
{
    struct stage *stage = *state;
    struct peer bob = bob_of(stage), mallory = stage_phone(stage, (struct phone){.user = "mallory", .port = 5090});
    struct peer alice = stage_alice();
    stage_request(stage, &alice, (struct request){.uri = "sip:mallory@example.com", .call = "his"});
    stage_status(stage, &alice, 100);
    struct sent *his = stage_sent_to(stage, "INVITE", 5090);
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    returned(stage, &bob, his, his->length);
    stage_response(stage, stage_sent_to(stage, "OPTIONS", 5080), 200, NULL);
    stage_response(stage, invite, 486, NULL);
    stage_sent_to(stage, "ACK", 5080);
    stage_hears(stage, 486);
    returned(stage, &bob, invite, invite->length);
    assert_count(stage, "icmp_unproved", 2);
    assert_count(stage, "flows_down", 0);
    assert_count(stage, "bindings", 2);
    /* What is not his flow is not asked for his. */
    returned(stage, &mallory, invite, invite->length);
    assert_count(stage, "flows_down", 0);
    stage_response(stage, his, 486, NULL);
    stage_ends(stage);
}

/* Who forges the error may forge the response too. */
static void test_5626_7_j_a_forged_response_leaves_nothing_alive(void **state)
{
    struct stage *stage = *state;
    struct peer bob = bob_of(stage), elsewhere = bob;
    assert_true(address_read(TEXT("127.0.0.2"), 5080, &elsewhere.address));
    returned(stage, &bob, NULL, 0);
    struct sent *options = stage_sent_to(stage, "OPTIONS", 5080);
    stage_response_from(stage, &elsewhere, options, 200, NULL);
    stage_advance(stage, PROBE_MS);
    assert_count(stage, "bindings", 0);
    stage_ends(stage);
}

static void test_5626_7_j_over_ipv6_too(void **state)
{
    struct stage *stage = *state;
    struct peer phone = v6("2001:db8::5", 5080);
    registered(stage, &phone);
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    returned(stage, &phone, invite, 8);
    struct sent *options = stage_sent(stage, "OPTIONS sip:bob@phone.invalid ");
    assert_true(address_equal(&options->peer.address, &phone.address));
    assert_non_null(strstr(sent_header(options, "Via", 0), "SIP/2.0/UDP [::1]:5060;"));
    stage_response(stage, options, 481, NULL);
    stage_advance(stage, PROBE_MS);
    assert_count(stage, "bindings", 1);
    struct peer other = v6("2001:db8::6", 5080);
    returned(stage, &other, invite, invite->length);
    assert_count(stage, "bindings", 1);
    returned(stage, &phone, invite, invite->length);
    assert_count(stage, "bindings", 0);
    stage_ends(stage);
}

/* A Contact that fits no short line is not written into another request. */
static void test_5626_7_j_a_long_contact_is_not_repeated(void **state)
{
    struct stage *stage = *state;
    char fields[512], user[300];
    struct peer bob = fake_udp(5080);
    memset(user, 'b', sizeof user - 1);
    user[sizeof user - 1] = '\0';
    snprintf(fields, sizeof fields, "Contact: <sip:%s@127.0.0.1:5080>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n", user);
    stage_request(stage, &bob,
                  (struct request){.method = "REGISTER", .uri = "sip:example.com", .from = "bob", .fields = fields});
    stage_status(stage, &bob, 200);
    returned(stage, &bob, NULL, 0);
    struct sent *options = stage_sent(stage, "OPTIONS sip:127.0.0.1:5080 SIP/2.0");
    stage_response(stage, options, 404, NULL);
    stage_ends(stage);
}

static void test_3261_16_6_a_the_options_has_no_headers_and_no_method_of_a_contact(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    stage_request(stage, &bob,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .fields = "Contact: <sip:bob@127.0.0.1:5080;x;method=INVITE?Subject=y>"
                                             ";+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"});
    stage_status(stage, &bob, 200);
    returned(stage, &bob, NULL, 0);
    stage_response(stage, stage_sent(stage, "OPTIONS sip:bob@127.0.0.1:5080;x SIP/2.0"), 200, NULL);
    stage_ends(stage);
}

static void test_no_memory_for_the_options(void **state)
{
    struct stage *stage = *state;
    struct peer bob = bob_of(stage);
    for (size_t i = 1; stage_count(stage, "probes") == 0; i++) {
        assert_true(i < 100);
        stage->fake.calls = 0;
        stage->fake.fail_after = i;
        returned(stage, &bob, NULL, 0);
        stage->fake.fail_after = 0;
    }
    assert_count(stage, "bindings", 1);
    stage_response(stage, stage_sent_to(stage, "OPTIONS", 5080), 200, NULL);
    stage_ends(stage);
}

/* The server ends while it waits: every byte is given back (stage_destroy). */
static void test_the_server_ends_while_it_asks(void **state)
{
    struct stage *stage = *state;
    struct peer bob = bob_of(stage);
    returned(stage, &bob, NULL, 0);
    stage_sent_to(stage, "OPTIONS", 5080);
}

/* --- numbers of IPv6 flows --- */

/* As if the number of the phone's flow were that of another address: no key is known for which it is. */
static void collide(struct stage *stage, const struct peer *phone)
{
    struct table_link *link = table_find(&stage->server->datagram6, peer_flow(phone));
    assert_non_null(link);
    struct datagram6 *entry = TABLE_OWNER(link, struct datagram6, link);
    assert_true(address_read(TEXT("2001:db8::99"), 5080, &entry->peer.address));
}

static void test_5626_7_e_a_number_that_is_anothers_leads_to_no_flow(void **state)
{
    struct stage *stage = *state;
    struct peer phone = v6("2001:db8::5", 5080);
    const struct request away = {.method = "MESSAGE", .uri = "sip:eve@192.0.2.1", .call = "away"};
    registered(stage, &phone);
    stage_request(stage, &phone, away);
    stage_sent(stage, "MESSAGE"); /* it may call elsewhere over its flow */
    collide(stage, &phone);
    /* ... and nobody may over another's. */
    stage_request(stage, &phone, (struct request){.method = "MESSAGE", .uri = "sip:eve@192.0.2.1", .call = "again"});
    stage_status(stage, &phone, 403);
    stage_request(
        stage, &phone,
        (struct request){.method = "REGISTER",
                         .uri = "sip:example.com",
                         .from = "carol",
                         .to = "carol",
                         .call = "carols",
                         .fields = "Contact: <sip:carol@phone.invalid>;+sip.instance=\"<urn:uuid:2>\";reg-id=1\n"});
    stage_status(stage, &phone, 503);
    assert_count(stage, "bindings", 1);
    returned(stage, &phone, NULL, 0);
    stage_silent(stage);
    stage_ends(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_5626_7_j_the_branch_of_a_waiting_request_counts_at_once),
        TEST(test_5626_7_j_a_shorter_quote_removes_nothing),
        TEST(test_5626_7_j_silence_ends_the_flow_after_5_s),
        TEST(test_5626_7_j_the_options_itself_comes_back),
        TEST(test_5626_7_j_one_options_at_a_time),
        TEST(test_5626_7_j_other_addresses_are_not_asked),
        TEST(test_5626_7_j_the_branch_of_another_request_proves_nothing),
        TEST(test_5626_7_j_a_forged_response_leaves_nothing_alive),
        TEST(test_5626_7_j_over_ipv6_too),
        TEST(test_5626_7_j_a_long_contact_is_not_repeated),
        TEST(test_3261_16_6_a_the_options_has_no_headers_and_no_method_of_a_contact),
        TEST(test_no_memory_for_the_options),
        TEST(test_the_server_ends_while_it_asks),
        TEST(test_5626_7_e_a_number_that_is_anothers_leads_to_no_flow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
