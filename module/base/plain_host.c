// SPDX-License-Identifier: BSD-2-Clause
#include "base/plain_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"

uint64_t plain_now_ms(void *context)
{
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int64_t plain_wall_s(void *context)
{
    (void)context;
    return (int64_t)time(NULL);
}

void *plain_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    (void)context;
    (void)old_size;
    if (new_size == 0) {
        free(old);
        return NULL;
    }
    return realloc(old, new_size);
}

void plain_random_check(int error)
{
    if (error == 0)
        return;
    fprintf(stderr, "reflow: cannot get random numbers: %s\n", strerror(-error));
    abort();
}

uint32_t plain_random(void *context)
{
    uint32_t number = 0;
    (void)context;
    plain_random_check(random_fill(&number, sizeof number));
    return number;
}

static void plain_log(void *context, enum log_level level, const char *line)
{
    (void)context;
    if (level <= LOG_WARNING)
        fprintf(stderr, "reflow: %s\n", line);
}

struct host plain_host(void)
{
    return (struct host){.now_ms = plain_now_ms,
                         .wall_s = plain_wall_s,
                         .allocate = plain_allocate,
                         .random = plain_random,
                         .log = plain_log};
}
