// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "cli/say/decide_input.h"
#include "core/code.h"
#include "standalone/log/decision_log.h"

static const char request_bytes[] = "INVITE sip:bob@example.com SIP/2.0\r\n"
                                    "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1\r\n"
                                    "Max-Forwards: 70\r\n"
                                    "From: <sip:alice@example.com>;tag=1\r\n"
                                    "To: <sip:bob@example.com>\r\n"
                                    "Call-ID: abc\"def@127.0.0.1\r\n"
                                    "CSeq: 1 INVITE\r\n"
                                    "Content-Length: 0\r\n\r\n";

struct stage {
    struct fake_host fake;
    struct sip_message *request;
    struct facts facts;
    struct state state;
    struct decision decision;
    struct decided decided;
    struct sip_buffer line;
    bool mask;
};

static void create(struct stage *stage)
{
    struct sip_fault fault;
    *stage = (struct stage){0};
    fake_host_create(&stage->fake);
    assert_int_equal(
        sip_message_new(&stage->request, &stage->fake.host, request_bytes, sizeof request_bytes - 1, NULL, &fault), 0);
    stage->facts = (struct facts){.code = SIP_FLOW_FAILED, .method = METHOD_INVITE, .has_instance = true, .reg_id = 1};
    stage->line.host = &stage->fake.host;
    stage->decided = (struct decided){.decision = &stage->decision,
                                      .facts = &stage->facts,
                                      .state = &stage->state,
                                      .request = stage->request,
                                      .aor = TEXT("sip:bob@example.com"),
                                      .target = TEXT("sip:bob@10.0.0.1:5060"),
                                      .elapsed_ms = 12};
}

static void destroy(struct stage *stage)
{
    sip_buffer_destroy(&stage->line);
    sip_message_delete(stage->request);
    assert_int_equal(stage->fake.allocated, 0);
}

/* The line, terminated; good until the next. */
static const char *write_line(struct stage *stage)
{
    stage->decision = decide(&stage->facts, &stage->state);
    sip_buffer_clear(&stage->line);
    decision_log_line(&stage->decided, 1700000000123, stage->mask, &stage->line);
    sip_append(&stage->line, (struct text){"", 1});
    assert_false(stage->line.failed);
    return stage->line.bytes;
}

static void assert_in_line(struct stage *stage, const char *part)
{
    const char *line = write_line(stage);
    if (strstr(line, part) == NULL)
        fail_msg("%s is not in %s", part, line);
}

static void assert_not_in_line(struct stage *stage, const char *part)
{
    const char *line = write_line(stage);
    if (strstr(line, part) != NULL)
        fail_msg("%s is in %s", part, line);
}

static void test_the_members_have_their_names_and_order(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage);
    stage.facts.flows_left = 1;
    stage.facts.on_flow = true;
    stage.state.branches_pending = 2;
    stage.decided.version = 3;
    stage.decided.ns = 4567;
    stage.decided.outcome = SCRIPT_VERDICT;
    stage.decided.verdict = "rest";
    stage.decided.hook = TEXT("base/10-trunks.lua:12");
    stage.decided.flow = TEXT("tcp 127.0.0.1:5060-127.0.0.1:40112 #17");
    stage.decided.instance = TEXT("<urn:uuid:1>");
    assert_string_equal(
        write_line(&stage),
        "{\"time_ms\":1700000000123,\"ms\":12,\"call\":\"abc\\\"def@127.0.0.1\",\"method\":\"INVITE\","
        "\"origin\":\"wire\",\"code\":430,\"action\":\"next_flow\",\"rule\":\"5626-7.b\","
        "\"why\":\"this flow is gone, and another flow of the instance is left\","
        "\"drop\":\"binding\",\"aor\":\"sip:bob@example.com\",\"target\":\"sip:bob@10.0.0.1:5060\","
        "\"instance\":\"<urn:uuid:1>\",\"reg_id\":1,\"flow\":\"tcp 127.0.0.1:5060-127.0.0.1:40112 #17\","
        "\"flows_left\":1,\"version\":3,\"hook\":\"base/10-trunks.lua:12\",\"verdict\":\"rest\",\"ns\":4567,"
        "\"facts\":{\"code\":430,\"method\":\"INVITE\",\"reg_id\":1,\"flows_left\":1,\"on_flow\":true,"
        "\"has_instance\":true,\"branches_pending\":2}}\n");
    destroy(&stage);
}

static void test_a_hook_is_named_where_one_spoke_or_failed(void **unused)
{
    static const struct {
        enum script_outcome outcome;
        const char *expected;
    } rows[] = {{SCRIPT_NO_HOOK, NULL},
                {SCRIPT_DEFAULT, NULL},
                {SCRIPT_VERDICT, ",\"hook\":\"response\","},
                {SCRIPT_ERROR, ",\"hook\":\"response\",\"outcome\":\"error\","},
                {SCRIPT_OVERRUN, ",\"hook\":\"response\",\"outcome\":\"overrun\","},
                {SCRIPT_MEMORY, ",\"hook\":\"response\",\"outcome\":\"memory\","}};
    struct stage stage;
    (void)unused;
    create(&stage);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        stage.decided.outcome = rows[i].outcome;
        if (rows[i].expected != NULL)
            assert_in_line(&stage, rows[i].expected);
        else
            assert_not_in_line(&stage, "\"hook\"");
    }
    destroy(&stage);
}

static void test_the_guardrail_that_refused_is_named(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage);
    stage.decided.outcome = SCRIPT_VERDICT;
    stage.decided.refused = RULE_5626_7_C;
    assert_in_line(&stage, ",\"refused\":\"5626-7.c\"");
    assert_not_in_line(&stage, "\"verdict\"");
    destroy(&stage);
}

/* Every option of `reflow decide`, with a value of its own, comes back by its name. */
static void test_every_fact_is_named_as_in_decide(void **unused)
{
    struct stage stage;
    struct decide_input input;
    size_t count;
    (void)unused;
    create(&stage);
    const struct option *options = decide_options(&count);
    for (size_t i = 0; i < count; i++) {
        char expected[96], name[64];
        const char *value = decide_limit(i) != 0 ? "7" : NULL;
        enum decide_kind kind = decide_member_at(i)->kind;
        if (kind == KIND_METHOD)
            value = "MESSAGE";
        else if (kind == KIND_ROLE)
            value = "edge";
        else if (kind == KIND_ORIGIN)
            value = "flow_down";
        input = (struct decide_input){0};
        assert_true(decide_set(&input, i, value));
        stage.facts = input.facts;
        stage.state = input.state;
        snprintf(name, sizeof name, "%s", options[i].name);
        for (char *at = name; *at != '\0'; at++)
            *at = *at == '-' ? '_' : *at;
        const char *quote = kind >= KIND_METHOD ? "\"" : "";
        snprintf(expected, sizeof expected, "\"%s\":%s%s%s", name, quote, value != NULL ? value : "true", quote);
        const char *facts = strstr(write_line(&stage), ",\"facts\":{");
        assert_non_null(facts);
        if (strstr(facts, expected) == NULL)
            fail_msg("%s is not in %s", expected, facts);
    }
    destroy(&stage);
}

static void test_what_is_zero_is_left_out_of_the_facts(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage);
    stage.facts = (struct facts){.code = SIP_OK};
    assert_in_line(&stage, ",\"facts\":{\"code\":200}}\n");
    stage.decided.state = NULL;
    assert_in_line(&stage, ",\"facts\":{\"code\":200}}\n");
    destroy(&stage);
}

static void test_numbers_are_masked_on_request(void **unused)
{
    static const struct {
        const char *uri, *masked;
    } rows[] = {{"sip:+15551230000@example.com", "sip:+15****00@example.com"},
                {"sip:15551230000@example.com;user=phone", "sip:15****00@example.com;user=phone"},
                {"sips:+1-555-123-0000;phone-context=x@h", "sips:+1-****00;phone-context=x@h"},
                {"tel:+15551230000", "tel:+15****00"},
                {"tel:5551230;phone-context=+1", "tel:55****30;phone-context=+1"},
                {"sip:%2B15551230000@h", "sip:%2B15****00@h"},
                {"sip:1001@example.com", "sip:****@example.com"},
                {"sip:+1001@example.com", "sip:****@example.com"},
                {"sip:1234567:secret@h", "sip:12****67:secret@h"},
                {"sip:bob@example.com", "sip:bob@example.com"},
                {"sip:bob123@10.0.0.1:5060", "sip:bob123@10.0.0.1:5060"},
                {"sip:10.0.0.1:5060", "sip:10.0.0.1:5060"},
                {"sip:example.com", "sip:example.com"},
                {"sip:+@h", "sip:+@h"},
                {"nonsense", "nonsense"}};
    struct stage stage;
    char expected[200];
    (void)unused;
    create(&stage);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        stage.decided.aor = stage.decided.target = text_of(rows[i].uri);
        stage.mask = false;
        snprintf(expected, sizeof expected, ",\"aor\":\"%s\",\"target\":\"%s\"", rows[i].uri, rows[i].uri);
        assert_in_line(&stage, expected);
        stage.mask = true;
        snprintf(expected, sizeof expected, ",\"aor\":\"%s\",\"target\":\"%s\"", rows[i].masked, rows[i].masked);
        assert_in_line(&stage, expected);
    }
    destroy(&stage);
}

static void test_a_line_is_one_line_and_plain(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage);
    stage.decided.flow = TEXT("a\nb\x01\xff\"\\");
    const char *line = write_line(&stage);
    assert_int_equal(strchr(line, '\n') - line, strlen(line) - 1);
    assert_in_line(&stage, "\"flow\":\"a\\u000ab\\u0001\\ufffd\\\"\\\\\"");
    stage.decided.flow = TEXT("j\xc3\xbcrgen");
    assert_in_line(&stage, "\"flow\":\"j\xc3\xbcrgen\"");
    destroy(&stage);
}

static void test_memory_short_is_told_by_the_buffer(void **unused)
{
    struct stage stage;
    (void)unused;
    create(&stage);
    stage.fake.fail_after = stage.fake.calls + 1;
    decision_log_line(&stage.decided, 1, false, &stage.line);
    assert_true(stage.line.failed);
    destroy(&stage);
}

/* Who calls chooses the texts, and how long they are. */
static void test_long_values_are_cut(void **state)
{
    struct stage stage;
    char long_text[5000];
    (void)state;
    create(&stage);
    memset(long_text, '"', sizeof long_text);
    stage.decided.aor = (struct text){long_text, sizeof long_text};
    stage.decided.target = (struct text){long_text, 1024};
    const char *line = write_line(&stage);
    assert_non_null(strstr(line, "\\\"...\""));
    assert_true(strlen(line) > 4096 && strlen(line) < 5500);
    assert_null(strstr(strstr(line, "...") + 3, "..."));
    for (size_t i = 1; i < sizeof long_text; i += 2)
        memcpy(long_text + i, "\xc3\xbc", i + 1 < sizeof long_text ? 2 : 1);
    stage.decided.target = TEXT("");
    line = write_line(&stage);
    assert_non_null(strstr(line, "\xc3\xbc...\"")); /* no half of a character */
    assert_null(strstr(line, "fffd"));
    destroy(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_members_have_their_names_and_order),
        cmocka_unit_test(test_a_hook_is_named_where_one_spoke_or_failed),
        cmocka_unit_test(test_the_guardrail_that_refused_is_named),
        cmocka_unit_test(test_every_fact_is_named_as_in_decide),
        cmocka_unit_test(test_what_is_zero_is_left_out_of_the_facts),
        cmocka_unit_test(test_numbers_are_masked_on_request),
        cmocka_unit_test(test_a_line_is_one_line_and_plain),
        cmocka_unit_test(test_memory_short_is_told_by_the_buffer),
        cmocka_unit_test(test_long_values_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
