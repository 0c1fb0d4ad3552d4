// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "sent_check.h"
#include "sip_corpus.h"
#include "test_data.h"

/* What the server writes from foreign text: one message, in one line for each field, of a bounded size. */

enum {
    ANSWER_MORE = 1024,  /* own fields of a response beside what is copied */
    LISTED_MOST = 70000, /* the bindings of an AOR */
    SERVERS = 200,
    OF_ONE_SERVER = 100,
    MESSAGE_MOST = 20000
};

static struct peer stream_of(struct stage *stage)
{
    return fake_tcp(&stage->wire, 5070);
}

/* The only answer, which is one message and no more of them. */
static struct sent *answered(struct stage *stage, unsigned status)
{
    struct sent *sent = fake_wire_take(&stage->wire);
    assert_non_null(sent);
    const char *problem = sent_check_message(&stage->fake, sent);
    if (problem != NULL || sent_status(sent) != status)
        fail_msg("%s: %s", problem != NULL ? problem : "another status", sent->bytes);
    stage_silent(stage);
    return sent;
}

static void test_a_folded_proxy_require_is_answered_in_one_line(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stream_of(stage);
    struct text file = test_data_load("attacks/folded_proxy_require.sip");
    server_received(stage->server, &alice, file.at, file.length);
    struct sent *refusal = answered(stage, 420);
    assert_null(strstr(refusal->bytes, "\r\n "));
    /* Neither the name that is too long, nor half of it. */
    assert_string_equal(sent_header(refusal, "Unsupported", 0), "second, third");
    free((char *)(size_t)file.at);
}

static void test_what_is_named_as_unsupported(void **state)
{
    static const struct {
        const char *fields, *unsupported;
        unsigned status;
    } cases[] = {{"Proxy-Require: magic\n", "magic", 420},
                 {"Proxy-Require: \nProxy-Require: wand\n", "wand", 420},
                 {"Proxy-Require: a,\n b,\n\tc\n", "a, b, c", 420},
                 {"Proxy-Require: a b, \"c\n d\", <e>, f;g, h\n", "h", 420},
                 {"Proxy-Require: <x>\n", "", 420},
                 {"Proxy-Require: , ,\n", "", 200},
                 {"Proxy-Require:\n", "", 200}};
    struct stage *stage = *state;
    struct peer alice = stream_of(stage);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char call[8];
        snprintf(call, sizeof call, "c%zu", i);
        stage_request(
            stage, &alice,
            (struct request){.method = "OPTIONS", .uri = "sip:example.com", .call = call, .fields = cases[i].fields});
        struct sent *sent = answered(stage, cases[i].status);
        assert_string_equal(sent_header(sent, "Unsupported", 0), cases[i].unsupported);
    }
}

static void test_as_many_as_fit_are_named(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stream_of(stage);
    char fields[4096] = "Proxy-Require: x";
    for (int i = 0; i < 300; i++)
        snprintf(fields + strlen(fields), sizeof fields - strlen(fields), ", tag-%d", i);
    snprintf(fields + strlen(fields), sizeof fields - strlen(fields), "\n");
    stage_request(stage, &alice, (struct request){.method = "OPTIONS", .uri = "sip:example.com", .fields = fields});
    const char *named = sent_header(answered(stage, 420), "Unsupported", 0);
    assert_memory_equal(named, "x, tag-0, tag-1", 15);
    assert_true(strlen(named) > 200 && strlen(named) < 320);
    assert_true(named[strlen(named) - 1] >= '0' && named[strlen(named) - 1] <= '9');
}

static void test_copied_fields_are_unfolded(void **state)
{
    struct stage *stage = *state;
    struct peer alice = stream_of(stage);
    stage_receive(stage, &alice,
                  "OPTIONS sip:example.com SIP/2.0\nVia: SIP/2.0/TCP 127.0.0.1:5070\n ;branch=z9hG4bKa\n\t;x=y,\n"
                  " SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKb\nv: SIP/2.0/UDP\n 192.0.2.2\nMax-Forwards: 70\n"
                  "From: \"A\n lice\" <sip:alice@example.com>\n ;tag=a\nTo:\n <sip:example.com>\n ;x=1\nCall-ID:\n c\n"
                  "CSeq: 1\n OPTIONS\nTimestamp: 1\n 2\nContent-Length: 0\n\n");
    struct sent *fine = answered(stage, 200);
    assert_null(strstr(fine->bytes, "\r\n "));
    assert_null(strstr(fine->bytes, "\r\n\t"));
    assert_non_null(strstr(sent_header(fine, "From", 0), "\"A   lice\" <sip:alice@example.com>"));
}

static const char folded_register[] =
    "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/TCP 127.0.0.1:5070;branch=z9hG4bKr1\n"
    "Max-Forwards: 70\nFrom: <sip:bob@example.com>;tag=a\nTo: <sip:bob@example.com>\nCall-ID: folded\n"
    "CSeq: 1 REGISTER\nSupported: path\nPath: <sip:127.0.0.1:5091;lr>\n ;x=\"a\n b\",\n <sip:edge.example.net;lr>\n"
    "Contact: <sip:bob@127.0.0.1:5080>\n ;x=\"1\n 2\"\n ;y\nContent-Length: 0\n\n";

/* What is stored is written later: into the list of the 200, and into the Route of a request. */
static void test_what_a_registration_stores_is_unfolded(void **state)
{
    struct stage *stage = *state;
    struct peer bob = stream_of(stage);
    stage_receive(stage, &bob, folded_register);
    struct sent *fine = answered(stage, 200);
    assert_null(strstr(fine->bytes, "\r\n "));
    assert_non_null(strstr(sent_header(fine, "Contact", 0), "<sip:bob@127.0.0.1:5080>"));
    stage_call(stage, "one");
    struct sent *invite = stage_sent_to(stage, "INVITE", 5091);
    assert_null(sent_check_message(&stage->fake, invite));
    assert_null(strstr(invite->bytes, "\r\n "));
    assert_non_null(strstr(sent_header(invite, "Route", 0), "<sip:edge.example.net;lr>"));
}

static void test_an_instance_of_more_than_one_line_is_refused(void **state)
{
    struct stage *stage = *state;
    struct peer bob = stream_of(stage);
    stage_request(
        stage, &bob,
        (struct request){.method = "REGISTER",
                         .uri = "sip:example.com",
                         .from = "bob",
                         .fields = "Contact: <sip:bob@127.0.0.1>;+sip.instance=\"<urn:\n uuid:1>\";reg-id=1\n"});
    answered(stage, 400);
    assert_int_equal(stage_count(stage, "bindings"), 0);
}

static void test_3261_16_7_h_merged_challenges_are_unfolded(void **state)
{
    struct stage *stage = *state;
    stage_phone(stage, (struct phone){.port = 5080});
    stage_phone(stage, (struct phone){.port = 5081});
    stage_call(stage, "one");
    struct sent *first = stage_sent(stage, "INVITE"), *second = stage_sent(stage, "INVITE");
    stage_refuses(stage, first, 401, "WWW-Authenticate: Digest realm=\"a\",\n nonce=\"1\"\n");
    stage_refuses(stage, second, 407, "Proxy-Authenticate: Digest realm=\"b\",\n nonce=\"2\"\n");
    struct sent *sent = fake_wire_take(&stage->wire);
    assert_non_null(sent);
    assert_null(sent_check_message(&stage->fake, sent));
    assert_int_equal(sent_count(sent, "WWW-Authenticate"), 1);
    assert_int_equal(sent_count(sent, "Proxy-Authenticate"), 1);
    stage_request(stage, &(struct peer){.address = stage_alice().address}, (struct request){.method = "ACK"});
    stage_ends(stage);
}

/* --- whatever comes in --- */

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525U + 1013904223U;
    return below > 0 ? (*seed >> 8) % below : 0;
}

/* At spaces, colons and semicolons of the header, folds and long runs of white space. */
static size_t fold(char *bytes, size_t length, uint32_t *seed)
{
    static const struct text folds[] = {{"\r\n ", 3}, {"\r\n\t", 3}, {" \r\n \r\n ", 7}, {"\r\n          ", 12}};
    for (uint32_t times = draw(seed, 6); times > 0; times--) {
        struct text piece = folds[draw(seed, 4)];
        size_t at = draw(seed, (uint32_t)length);
        while (at < length && strchr(" ;,:=\"", bytes[at]) == NULL)
            at++;
        uint32_t run = draw(seed, 8) == 0 ? 200 : 1;
        for (; run > 0 && at < length && length + piece.length < MESSAGE_MOST; run--) {
            memmove(bytes + at + 1 + piece.length, bytes + at + 1, length - at - 1);
            memcpy(bytes + at + 1, piece.at, piece.length);
            length += piece.length;
        }
    }
    return length;
}

/* What the server sends for one message: all of it frames, and its own answers have nothing but their own lines. A
   retransmission gets the answer to the message that came first: `longest` is the longest of those. */
static void assert_sent(struct stage *stage, const char *bytes, size_t length, size_t longest, bool readable)
{
    struct sent *sent;
    while ((sent = fake_wire_take(&stage->wire)) != NULL) {
        bool answer = sent_status(sent) != 0;
        size_t more = strstr(sent->bytes, "\r\nContact: ") != NULL ? LISTED_MOST : ANSWER_MORE;
        const char *problem = answer ? sent_check_answer(sent, longest, more) : sent_check_frame(sent);
        if (problem == NULL && readable)
            problem = sent_check_message(&stage->fake, sent);
        if (problem != NULL)
            fail_msg("%s\n--- received\n%.*s\n--- sent\n%s", problem, (int)length, bytes, sent->bytes);
    }
}

static bool is_readable(struct stage *stage, const char *bytes, size_t length)
{
    struct sip_message *message = NULL;
    struct sip_fault fault;
    int error = sip_message_new(&message, &stage->fake.host, bytes, length, NULL, &fault);
    sip_message_delete(message);
    return error == 0;
}

struct corpus {
    struct message_samples samples[5];
    size_t count;
};

static void corpus_create(struct corpus *corpus)
{
    static const char *const folders[] = {"messages/rfc3665", "messages/rfc4475", "messages/rfc5118",
                                          "messages/rfc5626"};
    corpus->count = sizeof folders / sizeof folders[0];
    for (size_t i = 0; i < corpus->count; i++)
        message_samples_create(&corpus->samples[i], folders[i]);
}

static struct text corpus_draw(const struct corpus *corpus, uint32_t *seed)
{
    uint32_t folder = draw(seed, (uint32_t)corpus->count + 1);
    if (folder == corpus->count)
        return sip_corpus_at(draw(seed, (uint32_t)sip_corpus_count()));
    return corpus->samples[folder].at[draw(seed, (uint32_t)corpus->samples[folder].count)].text;
}

static void corpus_destroy(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++)
        message_samples_destroy(&corpus->samples[i]);
}

/* Serves the domains that the messages name. */
static void open_for_all(struct stage *stage)
{
    static const char *const domains[] = {"biloxi.example.com", "atlanta.example.com", "chicago.example.com",
                                          "example.net",        "biloxi.com",          "atlanta.com"};
    stage_create(stage);
    for (size_t i = 0; i < sizeof domains / sizeof domains[0]; i++)
        domains_add(stage->domains, text_of(domains[i]));
    stage_open(stage);
    stage->wire.locate_error = -ENOENT;
}

static size_t mutated(const struct corpus *corpus, char *bytes, uint32_t *seed)
{
    struct text one = corpus_draw(corpus, seed), other = corpus_draw(corpus, seed);
    size_t length = one.length < MESSAGE_MOST / 2 ? one.length : MESSAGE_MOST / 2;
    memcpy(bytes, one.at, length);
    if (draw(seed, 3) != 0)
        length = sip_mutate(bytes, length, MESSAGE_MOST, other, seed);
    return draw(seed, 2) != 0 ? fold(bytes, length, seed) : length;
}

/* One server, and what it says to a hundred messages. Returns how many it has answered. */
static size_t assert_answers(const struct corpus *corpus, char *bytes, uint32_t *seed)
{
    struct stage stage;
    size_t answers = 0, longest = 0;
    open_for_all(&stage);
    struct peer stream = fake_tcp(&stage.wire, 5070), datagram = fake_udp(5071);
    for (int i = 0; i < OF_ONE_SERVER; i++) {
        size_t length = mutated(corpus, bytes, seed);
        server_received(stage.server, draw(seed, 2) != 0 ? &stream : &datagram, bytes, length);
        answers += stage.wire.first != NULL;
        longest = length > longest ? length : longest;
        assert_sent(&stage, bytes, length, longest, is_readable(&stage, bytes, length));
    }
    stage_destroy(&stage);
    return answers;
}

static void test_every_answer_is_one_message_of_a_bounded_size(void **state)
{
    struct corpus corpus;
    uint32_t seed = 20240607;
    size_t answers = 0;
    char *bytes = malloc(MESSAGE_MOST + 256);
    assert_non_null(bytes);
    (void)state;
    corpus_create(&corpus);
    for (int i = 0; i < SERVERS; i++)
        answers += assert_answers(&corpus, bytes, &seed);
    assert_true(answers > SERVERS * OF_ONE_SERVER / 4);
    corpus_destroy(&corpus);
    free(bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_folded_proxy_require_is_answered_in_one_line),
        TEST(test_what_is_named_as_unsupported),
        TEST(test_as_many_as_fit_are_named),
        TEST(test_copied_fields_are_unfolded),
        TEST(test_what_a_registration_stores_is_unfolded),
        TEST(test_an_instance_of_more_than_one_line_is_refused),
        TEST(test_3261_16_7_h_merged_challenges_are_unfolded),
        cmocka_unit_test(test_every_answer_is_one_message_of_a_bounded_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
