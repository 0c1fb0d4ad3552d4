// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_BINDING_H
#define REFLOW_FLOW_BINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/text.h"

/*
 * The bindings of a registrar. With instance-id and reg-id, the key is (AOR, instance-id, reg-id), and the Contact URI
 * is only stored (5626-6.g). Otherwise the key is (AOR, Contact URI), RFC 3261 section 10.3. Both kinds can exist side
 * by side (5626-6.f). There is an index by AOR and one by flow, so that the bindings on a closed connection are found
 * without a scan, whatever their AOR (5626-7.f).
 *
 * Contact URIs are compared as binding_store_compare() says, and stored as given. All other texts are compared byte by
 * byte; the host passes canonical AORs.
 *
 * One thread at a time. All memory comes from the host's allocator. Without memory, a call returns -ENOMEM and changes
 * nothing.
 */

struct binding_store;
struct binding; /* one stored binding; a pointer to it is valid until that binding is replaced or removed */

/* The number of a flow, assigned by the host and never reused while it runs. 0: not on a known flow. */
typedef uint64_t flow_id;

enum binding_state {
    BINDING_ALIVE,
    BINDING_FLOW_GONE /* its flow has died and there is no other route: stored and listed, but never tried */
};

/* How requests reach the user agent of a binding, which determines the effect of the death of its flow (3261-10.a). */
enum binding_route {
    BINDING_BY_FLOW,       /* only over its flow */
    BINDING_BY_FLOW_FIRST, /* over its flow; when that is gone, by its Contact over a new connection */
    BINDING_BY_CONTACT /* by its Path or Contact: it has no flow, or its Contact is the address from which it registered
                        */
};

/* The values of a binding. Texts that were read from the store are valid as long as the struct binding is. */
struct binding_view {
    struct text aor;      /* canonical, "sip:bob@example.com" */
    struct text contact;  /* the URI without < >, as given */
    struct text instance; /* instance-id without quotes and < >, "urn:uuid:..."; empty: none */
    struct text path;     /* Path values in order, joined by ", "; empty: none */
    struct text call_id;
    struct text parameters; /* the other Contact parameters, ";name=value..."; empty: none */
    uint32_t reg_id;        /* 1 to 2^31-1 (5626-10.a); 0: plain */
    uint32_t cseq;
    uint32_t contact_key; /* that of struct contact_rules, in a view that was read; otherwise it is not used */
    uint16_t q;           /* thousandths, 0 to 1000 */
    uint8_t state;        /* enum binding_state */
    /* The transport of the flow on which the binding was made, numbered as in flow tokens (enum transport). It
       is kept when the flow is gone, and has no meaning for a binding without a flow. */
    uint8_t transport;
    uint8_t route;         /* enum binding_route */
    uint16_t socket;       /* the host's number of the own socket that the REGISTER came to; 0: not known */
    uint64_t source;       /* the host's number of the source that registered it; 0: a source without a limit */
    flow_id flow;          /* the flow on which it was made; 0: no flow of this server, or the flow is gone */
    int64_t expires_at;    /* wall seconds */
    int64_t registered_at; /* wall seconds of the last REGISTER */
};

struct binding_limits {
    uint32_t bindings_per_aor; /* 0: 32 */
    uint32_t bindings;         /* 0: no limit */
};

/* An event, reported to the listener while the binding is in the store. */
enum binding_event {
    BINDING_ADDED,
    BINDING_UPDATED, /* the new values are stored; BINDING_REPLACED was reported just before */
    BINDING_REMOVED, /* by the user agent, by a 430, by a new registration; BINDING_ADDED follows in place of the two
                        others if a plain binding gets a Contact of other bytes */
    BINDING_EXPIRED,
    BINDING_FLOW_DIED, /* removed because its flow died */
    BINDING_REPLACED   /* about to be updated; reports the old values, with the flow */
};

/* How Contact URIs are compared. URIs that are equal have the same key. */
struct contact_rules {
    uint32_t (*key)(struct text uri);
    bool (*equal)(struct text a, struct text b);
};

typedef void binding_listener(void *context, enum binding_event event, const struct binding *binding);

/* Returns 0 and sets *store, or returns -ENOMEM and leaves *store unchanged. The host must outlive the store. */
int binding_store_new(struct binding_store **store, const struct host *host, const struct binding_limits *limits);
void binding_store_delete(struct binding_store *store); /* store may be NULL; reports no events */

/* Sets the comparison of Contact URIs, as long as the store is empty. Without it, they are compared byte by byte. */
void binding_store_compare(struct binding_store *store, const struct contact_rules *rules);

/* Sets the only listener (persistence, flow bookkeeping). It must not change the store. */
void binding_store_listen(struct binding_store *store, binding_listener *listener, void *context);

/*
 * Adds a binding, or replaces the one with the same key; of several with an equal Contact, one that lives, and of those
 * the one with the same bytes. All texts are copied; the view may contain texts of the store
 * itself. `out` may be NULL. Returns 0, or -EINVAL (empty AOR or Contact, reg_id above 2^31-1, reg_id without instance,
 * q above 1000, unknown state or transport, a text above 65535 bytes), -ENOSPC (a limit), or -ENOMEM. On error the
 * store is unchanged and no event is reported. A replaced binding keeps its position among the bindings of its AOR. If
 * it had expired, BINDING_EXPIRED is reported for it and BINDING_ADDED for the new one, which is then the last.
 */
int binding_put(struct binding_store *store, const struct binding_view *view, const struct binding **out);
/* The same for a caller that has checked the limits itself, and whose changes may exceed them until the last one.
 *binding is the binding of the same AOR to replace, or NULL to look for one, and is set to the stored one. */
int binding_put_unlimited(struct binding_store *store, const struct binding_view *view, const struct binding **binding);

/* The bindings of an AOR, in order of (first) registration: call first, then next until it returns NULL. Expired
   bindings (expires_at not after the host's wall clock) are skipped. */
const struct binding *binding_first(const struct binding_store *store, struct text aor);
const struct binding *binding_next(const struct binding_store *store, const struct binding *binding);

/* The unexpired binding that a REGISTER with these values would replace, or NULL. If instance and reg_id are set, it
   is looked up by flow key, otherwise among the plain bindings: by Contact URI, then by instance (instance-a). */
const struct binding *binding_find(const struct binding_store *store, struct text aor, struct text contact,
                                   struct text instance, uint32_t reg_id);

/* The first binding on a flow, and the next one; NULL at the end. Expired bindings are included until
   binding_expire() removes them. If the first binding is NULL, the flow has no bindings left. */
const struct binding *binding_first_on_flow(const struct binding_store *store, flow_id flow);
const struct binding *binding_next_on_flow(const struct binding_store *store, const struct binding *binding);

void binding_read(const struct binding *binding, struct binding_view *view);

/* Removes one binding (5626-7.g), or all bindings of an AOR (returns their number). */
void binding_remove(struct binding_store *store, const struct binding *binding);
size_t binding_remove_aor(struct binding_store *store, struct text aor);

/*
 * Handles the death of a flow. Every binding on it is removed, whatever its AOR, with an event BINDING_FLOW_DIED; the
 * cost is proportional to their number (5626-7.f). If `closed` is true, the flow is gone permanently: bindings with
 * another route stay in the store without the flow (BINDING_REPLACED, then BINDING_UPDATED). If it is false, as after
 * an ICMP error, only bindings with a reg-id are removed, and the others keep the flow. Returns the number of removed
 * bindings.
 */
size_t binding_flow_died(struct binding_store *store, flow_id flow, bool closed);

/* Removes at most `most` bindings that have expired by the host's wall clock, and returns their number. Cheap if
   there are none: bindings are not scanned, but one that expires more than two hours ahead is examined once in two
   hours. */
size_t binding_expire(struct binding_store *store, size_t most);

size_t binding_count(const struct binding_store *store);
size_t binding_aor_count(const struct binding_store *store);
size_t binding_flow_count(const struct binding_store *store);

/* Calls visit for every binding, in no particular order, until it returns false. visit must not change the store. */
void binding_each(const struct binding_store *store, bool (*visit)(void *context, const struct binding *binding),
                  void *context);

#endif
