// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/passed.h"
#include "standalone/server/server_private.h"
#include "standalone/server/flows.h"

/* The store has a limit of bindings; this one limits their texts. */
enum { PASSED_COST_MOST = 1024 };

static void forget(struct server *server, const struct binding_view *view)
{
    /* A plain binding only by its Contact: a removal takes no other Contact of the instance with it. */
    struct text instance = view->reg_id != 0 ? view->instance : (struct text){NULL, 0};
    const struct binding *binding = binding_find(server->passed, view->aor, view->contact, instance, view->reg_id);
    if (binding != NULL)
        binding_remove(server->passed, binding);
}

static void note_contact(struct server *server, const struct sip_message *request, const struct peer *source,
                         const struct sip_value *value, struct binding_view *view)
{
    const char *what;
    struct sip_contact contact;
    if (sip_contact_read(value, &contact, &what) != 0)
        return;
    bool outbound = contact.instance.length > 0 && contact.reg_id != 0;
    int64_t asked = contact.expires >= 0 ? contact.expires : sip_expires(request);
    view->contact = contact.value.uri;
    view->instance = contact.instance;
    view->reg_id = outbound ? contact.reg_id : 0;
    if (asked == 0)
        forget(server, view);
    else if (binding_cost(view) <= PASSED_COST_MOST)
        flows_put_passed(server, view, source);
}

void passed_note(struct server *server, const struct sip_message *request, const struct peer *source, uint32_t seconds)
{
    char aor[512];
    struct sip_value value;
    const struct host *host = server->config.host;
    int64_t now = host->wall_s(host->context);
    int length = sip_aor(sip_to_uri(request), server->config.aor_case, aor, sizeof aor);
    struct binding_view view = {.aor = {aor, length > 0 ? (size_t)length : 0},
                                .transport = source->transport,
                                .flow = peer_flow(source),
                                .route = BINDING_BY_FLOW,
                                .registered_at = now,
                                .expires_at = now + seconds};
    struct sip_values values = sip_values(request, HEADER_CONTACT);
    while (view.aor.length > 0 && sip_values_next(&values, &value))
        note_contact(server, request, source, &value, &view);
}
