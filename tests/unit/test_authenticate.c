// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <errno.h>

#include "digest_client.h"
#include "standalone/auth/auth.h"

/* Who is asked for credentials, and what the server does with them (RFC 3261 22). Everybody but "nobody" has the
   password "secret". Bob's phone is at 127.0.0.1:5080. */

enum { ALICE = 5070, BOB = 5080, STRANGER = 6666, FAILURES = 6 };

struct world {
    struct stage stage;
    struct auth *auth;
    int broken; /* what the look-up of users fails with */
    unsigned calls;
    char field[2048];
};

static int find_user(void *context, struct text user, struct text realm, enum auth_algorithm algorithm,
                     char ha1[HA1_SIZE])
{
    const struct world *world = context;
    if (world->broken != 0 || text_equal(user, TEXT("nobody")))
        return world->broken;
    digest_client_ha1(user, realm, "secret", algorithm, ha1);
    return 1;
}

static void world_open(struct world *world)
{
    const struct auth_config config = {.host = &world->stage.fake.host,
                                       .find = find_user,
                                       .find_context = world,
                                       .algorithms = {AUTH_SHA256, AUTH_MD5},
                                       .algorithm_count = 2};
    assert_int_equal(auth_new(&world->auth, &config), 0);
    world->stage.config.auth = world->auth;
    stage_open(&world->stage);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    stage_create(&world->stage);
    world_open(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    auth_delete(world->auth);
    stage_destroy(&world->stage);
    free(world);
    return 0;
}

/* --- requests, each with a Call-ID of its own --- */

static void send_request(struct world *world, const struct peer *from, struct request request)
{
    char call[32];
    snprintf(call, sizeof call, "call-%u", ++world->calls);
    if (request.call == NULL)
        request.call = call;
    stage_request(&world->stage, from, request);
}

static bool registers(const struct request *request)
{
    return request->method != NULL && strcmp(request->method, "REGISTER") == 0;
}

/* The request is challenged. */
static struct digest_client challenged(struct world *world, const struct peer *from, struct request request)
{
    send_request(world, from, request);
    const struct sent *sent = stage_status(&world->stage, from, registers(&request) ? 401 : 407);
    struct digest_client client = {.user = request.from != NULL ? request.from : "alice",
                                   .method = request.method != NULL ? request.method : "INVITE",
                                   .uri = request.uri != NULL ? request.uri : "sip:bob@example.com"};
    digest_client_challenged(&client, sent->bytes);
    return client;
}

/* It is sent with the client's credentials, whatever further fields it has. */
static void send_with(struct world *world, const struct peer *from, struct request request,
                      const struct digest_client *client)
{
    char fields[4096], field[2048];
    const char *name = registers(&request) ? "Authorization" : "Proxy-Authorization";
    snprintf(fields, sizeof fields, "%s%s", digest_client_field(client, name, "\n", field, sizeof field),
             request.fields != NULL ? request.fields : "");
    request.fields = fields;
    send_request(world, from, request);
}

static void send_authenticated(struct world *world, const struct peer *from, struct request request)
{
    struct digest_client client = challenged(world, from, request);
    send_with(world, from, request, &client);
}

static struct request register_of(const char *user, const char *fields)
{
    return (struct request){.method = "REGISTER", .uri = "sip:example.com", .from = user, .to = user, .fields = fields};
}

static struct peer bob_registers(struct world *world)
{
    struct peer phone = fake_udp(BOB);
    send_authenticated(world, &phone, register_of("bob", "Contact: <sip:bob@127.0.0.1:5080>\n"));
    stage_status(&world->stage, &phone, 200);
    return phone;
}

static size_t bindings(const struct world *world)
{
    return binding_count(server_bindings(world->stage.server));
}

static int64_t counted(struct world *world, const char *name)
{
    return stage_count(&world->stage, name);
}

/* --- who may leave, where callers are checked --- */

static int setup_checked(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    stage_create(&world->stage);
    world->stage.config.checks_callers = true;
    world->stage.config.realm = TEXT("example.com");
    world_open(world);
    stage_script(&world->stage, "sip_on_request(function(request, call) return sip_relay('sip:1@127.0.0.1:5092') end)");
    *state = world;
    return 0;
}

/* A request of Alice. */
static struct request invite_from(const char *uri, const char *fields)
{
    return (struct request){.method = "MESSAGE", .uri = uri, .from = "alice", .fields = fields};
}

static void test_3261_16_3_a_a_user_leaves_with_credentials(void **state)
{
    struct world *world = *state;
    const struct peer alice = fake_udp(ALICE);
    send_authenticated(world, &alice, invite_from("sip:+15550199@example.com", NULL));
    stage_sent_to(&world->stage, "MESSAGE", 5092);
}

static void receive_anonymous(struct world *world, const struct peer *from, const char *uri, const char *field)
{
    char lines[3000];
    snprintf(lines, sizeof lines,
             "MESSAGE %s SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKanon%u\n"
             "From: <sip:anonymous@anonymous.invalid>;tag=1\nTo: <%s>\nCall-ID: anonymous-%u\nCSeq: 1 MESSAGE\n"
             "Max-Forwards: 70\n%sContent-Length: 0\n\n",
             uri, ALICE, world->calls, uri, world->calls, field);
    world->calls++;
    stage_receive(&world->stage, from, lines);
}

static void test_3261_16_3_a_an_anonymous_caller_may_authenticate(void **state)
{
    static const char *const uris[] = {"sip:+15550199@example.com", "tel:+15550199", "sip:bob@example.org"};
    struct world *world = *state;
    const struct peer alice = fake_udp(ALICE);
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        char field[2048];
        receive_anonymous(world, &alice, uris[i], "");
        const struct sent *sent = stage_status(&world->stage, &alice, 407);
        stage_silent(&world->stage);
        struct digest_client client = {.user = "alice", .method = "MESSAGE", .uri = uris[i]};
        digest_client_challenged(&client, sent->bytes);
        receive_anonymous(world, &alice, uris[i],
                          digest_client_field(&client, "Proxy-Authorization", "\n", field, sizeof field));
        struct sent *left = stage_sent_to(&world->stage, "MESSAGE", 5092);
        assert_int_equal(sent_count(left, "Proxy-Authorization"), 0);
    }
    assert_int_equal(counted(world, "refused_unauthenticated"), 0);
}

/* --- who is challenged --- */

static void test_3261_22_a_a_registrar_challenges_with_401(void **state)
{
    struct world *world = *state;
    struct peer phone = fake_udp(BOB);
    send_request(world, &phone, register_of("bob", "Contact: <sip:bob@127.0.0.1:5080>\n"));
    struct sent *sent = stage_status(&world->stage, &phone, 401);
    assert_int_equal(sent_count(sent, "WWW-Authenticate"), 2);
    assert_non_null(strstr(sent_header(sent, "WWW-Authenticate", 0), "algorithm=SHA-256"));
    assert_non_null(strstr(sent_header(sent, "WWW-Authenticate", 1), "algorithm=MD5"));
    assert_null(strstr(sent->bytes, "stale"));
    assert_int_equal(bindings(world), 0);
    bob_registers(world);
    assert_int_equal(bindings(world), 1);
    assert_int_equal(counted(world, "challenged"), 2);
    assert_int_equal(counted(world, "authenticated"), 1);
}

static void test_3261_22_a_a_proxy_challenges_every_method_with_407(void **state)
{
    static const char *const methods[] = {"INVITE", "BYE",     "UPDATE",  "INFO",    "PRACK",  "NOTIFY",
                                          "REFER",  "MESSAGE", "OPTIONS", "UNKNOWN", "PUBLISH"};
    struct world *world = *state;
    bob_registers(world);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct peer alice = fake_udp(ALICE);
        challenged(world, &alice, (struct request){.method = methods[i]});
        challenged(world, &alice, (struct request){.method = methods[i], .to_tag = "made-up"});
        challenged(world, &alice, (struct request){.method = methods[i], .uri = "sip:carol@example.net"});
        challenged(world, &alice, (struct request){.method = methods[i], .uri = "tel:+12015550123"});
    }
    assert_true(stage_discard(&world->stage) == 0);
}

/* Of a request for another domain's registrar too. */
static void test_3261_22_a_a_register_that_is_sent_on_is_a_proxys(void **state)
{
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE);
    send_request(world, &alice, (struct request){.method = "REGISTER", .uri = "sip:example.net"});
    stage_status(&world->stage, &alice, 407);
}

static void test_3261_22_a_valid_credentials_lead_on(void **state)
{
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE);
    bob_registers(world);
    send_authenticated(world, &alice,
                       (struct request){.fields = "Proxy-Authorization: Digest realm=\"other.example\"\n"
                                                  "Authorization: Digest realm=\"example.com\"\n"});
    stage_hears(&world->stage, 100);
    struct sent *invite = stage_sent_to(&world->stage, "INVITE", BOB);
    /* Only what is for a realm of this server is consumed (RFC 3261 22.3). */
    assert_int_equal(sent_count(invite, "Proxy-Authorization"), 1);
    assert_string_equal(sent_header(invite, "Proxy-Authorization", 0), "Digest realm=\"other.example\"");
    assert_int_equal(sent_count(invite, "Authorization"), 1);
    stage_response(&world->stage, invite, 200, "Contact: <sip:bob@127.0.0.1:5080>\n");
    stage_hears(&world->stage, 200);
}

static void test_3261_22_a_the_ack_of_a_challenge_is_absorbed(void **state)
{
    char tag[64];
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE);
    send_request(world, &alice, (struct request){.call = "one"});
    struct sent *sent = stage_status(&world->stage, &alice, 407);
    assert_int_equal(sscanf(strstr(sent_header(sent, "To", 0), ";tag=") + 5, "%63s", tag), 1);
    stage_request(&world->stage, &alice, (struct request){.method = "ACK", .to_tag = tag, .call = "one"});
    stage_silent(&world->stage);
    assert_int_equal(counted(world, "refused_no_dialog"), 0);
    assert_int_equal(counted(world, "acks_dropped"), 0);
    stage_request(&world->stage, &alice, (struct request){.method = "ACK", .to_tag = "made-up", .call = "one"});
    stage_silent(&world->stage);
    assert_int_equal(counted(world, "acks_dropped"), 1);
}

/* No state is kept for strangers. */
static void test_a_challenge_keeps_nothing(void **state)
{
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE);
    size_t before = world->stage.fake.allocated;
    for (unsigned i = 0; i < 50; i++)
        challenged(world, &alice, (struct request){.method = "INVITE"});
    assert_in_range(world->stage.fake.allocated, 0, before + 4096);
    assert_int_equal(counted(world, "challenged"), 50);
}

static void test_3261_22_a_cancel_and_ack_are_never_challenged(void **state)
{
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE);
    bob_registers(world);
    send_authenticated(world, &alice, (struct request){.call = "one", .cseq = 2});
    stage_hears(&world->stage, 100);
    struct sent *invite = stage_sent_to(&world->stage, "INVITE", BOB);
    stage_response(&world->stage, invite, 180, "");
    stage_hears(&world->stage, 180);
    stage_request(&world->stage, &alice, (struct request){.method = "CANCEL", .call = "one", .cseq = 2});
    stage_hears(&world->stage, 200);
    stage_sent_to(&world->stage, "CANCEL", BOB);
}

/* A request with the seal of a dialog, from both sides. */
static void test_3261_22_a_dialogs_go_on_without_credentials(void **state)
{
    char route[1500];
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE), phone = bob_registers(world);
    send_authenticated(world, &alice,
                       (struct request){.call = "one", .fields = "Contact: <sip:alice@127.0.0.1:5070>\n"});
    stage_hears(&world->stage, 100);
    struct sent *invite = stage_sent_to(&world->stage, "INVITE", BOB);
    snprintf(route, sizeof route, "Route: %s\n", sent_header(invite, "Record-Route", 0));
    stage_response(&world->stage, invite, 200, "Contact: <sip:bob@127.0.0.1:5080>\n");
    struct sent *ok = stage_hears(&world->stage, 200);
    /* The called side, From bob. */
    stage_request(&world->stage, &phone,
                  (struct request){.method = "INFO",
                                   .uri = "sip:alice@127.0.0.1:5070",
                                   .from = "bob",
                                   .to = "alice",
                                   .to_tag = "5070",
                                   .call = "one",
                                   .fields = route});
    stage_sent_to(&world->stage, "INFO", ALICE);
    snprintf(route, sizeof route, "Route: %s\nContact: <sip:alice@127.0.0.1:5070>\n",
             sent_header(ok, "Record-Route", 0));
    struct request again = {
        .uri = "sip:bob@127.0.0.1:5080", .to_tag = "p5080", .call = "one", .cseq = 3, .fields = route};
    stage_request(&world->stage, &alice, again);
    stage_hears(&world->stage, 100);
    stage_sent_to(&world->stage, "INVITE", BOB);
    /* In another call, the Route gives no right. */
    again.call = "two";
    stage_request(&world->stage, &alice, again);
    stage_hears(&world->stage, 407);
}

static void test_3261_22_a_emergency_calls_are_never_challenged(void **state)
{
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE);
    send_request(world, &alice, (struct request){.uri = "urn:service:sos"});
    stage_hears(&world->stage, 100);
    stage_hears(&world->stage, 416);
}

static void test_options_to_the_server_itself_is_not_challenged(void **state)
{
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE);
    send_request(world, &alice, (struct request){.method = "OPTIONS", .uri = "sip:example.com"});
    stage_hears(&world->stage, 200);
    challenged(world, &alice, (struct request){.method = "OPTIONS", .uri = "sip:bob@example.com"});
    challenged(world, &alice, (struct request){.method = "MESSAGE", .uri = "sip:example.com"});
}

/* A port, another spelling or escapes do not make a domain of ours a foreign one. */
static void test_from_a_domain_of_ours_in_any_spelling(void **state)
{
    static const char *const froms[] = {"<sip:alice@EXAMPLE.com>", "<sips:alice@example.com:9999>",
                                        "sip:alice@example.com.",  "\"tel\" <sip:alice@example.com;user=phone?a=b>",
                                        "<sip:example.com>",       "<sip:alice@127.0.0.1:1>"};
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE);
    for (size_t i = 0; i < sizeof froms / sizeof froms[0]; i++) {
        char lines[1024];
        snprintf(lines, sizeof lines,
                 "INVITE sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK%zu\n"
                 "From: %s;tag=1\nTo: <sip:bob@example.com>\nCall-ID: spelling-%zu\nCSeq: 1 INVITE\n\n",
                 i, froms[i], i);
        stage_receive(&world->stage, &alice, lines);
        stage_hears(&world->stage, 407);
    }
}

static void test_from_that_is_no_uri_is_refused(void **state)
{
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE);
    stage_receive(&world->stage, &alice,
                  "INVITE sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1\n"
                  "From: <sip:alice%zz@example.com>;tag=1\nTo: <sip:bob@example.com>\nCall-ID: c\nCSeq: 1 INVITE\n\n");
    struct sent *sent = stage_hears(&world->stage, 400);
    assert_true(sent_starts(sent, "SIP/2.0 400 Bad Request: From: the address is not a valid URI\r\n"));
}

/* --- which user --- */

static void test_3261_10_3_b_nobody_changes_the_bindings_of_others(void **state)
{
    static const char *const contacts[] = {"Contact: <sip:eve@127.0.0.1:6666>\n", "Contact: *\nExpires: 0\n",
                                           "Contact: <sip:bob@127.0.0.1:5080>;expires=0\n", ""};
    struct world *world = *state;
    struct peer eve = fake_udp(STRANGER);
    bob_registers(world);
    for (size_t i = 0; i < sizeof contacts / sizeof contacts[0]; i++) {
        struct request request = register_of("bob", contacts[i]);
        struct digest_client client = challenged(world, &eve, request);
        client.user = "eve";
        send_with(world, &eve, request, &client);
        struct sent *sent = stage_status(&world->stage, &eve, 403);
        assert_true(sent_starts(sent, "SIP/2.0 403 Forbidden: the credentials are of another user\r\n"));
        assert_int_equal(sent_count(sent, "Contact"), 0);
        request.from = "eve";
        send_with(world, &eve, request, &client);
        stage_status(&world->stage, &eve, 401);
    }
    assert_int_equal(bindings(world), 1);
    assert_int_equal(counted(world, "refused_other_user"), 4);
}

static void test_3261_10_3_b_a_user_removes_its_own_bindings(void **state)
{
    struct world *world = *state;
    struct peer phone = bob_registers(world);
    struct request request = register_of("bob", "Contact: *\nExpires: 0\n");
    struct digest_client client = challenged(world, &phone, request);
    client.user = "bob@example.com";
    request.cseq = 5;
    send_with(world, &phone, request, &client);
    stage_status(&world->stage, &phone, 200);
    assert_int_equal(bindings(world), 0);
}

static void test_from_of_another_user_is_refused(void **state)
{
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE);
    bob_registers(world);
    struct digest_client client = challenged(world, &alice, (struct request){0});
    client.user = "eve";
    send_with(world, &alice, (struct request){0}, &client);
    stage_hears(&world->stage, 403);
    assert_int_equal(counted(world, "refused_other_user"), 1);
}

static void test_an_aor_that_is_not_served_is_refused_by_the_registrar(void **state)
{
    struct world *world = *state;
    struct peer phone = fake_udp(BOB);
    stage_receive(&world->stage, &phone,
                  "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK1\n"
                  "From: <sip:bob@example.net>;tag=1\nTo: <sip:bob@example.net>\nCall-ID: c\nCSeq: 1 REGISTER\n\n");
    stage_status(&world->stage, &phone, 404);
}

/* --- requests that need no credentials --- */

#define SHOW "sip_on_request(function(request, call) return sip_reply(603, 'user ' .. tostring(call.user)) end)"

static void receive_from(struct world *world, const struct peer *peer, const char *from, const char *fields)
{
    char lines[4096];
    unsigned call = ++world->calls;
    snprintf(lines, sizeof lines,
             "MESSAGE sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-%u\n"
             "From: %s;tag=1\nTo: <sip:bob@example.com>\nCall-ID: foreign-%u\nCSeq: 1 MESSAGE\n%s\n",
             call, from, call, fields);
    stage_receive(&world->stage, peer, lines);
}

static void assert_phrase(struct world *world, const struct peer *peer, const char *phrase)
{
    char line[128];
    snprintf(line, sizeof line, "SIP/2.0 603 %s\r\n", phrase);
    struct sent *sent = stage_status(&world->stage, peer, 603);
    if (!sent_starts(sent, line))
        fail_msg("not %s: %.80s", phrase, sent->bytes);
}

static const char *message_field(struct world *world, struct digest_client *client)
{
    client->method = "MESSAGE";
    client->uri = "sip:bob@example.com";
    return digest_client_field(client, "Proxy-Authorization", "\n", world->field, sizeof world->field);
}

static void test_foreign_callers_are_not_challenged(void **state)
{
    static const char *const froms[] = {"<sip:carol@example.net>", "<sip:anonymous@anonymous.invalid>",
                                        "<tel:+12015550123>", "<sip:alice@example.com.example.net>"};
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE);
    stage_script(&world->stage, SHOW);
    for (size_t i = 0; i < sizeof froms / sizeof froms[0]; i++) {
        receive_from(world, &alice, froms[i], "");
        assert_phrase(world, &alice, "user nil");
        receive_from(world, &alice, froms[i], "Proxy-Authorization: Digest realm=\"example.net\", nonce=\"\n");
        assert_phrase(world, &alice, "user nil");
        receive_from(world, &alice, froms[i], "Proxy-Authorization: \n");
        assert_phrase(world, &alice, "user nil");
    }
}

/* An anonymous caller that is a user (RFC 3323). */
static void test_credentials_of_an_anonymous_caller_count(void **state)
{
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE);
    stage_script(&world->stage, SHOW);
    struct digest_client client = challenged(world, &alice, (struct request){.method = "MESSAGE"});
    receive_from(world, &alice, "<sip:anonymous@anonymous.invalid>", message_field(world, &client));
    assert_phrase(world, &alice, "user alice@example.com");
    receive_from(world, &alice, "<sip:anonymous@anonymous.invalid>", message_field(world, &client));
    assert_non_null(strstr(stage_hears(&world->stage, 407)->bytes, "stale=true"));
    client.count++;
    client.password = "wrong";
    receive_from(world, &alice, "<sip:anonymous@anonymous.invalid>", message_field(world, &client));
    stage_hears(&world->stage, 407);
    receive_from(world, &alice, "<sip:anonymous@anonymous.invalid>",
                 "Proxy-Authorization: Digest realm=\"example.com\", nonce=\"\n");
    stage_hears(&world->stage, 400);
}

static void test_a_user_is_seen_by_hooks(void **state)
{
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE), phone = fake_udp(BOB);
    stage_script(&world->stage,
                 SHOW " sip_on_register(function(request, call) return sip_reply(603, 'user ' .. call.user) end)");
    send_authenticated(world, &alice, (struct request){.method = "MESSAGE"});
    assert_phrase(world, &alice, "user alice@example.com");
    send_authenticated(world, &phone, register_of("bob", "Contact: <sip:bob@127.0.0.1:5080>\n"));
    assert_phrase(world, &phone, "user bob@example.com");
}

/* Bob's calls go to Carol, by a Contact and a Path that lead back to this server. The credentials are gone by then. */
static void test_a_request_that_returns_keeps_its_user(void **state)
{
    struct world *world = *state;
    struct peer alice = fake_udp(ALICE), phone = fake_udp(BOB), own = fake_udp(5060);
    send_authenticated(world, &phone,
                       register_of("bob", "Contact: <sip:carol@127.0.0.1:5060>\nSupported: path\n"
                                          "Path: <sip:127.0.0.1:5060;lr>\n"));
    stage_status(&world->stage, &phone, 200);
    stage_script(&world->stage, "sip_on_request(function(request, call)\n"
                                "  if request.uri:find('carol') then return sip_reply(603, 'user ' .. call.user) end\n"
                                "end)");
    send_authenticated(world, &alice, (struct request){.call = "one", .cseq = 2});
    stage_hears(&world->stage, 100);
    struct sent *invite = stage_sent_to(&world->stage, "INVITE", 5060);
    char *bytes = strdup(invite->bytes);
    assert_non_null(bytes);
    assert_null(strstr(bytes, "Proxy-Authorization"));
    /* The same from somebody else, who has received it. */
    struct peer elsewhere = {.transport = TRANSPORT_UDP};
    assert_true(address_read(TEXT("127.0.0.7"), 5060, &elsewhere.address));
    server_received(world->stage.server, &elsewhere, bytes, strlen(bytes));
    stage_status(&world->stage, &elsewhere, 407);
    server_received(world->stage.server, &own, bytes, strlen(bytes));
    stage_status(&world->stage, &own, 100);
    assert_phrase(world, &own, "user alice@example.com");
    free(bytes);
}

/* --- wrong credentials --- */

static void test_7616_b_stale_nonces(void **state)
{
    struct world *world = *state;
    struct peer phone = fake_udp(BOB);
    struct request request = register_of("bob", "");
    struct digest_client client = challenged(world, &phone, request);
    send_with(world, &phone, request, &client);
    stage_status(&world->stage, &phone, 200);
    send_with(world, &phone, request, &client);
    struct sent *sent = stage_status(&world->stage, &phone, 401);
    assert_non_null(strstr(sent_header(sent, "WWW-Authenticate", 0), "stale=true"));
    digest_client_challenged(&client, sent->bytes);
    stage_advance(&world->stage, 301000);
    send_with(world, &phone, request, &client);
    sent = stage_status(&world->stage, &phone, 401);
    assert_non_null(strstr(sent_header(sent, "WWW-Authenticate", 1), "stale=true"));
    digest_client_challenged(&client, sent->bytes);
    send_with(world, &phone, request, &client);
    stage_status(&world->stage, &phone, 200);
    assert_int_equal(counted(world, "authentication_failed"), 0);
}

static void test_7616_a_wrong_passwords_and_unknown_users(void **state)
{
    struct world *world = *state;
    struct peer phone = fake_udp(BOB);
    struct request request = register_of("bob", "Contact: <sip:bob@127.0.0.1:5080>\n");
    struct digest_client client = challenged(world, &phone, request);
    client.password = "wrong";
    send_with(world, &phone, request, &client);
    struct sent *wrong = stage_status(&world->stage, &phone, 401);
    assert_null(strstr(wrong->bytes, "stale"));
    client = challenged(world, &phone, request);
    client.user = "nobody";
    send_with(world, &phone, request, &client);
    struct sent *unknown = stage_status(&world->stage, &phone, 401);
    assert_int_equal(unknown->length, wrong->length);
    assert_int_equal(bindings(world), 0);
    assert_int_equal(counted(world, "authentication_failed"), 2);
    assert_int_equal(counted(world, "refused_credentials"), 2);
    assert_int_equal(counted(world, "register_refused"), 2);
}

static void test_7616_a_malformed_credentials(void **state)
{
    struct world *world = *state;
    struct peer phone = fake_udp(BOB), alice = fake_udp(ALICE);
    send_request(world, &phone, register_of("bob", "Authorization: Digest realm=\"example.com\", username=\"bob\"\n"));
    struct sent *sent = stage_status(&world->stage, &phone, 400);
    assert_true(sent_starts(sent, "SIP/2.0 400 Bad Request: Authorization: the nonce is missing\r\n"));
    struct digest_client client = challenged(world, &alice, (struct request){0});
    client.uri = "sip:eve@example.com";
    send_with(world, &alice, (struct request){0}, &client);
    sent = stage_hears(&world->stage, 400);
    assert_true(sent_starts(sent, "SIP/2.0 400 Bad Request: Proxy-Authorization: the uri is not the Request-URI\r\n"));
    assert_int_equal(counted(world, "refused_malformed"), 2);
}

static void test_users_that_cannot_be_read(void **state)
{
    struct world *world = *state;
    struct peer phone = fake_udp(BOB);
    struct digest_client client = challenged(world, &phone, register_of("bob", ""));
    world->broken = -EAGAIN;
    send_with(world, &phone, register_of("bob", ""), &client);
    struct sent *sent = stage_status(&world->stage, &phone, 503);
    assert_string_equal(sent_header(sent, "Retry-After", 0), "10");
    assert_int_equal(counted(world, "refused_users_unavailable"), 1);
    world->broken = 0;
    send_with(world, &phone, register_of("bob", ""), &client);
    stage_status(&world->stage, &phone, 200);
}

/* Whatever allocation fails, nobody gets in without credentials. */
static void test_3261_10_3_b_nobody_gets_in_for_want_of_memory(void **state)
{
    struct world *world = *state;
    struct peer eve = fake_udp(STRANGER), alice = fake_udp(ALICE);
    bob_registers(world);
    for (unsigned step = 1; step < 40; step++) {
        world->stage.fake.fail_after = world->stage.fake.calls + step;
        send_request(world, &eve, register_of("bob", "Contact: <sip:eve@127.0.0.1:6666>\n"));
        send_request(world, &alice, (struct request){0});
        world->stage.fake.fail_after = 0;
        struct sent *sent;
        while ((sent = fake_wire_take(&world->stage.wire)) != NULL)
            assert_in_range(sent_status(sent), 400, 599);
    }
    assert_int_equal(bindings(world), 1);
}

/* --- trunks, and limits --- */

static int trunk_setup(void **state)
{
    static struct trunks trunks;
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    memset(&trunks, 0, sizeof trunks);
    assert_true(cidr_read(TEXT("192.0.2.0/24"), &trunks.addresses[0].cidr));
    trunks.addresses[0].text = TEXT("192.0.2.0/24");
    trunks.address_count = 1;
    stage_create(&world->stage);
    world->stage.config.trunks = &trunks;
    world_open(world);
    *state = world;
    return 0;
}

static void test_trunks_register_nobody_and_call_without_credentials(void **state)
{
    struct world *world = *state;
    struct peer trunk = {.transport = TRANSPORT_UDP};
    assert_true(address_read(TEXT("192.0.2.7"), 5060, &trunk.address));
    bob_registers(world);
    send_request(world, &trunk, (struct request){0});
    stage_status(&world->stage, &trunk, 100);
    stage_sent_to(&world->stage, "INVITE", BOB);
    send_request(world, &trunk, register_of("bob", "Contact: *\nExpires: 0\n"));
    stage_status(&world->stage, &trunk, 401);
    assert_int_equal(bindings(world), 1);
}

static int limits_setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    stage_create(&world->stage);
    const struct source_limits_config config = {
        .host = &world->stage.fake.host, .requests = 1000, .failures = FAILURES, .ban_s = 60};
    assert_int_equal(source_limits_new(&world->stage.config.sources, &config), 0);
    world_open(world);
    *state = world;
    return 0;
}

static int limits_teardown(void **state)
{
    struct world *world = *state;
    struct source_limits *limits = world->stage.config.sources;
    auth_delete(world->auth);
    server_delete(world->stage.server);
    world->stage.server = NULL;
    source_limits_delete(limits);
    stage_destroy(&world->stage);
    free(world);
    return 0;
}

static struct peer udp_at(const char *host)
{
    struct peer peer = {.transport = TRANSPORT_UDP};
    assert_true(address_read(text_of(host), 5070, &peer.address));
    return peer;
}

static void test_failures_are_limited_and_challenges_are_not(void **state)
{
    struct world *world = *state;
    struct peer alice = udp_at("192.0.2.7");
    struct digest_client client = {0};
    for (unsigned i = 0; i < 3 * FAILURES; i++)
        client = challenged(world, &alice, (struct request){0});
    client.password = "wrong";
    for (unsigned i = 0; i < FAILURES; i++) {
        send_with(world, &alice, (struct request){0}, &client);
        stage_status(&world->stage, &alice, 407);
    }
    send_with(world, &alice, (struct request){0}, &client);
    stage_silent(&world->stage);
    assert_int_equal(counted(world, "refused_failure_limit"), 1);
}

/* A datagram does not prove its source; the nonce that was given to it does. */
static void test_guesses_by_datagrams_lead_to_a_ban_and_forged_ones_do_not(void **state)
{
    struct world *world = *state;
    struct peer guesser = udp_at("192.0.2.7"), victim = udp_at("192.0.2.8");
    struct digest_client client = challenged(world, &guesser, (struct request){0});
    client.password = "wrong";
    for (unsigned i = 0; i <= FAILURES; i++)
        send_with(world, &victim, (struct request){0}, &client);
    stage_discard(&world->stage);
    send_authenticated(world, &victim, register_of("bob", ""));
    stage_status(&world->stage, &victim, 200);
    for (unsigned i = 0; i <= FAILURES; i++)
        send_with(world, &guesser, (struct request){0}, &client);
    stage_discard(&world->stage);
    send_request(world, &guesser, (struct request){0});
    stage_silent(&world->stage);
    stage_advance(&world->stage, 61000);
    stage_discard(&world->stage);
    challenged(world, &guesser, (struct request){0});
}

/* Whoever had the address before, in the same office for example, could ban it for ever. */
static void test_guesses_with_an_old_nonce_ban_nobody(void **state)
{
    struct world *world = *state;
    struct peer office = udp_at("192.0.2.7");
    struct digest_client client = challenged(world, &office, (struct request){0});
    client.password = "wrong";
    stage_advance(&world->stage, 301000);
    stage_discard(&world->stage);
    for (unsigned i = 0; i <= FAILURES; i++)
        send_with(world, &office, (struct request){0}, &client);
    stage_discard(&world->stage);
    send_authenticated(world, &office, register_of("bob", ""));
    stage_status(&world->stage, &office, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_3261_16_3_a_a_user_leaves_with_credentials, setup_checked, teardown),
        cmocka_unit_test_setup_teardown(test_3261_16_3_a_an_anonymous_caller_may_authenticate, setup_checked, teardown),
        cmocka_unit_test_setup_teardown(test_3261_22_a_a_registrar_challenges_with_401, setup, teardown),
        cmocka_unit_test_setup_teardown(test_3261_22_a_a_proxy_challenges_every_method_with_407, setup, teardown),
        cmocka_unit_test_setup_teardown(test_3261_22_a_a_register_that_is_sent_on_is_a_proxys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_3261_22_a_valid_credentials_lead_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_3261_22_a_the_ack_of_a_challenge_is_absorbed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_challenge_keeps_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_3261_22_a_cancel_and_ack_are_never_challenged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_3261_22_a_dialogs_go_on_without_credentials, setup, teardown),
        cmocka_unit_test_setup_teardown(test_3261_22_a_emergency_calls_are_never_challenged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_options_to_the_server_itself_is_not_challenged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_from_a_domain_of_ours_in_any_spelling, setup, teardown),
        cmocka_unit_test_setup_teardown(test_from_that_is_no_uri_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_3261_10_3_b_nobody_changes_the_bindings_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_3261_10_3_b_a_user_removes_its_own_bindings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_from_of_another_user_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_aor_that_is_not_served_is_refused_by_the_registrar, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_callers_are_not_challenged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_credentials_of_an_anonymous_caller_count, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_user_is_seen_by_hooks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_request_that_returns_keeps_its_user, setup, teardown),
        cmocka_unit_test_setup_teardown(test_7616_b_stale_nonces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_7616_a_wrong_passwords_and_unknown_users, setup, teardown),
        cmocka_unit_test_setup_teardown(test_7616_a_malformed_credentials, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users_that_cannot_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_3261_10_3_b_nobody_gets_in_for_want_of_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trunks_register_nobody_and_call_without_credentials, trunk_setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_failures_are_limited_and_challenges_are_not, limits_setup,
                                        limits_teardown),
        cmocka_unit_test_setup_teardown(test_guesses_by_datagrams_lead_to_a_ban_and_forged_ones_do_not, limits_setup,
                                        limits_teardown),
        cmocka_unit_test_setup_teardown(test_guesses_with_an_old_nonce_ban_nobody, limits_setup, limits_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
