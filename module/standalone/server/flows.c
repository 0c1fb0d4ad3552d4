// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/flows.h"
#include "standalone/server/server_private.h"
#include "standalone/server/branch.h"
#include "standalone/server/context.h"
#include "standalone/address/destination.h"
#include "standalone/server/heirs.h"
#include "standalone/server/route.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/*
 * Data about flows in addition to the bindings on them. The transport knows connections, and a datagram flow over IPv4
 * is its own number. Only datagram flows over IPv6 need a table, which has a flow as long as a binding is on it.
 */

static struct datagram6 *find6(const struct server *server, flow_id flow)
{
    struct table_link *link = table_find(&server->datagram6, flow);
    return link != NULL ? TABLE_OWNER(link, struct datagram6, link) : NULL;
}

static bool is_of_peer(const struct datagram6 *entry, const struct peer *peer)
{
    return entry->peer.listener == peer->listener && entry->peer.local == peer->local &&
           address_equal(&entry->peer.address, &peer->address);
}

flow_id server_flow_of(const struct server *server, const struct peer *peer)
{
    flow_id flow = peer_flow(peer);
    const struct datagram6 *entry = flow_is_datagram(flow) ? find6(server, flow) : NULL;
    return entry == NULL || is_of_peer(entry, peer) ? flow : 0;
}

static struct datagram6 *keep6(struct server *server, const struct peer *peer)
{
    struct datagram6 *entry = memory_new(server->config.host, sizeof *entry);
    if (entry == NULL)
        return NULL;
    entry->peer = *peer;
    table_add(&server->datagram6, &entry->link, peer_flow(peer));
    return entry;
}

static void forget6(struct server *server, struct datagram6 *entry)
{
    table_remove(&server->datagram6, &entry->link);
    memory_delete(server->config.host, entry, sizeof *entry);
}

static bool is_free(const struct server *server, flow_id flow)
{
    return binding_first_on_flow(server->bindings, flow) == NULL && binding_first_on_flow(server->passed, flow) == NULL;
}

/* The binding is about to leave its store, and the flow. */
static void leave6(struct server *server, const struct binding_store *store, flow_id flow,
                   const struct binding *binding)
{
    const struct binding_store *other = store == server->bindings ? server->passed : server->bindings;
    struct datagram6 *entry = find6(server, flow);
    if (entry != NULL && !entry->held && binding_first_on_flow(store, flow) == binding &&
        binding_next_on_flow(store, binding) == NULL && binding_first_on_flow(other, flow) == NULL)
        forget6(server, entry);
}

size_t binding_cost(const struct binding_view *view)
{
    enum { BESIDE = 256 }; /* numbers, indexes and overhead of the allocator */
    return BESIDE + view->aor.length + view->contact.length + view->instance.length + view->path.length +
           view->call_id.length + view->parameters.length;
}

static void binding_changed(void *context, enum binding_event event, const struct binding *binding)
{
    struct server *server = context;
    if (server->config.binding_changed != NULL)
        server->config.binding_changed(server->config.binding_changed_context, event, binding);
    struct binding_view view;
    binding_read(binding, &view);
    if (event == BINDING_ADDED || event == BINDING_UPDATED) {
        holdings_add(&server->bindings_kept, view.source, binding_cost(&view));
        server->binding_put(server, &view);
        return;
    }
    holdings_remove(&server->bindings_kept, view.source, binding_cost(&view));
    if (event != BINDING_REPLACED)
        heirs_note(server, &view);
    leave6(server, server->bindings, view.flow, binding);
}

static void passed_changed(void *context, enum binding_event event, const struct binding *binding)
{
    struct server *server = context;
    struct binding_view view;
    binding_read(binding, &view);
    if (event != BINDING_ADDED && event != BINDING_UPDATED)
        leave6(server, server->passed, view.flow, binding);
}

/* 3261-10.a. An outbound binding is reached only over its flow (5626-7.e); or by its Path, if that leads elsewhere. */
static enum binding_route route_of(const struct binding_view *view, const struct peer *peer)
{
    if (view->flow == 0)
        return view->reg_id == 0 || view->path.length > 0 ? BINDING_BY_CONTACT : BINDING_BY_FLOW;
    if (view->reg_id != 0)
        return BINDING_BY_FLOW;
    if (contact_is_source(view->contact, peer))
        return BINDING_BY_CONTACT;
    return contact_may_be_called(view->contact, (enum transport)peer->transport) ? BINDING_BY_FLOW_FIRST
                                                                                 : BINDING_BY_FLOW;
}

/* *entry is what is kept of the flow; NULL for one that needs no table. */
static int hold6(struct server *server, flow_id flow, const struct peer *peer, struct datagram6 **entry)
{
    struct peer known;
    *entry = NULL;
    if (!flow_is_datagram(flow) || peer_of_datagram_flow(flow, &known))
        return 0;
    struct datagram6 *found = find6(server, flow);
    if (found != NULL && !is_of_peer(found, peer))
        return -EADDRINUSE;
    *entry = found != NULL ? found : keep6(server, peer);
    if (*entry == NULL)
        return -ENOMEM;
    (*entry)->held = true;
    return 0;
}

static void release6(struct server *server, flow_id flow, struct datagram6 *entry)
{
    if (entry == NULL)
        return;
    entry->held = false;
    if (is_free(server, flow))
        forget6(server, entry);
}

int flows_put_binding(struct server *server, const struct binding_view *asked, const struct peer *peer, bool limited,
                      const struct binding **out)
{
    struct binding_view routed = *asked;
    const struct binding_view *view = &routed;
    struct datagram6 *entry;
    routed.route = (uint8_t)route_of(asked, peer);
    int error = hold6(server, view->flow, peer, &entry);
    if (error != 0)
        return error;
    error = limited ? binding_put(server->bindings, view, out) : binding_put_unlimited(server->bindings, view, out);
    release6(server, view->flow, entry);
    return error;
}

void flows_put_passed(struct server *server, const struct binding_view *view, const struct peer *peer)
{
    struct datagram6 *entry;
    if (hold6(server, view->flow, peer, &entry) != 0)
        return;
    binding_put(server->passed, view, NULL);
    release6(server, view->flow, entry);
}

void flows_listen(struct server *server)
{
    binding_store_listen(server->bindings, binding_changed, server);
    binding_store_listen(server->passed, passed_changed, server);
}

void flows_clear(struct server *server)
{
    struct table_link *link;
    while ((link = table_any(&server->datagram6)) != NULL)
        forget6(server, TABLE_OWNER(link, struct datagram6, link));
}

bool peer_of_flow(const struct server *server, flow_id flow, struct peer *peer)
{
    if (flow == 0)
        return false;
    if (peer_of_datagram_flow(flow, peer))
        return peer->listener < server->config.listener_count;
    if (flow_is_datagram(flow)) {
        const struct datagram6 *entry = find6(server, flow);
        if (entry != NULL)
            *peer = entry->peer;
        return entry != NULL;
    }
    return server->config.wire->connection(server->config.wire->context, flow, peer);
}

bool server_flow_peer(const struct server *server, flow_id flow, struct peer *peer)
{
    return peer_of_flow(server, flow, peer);
}

/* 3261-10.a: a plain binding without its flow may be reachable in another way. */
int server_restore_binding(struct server *server, const struct binding_view *view, const struct peer *peer)
{
    struct binding_view restored = *view;
    if (view->state == BINDING_FLOW_GONE && view->reg_id == 0 &&
        contact_may_be_called(view->contact, (enum transport)view->transport))
        restored.state = BINDING_ALIVE;
    if (flow_is_datagram(view->flow))
        amplification_restored(&server->amplification, peer);
    server->restoring = true;
    int error = flows_put_binding(server, &restored, peer, true, NULL);
    server->restoring = false;
    return error;
}

/* The former owner of a flow is recorded for dialogs, also if the binding remains. */
static void note_on_flow(struct server *server, flow_id flow)
{
    const struct binding *binding = binding_first_on_flow(server->bindings, flow);
    for (; binding != NULL; binding = binding_next_on_flow(server->bindings, binding)) {
        struct binding_view view;
        binding_read(binding, &view);
        if (view.route != BINDING_BY_FLOW)
            heirs_note(server, &view);
    }
}

void flows_end(struct server *server, flow_id flow)
{
    bool closed = !flow_is_datagram(flow);
    if (closed)
        note_on_flow(server, flow);
    server->counters.bindings_lost += binding_flow_died(server->bindings, flow, closed);
    binding_flow_died(server->passed, flow, closed);
}

void flows_drop(struct server *server, flow_id flow)
{
    const struct binding *binding;
    while ((binding = binding_first_on_flow(server->bindings, flow)) != NULL) {
        server->counters.bindings_lost++;
        binding_remove(server->bindings, binding);
    }
}

bool server_flow_is_outbound(const struct server *server, flow_id flow)
{
    const struct binding *binding = binding_first_on_flow(server->bindings, flow);
    for (; binding != NULL; binding = binding_next_on_flow(server->bindings, binding)) {
        struct binding_view view;
        binding_read(binding, &view);
        if (view.reg_id != 0)
            return true;
    }
    return false;
}

size_t server_describe_flow(const struct server *server, flow_id flow, char *out, size_t size)
{
    struct peer peer = {0};
    char address[64] = "gone";
    if (flow == 0) {
        out[0] = '\0';
        return 0;
    }
    if (peer_of_flow(server, flow, &peer) || peer.address.any.sa_family != 0)
        address_format(&peer.address, address, sizeof address);
    if (!flow_is_datagram(flow) && !transport_connects(peer.transport))
        peer.transport = TRANSPORT_TCP; /* gone, and no longer known */
    int length = flow_is_datagram(flow)
                     ? snprintf(out, size, "udp %s", address)
                     : snprintf(out, size, "%s %s #%" PRIu64, transport_word(peer.transport), address, flow);
    return text_printed(length, size);
}
