// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_PRINTABLE_H
#define REFLOW_SCRIPT_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Texts of scripts on their way to a log, a terminal or JSON: one line of UTF-8 without control characters. */

/* Writes `text` to `out` (of `size` bytes, terminated, cut where it is too long): line ends and tabs become spaces, and
   other control characters (C0, DEL, C1, those that change the direction of text) and bytes that are not UTF-8 become
   \x1b and the like. Returns the length. `out` and `text` may not overlap. */
size_t printable_write(char *out, size_t size, const char *text);

/* A control character, or one that ends a line or turns the direction of what follows (U+2028 and the like). */
bool printable_is_control(uint32_t code);

/* Whether printable_write() would leave it as it is. */
bool printable_is(const char *text);

#endif
