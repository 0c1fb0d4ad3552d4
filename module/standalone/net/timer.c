// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/timer.h"

#include <errno.h>

void timers_create(struct timers *timers, const struct host *host)
{
    *timers = (struct timers){.host = host};
}

void timers_destroy(struct timers *timers)
{
    for (size_t i = 0; i < timers->count; i++)
        timers->heap[i]->place = 0;
    timers->host->allocate(timers->host->context, timers->heap, timers->capacity * sizeof *timers->heap, 0);
    timers->heap = NULL;
    timers->count = timers->capacity = timers->kept = timers->others = 0;
}

static void put(struct timers *timers, size_t place, struct timer *timer)
{
    timers->heap[place - 1] = timer;
    timer->place = place;
}

static void sift_up(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    while (place > 1 && timers->heap[place / 2 - 1]->due_ms > timer->due_ms) {
        put(timers, place, timers->heap[place / 2 - 1]);
        place /= 2;
    }
    put(timers, place, timer);
}

static void sift_down(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    for (;;) {
        size_t child = place * 2;
        if (child > timers->count)
            break;
        if (child < timers->count && timers->heap[child]->due_ms < timers->heap[child - 1]->due_ms)
            child++;
        if (timers->heap[child - 1]->due_ms >= timer->due_ms)
            break;
        put(timers, place, timers->heap[child - 1]);
        place = child;
    }
    put(timers, place, timer);
}

static int grow(struct timers *timers)
{
    size_t capacity = timers->capacity ? timers->capacity * 2 : 64;
    void *heap = timers->host->allocate(timers->host->context, timers->heap, timers->capacity * sizeof *timers->heap,
                                        capacity * sizeof *timers->heap);
    if (heap == NULL)
        return -ENOMEM;
    timers->heap = heap;
    timers->capacity = capacity;
    return 0;
}

static bool has_room(const struct timers *timers)
{
    return timers->kept + timers->others < timers->capacity;
}

int timer_keep(struct timers *timers, struct timer *timer)
{
    if (timer->kept)
        return 0;
    if (!has_room(timers) && grow(timers) != 0)
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
    timer->due_ms = timers->host->now_ms(timers->host->context) + after_ms;
    if (timer->place == 0) {
        if (!timer->kept && !has_room(timers) && grow(timers) != 0)
            return -ENOMEM;
        timers->others += !timer->kept;
        timers->count++;
        put(timers, timers->count, timer);
    }
    sift_up(timers, timer);
    sift_down(timers, timer);
    return 0;
}

void timer_stop(struct timers *timers, struct timer *timer)
{
    if (timer->place == 0)
        return;
    struct timer *last = timers->heap[timers->count - 1];
    size_t place = timer->place;
    timers->count--;
    timers->others -= !timer->kept;
    timer->place = 0;
    if (last == timer)
        return;
    put(timers, place, last);
    sift_up(timers, last);
    sift_down(timers, last);
}

int64_t timers_next(const struct timers *timers)
{
    if (timers->count == 0)
        return -1;
    uint64_t now = timers->host->now_ms(timers->host->context);
    return timers->heap[0]->due_ms > now ? (int64_t)(timers->heap[0]->due_ms - now) : 0;
}

size_t timers_run(struct timers *timers)
{
    size_t fired = 0;
    uint64_t now = timers->host->now_ms(timers->host->context);
    while (timers->count > 0 && timers->heap[0]->due_ms <= now) {
        struct timer *timer = timers->heap[0];
        timer_stop(timers, timer);
        timer->fire(timer);
        fired++;
    }
    return fired;
}
