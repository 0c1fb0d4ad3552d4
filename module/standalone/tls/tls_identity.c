// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/tls/tls_private.h"

#include <openssl/x509v3.h>

/* The identities in a certificate (RFC 5922 section 7.1, 7.2). */

enum verdict { SAYS_NOTHING, SAYS_ANOTHER, SAYS_SO };

static struct text text_of_string(const ASN1_STRING *string)
{
    return (struct text){(const char *)ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string)};
}

/* A name that contains a NUL is an attack on programs that read it as a C string. */
static bool is_domain(struct text name, struct text domain)
{
    if (name.length > 0 && name.at[name.length - 1] == '.')
        name.length--;
    return memchr(name.at, '\0', name.length) == NULL && text_equal_nocase(name, domain);
}

/* "sip:example.com"; a URI with a user names a user and no domain, and so do parameters. */
static bool is_domain_uri(struct text uri, struct text domain)
{
    static const struct text scheme = {"sip:", 4};
    if (uri.length <= scheme.length || !text_equal_nocase((struct text){uri.at, scheme.length}, scheme))
        return false;
    return is_domain((struct text){uri.at + scheme.length, uri.length - scheme.length}, domain);
}

static enum verdict says(const GENERAL_NAME *name, struct text domain)
{
    switch (name->type) {
    case GEN_URI:
        return is_domain_uri(text_of_string(name->d.uniformResourceIdentifier), domain) ? SAYS_SO : SAYS_ANOTHER;
    case GEN_DNS:
        return is_domain(text_of_string(name->d.dNSName), domain) ? SAYS_SO : SAYS_ANOTHER;
    default:
        return SAYS_NOTHING;
    }
}

static enum verdict alternative_names(X509 *certificate, struct text domain)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    enum verdict verdict = names != NULL ? SAYS_ANOTHER : SAYS_NOTHING;
    for (int i = 0; verdict != SAYS_SO && i < sk_GENERAL_NAME_num(names); i++) {
        enum verdict one = says(sk_GENERAL_NAME_value(names, i), domain);
        verdict = one != SAYS_NOTHING ? one : verdict;
    }
    GENERAL_NAMES_free(names);
    return verdict;
}

static bool common_name(X509 *certificate, struct text domain)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (place < 0)
        return false;
    return is_domain(text_of_string(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place))), domain);
}

bool tls_certificate_speaks_for(X509 *certificate, struct text domain)
{
    char address[64];
    if (certificate == NULL || domain.length == 0)
        return false;
    if (domain.length < sizeof address) {
        memcpy(address, domain.at, domain.length);
        address[domain.length] = '\0';
        if (X509_check_ip_asc(certificate, address, 0) == 1)
            return true;
    }
    enum verdict verdict = alternative_names(certificate, domain);
    return verdict == SAYS_SO || (verdict == SAYS_NOTHING && common_name(certificate, domain));
}
