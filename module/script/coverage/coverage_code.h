// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_COVERAGE_CODE_H
#define REFLOW_SCRIPT_COVERAGE_CODE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

/* The lines and branches of a Lua program, read from its compiled form. */
struct code_reader {
    void (*line)(void *context, unsigned line, bool main);     /* it has instructions */
    void (*branch)(void *context, unsigned from, unsigned to); /* to 0: the function ends on that line */
    void *context;
};

/* Returns 0, -ENOMEM, -EINVAL if the program does not compile, or -ENOTSUP if the compiled form is not that of Lua
   5.4. */
int coverage_read(const struct code_reader *reader, struct text program);

#endif
