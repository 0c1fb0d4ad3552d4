// SPDX-License-Identifier: BSD-2-Clause
#include "core/code.h"
#include "script/base/emergency.h"
#include "script_fixture.h"

/* What happens when a hook fails, once and again and again. */

/* An INVITE with this Request-URI and this after the To URI goes through the hooks from now on. */
static void set_request(struct script_fixture *f, const char *uri, const char *to)
{
    char text[600];
    struct sip_fault fault;
    snprintf(text, sizeof text,
             "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKf\r\nMax-Forwards: 70\r\n"
             "From: <sip:alice@example.com>;tag=a1\r\nTo: <sip:bob@example.com>%s\r\nCall-ID: f@127.0.0.1\r\n"
             "CSeq: 7 INVITE\r\nContent-Length: 0\r\n\r\n",
             uri, to);
    sip_message_delete(f->request);
    f->request = NULL;
    assert_int_equal(sip_message_new(&f->request, &f->fake.host, text, strlen(text), NULL, &fault), 0);
    f->call.request = f->request;
}

static uint64_t failures(const struct script_fixture *f)
{
    struct script_counters counters;
    script_counters(f->script, &counters);
    return counters.errors + counters.overruns + counters.memory;
}

static void assert_logged(const struct script_fixture *f, const char *part)
{
    if (strstr(f->fake.last_log, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->fake.last_log, part);
}

static void test_each_mode_decides_after_an_error(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(
        f, "local function bad() error 'x' end\n"
           "sip_on_response('4xx', function() return sip_fail(480) end)\n"
           "sip_on_response(401, bad) sip_on_response(402, bad, {on_error = 'core'})\n"
           "sip_on_response(403, bad, {on_error = 'next'}) sip_on_response(404, bad, {on_error = 'previous'})\n"
           "sip_on_response(405, bad, {on_error = 503})\n");
    assert_int_equal(fixture_respond(f, 401), SCRIPT_ERROR);
    assert_int_equal(fixture_respond(f, 402), SCRIPT_ERROR);
    assert_logged(f, "; the core decides");
    assert_int_equal(fixture_respond(f, 403), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.code, 480);
    assert_logged(f, "; the next hook is asked");
    assert_int_equal(fixture_respond(f, 404), SCRIPT_PREVIOUS);
    assert_logged(f, "; the version before is asked");
    assert_int_equal(failures(f), 4);
    assert_int_equal(fixture_respond(f, 405), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.kind, VERDICT_FAIL);
    assert_int_equal(f->verdict.code, 503);
    assert_logged(f, "; refused with 503");
    assert_int_equal(failures(f), 5);
}

static void test_a_request_is_refused_by_a_reply(void **state)
{
    struct script_fixture *f = *state;
    f->verdict.recurse = true;
    fixture_must_load(f, "sip_on_request(function() error 'x' end, {on_error = 488})\n"
                         "sip_on_register(function() return 7 end, {on_error = 403})\n"
                         "sip_on_exhausted(function() error 'x' end, {on_error = 600})\n");
    assert_int_equal(fixture_request(f), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.kind, VERDICT_REPLY);
    assert_int_equal(f->verdict.code, 488);
    assert_false(f->verdict.recurse);
    assert_int_equal(script_on_register(f->script, &f->call, &f->verdict), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.code, 403);
    assert_int_equal(script_on_exhausted(f->script, &f->call, &f->reply, &f->verdict), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.kind, VERDICT_FAIL);
    assert_int_equal(f->verdict.code, 600);
}

static void test_the_modes_hold_for_time_and_memory_too(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(
        f, "local function slow() while true do end end\n"
           "local function greedy() local s = 'x' while true do s = s .. s end end\n"
           "sip_on_response('*', function() return sip_fail(480) end)\n"
           "sip_on_response(401, slow, {on_error = 503}) sip_on_response(402, greedy, {on_error = 503})\n"
           "sip_on_response(403, slow, {on_error = 'previous'}) sip_on_response(404, slow, {on_error = 'next'})\n"
           "sip_on_response(405, greedy, {on_error = 'next'})\n");
    assert_int_equal(fixture_respond(f, 402), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.code, 503);
    assert_int_equal(fixture_respond(f, 405), SCRIPT_MEMORY);
    fixture_set_time(f, 10); // enough for none of the endless ones
    assert_int_equal(fixture_respond(f, 401), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.code, 503);
    assert_int_equal(fixture_respond(f, 403), SCRIPT_PREVIOUS);
    assert_int_equal(fixture_respond(f, 404), SCRIPT_OVERRUN);
    assert_logged(f, "; the core decides");
}

static void test_options_of_failure_are_checked(void **state)
{
    struct script_fixture *f = *state;
    static const char *const bad[] = {"399", "700", "'503'", "503.5", "true", "'prior'", "{}"};
    char text[128];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "sip_on_request(function() end, {on_error = %s})", bad[i]);
        assert_int_not_equal(fixture_load(f, text), 0);
        assert_non_null(strstr(f->error, "a status from 400 to 699"));
    }
    assert_int_not_equal(fixture_load(f, "sip_on_flow_up(function() end, {on_error = 503})"), 0);
    assert_non_null(strstr(f->error, "of a flow's hook"));
    fixture_must_load(
        f, "sip_on_flow_up(function() end, {on_error = 'next'}) sip_on_request(function() end, {on_error = 400})");
}

static void test_no_fault_refuses_an_emergency_call(void **state)
{
    struct script_fixture *f = *state;
    static const char *const help[] = {
        "urn:service:sos", "URN:service:SOS.fire",  "sip:112@example.com", "sip:1-1-2@example.com;user=phone",
        "tel:112",         "sips:911:x@example.com"};
    static const char *const other[] = {"sip:113@example.com", "sip:1122@example.com", "urn:service:sosx",
                                        "sip:bob@112", "sip:112"};
    fixture_must_load(f, "sip_emergency{'112', '911'} sip_on_request(function() error 'x' end, {on_error = 503})\n"
                         "sip_on_response(486, function() error 'x' end, {on_error = 503})\n"
                         "sip_on_response(487, function() return sip_fail(600) end, {on_error = 503})\n");
    for (size_t i = 0; i < sizeof help / sizeof help[0]; i++) {
        fixture_must_load(f, "sip_emergency{'112', '911'} sip_on_request(function() error 'x' end, {on_error = 503})\n"
                             "sip_on_response(486, function() error 'x' end, {on_error = 503})\n"
                             "sip_on_response(487, function() return sip_fail(600) end, {on_error = 503})\n");
        set_request(f, help[i], "");
        if (fixture_request(f) != SCRIPT_ERROR || fixture_respond(f, 486) != SCRIPT_ERROR)
            fail_msg("%s is refused", help[i]);
        assert_logged(f, "; the core decides");
        assert_int_equal(fixture_respond(f, 487), SCRIPT_VERDICT); // what it says in its right mind stands
    }
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        set_request(f, other[i], "");
        if (fixture_request(f) != SCRIPT_VERDICT)
            fail_msg("%s passes", other[i]);
    }
}

static void test_no_fault_refuses_a_request_of_a_dialog(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, "sip_on_request(function() error 'x' end, {on_error = 503})");
    set_request(f, "sip:bob@example.com", ";tag=b1");
    assert_int_equal(fixture_request(f), SCRIPT_ERROR);
    assert_int_equal(failures(f), 1);
    set_request(f, "sip:bob@example.com", "");
    assert_int_equal(fixture_request(f), SCRIPT_VERDICT);
}

static void test_emergency_numbers_are_checked(void **state)
{
    struct script_fixture *f = *state;
    struct emergency emergency = {.count = 0};
    char number[16];
    static const char *const bad[] = {"sip_emergency{'sos'}", "sip_emergency{112}", "sip_emergency('112')",
                                      "sip_emergency{''}", "sip_emergency{'1234567890123456'}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_not_equal(fixture_load(f, bad[i]), 0);
    fixture_must_load(f, "sip_on_response(486, function() sip_emergency{'112'} end)");
    assert_int_equal(fixture_respond(f, 486), SCRIPT_ERROR);
    for (int i = 0; i < EMERGENCY_NUMBERS; i++) {
        snprintf(number, sizeof number, "%d", 100 + i);
        assert_int_equal(emergency_add(&emergency, text_of(number)), 0);
        assert_int_equal(emergency_add(&emergency, text_of(number)), 0);
    }
    assert_int_not_equal(emergency_add(&emergency, TEXT("999")), 0);
    assert_true(emergency_is(&emergency, TEXT("sip:131@example.com")));
    assert_false(emergency_is(&emergency, TEXT("")));
    assert_false(emergency_is(&emergency, TEXT("sip:")));
    assert_false(emergency_is(&emergency, TEXT("sip:@")));
}

#define FAILING                                                                                                        \
    "local bad = true\n"                                                                                               \
    "sip_on_response(486, function() if bad then error 'x' end return sip_fail(480) end)\n"                            \
    "sip_on_response(480, function() bad = not bad end)\n"                                                             \
    "sip_on_response(487, function() return sip_fail(600) end)\n"

static void fail_times(struct script_fixture *f, int times)
{
    for (int i = 0; i < times; i++)
        assert_int_equal(fixture_respond(f, 486), SCRIPT_ERROR);
}

static void test_a_hook_that_fails_again_and_again_is_turned_off_and_says_so(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, FAILING);
    fail_times(f, 4);
    assert_int_equal(f->fake.logged[LOG_ERROR], 4);
    fail_times(f, 1);
    assert_int_equal(f->fake.logged[LOG_ERROR], 6);
    assert_logged(f, ":2 failed 5 times in a row: it is off for 60 s");
    assert_int_equal(failures(f), 5);
    fail_times(f, 10); // not run: neither counted nor logged
    assert_int_equal(failures(f), 5);
    assert_int_equal(f->fake.logged[LOG_ERROR], 6);
    assert_int_equal(fixture_respond(f, 487), SCRIPT_VERDICT); // the other hooks are not
}

static void test_after_a_minute_one_entry_tries_it(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, FAILING);
    fail_times(f, 5);
    fake_host_advance(&f->fake, 59999);
    fail_times(f, 1);
    assert_int_equal(failures(f), 5);
    fake_host_advance(&f->fake, 1);
    fail_times(f, 1);
    assert_int_equal(failures(f), 6); // it was run, failed, and is off for another minute
    fail_times(f, 3);
    assert_int_equal(failures(f), 6);
    assert_int_equal(fixture_respond(f, 480), SCRIPT_DEFAULT); // mended
    fail_times(f, 1);
    fake_host_advance(&f->fake, 60000);
    assert_int_equal(fixture_respond(f, 486), SCRIPT_VERDICT);
    assert_logged(f, ":2 works again: it is on");
    assert_int_equal(fixture_respond(f, 486), SCRIPT_VERDICT);
    assert_int_equal(fixture_respond(f, 480), SCRIPT_DEFAULT); // broken again: five more, not one
    fail_times(f, 5);
    assert_int_equal(failures(f), 11);
    fail_times(f, 1);
    assert_int_equal(failures(f), 11);
}

static void test_only_failures_in_a_row_and_near_each_other_count(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, FAILING);
    for (int i = 0; i < 4; i++) {
        fail_times(f, 4);
        assert_int_equal(fixture_respond(f, 480), SCRIPT_DEFAULT);
        assert_int_equal(fixture_respond(f, 486), SCRIPT_VERDICT);
        assert_int_equal(fixture_respond(f, 480), SCRIPT_DEFAULT);
    }
    assert_int_equal(failures(f), 16);
    fail_times(f, 4);
    fake_host_advance(&f->fake, 60001);
    fail_times(f, 4);
    assert_int_equal(failures(f), 24);
    fail_times(f, 1);
    fail_times(f, 1);
    assert_int_equal(failures(f), 25);
}

static void test_a_hook_that_is_off_still_means_what_it_says_of_failure(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(
        f, "local function bad() error 'x' end\n"
           "sip_on_response('*', function() return sip_fail(480) end)\n"
           "sip_on_response(403, bad, {on_error = 'next'}) sip_on_response(404, bad, {on_error = 'previous'})\n"
           "sip_on_response(405, bad, {on_error = 503})\n");
    for (int i = 0; i < 7; i++) {
        assert_int_equal(fixture_respond(f, 403), SCRIPT_VERDICT);
        assert_int_equal(f->verdict.code, 480);
        assert_int_equal(fixture_respond(f, 404), SCRIPT_PREVIOUS);
        assert_int_equal(fixture_respond(f, 405), SCRIPT_VERDICT);
        assert_int_equal(f->verdict.code, 503);
    }
    assert_int_equal(failures(f), 17); // the last one is never off
    set_request(f, "urn:service:sos", "");
    assert_int_equal(fixture_respond(f, 405), SCRIPT_ERROR);
}

static void respond_from(struct script_fixture *f, uint64_t caller, uint64_t callee)
{
    f->call.source_number = caller;
    f->reply.source_number = callee;
    fail_times(f, 1);
}

static void test_one_source_turns_no_hook_off(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, FAILING);
    for (unsigned i = 0; i < 40; i++) {
        respond_from(f, 7, 0);
        respond_from(f, 7, 100 + i); // a caller with many phones
        respond_from(f, 200 + i, 7); // a phone with many callers
    }
    assert_int_equal(failures(f), 120);                        // it ran each time
    assert_int_equal(fixture_respond(f, 480), SCRIPT_DEFAULT); // mended
    assert_int_equal(fixture_respond(f, 486), SCRIPT_VERDICT);
}

static void test_five_sources_turn_a_hook_off(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, FAILING);
    for (unsigned i = 1; i <= 5; i++) {
        respond_from(f, i, 0);
        respond_from(f, i, 0);
    }
    assert_int_equal(failures(f), 9); // off since the fifth
    fake_host_advance(&f->fake, 60000);
    for (unsigned i = 1; i <= 5; i++) // those that turned it off do not prolong it
        respond_from(f, i, 0);
    assert_int_equal(failures(f), 14);
    respond_from(f, 6, 0);
    respond_from(f, 7, 0);
    assert_int_equal(failures(f), 15);
}

static void test_a_source_counts_again_in_another_window(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(f, FAILING);
    for (unsigned i = 1; i <= 4; i++)
        respond_from(f, i, 0);
    fake_host_advance(&f->fake, 60001);
    for (unsigned i = 1; i <= 5; i++)
        respond_from(f, i, 0);
    assert_int_equal(failures(f), 9);
    respond_from(f, 6, 0);
    assert_int_equal(failures(f), 9);
}

static void test_a_hook_that_refuses_is_never_turned_off(void **state)
{
    struct script_fixture *f = *state;
    fixture_must_load(
        f, "sip_on_request(function(call)\n"
           "if call.source == 'udp:127.0.0.1:5070' then error 'x' end return sip_reply(404) end, {on_error = 403})\n");
    for (int i = 0; i < 30; i++) {
        assert_int_equal(fixture_request(f), SCRIPT_VERDICT);
        assert_int_equal(f->verdict.code, 403);
    }
    assert_int_equal(failures(f), 30);
    f->call.source = TEXT("udp:127.0.0.2:5070");
    assert_int_equal(fixture_request(f), SCRIPT_VERDICT);
    assert_int_equal(f->verdict.code, 404);
}

static void test_the_fault_of_another_hook_leads_past_no_hook_that_refuses(void **state)
{
    struct script_fixture *f = *state;
    static const char *const bad[] = {"error 'x'", "while true do end", "local s = 'x' while true do s = s .. s end"};
    static const char *const modes[] = {"'core'", "'next'", "'previous'"};
    char text[600];
    for (size_t i = 0; i < 9; i++) {
        snprintf(text, sizeof text,
                 "sip_on_request(function() return sip_reply(403) end, {on_error = 503})\n"
                 "sip_on_request(function() return sip_reply(404) end)\n"
                 "sip_on_request('INVITE', function() %s end, {on_error = %s})\n",
                 bad[i / 3], modes[i % 3]);
        f->limits.time_ms = 0;
        fixture_must_load(f, text);
        if (i / 3 == 1)
            fixture_set_time(f, 10);
        assert_int_equal(fixture_request(f), SCRIPT_VERDICT);
        unsigned wanted = i / 3 != 0 ? 503 : i % 3 != 1 ? 403 : 404;
        if (f->verdict.code != wanted)
            fail_msg("%s with %s: %u", bad[i / 3], modes[i % 3], f->verdict.code);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup_small, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_each_mode_decides_after_an_error),
        TEST(test_a_request_is_refused_by_a_reply),
        TEST(test_the_modes_hold_for_time_and_memory_too),
        TEST(test_options_of_failure_are_checked),
        TEST(test_no_fault_refuses_an_emergency_call),
        TEST(test_no_fault_refuses_a_request_of_a_dialog),
        TEST(test_emergency_numbers_are_checked),
        TEST(test_a_hook_that_fails_again_and_again_is_turned_off_and_says_so),
        TEST(test_after_a_minute_one_entry_tries_it),
        TEST(test_only_failures_in_a_row_and_near_each_other_count),
        TEST(test_a_hook_that_is_off_still_means_what_it_says_of_failure),
        TEST(test_one_source_turns_no_hook_off),
        TEST(test_five_sources_turn_a_hook_off),
        TEST(test_a_source_counts_again_in_another_window),
        TEST(test_a_hook_that_refuses_is_never_turned_off),
        TEST(test_the_fault_of_another_hook_leads_past_no_hook_that_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
