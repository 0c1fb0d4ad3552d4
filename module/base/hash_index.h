// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_HASH_INDEX_H
#define REFLOW_BASE_HASH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/line_pool.h"

/*
 * An index from 32-bit hashes to items that somebody else owns, for millions of them. Linear hashing: it grows by one
 * bucket at a time, so that no insertion waits for a rehash, and it needs no second table while it grows. A bucket is
 * one cache line with the hashes beside the pointers: a search touches one line before it touches the item.
 *
 * It never shrinks: memory that a million items needed is kept for the next million.
 */

struct hash_index {
    struct line_pool buckets; /* the first one is line 1 */
    struct line_pool overflow;
    uint32_t bucket_count;
    uint32_t mask; /* of the last full doubling: bucket_count is from mask + 1 to 2 * mask + 1 */
    size_t count;  /* items */
};

typedef bool hash_match(const void *item, const void *key);

/* 0 or -ENOMEM, with nothing to destroy. The host must outlive the index. */
int hash_index_create(struct hash_index *table, const struct host *host);
void hash_index_destroy(struct hash_index *table);

/* 0: the next hash_index_insert finds room. -ENOMEM: it would not, and the index holds what it held. */
int hash_index_reserve(struct hash_index *table);

/* Only after a hash_index_reserve of its own. `item` is not NULL. */
void hash_index_insert(struct hash_index *table, uint32_t hash, void *item);

/* The first item of this hash that matches, or NULL. */
void *hash_index_find(const struct hash_index *table, uint32_t hash, hash_match *match, const void *key);

/* By identity; the item must be there. */
void hash_index_remove(struct hash_index *table, uint32_t hash, const void *item);
void hash_index_replace(struct hash_index *table, uint32_t hash, const void *item, void *by);

#endif
