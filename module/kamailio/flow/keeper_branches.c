// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/keeper_private.h"

#include <stdio.h>
#include <string.h>

#include "core/code.h"
#include "kamailio/base/host.h"
#include "kamailio/base/module_config.h"
#include "kamailio/base/stats.h"
#include "kamailio/flow/waits.h"

/*
 * A branch whose flow died gets the response that an edge would send (5626-5.3.c): it is built from the branch's own
 * request and passed to the core as if it had been received, so that tm handles it as usual.
 */

enum { AT_ONCE = 64, RESPONSE_EXTRA = 160 /* first line, To tag, Content-Length */ };

struct made_up {
    char *text;
    size_t length;
    struct receive_info from;
};

/* --- its text --- */

static bool belongs_in_response(const struct hdr_field *header)
{
    switch (header->type) {
    case HDR_VIA_T:
    case HDR_FROM_T:
    case HDR_TO_T:
    case HDR_CALLID_T:
    case HDR_CSEQ_T:
        return true;
    default:
        return false;
    }
}

static void append(struct made_up *response, const char *text, size_t length)
{
    memcpy(response->text + response->length, text, length);
    response->length += length;
}

/* A final response to a request outside a dialog needs a tag of its own (RFC 3261 section 8.2.6.2). */
static void append_to(struct made_up *response, struct sip_msg *request, const struct hdr_field *header)
{
    size_t length = (size_t)header->len;
    while (length > 0 && (header->name.s[length - 1] == '\r' || header->name.s[length - 1] == '\n'))
        length--;
    append(response, header->name.s, length);
    if (parse_to_header(request) == 0 && get_to(request)->tag_value.len == 0) {
        char tag[48];
        int written =
            snprintf(tag, sizeof tag, ";tag=reflow-%08x%08x", ksr_host()->random(NULL), ksr_host()->random(NULL));
        append(response, tag, (size_t)written);
    }
    append(response, "\r\n", 2);
}

static void write_response(struct made_up *response, struct sip_msg *request)
{
    static const char end[] = "Content-Length: 0\r\n\r\n";
    response->length =
        (size_t)sprintf(response->text, "SIP/2.0 %d %s\r\n", SIP_FLOW_FAILED, code_phrase(SIP_FLOW_FAILED));
    for (const struct hdr_field *header = request->headers; header != NULL; header = header->next) {
        if (header->type == HDR_TO_T)
            append_to(response, request, header);
        else if (belongs_in_response(header))
            append(response, header->name.s, (size_t)header->len);
    }
    append(response, end, sizeof end); /* with a terminating zero, as data from a socket */
    response->length--;
}

static bool make_up(struct made_up *response, const struct retr_buf *sent)
{
    struct sip_msg request;
    memset(&request, 0, sizeof request);
    request.buf = sent->buffer;
    request.len = (unsigned)sent->buffer_len;
    response->text = NULL;
    if (sent->buffer == NULL || sent->buffer_len <= 0 || parse_msg(request.buf, request.len, &request) != 0)
        return false;
    if (parse_headers(&request, HDR_EOH_F, 0) == 0 && request.to != NULL)
        response->text = pkg_malloc((size_t)sent->buffer_len + RESPONSE_EXTRA);
    if (response->text != NULL)
        write_response(response, &request);
    free_sip_msg(&request);
    return response->text != NULL;
}

/* --- its way --- */

static void seem_to_come_from(struct receive_info *from, const struct dest_info *destination)
{
    const struct socket_info *local = destination->send_sock;
    memset(from, 0, sizeof *from);
    from->proto = local->proto;
    from->bind_address = destination->send_sock;
    from->src_su = destination->to;
    su2ip_addr(&from->src_ip, &from->src_su);
    from->src_port = su_getport(&destination->to);
    from->dst_ip = local->address;
    from->dst_port = local->port_no;
}

/* tm sends the ACK to a connection that is gone. It must not open one for that (SND_F_FORCE_CON_REUSE, set before),
   and the core's log line about the failure is suppressed in this process for that time. */
static void hand_over(struct made_up *response)
{
    struct cfg_group_core quiet = *(struct cfg_group_core *)core_cfg;
    void *usual = core_cfg;
    quiet.corelog = L_DBG;
    core_cfg = &quiet;
    receive_msg(response->text, (unsigned)response->length, &response->from);
    if (core_cfg == &quiet) /* and no route has set newer values */
        core_cfg = usual;
}

/* --- which branches --- */

static keeper_branch_down *branch_down;

void keeper_ask_branches(keeper_branch_down *ask)
{
    branch_down = ask;
}

/* With a reference to the transaction held. Returns true if the response is built. */
static bool prepare(struct cell *t, const struct wait *wait, struct made_up *response)
{
    if (wait->branch >= (unsigned)t->nr_of_outgoings)
        return false;
    struct ua_client *branch = &t->uac[wait->branch];
    if (branch_down(t, &branch->ruid) < 0 || branch->request.dst.send_sock == NULL ||
        !make_up(response, &branch->request))
        return false;
    seem_to_come_from(&response->from, &branch->request.dst);
    branch->request.dst.send_flags.f |= SND_F_FORCE_CON_REUSE;
    if (branch->request.dst.proto == PROTO_NONE) /* was not sent, and tm would call the ACK's transport unknown */
        branch->request.dst.proto = PROTO_TCP;
    return true;
}

static void fail_branch(const struct wait *wait)
{
    struct made_up response;
    struct cell *t = NULL;
    if (tmb.t_lookup_ident(&t, wait->hash_index, wait->label) < 0 || t == NULL)
        return; /* it has ended */
    bool fails = prepare(t, wait, &response);
    tmb.t_sett(T_UNDEFINED, T_BR_UNDEFINED);
    tmb.unref_cell(t);
    if (!fails)
        return;
    stats_count(STAT_BRANCHES_FAILED);
    hand_over(&response);
    pkg_free(response.text);
}

void keeper_fail_waits(int connection)
{
    struct wait waits[AT_ONCE];
    size_t count;
    do {
        count = wait_take(connection, waits, AT_ONCE);
        for (size_t i = 0; i < count; i++)
            fail_branch(&waits[i]);
    } while (count == AT_ONCE);
}
