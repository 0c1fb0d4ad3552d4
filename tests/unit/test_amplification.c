// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include "standalone/server/server_private.h"
#include "standalone/server/branch.h"
#include "standalone/server/context.h"
#include "test_data.h"

/*
 * What somebody who has no account and no place on the path can make the server send to a third party: over the whole
 * life of all transactions, at most ten times what he sent, whatever he names and however he names it.
 */

enum { MOST = AMPLIFICATION_MOST, HOUR_MS = 3600000, LIFE_MS = 600000 };

static const char victim_host[] = "198.51.100.9", attacker_host[] = "203.0.113.66";

struct attack {
    struct stage *stage;
    struct peer attacker, victim;
    size_t in; /* bytes that the attacker has sent */
};

static struct peer at(const char *host, uint16_t port)
{
    struct peer peer = {.transport = TRANSPORT_UDP};
    assert_true(address_read(text_of(host), port, &peer.address));
    return peer;
}

static struct attack begin(void **state)
{
    return (struct attack){.stage = *state, .attacker = at(attacker_host, 5060), .victim = at(victim_host, 5060)};
}

static void replace(char *text, size_t size, const char *mark, const char *by)
{
    char *place, *tail = malloc(size);
    assert_non_null(tail);
    while ((place = strstr(text, mark)) != NULL) {
        size_t room = size - (size_t)(place - text);
        snprintf(tail, size, "%s", place + strlen(mark));
        assert_in_range(snprintf(place, room, "%s%s", by, tail), 0, room - 1);
    }
    free(tail);
}

/* One of tests/data/attacks from a source, with the nth number. */
static void send_file(struct attack *attack, const struct peer *from, const char *name, unsigned n)
{
    static char text[80000];
    char path[128], address[64], number[16];
    snprintf(path, sizeof path, "attacks/%s", name);
    struct text bytes = test_data_load(path);
    assert_in_range(bytes.length, 1, sizeof text - 1);
    memcpy(text, bytes.at, bytes.length + 1);
    free((void *)(size_t)bytes.at);
    address_format(&attack->victim.address, address, sizeof address);
    replace(text, sizeof text, "@VICTIM@", address);
    address_format(&from->address, address, sizeof address);
    replace(text, sizeof text, "@SOURCE@", address);
    snprintf(number, sizeof number, "%u", n);
    replace(text, sizeof text, "@N@", number);
    attack->in += strlen(text);
    server_received(attack->stage->server, from, text, strlen(text));
}

/* Takes the messages sent meanwhile; the bytes and messages for the host of the peer. */
struct got {
    size_t bytes, messages;
};

static struct got take(struct attack *attack, const struct peer *peer, uint64_t ms)
{
    struct got got = {0};
    struct sent *sent;
    stage_advance(attack->stage, ms);
    while ((sent = fake_wire_take(&attack->stage->wire)) != NULL) {
        if (!address_same_host(&sent->peer.address, &peer->address))
            continue;
        got.bytes += sent->length;
        got.messages++;
    }
    return got;
}

/* Lines as written, with \n for each CRLF. */
static void send_lines(struct attack *attack, const struct peer *from, const char *lines)
{
    attack->in += strlen(lines);
    for (const char *at = lines; *at != '\0'; at++)
        attack->in += *at == '\n';
    stage_receive(attack->stage, from, lines);
}

static void assert_bounded(struct attack *attack, size_t in)
{
    struct got got = take(attack, &attack->victim, LIFE_MS);
    if (got.bytes > MOST * in)
        fail_msg("%zu bytes in %zu messages for %zu bytes", got.bytes, got.messages, in);
}

/* --- Path, Contact, forged sources --- */

static void register_all(struct attack *attack, const struct peer *from, const char *file)
{
    for (unsigned i = 0; i < 32; i++)
        send_file(attack, from, file, i);
    assert_int_equal(binding_count(server_bindings(attack->stage->server)), 32);
    take(attack, &attack->victim, 1000);
    attack->in = 0; /* what follows is measured alone */
}

static void test_a_short_invite_for_bindings_whose_path_names_a_third_party(void **state)
{
    struct attack attack = begin(state);
    register_all(&attack, &attack.attacker, "path_third_party_register.sip");
    for (unsigned i = 0; i < 5; i++) {
        attack.in = 0;
        send_file(&attack, &attack.attacker, "short_invite.sip", i);
        stage_status(attack.stage, &attack.attacker, 100);
        assert_bounded(&attack, attack.in);
    }
    assert_true(stage_count(attack.stage, "withheld") > 0);
    assert_int_equal(stage_count(attack.stage, "resting"), 0);
    assert_int_equal(stage_count(attack.stage, "bindings"), 32);
}

static void test_a_path_of_48_kb_is_refused(void **state)
{
    struct attack attack = begin(state);
    send_file(&attack, &attack.attacker, "path_too_long_register.sip", 1);
    stage_status(attack.stage, &attack.attacker, 400);
    assert_int_equal(binding_count(server_bindings(attack.stage->server)), 0);
}

static void test_a_short_invite_for_contacts_that_name_a_third_party(void **state)
{
    struct attack attack = begin(state);
    register_all(&attack, &attack.attacker, "contact_third_party_register.sip");
    send_file(&attack, &attack.attacker, "short_invite.sip", 1);
    struct got got = take(&attack, &attack.victim, LIFE_MS);
    assert_in_range(got.messages, 1, 20);
    assert_in_range(got.bytes, 1, MOST * attack.in);
}

static void test_32_contacts_of_one_register(void **state)
{
    struct attack attack = begin(state);
    char lines[8192];
    int used = snprintf(lines, sizeof lines,
                        "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bKa;rport\n"
                        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKb\nFrom: <sip:bob@example.com>;tag=1\n"
                        "To: <sip:bob@example.com>\nCall-ID: many\nCSeq: 1 REGISTER\nMax-Forwards: 9\n",
                        attacker_host);
    for (int i = 0; i < 32; i++)
        used += snprintf(lines + used, sizeof lines - (size_t)used, "m: <sip:%d@%s>\n", i, victim_host);
    snprintf(lines + used, sizeof lines - (size_t)used, "Content-Length: 0\n\n");
    stage_receive(attack.stage, &attack.attacker, lines);
    assert_int_equal(binding_count(server_bindings(attack.stage->server)), 32);
    take(&attack, &attack.victim, 0);
    send_file(&attack, &attack.attacker, "short_invite.sip", 1);
    assert_bounded(&attack, attack.in);
}

/* Many addresses of one network are not each worth ten times. */
static void test_contacts_that_name_many_third_parties(void **state)
{
    struct attack attack = begin(state);
    for (unsigned i = 0; i < 32; i++) {
        char host[32];
        snprintf(host, sizeof host, "198.51.100.%u", 10 + i);
        attack.victim = at(host, 5060);
        send_file(&attack, &attack.attacker, "contact_third_party_register.sip", i);
    }
    stage_discard(attack.stage);
    attack.in = 0;
    send_file(&attack, &attack.attacker, "short_invite.sip", 1);
    size_t sum = 0;
    stage_advance(attack.stage, LIFE_MS);
    for (struct sent *sent; (sent = fake_wire_take(&attack.stage->wire)) != NULL;)
        sum += address_same_host(&sent->peer.address, &attack.attacker.address) ? 0 : sent->length;
    assert_in_range(sum, 1, MOST * attack.in);
}

static void register_32(struct attack *attack, const char *aor, const char *contact)
{
    for (unsigned i = 0; i < 32; i++) {
        char lines[600];
        snprintf(lines, sizeof lines,
                 "REGISTER sip:127.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%u%s;rport\n"
                 "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\nFrom: <%s>;tag=1\nTo: <%s>\nCall-ID: %u-%s\n"
                 "CSeq: 1 REGISTER\nContact: <%s;n=%u>\nContent-Length: 0\n\n",
                 attacker_host, i, aor + 4, aor, aor, i, aor, contact, i);
        stage_receive(attack->stage, &attack->attacker, lines);
    }
    stage_discard(attack->stage);
}

/* Bindings that lead back to us, to somebody whose bindings name the third party. */
static void test_bindings_that_lead_back(void **state)
{
    struct attack attack = begin(state);
    struct peer self = fake_udp(5060);
    register_32(&attack, "sip:bob@127.0.0.1", "sip:carol@127.0.0.1:5060");
    register_32(&attack, "sip:carol@127.0.0.1", "sip:dan@198.51.100.9");
    assert_int_equal(binding_count(server_bindings(attack.stage->server)), 64);
    size_t got = 0, back = 0;
    send_lines(&attack, &attack.attacker,
               "INVITE sip:bob@127.0.0.1 SIP/2.0\nv: SIP/2.0/UDP 203.0.113.66;branch=z9hG4bKround;rport\n"
               "f: <sip:a@b>;tag=1\nt: <sip:c@d>\ni: round\nCSeq: 1 INVITE\nContact: <sip:a@203.0.113.66>\nl: 0\n\n");
    for (unsigned second = 0; second < LIFE_MS / 1000; second++) {
        for (struct sent *sent; (sent = fake_wire_take(&attack.stage->wire)) != NULL;) {
            back += address_equal(&sent->peer.address, &self.address);
            if (address_equal(&sent->peer.address, &self.address))
                server_received(attack.stage->server, &self, sent->bytes, sent->length);
            else if (address_same_host(&sent->peer.address, &attack.victim.address))
                got += sent->length;
        }
        stage_advance(attack.stage, 1000);
    }
    assert_true(back > 1);
    assert_in_range(got, 1, MOST * attack.in);
}

/* With a forged source the binding's flow is the third party: what it may get are the bytes of the REGISTERs, once. */
static void test_registers_with_a_forged_source(void **state)
{
    struct attack attack = begin(state);
    size_t got = 0;
    for (uint16_t i = 0; i < 32; i++) {
        attack.victim = at(victim_host, (uint16_t)(6000 + i));
        send_file(&attack, &attack.victim, "forged_source_register.sip", i);
    }
    assert_int_equal(binding_count(server_bindings(attack.stage->server)), 32);
    got += take(&attack, &attack.victim, 0).bytes;
    assert_in_range(got, 1, MOST * attack.in);
    for (unsigned i = 0; i < 20; i++) {
        send_file(&attack, &attack.attacker, "short_invite.sip", i);
        got += take(&attack, &attack.victim, 40000).bytes;
    }
    got += take(&attack, &attack.victim, LIFE_MS).bytes;
    assert_in_range(got, 1, MOST * attack.in);
}

/* Forged ICMP errors make the server ask the flow by OPTIONS (5626-7.j). */
static void test_icmp_errors_for_a_flow_with_a_forged_source(void **state)
{
    enum { ERROR_BYTES = 56, ERRORS = 200 };
    struct attack attack = begin(state);
    struct request request = {.method = "REGISTER",
                              .from = "bob",
                              .fields = "Contact: <sip:bob@phone.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"};
    stage_request(attack.stage, &attack.victim, request);
    size_t got = take(&attack, &attack.victim, 0).bytes;
    for (unsigned i = 0; i < ERRORS; i++) {
        server_datagram_returned(attack.stage->server, &attack.victim, TEXT("REGISTER"));
        got += take(&attack, &attack.victim, 6000).bytes;
    }
    got += take(&attack, &attack.victim, LIFE_MS).bytes;
    assert_in_range(got, 1, MOST * (300 + ERRORS * ERROR_BYTES));
    assert_true(stage_count(attack.stage, "probes") > 0);
}

static void test_the_same_over_ipv6(void **state)
{
    struct stage stage;
    (void)state;
    stage_create(&stage);
    stage.config.listeners[2] = (struct listener){TRANSPORT_UDP, 5060, "[2001:db8::1]"};
    stage.config.listener_count = 3;
    stage_open(&stage);
    struct attack attack = {
        .stage = &stage, .attacker = at("2001:db8:1::66", 5060), .victim = at("2001:db8:2::9", 5060)};
    attack.attacker.listener = attack.victim.listener = 2;
    register_all(&attack, &attack.attacker, "contact_third_party_register.sip");
    send_file(&attack, &attack.attacker, "short_invite.sip", 1);
    struct got got = take(&attack, &attack.victim, LIFE_MS);
    assert_in_range(got.bytes, 1, MOST * attack.in);
    send_file(&attack, &attack.victim, "query_register.sip", 1);
    assert_in_range(take(&attack, &attack.victim, LIFE_MS).bytes, 1, MOST * attack.in);
    stage_destroy(&stage);
}

/* --- REGISTER --- */

static void test_a_query_with_a_forged_source(void **state)
{
    struct attack attack = begin(state);
    register_all(&attack, &attack.attacker, "path_third_party_register.sip");
    struct peer bystander = fake_udp(5070);
    send_file(&attack, &bystander, "query_register.sip", 1);
    struct sent *refused = stage_status(attack.stage, &bystander, 403);
    assert_true(sent_starts(refused, "SIP/2.0 403 Forbidden: the list is too long"));
    assert_in_range(refused->length, 1, MOST * attack.in);
    assert_int_equal(stage_count(attack.stage, "refused_unproved"), 1);
}

/* A phone finds its own binding in the answer, and is registered. */
static void test_a_phone_among_many_long_bindings_gets_its_own(void **state)
{
    struct attack attack = begin(state);
    for (unsigned i = 0; i < 20; i++) {
        char fields[1200];
        snprintf(fields, sizeof fields, "Contact: <sip:%0900u@192.0.2.1>\n", i);
        stage_request(
            attack.stage, &attack.attacker,
            (struct request){.method = "REGISTER", .from = "bob", .call = "long", .cseq = i + 1, .fields = fields});
    }
    stage_discard(attack.stage);
    struct peer phone = fake_udp(5071);
    stage_request(
        attack.stage, &phone,
        (struct request){.method = "REGISTER", .from = "bob", .fields = "Contact: <sip:bob@127.0.0.1:5071>\n"});
    struct sent *fine = stage_status(attack.stage, &phone, 200);
    assert_int_equal(sent_count(fine, "Contact"), 1);
    assert_string_equal(sent_header(fine, "Contact", 0), "<sip:bob@127.0.0.1:5071>;expires=3600");
    assert_int_equal(stage_count(attack.stage, "lists_shortened"), 1);
    assert_int_equal(stage_count(attack.stage, "bindings"), 21);
}

static void test_a_list_that_fits_no_datagram_is_shortened(void **state)
{
    struct attack attack = begin(state);
    for (unsigned i = 0; i < 31; i++) {
        char fields[2200];
        snprintf(fields, sizeof fields, "Contact: <sip:%0900u@192.0.2.1>;x=%01130u\n", i, i);
        stage_request(
            attack.stage, &attack.attacker,
            (struct request){.method = "REGISTER", .from = "bob", .call = "long", .cseq = i + 1, .fields = fields});
    }
    stage_discard(attack.stage);
    assert_int_equal(stage_count(attack.stage, "bindings"), 31);
    struct peer phone = fake_udp(5071);
    amplification_prove(&attack.stage->server->amplification, &phone);
    char contact[2200];
    snprintf(contact, sizeof contact, "Contact: <sip:bob@127.0.0.1:5071>;x=%01700u\n", 1);
    stage_request(attack.stage, &phone, (struct request){.method = "REGISTER", .from = "bob", .fields = contact});
    assert_int_equal(sent_count(stage_status(attack.stage, &phone, 200), "Contact"), 1);
}

static void test_a_phone_among_a_few_bindings_gets_all(void **state)
{
    struct stage *stage = *state;
    for (unsigned i = 0; i < 10; i++)
        stage_phone(stage, (struct phone){.port = (uint16_t)(6000 + i)});
    struct peer phone = fake_udp(5071);
    stage_request(
        stage, &phone,
        (struct request){.method = "REGISTER", .from = "bob", .fields = "Contact: <sip:bob@127.0.0.1:5071>\n"});
    assert_int_equal(sent_count(stage_status(stage, &phone, 200), "Contact"), 11);
}

/* --- every method, and what is refused, from a forged source --- */

static void test_answers_to_a_forged_source(void **state)
{
    static const char *const ROWS[][3] = {
        {"OPTIONS", "sip:example.com", ""},
        {"OPTIONS", "sip:nobody@example.com", ""},
        {"INVITE", "sip:nobody@example.com", ""},
        {"MESSAGE", "sip:nobody@example.com", ""},
        {"BYE", "sip:nobody@example.com", ""},
        {"CANCEL", "sip:nobody@example.com", ""},
        {"SUBSCRIBE", "sip:nobody@example.com", ""},
        {"BREW", "sip:nobody@example.com", ""},
        {"INVITE", "sip:x@example.org", ""},
        {"MESSAGE", "tel:+15550100", ""},
        {"INVITE", "sip:a@b@c", ""},
        {"INVITE", "sip:bob@example.com", "Max-Forwards: 0\n"},
        {"INVITE", "sip:bob@example.com", "Proxy-Require: x\n"},
        {"OPTIONS", "sip:bob@example.com", "Contact: <<\n"},
        {"REGISTER", "sip:example.com", "Contact: <sip:>\n"},
        {"REGISTER", "sip:example.com", "Contact: *\n"},
        {"REGISTER", "sip:example.com", "Require: x\n"},
        {"REGISTER", "sip:example.org", ""},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char lines[1024];
        struct attack attack = begin(state);
        snprintf(lines, sizeof lines,
                 "%s %s SIP/2.0\nv: SIP/2.0/UDP h;branch=z9hG4bK%zu;rport\nf: <sip:a@b>;tag=1\n"
                 "t: <sip:bob@example.com>\ni: c%zu\nCSeq: 1 %s\nl: 0\n%s\n",
                 ROWS[i][0], ROWS[i][1], i, i, ROWS[i][0], ROWS[i][2]);
        send_lines(&attack, &attack.victim, lines);
        struct got got = take(&attack, &attack.victim, LIFE_MS);
        if (got.messages == 0 || got.bytes > MOST * attack.in)
            fail_msg("%s %s %s: %zu bytes for %zu", ROWS[i][0], ROWS[i][1], ROWS[i][2], got.bytes, attack.in);
    }
}

static void test_repeated_requests_from_a_forged_source(void **state)
{
    struct attack attack = begin(state);
    for (unsigned i = 0; i < 50; i++)
        send_file(&attack, &attack.victim, "short_invite.sip", 1);
    assert_bounded(&attack, attack.in);
}

/* Another port of the host that is forged, and a Via without rport. */
static void test_a_via_that_names_another_port(void **state)
{
    struct attack attack = begin(state);
    const char *lines = "INVITE sip:nobody@example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.50:99;branch=z9hG4bK1\n"
                        "From: <sip:a@b>;tag=1\nTo: <sip:c@d>\nCall-ID: via\nCSeq: 1 INVITE\nContent-Length: 0\n\n";
    send_lines(&attack, &attack.victim, lines);
    struct peer named = at("192.0.2.50", 99);
    struct got got = take(&attack, &attack.victim, LIFE_MS);
    assert_in_range(got.bytes, 1, MOST * attack.in);
    assert_int_equal(take(&attack, &named, 0).messages, 0);
}

static void again(struct stage *stage, struct sent *request, unsigned status, const char *fields)
{
    request->used = 0; /* what the texts of earlier responses took */
    stage_response(stage, request, status, fields);
}

/* His own phone answers, and it and the third party are all there is: the answers are sent on within the limit. */
static void test_a_callee_that_answers_a_forged_caller(void **state)
{
    struct attack attack = begin(state);
    struct stage *stage = attack.stage;
    stage_phone(stage, (struct phone){.port = 5080});
    send_file(&attack, &attack.victim, "short_invite.sip", 1);
    size_t got = stage_status(stage, &attack.victim, 100)->length;
    struct sent *invite = stage_sent(stage, "INVITE");
    for (unsigned i = 0; i < 100; i++)
        again(stage, invite, 180, "X-Padding: 0123456789012345678901234567890123456789012345678901234567890\n");
    size_t provisional = take(&attack, &attack.victim, 0).bytes;
    assert_in_range(got + provisional, 1, MOST * 3 / 4 * attack.in);
    again(stage, invite, 200, NULL);
    struct got final = take(&attack, &attack.victim, 0);
    assert_int_equal(final.messages, 1); /* which has its share kept */
    for (unsigned i = 0; i < 100; i++)
        again(stage, invite, 200, NULL);
    assert_in_range(got + provisional + final.bytes + take(&attack, &attack.victim, LIFE_MS).bytes, 1,
                    MOST * attack.in);
}

/* --- what the request names beside its source: ACK, CANCEL, a stream, a 3xx, a policy --- */

static void test_a_cancel_of_an_unanswered_call(void **state)
{
    struct attack attack = begin(state);
    register_all(&attack, &attack.attacker, "contact_third_party_register.sip");
    send_file(&attack, &attack.attacker, "short_invite.sip", 1);
    stage_receive(attack.stage, &attack.attacker,
                  "CANCEL sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 203.0.113.66:5060;branch=z9hG4bKi1;rport\n"
                  "From: <sip:a@a>;tag=1\nTo: <sip:bob@example.com>\nCall-ID: i1\nCSeq: 1 CANCEL\n"
                  "Content-Length: 0\n\n");
    assert_bounded(&attack, attack.in);
}

static void test_a_request_over_a_stream_names_a_third_party(void **state)
{
    struct attack attack = begin(state);
    register_all(&attack, &attack.attacker, "contact_third_party_register.sip");
    struct peer tcp = fake_tcp(&attack.stage->wire, 5071);
    send_file(&attack, &tcp, "short_invite.sip", 1);
    struct got got = take(&attack, &attack.victim, LIFE_MS);
    assert_in_range(got.bytes, 1, MOST * attack.in);
}

static void test_other_methods_to_contacts_that_name_a_third_party(void **state)
{
    static const char *const METHODS[] = {"MESSAGE", "OPTIONS", "BYE", "SUBSCRIBE", "BREW"};
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++) {
        char lines[1024];
        struct attack attack = begin(state);
        if (i == 0)
            register_all(&attack, &attack.attacker, "contact_third_party_register.sip");
        snprintf(lines, sizeof lines,
                 "%s sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 203.0.113.66;branch=z9hG4bKm%zu;rport\n"
                 "From: <sip:a@b>;tag=1\nTo: <sip:bob@example.com>\nCall-ID: m%zu\nCSeq: 1 %s\nContent-Length: 0\n\n",
                 METHODS[i], i, i, METHODS[i]);
        attack.in = 0;
        send_lines(&attack, &attack.attacker, lines);
        assert_bounded(&attack, attack.in);
    }
}

static size_t called_by_policy(struct attack *attack, const char *script, const char *uri, unsigned n)
{
    char call[16];
    stage_script(attack->stage, script);
    snprintf(call, sizeof call, "policy%u", n);
    stage_request(attack->stage, &attack->attacker, (struct request){.uri = uri, .call = call});
    return take(attack, &attack->victim, LIFE_MS).messages;
}

static void test_a_destination_that_the_policy_named(void **state)
{
    struct attack attack = begin(state);
    /* Without the limit a silent destination gets seven copies; a long Request-URI leaves room for fewer. */
    assert_int_equal(called_by_policy(&attack, "sip_on_request(function() return sip_relay('sip:t@198.51.100.9') end)",
                                      "sip:+15550100@example.com", 1),
                     7);
    assert_int_equal(called_by_policy(&attack, "sip_on_request(function() return sip_forward('sip:198.51.100.9') end)",
                                      "sip:+15550100@example.org", 2),
                     7);
}

static void test_a_destination_that_the_policy_repeats_from_the_request(void **state)
{
    struct attack attack = begin(state);
    char lines[256];
    stage_script(attack.stage, "sip_on_request(function(call) return sip_relay('sip:t@198.51.100.9') end)");
    snprintf(lines, sizeof lines,
             "INVITE sip:t@198.51.100.9 SIP/2.0\nv: SIP/2.0/UDP h;branch=z9hG4bKr\nf: <sip:a@b>;tag=1\n"
             "t: <sip:b@c>\ni: r\nCSeq: 1 INVITE\nl: 0\n\n");
    send_lines(&attack, &attack.attacker, lines);
    struct got got = take(&attack, &attack.victim, LIFE_MS);
    assert_in_range(got.messages, 1, 6);
    assert_in_range(got.bytes, 1, MOST * attack.in);
}

/* The policy writes the caller's host in its own way. */
static void test_5954_4_a_an_ipv6_destination_that_the_policy_repeats(void **state)
{
    struct stage stage;
    char lines[256];
    (void)state;
    stage_create(&stage);
    stage.config.listeners[2] = (struct listener){TRANSPORT_UDP, 5060, "[2001:db8::1]"};
    stage.config.listener_count = 3;
    stage_open(&stage);
    struct attack attack = {
        .stage = &stage, .attacker = at("2001:db8:1::66", 5060), .victim = at("2001:db8:2::9", 5060)};
    attack.attacker.listener = 2;
    stage_script(&stage, "sip_on_request(function() return sip_relay('sip:t@[2001:db8:2::9]') end)");
    snprintf(lines, sizeof lines,
             "INVITE sip:t@[2001:DB8:2:0::9] SIP/2.0\nv: SIP/2.0/UDP h;branch=z9hG4bKr\nf: <sip:a@b>;tag=1\n"
             "t: <sip:b@c>\ni: r\nCSeq: 1 INVITE\nl: 0\n\n");
    send_lines(&attack, &attack.attacker, lines);
    struct got got = take(&attack, &attack.victim, LIFE_MS);
    assert_in_range(got.messages, 1, 6);
    assert_in_range(got.bytes, 1, MOST * attack.in);
    stage_destroy(&stage);
}

static void test_a_3xx_that_names_a_third_party(void **state)
{
    struct attack attack = begin(state);
    struct stage *stage = attack.stage;
    stage_script(stage, "sip_on_request(function() return sip_route{recurse = true} end)");
    stage_phone(stage, (struct phone){.port = 5080});
    send_file(&attack, &attack.attacker, "short_invite.sip", 1);
    struct sent *invite;
    do
        invite = fake_wire_take(&stage->wire);
    while (invite != NULL && !sent_starts(invite, "INVITE"));
    assert_non_null(invite);
    char contacts[4096] = "";
    for (unsigned i = 0; i < 20; i++)
        snprintf(contacts + strlen(contacts), sizeof contacts - strlen(contacts), "m: <sip:%u@%s>\n", i, victim_host);
    stage_response(stage, invite, 302, contacts);
    struct got got = take(&attack, &attack.victim, LIFE_MS);
    assert_in_range(got.bytes, 1, MOST * attack.in);
}

/* --- proofs --- */

static bool is_proved(const struct attack *attack, const struct peer *peer)
{
    return amplification_is_proved(&attack->stage->server->amplification, peer);
}

static struct sent *take_to(struct attack *attack, const struct peer *peer, const char *start)
{
    struct sent *sent;
    while ((sent = fake_wire_take(&attack->stage->wire)) != NULL) {
        if (address_equal(&sent->peer.address, &peer->address) && sent_starts(sent, start))
            return sent;
    }
    fail_msg("no %s", start);
    return NULL;
}

static void test_an_answer_proves_the_address_for_an_hour(void **state)
{
    struct attack attack = begin(state);
    send_file(&attack, &attack.attacker, "contact_third_party_register.sip", 1);
    send_file(&attack, &attack.attacker, "short_invite.sip", 1);
    assert_false(is_proved(&attack, &attack.victim));
    stage_response(attack.stage, take_to(&attack, &attack.victim, "INVITE"), 486, NULL);
    assert_true(is_proved(&attack, &attack.victim));
    struct peer other = at(victim_host, 5061);
    assert_false(is_proved(&attack, &other));
    take(&attack, &attack.victim, LIFE_MS);
    send_file(&attack, &attack.attacker, "short_invite.sip", 2);
    assert_int_equal(take(&attack, &attack.victim, LIFE_MS).messages, 7);
    stage_advance(attack.stage, HOUR_MS - 2 * LIFE_MS - 1000);
    assert_true(is_proved(&attack, &attack.victim));
    stage_advance(attack.stage, 2000);
    assert_false(is_proved(&attack, &attack.victim));
}

/* A response with a branch that is not ours proves nothing. */
static void test_a_made_up_response_proves_nothing(void **state)
{
    struct attack attack = begin(state);
    stage_receive(attack.stage, &attack.victim,
                  "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKr1.1;rport\nFrom: <sip:a@b>;tag=1\n"
                  "To: <sip:b@c>;tag=2\nCall-ID: made-up\nCSeq: 1 INVITE\nContent-Length: 0\n\n");
    assert_false(is_proved(&attack, &attack.victim));
}

static const char *to_tag(struct sent *response)
{
    const char *tag = strstr(sent_header(response, "To", 0), ";tag=");
    assert_non_null(tag);
    return tag + 5;
}

static void send_ack(struct attack *attack, const struct peer *from, const char *tag)
{
    char lines[512];
    snprintf(lines, sizeof lines,
             "ACK sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP 203.0.113.66:5060;branch=z9hG4bKi1;rport\n"
             "From: <sip:a@a>;tag=1\nTo: <sip:bob@example.com>;tag=%s\nCall-ID: i1\nCSeq: 1 ACK\n"
             "Content-Length: 0\n\n",
             tag);
    stage_receive(attack->stage, from, lines);
}

static void test_an_ack_with_our_tag_proves_its_source_and_no_other(void **state)
{
    struct attack attack = begin(state);
    send_file(&attack, &attack.attacker, "short_invite.sip", 1);
    char tag[64];
    snprintf(tag, sizeof tag, "%s", to_tag(take_to(&attack, &attack.attacker, "SIP/2.0 480")));
    send_ack(&attack, &attack.attacker, "0123456789abcdef");
    assert_false(is_proved(&attack, &attack.attacker));
    send_ack(&attack, &attack.victim, tag);
    assert_false(is_proved(&attack, &attack.victim));
    send_ack(&attack, &attack.attacker, tag);
    assert_true(is_proved(&attack, &attack.attacker));
}

/* --- whom nothing of this may hinder --- */

static void test_registered_phones_are_called_over_their_flows_without_limit(void **state)
{
    struct attack attack = begin(state);
    struct stage *stage = attack.stage;
    for (uint16_t i = 0; i < 30; i++)
        stage_phone(stage, (struct phone){.port = (uint16_t)(7000 + i), .tcp = i >= 20});
    send_file(&attack, &attack.attacker, "short_invite.sip", 1);
    unsigned rung = 0;
    for (struct sent *sent; (sent = fake_wire_take(&stage->wire)) != NULL;) {
        if (!sent_starts(sent, "INVITE"))
            continue;
        rung++;
        stage_response(stage, sent, 480, NULL);
    }
    assert_int_equal(rung, 30);
    take(&attack, &attack.victim, LIFE_MS);
    send_file(&attack, &attack.attacker, "short_invite.sip", 2);
    unsigned copies = 0;
    stage_advance(stage, LIFE_MS);
    for (struct sent *sent; (sent = fake_wire_take(&stage->wire)) != NULL;)
        copies += sent_starts(sent, "INVITE");
    assert_int_equal(copies, 20 * 7 + 10);
}

static void test_an_ordinary_call_to_a_silent_contact_gets_all_its_copies(void **state)
{
    struct attack attack = begin(state);
    char fields[700];
    send_file(&attack, &attack.attacker, "contact_third_party_register.sip", 1);
    stage_discard(attack.stage);
    snprintf(fields, sizeof fields, "Contact: <sip:alice@203.0.113.66>\nX-Padding: %0500d\n", 0);
    stage_request(attack.stage, &attack.attacker, (struct request){.fields = fields});
    assert_int_equal(take(&attack, &attack.victim, LIFE_MS).messages, 7);
}

static void test_what_is_not_sent_is_logged_once_a_minute(void **state)
{
    struct attack attack = begin(state);
    register_all(&attack, &attack.attacker, "path_third_party_register.sip");
    take(&attack, &attack.victim, 120000);
    unsigned before = attack.stage->fake.logged[LOG_NOTICE];
    for (unsigned i = 0; i < 50; i++) {
        send_file(&attack, &attack.attacker, "short_invite.sip", i);
        take(&attack, &attack.victim, 1000);
    }
    assert_in_range(attack.stage->fake.logged[LOG_NOTICE] - before, 1, 2);
    assert_non_null(strstr(attack.stage->fake.last_log, "the last to 198.51.100.9:5060"));
}

static void test_what_would_exceed_the_message_limit_is_not_sent(void **state)
{
    struct attack attack = begin(state);
    attack.stage->server->config.limits.message = 1500;
    stage_phone(attack.stage, (struct phone){.port = 5080});
    char fields[1300];
    snprintf(fields, sizeof fields, "X-Padding: %01100d\n", 0);
    stage_request(attack.stage, &attack.attacker, (struct request){.fields = fields});
    struct peer phone = fake_udp(5080);
    assert_int_equal(take(&attack, &phone, LIFE_MS).messages, 0);
}

/* --- the tables --- */

static void test_a_source_cannot_flush_the_proofs_of_others(void **state)
{
    struct stage *stage = *state;
    struct amplification *amplification = &stage->server->amplification;
    struct peer trunk = at("192.0.2.1", 5060);
    amplification_prove(amplification, &trunk);
    for (unsigned port = 1; port <= 65535; port++) {
        struct peer attacker = at(attacker_host, (uint16_t)port);
        amplification_prove(amplification, &attacker);
    }
    assert_int_equal(amplification->proved.table.count, PROVED_OF_SOURCE + 1);
    assert_true(amplification_is_proved(amplification, &trunk));
}

static void test_the_tables_have_an_end_and_the_oldest_goes(void **state)
{
    struct stage *stage = *state;
    struct amplification *amplification = &stage->server->amplification;
    amplification->proved.most = amplification->credits.most = 100;
    for (unsigned i = 0; i < 300; i++) {
        char host[32];
        snprintf(host, sizeof host, "203.0.%u.%u", i / 200, i % 200 + 1);
        struct peer peer = at(host, 5060);
        amplification_prove(amplification, &peer);
        amplification_restored(amplification, &peer);
    }
    assert_int_equal(amplification->proved.table.count, 100);
    assert_int_equal(amplification->credits.table.count, 100);
    assert_int_equal(amplification->sources.count, 100);
    struct peer first = at("203.0.0.1", 5060), last = at("203.0.1.100", 5060);
    assert_false(amplification_is_proved(amplification, &first));
    assert_true(amplification_is_proved(amplification, &last));
    stage_advance(stage, PROVED_MS + 2000);
    assert_int_equal(amplification->proved.table.count, 0);
    assert_int_equal(amplification->sources.count, 0);
}

static bool trusts_documentation(const void *context, const union address *address)
{
    const struct cidr *cidr = context;
    return cidr_has(cidr, address);
}

static void test_addresses_that_the_operator_trusts_are_proved(void **state)
{
    struct attack attack = begin(state);
    struct cidr cidr;
    assert_true(cidr_read(TEXT("198.51.100.0/24"), &cidr));
    attack.stage->server->amplification.is_trusted = trusts_documentation;
    attack.stage->server->amplification.trusted_context = &cidr;
    assert_true(is_proved(&attack, &attack.victim));
    assert_false(is_proved(&attack, &attack.attacker));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_short_invite_for_bindings_whose_path_names_a_third_party, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_path_of_48_kb_is_refused, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_short_invite_for_contacts_that_name_a_third_party, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_32_contacts_of_one_register, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_contacts_that_name_many_third_parties, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_bindings_that_lead_back, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_registers_with_a_forged_source, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_icmp_errors_for_a_flow_with_a_forged_source, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_the_same_over_ipv6, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_query_with_a_forged_source, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_phone_among_many_long_bindings_gets_its_own, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_list_that_fits_no_datagram_is_shortened, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_phone_among_a_few_bindings_gets_all, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_answers_to_a_forged_source, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_repeated_requests_from_a_forged_source, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_via_that_names_another_port, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_callee_that_answers_a_forged_caller, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_cancel_of_an_unanswered_call, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_request_over_a_stream_names_a_third_party, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_other_methods_to_contacts_that_name_a_third_party, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_destination_that_the_policy_named, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_destination_that_the_policy_repeats_from_the_request, stage_setup,
                                        stage_teardown),
        cmocka_unit_test(test_5954_4_a_an_ipv6_destination_that_the_policy_repeats),
        cmocka_unit_test_setup_teardown(test_a_3xx_that_names_a_third_party, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_an_answer_proves_the_address_for_an_hour, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_made_up_response_proves_nothing, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_an_ack_with_our_tag_proves_its_source_and_no_other, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_registered_phones_are_called_over_their_flows_without_limit, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_an_ordinary_call_to_a_silent_contact_gets_all_its_copies, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_sent_is_logged_once_a_minute, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_what_would_exceed_the_message_limit_is_not_sent, stage_setup,
                                        stage_teardown),
        cmocka_unit_test_setup_teardown(test_a_source_cannot_flush_the_proofs_of_others, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_the_tables_have_an_end_and_the_oldest_goes, stage_setup, stage_teardown),
        cmocka_unit_test_setup_teardown(test_addresses_that_the_operator_trusts_are_proved, stage_setup,
                                        stage_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
