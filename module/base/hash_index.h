// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_HASH_INDEX_H
#define REFLOW_BASE_HASH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/line_pool.h"

/*
 * An index from 32-bit hashes to items that somebody else owns, for millions of them. Linear hashing: it grows by one
 * bucket at a time, so that no insertion waits for a rehash, and needs no second table while it grows. A bucket is one
 * cache line with hashes and pointers: a search reads one line before it reads the item. It never shrinks.
 */

struct hash_index {
    struct line_pool buckets; /* the first one is line 1 */
    struct line_pool overflow;
    uint32_t bucket_count;
    uint32_t mask; /* mask of the last full doubling: bucket_count is between mask + 1 and 2 * mask + 1 */
    size_t count;  /* items */
};

typedef bool hash_match(const void *item, const void *key);

/* 0 or -ENOMEM, with nothing to destroy. The host must outlive the index. */
int hash_index_create(struct hash_index *table, const struct host *host);
void hash_index_destroy(struct hash_index *table);

/* Returns 0 if the next hash_index_insert() has room, or -ENOMEM with the index unchanged. */
int hash_index_reserve(struct hash_index *table);

/* Call hash_index_reserve() before each insertion. `item` is not NULL. */
void hash_index_insert(struct hash_index *table, uint32_t hash, void *item);

/* The first matching item with this hash, or NULL. */
void *hash_index_find(const struct hash_index *table, uint32_t hash, hash_match *match, const void *key);

/* Compares pointers; the item must be in the index. */
void hash_index_remove(struct hash_index *table, uint32_t hash, const void *item);
void hash_index_replace(struct hash_index *table, uint32_t hash, const void *item, void *by);

#endif
