// SPDX-License-Identifier: BSD-2-Clause
#include "script/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "script/names.h"
#include "script/sandbox.h"
#include "script/script.h"
#include "script/source.h"
#include "script/traceback.h"

enum { TIME_MS = 20, LOAD_MS = 1000, MEMORY = 8 << 20, SOURCE = 1 << 20 };

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
    if (given != NULL)
        *limits = *given;
    limits->time_ms = limits->time_ms != 0 ? limits->time_ms : TIME_MS;
    limits->load_ms = limits->load_ms != 0 ? limits->load_ms : LOAD_MS;
    limits->memory = limits->memory != 0 ? limits->memory : MEMORY;
    limits->source = limits->source != 0 ? limits->source : SOURCE;
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

/* A first line that begins with # is for the shell, a byte order mark for nobody; line numbers stay. */
static struct text program_of(const struct source *source)
{
    struct text program = {source->bytes, source->length};
    if (program.length >= 3 && memcmp(program.at, "\xef\xbb\xbf", 3) == 0) {
        program.at += 3;
        program.length -= 3;
    }
    if (program.length != 0 && program.at[0] == '#') {
        const char *end = memchr(program.at, '\n', program.length);
        size_t skipped = end != NULL ? (size_t)(end - program.at) : program.length;
        program.at += skipped;
        program.length -= skipped;
    }
    return program;
}

struct load {
    struct script *script;
    struct text program;
};

static int load_protected(lua_State *L)
{
    struct load *load = lua_touserdata(L, 1);
    const char *chunk = lua_pushfstring(L, "@%s", load->script->path);
    if (luaL_loadbufferx(L, load->program.at, load->program.length, chunk, "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 0);
    if (hooks_build(&load->script->state->hooks) != 0)
        return luaL_error(L, "not enough memory");
    load->script->state->loading = false;
    names_check(L, load->script->host, load->script->path, load->program);
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

/* Run the file once. *message is good until the state is closed. */
static int run_source(struct script *script, const struct source *source, const char **message)
{
    struct load load = {script, program_of(source)};
    int error = watch_begin(&script->watch, script->limits.load_ms);
    if (error != 0)
        return error;
    lua_pushcfunction(script->L, load_protected);
    lua_pushlightuserdata(script->L, &load);
    int status = lua_pcall(script->L, 1, 0, 1);
    enum script_outcome outcome = script_outcome_of(status, watch_end(&script->watch));
    if (outcome != SCRIPT_DEFAULT)
        *message = script_message(script, outcome);
    return error_of(outcome);
}

/* "a.lua:3: reason" as it is; else with the path before it. In one line. */
static void tell(char *error, size_t size, const char *path, const char *message)
{
    const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    if (size == 0)
        return;
    if (strstr(message, name) != NULL)
        snprintf(error, size, "%s", message);
    else
        snprintf(error, size, "%s: %s", path, message);
    for (char *at = error; *at != '\0'; at++)
        if (*at == '\n' || *at == '\r' || *at == '\t')
            *at = ' ';
}

static struct script *script_allocate(const struct host *host, const struct script_limits *limits, const char *path)
{
    size_t path_size = strlen(path) + 1;
    struct script *script = host->allocate(host->context, NULL, 0, sizeof *script + path_size);
    if (script == NULL)
        return NULL;
    memset(script, 0, sizeof *script);
    script->host = host;
    script->references = 1;
    script->path_size = path_size;
    memcpy(script->path, path, path_size);
    fill_limits(&script->limits, limits);
    memory_create(&script->memory, host, script->limits.memory);
    return script;
}

int script_new(struct script **out, const struct host *host, const struct script_limits *limits, const char *path,
               char *error, size_t error_size)
{
    struct source source = {0};
    struct script *script = script_allocate(host, limits, path);
    const char *message = NULL;
    int code = script == NULL ? -ENOMEM : source_create(&source, host, path, script->limits.source);
    if (code != 0)
        goto out;
    script->hash = source.hash;
    code = open_state(script);
    if (code == 0)
        code = run_source(script, &source, &message);
    else if (code == -EINVAL)
        message = script_message(script, SCRIPT_ERROR);
out:
    if (code == -EFBIG)
        message = "the file is too large for a script";
    if (code == -EBUSY)
        message = "SIGVTALRM, which stops scripts that run too long, is in use by this process";
    if (code != 0)
        tell(error, error_size, path, message != NULL ? message : strerror(-code));
    source_destroy(&source, host);
    if (code != 0)
        script_release(script);
    else
        *out = script;
    return code;
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
    script->host->allocate(script->host->context, script, sizeof *script + script->path_size, 0);
}

const char *script_path(const struct script *script)
{
    return script->path;
}

uint64_t script_hash(const struct script *script)
{
    return script->hash;
}

bool script_has_hook(const struct script *script, enum hook hook)
{
    const struct hooks *hooks = &script->state->hooks;
    for (size_t i = 0; i < hooks->count; i++)
        if (hooks->rows[i].hook == hook)
            return true;
    return false;
}

void script_counters(const struct script *script, struct script_counters *counters)
{
    *counters = script->counters;
}

void script_idle(struct script *script)
{
    lua_gc(script->L, LUA_GCSTEP, 0);
}
