// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "script_fixture.h"

/* No script gets past its time or its memory, and the call after it is fine. Time here is the CPU's, so that nothing
   depends on how busy the machine is; and only what must overrun is short of it. */

enum { SHORT_MS = 10, STOPPED_MS = 3000 };

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static enum script_outcome respond_shortly(struct script_fixture *f)
{
    fixture_set_time(f, SHORT_MS);
    enum script_outcome outcome = fixture_respond(f, 486);
    fixture_set_time(f, FIXTURE_LIMITS.time_ms);
    return outcome;
}

/* The body of a hook for 486 ends with this outcome, soon, and 487 has its verdict after it. */
static void assert_stopped(struct script_fixture *f, const char *body, enum script_outcome expected)
{
    char text[800];
    snprintf(text, sizeof text,
             "sip_on_response(486, function(reply, call)\n%s\nend)\n"
             "sip_on_response(487, function() return sip_fail(480) end)\n",
             body);
    fixture_must_load(f, text);
    double begin = cpu_ms();
    enum script_outcome outcome = expected == SCRIPT_OVERRUN ? respond_shortly(f) : fixture_respond(f, 486);
    if (outcome != expected)
        fail_msg("outcome %d of: %s (%s)", outcome, body, f->fake.last_log);
    if (cpu_ms() - begin > STOPPED_MS)
        fail_msg("%.0f ms: %s", cpu_ms() - begin, body);
    assert_int_equal(fixture_respond(f, 487), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.code, 480);
}

static void test_an_endless_loop_is_stopped(void **state)
{
    struct script_fixture *f = *state;
    struct script_counters counters;
    assert_stopped(f, "while true do end", SCRIPT_OVERRUN);
    assert_non_null(strstr(f->fake.last_log, ":2: ran past its time"));
    script_counters(f->script, &counters);
    assert_int_equal(counters.overruns, 1);
    assert_int_equal(counters.errors, 0);
    assert_stopped(f, "for _ = 1, math.huge do end", SCRIPT_OVERRUN);
    assert_stopped(f, "goto on ::on:: goto on", SCRIPT_OVERRUN);
    assert_stopped(f, "local function f() return f() end return f()", SCRIPT_OVERRUN);
    assert_stopped(f, "repeat until tostring(1) == tostring(2)", SCRIPT_OVERRUN);
}

static void test_protected_calls_do_not_outlast_the_time(void **state)
{
    struct script_fixture *f = *state;
    assert_stopped(f, "pcall(function() while true do end end) while true do end", SCRIPT_OVERRUN);
    assert_stopped(f, "while true do pcall(function() while true do end end) end", SCRIPT_OVERRUN);
    assert_stopped(f, "while true do pcall(pcall, error) end", SCRIPT_OVERRUN);
    assert_stopped(f, "return pcall(function() while true do end end)", SCRIPT_OVERRUN);
    assert_stopped(f, "xpcall(function() while true do end end, function() while true do end end)", SCRIPT_OVERRUN);
    assert_stopped(f, "local function loop() while true do end end xpcall(error, loop)", SCRIPT_OVERRUN);
    assert_stopped(f, "local function loop() while true do end end while true do xpcall(loop, error) end",
                   SCRIPT_OVERRUN);
    assert_stopped(f, "pcall(function() while true do end end) return sip_accept()", SCRIPT_OVERRUN);
    assert_stopped(f,
                   "local function loop() while true do end end\n"
                   "local guard <close> = setmetatable({}, {__close = loop}) loop()",
                   SCRIPT_OVERRUN);
    assert_stopped(f, "error(setmetatable({}, {__tostring = function() while true do end end}))", SCRIPT_OVERRUN);
}

static void test_metamethods_and_comparisons_are_stopped(void **state)
{
    struct script_fixture *f = *state;
    assert_stopped(f, "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) return t[1]",
                   SCRIPT_ERROR);
    assert_stopped(f, "for _ in function() return 1 end do end", SCRIPT_OVERRUN);
    assert_stopped(f, "local t = {} for i = 1, 5000 do t[i] = i end while true do table.sort(t) end", SCRIPT_OVERRUN);
    assert_stopped(f, "local t = {3, 2, 1} while true do table.sort(t, function() return true end) end",
                   SCRIPT_OVERRUN);
}

static void test_patterns_are_stopped(void **state)
{
    struct script_fixture *f = *state;
    assert_stopped(f, "return string.find(('a'):rep(3000), '.-.-.-b')", SCRIPT_OVERRUN);
    assert_stopped(f, "return (('a'):rep(3000)):match('.*.*.*.*b')", SCRIPT_OVERRUN);
    assert_stopped(f, "return string.gsub(('a'):rep(3000), '.-.-.-b', '')", SCRIPT_OVERRUN);
    assert_stopped(f, "for x in string.gmatch(('a'):rep(3000), '.-.-.-b') do end", SCRIPT_OVERRUN);
    assert_stopped(f, "while true do pcall(string.find, ('a'):rep(3000), '.-.-.-b') end", SCRIPT_OVERRUN);
    assert_stopped(f, "return string.find(('('):rep(200000), ('%b()'):rep(1))", SCRIPT_OVERRUN);
}

static void test_table_functions_are_bounded(void **state)
{
    struct script_fixture *f = *state;
    assert_stopped(f, "table.move({}, 1, math.maxinteger - 1, 2)", SCRIPT_ERROR);
    assert_stopped(f, "table.insert(setmetatable({}, {__len = function() return 1 << 60 end}), 1, 0)", SCRIPT_ERROR);
    assert_stopped(f, "table.remove(setmetatable({}, {__len = function() return 1 << 60 end}), 1)", SCRIPT_ERROR);
    assert_stopped(f, "table.sort(setmetatable({}, {__len = function() return 1 << 30 end, __index = math.abs}))",
                   SCRIPT_ERROR);
    assert_stopped(f, "table.concat(setmetatable({}, {__index = tostring}), '', 1, 1 << 40)", SCRIPT_ERROR);
    assert_stopped(f, "local t = {} for i = 62, 0, -1 do t[1 << i] = 1 end table.insert(t, 1, 0)", SCRIPT_ERROR);
    assert_stopped(f, "table.unpack({}, 1, 1e9)", SCRIPT_ERROR);
    assert_stopped(f, "return sip_fail(#string.rep('x', 1 << 21))", SCRIPT_ERROR);
    assert_stopped(f, "return ('x'):rep(1 << 40)", SCRIPT_ERROR);
    assert_stopped(f, "return (''):rep(math.maxinteger)", SCRIPT_ERROR);
}

static void test_the_memory_cap_holds(void **state)
{
    struct script_fixture *f = *state;
    struct script_counters counters;
    assert_stopped(f, "local t = {} for i = 1, 1e9 do t[i] = {} end", SCRIPT_MEMORY);
    assert_string_equal(strrchr(f->fake.last_log, ':'), ": not enough memory; the core decides");
    script_counters(f->script, &counters);
    assert_int_equal(counters.memory, 1);
    assert_true(f->fake.allocated < 5 << 20);
    assert_stopped(f, "local s = 'x' while true do s = s .. s end", SCRIPT_MEMORY);
    assert_stopped(f, "local function f() return 1 + f() end return f()", SCRIPT_MEMORY);
}

/* Messages that a script parses count as its own. */
static void test_parsed_messages_count_for_the_cap(void **state)
{
    struct script_fixture *f = *state;
    assert_stopped(f,
                   "local text = 'OPTIONS sip:a@b SIP/2.0\\r\\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\\r\\n'\n"
                   "  .. 'From: <sip:a@b>;tag=1\\r\\nTo: <sip:a@b>\\r\\nCall-ID: c\\r\\nCSeq: 1 OPTIONS\\r\\n'\n"
                   "  .. 'X: ' .. ('x'):rep(16000) .. '\\r\\n\\r\\n'\n"
                   "local kept = {} for i = 1, 1e6 do kept[i] = assert(sip_parse(text)) end",
                   SCRIPT_ERROR);
    assert_non_null(strstr(f->fake.last_log, "not enough memory for a message"));
    assert_true(f->fake.allocated < 5 << 20);
}

static void test_messages_nobody_holds_do_not_fill_the_cap(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, "local text = 'OPTIONS sip:a@b SIP/2.0\\r\\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\\r\\n'\n"
                         "  .. 'From: <sip:a@b>;tag=1\\r\\nTo: <sip:a@b>\\r\\nCall-ID: c\\r\\nCSeq: 1 OPTIONS\\r\\n'\n"
                         "  .. 'X: ' .. ('x'):rep(16000) .. '\\r\\n\\r\\n'\n"
                         "sip_on_response(486, function() for i = 1, 50 do assert(sip_parse(text)) end end)");
    for (int i = 0; i < 20; i++)
        assert_int_equal(fixture_respond(f, 486), SCRIPT_DEFAULT);
}

static void test_what_is_kept_over_entries_does_not_pile_up(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, "sip_on_response(486, function(reply, call)\n"
                         "  local t = {} for name, value in call:headers() do t[name] = value end\n"
                         "  return sip_relay('sip:' .. #t .. '@media')\n"
                         "end)");
    for (int i = 0; i < 20000; i++)
        assert_int_equal(fixture_respond(f, 486), SCRIPT_VERDICT);
    script_idle(f->script);
    assert_true(f->fake.allocated < 2 << 20);
}

static void *respond_elsewhere(void *context)
{
    struct script_fixture *f = context;
    return respond_shortly(f) == SCRIPT_OVERRUN && fixture_respond(f, 487) == SCRIPT_VERDICT ? f : NULL;
}

static void test_the_watch_follows_the_script_to_another_thread(void **state)
{
    struct script_fixture *f = *state;
    pthread_t thread;
    void *result;
    assert_stopped(f, "while true do end", SCRIPT_OVERRUN);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&thread, NULL, respond_elsewhere, f), 0);
        assert_int_equal(pthread_join(thread, &result), 0);
        assert_ptr_equal(result, f);
    }
    assert_int_equal(respond_shortly(f), SCRIPT_OVERRUN);
}

static void test_two_scripts_are_watched_each_on_its_own(void **state)
{
    struct script_fixture *f = *state;
    struct script_fixture other;
    fixture_create(&other);
    fixture_must_load(f, "sip_on_response(486, function() while true do end end) sip_on_response(487, sip_accept)");
    fixture_must_load(&other,
                      "sip_on_response(486, function() for i = 1, 1e9 do end end) sip_on_response(487, sip_accept)");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(respond_shortly(f), SCRIPT_OVERRUN);
        assert_int_equal(fixture_respond(&other, 487), SCRIPT_VERDICT);
        assert_int_equal(respond_shortly(&other), SCRIPT_OVERRUN);
        assert_int_equal(fixture_respond(f, 487), SCRIPT_VERDICT);
    }
    fixture_destroy(&other);
}

/* Work in the thread between entries, five times the limit of an entry, is not the script's. */
static void test_time_outside_does_not_count(void **state)
{
    struct script_fixture *f = *state;
    enum { LIMIT_MS = 100 };
    fixture_set_time(f, LIMIT_MS);
    fixture_must_load(f, "sip_on_response(486, function() for i = 1, 1000 do end return sip_fail(480) end)");
    for (int i = 0; i < 5; i++) {
        double begin = cpu_ms();
        while (cpu_ms() - begin < 5 * LIMIT_MS)
            ;
        assert_int_equal(fixture_respond(f, 486), SCRIPT_VERDICT);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_small, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_an_endless_loop_is_stopped),
        TEST(test_protected_calls_do_not_outlast_the_time),
        TEST(test_metamethods_and_comparisons_are_stopped),
        TEST(test_patterns_are_stopped),
        TEST(test_table_functions_are_bounded),
        TEST(test_the_memory_cap_holds),
        TEST(test_parsed_messages_count_for_the_cap),
        TEST(test_messages_nobody_holds_do_not_fill_the_cap),
        TEST(test_what_is_kept_over_entries_does_not_pile_up),
        TEST(test_the_watch_follows_the_script_to_another_thread),
        TEST(test_two_scripts_are_watched_each_on_its_own),
        TEST(test_time_outside_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
