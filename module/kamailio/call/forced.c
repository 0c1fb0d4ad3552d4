// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/forced.h"

#include <strings.h>

#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/call/react_private.h"

static void take_flag(struct sip_msg *msg)
{
    msg->fwd_send_flags.f &= (unsigned short)~SND_F_FORCE_CON_REUSE;
}

/* The message that tm builds from may be its own, or the copy of a route. */
static void take_flags(const struct cell *t, struct sip_msg *msg)
{
    take_flag(msg);
    if (t->uas.request != NULL && t->uas.request != msg)
        take_flag(t->uas.request);
}

/* A flag that the script has set stays. */
void forced_put(struct sip_msg *msg, struct call *call, const struct ksr_branch *branch, bool alone)
{
    if (!alone || !branch_is_stream(branch) || (msg->fwd_send_flags.f & SND_F_FORCE_CON_REUSE) != 0)
        return;
    msg->fwd_send_flags.f |= SND_F_FORCE_CON_REUSE;
    call->forces = true;
}

/* --- the next hop --- */

static bool is_same_text(const str *a, const str *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->s, b->s, (size_t)a->len) == 0);
}

static bool is_same_place(const str *a, const str *b)
{
    struct ksr_sip_uri one, other;
    return parse_uri(a->s, a->len, &one) == 0 && parse_uri(b->s, b->len, &other) == 0 &&
           one.host.len == other.host.len && strncasecmp(one.host.s, other.host.s, (size_t)one.host.len) == 0 &&
           GET_URI_PORT(&one) == GET_URI_PORT(&other) && one.proto == other.proto;
}

/* Without a destination, a request goes where its Request-URI leads. */
static bool goes_elsewhere(const struct sip_msg *msg, const struct ksr_branch *branch)
{
    const str uri = str_of_text(branch->model.target->uri);
    const str *now = msg->dst_uri.len > 0 ? &msg->dst_uri : GET_RURI(msg);
    const str *own = branch->destination.len > 0 ? &branch->destination : &uri;
    return !is_same_text(now, own) && !is_same_place(now, own);
}

/* t_relay_to_tcp() and the like name the next hop: tm has its address before it builds the branch, and gives the
   message no destination. After a branch that could not be built, tm has the address of that one. */
static bool has_named_hop(const struct cell *t, const struct sip_msg *msg, const struct call *call)
{
    const int index = t->nr_of_outgoings;
    return (call->built >> index & 1) == 0 && msg->dst_uri.len <= 0 && t->uac[index].request.dst.send_sock != NULL;
}

/* What happens on the branch says nothing about the binding then, and its ACK and CANCEL stay with it. */
static void follow_script(const struct cell *t, struct sip_msg *msg, struct call *call)
{
    struct ksr_branch *branch = call_branch_of_ruid(call, &msg->ruid);
    if (branch == NULL || !(has_named_hop(t, msg, call) || goes_elsewhere(msg, branch)))
        return;
    branch->model.target->flow = 0;
    branch->contact_left = false;
    branch->binding = (str){NULL, 0};
}

/* --- tm's branches --- */

static bool is_of_stream(struct call *call, const struct ua_client *uac)
{
    const struct ksr_branch *branch = call_branch_of_ruid(call, &uac->ruid);
    return branch != NULL && branch_is_stream(branch);
}

static void force_between(struct cell *t, struct call *call, int first, int end)
{
    for (int i = first; i < end; i++)
        if (is_of_stream(call, &t->uac[i]))
            t->uac[i].request.dst.send_flags.f |= SND_F_FORCE_CON_REUSE;
}

void forced_built(struct cell *t, struct sip_msg *msg, struct call *call)
{
    const int index = t->nr_of_outgoings;
    follow_script(t, msg, call);
    call->built |= UINT32_C(1) << index;
    if (call->forces) {
        take_flags(t, msg);
        t->uac[index].request.dst.send_flags.f &= (unsigned short)~SND_F_FORCE_CON_REUSE;
        call->forces = false;
        call->forced |= UINT32_C(1) << index;
    }
    force_between(t, call, 0, index);
}

/* tm keeps a branch that it could not send for its timer, without a transport. */
static void send_again(struct ua_client *uac)
{
    struct dest_info *to = &uac->request.dst;
    to->proto = to->send_sock->proto;
    uac->icode = 0; /* another process may handle the response before msg_send() returns */
    if (msg_send(to, uac->request.buffer, uac->request.buffer_len) == 0)
        return;
    uac->icode = SEND_FAILED;
    to->proto = PROTO_NONE;
}

void forced_sent(struct cell *t, struct call *call, int index)
{
    struct ua_client *uac = &t->uac[index];
    const uint32_t bit = UINT32_C(1) << index;
    force_between(t, call, index, t->nr_of_outgoings);
    if ((call->forced & bit) == 0 || is_of_stream(call, uac))
        return;
    call->forced &= ~bit;
    uac->request.dst.send_flags.f &= (unsigned short)~SND_F_FORCE_CON_REUSE;
    if (uac->icode == SEND_FAILED && uac->request.dst.proto == PROTO_NONE && uac->request.dst.send_sock != NULL)
        send_again(uac);
}

/* --- without a record --- */

static void on_built(struct cell *t, int type, struct tmcb_params *params)
{
    struct dest_info *to = &t->uac[t->nr_of_outgoings].request.dst;
    (void)type;
    take_flags(t, params->req);
    if (params->req->dst_uri.len <= 0 && to->send_sock != NULL) /* t_relay_to_tcp() and the like */
        to->send_flags.f &= (unsigned short)~SND_F_FORCE_CON_REUSE;
}

/* An ACK has no transaction. */
void forced_first(struct sip_msg *msg)
{
    if ((msg->fwd_send_flags.f & SND_F_FORCE_CON_REUSE) != 0)
        return;
    msg->fwd_send_flags.f |= SND_F_FORCE_CON_REUSE;
    if (msg->REQ_METHOD != KSR_METHOD_ACK &&
        tmb.register_tmcb(msg, NULL, TMCB_REQUEST_FWDED, on_built, NULL, NULL) <= 0)
        ksr_log(LOG_WARNING, "no memory: later branches of this request open no connection");
}
