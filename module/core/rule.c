// SPDX-License-Identifier: BSD-2-Clause
#include "core/rule.h"

#include <string.h>

static const struct rule rules[RULE_COUNT] = {
    [RULE_NONE] = {"none", false, "no rule"},
#define RULE(name, id, guardrail, line) [RULE_##name] = {id, guardrail, line},
#include "core/rules.def"
#undef RULE
};

const struct rule *rule_at(enum rule_id rule)
{
    return &rules[(unsigned)rule < RULE_COUNT ? rule : RULE_NONE];
}

enum rule_id rule_find(const char *id)
{
    for (unsigned rule = RULE_NONE + 1; id && rule < RULE_COUNT; rule++) {
        if (strcmp(rules[rule].id, id) == 0)
            return (enum rule_id)rule;
    }
    return RULE_NONE;
}
