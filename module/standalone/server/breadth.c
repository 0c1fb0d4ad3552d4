// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"

#include "standalone/net/source.h"

/* How much one request may make the server send: branches beside each other (RFC 5393 section 5), and all of them. */

/* Requests that come back through the server itself are charged to the source of the first, if they are known. */
static bool is_own(const struct server *server, const union address *address)
{
    char host[64];
    struct text text = {host, address_host(address, host, sizeof host)};
    for (size_t i = 0; i < server->config.listener_count; i++) {
        if (listener_has_host(server, &server->config.listeners[i], text))
            return true;
    }
    return false;
}

bool server_is_exempt(const struct server *server, const union address *address)
{
    return source_is_loopback(address) || source_is_trusted(server->config.sources, address) || is_own(server, address);
}

int context_enter_load(struct context *context, const struct peer *source)
{
    const struct sip_message *request = context->request;
    const struct sip_field *field = sip_field(request, HEADER_MAX_BREADTH, 0);
    const bool exempt =
        server_is_emergency(sip_request_uri(request)) || server_is_exempt(context->server, &source->address);
    const struct load_request entered = {.call_id = sip_call_id(request),
                                         .from_tag = sip_from_tag(request),
                                         .method = sip_method_text(request),
                                         .cseq = sip_cseq(request),
                                         .source = exempt ? 0 : source_of(&source->address)};
    context->max_breadth = breadth_read(field != NULL ? field->value : (struct text){NULL, 0});
    return load_enter(context->server->loads, &entered, &context->load);
}

/* --- branches beside each other --- */

static uint32_t breadth_left(const struct context *context)
{
    uint32_t used = 0;
    for (const struct branch *branch = context->branches; branch != NULL; branch = branch->next)
        used += branch->has_final ? 0 : branch->breadth;
    return used < context->max_breadth ? context->max_breadth - used : 0;
}

/* Those that wait for their turn beside the one that is begun now; one more where a policy may add some. */
static uint32_t others_to_begin(const struct context *context)
{
    if (context->targets == NULL)
        return 0;
    uint32_t others =
        context->ring_next_ms > 0 ? target_targets_left(context->targets) : target_class_left(context->targets);
    return others + (policy_has_hook(&context->hold, HOOK_RESPONSE) ? 1 : 0);
}

uint32_t context_share(const struct context *context)
{
    return breadth_share(breadth_left(context), 1 + others_to_begin(context));
}

/* --- all of them --- */

bool context_may_send(struct context *context, size_t bytes)
{
    struct server_counters *counters = &context->server->counters;
    context->over = (uint8_t)load_check(context->load, bytes);
    counters->load_request += context->over == LOAD_OF_REQUEST;
    counters->load_source += context->over == LOAD_OF_SOURCE;
    counters->load_total += context->over == LOAD_IN_TOTAL;
    return context->over == LOAD_FINE;
}

bool context_has_room(struct context *context)
{
    enum { OWN_LINES = 512 }; /* Via, Record-Route: about so much comes to what was received */
    context->waits = breadth_left(context) == 0;
    context->server->counters.breadth_waits += context->waits && context->branches != NULL;
    return !context->waits && context_may_send(context, sip_bytes(context->request).length + OWN_LINES);
}

/* 5393-5.a. A 503 with Retry-After of ours would make the server itself rest, where it sends to itself. */
uint32_t context_refusal(const struct context *context)
{
    if (context->over == LOAD_OF_SOURCE || context->over == LOAD_IN_TOTAL)
        return SIP_SERVICE_UNAVAILABLE;
    return context->waits || context->over == LOAD_OF_REQUEST ? SIP_MAX_BREADTH_EXCEEDED : 0;
}
