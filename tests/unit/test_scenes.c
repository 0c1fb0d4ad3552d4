// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <lauxlib.h>
#include <lualib.h>

#include "cli/test/scene_player.h"

/* The checks are in tests/data/scenes.lua: each of them is a test here. */

static int open_state(lua_State *L)
{
    luaL_openlibs(L);
    scene_player_open(L);
    return 0;
}

static int trace(lua_State *L)
{
    luaL_traceback(L, L, lua_tostring(L, 1), 1);
    return 1;
}

static void run_check(const char *name)
{
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    lua_pushcfunction(L, trace);
    lua_pushcfunction(L, open_state);
    assert_int_equal(lua_pcall(L, 0, 0, 1), LUA_OK);
    if (luaL_loadfilex(L, "tests/data/scenes.lua", "t") != LUA_OK || lua_pcall(L, 0, 1, 1) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
    assert_int_equal(lua_getfield(L, -1, name), LUA_TFUNCTION);
    if (lua_pcall(L, 0, 0, 1) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
    lua_close(L);
}

#define CHECKS(CHECK)                                                                                                  \
    CHECK(scenes_play_and_show_their_codes_and_rules)                                                                  \
    CHECK(scenes_cover_what_is_promised)                                                                               \
    CHECK(every_rule_has_a_scene_or_a_reason)                                                                          \
    CHECK(what_a_scene_shows_is_looked_for)                                                                            \
    CHECK(a_list_of_scenes_is_the_callers_own)                                                                         \
    CHECK(an_unknown_scene_is_an_error)                                                                                \
    CHECK(pictures_of_scenes)                                                                                          \
    CHECK(labels_have_a_language_of_their_own)                                                                         \
    CHECK(six_participants_and_forty_messages)                                                                         \
    CHECK(no_text_becomes_markup)                                                                                      \
    CHECK(a_picture_is_bounded)                                                                                        \
    CHECK(an_empty_record_is_a_picture)

#define DEFINE(name)                                                                                                   \
    static void test_##name(void **unused)                                                                             \
    {                                                                                                                  \
        (void)unused;                                                                                                  \
        run_check(#name);                                                                                              \
    }
CHECKS(DEFINE)

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test(test_##name),
        CHECKS(ROW)
#undef ROW
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
