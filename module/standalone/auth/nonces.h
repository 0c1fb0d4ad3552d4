// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_NONCES_H
#define REFLOW_STANDALONE_NONCES_H

#include <stdbool.h>

#include "base/host.h"
#include "base/table.h"
#include "core/text.h"

/*
 * The nonces of digest authentication (RFC 7616 3.3). Issuing one stores nothing: a nonce consists of its time, a
 * number that tells it from others, and a keyed hash of both, of the realm and of the source that it was given to. Its
 * counts are remembered from its first use until it is too old. If there is no room for them, the nonce that was used
 * first is forgotten, and from then on no nonce of its age or older is accepted any more unless it is still remembered:
 * no count is accepted twice, and a new nonce always works.
 *
 * One thread.
 */

enum {
    NONCE_SIZE = 37,   /* in text, with the terminating NUL */
    NONCE_WINDOW = 64, /* counts below the highest one that may still arrive, because requests overtake each other */
    NONCES_DEFAULT = 65536
};

struct used_nonce;

struct nonces {
    const struct host *host;
    struct hash_key key;
    uint64_t lifetime_ms;
    uint64_t offset_ms; /* random, so that a nonce does not show for how long the system has been running */
    uint64_t issued;    /* number of nonces */
    uint64_t floor_ms;  /* nonces up to this time are accepted only if they are in the table */
    size_t most;
    struct table table;
    struct used_nonce *oldest, *newest; /* in the order of their first use */
};

/* In place. lifetime_s and most of 0 are replaced by the defaults, 300 and NONCES_DEFAULT. 0 or -ENOMEM. */
int nonces_create(struct nonces *nonces, const struct host *host, uint32_t lifetime_s, size_t most);
void nonces_destroy(struct nonces *nonces);

/* The realm and the source (source_of()) to which a nonce is given. */
struct nonce_scope {
    struct text realm;
    uint64_t source;
};

/* Writes a new nonce. Returns its length. */
size_t nonce_write(struct nonces *nonces, const struct nonce_scope *scope, char out[NONCE_SIZE]);

/* What a nonce consists of besides its seal. */
struct nonce {
    uint64_t issued_ms;
    uint32_t number;
};

/* Was the nonce given to this source, and is it not too old? Then the source has received it; whoever had the address
   before may have an older one. Returns false for a nonce of another realm, source, server or run, too. */
bool nonce_read(const struct nonces *nonces, struct text text, const struct nonce_scope *scope, struct nonce *nonce);

/* Accepts a count of a nonce that was read, once. To be called only after the response to the nonce was found to be
   right. Returns false if the nonce is not remembered any more, if the count has been used, or without memory: the
   client must then be given a new nonce. */
bool nonce_use(struct nonces *nonces, const struct nonce *nonce, uint32_t count);

#endif
