// SPDX-License-Identifier: BSD-2-Clause
#include "server_stage.h"

#include "test_data.h"

/* Responses of strangers: from elsewhere, with branches that they guess; and what of our own they cannot predict. */

/* The branch of a request that was sent. */
static void branch_of(struct sent *request, char out[64])
{
    const char *branch = strstr(sent_header(request, "Via", 0), ";branch=");
    assert_non_null(branch);
    snprintf(out, 64, "%.*s", (int)strcspn(branch + 8, ";"), branch + 8);
}

/* The file with @NAME@ replaced by what `values` has for it; from malloc. */
static char *attack(const char *name, const char *const values[][2], size_t count)
{
    struct text file = test_data_load(name);
    char *out = calloc(1, file.length + 1024), *place = out;
    assert_non_null(out);
    for (const char *at = file.at; *at != '\0';) {
        size_t i = 0;
        while (i < count && strncmp(at, values[i][0], strlen(values[i][0])) != 0)
            i++;
        place += i < count ? sprintf(place, "%s", values[i][1]) : sprintf(place, "%c", *at);
        at += i < count ? strlen(values[i][0]) : 1;
    }
    free((char *)(size_t)file.at);
    return out;
}

static void forge(struct stage *stage, const struct peer *from, const char *status, const char *branch)
{
    const char *const values[][2] = {{"@STATUS@", status}, {"@BRANCH@", branch}, {"@SERVER@", "127.0.0.1:5060"}};
    char *bytes = attack("attacks/forged_response.sip", values, 3);
    server_received(stage->server, from, bytes, strlen(bytes));
    free(bytes);
}

static const char *const statuses[] = {"180", "200", "302", "408", "430", "486", "503", "603"};

/* The branches that somebody would try who has seen this one. */
static void test_3261_17_1_3_a_a_guessed_branch_answers_nothing(void **state)
{
    struct stage *stage = *state;
    char branch[64];
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    branch_of(invite, branch);
    for (size_t place = 8; place < strlen(branch); place++) {
        char guess[64];
        snprintf(guess, sizeof guess, "%s", branch);
        guess[place] = guess[place] == '0' ? '1' : '0';
        for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
            forge(stage, &bob, statuses[i], guess);
    }
    forge(stage, &bob, "603", "z9hG4bKr1.0");
    forge(stage, &bob, "603", "z9hG4bK");
    stage_silent(stage);
    assert_int_equal(stage_counters(stage)->unmatched, 25 * 8 + 2);
    assert_int_equal(stage_count(stage, "refused_response_unmatched"), 25 * 8 + 2);
    assert_int_equal(stage_count(stage, "bindings"), 1);
    assert_int_equal(stage_count(stage, "resting"), 0);
    stage_response(stage, invite, 200, "Contact: <sip:bob@127.0.0.1:5080>\n");
    stage_hears(stage, 200);
    stage_ends(stage);
}

static void test_3261_17_1_3_a_the_right_branch_from_elsewhere_answers_nothing(void **state)
{
    struct stage *stage = *state;
    char branch[64];
    struct peer mallory = fake_udp(5080);
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    branch_of(invite, branch);
    assert_true(address_read(TEXT("127.0.0.2"), 5080, &mallory.address));
    stage->fake.logged[LOG_NOTICE] = 0;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        forge(stage, &mallory, statuses[i], branch);
    stage_silent(stage);
    assert_int_equal(stage_counters(stage)->unmatched, 8);
    assert_int_equal(stage_count(stage, "refused_response_source"), 8);
    assert_int_equal(stage->fake.logged[LOG_NOTICE], 1);
    assert_string_equal(stage->fake.last_log,
                        "refused source=127.0.0.2:5080 transport=udp method=INVITE aor=- status=0 "
                        "reason=response-source");
    assert_int_equal(stage_count(stage, "bindings"), 1);
    assert_int_equal(stage_count(stage, "resting"), 0);
    stage_response(stage, invite, 486, NULL);
    stage_sent_to(stage, "ACK", 5080);
    stage_hears(stage, 486);
    stage_request(stage, &(struct peer){.address = stage_alice().address}, (struct request){.method = "ACK"});
    stage_ends(stage);
}

/* A NAT may have given the phone another port since its last message. */
static void test_3261_17_1_3_a_another_port_of_the_host_is_accepted_and_counted(void **state)
{
    struct stage *stage = *state;
    struct peer moved = fake_udp(40080);
    stage_phone(stage, (struct phone){.port = 5080, .instance = "1", .reg_id = 1});
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    stage_response_from(stage, &moved, invite, 200, "Contact: <sip:bob@127.0.0.1:5080>\n");
    stage_hears(stage, 200);
    assert_int_equal(stage_counters(stage)->responses_other_port, 1);
    assert_int_equal(stage_counters(stage)->unmatched, 0);
    stage_ends(stage);
}

static struct peer at(struct peer peer, const char *host, uint16_t port)
{
    assert_true(address_read(text_of(host), port, &peer.address));
    return peer;
}

static void registers(struct stage *stage, const struct peer *phone, const char *user)
{
    stage_request(
        stage, phone,
        (struct request){.method = "REGISTER",
                         .uri = "sip:example.com",
                         .from = user,
                         .to = user,
                         .call = user,
                         .cseq = ++stage->registers,
                         .fields = "Contact: <sip:x@phone.invalid>;+sip.instance=\"<urn:uuid:1>\";reg-id=1\n"});
    stage_status(stage, phone, 200);
}

/* It rings, comes to another network, registers there, and answers. */
static void answers_after_a_move(struct stage *stage, struct peer before, struct peer after, struct peer stranger,
                                 struct peer other)
{
    registers(stage, &before, "bob");
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    stage_response_from(stage, &after, invite, 603, NULL);
    stage_silent(stage);
    registers(stage, &after, "bob");
    registers(stage, &other, "carol");
    stage_response_from(stage, &stranger, invite, 603, NULL);
    stage_response_from(stage, &other, invite, 603, NULL);
    stage_silent(stage);
    assert_int_equal(stage_count(stage, "refused_response_source"), 3);
    stage_response_from(stage, &after, invite, 180, NULL);
    stage_hears(stage, 180);
    assert_int_equal(stage_counters(stage)->responses_other_port, 1);
    stage_cancels(stage);
    assert_true(peer_flow(&stage_sent(stage, "CANCEL")->peer) == peer_flow(&after));
    stage_response_from(stage, &after, invite, 487, NULL);
    assert_true(peer_flow(&stage_sent(stage, "ACK")->peer) == peer_flow(&after));
    stage_hears(stage, 487);
    stage_ends(stage);
}

static void test_3261_17_1_3_a_a_phone_answers_from_where_it_has_moved(void **state)
{
    struct stage *stage = *state;
    struct peer udp = fake_udp(5080);
    answers_after_a_move(stage, at(udp, "192.0.2.1", 5080), at(udp, "192.0.2.2", 5080), at(udp, "192.0.2.3", 5080),
                         at(udp, "192.0.2.4", 5080));
}

/* Nothing can be read from such values; the response goes on. */
/* RFC 3261 16.7 step 3: it would reach the caller without any Via, and end the search for all other phones. */
static void test_3261_16_7_a_a_response_without_the_callers_via_is_dropped(void **state)
{
    static const unsigned answers[] = {180, 200, 486, 603};
    struct stage *stage = *state;
    char response[2048];
    struct peer bob = stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    for (unsigned i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        snprintf(response, sizeof response,
                 "SIP/2.0 %u Whatever\nVia: %s\nFrom: %s\nTo: <sip:bob@example.com>;tag=p\nCall-ID: one\n"
                 "CSeq: 1 INVITE\nContent-Length: 0\n\n",
                 answers[i], sent_header(invite, "Via", 0), "<sip:alice@example.com>;tag=5070");
        stage_receive(stage, &bob, response);
        stage_silent(stage);
        assert_int_equal(stage_counters(stage)->unmatched, i + 1);
    }
    stage_response(stage, invite, 200, NULL);
    stage_hears(stage, 200);
}

static void test_a_record_route_without_a_uri_is_passed_on(void **state)
{
    static const char *const values[] = {"", ",", "<>", ";lr", "\"x\"", "<>;lr, <sip:a@b;lr>", "@", "<@>"};
    struct stage *stage = *state;
    struct peer phone = fake_udp(5080);
    registers(stage, &phone, "bob");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char call[16], fields[64];
        snprintf(call, sizeof call, "call%zu", i);
        snprintf(fields, sizeof fields, "Record-Route: %s\n", values[i]);
        stage_call(stage, call);
        struct sent *invite = stage_sent(stage, "INVITE");
        stage_response_from(stage, &phone, invite, 180, fields);
        stage_hears(stage, 180);
        stage_response_from(stage, &phone, invite, 200, fields);
        stage_hears(stage, 200);
    }
    stage_ends(stage);
}

/* The old connection is not known to be dead yet. */
static void test_3261_17_1_3_a_and_over_another_connection(void **state)
{
    struct stage *stage = *state;
    struct peer peers[4];
    for (uint16_t i = 0; i < 4; i++) {
        char host[16];
        snprintf(host, sizeof host, "192.0.2.%u", i + 1U);
        peers[i] = at(fake_tcp(&stage->wire, (uint16_t)(5081 + i)), host, 5080);
    }
    answers_after_a_move(stage, peers[0], peers[1], peers[2], peers[3]);
}

/* The flow that a request has moved to is the one that can end it, and the one before cannot. */
static void test_5626_7_h_a_moved_request_waits_on_its_new_flow(void **state)
{
    struct stage *stage = *state;
    struct peer before = fake_tcp(&stage->wire, 5081), after = fake_tcp(&stage->wire, 5082);
    registers(stage, &before, "bob");
    stage_call(stage, "one");
    struct sent *invite = stage_sent(stage, "INVITE");
    registers(stage, &after, "bob");
    stage_response_from(stage, &after, invite, 100, NULL);
    stage_flow_dies(stage, &before);
    stage_advance(stage, 0);
    stage_silent(stage);
    stage_flow_dies(stage, &after);
    stage_advance(stage, 0);
    stage_hears(stage, 480);
    stage_ends(stage);
}

/* 9.1, 17.1.1.3: what belongs to an INVITE has its branch. */
static void test_3261_9_a_cancel_and_ack_keep_the_branch(void **state)
{
    struct stage *stage = *state;
    char branch[64], other[64];
    stage_phone(stage, (struct phone){.port = 5080});
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5080);
    branch_of(invite, branch);
    stage_response(stage, invite, 180, NULL);
    stage_hears(stage, 180);
    stage_cancels(stage);
    struct sent *cancel = stage_sent_to(stage, "CANCEL", 5080);
    branch_of(cancel, other);
    assert_string_equal(other, branch);
    stage_response(stage, cancel, 200, NULL);
    stage_response(stage, invite, 487, NULL);
    branch_of(stage_sent_to(stage, "ACK", 5080), other);
    assert_string_equal(other, branch);
    stage_hears(stage, 487);
    stage_ends(stage);
}

/* --- To tags of our own responses --- */

static void own_tag(struct stage *stage, struct request request, char out[64])
{
    struct peer alice = stage_alice();
    stage_request(stage, &alice, request);
    const char *tag = strstr(sent_header(stage_sent(stage, "SIP/2.0 "), "To", 0), ";tag=");
    assert_non_null(tag);
    snprintf(out, 64, "%s", tag + 5);
    assert_int_equal(strlen(out), 16);
}

/* RFC 3261 8.2.7: without a transaction too. A CANCEL is answered with its INVITE's (9.2). */
static void test_own_tags_are_the_same_for_a_retransmission(void **state)
{
    struct stage *stage = *state;
    char first[64], second[64];
    const struct request refused = {.fields = "Proxy-Require: magic\n"};
    own_tag(stage, refused, first);
    own_tag(stage, refused, second);
    assert_string_equal(first, second);
    own_tag(stage, (struct request){.method = "CANCEL"}, second);
    assert_string_equal(first, second);
}

static void test_own_tags_differ_by_everything_that_the_sender_chose(void **state)
{
    struct stage *stage = *state;
    const char *unsupported = "Proxy-Require: magic\n";
    const struct request requests[] = {{.fields = unsupported},
                                       {.fields = unsupported, .call = "two"},
                                       {.fields = unsupported, .from_tag = "f"},
                                       {.fields = unsupported, .branch = "z9hG4bKb"},
                                       {.fields = unsupported, .branch = "z9hG4bKb", .cseq = 2}};
    enum { REQUESTS = sizeof requests / sizeof requests[0] };
    char tags[REQUESTS][64];
    for (size_t i = 0; i < REQUESTS; i++) {
        own_tag(stage, requests[i], tags[i]);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(tags[i], tags[j]);
    }
}

/* The same request gets another tag from another server, or the same one after a restart: it takes the key to know. */
static void test_own_tags_are_keyed(void **state)
{
    struct stage *stage = *state, other;
    char first[64], second[64];
    const struct request refused = {.fields = "Proxy-Require: magic\n"};
    stage_create(&other);
    other.fake.seed = 2;
    stage_open(&other);
    own_tag(stage, refused, first);
    own_tag(&other, refused, second);
    assert_string_not_equal(first, second);
    stage_destroy(&other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_3261_17_1_3_a_a_guessed_branch_answers_nothing),
        TEST(test_3261_17_1_3_a_the_right_branch_from_elsewhere_answers_nothing),
        TEST(test_3261_17_1_3_a_another_port_of_the_host_is_accepted_and_counted),
        TEST(test_3261_17_1_3_a_a_phone_answers_from_where_it_has_moved),
        TEST(test_3261_17_1_3_a_and_over_another_connection),
        TEST(test_5626_7_h_a_moved_request_waits_on_its_new_flow),
        TEST(test_3261_9_a_cancel_and_ack_keep_the_branch),
        TEST(test_own_tags_are_the_same_for_a_retransmission),
        TEST(test_own_tags_differ_by_everything_that_the_sender_chose),
        TEST(test_own_tags_are_keyed),
        TEST(test_3261_16_7_a_a_response_without_the_callers_via_is_dropped),
        TEST(test_a_record_route_without_a_uri_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
