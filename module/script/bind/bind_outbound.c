// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <lauxlib.h>
#include <math.h>

#include "core/rule.h"
#include "flow/digest.h"
#include "flow/outbound.h"
#include "script/bind/bind.h"

/* sip.outbound{...}: flow/outbound.h for Lua programs, with flows counted from 1 and times in seconds. Not in
   policies, which have neither sockets nor timers. The userdata contains NULL until the object has been created. */

static const char metatable_key = 0;

static struct outbound *check_outbound(lua_State *L)
{
    struct outbound **outbound = userdata_at(L, 1, &metatable_key);
    if (outbound != NULL)
        return *outbound;
    luaL_typeerror(L, 1, "outbound");
    return NULL;
}

static uint64_t now_of(lua_State *L)
{
    const struct host *host = bind_state(L)->host;
    return host->now_ms(host->context);
}

/* Converts an index from 1 to one from 0; an invalid index becomes one that no flow has. */
static size_t argument_flow(lua_State *L, int index)
{
    const lua_Integer flow = luaL_checkinteger(L, index);
    return flow >= 1 && flow <= OUTBOUND_FLOWS_MOST ? (size_t)flow - 1 : OUTBOUND_FLOWS_MOST;
}

static uint32_t argument_serial(lua_State *L, int index)
{
    const lua_Integer serial = luaL_checkinteger(L, index);
    luaL_argcheck(L, serial >= 0 && serial <= UINT32_MAX, index, "no serial of an action");
    return (uint32_t)serial;
}

/* The field of the table at this index as an integer; 0 if it is absent. */
static uint32_t field_integer(lua_State *L, int table, const char *name, uint32_t most)
{
    int whole = 0;
    if (lua_getfield(L, table, name) == LUA_TNIL) {
        lua_pop(L, 1);
        return 0;
    }
    const lua_Integer value = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
    if (!whole || value < 1 || value > most)
        luaL_error(L, "outbound: %s is a whole number from 1 to %I", name, (LUAI_UACINT)most);
    lua_pop(L, 1);
    return (uint32_t)value;
}

/* Seconds as milliseconds, at least 1; 0 if it is absent. */
static uint32_t field_seconds(lua_State *L, int table, const char *name)
{
    if (lua_getfield(L, table, name) == LUA_TNIL) {
        lua_pop(L, 1);
        return 0;
    }
    const lua_Number ms = lua_type(L, -1) == LUA_TNUMBER ? ceil(lua_tonumber(L, -1) * 1000) : 0;
    if (!(ms >= 1 && ms <= UINT32_MAX))
        luaL_error(L, "outbound: %s is a number of seconds above 0", name);
    lua_pop(L, 1);
    return (uint32_t)ms;
}

static enum keepalive_kind field_keepalive(lua_State *L, int table)
{
    static const char *const kinds[] = {"stream", "stun"};
    lua_getfield(L, table, "keepalive");
    const char *given = lua_isnil(L, -1) ? kinds[0] : lua_tostring(L, -1);
    if (given == NULL || (strcmp(given, kinds[0]) != 0 && strcmp(given, kinds[1]) != 0))
        luaL_error(L, "outbound: keepalive is \"stream\" or \"stun\"");
    const bool stun = strcmp(given, kinds[1]) == 0;
    lua_pop(L, 1);
    return stun ? KEEPALIVE_STUN : KEEPALIVE_STREAM;
}

static void read_proxies(lua_State *L, struct outbound_options *options)
{
    if (lua_getfield(L, 1, "proxies") != LUA_TTABLE)
        luaL_error(L, "outbound: proxies is a list of tables");
    const lua_Unsigned count = lua_rawlen(L, -1);
    if (count == 0 || count > OUTBOUND_FLOWS_MOST)
        luaL_error(L, "outbound: from 1 to %d proxies", OUTBOUND_FLOWS_MOST);
    options->count = (size_t)count;
    for (size_t i = 0; i < options->count; i++) {
        if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TTABLE)
            luaL_error(L, "outbound: proxies is a list of tables");
        options->proxies[i].reg_id = field_integer(L, lua_gettop(L), "reg_id", INT32_MAX);
        options->proxies[i].keepalive = field_keepalive(L, lua_gettop(L));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void read_times(lua_State *L, struct outbound_times *times)
{
    if (lua_getfield(L, 1, "times") != LUA_TNIL) {
        luaL_checktype(L, -1, LUA_TTABLE);
        const int table = lua_gettop(L);
        times->recovery.base_ms = field_seconds(L, table, "base");
        times->recovery.base_alive_ms = field_seconds(L, table, "base_alive");
        times->recovery.most_ms = field_seconds(L, table, "most");
        times->answer_ms = field_seconds(L, table, "answer");
        times->pong_ms = field_seconds(L, table, "pong");
    }
    lua_pop(L, 1);
}

static int make(lua_State *L)
{
    struct outbound_options options = {0};
    luaL_checktype(L, 1, LUA_TTABLE);
    read_proxies(L, &options);
    read_times(L, &options.times);
    options.expires = field_integer(L, 1, "expires", UINT32_MAX);
    lua_getfield(L, 1, "always_outbound");
    options.always_outbound = lua_toboolean(L, -1);
    struct outbound **outbound = lua_newuserdatauv(L, sizeof *outbound, 0);
    *outbound = NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_setmetatable(L, -2);
    const int error = outbound_new(outbound, bind_state(L)->host, &options, now_of(L));
    if (error == -ENOMEM)
        return luaL_error(L, "not enough memory");
    luaL_argcheck(L, error == 0, 1, "a reg_id is given twice");
    return 1;
}

static int opened(lua_State *L)
{
    outbound_opened(check_outbound(L), argument_flow(L, 2), argument_serial(L, 3), now_of(L));
    return 0;
}

static int closed(lua_State *L)
{
    outbound_closed(check_outbound(L), argument_flow(L, 2), argument_serial(L, 3), now_of(L));
    return 0;
}

static int pong(lua_State *L)
{
    outbound_pong(check_outbound(L), argument_flow(L, 2), argument_serial(L, 3));
    return 0;
}

static int mapped(lua_State *L)
{
    struct text address;
    struct outbound *outbound = check_outbound(L);
    address.at = luaL_checklstring(L, 4, &address.length);
    outbound_mapped(outbound, argument_flow(L, 2), argument_serial(L, 3), now_of(L), address);
    return 0;
}

static int answered(lua_State *L)
{
    struct state alone = {0};
    struct outbound_answer answer = {0};
    struct outbound *outbound = check_outbound(L);
    const size_t flow = argument_flow(L, 2);
    const uint32_t serial = argument_serial(L, 3);
    argument_facts(L, 4, 5, &answer.facts, &alone);
    if (!lua_isnoneornil(L, 6)) {
        const lua_Integer expires = luaL_checkinteger(L, 6);
        luaL_argcheck(L, expires >= 0 && expires <= UINT32_MAX, 6, "no number of seconds");
        answer.expires = (uint32_t)expires;
        answer.has_expires = true;
    }
    answer.stale = lua_toboolean(L, 7);
    const struct decision decision = outbound_answered(outbound, flow, serial, now_of(L), &answer);
    decision_push(L, &decision);
    return 1;
}

static int stop(lua_State *L)
{
    outbound_stop(check_outbound(L), now_of(L));
    return 0;
}

static void set_failure(lua_State *L, const struct outbound_action *action)
{
    field_set_string(L, "why", action->why);
    field_set_string(L, "rule", rule_at(action->rule)->id);
    if (action->code != 0)
        field_set_integer(L, "code", action->code);
    if (action->wait_ms != OUTBOUND_NEVER) {
        lua_pushnumber(L, (lua_Number)action->wait_ms / 1000);
        lua_setfield(L, -2, "wait");
    }
}

static int next_action(lua_State *L)
{
    struct outbound_action action;
    if (!outbound_next(check_outbound(L), now_of(L), &action))
        return 0;
    lua_createtable(L, 0, 10);
    field_set_string(L, "kind", outbound_action_name(action.kind));
    field_set_integer(L, "flow", action.flow + 1);
    field_set_integer(L, "reg_id", action.reg_id);
    field_set_integer(L, "serial", action.serial);
    field_set_integer(L, "registered", action.registered);
    if (action.kind == OUTBOUND_REGISTER || action.kind == OUTBOUND_REGISTERED)
        field_set_integer(L, "expires", action.expires);
    if (action.kind == OUTBOUND_REGISTER) {
        field_set_flag(L, "outbound", action.outbound);
        field_set_flag(L, "with_credentials", action.with_credentials);
    }
    if (action.kind == OUTBOUND_REGISTERED)
        field_set_flag(L, "keepalive", action.keepalive);
    if (action.kind == OUTBOUND_FAILED || action.kind == OUTBOUND_UNREGISTERED)
        set_failure(L, &action);
    return 1;
}

static int wait(lua_State *L)
{
    const uint64_t ms = outbound_wait_ms(check_outbound(L), now_of(L));
    if (ms == OUTBOUND_NEVER)
        return 0;
    lua_pushnumber(L, (lua_Number)ms / 1000);
    return 1;
}

static int registered(lua_State *L)
{
    const struct outbound *outbound = check_outbound(L);
    if (lua_isnoneornil(L, 2))
        lua_pushinteger(L, (lua_Integer)outbound_registered(outbound));
    else
        lua_pushboolean(L, outbound_flow_registered(outbound, argument_flow(L, 2)));
    return 1;
}

static int outbound_gc(lua_State *L)
{
    struct outbound **outbound = lua_touserdata(L, 1);
    outbound_delete(*outbound);
    *outbound = NULL;
    return 0;
}

/* sip.digest(algorithm, bytes) -> hexadecimal; nil for an unknown algorithm */
static int digest(lua_State *L)
{
    struct text bytes;
    char hex[DIGEST_HEX_MOST];
    const char *name = luaL_checkstring(L, 1);
    bytes.at = luaL_checklstring(L, 2, &bytes.length);
    for (int i = 0; i < DIGEST_COUNT; i++) {
        if (strcasecmp(name, digest_name((enum digest)i)) == 0 && digest_hex((enum digest)i, bytes, hex)) {
            lua_pushstring(L, hex);
            return 1;
        }
    }
    return 0;
}

void bind_outbound(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_OUTBOUND
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    static const luaL_Reg methods[] = {
#define SCHEMA_OUTBOUND
#define METHOD(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    lua_createtable(L, 0, 4);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, outbound_gc);
    lua_setfield(L, -2, "__gc");
    field_set_string(L, "__name", "outbound");
    field_set_flag(L, "__metatable", false);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
    luaL_setfuncs(L, functions, 0);
}
