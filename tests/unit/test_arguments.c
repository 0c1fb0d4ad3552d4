// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "cli/base/arguments.h"

static const struct option options[] = {
    {"plain", NULL, "a flag"}, {"with", "VALUE...", "takes some"}, {"once", "VALUE", "takes one"}};

struct walk {
    struct cli cli;
    struct arguments arguments;
    char *told;
    size_t length;
};

static void walk_create(struct walk *walk, int argc, char **argv)
{
    *walk = (struct walk){0};
    walk->cli.err = open_memstream(&walk->told, &walk->length);
    assert_non_null(walk->cli.err);
    walk->arguments = (struct arguments){.cli = &walk->cli, .argc = argc, .argv = argv, .options = options, .count = 3};
}

static void walk_destroy(struct walk *walk)
{
    fclose(walk->cli.err);
    free(walk->told);
}

static void test_each_form_is_read(void **unused)
{
    char *argv[] = {"x", "--plain", "486", "--with", "1", "--with=2", "--with=", "-", "--", "--plain", "-h"};
    const struct {
        enum argument argument;
        size_t index;
        const char *value;
    } expected[] = {
        {ARGUMENT_OPTION, 0, NULL},     {ARGUMENT_PLAIN, 9, "486"}, {ARGUMENT_OPTION, 1, "1"},
        {ARGUMENT_OPTION, 1, "2"},      {ARGUMENT_OPTION, 1, ""},   {ARGUMENT_PLAIN, 9, "-"},
        {ARGUMENT_PLAIN, 9, "--plain"}, {ARGUMENT_PLAIN, 9, "-h"},  {ARGUMENT_END, 9, NULL},
        {ARGUMENT_END, 9, NULL},
    };
    struct walk walk;
    (void)unused;
    walk_create(&walk, 11, argv);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        size_t index = 9;
        const char *value = NULL;
        assert_int_equal(argument_next(&walk.arguments, &index, &value), expected[i].argument);
        assert_int_equal(index, expected[i].index);
        if (expected[i].value == NULL)
            assert_null(value);
        else
            assert_string_equal(value, expected[i].value);
    }
    walk_destroy(&walk);
}

static void assert_one(char *argument, enum argument expected, const char *told)
{
    char *argv[] = {"x", argument};
    struct walk walk;
    size_t index;
    const char *value;
    walk_create(&walk, 2, argv);
    assert_int_equal(argument_next(&walk.arguments, &index, &value), expected);
    fflush(walk.cli.err);
    assert_string_equal(walk.told != NULL ? walk.told : "", told);
    walk_destroy(&walk);
}

static void test_what_makes_no_sense_is_told_in_one_line(void **unused)
{
    (void)unused;
    assert_one("--help", ARGUMENT_HELP, "");
    assert_one("-h", ARGUMENT_HELP, "");
    assert_one("--unknown", ARGUMENT_BAD, "reflow x: unknown option '--unknown' (see reflow x --help)\n");
    assert_one("--plai", ARGUMENT_BAD, "reflow x: unknown option '--plai' (see reflow x --help)\n");
    assert_one("--plain=1", ARGUMENT_BAD, "reflow x: no value belongs to option '--plain=1' (see reflow x --help)\n");
    assert_one("--with", ARGUMENT_BAD, "reflow x: a value is missing after option '--with' (see reflow x --help)\n");
    assert_one("-x", ARGUMENT_BAD, "reflow x: unknown option '-x' (see reflow x --help)\n");
}

static void test_a_value_that_would_be_ignored_is_refused(void **unused)
{
    char *argv[] = {"x", "--once=1", "--plain", "--plain", "--with", "1", "--with", "2", "--once", "2"};
    struct walk walk;
    size_t index;
    const char *value;
    (void)unused;
    walk_create(&walk, 10, argv);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(argument_next(&walk.arguments, &index, &value), ARGUMENT_OPTION);
    assert_int_equal(argument_next(&walk.arguments, &index, &value), ARGUMENT_BAD);
    fflush(walk.cli.err);
    assert_string_equal(walk.told, "reflow x: more than one value for option '--once' (see reflow x --help)\n");
    walk_destroy(&walk);
}

/* `--once --plain`: the value was forgotten. With "=", any value is taken. */
static void test_an_option_is_not_the_value_of_another(void **unused)
{
    char *argv[] = {"x", "--with=--plain", "--once", "--plain"};
    struct walk walk;
    size_t index;
    const char *value;
    (void)unused;
    walk_create(&walk, 4, argv);
    assert_int_equal(argument_next(&walk.arguments, &index, &value), ARGUMENT_OPTION);
    assert_string_equal(value, "--plain");
    assert_int_equal(argument_next(&walk.arguments, &index, &value), ARGUMENT_BAD);
    fflush(walk.cli.err);
    assert_string_equal(walk.told, "reflow x: a value is missing after option '--once' (see reflow x --help)\n");
    walk_destroy(&walk);
}

/* An argument may hold anything; the error is one line, and cannot control the terminal. */
static void test_control_characters_of_an_argument_are_escaped(void **unused)
{
    (void)unused;
    assert_one("--a\nb\x1b[31m\xff\xc3\xbc", ARGUMENT_BAD,
               "reflow x: unknown option '--a b\\x1b[31m\\xff\xc3\xbc' (see reflow x --help)\n");
}

static void test_numbers_are_digits_up_to_a_limit(void **unused)
{
    uint64_t number = 7;
    (void)unused;
    assert_true(argument_number("0", 10, &number));
    assert_int_equal(number, 0);
    assert_true(argument_number("4294967295", UINT32_MAX, &number));
    assert_int_equal(number, UINT32_MAX);
    assert_false(argument_number("4294967296", UINT32_MAX, &number));
    assert_false(argument_number("99999999999999999999999", UINT32_MAX, &number));
    assert_false(argument_number("", 10, &number));
    assert_false(argument_number("-1", 10, &number));
    assert_false(argument_number("+1", 10, &number));
    assert_false(argument_number(" 1", 10, &number));
    assert_false(argument_number("1x", 10, &number));
    assert_int_equal(number, UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_form_is_read),
        cmocka_unit_test(test_what_makes_no_sense_is_told_in_one_line),
        cmocka_unit_test(test_a_value_that_would_be_ignored_is_refused),
        cmocka_unit_test(test_an_option_is_not_the_value_of_another),
        cmocka_unit_test(test_control_characters_of_an_argument_are_escaped),
        cmocka_unit_test(test_numbers_are_digits_up_to_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
