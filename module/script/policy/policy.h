// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_POLICY_H
#define REFLOW_SCRIPT_POLICY_H

#include "script/engine/engine.h"
#include "script/sources/sources.h"
#include "script/store/store.h"

/*
 * The versions of a policy in one worker: the active one, the one before it (kept warm), a canary for a share of calls,
 * a shadow that decides without effect. A call holds what it began with. Reloading has steps, so that several workers
 * take a version in use all or none: policy_prepare() in each, then policy_commit() in all or policy_abort().
 * One thread.
 */

struct policy;

enum policy_place { PLACE_ACTIVE, PLACE_CANARY, PLACE_SHADOW };

struct policy_config {
    const struct host *host;
    struct script_limits limits;
    struct store *store;           /* of the site, shared by all versions; NULL: none */
    const struct tenants *tenants; /* the stores of tenants, likewise */
    /* A version is in use from now on: keep its files as the last good ones. NULL: nobody does. Borrowed. */
    void (*keep)(void *context, struct sources *sources);
    void *keep_context;
    /* Each part of a version, the site's and every tenant's, is looked at by itself: a tenant's failures take back that
       tenant's part alone, the site's the whole version. */
    uint32_t rollback_window; /* entries looked at for automatic rollback; 0: 100 */
    uint32_t rollback_share;  /* thousandths of them that may fail; past it the version before is taken; 0: 200 */
};

struct policy_version {
    uint64_t number; /* counted up from 1 in this process */
    uint64_t hash;
    int64_t loaded_at; /* wall seconds */
    uint64_t entries, failures;
    char state[16]; /* "active", "previous", "canary", "shadow", "failed", "retired" */
    char why[200];  /* of a failure or rollback */
};

/* What a call holds. Zeroed it holds nothing. */
struct policy_hold {
    struct policy *policy;
    struct script *script; /* NULL: no script, the core decides */
    struct script *shadow;
    uint64_t version; /* its number */
    uint64_t hash;    /* of its bytes */
};

/* How a shadow compares: by hook, code and kind of difference. */
struct shadow_sample {
    uint8_t hook;
    uint16_t code;
    char active[48], shadow[48]; /* verdicts as words: "relay sip:vm@media", "default", "error" */
    char call_id[64];
};

int policy_new(struct policy **out, const struct policy_config *config);
void policy_delete(struct policy *policy); /* NULL is fine; no call may hold anything any more */

/*
 * Build a version aside from what was read. A version whose hash is that of one that failed is refused without being
 * run (-EALREADY with the reason it failed for), one whose hash is the active one's is -EEXIST. 0: it waits for
 * commit or abort. Otherwise as script_new(). What the script saves itself is carried over at commit; where it refuses
 * that, the commit is not made.
 */
int policy_prepare(struct policy *policy, struct sources *sources, char *error, size_t error_size);

/*
 * The same in three steps, for hosts that build on another thread, so that no call waits for a compiler or a greedy
 * script: begin and end belong to the policy's thread, run to any. Between them the policy is used as ever; one build
 * at a time. The host's allocator, log, clocks and random numbers must bear two threads.
 */
struct policy_build;
int policy_build_begin(struct policy_build **out, struct policy *policy, struct sources *sources, char *error,
                       size_t error_size);
/* For the shadow: built without effect, so that commit need not build again. Before run. */
void policy_build_as_shadow(struct policy_build *build);
void policy_build_run(struct policy_build *build);
int policy_build_end(struct policy_build *build, char *error, size_t error_size); /* frees it */

/* What commit and promotion may fail at, ahead of them: what the active script saves goes to the candidate, or where
   none was prepared to the canary. After 0 they hand over nothing more, and don't fail: for hosts in which many commit
   all or none. */
int policy_hand_over(struct policy *policy, char *error, size_t error_size);

int policy_commit(struct policy *policy, enum policy_place place, uint32_t canary_share, char *error,
                  size_t error_size);
void policy_abort(struct policy *policy, const char *why, bool remember);

/* A script that was built elsewhere, by a tool or a test, is active from now on. The reference is taken over on
   success. 0 or -ENOMEM. */
int policy_use(struct policy *policy, struct script *script);

/* Take the version before, at once; `remember`: the bytes of the one that goes are not tried again. -ENOENT where there
   is none. */
int policy_rollback(struct policy *policy, const char *why, bool remember);
/* The bytes with this hash failed elsewhere: wherever they are in use they go, as by rollback or the end of the trial,
   and they are not tried again. */
void policy_withdraw(struct policy *policy, uint64_t hash, const char *why);
/* A tenant's part, by the hash of its bytes, failed elsewhere: wherever it is in use that tenant gets the part that it
   had before, the others keep theirs, and these bytes are not tried again. */
void policy_withdraw_part(struct policy *policy, uint64_t hash, const char *why);

/* The parts that were withdrawn, counted from 0; the last 64 are known. False: no part has this number. */
struct policy_withdrawal {
    uint64_t hash;
    bool own;         /* for failures counted here; else by policy_withdraw_part() */
    char tenant[128]; /* "": not in use here */
    char why[200];
};
bool policy_withdrawal(const struct policy *policy, uint64_t number, struct policy_withdrawal *out);
uint64_t policy_withdrawals(const struct policy *policy);

/* The sources of what is active, of each tenant those of the part that it has. 0 and *out with a reference; -ENOENT,
   -ENOMEM. */
int policy_good_sources(const struct policy *policy, struct sources **out);

/* End the canary or the shadow: promote it to active, or drop it. -ENOENT. */
int policy_promote(struct policy *policy, char *error, size_t error_size);
int policy_end_trial(struct policy *policy, enum policy_place place);

/* For a new call: by hash of its Call-ID, so that retransmissions and dialogs stay together. Release when it ends. */
void policy_take(struct policy *policy, struct text call_id, struct policy_hold *hold);
/* For a call that began elsewhere, with the version whose bytes have this hash: that one where it is still in use here,
   else the active one. */
void policy_take_version(struct policy *policy, uint64_t hash, struct policy_hold *hold);
void policy_release(struct policy_hold *hold);
bool policy_has_hook(const struct policy_hold *hold, enum hook hook);
bool policy_hears_response(const struct policy_hold *hold, const struct facts *facts);

/* As script_on_*(); they also ask the version before where a hook that failed says so, run the shadow and compare, and
   count what automatic rollback looks at. */
enum script_outcome policy_on_request(struct policy_hold *hold, const struct script_call *call,
                                      struct script_verdict *verdict);
enum script_outcome policy_on_register(struct policy_hold *hold, const struct script_call *call,
                                       struct script_verdict *verdict);
enum script_outcome policy_on_response(struct policy_hold *hold, const struct script_call *call,
                                       const struct script_reply *reply, const struct decision *decision,
                                       struct script_verdict *verdict);
enum script_outcome policy_on_exhausted(struct policy_hold *hold, const struct script_call *call,
                                        const struct script_reply *best, struct script_verdict *verdict);
/* Whether the active version has a hook of this kind: flow_up and flow_down are told to it alone. */
bool policy_hears(const struct policy *policy, enum hook hook);
/* Whether any version has one that a call may be given, the shadow included. */
bool policy_may_hear(const struct policy *policy, enum hook hook);
void policy_on_flow(struct policy *policy, enum hook hook, const struct script_flow *flow);

/* Rebuild what ran out of memory, expire the store, collect garbage; hosts call it when idle. */
void policy_idle(struct policy *policy);

/* The hashes of what is in use; 0: nothing. */
struct policy_places {
    uint64_t active, previous, canary, shadow;
};
struct policy_places policy_places(const struct policy *policy);

/* The number of the next version that is prepared; those after it count up from there. For hosts where many agree on
   numbers. */
void policy_number_next(struct policy *policy, uint64_t number);

/* Newest first; returns how many were filled. */
size_t policy_history(const struct policy *policy, struct policy_version *versions, size_t most);
uint32_t policy_canary_share(const struct policy *policy); /* thousandths */
uint64_t policy_agreements(const struct policy *policy);
uint64_t policy_differences(const struct policy *policy);
size_t policy_samples(const struct policy *policy, struct shadow_sample *samples, size_t most);
struct script *policy_active(const struct policy *policy);

#endif
