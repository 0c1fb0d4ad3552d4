// SPDX-License-Identifier: BSD-2-Clause
#include <lauxlib.h>

#include "script/bind/bind.h"

/* Of tables in the registry: functions by the names of their layers. */
static const char keys[CARRY_FUNCTIONS];

static void push_layer(lua_State *L)
{
    const struct bind_state *state = bind_state(L);
    lua_pushstring(L, state->sources != NULL ? sources_layer(state->sources, state->layer)->name : "");
}

static int keep_function(lua_State *L, enum carry_functions which, const char *name)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    if (!bind_state(L)->loading)
        return luaL_error(L, "%s is given its function while the script loads, not from a hook", name);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &keys[which]) != LUA_TTABLE) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &keys[which]);
    }
    push_layer(L);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) != LUA_TNIL)
        return luaL_error(L, "%s has its function already: there is one for each layer", name);
    lua_pop(L, 1);
    lua_pushvalue(L, 1);
    lua_rawset(L, -3);
    return 0;
}

/* sip.save(function() return data [, schema] end) */
static int save(lua_State *L)
{
    return keep_function(L, CARRY_SAVE, "sip.save()");
}

/* sip.restore(function(data, schema) ... end): false, or an error, refuses the new version */
static int restore(lua_State *L)
{
    return keep_function(L, CARRY_RESTORE, "sip.restore()");
}

bool carry_push_functions(lua_State *L, enum carry_functions which)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &keys[which]) == LUA_TTABLE)
        return true;
    lua_pop(L, 1);
    return false;
}

void bind_carry(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_CARRY
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
