// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "cli/cli.h"
#include "base/plain_host.h"
#include "core/code.h"
#include "core/rule.h"
#include "test_data.h"

/* A run of the command line in this process, with what it wrote. */
struct run {
    int status;
    char *out, *err;
    size_t out_length, err_length;
};

static struct run run_with(const char *input, size_t length, int argc, const char *const *arguments)
{
    struct run run = {0};
    char *argv[16];
    char empty = '\0';
    struct cli cli = {.in = length > 0 ? fmemopen((void *)(uintptr_t)input, length, "r") : fmemopen(&empty, 1, "r"),
                      .out = open_memstream(&run.out, &run.out_length),
                      .err = open_memstream(&run.err, &run.err_length)};
    assert_true(argc < 16 && cli.in != NULL && cli.out != NULL && cli.err != NULL);
    if (length == 0)
        fgetc(cli.in);
    for (int i = 0; i < argc; i++)
        argv[i] = (char *)(uintptr_t)arguments[i];
    argv[argc] = NULL;
    run.status = cli_run(&cli, argc, argv);
    fclose(cli.in);
    fclose(cli.out);
    fclose(cli.err);
    return run;
}

#define ARGUMENTS(...)                                                                                                 \
    (int)(sizeof((const char *const[]){"reflow", __VA_ARGS__}) / sizeof(char *)), (const char *const[])                \
    {                                                                                                                  \
        "reflow", __VA_ARGS__                                                                                          \
    }

static void run_destroy(struct run *run)
{
    free(run->out);
    free(run->err);
}

static void assert_usage(const char *told, int argc, const char *const *arguments)
{
    struct run run = run_with(NULL, 0, argc, arguments);
    assert_string_equal(run.err, told);
    assert_int_equal(run.status, CLI_USAGE);
    assert_string_equal(run.out, "");
    run_destroy(&run);
}

static void assert_prints(const char *part, int argc, const char *const *arguments)
{
    struct run run = run_with(NULL, 0, argc, arguments);
    assert_string_equal(run.err, "");
    assert_int_equal(run.status, CLI_OK);
    if (strstr(run.out, part) == NULL)
        fail_msg("'%s' is not in: %s", part, run.out);
    run_destroy(&run);
}

static void test_help_and_version(void **unused)
{
    (void)unused;
    assert_prints("Usage: reflow COMMAND", ARGUMENTS("--help"));
    assert_prints("Usage: reflow COMMAND", ARGUMENTS("-h"));
    assert_prints("reflow " REFLOW_VERSION "\n", ARGUMENTS("--version"));
    assert_prints("Usage: reflow codes", ARGUMENTS("codes", "--help"));
    assert_prints("Usage: reflow explain", ARGUMENTS("explain", "--help"));
    assert_prints("Usage: reflow compare", ARGUMENTS("compare", "--help"));
    assert_prints("Usage: reflow decide", ARGUMENTS("decide", "--help"));
}

static void test_rules_are_explained_in_both_languages(void **unused)
{
    (void)unused;
    assert_prints("5626-7.c (guardrail: no policy can override it)\n\n  an instance that has answered",
                  ARGUMENTS("explain", "5626-7.c"));
    assert_prints("\n\nReference: RFC 5626, section 7\n", ARGUMENTS("explain", "5626-7.c"));
    assert_prints("  tests/unit/test_guard.c: test_5626_7_c_an_instance_that_answered_is_left_alone\n",
                  ARGUMENTS("explain", "5626-7.c"));
    assert_prints("5626-7.d (predeterminada: una política puede cambiarla)\n\n  tras un 408",
                  ARGUMENTS("explain", "5626-7.d", "--lang", "es"));
    assert_prints(
        "{\"rule\": \"4320-4.a\", \"guardrail\": true, \"lang\": \"en\", \"description\": \"408 is never sent",
        ARGUMENTS("explain", "--json", "4320-4.a"));
    for (int rule = RULE_NONE + 1; rule < RULE_COUNT; rule++) {
        const char *id = rule_at((enum rule_id)rule)->id;
        assert_prints(id, ARGUMENTS("explain", id));
        assert_prints(id, ARGUMENTS("explain", id, "--lang", "es"));
    }
    assert_usage("reflow explain: '5626-9.z' is neither a status code from 100 to 699 nor the id of a rule\n",
                 ARGUMENTS("explain", "5626-9.z"));
    assert_usage("reflow explain: no texts in 'fr': en or es\n", ARGUMENTS("explain", "5626-7.c", "--lang", "fr"));
}

static void test_what_makes_no_sense_is_told_in_one_line(void **unused)
{
    (void)unused;
    assert_usage("reflow: a command is missing (see reflow --help)\n", 1, (const char *const[]){"reflow"});
    assert_usage("reflow: unknown command 'flow' (see reflow --help)\n", ARGUMENTS("flow"));
    assert_usage("reflow: unknown option '--flow' (see reflow --help)\n", ARGUMENTS("--flow"));
    assert_usage("reflow codes: unknown option '--xml' (see reflow codes --help)\n", ARGUMENTS("codes", "--xml"));
    assert_usage("reflow codes: '486' is one argument too many (see reflow codes --help)\n", ARGUMENTS("codes", "486"));
    assert_usage("reflow explain: a code is missing (see reflow explain --help)\n", ARGUMENTS("explain"));
    assert_usage("reflow compare: a code is missing (see reflow compare --help)\n", ARGUMENTS("compare", "486"));
    assert_usage("reflow compare: '603' is one argument too many (see reflow compare --help)\n",
                 ARGUMENTS("compare", "486", "600", "603"));
    assert_usage("reflow explain: no texts in 'fr': en or es\n", ARGUMENTS("explain", "486", "--lang", "fr"));
    assert_usage("reflow explain: unknown option '--markdown' (see reflow explain --help)\n",
                 ARGUMENTS("explain", "486", "--markdown"));
}

static void test_what_is_no_code_is_told_in_one_line(void **unused)
{
    (void)unused;
    assert_usage("reflow explain: 99 is not a SIP status code (100 to 699)\n", ARGUMENTS("explain", "99"));
    assert_usage("reflow explain: 700 is not a SIP status code (100 to 699)\n", ARGUMENTS("explain", "700"));
    assert_usage("reflow explain: 'busy' is not a SIP status code (100 to 699)\n", ARGUMENTS("explain", "busy"));
    assert_usage("reflow explain: '4294967782' is not a SIP status code (100 to 699)\n",
                 ARGUMENTS("explain", "4294967782"));
    assert_usage("reflow compare: 0 is not a SIP status code (100 to 699)\n", ARGUMENTS("compare", "486", "0"));
    assert_usage("reflow decide: '48x' is not a response code\n", ARGUMENTS("decide", "48x"));
}

static void test_codes_are_those_of_the_registry(void **unused)
{
    struct text expected = test_data_load("registry/codes.tsv");
    (void)unused;
    struct run run = run_with(NULL, 0, ARGUMENTS("codes", "--tsv"));
    assert_string_equal(run.out, expected.at);
    assert_int_equal(run.status, CLI_OK);
    run_destroy(&run);
    free((char *)expected.at);
}

static void test_codes_in_three_forms(void **unused)
{
    (void)unused;
    assert_prints("480  Temporarily Unavailable                    RFC3261\n", ARGUMENTS("codes"));
    assert_prints("202\tAccepted (Deprecated)\tRFC6665\n", ARGUMENTS("codes", "--tsv"));
    assert_prints("  {\"code\": 430, \"name\": \"FLOW_FAILED\", \"phrase\": \"Flow Failed\", \"class\": 4, "
                  "\"reference\": \"RFC5626\"},\n",
                  ARGUMENTS("codes", "--json"));
    assert_prints("\"Accepted\"", ARGUMENTS("codes", "--json"));
}

static void test_explain_every_code_in_both_languages(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < code_count(); i++) {
        char number[8], title[80];
        snprintf(number, sizeof number, "%u", code_at(i)->number);
        snprintf(title, sizeof title, "%u %s\n", code_at(i)->number, code_at(i)->phrase);
        assert_prints(title, ARGUMENTS("explain", number));
        assert_prints("\n\nDescripci\xc3\xb3n\n  ", ARGUMENTS("explain", number, "--lang=es"));
        assert_prints("\n\nCu\xc3\xa1ndo lo ver\xc3\xa1s\n  ", ARGUMENTS("explain", "--lang", "es", number));
        assert_prints("\n\nC\xc3\xb3mo solucionarlo\n  ", ARGUMENTS("explain", "--lang", "es", number));
    }
}

static void test_3261_8_1_3_a_an_unregistered_code_is_explained_as_x00(void **unused)
{
    (void)unused;
    assert_prints("499, not registered: acts as 400 Bad Request\n", ARGUMENTS("explain", "499"));
    assert_prints("digo no registrado: act\xc3\xba", ARGUMENTS("explain", "699", "--lang", "es"));
    assert_prints("\"registered\": false,\n  \"acts_as\": 183,", ARGUMENTS("explain", "150", "--json"));
    assert_prints("498 and 499 act alike", ARGUMENTS("compare", "498", "499"));
    assert_prints("499, not registered: acts as 400 Bad Request\n", ARGUMENTS("decide", "499"));
}

static void test_compare_in_three_forms(void **unused)
{
    (void)unused;
    assert_prints("\n\nKey differences\n  ", ARGUMENTS("compare", "486", "600"));
    assert_prints("\n\nWhen to use each\n  486  ", ARGUMENTS("compare", "486", "600"));
    assert_prints("\n\nDiferencias clave\n  ", ARGUMENTS("compare", "486", "600", "--lang", "es"));
    assert_prints("\n\nCu\xc3\xa1ndo usar cada uno\n  486  ", ARGUMENTS("compare", "486", "600", "--lang", "es"));
    assert_prints("# 401 Unauthorized / 407 Proxy Authentication Required\n\n## Description\n\n**401**: ",
                  ARGUMENTS("compare", "401", "407", "--markdown"));
    assert_prints("\n| Header fields | WWW-Authenticate | Proxy-Authenticate |\n",
                  ARGUMENTS("compare", "401", "407", "--markdown"));
    assert_prints("{\n  \"same\": false,\n", ARGUMENTS("compare", "401", "407", "--json"));
    assert_prints("{\n  \"same\": true,\n", ARGUMENTS("compare", "401", "401", "--json"));
    assert_prints("  486 is compared with itself: there is no difference.\n", ARGUMENTS("compare", "486", "486"));
}

static void test_an_output_that_cannot_be_written_is_a_failure(void **unused)
{
    static char *const commands[][4] = {
        {"reflow", "codes"}, {"reflow", "explain", "486"}, {"reflow", "decide", "486"}, {"reflow", "--help"}};
    (void)unused;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char *told = NULL;
        size_t length;
        char **argv = (char **)(uintptr_t)commands[i];
        struct cli cli = {.in = stdin, .out = fopen("/dev/full", "w"), .err = open_memstream(&told, &length)};
        assert_true(cli.out != NULL && cli.err != NULL);
        int status = cli_run(&cli, argv[2] != NULL ? 3 : 2, argv);
        fclose(cli.out);
        fclose(cli.err);
        assert_int_equal(status, CLI_FAILED);
        assert_string_equal(told, "reflow: standard output: No space left on device\n");
        free(told);
    }
}

static void test_the_plain_host_lends_what_it_must(void **unused)
{
    struct host host = plain_host();
    (void)unused;
    uint64_t before = host.now_ms(host.context);
    assert_true(host.now_ms(host.context) >= before);
    assert_true(host.wall_s(host.context) > 1700000000);
    char *block = host.allocate(host.context, NULL, 0, 4);
    assert_non_null(block);
    memcpy(block, "sip", 4);
    block = host.allocate(host.context, block, 4, 4096);
    assert_non_null(block);
    assert_string_equal(block, "sip");
    assert_null(host.allocate(host.context, block, 4096, 0));
    uint32_t first = host.random(host.context);
    bool differs = false;
    for (int i = 0; i < 8; i++)
        differs = differs || host.random(host.context) != first;
    assert_true(differs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_and_version),
        cmocka_unit_test(test_rules_are_explained_in_both_languages),
        cmocka_unit_test(test_what_makes_no_sense_is_told_in_one_line),
        cmocka_unit_test(test_what_is_no_code_is_told_in_one_line),
        cmocka_unit_test(test_codes_are_those_of_the_registry),
        cmocka_unit_test(test_codes_in_three_forms),
        cmocka_unit_test(test_explain_every_code_in_both_languages),
        cmocka_unit_test(test_3261_8_1_3_a_an_unregistered_code_is_explained_as_x00),
        cmocka_unit_test(test_compare_in_three_forms),
        cmocka_unit_test(test_an_output_that_cannot_be_written_is_a_failure),
        cmocka_unit_test(test_the_plain_host_lends_what_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
