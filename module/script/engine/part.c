// SPDX-License-Identifier: BSD-2-Clause
#include "script/engine/part.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "base/memory.h"
#include "script/base/log_share.h"
#include "script/base/printable.h"
#include "script/base/traceback.h"
#include "script/engine/names.h"
#include "script/engine/sandbox.h"
#include "script/store/tenants.h"

/* 63 tenants with two versions each, all at the limit, use half a gigabyte. */
enum { TIME_MS = 20, LOAD_MS = 1000, MEMORY = 8 << 20, TENANT_MEMORY = 4 << 20 };

enum script_outcome script_outcome_of(int status, bool overran)
{
    if (overran)
        return SCRIPT_OVERRUN;
    if (status == LUA_ERRMEM)
        return SCRIPT_MEMORY;
    return status == LUA_OK ? SCRIPT_DEFAULT : SCRIPT_ERROR;
}

/* lua_tostring() neither allocates nor raises for a string, and is not called for anything else. */
const char *script_message(const struct script_part *part, enum script_outcome outcome)
{
    if (outcome == SCRIPT_MEMORY)
        return "not enough memory";
    if (lua_type(part->L, -1) == LUA_TSTRING)
        return lua_tostring(part->L, -1);
    return outcome == SCRIPT_OVERRUN ? "ran past its time" : "unknown error";
}

static void fill_limits(struct script_limits *limits, const struct script_limits *given)
{
    *limits = *given;
    limits->time_ms = limits->time_ms != 0 ? limits->time_ms : TIME_MS;
    limits->load_ms = limits->load_ms != 0 ? limits->load_ms : LOAD_MS;
    limits->memory = limits->memory != 0 ? limits->memory : MEMORY;
    limits->tenant_memory = limits->tenant_memory != 0 ? limits->tenant_memory : TENANT_MEMORY;
}

static int open_protected(lua_State *L)
{
    struct script_part *part = lua_touserdata(L, 1);
    sandbox_open(L, &part->memory.capped);
    part->state = bind_state(L);
    return 0;
}

/* Creates a state with the sandbox. After an error, the message is on top of the stack if the state could be
   created. */
static int open_state(struct script_part *part)
{
    lua_State *L = part->L = lua_newstate(memory_allocate, &part->memory);
    if (L == NULL)
        return -ENOMEM;
    lua_pushcfunction(L, traceback);
    lua_pushcfunction(L, open_protected);
    lua_pushlightuserdata(L, part);
    switch (lua_pcall(L, 1, 0, 1)) {
    case LUA_OK:
        return watch_create(&part->watch, L);
    case LUA_ERRMEM:
        return -ENOMEM;
    default:
        return -EINVAL;
    }
}

/* Runs the layer's own files, in order, with their own globals, then checks the names in all of them. */
static void run_layer(lua_State *L, struct script_part *part, size_t layer)
{
    const struct sources *sources = part->sources;
    part->state->layer = (uint8_t)layer;
    sandbox_push_layer(L, sources, layer);
    int globals = lua_gettop(L);
    for (size_t i = 0; i < sources_count(sources); i++) {
        if (sources_at(sources, i)->layer != layer || sources_at(sources, i)->library)
            continue;
        sandbox_push_file(L, globals, sources_at(sources, i));
        lua_call(L, 0, 0);
    }
    for (size_t i = 0; i < sources_count(sources); i++) {
        const struct source_file *file = sources_at(sources, i);
        if (file->layer == layer)
            names_check(L, globals, &part->memory.capped, file->name.at, sandbox_program(file));
    }
    lua_settop(L, globals - 1);
}

static int load_protected(lua_State *L)
{
    struct script_part *part = lua_touserdata(L, 1);
    for (size_t i = 0; i < sources_layer_count(part->sources); i++)
        if ((part->layers >> i & 1) != 0)
            run_layer(L, part, i);
    if (hooks_build(&part->state->hooks) != 0)
        return luaL_error(L, "not enough memory");
    part->state->loading = false;
    lua_gc(L, LUA_GCCOLLECT);
    return 0;
}

static int error_of(enum script_outcome outcome)
{
    switch (outcome) {
    case SCRIPT_OVERRUN:
        return -ETIME;
    case SCRIPT_MEMORY:
        return -ENOMEM;
    case SCRIPT_ERROR:
        return -EINVAL;
    default:
        return 0;
    }
}

/* Runs the files once. *message is valid until the state is closed. */
static int run_sources(struct script_part *part, const char **message)
{
    int error = watch_begin(&part->watch, part->limits.load_ms);
    if (error != 0)
        return error;
    lua_pushcfunction(part->L, load_protected);
    lua_pushlightuserdata(part->L, part);
    int status = lua_pcall(part->L, 1, 0, 1);
    enum script_outcome outcome = script_outcome_of(status, watch_end(&part->watch));
    if (outcome != SCRIPT_DEFAULT)
        *message = script_message(part, outcome);
    return error_of(outcome);
}

static const char *path_of(const struct sources *sources, uint64_t layers)
{
    return sources_layer(sources, layers != 0 ? (size_t)__builtin_ctzll(layers) : 0)->path;
}

/* Whether a message begins with a name and a colon. */
static bool begins_with(const char *message, const char *name)
{
    size_t length = strlen(name);
    return strncmp(message, name, length) == 0 && message[length] == ':';
}

/* Returns "a.lua:3: reason" unchanged; otherwise adds the path. In one line. Lua shortens a long name, "...n/a.lua:3:".
 */
static void tell(char *error, size_t size, const struct sources *sources, const char *path, const char *message)
{
    const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    bool named = begins_with(message, name) || strncmp(message, "...", 3) == 0;
    for (size_t i = 0; i < sources_count(sources); i++)
        named = named || begins_with(message, sources_at(sources, i)->name.at);
    if (size == 0)
        return;
    size_t length = named ? 0 : printable_write(error, size, path);
    if (!named)
        length += printable_write(error + length, size - length, ": ");
    printable_write(error + length, size - length, message);
}

static struct script_part *part_allocate(const struct script_config *config, struct sources *sources,
                                         const char *tenant, uint64_t layers)
{
    const struct host *host = config->host;
    struct script_part *part = host->allocate(host->context, NULL, 0, sizeof *part);
    if (part == NULL)
        return NULL;
    memset(part, 0, sizeof *part);
    part->host = host;
    part->references = 1;
    part->sources = sources_hold(sources);
    part->tenant = tenant;
    part->layers = layers;
    part->hash = sources_hash_of(sources, layers);
    part->path = path_of(sources, layers);
    fill_limits(&part->limits, &config->limits);
    memory_create(&part->memory, host, tenant[0] != '\0' ? part->limits.tenant_memory : part->limits.memory);
    log_share_create(&part->memory.log, tenant);
    return part;
}

static struct store *store_for(const struct script_config *config, const char *tenant)
{
    if (tenant[0] == '\0')
        return config->store;
    return config->tenants != NULL ? tenants_store(config->tenants, tenant) : NULL;
}

static const char *explain_memory(const struct script_part *part, char *out, size_t size)
{
    bool tenant = part->tenant[0] != '\0';
    snprintf(out, size, "not enough memory: the policy%s%s may use %zu bytes", tenant ? " of tenant " : "",
             part->tenant, tenant ? part->limits.tenant_memory : part->limits.memory);
    return out;
}

int part_new(struct script_part **out, const struct script_config *config, struct sources *sources, const char *tenant,
             uint64_t layers, char *error, size_t error_size)
{
    struct script_part *part = part_allocate(config, sources, tenant, layers);
    const char *message = NULL;
    char reason[256];
    int code = part != NULL ? open_state(part) : -ENOMEM;
    if (code == -EINVAL)
        message = script_message(part, SCRIPT_ERROR);
    if (code != 0)
        goto out;
    part->state->sources = sources;
    part->state->store = store_for(config, tenant);
    code = run_sources(part, &message);
out:
    if (code == -EBUSY)
        message = "SIGVTALRM, which stops scripts that run too long, is in use by this process";
    if (code == -ENOMEM && part != NULL)
        message = explain_memory(part, reason, sizeof reason);
    if (code != 0) {
        tell(error, error_size, sources, path_of(sources, layers), message != NULL ? message : strerror(-code));
        part_release(part);
    } else {
        *out = part;
    }
    return code;
}

struct script_part *part_hold(struct script_part *part)
{
    part->references++;
    return part;
}

void part_release(struct script_part *part)
{
    if (part == NULL || --part->references != 0)
        return;
    watch_destroy(&part->watch);
    if (part->L != NULL)
        lua_close(part->L);
    sources_release(part->sources);
    memory_delete(part->host, part, sizeof *part);
}
