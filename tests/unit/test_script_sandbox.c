// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "script_fixture.h"

static void assert_true_in_lua(struct script_fixture *f, const char *expression)
{
    char text[500];
    snprintf(text, sizeof text, "assert(%s)", expression);
    if (fixture_load(f, text) != 0)
        fail_msg("%s: %s", expression, f->error);
}

static void test_what_is_left_out_is_not_there(void **state)
{
    struct script_fixture *f = *state;
    static const char *const names[] = {"os",   "io",       "debug",  "package",       "coroutine",
                                        "load", "loadfile", "dofile", "collectgarbage"};
    char text[64], reason[96];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(text, sizeof text, "return %s", names[i]);
        snprintf(reason, sizeof reason, "'%s' is not available in policies", names[i]);
        fixture_assert_refused(f, text, reason);
        snprintf(text, sizeof text, "rawget(_G, '%s') == nil", names[i]);
        assert_true_in_lua(f, text);
    }
    assert_true_in_lua(f, "rawget(_G, 'warn') == nil and string.dump == nil");
}

static void test_what_is_safe_is_there(void **state)
{
    struct script_fixture *f = *state;
    assert_true_in_lua(f, "('%d'):format(7) == '7' and #table.pack(1, 2) == 2 and math.max(1, 2) == 2");
    assert_true_in_lua(f, "utf8.char(228) == 'ä' and select('#', pcall(error)) == 2 and next({}) == nil");
    assert_true_in_lua(f, "table.concat({1, 2}, '-') == '1-2' and table.unpack({5}) == 5");
    assert_true_in_lua(f, "('ab'):rep(2, ',') == 'ab,ab' and table.move({1, 2}, 1, 2, 2)[3] == 2");
    assert_true_in_lua(f, "setmetatable({}, {__index = {a = 1}}).a == 1");
    assert_true_in_lua(f, "select(2, xpcall(error, function(m) return m .. '!' end, 'x')) == 'x!'");
    assert_true_in_lua(f, "select(3, xpcall(function(...) return ... end, print, 1, 2)) == 2");
}

static void test_finalizers_are_refused(void **state)
{
    struct script_fixture *f = *state;
    fixture_assert_refused(f, "setmetatable({}, {__gc = function() end})", "__gc");
    fixture_assert_refused(f, "setmetatable({}, {__gc = true})", "__gc");
    assert_true_in_lua(f, "getmetatable(setmetatable({}, {__name = 'x'})).__name == 'x'");
}

static void test_the_string_metatable_is_locked(void **state)
{
    struct script_fixture *f = *state;
    assert_true_in_lua(f, "getmetatable('') == false");
    fixture_assert_refused(f, "getmetatable('').__index = nil", "attempt to index a boolean");
}

static void test_an_unknown_global_names_the_nearest(void **state)
{
    struct script_fixture *f = *state;
    fixture_assert_refused(f, "sip_on_sucess(function() end)",
                           "no function sip_on_sucess; did you mean sip_on_success?");
    fixture_assert_refused(f, "\n\nsip_on_flow_faild(function() end)", ":3: no function sip_on_flow_faild");
    fixture_assert_refused(f, "local x = undefined_thing", "no global undefined_thing");
    fixture_assert_refused(f, "local sip = require 'reflow' sip.is_sucess(200)", "did you mean sip.is_success?");
    fixture_assert_refused(f, "return tostrin(1)", "did you mean tostring?");
    assert_true_in_lua(f, "(function() mine = 1 return mine end)() == 1");
    fixture_assert_refused(f, "return _G[('x'):rep(100)]", "no global xxx");
}

static void test_a_typing_error_inside_a_hook_is_told_at_load(void **state)
{
    struct script_fixture *f = *state;
    unsigned warned = f->fake.logged[LOG_WARNING];
    assert_int_equal(fixture_load(f, "-- sip_never\n"
                                     "local text = 'sip_neither'\n"
                                     "sip_on_request(function()\n"
                                     "  return sip_acept()\n"
                                     "end)\n"),
                     0);
    assert_int_equal(f->fake.logged[LOG_WARNING], warned + 1);
    assert_non_null(strstr(f->fake.last_log, ":4: no function sip_acept; did you mean sip_accept?"));
    assert_int_equal(fixture_load(f, "local function sip_own() return sip_accept() end\n"
                                     "local t = {sip_field = 1} t.sip_field = t.sip_field\n"
                                     "sip_on_request(function() return sip_own() end)\n"),
                     0);
    assert_int_equal(f->fake.logged[LOG_WARNING], warned + 1);
}

static void test_require_gives_reflow_and_its_modules(void **state)
{
    struct script_fixture *f = *state;
    assert_true_in_lua(f, "require 'reflow' == require 'reflow' and require 'reflow'.is_success == sip_is_success");
    assert_true_in_lua(f, "type(require 'reflow.catalog.en') == 'table'");
    assert_true_in_lua(f, "require 'reflow.catalog.en' == require 'reflow.catalog.en'");
    fixture_assert_refused(f, "require 'socket'", "no module 'socket'");
    fixture_assert_refused(f, "require 'reflow.nothing'", "no module 'reflow.nothing'");
    fixture_assert_refused(f, "require 'reflow...catalog.en'", "no module");
    fixture_assert_refused(f, "require(('reflow.'):rep(100))", "no module");
    fixture_assert_refused(f, "require()", "string expected");
}

static void test_explain_and_compare_are_there(void **state)
{
    struct script_fixture *f = *state;
    assert_true_in_lua(f, "type(sip_explain(430)) ~= 'nil' and type(sip_compare(480, 486)) ~= 'nil'");
}

static void test_print_and_log_are_one_clean_line(void **state)
{
    struct script_fixture *f = *state;
    assert_int_equal(fixture_load(f, "print('a\\nb', 7, nil, '\\27[31m')"), 0);
    assert_string_equal(f->fake.last_log, "a b 7 nil  [31m");
    assert_int_equal(f->fake.logged[LOG_INFO], 1);
    assert_int_equal(fixture_load(f, "sip_log('%s=%5.1f', 'x', 2)"), 0);
    assert_string_equal(f->fake.last_log, "x=  2.0");
    assert_int_equal(f->fake.logged[LOG_NOTICE], 1);
    assert_int_equal(fixture_load(f, "sip_log('100% sure')"), -EINVAL);
    assert_int_equal(fixture_load(f, "sip_log(('x'):rep(10000))"), 0);
    fixture_assert_refused(f, "sip_log('%d', 'x')", "number expected");
}

static void test_versions_share_nothing(void **state)
{
    struct script_fixture *f = *state;
    assert_int_equal(fixture_load(f, "string.format = nil sip_accept = nil mine = 1 require('reflow').is_success = 1"),
                     0);
    assert_true_in_lua(f, "rawget(_G, 'mine') == nil and string.format and sip_accept and sip_is_success(200)");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_left_out_is_not_there),
        TEST(test_what_is_safe_is_there),
        TEST(test_finalizers_are_refused),
        TEST(test_the_string_metatable_is_locked),
        TEST(test_an_unknown_global_names_the_nearest),
        TEST(test_a_typing_error_inside_a_hook_is_told_at_load),
        TEST(test_require_gives_reflow_and_its_modules),
        TEST(test_explain_and_compare_are_there),
        TEST(test_print_and_log_are_one_clean_line),
        TEST(test_versions_share_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
