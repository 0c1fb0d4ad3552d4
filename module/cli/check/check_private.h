// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_CHECK_PRIVATE_H
#define REFLOW_CLI_CHECK_PRIVATE_H

#include "cli/check/check.h"

/* One entry into the hooks, with all that it is about. */
struct check_entry {
    struct check *check;
    enum hook hook;
    uint32_t code; /* HOOK_RESPONSE: what the response acts as */
    struct facts facts;
    struct state state;
    struct decision decision;
    struct script_call call;
    struct script_reply reply;
    struct script_flow flow;
    struct script_verdict verdict;
    bool slow; /* it overran, or ran out of memory: once for a code says enough */
};

/* Whether any hook would be asked. */
bool check_has_hook(struct check_entry *entry);

/* Run it and judge. */
void check_enter(struct check_entry *entry);

#endif
