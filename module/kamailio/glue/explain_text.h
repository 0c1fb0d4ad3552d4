// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_EXPLAIN_TEXT_H
#define REFLOW_KAMAILIO_EXPLAIN_TEXT_H

#include <stdint.h>

#include "core/text.h"

/* What a code means, in words: its first sentence to the log as a notice, the whole as $reflow(text). 1, or -1 with a
   line in the log: the code is none, the language has no texts, no memory. */
int explain_code(uint32_t code, struct text language);

#endif
