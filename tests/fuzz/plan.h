// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_TEST_FUZZ_PLAN_H
#define REFLOW_TEST_FUZZ_PLAN_H

#include <stddef.h>

#include "core/text.h"

/*
 * A libFuzzer target. plan.c has LLVMFuzzerTestOneInput(), which calls exercise(). With REFLOW_FUZZ_SEEDS=FOLDER in
 * the environment the program writes its texts there, as a corpus to begin with, and ends.
 */
struct fuzz {
    const struct text *texts;
    size_t count;        /* at most; the first without bytes is the end */
    void (*begin)(void); /* once, before the texts are looked at; NULL: nothing */
    /* NULL: all went as it must; else a sentence that says what did not. */
    const char *(*exercise)(const char *bytes, size_t length);
};

/* Each target defines it. */
extern const struct fuzz fuzz_target;

#endif
