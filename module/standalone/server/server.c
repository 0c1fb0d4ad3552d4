// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"

#include "base/number.h"
#include "standalone/server/branch.h"
#include "standalone/server/context.h"
#include "standalone/server/failed_address.h"
#include "standalone/server/flows.h"
#include "standalone/server/heirs.h"
#include "standalone/address/own_side.h"
#include "standalone/server/nat_ping.h"
#include "standalone/server/probe.h"
#include "standalone/server/rest.h"
#include "standalone/server/verbose.h"

#include <errno.h>
#include <stdio.h>

enum { SWEEP_MS = 1000, SWEEP_MOST = 2000, PASSED_MOST = 65536 };

static void set_standards(struct server_config *config)
{
    config->timer_c_ms = number_or(config->timer_c_ms, 185000);
    config->expires = number_or(config->expires, 3600);
    config->expires_least = number_or(config->expires_least, 60);
    config->expires_most = number_or(config->expires_most, 7200);
    config->transactions_most = number_or(config->transactions_most, 200000);
    config->loads.transactions = number_or(config->loads.transactions, 50000);
    config->loads.source_transactions = number_or(config->loads.source_transactions, 5000);
    config->loads.bytes = config->loads.bytes != 0 ? config->loads.bytes : 64000000;
    config->loads.source_bytes = config->loads.source_bytes != 0 ? config->loads.source_bytes : 8000000;
    config->requests_kept.bytes = number_or(config->requests_kept.bytes, 144000000);
    config->requests_kept.source_bytes = number_or(config->requests_kept.source_bytes, 24000000);
    config->bindings_kept.bytes = number_or(config->bindings_kept.bytes, 96000000);
    config->bindings_kept.source_bytes = number_or(config->bindings_kept.source_bytes, 8000000);
}

static void sweep_fires(struct timer *timer)
{
    struct server *server = TABLE_OWNER(timer, struct server, sweep);
    size_t removed = binding_expire(server->bindings, SWEEP_MOST);
    binding_expire(server->passed, SWEEP_MOST);
    rest_sweep(server);
    refusals_sweep(&server->refusals);
    amplification_sweep(&server->amplification);
    source_limits_sweep(server->config.sources);
    timer_start(&server->timers, timer, removed == SWEEP_MOST ? 10 : SWEEP_MS);
}

static int create_policy(struct server *server)
{
    const struct policy_config config = {.host = server->config.host};
    server->policy = server->config.policy;
    if (server->policy != NULL)
        return 0;
    server->own_policy = true;
    return policy_new(&server->policy, &config);
}

static int create_keys(struct server *server)
{
    char error[160];
    if (server->config.token_keys != NULL)
        return 0;
    if (token_keys_open(&server->own_keys, server->config.host, NULL, error, sizeof error) != 0)
        return -ENOMEM;
    server->config.token_keys = server->own_keys;
    return 0;
}

/* Messages to the server itself harm no third party, and addresses that --trust names have no limits. */
static bool has_no_amplification_limit(const void *context, const union address *address)
{
    const struct server *server = context;
    uint16_t port = address_port(address);
    bool may_be_own = server_is_own_port(server, port); /* checked first: writing the address takes time */
    char host[64] = "";
    if (source_is_trusted(server->config.sources, address))
        return true;
    size_t length = may_be_own ? address_host(address, host, sizeof host) : 0;
    return may_be_own && server_is_own_address(server, (struct text){host, length}, port);
}

static int create_parts(struct server *server)
{
    static const struct contact_rules contact_rules = {sip_uri_key, sip_uri_equal};
    static const struct binding_limits passed_limits = {.bindings = PASSED_MOST};
    static const struct holdings_limits emergencies_kept = {.bytes = 32000000, .source_bytes = 4000000};
    static const struct holdings_limits acks_kept = {.bytes = 16000000, .source_bytes = 2000000};
    const struct host *host = server->config.host;
    struct transactions_config config = {.host = host,
                                         .timers = &server->timers,
                                         .wire = server->config.wire,
                                         .amplification = &server->amplification,
                                         .values = server->config.timers,
                                         .responses_to_source = server->config.responses_to_source,
                                         .client = &branch_events,
                                         .server = &context_events,
                                         .context = server};
    if (amplification_create(&server->amplification, host, server->config.wire) != 0 ||
        refusals_create(&server->refusals, host, server->config.mask_numbers) != 0 || create_policy(server) != 0 ||
        create_keys(server) != 0 || table_create(&server->datagram6, host) != 0 ||
        table_create(&server->probes, host) != 0 || table_create(&server->nat_pings, host) != 0 ||
        table_create(&server->rests, host) != 0 || table_create(&server->heirs, host) != 0 ||
        table_create(&server->failed, host) != 0 || table_create(&server->failed_names, host) != 0 ||
        load_table_new(&server->loads, host, &server->config.loads) != 0 ||
        holdings_create(&server->requests_kept, host, &server->config.requests_kept) != 0 ||
        holdings_create(&server->bindings_kept, host, &server->config.bindings_kept) != 0 ||
        holdings_create(&server->emergencies_kept, host, &emergencies_kept) != 0 ||
        holdings_create(&server->acks_kept, host, &acks_kept) != 0 ||
        stream_refusals_create(&server->stream_refusals, host) != 0 ||
        transactions_new(&server->transactions, &config) != 0 ||
        binding_store_new(&server->bindings, host, &server->config.bindings) != 0 ||
        binding_store_new(&server->passed, host, &passed_limits) != 0)
        return -ENOMEM;
    binding_store_compare(server->bindings, &contact_rules);
    binding_store_compare(server->passed, &contact_rules);
    server->amplification.withheld = &server->counters.withheld;
    server->amplification.is_trusted = has_no_amplification_limit;
    server->amplification.trusted_context = server;
    server->binding_put = nat_pings_note;
    server->send_options = probe_send_options;
    flows_listen(server);
    server->sweep.fire = sweep_fires;
    if (timer_keep(&server->timers, &server->sweep) != 0)
        return -ENOMEM;
    return timer_start(&server->timers, &server->sweep, SWEEP_MS);
}

int server_new(struct server **out, const struct server_config *config)
{
    const struct host *host = config->host;
    struct server *server = memory_new(host, sizeof *server);
    if (server == NULL)
        return -ENOMEM;
    server->config = *config;
    set_standards(&server->config);
    server->out.host = host;
    server->routes.host = host;
    hash_key_draw(&server->tag_key, host);
    hash_key_draw(&server->loop_key, host);
    peer_draw_flow_key(host);
    server->run = host->random(host->context);
    hash_key_draw(&server->rest_key, host);
    timers_create(&server->timers, host);
    int error = create_parts(server);
    if (error != 0) {
        server_delete(server);
        return error;
    }
    *out = server;
    return 0;
}

void server_delete(struct server *server)
{
    if (server == NULL)
        return;
    transactions_delete(server->transactions);
    ways_back_clear(server);
    probes_clear(server);
    nat_pings_clear(server);
    failed_addresses_clear(server);
    load_table_delete(server->loads);
    binding_store_delete(server->bindings);
    binding_store_delete(server->passed);
    holdings_destroy(&server->requests_kept);
    holdings_destroy(&server->bindings_kept);
    holdings_destroy(&server->emergencies_kept);
    holdings_destroy(&server->acks_kept);
    flows_clear(server);
    rest_clear(server);
    heirs_clear(server);
    table_destroy(&server->datagram6);
    table_destroy(&server->probes);
    table_destroy(&server->nat_pings);
    table_destroy(&server->rests);
    table_destroy(&server->failed);
    table_destroy(&server->failed_names);
    table_destroy(&server->heirs);
    timers_destroy(&server->timers);
    refusals_destroy(&server->refusals);
    amplification_destroy(&server->amplification);
    stream_refusals_destroy(&server->stream_refusals);
    if (server->own_policy)
        policy_delete(server->policy);
    token_keys_close(server->own_keys);
    sip_buffer_destroy(&server->out);
    sip_buffer_destroy(&server->routes);
    memory_delete(server->config.host, server, sizeof *server);
}

int server_use_script(struct server *server, struct script *script)
{
    int error = policy_use(server->policy, script);
    if (error != 0)
        script_release(script);
    return error;
}

void server_use_domains(struct server *server, const struct domains *domains)
{
    server->config.domains = domains;
}

size_t server_remove_user(struct server *server, struct text user)
{
    char uri[600], aor[512];
    size_t count = 0;
    int length = snprintf(uri, sizeof uri, "sip:%.*s", (int)user.length, user.at);
    if (length > 0 && (size_t)length < sizeof uri)
        length = sip_aor(text_of(uri), server->config.aor_case, aor, sizeof aor);
    else
        length = -1;
    if (length > 0)
        count = binding_remove_aor(server->bindings, (struct text){aor, (size_t)length});
    if (count > 0)
        verbose_user_removed(server, (struct text){aor, (size_t)length}, count);
    return count;
}

struct timers *server_timers(struct server *server)
{
    return &server->timers;
}

void server_drain(struct server *server)
{
    server->draining = true;
}

bool server_is_drained(const struct server *server)
{
    return transactions_unanswered(server->transactions) == 0;
}

enum aor_case server_aor_case(const struct server *server)
{
    return server->config.aor_case;
}

struct binding_store *server_bindings(struct server *server)
{
    return server->bindings;
}

static void tell_script(struct server *server, flow_id flow, const struct binding *binding, const char *reason)
{
    char description[96];
    struct binding_view view;
    binding_read(binding, &view);
    if (view.reg_id == 0) /* as sip_on_flow_up() */
        return;
    struct script_flow told = {
        .aor = view.aor, .instance = view.instance, .reg_id = view.reg_id, .reason = text_of(reason)};
    told.flow = (struct text){description, server_describe_flow(server, flow, description, sizeof description)};
    policy_on_flow(server->policy, HOOK_FLOW_DOWN, &told);
}

static bool flow_is_bound(const struct server *server, flow_id flow)
{
    return binding_first_on_flow(server->bindings, flow) != NULL;
}

const struct network_events server_network_events = {.received = server_received,
                                                     .received_fault = server_received_fault,
                                                     .connection_refused = server_connection_refused,
                                                     .may_keep_alive = server_may_keep_alive,
                                                     .flow_down = server_flow_down,
                                                     .datagram_returned = server_datagram_returned,
                                                     .flow_is_bound = flow_is_bound,
                                                     .flow_is_outbound = server_flow_is_outbound,
                                                     .timers = server_timers};

/* 3261-18.1.1.a: no TCP connection could be opened to the address. */
static void note_unopened(struct server *server, flow_id flow, const char *reason)
{
    const struct wire *wire = server->config.wire;
    struct peer peer = {0};
    if (strcmp(reason, FLOW_UNOPENED) != 0 && strcmp(reason, FLOW_REFUSED) != 0)
        return;
    wire->connection(wire->context, flow, &peer);
    if (peer.transport == TRANSPORT_TCP)
        stream_refusals_note(&server->stream_refusals, &peer.address);
}

void server_flow_down(struct server *server, flow_id flow, const char *reason)
{
    const struct binding *binding = binding_first_on_flow(server->bindings, flow);
    server->counters.flows_down++;
    note_unopened(server, flow, reason);
    verbose_flow_down(server, flow, reason);
    if (policy_hears(server->policy, HOOK_FLOW_DOWN)) {
        for (; binding != NULL; binding = binding_next_on_flow(server->bindings, binding))
            tell_script(server, flow, binding, reason);
    }
    flows_end(server, flow);
    if (strcmp(reason, FLOW_UNOPENED) == 0)
        transactions_flow_late(server->transactions, flow);
    transactions_flow_down(server->transactions, flow);
    ways_back_flow_down(server, flow, reason);
}

void server_flow_lost(struct server *server, flow_id flow, const char *reason)
{
    const struct wire *wire = server->config.wire;
    verbose_flow_down(server, flow, reason);
    flows_drop(server, flow);
    if (!flow_is_datagram(flow)) {
        wire->close(wire->context, flow); /* the rest follows in server_flow_down() */
        return;
    }
    server->counters.flows_down++;
    transactions_flow_down(server->transactions, flow);
}
