// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"
#include "standalone/server/allowance.h"
#include "standalone/server/context.h"
#include "flow/breadth.h"

/* The limits of what a request may make the server send (flow/load.h, RFC 5393 section 5). */

int context_enter_load(struct context *context, const struct peer *source)
{
    const struct sip_message *request = context->request;
    const struct sip_field *field = sip_field(request, HEADER_MAX_BREADTH, 0);
    const bool emergency = server_is_emergency(sip_request_uri(request));
    const struct load_request entered = {.call_id = sip_call_id(request),
                                         .from_tag = sip_from_tag(request),
                                         .method = sip_method_text(request),
                                         .cseq = sip_cseq(request),
                                         .source = emergency ? 0 : caller_holder(context->server, request, source)};
    enum { OWN_LINES = 512 }; /* approximate size of Via and Record-Route, which are added */
    context->model.bytes = sip_bytes(request).length + OWN_LINES;
    context->model.max_breadth = breadth_read(field != NULL ? field->value : (struct text){NULL, 0});
    return load_enter(context->server->loads, &entered, &context->model.load);
}

void context_charge(struct context *context, size_t bytes)
{
    if (context->holdings == NULL)
        return;
    holdings_add(context->holdings, context->holder, bytes);
    context->kept += bytes;
}

/* A call for help has found room already, and its branches need no more than a few times as much. So has any request
   with its first branch: refused for lack of it, it would be kept for 32 s all the same. */
bool context_keep(struct context *context, size_t bytes)
{
    bool must = context->holdings == &context->server->emergencies_kept || context->model.branches == NULL;
    if (context->holdings != NULL && !must && !holdings_fit(context->holdings, context->holder, bytes))
        return false;
    context_charge(context, bytes);
    return true;
}

void context_discharge(struct context *context, size_t bytes)
{
    if (context->holdings == NULL)
        return;
    holdings_remove(context->holdings, context->holder, bytes);
    context->kept -= bytes;
}

void context_give_back(struct context *context)
{
    if (context->holdings != NULL)
        holdings_remove(context->holdings, context->holder, context->kept);
}
