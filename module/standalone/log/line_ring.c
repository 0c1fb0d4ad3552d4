// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/log/line_ring.h"

#include "base/memory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

int line_ring_create(struct line_ring *ring, const struct host *host, size_t capacity)
{
    size_t rounded = 64;
    while (rounded < capacity && rounded <= SIZE_MAX / 4)
        rounded *= 2;
    char *bytes = host->allocate(host->context, NULL, 0, rounded);
    if (bytes == NULL)
        return -ENOMEM;
    *ring = (struct line_ring){.host = host, .bytes = bytes, .capacity = rounded};
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
    return 0;
}

void line_ring_destroy(struct line_ring *ring)
{
    memory_delete(ring->host, ring->bytes, ring->capacity);
    ring->bytes = NULL;
}

/* The number of bytes from a position to the end of the memory, where the ring wraps around. */
static size_t straight(const struct line_ring *ring, size_t at, size_t length)
{
    size_t rest = ring->capacity - (at & (ring->capacity - 1));
    return length < rest ? length : rest;
}

size_t line_ring_room(const struct line_ring *ring)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return ring->capacity - (head - tail);
}

bool line_ring_put(struct line_ring *ring, const char *line, size_t length)
{
    size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (length > ring->capacity - (head - tail))
        return false;
    size_t first = straight(ring, head, length);
    memcpy(ring->bytes + (head & (ring->capacity - 1)), line, first);
    memcpy(ring->bytes, line + first, length - first);
    atomic_store_explicit(&ring->head, head + length, memory_order_release);
    return true;
}

static size_t whole_lines(const char *bytes, size_t length)
{
    while (length > 0 && bytes[length - 1] != '\n')
        length--;
    return length;
}

size_t line_ring_take(struct line_ring *ring, char *out, size_t size)
{
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    size_t length = atomic_load_explicit(&ring->head, memory_order_acquire) - tail;
    if (length > size)
        length = size;
    size_t first = straight(ring, tail, length);
    memcpy(out, ring->bytes + (tail & (ring->capacity - 1)), first);
    memcpy(out + first, ring->bytes, length - first);
    length = whole_lines(out, length);
    atomic_store_explicit(&ring->tail, tail + length, memory_order_release);
    return length;
}
