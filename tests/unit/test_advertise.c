// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include "standalone/server/server_private.h"
#include "standalone/server/edge.h"

/*
 * A server behind a 1:1 NAT: its listeners are 127.0.0.1:5060 by UDP (0) and TCP (1), and peers outside know them as
 * 203.0.113.5:15060 and sip.example.net:5060. Peers at 127.0.0.7 are in its local network.
 */

enum { PHONE = 5080, REGISTRAR = 6060 };

static struct cidr net(const char *text)
{
    struct cidr cidr;
    assert_true(cidr_read(text_of(text), &cidr));
    return cidr;
}

static void advertises(struct stage *stage, size_t listener, const char *text)
{
    const char *why = advertised_read(text_of(text), 5060, &stage->config.advertising.listeners[listener]);
    if (why != NULL)
        fail_msg("%s: %s", text, why);
}

static struct stage *stage_new(void)
{
    struct stage *stage = malloc(sizeof *stage);
    assert_non_null(stage);
    stage_create(stage);
    stage->config.advertising.local_nets[0] = net("127.0.0.7");
    stage->config.advertising.local_net_count = 1;
    return stage;
}

static int setup(void **state)
{
    struct stage *stage = stage_new();
    advertises(stage, 0, "203.0.113.5:15060");
    advertises(stage, 1, "sip.example.net");
    stage_open(stage);
    *state = stage;
    return 0;
}

/* In the local network. */
static struct peer inside(uint16_t port)
{
    struct peer peer = {.transport = TRANSPORT_UDP};
    assert_true(address_read(TEXT("127.0.0.7"), port, &peer.address));
    return peer;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s is not in: %s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("%s is in: %s", part, text);
}

static void registers(struct stage *stage, const struct peer *phone, const char *user)
{
    char fields[200];
    snprintf(fields, sizeof fields, "Contact: <sip:%s@10.1.1.1>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n", user);
    stage_request(stage, phone,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.com",
                                   .from = user,
                                   .to = user,
                                   .call = user,
                                   .cseq = ++stage->registers,
                                   .fields = fields});
    stage_status(stage, phone, 200);
}

/* An INVITE of `from` to bob, as bob gets it. */
static struct sent *invites(struct stage *stage, const struct peer *from)
{
    stage_invite(stage, from, "one");
    return stage_sent(stage, "INVITE");
}

static void test_outside_peers_get_the_advertised_address(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(PHONE), alice = stage_alice();
    registers(stage, &bob, "bob");
    struct sent *invite = invites(stage, &alice);
    assert_has(sent_header(invite, "Via", 0), "SIP/2.0/UDP 203.0.113.5:15060;branch=");
    assert_has(sent_header(invite, "Record-Route", 0), "@203.0.113.5:15060;lr>");
    assert_null(strstr(sent_header(invite, "Record-Route", 0), ", "));
    /* Nothing names the real address, of which the phone's Via and Contact are not. */
    assert_lacks(invite->bytes, "127.0.0.1:5060");
    stage_response(stage, invite, 200, "Contact: <sip:bob@10.1.1.1>\n");
    struct sent *fine = stage_hears(stage, 200);
    assert_has(sent_header(fine, "Record-Route", 0), "@203.0.113.5:15060;lr>");
    assert_lacks(fine->bytes, "127.0.0.1:5060");
    stage_discard(stage);
}

static void test_a_name_is_advertised_with_the_port_of_the_listener(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_tcp(&stage->wire, PHONE), alice = fake_tcp(&stage->wire, 5070);
    registers(stage, &bob, "bob");
    struct sent *invite = invites(stage, &alice);
    assert_has(sent_header(invite, "Via", 0), "SIP/2.0/TCP sip.example.net:5060;branch=");
    assert_has(sent_header(invite, "Record-Route", 0), "@sip.example.net:5060;transport=tcp;lr>");
    stage_discard(stage);
}

static void test_local_peers_get_the_real_address(void **state)
{
    struct stage *stage = *state;
    struct peer bob = inside(PHONE), alice = inside(5070);
    registers(stage, &bob, "bob");
    struct sent *invite = invites(stage, &alice);
    assert_has(sent_header(invite, "Via", 0), "SIP/2.0/UDP 127.0.0.1:5060;branch=");
    assert_has(sent_header(invite, "Record-Route", 0), "@127.0.0.1:5060;lr>");
    assert_lacks(invite->bytes, "203.0.113.5");
    stage_discard(stage);
}

/* The topmost value is for the callee, the one below for the caller. */
static void call_across(struct stage *stage, struct peer alice, struct peer bob, const char *callee, const char *caller)
{
    char route[800], back[800], above[64], below[64];
    registers(stage, &bob, "bob");
    struct sent *invite = invites(stage, &alice);
    const char *record = sent_header(invite, "Record-Route", 0);
    snprintf(above, sizeof above, "@%s;lr>, <sip:d", callee);
    snprintf(below, sizeof below, "@%s;lr>", caller);
    assert_has(record, above);
    assert_has(strstr(record, ", "), below);
    assert_lacks(sent_header(invite, "Via", 0), caller);
    snprintf(back, sizeof back, "Route: %s\n", record);
    stage_response(stage, invite, 200, "Contact: <sip:bob@10.1.1.1>\n");
    struct sent *fine = stage_status(stage, &alice, 200);
    snprintf(route, sizeof route, "Route: %s\n", sent_header(fine, "Record-Route", 0));
    stage_request(
        stage, &alice,
        (struct request){.method = "INFO", .uri = "sip:bob@10.1.1.1", .to_tag = "p5080", .cseq = 2, .fields = route});
    struct sent *info = stage_sent_to(stage, "INFO", PHONE);
    assert_int_equal(sent_count(info, "Route"), 0);
    stage_response(stage, info, 200, NULL);
    stage_status(stage, &alice, 200);
    stage_request(
        stage, &bob,
        (struct request){.method = "BYE", .uri = "sip:alice@127.0.0.1:5070", .to_tag = "5070", .fields = back});
    struct sent *bye = stage_sent_to(stage, "BYE", 5070);
    assert_int_equal(sent_count(bye, "Route"), 0);
    stage_response(stage, bye, 200, NULL);
    stage_status(stage, &bob, 200);
    stage_ends(stage);
}

static void test_5658_a_a_call_from_inside_to_outside_is_recorded_twice(void **state)
{
    call_across(*state, inside(5070), fake_udp(PHONE), "203.0.113.5:15060", "127.0.0.1:5060");
}

static void test_5658_a_a_call_from_outside_to_inside_is_recorded_twice(void **state)
{
    call_across(*state, stage_alice(), inside(PHONE), "127.0.0.1:5060", "203.0.113.5:15060");
}

static void test_own_domains_and_routes_in_every_form(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice(), bob = fake_udp(PHONE);
    static const struct {
        const char *uri;
        unsigned status;
    } uris[] = {{"sip:127.0.0.1", 200},          {"sip:127.0.0.1:5060", 200},   {"sip:203.0.113.5", 200},
                {"sip:203.0.113.5:15060", 200},  {"sip:SIP.example.net.", 200}, {"sip:sip.example.net:5060", 200},
                {"sip:203.0.113.6", 403},        {"sip:203.0.113.5:5061", 403}, {"sip:sip.example.net:5061", 403},
                {"sip:www.sip.example.net", 403}};
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        stage_request(stage, &alice, (struct request){.method = "OPTIONS", .uri = uris[i].uri, .call = uris[i].uri});
        struct sent *answer = stage_sent(stage, "SIP/2.0 ");
        if (sent_status(answer) != uris[i].status)
            fail_msg("%s: %u", uris[i].uri, sent_status(answer));
    }
    registers(stage, &bob, "bob");
    static const char *const routes[] = {"<sip:127.0.0.1:5060;lr>", "<sip:127.0.0.1;lr>", "<sip:203.0.113.5:15060;lr>",
                                         "<sip:sip.example.net;lr>", "<sip:sip.example.net:5060;transport=tcp;lr>"};
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        char fields[80], call[8];
        snprintf(fields, sizeof fields, "Route: %s\n", routes[i]);
        snprintf(call, sizeof call, "r%zu", i);
        stage_request(stage, &alice, (struct request){.method = "MESSAGE", .call = call, .fields = fields});
        assert_int_equal(sent_count(stage_sent_to(stage, "MESSAGE", PHONE), "Route"), 0);
    }
    /* Without a port it is another server, at 5060. */
    static const char *const foreign[] = {"<sip:203.0.113.5;lr>", "<sip:203.0.113.5:5061;lr>"};
    for (size_t i = 0; i < 2; i++) {
        char fields[80], call[8];
        snprintf(fields, sizeof fields, "Route: %s\n", foreign[i]);
        snprintf(call, sizeof call, "f%zu", i);
        stage_request(stage, &alice, (struct request){.method = "MESSAGE", .call = call, .fields = fields});
        stage_status(stage, &alice, 403);
    }
}

static void test_an_aor_at_the_advertised_name(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice(), bob = fake_udp(PHONE);
    stage_receive(stage, &bob,
                  "REGISTER sip:sip.example.net SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bKr;rport\n"
                  "Max-Forwards: 70\nFrom: <sip:bob@sip.example.net>;tag=1\nTo: <sip:bob@sip.example.net>\n"
                  "Call-ID: r\nCSeq: 1 REGISTER\nContact: <sip:bob@127.0.0.1:5080>\nContent-Length: 0\n\n");
    stage_status(stage, &bob, 200);
    stage_request(stage, &alice, (struct request){.method = "MESSAGE", .uri = "sip:bob@sip.example.net"});
    stage_sent_to(stage, "MESSAGE", PHONE);
}

static void test_5393_4_a_a_loop_over_the_public_address_is_found(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice(), own = fake_udp(15060);
    char branch[400];
    stage_script(stage, "sip_on_request(function() return sip_relay('sip:x@127.0.0.9:15060') end)");
    stage_request(stage, &alice, (struct request){.method = "MESSAGE"});
    struct sent *message = stage_sent_to(stage, "MESSAGE", 15060);
    /* The NAT brings it back, with our Via. */
    snprintf(branch, sizeof branch, "z9hG4bK-other\nVia: %s", sent_header(message, "Via", 0));
    stage_request(stage, &own, (struct request){.method = "MESSAGE", .branch = branch, .from_tag = "5070"});
    stage_status(stage, &own, 482);
}

static void test_the_path_of_an_edge_has_the_advertised_address(void **state)
{
    struct stage *stage = *state;
    static const struct {
        const char *host, *path;
    } registrars[] = {{"127.0.0.9", "@203.0.113.5:15060;lr;ob>"}, {"127.0.0.7", "@127.0.0.1:5060;lr;ob>"}};
    for (size_t i = 0; i < 2; i++) {
        char script[160], call[8];
        struct peer phone = fake_udp((uint16_t)(PHONE + i));
        snprintf(script, sizeof script, "sip_on_request(function() return sip_forward('sip:%s:6060') end)",
                 registrars[i].host);
        snprintf(call, sizeof call, "p%zu", i);
        stage_script(stage, script);
        stage_request(
            stage, &phone,
            (struct request){.method = "REGISTER",
                             .uri = "sip:example.org",
                             .from = "bob",
                             .call = call,
                             .fields = "Contact: <sip:bob@10.1.1.1;ob>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"});
        struct sent *request = stage_sent_to(stage, "REGISTER", REGISTRAR);
        assert_has(sent_header(request, "Path", 0), registrars[i].path);
    }
}

/* An OPTIONS after an ICMP error (5626-7.j). */
static void test_requests_of_our_own_name_the_advertised_address(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(PHONE);
    registers(stage, &bob, "bob");
    server_datagram_returned(stage->server, &bob, (struct text){"", 0});
    struct sent *probe = stage_sent_to(stage, "OPTIONS", PHONE);
    assert_has(sent_header(probe, "Via", 0), " 203.0.113.5:15060;");
    assert_has(sent_header(probe, "From", 0), "<sip:203.0.113.5:15060>");
    stage_response(stage, probe, 200, NULL);
    stage_ends(stage);
}

/* --- flows --- */

/* The token of the flow of a phone, as an edge's Path has it. */
static void read_token(struct stage *stage, const struct peer *phone, char token[TOKEN_TEXT_MOST])
{
    stage_script(stage, "sip_on_request(function() return sip_forward('sip:127.0.0.1:6060') end)");
    stage_request(stage, phone,
                  (struct request){.method = "REGISTER",
                                   .uri = "sip:example.org",
                                   .from = "bob",
                                   .fields = "Contact: <sip:bob@10.1.1.1;ob>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"
                                             "Supported: path, outbound\n"});
    struct sent *request = stage_sent_to(stage, "REGISTER", REGISTRAR);
    assert_int_equal(sscanf(sent_header(request, "Path", 0), "<sip:%95[^@]", token), 1);
}

static struct stage *advertise_as(const char *text, struct token_keys *keys)
{
    struct stage *stage = stage_new();
    stage->config.token_keys = keys;
    if (text != NULL)
        advertises(stage, 0, text);
    stage_open(stage);
    return stage;
}

static void end(struct stage *stage)
{
    stage_destroy(stage);
    free(stage);
}

static const char *const configurations[] = {NULL, "203.0.113.5:15060", "203.0.113.77", "sip.example.net"};
static const char *const hosts[] = {"127.0.0.1:5060", "203.0.113.5:15060", "203.0.113.77:5060", "sip.example.net:5060"};

enum { CONFIGURATIONS = sizeof hosts / sizeof hosts[0] };

static void leads_to(struct stage *stage, const char *token, const char *host, const struct peer *phone)
{
    char route[200], call[16];
    struct peer registrar = fake_udp(REGISTRAR), found;
    assert_int_equal(edge_read_token(stage->server, text_of(token), &registrar, &found), ROUTE_TOKEN_INCOMING);
    assert_int_equal(peer_flow(&found), peer_flow(phone));
    assert_int_equal(edge_read_token(stage->server, text_of(token), phone, &found), ROUTE_TOKEN_OUTGOING);
    snprintf(route, sizeof route, "Route: <sip:%s@%s;lr;ob>\n", token, host);
    snprintf(call, sizeof call, "c%u", ++stage->registers);
    stage_request(stage, &registrar,
                  (struct request){.method = "MESSAGE", .uri = "sip:bob@10.1.1.1;ob", .call = call, .fields = route});
    assert_int_equal(sent_count(stage_sent_to(stage, "MESSAGE", address_port(&phone->address)), "Route"), 0);
}

static struct token_keys *keys_of(struct fake_host *host)
{
    char error[160];
    struct token_keys *keys;
    fake_host_create(host);
    assert_int_equal(token_keys_open(&keys, &host->host, NULL, error, sizeof error), 0);
    return keys;
}

/* A token that was made under one configuration leads to the same flow under another, in the real and in the advertised
   form of the Route. With the address that was advertised then, too, if it is kept as a domain. */
static void test_5626_5_2_b_a_token_does_not_depend_on_what_is_advertised(void **state)
{
    char tokens[CONFIGURATIONS][TOKEN_TEXT_MOST];
    struct fake_host host;
    struct token_keys *keys = keys_of(&host);
    struct peer bob = fake_udp(PHONE);
    (void)state;
    for (size_t i = 0; i < CONFIGURATIONS; i++) {
        struct stage *stage = advertise_as(configurations[i], keys);
        read_token(stage, &bob, tokens[i]);
        end(stage);
    }
    for (size_t i = 0; i < CONFIGURATIONS; i++) {
        struct stage *stage = advertise_as(configurations[i], keys);
        assert_int_equal(domains_add(stage->domains, TEXT("203.0.113.77")), 0);
        for (size_t k = 0; k < CONFIGURATIONS; k++) {
            leads_to(stage, tokens[k], hosts[0], &bob);
            leads_to(stage, tokens[k], hosts[i], &bob);
            leads_to(stage, tokens[k], "203.0.113.77:5060", &bob);
        }
        end(stage);
    }
    token_keys_close(keys);
}

/* A token at another's host is a Route of that one. */
static void test_5626_5_2_b_a_token_makes_no_route_ours(void **state)
{
    struct stage *stage = *state;
    struct peer mallory = fake_udp(6666), bob = fake_udp(PHONE);
    char token[TOKEN_TEXT_MOST], route[200];
    registers(stage, &bob, "bob");
    read_token(stage, &bob, token);
    stage_script(stage, "");
    snprintf(route, sizeof route, "Route: <sip:%s@192.0.2.9:5060;lr;ob>\n", token);
    stage_request(stage, &mallory, (struct request){.method = "MESSAGE", .call = "m", .fields = route});
    stage_status(stage, &mallory, 403);
    stage_silent(stage);
}

/* A call that was set up before an address was advertised. */
static void test_5626_5_2_b_a_dialog_does_not_depend_on_what_is_advertised(void **state)
{
    char back[800], route[800];
    struct fake_host host;
    struct token_keys *keys = keys_of(&host);
    struct peer bob = fake_udp(PHONE), alice = stage_alice();
    (void)state;
    struct stage *stage = advertise_as(NULL, keys);
    registers(stage, &bob, "bob");
    struct sent *invite = invites(stage, &alice);
    snprintf(back, sizeof back, "Route: %s\n", sent_header(invite, "Record-Route", 0));
    assert_has(back, "@127.0.0.1:5060;lr>");
    stage_response(stage, invite, 200, "Contact: <sip:bob@10.1.1.1>\n");
    snprintf(route, sizeof route, "Route: %s\n", sent_header(stage_status(stage, &alice, 200), "Record-Route", 0));
    end(stage);
    stage = advertise_as("sip.example.net", keys);
    registers(stage, &bob, "bob");
    stage_request(
        stage, &alice,
        (struct request){.method = "INFO", .uri = "sip:bob@10.1.1.1", .to_tag = "p5080", .cseq = 2, .fields = route});
    struct sent *info = stage_sent_to(stage, "INFO", PHONE);
    assert_has(sent_header(info, "Via", 0), " sip.example.net:5060;");
    assert_int_equal(sent_count(info, "Route"), 0);
    stage_request(
        stage, &bob,
        (struct request){.method = "BYE", .uri = "sip:alice@127.0.0.1:5070", .to_tag = "5070", .fields = back});
    assert_int_equal(sent_count(stage_sent_to(stage, "BYE", 5070), "Route"), 0);
    end(stage);
    token_keys_close(keys);
}

static void test_a_stored_flow_does_not_depend_on_what_is_advertised(void **state)
{
    struct stage *stage = *state;
    struct peer bob = fake_udp(PHONE), found = bob;
    union address local;
    char text[64];
    assert_true(server_local_address(stage->server, &bob, &local));
    address_format(&local, text, sizeof text);
    assert_string_equal(text, "127.0.0.1:5060");
    assert_true(server_find_local(stage->server, &local, &found));
    assert_int_equal(peer_flow(&found), peer_flow(&bob));
    assert_true(address_read(TEXT("203.0.113.5"), 15060, &local));
    assert_false(server_find_local(stage->server, &local, &found));
}

/* --- what can be advertised --- */

static void test_the_longest_name_fits_into_every_header(void **state)
{
    char name[256] = "";
    struct stage *stage = stage_new();
    struct peer bob = fake_udp(PHONE), alice = inside(5070);
    (void)state;
    for (int i = 0; i < 3; i++)
        strcat(name, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk.");
    strcat(name, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghi");
    assert_int_equal(strlen(name), HOST_NAME_MOST);
    advertises(stage, 0, name);
    stage_open(stage);
    registers(stage, &bob, "bob");
    struct sent *invite = invites(stage, &alice);
    assert_has(sent_header(invite, "Via", 0), name);
    assert_has(sent_header(invite, "Record-Route", 0), name);
    assert_has(sent_header(invite, "Record-Route", 0), "@127.0.0.1:5060;lr>");
    stage_discard(stage);
    server_datagram_returned(stage->server, &bob, (struct text){"", 0});
    stage_advance(stage, 0);
    stage_discard(stage);
    char token[TOKEN_TEXT_MOST];
    struct peer phone = fake_udp(PHONE + 1);
    read_token(stage, &phone, token);
    end(stage);
}

static void test_values_that_are_read(void **state)
{
    static const struct {
        const char *text, *host;
        unsigned port;
    } rows[] = {{"203.0.113.5", "203.0.113.5", 5070},
                {"203.0.113.5:1", "203.0.113.5", 1},
                {"[2001:db8::5]", "[2001:db8::5]", 5070},
                {"[2001:db8::5]:65535", "[2001:db8::5]", 65535},
                {"sip.example.com:5060", "sip.example.com", 5060},
                {"localhost", "localhost", 5070},
                {"a-1.b2.", "a-1.b2.", 5070}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct advertised advertised;
        assert_null(advertised_read(text_of(rows[i].text), 5070, &advertised));
        assert_string_equal(advertised.host, rows[i].host);
        assert_int_equal(advertised.port, rows[i].port);
    }
    struct advertised six;
    assert_null(advertised_read(TEXT("[2001:db8::5]"), 5070, &six));
    assert_true(advertised_is(&six, TEXT("[2001:DB8:0::5]")) && advertised_is(&six, TEXT("2001:db8::5")));
    assert_false(advertised_is(&six, TEXT("2001:db8::6")));
    assert_false(advertised_is(&(struct advertised){0}, (struct text){"", 0}));
}

static void test_values_that_are_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {{"", "expected an address"},
                {":5060", "expected an address"},
                {"203.0.113.5:99999", "the port"},
                {"203.0.113.5:0", "the port"},
                {"203.0.113.5:", "the port"},
                {"203.0.113.5:+1", "the port"},
                {"203.0.113.5:5060x", "the port"},
                {"2001:db8::5", "in brackets"},
                {"::1", "in brackets"},
                {"[2001:db8::5", "no ]"},
                {"[2001:db8::5]5060", "no ]"},
                {"[", "no ]"},
                {"[]", "expected an address"},
                {"[[::1]]", "no IPv6 address in the brackets"},
                {"[203.0.113.5]", "no IPv6 address in the brackets"},
                {"[sip.example.com]", "no IPv6 address in the brackets"},
                {"[fe80::1%eth0]", "no IPv6 address in the brackets"},
                {"0.0.0.0", "wildcard"},
                {"[::]:5060", "wildcard"},
                {"203.0.113", "host name"},
                {"203.0.113.256", "host name"},
                {"sip_1.example.com", "host name"},
                {"-a.example.com", "host name"},
                {"a..b", "host name"},
                {".", "host name"},
                {"a b", "host name"},
                {"sip.example.com;lr", "host name"},
                {"bob@example.com", "host name"},
                {"a>b", "host name"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct advertised advertised;
        const char *why = advertised_read(text_of(rows[i].text), 5060, &advertised);
        if (why == NULL || strstr(why, rows[i].why) == NULL)
            fail_msg("%s: %s", rows[i].text, why != NULL ? why : "accepted");
    }
    char name[300];
    memset(name, 'a', sizeof name);
    for (size_t i = 50; i < sizeof name; i += 50)
        name[i] = '.';
    struct advertised advertised;
    assert_non_null(advertised_read((struct text){name, HOST_NAME_MOST + 1}, 5060, &advertised));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_outside_peers_get_the_advertised_address),
        TEST(test_a_name_is_advertised_with_the_port_of_the_listener),
        TEST(test_local_peers_get_the_real_address),
        TEST(test_5658_a_a_call_from_inside_to_outside_is_recorded_twice),
        TEST(test_5658_a_a_call_from_outside_to_inside_is_recorded_twice),
        TEST(test_own_domains_and_routes_in_every_form),
        TEST(test_an_aor_at_the_advertised_name),
        TEST(test_5393_4_a_a_loop_over_the_public_address_is_found),
        TEST(test_the_path_of_an_edge_has_the_advertised_address),
        TEST(test_requests_of_our_own_name_the_advertised_address),
        cmocka_unit_test(test_5626_5_2_b_a_token_does_not_depend_on_what_is_advertised),
        TEST(test_5626_5_2_b_a_token_makes_no_route_ours),
        cmocka_unit_test(test_5626_5_2_b_a_dialog_does_not_depend_on_what_is_advertised),
        TEST(test_a_stored_flow_does_not_depend_on_what_is_advertised),
        cmocka_unit_test(test_the_longest_name_fits_into_every_header),
        cmocka_unit_test(test_values_that_are_read),
        cmocka_unit_test(test_values_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
