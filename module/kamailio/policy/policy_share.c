// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/policy/policy_share.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kamailio/base/host.h"

/* --- the bytes of a version --- */

struct policy_blob *policy_blob_new(const struct sources *sources, uint64_t number)
{
    const struct host *host = ksr_host(), *shared = ksr_shared_host();
    char *bytes;
    size_t size;
    if (sources_pack(sources, &bytes, &size) != 0)
        return NULL;
    struct policy_blob *blob = shared->allocate(shared->context, NULL, 0, sizeof *blob + size);
    if (blob != NULL) {
        atomic_init(&blob->references, 1);
        blob->hash = sources_hash(sources);
        blob->number = number;
        blob->size = size;
        memcpy(blob->bytes, bytes, size);
    }
    host->allocate(host->context, bytes, size, 0);
    return blob;
}

/* NULL is fine */
static struct policy_blob *policy_blob_hold(struct policy_blob *blob)
{
    if (blob != NULL)
        atomic_fetch_add(&blob->references, 1);
    return blob;
}

void policy_blob_release(struct policy_blob *blob)
{
    if (blob != NULL && atomic_fetch_sub(&blob->references, 1) == 1)
        ksr_shared_host()->allocate(NULL, blob, sizeof *blob + blob->size, 0);
}

int policy_blob_read(const struct policy_blob *blob, struct sources **out)
{
    return sources_unpack(out, ksr_host(), blob->bytes, blob->size);
}

/* --- sip.store: one for all processes, each call of it under a lock --- */

enum { STORE_BYTES = 8 << 20 };

static void lock_store(void *context)
{
    lock_get((gen_lock_t *)context);
}

static void unlock_store(void *context)
{
    lock_release((gen_lock_t *)context);
}

/* The store calls its host from every process, so the host is in shared memory too. */
struct shared_store {
    struct host host;
    gen_lock_t lock;
};

static int make_stores(struct policy_share *share, const struct layer_options *layers, uint32_t tenant_keys)
{
    const struct store_limits limits = {.bytes = STORE_BYTES};
    struct shared_store *shared = shm_malloc(sizeof *shared);
    if (shared == NULL)
        return -ENOMEM;
    lock_init(&shared->lock);
    shared->host = *ksr_shared_host();
    shared->host.context = &shared->lock;
    shared->host.lock = lock_store;
    shared->host.unlock = unlock_store;
    int error = store_new(&share->store, &shared->host, &limits);
    if (error == 0)
        error = tenants_create(&share->tenants, &shared->host, layers->layers, layers->count, tenant_keys);
    return error;
}

/* --- all of it --- */

struct policy_share *policy_share_new(const struct layer_options *layers, uint32_t tenant_keys)
{
    struct policy_share *share = shm_malloc(sizeof *share);
    if (share == NULL)
        return NULL;
    memset(share, 0, sizeof *share);
    lock_init(&share->lock);
    sem_init(&share->answered, 1, 0);
    if (make_stores(share, layers, tenant_keys) == 0)
        return share;
    policy_share_delete(share);
    return NULL;
}

void policy_share_delete(struct policy_share *share)
{
    if (share == NULL)
        return;
    policy_use_release(&share->use);
    while (share->slots != NULL) {
        struct policy_slot *slot = share->slots;
        share->slots = slot->next;
        shm_free(slot);
    }
    tenants_destroy(&share->tenants);
    store_delete(share->store);
    shm_free(share);
}

struct policy_use policy_use_hold(struct policy_share *share)
{
    lock_get(&share->lock);
    struct policy_use use = share->use;
    policy_blob_hold(use.active);
    policy_blob_hold(use.previous);
    policy_blob_hold(use.canary);
    policy_blob_hold(use.shadow);
    lock_release(&share->lock);
    return use;
}

void policy_use_release(struct policy_use *use)
{
    policy_blob_release(use->active);
    policy_blob_release(use->previous);
    policy_blob_release(use->canary);
    policy_blob_release(use->shadow);
    *use = (struct policy_use){0};
}

void policy_withdrawn_part_add(struct policy_share *share, uint64_t hash)
{
    lock_get(&share->lock);
    share->withdrawn_parts[share->withdrawn_part_count++ % WITHDRAWN_PARTS] = hash;
    lock_release(&share->lock);
}

size_t policy_withdrawn_parts(struct policy_share *share, uint64_t hashes[WITHDRAWN_PARTS])
{
    lock_get(&share->lock);
    size_t count = share->withdrawn_part_count < WITHDRAWN_PARTS ? share->withdrawn_part_count : WITHDRAWN_PARTS;
    memcpy(hashes, share->withdrawn_parts, count * sizeof hashes[0]);
    lock_release(&share->lock);
    return count;
}

static bool is_among(const struct policy_blob *blob, const struct policy_use *use)
{
    return blob == use->active || blob == use->previous || blob == use->canary || blob == use->shadow;
}

void policy_use_set(struct policy_share *share, struct policy_use use)
{
    lock_get(&share->lock);
    const struct policy_use before = share->use;
    use.generation = before.generation + 1;
    share->use = use;
    lock_release(&share->lock);
    struct policy_blob *const gone[] = {before.active, before.previous, before.canary, before.shadow};
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        if (!is_among(gone[i], &use))
            policy_blob_release(gone[i]);
    }
}

/* --- a process's side --- */

enum slot_state { SLOT_IDLE, SLOT_ASKED, SLOT_CANCELLED };

struct policy_slot *policy_slot_new(bool leads)
{
    struct policy_slot *slot = shm_malloc(sizeof *slot);
    if (slot == NULL)
        return NULL;
    memset(slot, 0, sizeof *slot);
    slot->pid = getpid();
    slot->process = process_no;
    slot->leads = leads;
    sem_init(&slot->wake, 1, 0);
    return slot;
}

bool policy_slot_join(struct policy_share *share, struct policy_slot *slot, uint64_t generation)
{
    lock_get(&share->lock);
    bool joins = atomic_load(&share->busy) == 0 && share->use.generation == generation;
    if (joins) {
        slot->next = share->slots;
        share->slots = slot;
    }
    lock_release(&share->lock);
    return joins;
}

static struct timespec after(uint32_t ms)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    uint64_t ns = (uint64_t)time.tv_nsec + (uint64_t)ms * 1000000U;
    time.tv_sec += (time_t)(ns / 1000000000U);
    time.tv_nsec = (long)(ns % 1000000000U);
    return time;
}

void policy_slot_wait(struct policy_slot *slot, uint32_t ms)
{
    const struct timespec until = after(ms);
    if (ms == 0)
        sem_wait(&slot->wake);
    else
        sem_clockwait(&slot->wake, CLOCK_MONOTONIC, &until);
}

bool policy_slot_is_asked(struct policy_slot *slot)
{
    return atomic_load(&slot->state) != SLOT_IDLE;
}

bool policy_slot_answer(struct policy_share *share, struct policy_slot *slot, int result)
{
    int asked = SLOT_ASKED;
    slot->result = result;
    bool wanted = atomic_compare_exchange_strong(&slot->state, &asked, SLOT_IDLE);
    if (wanted)
        sem_post(&share->answered);
    return wanted;
}

void policy_slot_undone(struct policy_slot *slot)
{
    atomic_store(&slot->state, SLOT_IDLE);
}

const char *policy_slot_name(const struct policy_slot *slot)
{
    return pt[slot->process].desc;
}

bool policy_slot_lives(const struct policy_slot *slot)
{
    return kill(slot->pid, 0) == 0 || errno == EPERM;
}

/* --- the coordinator's side --- */

enum { SETTLE_MS = 1000, LOOK_MS = 50 };

static const struct policy_slot *unsettled(struct policy_share *share)
{
    for (struct policy_slot *slot = share->slots; slot != NULL; slot = slot->next) {
        if (policy_slot_is_asked(slot) && policy_slot_lives(slot))
            return slot;
    }
    return NULL;
}

static bool take_turn(struct policy_share *share)
{
    int holder = 0;
    if (atomic_compare_exchange_strong(&share->busy, &holder, (int)getpid()))
        return true;
    bool died = kill(holder, 0) != 0 && errno == ESRCH;
    return died && atomic_compare_exchange_strong(&share->busy, &holder, (int)getpid());
}

int policy_coordinate_begin(struct policy_share *share, bool to_change, char *error, size_t size)
{
    const struct policy_slot *slot = NULL;
    uint64_t until = ksr_now_ms() + SETTLE_MS;
    if (!take_turn(share)) {
        snprintf(error, size, "another reload is under way");
        return -EBUSY;
    }
    /* Processes that have just joined are included from here on. */
    lock_get(&share->lock);
    lock_release(&share->lock);
    while (to_change && (slot = unsettled(share)) != NULL && ksr_now_ms() < until) {
        const struct timespec look = after(LOOK_MS);
        sem_clockwait(&share->answered, CLOCK_MONOTONIC, &look);
    }
    if (slot == NULL)
        return 0;
    snprintf(error, size, "process %d (%s) is not through with the reload before", (int)slot->pid,
             policy_slot_name(slot));
    policy_coordinate_end(share);
    return -EBUSY;
}

void policy_coordinate_end(struct policy_share *share)
{
    atomic_store(&share->busy, 0);
}

static const struct policy_slot *leader(struct policy_share *share)
{
    const struct policy_slot *found = NULL;
    for (struct policy_slot *slot = share->slots; slot != NULL; slot = slot->next) {
        if (policy_slot_lives(slot) && (found == NULL || (slot->leads && !found->leads)))
            found = slot;
    }
    return found;
}

size_t policy_choose(struct policy_share *share, enum policy_choice choice)
{
    const struct policy_slot *first = leader(share);
    size_t count = 0;
    for (struct policy_slot *slot = share->slots; slot != NULL; slot = slot->next) {
        bool fits = choice == CHOOSE_ALL || (choice == CHOOSE_LEADER && slot == first) ||
                    (choice == CHOOSE_OTHERS && slot != first) ||
                    (choice == CHOOSE_ALL_BUT_ME && slot->pid != getpid());
        slot->chosen = fits && policy_slot_lives(slot) && !policy_slot_is_asked(slot);
        slot->tries = slot == first;
        count += slot->chosen;
    }
    return count;
}

static bool can_be_undone(enum policy_order order)
{
    return order == ORDER_BUILD || order == ORDER_HAND_OVER || order == ORDER_REPORT;
}

static void wake(struct policy_share *share, struct policy_slot *slot)
{
    slot->error[0] = '\0';
    slot->result = 0;
    slot->request = share->request;
    if (share->request.order == ORDER_BUILD)
        policy_blob_hold(share->request.blob);
    atomic_store(&slot->state, SLOT_ASKED);
    sem_post(&slot->wake);
}

static bool all_answered(struct policy_share *share)
{
    for (struct policy_slot *slot = share->slots; slot != NULL; slot = slot->next) {
        if (slot->chosen && policy_slot_is_asked(slot) && policy_slot_lives(slot))
            return false;
    }
    return true;
}

/* No answer within the time. */
static int give_up(const struct policy_share *share, struct policy_slot *slot)
{
    int asked = SLOT_ASKED;
    if (can_be_undone(share->request.order) && !atomic_compare_exchange_strong(&slot->state, &asked, SLOT_CANCELLED))
        return slot->result; /* it came just now */
    return -ETIMEDOUT;
}

static int result_of(struct policy_share *share, struct policy_slot *slot, char *error, size_t size)
{
    int result = policy_slot_is_asked(slot) && policy_slot_lives(slot) ? give_up(share, slot) : slot->result;
    const char *why = result == -ETIMEDOUT ? "it does not answer" : slot->error;
    if (result != 0 && slot->tries)
        snprintf(error, size, "%s", why);
    else if (result != 0)
        snprintf(error, size, "%s [process %d, %s]", why, (int)slot->pid, policy_slot_name(slot));
    return result;
}

int policy_ask(struct policy_share *share, uint32_t ms, char *error, size_t size)
{
    uint64_t until = ksr_now_ms() + ms;
    int result = 0;
    for (struct policy_slot *slot = share->slots; slot != NULL; slot = slot->next) {
        if (slot->chosen)
            wake(share, slot);
    }
    while (!all_answered(share) && ksr_now_ms() < until) {
        const struct timespec look = after(LOOK_MS);
        sem_clockwait(&share->answered, CLOCK_MONOTONIC, &look);
    }
    for (struct policy_slot *slot = share->slots; slot != NULL; slot = slot->next) {
        char why[sizeof slot->error + MAX_PT_DESC + 32];
        if (!slot->chosen)
            continue;
        int own = result_of(share, slot, why, sizeof why);
        slot->result = own;
        if (own != 0 && result == 0) {
            result = own;
            snprintf(error, size, "%s", why);
        }
    }
    return result;
}
