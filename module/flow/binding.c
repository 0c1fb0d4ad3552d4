// SPDX-License-Identifier: BSD-2-Clause
#include "flow/binding_private.h"

#include <errno.h>

static uint32_t key_of_bytes(struct text uri)
{
    return (uint32_t)hash_fixed(uri);
}

int binding_store_new(struct binding_store **store, const struct host *host, const struct binding_limits *limits)
{
    struct binding_store *made = host->allocate(host->context, NULL, 0, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    memset(made, 0, sizeof *made);
    made->host = host;
    made->contacts = (struct contact_rules){key_of_bytes, text_equal};
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
    memory_delete(made->host, made, sizeof *made);
    return -ENOMEM;
}

void binding_store_compare(struct binding_store *store, const struct contact_rules *rules)
{
    store->contacts = *rules;
}

void binding_store_listen(struct binding_store *store, binding_listener *listener, void *context)
{
    store->listener = listener;
    store->listener_context = context;
}

static struct binding *binding_of(struct expiry_node *node)
{
    return (struct binding *)(void *)((char *)node - offsetof(struct binding, expiry));
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
    memory_delete(store->host, store, sizeof *store);
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
    const struct aor *found = binding_aor_find(store, aor);
    if (found == NULL)
        return NULL;
    /* Prefetch: the caller reads the binding next. */
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
    const struct aor *found = binding_aor_find(store, aor);
    if (found == NULL)
        return NULL;
    const struct binding *binding = binding_aor_find_key(store, found, contact, instance, reg_id);
    if (binding != NULL && binding->expiry.at > now_s(store))
        return binding;
    return reg_id == 0 ? binding_aor_find_instance(store, found, instance) : NULL;
}

const struct binding *binding_first_on_flow(const struct binding_store *store, flow_id flow)
{
    return binding_flow_first(store, flow);
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
        .contact_key = binding->contact_key,
        .q = binding->q,
        .state = binding->state,
        .transport = binding->transport,
        .route = binding->route,
        .source = binding->source,
        .socket = binding->socket,
        .flow = binding->flow,
        .expires_at = binding->expiry.at,
        .registered_at = binding->registered_at,
    };
}

void binding_remove(struct binding_store *store, const struct binding *binding)
{
    binding_drop_told(store, *binding_aor_link(binding->aor, binding), BINDING_REMOVED);
}

size_t binding_remove_aor(struct binding_store *store, struct text aor)
{
    struct aor *found = binding_aor_find(store, aor);
    size_t removed = 0;
    for (struct binding *next, *binding = found ? found->first : NULL; binding != NULL; binding = next) {
        next = binding->next;
        binding_drop_told(store, binding, BINDING_REMOVED);
        removed++;
    }
    return removed;
}

/* Does not change the position among the bindings of its AOR, nor the expiry. */
static void binding_lose_flow(struct binding_store *store, struct binding *binding)
{
    tell(store, BINDING_REPLACED, binding);
    binding_flow_unlink(store, binding);
    binding->flow = 0;
    binding->route = BINDING_BY_CONTACT;
    tell(store, BINDING_UPDATED, binding);
}

size_t binding_flow_died(struct binding_store *store, flow_id flow, bool closed)
{
    size_t removed = 0;
    for (struct binding *next, *binding = binding_flow_first(store, flow); binding != NULL; binding = next) {
        next = binding->flow_next;
        if (closed ? binding->route == BINDING_BY_FLOW : binding->reg_id != 0) {
            binding_drop_told(store, binding, BINDING_FLOW_DIED);
            removed++;
        } else if (closed) {
            binding_lose_flow(store, binding);
        }
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
