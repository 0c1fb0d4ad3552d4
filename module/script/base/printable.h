// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_PRINTABLE_H
#define REFLOW_SCRIPT_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

/* Texts of scripts on their way to a log, a terminal or JSON: one line of UTF-8 without control characters. */

/* Writes `text` to `out` (of `size` bytes, terminated, cut where it is too long): line ends and tabs become spaces, and
   other control characters (C0, DEL, C1, those that change the direction of text) and bytes that are not UTF-8 become
   \x1b and the like. Returns the length. `out` and `text` may not overlap. */
size_t printable_write(char *out, size_t size, const char *text);

/* Whether printable_write() would leave it as it is. */
bool printable_is(const char *text);

#endif
