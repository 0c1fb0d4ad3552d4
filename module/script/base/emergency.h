// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_EMERGENCY_H
#define REFLOW_SCRIPT_EMERGENCY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

/* Recognises emergency calls: those to urn:service:sos and its subtypes (RFC 5031), and to the numbers that a policy
   names with sip.emergency. They are never refused because a script has failed. */

enum { EMERGENCY_NUMBERS = 32, EMERGENCY_DIGITS = 16 };

struct emergency {
    char numbers[EMERGENCY_NUMBERS][EMERGENCY_DIGITS];
    size_t count;
};

/* Returns 0, -EINVAL if the text is not a number, or -ENOSPC. Adding a number again has no effect. */
int emergency_add(struct emergency *emergency, struct text number);

/* `uri`: a Request-URI, as written. */
bool emergency_is(const struct emergency *emergency, struct text uri);

#endif
