// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <glob.h>

#include "test.h"

#include "sip/message.h"
#include "sip_corpus.h"

/* The torture messages of RFC 4475 and RFC 5118: which are read, which are refused and with what. */

enum { READ = 0, DROPPED = 1 }; /* expected, beside a status to answer with */

struct row {
    const char *file;
    uint16_t expected;   /* READ, DROPPED, or the status that an answer can be built with */
    const char *differs; /* why, where the RFC would have it otherwise or leaves a choice; NULL: as the RFC wants it */
};

static const struct row RFC4475[] = {
    {"badaspec", 400, NULL},
    {"badbranch", READ, NULL},
    {"baddate", READ, "Date is not acted upon here: an element may leave the field alone"},
    {"baddn", 400, NULL},
    {"badinv01", 400, NULL},
    {"badvers", 505, NULL},
    {"bcast", READ, NULL},
    {"bext01", READ, NULL},
    {"bigcode", DROPPED, NULL},
    {"clerr", 400, NULL},
    {"cparam01", READ, NULL},
    {"cparam02", READ, NULL},
    {"dblreq", READ, NULL},
    {"esc01", READ, NULL},
    {"esc02", READ, NULL},
    {"escnull", READ, NULL},
    {"escruri", 400, NULL},
    {"insuf", 400, NULL},
    {"intmeth", READ, NULL},
    {"inv2543", READ, NULL},
    {"invut", READ, NULL},
    {"longreq", READ, NULL},
    {"ltgtruri", 400, NULL},
    {"lwsdisp", READ, NULL},
    {"lwsruri", 400, NULL},
    {"lwsstart", 400, NULL},
    {"mcl01", 400, NULL},
    {"mismatch01", 400, NULL},
    {"mismatch02", 400, "400 and 501 are both right"},
    {"mpart01", READ, NULL},
    {"multi01", 400, NULL},
    {"ncl", 400, NULL},
    {"noreason", READ, NULL},
    {"novelsc", READ, NULL},
    {"quotbal", 400, NULL},
    {"regaut01", READ, NULL},
    {"regbadct", 400, NULL},
    {"regescrt", READ, NULL},
    {"scalar02", 400, NULL},
    {"scalarlg", DROPPED, NULL},
    {"sdp01", READ, NULL},
    {"semiuri", READ, NULL},
    {"transports", READ, NULL},
    {"trws", 400, NULL},
    {"unkscm", READ, NULL},
    {"unksm2", READ, NULL},
    {"unreason", READ, NULL},
    {"wsinv", READ, NULL},
    {"zeromf", READ, NULL},
};

static const struct row RFC5118[] = {
    {"ipv4-mapped-ipv6", READ, NULL},
    {"ipv6-bad", 400, NULL},
    {"ipv6-bug-abnf-3-colons", READ, NULL},
    {"ipv6-correct-abnf-2-colons", READ, NULL},
    {"ipv6-good", READ, NULL},
    {"ipv6-in-sdp", READ, NULL},
    {"mult-ip-in-header", READ, NULL},
    {"mult-ip-in-sdp", READ, NULL},
    {"port-ambiguous", READ, NULL},
    {"port-unambiguous", READ, NULL},
    {"via-received-param-no-delim", READ, NULL},
    {"via-received-param-with-delim", READ, NULL},
};

struct reading {
    struct fake_host fake;
    struct sip_message *message;
    struct sip_fault fault;
    struct text file;
    int result;
};

static void skip_without_data(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/data/messages/rfc4475/wsinv.dat", sip_corpus_shared());
    struct text text = sip_corpus_load(path);
    free((char *)text.at);
    if (text.length == 0) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
}

static void open_path(struct reading *reading, const char *path)
{
    reading->file = sip_corpus_load(path);
    if (reading->file.length == 0)
        fail_msg("%s cannot be read", path);
    fake_host_create(&reading->fake);
    reading->result = sip_message_new(&reading->message, &reading->fake.host, reading->file.at, reading->file.length,
                                      NULL, &reading->fault);
}

static void open_file(struct reading *reading, const char *directory, const char *file)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/data/messages/%s/%s.dat", sip_corpus_shared(), directory, file);
    open_path(reading, path);
}

static void finish(struct reading *reading)
{
    sip_message_delete(reading->message);
    assert_int_equal(reading->fake.allocated, 0);
    free((char *)reading->file.at);
}

static void check_row(const char *directory, const struct row *row)
{
    struct reading reading;
    open_file(&reading, directory, row->file);
    bool right = row->expected == READ ? reading.result == 0 : reading.result == -EBADMSG;
    if (row->expected >= 400)
        right = right && reading.fault.status == row->expected && reading.message != NULL;
    if (row->expected == DROPPED)
        right = right && reading.message == NULL;
    if (!right)
        fail_msg("%s: result %d, %u %s", row->file, reading.result, reading.fault.status,
                 reading.fault.what != NULL ? reading.fault.what : "");
    uint16_t status;
    const char *problem = sip_exercise(&reading.fake.host, reading.file.at, reading.file.length, &status);
    if (problem != NULL)
        fail_msg("%s: %s", row->file, problem);
    if (row->differs != NULL)
        print_message("%s: %s\n", row->file, row->differs);
    finish(&reading);
}

static size_t count_files(const char *pattern)
{
    char path[4096];
    glob_t found;
    snprintf(path, sizeof path, "%s/data/messages/%s", sip_corpus_shared(), pattern);
    size_t count = glob(path, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    return count;
}

static void test_rfc4475(void **state)
{
    (void)state;
    skip_without_data();
    assert_int_equal(count_files("rfc4475/*.dat"), sizeof RFC4475 / sizeof RFC4475[0]);
    for (size_t i = 0; i < sizeof RFC4475 / sizeof RFC4475[0]; i++)
        check_row("rfc4475", &RFC4475[i]);
}

static void test_rfc5118(void **state)
{
    (void)state;
    skip_without_data();
    assert_int_equal(count_files("rfc5118/*.dat"), sizeof RFC5118 / sizeof RFC5118[0]);
    for (size_t i = 0; i < sizeof RFC5118 / sizeof RFC5118[0]; i++)
        check_row("rfc5118", &RFC5118[i]);
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
    skip_without_data();
    struct reading reading;
    struct sip_value value;
    struct sip_contact contact;
    const char *what;
    open_file(&reading, "rfc4475", "wsinv");
    assert_text(sip_to_tag(reading.message), "1918181833n");
    assert_text(sip_from_tag(reading.message), "98asjd8");
    assert_int_equal(sip_max_forwards(reading.message), 68);
    assert_int_equal(sip_cseq(reading.message), 9);
    assert_int_equal(sip_via_count(reading.message), 3);
    assert_text(sip_top_via(reading.message)->host, "192.0.2.2");
    assert_text(sip_top_via(reading.message)->branch, "390skdjuw");
    assert_int_equal(sip_body(reading.message).length, 150);
    assert_true(sip_value(reading.message, HEADER_CONTACT, 0, &value));
    assert_text(value.uri, "sip:jdrosen@example.com");
    assert_int_equal(sip_contact_read(&value, &contact, &what), 0);
    assert_int_equal(contact.q, 330);
    finish(&reading);
}

static void test_odd_characters_of_intmeth(void **state)
{
    (void)state;
    skip_without_data();
    struct reading reading;
    open_file(&reading, "rfc4475", "intmeth");
    assert_text(sip_method_text(reading.message), "!interesting-Method0123456789_*+`.%indeed'~");
    assert_int_equal(sip_method(reading.message), METHOD_OTHER);
    assert_text(sip_request_target(reading.message)->user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    assert_text(sip_request_target(reading.message)->host, "example.com");
    assert_text(sip_from_tag(reading.message), "_token~1'+`*%!-.");
    assert_int_equal(sip_cseq(reading.message), 139122385);
    finish(&reading);
}

static void test_escapes_of_escnull_stay_apart(void **state)
{
    (void)state;
    skip_without_data();
    struct reading reading;
    struct sip_value first, second;
    open_file(&reading, "rfc4475", "escnull");
    assert_true(sip_value(reading.message, HEADER_CONTACT, 0, &first));
    assert_true(sip_value(reading.message, HEADER_CONTACT, 1, &second));
    assert_text(first.uri, "sip:%00@host5.example.com");
    assert_text(second.uri, "sip:%00%00@host5.example.com");
    assert_false(sip_uri_equal(first.uri, second.uri));
    finish(&reading);
}

static void test_extra_bytes_of_dblreq_are_left(void **state)
{
    (void)state;
    skip_without_data();
    struct reading reading;
    open_file(&reading, "rfc4475", "dblreq");
    assert_int_equal(sip_method(reading.message), METHOD_REGISTER);
    assert_int_equal(sip_body(reading.message).length, 0);
    assert_true(sip_bytes(reading.message).length < reading.file.length);
    finish(&reading);
}

static void test_ipv6_of_rfc5118(void **state)
{
    (void)state;
    skip_without_data();
    struct reading reading;
    open_file(&reading, "rfc5118", "port-ambiguous");
    assert_text(sip_request_target(reading.message)->host, "2001:db8::10:5070");
    assert_int_equal(sip_request_target(reading.message)->port, 0);
    finish(&reading);
    open_file(&reading, "rfc5118", "port-unambiguous");
    assert_int_equal(sip_request_target(reading.message)->port, 5070);
    finish(&reading);
    open_file(&reading, "rfc5118", "via-received-param-no-delim");
    assert_text(sip_top_via(reading.message)->received, "2001:db8::9:255");
    finish(&reading);
    open_file(&reading, "rfc5118", "via-received-param-with-delim");
    assert_text(sip_top_via(reading.message)->received, "2001:db8::9:255");
    finish(&reading);
}

/* Each file of a directory: read, or refused with `refusal` and nothing else. */
static size_t check_flows(const char *pattern, const char *refusal)
{
    char path[4096];
    glob_t found;
    size_t refused = 0;
    snprintf(path, sizeof path, "%s/data/messages/%s", sip_corpus_shared(), pattern);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct reading reading;
        open_path(&reading, found.gl_pathv[i]);
        refused += reading.result != 0;
        if (reading.result != 0 && (refusal == NULL || strcmp(reading.fault.what, refusal) != 0))
            fail_msg("%s: %s", found.gl_pathv[i], reading.fault.what);
        finish(&reading);
    }
    globfree(&found);
    return refused;
}

static void test_call_flows(void **state)
{
    (void)state;
    skip_without_data();
    assert_int_equal(check_flows("rfc3665/raw/*/*.sip", NULL), 0);
}

/* Sketches: those without Via are refused for that. */
static void test_outbound_flows(void **state)
{
    (void)state;
    skip_without_data();
    assert_true(check_flows("rfc5626/raw/*/0[0-9].sip", "Via is missing") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc4475),
        cmocka_unit_test(test_rfc5118),
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
