// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/call/call.h"

#include <stdio.h>

#include "core/code.h"
#include "kamailio/flow/connection.h"
#include "kamailio/base/host.h"

/* What policies see of a request: its bytes as they came, read by the same parser as everywhere. */

static size_t write_source(const struct receive_info *from, char *out, size_t size)
{
    bool bracketed = from->src_ip.af == AF_INET6;
    const char *name = proto_word(from->proto);
    int length = snprintf(out, size, "%s:%s%s%s:%u", name, bracketed ? "[" : "", ip_addr2a((void *)&from->src_ip),
                          bracketed ? "]" : "", from->src_port);
    return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

int call_view_begin(struct call_view *view, const struct call *call, struct sip_msg *msg)
{
    struct sip_fault fault;
    char text[SIP_FAULT_SIZE];
    int result = sip_message_new(&view->message, ksr_host(), msg->buf, msg->len, NULL, &fault);
    if (result != 0) {
        ksr_log(LOG_WARNING, "a request cannot be shown to the policy: %s",
                result == -ENOMEM ? "out of memory" : sip_fault_text(&fault, text, sizeof text));
        view->fault = result == -ENOMEM || fault.status == 0 ? SIP_SERVICE_UNAVAILABLE : fault.status;
        call_view_end(view);
        return -1;
    }
    view->call =
        (struct script_call){.request = view->message,
                             .aor = call->model.aor,
                             .source = {view->source, write_source(&msg->rcv, view->source, sizeof view->source)},
                             .started_ms = call->model.started_ms,
                             .source_number = source_number_of(&msg->rcv)};
    return 0;
}

void call_view_end(struct call_view *view)
{
    sip_message_delete(view->message);
    view->message = NULL;
}
