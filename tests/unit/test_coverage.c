// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>

#include "script/coverage/coverage.h"
#include "script/coverage/coverage_code.h"

/* What a program could do, as words: "l2 m1 b2-3 b2-0", lines and branches sorted as they come. */
struct words {
    char text[1000];
    size_t length;
};

static void on_line(void *context, unsigned line, bool main)
{
    struct words *words = context;
    words->length += (size_t)snprintf(words->text + words->length, sizeof words->text - words->length, "%c%u ",
                                      main ? 'm' : 'l', line);
}

static void on_branch(void *context, unsigned from, unsigned to)
{
    struct words *words = context;
    words->length +=
        (size_t)snprintf(words->text + words->length, sizeof words->text - words->length, "b%u-%u ", from, to);
}

static int read_program(const char *program, struct words *words)
{
    const struct code_reader reader = {on_line, on_branch, words};
    *words = (struct words){.length = 0};
    return coverage_read(&reader, text_of(program));
}

static void assert_reads(const char *program, const char *wanted)
{
    struct words words;
    assert_int_equal(read_program(program, &words), 0);
    assert_string_equal(words.text, wanted);
}

static void test_lines(void **unused)
{
    (void)unused;
    assert_reads("local x = 1\n\nx = x + 1\n", "m1 m3 ");
    assert_reads("f(function()\n  g()\nend)\n", "l2 m1 m3 ");
    assert_reads("", "m1 ");
}

static void test_branches_on_lines_of_their_own(void **unused)
{
    (void)unused;
    assert_reads("function f(a)\n  if a then\n    g()\n  else\n    h()\n  end\nend\n", "l2 b2-3 b2-5 l3 l5 m1 m7 ");
    assert_reads("function f(a)\n  while a() do\n    g()\n  end\n  h()\nend\n", "l2 b2-3 b2-5 l3 l5 m1 m6 ");
}

static void test_a_branch_that_returns_on_its_line(void **unused)
{
    (void)unused;
    assert_reads("function f(a)\n  if a then return 1 end\n  g()\nend\n", "l2 b2-0 b2-3 l3 m1 m4 ");
    assert_reads("function f(a, b)\n  if a and b == 3 then return g() end\n  g()\nend\n", "l2 b2-3 b2-0 l3 m1 m4 ");
}

/* Nothing tells the two ways apart. */
static void test_what_goes_on_on_one_line_is_no_branch(void **unused)
{
    (void)unused;
    assert_reads("function f(a, b)\n  local x = a and b\n  return x\nend\n", "l2 l3 m1 m4 ");
    assert_reads("function f(a)\n  if a then g() end\n  h()\nend\n", "l2 l3 m1 m4 ");
}

static void test_far_lines_and_all_kinds_of_constants(void **unused)
{
    char program[2000] = "function f(a)\n  g(1.5, 300000, 'text', nil, true, false, -7, 1e300,\n";
    struct words words;
    (void)unused;
    for (int i = 0; i < 400; i++)
        strcat(program, "\n");
    strcat(program, "    'long text of more than forty characters, which Lua keeps in another way')\n"
                    "  if a < 5 then\n    h()\n  end\nend\n");
    assert_int_equal(read_program(program, &words), 0);
    assert_non_null(strstr(words.text, "l403 "));
    assert_non_null(strstr(words.text, "b404-405 b404-407 ") != NULL ? words.text
                                                                     : strstr(words.text, "b404-407 b404-405 "));
}

static void test_what_does_not_compile(void **unused)
{
    struct words words;
    (void)unused;
    assert_int_equal(read_program("x = = 1", &words), -EINVAL);
}

static bool list_missing(void *context, unsigned line, int to)
{
    struct words *words = context;
    words->length +=
        (size_t)snprintf(words->text + words->length, sizeof words->text - words->length, "%u>%d ", line, to);
    return true;
}

enum { PATH_SIZE = 80 };

static struct script *load(struct fake_host *fake, char path[PATH_SIZE], const char *program)
{
    char error[300] = "";
    struct script *script = NULL;
    temporary_path(path, PATH_SIZE, "coverage-XXXXXX.lua");
    int descriptor = mkstemps(path, 4);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "wb");
    fputs(program, file);
    fclose(file);
    const struct script_limits limits = {.time_ms = 5000, .load_ms = 20000};
    if (script_new(&script, &fake->host, &limits, path, error, sizeof error) != 0)
        fail_msg("%s", error);
    return script;
}

static void test_hooks_lines_and_branches_of_a_script(void **unused)
{
    char path[PATH_SIZE];
    struct fake_host fake;
    struct coverage *coverage = NULL;
    struct coverage_file file;
    struct words words = {.length = 0};
    (void)unused;
    fake_host_create(&fake);
    assert_int_equal(coverage_new(&coverage, &fake.host), 0);
    struct script *script = load(&fake, path,
                                 "sip_on_flow_up(function(flow)\n"
                                 "  if flow.reg_id == 1 then\n"
                                 "    return\n"
                                 "  end\n"
                                 "  sip_log 'another'\n"
                                 "end)\n"
                                 "sip_on_flow_down(function(flow)\n"
                                 "  sip_log 'down'\n"
                                 "end)\n");
    remove(path);
    assert_int_equal(coverage_watch(coverage, script), 0);
    const struct script_flow flow = {.flow = TEXT("tcp 1"), .aor = TEXT("sip:bob@example.com"), .reg_id = 1};
    script_on_flow(script, HOOK_FLOW_UP, &flow);
    assert_int_equal(coverage_watch(coverage, script), 0);
    assert_true(coverage_file(coverage, 0, &file));
    assert_int_equal(file.hooks, 2);
    assert_int_equal(file.hooks_run, 1);
    assert_int_equal(file.branches, 2);
    assert_int_equal(file.branches_run, 1);
    coverage_missing(coverage, 0, list_missing, &words);
    assert_string_equal(words.text, "2>5 5>-1 8>-1 ");
    const struct script_flow other = {.flow = TEXT("tcp 1"), .aor = TEXT("sip:bob@example.com"), .reg_id = 2};
    script_on_flow(script, HOOK_FLOW_UP, &other);
    script_on_flow(script, HOOK_FLOW_DOWN, &other);
    assert_int_equal(coverage_watch(coverage, script), 0);
    assert_true(coverage_file(coverage, 0, &file));
    assert_int_equal(file.hooks_run, 2);
    assert_int_equal(file.lines_run, file.lines);
    assert_int_equal(file.branches_run, 2);
    assert_false(coverage_file(coverage, 1, &file));
    script_release(script);
    coverage_delete(coverage);
    assert_int_equal(fake.allocated, 0);
}

static void test_without_memory(void **unused)
{
    char path[PATH_SIZE];
    struct fake_host fake;
    struct coverage *coverage = NULL;
    (void)unused;
    fake_host_create(&fake);
    struct script *script = load(&fake, path, "sip_on_flow_up(function() end)\n");
    remove(path);
    for (size_t step = 1; step < 20; step++) {
        fake.calls = 0;
        fake.fail_after = step;
        if (coverage_new(&coverage, &fake.host) == 0) {
            int error = coverage_watch(coverage, script);
            assert_true(error == 0 || error == -ENOMEM);
            if (error != 0)
                coverage_delete(coverage);
            else
                step = 20;
        }
        fake.fail_after = 0;
    }
    script_release(script);
    coverage_delete(coverage);
    assert_int_equal(fake.allocated, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_branches_on_lines_of_their_own),
        cmocka_unit_test(test_a_branch_that_returns_on_its_line),
        cmocka_unit_test(test_what_goes_on_on_one_line_is_no_branch),
        cmocka_unit_test(test_far_lines_and_all_kinds_of_constants),
        cmocka_unit_test(test_what_does_not_compile),
        cmocka_unit_test(test_hooks_lines_and_branches_of_a_script),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
