// SPDX-License-Identifier: BSD-2-Clause
#include "digest_client.h"

enum digest digest_of_algorithm(enum auth_algorithm algorithm)
{
    static const enum digest digests[] = {
        [AUTH_SHA256] = DIGEST_SHA_256, [AUTH_SHA512_256] = DIGEST_SHA_512_256, [AUTH_MD5] = DIGEST_MD5};
    return digests[algorithm];
}

static const char *or_else(const char *value, const char *other)
{
    return value != NULL ? value : other;
}

void digest_client_ha1(struct text user, struct text realm, const char *password, enum auth_algorithm algorithm,
                       char out[HA1_SIZE])
{
    const struct text parts[] = {user, realm, text_of(password)};
    assert_true(digest_hex_joined(digest_of_algorithm(algorithm), parts, 3, out));
}

void digest_client_challenged(struct digest_client *client, const char *lines)
{
    const char *nonce = strstr(lines, " nonce=\"");
    assert_non_null(nonce);
    assert_int_equal(sscanf(nonce, " nonce=\"%63[^\"]\"", client->nonce), 1);
    client->count = 1;
}

const char *digest_client_field(const struct digest_client *client, const char *name, const char *end, char *out,
                                size_t size)
{
    char ha1[DIGEST_HEX_MOST], ha2[DIGEST_HEX_MOST], response[DIGEST_HEX_MOST], count[9];
    enum digest digest = digest_of_algorithm(client->algorithm);
    const char *user = or_else(client->user, "bob"), *realm = or_else(client->realm, "example.com");
    const char *uri = or_else(client->uri, "sip:example.com"), *cnonce = or_else(client->cnonce, "c0ffee");
    const char *qop = or_else(client->qop, "auth");
    const struct text request[] = {text_of(or_else(client->method, "REGISTER")), text_of(uri)};
    digest_client_ha1(text_of(user), text_of(realm), or_else(client->password, "secret"), client->algorithm, ha1);
    assert_true(digest_hex_joined(digest, request, 2, ha2));
    snprintf(count, sizeof count, "%08x", client->count);
    const struct text parts[] = {text_of(ha1),    text_of(client->nonce), text_of(count),
                                 text_of(cnonce), text_of(qop),           text_of(ha2)};
    assert_true(digest_hex_joined(digest, parts, 6, response));
    int length =
        snprintf(out, size,
                 "%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\", "
                 "algorithm=%s, cnonce=\"%s\", qop=%s, nc=%s%s",
                 name, user, realm, client->nonce, uri, response, digest_name(digest), cnonce, qop, count, end);
    assert_in_range(length, 1, size - 1);
    return out;
}
