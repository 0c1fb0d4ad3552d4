// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"

#include <errno.h>
#include <stdio.h>

/* What the server is doing, as JSON. */

static void member(struct sip_buffer *out, const char *name, uint64_t value, bool *first)
{
    sip_append(out, *first ? TEXT("\"") : TEXT(",\""));
    sip_append(out, text_of(name));
    sip_append(out, TEXT("\":"));
    sip_append_number(out, value);
    *first = false;
}

static void open_object(struct sip_buffer *out, const char *name, bool *first)
{
    sip_append(out, *first ? TEXT("\"") : TEXT(",\""));
    sip_append(out, text_of(name));
    sip_append(out, TEXT("\":{"));
    *first = true;
}

static void close_object(struct sip_buffer *out, bool *first)
{
    sip_append(out, TEXT("}"));
    *first = false;
}

static void decisions(const struct server *server, struct sip_buffer *out, bool *first)
{
    open_object(out, "decisions", first);
    for (unsigned code = 0; code < CODES_MOST; code++) {
        bool any = false;
        char name[8];
        for (int action = 0; action < ACTION_COUNT; action++)
            any |= server->decisions[code][action] != 0;
        if (!any)
            continue;
        snprintf(name, sizeof name, "%u", code);
        open_object(out, name, first);
        for (int action = 0; action < ACTION_COUNT; action++) {
            if (server->decisions[code][action] != 0)
                member(out, action_name(action), server->decisions[code][action], first);
        }
        close_object(out, first);
    }
    close_object(out, first);
}

static void write_limits(const struct server *server, struct sip_buffer *out, bool *first)
{
    const struct source_limits_counters limits = source_limits_counters(server->config.sources);
#define COUNTER(name, what) member(out, #name, limits.name, first);
    SOURCE_LIMITS_COUNTERS(COUNTER)
#undef COUNTER
    member(out, "limited_sources", source_limits_count(server->config.sources), first);
}

int server_status(const struct server *server, struct sip_buffer *out)
{
    bool first = true;
    sip_append(out, TEXT("{"));
    member(out, "flows", binding_flow_count(server->bindings), &first);
    member(out, "bindings", binding_count(server->bindings), &first);
    member(out, "aors", binding_aor_count(server->bindings), &first);
    member(out, "transactions", transactions_servers(server->transactions), &first);
    member(out, "client_transactions", transactions_clients(server->transactions), &first);
    member(out, "unanswered", transactions_unanswered(server->transactions), &first);
    member(out, "response_contexts", server->contexts, &first);
    const struct load_counts load = load_count(server->loads);
    member(out, "in_flight_transactions", load.transactions, &first);
    member(out, "in_flight_bytes", load.bytes, &first);
    member(out, "kept_bytes", server->requests_kept.bytes, &first);
    member(out, "binding_bytes", server->bindings_kept.bytes, &first);
    member(out, "resting", rest_count(server), &first);
    member(out, "draining", server->draining, &first);
    open_object(out, "counters", &first);
#define COUNTER(name, what) member(out, #name, server->counters.name, &first);
    SERVER_COUNTERS(COUNTER)
#undef COUNTER
    for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, "refused_%s", refusal_counter((enum refusal)i));
        member(out, name, server->refusals.counts[i], &first);
    }
    write_limits(server, out, &first);
    close_object(out, &first);
    decisions(server, out, &first);
    sip_append(out, TEXT("}"));
    return out->failed ? -ENOMEM : 0;
}
