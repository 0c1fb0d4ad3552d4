// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_LINE_RING_H
#define REFLOW_STANDALONE_LINE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/host.h"

/*
 * Passes lines from one thread to another without a lock: one thread puts, one takes, and neither waits for the other.
 * The size is limited; a line without room is refused. Each line ends with its only newline.
 */

struct line_ring {
    const struct host *host;
    char *bytes;
    size_t capacity;    /* a power of two */
    atomic_size_t head; /* bytes ever put */
    atomic_size_t tail; /* bytes ever taken */
};

/* Initialises in place; capacity is rounded up to a power of two. Returns 0 or -ENOMEM. */
int line_ring_create(struct line_ring *ring, const struct host *host, size_t capacity);
void line_ring_destroy(struct line_ring *ring);

/* Returns false if there is no room for the whole line. */
bool line_ring_put(struct line_ring *ring, const char *line, size_t length);

/* The number of bytes that can be put now; for the thread that puts. */
size_t line_ring_room(const struct line_ring *ring);

/* Takes as many complete lines as are available and fit; returns their length, or 0. `size` must be at least the
   longest line. */
size_t line_ring_take(struct line_ring *ring, char *out, size_t size);

#endif
