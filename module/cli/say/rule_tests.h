// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_RULE_TESTS_H
#define REFLOW_CLI_RULE_TESTS_H

#include <stdbool.h>

#include "core/text.h"

/* The tests that name a rule, carried inside the program (tests/support/rule_tests.awk). */
struct rule_test {
    struct text file, name; /* "tests/unit/test_guard.c", "test_5626_7_c_..." */
};

/* Calls visit for each test that names the rule of this id, until it returns false. */
void rule_tests_each(struct text rule, bool (*visit)(void *context, const struct rule_test *test), void *context);

#endif
