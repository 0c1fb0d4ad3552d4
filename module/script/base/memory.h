// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_MEMORY_H
#define REFLOW_SCRIPT_MEMORY_H

#include <stddef.h>

#include "base/host.h"
#include "script/base/log_share.h"

/* What one script version may take: every byte of its Lua state and of the messages it parses is counted here, and
   above the cap there is none. */
struct memory {
    const struct host *host;
    size_t used, cap;
    const void *stack; /* the Lua stack, which has a bound of its own */
    size_t stack_size;
    const void *vector; /* the last block that is no object: the next stack, when that one is freed */
    size_t vector_size;
    unsigned acquired;    /* blocks, as far as to the first stack */
    struct log_share log; /* what it may log */
    struct host capped;   /* the host as the script's own objects see it: its allocator is this one */
};

/* Bytes of the Lua stack; calls about 2,000 deep. Lua's own bound is a million values, and there is a loop in it that
   takes the square of them: a table that is its own __call, where no hook sees it. */
enum { STACK_MOST = 12 << 14 };

/* Bytes of one text. Lua compares two texts in one instruction, and zero bytes in them one by one. */
enum { TEXT_MOST = 2 << 20 };

/* Of the site; log_share_create() makes it a tenant's. In place: `memory` must not move afterwards. The host must
   outlive it. */
void memory_create(struct memory *memory, const struct host *host, size_t cap);

/* A lua_Alloc; `context` is a struct memory. */
void *memory_allocate(void *context, void *old, size_t old_size, size_t new_size);

#endif
