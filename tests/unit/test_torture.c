// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "test.h"

#include "sip/registration.h"
#include "sip_corpus.h"
#include "test_data.h"

/*
 * The torture cases of RFC 4475 and RFC 5118 and the call flows of RFC 3665 and RFC 5626, in messages of our own below
 * tests/data/messages. The manifests say whether a message is accepted, dropped, or with which status it is refused.
 */

struct reading {
    struct fake_host fake;
    struct sip_message *message;
    struct sip_fault fault;
    struct text file;
    int result;
};

static void open_text(struct reading *reading, struct text text)
{
    reading->file = text;
    fake_host_create(&reading->fake);
    reading->result =
        sip_message_new(&reading->message, &reading->fake.host, text.at, text.length, NULL, &reading->fault);
}

static void close_text(struct reading *reading)
{
    sip_message_delete(reading->message);
    assert_int_equal(reading->fake.allocated, 0);
}

static void open_file(struct reading *reading, const char *folder, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s.dat", folder, name);
    open_text(reading, test_data_load(path));
}

static void finish(struct reading *reading)
{
    close_text(reading);
    free((char *)reading->file.at);
}

static bool is_as_expected(const struct reading *reading, const char *expected)
{
    if (strcmp(expected, "accepted") == 0)
        return reading->result == 0;
    if (strcmp(expected, "dropped") == 0)
        return reading->result == -EBADMSG && reading->message == NULL;
    return reading->result == -EBADMSG && reading->message != NULL && reading->fault.status == atoi(expected);
}

/* A REGISTER is for a registrar, whose part of the reading comes after that of every element. */
static void read_registration(struct reading *reading)
{
    struct registration registration;
    const struct registration_limits limits = {.expires_default = 3600, .expires_least = 60, .expires_most = 7200};
    if (reading->result != 0 || !sip_is_request(reading->message) || sip_method(reading->message) != METHOD_REGISTER)
        return;
    registration_create(&registration, &reading->fake.host, reading->message, &limits);
    reading->result = registration_read(&registration);
    if (reading->result == -EBADMSG)
        reading->fault =
            (struct sip_fault){.status = (uint16_t)registration.status, .what = "the registrar refuses it"};
    registration_destroy(&registration);
}

static void check_case(const char *folder, const char *name, const char *expected)
{
    struct reading reading;
    uint16_t status;
    open_file(&reading, folder, name);
    read_registration(&reading);
    if (!is_as_expected(&reading, expected))
        fail_msg("%s: result %d, %u %s, not %s", name, reading.result, reading.fault.status,
                 reading.fault.what != NULL ? reading.fault.what : "", expected);
    const char *problem = sip_exercise(&reading.fake.host, reading.file.at, reading.file.length, &status);
    if (problem != NULL)
        fail_msg("%s: %s", name, problem);
    finish(&reading);
}

/* Checks each case of the folder's manifest, and that no file is missing there. */
static void check_cases(const char *folder, size_t count)
{
    struct message_samples samples;
    struct data_table manifest;
    const char *field[5]; /* name, section, reading, answer of a server, note */
    char path[128];
    size_t row = 0;
    message_samples_create(&samples, folder);
    assert_int_equal(samples.count, count);
    snprintf(path, sizeof path, "%s/MANIFEST.tsv", folder);
    for (data_table_open(&manifest, path, true); data_table_next(&manifest, field, 5); row++) {
        assert_true(row < count);
        assert_string_equal(field[0], samples.at[row].name);
        check_case(folder, field[0], field[2]);
    }
    assert_int_equal(row, count);
    data_table_close(&manifest);
    message_samples_destroy(&samples);
}

static void test_rfc4475(void **state)
{
    (void)state;
    check_cases("messages/rfc4475", 49);
}

static void test_rfc5118(void **state)
{
    (void)state;
    check_cases("messages/rfc5118", 12);
}

static void check_truncations(struct guard *guard, const struct message_sample *sample)
{
    struct fake_host fake;
    uint16_t status;
    fake_host_create(&fake);
    for (size_t length = 0; length < sample->text.length; length++) {
        const char *problem = sip_exercise(&fake.host, guard_put(guard, sample->text.at, length), length, &status);
        if (problem != NULL)
            fail_msg("%s, cut to %zu bytes: %s", sample->name, length, problem);
    }
    assert_int_equal(fake.allocated, 0);
}

static void test_every_truncation(void **state)
{
    static const char *const folders[] = {"messages/rfc4475", "messages/rfc5118", "messages/rfc5626"};
    struct guard guard;
    (void)state;
    guard_create(&guard, 8192);
    for (size_t folder = 0; folder < sizeof folders / sizeof folders[0]; folder++) {
        struct message_samples samples;
        message_samples_create(&samples, folders[folder]);
        for (size_t i = 0; i < samples.count; i++)
            check_truncations(&guard, &samples.at[i]);
        message_samples_destroy(&samples);
    }
    guard_destroy(&guard);
}

#define assert_text(actual, expected)                                                                                  \
    do {                                                                                                               \
        struct text text_ = (actual);                                                                                  \
        assert_int_equal(text_.length, strlen(expected));                                                              \
        assert_memory_equal(text_.at, expected, text_.length);                                                         \
    } while (0)

static void test_white_space_of_wsinv(void **state)
{
    (void)state;
    struct reading reading;
    struct sip_value value;
    struct sip_contact contact;
    const char *what;
    open_file(&reading, "messages/rfc4475", "wsinv");
    assert_text(sip_to_tag(reading.message), "k41-roof");
    assert_text(sip_from_tag(reading.message), "oven77");
    assert_int_equal(sip_max_forwards(reading.message), 54);
    assert_int_equal(sip_cseq(reading.message), 12);
    assert_int_equal(sip_via_count(reading.message), 3);
    assert_text(sip_top_via(reading.message)->host, "198.51.100.30");
    assert_text(sip_top_via(reading.message)->branch, "old-style.7");
    assert_int_equal(sip_body(reading.message).length, 138);
    assert_true(sip_value(reading.message, HEADER_CONTACT, 0, &value));
    assert_text(value.uri, "sip:emil@example.net");
    assert_int_equal(sip_contact_read(&value, &contact, &what), 0);
    assert_int_equal(contact.q, 450);
    finish(&reading);
}

static void test_odd_characters_of_intmeth(void **state)
{
    (void)state;
    struct reading reading;
    open_file(&reading, "messages/rfc4475", "intmeth");
    assert_text(sip_method_text(reading.message), "Odd-Verb_2026.!%*+`'~also");
    assert_int_equal(sip_method(reading.message), METHOD_OTHER);
    assert_text(sip_request_target(reading.message)->user, "all-of_the.marks!~*'(here)&=+$,;?/");
    assert_text(sip_request_target(reading.message)->host, "example.com");
    assert_text(sip_from_tag(reading.message), "-%!*+`'~_.mark");
    assert_int_equal(sip_cseq(reading.message), 777000111);
    finish(&reading);
}

static void test_escapes_of_escnull_stay_apart(void **state)
{
    (void)state;
    struct reading reading;
    struct sip_value first, second;
    open_file(&reading, "messages/rfc4475", "escnull");
    assert_true(sip_value(reading.message, HEADER_CONTACT, 0, &first));
    assert_true(sip_value(reading.message, HEADER_CONTACT, 1, &second));
    assert_text(first.uri, "sip:%00@store.example.org");
    assert_text(second.uri, "sip:%00%00@store.example.org");
    assert_false(sip_uri_equal(first.uri, second.uri));
    finish(&reading);
}

static void test_extra_bytes_of_dblreq_are_left(void **state)
{
    (void)state;
    struct reading reading;
    open_file(&reading, "messages/rfc4475", "dblreq");
    assert_int_equal(sip_method(reading.message), METHOD_REGISTER);
    assert_int_equal(sip_body(reading.message).length, 0);
    assert_true(sip_bytes(reading.message).length < reading.file.length);
    finish(&reading);
}

static void test_ipv6_of_rfc5118(void **state)
{
    (void)state;
    struct reading reading;
    open_file(&reading, "messages/rfc5118", "port-ambiguous");
    assert_text(sip_request_target(reading.message)->host, "2001:db8:7::5:5080");
    assert_int_equal(sip_request_target(reading.message)->port, 0);
    finish(&reading);
    open_file(&reading, "messages/rfc5118", "port-unambiguous");
    assert_int_equal(sip_request_target(reading.message)->port, 5080);
    finish(&reading);
    open_file(&reading, "messages/rfc5118", "via-received-param-no-delim");
    assert_text(sip_top_via(reading.message)->received, "2001:db8:7::9:31");
    finish(&reading);
    open_file(&reading, "messages/rfc5118", "via-received-param-with-delim");
    assert_text(sip_top_via(reading.message)->received, "2001:db8:7::9:31");
    finish(&reading);
}

static void without_vias(char *to, const char *message)
{
    while (*message != '\0') {
        size_t length = strcspn(message, "\n") + 1;
        bool is_via = strncmp(message, "Via:", 4) == 0;
        memcpy(to, message, length);
        to += is_via ? 0 : length;
        message += length;
    }
    *to = '\0';
}

static void check_without_vias(const struct message_sample *sample)
{
    struct reading reading;
    char *cut = malloc(sample->text.length + 1);
    assert_non_null(cut);
    without_vias(cut, sample->text.at);
    open_text(&reading, text_of(cut));
    if (reading.result != -EBADMSG || strcmp(reading.fault.header, "Via") != 0)
        fail_msg("%s without Via: result %d, %s", sample->name, reading.result, reading.fault.what);
    close_text(&reading);
    free(cut);
}

static void check_message_of_flow(const struct message_sample *sample)
{
    struct reading reading;
    uint16_t status;
    open_text(&reading, sample->text);
    if (reading.result != 0)
        fail_msg("%s: %s", sample->name, reading.fault.what);
    assert_int_equal(sip_bytes(reading.message).length, sample->text.length);
    const char *problem = sip_exercise(&reading.fake.host, sample->text.at, sample->text.length, &status);
    if (problem != NULL)
        fail_msg("%s: %s", sample->name, problem);
    close_text(&reading);
    check_without_vias(sample);
}

static size_t count_of_flow(const struct message_samples *samples, const char *flow)
{
    size_t count = 0;
    for (size_t i = 0; i < samples->count; i++)
        count += strncmp(samples->at[i].name, flow, strlen(flow)) == 0 && samples->at[i].name[strlen(flow)] == '/';
    return count;
}

/* Every message is accepted as it is, is as long as it says, and is refused without Via. */
static void check_flows(const char *folder, size_t flows, size_t messages)
{
    struct message_samples samples;
    struct data_table manifest;
    const char *field[4]; /* name, section, number of messages, note */
    char path[128];
    size_t row = 0;
    message_samples_create(&samples, folder);
    assert_int_equal(samples.count, messages);
    for (size_t i = 0; i < samples.count; i++)
        check_message_of_flow(&samples.at[i]);
    snprintf(path, sizeof path, "%s/MANIFEST.tsv", folder);
    for (data_table_open(&manifest, path, true); data_table_next(&manifest, field, 4); row++)
        assert_int_equal(count_of_flow(&samples, field[0]), atoi(field[2]));
    assert_int_equal(row, flows);
    data_table_close(&manifest);
    message_samples_destroy(&samples);
}

static void test_call_flows(void **state)
{
    (void)state;
    check_flows("messages/rfc3665", 16, 193);
}

static void test_outbound_flows(void **state)
{
    (void)state;
    check_flows("messages/rfc5626", 6, 39);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc4475),
        cmocka_unit_test(test_rfc5118),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_white_space_of_wsinv),
        cmocka_unit_test(test_odd_characters_of_intmeth),
        cmocka_unit_test(test_escapes_of_escnull_stay_apart),
        cmocka_unit_test(test_extra_bytes_of_dblreq_are_left),
        cmocka_unit_test(test_ipv6_of_rfc5118),
        cmocka_unit_test(test_call_flows),
        cmocka_unit_test(test_outbound_flows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
