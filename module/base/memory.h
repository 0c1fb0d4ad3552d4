// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_MEMORY_H
#define REFLOW_BASE_MEMORY_H

#include <string.h>

#include "base/host.h"
#include "core/text.h"

/* Zeroed memory; NULL if there is none. */
static inline void *memory_new(const struct host *host, size_t size)
{
    void *block = host->allocate(host->context, NULL, 0, size);
    if (block != NULL)
        memset(block, 0, size);
    return block;
}

static inline void memory_delete(const struct host *host, void *block, size_t size)
{
    if (block != NULL)
        host->allocate(host->context, block, size, 0);
}

/* A copy with a terminating NUL; *copy is {NULL, 0} for an empty text. Returns false without memory. */
static inline bool memory_copy(const struct host *host, struct text text, struct text *copy)
{
    *copy = (struct text){NULL, 0};
    if (text.length == 0)
        return true;
    char *bytes = host->allocate(host->context, NULL, 0, text.length + 1);
    if (bytes == NULL)
        return false;
    memcpy(bytes, text.at, text.length);
    bytes[text.length] = '\0';
    *copy = (struct text){bytes, text.length};
    return true;
}

static inline void memory_delete_text(const struct host *host, struct text text)
{
    if (text.at != NULL)
        host->allocate(host->context, (void *)(size_t)text.at, text.length + 1, 0);
}

#endif
