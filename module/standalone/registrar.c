// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/registrar_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* REGISTER (RFC 3261 section 10.3, RFC 5626 section 6, RFC 3327). All is checked before anything is stored. */

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
    const struct binding *known = registration_known(registration, i);
    bool flow = registration_is_flow(registration, contact);
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
        return registration_refuse(registration, SIP_FORBIDDEN, "Too Many Bindings");
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
    int error = registration_read(&registration);
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
