// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_FIELD_H
#define REFLOW_SCRIPT_FIELD_H

#include <stdbool.h>

#include <lua.h>

/* Each sets a field of the table on top of the stack, and may raise an error, as lua_setfield() does. A string NULL
   becomes nil. */

static inline void field_set_string(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

static inline void field_set_integer(lua_State *L, const char *name, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static inline void field_set_flag(lua_State *L, const char *name, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

#endif
