// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "cli/check/check.h"
#include "script/base/embedded.h"
#include "script/base/field.h"

/* Checks the text of a policy: lua/reflow/scan.lua describes what is found. */

#define FIELD(name, ...)  #name,
#define METHOD(name, ...) #name,
#define FLAG(name, ...)   #name,
static const char *const call_fields[] = {
#define SCHEMA_CALL
#include "script/engine/schema.def"
    NULL};
static const char *const reply_fields[] = {
#define FIELD(name, ...)  #name,
#define METHOD(name, ...) #name,
#define SCHEMA_REPLY
#include "script/engine/schema.def"
    NULL};
static const char *const decision_fields[] = {
#define FIELD(name, ...)  #name,
#define METHOD(name, ...) #name,
#define FLAG(name, ...)   #name,
#define SCHEMA_DECISION
#define SCHEMA_FLAGS
#include "script/engine/schema.def"
    NULL};
static const char *const flow_fields[] = {
#define FIELD(name, ...)  #name,
#define METHOD(name, ...) #name,
#define SCHEMA_FLOW
#include "script/engine/schema.def"
    NULL};

#define FUNCTION(name, ...) #name,
static const char *const verdict_functions[] = {
#define SCHEMA_VERDICT
#include "script/engine/schema.def"
    NULL};

static void push_known(lua_State *L, const char *kind, const char *const *fields)
{
    lua_newtable(L);
    for (; *fields != NULL; fields++)
        field_set_flag(L, *fields, true);
    lua_setfield(L, -2, kind);
}

static void tell_verdict(lua_State *L, struct check *check, struct text file)
{
    struct finding finding = {.kind = FINDING_VERDICT};
    lua_getfield(L, -2, "line");
    snprintf(finding.place, sizeof finding.place, "%.*s:%d", (int)file.length, file.at, (int)lua_tointeger(L, -1));
    snprintf(finding.text, sizeof finding.text, "the verdict of %s() is not returned and has no effect",
             lua_tostring(L, -2));
    lua_pop(L, 1);
    check_found(check, &finding, 0, METHOD_OTHER);
}

static void tell_field(lua_State *L, struct check *check, struct text file)
{
    struct finding finding = {.kind = FINDING_FIELD};
    bool verdict = lua_getfield(L, -1, "verdict") == LUA_TSTRING;
    if (verdict)
        tell_verdict(L, check, file);
    lua_pop(L, 1);
    if (verdict)
        return;
    lua_getfield(L, -1, "line");
    lua_getfield(L, -2, "kind");
    lua_getfield(L, -3, "field");
    lua_getfield(L, -4, "nearest");
    const char *nearest = lua_tostring(L, -1);
    snprintf(finding.place, sizeof finding.place, "%.*s:%d", (int)file.length, file.at, (int)lua_tointeger(L, -4));
    snprintf(finding.text, sizeof finding.text, "a %s has no field '%s'%s%s%s", lua_tostring(L, -3),
             lua_tostring(L, -2), nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
             nearest != NULL ? "'?" : "");
    lua_pop(L, 4);
    check_found(check, &finding, 0, METHOD_OTHER);
}

static void keep_header(struct check *check, const char *name)
{
    for (size_t i = 0; i < check->header_count; i++) {
        if (strcmp(check->headers[i], name) == 0)
            return;
    }
    if (check->header_count < HEADERS_MOST && strlen(name) < sizeof check->headers[0])
        snprintf(check->headers[check->header_count++], sizeof check->headers[0], "%s", name);
}

/* The list of this name in the table on top. */
static void keep_compared(lua_State *L, const char *name, struct compared *kept)
{
    lua_getfield(L, -1, name);
    for (lua_Integer i = 1; lua_geti(L, -1, i) == LUA_TSTRING && kept->count < COMPARED_MOST; i++) {
        snprintf(kept->texts[kept->count++], sizeof kept->texts[0], "%s", lua_tostring(L, -1));
        lua_pop(L, 1);
    }
}

/* The scanning function is at index 2, the known names at 3. */
static void scan_file(lua_State *L, struct check *check, const struct source_file *file)
{
    lua_pushvalue(L, 2);
    lua_pushlstring(L, file->bytes.at, file->bytes.length);
    lua_pushvalue(L, 3);
    lua_call(L, 2, 3);
    for (lua_Integer i = 1; lua_geti(L, 4, i) == LUA_TTABLE; i++) {
        tell_field(L, check, file->name);
        lua_pop(L, 1);
    }
    lua_settop(L, 6);
    for (lua_Integer i = 1; lua_geti(L, 5, i) == LUA_TSTRING; i++) {
        keep_header(check, lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    lua_settop(L, 6);
    keep_compared(L, "uris", &check->uris);
    lua_settop(L, 6);
    keep_compared(L, "texts", &check->values);
    lua_settop(L, 6);
    keep_compared(L, "numbers", &check->numbers);
    lua_settop(L, 3);
}

static int scan_all(lua_State *L)
{
    struct embedded source;
    struct check *check = lua_touserdata(L, 1);
    struct sources *sources = script_sources(check->script);
    luaL_openlibs(L);
    if (!embedded_find("scan", &source) ||
        luaL_loadbufferx(L, source.start, source.length, "=reflow/scan.lua", "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 1);
    lua_newtable(L);
    push_known(L, "call", call_fields);
    push_known(L, "reply", reply_fields);
    push_known(L, "decision", decision_fields);
    push_known(L, "flow", flow_fields);
    push_known(L, "verdicts", verdict_functions);
    for (size_t i = 0; i < sources_count(sources); i++)
        scan_file(L, check, sources_at(sources, i));
    return 0;
}

void check_fields(struct check *check)
{
    lua_State *L = luaL_newstate();
    if (L == NULL)
        return;
    lua_pushcfunction(L, scan_all);
    lua_pushlightuserdata(L, check);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        struct finding finding = {.kind = FINDING_FIELD};
        snprintf(finding.text, sizeof finding.text, "the text could not be looked through: %s", lua_tostring(L, -1));
        check_found(check, &finding, 0, METHOD_OTHER);
    }
    lua_close(L);
}
