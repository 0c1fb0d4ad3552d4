// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_TEST_FUZZ_PLAN_H
#define REFLOW_TEST_FUZZ_PLAN_H

#include <stddef.h>

#include "core/text.h"

/* A fuzzer of bytes: NAME [SECONDS [SEED]]. Each run changes one of the texts in places; what is read ends at an
   unmapped page. */
struct fuzz {
    const char *name;
    const struct text *texts;
    size_t count;
    /* NULL: all went as it must; else a sentence that says what did not. */
    const char *(*exercise)(const char *bytes, size_t length);
};

/* For main(): 0, or 1 where a run failed; its bytes are shown. */
int fuzz_run(const struct fuzz *fuzz, int argc, char **argv);

#endif
