// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_LINE_POOL_H
#define REFLOW_BASE_LINE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"

/*
 * Cache lines by the million: aligned, dense, known by number, and never moved. Memory is taken a segment at a time,
 * touched a line at a time, and given back with the pool.
 */

enum { LINE_BYTES = 64, SEGMENT_LINES = 1024, SEGMENT_SHIFT = 10 };

struct line_pool {
    const struct host *host;
    unsigned char **segments;
    uint32_t segments_size; /* places in `segments` */
    uint32_t segments_used;
    uint32_t made;     /* lines ever taken; their numbers are 1 to this */
    uint32_t released; /* the first of those given back, linked by number; 0: none */
};

/* Takes no memory yet. The host must outlive the pool. */
void line_pool_create(struct line_pool *pool, const struct host *host);
void line_pool_destroy(struct line_pool *pool);

/* 0: the next line_pool_take succeeds. Else -ENOMEM. */
int line_pool_reserve(struct line_pool *pool);

/* The number of a line full of zeros; only after a line_pool_reserve of its own, or a release. A pool from which
   nothing is ever released gives 1, 2, 3 and so on. */
uint32_t line_pool_take(struct line_pool *pool);
void line_pool_release(struct line_pool *pool, uint32_t number);

static inline void *line_pool_at(const struct line_pool *pool, uint32_t number)
{
    return pool->segments[number >> SEGMENT_SHIFT] + (size_t)(number & (SEGMENT_LINES - 1)) * LINE_BYTES;
}

#endif
