// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "test.h"

#include "sip/message.h"

#define assert_text(actual, expected)                                                                                  \
    do {                                                                                                               \
        struct text text_ = (actual);                                                                                  \
        assert_int_equal(text_.length, strlen(expected));                                                              \
        assert_memory_equal(text_.at, expected, text_.length);                                                         \
    } while (0)

struct reading {
    struct fake_host fake;
    struct sip_message *message;
};

/* A response with these lines, since nobody checks the Contacts of a response. */
static void read_lines(struct reading *reading, const char *lines)
{
    char text[4096];
    struct sip_fault fault;
    snprintf(text, sizeof text,
             "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
             "Call-ID: x\r\nCSeq: 1 INVITE\r\n%s\r\n",
             lines);
    fake_host_create(&reading->fake);
    assert_int_equal(sip_message_new(&reading->message, &reading->fake.host, text, strlen(text), NULL, &fault), 0);
}

static void finish(struct reading *reading)
{
    sip_message_delete(reading->message);
    assert_int_equal(reading->fake.allocated, 0);
}

static void test_values_over_several_fields(void **state)
{
    (void)state;
    struct reading reading;
    struct sip_value value;
    read_lines(&reading, "Route: <sip:a.example.com;lr>,\r\n \"B, \\\"the\\\" proxy\" <sip:b@h;x=1,2?y=z> ; z = 1\r\n"
                         "X: y\r\nRoute: sip:c.example.com;lr\r\nContact: *\r\n");
    assert_true(sip_value(reading.message, HEADER_ROUTE, 0, &value));
    assert_text(value.whole, "<sip:a.example.com;lr>");
    assert_text(value.uri, "sip:a.example.com;lr");
    assert_text(value.parameters, "");
    assert_true(sip_value(reading.message, HEADER_ROUTE, 1, &value));
    assert_text(value.uri, "sip:b@h;x=1,2?y=z");
    assert_text(value.parameters, "; z = 1");
    assert_true(sip_value(reading.message, HEADER_ROUTE, 2, &value));
    assert_text(value.uri, "sip:c.example.com");
    assert_text(value.parameters, ";lr");
    assert_false(sip_value(reading.message, HEADER_ROUTE, 3, &value));
    assert_true(sip_value(reading.message, HEADER_CONTACT, 0, &value));
    assert_text(value.uri, "*");
    assert_false(sip_value(reading.message, HEADER_PATH, 0, &value));
    finish(&reading);
}

static void test_values_one_after_the_other(void **state)
{
    (void)state;
    struct reading reading;
    struct sip_value value;
    read_lines(&reading, "Supported: a,b\r\nk:\r\nk: c;d=e , f\r\n");
    static const char *const WHOLE[] = {"a", "b", "c;d=e", "f"};
    struct sip_values values = sip_values(reading.message, HEADER_SUPPORTED);
    for (size_t i = 0; i < 4; i++) {
        assert_true(sip_values_next(&values, &value));
        assert_text(value.whole, WHOLE[i]);
        assert_text(value.parameters, i == 2 ? ";d=e" : "");
    }
    assert_false(sip_values_next(&values, &value));
    finish(&reading);
}

/* In any order, and between other headers. */
static void test_values_by_number(void **state)
{
    (void)state;
    static const size_t ORDER[] = {3, 0, 0, 2, 1, 1, 3, 4, 3, 4, 0};
    static const char *const WHOLE[] = {"a", "b", "c", "d"};
    struct reading reading;
    struct sip_value value;
    read_lines(&reading, "Supported: a,b\r\nRequire: x\r\nSupported: c,d\r\n");
    for (size_t i = 0; i < sizeof ORDER / sizeof ORDER[0]; i++) {
        assert_int_equal(sip_value(reading.message, HEADER_SUPPORTED, ORDER[i], &value), ORDER[i] < 4);
        if (ORDER[i] < 4)
            assert_text(value.whole, WHOLE[ORDER[i]]);
        if (i % 3 == 0) {
            assert_true(sip_value(reading.message, HEADER_REQUIRE, 0, &value));
            assert_text(value.whole, "x");
        }
    }
    finish(&reading);
}

static void test_values_with_open_quotes_end(void **state)
{
    (void)state;
    struct reading reading;
    struct sip_value value;
    read_lines(&reading, "Contact: \"open <sip:a@b>, <sip:c@d>\r\nContact: <sip:e@f, <sip:g@h>\r\nContact: \"a\\\r\n");
    assert_true(sip_value(reading.message, HEADER_CONTACT, 0, &value));
    assert_text(value.whole, "\"open <sip:a@b>, <sip:c@d>");
    assert_text(value.uri, "");
    assert_true(sip_value(reading.message, HEADER_CONTACT, 1, &value));
    assert_text(value.whole, "<sip:e@f, <sip:g@h>");
    assert_true(sip_value(reading.message, HEADER_CONTACT, 2, &value));
    assert_text(value.whole, "\"a\\");
    assert_false(sip_value(reading.message, HEADER_CONTACT, 3, &value));
    finish(&reading);
}

static void test_parameters(void **state)
{
    (void)state;
    struct text parameters = TEXT(";a ;\r\n B = \"x;y=\\\"z\" ;c=d;e=[2001:db8::1]"), value = TEXT("unset");
    assert_true(sip_parameter(parameters, TEXT("A"), &value));
    assert_text(value, "");
    assert_true(sip_parameter(parameters, TEXT("b"), &value));
    assert_text(value, "x;y=\\\"z");
    assert_true(sip_parameter(parameters, TEXT("c"), NULL));
    assert_true(sip_parameter(parameters, TEXT("e"), &value));
    assert_text(value, "[2001:db8::1]");
    assert_false(sip_parameter(parameters, TEXT("y"), &value));
    assert_false(sip_parameter((struct text){0}, TEXT("y"), &value));
    assert_true(sip_parameter(TEXT(";; ;a=b"), TEXT("a"), &value));
    assert_text(value, "b");
    assert_true(sip_parameter(TEXT(";x=;a=;"), TEXT("a"), &value));
    assert_text(value, "");
    assert_false(sip_parameter(TEXT(";=x;a=b"), TEXT("a"), &value));
    assert_false(sip_parameter(TEXT("a=b"), TEXT("a"), &value));
}

static int read_contact(const char *text, struct sip_contact *contact, const char **what)
{
    struct sip_value value = {.whole = text_of(text)};
    return sip_contact_read(&value, contact, what);
}

static void test_contact_parameters(void **state)
{
    (void)state;
    struct sip_contact contact;
    const char *what;
    assert_int_equal(
        read_contact("<sip:a@b>;reg-id=1;+sip.instance=\"<urn:uuid:0-1>\";Q=0.7;expires=600;x=y", &contact, &what), 0);
    assert_null(what);
    assert_text(contact.instance, "urn:uuid:0-1");
    assert_int_equal(contact.reg_id, 1);
    assert_int_equal(contact.q, 700);
    assert_int_equal(contact.expires, 600);
    assert_int_equal(read_contact("sip:a@b", &contact, &what), 0);
    assert_int_equal(contact.instance.length, 0);
    assert_int_equal(contact.reg_id, 0);
    assert_int_equal(contact.q, -1);
    assert_int_equal(contact.expires, -1);
    assert_int_equal(read_contact("*", &contact, &what), 0);
}

static void test_contact_q_range(void **state)
{
    (void)state;
    static const struct {
        const char *q;
        int thousandths; /* -1: refused */
    } ROWS[] = {{"0", 0},         {"1", 1000},        {"0.", 0},     {"0.5", 500},      {"0.001", 1},    {"0.999", 999},
                {"1.000", 1000},  {"1.", 1000},       {"1.001", -1}, {"0.0001", 0},     {"2", -1},       {"-0.5", -1},
                {".5", 500},      {"0,5", -1},        {"0.5x", -1},  {"00.5", -1},      {"\"\"", -1},    {"1e0", -1},
                {"0.50000", 500}, {"\"0.5\"", 500},   {".", -1},     {"1.00000", 1000}, {"1.00001", -1}, {"1.5", -1},
                {"", -1},         {"0.9999999", 999}, {"10", -1},    {"0..5", -1}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct sip_contact contact;
        const char *what;
        char text[64];
        snprintf(text, sizeof text, "<sip:a@b>;q=%s", ROWS[i].q);
        assert_int_equal(read_contact(text, &contact, &what), ROWS[i].thousandths >= 0 ? 0 : -EBADMSG);
        if (ROWS[i].thousandths >= 0)
            assert_int_equal(contact.q, ROWS[i].thousandths);
        else
            assert_non_null(what);
    }
}

static void test_5626_10_a_reg_id_range(void **state)
{
    (void)state;
    static const struct {
        const char *reg_id;
        uint32_t number; /* 0: refused */
    } ROWS[] = {{"1", 1},
                {"2147483647", 2147483647},
                {"007", 7},
                {"0", 0},
                {"2147483648", 0},
                {"4294967297", 0},
                {"18446744073709551617", 0},
                {"-1", 0},
                {"+1", 0},
                {"1x", 0},
                {"\"\"", 0},
                {"0x1", 0}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct sip_contact contact;
        const char *what;
        char text[64];
        snprintf(text, sizeof text, "<sip:a@b>;reg-id=%s", ROWS[i].reg_id);
        assert_int_equal(read_contact(text, &contact, &what), ROWS[i].number != 0 ? 0 : -EBADMSG);
        if (ROWS[i].number != 0)
            assert_int_equal(contact.reg_id, ROWS[i].number);
    }
    struct sip_contact contact;
    const char *what;
    assert_int_equal(read_contact("<sip:a@b>;reg-id", &contact, &what), -EBADMSG);
    assert_int_equal(read_contact("<sip:a@b>;reg-id=", &contact, &what), -EBADMSG);
    assert_int_equal(read_contact("<sip:a@b>;reg-id=1;reg-id=2", &contact, &what), -EBADMSG);
    assert_int_equal(read_contact("<sip:a@b>;reg-id=1;reg-id=01", &contact, &what), 0);
    assert_int_equal(contact.reg_id, 1);
}

static void test_contact_expires(void **state)
{
    (void)state;
    struct sip_contact contact;
    const char *what;
    assert_int_equal(read_contact("<sip:a@b>;expires=0", &contact, &what), 0);
    assert_int_equal(contact.expires, 0);
    assert_int_equal(read_contact("<sip:a@b>;expires=280297596632815", &contact, &what), 0);
    assert_int_equal(contact.expires, 4294967295LL);
    assert_int_equal(read_contact("<sip:a@b>;expires=soon", &contact, &what), 0);
    assert_int_equal(contact.expires, 3600);
    assert_int_equal(read_contact("<sip:a@b>;expires=-1", &contact, &what), 0);
    assert_int_equal(contact.expires, 3600);
    assert_int_equal(read_contact("<sip:a@b>;expires=\"600\"", &contact, &what), 0);
    assert_int_equal(contact.expires, 600);
    assert_int_equal(read_contact("<sip:a@b>;expires=", &contact, &what), 0);
    assert_int_equal(contact.expires, 3600);
    assert_int_equal(read_contact("<sip:a@b>;expires=1;expires=2", &contact, &what), -EBADMSG);
}

static void test_a_parameter_may_be_repeated_with_its_value(void **state)
{
    (void)state;
    struct sip_contact contact;
    const char *what;
    assert_int_equal(read_contact("<sip:a@b>;+sip.instance=\"<urn:a>\";expires=60;q=.5;+sip.instance=\"<urn:a>\";"
                                  "q=0.500;expires=60;x=1;x=2",
                                  &contact, &what),
                     0);
    assert_text(contact.instance, "urn:a");
    assert_int_equal(contact.expires, 60);
    assert_int_equal(contact.q, 500);
    assert_int_equal(read_contact("<sip:a@b>;q=0.5;q=0.6", &contact, &what), -EBADMSG);
}

static void test_contacts_as_devices_write_them(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"\"Front desk/2 (x)\" <sip:a@b>",   "Front/Back (x) +1@b <sip:a@b>",
                                       "Bj\xc3\xb6rn <sip:a@b>",           "<sip:a@b>;x=;y",
                                       "<sip:a@b_c.example.com>",          "<sip:a@b.example.com.>",
                                       "sip:a@b;+sip.instance=\"<urn:a>\""};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct sip_contact contact;
        const char *what = NULL;
        if (read_contact(ROWS[i], &contact, &what) != 0)
            fail_msg("%s: %s", ROWS[i], what);
    }
}

static void test_where_a_contact_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *contact, *from; /* the fault is at the start of `from` */
    } ROWS[] = {{"<sip:a@b>;x=1;;y", ";;y"},
                {"<sip:a@b>;x=1;=y", ";=y"},
                {"<sip:a@b>;reg-id=0;x", "reg-id=0;x"},
                {"<sip:a b>", " b>"},
                {"x \"y", "\"y"},
                {"x <sip:a@b", "<sip:a@b"},
                {"sip:a@b?x=y", "?x=y"},
                {"<sip:a@b>,", ","}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct sip_contact contact;
        const char *what = NULL;
        assert_int_equal(read_contact(ROWS[i].contact, &contact, &what), -EBADMSG);
        assert_string_equal(contact.fault_at, ROWS[i].from);
    }
}

static void test_contacts_that_are_refused(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"",
                                       "<>",
                                       "<sip:a@b",
                                       "\"x <sip:a@b>",
                                       "sip:a@b?x=y",
                                       "<sip:a@b>;;",
                                       "<sip:a@b>;=x",
                                       "<sip:a\xc3\xa4@b>",
                                       "<sip:a@b>;+sip.instance=",
                                       "<sip:a@b>;+sip.instance=\"\"",
                                       "<sip:a@b>;+sip.instance=\"<>\"",
                                       "<sip:a@b>;+sip.instance=\"<urn:a>\";+sip.instance=\"<urn:b>\"",
                                       "<sip:a@b> <sip:c@d>"};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct sip_contact contact;
        const char *what = NULL;
        assert_int_equal(read_contact(ROWS[i], &contact, &what), -EBADMSG);
        assert_non_null(what);
    }
}

static void test_5626_6_a_the_first_path_value_is_the_next_hop(void **state)
{
    static const struct {
        const char *path, *hop;
    } cases[] = {{"<sip:token@192.0.2.1:5060;lr;ob>", "sip:token@192.0.2.1:5060;lr;ob"},
                 {"<sip:a@h;lr>;x=\"<sip:b@h>\", <sip:c@h>", "sip:a@h;lr"},
                 {"\"<sip:evil@h>, \\\" edge\" <sip:edge@h;lr>, <sip:core@h>", "sip:edge@h;lr"},
                 {"Edge <sips:edge@[2001:db8::1]:5061;lr>", "sips:edge@[2001:db8::1]:5061;lr"},
                 {"sip:edge.example.com;lr", "sip:edge.example.com"},
                 {"", ""},
                 {"<sip:edge@h", ""},
                 {"\"<sip:edge@h>", ""}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_text(sip_path_next_hop(text_of(cases[i].path)), cases[i].hop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_over_several_fields),
        cmocka_unit_test(test_values_one_after_the_other),
        cmocka_unit_test(test_values_by_number),
        cmocka_unit_test(test_values_with_open_quotes_end),
        cmocka_unit_test(test_5626_6_a_the_first_path_value_is_the_next_hop),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_contact_parameters),
        cmocka_unit_test(test_contact_q_range),
        cmocka_unit_test(test_5626_10_a_reg_id_range),
        cmocka_unit_test(test_contact_expires),
        cmocka_unit_test(test_a_parameter_may_be_repeated_with_its_value),
        cmocka_unit_test(test_contacts_as_devices_write_them),
        cmocka_unit_test(test_where_a_contact_is_wrong),
        cmocka_unit_test(test_contacts_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
