// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "script/carry_tree.h"
#include "script/printable.h"
#include "script/script.h"

/* What a script keeps itself is handed from version to version: for each layer with a function given to sip.save() its
   name, the schema and the data. */

static const char save_key = 0;    /* of a table in the registry: functions by the names of their layers */
static const char restore_key = 0; /* likewise */

static void push_layer(lua_State *L)
{
    const struct bind_state *state = bind_state(L);
    lua_pushstring(L, state->sources != NULL ? sources_layer(state->sources, state->layer)->name : "");
}

static int keep_function(lua_State *L, const void *key, const char *name)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    if (!bind_state(L)->loading)
        return luaL_error(L, "%s is given its function while the script loads, not from a hook", name);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) != LUA_TTABLE) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, key);
    }
    push_layer(L);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) != LUA_TNIL)
        return luaL_error(L, "%s has its function already: there is one for each layer", name);
    lua_pop(L, 1);
    lua_pushvalue(L, 1);
    lua_rawset(L, -3);
    return 0;
}

/* sip.save(function() return data [, schema] end) */
static int save(lua_State *L)
{
    return keep_function(L, &save_key, "sip.save()");
}

/* sip.restore(function(data, schema) ... end): false, or an error, refuses the new version */
static int restore(lua_State *L)
{
    return keep_function(L, &restore_key, "sip.restore()");
}

void bind_carry(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_CARRY
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/schema.def"
        {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}

/* One of the two entries while it runs. */
struct carry {
    struct carry_buffer buffer;
    struct text rest;  /* to restore */
    const char *doing; /* for messages */
    bool damaged;
};

/* Pushes the functions, a table by layers, or nothing. Does not raise. */
static bool push_functions(lua_State *L, const void *key)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE)
        return true;
    lua_pop(L, 1);
    return false;
}

/* Stack: carry, functions; then a layer's name and its function, which becomes what it returned. */
static void save_layer(lua_State *L, struct carry *carry)
{
    lua_call(L, 0, 2);
    if (lua_isnil(L, -2)) {
        lua_pop(L, 2);
        return;
    }
    int schema = lua_type(L, -1);
    if (schema != LUA_TNIL && schema != LUA_TNUMBER && schema != LUA_TSTRING)
        luaL_error(L, "the schema, which is the second value, is a %s: it is a number or a string",
                   lua_typename(L, schema));
    carry_write(L, -3, "layer", &carry->buffer);
    carry_write(L, -1, "schema", &carry->buffer);
    carry_write(L, -2, "data", &carry->buffer);
    lua_pop(L, 2);
}

static int save_protected(lua_State *L)
{
    struct carry *carry = lua_touserdata(L, 1);
    if (push_functions(L, &save_key))
        for (lua_pushnil(L); lua_next(L, 2) != 0;)
            save_layer(L, carry);
    return 0;
}

/* Stack: carry, functions. */
static void restore_layer(lua_State *L, struct carry *carry)
{
    carry->damaged = true; // until it is read
    for (int i = 0; i < 3; i++)
        carry_read(L, &carry->rest);
    carry->damaged = false;
    lua_pushvalue(L, 3);
    if (lua_rawget(L, 2) == LUA_TFUNCTION) {
        lua_pushvalue(L, 5);
        lua_pushvalue(L, 4);
        lua_call(L, 2, 2);
        if (lua_isboolean(L, -2) && !lua_toboolean(L, -2))
            luaL_error(L, "refused: %s", lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "it returned false");
    }
    lua_settop(L, 2);
}

static int restore_protected(lua_State *L)
{
    struct carry *carry = lua_touserdata(L, 1);
    if (push_functions(L, &restore_key))
        while (carry->rest.length != 0)
            restore_layer(L, carry);
    return 0;
}

/* In one line. */
static void tell(const struct script *script, const char *doing, const char *message, char *error, size_t size)
{
    if (size == 0)
        return;
    size_t length = printable_write(error, size, script->path);
    length += printable_write(error + length, size - length, ": ");
    length += printable_write(error + length, size - length, doing);
    length += printable_write(error + length, size - length, ": ");
    printable_write(error + length, size - length, message);
}

static int error_of(enum script_outcome outcome)
{
    switch (outcome) {
    case SCRIPT_DEFAULT:
        return 0;
    case SCRIPT_OVERRUN:
        return -ETIME;
    case SCRIPT_MEMORY:
        return -ENOMEM;
    default:
        return -ECANCELED;
    }
}

/* Under the time and memory of any entry. */
static int run(struct script *script, lua_CFunction function, struct carry *carry, char *error, size_t error_size)
{
    lua_State *L = script->L;
    int code = watch_begin(&script->watch, script->limits.time_ms);
    if (code != 0) {
        tell(script, carry->doing, strerror(-code), error, error_size);
        return code;
    }
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, carry);
    int status = lua_pcall(L, 1, 0, 1);
    enum script_outcome outcome = script_outcome_of(status, watch_end(&script->watch));
    code = error_of(outcome);
    if (code != 0)
        tell(script, carry->doing, script_message(script, outcome), error, error_size);
    lua_settop(L, 1);
    return code;
}

int script_save(struct script *script, struct text *blob, char *error, size_t error_size)
{
    struct carry carry = {.buffer.host = script->host, .doing = "sip.save()"};
    struct carry_buffer *buffer = &carry.buffer;
    *blob = (struct text){0};
    if (!push_functions(script->L, &save_key))
        return 0;
    lua_settop(script->L, 1);
    int code = run(script, save_protected, &carry, error, error_size);
    if (code == -ECANCELED)
        code = buffer->out_of_memory ? -ENOMEM : -EINVAL;
    if (code != 0 || buffer->used == 0)
        goto out;
    // Its length is all that is known of it when it is freed.
    char *exact = script->host->allocate(script->host->context, buffer->at, buffer->size, buffer->used);
    if (exact == NULL) {
        tell(script, carry.doing, "not enough memory", error, error_size);
        code = -ENOMEM;
        goto out;
    }
    *blob = (struct text){exact, buffer->used};
    return 0;
out:
    carry_buffer_destroy(buffer);
    return code;
}

int script_restore(struct script *script, struct text blob, char *error, size_t error_size)
{
    struct carry carry = {.rest = blob, .doing = "sip.restore()"};
    if (blob.length == 0 || !push_functions(script->L, &restore_key))
        return 0;
    lua_settop(script->L, 1);
    int code = run(script, restore_protected, &carry, error, error_size);
    return code == -ECANCELED && carry.damaged ? -EBADMSG : code;
}

void script_saved_free(struct script *script, struct text blob)
{
    if (blob.length != 0)
        script->host->allocate(script->host->context, (void *)blob.at, blob.length, 0); // const is the borrowers'
}
