// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "script_fixture.h"

/* What hooks get as request, call, reply, decision and flow. */

/* Runs the expression in a hook for 486 with reply, call, decision; its tostring is what is compared. */
static void assert_value(struct script_fixture *f, const char *expression, const char *expected)
{
    char text[500];
    snprintf(text, sizeof text, "sip_on_response('*', function(reply, call, decision) sip_log('%%s', %s) end)",
             expression);
    fixture_must_load(f, text);
    if (fixture_respond(f, 486) != SCRIPT_DEFAULT)
        fail_msg("%s", f->fake.last_log);
    assert_string_equal(f->fake.last_log, expected);
}

static void assert_fails(struct script_fixture *f, const char *body, const char *reason)
{
    char text[500];
    snprintf(text, sizeof text, "sip_on_response('*', function(reply, call, decision) %s end)", body);
    fixture_must_load(f, text);
    assert_int_equal(fixture_respond(f, 486), SCRIPT_ERROR);
    if (strstr(f->fake.last_log, reason) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->fake.last_log, reason);
}

static void test_a_call_has_its_fields(void **state)
{
    struct script_fixture *f = *state;
    fake_host_advance(&f->fake, 1500);
    assert_value(f, "call.method", "INVITE");
    assert_value(f, "call.uri", "sip:bob@example.com");
    assert_value(f, "call.from", "sip:alice@example.com");
    assert_value(f, "call.to", "sip:bob@example.com");
    assert_value(f, "call.call_id", "fixture@127.0.0.1");
    assert_value(f, "call.cseq", "7");
    assert_value(f, "call.aor", "sip:bob@example.com");
    assert_value(f, "call.source", "udp:127.0.0.1:5070");
    assert_value(f, "call.user", "nil");
    assert_value(f, "call.registered", "false");
    assert_value(f, "call.trunk", "nil");
    f->call.user = TEXT("alice@example.com");
    f->call.registered = true;
    f->call.trunk = TEXT("203.0.113.0/24");
    assert_value(f, "call.user", "alice@example.com");
    assert_value(f, "call.registered", "true");
    assert_value(f, "call.trunk", "203.0.113.0/24");
    assert_value(f, "call.age", "1.5");
    assert_value(f, "call.body", "nil");
    assert_value(f, "tostring(call)", "sip call");
}

static void test_a_call_has_its_headers(void **state)
{
    struct script_fixture *f = *state;
    assert_value(f, "call:header('x-color')", "green");
    assert_value(f, "call:header('X-Color', 2)", "blue, white");
    assert_value(f, "call:header('X-Color', 3)", "nil");
    assert_value(f, "call:header('X-None')", "nil");
    assert_value(f, "call:header('i')", "fixture@127.0.0.1");
    assert_value(f, "(function() local n = 0 for name, value in call:headers() do n = n + #name end return n end)()",
                 "60");
    assert_fails(f, "call:header('X-Color', 0)", "number 1");
    assert_fails(f, "call:header()", "string expected");
    assert_fails(f, "call.header('X-Color')", "call or reply expected: write call:header(name), with a colon");
}

static void test_objects_cannot_be_changed(void **state)
{
    struct script_fixture *f = *state;
    assert_fails(f, "(function() call.uri = 'sip:x@y' end)()", "a call cannot be changed: a hook returns a verdict");
    assert_fails(f, "(function() reply.code = 200 end)()", "a reply cannot be changed");
    assert_fails(f, "(function() decision.mine = 1 end)()", "a decision cannot be changed");
    assert_fails(f, "(function() getmetatable(call).__newindex = nil end)()", "");
}

static void test_a_reply_has_its_fields(void **state)
{
    struct script_fixture *f = *state;
    assert_value(f, "reply.code", "486");
    assert_value(f, "reply.phrase", "Busy Here");
    assert_value(f, "reply.method", "INVITE");
    assert_value(f, "reply.origin", "wire");
    assert_value(f, "reply.destination", "127.0.0.1:5080");
    assert_value(f, "reply.flow", "tcp 127.0.0.1:5060-127.0.0.1:40112 #17");
    assert_value(f, "reply.instance", "urn:uuid:1");
    assert_value(f, "reply.branches", "1");
    assert_value(f, "reply.retry_after", "nil");
    assert_value(f, "reply.reg_id", "nil");
    assert_value(f, "reply:header('Contact')", "nil");
    assert_value(f, "reply.body", "nil");
    f->facts.has_retry_after = true;
    f->facts.reg_id = 2;
    f->facts.flows_left = 3;
    f->facts.provisional_seen = true;
    f->facts.in_dialog = true;
    f->state.targets_left = 4;
    f->reply.flow = (struct text){0};
    assert_value(f, "reply.retry_after", "0");
    assert_value(f, "reply.reg_id", "2");
    assert_value(f, "reply.flows_left", "3");
    assert_value(f, "reply.targets_left", "4");
    assert_value(f, "reply.provisional_seen", "true");
    assert_value(f, "reply.in_dialog", "true");
    assert_value(f, "reply.flow", "nil");
    f->reply.message = f->request;
    assert_value(f, "reply:header('X-Color')", "green");
}

static void test_a_decision_has_its_fields(void **state)
{
    struct script_fixture *f = *state;
    f->state.branches_pending = 1;
    assert_value(f, "decision.action", "hold");
    assert_value(f, "decision.code", "486");
    assert_value(f, "decision.status", "nil");
    assert_value(f, "decision.drop", "nil");
    assert_value(f, "decision.flows_left", "0");
    assert_value(f, "decision.targets_left", "0");
    assert_value(f, "decision.wait_min", "0.0");
    assert_value(f, "decision.rest", "nil");
    assert_value(f, "decision.ack", "true");
    assert_value(f, "decision.cancel_rest", "false");
    assert_value(f, "decision.why == sip_decide(reply).why", "true");
    assert_value(f, "decision.rule == sip_decide(reply).rule", "true");
}

static void test_what_is_no_field_is_an_error(void **state)
{
    struct script_fixture *f = *state;
    assert_fails(f, "return reply.cod", "a reply has no field 'cod'");
    assert_fails(f, "return call.aoor", "a call has no field 'aoor'");
    assert_fails(f, "return decision.acton", "a decision has no field 'acton'");
    assert_fails(f, "return reply[1]", "a reply has no field '1'");
    assert_fails(f, "return reply[nil]", "string expected");
    assert_fails(f, "reply.code = 200", "cannot be changed");
    assert_fails(f, "return sip_is_success(call)", "code or reply expected");
    assert_fails(f, "return #reply", "attempt to get length");
}

static void test_a_kept_object_raises_and_reads_nothing(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, "local kept = {}\n"
                         "sip_on_response(486, function(reply, call, decision)\n"
                         "  kept[1], kept[2], kept[3], kept[4] = reply, call, decision, call:headers()\n"
                         "end)\n"
                         "sip_on_response(487, function(reply) return kept[1].code end)\n"
                         "sip_on_response(488, function(reply) return kept[2]:header('X-Color') end)\n"
                         "sip_on_response(480, function(reply) return kept[3].action end)\n"
                         "sip_on_response(481, function(reply) return kept[4]() end)\n"
                         "sip_on_response(482, function(reply) return sip_is_success(kept[1]) end)\n"
                         "sip_on_response(483, function(reply) return sip_decide(kept[1]) end)\n"
                         "sip_on_response(484, function(reply) return tostring(kept[1]) end)\n");
    assert_int_equal(fixture_respond(f, 486), SCRIPT_DEFAULT);
    static const uint16_t codes[] = {487, 488, 480, 481, 482, 483, 484};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_int_equal(fixture_respond(f, codes[i]), SCRIPT_ERROR);
        assert_non_null(strstr(f->fake.last_log, "is over: it was kept past the hook"));
    }
}

/* sip_log's upvalue is the C library's string.format; __gc, metatables and the like must not open the objects. */
static void test_objects_cannot_be_taken_apart(void **state)
{
    struct script_fixture *f = *state;
    assert_value(f, "getmetatable(reply)", "false");
    assert_value(f, "getmetatable(sip_accept())", "false");
    assert_value(f, "pcall(setmetatable, reply, {})", "false");
    assert_value(f, "reply == reply and reply ~= call", "true");
    assert_value(f, "type(reply)", "userdata");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_call_has_its_fields),         TEST(test_a_call_has_its_headers),
        TEST(test_a_call_has_its_fields),         TEST(test_objects_cannot_be_changed),
        TEST(test_a_reply_has_its_fields),        TEST(test_a_decision_has_its_fields),
        TEST(test_what_is_no_field_is_an_error),  TEST(test_a_kept_object_raises_and_reads_nothing),
        TEST(test_objects_cannot_be_taken_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
