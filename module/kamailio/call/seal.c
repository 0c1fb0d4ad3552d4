// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/seal.h"

#include "flow/token.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"
#include "kamailio/call/call.h"
#include "kamailio/flow/connection.h"
#include "kamailio/flow/key_ring.h"

static rr_api_t rr; /* zeroed where rr is not loaded */
static struct key_ring *ring;

int seal_start(void)
{
    if (find_export("load_rr", 0, 0) == NULL)
        return 0;
    load_rr_api(&rr);
    const char *path = module_config.route_keys;
    return key_ring_open(&ring, "route_keys", path != NULL ? path : module_config.token_keys, false);
}

/* NULL: rr is not loaded. */
static struct token_keys *seal_keys(void)
{
    return ring != NULL ? key_ring_keys(ring) : NULL;
}

static bool read_call_id(struct sip_msg *msg, struct text *call_id)
{
    if (parse_headers(msg, HDR_CALLID_F, 0) < 0 || msg->callid == NULL || msg->callid->body.len <= 0)
        return false;
    *call_id = (struct text){msg->callid->body.s, (size_t)msg->callid->body.len};
    return true;
}

/* The value of the parameter; empty if the URI lacks it. */
static struct text find_seal(const struct ksr_sip_uri *uri)
{
    static const struct text name = {"seal=", 5};
    struct text rest = {uri->params.s, uri->params.len > 0 ? (size_t)uri->params.len : 0};
    while (rest.length > 0) {
        const char *end = memchr(rest.at, ';', rest.length);
        size_t length = end != NULL ? (size_t)(end - rest.at) : rest.length;
        if (length > name.length && memcmp(rest.at, name.at, name.length) == 0)
            return (struct text){rest.at + name.length, length - name.length};
        size_t taken = end != NULL ? length + 1 : length;
        rest = (struct text){rest.at + taken, rest.length - taken};
    }
    return (struct text){NULL, 0};
}

static bool read_seal(struct sip_msg *msg, const struct ksr_sip_uri *uri, struct token_dialog *dialog)
{
    struct token_scope scope = {0};
    struct text seal = find_seal(uri);
    return seal.length > 0 && read_call_id(msg, &scope.call_id) && token_read_dialog(seal_keys(), seal, &scope, dialog);
}

static bool read_top_route(struct sip_msg *msg, rr_t **route, struct ksr_sip_uri *uri)
{
    if (parse_headers(msg, HDR_ROUTE_F, 0) < 0 || msg->route == NULL || parse_rr(msg->route) < 0)
        return false;
    *route = msg->route->parsed;
    return parse_uri((*route)->nameaddr.uri.s, (*route)->nameaddr.uri.len, uri) >= 0;
}

static bool top_route_is_sealed(struct sip_msg *msg, struct token_dialog *dialog)
{
    rr_t *route;
    struct ksr_sip_uri uri;
    return read_top_route(msg, &route, &uri) && read_seal(msg, &uri, dialog);
}

/* A strict router has put this server's Record-Route value into the Request-URI (RFC 3261 16.4). */
static bool request_uri_is_sealed(struct sip_msg *msg)
{
    struct token_dialog dialog;
    return parse_sip_msg_uri(msg) >= 0 && read_seal(msg, &msg->parsed_uri, &dialog);
}

/* --- the two sides of a dialog --- */

static struct text from_tag(struct sip_msg *msg)
{
    return parse_from_header(msg) == 0 ? text_of_str(get_from(msg)->tag_value) : (struct text){NULL, 0};
}

static struct text to_tag(struct sip_msg *msg)
{
    return parse_to_header(msg) == 0 ? text_of_str(get_to(msg)->tag_value) : (struct text){NULL, 0};
}

/* The seal contains a digest of the tag of the side that it calls the caller: the one whose request was recorded. */
static bool find_sender(struct sip_msg *msg, const struct token_dialog *dialog, enum token_side *sender)
{
    if (token_dialog_leads_to(seal_keys(), dialog, from_tag(msg)))
        *sender = TOKEN_CALLER;
    else if (token_dialog_leads_to(seal_keys(), dialog, to_tag(msg)))
        *sender = TOKEN_CALLEE;
    else
        return false;
    return true;
}

static void write_flow(const struct receive_info *from, struct token_flow *flow)
{
    *flow = (struct token_flow){.transport = (uint8_t)transport_of_proto(from->proto),
                                .address_length = (uint8_t)from->src_ip.len,
                                .local_port = from->dst_port,
                                .remote_port = from->src_port};
    memcpy(flow->local, from->dst_ip.u.addr, from->src_ip.len);
    memcpy(flow->remote, from->src_ip.u.addr, from->src_ip.len);
}

static void read_flow(const struct token_flow *flow, struct receive_info *to)
{
    memset(to, 0, sizeof *to);
    to->proto = transport_connects(flow->transport) ? PROTO_TCP : PROTO_UDP;
    to->dst_port = flow->local_port;
    to->src_port = flow->remote_port;
    ip_addr_read(flow->local, flow->address_length, &to->dst_ip);
    ip_addr_read(flow->remote, flow->address_length, &to->src_ip);
}

/* The token that the rr module writes into Record-Route: that of the flow on which the request came, or the one in the
   Route that leads to the phone. */
static void describe_phone(struct sip_msg *msg, struct token_dialog *dialog)
{
    enum { NO_TOKEN, OF_SOURCE, OF_ROUTE };
    rr_t *route;
    struct ksr_sip_uri uri;
    struct receive_info *flow = &msg->rcv;
    const int token = ob.use_outbound != NULL ? ob.use_outbound(msg) : NO_TOKEN;
    if (token != OF_SOURCE && token != OF_ROUTE)
        return;
    if (token == OF_ROUTE && (!read_top_route(msg, &route, &uri) || ob.decode_flow_token(msg, &flow, uri.user) != 0))
        return;
    const enum token_side phone = token == OF_SOURCE ? TOKEN_CALLER : TOKEN_CALLEE;
    dialog->edge = true;
    dialog->by_hop[phone == TOKEN_CALLER ? TOKEN_CALLEE : TOKEN_CALLER] = true;
    write_flow(flow, &dialog->flows[phone]);
}

enum seal_way seal_way(struct sip_msg *msg, struct receive_info *flow)
{
    struct token_dialog dialog;
    enum token_side sender;
    if (ring == NULL || !top_route_is_sealed(msg, &dialog) || !dialog.edge || !find_sender(msg, &dialog, &sender))
        return SEAL_UNKNOWN;
    const enum token_side phone = dialog.by_hop[TOKEN_CALLER] ? TOKEN_CALLEE : TOKEN_CALLER;
    if (sender == phone)
        return SEAL_FROM_PHONE;
    read_flow(&dialog.flows[phone], flow);
    return SEAL_TO_PHONE;
}

uint32_t seal_owner(struct text aor, struct text instance)
{
    enum { SIGNING_KEY = 0 };
    return ring != NULL ? token_owner(seal_keys(), SIGNING_KEY, aor, instance) : 0;
}

/* --- functions of the configuration --- */

int sip_record_route(struct sip_msg *msg)
{
    enum { PREFIX_LENGTH = sizeof ";seal=" - 1 };
    char text[PREFIX_LENGTH + TOKEN_DIALOG_MOST] = ";seal=";
    struct token_dialog dialog = {0};
    struct text call_id;
    if (ring == NULL || !read_call_id(msg, &call_id))
        return -1;
    describe_phone(msg, &dialog);
    size_t length = token_write_dialog(seal_keys(), &dialog, &(struct token_scope){.call_id = call_id}, from_tag(msg),
                                       text + PREFIX_LENGTH, sizeof text - PREFIX_LENGTH);
    str parameter = {text, (int)(PREFIX_LENGTH + length)};
    return length > 0 && rr.record_route(msg, &parameter) >= 0 ? 1 : -1;
}

int seal_loose_route(struct sip_msg *msg)
{
    static char text[1024]; /* rr reads the parameters of the Route in it until the next message */
    struct ksr_sip_uri uri;
    rr_t *route;
    if (!read_top_route(msg, &route, &uri) || uri.user.len <= 0 || route->nameaddr.uri.len > (int)sizeof text)
        return rr.loose_route(msg);
    const str whole = route->nameaddr.uri;
    const int scheme = (int)(uri.user.s - whole.s), rest = (int)(whole.s + whole.len - uri.host.s);
    memcpy(text, whole.s, (size_t)scheme);
    memcpy(text + scheme, uri.host.s, (size_t)rest);
    route->nameaddr.uri = (str){text, scheme + rest};
    msg->ldv.flow.decoded = 0; /* else outbound returns the token that it has read before */
    const int result = rr.loose_route(msg);
    route->nameaddr.uri = whole;
    return result;
}

int sip_loose_route(struct sip_msg *msg)
{
    struct token_dialog dialog;
    struct receive_info flow;
    struct text call_id;
    if (ring == NULL || !read_call_id(msg, &call_id))
        return -1;
    if (top_route_is_sealed(msg, &dialog))
        return seal_way(msg, &flow) == SEAL_FROM_PHONE ? seal_loose_route(msg) : rr.loose_route(msg);
    if (request_uri_is_sealed(msg))
        return rr.loose_route(msg);
    stats_count(STAT_ROUTES_UNSEALED);
    return -1;
}
