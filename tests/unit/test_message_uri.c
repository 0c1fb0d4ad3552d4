// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "test.h"

#include <osipparser2/osip_port.h>
#include <osipparser2/osip_uri.h>
#include <strings.h>

#include "sip/message.h"

#define assert_text(actual, expected)                                                                                  \
    do {                                                                                                               \
        struct text text_ = (actual);                                                                                  \
        assert_int_equal(text_.length, strlen(expected));                                                              \
        assert_memory_equal(text_.at, expected, text_.length);                                                         \
    } while (0)

static void test_uri_is_read(void **state)
{
    (void)state;
    struct sip_uri uri;
    assert_int_equal(sip_uri_create(&uri, TEXT("SIP:alice;day=tue:pass@[2001:DB8::1]:5070;Transport=TLS;lr;ob?a=b")),
                     0);
    assert_text(uri.scheme, "SIP");
    assert_text(uri.user, "alice;day=tue");
    assert_text(uri.host, "2001:DB8::1");
    assert_int_equal(uri.port, 5070);
    assert_text(uri.transport, "TLS");
    assert_true(uri.lr);
    assert_true(uri.ob);
    sip_uri_destroy(&uri);
    assert_null(uri.memory);
    assert_int_equal(sip_uri_create(&uri, TEXT("sips:example.com")), 0);
    assert_text(uri.user, "");
    assert_int_equal(uri.port, 0);
    assert_text(uri.transport, "");
    assert_false(uri.lr);
    sip_uri_destroy(&uri);
    sip_uri_destroy(&uri);
}

static void test_user_keeps_its_escapes(void **state)
{
    (void)state;
    struct sip_uri uri;
    assert_int_equal(sip_uri_create(&uri, TEXT("sip:null-%00-null:%00@example.com;%6C%72")), 0);
    assert_text(uri.user, "null-%00-null");
    assert_text(uri.host, "example.com");
    assert_true(uri.lr);
    sip_uri_destroy(&uri);
}

static void test_long_uri(void **state)
{
    (void)state;
    static const char END[] = "@h;ob";
    char text[3000];
    struct sip_uri uri;
    memset(text, 'x', sizeof text);
    memcpy(text, "sip:", 4);
    memcpy(text + sizeof text - strlen(END), END, strlen(END));
    assert_int_equal(sip_uri_create(&uri, (struct text){text, sizeof text}), 0);
    assert_int_equal(uri.user.length, sizeof text - 4 - strlen(END));
    assert_true(uri.ob);
    sip_uri_destroy(&uri);
}

static void test_foreign_schemes(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"tel:+12015550123", "soap.beep://192.0.2.103:3002",
                                       "http://www.example.com/?q=1", "isbn:2983792873", "urn:service:sos"};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct sip_uri uri;
        assert_int_equal(sip_uri_create(&uri, text_of(ROWS[i])), -EPROTONOSUPPORT);
        assert_int_equal(uri.scheme.length, strcspn(ROWS[i], ":"));
        assert_memory_equal(uri.scheme.at, ROWS[i], uri.scheme.length);
        assert_int_equal(uri.host.length, 0);
        sip_uri_destroy(&uri);
    }
}

static void test_uris_that_are_refused(void **state)
{
    (void)state;
    static const char *const ROWS[] = {"",
                                       "sip",
                                       "sip:",
                                       ":a@b",
                                       "1sip:a@b",
                                       "sip:@b",
                                       "sip::pass@b",
                                       "sip:a@",
                                       "sip:a@b@c",
                                       "sip:b;x=a@c@d",
                                       "sip:a b@c",
                                       "sip:a@b c",
                                       "sip:a@<b>",
                                       "sip:a@b\"c",
                                       "sip:a@b:",
                                       "sip:a@b:0",
                                       "sip:a@b:65536",
                                       "sip:a@b:5o60",
                                       "sip:a@b:000005060",
                                       "sip:a@b;;lr",
                                       "sip:a@b;",
                                       "sip:a@b;=x",
                                       "sip:a%4@b",
                                       "sip:a%zz@b",
                                       "sip:a@[2001:db8::1",
                                       "sip:a@[2001:db8::1]x",
                                       "sip:a@[2001:db8::g]",
                                       "sip:a@[]",
                                       "sip:2001:db8::10",
                                       "sip:a@b/c",
                                       "sip:\xc3\xa9@b"};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct sip_uri uri;
        if (sip_uri_create(&uri, text_of(ROWS[i])) != -EBADMSG)
            fail_msg("let through: %s", ROWS[i]);
        assert_null(uri.memory);
        sip_uri_destroy(&uri);
    }
    struct sip_uri uri;
    assert_int_equal(sip_uri_create(&uri, TEXT("sip:a\0b@c")), -EBADMSG);
}

static bool libosip2_has_parameter(const osip_uri_t *uri, const char *name)
{
    osip_list_iterator_t iterator;
    osip_uri_param_t *parameter = osip_list_get_first(&uri->url_params, &iterator);
    for (; osip_list_iterator_has_elem(iterator); parameter = osip_list_get_next(&iterator))
        if (strcasecmp(parameter->gname, name) == 0)
            return true;
    return false;
}

/* The value of the first transport parameter that has one. */
static struct text libosip2_transport(const osip_uri_t *uri)
{
    osip_list_iterator_t iterator;
    osip_uri_param_t *parameter = osip_list_get_first(&uri->url_params, &iterator);
    for (; osip_list_iterator_has_elem(iterator); parameter = osip_list_get_next(&iterator))
        if (strcasecmp(parameter->gname, "transport") == 0 && text_of(parameter->gvalue).length > 0)
            return text_of(parameter->gvalue);
    return (struct text){0};
}

static void assert_as_libosip2(const char *text)
{
    struct sip_uri uri;
    osip_uri_t *theirs;
    int result = sip_uri_create(&uri, text_of(text));
    assert_int_equal(osip_uri_init(&theirs), 0);
    bool parsed = osip_uri_parse(theirs, text) == OSIP_SUCCESS;
    if (result == 0 &&
        !(parsed && text_equal(uri.scheme, text_of(theirs->scheme)) && text_equal(uri.host, text_of(theirs->host)) &&
          text_equal(uri.user, text_of(theirs->username)) &&
          uri.port == (theirs->port != NULL ? strtoul(theirs->port, NULL, 10) : 0) &&
          uri.lr == libosip2_has_parameter(theirs, "lr") && uri.ob == libosip2_has_parameter(theirs, "ob") &&
          text_equal(uri.transport, libosip2_transport(theirs))))
        fail_msg("libosip2 reads something else: %s", text);
    osip_uri_free(theirs);
    sip_uri_destroy(&uri);
}

/* What is read in place must be what libosip2 reads. */
static void test_uris_are_read_as_libosip2_reads_them(void **state)
{
    static const char *const STARTS[] = {
        "sip:h", "sips:a@h:5061", "SIP:a:p@192.0.2.1", "sip:[2001:db8::1]", "sip:a@[2001:db8::1]:5060", "sip:a.h:99"};
    static const char *const PIECES[] = {
        ";",          "=", ",",  "lr", ";lr", "ob", ";LR=on", "%6c", "?", "&", "[", "transport", ";Transport=tcp",
        ";transport", "x", "=1", "=;", "%3b", "/"};
    uint32_t seed = 1;
    (void)state;
    for (int round = 0; round < 50000; round++) {
        char text[160];
        seed = seed * 1664525 + 1013904223;
        strcpy(text, STARTS[(seed >> 16) % (sizeof STARTS / sizeof STARTS[0])]);
        for (uint32_t count = (seed >> 8) % 8; count > 0; count--) {
            seed = seed * 1664525 + 1013904223;
            strcat(text, PIECES[(seed >> 16) % (sizeof PIECES / sizeof PIECES[0])]);
        }
        assert_as_libosip2(text);
    }
}

static void test_memory_is_for_what_has_to_be_decoded(void **state)
{
    struct sip_uri uri;
    (void)state;
    assert_int_equal(sip_uri_create(&uri, TEXT("sips:a:%70@[2001:db8::1]:5061;transport=tls;lr")), 0);
    assert_null(uri.memory);
    sip_uri_destroy(&uri);
    assert_int_equal(sip_uri_create(&uri, TEXT("sip:a@b;trans%70ort=t%63p")), 0);
    assert_non_null(uri.memory);
    assert_text(uri.transport, "tcp");
    sip_uri_destroy(&uri);
}

static void test_parameters_are_bounded(void **state)
{
    (void)state;
    enum { MOST = 64 };
    char text[1024] = "sip:a@b";
    struct sip_uri uri;
    for (int i = 0; i < MOST; i++)
        strcat(text, ";x=1");
    assert_int_equal(sip_uri_create(&uri, text_of(text)), 0);
    sip_uri_destroy(&uri);
    strcat(text, ";lr");
    assert_int_equal(sip_uri_create(&uri, text_of(text)), -EBADMSG);
    strcpy(text, "sip:a@b?x=1");
    for (int i = 1; i < MOST; i++)
        strcat(text, "&x=1");
    assert_int_equal(sip_uri_create(&uri, text_of(text)), 0);
    sip_uri_destroy(&uri);
    strcat(text, "&x=1");
    assert_int_equal(sip_uri_create(&uri, text_of(text)), -EBADMSG);
}

static void test_third_colon_before_ipv4(void **state)
{
    (void)state;
    struct sip_uri uri;
    assert_int_equal(sip_uri_create(&uri, TEXT("sip:user@[2001:db8:::192.0.2.1]")), 0);
    assert_text(uri.host, "2001:db8:::192.0.2.1");
    sip_uri_destroy(&uri);
    assert_int_equal(sip_uri_create(&uri, TEXT("sip:user@[2001:db8:::1]")), -EBADMSG);
    assert_int_equal(sip_uri_create(&uri, TEXT("sip:user@[2001:db8::::192.0.2.1]")), -EBADMSG);
}

static void assert_aor(const char *text, const char *expected)
{
    char out[128];
    struct sip_uri uri;
    assert_int_equal(sip_uri_create(&uri, text_of(text)), 0);
    int length = sip_uri_aor(&uri, AOR_CASE_SENSITIVE, out, sizeof out);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(out, expected, (size_t)length);
    assert_int_equal(sip_uri_aor(&uri, AOR_CASE_SENSITIVE, out, (size_t)length), length);
    assert_int_equal(sip_uri_aor(&uri, AOR_CASE_SENSITIVE, out, (size_t)length - 1), -ENOSPC);
    assert_int_equal(sip_uri_aor(&uri, AOR_CASE_SENSITIVE, NULL, 0), -ENOSPC);
    sip_uri_destroy(&uri);
}

static void test_aor_is_canonical(void **state)
{
    (void)state;
    assert_aor("sip:Bob@Example.COM", "sip:Bob@example.com");
    assert_aor("SIPS:Bob:secret@Example.COM:5061;transport=tcp?a=b", "sip:Bob@example.com");
    assert_aor("sip:%42%6fb@example.com", "sip:Bob@example.com");
    assert_aor("sip:a%40b%3a%25%20%2f@example.com", "sip:a%40b%3A%25%20/@example.com");
    assert_aor("sip:null-%00-null@example.com", "sip:null-%00-null@example.com");
    assert_aor("sip:%e9@example.com", "sip:%E9@example.com");
    assert_aor("sip:+12015550123;phone-context=x@h", "sip:+12015550123;phone-context=x@h");
    assert_aor("sip:bob@[2001:DB8::1]:5060", "sip:bob@[2001:db8::1]");
    assert_aor("sip:Example.com", "sip:example.com");
}

static void test_aor_in_any_case_is_lower_case(void **state)
{
    static const char *const uris[][2] = {{"sip:Bob@Example.COM", "sip:bob@example.com"},
                                          {"SIPS:%42OB;x=Y@h", "sip:bob;x=y@h"},
                                          {"sip:a%3A%E9@h", "sip:a%3a%e9@h"},
                                          {"sip:B@[2001:DB8::A]", "sip:b@[2001:db8::a]"},
                                          {"tel:+1-555-0100", "tel:+15550100"},
                                          {"mailto:Bob@h", "mailto:Bob@h"}};
    char out[64];
    (void)state;
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        int length = sip_aor(text_of(uris[i][0]), AOR_ANY_CASE, out, sizeof out);
        if (length != (int)strlen(uris[i][1]) || memcmp(out, uris[i][1], (size_t)length) != 0)
            fail_msg("%s: %.*s, not %s", uris[i][0], length, out, uris[i][1]);
        assert_int_equal(sip_aor(text_of(uris[i][0]), AOR_ANY_CASE, out, (size_t)length - 1), -ENOSPC);
    }
}

static void assert_same_host(const char *a, const char *b, bool same)
{
    char first[64], second[64];
    if (sip_host_equal(text_of(a), text_of(b)) != same || sip_host_equal(text_of(b), text_of(a)) != same)
        fail_msg("%s and %s: expected %s", a, b, same ? "the same" : "different");
    int length = sip_host_write(text_of(a), first, sizeof first);
    int other = sip_host_write(text_of(b), second, sizeof second);
    assert_true(length >= 0 && other >= 0);
    assert_int_equal(length == other && memcmp(first, second, (size_t)length) == 0, same);
}

static void test_5954_4_a_hosts_are_compared_by_value(void **state)
{
    char out[64];
    (void)state;
    assert_same_host("[2001:db8::1]", "2001:DB8:0:0::1", true);
    assert_same_host("[2001:db8::9:1]", "[2001:db8::9:01]", true);
    assert_same_host("::ffff:192.0.2.1", "[::FFFF:c000:0201]", true);
    assert_same_host("2001:db8:::192.0.2.1", "2001:db8::c000:201", true);
    assert_same_host("Example.COM.", "example.com", true);
    assert_same_host("192.0.2.1", "192.0.2.1", true);
    assert_same_host("2001:db8::1", "2001:db8::10", false);
    assert_same_host("::ffff:192.0.2.1", "192.0.2.1", true);
    assert_same_host("[::ffff:c000:201]", "192.0.2.1", true);
    assert_same_host("[::ffff:192.0.2.1]", "192.0.2.2", false);
    assert_same_host("[::192.0.2.1]", "192.0.2.1", false);
    assert_same_host("[64:ff9b::192.0.2.1]", "192.0.2.1", false);
    assert_same_host("example.com", "example.com.net", false);
    assert_same_host("192.0.2.1", "192.0.2.10", false);
    assert_same_host("", "example.com", false);
    assert_int_equal(sip_host_write(TEXT("[2001:DB8:0::1]"), out, sizeof out), 11);
    assert_memory_equal(out, "2001:db8::1", 11);
    assert_int_equal(sip_host_write(TEXT("[2001:DB8:0::1]"), out, 10), -ENOSPC);
    assert_aor("sip:bob@[2001:0DB8:0:0::0:1]:5060", "sip:bob@[2001:db8::1]");
    assert_aor("sip:bob@[::FFFF:c000:201]:5060", "sip:bob@192.0.2.1");
}

static void assert_any_aor(const char *text, const char *expected)
{
    char out[128];
    int length = sip_aor(text_of(text), AOR_CASE_SENSITIVE, out, sizeof out);
    if (length != (int)strlen(expected) || memcmp(out, expected, strlen(expected)) != 0)
        fail_msg("%s: %.*s, not %s", text, length, out, expected);
    assert_int_equal(sip_aor(text_of(text), AOR_CASE_SENSITIVE, out, (size_t)length - 1), -ENOSPC);
    assert_int_equal(sip_aor(text_of(expected), AOR_CASE_SENSITIVE, out, sizeof out), length);
}

static void test_aor_of_any_scheme(void **state)
{
    char out[64];
    (void)state;
    assert_any_aor("SIPS:Bob@Example.COM.:5061;transport=tcp", "sip:Bob@example.com");
    assert_any_aor("sip:[2001:DB8::1]", "sip:[2001:db8::1]");
    assert_any_aor("TEL:+1-(201)-555.0123;isub=1;Ext=7", "tel:+12015550123");
    assert_any_aor("tel:112", "tel:112");
    assert_any_aor("tel:*21A;isub=9;Phone-Context=Example.COM;x", "tel:*21a;phone-context=example.com");
    assert_any_aor("tel:+34112;phone-context=+34", "tel:+34112");
    assert_any_aor("tel:7042;x=y", "tel:7042");
    assert_any_aor("URN:Service:SOS.Police", "urn:service:sos.police");
    assert_any_aor("urn:uuid:00000000-AAAA", "urn:uuid:00000000-AAAA");
    assert_any_aor("NoBody-Knows+1.this:%42/?;Q=;&", "nobody-knows+1.this:%42/?;Q=;&");
    static const char *const bad[] = {"", "tel:", "sip:", "sip:a@b@c", "1tel:5", "tel:5 5", "urn", "tel:%4"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sip_aor(text_of(bad[i]), AOR_CASE_SENSITIVE, out, sizeof out), -EBADMSG);
    assert_true(sip_uri_is_sip(TEXT("SIP:a")) && sip_uri_is_sip(TEXT("sips:a")));
    assert_false(sip_uri_is_sip(TEXT("tel:1")) || sip_uri_is_sip(TEXT("sip")) || sip_uri_is_sip(TEXT("")) ||
                 sip_uri_is_sip(TEXT("sipx:a")));
}

static void assert_equal_uris(const char *a, const char *b, bool equal)
{
    if (sip_uri_equal(text_of(a), text_of(b)) != equal || sip_uri_equal(text_of(b), text_of(a)) != equal)
        fail_msg("%s and %s: expected %s", a, b, equal ? "equal" : "different");
    if (equal && sip_uri_key(text_of(a)) != sip_uri_key(text_of(b)))
        fail_msg("%s and %s: expected one key", a, b);
}

/* Different, and a key tells so. */
static void assert_different_keys(const char *a, const char *b)
{
    assert_equal_uris(a, b, false);
    if (sip_uri_key(text_of(a)) == sip_uri_key(text_of(b)))
        fail_msg("%s and %s: expected two keys", a, b);
}

static void test_3261_10_3_a_equal_uris(void **state)
{
    (void)state;
    assert_equal_uris("sip:%61lice@example.com;transport=TCP", "sip:alice@ExAmPlE.CoM;Transport=tcp", true);
    assert_equal_uris("sip:carol@example.com", "sip:carol@example.com;newparam=5", true);
    assert_equal_uris("sip:carol@example.com;security=on", "sip:carol@example.com;newparam=5", true);
    assert_equal_uris("sip:h;transport=tcp;method=REGISTER?to=sip:bob%40h",
                      "sip:h;method=REGISTER;transport=tcp?to=sip:bob%40h", true);
    assert_equal_uris("sip:alice@h?subject=x&priority=urgent", "sip:alice@h?priority=urgent&subject=x", true);
    assert_equal_uris("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0:0:0:0:1]", true);
    assert_equal_uris("sip:a@[::ffff:192.0.2.1]", "sip:a@[::FFFF:C000:201]", true);
    assert_equal_uris("sip:a@b;x=1;x=2", "sip:a@b;x=2;x=1", true);
    assert_equal_uris("sip:a@b;maddr=x;maddr=y", "sip:a@b;maddr=Y;maddr=X;maddr=x", true);
    assert_equal_uris("sip:a@b;%75ser=ph%6fne;x", "sip:a@b;User=Phone", true);
    assert_equal_uris("sip:a@b;ttl", "sip:a@b;ttl=", true);
    assert_equal_uris("SIPS:a:p%61ss@b:5061;lr", "sips:a:pass@B:5061", true);
    assert_equal_uris("sip:a%3bb@h", "sip:a%3Bb@h", true);
    assert_equal_uris("sip:a@b;x=%41;Y=z", "sip:a@b;y=Z;x=a", true);
    assert_equal_uris("tel:+1201", "TEL:+1201", true);
    assert_int_equal(sip_uri_key(TEXT("nonsense")), sip_uri_key(TEXT("nonsense")));
}

/* A stranger chooses both URIs, and each parameter is looked for among those of the other. */
static void test_3261_10_3_a_many_parameters_are_compared_byte_by_byte(void **state)
{
    static const char EIGHT[] = "sip:a@b;a;b;c;d;e;f;g;h", NINE[] = "sip:a@b;a;b;c;d;e;f;g;h;i";
    (void)state;
    assert_equal_uris(EIGHT, "sip:a@b;h;g;f;e;d;c;b;a", true);
    assert_equal_uris(NINE, NINE, true);
    assert_equal_uris(NINE, "sip:a@b;i;h;g;f;e;d;c;b;a", false);
    assert_equal_uris(NINE, EIGHT, false);
    assert_equal_uris("sip:a@b?a=1&b=2&c&d&e&f&g&h&i", "sip:a@b?i&h&g&f&e&d&c&b=2&a=1", true);
    assert_equal_uris("sip:a@b?a=1&b=2&c&d&e&f&g&h&i&j", "sip:a@b?j&i&h&g&f&e&d&c&b=2&a=1", false);
}

static void test_3261_10_3_a_different_uris(void **state)
{
    (void)state;
    assert_different_keys("sip:alice@h", "sip:Alice@h");
    assert_different_keys("sip:alice@h", "sips:alice@h");
    assert_different_keys("sip:bob@h", "sip:bob@h:5060");
    assert_different_keys("sip:bob@h", "sip:bob@h:6000;transport=tcp");
    assert_different_keys("sip:h", "sip:bob@h");
    assert_different_keys("sip:bob:x@h", "sip:bob:y@h");
    assert_different_keys("sip:bob:x@h", "sip:bob:X@h");
    assert_different_keys("sip:bob@h;transport=udp", "sip:bob@h;transport=tcp");
    assert_different_keys("sip:bob@h;transport=udp", "sip:bob@h");
    assert_different_keys("sip:bob@h;tr%61nsport=udp", "sip:bob@h");
    assert_different_keys("sip:bob@h;user=ip", "sip:bob@h");
    assert_different_keys("sip:bob@h;ttl=1", "sip:bob@h");
    assert_different_keys("sip:bob@h;method=INVITE", "sip:bob@h");
    assert_different_keys("sip:bob@h;maddr=1.2.3.4", "sip:bob@h");
    assert_different_keys("sip:bob@h;user=phone", "sip:bob@h;method=phone");
    assert_different_keys("sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]");
    assert_equal_uris("sip:bob@h;x=1;newparam=6", "sip:bob@h;newparam=5", false);
    assert_equal_uris("sip:carol@h?subject=next", "sip:carol@h", false);
    assert_equal_uris("sip:carol@h?a=b", "sip:carol@h?a=B", false);
    assert_equal_uris("sip:a%3Bb@h", "sip:a;b@h", false);
    assert_different_keys("sip:null-%00@h", "sip:null-%00%00@h");
    assert_different_keys("tel:+1201", "tel:+1202");
    assert_different_keys("tel:+1201", "sip:+1201@h");
    assert_equal_uris("nonsense", "nonsense", false);
}

/* A key is made of what two URIs must have in common, however long they are. */
static void test_3261_10_3_a_a_key_of_a_long_uri(void **state)
{
    char a[2200], b[2200], other[2200], user[2001];
    (void)state;
    memset(user, 'u', 2000);
    user[2000] = '\0';
    snprintf(a, sizeof a, "sip:%s@h;transport=tcp", user);
    snprintf(b, sizeof b, "sip:%s@H;transport=TCP;x", user);
    assert_equal_uris(a, b, true);
    snprintf(other, sizeof other, "sip:v%s@h;transport=tcp", user + 1);
    assert_different_keys(a, other);
}

static void assert_stripped(const char *uri, const char *expected)
{
    char bytes[128];
    size_t length = strlen(uri);
    memcpy(bytes, uri, length);
    length = sip_uri_strip(bytes, length);
    if (!text_equal((struct text){bytes, length}, text_of(expected)))
        fail_msg("%s became %.*s", uri, (int)length, bytes);
}

static void test_3261_16_6_a_headers_and_method_are_removed(void **state)
{
    (void)state;
    assert_stripped("sip:a@b;x=1;method=INVITE;y?Subject=x", "sip:a@b;x=1;y");
    assert_stripped("sip:a@b;METHOD=a;Method;method=b", "sip:a@b");
    assert_stripped("sip:a@b;%6dethod=INVITE;%4DETHO%64=x;z", "sip:a@b;z");
    assert_stripped("sip:a@b;method%00=x;methods=1;xmethod;metho=1", "sip:a@b;method%00=x;methods=1;xmethod;metho=1");
    assert_stripped("sip:a@b;x=method;y=;method=BYE", "sip:a@b;x=method;y=");
    assert_stripped("sips:method@method.example?method=x", "sips:method@method.example");
    assert_stripped("sip:a;method=x@b", "sip:a;method=x@b");
    assert_stripped("sip:[2001:db8::1]:5060?a=b", "sip:[2001:db8::1]:5060");
    assert_stripped("tel:+1555;method=x?a", "tel:+1555;method=x?a");
    assert_stripped("no uri;method=x?a", "no uri;method=x?a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uri_is_read),
        cmocka_unit_test(test_user_keeps_its_escapes),
        cmocka_unit_test(test_long_uri),
        cmocka_unit_test(test_foreign_schemes),
        cmocka_unit_test(test_uris_that_are_refused),
        cmocka_unit_test(test_uris_are_read_as_libosip2_reads_them),
        cmocka_unit_test(test_memory_is_for_what_has_to_be_decoded),
        cmocka_unit_test(test_parameters_are_bounded),
        cmocka_unit_test(test_third_colon_before_ipv4),
        cmocka_unit_test(test_aor_is_canonical),
        cmocka_unit_test(test_aor_in_any_case_is_lower_case),
        cmocka_unit_test(test_5954_4_a_hosts_are_compared_by_value),
        cmocka_unit_test(test_aor_of_any_scheme),
        cmocka_unit_test(test_3261_10_3_a_equal_uris),
        cmocka_unit_test(test_3261_10_3_a_many_parameters_are_compared_byte_by_byte),
        cmocka_unit_test(test_3261_10_3_a_different_uris),
        cmocka_unit_test(test_3261_10_3_a_a_key_of_a_long_uri),
        cmocka_unit_test(test_3261_16_6_a_headers_and_method_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
