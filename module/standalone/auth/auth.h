// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_AUTH_H
#define REFLOW_STANDALONE_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/host.h"
#include "sip/message.h"
#include "standalone/auth/auth_find.h"
#include "standalone/auth/nonces.h"

/*
 * Digest authentication of requests (RFC 3261 22, RFC 7616, RFC 8760): challenges, and the check of credentials. qop is
 * always "auth". The realm is a domain, as sip_host_write() spells it; the digest username is the user part of an AOR
 * in this domain, or the whole AOR without scheme. One thread.
 */

struct auth;

/* A registrar reads Authorization and answers with 401 and WWW-Authenticate; a proxy reads Proxy-Authorization and
   answers with 407 and Proxy-Authenticate. */
enum auth_role { AUTH_REGISTRAR, AUTH_PROXY };

struct auth_config {
    const struct host *host;
    auth_find *find;
    auth_find *recall; /* from memory alone, and at most a second old; 0: not in memory. NULL: there is no memory */
    void *find_context;
    enum auth_algorithm algorithms[AUTH_ALGORITHMS]; /* that are offered, in this order */
    size_t algorithm_count;                          /* at least 1 */
    enum aor_case aor_case;                          /* of the user that auth_check() writes */
    uint32_t nonce_s;                                /* lifetime of a nonce; 0: 300 */
    size_t nonces_most;                              /* whose counts are remembered; 0: NONCES_DEFAULT */
};

/* The configuration is copied. Returns 0, -ENOMEM, -EINVAL without an algorithm, or -ENOTSUP if OpenSSL does not offer
   one of them (auth_missing()), as MD5 in a system that is restricted to FIPS 140. */
int auth_new(struct auth **out, const struct auth_config *config);
void auth_delete(struct auth *auth); /* NULL is fine */

/* The name of the first of the algorithms that OpenSSL does not offer, or NULL. */
const char *auth_missing(const struct auth_config *config);

/* "MD5", "SHA-256" or "SHA-512-256". */
const char *auth_algorithm_name(enum auth_algorithm algorithm);

enum auth_outcome {
    AUTH_ABSENT,    /* no credentials for the realm */
    AUTH_VALID,     /* right, and the nonce has not been used with this count before */
    AUTH_STALE,     /* right, but for a nonce that is too old or unknown, or a count that was used: stale=true */
    AUTH_WRONG,     /* no such user, a wrong password, or an algorithm that was not offered */
    AUTH_MALFORMED, /* auth_fault() has the reason */
    AUTH_UNKNOWN    /* the user could not be looked up */
};

enum {
    AUTH_USER_SIZE = 512,      /* for an AOR without scheme, with the terminating NUL */
    AUTH_FIELDS_MOST = 64,     /* credentials of one request that are read */
    AUTH_ATTEMPTS_MOST = 2,    /* of those, how many may be for one realm */
    AUTH_CHALLENGE_SIZE = 1536 /* for the header lines of a challenge in any realm */
};

/*
 * Checks the credentials that a request of this source (source_of()) has for a realm. If there are several, none may
 * be wrong, and one must be valid: otherwise valid ones would hide the guesses beside them. With AUTH_VALID,
 * `user` is the AOR without scheme ("alice@example.com") as sip_uri_aor() spells it, and the count of the nonce is used
 * up; otherwise it is empty. An unknown user takes the same work as a wrong password, except for that of `find`.
 */
enum auth_outcome auth_check(struct auth *auth, const struct sip_message *request, enum auth_role role,
                             const struct nonce_scope *scope, char *user, size_t size);

/* What was wrong with the credentials, after AUTH_MALFORMED: a static sentence without its full stop. */
const char *auth_fault(const struct auth *auth);

/* After AUTH_WRONG: was the nonce given to this source, so that its address is proved? */
bool auth_is_proved(const struct auth *auth);

/* Writes the header lines of a challenge, one for each algorithm. Returns their length; 0 if they do not fit. */
size_t auth_challenge(struct auth *auth, enum auth_role role, const struct nonce_scope *scope, bool stale, char *out,
                      size_t size);

#endif
