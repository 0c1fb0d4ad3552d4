// SPDX-License-Identifier: BSD-2-Clause
#include <lauxlib.h>
#include <string.h>

#include "core/code.h"
#include "core/decide.h"
#include "core/rule.h"
#include "script/bind/bind.h"
#include "sip/message.h"

/* The fields of a context table: the members of struct facts and struct state. */
enum member_kind { MEMBER_U32, MEMBER_U16, MEMBER_FLAG, MEMBER_METHOD, MEMBER_ROLE, MEMBER_ORIGIN };

struct member {
    const char *name;
    uint8_t kind;
    bool in_state;
    uint16_t offset;
};

static const struct member members[] = {
#define SCHEMA_CONTEXT
#define FACT(member, kind, what)  {#member, MEMBER_##kind, false, offsetof(struct facts, member)},
#define STATE(member, kind, what) {#member, MEMBER_##kind, true, offsetof(struct state, member)},
#include "script/engine/schema.def"
};

static const struct member *find_member(lua_State *L, const char *name)
{
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
    luaL_error(L, "context: unknown field '%s'", name);
    return NULL;
}

static lua_Integer whole_number(lua_State *L, const char *name, lua_Integer most)
{
    int fits = 0;
    lua_Integer value = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &fits) : 0;
    if (!fits || value < 0 || value > most)
        luaL_error(L, "context: %s is a whole number from 0 to %I", name, (LUAI_UACINT)most);
    return value;
}

static uint8_t word(lua_State *L, const char *name, const char *const *words)
{
    const char *given = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1);
    for (uint8_t i = 0; words[i] != NULL; i++)
        if (strcmp(words[i], given) == 0)
            return i;
    luaL_error(L, "context: %s cannot be '%s'", name, given);
    return 0;
}

static uint8_t method_word(lua_State *L)
{
    size_t length;
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "context: method is a string, \"INVITE\" for one");
    const char *name = lua_tolstring(L, -1, &length);
    return (uint8_t)method_find(name, length);
}

/* Stores the value on top of the stack in the member. */
static void set_member(lua_State *L, const struct member *member, char *base)
{
    void *at = base + member->offset;
    switch (member->kind) {
    case MEMBER_U32:
        *(uint32_t *)at = (uint32_t)whole_number(L, member->name, UINT32_MAX);
        return;
    case MEMBER_U16:
        *(uint16_t *)at = (uint16_t)whole_number(L, member->name, UINT16_MAX);
        return;
    case MEMBER_FLAG:
        if (!lua_isboolean(L, -1))
            luaL_error(L, "context: %s is true or false", member->name);
        *(bool *)at = lua_toboolean(L, -1);
        return;
    case MEMBER_METHOD:
        *(uint8_t *)at = method_word(L);
        return;
    case MEMBER_ROLE:
        *(uint8_t *)at = word(L, member->name, role_names);
        return;
    default:
        *(uint8_t *)at = word(L, member->name, origin_names);
    }
}

static void read_context(lua_State *L, int index, struct facts *facts, struct state *state)
{
    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "context: a field's name is a string");
        const struct member *member = find_member(L, lua_tostring(L, -2));
        set_member(L, member, member->in_state ? (char *)state : (char *)facts);
        if (strcmp(member->name, "retry_after") == 0)
            facts->has_retry_after = true;
    }
}

/* Sets the facts that the first argument contains. */
static void read_reply(lua_State *L, int index, struct facts *facts, struct state *state)
{
    const struct sip_message *message = message_at(L, index);
    const struct script_reply *reply = bind_state(L)->reply;
    bool is_reply = lua_isnone(L, index) || (lua_islightuserdata(L, index) && object_is(L, index, OBJECT_REPLY));
    if (is_reply && reply != NULL) {
        *facts = *reply->facts;
        *state = *reply->state;
    } else if (message != NULL && !sip_is_request(message)) {
        sip_facts(message, facts);
    } else {
        lua_Integer code = argument_code(L, index);
        facts->code = code < 0 || code > UINT32_MAX ? 0 : (uint32_t)code;
        facts->method = METHOD_INVITE;
    }
}

static void set_positive(lua_State *L, const char *name, uint32_t value)
{
    if (value == 0)
        return;
    field_set_integer(L, name, value);
}

static void set_changes(lua_State *L, uint32_t change)
{
    lua_Integer count = 0;
    lua_newtable(L);
    for (uint32_t bit = 1; bit != 0 && bit <= change; bit <<= 1) {
        if ((change & bit) == 0)
            continue;
        lua_pushstring(L, change_name(bit));
        lua_rawseti(L, -2, ++count);
    }
    lua_setfield(L, -2, "change");
}

void decision_push(lua_State *L, const struct decision *decision)
{
    lua_createtable(L, 0, 28);
    field_set_string(L, "action", action_name((enum action)decision->action));
    field_set_string(L, "rule", rule_at((enum rule_id)decision->rule)->id);
    field_set_string(L, "why", decision->why);
    field_set_integer(L, "code", decision->code);
    set_positive(L, "status", decision->status);
    set_positive(L, "rest", decision->rest_s);
    set_positive(L, "value", decision->value);
    if (decision->drop != DROP_NONE)
        field_set_string(L, "drop", drop_name((enum drop)decision->drop));
    lua_pushnumber(L, decision->wait_min_ms / 1000.0);
    lua_setfield(L, -2, "wait_min");
    lua_pushnumber(L, decision->wait_max_ms / 1000.0);
    lua_setfield(L, -2, "wait_max");
    for (uint32_t bit = 1; bit <= FLAG_ANSWERED; bit <<= 1)
        field_set_flag(L, decision_flag_name(bit), (decision->flags & bit) != 0);
    set_changes(L, decision->change);
}

void argument_facts(lua_State *L, int reply, int context, struct facts *facts, struct state *state)
{
    read_reply(L, reply, facts, state);
    if (!lua_isnoneornil(L, context))
        read_context(L, context, facts, state);
}

/* sip.decide(r [, context]) -> decision */
static int decide_reply(lua_State *L)
{
    struct facts facts = {0};
    struct state state = {0};
    argument_facts(L, 1, 2, &facts, &state);
    const struct decision decision = decide(&facts, &state);
    decision_push(L, &decision);
    return 1;
}

void bind_decide(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_DECIDE
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
