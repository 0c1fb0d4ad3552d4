// SPDX-License-Identifier: BSD-2-Clause
#include "base/heap.h"

#include "base/memory.h"

#include <errno.h>

enum { CAPACITY_LEAST = 16 };

void heap_create(struct heap *heap, const struct host *host)
{
    *heap = (struct heap){.host = host};
}

void heap_destroy(struct heap *heap)
{
    memory_delete(heap->host, heap->nodes, heap->capacity * sizeof *heap->nodes);
    *heap = (struct heap){.host = heap->host};
}

int heap_reserve(struct heap *heap, size_t count)
{
    size_t capacity = heap->capacity == 0 ? CAPACITY_LEAST : heap->capacity;
    if (count <= heap->capacity)
        return 0;
    while (capacity < count)
        capacity *= 2;
    struct heap_node **nodes =
        heap->host->allocate(heap->host->context, heap->nodes, heap->capacity * sizeof(struct heap_node *),
                             capacity * sizeof(struct heap_node *));
    if (nodes == NULL)
        return -ENOMEM;
    heap->nodes = nodes;
    heap->capacity = capacity;
    return 0;
}

static void set_place(struct heap *heap, size_t index, struct heap_node *node)
{
    heap->nodes[index] = node;
    node->place = index + 1;
}

static void rise(struct heap *heap, size_t index, struct heap_node *node)
{
    while (index > 0 && heap->nodes[(index - 1) / 2]->at > node->at) {
        set_place(heap, index, heap->nodes[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    set_place(heap, index, node);
}

static void sink(struct heap *heap, size_t index, struct heap_node *node)
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

void heap_add(struct heap *heap, struct heap_node *node)
{
    rise(heap, heap->count++, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (node->place == 0)
        return;
    size_t index = node->place - 1;
    struct heap_node *last = heap->nodes[--heap->count];
    node->place = 0;
    if (last == node)
        return;
    if (index > 0 && heap->nodes[(index - 1) / 2]->at > last->at)
        rise(heap, index, last);
    else
        sink(heap, index, last);
}
