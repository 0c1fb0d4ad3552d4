// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

/*
 * Subscriptions through the server (6665-4.3.a), and requests for the sender's own AOR. Alice subscribes from 5070, Bob
 * at 5080 has a flow and notifies.
 */

enum { LISTENER_WS = 3 };

/* Route lines for requests of the one side, from the Record-Route of what it has received. */
static void write_route(struct sent *sent, bool reversed, char out[600])
{
    const char *routes = sent_header(sent, "Record-Route", 0), *comma = strstr(routes, ", ");
    assert_int_equal(sent_count(sent, "Record-Route"), 1);
    if (comma != NULL && reversed)
        snprintf(out, 600, "Route: %s, %.*s\n", comma + 2, (int)(comma - routes), routes);
    else
        snprintf(out, 600, "Route: %s\n", routes);
}

static unsigned number = 10;

static void sends(struct stage *stage, const struct peer *from, const char *method, const char *uri, const char *to,
                  const char *to_tag, const char *fields)
{
    stage_request(
        stage, from,
        (struct request){.method = method, .uri = uri, .to = to, .to_tag = to_tag, .cseq = ++number, .fields = fields});
}

static struct peer subscriber(struct stage *stage, size_t i)
{
    static const enum transport transports[] = {TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_WS};
    return i == 0 ? stage_alice() : fake_stream(&stage->wire, transports[i], (uint8_t)transports[i], 5070);
}

/* A subscription with one NOTIFY, from which the subscriber takes its route set, as one of several notifiers' would. */
static void subscribe(struct stage *stage, const struct peer *alice, const struct peer *bob, const char *method,
                      char subscriber_route[600], char notifier_route[600])
{
    char contact[64], uri[48];
    snprintf(uri, sizeof uri, "sip:alice@127.0.0.1:%u", address_port(&alice->address));
    snprintf(contact, sizeof contact, "Contact: <%s>\n", uri);
    sends(stage, alice, method, "sip:bob@example.com", "bob", NULL, contact);
    struct sent *request = stage_sent_to(stage, method, 5080);
    write_route(request, false, notifier_route);
    stage_response(stage, request, 202, "Contact: <sip:bob@127.0.0.1:5080>\n");
    write_route(stage_status(stage, alice, 202), true, subscriber_route);
    char fields[900];
    snprintf(fields, sizeof fields, "Contact: <sip:bob@127.0.0.1:5080>\n%s", notifier_route);
    sends(stage, bob, "NOTIFY", uri, "alice", "a", fields);
    struct sent *notify = stage_sent(stage, "NOTIFY");
    assert_int_equal(peer_flow(&notify->peer), peer_flow(alice));
    assert_int_equal(sent_count(notify, "Route"), 0);
    write_route(notify, false, subscriber_route);
    stage_response(stage, notify, 200, NULL);
    stage_status(stage, bob, 200);
}

/* The refresh comes by the route set of the NOTIFY, is recorded too, and the next NOTIFY by that of the refresh. */
static void test_6665_4_3_a_a_refresh_takes_the_route_of_the_notify(void **state)
{
    static const char *const methods[] = {"SUBSCRIBE", "REFER"};
    struct stage *stage = *state;
    for (size_t i = 0; i < 6; i++) {
        char route[600], back[600], fields[900];
        struct peer bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
        struct peer alice = subscriber(stage, i % 3);
        subscribe(stage, &alice, &bob, methods[i / 3], route, back);
        for (unsigned k = 0; k < 3; k++) {
            snprintf(fields, sizeof fields, "Contact: <sip:alice@127.0.0.1:5070>\n%s", route);
            sends(stage, &alice, "SUBSCRIBE", "sip:bob@127.0.0.1:5080", "bob", "b", fields);
            struct sent *refresh = stage_sent_to(stage, "SUBSCRIBE", 5080);
            assert_int_equal(sent_count(refresh, "Route"), 0);
            write_route(refresh, false, back);
            stage_response(stage, refresh, 200, "Contact: <sip:bob@127.0.0.1:5080>\n");
            stage_status(stage, &alice, 200);
            snprintf(fields, sizeof fields, "Contact: <sip:bob@127.0.0.1:5080>\n%s", back);
            sends(stage, &bob, "NOTIFY", "sip:alice@127.0.0.1:5070", "alice", "a", fields);
            struct sent *notify = stage_sent(stage, "NOTIFY");
            assert_int_equal(peer_flow(&notify->peer), peer_flow(&alice));
            write_route(notify, false, route);
            stage_response(stage, notify, 200, NULL);
            stage_status(stage, &bob, 200);
        }
        stage_ends(stage);
    }
}

/* Only in those: not in one without a dialog, nor in one whose SUBSCRIBE did not come through here. */
static void test_6665_4_3_a_another_notify_is_not_recorded(void **state)
{
    struct stage *stage = *state;
    struct peer other = fake_udp(6666);
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    sends(stage, &other, "NOTIFY", "sip:bob@example.com", "bob", NULL, "Contact: <sip:n@127.0.0.1:6666>\n");
    struct sent *notify = stage_sent_to(stage, "NOTIFY", 5080);
    assert_int_equal(sent_count(notify, "Record-Route"), 0);
    sends(stage, &other, "NOTIFY", "sip:bob@example.com", "bob", "x", "Contact: <sip:n@127.0.0.1:6666>\n");
    notify = stage_sent_to(stage, "NOTIFY", 5080);
    assert_int_equal(sent_count(notify, "Record-Route"), 0);
}

static void test_6665_4_3_a_other_requests_inside_a_dialog_are_not_recorded(void **state)
{
    static const char *const methods[] = {"INFO", "UPDATE", "MESSAGE", "BYE", "PRACK", "PUBLISH"};
    struct stage *stage = *state;
    char route[600], back[600];
    struct peer alice = stage_alice(),
                bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    subscribe(stage, &alice, &bob, "SUBSCRIBE", route, back);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        sends(stage, &alice, methods[i], "sip:bob@127.0.0.1:5080", "bob", "b", route);
        assert_int_equal(sent_count(stage_sent_to(stage, methods[i], 5080), "Record-Route"), 0);
    }
}

/* The route set of a NOTIFY leads to the notifier, and gives no right to send elsewhere. */
static void test_3261_16_4_a_the_route_of_a_notify_leads_to_the_notifier_alone(void **state)
{
    struct stage *stage = *state;
    char route[600], back[600];
    struct peer mallory = fake_udp(6666);
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    subscribe(stage, &mallory, &bob, "SUBSCRIBE", route, back);
    sends(stage, &mallory, "SUBSCRIBE", "sip:v@127.0.0.1:5099", "bob", "b", route);
    stage_sent_to(stage, "SUBSCRIBE", 5080);
    stage_request(
        stage, &mallory,
        (struct request){
            .method = "SUBSCRIBE", .uri = "sip:v@127.0.0.1:5099", .call = "another", .to_tag = "b", .fields = route});
    stage_status(stage, &mallory, 403);
}

/* The edge's phone is the notifier, and then the subscriber. */
static void test_6665_4_3_a_an_edge_records_itself_in_notify(void **state)
{
    struct stage *stage = *state;
    struct peer phone = fake_stream(&stage->wire, TRANSPORT_WS, LISTENER_WS, 5070), inner = fake_udp(6060);
    char route[600], back[600], fields[900];
    stage_script(stage, "sip_on_request(function(call) return sip_forward('sip:127.0.0.1:6060') end)");
    sends(stage, &phone, "SUBSCRIBE", "sip:bob@elsewhere.example", "bob", NULL, "Contact: <sip:a@x.invalid;ob>\n");
    struct sent *request = stage_sent_to(stage, "SUBSCRIBE", 6060);
    write_route(request, false, back);
    stage_response(stage, request, 200, "Contact: <sip:bob@127.0.0.1:6060>\n");
    write_route(stage_status(stage, &phone, 200), true, route);
    snprintf(fields, sizeof fields, "Contact: <sip:bob@127.0.0.1:6060>\n%s", back);
    sends(stage, &inner, "NOTIFY", "sip:a@x.invalid", "alice", "a", fields);
    struct sent *notify = stage_sent(stage, "NOTIFY");
    assert_int_equal(peer_flow(&notify->peer), peer_flow(&phone));
    assert_non_null(strstr(sent_header(notify, "Record-Route", 0), ";ob"));
    write_route(notify, false, route);
    stage_response(stage, notify, 200, NULL);
    stage_status(stage, &inner, 200);
    snprintf(fields, sizeof fields, "Contact: <sip:a@x.invalid;ob>\n%s", route);
    sends(stage, &phone, "SUBSCRIBE", "sip:bob@127.0.0.1:6060", "bob", "b", fields);
    request = stage_sent_to(stage, "SUBSCRIBE", 6060);
    write_route(request, false, back);
    stage_response(stage, request, 200, "Contact: <sip:bob@127.0.0.1:6060>\n");
    stage_status(stage, &phone, 200);
    /* The phone's flow ends: the notifier hears 430, as of any flow of an edge. */
    stage_flow_dies(stage, &phone);
    snprintf(fields, sizeof fields, "Contact: <sip:bob@127.0.0.1:6060>\n%s", back);
    sends(stage, &inner, "NOTIFY", "sip:a@x.invalid", "alice", "a", fields);
    stage_status(stage, &inner, 430);
}

/* --- one's own AOR --- */

static const char *const outside[] = {"SUBSCRIBE", "PUBLISH", "MESSAGE", "OPTIONS", "REFER", "NOTIFY", "INFO"};

enum { OUTSIDE = sizeof outside / sizeof outside[0] };

static void asks_for_itself(struct stage *stage, const struct peer *phone, const char *method)
{
    stage_request(stage, phone,
                  (struct request){.method = method,
                                   .from = "bob",
                                   .cseq = ++number,
                                   .fields = "Event: message-summary\nContact: <sip:bob@127.0.0.1>\n"});
}

static void test_a_request_for_one_s_own_aor_does_not_return(void **state)
{
    static const struct phone kinds[] = {{.port = 5080},
                                         {.port = 5081, .tcp = true},
                                         {.port = 5082, .instance = "1", .reg_id = 1},
                                         {.port = 5083, .instance = "1", .reg_id = 1, .tcp = true}};
    struct stage *stage = *state;
    for (size_t kind = 0; kind < 4; kind++) {
        struct peer bob = stage_phone(stage, kinds[kind]);
        for (size_t i = 0; i < OUTSIDE; i++) {
            asks_for_itself(stage, &bob, outside[i]);
            stage_status(stage, &bob, 404);
            stage_silent(stage);
        }
        binding_remove_aor(server_bindings(stage->server), TEXT("sip:bob@example.com"));
    }
    stage_ends(stage);
}

/* The user's other phone is another matter, and so is another user behind the same flow. */
static void test_a_request_for_one_s_own_aor_reaches_the_other_phones(void **state)
{
    struct stage *stage = *state;
    struct peer desk = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "2", .reg_id = 1});
    for (size_t i = 0; i < OUTSIDE; i++) {
        asks_for_itself(stage, &desk, outside[i]);
        stage_response(stage, stage_sent_to(stage, outside[i], 5081), 200, NULL);
        stage_status(stage, &desk, 200);
        stage_silent(stage);
    }
    stage_phone(stage, (struct phone){.user = "carol", .port = 5080, .instance = "1", .reg_id = 1});
    stage_request(
        stage, &desk,
        (struct request){.method = "MESSAGE", .uri = "sip:carol@example.com", .from = "bob", .cseq = ++number});
    stage_response(stage, stage_sent_to(stage, "MESSAGE", 5080), 200, NULL);
    stage_status(stage, &desk, 200);
    stage_ends(stage);
}

/* A phone may call itself, as it always could. */
static void test_a_phone_may_call_itself(void **state)
{
    struct stage *stage = *state;
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_request(stage, &bob, (struct request){.from = "bob", .fields = "Contact: <sip:bob@127.0.0.1:5080>\n"});
    stage_status(stage, &bob, 100);
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 486, NULL);
    stage_status(stage, &bob, 486);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup_every_transport, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_6665_4_3_a_a_refresh_takes_the_route_of_the_notify),
        TEST(test_6665_4_3_a_another_notify_is_not_recorded),
        TEST(test_6665_4_3_a_other_requests_inside_a_dialog_are_not_recorded),
        TEST(test_3261_16_4_a_the_route_of_a_notify_leads_to_the_notifier_alone),
        TEST(test_6665_4_3_a_an_edge_records_itself_in_notify),
        TEST(test_a_request_for_one_s_own_aor_does_not_return),
        TEST(test_a_request_for_one_s_own_aor_reaches_the_other_phones),
        TEST(test_a_phone_may_call_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
