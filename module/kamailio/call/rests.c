// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/rests.h"

#include "base/hash.h"
#include "call/rest_name.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"
#include "script/base/layers.h"
#include "script/store/tenants.h"

/* One block of shared memory, allocated at start: a destination costs no allocation, and a query takes no lock while
   nothing rests. */

enum {
    RESTS_MOST = 4096,
    SILENT_MOST = 1024, /* of each kind that is no tenant's */
    BUCKETS = 1024,
    SWEEP_EACH_MS = 60000,
    NONE = 0,
    REST_NAMED = 1 + LAYERS_MOST, /* owners that are no tenants: as in struct call_host */
    SILENT_CHOSEN,
    SILENT_NAMED,
    OWNERS
};

_Static_assert(OWNERS <= UINT8_MAX, "an owner is one byte");

struct rest {
    uint64_t until_ms;
    uint32_t digest;
    uint16_t next; /* index + 1 in the same bucket, or among the free ones; NONE */
    uint8_t length;
    uint8_t owner; /* 0: for everybody; 1 + the first layer of its tenant; REST_NAMED, SILENT_* */
    char destination[REST_NAME_MOST];
};

struct rests {
    gen_lock_t lock;
    struct hash_key key;
    uint64_t swept_ms;
    uint32_t count, silent;
    uint32_t owned[OWNERS]; /* of each owner */
    uint16_t free;
    uint16_t buckets[BUCKETS];
    struct rest all[];
};

static struct rests *rests;

static const struct layer *layer_of(size_t owner)
{
    return &module_config.layers.layers[owner - 1];
}

/* 0: no tenant has this name. */
static size_t owner_of(struct text tenant)
{
    const struct layer_options *layers = &module_config.layers;
    for (size_t i = 0; i < layers->count && tenant.length != 0; i++)
        if (text_equal_nocase(text_of(layers->layers[i].tenant), tenant))
            return i + 1;
    return 0;
}

int rests_create(void)
{
    size_t most = RESTS_MOST + 2 * SILENT_MOST; /* those of REST_NAMED share it */
    for (size_t i = 0; i < module_config.layers.count; i++)
        most += module_config.layers.layers[i].tenant[0] != '\0' ? TENANT_RESTS_MOST : 0;
    size_t size = sizeof *rests + most * sizeof rests->all[0];
    rests = shm_malloc(size);
    if (rests == NULL || lock_init(&rests->lock) == NULL) {
        ksr_log(LOG_ERROR, "no shared memory for the destinations that rest (%zu bytes)", size);
        return -1;
    }
    hash_key_draw(&rests->key, ksr_host());
    rests->count = rests->silent = 0;
    rests->swept_ms = 0;
    memset(rests->owned, 0, sizeof rests->owned);
    memset(rests->buckets, NONE, sizeof rests->buckets);
    for (size_t i = 0; i < most; i++)
        rests->all[i].next = (uint16_t)(i + 1 < most ? i + 2 : NONE);
    rests->free = 1;
    return 0;
}

void rests_destroy(void)
{
    if (rests == NULL)
        return;
    lock_destroy(&rests->lock);
    shm_free(rests);
    rests = NULL;
}

static uint32_t digest_of(size_t owner, struct text destination)
{
    return hash_text(&rests->key, destination) ^ (uint32_t)owner;
}

/* The link to the entry, for removing it; *link is NONE if there is no entry. */
static uint16_t *find(size_t owner, struct text destination, uint32_t digest)
{
    uint16_t *link = &rests->buckets[digest % BUCKETS];
    while (*link != NONE) {
        struct rest *rest = &rests->all[*link - 1];
        if (rest->digest == digest && rest->owner == owner &&
            text_equal((struct text){rest->destination, rest->length}, destination))
            break;
        link = &rest->next;
    }
    return link;
}

static void count_rest(const struct rest *rest, int by)
{
    uint32_t *counted = rest->owner >= SILENT_CHOSEN ? &rests->silent : &rests->count;
    rests->owned[rest->owner] += (uint32_t)by;
    __atomic_store_n(counted, *counted + (uint32_t)by, __ATOMIC_RELAXED);
}

static void forget(uint16_t *link)
{
    uint16_t index = *link;
    struct rest *rest = &rests->all[index - 1];
    *link = rest->next;
    rest->next = rests->free;
    rests->free = index;
    count_rest(rest, -1);
}

static void sweep(uint64_t ms)
{
    rests->swept_ms = ms;
    for (size_t i = 0; i < BUCKETS; i++) {
        uint16_t *link = &rests->buckets[i];
        while (*link != NONE) {
            if (rests->all[*link - 1].until_ms <= ms)
                forget(link);
            else
                link = &rests->all[*link - 1].next;
        }
    }
}

static void add(size_t owner, struct text destination, uint32_t digest, uint64_t until_ms)
{
    uint16_t index = rests->free;
    struct rest *rest = &rests->all[index - 1];
    rests->free = rest->next;
    rest->next = rests->buckets[digest % BUCKETS];
    rests->buckets[digest % BUCKETS] = index;
    rest->until_ms = until_ms;
    rest->digest = digest;
    rest->owner = (uint8_t)owner;
    rest->length = (uint8_t)destination.length;
    memcpy(rest->destination, destination.at, destination.length);
    count_rest(rest, 1);
}

/* A tenant with very many resting destinations must not take the places of others. */
static bool is_full(size_t owner)
{
    size_t most = owner == 0 ? RESTS_MOST : owner >= REST_NAMED ? SILENT_MOST : TENANT_RESTS_MOST;
    return rests->free == NONE || rests->owned[owner] >= most;
}

static void set_until(size_t owner, struct text destination, uint32_t seconds)
{
    uint64_t ms = ksr_now_ms();
    uint32_t digest = digest_of(owner, destination);
    bool full = false;
    lock_get(&rests->lock);
    if (is_full(owner) || ms - rests->swept_ms >= SWEEP_EACH_MS)
        sweep(ms);
    uint16_t *link = find(owner, destination, digest);
    if (*link != NONE && seconds == 0)
        forget(link);
    else if (*link != NONE)
        rests->all[*link - 1].until_ms = ms + 1000ULL * seconds;
    else if (seconds > 0 && !(full = is_full(owner)))
        add(owner, destination, digest, ms + 1000ULL * seconds);
    lock_release(&rests->lock);
    if (full)
        stats_count(STAT_SHARED_MEMORY);
}

void rest_set(struct text tenant, struct text named, uint32_t seconds)
{
    char name[REST_NAME_MOST + 1];
    const struct text destination = {name, rest_name_write(named, name)};
    size_t owner = owner_of(tenant);
    if (destination.length != 0 && (tenant.length == 0 || owner != 0))
        set_until(owner, destination, seconds);
}

void rest_set_named(struct text named, uint32_t seconds)
{
    char name[REST_NAME_MOST + 1];
    const struct text destination = {name, rest_name_write(named, name)};
    if (destination.length != 0)
        set_until(REST_NAMED, destination, seconds);
}

static bool end_of_owners(size_t first, size_t end, struct text destination)
{
    bool ended = false;
    lock_get(&rests->lock);
    for (size_t owner = first; owner < end; owner++) {
        uint16_t *link = find(owner, destination, digest_of(owner, destination));
        if (*link == NONE)
            continue;
        ended |= rests->all[*link - 1].until_ms > ksr_now_ms();
        forget(link);
    }
    lock_release(&rests->lock);
    return ended;
}

bool rest_end(struct text named)
{
    char name[REST_NAME_MOST + 1];
    const struct text destination = {name, rest_name_write(named, name)};
    const bool rested = destination.length > 0 && end_of_owners(0, SILENT_CHOSEN, destination);
    const bool silent = named.length > 0 && end_of_owners(SILENT_CHOSEN, OWNERS, named);
    return rested || silent;
}

void silence_begin(bool chosen, struct text name)
{
    if (name.length > 0 && module_config.rest_silent > 0)
        set_until(chosen ? SILENT_CHOSEN : SILENT_NAMED, name, (uint32_t)module_config.rest_silent);
}

void silence_end(struct text name)
{
    if (name.length == 0 || silence_count() == 0)
        return;
    set_until(SILENT_CHOSEN, name, 0);
    set_until(SILENT_NAMED, name, 0);
}

void silence_end_of_binding(void *context, struct text name)
{
    (void)context;
    if (name.length > 0)
        set_until(SILENT_NAMED, name, 0);
}

size_t silence_count(void)
{
    return __atomic_load_n(&rests->silent, __ATOMIC_RELAXED);
}

static bool rests_for(size_t owner, struct text destination, uint64_t ms)
{
    const uint16_t *link = find(owner, destination, digest_of(owner, destination));
    return *link != NONE && rests->all[*link - 1].until_ms > ms;
}

bool rest_is_on(bool chosen, struct text aor, struct text destination)
{
    if (__atomic_load_n(&rests->count, __ATOMIC_RELAXED) == 0 || destination.length == 0)
        return false;
    uint64_t ms = ksr_now_ms();
    size_t owner = owner_of(layers_domain(aor));
    lock_get(&rests->lock);
    if (ms - rests->swept_ms >= SWEEP_EACH_MS)
        sweep(ms);
    bool on = rests_for(0, destination, ms) || (owner != 0 && rests_for(owner, destination, ms)) ||
              (!chosen && rests_for(REST_NAMED, destination, ms));
    lock_release(&rests->lock);
    return on;
}

bool silence_is_on(bool chosen, struct text name)
{
    if (name.length == 0 || silence_count() == 0)
        return false;
    uint64_t ms = ksr_now_ms();
    lock_get(&rests->lock);
    bool on = rests_for(SILENT_CHOSEN, name, ms) || (!chosen && rests_for(SILENT_NAMED, name, ms));
    lock_release(&rests->lock);
    return on;
}

size_t rest_count(void)
{
    return __atomic_load_n(&rests->count, __ATOMIC_RELAXED);
}

size_t rest_list(struct rest_view *views, size_t most)
{
    uint64_t ms = ksr_now_ms();
    size_t count = 0;
    lock_get(&rests->lock);
    sweep(ms);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (uint16_t index = rests->buckets[i]; index != NONE; index = rests->all[index - 1].next) {
            const struct rest *rest = &rests->all[index - 1];
            if (count < most) {
                views[count].seconds_left = (uint32_t)((rest->until_ms - ms + 999) / 1000);
                views[count].silent = rest->owner >= SILENT_CHOSEN;
                views[count].tenant = rest->owner != 0 && rest->owner < REST_NAMED ? layer_of(rest->owner)->tenant : "";
                views[count].length = rest->length;
                memcpy(views[count].destination, rest->destination, rest->length);
            }
            count++;
        }
    }
    lock_release(&rests->lock);
    return count;
}
