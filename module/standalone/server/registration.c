// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/registrar_private.h"

#include <errno.h>

/* Whether a REGISTER may be done, as far as this server and its store have a say (RFC 3261 section 10.3). */

static int refuse_as(struct registrar *registrar, enum refusal reason, uint32_t status)
{
    registrar->reason = reason;
    return registration_refuse(&registrar->asked, status, NULL);
}

static int read_aor(struct registrar *registrar)
{
    struct sip_uri uri;
    struct text to = sip_to_uri(registrar->asked.request);
    int error = sip_uri_create(&uri, to);
    if (error == -EBADMSG)
        error = registration_refuse_field(&registrar->asked, "To", to.at, "the address is not a valid URI");
    else if (error == -EPROTONOSUPPORT || (error == 0 && !uri_is_served(&uri, registrar->source)))
        error = refuse_as(registrar, REFUSAL_SCHEME, SIP_UNSUPPORTED_URI_SCHEME);
    else if (error == 0 && !server_is_own_domain(registrar->server, &uri))
        error = refuse_as(registrar, REFUSAL_FOREIGN_DOMAIN, SIP_NOT_FOUND);
    else if (error == 0 && uri.user.length == 0)
        error = refuse_as(registrar, REFUSAL_NO_USER, SIP_NOT_FOUND);
    else if (error == 0) {
        int length = sip_uri_aor(&uri, registrar->aor, sizeof registrar->aor);
        registrar->aor_text = (struct text){registrar->aor, length > 0 ? (size_t)length : 0};
        error = length > 0 ? 0
                           : registration_refuse(&registrar->asked, SIP_BAD_REQUEST,
                                                 "Bad Request: To: the address is too long");
    }
    sip_uri_destroy(&uri);
    return error;
}

const struct binding *registrar_known(const struct registrar *registrar, size_t i)
{
    const struct sip_contact *contact = &registrar->asked.contacts[i];
    bool flow = registration_is_flow(&registrar->asked, i);
    return binding_find(registrar->server->bindings, registrar->aor_text, registrar->asked.uris[i],
                        flow ? contact->instance : (struct text){NULL, 0}, flow ? contact->reg_id : 0);
}

/* 10.3 step 7: a request that was overtaken by a later one of the same Call-ID changes nothing. */
static int check_order(struct registrar *registrar, const struct binding *binding)
{
    struct binding_view view;
    if (binding == NULL)
        return 0;
    binding_read(binding, &view);
    if (text_equal(view.call_id, sip_call_id(registrar->asked.request)) &&
        view.cseq >= sip_cseq(registrar->asked.request))
        return registration_refuse(&registrar->asked, SIP_SERVER_INTERNAL_ERROR, "CSeq out of order");
    return 0;
}

static int check_orders(struct registrar *registrar)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < registrar->asked.count; i++)
        error = check_order(registrar, registrar_known(registrar, i));
    const struct binding *binding =
        registrar->asked.star ? binding_first(registrar->server->bindings, registrar->aor_text) : NULL;
    for (; error == 0 && binding != NULL; binding = binding_next(registrar->server->bindings, binding))
        error = check_order(registrar, binding);
    return error;
}

/* The bytes of the AOR's bindings that the REGISTER leaves as they are. */
static size_t standing_size(const struct registrar *registrar)
{
    const struct binding *known[REGISTRATION_CONTACTS_MOST] = {NULL};
    size_t size = 0;
    for (size_t i = 0; i < registrar->asked.count; i++)
        known[i] = registrar_known(registrar, i);
    const struct binding *binding = binding_first(registrar->server->bindings, registrar->aor_text);
    for (; binding != NULL; binding = binding_next(registrar->server->bindings, binding)) {
        struct binding_view view;
        bool asked = false;
        for (size_t i = 0; i < registrar->asked.count; i++)
            asked |= known[i] == binding;
        binding_read(binding, &view);
        if (!asked)
            size += view.contact.length + view.instance.length + view.path.length + view.call_id.length +
                    view.parameters.length;
    }
    return size;
}

/* 10.3 step 7: all Contacts or none. What goes makes room for what comes. */
static int check_room(struct registrar *registrar)
{
    const struct server *server = registrar->server;
    const struct binding_limits *limits = &server->config.bindings;
    size_t most = limits->bindings_per_aor != 0 ? limits->bindings_per_aor : 32;
    size_t standing = 0, added = 0, removed = 0;
    const struct binding *binding = binding_first(server->bindings, registrar->aor_text);
    for (; binding != NULL; binding = binding_next(server->bindings, binding))
        standing++;
    for (size_t i = 0; i < registrar->asked.count; i++) {
        bool known = registrar_known(registrar, i) != NULL;
        added += registrar->asked.expires[i] > 0 && !known;
        removed += registrar->asked.expires[i] == 0 && known;
    }
    bool full = limits->bindings != 0 && binding_count(server->bindings) + added > limits->bindings + removed;
    if (added > 0 && (full || standing + added > most + removed))
        return registration_refuse(&registrar->asked, SIP_FORBIDDEN, "Too Many Bindings");
    return 0;
}

/* What the Contacts cost, less what those cost that they replace: a phone that registers again finds room always. */
static int check_cost(struct registrar *registrar)
{
    const struct server *server = registrar->server;
    struct binding_view view;
    size_t added = 0, removed = 0;
    source_id source = 0;
    for (size_t i = 0; i < registrar->asked.count; i++) {
        char parameters[REGISTRATION_PARAMETERS_MOST + 1];
        const struct binding *known = registrar_known(registrar, i);
        view = registrar_view(registrar, i, parameters, sizeof parameters);
        source = view.source;
        added += registrar->asked.expires[i] > 0 ? binding_cost(&view) : 0;
        if (known != NULL) {
            binding_read(known, &view);
            removed += binding_cost(&view);
        }
    }
    if (added <= removed || holdings_fit(&server->bindings_kept, source, added - removed))
        return 0;
    return refuse_as(registrar, REFUSAL_TOO_MANY_BINDINGS, SIP_SERVICE_UNAVAILABLE);
}

int registrar_read(struct registrar *registrar)
{
    int error = registration_check_extensions(&registrar->asked);
    if (error == 0)
        error = read_aor(registrar);
    if (error == 0)
        error = registration_read(&registrar->asked);
    if (error == 0)
        error = check_orders(registrar);
    if (error == 0)
        error = check_room(registrar);
    if (error == 0)
        error = registration_check_size(&registrar->asked, standing_size(registrar));
    return error == 0 ? check_cost(registrar) : error;
}
