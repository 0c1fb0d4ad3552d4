// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "script/bind/bind.h"

/* Lua's allocator, that fails from one call on. */
struct scarce {
    size_t calls, fail_after; /* 0: never */
    size_t bytes;
};

static void *scarce_allocate(void *context, void *old, size_t old_size, size_t new_size)
{
    struct scarce *scarce = context;
    size_t had = old != NULL ? old_size : 0;
    if (new_size == 0) {
        scarce->bytes -= had;
        free(old);
        return NULL;
    }
    scarce->calls++;
    if (scarce->fail_after != 0 && scarce->calls >= scarce->fail_after && new_size > had)
        return NULL;
    void *block = realloc(old, new_size);
    if (block != NULL)
        scarce->bytes += new_size - had;
    return block;
}

static int explain_and_compare(lua_State *L)
{
    luaL_openlibs(L);
    lua_newtable(L);
    reflow_bind_explain(L);
    lua_getfield(L, -1, "explain");
    lua_pushinteger(L, 486);
    lua_call(L, 1, 1);
    lua_pop(L, 1);
    lua_getfield(L, -1, "compare");
    lua_pushinteger(L, 486);
    lua_pushinteger(L, 600);
    lua_pushliteral(L, "es");
    lua_call(L, 3, 1);
    lua_getfield(L, -1, "text");
    return 1;
}

/* LUA_OK, an error status, or -1 where not even the state could be made. Nothing is left allocated. */
static int try_with(struct scarce *scarce)
{
    lua_State *L = lua_newstate(scarce_allocate, scarce);
    int status = -1;
    if (L != NULL) {
        lua_pushcfunction(L, explain_and_compare);
        status = lua_pcall(L, 0, 1, 0);
        if (status == LUA_OK)
            assert_true(lua_rawlen(L, -1) > 1000);
        lua_close(L);
    }
    assert_int_equal(scarce->bytes, 0);
    return status;
}

static void test_nothing_is_asked_of_the_stack_but_the_table(void **unused)
{
    lua_State *L = luaL_newstate();
    (void)unused;
    assert_non_null(L);
    luaL_openlibs(L);
    lua_pushliteral(L, "below");
    lua_newtable(L);
    assert_int_equal(reflow_bind_explain(L), 0);
    assert_int_equal(lua_gettop(L), 2);
    assert_int_equal(lua_getfield(L, 2, "explain"), LUA_TFUNCTION);
    assert_int_equal(lua_getfield(L, 2, "compare"), LUA_TFUNCTION);
    lua_close(L);
}

static void test_memory_that_runs_out_anywhere_raises_and_leaks_nothing(void **unused)
{
    struct scarce plenty = {0};
    (void)unused;
    assert_int_equal(try_with(&plenty), LUA_OK);
    size_t step = plenty.calls / 400 + 1;
    for (size_t fail_after = 1; fail_after < plenty.calls; fail_after += step) {
        struct scarce scarce = {.fail_after = fail_after};
        assert_int_not_equal(try_with(&scarce), LUA_ERRRUN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_asked_of_the_stack_but_the_table),
        cmocka_unit_test(test_memory_that_runs_out_anywhere_raises_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
