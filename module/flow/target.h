// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_TARGET_H
#define REFLOW_FLOW_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/text.h"
#include "flow/binding.h"

/*
 * The target set of one request (RFC 3261 16.5, 16.6; RFC 5626 section 7). It has URIs in q classes, highest first.
 * - An instance is never called over two flows at the same time (5626-7.a).
 * - An instance that has answered is never tried again (5626-7.c), not in another class and not if it is added again.
 * - Each URI is tried at most once (3261-16.7.i). But the flows or Paths of one instance may share a Contact URI, and
 *   so may plain targets on different flows (two phones, each behind a NAT of its own).
 *
 * An instance is identified by its instance-id only, whatever the AOR: a phone that serves two AORs would answer the
 * second copy of a request with 482 (merged request). The replacement of a failed flow (target_next_flow) must also
 * have the same AOR. URIs are compared byte by byte.
 *
 * Every plain target (without instance-id) counts by itself. Of the untried flows of an instance, the one with the
 * highest q is taken first, then the one registered most recently (5626 section 7).
 *
 * A target whose destination was silent a short time ago is tried after all others, whatever its q, because it would
 * delay them by the time of a whole timer. Where none would be delayed, it is still called together with its class.
 */

struct target_set;

enum target_status {
    TARGET_UNTRIED,
    TARGET_PENDING,  /* in use; its branch waits for a response */
    TARGET_FAILED,   /* this flow failed (430, dead, timeout that permits another flow) */
    TARGET_ANSWERED, /* a final response that ends the instance (or the plain target) */
    TARGET_SKIPPED   /* never used, because its instance has answered */
};

/* The texts are copies that are valid as long as the set. */
struct target {
    struct text uri;      /* Request-URI to use */
    struct text path;     /* Route values to preload, joined by ", "; empty: none */
    struct text instance; /* empty: plain */
    struct text aor;      /* the AOR of the binding; empty: not from a binding */
    uint32_t reg_id;
    uint16_t q;
    int16_t lift;   /* added to q where classes are compared: see target_lift() */
    bool by_policy; /* only the policy named this URI */
    bool silent;    /* its destination did not answer a short time ago (3263-4.3.b); may change while it is untried */
    uint8_t status; /* enum target_status */
    flow_id flow;   /* 0: resolve the URI */
    int64_t registered_at;
};

enum { TARGETS_MOST = 64 };

int target_set_new(struct target_set **set, const struct host *host);
void target_set_delete(struct target_set *set);

/* Bindings of the AOR on this flow are not added from now on: a request must not return to the user agent that sent it.
   The text is copied. Returns 0 or -ENOMEM. */
int target_leave_out(struct target_set *set, struct text aor, flow_id flow);
/* Returns whether a binding was left out, and no target was added. */
bool target_only_sender(const struct target_set *set);

/* Adds a target. Returns 0; -EALREADY if the rules above forbid it (URI known, instance answered), which needs no
   handling; -ENOSPC beyond TARGETS_MOST; or -ENOMEM. On error nothing is added. `status` of the argument is ignored. */
int target_add(struct target_set *set, const struct target *target);

/* The lift with which targets of this q belong to the class that is open; 0: none is. For a second AOR whose bindings
   ring together with those of the first, because a q compares only the bindings of one AOR. */
int target_lift(const struct target_set *set, uint16_t q);

/* Adds every binding of an AOR that has not expired and is not BINDING_FLOW_GONE. Returns the number of added
   targets, or a negative error; only after -ENOSPC may some targets have been added. */
int target_add_aor(struct target_set *set, const struct binding_store *store, struct text aor);

/* The same, but only for bindings with the AOR and the instance-id of `target`, a member of the set: flows that the
   instance has registered since `target` was added. Returns 0 if `target` has no instance-id or does not come from a
   binding. */
int target_add_flows(struct target_set *set, const struct binding_store *store, const struct target *target);

/* Returns whether target_add() would return -EALREADY. */
bool target_is_known(const struct target_set *set, const struct target *target);

/*
 * Returns the next target to try, marked as pending, or NULL. It belongs to the highest q class with untried targets;
 * instances that have a pending branch or have answered are skipped. A lower class is opened only if `open_class` is
 * true: pass false to fill the current class (parallel forking), and true if no branch is pending or if the policy
 * wants another target in addition to the pending ones. The first call opens the highest class in any case. A target of
 * a higher class than the current one may always be returned. A silent target opens a class of its own below all
 * others, except if it has the q of the current class and no other target is left.
 */
struct target *target_next(struct target_set *set, bool open_class);

/* Marks `failed` as TARGET_FAILED and returns another flow of its instance, in any q class, marked as pending
   (5626-7.b). Returns NULL if none is left, if `failed` is plain, or if its instance has answered. */
struct target *target_next_flow(struct target_set *set, struct target *failed);

/* Marks the target as answered by a final response that ends the instance; the untried flows of the instance are
   skipped (5626-7.c). A later target_failed() does not change this. */
void target_answered(struct target_set *set, struct target *target);

/* Marks the target as failed without ending its instance. */
void target_failed(struct target_set *set, struct target *target);

/* Marks all untried targets on a dead flow as failed. The caller fails the pending ones. */
void target_flow_died(struct target_set *set, flow_id flow);

/* Marks every untried target as skipped. */
void target_skip_untried(struct target_set *set);

/* For struct facts and struct state. The first is the number of flows that target_next_flow() could still return.
   The second is the number of untried targets that are permitted now; each instance counts once, and an instance
   with a pending branch does not count. */
unsigned target_flows_left(const struct target_set *set, const struct target *target);
unsigned target_targets_left(const struct target_set *set);
/* How many of these belong to the open class or above it, so that target_next() returns them without opening another
   class. */
unsigned target_class_left(const struct target_set *set);
bool target_instance_answered(const struct target_set *set, struct text instance);

size_t target_count(const struct target_set *set);
struct target *target_at(struct target_set *set, size_t index); /* NULL past the end; in the order of adding */

#endif
