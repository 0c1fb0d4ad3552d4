// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_POLICY_TEST_H
#define REFLOW_CLI_POLICY_TEST_H

#include "cli/cli.h"
#include "script/engine/engine.h"
#include "script/policy/layer_option.h"

/* One spec file, run test by test: each in a Lua state, a scene and a version of the policy of its own. */
struct policy_test {
    const char *path;   /* of the spec */
    const char *policy; /* what it tests, whatever it says itself; NULL: what it says, or what belongs to it */
    const struct layer_options *layers; /* beside the policy, whichever it is; NULL: none */
    const char *inside; /* a folder in which the spec and the policies that it names must lie; NULL: anywhere */
    uint32_t seconds;   /* of computing, for one test */
    /* Called when a version of the policy was built for a test, each time before it may run, and at the end; NULL:
       nobody. */
    void (*using)(void *context, struct script *script);
    void *context;
};

struct policy_test_result {
    size_t count;    /* tests in the file */
    bool ran;        /* one of this index is there */
    bool passed;     /* otherwise... */
    bool unloadable; /* the spec or its policy cannot be run at all; `message` says why */
    char name[256];
    char *message; /* why it failed; owned */
    char *ladder;  /* what happened, a line each; owned */
};

/* Run the test of an index from 1; 0: only read the file. 0 or -ENOMEM; destroy the result then. */
int policy_test_run(const struct policy_test *test, size_t index, struct policy_test_result *result);
void policy_test_result_destroy(struct policy_test_result *result);

#endif
