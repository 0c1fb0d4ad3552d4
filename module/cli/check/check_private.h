// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_CHECK_PRIVATE_H
#define REFLOW_CLI_CHECK_PRIVATE_H

#include "cli/check/check.h"

/* One entry into the hooks, with its arguments. */
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
    struct script_credentials credentials;
    struct script_verdict verdict;
    bool slow; /* it exceeded its time or memory: once for a code is enough */
};

/* Returns whether any hook would be called. */
bool check_has_hook(struct check_entry *entry);

/* Run it and judge. */
void check_enter(struct check_entry *entry);

#endif
