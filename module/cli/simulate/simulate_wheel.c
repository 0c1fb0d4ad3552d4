// SPDX-License-Identifier: BSD-2-Clause
#include "cli/simulate/simulate_wheel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 18 };

static const uint32_t none = UINT32_MAX;

int simulate_wheel_create(struct simulate_wheel *wheel, size_t timers)
{
    wheel->slots = malloc(SLOTS * sizeof *wheel->slots);
    wheel->timers = calloc(timers > 0 ? timers : 1, sizeof *wheel->timers);
    if (wheel->slots == NULL || wheel->timers == NULL)
        return -ENOMEM;
    memset(wheel->slots, 0xff, SLOTS * sizeof *wheel->slots);
    return 0;
}

void simulate_wheel_destroy(struct simulate_wheel *wheel)
{
    free(wheel->slots);
    free(wheel->timers);
    *wheel = (struct simulate_wheel){0};
}

static void push(struct simulate_wheel *wheel, uint32_t *list, uint32_t timer)
{
    wheel->timers[timer].next = *list;
    *list = timer;
}

void simulate_wheel_set(struct simulate_wheel *wheel, uint32_t timer, uint32_t due_ms)
{
    wheel->timers[timer].due_ms = due_ms;
    push(wheel, &wheel->slots[due_ms % SLOTS], timer);
}

void simulate_wheel_turn(struct simulate_wheel *wheel, uint32_t now_ms, void (*fire)(void *context, uint32_t timer),
                         void *context)
{
    uint32_t *slot = &wheel->slots[now_ms % SLOTS];
    uint32_t later = none;
    while (*slot != none) {
        uint32_t timer = *slot;
        *slot = wheel->timers[timer].next;
        if (wheel->timers[timer].due_ms == now_ms)
            fire(context, timer);
        else
            push(wheel, &later, timer);
    }
    *slot = later;
}
