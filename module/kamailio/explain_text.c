// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/ksr.h"

#include "kamailio/explain_text.h"

#include <stdio.h>

#include <lauxlib.h>
#include <lualib.h>

#include "kamailio/events.h"
#include "kamailio/host.h"
#include "script/embedded.h"
#include "script/reflow.h"

/* The catalog is Lua. It gets a state of its own in each process, made when it is first asked for: what a policy may
   use of time and memory is not touched. */

static lua_State *state;

bool explain_knows(const char *language)
{
    char name[32];
    struct embedded found;
    snprintf(name, sizeof name, "catalog/%s", language);
    return strchr(language, '_') == NULL && embedded_find(name, &found);
}

/* Protected: leaves sip.explain in the registry. */
static int load(lua_State *L)
{
    luaL_openlibs(L);
    luaL_requiref(L, "reflow", luaopen_reflow, 0);
    lua_getfield(L, -1, "explain");
    lua_setfield(L, LUA_REGISTRYINDEX, "explain");
    return 0;
}

static lua_State *state_once(void)
{
    if (state != NULL)
        return state;
    lua_State *L = luaL_newstate();
    if (L == NULL)
        return NULL;
    lua_pushcfunction(L, load);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
        ksr_log(LOG_ERROR, "sip_explain: %s", lua_tostring(L, -1));
        lua_close(L);
        return NULL;
    }
    return state = L;
}

/* Protected: (code, language). One line to the log, the whole to $reflow(text). */
static int explain(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "explain");
    lua_insert(L, 1);
    lua_call(L, 2, 2);
    if (!lua_istable(L, 1))
        return luaL_error(L, "%s", lua_tostring(L, 2));
    lua_getfield(L, 1, "code");
    lua_getfield(L, 1, "phrase");
    lua_getfield(L, 1, "description");
    lua_getfield(L, 1, "text");
    ksr_log(LOG_NOTICE, "%s %s: %s", lua_tostring(L, -4), lua_tostring(L, -3), lua_tostring(L, -2));
    pv_note_text(luaL_checkstring(L, -1));
    return 0;
}

int explain_code(uint32_t code, struct text language)
{
    lua_State *L = state_once();
    if (L == NULL)
        return -1;
    lua_settop(L, 0);
    lua_pushcfunction(L, explain);
    lua_pushinteger(L, code);
    lua_pushlstring(L, language.at, language.length);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK)
        return 1;
    ksr_log(LOG_ERROR, "sip_explain: %s", lua_tostring(L, -1));
    lua_settop(L, 0);
    return -1;
}
