// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/timer.h"

#include <errno.h>

static uint64_t now_ms(const struct timers *timers)
{
    return timers->heap.host->now_ms(timers->heap.host->context);
}

void timers_create(struct timers *timers, const struct host *host)
{
    *timers = (struct timers){0};
    heap_create(&timers->heap, host);
}

void timers_destroy(struct timers *timers)
{
    for (size_t i = 0; i < timers->heap.count; i++)
        timers->heap.nodes[i]->place = 0;
    heap_destroy(&timers->heap);
    timers->kept = timers->others = 0;
}

static int make_place(struct timers *timers)
{
    return heap_reserve(&timers->heap, timers->kept + timers->others + 1);
}

int timer_keep(struct timers *timers, struct timer *timer)
{
    if (timer->kept)
        return 0;
    if (make_place(timers) != 0)
        return -ENOMEM;
    timer->kept = true;
    timers->kept++;
    return 0;
}

void timer_give_back(struct timers *timers, struct timer *timer)
{
    timer_stop(timers, timer);
    timers->kept -= timer->kept;
    timer->kept = false;
}

int timer_start(struct timers *timers, struct timer *timer, uint64_t after_ms)
{
    if (!timer_runs(timer) && !timer->kept && make_place(timers) != 0)
        return -ENOMEM;
    timer_stop(timers, timer);
    timer->node.at = now_ms(timers) + after_ms;
    timers->others += !timer->kept;
    heap_add(&timers->heap, &timer->node);
    return 0;
}

void timer_stop(struct timers *timers, struct timer *timer)
{
    if (!timer_runs(timer))
        return;
    timers->others -= !timer->kept;
    heap_remove(&timers->heap, &timer->node);
}

int64_t timers_next(const struct timers *timers)
{
    const struct heap_node *first = heap_first(&timers->heap);
    if (first == NULL)
        return -1;
    uint64_t now = now_ms(timers);
    return first->at > now ? (int64_t)(first->at - now) : 0;
}

size_t timers_run(struct timers *timers)
{
    size_t fired = 0;
    uint64_t now = now_ms(timers);
    for (struct heap_node *first; (first = heap_first(&timers->heap)) != NULL && first->at <= now; fired++) {
        struct timer *timer = (struct timer *)(void *)((char *)first - offsetof(struct timer, node));
        timer_stop(timers, timer);
        timer->fire(timer);
    }
    return fired;
}
