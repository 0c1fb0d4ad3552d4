// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "flow/token.h"

/* `reflow test` on specs that are written for the purpose, beside a policy of their own. */

struct bench {
    char folder[64];
    char policy[96], spec[96];
    char *out, *err;
    size_t out_length, err_length;
    int status;
};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    temporary_path(bench->folder, sizeof bench->folder, "reflow-policy-XXXXXX");
    assert_non_null(mkdtemp(bench->folder));
    snprintf(bench->policy, sizeof bench->policy, "%s/a.lua", bench->folder);
    snprintf(bench->spec, sizeof bench->spec, "%s/a_spec.lua", bench->folder);
    write_file(bench->policy, "sip_on_response(486, function(reply, call)\n"
                              "  if call:header('X-Fail') then error 'broken' end\n"
                              "  if call:header('X-Refused') then return sip_fail(430) end\n"
                              "  return sip_relay 'sip:vm@127.0.0.1:5094'\n"
                              "end)\n");
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
    unlink(bench->policy);
    unlink(bench->spec);
    rmdir(bench->folder);
    free(bench);
    return 0;
}

/* `reflow test` with these words. */
static void run_words(struct bench *bench, const char *const *words, size_t words_count)
{
    enum { MOST = 10 };
    char *argv[MOST + 1] = {(char *)(uintptr_t) "reflow", (char *)(uintptr_t) "test"};
    int count = 2;
    for (size_t i = 0; i < words_count && count < MOST; i++)
        argv[count++] = (char *)(uintptr_t)words[i];
    forget(bench);
    struct cli cli = {.in = stdin,
                      .out = open_memstream(&bench->out, &bench->out_length),
                      .err = open_memstream(&bench->err, &bench->err_length)};
    assert_true(cli.out != NULL && cli.err != NULL);
    bench->status = cli_run(&cli, count, argv);
    fclose(cli.out);
    fclose(cli.err);
}

/* `reflow COMMAND PATH`. */
static void run_command(struct bench *bench, const char *command, const char *path)
{
    char *argv[] = {(char *)(uintptr_t) "reflow", (char *)(uintptr_t)command, (char *)(uintptr_t)path, NULL};
    forget(bench);
    struct cli cli = {.in = stdin,
                      .out = open_memstream(&bench->out, &bench->out_length),
                      .err = open_memstream(&bench->err, &bench->err_length)};
    assert_true(cli.out != NULL && cli.err != NULL);
    bench->status = cli_run(&cli, 3, argv);
    fclose(cli.out);
    fclose(cli.err);
}

static void run(struct bench *bench, const char *path, const char *option, const char *value)
{
    const char *const words[] = {path, option, value};
    run_words(bench, words, option == NULL ? 1 : value == NULL ? 2 : 3);
}

static void run_spec(struct bench *bench, const char *spec)
{
    write_file(bench->spec, spec);
    run(bench, bench->folder, NULL, NULL);
}

static void assert_in(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in: %s", part, text);
}

#define BOB "local bob = phone { aor = 'sip:bob@example.com', flows = 2 }\n"

static void test_a_spec_that_holds_passes(void **state)
{
    struct bench *bench = *state;
    run_spec(bench, BOB "local vm = server('127.0.0.1:5094', { name = 'vm' })\n"
                        "test('busy', function()\n"
                        "  bob:answers(180, { 486, after = 5 })\n"
                        "  local call = invite 'sip:bob@example.com'\n"
                        "  expect(call):hears { 180 }\n"
                        "  advance(5)\n"
                        "  expect(call):hears { 180, 200 }:tried { 'bob/1', 'vm' }\n"
                        "  expect(call):decided { code = 486, verdict = 'relay', action = 'fail' }\n"
                        "  equal(call.elapsed, 5.0)\n"
                        "  equal(call:bye().final.code, 200)\n"
                        "end)\n");
    assert_string_equal(bench->err, "");
    assert_int_equal(bench->status, CLI_OK);
    assert_in(bench->out, "ok    busy");
    assert_in(bench->out, "1 passed, 0 failed");
}

static void test_credentials_in_a_spec(void **state)
{
    struct bench *bench = *state;
    write_file(bench->policy, "sip_on_credentials(function(user, realm, algorithm)\n"
                              "  if user == 'bob' and realm == 'example.com' then\n"
                              "    return algorithm == 'MD5' and ('0'):rep(32) or ('1'):rep(64)\n"
                              "  end\n"
                              "  if user == 'evil' then return 7 end\n"
                              "end)\n");
    run_spec(bench, "test('credentials', function()\n"
                    "  equal(credentials('bob', 'example.com', 'MD5'), ('0'):rep(32))\n"
                    "  equal(credentials('bob', 'example.com', 'SHA-256'), ('1'):rep(64))\n"
                    "  equal(credentials('carol', 'example.com', 'SHA-256'), nil)\n"
                    "  equal(select(2, credentials('evil', 'example.com', 'MD5')), 'failed')\n"
                    "  expect_log 'on_credentials: returned a number'\n"
                    "end)\n");
    assert_string_equal(bench->err, "");
    assert_int_equal(bench->status, CLI_OK);
}

static void test_who_calls_in_a_spec(void **state)
{
    struct bench *bench = *state;
    write_file(bench->policy,
               "sip_on_request(function(request, call)\n"
               "  return sip_reply(call.trunk == '203.0.113.128/25' and 603 or call.registered and 486 or 480)\n"
               "end)\n");
    run_spec(bench,
             "trunk '203.0.113.128/25'\n" BOB "test('callers', function()\n"
             "  expect(invite 'sip:x@example.com'):hears(480)\n"
             "  expect(invite { to = 'sip:x@example.com', source = '203.0.113.200:5060' }):hears(603)\n"
             "  expect(invite { to = 'sip:x@example.com', source = '203.0.113.127:5060' }):hears(480)\n"
             "  expect(invite { to = 'sip:x@example.com', from = 'sip:bob@example.com', over = bob }):hears(486)\n"
             "  expect(invite { to = 'sip:x@example.com', from = 'sip:bob@example.com' }):hears(480)\n"
             "end)\n");
    assert_string_equal(bench->err, "");
    assert_int_equal(bench->status, CLI_OK);
    run_spec(bench, "trunk '203.0.113.200/25'\ntest('wrong', function() end)\n");
    assert_int_equal(bench->status, CLI_USAGE);
}

static void test_request_uris_of_other_schemes_in_a_spec(void **state)
{
    struct bench *bench = *state;
    write_file(bench->policy,
               "sip_on_request(function(request, call)\n"
               "  if call.aor:find '^urn:service:sos' then return sip_relay 'sip:psap@198.51.100.9' end\n"
               "end)\n");
    run_spec(bench, "local psap = server('198.51.100.9:5060', { name = 'psap' })\n"
                    "test('help', function()\n"
                    "  psap:answers(180, 200)\n"
                    "  local call = invite 'urn:service:sos.police'\n"
                    "  expect(call):hears { 180, 200 }:tried { 'psap' }\n"
                    "  equal(call:bye().final.code, 200)\n"
                    "  expect(invite 'tel:+1-555-0100'):hears(416):tried {}\n"
                    "end)\n");
    assert_string_equal(bench->err, "");
    assert_int_equal(bench->status, CLI_OK);
}

static void test_a_failure_shows_both_lists_and_what_happened(void **state)
{
    struct bench *bench = *state;
    run_spec(bench, BOB "test('over both', function()\n"
                        "  bob:answers(486)\n"
                        "  expect(invite 'sip:bob@example.com'):tried { 'bob/1', 'bob/2' }\n"
                        "end)\n");
    assert_int_equal(bench->status, CLI_FAILED);
    assert_in(bench->out, "a_spec.lua:4:");
    assert_in(bench->out, "        expected  bob/1  bob/2\n        tried     bob/1  127.0.0.1:5094\n");
    assert_in(bench->out, "bob/1          -> reflow         486 Busy Here");
    assert_in(bench->out, "486: fail by 5626-7.c; the policy: relay");
    assert_in(bench->out, "0 passed, 1 failed");
}

/* A flow that dies while it waits: another one at once, without a timer (the caller waits for nothing). */
static void test_5626_7_h_in_a_spec(void **state)
{
    struct bench *bench = *state;
    run_spec(bench, BOB "test('dies', function()\n"
                        "  bob:flow(1):answers 'is silent'\n"
                        "  local call = invite 'sip:bob@example.com'\n"
                        "  bob:flow(1):dies()\n"
                        "  expect(call):hears(200):tried { 'bob/1', 'bob/2' }\n"
                        "  equal(call.elapsed, 0.0)\n"
                        "end)\n");
    assert_int_equal(bench->status, CLI_OK);
}

static void test_a_hook_that_fails_fails_the_test(void **state)
{
    struct bench *bench = *state;
    run_spec(bench, BOB "test('broken', function()\n"
                        "  bob:answers(486)\n"
                        "  invite('sip:bob@example.com', { headers = { ['X-Fail'] = '1' } })\n"
                        "end)\n"
                        "test('broken, as expected', function()\n"
                        "  bob:answers(486)\n"
                        "  invite('sip:bob@example.com', { headers = { ['X-Fail'] = '1' } })\n"
                        "  expect_log 'a.lua:2: broken'\n"
                        "end)\n");
    assert_int_equal(bench->status, CLI_FAILED);
    assert_in(bench->out, "a hook failed: ");
    assert_in(bench->out, "1 passed, 1 failed");
}

static void test_5626_11_5_a_a_refused_verdict_fails_the_test(void **state)
{
    struct bench *bench = *state;
    run_spec(bench, BOB "bob:answers(486)\n"
                        "local options = { headers = { ['X-Refused'] = '1' } }\n"
                        "test('unexpected', function() invite('sip:bob@example.com', options) end)\n"
                        "test('expected', function()\n"
                        "  expect(invite('sip:bob@example.com', options)):hears(486):decided { refused = "
                        "'5626-11.5.a' }\n"
                        "end)\n");
    assert_int_equal(bench->status, CLI_FAILED);
    assert_in(bench->out, "FAIL  unexpected\n");
    assert_in(bench->out, "ok    expected\n");
}

static void test_each_test_begins_afresh(void **state)
{
    struct bench *bench = *state;
    run_spec(bench, BOB "local count = 0\n"
                        "for _, name in ipairs { 'one', 'two' } do\n"
                        "  test(name, function()\n"
                        "    count = count + 1\n"
                        "    equal(count, 1)\n"
                        "    bob:flow(1):dies()\n"
                        "    bob:answers(200)\n"
                        "    expect(invite 'sip:bob@example.com'):tried { 'bob/2' }\n"
                        "  end)\n"
                        "end\n");
    assert_int_equal(bench->status, CLI_OK);
    assert_in(bench->out, "2 passed, 0 failed");
}

static void test_a_runaway_spec_is_stopped(void **state)
{
    struct bench *bench = *state;
    write_file(bench->spec, "test('loop', function() while true do pcall(function() while true do end end) end end)\n"
                            "test('time', function() while true do advance(1) end end)\n"
                            "test('memory', function() return ('x'):rep(1e9) end)\n"
                            "test('fine', function() end)\n");
    run(bench, bench->folder, "--seconds", "1");
    assert_int_equal(bench->status, CLI_FAILED);
    assert_in(bench->out, "FAIL  loop\n");
    assert_in(bench->out, "the test ran for more than 1 s");
    assert_in(bench->out, "FAIL  time\n");
    assert_in(bench->out, "FAIL  memory\n");
    assert_in(bench->out, "1 passed, 3 failed");
}

static void test_what_a_spec_says_is_printable(void **state)
{
    struct bench *bench = *state;
    run_spec(bench, "test('n\\27[31mame', function() error 'bad \\27]0;x\\7 \\255\\nline two' end)");
    assert_int_equal(bench->status, CLI_FAILED);
    assert_in(bench->out, "FAIL  n\\x1b[31mame\n");
    assert_in(bench->out, "bad \\x1b]0;x\\x07 \\xff\n        line two\n");
    run_spec(bench, "error '\\27[2J'");
    assert_int_equal(bench->status, CLI_USAGE);
    assert_in(bench->err, "\\x1b[2J");
}

static void test_what_cannot_be_run_is_told_from_what_fails(void **state)
{
    struct bench *bench = *state;
    run_spec(bench, "test('x', function(");
    assert_int_equal(bench->status, CLI_USAGE);
    assert_in(bench->err, "a_spec.lua:1:");
    run_spec(bench, "os.exit(0)");
    assert_int_equal(bench->status, CLI_USAGE);
    assert_in(bench->err, "'os' is not there for specs");
    run_spec(bench, "policy 'missing.lua'\ntest('x', function() end)");
    assert_int_equal(bench->status, CLI_USAGE);
    assert_in(bench->err, "missing.lua");
    write_file(bench->policy, "sip_on_response(");
    run_spec(bench, "test('x', function() end)");
    assert_int_equal(bench->status, CLI_USAGE);
    assert_in(bench->err, "a.lua:1:");
    run(bench, "/nowhere/at/all", NULL, NULL);
    assert_int_equal(bench->status, CLI_USAGE);
}

/* What phones, servers and callers do, each once. */
static void test_the_language(void **state)
{
    struct bench *bench = *state;
    run_spec(
        bench,
        "domain 'other.example'\n"
        "local bob = phone { aor = 'sip:bob@example.com', flows = 0 }\n"
        "local ann = phone { aor = 'sip:ann@other.example', transport = 'udp', flows = 2 }\n"
        "local trunk = server('trunk.example.net:5080', { name = 'trunk' })\n"
        "test('plain', function() expect(invite 'sip:bob@example.com'):hears(200):tried { 'bob' } end)\n"
        "test('dies', function() ann:flow(1):answers 'is silent' local call = invite 'sip:ann@other.example'\n"
        "  ann:flow(1):dies() expect(call):hears(200):tried { 'ann/1', 'ann/2' } end)\n"
        "test('timeout', function() ann:answers 'is silent' local call = invite 'sip:ann@other.example'\n"
        "  advance(31) expect(call):hears() advance(40) expect(call):hears(408):decided { origin = 'timeout' } end)\n"
        "test('cancel', function() bob:answers(180)\n"
        "  expect(invite('sip:bob@example.com'):cancel()):hears { 180, 487 } end)\n"
        "test('message', function() expect(request('MESSAGE', 'sip:bob@example.com', { body = 'x' })):hears(200) end)\n"
        "test('answer', function() bob:answers(180) local call = invite 'sip:bob@example.com'\n"
        "  bob:answer(200) expect(call):hears { 180, 200 } end)\n"
        "test('header', function() bob:answers { 302, headers = { Contact = '<sip:a@b>' } }\n"
        "  expect(invite 'sip:bob@example.com'):hears(302):header('Contact', '<sip:a@b>') end)\n"
        "test('gone', function() bob:dies() expect(invite 'sip:bob@example.com'):hears(480)\n"
        "  bob:comes_back() expect(invite 'sip:bob@example.com'):hears(200) end)\n"
        "test('over', function() local options = { to = 'sip:x@trunk.example.net:5080', over = ann }\n"
        "  local call = invite(options) expect(call):hears(200):tried { 'trunk' } equal(call:bye().final.code, 200)\n"
        "  trunk:dies() expect(invite(options)):hears(500) trunk:comes_back() expect(invite(options)):hears(200)\n"
        "  options.to = 'sip:x@nowhere.example.net' expect(invite(options)):hears(500) end)\n"
        "test('forbidden', function() expect(invite 'sip:x@elsewhere.example'):hears(403):tried {} end)\n"
        "test('again', function() ann:registers() expect(ann):registered() ann:answers(430)\n"
        "  expect(invite 'sip:ann@other.example'):hears(480):tried { 'ann/1', 'ann/2' }:never_tried 'bob' end)\n");
    assert_string_equal(bench->err, "");
    if (bench->status != CLI_OK)
        fail_msg("%s", bench->out);
    assert_in(bench->out, "11 passed, 0 failed");
}

static void test_coverage_is_told(void **state)
{
    struct bench *bench = *state;
    run_spec(bench, BOB "test('busy', function() bob:answers(486) invite 'sip:bob@example.com' end)\n");
    assert_int_equal(bench->status, CLI_OK);
    assert_in(bench->out, "a.lua: 1 of 1 hooks, 5 of 5 lines, 1 of 2 branches\n    line 3 never returned\n");
    run(bench, bench->folder, "--no-coverage", NULL);
    assert_null(strstr(bench->out, "branches"));
}

/* The folder as a whole, where no file beside spec/ has the spec's name. */
static void test_a_folder_is_one_policy(void **state)
{
    char folder[96], spec[160];
    struct bench *bench = *state;
    snprintf(folder, sizeof folder, "%s/spec", bench->folder);
    snprintf(spec, sizeof spec, "%s/whole.lua", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    write_file(spec, BOB "test('busy', function()\n"
                         "  bob:answers(486)\n"
                         "  expect(invite 'sip:bob@example.com'):tried { 'bob/1', '127.0.0.1:5094' }\n"
                         "end)\n");
    run(bench, bench->folder, NULL, NULL);
    unlink(spec);
    rmdir(folder);
    assert_string_equal(bench->err, "");
    assert_int_equal(bench->status, CLI_OK);
    assert_in(bench->out, "1 passed, 0 failed");
}

/* As it is typed, its files are named by its path, and not by the name of a layer. */
static void test_the_library_of_a_folder(void **state)
{
    struct bench *bench = *state;
    char path[4][128], slash[96];
    static const char *const names[] = {"lib", "lib/x", "lib/x/deep.lua", "lib/util.lua"};
    for (size_t i = 0; i < 4; i++)
        snprintf(path[i], sizeof path[i], "%s/%s", bench->folder, names[i]);
    assert_int_equal(mkdir(path[0], 0700), 0);
    assert_int_equal(mkdir(path[1], 0700), 0);
    write_file(path[2], "return 5094\n");
    write_file(path[3], "return { voicemail = 'sip:vm@127.0.0.1:' .. require 'x.deep' }\n");
    write_file(bench->policy, "local util = require 'util'\n"
                              "sip_on_response(486, function() return sip_relay(util.voicemail) end)\n");
    char spec[96], whole[112];
    snprintf(spec, sizeof spec, "%s/spec", bench->folder);
    assert_int_equal(mkdir(spec, 0700), 0);
    snprintf(whole, sizeof whole, "%s/whole.lua", spec);
    write_file(whole, BOB "local vm = server('127.0.0.1:5094', { name = 'vm' })\n"
                          "test('busy', function()\n  bob:answers(486)\n"
                          "  expect(invite 'sip:bob@example.com'):tried { 'bob/1', 'vm' }\nend)\n");
    snprintf(slash, sizeof slash, "%s/", bench->folder);
    const char *const folders[] = {bench->folder, slash};
    for (size_t i = 0; i < 2; i++) {
        run(bench, folders[i], NULL, NULL);
        assert_string_equal(bench->err, "");
        assert_int_equal(bench->status, CLI_OK);
        run_command(bench, "check", folders[i]);
        if (strstr(bench->out, "no module") != NULL)
            fail_msg("%s", bench->out);
    }
    run_command(bench, "check", bench->policy);
    assert_in(bench->out,
              "a.lua:1: load: no module 'util': only reflow can be required, because this policy is one file");
    unlink(whole);
    rmdir(spec);
    unlink(path[2]);
    unlink(path[3]);
    rmdir(path[1]);
    rmdir(path[0]);
}

static void test_tap(void **state)
{
    struct bench *bench = *state;
    write_file(bench->spec, "test('one #1', function() end)\ntest('two', function() equal(1, 2) end)\n");
    run(bench, bench->folder, "--tap", NULL);
    assert_int_equal(bench->status, CLI_FAILED);
    assert_in(bench->out, "ok 1 - ");
    assert_in(bench->out, ": one  1\n");
    assert_in(bench->out, "not ok 2 - ");
    assert_in(bench->out, "# expected  2\n# got       1\n");
    assert_in(bench->out, "\n1..2\n");
}

static void test_the_examples_pass_their_specs(void **state)
{
    struct bench *bench = *state;
    run(bench, "examples/policies", "examples/tenants", NULL);
    assert_string_equal(bench->err, "");
    assert_int_equal(bench->status, CLI_OK);
    assert_in(bench->out, "examples/tenants/spec/blue.lua\n");
    assert_in(bench->out, "examples/policies/spec/voicemail.lua\n");
    assert_in(bench->out, " 0 failed\n");
}

/* --- what a spec reaches --- */

/* The file with @KEYS@, @OUTSIDE@ and @MARK@ replaced. */
static void write_hostile(const struct bench *bench, const char *keys, const char *outside, const char *mark)
{
    char command[900];
    snprintf(
        command, sizeof command,
        "sed -e 's#@KEYS@#%s#g' -e 's#@OUTSIDE@#%s#g' -e 's#@MARK@#%s#g' tests/data/attacks/hostile_spec.lua >'%s'",
        keys, outside, mark, bench->spec);
    assert_int_equal(system(command), 0);
}

/* Names, modes, times and bytes of everything in the folder. */
static char *snapshot(const char *folder)
{
    char command[400];
    static char out[8192];
    snprintf(command, sizeof command, "cd '%s' && find . -printf '%%p %%m %%T@ %%s\\n' | sort && cat *.keys *.txt",
             folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t length = fread(out, 1, sizeof out - 1, pipe);
    out[length] = '\0';
    assert_int_equal(pclose(pipe), 0);
    return strdup(out);
}

static void test_a_hostile_spec_changes_nothing(void **state)
{
    struct bench *bench = *state;
    struct fake_host fake;
    struct token_keys *keys;
    char around[64], path[100], outside[100], mark[100], error[160];
    temporary_path(around, sizeof around, "reflow-around-XXXXXX");
    assert_non_null(mkdtemp(around));
    snprintf(path, sizeof path, "%s/server.keys", around);
    snprintf(outside, sizeof outside, "%s/outside.txt", around);
    snprintf(mark, sizeof mark, "%s/mark", around);
    fake_host_create(&fake);
    assert_int_equal(token_keys_open(&keys, &fake.host, path, error, sizeof error), 0);
    token_keys_close(keys);
    write_file(outside, "sip_on_request(function() return sip_reply(486, 'secret') end)\n");
    char *before = snapshot(around);
    assert_in(before, "server.keys");
    write_hostile(bench, path, outside, mark);
    run(bench, bench->folder, NULL, NULL);
    assert_string_equal(bench->err, "");
    assert_in(bench->out, "1 passed, 0 failed");
    char *after = snapshot(around);
    assert_string_equal(after, before);
    free(before);
    free(after);
    unlink(path);
    unlink(outside);
    assert_int_equal(rmdir(around), 0);
}

static void test_inside_a_folder_other_policies_cannot_be_named(void **state)
{
    struct bench *bench = *state;
    char other[64], link[120], spec[300];
    temporary_path(other, sizeof other, "reflow-other-XXXXXX.lua");
    int file = mkstemps(other, 4);
    assert_true(file >= 0);
    close(file);
    write_file(other, "sip_on_request(function() return sip_reply(486, 'secret') end)\n");
    snprintf(link, sizeof link, "%s/b.lua", bench->folder);
    assert_int_equal(symlink(other, link), 0);
    const char *const names[] = {other, "b.lua", link};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(spec, sizeof spec,
                 "policy '%s'\ntest('x', function() expect(invite 'sip:a@example.com'):hears(486) end)", names[i]);
        write_file(bench->spec, spec);
        run(bench, bench->folder, "--inside", bench->folder);
        assert_int_equal(bench->status, CLI_USAGE);
        assert_in(bench->err, "does not lie in");
        run(bench, bench->folder, NULL, NULL);
        assert_int_equal(bench->status, CLI_OK);
    }
    write_file(bench->spec, "policy 'a.lua'\ntest('x', function() end)");
    run(bench, bench->folder, "--inside", bench->folder);
    assert_int_equal(bench->status, CLI_OK);
    unlink(bench->spec);
    assert_int_equal(symlink(other, bench->spec), 0);
    run(bench, bench->folder, "--inside", bench->folder);
    assert_int_equal(bench->status, CLI_USAGE);
    assert_in(bench->err, "is outside of --inside");
    unlink(link);
    unlink(other);
}

static void test_a_spec_without_tests_fails(void **state)
{
    struct bench *bench = *state;
    write_file(bench->spec, "local bob = phone { aor = 'sip:bob@example.com' }\n-- test('none', function() end)\n");
    run(bench, bench->spec, NULL, NULL);
    assert_int_equal(bench->status, CLI_FAILED);
    assert_non_null(strstr(bench->out, "a_spec.lua:1: there are no tests in this spec\n"));
    assert_non_null(strstr(bench->out, "0 passed, 1 failed\n"));
    run(bench, bench->spec, "--tap", NULL);
    assert_int_equal(bench->status, CLI_FAILED);
    assert_non_null(strstr(bench->out, "not ok 1 - "));
}

static void test_only_without_a_match_fails(void **state)
{
    struct bench *bench = *state;
    write_file(bench->spec, "test('one', function() end)\n");
    run(bench, bench->spec, "--only", "two");
    assert_int_equal(bench->status, CLI_FAILED);
    assert_string_equal(bench->err, "reflow test: --only two: no test has this in its name\n");
    run(bench, bench->spec, "--only", "on");
    assert_int_equal(bench->status, CLI_OK);
}

/* The first test would fail, the second would never end, and the hook belongs to the third. */
static void test_only_runs_no_other_test(void **state)
{
    struct bench *bench = *state;
    write_file(bench->spec, BOB "test('wrong', function() equal(1, 2) end)\n"
                                "test('endless', function() print 'it ran' while true do end end)\n"
                                "test('busy', function() bob:answers(486) invite 'sip:bob@example.com' end)\n"
                                "test('well', function() end)\n");
    run(bench, bench->spec, "--only", "well");
    assert_string_equal(bench->err, "");
    assert_int_equal(bench->status, CLI_OK);
    assert_in(bench->out, "ok    well\n");
    assert_in(bench->out, "a.lua: 0 of 1 hooks");
    assert_in(bench->out, "1 passed, 0 failed");
    run(bench, bench->spec, "--only", "busy");
    assert_int_equal(bench->status, CLI_OK);
    assert_in(bench->out, "a.lua: 1 of 1 hooks");
}

/* What runs before the tests of a file is not counted where none of them is selected. */
static void test_a_file_without_selected_tests_is_not_covered(void **state)
{
    struct bench *bench = *state;
    write_file(bench->spec, BOB "bob:answers(486)\ninvite 'sip:bob@example.com'\ntest('x', function() end)\n");
    run(bench, bench->spec, "--only", "y");
    assert_int_equal(bench->status, CLI_FAILED);
    assert_null(strstr(bench->out, "hooks"));
    assert_null(strstr(bench->out, "there are no tests"));
}

static void test_the_folder_of_inside_is_named(void **state)
{
    struct bench *bench = *state;
    char inner[96], wanted[400];
    snprintf(inner, sizeof inner, "%s/inner", bench->folder);
    assert_int_equal(mkdir(inner, 0700), 0);
    write_file(bench->spec, "test('x', function() end)\n");
    run(bench, bench->spec, "--inside", inner);
    rmdir(inner);
    assert_int_equal(bench->status, CLI_USAGE);
    snprintf(wanted, sizeof wanted, "reflow test: %s: the path is outside of --inside %s\n", bench->spec, inner);
    assert_string_equal(bench->err, wanted);
    assert_string_equal(bench->out, "0 passed, 0 failed\n");
    run(bench, bench->spec, "--inside", "/no/such");
    assert_int_equal(bench->status, CLI_USAGE);
    assert_string_equal(bench->err, "reflow test: --inside /no/such: No such file or directory\n");
    assert_string_equal(bench->out, "");
    run(bench, bench->spec, "--inside", bench->spec);
    assert_int_equal(bench->status, CLI_USAGE);
    assert_in(bench->err, ": Not a directory\n");
}

static void test_an_error_is_printed_once(void **state)
{
    struct bench *bench = *state;
    write_file(bench->spec, "test('x', function(\n");
    run(bench, bench->spec, NULL, NULL);
    assert_int_equal(bench->status, CLI_USAGE);
    assert_in(bench->err, "a_spec.lua:2: ");
    assert_string_equal(bench->out, "0 passed, 0 failed\n");
    run(bench, bench->spec, "--tap", NULL);
    assert_int_equal(bench->status, CLI_USAGE);
    assert_in(bench->out, "a_spec.lua cannot be run: ");
}

static void test_a_layer_that_is_not_there_is_named(void **state)
{
    struct bench *bench = *state;
    write_file(bench->spec, "test('x', function() end)\n");
    run(bench, bench->spec, "--layer", "x:1=/no/such");
    assert_int_equal(bench->status, CLI_USAGE);
    assert_string_equal(bench->err, "reflow test: /no/such: No such file or directory\n");
    assert_string_equal(bench->out, "");
    run(bench, bench->spec, "--tenant", "example.com=/no/such");
    assert_int_equal(bench->status, CLI_USAGE);
    assert_string_equal(bench->err, "reflow test: /no/such: No such file or directory\n");
}

/* "FILE:LINE: " with this file begins a line of the text. */
static void assert_points_to(const char *text, const char *file, const char *rest)
{
    char line[512];
    snprintf(line, sizeof line, "%s:%s", file, rest);
    const char *found = strstr(text, line);
    if (found == NULL || (found != text && found[-1] != '\n'))
        fail_msg("no line begins with '%s' in: %s", line, text);
}

static void test_errors_point_to_their_file_and_line(void **state)
{
    struct bench *bench = *state;
    write_file(bench->spec, "\ntest('one', function(\n");
    run(bench, bench->spec, NULL, NULL);
    assert_int_equal(bench->status, CLI_USAGE);
    assert_points_to(bench->err, bench->spec, "3: ");
    write_file(bench->spec, "\npolicy 'missing.lua'\ntest('one', function() end)\n");
    run(bench, bench->spec, NULL, NULL);
    assert_int_equal(bench->status, CLI_USAGE);
    assert_points_to(bench->err, bench->spec, "2: ");
    assert_non_null(strstr(bench->err, "/missing.lua: No such file"));
    write_file(bench->spec, "test('one', function() end)\n");
    write_file(bench->policy, "\n\nsip_on_response(486,\n");
    run(bench, bench->spec, NULL, NULL);
    assert_int_equal(bench->status, CLI_USAGE);
    assert_points_to(bench->err, bench->policy, "4: ");
    run(bench, bench->spec, "--policy", "/no/such.lua");
    assert_int_equal(bench->status, CLI_USAGE);
    assert_string_equal(bench->err, "reflow test: --policy /no/such.lua: No such file or directory\n");
}

/* Not to the library of specs, whose files their author does not know. */
static void test_errors_in_a_spec_point_to_its_line(void **state)
{
    static const struct {
        const char *text, *line, *why;
    } wrong[] = {
        {"\nphone { aor = 'bob' }", "2", "a phone has an aor"},
        {"\nphone()", "2", "a phone takes a table of options, and not a nil"},
        {"\nphone { aor = 'sip:b@example.com', flow = 2 }", "2", "a phone has no option 'flow'"},
        {"\nphone { aor = 'sip:b@example.com', flows = -1 }", "2", "flows is a whole number from 0 to 1000"},
        {"\nphone { aor = 'sip:b@example.com', flows = 1e9 }", "2", "flows is a whole number from 0 to 1000"},
        {"\nphone { aor = 'sip:b@example.com', transport = 'sctp' }", "2", "transport is udp or tcp, and not 'sctp'"},
        {"\nserver('192.0.2.1:99999')", "2", "'192.0.2.1:99999' is no address"},
        {"\nserver()", "2", "'nil' is no address"},
        {"\ndomain('a b')", "2", "bad argument #1 to 'domain' (no domain)"},
        {"\nerror({})", "2", "an error whose value is a table, not a text"},
        {"\nerror()", "2", "an error without a text"},
        {"\nwhile true do end", "2", "the test ran for more than 1 s"},
        {"test('a', function()\n  invite()\nend)", "2", "a request takes a table of options, and not a nil"},
        {"test('a', function()\n  invite { too = 'sip:b@example.com' }\nend)", "2", "a request has no option 'too'"},
        {"test('a', function()\n  advance(0/0)\nend)", "2", "advance takes seconds"},
        {"test('a', function()\n  error({})\nend)", "2", "an error whose value is a table, not a text"},
        {"test('a', function()\n  pcall(function() while true do end end)\nend)", "2",
         "the test ran for more than 1 s"},
        {"test('a', function()\n  test('b', function() end)\nend)", "2", "a test cannot be inside of another one"},
        {BOB "test('a', function()\n  expect(invite 'sip:bob@example.com'):decided()\nend)", "3",
         "decided takes a table"},
    };
    struct bench *bench = *state;
    char place[160];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bool in_test = strstr(wrong[i].text, "test(") != NULL;
        write_file(bench->spec, wrong[i].text);
        run(bench, bench->spec, "--seconds", "1");
        assert_int_equal(bench->status, in_test ? CLI_FAILED : CLI_USAGE);
        snprintf(place, sizeof place, "%s:%s: %s", bench->spec, wrong[i].line, wrong[i].why);
        assert_in(in_test ? bench->out : bench->err, place);
    }
}

/* A reload of a server would wait for it. */
static void test_a_spec_that_is_a_pipe_is_refused(void **state)
{
    struct bench *bench = *state;
    char expected[160];
    assert_int_equal(mkfifo(bench->spec, 0600), 0);
    run(bench, bench->folder, NULL, NULL);
    assert_int_equal(bench->status, CLI_USAGE);
    snprintf(expected, sizeof expected, "reflow test: %s: not a file\n", bench->spec);
    assert_string_equal(bench->err, expected);
}

static void test_a_hook_that_fails_is_named_by_its_line(void **state)
{
    struct bench *bench = *state;
    char expected[192];
    write_file(bench->spec,
               "local bob = phone { aor = 'sip:bob@example.com' }\ntest('one', function()\n"
               "  bob:answers(486)\n  invite('sip:bob@example.com', { headers = { ['X-Fail'] = 'x' } })\nend)\n");
    run(bench, bench->spec, NULL, NULL);
    assert_int_equal(bench->status, CLI_FAILED);
    snprintf(expected, sizeof expected, "        %s:2: a hook failed: ", bench->policy);
    assert_non_null(strstr(bench->out, expected));
}

static void test_a_layer_and_a_tenant_are_tested_with_the_policy(void **state)
{
    struct bench *bench = *state;
    char layer[160], above[128];
    snprintf(above, sizeof above, "%s/above.txt", bench->folder);
    write_file(above, "sip_on_response(486, function() return sip_fail(600) end)\n");
    write_file(bench->spec, "local bob = phone { aor = 'sip:bob@example.com' }\ntest('one', function()\n"
                            "  bob:answers(486)\n  expect(invite 'sip:bob@example.com'):hears(600)\nend)\n");
    run(bench, bench->spec, NULL, NULL);
    assert_int_equal(bench->status, CLI_FAILED);
    snprintf(layer, sizeof layer, "site:5=%s", above);
    run(bench, bench->spec, "--layer", layer);
    assert_int_equal(bench->status, CLI_OK);
    snprintf(layer, sizeof layer, "example.com=%s", above);
    run(bench, bench->spec, "--tenant", layer);
    assert_int_equal(bench->status, CLI_OK);
    run(bench, bench->spec, "--tenant", "example.com");
    assert_int_equal(bench->status, CLI_USAGE);
    assert_string_equal(bench->err, "reflow test: --tenant example.com: expected DOMAIN=PATH\n");
    unlink(above);
}

/* --- pictures --- */

#define TWO_TESTS                                                                                                      \
    "local bob = phone { aor = 'sip:bob@example.com', flows = 2 }\n"                                                   \
    "test('Busy: <goes> to voicemail!', function() bob:answers(486) invite 'sip:bob@example.com' end)\n"               \
    "test('busy goes to voicemail', function() bob:answers(486)\n"                                                     \
    "  expect(invite 'sip:bob@example.com'):tried { 'nobody <&>' } end)\n"

static char *read_picture(const struct bench *bench, const char *name)
{
    enum { MOST = 100000 };
    char path[160];
    snprintf(path, sizeof path, "%s/pictures/%s", bench->folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("there is no %s", path);
    char *text = calloc(1, MOST);
    assert_non_null(text);
    assert_true(fread(text, 1, MOST - 1, file) > 0);
    fclose(file);
    unlink(path);
    return text;
}

static void test_a_picture_of_each_test(void **state)
{
    struct bench *bench = *state;
    char folder[96];
    snprintf(folder, sizeof folder, "%s/pictures", bench->folder);
    write_file(bench->spec, TWO_TESTS);
    run(bench, bench->spec, "--svg", folder);
    assert_string_equal(bench->err, "");
    assert_int_equal(bench->status, CLI_FAILED);
    char *passed = read_picture(bench, "a-spec-busy-goes-to-voicemail.svg");
    char *failed = read_picture(bench, "a-spec-busy-goes-to-voicemail-2.svg");
    assert_int_equal(rmdir(folder), 0); // nothing else is left in it
    assert_in(passed, "<title id=\"ladder-title\">Busy: &lt;goes&gt; to voicemail!</title>");
    assert_in(passed, ">INVITE bob@example.com</text>");
    assert_in(passed, "the policy decides: relay");
    assert_in(passed, ">5626-7.c</text>");
    assert_null(strstr(passed, ">failed</text>"));
    assert_in(failed, ">failed</text>");
    assert_in(failed, "nobody &lt;&amp;&gt;");
    free(passed);
    free(failed);
}

/* The picture in the manual is what the command draws. */
static void test_the_picture_of_the_manual(void **state)
{
    struct bench *bench = *state;
    char folder[96];
    snprintf(folder, sizeof folder, "%s/pictures", bench->folder);
    const char *const words[] = {"examples/policies", "--svg", folder, "--only", "that dies while it waits fails over"};
    run_words(bench, words, sizeof words / sizeof words[0]);
    assert_int_equal(bench->status, CLI_OK);
    char *drawn = read_picture(bench, "log-failed-flows-a-flow-that-dies-while-it-waits-fails-over-at-once.svg");
    assert_int_equal(rmdir(folder), 0);
    char *kept = calloc(1, strlen(drawn) + 2);
    FILE *file = fopen("examples/test-failover.svg", "rb");
    assert_true(file != NULL && kept != NULL);
    assert_int_equal(fread(kept, 1, strlen(drawn) + 1, file), strlen(drawn));
    fclose(file);
    assert_string_equal(kept, drawn);
    free(kept);
    free(drawn);
}

static void test_a_picture_in_spanish(void **state)
{
    struct bench *bench = *state;
    char folder[96];
    snprintf(folder, sizeof folder, "%s/pictures", bench->folder);
    write_file(bench->spec, TWO_TESTS);
    const char *const words[] = {bench->spec, "--svg", folder, "--lang", "es", "--only", "Busy", "--tap"};
    run_words(bench, words, sizeof words / sizeof words[0]);
    assert_int_equal(bench->status, CLI_OK);
    char *picture = read_picture(bench, "a-spec-busy-goes-to-voicemail.svg");
    assert_in(picture, "lang=\"es\"");
    assert_in(picture, ">llamante</text>");
    assert_in(picture, "flujo abierto: bob/1, bob/2");
    free(picture);
    rmdir(folder);
}

static void test_pictures_that_cannot_be_drawn(void **state)
{
    struct bench *bench = *state;
    char folder[128], line[256], policy[96];
    write_file(bench->spec, TWO_TESTS);
    snprintf(policy, sizeof policy, "%s", bench->policy);
    run(bench, bench->spec, "--svg", policy);
    assert_int_equal(bench->status, CLI_USAGE);
    snprintf(line, sizeof line, "reflow test: --svg %s: Not a directory\n", policy);
    assert_string_equal(bench->err, line);
    run(bench, bench->spec, "--svg", "/nowhere/pictures");
    assert_string_equal(bench->err, "reflow test: --svg /nowhere/pictures: No such file or directory\n");
    run(bench, bench->spec, "--lang", "fr");
    assert_string_equal(bench->err, "reflow test: --lang fr: the languages are en and es\n");
    // a folder in the place of the file
    snprintf(folder, sizeof folder, "%s/a-spec-busy-goes-to-voicemail.svg", bench->folder);
    assert_int_equal(mkdir(folder, 0777), 0);
    snprintf(policy, sizeof policy, "%s", bench->folder);
    run(bench, bench->spec, "--svg", policy);
    assert_int_equal(bench->status, CLI_USAGE);
    snprintf(line, sizeof line, "reflow test: cannot write %s: ", folder);
    assert_in(bench->err, line);
    assert_int_equal(rmdir(folder), 0);
}

static void test_a_caller_that_reacts(void **state)
{
    struct bench *bench = *state;
    run_spec(bench,
             BOB "local short = { 422, headers = { ['Min-SE'] = '1800' } }\n"
                 "test('422', function()\n"
                 "  bob:answers(short):then_answers(200)\n"
                 "  local call = invite { to = 'sip:bob@example.com', reacts = true,\n"
                 "    headers = { ['Session-Expires'] = '90' } }\n"
                 "  expect(call):hears { 422, 200 }:decided { role = 'uac', action = 'retry', rule = 'code-422' }\n"
                 "end)\n"
                 "test('nobody reacts unasked', function()\n"
                 "  bob:answers(short):then_answers(200)\n"
                 "  local call = invite 'sip:bob@example.com'\n"
                 "  advance(1)\n"
                 "  expect(call):hears { 422 }\n"
                 "end)\n"
                 "test('491', function()\n"
                 "  local call = invite { to = 'sip:bob@example.com', reacts = true }\n"
                 "  bob:answers(491):then_answers(200)\n"
                 "  local again = call:inside 'INVITE'\n"
                 "  advance(2)\n"
                 "  expect(again):hears { 491 }\n"
                 "  advance(2)\n"
                 "  expect(again):hears { 491, 200 }\n"
                 "end)\n"
                 "test('a phone', function()\n"
                 "  expect(phone { aor = 'sip:carol@example.com', expires = 30, reacts = true }):registered()\n"
                 "  expect(phone { aor = 'sip:dave@example.com', expires = 30 }):refused(423)\n"
                 "end)\n"
                 "test('what it cannot do', function()\n"
                 "  bob:answers(428)\n"
                 "  invite { to = 'sip:bob@example.com', reacts = true }\n"
                 "end)\n");
    assert_in(bench->out, "ok    422");
    assert_in(bench->out, "ok    nobody reacts unasked");
    assert_in(bench->out, "ok    491");
    assert_in(bench->out, "ok    a phone");
    assert_in(bench->out, "FAIL  what it cannot do");
    assert_in(bench->out, "the core decides to retry with another identity");
}

static void test_users_of_a_spec(void **state)
{
    struct bench *bench = *state;
    run_spec(bench, "user('bob@example.com', 'secret')\n"
                    "test('passwords', function()\n"
                    "  local right = { aor = 'sip:bob@example.com', reacts = true, password = 'secret' }\n"
                    "  expect(phone(right)):registered()\n"
                    "  right.password = 'wrong'\n"
                    "  expect(phone(right)):refused(401)\n"
                    "  local call = { to = 'sip:bob@example.com', from = 'sip:bob@example.com', reacts = true }\n"
                    "  expect(invite(call)):hears { 407 }\n"
                    "  call.password = 'secret'\n"
                    "  expect(invite(call)):hears { 407, 200 }\n"
                    "end)\n");
    assert_string_equal(bench->err, "");
    if (bench->status != CLI_OK)
        fail_msg("%s", bench->out);
    run_spec(bench, "user('bob', 'secret')\ntest('wrong', function() end)\n");
    assert_int_equal(bench->status, CLI_USAGE);
    run_spec(bench, "test('late', function() phone 'sip:bob@example.com' user('bob@example.com', 'x') end)\n");
    assert_int_equal(bench->status, CLI_FAILED);
    assert_in(bench->out, "a user is named before the first phone");
}

/* Two servers with one name, and the server as an edge proxy: its own decision about a flow that is cut. */
static void test_3263_4_3_a_servers_with_one_name(void **state)
{
    struct bench *bench = *state;
    write_file(bench->policy, "sip_on_request(function() return sip_relay 'sip:x@carrier.example.net' end)\n");
    run_spec(bench, "local one = server('carrier.example.net', { name = 'one' }):answers(503)\n"
                    "local two = server('carrier.example.net', { name = 'two' })\n"
                    "test('the next server', function()\n"
                    "  expect(invite 'sip:bob@example.com'):hears(200):tried { 'one', 'two' }\n"
                    "end)\n");
    assert_string_equal(bench->err, "");
    if (bench->status != CLI_OK)
        fail_msg("%s", bench->out);
}

static void test_5626_5_3_c_the_server_as_an_edge_proxy(void **state)
{
    struct bench *bench = *state;
    write_file(bench->policy, "sip_on_request(function() return sip_forward 'sip:198.51.100.9:5060' end)\n");
    run_spec(bench, "edge()\n"
                    "local registrar = server('198.51.100.9:5060', { name = 'registrar' })\n"
                    "local bob = phone { aor = 'sip:bob@example.com' }\n"
                    "test('430', function()\n"
                    "  bob:answers 'is silent'\n"
                    "  local call = request('INVITE', { to = 'sip:bob@198.51.100.1:5060', over = registrar,\n"
                    "    headers = { Route = registrar.newest.request:header 'Path' } })\n"
                    "  expect(call):tried { 'bob/1' }\n"
                    "  bob:dies()\n"
                    "  expect(call):hears(430):decided { rule = '5626-5.3.c', role = 'edge' }\n"
                    "end)\n");
    assert_string_equal(bench->err, "");
    if (bench->status != CLI_OK)
        fail_msg("%s", bench->out);
    run_spec(bench, "test('late', function() phone 'sip:bob@example.com' edge() end)\n");
    assert_in(bench->out, "edge() comes before the first phone");
}

static void test_5626_7_b_edges_that_answer_430(void **state)
{
    struct bench *bench = *state;
    run_spec(bench, "local bob = phone { aor = 'sip:bob@example.com', edges = { 'edge 1', 'edge 2' } }\n"
                    "test('430', function()\n"
                    "  bob:flow(1):answers(430)\n"
                    "  expect(invite 'sip:bob@example.com'):hears(200):tried { 'edge 1', 'edge 2' }\n"
                    "end)\n"
                    "test('only 430', function()\n"
                    "  bob:answers(430)\n"
                    "  expect(invite 'sip:bob@example.com'):hears(480):decided { rule = '5626-7.b' }\n"
                    "end)\n");
    assert_string_equal(bench->err, "");
    assert_int_equal(bench->status, CLI_OK);
}

static void test_6665_4_3_a_a_subscription_in_a_spec(void **state)
{
    struct bench *bench = *state;
    run_spec(bench, BOB "test('subscribe', function()\n"
                        "  local wanted = request('SUBSCRIBE', { to = 'sip:bob@example.com', reacts = true,\n"
                        "    headers = { Event = 'dialog' } })\n"
                        "  expect(wanted):hears(200):decided { rule = 'code-2xx-subscribe' }\n"
                        "  bob:notifies { ['Subscription-State'] = 'active' }\n"
                        "end)\n"
                        "test('too early', function() bob:notifies() end)\n");
    assert_in(bench->out, "ok    subscribe");
    assert_in(bench->out, "no SUBSCRIBE has come to bob");
}

/* What a network does in a spec: a connection that closes, an ICMP error, a loop, a forged response. */
static void test_a_network_in_a_spec(void **state)
{
    struct bench *bench = *state;
    run_spec(bench, "local bob = phone { aor = 'sip:bob@example.com', flows = 0, transport = 'tcp',\n"
                    "  contact = '198.51.100.1:5060' }\n"
                    "local carol = phone { aor = 'sip:carol@example.com', transport = 'udp' }\n"
                    "local other = server('203.0.113.66:5060', { name = 'other' })\n"
                    "test('3261-10.a', function()\n"
                    "  bob:answers 'is silent'\n"
                    "  local call = invite 'sip:bob@example.com'\n"
                    "  bob:answers(200):closes()\n"
                    "  expect(call):hears(200):decided { rule = '3261-10.a' }\n"
                    "end)\n"
                    "test('5626-7.j', function()\n"
                    "  carol:answers 'is silent'\n"
                    "  local call = invite 'sip:carol@example.com'\n"
                    "  carol:is_unreachable(true)\n"
                    "  expect(call):hears(480)\n"
                    "end)\n"
                    "test('3261-17.1.3.a', function()\n"
                    "  carol:answers 'is silent'\n"
                    "  local call = invite 'sip:carol@example.com'\n"
                    "  other:forges(carol, 603)\n"
                    "  expect(call):hears()\n"
                    "  carol:answer(200)\n"
                    "  expect(call):hears(200)\n"
                    "end)\n"
                    "test('too early', function() other:forges(carol, 603) end)\n"
                    "test('no connection', function() carol:closes() end)\n"
                    "test('no UDP', function() bob:is_unreachable(true) end)\n"
                    "test('no URI', function() other:sends_back() end)\n");
    assert_in(bench->out, "carol/1 has no connection");
    assert_in(bench->out, "bob is not reached over UDP");
    assert_in(bench->out, "sends_back takes a URI");
    assert_in(bench->out, "ok    3261-10.a");
    assert_in(bench->out, "ok    5626-7.j");
    assert_in(bench->out, "ok    3261-17.1.3.a");
    assert_in(bench->out, "no request waits at carol");
}

static void test_5393_4_a_a_loop_in_a_spec(void **state)
{
    struct bench *bench = *state;
    write_file(bench->policy, "sip_on_request(function() return sip_relay 'sip:bob@203.0.113.66:5060' end)\n");
    run_spec(bench, "server('203.0.113.66:5060', { name = 'other' }):sends_back 'sip:bob@example.com'\n"
                    "test('a loop', function() expect(invite 'sip:bob@example.com'):hears(482) end)\n");
    assert_string_equal(bench->err, "");
    if (bench->status != CLI_OK)
        fail_msg("%s", bench->out);
}

/* What only a user can change in a request, and what a user agent decides if nothing comes. */
static void test_a_caller_that_retries_or_waits_in_vain(void **state)
{
    struct bench *bench = *state;
    run_spec(bench,
             BOB "test('code-428-438', function()\n"
                 "  bob:answers(428):then_answers(200)\n"
                 "  local call = invite { to = 'sip:bob@example.com', reacts = true, retries = { Identity = 'x' } }\n"
                 "  expect(call):hears { 428, 200 }:decided { rule = 'code-428-438', action = 'retry' }\n"
                 "  equal(bob:flow(1).newest.request:header 'Identity', 'x')\n"
                 "end)\n"
                 "test('3261-8.1.3.b', function()\n"
                 "  bob:answers 'is silent'\n"
                 "  local call = request('OPTIONS', { to = 'sip:bob@example.com', reacts = true })\n"
                 "  advance(33)\n"
                 "  expect(call):hears():decided { role = 'uac', rule = '3261-8.1.3.b', origin = 'timeout' }\n"
                 "end)\n"
                 "test('3261-8.1.3.c', function()\n"
                 "  bob:answers { 200, headers = { Via = 'SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK-1' } }\n"
                 "  local call = request('OPTIONS', { to = 'sip:bob@example.com', reacts = true })\n"
                 "  expect(call):decided { role = 'uac', rule = '3261-8.1.3.c', action = 'absorb' }\n"
                 "  equal(call.final, nil)\n"
                 "end)\n");
    assert_string_equal(bench->err, "");
    if (bench->status != CLI_OK)
        fail_msg("%s", bench->out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_spec_without_tests_fails),
        TEST(test_only_without_a_match_fails),
        TEST(test_only_runs_no_other_test),
        TEST(test_a_file_without_selected_tests_is_not_covered),
        TEST(test_the_folder_of_inside_is_named),
        TEST(test_an_error_is_printed_once),
        TEST(test_a_layer_that_is_not_there_is_named),
        TEST(test_errors_point_to_their_file_and_line),
        TEST(test_errors_in_a_spec_point_to_its_line),
        TEST(test_a_spec_that_is_a_pipe_is_refused),
        TEST(test_a_hook_that_fails_is_named_by_its_line),
        TEST(test_a_layer_and_a_tenant_are_tested_with_the_policy),
        TEST(test_a_spec_that_holds_passes),
        TEST(test_credentials_in_a_spec),
        TEST(test_who_calls_in_a_spec),
        TEST(test_request_uris_of_other_schemes_in_a_spec),
        TEST(test_a_failure_shows_both_lists_and_what_happened),
        TEST(test_5626_7_h_in_a_spec),
        TEST(test_a_hook_that_fails_fails_the_test),
        TEST(test_5626_11_5_a_a_refused_verdict_fails_the_test),
        TEST(test_each_test_begins_afresh),
        TEST(test_a_runaway_spec_is_stopped),
        TEST(test_what_a_spec_says_is_printable),
        TEST(test_what_cannot_be_run_is_told_from_what_fails),
        TEST(test_the_language),
        TEST(test_coverage_is_told),
        TEST(test_a_folder_is_one_policy),
        TEST(test_the_library_of_a_folder),
        TEST(test_tap),
        TEST(test_a_hostile_spec_changes_nothing),
        TEST(test_inside_a_folder_other_policies_cannot_be_named),
        TEST(test_the_examples_pass_their_specs),
        TEST(test_a_picture_of_each_test),
        TEST(test_a_picture_in_spanish),
        TEST(test_the_picture_of_the_manual),
        TEST(test_pictures_that_cannot_be_drawn),
        TEST(test_a_caller_that_reacts),
        TEST(test_users_of_a_spec),
        TEST(test_3263_4_3_a_servers_with_one_name),
        TEST(test_5626_5_3_c_the_server_as_an_edge_proxy),
        TEST(test_5626_7_b_edges_that_answer_430),
        TEST(test_6665_4_3_a_a_subscription_in_a_spec),
        TEST(test_a_network_in_a_spec),
        TEST(test_5393_4_a_a_loop_in_a_spec),
        TEST(test_a_caller_that_retries_or_waits_in_vain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
