// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_EXPLAIN_TEXT_H
#define REFLOW_KAMAILIO_EXPLAIN_TEXT_H

#include <stdint.h>

#include "core/text.h"

/* Explains a code: logs the first sentence as a notice, and stores the whole text for $reflow(text). Returns 1, or
   -1 with a line in the log for an unknown code, a language without texts, or no memory. */
int explain_code(uint32_t code, struct text language);

#endif
