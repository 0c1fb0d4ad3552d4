// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/policy_share.h"

#include <errno.h>
#include <string.h>

#include "kamailio/host.h"

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

struct policy_blob *policy_blob_hold(struct policy_blob *blob)
{
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

/* The store asks its host at every call, in every process: the host lies in shared memory too. */
struct shared_store {
    struct host host;
    gen_lock_t lock;
};

static struct store *make_store(void)
{
    const struct store_limits limits = {.bytes = STORE_BYTES};
    struct store *store;
    struct shared_store *shared = shm_malloc(sizeof *shared);
    if (shared == NULL)
        return NULL;
    lock_init(&shared->lock);
    shared->host = *ksr_shared_host();
    shared->host.context = &shared->lock;
    shared->host.lock = lock_store;
    shared->host.unlock = unlock_store;
    return store_new(&store, &shared->host, &limits) == 0 ? store : NULL;
}

/* --- all of it --- */

struct policy_share *policy_share_new(void)
{
    struct policy_share *share = shm_malloc(sizeof *share);
    if (share == NULL)
        return NULL;
    memset(share, 0, sizeof *share);
    lock_init(&share->lock);
    share->store = make_store();
    if (share->store != NULL)
        return share;
    policy_share_delete(share);
    return NULL;
}

void policy_share_delete(struct policy_share *share)
{
    if (share == NULL)
        return;
    policy_blob_release(share->active);
    store_delete(share->store);
    shm_free(share);
}
