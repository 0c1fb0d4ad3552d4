// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <lauxlib.h>
#include <lua.h>

#include "cli/base/json.h"

static const char *const keys[] = {"first", "second", "list", NULL};

static void assert_string_json(struct text text, const char *expected)
{
    char *written = NULL;
    size_t length;
    FILE *out = open_memstream(&written, &length);
    assert_non_null(out);
    json_string(out, text);
    fclose(out);
    assert_string_equal(written, expected);
    free(written);
}

static void test_strings_are_escaped(void **unused)
{
    (void)unused;
    assert_string_json(TEXT(""), "\"\"");
    assert_string_json(TEXT("plain"), "\"plain\"");
    assert_string_json(TEXT("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    assert_string_json(TEXT("\n\t\0\x1f\x7f"), "\"\\u000a\\u0009\\u0000\\u001f\\u007f\"");
    assert_string_json(TEXT("Descripci\xc3\xb3n"), "\"Descripci\xc3\xb3n\"");
}

/* The JSON of the value that a Lua chunk returns. */
static void assert_lua_json(const char *chunk, const char *expected)
{
    lua_State *L = luaL_newstate();
    char *written = NULL;
    size_t length;
    FILE *out = open_memstream(&written, &length);
    assert_non_null(L);
    assert_non_null(out);
    assert_int_equal(luaL_dostring(L, chunk), LUA_OK);
    int top = lua_gettop(L);
    json_lua(out, L, top, keys, 0);
    assert_int_equal(lua_gettop(L), top);
    fclose(out);
    assert_string_equal(written, expected);
    free(written);
    lua_close(L);
}

static void test_plain_values(void **unused)
{
    (void)unused;
    assert_lua_json("return 486", "486");
    assert_lua_json("return true", "true");
    assert_lua_json("return false", "false");
    assert_lua_json("return 'a\"b'", "\"a\\\"b\"");
}

static void test_tables(void **unused)
{
    (void)unused;
    assert_lua_json("return {}", "[]");
    assert_lua_json("return {1, 'x'}", "[\n  1,\n  \"x\"\n]");
    assert_lua_json("return {second = 2, first = 'a', unknown = 3}", "{\n  \"first\": \"a\",\n  \"second\": 2\n}");
    assert_lua_json("return {list = {{first = 1}}}", "{\n  \"list\": [\n    {\n      \"first\": 1\n    }\n  ]\n}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_are_escaped),
        cmocka_unit_test(test_plain_values),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
