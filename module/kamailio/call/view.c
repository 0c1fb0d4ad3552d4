// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/call.h"

#include "call/message_cache.h"
#include "core/code.h"
#include "kamailio/base/host.h"
#include "kamailio/flow/connection.h"

/* What policies see of messages: their bytes as they came, read by the same parser as everywhere. */

/* Of this process: what is parsed lies in its own memory, but calls are shared by all. */
static struct message_cache *view_messages(void)
{
    static struct message_cache messages;
    if (messages.host == NULL)
        message_cache_create(&messages, ksr_host());
    return &messages;
}

int call_view_begin(struct call_view *view, const struct call *call, struct sip_msg *msg)
{
    struct sip_fault fault;
    char text[SIP_FAULT_SIZE];
    int result = message_cache_take(view_messages(), msg->buf, msg->len, &view->message, &fault);
    if (result != 0) {
        ksr_log(LOG_WARNING, "a request cannot be shown to the policy: %s",
                result == -ENOMEM ? "out of memory" : sip_fault_text(&fault, text, sizeof text));
        view->fault = result == -ENOMEM || fault.status == 0 ? SIP_SERVICE_UNAVAILABLE : fault.status;
        return -1;
    }
    const struct request_source source = source_of(&msg->rcv);
    view->call = request_view(view->message, call->model.aor, &source, call->model.started_ms, view->source);
    view->call.user = call->user;
    view->call.trunk = call->trunk;
    view->call.registered = call->registered;
    return 0;
}

void call_view_end(struct call_view *view)
{
    message_cache_return(view_messages(), view->message);
    view->message = NULL;
}

struct sip_message *reply_view_begin(const struct sip_msg *reply)
{
    struct sip_message *message = NULL;
    struct sip_fault fault;
    if (reply != NULL && reply != FAKED_REPLY)
        message_cache_take(view_messages(), reply->buf, reply->len, &message, &fault);
    return message;
}

void reply_view_end(struct sip_message *message)
{
    message_cache_return(view_messages(), message);
}
