// SPDX-License-Identifier: BSD-2-Clause
#include "script/engine/sandbox.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdint.h>
#include <string.h>

#include "script/bind/bind.h"
#include "script/base/embedded.h"
#include "script/base/memory.h"
#include "script/base/pattern.h"
#include "script/base/watch.h"

/* The upvalue of the guards below is the library's function. */
static int call_original(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int guarded_rep(lua_State *L)
{
    size_t length, separator = 0;
    luaL_checklstring(L, 1, &length);
    lua_Integer times = luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &separator);
    if (times > REPEAT_MOST || (times > 0 && (length + separator) > (size_t)REPEAT_MOST / (size_t)times))
        return luaL_error(L, "string.rep makes at most %d bytes", REPEAT_MOST);
    return call_original(L);
}

/* A wrong length, or an index function, would keep a table function running where no hook can stop it. */
static void check_table(lua_State *L, int index)
{
    static const char *const events[] = {"__len", "__index", "__newindex"};
    luaL_checktype(L, index, LUA_TTABLE);
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (luaL_getmetafield(L, index, events[i]) != LUA_TNIL)
            luaL_argerror(L, index, lua_pushfstring(L, "a table with %s is not for this function", events[i]));
    luaL_argcheck(L, lua_rawlen(L, index) <= TABLE_MOST, index, "the table is too long");
}

/* As the library does it, but the watch can stop it: formatting numbers takes long. */
static int concat(lua_State *L)
{
    enum { BETWEEN_CHECKS = 256 };
    luaL_Buffer buffer;
    size_t length;
    check_table(L, 1);
    const char *separator = luaL_optlstring(L, 2, "", &length);
    lua_Integer from = luaL_optinteger(L, 3, 1), to = luaL_optinteger(L, 4, (lua_Integer)lua_rawlen(L, 1));
    luaL_buffinit(L, &buffer);
    for (lua_Unsigned i = 0; from <= to && i <= (lua_Unsigned)to - (lua_Unsigned)from; i++) {
        lua_Integer index = (lua_Integer)((lua_Unsigned)from + i);
        if (i % BETWEEN_CHECKS == 0)
            watch_check(L);
        if (i > 0)
            luaL_addlstring(&buffer, separator, length);
        lua_rawgeti(L, 1, index);
        if (!lua_isstring(L, -1))
            return luaL_error(L, "invalid value (at index %I) in table for 'concat'", (LUAI_UACINT)index);
        luaL_addvalue(&buffer);
    }
    luaL_pushresult(&buffer);
    return 1;
}

/* The limits of one call: this many values, and as many bytes as a text may have; fewer bytes if they are quoted,
   which takes longer. */
static int guarded_format(lua_State *L)
{
    size_t length, sum = 0, most = TEXT_MOST;
    int count = lua_gettop(L);
    const char *format = luaL_checklstring(L, 1, &length);
    if (memmem(format, length, "%q", 2) != NULL)
        most = QUOTED_MOST;
    if (count > FORMAT_MOST)
        return luaL_error(L, "string.format takes at most %d values", FORMAT_MOST);
    for (int i = 1; i <= count; i++)
        if (lua_type(L, i) == LUA_TSTRING)
            sum += lua_rawlen(L, i);
    if (sum > most)
        return luaL_error(L, "string.format takes at most %d bytes here", (int)most);
    return call_original(L);
}

static int guarded_table(lua_State *L)
{
    check_table(L, 1);
    return call_original(L);
}

static int guarded_move(lua_State *L)
{
    check_table(L, 1);
    if (!lua_isnoneornil(L, 5))
        check_table(L, 5);
    lua_Integer from = luaL_checkinteger(L, 2);
    lua_Integer to = luaL_checkinteger(L, 3);
    if (to >= from && (lua_Unsigned)to - (lua_Unsigned)from >= TABLE_MOST)
        return luaL_error(L, "table.move moves at most %d elements", TABLE_MOST);
    return call_original(L);
}

/* f(what, i, j) returns a value for each place from i to j. */
static int bounded_values(lua_State *L, lua_Integer from, lua_Integer to)
{
    if (to >= from && (lua_Unsigned)to - (lua_Unsigned)from >= VALUES_MOST)
        return luaL_error(L, "at most %d values at once", VALUES_MOST);
    return call_original(L);
}

static int guarded_unpack(lua_State *L)
{
    check_table(L, 1);
    return bounded_values(L, luaL_optinteger(L, 2, 1), luaL_optinteger(L, 3, (lua_Integer)lua_rawlen(L, 1)));
}

/* Of string.byte and utf8.codepoint: a negative place counts from the end. */
static int guarded_places(lua_State *L)
{
    size_t length;
    luaL_checklstring(L, 1, &length);
    lua_Integer last = (lua_Integer)length;
    lua_Integer from = luaL_optinteger(L, 2, 1);
    from = from >= 0 ? from : from < -last ? 1 : last + from + 1;
    lua_Integer to = luaL_optinteger(L, 3, from);
    to = to >= 0 ? to : to < -last ? 0 : last + to + 1;
    return bounded_values(L, from, to < last ? to : last);
}

/* The comparison of the library without a function, but the watch can stop it. */
static int compare_watched(lua_State *L)
{
    watch_check(L);
    lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPLT));
    return 1;
}

/* Even a few comparisons take long, if texts are long. */
static int guarded_sort(lua_State *L)
{
    check_table(L, 1);
    if (lua_isnoneornil(L, 2)) {
        lua_settop(L, 1);
        lua_pushcfunction(L, compare_watched);
    }
    return call_original(L);
}

static int guarded_setmetatable(lua_State *L)
{
    static const char *const events[] = {"__gc", "__mode"};
    for (size_t i = 0; i < sizeof events / sizeof events[0] && lua_type(L, 2) == LUA_TTABLE; i++) {
        lua_pushstring(L, events[i]);
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_argerror(L, 2, lua_pushfstring(L, "%s is not available in policies", events[i]));
        lua_pop(L, 1);
    }
    return call_original(L);
}

/*
 * The garbage collector traverses a table with weak keys repeatedly until it finds nothing more. A chain of 30,000
 * entries takes it seconds, during which no hook runs. setmetatable refuses __mode, but a script could set it in the
 * metatable later. So the name that the collector looks for is replaced by one that no script can write: the state
 * keeps one copy of each short string, and its own copy of "__mode" gets random bytes, so that the script's "__mode" is
 * a different string.
 */
static void forget_weak_tables(lua_State *L, const struct host *host)
{
    size_t length;
    lua_pushliteral(L, "__mode");
    char *kept = (char *)(uintptr_t)lua_tolstring(L, -1, &length);
    for (size_t i = 0; i < length; i++)
        kept[i] = (char)(host->random(host->context) >> 8);
    lua_pop(L, 1);
}

/* The upvalue is the script's message handler. Lua calls handlers before it unwinds. A handler that runs because the
   time is over would run without hooks, so it is not called. */
static int guarded_handler(lua_State *L)
{
    if (watch_is_over(L))
        return 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int guarded_xpcall(lua_State *L)
{
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, guarded_handler, 1);
    lua_replace(L, 2);
    return call_original(L);
}

static int print(lua_State *L)
{
    luaL_Buffer buffer;
    int count = lua_gettop(L);
    luaL_buffinit(L, &buffer);
    for (int i = 1; i <= count; i++) {
        if (i > 1)
            luaL_addchar(&buffer, ' ');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&buffer);
    }
    luaL_pushresult(&buffer);
    log_line(L, LOG_INFO, lua_tostring(L, -1));
    return 0;
}

struct text sandbox_program(const struct source_file *file)
{
    struct text program = file->bytes;
    if (program.length >= 3 && memcmp(program.at, "\xef\xbb\xbf", 3) == 0) {
        program.at += 3;
        program.length -= 3;
    }
    if (program.length != 0 && program.at[0] == '#') {
        const char *end = memchr(program.at, '\n', program.length);
        size_t skipped = end != NULL ? (size_t)(end - program.at) : program.length;
        program.at += skipped;
        program.length -= skipped;
    }
    return program;
}

enum { PIECE = 512 };

/* Compiling some programs takes long, and no hook runs meanwhile, so the compiler gets the source in pieces. */
static const char *read_piece(lua_State *L, void *context, size_t *size)
{
    struct text *rest = context;
    const char *piece = rest->at;
    watch_check(L);
    *size = rest->length < PIECE ? rest->length : PIECE;
    rest->at += *size;
    rest->length -= *size;
    return piece;
}

static void push_chunk(lua_State *L, int globals, struct text program, const char *chunk)
{
    if (lua_load(L, read_piece, &program, chunk, "t") != LUA_OK)
        lua_error(L);
    lua_pushvalue(L, globals);
    lua_setupvalue(L, -2, 1);
}

void sandbox_push_file(lua_State *L, int globals, const struct source_file *file)
{
    const char *chunk = lua_pushfstring(L, "@%s", file->name.at);
    push_chunk(L, globals, sandbox_program(file), chunk);
    lua_remove(L, -2);
}

/* "reflow.catalog.en" -> "catalog/en" */
static bool embedded_module(const char *name, struct embedded *source)
{
    char path[64];
    size_t prefix = strlen("reflow.");
    size_t length = strlen(name);
    if (strncmp(name, "reflow.", prefix) != 0 || length - prefix >= sizeof path)
        return false;
    for (size_t i = prefix; i <= length; i++)
        path[i - prefix] = name[i] == '.' ? '/' : name[i];
    return embedded_find(path, source);
}

/* Returns whether "a.b" names "base/lib/a/b.lua". */
static bool names_library(struct text file, struct text layer, const char *name)
{
    static const char folder[] = "/lib/", end[] = ".lua";
    size_t length = strlen(name);
    if (file.length != layer.length + strlen(folder) + length + strlen(end) ||
        memcmp(file.at, layer.at, layer.length) != 0 || memcmp(file.at + layer.length, folder, strlen(folder)) != 0)
        return false;
    const char *at = file.at + layer.length + strlen(folder);
    for (size_t i = 0; i < length; i++)
        if (at[i] != (name[i] == '.' ? '/' : name[i]) || name[i] == '/')
            return false;
    return strcmp(at + length, end) == 0;
}

static struct text without_slashes(const char *path)
{
    struct text text = text_of(path);
    while (text.length > 0 && text.at[text.length - 1] == '/')
        text.length--;
    return text;
}

/* Files are named by the name of their layer, or by its path as the user typed it (sources_limits.paths). */
static const struct source_file *library_module(const struct sources *sources, size_t index, const char *name)
{
    const struct layer *layer = sources_layer(sources, index);
    struct text by_name = text_of(layer->name), by_path = without_slashes(layer->path);
    for (size_t i = 0; i < sources_count(sources); i++) {
        const struct source_file *file = sources_at(sources, i);
        if (file->layer == index && file->library &&
            (names_library(file->name, by_name, name) || names_library(file->name, by_path, name)))
            return file;
    }
    return NULL;
}

static bool has_library(const struct sources *sources, size_t index)
{
    for (size_t i = 0; i < sources_count(sources); i++) {
        const struct source_file *file = sources_at(sources, i);
        if (file->layer == index && file->library)
            return true;
    }
    return false;
}

enum { REQUIRE_LOADED = 1, REQUIRE_GLOBALS, REQUIRE_SOURCES, REQUIRE_LAYER };

/* Pushes the module as a function; its globals are those of the layer. */
static void push_module(lua_State *L, const char *name)
{
    struct embedded source;
    const struct sources *sources = lua_touserdata(L, lua_upvalueindex(REQUIRE_SOURCES));
    size_t layer = (size_t)lua_tointeger(L, lua_upvalueindex(REQUIRE_LAYER));
    const struct source_file *file = library_module(sources, layer, name);
    if (file != NULL) {
        sandbox_push_file(L, lua_upvalueindex(REQUIRE_GLOBALS), file);
    } else if (embedded_module(name, &source)) {
        const char *chunk = lua_pushfstring(L, "=reflow/%s.lua", source.name);
        push_chunk(L, lua_upvalueindex(REQUIRE_GLOBALS), (struct text){source.start, source.length}, chunk);
    } else {
        luaL_error(L, "no module '%s': only reflow%s can be required%s", name,
                   has_library(sources, layer) ? " and the files in lib/ of this layer" : "",
                   has_library(sources, layer) ? "" : ", because this policy is one file, or a folder without lib/");
    }
}

/* The first upvalue contains the loaded modules; false: the module is being loaded, or has failed. */
static int require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    int type = lua_getfield(L, lua_upvalueindex(REQUIRE_LOADED), name);
    if (type == LUA_TBOOLEAN && !lua_toboolean(L, -1))
        return luaL_error(L, "module '%s' requires itself, or has failed before", name);
    if (type != LUA_TNIL)
        return 1;
    push_module(L, name);
    lua_pushboolean(L, 0);
    lua_setfield(L, lua_upvalueindex(REQUIRE_LOADED), name);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    if (!lua_toboolean(L, -1))
        lua_pushboolean(L, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, lua_upvalueindex(REQUIRE_LOADED), name);
    return 1;
}

/* Replaces a function of the table on top by `guard`, with the function as its upvalue. */
static void guard_function(lua_State *L, const char *name, lua_CFunction guard)
{
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, guard, 1);
    lua_setfield(L, -2, name);
}

static void remove_function(lua_State *L, const char *name)
{
    lua_pushnil(L);
    lua_setfield(L, -2, name);
}

static void open_base(lua_State *L)
{
    static const char *const removed[] = {"load", "loadfile", "dofile", "collectgarbage", "warn"};
    luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
    for (size_t i = 0; i < sizeof removed / sizeof removed[0]; i++)
        remove_function(L, removed[i]);
    guard_function(L, "setmetatable", guarded_setmetatable);
    guard_function(L, "xpcall", guarded_xpcall);
    lua_pushcfunction(L, print);
    lua_setfield(L, -2, "print");
    lua_pop(L, 1);
}

/* All strings share one metatable, so it is locked. */
static void open_string(lua_State *L)
{
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 1);
    remove_function(L, "dump");
    guard_function(L, "rep", guarded_rep);
    guard_function(L, "byte", guarded_places);
    guard_function(L, "format", guarded_format);
    pattern_open(L);
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    field_set_flag(L, "__metatable", false);
    lua_pop(L, 3);
}

static void open_table(lua_State *L)
{
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 1);
    guard_function(L, "insert", guarded_table);
    guard_function(L, "remove", guarded_table);
    guard_function(L, "sort", guarded_sort);
    guard_function(L, "unpack", guarded_unpack);
    lua_pushcfunction(L, concat);
    lua_setfield(L, -2, "concat");
    guard_function(L, "move", guarded_move);
    lua_pop(L, 1);
}

/* Pushes a copy of the table at this index. */
static void push_copy(lua_State *L, int index)
{
    int from = lua_absindex(L, index);
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, from) != 0;) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
}

/* Gives the globals on top a library of their own. */
static void copy_library(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    push_copy(L, -1);
    lua_setfield(L, -3, name);
    lua_pop(L, 1);
}

static void set_require(lua_State *L, const struct sources *sources, size_t layer)
{
    lua_newtable(L);
    bind_open(L, NULL);
    push_copy(L, -1);
    strict_table(L, "sip.");
    lua_setfield(L, -3, "reflow");
    lua_pop(L, 1);
    lua_pushvalue(L, -2);
    lua_pushlightuserdata(L, (void *)(uintptr_t)sources); // const is kept by those who read it
    lua_pushinteger(L, (lua_Integer)layer);
    lua_pushcclosure(L, require, REQUIRE_LAYER);
    lua_setfield(L, -2, "require");
}

void sandbox_push_layer(lua_State *L, const struct sources *sources, size_t layer)
{
    static const char *const libraries[] = {LUA_STRLIBNAME, LUA_TABLIBNAME, LUA_MATHLIBNAME, LUA_UTF8LIBNAME};
    lua_pushglobaltable(L);
    push_copy(L, -1);
    lua_remove(L, -2);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, LUA_GNAME);
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++)
        copy_library(L, libraries[i]);
    set_require(L, sources, layer);
    strict_table(L, "");
}

void sandbox_open(lua_State *L, const struct host *host)
{
    forget_weak_tables(L, host);
    open_base(L);
    open_table(L);
    open_string(L);
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 1);
    luaL_requiref(L, LUA_UTF8LIBNAME, luaopen_utf8, 1);
    guard_function(L, "codepoint", guarded_places);
    lua_pop(L, 2);
    bind_open(L, host);
    lua_getfield(L, -1, "globals");
    lua_call(L, 0, 0);
    lua_pop(L, 1);
}
