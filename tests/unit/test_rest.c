// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"
#include "script/store/tenants.h"
#include "standalone/server/server_private.h"
#include "standalone/server/rest.h"

/* Destinations that rest (3261-21.5.4.a). */

static void test_3261_21_5_4_a_a_503_with_retry_after_rests_for_the_time(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 503, "Retry-After: 30 (lunch);duration=5\n");
    stage_hears(stage, 500);
    assert_int_equal(stage_count(stage, "resting"), 1);
    stage_request(stage, &(struct peer){.address = stage_alice().address}, (struct request){.method = "ACK"});
    stage_advance(stage, 29999);
    stage_discard(stage);
    stage_call(stage, "two");
    stage_advance(stage, 0);
    stage_hears(stage, 500);
    stage_request(stage, &(struct peer){.address = stage_alice().address},
                  (struct request){.method = "ACK", .call = "two"});
    stage_advance(stage, 1);
    stage_call(stage, "three");
    stage_sent_to(stage, "INVITE", 5080);
    assert_int_equal(stage_count(stage, "bindings"), 1);
}

static void test_3261_21_5_4_a_without_retry_after_nothing_rests(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 503, NULL);
    stage_hears(stage, 500);
    assert_int_equal(stage_count(stage, "resting"), 0);
    stage_call(stage, "two");
    stage_sent_to(stage, "INVITE", 5080);
}

static void test_3261_21_5_4_a_other_destinations_are_tried_meanwhile(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.9"});
    stage_phone(stage, (struct phone){.port = 5081, .more = ";q=0.1"});
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 503, "Retry-After: 30\n");
    stage_response(stage, stage_sent_to(stage, "INVITE", 5081), 200, NULL);
    stage_hears(stage, 200);
    stage_call(stage, "two");
    stage_advance(stage, 0);
    stage_sent_to(stage, "INVITE", 5081);
    stage_silent(stage);
}

/* A phone that rests is no dead flow: its bindings stand. */
static void test_3261_21_5_4_a_a_flow_that_rests_keeps_its_binding(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 503, "Retry-After: 30\n");
    stage_hears(stage, 500);
    stage_call(stage, "two");
    stage_advance(stage, 0);
    stage_hears(stage, 500);
    assert_int_equal(stage_count(stage, "bindings"), 1);
    assert_int_equal(stage_count(stage, "bindings_lost"), 0);
}

static void call_carol(struct stage *stage, const char *call)
{
    struct peer alice = stage_alice();
    stage_request(stage, &alice, (struct request){.uri = "sip:carol@example.com", .call = call});
    stage_hears(stage, 100);
}

/* A stranger registers the address of the trunk, and makes it answer 503. */
static void test_3261_21_5_4_a_what_others_have_named_goes_on_serving_the_policy(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_request(function(request, call)\n"
                        "  if call.aor == 'sip:carol@example.com' then return sip_relay('sip:1@127.0.0.1:5080') end\n"
                        "end)");
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 503, "Retry-After: 30\n");
    stage_hears(stage, 500);
    call_carol(stage, "two");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 486, NULL);
    stage_hears(stage, 486);
    stage_call(stage, "three");
    stage_advance(stage, 0);
    stage_hears(stage, 500);
    stage_advance(stage, 30000);
    stage_discard(stage);
    call_carol(stage, "four");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 503, "Retry-After: 30\n");
    stage_hears(stage, 500);
    stage_call(stage, "five");
    stage_advance(stage, 0);
    stage_hears(stage, 500);
}

/* --- names: trunk.example.net has addresses at 5091 and 5092 --- */

static const uint16_t both[] = {5091, 5092, 0};

static void relay_to(struct stage *stage, const char *uri)
{
    char script[200];
    snprintf(script, sizeof script, "sip_on_request('INVITE', function() return sip_relay('%s') end)\n", uri);
    stage_script(stage, script);
}

/* While `rest` rests, the URI is looked up, and the call goes to this port first; 0: to none. Then the rest ends. */
static void assert_goes_to(struct stage *stage, const char *uri, const char *rest, uint16_t port)
{
    relay_to(stage, uri);
    rest_set(stage->server, TEXT(""), text_of(rest), 300);
    stage_call(stage, "one");
    fake_wire_resolve(&stage->wire, "trunk.example.net", both);
    stage_advance(stage, 0);
    if (port != 0)
        stage_response(stage, stage_sent_to(stage, "INVITE", port), 486, NULL);
    stage_discard(stage);
    rest_set(stage->server, TEXT(""), text_of(rest), 0);
    stage_ends(stage);
}

static void test_3261_21_5_4_a_an_address_rests_and_others_of_its_name_do_not(void **state)
{
    struct stage *stage = *state;
    assert_goes_to(stage, "sip:1@trunk.example.net:5091", "127.0.0.1:5091", 5092);
    assert_goes_to(stage, "sip:1@trunk.example.net:5091", "127.0.0.1:5092", 5091);
    assert_goes_to(stage, "sip:1@trunk.example.net:5091", "127.0.0.1", 0);
    assert_goes_to(stage, "sip:1@trunk.example.net:5091", "127.0.0.2", 5091);
    assert_goes_to(stage, "sip:1@trunk.example.net:5091", "trunk.example.net:5092", 5091);
    assert_goes_to(stage, "sip:1@trunk.example.net:5091", "example.net", 5091);
}

/* A port of a name is that of the URI or its default. Those that SRV records tell are of addresses. */
static void test_3261_21_5_4_a_a_name_without_port_rests_by_its_default(void **state)
{
    struct stage *stage = *state;
    assert_goes_to(stage, "sip:1@trunk.example.net", "127.0.0.1:5091", 5092);
    assert_goes_to(stage, "sip:1@trunk.example.net", "trunk.example.net:5091", 5091);
    assert_goes_to(stage, "sip:1@trunk.example.net;transport=tcp", "trunk.example.net:5061", 5091);
}

static void test_3261_21_5_4_a_a_name_that_rests_is_not_looked_up(void **state)
{
    static const struct {
        const char *uri, *rest;
    } cases[] = {{"sip:1@trunk.example.net:5091", "Trunk.Example.NET"},
                 {"sip:1@trunk.example.net:5091", "trunk.example.net:5091"},
                 {"sip:1@TRUNK.example.net", "trunk.example.net:5060"},
                 {"sip:1@trunk.example.net;transport=tcp", "trunk.example.net:5060"}};
    struct stage *stage = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        relay_to(stage, cases[i].uri);
        rest_set(stage->server, TEXT(""), text_of(cases[i].rest), 300);
        stage_call(stage, "one");
        stage_advance(stage, 0);
        stage_hears(stage, 500);
        assert_int_equal(stage->wire.lookup_count, 0);
        rest_set(stage->server, TEXT(""), text_of(cases[i].rest), 0);
        stage_ends(stage);
    }
}

static void test_a_policy_has_no_say_on_what_was_never_asked(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_script(stage, "local n = 0\n"
                        "sip_on_response('*', function(r) n = n + 1 if n > 1 then return sip_fail(404) end end)\n");
    stage_call(stage, "one");
    stage_refuses(stage, stage_sent(stage, "INVITE"), 503, "Retry-After: 30\n");
    stage_hears(stage, 500);
    stage_call(stage, "two");
    stage_advance(stage, 0);
    stage_hears(stage, 500);
}

static void test_rests_are_forgotten_when_they_are_over(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_script(stage, "local n = 0\n"
                        "sip_on_request(function(r) n = n + 1 return sip_rest('h' .. n, n) end)\n");
    for (int i = 1; i <= 3; i++) {
        char call[16];
        snprintf(call, sizeof call, "%d", i);
        stage_call(stage, call);
        stage_discard(stage);
    }
    assert_int_equal(stage_count(stage, "resting"), 3);
    stage_advance(stage, 1999);
    assert_int_equal(stage_count(stage, "resting"), 2);
    stage_advance(stage, 2001);
    assert_int_equal(stage_count(stage, "resting"), 0);
}

static void test_a_rest_can_be_changed_and_ended(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_script(stage, "sip_on_request('INVITE', function(r) return sip_rest('127.0.0.1:5080', 100) end)\n"
                        "sip_on_request('MESSAGE', function(r) return sip_rest('127.0.0.1:5080', 0) end)\n");
    struct peer caller = stage_alice();
    stage_call(stage, "one");
    stage_advance(stage, 0);
    stage_hears(stage, 500);
    stage_request(stage, &caller, (struct request){.method = "MESSAGE"});
    stage_sent_to(stage, "MESSAGE", 5080);
}

static void test_as_many_rest_as_there_is_room_for(void **state)
{
    struct stage *stage = *state;
    struct peer caller = stage_alice();
    stage_script(stage, "local n = 0\n"
                        "sip_on_request(function(r) n = n + 1 return sip_rest('h' .. n, 3600) end)\n");
    for (unsigned i = 1; i <= 4200; i++) {
        stage_request(stage, &caller, (struct request){.method = "MESSAGE", .cseq = i});
        stage_discard(stage);
    }
    assert_int_equal(stage_count(stage, "resting"), 4096);
}

#define ALPHA TEXT("alpha.example")
#define TRUNK TEXT("192.0.2.1:5060")

static bool rests_for(const struct stage *stage, const char *aor)
{
    return rest_is_on(stage->server, true, text_of(aor), TRUNK);
}

static void test_what_a_tenant_lets_rest_does_so_for_its_calls_alone(void **state)
{
    struct stage *stage = *state;
    rest_set(stage->server, ALPHA, TRUNK, 30);
    assert_true(rests_for(stage, "sip:a@Alpha.Example:5060;transport=tcp"));
    assert_false(rests_for(stage, "sip:b@beta.example"));
    assert_false(rests_for(stage, "sip:alpha.example@beta.example"));
    assert_false(rests_for(stage, "tel:+15550100"));
    assert_false(rests_for(stage, ""));
    rest_set(stage->server, TEXT("beta.example"), TRUNK, 0); /* ends only its own */
    assert_true(rests_for(stage, "sip:a@alpha.example"));
    rest_set(stage->server, TEXT(""), TRUNK, 60);
    assert_true(rests_for(stage, "sip:b@beta.example"));
    rest_set(stage->server, ALPHA, TRUNK, 0);
    assert_true(rests_for(stage, "sip:a@alpha.example")); /* the site says so too */
    assert_int_equal(stage_count(stage, "resting"), 2);
    stage_advance(stage, 61000);
    assert_false(rests_for(stage, "sip:b@beta.example"));
}

static void test_a_tenant_takes_no_place_of_others(void **state)
{
    struct stage *stage = *state;
    char name[64], tenant[64];
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "192.0.2.2:%u", i);
        rest_set(stage->server, ALPHA, text_of(name), 3600);
    }
    assert_int_equal(stage_count(stage, "resting"), TENANT_RESTS_MOST);
    assert_true(rest_is_on(stage->server, true, TEXT("sip:a@alpha.example"), TEXT("192.0.2.2:63")));
    assert_false(rest_is_on(stage->server, true, TEXT("sip:a@alpha.example"), TEXT("192.0.2.2:64")));
    rest_set(stage->server, TEXT(""), TRUNK, 30);
    assert_true(rests_for(stage, "sip:a@alpha.example"));
    for (unsigned i = 0; i < LAYERS_MOST + 2; i++) {
        snprintf(tenant, sizeof tenant, "tenant%u.example", i);
        rest_set(stage->server, text_of(tenant), TEXT("192.0.2.3:5060"), 30);
    }
    assert_true(rest_is_on(stage->server, true, TEXT("sip:a@tenant62.example"), TEXT("192.0.2.3:5060")));
    assert_false(rest_is_on(stage->server, true, TEXT("sip:a@tenant63.example"), TEXT("192.0.2.3:5060")));
    stage_advance(stage, 3600000); /* the places are free again */
    rest_set(stage->server, TEXT("tenant63.example"), TRUNK, 30);
    assert_true(rests_for(stage, "sip:a@tenant63.example"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_3261_21_5_4_a_a_503_with_retry_after_rests_for_the_time),
        TEST(test_3261_21_5_4_a_without_retry_after_nothing_rests),
        TEST(test_3261_21_5_4_a_other_destinations_are_tried_meanwhile),
        TEST(test_3261_21_5_4_a_an_address_rests_and_others_of_its_name_do_not),
        TEST(test_3261_21_5_4_a_a_name_without_port_rests_by_its_default),
        TEST(test_3261_21_5_4_a_a_name_that_rests_is_not_looked_up),
        TEST(test_3261_21_5_4_a_a_flow_that_rests_keeps_its_binding),
        TEST(test_3261_21_5_4_a_what_others_have_named_goes_on_serving_the_policy),
        TEST(test_a_policy_has_no_say_on_what_was_never_asked),
        TEST(test_rests_are_forgotten_when_they_are_over),
        TEST(test_a_rest_can_be_changed_and_ended),
        TEST(test_as_many_rest_as_there_is_room_for),
        TEST(test_what_a_tenant_lets_rest_does_so_for_its_calls_alone),
        TEST(test_a_tenant_takes_no_place_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
