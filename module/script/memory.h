// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_MEMORY_H
#define REFLOW_SCRIPT_MEMORY_H

#include <stddef.h>

#include "host/host.h"

/* What one script version may take: every byte of its Lua state and of the messages it parses is counted here, and
   above the cap there is none. */
struct memory {
    const struct host *host;
    size_t used, cap;
    struct host capped; /* the host as the script's own objects see it: its allocator is this one */
};

/* In place: `memory` must not move afterwards. The host must outlive it. */
void memory_create(struct memory *memory, const struct host *host, size_t cap);

/* A lua_Alloc; `context` is a struct memory. */
void *memory_allocate(void *context, void *old, size_t old_size, size_t new_size);

#endif
