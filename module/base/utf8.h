// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_UTF8_H
#define REFLOW_BASE_UTF8_H

#include <stdint.h>

#include "core/text.h"

/* The length in bytes of the character at the start of `text`, with its number in *code; 0 if the text is empty or does
   not begin with valid UTF-8 (RFC 3629). */
size_t utf8_decode(struct text text, uint32_t *code);

#endif
