// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_TIMER_H
#define REFLOW_STANDALONE_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"

/*
 * Timers by the host's clock: nodes of a heap, which live in what they time. The clock is lent, so that tests move it;
 * the host's loop sleeps until timers_next().
 */

struct timer {
    struct heap_node node; /* due at a millisecond of the host's clock */
    bool kept;             /* a place is reserved for it */
    void (*fire)(struct timer *timer);
};

struct timers {
    struct heap heap;
    size_t kept, others; /* reserved places; running timers without one */
};

void timers_create(struct timers *timers, const struct host *host);
void timers_destroy(struct timers *timers); /* no timer fires */

/* Starts or restarts a timer that fires `after_ms` from now. Returns 0, or -ENOMEM (the timer then does not run). */
int timer_start(struct timers *timers, struct timer *timer, uint64_t after_ms);

/* Reserves a place for a timer that does not run: from now on timer_start() cannot fail, so that an object that ends
   by a timer always ends. Returns 0 or -ENOMEM. Return the place before the timer is freed, which also stops it. */
int timer_keep(struct timers *timers, struct timer *timer);
void timer_give_back(struct timers *timers, struct timer *timer);
void timer_stop(struct timers *timers, struct timer *timer); /* also for a timer that does not run */

static inline bool timer_runs(const struct timer *timer)
{
    return timer->node.place != 0;
}

/* Milliseconds until the next timer is due: 0: now, -1: none runs. */
int64_t timers_next(const struct timers *timers);

/* Fires all timers that are due, in the order in which they became due; returns their number. */
size_t timers_run(struct timers *timers);

#endif
