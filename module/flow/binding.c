// SPDX-License-Identifier: BSD-2-Clause
#include "flow/binding.h"

#include <errno.h>

#include "flow/expiry_wheel.h"
#include "flow/hash_index.h"

enum { BINDINGS_PER_AOR = 32, REG_ID_MOST = 0x7fffffff, Q_MOST = 1000, TEXT_MOST = 65535 };

/* The texts of a binding, in the order in which they lie behind it. */
enum { TEXT_CONTACT, TEXT_INSTANCE, TEXT_PATH, TEXT_CALL_ID, TEXT_PARAMETERS, TEXT_COUNT };

struct aor {
    struct binding *first;
    int64_t earliest; /* no binding expires before: a lookup need not touch the bindings */
    uint32_t hash;
    uint16_t length;
    char name[];
};

struct binding {
    struct aor *aor;
    struct binding *next; /* of the AOR */
    struct binding *flow_next;
    struct binding *flow_previous; /* NULL in the first, which is the one that the index knows */
    struct expiry_node expiry;
    flow_id flow;
    int64_t registered_at;
    uint32_t cseq;
    uint32_t reg_id;
    uint16_t q;
    uint16_t length[TEXT_COUNT];
    uint8_t state;
    char texts[];
};

struct binding_store {
    const struct host *host;
    struct binding_limits limits;
    binding_listener *listener;
    void *listener_context;
    struct hash_key key;
    struct hash_index aors;
    struct hash_index flows;
    size_t count;
    struct expiry_wheel wheel;
};

static void *take(const struct binding_store *store, size_t size)
{
    return store->host->allocate(store->host->context, NULL, 0, size);
}

static void give_back(const struct binding_store *store, void *block, size_t size)
{
    if (block != NULL)
        store->host->allocate(store->host->context, block, size, 0);
}

static int64_t now_s(const struct binding_store *store)
{
    return store->host->wall_s(store->host->context);
}

static void tell(const struct binding_store *store, enum binding_event event, const struct binding *binding)
{
    if (store->listener != NULL)
        store->listener(store->listener_context, event, binding);
}

static struct text aor_name(const struct aor *aor)
{
    return (struct text){aor->name, aor->length};
}

static size_t aor_size(size_t length)
{
    return offsetof(struct aor, name) + length;
}

static struct text binding_text(const struct binding *binding, unsigned which)
{
    const char *at = binding->texts;
    for (unsigned i = 0; i < which; i++)
        at += binding->length[i];
    return (struct text){binding->length[which] ? at : NULL, binding->length[which]};
}

static size_t binding_size(const struct binding *binding)
{
    size_t size = offsetof(struct binding, texts);
    for (unsigned i = 0; i < TEXT_COUNT; i++)
        size += binding->length[i];
    return size;
}

static void view_texts(const struct binding_view *view, struct text texts[TEXT_COUNT])
{
    texts[TEXT_CONTACT] = view->contact;
    texts[TEXT_INSTANCE] = view->instance;
    texts[TEXT_PATH] = view->path;
    texts[TEXT_CALL_ID] = view->call_id;
    texts[TEXT_PARAMETERS] = view->parameters;
}

int binding_store_new(struct binding_store **store, const struct host *host, const struct binding_limits *limits)
{
    struct binding_store *made = host->allocate(host->context, NULL, 0, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    memset(made, 0, sizeof *made);
    made->host = host;
    if (limits != NULL)
        made->limits = *limits;
    if (made->limits.bindings_per_aor == 0)
        made->limits.bindings_per_aor = BINDINGS_PER_AOR;
    expiry_wheel_create(&made->wheel, now_s(made));
    hash_key_draw(&made->key, host);
    if (hash_index_create(&made->aors, host) < 0)
        goto out_store;
    if (hash_index_create(&made->flows, host) < 0)
        goto out_aors;
    *store = made;
    return 0;

out_aors:
    hash_index_destroy(&made->aors);
out_store:
    give_back(made, made, sizeof *made);
    return -ENOMEM;
}

void binding_store_listen(struct binding_store *store, binding_listener *listener, void *context)
{
    store->listener = listener;
    store->listener_context = context;
}

static bool aor_matches(const void *item, const void *key)
{
    return text_equal(aor_name(item), *(const struct text *)key);
}

static bool flow_matches(const void *item, const void *key)
{
    return ((const struct binding *)item)->flow == *(const flow_id *)key;
}

static struct aor *aor_find(const struct binding_store *store, struct text name)
{
    if (name.length == 0)
        return NULL;
    return hash_index_find(&store->aors, hash_text(&store->key, name), aor_matches, &name);
}

static struct binding *flow_first(const struct binding_store *store, flow_id flow)
{
    if (flow == 0)
        return NULL;
    return hash_index_find(&store->flows, hash_number(&store->key, flow), flow_matches, &flow);
}

static void flow_link(struct binding_store *store, struct binding *binding)
{
    struct binding *first = flow_first(store, binding->flow);
    binding->flow_previous = first;
    binding->flow_next = NULL;
    if (binding->flow == 0)
        return;
    if (first == NULL) {
        hash_index_insert(&store->flows, hash_number(&store->key, binding->flow), binding);
        return;
    }
    binding->flow_next = first->flow_next;
    if (first->flow_next != NULL)
        first->flow_next->flow_previous = binding;
    first->flow_next = binding;
}

static void flow_unlink(struct binding_store *store, struct binding *binding)
{
    if (binding->flow == 0)
        return;
    struct binding *next = binding->flow_next;
    if (next != NULL)
        next->flow_previous = binding->flow_previous;
    if (binding->flow_previous != NULL)
        binding->flow_previous->flow_next = next;
    else if (next != NULL)
        hash_index_replace(&store->flows, hash_number(&store->key, binding->flow), binding, next);
    else
        hash_index_remove(&store->flows, hash_number(&store->key, binding->flow), binding);
}

static struct binding *binding_of(struct expiry_node *node)
{
    return (struct binding *)(void *)((char *)node - offsetof(struct binding, expiry));
}

static struct binding **aor_link_of(struct aor *aor, const struct binding *binding)
{
    struct binding **link = &aor->first;
    while (*link != binding)
        link = &(*link)->next;
    return link;
}

static void aor_note_earliest(struct aor *aor)
{
    int64_t earliest = INT64_MAX;
    for (const struct binding *binding = aor->first; binding != NULL; binding = binding->next)
        if (binding->expiry.at < earliest)
            earliest = binding->expiry.at;
    aor->earliest = earliest;
}

static struct aor *aor_new(const struct binding_store *store, struct text name)
{
    struct aor *aor = take(store, aor_size(name.length));
    if (aor == NULL)
        return NULL;
    *aor = (struct aor){.hash = hash_text(&store->key, name), .length = (uint16_t)name.length};
    memcpy(aor->name, name.at, name.length);
    return aor;
}

static void aor_drop_if_empty(struct binding_store *store, struct aor *aor)
{
    if (aor->first != NULL)
        return;
    hash_index_remove(&store->aors, aor->hash, aor);
    give_back(store, aor, aor_size(aor->length));
}

/* Take a binding out of everything and free it. */
static void binding_drop(struct binding_store *store, struct binding *binding)
{
    struct aor *aor = binding->aor;
    *aor_link_of(aor, binding) = binding->next;
    if (aor->earliest == binding->expiry.at)
        aor_note_earliest(aor);
    flow_unlink(store, binding);
    expiry_wheel_remove(&binding->expiry);
    give_back(store, binding, binding_size(binding));
    store->count--;
    aor_drop_if_empty(store, aor);
}

static void binding_drop_told(struct binding_store *store, struct binding *binding, enum binding_event event)
{
    tell(store, event, binding);
    binding_drop(store, binding);
}

static bool drop_node(void *context, struct expiry_node *node)
{
    binding_drop(context, binding_of(node));
    return true;
}

void binding_store_delete(struct binding_store *store)
{
    if (store == NULL)
        return;
    expiry_wheel_each(&store->wheel, drop_node, store);
    hash_index_destroy(&store->flows);
    hash_index_destroy(&store->aors);
    give_back(store, store, sizeof *store);
}

static int view_check(const struct binding_view *view)
{
    if (view->aor.length == 0 || view->aor.length > TEXT_MOST || view->contact.length == 0)
        return -EINVAL;
    if (view->reg_id > REG_ID_MOST || (view->reg_id != 0 && view->instance.length == 0) || view->q > Q_MOST ||
        view->state > BINDING_FLOW_GONE)
        return -EINVAL;
    struct text texts[TEXT_COUNT];
    view_texts(view, texts);
    for (unsigned i = 0; i < TEXT_COUNT; i++)
        if (texts[i].length > TEXT_MOST)
            return -EINVAL;
    return 0;
}

/* 5626-6.g: the flow key where both parameters are there, else the Contact URI among the plain ones. */
static bool same_key(const struct binding *binding, struct text contact, struct text instance, uint32_t reg_id)
{
    if (reg_id != 0 && instance.length != 0)
        return binding->reg_id == reg_id && text_equal(binding_text(binding, TEXT_INSTANCE), instance);
    return binding->reg_id == 0 && text_equal(binding_text(binding, TEXT_CONTACT), contact);
}

static struct binding *aor_find_key(const struct aor *aor, struct text contact, struct text instance, uint32_t reg_id)
{
    struct binding *binding = aor->first;
    while (binding != NULL && !same_key(binding, contact, instance, reg_id))
        binding = binding->next;
    return binding;
}

static uint32_t aor_count_living(const struct aor *aor, int64_t now)
{
    uint32_t count = 0;
    for (const struct binding *binding = aor->first; binding != NULL; binding = binding->next)
        count += binding->expiry.at > now;
    return count;
}

static void binding_set(struct binding *binding, const struct binding_view *view)
{
    binding->flow = view->flow;
    binding->expiry.at = view->expires_at;
    binding->registered_at = view->registered_at;
    binding->cseq = view->cseq;
    binding->reg_id = view->reg_id;
    binding->q = view->q;
    binding->state = view->state;
}

static struct binding *binding_new(const struct binding_store *store, const struct binding_view *view)
{
    struct text texts[TEXT_COUNT];
    view_texts(view, texts);
    size_t size = offsetof(struct binding, texts);
    for (unsigned i = 0; i < TEXT_COUNT; i++)
        size += texts[i].length;
    struct binding *binding = take(store, size);
    if (binding == NULL)
        return NULL;
    memset(binding, 0, offsetof(struct binding, texts));
    binding_set(binding, view);
    char *at = binding->texts;
    for (unsigned i = 0; i < TEXT_COUNT; i++) {
        binding->length[i] = (uint16_t)texts[i].length;
        if (texts[i].length != 0)
            memcpy(at, texts[i].at, texts[i].length);
        at += texts[i].length;
    }
    return binding;
}

/* A refresh mostly brings the texts that are there already: then nothing is allocated. */
static bool same_texts(const struct binding *binding, const struct binding_view *view)
{
    struct text texts[TEXT_COUNT];
    view_texts(view, texts);
    for (unsigned i = 0; i < TEXT_COUNT; i++)
        if (!text_equal(binding_text(binding, i), texts[i]))
            return false;
    return true;
}

/* All that may fail, before anything changes: then both indexes have room. */
static int store_reserve(struct binding_store *store, bool aor, flow_id flow)
{
    if (aor && hash_index_reserve(&store->aors) < 0)
        return -ENOMEM;
    return flow != 0 ? hash_index_reserve(&store->flows) : 0;
}

static int binding_add(struct binding_store *store, struct aor *aor, const struct binding_view *view,
                       struct binding **out)
{
    struct aor *made = NULL;
    struct binding *binding = binding_new(store, view);
    if (binding == NULL || store_reserve(store, aor == NULL, view->flow) < 0)
        goto out_of_memory;
    if (aor == NULL) {
        made = aor = aor_new(store, view->aor);
        if (made == NULL)
            goto out_of_memory;
        hash_index_insert(&store->aors, made->hash, made);
    }
    binding->aor = aor;
    *aor_link_of(aor, NULL) = binding;
    flow_link(store, binding);
    expiry_wheel_add(&store->wheel, &binding->expiry);
    aor_note_earliest(aor);
    store->count++;
    *out = binding;
    return 0;

out_of_memory:
    if (binding != NULL)
        give_back(store, binding, binding_size(binding));
    return -ENOMEM;
}

/* Put `by` where `old` was, or change `old` in place where by is old. */
static void binding_exchange(struct binding_store *store, struct binding *old, struct binding *by,
                             const struct binding_view *view)
{
    struct aor *aor = old->aor;
    flow_unlink(store, old);
    expiry_wheel_remove(&old->expiry);
    if (by == old) {
        binding_set(old, view);
    } else {
        by->aor = aor;
        by->next = old->next;
        *aor_link_of(aor, old) = by;
        give_back(store, old, binding_size(old));
    }
    flow_link(store, by);
    expiry_wheel_add(&store->wheel, &by->expiry);
    aor_note_earliest(aor);
}

static int binding_replace(struct binding_store *store, struct binding *old, const struct binding_view *view,
                           struct binding **out)
{
    if (store_reserve(store, false, view->flow) < 0)
        return -ENOMEM;
    struct binding *by = same_texts(old, view) ? old : binding_new(store, view);
    if (by == NULL)
        return -ENOMEM;
    /* The view may hold the old one's texts, but no text of it is needed from here on. */
    tell(store, BINDING_REPLACED, old);
    binding_exchange(store, old, by, view);
    tell(store, BINDING_UPDATED, by);
    *out = by;
    return 0;
}

static int put_new(struct binding_store *store, struct aor *aor, struct binding *expired,
                   const struct binding_view *view, struct binding **out)
{
    if (store->limits.bindings != 0 && store->count - (expired != NULL) >= store->limits.bindings)
        return -ENOSPC;
    if (aor != NULL && aor_count_living(aor, now_s(store)) >= store->limits.bindings_per_aor)
        return -ENOSPC;
    int result = binding_add(store, aor, view, out);
    if (result < 0)
        return result;
    if (expired != NULL)
        binding_drop_told(store, expired, BINDING_EXPIRED);
    tell(store, BINDING_ADDED, *out);
    return 0;
}

int binding_put(struct binding_store *store, const struct binding_view *view, const struct binding **out)
{
    int result = view_check(view);
    if (result < 0)
        return result;
    struct aor *aor = aor_find(store, view->aor);
    struct binding *old = aor ? aor_find_key(aor, view->contact, view->instance, view->reg_id) : NULL;
    struct binding *binding = NULL;
    if (old != NULL && old->expiry.at > now_s(store))
        result = binding_replace(store, old, view, &binding);
    else
        result = put_new(store, aor, old, view, &binding);
    if (result == 0 && out != NULL)
        *out = binding;
    return result;
}

static const struct binding *skip_expired(const struct binding_store *store, const struct binding *binding)
{
    if (binding == NULL)
        return NULL;
    int64_t now = now_s(store);
    while (binding != NULL && binding->expiry.at <= now)
        binding = binding->next;
    return binding;
}

const struct binding *binding_first(const struct binding_store *store, struct text aor)
{
    const struct aor *found = aor_find(store, aor);
    if (found == NULL)
        return NULL;
    /* The caller reads it next. */
    __builtin_prefetch(found->first);
    if (found->earliest > now_s(store))
        return found->first;
    return skip_expired(store, found->first);
}

const struct binding *binding_next(const struct binding_store *store, const struct binding *binding)
{
    return skip_expired(store, binding->next);
}

const struct binding *binding_find(const struct binding_store *store, struct text aor, struct text contact,
                                   struct text instance, uint32_t reg_id)
{
    const struct aor *found = aor_find(store, aor);
    const struct binding *binding = found ? aor_find_key(found, contact, instance, reg_id) : NULL;
    return binding != NULL && binding->expiry.at > now_s(store) ? binding : NULL;
}

const struct binding *binding_first_on_flow(const struct binding_store *store, flow_id flow)
{
    return flow_first(store, flow);
}

const struct binding *binding_next_on_flow(const struct binding_store *store, const struct binding *binding)
{
    (void)store;
    return binding->flow_next;
}

void binding_read(const struct binding *binding, struct binding_view *view)
{
    *view = (struct binding_view){
        .aor = aor_name(binding->aor),
        .contact = binding_text(binding, TEXT_CONTACT),
        .instance = binding_text(binding, TEXT_INSTANCE),
        .path = binding_text(binding, TEXT_PATH),
        .call_id = binding_text(binding, TEXT_CALL_ID),
        .parameters = binding_text(binding, TEXT_PARAMETERS),
        .reg_id = binding->reg_id,
        .cseq = binding->cseq,
        .q = binding->q,
        .state = binding->state,
        .flow = binding->flow,
        .expires_at = binding->expiry.at,
        .registered_at = binding->registered_at,
    };
}

void binding_remove(struct binding_store *store, const struct binding *binding)
{
    binding_drop_told(store, *aor_link_of(binding->aor, binding), BINDING_REMOVED);
}

size_t binding_remove_aor(struct binding_store *store, struct text aor)
{
    struct aor *found = aor_find(store, aor);
    size_t removed = 0;
    for (struct binding *next, *binding = found ? found->first : NULL; binding != NULL; binding = next) {
        next = binding->next;
        binding_drop_told(store, binding, BINDING_REMOVED);
        removed++;
    }
    return removed;
}

size_t binding_flow_died(struct binding_store *store, flow_id flow)
{
    size_t removed = 0;
    for (struct binding *next, *binding = flow_first(store, flow); binding != NULL; binding = next) {
        next = binding->flow_next;
        binding_drop_told(store, binding, BINDING_FLOW_DIED);
        removed++;
    }
    return removed;
}

static void expire_node(void *context, struct expiry_node *node)
{
    binding_drop_told(context, binding_of(node), BINDING_EXPIRED);
}

size_t binding_expire(struct binding_store *store, size_t most)
{
    return expiry_wheel_turn(&store->wheel, now_s(store), most, expire_node, store);
}

size_t binding_count(const struct binding_store *store)
{
    return store->count;
}

size_t binding_aor_count(const struct binding_store *store)
{
    return store->aors.count;
}

size_t binding_flow_count(const struct binding_store *store)
{
    return store->flows.count;
}

struct visitor {
    bool (*visit)(void *context, const struct binding *binding);
    void *context;
};

static bool visit_node(void *context, struct expiry_node *node)
{
    const struct visitor *visitor = context;
    return visitor->visit(visitor->context, binding_of(node));
}

void binding_each(const struct binding_store *store, bool (*visit)(void *context, const struct binding *binding),
                  void *context)
{
    struct visitor visitor = {visit, context};
    expiry_wheel_each(&store->wheel, visit_node, &visitor);
}
