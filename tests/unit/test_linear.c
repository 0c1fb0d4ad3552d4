// SPDX-License-Identifier: BSD-2-Clause
#include "script_fixture.h"

#include <time.h>

#include "sip/frame.h"
#include "sip/registration.h"
#include "sip/rewrite.h"

/*
 * The time to read, to answer and to forward a message, and to show it to a policy, grows with its size and not with
 * the square of it, whatever strangers fill a header field with. The CPU time for eight times the bytes is compared in
 * one run: a square would take 64 times as long.
 */

enum { SMALL = 8 << 10, LARGE = 8 * SMALL, MOST_RATIO = 24, ATTEMPTS = 4, TIMES = 3 };

static const char *const units[] = {" ",  "\t",          "\r\n ", " \r\n\t ", "\t \r\n x", ",",  ", ",     ";",
                                    ";a", "; ; ",        ";a=",   ";a=\"\"",  "\"",        "\\", "\"\\\"", "<",
                                    ">",  "<>",          "%41",   "a",        ":",         "@",  "?",      "&a=b",
                                    "(",  ", <sip:a@b>", "\r",    "=",        "[",         ".",  "0"};

/* A header field and what its value begins with. */
static const char *const fields[][2] = {{"X-Permit", "n"},
                                        {"From", "<sip:a@b>;tag=1"},
                                        {"To", "\"x\" <sip:a@b>"},
                                        {"To", "x <sip:"},
                                        {"Via", "SIP/2.0/UDP h;branch=z9hG4bK1"},
                                        {"Via", "SIP/2.0/UDP "},
                                        {"Contact", "<sip:a@b;x>"},
                                        {"Contact", "<sip:a@b;x"},
                                        {"Contact", "<sip:"},
                                        {"Route", "<sip:a@b;lr>"},
                                        {"Path", "<sip:a@b;lr>"},
                                        {"Supported", "path"},
                                        {"Require", ""},
                                        {"CSeq", "1"},
                                        {"Call-ID", "a"},
                                        {"Max-Forwards", "70"},
                                        {"Expires", "1"},
                                        {"Retry-After", "1"},
                                        {"Timestamp", "1"},
                                        {"Content-Length", "0"}};

struct work {
    struct script_fixture f;
    struct sip_limits limits;
    char *bytes;
    size_t length;
};

static void add(struct work *work, const char *text)
{
    size_t length = strlen(text);
    memcpy(work->bytes + work->length, text, length);
    work->length += length;
}

/* The field with so many bytes of the unit; the mandatory ones stand beside it, so that some are there twice. */
static void make(struct work *work, const char *name, const char *before, const char *unit, size_t size)
{
    work->length = 0;
    add(work, "REGISTER sip:b SIP/2.0\r\n");
    add(work, name);
    add(work, ": ");
    add(work, before);
    for (size_t end = work->length + size; work->length < end;)
        add(work, unit);
    add(work, "x\r\n y\r\n");
    static const char *const others[][2] = {{"Via", "SIP/2.0/UDP h;branch=z9hG4bK1"},
                                            {"From", "<sip:a@b>;tag=1"},
                                            {"To", "<sip:a@b>"},
                                            {"Call-ID", "1"},
                                            {"CSeq", "1 REGISTER"},
                                            {"Content-Length", "0"}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(others[i][0], name) == 0)
            continue;
        add(work, others[i][0]);
        add(work, ": ");
        add(work, others[i][1]);
        add(work, "\r\n");
    }
    add(work, "\r\n");
}

static void read_value(const struct sip_value *value)
{
    struct sip_contact contact;
    struct sip_uri uri;
    const char *what;
    char out[2048];
    sip_parameter(value->parameters, TEXT("not-there"), NULL);
    sip_contact_read(value, &contact, &what);
    if (sip_uri_create(&uri, value->uri) == 0)
        sip_uri_aor(&uri, AOR_CASE_SENSITIVE, out, sizeof out);
    sip_uri_destroy(&uri);
    sip_aor(value->uri, AOR_CASE_SENSITIVE, out, sizeof out);
    sip_uri_key(value->uri);
    sip_uri_equal(value->uri, value->uri);
}

static void read_values(const struct sip_message *message)
{
    for (enum sip_header header = 0; header < HEADER_COUNT; header++) {
        struct sip_value value;
        for (size_t i = 0; sip_value(message, header, i, &value); i++)
            read_value(&value);
        sip_has_option(message, header, TEXT("not-there"));
    }
    sip_via_count(message);
    sip_request_target(message);
    sip_expires(message);
    sip_min_se(message);
    sip_retry_after(message);
}

static void write_messages(struct work *work, const struct sip_message *message)
{
    const struct sip_answer answer = {.status = 100, .to_tag = TEXT("t"), .received = TEXT("127.0.0.1"), .rport = 1};
    const struct sip_forward forward = {.via = TEXT("SIP/2.0/UDP h;branch=z9hG4bK2"),
                                        .received = TEXT("127.0.0.1"),
                                        .routes_dropped = 3,
                                        .max_forwards = 69};
    struct sip_buffer out = {.host = &work->f.fake.host};
    sip_answer(message, &answer, &out);
    sip_buffer_clear(&out);
    sip_forward_request(message, &forward, &out);
    sip_buffer_destroy(&out);
}

static void read_registration(struct work *work, const struct sip_message *message)
{
    const struct registration_limits limits = {.expires_least = 60, .expires_most = 7200, .expires_default = 3600};
    struct registration registration;
    registration_create(&registration, &work->f.fake.host, message, &limits);
    if (registration_check_extensions(&registration) == 0 && registration_read(&registration) == 0)
        for (size_t i = 0; i < registration.count; i++) {
            char out[2048];
            registration_parameters(&registration.contacts[i], out, sizeof out);
        }
    registration_destroy(&registration);
}

static void ask_policy(struct work *work, const struct sip_message *message)
{
    work->f.call.request = message;
    assert_int_equal(fixture_request(&work->f), SCRIPT_DEFAULT);
    work->f.call.request = work->f.request;
}

/* Everything that a server does with what it has received. */
static void handle(struct work *work)
{
    struct sip_message *message;
    struct sip_fault fault;
    size_t resume = 0, length;
    sip_frame(work->bytes, work->length, &work->limits, &resume, &length);
    sip_message_new(&message, &work->f.fake.host, work->bytes, work->length, &work->limits, &fault);
    if (message == NULL)
        return;
    read_values(message);
    write_messages(work, message);
    read_registration(work, message);
    ask_policy(work, message);
    sip_message_delete(message);
}

static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The shortest of several runs: others take turns on the processor's caches. */
static double cost(struct work *work)
{
    double least = 0;
    for (int i = 0; i < TIMES; i++) {
        double begin = cpu_us();
        handle(work);
        double took = cpu_us() - begin;
        if (i == 0 || took < least)
            least = took;
    }
    return least;
}

static double ratio(struct work *work, const char *name, const char *before, const char *unit)
{
    make(work, name, before, unit, SMALL);
    double small = cost(work);
    make(work, name, before, unit, LARGE);
    return cost(work) / small;
}

static void test_time_grows_with_the_size(void **state)
{
    struct work *work = *state;
    unsigned slow = 0;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
            double found = 0;
            for (int attempt = 0; attempt < ATTEMPTS && (attempt == 0 || found > MOST_RATIO); attempt++)
                found = ratio(work, fields[i][0], fields[i][1], units[k]);
            if (found <= MOST_RATIO)
                continue;
            print_error("%s: %s and \"%s\" again and again: %.0f times as long\n", fields[i][0], fields[i][1], units[k],
                        found);
            slow++;
        }
    assert_int_equal(slow, 0);
}

/* As many header fields as there is room for: the limit on their number is raised. */
static void test_time_grows_with_the_number_of_fields(void **state)
{
    struct work *work = *state;
    static const char *const more[] = {"\r\nX: y",
                                       "\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1",
                                       "\r\nContact: <sip:a@b>",
                                       "\r\nRoute: <sip:a@b>",
                                       "\r\nRequire: x",
                                       "\r\nProxy-Require: x"};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        double found = 0;
        for (int attempt = 0; attempt < ATTEMPTS && (attempt == 0 || found > MOST_RATIO); attempt++)
            found = ratio(work, "X-Permit", "n", more[i]);
        if (found > MOST_RATIO)
            fail_msg("many of %s: %.0f times as long", more[i] + 2, found);
    }
}

/* The smallest input of the fault. */
static void test_a_folded_field_of_a_stranger_costs_a_policy_nothing(void **state)
{
    struct work *work = *state;
    FILE *file = fopen("tests/data/attacks/header_fold.sip", "rb");
    assert_non_null(file);
    for (int c; (c = fgetc(file)) != EOF;) {
        if (c != '@' || work->bytes[work->length - 1] == 'b') {
            work->bytes[work->length++] = (char)c;
            continue;
        }
        while (fgetc(file) != '@')
            ;
        add(work, "127.0.0.1:5060");
    }
    fclose(file);
    struct sip_message *message;
    struct sip_fault fault;
    assert_int_equal(sip_message_new(&message, &work->f.fake.host, work->bytes, work->length, NULL, &fault), 0);
    double begin = cpu_us();
    for (int i = 0; i < 10; i++)
        ask_policy(work, message);
    double took = cpu_us() - begin;
    sip_message_delete(message);
    assert_true(took < 10 * 20000.0);
}

static int set_up(void **state)
{
    struct work *work = calloc(1, sizeof *work);
    fixture_create(&work->f);
    work->bytes = malloc(LARGE + 4096);
    work->limits = (struct sip_limits){.message = 2 * LARGE, .fields = LARGE, .line = 2 * LARGE};
    assert_int_equal(fixture_load(&work->f, "sip_on_request(function(call)\n"
                                            "  for name, value in call:headers() do assert(name and value) end\n"
                                            "  local _ = call:header 'X-Permit', call:header 'Contact', call.from\n"
                                            "  local _ = call.to, call.uri, call.call_id, call.aor, call.body\n"
                                            "end)\n"),
                     0);
    *state = work;
    return 0;
}

static int tear_down(void **state)
{
    struct work *work = *state;
    free(work->bytes);
    fixture_destroy(&work->f);
    free(work);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_time_grows_with_the_size),
        TEST(test_time_grows_with_the_number_of_fields),
        TEST(test_a_folded_field_of_a_stranger_costs_a_policy_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
