// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/heirs.h"
#include "standalone/server/server_private.h"
#include "standalone/server/branch.h"

/*
 * The former owner of a flow, which is kept for a while after the flow has lost its binding: requests inside a dialog
 * that was set up over it then reach the same user agent over a living flow. The oldest entries are removed first. The
 * entries end with the process; a dialog token has a digest of the owner, which finds it also after a restart.
 */

/* Limits in total, for one flow, and of the bytes of a name, because strangers can register as often as they like. */
enum { HEIRS_MOST = 16384, HEIRS_OF_FLOW_MOST = 1024, HEIR_NAME_MOST = 1024 };

struct heir {
    struct table_link link; /* by flow */
    struct heir *newer;
    struct text aor;
    struct text name; /* user_agent_name() */
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

struct text user_agent_name(const struct binding_view *view)
{
    return view->instance.length > 0 ? view->instance : view->contact;
}

static bool is_heir(const struct heir *heir, const struct binding_view *view)
{
    return text_equal(heir->aor, view->aor) && text_equal(heir->name, user_agent_name(view));
}

/* Returns false if the user agent is recorded already, or too many others of the same flow are. */
static bool has_room(const struct server *server, const struct binding_view *view)
{
    size_t count = 0;
    for (struct table_link *link = table_find(&server->heirs, view->flow); link != NULL; link = table_next(link)) {
        const struct heir *heir = TABLE_OWNER(link, struct heir, link);
        if (is_heir(heir, view))
            return false;
        count++;
    }
    return count < HEIRS_OF_FLOW_MOST;
}

/* Records that a binding leaves its flow. Without memory nothing is recorded, and requests in the dialog get 480. */
void heirs_note(struct server *server, const struct binding_view *view)
{
    const struct host *host = server->config.host;
    struct text name = user_agent_name(view);
    if (view->flow == 0 || name.length > HEIR_NAME_MOST || !has_room(server, view))
        return;
    struct heir *heir = memory_new(host, sizeof *heir);
    if (heir == NULL)
        return;
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

/* The user agents on a flow: one by its name, or by its digest in a dialog token. */
struct sought {
    struct text aor, name;
    const struct token_keys *keys;
    uint32_t owner; /* 0: by name */
    uint8_t key;
};

static bool is_sought(const struct sought *sought, const struct binding_view *view)
{
    struct text name = user_agent_name(view);
    if (sought->owner == 0)
        return text_equal(name, sought->name);
    return token_owner(sought->keys, sought->key, view->aor, name) == sought->owner;
}

/* What was found so far. */
struct found {
    flow_id flow; /* 0: nothing */
    int64_t registered_at;
};

/* The flow that was registered last, of those that are alive. `own` ends the search. */
static void seek(const struct server *server, const struct binding_store *store, const struct sought *sought,
                 flow_id own, struct found *found)
{
    const struct binding *binding = binding_first(store, sought->aor);
    for (; binding != NULL && (own == 0 || found->flow != own); binding = binding_next(store, binding)) {
        struct binding_view view;
        struct peer peer;
        binding_read(binding, &view);
        bool later = found->flow == 0 || view.registered_at >= found->registered_at || view.flow == own;
        if (later && is_sought(sought, &view) && peer_of_flow(server, view.flow, &peer))
            *found = (struct found){view.flow, view.registered_at};
    }
}

static flow_id living_flow(const struct server *server, const struct sought *sought, flow_id own)
{
    struct found found = {0};
    seek(server, server->bindings, sought, own, &found);
    seek(server, server->passed, sought, own, &found);
    return found.flow;
}

static bool is_wanted(const struct server *server, const struct heir *heir, const struct former *former)
{
    if (former->owner != 0 &&
        token_owner(server->config.token_keys, former->key, heir->aor, heir->name) != former->owner)
        return false;
    return former->aor.length == 0 || text_equal(former->aor, heir->aor);
}

flow_id heirs_find(const struct server *server, flow_id dead, const struct former *former)
{
    struct table_link *link = table_find(&server->heirs, dead);
    for (; link != NULL; link = table_next(link)) {
        const struct heir *heir = TABLE_OWNER(link, struct heir, link);
        flow_id flow = 0;
        if (is_wanted(server, heir, former))
            flow = living_flow(server, &(struct sought){.aor = heir->aor, .name = heir->name}, 0);
        if (flow != 0)
            return flow;
    }
    return 0;
}

flow_id heirs_find_owner(const struct server *server, flow_id flow, const struct former *former)
{
    const struct sought sought = {
        .aor = former->aor, .keys = server->config.token_keys, .owner = former->owner, .key = former->key};
    return former->owner != 0 ? living_flow(server, &sought, flow) : 0;
}

void heirs_clear(struct server *server)
{
    while (server->heirs_oldest != NULL)
        forget_oldest(server);
}
