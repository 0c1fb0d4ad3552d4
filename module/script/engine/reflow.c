// SPDX-License-Identifier: BSD-2-Clause
#include "script/engine/reflow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "base/plain_host.h"
#include "base/random.h"
#include "core/code.h"
#include "script/bind/bind.h"

static const char table_key = 0;

/* Of stock Lua: every line, as it is. */
static void stock_log(void *context, enum log_level level, const char *line)
{
    (void)context;
    (void)level;
    fprintf(stderr, "%s\n", line);
}

static const struct host stock_host = {.now_ms = plain_now_ms,
                                       .wall_s = plain_wall_s,
                                       .allocate = plain_allocate,
                                       .random = plain_random,
                                       .log = stock_log};

static int state_gc(lua_State *L)
{
    struct bind_state *state = lua_touserdata(L, 1);
    hooks_destroy(&state->hooks);
    store_delete(state->own_store);
    state->own_store = NULL;
    return 0;
}

static void make_state(lua_State *L, const struct host *host)
{
    struct bind_state *state = lua_newuserdatauv(L, sizeof *state, 0);
    *state = (struct bind_state){.host = host != NULL ? host : &stock_host, .hosted = host != NULL, .loading = true};
    hooks_create(&state->hooks, L);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, state_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    bind_state_keep(L);
}

static void add_codes(lua_State *L)
{
    for (size_t i = 0; i < code_count(); i++)
        field_set_integer(L, code_at(i)->name, code_at(i)->number);
}

/* sip.globals(): every function also as sip_<name>. */
static int globals(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &table_key);
    lua_pushglobaltable(L);
    for (lua_pushnil(L); lua_next(L, -3) != 0; lua_pop(L, 1)) {
        if (!lua_isfunction(L, -1))
            continue;
        lua_pushfstring(L, "sip_%s", lua_tostring(L, -2));
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    return 0;
}

int bind_open(lua_State *L, const struct host *host)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_GLOBALS
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &table_key) == LUA_TTABLE)
        return 1;
    lua_pop(L, 1);
    make_state(L, host);
    lua_createtable(L, 0, 128);
    bind_class(L);
    bind_code(L);
    bind_decide(L);
    bind_helper(L);
    bind_message(L);
    bind_verdict(L);
    bind_hook(L);
    bind_log(L);
    bind_store(L);
    bind_carry(L);
    reflow_bind_explain(L);
    luaL_setfuncs(L, functions, 0);
    if (host != NULL) {
        bind_object(L);
    } else {
        bind_respond(L);
        bind_outbound(L);
        bind_token(L);
    }
    add_codes(L);
    strict_table(L, "sip.");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &table_key);
    return 1;
}

__attribute__((visibility("default"))) int luaopen_reflow(lua_State *L)
{
    uint32_t number;
    int error = random_fill(&number, sizeof number);
    if (error != 0)
        return luaL_error(L, "cannot get random numbers: %s", strerror(-error));
    return bind_open(L, NULL);
}
