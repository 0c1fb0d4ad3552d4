// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include "standalone/tls/tls_private.h"
#include "certificate.h"

struct identity {
    const char *common_name, *names, *domain;
    bool speaks;
};

/* RFC 5922 7.1 and 7.2. */
static const struct identity identities[] = {{"a.test", NULL, "a.test", true},
                                             {"A.Test", NULL, "a.tEST", true},
                                             {"a.test", NULL, "b.test", false},
                                             {"a.test", NULL, "a.test.", false},
                                             {"a.test", NULL, "sub.a.test", false},
                                             {"a.test", NULL, "", false},
                                             {NULL, NULL, "a.test", false},
                                             {NULL, "DNS:a.test", "a.test", true},
                                             {"x", "DNS:x.test,DNS:A.TEST", "a.test", true},
                                             {"x", "URI:sip:a.test", "a.test", true},
                                             {"x", "URI:SIP:A.test", "a.test", true},
                                             {"x", "URI:sip:b.test,DNS:a.test", "a.test", true},
                                             /* The common name counts only in a certificate without subjectAltName. */
                                             {"a.test", "DNS:b.test", "a.test", false},
                                             {"a.test", "URI:sip:b.test", "a.test", false},
                                             {"a.test", "email:root@a.test", "a.test", false},
                                             {"a.test", "IP:192.0.2.1", "a.test", false},
                                             /* Not a SIP domain's name. */
                                             {"x", "URI:sip:alice@a.test", "a.test", false},
                                             {"x", "URI:sip:a.test;transport=tls", "a.test", false},
                                             {"x", "URI:sip:a.test:5061", "a.test", false},
                                             {"x", "URI:sips:a.test", "a.test", false},
                                             {"x", "URI:https://a.test", "a.test", false},
                                             {"x", "URI:sip:", "a.test", false},
                                             {"x", "email:a.test@x", "a.test", false},
                                             /* No wildcards, not even as such. */
                                             {"x", "DNS:*.test", "a.test", false},
                                             {"*.test", NULL, "a.test", false},
                                             {"x", "DNS:*", "a.test", false},
                                             /* Addresses. */
                                             {"x", "IP:192.0.2.1", "192.0.2.1", true},
                                             {"x", "IP:192.0.2.1", "192.0.2.2", false},
                                             {"x", "IP:2001:db8::1", "2001:db8::1", true},
                                             {"x", "IP:2001:db8::1", "2001:db8::2", false},
                                             {"192.0.2.1", "IP:192.0.2.2", "192.0.2.1", false},
                                             {"x", "DNS:192.0.2.1", "192.0.2.1", true}};

static void test_who_a_certificate_speaks_for(void **state)
{
    EVP_PKEY *key = test_key_new();
    (void)state;
    for (size_t i = 0; i < sizeof identities / sizeof identities[0]; i++) {
        const struct identity *identity = &identities[i];
        X509 *certificate = test_certificate_new(key, identity->common_name, identity->names);
        bool speaks = tls_certificate_speaks_for(certificate, text_of(identity->domain));
        if (speaks != identity->speaks)
            fail_msg("number %zu: %s, %s for %s", i, identity->common_name, identity->names, identity->domain);
        X509_free(certificate);
    }
    EVP_PKEY_free(key);
}

/* "a.test\0.evil": read as a C string it would be another's. */
static void test_a_name_with_a_nul_is_nobodys(void **state)
{
    static const char name[] = "a.test\0.evil";
    (void)state;
    EVP_PKEY *key = test_key_new();
    X509 *certificate = test_certificate_new(key, NULL, NULL);
    X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8,
                               (const unsigned char *)name, sizeof name - 1, -1, 0);
    assert_false(tls_certificate_speaks_for(certificate, TEXT("a.test")));
    assert_false(tls_certificate_speaks_for(certificate, (struct text){name, sizeof name - 1}));
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void test_no_certificate_speaks_for_nobody(void **state)
{
    (void)state;
    assert_false(tls_certificate_speaks_for(NULL, TEXT("a.test")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_a_certificate_speaks_for),
        cmocka_unit_test(test_a_name_with_a_nul_is_nobodys),
        cmocka_unit_test(test_no_certificate_speaks_for_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
