// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "cli/cli.h"

struct run {
    int status;
    char *out, *err;
    size_t out_length, err_length;
};

/* `reflow decide ...` with a file of these bytes as its standard input. */
static struct run decide_run(const char *input, size_t length, const char *const *arguments)
{
    struct run run = {0};
    char *argv[16] = {"reflow", "decide"};
    int argc = 2;
    for (; arguments != NULL && arguments[argc - 2] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)arguments[argc - 2];
    struct cli cli = {.in = tmpfile(),
                      .out = open_memstream(&run.out, &run.out_length),
                      .err = open_memstream(&run.err, &run.err_length)};
    assert_true(cli.in != NULL && cli.out != NULL && cli.err != NULL);
    assert_int_equal(fwrite(input, 1, length, cli.in), length);
    rewind(cli.in);
    run.status = cli_run(&cli, argc, argv);
    fclose(cli.in);
    fclose(cli.out);
    fclose(cli.err);
    return run;
}

static void run_destroy(struct run *run)
{
    free(run->out);
    free(run->err);
}

#define OPTIONS(...)                                                                                                   \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }

static void assert_decides(const char *input, const char *const *arguments, const char *part)
{
    struct run run = decide_run(input, strlen(input), arguments);
    assert_string_equal(run.err, "");
    assert_int_equal(run.status, CLI_OK);
    if (strstr(run.out, part) == NULL)
        fail_msg("'%s' is not in: %s", part, run.out);
    run_destroy(&run);
}

static void assert_refused(const char *input, size_t length, const char *const *arguments, const char *told)
{
    struct run run = decide_run(input, length, arguments);
    assert_int_equal(run.status, CLI_USAGE);
    assert_string_equal(run.out, "");
    if (strncmp(run.err, told, strlen(told)) != 0)
        fail_msg("not '%s' but: %s", told, run.err);
    assert_ptr_equal(strchr(run.err, '\n'), run.err + run.err_length - 1);
    run_destroy(&run);
}

#define RESPONSE(code, method)                                                                                         \
    "SIP/2.0 " code " Whatever\r\n"                                                                                    \
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"                                                                   \
    "From: <sip:alice@example.com>;tag=1\r\n"                                                                          \
    "To: <sip:bob@example.com>;tag=2\r\n"                                                                              \
    "Call-ID: a@example.com\r\n"                                                                                       \
    "CSeq: 7 " method "\r\n"

static void test_5626_7_b_a_decision_is_readable(void **unused)
{
    (void)unused;
    assert_decides("", OPTIONS("430", "--on-flow", "--has-instance", "--flows-left", "1"),
                   "430 Flow Failed\n"
                   "  given     INVITE, proxy, flows-left 1, on-flow, has-instance\n"
                   "  action    next_flow\n"
                   "  drop      binding\n");
    assert_decides("", OPTIONS("430", "--on-flow", "--has-instance", "--flows-left=1"), "\n  rule      5626-7.b");
    assert_decides("", OPTIONS("430", "--on-flow", "--has-instance"), "\n  status    480 Temporarily Unavailable\n");
}

static void test_a_decision_as_json(void **unused)
{
    (void)unused;
    assert_decides("", OPTIONS("491", "--role", "uac", "--owns-call-id", "--in-dialog", "--json"),
                   "{\n  \"given\": {\"code\": 491, \"method\": \"INVITE\", \"role\": \"uac\", \"origin\": \"wire\", "
                   "\"in_dialog\": true, \"owns_call_id\": true},\n"
                   "  \"code\": 491,\n"
                   "  \"action\": \"retry\",\n");
    assert_decides("", OPTIONS("491", "--role", "uac", "--owns-call-id", "--in-dialog", "--json"),
                   "\"wait_min_ms\": 2100,\n  \"wait_max_ms\": 4000,\n");
}

static void test_no_response_needs_no_code(void **unused)
{
    (void)unused;
    assert_decides("", OPTIONS("--origin", "timeout"), "No response\n");
    assert_decides("", OPTIONS("--origin", "timeout"), "\n  acts as   408 Request Timeout\n");
    assert_decides("", OPTIONS("--origin", "transport"), "\n  acts as   503 Service Unavailable\n");
}

static void test_a_code_out_of_range_is_absorbed(void **unused)
{
    (void)unused;
    assert_decides("", OPTIONS("99"), "99: no SIP status code\n");
    assert_decides("", OPTIONS("4294967295"), "\n  action    absorb\n");
}

static void test_a_response_on_standard_input(void **unused)
{
    (void)unused;
    assert_decides(RESPONSE("503", "INVITE") "Retry-After: 30 (soon)\r\n\r\n", NULL, "\n  rest      30 s\n");
    assert_decides(RESPONSE("423", "REGISTER") "Min-Expires: 1800\r\n\r\n", OPTIONS("--role", "uac"),
                   "\n  value     1800 s\n");
    assert_decides(RESPONSE("503", "INVITE") "Retry-After: 30\r\n\r\n", OPTIONS("--retry-after", "90"),
                   "\n  rest      90 s\n");
}

static void test_a_response_with_bare_line_feeds(void **unused)
{
    static const char *const forms[] = {
        "SIP/2.0 486 Busy Here\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\nFrom: <sip:a@example.com>;tag=1\n"
        "To: <sip:b@example.com>;tag=2\nCall-ID: a\nCSeq: 1 INVITE",
        "SIP/2.0 486 Busy Here\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\nFrom: <sip:a@example.com>;tag=1\n"
        "To: <sip:b@example.com>;tag=2\nCall-ID: a\nCSeq: 1 INVITE\n",
        "SIP/2.0 486 Busy Here\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\nFrom: <sip:a@example.com>;tag=1\n"
        "To: <sip:b@example.com>;tag=2\nCall-ID: a\nCSeq: 1 INVITE\n\n"};
    (void)unused;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        assert_decides(forms[i], NULL, "486 Busy Here\n");
}

static void test_bad_input_is_told_in_one_line(void **unused)
{
    static char huge[200000];
    static const char request[] = "INVITE sip:bob@example.com SIP/2.0\r\n"
                                  "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"
                                  "Max-Forwards: 70\r\n"
                                  "From: <sip:alice@example.com>;tag=1\r\n"
                                  "To: <sip:bob@example.com>\r\n"
                                  "Call-ID: a@example.com\r\n"
                                  "CSeq: 7 INVITE\r\n\r\n";
    static const char overflow[] = RESPONSE("4294967782", "INVITE") "\r\n";
    (void)unused;
    memset(huge, 'x', sizeof huge);
    assert_refused("", 0, NULL, "reflow decide: standard input is empty");
    assert_refused("nonsense", 8, NULL, "reflow decide: standard input, byte ");
    assert_refused(huge, sizeof huge, NULL, "reflow decide: standard input, byte ");
    assert_refused(overflow, sizeof overflow - 1, NULL, "reflow decide: standard input, byte ");
    assert_refused(request, sizeof request - 1, NULL, "reflow decide: standard input: a request, not a response");
}

static void test_bad_options_are_told_in_one_line(void **unused)
{
    (void)unused;
    assert_refused("", 0, OPTIONS("486", "487"), "reflow decide: '487' is one argument too many");
    assert_refused("", 0, OPTIONS("486", "--flows-left", "65536"),
                   "reflow decide: --flows-left: '65536' is not a number from 0 to 65535");
    assert_refused("", 0, OPTIONS("486", "--role", "b2bua"), "reflow decide: --role: 'b2bua' does not fit");
    assert_refused("", 0, OPTIONS("486", "--method", "in vite"), "reflow decide: --method: 'in vite' does not fit");
    assert_refused("", 0, OPTIONS("486", "--unwanted=1"), "reflow decide: no value belongs to option");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_5626_7_b_a_decision_is_readable), cmocka_unit_test(test_a_decision_as_json),
        cmocka_unit_test(test_no_response_needs_no_code),       cmocka_unit_test(test_a_code_out_of_range_is_absorbed),
        cmocka_unit_test(test_a_response_on_standard_input),    cmocka_unit_test(test_a_response_with_bare_line_feeds),
        cmocka_unit_test(test_bad_input_is_told_in_one_line),   cmocka_unit_test(test_bad_options_are_told_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
