// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/reconnect.h"

#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/call.h"
#include "kamailio/flow/connection.h"

/* --- the response to the caller --- */

/* Kamailio itself has written the source address as "received". */
static void aim_at_via(struct dest_info *to, struct sip_msg *request)
{
    const unsigned short port = request->via1->port;
    init_su(&to->to, &request->rcv.src_ip, port != 0 ? port : transport_port(transport_of_proto(to->proto)));
    to->id = 0;
}

/* 3261-18.2.2.a. tm sends the response afterwards, and all later ones of this transaction. */
static void on_response_ready(struct cell *t, int type, struct tmcb_params *params)
{
    struct dest_info *to = &t->uas.response.dst;
    (void)type;
    (void)params;
    if (to->id > 0 && t->uas.request != NULL && t->uas.request->via1 != NULL &&
        connection_state(to->id) == CONNECTION_GONE)
        aim_at_via(to, t->uas.request);
}

/* The clients of WebSocket take no connections. */
static bool came_over_connection(const struct sip_msg *request)
{
    const enum transport transport = transport_of_proto(request->rcv.proto);
    return transport_connects(transport) && transport_may_be_called(transport);
}

static void on_request(struct cell *t, int type, struct tmcb_params *params)
{
    (void)type;
    if (came_over_connection(params->req) &&
        tmb.register_tmcb(params->req, t, TMCB_RESPONSE_READY, on_response_ready, NULL, NULL) <= 0)
        ksr_log(LOG_WARNING, "no memory: a response is lost if the connection of its request closes");
}

/* --- the ACK to the phone --- */

static void aim_at_source(struct dest_info *to, const struct receive_info *from)
{
    to->to = from->src_su;
    to->proto = from->proto;
    to->send_sock = from->bind_address;
    to->id = from->proto_reserved1;
}

void reconnect_aim_ack(struct cell *t, const struct ksr_branch *branch, const struct receive_info *from)
{
    bool open;
    const int index = branch_index(t, branch);
    if (index < 0 || !branch->model.flow_died)
        return;
    struct dest_info *to = &t->uac[index].request.dst;
    if (transport_connects(transport_of_proto(to->proto)) && connection_of_destination(to, &open) == 0)
        aim_at_source(to, from);
}

int reconnect_listen(void)
{
    if (tmb.register_tmcb(NULL, NULL, TMCB_REQUEST_IN, on_request, NULL, NULL) > 0)
        return 0;
    ksr_log(LOG_ERROR, "tm does not take the callback for received requests");
    return -1;
}
