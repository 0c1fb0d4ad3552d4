// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_TEST_TEMPORARY_H
#define REFLOW_TEST_TEMPORARY_H

#include <stddef.h>

/* Writes the path of `name` in the folder that the runner gives to each test program (TMPDIR; else /tmp). `name` may be
   a template of mkstemp() or mkdtemp(). Aborts if `size` bytes are not enough. */
void temporary_path(char *path, size_t size, const char *name);

#endif
