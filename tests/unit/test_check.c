// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <unistd.h>

#include "cli/cli.h"

/* `reflow check` on policies that are written for the purpose. */

struct bench {
    char path[64];
    char *out, *err;
    size_t out_length, err_length;
    int status;
};

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    temporary_path(bench->path, sizeof bench->path, "reflow-check-XXXXXX.lua");
    int file = mkstemps(bench->path, 4);
    assert_true(file >= 0);
    close(file);
    *state = bench;
    return 0;
}

static void forget(struct bench *bench)
{
    free(bench->out);
    free(bench->err);
    bench->out = bench->err = NULL;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    forget(bench);
    unlink(bench->path);
    free(bench);
    return 0;
}

static void run_words(struct bench *bench, int count, char **argv)
{
    forget(bench);
    struct cli cli = {.in = stdin,
                      .out = open_memstream(&bench->out, &bench->out_length),
                      .err = open_memstream(&bench->err, &bench->err_length)};
    assert_true(cli.out != NULL && cli.err != NULL);
    bench->status = cli_run(&cli, count, argv);
    fclose(cli.out);
    fclose(cli.err);
}

static void run(struct bench *bench, const char *path, const char *option)
{
    char *argv[] = {(char *)(uintptr_t) "reflow", (char *)(uintptr_t) "check", (char *)(uintptr_t)path,
                    (char *)(uintptr_t)option, NULL};
    run_words(bench, option != NULL ? 4 : 3, argv);
}

static void check(struct bench *bench, const char *policy)
{
    FILE *file = fopen(bench->path, "wb");
    assert_non_null(file);
    fputs(policy, file);
    assert_int_equal(fclose(file), 0);
    run(bench, bench->path, NULL);
}

static void assert_in(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in: %s", part, text);
}

static void assert_finds(struct bench *bench, const char *policy, const char *line, const char *part)
{
    char place[96];
    check(bench, policy);
    assert_int_equal(bench->status, CLI_FAILED);
    snprintf(place, sizeof place, "%s:%s: %s", bench->path, line, part);
    assert_in(bench->out, place);
}

static void assert_clean(struct bench *bench, const char *policy)
{
    check(bench, policy);
    if (bench->status != CLI_OK)
        fail_msg("%s", bench->out);
    assert_in(bench->out, ": nothing found; hooks were tried ");
}

static void test_the_examples_are_clean(void **state)
{
    static const char *const paths[] = {"examples/registrar.lua",
                                        "examples/policies/limit_calls.lua",
                                        "examples/policies/screening.lua",
                                        "examples/policies/voicemail.lua",
                                        "examples/policies/rest_trunk.lua",
                                        "examples/policies/second_instance.lua",
                                        "examples/policies/block_prefixes.lua",
                                        "examples/policies/limit_calls.lua",
                                        "examples/policies/screening.lua",
                                        "examples/tenants/site.lua",
                                        "examples/tenants/blue.lua",
                                        "examples/tenants/red.lua",
                                        "examples/policies/log_failed_flows.lua"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        run(*state, paths[i], NULL);
        assert_in(((struct bench *)*state)->out, ": nothing found;");
        assert_int_equal(((struct bench *)*state)->status, CLI_OK);
    }
}

/* Together they are no policy: second_instance.lua rings everybody before the others are asked. */
static void test_a_folder_is_one_policy_and_named_as_typed(void **state)
{
    struct bench *bench = *state;
    run(bench, "examples/policies/", NULL);
    assert_in(bench->out, "examples/policies/limit_calls.lua:10: hook: this hook is never asked: ");
    assert_in(bench->out, "examples/policies/rest_trunk.lua:19: hook: this hook is never asked: ");
    assert_in(bench->out, "examples/policies/: 2 findings\n");
    assert_int_equal(bench->status, CLI_FAILED);
}

/* A fault that only a user or a trunk meets. */
static void test_hooks_are_tried_for_users_and_trunks(void **state)
{
    static const char *const faults[] = {"call.user and call.user + 1", "call.trunk and call.trunk + 1",
                                         "call.registered and nothing.there"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        char policy[200];
        snprintf(policy, sizeof policy, "sip_on_request(function(request, call) local x = %s end)", faults[i]);
        check(*state, policy);
        assert_int_equal(((struct bench *)*state)->status, CLI_FAILED);
    }
}

static void test_3261_16_7_d_relay_after_a_global_failure_is_found(void **state)
{
    const char *policy = "sip_on_response({486, 600}, function()\n  return sip_relay 'sip:vm@127.0.0.1'\nend)\n";
    assert_finds(*state, policy, "1", "guardrail: relay on 600 would be refused by rule 3261-16.7.d: ");
    assert_null(strstr(((struct bench *)*state)->out, "486"));
}

static void test_5626_7_c_next_flow_after_an_answer_is_found(void **state)
{
    assert_finds(*state, "sip_on_response(486, function() return sip_next_flow() end)\n", "1",
                 "guardrail: next_flow on 486 would be refused by rule 5626-7.c: ");
    assert_clean(*state, "sip_on_response(430, function() return sip_next_flow() end)\n");
}

static void test_5626_11_5_a_430_to_the_caller_is_found(void **state)
{
    assert_finds(*state, "sip_on_response('5xx', function() return sip_fail(430) end)\n", "1",
                 "guardrail: fail 430 on 5xx would be refused by rule 5626-11.5.a: ");
    assert_finds(*state, "sip_on_request('INVITE', function() return sip_reply(430) end)\n", "1",
                 "guardrail: reply 430 to INVITE would be refused by rule 5626-11.5.a: ");
    assert_finds(*state, "\nsip_on_exhausted(function() return sip_fail(430) end)\n", "2",
                 "guardrail: fail 430 on 3xx, 4xx, 5xx, 6xx would be refused by rule 5626-11.5.a: ");
}

static void test_4320_4_a_408_to_a_non_invite_is_found(void **state)
{
    assert_finds(*state, "sip_on_response(503, function() return sip_fail(408) end)\n", "1",
                 "guardrail: fail 408 on 503 to ");
    assert_in(((struct bench *)*state)->out, " would be refused by rule 4320-4.a: ");
    assert_null(strstr(((struct bench *)*state)->out, "INVITE would"));
    assert_clean(*state, "sip_on_response(503, function(reply)\n"
                         "  if reply.method == 'INVITE' then return sip_fail(408) end\nend)\n");
}

static void test_3261_16_7_c_dropping_a_2xx_is_found(void **state)
{
    assert_finds(*state, "sip_on_success(function() return sip_fail(486) end)\n", "1", "guardrail: fail 486 on ");
    assert_in(((struct bench *)*state)->out, "3261-16.7.c");
}

static void test_5626_11_6_a_439_without_outbound_is_found(void **state)
{
    assert_finds(*state, "sip_on_register(function() return sip_reply(439) end)\n", "1",
                 "guardrail: reply 439 to REGISTER would be refused by rule 5626-11.6.a: ");
}

static void test_the_hook_that_decides_is_named(void **state)
{
    assert_finds(*state,
                 "sip_on_response(486, function() end)\n"
                 "sip_on_response('4xx', function() return sip_fail(430) end)\n"
                 "sip_on_response('*', function() end)\n",
                 "2", "guardrail: fail 430 on 4xx would");
}

static void test_a_hook_that_fails_on_some_facts(void **state)
{
    assert_finds(*state, "sip_on_response(486, function(reply)\n  sip_log(reply.instance .. ' is busy')\nend)\n", "1",
                 "failure: on_response: ");
    assert_in(((struct bench *)*state)->out, "attempt to concatenate a nil value (field 'instance')");
    assert_finds(*state, "sip_on_response(486, function() return 7 end)\n", "1",
                 "failure: on_response: returned a number, which is not a verdict on 486\n");
    assert_finds(*state, "sip_on_flow_down(function(flow) return flow.reason + 1 end)\n", "1",
                 "failure: on_flow_down: ");
    assert_finds(*state,
                 "sip_on_response(486, function(reply, call)\n"
                 "  if call:header('X-Tenant') then error 'tenants are new' end\nend)\n",
                 "1", "failure: on_response: ");
    assert_in(((struct bench *)*state)->out, "tenants are new");
}

static void test_a_hook_for_credentials_is_tried(void **state)
{
    assert_finds(*state,
                 "sip_on_credentials(function(user, realm, algorithm)\n"
                 "  return user == 'bob' and algorithm == 'MD5' and 'secret'\nend)\n",
                 "1", "failure: on_credentials: returned 6 bytes, which are not HA1 for MD5");
    assert_finds(*state,
                 "sip_on_credentials(function(user, realm)\n"
                 "  if user == 'door' then return realm.x.y end\nend)\n",
                 "1", "failure: on_credentials: ");
}

static void test_a_hook_that_overruns(void **state)
{
    assert_finds(*state, "sip_on_response(404, function() while true do end end)\n", "1",
                 "overrun: runs past its time on 404\n");
}

static void test_fields_that_do_not_exist(void **state)
{
    assert_finds(*state,
                 "sip_on_response(503, function(answer, call, why)\n"
                 "  if call.is_new then\n    return sip_rest(answer.destnation, why.rest or 3)\n  end\nend)\n",
                 "3", "field: a reply has no field 'destnation'; did you mean 'destination'?\n");
    assert_in(((struct bench *)*state)->out, ":2: field: a call has no field 'is_new'\n");
    assert_finds(*state,
                 "local function vip(call)\n  return call.aorr == 'sip:boss@example.com'\nend\n"
                 "sip_on_request(function(request) if request:header 'X-A' == 'b' then return vip(request) end end)\n",
                 "2", "field: a call has no field 'aorr'; did you mean 'aor'?\n");
    assert_clean(*state, "-- reply.colour\nlocal text = 'reply.colour'\n"
                         "local function paint(reply)\n  local call = { colour = reply }\n  return call.colour\nend\n"
                         "sip_on_response(486, function(reply) local x = paint(reply) or text end)\n");
}

static void test_a_field_after_a_concatenation(void **state)
{
    assert_finds(*state,
                 "sip_on_request('INVITE', function(request, call)\n"
                 "  if call.aor == 'x' then return sip_relay('sip:' .. call.quux) end\nend)\n",
                 "2", "field: a call has no field 'quux'\n");
    assert_finds(*state, "sip_on_response(486, function(reply)\n  sip_log('a'..reply.nothing_such..'b')\nend)\n", "2",
                 "field: a reply has no field 'nothing_such'");
}

static void test_a_verdict_that_is_not_returned(void **state)
{
    assert_finds(*state, "sip_on_response(503, function(reply)\n  sip_rest(reply.destination, 30)\nend)\n", "2",
                 "verdict: the verdict of sip_rest() is not returned and has no effect\n");
    assert_finds(*state,
                 "local sip = require 'reflow'\nsip_on_response(486, function(reply)\n"
                 "  if reply.code == 486 then\n    sip.relay 'sip:vm@127.0.0.1'\n  end\nend)\n",
                 "4", "verdict: the verdict of sip.relay() is not returned");
    assert_finds(*state,
                 "sip_on_response(503, function(reply) local name = 'x' .. reply.code\n"
                 "  sip_fail(486)\n  return nil, name\nend)\n",
                 "2", "verdict: the verdict of sip_fail() is not returned");
    assert_finds(*state, "sip_on_response(486, function()\n  local verdict = sip_relay 'sip:vm@127.0.0.1'\nend)\n", "2",
                 "verdict: the verdict of sip_relay() is not returned");
    assert_clean(*state,
                 "local function busy(reply)\n  return reply.code == 486 and sip_relay('sip:vm@127.0.0.1')\n    or "
                 "sip_accept()\nend\n"
                 "sip_on_response(486, function(reply)\n  local verdict = busy(reply)\n  return (\n verdict)\nend)\n");
}

static void test_a_policy_without_hooks(void **state)
{
    check(*state, "local unused = 1\n");
    assert_in(((struct bench *)*state)->out, ": hook: the policy registers no hooks: the core decides everything\n");
}

static void test_a_hook_that_is_never_asked(void **state)
{
    assert_finds(*state,
                 "sip_on_response(486, function() end)\n"
                 "sip_on_response(486, function() return sip_accept() end)\n",
                 "1", "hook: this hook is never asked: ");
    assert_null(strstr(((struct bench *)*state)->out, ":2: "));
    assert_finds(*state, "sip_on_response(100, function() end)\n", "1", "hook: this hook is never asked: ");
    assert_finds(*state, "sip_on_request('ACK', function() end)\n", "1", "hook: this hook is never asked: ");
    assert_clean(*state, "sip_on_response({477, '5xx'}, function() end)\n"
                         "sip_on_request('PUBLISH', function() end)\nsip_on_request('FOO', function() end)\n");
}

static void test_what_the_policy_compares_with_is_tried(void **state)
{
    struct bench *bench = *state;
    assert_finds(bench,
                 "sip_on_response(486, function(reply, call)\n"
                 "  if call.aor == 'sip:boss@corp.example' then return sip_fail(430) end\nend)\n",
                 "1", "guardrail: fail 430 on 486 to INVITE, MESSAGE with sip:boss@corp.example would be refused");
    assert_finds(bench,
                 "local emergency = { ['110'] = true, [\"112\"] = true }\n"
                 "sip_on_request('INVITE', function(request, call)\n"
                 "  if emergency[call.aor:match '^sip:(.-)@'] then return sip_reply(430) end\nend)\n",
                 "2", "guardrail: reply 430 to INVITE with sip:1");
    assert_finds(bench,
                 "sip_on_request('INVITE', function(request, call)\n"
                 "  if call.aor:match '^sip:%+?88(%d+)@' then return sip_reply(430) end\nend)\n",
                 "1", "guardrail: reply 430 to INVITE with sip:+885@example.com");
    assert_finds(bench,
                 "sip_on_request('INVITE', function(request)\n"
                 "  if request:header 'X-Tenant' == 'blue' then error 'out of paint' end\nend)\n",
                 "1", "failure: on_request: ");
    assert_in(bench->out, "out of paint (in a function, line 2) to INVITE with blue\n");
    assert_finds(bench,
                 "sip_on_response(503, function(reply)\n"
                 "  if (reply.retry_after or 0) > 3600 then return sip_fail(430) end\nend)\n",
                 "1", "guardrail: fail 430 on 503 to INVITE with 3601 would be refused");
}

static void run_with(struct bench *bench, const char *option, char *value)
{
    char *argv[] = {(char *)(uintptr_t) "reflow",
                    (char *)(uintptr_t) "check",
                    (char *)(uintptr_t)option,
                    value,
                    (char *)(uintptr_t) "examples/registrar.lua",
                    NULL};
    run_words(bench, 5, argv);
}

static void test_layers_and_tenants(void **state)
{
    struct bench *bench = *state;
    char layer[128];
    check(bench, "sip_on_response(486, function() return sip_fail(430) end)\n");
    snprintf(layer, sizeof layer, "blue.example=%s", bench->path);
    run_with(bench, "--tenant", layer);
    assert_int_equal(bench->status, CLI_FAILED);
    assert_in(bench->out, ":1: guardrail: fail 430 on 486");
    assert_in(bench->out, bench->path);
    snprintf(layer, sizeof layer, "site:5=%s", bench->path);
    run_with(bench, "--layer", layer);
    assert_in(bench->out, ":1: guardrail: fail 430 on 486");
    snprintf(layer, sizeof layer, "site=%s", bench->path);
    run_with(bench, "--layer", layer);
    assert_int_equal(bench->status, CLI_USAGE);
    assert_in(bench->err, "reflow check: --layer site=");
    assert_in(bench->err, "expected NAME:PRIORITY=PATH");
}

static void test_names_that_look_misspelt(void **state)
{
    struct bench *bench = *state;
    check(bench, "sip_on_response(486, function(reply, call)\n"
                 "  if call.aor == 'sip:never@called' then return sip_relayy 'sip:a@b' end\nend)\n");
    assert_int_equal(bench->status, CLI_FAILED);
    assert_in(bench->out, ":2: name: no function sip_relayy; did you mean sip_relay?");
}

static void test_what_does_not_load(void **state)
{
    struct bench *bench = *state;
    check(bench, "sip_on_response(486, \n");
    assert_int_equal(bench->status, CLI_FAILED);
    assert_in(bench->out, ".lua:2: load: unexpected symbol");
    check(bench, "while true do end\n");
    assert_int_equal(bench->status, CLI_FAILED);
    assert_in(bench->out, "ran past its time");
    check(bench, "sip_on_respons(486, function() end)\n");
    assert_in(bench->out, "did you mean sip_on_response?");
    run(bench, "/nowhere/policy.lua", NULL);
    assert_int_equal(bench->status, CLI_USAGE);
    assert_in(bench->err, "reflow check: ");
    assert_string_equal(bench->out, "");
}

/* The library gives no place to an error in a function in C, and a file may fail as a whole. */
static void test_each_finding_begins_with_its_place(void **state)
{
    char start[96];
    struct bench *bench = *state;
    assert_finds(bench, "\nstring.format('%99999d', 1)", "2", "load: invalid conversion");
    assert_finds(bench, "('a'):rep(1e5):find(('a*'):rep(20) .. 'b')", "1", "load: ran past its time");
    assert_finds(bench, "\nlocal function f() string.rep('x', 1e9) end f()", "2",
                 "load: string.rep makes at most 1048576 bytes (in f, line 2, called from ");
    static const char *const whole[] = {"\x1bLua", "local function f() return 1 + f() end f()"};
    for (size_t i = 0; i < 2; i++) {
        check(bench, whole[i]);
        assert_int_equal(bench->status, CLI_FAILED);
        snprintf(start, sizeof start, "%s: load: ", bench->path);
        assert_int_equal(strncmp(bench->out, start, strlen(start)), 0);
    }
}

/* The address of a table differs each time: each call would be another finding. */
static void test_an_error_that_is_no_text(void **state)
{
    struct bench *bench = *state;
    assert_finds(bench, "sip_on_response('*', function()\n  error({ code = 5 })\nend)", "1", "failure: on_response: ");
    assert_in(bench->out, ".lua:2: an error whose value is a table, not a text (in a function, line 2) on 1xx, 2xx");
    assert_in(bench->out, ": 1 finding\n");
    assert_finds(bench, "\nerror()", "2", "load: an error without a text");
    assert_finds(bench, "\nerror(setmetatable({}, { __tostring = function() return 'mine' end }))", "2", "load: mine");
}

/* Before, the call got 480, or the destination never rested, and nothing was logged. */
static void test_destinations_that_lead_nowhere(void **state)
{
    static const char *const uris[] = {"sip:", "sip:bob@", "sip:bob@h:99999", "sip:bob@[::1", "sip:b%zz@h"};
    static const char *const rests[] = {"sip:trunk.example.net",
                                        "sip:192.0.2.1:5060",
                                        "host:0",
                                        "host:65536",
                                        "host:",
                                        "[::1",
                                        "[]",
                                        "[::1]x",
                                        "a b",
                                        ":5060",
                                        "bob@host"};
    static const char *const names[] = {"192.0.2.1:5060",     "[2001:db8::1]:5060", "2001:db8::1",
                                        "trunk.example.net",  "192.0.2.1",          "[::1]",
                                        "t_x-y.example:65535"};
    struct bench *bench = *state;
    char policy[256];
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        snprintf(policy, sizeof policy, "\nsip_relay('%s')", uris[i]);
        assert_finds(bench, policy, "2", "load: bad argument #1 to 'sip_relay' (uri has a host, a port or an escape");
    }
    assert_finds(bench, "sip_route('sip:bob@h:99999')", "1", "load: bad argument #1 to 'sip_route' (aor has a host");
    for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++) {
        snprintf(policy, sizeof policy, "\nsip_rest('%s', 5)", rests[i]);
        assert_finds(bench, policy, "2", "load: bad argument #1 to 'sip_rest' (destination is an address or a name");
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(policy, sizeof policy, "sip_on_response(503, function() return sip_rest('%s', 5) end)", names[i]);
        assert_clean(bench, policy);
    }
}

static void test_the_global_sip_is_explained(void **state)
{
    assert_finds(*state, "\nsip.log('x')", "2", "load: no global sip: begin with local sip = require \"reflow\"");
}

static void test_json(void **state)
{
    struct bench *bench = *state;
    check(bench, "sip_on_response(600, function() return sip_fail(486) end)\n");
    run(bench, bench->path, "--json");
    assert_int_equal(bench->status, CLI_FAILED);
    assert_in(bench->out, "{\"kind\": \"guardrail\", \"place\": \"");
    assert_in(bench->out,
              "\"verdict\": \"fail 486\", \"rule\": \"3261-16.7.d\", \"codes\": [600], \"methods\": [\"INVITE\", ");
    run(bench, "examples/registrar.lua", "--json");
    assert_int_equal(bench->status, CLI_OK);
    assert_in(bench->out, "\"more\": false, \"findings\": []}\n]\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_examples_are_clean),
        TEST(test_a_folder_is_one_policy_and_named_as_typed),
        TEST(test_hooks_are_tried_for_users_and_trunks),
        TEST(test_3261_16_7_d_relay_after_a_global_failure_is_found),
        TEST(test_5626_7_c_next_flow_after_an_answer_is_found),
        TEST(test_5626_11_5_a_430_to_the_caller_is_found),
        TEST(test_4320_4_a_408_to_a_non_invite_is_found),
        TEST(test_3261_16_7_c_dropping_a_2xx_is_found),
        TEST(test_5626_11_6_a_439_without_outbound_is_found),
        TEST(test_the_hook_that_decides_is_named),
        TEST(test_a_hook_that_fails_on_some_facts),
        TEST(test_a_hook_for_credentials_is_tried),
        TEST(test_a_hook_that_overruns),
        TEST(test_fields_that_do_not_exist),
        TEST(test_a_field_after_a_concatenation),
        TEST(test_a_verdict_that_is_not_returned),
        TEST(test_a_policy_without_hooks),
        TEST(test_a_hook_that_is_never_asked),
        TEST(test_what_the_policy_compares_with_is_tried),
        TEST(test_layers_and_tenants),
        TEST(test_names_that_look_misspelt),
        TEST(test_what_does_not_load),
        TEST(test_each_finding_begins_with_its_place),
        TEST(test_an_error_that_is_no_text),
        TEST(test_destinations_that_lead_nowhere),
        TEST(test_the_global_sip_is_explained),
        TEST(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
