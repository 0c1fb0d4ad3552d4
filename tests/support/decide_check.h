// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_DECIDE_CHECK_H
#define REFLOW_DECIDE_CHECK_H

/* What the tests of the decisions share. */
#include "test.h"

#include "core/code.h"
#include "core/decide.h"

#define RULE_ID(decision)         (rule_at((enum rule_id)(decision).rule)->id)
#define assert_rule(decision, id) assert_string_equal(RULE_ID(decision), id)
#define assert_action(decision, expected)                                                                              \
    assert_string_equal(action_name((enum action)(decision).action), action_name(expected))
#define assert_flag(decision, flag)    assert_int_equal((decision).flags &(flag), flag)
#define assert_no_flag(decision, flag) assert_int_equal((decision).flags &(flag), 0)

#endif
