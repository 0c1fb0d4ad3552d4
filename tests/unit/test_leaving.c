// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include "standalone/server/server_private.h"
#include "standalone/server/caller.h"

/* 3261-16.3.a: what may leave the server to anything but a binding. Alice is registered, Mallory is a stranger, and
   203.0.113.7 is a trunk. */

static struct trunks trunks;

static const char all_out[] = "sip_on_request(function(request, call) return sip_relay('sip:out@127.0.0.1:5092') end)";

static int setup_with(void **state, bool edge, bool refuses_foreign)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    memset(&trunks, 0, sizeof trunks);
    assert_true(cidr_read(TEXT("203.0.113.7"), &trunks.addresses[0].cidr));
    trunks.addresses[0].text = TEXT("203.0.113.7");
    trunks.address_count = 1;
    stage_create(stage);
    stage_listen_by_every_transport(stage);
    stage->config.trunks = &trunks;
    stage->config.checks_callers = !edge;
    stage->config.edge = edge;
    stage->config.refuses_foreign = refuses_foreign;
    stage_open(stage);
    *state = stage;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, false, false);
}

static int setup_edge(void **state)
{
    return setup_with(state, true, false);
}

static int setup_without_foreign(void **state)
{
    return setup_with(state, false, true);
}

static struct peer trunk(void)
{
    struct peer peer = {0};
    assert_true(address_read(TEXT("203.0.113.7"), 5060, &peer.address));
    return peer;
}

/* A request as a stranger may write it. */
static void ask(struct stage *stage, const struct peer *from, const char *method, const char *uri, const char *caller,
                const char *fields)
{
    static unsigned calls;
    char lines[1500];
    snprintf(lines, sizeof lines,
             "%s %s SIP/2.0\nVia: SIP/2.0/%s 192.0.2.66:5060;branch=z9hG4bKl%u;rport\nFrom: %s;tag=f\n"
             "To: <sip:bob@example.com>\nCall-ID: leaving-%u\nCSeq: 1 %s\nMax-Forwards: 70\n"
             "Contact: <sip:mallory@192.0.2.66>\n%sContent-Length: 0\n\n",
             method, uri, transport_name(from->transport), calls, caller, calls, method, fields);
    calls++;
    stage_receive(stage, from, lines);
    if (strcmp(method, "INVITE") == 0)
        stage_status(stage, from, 100);
}

static void assert_refused(struct stage *stage, const struct peer *from, unsigned status)
{
    stage_status(stage, from, status);
    stage_silent(stage);
}

static const char foreign[] = "<sip:mallory@example.net>";
static const char *const strangers[] = {foreign,
                                        "\"Anonymous\" <sip:anonymous@anonymous.invalid>",
                                        "<sip:+15550100@example.net>",
                                        "<sip:203.0.113.7>",
                                        "<sip:trunk@203.0.113.7>",
                                        "<tel:+15550100>",
                                        "<sips:mallory@example.net>",
                                        "<sip:example.net>",
                                        "<sip:mallory@example.com.example.net>"};
static const char *const ours[] = {"<sip:alice@example.com>",   "<sip:alice@EXAMPLE.com>", "<sip:alice@example.com.>",
                                   "<sips:alice@example.com>",  "<sip:example.com>",       "<sip:al%69ce@example.com>",
                                   "<sip:alice@127.0.0.1:5060>"};
static const char *const methods[] = {"INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS", "PUBLISH",
                                      "NOTIFY", "REFER",   "INFO",      "FOO",     "REGISTER"};

static void test_3261_16_3_a_a_stranger_does_not_leave_by_a_verdict(void **state)
{
    static const char *const verdicts[] = {"sip_relay('sip:out@127.0.0.1:5092')", "sip_route('sip:out@127.0.0.1:5092')",
                                           "sip_forward('sip:127.0.0.1:5092')", "sip_relay('sip:out@gone.example.org')",
                                           "sip_relay('sips:out@gone.example.org')"};
    struct stage *stage = *state;
    const struct peer mallory = fake_udp(5066);
    for (size_t verdict = 0; verdict < sizeof verdicts / sizeof verdicts[0]; verdict++) {
        char script[200];
        snprintf(script, sizeof script, "sip_on_request(function(request, call) return %s end)", verdicts[verdict]);
        stage_script(stage, script);
        for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
            for (size_t method = 0; method < sizeof methods / sizeof methods[0]; method++) {
                bool registers = strcmp(methods[method], "REGISTER") == 0;
                ask(stage, &mallory, methods[method], registers ? "sip:example.org" : "sip:bob@example.com",
                    strangers[i], "");
                assert_refused(stage, &mallory, 403);
            }
        }
    }
    assert_true(stage_count(stage, "refused_unauthenticated") > 0);
}

/* Over each transport, and from IPv6. */
static void test_3261_16_3_a_a_stranger_does_not_leave_over_any_transport(void **state)
{
    struct stage *stage = *state;
    struct peer six = {0};
    assert_true(address_read(TEXT("2001:db8::66"), 5060, &six.address));
    stage_script(stage, all_out);
    for (uint8_t transport = TRANSPORT_UDP; transport <= TRANSPORT_WSS; transport++) {
        const struct peer from =
            transport == TRANSPORT_UDP ? six : fake_stream(&stage->wire, (enum transport)transport, transport, 5066);
        for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
            ask(stage, &from, "INVITE", "sip:+15550199@example.com", strangers[i], "");
            assert_refused(stage, &from, 403);
        }
        for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
            ask(stage, &from, "INVITE", "sip:+15550199@example.com", ours[i], "");
            assert_refused(stage, &from, 403);
        }
    }
}

static void test_3261_16_3_a_a_stranger_does_not_leave_by_uri_or_route(void **state)
{
    struct stage *stage = *state;
    const struct peer mallory = fake_udp(5066), tcp = fake_tcp(&stage->wire, 5067);
    const struct peer *const from[] = {&mallory, &tcp};
    for (size_t i = 0; i < 2; i++) {
        ask(stage, from[i], "INVITE", "sip:victim@127.0.0.1:5092", foreign, "");
        assert_refused(stage, from[i], 403);
        ask(stage, from[i], "MESSAGE", "sip:bob@example.com", foreign, "Route: <sip:127.0.0.1:5092;lr>\n");
        assert_refused(stage, from[i], 403);
        ask(stage, from[i], "MESSAGE", "sip:bob@example.com", foreign,
            "Route: <sip:127.0.0.1:5060;lr>, <sip:127.0.0.1:5092;lr>\n");
        assert_refused(stage, from[i], 403);
    }
}

/* One who is registered may still be somebody else over UDP, and has not shown a password for this request. */
static void test_3261_16_3_a_a_registration_alone_is_no_credential(void **state)
{
    struct stage *stage = *state;
    const struct peer phone = stage_phone(stage, (struct phone){.user = "alice", .port = 5091});
    ask(stage, &phone, "INVITE", "sip:victim@127.0.0.1:5092", foreign, "");
    assert_refused(stage, &phone, 403);
    stage_script(stage, all_out);
    ask(stage, &phone, "INVITE", "sip:bob@example.com", foreign, "");
    assert_refused(stage, &phone, 403);
}

static void test_3261_16_3_a_a_from_of_ours_has_to_be_proved(void **state)
{
    struct stage *stage = *state;
    const struct peer mallory = fake_udp(5066);
    stage_phone(stage, (struct phone){.user = "bob", .port = 5091});
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        ask(stage, &mallory, "INVITE", "sip:bob@example.com", ours[i], "");
        assert_refused(stage, &mallory, 403);
        ask(stage, &mallory, "MESSAGE", "sip:bob@example.com", ours[i], "");
        assert_refused(stage, &mallory, 403);
    }
}

static void test_a_stranger_reaches_the_users(void **state)
{
    struct stage *stage = *state;
    const struct peer mallory = fake_udp(5066);
    stage_phone(stage, (struct phone){.user = "bob", .port = 5091});
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        ask(stage, &mallory, "INVITE", "sip:bob@example.com", strangers[i], "");
        stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), 486, "");
        stage_status(stage, &mallory, 486);
    }
}

static void test_a_stranger_is_led_to_users_by_the_policy(void **state)
{
    struct stage *stage = *state;
    const struct peer mallory = fake_udp(5066);
    stage_phone(stage, (struct phone){.user = "bob", .port = 5091});
    stage_script(stage, "sip_on_request(function() return sip_relay('sip:bob@example.com') end)");
    ask(stage, &mallory, "MESSAGE", "sip:support@example.com", foreign, "");
    stage_sent_to(stage, "MESSAGE", 5091);
}

static void test_no_foreign_refuses_strangers(void **state)
{
    struct stage *stage = *state;
    const struct peer mallory = fake_udp(5066), from = trunk();
    stage_phone(stage, (struct phone){.user = "bob", .port = 5091});
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        ask(stage, &mallory, "INVITE", "sip:bob@example.com", strangers[i], "");
        assert_refused(stage, &mallory, 403);
    }
    ask(stage, &mallory, "OPTIONS", "sip:example.com", foreign, "");
    assert_refused(stage, &mallory, 200);
    ask(stage, &from, "MESSAGE", "sip:bob@example.com", foreign, "");
    stage_sent_to(stage, "MESSAGE", 5091);
}

static void test_a_trunk_leaves_as_the_policy_says(void **state)
{
    struct stage *stage = *state;
    const struct peer from = trunk();
    stage_script(stage, all_out);
    ask(stage, &from, "MESSAGE", "sip:bob@example.com", foreign, "");
    stage_sent_to(stage, "MESSAGE", 5092);
    ask(stage, &from, "MESSAGE", "sip:bob@example.com", ours[0], ""); /* a call that somebody has forwarded */
    stage_sent_to(stage, "MESSAGE", 5092);
}

/* Over UDP its address may be forged: it is not relayed to where its sender likes. */
static void test_3261_16_3_a_a_trunk_does_not_choose_where(void **state)
{
    struct stage *stage = *state;
    const struct peer from = trunk();
    ask(stage, &from, "INVITE", "sip:victim@127.0.0.1:5092", foreign, "");
    assert_refused(stage, &from, 403);
    ask(stage, &from, "MESSAGE", "sip:bob@example.com", foreign, "Route: <sip:127.0.0.1:5092;lr>\n");
    assert_refused(stage, &from, 403);
    stage_phone(stage, (struct phone){.user = "bob", .port = 5091});
    stage_script(stage, "sip_on_request(function() return sip_relay('sip:bob@example.com') end)");
    ask(stage, &from, "MESSAGE", "sip:bob@example.com", foreign, "Route: <sip:127.0.0.1:5092;lr>\n");
    assert_int_equal(sent_count(stage_sent_to(stage, "MESSAGE", 5091), "Route"), 0);
}

static void test_an_emergency_call_is_never_refused(void **state)
{
    struct stage *stage = *state;
    const struct peer mallory = fake_udp(5066);
    stage_script(stage, all_out);
    ask(stage, &mallory, "INVITE", "urn:service:sos", foreign, "");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5092), 486, "");
    stage_status(stage, &mallory, 486);
    ask(stage, &mallory, "INVITE", "urn:service:sos.police", ours[0], "");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5092), 486, "");
    stage_status(stage, &mallory, 486);
    stage_script(stage, "");
    ask(stage, &mallory, "MESSAGE", "urn:service:sos", foreign, "Route: <sip:127.0.0.1:5092;lr>\n");
    assert_refused(stage, &mallory, 403);
}

/* A verdict on a response is refused like one that a guardrail forbids, and the call goes on. */
static void test_3261_16_3_a_a_stranger_does_not_leave_later(void **state)
{
    static const char *const scripts[] = {
        "sip_on_response('*', function(reply) return sip_relay('sip:out@127.0.0.1:5092') end)",
        "sip_on_response(486, function(reply) return sip_relay('sip:out@127.0.0.1:5092') end)",
        "sip_on_exhausted(function(reply) return sip_relay('sip:out@127.0.0.1:5092') end)",
        "sip_on_response('4xx', function(reply) return sip_relay('sip:out@127.0.0.1:5092') end)"};
    struct stage *stage = *state;
    const struct peer mallory = fake_udp(5066), from = trunk();
    stage_phone(stage, (struct phone){.user = "bob", .port = 5091});
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        stage_script(stage, scripts[i]);
        int64_t before = stage_count(stage, "verdicts_refused");
        ask(stage, &mallory, "INVITE", "sip:bob@example.com", foreign, "");
        stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), 486, "");
        assert_refused(stage, &mallory, 486);
        assert_int_equal(stage_count(stage, "verdicts_refused"), before + 1);
        assert_non_null(strstr(stage->fake.last_log, "3261-16.3.a"));
        ask(stage, &from, "MESSAGE", "sip:bob@example.com", foreign, "");
        stage_response(stage, stage_sent_to(stage, "MESSAGE", 5091), 486, "");
        stage_response(stage, stage_sent_to(stage, "MESSAGE", 5092), 200, "");
        stage_status(stage, &from, 200);
    }
}

static void test_3261_16_3_a_a_redirect_does_not_lead_a_stranger_out(void **state)
{
    struct stage *stage = *state;
    const struct peer mallory = fake_udp(5066);
    stage_phone(stage, (struct phone){.user = "bob", .port = 5091});
    stage_phone(stage, (struct phone){.user = "carol", .port = 5093});
    stage_script(stage, "sip_on_request(function() return sip_route{recurse = true} end)");
    ask(stage, &mallory, "INVITE", "sip:bob@example.com", foreign, "");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), 302, "Contact: <sip:out@127.0.0.1:5092>\n");
    assert_refused(stage, &mallory, 302);
    ask(stage, &mallory, "INVITE", "sip:bob@example.com", foreign, "");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), 302,
                  "Contact: <sip:out@127.0.0.1:5092>, <sip:carol@example.com>\n");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5093), 486, "");
    assert_refused(stage, &mallory, 486);
}

static void test_unchecked_servers_relay_as_before(void **state)
{
    struct stage *stage = *state;
    const struct peer mallory = fake_udp(5066);
    stage_script(stage, all_out);
    ask(stage, &mallory, "MESSAGE", "sip:bob@example.com", ours[0], "");
    stage_sent_to(stage, "MESSAGE", 5092);
}

/* --- who is who --- */

static enum caller_right right_of(struct stage *stage, const char *from, const char *user)
{
    char lines[600];
    struct sip_fault fault;
    struct sip_message *request = NULL;
    struct caller caller = {.right = CALLER_UNCHECKED};
    int length = snprintf(lines, sizeof lines,
                          "MESSAGE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.66;branch=z9hG4bKr\r\n"
                          "From: %s;tag=f\r\nTo: <sip:bob@example.com>\r\nCall-ID: r\r\nCSeq: 1 MESSAGE\r\n\r\n",
                          from);
    assert_int_equal(sip_message_new(&request, &stage->fake.host, lines, (size_t)length, NULL, &fault), 0);
    snprintf(caller.user, sizeof caller.user, "%s", user);
    caller_judge(stage->server, request, &caller);
    sip_message_delete(request);
    return (enum caller_right)caller.right;
}

static void test_3261_16_3_a_credentials_are_those_of_the_user_in_from(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(right_of(stage, "<sip:alice@example.com>", "alice@example.com"), CALLER_MAY_LEAVE);
    assert_int_equal(right_of(stage, "<sips:alice@Example.com.>", "alice@example.com"), CALLER_MAY_LEAVE);
    assert_int_equal(right_of(stage, "<sip:al%69ce@example.com>", "alice@example.com"), CALLER_MAY_LEAVE);
    assert_int_equal(right_of(stage, "<sip:bob@example.com>", "alice@example.com"), CALLER_REFUSED);
    assert_int_equal(right_of(stage, "<sip:Alice@example.com>", "alice@example.com"), CALLER_MAY_LEAVE);
    stage->server->config.aor_case = AOR_CASE_SENSITIVE;
    assert_int_equal(right_of(stage, "<sip:Alice@example.com>", "alice@example.com"), CALLER_REFUSED);
    stage->server->config.aor_case = AOR_ANY_CASE;
    assert_int_equal(right_of(stage, "<sip:example.com>", "alice@example.com"), CALLER_REFUSED);
    assert_int_equal(right_of(stage, "<sip:anonymous@anonymous.invalid>", "alice@example.com"), CALLER_MAY_LEAVE);
    assert_int_equal(right_of(stage, "<tel:+15550100>", "alice@example.com"), CALLER_MAY_LEAVE);
    assert_int_equal(right_of(stage, "<sip:anonymous@anonymous.invalid>", ""), CALLER_BOUND);
    assert_int_equal(right_of(stage, "<sip:alice@example.com>", ""), CALLER_REFUSED);
    assert_int_equal(right_of(stage, "<sip:alice@example.com>", "alice"), CALLER_REFUSED);
    assert_int_equal(right_of(stage, "<sip:alice@[::ffff:127.0.0.1]>", ""), CALLER_REFUSED);
    assert_int_equal(right_of(stage, "<sip:alice@[::ffff:7f00:1]>", "alice@127.0.0.1"), CALLER_MAY_LEAVE);
    assert_int_equal(right_of(stage, "<sip:alice@[::ffff:127.0.0.2]>", ""), CALLER_BOUND);
}

/* --- an edge --- */

static void test_an_edge_only_forwards(void **state)
{
    static const char *const verdicts[] = {"sip_relay('sip:out@127.0.0.1:5092')", "sip_route('sip:out@127.0.0.1:5092')",
                                           "sip_relay('sip:bob@example.com')", "sip_route()", "nil"};
    struct stage *stage = *state;
    const struct peer mallory = fake_udp(5066);
    stage_script(stage, "sip_on_request(function() return sip_forward('sip:127.0.0.1:5092') end)");
    ask(stage, &mallory, "MESSAGE", "sip:bob@example.com", ours[0], "");
    stage_sent_to(stage, "MESSAGE", 5092);
    ask(stage, &mallory, "REGISTER", "sip:example.com", ours[0], "");
    stage_sent_to(stage, "REGISTER", 5092);
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
        char script[200];
        snprintf(script, sizeof script, "sip_on_request(function() return %s end)", verdicts[i]);
        stage_script(stage, script);
        ask(stage, &mallory, "MESSAGE", "sip:bob@example.com", foreign, "");
        assert_refused(stage, &mallory, 403);
        ask(stage, &mallory, "MESSAGE", "sip:victim@127.0.0.1:5092", foreign, "");
        assert_refused(stage, &mallory, 403);
        ask(stage, &mallory, "REGISTER", "sip:example.com", ours[0], "");
        assert_refused(stage, &mallory, 403);
    }
    stage_script(stage, "sip_on_request(function() return sip_reply(480) end)");
    ask(stage, &mallory, "MESSAGE", "sip:bob@example.com", foreign, "");
    assert_refused(stage, &mallory, 480);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, stage_teardown)
        TEST(test_3261_16_3_a_a_stranger_does_not_leave_by_a_verdict, setup),
        TEST(test_3261_16_3_a_a_stranger_does_not_leave_over_any_transport, setup),
        TEST(test_3261_16_3_a_a_stranger_does_not_leave_by_uri_or_route, setup),
        TEST(test_3261_16_3_a_a_registration_alone_is_no_credential, setup),
        TEST(test_3261_16_3_a_a_from_of_ours_has_to_be_proved, setup),
        TEST(test_a_stranger_reaches_the_users, setup),
        TEST(test_a_stranger_is_led_to_users_by_the_policy, setup),
        TEST(test_no_foreign_refuses_strangers, setup_without_foreign),
        TEST(test_a_trunk_leaves_as_the_policy_says, setup),
        TEST(test_3261_16_3_a_a_trunk_does_not_choose_where, setup),
        TEST(test_an_emergency_call_is_never_refused, setup),
        TEST(test_3261_16_3_a_a_stranger_does_not_leave_later, setup),
        TEST(test_3261_16_3_a_a_redirect_does_not_lead_a_stranger_out, setup),
        TEST(test_unchecked_servers_relay_as_before, stage_setup),
        TEST(test_3261_16_3_a_credentials_are_those_of_the_user_in_from, setup),
        TEST(test_an_edge_only_forwards, setup_edge),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
