// SPDX-License-Identifier: BSD-2-Clause
#include "flow/binding_private.h"

static size_t aor_size(size_t length)
{
    return offsetof(struct aor, name) + length;
}

size_t binding_size(const struct binding *binding)
{
    size_t size = offsetof(struct binding, texts);
    for (unsigned i = 0; i < TEXT_COUNT; i++)
        size += binding->length[i];
    return size;
}

void binding_view_texts(const struct binding_view *view, struct text texts[TEXT_COUNT])
{
    texts[TEXT_CONTACT] = view->contact;
    texts[TEXT_INSTANCE] = view->instance;
    texts[TEXT_PATH] = view->path;
    texts[TEXT_CALL_ID] = view->call_id;
    texts[TEXT_PARAMETERS] = view->parameters;
}

static bool aor_matches(const void *item, const void *key)
{
    return text_equal(aor_name(item), *(const struct text *)key);
}

struct aor *binding_aor_find(const struct binding_store *store, struct text name)
{
    if (name.length == 0)
        return NULL;
    return hash_index_find(&store->aors, hash_text(&store->key, name), aor_matches, &name);
}

static struct binding *find_flow(const struct aor *aor, struct text instance, uint32_t reg_id)
{
    struct binding *binding = aor->first;
    while (binding != NULL &&
           !(binding->reg_id == reg_id && text_equal(binding_text(binding, TEXT_INSTANCE), instance)))
        binding = binding->next;
    return binding;
}

/* 3261-10.3.a: 0 if the plain binding has another Contact; otherwise more for a binding that lives, and for the same
   bytes. */
static unsigned rank_contact(const struct binding_store *store, const struct binding *binding, struct text contact,
                             uint32_t key)
{
    struct text stored = binding_text(binding, TEXT_CONTACT);
    if (binding->reg_id != 0 || binding->contact_key != key)
        return 0;
    bool same = text_equal(stored, contact);
    if (!same && !store->contacts.equal(stored, contact))
        return 0;
    return 1 + same + (binding->expiry.at > now_s(store) ? 2 : 0);
}

/* Nearly always, what is looked for is the Contact as it was stored. */
static struct binding *find_same_contact(const struct binding_store *store, const struct aor *aor, struct text contact)
{
    for (struct binding *binding = aor->first; binding != NULL; binding = binding->next) {
        if (binding->reg_id == 0 && binding->expiry.at > now_s(store) &&
            text_equal(binding_text(binding, TEXT_CONTACT), contact))
            return binding;
    }
    return NULL;
}

static struct binding *find_contact(const struct binding_store *store, const struct aor *aor, struct text contact)
{
    struct binding *best = find_same_contact(store, aor, contact);
    if (best != NULL)
        return best;
    uint32_t key = store->contacts.key(contact);
    unsigned most = 0;
    for (struct binding *binding = aor->first; binding != NULL; binding = binding->next) {
        unsigned rank = rank_contact(store, binding, contact, key);
        if (rank > most)
            best = binding;
        most = rank > most ? rank : most;
    }
    return best;
}

/* 5626-6.g: by the flow key if both parameters are present, else by the Contact URI among the plain bindings. */
struct binding *binding_aor_find_key(const struct binding_store *store, const struct aor *aor, struct text contact,
                                     struct text instance, uint32_t reg_id)
{
    if (reg_id != 0 && instance.length != 0)
        return find_flow(aor, instance, reg_id);
    return find_contact(store, aor, contact);
}

struct binding *binding_aor_find_instance(const struct binding_store *store, const struct aor *aor,
                                          struct text instance)
{
    int64_t now = now_s(store);
    struct binding *binding = instance.length != 0 ? aor->first : NULL;
    while (binding != NULL && !(binding->reg_id == 0 && binding->expiry.at > now &&
                                text_equal(binding_text(binding, TEXT_INSTANCE), instance)))
        binding = binding->next;
    return binding;
}

struct aor *binding_aor_new(const struct binding_store *store, struct text name)
{
    struct aor *aor = take(store, aor_size(name.length));
    if (aor == NULL)
        return NULL;
    aor->first = NULL;
    aor->earliest = INT64_MAX;
    aor->hash = hash_text(&store->key, name);
    aor->length = (uint16_t)name.length;
    memcpy(aor->name, name.at, name.length);
    return aor;
}

struct binding **binding_aor_link(struct aor *aor, const struct binding *binding)
{
    struct binding **link = &aor->first;
    while (*link != binding)
        link = &(*link)->next;
    return link;
}

void binding_aor_note_earliest(struct aor *aor)
{
    int64_t earliest = INT64_MAX;
    for (const struct binding *binding = aor->first; binding != NULL; binding = binding->next)
        if (binding->expiry.at < earliest)
            earliest = binding->expiry.at;
    aor->earliest = earliest;
}

static bool flow_matches(const void *item, const void *key)
{
    return ((const struct binding *)item)->flow == *(const flow_id *)key;
}

struct binding *binding_flow_first(const struct binding_store *store, flow_id flow)
{
    if (flow == 0)
        return NULL;
    return hash_index_find(&store->flows, hash_number(&store->key, flow), flow_matches, &flow);
}

void binding_flow_link(struct binding_store *store, struct binding *binding)
{
    struct binding *first = binding_flow_first(store, binding->flow);
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

void binding_flow_unlink(struct binding_store *store, struct binding *binding)
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

static void aor_drop_if_empty(struct binding_store *store, struct aor *aor)
{
    if (aor->first != NULL)
        return;
    hash_index_remove(&store->aors, aor->hash, aor);
    memory_delete(store->host, aor, aor_size(aor->length));
}

void binding_drop(struct binding_store *store, struct binding *binding)
{
    struct aor *aor = binding->aor;
    *binding_aor_link(aor, binding) = binding->next;
    if (aor->earliest == binding->expiry.at)
        binding_aor_note_earliest(aor);
    binding_flow_unlink(store, binding);
    expiry_wheel_remove(&binding->expiry);
    memory_delete(store->host, binding, binding_size(binding));
    store->count--;
    aor_drop_if_empty(store, aor);
}

void binding_drop_told(struct binding_store *store, struct binding *binding, enum binding_event event)
{
    tell(store, event, binding);
    binding_drop(store, binding);
}
