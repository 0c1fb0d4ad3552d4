// SPDX-License-Identifier: BSD-2-Clause
#include "cli/replay/replay_context.h"

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

enum {
    WAYS = 8, /* keys that share a bucket; the oldest is removed for a new one */
    FIRST_SIZE =
        4096, /* tables grow only if a waiting request would otherwise be displaced: small tables stay in the cache */
    MOST_SIZE = 262144,
    KEPT_MOST = 67108864 /* bytes of requests kept for policies */
};

/* One cache line to search. Item 0: free. */
struct bucket {
    uint32_t mark[WAYS]; /* the low half of the key */
    uint32_t item[WAYS];
};

/* Items are assigned in a ring, so that those in use are adjacent; the first has the number 1. */
struct table {
    struct bucket *buckets;
    uint64_t *keys; /* by item; 0: free */
    char *items;
    size_t bucket_count, item_size;
    uint32_t size, last;
};

struct replay_contexts {
    const struct host *host;
    struct hash_key secret;
    struct table branches, groups;
    size_t kept;   /* bytes of requests */
    uint32_t hand; /* where the search for items to remove continues */
    uint32_t limit;
    uint64_t forgotten;
};

/* --- tables --- */

static void table_destroy(struct table *table, const struct host *host)
{
    memory_delete(host, table->buckets, table->bucket_count * sizeof *table->buckets);
    memory_delete(host, table->keys, ((size_t)table->size + 1) * sizeof *table->keys);
    memory_delete(host, table->items, ((size_t)table->size + 1) * table->item_size);
}

static int table_create(struct table *table, const struct host *host, uint32_t size, size_t item_size)
{
    size_t count = 1;
    while (count * WAYS < (size_t)size * 4)
        count *= 2;
    table->item_size = item_size;
    table->bucket_count = count;
    table->size = size;
    table->buckets = memory_new(host, count * sizeof *table->buckets);
    table->keys = memory_new(host, ((size_t)size + 1) * sizeof *table->keys);
    table->items = memory_new(host, ((size_t)size + 1) * item_size);
    return table->buckets != NULL && table->keys != NULL && table->items != NULL ? 0 : -ENOMEM;
}

static void *item_at(const struct table *table, uint32_t number)
{
    return table->items + number * table->item_size;
}

static struct bucket *bucket_of(const struct table *table, uint64_t key)
{
    return &table->buckets[(size_t)(key >> 32) & (table->bucket_count - 1)];
}

/* The number of the item, 0: there is none. */
static uint32_t table_find(const struct table *table, uint64_t key)
{
    const struct bucket *bucket = bucket_of(table, key);
    for (size_t i = 0; i < WAYS; i++)
        if (bucket->mark[i] == (uint32_t)key && table->keys[bucket->item[i]] == key)
            return bucket->item[i];
    return 0;
}

static void table_unlink(const struct table *table, uint32_t number)
{
    struct bucket *bucket = bucket_of(table, table->keys[number]);
    for (size_t i = 0; i < WAYS; i++)
        if (bucket->item[i] == number)
            bucket->item[i] = bucket->mark[i] = 0;
    table->keys[number] = 0;
}

/* The next item to assign. */
static uint32_t table_next(const struct table *table)
{
    return table->last % table->size + 1;
}

/* The age of an item, in assignments. */
static uint32_t age(const struct table *table, uint32_t number)
{
    return (table->last + table->size - number) % table->size;
}

/* Assigns the next item of the ring to a key that is not in the table yet. The content is that of the displaced
   item; *crowded_out is an item that has lost its place in the bucket, or 0. */
static uint32_t table_add(struct table *table, uint64_t key, uint32_t *crowded_out)
{
    struct bucket *bucket = bucket_of(table, key);
    size_t way = 0;
    table->last = table_next(table);
    if (table->keys[table->last] != 0)
        table_unlink(table, table->last);
    for (size_t i = 1; i < WAYS && bucket->item[way] != 0; i++)
        if (bucket->item[i] == 0 || age(table, bucket->item[i]) > age(table, bucket->item[way]))
            way = i;
    *crowded_out = bucket->item[way];
    if (*crowded_out != 0)
        table->keys[*crowded_out] = 0;
    bucket->item[way] = table->last;
    bucket->mark[way] = (uint32_t)key;
    table->keys[table->last] = key;
    return table->last;
}

typedef void drop_item(struct replay_contexts *contexts, void *item);

/* Doubles the size, in the same order; without memory nothing changes. */
static void table_grow(struct table *table, struct replay_contexts *contexts, drop_item *drop)
{
    const struct host *host = contexts->host;
    struct table larger = {0};
    uint32_t crowded_out;
    if (table_create(&larger, host, table->size * 2, table->item_size) != 0) {
        table_destroy(&larger, host);
        return;
    }
    for (uint32_t i = 0, number = table_next(table); i < table->size; i++, number = number % table->size + 1) {
        if (table->keys[number] == 0)
            continue;
        uint32_t added = table_add(&larger, table->keys[number], &crowded_out);
        memcpy(item_at(&larger, added), item_at(table, number), table->item_size);
        if (crowded_out != 0)
            drop(contexts, item_at(&larger, crowded_out));
    }
    table_destroy(table, host);
    *table = larger;
}

/* --- life --- */

int replay_contexts_new(struct replay_contexts **out, const struct host *host, uint32_t size)
{
    struct replay_contexts *contexts = host->allocate(host->context, NULL, 0, sizeof *contexts);
    if (contexts == NULL)
        return -ENOMEM;
    *contexts = (struct replay_contexts){.host = host, .limit = size != 0 ? size : MOST_SIZE};
    size = contexts->limit < FIRST_SIZE ? contexts->limit : FIRST_SIZE;
    hash_key_draw(&contexts->secret, host);
    contexts->secret.word[1] |= 1;
    if (table_create(&contexts->branches, host, size, sizeof(struct replay_branch)) != 0 ||
        table_create(&contexts->groups, host, size, sizeof(struct replay_group)) != 0) {
        replay_contexts_delete(contexts);
        return -ENOMEM;
    }
    *out = contexts;
    return 0;
}

/* NULL is fine */
static void replay_call_delete(struct replay_call *call, const struct host *host)
{
    if (call == NULL)
        return;
    sip_message_delete(call->request);
    memory_delete(host, call, sizeof *call);
}

void replay_contexts_delete(struct replay_contexts *contexts)
{
    if (contexts == NULL)
        return;
    const struct host *host = contexts->host;
    for (uint32_t i = 1; contexts->branches.items != NULL && i <= contexts->branches.size; i++) {
        const struct replay_branch *branch = item_at(&contexts->branches, i);
        replay_call_delete(branch->call, host);
    }
    table_destroy(&contexts->branches, host);
    table_destroy(&contexts->groups, host);
    memory_delete(host, contexts, sizeof *contexts);
}

uint64_t replay_contexts_forgotten(const struct replay_contexts *contexts)
{
    return contexts->forgotten;
}

/* --- keys --- */

enum key_kind { KEY_BRANCH = 1, KEY_FORK, KEY_ALONE };

struct identity {
    struct text call_id;
    uint32_t cseq;
    enum method method;
};

/* Both halves of a product of 64 bits each. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Eight bytes in each step, with a secret key, because strangers chose the content of captures. */
static uint64_t hash_bytes(const struct hash_key *key, uint64_t hash, struct text text)
{
    uint64_t word;
    hash ^= fold(text.length ^ key->word[0], key->word[1]);
    for (; text.length >= sizeof word; text.at += sizeof word, text.length -= sizeof word) {
        memcpy(&word, text.at, sizeof word);
        hash = fold(hash ^ word, key->word[1]);
    }
    word = 0;
    if (text.length > 0)
        memcpy(&word, text.at, text.length);
    return fold(hash ^ word ^ key->word[0], key->word[1]);
}

/* The common part of the keys of branches and groups of one request: Call-ID and CSeq. */
static uint64_t identity_hash(const struct replay_contexts *contexts, const struct identity *identity)
{
    uint64_t number = (uint64_t)identity->cseq << 8 | (uint64_t)identity->method;
    return hash_bytes(&contexts->secret, number, identity->call_id);
}

static uint64_t key_of(const struct replay_contexts *contexts, uint64_t identity, struct text branch,
                       enum key_kind kind)
{
    uint64_t hash = hash_bytes(&contexts->secret, identity + (uint64_t)kind, branch);
    return hash != 0 ? hash : 1;
}

/* The value of ";branch=" in a Via. */
static struct text branch_of_via(struct text via)
{
    static const char name[] = "branch=";
    const size_t size = sizeof name - 1;
    const char *at = via.at, *end = via.at + via.length;
    while (at < end && (at = memchr(at, ';', (size_t)(end - at))) != NULL) {
        at++;
        while (at < end && *at == ' ')
            at++;
        if ((size_t)(end - at) < size || strncasecmp(at, name, size) != 0)
            continue;
        const char *start = at + size;
        for (at = start; at < end && *at != ';' && *at != ' ' && *at != ',';)
            at++;
        return (struct text){start, (size_t)(at - start)};
    }
    return (struct text){0};
}

/* The second Via. It usually has a line of its own. Returns false if there is none. */
static bool second_via(const struct sip_message *message, struct text *via)
{
    struct sip_value value;
    const struct sip_field *first = sip_field(message, HEADER_VIA, 0), *second = sip_field(message, HEADER_VIA, 1);
    if (first != NULL && memchr(first->value.at, ',', first->value.length) == NULL) {
        *via = second != NULL ? second->value : (struct text){0};
        return second != NULL;
    }
    if (!sip_value(message, HEADER_VIA, 1, &value))
        return false;
    *via = value.whole;
    return true;
}

static struct text top_branch(const struct sip_message *message)
{
    const struct sip_via *via = sip_top_via(message);
    return via != NULL ? via->branch : (struct text){0};
}

static struct identity identity_of(const struct sip_message *message)
{
    return (struct identity){sip_call_id(message), sip_cseq(message), sip_method(message)};
}

/* --- branches --- */

static void forget(struct replay_contexts *contexts, void *item)
{
    struct replay_branch *branch = item;
    contexts->forgotten += branch->request_seen && !branch->has_final;
    if (branch->call != NULL)
        contexts->kept -= sip_bytes(branch->call->request).length;
    replay_call_delete(branch->call, contexts->host);
    *branch = (struct replay_branch){0};
}

static void forget_group(struct replay_contexts *contexts, void *item)
{
    (void)contexts;
    *(struct replay_group *)item = (struct replay_group){0};
}

static struct replay_branch *take_branch(struct replay_contexts *contexts, uint64_t key)
{
    uint32_t crowded_out, number = table_find(&contexts->branches, key);
    if (number != 0)
        return item_at(&contexts->branches, number);
    const struct replay_branch *next = item_at(&contexts->branches, table_next(&contexts->branches));
    if (next->request_seen && !next->has_final && contexts->branches.size * 2 <= contexts->limit)
        table_grow(&contexts->branches, contexts, forget);
    number = table_add(&contexts->branches, key, &crowded_out);
    if (crowded_out != 0)
        forget(contexts, item_at(&contexts->branches, crowded_out));
    forget(contexts, item_at(&contexts->branches, number));
    return item_at(&contexts->branches, number);
}

static uint32_t take_group(struct replay_contexts *contexts, uint64_t key)
{
    uint32_t crowded_out, number = table_find(&contexts->groups, key);
    if (number != 0)
        return number;
    const struct replay_group *next = item_at(&contexts->groups, table_next(&contexts->groups));
    if (next->state.branches_pending > 0 && contexts->groups.size * 2 <= contexts->limit)
        table_grow(&contexts->groups, contexts, forget_group);
    number = table_add(&contexts->groups, key, &crowded_out);
    forget_group(contexts, item_at(&contexts->groups, number));
    return number;
}

/* Adds a new branch to those that were forked from the same request. */
static void join(struct replay_contexts *contexts, struct replay_branch *branch, uint64_t key)
{
    branch->group = key;
    branch->group_number = take_group(contexts, key);
    struct replay_group *group = item_at(&contexts->groups, branch->group_number);
    group->state.branches_pending++;
    /* Another target is tried, so what looked like the last response was not forwarded. */
    group->state.final_forwarded = group->state.success_forwarded;
}

struct replay_branch *replay_branch_of(struct replay_contexts *contexts, const struct sip_message *message)
{
    const struct identity identity = identity_of(message);
    uint64_t hash = identity_hash(contexts, &identity);
    struct text own = top_branch(message);
    struct replay_branch *branch = take_branch(contexts, key_of(contexts, hash, own, KEY_BRANCH));
    struct text via;
    if (branch->group != 0 || identity.method == METHOD_CANCEL)
        return branch;
    if (second_via(message, &via)) {
        join(contexts, branch, key_of(contexts, hash, branch_of_via(via), KEY_FORK));
    } else {
        join(contexts, branch, key_of(contexts, hash, own, KEY_ALONE));
        branch->relayed = key_of(contexts, hash, own, KEY_FORK);
    }
    return branch;
}

struct replay_branch *replay_branch_of_record(struct replay_contexts *contexts, const struct replay_record *record)
{
    const struct identity identity = {text_of(record->call_id), 0, (enum method)record->input.facts.method};
    uint64_t hash = identity_hash(contexts, &identity);
    struct text flow = text_of(record->flow);
    uint64_t on_flow = key_of(contexts, hash, flow, KEY_BRANCH);
    return take_branch(contexts, key_of(contexts, on_flow, text_of(record->target), KEY_BRANCH));
}

struct replay_group *replay_group_of(struct replay_contexts *contexts, const struct replay_branch *branch)
{
    uint32_t number = branch->group_number;
    if (branch->group == 0)
        return NULL;
    if (number > contexts->groups.size || contexts->groups.keys[number] != branch->group)
        number = table_find(&contexts->groups, branch->group);
    return number != 0 ? item_at(&contexts->groups, number) : NULL;
}

bool replay_was_relayed(const struct replay_contexts *contexts, const struct replay_branch *branch)
{
    return branch->relayed != 0 && table_find(&contexts->groups, branch->relayed) != 0;
}

/* --- requests --- */

/* A CANCEL has the branch of its INVITE: it applies to everything that was forked from that. */
static void cancel(struct replay_contexts *contexts, const struct sip_message *request)
{
    static const enum key_kind kinds[] = {KEY_FORK, KEY_ALONE};
    struct identity identity = identity_of(request);
    identity.method = METHOD_INVITE;
    uint64_t hash = identity_hash(contexts, &identity);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        uint32_t number = table_find(&contexts->groups, key_of(contexts, hash, top_branch(request), kinds[i]));
        struct replay_group *group = item_at(&contexts->groups, number);
        if (number != 0)
            group->state.cancelled = true;
    }
}

/* The stored requests are limited in bytes; beyond the limit those of other branches are removed first. */
static void make_place(struct replay_contexts *contexts, const struct replay_branch *but)
{
    uint32_t count = contexts->branches.size;
    for (uint32_t i = 0; i < count && contexts->kept > KEPT_MOST; i++) {
        contexts->hand = contexts->hand % count + 1;
        struct replay_branch *branch = item_at(&contexts->branches, contexts->hand);
        if (branch->call == NULL || branch == but)
            continue;
        contexts->kept -= sip_bytes(branch->call->request).length;
        replay_call_delete(branch->call, contexts->host);
        branch->call = NULL;
    }
}

void replay_request_seen(struct replay_contexts *contexts, const struct sip_message *request, struct replay_call *call)
{
    if (sip_method(request) == METHOD_ACK) {
        replay_call_delete(call, contexts->host);
        return;
    }
    if (sip_method(request) == METHOD_CANCEL)
        cancel(contexts, request);
    struct replay_branch *branch = replay_branch_of(contexts, request);
    branch->request_seen = true;
    branch->in_dialog = sip_to_tag(request).length > 0;
    if (call == NULL || branch->call != NULL) {
        replay_call_delete(call, contexts->host);
        return;
    }
    branch->call = call;
    contexts->kept += sip_bytes(call->request).length;
    if (contexts->kept > KEPT_MOST)
        make_place(contexts, branch);
}
