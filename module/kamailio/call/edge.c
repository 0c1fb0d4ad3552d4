// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/edge.h"

#include "core/code.h"
#include "flow/load.h"
#include "kamailio/call/breadth.h"
#include "kamailio/call/call.h"
#include "kamailio/call/forced.h"
#include "kamailio/call/seal.h"
#include "kamailio/flow/connection.h"
#include "kamailio/flow/flow_token.h"
#include "kamailio/flow/flows.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/noted.h"
#include "kamailio/base/stats.h"

/* The edge proxy. Tokens are in flow_token.c, Routes belong to the rr module. This code decides whether the flow is
   alive, and stores it with the transaction, so that the death of the flow is noticed at once. */

enum { OUTGOING = 2, FORWARDED = 1, ANSWERED = 0, NO_TOKEN = -1 };
enum token { TOKEN_NONE, TOKEN_FORGED, TOKEN_RIGHT, TOKEN_OF_SENDER };

struct token_place {
    bool in_route; /* and not in the Request-URI */
    bool sealed;   /* the seal of the Route shows the direction */
};

static rr_api_t rr; /* zeroed where rr is not loaded */

/* In Kamailio 5.6, not in 6.0, the module reads the secret as a string without its length: the key is the digest of
   nothing, the same in every such server, and anybody can make tokens (5626-5.2.a). */
static void warn_of_secret(void)
{
    const str *secret = module_parameter("outbound", "flow_token_secret", PARAM_STRING | PARAM_STR);
    if (secret != NULL && secret->s != NULL && secret->len == 0)
        ksr_log(LOG_WARNING, "modparam(\"outbound\", \"flow_token_secret\", ...) is not used by this version of "
                             "Kamailio's outbound module: its key is that of an empty text, and anybody can forge flow "
                             "tokens (5626-5.2.a). Leave it out: the key is then random");
}

int edge_start(void)
{
    if (module_has_outbound)
        warn_of_secret();
    if (find_export("load_rr", 0, 0) != NULL)
        load_rr_api(&rr);
    return 0;
}

/* --- the token --- */

static bool is_this_server(const struct ksr_sip_uri *uri)
{
    return check_self((str *)&uri->host, uri->port_no ? uri->port_no : SIP_PORT, 0) == 1;
}

/* The URI that would carry a token: a topmost Route that is this server, or a Request-URI that says ob. */
static bool token_uri(struct sip_msg *msg, struct ksr_sip_uri *uri, bool *in_route)
{
    if (parse_headers(msg, HDR_ROUTE_F, 0) < 0)
        return false;
    *in_route = msg->route != NULL;
    if (!*in_route) {
        if (parse_sip_msg_uri(msg) < 0)
            return false;
        *uri = msg->parsed_uri;
        return is_this_server(uri) && uri_has_ob(uri);
    }
    if (parse_rr(msg->route) < 0)
        return false;
    const rr_t *route = msg->route->parsed;
    return parse_uri(route->nameaddr.uri.s, route->nameaddr.uri.len, uri) >= 0 && is_this_server(uri);
}

static enum token read_token(struct sip_msg *msg, struct receive_info **flow, bool *in_route)
{
    struct ksr_sip_uri uri;
    if (!token_uri(msg, &uri, in_route) || uri.user.len <= 0)
        return TOKEN_NONE;
    const int result = ob.decode_flow_token(msg, flow, uri.user);
    if (result == FLOW_TOKEN_READ)
        return TOKEN_RIGHT;
    return result == FLOW_TOKEN_NONE && !uri_has_ob(&uri) ? TOKEN_NONE : TOKEN_FORGED;
}

static bool is_source(const struct receive_info *flow, const struct sip_msg *msg)
{
    const int connection = flow_token_connection(flow);
    return flow->src_port == msg->rcv.src_port && flow->proto == msg->rcv.proto &&
           (connection == CONNECTION_BY_ADDRESS || connection == msg->rcv.proto_reserved1) &&
           ip_addr_cmp((struct ip_addr *)&flow->src_ip, (struct ip_addr *)&msg->rcv.src_ip);
}

/* --- the flow --- */

/* A token of the outbound module has only addresses. A connection with these addresses may be a newer one. We cannot
   know that. We do know that the peer opened the connection, with the same transport and from that port. 0: not found.
 */
static flow_id stream_of(struct receive_info *flow)
{
    const int connection = flow_token_connection(flow);
    if (connection == CONNECTION_BY_ADDRESS)
        return flow_of_connection(connection_accepted(flow));
    return connection_serves(connection, flow, &flow->bind_address) ? flow_of_connection(connection) : 0;
}

/* The number of the flow if it is alive, as far as known; a UDP flow is alive unless it was marked. 0: it is dead. */
static flow_id living_flow(struct receive_info *flow)
{
    flow->bind_address = find_si(&flow->dst_ip, flow->dst_port, flow->proto);
    const flow_id id = transport_connects(transport_of_proto(flow->proto)) ? stream_of(flow) : flow_of_source(flow);
    return id != 0 && flow->bind_address != NULL && flow_lives(id) ? id : 0;
}

/* --- answers --- */

static int answer(struct sip_msg *msg, uint32_t status, enum stat stat)
{
    str phrase = {(char *)code_phrase(status), (int)strlen(code_phrase(status))};
    stats_count(stat);
    if (msg->REQ_METHOD != KSR_METHOD_ACK && slb.freply(msg, (int)status, &phrase) < 0)
        ksr_log(LOG_ERROR, "sip_flow_forward: the %u could not be sent", status);
    return ANSWERED;
}

static enum method method_of(const struct sip_msg *msg)
{
    return method_find(msg->first_line.u.request.method.s, (size_t)msg->first_line.u.request.method.len);
}

/* 5626-5.3.c */
static int answer_dead(struct sip_msg *msg)
{
    const struct facts facts = {
        .method = (uint8_t)method_of(msg), .role = ROLE_EDGE, .origin = ORIGIN_FLOW_DOWN, .on_flow = true};
    const struct decision decision = decide(&facts, &(struct state){0});
    stats_decision(&decision);
    pv_note_decision(msg, &decision);
    return answer(msg, decision.status, STAT_TOKENS_DEAD);
}

/* --- on its way --- */

/* With the URI that rr found for the flow, so that both use the same name. */
static bool fill_branch(struct call *call, struct sip_msg *msg, const struct receive_info *flow, flow_id id)
{
    if (call->branch_count == 0 && call_add_uri(call, GET_RURI(msg), 0) != 1)
        return false;
    struct ksr_branch *branch = call->branches[0];
    branch->destination = arena_copy(&call->arena, (struct text){msg->dst_uri.s, (size_t)msg->dst_uri.len});
    branch->socket = flow->bind_address;
    branch->model.target->flow = id;
    return branch->destination.s != NULL && target_next(call->model.targets, true) == branch->model.target;
}

/* Without memory the request is sent nevertheless, and tm's timer notices the death of the flow. */
static bool keep_record(struct sip_msg *msg, const struct receive_info *flow, flow_id id)
{
    enum { ROOM = 2048 };
    struct call *call = msg->REQ_METHOD != KSR_METHOD_ACK ? call_new(msg, ROLE_EDGE, ROOM) : NULL;
    if (call == NULL)
        return false;
    struct load *load = breadth_load(msg);
    breadth_begin_call(call, msg, load);
    load_leave(load);
    call->methods = msg->REQ_METHOD;
    struct step step = {.msg = msg, .first = true};
    call->step = &step;
    const bool filled = fill_branch(call, msg, flow, id);
    const bool put = filled && call_put_branch(call, call->branches[0]) == 0;
    if (filled && !put)
        ksr_log(LOG_ERROR, "sip_flow_forward: the flow cannot be put into the destination set");
    call->step = NULL;
    return put;
}

/* Does for a token in the Request-URI what loose_route() does for a Route. */
static bool set_way(struct sip_msg *msg, const struct receive_info *flow)
{
    char text[96];
    bool bracketed = flow->src_ip.af == AF_INET6;
    str uri = {text, snprintf(text, sizeof text, "sip:%s%s%s:%u%s", bracketed ? "[" : "",
                              ip_addr2a((struct ip_addr *)&flow->src_ip), bracketed ? "]" : "", flow->src_port,
                              proto_uri_parameter(flow->proto))};
    set_force_socket(msg, flow->bind_address);
    ruri_mark_new();
    return set_dst_uri(msg, &uri) == 0;
}

/* With a seal, the direction is known, and the token is not needed any more. The rr module knows a connection by its
   addresses alone, and finds no socket for one behind a load balancer. */
static bool follow_route(struct sip_msg *msg, const struct receive_info *flow, bool sealed)
{
    enum { BY_TOKEN = RR_OB_DRIVEN };
    if (sealed || flow_token_connection(flow) != CONNECTION_BY_ADDRESS)
        return seal_loose_route(msg) != RR_ERROR && set_way(msg, flow);
    return rr.loose_route(msg) == BY_TOKEN;
}

static int forward(struct sip_msg *msg, const struct receive_info *flow, flow_id id, const struct token_place *place)
{
    if (place->in_route ? !follow_route(msg, flow, place->sealed) : !set_way(msg, flow)) {
        ksr_log(LOG_ERROR, "sip_flow_forward: the Route cannot be followed");
        return NO_TOKEN;
    }
    if (!keep_record(msg, flow, id) && transport_connects(transport_of_proto(flow->proto)))
        forced_first(msg);
    return FORWARDED;
}

/* The token cannot be read after a restart with another key. The seal then has the flow, if it is one over UDP. */
static enum token read_flow(struct sip_msg *msg, struct receive_info **flow, struct token_place *place)
{
    static struct receive_info recorded;
    const enum seal_way way = seal_way(msg, &recorded);
    place->sealed = way != SEAL_UNKNOWN;
    if (way == SEAL_FROM_PHONE)
        return TOKEN_OF_SENDER;
    enum token token = read_token(msg, flow, &place->in_route);
    if (token == TOKEN_FORGED && place->sealed) {
        *flow = &recorded;
        return TOKEN_RIGHT;
    }
    if (token == TOKEN_RIGHT && !place->sealed && is_source(*flow, msg))
        return TOKEN_OF_SENDER;
    return token;
}

int sip_flow_forward(struct sip_msg *msg)
{
    struct receive_info *flow;
    struct token_place place;
    if (ob.decode_flow_token == NULL || rr.loose_route == NULL) {
        LM_ERR("sip_flow_forward: outbound and rr are not both loaded\n");
        return NO_TOKEN;
    }
    enum token token = read_flow(msg, &flow, &place);
    struct receive_info way = {0}; /* the message keeps the last token that was read */
    if (token == TOKEN_NONE)
        return NO_TOKEN;
    if (token == TOKEN_FORGED)
        return answer(msg, SIP_FORBIDDEN, STAT_TOKENS_FORGED);
    if (token == TOKEN_OF_SENDER)
        return OUTGOING;
    if (breadth_of(msg) == 0 && msg->REQ_METHOD != KSR_METHOD_ACK)
        return breadth_answer(msg, SIP_MAX_BREADTH_EXCEEDED);
    way = *flow;
    flow_id id = living_flow(&way);
    return id == 0 ? answer_dead(msg) : forward(msg, &way, id, &place);
}
