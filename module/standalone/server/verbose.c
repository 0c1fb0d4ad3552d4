// SPDX-License-Identifier: BSD-2-Clause
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "script/base/printable.h"
#include "standalone/net/mask.h"
#include "standalone/server/verbose.h"
#include "standalone/server/server_private.h"
#include "standalone/server/context.h"

/* Lines of --verbose: what came of registrations, flows and calls. Strangers choose most of these texts. */

enum { LINE_MOST = 2048 };

__attribute__((format(printf, 2, 3))) static void verbose_log(const struct server *server, const char *format, ...)
{
    char line[LINE_MOST], printable[LINE_MOST];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    printable_write(printable, sizeof printable, line);
    server->config.host->log(server->config.host->context, LOG_INFO, printable);
}

struct uri_text {
    char bytes[300];
};

static struct uri_text uri_text(const struct server *server, struct text uri)
{
    struct uri_text written;
    struct text head = uri, tail = {NULL, 0};
    bool masked = server->config.mask_numbers && mask_number(uri, &head, &tail);
    snprintf(written.bytes, sizeof written.bytes, "%.*s%s%.*s", (int)head.length, head.at, masked ? "****" : "",
             (int)tail.length, tail.length > 0 ? tail.at : "");
    return written;
}

static const char *source_text(const struct peer *source, char *out, size_t size)
{
    char address[64] = "";
    address_format(&source->address, address, sizeof address);
    snprintf(out, size, "%s:%s", transport_word(source->transport), address);
    return out;
}

void verbose_registered(const struct server *server, const struct peer *from, struct text aor, size_t contacts)
{
    char source[96];
    const struct binding_store *store = server->bindings;
    size_t bindings = 0;
    if (!server->config.verbose)
        return;
    const struct binding *binding = binding_first(store, aor);
    for (; binding != NULL; binding = binding_next(store, binding))
        bindings++;
    verbose_log(server, "REGISTER accepted: aor=%s contacts=%zu bindings=%zu source=%s", uri_text(server, aor).bytes,
                contacts, bindings, source_text(from, source, sizeof source));
}

void verbose_register_refused(const struct server *server, const struct peer *from, struct text aor, uint32_t status)
{
    char source[96];
    if (server->config.verbose)
        verbose_log(server, "REGISTER refused: aor=%s status=%u source=%s", uri_text(server, aor).bytes,
                    (unsigned)status, source_text(from, source, sizeof source));
}

void verbose_user_removed(const struct server *server, struct text aor, size_t bindings)
{
    if (server->config.verbose)
        verbose_log(server, "user removed: aor=%s bindings=%zu", uri_text(server, aor).bytes, bindings);
}

void verbose_flow_down(const struct server *server, flow_id flow, const char *reason)
{
    char description[96];
    size_t bindings = 0;
    if (!server->config.verbose)
        return;
    const struct binding *binding = binding_first_on_flow(server->bindings, flow);
    for (; binding != NULL; binding = binding_next_on_flow(server->bindings, binding))
        bindings++;
    size_t length = server_describe_flow(server, flow, description, sizeof description);
    verbose_log(server, "flow is down: flow=[%.*s] reason=%s bindings=%zu", (int)length, description, reason, bindings);
}

void verbose_silent(const struct server *server, struct text destination)
{
    if (server->config.verbose)
        verbose_log(server, "destination is silent: %.*s rest=%us", (int)destination.length, destination.at,
                    (unsigned)server->config.rest_silent);
}

void verbose_address(const struct server *server, unsigned transport, const union address *address, const char *what)
{
    char text[64];
    if (!server->config.verbose)
        return;
    address_format(address, text, sizeof text);
    verbose_log(server, "address %s: %s:%s", what, transport_word(transport), text);
}

void verbose_call_ended(const struct context *context, uint32_t status)
{
    char source[96];
    const struct server *server = context->server;
    if (!server->config.verbose || context->request == NULL || status < SIP_OK ||
        sip_method(context->request) != METHOD_INVITE)
        return;
    struct text call_id = sip_call_id(context->request);
    uint64_t now = server->config.host->now_ms(server->config.host->context);
    verbose_log(server, "INVITE answered: to=%s from=%s status=%u after=%" PRIu64 "ms source=%s call-id=%.*s",
                uri_text(server, sip_request_uri(context->request)).bytes,
                uri_text(server, sip_from_uri(context->request)).bytes, (unsigned)status,
                now - context->model.started_ms,
                source_text(server_transaction_source(context->transaction), source, sizeof source),
                (int)call_id.length, call_id.at);
}
