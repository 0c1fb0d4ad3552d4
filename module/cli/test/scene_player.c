// SPDX-License-Identifier: BSD-2-Clause
#include "cli/test/scene_player.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <lauxlib.h>

#include "cli/base/policy_load.h"
#include "cli/test/spec_net.h"
#include "script/base/embedded.h"
#include "script/engine/reflow.h"

#define PLAYER "reflow.scene_player"

enum { HOOK_MS = 2000, LOAD_MS = 5000 };

struct scene_player {
    struct scene *scene; /* NULL: finished */
    struct spec_net net;
};

static void player_finish(struct scene_player *player)
{
    if (player->scene != NULL)
        scene_destroy(player->scene);
    free(player->scene);
    player->scene = NULL;
}

static int player_gc(lua_State *L)
{
    player_finish(lua_touserdata(L, 1));
    return 0;
}

/* net.finish() */
static int net_finish(lua_State *L)
{
    player_finish(lua_touserdata(L, lua_upvalueindex(1)));
    return 0;
}

static int write_all(int file, const char *text)
{
    size_t length = strlen(text), done = 0;
    while (done < length) {
        ssize_t count = write(file, text + done, length - done);
        if (count < 0 && errno != EINTR)
            return -errno;
        done += count > 0 ? (size_t)count : 0;
    }
    return 0;
}

/* Policies are loaded from files: the text becomes one that has no name. */
static int load_text(void *context, const char *text, char *error, size_t size)
{
    struct scene_player *player = context;
    const struct script_limits limits = {.time_ms = HOOK_MS, .load_ms = LOAD_MS};
    struct script *script = NULL;
    char path[64];
    int file = memfd_create("policy", MFD_CLOEXEC);
    int code = file < 0 ? -errno : write_all(file, text != NULL ? text : "");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (code == 0)
        code = policy_load(&script, &player->scene->host, &limits, NULL, path, error, size);
    else
        snprintf(error, size, "the policy cannot be kept: %s", strerror(-code));
    if (file >= 0)
        close(file);
    if (code != 0)
        return code;
    player->net.script = script;
    return server_use_script(player->scene->server, script);
}

static void check_nothing(void *context, lua_State *L)
{
    (void)context;
    (void)L;
}

static void begin_nothing(void *context, const char *name)
{
    (void)context;
    (void)name;
}

/* new() -> the functions of a new scene */
static int player_new(lua_State *L)
{
    struct scene_player *player = lua_newuserdatauv(L, sizeof *player, 0);
    *player = (struct scene_player){0};
    luaL_setmetatable(L, PLAYER);
    player->scene = malloc(sizeof *player->scene);
    if (player->scene == NULL)
        return luaL_error(L, "not enough memory");
    scene_create(player->scene);
    player->net = (struct spec_net){
        .scene = player->scene, .load = load_text, .check = check_nothing, .begin = begin_nothing, .context = player};
    spec_net_push(L, &player->net);
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, net_finish, 1);
    lua_setfield(L, -2, "finish");
    return 1;
}

static int player_module(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, player_new);
    lua_setfield(L, -2, "new");
    return 1;
}

/* A loader of package.preload: the module's name is its first argument. */
static int load_embedded(lua_State *L)
{
    struct embedded source;
    const char *name = luaL_checkstring(L, 1);
    if (!embedded_find(luaL_gsub(L, name + strlen("reflow."), ".", "/"), &source))
        return luaL_error(L, "no module '%s'", name);
    lua_pushfstring(L, "=%s.lua", name);
    if (luaL_loadbufferx(L, source.start, source.length, lua_tostring(L, -1), "t") != LUA_OK)
        return lua_error(L);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

void scene_player_open(lua_State *L)
{
    luaL_requiref(L, "reflow", luaopen_reflow, 0);
    lua_pop(L, 1);
    if (luaL_newmetatable(L, PLAYER)) {
        lua_pushcfunction(L, player_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_pop(L, 1);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    for (size_t i = 0; i < embedded_count(); i++) {
        lua_pushfstring(L, "reflow.%s", embedded_at(i).name);
        luaL_gsub(L, lua_tostring(L, -1), "/", ".");
        lua_pushcfunction(L, load_embedded);
        lua_setfield(L, -4, lua_tostring(L, -2));
        lua_pop(L, 2);
    }
    lua_pushcfunction(L, player_module);
    lua_setfield(L, -2, PLAYER);
    lua_pop(L, 1);
}
