// SPDX-License-Identifier: BSD-2-Clause
#include "base/table.h"

#include <errno.h>

#include "base/memory.h"

enum { SMALLEST = 256 };

int table_create(struct table *table, const struct host *host)
{
    *table = (struct table){.host = host, .size = SMALLEST};
    hash_key_draw(&table->key, host);
    table->buckets = memory_new(host, SMALLEST * sizeof *table->buckets);
    return table->buckets != NULL ? 0 : -ENOMEM;
}

void table_destroy(struct table *table)
{
    if (table->host != NULL)
        memory_delete(table->host, table->buckets, table->size * sizeof *table->buckets);
    *table = (struct table){0};
}

static struct table_link **bucket(const struct table *table, uint64_t hash)
{
    return &table->buckets[hash_number(&table->key, hash) & (table->size - 1)];
}

static void hook(struct table_link **place, struct table_link *link)
{
    link->next = *place;
    link->back = place;
    if (link->next != NULL)
        link->next->back = &link->next;
    *place = link;
}

static void grow(struct table *table)
{
    struct table larger = *table;
    larger.size *= 2;
    larger.buckets = memory_new(table->host, larger.size * sizeof *larger.buckets);
    if (larger.buckets == NULL)
        return;
    for (size_t i = 0; i < table->size; i++) {
        while (table->buckets[i] != NULL) {
            struct table_link *link = table->buckets[i];
            table->buckets[i] = link->next;
            hook(bucket(&larger, link->hash), link);
        }
    }
    memory_delete(table->host, table->buckets, table->size * sizeof *table->buckets);
    *table = larger;
}

void table_add(struct table *table, struct table_link *link, uint64_t hash)
{
    if (table->count >= table->size)
        grow(table);
    link->hash = hash;
    hook(bucket(table, hash), link);
    table->count++;
}

void table_remove(struct table *table, struct table_link *link)
{
    if (link->back == NULL)
        return;
    *link->back = link->next;
    if (link->next != NULL)
        link->next->back = link->back;
    link->next = NULL;
    link->back = NULL;
    table->count--;
}

static struct table_link *same(struct table_link *link, uint64_t hash)
{
    while (link != NULL && link->hash != hash)
        link = link->next;
    return link;
}

struct table_link *table_find(const struct table *table, uint64_t hash)
{
    return same(*bucket(table, hash), hash);
}

struct table_link *table_next(const struct table_link *link)
{
    return same(link->next, link->hash);
}

struct table_link *table_any(const struct table *table)
{
    for (size_t i = 0; table->count > 0 && i < table->size; i++) {
        if (table->buckets[i] != NULL)
            return table->buckets[i];
    }
    return NULL;
}
