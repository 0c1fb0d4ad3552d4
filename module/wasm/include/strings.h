// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_WASM_STRINGS_H
#define REFLOW_WASM_STRINGS_H

#include <stddef.h>

/* As in POSIX, for ASCII. core/text.h has an inline function that calls it. */
int strncasecmp(const char *a, const char *b, size_t size);

#endif
