// SPDX-License-Identifier: BSD-2-Clause
#include "script/bind/bind.h"

static const char state_key = 0;

struct bind_state *bind_state(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
    struct bind_state *state = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return state;
}

void bind_state_keep(lua_State *L)
{
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
}

void *userdata_at(lua_State *L, int index, const void *metatable_key)
{
    void *userdata = lua_touserdata(L, index);
    if (userdata == NULL || lua_islightuserdata(L, index) || !lua_getmetatable(L, index))
        return NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, metatable_key);
    bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same ? userdata : NULL;
}
