// SPDX-License-Identifier: BSD-2-Clause
#include <lauxlib.h>
#include <lua.h>

#include "core/code.h"
#include "script/bind/bind.h"
#include "script/base/embedded.h"

/* row(code) -> number, phrase, class, reference, acts_as; only the number outside 100-699. For a code that is not
   registered, the row is that of the code that it acts as. */
static int explain_row(lua_State *L)
{
    lua_Integer number = argument_code(L, 1);
    uint32_t folded = number < 0 || number > UINT16_MAX ? 0 : code_fold((uint32_t)number);
    const struct code *row = code_find(folded);
    lua_pushinteger(L, number);
    if (row == NULL)
        return 1;
    lua_pushstring(L, row->phrase);
    lua_pushinteger(L, row->class);
    lua_pushstring(L, row->reference);
    lua_pushinteger(L, row->number);
    return 5;
}

int reflow_bind_source(lua_State *L)
{
    struct embedded source;
    if (!embedded_find(luaL_checkstring(L, 1), &source))
        return 0;
    const char *chunk = lua_pushfstring(L, "=reflow/%s.lua", source.name);
    if (luaL_loadbufferx(L, source.start, source.length, chunk, "t") != LUA_OK)
        return lua_error(L);
    return 1;
}

int reflow_bind_explain(lua_State *L)
{
    luaL_checktype(L, -1, LUA_TTABLE);
    lua_pushcfunction(L, reflow_bind_source);
    lua_pushliteral(L, "explain");
    lua_call(L, 1, 1);
    lua_pushcfunction(L, explain_row);
    lua_pushcfunction(L, reflow_bind_source);
    lua_call(L, 2, 2);
    lua_setfield(L, -3, "compare");
    lua_setfield(L, -2, "explain");
    return 0;
}
