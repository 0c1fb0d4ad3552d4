// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_RANDOM_H
#define REFLOW_BASE_RANDOM_H

#include <stddef.h>

/* Fills `out` with unpredictable bytes from the operating system, the only source of secrets. Returns 0, or a negative
   errno: `out` then holds nothing that may be used. Thread-safe. A program calls it once at start, so that it does not
   start on a system without random numbers. */
int random_fill(void *out, size_t size);

#endif
