// SPDX-License-Identifier: BSD-2-Clause
#include <lauxlib.h>

#include "script/bind/bind.h"

/* sip.respond(reply [, context [, call]]), only in stock Lua: what the hooks of a script decide about a reply, for
   specs. The reply is a code, or a table with a field code. The hooks get it as a table, `call` as given, and the
   decision of sip.decide. Returns the first verdict, or nil, and the decision. */

static void push_reply(lua_State *L)
{
    if (lua_istable(L, 1)) {
        lua_pushvalue(L, 1);
        return;
    }
    lua_createtable(L, 0, 1);
    field_set_integer(L, "code", argument_code(L, 1));
}

static int respond(lua_State *L)
{
    size_t count;
    struct hooks *hooks = &bind_state(L)->hooks;
    lua_Integer code = argument_code(L, 1);
    lua_settop(L, 3);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_call(L, 2, 1);
    push_reply(L);
    if (hooks_build(hooks) != 0)
        return luaL_error(L, "not enough memory");
    const uint16_t *rows = hooks_for_code(hooks, code < 0 || code > UINT16_MAX ? 0 : (uint32_t)code, &count);
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, hooks->rows[rows[i]].reference);
        lua_pushvalue(L, 5);
        lua_pushvalue(L, 3);
        lua_pushvalue(L, 4);
        lua_call(L, 3, 1);
        if (!lua_isnil(L, -1)) {
            lua_pushvalue(L, 4);
            return 2;
        }
        lua_pop(L, 1);
    }
    lua_pushnil(L);
    lua_pushvalue(L, 4);
    return 2;
}

void bind_respond(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_RESPOND
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    lua_getfield(L, -1, "decide");
    luaL_setfuncs(L, functions, 1);
}
