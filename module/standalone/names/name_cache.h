// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_NAME_CACHE_H
#define REFLOW_STANDALONE_NAME_CACHE_H

#include "base/table.h"
#include "standalone/names/name_answer.h"

/* A cache of answers until they expire, for each kind of records of a name. Its size is limited: the least recently
   used one is removed first. Names are compared without regard to case. For lookups.c. */

struct name_memory;

struct name_cache {
    const struct host *host;
    struct table table;
    struct hash_key key;
    struct name_memory *newest, *oldest;
    size_t most;
};

int name_cache_create(struct name_cache *cache, const struct host *host, size_t most); /* 0 or -ENOMEM */
void name_cache_destroy(struct name_cache *cache);

/* NULL if there is no answer. The answer belongs to the cache: hold it to keep it. */
struct name_answer *name_cache_find(struct name_cache *cache, enum name_kind kind, const char *name, uint64_t now_ms);

/* Holds the answer, and replaces an earlier one. Without memory nothing is stored. */
void name_cache_put(struct name_cache *cache, enum name_kind kind, const char *name, struct name_answer *answer,
                    uint64_t until_ms);

#endif
