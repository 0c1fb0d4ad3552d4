// SPDX-License-Identifier: BSD-2-Clause
#include <time.h>

#include <lauxlib.h>
#include <lualib.h>

#include "core/decide.h"
#include "script/engine/engine.h"
#include "script/engine/reflow.h"
#include "script_fixture.h"

/* One line a figure: figure, value, baseline, ratio, target of the ratio, reached or missed. Both of a pair run in
   turns, and the medians are compared. */

enum { ROUNDS = 41, CALLS = 300000, ENTRIES = 100000 };

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

static void print_figure(const char *figure, double *ours, double *theirs, double target)
{
    double value = median(ours), baseline = median(theirs);
    printf("%s\t%.1f ns\t%.1f ns\t%.2f\t%.2f\t%s\n", figure, value, baseline, value / baseline, target,
           value / baseline <= target ? "reached" : "missed");
}

static int empty(lua_State *L)
{
    (void)L;
    return 0;
}

static const char LOOP[] = "local sip = ...\n"
                           "return function(n) for _ = 1, n do sip.is_success(200) end end,\n"
                           "  function(n) for _ = 1, n do sip.empty(200) end end\n";

/* Nanoseconds a call of the loop function at this index of the stack. */
static double time_loop(lua_State *L, int index)
{
    lua_pushvalue(L, index);
    lua_pushinteger(L, CALLS);
    double begin = now_ns();
    lua_call(L, 1, 0);
    return (now_ns() - begin) / CALLS;
}

static void bench_is_success(void)
{
    double ours[ROUNDS], theirs[ROUNDS];
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    if (luaL_loadstring(L, LOOP) != LUA_OK)
        abort();
    luaL_requiref(L, "reflow", luaopen_reflow, 0);
    lua_pushcfunction(L, empty);
    lua_setfield(L, -2, "empty");
    lua_call(L, 1, 2);
    for (int i = 0; i < ROUNDS; i++) {
        ours[i] = time_loop(L, -2);
        theirs[i] = time_loop(L, -1);
    }
    print_figure("sip.is_success(200), to an empty C function", ours, theirs, 2.0);
    lua_close(L);
}

/* A hook that reads three fields and returns a verdict, to the bare protected call of an empty Lua function. */
static void bench_hook(void)
{
    double ours[ROUNDS], theirs[ROUNDS];
    struct script_fixture fixture;
    fixture_create(&fixture);
    if (fixture_load(&fixture, "sip_on_response(486, function(reply, call, decision)\n"
                               "  if reply.code == 486 and call.method == 'INVITE' and decision.action then\n"
                               "    return sip_accept()\n"
                               "  end\n"
                               "end)\n") != 0)
        abort();
    lua_State *L = luaL_newstate();
    lua_pushcfunction(L, empty);
    if (luaL_loadstring(L, "return") != LUA_OK)
        abort();
    for (int i = 0; i < ROUNDS; i++) {
        double begin = now_ns();
        for (int k = 0; k < ENTRIES; k++)
            if (fixture_respond(&fixture, 486) != SCRIPT_VERDICT)
                abort();
        ours[i] = (now_ns() - begin) / ENTRIES;
        begin = now_ns();
        for (int k = 0; k < ENTRIES; k++) {
            lua_pushvalue(L, -1);
            if (lua_pcall(L, 0, 0, 1) != LUA_OK)
                abort();
        }
        theirs[i] = (now_ns() - begin) / ENTRIES;
    }
    print_figure("response hook of three fields and a verdict, to a bare lua_pcall", ours, theirs, 20.0);
    lua_close(L);
    fixture_destroy(&fixture);
}

/* A version of a script from file to hooks, to a bare state with the standard libraries. */
static void bench_load(void)
{
    double ours[ROUNDS], theirs[ROUNDS];
    struct script_fixture fixture;
    fixture_create(&fixture);
    for (int i = 0; i < ROUNDS; i++) {
        double begin = now_ns();
        if (fixture_load(&fixture, "sip_on_response(486, function() return sip_accept() end)\n") != 0)
            abort();
        ours[i] = now_ns() - begin;
        begin = now_ns();
        lua_State *L = luaL_newstate();
        luaL_openlibs(L);
        lua_close(L);
        theirs[i] = now_ns() - begin;
    }
    print_figure("load of a script, to a bare Lua state with its libraries", ours, theirs, 20.0);
    fprintf(stderr, "memory of a small script: %zu bytes\n", fixture.fake.allocated);
    fixture_destroy(&fixture);
}

/* What the hook does is the same in both: a test and a count. */
#define SMALL_HOOK                                                                                                     \
    "local counts = {}\n"                                                                                              \
    "local function hook(reply, call, decision)\n"                                                                     \
    "  if reply and call and decision and sip_is_client_error(486) then\n"                                             \
    "    local count = (counts[486] or 0) + 1\n"                                                                       \
    "    counts[486] = count < 1000 and count or 0\n"                                                                  \
    "  end\n"                                                                                                          \
    "end\n"

static int add_traceback(lua_State *L)
{
    luaL_traceback(L, L, lua_tostring(L, 1), 1);
    return 1;
}

/* A plain state with the functions; its stack: the handler, then the hook's reference is returned. */
static lua_State *new_plain_state(int *reference)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    luaL_requiref(L, "reflow", luaopen_reflow, 0);
    lua_getfield(L, -1, "globals");
    lua_call(L, 0, 0);
    lua_settop(L, 0);
    lua_pushcfunction(L, add_traceback);
    if (luaL_dostring(L, SMALL_HOOK "return hook") != LUA_OK)
        abort();
    *reference = luaL_ref(L, LUA_REGISTRYINDEX);
    return L;
}

static void enter_bare(lua_State *L, int reference)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, reference);
    for (uintptr_t i = 1; i <= 3; i++)
        lua_pushlightuserdata(L, (void *)i); // NOLINT: as the objects of hooks are
    if (lua_pcall(L, 3, 1, 1) != LUA_OK)
        abort();
    lua_pop(L, 1);
}

static void enter_limited(struct script_fixture *fixture)
{
    if (script_on_response(fixture->script, &fixture->call, &fixture->reply, &fixture->decision, &fixture->verdict) !=
        SCRIPT_DEFAULT)
        abort();
}

static void bench_entry(void)
{
    double ours[ROUNDS], theirs[ROUNDS];
    struct script_fixture fixture;
    int reference;
    fixture_create(&fixture);
    if (fixture_load(&fixture, SMALL_HOOK "sip_on_response(486, hook)\n") != 0)
        abort();
    lua_State *L = new_plain_state(&reference);
    fixture.facts.code = 486;
    fixture.decision = decide(&fixture.facts, &fixture.state);
    for (int i = 0; i < ROUNDS; i++) {
        double begin = now_ns();
        for (int k = 0; k < ENTRIES; k++)
            enter_limited(&fixture);
        ours[i] = (now_ns() - begin) / ENTRIES;
        begin = now_ns();
        for (int k = 0; k < ENTRIES; k++)
            enter_bare(L, reference);
        theirs[i] = (now_ns() - begin) / ENTRIES;
    }
    print_figure("hook entered under all limits, to a bare lua_pcall of it with a traceback", ours, theirs, 1.15);
    lua_close(L);
    fixture_destroy(&fixture);
}

/* How long after its budget an endless loop is back: the worst of many, in the thread's own time. */
static void bench_stop(void)
{
    enum { STOPS = 20, BUDGET_MS = 20, TARGET_MS = 25 };
    double worst = 0;
    struct timespec begin, end;
    struct script_fixture fixture;
    fixture_create(&fixture);
    if (fixture_load(&fixture, "sip_on_response('*', function() while true do pcall(error) end end)\n") != 0)
        abort();
    fixture_set_time(&fixture, BUDGET_MS);
    for (int i = 0; i < STOPS; i++) {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
        enum script_outcome outcome = fixture_respond(&fixture, 486);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
        if (outcome != SCRIPT_OVERRUN)
            abort();
        fake_host_advance(&fixture.fake, 61000); // its breaker forgets
        double took = (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
        worst = took - BUDGET_MS > worst ? took - BUDGET_MS : worst;
    }
    printf("a runaway hook is stopped, after its budget of %d ms\t%.1f ms\t%d ms\t%.2f\t%d ms\t%s\n", BUDGET_MS, worst,
           BUDGET_MS, worst / BUDGET_MS, TARGET_MS, worst <= TARGET_MS ? "reached" : "missed");
    fixture_destroy(&fixture);
}

int main(void)
{
    bench_entry();
    bench_stop();
    bench_is_success();
    bench_hook();
    bench_load();
    return 0;
}
