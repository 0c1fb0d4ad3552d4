// SPDX-License-Identifier: BSD-2-Clause
#include <ctype.h>

#include "test.h"

#include "core/rule.h"
#include "test_data.h"

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

static const char *const ENUMERATOR[] = {
#define RULE(name, id, guardrail, line) [RULE_##name] = #name,
#include "core/rules.def"
#undef RULE
};

/* "5626-7.c" is RULE_5626_7_C, so that whoever reads an id in a log finds it in the code. */
static void test_enumerators_are_spelled_like_the_ids(void **unused)
{
    (void)unused;
    for (unsigned rule = RULE_NONE + 1; rule < RULE_COUNT; rule++) {
        const char *id = rule_at(rule)->id, *name = ENUMERATOR[rule];
        assert_int_equal(strlen(name), strlen(id));
        for (size_t i = 0; id[i] != '\0'; i++)
            if (name[i] != (isalnum((unsigned char)id[i]) ? toupper((unsigned char)id[i]) : '_'))
                fail_msg("rule %s has the enumerator RULE_%s", id, name);
    }
}

/*
 * A rule that has been released is cited in logs, reports and scripts, and a guardrail is a promise: neither may go or
 * change unnoticed. New rules need no row in the table unless they are guardrails.
 */
static void test_released_rules_and_guardrails_stay(void **unused)
{
    struct data_table table;
    const char *field[2]; /* id, guardrail */
    unsigned guardrails = 0;
    (void)unused;
    for (data_table_open(&table, "rules.tsv", false); data_table_next(&table, field, 2);) {
        const enum rule_id rule = rule_find(field[0]);
        if (rule == RULE_NONE)
            fail_msg("%s has no row in rules.def", field[0]);
        if (rule_at(rule)->guardrail != (strcmp(field[1], "true") == 0))
            fail_msg("%s: guardrail is not %s", field[0], field[1]);
        guardrails += rule_at(rule)->guardrail;
    }
    data_table_close(&table);
    for (unsigned rule = RULE_NONE + 1; rule < RULE_COUNT; rule++)
        guardrails -= rule_at(rule)->guardrail;
    assert_int_equal(guardrails, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rule_is_found_by_its_id),
        cmocka_unit_test(test_an_unknown_rule_is_none),
        cmocka_unit_test(test_enumerators_are_spelled_like_the_ids),
        cmocka_unit_test(test_released_rules_and_guardrails_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
