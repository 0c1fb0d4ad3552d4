// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"
#include "standalone/server/failed_address.h"
#include "standalone/server/nat_ping.h"
#include "standalone/server/rest.h"

#include <errno.h>
#include <stdio.h>

/* The status of the server as JSON. */

static void decisions(const struct server *server, struct json *json)
{
    json_open(json, "decisions");
    for (unsigned code = 0; code < CODES_MOST; code++) {
        bool any = false;
        char name[8];
        for (int action = 0; action < ACTION_COUNT; action++)
            any |= server->decisions[code][action] != 0;
        if (!any)
            continue;
        snprintf(name, sizeof name, "%u", code);
        json_open(json, name);
        for (int action = 0; action < ACTION_COUNT; action++) {
            if (server->decisions[code][action] != 0)
                json_put_number(json, action_name(action), server->decisions[code][action]);
        }
        json_close(json);
    }
    json_close(json);
}

static void write_limits(const struct server *server, struct json *json)
{
    const struct source_limits_counters limits = source_limits_counters(server->config.sources);
#define COUNTER(name, what) json_put_number(json, #name, limits.name);
    SOURCE_LIMITS_COUNTERS(COUNTER)
#undef COUNTER
    json_put_number(json, "limited_sources", source_limits_count(server->config.sources));
}

int server_status(const struct server *server, struct sip_buffer *out)
{
    struct json json = sip_json(out);
    json_open(&json, NULL);
    json_put_number(&json, "flows", binding_flow_count(server->bindings));
    json_put_number(&json, "bindings", binding_count(server->bindings));
    json_put_number(&json, "aors", binding_aor_count(server->bindings));
    json_put_number(&json, "transactions", transactions_servers(server->transactions));
    json_put_number(&json, "client_transactions", transactions_clients(server->transactions));
    json_put_number(&json, "unanswered", transactions_unanswered(server->transactions));
    json_put_number(&json, "response_contexts", server->contexts);
    const struct load_counts load = load_count(server->loads);
    json_put_number(&json, "in_flight_transactions", load.transactions);
    json_put_number(&json, "in_flight_bytes", load.bytes);
    json_put_number(&json, "kept_bytes",
                    server->requests_kept.bytes + server->emergencies_kept.bytes + server->acks_kept.bytes);
    json_put_number(&json, "binding_bytes", server->bindings_kept.bytes);
    json_put_number(&json, "resting", rest_count(server));
    json_put_number(&json, "nat_pinged", nat_pings_count(server));
    json_put_number(&json, "silent", silence_count(server));
    json_put_number(&json, "failed_addresses", failed_address_count(server));
    json_put_number(&json, "draining", server->draining);
    json_open(&json, "counters");
#define COUNTER(name, what) json_put_number(&json, #name, server->counters.name);
    SERVER_COUNTERS(COUNTER)
#undef COUNTER
    for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, "refused_%s", refusal_counter((enum refusal)i));
        json_put_number(&json, name, server->refusals.counts[i]);
    }
    write_limits(server, &json);
    json_close(&json);
    decisions(server, &json);
    json_close(&json);
    return out->failed ? -ENOMEM : 0;
}
