// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_STORE_PRIVATE_H
#define REFLOW_SCRIPT_STORE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/due_heap.h"
#include "base/hash_index.h"
#include "core/text.h"
#include "script/store/store.h"

/* What store.c (its calls, under the lock) and store_entry.c (what is in it) share. */

enum entry_kind { COUNTER, VALUE, SET, MEMBER };

struct entry {
    struct due_node due; /* VALUE, MEMBER: in the heap where it ends */
    struct entry *next;  /* MEMBER: in its set; else in the store */
    struct entry **link; /* what points here */
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
    bool forgotten; /* SET: found under its name no more */
    char bytes[];   /* name, then value */
};

struct store {
    const struct host *host;
    struct store_limits limits; /* without zeros */
    struct hash_key key;
    struct hash_index index;
    struct due_heap due;
    struct entry *named;
    struct entry *forgotten; /* sets whose members go little by little */
    size_t entries, bytes;
    uint32_t serial; /* of the last set */
};

uint64_t store_now(const struct store *store);

/* -EINVAL, -ENAMETOOLONG. */
int name_check(struct text name);

/* By name, or a member of a set; also one that has expired. */
struct entry *entry_find(const struct store *store, const struct entry *set, struct text name);
/* The living entry of a name, NULL where there is none. -EEXIST where it is of another kind. */
int entry_look_up(const struct store *store, struct text name, enum entry_kind kind, uint64_t now,
                  struct entry **found);
/* The same for a change: what is dead under this name is also gone. */
int entry_claim(struct store *store, struct text name, enum entry_kind kind, uint64_t now, struct entry **found);

bool entry_is_over(const struct entry *entry, uint64_t now);
bool entry_is_dead(const struct store *store, const struct entry *entry, uint64_t now); /* also sets */
size_t entry_living_members(const struct store *store, const struct entry *set, uint64_t now);

/* A new one in the store, whose list is the caller's to link; or in the place of an old value. -ENOSPC, -ENOMEM. */
int entry_enter(struct store *store, struct text name, enum entry_kind kind, const struct entry *set, struct text value,
                struct entry **out);
int entry_exchange(struct store *store, struct entry **entry, struct text name, struct text value, uint64_t now);
void entry_link(struct entry **list, struct entry *entry);

/* Only after a due_heap_reserve. 0: it has no end. */
void entry_set_end(struct store *store, struct entry *entry, uint64_t ttl_ms, uint64_t now);

/* A member takes its set along where it is the last one, a set its members: of a large one a few now, the others with
   what expires, so that no call is long. */
void entry_drop(struct store *store, struct entry *entry);
void entry_drop_one(struct store *store, struct entry *entry); /* that has no members */
size_t entry_expire(struct store *store, uint64_t now, size_t most);

#endif
