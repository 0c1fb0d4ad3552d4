// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_TABLE_H
#define REFLOW_BASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

/* A hash table of links, which are members of the objects; several may have the same hash. */

struct table_link {
    struct table_link *next, **back; /* back NULL: in no table */
    uint64_t hash;
};

struct table {
    const struct host *host;
    struct hash_key key;
    struct table_link **buckets;
    size_t size, count; /* size is a power of two */
};

int table_create(struct table *table, const struct host *host); /* 0 or -ENOMEM */
void table_destroy(struct table *table);                        /* frees no links */

/* Always succeeds: without memory for growth the chains get longer. */
void table_add(struct table *table, struct table_link *link, uint64_t hash);
void table_remove(struct table *table, struct table_link *link); /* also for a link in no table */

/* The first link with this hash, and the one after a link with the same hash; NULL at the end. */
struct table_link *table_find(const struct table *table, uint64_t hash);
struct table_link *table_next(const struct table_link *link);

/* Any link, or NULL; for emptying a table. */
struct table_link *table_any(const struct table *table);

#define TABLE_OWNER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

#endif
