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
 * The target set of one request (RFC 3261 16.5, 16.6; RFC 5626 section 7): URIs in q classes, highest first; of an
 * instance never two flows at the same time (5626-7.a); an instance that answered is never tried again (5626-7.c),
 * not in another class and not when it is added again; each URI at most once (3261-16.7.i), except that instances may
 * share one Contact URI over different flows or Paths (an instance's two flows), and plain targets over different flows
 * (two phones behind NATs of their own).
 *
 * An instance is told by its instance-id alone here: a phone that serves two AORs would take the second copy of a
 * request for a merged one (482). What replaces a failed flow (target_next_flow) has the same AOR besides. URIs are
 * compared byte by byte, canonical texts as in the binding store.
 *
 * Plain targets (no instance) are each their own. Among an instance's untried flows the one with the highest q is
 * taken first, then the most recently registered (5626 section 7).
 */

struct target_set;

enum target_status {
    TARGET_UNTRIED,
    TARGET_PENDING,  /* taken; the branch waits */
    TARGET_FAILED,   /* this flow failed (430, dead, timeout that permits another flow) */
    TARGET_ANSWERED, /* a final response that ends the instance (or the plain target) */
    TARGET_SKIPPED   /* never to be used: its instance has answered */
};

/* The texts are copies that live as long as the set. */
struct target {
    struct text uri;      /* Request-URI to use */
    struct text path;     /* Route values to preload, joined by ", "; empty: none */
    struct text instance; /* empty: plain */
    struct text aor;      /* whose binding; empty: not from a binding */
    uint32_t reg_id;
    uint16_t q;
    bool by_policy; /* the policy named the URI, and nobody else did */
    uint8_t status; /* enum target_status */
    flow_id flow;   /* 0: resolve the URI */
    int64_t registered_at;
};

enum { TARGETS_MOST = 64 };

int target_set_new(struct target_set **set, const struct host *host);
void target_set_delete(struct target_set *set);

/* Add one. 0; -EALREADY where the rules above forbid it (URI known, instance answered): nothing is added and nothing
   need be done; -ENOSPC past TARGETS_MOST; -ENOMEM. `status` of the argument is ignored. */
int target_add(struct target_set *set, const struct target *target);

/* Add every living binding of an AOR (expired ones and BINDING_FLOW_GONE are not); returns how many were added, or a
   negative error of which none but -ENOSPC leaves targets added. */
int target_add_aor(struct target_set *set, const struct binding_store *store, struct text aor);

/* The same for those bindings alone that have the AOR and the instance-id of `target`, a member of the set: flows that
   the instance has registered since it was added. 0 where it has no instance-id or does not come from a binding. */
int target_add_flows(struct target_set *set, const struct binding_store *store, const struct target *target);

/* Whether target_add() would refuse it with -EALREADY. */
bool target_is_known(const struct target_set *set, const struct target *target);

/*
 * The next target that may be tried now, marked pending: of the highest q class that has untried ones, skipping
 * instances that have a pending branch or have answered. NULL where there is none. A lower class is opened only when
 * `open_class` is true: pass false to go on filling the current class (parallel forking), true when no branch is
 * pending any more, or when the policy wants the next one beside those that ring. The first call opens the highest
 * class in any case; a target of a higher class than the current one may always be returned.
 */
struct target *target_next(struct target_set *set, bool open_class);

/* Another flow of the same instance, marked pending, `failed` becoming TARGET_FAILED (5626-7.b). NULL where none is
   left (or `failed` is plain, or its instance has answered); `failed` is marked all the same. Any q class. */
struct target *target_next_flow(struct target_set *set, struct target *failed);

/* A final response that ends the instance: the target is answered, its instance's untried flows are skipped
   (5626-7.c). Stands against a later target_failed. */
void target_answered(struct target_set *set, struct target *target);

/* This branch failed for good without ending its instance. */
void target_failed(struct target_set *set, struct target *target);

/* A flow died: its untried targets are failed, so that they are never tried. Pending ones are the caller's to fail. */
void target_flow_died(struct target_set *set, flow_id flow);

/* For struct facts and struct state. The first: what target_next_flow could still return. The second: untried and
   permitted now, instances counted once; an instance with a pending branch is not among them. */
unsigned target_flows_left(const struct target_set *set, const struct target *target);
unsigned target_targets_left(const struct target_set *set);
unsigned target_pending(const struct target_set *set);
/* Of those, how many are of the open class or above it: what target_next() would give without opening another. */
unsigned target_class_left(const struct target_set *set);
bool target_instance_answered(const struct target_set *set, struct text instance);

size_t target_count(const struct target_set *set);
struct target *target_at(struct target_set *set, size_t index); /* NULL past the end; in the order of adding */

#endif
