// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/hooks.h"

#include <errno.h>
#include <string.h>

const char *hook_name(unsigned hook)
{
    static const char *const names[HOOK_COUNT] = {"request", "register",  "response",   "exhausted",
                                                  "flow_up", "flow_down", "credentials"};
    return hook < HOOK_COUNT ? names[hook] : "?";
}

void hooks_create(struct hooks *hooks, lua_State *L)
{
    *hooks = (struct hooks){0};
    hooks->allocate = lua_getallocf(L, &hooks->context);
}

static void *resize(struct hooks *hooks, void *old, size_t old_size, size_t new_size)
{
    return hooks->allocate(hooks->context, old, old_size, new_size);
}

void hooks_destroy(struct hooks *hooks)
{
    if (hooks->rows != NULL)
        resize(hooks, hooks->rows, hooks->capacity * sizeof *hooks->rows, 0);
    if (hooks->order != NULL)
        resize(hooks, hooks->order, hooks->order_count * sizeof *hooks->order, 0);
    if (hooks->health != NULL)
        resize(hooks, hooks->health, hooks->health_count * sizeof *hooks->health, 0);
    hooks->rows = NULL;
    hooks->order = NULL;
    hooks->health = NULL;
    hooks->count = hooks->capacity = hooks->order_count = hooks->health_count = 0;
}

int hooks_add(struct hooks *hooks, const struct hook_row *row)
{
    if (hooks->count == HOOKS_MOST)
        return -ENOSPC;
    if (hooks->count == hooks->capacity) {
        size_t capacity = hooks->capacity == 0 ? 8 : hooks->capacity * 2;
        void *rows = resize(hooks, hooks->rows, hooks->capacity * sizeof *row, capacity * sizeof *row);
        if (rows == NULL)
            return -ENOMEM;
        hooks->rows = rows;
        hooks->capacity = capacity;
    }
    hooks->rows[hooks->count++] = *row;
    return 0;
}

bool hook_layer_goes_before(const struct hook_row *a, const struct hook_row *b)
{
    return a->layer_priority != b->layer_priority ? a->layer_priority > b->layer_priority : a->layer > b->layer;
}

static bool goes_before(const struct hook_row *a, const struct hook_row *b)
{
    if (a->layer_priority != b->layer_priority || a->layer != b->layer)
        return hook_layer_goes_before(a, b);
    if (a->selector != b->selector)
        return a->selector > b->selector;
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return a->registration > b->registration;
}

static void sort_rows(const struct hooks *hooks, uint16_t *sorted)
{
    for (size_t i = 0; i < hooks->count; i++) {
        size_t at = i;
        while (at > 0 && goes_before(&hooks->rows[i], &hooks->rows[sorted[at - 1]])) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = (uint16_t)i;
    }
}

static bool belongs(const struct hook_row *row, size_t list)
{
    if (list >= HOOK_CODES)
        return row->hook != HOOK_RESPONSE && row->hook == list - HOOK_CODES;
    return row->hook == HOOK_RESPONSE && row->from <= list + CODE_FIRST && list + CODE_FIRST <= row->to;
}

/* Copies the rows of a list to `order` (NULL: only counts them). */
static size_t fill_list(const struct hooks *hooks, const uint16_t *sorted, size_t list, uint16_t *order)
{
    bool seen[HOOKS_MOST + 1] = {false};
    size_t count = 0;
    for (size_t i = 0; i < hooks->count; i++) {
        const struct hook_row *row = &hooks->rows[sorted[i]];
        if (!belongs(row, list) || seen[row->registration])
            continue;
        seen[row->registration] = true;
        if (order != NULL)
            order[count] = sorted[i];
        count++;
    }
    return count;
}

static int make_health(struct hooks *hooks)
{
    size_t count = (size_t)hooks->registrations + 1, size = sizeof *hooks->health;
    if (count <= hooks->health_count)
        return 0;
    struct hook_health *health = resize(hooks, hooks->health, hooks->health_count * size, count * size);
    if (health == NULL)
        return -ENOMEM;
    memset(health + hooks->health_count, 0, (count - hooks->health_count) * size);
    hooks->health = health;
    hooks->health_count = count;
    return 0;
}

int hooks_build(struct hooks *hooks)
{
    uint16_t sorted[HOOKS_MOST];
    size_t total = 0;
    if (make_health(hooks) != 0)
        return -ENOMEM;
    sort_rows(hooks, sorted);
    for (size_t list = 0; list < HOOK_LISTS; list++)
        total += fill_list(hooks, sorted, list, NULL);
    uint16_t *order = NULL;
    if (total != 0) {
        order = resize(hooks, NULL, 0, total * sizeof *order);
        if (order == NULL)
            return -ENOMEM;
    }
    if (hooks->order != NULL)
        resize(hooks, hooks->order, hooks->order_count * sizeof *hooks->order, 0);
    hooks->order = order;
    hooks->order_count = total;
    total = 0;
    for (size_t list = 0; list < HOOK_LISTS; list++) {
        hooks->first[list] = (uint32_t)total;
        if (order != NULL)
            total += fill_list(hooks, sorted, list, order + total);
    }
    hooks->first[HOOK_LISTS] = (uint32_t)total;
    return 0;
}

bool hook_is_on(const struct hook_health *health, uint64_t now_ms)
{
    return health->off_until == 0 || now_ms >= health->off_until;
}

bool hook_has_breaker(const struct hook_row *row)
{
    return row->on_error != ON_ERROR_STATUS && row->hook != HOOK_CREDENTIALS;
}

/* A hook that was turned off is on trial until it succeeds. The sources that turned it off cannot fail the trial. */
bool hook_failed(struct hook_health *health, uint64_t now_ms, const uint64_t sources[BLAME_AT_ONCE])
{
    bool on_trial = health->off_until != 0;
    health->failures++;
    if (health->streak == 0 || (!on_trial && now_ms - health->streak_since > BREAKER_WINDOW_MS)) {
        health->streak = 0;
        health->streak_since = now_ms;
        health->blame = (struct blame){0};
    }
    if (!blame_add(&health->blame, sources))
        return false;
    health->streak++;
    if (!on_trial && health->streak < BREAKER_FAILURES)
        return false;
    health->off_until = now_ms + BREAKER_OFF_MS;
    return true;
}

bool hook_succeeded(struct hook_health *health)
{
    bool was_off = health->off_until != 0;
    health->streak = 0;
    health->off_until = 0;
    return was_off;
}
