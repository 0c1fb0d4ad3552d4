// SPDX-License-Identifier: BSD-2-Clause
#include "script/engine/carry_tree.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "base/memory.h"
#include "script/base/watch.h"

/* The first byte of a value. A table has its values from 1 on until CARRY_REST, then keys and values until
   CARRY_END. */
enum tag {
    CARRY_NIL = 'n',
    CARRY_FALSE = 'f',
    CARRY_TRUE = 't',
    CARRY_INTEGER = 'i',
    CARRY_FLOAT = 'd',
    CARRY_STRING = 's',
    CARRY_TABLE = '{',
    CARRY_REST = '|',
    CARRY_END = '}'
};

enum { BUFFER_LEAST = 256, VARINT_MOST = 10, PATH_MOST = 160, KEY_MOST = 40, WATCH_EVERY = 1024 };

/* The position of a value in the tree, for error messages. */
struct place {
    const struct place *above;
    const char *name; /* of the root */
    int key;          /* index on the stack; 0: the number */
    lua_Integer number;
};

struct writer {
    lua_State *L;
    struct carry_buffer *buffer;
    const void *tables[CARRY_DEPTH_MOST]; /* the tables that contain the current value */
    int depth;
};

/* --- paths --- */

struct path {
    char text[PATH_MOST];
    size_t length;
};

static void path_add(struct path *path, const char *text)
{
    int length = snprintf(path->text + path->length, sizeof path->text - path->length, "%s", text);
    path->length += (size_t)length;
    if (path->length >= sizeof path->text)
        path->length = sizeof path->text - 1;
}

static bool is_identifier(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    return length != 0 && length < KEY_MOST && !isdigit((unsigned char)name[0]);
}

static void path_add_string(struct path *path, const char *name, size_t length)
{
    char part[KEY_MOST + 8];
    if (is_identifier(name, length)) {
        snprintf(part, sizeof part, ".%s", name);
    } else {
        snprintf(part, sizeof part, "[\"%.*s%s\"]", (int)(length < KEY_MOST ? length : KEY_MOST - 3), name,
                 length < KEY_MOST ? "" : "..");
        for (char *at = part; *at != '\0'; at++)
            if ((unsigned char)*at < ' ' || *at == 0x7f)
                *at = '?';
    }
    path_add(path, part);
}

static void path_add_key(lua_State *L, struct path *path, const struct place *place)
{
    char part[KEY_MOST];
    size_t length;
    if (place->key == 0)
        snprintf(part, sizeof part, "[" LUA_INTEGER_FMT "]", (LUAI_UACINT)place->number);
    else if (lua_isinteger(L, place->key))
        snprintf(part, sizeof part, "[" LUA_INTEGER_FMT "]", (LUAI_UACINT)lua_tointeger(L, place->key));
    else if (lua_type(L, place->key) == LUA_TNUMBER)
        snprintf(part, sizeof part, "[" LUA_NUMBER_FMT "]", (LUAI_UACNUMBER)lua_tonumber(L, place->key));
    else if (lua_isboolean(L, place->key))
        snprintf(part, sizeof part, "[%s]", lua_toboolean(L, place->key) ? "true" : "false");
    else if (lua_type(L, place->key) == LUA_TSTRING) {
        const char *name = lua_tolstring(L, place->key, &length);
        path_add_string(path, name, length);
        return;
    } else
        snprintf(part, sizeof part, "[a %s]", luaL_typename(L, place->key));
    path_add(path, part);
}

static void path_make(lua_State *L, struct path *path, const struct place *place)
{
    if (place->above == NULL) {
        path_add(path, place->name);
        return;
    }
    path_make(L, path, place->above);
    path_add_key(L, path, place);
}

static void refuse(const struct writer *writer, const struct place *place, const char *why)
{
    struct path path = {.length = 0};
    path_make(writer->L, &path, place);
    luaL_error(writer->L, "%s %s", path.text, why);
}

/* --- writing --- */

static bool grow(struct carry_buffer *buffer, size_t needed)
{
    size_t size = buffer->size != 0 ? buffer->size : BUFFER_LEAST;
    while (size < needed)
        size *= 2;
    char *at = buffer->host->allocate(buffer->host->context, buffer->at, buffer->size, size);
    if (at == NULL)
        return false;
    buffer->at = at;
    buffer->size = size;
    return true;
}

static void put(const struct writer *writer, const struct place *place, const char *bytes, size_t length)
{
    struct carry_buffer *buffer = writer->buffer;
    if (length > CARRY_BYTES_MOST - buffer->used)
        refuse(writer, place, "is past the 1 MiB that a version may hand on");
    if (buffer->used + length > buffer->size && !grow(buffer, buffer->used + length)) {
        buffer->out_of_memory = true;
        luaL_error(writer->L, "not enough memory");
    }
    memcpy(buffer->at + buffer->used, bytes, length);
    buffer->used += length;
}

static void put_tag(const struct writer *writer, const struct place *place, enum tag tag)
{
    char byte = (char)tag;
    put(writer, place, &byte, 1);
}

static void put_number(const struct writer *writer, const struct place *place, enum tag tag, uint64_t number)
{
    char bytes[1 + VARINT_MOST] = {(char)tag};
    size_t length = 1;
    for (; number >= 0x80; number >>= 7)
        bytes[length++] = (char)(number | 0x80);
    bytes[length++] = (char)number;
    put(writer, place, bytes, length);
}

static void write_number(const struct writer *writer, const struct place *place, int index)
{
    lua_Number number = lua_tonumber(writer->L, index);
    if (lua_isinteger(writer->L, index)) {
        // Small ones of either sign are short: the sign is the last bit.
        uint64_t integer = (uint64_t)lua_tointeger(writer->L, index);
        put_number(writer, place, CARRY_INTEGER, integer << 1 ^ (integer >> 63 ? UINT64_MAX : 0));
        return;
    }
    put_tag(writer, place, CARRY_FLOAT);
    put(writer, place, (const char *)&number, sizeof number);
}

static void write_string(const struct writer *writer, const struct place *place, int index)
{
    size_t length;
    const char *string = lua_tolstring(writer->L, index, &length);
    put_number(writer, place, CARRY_STRING, length);
    put(writer, place, string, length);
}

static void write_value(struct writer *writer, const struct place *place, int index);

static void enter_table(struct writer *writer, const struct place *place, int index)
{
    const void *table = lua_topointer(writer->L, index);
    watch_check(writer->L);
    luaL_checkstack(writer->L, 8, "a tree of data");
    for (int i = 0; i < writer->depth; i++)
        if (writer->tables[i] == table)
            refuse(writer, place, "is a table that contains itself, which cannot be kept");
    if (writer->depth == CARRY_DEPTH_MOST)
        refuse(writer, place, "is more than 32 tables deep");
    if (lua_getmetatable(writer->L, index))
        refuse(writer, place, "is a table with a metatable, which cannot be kept");
    writer->tables[writer->depth++] = table;
}

/* Writes the values with keys 1, 2, 3 and so on; returns their number. */
static lua_Integer write_array(struct writer *writer, const struct place *above, int index)
{
    struct place place = {.above = above, .number = 1};
    for (; lua_rawgeti(writer->L, index, place.number) != LUA_TNIL; place.number++) {
        write_value(writer, &place, lua_gettop(writer->L));
        lua_pop(writer->L, 1);
        if (place.number % WATCH_EVERY == 0)
            watch_check(writer->L);
    }
    lua_pop(writer->L, 1);
    return place.number - 1;
}

static void write_table(struct writer *writer, const struct place *above, int index)
{
    lua_State *L = writer->L;
    enter_table(writer, above, index);
    put_tag(writer, above, CARRY_TABLE);
    lua_Integer count = write_array(writer, above, index);
    put_tag(writer, above, CARRY_REST);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        int key = lua_gettop(L) - 1;
        if (lua_isinteger(L, key) && lua_tointeger(L, key) >= 1 && lua_tointeger(L, key) <= count)
            continue;
        struct place place = {.above = above, .key = key};
        int type = lua_type(L, key);
        if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN)
            refuse(writer, &place, "has a key that is not a string, number or boolean");
        write_value(writer, &place, key);
        write_value(writer, &place, key + 1);
    }
    put_tag(writer, above, CARRY_END);
    writer->depth--;
}

static void write_value(struct writer *writer, const struct place *place, int index)
{
    char why[96];
    switch (lua_type(writer->L, index)) {
    case LUA_TNIL:
        put_tag(writer, place, CARRY_NIL);
        return;
    case LUA_TBOOLEAN:
        put_tag(writer, place, lua_toboolean(writer->L, index) ? CARRY_TRUE : CARRY_FALSE);
        return;
    case LUA_TNUMBER:
        write_number(writer, place, index);
        return;
    case LUA_TSTRING:
        write_string(writer, place, index);
        return;
    case LUA_TTABLE:
        write_table(writer, place, index);
        return;
    default:
        snprintf(why, sizeof why, "is a %s: only tables, strings, numbers and booleans can be kept",
                 luaL_typename(writer->L, index));
        refuse(writer, place, why);
    }
}

void carry_write(lua_State *L, int index, const char *name, struct carry_buffer *buffer)
{
    struct writer writer = {.L = L, .buffer = buffer};
    write_value(&writer, &(struct place){.name = name}, lua_absindex(L, index));
}

void carry_buffer_destroy(struct carry_buffer *buffer)
{
    memory_delete(buffer->host, buffer->at, buffer->size);
    buffer->at = NULL;
    buffer->used = buffer->size = 0;
}

/* --- reading --- */

static void damaged(lua_State *L)
{
    luaL_error(L, "what the version before handed on is damaged");
}

static const char *take(lua_State *L, struct text *rest, size_t length)
{
    const char *at = rest->at;
    if (length > rest->length)
        damaged(L);
    rest->at += length;
    rest->length -= length;
    return at;
}

static uint64_t take_number(lua_State *L, struct text *rest)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned char byte = (unsigned char)*take(L, rest, 1);
        number |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return number;
    }
    damaged(L);
    return 0;
}

static void read_value(lua_State *L, struct text *rest, int depth);

static bool take_if(lua_State *L, struct text *rest, enum tag tag)
{
    if (rest->length == 0)
        damaged(L);
    if (*rest->at != (char)tag)
        return false;
    take(L, rest, 1);
    return true;
}

static void read_table(lua_State *L, struct text *rest, int depth)
{
    if (depth == CARRY_DEPTH_MOST)
        damaged(L);
    watch_check(L);
    luaL_checkstack(L, 4, "a tree of data");
    lua_newtable(L);
    for (lua_Integer n = 1; !take_if(L, rest, CARRY_REST); n++) {
        read_value(L, rest, depth + 1);
        lua_rawseti(L, -2, n);
    }
    while (!take_if(L, rest, CARRY_END)) {
        read_value(L, rest, depth + 1);
        if (lua_isnil(L, -1) || (lua_type(L, -1) == LUA_TNUMBER && lua_tonumber(L, -1) != lua_tonumber(L, -1)))
            damaged(L);
        read_value(L, rest, depth + 1);
        lua_rawset(L, -3);
    }
}

static void read_string(lua_State *L, struct text *rest)
{
    uint64_t length = take_number(L, rest);
    if (length > rest->length)
        damaged(L);
    lua_pushlstring(L, take(L, rest, (size_t)length), (size_t)length);
}

static void read_value(lua_State *L, struct text *rest, int depth)
{
    lua_Number number;
    uint64_t integer;
    switch (*take(L, rest, 1)) {
    case CARRY_NIL:
        lua_pushnil(L);
        return;
    case CARRY_FALSE:
        lua_pushboolean(L, 0);
        return;
    case CARRY_TRUE:
        lua_pushboolean(L, 1);
        return;
    case CARRY_INTEGER:
        integer = take_number(L, rest);
        lua_pushinteger(L, (lua_Integer)(integer >> 1 ^ (integer & 1 ? UINT64_MAX : 0)));
        return;
    case CARRY_FLOAT:
        memcpy(&number, take(L, rest, sizeof number), sizeof number);
        lua_pushnumber(L, number);
        return;
    case CARRY_STRING:
        read_string(L, rest);
        return;
    case CARRY_TABLE:
        read_table(L, rest, depth);
        return;
    default:
        damaged(L);
    }
}

void carry_read(lua_State *L, struct text *rest)
{
    read_value(L, rest, 0);
}
