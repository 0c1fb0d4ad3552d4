// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

/* REGISTER: RFC 3261 10.3, RFC 5626 section 6, RFC 3327. */

#define INSTANCE    ";+sip.instance=\"<urn:uuid:1>\""
#define MINUTE_LESS "expires=59"

static struct sent *ask(struct stage *stage, const struct peer *from, const char *fields, const char *start)
{
    stage_request(stage, from,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = "reg",
                                   .cseq = ++stage->registers,
                                   .fields = fields});
    return stage_sent(stage, start);
}

static struct sent *accepted(struct stage *stage, const struct peer *from, const char *fields)
{
    return ask(stage, from, fields, "SIP/2.0 200 OK\r\n");
}

static size_t bound(const struct stage *stage)
{
    return binding_count(server_bindings(stage->server));
}

static bool has(const struct sent *sent, const char *what)
{
    return strstr(sent->bytes, what) != NULL;
}

static struct binding_view first_binding(const struct stage *stage)
{
    struct binding_view view = {0};
    const struct binding *binding = binding_first(server_bindings(stage->server), TEXT("sip:bob@example.com"));
    assert_non_null(binding);
    binding_read(binding, &view);
    return view;
}

/* --- what is bound, and listed --- */

static void test_code_2xx_register_a_contact_is_bound_and_listed(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    struct sent *fine = accepted(stage, &bob, "Contact: <sip:bob@192.0.2.4>;q=0.25;expires=600\n");
    assert_string_equal(sent_header(fine, "Contact", 0), "<sip:bob@192.0.2.4>;q=0.250;expires=600");
    assert_int_equal(sent_count(fine, "Contact"), 1);
    struct binding_view view = first_binding(stage);
    assert_true(text_equal(view.contact, TEXT("sip:bob@192.0.2.4")));
    assert_int_equal(view.q, 250);
    assert_int_equal(view.expires_at, stage->fake.wall_s + 600);
    assert_int_equal(stage_counters(stage)->registered, 1);
}

static void test_no_contact_lists_what_is_bound(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    assert_int_equal(sent_count(accepted(stage, &bob, NULL), "Contact"), 0);
    accepted(stage, &bob, "Contact: <sip:bob@192.0.2.4>, <sip:bob@192.0.2.5>\n");
    stage_advance(stage, 100000);
    struct sent *list = accepted(stage, &bob, NULL);
    assert_int_equal(sent_count(list, "Contact"), 2);
    assert_string_equal(sent_header(list, "Contact", 0), "<sip:bob@192.0.2.4>;expires=3500");
    assert_string_equal(sent_header(list, "Contact", 1), "<sip:bob@192.0.2.5>;expires=3500");
    assert_false(has(list, "Require:"));
}

static void test_5626_6_g_key_parameters_and_path_are_kept(void **state)
{
    struct stage *stage = *state;
    struct peer edge = fake_udp(5099);
    stage_receive(stage, &edge,
                  "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bKe;rport\n"
                  "Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bKb\nMax-Forwards: 69\n"
                  "Path: <sip:token@127.0.0.1:5099;lr;ob>, <sip:192.0.2.9;lr>\nSupported: path, outbound\n"
                  "From: <sip:bob@example.com>;tag=b\nTo: <sip:bob@example.com>\nCall-ID: reg\nCSeq: 1 REGISTER\n"
                  "Contact: <sip:bob@192.0.2.4>;audio;methods=\"INVITE,BYE;x\"" INSTANCE ";reg-id=1;x=\"a\\\"b\"\n"
                  "Content-Length: 0\n\n");
    struct sent *fine = stage_status(stage, &edge, 200);
    struct binding_view view = first_binding(stage);
    assert_true(text_equal(view.path, TEXT("<sip:token@127.0.0.1:5099;lr;ob>, <sip:192.0.2.9;lr>")));
    assert_true(text_equal(view.instance, TEXT("urn:uuid:1")));
    assert_int_equal(view.reg_id, 1);
    assert_true(text_equal(view.parameters, TEXT(";audio;methods=\"INVITE,BYE;x\";x=\"a\\\"b\"")));
    assert_string_equal(sent_header(fine, "Path", 0), "<sip:token@127.0.0.1:5099;lr;ob>, <sip:192.0.2.9;lr>");
    assert_true(has(fine, ";audio;methods=\"INVITE,BYE;x\""));
    assert_true(has(fine, "Require: outbound\r\n"));
    assert_false(has(fine, "Flow-Timer"));
    assert_int_equal(view.flow, 0);
}

static void test_5626_6_g_the_key_is_never_the_contact_uri(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    accepted(stage, &bob, "Contact: <sip:bob@192.0.2.4>" INSTANCE ";reg-id=1\n");
    struct sent *fine = accepted(stage, &bob, "Contact: <sip:bob@192.0.2.5>" INSTANCE ";reg-id=1\n");
    assert_int_equal(sent_count(fine, "Contact"), 1);
    assert_true(has(fine, "sip:bob@192.0.2.5"));
    accepted(stage, &bob, "Contact: <sip:bob@192.0.2.5>" INSTANCE ";reg-id=2\n");
    assert_int_equal(bound(stage), 2);
}

static void test_5626_6_i_registering_anew_replaces_one_binding_and_its_flow(void **state)
{
    struct stage *stage = *state;
    struct peer first = fake_tcp(&stage->wire, 5080), second = fake_tcp(&stage->wire, 5081);
    accepted(stage, &first, "Contact: <sip:bob@192.0.2.4>" INSTANCE ";reg-id=1\n");
    accepted(stage, &first, "Contact: <sip:bob@192.0.2.4>" INSTANCE ";reg-id=2\n");
    stage_advance(stage, 5000);
    stage_request(stage, &second,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = "other",
                                   .fields = "Contact: <sip:bob@192.0.2.4>" INSTANCE ";reg-id=1\n"});
    stage_status(stage, &second, 200);
    struct binding_view view = first_binding(stage);
    assert_int_equal(view.flow, second.connection);
    assert_int_equal(view.registered_at, stage->fake.wall_s);
    assert_int_equal(bound(stage), 2);
    server_flow_down(stage->server, first.connection, "closed");
    assert_int_equal(bound(stage), 1);
}

static void test_5626_7_e_a_flow_is_the_connection_it_came_over(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_tcp(&stage->wire, 5080), plain = fake_udp(5081);
    accepted(stage, &bob, "Contact: <sip:bob@192.0.2.4>" INSTANCE ";reg-id=1\n");
    assert_int_equal(first_binding(stage).flow, bob.connection);
    accepted(stage, &plain, "Contact: <sip:bob@192.0.2.4>" INSTANCE ";reg-id=1\n");
    assert_int_equal(first_binding(stage).flow, peer_flow(&plain));
}

static void test_5626_6_f_flows_and_plain_contacts_side_by_side(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    accepted(stage, &bob, "Contact: <sip:bob@192.0.2.4>" INSTANCE ";reg-id=1\n");
    accepted(stage, &bob, "Contact: <sip:bob@192.0.2.4>\n");
    assert_int_equal(bound(stage), 2);
    accepted(stage, &bob, "Contact: <sip:bob@192.0.2.4>;expires=0\n");
    assert_int_equal(bound(stage), 1);
    assert_int_equal(first_binding(stage).reg_id, 1);
}

static void test_5626_6_h_and_5626_5_4_c_require_outbound_and_flow_timer(void **state)
{
    struct stage stage;
    (void)state;
    stage_create(&stage);
    stage.config.flow_timer = 95;
    stage_open(&stage);
    struct peer bob = fake_udp(5080);
    struct sent *fine =
        accepted(&stage, &bob, "Supported: outbound\nContact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=1\n");
    assert_string_equal(sent_header(fine, "Require", 0), "outbound");
    assert_string_equal(sent_header(fine, "Flow-Timer", 0), "95");
    assert_int_equal(sent_count(fine, "Require"), 1);
    stage_destroy(&stage);
}

static void test_5626_6_e_no_require_outbound_where_it_was_not_applied(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    assert_false(has(accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=1\n"), "Require:"));
    assert_false(has(accepted(stage, &bob, "Supported: outbound\nContact: <sip:b@192.0.2.5>\n"), "Require:"));
    assert_false(
        has(accepted(stage, &bob, "Supported: outbound\nContact: <sip:b@192.0.2.6>" INSTANCE "\n"), "Require:"));
    assert_false(has(accepted(stage, &bob, "Supported: outbound\n"), "Require:"));
}

static void test_5626_6_c_reg_id_without_instance_is_ignored(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    struct sent *fine = accepted(stage, &bob, "Supported: outbound\nContact: <sip:b@192.0.2.4>;reg-id=1\n");
    assert_false(has(fine, "Require:"));
    assert_int_equal(first_binding(stage).reg_id, 0);
}

static void test_5626_6_d_more_than_one_contact_beside_a_reg_id(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    ask(stage, &bob, "Contact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=1, <sip:b@192.0.2.5>\n", "SIP/2.0 400");
    assert_int_equal(bound(stage), 0);
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=1, <sip:b@192.0.2.5>;expires=0\n");
    assert_int_equal(bound(stage), 1);
}

static struct sent *ask_behind_a_proxy(struct stage *stage, const char *fields, unsigned status)
{
    char lines[1024];
    struct peer proxy = fake_udp(5099);
    snprintf(lines, sizeof lines,
             "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bKe%u;rport\n"
             "Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bKb\nMax-Forwards: 69\nFrom: <sip:bob@example.com>;tag=b\n"
             "To: <sip:bob@example.com>\nCall-ID: reg\nCSeq: %u REGISTER\n%sContent-Length: 0\n\n",
             stage->registers, stage->registers, fields);
    stage->registers++;
    stage_receive(stage, &proxy, lines);
    return stage_status(stage, &proxy, status);
}

static void test_5626_6_b_and_5626_11_6_a_the_first_hop_lacks_outbound(void **state)
{
    struct stage *stage = *state;
    stage->registers = 1;
    ask_behind_a_proxy(stage, "Supported: outbound\nContact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=1\n", 439);
    ask_behind_a_proxy(
        stage, "Supported: outbound\nPath: <sip:127.0.0.1:5099;lr>\nContact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=1\n",
        439);
    assert_int_equal(bound(stage), 0);
    struct sent *fine = ask_behind_a_proxy(stage, "Contact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=1\n", 200);
    assert_false(has(fine, "Require:"));
    assert_false(has(fine, "reg-id"));
    assert_int_equal(first_binding(stage).reg_id, 0);
}

static void test_5626_11_6_a_439_is_for_those_who_asked_for_outbound(void **state)
{
    struct stage *stage = *state;
    stage->registers = 1;
    ask_behind_a_proxy(stage, "Supported: outbound\nContact: <sip:b@192.0.2.4>\n", 200);
    ask_behind_a_proxy(stage, "Supported: outbound\nContact: <sip:b@192.0.2.5>;reg-id=1\n", 200);
}

static void test_5626_6_a_a_path_is_told_back_where_it_is_supported(void **state)
{
    struct stage *stage = *state;
    stage->registers = 1;
    struct sent *fine = ask_behind_a_proxy(stage, "Path: <sip:127.0.0.1:5099;lr>\nContact: <sip:b@192.0.2.4>\n", 200);
    assert_int_equal(sent_count(fine, "Path"), 0);
    ask_behind_a_proxy(stage, "Path: <<>>\nContact: <sip:b@192.0.2.4>\n", 400);
}

static void test_5626_10_a_reg_id_out_of_range(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    static const char *const wrong[] = {"0", "2147483648", "-1", "x", ""};
    for (size_t i = 0; i < 5; i++) {
        char fields[128];
        snprintf(fields, sizeof fields, "Contact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=%s\n", wrong[i]);
        ask(stage, &bob, fields, "SIP/2.0 400");
    }
    assert_int_equal(bound(stage), 0);
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=2147483647\n");
}

/* --- how long --- */

static void test_how_long_a_binding_lasts(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    assert_true(has(accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>\n"), ";expires=3600\r\n"));
    assert_true(has(accepted(stage, &bob, "Expires: 100\nContact: <sip:b@192.0.2.4>\n"), ";expires=100\r\n"));
    assert_true(has(accepted(stage, &bob, "Expires: 100\nContact: <sip:b@192.0.2.4>;expires=90\n"), ";expires=90\r\n"));
    assert_true(has(accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>;expires=99999\n"), ";expires=7200\r\n"));
}

static void test_expired_bindings_go(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080), alice = fake_udp(5070);
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>;expires=60, <sip:b@192.0.2.5>;expires=120\n");
    stage_advance(stage, 60000);
    assert_int_equal(sent_count(accepted(stage, &bob, NULL), "Contact"), 1);
    stage_advance(stage, 1000);
    assert_int_equal(bound(stage), 1);
    stage_advance(stage, 60000);
    assert_int_equal(bound(stage), 0);
    stage_invite(stage, &alice, "one");
    stage_status(stage, &alice, 480);
}

static void test_code_423_too_brief(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    struct sent *refusal = ask(stage, &bob, "Contact: <sip:b@192.0.2.4>;" MINUTE_LESS "\n", "SIP/2.0 423");
    assert_string_equal(sent_header(refusal, "Min-Expires", 0), "60");
    ask(stage, &bob, "Expires: 1\nContact: <sip:b@192.0.2.4>\n", "SIP/2.0 423");
    assert_int_equal(bound(stage), 0);
    assert_int_equal(stage_counters(stage)->register_refused, 2);
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>;expires=60\n");
}

/* --- removing --- */

static void test_expires_0_removes_one(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>, <sip:b@192.0.2.5>\n");
    struct sent *fine = accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>;expires=0, <sip:b@192.0.2.77>;expires=0\n");
    assert_int_equal(sent_count(fine, "Contact"), 1);
    assert_true(has(fine, "192.0.2.5"));
}

static void test_contact_star_removes_all(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>, <sip:b@192.0.2.5>\n");
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=1\n");
    ask(stage, &bob, "Contact: *\n", "SIP/2.0 400");
    ask(stage, &bob, "Expires: 5\nContact: *\n", "SIP/2.0 400");
    ask(stage, &bob, "Expires: 0\nContact: *, <sip:b@192.0.2.4>\n", "SIP/2.0 400");
    assert_int_equal(bound(stage), 3);
    assert_int_equal(sent_count(accepted(stage, &bob, "Expires: 0\nContact: *\n"), "Contact"), 0);
    assert_int_equal(bound(stage), 0);
}

/* --- order --- */

static struct sent *ask_with(struct stage *stage, const char *call, unsigned cseq, const char *fields, unsigned status)
{
    static const char *const transactions[] = {"z9hG4bK0", "z9hG4bK1", "z9hG4bK2", "z9hG4bK3", "z9hG4bK4", "z9hG4bK5"};
    struct peer bob = fake_udp(5080);
    stage_request(stage, &bob,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = call,
                                   .cseq = cseq,
                                   .branch = transactions[stage->registers++],
                                   .fields = fields});
    return stage_status(stage, &bob, status);
}

static void test_a_register_that_was_overtaken_changes_nothing(void **state)
{
    struct stage *stage = *state;
    ask_with(stage, "reg", 5, "Contact: <sip:b@192.0.2.4>;expires=600\n", 200);
    ask_with(stage, "reg", 4, "Contact: <sip:b@192.0.2.4>;expires=0\n", 500);
    ask_with(stage, "reg", 5, "Contact: <sip:b@192.0.2.4>;expires=0\n", 500);
    ask_with(stage, "reg", 5, "Expires: 0\nContact: *\n", 500);
    assert_int_equal(bound(stage), 1);
    ask_with(stage, "new", 1, "Contact: <sip:b@192.0.2.4>;expires=700\n", 200);
    ask_with(stage, "new", 2, "Expires: 0\nContact: *\n", 200);
    assert_int_equal(bound(stage), 0);
}

/* As after a restart, which forgets transactions and keeps bindings. */
static void test_a_repeated_register_is_answered_again(void **state)
{
    struct stage *stage = *state;
    ask_with(stage, "reg", 5, "Contact: <sip:B@EXAMPLE.net>;expires=600\n", 200);
    stage_advance(stage, 30000);
    struct sent *again = ask_with(stage, "reg", 5, "Contact: <sip:B@EXAMPLE.net>;expires=600\n", 200);
    assert_string_equal(sent_header(again, "Contact", 0), "<sip:B@EXAMPLE.net>;expires=570");
    stage_advance(stage, 3000);
    ask_with(stage, "reg", 5, "Contact: <sip:B@EXAMPLE.net>;expires=600\n", 500);
}

/* Each allocation fails once: what stood stands, or all that was asked for does. */
static void test_without_memory_no_contact_is_stored(void **state)
{
    bool stored = false;
    (void)state;
    for (unsigned nth = 1; !stored; nth++) {
        struct stage stage;
        stage_create(&stage);
        stage_open(&stage);
        struct peer bob = fake_udp(5080);
        accepted(&stage, &bob, "Contact: <sip:b@192.0.2.1>\n");
        stage.fake.fail_after = stage.fake.calls + nth;
        stage_request(&stage, &bob,
                      (struct request){.method = "REGISTER",
                                       .uri = "sip:example.com",
                                       .from = "bob",
                                       .call = "reg",
                                       .cseq = 99,
                                       .fields = "Contact: <sip:b@192.0.2.1>;expires=0, <sip:b@192.0.2.2>, "
                                                 "<sip:b@192.0.2.3>\n"});
        stage.fake.fail_after = 0;
        stage_discard(&stage);
        stored = bound(&stage) == 2;
        assert_true(stored || bound(&stage) == 1);
        assert_true(
            text_equal(first_binding(&stage).contact, stored ? TEXT("sip:b@192.0.2.2") : TEXT("sip:b@192.0.2.1")));
        assert_true(nth < 1000);
        stage_destroy(&stage);
    }
}

static void test_all_or_nothing(void **state)
{
    struct stage *stage = *state;
    ask_with(stage, "reg", 5, "Contact: <sip:b@192.0.2.4>\n", 200);
    ask_with(stage, "reg", 4, "Contact: <sip:b@192.0.2.5>, <sip:b@192.0.2.4>\n", 500);
    ask_with(stage, "reg", 6, "Contact: <sip:b@192.0.2.5>, <sip:b@192.0.2.6>;expires=3\n", 423);
    ask_with(stage, "reg", 7, "Contact: <sip:b@192.0.2.5>, <sip:b@192.0.2.6>;q=7\n", 400);
    assert_int_equal(bound(stage), 1);
}

static void test_too_many_bindings_are_refused_whole(void **state)
{
    struct stage stage;
    (void)state;
    stage_create(&stage);
    stage.config.bindings.bindings_per_aor = 2;
    stage_open(&stage);
    struct peer bob = fake_udp(5080);
    accepted(&stage, &bob, "Contact: <sip:b@192.0.2.1>\n");
    ask(&stage, &bob, "Contact: <sip:b@192.0.2.2>, <sip:b@192.0.2.3>\n", "SIP/2.0 403 Too Many Bindings");
    assert_int_equal(bound(&stage), 1);
    accepted(&stage, &bob, "Contact: <sip:b@192.0.2.2>\n");
    stage_destroy(&stage);
}

static void test_too_many_contacts_in_one_request(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    char fields[2048] = "Contact: <sip:b@192.0.2.1>";
    for (int i = 0; i < 32; i++)
        snprintf(fields + strlen(fields), sizeof fields - strlen(fields), ", <sip:b@192.0.3.%d>", i);
    strcat(fields, "\n");
    ask(stage, &bob, fields, "SIP/2.0 400");
    assert_int_equal(bound(stage), 0);
}

/* --- who --- */

static void test_whose_bindings(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    static const struct {
        const char *to;
        unsigned status;
    } cases[] = {{"<sip:bob@example.com>", 200}, {"<sip:BOB@EXAMPLE.com:5060>", 200}, {"<sip:%62ob@example.com>", 200},
                 {"<sip:bob@127.0.0.1>", 200},   {"<sip:bob@example.org>", 404},      {"<sip:example.com>", 404},
                 {"<tel:+15551234>", 416},       {"<sips:bob@example.com>", 416}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char lines[512];
        snprintf(lines, sizeof lines,
                 "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK%zu;rport\n"
                 "Max-Forwards: 69\nFrom: %s;tag=b\nTo: %s\nCall-ID: reg%zu\nCSeq: 1 REGISTER\n"
                 "Contact: <sip:b@192.0.2.4>\nContent-Length: 0\n\n",
                 i, cases[i].to, cases[i].to, i);
        stage_receive(stage, &bob, lines);
        stage_status(stage, &bob, cases[i].status);
    }
    /* BOB and %62ob are bob. */
    assert_int_equal(binding_aor_count(server_bindings(stage->server)), 2);
}

static void test_a_required_extension_that_is_unknown(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    struct sent *refusal =
        ask(stage, &bob, "Require: path, outbound, pref\nContact: <sip:b@192.0.2.4>\n", "SIP/2.0 420");
    assert_string_equal(sent_header(refusal, "Unsupported", 0), "pref");
    accepted(stage, &bob, "Require: path , outbound\nContact: <sip:b@192.0.2.4>\n");
}

static void test_3261_10_3_a_equal_contacts_are_one_binding(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    accepted(stage, &bob, "Contact: <SIP:b%6fb@PHONE.example.net;transport=TCP;line=1>\n");
    struct sent *fine = accepted(stage, &bob, "Contact: <sip:bob@phone.example.net;x;transport=tcp>\n");
    assert_string_equal(sent_header(fine, "Contact", 0), "<sip:bob@phone.example.net;x;transport=tcp>;expires=3600");
    assert_int_equal(bound(stage), 1);
    accepted(stage, &bob, "Contact: <sip:bob@phone.example.net>\n");
    assert_int_equal(bound(stage), 2);
    accepted(stage, &bob, "Contact: <sip:bob@PHONE.example.net;Transport=Tcp>;expires=0\n");
    assert_int_equal(bound(stage), 1);
    assert_int_equal(stage_count(stage, "bindings"), 1);
}

static void test_instance_a_one_binding_for_each_instance(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    accepted(stage, &bob, "Contact: <sip:bob@192.0.2.4>" INSTANCE "\n");
    struct sent *fine = accepted(stage, &bob, "Contact: <sip:bob@192.0.2.5>" INSTANCE "\n");
    assert_int_equal(sent_count(fine, "Contact"), 1);
    assert_true(has(fine, "sip:bob@192.0.2.5"));
    fine = accepted(stage, &bob, "Contact: <sip:bob@192.0.2.6>" INSTANCE ", <sip:bob@192.0.2.7>" INSTANCE "\n");
    assert_int_equal(sent_count(fine, "Contact"), 2);
    assert_int_equal(bound(stage), 2);
}

/* --- flows --- */

static void test_5626_7_f_a_dead_flow_takes_the_bindings_of_every_user(void **state)
{
    struct stage *stage = *state;
    struct peer shared = fake_tcp(&stage->wire, 5080);
    for (unsigned i = 0; i < 3; i++) {
        const char *const users[] = {"bob", "carol", "dave"};
        stage_request(stage, &shared,
                      (struct request){.method = "REGISTER",
                                       .uri = "sip:example.com",
                                       .to = users[i],
                                       .call = users[i],
                                       .fields = "Contact: <sip:x@192.0.2.4>" INSTANCE ";reg-id=1\n"});
        stage_status(stage, &shared, 200);
    }
    stage_phone(stage, (struct phone){.port = 5081, .instance = "2", .reg_id = 1});
    server_flow_down(stage->server, shared.connection, "closed");
    assert_int_equal(bound(stage), 1);
    assert_int_equal(stage_counters(stage)->bindings_lost, 3);
    assert_int_equal(stage_counters(stage)->flows_down, 1);
}

static void test_the_script_hears_of_flows(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "local sip = require 'reflow'\n"
                        "sip_on_flow_up(function(f) sip.log('up ' .. f.flow .. ' ' .. f.aor .. ' ' .. f.reg_id) end)\n"
                        "sip_on_flow_down(function(f) sip.log('down ' .. f.flow .. ' ' .. f.reason) end)\n");
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 3, .tcp = true});
    assert_non_null(strstr(stage->fake.last_log, "up tcp 127.0.0.1:5080 #1 sip:bob@example.com 3"));
    stage->fake.last_log[0] = '\0';
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=3\n");
    assert_string_equal(stage->fake.last_log, "");
    fake_wire_close(&stage->wire, bob.connection);
    server_flow_down(stage->server, bob.connection, "keepalive");
    assert_non_null(strstr(stage->fake.last_log, "keepalive"));
}

/* --- bindings without reg-id --- */

/* The Contact cannot say on which interface the phone is, so it cannot be called where its flow can. */
static void test_3261_10_a_a_link_local_contact_is_not_where_the_phone_is(void **state)
{
    struct stage *stage = *state;
    struct peer bob = {.transport = TRANSPORT_UDP};
    assert_true(address_read(TEXT("fe80::1"), 5080, &bob.address));
    bob.address.v6.sin6_scope_id = 2;
    accepted(stage, &bob, "Contact: <sip:b@[fe80::1]:5080>\n");
    assert_int_equal(first_binding(stage).route, BINDING_BY_FLOW_FIRST);
}

static void test_3261_10_a_a_plain_binding_remembers_its_flow(void **state)
{
    struct stage *stage = *state;
    struct peer udp = fake_udp(5080), tcp = fake_tcp(&stage->wire, 5081);
    static const struct {
        const char *contact;
        bool tcp;
        enum binding_route route;
    } cases[] = {{"sip:b@127.0.0.1:5080", false, BINDING_BY_CONTACT},
                 {"sip:b@127.0.0.1:5081;transport=tcp", true, BINDING_BY_CONTACT},
                 {"sip:b@127.0.0.1:5081", true, BINDING_BY_FLOW_FIRST},
                 {"sip:b@127.0.0.1:5080;transport=tcp", false, BINDING_BY_FLOW_FIRST},
                 {"sip:b@127.0.0.1", false, BINDING_BY_FLOW_FIRST},
                 {"sip:b@192.0.2.4:5080", false, BINDING_BY_FLOW_FIRST},
                 {"sip:b@phone.example.net:5080", false, BINDING_BY_FLOW_FIRST},
                 {"sip:b@[2001:db8::1]", true, BINDING_BY_FLOW_FIRST},
                 {"sips:b@phone.example.net", true, BINDING_BY_FLOW_FIRST},
                 {"sips:b@192.0.2.4", true, BINDING_BY_FLOW},
                 {"sip:b@192.0.2.4;transport=tls", false, BINDING_BY_FLOW},
                 {"sip:b@192.0.2.4;transport=ws", true, BINDING_BY_FLOW},
                 {"sip:b@phone.example.net;transport=wss", true, BINDING_BY_FLOW},
                 {"sip:b@phone.example.net;transport=sctp", true, BINDING_BY_FLOW},
                 {"sip:b@a1b2.invalid", true, BINDING_BY_FLOW},
                 {"sip:b@a1b2.invalid.", false, BINDING_BY_FLOW},
                 {"sip:b@invalid", false, BINDING_BY_FLOW},
                 {"sip:b@notinvalid", false, BINDING_BY_FLOW_FIRST}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char fields[160];
        const struct peer *from = cases[i].tcp ? &tcp : &udp;
        snprintf(fields, sizeof fields, "Contact: <%s>\n", cases[i].contact);
        struct sent *fine = accepted(stage, from, fields);
        snprintf(fields, sizeof fields, "<%s>;expires=3600", cases[i].contact);
        assert_string_equal(sent_header(fine, "Contact", 0), fields);
        struct binding_view view = first_binding(stage);
        assert_int_equal(view.flow, peer_flow(from));
        assert_int_equal(view.transport, from->transport);
        if (view.route != cases[i].route)
            fail_msg("%s: %u", cases[i].contact, view.route);
        accepted(stage, from, "Contact: *\nExpires: 0\n");
    }
}

static void test_3261_10_a_what_came_through_a_proxy_has_no_flow_of_ours(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    stage->registers = 1;
    ask_behind_a_proxy(stage, "Contact: <sip:b@192.0.2.4>\n", 200);
    assert_int_equal(first_binding(stage).flow, 0);
    assert_int_equal(first_binding(stage).route, BINDING_BY_CONTACT);
    accepted(stage, &bob, "Supported: path\nPath: <sip:127.0.0.1:5090;lr>\nContact: <sip:b@192.0.2.4>\n");
    assert_int_equal(first_binding(stage).flow, 0);
}

static void test_3261_10_a_what_a_plain_binding_loses_with_its_flow(void **state)
{
    struct stage *stage = *state;
    struct peer tcp = fake_tcp(&stage->wire, 5081);
    accepted(stage, &tcp, "Contact: <sip:b@192.0.2.4>, <sip:b@a1b2.invalid>\n");
    assert_int_equal(bound(stage), 2);
    fake_wire_close(&stage->wire, tcp.connection);
    server_flow_down(stage->server, tcp.connection, "closed");
    assert_int_equal(bound(stage), 1);
    struct binding_view view = first_binding(stage);
    assert_true(text_equal(view.contact, TEXT("sip:b@192.0.2.4")));
    assert_int_equal(view.flow, 0);
    assert_int_equal(view.route, BINDING_BY_CONTACT);
    assert_int_equal(stage_counters(stage)->bindings_lost, 1);
}

/* An ICMP error says nothing for good of a phone that is not outbound. */
static void test_3261_10_a_a_plain_binding_keeps_its_datagram_flow(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>, <sip:b@a1b2.invalid>\n");
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.5>" INSTANCE ";reg-id=1\n");
    assert_int_equal(bound(stage), 3);
    server_flow_down(stage->server, peer_flow(&bob), "icmp");
    assert_int_equal(bound(stage), 2);
    assert_int_equal(first_binding(stage).flow, peer_flow(&bob));
    assert_int_equal(first_binding(stage).route, BINDING_BY_FLOW_FIRST);
}

static void test_the_script_hears_of_outbound_flows_alone(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_flow_up(function(f) sip_log('up ' .. f.reg_id) end)\n"
                        "sip_on_flow_down(function(f) sip_log('down ' .. f.reg_id) end)\n");
    struct peer bob = fake_tcp(&stage->wire, 5080);
    accepted(stage, &bob, "Contact: <sip:b@a1b2.invalid>\n");
    assert_string_equal(stage->fake.last_log, "");
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.5>" INSTANCE ";reg-id=1\n");
    assert_non_null(strstr(stage->fake.last_log, "up 1"));
    server_flow_down(stage->server, bob.connection, "closed");
    assert_non_null(strstr(stage->fake.last_log, "down 1"));
    assert_int_equal(bound(stage), 0);
    assert_int_equal(stage_counters(stage)->script_errors, 0);
}

/* --- the policy's say --- */

static void test_a_script_may_refuse(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    stage_script(stage, "sip_on_register(function(r) return sip_reply(403, 'Not You') end)\n");
    ask(stage, &bob, "Contact: <sip:b@192.0.2.4>\n", "SIP/2.0 403 Not You\r\n");
    assert_int_equal(bound(stage), 0);
    assert_int_equal(stage_counters(stage)->register_refused, 1);
    assert_int_equal(stage_counters(stage)->verdicts, 1);
}

static void test_a_script_may_accept_or_say_nothing(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    stage_script(stage, "sip_on_register(function(r) return sip_accept() end)\n");
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>\n");
    stage_script(stage, "sip_on_register(function(r) end)\n");
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.5>\n");
    assert_int_equal(bound(stage), 2);
}

static void test_a_script_may_drop(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    stage_script(stage, "sip_on_register(function(r) return sip_drop() end)\n");
    stage_request(stage, &bob,
                  (struct request){.method = "REGISTER", .uri = "sip:example.com", .fields = "Contact: <sip:b@h>\n"});
    stage_silent(stage);
    stage_advance(stage, 0);
    assert_int_equal(stage_count(stage, "transactions"), 0);
}

static void test_a_script_that_errs_leaves_the_rules(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    stage_script(stage, "sip_on_register(function(r) error('oh') end)\n");
    accepted(stage, &bob, "Contact: <sip:b@192.0.2.4>\n");
    assert_int_equal(stage_counters(stage)->script_errors, 1);
    assert_int_equal(bound(stage), 1);
}

static void assert_verdict_refused(struct stage *stage, const char *fields, const char *rule)
{
    struct peer bob = fake_udp(5080);
    uint64_t refused = stage_counters(stage)->verdicts_refused;
    uint64_t carried = stage_counters(stage)->verdicts;
    accepted(stage, &bob, fields);
    assert_int_equal(stage_counters(stage)->verdicts_refused, refused + 1);
    assert_int_equal(stage_counters(stage)->verdicts, carried);
    assert_non_null(strstr(stage->fake.last_log, rule));
}

static void test_5626_11_6_a_no_script_sends_439_to_others(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(5080);
    stage_script(stage, "sip_on_register(function(r) return sip_reply(439) end)\n");
    assert_verdict_refused(stage, "Contact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=1\n", "5626-11.6.a");
    assert_verdict_refused(stage, "Supported: outbound\nContact: <sip:b@192.0.2.4>\n", "5626-11.6.a");
    ask(stage, &bob, "Supported: outbound\nContact: <sip:b@192.0.2.4>" INSTANCE ";reg-id=1\n", "SIP/2.0 439");
}

static void test_5626_11_5_a_no_script_sends_430_to_a_user_agent(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_register(function(r) return sip_reply(430) end)\n");
    assert_verdict_refused(stage, "Contact: <sip:b@192.0.2.4>\n", "5626-11.5.a");
}

static void test_4320_4_a_no_script_sends_408_to_a_register(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_register(function(r) return sip_fail(408) end)\n");
    assert_verdict_refused(stage, "Contact: <sip:b@192.0.2.4>\n", "4320-4.a");
}

/* Strangers may register as many users as they like, and what they register stays for hours. */
static void test_bindings_have_a_limit_in_bytes(void **state)
{
    struct stage stage;
    struct peer stranger = fake_udp(5080), other = stranger;
    (void)state;
    stranger.address.v4.sin_addr.s_addr = htonl(0xC0000201);
    other.address.v4.sin_addr.s_addr = htonl(0xC0000202);
    stage_create(&stage);
    stage.config.bindings_kept = (struct holdings_limits){.bytes = 1400, .source_bytes = 700};
    stage_open(&stage);
    accepted(&stage, &stranger, "Contact: <sip:bob@192.0.2.4>\n");
    accepted(&stage, &stranger, "Contact: <sip:bob@192.0.2.5>\n");
    ask(&stage, &stranger, "Contact: <sip:bob@192.0.2.6>\n", "SIP/2.0 503 ");
    assert_int_equal(bound(&stage), 2);
    assert_int_equal(stage_count(&stage, "refused_too_many_bindings"), 1);
    /* Who is registered may register again, or be replaced; another source has its own share. */
    accepted(&stage, &stranger, "Contact: <sip:bob@192.0.2.5>\n");
    accepted(&stage, &stranger, "Contact: <sip:bob@192.0.2.5>;expires=0, <sip:bob@192.0.2.6>\n");
    accepted(&stage, &other, "Contact: <sip:bob@192.0.2.7>\n");
    accepted(&stage, &other, "Contact: <sip:bob@192.0.2.8>\n");
    assert_in_range(stage_count(&stage, "binding_bytes"), 1000, 1400);
    struct peer third = stranger;
    third.address.v4.sin_addr.s_addr = htonl(0xC0000203);
    ask(&stage, &third, "Contact: <sip:bob@192.0.2.9>\n", "SIP/2.0 503 ");
    struct peer near = fake_udp(5080); /* without a limit */
    accepted(&stage, &near, "Contact: <sip:bob@192.0.2.9>\n");
    accepted(&stage, &near, "Contact: *\nExpires: 0\n");
    assert_int_equal(stage_count(&stage, "binding_bytes"), 0);
    stage_destroy(&stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bindings_have_a_limit_in_bytes),
        TEST(test_code_2xx_register_a_contact_is_bound_and_listed),
        TEST(test_no_contact_lists_what_is_bound),
        TEST(test_5626_6_g_key_parameters_and_path_are_kept),
        TEST(test_5626_6_g_the_key_is_never_the_contact_uri),
        TEST(test_5626_6_i_registering_anew_replaces_one_binding_and_its_flow),
        TEST(test_5626_7_e_a_flow_is_the_connection_it_came_over),
        TEST(test_5626_6_f_flows_and_plain_contacts_side_by_side),
        cmocka_unit_test(test_5626_6_h_and_5626_5_4_c_require_outbound_and_flow_timer),
        TEST(test_5626_6_e_no_require_outbound_where_it_was_not_applied),
        TEST(test_5626_6_c_reg_id_without_instance_is_ignored),
        TEST(test_5626_6_d_more_than_one_contact_beside_a_reg_id),
        TEST(test_5626_6_b_and_5626_11_6_a_the_first_hop_lacks_outbound),
        TEST(test_5626_11_6_a_439_is_for_those_who_asked_for_outbound),
        TEST(test_5626_6_a_a_path_is_told_back_where_it_is_supported),
        TEST(test_5626_10_a_reg_id_out_of_range),
        TEST(test_how_long_a_binding_lasts),
        TEST(test_expired_bindings_go),
        TEST(test_code_423_too_brief),
        TEST(test_expires_0_removes_one),
        TEST(test_contact_star_removes_all),
        TEST(test_a_register_that_was_overtaken_changes_nothing),
        TEST(test_a_repeated_register_is_answered_again),
        cmocka_unit_test(test_without_memory_no_contact_is_stored),
        TEST(test_all_or_nothing),
        cmocka_unit_test(test_too_many_bindings_are_refused_whole),
        TEST(test_too_many_contacts_in_one_request),
        TEST(test_whose_bindings),
        TEST(test_a_required_extension_that_is_unknown),
        TEST(test_3261_10_3_a_equal_contacts_are_one_binding),
        TEST(test_instance_a_one_binding_for_each_instance),
        TEST(test_5626_7_f_a_dead_flow_takes_the_bindings_of_every_user),
        TEST(test_the_script_hears_of_flows),
        TEST(test_3261_10_a_a_link_local_contact_is_not_where_the_phone_is),
        TEST(test_3261_10_a_a_plain_binding_remembers_its_flow),
        TEST(test_3261_10_a_what_came_through_a_proxy_has_no_flow_of_ours),
        TEST(test_3261_10_a_what_a_plain_binding_loses_with_its_flow),
        TEST(test_3261_10_a_a_plain_binding_keeps_its_datagram_flow),
        TEST(test_the_script_hears_of_outbound_flows_alone),
        TEST(test_a_script_may_refuse),
        TEST(test_a_script_may_accept_or_say_nothing),
        TEST(test_a_script_may_drop),
        TEST(test_a_script_that_errs_leaves_the_rules),
        TEST(test_5626_11_6_a_no_script_sends_439_to_others),
        TEST(test_5626_11_5_a_no_script_sends_430_to_a_user_agent),
        TEST(test_4320_4_a_no_script_sends_408_to_a_register),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
