// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_HOST_H
#define REFLOW_BASE_HOST_H

#include <stddef.h>
#include <stdint.h>

/* The functions that a host provides to the layers above the core. Each host has its own implementation, and tests
   have a fake. */

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

struct host {
    void *context; /* passed to every function below */

    /* Milliseconds since an arbitrary time; never goes back. */
    uint64_t (*now_ms)(void *context);

    /* Seconds since 1970, for values that survive the process. In a server this does not jump when the clock is set. */
    int64_t (*wall_s)(void *context);

    /* Like realloc() with the old size: old NULL allocates, new_size 0 frees and returns NULL. Returns NULL on
       failure, with the old block unchanged. */
    void *(*allocate)(void *context, void *old, size_t old_size, size_t new_size);

    /* Unpredictable 32 bits. */
    uint32_t (*random)(void *context);

    /* One line, without newline. */
    void (*log)(void *context, enum log_level level, const char *line);

    /* Held during changes of shared state; NULL if there is only one thread or process. */
    void (*lock)(void *context);
    void (*unlock)(void *context);
};

static inline uint64_t host_now_ms(const struct host *host)
{
    return host->now_ms(host->context);
}

static inline uint64_t host_random_64(const struct host *host)
{
    uint64_t high = host->random(host->context);
    return high << 32 | host->random(host->context);
}

#endif
