// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "core/code.h"
#include "script/bind/bind.h"
#include "sip/message.h"

/* A verdict in Lua. Its text (URI, AOR, phrase or destination), if it has one, is the user value. */
struct verdict {
    uint8_t kind;
    uint16_t code;
    uint32_t seconds;
    uint32_t next_after;
    bool recurse;
};

enum { NEXT_AFTER_MOST = 86400 };

static const char metatable_key = 0;
static const char constants_key = 0;

const char *verdict_name(enum verdict_kind kind)
{
    static const char *const names[VERDICT_COUNT] = {"accept",      "route",     "relay",       "reply",
                                                     "drop",        "next_flow", "next_target", "fail",
                                                     "retry_after", "forward",   "rest",        "challenge"};
    return kind < VERDICT_COUNT ? names[kind] : "unknown";
}

static struct verdict *new_verdict(lua_State *L, enum verdict_kind kind)
{
    struct verdict *verdict = lua_newuserdatauv(L, sizeof *verdict, 1);
    *verdict = (struct verdict){.kind = (uint8_t)kind};
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_setmetatable(L, -2);
    return verdict;
}

/* Verdicts without arguments exist once for each state. */
static int constant(lua_State *L, enum verdict_kind kind)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &constants_key);
    lua_rawgeti(L, -1, (lua_Integer)kind + 1);
    lua_replace(L, -2);
    return 1;
}

void verdict_push_accept(lua_State *L)
{
    constant(L, VERDICT_ACCEPT);
}

static int accept_verdict(lua_State *L)
{
    return constant(L, VERDICT_ACCEPT);
}

static int drop_verdict(lua_State *L)
{
    return constant(L, VERDICT_DROP);
}

static int challenge(lua_State *L)
{
    return constant(L, VERDICT_CHALLENGE);
}

static int next_flow(lua_State *L)
{
    return constant(L, VERDICT_NEXT_FLOW);
}

static int next_target(lua_State *L)
{
    return constant(L, VERDICT_NEXT_TARGET);
}

static const char *argument_word(lua_State *L, int index, size_t size, const char *what)
{
    size_t length;
    luaL_checktype(L, index, LUA_TSTRING);
    const char *word = lua_tolstring(L, index, &length);
    if (length == 0 || length >= size)
        luaL_argerror(L, index, lua_pushfstring(L, "%s is empty or too long", what));
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)word[i] < ' ' || word[i] == 0x7f)
            luaL_argerror(L, index, lua_pushfstring(L, "%s has a control character", what));
    return word;
}

static void argument_uri(lua_State *L, int index, const char *what)
{
    const char *uri = argument_word(L, index, sizeof((struct script_verdict *)0)->uri, what);
    if (strchr(uri, ':') == NULL || strpbrk(uri, " <>") != NULL)
        luaL_argerror(L, index, lua_pushfstring(L, "%s is not a URI such as \"sip:bob@example.com\"", what));
    struct sip_uri parsed;
    int result = sip_uri_create(&parsed, text_of(uri));
    sip_uri_destroy(&parsed);
    if (sip_uri_is_sip(text_of(uri)) && result == -EBADMSG)
        luaL_argerror(L, index, lua_pushfstring(L, "%s has a host, a port or an escape that is not valid", what));
}

/* A request is sent to a sip: or sips: URI; one of another scheme names no server. */
static void argument_destination(lua_State *L, int index)
{
    argument_uri(L, index, "uri");
    if (!sip_uri_is_sip(text_of(lua_tostring(L, index))))
        luaL_argerror(L, index, "uri is not a sip: or sips: URI, so no request can be sent to it");
}

static lua_Integer argument_range(lua_State *L, int index, lua_Integer low, lua_Integer high, const char *what)
{
    int fits;
    if (lua_type(L, index) != LUA_TNUMBER)
        return luaL_typeerror(L, index, "whole number");
    lua_Integer value = lua_tointegerx(L, index, &fits);
    if (!fits || value < low || value > high)
        return luaL_argerror(
            L, index,
            lua_pushfstring(L, "%s is a whole number from %I to %I", what, (LUAI_UACINT)low, (LUAI_UACINT)high));
    return value;
}

static void option_next_after(lua_State *L, int options, struct verdict *verdict)
{
    lua_Number seconds = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : -1;
    if (verdict->kind != VERDICT_ROUTE || !(seconds >= 0.001 && seconds <= NEXT_AFTER_MOST))
        luaL_argerror(L, options, "next_after is for route, a number of seconds, 0.001 to 86400");
    verdict->next_after = (uint32_t)(seconds * 1000);
}

/* { next_after = 15, recurse = true }: seconds after which the next target is called in addition; follow 3xx
   responses. */
static void read_options(lua_State *L, int options, struct verdict *verdict)
{
    luaL_checktype(L, options, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, options) != 0; lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        if (strcmp(name, "next_after") == 0)
            option_next_after(L, options, verdict);
        else if (strcmp(name, "recurse") == 0 && lua_isboolean(L, -1))
            verdict->recurse = lua_toboolean(L, -1);
        else
            luaL_argerror(L, options, "the options are next_after = seconds and recurse = true or false");
    }
}

/* Creates a verdict of this kind with the text at `word` (0: none) and the options at `options` (0: none). */
static int with_options(lua_State *L, enum verdict_kind kind, int word, int options)
{
    struct verdict *verdict = new_verdict(L, kind);
    if (options != 0)
        read_options(L, options, verdict);
    if (word != 0) {
        lua_pushvalue(L, word);
        lua_setiuservalue(L, -2, 1);
    }
    return 1;
}

/* sip.route([aor [, options]]) or sip.route(options) */
static int route(lua_State *L)
{
    int options = lua_istable(L, 1) ? 1 : 2;
    bool has_aor = options == 2 && !lua_isnoneornil(L, 1);
    bool has_options = !lua_isnoneornil(L, options);
    lua_settop(L, 2);
    if (!has_aor && !has_options)
        return constant(L, VERDICT_ROUTE);
    if (has_aor)
        argument_uri(L, 1, "aor");
    return with_options(L, VERDICT_ROUTE, has_aor ? 1 : 0, has_options ? options : 0);
}

/* sip.relay(uri [, options]) */
static int relay(lua_State *L)
{
    bool has_options = !lua_isnoneornil(L, 2);
    argument_destination(L, 1);
    lua_settop(L, 2);
    return with_options(L, VERDICT_RELAY, 1, has_options ? 2 : 0);
}

/* sip.forward(uri) */
static int forward(lua_State *L)
{
    argument_destination(L, 1);
    lua_settop(L, 1);
    return with_options(L, VERDICT_FORWARD, 1, 0);
}

static int reply(lua_State *L)
{
    lua_Integer code = argument_range(L, 1, SIP_OK, CODE_LAST, "a reply's code");
    bool has_phrase = !lua_isnoneornil(L, 2);
    if (has_phrase)
        argument_word(L, 2, sizeof((struct script_verdict *)0)->phrase, "phrase");
    new_verdict(L, VERDICT_REPLY)->code = (uint16_t)code;
    if (has_phrase) {
        lua_pushvalue(L, 2);
        lua_setiuservalue(L, -2, 1);
    }
    return 1;
}

static int fail(lua_State *L)
{
    lua_Integer code = argument_range(L, 1, SIP_MULTIPLE_CHOICES, CODE_LAST, "a failure's code");
    new_verdict(L, VERDICT_FAIL)->code = (uint16_t)code;
    return 1;
}

static int retry_after(lua_State *L)
{
    lua_Integer seconds = argument_range(L, 1, 0, UINT32_MAX, "seconds");
    new_verdict(L, VERDICT_RETRY_AFTER)->seconds = (uint32_t)seconds;
    return 1;
}

static bool is_port(const char *text)
{
    unsigned long port = 0;
    const char *digit = text;
    for (; *digit >= '0' && *digit <= '9' && port <= UINT16_MAX; digit++)
        port = port * 10 + (unsigned long)(*digit - '0');
    return *digit == '\0' && port > 0 && port <= UINT16_MAX;
}

/* "192.0.2.1:5060", "[2001:db8::1]:5060", "2001:db8::1", "trunk.example.net". */
static bool is_destination(const char *word)
{
    static const char numbers[] = "0123456789abcdefABCDEF.:";
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    bool bracket = word[0] == '[', is_v6 = bracket || strchr(word, ':') != strrchr(word, ':');
    const char *host = word + bracket, *end = host + strspn(host, is_v6 ? numbers : letters);
    if (end == host || (bracket && *end++ != ']'))
        return false;
    return *end == '\0' || (*end == ':' && is_port(end + 1));
}

static int rest(lua_State *L)
{
    const char *word = argument_word(L, 1, sizeof((struct script_verdict *)0)->destination, "destination");
    if (!is_destination(word))
        luaL_argerror(L, 1, "destination is an address or a name, with or without a port, and no URI");
    lua_Integer seconds = argument_range(L, 2, 0, UINT32_MAX, "seconds");
    new_verdict(L, VERDICT_REST)->seconds = (uint32_t)seconds;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    return 1;
}

static struct verdict *verdict_at(lua_State *L, int index)
{
    return userdata_at(L, index, &metatable_key);
}

/* The texts were checked when the verdict was made. */
static void copy_word(lua_State *L, char *out, size_t size)
{
    size_t length;
    const char *word = lua_tolstring(L, -1, &length);
    if (word != NULL && length < size)
        memcpy(out, word, length + 1);
}

bool verdict_read(lua_State *L, int index, struct script_verdict *out)
{
    const struct verdict *verdict = verdict_at(L, index);
    if (verdict == NULL)
        return false;
    out->kind = verdict->kind;
    out->code = verdict->code;
    out->seconds = verdict->seconds;
    out->next_after = verdict->next_after;
    out->recurse = verdict->recurse;
    out->uri[0] = out->phrase[0] = out->destination[0] = '\0';
    lua_getiuservalue(L, index, 1);
    if (verdict->kind == VERDICT_REPLY)
        copy_word(L, out->phrase, sizeof out->phrase);
    else if (verdict->kind == VERDICT_REST)
        copy_word(L, out->destination, sizeof out->destination);
    else
        copy_word(L, out->uri, sizeof out->uri);
    lua_pop(L, 1);
    return true;
}

/* v.kind, v.code, v.seconds, v.next_after (s), v.recurse, v.uri, v.phrase, v.destination: nil if the kind does not
   have it. */
static int verdict_index(lua_State *L)
{
    const struct verdict *verdict = verdict_at(L, 1);
    const char *key = luaL_checkstring(L, 2);
    luaL_argexpected(L, verdict != NULL, 1, "verdict");
    bool has_code = verdict->kind == VERDICT_REPLY || verdict->kind == VERDICT_FAIL;
    bool has_seconds = verdict->kind == VERDICT_RETRY_AFTER || verdict->kind == VERDICT_REST;
    const char *text = verdict->kind == VERDICT_REPLY  ? "phrase"
                       : verdict->kind == VERDICT_REST ? "destination"
                                                       : "uri";
    if (strcmp(key, "kind") == 0)
        lua_pushstring(L, verdict_name(verdict->kind));
    else if (strcmp(key, "code") == 0 && has_code)
        lua_pushinteger(L, verdict->code);
    else if (strcmp(key, "seconds") == 0 && has_seconds)
        lua_pushinteger(L, verdict->seconds);
    else if (strcmp(key, "next_after") == 0 && verdict->next_after != 0)
        lua_pushnumber(L, verdict->next_after / 1000.0);
    else if (strcmp(key, "recurse") == 0 && verdict->recurse)
        lua_pushboolean(L, true);
    else if (strcmp(key, text) == 0)
        lua_getiuservalue(L, 1, 1);
    else
        lua_pushnil(L);
    return 1;
}

static int verdict_tostring(lua_State *L)
{
    const struct verdict *verdict = verdict_at(L, 1);
    luaL_argexpected(L, verdict != NULL, 1, "verdict");
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, 1);
    const char *text = lua_tostring(L, 2);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    luaL_addstring(&buffer, verdict_name(verdict->kind));
    if (verdict->code != 0) {
        lua_pushfstring(L, " %d", verdict->code);
        luaL_addvalue(&buffer);
    }
    if (text != NULL) {
        lua_pushfstring(L, " %s", text);
        luaL_addvalue(&buffer);
    }
    if (verdict->kind == VERDICT_RETRY_AFTER || verdict->kind == VERDICT_REST) {
        lua_pushfstring(L, " %d s", (int)verdict->seconds);
        luaL_addvalue(&buffer);
    }
    luaL_pushresult(&buffer);
    return 1;
}

static void make_constants(lua_State *L)
{
    lua_createtable(L, VERDICT_COUNT, 0);
    for (int kind = 0; kind < VERDICT_COUNT; kind++) {
        new_verdict(L, kind);
        lua_rawseti(L, -2, kind + 1);
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, &constants_key);
}

void bind_verdict(lua_State *L)
{
    static const luaL_Reg functions[] = {
#define SCHEMA_VERDICT
#define FUNCTION(name, function, arguments, returns, what) {#name, function},
#include "script/engine/schema.def"
        {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__index", verdict_index}, {"__tostring", verdict_tostring}, {NULL, NULL}};
    lua_createtable(L, 0, 4);
    luaL_setfuncs(L, metamethods, 0);
    field_set_string(L, "__name", "verdict");
    field_set_flag(L, "__metatable", false);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
    make_constants(L);
    luaL_setfuncs(L, functions, 0);
}
