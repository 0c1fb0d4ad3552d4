// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "test.h"

#include "sip/credentials.h"

/* Authorization fields as phones and strangers send them (RFC 7616 3.4). */

#define REST "realm=\"example.com\", nonce=\"n\", uri=\"sip:example.com\", response=\"00\""
#define BOB  "Digest username=\"bob\", " REST

static struct sip_credentials read_good(const char *value)
{
    struct sip_credentials credentials;
    const char *what;
    assert_int_equal(sip_credentials_read(text_of(value), &credentials, &what), 0);
    assert_null(what);
    return credentials;
}

static void assert_text(struct text text, const char *expected)
{
    if (expected == NULL) {
        assert_null(text.at);
        return;
    }
    assert_non_null(text.at);
    assert_int_equal(text.length, strlen(expected));
    assert_memory_equal(text.at, expected, text.length);
}

static void assert_fault(const char *value, const char *expected)
{
    struct sip_credentials credentials;
    const char *what;
    assert_int_equal(sip_credentials_read(text_of(value), &credentials, &what), -EBADMSG);
    assert_string_equal(what, expected);
}

static void assert_username(const char *value, const char *expected)
{
    char name[64];
    const char *what;
    struct sip_credentials credentials = read_good(value);
    int length = sip_credentials_username(&credentials, name, sizeof name, &what);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(name, expected, strlen(expected));
}

static void assert_no_username(const char *value, const char *expected)
{
    char name[64];
    const char *what = NULL;
    struct sip_credentials credentials = read_good(value);
    assert_int_equal(sip_credentials_username(&credentials, name, sizeof name, &what), -EBADMSG);
    assert_string_equal(what, expected);
}

static void assert_all(const struct sip_credentials *credentials)
{
    assert_true(credentials->digest);
    assert_text(credentials->username, "bob");
    assert_text(credentials->realm, "example.com");
    assert_text(credentials->nonce, "abc");
    assert_text(credentials->uri, "sip:example.com;transport=tcp");
    assert_text(credentials->response, "0123");
    assert_text(credentials->algorithm, "SHA-256");
    assert_text(credentials->cnonce, "f2/wE4q74E6=");
    assert_text(credentials->nc, "0000000a");
    assert_text(credentials->qop, "auth");
}

static void test_parameters(void **unused)
{
    struct sip_credentials credentials;
    (void)unused;
    credentials = read_good("Digest username=\"bob\", realm=\"example.com\", nonce=\"abc\", "
                            "uri=\"sip:example.com;transport=tcp\", response=\"0123\", algorithm=SHA-256, "
                            "cnonce=\"f2/wE4q74E6=\", nc=0000000a, qop=auth, opaque=\"x\", auth-param=1");
    assert_all(&credentials);
    credentials =
        read_good("dIGEST USERNAME=bob,Realm=example.com , nonce = abc,uri=sip:example.com;transport=tcp,\r\n "
                  "response=0123,ALGORITHM=\"SHA-256\",cnonce=f2/wE4q74E6=,nc=\"0000000a\",qop=\"auth\"");
    assert_all(&credentials);
}

static void test_absent_and_empty_values(void **unused)
{
    (void)unused;
    struct sip_credentials credentials = read_good("Digest username=\"\", realm=, nonce=\"\", uri=\"\",response=");
    assert_text(credentials.username, "");
    assert_text(credentials.realm, "");
    assert_text(credentials.nonce, "");
    assert_text(credentials.response, "");
    assert_text(credentials.algorithm, NULL);
    assert_text(credentials.qop, NULL);
    assert_no_username("Digest username=\"\"," REST, "the username is empty");
}

static void test_empty_elements_of_the_list(void **unused)
{
    (void)unused;
    struct sip_credentials credentials = read_good("Digest , ,username=\"bob\",, " REST ", ,");
    assert_text(credentials.username, "bob");
    assert_text(credentials.response, "00");
}

static void test_other_schemes(void **unused)
{
    (void)unused;
    assert_false(read_good("Basic QWxhZGRpbg==").digest);
    assert_false(read_good("Bearer a, b").digest);
    assert_fault("", "there is no authentication scheme");
    assert_fault("\"Digest\"", "there is no authentication scheme");
    assert_fault("Digest", "the username is missing");
}

static void test_missing_parameters(void **unused)
{
    (void)unused;
    assert_fault("Digest " REST, "the username is missing");
    assert_fault("Digest username=\"bob\", nonce=\"n\", uri=\"u\", response=\"r\"", "the realm is missing");
    assert_fault("Digest username=\"bob\", realm=\"r\", uri=\"u\", response=\"r\"", "the nonce is missing");
    assert_fault("Digest username=\"bob\", realm=\"r\", nonce=\"n\", response=\"r\"", "the uri is missing");
    assert_fault("Digest username=\"bob\", realm=\"r\", nonce=\"n\", uri=\"u\"", "the response is missing");
}

static void test_doubled_parameters(void **unused)
{
    struct sip_credentials credentials;
    const char *what;
    static const char *const doubled[] = {"username=\"eve\"",
                                          "realm=\"x\"",
                                          "nonce=n",
                                          "uri=u",
                                          "response=00",
                                          "algorithm=MD5, algorithm=SHA-256",
                                          "cnonce=a,cnonce=a",
                                          "nc=1,nc=2",
                                          "qop=auth,qop=auth-int",
                                          "username*=UTF-8''eve"};
    (void)unused;
    for (size_t i = 0; i < sizeof doubled / sizeof doubled[0]; i++) {
        char value[256];
        snprintf(value, sizeof value, BOB ", %s", doubled[i]);
        assert_fault(value, "a parameter is there twice");
    }
    assert_int_equal(sip_credentials_read(TEXT(BOB ", realm=\"other\""), &credentials, &what), -EBADMSG);
    assert_text(credentials.realm, "example.com");
}

static void test_broken_syntax(void **unused)
{
    (void)unused;
    assert_fault(BOB ", cnonce=\"abc", "a quoted value is not closed");
    assert_fault(BOB ", cnonce=\"abc\\\"", "a quoted value is not closed");
    assert_fault(BOB ", cnonce=\"abc\\", "a quoted value is not closed");
    assert_fault(BOB ", cnonce=ab\"c", "there is a quote inside a value");
    assert_fault(BOB ", cnonce", "a parameter has no value");
    assert_fault(BOB ", =\"a\"", "a parameter has no name");
    assert_fault(BOB ", \"cnonce\"=a", "a parameter has no name");
    assert_fault(BOB "; qop=auth", "a parameter is followed by something other than a comma");
    assert_fault("Digest username=bob loblaw, " REST, "a parameter is followed by something other than a comma");
    assert_fault("Digest=username, " REST, "the authentication scheme is not followed by a space");
}

/* Whose credentials they are is known although they are broken. */
static void test_realm_of_broken_credentials(void **unused)
{
    struct sip_credentials credentials;
    const char *what;
    (void)unused;
    assert_int_equal(sip_credentials_read(TEXT("Digest realm=\"example.com\", nonce=\"n"), &credentials, &what),
                     -EBADMSG);
    assert_text(credentials.realm, "example.com");
}

static void test_userhash(void **unused)
{
    (void)unused;
    assert_username(BOB ", userhash=false", "bob");
    assert_fault(BOB ", userhash=true", "userhash is not supported");
    assert_fault(BOB ", userhash=\"TRUE\"", "userhash is not supported");
    assert_fault(BOB ", userhash=maybe", "userhash is neither true nor false");
}

static void test_escapes_in_usernames(void **unused)
{
    (void)unused;
    assert_username("Digest username=\"b\\o\\\"b\\\\\", " REST, "bo\"b\\");
    assert_username("Digest username=\"a, b=c\", " REST, "a, b=c");
    assert_text(read_good("Digest username=\"\\\"\", " REST).username, "\\\"");
    assert_no_username("Digest username=\"b\tb\", " REST, "the username has control characters");
    assert_no_username("Digest username=\"b\\\nb\", " REST, "the username has control characters");
    assert_no_username("Digest username=\"\x7f\", " REST, "the username has control characters");
}

static void test_names_of_8_bits(void **unused)
{
    (void)unused;
    assert_username("Digest username=\"J\xc3\xa4s\xc3\xb8n\", " REST, "J\xc3\xa4s\xc3\xb8n");
    assert_username("Digest username=\"J\xe4s\xf8n\", " REST, "J\xe4s\xf8n");
    assert_username("Digest username=J\xe4s\xf8n, " REST, "J\xe4s\xf8n");
}

static void test_extended_usernames(void **unused)
{
    static const char fault[] = "the value of username* is not UTF-8 in the encoding of RFC 8187";
    (void)unused;
    assert_username("Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, " REST, "J\xc3\xa4s\xc3\xb8n Doe");
    assert_username("Digest username*=\"utf-8'da'a%25\", " REST, "a%");
    assert_no_username("Digest username*=ISO-8859-1''J%E4n, " REST, fault);
    assert_no_username("Digest username*=UTF-8''J%E4n, " REST, fault);
    assert_no_username("Digest username*=UTF-8''J%C, " REST, fault);
    assert_no_username("Digest username*=UTF-8''J%GG, " REST, fault);
    assert_no_username("Digest username*=UTF-8'bob, " REST, fault);
    assert_no_username("Digest username*=bob, " REST, fault);
    assert_no_username("Digest username*=UTF-8'', " REST, "the username is empty");
    assert_no_username("Digest username*=UTF-8''%00, " REST, "the username has control characters");
}

static void test_long_usernames(void **unused)
{
    char name[4];
    const char *what = NULL;
    struct sip_credentials credentials = read_good("Digest username=\"abcde\", " REST);
    struct sip_credentials encoded = read_good("Digest username*=UTF-8''a%20cde, " REST);
    (void)unused;
    assert_int_equal(sip_credentials_username(&credentials, name, sizeof name, &what), -ENOSPC);
    assert_int_equal(sip_credentials_username(&encoded, name, sizeof name, &what), -ENOSPC);
    assert_null(what);
}

static void test_comparison_of_quoted_strings(void **unused)
{
    (void)unused;
    assert_true(sip_quoted_equal(TEXT("example.com"), TEXT("example.com")));
    assert_true(sip_quoted_equal(TEXT("e\\xample\\.com"), TEXT("example.com")));
    assert_false(sip_quoted_equal(TEXT("Example.com"), TEXT("example.com")));
    assert_false(sip_quoted_equal(TEXT("example.com."), TEXT("example.com")));
    assert_false(sip_quoted_equal(TEXT("example.co"), TEXT("example.com")));
    assert_true(sip_quoted_equal(TEXT("a\\"), TEXT("a\\")));
    assert_true(sip_quoted_equal(TEXT(""), TEXT("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_absent_and_empty_values),
        cmocka_unit_test(test_empty_elements_of_the_list),
        cmocka_unit_test(test_other_schemes),
        cmocka_unit_test(test_missing_parameters),
        cmocka_unit_test(test_doubled_parameters),
        cmocka_unit_test(test_broken_syntax),
        cmocka_unit_test(test_realm_of_broken_credentials),
        cmocka_unit_test(test_userhash),
        cmocka_unit_test(test_escapes_in_usernames),
        cmocka_unit_test(test_names_of_8_bits),
        cmocka_unit_test(test_extended_usernames),
        cmocka_unit_test(test_long_usernames),
        cmocka_unit_test(test_comparison_of_quoted_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
