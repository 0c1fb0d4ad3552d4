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
    /* Called when a version goes into use, to keep its files as the last good ones. May be NULL. Borrowed. */
    void (*keep)(void *context, struct sources *sources);
    void *keep_context;
    /* Why a version with a hook for credentials is refused, in a host that never calls it; NULL: it is not. */
    const char *no_credentials;
    /* Each part of a version, the site's and every tenant's, is judged separately: failures of a tenant revert only
       that tenant's part, failures of the site the whole version. */
    uint32_t rollback_window; /* number of entries in the window of automatic rollback; 0: 100 */
    uint32_t rollback_share;  /* thousandths of them that may fail before the previous version is used; 0: 200 */
};

struct policy_version {
    uint64_t number; /* numbered from 1 in this process */
    uint64_t hash;
    int64_t loaded_at; /* wall seconds */
    uint64_t entries, failures;
    char state[16]; /* "active", "previous", "canary", "shadow", "failed", "retired" */
    char why[200];  /* of a failure or rollback */
};

/* The references of a call. All zero: none. */
struct policy_hold {
    struct policy *policy;
    struct script *script; /* NULL: no script, the core decides */
    struct script *shadow;
    uint64_t version; /* its number */
    uint64_t hash;    /* of its bytes */
};

/* The differences of a shadow, by hook, code and kind. */
struct shadow_sample {
    uint8_t hook;
    uint16_t code;
    char active[48], shadow[48]; /* verdicts as words: "relay sip:vm@media", "default", "error" */
    char call_id[64];
};

int policy_new(struct policy **out, const struct policy_config *config);
void policy_delete(struct policy *policy); /* policy may be NULL; no call may hold a reference */

/*
 * Builds a version from sources that were read, without using it. A version with the hash of one that failed is refused
 * without being run (-EALREADY, with the reason of that failure); one with the hash of the active version gives
 * -EEXIST. 0: the version waits for commit or abort. Other errors as in script_new(). Saved data is carried over at
 * commit; if the version refuses the data, it is not committed.
 */
int policy_prepare(struct policy *policy, struct sources *sources, char *error, size_t error_size);

/*
 * The same in three steps, for hosts that build on another thread so that no call waits: begin and end belong to the
 * policy's thread, run to any thread. In between, the policy can be used as usual; only one build at a time. The host's
 * allocator, log, clocks and random source must be usable from two threads.
 */
struct policy_build;
int policy_build_begin(struct policy_build **out, struct policy *policy, struct sources *sources, char *error,
                       size_t error_size);
/* For the shadow: built without effect, so that commit need not build it again. To be called before run. */
void policy_build_as_shadow(struct policy_build *build);
void policy_build_run(struct policy_build *build);
int policy_build_end(struct policy_build *build, char *error, size_t error_size); /* frees it */

/* Does in advance what can fail in commit and promotion: the data that the active script saves is handed to the
   candidate, or to the canary if none was prepared. After 0, commit and promotion cannot fail. For hosts in which
   several workers must commit together. */
int policy_hand_over(struct policy *policy, char *error, size_t error_size);

int policy_commit(struct policy *policy, enum policy_place place, uint32_t canary_share, char *error,
                  size_t error_size);
void policy_abort(struct policy *policy, const char *why, bool remember);

/* Makes a script active that was built elsewhere, by a tool or a test. On success the reference is taken over.
   Returns 0 or -ENOMEM. */
int policy_use(struct policy *policy, struct script *script);

/* Returns to the previous version at once. `remember`: the bytes of the version that is left are not tried again.
   -ENOENT if there is none. */
int policy_rollback(struct policy *policy, const char *why, bool remember);
/* Reports that the bytes with this hash failed in another worker. If they are in use here, they are withdrawn as by
   rollback or by the end of the trial. They are not tried again. */
void policy_withdraw(struct policy *policy, uint64_t hash, const char *why);
/* Reports that a tenant's part, identified by the hash of its bytes, failed in another worker. If it is in use here,
   that tenant gets its previous part; the others keep theirs. These bytes are not tried again. */
void policy_withdraw_part(struct policy *policy, uint64_t hash, const char *why);

/* The withdrawn parts, counted from 0; the last 64 are known. Returns false if no part has this number. */
struct policy_withdrawal {
    uint64_t hash;
    bool own;         /* because of failures counted here; otherwise by policy_withdraw_part() */
    char tenant[128]; /* "": not in use here */
    char why[200];
};
bool policy_withdrawal(const struct policy *policy, uint64_t number, struct policy_withdrawal *out);
uint64_t policy_withdrawals(const struct policy *policy);

/* The sources that are active; for each tenant, those of its current part. Returns 0 and *out with a reference,
   -ENOENT, or -ENOMEM. */
int policy_good_sources(const struct policy *policy, struct sources **out);

/* Ends the canary or the shadow: makes it active, or drops it. -ENOENT. */
int policy_promote(struct policy *policy, char *error, size_t error_size);
int policy_end_trial(struct policy *policy, enum policy_place place);

/* Chooses the version for a new call by the hash of its Call-ID, so that retransmissions and dialogs use the same
   one. Release it when the call ends. */
void policy_take(struct policy *policy, struct text call_id, struct policy_hold *hold);
/* For a call that began in another worker with the version of this hash: that version if it is still in use here,
   else the active one. */
void policy_take_version(struct policy *policy, uint64_t hash, struct policy_hold *hold);
void policy_release(struct policy_hold *hold);
bool policy_has_hook(const struct policy_hold *hold, enum hook hook);
bool policy_hears_response(const struct policy_hold *hold, const struct facts *facts);

/* As script_on_*(). In addition they ask the previous version if a failed hook says so, run the shadow and compare,
   and count the failures for automatic rollback. */
enum script_outcome policy_on_request(struct policy_hold *hold, const struct script_call *call,
                                      struct script_verdict *verdict);
enum script_outcome policy_on_register(struct policy_hold *hold, const struct script_call *call,
                                       struct script_verdict *verdict);
enum script_outcome policy_on_response(struct policy_hold *hold, const struct script_call *call,
                                       const struct script_reply *reply, const struct decision *decision,
                                       struct script_verdict *verdict);
/* As script_on_credentials(). It belongs to no call, so the active version is asked, and neither canary nor shadow. */
enum script_outcome policy_on_credentials(struct policy *policy, const struct script_credentials *credentials,
                                          char ha1[DIGEST_HEX_MOST]);
enum script_outcome policy_on_exhausted(struct policy_hold *hold, const struct script_call *call,
                                        const struct script_reply *best, struct script_verdict *verdict);
/* Returns whether the active version has a hook of this kind: only the active version gets flow_up and flow_down. */
bool policy_hears(const struct policy *policy, enum hook hook);
/* Returns whether any version that a call may use has such a hook, including the shadow. */
bool policy_may_hear(const struct policy *policy, enum hook hook);
void policy_on_flow(struct policy *policy, enum hook hook, const struct script_flow *flow);

/* Rebuilds parts that ran out of memory, expires entries of the store, and collects garbage. Hosts call it when
   idle. */
void policy_idle(struct policy *policy);

/* The hashes of the versions in use; 0: none. */
struct policy_places {
    uint64_t active, previous, canary, shadow;
};
struct policy_places policy_places(const struct policy *policy);

/* Sets the number of the next version that is prepared; later ones count up from it. For hosts whose workers must
   use the same numbers. */
void policy_number_next(struct policy *policy, uint64_t number);

/* Newest first; returns the number of entries written. */
size_t policy_history(const struct policy *policy, struct policy_version *versions, size_t most);
uint32_t policy_canary_share(const struct policy *policy); /* thousandths */
uint64_t policy_agreements(const struct policy *policy);
uint64_t policy_differences(const struct policy *policy);
size_t policy_samples(const struct policy *policy, struct shadow_sample *samples, size_t most);
struct script *policy_active(const struct policy *policy);

#endif
