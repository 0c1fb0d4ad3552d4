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
    bool kept;             /* it has a place of its own */
    void (*fire)(struct timer *timer);
};

struct timers {
    struct heap heap;
    size_t kept, others; /* places kept; running timers that have none */
};

void timers_create(struct timers *timers, const struct host *host);
void timers_destroy(struct timers *timers); /* fires none */

/* Start, or start anew, to fire `after_ms` from now. 0, or -ENOMEM (the timer then does not run). */
int timer_start(struct timers *timers, struct timer *timer, uint64_t after_ms);

/* Keep a place for it, while it does not run: from now on timer_start() cannot fail, so that what lives until a timer
   fires does not live for ever. 0 or -ENOMEM. Give the place back before the timer goes; that stops it. */
int timer_keep(struct timers *timers, struct timer *timer);
void timer_give_back(struct timers *timers, struct timer *timer);
void timer_stop(struct timers *timers, struct timer *timer); /* fine where it does not run */

static inline bool timer_runs(const struct timer *timer)
{
    return timer->node.place != 0;
}

/* Milliseconds until the next one is due: 0 now, -1 none runs. */
int64_t timers_next(const struct timers *timers);

/* Fire all that are due, those first that were due first; returns how many. */
size_t timers_run(struct timers *timers);

#endif
