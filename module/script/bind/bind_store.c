// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <string.h>

#include <lauxlib.h>

#include "script/bind/bind.h"
#include "script/base/watch.h"

/* sip.store: values that a policy keeps over its versions. Names come from calls, so a name that is too long is not
   a programming error: the functions return nil, a message and a code. */

/* The first byte of a value has its type, so that integers and floats are preserved. */
enum value_type { TYPE_STRING = 's', TYPE_INTEGER = 'i', TYPE_FLOAT = 'f', TYPE_BOOLEAN = 'b' };

enum { TTL_MOST = 1000000000 /* seconds */, WATCH_EVERY = 1024 };

static struct store *store_of(lua_State *L)
{
    struct bind_state *state = bind_state(L);
    if (state->store != NULL)
        return state->store;
    if (state->own_store == NULL && store_new(&state->own_store, state->host, NULL) != 0)
        luaL_error(L, "not enough memory");
    return state->own_store;
}

/* Numbers are not accepted as names, because they convert to unexpected names: 10/2 is "5.0". */
static struct text argument_text(lua_State *L, int index)
{
    struct text text;
    luaL_checktype(L, index, LUA_TSTRING);
    text.at = lua_tolstring(L, index, &text.length);
    return text;
}

static lua_Integer argument_whole(lua_State *L, int index)
{
    int fits;
    lua_Integer value = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &fits) : (fits = 0);
    luaL_argexpected(L, fits, index, "whole number");
    return value;
}

/* Converts seconds to ms; false: expired at once. Absent: 0, no expiry. */
static bool argument_ttl(lua_State *L, int index, uint64_t *ttl_ms)
{
    *ttl_ms = 0;
    if (lua_isnoneornil(L, index))
        return true;
    luaL_checktype(L, index, LUA_TNUMBER);
    lua_Number seconds = lua_tonumber(L, index);
    luaL_argcheck(L, seconds >= 0, index, "a time to live is a number of seconds, 0 or more");
    *ttl_ms = (uint64_t)ceil((seconds < TTL_MOST ? seconds : TTL_MOST) * 1000);
    return *ttl_ms != 0;
}

struct failure {
    int error;
    const char *code, *message;
};

static int fail(lua_State *L, int error)
{
    static const struct failure failures[] = {
        {-EINVAL, "EINVAL", "a name is not empty"},
        {-ENAMETOOLONG, "ENAMETOOLONG", "a name has at most 128 bytes"},
        {-EMSGSIZE, "EMSGSIZE", "a value has at most 4095 bytes"},
        {-ENOSPC, "ENOSPC", "the store is full"},
        {-EEXIST, "EEXIST", "the name is of another kind"},
        {-EOVERFLOW, "EOVERFLOW", "the counter would overflow"},
        {-EBADMSG, "EBADMSG", "the value was not stored by a script"},
    };
    const struct failure *found = &(struct failure){error, "ENOMEM", "not enough memory"};
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (failures[i].error == error)
            found = &failures[i];
    lua_pushnil(L);
    lua_pushstring(L, found->message);
    lua_pushstring(L, found->code);
    return 3;
}

static int push_true(lua_State *L, int error)
{
    if (error != 0)
        return fail(L, error);
    lua_pushboolean(L, 1);
    return 1;
}

/* store.add(name [, n = 1]) -> the sum */
static int add(lua_State *L)
{
    int64_t value = 0;
    struct text name = argument_text(L, 1);
    lua_Integer amount = lua_isnoneornil(L, 2) ? 1 : argument_whole(L, 2);
    int error = store_add(store_of(L), name, amount, &value);
    if (error != 0)
        return fail(L, error);
    lua_pushinteger(L, value);
    return 1;
}

/* store.count(name) -> the counter; 0 if there is none */
static int count(lua_State *L)
{
    int64_t value = 0;
    int error = store_count(store_of(L), argument_text(L, 1), &value);
    if (error != 0)
        return fail(L, error);
    lua_pushinteger(L, value);
    return 1;
}

/* The bytes of the value at this index, without its type; they are in `plain`, or those of the string. */
static enum value_type read_value(lua_State *L, int index, char plain[8], struct text *bytes)
{
    lua_Integer integer = lua_tointeger(L, index);
    lua_Number number = lua_tonumber(L, index);
    *bytes = (struct text){plain, 8};
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        *bytes = argument_text(L, index);
        return TYPE_STRING;
    case LUA_TBOOLEAN:
        plain[0] = (char)lua_toboolean(L, index);
        bytes->length = 1;
        return TYPE_BOOLEAN;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
            memcpy(plain, &integer, sizeof integer);
            return TYPE_INTEGER;
        }
        memcpy(plain, &number, sizeof number);
        return TYPE_FLOAT;
    default:
        luaL_typeerror(L, index, "string, number or boolean");
        return TYPE_STRING;
    }
}

/* store.put(name, value [, seconds]) -> true */
static int put(lua_State *L)
{
    char buffer[STORE_VALUE_MOST], plain[8];
    struct text bytes;
    uint64_t ttl_ms;
    struct text name = argument_text(L, 1);
    luaL_checkany(L, 2);
    buffer[0] = (char)read_value(L, 2, plain, &bytes);
    struct store *store = store_of(L);
    bool stays = argument_ttl(L, 3, &ttl_ms);
    if (bytes.length > sizeof buffer - 1)
        return fail(L, -EMSGSIZE);
    memcpy(buffer + 1, bytes.at, bytes.length);
    // What is over at once replaces what was there all the same.
    int error = store_put(store, name, (struct text){buffer, bytes.length + 1}, stays ? ttl_ms : 1);
    if (error == 0 && !stays)
        store_forget(store, name);
    return push_true(L, error);
}

static int push_value(lua_State *L, const char *value, size_t length)
{
    lua_Integer integer;
    lua_Number number;
    char type = length != 0 ? value[0] : '\0';
    if (type == TYPE_STRING) {
        lua_pushlstring(L, value + 1, length - 1);
    } else if (type == TYPE_INTEGER && length == 1 + sizeof integer) {
        memcpy(&integer, value + 1, sizeof integer);
        lua_pushinteger(L, integer);
    } else if (type == TYPE_FLOAT && length == 1 + sizeof number) {
        memcpy(&number, value + 1, sizeof number);
        lua_pushnumber(L, number);
    } else if (type == TYPE_BOOLEAN && length == 2) {
        lua_pushboolean(L, value[1]);
    } else {
        return fail(L, -EBADMSG);
    }
    return 1;
}

/* store.get(name) -> the value; nil alone if there is none */
static int get(lua_State *L)
{
    char value[STORE_VALUE_MOST];
    size_t length = 0;
    int error = store_copy(store_of(L), argument_text(L, 1), value, &length);
    if (error == 0)
        return push_value(L, value, length);
    if (error != -ENOENT)
        return fail(L, error);
    lua_pushnil(L);
    return 1;
}

/* store.insert(set, member [, seconds]) -> true */
static int insert(lua_State *L)
{
    uint64_t ttl_ms;
    struct text set = argument_text(L, 1);
    struct text member = argument_text(L, 2);
    struct store *store = store_of(L);
    bool stays = argument_ttl(L, 3, &ttl_ms);
    int error = store_insert(store, set, member, stays ? ttl_ms : 1);
    if (error == 0 && !stays)
        store_erase(store, set, member);
    return push_true(L, error);
}

/* store.contains(set, member) -> boolean */
static int contains(lua_State *L)
{
    struct text set = argument_text(L, 1);
    lua_pushboolean(L, store_contains(store_of(L), set, argument_text(L, 2)));
    return 1;
}

/* store.erase(set, member) -> whether it was there */
static int erase(lua_State *L)
{
    struct text set = argument_text(L, 1);
    lua_pushboolean(L, store_erase(store_of(L), set, argument_text(L, 2)) == 0);
    return 1;
}

/* store.size(set) -> the number of members; 0 if there is no such set */
static int size(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)store_size(store_of(L), argument_text(L, 1)));
    return 1;
}

/* A copy of the members, each a byte of length and the text. Lua functions, which may raise errors, must not be
   called under the store's lock. */
struct gathered {
    char *at;
    size_t size, used; /* used may exceed size: it is the size that was needed */
};

_Static_assert(STORE_NAME_MOST <= 255, "a length is one byte");

static bool gather(void *context, struct text member)
{
    struct gathered *gathered = context;
    size_t begin = gathered->used;
    gathered->used += 1 + member.length;
    if (gathered->used <= gathered->size) {
        gathered->at[begin] = (char)member.length;
        memcpy(gathered->at + begin + 1, member.at, member.length);
    }
    return true;
}

static void push_members(lua_State *L, const struct gathered *gathered)
{
    lua_Integer n = 0;
    lua_newtable(L);
    for (size_t at = 0; at < gathered->used;) {
        size_t length = (unsigned char)gathered->at[at];
        lua_pushlstring(L, gathered->at + at + 1, length);
        lua_rawseti(L, -2, ++n);
        at += 1 + length;
        if (n % WATCH_EVERY == 0)
            watch_check(L);
    }
}

/* store.members(set) -> an array, in no order */
static int members(lua_State *L)
{
    struct text set = argument_text(L, 1);
    struct store *store = store_of(L);
    struct gathered gathered = {0};
    int error = store_members(store, set, gather, &gathered);
    while (error == 0 && gathered.used > gathered.size) {
        gathered = (struct gathered){lua_newuserdatauv(L, gathered.used, 0), gathered.used, 0};
        error = store_members(store, set, gather, &gathered);
    }
    if (error != 0)
        return fail(L, error);
    push_members(L, &gathered);
    return 1;
}

/* store.forget(name) -> whether it was there */
static int forget(lua_State *L)
{
    lua_pushboolean(L, store_forget(store_of(L), argument_text(L, 1)) == 0);
    return 1;
}

void bind_store(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_STORE
#define ENTRY(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    lua_newuserdatauv(L, 0, 0); // no table: what one layer sets in it would be set for all
    lua_createtable(L, 0, 2);
    luaL_newlib(L, functions);
    strict_table(L, "sip.store.");
    lua_setfield(L, -2, "__index");
    field_set_flag(L, "__metatable", false);
    lua_setmetatable(L, -2);
    lua_setfield(L, -2, "store");
}
