// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"
#include "standalone/server/allowance.h"
#include "standalone/server/answer.h"
#include "standalone/server/branch.h"
#include "standalone/server/context.h"
#include "standalone/server/edge.h"
#include "standalone/server/passed.h"
#include "standalone/server/route.h"

#include <errno.h>
#include <stdio.h>

/* Forwards the response to the caller: the best one, or one that this server makes (RFC 3261 16.7 steps 5 to 9). */

/* The lifetime of the registration that the response confirms: the longest of its Contacts. */
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

/* 5626-5.4.c: the flow is kept for the registration over it, although another server has the bindings. */
static void note_registered(const struct context *context, const struct sip_message *response)
{
    const struct wire *wire = context->server->config.wire;
    const struct peer *source = server_transaction_source(context->transaction);
    if (!is_registered_as_edge(context, response))
        return;
    uint32_t seconds = granted_s(response);
    passed_note(context->server, context->request, source, seconds);
    if (transport_connects(source->transport) && wire->hold != NULL)
        wire->hold(wire->context, source->connection, seconds);
}

/* 5626-5.4.c: the first hop decides how often the user agent sends keep-alives on this flow. */
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

int response_write_up(struct server *server, const struct sip_message *response, const struct peer *from,
                      struct sip_upward *upward)
{
    upward->record_route = route_answer(server, response, from);
    sip_buffer_clear(&server->out);
    return server->routes.failed ? -ENOMEM : sip_forward_response(response, upward, &server->out);
}

void context_send_up(struct context *context, const struct sip_message *response, const struct peer *from,
                     uint32_t status)
{
    struct server *server = context->server;
    char field[40];
    struct sip_upward upward = {.status = status};
    uint32_t sent = status != 0 ? status : sip_status(response);
    struct text bytes = {NULL, 0};
    tell_flow_timer(context, response, &upward, field, sizeof field);
    note_registered(context, response);
    if (response_write_up(server, response, from, &upward) == 0)
        bytes = (struct text){server->out.bytes, server->out.length};
    else
        server->counters.memory++;
    /* A final response that could not be written counts as lost on the way, and the transaction ends nevertheless. */
    if (bytes.length > 0 || sent >= SIP_OK)
        server_transaction_respond(context->transaction, sent, bytes);
}

static bool is_challenge(uint32_t code)
{
    return code == SIP_UNAUTHORIZED || code == SIP_PROXY_AUTHENTICATION_REQUIRED;
}

/* 3261-16.7.h: the challenges of all other 401 and 407, unchanged and in the order of arrival. */
static void collect_challenges(const struct context *context, const struct branch *winner, struct sip_buffer *out)
{
    static const enum sip_header kinds[] = {HEADER_WWW_AUTHENTICATE, HEADER_PROXY_AUTHENTICATE};
    for (const struct branch *branch = context_first(context); branch != NULL; branch = branch_next(branch)) {
        if (branch == winner || branch->response == NULL || !is_challenge(sip_status(branch->response)))
            continue;
        for (size_t kind = 0; kind < 2; kind++) {
            const struct sip_field *field;
            for (size_t at = 0; (field = sip_field_next(branch->response, kinds[kind], &at)) != NULL;)
                sip_append_field(out, field);
        }
    }
}

static void relay_winner(struct context *context, const struct call_upstream *upstream)
{
    struct server *server = context->server;
    const struct branch *winner = branch_of(upstream->winner.branch);
    struct sip_buffer fields = {.host = server->config.host};
    struct sip_upward upward = {0};
    if (upstream->status != sip_status(winner->response))
        upward.status = upstream->status;
    if (upstream->merges)
        collect_challenges(context, winner, &fields);
    if (context->model.has_retry_after) {
        upward.left_out = HEADER_RETRY_AFTER;
        sip_append(&fields, TEXT("Retry-After: "));
        sip_append_number(&fields, context->model.retry_after);
        sip_append(&fields, TEXT("\r\n"));
    }
    upward.fields = (struct text){fields.bytes, fields.length};
    if (response_write_up(server, winner->response, NULL, &upward) == 0)
        server_transaction_respond(context->transaction, upstream->status,
                                   (struct text){server->out.bytes, server->out.length});
    else
        answer_status(server, context->transaction, SIP_SERVICE_UNAVAILABLE);
    sip_buffer_destroy(&fields);
}

static void send_own(struct context *context, uint32_t status)
{
    if (context->foreign && context->model.branches == NULL)
        server_refused(context->server, context->request, server_transaction_source(context->transaction),
                       REFUSAL_FOREIGN_DOMAIN, status, NULL);
    char field[40] = "";
    if (context->model.has_retry_after)
        snprintf(field, sizeof field, "Retry-After: %u\r\n", context->model.retry_after);
    struct own_answer own = {.status = status, .fields = text_of(field)};
    answer(context->server, context->transaction, &own);
}

void context_finish(struct context *context)
{
    if (context->model.final_forwarded || context->starting || context->transaction == NULL)
        return;
    const struct call_best best = call_best(&context->model);
    if (context_ask_exhausted(context, &best))
        return;
    const struct call_upstream upstream = call_choose(&context->model);
    context->model.final_forwarded = true;
    timer_stop(&context->server->timers, &context->ring_next);
    if (upstream.kind == UPSTREAM_RELAY)
        relay_winner(context, &upstream);
    else if (upstream.kind == UPSTREAM_OWN)
        send_own(context, upstream.status);
    else
        server_transaction_abandon(context->transaction);
}
