// SPDX-License-Identifier: BSD-2-Clause
#include "script/engine/explainer.h"

#include <errno.h>
#include <stdio.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "script/base/embedded.h"
#include "script/engine/reflow.h"

/* The explainer is its Lua state. At the bottom of the stack is sip.explain, above it the last results. */

enum { FUNCTION = 1, TITLE, DESCRIPTION, WHOLE };

static lua_State *state_of(struct explainer *explainer)
{
    return (lua_State *)explainer;
}

/* Protected: returns sip.explain. */
static int load(lua_State *L)
{
    luaL_openlibs(L);
    luaL_requiref(L, "reflow", luaopen_reflow, 0);
    lua_getfield(L, -1, "explain");
    return 1;
}

/* Removes the message from the top of the stack. */
static int fail(lua_State *L, char *error, size_t error_size)
{
    const char *message = lua_tostring(L, -1);
    snprintf(error, error_size, "%s", message != NULL ? message : "no memory");
    lua_settop(L, FUNCTION);
    return -EINVAL;
}

int explainer_new(struct explainer **out, char *error, size_t error_size)
{
    lua_State *L = luaL_newstate();
    if (L == NULL) {
        snprintf(error, error_size, "no memory");
        return -ENOMEM;
    }
    lua_pushcfunction(L, load);
    if (lua_pcall(L, 0, 1, 0) != LUA_OK) {
        int result = fail(L, error, error_size);
        lua_close(L);
        return result;
    }
    *out = (struct explainer *)L;
    return 0;
}

void explainer_delete(struct explainer *explainer)
{
    if (explainer != NULL)
        lua_close(state_of(explainer));
}

/* Protected: (sip.explain, code, language) -> title, description, whole. */
static int tell(lua_State *L)
{
    lua_call(L, 2, 2);
    if (!lua_istable(L, 1))
        return luaL_error(L, "%s", lua_tostring(L, 2));
    lua_getfield(L, 1, "code");
    lua_getfield(L, 1, "phrase");
    lua_pushfstring(L, "%s %s", luaL_checkstring(L, -2), luaL_checkstring(L, -1));
    lua_getfield(L, 1, "description");
    lua_getfield(L, 1, "text");
    return 3;
}

static struct text text_at(lua_State *L, int index)
{
    struct text text;
    text.at = lua_tolstring(L, index, &text.length);
    return text;
}

int explainer_tell(struct explainer *explainer, uint32_t code, struct text language, struct explained *out, char *error,
                   size_t error_size)
{
    lua_State *L = state_of(explainer);
    char word[16];
    if (language.length >= sizeof word) {
        snprintf(error, error_size, "no texts in '%.*s'", (int)sizeof word, language.at);
        return -EINVAL;
    }
    snprintf(word, sizeof word, "%.*s", (int)language.length, language.at);
    lua_settop(L, FUNCTION);
    lua_pushcfunction(L, tell);
    lua_pushvalue(L, FUNCTION);
    lua_pushinteger(L, code);
    lua_pushstring(L, word);
    if (lua_pcall(L, 3, 3, 0) != LUA_OK)
        return fail(L, error, error_size);
    *out = (struct explained){text_at(L, TITLE), text_at(L, DESCRIPTION), text_at(L, WHOLE)};
    return 0;
}

bool explainer_knows(struct text language)
{
    char name[32];
    struct embedded found;
    if (language.length == 0 || language.length > 8 || memchr(language.at, '_', language.length) != NULL)
        return false;
    snprintf(name, sizeof name, "catalog/%.*s", (int)language.length, language.at);
    return embedded_find(name, &found);
}
