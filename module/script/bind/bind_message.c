// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "core/code.h"
#include "script/bind/bind.h"
#include "script/base/watch.h"
#include "sip/message.h"

/* sip.parse(text): a message with getters that parse only what is read. The userdata contains NULL until the message
   has been created. */

static const char metatable_key = 0;

const struct sip_message *message_at(lua_State *L, int index)
{
    struct sip_message **message = userdata_at(L, index, &metatable_key);
    return message != NULL ? *message : NULL;
}

static const struct sip_message *check_message(lua_State *L)
{
    const struct sip_message *message = message_at(L, 1);
    luaL_argexpected(L, message != NULL, 1, "message");
    return message;
}

static size_t white_space(struct text value, size_t from)
{
    size_t at = from;
    while (at < value.length && value.at[at] != '\0' && strchr(" \t\r\n", value.at[at]) != NULL)
        at++;
    return at - from;
}

/* Each fold becomes one space (RFC 3261 7.3.1). A stranger chooses the amount of white space, so each run of it is
   examined only once. */
static void push_value(lua_State *L, struct text value)
{
    watch_check(L);
    if (value.length == 0 || memchr(value.at, '\n', value.length) == NULL) {
        lua_pushlstring(L, value.length != 0 ? value.at : "", value.length);
        return;
    }
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (size_t i = 0; i < value.length;) {
        size_t white = white_space(value, i);
        if (white == 0)
            luaL_addchar(&buffer, value.at[i]);
        else if (memchr(value.at + i, '\n', white) != NULL)
            luaL_addchar(&buffer, ' ');
        else
            luaL_addlstring(&buffer, value.at + i, white);
        i += white > 0 ? white : 1;
    }
    luaL_pushresult(&buffer);
}

int message_header(lua_State *L, const struct sip_message *message)
{
    size_t length;
    luaL_checktype(L, 2, LUA_TSTRING);
    const char *name = lua_tolstring(L, 2, &length);
    lua_Integer nth = luaL_optinteger(L, 3, 1);
    luaL_argcheck(L, nth >= 1, 3, "the first header field is number 1");
    const struct sip_field *field =
        message != NULL ? sip_field_named(message, (struct text){name, length}, (size_t)nth - 1) : NULL;
    if (field == NULL)
        lua_pushnil(L);
    else
        push_value(L, field->value);
    return 1;
}

bool message_field_next(lua_State *L, const struct sip_message *message, size_t index)
{
    const struct sip_field *field = message != NULL ? sip_field_at(message, index) : NULL;
    if (field == NULL)
        return false;
    lua_pushlstring(L, field->name.at, field->name.length);
    push_value(L, field->value);
    return true;
}

static int header(lua_State *L)
{
    return message_header(L, check_message(L));
}

static int next_header(lua_State *L)
{
    size_t index = (size_t)lua_tointeger(L, lua_upvalueindex(2));
    const struct sip_message *message = message_at(L, lua_upvalueindex(1));
    lua_pushinteger(L, (lua_Integer)index + 1);
    lua_replace(L, lua_upvalueindex(2));
    return message_field_next(L, message, index) ? 2 : 0;
}

/* for name, value in message:headers() do */
static int headers(lua_State *L)
{
    check_message(L);
    lua_settop(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_header, 2);
    return 1;
}

static void push_number(lua_State *L, int64_t number, int64_t absent)
{
    if (number == absent)
        lua_pushnil(L);
    else
        lua_pushinteger(L, number);
}

enum getter {
#define SCHEMA_MESSAGE
#define FIELD(name, getter, type, what) getter,
#include "script/engine/schema.def"
    GET_COUNT
};

static const char *const getter_names[GET_COUNT] = {
#define SCHEMA_MESSAGE
#define FIELD(name, getter, type, what) #name,
#include "script/engine/schema.def"
};

static void get(lua_State *L, const struct sip_message *message, enum getter getter)
{
    switch (getter) {
    case GET_IS_REQUEST:
        lua_pushboolean(L, sip_is_request(message));
        return;
    case GET_METHOD:
        if (sip_is_request(message))
            push_text(L, sip_method_text(message));
        else
            push_text(L, text_of(method_name(sip_method(message))));
        return;
    case GET_CODE:
        push_number(L, sip_status(message), 0);
        return;
    case GET_PHRASE:
        push_text(L, sip_phrase(message));
        return;
    case GET_URI:
        push_text(L, sip_request_uri(message));
        return;
    case GET_CALL_ID:
        push_text(L, sip_call_id(message));
        return;
    case GET_FROM:
        push_text(L, sip_from_uri(message));
        return;
    case GET_FROM_TAG:
        push_text(L, sip_from_tag(message));
        return;
    case GET_TO:
        push_text(L, sip_to_uri(message));
        return;
    case GET_TO_TAG:
        push_text(L, sip_to_tag(message));
        return;
    case GET_CSEQ:
        lua_pushinteger(L, sip_cseq(message));
        return;
    case GET_EXPIRES:
        push_number(L, sip_expires(message), -1);
        return;
    case GET_RETRY_AFTER:
        push_number(L, sip_retry_after(message), -1);
        return;
    default:
        push_text(L, sip_body(message));
    }
}

/* The upvalue maps a name to a method or to the number of a getter. */
static int message_index(lua_State *L)
{
    const struct sip_message *message = check_message(L);
    lua_settop(L, 2);
    lua_rawget(L, lua_upvalueindex(1));
    if (lua_isinteger(L, -1))
        get(L, message, (enum getter)lua_tointeger(L, -1));
    else if (lua_isnil(L, -1))
        return luaL_error(L, "a message has no such field");
    return 1;
}

static int message_gc(lua_State *L)
{
    struct sip_message **message = lua_touserdata(L, 1);
    sip_message_delete(*message);
    *message = NULL;
    return 0;
}

/* sip.parse(text) -> message, or nil, what is wrong and where, and a suitable status */
static int parse(lua_State *L)
{
    size_t length;
    struct sip_fault fault = {0};
    char text[SIP_FAULT_SIZE];
    luaL_checktype(L, 1, LUA_TSTRING);
    const char *bytes = lua_tolstring(L, 1, &length);
    struct sip_message **message = lua_newuserdatauv(L, sizeof *message, 0);
    *message = NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_setmetatable(L, -2);
    const struct host *host = bind_state(L)->host;
    int error = sip_message_new(message, host, bytes, length, NULL, &fault);
    if (error == -ENOMEM) { // perhaps messages that nobody holds any more have it
        lua_gc(L, LUA_GCCOLLECT);
        error = sip_message_new(message, host, bytes, length, NULL, &fault);
    }
    if (error == 0) {
        lua_gc(L, LUA_GCSTEP, 1 + (int)(length / 512)); // the collector sees a pointer where kilobytes are held
        return 1;
    }
    if (error == -ENOMEM)
        return luaL_error(L, "not enough memory for a message of %d bytes", (int)length);
    lua_pushnil(L);
    lua_pushstring(L, sip_fault_text(&fault, text, sizeof text));
    lua_pushinteger(L, fault.status);
    return 3;
}

void bind_message(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_MESSAGE
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    static const luaL_Reg methods[] = {
#define SCHEMA_MESSAGE
#define METHOD(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    lua_createtable(L, 0, 4);
    lua_createtable(L, 0, GET_COUNT + 2);
    luaL_setfuncs(L, methods, 0);
    for (int i = 0; i < GET_COUNT; i++)
        field_set_integer(L, getter_names[i], i);
    lua_pushcclosure(L, message_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, message_gc);
    lua_setfield(L, -2, "__gc");
    field_set_string(L, "__name", "message");
    field_set_flag(L, "__metatable", false);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
    luaL_setfuncs(L, functions, 0);
}
