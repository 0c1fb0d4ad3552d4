// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* REGISTER (RFC 3261 section 10.3, RFC 5626 section 6, RFC 3327). All is checked before anything is stored. */

enum { CONTACTS_MOST = 32 };

struct registration {
    struct server *server;
    struct server_transaction *transaction;
    const struct sip_message *request;
    const struct peer *source;
    struct sip_contact contacts[CONTACTS_MOST];
    int64_t expires[CONTACTS_MOST]; /* s, as granted; 0: remove */
    size_t count;
    char aor[512];
    struct text aor_text;
    struct sip_buffer path;
    struct sip_buffer keys; /* canonical Contact URIs, one after the other */
    struct text uris[CONTACTS_MOST];
    bool star;
    bool first_hop;
    bool outbound; /* first hop, or `ob` in the first Path (5626-6.b) */
    bool supports_outbound;
    bool applied;    /* at least one Contact was bound as a flow */
    uint32_t status; /* to refuse with */
    const char *phrase;
    char fields[128];
};

static int refuse(struct registration *registration, uint32_t status, const char *phrase)
{
    registration->status = status;
    registration->phrase = phrase;
    return -EBADMSG;
}

static bool is_flow(const struct registration *registration, const struct sip_contact *contact)
{
    return registration->outbound && contact->reg_id != 0 && contact->instance.length > 0;
}

static int check_extensions(struct registration *registration)
{
    const struct sip_field *field;
    for (size_t i = 0; (field = sip_field(registration->request, HEADER_REQUIRE, i)) != NULL; i++) {
        struct text rest = field->value;
        while (rest.length > 0) {
            const char *comma = memchr(rest.at, ',', rest.length);
            struct text tag = {rest.at, comma != NULL ? (size_t)(comma - rest.at) : rest.length};
            rest.at += tag.length + (comma != NULL);
            rest.length -= tag.length + (comma != NULL);
            for (; tag.length > 0 && (*tag.at == ' ' || *tag.at == '\t'); tag.at++, tag.length--)
                ;
            while (tag.length > 0 && (tag.at[tag.length - 1] == ' ' || tag.at[tag.length - 1] == '\t'))
                tag.length--;
            if (tag.length == 0 || text_equal_nocase(tag, TEXT("path")) || text_equal_nocase(tag, TEXT("outbound")))
                continue;
            snprintf(registration->fields, sizeof registration->fields, "Unsupported: %.*s\r\n",
                     (int)(tag.length < 96 ? tag.length : 96), tag.at);
            return refuse(registration, SIP_BAD_EXTENSION, NULL);
        }
    }
    return 0;
}

static int read_aor(struct registration *registration)
{
    struct sip_uri uri;
    int error = sip_uri_create(&uri, sip_to_uri(registration->request));
    if (error != 0 || !text_equal_nocase(uri.scheme, TEXT("sip")))
        error = refuse(registration, SIP_UNSUPPORTED_URI_SCHEME, NULL);
    else if (uri.user.length == 0 || !server_is_own_domain(registration->server, &uri))
        error = refuse(registration, SIP_NOT_FOUND, NULL);
    else {
        int length = sip_uri_aor(&uri, registration->aor, sizeof registration->aor);
        registration->aor_text = (struct text){registration->aor, length > 0 ? (size_t)length : 0};
        error = length > 0 ? 0 : refuse(registration, SIP_BAD_REQUEST, "Address of record too long");
    }
    sip_uri_destroy(&uri);
    return error;
}

static int read_path(struct registration *registration)
{
    struct sip_value value;
    registration->path.host = registration->server->config.host;
    registration->first_hop = sip_via_count(registration->request) <= 1;
    registration->outbound = registration->first_hop;
    for (size_t i = 0; sip_value(registration->request, HEADER_PATH, i, &value); i++) {
        struct sip_uri uri;
        if (sip_uri_create(&uri, value.uri) != 0) {
            sip_uri_destroy(&uri);
            return refuse(registration, SIP_BAD_REQUEST, "Malformed Path");
        }
        if (i == 0)
            registration->outbound = uri.ob;
        sip_uri_destroy(&uri);
        if (i > 0)
            sip_append(&registration->path, TEXT(", "));
        sip_append(&registration->path, value.whole);
    }
    return registration->path.failed ? -ENOMEM : 0;
}

static int64_t granted(const struct registration *registration, const struct sip_contact *contact)
{
    const struct server_config *config = &registration->server->config;
    int64_t expires = contact->expires;
    if (expires < 0)
        expires = sip_expires(registration->request);
    if (expires < 0)
        expires = config->expires;
    return expires > config->expires_most ? config->expires_most : expires;
}

static int read_contact(struct registration *registration, const struct sip_value *value)
{
    const struct server_config *config = &registration->server->config;
    struct sip_contact *contact = &registration->contacts[registration->count];
    const char *what = NULL;
    if (text_equal(value->uri, TEXT("*"))) {
        registration->star = true;
        return 0;
    }
    if (registration->count == CONTACTS_MOST)
        return refuse(registration, SIP_BAD_REQUEST, "Too many Contacts");
    if (sip_contact_read(value, contact, &what) != 0)
        return refuse(registration, SIP_BAD_REQUEST, what);
    int64_t expires = granted(registration, contact);
    if (expires > 0 && expires < config->expires_least) {
        snprintf(registration->fields, sizeof registration->fields, "Min-Expires: %u\r\n", config->expires_least);
        return refuse(registration, SIP_INTERVAL_TOO_BRIEF, NULL);
    }
    registration->expires[registration->count++] = expires;
    return 0;
}

static int read_contacts(struct registration *registration)
{
    struct sip_value value;
    size_t i;
    for (i = 0; sip_value(registration->request, HEADER_CONTACT, i, &value); i++) {
        int error = read_contact(registration, &value);
        if (error != 0)
            return error;
    }
    if (registration->star && (i > 1 || sip_expires(registration->request) != 0))
        return refuse(registration, SIP_BAD_REQUEST, "Contact: * stands alone and with Expires: 0");
    return 0;
}

/* 5626-6.b and 6.d. */
static int check_flows(struct registration *registration)
{
    size_t living = 0;
    bool reg_id = false, wanted = false;
    for (size_t i = 0; i < registration->count; i++) {
        living += registration->expires[i] > 0;
        reg_id |= registration->contacts[i].reg_id != 0;
        wanted |= registration->contacts[i].reg_id != 0 && registration->contacts[i].instance.length > 0;
    }
    if (living > 1 && reg_id)
        return refuse(registration, SIP_BAD_REQUEST, "More than one Contact beside a reg-id");
    if (wanted && !registration->outbound && registration->supports_outbound)
        return refuse(registration, SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT, NULL);
    return 0;
}

/* The store compares Contact URIs byte by byte. */
static int canonical_uris(struct registration *registration)
{
    registration->keys.host = registration->server->config.host;
    size_t ends[CONTACTS_MOST];
    for (size_t i = 0; i < registration->count; i++) {
        char uri[1024];
        struct text text = registration->contacts[i].value.uri;
        int length = sip_uri_canonical(text, uri, sizeof uri);
        sip_append(&registration->keys, length > 0 ? (struct text){uri, (size_t)length} : text);
        ends[i] = registration->keys.length;
    }
    if (registration->keys.failed)
        return -ENOMEM;
    for (size_t i = 0; i < registration->count; i++) {
        size_t start = i > 0 ? ends[i - 1] : 0;
        registration->uris[i] = (struct text){registration->keys.bytes + start, ends[i] - start};
    }
    return 0;
}

static const struct binding *known_binding(const struct registration *registration, size_t i)
{
    const struct sip_contact *contact = &registration->contacts[i];
    bool flow = is_flow(registration, contact);
    return binding_find(registration->server->bindings, registration->aor_text, registration->uris[i],
                        flow ? contact->instance : (struct text){NULL, 0}, flow ? contact->reg_id : 0);
}

/* 10.3 step 7: a request that was overtaken by a later one of the same Call-ID changes nothing. */
static int check_order(struct registration *registration, const struct binding *binding)
{
    struct binding_view view;
    if (binding == NULL)
        return 0;
    binding_read(binding, &view);
    if (text_equal(view.call_id, sip_call_id(registration->request)) && view.cseq >= sip_cseq(registration->request))
        return refuse(registration, SIP_SERVER_INTERNAL_ERROR, "CSeq out of order");
    return 0;
}

static int check_orders(struct registration *registration)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < registration->count; i++)
        error = check_order(registration, known_binding(registration, i));
    const struct binding *binding =
        registration->star ? binding_first(registration->server->bindings, registration->aor_text) : NULL;
    for (; error == 0 && binding != NULL; binding = binding_next(registration->server->bindings, binding))
        error = check_order(registration, binding);
    return error;
}

static void tell_flow_up(struct registration *registration, const struct binding_view *view)
{
    char flow[96];
    struct server *server = registration->server;
    struct script_flow told = {.aor = view->aor, .instance = view->instance, .reg_id = view->reg_id};
    if (!policy_hears(server->policy, HOOK_FLOW_UP))
        return;
    told.flow = (struct text){flow, server_describe_flow(server, view->flow, flow, sizeof flow)};
    policy_on_flow(server->policy, HOOK_FLOW_UP, &told);
}

/* What else the Contact said is kept (5626-6.g): all but what has a member of its own. */
static struct text other_parameters(const struct sip_contact *contact, char *out, size_t size)
{
    static const char *const own[] = {"+sip.instance", "reg-id", "expires", "q"};
    struct text rest = contact->value.parameters;
    size_t length = 0;
    while (rest.length > 0) {
        size_t end = 1;
        bool quoted = false, known = false;
        for (; end < rest.length && (quoted || rest.at[end] != ';'); end++) {
            if (quoted && rest.at[end] == '\\' && end + 1 < rest.length)
                end++;
            else if (rest.at[end] == '"')
                quoted = !quoted;
        }
        struct text one = {rest.at, end};
        for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
            known |= sip_parameter(one, text_of(own[i]), NULL);
        if (!known && length + end < size) {
            memcpy(out + length, rest.at, end);
            length += end;
        }
        rest = (struct text){rest.at + end, rest.length - end};
    }
    return (struct text){out, length};
}

static void note_old_flow(struct server *server, const struct binding *known, flow_id flow)
{
    struct binding_view old;
    binding_read(known, &old);
    if (old.flow != flow)
        heirs_note(server, &old);
}

static int bind_one(struct registration *registration, size_t i)
{
    char parameters[512];
    struct server *server = registration->server;
    const struct sip_contact *contact = &registration->contacts[i];
    const struct binding *known = known_binding(registration, i);
    bool flow = is_flow(registration, contact);
    if (registration->expires[i] == 0) {
        if (known != NULL)
            binding_remove(server->bindings, known);
        return 0;
    }
    int64_t wall = server->config.host->wall_s(server->config.host->context);
    struct binding_view view = {.aor = registration->aor_text,
                                .contact = registration->uris[i],
                                .instance = contact->instance,
                                .path = {registration->path.bytes, registration->path.length},
                                .call_id = sip_call_id(registration->request),
                                .parameters = other_parameters(contact, parameters, sizeof parameters),
                                .reg_id = flow ? contact->reg_id : 0,
                                .cseq = sip_cseq(registration->request),
                                .q = (uint16_t)(contact->q < 0 ? 1000 : contact->q),
                                .expires_at = wall + registration->expires[i],
                                .registered_at = wall};
    if (flow && registration->path.length == 0)
        view.flow = peer_flow(registration->source);
    registration->applied |= flow;
    bool known_flow = view.flow == 0 || binding_first_on_flow(server->bindings, view.flow) != NULL;
    if (known != NULL)
        note_old_flow(server, known, view.flow);
    int error = flows_put_binding(server, &view, registration->source);
    if (error == 0 && !known_flow)
        tell_flow_up(registration, &view);
    return error;
}

/* 10.3 step 7: all Contacts or none. What goes makes room for what comes. */
static int check_room(struct registration *registration)
{
    const struct server *server = registration->server;
    const struct binding_limits *limits = &server->config.bindings;
    size_t most = limits->bindings_per_aor != 0 ? limits->bindings_per_aor : 32;
    size_t standing = 0, added = 0, removed = 0;
    const struct binding *binding = binding_first(server->bindings, registration->aor_text);
    for (; binding != NULL; binding = binding_next(server->bindings, binding))
        standing++;
    for (size_t i = 0; i < registration->count; i++) {
        bool known = known_binding(registration, i) != NULL;
        added += registration->expires[i] > 0 && !known;
        removed += registration->expires[i] == 0 && known;
    }
    bool full = limits->bindings != 0 && binding_count(server->bindings) + added > limits->bindings + removed;
    if (added > 0 && (full || standing + added > most + removed))
        return refuse(registration, SIP_FORBIDDEN, "Too Many Bindings");
    return 0;
}

static int bind_all(struct registration *registration, bool living)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < registration->count; i++) {
        if ((registration->expires[i] > 0) == living)
            error = bind_one(registration, i);
    }
    return error;
}

static int store_bindings(struct registration *registration)
{
    if (registration->star)
        binding_remove_aor(registration->server->bindings, registration->aor_text);
    bind_all(registration, false);
    int error = bind_all(registration, true);
    if (error == -ENOSPC)
        return refuse(registration, SIP_FORBIDDEN, "Too Many Bindings");
    return error;
}

static void list_binding(const struct binding_view *view, int64_t wall, struct sip_buffer *fields)
{
    char q[16];
    sip_append(fields, TEXT("Contact: <"));
    sip_append(fields, view->contact);
    sip_append(fields, TEXT(">"));
    if (view->instance.length > 0) {
        sip_append(fields, TEXT(";+sip.instance=\"<"));
        sip_append(fields, view->instance);
        sip_append(fields, TEXT(">\""));
    }
    if (view->reg_id != 0) {
        sip_append(fields, TEXT(";reg-id="));
        sip_append_number(fields, view->reg_id);
    }
    if (view->q != 1000) {
        snprintf(q, sizeof q, ";q=0.%03u", view->q);
        sip_append(fields, text_of(q));
    }
    sip_append(fields, view->parameters);
    sip_append(fields, TEXT(";expires="));
    sip_append_number(fields, view->expires_at > wall ? (uint64_t)(view->expires_at - wall) : 0);
    sip_append(fields, TEXT("\r\n"));
}

static void list_bindings(const struct registration *registration, struct sip_buffer *fields)
{
    const struct host *host = registration->server->config.host;
    int64_t wall = host->wall_s(host->context);
    const struct binding *binding = binding_first(registration->server->bindings, registration->aor_text);
    for (; binding != NULL; binding = binding_next(registration->server->bindings, binding)) {
        struct binding_view view;
        binding_read(binding, &view);
        list_binding(&view, wall, fields);
    }
}

/* 5626-6.e and 6.h: Require: outbound exactly where it was asked for and applied; Flow-Timer with it (5626-5.4.c). */
static void add_outbound(const struct registration *registration, struct sip_buffer *fields)
{
    uint32_t flow_timer = registration->server->config.flow_timer;
    if (!registration->applied || !registration->supports_outbound)
        return;
    sip_append(fields, TEXT("Require: outbound\r\n"));
    if (flow_timer == 0 || !registration->first_hop)
        return;
    sip_append(fields, TEXT("Flow-Timer: "));
    sip_append_number(fields, flow_timer);
    sip_append(fields, TEXT("\r\n"));
}

static void confirm(struct registration *registration)
{
    struct server *server = registration->server;
    struct sip_buffer fields = {.host = server->config.host};
    list_bindings(registration, &fields);
    if (registration->path.length > 0 && sip_has_option(registration->request, HEADER_SUPPORTED, TEXT("path"))) {
        sip_append(&fields, TEXT("Path: "));
        sip_append(&fields, (struct text){registration->path.bytes, registration->path.length});
        sip_append(&fields, TEXT("\r\n"));
    }
    sip_append(&fields, TEXT("Supported: path, outbound\r\n"));
    add_outbound(registration, &fields);
    struct own_answer own = {.status = fields.failed ? SIP_SERVER_INTERNAL_ERROR : SIP_OK};
    if (!fields.failed)
        own.fields = (struct text){fields.bytes, fields.length};
    answer(server, registration->transaction, &own);
    sip_buffer_destroy(&fields);
    server->counters.registered++;
}

static bool may_answer(const struct registration *registration, const struct script_verdict *verdict)
{
    struct facts facts = {.method = METHOD_REGISTER, .supports_outbound = registration->supports_outbound};
    for (size_t i = 0; i < registration->count; i++) {
        if (registration->contacts[i].reg_id != 0)
            facts.reg_id = registration->contacts[i].reg_id;
    }
    return verdict_may_answer(registration->server, &facts, verdict);
}

static enum script_outcome ask_policy(const struct registration *registration, const struct script_call *call,
                                      struct script_verdict *verdict)
{
    struct policy_hold hold;
    policy_take(registration->server->policy, sip_call_id(registration->request), &hold);
    enum script_outcome outcome = SCRIPT_NO_HOOK;
    if (policy_has_hook(&hold, HOOK_REGISTER))
        outcome = policy_on_register(&hold, call, verdict);
    policy_release(&hold);
    return outcome;
}

/* True where the policy has answered, or wants no answer. */
static bool policy_refused(struct registration *registration)
{
    char source[80];
    struct server *server = registration->server;
    struct script_verdict verdict = {0};
    size_t length = (size_t)snprintf(source, sizeof source,
                                     "%s:", registration->source->transport == TRANSPORT_TCP ? "tcp" : "udp");
    length += address_format(&registration->source->address, source + length, sizeof source - length);
    struct script_call call = {.request = registration->request,
                               .aor = registration->aor_text,
                               .source = {source, length},
                               .started_ms = server->config.host->now_ms(server->config.host->context)};
    enum script_outcome outcome = ask_policy(registration, &call, &verdict);
    server->counters.script_errors += outcome >= SCRIPT_ERROR;
    if (outcome != SCRIPT_VERDICT)
        return false;
    bool answers = verdict.kind == VERDICT_REPLY || verdict.kind == VERDICT_FAIL;
    if (answers && !may_answer(registration, &verdict))
        return false;
    server->counters.verdicts++;
    if (answers) {
        struct own_answer own = {.status = verdict.code, .phrase = text_of(verdict.phrase)};
        answer(server, registration->transaction, &own);
        return true;
    }
    if (verdict.kind == VERDICT_DROP)
        server_transaction_abandon(registration->transaction);
    return verdict.kind == VERDICT_DROP;
}

static int prepare(struct registration *registration)
{
    static int (*const steps[])(struct registration *) = {check_extensions, read_aor,       read_path,    read_contacts,
                                                          check_flows,      canonical_uris, check_orders, check_room};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int error = steps[i](registration);
        if (error != 0)
            return error;
    }
    return 0;
}

static void turn_down(struct registration *registration, int error)
{
    struct server *server = registration->server;
    if (error == -ENOMEM || registration->status == 0) {
        server->counters.memory++;
        registration->status = SIP_SERVER_INTERNAL_ERROR;
    }
    struct own_answer own = {.status = registration->status,
                             .phrase = text_of(registration->phrase),
                             .fields = text_of(registration->fields)};
    server->counters.register_refused++;
    answer(server, registration->transaction, &own);
}

void registrar_handle(struct server *server, struct server_transaction *transaction)
{
    struct registration registration = {.server = server,
                                        .transaction = transaction,
                                        .request = server_transaction_request(transaction),
                                        .source = server_transaction_source(transaction)};
    registration.supports_outbound = sip_has_option(registration.request, HEADER_SUPPORTED, TEXT("outbound"));
    int error = prepare(&registration);
    if (error == 0 && policy_refused(&registration)) {
        server->counters.register_refused++;
    } else {
        if (error == 0)
            error = store_bindings(&registration);
        if (error == 0)
            confirm(&registration);
        else
            turn_down(&registration, error);
    }
    sip_buffer_destroy(&registration.path);
    sip_buffer_destroy(&registration.keys);
}
