// SPDX-License-Identifier: BSD-2-Clause
#include <lauxlib.h>

#include "script/base/embedded.h"

/* For require "reflow.ua" in stock Lua, which looks for luaopen_reflow_ua in reflow.so: loads the embedded source. A
   file of lua/reflow that programs may require needs a row here. */
#define LIBRARIES(LIBRARY)                                                                                             \
    LIBRARY(ua, "ua")                                                                                                  \
    LIBRARY(ua_digest, "ua/digest")                                                                                    \
    LIBRARY(ua_message, "ua/message")                                                                                  \
    LIBRARY(ua_server, "ua/server")                                                                                    \
    LIBRARY(ua_stun, "ua/stun")                                                                                        \
    LIBRARY(ua_transport, "ua/transport")

static int open_library(lua_State *L, const char *path)
{
    struct embedded source;
    if (!embedded_find(path, &source))
        return luaL_error(L, "no source '%s' is carried", path);
    const char *chunk = lua_pushfstring(L, "=reflow/%s.lua", source.name);
    if (luaL_loadbufferx(L, source.start, source.length, chunk, "t") != LUA_OK)
        return lua_error(L);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

#define OPEN(symbol, path)                                                                                             \
    __attribute__((visibility("default"))) int luaopen_reflow_##symbol(lua_State *L);                                  \
    int luaopen_reflow_##symbol(lua_State *L)                                                                          \
    {                                                                                                                  \
        return open_library(L, path);                                                                                  \
    }

LIBRARIES(OPEN)
