// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_BINDING_PRIVATE_H
#define REFLOW_FLOW_BINDING_PRIVATE_H

/* The internals of the store, for binding.c, binding_put.c and binding_record.c only. */

#include "base/expiry_wheel.h"
#include "base/hash.h"
#include "base/hash_index.h"
#include "base/memory.h"
#include "flow/binding.h"

enum { BINDINGS_PER_AOR = 32, REG_ID_MOST = 0x7fffffff, Q_MOST = 1000, TEXT_MOST = 65535 };

/* The texts of a binding, in the order in which they are stored behind it. */
enum { TEXT_CONTACT, TEXT_INSTANCE, TEXT_PATH, TEXT_CALL_ID, TEXT_PARAMETERS, TEXT_COUNT };

struct aor {
    struct binding *first;
    int64_t earliest; /* no binding expires earlier: a lookup before that time need not check for expiry */
    uint32_t hash;
    uint16_t length;
    char name[];
};

struct binding {
    struct aor *aor;
    struct binding *next; /* the next binding of the AOR */
    struct binding *flow_next;
    struct binding *flow_previous; /* NULL in the first one, to which the index points */
    struct expiry_node expiry;
    flow_id flow;
    uint64_t source;
    int64_t registered_at;
    uint32_t cseq;
    uint32_t reg_id;
    uint32_t contact_key;
    uint16_t q;
    uint16_t socket;
    uint16_t length[TEXT_COUNT];
    uint8_t state : 2, route : 2, transport : 4; /* one byte: there may be a million of these */
    char texts[];
};

struct binding_store {
    const struct host *host;
    struct binding_limits limits;
    struct contact_rules contacts;
    binding_listener *listener;
    void *listener_context;
    struct hash_key key;
    struct hash_index aors;
    struct hash_index flows;
    size_t count;
    struct expiry_wheel wheel;
};

static inline void *take(const struct binding_store *store, size_t size)
{
    return store->host->allocate(store->host->context, NULL, 0, size);
}

static inline int64_t now_s(const struct binding_store *store)
{
    return store->host->wall_s(store->host->context);
}

static inline void tell(const struct binding_store *store, enum binding_event event, const struct binding *binding)
{
    if (store->listener != NULL)
        store->listener(store->listener_context, event, binding);
}

static inline struct text aor_name(const struct aor *aor)
{
    return (struct text){aor->name, aor->length};
}

static inline struct text binding_text(const struct binding *binding, unsigned which)
{
    const char *at = binding->texts;
    for (unsigned i = 0; i < which; i++)
        at += binding->length[i];
    return (struct text){binding->length[which] ? at : NULL, binding->length[which]};
}

/* The size of the binding's block in bytes. */
size_t binding_size(const struct binding *binding);
void binding_view_texts(const struct binding_view *view, struct text texts[TEXT_COUNT]);

struct aor *binding_aor_find(const struct binding_store *store, struct text name);

/* Finds a binding by the key of binding_put(), expired ones included. */
struct binding *binding_aor_find_key(const struct binding_store *store, const struct aor *aor, struct text contact,
                                     struct text instance, uint32_t reg_id);
/* A plain binding of the instance that has not expired (instance-a). */
struct binding *binding_aor_find_instance(const struct binding_store *store, const struct aor *aor,
                                          struct text instance);

/* A new binding that is in no index yet; NULL without memory. */
struct aor *binding_aor_new(const struct binding_store *store, struct text name);

/* The pointer to the binding in the list of its AOR; with NULL, the pointer at the end of the list. */
struct binding **binding_aor_link(struct aor *aor, const struct binding *binding);
void binding_aor_note_earliest(struct aor *aor);

/* NULL for flow 0. */
struct binding *binding_flow_first(const struct binding_store *store, flow_id flow);

/* Adds the binding to the index by flow; room must have been reserved before. */
void binding_flow_link(struct binding_store *store, struct binding *binding);
void binding_flow_unlink(struct binding_store *store, struct binding *binding);

/* Removes a binding from all indexes and frees it; if it was the last one of its AOR, the AOR too. */
void binding_drop(struct binding_store *store, struct binding *binding);
void binding_drop_told(struct binding_store *store, struct binding *binding, enum binding_event event);

#endif
