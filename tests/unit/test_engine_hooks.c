// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "core/code.h"
#include "script_fixture.h"

/* Each hook adds its letter to the log; the order in which they ran for a code is what is compared. */
static void assert_order(struct script_fixture *f, uint32_t code, const char *letters)
{
    assert_int_equal(fixture_respond(f, code), letters[0] != '\0' ? SCRIPT_VERDICT : SCRIPT_NO_HOOK);
    if (letters[0] != '\0')
        assert_string_equal(f->verdict.destination, letters);
}

/* `order` collects; the last hook, of the lowest priority, gives it out as a destination. */
#define COLLECT                                                                                                        \
    "local order = ''\n"                                                                                               \
    "local function mark(letter) return function() order = order .. letter end end\n"                                  \
    "local function give() local all = order order = '' return sip_rest(all, 1) end\n"                                 \
    "local last = {priority = -1}\n"

static void test_the_most_specific_selector_goes_first(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, COLLECT "sip_on_response('*', give, last)\n"
                                 "sip_on_response('*', mark 'a')\n"
                                 "sip_on_response(486, mark 'o')\n"
                                 "sip_on_response('4xx', mark 'c')\n"
                                 "sip_on_response({from = 480, to = 489}, mark 'r')\n");
    assert_order(f, 486, "orca");
    assert_order(f, 480, "rca");
    assert_order(f, 489, "rca");
    assert_order(f, 490, "ca");
    assert_order(f, 500, "a");
    assert_order(f, 180, "a");
    assert_order(f, 699, "a");
}

static void test_later_registrations_go_before_earlier_ones_of_the_same_kind(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, COLLECT
                      "sip_on_response('*', give, last)\n"
                      "sip_on_response(486, mark '1') sip_on_response(486, mark '2') sip_on_response(486, mark '3')\n");
    assert_order(f, 486, "321");
}

static void test_priority_orders_within_a_kind_only(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, COLLECT "sip_on_response('*', give, last)\n"
                                 "sip_on_response(486, mark 'h', {priority = 5}) sip_on_response(486, mark 'l')\n"
                                 "sip_on_response('4xx', mark 'c', {priority = 99})\n");
    assert_order(f, 486, "hlc");
}

static void test_a_list_is_a_list_and_runs_its_function_once(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, COLLECT "sip_on_response('*', give, last)\n"
                                 "sip_on_response({486, '4xx', 600}, mark 'l')\n");
    assert_order(f, 486, "l");
    assert_order(f, 404, "l");
    assert_order(f, 600, "l");
    assert_int_equal(fixture_respond(f, 603), SCRIPT_ERROR); // nothing was collected: sip_rest('') raises
}

static void test_unknown_selectors_are_refused_at_load(void **state)
{
    struct script_fixture *f = *state;
    static const char *const bad[] = {
        "99",         "700",         "486.5",        "'486'",      "'7xx'",
        "'4x'",       "'4xxx'",      "''",           "{}",         "{from = 500}",
        "true",       "{486, 'no'}", "{486, x = 1}", "{{486}}",    "{from = 599, to = 500}",
        "{to = 599}", "nil",         "-1",           "{486, 7e9}", "{from = 500, to = 599, 3}"};
    char text[128];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "sip_on_response(%s, function() end)", bad[i]);
        fixture_assert_refused(f, text, "unknown selector");
        fixture_assert_refused(f, text, ":1:");
    }
    fixture_assert_refused(f, "sip_on_response({500, 599}, function() end)", "a range is {from = 500, to = 599}");
    fixture_assert_refused(f, "sip_on_response(486)", "function expected");
    fixture_assert_refused(f, "sip_on_response(486, 'f')", "function expected");
}

static void test_options_are_checked(void **state)
{
    struct script_fixture *f = *state;
    fixture_assert_refused(f, "sip_on_success(function() end, {prority = 1})", "unknown option 'prority'");
    fixture_assert_refused(f, "sip_on_success(function() end, {priority = 'high'})", "whole number");
    fixture_assert_refused(f, "sip_on_success(function() end, {on_error = 'stop'})", "on_error");
    fixture_assert_refused(f, "sip_on_success(function() end, 7)", "table expected");
    fixture_assert_refused(f, "sip_on_request('invite', function() end)", "capitals");
    fixture_assert_refused(f, "sip_on_request('', function() end)", "capitals");
    fixture_assert_refused(f, "sip_on_flow_failed()", "no current reply");
}

static void test_hooks_are_registered_only_while_loading(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, "sip_on_response(486, function() sip_on_response(487, function() end) end)");
    assert_int_equal(fixture_respond(f, 486), SCRIPT_ERROR);
    assert_non_null(strstr(f->fake.last_log, "while the script loads"));
}

static void test_too_many_hooks_are_refused(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, "for i = 1, 1000 do sip_on_response('*', function() end) end");
    assert_int_equal(fixture_respond(f, 486), SCRIPT_DEFAULT);
    fixture_assert_refused(f, "for i = 1, 1001 do sip_on_response('*', function() end) end", "more than 1000 hooks");
}

static void test_no_hook_and_default_are_told_apart(void **state)
{
    struct script_fixture *f = *state;
    struct script_counters counters;
    fixture_must_load(f, "sip_on_response(486, function() end)");
    assert_int_equal(fixture_respond(f, 404), SCRIPT_NO_HOOK);
    assert_int_equal(fixture_respond(f, 486), SCRIPT_DEFAULT);
    assert_int_equal(fixture_respond(f, 7), SCRIPT_NO_HOOK);
    assert_int_equal(fixture_respond(f, 4294967295U), SCRIPT_NO_HOOK);
    assert_int_equal(fixture_request(f), SCRIPT_NO_HOOK);
    assert_int_equal(script_on_register(f->script, &f->call, &f->verdict), SCRIPT_NO_HOOK);
    script_counters(f->script, &counters);
    assert_int_equal(counters.entries, 1);
    assert_int_equal(counters.errors, 0);
}

static void test_a_failed_flow_comes_to_its_hook_from_any_origin(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(
        f, "sip_on_flow_failed(function(reply) sip_log('%d %s', reply.code, reply.origin) return sip_next_flow() end)");
    f->facts.origin = ORIGIN_FLOW_DOWN;
    assert_int_equal(fixture_respond(f, 0), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.kind, VERDICT_NEXT_FLOW);
    assert_string_equal(f->fake.last_log, "430 flow_down");
    f->facts.origin = ORIGIN_TRANSPORT;
    f->facts.on_flow = true;
    assert_int_equal(fixture_respond(f, 0), SCRIPT_VERDICT);
    f->facts.on_flow = false;
    assert_int_equal(fixture_respond(f, 0), SCRIPT_NO_HOOK);
    f->facts.origin = ORIGIN_WIRE;
    assert_int_equal(fixture_respond(f, 430), SCRIPT_VERDICT);
    f->facts.origin = ORIGIN_TIMEOUT;
    assert_int_equal(fixture_respond(f, 430), SCRIPT_NO_HOOK);
}

static void test_a_timeout_comes_as_408_and_a_dead_transport_as_503(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, "sip_on_response({408, 503}, function(reply) sip_log('%d %s', reply.code, reply.origin) end)");
    f->facts.origin = ORIGIN_TIMEOUT;
    assert_int_equal(fixture_respond(f, 0), SCRIPT_DEFAULT);
    assert_string_equal(f->fake.last_log, "408 timeout");
    f->facts.origin = ORIGIN_TRANSPORT;
    assert_int_equal(fixture_respond(f, 0), SCRIPT_DEFAULT);
    assert_string_equal(f->fake.last_log, "503 transport");
}

static void test_on_flow_failed_without_a_function_is_the_cores_decision(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, "sip_on_response(430, function() return sip_on_flow_failed() end)");
    assert_int_equal(fixture_respond(f, 430), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.kind, VERDICT_ACCEPT);
}

static void test_a_request_goes_to_its_methods_hook_first(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, "sip_on_request('INVITE', function() return sip_reply(486) end)\n"
                         "sip_on_request('MESSAGE', function() return sip_reply(488) end)\n"
                         "sip_on_request(function() return sip_reply(480) end)\n");
    assert_int_equal(fixture_request(f), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.code, 486);
    fixture_must_load(f, "sip_on_request('MESSAGE', function() return sip_reply(488) end)\n"
                         "sip_on_request('OTHERMETHOD', function() return sip_reply(489) end)\n"
                         "sip_on_request(function() return sip_reply(480, 'Away') end)\n");
    assert_int_equal(fixture_request(f), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.code, 480);
    assert_string_equal(f->verdict.phrase, "Away");
    fixture_must_load(f, "sip_on_request('MESSAGE', function() return sip_reply(488) end)\n");
    assert_int_equal(fixture_request(f), SCRIPT_NO_HOOK);
}

static void test_every_verdict_reaches_the_host(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(
        f, "sip_on_response(401, function() return sip_accept() end)\n"
           "sip_on_response(402, function() return sip_route('sip:alice@example.com', {next_after = 15}) end)\n"
           "sip_on_response(403, function() return sip_relay('sip:vm@media') end)\n"
           "sip_on_response(404, function() return sip_next_target() end)\n"
           "sip_on_response(405, function() return sip_fail(486) end)\n"
           "sip_on_response(406, function() return sip_retry_after(7) end)\n"
           "sip_on_response(407, function(reply) return sip_rest(reply.destination, 30) end)\n"
           "sip_on_request(function() return sip_route({next_after = 2.5}) end)\n");
    assert_int_equal(fixture_respond(f, 401), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.kind, VERDICT_ACCEPT);
    assert_int_equal(fixture_respond(f, 402), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.kind, VERDICT_ROUTE);
    assert_string_equal(f->verdict.uri, "sip:alice@example.com");
    assert_int_equal(f->verdict.next_after, 15000);
    assert_int_equal(fixture_respond(f, 403), SCRIPT_VERDICT);
    assert_string_equal(f->verdict.uri, "sip:vm@media");
    assert_int_equal(f->verdict.next_after, 0);
    assert_int_equal(fixture_respond(f, 404), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.kind, VERDICT_NEXT_TARGET);
    assert_string_equal(f->verdict.uri, "");
    assert_int_equal(fixture_respond(f, 405), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.kind, VERDICT_FAIL);
    assert_int_equal(f->verdict.code, 486);
    assert_int_equal(fixture_respond(f, 406), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.seconds, 7);
    assert_int_equal(fixture_respond(f, 407), SCRIPT_VERDICT);
    assert_string_equal(f->verdict.destination, "127.0.0.1:5080");
    assert_int_equal(f->verdict.seconds, 30);
    assert_int_equal(fixture_request(f), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.next_after, 2500);
    assert_string_equal(f->verdict.uri, "");
}

static void test_a_verdict_with_bad_arguments_is_an_error_and_the_next_call_is_fine(void **state)
{
    struct script_fixture *f = *state;
    static const char *const bad[] = {"sip_fail(200)",
                                      "sip_fail(700)",
                                      "sip_fail('486')",
                                      "sip_fail(486.5)",
                                      "sip_fail()",
                                      "sip_reply(100)",
                                      "sip_reply(486, '')",
                                      "sip_reply(486, 'a\\r\\nb')",
                                      "sip_reply(486, 7)",
                                      "sip_relay('bob')",
                                      "sip_relay()",
                                      "sip_relay('sip:a@b c')",
                                      "sip_relay(('x'):rep(600) .. ':')",
                                      "sip_retry_after(-1)",
                                      "sip_rest('', 1)",
                                      "sip_rest('h')",
                                      "sip_rest(('h'):rep(300), 1)",
                                      "sip_route('sip:a@b', {next = 1})",
                                      "sip_route({next_after = 0})",
                                      "sip_route({next_after = 'x'})",
                                      "sip_route(7)"};
    char text[160];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "sip_on_response(486, function() return %s end)", bad[i]);
        fixture_must_load(f, text);
        if (fixture_respond(f, 486) != SCRIPT_ERROR)
            fail_msg("%s gives a verdict", bad[i]);
        assert_non_null(strstr(f->fake.last_log, ":1:"));
        assert_int_equal(fixture_respond(f, 404), SCRIPT_NO_HOOK);
    }
}

static void test_what_is_no_verdict_is_an_error(void **state)
{
    struct script_fixture *f = *state;
    struct script_counters counters;
    static const char *const values[] = {"true", "486", "'accept'", "{}", "sip_accept", "sip"};
    char text[160];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        snprintf(text, sizeof text, "local sip = require 'reflow' sip_on_response(486, function() return %s end)",
                 values[i]);
        fixture_must_load(f, text);
        assert_int_equal(fixture_respond(f, 486), SCRIPT_ERROR);
        assert_non_null(strstr(f->fake.last_log, "not a verdict"));
        script_counters(f->script, &counters);
        assert_int_equal(counters.errors, 1);
    }
    fixture_must_load(f, "sip_on_response(486, function(reply) return reply end)");
    assert_int_equal(fixture_respond(f, 486), SCRIPT_ERROR);
    fixture_must_load(f, "sip_on_response(486, function(reply) return reply.code == 480 and sip_accept() end)");
    assert_int_equal(fixture_respond(f, 486), SCRIPT_DEFAULT);
}

static void test_a_verdict_of_another_hook_is_an_error(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, "sip_on_response(486, function() return sip_reply(480) end)\n"
                         "sip_on_response(487, function() return sip_drop() end)\n"
                         "sip_on_request(function() return sip_next_flow() end)\n"
                         "sip_on_register(function() return sip_route() end)\n");
    assert_int_equal(fixture_respond(f, 486), SCRIPT_ERROR);
    assert_non_null(strstr(f->fake.last_log, "sip_reply() is not a verdict for this hook"));
    assert_int_equal(fixture_respond(f, 487), SCRIPT_ERROR);
    assert_int_equal(fixture_request(f), SCRIPT_ERROR);
    assert_int_equal(script_on_register(f->script, &f->call, &f->verdict), SCRIPT_ERROR);
}

static void test_an_error_is_logged_counted_and_leaves_the_next_call_fine(void **state)
{
    struct script_fixture *f = *state;
    struct script_counters counters;
    fixture_must_load(f, "local count = 0\n"
                         "sip_on_response(486, function(reply)\n"
                         "  count = count + 1\n"
                         "  if count == 1 then local t = nil; return t.x end\n"
                         "  return sip_fail(480)\n"
                         "end)\n");
    assert_int_equal(fixture_respond(f, 486), SCRIPT_ERROR);
    assert_int_equal(f->fake.logged[LOG_ERROR], 1);
    assert_non_null(strstr(f->fake.last_log, ":4: attempt to index a nil value"));
    assert_non_null(strstr(f->fake.last_log, "on_response"));
    assert_int_equal(fixture_respond(f, 486), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.code, 480);
    script_counters(f->script, &counters);
    assert_int_equal(counters.entries, 2);
    assert_int_equal(counters.errors, 1);
}

static void test_after_an_error_the_core_decides_unless_the_hook_says_next(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, "sip_on_response('4xx', function() return sip_fail(480) end)\n"
                         "sip_on_response(486, function() error 'x' end)\n"
                         "sip_on_response(487, function() error 'x' end, {on_error = 'next'})\n");
    assert_int_equal(fixture_respond(f, 486), SCRIPT_ERROR);
    assert_int_equal(fixture_respond(f, 487), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.code, 480);
}

static void test_exhausted_register_and_flow_hooks_run(void **state)
{
    struct script_fixture *f = *state;
    struct script_flow flow = {.flow = TEXT("tcp a-b #1"),
                               .aor = TEXT("sip:bob@example.com"),
                               .instance = TEXT("urn:uuid:1"),
                               .reg_id = 2,
                               .reason = TEXT("closed")};
    fixture_must_load(
        f, "sip_on_exhausted(function(best, call) return sip_relay('sip:vm@media;best=' .. best.code) end)\n"
           "sip_on_register(function(request, call) if request.aor == call.aor then return sip_accept() end end)\n"
           "sip_on_flow_up(function(flow) sip_log('up %s %s', flow.flow, flow.reason) end)\n"
           "sip_on_flow_down(function(flow)\n"
           "  sip_log('down %s %s %d %s', flow.aor, flow.instance, flow.reg_id, flow.reason) return 7 end)\n");
    f->facts.code = 480;
    assert_int_equal(script_on_exhausted(f->script, &f->call, &f->reply, &f->verdict), SCRIPT_VERDICT);
    assert_string_equal(f->verdict.uri, "sip:vm@media;best=480");
    assert_int_equal(script_on_register(f->script, &f->call, &f->verdict), SCRIPT_VERDICT);
    script_on_flow(f->script, HOOK_FLOW_DOWN, &flow);
    assert_string_equal(f->fake.last_log, "down sip:bob@example.com urn:uuid:1 2 closed");
    flow.reason = (struct text){0};
    script_on_flow(f->script, HOOK_FLOW_UP, &flow);
    assert_string_equal(f->fake.last_log, "up tcp a-b #1 nil");
    assert_int_equal(f->fake.logged[LOG_ERROR], 0);
}

static enum script_outcome credentials(struct script_fixture *f, const char *user, enum digest algorithm,
                                       char ha1[DIGEST_HEX_MOST])
{
    const struct script_credentials asked = {text_of(user), TEXT("example.com"), algorithm};
    ha1[0] = '\0';
    return script_on_credentials(f->script, &asked, ha1);
}

#define MD5_OF_NOTHING "d41d8cd98f00b204e9800998ecf8427e"

static void test_a_hook_for_credentials_returns_ha1(void **state)
{
    struct script_fixture *f = *state;
    char ha1[DIGEST_HEX_MOST];
    fixture_must_load(f, "sip_on_credentials(function(user, realm, algorithm, more)\n"
                         "  assert(realm == 'example.com' and more == nil)\n"
                         "  if user == 'bob' and algorithm == 'MD5' then return '" MD5_OF_NOTHING "' end\n"
                         "  if user == 'bob' and algorithm == 'SHA-256' then return ('0a'):rep(32) end\n"
                         "  if user == 'carol' then return false end\n"
                         "end)\n");
    assert_int_equal(credentials(f, "bob", DIGEST_MD5, ha1), SCRIPT_VERDICT);
    assert_string_equal(ha1, MD5_OF_NOTHING);
    assert_int_equal(credentials(f, "bob", DIGEST_SHA_256, ha1), SCRIPT_VERDICT);
    assert_int_equal(strlen(ha1), 64);
    assert_int_equal(credentials(f, "bob", DIGEST_SHA_512_256, ha1), SCRIPT_DEFAULT);
    assert_int_equal(credentials(f, "carol", DIGEST_MD5, ha1), SCRIPT_DEFAULT);
    assert_int_equal(credentials(f, "dave", DIGEST_MD5, ha1), SCRIPT_DEFAULT);
    assert_string_equal(ha1, "");
    assert_int_equal(f->fake.logged[LOG_ERROR], 0);
}

static void test_another_result_than_ha1_is_a_failure(void **state)
{
    struct script_fixture *f = *state;
    char ha1[DIGEST_HEX_MOST];
    static const char *const results[] = {"7",
                                          "true",
                                          "{}",
                                          "''",
                                          "'" MD5_OF_NOTHING "0'",
                                          "('" MD5_OF_NOTHING "'):upper()",
                                          "('g'):rep(32)",
                                          "('\\0'):rep(32)",
                                          "sip_accept()",
                                          "'d41d8cd98f00b204e9800998ecf8427'"};
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        char program[200];
        snprintf(program, sizeof program, "sip_on_credentials(function() return %s end)\n", results[i]);
        fixture_must_load(f, program);
        f->fake.logged[LOG_ERROR] = 0;
        assert_int_equal(credentials(f, "bob", DIGEST_MD5, ha1), SCRIPT_ERROR);
        assert_string_equal(ha1, "");
        assert_int_equal(f->fake.logged[LOG_ERROR], 1);
        assert_non_null(strstr(f->fake.last_log, "on_credentials: returned "));
        assert_non_null(strstr(f->fake.last_log, "; the answer is 503"));
    }
}

/* Turned off, it would refuse every user: whoever can make it fail would lock all others out. */
static void test_a_failing_hook_for_credentials_is_never_turned_off(void **state)
{
    struct script_fixture *f = *state;
    char ha1[DIGEST_HEX_MOST];
    fixture_must_load(f, "sip_on_credentials(function(user)\n"
                         "  if user == 'evil' then error 'x' end\n"
                         "  return ('0'):rep(32)\n"
                         "end)\n");
    for (int i = 0; i < 100; i++)
        assert_int_equal(credentials(f, "evil", DIGEST_MD5, ha1), SCRIPT_ERROR);
    assert_int_equal(credentials(f, "bob", DIGEST_MD5, ha1), SCRIPT_VERDICT);
}

static void test_hooks_for_credentials_are_asked_in_turn(void **state)
{
    struct script_fixture *f = *state;
    char ha1[DIGEST_HEX_MOST];
    fixture_must_load(f, "sip_on_credentials(function(user) return ('0'):rep(32) end)\n"
                         "sip_on_credentials(function(user)\n"
                         "  if user == 'next' then error 'x' end\n"
                         "end, {on_error = 'next'})\n"
                         "sip_on_credentials(function(user)\n"
                         "  if user == 'core' then error 'x' end\n"
                         "end)\n");
    assert_int_equal(credentials(f, "bob", DIGEST_MD5, ha1), SCRIPT_VERDICT);
    assert_int_equal(credentials(f, "next", DIGEST_MD5, ha1), SCRIPT_VERDICT);
    assert_int_equal(credentials(f, "core", DIGEST_MD5, ha1), SCRIPT_ERROR);
    assert_int_equal(fixture_load(f, "sip_on_credentials(function() end, {on_error = 503})\n"), -EINVAL);
    assert_non_null(strstr(f->error, "option on_error of on_credentials is"));
}

static void test_limits_hold_for_credentials(void **state)
{
    struct script_fixture *f = *state;
    char ha1[DIGEST_HEX_MOST];
    fixture_must_load(f, "sip_on_credentials(function(user)\n"
                         "  if user == 'loop' then while true do end end\n"
                         "  local t = {} for i = 1, 1e9 do t[i] = user .. i end\n"
                         "end)\n");
    fixture_set_time(f, 20);
    assert_int_equal(credentials(f, "loop", DIGEST_MD5, ha1), SCRIPT_OVERRUN);
    fixture_set_time(f, 20000);
    assert_int_equal(credentials(f, "fill", DIGEST_MD5, ha1), SCRIPT_MEMORY);
}

static void test_a_host_that_never_asks_for_credentials_refuses_the_hook(void **state)
{
    struct script_fixture *f = *state;
    struct script_config config = {.host = &f->fake.host, .limits = f->limits, .no_credentials = "use auth_db"};
    struct layer layer = {.name = "base"};
    struct sources *sources;
    struct script *script = NULL;
    fixture_load(f, "sip_on_request(function() end)\nsip_on_credentials(function() end)\n");
    snprintf(layer.path, sizeof layer.path, "%s", f->path);
    assert_int_equal(sources_read(&sources, &f->fake.host, &layer, 1, NULL, f->error, sizeof f->error), 0);
    assert_int_equal(script_new_of(&script, &config, sources, f->error, sizeof f->error), -EINVAL);
    assert_non_null(strstr(f->error, ":2: sip_on_credentials(): use auth_db"));
    assert_null(script);
    sources_release(sources);
}

static void test_class_tests_mean_the_current_reply_where_none_is_given(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, "sip_on_response('*', function(reply)\n"
                         "  assert(sip_is_success() == (reply.code // 100 == 2))\n"
                         "  assert(sip_is_client_error(reply) == sip_is_client_error(reply.code))\n"
                         "  assert(sip_is_flow_failed() == (reply.code == 430))\n"
                         "  assert(sip_decide().action == sip_decide(reply).action)\n"
                         "end)\n"
                         "sip_on_request(function() return sip_is_success() end)\n");
    for (uint32_t code = 100; code < 700; code++)
        assert_int_equal(fixture_respond(f, code), SCRIPT_DEFAULT);
    assert_int_equal(fixture_request(f), SCRIPT_ERROR);
    assert_non_null(strstr(f->fake.last_log, "no current reply"));
}

static void test_verdicts_have_names(void **state)
{
    (void)state;
    assert_string_equal(verdict_name(VERDICT_ACCEPT), "accept");
    assert_string_equal(verdict_name(VERDICT_REST), "rest");
    assert_string_equal(verdict_name(VERDICT_CHALLENGE), "challenge");
    assert_string_equal(verdict_name(VERDICT_COUNT), "unknown");
}

/* Whatever allocation of an entry fails first, the outcome is reported and the next entry succeeds. */
static void test_an_entry_under_stepped_allocation_failure(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, "sip_on_response(486, function(reply, call)\n"
                         "  local t = {} for i = 1, 40 do t[i] = call:header('X-Color') .. i end\n"
                         "  return sip_relay('sip:vm@media;x=' .. table.concat(t, '-'))\n"
                         "end)\n");
    for (uint64_t nth = 1;; nth++) {
        f->fake.fail_after = f->fake.calls + nth;
        enum script_outcome outcome = fixture_respond(f, 486);
        f->fake.fail_after = 0;
        if (outcome == SCRIPT_VERDICT)
            break;
        assert_int_equal(outcome, SCRIPT_MEMORY);
        assert_int_equal(fixture_respond(f, 486), SCRIPT_VERDICT);
        assert_true(nth < 10000);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_most_specific_selector_goes_first),
        TEST(test_later_registrations_go_before_earlier_ones_of_the_same_kind),
        TEST(test_priority_orders_within_a_kind_only),
        TEST(test_a_list_is_a_list_and_runs_its_function_once),
        TEST(test_unknown_selectors_are_refused_at_load),
        TEST(test_options_are_checked),
        TEST(test_hooks_are_registered_only_while_loading),
        TEST(test_too_many_hooks_are_refused),
        TEST(test_no_hook_and_default_are_told_apart),
        TEST(test_a_failed_flow_comes_to_its_hook_from_any_origin),
        TEST(test_a_timeout_comes_as_408_and_a_dead_transport_as_503),
        TEST(test_on_flow_failed_without_a_function_is_the_cores_decision),
        TEST(test_a_request_goes_to_its_methods_hook_first),
        TEST(test_every_verdict_reaches_the_host),
        TEST(test_a_verdict_with_bad_arguments_is_an_error_and_the_next_call_is_fine),
        TEST(test_what_is_no_verdict_is_an_error),
        TEST(test_a_verdict_of_another_hook_is_an_error),
        TEST(test_an_error_is_logged_counted_and_leaves_the_next_call_fine),
        TEST(test_after_an_error_the_core_decides_unless_the_hook_says_next),
        TEST(test_exhausted_register_and_flow_hooks_run),
        TEST(test_a_hook_for_credentials_returns_ha1),
        TEST(test_another_result_than_ha1_is_a_failure),
        TEST(test_a_failing_hook_for_credentials_is_never_turned_off),
        TEST(test_hooks_for_credentials_are_asked_in_turn),
        TEST(test_limits_hold_for_credentials),
        TEST(test_a_host_that_never_asks_for_credentials_refuses_the_hook),
        TEST(test_class_tests_mean_the_current_reply_where_none_is_given),
        TEST(test_verdicts_have_names),
        TEST(test_an_entry_under_stepped_allocation_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
