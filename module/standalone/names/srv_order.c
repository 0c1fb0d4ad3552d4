// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/names/srv_order.h"

#include <string.h>

/* SplitMix64: the selection is a number of this server, which nobody else can choose. */
static uint64_t draw_next(uint64_t *state)
{
    uint64_t number = *state += 0x9E3779B97F4A7C15ULL;
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9ULL;
    number = (number ^ number >> 27) * 0x94D049BB133111EBULL;
    return number ^ number >> 31;
}

static uint32_t weight_sum(const struct name_answer *answer, const uint8_t *order, size_t count)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += answer->records[order[i]].weight;
    return sum;
}

/* The records come with the smallest weight first, as the algorithm demands. */
static size_t draw_by_weight(const struct name_answer *answer, const uint8_t *order, size_t count, uint64_t *state)
{
    uint32_t sum = weight_sum(answer, order, count), running = 0;
    uint64_t drawn = draw_next(state);
    if (sum == 0)
        return drawn % count;
    uint32_t limit = (uint32_t)(drawn % (sum + 1ULL));
    for (size_t i = 0; i < count; i++) {
        running += answer->records[order[i]].weight;
        if (running >= limit)
            return i;
    }
    return count - 1;
}

static void order_by_weight(const struct name_answer *answer, uint8_t *order, size_t count, uint64_t *state)
{
    for (size_t done = 0; done + 1 < count; done++) {
        size_t at = done + draw_by_weight(answer, order + done, count - done, state);
        uint8_t chosen = order[at];
        memmove(order + done + 1, order + done, at - done);
        order[done] = chosen;
    }
}

size_t srv_order(const struct name_answer *answer, uint64_t selection, uint8_t order[NAME_RECORDS_MOST])
{
    size_t count = 0;
    for (size_t i = 0; i < answer->count && i < NAME_RECORDS_MOST; i++) {
        if (answer->records[i].target[0] != '\0')
            order[count++] = (uint8_t)i;
    }
    for (size_t start = 0, end; start < count; start = end) {
        for (end = start + 1;
             end < count && answer->records[order[end]].priority == answer->records[order[start]].priority;)
            end++;
        order_by_weight(answer, order + start, end - start, &selection);
    }
    return count;
}
