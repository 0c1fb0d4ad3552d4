// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_DIGEST_H
#define REFLOW_FLOW_DIGEST_H

#include <stdbool.h>

#include "core/text.h"

/* The hashes of digest authentication (RFC 7616, RFC 8760). */
enum digest { DIGEST_MD5, DIGEST_SHA_256, DIGEST_SHA_512_256, DIGEST_COUNT };

enum { DIGEST_HEX_MOST = 65 };

/* The name that challenges use: "MD5", "SHA-256", "SHA-512-256"; "?" for an unknown algorithm. */
const char *digest_name(enum digest digest);

/* Writes the hash of the bytes in lower-case hexadecimal, terminated by NUL. Returns false if OpenSSL does not offer
   the algorithm. */
bool digest_hex(enum digest digest, struct text bytes, char out[DIGEST_HEX_MOST]);

/* The same for several texts with a colon between each two of them. */
bool digest_hex_joined(enum digest digest, const struct text *texts, size_t count, char out[DIGEST_HEX_MOST]);

/* The algorithms as OpenSSL provides them, looked up once: the two functions above look theirs up each time, which
   takes longer than the hash. One thread. */
struct digester {
    struct evp_md_ctx_st *context;
    struct evp_md_st *types[DIGEST_COUNT]; /* NULL: OpenSSL does not offer it */
};

int digester_create(struct digester *digester);   /* 0 or -ENOMEM */
void digester_destroy(struct digester *digester); /* also all zero */

/* As digest_hex_joined(). */
bool digester_hex_joined(struct digester *digester, enum digest digest, const struct text *texts, size_t count,
                         char out[DIGEST_HEX_MOST]);

/* Returns whether the text is such a hash: lower-case hexadecimal with the right number of digits. */
bool digest_is_hex(enum digest digest, struct text text);

#endif
