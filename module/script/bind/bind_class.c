// SPDX-License-Identifier: BSD-2-Clause
#include <lauxlib.h>

#include "core/code.h"
#include "script/bind/bind.h"

void push_text(lua_State *L, struct text text)
{
    if (text.length == 0)
        lua_pushnil(L);
    else
        lua_pushlstring(L, text.at, text.length);
}

uint16_t reply_code(const struct facts *facts)
{
    switch (facts->origin) {
    case ORIGIN_TIMEOUT:
        return SIP_REQUEST_TIMEOUT;
    case ORIGIN_TRANSPORT:
        return facts->on_flow ? SIP_FLOW_FAILED : SIP_SERVICE_UNAVAILABLE;
    case ORIGIN_FLOW_DOWN:
        return SIP_FLOW_FAILED;
    default:
        return code_class(facts->code) == CLASS_MALFORMED ? 0 : (uint16_t)facts->code;
    }
}

static lua_Integer current_code(lua_State *L, int index)
{
    const struct bind_state *state = bind_state(L);
    if (state->reply == NULL)
        return luaL_argerror(L, index, "there is no current reply here: give a code or a reply");
    return state->reply_code;
}

static lua_Integer userdata_code(lua_State *L, int index)
{
    const struct sip_message *message = message_at(L, index);
    if (message != NULL)
        return sip_status(message);
    if (lua_islightuserdata(L, index) && object_is(L, index, OBJECT_REPLY))
        return bind_state(L)->reply_code;
    return luaL_typeerror(L, index, "code or reply");
}

lua_Integer argument_code(lua_State *L, int index)
{
    lua_Integer code;
    int fits;
    switch (lua_type(L, index)) {
    case LUA_TNONE:
        return current_code(L, index);
    case LUA_TNUMBER:
        code = lua_tointegerx(L, index, &fits);
        return fits ? code : luaL_argerror(L, index, "a code is a whole number");
    case LUA_TTABLE:
        if (lua_getfield(L, index, "code") != LUA_TNUMBER)
            return luaL_argerror(L, index, "a table in place of a reply needs a number in its field code");
        code = argument_code(L, lua_gettop(L));
        lua_pop(L, 1);
        return code;
    case LUA_TUSERDATA:
    case LUA_TLIGHTUSERDATA:
        return userdata_code(L, index);
    default:
        return luaL_typeerror(L, index, "code or reply");
    }
}

/* The fast path: an integer argument, without any lookup. */
static inline int class_test(lua_State *L, lua_Integer low, lua_Integer high)
{
    lua_Integer code = lua_isinteger(L, 1) ? lua_tointegerx(L, 1, NULL) : argument_code(L, 1);
    lua_pushboolean(L, code >= low && code <= high);
    return 1;
}

static int is_provisional(lua_State *L)
{
    return class_test(L, SIP_TRYING, SIP_OK - 1);
}

static int is_success(lua_State *L)
{
    return class_test(L, SIP_OK, SIP_MULTIPLE_CHOICES - 1);
}

static int is_redirect(lua_State *L)
{
    return class_test(L, SIP_MULTIPLE_CHOICES, SIP_BAD_REQUEST - 1);
}

static int is_client_error(lua_State *L)
{
    return class_test(L, SIP_BAD_REQUEST, SIP_SERVER_INTERNAL_ERROR - 1);
}

static int is_server_error(lua_State *L)
{
    return class_test(L, SIP_SERVER_INTERNAL_ERROR, SIP_BUSY_EVERYWHERE - 1);
}

static int is_global_failure(lua_State *L)
{
    return class_test(L, SIP_BUSY_EVERYWHERE, CODE_LAST);
}

static int is_final(lua_State *L)
{
    return class_test(L, SIP_OK, CODE_LAST);
}

static int is_flow_failed(lua_State *L)
{
    return class_test(L, SIP_FLOW_FAILED, SIP_FLOW_FAILED);
}

void bind_class(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_CLASSES
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
