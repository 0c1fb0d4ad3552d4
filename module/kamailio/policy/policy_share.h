// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_POLICY_SHARE_H
#define REFLOW_KAMAILIO_POLICY_SHARE_H

#include "kamailio/base/ksr.h"

#include <semaphore.h>
#include <stdatomic.h>

#include "script/policy/layer_option.h"
#include "script/policy/policy.h"
#include "script/store/tenants.h"

/*
 * The policy in shared memory: the bytes of the versions in use, so that every process compiles the bytes that were
 * hashed; a slot for each process with a policy; and the request of the coordinator. One process at a time is the
 * coordinator. It writes its request to slots, marks them and wakes the policy thread of each process, which answers in
 * its slot.
 */

/* The bytes of one version, as sources_pack() gives them. Immutable, counted references. */
struct policy_blob {
    atomic_uint references;
    uint64_t hash, number;
    size_t size;
    char bytes[];
};

/* NULL: no memory. */
struct policy_blob *policy_blob_new(const struct sources *sources, uint64_t number);
void policy_blob_release(struct policy_blob *blob); /* NULL is fine */
/* 0, -ENOMEM, -EBADMSG. In the memory of ksr_host(). */
int policy_blob_read(const struct policy_blob *blob, struct sources **out);

/* The versions in use in every process. */
struct policy_use {
    struct policy_blob *active, *previous, *canary, *shadow;
    uint32_t canary_share; /* thousandths */
    uint64_t generation;   /* counted up at each change */
};

enum policy_order {
    ORDER_BUILD,     /* the candidate, from the blob */
    ORDER_HAND_OVER, /* hand the data that the active version saves to the candidate or the canary */
    ORDER_COMMIT,
    ORDER_ABORT,
    ORDER_ROLLBACK,
    ORDER_WITHDRAW,      /* the bytes with this hash */
    ORDER_WITHDRAW_PART, /* the same for a tenant's part */
    ORDER_PROMOTE,
    ORDER_END_TRIAL,
    ORDER_REPORT
};

struct policy_request {
    enum policy_order order;
    enum policy_place place;
    uint32_t canary_share;
    uint64_t number, hash;
    struct policy_blob *blob; /* each slot with a request has its own reference */
    bool remember;            /* ABORT: not to be tried again */
    char why[256];
};

enum { REPORT_SAMPLES = 4, REPORT_HISTORY = 64, WITHDRAWN_PARTS = 64 };

struct policy_count {
    uint64_t number, entries, failures;
};

/* The report of a process: the versions that it knows, and the result of the shadow. */
struct policy_report {
    size_t count;
    struct policy_count versions[REPORT_HISTORY];
    uint64_t agreements, differences;
    size_t sample_count;
    struct shadow_sample samples[REPORT_SAMPLES];
};

struct policy_slot {
    struct policy_slot *next;
    pid_t pid;
    int process; /* index of Kamailio's table of processes */
    bool leads;  /* handles RPC commands and no calls: tries a new version before the others */
    sem_t wake;
    atomic_int state;              /* idle, requested, or cancelled: nobody waits for the answer any longer */
    struct policy_request request; /* copy of the request */
    bool chosen, tries; /* for the coordinator: whether the process is chosen; whether it tries versions first */
    int result;         /* the result: 0, or a negative error with its reason */
    char error[512];
    struct policy_places places; /* after the answer */
    struct policy_report report; /* of ORDER_REPORT */
};

struct policy_share {
    gen_lock_t lock; /* protects `use` and the joining of processes; never held while waiting */
    atomic_int busy; /* pid of the coordinator; 0: there is none */
    sem_t answered;
    struct policy_use use;
    uint64_t last_number;
    struct store *store;                       /* sip.store of the site in every process */
    struct tenants tenants;                    /* and each tenant */
    uint64_t withdrawn_parts[WITHDRAWN_PARTS]; /* hashes, a ring; under the lock */
    size_t withdrawn_part_count;
    struct policy_slot *_Atomic slots;
    struct policy_request request; /* the coordinator's */
    size_t history_count;          /* result of ORDER_REPORT from the process that tries versions; newest first */
    struct policy_version history[REPORT_HISTORY];
};

/* In mod_init, with a store of `tenant_keys` entries for each tenant. NULL: no shared memory. */
struct policy_share *policy_share_new(const struct layer_options *layers, uint32_t tenant_keys);
void policy_share_delete(struct policy_share *share); /* NULL is fine */

/* The versions in use; their blobs are held. */
struct policy_use policy_use_hold(struct policy_share *share);
void policy_use_release(struct policy_use *use);

/* Parts of tenants that failed, for processes that start later. */
void policy_withdrawn_part_add(struct policy_share *share, uint64_t hash);
size_t policy_withdrawn_parts(struct policy_share *share, uint64_t hashes[WITHDRAWN_PARTS]);

/* --- a process's side --- */

/* NULL: no shared memory. */
struct policy_slot *policy_slot_new(bool leads);
/* Joins if the built versions are still in use. Returns false: build again. */
bool policy_slot_join(struct policy_share *share, struct policy_slot *slot, uint64_t generation);
/* Waits until woken, at most this long; 0: without limit. */
void policy_slot_wait(struct policy_slot *slot, uint32_t ms);
bool policy_slot_is_asked(struct policy_slot *slot); /* requested or cancelled, and not answered yet */
/* Returns false if nobody waits any longer and the change is not wanted: undo it, then report that. */
bool policy_slot_answer(struct policy_share *share, struct policy_slot *slot, int result);
void policy_slot_undone(struct policy_slot *slot);

/* --- the coordinator's side --- */

/* Becomes the coordinator. -EBUSY with a reason: there is another one; or, for a change, a process has not finished
   the last request. */
int policy_coordinate_begin(struct policy_share *share, bool to_change, char *error, size_t size);
void policy_coordinate_end(struct policy_share *share);

/* Chooses the processes: the leader; all but the leader; all; all but this one. Processes that have died or that owe
   an answer are left out. Returns their number. */
enum policy_choice { CHOOSE_LEADER, CHOOSE_OTHERS, CHOOSE_ALL, CHOOSE_ALL_BUT_ME };
size_t policy_choose(struct policy_share *share, enum policy_choice choice);

/* Sends share->request to the chosen processes and waits. Returns 0 if all succeeded, else the first error with
   process and reason. A process that does not answer in time is cancelled if the order can be undone; otherwise it
   follows late. */
int policy_ask(struct policy_share *share, uint32_t ms, char *error, size_t size);

/* Changes the versions in use: the blobs of *use are taken over, replaced ones are released. */
void policy_use_set(struct policy_share *share, struct policy_use use);

const char *policy_slot_name(const struct policy_slot *slot); /* "udp receiver child=0 ..." */
bool policy_slot_lives(const struct policy_slot *slot);

#endif
