// SPDX-License-Identifier: BSD-2-Clause
#include <ctype.h>
#include <errno.h>

#include "test.h"

#include "sip/internal.h"
#include "sip_corpus.h"

/* A message, and what came of reading it. */
struct reading {
    struct fake_host fake;
    struct sip_message *message;
    struct sip_fault fault;
    int result;
};

static void read_bytes(struct reading *reading, const char *bytes, size_t length, const struct sip_limits *limits)
{
    fake_host_create(&reading->fake);
    reading->result = sip_message_new(&reading->message, &reading->fake.host, bytes, length, limits, &reading->fault);
}

static void read_text(struct reading *reading, const char *text)
{
    read_bytes(reading, text, strlen(text), NULL);
}

static void finish(struct reading *reading)
{
    sip_message_delete(reading->message);
    assert_int_equal(reading->fake.allocated, 0);
}

#define VIA      "Via: SIP/2.0/UDP pc33.example.com;branch=z9hG4bK77\r\n"
#define FROM     "From: <sip:alice@example.org>;tag=88\r\n"
#define TO       "To: <sip:bob@example.com>\r\n"
#define CALL_ID  "Call-ID: a84b4c\r\n"
#define CSEQ     "CSeq: 7 OPTIONS\r\n"
#define OPTIONS  "OPTIONS sip:bob@example.com SIP/2.0\r\n"
#define REGISTER "REGISTER sip:example.com SIP/2.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 REGISTER\r\n"
#define OK       "SIP/2.0 200 OK\r\n"
#define END      "\r\n"

#define assert_text(actual, expected)                                                                                  \
    do {                                                                                                               \
        struct text text_ = (actual);                                                                                  \
        assert_int_equal(text_.length, strlen(expected));                                                              \
        assert_memory_equal(text_.at, expected, text_.length);                                                         \
    } while (0)

static void assert_reads(const char *text)
{
    struct reading reading;
    read_text(&reading, text);
    if (reading.result != 0)
        fail_msg("%s in:\n%s", reading.fault.what, text);
    finish(&reading);
}

/* `answerable`: a message to build the answer from came along. */
static void assert_fault(const char *text, uint16_t status, bool answerable)
{
    struct reading reading;
    read_text(&reading, text);
    if (reading.result != -EBADMSG || reading.fault.status != status)
        fail_msg("result %d, status %u, expected %u, in:\n%s", reading.result, reading.fault.status, status, text);
    assert_non_null(reading.fault.what);
    assert_true(reading.fault.offset <= strlen(text));
    assert_int_equal(reading.message != NULL, answerable);
    finish(&reading);
}

static void test_request_is_read(void **state)
{
    (void)state;
    struct reading reading;
    read_text(&reading, "INVITE sip:bob@example.com:5070;transport=tcp SIP/2.0\r\n"
                        "Via: SIP/2.0/UDP pc33.example.com:5062;branch=z9hG4bK77;rport;received=192.0.2.1\r\n"
                        "Max-Forwards: 70\r\nFrom: Alice <sip:alice@example.org>;tag=88\r\n"
                        "To: Bob <sip:bob@example.com>\r\nCall-ID: a84b4c@pc33\r\nCSeq: 314159 INVITE\r\n"
                        "X-Unknown: kept\r\nContent-Length: 4\r\n\r\nbody and more");
    assert_int_equal(reading.result, 0);
    const struct sip_message *message = reading.message;
    assert_true(sip_is_request(message));
    assert_int_equal(sip_method(message), METHOD_INVITE);
    assert_text(sip_method_text(message), "INVITE");
    assert_text(sip_request_uri(message), "sip:bob@example.com:5070;transport=tcp");
    assert_text(sip_request_target(message)->host, "example.com");
    assert_text(sip_request_target(message)->transport, "tcp");
    assert_int_equal(sip_request_target(message)->port, 5070);
    assert_int_equal(sip_status(message), 0);
    assert_int_equal(sip_max_forwards(message), 70);
    assert_text(sip_call_id(message), "a84b4c@pc33");
    assert_int_equal(sip_cseq(message), 314159);
    assert_text(sip_from_tag(message), "88");
    assert_text(sip_to_tag(message), "");
    assert_text(sip_from_uri(message), "sip:alice@example.org");
    assert_text(sip_to_uri(message), "sip:bob@example.com");
    assert_text(sip_body(message), "body");
    assert_int_equal(sip_expires(message), -1);
    assert_int_equal(message->field_count, 8);
    finish(&reading);
}

static enum sip_header header_spelled(const char *name, int (*spell)(int))
{
    char spelled[32];
    size_t length = strlen(name);
    for (size_t i = 0; i < length; i++)
        spelled[i] = (char)spell((unsigned char)name[i]);
    return sip_header_find((struct text){spelled, length});
}

static enum sip_header header_misspelled(const char *name, size_t at)
{
    char spelled[32];
    snprintf(spelled, sizeof spelled, "%s", name);
    spelled[at] = '~';
    return sip_header_find(text_of(spelled));
}

static void test_names_of_header_fields_have_any_case(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        [HEADER_VIA] = "Via",
        [HEADER_FROM] = "From",
        [HEADER_TO] = "To",
        [HEADER_CALL_ID] = "Call-ID",
        [HEADER_CSEQ] = "CSeq",
        [HEADER_CONTACT] = "Contact",
        [HEADER_MAX_FORWARDS] = "Max-Forwards",
        [HEADER_ROUTE] = "Route",
        [HEADER_RECORD_ROUTE] = "Record-Route",
        [HEADER_PATH] = "Path",
        [HEADER_SERVICE_ROUTE] = "Service-Route",
        [HEADER_EXPIRES] = "Expires",
        [HEADER_MIN_EXPIRES] = "Min-Expires",
        [HEADER_MIN_SE] = "Min-SE",
        [HEADER_REQUIRE] = "Require",
        [HEADER_PROXY_REQUIRE] = "Proxy-Require",
        [HEADER_SUPPORTED] = "Supported",
        [HEADER_UNSUPPORTED] = "Unsupported",
        [HEADER_RETRY_AFTER] = "Retry-After",
        [HEADER_FLOW_TIMER] = "Flow-Timer",
        [HEADER_WWW_AUTHENTICATE] = "WWW-Authenticate",
        [HEADER_PROXY_AUTHENTICATE] = "Proxy-Authenticate",
        [HEADER_AUTHORIZATION] = "Authorization",
        [HEADER_PROXY_AUTHORIZATION] = "Proxy-Authorization",
        [HEADER_EVENT] = "Event",
        [HEADER_CONTENT_TYPE] = "Content-Type",
        [HEADER_CONTENT_LENGTH] = "Content-Length",
        [HEADER_MAX_BREADTH] = "Max-Breadth",
    };
    assert_int_equal(sizeof NAMES / sizeof NAMES[0], HEADER_COUNT);
    for (enum sip_header header = HEADER_VIA; header < HEADER_COUNT; header++) {
        assert_int_equal(sip_header_find(text_of(NAMES[header])), header);
        assert_int_equal(header_spelled(NAMES[header], toupper), header);
        assert_int_equal(header_spelled(NAMES[header], tolower), header);
        for (size_t i = 0; i < strlen(NAMES[header]); i++)
            assert_int_equal(header_misspelled(NAMES[header], i), HEADER_OTHER);
    }
}

static void test_top_via_is_read(void **state)
{
    (void)state;
    struct reading reading;
    read_text(&reading, OPTIONS "v: SIP / 2.0 / TLS [2001:db8::9]:5061 ;\r\n branch = z9hG4bK77 ;received=[2001:db8::1]"
                                ";rport=5099,\r\n SIP/2.0/UDP b.example.com\r\n" VIA FROM TO CALL_ID CSEQ END);
    const struct sip_via *via = sip_top_via(reading.message);
    assert_text(via->transport, "TLS");
    assert_text(via->host, "2001:db8::9");
    assert_int_equal(via->port, 5061);
    assert_text(via->branch, "z9hG4bK77");
    assert_text(via->received, "2001:db8::1");
    assert_true(via->has_rport);
    assert_int_equal(via->rport, 5099);
    assert_int_equal(sip_via_count(reading.message), 3);
    finish(&reading);
}

static void test_via_may_have_white_space(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"SIP/2.0/UDP h:5062;branch=x",
                                       "sip /\t2.0 \r\n /  UDP \t h :\r\n\t5062 ; branch = x",
                                       "SIP/2.0/UDP\th: 5062\t;branch=x"};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char text[1024];
        struct reading reading;
        snprintf(text, sizeof text, OPTIONS "Via: %s\r\n" FROM TO CALL_ID CSEQ END, ROWS[i]);
        read_text(&reading, text);
        assert_text(sip_top_via(reading.message)->transport, "UDP");
        assert_text(sip_top_via(reading.message)->host, "h");
        assert_int_equal(sip_top_via(reading.message)->port, 5062);
        assert_text(sip_top_via(reading.message)->branch, "x");
        finish(&reading);
    }
}

static void test_response_is_read(void **state)
{
    (void)state;
    struct reading reading;
    read_text(&reading, "SIP/2.0 180 Ringing  now\r\n" VIA FROM "To: <sip:bob@example.com>;tag=\"t\"\r\n" CALL_ID
                        "CSeq: 7 INVITE\r\n\r\n");
    assert_int_equal(reading.result, 0);
    assert_false(sip_is_request(reading.message));
    assert_int_equal(sip_status(reading.message), 180);
    assert_text(sip_phrase(reading.message), "Ringing  now");
    assert_int_equal(sip_method(reading.message), METHOD_INVITE);
    assert_text(sip_method_text(reading.message), "INVITE");
    assert_text(sip_to_tag(reading.message), "t");
    assert_null(sip_request_target(reading.message));
    finish(&reading);
}

static void test_fields_are_found_by_kind_and_name(void **state)
{
    (void)state;
    struct reading reading;
    read_text(&reading, OPTIONS VIA FROM TO "i: a84b4c\r\n" CSEQ "k: path\r\nSUPPORTED: outbound,\r\n\tgruu\r\n"
                                            "s: lunch\r\nX-Mine : 1\r\nx-mine:2\r\nX-Empty:\r\n\r\n");
    const struct sip_message *message = reading.message;
    assert_text(sip_field(message, HEADER_CALL_ID, 0)->name, "i");
    assert_text(sip_field(message, HEADER_SUPPORTED, 1)->value, "outbound,\r\n\tgruu");
    assert_text(sip_field(message, HEADER_SUPPORTED, 1)->line, "SUPPORTED: outbound,\r\n\tgruu\r\n");
    assert_null(sip_field(message, HEADER_SUPPORTED, 2));
    assert_null(sip_field(message, HEADER_CONTACT, 0));
    assert_text(sip_field_named(message, TEXT("call-id"), 0)->value, "a84b4c");
    assert_text(sip_field_named(message, TEXT("Subject"), 0)->value, "lunch");
    assert_text(sip_field_named(message, TEXT("X-MINE"), 0)->value, "1");
    assert_text(sip_field_named(message, TEXT("X-MINE"), 1)->value, "2");
    assert_text(sip_field_named(message, TEXT("x-empty"), 0)->value, "");
    assert_null(sip_field_named(message, TEXT("x-mine"), 2));
    assert_null(sip_field_at(message, message->field_count));
    assert_true(sip_has_option(message, HEADER_SUPPORTED, TEXT("gruu")));
    assert_true(sip_has_option(message, HEADER_SUPPORTED, TEXT("Path")));
    assert_false(sip_has_option(message, HEADER_SUPPORTED, TEXT("out")));
    finish(&reading);
}

static void test_start_lines_that_are_refused(void **state)
{
    (void)state;
    const char *rest = "\r\n" VIA FROM TO CALL_ID CSEQ END;
    static const struct {
        const char *line;
        uint16_t status;
        bool answerable;
    } ROWS[] = {
        {"OPTIONS sip:bob@example.com SIP/3.0", 505, true},
        {"OPTIONS sip:bob@example.com SIP/2.0 ", 400, true},
        {"OPTIONS sip:bob@example.com", 400, true},
        {"OPTIONS  sip:bob@example.com SIP/2.0", 400, true},
        {"OPTIONS <sip:bob@example.com> SIP/2.0", 400, true},
        {"OPTIONS  SIP/2.0", 400, true},
        {"OPTIONS sip: SIP/2.0", 400, true},
        {"OPTIONS bob@example.com SIP/2.0", 400, true},
        {"OPTIONS sip:bob@example.com?a=b SIP/2.0", 400, true},
        {"OPTIONS sip:bob@ex@ample.com SIP/2.0", 400, true},
        {"OPTIONS sip:bob@example.com:70000 SIP/2.0", 400, true},
        {"OPTIONS sip:2001:db8::1 SIP/2.0", 400, true},
        {"OPT(ONS sip:bob@example.com SIP/2.0", 400, false},
        {" sip:bob@example.com SIP/2.0", 400, false},
        {"SIP/2.0 4294967301 OK", 400, false},
        {"SIP/2.0 99 Low", 400, false},
        {"SIP/2.0 099 Low", 400, false},
        {"SIP/2.0 700 High", 400, false},
        {"SIP/2.0 0200 OK", 400, false},
        {"SIP/2.0 2x0 OK", 400, false},
        {"SIP/2.0  200 OK", 400, false},
        {"SIP/2.0", 505, false},
        {"SIP/1.0 200 OK", 505, false},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s", ROWS[i].line, rest);
        assert_fault(text, ROWS[i].status, ROWS[i].answerable);
    }
}

static void test_start_lines_that_are_taken(void **state)
{
    (void)state;
    const char *rest = "\r\n" VIA FROM TO CALL_ID CSEQ END;
    static const char *const ROWS[] = {
        "OPTIONS sip:bob@example.com sip/2.0",
        "OPTIONS tel:+12015550123 SIP/2.0",
        "OPTIONS soap.beep://192.0.2.1:302 SIP/2.0",
        "OPTIONS sip:[2001:db8::1]:5060 SIP/2.0",
        "OPTIONS sip:bob:@example.com SIP/2.0",
        "SIP/2.0 100 ",
        "SIP/2.0 100",
        "SIP/2.0 699 Odd",
        "\r\n\r\nOPTIONS sip:example.com SIP/2.0",
        " \t\nOPTIONS sip:example.com SIP/2.0",
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s", ROWS[i], rest);
        assert_reads(text);
    }
}

static void test_missing_headers_are_faults(void **state)
{
    (void)state;
    assert_fault(OPTIONS FROM TO CALL_ID CSEQ END, 400, false);
    assert_fault(OPTIONS VIA TO CALL_ID CSEQ END, 400, true);
    assert_fault(OPTIONS VIA FROM CALL_ID CSEQ END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CSEQ END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID END, 400, false);
    assert_fault(OK FROM TO CALL_ID CSEQ END, 400, false);
    assert_fault("", 400, false);
    assert_fault("\r\n\r\n", 400, false);
    assert_reads(OPTIONS VIA FROM TO CALL_ID CSEQ END);
}

static void test_headers_that_may_be_there_once(void **state)
{
    (void)state;
    assert_fault(OPTIONS VIA FROM FROM TO CALL_ID CSEQ END, 400, true);
    assert_fault(OPTIONS VIA FROM TO "t: <sip:x@example.com>\r\n" CALL_ID CSEQ END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CALL_ID CSEQ END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ CSEQ END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "Max-Forwards: 5\r\nMax-Forwards: 5\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "Content-Length: 0\r\nl: 0\r\n" END, 400, true);
    assert_reads(OPTIONS VIA VIA FROM TO CALL_ID CSEQ "Contact: <sip:a@b>\r\nContact: <sip:a@c>\r\n" END);
}

static void test_cseq_is_checked(void **state)
{
    (void)state;
    assert_reads(OPTIONS VIA FROM TO CALL_ID "CSeq: 2147483647 OPTIONS\r\n" END);
    assert_reads(OPTIONS VIA FROM TO CALL_ID "CSeq: 0009\r\n OPTIONS\r\n" END);
    assert_fault(OPTIONS VIA FROM TO CALL_ID "CSeq: 2147483648 OPTIONS\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID "CSeq: 36893488147419103232 OPTIONS\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID "CSeq: -1 OPTIONS\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID "CSeq: 1OPTIONS\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID "CSeq: 1\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID "CSeq: 1 options\r\n" END, 400, true);
    assert_fault(OK VIA FROM TO CALL_ID "CSeq: 1 OPT IONS\r\n" END, 400, false);
}

static void test_vias_that_are_refused(void **state)
{
    (void)state;
    static const char *const ROWS[] = {
        "",
        ",",
        "SIP/2.0/UDP",
        "SIP/2.0/ host",
        "SIP/2.0/UDP ;branch=x",
        "SIP/3.0/UDP host;branch=x",
        "HTTP/2.0/UDP host;branch=x",
        "SIP/2.0/UDP host:0;branch=x",
        "SIP/2.0/UDP host:65536;branch=x",
        "SIP/2.0/UDP host:5060x;branch=x",
        "SIP/2.0/UDP ho st;branch=x",
        "SIP/2.0/UDP host;;branch=x",
        "SIP/2.0/UDP host;branch=x;",
        "SIP/2.0/UDP host;branch=",
        "SIP/2.0/UDP host;=x;branch=x",
        "SIP/2.0/UDP host;rport=99999",
        "SIP/2.0/UDP host;rport=x",
        "SIP/2.0/UDP host (comment);branch=x",
        "SIP/2.0/UDP [2001:db8::1;branch=x",
        "SIP/2.0/UDP [2001:db8::1]5060;branch=x",
        "SIP/2.0/UDP [2001:db8::zz];branch=x",
        "SIP/2.0/UDP 2001:db8::1;branch=x",
        "SIP/2.0/UDP [];branch=x",
        "SIP/2.0/UDP [",
        "SIP/2.0/UDP ]::1[",
        "SIP/2.0/UDP a]b;branch=x",
        "SIP/2.0/UDP host:;branch=x",
        "SIP/2.0/UDP host: ;branch=x",
        "SIP/2.0/UDP host:50 60;branch=x",
        "SIP/2.0/UDP :5060;branch=x",
        "SIP/2.0/UDP host (;branch=x",
        "SIP/2.0/U@P host;branch=x",
        "SIP/2.0/ ;branch=x",
        "SIP//UDP host;branch=x",
        "/2.0/UDP host;branch=x",
        "SIP/2.0;branch=x",
        "SIP;branch=x",
        ";branch=x",
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, OPTIONS "Via: %s\r\n" FROM TO CALL_ID CSEQ END, ROWS[i]);
        assert_fault(text, 400, true);
    }
}

static void test_3581_an_empty_rport_is_a_request_for_the_port(void **state)
{
    (void)state;
    struct reading reading;
    read_text(&reading, OPTIONS "Via: SIP/2.0/UDP h;rport=;branch=z9hG4bK1;x=\r\n" FROM TO CALL_ID CSEQ END);
    assert_int_equal(reading.result, 0);
    assert_true(sip_top_via(reading.message)->has_rport);
    assert_int_equal(sip_top_via(reading.message)->rport, 0);
    assert_text(sip_top_via(reading.message)->branch, "z9hG4bK1");
    finish(&reading);
}

static void test_via_parameters_are_bounded(void **state)
{
    (void)state;
    enum { MOST = 64 };
    char via[512] = "", text[1024];
    for (int i = 0; i < MOST; i++)
        strcat(via, ";x");
    snprintf(text, sizeof text, OPTIONS "Via: SIP/2.0/UDP host%s\r\n" FROM TO CALL_ID CSEQ END, via);
    assert_reads(text);
    snprintf(text, sizeof text, OPTIONS "Via: SIP/2.0/UDP host%s;y\r\n" FROM TO CALL_ID CSEQ END, via);
    assert_fault(text, 400, true);
}

/* Where it is not clear which URI or which tag is meant. */
static void test_addresses_that_are_refused(void **state)
{
    (void)state;
    static const char *const ROWS[] = {
        "",
        "bob",
        "sip:",
        ":bob",
        "<sip:bob@example.com",
        "\"Bob <sip:bob@example.com>",
        "< sip:bob@example.com >",
        "<sip:bob smith@example.com>",
        "O\"Hara <sip:bob@example.com>",
        "\"Bob\" sip:bob@example.com",
        "<sip:bob@example.com> x",
        "<sip:bob@example.com>, <sip:bob@example.org>",
        "<sip:bob@example.com>;tag=1;tag=2",
        "<sip:bob@example.com>;tag=;TAG=2",
        "<sip:bob@example.com>;tag=1;tag",
        "<sip:bob@example.com>;tag=\"1",
        "<sip:bob@example.com>;x=\"1;tag=2",
        "sip:bob@example.com, sip:bob@example.org",
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, OPTIONS VIA FROM "To: %s\r\n" CALL_ID CSEQ END, ROWS[i]);
        assert_fault(text, 400, true);
        snprintf(text, sizeof text, OPTIONS VIA "From: %s\r\n" TO CALL_ID CSEQ END, ROWS[i]);
        assert_fault(text, 400, true);
    }
    assert_fault(OPTIONS VIA FROM TO "Call-ID:\r\n" CSEQ END, 400, true);
    assert_fault(OPTIONS VIA FROM TO "Call-ID: a b\r\n" CSEQ END, 400, true);
}

/* RFC 3261 16.3 step 1: what a proxy does not act upon does not concern it. */
static void test_addresses_that_are_passed_on(void **state)
{
    (void)state;
    static const struct {
        const char *value, *uri, *tag;
    } ROWS[] = {
        {"Front/Back <sip:bob@example.com>;tag=1", "sip:bob@example.com", "1"},
        {"Bob (home) <sip:bob@example.com>;tag=1", "sip:bob@example.com", "1"},
        {"bob@example.com <sip:bob@example.com>;tag=1", "sip:bob@example.com", "1"},
        {"+1 201 555 0123 <sip:+12015550123@example.com;user=phone>;tag=1", "sip:+12015550123@example.com;user=phone",
         "1"},
        {"Bj\xc3\xb6rn \xe5\x8c\x97 <sip:bob@example.com>;tag=1", "sip:bob@example.com", "1"},
        {"Bob, Jr <sip:bob@example.com>;tag=1", "sip:bob@example.com", "1"},
        {"Bob \"<sip:x@y>\" B <sip:bob@example.com>;tag=1", "sip:bob@example.com", "1"},
        {"a>b;tag=7 <sip:bob@example.com>;tag=1", "sip:bob@example.com", "1"},
        {"<sip:bob\"@ex\xc3\xa4mple.com>;tag=1", "sip:bob\"@ex\xc3\xa4mple.com", "1"},
        {"<sip:bob@example.com:99999>;tag=1", "sip:bob@example.com:99999", "1"},
        {"<tel:+12015550123>;tag=1", "tel:+12015550123", "1"},
        {"urn:service:sos;tag=1", "urn:service:sos", "1"},
        {"sip:bob@example.com?subject=x;tag=1", "sip:bob@example.com?subject=x", "1"},
        {"<sip:bob@example.com>;;tag=1", "sip:bob@example.com", "1"},
        {"<sip:bob@example.com>;tag=1;", "sip:bob@example.com", "1"},
        {"<sip:bob@example.com>;x=;tag=1", "sip:bob@example.com", "1"},
        {"<sip:bob@example.com>;=x;@;tag=1", "sip:bob@example.com", "1"},
        {"<sip:bob@example.com>;x=\";tag=2\" ; TAG = 1", "sip:bob@example.com", "1"},
        {"<sip:bob@example.com>;tag=1;tag=1", "sip:bob@example.com", "1"},
        {"<sip:bob@example.com>;tag=", "sip:bob@example.com", ""},
        {"<sip:bob@example.com>;tag", "sip:bob@example.com", ""},
        {"<sip:bob@example.com>;tag=\"\"", "sip:bob@example.com", ""},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char text[1024];
        struct reading reading;
        snprintf(text, sizeof text, OPTIONS VIA "From: %s\r\nTo: %s\r\n" CALL_ID CSEQ END, ROWS[i].value,
                 ROWS[i].value);
        read_text(&reading, text);
        if (reading.result != 0)
            fail_msg("%s in %s", reading.fault.what, ROWS[i].value);
        assert_text(sip_from_uri(reading.message), ROWS[i].uri);
        assert_text(sip_to_uri(reading.message), ROWS[i].uri);
        assert_text(sip_from_tag(reading.message), ROWS[i].tag);
        assert_text(sip_to_tag(reading.message), ROWS[i].tag);
        assert_text(sip_bytes(reading.message), text);
        finish(&reading);
    }
}

static void test_other_fields_are_passed_on(void **state)
{
    (void)state;
    static const char *const ROWS[] = {
        "Contact: <sip:a@b", "Contact: sip:a@b@c", "Contact:",           "P-Asserted-Identity: \"x <sip:a@b>",
        "Reply-To: @",       "Warning: x",         "Date: yesterday",    "Refer-To: <sip:a@b?Replaces=%zz>",
        "Expires: soon",     "Min-Expires: -1",    "Retry-After: later", "Route-Not: ;;;",
        "Content-Type: ;;",  "Session-Expires: x", "Supported: ,,",      "Record-Route: <sip:",
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, OPTIONS VIA FROM TO CALL_ID CSEQ "%s\r\n" END, ROWS[i]);
        assert_reads(text);
        snprintf(text, sizeof text, OK VIA FROM TO CALL_ID CSEQ "%s\r\n" END, ROWS[i]);
        assert_reads(text);
        snprintf(text, sizeof text, REGISTER "%s\r\n" END, ROWS[i]);
        assert_reads(text);
    }
}

/* --- faults in words --- */

static void assert_phrase(const char *text, const char *expected)
{
    struct reading reading;
    char phrase[SIP_FAULT_SIZE];
    read_text(&reading, text);
    assert_string_equal(sip_fault_phrase(&reading.fault, phrase, sizeof phrase), expected);
    finish(&reading);
}

static void test_a_fault_names_the_header_field_and_the_byte(void **state)
{
    (void)state;
    assert_phrase(OPTIONS FROM TO CALL_ID CSEQ END, "Bad Request: Via: the header field is missing");
    assert_phrase("\r\n" OPTIONS FROM TO CALL_ID CSEQ END, "Bad Request: Via: the header field is missing");
    assert_phrase("INVITE sip:a@b SIP/3.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\n" END,
                  "Version Not Supported: the version is not SIP/2.0 at byte 15");
    assert_phrase("\r\nINVITE sip:a@b SIP/3.0\r\n" VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\n" END,
                  "Version Not Supported: the version is not SIP/2.0 at byte 17");
    assert_phrase("OPTIONS sip:a@b SIP/2.0\r\nFrom: <sip:a@b>;tag=1;tag=2\r\n" VIA TO CALL_ID CSEQ END,
                  "Bad Request: From: there are two different tags at byte 46");
    assert_phrase("OPTIONS sip:a@b SIP/2.0\r\nCSeq: x\r\n" VIA FROM TO CALL_ID END,
                  "Bad Request: CSeq: the value does not begin with a number at byte 25");
    assert_phrase("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;;\r\n" FROM TO CALL_ID CSEQ END,
                  "Bad Request: Via: a parameter of the topmost value is malformed, or there are too many at byte 25");
}

/* No text may be so long that it is cut, and none may hold what could end a line. */
static void test_every_phrase_fits(void **state)
{
    (void)state;
    char phrase[SIP_FAULT_SIZE], small[12];
    const struct sip_fault longest = {.status = 413,
                                      .offset = UINT32_MAX,
                                      .what = "a parameter of the topmost value is malformed, or there are too many"};
    assert_int_equal(strlen(sip_fault_phrase(&longest, phrase, sizeof phrase)),
                     strlen("Request Entity Too Large: ") + strlen(longest.what) + strlen(" at byte 4294967295"));
    assert_string_equal(sip_fault_phrase(&longest, small, sizeof small), "Request Ent");
    assert_string_equal(sip_fault_text(&(struct sip_fault){0}, phrase, sizeof phrase),
                        "this is not a SIP message at byte 0");
}

static void test_max_forwards_range(void **state)
{
    (void)state;
    assert_reads(OPTIONS VIA FROM TO CALL_ID CSEQ "Max-Forwards: 255\r\n" END);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "Max-Forwards: 256\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "Max-Forwards: 4294967296\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "Max-Forwards: -1\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "Max-Forwards:\r\n" END, 400, true);
    assert_reads(OK VIA FROM TO CALL_ID CSEQ "Max-Forwards: x\r\n" END);
}

static void test_content_length_against_the_bytes(void **state)
{
    (void)state;
    struct reading reading;
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "Content-Length: 5\r\n\r\nbody", 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "Content-Length: 18446744073709551616\r\n\r\nbody", 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "Content-Length: -4\r\n\r\nbody", 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "Content-Length: 0x4\r\n\r\nbody", 400, true);
    assert_fault(OK VIA FROM TO CALL_ID CSEQ "Content-Length: 5\r\n\r\nbody", 400, false);
    read_text(&reading, OPTIONS VIA FROM TO CALL_ID CSEQ "Content-Length: 3\r\n\r\nbody");
    assert_text(sip_body(reading.message), "bod");
    assert_text(sip_bytes(reading.message), OPTIONS VIA FROM TO CALL_ID CSEQ "Content-Length: 3\r\n\r\nbod");
    finish(&reading);
    read_text(&reading, OPTIONS VIA FROM TO CALL_ID CSEQ "\r\nbody");
    assert_text(sip_body(reading.message), "body");
    finish(&reading);
    read_bytes(&reading, OPTIONS VIA FROM TO CALL_ID CSEQ "\r\n \0\r\n", strlen(OPTIONS VIA FROM TO CALL_ID CSEQ) + 6,
               NULL);
    assert_text(sip_bytes(reading.message), OPTIONS VIA FROM TO CALL_ID CSEQ "\r\n");
    finish(&reading);
    read_text(&reading, OPTIONS VIA FROM TO CALL_ID CSEQ "Content-Type: text/plain\r\n\r\n \n");
    assert_text(sip_body(reading.message), " \n");
    finish(&reading);
}

static void test_lines_end_in_crlf(void **state)
{
    (void)state;
    assert_fault(OPTIONS VIA FROM TO CALL_ID "CSeq: 7 OPTIONS\nX: y\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "X: a\rY: b\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "X: a\r\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "\n", 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID "CSeq: 7 OPTIONS", 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "X: a\r\n b\r", 400, true);
}

static void test_field_lines_that_are_refused(void **state)
{
    (void)state;
    assert_fault(OPTIONS " folded: first\r\n" VIA FROM TO CALL_ID CSEQ END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "no colon\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ ": no name\r\n" END, 400, true);
    assert_fault(OPTIONS VIA FROM TO CALL_ID CSEQ "X(: y\r\n" END, 400, true);
    assert_reads(OPTIONS VIA FROM TO CALL_ID CSEQ "X \t: y\r\n" END);
}

static void test_nul_only_as_a_quoted_pair(void **state)
{
    (void)state;
    static const char QUOTED[] = OPTIONS VIA "From: \"a\\\0b\" <sip:alice@example.org>;tag=1\r\n" TO CALL_ID CSEQ END;
    static const char BARE[] = OPTIONS VIA FROM TO CALL_ID CSEQ "X: a\0b\r\n" END;
    static const char IN_VIA[] = OPTIONS "Via: SIP/2.0/UDP host;a=\"\\\0\"\r\n" FROM TO CALL_ID CSEQ END;
    static const char IN_TO[] = OPTIONS VIA FROM "To: sip:bob\\\0x@example.org\r\n" CALL_ID CSEQ END;
    struct reading reading;
    read_bytes(&reading, QUOTED, sizeof QUOTED - 1, NULL);
    assert_int_equal(reading.result, 0);
    finish(&reading);
    read_bytes(&reading, BARE, sizeof BARE - 1, NULL);
    assert_int_equal(reading.result, -EBADMSG);
    assert_int_equal(reading.fault.status, 400);
    assert_int_equal(BARE[reading.fault.offset], '\0');
    finish(&reading);
    read_bytes(&reading, IN_VIA, sizeof IN_VIA - 1, NULL);
    assert_int_equal(reading.result, -EBADMSG);
    finish(&reading);
    read_bytes(&reading, IN_TO, sizeof IN_TO - 1, NULL);
    assert_int_equal(reading.result, -EBADMSG);
    finish(&reading);
}

static void test_limits(void **state)
{
    (void)state;
    struct reading reading;
    const char *text = OPTIONS VIA FROM TO CALL_ID CSEQ "X: 1234567890\r\n\r\n0123456789";
    struct sip_limits limits = {.message = (uint32_t)strlen(text)};
    read_bytes(&reading, text, strlen(text), &limits);
    assert_int_equal(reading.result, 0);
    finish(&reading);
    limits.message--;
    read_bytes(&reading, text, strlen(text), &limits);
    assert_int_equal(reading.result, -EMSGSIZE);
    assert_int_equal(reading.fault.status, 413);
    assert_non_null(reading.message);
    finish(&reading);
    limits = (struct sip_limits){.fields = 6};
    read_bytes(&reading, text, strlen(text), &limits);
    assert_int_equal(reading.result, 0);
    finish(&reading);
    limits.fields = 5;
    read_bytes(&reading, text, strlen(text), &limits);
    assert_int_equal(reading.result, -EMSGSIZE);
    assert_int_equal(reading.fault.status, 400);
    assert_non_null(reading.message);
    finish(&reading);
    limits = (struct sip_limits){.line = 20};
    read_bytes(&reading, text, strlen(text), &limits);
    assert_int_equal(reading.result, -EMSGSIZE);
    finish(&reading);
}

static void test_default_limits(void **state)
{
    (void)state;
    enum { SIZE = 80000 };
    char *text = malloc(SIZE);
    struct reading reading;
    size_t length = (size_t)snprintf(text, SIZE, "%s", OPTIONS VIA FROM TO CALL_ID CSEQ);
    for (int i = 5; i < 256; i++)
        length += (size_t)snprintf(text + length, SIZE - length, "X: %d\r\n", i);
    strcpy(text + length, "\r\n");
    read_bytes(&reading, text, length + 2, NULL);
    assert_int_equal(reading.result, 0);
    assert_int_equal(reading.message->field_count, 256);
    finish(&reading);
    strcpy(text + length, "X: one more\r\n\r\n");
    read_bytes(&reading, text, strlen(text), NULL);
    assert_int_equal(reading.result, -EMSGSIZE);
    finish(&reading);
    length = (size_t)snprintf(text, SIZE, "%s", OPTIONS VIA FROM TO CALL_ID CSEQ "X: ");
    memset(text + length, 'x', 16384);
    strcpy(text + length + 16384, "\r\n\r\n");
    read_bytes(&reading, text, strlen(text), NULL);
    assert_int_equal(reading.result, -EMSGSIZE);
    finish(&reading);
    free(text);
}

static int64_t seconds_of(const char *line, int64_t (*read)(const struct sip_message *))
{
    char text[1024];
    struct reading reading;
    snprintf(text, sizeof text, OK VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\n%s\r\n" END, line);
    read_text(&reading, text);
    assert_int_equal(reading.result, 0);
    int64_t seconds = read(reading.message);
    finish(&reading);
    return seconds;
}

static void test_seconds_are_clamped(void **state)
{
    (void)state;
    assert_int_equal(seconds_of("Expires: 0", sip_expires), 0);
    assert_int_equal(seconds_of("Expires: 4294967295", sip_expires), 4294967295LL);
    assert_int_equal(seconds_of("Expires: 4294967296", sip_expires), 4294967295LL);
    assert_int_equal(seconds_of("Expires: 10000000000000000000000000000000000", sip_expires), 4294967295LL);
    assert_int_equal(seconds_of("Expires: soon", sip_expires), -1);
    assert_int_equal(seconds_of("X: y", sip_expires), -1);
    assert_int_equal(seconds_of("Min-Expires: 600", sip_min_expires), 600);
    assert_int_equal(seconds_of("Min-SE: 90;x=y", sip_min_se), 90);
    assert_int_equal(seconds_of("Flow-Timer: 25", sip_flow_timer), 25);
}

static void test_3261_20_33_a_retry_after_comment_and_duration(void **state)
{
    (void)state;
    assert_int_equal(seconds_of("Retry-After: 120", sip_retry_after), 120);
    assert_int_equal(seconds_of("Retry-After: 0", sip_retry_after), 0);
    assert_int_equal(seconds_of("Retry-After: 18000;duration=3600", sip_retry_after), 18000);
    assert_int_equal(seconds_of("Retry-After: 120 (I'm in a meeting; 5 (more) left)", sip_retry_after), 120);
    assert_int_equal(seconds_of("Retry-After: 120(now);duration=60", sip_retry_after), 120);
    assert_int_equal(seconds_of("Retry-After: 949302838503028349304023988", sip_retry_after), 4294967295LL);
    assert_int_equal(seconds_of("Retry-After: (soon) 12", sip_retry_after), -1);
    assert_int_equal(seconds_of("Retry-After: 12h", sip_retry_after), -1);
    assert_int_equal(seconds_of("Retry-After:", sip_retry_after), -1);
    assert_int_equal(seconds_of("X: y", sip_retry_after), -1);
}

static struct facts facts_of(const char *text)
{
    struct facts facts = {.in_dialog = true, .reg_id = 3};
    struct reading reading;
    read_text(&reading, text);
    assert_int_equal(reading.result, 0);
    sip_facts(reading.message, &facts);
    finish(&reading);
    return facts;
}

static void test_facts_of_a_registration(void **state)
{
    (void)state;
    struct facts facts = facts_of(OK VIA FROM TO CALL_ID "CSeq: 1 REGISTER\r\nRequire: path, outbound\r\n"
                                                         "Flow-Timer: 25\r\nService-Route: <sip:h;lr>\r\n" END);
    assert_int_equal(facts.code, 200);
    assert_int_equal(facts.method, METHOD_REGISTER);
    assert_int_equal(facts.flow_timer, 25);
    assert_true(facts.requires_outbound);
    assert_true(facts.has_service_route);
    assert_false(facts.has_challenge);
    assert_false(facts.has_retry_after);
    assert_int_equal(facts.via_count, 1);
    assert_true(facts.in_dialog);
    assert_int_equal(facts.reg_id, 3);
    facts = facts_of(OK VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\nFlow-Timer: 25\r\nService-Route: <sip:h;lr>\r\n" END);
    assert_int_equal(facts.flow_timer, 0);
    assert_false(facts.has_service_route);
    assert_false(facts.requires_outbound);
}

static void test_facts_of_failures(void **state)
{
    (void)state;
    struct facts facts = facts_of("SIP/2.0 503 No\r\n" VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\nRetry-After: 0\r\n" END);
    assert_int_equal(facts.code, 503);
    assert_true(facts.has_retry_after);
    assert_int_equal(facts.retry_after, 0);
    facts = facts_of("SIP/2.0 423 No\r\n" VIA FROM TO CALL_ID "CSeq: 1 REGISTER\r\nMin-Expires: 600\r\n" END);
    assert_int_equal(facts.min_expires, 600);
    facts = facts_of("SIP/2.0 422 No\r\n" VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\nMin-SE: 90\r\n" END);
    assert_int_equal(facts.min_se, 90);
    facts =
        facts_of("SIP/2.0 407 No\r\n" VIA FROM TO CALL_ID "CSeq: 1 INVITE\r\nProxy-Authenticate: Digest x=y\r\n" END);
    assert_true(facts.has_challenge);
}

static void test_3261_8_1_3_c_via_values_are_counted(void **state)
{
    (void)state;
    struct facts facts =
        facts_of(OK VIA "Via: SIP/2.0/UDP a;x=\"1,2\", SIP/2.0/UDP b\r\nv: SIP/2.0/UDP c\r\n" FROM TO CALL_ID
                        "CSeq: 1 INVITE\r\n" END);
    assert_int_equal(facts.via_count, 4);
}

static void test_allocation_failure_leaves_nothing(void **state)
{
    (void)state;
    struct text text = sip_corpus_at(0);
    for (uint64_t call = 1; call <= 3; call++) {
        struct fake_host fake;
        struct sip_message *message = NULL;
        struct sip_fault fault;
        fake_host_create(&fake);
        fake.fail_after = call;
        int result = sip_message_new(&message, &fake.host, text.at, text.length, NULL, &fault);
        assert_int_equal(result, call == 1 ? -ENOMEM : 0);
        assert_int_equal(message != NULL, call != 1);
        sip_message_delete(message);
        assert_int_equal(fake.allocated, 0);
    }
    sip_message_delete(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_is_read),
        cmocka_unit_test(test_names_of_header_fields_have_any_case),
        cmocka_unit_test(test_top_via_is_read),
        cmocka_unit_test(test_via_may_have_white_space),
        cmocka_unit_test(test_response_is_read),
        cmocka_unit_test(test_fields_are_found_by_kind_and_name),
        cmocka_unit_test(test_start_lines_that_are_refused),
        cmocka_unit_test(test_start_lines_that_are_taken),
        cmocka_unit_test(test_missing_headers_are_faults),
        cmocka_unit_test(test_headers_that_may_be_there_once),
        cmocka_unit_test(test_cseq_is_checked),
        cmocka_unit_test(test_vias_that_are_refused),
        cmocka_unit_test(test_3581_an_empty_rport_is_a_request_for_the_port),
        cmocka_unit_test(test_via_parameters_are_bounded),
        cmocka_unit_test(test_addresses_that_are_refused),
        cmocka_unit_test(test_addresses_that_are_passed_on),
        cmocka_unit_test(test_other_fields_are_passed_on),
        cmocka_unit_test(test_a_fault_names_the_header_field_and_the_byte),
        cmocka_unit_test(test_every_phrase_fits),
        cmocka_unit_test(test_max_forwards_range),
        cmocka_unit_test(test_content_length_against_the_bytes),
        cmocka_unit_test(test_lines_end_in_crlf),
        cmocka_unit_test(test_field_lines_that_are_refused),
        cmocka_unit_test(test_nul_only_as_a_quoted_pair),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_default_limits),
        cmocka_unit_test(test_seconds_are_clamped),
        cmocka_unit_test(test_3261_20_33_a_retry_after_comment_and_duration),
        cmocka_unit_test(test_facts_of_a_registration),
        cmocka_unit_test(test_facts_of_failures),
        cmocka_unit_test(test_3261_8_1_3_c_via_values_are_counted),
        cmocka_unit_test(test_allocation_failure_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
