// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

/* Record-Route, and where requests inside a dialog go: over the flow of the other side. */

enum { T1_64 = 32000 };

struct dialog {
    struct peer alice, bob;
    struct sent *invite; /* as bob got it */
    char route[400];     /* as alice learned it */
    char back[400];      /* as bob did */
};

/* Alice calls bob, and he answers. */
static struct dialog talk_to(struct stage *stage, struct peer alice, struct peer bob, const char *contact)
{
    struct dialog dialog = {.alice = alice, .bob = bob};
    stage_invite(stage, &alice, "one");
    dialog.invite = stage_sent_to(stage, "INVITE", address_port(&bob.address));
    stage_response(stage, dialog.invite, 200, contact);
    struct sent *fine = stage_status(stage, &alice, 200);
    assert_int_equal(sent_count(fine, "Record-Route"), 1);
    snprintf(dialog.route, sizeof dialog.route, "Route: %s\n", sent_header(fine, "Record-Route", 0));
    snprintf(dialog.back, sizeof dialog.back, "Route: %s\n", sent_header(dialog.invite, "Record-Route", 0));
    return dialog;
}

static struct dialog talk(struct stage *stage, struct peer alice, struct peer bob)
{
    return talk_to(stage, alice, bob, "Contact: <sip:bob@127.0.0.1:5099>\n");
}

static void alice_says(struct stage *stage, const struct dialog *dialog, const char *method, const char *route)
{
    stage_request(stage, &dialog->alice,
                  (struct request){.method = method,
                                   .uri = "sip:bob@127.0.0.1:5099",
                                   .to_tag = "p5080",
                                   .branch = "z9hG4bKalice",
                                   .cseq = strcmp(method, "ACK") == 0 ? 1 : 2,
                                   .fields = route});
}

static void bob_says(struct stage *stage, const struct dialog *dialog, const char *method)
{
    stage_request(stage, &dialog->bob,
                  (struct request){.method = method,
                                   .uri = "sip:alice@127.0.0.1:5070",
                                   .from = "bob",
                                   .to = "alice",
                                   .to_tag = "5070",
                                   .branch = "z9hG4bKbob",
                                   .fields = dialog->back});
}

static struct peer flow_phone(struct stage *stage, bool tcp)
{
    return stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = tcp});
}

/* --- over the flows --- */

static void test_5626_5_3_d_both_ways_over_datagrams(void **state)
{
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, false));
    alice_says(stage, &dialog, "INFO", dialog.route);
    /* the flow, not the Contact that the phone gave */
    struct sent *info = stage_sent_to(stage, "INFO", 5080);
    assert_true(sent_starts(info, "INFO sip:bob@127.0.0.1:5099 SIP/2.0\r\n"));
    assert_int_equal(sent_count(info, "Route"), 0);
    assert_int_equal(sent_count(info, "Record-Route"), 0);
    stage_response(stage, info, 200, NULL);
    stage_status(stage, &dialog.alice, 200);
    bob_says(stage, &dialog, "BYE");
    struct sent *bye = stage_sent_to(stage, "BYE", 5070);
    stage_response(stage, bye, 200, NULL);
    stage_status(stage, &dialog.bob, 200);
}

static void test_5626_5_3_d_both_ways_over_connections(void **state)
{
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_tcp(&stage->wire, 5070), flow_phone(stage, true));
    alice_says(stage, &dialog, "BYE", dialog.route);
    assert_int_equal(stage_sent(stage, "BYE")->peer.connection, dialog.bob.connection);
    bob_says(stage, &dialog, "INFO");
    assert_int_equal(stage_sent(stage, "INFO")->peer.connection, dialog.alice.connection);
}

/* Behind an address translation: his Contact leads nowhere, the flow he called over does. */
static void test_the_caller_s_datagram_flow_is_kept_where_his_via_lies(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(40000);
    struct peer bob = flow_phone(stage, false);
    stage_receive(stage, &alice,
                  "INVITE sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 10.1.1.1:5060;branch=z9hG4bKn;rport\n"
                  "Max-Forwards: 70\nFrom: <sip:alice@example.com>;tag=n\nTo: <sip:bob@example.com>\nCall-ID: one\n"
                  "CSeq: 1 INVITE\nContact: <sip:alice@10.1.1.1:5060>\nContent-Length: 0\n\n");
    stage_status(stage, &alice, 100);
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_response(stage, invite, 200, NULL);
    stage_status(stage, &alice, 200);
    char fields[256];
    snprintf(fields, sizeof fields, "Route: %s\n", sent_header(invite, "Record-Route", 0));
    stage_request(stage, &bob,
                  (struct request){.method = "BYE", .uri = "sip:alice@10.1.1.1:5060", .to_tag = "n", .fields = fields});
    stage_sent_to(stage, "BYE", 40000);
}

/* RFC 5658: each side gets the address that it can use. */
static void test_record_route_is_doubled_where_the_transports_differ(void **state)
{
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, true));
    const char *both = sent_header(dialog.invite, "Record-Route", 0);
    const char *comma = strstr(both, ", <sip:d");
    assert_non_null(comma);
    assert_non_null(strstr(both, "@127.0.0.1:5060;transport=tcp;lr>"));
    assert_true(strstr(both, "transport=tcp") < comma);
    assert_null(strstr(comma, "transport=tcp"));
    alice_says(stage, &dialog, "INFO", dialog.route);
    struct sent *info = stage_sent(stage, "INFO");
    assert_int_equal(info->peer.connection, dialog.bob.connection);
    assert_int_equal(sent_count(info, "Route"), 0);
}

static void test_requests_that_form_no_dialog_are_not_recorded(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    static const struct {
        const char *method;
        unsigned count;
    } cases[] = {{"MESSAGE", 0}, {"OPTIONS", 0}, {"PUBLISH", 0}, {"SUBSCRIBE", 1}, {"REFER", 1}, {"INVITE", 1}};
    flow_phone(stage, false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stage_request(stage, &alice, (struct request){.method = cases[i].method, .call = cases[i].method});
        struct sent *sent = fake_wire_take(&stage->wire);
        if (sent_status(sent) == 100)
            sent = fake_wire_take(&stage->wire);
        assert_true(sent_starts(sent, cases[i].method));
        assert_int_equal(sent_count(sent, "Record-Route"), cases[i].count);
    }
}

/* --- tokens --- */

static void test_3261_16_4_a_a_token_that_was_changed_is_no_right(void **state)
{
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, false));
    for (const char *at = strchr(dialog.route, ':') + 6; *at != '@'; at++) {
        char forged[400];
        snprintf(forged, sizeof forged, "%s", dialog.route);
        char *byte = forged + (at - dialog.route);
        *byte = *byte == 'A' ? 'B' : 'A';
        alice_says(stage, &dialog, "INFO", forged);
        stage_status(stage, &dialog.alice, *at == '.' ? 403 : 481);
        alice_says(stage, &dialog, "ACK", forged);
        stage_advance(stage, 2 * T1_64);
        stage_silent(stage);
    }
}

/* The holder of a side's token is taken for that side, as after a change of address: he reaches the other side, and
   nobody else. */
static void test_3261_16_4_a_a_token_leads_to_the_other_side_and_nowhere_else(void **state)
{
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_tcp(&stage->wire, 5070), flow_phone(stage, true));
    struct dialog mallory = dialog;
    mallory.alice = mallory.bob = fake_udp(6666);
    alice_says(stage, &mallory, "INFO", dialog.route);
    assert_int_equal(stage_sent(stage, "INFO")->peer.connection, dialog.bob.connection);
    bob_says(stage, &mallory, "INFO");
    assert_int_equal(stage_sent(stage, "INFO")->peer.connection, dialog.alice.connection);
}

static void test_3261_16_4_a_another_server_s_token_is_no_right(void **state)
{
    struct stage *stage = *state;
    struct stage other;
    stage_create(&other);
    other.fake.seed = 99;
    stage_open(&other);
    struct dialog theirs = talk(&other, fake_udp(5070), flow_phone(&other, false));
    alice_says(stage, &theirs, "INFO", theirs.route);
    stage_status(stage, &theirs.alice, 481);
    stage_destroy(&other);
}

/* --- flows that die --- */

static void test_5626_5_3_c_a_dialog_whose_flow_is_gone_is_told_at_once(void **state)
{
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, true));
    stage_flow_dies(stage, &dialog.bob);
    alice_says(stage, &dialog, "BYE", dialog.route);
    stage_advance(stage, 0);
    stage_status(stage, &dialog.alice, 480);
    stage_silent(stage);
}

static void test_a_dialog_goes_on_over_another_flow_of_the_instance(void **state)
{
    struct stage *stage = *state;
    struct peer second = stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2, .tcp = true});
    stage_advance(stage, 2000);
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, true));
    stage_flow_dies(stage, &dialog.bob);
    alice_says(stage, &dialog, "ACK", dialog.route);
    assert_int_equal(stage_sent(stage, "ACK")->peer.connection, second.connection);
    alice_says(stage, &dialog, "BYE", dialog.route);
    assert_int_equal(stage_sent(stage, "BYE")->peer.connection, second.connection);
}

static void test_a_dialog_goes_on_over_the_flow_that_replaced_the_old_one(void **state)
{
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, true));
    stage_flow_dies(stage, &dialog.bob);
    struct peer again = stage_phone(stage, (struct phone){.port = 5085, .instance = "1", .reg_id = 1, .tcp = true});
    alice_says(stage, &dialog, "BYE", dialog.route);
    assert_int_equal(stage_sent(stage, "BYE")->peer.connection, again.connection);
}

/* A flow that dies with a request in the dialog on it. */
static void test_5626_7_h_a_pending_request_in_a_dialog_hears_of_the_death(void **state)
{
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, true));
    alice_says(stage, &dialog, "BYE", dialog.route);
    stage_sent(stage, "BYE");
    stage_flow_dies(stage, &dialog.bob);
    stage_status(stage, &dialog.alice, 480);
}

/* --- ACK for a 2xx --- */

static void test_3261_13_2_a_the_ack_goes_over_the_flow_and_is_no_transaction(void **state)
{
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, false));
    int64_t clients = stage_count(stage, "client_transactions");
    alice_says(stage, &dialog, "ACK", dialog.route);
    struct sent *ack = stage_sent_to(stage, "ACK", 5080);
    assert_true(sent_starts(ack, "ACK sip:bob@127.0.0.1:5099 SIP/2.0\r\n"));
    assert_int_equal(sent_count(ack, "Via"), 2);
    assert_int_equal(sent_count(ack, "Route"), 0);
    assert_string_equal(sent_header(ack, "Max-Forwards", 0), "69");
    assert_int_equal(stage_count(stage, "client_transactions"), clients);
    alice_says(stage, &dialog, "ACK", dialog.route);
    stage_sent_to(stage, "ACK", 5080);
    stage_silent(stage);
}

static void test_an_ack_that_came_through_nowhere_is_dropped(void **state)
{
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, false));
    alice_says(stage, &dialog, "ACK", NULL);
    alice_says(stage, &dialog, "ACK", "Route: <sip:192.0.2.1;lr>\n");
    stage_silent(stage);
}

static const char *const unreadable[] = {"<sip:\303\251@evil.example;lr>", "<sip:evil.example;lr> x",
                                         "<sip:evil.example", "x, <sip:evil.example;lr>"};

/* The way to the other side is the seal's, not a Route's. */
static void test_3261_16_4_a_a_route_that_cannot_be_read_is_removed_in_a_dialog_over_a_flow(void **state)
{
    static const char *const methods[] = {"ACK", "BYE"};
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, false));
    for (unsigned i = 0; i < 2 * sizeof unreadable / sizeof unreadable[0]; i++) {
        char fields[800];
        snprintf(fields, sizeof fields, "%sRoute: %s\n", dialog.route, unreadable[i / 2]);
        stage_request(stage, &dialog.alice,
                      (struct request){.method = methods[i % 2],
                                       .uri = "sip:bob@127.0.0.1:5099",
                                       .to_tag = "p5080",
                                       .cseq = i + 1,
                                       .fields = fields});
        assert_int_equal(sent_count(stage_sent_to(stage, methods[i % 2], 5080), "Route"), 0);
    }
    assert_int_equal(stage_count(stage, "acks_dropped"), 0);
}

/* The caller has no flow, and the Routes say what the next hop is. */
static void test_3261_16_4_a_a_route_that_cannot_be_read_is_refused_in_a_dialog_by_hops(void **state)
{
    static const char *const methods[] = {"BYE", "ACK"};
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, false));
    for (unsigned i = 0; i < 2; i++) {
        char fields[800];
        snprintf(fields, sizeof fields, "%sRoute: x, <sip:evil.example;lr>\n", dialog.back);
        stage_request(stage, &dialog.bob,
                      (struct request){.method = methods[i],
                                       .uri = "sip:alice@127.0.0.1:5070",
                                       .from = "bob",
                                       .to = "alice",
                                       .to_tag = "5070",
                                       .cseq = i + 1,
                                       .fields = fields});
        if (i == 0)
            stage_status(stage, &dialog.bob, 400);
        stage_silent(stage);
    }
    assert_int_equal(stage_count(stage, "acks_dropped"), 1);
}

static void test_3261_16_4_a_a_route_that_cannot_be_read_is_removed_in_an_emergency_dialog(void **state)
{
    static const char *const methods[] = {"BYE", "ACK"};
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, false));
    for (unsigned i = 0; i < 2; i++) {
        char message[1600];
        snprintf(message, sizeof message,
                 "%s sip:alice@127.0.0.1:5070 SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bKs\n"
                 "Max-Forwards: 70\nFrom: <urn:service:sos>;tag=s\nTo: <sip:alice@example.com>;tag=5070\nCall-ID: one\n"
                 "CSeq: 7 %s\n%sRoute: x, <sip:evil.example;lr>\nContent-Length: 0\n\n",
                 methods[i], methods[i], dialog.back);
        stage_receive(stage, &dialog.bob, message);
        assert_int_equal(sent_count(stage_sent_to(stage, methods[i], 5070), "Route"), 0);
    }
}

static void test_an_empty_route_value_says_nothing(void **state)
{
    char fields[800];
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, false));
    snprintf(fields, sizeof fields, "Route: ,\n%sRoute: , ,\n", dialog.route);
    alice_says(stage, &dialog, "BYE", fields);
    assert_int_equal(sent_count(stage_sent_to(stage, "BYE", 5080), "Route"), 0);
}

static void test_an_ack_by_its_uri(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070), bob = stage_phone(stage, (struct phone){.port = 5080});
    struct dialog dialog = talk(stage, alice, bob);
    alice_says(stage, &dialog, "ACK", dialog.route);
    stage_sent_to(stage, "ACK", 5099);
}

static void test_an_ack_by_a_name(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070), bob = stage_phone(stage, (struct phone){.port = 5080});
    struct dialog dialog =
        talk_to(stage, alice, bob, "Contact: <sip:bob@Phone.Example.net:5077>\n"); /* names have no case */
    struct request ack = {
        .method = "ACK", .uri = "sip:bob@phone.example.net:5077", .to_tag = "p", .branch = "z9hG4bKx"};
    ack.fields = dialog.route;
    stage_request(stage, &alice, ack);
    stage_silent(stage);
    fake_wire_resolve(&stage->wire, "phone.example.net", (const uint16_t[]){5077, 5078, 0});
    struct sent *sent = stage_sent_to(stage, "ACK", 5077);
    assert_int_equal(sent_count(sent, "Route"), 0);
    stage_request(stage, &alice, ack);
    fake_wire_resolve(&stage->wire, "phone.example.net", (const uint16_t[]){0});
    stage_silent(stage);
}

static void test_an_ack_without_hops_left_is_dropped(void **state)
{
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, false));
    stage_request(stage, &dialog.alice,
                  (struct request){.method = "ACK",
                                   .uri = "sip:bob@127.0.0.1:5099",
                                   .to_tag = "p5080",
                                   .branch = "z9hG4bKx",
                                   .hops = 1000,
                                   .fields = dialog.route});
    stage_silent(stage);
}

static void test_an_ack_for_a_refusal_stays_here(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    flow_phone(stage, false);
    stage_invite(stage, &alice, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 486, NULL);
    stage_sent_to(stage, "ACK", 5080);
    stage_status(stage, &alice, 486);
    char fields[256];
    snprintf(fields, sizeof fields, "Route: %s\n", sent_header(invite, "Record-Route", 0));
    stage_request(stage, &alice, (struct request){.method = "ACK", .to_tag = "p5080", .fields = fields});
    stage_silent(stage);
}

/* --- Route values --- */

static void test_a_next_route_is_gone_to_and_kept(void **state)
{
    struct stage *stage = *state;
    struct peer bob = flow_phone(stage, false);
    stage_request(stage, &bob,
                  (struct request){.uri = "sip:eve@elsewhere.example",
                                   .fields = "Route: <sip:127.0.0.1:5060;lr>, <sip:127.0.0.1:5095;lr>, <sip:x;lr>\n"});
    stage_status(stage, &bob, 100);
    struct sent *invite = stage_sent_to(stage, "INVITE", 5095);
    assert_true(sent_starts(invite, "INVITE sip:eve@elsewhere.example SIP/2.0"));
    assert_string_equal(sent_header(invite, "Route", 0), "<sip:127.0.0.1:5095;lr>, <sip:x;lr>");
}

static void test_a_preloaded_route_to_us_leads_to_the_bindings(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    flow_phone(stage, false);
    stage_request(stage, &alice, (struct request){.fields = "Route: <sip:127.0.0.1:5060;lr>\n"});
    stage_status(stage, &alice, 100);
    assert_int_equal(sent_count(stage_sent_to(stage, "INVITE", 5080), "Route"), 0);
}

/* Other parsers accept some of them: what follows would be left to the next element, which trusts this server. */
static void test_3261_16_4_a_a_route_that_cannot_be_read_is_refused(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_phone(stage, (struct phone){.port = 5080});
    for (unsigned i = 0; i < 2 * sizeof unreadable / sizeof unreadable[0]; i++) {
        char fields[120];
        snprintf(fields, sizeof fields, "Route: %s%s\n", i % 2 == 0 ? "" : "<sip:127.0.0.1:5060;lr>, ",
                 unreadable[i / 2]);
        stage_request(stage, &alice, (struct request){.cseq = i + 1, .fields = fields});
        struct sent *refusal = stage_status(stage, &alice, 400);
        assert_true(sent_starts(refusal, "SIP/2.0 400 Bad Request: Route: a value is not a valid address"));
        stage_silent(stage);
    }
    stage_request(stage, &alice, (struct request){.cseq = 20, .fields = "Route: <sip:127.0.0.1:5060;lr>,\n"});
    stage_status(stage, &alice, 100);
    stage_sent_to(stage, "INVITE", 5080);
}

/* RFC 3261 16.4: a strict router has put our value into the Request-URI and the target behind the Routes. */
static void test_a_strict_router_s_work_is_undone(void **state)
{
    struct stage *stage = *state;
    struct dialog dialog = talk(stage, fake_udp(5070), flow_phone(stage, false));
    char uri[256];
    const char *start = strchr(dialog.route, '<') + 1;
    snprintf(uri, sizeof uri, "%.*s", (int)strcspn(start, ">"), start);
    stage_request(
        stage, &dialog.alice,
        (struct request){
            .method = "INFO", .uri = uri, .to_tag = "p5080", .cseq = 2, .fields = "Route: <sip:bob@127.0.0.1:5099>\n"});
    struct sent *info = stage_sent_to(stage, "INFO", 5080);
    assert_true(sent_starts(info, "INFO sip:bob@127.0.0.1:5099 SIP/2.0\r\n"));
    assert_int_equal(sent_count(info, "Route"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_5626_5_3_d_both_ways_over_datagrams),
        TEST(test_5626_5_3_d_both_ways_over_connections),
        TEST(test_the_caller_s_datagram_flow_is_kept_where_his_via_lies),
        TEST(test_record_route_is_doubled_where_the_transports_differ),
        TEST(test_requests_that_form_no_dialog_are_not_recorded),
        TEST(test_3261_16_4_a_a_token_that_was_changed_is_no_right),
        TEST(test_3261_16_4_a_a_token_leads_to_the_other_side_and_nowhere_else),
        TEST(test_3261_16_4_a_another_server_s_token_is_no_right),
        TEST(test_5626_5_3_c_a_dialog_whose_flow_is_gone_is_told_at_once),
        TEST(test_a_dialog_goes_on_over_another_flow_of_the_instance),
        TEST(test_a_dialog_goes_on_over_the_flow_that_replaced_the_old_one),
        TEST(test_5626_7_h_a_pending_request_in_a_dialog_hears_of_the_death),
        TEST(test_3261_13_2_a_the_ack_goes_over_the_flow_and_is_no_transaction),
        TEST(test_an_ack_that_came_through_nowhere_is_dropped),
        TEST(test_3261_16_4_a_a_route_that_cannot_be_read_is_removed_in_a_dialog_over_a_flow),
        TEST(test_an_empty_route_value_says_nothing),
        TEST(test_3261_16_4_a_a_route_that_cannot_be_read_is_refused_in_a_dialog_by_hops),
        TEST(test_3261_16_4_a_a_route_that_cannot_be_read_is_removed_in_an_emergency_dialog),
        TEST(test_an_ack_by_its_uri),
        TEST(test_an_ack_by_a_name),
        TEST(test_an_ack_without_hops_left_is_dropped),
        TEST(test_an_ack_for_a_refusal_stays_here),
        TEST(test_a_next_route_is_gone_to_and_kept),
        TEST(test_a_preloaded_route_to_us_leads_to_the_bindings),
        TEST(test_3261_16_4_a_a_route_that_cannot_be_read_is_refused),
        TEST(test_a_strict_router_s_work_is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
