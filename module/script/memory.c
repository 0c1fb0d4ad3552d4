// SPDX-License-Identifier: BSD-2-Clause
#include "script/memory.h"

void *memory_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    struct memory *memory = context;
    if (old == NULL) // Lua passes the kind of object in place of the size
        old_size = 0;
    if (new_size > old_size && new_size - old_size > memory->cap - memory->used)
        return NULL;
    if (new_size == 0 && old == NULL)
        return NULL;
    void *block = memory->host->allocate(memory->host->context, old, old_size, new_size);
    if (block == NULL && new_size != 0)
        return NULL;
    memory->used = memory->used - old_size + new_size;
    return block;
}

static uint64_t capped_now_ms(void *context)
{
    const struct host *host = ((struct memory *)context)->host;
    return host->now_ms(host->context);
}

static int64_t capped_wall_s(void *context)
{
    const struct host *host = ((struct memory *)context)->host;
    return host->wall_s(host->context);
}

static uint32_t capped_random(void *context)
{
    const struct host *host = ((struct memory *)context)->host;
    return host->random(host->context);
}

static void capped_log(void *context, enum log_level level, const char *line)
{
    const struct host *host = ((struct memory *)context)->host;
    host->log(host->context, level, line);
}

void memory_create(struct memory *memory, const struct host *host, size_t cap)
{
    *memory = (struct memory){.host = host, .cap = cap};
    memory->capped = (struct host){.context = memory,
                                   .now_ms = capped_now_ms,
                                   .wall_s = capped_wall_s,
                                   .allocate = memory_allocate,
                                   .random = capped_random,
                                   .log = capped_log};
}
