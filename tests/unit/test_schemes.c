// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

/* Request-URIs of other schemes than sip: and sips:. A policy may route them; 416 is for those that nobody takes. */

static const char *const foreign[] = {"tel:+1-555-0100", "urn:service:sos", "urn:service:sos.police", "im:bob@h",
                                      "nobody-knows:this"};

enum { FOREIGN = sizeof foreign / sizeof foreign[0], NEXT = 6060 };

static void invites(struct stage *stage, const struct peer *from, const char *uri, const char *fields)
{
    stage_request(stage, from, (struct request){.uri = uri, .call = uri, .fields = fields});
    stage_status(stage, from, 100);
}

static void test_nobody_takes_them(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070),
                bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    for (size_t i = 0; i < FOREIGN; i++) {
        invites(stage, &alice, foreign[i], NULL);
        stage_status(stage, &alice, 416);
        stage_request(stage, &alice, (struct request){.uri = foreign[i], .call = foreign[i], .method = "ACK"});
        invites(stage, &bob, foreign[i], NULL); /* to be registered here gives no way either */
        stage_status(stage, &bob, 416);
    }
    stage_request(stage, &alice, (struct request){.uri = "tel:1", .method = "MESSAGE", .call = "m"});
    stage_status(stage, &alice, 416);
    stage_request(stage, &alice, (struct request){.uri = "tel:1", .method = "BYE", .call = "b", .to_tag = "t"});
    stage_status(stage, &alice, 481);
    stage_request(stage, &alice, (struct request){.uri = "tel:1", .method = "REGISTER", .call = "r"});
    stage_status(stage, &alice, 416);
    stage_silent(stage);
    stage_ends(stage);
}

static void test_an_edge_forwards_them_as_they_are(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    char line[128];
    stage_script(stage, "sip_on_request(function() return sip_forward('sip:127.0.0.1:6060') end)");
    for (size_t i = 0; i < FOREIGN; i++) {
        invites(stage, &alice, foreign[i], NULL);
        struct sent *invite = stage_sent_to(stage, "INVITE", NEXT);
        snprintf(line, sizeof line, "INVITE %s SIP/2.0\r\n", foreign[i]);
        assert_true(sent_starts(invite, line));
        assert_int_equal(sent_count(invite, "Record-Route"), 1);
        stage_response(stage, invite, 180, NULL);
        stage_status(stage, &alice, 180);
        stage_response(stage, invite, 404, NULL);
        stage_sent_to(stage, "ACK", NEXT);
        stage_status(stage, &alice, 404);
        stage_request(stage, &alice, (struct request){.uri = foreign[i], .call = foreign[i], .method = "ACK"});
    }
    stage_silent(stage);
    stage_ends(stage);
}

/* The record in the dialog leads its later requests, whatever scheme their Request-URI has. */
static void test_a_dialog_keeps_its_way(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    char route[400];
    stage_script(stage, "sip_on_request(function() return sip_forward('sip:127.0.0.1:6060') end)");
    invites(stage, &alice, "urn:service:sos", "Contact: <sip:alice@127.0.0.1:5070;ob>\n");
    struct sent *invite = stage_sent_to(stage, "INVITE", NEXT);
    stage_response(stage, invite, 200, "Contact: <sip:psap@127.0.0.1:6070>\n");
    snprintf(route, sizeof route, "Route: %s, <sip:127.0.0.1:6060;lr>\n",
             sent_header(stage_status(stage, &alice, 200), "Record-Route", 0));
    stage_request(stage, &alice,
                  (struct request){.uri = "urn:service:sos",
                                   .call = "urn:service:sos",
                                   .method = "ACK",
                                   .branch = "z9hG4bK-ack",
                                   .to_tag = "p6060",
                                   .fields = route});
    assert_true(sent_starts(stage_sent_to(stage, "ACK", NEXT), "ACK urn:service:sos SIP/2.0\r\n"));
    stage_request(stage, &alice,
                  (struct request){.uri = "urn:service:sos",
                                   .call = "urn:service:sos",
                                   .method = "BYE",
                                   .cseq = 2,
                                   .to_tag = "p6060",
                                   .fields = route});
    struct sent *bye = stage_sent_to(stage, "BYE", NEXT);
    assert_true(sent_starts(bye, "BYE urn:service:sos SIP/2.0\r\n"));
    stage_response(stage, bye, 200, NULL);
    stage_status(stage, &alice, 200);
    stage_silent(stage);
}

static void test_cancel_takes_the_same_request_uri(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_script(stage, "sip_on_request(function() return sip_forward('sip:127.0.0.1:6060') end)");
    invites(stage, &alice, "tel:+15550100", NULL);
    struct sent *invite = stage_sent_to(stage, "INVITE", NEXT);
    stage_response(stage, invite, 180, NULL);
    stage_status(stage, &alice, 180);
    stage_request(stage, &alice, (struct request){.uri = "tel:+15550100", .call = "tel:+15550100", .method = "CANCEL"});
    stage_status(stage, &alice, 200);
    assert_true(sent_starts(stage_sent_to(stage, "CANCEL", NEXT), "CANCEL tel:+15550100 SIP/2.0\r\n"));
    stage_response(stage, invite, 487, NULL);
    assert_true(sent_starts(stage_sent_to(stage, "ACK", NEXT), "ACK tel:+15550100 SIP/2.0\r\n"));
    stage_status(stage, &alice, 487);
}

/* What the hook sees, and what its verdicts do. */
static void test_a_policy_routes_them(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_script(stage, "sip_on_request(function(request, call)\n"
                        "  if call.aor == 'tel:+15550100' and call.uri == 'tel:+1-555-0100' then\n"
                        "    return sip_relay('sip:+15550100@127.0.0.1:6060')\n"
                        "  elseif call.aor == 'urn:service:sos' then return sip_route('sip:bob@example.com')\n"
                        "  elseif call.aor == 'urn:service:sos.police' then return sip_reply(380)\n"
                        "  elseif call.aor == 'im:bob@h' then return sip_route()\n"
                        "  end\n"
                        "end)");
    stage_phone(stage, (struct phone){.port = 5080});
    invites(stage, &alice, foreign[0], NULL);
    assert_true(sent_starts(stage_sent_to(stage, "INVITE", NEXT), "INVITE sip:+15550100@127.0.0.1:6060 SIP/2.0\r\n"));
    invites(stage, &alice, "URN:Service:SOS", NULL);
    assert_true(sent_starts(stage_sent_to(stage, "INVITE", 5080), "INVITE sip:bob@127.0.0.1:5080"));
    invites(stage, &alice, foreign[2], NULL);
    stage_status(stage, &alice, 380);
    invites(stage, &alice, foreign[3], NULL);
    stage_status(stage, &alice, 416);
    invites(stage, &alice, foreign[4], NULL);
    stage_status(stage, &alice, 416);
    stage_silent(stage);
}

static void test_a_call_for_help_is_not_refused_for_the_fault_of_a_script(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070),
                bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_script(stage, "sip_on_request(function() error 'no' end, {on_error = 503})");
    invites(stage, &alice, "sip:bob@example.com", NULL);
    stage_status(stage, &alice, 503);
    invites(stage, &alice, "urn:service:sos", NULL);
    stage_status(stage, &alice, 416);
    /* With a Route the core has a way for it. */
    invites(stage, &bob, "urn:service:sos", "Route: <sip:127.0.0.1:6060;lr>\n");
    assert_true(sent_starts(stage_sent_to(stage, "INVITE", NEXT), "INVITE urn:service:sos SIP/2.0\r\n"));
}

static void test_a_route_is_for_those_who_are_registered_here(void **state)
{
    struct stage *stage = *state;
    struct peer mallory = fake_udp(5070),
                bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    for (size_t i = 0; i < FOREIGN; i++) {
        invites(stage, &mallory, foreign[i], "Route: <sip:127.0.0.1:6060;lr>\n");
        stage_status(stage, &mallory, 403);
        invites(stage, &bob, foreign[i], "Route: <sip:127.0.0.1:5060;lr>, <sip:127.0.0.1:6060;lr>\n");
        struct sent *invite = stage_sent_to(stage, "INVITE", NEXT);
        assert_int_equal(sent_count(invite, "Route"), 1);
        stage_refuses(stage, invite, 404, NULL);
        stage_status(stage, &bob, 404);
    }
}

/* A redirection to a telephone number is no target. */
static void test_3261_16_7_i_contacts_of_other_schemes_are_not_followed(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_request(function() return sip_relay('sip:bob@127.0.0.1:6060', {recurse = true}) end)");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", NEXT), 302,
                  "Contact: <tel:+15550100>, <urn:service:sos>;q=0.9, <mailto:bob@h>\n");
    stage_hears(stage, 302);
    stage_call(stage, "two");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", NEXT), 302,
                  "Contact: <tel:+15550100>, <sip:carol@127.0.0.1:6070>\n");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 6070), 404, NULL);
    stage_hears(stage, 404);
}

static void test_to_relay_to_no_sip_uri_is_a_fault_of_the_script(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    stage_script(stage, "sip_on_request(function(request, call) return sip_relay(call.uri) end)");
    invites(stage, &alice, "tel:+15550100", NULL);
    stage_status(stage, &alice, 416);
    assert_int_equal(stage_counters(stage)->script_errors, 1);
}

static void test_what_is_no_uri_is_malformed(void **state)
{
    struct stage *stage = *state;
    struct peer alice = fake_udp(5070);
    static const char *const bad[] = {"tel:", "sip:", "sip:a@b@c", "sip:bob@h:99999", "urn", ":x", "sip:%4@h"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        stage_request(stage, &alice, (struct request){.uri = bad[i], .call = bad[i]});
        stage_status(stage, &alice, 400);
    }
    stage_silent(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_nobody_takes_them),
        TEST(test_an_edge_forwards_them_as_they_are),
        TEST(test_a_dialog_keeps_its_way),
        TEST(test_cancel_takes_the_same_request_uri),
        TEST(test_a_policy_routes_them),
        TEST(test_a_call_for_help_is_not_refused_for_the_fault_of_a_script),
        TEST(test_a_route_is_for_those_who_are_registered_here),
        TEST(test_3261_16_7_i_contacts_of_other_schemes_are_not_followed),
        TEST(test_to_relay_to_no_sip_uri_is_a_fault_of_the_script),
        TEST(test_what_is_no_uri_is_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
