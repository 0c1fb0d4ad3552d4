// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CORE_BEST_H
#define REFLOW_CORE_BEST_H

#include <stddef.h>
#include <stdint.h>

#include "core/facts.h"
#include "core/rule.h"

/* One stored final response of a response context. */
struct stored_response {
    uint16_t code;  /* 200-699, as decide() gave it in decision.code */
    uint8_t origin; /* enum origin: a response made up here (timeout, transport) has no message */
};

struct best {
    int index;       /* of the best response in the array; -1: none has a message, build one with `status` */
    uint16_t status; /* what to send up; 0: send nothing (4320-4.a) */
    uint8_t rule;    /* enum rule_id */
    uint8_t merge;   /* non-zero: merge the challenges of every 401 and 407 into it (3261-16.7.h) */
};

/*
 * Choose the best of the final responses (RFC 3261 16.7 step 6; rules 3261-16.7.e f g h, 5626-11.5.a b, 4320-4.a).
 * `count` may be 0. The status differs from the winner's code for 503 (500) and 430 (480); a host sends the table's
 * phrase with a changed status.
 */
struct best best_choose(enum method method, const struct stored_response *responses, size_t count);

#endif
