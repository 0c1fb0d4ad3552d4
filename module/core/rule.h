// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CORE_RULE_H
#define REFLOW_CORE_RULE_H

#include <stdbool.h>
#include <stddef.h>

/* Every rule has a row in rules.def: enumerator, id, guardrail or not, one line. */
enum rule_id {
    RULE_NONE,
#define RULE(name, id, guardrail, line) RULE_##name,
#include "core/rules.def"
#undef RULE
    RULE_COUNT
};

struct rule {
    const char *id;   /* "5626-7.c" */
    bool guardrail;   /* a MUST that no policy can override */
    const char *line; /* one line for people */
};

/* Bounds-checked: returns the row of RULE_NONE ("none") for an unknown id. Never NULL. */
const struct rule *rule_at(enum rule_id rule);

/* RULE_NONE if no rule has this id. */
enum rule_id rule_find(const char *id);

#endif
