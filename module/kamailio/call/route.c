// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/route.h"

#include <limits.h>
#include <string.h>

#include "core/code.h"
#include "kamailio/call/breadth.h"
#include "kamailio/call/peer.h"
#include "kamailio/flow/keeper.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/react.h"
#include "kamailio/base/stats.h"
#include "kamailio/policy/worker_policy.h"

/* sip_route_flows(): finds the targets of a request, and puts those that are called first into the destination set
   (3261-16.5, 5626 section 7). */

/* The return codes. Down to -3 they are those of lookup() in Kamailio's own registrar. */
enum { ROUTED = 1, ANSWERED = 0, NOBODY = -1, OTHER_METHODS = -2, FAILED = -3, ONLY_SENDER = -4, CHALLENGE = -5 };

enum { PLAIN_TARGET_ROOM = 2048 };

/* Without shared memory the call continues without a record: the present branches ring, and Kamailio alone handles
   them. */
struct call_room {
    struct call *call;
    bool private;
    bool beside; /* the targets are called together with those in the destination set */
};

static bool was_sent(void)
{
    const struct cell *t = tmb.t_gett();
    return t != NULL && t != T_UNDEFINED && call_first_branch(t) != NULL;
}

/* A request for one's own AOR, such as a subscription to message-summary, must not return to its sender, which would
   repeat it without end. A phone may still call itself. Without memory for the name, it may return. */
static void note_sender(struct call *call, struct sip_msg *msg)
{
    struct aor_names names;
    if (msg->REQ_METHOD == KSR_METHOD_INVITE || parse_from_header(msg) < 0 ||
        aor_names_read(&names, &get_from(msg)->uri) < 0)
        return;
    call->sender_aor = text_of_str(arena_copy(&call->arena, text_of_str(names.uri)));
    call->sender_flow = flow_of_source(&msg->rcv);
}

/* A function of the configuration runs while no branch that was sent is pending. */
static bool has_unsent(const struct call *call)
{
    const struct call_branch *branch = call->model.branches;
    while (branch != NULL && branch->has_final)
        branch = branch->next;
    return branch != NULL;
}

static bool begin_call(const struct route *route, size_t room, struct call_room *made)
{
    room += (size_t)route->names.uri.len;
    made->call = call_new(route->msg, route->role, room);
    made->private = made->call == NULL;
    if (made->private)
        made->call = call_new_private(room);
    struct call *call = made->call;
    struct caller caller = route->caller;
    if (call != NULL && (!was_sent() || call->model.max_breadth == 0))
        breadth_begin_call(call, route->msg, route->load);
    made->beside = call != NULL && has_unsent(call);
    if (call == NULL || call->branch_count > 0 || (was_sent() && call->table[0] != '\0'))
        return call != NULL; /* the call continues with more targets */
    memcpy(call->table, route->table, strlen(route->table) + 1);
    if (was_sent() && worker_policy_present()) /* whom the request hook has not asked about */
        caller_read(route->msg, route->table, &caller);
    if (!was_sent())
        note_sender(call, route->msg);
    call->of_peer = route->mark != NULL;
    call->model.aor = text_of_str(arena_copy(&call->arena, text_of_str(route->names.uri)));
    call->user = text_of_str(arena_copy(&call->arena, text_of(caller.user)));
    call->trunk = caller.trunk;
    call->registered = caller.registered;
    call->methods = route->method;
    call->policy_hash = route->policy_hash;
    call->model.keeps_share = route->hears_responses;
    call->model.bound_only = caller_is_bound(&caller, route->msg);
    call->model.may_recurse = route->verdict.recurse;
    call->model.ring_next_ms = route->verdict.next_after;
    return true;
}

static int send_status(struct sip_msg *msg, uint16_t status)
{
    str phrase = {(char *)code_phrase(status), (int)strlen(code_phrase(status))};
    if (slb.freply(msg, status, &phrase) < 0)
        ksr_log(LOG_ERROR, "sip_route_flows: the %u could not be sent", status);
    return ANSWERED;
}

static int answer_itself(struct sip_msg *msg, uint16_t status)
{
    stats_count(STAT_UNREACHABLE);
    return send_status(msg, status);
}

/* No request can be sent, because all targets rest: as after a 503 from each, the policy may name another one. */
static size_t put_others(const struct route *route, struct call *call)
{
    bool more = react_ask_exhausted(NULL, call, route->msg, NULL, NULL, SIP_SERVER_INTERNAL_ERROR);
    return more ? call_put_targets(route->msg, call, true, true) : 0;
}

/* Targets of a lower class wait. */
static int put_beside(const struct route *route, struct call *call, bool known)
{
    if (!was_sent() && shared_memory_is_scarce())
        return breadth_answer(route->msg, SIP_SERVICE_UNAVAILABLE);
    if (route->by_request_uri && !was_sent())
        call_keep_request_uri(route->msg, call);
    call_put_with_unsent(route->msg, call);
    return known ? ROUTED : NOBODY;
}

static int put_targets(const struct route *route, struct call_room *made, int added)
{
    bool first = !was_sent();
    uint16_t fail_status = 0;
    uint32_t refusal = 0;
    size_t put = 0;
    if (added > 0 && first && breadth_lacks_memory(made->call, route->msg))
        refusal = SIP_SERVICE_UNAVAILABLE;
    else if (added > 0)
        put = call_put_targets(route->msg, made->call, true, first);
    if (added > 0 && put == 0 && first && refusal == 0)
        refusal = call_refusal(&made->call->model);
    if (added > 0 && put == 0 && first && refusal == 0 && !made->private && route->mark == NULL) {
        put = put_others(route, made->call);
        fail_status = put == 0 ? made->call->model.fail_status : 0;
    }
    const int nobody = added == 0 && made->call->sender_left_out ? ONLY_SENDER : NOBODY;
    if (made->private)
        call_delete_private(made->call);
    if (refusal != 0)
        return breadth_answer(route->msg, refusal);
    if (fail_status != 0)
        return answer_itself(route->msg, fail_status);
    stats_count(put > 0 ? STAT_ROUTED : STAT_UNREACHABLE);
    return put > 0 ? ROUTED : nobody;
}

static int route_found(const struct route *route, const struct lookup *lookup, const str *aor)
{
    struct call_room made;
    if (lookup->count == 0) {
        stats_count(STAT_UNREACHABLE);
        lookup_report(lookup, aor, 0, false);
        return lookup->other_methods > 0 ? OTHER_METHODS : NOBODY;
    }
    if (!begin_call(route, targets_room(lookup), &made))
        return FAILED;
    const unsigned dead = made.call->dead_flows;
    const bool known = made.beside && targets_know(made.call, lookup);
    const size_t added = made.beside ? targets_add_beside(made.call, lookup, aor) : targets_add(made.call, lookup, aor);
    lookup_report(lookup, aor, made.call->dead_flows - dead, added > 0 || known);
    return made.beside ? put_beside(route, made.call, added > 0 || known) : put_targets(route, &made, (int)added);
}

static int route_aor(const struct route *route, const struct aor_names *names)
{
    struct lookup lookup;
    if (names->key.len == 0) {
        stats_count(STAT_UNREACHABLE);
        return NOBODY;
    }
    if (lookup_create(&lookup, route->table, &names->key, route->method) < 0)
        return FAILED;
    int result = route_found(route, &lookup, &names->uri);
    lookup_delete(&lookup);
    return result;
}

static int route_uri(const struct route *route, const str *uri)
{
    struct call_room made;
    if (!begin_call(route, PLAIN_TARGET_ROOM, &made))
        return FAILED;
    const int added = call_add_chosen_uri(made.call, uri);
    return made.beside ? put_beside(route, made.call, added > 0) : put_targets(route, &made, added);
}

/* The policy's verdict: the bindings of an AOR, or a URI; without either, the request's own AOR. */
static int route_by_verdict(const struct route *route)
{
    struct aor_names names;
    const struct script_verdict *verdict = &route->verdict;
    str uri = {(char *)verdict->uri, (int)strlen(verdict->uri)};
    bool elsewhere = verdict->kind == VERDICT_RELAY || verdict->kind == VERDICT_ROUTE;
    if (!elsewhere || uri.len == 0)
        return route_aor(route, &route->names);
    bool aor = verdict->kind == VERDICT_ROUTE && uri_is_own(&uri);
    return aor && aor_names_read(&names, &uri) == 0 ? route_aor(route, &names) : route_uri(route, &uri);
}

/* --- requests of peers --- */

/* 5626-5.3.c, 5626-7.g: with 430 the peer tries another flow and removes the binding, which is right only if this node
   knows that it cannot be reached. It may not know it, because it has just started. */
static int answer_peer(const struct route *route, bool is_dead)
{
    const bool invite = route->msg->REQ_METHOD == KSR_METHOD_INVITE;
    if (is_dead)
        return send_status(route->msg, SIP_FLOW_FAILED);
    return send_status(route->msg, invite ? SIP_REQUEST_TIMEOUT : SIP_TEMPORARILY_UNAVAILABLE);
}

static int refuse_peer(const struct route *route, const struct lookup *lookup)
{
    stats_count(STAT_UNREACHABLE);
    if (lookup->lost > 0)
        contact_drop(route->table, route->mark->aor_hash, &route->mark->ruid, FLOW_CLOSED);
    return answer_peer(route, lookup->known);
}

/* Sends the request over the flow of the binding that the peer has chosen; for an outbound flow as an edge does with a
   token, so that the peer learns that it is dead. */
static int route_of_peer(struct route *route)
{
    struct lookup lookup;
    stats_count(STAT_PEER_REQUESTS);
    if (lookup_binding(&lookup, route->table, route->mark) < 0)
        return FAILED;
    if (lookup.count == 0)
        return refuse_peer(route, &lookup);
    const flow_id flow = lookup.found->flow;
    route->role = lookup.found->reg_id != 0 && lookup.found->instance.len > 0 ? ROLE_EDGE : ROLE_PROXY;
    const int result = route_found(route, &lookup, &route->names.uri);
    lookup_delete(&lookup);
    return result == NOBODY ? answer_peer(route, flow != 0 && !flow_lives(flow)) : result;
}

static unsigned method_of(struct sip_msg *msg)
{
    bool in_dialog = parse_to_header(msg) == 0 && get_to(msg)->tag_value.len > 0;
    return in_dialog ? UINT_MAX : (unsigned)msg->REQ_METHOD;
}

/* RFC 5393: several bindings that lead back to this server would double the requests at each return, and
   Max-Forwards does not limit that. Some returns are intended: bob's calls are forwarded to carol, hers to dave. */
static bool has_come_round(struct sip_msg *msg)
{
    enum { TURNS_MOST = 5 };
    unsigned turns = 0;
    if (parse_headers(msg, HDR_EOH_F, 0) < 0)
        return false;
    for (const struct hdr_field *field = msg->headers; field != NULL; field = field->next) {
        const struct via_body *via = field->type == HDR_VIA_T ? field->parsed : NULL;
        for (; via != NULL; via = via->next)
            turns += check_self((str *)&via->host, via->port ? via->port : SIP_PORT, 0) == 1;
    }
    return turns >= TURNS_MOST;
}

/* 5393-4.a */
static int route_request(struct route *route)
{
    struct sip_msg *msg = route->msg;
    if (route->mark != NULL)
        return route_of_peer(route);
    if (!was_sent() && (has_come_round(msg) || breadth_is_loop(msg, route->load, &route->names.uri))) {
        stats_count(STAT_LOOPS);
        return answer_itself(msg, SIP_LOOP_DETECTED);
    }
    if (!was_sent() && !route_ask_policy(route))
        return route->challenges ? CHALLENGE : ANSWERED;
    return route_by_verdict(route);
}

/* In a failure route, targets are put as branches, and a new Request-URI only names their user: tm must not send the
   request to it, too. */
static bool take_request_uri(const struct route *route)
{
    const bool taken = route->by_request_uri && was_sent() && ruri_get_forking_state();
    if (taken)
        ruri_mark_consumed();
    return taken;
}

/* Nothing was found for another AOR in the Request-URI: the targets of an earlier call stay. */
static void keep_targets(const struct route *route, bool taken)
{
    struct call *call = route->by_request_uri ? call_of_message(route->msg) : NULL;
    const bool has_targets = call != NULL && has_unsent(call);
    if (has_targets && !was_sent())
        call_keep_request_uri(route->msg, call);
    if (taken && !has_targets)
        ruri_mark_new();
}

int sip_route_flows(struct sip_msg *msg, str *table, str *uri)
{
    char name[sizeof((struct call *)NULL)->table];
    struct peer_mark mark;
    struct route route = {
        .msg = msg, .table = name, .method = method_of(msg), .role = ROLE_PROXY, .by_request_uri = uri == NULL};
    if (msg->REQ_METHOD == KSR_METHOD_ACK || msg->REQ_METHOD == KSR_METHOD_CANCEL) {
        LM_DBG("ACK and CANCEL go where their INVITE went\n");
        return NOBODY;
    }
    if (table->len <= 0 || (size_t)table->len >= sizeof name) {
        ksr_log(LOG_ERROR, "sip_route_flows: \"%.*s\" is not the name of a table", table->len, table->s);
        return FAILED;
    }
    memcpy(name, table->s, (size_t)table->len);
    name[table->len] = '\0';
    if (aor_names_read(&route.names, uri != NULL ? uri : GET_RURI(msg)) < 0)
        return FAILED;
    route.mark = !was_sent() && peer_read_mark(msg, &mark) ? &mark : NULL;
    route.load = was_sent() && call_of_message(msg) != NULL ? NULL : breadth_load(msg);
    const bool taken = take_request_uri(&route);
    int result = route_request(&route);
    if (result < 0)
        keep_targets(&route, taken);
    load_leave(route.load);
    return result;
}
