// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_RANDOM_H
#define REFLOW_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills `out` with unpredictable bytes from the operating system, the only source of secrets. Returns 0, or a negative
   errno: `out` then holds nothing that may be used. Thread-safe. A program calls it once at start, so that it does not
   start on a system without random numbers. */
int random_fill(void *out, size_t size);

/* Unpredictable numbers for a host that needs many: they are read from the operating system some hundred at a time, and
   each is erased when it is taken. In the child of a fork() the kernel empties the pool, so no two processes take the
   same number. Where the kernel cannot do that, each number is read alone. One thread at a time. */
struct random_pool {
    struct random_page *page; /* NULL: each number is read alone */
};

void random_pool_create(struct random_pool *pool);
void random_pool_destroy(struct random_pool *pool);

/* Returns 0, or a negative errno as random_fill() does: *number must not be used then. */
int random_pool_take(struct random_pool *pool, uint32_t *number);

#endif
