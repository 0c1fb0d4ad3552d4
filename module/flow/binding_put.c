// SPDX-License-Identifier: BSD-2-Clause
#include "flow/binding_private.h"

#include <errno.h>

#include "base/transport.h"

static int view_check(const struct binding_view *view)
{
    if (view->aor.length == 0 || view->aor.length > TEXT_MOST || view->contact.length == 0)
        return -EINVAL;
    if (view->reg_id > REG_ID_MOST || (view->reg_id != 0 && view->instance.length == 0) || view->q > Q_MOST ||
        view->state > BINDING_FLOW_GONE || view->route > BINDING_BY_CONTACT || view->transport >= TRANSPORT_COUNT)
        return -EINVAL;
    struct text texts[TEXT_COUNT];
    binding_view_texts(view, texts);
    for (unsigned i = 0; i < TEXT_COUNT; i++)
        if (texts[i].length > TEXT_MOST)
            return -EINVAL;
    return 0;
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
    binding->source = view->source;
    binding->socket = view->socket;
    binding->expiry.at = view->expires_at;
    binding->registered_at = view->registered_at;
    binding->cseq = view->cseq;
    binding->reg_id = view->reg_id;
    binding->q = view->q;
    binding->state = view->state & 3;
    binding->route = view->route & 3;
    binding->transport = view->transport & 0xf;
}

/* The key takes longer than a comparison of bytes. */
static uint32_t contact_key(const struct binding_store *store, const struct binding_view *view,
                            const struct binding *old)
{
    bool same = old != NULL && text_equal(binding_text(old, TEXT_CONTACT), view->contact);
    return same ? old->contact_key : store->contacts.key(view->contact);
}

/* old: the binding in whose place it is put; NULL: it replaces no binding. */
static struct binding *binding_new(const struct binding_store *store, const struct binding_view *view,
                                   const struct binding *old)
{
    struct text texts[TEXT_COUNT];
    binding_view_texts(view, texts);
    size_t size = offsetof(struct binding, texts);
    for (unsigned i = 0; i < TEXT_COUNT; i++)
        size += texts[i].length;
    struct binding *binding = take(store, size);
    if (binding == NULL)
        return NULL;
    memset(binding, 0, offsetof(struct binding, texts));
    binding_set(binding, view);
    binding->contact_key = contact_key(store, view, old);
    char *at = binding->texts;
    for (unsigned i = 0; i < TEXT_COUNT; i++) {
        binding->length[i] = (uint16_t)texts[i].length;
        if (texts[i].length != 0)
            memcpy(at, texts[i].at, texts[i].length);
        at += texts[i].length;
    }
    return binding;
}

/* A refresh usually has the texts that are stored already; then nothing is allocated. */
static bool same_texts(const struct binding *binding, const struct binding_view *view)
{
    struct text texts[TEXT_COUNT];
    binding_view_texts(view, texts);
    for (unsigned i = 0; i < TEXT_COUNT; i++)
        if (!text_equal(binding_text(binding, i), texts[i]))
            return false;
    return true;
}

/* Does everything that can fail before anything changes: afterwards both indexes have room. */
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
    struct binding *binding = binding_new(store, view, NULL);
    if (binding == NULL || store_reserve(store, aor == NULL, view->flow) < 0)
        goto out_of_memory;
    if (aor == NULL) {
        made = aor = binding_aor_new(store, view->aor);
        if (made == NULL)
            goto out_of_memory;
        hash_index_insert(&store->aors, made->hash, made);
    }
    binding->aor = aor;
    *binding_aor_link(aor, NULL) = binding;
    binding_flow_link(store, binding);
    expiry_wheel_add(&store->wheel, &binding->expiry);
    binding_aor_note_earliest(aor);
    store->count++;
    *out = binding;
    return 0;

out_of_memory:
    if (binding != NULL)
        memory_delete(store->host, binding, binding_size(binding));
    return -ENOMEM;
}

/* Puts `by` in the place of `old`, or updates `old` in place if they are the same. */
static void binding_exchange(struct binding_store *store, struct binding *old, struct binding *by,
                             const struct binding_view *view)
{
    struct aor *aor = old->aor;
    binding_flow_unlink(store, old);
    expiry_wheel_remove(&old->expiry);
    if (by == old) {
        binding_set(old, view);
    } else {
        by->aor = aor;
        by->next = old->next;
        *binding_aor_link(aor, old) = by;
        memory_delete(store->host, old, binding_size(old));
    }
    binding_flow_link(store, by);
    expiry_wheel_add(&store->wheel, &by->expiry);
    binding_aor_note_earliest(aor);
}

/* Listeners know a plain binding by the bytes of its Contact. */
static bool is_renamed(const struct binding *old, const struct binding_view *view)
{
    return old->reg_id != view->reg_id ||
           (view->reg_id == 0 && !text_equal(binding_text(old, TEXT_CONTACT), view->contact));
}

static int binding_replace(struct binding_store *store, struct binding *old, const struct binding_view *view,
                           struct binding **out)
{
    bool renamed = is_renamed(old, view);
    if (store_reserve(store, false, view->flow) < 0)
        return -ENOMEM;
    struct binding *by = same_texts(old, view) ? old : binding_new(store, view, old);
    if (by == NULL)
        return -ENOMEM;
    /* The view may contain texts of the old binding, but none of them is used from here on. */
    tell(store, renamed ? BINDING_REMOVED : BINDING_REPLACED, old);
    binding_exchange(store, old, by, view);
    tell(store, renamed ? BINDING_ADDED : BINDING_UPDATED, by);
    *out = by;
    return 0;
}

static bool store_is_full(const struct binding_store *store, const struct aor *aor, const struct binding *expired)
{
    if (store->limits.bindings != 0 && store->count - (expired != NULL) >= store->limits.bindings)
        return true;
    return aor != NULL && aor_count_living(aor, now_s(store)) >= store->limits.bindings_per_aor;
}

static int put_new(struct binding_store *store, struct aor *aor, struct binding *expired,
                   const struct binding_view *view, struct binding **out)
{
    int result = binding_add(store, aor, view, out);
    if (result < 0)
        return result;
    if (expired != NULL)
        binding_drop_told(store, expired, BINDING_EXPIRED);
    tell(store, BINDING_ADDED, *out);
    return 0;
}

static struct binding *find_old(const struct binding_store *store, const struct aor *aor,
                                const struct binding_view *view, const struct binding *known)
{
    if (known != NULL)
        return *binding_aor_link(known->aor, known);
    return aor != NULL ? binding_aor_find_key(store, aor, view->contact, view->instance, view->reg_id) : NULL;
}

static int put(struct binding_store *store, const struct binding_view *view, bool limited, const struct binding **out)
{
    int result = view_check(view);
    if (result < 0)
        return result;
    struct aor *aor = binding_aor_find(store, view->aor);
    struct binding *old = find_old(store, aor, view, *out);
    struct binding *binding = NULL;
    if (old != NULL && old->expiry.at > now_s(store))
        result = binding_replace(store, old, view, &binding);
    else if (limited && store_is_full(store, aor, old))
        result = -ENOSPC;
    else
        result = put_new(store, aor, old, view, &binding);
    if (result == 0)
        *out = binding;
    return result;
}

int binding_put(struct binding_store *store, const struct binding_view *view, const struct binding **out)
{
    const struct binding *binding = NULL;
    int result = put(store, view, true, &binding);
    if (result == 0 && out != NULL)
        *out = binding;
    return result;
}

int binding_put_unlimited(struct binding_store *store, const struct binding_view *view, const struct binding **binding)
{
    return put(store, view, false, binding);
}
