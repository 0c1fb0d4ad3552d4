// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_EXPLAIN_RULE_H
#define REFLOW_CLI_EXPLAIN_RULE_H

#include "cli/cli.h"

struct rule_question {
    const char *id;       /* "5626-7.c" */
    const char *language; /* "en", "es"; NULL: English */
    bool json;
};

/* Prints what a rule says, whether it is a guardrail, and the tests that name it. Returns a status for main();
   CLI_USAGE if there is no such rule or no text in the language. */
int explain_rule(struct cli *cli, const struct rule_question *question);

#endif
