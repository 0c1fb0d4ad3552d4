// SPDX-License-Identifier: BSD-2-Clause
#include "cli/replay_context.h"

#include <errno.h>
#include <string.h>

#include "flow/hash_index.h"

enum {
    WAYS = 8, /* entries that share a bucket; the oldest of them makes place */
    DEFAULT_SIZE = 262144,
    KEPT_MOST = 67108864 /* bytes of requests kept for policies */
};

/* One cache line to search. Key 0: free. */
struct bucket {
    uint64_t key[WAYS];
    uint32_t used[WAYS];
};

struct table {
    struct bucket *buckets;
    char *items;
    size_t bucket_count, item_size;
    uint32_t clock;
};

struct replay_contexts {
    const struct host *host;
    struct hash_key call_key, branch_key;
    struct table branches, groups;
    size_t kept, hand; /* bytes of requests; where the search for those to give up goes on */
    uint64_t forgotten;
};

/* --- tables --- */

static int table_create(struct table *table, const struct host *host, uint32_t size, size_t item_size)
{
    size_t count = 1;
    while (count * WAYS < size)
        count *= 2;
    table->item_size = item_size;
    table->buckets = host->allocate(host->context, NULL, 0, count * sizeof *table->buckets);
    table->items = host->allocate(host->context, NULL, 0, count * WAYS * item_size);
    if (table->buckets == NULL || table->items == NULL)
        return -ENOMEM;
    table->bucket_count = count;
    memset(table->buckets, 0, count * sizeof *table->buckets);
    memset(table->items, 0, count * WAYS * item_size);
    return 0;
}

static void *item_at(const struct table *table, size_t index)
{
    return table->items + index * table->item_size;
}

static size_t bucket_of(const struct table *table, uint64_t key)
{
    return (size_t)(key >> 32) & (table->bucket_count - 1);
}

static void *table_find(const struct table *table, uint64_t key)
{
    size_t bucket = bucket_of(table, key);
    for (size_t i = 0; i < WAYS; i++)
        if (table->buckets[bucket].key[i] == key)
            return item_at(table, bucket * WAYS + i);
    return NULL;
}

/* The item of a key. *fresh: it is a new one, and what it holds is that of the one given up for it. */
static void *table_take(struct table *table, uint64_t key, bool *fresh)
{
    size_t number = bucket_of(table, key), way = 0;
    struct bucket *bucket = &table->buckets[number];
    table->clock++;
    *fresh = true;
    for (size_t i = 0; i < WAYS; i++) {
        if (bucket->key[i] == key) {
            way = i;
            *fresh = false;
            break;
        }
        if (bucket->key[way] != 0 &&
            (bucket->key[i] == 0 || table->clock - bucket->used[i] > table->clock - bucket->used[way]))
            way = i;
    }
    bucket->key[way] = key;
    bucket->used[way] = table->clock;
    return item_at(table, number * WAYS + way);
}

static void table_destroy(struct table *table, const struct host *host)
{
    size_t count = table->bucket_count;
    if (table->buckets != NULL)
        host->allocate(host->context, table->buckets, count * sizeof *table->buckets, 0);
    if (table->items != NULL)
        host->allocate(host->context, table->items, count * WAYS * table->item_size, 0);
}

/* --- life --- */

int replay_contexts_new(struct replay_contexts **out, const struct host *host, uint32_t size)
{
    struct replay_contexts *contexts = host->allocate(host->context, NULL, 0, sizeof *contexts);
    size = size != 0 ? size : DEFAULT_SIZE;
    if (contexts == NULL)
        return -ENOMEM;
    *contexts = (struct replay_contexts){.host = host};
    hash_key_draw(&contexts->call_key, host);
    hash_key_draw(&contexts->branch_key, host);
    if (table_create(&contexts->branches, host, size, sizeof(struct replay_branch)) != 0 ||
        table_create(&contexts->groups, host, size, sizeof(struct replay_group)) != 0) {
        replay_contexts_delete(contexts);
        return -ENOMEM;
    }
    *out = contexts;
    return 0;
}

void replay_call_delete(struct replay_call *call, const struct host *host)
{
    if (call == NULL)
        return;
    sip_message_delete(call->request);
    host->allocate(host->context, call, sizeof *call, 0);
}

void replay_contexts_delete(struct replay_contexts *contexts)
{
    if (contexts == NULL)
        return;
    const struct host *host = contexts->host;
    for (size_t i = 0; i < contexts->branches.bucket_count * WAYS; i++) {
        const struct replay_branch *branch = item_at(&contexts->branches, i);
        replay_call_delete(branch->call, host);
    }
    table_destroy(&contexts->branches, host);
    table_destroy(&contexts->groups, host);
    host->allocate(host->context, contexts, sizeof *contexts, 0);
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

/* What branches and groups of one request have in common: Call-ID and CSeq. */
static uint64_t identity_hash(const struct replay_contexts *contexts, const struct identity *identity)
{
    uint64_t hash = (uint64_t)hash_text(&contexts->call_key, identity->call_id) << 32;
    return hash ^ ((uint64_t)identity->cseq << 8 | (uint64_t)identity->method) * 0x9e3779b97f4a7c15U;
}

static uint64_t key_of(const struct replay_contexts *contexts, uint64_t identity, struct text branch,
                       enum key_kind kind)
{
    uint64_t hash = identity + hash_text(&contexts->branch_key, branch) * 0xc2b2ae3d27d4eb4fU + (uint64_t)kind;
    hash ^= hash >> 31;
    hash *= 0xff51afd7ed558ccdU;
    hash ^= hash >> 29;
    return hash != 0 ? hash : 1;
}

static struct text branch_of_via(struct text via)
{
    struct text branch = {0};
    const char *parameters = via.length > 0 ? memchr(via.at, ';', via.length) : NULL;
    if (parameters != NULL)
        sip_parameter((struct text){parameters, via.length - (size_t)(parameters - via.at)}, TEXT("branch"), &branch);
    return branch;
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

static void forget(struct replay_contexts *contexts, struct replay_branch *branch)
{
    contexts->forgotten += branch->request_seen && !branch->has_final;
    if (branch->call != NULL)
        contexts->kept -= sip_bytes(branch->call->request).length;
    replay_call_delete(branch->call, contexts->host);
    *branch = (struct replay_branch){0};
}

static struct replay_branch *take_branch(struct replay_contexts *contexts, uint64_t key)
{
    bool fresh;
    struct replay_branch *branch = table_take(&contexts->branches, key, &fresh);
    if (fresh)
        forget(contexts, branch);
    return branch;
}

static struct replay_group *take_group(struct replay_contexts *contexts, uint64_t key)
{
    bool fresh;
    struct replay_group *group = table_take(&contexts->groups, key, &fresh);
    if (fresh)
        *group = (struct replay_group){0};
    return group;
}

/* A new branch joins those that were forked from the same request. */
static void join(struct replay_contexts *contexts, struct replay_branch *branch, uint64_t key)
{
    struct replay_group *group = take_group(contexts, key);
    branch->group = key;
    group->state.branches_pending++;
    /* Another target is tried, so that what looked like the last response did not go up. */
    group->state.final_forwarded = group->state.success_forwarded;
}

struct replay_branch *replay_branch_of(struct replay_contexts *contexts, const struct sip_message *message)
{
    const struct identity identity = identity_of(message);
    uint64_t hash = identity_hash(contexts, &identity);
    struct text own = top_branch(message);
    struct replay_branch *branch = take_branch(contexts, key_of(contexts, hash, own, KEY_BRANCH));
    struct sip_value via;
    if (branch->group != 0 || identity.method == METHOD_CANCEL)
        return branch;
    if (sip_value(message, HEADER_VIA, 1, &via)) {
        join(contexts, branch, key_of(contexts, hash, branch_of_via(via.whole), KEY_FORK));
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
    return branch->group != 0 ? table_find(&contexts->groups, branch->group) : NULL;
}

bool replay_was_relayed(const struct replay_contexts *contexts, const struct replay_branch *branch)
{
    return branch->relayed != 0 && table_find(&contexts->groups, branch->relayed) != NULL;
}

/* --- requests --- */

/* A CANCEL has the branch of what it cancels: it goes for all that was forked from that. */
static void cancel(struct replay_contexts *contexts, const struct sip_message *request)
{
    static const enum key_kind kinds[] = {KEY_FORK, KEY_ALONE};
    struct identity identity = identity_of(request);
    identity.method = METHOD_INVITE;
    uint64_t hash = identity_hash(contexts, &identity);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct replay_group *group =
            table_find(&contexts->groups, key_of(contexts, hash, top_branch(request), kinds[i]));
        if (group != NULL)
            group->state.cancelled = true;
    }
}

/* Requests are kept up to a number of bytes; beyond it those of any branches but this one go first. */
static void make_place(struct replay_contexts *contexts, const struct replay_branch *but)
{
    size_t count = contexts->branches.bucket_count * WAYS;
    for (size_t i = 0; i < count && contexts->kept > KEPT_MOST; i++) {
        struct replay_branch *branch = item_at(&contexts->branches, contexts->hand++ % count);
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
