// SPDX-License-Identifier: BSD-2-Clause
#include <lauxlib.h>

#include "core/code.h"
#include "core/decide.h"
#include "script/bind/bind.h"

static const char *class_name(uint32_t code)
{
    static const char *const names[] = {"malformed",    "provisional",  "success",       "redirect",
                                        "client_error", "server_error", "global_failure"};
    return names[code_class(code)];
}

/* The reactions of the core if only the code is known: reactions.proxy and so on, for an INVITE. */
static void push_reactions(lua_State *L, uint32_t code)
{
    const struct state state = {0};
    lua_createtable(L, 0, ROLE_COUNT);
    for (unsigned role = 0; role < ROLE_COUNT; role++) {
        struct facts facts = {.code = code, .role = (uint8_t)role};
        facts.method = role == ROLE_REGISTRAR ? METHOD_REGISTER : METHOD_INVITE;
        field_set_string(L, role_name(role), action_name(decide(&facts, &state).action));
    }
}

/* sip.code(n) -> row, or nil and a message for a number that is not a SIP code. */
static int code(lua_State *L)
{
    lua_Integer number = argument_code(L, 1);
    uint32_t folded = number < 0 || number > UINT32_MAX ? 0 : code_fold((uint32_t)number);
    const struct code *row = code_find(folded);
    if (row == NULL) {
        lua_pushnil(L);
        lua_pushfstring(L, "%I is not a SIP response code (100 to 699)", (LUAI_UACINT)number);
        return 2;
    }
    lua_createtable(L, 0, 8);
    field_set_integer(L, "code", number);
    field_set_string(L, "phrase", row->phrase);
    field_set_string(L, "class", class_name((uint32_t)number));
    field_set_string(L, "reference", row->reference);
    field_set_string(L, "name", row->name);
    if (folded != number)
        field_set_integer(L, "folded", folded);
    push_reactions(L, (uint32_t)number);
    lua_setfield(L, -2, "reactions");
    return 1;
}

void bind_code(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_CODE
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
