// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/flow_token.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/random.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/flow/connection.h"
#include "kamailio/flow/key_ring.h"

enum { TEND_S = 10 };

static ob_api_t stock; /* the outbound module's */
static struct key_ring *ring;

/* Kamailio counts connections from 1 in each run. Both values, set before the fork, make the numbers of another run
   different: no number is used twice with one key. */
static uint32_t run, started_at;

/* --- writing --- */

static bool describe(const struct receive_info *from, struct token_flow *flow)
{
    const bool stream = transport_connects(transport_of_proto(from->proto));
    *flow = (struct token_flow){.transport = (uint8_t)transport_of_proto(from->proto),
                                .address_length = (uint8_t)from->src_ip.len,
                                .local_port = from->dst_port,
                                .remote_port = from->src_port,
                                .run = run};
    if (from->proto == PROTO_SCTP || (stream && from->proto_reserved1 <= 0) ||
        (!stream && from->dst_ip.len != from->src_ip.len))
        return false;
    memcpy(flow->remote, from->src_ip.u.addr, from->src_ip.len);
    if (from->dst_ip.len == from->src_ip.len) /* behind a load balancer, they may be of two families */
        memcpy(flow->local, from->dst_ip.u.addr, from->dst_ip.len);
    if (stream)
        flow->connection = (uint64_t)started_at << 32 | (uint32_t)from->proto_reserved1;
    return true;
}

static int encode(str *token, struct receive_info *from)
{
    struct token_flow flow;
    char text[TOKEN_TEXT_MOST];
    if (!describe(from, &flow))
        return stock.encode_flow_token(token, from);
    const size_t length = token_write(key_ring_keys(ring), &flow, text, sizeof text);
    token->s = length > 0 ? pkg_malloc(length) : NULL;
    if (token->s == NULL)
        return -1;
    memcpy(token->s, text, length);
    token->len = (int)length;
    return 0;
}

/* --- reading --- */

static int proto_of_transport(uint8_t transport)
{
    static const int protos[TRANSPORT_COUNT] = {[TRANSPORT_UDP] = PROTO_UDP,
                                                [TRANSPORT_TCP] = PROTO_TCP,
                                                [TRANSPORT_TLS] = PROTO_TLS,
                                                [TRANSPORT_WS] = PROTO_WS,
                                                [TRANSPORT_WSS] = PROTO_WSS};
    return transport < TRANSPORT_COUNT ? protos[transport] : PROTO_NONE;
}

static int connection_of(const struct token_flow *flow)
{
    const bool own = flow->run == run && flow->connection >> 32 == started_at;
    return own ? (int)(uint32_t)flow->connection : CONNECTION_OF_EARLIER_RUN;
}

static void read_flow(const struct token_flow *flow, struct receive_info *to)
{
    memset(to, 0, sizeof *to);
    to->proto = (char)proto_of_transport(flow->transport);
    to->dst_port = flow->local_port;
    to->src_port = flow->remote_port;
    ip_addr_read(flow->local, flow->address_length, &to->dst_ip);
    ip_addr_read(flow->remote, flow->address_length, &to->src_ip);
    if (transport_connects(flow->transport))
        to->proto_reserved1 = connection_of(flow);
}

int flow_token_connection(const struct receive_info *flow)
{
    return flow->proto_reserved1;
}

/* Another edge with the same file may have rotated the keys a moment ago. */
static enum token_verdict verify(struct text token, struct token_flow *flow)
{
    enum token_verdict verdict = token_read(key_ring_keys(ring), token, flow);
    return verdict == TOKEN_UNKNOWN_KEY && key_ring_look(ring) ? token_read(key_ring_keys(ring), token, flow) : verdict;
}

/* The outbound module would return the flow that it has read before, whatever the token. */
static int decode(struct sip_msg *msg, struct receive_info **out, str token)
{
    const struct text text = {token.s, token.len > 0 ? (size_t)token.len : 0};
    struct token_flow flow;
    msg->ldv.flow.decoded = 0;
    if (text.length == 0 || token_key_id(text) == 0)
        return stock.decode_flow_token(msg, out, token);
    if (verify(text, &flow) != TOKEN_GOOD)
        return FLOW_TOKEN_FORGED;
    read_flow(&flow, &msg->ldv.flow.rcv);
    msg->ldv.flow.decoded = 1;
    *out = &msg->ldv.flow.rcv;
    return FLOW_TOKEN_READ;
}

static str user_of_route(struct sip_msg *msg)
{
    struct ksr_sip_uri uri;
    if (parse_headers(msg, HDR_ROUTE_F, 0) < 0 || msg->route == NULL || parse_rr(msg->route) < 0)
        return (str){NULL, 0};
    const rr_t *route = msg->route->parsed;
    return parse_uri(route->nameaddr.uri.s, route->nameaddr.uri.len, &uri) >= 0 ? uri.user : (str){NULL, 0};
}

/* It reads the token of the topmost Route to tell the direction, and finds the flow that decode() has left. */
static int use_outbound(struct sip_msg *msg)
{
    struct receive_info *flow;
    if (msg->REQ_METHOD != KSR_METHOD_REGISTER)
        decode(msg, &flow, user_of_route(msg));
    return stock.use_outbound(msg);
}

/* --- the exported interface --- */

int flow_token_bind(ob_api_t *api)
{
    bind_ob_f bind_stock = (bind_ob_f)find_mod_export("outbound", "bind_ob", 1, 0);
    if (bind_stock == NULL || bind_stock(&stock) < 0)
        return -1;
    *api = module_config.token_keys == NULL
               ? stock
               : (ob_api_t){.encode_flow_token = encode, .decode_flow_token = decode, .use_outbound = use_outbound};
    return 0;
}

static void on_timer(unsigned int ticks, void *unused)
{
    (void)ticks;
    (void)unused;
    key_ring_tend(ring, module_config.token_rotate);
}

static int start_keys(void)
{
    started_at = (uint32_t)time(NULL);
    if (random_fill(&run, sizeof run) != 0 || register_timer(on_timer, NULL, TEND_S) < 0) {
        ksr_log(LOG_ERROR, "modparam token_keys: no random number, or no timer");
        return -1;
    }
    return key_ring_open(&ring, "token_keys", module_config.token_keys, true);
}

int flow_token_start(void)
{
    if (module_config.token_keys == NULL)
        return 0;
    if (module_has_outbound && find_export("bind_ob", 1, 0) == (cmd_function)flow_token_bind)
        return start_keys();
    ksr_log(LOG_ERROR, "modparam token_keys: loadmodule \"outbound.so\" before \"reflow.so\"");
    return -1;
}

int flow_token_rotate(char *error, size_t error_size)
{
    if (ring != NULL)
        return key_ring_rotate(ring, error, error_size);
    snprintf(error, error_size, "there are no keys: modparam(\"reflow\", \"token_keys\", FILE) names their file");
    return -ENOENT;
}
