// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/traceback.h"

#include <lauxlib.h>

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

int traceback(lua_State *L)
{
    const char *message = luaL_tolstring(L, 1, NULL);
    push_levels(L);
    const char *levels = lua_tostring(L, -1);
    if (levels[0] != '\0')
        lua_pushfstring(L, "%s (in %s)", message, levels);
    else
        lua_pushvalue(L, 2);
    return 1;
}
