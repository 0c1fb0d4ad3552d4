// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/printable.h"
#include "script_fixture.h"

/* What scripts say goes to logs, terminals and JSON: nothing in it may control them. */

static const char *printable(const char *text)
{
    static char out[256];
    size_t length = printable_write(out, sizeof out, text);
    assert_int_equal(length, strlen(out));
    return out;
}

static void test_text_is_left_as_it_is(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "plain text, 100 %", "b\303\274cher", "\342\202\254", "\360\237\230\200"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_string_equal(printable(texts[i]), texts[i]);
        assert_true(printable_is(texts[i]));
    }
}

static void test_controls_and_bytes_that_are_no_text_are_escaped(void **state)
{
    (void)state;
    static const char *const texts[][2] = {{"a\033[31mb", "a\\x1b[31mb"},
                                           {"a\nb\rc\td", "a b c d"},
                                           {"\177\001\b", "\\x7f\\x01\\x08"},
                                           {"\302\233", "\\xc2\\x9b"},          // C1: CSI
                                           {"\342\200\256", "\\xe2\\x80\\xae"}, // turns the direction
                                           {"\342\200\250", "\\xe2\\x80\\xa8"}, // line separator
                                           {"\377\376", "\\xff\\xfe"},          // not UTF-8
                                           {"\300\257", "\\xc0\\xaf"},          // too long for its character
                                           {"\355\240\200", "\\xed\\xa0\\x80"}, // half of a pair
                                           {"\364\220\200\200", "\\xf4\\x90\\x80\\x80"},
                                           {"\303", "\\xc3"},
                                           {"\342\202", "\\xe2\\x82"},
                                           {"\342\202x", "\\xe2\\x82x"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_string_equal(printable(texts[i][0]), texts[i][1]);
        assert_false(printable_is(texts[i][0]));
    }
}

static void test_what_is_too_long_is_cut_between_characters(void **state)
{
    (void)state;
    char out[6];
    assert_int_equal(printable_write(out, sizeof out, "abc\033"), 3);
    assert_string_equal(out, "abc");
    assert_int_equal(printable_write(out, sizeof out, "abcd\303\274"), 4);
    assert_int_equal(printable_write(out, 1, "abc"), 0);
    assert_string_equal(out, "");
    assert_int_equal(printable_write(NULL, 0, "abc"), 0);
}

static const char BAD[] = "\033]0;x\a\377\302\233";

static void assert_clean(const char *text)
{
    if (!printable_is(text) || strstr(text, "\\x1b]0;x\\x07\\xff\\xc2\\x9b") == NULL)
        fail_msg("%s", text);
}

static void test_errors_of_a_script_are_printable(void **state)
{
    struct script_fixture *f = *state;
    char text[400];
    snprintf(text, sizeof text, "error '%s'", BAD);
    assert_int_not_equal(fixture_load(f, text), 0);
    assert_clean(f->error);
    snprintf(text, sizeof text, "x = '%s' 7", BAD); // the compiler quotes what is near
    assert_int_not_equal(fixture_load(f, text), 0);
    assert_true(printable_is(f->error));
    snprintf(text, sizeof text, "x = %s", BAD);
    assert_int_not_equal(fixture_load(f, text), 0);
    assert_true(printable_is(f->error));
    snprintf(text, sizeof text, "sip_on_request(function() error '%s' end)", BAD);
    assert_int_equal(fixture_load(f, text), 0);
    assert_int_equal(fixture_request(f), SCRIPT_ERROR);
    assert_clean(f->fake.last_log);
}

static void test_what_a_script_logs_is_printable(void **state)
{
    struct script_fixture *f = *state;
    assert_int_equal(fixture_load(f, "print('\\226\\128\\174')"), 0);
    assert_string_equal(f->fake.last_log, "\\xe2\\x80\\xae");
    assert_int_equal(fixture_load(f, "sip_log('a\\255\\194\\155b')"), 0);
    assert_string_equal(f->fake.last_log, "a\\xff\\xc2\\x9bb");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_left_as_it_is),
        cmocka_unit_test(test_controls_and_bytes_that_are_no_text_are_escaped),
        cmocka_unit_test(test_what_is_too_long_is_cut_between_characters),
        TEST(test_errors_of_a_script_are_printable),
        TEST(test_what_a_script_logs_is_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
