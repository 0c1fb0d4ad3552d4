// SPDX-License-Identifier: BSD-2-Clause
#include <lauxlib.h>
#include <string.h>

#include "script/bind/bind.h"
#include "script/base/watch.h"

/* Reading an undefined name raises an error that suggests the most similar name: a typing error shows when the
   script loads, not when a call arrives. */

enum { NAME_MOST = 48, DISTANCE_MOST = 3 };

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* The number of letters to change, add or remove (edit distance). */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MOST + 1];
    size_t length = strlen(b);
    for (size_t i = 0; i <= length; i++)
        row[i] = i;
    for (size_t j = 0; a[j] != '\0'; j++) {
        size_t diagonal = row[0];
        row[0] = j + 1;
        for (size_t i = 1; i <= length; i++) {
            size_t above = row[i];
            row[i] = least(above + 1, row[i - 1] + 1, diagonal + (a[j] != b[i - 1]));
            diagonal = above;
        }
    }
    return row[length];
}

bool strict_nearest(lua_State *L, int table, const char *name)
{
    size_t best = DISTANCE_MOST + 1;
    lua_pushnil(L);
    int found = lua_gettop(L);
    if (strlen(name) > NAME_MOST)
        return false;
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
        watch_check(L); // there may be many names
        if (lua_type(L, -2) != LUA_TSTRING || strlen(lua_tostring(L, -2)) > NAME_MOST)
            continue;
        size_t apart = distance(name, lua_tostring(L, -2));
        if (apart >= best || apart * 2 >= strlen(name))
            continue;
        best = apart;
        lua_pushvalue(L, -2);
        lua_replace(L, found);
    }
    return best <= DISTANCE_MOST;
}

static bool is_left_out(const char *name)
{
    static const char *const names[] = {"os",   "io",       "debug",  "package",        "coroutine",
                                        "load", "loadfile", "dofile", "collectgarbage", "loadstring"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* __index; the upvalue is the name of the table in messages: "sip.", or "" for the globals. */
static int missing(lua_State *L)
{
    const char *what = lua_tostring(L, lua_upvalueindex(1));
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    const char *name = lua_tostring(L, 2);
    const char *kind = what[0] != '\0' || strncmp(name, "sip_", 4) == 0 ? "function" : "global";
    if (what[0] == '\0' && is_left_out(name))
        return luaL_error(L, "'%s' is not available in policies", name);
    if (what[0] == '\0' && strcmp(name, "sip") == 0)
        return luaL_error(L, "no global sip: begin with local sip = require \"reflow\"");
    if (strict_nearest(L, 1, name))
        return luaL_error(L, "no %s %s%s; did you mean %s%s?", kind, what, name, what, lua_tostring(L, 3));
    return luaL_error(L, "no %s %s%s", kind, what, name);
}

void strict_table(lua_State *L, const char *what)
{
    lua_createtable(L, 0, 2);
    lua_pushstring(L, what);
    lua_pushcclosure(L, missing, 1);
    lua_setfield(L, -2, "__index");
    field_set_flag(L, "__metatable", false);
    lua_setmetatable(L, -2);
}
