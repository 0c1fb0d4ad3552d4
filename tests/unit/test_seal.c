// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <arpa/inet.h>
#include <unistd.h>

/*
 * Who may be relayed (3261-16.4.a). Mallory is nobody here: no binding, and no dialog but those that a test gives him.
 * The victim is at 127.0.0.1:5099, over UDP and TCP. Bob has a flow at 5080, the gateway a plain Contact at 5090.
 */

enum { MALLORY = 6666, VICTIM = 5099, BOB = 5080, GATEWAY = 5090, T1_64 = 32000 };

static const char *const methods[] = {"INVITE",  "BYE",     "UPDATE",    "INFO",    "PRACK", "NOTIFY",  "REFER",
                                      "MESSAGE", "OPTIONS", "SUBSCRIBE", "PUBLISH", "ACK",   "UNKNOWN", "REGISTER"};

enum { METHODS = sizeof methods / sizeof methods[0] };

static bool is_ack(const char *method)
{
    return strcmp(method, "ACK") == 0;
}

static bool is_in_dialog_method(const char *method)
{
    static const char *const alone[] = {"INVITE", "BYE", "UPDATE", "INFO", "PRACK"};
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++) {
        if (strcmp(method, alone[i]) == 0)
            return true;
    }
    return false;
}

/* What is sent goes back to the sender alone, and is a refusal. Returns its status; 0: silence. */
static unsigned refused(struct stage *stage, const struct peer *source, const char *what)
{
    unsigned status = 0;
    struct sent *sent;
    stage_advance(stage, 0);
    while ((sent = fake_wire_take(&stage->wire)) != NULL) {
        if (sent_status(sent) == 0 || peer_flow(&sent->peer) != peer_flow(source))
            fail_msg("%s: sent was %s", what, sent->bytes);
        status = sent_status(sent);
    }
    if (status != 0 && status < 400)
        fail_msg("%s: %u", what, status);
    return status;
}

/* Nothing of it is still alive, and the next one can begin. */
static void settle(struct stage *stage)
{
    stage_advance(stage, 2 * T1_64);
    stage_discard(stage);
}

static struct peer mallory6(void)
{
    struct peer peer = {.transport = TRANSPORT_UDP, .listener = 2};
    assert_true(address_read(TEXT("2001:db8::66"), MALLORY, &peer.address));
    return peer;
}

/* Not where its Via says, as behind an address translation. */
static struct peer elsewhere4(void)
{
    struct peer peer = {.transport = TRANSPORT_UDP};
    assert_true(address_read(TEXT("127.0.0.7"), 40000, &peer.address));
    return peer;
}

/* Also over IPv6: listener 2. */
static int seal_setup(void **state)
{
    struct stage *stage = stage_begin(state);
    stage->config.listeners[2] = (struct listener){TRANSPORT_UDP, 5060, "[2001:db8::1]"};
    stage->config.listener_count = 3;
    stage_open(stage);
    return 0;
}

static struct peer bob_registers(struct stage *stage)
{
    return stage_phone(stage, (struct phone){.port = BOB, .instance = "1", .reg_id = 1});
}

static struct peer gateway_registers(struct stage *stage)
{
    return stage_phone(stage, (struct phone){.user = "gateway", .port = GATEWAY});
}

/* A call of `caller`'s to `uri` that is answered; the Route lines of both sides. */
struct call {
    char caller[400], callee[400];
};

static struct call call_as(struct stage *stage, const struct peer *caller, const char *uri, const char *id,
                           const char *contact)
{
    struct call call;
    char fields[160];
    stage_request(
        stage, caller,
        (struct request){.uri = uri, .from = "mallory", .call = id, .fields = "Contact: <sip:m@127.0.0.1:6666>\n"});
    stage_status(stage, caller, 100);
    struct sent *invite = stage_sent(stage, "INVITE");
    snprintf(call.callee, sizeof call.callee, "Route: %s\n", sent_header(invite, "Record-Route", 0));
    snprintf(fields, sizeof fields, "Contact: <%s>\n", contact);
    stage_response(stage, invite, 200, fields);
    snprintf(call.caller, sizeof call.caller, "Route: %s\n",
             sent_header(stage_status(stage, caller, 200), "Record-Route", 0));
    return call;
}

static void try(struct stage *stage, const struct peer *source, const char *method, const char *call,
                const char *to_tag, const char *uri, const char *routes)
{
    static unsigned number;
    char branch[40];
    snprintf(branch, sizeof branch, "z9hG4bKm%u", ++number);
    stage_request(stage, source,
                  (struct request){.method = method,
                                   .uri = uri,
                                   .from = "mallory",
                                   .call = call,
                                   .to_tag = to_tag,
                                   .branch = branch,
                                   .cseq = 100 + number,
                                   .fields = routes});
}

/* Every Route with which somebody could claim a right. */
static const char *const claims[] = {
    "",
    "Route: <sip:127.0.0.1:5060;lr>\n",
    "Route: <sip:127.0.0.1:5060;transport=tcp;lr>\n",
    "Route: <sip:[2001:db8::1]:5060;lr>\n",
    "Route: <sip:example.com;lr>\n",
    "Route: <sip:example.com:5060;lr>, <sip:127.0.0.1;lr>\n",
    "Route: <sip:127.0.0.1:5060;lr>\nRoute: <sip:127.0.0.1:5099;lr>\n",
    "Route: <sip:127.0.0.1:5099;lr>, <sip:127.0.0.1:5060;lr>\n",
    "Route: <sip:d1.2.3@127.0.0.1:5060;lr>\n",
    "Route: <sip:d.AQFAfwAAAROcfwAAARPEfwAAAROcfwAAARPEAAAAAAAAAAAAAAAAAAAAAA@127.0.0.1:5060;lr>\n",
    "Route: <sip:d.@127.0.0.1:5060;lr>\n",
    "Route: <sip:127.0.0.1:5060;lr;maddr=127.0.0.1>\n",
};

/* The last one is the server itself, where nobody has a binding. */
enum { HOME = 4 };

static const char *const places[] = {"sip:v@127.0.0.1:5099", "sip:v@127.0.0.1:5099;transport=tcp",
                                     "sip:v@[2001:db8::99]:5099", "sip:v@victim.example.net",
                                     "sip:v@127.0.0.1:5060;lr;maddr=127.0.0.2"};

static void claim_all(struct stage *stage, const struct peer *source, const char *method)
{
    for (size_t claim = 0; claim < sizeof claims / sizeof claims[0]; claim++) {
        for (size_t place = 0; place < sizeof places / sizeof places[0]; place++) {
            char what[200];
            bool home = place == HOME && strstr(claims[claim], "5099") == NULL;
            if (home && strcmp(method, "REGISTER") == 0)
                continue; /* it is for the registrar */
            snprintf(what, sizeof what, "%s %s, %s", method, places[place], claims[claim]);
            try(stage, source, method, "claimed", "x", places[place], claims[claim]);
            unsigned status = refused(stage, source, what);
            if (is_ack(method))
                assert_int_equal(status, 0);
            else if (is_in_dialog_method(method))
                assert_int_equal(status, 481);
            else if (!home)
                assert_int_equal(status, 403);
        }
    }
    settle(stage);
}

static void test_3261_16_4_a_a_route_that_names_us_is_no_right(void **state)
{
    struct stage *stage = *state;
    struct peer sources[] = {fake_udp(MALLORY), fake_tcp(&stage->wire, MALLORY), mallory6()};
    bob_registers(stage);
    for (size_t source = 0; source < 3; source++) {
        for (size_t method = 0; method < METHODS; method++)
            claim_all(stage, &sources[source], methods[method]);
    }
    stage_ends(stage);
}

/* The seal of a call of his own, in another one. */
static void test_3261_16_4_a_a_seal_is_worthless_with_another_call_id(void **state)
{
    struct stage *stage = *state;
    struct peer mallory = fake_udp(MALLORY);
    bob_registers(stage);
    gateway_registers(stage);
    struct call own[] = {call_as(stage, &mallory, "sip:bob@example.com", "one", "sip:bob@127.0.0.1:5080"),
                         call_as(stage, &mallory, "sip:gateway@example.com", "two", "sip:g@127.0.0.1:5090")};
    for (size_t method = 0; method < METHODS; method++) {
        for (size_t i = 0; i < 2; i++) {
            try(stage, &mallory, methods[method], "three", "x", "sip:g@127.0.0.1:5090", own[i].caller);
            refused(stage, &mallory, methods[method]);
            try(stage, &mallory, methods[method], "three", "x", "sip:v@127.0.0.1:5099", own[i].callee);
            refused(stage, &mallory, methods[method]);
        }
    }
    settle(stage);
    try(stage, &mallory, "BYE", "one", "x", "sip:bob@127.0.0.1:5080", own[0].caller);
    stage_sent_to(stage, "BYE", BOB);
    try(stage, &mallory, "BYE", "two", "x", "sip:g@127.0.0.1:5090", own[1].caller);
    stage_sent_to(stage, "BYE", GATEWAY);
}

/* A participant of a call has a valid seal. It leads to the other participant, whatever the Request-URI and whatever
   follows in Route. */
static void test_3261_16_4_a_a_seal_leads_to_the_other_side_alone(void **state)
{
    static const char *const more[] = {"", "Route: <sip:127.0.0.1:5099;lr>\n", "Route: <sip:victim.example.net;lr>\n"};
    struct stage *stage = *state;
    struct peer mallory = fake_udp(MALLORY);
    bob_registers(stage);
    gateway_registers(stage);
    struct call to_bob = call_as(stage, &mallory, "sip:bob@example.com", "one", "sip:bob@127.0.0.1:5080");
    struct call to_gateway = call_as(stage, &mallory, "sip:gateway@example.com", "two", "sip:g@127.0.0.1:5090");
    for (size_t method = 0; method < METHODS; method++) {
        for (size_t place = 0; place < HOME; place++) {
            for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
                char routes[600];
                snprintf(routes, sizeof routes, "%s%s", to_gateway.caller, more[i]);
                try(stage, &mallory, methods[method], "two", "x", places[place], routes);
                unsigned status = refused(stage, &mallory, methods[method]);
                assert_int_equal(status, is_ack(methods[method])                ? 0
                                         : is_in_dialog_method(methods[method]) ? 481
                                                                                : 403);
                snprintf(routes, sizeof routes, "%s%s", to_bob.caller, more[i]);
                try(stage, &mallory, methods[method], "one", "x", places[place], routes);
                if (strcmp(methods[method], "INVITE") == 0)
                    stage_status(stage, &mallory, 100);
                assert_int_equal(sent_count(stage_sent_to(stage, methods[method], BOB), "Route"), 0);
                stage_discard(stage);
            }
        }
        settle(stage);
    }
    stage_ends(stage);
}

/* With no tag in To it is no request of the dialog. */
static void test_3261_16_4_a_a_seal_is_no_right_for_a_new_request(void **state)
{
    struct stage *stage = *state;
    struct peer mallory = fake_udp(MALLORY);
    gateway_registers(stage);
    struct call call = call_as(stage, &mallory, "sip:gateway@example.com", "two", "sip:g@127.0.0.1:5090");
    for (size_t method = 0; method < METHODS; method++) {
        if (is_ack(methods[method]))
            continue;
        try(stage, &mallory, methods[method], "two", NULL, "sip:g@127.0.0.1:5090", call.caller);
        assert_int_equal(refused(stage, &mallory, methods[method]), 403);
    }
}

/* 16.4: a strict router's form of the same. */
static void test_3261_16_4_a_the_target_behind_a_strict_router_is_sealed_too(void **state)
{
    struct stage *stage = *state;
    struct peer mallory = fake_udp(MALLORY);
    char uri[400];
    gateway_registers(stage);
    struct call call = call_as(stage, &mallory, "sip:gateway@example.com", "two", "sip:g@127.0.0.1:5090");
    const char *start = strchr(call.caller, '<') + 1;
    snprintf(uri, sizeof uri, "%.*s", (int)strcspn(start, ">"), start);
    try(stage, &mallory, "INFO", "two", "x", uri, "Route: <sip:v@127.0.0.1:5099>\n");
    assert_int_equal(refused(stage, &mallory, "strict"), 481);
    try(stage, &mallory, "INFO", "three", "x", uri, "Route: <sip:g@127.0.0.1:5090>\n");
    assert_int_equal(refused(stage, &mallory, "strict, another call"), 481);
    try(stage, &mallory, "INFO", "two", "x", uri, "Route: <sip:g@127.0.0.1:5090>\n");
    stage_sent_to(stage, "INFO", GATEWAY);
}

/* To change a port, a transport or a name is to send elsewhere; to spell them otherwise is not. */
static void test_3261_16_4_a_the_next_hop_is_sealed_whole(void **state)
{
    static const struct {
        const char *uri;
        bool same;
    } cases[] = {{"sip:other@127.0.0.1:5090", true},
                 {"sip:127.0.0.1:5090", true},
                 {"sip:g@127.0.0.1:5091", false},
                 {"sip:g@127.0.0.2:5090", false},
                 {"sip:g@127.0.0.1", false},
                 {"sip:g@127.0.0.1:5090;transport=tcp", false},
                 {"sips:g@127.0.0.1:5090", false},
                 {"sip:g@localhost:5090", false},
                 {"sip:g@127.0.0.1:5090;lr", true},
                 {"sip:g@127.0.0.1:5090;transport=UDP", true},
                 {"sip:g@127.0.0.1:5090;maddr=127.0.0.9", true}};
    struct stage *stage = *state;
    struct peer mallory = fake_udp(MALLORY);
    gateway_registers(stage);
    struct call call = call_as(stage, &mallory, "sip:gateway@example.com", "two", "sip:g@127.0.0.1:5090");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        try(stage, &mallory, "INFO", "two", "x", cases[i].uri, call.caller);
        if (cases[i].same)
            stage_sent_to(stage, "INFO", GATEWAY);
        else
            assert_int_equal(refused(stage, &mallory, cases[i].uri), cases[i].uri[3] == 's' ? 416 : 481);
    }
}

/* A registered user agent may leave for elsewhere without a dialog; so may it inside one, as after a new Contact. */
static void test_a_registered_user_agent_follows_a_new_contact(void **state)
{
    struct stage *stage = *state;
    struct peer bob = bob_registers(stage);
    stage_script(stage,
                 "sip_on_request(function(call) if call.method == 'INVITE' then return sip_relay('sip:127.0.0.1:5090') "
                 "end end)");
    struct call call = call_as(stage, &bob, "sip:gateway@example.com", "two", "sip:g@127.0.0.1:5090");
    try(stage, &bob, "INFO", "two", "x", "sip:g@127.0.0.1:5097", call.caller);
    stage_sent_to(stage, "INFO", 5097);
}

/* --- the policy --- */

static void test_3261_16_4_a_the_policy_is_asked_first(void **state)
{
    static const struct {
        const char *verdict;
        unsigned status;
    } cases[] = {
        {"sip_reply(488)", 488}, {"sip_fail(503)", 503}, {"sip_drop()", 0}, {"sip_route()", 481}, {"nil", 481}};
    struct stage *stage = *state;
    struct peer mallory = fake_udp(MALLORY);
    char script[200];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(script, sizeof script, "sip_on_request(function() return %s end)", cases[i].verdict);
        stage_script(stage, script);
        try(stage, &mallory, "BYE", "claimed", "x", "sip:v@127.0.0.1:5099", "Route: <sip:127.0.0.1:5060;lr>\n");
        assert_int_equal(refused(stage, &mallory, cases[i].verdict), cases[i].status);
    }
    stage_script(stage, "sip_on_request(function() return sip_relay('sip:127.0.0.1:5097') end)");
    try(stage, &mallory, "BYE", "claimed", "x", "sip:v@127.0.0.1:5099", "Route: <sip:127.0.0.1:5060;lr>\n");
    stage_sent_to(stage, "BYE", 5097);
    /* An ACK is dropped all the same: there is nobody to answer to. */
    try(stage, &mallory, "ACK", "claimed", "x", "sip:v@127.0.0.1:5099", "Route: <sip:127.0.0.1:5060;lr>\n");
    stage_silent(stage);
}

static void test_a_policy_s_target_does_not_get_a_stranger_s_route(void **state)
{
    static const char *const scripts[] = {"sip_on_request(function() return sip_relay('sip:127.0.0.1:5097') end)",
                                          "sip_on_request(function() return sip_route('sip:127.0.0.1:5097') end)"};
    static const char routes[] = "Route: <sip:127.0.0.1:5060;lr>, <sip:127.0.0.1:5099;lr>\n";
    struct stage *stage = *state;
    struct peer mallory = fake_udp(MALLORY), bob = bob_registers(stage);
    for (size_t i = 0; i < 2; i++) {
        stage_script(stage, scripts[i]);
        try(stage, &mallory, "MESSAGE", "a", NULL, "sip:bob@example.com", routes);
        assert_int_equal(sent_count(stage_sent_to(stage, "MESSAGE", 5097), "Route"), 0);
        try(stage, &mallory, "MESSAGE", "a", "x", "sip:bob@example.com", routes);
        assert_int_equal(sent_count(stage_sent_to(stage, "MESSAGE", 5097), "Route"), 0);
        try(stage, &bob, "MESSAGE", "a", NULL, "sip:bob@example.com", routes);
        assert_int_equal(sent_count(stage_sent_to(stage, "MESSAGE", 5097), "Route"), 1);
    }
}

/* --- the edge --- */

/* Everybody gets the token of his own flow, by a REGISTER or a call through the edge. */
static void test_5626_5_3_a_the_token_of_one_s_own_flow_is_no_right(void **state)
{
    static const char *const more[] = {"", ", <sip:127.0.0.1:5099;lr>"};
    struct stage *stage = *state;
    struct peer sources[] = {fake_udp(MALLORY), fake_tcp(&stage->wire, MALLORY)};
    for (size_t i = 0; i < 2; i++) {
        char routes[300], token[TOKEN_TEXT_MOST];
        stage_script(stage, "sip_on_request(function() return sip_forward('sip:127.0.0.1:6060') end)");
        try(stage, &sources[i], "REGISTER", "r", NULL, "sip:elsewhere.example",
            "Contact: <sip:m@127.0.0.1:6666;ob>;reg-id=1;+sip.instance=\"<urn:uuid:6>\"\nSupported: path, outbound\n");
        sscanf(sent_header(stage_sent_to(stage, "REGISTER", 6060), "Path", 0), "<sip:%95[^@]", token);
        for (size_t method = 0; method < METHODS; method++) {
            for (size_t k = 0; k < 2; k++) {
                snprintf(routes, sizeof routes, "Route: <sip:%s@127.0.0.1:5060;lr;ob>%s\n", token, more[k]);
                stage_script(stage, "");
                try(stage, &sources[i], methods[method], "claimed", "x", "sip:v@127.0.0.1:5099", routes);
                refused(stage, &sources[i], methods[method]);
                /* The policy's next hop, and not where Route leads. */
                stage_script(stage, "sip_on_request(function() return sip_forward('sip:127.0.0.1:6060') end)");
                try(stage, &sources[i], methods[method], "claimed", "x", "sip:v@127.0.0.1:5099", routes);
                if (strcmp(methods[method], "INVITE") == 0)
                    stage_status(stage, &sources[i], 100);
                if (!is_ack(methods[method]))
                    stage_sent_to(stage, methods[method], 6060);
                stage_silent(stage);
            }
        }
        settle(stage);
    }
}

static void test_5626_5_3_d_an_edge_s_dialog_leads_to_its_two_sides(void **state)
{
    struct stage *stage = *state;
    struct peer mallory = fake_tcp(&stage->wire, MALLORY), inner = fake_udp(6060);
    char caller[400], callee[400];
    stage_script(stage, "sip_on_request(function(call) if call.method == 'INVITE' then return "
                        "sip_forward('sip:127.0.0.1:6060') end end)");
    try(stage, &mallory, "INVITE", "one", NULL, "sip:bob@elsewhere.example", "Contact: <sip:m@127.0.0.1:6666;ob>\n");
    stage_status(stage, &mallory, 100);
    struct sent *invite = stage_sent_to(stage, "INVITE", 6060);
    snprintf(callee, sizeof callee, "Route: %s\n", sent_header(invite, "Record-Route", 0));
    stage_response(stage, invite, 200, "Contact: <sip:bob@127.0.0.1:5080>\n");
    struct sent *fine = stage_status(stage, &mallory, 200);
    snprintf(caller, sizeof caller, "Route: %s\n", sent_header(fine, "Record-Route", 0));
    try(stage, &mallory, "BYE", "one", "x", "sip:bob@127.0.0.1:5080", caller);
    stage_sent_to(stage, "BYE", BOB);
    try(stage, &mallory, "BYE", "one", "x", "sip:v@127.0.0.1:5099", caller);
    assert_int_equal(refused(stage, &mallory, "elsewhere"), 481);
    try(stage, &inner, "INFO", "one", "x", "sip:v@127.0.0.1:5099", callee);
    assert_int_equal(stage_sent(stage, "INFO")->peer.connection, mallory.connection);
    stage_flow_dies(stage, &mallory);
    settle(stage);
    try(stage, &inner, "INFO", "one", "x", "sip:v@127.0.0.1:5099", callee);
    stage_status(stage, &inner, 430);
    assert_int_equal(stage_count(stage, "tokens_gone"), 1);
}

/* --- proxies beyond us --- */

/* Bob is behind a proxy of his own, and the caller behind another: the hops are those that recorded themselves. */
static void test_3261_16_4_a_the_hop_is_the_next_proxy(void **state)
{
    struct stage *stage = *state;
    struct peer proxy = fake_udp(MALLORY), gateway = gateway_registers(stage);
    char caller[700], callee[700], routes[900];
    stage_request(stage, &proxy,
                  (struct request){.uri = "sip:gateway@example.com",
                                   .branch = "z9hG4bKp\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa",
                                   .fields = "Record-Route: <sip:127.0.0.1:6666;lr>\nContact: <sip:m@192.0.2.9>\n"});
    stage_status(stage, &proxy, 100);
    struct sent *invite = stage_sent_to(stage, "INVITE", GATEWAY);
    char message[3000];
    snprintf(callee, sizeof callee, "%s", sent_header(invite, "Record-Route", 0));
    /* The proxy at 5091 has recorded itself too. */
    snprintf(
        message, sizeof message,
        "SIP/2.0 200 OK\nVia: %s\nVia: %s\nVia: %s\nRecord-Route: <sip:127.0.0.1:5091;lr>,\n %s\nRecord-Route: %s\n"
        "From: %s\nTo: <sip:gateway@example.com>;tag=x\nCall-ID: one\nCSeq: 1 INVITE\n"
        "Contact: <sip:g@127.0.0.1:5095>\nContent-Length: 0\n\n",
        sent_header(invite, "Via", 0), sent_header(invite, "Via", 1), sent_header(invite, "Via", 2), callee,
        "<sip:127.0.0.1:6666;lr>", sent_header(invite, "From", 0));
    stage_receive(stage, &gateway, message);
    struct sent *fine = stage_status(stage, &proxy, 200);
    assert_int_equal(sent_count(fine, "Record-Route"), 1);
    snprintf(caller, sizeof caller, "%s", sent_header(fine, "Record-Route", 0));
    assert_true(strncmp(caller, "<sip:127.0.0.1:5091;lr>, <sip:d.", 32) == 0);
    assert_non_null(strstr(caller, ", <sip:127.0.0.1:6666;lr>"));
    char *ours = strstr(caller, "<sip:d.");
    ours[strcspn(ours, ">") + 1] = '\0';
    assert_string_not_equal(ours, callee);
    snprintf(routes, sizeof routes, "Route: %s, <sip:127.0.0.1:5091;lr>\n", ours);
    try(stage, &proxy, "BYE", "one", "x", "sip:anything@192.0.2.77", routes);
    stage_sent_to(stage, "BYE", 5091);
    snprintf(routes, sizeof routes, "Route: %s\n", ours);
    try(stage, &proxy, "BYE", "one", "x", "sip:g@127.0.0.1:5095", routes);
    assert_int_equal(refused(stage, &proxy, "past the proxy"), 481);
    snprintf(routes, sizeof routes, "Route: %s, <sip:127.0.0.1:6666;lr>\n", callee);
    try(stage, &gateway, "BYE", "one", "x", "sip:m@192.0.2.9", routes);
    stage_sent_to(stage, "BYE", MALLORY);
}

/* --- keys --- */

static void seal_open(struct stage *stage, struct token_keys *keys, uint32_t seed)
{
    stage_create(stage);
    stage->config.listeners[2] = (struct listener){TRANSPORT_UDP, 5060, "[2001:db8::1]"};
    stage->config.listener_count = 3;
    stage->config.token_keys = keys;
    stage->fake.seed = seed;
    stage_open(stage);
}

/* Both sides over UDP; IPv6 has no number that outlives the process, and stands by its address. */
static void test_3261_16_4_a_a_dialog_over_datagrams_outlives_a_restart(void **state)
{
    struct fake_host fake;
    struct token_keys *keys;
    char error[160];
    (void)state;
    fake_host_create(&fake);
    assert_int_equal(token_keys_open(&keys, &fake.host, NULL, error, sizeof error), 0);
    for (unsigned family = 0; family < 2; family++) {
        struct stage before, after;
        struct peer alice = family == 0 ? elsewhere4() : mallory6();
        seal_open(&before, keys, 7);
        struct peer bob = bob_registers(&before);
        struct call call = call_as(&before, &alice, "sip:bob@example.com", "one", "sip:bob@10.1.1.1:9");
        stage_destroy(&before);
        seal_open(&after, keys, 8);
        assert_int_equal(token_keys_rotate(keys), 0);
        try(&after, &alice, "BYE", "one", "x", "sip:bob@10.1.1.1:9", call.caller);
        stage_sent_to(&after, "BYE", BOB);
        /* Her Via is not her address, as behind an address translation: there is her flow alone. */
        try(&after, &bob, "BYE", "one", "x", "sip:m@127.0.0.1:6666", call.callee);
        struct sent *bye = stage_sent(&after, "BYE");
        assert_true(address_equal(&bye->peer.address, &alice.address));
        try(&after, &alice, "BYE", "two", "x", "sip:bob@10.1.1.1:9", call.caller);
        assert_int_equal(refused(&after, &alice, "another call"), 481);
        stage_destroy(&after);
    }
    token_keys_close(keys);
}

/* The connection went with the process. A Contact that may be called is called, and only that. */
static void test_3261_16_4_a_after_a_restart_a_connection_is_not_taken_for_another(void **state)
{
    struct fake_host fake;
    struct token_keys *keys;
    struct stage before, after;
    char error[160];
    (void)state;
    fake_host_create(&fake);
    assert_int_equal(token_keys_open(&keys, &fake.host, NULL, error, sizeof error), 0);
    seal_open(&before, keys, 7);
    struct peer alice = fake_udp(5070);
    struct peer bob = fake_tcp(&before.wire, BOB);
    try(&before, &bob, "REGISTER", "r", NULL, "sip:example.com", "Contact: <sip:127.0.0.1:5081;transport=tcp>\n");
    stage_status(&before, &bob, 200);
    struct call call = call_as(&before, &alice, "sip:bob@example.com", "one", "sip:bob@127.0.0.1:5081;transport=tcp");
    stage_destroy(&before);
    seal_open(&after, keys, 8);
    try(&after, &alice, "BYE", "one", "x", "sip:v@127.0.0.1:5099;transport=tcp", call.caller);
    stage_advance(&after, 0);
    stage_status(&after, &alice, 480);
    try(&after, &alice, "BYE", "one", "x", "sip:bob@127.0.0.1:5081;transport=tcp", call.caller);
    stage_sent_to(&after, "BYE", 5081);
    stage_silent(&after);
    stage_destroy(&after);
    token_keys_close(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, seal_setup, stage_teardown)
        TEST(test_3261_16_4_a_a_route_that_names_us_is_no_right),
        TEST(test_3261_16_4_a_a_seal_is_worthless_with_another_call_id),
        TEST(test_3261_16_4_a_a_seal_leads_to_the_other_side_alone),
        TEST(test_3261_16_4_a_a_seal_is_no_right_for_a_new_request),
        TEST(test_3261_16_4_a_the_target_behind_a_strict_router_is_sealed_too),
        TEST(test_3261_16_4_a_the_next_hop_is_sealed_whole),
        TEST(test_a_registered_user_agent_follows_a_new_contact),
        TEST(test_3261_16_4_a_the_policy_is_asked_first),
        TEST(test_a_policy_s_target_does_not_get_a_stranger_s_route),
        TEST(test_5626_5_3_a_the_token_of_one_s_own_flow_is_no_right),
        TEST(test_5626_5_3_d_an_edge_s_dialog_leads_to_its_two_sides),
        TEST(test_3261_16_4_a_the_hop_is_the_next_proxy),
        cmocka_unit_test(test_3261_16_4_a_a_dialog_over_datagrams_outlives_a_restart),
        cmocka_unit_test(test_3261_16_4_a_after_a_restart_a_connection_is_not_taken_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
