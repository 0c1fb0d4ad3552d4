// SPDX-License-Identifier: BSD-2-Clause
#include <lauxlib.h>
#include <string.h>

#include "core/code.h"
#include "core/rule.h"
#include "script/bind/bind.h"

static const char *const kind_names[] = {"", "call", "reply", "decision", "flow"};

/* The kind of a valid light userdata; raises an error for any other. */
static enum object_kind object_kind(lua_State *L, int index, const struct bind_state *state)
{
    uintptr_t value = (uintptr_t)lua_touserdata(L, index);
    uintptr_t kind = value & ((1U << OBJECT_KIND_BITS) - 1);
    if (kind < OBJECT_CALL || kind > OBJECT_FLOW)
        luaL_error(L, "not an object of a hook");
    if (value >> OBJECT_KIND_BITS != (uintptr_t)state->generation << OBJECT_KIND_BITS >> OBJECT_KIND_BITS)
        luaL_error(L, "this %s is over: it was kept past the hook that got it", kind_names[kind]);
    return (enum object_kind)kind;
}

bool object_is(lua_State *L, int index, enum object_kind kind)
{
    const struct bind_state *state = bind_state(L);
    return state->hosted && lua_islightuserdata(L, index) && object_kind(L, index, state) == kind;
}

typedef void getter(lua_State *L, const struct bind_state *state);

struct field {
    const char *name;
    getter *get;
};

static void push_flag(lua_State *L, bool flag)
{
    lua_pushboolean(L, flag);
}

static void push_positive(lua_State *L, uint32_t number)
{
    if (number == 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, number);
}

static void call_method(lua_State *L, const struct bind_state *state)
{
    push_text(L, sip_method_text(state->call->request));
}

static void call_uri(lua_State *L, const struct bind_state *state)
{
    push_text(L, sip_request_uri(state->call->request));
}

static void call_from(lua_State *L, const struct bind_state *state)
{
    push_text(L, sip_from_uri(state->call->request));
}

static void call_to(lua_State *L, const struct bind_state *state)
{
    push_text(L, sip_to_uri(state->call->request));
}

static void call_call_id(lua_State *L, const struct bind_state *state)
{
    push_text(L, sip_call_id(state->call->request));
}

static void call_cseq(lua_State *L, const struct bind_state *state)
{
    lua_pushinteger(L, sip_cseq(state->call->request));
}

static void call_body(lua_State *L, const struct bind_state *state)
{
    push_text(L, sip_body(state->call->request));
}

static void call_aor(lua_State *L, const struct bind_state *state)
{
    push_text(L, state->call->aor);
}

static void call_source(lua_State *L, const struct bind_state *state)
{
    push_text(L, state->call->source);
}

static void call_user(lua_State *L, const struct bind_state *state)
{
    push_text(L, state->call->user);
}

static void call_registered(lua_State *L, const struct bind_state *state)
{
    push_flag(L, state->call->registered);
}

static void call_trunk(lua_State *L, const struct bind_state *state)
{
    push_text(L, state->call->trunk);
}

static void call_age(lua_State *L, const struct bind_state *state)
{
    uint64_t now = state->host->now_ms(state->host->context);
    lua_pushnumber(L, (lua_Number)(now - state->call->started_ms) / 1000.0);
}

static const struct field call_fields[] = {
#define SCHEMA_CALL
#define FIELD(name, getter, type, what) {#name, getter},
#include "script/engine/schema.def"
    {NULL, NULL}};

static void reply_get_code(lua_State *L, const struct bind_state *state)
{
    lua_pushinteger(L, state->reply_code);
}

static void reply_phrase(lua_State *L, const struct bind_state *state)
{
    if (state->reply->message != NULL)
        push_text(L, sip_phrase(state->reply->message));
    else
        lua_pushstring(L, code_phrase(state->reply_code));
}

static void reply_method(lua_State *L, const struct bind_state *state)
{
    const char *name = method_name((enum method)state->reply->facts->method);
    if (name[0] == '\0' && state->call != NULL)
        call_method(L, state);
    else
        push_text(L, text_of(name));
}

static void reply_retry_after(lua_State *L, const struct bind_state *state)
{
    if (state->reply->facts->has_retry_after)
        lua_pushinteger(L, state->reply->facts->retry_after);
    else
        lua_pushnil(L);
}

static void reply_reg_id(lua_State *L, const struct bind_state *state)
{
    push_positive(L, state->reply->facts->reg_id);
}

static void reply_flows_left(lua_State *L, const struct bind_state *state)
{
    lua_pushinteger(L, state->reply->facts->flows_left);
}

static void reply_targets_left(lua_State *L, const struct bind_state *state)
{
    lua_pushinteger(L, state->reply->state->targets_left);
}

static void reply_provisional_seen(lua_State *L, const struct bind_state *state)
{
    push_flag(L, state->reply->facts->provisional_seen);
}

static void reply_in_dialog(lua_State *L, const struct bind_state *state)
{
    push_flag(L, state->reply->facts->in_dialog);
}

static void reply_origin(lua_State *L, const struct bind_state *state)
{
    lua_pushstring(L, origin_name(state->reply->facts->origin));
}

static void reply_destination(lua_State *L, const struct bind_state *state)
{
    push_text(L, state->reply->destination);
}

static void reply_flow(lua_State *L, const struct bind_state *state)
{
    push_text(L, state->reply->flow);
}

static void reply_instance(lua_State *L, const struct bind_state *state)
{
    push_text(L, state->reply->instance);
}

static void reply_branches(lua_State *L, const struct bind_state *state)
{
    lua_pushinteger(L, state->reply->branches);
}

static void reply_body(lua_State *L, const struct bind_state *state)
{
    push_text(L, state->reply->message != NULL ? sip_body(state->reply->message) : (struct text){0});
}

static const struct field reply_fields[] = {
#define SCHEMA_REPLY
#define FIELD(name, getter, type, what) {#name, getter},
#include "script/engine/schema.def"
    {NULL, NULL}};

static void decision_action(lua_State *L, const struct bind_state *state)
{
    lua_pushstring(L, action_name((enum action)state->decision->action));
}

static void decision_rule(lua_State *L, const struct bind_state *state)
{
    lua_pushstring(L, rule_at((enum rule_id)state->decision->rule)->id);
}

static void decision_why(lua_State *L, const struct bind_state *state)
{
    lua_pushstring(L, state->decision->why);
}

static void decision_status(lua_State *L, const struct bind_state *state)
{
    push_positive(L, state->decision->status);
}

static void decision_code(lua_State *L, const struct bind_state *state)
{
    lua_pushinteger(L, state->decision->code);
}

static void decision_drop(lua_State *L, const struct bind_state *state)
{
    if (state->decision->drop == DROP_NONE)
        lua_pushnil(L);
    else
        lua_pushstring(L, drop_name((enum drop)state->decision->drop));
}

static void decision_rest(lua_State *L, const struct bind_state *state)
{
    push_positive(L, state->decision->rest_s);
}

static void decision_wait_min(lua_State *L, const struct bind_state *state)
{
    lua_pushnumber(L, state->decision->wait_min_ms / 1000.0);
}

static void decision_wait_max(lua_State *L, const struct bind_state *state)
{
    lua_pushnumber(L, state->decision->wait_max_ms / 1000.0);
}

static const struct field decision_fields[] = {
#define SCHEMA_DECISION
#define FIELD(name, getter, type, what) {#name, getter},
#include "script/engine/schema.def"
    {NULL, NULL}};

static void flow_flow(lua_State *L, const struct bind_state *state)
{
    push_text(L, state->flow->flow);
}

static void flow_aor(lua_State *L, const struct bind_state *state)
{
    push_text(L, state->flow->aor);
}

static void flow_instance(lua_State *L, const struct bind_state *state)
{
    push_text(L, state->flow->instance);
}

static void flow_reg_id(lua_State *L, const struct bind_state *state)
{
    push_positive(L, state->flow->reg_id);
}

static void flow_reason(lua_State *L, const struct bind_state *state)
{
    push_text(L, state->flow->reason);
}

static const struct field flow_fields[] = {
#define SCHEMA_FLOW
#define FIELD(name, getter, type, what) {#name, getter},
#include "script/engine/schema.def"
    {NULL, NULL}};

static const struct field no_fields[] = {{NULL, NULL}};

static const struct field *const fields_of[] = {no_fields, call_fields, reply_fields, decision_fields, flow_fields};

/* The message of a call or a reply; NULL if there is none. */
static const struct sip_message *object_message(lua_State *L, int index)
{
    const struct bind_state *state = bind_state(L);
    if (!lua_islightuserdata(L, index))
        luaL_argerror(L, index, "call or reply expected: write call:header(name), with a colon");
    switch (object_kind(L, index, state)) {
    case OBJECT_CALL:
        return state->call->request;
    case OBJECT_REPLY:
        return state->reply->message;
    default:
        luaL_typeerror(L, index, "call or reply");
        return NULL;
    }
}

static int object_header(lua_State *L)
{
    return message_header(L, object_message(L, 1));
}

static int next_header(lua_State *L)
{
    size_t index = (size_t)lua_tointeger(L, lua_upvalueindex(2));
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    const struct sip_message *message = object_message(L, 1);
    lua_pushinteger(L, (lua_Integer)index + 1);
    lua_replace(L, lua_upvalueindex(2));
    return message_field_next(L, message, index) ? 2 : 0;
}

/* for name, value in call:headers() do */
static int object_headers(lua_State *L)
{
    object_message(L, 1);
    lua_settop(L, 1);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_header, 2);
    return 1;
}

/* decision.ack, decision.cancel_rest and so on: the flags by their names. */
static bool push_decision_flag(lua_State *L, const struct bind_state *state, const char *name)
{
    for (uint32_t bit = 1; bit <= FLAG_ANSWERED; bit <<= 1) {
        const char *flag = decision_flag_name(bit);
        if (flag == NULL || strcmp(flag, name) != 0)
            continue;
        push_flag(L, (state->decision->flags & bit) != 0);
        return true;
    }
    return false;
}

/* Upvalue 1: the state; upvalue 1 + kind: a table from name to method, or to the index of a getter. */
static int object_index(lua_State *L)
{
    const struct bind_state *state = lua_touserdata(L, lua_upvalueindex(1));
    enum object_kind kind = object_kind(L, 1, state);
    lua_pushvalue(L, 2);
    lua_rawget(L, lua_upvalueindex(1 + (int)kind));
    if (lua_isinteger(L, -1)) {
        fields_of[kind][lua_tointegerx(L, -1, NULL)].get(L, state);
        return 1;
    }
    if (!lua_isnil(L, -1))
        return 1;
    const char *name = luaL_checkstring(L, 2);
    if (kind == OBJECT_DECISION && push_decision_flag(L, state, name))
        return 1;
    return luaL_error(L, "a %s has no field '%s'", kind_names[kind], name);
}

static int object_newindex(lua_State *L)
{
    const struct bind_state *state = lua_touserdata(L, lua_upvalueindex(1));
    const int kind = (int)object_kind(L, 1, state);
    return luaL_error(L, "a %s cannot be changed%s", kind_names[kind],
                      kind == OBJECT_FLOW ? "" : ": a hook returns a verdict");
}

static int object_tostring(lua_State *L)
{
    const struct bind_state *state = lua_touserdata(L, lua_upvalueindex(1));
    lua_pushfstring(L, "sip %s", kind_names[object_kind(L, 1, state)]);
    return 1;
}

static const luaL_Reg call_methods[] = {
#define SCHEMA_CALL
#define METHOD(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
    {NULL, NULL}};

static const luaL_Reg reply_methods[] = {
#define SCHEMA_REPLY
#define METHOD(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
    {NULL, NULL}};

static void push_fields(lua_State *L, enum object_kind kind)
{
    const struct field *fields = fields_of[kind];
    lua_newtable(L);
    for (lua_Integer i = 0; fields[i].name != NULL; i++)
        field_set_integer(L, fields[i].name, i);
    if (kind == OBJECT_CALL)
        luaL_setfuncs(L, call_methods, 0);
    else if (kind == OBJECT_REPLY)
        luaL_setfuncs(L, reply_methods, 0);
}

void bind_object(lua_State *L)
{
    lua_pushlightuserdata(L, NULL);
    lua_createtable(L, 0, 5);
    lua_pushlightuserdata(L, bind_state(L));
    for (int kind = OBJECT_CALL; kind <= OBJECT_FLOW; kind++)
        push_fields(L, (enum object_kind)kind);
    lua_pushcclosure(L, object_index, 1 + OBJECT_FLOW);
    lua_setfield(L, -2, "__index");
    lua_pushlightuserdata(L, bind_state(L));
    lua_pushcclosure(L, object_newindex, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushlightuserdata(L, bind_state(L));
    lua_pushcclosure(L, object_tostring, 1);
    lua_setfield(L, -2, "__tostring");
    field_set_flag(L, "__metatable", false);
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}
