// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/flow_index.h"

#include <stdatomic.h>
#include <string.h>

#include "base/hash.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"

/*
 * Two tables of chains, by ruid and by flow. The lock of a ruid is taken before that of a flow. Entries come from
 * slabs, because the overhead of usrloc's allocator exceeds the size of an entry. They are never freed, only reused.
 */

enum { LOCKS = 64, SLAB_ENTRIES = 64 };

struct indexed {
    struct indexed *next_by_ruid, *next_by_flow;
    struct indexed **previous_by_flow; /* thousands may be on one connection */
    flow_id flow;
    const str *table;
    int64_t expires;
    unsigned aor_hash;
    uint16_t ruid_length;
    char ruid[FLOW_RUID_MOST];
    bool outbound;     /* it has a reg-id */
    uint8_t transport; /* enum transport of the flow */
};

static struct flow_index {
    struct hash_key key;
    uint32_t mask;
    gen_lock_t free_lock;
    struct indexed *free;
    gen_lock_t ruid_locks[LOCKS], flow_locks[LOCKS];
    struct indexed **by_ruid, **by_flow;
    atomic_size_t bindings, flows[TRANSPORT_COUNT], memory;
} * table;

int flow_index_create(unsigned size_log2)
{
    const size_t buckets = (size_t)1 << size_log2;
    table = shm_malloc(sizeof *table);
    struct indexed **chains = shm_malloc(buckets * 2 * sizeof(struct indexed *));
    if (table == NULL || chains == NULL)
        return -1;
    memset(table, 0, sizeof *table);
    memset(chains, 0, buckets * 2 * sizeof(struct indexed *));
    hash_key_draw(&table->key, ksr_host());
    table->mask = (uint32_t)buckets - 1;
    table->by_ruid = chains;
    table->by_flow = chains + buckets;
    atomic_store(&table->memory, sizeof *table + buckets * 2 * sizeof(struct indexed *));
    lock_init(&table->free_lock);
    for (size_t i = 0; i < LOCKS; i++) {
        lock_init(&table->ruid_locks[i]);
        lock_init(&table->flow_locks[i]);
    }
    return 0;
}

/* --- entries --- */

static bool add_slab(void)
{
    struct indexed *slab = shm_malloc(SLAB_ENTRIES * sizeof *slab);
    if (slab == NULL)
        return false;
    atomic_fetch_add(&table->memory, SLAB_ENTRIES * sizeof *slab);
    for (size_t i = 0; i < SLAB_ENTRIES; i++) {
        slab[i].next_by_ruid = table->free;
        table->free = &slab[i];
    }
    return true;
}

static struct indexed *entry_take(void)
{
    struct indexed *entry = NULL;
    lock_get(&table->free_lock);
    if (table->free != NULL || add_slab()) {
        entry = table->free;
        table->free = entry->next_by_ruid;
    }
    lock_release(&table->free_lock);
    return entry;
}

static void entry_give_back(struct indexed *entry)
{
    lock_get(&table->free_lock);
    entry->next_by_ruid = table->free;
    table->free = entry;
    lock_release(&table->free_lock);
}

/* --- chains --- */

static uint32_t hash_ruid(const str *ruid)
{
    return hash_text(&table->key, (struct text){ruid->s, (size_t)ruid->len});
}

static uint32_t hash_flow(flow_id flow)
{
    return hash_number(&table->key, flow);
}

static struct indexed **find(uint32_t hash, const str *ruid)
{
    struct indexed **link = &table->by_ruid[hash & table->mask];
    while (*link != NULL &&
           ((*link)->ruid_length != ruid->len || memcmp((*link)->ruid, ruid->s, (size_t)ruid->len) != 0))
        link = &(*link)->next_by_ruid;
    return link;
}

/* Under the lock of the flow. */
static bool has_entries(const struct indexed *first, flow_id flow)
{
    while (first != NULL && first->flow != flow)
        first = first->next_by_flow;
    return first != NULL;
}

static void link_flow(struct indexed *entry, flow_id flow)
{
    const uint32_t hash = hash_flow(flow);
    struct indexed **head = &table->by_flow[hash & table->mask];
    lock_get(&table->flow_locks[hash % LOCKS]);
    if (!has_entries(*head, flow))
        atomic_fetch_add(&table->flows[entry->transport], 1);
    entry->flow = flow;
    entry->next_by_flow = *head;
    entry->previous_by_flow = head;
    if (*head != NULL)
        (*head)->previous_by_flow = &entry->next_by_flow;
    *head = entry;
    lock_release(&table->flow_locks[hash % LOCKS]);
}

static void unlink_flow(struct indexed *entry)
{
    const uint32_t hash = hash_flow(entry->flow);
    lock_get(&table->flow_locks[hash % LOCKS]);
    *entry->previous_by_flow = entry->next_by_flow;
    if (entry->next_by_flow != NULL)
        entry->next_by_flow->previous_by_flow = entry->previous_by_flow;
    if (!has_entries(table->by_flow[hash & table->mask], entry->flow))
        atomic_fetch_sub(&table->flows[entry->transport], 1);
    lock_release(&table->flow_locks[hash % LOCKS]);
}

static void remove_at(struct indexed **link)
{
    struct indexed *entry = *link;
    unlink_flow(entry);
    *link = entry->next_by_ruid;
    entry_give_back(entry);
    atomic_fetch_sub(&table->bindings, 1);
}

static void add_at(struct indexed **link, const ucontact_t *contact, flow_id flow, enum transport transport)
{
    struct indexed *entry = entry_take();
    if (entry == NULL) {
        stats_count(STAT_SHARED_MEMORY);
        return;
    }
    entry->ruid_length = (uint16_t)contact->ruid.len;
    memcpy(entry->ruid, contact->ruid.s, entry->ruid_length);
    entry->table = contact->domain;
    entry->aor_hash = ul.get_aorhash(contact->aor);
    entry->expires = contact->expires;
    entry->outbound = contact->reg_id != 0;
    entry->transport = (uint8_t)transport;
    entry->next_by_ruid = NULL;
    *link = entry;
    link_flow(entry, flow);
    atomic_fetch_add(&table->bindings, 1);
}

/* --- the functions of flow_index.h and flows.h --- */

void flow_index_put(const ucontact_t *contact, flow_id flow, enum transport transport)
{
    if (contact->ruid.len <= 0 || contact->ruid.len > FLOW_RUID_MOST)
        return;
    const uint32_t hash = hash_ruid(&contact->ruid);
    lock_get(&table->ruid_locks[hash % LOCKS]);
    struct indexed **link = find(hash, &contact->ruid);
    if (*link == NULL && flow != 0) {
        add_at(link, contact, flow, transport);
    } else if (*link != NULL && flow == 0) {
        remove_at(link);
    } else if (*link != NULL) {
        (*link)->expires = contact->expires;
        (*link)->outbound = contact->reg_id != 0;
        if ((*link)->flow != flow) {
            unlink_flow(*link);
            (*link)->transport = (uint8_t)transport;
            link_flow(*link, flow);
        }
    }
    lock_release(&table->ruid_locks[hash % LOCKS]);
}

void flow_index_remove(const str *ruid)
{
    if (ruid->len <= 0)
        return;
    const uint32_t hash = hash_ruid(ruid);
    lock_get(&table->ruid_locks[hash % LOCKS]);
    struct indexed **link = find(hash, ruid);
    if (*link != NULL)
        remove_at(link);
    lock_release(&table->ruid_locks[hash % LOCKS]);
}

struct last_register {
    flow_id flow;
    int64_t expires;
};

static struct last_register last_register(const str *ruid)
{
    struct last_register last = {0};
    if (ruid->len <= 0)
        return last;
    const uint32_t hash = hash_ruid(ruid);
    lock_get(&table->ruid_locks[hash % LOCKS]);
    const struct indexed *entry = *find(hash, ruid);
    if (entry != NULL)
        last = (struct last_register){entry->flow, entry->expires};
    lock_release(&table->ruid_locks[hash % LOCKS]);
    return last;
}

int64_t flow_index_expires(const str *ruid)
{
    return last_register(ruid).expires;
}

flow_id flow_index_flow(const str *ruid)
{
    return last_register(ruid).flow;
}

static void copy_entry(const struct indexed *entry, struct flow_binding *binding)
{
    binding->table = entry->table;
    binding->aor_hash = entry->aor_hash;
    binding->ruid_length = entry->ruid_length;
    memcpy(binding->ruid, entry->ruid, entry->ruid_length);
}

size_t flow_bindings(flow_id flow, struct flow_binding *bindings, size_t most)
{
    const uint32_t hash = hash_flow(flow);
    size_t found = 0;
    lock_get(&table->flow_locks[hash % LOCKS]);
    for (const struct indexed *entry = table->by_flow[hash & table->mask]; entry != NULL; entry = entry->next_by_flow) {
        if (entry->flow != flow)
            continue;
        if (found < most)
            copy_entry(entry, &bindings[found]);
        found++;
    }
    lock_release(&table->flow_locks[hash % LOCKS]);
    return found;
}

bool flow_is_outbound(flow_id flow)
{
    const uint32_t hash = hash_flow(flow);
    bool outbound = false;
    lock_get(&table->flow_locks[hash % LOCKS]);
    const struct indexed *entry = table->by_flow[hash & table->mask];
    for (; entry != NULL && !outbound; entry = entry->next_by_flow)
        outbound = entry->flow == flow && entry->outbound;
    lock_release(&table->flow_locks[hash % LOCKS]);
    return outbound;
}

struct flow_counts flow_counts(void)
{
    struct flow_counts counts = {.bindings = atomic_load(&table->bindings), .memory = atomic_load(&table->memory)};
    for (size_t i = 0; i < TRANSPORT_COUNT; i++)
        counts.flows[i] = atomic_load(&table->flows[i]);
    return counts;
}

static bool is_listed(flow_id flow, const flow_id *flows, size_t count)
{
    while (count > 0 && flows[count - 1] != flow)
        count--;
    return count > 0;
}

/* Reports a whole bucket, or nothing and returns false; the next call then begins with this bucket. */
static bool list_bucket(uint32_t bucket, flow_id *flows, size_t *count, size_t most)
{
    const size_t before = *count;
    bool fits = true;
    lock_get(&table->flow_locks[bucket % LOCKS]);
    for (const struct indexed *entry = table->by_flow[bucket]; entry != NULL && fits; entry = entry->next_by_flow) {
        if (flow_is_datagram(entry->flow) || is_listed(entry->flow, flows + before, *count - before))
            continue;
        fits = *count < most;
        if (fits)
            flows[(*count)++] = entry->flow;
    }
    lock_release(&table->flow_locks[bucket % LOCKS]);
    if (!fits && before > 0)
        *count = before;
    return fits || before == 0;
}

size_t flow_list(unsigned *cursor, flow_id *flows, size_t most)
{
    size_t count = 0;
    while (*cursor <= table->mask && count < most) {
        if (table->by_flow[*cursor] != NULL && !list_bucket(*cursor, flows, &count, most))
            return count;
        (*cursor)++;
    }
    if (*cursor > table->mask)
        *cursor = 0;
    return count;
}
