// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "core/code.h"
#include "script/bind/bind.h"

/* Registers hooks: sip.on_*(). All rows are checked before the first one is added. */

static bool is_code(lua_State *L, int index, lua_Integer *code)
{
    int fits = 0;
    *code = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &fits) : 0;
    return fits && *code >= CODE_FIRST && *code <= CODE_LAST;
}

static int unknown_selector(lua_State *L, const char *what)
{
    return luaL_error(
        L,
        "unknown selector %s: a code from 100 to 699, a class \"4xx\", all \"*\", a list {486, \"5xx\"}, or "
        "a range {from = 500, to = 599}",
        what);
}

/* A code, a class or "*" at this index. */
static void read_simple(lua_State *L, int index, struct hook_row *row)
{
    lua_Integer code;
    const char *text = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : "";
    if (is_code(L, index, &code)) {
        row->selector = SELECT_ONE;
        row->from = row->to = (uint16_t)code;
    } else if (strcmp(text, "*") == 0) {
        row->selector = SELECT_ALL;
        row->from = CODE_FIRST;
        row->to = CODE_LAST;
    } else if (text[0] >= '1' && text[0] <= '6' && strcmp(text + 1, "xx") == 0) {
        row->selector = SELECT_CLASS;
        row->from = (uint16_t)((text[0] - '0') * 100);
        row->to = row->from + 99;
    } else {
        unknown_selector(L, luaL_tolstring(L, index, NULL));
    }
}

static bool has_field(lua_State *L, int index, const char *name)
{
    lua_getfield(L, index, name);
    bool there = !lua_isnil(L, -1);
    lua_pop(L, 1);
    return there;
}

static size_t field_count(lua_State *L, int index)
{
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1))
        count++;
    return count;
}

static void read_range(lua_State *L, int index, struct hook_row *row)
{
    lua_Integer from = 0, to = 0;
    lua_getfield(L, index, "from");
    lua_getfield(L, index, "to");
    if (!is_code(L, -2, &from) || !is_code(L, -1, &to) || from > to || field_count(L, index) != 2)
        unknown_selector(L, "table");
    lua_pop(L, 2);
    row->selector = SELECT_RANGE;
    row->from = (uint16_t)from;
    row->to = (uint16_t)to;
}

static void add(lua_State *L, struct bind_state *state, const struct hook_row *row)
{
    int error = hooks_add(&state->hooks, row);
    if (error == -ENOSPC)
        luaL_error(L, "more than %d hooks", HOOKS_MOST);
    if (error != 0)
        luaL_error(L, "not enough memory");
}

/* {500, 599} would mean two codes, of which the second does not exist: a range was probably intended. */
static void refuse_range_like(lua_State *L, int index, size_t count)
{
    lua_Integer from = 0, to = 0;
    lua_rawgeti(L, index, 1);
    lua_rawgeti(L, index, 2);
    if (count == 2 && is_code(L, -2, &from) && is_code(L, -1, &to) && to % 100 == 99 && code_find((uint32_t)to) == NULL)
        luaL_error(L, "selector {%I, %I} is a list of two codes; a range is {from = %I, to = %I}", (LUAI_UACINT)from,
                   (LUAI_UACINT)to, (LUAI_UACINT)from, (LUAI_UACINT)to);
    lua_pop(L, 2);
}

static void add_list(lua_State *L, struct bind_state *state, int index, struct hook_row *row)
{
    size_t count = lua_rawlen(L, index);
    if (count == 0 || count > HOOK_CODES || field_count(L, index) != count)
        unknown_selector(L, "table");
    refuse_range_like(L, index, count);
    for (int add_now = 0; add_now < 2; add_now++) {
        for (size_t i = 1; i <= count; i++) {
            lua_rawgeti(L, index, (lua_Integer)i);
            read_simple(L, lua_gettop(L), row);
            if (add_now)
                add(L, state, row);
            lua_pop(L, 1);
        }
    }
}

static void add_response(lua_State *L, struct bind_state *state, int selector, struct hook_row *row)
{
    if (!lua_istable(L, selector)) {
        read_simple(L, selector, row);
        add(L, state, row);
    } else if (has_field(L, selector, "from")) {
        read_range(L, selector, row);
        add(L, state, row);
    } else {
        add_list(L, state, selector, row);
    }
}

/* Only hooks for calls can ask the previous version or refuse; hooks for flows cannot. */
static void read_on_error(lua_State *L, struct hook_row *row)
{
    static const char *const modes[] = {"core", "next", "previous"};
    bool of_flow = row->hook == HOOK_FLOW_UP || row->hook == HOOK_FLOW_DOWN;
    bool of_credentials = row->hook == HOOK_CREDENTIALS;
    const char *mode = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    if (lua_isinteger(L, -1) && lua_tointeger(L, -1) >= SIP_BAD_REQUEST && lua_tointeger(L, -1) <= CODE_LAST) {
        row->on_error = ON_ERROR_STATUS;
        row->on_error_status = (uint16_t)lua_tointeger(L, -1);
    } else {
        row->on_error = ON_ERROR_CORE;
        while (row->on_error < ON_ERROR_STATUS && strcmp(mode, modes[row->on_error]) != 0)
            row->on_error++;
        if (row->on_error == ON_ERROR_STATUS)
            luaL_error(L, "option on_error is \"core\" (the core decides), \"next\" (the next hook), \"previous\" (the "
                          "version before) or a status from 400 to 699");
    }
    if (of_flow && row->on_error > ON_ERROR_NEXT)
        luaL_error(L, "option on_error of a flow's hook is \"core\" or \"next\"");
    if (of_credentials && row->on_error == ON_ERROR_STATUS)
        luaL_error(L, "option on_error of on_credentials is \"core\" (the answer is 503), \"next\" or \"previous\"");
}

/* { priority = 10, on_error = "next" } */
static void read_options(lua_State *L, int index, struct hook_row *row)
{
    if (lua_isnoneornil(L, index))
        return;
    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : luaL_typename(L, -2);
        if (strcmp(name, "priority") == 0) {
            if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < INT32_MIN || lua_tointeger(L, -1) > INT32_MAX)
                luaL_error(L, "option priority is a whole number");
            row->priority = (int32_t)lua_tointeger(L, -1);
        } else if (strcmp(name, "on_error") == 0) {
            read_on_error(L, row);
        } else {
            luaL_error(L, "unknown option '%s': there are priority and on_error", name);
        }
    }
}

/* The name of the file in the sources, which outlives the function. */
static const char *file_name(const struct bind_state *state, const char *chunk)
{
    for (size_t i = 0; chunk[0] == '@' && i < sources_count(state->sources); i++)
        if (strcmp(chunk + 1, sources_at(state->sources, i)->name.at) == 0)
            return sources_at(state->sources, i)->name.at;
    return NULL;
}

/* The line where the function begins; for a C function, where it is registered. */
static void read_place(lua_State *L, int function, const struct bind_state *state, struct hook_row *row)
{
    lua_Debug at;
    lua_pushvalue(L, function);
    lua_getinfo(L, ">S", &at);
    row->file = file_name(state, at.source);
    row->line = at.linedefined > 0 ? (uint32_t)at.linedefined : 0;
    if (row->file != NULL || !lua_getstack(L, 1, &at))
        return;
    lua_getinfo(L, "Sl", &at);
    row->file = file_name(state, at.source);
    row->line = at.currentline > 0 ? (uint32_t)at.currentline : 0;
}

static void read_layer(lua_State *L, int function, const struct bind_state *state, struct hook_row *row)
{
    if (state->sources == NULL)
        return;
    const struct layer *layer = sources_layer(state->sources, state->layer);
    row->layer = state->layer;
    row->layer_priority = layer->priority;
    read_place(L, function, state, row);
}

static struct bind_state *begin(lua_State *L, int function, struct hook_row *row)
{
    struct bind_state *state = bind_state(L);
    luaL_checktype(L, function, LUA_TFUNCTION);
    if (!state->loading)
        luaL_error(L, "hooks are registered while the script loads, not from a hook");
    if (state->hooks.registrations >= HOOKS_MOST)
        luaL_error(L, "more than %d hooks", HOOKS_MOST);
    read_options(L, function + 1, row);
    read_layer(L, function, state, row);
    row->registration = ++state->hooks.registrations;
    lua_pushvalue(L, function);
    row->reference = luaL_ref(L, LUA_REGISTRYINDEX);
    return state;
}

/* sip.on_request([method,] f [, options]) */
static int on_request(lua_State *L)
{
    struct hook_row row = {.hook = HOOK_REQUEST};
    int function = 1;
    if (lua_type(L, 1) == LUA_TSTRING) {
        size_t length;
        const char *method = lua_tolstring(L, 1, &length);
        luaL_argcheck(
            L, length != 0 && length < sizeof row.method && strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == length, 1,
            "a method is a word in capitals, \"INVITE\" for one");
        memcpy(row.method, method, length + 1);
        row.selector = SELECT_ONE;
        function = 2;
    }
    add(L, begin(L, function, &row), &row);
    return 0;
}

static int on_plain(lua_State *L, enum hook hook)
{
    struct hook_row row = {.hook = (uint8_t)hook};
    add(L, begin(L, 1, &row), &row);
    return 0;
}

static int on_register(lua_State *L)
{
    return on_plain(L, HOOK_REGISTER);
}

static int on_exhausted(lua_State *L)
{
    return on_plain(L, HOOK_EXHAUSTED);
}

static int on_flow_up(lua_State *L)
{
    return on_plain(L, HOOK_FLOW_UP);
}

static int on_flow_down(lua_State *L)
{
    return on_plain(L, HOOK_FLOW_DOWN);
}

static int on_credentials(lua_State *L)
{
    return on_plain(L, HOOK_CREDENTIALS);
}

/* sip.on_response(selector, f [, options]) */
static int on_response(lua_State *L)
{
    struct hook_row row = {.hook = HOOK_RESPONSE};
    luaL_checkany(L, 1);
    add_response(L, begin(L, 2, &row), 1, &row);
    return 0;
}

static int on_success(lua_State *L)
{
    struct hook_row row = {.hook = HOOK_RESPONSE, .selector = SELECT_CLASS, .from = SIP_OK, .to = SIP_OK + 99};
    add(L, begin(L, 1, &row), &row);
    return 0;
}

/* With a function: registers a hook. Without arguments, inside a hook: returns the core's decision as a verdict. */
static int on_flow_failed(lua_State *L)
{
    struct hook_row row = {
        .hook = HOOK_RESPONSE, .selector = SELECT_ONE, .from = SIP_FLOW_FAILED, .to = SIP_FLOW_FAILED};
    if (lua_isnone(L, 1)) {
        if (bind_state(L)->reply == NULL)
            return luaL_error(L, "there is no current reply here: give on_flow_failed a function");
        verdict_push_accept(L);
        return 1;
    }
    add(L, begin(L, 1, &row), &row);
    return 0;
}

/* sip.emergency{"112", "911"}: emergency numbers, in addition to urn:service:sos. */
static int emergency(lua_State *L)
{
    struct bind_state *state = bind_state(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    if (!state->loading)
        return luaL_error(L, "emergency numbers are named while the script loads, not from a hook");
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, 1); i++) {
        struct text number = {0};
        if (lua_rawgeti(L, 1, i) == LUA_TSTRING)
            number.at = lua_tolstring(L, -1, &number.length);
        int error = emergency_add(&state->emergency, number);
        if (error == -ENOSPC)
            return luaL_error(L, "more than %d emergency numbers", EMERGENCY_NUMBERS);
        luaL_argcheck(L, error == 0, 1, "a list of numbers as texts, {\"112\"} for one");
        lua_pop(L, 1);
    }
    return 0;
}

void bind_hook(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_HOOK
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
