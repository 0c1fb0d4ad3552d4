// SPDX-License-Identifier: BSD-2-Clause
#include "base/line_pool.h"

#include "base/memory.h"

#include <errno.h>
#include <string.h>

enum {
    /* Room for alignment: the byte before the first line has the offset. */
    SEGMENT_BYTES = SEGMENT_LINES * LINE_BYTES + LINE_BYTES,
    SEGMENTS_FIRST = 16
};

_Static_assert(1 << SEGMENT_SHIFT == SEGMENT_LINES, "a shift finds the segment");

void line_pool_create(struct line_pool *pool, const struct host *host)
{
    *pool = (struct line_pool){.host = host};
}

void line_pool_destroy(struct line_pool *pool)
{
    const struct host *host = pool->host;
    for (uint32_t i = 0; i < pool->segments_used; i++) {
        unsigned char *first = pool->segments[i];
        host->allocate(host->context, first - first[-1], SEGMENT_BYTES, 0);
    }
    memory_delete(host, pool->segments, pool->segments_size * sizeof *pool->segments);
    line_pool_create(pool, host);
}

static int widen(struct line_pool *pool)
{
    uint32_t size = pool->segments_size ? pool->segments_size * 2 : SEGMENTS_FIRST;
    unsigned char **segments = pool->host->allocate(pool->host->context, pool->segments,
                                                    pool->segments_size * sizeof *segments, size * sizeof *segments);
    if (segments == NULL)
        return -ENOMEM;
    pool->segments = segments;
    pool->segments_size = size;
    return 0;
}

int line_pool_reserve(struct line_pool *pool)
{
    if (pool->released != 0 || (pool->made + 1) >> SEGMENT_SHIFT < pool->segments_used)
        return 0;
    if (pool->made == UINT32_MAX)
        return -ENOMEM;
    if (pool->segments_used == pool->segments_size && widen(pool) < 0)
        return -ENOMEM;
    unsigned char *block = pool->host->allocate(pool->host->context, NULL, 0, SEGMENT_BYTES);
    if (block == NULL)
        return -ENOMEM;
    size_t moved = LINE_BYTES - (uintptr_t)block % LINE_BYTES;
    unsigned char *first = block + moved;
    first[-1] = (unsigned char)moved;
    pool->segments[pool->segments_used++] = first;
    return 0;
}

uint32_t line_pool_take(struct line_pool *pool)
{
    uint32_t number = pool->released;
    if (number != 0)
        memcpy(&pool->released, line_pool_at(pool, number), sizeof pool->released);
    else
        number = ++pool->made;
    memset(line_pool_at(pool, number), 0, LINE_BYTES);
    return number;
}

void line_pool_release(struct line_pool *pool, uint32_t number)
{
    memcpy(line_pool_at(pool, number), &pool->released, sizeof pool->released);
    pool->released = number;
}
