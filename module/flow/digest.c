// SPDX-License-Identifier: BSD-2-Clause
#include "flow/digest.h"

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

bool digest_hex_joined(enum digest digest, const struct text *texts, size_t count, char out[DIGEST_HEX_MOST])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    const EVP_MD *type = (unsigned)digest < DIGEST_COUNT ? EVP_get_digestbyname(digests[digest].fetch) : NULL;
    EVP_MD_CTX *context = type != NULL ? EVP_MD_CTX_new() : NULL;
    bool done = context != NULL && EVP_DigestInit_ex(context, type, NULL) == 1;
    for (size_t i = 0; i < count && done; i++) {
        done = i == 0 || EVP_DigestUpdate(context, ":", 1) == 1;
        done = done && (texts[i].length == 0 || EVP_DigestUpdate(context, texts[i].at, texts[i].length) == 1);
    }
    done = done && EVP_DigestFinal_ex(context, hash, &length) == 1;
    EVP_MD_CTX_free(context);
    return done && write_hex(hash, length, out);
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
