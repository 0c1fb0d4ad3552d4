// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "sip/credentials.h"

/* Values of Authorization fields, good and broken. */

#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

static const struct text texts[] = {
    BYTES("Digest username=\"bob\", realm=\"example.com\", nonce=\"00000000a1b2000000010123456789abcdef\", "
          "uri=\"sip:example.com;transport=tcp\", response=\"753927fa0e85d155564e2e272a28d180\", algorithm=SHA-256, "
          "cnonce=\"f2/wE4q74E6=\", nc=0000000a, qop=auth, opaque=\"x\""),
    BYTES("Digest username=bob,realm=example.com,nonce=n,uri=sip:example.com,response=00,qop=\"auth\""),
    BYTES("Digest username=\"b\\\"o\\\\b\", realm=\"e\\xample.com\", nonce=\"\", uri=\"\", response=\"\""),
    BYTES(
        "Digest username*=UTF-8''J%C3%A4s%C3%B8n, realm=\"r\", nonce=\"n\", uri=\"u\", response=\"0\", userhash=false"),
    BYTES(
        "Digest username=\"J\xc3\xa4s\xc3\xb8n\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"0\", userhash=true"),
    BYTES("Digest username=\"a\", username=\"b\", realm=\"r\\"),
    BYTES("Digest ,, ,nonce=\"n\\\""),
    BYTES("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
};

/* A text is absent, or a part of the value. */
static bool is_inside(struct text part, const char *bytes, size_t length)
{
    return part.at == NULL || (part.at >= bytes && part.length <= length && part.at + part.length <= bytes + length);
}

static bool are_inside(const struct sip_credentials *credentials, const char *bytes, size_t length)
{
    const struct text parts[] = {credentials->username, credentials->realm,    credentials->nonce,
                                 credentials->uri,      credentials->response, credentials->algorithm,
                                 credentials->cnonce,   credentials->nc,       credentials->qop};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (!is_inside(parts[i], bytes, length))
            return false;
    }
    return true;
}

static bool has_required(const struct sip_credentials *credentials)
{
    return credentials->username.at != NULL && credentials->realm.at != NULL && credentials->nonce.at != NULL &&
           credentials->uri.at != NULL && credentials->response.at != NULL;
}

static const char *judge_username(const struct sip_credentials *credentials)
{
    char name[64];
    const char *what = NULL;
    int length = sip_credentials_username(credentials, name, sizeof name, &what);
    if (length > (int)sizeof name || length == 0)
        return "a username has no length";
    for (int i = 0; i < length; i++) {
        if ((unsigned char)name[i] < ' ')
            return "a username has control characters";
    }
    return length > 0 && (size_t)length > credentials->username.length ? "a username has grown" : NULL;
}

/* Reads a copy of exactly these bytes, so that one too many is seen. */
static const char *exercise(const char *bytes, size_t length)
{
    struct sip_credentials credentials;
    const char *what = NULL, *wrong = NULL;
    char *copy = length > 0 ? malloc(length) : NULL;
    if (copy == NULL)
        return NULL;
    memcpy(copy, bytes, length);
    int error = sip_credentials_read((struct text){copy, length}, &credentials, &what);
    if ((error == 0) != (what == NULL))
        wrong = "a fault without a reason, or the other way round";
    else if (!are_inside(&credentials, copy, length))
        wrong = "a parameter is not part of the field";
    else if (error == 0 && credentials.digest && !has_required(&credentials))
        wrong = "a parameter is missing, and no fault was reported";
    else if (credentials.username.at != NULL)
        wrong = judge_username(&credentials);
    if (wrong == NULL && credentials.realm.at != NULL)
        sip_quoted_equal(credentials.realm, credentials.uri.at != NULL ? credentials.uri : credentials.realm);
    free(copy);
    return wrong;
}

const struct fuzz fuzz_target = {texts, sizeof texts / sizeof texts[0], NULL, exercise};
