// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/datagram.h"

#include <stdbool.h>

#include "kamailio/base/host.h"

static bool is_message_oriented(int proto)
{
    return proto != PROTO_TCP && proto != PROTO_TLS;
}

/* Kamailio would forward the bytes after the body with the message. Over a stream, the receiver would read them as
   the start of another message. sanity_check() handles a body that is too short. */
static int cut_off_surplus(struct sip_msg *msg, unsigned flags, void *parameter)
{
    (void)flags;
    (void)parameter;
    if (!is_message_oriented(msg->rcv.proto) || parse_headers(msg, HDR_EOH_F, 0) < 0 || msg->content_length == NULL)
        return 1;
    const char *body = get_body(msg);
    const long length = get_content_length(msg);
    if (body == NULL || length < 0 || length >= msg->buf + msg->len - body)
        return 1;
    msg->len = (unsigned)(body + length - msg->buf);
    msg->buf[msg->len] = '\0'; /* as after every message that the core has received */
    return 1;
}

int datagram_listen(void)
{
    if (register_script_cb(cut_off_surplus, PRE_SCRIPT_CB | REQUEST_CB | ONREPLY_CB, NULL) == 0)
        return 0;
    ksr_log(LOG_ERROR, "register_script_cb: the callback for received messages is refused");
    return -1;
}
