// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/source_limits.h"

#include <errno.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/table.h"

static const uint64_t ns_per_ms = 1000000, ns_per_s = 1000000000;

enum { SWEEP_MOST = 4096, MINUTE_S = 60, REAPED_AT_ONCE = 2 };

/* A source of datagrams, or of streams. */
struct limited_source {
    struct table_link link;               /* by keyed hash of id and proved */
    struct limited_source *newer, *older; /* in the list of those without connections */
    source_id id;
    uint64_t full_ns[SOURCE_USES]; /* when the whole allowance is available again */
    uint64_t banned_until_ns;
    struct source_connection *connections;
    uint32_t connection_count;
    bool proved; /* by streams */
};

/* Sources without connections, in the order of their last use. */
struct idle_sources {
    struct limited_source *newest, *oldest;
    size_t count;
};

/* The rate of an allowance: one use for each interval, at most `burst_ns` in advance. interval 0: no limit. */
struct allowance {
    uint64_t interval_ns, burst_ns;
};

struct source_limits {
    struct source_limits_config config;
    struct hash_key key;
    struct table table;
    struct idle_sources idle[2]; /* by `proved`: floods of forged datagrams must not remove */
    struct allowance allowances[SOURCE_USES];
    source_banned *banned;
    void *banned_context;
    struct source_limits_counters counters;
};

static uint64_t now_ns(const struct source_limits *limits)
{
    return limits->config.host->now_ms(limits->config.host->context) * ns_per_ms;
}

static struct allowance allowance_of(uint32_t number, uint64_t period_s, uint64_t burst_s)
{
    if (number == 0)
        return (struct allowance){0};
    return (struct allowance){.interval_ns = period_s * ns_per_s / number, .burst_ns = burst_s * ns_per_s};
}

int source_limits_new(struct source_limits **out, const struct source_limits_config *config)
{
    struct source_limits *limits = memory_new(config->host, sizeof *limits);
    if (limits == NULL)
        return -ENOMEM;
    limits->config = *config;
    limits->allowances[SOURCE_REQUEST] = allowance_of(config->requests, 1, SOURCE_BURST_S);
    limits->allowances[SOURCE_KEEPALIVE] = allowance_of(config->requests, 1, SOURCE_BURST_S);
    limits->allowances[SOURCE_FAILURE] = allowance_of(config->failures, MINUTE_S, MINUTE_S);
    limits->allowances[SOURCE_PROVED_FAILURE] = limits->allowances[SOURCE_FAILURE];
    hash_key_draw(&limits->key, config->host);
    if (table_create(&limits->table, config->host) != 0) {
        memory_delete(config->host, limits, sizeof *limits);
        return -ENOMEM;
    }
    *out = limits;
    return 0;
}

/* --- the table --- */

static uint64_t hash_of(const struct source_limits *limits, source_id id, bool proved)
{
    return hash_pair(&limits->key, id, proved);
}

static struct limited_source *find(const struct source_limits *limits, source_id id, bool proved)
{
    struct table_link *link = table_find(&limits->table, hash_of(limits, id, proved));
    for (; link != NULL; link = table_next(link)) {
        struct limited_source *source = TABLE_OWNER(link, struct limited_source, link);
        if (source->id == id && source->proved == proved)
            return source;
    }
    return NULL;
}

static void idle_remove(struct source_limits *limits, struct limited_source *source)
{
    struct idle_sources *idle = &limits->idle[source->proved];
    *(source->newer != NULL ? &source->newer->older : &idle->newest) = source->older;
    *(source->older != NULL ? &source->older->newer : &idle->oldest) = source->newer;
    source->newer = source->older = NULL;
    idle->count--;
}

static void idle_add(struct source_limits *limits, struct limited_source *source)
{
    struct idle_sources *idle = &limits->idle[source->proved];
    source->older = idle->newest;
    *(idle->newest != NULL ? &idle->newest->newer : &idle->oldest) = source;
    idle->newest = source;
    idle->count++;
}

static void forget(struct source_limits *limits, struct limited_source *source)
{
    idle_remove(limits, source);
    table_remove(&limits->table, &source->link);
    memory_delete(limits->config.host, source, sizeof *source);
}

static bool is_banned(const struct source_limits *limits, const struct limited_source *source)
{
    return now_ns(limits) < source->banned_until_ns;
}

/* Returns whether the source can be forgotten without effect. */
static bool is_rested(const struct source_limits *limits, const struct limited_source *source)
{
    uint64_t now = now_ns(limits);
    for (size_t use = 0; use < SOURCE_USES; use++) {
        if (source->full_ns[use] > now)
            return false;
    }
    return !is_banned(limits, source);
}

/* Returns the number of removed sources. Only the oldest one is examined: those after it were active later. */
static size_t reap(struct source_limits *limits, struct idle_sources *idle, size_t most)
{
    size_t reaped = 0;
    while (reaped < most && idle->oldest != NULL && is_rested(limits, idle->oldest)) {
        forget(limits, idle->oldest);
        reaped++;
    }
    return reaped;
}

static struct limited_source *add(struct source_limits *limits, source_id id, bool proved)
{
    struct idle_sources *idle = &limits->idle[proved];
    if (reap(limits, idle, REAPED_AT_ONCE) == 0 && idle->count >= SOURCES_MOST)
        forget(limits, idle->oldest);
    struct limited_source *source = memory_new(limits->config.host, sizeof *source);
    if (source == NULL)
        return NULL;
    source->id = id;
    source->proved = proved;
    table_add(&limits->table, &source->link, hash_of(limits, id, proved));
    idle_add(limits, source);
    return source;
}

/* NULL without memory. */
static struct limited_source *find_or_add(struct source_limits *limits, const struct peer *peer)
{
    source_id id = source_of(&peer->address);
    bool proved = transport_connects(peer->transport);
    struct limited_source *source = find(limits, id, proved);
    if (source == NULL)
        return add(limits, id, proved);
    if (source->connections == NULL) {
        idle_remove(limits, source);
        idle_add(limits, source);
    }
    return source;
}

void source_limits_sweep(struct source_limits *limits)
{
    if (limits == NULL)
        return;
    reap(limits, &limits->idle[false], SWEEP_MOST);
    reap(limits, &limits->idle[true], SWEEP_MOST);
}

void source_limits_delete(struct source_limits *limits)
{
    struct table_link *link;
    if (limits == NULL)
        return;
    while ((link = table_any(&limits->table)) != NULL) {
        table_remove(&limits->table, link);
        memory_delete(limits->config.host, TABLE_OWNER(link, struct limited_source, link),
                      sizeof(struct limited_source));
    }
    table_destroy(&limits->table);
    memory_delete(limits->config.host, limits, sizeof *limits);
}

/* --- who is exempt --- */

bool source_is_trusted(const struct source_limits *limits, const union address *address)
{
    for (size_t i = 0; limits != NULL && i < limits->config.trusted_count; i++) {
        if (cidr_has(&limits->config.trusted[i], address))
            return true;
    }
    return false;
}

bool source_is_exempt(const struct source_limits *limits, const union address *address)
{
    return limits == NULL || source_is_loopback(address) || source_is_trusted(limits, address);
}

/* --- connections --- */

static void link_connection(struct source_limits *limits, struct limited_source *source,
                            struct source_connection *connection)
{
    if (source->connections == NULL)
        idle_remove(limits, source);
    *connection = (struct source_connection){source, source->connections, &source->connections};
    if (connection->next != NULL)
        connection->next->back = &connection->next;
    source->connections = connection;
    source->connection_count++;
}

void source_disconnect(struct source_limits *limits, struct source_connection *connection)
{
    struct limited_source *source = connection->source;
    if (source == NULL)
        return;
    *connection->back = connection->next;
    if (connection->next != NULL)
        connection->next->back = connection->back;
    *connection = (struct source_connection){0};
    source->connection_count--;
    if (source->connections == NULL)
        idle_add(limits, source);
}

static void ban(struct source_limits *limits, struct limited_source *source)
{
    source->banned_until_ns = now_ns(limits) + limits->config.ban_s * ns_per_s;
    limits->counters.bans++;
    while (source->connections != NULL) {
        struct source_connection *connection = source->connections;
        source_disconnect(limits, connection);
        limits->counters.banned_connections++;
        limits->banned(limits->banned_context, connection);
    }
}

void source_limits_listen(struct source_limits *limits, source_banned *banned, void *context)
{
    if (limits == NULL)
        return;
    limits->banned = banned;
    limits->banned_context = context;
}

/* --- uses --- */

/* A use takes `interval_ns` of the allowance (as in the GCRA of ATM networks). */
static bool take(struct limited_source *source, enum source_use use, const struct allowance *allowance, uint64_t now)
{
    uint64_t full = source->full_ns[use] > now ? source->full_ns[use] : now;
    if (full + allowance->interval_ns > now + allowance->burst_ns)
        return false;
    source->full_ns[use] = full + allowance->interval_ns;
    return true;
}

static void count(struct source_limits *limits, enum source_use use)
{
    uint64_t *const counters[SOURCE_USES] = {&limits->counters.limited_requests, &limits->counters.limited_keepalives,
                                             &limits->counters.limited_failures, &limits->counters.limited_failures};
    ++*counters[use];
}

static bool may(struct source_limits *limits, struct limited_source *source, enum source_use use)
{
    const struct allowance *allowance = &limits->allowances[use];
    bool banned = is_banned(limits, source);
    if (!banned && (allowance->interval_ns == 0 || take(source, use, allowance, now_ns(limits))))
        return true;
    count(limits, use);
    if ((source->proved || use == SOURCE_PROVED_FAILURE) && !banned)
        ban(limits, source);
    return false;
}

bool source_may(struct source_limits *limits, const struct peer *peer, enum source_use use)
{
    if (source_is_exempt(limits, &peer->address))
        return true;
    struct limited_source *source = find_or_add(limits, peer);
    return source == NULL || may(limits, source, use);
}

int source_connect(struct source_limits *limits, const struct peer *peer, struct source_connection *connection)
{
    if (source_is_exempt(limits, &peer->address))
        return 0;
    struct limited_source *source = find_or_add(limits, peer);
    if (source == NULL)
        return 0;
    /* A connection costs as much as a request, and a handshake more. */
    if (is_banned(limits, source) || !may(limits, source, SOURCE_REQUEST)) {
        limits->counters.banned_connections++;
        return -EPERM;
    }
    if (limits->config.connections != 0 && source->connection_count >= limits->config.connections) {
        limits->counters.limited_connections++;
        return -EDQUOT;
    }
    link_connection(limits, source, connection);
    return 0;
}

struct source_limits_counters source_limits_counters(const struct source_limits *limits)
{
    return limits != NULL ? limits->counters : (struct source_limits_counters){0};
}

size_t source_limits_count(const struct source_limits *limits)
{
    return limits != NULL ? limits->table.count : 0;
}
