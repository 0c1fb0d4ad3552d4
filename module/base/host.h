// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_HOST_H
#define REFLOW_BASE_HOST_H

#include <stddef.h>
#include <stdint.h>

/* What a host lends to the layers above the core. No implementation here: each host has its own, tests have a fake. */

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

struct host {
    void *context; /* handed to every function below */

    /* Milliseconds that never go back; from any zero. */
    uint64_t (*now_ms)(void *context);

    /* Seconds since 1970, for what outlives the process. In a server it does not jump when the clock is set. */
    int64_t (*wall_s)(void *context);

    /* Like realloc with the old size: old NULL allocates, new_size 0 frees and returns NULL. NULL on failure, the
       old block then stands. */
    void *(*allocate)(void *context, void *old, size_t old_size, size_t new_size);

    /* Unpredictable 32 bits. */
    uint32_t (*random)(void *context);

    /* One line, without newline. */
    void (*log)(void *context, enum log_level level, const char *line);

    /* Held around changes of shared state; NULL where one thread or process does everything. */
    void (*lock)(void *context);
    void (*unlock)(void *context);
};

#endif
