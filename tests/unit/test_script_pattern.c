// SPDX-License-Identifier: BSD-2-Clause
#include <lauxlib.h>
#include <lualib.h>

#include "script/base/pattern.h"
#include "test.h"

/* The bounded pattern functions do what Lua's own do: each case runs through both. */

static int setup(void **state)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    lua_newtable(L);
    pattern_open(L);
    lua_setglobal(L, "ours");
    *state = L;
    return 0;
}

static int teardown(void **state)
{
    lua_close(*state);
    return 0;
}

/* same(name, ...): both fail, or both give equal results. */
static const char SAME[] =
    "local function all(f, ...) return table.pack(pcall(f, ...)) end\n"
    "local function show(name, ...)\n"
    "  local out = {} for i = 1, select('#', ...) do out[i] = tostring((select(i, ...))) end\n"
    "  return name .. '(' .. table.concat(out, ', ') .. ')'\n"
    "end\n"
    "local function equal(a, b, told)\n"
    "  if a[1] ~= b[1] then error(told .. ': ' .. tostring(a[2]) .. ' or ' .. tostring(b[2])) end\n"
    "  if not a[1] then return end\n"
    "  if a.n ~= b.n then error(told .. ': number of results') end\n"
    "  for i = 1, a.n do if a[i] ~= b[i] or math.type(a[i]) ~= math.type(b[i]) then\n"
    "    error(told .. ': ' .. tostring(a[i]) .. ' or ' .. tostring(b[i])) end end\n"
    "end\n"
    "local function collect(gmatch) return function(...)\n"
    "  local out, n = {}, 0 for a, b in gmatch(...) do n = n + 1 out[n] = tostring(a) .. '|' .. tostring(b)\n"
    "  if n > 50 then break end end return table.concat(out, ';') end end\n"
    "function same(name, ...)\n"
    "  local stock, mine = string[name], ours[name]\n"
    "  if name == 'gmatch' then stock, mine = collect(stock), collect(mine) end\n"
    "  equal(all(stock, ...), all(mine, ...), show(name, ...))\n"
    "end\n";

static void run(lua_State *L, const char *chunk)
{
    if (luaL_dostring(L, SAME) != LUA_OK || luaL_dostring(L, chunk) != LUA_OK)
        fail_msg("%s", lua_tostring(L, -1));
}

static void test_known_cases(void **state)
{
    run(*state,
        "local cases = {\n"
        "  {'hello world', 'o w'}, {'hello', ''}, {'', ''}, {'', 'x'}, {'a.b', '.', 1, true}, {'a+b', '+', 1, true},\n"
        "  {'abc', 'b', 10}, {'abc', '', 4}, {'abc', '', 5}, {'abc', 'b', -2}, {'abc', 'b', -10}, {'abc', 'b', 0},\n"
        "  {'key = value', '^(%w+)%s*=%s*(%w+)$'}, {'THE (quick) fox', '%((%a+)%)'}, {'f(a(b)c)d', '%b()'},\n"
        "  {'THE (quick) fox', '%f[%a]%a+%f[%A]'}, {'\"it\\'s\"', '([\"\\'])(.-)%1'}, {'abc', '()b()'},\n"
        "  {'[[x]]', '[]]'}, {'a]b', '[^]]'}, {'a-b', '[a-]'}, {'x^y', '[x^]+'}, {'a\\0b', '%z'}, {'a\\0b', '\\0'},\n"
        "  {'aaa', 'a-$'}, {'aaab', 'a*ab'}, {'ab', 'a?ab'}, {'x', '%'}, {'x', '['}, {'x', '[a'}, {'x', '(x'},\n"
        "  {'x', 'x)'}, {'x', '%1'}, {'x', '(%1)'}, {'x', '%b'}, {'x', '%f'}, {'x', '[%'}, {'x', '[%a-z]'},\n"
        "  {('a'):rep(300), ('a?'):rep(300)}, {('x'):rep(40), ('(x)'):rep(33)}, {('x'):rep(40), ('(x)'):rep(32)},\n"
        "  {'sip:bob@example.com;transport=tcp', '^sips?:([^@]+)@([^;:]+):?(%d*)'}, {'a\\nb', '.-\\n'},\n"
        "  {'\\228\\246', '[\\200-\\255]+'}, {'abc', '[c-a]'}, {'a', '[a-%%]'}, {'%', '%%'}, {'x', 'x', 'no'},\n"
        "  {7, 7}, {'x'}, {nil, 'x'}, {'x', {}},\n"
        "}\n"
        "for _, case in ipairs(cases) do\n"
        "  same('find', table.unpack(case, 1, 4)) same('match', table.unpack(case, 1, 3))\n"
        "  same('gmatch', table.unpack(case, 1, 3)) same('gsub', case[1], case[2], '<%0>')\n"
        "end\n");
}

static void test_replacements(void **state)
{
    run(*state,
        "same('gsub', 'hello world', 'o', '0') same('gsub', 'hello', '', '-') same('gsub', 'abc', '%w', '%0%0', 2)\n"
        "same('gsub', 'abc', 'b', '%%') same('gsub', 'abc', 'b', '%2') same('gsub', 'abc', '(b)', '%1%1')\n"
        "same('gsub', 'abc', 'b', '%') same('gsub', 'abc', 'b', '%x') same('gsub', 'abc', 'b', 7)\n"
        "same('gsub', 'abc', '()b', '%1') same('gsub', 'abc', '^a', 'x') same('gsub', 'aaa', '^a', 'x')\n"
        "same('gsub', '$name is $age', '%$(%w+)', {name = 'Bob', age = 7})\n"
        "same('gsub', 'abc', '%w', {b = false, c = true}) same('gsub', 'abc', '%w', {b = {}})\n"
        "same('gsub', 'abc', '%w', function(c) if c == 'b' then return 'X' end end)\n"
        "same('gsub', 'abc', '(%w)(%w)', function(a, b) return b .. a end)\n"
        "same('gsub', 'abc', 'b', function() return {} end) same('gsub', 'abc', 'b', function() error 'x' end)\n"
        "same('gsub', 'abc', 'b') same('gsub', 'abc', 'b', true) same('gsub', 'abc', 'b', 'x', 0)\n"
        "same('gsub', 'abc', 'b', 'x', -1) same('gsub', 'abc', '.-', '<%0>') same('gsub', 'a b', '%s*', '-')\n");
}

/* Two hundred thousand patterns of the letters that mean something, on short subjects. */
static void test_random_patterns_match_as_lua_does(void **state)
{
    run(*state, "math.randomseed(20240601)\n"
                "local function pick(letters, most)\n"
                "  local out = {} for i = 1, math.random(0, most) do\n"
                "    local at = math.random(#letters) out[i] = letters:sub(at, at) end\n"
                "  return table.concat(out)\n"
                "end\n"
                "local random = math.random\n"
                "for i = 1, 200000 do\n"
                "  local subject = pick('aab1 ()', 9)\n"
                "  local pattern = pick('aab1.%%[]()*+-?^$fbdwsS', 9)\n"
                "  local kind = i % 4\n"
                "  if kind == 0 then same('find', subject, pattern, random(-3, 5))\n"
                "  elseif kind == 1 then same('match', subject, pattern, random(-3, 5))\n"
                "  elseif kind == 2 then same('gmatch', subject, pattern)\n"
                "  else same('gsub', subject, pattern, pick('x%%01', 4), random(0, 4)) end\n"
                "end\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_known_cases),
        TEST(test_replacements),
        TEST(test_random_patterns_match_as_lua_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
