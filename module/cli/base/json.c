// SPDX-License-Identifier: BSD-2-Clause
#include "cli/base/json.h"

#include <lauxlib.h>

#include "base/json.h"

void json_string(FILE *out, struct text text)
{
    fputc('"', out);
    while (text.length > 0) {
        char escape[JSON_ESCAPE_MOST + 1];
        struct text piece = json_piece(&text, escape);
        fwrite(piece.at, 1, piece.length, out);
    }
    fputc('"', out);
}

static void new_line(FILE *out, int depth)
{
    fprintf(out, "\n%*s", depth * 2, "");
}

static void json_array(FILE *out, lua_State *L, int index, const char *const *keys, int depth)
{
    lua_Integer length = luaL_len(L, index);
    fputc('[', out);
    for (lua_Integer i = 1; i <= length; i++) {
        fputs(i > 1 ? "," : "", out);
        new_line(out, depth + 1);
        lua_geti(L, index, i);
        json_lua(out, L, lua_gettop(L), keys, depth + 1);
        lua_pop(L, 1);
    }
    if (length > 0)
        new_line(out, depth);
    fputc(']', out);
}

static void json_object(FILE *out, lua_State *L, int index, const char *const *keys, int depth)
{
    bool first = true;
    fputc('{', out);
    for (const char *const *key = keys; *key != NULL; key++) {
        if (lua_getfield(L, index, *key) != LUA_TNIL) {
            fputs(first ? "" : ",", out);
            new_line(out, depth + 1);
            json_string(out, text_of(*key));
            fputs(": ", out);
            json_lua(out, L, lua_gettop(L), keys, depth + 1);
            first = false;
        }
        lua_pop(L, 1);
    }
    new_line(out, depth);
    fputc('}', out);
}

static bool is_array(lua_State *L, int index)
{
    bool array = lua_geti(L, index, 1) != LUA_TNIL;
    lua_pop(L, 1);
    lua_pushnil(L);
    if (lua_next(L, index) == 0)
        return true;
    lua_pop(L, 2);
    return array;
}

void json_lua(FILE *out, lua_State *L, int index, const char *const *keys, int depth)
{
    luaL_checkstack(L, 4, "json");
    if (lua_istable(L, index)) {
        if (is_array(L, index))
            json_array(out, L, index, keys, depth);
        else
            json_object(out, L, index, keys, depth);
    } else if (lua_isinteger(L, index)) {
        fprintf(out, LUA_INTEGER_FMT, (LUAI_UACINT)lua_tointeger(L, index));
    } else if (lua_isboolean(L, index)) {
        fputs(lua_toboolean(L, index) ? "true" : "false", out);
    } else {
        size_t length;
        const char *bytes = luaL_tolstring(L, index, &length);
        json_string(out, (struct text){bytes, length});
        lua_pop(L, 1);
    }
}
