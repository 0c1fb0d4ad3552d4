// SPDX-License-Identifier: BSD-2-Clause
#include <lauxlib.h>

#include "flow/recovery.h"
#include "script/bind/bind.h"

static uint32_t argument_seconds(lua_State *L, int index, lua_Integer most)
{
    lua_Integer value = luaL_checkinteger(L, index);
    luaL_argcheck(L, value >= 0 && value <= most, index, "out of range");
    return (uint32_t)value;
}

static uint32_t draw(lua_State *L)
{
    const struct host *host = bind_state(L)->host;
    return host->random(host->context);
}

/* sip.recovery_delay(failures [, any_flow_alive]) -> seconds (5626-4.5.a b) */
static int recovery_delay(lua_State *L)
{
    uint32_t failures = argument_seconds(L, 1, UINT32_MAX);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TBOOLEAN);
    lua_pushnumber(L, recovery_delay_ms(failures, lua_toboolean(L, 2), draw(L)) / 1000.0);
    return 1;
}

/* sip.keepalive_interval([kind = "stream" [, flow_timer]]) -> seconds (5626-4.4.a) */
static int keepalive_interval(lua_State *L)
{
    static const char *const kinds[] = {"stream", "stun", NULL};
    enum keepalive_kind kind = luaL_checkoption(L, 1, "stream", kinds) == 0 ? KEEPALIVE_STREAM : KEEPALIVE_STUN;
    uint32_t flow_timer = lua_isnoneornil(L, 2) ? 0 : argument_seconds(L, 2, UINT32_MAX);
    lua_pushnumber(L, keepalive_interval_ms(kind, flow_timer, draw(L)) / 1000.0);
    return 1;
}

void bind_helper(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_HELPER
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
