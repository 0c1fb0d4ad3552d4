// SPDX-License-Identifier: BSD-2-Clause
#include "script_fixture.h"

#include "core/code.h"

/* What the schema offers is there in routing scripts: every row is read in a hook, by its name. */

#define QUOTED(name) "\"" #name "\","

static const char functions[] =
#define SCHEMA_HOOK
#define SCHEMA_VERDICT
#define SCHEMA_CARRY
#define SCHEMA_CLASSES
#define SCHEMA_CODE
#define SCHEMA_DECIDE
#define SCHEMA_EXPLAIN
#define SCHEMA_HELPER
#define SCHEMA_MESSAGE
#define SCHEMA_LOG
#define SCHEMA_GLOBALS
#define FUNCTION(name, function, arguments, returns, what) QUOTED(name)
#include "script/engine/schema.def"
    "";

static const char store_functions[] =
#define SCHEMA_STORE
#define ENTRY(name, function, arguments, returns, what) QUOTED(name)
#include "script/engine/schema.def"
    "";

static const char call_members[] =
#define SCHEMA_CALL
#define FIELD(name, getter, type, what)                  QUOTED(name)
#define METHOD(name, function, arguments, returns, what) QUOTED(name)
#include "script/engine/schema.def"
    "";

static const char reply_members[] =
#define SCHEMA_REPLY
#define FIELD(name, getter, type, what)                  QUOTED(name)
#define METHOD(name, function, arguments, returns, what) QUOTED(name)
#include "script/engine/schema.def"
    "";

static const char decision_members[] =
#define SCHEMA_DECISION
#define SCHEMA_FLAGS
#define FIELD(name, getter, type, what) QUOTED(name)
#define FLAG(name, what)                QUOTED(name)
#include "script/engine/schema.def"
    "";

static const char flow_members[] =
#define SCHEMA_FLOW
#define FIELD(name, getter, type, what) QUOTED(name)
#include "script/engine/schema.def"
    "";

struct stage {
    struct script_fixture fixture;
    char source[8192];
};

/* `program` with the names in place of its %s. */
static void load(struct stage *stage, const char *program, const char *names)
{
    size_t length = (size_t)snprintf(stage->source, sizeof stage->source, program, names);
    assert_in_range(length, 1, sizeof stage->source - 1);
    if (fixture_load(&stage->fixture, stage->source) != 0)
        fail_msg("%s", stage->fixture.error);
}

static void assert_respond(struct stage *stage)
{
    enum script_outcome outcome = fixture_respond(&stage->fixture, SIP_BUSY_HERE);
    if (outcome != SCRIPT_VERDICT)
        fail_msg("outcome %d: %s", (int)outcome, stage->fixture.fake.last_log);
}

static void test_every_function_is_a_member_and_a_global(void **unused)
{
    struct stage stage;
    (void)unused;
    fixture_create(&stage.fixture);
    load(&stage,
         "local sip = require 'reflow'\n"
         "for _, name in ipairs {%s} do\n"
         "  assert(type(sip[name]) == 'function', name)\n"
         "  if name ~= 'globals' then assert(_G['sip_' .. name] == sip[name], name) end\n"
         "end",
         functions);
    load(&stage,
         "local sip = require 'reflow'\n"
         "for _, name in ipairs {%s} do assert(type(sip.store[name]) == 'function', name) end",
         store_functions);
    fixture_destroy(&stage.fixture);
}

static void test_every_member_of_a_call_can_be_read(void **unused)
{
    struct stage stage;
    (void)unused;
    fixture_create(&stage.fixture);
    load(&stage,
         "sip_on_response('*', function(reply, call)\n"
         "  for _, name in ipairs {%s} do local _ = call[name] end\n"
         "  assert(not pcall(function() return call.nothing end))\n"
         "  return sip_accept()\n"
         "end)",
         call_members);
    assert_respond(&stage);
    fixture_destroy(&stage.fixture);
}

static void test_every_member_of_a_reply_can_be_read(void **unused)
{
    struct stage stage;
    (void)unused;
    fixture_create(&stage.fixture);
    load(&stage,
         "sip_on_response('*', function(reply)\n"
         "  for _, name in ipairs {%s} do local _ = reply[name] end\n"
         "  assert(not pcall(function() return reply.nothing end))\n"
         "  return sip_accept()\n"
         "end)",
         reply_members);
    assert_respond(&stage);
    fixture_destroy(&stage.fixture);
}

static void test_every_member_of_a_decision_can_be_read(void **unused)
{
    struct stage stage;
    (void)unused;
    fixture_create(&stage.fixture);
    load(&stage,
         "sip_on_response('*', function(reply, call, decision)\n"
         "  for _, name in ipairs {%s} do local _ = decision[name] end\n"
         "  assert(not pcall(function() return decision.nothing end))\n"
         "  return sip_accept()\n"
         "end)",
         decision_members);
    assert_respond(&stage);
    fixture_destroy(&stage.fixture);
}

static void test_every_member_of_a_flow_can_be_read(void **unused)
{
    struct stage stage;
    struct script_counters counters;
    const struct script_flow flow = {.flow = TEXT("tcp 127.0.0.1:5060-127.0.0.1:40112 #17"), .reg_id = 1};
    (void)unused;
    fixture_create(&stage.fixture);
    load(&stage,
         "sip_on_flow_down(function(flow)\n"
         "  for _, name in ipairs {%s} do local _ = flow[name] end\n"
         "  assert(not pcall(function() return flow.nothing end))\n"
         "end)",
         flow_members);
    script_on_flow(stage.fixture.script, HOOK_FLOW_DOWN, &flow);
    script_counters(stage.fixture.script, &counters);
    assert_int_equal(counters.entries, 1);
    assert_int_equal(counters.errors, 0);
    fixture_destroy(&stage.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_function_is_a_member_and_a_global),
        cmocka_unit_test(test_every_member_of_a_call_can_be_read),
        cmocka_unit_test(test_every_member_of_a_reply_can_be_read),
        cmocka_unit_test(test_every_member_of_a_decision_can_be_read),
        cmocka_unit_test(test_every_member_of_a_flow_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
