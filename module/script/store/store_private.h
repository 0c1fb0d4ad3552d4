// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_STORE_PRIVATE_H
#define REFLOW_SCRIPT_STORE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/heap.h"
#include "base/hash.h"
#include "base/hash_index.h"
#include "core/text.h"
#include "script/store/store.h"

/* Shared by store.c, the calls under the lock, and store_entry.c, the entries. */

enum entry_kind { COUNTER, VALUE, SET, MEMBER };

struct entry {
    struct heap_node due; /* VALUE, MEMBER: node in the heap, if it expires */
    struct entry *next;   /* MEMBER: in its set; else in the store */
    struct entry **link;  /* the pointer to this entry */
    union {
        int64_t count;     /* COUNTER */
        struct entry *set; /* MEMBER */
        struct {
            struct entry *first;
            size_t size;
            uint32_t serial;
        } members; /* SET */
    };
    uint32_t hash;
    uint16_t name_length, value_length;
    uint8_t kind;
    bool forgotten; /* SET: no longer found by its name */
    char bytes[];   /* name, then value */
};

struct store {
    const struct host *host;
    struct store_limits limits; /* without zeros */
    struct hash_key key;
    struct hash_index index;
    struct heap due;
    struct entry *named;
    struct entry *forgotten; /* deleted sets whose members are removed in small steps */
    size_t entries, bytes;
    uint32_t serial; /* of the last set */
};

uint64_t store_now(const struct store *store);

/* -EINVAL, -ENAMETOOLONG. */
int name_check(struct text name);

/* Finds an entry by name, or a member of a set; also an expired one. */
struct entry *entry_find(const struct store *store, const struct entry *set, struct text name);
/* The living entry of a name, or NULL. -EEXIST if it is of another kind. */
int entry_look_up(const struct store *store, struct text name, enum entry_kind kind, uint64_t now,
                  struct entry **found);
/* The same for a change: a dead entry with this name is removed. */
int entry_claim(struct store *store, struct text name, enum entry_kind kind, uint64_t now, struct entry **found);

bool entry_is_over(const struct entry *entry, uint64_t now);
bool entry_is_dead(const struct store *store, const struct entry *entry, uint64_t now); /* also sets */
size_t entry_living_members(const struct store *store, const struct entry *set, uint64_t now);

/* A new entry in the store, which the caller links into its list; or one in the place of an old value. -ENOSPC,
   -ENOMEM. */
int entry_enter(struct store *store, struct text name, enum entry_kind kind, const struct entry *set, struct text value,
                struct entry **out);
int entry_exchange(struct store *store, struct entry **entry, struct text name, struct text value, uint64_t now);
void entry_link(struct entry **list, struct entry *entry);

/* Only after heap_reserve(). 0: it never expires. */
void entry_set_end(struct store *store, struct entry *entry, uint64_t ttl_ms, uint64_t now);

/* Removes an entry. With its last member a set is removed too. A set is removed with its members: those of a large
   set in small steps later, so that no call takes long. */
void entry_drop(struct store *store, struct entry *entry);
void entry_drop_one(struct store *store, struct entry *entry); /* the entry must have no members */
size_t entry_expire(struct store *store, uint64_t now, size_t most);

#endif
