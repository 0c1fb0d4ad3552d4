// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <unistd.h>

/* The server as an edge proxy: user agents on the one side, a registrar at 127.0.0.1:6060 on the other. */

enum { REGISTRAR = 6060 };

#define TO_REGISTRAR "return sip_forward('sip:127.0.0.1:6060')"

static const char edge_script[] = "sip_on_request(function() " TO_REGISTRAR " end)\n";

static int edge_setup(void **state)
{
    struct stage *stage = stage_begin(state);
    stage->config.domains = NULL;
    stage->config.flow_timer = 120;
    stage_open(stage);
    stage_script(stage, edge_script);
    return 0;
}

static const char contact[] = "Contact: <sip:bob@127.0.0.1:5080;ob>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"
                              "Supported: path, outbound\n";

static struct sent *registers(struct stage *stage, const struct peer *phone)
{
    stage_request(stage, phone,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = "bob",
                                   .call = phone->transport == TRANSPORT_TCP ? "reg-tcp" : "reg-udp",
                                   .fields = contact});
    return stage_sent_to(stage, "REGISTER", REGISTRAR);
}

/* "<sip:TOKEN@127.0.0.1:5060;lr;ob>" */
static void path_of(struct sent *request, char *out, size_t size)
{
    assert_int_equal(sent_count(request, "Path"), 1);
    snprintf(out, size, "%s", sent_header(request, "Path", 0));
}

static void registrar_calls(struct stage *stage, const char *path, struct peer *registrar)
{
    char fields[512];
    *registrar = fake_udp(REGISTRAR);
    snprintf(fields, sizeof fields, "Route: %s\nContact: <sip:alice@192.0.2.9;ob>\n", path);
    stage_request(stage, registrar,
                  (struct request){.uri = "sip:bob@127.0.0.1:5080;ob",
                                   .fields = fields,
                                   .branch = "z9hG4bK-registrar\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK-alice"});
}

static void test_5626_5_1_a_the_first_hop_adds_path_with_token_and_ob(void **state)
{
    struct stage *stage = *state;
    struct peer phones[] = {fake_udp(5080), fake_tcp(&stage->wire, 5081)};
    for (size_t i = 0; i < 2; i++) {
        char path[256];
        struct sent *request = registers(stage, &phones[i]);
        path_of(request, path, sizeof path);
        assert_non_null(strstr(path, ";ob>"));
        assert_non_null(strstr(path, ";lr"));
        assert_int_equal(strcspn(path + 5, "@"), 56);
        /* The registrar is behind UDP, whatever the user agent speaks. */
        assert_null(strstr(path, ";transport="));
    }
}

/* A strict router makes of our Route value the Request-URI, and the target its last Route (16.4). */
static void test_3261_16_4_a_strict_router_brings_the_token_in_the_request_uri(void **state)
{
    struct stage *stage = *state;
    struct peer phone = fake_tcp(&stage->wire, 5081), strict = fake_udp(5099);
    char path[256];
    path_of(registers(stage, &phone), path, sizeof path);
    char *uri = path + 1;
    uri[strcspn(uri, ">")] = '\0';
    stage_request(stage, &strict,
                  (struct request){.method = "OPTIONS", .uri = uri, .fields = "Route: <sip:bob@127.0.0.1:5081>\n"});
    struct sent *request = stage_sent_to(stage, "OPTIONS", 5081);
    assert_non_null(request);
    assert_non_null(strstr(request->bytes, "OPTIONS sip:bob@127.0.0.1:5081 SIP/2.0"));
    assert_int_equal(sent_count(request, "Route"), 0);
}

static void test_5626_5_1_b_a_later_hop_never_says_ob(void **state)
{
    struct stage *stage = *state;
    struct peer proxy = fake_udp(5099);
    char path[256];
    stage_request(stage, &proxy,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .branch = "z9hG4bK-2\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK-1",
                                   .fields = contact});
    struct sent *request = stage_sent_to(stage, "REGISTER", REGISTRAR);
    path_of(request, path, sizeof path);
    assert_null(strstr(path, ";ob"));
    assert_null(strchr(path, '@'));
}

static void test_5626_5_3_a_a_request_with_another_s_token_goes_over_its_flow(void **state)
{
    struct stage *stage = *state;
    struct peer phones[] = {fake_udp(5080), fake_tcp(&stage->wire, 5081)};
    for (size_t i = 0; i < 2; i++) {
        char path[256];
        struct peer registrar;
        path_of(registers(stage, &phones[i]), path, sizeof path);
        registrar_calls(stage, path, &registrar);
        stage_status(stage, &registrar, 100);
        struct sent *invite = stage_sent(stage, "INVITE");
        assert_int_equal(invite->peer.transport, phones[i].transport);
        assert_int_equal(address_port(&invite->peer.address), address_port(&phones[i].address));
        assert_int_equal(invite->peer.connection, phones[i].connection);
        assert_int_equal(sent_count(invite, "Route"), 0);
        assert_true(sent_starts(invite, "INVITE sip:bob@127.0.0.1:5080;ob SIP/2.0"));
        stage_response(stage, invite, 200, "Contact: <sip:bob@127.0.0.1:5080;ob>\n");
        stage_status(stage, &registrar, 200);
        stage_advance(stage, 64000);
        stage_discard(stage);
    }
}

static void test_5626_5_3_a_its_own_token_lets_a_request_out(void **state)
{
    struct stage *stage = *state;
    struct peer phone = fake_udp(5080);
    char path[256], fields[320];
    path_of(registers(stage, &phone), path, sizeof path);
    snprintf(fields, sizeof fields, "Route: %s\nContact: <sip:bob@127.0.0.1:5080;ob>\n", path);
    stage_request(stage, &phone, (struct request){.uri = "sip:alice@example.com", .from = "bob", .fields = fields});
    stage_status(stage, &phone, 100);
    struct sent *invite = stage_sent_to(stage, "INVITE", REGISTRAR);
    assert_int_equal(sent_count(invite, "Route"), 0);
    assert_true(sent_starts(invite, "INVITE sip:alice@example.com SIP/2.0"));
}

static void test_5626_5_3_b_a_token_that_was_tampered_with_is_forbidden(void **state)
{
    struct stage *stage = *state;
    struct peer phone = fake_udp(5080), registrar;
    char path[256], forged[256];
    path_of(registers(stage, &phone), path, sizeof path);
    for (size_t at = 5; path[at] != '@'; at += 7) {
        memcpy(forged, path, sizeof forged);
        forged[at] = forged[at] == 'A' ? 'B' : 'A';
        registrar_calls(stage, forged, &registrar);
        stage_status(stage, &registrar, 100);
        stage_status(stage, &registrar, 403);
        stage_silent(stage);
        stage_advance(stage, 64000);
        stage_discard(stage);
    }
    snprintf(forged, sizeof forged, "<sip:short@127.0.0.1:5060;lr;ob>");
    registrar_calls(stage, forged, &registrar);
    stage_status(stage, &registrar, 100);
    stage_status(stage, &registrar, 403);
    assert_true(stage_count(stage, "tokens_forged") > 1);
}

static void test_5626_5_3_c_a_flow_that_is_gone_is_told_at_once(void **state)
{
    struct stage *stage = *state;
    struct peer phone = fake_tcp(&stage->wire, 5081), registrar;
    char path[256];
    path_of(registers(stage, &phone), path, sizeof path);
    stage_flow_dies(stage, &phone);
    registrar_calls(stage, path, &registrar);
    stage_status(stage, &registrar, 100);
    stage_status(stage, &registrar, 430);
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "tokens_gone"), 1);
}

static void test_5626_5_3_c_a_flow_that_dies_under_a_request_is_told_at_once(void **state)
{
    struct stage *stage = *state;
    struct peer phone = fake_tcp(&stage->wire, 5081), registrar;
    char path[256];
    path_of(registers(stage, &phone), path, sizeof path);
    registrar_calls(stage, path, &registrar);
    stage_status(stage, &registrar, 100);
    stage_sent(stage, "INVITE");
    stage_flow_dies(stage, &phone);
    stage_advance(stage, 0);
    stage_status(stage, &registrar, 430);
}

static void test_5626_5_3_d_later_requests_keep_to_the_flow(void **state)
{
    struct stage *stage = *state;
    struct peer phone = fake_tcp(&stage->wire, 5081), registrar;
    char path[256], fields[700];
    path_of(registers(stage, &phone), path, sizeof path);
    registrar_calls(stage, path, &registrar);
    stage_status(stage, &registrar, 100);
    struct sent *invite = stage_sent(stage, "INVITE");
    assert_int_equal(sent_count(invite, "Record-Route"), 1);
    stage_response(stage, invite, 200, "Contact: <sip:bob@127.0.0.1:5080;ob>\n");
    snprintf(fields, sizeof fields, "Route: %s\n",
             sent_header(stage_status(stage, &registrar, 200), "Record-Route", 0));
    for (int i = 0; i < 2; i++) {
        stage_request(stage, &registrar,
                      (struct request){.method = i == 0 ? "ACK" : "BYE",
                                       .uri = "sip:bob@127.0.0.1:5080;ob",
                                       .to_tag = "t",
                                       .cseq = (unsigned)i + 1,
                                       .fields = fields});
        struct sent *sent = stage_sent(stage, i == 0 ? "ACK" : "BYE");
        assert_int_equal(sent->peer.connection, phone.connection);
        assert_int_equal(sent_count(sent, "Route"), 0);
    }
}

static void test_5626_5_3_e_a_dialog_that_the_user_agent_began_comes_back_over_its_flow(void **state)
{
    struct stage *stage = *state;
    struct peer phone = fake_tcp(&stage->wire, 5081), registrar = fake_udp(REGISTRAR);
    char fields[700];
    stage_request(stage, &phone,
                  (struct request){.uri = "sip:alice@example.com",
                                   .from = "bob",
                                   .fields = "Contact: <sip:bob@127.0.0.1:5080;ob>\n"});
    stage_status(stage, &phone, 100);
    struct sent *invite = stage_sent_to(stage, "INVITE", REGISTRAR);
    assert_true(sent_count(invite, "Record-Route") > 0);
    snprintf(fields, sizeof fields, "Route: %s\n", sent_header(invite, "Record-Route", 0));
    stage_response(stage, invite, 200, "Contact: <sip:alice@192.0.2.9>\n");
    stage_status(stage, &phone, 200);
    stage_request(
        stage, &registrar,
        (struct request){.method = "BYE", .uri = "sip:bob@127.0.0.1:5080;ob", .to_tag = "t", .fields = fields});
    assert_int_equal(stage_sent(stage, "BYE")->peer.connection, phone.connection);
}

static void test_5626_5_4_c_flow_timer_goes_along_where_outbound_was_applied(void **state)
{
    struct stage *stage = *state;
    struct peer phone = fake_udp(5080);
    stage_response(stage, registers(stage, &phone), 200, "Require: outbound\nFlow-Timer: 7\n");
    struct sent *answer = stage_status(stage, &phone, 200);
    assert_int_equal(sent_count(answer, "Flow-Timer"), 1);
    assert_string_equal(sent_header(answer, "Flow-Timer", 0), "120");
    struct peer plain = fake_tcp(&stage->wire, 5082);
    stage_response(stage, registers(stage, &plain), 200, "");
    answer = stage_status(stage, &plain, 200);
    assert_int_equal(sent_count(answer, "Flow-Timer"), 0);
}

/* --- restarts --- */

/* Where the phone is, where the edge listens before and after a restart, and whether the flow is still there. */
struct restart {
    struct text phone;
    struct listener before, after[3];
    bool found;
};

static const struct listener registrar_side = {TRANSPORT_UDP, 5099, "127.0.0.1"};

static struct peer phone_at(struct text host)
{
    struct peer phone = {.transport = TRANSPORT_UDP};
    assert_true(address_read(host, 5080, &phone.address));
    return phone;
}

static void edge_open(struct stage *edge, struct token_keys *keys, uint32_t seed, const struct listener listeners[3])
{
    stage_create(edge);
    edge->config.domains = NULL;
    edge->config.token_keys = keys;
    edge->config.listener_count = 0;
    edge->config.listeners[edge->config.listener_count++] = registrar_side;
    for (size_t i = 0; i < 3 && listeners[i].port != 0; i++)
        edge->config.listeners[edge->config.listener_count++] = listeners[i];
    edge->fake.seed = seed;
    stage_open(edge);
    stage_script(edge, edge_script);
}

static void open_keys(struct token_keys **keys, const struct host *host, const char *path)
{
    char error[320];
    if (token_keys_open(keys, host, path, error, sizeof error) != 0)
        fail_msg("%s", error);
}

/* The registrar calls with this Path; the phone is rung over the listener that has its flow, or the registrar learns
   that the flow is gone. */
static void assert_called(struct stage *edge, const char *path, const struct peer *phone, bool found)
{
    struct peer registrar;
    registrar_calls(edge, path, &registrar);
    stage_status(edge, &registrar, 100);
    if (!found) {
        stage_status(edge, &registrar, 430);
        assert_int_equal(stage_count(edge, "tokens_gone"), 1);
        assert_int_equal(stage_count(edge, "tokens_forged"), 0);
        return;
    }
    struct sent *invite = stage_sent(edge, "INVITE");
    assert_true(address_equal(&invite->peer.address, &phone->address));
    assert_int_equal(invite->peer.transport, TRANSPORT_UDP);
    assert_int_equal(invite->peer.listener, edge->config.listener_count - 1);
    stage_response(edge, invite, 486, "");
    stage_discard(edge);
}

/* The Path of the phone's REGISTER, which leads to the listener that no restart moves. */
static void register_for_path(struct stage *edge, const struct peer *phone, char *path, size_t size)
{
    char own[256];
    path_of(registers(edge, phone), own, sizeof own);
    snprintf(path, size, "%.*s@127.0.0.1:5099;lr;ob>", (int)strcspn(own, "@"), own);
}

/* A request with the token of its own flow goes out, also if the token is of an earlier run. */
static void assert_let_out(struct stage *edge, const char *path, const struct peer *phone)
{
    char fields[320];
    struct peer from = *phone;
    from.listener = (uint8_t)(edge->config.listener_count - 1);
    snprintf(fields, sizeof fields, "Route: %s\nContact: <sip:bob@127.0.0.1:5080;ob>\n", path);
    stage_request(edge, &from,
                  (struct request){.uri = "sip:alice@example.com", .from = "bob", .call = "out", .fields = fields});
    stage_status(edge, &from, 100);
    stage_sent_to(edge, "INVITE", REGISTRAR);
}

static void assert_restart(const struct restart *restart)
{
    const struct listener before[3] = {restart->before};
    struct fake_host fake;
    struct token_keys *keys;
    struct stage edge;
    char path[256];
    struct peer phone = phone_at(restart->phone);
    fake_host_create(&fake);
    open_keys(&keys, &fake.host, NULL);
    edge_open(&edge, keys, 77, before);
    phone.listener = 1;
    register_for_path(&edge, &phone, path, sizeof path);
    stage_destroy(&edge);
    edge_open(&edge, keys, 78, restart->after);
    assert_called(&edge, path, &phone, restart->found);
    if (restart->found)
        assert_let_out(&edge, path, &phone);
    stage_destroy(&edge);
    token_keys_close(keys);
}

#define UDP(host, port)                                                                                                \
    {                                                                                                                  \
        TRANSPORT_UDP, port, host                                                                                      \
    }
#define TCP(host, port)                                                                                                \
    {                                                                                                                  \
        TRANSPORT_TCP, port, host                                                                                      \
    }

static void test_5626_5_2_b_a_datagram_flow_outlives_the_run(void **state)
{
    static const struct restart restarts[] = {
        {TEXT("127.0.0.1"), UDP("127.0.0.1", 5060), {UDP("127.0.0.1", 5060)}, true},
        {TEXT("::1"), UDP("[::1]", 5060), {UDP("[::1]", 5060)}, true},
        /* The listener has another place. */
        {TEXT("127.0.0.1"), UDP("127.0.0.1", 5060), {TCP("127.0.0.1", 5060), UDP("127.0.0.1", 5060)}, true},
        {TEXT("::1"), UDP("[::1]", 5060), {UDP("[::1]", 5062), UDP("127.0.0.1", 5060), UDP("[::1]", 5060)}, true},
        /* A wildcard takes what is sent to any address. */
        {TEXT("127.0.0.1"), UDP("127.0.0.1", 5060), {UDP("0.0.0.0", 5060)}, true},
        {TEXT("127.0.0.1"), UDP("0.0.0.0", 5060), {UDP("0.0.0.0", 5060)}, true},
        {TEXT("::1"), UDP("[::1]", 5060), {UDP("0.0.0.0", 5060), UDP("[::]", 5060)}, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof restarts / sizeof restarts[0]; i++)
        assert_restart(&restarts[i]);
}

static void test_5626_5_2_b_a_datagram_flow_is_gone_with_its_listener(void **state)
{
    static const struct restart restarts[] = {
        {TEXT("127.0.0.1"), UDP("127.0.0.1", 5060), {TCP("127.0.0.1", 5060)}, false},
        {TEXT("127.0.0.1"), UDP("127.0.0.1", 5060), {UDP("127.0.0.1", 5062)}, false},
        {TEXT("127.0.0.1"), UDP("127.0.0.1", 5060), {UDP("127.0.0.2", 5060)}, false},
        {TEXT("127.0.0.1"), UDP("127.0.0.1", 5060), {UDP("0.0.0.0", 5062), UDP("[::]", 5060)}, false},
        {TEXT("::1"), UDP("[::1]", 5060), {UDP("0.0.0.0", 5060)}, false},
        {TEXT("::1"), UDP("[::1]", 5060), {UDP("[2001:db8::1]", 5060)}, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof restarts / sizeof restarts[0]; i++)
        assert_restart(&restarts[i]);
}

/* Another connection has the number, the addresses and the ports of the one that is gone. */
static void test_5626_5_2_b_a_stream_flow_ends_with_the_run(void **state)
{
    static const struct listener listeners[3] = {TCP("127.0.0.1", 5060)};
    struct token_keys *keys;
    struct stage edge;
    struct peer phone = {0};
    char path[256];
    open_keys(&keys, &((struct stage *)*state)->fake.host, NULL);
    for (uint32_t run = 0; run < 2; run++) {
        edge_open(&edge, keys, 77 + run, listeners);
        flow_id before = phone.connection;
        phone = fake_tcp(&edge.wire, 5081);
        phone.listener = 1;
        if (run == 0) {
            register_for_path(&edge, &phone, path, sizeof path);
        } else {
            assert_int_equal(phone.connection, before);
            assert_called(&edge, path, &phone, false);
        }
        stage_destroy(&edge);
    }
    token_keys_close(keys);
}

/* --- upgrades --- */

#define STATE_1 "tests/data/upgrade/state-1/"

/* git does not keep the mode that keys must have. */
static void copy_keys(char path[256])
{
    char bytes[512];
    FILE *from = fopen(STATE_1 "state.db.keys", "rb");
    assert_non_null(from);
    size_t length = fread(bytes, 1, sizeof bytes, from);
    fclose(from);
    temporary_path(path, 256, "reflow-edge-keys-XXXXXX");
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, length), length);
    assert_int_equal(close(file), 0);
}

/* "udp TOKEN" */
static void old_path(const char *kind, char *path, size_t size)
{
    char word[16], token[128];
    FILE *tokens = fopen(STATE_1 "tokens", "rb");
    assert_non_null(tokens);
    path[0] = '\0';
    while (fscanf(tokens, "%15s %127s", word, token) == 2) {
        if (strcmp(word, kind) == 0)
            snprintf(path, size, "<sip:%s@127.0.0.1:5099;lr;ob>", token);
    }
    fclose(tokens);
    assert_string_not_equal(path, "");
}

static void test_5626_5_2_b_tokens_of_an_earlier_version_lead_to_their_flows(void **state)
{
    static const struct {
        const char *kind;
        struct text phone;
        struct listener listener;
        bool found;
    } tokens[] = {{"udp", TEXT("127.63.55.2"), UDP("127.63.55.1", 25063), true},
                  {"udp6", TEXT("::1"), UDP("[::1]", 25063), true},
                  {"tcp", TEXT("127.0.0.1"), TCP("127.63.55.1", 25063), false}};
    struct token_keys *keys;
    char keys_path[256], path[256];
    copy_keys(keys_path);
    open_keys(&keys, &((struct stage *)*state)->fake.host, keys_path);
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        const struct listener listeners[3] = {tokens[i].listener};
        struct stage edge;
        struct peer phone = {.transport = TRANSPORT_UDP};
        assert_true(address_read(tokens[i].phone, 25064, &phone.address));
        old_path(tokens[i].kind, path, sizeof path);
        edge_open(&edge, keys, 79, listeners);
        assert_called(&edge, path, &phone, tokens[i].found);
        stage_destroy(&edge);
    }
    token_keys_close(keys);
    unlink(keys_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, edge_setup, stage_teardown)
        TEST(test_5626_5_1_a_the_first_hop_adds_path_with_token_and_ob),
        TEST(test_3261_16_4_a_strict_router_brings_the_token_in_the_request_uri),
        TEST(test_5626_5_1_b_a_later_hop_never_says_ob),
        TEST(test_5626_5_3_a_a_request_with_another_s_token_goes_over_its_flow),
        TEST(test_5626_5_3_a_its_own_token_lets_a_request_out),
        TEST(test_5626_5_3_b_a_token_that_was_tampered_with_is_forbidden),
        TEST(test_5626_5_3_c_a_flow_that_is_gone_is_told_at_once),
        TEST(test_5626_5_3_c_a_flow_that_dies_under_a_request_is_told_at_once),
        TEST(test_5626_5_2_b_a_datagram_flow_outlives_the_run),
        TEST(test_5626_5_2_b_a_datagram_flow_is_gone_with_its_listener),
        TEST(test_5626_5_2_b_a_stream_flow_ends_with_the_run),
        TEST(test_5626_5_2_b_tokens_of_an_earlier_version_lead_to_their_flows),
        TEST(test_5626_5_3_d_later_requests_keep_to_the_flow),
        TEST(test_5626_5_3_e_a_dialog_that_the_user_agent_began_comes_back_over_its_flow),
        TEST(test_5626_5_4_c_flow_timer_goes_along_where_outbound_was_applied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
