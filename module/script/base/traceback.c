// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/traceback.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <string.h>

enum { LEVELS_SHOWN = 4, LEVELS_LOOKED = 32 };

/* Pushes one string with the Lua functions that are running: "notify, line 12, called from a.lua:30, called from
   a.lua:44". */
static void push_levels(lua_State *L)
{
    lua_Debug level;
    int shown = 0;
    lua_pushliteral(L, "");
    for (int i = 1; i < LEVELS_LOOKED && shown < LEVELS_SHOWN && lua_getstack(L, i, &level); i++) {
        lua_getinfo(L, "Snl", &level);
        if (level.currentline < 0)
            continue;
        const char *name = level.what[0] == 'm' ? "the main chunk" : level.name != NULL ? level.name : "a function";
        if (shown == 0)
            lua_pushfstring(L, "%s, line %d", name, level.currentline);
        else
            lua_pushfstring(L, ", called from %s:%d", level.short_src, level.currentline);
        lua_concat(L, 2);
        shown++;
    }
}

void traceback_push_message(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TNIL)
        lua_pushliteral(L, "an error without a text");
    else if (lua_isstring(L, 1) || luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL)
        luaL_tolstring(L, 1, NULL);
    else
        lua_pushfstring(L, "an error whose value is a %s, not a text", luaL_typename(L, 1));
}

/* "a.lua:12: reason" */
static bool has_place(const char *message)
{
    const char *end = strstr(message, ": "), *digit = end;
    while (digit != NULL && digit > message && digit[-1] >= '0' && digit[-1] <= '9')
        digit--;
    return digit != NULL && digit < end && digit - 1 > message && digit[-1] == ':';
}

/* Pushes the place of the innermost Lua function, "a.lua:12: ", or "" if only functions in C run. The library does it
   for an error in Lua code, but not for one in a function in C. */
static void push_place(lua_State *L)
{
    lua_Debug level;
    for (int i = 1; i < LEVELS_LOOKED && lua_getstack(L, i, &level); i++) {
        lua_getinfo(L, "Sl", &level);
        if (level.currentline < 0)
            continue;
        lua_pushfstring(L, "%s:%d: ", level.short_src, level.currentline);
        return;
    }
    lua_pushliteral(L, "");
}

int traceback(lua_State *L)
{
    traceback_push_message(L);
    const char *message = lua_tostring(L, -1);
    if (has_place(message))
        lua_pushliteral(L, "");
    else
        push_place(L);
    const char *place = lua_tostring(L, -1);
    push_levels(L);
    const char *levels = lua_tostring(L, -1);
    if (levels[0] != '\0')
        lua_pushfstring(L, "%s%s (in %s)", place, message, levels);
    else
        lua_pushfstring(L, "%s%s", place, message);
    return 1;
}
