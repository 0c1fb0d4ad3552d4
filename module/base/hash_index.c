// SPDX-License-Identifier: BSD-2-Clause
#include "base/hash_index.h"

#include <errno.h>

enum {
    LINE_ITEMS = 5,
    LOAD = 3 /* items per bucket before another is split */
};

struct hash_line {
    uint32_t hash[LINE_ITEMS];
    uint32_t next; /* number of the next overflow line; 0: none */
    void *item[LINE_ITEMS];
};

_Static_assert(sizeof(struct hash_line) <= LINE_BYTES, "a bucket is one line");

int hash_index_create(struct hash_index *table, const struct host *host)
{
    *table = (struct hash_index){.bucket_count = 1};
    line_pool_create(&table->buckets, host);
    line_pool_create(&table->overflow, host);
    if (line_pool_reserve(&table->buckets) < 0) {
        hash_index_destroy(table);
        return -ENOMEM;
    }
    line_pool_take(&table->buckets);
    return 0;
}

void hash_index_destroy(struct hash_index *table)
{
    line_pool_destroy(&table->buckets);
    line_pool_destroy(&table->overflow);
}

static inline struct hash_line *bucket_at(const struct hash_index *table, uint32_t number)
{
    return line_pool_at(&table->buckets, number + 1);
}

static inline struct hash_line *bucket_of(const struct hash_index *table, uint32_t hash)
{
    uint32_t number = hash & (2 * table->mask + 1);
    if (number >= table->bucket_count)
        number &= table->mask;
    return bucket_at(table, number);
}

static inline struct hash_line *line_after(const struct hash_index *table, const struct hash_line *line)
{
    return line->next ? line_pool_at(&table->overflow, line->next) : NULL;
}

static void place(struct hash_index *table, uint32_t hash, void *item)
{
    struct hash_line *line = bucket_of(table, hash);
    for (;;) {
        for (unsigned i = 0; i < LINE_ITEMS; i++) {
            if (line->item[i] == NULL) {
                line->hash[i] = hash;
                line->item[i] = item;
                return;
            }
        }
        if (line->next == 0)
            line->next = line_pool_take(&table->overflow);
        line = line_after(table, line);
    }
}

static void place_all(struct hash_index *table, const struct hash_line *line)
{
    for (unsigned i = 0; i < LINE_ITEMS; i++)
        if (line->item[i] != NULL)
            place(table, line->hash[i], line->item[i]);
}

/* Divides the items of one bucket between it and a new one. Its own lines are enough for both: each line is read
   before its items are placed again, and placing never needs more overflow lines than were read. */
static void split(struct hash_index *table)
{
    uint32_t number = table->bucket_count - table->mask - 1;
    struct hash_line *bucket = bucket_at(table, number);
    struct hash_line line = *bucket;
    *bucket = (struct hash_line){0};
    line_pool_take(&table->buckets);
    table->bucket_count++;
    place_all(table, &line);
    while (line.next != 0) {
        uint32_t next = line.next;
        line = *line_after(table, &line);
        line_pool_release(&table->overflow, next);
        place_all(table, &line);
    }
    if (table->bucket_count == 2 * (table->mask + 1))
        table->mask = 2 * table->mask + 1;
}

int hash_index_reserve(struct hash_index *table)
{
    if (line_pool_reserve(&table->overflow) < 0)
        return -ENOMEM;
    if (table->count < (size_t)table->bucket_count * LOAD || table->bucket_count > UINT32_MAX / 2)
        return 0;
    /* Without memory for another bucket the chains grow, and nothing is lost. */
    if (line_pool_reserve(&table->buckets) == 0)
        split(table);
    return 0;
}

void hash_index_insert(struct hash_index *table, uint32_t hash, void *item)
{
    place(table, hash, item);
    table->count++;
}

/* A bit for each place that may have the hash. Without branches, because the place cannot be predicted and a
   misprediction costs as much as loading the line. */
static inline unsigned line_candidates(const struct hash_line *line, uint32_t hash)
{
    unsigned found = 0;
    for (unsigned i = 0; i < LINE_ITEMS; i++)
        found |= (unsigned)(line->hash[i] == hash) << i;
    return found;
}

void *hash_index_find(const struct hash_index *table, uint32_t hash, hash_match *match, const void *key)
{
    for (const struct hash_line *line = bucket_of(table, hash); line != NULL; line = line_after(table, line)) {
        for (unsigned found = line_candidates(line, hash); found != 0; found &= found - 1) {
            void *item = line->item[__builtin_ctz(found)];
            if (item != NULL && match(item, key))
                return item;
        }
    }
    return NULL;
}

static bool line_empty(const struct hash_line *line)
{
    for (unsigned i = 0; i < LINE_ITEMS; i++)
        if (line->item[i] != NULL)
            return false;
    return true;
}

/* The place of an item, and the line before its own; NULL if its line is the bucket itself. */
static void **locate(const struct hash_index *table, uint32_t hash, const void *item, struct hash_line **owner,
                     struct hash_line **before)
{
    *before = NULL;
    for (*owner = bucket_of(table, hash); *owner != NULL; *owner = line_after(table, *owner)) {
        for (unsigned i = 0; i < LINE_ITEMS; i++)
            if ((*owner)->item[i] == item)
                return &(*owner)->item[i];
        *before = *owner;
    }
    return NULL;
}

void hash_index_remove(struct hash_index *table, uint32_t hash, const void *item)
{
    struct hash_line *owner;
    struct hash_line *before;
    void **found = locate(table, hash, item, &owner, &before);
    if (found == NULL)
        return;
    *found = NULL;
    table->count--;
    if (before == NULL || !line_empty(owner))
        return;
    uint32_t number = before->next;
    before->next = owner->next;
    line_pool_release(&table->overflow, number);
}

void hash_index_replace(struct hash_index *table, uint32_t hash, const void *item, void *by)
{
    struct hash_line *owner;
    struct hash_line *before;
    void **found = locate(table, hash, item, &owner, &before);
    if (found != NULL)
        *found = by;
}
