// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "test.h"

#include "core/code.h"
#include "sip/registration.h"

/* What a REGISTER asks for, as every registrar reads it (RFC 3261 section 10.3, RFC 5626 section 6). */

#define INSTANCE ";+sip.instance=\"<urn:uuid:1>\""
#define FAR      "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define OUTBOUND "Supported: path, outbound\r\n"
#define CONTACT  "Contact: <sip:bob@192.0.2.4>"
#define FLOW     CONTACT INSTANCE ";reg-id=1\r\n"

struct reading {
    struct fake_host fake;
    struct sip_message *message;
    struct registration registration;
    int result;
};

static void create(struct reading *reading, const char *fields)
{
    char text[8192];
    struct sip_fault fault;
    const struct registration_limits limits = {.expires_default = 3600, .expires_least = 60, .expires_most = 7200};
    snprintf(text, sizeof text,
             "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.4;branch=z9hG4bK2\r\n"
             "From: <sip:bob@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"
             "%sContent-Length: 0\r\n\r\n",
             fields);
    fake_host_create(&reading->fake);
    assert_int_equal(sip_message_new(&reading->message, &reading->fake.host, text, strlen(text), NULL, &fault), 0);
    registration_create(&reading->registration, &reading->fake.host, reading->message, &limits);
}

static struct registration *read_fields(struct reading *reading, const char *fields)
{
    create(reading, fields);
    reading->result = registration_check_extensions(&reading->registration);
    if (reading->result == 0)
        reading->result = registration_read(&reading->registration);
    return &reading->registration;
}

static void finish(struct reading *reading)
{
    registration_destroy(&reading->registration);
    sip_message_delete(reading->message);
    assert_int_equal(reading->fake.allocated, 0);
}

static void assert_refused(const char *fields, uint32_t status)
{
    struct reading reading;
    read_fields(&reading, fields);
    assert_int_equal(reading.result, -EBADMSG);
    assert_int_equal(reading.registration.status, status);
    finish(&reading);
}

static void assert_written(const struct registration *registration, uint32_t flow_timer, const char *expected)
{
    struct sip_buffer fields = {.host = registration->path.host};
    registration_confirm(registration, flow_timer, &fields);
    sip_append(&fields, (struct text){"", 1});
    assert_string_equal(fields.bytes, expected);
    sip_buffer_destroy(&fields);
}

/* --- Path and first hop --- */

static void test_5626_6_a_the_first_hop_is_told_by_via(void **state)
{
    (void)state;
    struct reading reading;
    struct registration *near = read_fields(&reading, OUTBOUND FLOW);
    assert_int_equal(reading.result, 0);
    assert_true(near->first_hop && near->outbound && near->supports_outbound);
    assert_true(registration_is_flow(near, 0) && registration_applied(near));
    assert_written(near, 25, "Supported: path, outbound\r\nRequire: outbound\r\nFlow-Timer: 25\r\n");
    finish(&reading);
}

static void test_5626_6_a_path_is_kept_in_order_and_written_for_who_supports_it(void **state)
{
    (void)state;
    struct reading reading;
    struct registration *far =
        read_fields(&reading, FAR OUTBOUND FLOW "Path: <sip:a;lr;ob>, <sip:b;lr>\r\nPath: <sip:c;lr>\r\n");
    assert_int_equal(reading.result, 0);
    assert_true(!far->first_hop && far->outbound && registration_applied(far));
    assert_written(far, 25,
                   "Path: <sip:a;lr;ob>, <sip:b;lr>, <sip:c;lr>\r\nSupported: path, outbound\r\n"
                   "Require: outbound\r\n");
    finish(&reading);
    far = read_fields(&reading, FAR FLOW "Path: <sip:a;lr;ob>\r\n");
    assert_written(far, 25, "Supported: path, outbound\r\n");
    finish(&reading);
    assert_refused(OUTBOUND FLOW "Path: <sip:>\r\n", SIP_BAD_REQUEST);
}

static void test_5626_6_b_no_ob_in_the_first_path(void **state)
{
    (void)state;
    struct reading reading;
    assert_refused(FAR OUTBOUND FLOW, SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT);
    assert_refused(FAR OUTBOUND FLOW "Path: <sip:a;lr>, <sip:b;lr;ob>\r\n", SIP_FIRST_HOP_LACKS_OUTBOUND_SUPPORT);
    struct registration *ignored = read_fields(&reading, FAR FLOW "Path: <sip:a;lr>\r\n");
    assert_int_equal(reading.result, 0);
    assert_false(registration_is_flow(ignored, 0));
    finish(&reading);
}

static void test_5626_6_c_and_6_e_reg_id_without_instance_is_ignored(void **state)
{
    (void)state;
    struct reading reading;
    struct registration *ignored = read_fields(&reading, OUTBOUND CONTACT ";reg-id=1\r\n");
    assert_int_equal(reading.result, 0);
    assert_false(registration_is_flow(ignored, 0));
    assert_written(ignored, 25, "Supported: path, outbound\r\n");
    finish(&reading);
}

static void test_5626_6_d_one_living_contact_beside_a_reg_id(void **state)
{
    (void)state;
    struct reading reading;
    assert_refused(OUTBOUND FLOW "Contact: <sip:b@192.0.2.5>\r\n", SIP_BAD_REQUEST);
    read_fields(&reading, OUTBOUND FLOW "Contact: <sip:b@192.0.2.5>;expires=0\r\n");
    assert_int_equal(reading.result, 0);
    assert_int_equal(reading.registration.count, 2);
    finish(&reading);
}

static void test_5626_6_e_a_removal_is_not_applied(void **state)
{
    (void)state;
    struct reading reading;
    struct registration *gone = read_fields(&reading, OUTBOUND "Expires: 0\r\n" FLOW);
    assert_true(registration_is_flow(gone, 0));
    assert_false(registration_applied(gone));
    assert_written(gone, 25, "Supported: path, outbound\r\n");
    finish(&reading);
}

static void test_5626_6_h_require_outbound_for_who_said_that_it_supports_it(void **state)
{
    (void)state;
    struct reading reading;
    struct registration *mute = read_fields(&reading, FLOW);
    assert_true(registration_applied(mute));
    assert_written(mute, 25, "Supported: path, outbound\r\n");
    finish(&reading);
    struct registration *applied = read_fields(&reading, OUTBOUND FLOW);
    assert_written(applied, 0, "Supported: path, outbound\r\nRequire: outbound\r\n");
    finish(&reading);
}

static void test_5626_11_6_a_the_facts_for_guardrails(void **state)
{
    (void)state;
    struct reading reading;
    struct facts facts;
    registration_facts(read_fields(&reading, OUTBOUND FLOW), &facts);
    assert_true(facts.supports_outbound);
    assert_int_equal(facts.reg_id, 1);
    assert_int_equal(facts.method, METHOD_REGISTER);
    finish(&reading);
}

/* --- Contacts --- */

static void test_what_is_granted(void **state)
{
    (void)state;
    struct reading reading;
    struct registration *asked =
        read_fields(&reading, "Expires: 100\r\n" CONTACT "\r\nContact: <sip:b>;expires=200\r\n"
                              "Contact: <sip:c>;expires=99999\r\nContact: <sip:d>;expires=0\r\n");
    assert_int_equal(asked->expires[0], 100);
    assert_int_equal(asked->expires[1], 200);
    assert_int_equal(asked->expires[2], 7200);
    assert_int_equal(asked->expires[3], 0);
    finish(&reading);
    asked = read_fields(&reading, CONTACT "\r\n");
    assert_int_equal(asked->expires[0], 3600);
    finish(&reading);
    asked = read_fields(&reading, CONTACT ";expires=59\r\n");
    assert_int_equal(asked->status, SIP_INTERVAL_TOO_BRIEF);
    assert_string_equal(asked->fields, "Min-Expires: 60\r\n");
    finish(&reading);
}

static void test_star_stands_alone_and_with_expires_0(void **state)
{
    (void)state;
    struct reading reading;
    assert_true(read_fields(&reading, "Expires: 0\r\nContact: *\r\n")->star);
    assert_int_equal(reading.result, 0);
    finish(&reading);
    assert_refused("Contact: *\r\n", SIP_BAD_REQUEST);
    assert_refused("Expires: 10\r\nContact: *\r\n", SIP_BAD_REQUEST);
    assert_refused("Expires: 0\r\nContact: *\r\nContact: <sip:b>\r\n", SIP_BAD_REQUEST);
    assert_refused("Expires: 0\r\nContact: *, *\r\n", SIP_BAD_REQUEST);
}

static void test_3261_10_3_a_equal_contacts_have_one_key(void **state)
{
    (void)state;
    struct reading reading;
    struct registration *asked = read_fields(
        &reading, "Contact: <SIP:%62ob@EXAMPLE.com>, <sip:bob@example.com;x>, <sip:bob@example.com:5060>\r\n");
    assert_int_equal(registration_key(asked, 0), registration_key(asked, 1));
    assert_int_not_equal(registration_key(asked, 0), registration_key(asked, 2));
    assert_true(text_equal(asked->contacts[0].value.uri, TEXT("SIP:%62ob@EXAMPLE.com")));
    finish(&reading);
}

static void test_3261_10_3_c_a_contact_that_is_no_sip_uri(void **state)
{
    (void)state;
    static const char *const ROWS[] = {
        "sip:a@b@h",
        "sip:a@h:99999",
        "sip:a@h:0",
        "sip:a@h:5060transport=udp",
        "sip:a@h:",
        "sip:a%zz@h",
        "sip:a%2@h",
        "sip:a@[::1",
        "sip:a@[::1]x",
        "sip:a@[::g]",
        "sip:@h",
        "sip:a@",
        "sip:",
        "sip:a@h;;x",
        "sip:a@h;=x",
        "mailto:a@example",
        "tel:+1",
        "urn:x:y",
        "http://h/",
        "sip:a@h i",
        "sip:a@h;x=\xc3\xa4",
        "sip:a@-h:+5",
        "sip:a@h:1:2",
        "sip:a@::1",
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char fields[128];
        struct reading reading;
        snprintf(fields, sizeof fields, "Contact: <sip:good@192.0.2.1>, <%s>\r\n", ROWS[i]);
        struct registration *asked = read_fields(&reading, fields);
        if (reading.result != -EBADMSG || asked->status != SIP_BAD_REQUEST)
            fail_msg("%s: result %d", ROWS[i], reading.result);
        assert_int_equal(strncmp(asked->phrase, "Bad Request: Contact: ", 22), 0);
        finish(&reading);
    }
}

static void test_3261_10_3_c_contacts_that_are_sip_uris(void **state)
{
    (void)state;
    static const char *const ROWS[] = {
        "sip:a@h",
        "sips:a@h:65535",
        "sip:h",
        "sip:a@[2001:db8::1]:5060",
        "sip:a:secret@h",
        "sip:a%20b@h",
        "sip:a@h;ob;x=",
        "sip:a@h?x=y",
        "sip:a_b@my_phone.lan",
        "sip:a@h.example.com.",
        "sip:+1;ext=2@h",
        "sip:a@x.invalid;transport=ws",
        "sip:%00@h",
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char fields[128];
        struct reading reading;
        snprintf(fields, sizeof fields, "Contact: <%s>\r\n", ROWS[i]);
        struct registration *asked = read_fields(&reading, fields);
        if (reading.result != 0)
            fail_msg("%s: %s", ROWS[i], asked->phrase);
        finish(&reading);
    }
}

static void test_a_refusal_says_what_is_wrong_and_where(void **state)
{
    (void)state;
    struct reading reading;
    static const char *const ROWS[][2] = {
        {"Contact: <sip:bob@h>;;x\r\n", "Bad Request: Contact: a parameter has no name at byte 190"},
        {"Contact: <sip:bob@h:0>\r\n", "Bad Request: Contact: the address is not a valid SIP URI at byte 180"},
        {"Expires: soon\r\n", "Bad Request: Expires: the value is not a number at byte 179"},
        {"Contact: *\r\n", "Bad Request: Contact: * is only allowed alone and with Expires: 0"},
        {"Path: <sip:>\r\n", "Bad Request: Path: the value is not a valid URI at byte 176"},
        {"Contact:\r\n", "Bad Request: Contact: the value is empty at byte 170"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct registration *asked = read_fields(&reading, ROWS[i][0]);
        assert_int_equal(asked->status, SIP_BAD_REQUEST);
        assert_string_equal(asked->phrase, ROWS[i][1]);
        finish(&reading);
    }
}

static void test_a_device_that_repeats_its_instance_is_registered(void **state)
{
    (void)state;
    struct reading reading;
    struct registration *asked =
        read_fields(&reading, OUTBOUND CONTACT INSTANCE ";reg-id=1;q=.5" INSTANCE ";expires=\"600\"\r\n");
    assert_int_equal(reading.result, 0);
    assert_true(registration_is_flow(asked, 0));
    assert_int_equal(asked->expires[0], 600);
    assert_int_equal(asked->contacts[0].q, 500);
    finish(&reading);
    assert_refused(OUTBOUND CONTACT INSTANCE ";reg-id=1;+sip.instance=\"<urn:uuid:2>\"\r\n", SIP_BAD_REQUEST);
}

/* --- sizes --- */

/* `count` times "Path: <sip:" and a value of `length` bytes in all, and a Contact. */
static char *path_fields(char *out, size_t size, unsigned count, size_t length)
{
    size_t used = 0;
    for (unsigned i = 0; i < count; i++)
        used += (size_t)snprintf(out + used, size - used, "Path: <sip:%0*d@h;lr>\r\n", (int)length - 11, 0);
    snprintf(out + used, size - used, CONTACT "\r\n");
    return out;
}

static char *contact_fields(char *out, size_t size, size_t uri, size_t parameters)
{
    snprintf(out, size, "Contact: <sip:%0*d@h>;x=%0*d\r\n", (int)uri - 6, 0, (int)parameters - 3, 0);
    return out;
}

static void assert_phrase(const char *fields, const char *what)
{
    struct reading reading;
    struct registration *asked = read_fields(&reading, fields);
    assert_int_equal(reading.result, -EBADMSG);
    assert_int_equal(asked->status, SIP_BAD_REQUEST);
    assert_non_null(strstr(asked->phrase, what));
    finish(&reading);
}

static void assert_taken(const char *fields)
{
    struct reading reading;
    read_fields(&reading, fields);
    assert_int_equal(reading.result, 0);
    finish(&reading);
}

static void test_a_path_has_limits_in_each_value_in_sum_and_in_number(void **state)
{
    (void)state;
    char fields[8000];
    assert_taken(path_fields(fields, sizeof fields, 1, REGISTRATION_PATH_VALUE_MOST));
    assert_phrase(path_fields(fields, sizeof fields, 1, REGISTRATION_PATH_VALUE_MOST + 1),
                  "Path: a value is longer than 1024 bytes");
    assert_taken(path_fields(fields, sizeof fields, REGISTRATION_PATH_VALUES_MOST, 250));
    assert_phrase(path_fields(fields, sizeof fields, REGISTRATION_PATH_VALUES_MOST + 1, 20),
                  "Path: there are more than 8 values");
    assert_phrase(path_fields(fields, sizeof fields, 5, 500), "Path: the values together are longer than 2048 bytes");
}

static void test_a_contact_has_limits_in_uri_and_parameters(void **state)
{
    (void)state;
    char fields[8000];
    assert_taken(contact_fields(fields, sizeof fields, REGISTRATION_URI_MOST, REGISTRATION_PARAMETERS_MOST));
    assert_phrase(contact_fields(fields, sizeof fields, REGISTRATION_URI_MOST + 1, 10),
                  "Contact: the URI is longer than 1024 bytes");
    assert_phrase(contact_fields(fields, sizeof fields, 10, REGISTRATION_PARAMETERS_MOST + 1),
                  "Contact: the parameters are longer than 2048 bytes");
}

static void test_a_long_contact_keeps_all_its_parameters(void **state)
{
    (void)state;
    char fields[8000], out[REGISTRATION_PARAMETERS_MOST + 1];
    struct reading reading;
    struct registration *asked = read_fields(&reading, contact_fields(fields, sizeof fields, 1000, 2000));
    assert_int_equal(registration_parameters(&asked->contacts[0], out, sizeof out).length, 2000);
    finish(&reading);
}

static void test_the_bindings_of_an_aor_have_a_limit_in_sum(void **state)
{
    (void)state;
    struct reading reading;
    struct registration *asked =
        read_fields(&reading, CONTACT ";x=y\r\nContact: <sip:eve@192.0.2.4>\r\nPath: <sip:a;lr>\r\n");
    size_t own = 2 * (strlen("<sip:a;lr>") + 1) + 2 * strlen("sip:bob@192.0.2.4") + strlen(";x=y");
    assert_int_equal(registration_check_size(asked, REGISTRATION_AOR_MOST - own), 0);
    assert_int_equal(registration_check_size(asked, REGISTRATION_AOR_MOST - own + 1), -EBADMSG);
    assert_int_equal(asked->status, SIP_FORBIDDEN);
    assert_non_null(strstr(asked->phrase, "65536 bytes"));
    finish(&reading);
    asked = read_fields(&reading, CONTACT ";expires=0\r\n");
    assert_int_equal(registration_check_size(asked, 2 * REGISTRATION_AOR_MOST), 0);
    finish(&reading);
}

static void test_what_a_registrar_acts_on_is_checked(void **state)
{
    (void)state;
    struct reading reading;
    read_fields(&reading, "Contact: <sip:a@b>;q=0.5;expires=60, sip:c@d;q=1\r\n");
    assert_int_equal(reading.result, 0);
    finish(&reading);
    assert_refused("Contact: <sip:a@b>;q=1.001\r\n", SIP_BAD_REQUEST);
    assert_refused("Contact: <sip:a@b>, <sip:c@d>;q=-1\r\n", SIP_BAD_REQUEST);
    assert_refused("Contact: <sip:a@b>;reg-id=0\r\n", SIP_BAD_REQUEST);
    assert_refused("Contact: sip:a@b?Route=x\r\n", SIP_BAD_REQUEST);
    assert_refused("Contact: <sip:a@b>;;;;\r\n", SIP_BAD_REQUEST);
    assert_refused("Contact: Doe, John <sip:a@b>\r\n", SIP_BAD_REQUEST);
    assert_refused("Expires: -1\r\n", SIP_BAD_REQUEST);
}

static void test_more_contacts_than_fit(void **state)
{
    char fields[8192] = "";
    (void)state;
    for (int i = 0; i <= REGISTRATION_CONTACTS_MOST; i++)
        snprintf(fields + strlen(fields), sizeof fields - strlen(fields), "Contact: <sip:%d>\r\n", i);
    assert_refused(fields, SIP_BAD_REQUEST);
}

/* --- extensions --- */

static void test_extensions_that_nobody_knows(void **state)
{
    (void)state;
    struct reading reading;
    struct registration *asked = read_fields(&reading, "Require: path, outbound\r\nRequire: x1 , x2\r\n");
    assert_int_equal(asked->status, SIP_BAD_EXTENSION);
    assert_string_equal(asked->fields, "Unsupported: x1, x2\r\n");
    finish(&reading);
    asked = read_fields(&reading, "Require: outbound\r\n");
    assert_int_equal(reading.result, 0);
    finish(&reading);
}

/* A fold in an echoed tag, or what a cut would leave of it, would end the header of the answer: what is no token, or a
   long one, is not echoed. */
static void test_an_extension_is_echoed_on_one_line(void **state)
{
    char fields[512];
    (void)state;
    for (int length = 80; length < 110; length++) {
        struct reading reading;
        char tag[128] = "";
        memset(tag, 'x', (size_t)length);
        snprintf(fields, sizeof fields, "Require: %s\r\n folded, %s,\r\n x1\r\n", tag, tag);
        struct registration *asked = read_fields(&reading, fields);
        assert_int_equal(asked->status, SIP_BAD_EXTENSION);
        assert_string_equal(asked->fields, "Unsupported: x1\r\n");
        finish(&reading);
    }
}

/* --- the list --- */

static void test_a_listed_contact(void **state)
{
    struct fake_host fake;
    (void)state;
    fake_host_create(&fake);
    struct sip_buffer fields = {.host = &fake.host};
    registration_list(&(struct registered_contact){.uri = TEXT("sip:b"), .q = -1, .expires = 7}, &fields);
    registration_list(&(struct registered_contact){.uri = TEXT("sip:c"),
                                                   .instance = TEXT("urn:uuid:1"),
                                                   .parameters = TEXT(";audio"),
                                                   .reg_id = 2147483647,
                                                   .q = 50,
                                                   .expires = 0},
                      &fields);
    registration_list(&(struct registered_contact){.uri = TEXT("sip:d"), .q = 1000}, &fields);
    sip_append(&fields, (struct text){"", 1});
    assert_string_equal(fields.bytes,
                        "Contact: <sip:b>;expires=7\r\n"
                        "Contact: <sip:c>;+sip.instance=\"<urn:uuid:1>\";reg-id=2147483647;q=0.050;audio;expires=0\r\n"
                        "Contact: <sip:d>;expires=0\r\n");
    sip_buffer_destroy(&fields);
    assert_int_equal(fake.allocated, 0);
}

static void test_memory_that_runs_out_is_told(void **state)
{
    (void)state;
    for (uint64_t step = 1;; step++) {
        struct reading reading;
        create(&reading, OUTBOUND FLOW "Path: <sip:a;lr;ob>\r\n");
        reading.fake.fail_after = reading.fake.calls + step;
        int result = registration_read(&reading.registration);
        assert_true(result == 0 || result == -ENOMEM);
        finish(&reading);
        if (result == 0)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_5626_6_a_the_first_hop_is_told_by_via),
        cmocka_unit_test(test_5626_6_a_path_is_kept_in_order_and_written_for_who_supports_it),
        cmocka_unit_test(test_5626_6_b_no_ob_in_the_first_path),
        cmocka_unit_test(test_5626_6_c_and_6_e_reg_id_without_instance_is_ignored),
        cmocka_unit_test(test_5626_6_d_one_living_contact_beside_a_reg_id),
        cmocka_unit_test(test_5626_6_e_a_removal_is_not_applied),
        cmocka_unit_test(test_5626_6_h_require_outbound_for_who_said_that_it_supports_it),
        cmocka_unit_test(test_5626_11_6_a_the_facts_for_guardrails),
        cmocka_unit_test(test_what_is_granted),
        cmocka_unit_test(test_star_stands_alone_and_with_expires_0),
        cmocka_unit_test(test_3261_10_3_a_equal_contacts_have_one_key),
        cmocka_unit_test(test_3261_10_3_c_a_contact_that_is_no_sip_uri),
        cmocka_unit_test(test_3261_10_3_c_contacts_that_are_sip_uris),
        cmocka_unit_test(test_a_refusal_says_what_is_wrong_and_where),
        cmocka_unit_test(test_a_device_that_repeats_its_instance_is_registered),
        cmocka_unit_test(test_a_path_has_limits_in_each_value_in_sum_and_in_number),
        cmocka_unit_test(test_a_contact_has_limits_in_uri_and_parameters),
        cmocka_unit_test(test_a_long_contact_keeps_all_its_parameters),
        cmocka_unit_test(test_the_bindings_of_an_aor_have_a_limit_in_sum),
        cmocka_unit_test(test_what_a_registrar_acts_on_is_checked),
        cmocka_unit_test(test_more_contacts_than_fit),
        cmocka_unit_test(test_extensions_that_nobody_knows),
        cmocka_unit_test(test_an_extension_is_echoed_on_one_line),
        cmocka_unit_test(test_a_listed_contact),
        cmocka_unit_test(test_memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
