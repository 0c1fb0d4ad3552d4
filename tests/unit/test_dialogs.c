// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

/*
 * Calls that outlive their connections (3261-16.6.b), wherever the later requests come from. Alice is a caller at 5070
 * over UDP, the trunk a server at 5091, Mallory's victim is at 5099.
 */

enum { TRUNK = 5091, VICTIM = 5099, PROXY = 5092 };

/* What each side writes into its requests inside the dialog. */
struct dialog {
    char caller[600], callee[600]; /* Route lines */
    struct peer callee_peer;
};

/* The caller turns the values of the response around. */
static void write_route(struct sent *sent, bool reversed, char out[600])
{
    const char *routes = sent_header(sent, "Record-Route", 0), *comma = strstr(routes, ", ");
    assert_int_equal(sent_count(sent, "Record-Route"), 1);
    if (comma != NULL && reversed)
        snprintf(out, 600, "Route: %s, %.*s\n", comma + 2, (int)(comma - routes), routes);
    else
        snprintf(out, 600, "Route: %s\n", routes);
}

/* The INVITE has been sent; it is answered with this Contact. */
static struct dialog answered(struct stage *stage, const struct peer *caller, struct sent *invite, const char *contact)
{
    char fields[200];
    struct dialog dialog = {.callee_peer = invite->peer};
    write_route(invite, false, dialog.callee);
    snprintf(fields, sizeof fields, "Contact: <%s>\n", contact);
    stage_response(stage, invite, 200, fields);
    write_route(stage_status(stage, caller, 200), true, dialog.caller);
    return dialog;
}

static void invites(struct stage *stage, const struct peer *caller, const char *contact, const char *call)
{
    char fields[200];
    snprintf(fields, sizeof fields, "Contact: <%s>\n", contact);
    stage_request(stage, caller, (struct request){.call = call, .fields = fields});
    stage_status(stage, caller, 100);
}

static void says(struct stage *stage, const struct peer *from, const char *method, const char *to, const char *uri,
                 const char *route)
{
    static unsigned cseq = 10;
    stage_request(
        stage, from,
        (struct request){.method = method, .uri = uri, .to = to, .to_tag = "x", .cseq = cseq++, .fields = route});
}

/* The request goes over this flow, is answered, and the answer goes back to where it came from. */
static struct sent *arrives(struct stage *stage, const struct peer *from, const char *method, const struct peer *over)
{
    struct sent *sent = stage_sent(stage, method);
    assert_int_equal(peer_flow(&sent->peer), peer_flow(over));
    if (strcmp(method, "ACK") != 0) {
        stage_response(stage, sent, 200, NULL);
        stage_status(stage, from, 200);
    }
    return sent;
}

static struct peer tcp_or_tls(struct stage *stage, enum transport transport, uint16_t port)
{
    return fake_stream(&stage->wire, transport, (uint8_t)transport, port);
}

static const char *domain_of(const struct stage *stage, const struct peer *peer)
{
    return stage->wire.connections[peer->connection - 1].domain;
}

/* --- trunks that close idle connections (3261-16.6.b) --- */

static const struct {
    enum transport transport;
    const char *target, *contact;
} trunks[] = {
    {TRANSPORT_TCP, "sip:t@trunk.example.net:5091;transport=tcp", "sip:t@127.0.0.1:5091;transport=tcp"},
    {TRANSPORT_TLS, "sip:t@trunk.example.net:5091;transport=tls", "sip:t@127.0.0.1:5091;transport=tls"},
    {TRANSPORT_TLS, "sip:t@trunk.example.net:5091;transport=tls", "sip:t@trunk.example.net:5091;transport=tls"}};

enum { TRUNKS = sizeof trunks / sizeof trunks[0] };

static void relay_to(struct stage *stage, const char *target)
{
    char script[200];
    snprintf(script, sizeof script,
             "sip_on_request(function(call) if call.method == 'INVITE' then return sip_relay('%s') end end)", target);
    stage_script(stage, script);
}

static struct dialog calls_trunk(struct stage *stage, size_t i, const char *call)
{
    struct peer alice = stage_alice();
    relay_to(stage, trunks[i].target);
    invites(stage, &alice, "sip:alice@127.0.0.1:5070", call);
    fake_wire_resolve(&stage->wire, "trunk.example.net", (const uint16_t[]){TRUNK, 0});
    return answered(stage, &alice, stage_sent_to(stage, "INVITE", TRUNK), trunks[i].contact);
}

static void looked_up(struct stage *stage, size_t i)
{
    if (strstr(trunks[i].contact, "trunk.example.net") != NULL)
        fake_wire_resolve(&stage->wire, "trunk.example.net", (const uint16_t[]){TRUNK, 0});
}

/* Over TLS, the new connection must prove the name for which the first one was verified. */
static void test_3261_16_6_b_a_trunk_that_was_called_is_reached_over_a_new_connection(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    for (size_t i = 0; i < TRUNKS; i++) {
        char call[8];
        snprintf(call, sizeof call, "c%zu", i);
        struct dialog dialog = calls_trunk(stage, i, call);
        stage_flow_dies(stage, &dialog.callee_peer);
        stage_request(stage, &alice,
                      (struct request){.method = "BYE",
                                       .uri = trunks[i].contact,
                                       .to_tag = "x",
                                       .call = call,
                                       .cseq = 2,
                                       .fields = dialog.caller});
        looked_up(stage, i);
        struct sent *bye = stage_sent_to(stage, "BYE", TRUNK);
        assert_int_equal(bye->peer.transport, trunks[i].transport);
        assert_int_not_equal(peer_flow(&bye->peer), peer_flow(&dialog.callee_peer));
        if (trunks[i].transport == TRANSPORT_TLS)
            assert_string_equal(domain_of(stage, &bye->peer), "trunk.example.net");
        stage_response(stage, bye, 200, NULL);
        stage_status(stage, &alice, 200);
    }
    stage_ends(stage);
}

/* The ACK has no transaction, and takes the same way. */
static void test_3261_16_6_b_an_ack_is_sent_over_a_new_connection(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    for (size_t i = 0; i < TRUNKS; i++) {
        char call[8];
        snprintf(call, sizeof call, "c%zu", i);
        struct dialog dialog = calls_trunk(stage, i, call);
        stage_flow_dies(stage, &dialog.callee_peer);
        stage_request(stage, &alice,
                      (struct request){.method = "ACK",
                                       .uri = trunks[i].contact,
                                       .to_tag = "x",
                                       .call = call,
                                       .branch = "z9hG4bKack",
                                       .fields = dialog.caller});
        looked_up(stage, i);
        struct sent *ack = stage_sent_to(stage, "ACK", TRUNK);
        if (trunks[i].transport == TRANSPORT_TLS)
            assert_string_equal(domain_of(stage, &ack->peer), "trunk.example.net");
    }
    stage_ends(stage);
}

/* The trunk has called. Nothing but its address is known of it, so over TLS the certificate must contain that. */
static void test_3261_16_6_b_a_trunk_that_has_called_is_reached_over_a_new_connection(void **state)
{
    static const enum transport transports[] = {TRANSPORT_TCP, TRANSPORT_TLS};
    struct stage *stage = *state;
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    for (size_t i = 0; i < 2; i++) {
        char contact[64];
        struct peer trunk = tcp_or_tls(stage, transports[i], 40000);
        snprintf(contact, sizeof contact, "sip:t@127.0.0.1:5091;transport=%s", transport_word(transports[i]));
        invites(stage, &trunk, contact, "one");
        struct dialog dialog = answered(stage, &trunk, stage_sent(stage, "INVITE"), "sip:bob@127.0.0.1:5080");
        stage_flow_dies(stage, &trunk);
        says(stage, &bob, "BYE", "alice", contact, dialog.callee);
        struct sent *bye = stage_sent_to(stage, "BYE", TRUNK);
        assert_int_equal(bye->peer.transport, transports[i]);
        if (transports[i] == TRANSPORT_TLS)
            assert_string_equal(domain_of(stage, &bye->peer), "127.0.0.1");
        stage_response(stage, bye, 200, NULL);
        stage_status(stage, &bob, 200);
        stage_ends(stage);
    }
}

/* The address of the Contact may be spelled in other ways than that which was sealed. */
static void test_3261_16_6_b_a_trunk_over_ipv6_is_reached_over_a_new_connection(void **state)
{
    struct stage *stage = *state;
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    struct peer trunk = fake_stream_from(&stage->wire, TRANSPORT_TCP, STAGE_LISTENER_V6, "2001:db8::9", 40000);
    invites(stage, &trunk, "sip:t@[2001:db8::9]:5091;transport=tcp", "one");
    struct dialog dialog = answered(stage, &trunk, stage_sent(stage, "INVITE"), "sip:bob@127.0.0.1:5080");
    stage_flow_dies(stage, &trunk);
    says(stage, &bob, "BYE", "alice", "sip:t@[2001:DB8:0::9]:5091;transport=TCP", dialog.callee);
    struct sent *bye = stage_sent_to(stage, "BYE", TRUNK);
    assert_int_equal(bye->peer.listener, STAGE_LISTENER_V6);
    assert_true(address_same_host(&bye->peer.address, &trunk.address));
    stage_response(stage, bye, 200, NULL);
    stage_status(stage, &bob, 200);
    stage_ends(stage);
}

/* A proxy in between has recorded itself: it is the next hop, and not the Contact. */
static void test_3261_16_6_b_a_record_routing_proxy_is_reached_over_a_new_connection(void **state)
{
    static const enum transport transports[] = {TRANSPORT_TCP, TRANSPORT_TLS};
    struct stage *stage = *state;
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    for (size_t i = 0; i < 2; i++) {
        char fields[300], routes[900];
        struct peer proxy = tcp_or_tls(stage, transports[i], 40000);
        snprintf(fields, sizeof fields,
                 "Record-Route: <sip:127.0.0.1:5092;transport=%s;lr>\nContact: <sip:a@192.0.2.9;transport=tcp>\n",
                 transport_word(transports[i]));
        stage_request(stage, &proxy, (struct request){.fields = fields});
        stage_status(stage, &proxy, 100);
        struct sent *invite = stage_sent(stage, "INVITE");
        snprintf(routes, sizeof routes, "Route: %s, %s\n", sent_header(invite, "Record-Route", 0),
                 sent_header(invite, "Record-Route", 1));
        stage_response(stage, invite, 200, "Contact: <sip:bob@127.0.0.1:5080>\n");
        stage_status(stage, &proxy, 200);
        stage_flow_dies(stage, &proxy);
        says(stage, &bob, "BYE", "alice", "sip:a@192.0.2.9;transport=tcp", routes);
        struct sent *bye = stage_sent_to(stage, "BYE", PROXY);
        assert_int_equal(bye->peer.transport, transports[i]);
        assert_int_equal(sent_count(bye, "Route"), 1);
        stage_response(stage, bye, 200, NULL);
        stage_status(stage, &bob, 200);
        stage_ends(stage);
    }
}

/* The connection ends while the BYE is on its way, and nobody has said anything yet. */
static void test_3261_16_6_b_a_request_whose_connection_ends_is_sent_over_a_new_one(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    struct dialog dialog = calls_trunk(stage, 1, "one");
    says(stage, &alice, "BYE", "bob", trunks[1].contact, dialog.caller);
    struct sent *bye = stage_sent_to(stage, "BYE", TRUNK);
    assert_int_equal(peer_flow(&bye->peer), peer_flow(&dialog.callee_peer));
    stage_flow_dies(stage, &dialog.callee_peer);
    struct sent *again = stage_sent_to(stage, "BYE", TRUNK);
    assert_int_not_equal(peer_flow(&again->peer), peer_flow(&bye->peer));
    assert_string_equal(domain_of(stage, &again->peer), "trunk.example.net");
    assert_string_not_equal(sent_header(again, "Via", 0), sent_header(bye, "Via", 0));
    stage_response(stage, again, 200, NULL);
    stage_status(stage, &alice, 200);
    stage_ends(stage);
}

/* Once by the new connection, and no more: then the other side is not there. */
static void test_3261_16_9_b_a_trunk_that_cannot_be_reached_again_is_480(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    for (size_t i = 0; i < 2; i++) {
        struct dialog dialog = calls_trunk(stage, 1, "one");
        if (i == 0)
            stage_flow_dies(stage, &dialog.callee_peer);
        says(stage, &alice, "BYE", "bob", trunks[1].contact, dialog.caller);
        struct sent *bye = stage_sent_to(stage, "BYE", TRUNK);
        struct peer used = bye->peer;
        stage_flow_dies(stage, &used);
        if (i == 1) {
            struct peer again = stage_sent_to(stage, "BYE", TRUNK)->peer;
            stage_flow_dies(stage, &again);
        }
        stage_status(stage, &alice, 480);
        stage_silent(stage);
        stage_ends(stage);
    }
}

/* The trunk rings, its connection ends, and the caller gives up; or the trunk answers over a connection of its own. */
static void test_3261_16_6_b_a_cancel_takes_a_new_connection(void **state)
{
    struct stage *stage = *state;
    for (size_t i = 0; i < 2; i++) {
        struct peer alice = stage_alice();
        relay_to(stage, trunks[i].target);
        invites(stage, &alice, "sip:alice@127.0.0.1:5070", "one");
        fake_wire_resolve(&stage->wire, "trunk.example.net", (const uint16_t[]){TRUNK, 0});
        struct sent *invite = stage_sent_to(stage, "INVITE", TRUNK);
        stage_response(stage, invite, 180, NULL);
        stage_hears(stage, 180);
        struct peer old = invite->peer;
        stage_flow_dies(stage, &old);
        stage_silent(stage);
        stage_cancels(stage);
        struct sent *cancel = stage_sent_to(stage, "CANCEL", TRUNK);
        assert_int_not_equal(peer_flow(&cancel->peer), peer_flow(&old));
        if (trunks[i].transport == TRANSPORT_TLS)
            assert_string_equal(domain_of(stage, &cancel->peer), "trunk.example.net");
        stage_response(stage, cancel, 200, NULL);
        struct peer now = cancel->peer;
        stage_response_from(stage, &now, invite, 487, NULL);
        assert_int_equal(peer_flow(&stage_sent_to(stage, "ACK", TRUNK)->peer), peer_flow(&now));
        stage_hears(stage, 487);
        stage_ends(stage);
    }
}

static void test_3261_18_2_2_a_an_answer_over_another_connection_is_acknowledged_there(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    relay_to(stage, trunks[0].target);
    invites(stage, &alice, "sip:alice@127.0.0.1:5070", "one");
    fake_wire_resolve(&stage->wire, "trunk.example.net", (const uint16_t[]){TRUNK, 0});
    struct sent *invite = stage_sent_to(stage, "INVITE", TRUNK);
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    struct peer old = invite->peer, new = tcp_or_tls(stage, TRANSPORT_TCP, 40001);
    stage_flow_dies(stage, &old);
    stage_response_from(stage, &new, invite, 486, NULL);
    assert_int_equal(peer_flow(&stage_sent(stage, "ACK")->peer), peer_flow(&new));
    stage_hears(stage, 486);
    stage_ends(stage);
}

/* --- where there is no other way --- */

/* What came over TLS does not go on in the clear, a browser cannot be called, and an outbound flow is the only way. */
static void test_3261_16_6_b_an_outbound_flow_and_a_websocket_end_with_their_connection(void **state)
{
    static const struct {
        enum transport transport;
        const char *contact, *instance;
    } cases[] = {{TRANSPORT_TCP, "sip:alice@127.0.0.1:5091;transport=tcp", ";+sip.instance=\"<urn:uuid:9>\";reg-id=1"},
                 {TRANSPORT_TLS, "sip:alice@a.example.net;transport=tls", ";+sip.instance=\"<urn:uuid:9>\";reg-id=1"},
                 {TRANSPORT_WS, "sip:alice@127.0.0.1:5091;transport=tcp", NULL},
                 {TRANSPORT_WSS, "sip:alice@x.invalid;transport=ws", NULL},
                 {TRANSPORT_TLS, "sip:alice@127.0.0.1:5091", NULL},
                 {TRANSPORT_TLS, "sip:alice@127.0.0.1:5091;transport=tcp", NULL}};
    struct stage *stage = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char fields[300];
        struct peer bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
        struct peer alice = tcp_or_tls(stage, cases[i].transport, 40000);
        snprintf(fields, sizeof fields, "Supported: outbound\nContact: <%s>%s\n", cases[i].contact,
                 cases[i].instance != NULL ? cases[i].instance : "");
        if (cases[i].instance != NULL) {
            stage_request(stage, &alice,
                          (struct request){.method = "REGISTER",
                                           .uri = "sip:example.com",
                                           .to = "alice",
                                           .call = "reg",
                                           .cseq = ++stage->registers,
                                           .fields = fields});
            stage_status(stage, &alice, 200);
        }
        invites(stage, &alice, cases[i].contact, "one");
        struct dialog dialog = answered(stage, &alice, stage_sent(stage, "INVITE"), "sip:bob@127.0.0.1:5080");
        stage_flow_dies(stage, &alice);
        says(stage, &bob, "BYE", "alice", cases[i].contact, dialog.callee);
        stage_advance(stage, 0);
        stage_status(stage, &bob, 480);
        stage_silent(stage);
        stage_ends(stage);
    }
}

/* A participant has a seal, and the connection of the other side is gone. The seal leads there and nowhere else. */
static void test_3261_16_4_a_a_dead_connection_is_no_right_to_call_another(void **state)
{
    static const char *const elsewhere[] = {"sip:v@127.0.0.1:5099;transport=tls", "sip:v@127.0.0.1:5091;transport=tcp",
                                            "sip:v@127.0.0.1:5099", "sip:v@victim.example.net;transport=tls"};
    static const char *const more[] = {"", "Route: <sip:127.0.0.1:5099;transport=tls;lr>\n"};
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    struct dialog dialog = calls_trunk(stage, 1, "one");
    stage_flow_dies(stage, &dialog.callee_peer);
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            char routes[900];
            snprintf(routes, sizeof routes, "%s%s", dialog.caller, more[k]);
            says(stage, &alice, "BYE", "bob", elsewhere[i], routes);
            stage_advance(stage, 0);
            stage_status(stage, &alice, 480);
            says(stage, &alice, "ACK", "bob", elsewhere[i], routes);
            stage_silent(stage);
        }
    }
    stage_ends(stage);
}

/* To name another domain would be to accept another certificate. */
static void test_3261_16_4_a_the_seal_covers_the_proven_domain(void **state)
{
    static const char *const others[] = {"", ";proven=trunk.example.ne", ";proven=mallory.example", ";proven"};
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    struct dialog dialog = calls_trunk(stage, 1, "one");
    char *domain = strstr(dialog.caller, ";proven=trunk.example.net");
    assert_non_null(domain);
    stage_flow_dies(stage, &dialog.callee_peer);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char route[900];
        snprintf(route, sizeof route, "%.*s%s%s", (int)(domain - dialog.caller), dialog.caller, others[i],
                 domain + strlen(";proven=trunk.example.net"));
        /* In a Route of two values, the other one must not be genuine either. */
        char *second = strstr(route, ";proven=trunk.example.net");
        if (second != NULL)
            memmove(second, second + strlen(";proven=trunk.example.net"),
                    strlen(second + strlen(";proven=trunk.example.net")) + 1);
        says(stage, &alice, "BYE", "bob", trunks[1].contact, route);
        stage_advance(stage, 0);
        stage_status(stage, &alice, 481);
        stage_silent(stage);
    }
}

/* --- whoever reconnects --- */

struct side {
    enum transport transport;
    uint16_t port;
    const char *user, *instance;
};

static struct peer side_registers(struct stage *stage, const struct side *side, uint16_t port)
{
    char fields[300];
    struct peer peer = side->transport == TRANSPORT_UDP ? fake_udp(port) : tcp_or_tls(stage, side->transport, port);
    snprintf(fields, sizeof fields,
             "Supported: outbound\nContact: <sip:%s@192.0.2.%u>;+sip.instance=\"<urn:uuid:%s>\";reg-id=1\n", side->user,
             (unsigned)side->user[0] - 'a', side->instance);
    stage_request(stage, &peer,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = side->user,
                                   .to = side->user,
                                   .call = side->user,
                                   .cseq = ++stage->registers,
                                   .fields = fields});
    stage_status(stage, &peer, 200);
    return peer;
}

static const char *const inside[] = {"INVITE", "UPDATE", "INFO", "ACK", "BYE"};

static void speak(struct stage *stage, const struct peer *from, const struct peer *over, const char *to,
                  const char *uri, const char *route)
{
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        says(stage, from, inside[i], to, uri, route);
        if (strcmp(inside[i], "INVITE") == 0)
            stage_status(stage, from, 100);
        arrives(stage, from, inside[i], over);
    }
}

/* The seal tells the direction, whatever socket the request comes from. The side that has moved may speak before it
   has registered again; the other side finds it when it has. */
static void test_5626_5_3_d_each_side_may_reconnect_and_so_may_both(void **state)
{
    enum { CALLER = 1, CALLEE = 2 };
    struct stage *stage = *state;
    for (unsigned from = 0; from < TRANSPORT_COUNT; from++) {
        for (unsigned to = 0; to < TRANSPORT_COUNT; to++) {
            for (unsigned who = CALLER; who <= (CALLER | CALLEE); who++) {
                const struct side sides[] = {{(enum transport)from, 5070, "alice", "a"},
                                             {(enum transport)to, 5080, "bob", "b"}};
                struct peer alice = side_registers(stage, &sides[0], 5070);
                struct peer bob = side_registers(stage, &sides[1], 5080);
                invites(stage, &alice, "sip:alice@192.0.2.0", "one");
                struct dialog dialog = answered(stage, &alice, stage_sent(stage, "INVITE"), "sip:bob@192.0.2.1");
                if ((who & CALLER) != 0 && from != TRANSPORT_UDP)
                    stage_flow_dies(stage, &alice);
                if ((who & CALLEE) != 0 && to != TRANSPORT_UDP)
                    stage_flow_dies(stage, &bob);
                if (who == CALLER) {
                    struct peer early =
                        from == TRANSPORT_UDP ? fake_udp(6070) : tcp_or_tls(stage, (enum transport)from, 6070);
                    speak(stage, &early, &bob, "bob", "sip:bob@192.0.2.1", dialog.caller);
                }
                if (who == CALLEE) {
                    struct peer early =
                        to == TRANSPORT_UDP ? fake_udp(6080) : tcp_or_tls(stage, (enum transport)to, 6080);
                    speak(stage, &early, &alice, "alice", "sip:alice@192.0.2.0", dialog.callee);
                }
                if ((who & CALLER) != 0)
                    alice = side_registers(stage, &sides[0], 7070);
                if ((who & CALLEE) != 0)
                    bob = side_registers(stage, &sides[1], 7080);
                speak(stage, &alice, &bob, "bob", "sip:bob@192.0.2.1", dialog.caller);
                speak(stage, &bob, &alice, "alice", "sip:alice@192.0.2.0", dialog.callee);
                stage_ends(stage);
                binding_remove_aor(server_bindings(stage->server), TEXT("sip:alice@example.com"));
                binding_remove_aor(server_bindings(stage->server), TEXT("sip:bob@example.com"));
            }
        }
    }
}

/* The phone is on another network; its old connection has not been closed, and nobody is behind it. */
static void test_5626_7_e_a_dialog_leaves_a_connection_that_the_phone_has_left(void **state)
{
    struct stage *stage = *state;
    const struct side bob = {TRANSPORT_TCP, 5080, "bob", "b"};
    struct peer alice = stage_alice(), old = side_registers(stage, &bob, 5080);
    invites(stage, &alice, "sip:alice@127.0.0.1:5070", "one");
    struct dialog dialog = answered(stage, &alice, stage_sent(stage, "INVITE"), "sip:bob@192.0.2.1");
    speak(stage, &alice, &old, "bob", "sip:bob@192.0.2.1", dialog.caller);
    struct peer now = side_registers(stage, &bob, 6080);
    speak(stage, &alice, &now, "bob", "sip:bob@192.0.2.1", dialog.caller);
    stage_ends(stage);
}

/* A port that an address translation had given to one phone is another's by now. */
static void test_5626_7_e_a_dialog_does_not_follow_a_port_to_another_phone(void **state)
{
    static const struct side bob = {TRANSPORT_UDP, 5080, "bob", "b"}, carol = {TRANSPORT_UDP, 5080, "carol", "c"};
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    side_registers(stage, &carol, 5080);
    side_registers(stage, &bob, 5080);
    invites(stage, &alice, "sip:alice@127.0.0.1:5070", "one");
    struct dialog dialog = answered(stage, &alice, stage_sent(stage, "INVITE"), "sip:bob@192.0.2.1");
    struct peer now = side_registers(stage, &bob, 6080);
    speak(stage, &alice, &now, "bob", "sip:bob@192.0.2.1", dialog.caller);
    stage_ends(stage);
}

/* --- behind an edge --- */

static void as_edge(struct stage *stage)
{
    stage_script(stage, "sip_on_request(function() return sip_forward('sip:127.0.0.1:6060') end)");
}

/* The registrar behind the edge is at 6060, and accepts. */
static struct peer registers_through(struct stage *stage, const struct side *side, uint16_t port, const char *more)
{
    char fields[300];
    struct peer peer = side->transport == TRANSPORT_UDP ? fake_udp(port) : tcp_or_tls(stage, side->transport, port);
    snprintf(fields, sizeof fields, "Contact: <sip:%s@192.0.2.4>;+sip.instance=\"<urn:uuid:%s>\";reg-id=1%s\n",
             side->user, side->instance, more);
    stage_request(stage, &peer,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:elsewhere.example",
                                   .from = side->user,
                                   .to = side->user,
                                   .call = side->user,
                                   .cseq = ++stage->registers,
                                   .fields = fields});
    stage_response(stage, stage_sent_to(stage, "REGISTER", 6060), 200,
                   "Contact: <sip:x@192.0.2.4>;expires=3600\nRequire: outbound\n");
    stage_status(stage, &peer, 200);
    return peer;
}

/* Alice's edge has no bindings, but has seen her register again. Her neighbour on the same flow stays where he is. */
static void test_5626_5_3_d_an_edge_follows_a_phone_that_has_registered_again(void **state)
{
    struct stage *stage = *state;
    struct peer inner = fake_udp(6060);
    for (unsigned transport = 0; transport < TRANSPORT_COUNT; transport++) {
        const struct side sides[] = {{(enum transport)transport, 5070, "alice", "a"},
                                     {(enum transport)transport, 5070, "carol", "c"}};
        char fields[200];
        as_edge(stage);
        if (transport == TRANSPORT_UDP)
            registers_through(stage, &sides[1], 5070, "");
        struct peer old = registers_through(stage, &sides[0], 5070, "");
        snprintf(fields, sizeof fields, "Contact: <sip:alice@192.0.2.4;ob>\n");
        stage_request(stage, &old, (struct request){.uri = "sip:bob@elsewhere.example", .fields = fields});
        stage_status(stage, &old, 100);
        struct dialog dialog = answered(stage, &old, stage_sent_to(stage, "INVITE", 6060), "sip:bob@127.0.0.1:6060");
        speak(stage, &inner, &old, "alice", "sip:alice@192.0.2.4", dialog.callee);
        if (transport != TRANSPORT_UDP) {
            stage_flow_dies(stage, &old);
            says(stage, &inner, "INFO", "alice", "sip:alice@192.0.2.4", dialog.callee);
            stage_status(stage, &inner, 430);
        }
        struct peer now = registers_through(stage, &sides[0], 7070, "");
        speak(stage, &inner, &now, "alice", "sip:alice@192.0.2.4", dialog.callee);
        speak(stage, &now, &inner, "bob", "sip:bob@127.0.0.1:6060", dialog.caller);
        /* She unregisters: there is the flow of the dialog alone. */
        registers_through(stage, &sides[0], 8070, ";expires=0");
        says(stage, &inner, "INFO", "alice", "sip:alice@192.0.2.4", dialog.callee);
        if (transport == TRANSPORT_UDP)
            assert_int_equal(peer_flow(&stage_sent(stage, "INFO")->peer), peer_flow(&old));
        else
            stage_status(stage, &inner, 430);
        stage_ends(stage);
        stage_discard(stage);
    }
}

/* What has passed is no binding: no request outside a dialog goes there, and its flow has no right to send elsewhere.
 */
static void test_3261_16_4_a_what_has_passed_an_edge_gives_no_right(void **state)
{
    static const struct side alice = {TRANSPORT_TCP, 5070, "alice", "a"};
    struct stage *stage = *state;
    struct peer other = stage_alice();
    as_edge(stage);
    struct peer phone = registers_through(stage, &alice, 5070, "");
    stage_script(stage, "");
    stage_request(stage, &phone, (struct request){.method = "MESSAGE", .uri = "sip:v@127.0.0.1:5099"});
    stage_status(stage, &phone, 403);
    stage_request(stage, &other, (struct request){.method = "MESSAGE", .uri = "sip:alice@example.com", .call = "two"});
    stage_status(stage, &other, 480);
    assert_int_equal(stage_count(stage, "bindings"), 0);
}

/* --- restarts --- */

static void restart_open(struct stage *stage, struct token_keys *keys, uint32_t seed)
{
    stage_create(stage);
    stage_listen_by_every_transport(stage);
    stage->config.token_keys = keys;
    stage->fake.seed = seed;
    stage->wire.connection_count = seed; /* no number is that of the other run */
    stage_open(stage);
}

/* The phones have registered again by then. Who they were is in the seal. */
static void test_3261_16_4_a_a_dialog_over_connections_outlives_a_restart(void **state)
{
    struct fake_host fake;
    struct token_keys *keys;
    char error[160];
    (void)state;
    fake_host_create(&fake);
    assert_int_equal(token_keys_open(&keys, &fake.host, NULL, error, sizeof error), 0);
    for (unsigned transport = 0; transport < TRANSPORT_COUNT; transport++) {
        struct stage before, after;
        const struct side sides[] = {{(enum transport)transport, 5070, "alice", "a"},
                                     {(enum transport)transport, 5080, "bob", "b"}};
        restart_open(&before, keys, 7);
        struct peer alice = side_registers(&before, &sides[0], 5070), bob = side_registers(&before, &sides[1], 5080);
        invites(&before, &alice, "sip:alice@192.0.2.0", "one");
        struct dialog dialog = answered(&before, &alice, stage_sent(&before, "INVITE"), "sip:bob@192.0.2.1");
        stage_destroy(&before);
        restart_open(&after, keys, 20);
        alice = side_registers(&after, &sides[0], 7070);
        if (transport != TRANSPORT_UDP) { /* not yet there: an outbound flow is the only way */
            says(&after, &alice, "INFO", "bob", "sip:bob@192.0.2.1", dialog.caller);
            stage_advance(&after, 0);
            stage_status(&after, &alice, 480);
        }
        bob = side_registers(&after, &sides[1], 7080);
        const struct side eve = {(enum transport)transport, 5090, "bob", "e"};
        side_registers(&after, &eve, 7090);
        speak(&after, &alice, &bob, "bob", "sip:bob@192.0.2.1", dialog.caller);
        speak(&after, &bob, &alice, "alice", "sip:alice@192.0.2.0", dialog.callee);
        stage_ends(&after);
        stage_destroy(&after);
    }
    token_keys_close(keys);
}

/* --- hostile routes --- */

static void test_3261_16_4_a_one_changed_bit_is_no_seal(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    invites(stage, &alice, "sip:alice@127.0.0.1:5070", "one");
    struct dialog dialog = answered(stage, &alice, stage_sent(stage, "INVITE"), "sip:bob@127.0.0.1:5080");
    char *token = strstr(dialog.caller, "d.");
    assert_non_null(token);
    for (char *at = token; *at != '@'; at++) {
        for (unsigned bit = 0; bit < 7; bit++) {
            char kept = *at, changed = (char)(kept ^ (1 << bit));
            if (!((changed >= '0' && changed <= '9') || (changed >= 'a' && changed <= 'z') ||
                  (changed >= 'A' && changed <= 'Z') || strchr("-_.", changed) != NULL))
                continue;
            *at = changed;
            says(stage, &alice, "BYE", "bob", "sip:bob@127.0.0.1:5080", dialog.caller);
            stage_advance(stage, 0);
            unsigned status = sent_status(fake_wire_take(&stage->wire));
            assert_true(status == 481 || status == 403);
            stage_silent(stage);
            *at = kept;
        }
        /* the call itself is unharmed */
        says(stage, &alice, "INFO", "bob", "sip:bob@127.0.0.1:5080", dialog.caller);
        arrives(stage, &alice, "INFO", &bob);
    }
}

/* The hop after this server is sealed; what follows is that hop's business. */
static void test_a_route_set_of_70_hops(void **state)
{
    struct stage *stage = *state;
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    struct peer proxy = fake_udp(PROXY);
    char fields[6000], routes[7500];
    size_t length = (size_t)snprintf(fields, sizeof fields, "Record-Route: <sip:127.0.0.1:5092;lr>");
    for (unsigned i = 1; i < 70; i++)
        length += (size_t)snprintf(fields + length, sizeof fields - length, "%s<sip:p%u.example.net;lr>",
                                   i % 2 ? ", " : "\nRecord-Route: ", i);
    snprintf(fields + length, sizeof fields - length, "\nContact: <sip:a@192.0.2.9>\n");
    stage_request(stage, &proxy, (struct request){.fields = fields});
    stage_status(stage, &proxy, 100);
    struct sent *invite = stage_sent(stage, "INVITE");
    char *end = strstr(fields, "\nContact");
    *end = '\0';
    length = (size_t)snprintf(routes, sizeof routes, "Route: %s\n", sent_header(invite, "Record-Route", 0));
    for (char *line = strtok(fields, "\n"); line != NULL; line = strtok(NULL, "\n"))
        length += (size_t)snprintf(routes + length, sizeof routes - length, "%s\n", line + strlen("Record-"));
    stage_response(stage, invite, 200, "Contact: <sip:bob@127.0.0.1:5080>\n");
    stage_status(stage, &proxy, 200);
    says(stage, &bob, "BYE", "alice", "sip:a@192.0.2.9", routes);
    struct sent *bye = stage_sent_to(stage, "BYE", PROXY);
    assert_int_equal(sent_count(bye, "Route"), 35);
    stage_response(stage, bye, 200, NULL);
    stage_status(stage, &bob, 200);
    stage_ends(stage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup_every_transport_and_v6, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_3261_16_6_b_a_trunk_that_was_called_is_reached_over_a_new_connection),
        TEST(test_3261_16_6_b_an_ack_is_sent_over_a_new_connection),
        TEST(test_3261_16_6_b_a_trunk_that_has_called_is_reached_over_a_new_connection),
        TEST(test_3261_16_6_b_a_trunk_over_ipv6_is_reached_over_a_new_connection),
        TEST(test_3261_16_6_b_a_record_routing_proxy_is_reached_over_a_new_connection),
        TEST(test_3261_16_6_b_a_request_whose_connection_ends_is_sent_over_a_new_one),
        TEST(test_3261_16_9_b_a_trunk_that_cannot_be_reached_again_is_480),
        TEST(test_3261_16_6_b_a_cancel_takes_a_new_connection),
        TEST(test_3261_18_2_2_a_an_answer_over_another_connection_is_acknowledged_there),
        TEST(test_3261_16_6_b_an_outbound_flow_and_a_websocket_end_with_their_connection),
        TEST(test_3261_16_4_a_a_dead_connection_is_no_right_to_call_another),
        TEST(test_3261_16_4_a_the_seal_covers_the_proven_domain),
        TEST(test_5626_5_3_d_each_side_may_reconnect_and_so_may_both),
        TEST(test_5626_7_e_a_dialog_leaves_a_connection_that_the_phone_has_left),
        TEST(test_5626_7_e_a_dialog_does_not_follow_a_port_to_another_phone),
        TEST(test_5626_5_3_d_an_edge_follows_a_phone_that_has_registered_again),
        TEST(test_3261_16_4_a_what_has_passed_an_edge_gives_no_right),
        cmocka_unit_test(test_3261_16_4_a_a_dialog_over_connections_outlives_a_restart),
        TEST(test_3261_16_4_a_one_changed_bit_is_no_seal),
        TEST(test_a_route_set_of_70_hops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
