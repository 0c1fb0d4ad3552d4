// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_HEAP_H
#define REFLOW_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/host.h"

/*
 * What is due at a time, the earliest first, to the millisecond; expiry_wheel.h is for seconds. Times are numbers, from
 * any zero. The nodes are their owner's and know their places, so that one can be taken out of the middle.
 */

struct heap_node {
    uint64_t at;  /* when it is due; stays while the node is in the heap */
    size_t place; /* counted from 1; 0: in no heap. Zero it before the first use */
};

struct heap {
    const struct host *host;
    struct heap_node **nodes;
    size_t count, capacity;
};

/* Takes no memory yet. The host must outlive the heap. heap_destroy() leaves the nodes alone. */
void heap_create(struct heap *heap, const struct host *host);
void heap_destroy(struct heap *heap);

/* Makes room for `count` nodes in all. Returns 0 or -ENOMEM. */
int heap_reserve(struct heap *heap, size_t count);

/* Only where heap_reserve() has made room. The node is in no heap. */
void heap_add(struct heap *heap, struct heap_node *node);
void heap_remove(struct heap *heap, struct heap_node *node); /* does nothing if it is in no heap */

/* The earliest, or NULL. */
static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->count != 0 ? heap->nodes[0] : NULL;
}

#endif
