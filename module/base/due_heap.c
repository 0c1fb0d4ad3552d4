// SPDX-License-Identifier: BSD-2-Clause
#include "base/due_heap.h"

#include <errno.h>

enum { CAPACITY_LEAST = 16 };

void due_heap_create(struct due_heap *heap, const struct host *host)
{
    *heap = (struct due_heap){.host = host};
}

void due_heap_destroy(struct due_heap *heap)
{
    if (heap->nodes != NULL)
        heap->host->allocate(heap->host->context, heap->nodes, heap->capacity * sizeof *heap->nodes, 0);
    *heap = (struct due_heap){.host = heap->host};
}

int due_heap_reserve(struct due_heap *heap)
{
    if (heap->count < heap->capacity)
        return 0;
    size_t capacity = heap->capacity == 0 ? CAPACITY_LEAST : heap->capacity * 2;
    struct due_node **nodes =
        heap->host->allocate(heap->host->context, heap->nodes, heap->capacity * sizeof(struct due_node *),
                             capacity * sizeof(struct due_node *));
    if (nodes == NULL)
        return -ENOMEM;
    heap->nodes = nodes;
    heap->capacity = capacity;
    return 0;
}

static void set_place(struct due_heap *heap, size_t index, struct due_node *node)
{
    heap->nodes[index] = node;
    node->place = index + 1;
}

static void rise(struct due_heap *heap, size_t index, struct due_node *node)
{
    while (index > 0 && heap->nodes[(index - 1) / 2]->at > node->at) {
        set_place(heap, index, heap->nodes[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    set_place(heap, index, node);
}

static void sink(struct due_heap *heap, size_t index, struct due_node *node)
{
    for (size_t child = 2 * index + 1; child < heap->count; child = 2 * index + 1) {
        if (child + 1 < heap->count && heap->nodes[child + 1]->at < heap->nodes[child]->at)
            child++;
        if (heap->nodes[child]->at >= node->at)
            break;
        set_place(heap, index, heap->nodes[child]);
        index = child;
    }
    set_place(heap, index, node);
}

void due_heap_add(struct due_heap *heap, struct due_node *node)
{
    rise(heap, heap->count++, node);
}

void due_heap_remove(struct due_heap *heap, struct due_node *node)
{
    if (node->place == 0)
        return;
    size_t index = node->place - 1;
    struct due_node *last = heap->nodes[--heap->count];
    node->place = 0;
    if (last == node)
        return;
    if (index > 0 && heap->nodes[(index - 1) / 2]->at > last->at)
        rise(heap, index, last);
    else
        sink(heap, index, last);
}
