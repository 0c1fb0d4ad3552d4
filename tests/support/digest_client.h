// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_DIGEST_CLIENT_H
#define REFLOW_DIGEST_CLIENT_H

#include "test.h"

#include "flow/digest.h"
#include "standalone/auth/auth_find.h"

/* A user agent that answers challenges (RFC 7616 3.4), and what its registrar knows of the user. */

struct digest_client {
    char nonce[64];
    const char *user, *realm, *password, *method, *uri, *cnonce, *qop; /* NULL: bob, example.com, secret, REGISTER,
                                                                          sip:example.com, c0ffee, auth */
    uint32_t count;
    enum auth_algorithm algorithm;
};

enum digest digest_of_algorithm(enum auth_algorithm algorithm);

/* HA1 of a password. */
void digest_client_ha1(struct text user, struct text realm, const char *password, enum auth_algorithm algorithm,
                       char out[HA1_SIZE]);

/* Takes the nonce of the first challenge in the header lines, to be used with count 1. Fails the test without one. */
void digest_client_challenged(struct digest_client *client, const char *lines);

/* Writes "Authorization: Digest ..." or another name of the field, with `end` behind it. Returns `out`. */
const char *digest_client_field(const struct digest_client *client, const char *name, const char *end, char *out,
                                size_t size);

#endif
