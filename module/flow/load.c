// SPDX-License-Identifier: BSD-2-Clause
#include "flow/load.h"

#include <errno.h>

#include "base/hash.h"
#include "base/hash_index.h"
#include "base/memory.h"

/* A request passes few AORs: a chain of calls forwarded from one user to the next. A longer chain counts as a loop. */
enum { VISITS_MOST = 16 };

struct amount {
    uint32_t transactions;
    uint64_t bytes;
};

struct source {
    uint64_t id;
    uint32_t loads;
    struct amount flying;
};

struct visit {
    struct visit *next;
    uint64_t aor, branch;
};

struct load {
    struct load_table *table;
    struct source *source; /* NULL: not limited */
    uint64_t id;
    uint32_t holders;
    struct amount made; /* in total, including what has ended */
    struct visit *visits;
};

struct load_table {
    const struct host *host;
    struct load_limits limits;
    struct hash_key key;
    struct hash_index loads, sources;
    struct amount flying;
};

static void take_lock(const struct load_table *table)
{
    if (table->host->lock != NULL)
        table->host->lock(table->host->context);
}

static void give_lock(const struct load_table *table)
{
    if (table->host->unlock != NULL)
        table->host->unlock(table->host->context);
}

int load_table_new(struct load_table **out, const struct host *host, const struct load_limits *limits)
{
    struct load_table *table = host->allocate(host->context, NULL, 0, sizeof *table);
    if (table == NULL)
        return -ENOMEM;
    memset(table, 0, sizeof *table);
    table->host = host;
    table->limits = *limits;
    hash_key_draw(&table->key, host);
    if (hash_index_create(&table->loads, host) != 0) {
        memory_delete(table->host, table, sizeof *table);
        return -ENOMEM;
    }
    if (hash_index_create(&table->sources, host) != 0) {
        hash_index_destroy(&table->loads);
        memory_delete(table->host, table, sizeof *table);
        return -ENOMEM;
    }
    *out = table;
    return 0;
}

void load_table_delete(struct load_table *table)
{
    if (table == NULL)
        return;
    hash_index_destroy(&table->loads);
    hash_index_destroy(&table->sources);
    memory_delete(table->host, table, sizeof *table);
}

/* --- who is who --- */

static uint64_t digest(const struct load_table *table, struct text text)
{
    return hash_seal(&table->key, text);
}

static uint64_t id_of(const struct load_table *table, const struct load_request *request)
{
    const struct text parts[] = {
        request->call_id, request->from_tag, request->method, {(const char *)&request->cseq, sizeof request->cseq}};
    return hash_texts(&table->key, parts, sizeof parts / sizeof parts[0]);
}

static uint32_t hash_of(uint64_t id)
{
    return (uint32_t)(id ^ id >> 32);
}

static bool is_load(const void *item, const void *id)
{
    return ((const struct load *)item)->id == *(const uint64_t *)id;
}

static bool is_source(const void *item, const void *id)
{
    return ((const struct source *)item)->id == *(const uint64_t *)id;
}

static struct source *find_source(const struct load_table *table, uint64_t id)
{
    return hash_index_find(&table->sources, hash_number(&table->key, id), is_source, &id);
}

static struct source *begin_source(struct load_table *table, uint64_t id)
{
    struct source *source = find_source(table, id);
    if (source != NULL || hash_index_reserve(&table->sources) != 0 ||
        (source = memory_new(table->host, sizeof *source)) == NULL)
        return source;
    source->id = id;
    hash_index_insert(&table->sources, hash_number(&table->key, id), source);
    return source;
}

static void end_source(struct load_table *table, struct source *source)
{
    if (source == NULL || source->loads > 0)
        return;
    hash_index_remove(&table->sources, hash_number(&table->key, source->id), source);
    memory_delete(table->host, source, sizeof *source);
}

static struct load *begin_load(struct load_table *table, uint64_t id, struct source *source)
{
    struct load *load = hash_index_reserve(&table->loads) == 0 ? memory_new(table->host, sizeof *load) : NULL;
    if (load == NULL)
        return NULL;
    load->table = table;
    load->id = id;
    load->source = source;
    if (source != NULL)
        source->loads++;
    hash_index_insert(&table->loads, hash_of(id), load);
    return load;
}

static struct load *find_or_begin(struct load_table *table, const struct load_request *request)
{
    const uint64_t id = id_of(table, request);
    struct source *source = NULL;
    struct load *load = hash_index_find(&table->loads, hash_of(id), is_load, &id);
    if (load != NULL)
        return load;
    if (request->source != 0 && (source = begin_source(table, request->source)) == NULL)
        return NULL;
    load = begin_load(table, id, source);
    if (load == NULL)
        end_source(table, source);
    return load;
}

int load_enter(struct load_table *table, const struct load_request *request, struct load **out)
{
    take_lock(table);
    struct load *load = find_or_begin(table, request);
    if (load != NULL) {
        load->holders++;
        *out = load;
    }
    give_lock(table);
    return load != NULL ? 0 : -ENOMEM;
}

bool load_find(struct load_table *table, const struct load_request *request, uint64_t *source)
{
    const uint64_t id = id_of(table, request);
    take_lock(table);
    const struct load *load = hash_index_find(&table->loads, hash_of(id), is_load, &id);
    if (load != NULL)
        *source = load->source != NULL ? load->source->id : 0;
    give_lock(table);
    return load != NULL;
}

void load_hold(struct load *load)
{
    take_lock(load->table);
    load->holders++;
    give_lock(load->table);
}

static void end_load(struct load_table *table, struct load *load)
{
    struct visit *visit;
    if (load->source != NULL) {
        load->source->loads--;
        end_source(table, load->source);
    }
    while ((visit = load->visits) != NULL) {
        load->visits = visit->next;
        memory_delete(table->host, visit, sizeof *visit);
    }
    hash_index_remove(&table->loads, hash_of(load->id), load);
    memory_delete(table->host, load, sizeof *load);
}

void load_leave(struct load *load)
{
    if (load == NULL)
        return;
    struct load_table *table = load->table;
    take_lock(table);
    if (--load->holders == 0)
        end_load(table, load);
    give_lock(table);
}

/* --- loops --- */

static bool note_visit(struct load *load, const struct visit *now)
{
    unsigned count = 0;
    for (const struct visit *before = load->visits; before != NULL; before = before->next, count++) {
        if (before->aor == now->aor)
            return before->branch == now->branch;
    }
    struct visit *noted = count < VISITS_MOST ? memory_new(load->table->host, sizeof *noted) : NULL;
    if (noted == NULL)
        return false;
    *noted = *now;
    noted->next = load->visits;
    load->visits = noted;
    return true;
}

bool load_visit(struct load *load, struct text aor, struct text branch)
{
    const struct visit now = {.aor = digest(load->table, aor), .branch = digest(load->table, branch)};
    take_lock(load->table);
    bool fresh = note_visit(load, &now);
    give_lock(load->table);
    return fresh;
}

/* --- limits --- */

static bool fits(const struct amount *amount, uint32_t transactions, uint64_t bytes, size_t more)
{
    return (transactions == 0 || amount->transactions < transactions) && (bytes == 0 || amount->bytes + more <= bytes);
}

static enum load_refusal check(const struct load_table *table, const struct source *source, size_t bytes)
{
    const struct load_limits *limits = &table->limits;
    if (source != NULL && !fits(&source->flying, limits->source_transactions, limits->source_bytes, bytes))
        return LOAD_OF_SOURCE;
    return fits(&table->flying, limits->transactions, limits->bytes, bytes) ? LOAD_FINE : LOAD_IN_TOTAL;
}

enum load_refusal load_check(const struct load *load, size_t bytes)
{
    take_lock(load->table);
    enum load_refusal refusal = fits(&load->made, LOAD_TRANSACTIONS_MOST, LOAD_BYTES_MOST, bytes)
                                    ? check(load->table, load->source, bytes)
                                    : LOAD_OF_REQUEST;
    give_lock(load->table);
    return refusal;
}

static void add(struct amount *amount, size_t bytes)
{
    amount->transactions++;
    amount->bytes += bytes;
}

static void subtract(struct amount *amount, size_t bytes)
{
    amount->transactions--;
    amount->bytes -= bytes;
}

void load_begin(struct load *load, size_t bytes)
{
    take_lock(load->table);
    add(&load->made, bytes);
    add(&load->table->flying, bytes);
    if (load->source != NULL)
        add(&load->source->flying, bytes);
    give_lock(load->table);
}

void load_end(struct load *load, size_t bytes)
{
    take_lock(load->table);
    subtract(&load->table->flying, bytes);
    if (load->source != NULL)
        subtract(&load->source->flying, bytes);
    give_lock(load->table);
}

bool load_send(struct load *load, size_t bytes)
{
    take_lock(load->table);
    bool fine = load->made.bytes + bytes <= LOAD_BYTES_MOST;
    if (fine)
        load->made.bytes += bytes;
    give_lock(load->table);
    return fine;
}

struct load_counts load_count(const struct load_table *table)
{
    take_lock(table);
    struct load_counts counts = {.requests = table->loads.count,
                                 .sources = table->sources.count,
                                 .transactions = table->flying.transactions,
                                 .bytes = table->flying.bytes};
    give_lock(table);
    return counts;
}
