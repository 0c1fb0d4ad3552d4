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
 * What all processes know of the policy, in shared memory: the very bytes of the versions in use, so that what was
 * hashed is what each of them compiles; a slot for each process that has a policy; and what one of them, the
 * coordinator, asks of the others. There is one coordinator at a time. It puts its request into slots, marks them as
 * asked and wakes the threads beside them; each answers in its slot.
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

/* What is in use in every process. */
struct policy_use {
    struct policy_blob *active, *previous, *canary, *shadow;
    uint32_t canary_share; /* thousandths */
    uint64_t generation;   /* counted up at each change */
};

enum policy_order {
    ORDER_BUILD,     /* the candidate, from the blob */
    ORDER_HAND_OVER, /* what the active version saves, to the candidate or the canary */
    ORDER_COMMIT,
    ORDER_ABORT,
    ORDER_ROLLBACK,
    ORDER_WITHDRAW,      /* the bytes with this hash */
    ORDER_WITHDRAW_PART, /* likewise a tenant's part */
    ORDER_PROMOTE,
    ORDER_END_TRIAL,
    ORDER_REPORT
};

struct policy_request {
    enum policy_order order;
    enum policy_place place;
    uint32_t canary_share;
    uint64_t number, hash;
    struct policy_blob *blob; /* each slot that is asked has a reference of its own */
    bool remember;            /* ABORT: not to be tried again */
    char why[256];
};

enum { REPORT_SAMPLES = 4, REPORT_HISTORY = 64, WITHDRAWN_PARTS = 64 };

struct policy_count {
    uint64_t number, entries, failures;
};

/* What a process tells of its policy: of each version that it knows, and how the shadow compares. */
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
    bool leads;  /* takes RPC commands, and no calls: tries a new version before the others */
    sem_t wake;
    atomic_int state;              /* idle, asked, or cancelled: nobody waits for the answer any more */
    struct policy_request request; /* as it was when it was asked */
    bool chosen, tries;            /* the coordinator's: who is asked; who tries a version first */
    int result;                    /* the answer: 0 or a negative error with its reason */
    char error[512];
    struct policy_places places; /* after the answer */
    struct policy_report report; /* of ORDER_REPORT */
};

struct policy_share {
    gen_lock_t lock; /* of `use` and of who joins; never held while anything is waited for */
    atomic_int busy; /* pid of the coordinator; 0: there is none */
    sem_t answered;
    struct policy_use use;
    uint64_t last_number;
    struct store *store;                       /* what sip.store gives the site in every process */
    struct tenants tenants;                    /* and each tenant */
    uint64_t withdrawn_parts[WITHDRAWN_PARTS]; /* hashes, a ring; under the lock */
    size_t withdrawn_part_count;
    struct policy_slot *_Atomic slots;
    struct policy_request request; /* the coordinator's */
    size_t history_count;          /* of ORDER_REPORT, by the process that tries; newest first */
    struct policy_version history[REPORT_HISTORY];
};

/* In mod_init, with a store of `tenant_keys` entries for each tenant. NULL: no shared memory. */
struct policy_share *policy_share_new(const struct layer_options *layers, uint32_t tenant_keys);
void policy_share_delete(struct policy_share *share); /* NULL is fine */

/* What is in use now; its blobs are held. */
struct policy_use policy_use_hold(struct policy_share *share);
void policy_use_release(struct policy_use *use);

/* Parts of tenants that failed, for processes that start later. */
void policy_withdrawn_part_add(struct policy_share *share, uint64_t hash);
size_t policy_withdrawn_parts(struct policy_share *share, uint64_t hashes[WITHDRAWN_PARTS]);

/* --- a process's side --- */

/* NULL: no shared memory. */
struct policy_slot *policy_slot_new(bool leads);
/* Take part from now on: what was built is still what is in use. False: build again. */
bool policy_slot_join(struct policy_share *share, struct policy_slot *slot, uint64_t generation);
/* Waits until it is woken, at most that long; 0: for ever. */
void policy_slot_wait(struct policy_slot *slot, uint32_t ms);
bool policy_slot_is_asked(struct policy_slot *slot); /* or cancelled, and not answered yet */
/* False: nobody waits any more, and what was asked for is not wanted: undo it, then say so. */
bool policy_slot_answer(struct policy_share *share, struct policy_slot *slot, int result);
void policy_slot_undone(struct policy_slot *slot);

/* --- the coordinator's side --- */

/* -EBUSY with a reason: another one is at work; or, where something shall change, a process is not through with the
   last request. */
int policy_coordinate_begin(struct policy_share *share, bool to_change, char *error, size_t size);
void policy_coordinate_end(struct policy_share *share);

/* Who is asked: the leader; all but the leader; all; all but this process. Processes that have died are not, nor those
   that owe an answer. Returns how many. */
enum policy_choice { CHOOSE_LEADER, CHOOSE_OTHERS, CHOOSE_ALL, CHOOSE_ALL_BUT_ME };
size_t policy_choose(struct policy_share *share, enum policy_choice choice);

/* Ask the chosen for what share->request says, and wait. 0 where all did it; else the first error with process and
   reason. Who does not answer in time is cancelled where the order can be undone, and does it late where it can't. */
int policy_ask(struct policy_share *share, uint32_t ms, char *error, size_t size);

/* Change what is in use: *use's blobs are taken over, those that go are released. */
void policy_use_set(struct policy_share *share, struct policy_use use);

const char *policy_slot_name(const struct policy_slot *slot); /* "udp receiver child=0 ..." */
bool policy_slot_lives(const struct policy_slot *slot);

#endif
