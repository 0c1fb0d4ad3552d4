// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/pattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <lauxlib.h>

#include "script/base/matcher.h"
#include "script/base/watch.h"

/* The start of a search: 1 is the first byte, negative numbers count from the end. Beyond the end plus one: no
   match. */
static size_t start_offset(lua_State *L, int index, size_t length)
{
    lua_Integer start = luaL_optinteger(L, index, 1);
    if (start > 0)
        return (lua_Unsigned)start > length ? (start - 1 == (lua_Integer)length ? length : length + 1)
                                            : (size_t)start - 1;
    if (start == 0 || start < -(lua_Integer)length)
        return 0;
    return length - (size_t)-start;
}

static bool is_plain(const char *pattern, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (pattern[i] != '\0' && strchr("^$*+?.([%-", pattern[i]) != NULL)
            return false;
    return true;
}

static int find_plain(lua_State *L, struct text subject, size_t from, struct text word)
{
    const char *at =
        word.length == 0 ? subject.at + from : memmem(subject.at + from, subject.length - from, word.at, word.length);
    if (at == NULL) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, at - subject.at + 1);
    lua_pushinteger(L, at - subject.at + (lua_Integer)word.length);
    return 2;
}

static struct text check_text(lua_State *L, int index)
{
    struct text text;
    text.at = luaL_checklstring(L, index, &text.length);
    return text;
}

static int search(lua_State *L, bool find)
{
    struct matcher matcher;
    struct text subject = check_text(L, 1);
    struct text pattern = check_text(L, 2);
    size_t from = start_offset(L, 3, subject.length);
    if (from > subject.length) {
        lua_pushnil(L);
        return 1;
    }
    if (find && (lua_toboolean(L, 4) || is_plain(pattern.at, pattern.length)))
        return find_plain(L, subject, from, pattern);
    bool anchored = pattern.length != 0 && pattern.at[0] == '^';
    matcher_create(&matcher, L, subject, pattern);
    for (const char *at = subject.at + from; at <= matcher.subject_end; at++) {
        const char *end = matcher_run(&matcher, at, pattern.at + anchored);
        if (end != NULL && find) {
            lua_pushinteger(L, at - subject.at + 1);
            lua_pushinteger(L, end - subject.at);
            return 2 + matcher_push_captures(&matcher, NULL, NULL);
        }
        if (end != NULL)
            return matcher_push_captures(&matcher, at, end);
        if (anchored)
            break;
    }
    lua_pushnil(L);
    return 1;
}

static int find(lua_State *L)
{
    return search(L, true);
}

static int match(lua_State *L)
{
    return search(L, false);
}

/* Upvalues: subject, pattern, offset to continue from, offset of the end of the last match (-1: none). An empty
   match is skipped directly after another match. */
static int gmatch_next(lua_State *L)
{
    struct matcher matcher;
    struct text subject = check_text(L, lua_upvalueindex(1));
    struct text pattern = check_text(L, lua_upvalueindex(2));
    size_t from = (size_t)lua_tointeger(L, lua_upvalueindex(3));
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    matcher_create(&matcher, L, subject, pattern);
    for (; from <= subject.length; from++) {
        const char *at = subject.at + from;
        const char *end = matcher_run(&matcher, at, pattern.at);
        if (end == NULL || end - subject.at == last)
            continue;
        lua_pushinteger(L, end - subject.at);
        lua_pushvalue(L, -1);
        lua_replace(L, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return matcher_push_captures(&matcher, at, end);
    }
    lua_pushinteger(L, (lua_Integer)subject.length + 1);
    lua_replace(L, lua_upvalueindex(3));
    return 0;
}

static int gmatch(lua_State *L)
{
    struct text subject = check_text(L, 1);
    check_text(L, 2);
    size_t from = start_offset(L, 3, subject.length);
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)from);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, gmatch_next, 4);
    return 1;
}

enum { COPIED_AT_ONCE = 64, CAPTURE_STEPS = 16 };

static void add_copied(struct matcher *matcher, luaL_Buffer *buffer, const char *from, size_t length)
{
    matcher_spend(matcher, 1 + length / COPIED_AT_ONCE);
    luaL_addlstring(buffer, from, length);
}

/* The character after a % in a replacement. */
static void add_item(struct matcher *matcher, luaL_Buffer *buffer, unsigned char item, const char *from, const char *to)
{
    lua_State *L = matcher->L;
    if (item == '%') {
        add_copied(matcher, buffer, "%", 1);
    } else if (item == '0') {
        add_copied(matcher, buffer, from, (size_t)(to - from));
    } else if (isdigit(item)) {
        size_t length;
        matcher_push_capture(matcher, (unsigned)(item - '1'), from, to);
        luaL_tolstring(L, -1, &length);
        matcher_spend(matcher, CAPTURE_STEPS + length / COPIED_AT_ONCE);
        lua_remove(L, -2);
        luaL_addvalue(buffer);
    } else {
        luaL_error(L, "invalid use of '%%' in replacement string");
    }
}

/* A replacement text: %0 to %9 are captures, %% is a percent sign. It may be large even if it adds nothing. */
static void add_text(struct matcher *matcher, luaL_Buffer *buffer, const char *from, const char *to)
{
    struct text text;
    text.at = lua_tolstring(matcher->L, 3, &text.length);
    const char *at = text.at, *end = text.at + text.length, *percent;
    while ((percent = memchr(at, '%', (size_t)(end - at))) != NULL) {
        add_copied(matcher, buffer, at, (size_t)(percent - at));
        add_item(matcher, buffer, percent + 1 < end ? (unsigned char)percent[1] : 0, from, to);
        at = percent + 1 < end ? percent + 2 : end;
    }
    add_copied(matcher, buffer, at, (size_t)(end - at));
}

/* Adds the replacement of one match; false: the match is kept. */
static bool add_replacement(struct matcher *matcher, luaL_Buffer *buffer, const char *from, const char *to)
{
    lua_State *L = matcher->L;
    int kind = lua_type(L, 3);
    watch_check(L);
    if (kind == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        int count = matcher_push_captures(matcher, from, to);
        lua_call(L, count, 1);
    } else if (kind == LUA_TTABLE) {
        matcher_push_capture(matcher, 0, from, to);
        lua_gettable(L, 3);
    } else {
        add_text(matcher, buffer, from, to);
        return true;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(buffer, from, (size_t)(to - from));
        return false;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(buffer);
    return true;
}

static void check_replacement(lua_State *L)
{
    int kind = lua_type(L, 3);
    if (kind != LUA_TNUMBER && kind != LUA_TSTRING && kind != LUA_TTABLE && kind != LUA_TFUNCTION)
        luaL_typeerror(L, 3, "string/function/table");
    if (kind == LUA_TNUMBER)
        lua_tolstring(L, 3, NULL);
}

static int gsub(lua_State *L)
{
    struct matcher matcher;
    luaL_Buffer buffer;
    struct text subject = check_text(L, 1);
    struct text pattern = check_text(L, 2);
    check_replacement(L);
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)subject.length + 1);
    bool anchored = pattern.length != 0 && pattern.at[0] == '^';
    bool changed = false;
    lua_Integer count = 0;
    const char *at = subject.at, *last = NULL;
    matcher_create(&matcher, L, subject, pattern);
    luaL_buffinit(L, &buffer);
    while (count < most) {
        const char *end = matcher_run(&matcher, at, pattern.at + anchored);
        if (end != NULL && end != last) {
            count++;
            changed = add_replacement(&matcher, &buffer, at, end) || changed;
            at = last = end;
        } else if (at < matcher.subject_end) {
            luaL_addchar(&buffer, *at);
            at++;
        } else {
            break;
        }
        if (anchored)
            break;
    }
    if (changed) {
        luaL_addlstring(&buffer, at, (size_t)(matcher.subject_end - at));
        luaL_pushresult(&buffer);
    } else {
        lua_pushvalue(L, 1);
    }
    lua_pushinteger(L, count);
    return 2;
}

void pattern_open(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"find", find}, {"match", match}, {"gmatch", gmatch}, {"gsub", gsub}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
