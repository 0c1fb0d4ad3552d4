// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <lauxlib.h>
#include <lua.h>

#include "script/base/embedded.h"

static void test_every_source_is_its_file(void **unused)
{
    (void)unused;
    assert_true(embedded_count() > 0);
    for (size_t i = 0; i < embedded_count(); i++) {
        struct embedded source = embedded_at(i);
        char path[128];
        snprintf(path, sizeof path, "lua/reflow/%s.lua", source.name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        char *bytes = malloc(source.length + 1);
        assert_non_null(bytes);
        assert_int_equal(fread(bytes, 1, source.length + 1, file), source.length);
        assert_memory_equal(bytes, source.start, source.length);
        free(bytes);
        fclose(file);
    }
}

static void test_every_source_loads_as_text(void **unused)
{
    (void)unused;
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    for (size_t i = 0; i < embedded_count(); i++) {
        struct embedded source = embedded_at(i);
        assert_int_equal(luaL_loadbufferx(L, source.start, source.length, source.name, "t"), LUA_OK);
    }
    lua_close(L);
}

static void test_find_by_name(void **unused)
{
    struct embedded source = {.name = "untouched"};
    (void)unused;
    assert_true(embedded_find("catalog/es", &source));
    assert_string_equal(source.name, "catalog/es");
    assert_true(source.length > 10000);
    source.name = "untouched";
    assert_false(embedded_find("catalog/xx", &source));
    assert_false(embedded_find("", &source));
    assert_string_equal(source.name, "untouched");
}

static void test_no_source_past_the_last(void **unused)
{
    (void)unused;
    assert_null(embedded_at(embedded_count()).name);
    assert_null(embedded_at((size_t)-1).name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_source_is_its_file),
        cmocka_unit_test(test_every_source_loads_as_text),
        cmocka_unit_test(test_find_by_name),
        cmocka_unit_test(test_no_source_past_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
