// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_DECIDE_PRINT_H
#define REFLOW_CLI_DECIDE_PRINT_H

#include "cli/say/decide_input.h"
#include "core/decide.h"

/* Prints a decision as text or as one JSON object. */
void decide_print_text(FILE *out, const struct decide_input *input, const struct decision *decision);
void decide_print_json(FILE *out, const struct decide_input *input, const struct decision *decision);

#endif
