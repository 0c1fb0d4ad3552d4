// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <lauxlib.h>
#include <lua.h>

#include "base/json.h"
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
    assert_string_json(TEXT("\xc2\x80\xc2\x9f\xc2\xa0"), "\"\\u0080\\u009f\xc2\xa0\"");
}

/* RFC 8259 8.1: whatever a peer sends, the line is UTF-8. */
static void test_bytes_that_are_not_utf8_are_replaced(void **unused)
{
    static const char *const wrong[] = {
        "\x80", "\xfc", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88", "\xe2\x82"};
    (void)unused;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[16], expected[64] = "\"a";
        snprintf(text, sizeof text, "a%sb", wrong[i]);
        for (size_t n = strlen(wrong[i]); n > 0; n--)
            strcat(expected, "\\ufffd");
        strcat(expected, "b\"");
        assert_string_json(text_of(text), expected);
    }
    assert_string_json(TEXT("j\xfcrgen"), "\"j\\ufffdrgen\"");
}

/* --- objects --- */

struct lines {
    char bytes[256];
    size_t length;
};

static void put(void *context, struct text bytes)
{
    struct lines *lines = context;
    assert_true(lines->length + bytes.length < sizeof lines->bytes);
    memcpy(lines->bytes + lines->length, bytes.at, bytes.length);
    lines->length += bytes.length;
}

static void test_objects(void **unused)
{
    struct lines lines = {0};
    struct json json = {.put = put, .context = &lines};
    (void)unused;
    json_open(&json, NULL);
    json_open(&json, "none");
    json_close(&json);
    json_put_number(&json, "most", UINT64_MAX);
    json_open(&json, "inner");
    json_put_text(&json, "text", TEXT("a\"b"));
    json_put_true(&json, "flag");
    json_close(&json);
    json_quote(&json, "parts");
    json_put_part(&json, TEXT("x\n"));
    json_put_part(&json, TEXT(""));
    json_put_part(&json, TEXT("y"));
    json_unquote(&json);
    json_put_number(&json, "zero", 0);
    json_close(&json);
    assert_string_equal(lines.bytes, "{\"none\":{},\"most\":18446744073709551615,\"inner\":{\"text\":\"a\\\"b\","
                                     "\"flag\":true},\"parts\":\"x\\u000ay\",\"zero\":0}");
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
        cmocka_unit_test(test_bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_plain_values),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
