// SPDX-License-Identifier: BSD-2-Clause
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#include "script/bind/bind.h"
#include "script/base/printable.h"

enum { LOG_LINE = 1000 };

/* Lines of a policy must not look like lines about refused requests: firewalls act on those, and policies log text
   from strangers. */
static const char *prefix_of(const char *line)
{
    static const char refused[] = "refused ";
    return strncmp(line, refused, sizeof refused - 1) == 0 ? "policy: " : "";
}

void log_line(lua_State *L, enum log_level level, const char *text)
{
    const struct host *host = bind_state(L)->host;
    char spaced[LOG_LINE], line[LOG_LINE];
    size_t length = (size_t)snprintf(spaced, sizeof spaced, "%s", prefix_of(text));
    for (; length < sizeof spaced - 1 && *text != '\0'; length++, text++)
        spaced[length] = (unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text;
    spaced[length] = '\0';
    printable_write(line, sizeof line, spaced);
    host->log(host->context, level, line);
}

/* sip.log(format, ...): formats with string.format, which is the upvalue. */
static int log_format(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    log_line(L, LOG_NOTICE, luaL_checkstring(L, -1));
    return 0;
}

void bind_log(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_LOG
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 0);
    lua_getfield(L, -1, "format");
    lua_remove(L, -2);
    luaL_setfuncs(L, functions, 1);
}
