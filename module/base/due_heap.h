// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_DUE_HEAP_H
#define REFLOW_BASE_DUE_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/host.h"

/*
 * What ends at a time, the earliest on top: what lives on is never looked at. The nodes are their owner's and know
 * their places, so that one can be taken out of the middle. To the millisecond, which expiry_wheel.h is not.
 */

struct due_node {
    uint64_t at;  /* when it ends; stays while the node is in the heap */
    size_t place; /* counted from 1; 0: in no heap. Zero it before the first use */
};

struct due_heap {
    const struct host *host;
    struct due_node **nodes;
    size_t count, capacity;
};

/* Takes no memory yet. The host must outlive the heap; the nodes are left alone by destroy. */
void due_heap_create(struct due_heap *heap, const struct host *host);
void due_heap_destroy(struct due_heap *heap);

/* 0: the next due_heap_add finds room. Else -ENOMEM. */
int due_heap_reserve(struct due_heap *heap);

/* Only after a due_heap_reserve. */
void due_heap_add(struct due_heap *heap, struct due_node *node);
void due_heap_remove(struct due_heap *heap, struct due_node *node); /* in no heap: nothing */

/* The one that ends first, or NULL. */
static inline struct due_node *due_heap_first(const struct due_heap *heap)
{
    return heap->count != 0 ? heap->nodes[0] : NULL;
}

#endif
