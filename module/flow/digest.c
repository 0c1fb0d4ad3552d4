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

bool digest_hex(enum digest digest, struct text bytes, char out[DIGEST_HEX_MOST])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    const EVP_MD *type = (unsigned)digest < DIGEST_COUNT ? EVP_get_digestbyname(digests[digest].fetch) : NULL;
    if (type == NULL || EVP_Digest(bytes.at, bytes.length, hash, &length, type, NULL) != 1 ||
        2 * length >= DIGEST_HEX_MOST)
        return false;
    for (unsigned i = 0; i < length; i++) {
        out[2 * i] = hex[hash[i] >> 4];
        out[2 * i + 1] = hex[hash[i] & 15];
    }
    out[2 * length] = '\0';
    return true;
}
