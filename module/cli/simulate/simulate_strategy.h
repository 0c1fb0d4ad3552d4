// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SIMULATE_STRATEGY_H
#define REFLOW_CLI_SIMULATE_STRATEGY_H

#include "cli/simulate/simulate.h"
#include "core/facts.h"

/* A registration that failed. */
struct strategy_failure {
    enum origin origin; /* wire: 503 */
    uint32_t failures;  /* consecutive ones, with this one */
    uint32_t reg_id;
    uint32_t retry_after_s; /* 0: the 503 has none */
    uint32_t random;        /* any 32 bits */
    bool any_flow_alive;
};

/* ms between noticing that a flow has died and the first try of a new one. */
uint32_t strategy_first_wait(const struct strategy *strategy, uint32_t random);

/* ms between a failed registration and the next. */
uint32_t strategy_wait(const struct strategy *strategy, const struct strategy_failure *failure);

#endif
