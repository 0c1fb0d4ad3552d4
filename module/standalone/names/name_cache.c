// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/names/name_cache.h"

#include <errno.h>
#include <strings.h>

#include "base/memory.h"

struct name_memory {
    struct table_link link;
    struct name_memory *newer, *older;
    struct name_answer *answer;
    uint64_t until_ms;
    enum name_kind kind;
    size_t size;
    char name[];
};

int name_cache_create(struct name_cache *cache, const struct host *host, size_t most)
{
    *cache = (struct name_cache){.host = host, .most = most};
    hash_key_draw(&cache->key, host);
    return table_create(&cache->table, host);
}

static uint64_t name_digest(const struct name_cache *cache, const char *name)
{
    char lower[256];
    size_t length = 0;
    for (; length < sizeof lower && name[length] != '\0'; length++)
        lower[length] = (char)(name[length] >= 'A' && name[length] <= 'Z' ? name[length] + ('a' - 'A') : name[length]);
    return hash_seal(&cache->key, (struct text){lower, length});
}

static void name_memory_enter(struct name_cache *cache, struct name_memory *memory)
{
    memory->newer = NULL;
    memory->older = cache->newest;
    if (cache->newest != NULL)
        cache->newest->newer = memory;
    else
        cache->oldest = memory;
    cache->newest = memory;
}

static void name_memory_leave(struct name_cache *cache, struct name_memory *memory)
{
    *(memory->newer != NULL ? &memory->newer->older : &cache->newest) = memory->older;
    *(memory->older != NULL ? &memory->older->newer : &cache->oldest) = memory->newer;
}

static void name_memory_delete(struct name_cache *cache, struct name_memory *memory)
{
    name_memory_leave(cache, memory);
    table_remove(&cache->table, &memory->link);
    name_answer_release(memory->answer);
    memory_delete(cache->host, memory, memory->size);
}

void name_cache_destroy(struct name_cache *cache)
{
    while (cache->newest != NULL)
        name_memory_delete(cache, cache->newest);
    table_destroy(&cache->table);
}

static struct name_memory *name_memory_find(const struct name_cache *cache, enum name_kind kind, const char *name)
{
    struct table_link *link = table_find(&cache->table, name_digest(cache, name));
    for (; link != NULL; link = table_next(link)) {
        struct name_memory *memory = TABLE_OWNER(link, struct name_memory, link);
        if (memory->kind == kind && strcasecmp(memory->name, name) == 0)
            return memory;
    }
    return NULL;
}

struct name_answer *name_cache_find(struct name_cache *cache, enum name_kind kind, const char *name, uint64_t now_ms)
{
    struct name_memory *memory = name_memory_find(cache, kind, name);
    if (memory == NULL)
        return NULL;
    if (now_ms >= memory->until_ms) {
        name_memory_delete(cache, memory);
        return NULL;
    }
    name_memory_leave(cache, memory);
    name_memory_enter(cache, memory);
    return memory->answer;
}

void name_cache_put(struct name_cache *cache, enum name_kind kind, const char *name, struct name_answer *answer,
                    uint64_t until_ms)
{
    size_t length = strlen(name), size = sizeof(struct name_memory) + length + 1;
    struct name_memory *memory = name_memory_find(cache, kind, name);
    if (memory != NULL)
        name_memory_delete(cache, memory);
    if (cache->table.count >= cache->most)
        name_memory_delete(cache, cache->oldest);
    memory = memory_new(cache->host, size);
    if (memory == NULL)
        return;
    memory->size = size;
    memory->kind = kind;
    memory->answer = name_answer_hold(answer);
    memory->until_ms = until_ms;
    memcpy(memory->name, name, length + 1);
    table_add(&cache->table, &memory->link, name_digest(cache, name));
    name_memory_enter(cache, memory);
}
