// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>

#include "call/registrar.h"
#include "standalone/server/register.h"
#include "standalone/server/server_private.h"
#include "standalone/server/allowance.h"
#include "standalone/server/answer.h"
#include "standalone/server/context.h"
#include "standalone/address/destination.h"
#include "standalone/server/flows.h"
#include "standalone/server/heirs.h"
#include "standalone/address/own_side.h"
#include "standalone/server/rest.h"
#include "standalone/server/verbose.h"

/* REGISTER: the standalone host of call/registrar.h. */

struct register_request {
    struct server *server;
    struct server_transaction *transaction;
    const struct peer *source;
    struct text aor;
    enum refusal reason; /* of a refusal, for the log; REFUSAL_COUNT: the one of the status */
    /* Of these, which take 15 kB, only what a REGISTER needs is ever touched. */
    char aor_bytes[512];
    struct caller caller;
    struct registration asked;
    struct registrar_store store;
    struct registrar registrar;
};

/* --- the request --- */

static int register_refuse_as(struct register_request *request, enum refusal reason, uint32_t status)
{
    request->reason = reason;
    return registration_refuse(&request->asked, status, NULL);
}

static int register_check_aor(struct register_request *request, const struct sip_uri *uri)
{
    if (!uri_is_served(uri, request->source))
        return register_refuse_as(request, REFUSAL_SCHEME, SIP_UNSUPPORTED_URI_SCHEME);
    if (!server_is_own_domain(request->server, uri))
        return register_refuse_as(request, REFUSAL_FOREIGN_DOMAIN, SIP_NOT_FOUND);
    if (uri->user.length == 0)
        return register_refuse_as(request, REFUSAL_NO_USER, SIP_NOT_FOUND);
    int length = sip_uri_aor(uri, request->server->config.aor_case, request->aor_bytes, sizeof request->aor_bytes);
    if (length <= 0)
        return registration_refuse(&request->asked, SIP_BAD_REQUEST, "Bad Request: To: the address is too long");
    request->aor = (struct text){request->aor_bytes, (size_t)length};
    return 0;
}

static int register_read_aor(struct register_request *request)
{
    struct sip_uri uri;
    struct text to = sip_to_uri(request->asked.request);
    int error = sip_uri_create(&uri, to);
    if (error == -EBADMSG)
        error = registration_refuse_field(&request->asked, "To", to.at, "the address is not a valid URI");
    else if (error == -EPROTONOSUPPORT)
        error = register_refuse_as(request, REFUSAL_SCHEME, SIP_UNSUPPORTED_URI_SCHEME);
    else if (error == 0)
        error = register_check_aor(request, &uri);
    sip_uri_destroy(&uri);
    return error;
}

/* 3261-10.3.b, whatever the Contacts are. */
static int register_check_user(struct register_request *request)
{
    static const struct text scheme = {"sip:", 4};
    struct text user = {request->aor.at + scheme.length, request->aor.length - scheme.length};
    if (request->server->config.auth == NULL || text_equal(user, text_of(request->caller.user)))
        return 0;
    request->reason = REFUSAL_OTHER_USER;
    return registration_refuse(&request->asked, SIP_FORBIDDEN, "Forbidden: the credentials are of another user");
}

static int register_read(struct register_request *request)
{
    int error = registration_check_extensions(&request->asked);
    if (error == 0)
        error = register_read_aor(request);
    if (error == 0)
        error = register_check_user(request);
    return error == 0 ? registration_read(&request->asked) : error;
}

/* --- the store --- */

static struct binding_view register_view(const struct register_request *request, size_t nth, char *parameters,
                                         size_t size)
{
    const struct registration *asked = &request->asked;
    const struct sip_contact *contact = &asked->contacts[nth];
    struct binding_view view = {.aor = request->aor,
                                .contact = contact->value.uri,
                                .instance = contact->instance,
                                .path = {asked->path.bytes, asked->path.length},
                                .call_id = sip_call_id(asked->request),
                                .parameters = registration_parameters(contact, parameters, size),
                                .reg_id = registration_is_flow(asked, nth) ? contact->reg_id : 0,
                                .cseq = sip_cseq(asked->request),
                                .q = (uint16_t)(contact->q < 0 ? 1000 : contact->q),
                                .socket = server_socket_number(request->source),
                                .source = caller_holder(request->server, request->asked.request, request->source),
                                .expires_at = request->store.now + asked->expires[nth],
                                .registered_at = request->store.now};
    /* 3261-10.a. What came through a proxy was made on the proxy's connection, which is not the phone's flow. */
    if (asked->path.length == 0 && asked->first_hop) {
        view.flow = peer_flow(request->source);
        view.transport = request->source->transport;
    }
    return view;
}

static void *aor_next(void *context, const void *binding, struct binding_view *view)
{
    const struct register_request *request = context;
    const struct binding_store *bindings = request->server->bindings;
    const struct binding *next =
        binding == NULL ? binding_first(bindings, request->aor) : binding_next(bindings, binding);
    if (next != NULL)
        binding_read(next, view);
    return (void *)next;
}

static int aor_put(void *context, size_t nth, void **binding)
{
    char parameters[REGISTRATION_PARAMETERS_MOST + 1];
    const struct register_request *request = context;
    struct binding_view view = register_view(request, nth, parameters, sizeof parameters), known;
    if (*binding != NULL) {
        binding_read(*binding, &known);
        if (known.flow != view.flow)
            heirs_note(request->server, &known);
    }
    const struct binding *put = *binding;
    int error = flows_put_binding(request->server, &view, request->source, false, &put);
    if (error == 0)
        *binding = (void *)put;
    return error == 0 ? 0 : -ENOMEM;
}

static int aor_remove(void *context, void *binding)
{
    const struct register_request *request = context;
    binding_remove(request->server->bindings, binding);
    return 0;
}

static bool aor_flow_is_outbound(void *context)
{
    const struct register_request *request = context;
    flow_id flow = peer_flow(request->source);
    return flow == 0 || server_flow_is_outbound(request->server, flow);
}

static void aor_open(struct register_request *request)
{
    const struct server *server = request->server;
    const struct binding_limits *limits = &server->config.bindings;
    size_t count = binding_count(server->bindings), most = limits->bindings != 0 ? limits->bindings : SIZE_MAX;
    request->store = (struct registrar_store){.context = request,
                                              .now = server->config.host->wall_s(server->config.host->context),
                                              .aor_most = limits->bindings_per_aor != 0 ? limits->bindings_per_aor : 32,
                                              .room = most == SIZE_MAX ? most
                                                      : most > count   ? most - count
                                                                       : 0,
                                              .next = aor_next,
                                              .insert = aor_put,
                                              .update = aor_put,
                                              .remove = aor_remove,
                                              .flow_is_outbound = aor_flow_is_outbound};
}

static size_t register_cost_of_others(struct register_request *request)
{
    size_t cost = 0;
    struct binding_view view;
    for (void *binding = NULL; (binding = aor_next(request, binding, &view)) != NULL;)
        cost += registrar_removes_other(&request->registrar, binding, &view) ? binding_cost(&view) : 0;
    return cost;
}

/* What the Contacts cost, less what the bindings cost that they replace: a phone that registers again always finds
   room. */
static int register_check_cost(struct register_request *request)
{
    const struct registrar *registrar = &request->registrar;
    size_t added = 0, removed = register_cost_of_others(request);
    source_id source = 0;
    for (size_t i = 0; i < request->asked.count; i++) {
        char parameters[REGISTRATION_PARAMETERS_MOST + 1];
        struct binding_view view = register_view(request, i, parameters, sizeof parameters);
        source = view.source;
        added += request->asked.expires[i] > 0 ? binding_cost(&view) : 0;
        removed += registrar->contacts[i].known != NULL ? binding_cost(&registrar->contacts[i].view) : 0;
    }
    if (added <= removed || holdings_fit(&request->server->bindings_kept, source, added - removed))
        return 0;
    return register_refuse_as(request, REFUSAL_TOO_MANY_BINDINGS, SIP_SERVICE_UNAVAILABLE);
}

static int register_store(struct register_request *request)
{
    aor_open(request);
    int error = registrar_plan(&request->registrar, &request->asked, &request->store);
    if (error == 0)
        error = register_check_cost(request);
    return error == 0 ? registrar_carry_out(&request->registrar) : error;
}

/* --- the answer --- */

static struct own_answer register_write(const struct register_request *request, bool own, struct sip_buffer *fields)
{
    sip_buffer_clear(fields);
    registrar_confirm(&request->registrar, own, request->server->config.flow_timer, fields);
    if (fields->failed)
        return (struct own_answer){.status = SIP_SERVICE_UNAVAILABLE};
    return (struct own_answer){.status = SIP_OK, .fields = {fields->bytes, fields->length}};
}

/* 3261-10.3 step 8 wants all bindings in the answer. An address that may be forged gets them as far as its bytes go:
   its own, or, where it has only asked, none. */
static int register_shorten(struct register_request *request, struct own_answer *own, struct sip_buffer *fields)
{
    *own = register_write(request, true, fields);
    request->server->counters.lists_shortened++;
    request->reason = REFUSAL_UNPROVED;
    if (request->asked.count > 0 || request->asked.star)
        return 0;
    return registration_refuse(&request->asked, SIP_FORBIDDEN,
                               "Forbidden: the list is too long for an address that has not answered yet");
}

static void register_tell_flow_up(const struct register_request *request)
{
    char flow[96];
    struct server *server = request->server;
    struct script_flow view;
    if (!policy_hears(server->policy, HOOK_FLOW_UP))
        return;
    struct text text = {flow, server_describe_flow(server, peer_flow(request->source), flow, sizeof flow)};
    if (registrar_flow_up(&request->registrar, request->aor, text, &view))
        policy_on_flow(server->policy, HOOK_FLOW_UP, &view);
}

static int register_confirm(struct register_request *request)
{
    struct server *server = request->server;
    struct sip_buffer fields = {.host = server->config.host};
    struct own_answer own = register_write(request, false, &fields);
    bool sent = answer_if_allowed(server, request->transaction, &own);
    int error = sent ? 0 : register_shorten(request, &own, &fields);
    if (error == 0) {
        if (!sent)
            answer(server, request->transaction, &own);
        server->counters.registered++;
        failures_end_of_sender(server, request->asked.request, request->source);
        verbose_registered(server, request->source, request->aor, request->asked.count);
    }
    if (error == 0 && request->asked.count > 0)
        amplification_registered(&server->amplification, server_transaction_cause(request->transaction),
                                 request->source);
    sip_buffer_destroy(&fields);
    return error;
}

/* True if the policy has answered, or wants no answer. */
static bool register_is_refused(struct register_request *request)
{
    char source[SOURCE_TEXT_MOST];
    struct server *server = request->server;
    const struct host *host = server->config.host;
    const struct request_source from = peer_source(&request->caller.source);
    struct script_call call =
        request_view(request->asked.request, request->aor, &from, host->now_ms(host->context), source);
    struct policy_hold hold;
    struct registrar_verdict asked;
    caller_show(&request->caller, &call);
    policy_take(server->policy, sip_call_id(request->asked.request), &hold);
    registrar_ask_policy(host, &request->asked, &hold, &call, &asked);
    policy_release(&hold);
    server->counters.script_errors += asked.outcome >= SCRIPT_ERROR;
    server->counters.verdicts += asked.stands;
    if (asked.refused != RULE_NONE)
        verdict_note_refused(server, &asked.verdict, asked.refused);
    if (asked.drops || (asked.answers && asked.verdict.code >= SIP_BAD_REQUEST))
        server_refused(server, request->asked.request, request->source, REFUSAL_POLICY,
                       asked.answers ? asked.verdict.code : 0, NULL);
    if (asked.answers)
        answer(server, request->transaction,
               &(struct own_answer){.status = asked.verdict.code, .phrase = text_of(asked.verdict.phrase)});
    else if (asked.drops)
        server_transaction_abandon(request->transaction);
    else if (asked.challenges)
        verdict_challenge(server, request->transaction, AUTH_REGISTRAR);
    return asked.answers || asked.drops || asked.challenges;
}

/* The phrase says more than the status where it goes on after the status' own phrase. */
static const char *register_detail(const struct registration *asked)
{
    const char *own = code_phrase(asked->status);
    size_t length = strlen(own);
    if (asked->phrase == NULL || strncmp(asked->phrase, own, length) != 0)
        return asked->phrase;
    return strncmp(asked->phrase + length, ": ", 2) == 0 ? asked->phrase + length + 2 : NULL;
}

static void register_turn_down(struct register_request *request, int error)
{
    struct server *server = request->server;
    struct registration *asked = &request->asked;
    registrar_refuse(asked, error);
    if (error == -ENOMEM) {
        server->counters.memory++;
        request->reason = REFUSAL_MEMORY;
    }
    if (request->reason == REFUSAL_COUNT)
        request->reason = refusal_of_registration(asked->status);
    server_refused(server, asked->request, request->source, request->reason, asked->status, register_detail(asked));
    struct own_answer own = {
        .status = asked->status, .phrase = text_of(asked->phrase), .fields = text_of(asked->fields)};
    /* Until it has been checked, the AOR is what the request has in To. */
    const struct text aor = request->aor.length > 0 ? request->aor : sip_to_uri(asked->request);
    verbose_register_refused(server, request->source, aor, asked->status);
    answer(server, request->transaction, &own);
}

void register_handle(struct server *server, struct server_transaction *transaction, const char *user)
{
    const struct server_config *config = &server->config;
    const struct registration_limits limits = {.expires_default = config->expires,
                                               .expires_least = config->expires_least,
                                               .expires_most = config->expires_most,
                                               .lengthens = config->expires_lengthened};
    struct register_request request;
    request.server = server;
    request.transaction = transaction;
    request.source = server_transaction_source(transaction);
    request.aor = (struct text){NULL, 0};
    request.reason = REFUSAL_COUNT;
    caller_determine(server, server_transaction_request(transaction), request.source, &request.caller);
    memcpy(request.caller.user, user, strlen(user) + 1);
    registration_create(&request.asked, config->host, server_transaction_request(transaction), &limits);
    int error = register_read(&request);
    bool refused = error == 0 && register_is_refused(&request);
    if (error == 0 && !refused) {
        error = register_store(&request);
        if (error == 0)
            error = register_confirm(&request);
        if (error == 0)
            register_tell_flow_up(&request);
    }
    if (error != 0)
        register_turn_down(&request, error);
    server->counters.register_refused += refused || error != 0;
    registration_destroy(&request.asked);
}
