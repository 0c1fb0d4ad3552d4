// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/code.h"
#include "script_fixture.h"

/* Versions of several layers: whose hook is asked when, and what one layer can see of another. */

struct layered {
    struct script_fixture f;
    char root[64];
    struct layer layers[4];
    size_t count;
};

static int setup(void **state)
{
    struct layered *l = calloc(1, sizeof *l);
    fixture_create(&l->f);
    temporary_path(l->root, sizeof l->root, "reflow-layers-XXXXXX");
    assert_non_null(mkdtemp(l->root));
    *state = l;
    return 0;
}

static int teardown(void **state)
{
    struct layered *l = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", l->root);
    assert_int_equal(system(command), 0);
    fixture_destroy(&l->f);
    free(l);
    return 0;
}

static void write_file(const struct layered *l, const char *folder, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", l->root, folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/lib", l->root, folder);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/%s/%s", l->root, folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* One more layer of one file. */
static void add_layer(struct layered *l, const char *name, int32_t priority, const char *tenant, const char *text)
{
    struct layer *layer = &l->layers[l->count++];
    *layer = (struct layer){.priority = priority};
    snprintf(layer->name, sizeof layer->name, "%s", name);
    snprintf(layer->tenant, sizeof layer->tenant, "%s", tenant);
    snprintf(layer->path, sizeof layer->path, "%s/%s", l->root, name);
    write_file(l, name, "a.lua", text);
}

static int build(struct layered *l)
{
    struct script_config config = {.host = &l->f.fake.host, .limits = l->f.limits};
    struct sources *sources;
    script_release(l->f.script);
    l->f.script = NULL;
    l->f.error[0] = '\0';
    assert_int_equal(sources_read(&sources, &l->f.fake.host, l->layers, l->count, NULL, l->f.error, sizeof l->f.error),
                     0);
    int error = script_new_of(&l->f.script, &config, sources, l->f.error, sizeof l->f.error);
    if (error == 0)
        assert_ptr_equal(script_sources(l->f.script), sources);
    sources_release(sources);
    return error;
}

static void load(struct layered *l)
{
    if (build(l) != 0)
        fail_msg("%s", l->f.error);
}

static void assert_code(struct layered *l, uint32_t response, uint16_t code)
{
    assert_int_equal(fixture_respond(&l->f, response), SCRIPT_VERDICT);
    assert_int_equal(l->f.verdict.code, code);
}

static void test_the_layer_of_the_higher_priority_is_asked_first(void **state)
{
    struct layered *l = *state;
    add_layer(l, "base", 5, "", "sip_on_response('*', function() return sip_fail(480) end)");
    add_layer(l, "site", 1, "", "sip_on_response(486, function() return sip_fail(600) end, {priority = 99})");
    load(l);
    assert_code(l, 486, 480);
    l->layers[1].priority = 6;
    load(l);
    assert_code(l, 486, 600);
    assert_code(l, 487, 480);
}

static void test_of_two_layers_alike_the_later_is_asked_first(void **state)
{
    struct layered *l = *state;
    add_layer(l, "base", 3, "", "sip_on_response(486, function() return sip_fail(480) end)");
    add_layer(l, "site", 3, "", "sip_on_response('4xx', function() return sip_fail(600) end)");
    load(l);
    assert_code(l, 486, 600);
}

static void test_a_tenants_hooks_are_asked_for_its_domain_alone(void **state)
{
    struct layered *l = *state;
    add_layer(l, "base", 0, "", "sip_on_response(486, function() return sip_fail(480) end)");
    add_layer(l, "tenant", 9, "Example.COM", "sip_on_response(486, function() return sip_fail(600) end)");
    load(l);
    static const struct text inside[] = {{"sip:bob@example.com", 19},
                                         {"sips:bob@EXAMPLE.com:5061", 25},
                                         {"sip:example.com", 15},
                                         {"sip:bob@example.com;x=1", 23}};
    static const struct text outside[] = {{"sip:bob@example.org", 19},
                                          {"sip:bob@a.example.com", 21},
                                          {"sip:bob@example.com.x", 21},
                                          {"sip:example.com@other", 21},
                                          {"sip:bob@[2001:db8::1]", 21},
                                          {"sip:bob@example.co", 18},
                                          {"", 0},
                                          {"tel", 3}};
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        l->f.call.aor = inside[i];
        assert_code(l, 486, 600);
    }
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        l->f.call.aor = outside[i];
        assert_code(l, 486, 480);
    }
    snprintf(l->layers[1].tenant, sizeof l->layers[1].tenant, "2001:db8::1");
    load(l);
    l->f.call.aor = TEXT("sip:bob@[2001:db8::1]:5060");
    assert_code(l, 486, 600);
}

static void test_a_tenants_hook_for_credentials_is_asked_for_its_realm_alone(void **state)
{
    struct layered *l = *state;
    char ha1[DIGEST_HEX_MOST];
    struct script_credentials asked = {TEXT("bob@evil.example"), TEXT("example.com"), DIGEST_MD5};
    add_layer(l, "tenant", 9, "example.com", "sip_on_credentials(function() return ('1'):rep(32) end)");
    add_layer(l, "other", 9, "2001:db8::1", "sip_on_credentials(function() return ('2'):rep(32) end)");
    load(l);
    assert_int_equal(script_on_credentials(l->f.script, &asked, ha1), SCRIPT_VERDICT);
    assert_int_equal(ha1[0], '1');
    asked.realm = TEXT("2001:db8::1");
    assert_int_equal(script_on_credentials(l->f.script, &asked, ha1), SCRIPT_VERDICT);
    assert_int_equal(ha1[0], '2');
    asked.realm = TEXT("evil.example");
    assert_int_equal(script_on_credentials(l->f.script, &asked, ha1), SCRIPT_NO_HOOK);
}

static void test_a_tenant_without_a_call_of_its_own_hears_nothing(void **state)
{
    struct layered *l = *state;
    add_layer(l, "tenant", 9, "example.org",
              "sip_on_request(function() return sip_reply(600) end)\n"
              "sip_on_flow_down(function(flow) sip_log('told %s', flow.aor) end)");
    load(l);
    assert_int_equal(fixture_request(&l->f), SCRIPT_NO_HOOK);
    script_on_flow(l->f.script, HOOK_FLOW_DOWN, &(struct script_flow){.aor = TEXT("sip:bob@example.com")});
    assert_string_equal(l->f.fake.last_log, "");
    script_on_flow(l->f.script, HOOK_FLOW_DOWN, &(struct script_flow){.aor = TEXT("sip:bob@example.org")});
    assert_string_equal(l->f.fake.last_log, "tenant example.org: told sip:bob@example.org");
}

static void test_require_finds_the_library_of_its_own_layer_alone(void **state)
{
    struct layered *l = *state;
    add_layer(l, "base", 0, "",
              "local trunks = require 'trunks' assert(trunks.of == 'base' and require 'trunks' == trunks)\n"
              "assert(require 'deep.er' == 'deeper' and require 'reflow'.BUSY_HERE == 486)\n"
              "assert(require 'empty' == true)");
    add_layer(l, "site", 0, "",
              "assert(require 'trunks'.of == 'site' and require 'reflow' == require 'reflow')\n"
              "local there, why = pcall(require, 'deep.er') assert(not there, 'the base has it')\n"
              "sip_on_response(486, function() return sip_fail(480) end) trouble = why");
    write_file(l, "base", "lib/trunks.lua", "return {of = 'base', sip = sip_fail}");
    write_file(l, "base", "lib/empty.lua", "local nothing = nil return nothing");
    char deep[200];
    snprintf(deep, sizeof deep, "%s/base/lib/deep", l->root);
    mkdir(deep, 0700);
    write_file(l, "base", "lib/deep/er.lua", "return 'deeper'");
    write_file(l, "site", "lib/trunks.lua", "return {of = 'site'}");
    load(l);
    assert_code(l, 486, 480);
}

static void test_no_path_leads_out_of_the_library(void **state)
{
    static const char *const names[] = {"/etc/passwd", "../a",         "..a",    "a",      "lib.trunks",
                                        "trunks.lua",  "base.trunks",  "",       ".",      "deep/er",
                                        "trunks\\0x",  "reflow.trunk", "spec.x", "trunks."};
    struct layered *l = *state;
    char text[200];
    add_layer(l, "base", 0, "", "");
    write_file(l, "base", "lib/trunks.lua", "return 1");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(text, sizeof text, "require '%s'", names[i]);
        write_file(l, "base", "a.lua", text);
        assert_int_equal(build(l), strcmp(names[i], "trunks\\0x") == 0 ? 0 : -EINVAL);
    }
    write_file(l, "base", "lib/trunks.lua", "return require 'trunks'");
    write_file(l, "base", "a.lua", "require 'trunks'");
    assert_int_equal(build(l), -EINVAL);
    assert_non_null(strstr(l->f.error, "requires itself"));
    assert_non_null(strstr(l->f.error, "base/lib/trunks.lua:1"));
}

/* Whatever a tenant does to its globals and libraries, the base does not see it. */
static void test_layers_have_globals_of_their_own(void **state)
{
    struct layered *l = *state;
    add_layer(l, "tenant", -1, "",
              "shared = 1 sip_fail = nil string.format = nil string.rep = error table.concat = nil math = nil\n"
              "require 'reflow'.fail = error _G.tostring = nil rawset(_G, 'pairs', error)");
    add_layer(
        l, "base", 0, "",
        "assert(rawget(_G, 'shared') == nil and _G ~= nil)\n"
        "sip_on_response(486, function()\n"
        "  local sip = require 'reflow'\n"
        "  for _ in pairs({1}) do end\n"
        "  local code = tostring(math.max(1, 480)) .. string.format('%s', '') .. table.concat({}) .. (''):rep(2)\n"
        "  return sip.fail(tonumber(code) // 1 | 0)\n"
        "end)\n"
        "sip_on_response(487, function() return sip_fail(600) end)");
    load(l);
    assert_code(l, 486, 480);
    assert_code(l, 487, 600);
}

static void test_an_error_of_a_layer_names_its_file(void **state)
{
    struct layered *l = *state;
    add_layer(l, "base", 0, "", "sip_on_response(486, sip_accept)");
    add_layer(l, "site", 0, "", "\n\nerror 'broken'");
    assert_int_equal(build(l), -EINVAL);
    assert_non_null(strstr(l->f.error, "site/a.lua:3: broken"));
    assert_null(l->f.script);
}

struct listing {
    char text[2000];
    size_t most;
};

static bool list(void *context, const struct script_hook_info *info)
{
    struct listing *listing = context;
    size_t length = strlen(listing->text);
    snprintf(listing->text + length, sizeof listing->text - length, "%.*s %.*s %.*s %d %d %.*s %s %u/%u\n",
             (int)info->layer.length, info->layer.at, (int)info->place.length, info->place.at,
             (int)info->selector.length, info->selector.at, info->layer_priority, info->priority,
             (int)info->on_error.length, info->on_error.at, info->off ? "off" : "on", (unsigned)info->failures,
             (unsigned)info->entries);
    return --listing->most != 0;
}

static const char *explain(struct layered *l, struct listing *listing, enum hook hook, uint32_t code, size_t most)
{
    *listing = (struct listing){.most = most};
    assert_int_equal(script_explain(l->f.script, hook, code, METHOD_INVITE, l->f.call.aor, list, listing), 0);
    return listing->text;
}

static void test_explain_lists_the_hooks_as_they_are_asked(void **state)
{
    struct layered *l = *state;
    struct listing text;
    add_layer(l, "base", 0, "",
              "sip_on_response('*', function() end)\n"
              "sip_on_response('4xx', function() error 'x' end, {on_error = 'next', priority = 3})\n"
              "sip_on_response({from = 480, to = 489}, function() end, {on_error = 503})\n"
              "sip_on_request(function() end) sip_on_request('INVITE', function() end)\n"
              "sip_on_request('MESSAGE', function() end)");
    add_layer(l, "t", 7, "example.com",
              "\nsip_on_response(486, function()\nend, {on_error = 'previous'})\n"
              "sip_on_response(481, sip_accept)");
    add_layer(l, "u", 9, "example.org", "sip_on_response(486, function() end)");
    load(l);
    assert_int_equal(fixture_respond(&l->f, 486), SCRIPT_ERROR);
    assert_string_equal(explain(l, &text, HOOK_RESPONSE, 486, 9), "t t/a.lua:2 486 7 0 previous on 0/1\n"
                                                                  "base base/a.lua:3 480-489 0 0 503 on 0/1\n"
                                                                  "base base/a.lua:2 4xx 0 3 next on 1/1\n"
                                                                  "base base/a.lua:1 * 0 0 core on 0/1\n");
    assert_string_equal(explain(l, &text, HOOK_RESPONSE, 486, 1), "t t/a.lua:2 486 7 0 previous on 0/1\n");
    assert_string_equal(explain(l, &text, HOOK_RESPONSE, 700, 9), "");
    assert_string_equal(explain(l, &text, HOOK_REQUEST, 0, 9), "base base/a.lua:4 INVITE 0 0 core on 0/0\n"
                                                               "base base/a.lua:4 * 0 0 core on 0/0\n");
    assert_non_null(strstr(explain(l, &text, HOOK_RESPONSE, 481, 9), "t t/a.lua:4 481 7 0 core on 0/0\n"));
    l->f.call.aor = TEXT("sip:a@other");
    assert_string_equal(explain(l, &text, HOOK_RESPONSE, 500, 9), "base base/a.lua:1 * 0 0 core on 0/1\n");
    assert_int_equal(script_explain(l->f.script, HOOK_COUNT, 0, METHOD_INVITE, l->f.call.aor, list, &text), -EINVAL);
}

/* Whatever allocation fails first while two layers load, everything is given back. */
static void test_layers_under_stepped_allocation_failure(void **state)
{
    struct layered *l = *state;
    struct script_config config = {.host = &l->f.fake.host, .limits = l->f.limits};
    struct sources *sources;
    add_layer(l, "base", 0, "", "local x = require 'x' sip_on_response(486, function() return x end)");
    add_layer(l, "t", 7, "example.com", "sip_emergency{'112'} sip_on_response('4xx', function() end)");
    write_file(l, "base", "lib/x.lua", "return sip_fail(480)");
    assert_int_equal(sources_read(&sources, &l->f.fake.host, l->layers, 2, NULL, l->f.error, sizeof l->f.error), 0);
    size_t before = l->f.fake.allocated;
    for (uint64_t nth = 1;; nth++) {
        l->f.fake.fail_after = l->f.fake.calls + nth;
        int error = script_new_of(&l->f.script, &config, sources, l->f.error, sizeof l->f.error);
        l->f.fake.fail_after = 0;
        if (error == 0)
            break;
        assert_int_equal(error, -ENOMEM);
        assert_int_equal(l->f.fake.allocated, before);
        assert_true(nth < 100000);
    }
    sources_release(sources);
    assert_code(l, 486, 480);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_layer_of_the_higher_priority_is_asked_first),
        TEST(test_of_two_layers_alike_the_later_is_asked_first),
        TEST(test_a_tenants_hooks_are_asked_for_its_domain_alone),
        TEST(test_a_tenants_hook_for_credentials_is_asked_for_its_realm_alone),
        TEST(test_a_tenant_without_a_call_of_its_own_hears_nothing),
        TEST(test_require_finds_the_library_of_its_own_layer_alone),
        TEST(test_no_path_leads_out_of_the_library),
        TEST(test_layers_have_globals_of_their_own),
        TEST(test_an_error_of_a_layer_names_its_file),
        TEST(test_explain_lists_the_hooks_as_they_are_asked),
        TEST(test_layers_under_stepped_allocation_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
