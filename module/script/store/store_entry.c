// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "script/store/store_private.h"

enum { DROPPED_AT_ONCE = 64 };

struct key {
    const struct entry *set; /* for members; NULL: a name */
    struct text name;
};

uint64_t store_now(const struct store *store)
{
    return store->host->now_ms(store->host->context);
}

static size_t entry_size(const struct entry *entry)
{
    return sizeof *entry + entry->name_length + entry->value_length;
}

static void entry_free(const struct store *store, struct entry *entry)
{
    store->host->allocate(store->host->context, entry, entry_size(entry), 0);
}

static struct entry *entry_of(struct heap_node *node)
{
    return (struct entry *)(void *)((char *)node - offsetof(struct entry, due));
}

bool entry_is_over(const struct entry *entry, uint64_t now)
{
    return entry->due.place != 0 && entry->due.at <= now;
}

static bool matches(const void *item, const void *wanted)
{
    const struct entry *entry = item;
    const struct key *key = wanted;
    return (entry->kind == MEMBER ? entry->set : NULL) == key->set &&
           text_equal((struct text){entry->bytes, entry->name_length}, key->name);
}

/* The hash of a member includes the number of its set, so that a member of many sets does not make one long chain. */
static uint32_t hash_of(const struct store *store, const struct key *key)
{
    uint32_t hash = hash_text(&store->key, key->name);
    return key->set == NULL ? hash : hash_number(&store->key, (uint64_t)key->set->members.serial << 32 | hash);
}

struct entry *entry_find(const struct store *store, const struct entry *set, struct text name)
{
    struct key key = {set, name};
    return hash_index_find(&store->index, hash_of(store, &key), matches, &key);
}

void entry_link(struct entry **list, struct entry *entry)
{
    entry->next = *list;
    entry->link = list;
    if (entry->next != NULL)
        entry->next->link = &entry->next;
    *list = entry;
}

static void unlink_entry(struct entry *entry)
{
    *entry->link = entry->next;
    if (entry->next != NULL)
        entry->next->link = entry->link;
}

void entry_drop_one(struct store *store, struct entry *entry)
{
    unlink_entry(entry);
    if (!entry->forgotten)
        hash_index_remove(&store->index, entry->hash, entry);
    heap_remove(&store->due, &entry->due);
    store->entries--;
    store->bytes -= (size_t)entry->name_length + entry->value_length;
    entry_free(store, entry);
}

static void drop_member(struct store *store, struct entry *member)
{
    struct entry *set = member->set;
    entry_drop_one(store, member);
    if (--set->members.size == 0)
        entry_drop_one(store, set);
}

static void forget_set(struct store *store, struct entry *set)
{
    hash_index_remove(&store->index, set->hash, set);
    unlink_entry(set);
    entry_link(&store->forgotten, set);
    set->forgotten = true;
}

void entry_drop(struct store *store, struct entry *entry)
{
    if (entry->kind == MEMBER) {
        drop_member(store, entry);
    } else if (entry->kind != SET) {
        entry_drop_one(store, entry);
    } else if (entry->members.size > DROPPED_AT_ONCE) {
        forget_set(store, entry);
    } else {
        for (size_t left = entry->members.size; left != 0; left--)
            drop_member(store, entry->members.first);
    }
}

/* Removes one of the deleted or expired entries. */
static bool drop_expired(struct store *store, uint64_t now)
{
    struct heap_node *first = heap_first(&store->due);
    if (store->forgotten != NULL) {
        drop_member(store, store->forgotten->members.first);
        return true;
    }
    if (first == NULL || first->at > now)
        return false;
    entry_drop(store, entry_of(first));
    return true;
}

size_t entry_expire(struct store *store, uint64_t now, size_t most)
{
    size_t count = 0;
    while (count < most && drop_expired(store, now))
        count++;
    return count;
}

/* The number of expired members that are still stored: in the heap they are above all living ones. */
static size_t expired_of(const struct store *store, const struct entry *set, size_t place, uint64_t now)
{
    if (place >= store->due.count || store->due.nodes[place]->at > now)
        return 0;
    const struct entry *entry = entry_of(store->due.nodes[place]);
    size_t here = entry->kind == MEMBER && entry->set == set ? 1 : 0;
    return here + expired_of(store, set, 2 * place + 1, now) + expired_of(store, set, 2 * place + 2, now);
}

size_t entry_living_members(const struct store *store, const struct entry *set, uint64_t now)
{
    return set->members.size - expired_of(store, set, 0, now);
}

bool entry_is_dead(const struct store *store, const struct entry *entry, uint64_t now)
{
    return entry->kind == SET ? entry_living_members(store, entry, now) == 0 : entry_is_over(entry, now);
}

int name_check(struct text name)
{
    if (name.length == 0)
        return -EINVAL;
    return name.length > STORE_NAME_MOST ? -ENAMETOOLONG : 0;
}

int entry_look_up(const struct store *store, struct text name, enum entry_kind kind, uint64_t now, struct entry **found)
{
    int error = name_check(name);
    *found = NULL;
    if (error != 0)
        return error;
    struct entry *entry = entry_find(store, NULL, name);
    if (entry == NULL || (entry->kind != SET && entry_is_over(entry, now)))
        return 0;
    if (entry->kind != kind)
        return entry_is_dead(store, entry, now) ? 0 : -EEXIST;
    *found = entry;
    return 0;
}

int entry_claim(struct store *store, struct text name, enum entry_kind kind, uint64_t now, struct entry **found)
{
    int error = entry_look_up(store, name, kind, now, found);
    if (error != 0 || *found != NULL)
        return error;
    struct entry *dead = entry_find(store, NULL, name);
    if (dead != NULL)
        entry_drop(store, dead);
    return 0;
}

static struct entry *entry_make(const struct store *store, enum entry_kind kind, struct text name, struct text value)
{
    struct entry *entry =
        store->host->allocate(store->host->context, NULL, 0, sizeof *entry + name.length + value.length);
    if (entry == NULL)
        return NULL;
    *entry = (struct entry){
        .kind = (uint8_t)kind, .name_length = (uint16_t)name.length, .value_length = (uint16_t)value.length};
    memcpy(entry->bytes, name.at, name.length);
    if (value.length != 0)
        memcpy(entry->bytes + name.length, value.at, value.length);
    return entry;
}

/* Makes room by removing expired entries. */
static int store_make_room(struct store *store, size_t entries, size_t bytes, uint64_t now)
{
    do {
        if (store->entries + entries <= store->limits.entries && store->bytes + bytes <= store->limits.bytes)
            return 0;
    } while (drop_expired(store, now));
    return -ENOSPC;
}

int entry_enter(struct store *store, struct text name, enum entry_kind kind, const struct entry *set, struct text value,
                struct entry **out)
{
    struct key key = {set, name};
    struct entry *entry = entry_make(store, kind, name, value);
    if (entry == NULL)
        return -ENOMEM;
    int error = store_make_room(store, 1, name.length + value.length, store_now(store));
    if (error == 0)
        error = hash_index_reserve(&store->index);
    if (error != 0) {
        entry_free(store, entry);
        return error;
    }
    entry->hash = hash_of(store, &key);
    hash_index_insert(&store->index, entry->hash, entry);
    store->entries++;
    store->bytes += name.length + value.length;
    *out = entry;
    return 0;
}

void entry_set_end(struct store *store, struct entry *entry, uint64_t ttl_ms, uint64_t now)
{
    heap_remove(&store->due, &entry->due);
    if (ttl_ms == 0 || ttl_ms > UINT64_MAX - now)
        return;
    entry->due.at = now + ttl_ms;
    heap_add(&store->due, &entry->due);
}

/* Puts a longer or shorter value in the place of the old one in every list. */
int entry_exchange(struct store *store, struct entry **entry, struct text name, struct text value, uint64_t now)
{
    struct entry *old = *entry;
    size_t more = value.length > old->value_length ? value.length - old->value_length : 0;
    struct entry *made = entry_make(store, VALUE, name, value);
    if (made == NULL)
        return -ENOMEM;
    int error = store_make_room(store, 0, more, now);
    if (error != 0) {
        entry_free(store, made);
        return error;
    }
    made->hash = old->hash;
    hash_index_replace(&store->index, old->hash, old, made);
    heap_remove(&store->due, &old->due);
    unlink_entry(old);
    entry_link(&store->named, made);
    store->bytes = store->bytes - old->value_length + value.length;
    entry_free(store, old);
    *entry = made;
    return 0;
}
