// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "core/rule.h"

static void test_every_rule_is_found_by_its_id(void **unused)
{
    (void)unused;
    for (unsigned rule = RULE_NONE + 1; rule < RULE_COUNT; rule++) {
        assert_int_equal(rule_find(rule_at(rule)->id), rule);
        assert_true(strlen(rule_at(rule)->line) > 10);
    }
    assert_int_equal(rule_find("5626-7.c"), RULE_5626_7_C);
    assert_true(rule_at(RULE_5626_7_C)->guardrail);
}

static void test_an_unknown_rule_is_none(void **unused)
{
    (void)unused;
    assert_string_equal(rule_at(RULE_COUNT)->id, "none");
    assert_string_equal(rule_at((enum rule_id) - 1)->id, "none");
    assert_false(rule_at(RULE_NONE)->guardrail);
    assert_int_equal(rule_find("5626-7"), RULE_NONE);
    assert_int_equal(rule_find(""), RULE_NONE);
    assert_int_equal(rule_find(NULL), RULE_NONE);
    assert_int_equal(rule_find("none"), RULE_NONE);
}

static FILE *open_rules(void)
{
    char path[4096];
    const char *shared = getenv("REFLOW_SHARED");
    snprintf(path, sizeof(path), "%s/RULES.md", shared ? shared : "../shared");
    return fopen(path, "r");
}

/* "| 5626-7.a | G | ..." gives id and second cell without blanks; false for any other line. */
static bool read_row(const char *line, char id[32], char cell[128])
{
    id[0] = cell[0] = 0;
    if (sscanf(line, "| %31[^ |]", id) != 1 || !strchr("0123456789c", id[0]))
        return false;
    const char *second = strchr(line + 1, '|');
    return second && (sscanf(second, "| %127[^ |]", cell) == 1 || true) && strchr(id, '-');
}

static void test_rules_and_guardrails_are_those_of_the_book(void **unused)
{
    (void)unused;
    char line[1024], id[32], cell[128];
    unsigned rows = 0;
    FILE *book = open_rules();
    if (!book)
        skip();
    while (fgets(line, sizeof(line), book)) {
        if (!read_row(line, id, cell))
            continue;
        const enum rule_id rule = rule_find(id);
        if (rule == RULE_NONE)
            fail_msg("%s has no row in rules.def", id);
        if (rule_at(rule)->guardrail != (strcmp(cell, "G") == 0))
            fail_msg("%s: guardrail or not?", id);
        rows++;
    }
    fclose(book);
    assert_int_equal(rows, RULE_COUNT - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rule_is_found_by_its_id),
        cmocka_unit_test(test_an_unknown_rule_is_none),
        cmocka_unit_test(test_rules_and_guardrails_are_those_of_the_book),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
