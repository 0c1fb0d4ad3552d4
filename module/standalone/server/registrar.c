// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/registrar_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* REGISTER (RFC 3261 section 10.3, RFC 5626 section 6, RFC 3327). All is checked before anything is stored. */

static void tell_flow_up(struct registrar *registrar, const struct binding_view *view)
{
    char flow[96];
    struct server *server = registrar->server;
    struct script_flow told = {.aor = view->aor, .instance = view->instance, .reg_id = view->reg_id};
    if (!policy_hears(server->policy, HOOK_FLOW_UP))
        return;
    told.flow = (struct text){flow, server_describe_flow(server, view->flow, flow, sizeof flow)};
    policy_on_flow(server->policy, HOOK_FLOW_UP, &told);
}

static void note_old_flow(struct server *server, const struct binding *known, flow_id flow)
{
    struct binding_view old;
    binding_read(known, &old);
    if (old.flow != flow)
        heirs_note(server, &old);
}

struct binding_view registrar_view(const struct registrar *registrar, size_t i, char *parameters, size_t size)
{
    const struct host *host = registrar->server->config.host;
    const struct registration *asked = &registrar->asked;
    const struct sip_contact *contact = &asked->contacts[i];
    const int64_t wall = host->wall_s(host->context);
    const union address *address = &registrar->source->address;
    return (struct binding_view){.aor = registrar->aor_text,
                                 .contact = asked->uris[i],
                                 .instance = contact->instance,
                                 .path = {asked->path.bytes, asked->path.length},
                                 .call_id = sip_call_id(asked->request),
                                 .parameters = registration_parameters(contact, parameters, size),
                                 .reg_id = registration_is_flow(asked, i) ? contact->reg_id : 0,
                                 .cseq = sip_cseq(asked->request),
                                 .q = (uint16_t)(contact->q < 0 ? 1000 : contact->q),
                                 .source = server_is_exempt(registrar->server, address) ? 0 : source_of(address),
                                 .expires_at = wall + asked->expires[i],
                                 .registered_at = wall};
}

static int bind_one(struct registrar *registrar, size_t i)
{
    char parameters[REGISTRATION_PARAMETERS_MOST + 1];
    struct server *server = registrar->server;
    const struct binding *known = registrar_known(registrar, i);
    bool flow = registration_is_flow(&registrar->asked, i);
    if (registrar->asked.expires[i] == 0) {
        if (known != NULL)
            binding_remove(server->bindings, known);
        return 0;
    }
    struct binding_view view = registrar_view(registrar, i, parameters, sizeof parameters);
    /* 3261-10.a. What came through a proxy was made on the proxy's connection, which is not the phone's flow. */
    if (registrar->asked.path.length == 0 && sip_via_count(registrar->asked.request) <= 1) {
        view.flow = peer_flow(registrar->source);
        view.transport = registrar->source->transport;
    }
    bool new_flow = flow && view.flow != 0 && !server_flow_is_outbound(server, view.flow);
    if (known != NULL)
        note_old_flow(server, known, view.flow);
    int error = flows_put_binding(server, &view, registrar->source);
    if (error == 0 && new_flow)
        tell_flow_up(registrar, &view);
    return error;
}

static int bind_all(struct registrar *registrar, bool living)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < registrar->asked.count; i++) {
        if ((registrar->asked.expires[i] > 0) == living)
            error = bind_one(registrar, i);
    }
    return error;
}

static int store_bindings(struct registrar *registrar)
{
    if (registrar->asked.star)
        binding_remove_aor(registrar->server->bindings, registrar->aor_text);
    bind_all(registrar, false);
    int error = bind_all(registrar, true);
    if (error == -ENOSPC)
        return registration_refuse(&registrar->asked, SIP_FORBIDDEN, "Too Many Bindings");
    return error;
}

static void list_binding(const struct binding_view *view, int64_t wall, struct sip_buffer *fields)
{
    struct registered_contact contact = {.uri = view->contact,
                                         .instance = view->instance,
                                         .parameters = view->parameters,
                                         .reg_id = view->reg_id,
                                         .q = view->q,
                                         .expires = view->expires_at > wall ? (uint64_t)(view->expires_at - wall) : 0};
    registration_list(&contact, fields);
}

static void list_bindings(const struct registrar *registrar, struct sip_buffer *fields)
{
    const struct host *host = registrar->server->config.host;
    int64_t wall = host->wall_s(host->context);
    const struct binding *binding = binding_first(registrar->server->bindings, registrar->aor_text);
    for (; binding != NULL; binding = binding_next(registrar->server->bindings, binding)) {
        struct binding_view view;
        binding_read(binding, &view);
        list_binding(&view, wall, fields);
    }
}

/* The bindings of this REGISTER alone: those that a user agent looks for in the answer. */
static void list_own_bindings(const struct registrar *registrar, struct sip_buffer *fields)
{
    const struct host *host = registrar->server->config.host;
    for (size_t i = 0; i < registrar->asked.count; i++) {
        struct binding_view view;
        const struct binding *binding = registrar->asked.expires[i] > 0 ? registrar_known(registrar, i) : NULL;
        if (binding == NULL)
            continue;
        binding_read(binding, &view);
        list_binding(&view, host->wall_s(host->context), fields);
    }
}

static struct own_answer write_confirmation(const struct registrar *registrar, bool all, struct sip_buffer *fields)
{
    sip_buffer_clear(fields);
    if (all)
        list_bindings(registrar, fields);
    else
        list_own_bindings(registrar, fields);
    registration_confirm(&registrar->asked, registrar->server->config.flow_timer, fields);
    if (fields->failed)
        return (struct own_answer){.status = SIP_SERVICE_UNAVAILABLE};
    return (struct own_answer){.status = SIP_OK, .fields = {fields->bytes, fields->length}};
}

/* 3261-10.3 step 8 wants all bindings in the answer. An address that may be forged gets them as far as its bytes go:
   its own, or, where it has only asked, none. */
static int confirm(struct registrar *registrar)
{
    struct server *server = registrar->server;
    struct registration *asked = &registrar->asked;
    struct sip_buffer fields = {.host = server->config.host};
    struct own_answer own = write_confirmation(registrar, true, &fields);
    int error = 0;
    if (!answer_is_allowed(server, registrar->transaction, &own)) {
        own = write_confirmation(registrar, false, &fields);
        server->counters.lists_shortened++;
        registrar->reason = REFUSAL_UNPROVED;
        if (asked->count == 0 && !asked->star)
            error = registration_refuse(asked, SIP_FORBIDDEN,
                                        "Forbidden: the list is too long for an address that has not answered yet");
    }
    if (error == 0) {
        answer(server, registrar->transaction, &own);
        server->counters.registered++;
        verbose_registered(registrar);
    }
    if (error == 0 && asked->count > 0)
        amplification_registered(&server->amplification, server_transaction_cause(registrar->transaction),
                                 registrar->source);
    sip_buffer_destroy(&fields);
    return error;
}

static bool may_answer(const struct registrar *registrar, const struct script_verdict *verdict)
{
    struct facts facts;
    registration_facts(&registrar->asked, &facts);
    return verdict_may_answer(registrar->server, &facts, verdict);
}

static enum script_outcome ask_policy(const struct registrar *registrar, const struct script_call *call,
                                      struct script_verdict *verdict)
{
    struct policy_hold hold;
    policy_take(registrar->server->policy, sip_call_id(registrar->asked.request), &hold);
    enum script_outcome outcome = SCRIPT_NO_HOOK;
    if (policy_has_hook(&hold, HOOK_REGISTER))
        outcome = policy_on_register(&hold, call, verdict);
    policy_release(&hold);
    return outcome;
}

/* True where the policy has answered, or wants no answer. */
static bool policy_refused(struct registrar *registrar)
{
    char source[80];
    struct server *server = registrar->server;
    struct script_verdict verdict = {0};
    size_t length = (size_t)snprintf(source, sizeof source, "%s:", transport_word(registrar->source->transport));
    length += address_format(&registrar->source->address, source + length, sizeof source - length);
    struct script_call call = {.request = registrar->asked.request,
                               .aor = registrar->aor_text,
                               .source = {source, length},
                               .started_ms = server->config.host->now_ms(server->config.host->context),
                               .source_number = source_of(&registrar->source->address)};
    enum script_outcome outcome = ask_policy(registrar, &call, &verdict);
    server->counters.script_errors += outcome >= SCRIPT_ERROR;
    if (outcome != SCRIPT_VERDICT)
        return false;
    bool answers = verdict.kind == VERDICT_REPLY || verdict.kind == VERDICT_FAIL;
    if (answers && !may_answer(registrar, &verdict))
        return false;
    server->counters.verdicts++;
    if (verdict.kind == VERDICT_DROP || (answers && verdict.code >= SIP_BAD_REQUEST))
        server_refused(server, registrar->asked.request, registrar->source, REFUSAL_POLICY, answers ? verdict.code : 0,
                       NULL);
    if (answers) {
        struct own_answer own = {.status = verdict.code, .phrase = text_of(verdict.phrase)};
        answer(server, registrar->transaction, &own);
        return true;
    }
    if (verdict.kind == VERDICT_DROP)
        server_transaction_abandon(registrar->transaction);
    return verdict.kind == VERDICT_DROP;
}

/* The phrase says more than the status where it goes on after the status' own phrase. */
static const char *detail_of(const struct registration *asked)
{
    const char *own = code_phrase(asked->status);
    size_t length = strlen(own);
    if (asked->phrase == NULL || strncmp(asked->phrase, own, length) != 0)
        return asked->phrase;
    return strncmp(asked->phrase + length, ": ", 2) == 0 ? asked->phrase + length + 2 : NULL;
}

static void turn_down(struct registrar *registrar, int error)
{
    struct server *server = registrar->server;
    if (error == -ENOMEM || registrar->asked.status == 0) {
        server->counters.memory++;
        registrar->reason = REFUSAL_MEMORY;
        registrar->asked.status = SIP_SERVICE_UNAVAILABLE;
    }
    if (registrar->reason == REFUSAL_COUNT)
        registrar->reason = refusal_of_registration(registrar->asked.status);
    server_refused(server, registrar->asked.request, registrar->source, registrar->reason, registrar->asked.status,
                   detail_of(&registrar->asked));
    struct own_answer own = {.status = registrar->asked.status,
                             .phrase = text_of(registrar->asked.phrase),
                             .fields = text_of(registrar->asked.fields)};
    server->counters.register_refused++;
    verbose_register_refused(registrar, registrar->asked.status);
    answer(server, registrar->transaction, &own);
}

void registrar_handle(struct server *server, struct server_transaction *transaction)
{
    const struct server_config *config = &server->config;
    const struct registration_limits limits = {config->expires, config->expires_least, config->expires_most};
    struct registrar registrar = {.server = server,
                                  .transaction = transaction,
                                  .source = server_transaction_source(transaction),
                                  .reason = REFUSAL_COUNT};
    registration_create(&registrar.asked, config->host, server_transaction_request(transaction), &limits);
    int error = registrar_read(&registrar);
    if (error == 0 && policy_refused(&registrar)) {
        server->counters.register_refused++;
    } else {
        if (error == 0)
            error = store_bindings(&registrar);
        if (error == 0)
            error = confirm(&registrar);
        if (error != 0)
            turn_down(&registrar, error);
    }
    registration_destroy(&registrar.asked);
}
