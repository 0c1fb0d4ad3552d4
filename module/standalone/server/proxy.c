// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"
#include "standalone/server/allowance.h"
#include "script/engine/judge.h"
#include "standalone/server/answer.h"
#include "standalone/server/authenticate.h"
#include "standalone/server/branch.h"
#include "standalone/server/context.h"
#include "standalone/address/destination.h"
#include "standalone/server/edge.h"
#include "standalone/server/flows.h"
#include "standalone/server/heirs.h"
#include "standalone/address/own_side.h"
#include "standalone/server/register.h"
#include "standalone/server/rest.h"
#include "standalone/server/route.h"
#include "standalone/server/verbose.h"

#include <errno.h>
#include <stdio.h>

/* The life of a request: the policy's verdict, its targets and its branches (RFC 3261 16.4 to 16.6, 16.10). */

enum { RETRY_AFTER_S = 10 };

static void ring_next_fires(struct timer *timer)
{
    struct context *context = TABLE_OWNER(timer, struct context, ring_next);
    call_start_beside(&context->model);
}

static struct context *context_new(struct server *server, struct server_transaction *transaction, const char *user)
{
    struct context *context = memory_new(server->config.host, sizeof *context);
    if (context == NULL)
        return NULL;
    context->server = server;
    context->transaction = transaction;
    context->request = server_transaction_request(transaction);
    context->holdings = server_transaction_holdings(transaction, &context->holder);
    if (context_enter_load(context, server_transaction_source(transaction)) != 0 ||
        timer_keep(&server->timers, &context->ring_next) != 0) {
        load_leave(context->model.load);
        memory_delete(server->config.host, context, sizeof *context);
        return NULL;
    }
    context->near.listener = server_transaction_source(transaction)->listener;
    context->back = server_response_peer(context->request, server_transaction_source(transaction),
                                         server->config.responses_to_source);
    caller_determine(server, context->request, server_transaction_source(transaction), &context->caller);
    memcpy(context->caller.user, user, strlen(user) + 1);
    context->cause = cause_hold(server_transaction_cause(transaction));
    context->model.host = &standalone_call_host;
    context->model.method = (uint8_t)sip_method(context->request);
    context->model.in_dialog = sip_to_tag(context->request).length > 0;
    context->model.started_ms = host_now_ms(server->config.host);
    context->ring_next.fire = ring_next_fires;
    policy_take(server->policy, sip_call_id(context->request), &context->hold);
    context->model.keeps_share = policy_has_hook(&context->hold, HOOK_RESPONSE);
    server_transaction_set_user(transaction, context);
    server->contexts++;
    return context;
}

static void context_delete(struct context *context)
{
    struct server *server = context->server;
    timer_give_back(&server->timers, &context->ring_next);
    for (struct branch *branch = context_first(context), *next; branch != NULL; branch = next) {
        next = branch_next(branch);
        branch_delete(branch);
    }
    target_set_delete(context->model.targets);
    load_leave(context->model.load);
    context_give_back(context);
    policy_release(&context->hold);
    cause_release(server->config.host, context->cause);
    memory_delete_text(server->config.host, context->model.aor);
    server->contexts--;
    memory_delete(server->config.host, context, sizeof *context);
}

/* The context exists as long as the request's transaction, or a branch that may still get an event. */
void context_forget_unused(struct context *context)
{
    if (context->transaction != NULL)
        return;
    for (const struct branch *branch = context_first(context); branch != NULL; branch = branch_next(branch)) {
        if (branch->transaction != NULL || branch->locating)
            return;
    }
    context_delete(context);
}

static void request_ended(void *user, struct server_transaction *transaction)
{
    struct context *context = user;
    (void)transaction;
    context->transaction = NULL;
    context->request = NULL;
    context->model.final_forwarded = true; /* or nothing can be forwarded any more */
    timer_stop(&context->server->timers, &context->ring_next);
    context_forget_unused(context);
}

static bool may_respond(void *server, const struct server_transaction *transaction, uint32_t status)
{
    const struct context *context = server_transaction_user(transaction);
    if (context != NULL)
        verbose_call_ended(context, status);
    return server_may_answer(server, server_transaction_request(transaction), server_transaction_source(transaction),
                             status);
}

const struct server_events context_events = {
    .may_respond = may_respond, .reopen = answer_reopen, .reopened = answer_reopened, .ended = request_ended};

void context_cancel_pending(struct context *context, const struct call_branch *except)
{
    call_seek_flows(&context->model);
    for (struct branch *branch = context_first(context); branch != NULL; branch = branch_next(branch)) {
        if (&branch->model == except || branch->model.has_final || branch->transaction == NULL)
            continue;
        branch_cancel(branch);
    }
}

struct script_call context_script_call(const struct context *context, char source_text[SOURCE_TEXT_MOST])
{
    const struct request_source source = peer_source(&context->caller.source);
    struct script_call call =
        request_view(context->request, context->model.aor, &source, context->model.started_ms, source_text);
    caller_show(&context->caller, &call);
    return call;
}

/* --- targets --- */

/* A request for one's own AOR, such as a subscription to message-summary, must not return to its sender, which would
   repeat it without end. A phone may still call itself. */
static int leave_out_sender(struct context *context)
{
    char aor[512];
    const struct peer *source = server_transaction_source(context->transaction);
    int length = sip_aor(sip_from_uri(context->request), context->server->config.aor_case, aor, sizeof aor);
    if (sip_method(context->request) == METHOD_INVITE || length <= 0)
        return 0;
    return target_leave_out(context->model.targets, (struct text){aor, (size_t)length},
                            server_flow_of(context->server, source));
}

static int need_targets(struct context *context)
{
    if (context->model.targets != NULL)
        return 0;
    int error = target_set_new(&context->model.targets, context->server->config.host);
    return error != 0 ? error : leave_out_sender(context);
}

int context_add_aor(struct context *context, struct text aor)
{
    int error = need_targets(context);
    return error != 0 ? error : target_add_aor(context->model.targets, context->server->bindings, aor);
}

/* The caller chooses the host of the Request-URI, also if the policy repeats it. */
static bool is_callers_host(const struct context *context, struct text host)
{
    struct sip_uri uri;
    bool same = sip_uri_create(&uri, sip_request_uri(context->request)) == 0 && sip_host_equal(uri.host, host);
    sip_uri_destroy(&uri);
    return same;
}

/* A URI of an own domain means its bindings; any other means itself. */
static int add_uri(struct context *context, struct text text, int q, bool by_policy)
{
    char aor[512];
    struct sip_uri uri;
    int error = need_targets(context);
    if (error != 0)
        return error;
    error = sip_uri_create(&uri, text);
    if (error == 0 && server_is_own_domain(context->server, &uri)) {
        int length = sip_uri_aor(&uri, context->server->config.aor_case, aor, sizeof aor);
        error = length < 0 ? length
                           : target_add_aor(context->model.targets, context->server->bindings,
                                            (struct text){aor, (size_t)length});
    } else if (error == 0) {
        struct target target = {
            .uri = text, .q = (uint16_t)q, .by_policy = by_policy && !is_callers_host(context, uri.host)};
        error = target_add(context->model.targets, &target);
        error = error == 0 ? 1 : error;
    }
    sip_uri_destroy(&uri);
    return error;
}

int context_add_uri(struct context *context, struct text uri)
{
    return add_uri(context, uri, 1000, true);
}

int context_add_contact(struct context *context, struct text uri, int q)
{
    if (context->model.bound_only && context_leaves(context, uri))
        return 0;
    return add_uri(context, uri, q, false);
}

bool context_leaves(const struct context *context, struct text uri)
{
    struct sip_uri parsed;
    bool own = sip_uri_create(&parsed, uri) == 0 && server_is_own_domain(context->server, &parsed);
    sip_uri_destroy(&parsed);
    return !own;
}

/* --- responses of this server --- */

static void reply(struct context *context, uint32_t status, struct text phrase)
{
    char field[40] = "";
    if (context->model.has_retry_after)
        snprintf(field, sizeof field, "Retry-After: %u\r\n", context->model.retry_after);
    struct own_answer own = {.status = status, .phrase = phrase, .fields = text_of(field)};
    context->model.final_forwarded = true;
    answer(context->server, context->transaction, &own);
}

static void refuse(struct context *context, uint32_t status, enum refusal reason)
{
    server_refused(context->server, context->request, server_transaction_source(context->transaction), reason, status,
                   NULL);
    reply(context, status, (struct text){NULL, 0});
}

/* 3261-16.3.a: an anonymous caller may have a password, too. */
static void refuse_caller(struct context *context)
{
    char fields[AUTH_CHALLENGE_SIZE];
    size_t length =
        context->caller.user[0] == '\0' && context->caller.trunk.length == 0
            ? answer_invite_credentials(context->server, context->request,
                                        server_transaction_source(context->transaction), fields, sizeof fields)
            : 0;
    const struct own_answer own = {.status = SIP_PROXY_AUTHENTICATION_REQUIRED, .fields = {fields, length}};
    if (length == 0) {
        refuse(context, SIP_FORBIDDEN, REFUSAL_UNAUTHENTICATED);
        return;
    }
    context->model.final_forwarded = true;
    answer(context->server, context->transaction, &own);
}

static void refuse_for_memory(struct context *context)
{
    context->server->counters.memory++;
    refuse(context, SIP_SERVICE_UNAVAILABLE, REFUSAL_MEMORY);
}

/* 5393-5.a, and the limits of what is in flight. A 503 with Retry-After would make the server rest for its own
   requests. */
static void refuse_unbegun(struct context *context)
{
    const struct sip_via *via = sip_top_via(context->request);
    uint32_t status = call_refusal(&context->model);
    if (status == 0) {
        refuse_for_memory(context);
    } else if (status == SIP_MAX_BREADTH_EXCEEDED) {
        refuse(context, status, REFUSAL_MAX_BREADTH);
    } else {
        context->model.has_retry_after = !server_is_own_address(context->server, via->host, via->port);
        context->model.retry_after = RETRY_AFTER_S;
        context->server->counters.overloaded++;
        refuse(context, status, REFUSAL_OVERLOAD);
    }
}

/* A failure reply of the policy is a refusal; so is dropping a request. */
static void note_policy_refusal(const struct context *context, uint32_t status)
{
    if (status == 0 || status >= SIP_BAD_REQUEST)
        server_refused(context->server, context->request, server_transaction_source(context->transaction),
                       REFUSAL_POLICY, status, NULL);
}

static void fork_out(struct context *context)
{
    call_start_more(&context->model);
    if (call_pending(&context->model, NULL) > 0)
        return;
    if (context->model.branches == NULL && call_refusal(&context->model) != 0)
        refuse_unbegun(context);
    else
        context_finish(context);
}

static void context_go_inward(struct context *context)
{
    context->way = WAY_INWARD;
    context->model.role = ROLE_EDGE;
}

/* --- one destination: inside a dialog, or by Route --- */

/* Not an open relay: a request for another domain, by whatever Route, must come over the flow of a registered user
   agent. */
static bool may_leave(const struct server *server, const struct peer *source)
{
    return binding_first_on_flow(server->bindings, server_flow_of(server, source)) != NULL;
}

/* The same for a new request: its sender must be authenticated where callers are checked. A trunk may not choose where
   this server sends its requests; a policy may. */
static bool may_choose(const struct context *context)
{
    if (context->caller.right == CALLER_UNCHECKED)
        return may_leave(context->server, server_transaction_source(context->transaction));
    return context->caller.right == CALLER_MAY_LEAVE && context->caller.user[0] != '\0';
}

enum dialog_way {
    DIALOG_NONE, /* no right to be relayed (3261-16.4.a) */
    DIALOG_FLOW, /* over a flow */
    DIALOG_HOP,  /* to the next Route or the Request-URI */
    DIALOG_GONE, /* the flow to the other side is gone, and there is no other way */
};

/* The flow of the other side by its bindings: that of the dialog, or one on which the same user agent has registered
   since; 0: nothing is known. The To of a request inside a dialog is the other side, whose AOR is known by it also
   after a restart. Somebody else may have a binding on the flow by now. */
static flow_id find_bound_flow(const struct server *server, const struct sip_message *request,
                               const struct route *route)
{
    char aor[512];
    struct former former = {.key = route->dialog.key, .owner = route->dialog.owners[route->to]};
    int length = former.owner != 0 ? sip_aor(sip_to_uri(request), server->config.aor_case, aor, sizeof aor) : 0;
    former.aor = (struct text){aor, length > 0 ? (size_t)length : 0};
    flow_id flow = heirs_find_owner(server, route->flow, &former);
    if (flow != 0 || binding_first_on_flow(server->bindings, route->flow) != NULL)
        return flow;
    former.aor.length = 0;
    return heirs_find(server, route->flow, &former);
}

/* A flow without a binding may still work. */
static bool find_dialog_peer(const struct server *server, const struct sip_message *request, const struct route *route,
                             struct peer *peer)
{
    const struct wire *wire = server->config.wire;
    flow_id bound = find_bound_flow(server, request, route);
    if (bound != 0 && bound != route->flow && peer_of_flow(server, bound, peer))
        return true;
    *peer = route->far;
    return flow_is_datagram(route->flow) || (route->flow != 0 && wire->connection(wire->context, route->flow, peer));
}

/* 3261-16.6.b: an outbound flow and that of an edge end with their connection (5626-5.3.c). Otherwise the next hop is
   called over a new one: of a phone as its Contact would be (3261-10.a), of a server or proxy also at an address. */
static bool may_reconnect(const struct route *route)
{
    const struct token_dialog *dialog = &route->dialog;
    enum transport transport = (enum transport)dialog->flows[route->to].transport;
    if (dialog->edge || dialog->outbound[route->to])
        return false;
    return dialog->owners[route->to] != 0 ? contact_may_be_called(route_hop(route), transport)
                                          : hop_may_be_called(route_hop(route), transport);
}

/* Where a request inside a dialog may be sent. To a next hop: if the seal names it, or if a registered user agent
   sends the request, which may send outside dialogs as well. */
static enum dialog_way dialog_way(const struct server *server, const struct sip_message *request,
                                  const struct route *route, const struct peer *source, struct peer *peer)
{
    if (!route->sealed)
        return DIALOG_NONE;
    bool may_hop = route->hop_sealed || may_leave(server, source);
    if (route->flow == 0 && !route->flow_lost)
        return may_hop ? DIALOG_HOP : DIALOG_NONE;
    if (find_dialog_peer(server, request, route, peer))
        return DIALOG_FLOW;
    return may_hop && may_reconnect(route) ? DIALOG_HOP : DIALOG_GONE;
}

/* A Route beyond this server's that the seal does not cover, or that cannot be read, is removed: the next hop trusts
   this server, and the Route could lead the request on to anywhere. */
static void drop_unsealed_routes(const struct server *server, const struct peer *source, enum dialog_way way,
                                 struct route *route)
{
    const bool unsealed = route->next.length > 0 && !route->hop_sealed && !may_leave(server, source);
    if ((way == DIALOG_FLOW && unsealed) || (way != DIALOG_NONE && route->malformed))
        route->dropped = UINT16_MAX;
}

static bool is_of_emergency_dialog(const struct sip_message *request)
{
    return server_is_emergency(sip_to_uri(request)) || server_is_emergency(sip_from_uri(request));
}

/* The flow of a dialog leads to the other side whatever the Routes beyond this server's are, which are removed. */
bool proxy_refuses_route(const struct server *server, const struct sip_message *request, const struct route *route,
                         const struct peer *source)
{
    struct peer peer;
    if (!route->malformed || server_is_emergency(sip_request_uri(request)))
        return false;
    if (sip_to_tag(request).length == 0 || route->token == ROUTE_TOKEN_INCOMING)
        return true;
    const enum dialog_way way = dialog_way(server, request, route, source, &peer);
    return way != DIALOG_FLOW && (way == DIALOG_NONE || !is_of_emergency_dialog(request));
}

static void send_by_hop(struct context *context, const struct route *route)
{
    if (branch_start(context, route) == NULL)
        refuse_unbegun(context);
}

static void refuse_gone(struct context *context)
{
    context->server->counters.tokens_gone++;
    refuse(context, SIP_FLOW_FAILED, REFUSAL_FLOW_GONE);
}

/* A URI of another scheme than sip: and sips:, such as tel: or urn:service:sos, names no server. */
static bool has_next_hop(const struct route *route)
{
    return route->next.length > 0 || sip_uri_is_sip(route->uri);
}

/* A connection may end while the request is on its way. A datagram flow does not: what it cannot deliver, a Contact
   behind the same address translation does not either. */
static bool may_fall_back(const struct context *context, const struct route *route, const struct peer *peer)
{
    bool may_hop = route->hop_sealed || may_leave(context->server, server_transaction_source(context->transaction));
    return transport_connects(peer->transport) && may_hop && has_next_hop(route) && may_reconnect(route);
}

static void send_in_dialog(struct context *context, const struct route *route, enum dialog_way way,
                           const struct peer *peer)
{
    const struct branch *branch = NULL;
    context->routes_dropped = (uint16_t)route->dropped;
    if (way == DIALOG_HOP) {
        send_by_hop(context, route);
        return;
    }
    if (route->dialog.edge && way == DIALOG_GONE) {
        refuse_gone(context);
        return;
    }
    if (route->dialog.edge)
        context_go_inward(context);
    if (way == DIALOG_FLOW)
        branch = branch_start_in_dialog(context, route, peer, may_fall_back(context, route, peer));
    else
        branch = branch_start_gone(context, route->uri);
    if (branch == NULL)
        refuse_unbegun(context);
}

/* --- what the policy wants --- */

static enum script_outcome ask(struct context *context, struct script_verdict *verdict)
{
    char source[SOURCE_TEXT_MOST];
    if (!policy_has_hook(&context->hold, HOOK_REQUEST))
        return SCRIPT_NO_HOOK;
    struct script_call call = context_script_call(context, source);
    enum script_outcome outcome = policy_on_request(&context->hold, &call, verdict);
    verdict_settle_challenge(context->server->config.host, &call, &outcome, verdict);
    context->server->counters.script_errors += outcome >= SCRIPT_ERROR;
    return outcome;
}

/* A policy that names the target has not seen the Route values beyond this server's. Those of a stranger are
   removed: the target trusts this server, and they could lead the request on to anywhere. */
static void drop_foreign_routes(struct context *context)
{
    if (context->stray || !may_choose(context))
        context->routes_dropped = UINT16_MAX;
}

static void route_verdict(struct context *context, const struct script_verdict *verdict, bool own)
{
    struct text aor = verdict->uri[0] != '\0' ? text_of(verdict->uri) : context->model.aor;
    drop_foreign_routes(context);
    context->foreign = !own && verdict->uri[0] == '\0';
    context->model.ring_next_ms = verdict->next_after;
    context->model.may_recurse = verdict->recurse;
    if (verdict->uri[0] != '\0')
        context_add_uri(context, aor);
    else
        context_add_aor(context, aor);
    fork_out(context);
}

/* Methods that are sent only inside a dialog, and INVITE, which may begin one. */
static bool is_in_dialog_method(enum method method)
{
    return method == METHOD_INVITE || method == METHOD_BYE || method == METHOD_UPDATE || method == METHOD_INFO ||
           method == METHOD_PRACK;
}

static bool may_be_sent_on(const struct context *context)
{
    bool in_dialog = sip_to_tag(context->request).length > 0;
    return in_dialog ? !context->stray : may_choose(context);
}

static void standard_way(struct context *context, const struct route *route, bool own)
{
    if (context->stray && is_in_dialog_method(sip_method(context->request))) {
        refuse(context, SIP_CALL_TRANSACTION_DOES_NOT_EXIST, REFUSAL_NO_DIALOG);
    } else if (context->server->config.edge) {
        refuse(context, SIP_FORBIDDEN, REFUSAL_RELAY_DENIED);
    } else if (own) {
        context_add_aor(context, context->model.aor);
        fork_out(context);
    } else if (!has_next_hop(route)) {
        refuse(context, SIP_UNSUPPORTED_URI_SCHEME, REFUSAL_SCHEME);
    } else if (context->model.bound_only) {
        refuse_caller(context);
    } else if (may_be_sent_on(context)) {
        send_by_hop(context, route);
    } else {
        bool registers = sip_method(context->request) == METHOD_REGISTER;
        refuse(context, SIP_FORBIDDEN, registers ? REFUSAL_FOREIGN_DOMAIN : REFUSAL_RELAY_DENIED);
    }
}

/* Forwards the request unchanged to the next hop that the policy names, and nowhere else. A Route beyond this
   server's is kept: that hop judges it, because it gave the Route to the user agent (Service-Route) or does not know
   it. */
static void forward_verdict(struct context *context, const struct route *route, struct text next_hop)
{
    context->way = WAY_OUTWARD;
    if (branch_start_by_policy(context, route->uri, next_hop) == NULL)
        refuse_unbegun(context);
}

static void carry_out(struct context *context, const struct route *route, bool own,
                      const struct script_verdict *verdict)
{
    context->server->counters.verdicts++;
    switch (verdict->kind) {
    case VERDICT_ROUTE:
        if (verdict->uri[0] == '\0' && (!has_next_hop(route) || (context->stray && !own)))
            standard_way(context, route, own); /* a URI that can have no bindings */
        else
            route_verdict(context, verdict, own);
        break;
    case VERDICT_RELAY:
        drop_foreign_routes(context);
        context->model.may_recurse = verdict->recurse;
        context_add_uri(context, text_of(verdict->uri));
        fork_out(context);
        break;
    case VERDICT_FORWARD:
        forward_verdict(context, route, text_of(verdict->uri));
        break;
    case VERDICT_REPLY:
    case VERDICT_FAIL:
        note_policy_refusal(context, verdict->code);
        reply(context, verdict->code, text_of(verdict->phrase));
        break;
    case VERDICT_DROP:
        note_policy_refusal(context, 0);
        context->model.final_forwarded = true;
        server_transaction_abandon(context->transaction);
        break;
    case VERDICT_CHALLENGE:
        context->model.final_forwarded = true;
        verdict_challenge(context->server, context->transaction, AUTH_PROXY);
        break;
    case VERDICT_REST:
        rest_set(context->server, verdict_tenant(verdict), text_of(verdict->destination), verdict->seconds);
        standard_way(context, route, own);
        break;
    default:
        standard_way(context, route, own);
    }
}

/* Whether the verdict sends the request to anything but bindings. */
static bool verdict_leaves(const struct context *context, const struct script_verdict *verdict)
{
    bool names = (verdict->kind == VERDICT_ROUTE || verdict->kind == VERDICT_RELAY) && verdict->uri[0] != '\0';
    return verdict->kind == VERDICT_FORWARD || (names && context_leaves(context, text_of(verdict->uri)));
}

/* An edge has no bindings. */
static bool is_for_edge(const struct script_verdict *verdict)
{
    return verdict->kind != VERDICT_ROUTE && verdict->kind != VERDICT_RELAY;
}

static void carry_out_or_refuse(struct context *context, const struct route *route, bool own,
                                const struct script_verdict *verdict)
{
    if (context->server->config.edge && !is_for_edge(verdict))
        refuse(context, SIP_FORBIDDEN, REFUSAL_RELAY_DENIED);
    else if (context->model.bound_only && verdict_leaves(context, verdict))
        refuse_caller(context);
    else
        carry_out(context, route, own, verdict);
}

static bool may_carry_out(const struct context *context, const struct script_verdict *verdict)
{
    const struct facts facts = {.method = (uint8_t)sip_method(context->request)};
    bool answers = verdict->kind == VERDICT_REPLY || verdict->kind == VERDICT_FAIL;
    return !answers || verdict_may_answer(context->server, &facts, verdict);
}

/* As large as a URI may be: the AOR is only looked up, so no store limits it. */
static bool set_aor(struct context *context, struct text uri)
{
    const struct host *host = context->server->config.host;
    size_t size = uri.length + 8;
    char *aor = memory_new(host, size);
    int length = aor != NULL ? sip_aor(uri, context->server->config.aor_case, aor, size) : -1;
    bool fine = length >= 0 && memory_copy(host, (struct text){aor, (size_t)length}, &context->model.aor);
    memory_delete(host, aor, size);
    return fine;
}

/* OPTIONS to the server itself goes nowhere, and tells whether the server is alive. The seal of a dialog is a right to
   be heard, but not to be sent where a policy may send authenticated users. */
static bool may_enter(struct context *context, bool to_server)
{
    caller_judge(context->server, context->request, &context->caller);
    const enum caller_right right = (enum caller_right)context->caller.right;
    bool sealed = context->model.in_dialog && !context->stray;
    context->model.bound_only = right == CALLER_BOUND || right == CALLER_REFUSED;
    return right != CALLER_REFUSED || sealed || (to_server && sip_method(context->request) == METHOD_OPTIONS);
}

static void new_request(struct context *context, const struct route *route, const struct sip_uri *uri)
{
    struct script_verdict verdict = {0};
    struct server *server = context->server;
    bool own = route->next.length == 0 && server_is_own_domain(server, uri);
    context->routes_dropped = (uint16_t)route->dropped;
    if (!set_aor(context, route->uri)) {
        refuse_for_memory(context);
        return;
    }
    if (!may_enter(context, own && uri->user.length == 0)) {
        refuse_caller(context);
        return;
    }
    enum script_outcome outcome = ask(context, &verdict);
    if (outcome == SCRIPT_VERDICT && may_carry_out(context, &verdict))
        carry_out_or_refuse(context, route, own, &verdict);
    else if (own && uri->user.length == 0 && sip_method(context->request) == METHOD_OPTIONS)
        reply(context, SIP_OK, (struct text){NULL, 0});
    else
        standard_way(context, route, own);
}

/* 5626-5.3: handles the token of a request. Returns true if that decides where it is sent. The token of the flow on
   which the request arrived gives no right, because everybody gets one by a REGISTER through the edge. */
static bool way_of_token(struct context *context, const struct route *route)
{
    struct server *server = context->server;
    context->routes_dropped = (uint16_t)route->dropped;
    if (route->token == ROUTE_TOKEN_INCOMING) {
        context_go_inward(context);
        if (branch_start_peer(context, route->uri, &route->peer) == NULL)
            refuse_unbegun(context);
        return true;
    }
    if (route->token == ROUTE_TOKEN_FORGED) {
        server->counters.tokens_forged++;
        refuse(context, SIP_FORBIDDEN, REFUSAL_TOKEN_FORGED);
    } else if (route->token == ROUTE_TOKEN_GONE) {
        refuse_gone(context);
    }
    return route->token == ROUTE_TOKEN_FORGED || route->token == ROUTE_TOKEN_GONE;
}

static void way_of(struct context *context, struct route *route, const struct sip_uri *uri)
{
    struct peer peer;
    struct server *server = context->server;
    const struct peer *source = server_transaction_source(context->transaction);
    bool in_dialog = sip_to_tag(context->request).length > 0;
    bool to_server = route->next.length == 0 && server_is_own_domain(server, uri);
    enum dialog_way way = in_dialog ? dialog_way(server, context->request, route, source, &peer) : DIALOG_NONE;
    bool has_way = way == DIALOG_HOP ? !to_server && has_next_hop(route) : way != DIALOG_NONE;
    context->stray = in_dialog && way == DIALOG_NONE;
    context->near = route->near;
    if (way_of_token(context, route))
        return;
    drop_unsealed_routes(server, source, way, route);
    if (has_way)
        send_in_dialog(context, route, way, &peer);
    else
        new_request(context, route, uri);
}

/* The status with which the Request-URI itself is refused, whatever a policy returns; 0: it is acceptable. `error`
   is that of sip_uri_create(). */
static uint32_t refusal_of_uri(struct server *server, const struct sip_uri *uri, int error, const struct peer *source)
{
    if (error == -EPROTONOSUPPORT)
        return 0;
    if (error == 0)
        return uri_is_served(uri, source) ? 0 : SIP_UNSUPPORTED_URI_SCHEME;
    server->counters.memory += error == -ENOMEM;
    return error == -ENOMEM ? SIP_SERVICE_UNAVAILABLE : SIP_BAD_REQUEST;
}

static enum refusal refusal_of_request_uri(uint32_t status)
{
    if (status == SIP_SERVICE_UNAVAILABLE)
        return REFUSAL_MEMORY;
    return status == SIP_BAD_REQUEST ? REFUSAL_MALFORMED : REFUSAL_SCHEME;
}

bool proxy_knows_dialog(const struct server *server, const struct sip_message *request, const struct route *route,
                        const struct peer *source)
{
    struct peer peer;
    return sip_to_tag(request).length > 0 && dialog_way(server, request, route, source, &peer) != DIALOG_NONE;
}

bool proxy_is_for_registrar(const struct server *server, const struct sip_message *request, const struct route *route,
                            const struct sip_uri *uri)
{
    return sip_method(request) == METHOD_REGISTER && route->next.length == 0 && !server->config.edge &&
           server_is_own_domain(server, uri);
}

void proxy_handle(struct server *server, struct server_transaction *transaction, struct route *route, const char *user)
{
    const struct sip_message *request = server_transaction_request(transaction);
    struct sip_uri uri;
    struct context *context;
    const struct peer *source = server_transaction_source(transaction);
    uint32_t status = refusal_of_uri(server, &uri, sip_uri_create(&uri, route->uri), source);
    if (status != 0) {
        server_refused(server, request, source, refusal_of_request_uri(status), status, NULL);
        answer_status(server, transaction, status);
    } else if (proxy_is_for_registrar(server, request, route, &uri)) {
        register_handle(server, transaction, user);
    } else if ((context = context_new(server, transaction, user)) == NULL) {
        server->counters.memory++;
        server_refused(server, request, source, REFUSAL_MEMORY, SIP_SERVICE_UNAVAILABLE, NULL);
        answer_status(server, transaction, SIP_SERVICE_UNAVAILABLE);
    } else {
        context->digest = branch_digest(server, request, route);
        if (sip_method(request) == METHOD_INVITE)
            answer_status(server, transaction, SIP_TRYING);
        way_of(context, route, &uri);
    }
    sip_uri_destroy(&uri);
}

/* RFC 3261 16.10. */
void proxy_cancel(struct context *context)
{
    if (context->model.final_forwarded || context->transaction == NULL)
        return;
    timer_stop(&context->server->timers, &context->ring_next);
    context_cancel_pending(context, NULL);
    call_cancel(&context->model);
    if (call_pending(&context->model, NULL) == 0)
        context_finish(context);
}

/* --- ACK for a 2xx: no transaction, no response (RFC 3261 16.11, 17.1.1.3) --- */

struct waiting_ack {
    struct server *server;
    struct sip_message *ack;
    struct peer source, peer;
    source_id holder; /* for whom its bytes count */
};

static size_t ack_cost(const struct sip_message *ack)
{
    return sizeof(struct waiting_ack) + sip_bytes(ack).length;
}

static void waiting_ack_delete(struct waiting_ack *waiting)
{
    struct server *server = waiting->server;
    holdings_remove(&server->acks_kept, waiting->holder, ack_cost(waiting->ack));
    sip_message_delete(waiting->ack);
    memory_delete(server->config.host, waiting, sizeof *waiting);
}

/* All that wait for one name wait for one lookup, so that nothing else limits them. Their room is apart from that of
   requests, so that calls that are established go on where new ones are refused. NULL: it is dropped. */
static struct waiting_ack *waiting_ack_new(struct server *server, const struct sip_message *ack,
                                           const struct peer *source)
{
    struct sip_fault fault;
    const struct host *host = server->config.host;
    const source_id holder = caller_holder(server, ack, source);
    struct waiting_ack *waiting =
        holdings_fit(&server->acks_kept, holder, ack_cost(ack)) ? memory_new(host, sizeof *waiting) : NULL;
    if (waiting == NULL)
        return NULL;
    *waiting = (struct waiting_ack){.server = server, .source = *source, .holder = holder};
    if (sip_message_new(&waiting->ack, host, sip_bytes(ack).at, sip_bytes(ack).length, NULL, &fault) != 0) {
        sip_message_delete(waiting->ack);
        memory_delete(host, waiting, sizeof *waiting);
        return NULL;
    }
    holdings_add(&server->acks_kept, holder, ack_cost(waiting->ack));
    return waiting;
}

/* Writes it to server->out. */
static bool ack_write(struct server *server, const struct sip_message *ack, const struct peer *source,
                      const struct peer *peer, const struct route *route)
{
    char via[VIA_MOST], received[64];
    int hops = sip_max_forwards(ack);
    struct sip_forward forward = {.request_uri = route->uri,
                                  .routes_dropped = route->dropped,
                                  .max_forwards = hops < 0 ? 70 : hops - 1,
                                  .rport = address_port(&source->address)};
    address_host(&source->address, received, sizeof received);
    forward.received = text_of(received);
    forward.consumes = caller_consumes;
    forward.consumes_context = server;
    forward.via.at = via;
    struct branch_id id = branch_draw(server->transactions, branch_digest(server, ack, route));
    forward.via.length = branch_via(server, peer, id, via, sizeof via);
    sip_buffer_clear(&server->out);
    return hops != 0 && sip_forward_request(ack, &forward, &server->out) == 0;
}

/* 3261-18.1.1.a: if no connection can be opened, the ACK is lost, and the next one, after a repeated 2xx, goes over
   UDP. */
static bool ack_prefers_stream(struct server *server, const struct cause *cause, const struct peer *near,
                               struct peer *peer)
{
    size_t length = server->out.length;
    if (!amplification_allows(&server->amplification, cause, peer, length) ||
        !peer_prefer_stream(server, near, length, peer))
        return false;
    server->counters.large_by_stream++;
    return true;
}

/* any_transport: the URI of the next hop leaves the transport to us. */
static void ack_send(struct server *server, const struct sip_message *ack, const struct peer *source, struct peer *peer,
                     const struct route *route, bool any_transport)
{
    struct cause cause = cause_of(source, sip_bytes(ack).length);
    if (!own_side_choose(server, peer) || !ack_write(server, ack, source, peer, route))
        return;
    if (any_transport && ack_prefers_stream(server, &cause, &route->near, peer) &&
        !ack_write(server, ack, source, peer, route))
        return;
    amplification_send(&server->amplification, &cause, peer, (struct text){server->out.bytes, server->out.length});
}

static void ack_located(void *again, const struct place *places, size_t count)
{
    struct waiting_ack *waiting = again;
    struct server *server = waiting->server;
    struct route route;
    struct sip_uri uri;
    route_read(server, waiting->ack, &waiting->source, &route);
    int error = sip_uri_create(&uri, route.next.length > 0 ? route.next : route.uri);
    if (error == 0 && count > 0) {
        waiting->peer = (struct peer){.transport = places[0].transport,
                                      .address = places[0].address,
                                      .named_by = source_that_names(server, &waiting->source)};
        if (peer_choose_listener(server, &route.near, &waiting->peer) && peer_connect(server, &waiting->peer, uri.host))
            ack_send(server, waiting->ack, &waiting->source, &waiting->peer, &route, uri.transport.length == 0);
    }
    sip_uri_destroy(&uri);
    waiting_ack_delete(waiting);
}

static void ack_locate(struct server *server, const struct sip_message *ack, const struct peer *source,
                       const struct sip_uri *uri)
{
    char host[LOCATE_HOST_SIZE];
    struct locate_query query;
    struct waiting_ack *waiting =
        uri_locate_query(server, uri, host, &query) ? waiting_ack_new(server, ack, source) : NULL;
    if (waiting == NULL) {
        server->counters.acks_dropped++;
        return;
    }
    query.selection = branch_selection(server, ack);
    if (server->config.wire->locate(server->config.wire->context, source, &query, ack_located, waiting) != 0) {
        server->counters.acks_dropped++;
        waiting_ack_delete(waiting);
    }
}

static void ack_by_hop(struct server *server, const struct sip_message *ack, const struct peer *source,
                       const struct route *route)
{
    struct sip_uri uri;
    struct peer peer;
    int error = sip_uri_create(&uri, route_hop(route));
    bool numeric = error == 0 && peer_of_uri(server, &uri, &route->near, &peer);
    peer.named_by = source_that_names(server, source);
    if (numeric && peer_connect(server, &peer, domain_to_prove(&uri, route->proven)))
        ack_send(server, ack, source, &peer, route, uri.transport.length == 0);
    else if (error == 0)
        ack_locate(server, ack, source, &uri);
    sip_uri_destroy(&uri);
}

/* An ACK of an unknown dialog is not relayed, whatever its Route (3261-16.4.a). No policy is called, because an ACK
   has neither transaction nor response. */
static void ack_drop(struct server *server, const struct sip_message *ack, const struct peer *source,
                     const struct route *route)
{
    static const enum refusal reasons[] = {[ROUTE_TOKEN_NONE] = REFUSAL_NO_DIALOG,
                                           [ROUTE_TOKEN_OUTGOING] = REFUSAL_NO_DIALOG,
                                           [ROUTE_TOKEN_INCOMING] = REFUSAL_NO_DIALOG,
                                           [ROUTE_TOKEN_GONE] = REFUSAL_FLOW_GONE,
                                           [ROUTE_TOKEN_FORGED] = REFUSAL_TOKEN_FORGED};
    server->counters.tokens_forged += route->token == ROUTE_TOKEN_FORGED;
    server->counters.tokens_gone += route->token == ROUTE_TOKEN_GONE;
    server->counters.acks_dropped++;
    server_refused(server, ack, source, route->malformed ? REFUSAL_MALFORMED : reasons[route->token], 0, NULL);
}

void proxy_forward_ack(struct server *server, const struct sip_message *ack, const struct peer *source)
{
    struct route route;
    struct peer peer;
    route_read(server, ack, source, &route);
    if (proxy_refuses_route(server, ack, &route, source)) {
        ack_drop(server, ack, source, &route);
        return;
    }
    if (route.token == ROUTE_TOKEN_INCOMING) {
        ack_send(server, ack, source, &route.peer, &route, false);
        return;
    }
    enum dialog_way way = dialog_way(server, ack, &route, source, &peer);
    drop_unsealed_routes(server, source, way, &route);
    switch (way) {
    case DIALOG_FLOW:
        ack_send(server, ack, source, &peer, &route, false);
        break;
    case DIALOG_HOP:
        ack_by_hop(server, ack, source, &route);
        break;
    case DIALOG_GONE:
        server->counters.acks_dropped++;
        break;
    default:
        ack_drop(server, ack, source, &route);
    }
}
