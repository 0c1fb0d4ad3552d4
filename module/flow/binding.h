// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_BINDING_H
#define REFLOW_FLOW_BINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/text.h"

/*
 * The bindings of a registrar: an AOR's Contacts. With instance-id and reg-id the key is (AOR, instance-id, reg-id)
 * and the Contact URI is only kept (5626-6.g); otherwise it is (AOR, Contact URI), RFC 3261 section 10.3. Both kinds
 * live side by side (5626-6.f). Indexed by AOR, and by flow, so that a closed connection finds its bindings of any AOR
 * without a scan (5626-7.f).
 *
 * Texts are compared byte by byte: the host hands over canonical AORs and Contact URIs, so that URIs which are equal by
 * RFC 3261 section 19.1.4 are equal texts.
 *
 * One thread at a time. All memory comes from the host's allocator; when it runs out, a call fails with -ENOMEM and
 * changes nothing.
 */

struct binding_store;
struct binding; /* one stored binding; a pointer to it is good until the next call that changes the store */

/* A flow's number: given by the host, never reused while it runs. 0: not on a known flow. */
typedef uint64_t flow_id;

enum binding_state {
    BINDING_ALIVE,
    BINDING_FLOW_GONE /* its flow has died, and there is no other route: known, listed, never tried */
};

/* How requests reach the user agent of a binding, and so what the death of its flow means (3261-10.a). */
enum binding_route {
    BINDING_BY_FLOW,       /* over its flow alone */
    BINDING_BY_FLOW_FIRST, /* over its flow; by its Contact, over a new connection, once that flow is gone */
    BINDING_BY_CONTACT     /* by its Path or Contact: it has no flow, or the Contact is the address it came from */
};

/* A binding in plain view. Texts read from the store are good as long as the struct binding is. */
struct binding_view {
    struct text aor;      /* canonical, "sip:bob@example.com" */
    struct text contact;  /* the URI without < > */
    struct text instance; /* instance-id without quotes and < >, "urn:uuid:..."; empty: none */
    struct text path;     /* Path values in order, joined by ", "; empty: none */
    struct text call_id;
    struct text parameters; /* the other Contact parameters, ";name=value..."; empty: none */
    uint32_t reg_id;        /* 1 to 2^31-1 (5626-10.a); 0: plain */
    uint32_t cseq;
    uint16_t q;    /* thousandths, 0 to 1000 */
    uint8_t state; /* enum binding_state */
    /* The transport of the flow on which the binding was made, numbered as in flow tokens (enum token_transport). It is
       kept when the flow is gone, and has no meaning for a binding that is alive and has no flow. */
    uint8_t transport;
    uint8_t route;         /* enum binding_route */
    uint64_t source;       /* the host's number of who registered it; 0: nobody who has a limit */
    flow_id flow;          /* on which it was made; 0: none of ours, or it is gone */
    int64_t expires_at;    /* wall seconds */
    int64_t registered_at; /* wall seconds of the last REGISTER */
};

struct binding_limits {
    uint32_t bindings_per_aor; /* 0: 32 */
    uint32_t bindings;         /* 0: no limit */
};

/* What happened to a binding, told to the listener while the binding still (or already) stands. */
enum binding_event {
    BINDING_ADDED,
    BINDING_UPDATED, /* the new binding stands; BINDING_REPLACED came just before */
    BINDING_REMOVED, /* by the user agent, by a 430, by a new registration */
    BINDING_EXPIRED,
    BINDING_FLOW_DIED, /* removed because its flow died */
    BINDING_REPLACED   /* about to be updated: tells the old values, its flow among them */
};

typedef void binding_listener(void *context, enum binding_event event, const struct binding *binding);

/* On success *store is set and 0 returned; else -ENOMEM and *store is untouched. The host must outlive the store. */
int binding_store_new(struct binding_store **store, const struct host *host, const struct binding_limits *limits);
void binding_store_delete(struct binding_store *store); /* NULL is fine; tells no events */

/* One listener (persistence, flow bookkeeping); it must not change the store. */
void binding_store_listen(struct binding_store *store, binding_listener *listener, void *context);

/*
 * Add or replace by key. Every text is copied; the view may hold texts of the store itself. Errors: -EINVAL (empty AOR
 * or Contact, reg_id above 2^31-1, reg_id without instance, q above 1000, unknown state or transport, a text above
 * 65535 bytes), -ENOSPC (a limit), -ENOMEM. On error nothing has changed and nobody has been told. A binding that is
 * replaced keeps its place in the order of its AOR; one that had expired is told as BINDING_EXPIRED and the new one as
 * BINDING_ADDED, at the end. `out` may be NULL.
 */
int binding_put(struct binding_store *store, const struct binding_view *view, const struct binding **out);

/* The bindings of an AOR, in order of (first) registration: first, then next until NULL. Expired ones (expires_at not
   after the host's wall clock) are skipped. */
const struct binding *binding_first(const struct binding_store *store, struct text aor);
const struct binding *binding_next(const struct binding_store *store, const struct binding *binding);

/* The living binding that a REGISTER with these would replace; NULL if none. instance and reg_id both set: by flow
   key, else by Contact URI among the plain bindings. */
const struct binding *binding_find(const struct binding_store *store, struct text aor, struct text contact,
                                   struct text instance, uint32_t reg_id);

/* The first binding on a flow and the next one; NULL at the end. Expired ones are among them until binding_expire
   removes them: a flow whose first binding is NULL carries none, which is how a host knows that the last one went. */
const struct binding *binding_first_on_flow(const struct binding_store *store, flow_id flow);
const struct binding *binding_next_on_flow(const struct binding_store *store, const struct binding *binding);

void binding_read(const struct binding *binding, struct binding_view *view);

/* Remove one binding (5626-7.g), or all of an AOR (returns how many). */
void binding_remove(struct binding_store *store, const struct binding *binding);
size_t binding_remove_aor(struct binding_store *store, struct text aor);

/*
 * The flow is dead: every binding on it goes, of any AOR, at a cost in proportion to their number (5626-7.f); event
 * BINDING_FLOW_DIED for each. With `closed`, the flow is gone for good: bindings that have another route stay, and lose
 * it (BINDING_REPLACED, then BINDING_UPDATED). Without, as after an ICMP error, only bindings with a reg-id go, and the
 * others keep the flow. Returns how many went.
 */
size_t binding_flow_died(struct binding_store *store, flow_id flow, bool closed);

/* Remove what has expired by the host's wall clock, at most `most`; returns how many. Cheap when there is none: no scan
   over living bindings, but that one which expires more than two hours ahead is looked at once in two hours. */
size_t binding_expire(struct binding_store *store, size_t most);

size_t binding_count(const struct binding_store *store);
size_t binding_aor_count(const struct binding_store *store);
size_t binding_flow_count(const struct binding_store *store);

/* Every binding, in no order, until visit returns false. visit must not change the store. */
void binding_each(const struct binding_store *store, bool (*visit)(void *context, const struct binding *binding),
                  void *context);

#endif
