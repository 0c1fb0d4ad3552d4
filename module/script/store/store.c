// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "script/store/store_private.h"

enum { ENTRIES = 65536, BYTES = 16 << 20, EXPIRE_BESIDE = 4 /* expired entries that each change removes */ };

static void lock(const struct store *store)
{
    if (store->host->lock != NULL)
        store->host->lock(store->host->context);
}

static void unlock(const struct store *store)
{
    if (store->host->unlock != NULL)
        store->host->unlock(store->host->context);
}

int store_new(struct store **out, const struct host *host, const struct store_limits *limits)
{
    struct store *store = host->allocate(host->context, NULL, 0, sizeof *store);
    if (store == NULL)
        return -ENOMEM;
    *store = (struct store){.host = host};
    if (limits != NULL)
        store->limits = *limits;
    store->limits.entries = store->limits.entries != 0 ? store->limits.entries : ENTRIES;
    store->limits.bytes = store->limits.bytes != 0 ? store->limits.bytes : BYTES;
    hash_key_draw(&store->key, host);
    heap_create(&store->due, host);
    if (hash_index_create(&store->index, host) != 0) {
        host->allocate(host->context, store, sizeof *store, 0);
        return -ENOMEM;
    }
    *out = store;
    return 0;
}

void store_delete(struct store *store)
{
    if (store == NULL)
        return;
    while (store->named != NULL)
        entry_drop(store, store->named);
    entry_expire(store, 0, SIZE_MAX);
    heap_destroy(&store->due);
    hash_index_destroy(&store->index);
    store->host->allocate(store->host->context, store, sizeof *store, 0);
}

size_t store_expire(struct store *store, size_t most)
{
    lock(store);
    size_t count = entry_expire(store, store_now(store), most);
    unlock(store);
    return count;
}

/* --- counters --- */

static int add(struct store *store, struct text name, int64_t amount, int64_t *value)
{
    struct entry *entry;
    int64_t sum;
    int error = entry_claim(store, name, COUNTER, store_now(store), &entry);
    if (error != 0)
        return error;
    if (__builtin_add_overflow(entry != NULL ? entry->count : 0, amount, &sum))
        return -EOVERFLOW;
    *value = sum;
    if (sum == 0 && entry != NULL)
        entry_drop(store, entry);
    else if (entry != NULL)
        entry->count = sum;
    if (sum == 0 || entry != NULL)
        return 0;
    error = entry_enter(store, name, COUNTER, NULL, (struct text){0}, &entry);
    if (error != 0)
        return error;
    entry->count = sum;
    entry_link(&store->named, entry);
    return 0;
}

int store_add(struct store *store, struct text name, int64_t amount, int64_t *value)
{
    lock(store);
    int error = add(store, name, amount, value);
    entry_expire(store, store_now(store), EXPIRE_BESIDE);
    unlock(store);
    return error;
}

int store_count(const struct store *store, struct text name, int64_t *value)
{
    struct entry *entry;
    lock(store);
    int error = entry_look_up(store, name, COUNTER, store_now(store), &entry);
    if (error == 0)
        *value = entry != NULL ? entry->count : 0;
    unlock(store);
    return error;
}

/* --- values --- */

static int put(struct store *store, struct text name, struct text value, uint64_t ttl_ms)
{
    uint64_t now = store_now(store);
    struct entry *entry;
    int error = value.length > STORE_VALUE_MOST ? -EMSGSIZE : entry_claim(store, name, VALUE, now, &entry);
    if (error == 0)
        error = heap_reserve(&store->due, store->due.count + 1);
    if (error != 0)
        return error;
    if (entry == NULL) {
        error = entry_enter(store, name, VALUE, NULL, value, &entry);
        if (error == 0)
            entry_link(&store->named, entry);
    } else if (entry->value_length != value.length) {
        error = entry_exchange(store, &entry, name, value, now);
    } else if (value.length != 0) {
        memmove(entry->bytes + entry->name_length, value.at, value.length);
    }
    if (error == 0)
        entry_set_end(store, entry, ttl_ms, now);
    return error;
}

int store_put(struct store *store, struct text name, struct text value, uint64_t ttl_ms)
{
    lock(store);
    int error = put(store, name, value, ttl_ms);
    entry_expire(store, store_now(store), EXPIRE_BESIDE);
    unlock(store);
    return error;
}

static int get(const struct store *store, struct text name, struct text *value)
{
    struct entry *entry;
    int error = entry_look_up(store, name, VALUE, store_now(store), &entry);
    if (error == 0 && entry == NULL)
        return -ENOENT;
    if (error == 0)
        *value = (struct text){entry->bytes + entry->name_length, entry->value_length};
    return error;
}

int store_copy(const struct store *store, struct text name, char *buffer, size_t *length)
{
    struct text value;
    lock(store);
    int error = get(store, name, &value);
    if (error == 0) {
        memcpy(buffer, value.at, value.length);
        *length = value.length;
    }
    unlock(store);
    return error;
}

/* --- sets --- */

static int enter_set(struct store *store, struct text name, struct entry **out)
{
    int error = entry_enter(store, name, SET, NULL, (struct text){0}, out);
    if (error != 0)
        return error;
    (*out)->members.serial = ++store->serial;
    entry_link(&store->named, *out);
    return 0;
}

/* The set counts the new member before it is inserted: otherwise making room could remove the set with its last
   member. */
static int enter_member(struct store *store, struct entry *set, struct text member, struct entry **out)
{
    set->members.size++;
    int error = entry_enter(store, member, MEMBER, set, (struct text){0}, out);
    if (error != 0) {
        if (--set->members.size == 0)
            entry_drop_one(store, set);
        return error;
    }
    (*out)->set = set;
    entry_link(&set->members.first, *out);
    return 0;
}

static int insert(struct store *store, struct text name, struct text member, uint64_t ttl_ms)
{
    uint64_t now = store_now(store);
    struct entry *set;
    int error = name_check(member);
    if (error == 0)
        error = entry_claim(store, name, SET, now, &set);
    if (error == 0)
        error = heap_reserve(&store->due, store->due.count + 1);
    if (error == 0 && set == NULL)
        error = enter_set(store, name, &set);
    if (error != 0)
        return error;
    struct entry *entry = entry_find(store, set, member);
    if (entry == NULL)
        error = enter_member(store, set, member, &entry);
    if (error == 0)
        entry_set_end(store, entry, ttl_ms, now);
    return error;
}

int store_insert(struct store *store, struct text set, struct text member, uint64_t ttl_ms)
{
    lock(store);
    int error = insert(store, set, member, ttl_ms);
    entry_expire(store, store_now(store), EXPIRE_BESIDE);
    unlock(store);
    return error;
}

/* The unexpired member of an existing set, or NULL. */
static struct entry *find_member(const struct store *store, struct text name, struct text member)
{
    uint64_t now = store_now(store);
    struct entry *set;
    if (name_check(member) != 0 || entry_look_up(store, name, SET, now, &set) != 0 || set == NULL)
        return NULL;
    struct entry *entry = entry_find(store, set, member);
    return entry != NULL && !entry_is_over(entry, now) ? entry : NULL;
}

bool store_contains(const struct store *store, struct text set, struct text member)
{
    lock(store);
    bool found = find_member(store, set, member) != NULL;
    unlock(store);
    return found;
}

int store_erase(struct store *store, struct text set, struct text member)
{
    lock(store);
    struct entry *entry = find_member(store, set, member);
    if (entry != NULL)
        entry_drop(store, entry);
    entry_expire(store, store_now(store), EXPIRE_BESIDE);
    unlock(store);
    return entry != NULL ? 0 : -ENOENT;
}

size_t store_size(const struct store *store, struct text set)
{
    struct entry *entry;
    size_t size = 0;
    lock(store);
    uint64_t now = store_now(store);
    if (entry_look_up(store, set, SET, now, &entry) == 0 && entry != NULL)
        size = entry_living_members(store, entry, now);
    unlock(store);
    return size;
}

int store_members(const struct store *store, struct text set, bool (*visit)(void *context, struct text member),
                  void *context)
{
    struct entry *entry;
    lock(store);
    uint64_t now = store_now(store);
    int error = entry_look_up(store, set, SET, now, &entry);
    const struct entry *member = error == 0 && entry != NULL ? entry->members.first : NULL;
    for (; member != NULL; member = member->next)
        if (!entry_is_over(member, now) && !visit(context, (struct text){member->bytes, member->name_length}))
            break;
    unlock(store);
    return error;
}

int store_forget(struct store *store, struct text name)
{
    lock(store);
    struct entry *entry = name_check(name) == 0 ? entry_find(store, NULL, name) : NULL;
    bool lived = entry != NULL && !entry_is_dead(store, entry, store_now(store));
    if (entry != NULL)
        entry_drop(store, entry);
    entry_expire(store, store_now(store), EXPIRE_BESIDE);
    unlock(store);
    return lived ? 0 : -ENOENT;
}

size_t store_entries(const struct store *store)
{
    lock(store);
    size_t entries = store->entries;
    unlock(store);
    return entries;
}
