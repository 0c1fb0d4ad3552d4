// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LINE_RING_H
#define REFLOW_STANDALONE_LINE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/host.h"

/*
 * Lines from one thread to another, without a lock: one thread puts, one takes, and neither waits for the other.
 * Bounded; what has no room is refused. A line ends with its newline, which is the only one in it.
 */

struct line_ring {
    const struct host *host;
    char *bytes;
    size_t capacity;    /* a power of two */
    atomic_size_t head; /* bytes ever put */
    atomic_size_t tail; /* bytes ever taken */
};

/* In place; capacity is rounded up to a power of two. 0 or -ENOMEM. */
int line_ring_create(struct line_ring *ring, const struct host *host, size_t capacity);
void line_ring_destroy(struct line_ring *ring);

/* False where there is no room for the whole line. */
bool line_ring_put(struct line_ring *ring, const char *line, size_t length);

/* How many bytes can be put now; by the thread that puts. */
size_t line_ring_room(const struct line_ring *ring);

/* As many whole lines as are there and fit; returns their length, 0 where there is none. `size` is at least the longest
   line that is put. */
size_t line_ring_take(struct line_ring *ring, char *out, size_t size);

#endif
