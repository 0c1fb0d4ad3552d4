// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SIMULATE_WHEEL_H
#define REFLOW_CLI_SIMULATE_WHEEL_H

#include <stddef.h>
#include <stdint.h>

/*
 * A timing wheel for a fixed number of timers, each set once at most: a list for every millisecond of about four
 * minutes, in which later ones wait for another turn. Setting and firing allocate nothing.
 */

struct simulate_timer {
    uint32_t next; /* in its list */
    uint32_t due_ms;
};

struct simulate_wheel {
    uint32_t *slots;
    struct simulate_timer *timers;
};

/* 0 or -ENOMEM; destroying is safe after both. */
int simulate_wheel_create(struct simulate_wheel *wheel, size_t timers);
void simulate_wheel_destroy(struct simulate_wheel *wheel);

/* Sets a timer that is not set, for now or later. */
void simulate_wheel_set(struct simulate_wheel *wheel, uint32_t timer, uint32_t due_ms);

/* Fires all timers that are due now, including those set meanwhile. Must be called for each millisecond in turn. */
void simulate_wheel_turn(struct simulate_wheel *wheel, uint32_t now_ms, void (*fire)(void *context, uint32_t timer),
                         void *context);

#endif
