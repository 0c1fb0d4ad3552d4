// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/memory.h"

#include <stdbool.h>

#include <lua.h>

enum { SLOT = 16, EXTRA_SLOTS = 5, THE_STACK = 2 };

/* Lua doubles its stack, except for the reserved slots: it allocates a new block and then frees the old one. */
static bool is_stack_doubled(const struct memory *memory, size_t size)
{
    size_t reserve = (size_t)SLOT * EXTRA_SLOTS;
    return memory->stack != NULL && size == (memory->stack_size - reserve) * 2 + reserve;
}

static void note_acquired(struct memory *memory, void *block, size_t size)
{
    memory->vector = block;
    memory->vector_size = size;
    if (memory->acquired < THE_STACK && ++memory->acquired == THE_STACK) { // the second block of a new state
        memory->stack = block;
        memory->stack_size = size;
    }
}

static void note_freed(struct memory *memory, const void *block)
{
    if (block != memory->stack)
        return;
    memory->stack = memory->vector;
    memory->stack_size = memory->vector_size;
}

void *memory_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    struct memory *memory = context;
    bool is_object = old == NULL && old_size != 0; // Lua passes the kind of object in place of the size
    size_t kind = old_size;
    if (old == NULL)
        old_size = 0;
    if (new_size > old_size && new_size - old_size > memory->cap - memory->used)
        return NULL;
    if (new_size == 0 && old == NULL)
        return NULL;
    if (is_object && kind == LUA_TSTRING && new_size > TEXT_MOST)
        return NULL;
    if (old == NULL && new_size > STACK_MOST && !is_object && is_stack_doubled(memory, new_size))
        return NULL;
    void *block = memory->host->allocate(memory->host->context, old, old_size, new_size);
    if (block == NULL && new_size != 0)
        return NULL;
    memory->used = memory->used - old_size + new_size;
    if (old == NULL && (!is_object || memory->acquired < THE_STACK))
        note_acquired(memory, block, new_size);
    else if (new_size == 0)
        note_freed(memory, old);
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
    struct memory *memory = context;
    log_share_write(&memory->log, memory->host, level, line);
}

void memory_create(struct memory *memory, const struct host *host, size_t cap)
{
    *memory = (struct memory){.host = host, .cap = cap};
    log_share_create(&memory->log, "");
    memory->capped = (struct host){.context = memory,
                                   .now_ms = capped_now_ms,
                                   .wall_s = capped_wall_s,
                                   .allocate = memory_allocate,
                                   .random = capped_random,
                                   .log = capped_log};
}
