// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <limits.h>

#include "script/engine/carry_tree.h"
#include "script/policy/policy.h"
#include "script_fixture.h"

/* One version saves, another one, from another text, restores. */
struct carry_fixture {
    struct script_fixture script;
    struct script *next;
    struct text blob;
};

static int setup(void **state)
{
    struct carry_fixture *f = calloc(1, sizeof *f);
    fixture_create(&f->script);
    *state = f;
    return 0;
}

static void forget(struct carry_fixture *f)
{
    if (f->script.script != NULL)
        script_saved_free(f->script.script, f->blob);
    f->blob = (struct text){0};
    script_release(f->next);
    f->next = NULL;
}

static int teardown(void **state)
{
    struct carry_fixture *f = *state;
    forget(f);
    fixture_destroy(&f->script);
    free(f);
    return 0;
}

static void assert_says(const struct carry_fixture *f, const char *part)
{
    if (strstr(f->script.error, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->script.error, part);
    assert_null(strchr(f->script.error, '\n'));
}

/* What script_save makes of a function's body. */
static int save(struct carry_fixture *f, const char *body)
{
    char text[1200];
    forget(f);
    snprintf(text, sizeof text, "sip_save(function() %s end)", body);
    assert_int_equal(fixture_load(&f->script, text), 0);
    return script_save(f->script.script, &f->blob, f->script.error, sizeof f->script.error);
}

static int restore_whole(struct carry_fixture *f, const char *text)
{
    fixture_write(&f->script, text, strlen(text));
    script_release(f->next);
    f->next = NULL;
    assert_int_equal(script_new(&f->next, &f->script.fake.host, &f->script.limits, f->script.path, f->script.error,
                                sizeof f->script.error),
                     0);
    return script_restore(f->next, f->blob, f->script.error, sizeof f->script.error);
}

static int restore(struct carry_fixture *f, const char *body)
{
    char text[1200];
    snprintf(text, sizeof text, "sip_restore(function(data, schema) %s end)", body);
    return restore_whole(f, text);
}

static void test_a_version_hands_on_what_it_keeps(void **state)
{
    struct carry_fixture *f = *state;
    assert_int_equal(save(f, "return {calls = {'a', 'b', {n = 3}}, [7] = true, [2.5] = -1, [false] = 'no', "
                             "big = math.maxinteger, small = math.mininteger, whole = 5.0, half = 0.5, "
                             "bytes = 'x\\0y\\255', none = {}, inf = math.huge}, 3"),
                     0);
    assert_true(f->blob.length > 0 && f->blob.length < 200);
    assert_int_equal(restore(f, "assert(schema == 3) assert(math.type(schema) == 'integer') "
                                "assert(#data.calls == 3 and data.calls[2] == 'b' and data.calls[3].n == 3) "
                                "assert(data[7] == true and data[2.5] == -1 and data[false] == 'no') "
                                "assert(data.big == math.maxinteger and data.small == math.mininteger) "
                                "assert(math.type(data.whole) == 'float' and data.whole == 5 and data.half == 0.5) "
                                "assert(data.bytes == 'x\\0y\\255' and #data.bytes == 4) "
                                "assert(next(data.none) == nil and data.inf == math.huge) "
                                "local n = 0 for _ in pairs(data) do n = n + 1 end assert(n == 11, n)"),
                     0);
}

static void test_the_schema_is_a_number_a_string_or_nothing(void **state)
{
    struct carry_fixture *f = *state;
    assert_int_equal(save(f, "return {}, 'calls 2'"), 0);
    assert_int_equal(restore(f, "assert(schema == 'calls 2')"), 0);
    assert_int_equal(save(f, "return {}"), 0);
    assert_int_equal(restore(f, "assert(schema == nil)"), 0);
    assert_int_equal(save(f, "return {}, 1.5"), 0);
    assert_int_equal(restore(f, "assert(schema == 1.5)"), 0);
    assert_int_equal(save(f, "return {}, {}"), -EINVAL);
    assert_says(f, "the schema, which is the second value, is a table");
    assert_int_equal(f->blob.length, 0);
}

static void test_data_need_not_be_a_table(void **state)
{
    struct carry_fixture *f = *state;
    assert_int_equal(save(f, "return 'word'"), 0);
    assert_int_equal(restore(f, "assert(data == 'word')"), 0);
    assert_int_equal(save(f, "return false"), 0);
    assert_int_equal(restore(f, "assert(data == false)"), 0);
}

static void test_nothing_saved_is_nothing_to_restore(void **state)
{
    struct carry_fixture *f = *state;
    assert_int_equal(fixture_load(&f->script, "sip_on_request(function() end)"), 0);
    assert_int_equal(script_save(f->script.script, &f->blob, NULL, 0), 0);
    assert_int_equal(f->blob.length, 0);
    assert_int_equal(restore(f, "error('not to be called')"), 0);
    assert_int_equal(save(f, "return nil, 3"), 0);
    assert_int_equal(f->blob.length, 0);
    assert_int_equal(save(f, ""), 0);
    assert_int_equal(f->blob.length, 0);
}

static void test_a_version_without_restore_takes_nothing_over(void **state)
{
    struct carry_fixture *f = *state;
    assert_int_equal(save(f, "return {1, 2, 3}"), 0);
    assert_int_equal(restore_whole(f, "sip_on_request(function() end)"), 0);
}

static void test_what_cannot_be_kept_is_named_by_its_path(void **state)
{
    static const struct {
        const char *body, *path;
    } cases[] = {
        {"return {calls = {1, 2, print}}", "data.calls[3] is a function: only tables, strings, numbers and booleans"},
        {"return {a = {['x y'] = {[true] = function() end}}}", "data.a[\"x y\"][true] is a function"},
        {"return {[1.5] = {[-2] = sip_accept()}}", "data[1.5][-2] is a userdata"},
        {"local t = {} t.inner = {again = t} return t", "data.inner.again is a table that contains itself"},
        {"return {[{}] = 1}", "data[a table] has a key that is not a string, number or boolean"},
        {"return {m = setmetatable({}, {})}", "data.m is a table with a metatable"},
        {"return print", "data is a function"},
        {"return {['\\n'] = print}", "data[\"?\"] is a function"},
        {"return {[('x'):rep(100)] = print}", "data[\"xxxxxxxx"},
    };
    struct carry_fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(save(f, cases[i].body), -EINVAL);
        assert_says(f, cases[i].path);
        assert_says(f, "sip.save()");
        assert_int_equal(f->blob.length, 0);
    }
}

static void test_one_table_in_two_places_is_no_cycle(void **state)
{
    struct carry_fixture *f = *state;
    assert_int_equal(save(f, "local t = {5} return {a = t, b = t}"), 0);
    assert_int_equal(restore(f, "assert(data.a[1] == 5 and data.b[1] == 5 and data.a ~= data.b)"), 0);
}

static void test_the_depth_is_bounded(void **state)
{
    struct carry_fixture *f = *state;
    static const char nest[] = "local top = {} local t = top for i = 2, %d do t.t = {} t = t.t end return top";
    char body[200];
    snprintf(body, sizeof body, nest, CARRY_DEPTH_MOST);
    assert_int_equal(save(f, body), 0);
    assert_int_equal(restore(f, "local n = 0 while data do n = n + 1 data = data.t end assert(n == 32, n)"), 0);
    snprintf(body, sizeof body, nest, CARRY_DEPTH_MOST + 1);
    assert_int_equal(save(f, body), -EINVAL);
    assert_says(f, "is more than 32 tables deep");
    assert_says(f, "data.t.t.t");
}

static void test_the_size_is_bounded(void **state)
{
    struct carry_fixture *f = *state;
    assert_int_equal(save(f, "local s = ('x'):rep(1024) local t = {} for i = 1, 1000 do t[i] = s end return t"), 0);
    assert_true(f->blob.length > 1000 * 1024 && f->blob.length <= CARRY_BYTES_MOST);
    assert_int_equal(restore(f, "assert(#data == 1000 and #data[1000] == 1024)"), 0);
    assert_int_equal(save(f, "local s = ('x'):rep(1024) local t = {} for i = 1, 1024 do t[i] = s end return t"),
                     -EINVAL);
    assert_says(f, "is past the 1 MiB that a version may hand on");
    assert_says(f, "data[102");
    assert_int_equal(save(f, "local t = {} for i = 1, 25 do t = {t, t} end return t"), -EINVAL);
    assert_says(f, "is past the 1 MiB");
}

static void test_false_or_an_error_refuses(void **state)
{
    struct carry_fixture *f = *state;
    assert_int_equal(save(f, "return {}, 2"), 0);
    assert_int_equal(restore(f, "return false"), -ECANCELED);
    assert_says(f, "sip.restore(): refused: it returned false");
    assert_int_equal(restore(f, "return false, 'schema ' .. schema .. ' is unknown'"), -ECANCELED);
    assert_says(f, "refused: schema 2 is unknown");
    assert_int_equal(restore(f, "local calls = data.calls.first"), -ECANCELED);
    assert_says(f, "attempt to index a nil value");
    assert_int_equal(restore(f, "error({})"), -ECANCELED);
    assert_int_equal(restore(f, "return nil"), 0);
    assert_int_equal(restore(f, "return true"), 0);
    assert_int_equal(restore(f, "return 0"), 0);
}

static void test_an_error_while_saving_is_told(void **state)
{
    struct carry_fixture *f = *state;
    assert_int_equal(save(f, "local t = nil + 1"), -EINVAL);
    assert_says(f, "attempt to perform arithmetic on a nil value");
    assert_int_equal(f->blob.length, 0);
}

static void test_both_run_under_the_limits(void **state)
{
    struct carry_fixture *f = *state;
    f->script.limits.memory = 2 << 20;
    fixture_set_time(&f->script, 20);
    assert_int_equal(save(f, "while true do pcall(function() while true do end end) end"), -ETIME);
    assert_says(f, "ran past its time");
    fixture_set_time(&f->script, FIXTURE_LIMITS.time_ms);
    assert_int_equal(save(f, "local t = {} for i = 1, 1e7 do t[i] = i end return t"), -ENOMEM);
    assert_says(f, "not enough memory");
    assert_int_equal(save(f, "return {}"), 0);
    fixture_set_time(&f->script, 20);
    assert_int_equal(restore(f, "while true do end"), -ETIME);
    fixture_set_time(&f->script, FIXTURE_LIMITS.time_ms);
    assert_int_equal(restore(f, "local t = {} for i = 1, 1e7 do t[i] = i end"), -ENOMEM);
    assert_int_equal(restore(f, ""), 0);
}

static void test_a_hook_goes_on_after_a_save_that_failed(void **state)
{
    struct carry_fixture *f = *state;
    assert_int_equal(fixture_load(&f->script, "sip_save(function() return {print} end) "
                                              "sip_on_request(function() return sip_reply(486) end)"),
                     0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(script_save(f->script.script, &f->blob, f->script.error, sizeof f->script.error), -EINVAL);
        assert_int_equal(fixture_request(&f->script), SCRIPT_VERDICT);
        assert_int_equal(f->script.verdict.code, 486);
    }
}

static void test_functions_are_given_once_and_while_loading(void **state)
{
    struct carry_fixture *f = *state;
    assert_int_equal(fixture_load(&f->script, "sip_save(function() end) sip_save(function() end)"), -EINVAL);
    assert_says(f, "sip.save() has its function already");
    assert_int_equal(fixture_load(&f->script, "sip_restore(5)"), -EINVAL);
    assert_says(f, "function expected");
    assert_int_equal(
        fixture_load(&f->script,
                     "sip_on_request(function() return pcall(sip_save, print) == false and sip_drop() end)"),
        0);
    assert_int_equal(fixture_request(&f->script), SCRIPT_VERDICT);
}

/* Each layer keeps its own: what one restores is not what another one saved. */
static void test_each_layer_has_what_it_saved_itself(void **state)
{
    struct carry_fixture *f = *state;
    struct script_config config = {.host = &f->script.fake.host, .limits = f->script.limits};
    struct sources *sources;
    struct layer layers[2] = {{.name = "base"}, {.name = "site"}};
    static const char text[] = "local seen = 0\n"
                               "sip_save(function() seen = seen + 1 return {seen} end)\n"
                               "sip_restore(function(data) seen = data[1] end)\n";
    snprintf(layers[0].path, sizeof layers[0].path, "%s", f->script.path);
    snprintf(layers[1].path, sizeof layers[1].path, "%s", f->script.path);
    fixture_write(&f->script, text, sizeof text - 1);
    assert_int_equal(sources_read(&sources, config.host, layers, 2, NULL, f->script.error, sizeof f->script.error), 0);
    assert_int_equal(script_new_of(&f->script.script, &config, sources, f->script.error, sizeof f->script.error), 0);
    assert_int_equal(script_new_of(&f->next, &config, sources, f->script.error, sizeof f->script.error), 0);
    sources_release(sources);
    assert_int_equal(script_save(f->script.script, &f->blob, f->script.error, sizeof f->script.error), 0);
    assert_non_null(memmem(f->blob.at, f->blob.length, "base", 4));
    assert_non_null(memmem(f->blob.at, f->blob.length, "site", 4));
    assert_int_equal(script_restore(f->next, f->blob, f->script.error, sizeof f->script.error), 0);
    script_saved_free(f->script.script, f->blob);
    assert_int_equal(script_save(f->next, &f->blob, f->script.error, sizeof f->script.error), 0);
    size_t counted = 0; // each layer's {2}, whose number is 4 with its sign behind it
    for (size_t i = 0; i + 1 < f->blob.length; i++)
        counted += f->blob.at[i] == 'i' && f->blob.at[i + 1] == 4;
    assert_int_equal(counted, 2);
}

/* --- at the swap --- */

static int swap(struct carry_fixture *f, struct policy *policy, const char *text)
{
    struct sources *sources;
    struct layer layer = {.name = "base"};
    char *error = f->script.error;
    snprintf(layer.path, sizeof layer.path, "%s", f->script.path);
    fixture_write(&f->script, text, strlen(text));
    assert_int_equal(sources_read(&sources, &f->script.fake.host, &layer, 1, NULL, error, sizeof f->script.error), 0);
    int code = policy_prepare(policy, sources, error, sizeof f->script.error);
    sources_release(sources);
    assert_int_equal(code, 0);
    code = policy_commit(policy, PLACE_ACTIVE, 0, error, sizeof f->script.error);
    if (code != 0)
        policy_abort(policy, error, true);
    return code;
}

static uint16_t ask(struct carry_fixture *f, struct policy *policy)
{
    struct policy_hold hold = {0};
    struct script_verdict verdict = {0};
    policy_take(policy, TEXT("call"), &hold);
    assert_int_equal(policy_on_request(&hold, &f->script.call, &verdict), SCRIPT_VERDICT);
    policy_release(&hold);
    return verdict.code;
}

/* Each version counts on where the one before stood; one that refuses what it is given is not taken, and the one that
   was to be replaced goes on as if nothing had been. */
static void test_a_refusal_leaves_the_version_in_use(void **state)
{
    static const char counting[] = "local seen = 400\n"
                                   "sip_save(function() return {seen = seen}, 1 end)\n"
                                   "sip_restore(function(data, schema)\n"
                                   "  if schema ~= %d then return false, 'schema ' .. schema end\n"
                                   "  seen = data.seen\n"
                                   "end)\n"
                                   "sip_on_request(function() seen = seen + 1 return sip_reply(seen) end)\n";
    struct carry_fixture *f = *state;
    struct policy_config config = {.host = &f->script.fake.host, .limits = f->script.limits};
    struct policy *policy;
    char first[600], second[640], refusing[600];
    snprintf(first, sizeof first, counting, 1);
    snprintf(second, sizeof second, "%s-- again", first);
    snprintf(refusing, sizeof refusing, counting, 2);
    assert_int_equal(policy_new(&policy, &config), 0);
    assert_int_equal(swap(f, policy, first), 0);
    assert_int_equal(ask(f, policy), 401);
    assert_int_equal(ask(f, policy), 402);
    assert_int_equal(swap(f, policy, second), 0);
    assert_int_equal(ask(f, policy), 403);
    assert_int_equal(swap(f, policy, refusing), -ECANCELED);
    assert_says(f, "sip.restore(): refused: schema 1");
    assert_int_equal(ask(f, policy), 404);
    policy_delete(policy);
}

/* Cut short anywhere, or with any byte changed, it is refused or read as something else: never past its end. */
static void test_what_is_damaged_is_refused(void **state)
{
    struct carry_fixture *f = *state;
    assert_int_equal(save(f, "return {calls = {'a', 'bb', {n = 300, f = 1.5}}, ok = true}, 'two'"), 0);
    assert_int_equal(restore(f, ""), 0);
    size_t length = f->blob.length;
    for (size_t cut = 1; cut < length; cut++) {
        char *part = malloc(cut);
        memcpy(part, f->blob.at, cut);
        int code = script_restore(f->next, (struct text){part, cut}, f->script.error, sizeof f->script.error);
        assert_int_equal(code, -EBADMSG);
        free(part);
    }
    assert_says(f, "damaged");
    char *changed = malloc(length);
    unsigned refused = 0;
    for (size_t at = 0; at < length; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            memcpy(changed, f->blob.at, length);
            changed[at] = (char)byte;
            int code = script_restore(f->next, (struct text){changed, length}, f->script.error, sizeof f->script.error);
            assert_true(code == 0 || code == -EBADMSG);
            refused += code != 0;
        }
    }
    assert_true(refused > length * 100);
    free(changed);
}

static void test_without_memory_nothing_is_lost(void **state)
{
    struct carry_fixture *f = *state;
    unsigned failed = 0;
    assert_int_equal(save(f, "local t = {} for i = 1, 200 do t[i] = 'call ' .. i end return t"), 0);
    size_t length = f->blob.length;
    script_saved_free(f->script.script, f->blob);
    for (uint64_t step = 1;; step++) {
        f->blob = (struct text){0};
        f->script.fake.fail_after = f->script.fake.calls + step;
        int code = script_save(f->script.script, &f->blob, f->script.error, sizeof f->script.error);
        f->script.fake.fail_after = 0;
        if (code == 0)
            break;
        assert_int_equal(code, -ENOMEM);
        assert_int_equal(f->blob.length, 0);
        failed++;
    }
    assert_int_equal(f->blob.length, length);
    assert_true(failed > 3);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH(test_a_version_hands_on_what_it_keeps),
        WITH(test_the_schema_is_a_number_a_string_or_nothing),
        WITH(test_data_need_not_be_a_table),
        WITH(test_nothing_saved_is_nothing_to_restore),
        WITH(test_a_version_without_restore_takes_nothing_over),
        WITH(test_what_cannot_be_kept_is_named_by_its_path),
        WITH(test_one_table_in_two_places_is_no_cycle),
        WITH(test_the_depth_is_bounded),
        WITH(test_the_size_is_bounded),
        WITH(test_false_or_an_error_refuses),
        WITH(test_an_error_while_saving_is_told),
        WITH(test_both_run_under_the_limits),
        WITH(test_a_hook_goes_on_after_a_save_that_failed),
        WITH(test_functions_are_given_once_and_while_loading),
        WITH(test_each_layer_has_what_it_saved_itself),
        WITH(test_a_refusal_leaves_the_version_in_use),
        WITH(test_what_is_damaged_is_refused),
        WITH(test_without_memory_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
