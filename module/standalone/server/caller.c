// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/caller.h"
#include "standalone/server/allowance.h"
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

bool caller_is_exempt(const struct server *server, const struct peer *source)
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
    const struct load_request known = load_request_of(request);
    if (is_own(server, &source->address) && load_find(server->loads, &known, &first) && first != 0)
        return first;
    return caller_is_exempt(server, source) ? 0 : holder_of(source);
}

static bool has_own_branch(const struct sip_value *via)
{
    struct text branch;
    struct branch_id id;
    return sip_parameter(via->parameters, TEXT("branch"), &branch) && branch_read(branch, &id);
}

static bool has_returned(const struct server *server, const struct sip_message *request, const struct peer *source)
{
    struct sip_value via;
    return is_own(server, &source->address) && sip_value(request, HEADER_VIA, 0, &via) && has_own_branch(&via);
}

static bool read_transport(struct text via, uint8_t *transport)
{
    enum { PREFIX = 8 }; /* SIP/2.0/ */
    for (unsigned i = 0; i < TRANSPORT_COUNT; i++) {
        const struct text name = text_of(transport_name(i));
        if (via.length > PREFIX + name.length && memcmp(via.at + PREFIX, name.at, name.length) == 0 &&
            via.at[PREFIX + name.length] == ' ') {
            *transport = (uint8_t)i;
            return true;
        }
    }
    return false;
}

/* 0: it is no port. */
static uint16_t read_port(struct text text)
{
    uint32_t port = 0;
    for (size_t i = 0; i < text.length && port <= UINT16_MAX; i++)
        port = text.at[i] >= '0' && text.at[i] <= '9' ? port * 10 + (uint32_t)(text.at[i] - '0') : UINT16_MAX + 1U;
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* What this server has added to the Via of the sender. */
static bool read_sender(const struct sip_value *via, struct peer *sender)
{
    struct text host, port = {NULL, 0};
    if (!sip_parameter(via->parameters, TEXT("received"), &host))
        return false;
    sip_parameter(via->parameters, TEXT("rport"), &port);
    return read_transport(via->whole, &sender->transport) && address_read(host, read_port(port), &sender->address);
}

/* The Vias are believed only if they name the source for which the first request counts: anybody can write them. */
static void find_first_source(const struct server *server, const struct sip_message *request, struct peer *source)
{
    source_id first = 0;
    struct sip_value via;
    struct peer sender = {0};
    const struct load_request known = load_request_of(request);
    if (!load_find(server->loads, &known, &first) || first == 0)
        return;
    for (size_t i = 0; sip_value(request, HEADER_VIA, i, &via) && has_own_branch(&via);)
        if (sip_value(request, HEADER_VIA, ++i, &via) && read_sender(&via, &sender) && holder_of(&sender) == first) {
            *source = sender;
            return;
        }
}

/* --- registrations --- */

/* A binding that came through another proxy has no flow of the phone (3261-10.a), and proves nothing about it. */
static bool is_registered(const struct server *server, const struct sip_message *request, const struct peer *source)
{
    char aor[512];
    const flow_id flow = server_flow_of(server, source);
    int length = flow != 0 ? sip_aor(sip_from_uri(request), aor, sizeof aor) : 0;
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
    caller->source = *source;
    caller->trunk = (struct text){NULL, 0};
    if (has_returned(server, request, source))
        find_first_source(server, request, &caller->source);
    else
        caller->trunk = caller_trunk(server, source);
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

static bool is_user_in(const struct caller *caller, struct text from)
{
    char aor[512];
    int length = sip_aor(from, aor, sizeof aor);
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
    if (claims_user(server, from) && !is_user_in(caller, from))
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
