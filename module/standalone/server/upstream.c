// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"

#include <errno.h>
#include <stdio.h>

/* What the caller hears: the best response, or one of our own (RFC 3261 16.7 steps 5 to 9). */

/* How long the registration that the response confirms lasts: the longest of its contacts. */
static uint32_t granted_s(const struct sip_message *response)
{
    struct sip_value value;
    struct sip_contact contact;
    const char *what;
    int64_t longest = 0, standard = sip_expires(response);
    struct sip_values values = sip_values(response, HEADER_CONTACT);
    while (sip_values_next(&values, &value)) {
        if (sip_contact_read(&value, &contact, &what) != 0)
            continue;
        int64_t expires = contact.expires >= 0 ? contact.expires : standard;
        longest = expires > longest ? expires : longest;
    }
    return longest < UINT32_MAX ? (uint32_t)longest : UINT32_MAX;
}

static bool is_registered_as_edge(const struct context *context, const struct sip_message *response)
{
    return context->way == WAY_OUTWARD && context->request != NULL && sip_method(context->request) == METHOD_REGISTER &&
           code_class(sip_status(response)) == CLASS_SUCCESS && edge_is_first_hop(context->request);
}

/* 5626-5.4.c: the flow is kept for the registration that it carries, though the bindings are another's. */
static void hold_flow(const struct context *context, const struct sip_message *response)
{
    const struct wire *wire = context->server->config.wire;
    const struct peer *source = server_transaction_source(context->transaction);
    if (source->transport != TRANSPORT_UDP && wire->hold != NULL && is_registered_as_edge(context, response))
        wire->hold(wire->context, source->connection, granted_s(response));
}

/* 5626-5.4.c: how often the user agent shall ping this flow is for its first hop to say. */
static void tell_flow_timer(const struct context *context, const struct sip_message *response,
                            struct sip_upward *upward, char *field, size_t size)
{
    uint32_t flow_timer = context->server->config.flow_timer;
    if (flow_timer == 0 || !is_registered_as_edge(context, response) ||
        !sip_has_option(response, HEADER_REQUIRE, TEXT("outbound")))
        return;
    snprintf(field, size, "Flow-Timer: %u\r\n", flow_timer);
    upward->left_out = HEADER_FLOW_TIMER;
    upward->fields = text_of(field);
}

int response_write_up(struct server *server, const struct sip_message *response, struct sip_upward *upward)
{
    upward->record_route = route_answer(server, response);
    sip_buffer_clear(&server->out);
    return server->routes.failed ? -ENOMEM : sip_forward_response(response, upward, &server->out);
}

void context_send_up(struct context *context, const struct sip_message *response, uint32_t status)
{
    struct server *server = context->server;
    char field[40];
    struct sip_upward upward = {.status = status};
    uint32_t sent = status != 0 ? status : sip_status(response);
    struct text bytes = {NULL, 0};
    tell_flow_timer(context, response, &upward, field, sizeof field);
    hold_flow(context, response);
    if (response_write_up(server, response, &upward) == 0)
        bytes = (struct text){server->out.bytes, server->out.length};
    else
        server->counters.memory++;
    /* A final that could not be written is as good as lost on the way, and the transaction ends all the same. */
    if (bytes.length > 0 || sent >= SIP_OK)
        server_transaction_respond(context->transaction, sent, bytes);
}

static bool is_challenge(uint32_t code)
{
    return code == SIP_UNAUTHORIZED || code == SIP_PROXY_AUTHENTICATION_REQUIRED;
}

/* 3261-16.7.h: the challenges of every other 401 and 407, unchanged and in the order they came. */
static void collect_challenges(const struct context *context, const struct branch *winner, struct sip_buffer *out)
{
    static const enum sip_header kinds[] = {HEADER_WWW_AUTHENTICATE, HEADER_PROXY_AUTHENTICATE};
    for (const struct branch *branch = context->branches; branch != NULL; branch = branch->next) {
        if (branch == winner || branch->response == NULL || !is_challenge(sip_status(branch->response)))
            continue;
        for (size_t kind = 0; kind < 2; kind++) {
            const struct sip_field *field;
            for (size_t at = 0; (field = sip_field_next(branch->response, kinds[kind], &at)) != NULL;)
                sip_append_field(out, field);
        }
    }
}

static void send_best(struct context *context, const struct branch *winner, const struct best *best)
{
    struct server *server = context->server;
    struct sip_buffer fields = {.host = server->config.host};
    struct sip_upward upward = {0};
    if (best->status != sip_status(winner->response))
        upward.status = best->status;
    if (best->merge)
        collect_challenges(context, winner, &fields);
    if (context->has_retry_after) {
        upward.left_out = HEADER_RETRY_AFTER;
        sip_append(&fields, TEXT("Retry-After: "));
        sip_append_number(&fields, context->retry_after);
        sip_append(&fields, TEXT("\r\n"));
    }
    upward.fields = (struct text){fields.bytes, fields.length};
    if (response_write_up(server, winner->response, &upward) == 0)
        server_transaction_respond(context->transaction, best->status,
                                   (struct text){server->out.bytes, server->out.length});
    else
        answer_status(server, context->transaction, SIP_SERVICE_UNAVAILABLE);
    sip_buffer_destroy(&fields);
}

static void send_own(struct context *context, uint32_t status)
{
    if (context->foreign && context->branches == NULL)
        server_refused(context->server, context->request, server_transaction_source(context->transaction),
                       REFUSAL_FOREIGN_DOMAIN, status, NULL);
    char field[40] = "";
    if (context->has_retry_after)
        snprintf(field, sizeof field, "Retry-After: %u\r\n", context->retry_after);
    struct own_answer own = {.status = status, .fields = text_of(field)};
    answer(context->server, context->transaction, &own);
}

enum { STORED_MOST = 128 };

/* The finals of all branches, newest first; a replaced branch's 430 and 408 are among them. */
static size_t gather(const struct context *context, struct stored_response stored[], struct branch *from[])
{
    size_t count = 0;
    for (struct branch *branch = context->branches; branch != NULL && count < STORED_MOST; branch = branch->next) {
        if (!branch->has_final || branch->code < SIP_OK)
            continue;
        stored[count] = (struct stored_response){.code = branch->code, .origin = branch->origin};
        from[count++] = branch;
    }
    return count;
}

static bool adds_targets(const struct script_verdict *verdict)
{
    return verdict->kind == VERDICT_RELAY || verdict->kind == VERDICT_ROUTE;
}

/* What a script wants when no target is left; true where it has found new ones. */
static bool carry_out(struct context *context, const struct script_verdict *verdict)
{
    if (adds_targets(verdict)) {
        context->may_recurse |= verdict->recurse;
        context_add_uri(context, verdict->uri[0] != '\0' ? text_of(verdict->uri) : context->aor);
        context_start_targets(context, true);
        return context_pending(context, NULL) > 0;
    }
    if (verdict->kind == VERDICT_FAIL)
        context->fail_status = verdict->code;
    if (verdict->kind == VERDICT_REST)
        rest_set(context->server, verdict_tenant(verdict), text_of(verdict->destination), verdict->seconds);
    if (verdict->kind == VERDICT_RETRY_AFTER) {
        context->retry_after = verdict->seconds;
        context->has_retry_after = true;
    }
    return false;
}

/* Marks a 408 that no server has sent as a timeout, so that the hook can tell it from a received one (3263-4.3.a). */
static void tell_timeout(const struct context *context, struct facts *facts)
{
    const struct branch *branch = context->branches;
    while (branch != NULL && (!branch->has_final || branch->origin != ORIGIN_TIMEOUT))
        branch = branch->next;
    if (branch == NULL || facts->code != SIP_REQUEST_TIMEOUT)
        return;
    facts->origin = ORIGIN_TIMEOUT;
    facts->provisional_seen = branch->provisional_seen;
}

static bool ask_exhausted(struct context *context, const struct best *best, const struct branch *winner)
{
    char source[80];
    struct script_verdict verdict = {0};
    struct facts facts = {.code = best->status, .method = (uint8_t)sip_method(context->request)};
    struct state state = {.cancelled = context->cancelled, .global_failure_seen = context->global_failure_seen};
    struct script_reply reply = {.message = winner != NULL ? winner->response : NULL,
                                 .facts = &facts,
                                 .state = &state,
                                 .branches = context->branches_made};
    if (reply.message != NULL)
        reply.source_number = source_of(&winner->peer.address);
    if (context->targets == NULL || !policy_has_hook(&context->hold, HOOK_EXHAUSTED))
        return false;
    if (winner == NULL)
        tell_timeout(context, &facts);
    struct script_call call = context_script_call(context, source, sizeof source);
    enum script_outcome outcome = policy_on_exhausted(&context->hold, &call, &reply, &verdict);
    context->server->counters.script_errors += outcome >= SCRIPT_ERROR;
    if (outcome != SCRIPT_VERDICT)
        return false;
    enum rule_id rule = verdict_guard_exhausted(&verdict, &facts, &state);
    if (rule != RULE_NONE) {
        verdict_refuse(context->server, &verdict, best->status, "it would break rule", rule);
        return false;
    }
    context->server->counters.verdicts++;
    return carry_out(context, &verdict);
}

void context_finish(struct context *context)
{
    struct stored_response stored[STORED_MOST];
    struct branch *from[STORED_MOST];
    struct branch *winner = NULL;
    if (context->final_forwarded || context->starting || context->transaction == NULL)
        return;
    enum method method = sip_method(context->request);
    struct best best = best_choose(method, stored, gather(context, stored, from));
    if (context->branches == NULL) /* nobody to ask */
        best.status = SIP_TEMPORARILY_UNAVAILABLE;
    if (best.index >= 0)
        winner = from[best.index];
    /* 5626-5.3.c: an edge has the one flow; that it is gone is for the authoritative proxy to know. */
    if (context->way == WAY_INWARD && context->branches != NULL && context->branches->has_final &&
        context->branches->code == SIP_FLOW_FAILED)
        context->fail_status = SIP_FLOW_FAILED;
    bool global = context->global_failure_seen && code_class(best.status) == CLASS_GLOBAL_FAILURE;
    if (context->fail_status == 0 && ask_exhausted(context, &best, winner))
        return;
    context->final_forwarded = true;
    timer_stop(&context->server->timers, &context->ring_next);
    if (context->fail_status != 0 && !global)
        send_own(context, context->fail_status);
    else if (winner != NULL && winner->response != NULL)
        send_best(context, winner, &best);
    else if (context->cancelled && method == METHOD_INVITE)
        send_own(context, SIP_REQUEST_TERMINATED);
    else if (best.status == 0)
        server_transaction_abandon(context->transaction);
    else
        send_own(context, best.status);
}
