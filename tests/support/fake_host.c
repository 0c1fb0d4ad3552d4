// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

static uint64_t fake_now_ms(void *context)
{
    return ((struct fake_host *)context)->now_ms;
}

static int64_t fake_wall_s(void *context)
{
    return ((struct fake_host *)context)->wall_s;
}

static void *fake_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    struct fake_host *fake = context;
    if (new_size == 0) {
        free(old);
        fake->allocated -= old ? old_size : 0;
        return NULL;
    }
    fake->calls++;
    if (fake->fail_after != 0 && fake->calls >= fake->fail_after)
        return NULL;
    void *block = realloc(old, new_size);
    if (block != NULL)
        fake->allocated += new_size - (old ? old_size : 0);
    return block;
}

static uint32_t fake_random(void *context)
{
    struct fake_host *fake = context;
    fake->seed = fake->seed * 1664525U + 1013904223U;
    return fake->seed ^ (fake->seed >> 16);
}

static void fake_log(void *context, enum log_level level, const char *line)
{
    struct fake_host *fake = context;
    fake->logged[level]++;
    snprintf(fake->last_log, sizeof fake->last_log, "%s", line);
}

void fake_host_create(struct fake_host *fake)
{
    *fake = (struct fake_host){.now_ms = 1000000, .wall_s = 1700000000, .seed = 1};
    fake->host = (struct host){.context = fake,
                               .now_ms = fake_now_ms,
                               .wall_s = fake_wall_s,
                               .allocate = fake_allocate,
                               .random = fake_random,
                               .log = fake_log};
}

void fake_host_advance(struct fake_host *fake, uint64_t ms)
{
    uint64_t before = fake->now_ms / 1000;
    fake->now_ms += ms;
    fake->wall_s += (int64_t)(fake->now_ms / 1000 - before);
}
