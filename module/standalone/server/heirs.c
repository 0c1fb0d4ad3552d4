// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/heirs.h"
#include "standalone/server/server_private.h"
#include "standalone/server/branch.h"
#include "standalone/address/destination.h"

/*
 * The former owner of a flow, which is kept for a while after the flow has lost its binding: requests inside a dialog
 * that was set up over it then reach the same instance, or plain Contact, over a living flow. The oldest entries are
 * removed first.
 */

/* Limits in total, for one flow, and of the bytes of a name, because strangers can register as often as they like. */
enum { HEIRS_MOST = 16384, HEIRS_OF_FLOW_MOST = 1024, HEIR_NAME_MOST = 1024 };

struct heir {
    struct table_link link; /* by flow */
    struct heir *newer;
    struct text aor;
    struct text name; /* instance-id, or the Contact of a plain binding */
    bool plain;
    uint8_t transport; /* enum transport, of the flow */
};

static void forget_oldest(struct server *server)
{
    const struct host *host = server->config.host;
    struct heir *heir = server->heirs_oldest;
    server->heirs_oldest = heir->newer;
    if (server->heirs_oldest == NULL)
        server->heirs_newest = NULL;
    table_remove(&server->heirs, &heir->link);
    memory_delete_text(host, heir->aor);
    memory_delete_text(host, heir->name);
    memory_delete(host, heir, sizeof *heir);
}

static bool is_heir(const struct heir *heir, const struct binding_view *view)
{
    if (heir->plain)
        return view->reg_id == 0 && text_equal(view->contact, heir->name);
    return view->reg_id != 0 && text_equal(view->instance, heir->name);
}

/* Returns false if the user agent is recorded already, or too many others of the same flow are. */
static bool has_room(const struct server *server, const struct binding_view *view)
{
    size_t count = 0;
    for (struct table_link *link = table_find(&server->heirs, view->flow); link != NULL; link = table_next(link)) {
        const struct heir *heir = TABLE_OWNER(link, struct heir, link);
        if (text_equal(heir->aor, view->aor) && is_heir(heir, view))
            return false;
        count++;
    }
    return count < HEIRS_OF_FLOW_MOST;
}

/* Records that a binding leaves its flow. Without memory nothing is recorded, and requests in the dialog get 480. */
void heirs_note(struct server *server, const struct binding_view *view)
{
    const struct host *host = server->config.host;
    bool plain = view->reg_id == 0;
    struct text name = plain ? view->contact : view->instance;
    if (view->flow == 0 || name.length > HEIR_NAME_MOST || !has_room(server, view))
        return;
    struct heir *heir = memory_new(host, sizeof *heir);
    if (heir == NULL)
        return;
    heir->plain = plain;
    heir->transport = view->transport;
    if (!memory_copy(host, view->aor, &heir->aor) || !memory_copy(host, name, &heir->name)) {
        memory_delete_text(host, heir->aor);
        memory_delete(host, heir, sizeof *heir);
        return;
    }
    table_add(&server->heirs, &heir->link, view->flow);
    if (server->heirs_newest != NULL)
        server->heirs_newest->newer = heir;
    else
        server->heirs_oldest = heir;
    server->heirs_newest = heir;
    if (server->heirs.count > HEIRS_MOST)
        forget_oldest(server);
}

static flow_id living_flow(const struct server *server, const struct heir *heir)
{
    const struct binding *binding = binding_first(server->bindings, heir->aor);
    for (; binding != NULL; binding = binding_next(server->bindings, binding)) {
        struct binding_view view;
        struct peer peer;
        binding_read(binding, &view);
        if (is_heir(heir, &view) && peer_of_flow(server, view.flow, &peer))
            return view.flow;
    }
    return 0;
}

/* A living flow of the user agent on the dead one; 0: none. */
flow_id heirs_find(const struct server *server, flow_id dead)
{
    struct table_link *link = table_find(&server->heirs, dead);
    for (; link != NULL; link = table_next(link)) {
        flow_id flow = living_flow(server, TABLE_OWNER(link, struct heir, link));
        if (flow != 0)
            return flow;
    }
    return 0;
}

bool heirs_leave_contact(const struct server *server, flow_id dead, struct text contact)
{
    enum transport transport = TRANSPORT_UDP;
    struct table_link *link = table_find(&server->heirs, dead);
    for (; link != NULL; link = table_next(link)) {
        const struct heir *heir = TABLE_OWNER(link, struct heir, link);
        if (!heir->plain)
            return false;
        transport = (enum transport)heir->transport;
    }
    return contact_may_be_called(contact, transport);
}

void heirs_clear(struct server *server)
{
    while (server->heirs_oldest != NULL)
        forget_oldest(server);
}
