// SPDX-License-Identifier: BSD-2-Clause
#include "flow/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

static const struct {
    const char *name, *fetch;
} digests[DIGEST_COUNT] = {
    [DIGEST_MD5] = {"MD5", "MD5"},
    [DIGEST_SHA_256] = {"SHA-256", "SHA256"},
    [DIGEST_SHA_512_256] = {"SHA-512-256", "SHA512-256"},
};

const char *digest_name(enum digest digest)
{
    return (unsigned)digest < DIGEST_COUNT ? digests[digest].name : "?";
}

static bool write_hex(const unsigned char *hash, unsigned length, char out[DIGEST_HEX_MOST])
{
    static const char hex[] = "0123456789abcdef";
    if (2 * length >= DIGEST_HEX_MOST)
        return false;
    for (unsigned i = 0; i < length; i++) {
        out[2 * i] = hex[hash[i] >> 4];
        out[2 * i + 1] = hex[hash[i] & 15];
    }
    out[2 * length] = '\0';
    return true;
}

bool digest_hex(enum digest digest, struct text bytes, char out[DIGEST_HEX_MOST])
{
    return digest_hex_joined(digest, &bytes, 1, out);
}

static bool update_each(EVP_MD_CTX *context, const struct text *texts, size_t count)
{
    bool done = true;
    for (size_t i = 0; i < count && done; i++) {
        done = i == 0 || EVP_DigestUpdate(context, ":", 1) == 1;
        done = done && (texts[i].length == 0 || EVP_DigestUpdate(context, texts[i].at, texts[i].length) == 1);
    }
    return done;
}

/* Each call of EVP_DigestUpdate() costs more than copying a short text. One of the texts may be a secret. */
static bool update(EVP_MD_CTX *context, const struct text *texts, size_t count)
{
    enum { JOINED_MOST = 512 };
    char joined[JOINED_MOST], *at = joined;
    size_t length = count;
    for (size_t i = 0; i < count; i++)
        length += texts[i].length;
    if (length > sizeof joined)
        return update_each(context, texts, count);
    for (size_t i = 0; i < count; i++) {
        if (texts[i].length > 0)
            memcpy(at, texts[i].at, texts[i].length);
        at += texts[i].length;
        *at++ = ':';
    }
    bool done = length <= 1 || EVP_DigestUpdate(context, joined, length - 1) == 1;
    OPENSSL_cleanse(joined, length);
    return done;
}

static bool compute(EVP_MD_CTX *context, const EVP_MD *type, const struct text *texts, size_t count,
                    char out[DIGEST_HEX_MOST])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    bool done =
        context != NULL && type != NULL && EVP_DigestInit_ex(context, type, NULL) == 1 && update(context, texts, count);
    return done && EVP_DigestFinal_ex(context, hash, &length) == 1 && write_hex(hash, length, out);
}

bool digest_hex_joined(enum digest digest, const struct text *texts, size_t count, char out[DIGEST_HEX_MOST])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *type = (unsigned)digest < DIGEST_COUNT ? EVP_get_digestbyname(digests[digest].fetch) : NULL;
    bool done = compute(context, type, texts, count, out);
    EVP_MD_CTX_free(context);
    return done;
}

int digester_create(struct digester *digester)
{
    *digester = (struct digester){.context = EVP_MD_CTX_new()};
    for (int i = 0; i < DIGEST_COUNT; i++)
        digester->types[i] = EVP_MD_fetch(NULL, digests[i].fetch, NULL);
    if (digester->context != NULL)
        return 0;
    digester_destroy(digester);
    return -ENOMEM;
}

void digester_destroy(struct digester *digester)
{
    EVP_MD_CTX_free(digester->context);
    for (int i = 0; i < DIGEST_COUNT; i++)
        EVP_MD_free(digester->types[i]);
    *digester = (struct digester){0};
}

bool digester_hex_joined(struct digester *digester, enum digest digest, const struct text *texts, size_t count,
                         char out[DIGEST_HEX_MOST])
{
    return (unsigned)digest < DIGEST_COUNT && compute(digester->context, digester->types[digest], texts, count, out);
}

bool digest_is_hex(enum digest digest, struct text text)
{
    if (text.length != (digest == DIGEST_MD5 ? 32 : 64))
        return false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}
