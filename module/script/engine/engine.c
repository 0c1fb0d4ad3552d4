// SPDX-License-Identifier: BSD-2-Clause
#include "script/engine/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "script/base/layers.h"
#include "script/engine/script.h"

/* A version is put together from its parts. */

static size_t size_of(size_t count)
{
    return sizeof(struct script) + count * sizeof(struct script_part *);
}

static struct script *script_allocate(const struct host *host, struct sources *sources, size_t count)
{
    struct script *script = host->allocate(host->context, NULL, 0, size_of(count));
    if (script == NULL)
        return NULL;
    memset(script, 0, size_of(count));
    script->host = host;
    script->references = 1;
    script->sources = sources_hold(sources);
    script->count = count;
    return script;
}

/* The layers of a tenant, a bit for each; "": the site's. */
static uint64_t layers_of(const struct sources *sources, const char *tenant)
{
    uint64_t layers = 0;
    for (size_t i = 0; i < sources_layer_count(sources); i++)
        if (strcasecmp(sources_layer(sources, i)->tenant, tenant) == 0)
            layers |= UINT64_C(1) << i;
    return layers;
}

/* Whether a layer is the first of its tenant. */
static bool begins_tenant(const struct sources *sources, size_t index)
{
    const char *tenant = sources_layer(sources, index)->tenant;
    return tenant[0] != '\0' && (size_t)__builtin_ctzll(layers_of(sources, tenant)) == index;
}

static size_t count_tenants(const struct sources *sources)
{
    size_t count = 0;
    for (size_t i = 0; i < sources_layer_count(sources); i++)
        count += begins_tenant(sources, i);
    return count;
}

static int build_parts(struct script *script, const struct script_config *config, char *error, size_t error_size)
{
    struct sources *sources = script->sources;
    size_t built = 1;
    int code = part_new(&script->parts[0], config, sources, "", layers_of(sources, ""), error, error_size);
    for (size_t i = 0; i < sources_layer_count(sources) && code == 0; i++) {
        const char *tenant = sources_layer(sources, i)->tenant;
        if (begins_tenant(sources, i))
            code = part_new(&script->parts[built++], config, sources, tenant, layers_of(sources, tenant), error,
                            error_size);
    }
    return code;
}

/* Users who could not authenticate would be the first to notice. */
static int check_credentials(const struct script *script, const struct script_config *config, char *error,
                             size_t error_size)
{
    for (size_t i = 0; config->no_credentials != NULL && i < script->count; i++) {
        const struct hooks *hooks = &script->parts[i]->state->hooks;
        for (size_t row = 0; row < hooks->count; row++) {
            if (hooks->rows[row].hook != HOOK_CREDENTIALS)
                continue;
            snprintf(error, error_size, "%s:%u: sip_on_credentials(): %s",
                     hooks->rows[row].file != NULL ? hooks->rows[row].file : "?", hooks->rows[row].line,
                     config->no_credentials);
            return -EINVAL;
        }
    }
    return 0;
}

int script_new_of(struct script **out, const struct script_config *config, struct sources *sources, char *error,
                  size_t error_size)
{
    struct script *script = script_allocate(config->host, sources, 1 + count_tenants(sources));
    if (script == NULL) {
        snprintf(error, error_size, "%s: %s", sources_layer(sources, 0)->path, strerror(ENOMEM));
        return -ENOMEM;
    }
    int code = build_parts(script, config, error, error_size);
    if (code == 0)
        code = check_credentials(script, config, error, error_size);
    if (code == 0)
        *out = script;
    else
        script_release(script);
    return code;
}

int script_new(struct script **out, const struct host *host, const struct script_limits *limits, const char *path,
               char *error, size_t error_size)
{
    struct script_config config = {.host = host};
    struct layer layer = {.priority = 0};
    struct sources *sources;
    if ((size_t)snprintf(layer.path, sizeof layer.path, "%s", path) >= sizeof layer.path) {
        snprintf(error, error_size, "%s: %s", path, strerror(ENAMETOOLONG));
        return -ENAMETOOLONG;
    }
    if (limits != NULL)
        config.limits = *limits;
    struct sources_limits reading = {.file = config.limits.source};
    int code = sources_read(&sources, host, &layer, 1, &reading, error, error_size);
    if (code != 0)
        return code;
    code = script_new_of(out, &config, sources, error, error_size);
    sources_release(sources);
    return code;
}

/* --- exchanging a part --- */

/* The reference to `part` is taken over, also on failure. */
static int exchange(struct script **out, const struct script *script, size_t index, struct script_part *part)
{
    struct script *made = script_allocate(script->host, script->sources, script->count);
    if (made == NULL) {
        part_release(part);
        return -ENOMEM;
    }
    for (size_t i = 0; i < script->count; i++)
        made->parts[i] = i == index ? part : part_hold(script->parts[i]);
    *out = made;
    return 0;
}

size_t script_part_find(const struct script *script, const char *tenant)
{
    size_t index = 0;
    while (index < script->count && strcasecmp(script->parts[index]->tenant, tenant) != 0)
        index++;
    return index;
}

int script_take_part(struct script **out, const struct script *script, size_t index, const struct script *donor)
{
    size_t there = script_part_find(donor, script->parts[index]->tenant);
    if (there == donor->count)
        return -ENOENT;
    return exchange(out, script, index, part_hold(donor->parts[there]));
}

int script_rebuild_part(struct script **out, const struct script *script, size_t index,
                        const struct script_config *config, char *error, size_t error_size)
{
    struct script_part *old = script->parts[index], *part;
    old->spent = false;
    old->rebuilt_ms = script->host->now_ms(script->host->context);
    int code = part_new(&part, config, old->sources, old->tenant, old->layers, error, error_size);
    if (code != 0)
        return code;
    part->memory.log = old->memory.log;
    part->counters = old->counters;
    part->window = old->window;
    part->rebuilt_ms = old->rebuilt_ms;
    code = exchange(out, script, index, part);
    if (code != 0)
        snprintf(error, error_size, "%s", strerror(-code));
    return code;
}

size_t script_part_count(const struct script *script)
{
    return script->count;
}

void script_part_info(const struct script *script, size_t index, struct script_part_info *info)
{
    const struct script_part *part = script->parts[index];
    *info = (struct script_part_info){.tenant = part->tenant,
                                      .hash = part->hash,
                                      .sources = part->sources,
                                      .layers = part->layers,
                                      .counters = part->counters,
                                      .bytes = part->memory.used,
                                      .lines_dropped = part->memory.log.dropped,
                                      .spent = part->spent,
                                      .rebuilt_ms = part->rebuilt_ms};
}

struct script_window *script_window(const struct script *script, size_t index)
{
    return &script->parts[index]->window;
}

bool script_has_part(const struct script *script, size_t index, const struct script *other)
{
    return index < script->count && index < other->count && script->parts[index] == other->parts[index];
}

size_t script_tenant_of(const struct script *script, struct text aor)
{
    if (script->count == 1)
        return 0;
    struct text domain = layers_domain(aor);
    for (size_t i = 1; i < script->count; i++)
        if (text_equal_nocase(text_of(script->parts[i]->tenant), domain))
            return i;
    return 0;
}

/* --- the whole --- */

struct sources *script_sources(const struct script *script)
{
    return script->sources;
}

struct script *script_hold(struct script *script)
{
    script->references++;
    return script;
}

void script_release(struct script *script)
{
    if (script == NULL || --script->references != 0)
        return;
    for (size_t i = 0; i < script->count; i++)
        part_release(script->parts[i]);
    sources_release(script->sources);
    memory_delete(script->host, script, size_of(script->count));
}

const char *script_path(const struct script *script)
{
    return sources_layer(script->sources, 0)->path;
}

uint64_t script_hash(const struct script *script)
{
    return sources_hash(script->sources);
}

static bool part_has_hook(const struct script_part *part, enum hook hook)
{
    const struct hooks *hooks = &part->state->hooks;
    size_t count;
    if (hook != HOOK_RESPONSE) {
        hooks_for(hooks, hook, &count);
        return count > 0;
    }
    for (size_t i = 0; i < hooks->count; i++)
        if (hooks->rows[i].hook == hook)
            return true;
    return false;
}

bool script_has_hook(const struct script *script, enum hook hook)
{
    for (size_t i = 0; i < script->count; i++)
        if (part_has_hook(script->parts[i], hook))
            return true;
    return false;
}

bool script_hears(const struct script *script, const struct facts *facts)
{
    for (size_t i = 0; i < script->count; i++) {
        size_t count;
        hooks_for_code(&script->parts[i]->state->hooks, reply_code(facts), &count);
        if (count > 0)
            return true;
    }
    return false;
}

void script_counters(const struct script *script, struct script_counters *counters)
{
    *counters = (struct script_counters){0};
    for (size_t i = 0; i < script->count; i++) {
        const struct script_counters *own = &script->parts[i]->counters;
        counters->entries += own->entries;
        counters->errors += own->errors;
        counters->overruns += own->overruns;
        counters->memory += own->memory;
    }
}

const struct script_last *script_last(const struct script *script)
{
    return &script->last;
}

void script_idle(struct script *script)
{
    for (size_t i = 0; i < script->count; i++)
        lua_gc(script->parts[i]->L, LUA_GCSTEP, 0);
}
