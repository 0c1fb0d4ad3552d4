// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address_text.h"
#include "flow/token.h"
#include "script/bind/bind.h"

/* sip.token_keys(): flow/token.h for edge proxies that are Lua programs. Not in policies, because their server has
   its own keys. */

static const char metatable_key = 0;

struct ring {
    struct token_keys *keys; /* NULL until it is open */
    uint32_t run;            /* the run in the tokens that this program makes */
};

static struct ring *check_ring(lua_State *L)
{
    struct ring *ring = userdata_at(L, 1, &metatable_key);
    if (ring != NULL)
        return ring;
    luaL_typeerror(L, 1, "token_keys");
    return NULL;
}

/* --- a flow as a table --- */

static void read_transport(lua_State *L, struct token_flow *flow)
{
    lua_getfield(L, 2, "transport");
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    enum transport transport;
    if (!transport_of_word(text_of(name), &transport))
        luaL_argerror(L, 2, "transport is udp, tcp, tls, ws or wss");
    flow->transport = (uint8_t)transport;
    lua_pop(L, 1);
}

/* "192.0.2.1:5060", "[2001:db8::1]:5060" */
static bool split_address(const char *text, uint8_t address[16], uint8_t *length, uint16_t *port)
{
    char host[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    bool ipv6 = text[0] == '[';
    char *end = NULL;
    size_t size = colon != NULL ? (size_t)(colon - text) : 0;
    if (colon == NULL || colon[1] < '0' || colon[1] > '9' || (ipv6 && (size < 2 || text[size - 1] != ']')))
        return false;
    size -= ipv6 ? 2 : 0;
    if (size >= sizeof host)
        return false;
    memcpy(host, text + ipv6, size);
    host[size] = '\0';
    unsigned long number = strtoul(colon + 1, &end, 10);
    *port = (uint16_t)number;
    *length = ipv6 ? 16 : 4;
    return *end == '\0' && number <= UINT16_MAX && inet_pton(ipv6 ? AF_INET6 : AF_INET, host, address) == 1;
}

static void read_address(lua_State *L, const char *name, uint8_t address[16], uint8_t *length, uint16_t *port)
{
    lua_getfield(L, 2, name);
    const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    if (!split_address(text, address, length, port))
        luaL_argerror(L, 2, lua_pushfstring(L, "%s is an address as 192.0.2.1:5060 or [2001:db8::1]:5060", name));
    lua_pop(L, 1);
}

static lua_Integer read_number(lua_State *L, const char *name, lua_Integer standard, lua_Integer most)
{
    int whole = 0;
    lua_Integer value = standard;
    if (lua_getfield(L, 2, name) != LUA_TNIL) {
        value = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &whole) : 0;
        if (!whole || value < 0 || value > most)
            luaL_argerror(L, 2, lua_pushfstring(L, "%s is a whole number from 0 to %I", name, (LUAI_UACINT)most));
    }
    lua_pop(L, 1);
    return value;
}

/* keys:token(flow) -> token */
static int make_token(lua_State *L)
{
    char out[TOKEN_TEXT_MOST];
    uint8_t local_length = 0, remote_length = 0;
    struct token_flow flow = {0};
    const struct ring *ring = check_ring(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    read_transport(L, &flow);
    read_address(L, "edge", flow.local, &local_length, &flow.local_port);
    read_address(L, "user_agent", flow.remote, &remote_length, &flow.remote_port);
    luaL_argcheck(L, local_length == remote_length, 2, "edge and user_agent are of one family");
    flow.address_length = remote_length;
    flow.connection = (uint64_t)read_number(L, "connection", 0, LUA_MAXINTEGER);
    flow.run = (uint32_t)read_number(L, "run", ring->run, UINT32_MAX);
    size_t length = token_write(ring->keys, &flow, out, sizeof out);
    if (length == 0)
        return luaL_error(L, "the token cannot be sealed");
    lua_pushlstring(L, out, length);
    return 1;
}

static void push_address(lua_State *L, const struct token_flow *flow, const uint8_t *address, uint16_t port)
{
    char text[ADDRESS_TEXT_MOST];
    size_t length = address_text(address, flow->address_length, port, text, sizeof text);
    lua_pushlstring(L, text, length);
}

/* keys:flow(token) -> flow; or nil and "forged" or "unknown key" */
static int read_token(lua_State *L)
{
    struct text token;
    struct token_flow flow;
    const struct ring *ring = check_ring(L);
    token.at = luaL_checklstring(L, 2, &token.length);
    enum token_verdict verdict = token_read(ring->keys, token, &flow);
    if (verdict != TOKEN_GOOD) {
        lua_pushnil(L);
        lua_pushstring(L, token_verdict_name(verdict));
        return 2;
    }
    lua_createtable(L, 0, 6);
    field_set_string(L, "transport", transport_word(flow.transport));
    push_address(L, &flow, flow.local, flow.local_port);
    lua_setfield(L, -2, "edge");
    push_address(L, &flow, flow.remote, flow.remote_port);
    lua_setfield(L, -2, "user_agent");
    field_set_integer(L, "connection", (lua_Integer)flow.connection);
    field_set_integer(L, "run", flow.run);
    field_set_flag(L, "this_run", flow.run == ring->run);
    return 1;
}

/* --- the ring --- */

static int failed(lua_State *L, const char *why)
{
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

static int rotate(lua_State *L)
{
    int error = token_keys_rotate(check_ring(L)->keys);
    if (error != 0)
        return failed(L, strerror(-error));
    lua_pushboolean(L, 1);
    return 1;
}

static int reload(lua_State *L)
{
    char error[320];
    if (token_keys_reload(check_ring(L)->keys, error, sizeof error) != 0)
        return failed(L, error);
    lua_pushboolean(L, 1);
    return 1;
}

static int ring_gc(lua_State *L)
{
    struct ring *ring = lua_touserdata(L, 1);
    token_keys_close(ring->keys);
    ring->keys = NULL;
    return 0;
}

/* sip.token_keys([path]) -> keys; or nil, why */
static int token_keys(lua_State *L)
{
    char error[320];
    const char *path = luaL_optstring(L, 1, NULL);
    const struct host *host = bind_state(L)->host;
    struct ring *ring = lua_newuserdatauv(L, sizeof *ring, 0);
    *ring = (struct ring){.run = host->random(host->context)};
    if (token_keys_open(&ring->keys, host, path, error, sizeof error) != 0)
        return failed(L, error);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_setmetatable(L, -2);
    return 1;
}

void bind_token(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_TOKEN
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    static const luaL_Reg methods[] = {
#define SCHEMA_TOKEN
#define METHOD(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    lua_createtable(L, 0, 4);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, ring_gc);
    lua_setfield(L, -2, "__gc");
    field_set_string(L, "__name", "token_keys");
    field_set_flag(L, "__metatable", false);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
    luaL_setfuncs(L, functions, 0);
}
