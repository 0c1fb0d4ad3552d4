// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "script_fixture.h"

/* sip.store in hooks: the host's store, shared and lasting, or the version's own. */
struct store_fixture {
    struct script_fixture script;
    struct store *store;
    struct script *other;
};

static int setup(void **state)
{
    struct store_fixture *f = calloc(1, sizeof *f);
    fixture_create(&f->script);
    assert_int_equal(store_new(&f->store, &f->script.fake.host, NULL), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct store_fixture *f = *state;
    script_release(f->script.script);
    f->script.script = NULL;
    script_release(f->other);
    store_delete(f->store);
    fixture_destroy(&f->script);
    free(f);
    return 0;
}

/* A version with this text on the shared store. */
static int load(struct store_fixture *f, struct script **out, const char *text)
{
    struct script_config config = {.host = &f->script.fake.host, .limits = f->script.limits, .store = f->store};
    struct layer layer = {.priority = 0};
    struct sources *sources;
    fixture_write(&f->script, text, strlen(text));
    snprintf(layer.path, sizeof layer.path, "%s", f->script.path);
    assert_int_equal(sources_read(&sources, config.host, &layer, 1, NULL, f->script.error, sizeof f->script.error), 0);
    script_release(*out);
    *out = NULL;
    int code = script_new_of(out, &config, sources, f->script.error, sizeof f->script.error);
    sources_release(sources);
    return code;
}

static uint16_t answer(struct store_fixture *f, struct script *script)
{
    struct script_verdict verdict = {0};
    assert_int_equal(script_on_request(script, &f->script.call, &verdict), SCRIPT_VERDICT);
    return verdict.code;
}

static const char counting[] = "sip_on_request(function() return sip_reply(400 + require'reflow'.store.add('n')) end)";

static void test_the_store_outlives_a_version(void **state)
{
    struct store_fixture *f = *state;
    int64_t value = 0;
    assert_int_equal(load(f, &f->script.script, counting), 0);
    assert_int_equal(answer(f, f->script.script), 401);
    assert_int_equal(answer(f, f->script.script), 402);
    assert_int_equal(load(f, &f->script.script, counting), 0);
    assert_int_equal(answer(f, f->script.script), 403);
    assert_int_equal(store_count(f->store, TEXT("n"), &value), 0);
    assert_int_equal(value, 3);
}

static void test_versions_side_by_side_share_the_store(void **state)
{
    struct store_fixture *f = *state;
    assert_int_equal(load(f, &f->script.script, counting), 0);
    assert_int_equal(load(f, &f->other, counting), 0);
    assert_int_equal(answer(f, f->script.script), 401);
    assert_int_equal(answer(f, f->other), 402);
    assert_int_equal(answer(f, f->script.script), 403);
}

static void test_what_loading_stores_is_there_for_the_hooks(void **state)
{
    struct store_fixture *f = *state;
    assert_int_equal(load(f, &f->script.script,
                          "local store = require'reflow'.store store.put('code', 486, 5)\n"
                          "sip_on_request(function() return sip_reply(store.get('code') or 404) end)"),
                     0);
    assert_int_equal(answer(f, f->script.script), 486);
    fake_host_advance(&f->script.fake, 5000);
    assert_int_equal(answer(f, f->script.script), 404);
}

static void test_without_a_store_of_the_host_a_version_has_its_own(void **state)
{
    struct store_fixture *f = *state;
    assert_int_equal(fixture_load(&f->script, counting), 0);
    assert_int_equal(answer(f, f->script.script), 401);
    assert_int_equal(answer(f, f->script.script), 402);
    assert_int_equal(fixture_load(&f->script, counting), 0);
    assert_int_equal(answer(f, f->script.script), 401);
    assert_int_equal(store_entries(f->store), 0);
}

/* It is the script's memory then, and at the cap the store says so. */
static void test_a_store_of_its_own_counts_for_the_cap(void **state)
{
    struct store_fixture *f = *state;
    f->script.limits.memory = 1 << 20;
    f->script.limits.load_ms = 10000;
    assert_int_equal(fixture_load(&f->script, "local store = require'reflow'.store\n"
                                              "local big, code = ('x'):rep(4000)\n"
                                              "for i = 1, 1000 do\n"
                                              "  local kept, why, c = store.put('n' .. i, big)\n"
                                              "  if not kept then code = c break end\n"
                                              "end\n"
                                              "assert(code == 'ENOMEM', code)\n"
                                              "assert(store.get('n1') == big)\n"),
                     0);
    assert_true(f->script.fake.allocated < 4 << 20);
}

static void test_layers_cannot_change_the_store_for_each_other(void **state)
{
    struct store_fixture *f = *state;
    assert_int_equal(load(f, &f->script.script,
                          "local sip = require'reflow'\n"
                          "assert(not pcall(function() sip.store.get = print end))\n"
                          "assert(not pcall(rawset, sip.store, 'get', print))\n"
                          "assert(not pcall(setmetatable, sip.store, {}))\n"
                          "assert(getmetatable(sip.store) == false)\n"),
                     0);
}

static void test_what_a_script_did_not_store_is_not_read_as_its_own(void **state)
{
    struct store_fixture *f = *state;
    static const char *const values[] = {"", "text", "i123", "f", "b", "i123456789", "b11"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_int_equal(store_put(f->store, TEXT("plain"), text_of(values[i]), 0), 0);
        assert_int_equal(load(f, &f->script.script,
                              "local value, why, code = require'reflow'.store.get('plain')\n"
                              "assert(value == nil and code == 'EBADMSG', tostring(value))"),
                         0);
    }
}

static void test_members_come_whole_from_a_large_set(void **state)
{
    struct store_fixture *f = *state;
    char member[32];
    f->script.limits.load_ms = 10000;
    for (unsigned i = 1; i <= 5000; i++) {
        snprintf(member, sizeof member, "member %u", i);
        assert_int_equal(store_insert(f->store, TEXT("all"), text_of(member), i % 2 ? 1000 : 0), 0);
    }
    fake_host_advance(&f->script.fake, 1000);
    assert_int_equal(load(f, &f->script.script,
                          "local store, sum = require'reflow'.store, 0\n"
                          "local members = store.members('all')\n"
                          "assert(#members == 2500 and store.size('all') == 2500, #members)\n"
                          "for _, member in ipairs(members) do sum = sum + tonumber(member:match('%d+$')) end\n"
                          "assert(sum == 2500 * 2501, sum)\n"),
                     0);
}

/* Every allocation fails in its turn: the script hears of it, or fails as a whole, and nothing is lost or leaks. */
static void test_without_memory_nothing_leaks(void **state)
{
    struct store_fixture *f = *state;
    unsigned failed = 0;
    enum script_outcome outcome;
    do {
        assert_int_equal(fixture_load(&f->script, "local store = require'reflow'.store\n"
                                                  "sip_on_request(function()\n"
                                                  "  store.add('c') store.put('v', ('x'):rep(500))\n"
                                                  "  store.insert('s', 'm')\n"
                                                  "  assert(store.members('s')[1] == 'm')\n"
                                                  "  return sip_drop()\n"
                                                  "end)"),
                         0);
        f->script.fake.fail_after = f->script.fake.calls + ++failed;
        outcome = fixture_request(&f->script);
        f->script.fake.fail_after = 0;
        assert_int_not_equal(outcome, SCRIPT_OVERRUN);
    } while (outcome != SCRIPT_VERDICT && failed < 200);
    assert_true(failed > 3 && failed < 200);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH(test_the_store_outlives_a_version),
        WITH(test_versions_side_by_side_share_the_store),
        WITH(test_what_loading_stores_is_there_for_the_hooks),
        WITH(test_without_a_store_of_the_host_a_version_has_its_own),
        WITH(test_a_store_of_its_own_counts_for_the_cap),
        WITH(test_layers_cannot_change_the_store_for_each_other),
        WITH(test_what_a_script_did_not_store_is_not_read_as_its_own),
        WITH(test_members_come_whole_from_a_large_set),
        WITH(test_without_memory_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
