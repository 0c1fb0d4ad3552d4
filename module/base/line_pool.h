// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_LINE_POOL_H
#define REFLOW_BASE_LINE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"

/*
 * A pool of millions of cache lines, aligned, dense, identified by number, and never moved. Memory is allocated in
 * segments, touched line by line, and freed with the pool.
 */

enum { LINE_BYTES = 64, SEGMENT_LINES = 1024, SEGMENT_SHIFT = 10 };

struct line_pool {
    const struct host *host;
    unsigned char **segments;
    uint32_t segments_size; /* places in `segments` */
    uint32_t segments_used;
    uint32_t made;     /* number of lines that were ever taken; they are numbered from 1 */
    uint32_t released; /* the first released line, linked by number; 0: none */
};

/* Allocates nothing yet. The host must outlive the pool. */
void line_pool_create(struct line_pool *pool, const struct host *host);
void line_pool_destroy(struct line_pool *pool);

/* Returns 0 if the next line_pool_take() succeeds, else -ENOMEM. */
int line_pool_reserve(struct line_pool *pool);

/* The number of a zeroed line; only after a line_pool_reserve() for it, or a release. If no line is ever released,
   the numbers are 1, 2, 3 and so on. */
uint32_t line_pool_take(struct line_pool *pool);
void line_pool_release(struct line_pool *pool, uint32_t number);

static inline void *line_pool_at(const struct line_pool *pool, uint32_t number)
{
    return pool->segments[number >> SEGMENT_SHIFT] + (size_t)(number & (SEGMENT_LINES - 1)) * LINE_BYTES;
}

#endif
