// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_POLICY_SHARE_H
#define REFLOW_KAMAILIO_POLICY_SHARE_H

#include "kamailio/ksr.h"

#include <semaphore.h>
#include <stdatomic.h>

#include "script/policy.h"

/*
 * What all processes know of the policy, in shared memory: the very bytes of the versions in use, so that what was
 * hashed is what each of them compiles.
 */

/* The bytes of one version, as sources_pack() gives them. Immutable, counted references. */
struct policy_blob {
    atomic_uint references;
    uint64_t hash, number;
    size_t size;
    char bytes[];
};

struct policy_share {
    gen_lock_t lock; /* of what stands below; never held while anything is waited for */
    struct policy_blob *active;
    struct store *store; /* what sip.store gives in every process */
};

/* NULL: no memory. */
struct policy_blob *policy_blob_new(const struct sources *sources, uint64_t number);
struct policy_blob *policy_blob_hold(struct policy_blob *blob);
void policy_blob_release(struct policy_blob *blob); /* NULL is fine */
/* 0, -ENOMEM, -EBADMSG. In the memory of ksr_host(). */
int policy_blob_read(const struct policy_blob *blob, struct sources **out);

/* In mod_init; NULL: no shared memory. */
struct policy_share *policy_share_new(void);
void policy_share_delete(struct policy_share *share); /* NULL is fine */

#endif
