// SPDX-License-Identifier: BSD-2-Clause
#include "script/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "script/names.h"
#include "script/printable.h"
#include "script/sandbox.h"
#include "script/script.h"
#include "script/traceback.h"

enum { TIME_MS = 20, LOAD_MS = 1000, MEMORY = 8 << 20 };

enum script_outcome script_outcome_of(int status, bool overran)
{
    if (overran)
        return SCRIPT_OVERRUN;
    if (status == LUA_ERRMEM)
        return SCRIPT_MEMORY;
    return status == LUA_OK ? SCRIPT_DEFAULT : SCRIPT_ERROR;
}

/* lua_tostring on a string neither allocates nor raises; on anything else it is not called. */
const char *script_message(const struct script *script, enum script_outcome outcome)
{
    if (outcome == SCRIPT_MEMORY)
        return "not enough memory";
    if (lua_type(script->L, -1) == LUA_TSTRING)
        return lua_tostring(script->L, -1);
    return outcome == SCRIPT_OVERRUN ? "ran past its time" : "unknown error";
}

static void fill_limits(struct script_limits *limits, const struct script_limits *given)
{
    *limits = *given;
    limits->time_ms = limits->time_ms != 0 ? limits->time_ms : TIME_MS;
    limits->load_ms = limits->load_ms != 0 ? limits->load_ms : LOAD_MS;
    limits->memory = limits->memory != 0 ? limits->memory : MEMORY;
}

static int open_protected(lua_State *L)
{
    struct script *script = lua_touserdata(L, 1);
    sandbox_open(L, &script->memory.capped);
    script->state = bind_state(L);
    return 0;
}

/* A state with the sandbox opened. Errors leave their message on top of the stack, where there is a stack. */
static int open_state(struct script *script)
{
    lua_State *L = script->L = lua_newstate(memory_allocate, &script->memory);
    if (L == NULL)
        return -ENOMEM;
    lua_pushcfunction(L, traceback);
    lua_pushcfunction(L, open_protected);
    lua_pushlightuserdata(L, script);
    switch (lua_pcall(L, 1, 0, 1)) {
    case LUA_OK:
        return watch_create(&script->watch, L);
    case LUA_ERRMEM:
        return -ENOMEM;
    default:
        return -EINVAL;
    }
}

/* The layer's own files, in order, with globals of its own; then a look at the names in all of them. */
static void run_layer(lua_State *L, struct script *script, size_t layer)
{
    const struct sources *sources = script->sources;
    script->state->layer = (uint8_t)layer;
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
            names_check(L, globals, script->host, file->name.at, sandbox_program(file));
    }
    lua_settop(L, globals - 1);
}

static int load_protected(lua_State *L)
{
    struct script *script = lua_touserdata(L, 1);
    for (size_t i = 0; i < sources_layer_count(script->sources); i++)
        run_layer(L, script, i);
    if (hooks_build(&script->state->hooks) != 0)
        return luaL_error(L, "not enough memory");
    script->state->loading = false;
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

/* Run the files once. *message is good until the state is closed. */
static int run_sources(struct script *script, const char **message)
{
    int error = watch_begin(&script->watch, script->limits.load_ms);
    if (error != 0)
        return error;
    lua_pushcfunction(script->L, load_protected);
    lua_pushlightuserdata(script->L, script);
    int status = lua_pcall(script->L, 1, 0, 1);
    enum script_outcome outcome = script_outcome_of(status, watch_end(&script->watch));
    if (outcome != SCRIPT_DEFAULT)
        *message = script_message(script, outcome);
    return error_of(outcome);
}

/* "a.lua:3: reason" as it is; else with the path before it. In one line. */
static void tell(char *error, size_t size, const struct sources *sources, const char *message)
{
    const char *path = sources_layer(sources, 0)->path;
    const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    bool named = strstr(message, name) != NULL;
    for (size_t i = 0; i < sources_count(sources); i++)
        named = named || strstr(message, sources_at(sources, i)->name.at) != NULL;
    if (size == 0)
        return;
    size_t length = named ? 0 : printable_write(error, size, path);
    if (!named)
        length += printable_write(error + length, size - length, ": ");
    printable_write(error + length, size - length, message);
}

static struct script *script_allocate(const struct script_config *config, struct sources *sources)
{
    const struct host *host = config->host;
    struct script *script = host->allocate(host->context, NULL, 0, sizeof *script);
    if (script == NULL)
        return NULL;
    memset(script, 0, sizeof *script);
    script->host = host;
    script->references = 1;
    script->sources = sources_hold(sources);
    script->path = sources_layer(sources, 0)->path;
    fill_limits(&script->limits, &config->limits);
    memory_create(&script->memory, host, script->limits.memory);
    return script;
}

int script_new_of(struct script **out, const struct script_config *config, struct sources *sources, char *error,
                  size_t error_size)
{
    struct script *script = script_allocate(config, sources);
    const char *message = NULL;
    int code = script != NULL ? open_state(script) : -ENOMEM;
    if (code == -EINVAL)
        message = script_message(script, SCRIPT_ERROR);
    if (code != 0)
        goto out;
    script->state->sources = sources;
    script->state->store = config->store;
    code = run_sources(script, &message);
out:
    if (code == -EBUSY)
        message = "SIGVTALRM, which stops scripts that run too long, is in use by this process";
    if (code != 0) {
        tell(error, error_size, sources, message != NULL ? message : strerror(-code));
        script_release(script);
    } else {
        *out = script;
    }
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
    watch_destroy(&script->watch);
    if (script->L != NULL)
        lua_close(script->L);
    sources_release(script->sources);
    script->host->allocate(script->host->context, script, sizeof *script, 0);
}

const char *script_path(const struct script *script)
{
    return script->path;
}

uint64_t script_hash(const struct script *script)
{
    return sources_hash(script->sources);
}

bool script_has_hook(const struct script *script, enum hook hook)
{
    const struct hooks *hooks = &script->state->hooks;
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

bool script_hears(const struct script *script, const struct facts *facts)
{
    size_t count;
    hooks_for_code(&script->state->hooks, reply_code(facts), &count);
    return count > 0;
}

void script_counters(const struct script *script, struct script_counters *counters)
{
    *counters = script->counters;
}

void script_idle(struct script *script)
{
    lua_gc(script->L, LUA_GCSTEP, 0);
}
