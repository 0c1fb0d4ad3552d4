// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

/* Scripts and the core's decisions: verdicts carried out, verdicts that a guardrail refuses, scripts that fail. */

enum { T1_64 = 32000, TIMER_C = 185000 };

/* Two phones in q classes; an instance with two flows. */
static void two_phones(struct stage *stage)
{
    stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.9"});
    stage_phone(stage, (struct phone){.port = 5081, .more = ";q=0.1"});
}

static void two_flows(struct stage *stage)
{
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2});
}

static void assert_refused(struct stage *stage, const char *rule)
{
    assert_int_equal(stage_counters(stage)->verdicts_refused, 1);
    assert_int_equal(stage_counters(stage)->verdicts, 0);
    if (strstr(stage->fake.last_log, rule) == NULL)
        fail_msg("%s is not in: %s", rule, stage->fake.last_log);
}

/* --- verdicts on requests --- */

static void test_a_script_replies(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_request(function(r) return sip_reply(404, 'No Such Bob') end)\n");
    stage_call(stage, "one");
    assert_true(sent_starts(stage_hears(stage, 404), "SIP/2.0 404 No Such Bob\r\n"));
    assert_int_equal(stage_counters(stage)->verdicts, 1);
}

static void test_a_script_drops(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stage_alice();
    stage_script(stage, "sip_on_request('OPTIONS', function(r) return sip_drop() end)\n");
    stage_request(stage, &caller, (struct request){.method = "OPTIONS"});
    stage_advance(stage, T1_64);
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "transactions"), 0);
    assert_int_equal(stage_count(stage, "response_contexts"), 0);
}

static void test_a_script_relays(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_request(function(r) return sip_relay('sip:vm@127.0.0.1:5099') end)\n");
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5099);
    assert_true(sent_starts(invite, "INVITE sip:vm@127.0.0.1:5099 SIP/2.0\r\n"));
}

static void test_a_script_routes_to_another_aor(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.user = "carol", .port = 5088});
    stage_script(stage, "sip_on_request(function(r) return sip_route('sip:carol@example.com') end)\n");
    stage_call(stage, "one");
    stage_sent_to(stage, "INVITE", 5088);
}

static void test_3261_21_5_4_a_a_script_rests_a_destination_before_routing(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_script(stage, "sip_on_request(function(r) return sip_rest('127.0.0.1:5080', 60) end)\n");
    stage_call(stage, "one");
    stage_advance(stage, 0);
    stage_hears(stage, 500);
    assert_int_equal(stage_count(stage, "resting"), 1);
}

static void test_5626_11_5_a_no_script_answers_a_request_with_430(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_script(stage, "sip_on_request(function(r) return sip_reply(430) end)\n");
    stage_call(stage, "one");
    stage_sent_to(stage, "INVITE", 5080);
    assert_refused(stage, "5626-11.5.a");
}

static void test_5626_11_6_a_no_script_answers_a_request_with_439(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_script(stage, "sip_on_request(function(r) return sip_reply(439) end)\n");
    stage_call(stage, "one");
    stage_sent_to(stage, "INVITE", 5080);
    assert_refused(stage, "5626-11.6.a");
}

static void test_4320_4_a_no_script_answers_a_non_invite_with_408(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stage_alice();
    stage_phone(stage, (struct phone){.port = 5080});
    stage_script(stage, "sip_on_request(function(r) return sip_fail(408) end)\n");
    stage_request(stage, &caller, (struct request){.method = "MESSAGE"});
    stage_sent_to(stage, "MESSAGE", 5080);
    assert_refused(stage, "4320-4.a");
}

/* --- verdicts on responses --- */

static void test_next_target_goes_on_where_the_core_would_end(void **state)
{
    struct stage *stage = *state;
    two_flows(stage);
    stage_phone(stage, (struct phone){.port = 5082, .more = ";q=0.1"});
    stage_script(stage, "sip_on_response(486, function(r) return sip_next_target() end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 486, NULL);
    stage_sent_to(stage, "INVITE", 5082);
    assert_int_equal(stage_counters(stage)->verdicts, 1);
}

static void test_fail_ends_with_this_status_and_tries_no_other(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.9"});
    stage_phone(stage, (struct phone){.port = 5082, .more = ";q=0.9"});
    stage_phone(stage, (struct phone){.port = 5081, .more = ";q=0.1"});
    stage_script(stage, "sip_on_response(486, function(r) return sip_fail(404) end)\n");
    stage_call(stage, "one");
    struct sent *first = stage_sent(stage, "INVITE"), *second = stage_sent(stage, "INVITE");
    stage_response(stage, second, 180, NULL);
    stage_hears(stage, 180);
    stage_refuses(stage, first, 486, NULL);
    stage_sent_to(stage, "CANCEL", sent_port(second));
    stage_refuses(stage, second, 487, NULL);
    stage_hears(stage, 404);
    stage_silent(stage);
}

static void test_fail_on_a_provisional_stops_the_ringing(void **state)
{
    struct stage *stage = *state;
    two_phones(stage);
    stage_script(stage, "sip_on_response(183, function(r) return sip_fail(480) end)\n");
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 183, NULL);
    struct sent *cancel = stage_sent_to(stage, "CANCEL", 5080);
    stage_response(stage, cancel, 200, NULL);
    stage_silent(stage);
    stage_refuses(stage, invite, 487, NULL);
    stage_hears(stage, 480);
    stage_silent(stage);
}

static void test_relay_on_a_provisional_rings_another_beside(void **state)
{
    struct stage *stage = *state;
    two_phones(stage);
    stage_script(stage, "sip_on_response(180, function(r) return sip_relay('sip:desk@127.0.0.1:5099') end)\n");
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    struct sent *desk = stage_sent_to(stage, "INVITE", 5099);
    stage_silent(stage);
    stage_response(stage, invite, 200, NULL);
    stage_hears(stage, 200);
    stage_response(stage, desk, 100, NULL);
    stage_sent_to(stage, "CANCEL", 5099);
    stage_refuses(stage, desk, 487, NULL);
    stage_silent(stage);
}

static void test_next_target_on_a_provisional_rings_the_next_beside(void **state)
{
    struct stage *stage = *state;
    two_phones(stage);
    stage_script(stage, "sip_on_response(180, function(r) return sip_next_target() end)\n");
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    struct sent *next = stage_sent_to(stage, "INVITE", 5081);
    stage_refuses(stage, next, 486, NULL);
    stage_silent(stage);
    stage_refuses(stage, invite, 404, NULL);
    stage_sent(stage, "SIP/2.0 4");
}

static void test_relay_on_a_failure_tries_it_now(void **state)
{
    struct stage *stage = *state;
    two_phones(stage);
    stage_script(stage, "sip_on_response({486, 600}, function(r) return sip_relay('sip:vm@127.0.0.1:5099') end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 486, NULL);
    struct sent *mailbox = stage_sent_to(stage, "INVITE", 5099);
    stage_silent(stage);
    stage_response(stage, mailbox, 200, NULL);
    stage_hears(stage, 200);
}

static void test_accept_is_the_core_s_decision(void **state)
{
    struct stage *stage = *state;
    two_phones(stage);
    stage_script(stage, "sip_on_response(486, function(r) return sip_accept() end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 486, NULL);
    stage_sent_to(stage, "INVITE", 5081);
}

static void test_retry_after_goes_up_with_the_best_response(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_script(stage, "sip_on_response(480, function(r) return sip_retry_after(120) end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 480, NULL);
    assert_string_equal(sent_header(stage_hears(stage, 480), "Retry-After", 0), "120");
}

static void test_retry_after_with_a_response_made_here(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_script(stage, "sip_on_response(430, function(r) return sip_retry_after(7) end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 430, NULL);
    struct sent *refusal = stage_hears(stage, 480);
    assert_string_equal(sent_header(refusal, "Retry-After", 0), "7");
    assert_int_equal(sent_count(refusal, "Retry-After"), 1);
}

static void test_3261_21_5_4_a_rest_by_verdict(void **state)
{
    struct stage *stage = *state;
    two_phones(stage);
    stage_script(stage, "sip_on_response(503, function(r) return sip_rest(r.destination, r.retry_after or 30) end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 503, NULL);
    stage_sent_to(stage, "INVITE", 5081);
    stage_call(stage, "two");
    stage_advance(stage, 0);
    stage_sent_to(stage, "INVITE", 5081);
    stage_silent(stage);
    assert_int_equal(stage_counters(stage)->verdicts, 1);
}

/* 3261-16.7.i: only where the policy says so, each URI once, and a followed 3xx is no answer. */
static void test_3261_16_7_i_redirections_are_followed_where_the_policy_says_so(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_script(stage, "sip_on_request(function(r) return sip_route{recurse = true} end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 302,
                  "Contact: <sip:bob@127.0.0.1:5091>;q=0.5, <sip:bob@127.0.0.1:5092>;q=0.9\n"
                  "Contact: <sip:bob@127.0.0.1:5080>\n");
    struct sent *second = stage_sent_to(stage, "INVITE", 5092);
    stage_silent(stage);
    stage_refuses(stage, second, 302, "Contact: <sip:bob@127.0.0.1:5080>, <sip:bob@127.0.0.1:5093>;q=0.4\n");
    struct sent *third = stage_sent_to(stage, "INVITE", 5091);
    stage_refuses(stage, third, 486, NULL);
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5093), 404, NULL);
    /* the second 302 led to something new too, so that none is left to go up */
    stage_hears(stage, 404);
    stage_silent(stage);
}

static void test_3261_16_7_i_and_else_they_go_up(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 302, "Contact: <sip:bob@127.0.0.1:5091>\n");
    assert_string_equal(sent_header(stage_hears(stage, 302), "Contact", 0), "<sip:bob@127.0.0.1:5091>");
    stage_silent(stage);
}

/* --- guardrails --- */

static void test_5626_7_c_no_script_asks_an_answered_instance_again(void **state)
{
    struct stage *stage = *state;
    two_flows(stage);
    stage_script(stage, "sip_on_response(486, function(r) return sip_next_flow() end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 486, NULL);
    stage_hears(stage, 486);
    stage_silent(stage);
    assert_refused(stage, "5626-7.c");
}

static void test_5626_7_c_not_by_relay_to_its_contact_either(void **state)
{
    struct stage *stage = *state;
    two_flows(stage);
    stage_script(stage, "sip_on_response(486, function(r) return sip_route('sip:bob@example.com') end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 486, NULL);
    stage_hears(stage, 486);
    stage_silent(stage);
}

static void test_5626_7_a_no_script_asks_a_ringing_instance_over_another_flow(void **state)
{
    struct stage *stage = *state;
    two_flows(stage);
    stage_script(stage, "sip_on_response(180, function(r) return sip_next_flow() end)\n");
    stage_call(stage, "one");
    stage_response(stage, stage_sent(stage, "INVITE"), 180, NULL);
    stage_hears(stage, 180);
    stage_silent(stage);
    assert_refused(stage, "5626-7.a");
}

static void test_3261_16_7_c_no_script_holds_back_a_2xx(void **state)
{
    struct stage *stage = *state;
    two_phones(stage);
    static const char *const verdicts[] = {"sip_fail(486)", "sip_next_target()", "sip_relay('sip:x@127.0.0.1:5099')"};
    for (size_t i = 0; i < 3; i++) {
        char lua[160], call[16];
        snprintf(lua, sizeof lua, "sip_on_response(200, function(r) return %s end)\n", verdicts[i]);
        snprintf(call, sizeof call, "call%zu", i);
        stage_script(stage, lua);
        stage_call(stage, call);
        stage_response(stage, stage_sent(stage, "INVITE"), 200, NULL);
        stage_hears(stage, 200);
        stage_silent(stage);
        assert_int_equal(stage_counters(stage)->verdicts_refused, i + 1);
    }
    assert_non_null(strstr(stage->fake.last_log, "3261-16.7.c"));
}

static void test_3261_16_7_d_no_script_goes_on_after_a_6xx(void **state)
{
    struct stage *stage = *state;
    two_phones(stage);
    static const char *const verdicts[] = {"sip_fail(486)", "sip_next_target()", "sip_relay('sip:x@127.0.0.1:5099')"};
    for (size_t i = 0; i < 3; i++) {
        char lua[160], call[16];
        snprintf(lua, sizeof lua, "sip_on_response('6xx', function(r) return %s end)\n", verdicts[i]);
        snprintf(call, sizeof call, "call%zu", i);
        stage_script(stage, lua);
        stage_call(stage, call);
        stage_refuses(stage, stage_sent(stage, "INVITE"), 603, NULL);
        stage_hears(stage, 603);
        stage_silent(stage);
        assert_int_equal(stage_counters(stage)->verdicts_refused, i + 1);
    }
    assert_non_null(strstr(stage->fake.last_log, "3261-16.7.d"));
}

static void test_5626_11_5_a_no_script_sends_up_a_430(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_script(stage, "sip_on_response(486, function(r) return sip_fail(430) end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 486, NULL);
    stage_hears(stage, 486);
    assert_refused(stage, "5626-11.5.a");
}

static void test_4320_4_a_no_script_sends_up_a_408_to_a_non_invite(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stage_alice();
    stage_phone(stage, (struct phone){.port = 5080});
    stage_script(stage, "sip_on_response(486, function(r) return sip_fail(408) end)\n");
    stage_request(stage, &caller, (struct request){.method = "MESSAGE"});
    stage_response(stage, stage_sent(stage, "MESSAGE"), 486, NULL);
    stage_hears(stage, 486);
    assert_refused(stage, "4320-4.a");
}

static void test_3261_9_a_no_script_goes_on_when_the_caller_has_cancelled(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stage_alice();
    two_phones(stage);
    stage_script(stage, "sip_on_response(487, function(r) return sip_relay('sip:vm@127.0.0.1:5099') end)\n");
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_request(stage, &caller, (struct request){.method = "CANCEL"});
    stage_hears(stage, 200);
    stage_sent(stage, "CANCEL");
    stage_refuses(stage, invite, 487, NULL);
    stage_hears(stage, 487);
    stage_silent(stage);
    assert_refused(stage, "3261-9.a");
}

/* --- scripts that fail --- */

static void test_an_error_leaves_the_core_s_decision(void **state)
{
    struct stage *stage = *state;
    two_phones(stage);
    stage_script(stage, "sip_on_response('*', function(r) error('oh no') end)\n"
                        "sip_on_request(function(r) local x = nil; return x.y end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 486, NULL);
    struct sent *second = stage_sent_to(stage, "INVITE", 5081);
    stage_response(stage, second, 200, NULL);
    stage_hears(stage, 200);
    assert_int_equal(stage_counters(stage)->script_errors, 3);
    assert_non_null(strstr(stage->fake.last_log, "oh no"));
}

static void test_what_is_no_verdict_leaves_the_core_s_decision(void **state)
{
    struct stage *stage = *state;
    two_phones(stage);
    stage_script(stage, "sip_on_response(486, function(r) return 'next_target' end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 486, NULL);
    stage_sent_to(stage, "INVITE", 5081);
    assert_int_equal(stage_counters(stage)->script_errors, 1);
}

static void test_a_call_keeps_the_version_it_began_with(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_script(stage, "sip_on_response(486, function(r) return sip_fail(404) end)\n");
    stage_call(stage, "old");
    struct sent *old = stage_sent(stage, "INVITE");
    stage_script(stage, "sip_on_response(486, function(r) return sip_fail(410) end)\n");
    stage_call(stage, "new");
    struct sent *new = stage_sent(stage, "INVITE");
    stage_refuses(stage, old, 486, NULL);
    stage_hears(stage, 404);
    stage_refuses(stage, new, 486, NULL);
    stage_hears(stage, 410);
}

static void test_the_script_is_told_what_came(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 7});
    stage_script(stage, "local sip = require 'reflow'\n"
                        "sip_on_response(486, function(r, c, d)\n"
                        "  sip.log('%d %s %s %d %s %s %s', r.code, r.destination, r.instance, r.reg_id, r.flow, c.aor, "
                        "d.action)\n"
                        "end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 486, NULL);
    stage_hears(stage, 486);
    assert_non_null(strstr(stage->fake.last_log, "486 127.0.0.1:5080 urn:uuid:1 7 udp 127.0.0.1:5080 "
                                                 "sip:bob@example.com fail"));
}

/* A provisional on a branch that waits no more is nobody's. */
static void test_after_timer_c_a_provisional_is_not_sent_up(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_advance(stage, TIMER_C);
    stage_sent(stage, "CANCEL");
    stage_hears(stage, 408);
    stage_response(stage, invite, 180, NULL);
    stage_silent(stage);
}

/* 5626-7.d is a default: where the phone has rung the core ends, and a policy may try. */
static void test_5626_7_d_a_script_may_try_another_flow_after_a_408(void **state)
{
    struct stage *stage = *state;
    two_flows(stage);
    stage_script(stage, "sip_on_response(408, function(r) return sip_next_flow() end)\n");
    stage_call(stage, "one");
    struct sent *first = stage_sent(stage, "INVITE");
    stage_response(stage, first, 180, NULL);
    stage_hears(stage, 180);
    stage_refuses(stage, first, 408, NULL);
    struct sent *second = stage_sent(stage, "INVITE");
    assert_int_not_equal(sent_port(first), sent_port(second));
    stage_refuses(stage, second, 408, NULL);
    stage_hears(stage, 408);
}

static void test_accept_of_a_request_is_the_standard_way(void **state)
{
    struct stage *stage = *state;
    two_phones(stage);
    stage_script(stage, "sip_on_request(function(r) return sip_accept() end)\n");
    stage_call(stage, "one");
    stage_sent_to(stage, "INVITE", 5080);
}

static void test_retry_after_when_the_flow_is_dead(void **state)
{
    struct stage *stage = *state;
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1, .tcp = true});
    stage_script(stage, "sip_on_flow_failed(function(r) return sip_retry_after(11) end)\n");
    stage_call(stage, "one");
    stage_sent(stage, "INVITE");
    fake_wire_close(&stage->wire, bob.connection);
    server_flow_down(stage->server, bob.connection, "closed");
    assert_string_equal(sent_header(stage_hears(stage, 480), "Retry-After", 0), "11");
}

static void test_a_transport_that_is_unknown_is_a_503(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_request(function(r) return sip_relay('sip:x@127.0.0.1:5099;transport=sctp') end)\n");
    stage_call(stage, "one");
    stage_advance(stage, 0);
    stage_hears(stage, 500);
    stage_script(stage, "sip_on_request(function(r) return sip_relay('sip:x@h.example;transport=sctp') end)\n");
    stage_call(stage, "two");
    stage_advance(stage, 0);
    stage_hears(stage, 500);
}

/* --- reports --- */

struct told {
    unsigned count;
    uint16_t code;
    uint8_t action, rule;
    enum rule_id refused;
    enum script_outcome outcome;
    uint32_t elapsed_ms;
    char aor[64], target[64], flow[64], instance[64], verdict[32];
};

static void keep(char *out, size_t size, struct text text)
{
    snprintf(out, size, "%.*s", (int)text.length, text.length > 0 ? text.at : "");
}

static void on_decided(void *context, const struct decided *decided)
{
    struct told *told = context;
    unsigned count = told->count + 1;
    *told = (struct told){.count = count,
                          .code = decided->decision->code,
                          .action = decided->decision->action,
                          .rule = decided->decision->rule,
                          .refused = decided->refused,
                          .outcome = decided->outcome,
                          .elapsed_ms = decided->elapsed_ms};
    keep(told->aor, sizeof told->aor, decided->aor);
    keep(told->target, sizeof told->target, decided->target);
    keep(told->flow, sizeof told->flow, decided->flow);
    keep(told->instance, sizeof told->instance, decided->instance);
    keep(told->verdict, sizeof told->verdict, text_of(decided->verdict));
    assert_non_null(decided->request);
}

static void test_what_is_told_of_a_decision(void **state)
{
    struct stage stage;
    struct told told = {0};
    (void)state;
    stage_create(&stage);
    stage.config.decided = on_decided;
    stage.config.decided_context = &told;
    stage_open(&stage);
    two_flows(&stage);
    stage_script(&stage, "sip_on_response(486, function(r) return sip_next_flow() end)\n"
                         "sip_on_response(404, function(r) return sip_fail(410) end)\n");
    stage_call(&stage, "one");
    struct sent *invite = stage_sent(&stage, "INVITE");
    stage_advance(&stage, 250);
    stage_refuses(&stage, invite, 430, NULL);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.code, 430);
    assert_int_equal(told.action, ACTION_NEXT_FLOW);
    assert_int_equal(told.rule, RULE_5626_7_B);
    assert_int_equal(told.outcome, SCRIPT_NO_HOOK);
    assert_int_equal(told.elapsed_ms, 250);
    assert_string_equal(told.aor, "sip:bob@example.com");
    assert_string_equal(told.instance, "urn:uuid:1");
    assert_string_equal(told.verdict, "");
    stage_refuses(&stage, stage_sent(&stage, "INVITE"), 486, NULL);
    assert_int_equal(told.refused, RULE_5626_7_C);
    assert_int_equal(told.outcome, SCRIPT_VERDICT);
    assert_string_equal(told.verdict, "");
    stage_hears(&stage, 486);
    stage_phone(&stage, (struct phone){.user = "carol", .port = 5088});
    struct peer caller = stage_alice();
    stage_request(&stage, &caller, (struct request){.uri = "sip:carol@example.com", .call = "two"});
    stage_hears(&stage, 100);
    stage_refuses(&stage, stage_sent(&stage, "INVITE"), 404, NULL);
    assert_string_equal(told.verdict, "fail");
    assert_string_equal(told.target, "sip:carol@127.0.0.1:5088");
    assert_string_equal(told.flow, "");
    assert_int_equal(told.refused, RULE_NONE);
    stage_hears(&stage, 410);
    stage_destroy(&stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_script_replies),
        TEST(test_a_script_drops),
        TEST(test_a_script_relays),
        TEST(test_a_script_routes_to_another_aor),
        TEST(test_3261_21_5_4_a_a_script_rests_a_destination_before_routing),
        TEST(test_5626_11_5_a_no_script_answers_a_request_with_430),
        TEST(test_5626_11_6_a_no_script_answers_a_request_with_439),
        TEST(test_4320_4_a_no_script_answers_a_non_invite_with_408),
        TEST(test_next_target_goes_on_where_the_core_would_end),
        TEST(test_fail_ends_with_this_status_and_tries_no_other),
        TEST(test_fail_on_a_provisional_stops_the_ringing),
        TEST(test_relay_on_a_provisional_rings_another_beside),
        TEST(test_next_target_on_a_provisional_rings_the_next_beside),
        TEST(test_relay_on_a_failure_tries_it_now),
        TEST(test_accept_is_the_core_s_decision),
        TEST(test_retry_after_goes_up_with_the_best_response),
        TEST(test_retry_after_with_a_response_made_here),
        TEST(test_3261_21_5_4_a_rest_by_verdict),
        TEST(test_3261_16_7_i_redirections_are_followed_where_the_policy_says_so),
        TEST(test_3261_16_7_i_and_else_they_go_up),
        TEST(test_5626_7_c_no_script_asks_an_answered_instance_again),
        TEST(test_5626_7_c_not_by_relay_to_its_contact_either),
        TEST(test_5626_7_a_no_script_asks_a_ringing_instance_over_another_flow),
        TEST(test_3261_16_7_c_no_script_holds_back_a_2xx),
        TEST(test_3261_16_7_d_no_script_goes_on_after_a_6xx),
        TEST(test_5626_11_5_a_no_script_sends_up_a_430),
        TEST(test_4320_4_a_no_script_sends_up_a_408_to_a_non_invite),
        TEST(test_3261_9_a_no_script_goes_on_when_the_caller_has_cancelled),
        TEST(test_an_error_leaves_the_core_s_decision),
        TEST(test_what_is_no_verdict_leaves_the_core_s_decision),
        TEST(test_a_call_keeps_the_version_it_began_with),
        TEST(test_the_script_is_told_what_came),
        TEST(test_after_timer_c_a_provisional_is_not_sent_up),
        TEST(test_5626_7_d_a_script_may_try_another_flow_after_a_408),
        TEST(test_accept_of_a_request_is_the_standard_way),
        TEST(test_retry_after_when_the_flow_is_dead),
        TEST(test_a_transport_that_is_unknown_is_a_503),
        cmocka_unit_test(test_what_is_told_of_a_decision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
