// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include <errno.h>
#include <netinet/in.h>

/* How much one request makes the server send: Max-Breadth, loops, limits on client transactions (RFC 5393). */

static unsigned breadth_of(struct sent *sent)
{
    assert_int_equal(sent_count(sent, "Max-Breadth"), 1);
    return (unsigned)strtoul(sent_header(sent, "Max-Breadth", 0), NULL, 10);
}

static void phones(struct stage *stage, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        stage_phone(stage, (struct phone){.port = (uint16_t)(5080 + i)});
}

static void invite_with(struct stage *stage, const char *fields)
{
    struct peer alice = stage_alice();
    stage_request(stage, &alice, (struct request){.fields = fields});
    stage_status(stage, &alice, 100);
}

/* --- Max-Breadth --- */

static void test_5393_5_a_a_single_branch_gets_all(void **state)
{
    static const struct {
        const char *fields;
        unsigned breadth;
    } rows[] = {{NULL, 60},
                {"Max-Breadth: 1\n", 1},
                {"Max-Breadth: 17\n", 17},
                {"max-breadth: 1000\n", 60},
                {"Max-Breadth: many\n", 60},
                {"Max-Breadth: 9\nMax-Breadth: 9\n", 9}};
    struct stage *stage = *state;
    phones(stage, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char call[8];
        struct peer alice = stage_alice();
        snprintf(call, sizeof call, "c%zu", i);
        stage_request(stage, &alice, (struct request){.call = call, .fields = rows[i].fields});
        stage_status(stage, &alice, 100);
        assert_int_equal(breadth_of(stage_sent_to(stage, "INVITE", 5080)), rows[i].breadth);
    }
}

static void test_5393_5_a_it_is_divided_among_parallel_branches(void **state)
{
    struct stage *stage = *state;
    phones(stage, 7);
    stage_call(stage, "one");
    unsigned sum = 0;
    for (unsigned i = 0; i < 7; i++) {
        unsigned share = breadth_of(stage_sent(stage, "INVITE"));
        assert_in_range(share, 8, 9);
        sum += share;
    }
    assert_int_equal(sum, 60);
}

static void test_5393_5_a_targets_in_sequence_where_it_does_not_suffice(void **state)
{
    struct stage *stage = *state;
    phones(stage, 3);
    invite_with(stage, "Max-Breadth: 2\n");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    assert_int_equal(breadth_of(first) + breadth_of(second), 2);
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "breadth_waits"), 1);
    stage_response(stage, first, 180, NULL);
    stage_hears(stage, 180);
    stage_silent(stage);
    stage_refuses(stage, second, 486, NULL);
    struct sent *third = stage_sent_to(stage, "INVITE", 5082);
    assert_int_equal(breadth_of(third), 1);
    stage_refuses(stage, third, 486, NULL);
    stage_silent(stage);
    stage_refuses(stage, first, 486, NULL);
    stage_hears(stage, 486);
    stage_ends(stage);
}

static void test_5393_5_a_a_success_ends_the_sequence(void **state)
{
    struct stage *stage = *state;
    phones(stage, 3);
    invite_with(stage, "Max-Breadth: 1\n");
    stage_response(stage, stage_sent_to(stage, "INVITE", 5080), 200, NULL);
    stage_hears(stage, 200);
    stage_silent(stage);
    stage_ends(stage);
}

static void test_3261_16_7_d_a_6xx_ends_the_sequence(void **state)
{
    struct stage *stage = *state;
    phones(stage, 3);
    invite_with(stage, "Max-Breadth: 2\n");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080), *second = stage_sent_to(stage, "INVITE", 5081);
    stage_response(stage, second, 180, NULL);
    stage_hears(stage, 180);
    stage_refuses(stage, first, 603, NULL);
    stage_response(stage, stage_sent_to(stage, "CANCEL", 5081), 200, NULL);
    stage_refuses(stage, second, 487, NULL);
    stage_hears(stage, 603);
    stage_silent(stage);
    stage_ends(stage);
}

static void test_5393_5_a_440_only_if_nothing_can_be_forwarded(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    invite_with(stage, "Max-Breadth: 0\n");
    stage_hears(stage, 480); /* nobody is bound: nothing is to be forwarded */
    phones(stage, 1);
    stage_request(stage, &alice, (struct request){.call = "two", .fields = "Max-Breadth: 0\n"});
    stage_status(stage, &alice, 100);
    stage_status(stage, &alice, 440);
    stage_request(stage, &alice, (struct request){.method = "MESSAGE", .call = "m", .fields = "Max-Breadth: 0\n"});
    stage_status(stage, &alice, 440);
    assert_int_equal(stage_count(stage, "refused_max_breadth"), 2);
    stage_ends(stage);
}

/* 5626-7.b: the flow that takes the place of a failed one takes its share too. */
static void test_5393_5_a_another_flow_takes_the_share_of_the_failed(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_phone(stage, (struct phone){.port = 5081, .instance = "1", .reg_id = 2});
    stage_phone(stage, (struct phone){.port = 5082});
    invite_with(stage, "Max-Breadth: 1\n");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080);
    stage_silent(stage);
    stage_refuses(stage, first, 430, NULL);
    struct sent *next = stage_sent_to(stage, "INVITE", 5081);
    assert_int_equal(breadth_of(next), 1);
    stage_silent(stage);
    stage_refuses(stage, next, 486, NULL);
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5082), 486, NULL);
    stage_hears(stage, 486);
    stage_ends(stage);
}

static void test_5393_5_a_classes_have_all_of_it_each(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.9"});
    stage_phone(stage, (struct phone){.port = 5081, .more = ";q=0.5"});
    stage_phone(stage, (struct phone){.port = 5082, .more = ";q=0.5"});
    stage_call(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080);
    assert_int_equal(breadth_of(first), 60);
    stage_refuses(stage, first, 486, NULL);
    assert_int_equal(breadth_of(stage_sent_to(stage, "INVITE", 5081)), 30);
    assert_int_equal(breadth_of(stage_sent_to(stage, "INVITE", 5082)), 30);
    stage_ends(stage);
}

static void test_5393_5_a_next_after(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_request('INVITE', function(r) return sip_route{next_after = 15} end)\n");
    stage_phone(stage, (struct phone){.port = 5080, .more = ";q=0.9"});
    stage_phone(stage, (struct phone){.port = 5081, .more = ";q=0.5"});
    stage_phone(stage, (struct phone){.port = 5082, .more = ";q=0.3"});
    invite_with(stage, "Max-Breadth: 2\n");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080);
    assert_int_equal(breadth_of(first), 1);
    stage_advance(stage, 15000);
    stage_discard(stage); /* timer A of the first is among them */
    stage_advance(stage, 16000);
    stage_discard(stage);
    assert_int_equal(stage_count(stage, "branches"), 2);
    stage_refuses(stage, first, 486, NULL);
    assert_int_equal(breadth_of(stage_sent_to(stage, "INVITE", 5082)), 1);
    stage_ends(stage);
}

/* A policy that hears responses may add a target beside those that ring: something is kept for it. */
static void test_5393_5_a_a_share_is_kept_for_what_a_policy_adds(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_response(180, function(r) return sip_relay('sip:mobile@127.0.0.1:5090') end)\n");
    phones(stage, 1);
    stage_call(stage, "one");
    struct sent *first = stage_sent_to(stage, "INVITE", 5080);
    assert_int_equal(breadth_of(first), 30);
    stage_response(stage, first, 180, NULL);
    stage_hears(stage, 180);
    assert_int_equal(breadth_of(stage_sent_to(stage, "INVITE", 5090)), 15);
    stage_ends(stage);
}

static void test_5393_5_a_3xx_recursion(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "sip_on_request('INVITE', function(r) return sip_route{recurse = true} end)\n");
    phones(stage, 1);
    invite_with(stage, "Max-Breadth: 1\n");
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5080), 302,
                  "Contact: <sip:b@127.0.0.1:5090>, <sip:c@127.0.0.1:5091>\n");
    struct sent *next = stage_sent_to(stage, "INVITE", 5090);
    assert_int_equal(breadth_of(next), 1);
    stage_silent(stage);
    stage_refuses(stage, next, 486, NULL);
    stage_refuses(stage, stage_sent_to(stage, "INVITE", 5091), 486, NULL);
    stage_hears(stage, 486);
    stage_ends(stage);
}

static void test_5393_5_a_inside_a_dialog_the_value_goes_on(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stage_alice();
    phones(stage, 1);
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_response(stage, invite, 200, "Contact: <sip:bob@127.0.0.1:5080>\n");
    char fields[512];
    snprintf(fields, sizeof fields, "Route: %s\nMax-Breadth: 5\n",
             sent_header(stage_hears(stage, 200), "Record-Route", 0));
    stage_request(
        stage, &alice,
        (struct request){
            .method = "BYE", .uri = "sip:bob@127.0.0.1:5080", .to_tag = "p5080", .cseq = 2, .fields = fields});
    assert_int_equal(breadth_of(stage_sent_to(stage, "BYE", 5080)), 5);
    stage_ends(stage);
}

/* --- loops --- */

/* The stage with another address of the server, which is another name in AORs; and an AOR with room for 64 bindings. */
static int setup_names(void **state)
{
    struct stage *stage = stage_begin(state);
    stage->config.bindings.bindings_per_aor = 64;
    stage->config.listeners[stage->config.listener_count++] = (struct listener){TRANSPORT_UDP, 5060, "127.0.0.2"};
    stage_open(stage);
    return 0;
}

/* A registration whose flow is gone and whose Contacts can be called. `aor` has no scheme. */
static void registers(struct stage *stage, const char *aor, const char *contacts)
{
    char message[6000];
    struct peer peer = fake_tcp(&stage->wire, 5075);
    unsigned number = ++stage->registers;
    snprintf(message, sizeof message,
             "REGISTER sip:127.0.0.1 SIP/2.0\nVia: SIP/2.0/TCP 127.0.0.1:5075;branch=z9hG4bKr%u\n"
             "From: <sip:%s>;tag=1\nTo: <sip:%s>\nCall-ID: r%u\nCSeq: 1 REGISTER\nContact: %s\n"
             "Content-Length: 0\n\n",
             number, aor, aor, number, contacts);
    stage_receive(stage, &peer, message);
    stage_status(stage, &peer, 200);
    stage_flow_dies(stage, &peer);
}

static void registers_many(struct stage *stage, const char *aor, const char *at, unsigned count)
{
    char contacts[4000];
    size_t length = 0;
    for (unsigned i = 0; i < count; i++)
        length += (size_t)snprintf(contacts + length, sizeof contacts - length, "%s<sip:%s:5060;n=%u>",
                                   i > 0 ? ", " : "", at, i);
    registers(stage, aor, contacts);
}

struct tally {
    unsigned invites; /* to the server itself */
    unsigned others;
    size_t bytes;
    unsigned status; /* the last final that the caller got */
};

/* What the server sends to itself comes in again; phones refuse with 486. */
static struct tally run(struct stage *stage)
{
    struct tally tally = {0};
    struct peer self = fake_udp(5060);
    enum { QUIET_MS = 100 };
    for (unsigned quiet = 0; quiet < 3; quiet++) {
        struct sent *sent;
        stage_advance(stage, QUIET_MS);
        while ((sent = fake_wire_take(&stage->wire)) != NULL) {
            const bool invite = sent_starts(sent, "INVITE");
            quiet = 0;
            if (sent_port(sent) == 5070 && sent_status(sent) >= 200)
                tally.status = sent_status(sent);
            tally.bytes += sent_port(sent) != 5070 ? sent->length : 0;
            tally.invites += invite && sent_port(sent) == 5060;
            tally.others += invite && sent_port(sent) != 5060;
            self.address = sent->peer.address;
            if (sent_port(sent) == 5060)
                server_received(stage->server, &self, sent->bytes, sent->length);
            else if (invite)
                stage_response(stage, sent, 486, NULL);
        }
    }
    return tally;
}

static struct tally call_and_run(struct stage *stage, const char *uri)
{
    struct peer alice = stage_alice();
    stage_request(stage, &alice, (struct request){.uri = uri});
    stage_status(stage, &alice, 100);
    struct tally tally = run(stage);
    assert_true(tally.invites + tally.others <= 60);
    assert_true(tally.bytes <= 1000000);
    assert_int_equal(stage_count(stage, "in_flight_transactions"), 0);
    stage_ends(stage);
    return tally;
}

/* Contacts that are the AOR itself are not called at all, at whatever port or with whatever parameters. */
static void test_5393_4_a_a_user_who_leads_to_himself(void **state)
{
    struct stage *stage = *state;
    registers_many(stage, "bob@127.0.0.2", "bob@127.0.0.2", 32);
    registers(stage, "bob@127.0.0.2", "<sip:bob@127.0.0.2>, <sip:b%6Fb@127.0.0.2;transport=tcp;m=3>");
    struct tally tally = call_and_run(stage, "sip:bob@127.0.0.2");
    assert_int_equal(tally.invites, 0);
    assert_int_equal(tally.status, 480);
}

/* By another name of the server he is another AOR, which has no bindings; or such as lead back. */
static void test_5393_4_a_a_user_with_two_names(void **state)
{
    struct stage *stage = *state;
    registers_many(stage, "bob@127.0.0.2", "bob@127.0.0.1", 32);
    struct tally tally = call_and_run(stage, "sip:bob@127.0.0.2");
    assert_int_equal(tally.invites, 32);
    assert_int_equal(tally.status, 480);
    registers_many(stage, "bob@127.0.0.1", "bob@127.0.0.2", 32);
    tally = call_and_run(stage, "sip:bob@127.0.0.2");
    assert_in_range(tally.invites, 32, 60);
    assert_true(stage_count(stage, "refused_loop") > 0);
}

static void test_5393_4_a_two_users_who_name_each_other(void **state)
{
    struct stage *stage = *state;
    registers_many(stage, "bob@127.0.0.2", "carol@127.0.0.2", 7);
    registers_many(stage, "carol@127.0.0.2", "bob@127.0.0.2", 7);
    struct tally tally = call_and_run(stage, "sip:bob@127.0.0.2");
    assert_int_equal(tally.invites, 7 + 7 * 7); /* each of the latter ends at once */
    assert_int_equal(tally.status, 482);
}

static void test_5393_4_a_three_in_a_ring(void **state)
{
    struct stage *stage = *state;
    registers_many(stage, "bob@127.0.0.2", "carol@127.0.0.2", 1);
    registers_many(stage, "carol@127.0.0.2", "dave@127.0.0.2", 1);
    registers_many(stage, "dave@127.0.0.2", "bob@127.0.0.2", 1);
    struct tally tally = call_and_run(stage, "sip:bob@127.0.0.2;n=x");
    assert_int_equal(tally.invites, 3);
    assert_int_equal(tally.status, 482);
    assert_int_equal(stage_count(stage, "refused_loop"), 1);
    registers_many(stage, "bob@127.0.0.2", "carol@127.0.0.2", 32);
    registers_many(stage, "carol@127.0.0.2", "dave@127.0.0.2", 32);
    registers_many(stage, "dave@127.0.0.2", "bob@127.0.0.2", 32);
    call_and_run(stage, "sip:bob@127.0.0.2");
}

/* A spiral is no loop: bob's calls go to carol, and hers to her phone. */
static void test_5393_4_a_a_spiral_goes_on(void **state)
{
    struct stage *stage = *state;
    registers(stage, "bob@127.0.0.2", "<sip:carol@127.0.0.2:5060>");
    registers(stage, "carol@127.0.0.2", "<sip:carol@127.0.0.1:5080>");
    struct tally tally = call_and_run(stage, "sip:bob@127.0.0.2");
    assert_int_equal(tally.invites, 1);
    assert_int_equal(tally.others, 1);
    assert_int_equal(tally.status, 486);
}

/* No loop anywhere: one names 20 who name 20 each, and those have no phones. */
static void test_one_request_makes_sixty_transactions_over_all_turns(void **state)
{
    struct stage *stage = *state;
    char contacts[4000], aor[32];
    size_t length = 0;
    for (unsigned i = 0; i < 20; i++)
        length += (size_t)snprintf(contacts + length, sizeof contacts - length, "%s<sip:u%u@127.0.0.2:5060>",
                                   i > 0 ? ", " : "", i);
    registers(stage, "bob@127.0.0.2", contacts);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(aor, sizeof aor, "u%u@127.0.0.2", i);
        length = 0;
        for (unsigned j = 0; j < 20; j++)
            length += (size_t)snprintf(contacts + length, sizeof contacts - length, "%s<sip:v%u@127.0.0.1:5060>",
                                       j > 0 ? ", " : "", 20 * i + j);
        registers(stage, aor, contacts);
    }
    struct tally tally = call_and_run(stage, "sip:bob@127.0.0.2");
    assert_int_equal(tally.invites + tally.others, 60);
    assert_true(tally.status == 480 || tally.status == 440);
    assert_true(stage_count(stage, "load_request") > 0);
}

/* In sequence, one after the other: 64 phones with a breadth of 1. */
static void test_one_request_makes_sixty_transactions_in_sequence(void **state)
{
    struct stage *stage = *state;
    for (unsigned i = 0; i < 64; i++)
        stage_phone(stage, (struct phone){.port = (uint16_t)(6000 + i), .tcp = true});
    invite_with(stage, "Max-Breadth: 1\n");
    struct tally tally = run(stage);
    assert_int_equal(tally.others, 60);
    assert_int_equal(tally.status, 486);
    assert_int_equal(stage_count(stage, "load_request"), 1);
    stage_ends(stage);
}

/* --- bytes --- */

static void test_one_request_sends_a_million_bytes(void **state)
{
    struct stage *stage = *state;
    static char fields[7400] = "X-Long: ";
    struct sent *sent;
    size_t bytes = 0, requests = 0;
    memset(fields + 8, 'x', sizeof fields - 10);
    fields[sizeof fields - 2] = '\n';
    stage->wire.connect_error = -ECONNREFUSED; /* over UDP, therefore, although they are large */
    phones(stage, 32);
    stage_call(stage, "zero"); /* the phones answer, and may be sent more than ten times what the caller sends */
    run(stage);
    stage_ends(stage);
    invite_with(stage, fields);
    stage_advance(stage, 31000);
    while ((sent = fake_wire_take(&stage->wire)) != NULL) {
        requests += sent_starts(sent, "INVITE");
        bytes += sent->length;
    }
    assert_true(requests > 100); /* retransmissions, as long as there is room for them */
    assert_in_range(bytes, 900000, 1000000);
    stage_ends(stage);
}

/* --- in total, and for each source --- */

static struct peer foreign(const char *host, uint16_t port)
{
    struct peer peer = fake_udp(port);
    assert_true(address_read(text_of(host), port, &peer.address));
    return peer;
}

static void create_limited(struct stage *stage, struct load_limits limits)
{
    stage_create(stage);
    stage->config.loads = limits;
    stage_open(stage);
    phones(stage, 1);
}

static void invites_from(struct stage *stage, const char *host, const char *call)
{
    struct peer caller = foreign(host, 5070);
    stage_request(stage, &caller, (struct request){.call = call});
    assert_int_equal(sent_status(fake_wire_take(&stage->wire)), 100);
}

static void test_a_source_has_so_much_in_flight(void **state)
{
    struct stage stage;
    (void)state;
    create_limited(&stage, (struct load_limits){.source_transactions = 1});
    invites_from(&stage, "192.0.2.7", "one");
    struct sent *invite = stage_sent_to(&stage, "INVITE", 5080);
    invites_from(&stage, "192.0.2.7", "two");
    struct sent *refusal = fake_wire_take(&stage.wire);
    assert_int_equal(sent_status(refusal), 503);
    assert_string_equal(sent_header(refusal, "Retry-After", 0), "10");
    assert_int_equal(stage_count(&stage, "load_source"), 1);
    /* others go on, and so do those of this machine */
    invites_from(&stage, "192.0.2.8", "three");
    stage_sent_to(&stage, "INVITE", 5080);
    invites_from(&stage, "2001:db8::1", "four");
    stage_sent_to(&stage, "INVITE", 5080);
    invites_from(&stage, "127.0.0.1", "five");
    stage_sent_to(&stage, "INVITE", 5080);
    invites_from(&stage, "127.0.0.1", "six");
    stage_sent_to(&stage, "INVITE", 5080);
    /* and it goes on itself when its call has a final response */
    stage_refuses(&stage, invite, 486, NULL);
    assert_int_equal(sent_status(fake_wire_take(&stage.wire)), 486);
    invites_from(&stage, "192.0.2.7", "seven");
    stage_sent_to(&stage, "INVITE", 5080);
    stage_ends(&stage);
    stage_destroy(&stage);
}

static void test_a_64_is_one_source(void **state)
{
    struct stage stage;
    (void)state;
    create_limited(&stage, (struct load_limits){.source_transactions = 1});
    invites_from(&stage, "2001:db8::1", "one");
    stage_sent_to(&stage, "INVITE", 5080);
    invites_from(&stage, "2001:db8::ffff:2", "two");
    assert_int_equal(sent_status(fake_wire_take(&stage.wire)), 503);
    invites_from(&stage, "2001:db8:0:1::1", "three");
    stage_sent_to(&stage, "INVITE", 5080);
    stage_ends(&stage);
    stage_destroy(&stage);
}

static void test_emergency_calls_have_no_limit_per_source(void **state)
{
    struct stage stage;
    (void)state;
    create_limited(&stage, (struct load_limits){.source_transactions = 1});
    stage_script(&stage, "sip_on_request('INVITE', function(r)\n"
                         "  if r.uri == 'urn:service:sos' then return sip_relay 'sip:112@127.0.0.1:5090' end\n"
                         "end)\n");
    invites_from(&stage, "192.0.2.7", "one");
    stage_sent_to(&stage, "INVITE", 5080);
    struct peer caller = foreign("192.0.2.7", 5070);
    stage_request(&stage, &caller, (struct request){.call = "sos", .uri = "urn:service:sos"});
    assert_int_equal(sent_status(fake_wire_take(&stage.wire)), 100);
    stage_sent_to(&stage, "INVITE", 5090);
    stage_ends(&stage);
    stage_destroy(&stage);
}

static void test_so_much_is_in_flight_in_total(void **state)
{
    struct stage stage;
    (void)state;
    create_limited(&stage, (struct load_limits){.transactions = 2});
    invites_from(&stage, "192.0.2.7", "one");
    stage_sent_to(&stage, "INVITE", 5080);
    invites_from(&stage, "127.0.0.1", "two");
    stage_sent_to(&stage, "INVITE", 5080);
    invites_from(&stage, "127.0.0.1", "three");
    struct sent *refusal = fake_wire_take(&stage.wire);
    assert_int_equal(sent_status(refusal), 503);
    assert_string_equal(sent_header(refusal, "Retry-After", 0), "10");
    assert_int_equal(stage_count(&stage, "load_total"), 1);
    assert_int_equal(stage_count(&stage, "refused_overload"), 1);
    assert_int_equal(stage_count(&stage, "in_flight_transactions"), 2);
    stage_ends(&stage);
    assert_int_equal(stage_count(&stage, "in_flight_transactions"), 0);
    assert_int_equal(stage_count(&stage, "in_flight_bytes"), 0);
    stage_destroy(&stage);
}

static void test_so_many_bytes_are_in_flight(void **state)
{
    struct stage stage;
    (void)state;
    create_limited(&stage, (struct load_limits){.bytes = 1000});
    invites_from(&stage, "127.0.0.1", "one");
    stage_sent_to(&stage, "INVITE", 5080);
    invites_from(&stage, "127.0.0.1", "two");
    assert_int_equal(sent_status(fake_wire_take(&stage.wire)), 503);
    stage_ends(&stage);
    stage_destroy(&stage);
}

/* The server must not make itself rest for the calls of others. */
static void test_a_503_to_the_server_itself_has_no_retry_after(void **state)
{
    struct stage stage;
    (void)state;
    create_limited(&stage, (struct load_limits){.transactions = 1});
    registers(&stage, "dave@127.0.0.1", "<sip:bob@127.0.0.1:5060>");
    registers(&stage, "bob@127.0.0.1", "<sip:bob@127.0.0.1:5080>");
    struct tally tally = call_and_run(&stage, "sip:dave@127.0.0.1");
    assert_int_equal(tally.invites, 1);
    assert_int_equal(tally.others, 0);
    assert_int_equal(tally.status, 500);
    assert_int_equal(stage_count(&stage, "resting"), 0);
    stage_ends(&stage);
    stage_destroy(&stage);
}

int main(void)
{
#define NAMES(function) cmocka_unit_test_setup_teardown(function, setup_names, stage_teardown)
#define TEST(function)  cmocka_unit_test_setup_teardown(function, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_5393_5_a_a_single_branch_gets_all),
        TEST(test_5393_5_a_it_is_divided_among_parallel_branches),
        TEST(test_5393_5_a_targets_in_sequence_where_it_does_not_suffice),
        TEST(test_5393_5_a_a_success_ends_the_sequence),
        TEST(test_3261_16_7_d_a_6xx_ends_the_sequence),
        TEST(test_5393_5_a_440_only_if_nothing_can_be_forwarded),
        TEST(test_5393_5_a_another_flow_takes_the_share_of_the_failed),
        TEST(test_5393_5_a_classes_have_all_of_it_each),
        TEST(test_5393_5_a_next_after),
        TEST(test_5393_5_a_a_share_is_kept_for_what_a_policy_adds),
        TEST(test_5393_5_a_3xx_recursion),
        TEST(test_5393_5_a_inside_a_dialog_the_value_goes_on),
        NAMES(test_5393_4_a_a_user_who_leads_to_himself),
        NAMES(test_5393_4_a_a_user_with_two_names),
        NAMES(test_5393_4_a_two_users_who_name_each_other),
        NAMES(test_5393_4_a_three_in_a_ring),
        NAMES(test_5393_4_a_a_spiral_goes_on),
        NAMES(test_one_request_makes_sixty_transactions_over_all_turns),
        NAMES(test_one_request_makes_sixty_transactions_in_sequence),
        TEST(test_one_request_sends_a_million_bytes),
        cmocka_unit_test(test_a_source_has_so_much_in_flight),
        cmocka_unit_test(test_a_64_is_one_source),
        cmocka_unit_test(test_emergency_calls_have_no_limit_per_source),
        cmocka_unit_test(test_so_much_is_in_flight_in_total),
        cmocka_unit_test(test_so_many_bytes_are_in_flight),
        cmocka_unit_test(test_a_503_to_the_server_itself_has_no_retry_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
