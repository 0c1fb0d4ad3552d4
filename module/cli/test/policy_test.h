// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_POLICY_TEST_H
#define REFLOW_CLI_POLICY_TEST_H

#include "cli/cli.h"
#include "script/engine/engine.h"
#include "script/policy/layer_option.h"

/* Runs one spec file, test by test: each in its own Lua state, scene and version of the policy. */
struct policy_test {
    const char *path; /* of the spec */
    const char
        *policy; /* the policy to test, whatever the spec names; NULL: what the spec names, or what belongs to it */
    const struct layer_options *layers; /* beside the policy, whichever it is; NULL: none */
    const char *inside;   /* a folder in which the spec and the policies that it names must lie; NULL: anywhere */
    const char *only;     /* selects the tests that have this in their name; NULL: all */
    uint32_t seconds;     /* of computing, for one test */
    const char *pictures; /* draw a picture of each test, with labels in this language, "en" or "es"; NULL: none */
    /* Called when a version of the policy was built for a test, before each time it runs, and at the end; may be
       NULL. */
    void (*using)(void *context, struct script *script);
    void *context;
};

struct policy_test_result {
    size_t count;    /* tests in the file */
    size_t selected; /* of them, by `only` */
    bool ran;        /* a test with this index is selected */
    bool passed;     /* otherwise... */
    bool unloadable; /* the spec or its policy cannot be run at all; `message` says why */
    char name[256];
    char *message; /* why it failed; owned */
    char *ladder;  /* what happened, a line each; owned */
    char *picture; /* an SVG file; owned; NULL: none was asked for, or the test was stopped */
};

/* Runs the selected test with an index from 1; 0: only reads the file. Returns 0 or -ENOMEM; destroy the result then.
 */
int policy_test_run(const struct policy_test *test, size_t index, struct policy_test_result *result);
void policy_test_result_destroy(struct policy_test_result *result);

#endif
