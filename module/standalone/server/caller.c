// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/caller.h"
#include "standalone/server/allowance.h"
#include "standalone/server/branch.h"
#include "standalone/server/context.h"
#include "standalone/server/flows.h"
#include "standalone/server/server_private.h"
#include "standalone/address/own_side.h"
#include "sip/credentials.h"

/* --- trunks --- */

static struct text certified_trunk(const struct server *server, const struct peer *source)
{
    const struct wire *wire = server->config.wire;
    if (wire->trunk == NULL || !transport_is_secure(source->transport))
        return (struct text){NULL, 0};
    return wire->trunk(wire->context, source->connection);
}

struct text caller_trunk(const struct server *server, const struct peer *source)
{
    struct text trunk = certified_trunk(server, source);
    return trunk.length > 0 ? trunk : trunk_of_address(server->config.trunks, &source->address);
}

/* Requests that return through the server itself are charged to the source of the first one, if it is known. */
static bool is_own(const struct server *server, const union address *address)
{
    char host[64];
    size_t length = address_host(address, host, sizeof host);
    return server_is_own_host(server, (struct text){host, length});
}

/* The limits of a source do not hold for it: a trunk, an address of --trust, loopback, the server itself. */
static bool is_exempt(const struct server *server, const struct peer *source)
{
    const union address *address = &source->address;
    return source_is_loopback(address) || source_is_trusted(server->config.sources, address) ||
           caller_trunk(server, source).length > 0 || is_own(server, address);
}

/* --- requests that return through the server itself --- */

static struct load_request load_request_of(const struct sip_message *request)
{
    return (struct load_request){.call_id = sip_call_id(request),
                                 .from_tag = sip_from_tag(request),
                                 .method = sip_method_text(request),
                                 .cseq = sip_cseq(request)};
}

/* No source has the complement of another one's number (source_number.c). */
static source_id holder_of(const struct peer *source)
{
    const source_id id = source_of(&source->address);
    return transport_connects(source->transport) ? id : ~id;
}

source_id caller_holder(const struct server *server, const struct sip_message *request, const struct peer *source)
{
    source_id first = 0;
    struct branch_id id; /* what returns has this server's branch on top, which most requests have not */
    const struct load_request known = load_request_of(request);
    if (branch_read(sip_top_via(request)->branch, &id) && is_own(server, &source->address) &&
        load_find(server->loads, &known, &first) && first != 0)
        return first;
    return is_exempt(server, source) ? 0 : holder_of(source);
}

/* Whoever receives a request knows its branch, so the branch must have been sent to this server itself. */
const struct branch *caller_returned_branch(const struct server *server, const struct sip_message *request,
                                            const struct peer *source)
{
    const struct branch *branch = client_transaction_user_of(server->transactions, request);
    return branch != NULL && is_own(server, &source->address) && is_own(server, &branch->peer.address) ? branch : NULL;
}

/* --- registrations --- */

/* A binding that came through another proxy has no flow of the phone (3261-10.a), and proves nothing about it. */
static bool is_registered(const struct server *server, const struct sip_message *request, const struct peer *source)
{
    char aor[512];
    const flow_id flow = server_flow_of(server, source);
    int length = flow != 0 ? sip_aor(sip_from_uri(request), server->config.aor_case, aor, sizeof aor) : 0;
    if (length <= 0)
        return false;
    const struct binding *binding = binding_first(server->bindings, (struct text){aor, (size_t)length});
    for (; binding != NULL; binding = binding_next(server->bindings, binding)) {
        struct binding_view view;
        binding_read(binding, &view);
        if (view.flow == flow && view.expires_at > server->config.host->wall_s(server->config.host->context))
            return true;
    }
    return false;
}

void caller_determine(const struct server *server, const struct sip_message *request, const struct peer *source,
                      struct caller *caller)
{
    caller->user[0] = '\0';
    caller->right = CALLER_UNCHECKED;
    const struct branch *branch = caller_returned_branch(server, request, source);
    caller->source = branch != NULL ? branch->context->caller.source : *source;
    caller->trunk = branch != NULL ? branch->context->caller.trunk : caller_trunk(server, source);
    caller->registered = is_registered(server, request, source);
}

/* --- rights --- */

/* The From of one of the server's domains names the user who has to prove to be that user. */
static bool claims_user(const struct server *server, struct text from)
{
    struct sip_uri uri;
    bool own = sip_uri_create(&uri, from) == 0 && server_is_own_domain(server, &uri);
    sip_uri_destroy(&uri);
    return own;
}

static bool is_user_in(const struct server *server, const struct caller *caller, struct text from)
{
    char aor[512];
    int length = sip_aor(from, server->config.aor_case, aor, sizeof aor);
    const char *colon = length > 0 ? memchr(aor, ':', (size_t)length) : NULL;
    if (colon == NULL || caller->user[0] == '\0')
        return false;
    struct text name = {colon + 1, (size_t)length - (size_t)(colon + 1 - aor)};
    return text_equal(name, text_of(caller->user));
}

static enum caller_right right_of(const struct server *server, const struct sip_message *request,
                                  const struct caller *caller)
{
    const struct text from = sip_from_uri(request);
    if (!server->config.checks_callers || server_is_emergency(sip_request_uri(request)))
        return CALLER_UNCHECKED;
    if (caller->trunk.length > 0) /* a call that was forwarded may have a From of the server's own users */
        return CALLER_MAY_LEAVE;
    if (claims_user(server, from) && !is_user_in(server, caller, from))
        return CALLER_REFUSED;
    if (caller->user[0] != '\0')
        return CALLER_MAY_LEAVE;
    return server->config.refuses_foreign ? CALLER_REFUSED : CALLER_BOUND;
}

void caller_judge(const struct server *server, const struct sip_message *request, struct caller *caller)
{
    caller->right = (uint8_t)right_of(server, request, caller);
}

void caller_show(const struct caller *caller, struct script_call *call)
{
    call->user = text_of(caller->user);
    call->trunk = caller->trunk;
    call->registered = caller->registered;
}

/* --- credentials --- */

bool caller_consumes(const void *context, const struct sip_field *field)
{
    const char *what;
    struct sip_credentials credentials;
    const struct server *server = context;
    if (server->config.auth == NULL)
        return false;
    sip_credentials_read(field->value, &credentials, &what);
    return credentials.realm.length > 0 && server_is_own_name(server, credentials.realm);
}
