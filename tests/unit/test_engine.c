// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "script_fixture.h"

#include "core/code.h"

static void assert_says(const struct script_fixture *fixture, const char *part)
{
    if (strstr(fixture->error, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fixture->error, part);
    assert_null(strchr(fixture->error, '\n'));
}

static void test_a_script_loads_and_names_itself(void **state)
{
    struct script_fixture *f = *state;
    assert_int_equal(fixture_load(f, "sip_on_request(function() end)"), 0);
    assert_string_equal(script_path(f->script), f->path);
    assert_true(script_has_hook(f->script, HOOK_REQUEST));
    assert_false(script_has_hook(f->script, HOOK_RESPONSE));
    assert_false(script_has_hook(f->script, HOOK_FLOW_DOWN));
}

static void test_the_hash_is_of_the_bytes(void **state)
{
    struct script_fixture *f = *state;
    assert_int_equal(fixture_load(f, "local a = 1 return a"), 0);
    uint64_t first = script_hash(f->script);
    assert_int_equal(fixture_load(f, "local a = 2 return a"), 0);
    assert_int_not_equal(script_hash(f->script), first);
    assert_int_equal(fixture_load(f, "local a = 1 return a"), 0);
    assert_int_equal(script_hash(f->script), first);
}

static void test_a_missing_file_is_told(void **state)
{
    struct script_fixture *f = *state;
    struct script *script = NULL;
    assert_int_equal(script_new(&script, &f->fake.host, NULL, "/nowhere/a.lua", f->error, sizeof f->error), -ENOENT);
    assert_null(script);
    assert_says(f, "/nowhere/a.lua");
    assert_int_equal(script_new(&script, &f->fake.host, NULL, "tests/unit", f->error, sizeof f->error), -ENOENT);
    assert_says(f, "tests/unit: no .lua file");
    assert_int_equal(script_new(&script, &f->fake.host, NULL, "/dev/null", f->error, sizeof f->error), -EINVAL);
}

static void test_a_syntax_error_has_file_line_and_reason(void **state)
{
    struct script_fixture *f = *state;
    assert_int_equal(fixture_load(f, "local a = 1\nlocal b = = 2\n"), -EINVAL);
    assert_null(f->script);
    assert_says(f, strrchr(f->path, '-'));
    assert_says(f, ":2:");
    assert_says(f, "unexpected symbol");
}

static void test_a_run_time_error_on_the_last_line_has_file_line_and_reason(void **state)
{
    struct script_fixture *f = *state;
    assert_int_equal(fixture_load(f, "sip_on_request(function() end)\nlocal t\nt.x = 1"), -EINVAL);
    assert_null(f->script);
    assert_says(f, ":3:");
    assert_says(f, "attempt to index a nil value");
}

static void test_an_error_names_how_the_script_came_there(void **state)
{
    struct script_fixture *f = *state;
    assert_int_equal(fixture_load(f, "local function inner()\n error('broken')\nend\nlocal function outer()\n inner() "
                                     "end\nouter()"),
                     -EINVAL);
    assert_says(f, ":2: broken (in inner, line 2, called from ");
    assert_says(f, ":5");
    assert_says(f, ":6");
}

static void test_an_error_that_is_no_string_is_told_all_the_same(void **state)
{
    struct script_fixture *f = *state;
    assert_int_equal(fixture_load(f, "error({})"), -EINVAL);
    assert_says(f, "table");
    assert_says(f, "line 1");
    assert_int_equal(fixture_load(f, "error(setmetatable({}, {__tostring = function() error('again') end}))"), -EINVAL);
    assert_true(f->error[0] != '\0');
    assert_int_equal(fixture_load(f, "error(nil)"), -EINVAL);
    assert_true(f->error[0] != '\0');
    assert_int_equal(fixture_load(f, "error('two\\nlines')"), -EINVAL);
    assert_says(f, "two lines");
}

static void test_a_broken_script_leaves_the_loaded_one_alone(void **state)
{
    struct script_fixture *f = *state;
    struct script *other = NULL;
    assert_int_equal(fixture_load(f, "sip_on_request(function() return sip_reply(486) end)"), 0);
    fixture_write(f, "sip_on_request(function() return sip_reply(603) end) error('late')", 66);
    assert_int_equal(script_new(&other, &f->fake.host, NULL, f->path, f->error, sizeof f->error), -EINVAL);
    assert_null(other);
    assert_int_equal(fixture_request(f), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.code, 486);
}

static void test_bytecode_is_refused(void **state)
{
    struct script_fixture *f = *state;
    static const char bytes[] = "\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08";
    fixture_write(f, bytes, sizeof bytes - 1);
    assert_int_equal(script_new(&f->script, &f->fake.host, NULL, f->path, f->error, sizeof f->error), -EINVAL);
    assert_says(f, "binary chunk");
    assert_says(f, f->path);
}

static void test_a_first_line_for_the_shell_is_passed_over(void **state)
{
    struct script_fixture *f = *state;
    assert_int_equal(fixture_load(f, "#!/usr/bin/env reflow\nsip_on_request(function() end)"), 0);
    assert_int_equal(fixture_load(f, "\xef\xbb\xbf"
                                     "sip_on_request(function() end)"),
                     0);
    assert_int_equal(fixture_load(f, "#!/usr/bin/env reflow\nerror('here')"), -EINVAL);
    assert_says(f, ":2: here");
    assert_int_equal(fixture_load(f, "#"), 0);
    assert_int_equal(fixture_load(f, ""), 0);
}

static void test_a_file_over_the_limit_is_refused(void **state)
{
    struct script_fixture *f = *state;
    f->limits.source = 16;
    assert_int_equal(fixture_load(f, "local a = 1     "), 0);
    assert_int_equal(fixture_load(f, "local a = 1      "), -EFBIG);
    assert_says(f, "too large");
}

static void test_loading_is_stopped_when_it_runs_too_long(void **state)
{
    struct script_fixture *f = *state;
    f->limits.load_ms = 30;
    assert_int_equal(fixture_load(f, "while true do end"), -ETIME);
    assert_says(f, "ran past its time");
    assert_says(f, ":1:");
    assert_int_equal(fixture_load(f, "while true do pcall(function() while true do end end) end"), -ETIME);
}

static void test_loading_stops_at_the_memory_cap(void **state)
{
    struct script_fixture *f = *state;
    f->limits.memory = 2 << 20;
    assert_int_equal(fixture_load(f, "local t = {} for i = 1, 1e7 do t[i] = i end"), -ENOMEM);
    assert_says(f, "not enough memory");
    assert_true(f->fake.allocated < 64 << 10);
}

static void test_a_cap_too_small_for_anything_is_told(void **state)
{
    struct script_fixture *f = *state;
    for (f->limits.memory = 1; f->limits.memory < 40 << 10; f->limits.memory = f->limits.memory * 3 / 2 + 1)
        assert_int_equal(fixture_load(f, ""), -ENOMEM);
}

static void test_the_last_release_closes(void **state)
{
    struct script_fixture *f = *state;
    assert_int_equal(fixture_load(f, "sip_on_request(function() return sip_drop() end)"), 0);
    size_t held = f->fake.allocated;
    assert_ptr_equal(script_hold(f->script), f->script);
    script_release(f->script);
    assert_int_equal(f->fake.allocated, held);
    assert_int_equal(fixture_request(f), SCRIPT_VERDICT);
    script_release(f->script);
    f->script = NULL;
    assert_true(f->fake.allocated < held);
    script_release(NULL);
}

static void test_a_short_error_buffer_is_kept_to(void **state)
{
    struct script_fixture *f = *state;
    char small[8] = "1234567";
    fixture_write(f, "error('x')", 10);
    assert_int_equal(script_new(&f->script, &f->fake.host, NULL, f->path, small, sizeof small), -EINVAL);
    assert_int_equal(strlen(small), 7);
    assert_int_equal(script_new(&f->script, &f->fake.host, NULL, f->path, NULL, 0), -EINVAL);
}

static void handle_nothing(int number)
{
    (void)number;
}

static void test_a_signal_that_is_taken_is_told(void **state)
{
    struct script_fixture *f = *state;
    signal(SIGVTALRM, handle_nothing);
    assert_int_equal(fixture_load(f, ""), -EBUSY);
    assert_says(f, "SIGVTALRM");
    signal(SIGVTALRM, SIG_DFL);
    assert_int_equal(fixture_load(f, ""), 0);
}

/* Timers are not inherited: a child loads its script anew, and that one is stopped too. */
static void test_a_child_process_has_a_watch_of_its_own(void **state)
{
    struct script_fixture *f = *state;
    int status;
    f->limits.time_ms = 10;
    assert_int_equal(fixture_load(f, "sip_on_response(486, function() while true do end end)"), 0);
    assert_int_equal(fixture_respond(f, 486), SCRIPT_OVERRUN);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(120);
        bool stopped = fixture_load(f, "sip_on_response(486, function() while true do end end)") == 0 &&
                       fixture_respond(f, 486) == SCRIPT_OVERRUN;
        _exit(stopped ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(fixture_respond(f, 486), SCRIPT_OVERRUN);
}

/* Whatever allocation fails first, loading ends with -ENOMEM and gives everything back. */
static void test_loading_under_stepped_allocation_failure(void **state)
{
    struct script_fixture *f = *state;
    static const char text[] = "local sip = require 'reflow'\n"
                               "local kept = sip_relay('sip:vm@media')\n"
                               "sip_on_response({486, 600, '5xx'}, function() return kept end)\n"
                               "sip_on_request('INVITE', function(request) return sip.route() end)\n"
                               "local s = ('x'):rep(1000):gsub('x', 'y')\n";
    fixture_write(f, text, sizeof text - 1);
    size_t before = f->fake.allocated;
    for (uint64_t nth = 1;; nth++) {
        f->fake.fail_after = f->fake.calls + nth;
        int error = script_new(&f->script, &f->fake.host, NULL, f->path, f->error, sizeof f->error);
        f->fake.fail_after = 0;
        if (error == 0)
            break;
        assert_int_equal(error, -ENOMEM);
        assert_null(f->script);
        assert_int_equal(f->fake.allocated, before);
        assert_true(nth < 100000);
    }
    assert_int_equal(fixture_respond(f, 486), SCRIPT_VERDICT);
    script_idle(f->script);
}

static void test_which_responses_a_script_hears(void **state)
{
    struct script_fixture *f = *state;
    const struct facts busy = {.code = SIP_BUSY_HERE}, ringing = {.code = SIP_RINGING}, garbage = {.code = 9999};
    const struct facts dead = {.origin = ORIGIN_FLOW_DOWN}, silent = {.origin = ORIGIN_TIMEOUT};
    assert_int_equal(fixture_load(f, "sip_on_response(486, function() end)\nsip_on_flow_failed(function() end)\n"), 0);
    assert_true(script_hears(f->script, &busy));
    assert_true(script_hears(f->script, &dead));
    assert_false(script_hears(f->script, &ringing));
    assert_false(script_hears(f->script, &silent));
    assert_false(script_hears(f->script, &garbage));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_script_loads_and_names_itself),
        TEST(test_which_responses_a_script_hears),
        TEST(test_the_hash_is_of_the_bytes),
        TEST(test_a_missing_file_is_told),
        TEST(test_a_syntax_error_has_file_line_and_reason),
        TEST(test_a_run_time_error_on_the_last_line_has_file_line_and_reason),
        TEST(test_an_error_names_how_the_script_came_there),
        TEST(test_an_error_that_is_no_string_is_told_all_the_same),
        TEST(test_a_broken_script_leaves_the_loaded_one_alone),
        TEST(test_bytecode_is_refused),
        TEST(test_a_first_line_for_the_shell_is_passed_over),
        TEST(test_a_file_over_the_limit_is_refused),
        TEST(test_loading_is_stopped_when_it_runs_too_long),
        TEST(test_loading_stops_at_the_memory_cap),
        TEST(test_a_cap_too_small_for_anything_is_told),
        TEST(test_the_last_release_closes),
        TEST(test_a_short_error_buffer_is_kept_to),
        TEST(test_a_signal_that_is_taken_is_told),
        TEST(test_a_child_process_has_a_watch_of_its_own),
        TEST(test_loading_under_stepped_allocation_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
