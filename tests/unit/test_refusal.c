// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "standalone/net/refusal.h"

/* The log of refused requests: one line, its rate, its fields. */

struct bench {
    struct fake_host fake;
    struct refusals refusals;
    struct sip_message *request;
};

static int setup(void **state)
{
    static struct bench bench;
    static const char text[] = "REGISTER sip:example.net SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
                               "From: <sip:+15551234500@example.net>;tag=1\r\nTo: <sip:+15551234500@example.net>\r\n"
                               "Call-ID: 1\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
    struct sip_fault fault;
    bench = (struct bench){0};
    fake_host_create(&bench.fake);
    assert_int_equal(refusals_create(&bench.refusals, &bench.fake.host, false), 0);
    assert_int_equal(sip_message_new(&bench.request, &bench.fake.host, text, sizeof text - 1, NULL, &fault), 0);
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    sip_message_delete(bench->request);
    refusals_destroy(&bench->refusals);
    assert_int_equal(bench->fake.allocated, 0);
    return 0;
}

static struct peer peer_at(const char *host, uint16_t port)
{
    struct peer peer = {.transport = TRANSPORT_UDP};
    assert_true(address_read(text_of(host), port, &peer.address));
    return peer;
}

static void note(struct bench *bench, const char *host, enum refusal reason)
{
    struct peer peer = peer_at(host, 5060);
    const struct refused refused = {.source = &peer, .request = bench->request, .reason = reason, .status = 403};
    refusals_note(&bench->refusals, &refused);
}

static unsigned lines(const struct bench *bench)
{
    return bench->fake.logged[LOG_NOTICE];
}

static void test_first_refusal_is_logged_at_once(void **state)
{
    struct bench *bench = *state;
    note(bench, "203.0.113.7", REFUSAL_FOREIGN_DOMAIN);
    assert_string_equal(bench->fake.last_log, "refused source=203.0.113.7:5060 transport=udp method=REGISTER "
                                              "aor=sip:+15551234500@example.net status=403 reason=foreign-domain");
    assert_int_equal(lines(bench), 1);
    assert_int_equal(bench->refusals.counts[REFUSAL_FOREIGN_DOMAIN], 1);
}

static void test_ipv6_source_is_written_in_brackets(void **state)
{
    struct bench *bench = *state;
    note(bench, "2001:db8::7", REFUSAL_FOREIGN_DOMAIN);
    assert_non_null(strstr(bench->fake.last_log, "source=[2001:db8::7]:5060 "));
}

static void test_numbers_are_masked(void **state)
{
    struct bench *bench = *state;
    bench->refusals.mask_numbers = true;
    note(bench, "203.0.113.7", REFUSAL_FOREIGN_DOMAIN);
    assert_non_null(strstr(bench->fake.last_log, " aor=sip:+15****00@example.net "));
}

/* What is no valid URI, or has numbers in other places, shows no digits at all. */
static void test_numbers_in_odd_places_are_masked(void **state)
{
    static const char *const cases[][2] = {
        {"sip:00 4915112345678@example.net", " aor=sip:**%20*************@example.net "},
        {"4915112345678", " aor=************* "},
        {"sip:4915112345678@@example.net", " aor=sip:49****78@@example.net "},
        {"tel:+49-151-12345678;phone-context=+4917712345", " aor=tel:+49****78;phone-context=+********** "},
        {"tel:5678;phone-context=+4917712345", " aor=tel:****;phone-context=+********** "},
        {"urn:service:sos;x=4915112345678", " aor=urn:service:sos;x=************* "},
        {"sip:bob:4915112345678@192.0.2.1", " aor=sip:bob@192.0.2.1 "}};
    struct bench *bench = *state;
    bench->refusals.mask_numbers = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512], host[32];
        struct sip_fault fault;
        struct sip_message *message = NULL;
        int length = snprintf(text, sizeof text,
                              "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
                              "From: <sip:a@example.net>;tag=1\r\nTo: <sip:b@example.net>\r\n"
                              "Call-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
                              cases[i][0]);
        sip_message_new(&message, &bench->fake.host, text, (size_t)length, NULL, &fault);
        assert_non_null(message);
        snprintf(host, sizeof host, "203.0.113.%zu", i + 1);
        struct peer peer = peer_at(host, 5060);
        refusals_note(&bench->refusals,
                      &(struct refused){.source = &peer, .request = message, .reason = REFUSAL_SCHEME, .status = 416});
        if (strstr(bench->fake.last_log, cases[i][1]) == NULL)
            fail_msg("%s: %s", cases[i][0], bench->fake.last_log);
        sip_message_delete(message);
    }
}

static void test_repeated_refusals_are_counted_and_logged_once_a_minute(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 5; i++)
        note(bench, "203.0.113.7", REFUSAL_FOREIGN_DOMAIN);
    assert_int_equal(lines(bench), 1);
    fake_host_advance(&bench->fake, REFUSAL_WINDOW_MS - 1);
    refusals_sweep(&bench->refusals);
    assert_int_equal(lines(bench), 1);
    fake_host_advance(&bench->fake, 1);
    refusals_sweep(&bench->refusals);
    assert_int_equal(lines(bench), 2);
    assert_non_null(strstr(bench->fake.last_log, " reason=foreign-domain count=4"));
    assert_int_equal(bench->refusals.counts[REFUSAL_FOREIGN_DOMAIN], 5);
}

static void test_source_that_stays_quiet_is_forgotten(void **state)
{
    struct bench *bench = *state;
    note(bench, "203.0.113.7", REFUSAL_FOREIGN_DOMAIN);
    fake_host_advance(&bench->fake, REFUSAL_WINDOW_MS);
    refusals_sweep(&bench->refusals);
    assert_int_equal(bench->refusals.sources.count, 0);
    assert_int_equal(lines(bench), 1);
}

static void test_other_source_and_other_reason_have_lines_of_their_own(void **state)
{
    struct bench *bench = *state;
    note(bench, "203.0.113.7", REFUSAL_FOREIGN_DOMAIN);
    note(bench, "203.0.113.8", REFUSAL_FOREIGN_DOMAIN);
    note(bench, "203.0.113.7", REFUSAL_RELAY_DENIED);
    assert_int_equal(lines(bench), 3);
}

static void test_other_port_is_the_same_source(void **state)
{
    struct bench *bench = *state;
    struct peer peer = peer_at("203.0.113.7", 5999);
    note(bench, "203.0.113.7", REFUSAL_POLICY);
    refusals_note(&bench->refusals, &(struct refused){.source = &peer, .reason = REFUSAL_POLICY});
    assert_int_equal(lines(bench), 1);
}

static void test_more_sources_than_are_remembered_share_a_line(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < REFUSAL_SOURCES + 500; i++) {
        char host[32];
        snprintf(host, sizeof host, "198.18.%d.%d", i / 256, i % 256);
        note(bench, host, REFUSAL_RELAY_DENIED);
    }
    assert_int_equal(bench->refusals.sources.count, REFUSAL_SOURCES);
    assert_int_equal(lines(bench), REFUSAL_SOURCES + 1);
    assert_non_null(strstr(bench->fake.last_log, "refused source=* "));
    fake_host_advance(&bench->fake, REFUSAL_WINDOW_MS);
    refusals_sweep(&bench->refusals);
    assert_non_null(strstr(bench->fake.last_log, " count=499"));
}

/* A stranger chooses these bytes: they must not begin a new line or a new field. */
static void test_foreign_bytes_are_escaped_and_cut(void **state)
{
    struct bench *bench = *state;
    char text[1200], user[600];
    struct sip_fault fault;
    struct sip_message *request = NULL;
    struct peer peer = peer_at("203.0.113.7", 5060);
    memset(user, 'a', sizeof user - 1);
    user[sizeof user - 1] = '\0';
    memcpy(user, "x\xc3\xa4", 3);
    snprintf(
        text, sizeof text,
        "INVITE tel:%s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@example.net>;tag=1\r\n"
        "To: <sip:b@example.net>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
        user);
    sip_message_new(&request, &bench->fake.host, text, strlen(text), NULL, &fault);
    assert_non_null(request);
    const struct refused refused = {
        .source = &peer, .request = request, .reason = REFUSAL_MALFORMED, .detail = "one\r\nrefused \"two\""};
    refusals_note(&bench->refusals, &refused);
    assert_non_null(strstr(bench->fake.last_log, "aor=tel:x%C3%A4aaa"));
    assert_non_null(strstr(bench->fake.last_log, "aaa... status=0 reason=malformed detail=\"one??refused ?two?\""));
    assert_null(strpbrk(bench->fake.last_log, "\r\n"));
    sip_message_delete(request);
}

static void test_bytes_that_are_no_request_are_logged(void **state)
{
    struct bench *bench = *state;
    struct peer peer = peer_at("203.0.113.7", 5060);
    refusals_note(&bench->refusals, &(struct refused){.source = &peer, .reason = REFUSAL_MALFORMED});
    assert_string_equal(bench->fake.last_log,
                        "refused source=203.0.113.7:5060 transport=udp method=- aor=- status=0 reason=malformed");
}

static void test_without_memory_a_refusal_is_counted_and_logged(void **state)
{
    struct bench *bench = *state;
    bench->fake.fail_after = bench->fake.calls + 1;
    note(bench, "203.0.113.7", REFUSAL_OVERLOAD);
    bench->fake.fail_after = 0;
    assert_int_equal(lines(bench), 1);
    assert_int_equal(bench->refusals.counts[REFUSAL_OVERLOAD], 1);
}

static void test_pending_counts_are_logged_at_the_end(void **state)
{
    struct bench *bench = *state;
    note(bench, "203.0.113.7", REFUSAL_POLICY);
    note(bench, "203.0.113.7", REFUSAL_POLICY);
    note(bench, "203.0.113.7", REFUSAL_POLICY);
    refusals_destroy(&bench->refusals);
    assert_int_equal(lines(bench), 2);
    assert_non_null(strstr(bench->fake.last_log, " count=2"));
    assert_int_equal(refusals_create(&bench->refusals, &bench->fake.host, false), 0);
}

/* The manual has the closed list of reasons: word and meaning of each, and no other. */
static void test_manual_lists_every_reason(void **state)
{
    static const char *const meanings[] = {
#define REASON(constant, counter, meaning) meaning,
        REFUSAL_REASONS(REASON)
#undef REASON
    };
    static char manual[200000];
    FILE *file = fopen("module/standalone/README.md", "rb");
    (void)state;
    assert_non_null(file);
    manual[fread(manual, 1, sizeof manual - 1, file)] = '\0';
    fclose(file);
    for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
        char row[256], word[64];
        snprintf(word, sizeof word, "%s", refusal_counter((enum refusal)i));
        for (char *at = word; (at = strchr(at, '_')) != NULL;)
            *at = '-';
        snprintf(row, sizeof row, "| `%s` | %s |\n", word, meanings[i]);
        if (strstr(manual, row) == NULL)
            fail_msg("module/standalone/README.md lacks the row %s", row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_refusal_is_logged_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ipv6_source_is_written_in_brackets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers_are_masked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers_in_odd_places_are_masked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_repeated_refusals_are_counted_and_logged_once_a_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(test_source_that_stays_quiet_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_source_and_other_reason_have_lines_of_their_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_port_is_the_same_source, setup, teardown),
        cmocka_unit_test_setup_teardown(test_more_sources_than_are_remembered_share_a_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_bytes_are_escaped_and_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes_that_are_no_request_are_logged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_memory_a_refusal_is_counted_and_logged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pending_counts_are_logged_at_the_end, setup, teardown),
        cmocka_unit_test(test_manual_lists_every_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
