// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/rests.h"

#include "kamailio/host.h"
#include "kamailio/stats.h"

/* One block of shared memory, made at start: no destination costs an allocation, and what asks for a rest while none
   rests takes no lock. */

enum { RESTS_MOST = 4096, BUCKETS = 1024, SWEEP_EACH_MS = 60000, DESTINATION_MOST = 255, NONE = 0 };

struct rest {
    uint64_t until_ms;
    uint32_t digest;
    uint16_t next; /* index + 1 in the same bucket, or among the free ones; NONE */
    uint8_t length;
    char destination[DESTINATION_MOST];
};

struct rests {
    gen_lock_t lock;
    uint64_t swept_ms;
    uint32_t count;
    uint16_t free;
    uint16_t buckets[BUCKETS];
    struct rest all[RESTS_MOST];
};

static struct rests *rests;

static uint64_t now(void)
{
    return ksr_host()->now_ms(NULL);
}

int rests_create(void)
{
    rests = shm_malloc(sizeof *rests);
    if (rests == NULL || lock_init(&rests->lock) == NULL) {
        ksr_log(LOG_ERROR, "no shared memory for the destinations that rest (%zu bytes)", sizeof *rests);
        return -1;
    }
    rests->count = 0;
    rests->swept_ms = 0;
    memset(rests->buckets, NONE, sizeof rests->buckets);
    for (size_t i = 0; i < RESTS_MOST; i++)
        rests->all[i].next = (uint16_t)(i + 1 < RESTS_MOST ? i + 2 : NONE);
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

static uint32_t digest_of(struct text destination)
{
    uint32_t sum = 2166136261U;
    for (size_t i = 0; i < destination.length; i++)
        sum = (sum ^ (unsigned char)destination.at[i]) * 16777619U;
    return sum;
}

/* The link that leads to it, so that it can be taken out; *link is NONE where it is not there. */
static uint16_t *find(struct text destination, uint32_t digest)
{
    uint16_t *link = &rests->buckets[digest % BUCKETS];
    while (*link != NONE) {
        struct rest *rest = &rests->all[*link - 1];
        if (rest->digest == digest && text_equal((struct text){rest->destination, rest->length}, destination))
            break;
        link = &rest->next;
    }
    return link;
}

static void forget(uint16_t *link)
{
    uint16_t index = *link;
    struct rest *rest = &rests->all[index - 1];
    *link = rest->next;
    rest->next = rests->free;
    rests->free = index;
    __atomic_store_n(&rests->count, rests->count - 1, __ATOMIC_RELAXED);
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

static void add(struct text destination, uint32_t digest, uint64_t until_ms)
{
    uint16_t index = rests->free;
    struct rest *rest = &rests->all[index - 1];
    rests->free = rest->next;
    rest->next = rests->buckets[digest % BUCKETS];
    rests->buckets[digest % BUCKETS] = index;
    rest->until_ms = until_ms;
    rest->digest = digest;
    rest->length = (uint8_t)destination.length;
    memcpy(rest->destination, destination.at, destination.length);
    __atomic_store_n(&rests->count, rests->count + 1, __ATOMIC_RELAXED);
}

void rest_set(struct text destination, uint32_t seconds)
{
    uint64_t ms = now();
    if (destination.length == 0 || destination.length > DESTINATION_MOST)
        return;
    uint32_t digest = digest_of(destination);
    bool full = false;
    lock_get(&rests->lock);
    if (rests->free == NONE || ms - rests->swept_ms >= SWEEP_EACH_MS)
        sweep(ms);
    uint16_t *link = find(destination, digest);
    if (*link != NONE && seconds == 0)
        forget(link);
    else if (*link != NONE)
        rests->all[*link - 1].until_ms = ms + 1000ULL * seconds;
    else if (seconds > 0 && !(full = rests->free == NONE))
        add(destination, digest, ms + 1000ULL * seconds);
    lock_release(&rests->lock);
    if (full)
        stats_count(STAT_SHARED_MEMORY);
}

bool rest_is_on(struct text destination)
{
    if (__atomic_load_n(&rests->count, __ATOMIC_RELAXED) == 0 || destination.length == 0)
        return false;
    uint32_t digest = digest_of(destination);
    uint64_t ms = now();
    lock_get(&rests->lock);
    if (ms - rests->swept_ms >= SWEEP_EACH_MS)
        sweep(ms);
    const uint16_t *link = find(destination, digest);
    bool on = *link != NONE && rests->all[*link - 1].until_ms > ms;
    lock_release(&rests->lock);
    return on;
}

size_t rest_count(void)
{
    return __atomic_load_n(&rests->count, __ATOMIC_RELAXED);
}

size_t rest_list(struct rest_view *views, size_t most)
{
    uint64_t ms = now();
    size_t count = 0;
    lock_get(&rests->lock);
    sweep(ms);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (uint16_t index = rests->buckets[i]; index != NONE; index = rests->all[index - 1].next) {
            const struct rest *rest = &rests->all[index - 1];
            if (count < most) {
                views[count].seconds_left = (uint32_t)((rest->until_ms - ms + 999) / 1000);
                views[count].length = rest->length;
                memcpy(views[count].destination, rest->destination, rest->length);
            }
            count++;
        }
    }
    lock_release(&rests->lock);
    return count;
}
