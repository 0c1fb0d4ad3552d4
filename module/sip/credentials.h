// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SIP_CREDENTIALS_H
#define REFLOW_SIP_CREDENTIALS_H

#include "sip/message.h"

/*
 * The digest credentials of one Authorization or Proxy-Authorization field (RFC 3261 20.7, RFC 7616 3.4 and 3.4.4).
 * Quoted values may be unquoted and the other way round, because phones send both. Unknown parameters are ignored.
 */

/* The texts are parts of the field, without quotes, and with the escapes of a quoted string: hashes are made over these
   bytes. `at` is NULL if the parameter is absent. */
struct sip_credentials {
    bool digest;          /* false: another scheme, and nothing else is set */
    bool username_is_ext; /* the username is the value of "username*" (RFC 8187) */
    struct text username; /* to be read by sip_credentials_username() */
    struct text realm, nonce, uri, response, algorithm, cnonce, nc, qop;
};

/* Returns 0, or -EBADMSG with *what, a static sentence. In both cases all parameters that could be read are set. The
   parameters that every response has, from username to response, are present on success, but may be empty. */
int sip_credentials_read(struct text value, struct sip_credentials *credentials, const char **what);

/* Writes the username without escapes or encoding. Returns its length, -ENOSPC, or -EBADMSG with *what: it is empty,
   has control characters, or an encoding other than UTF-8. */
int sip_credentials_username(const struct sip_credentials *credentials, char *out, size_t size, const char **what);

/* Compares the content of a quoted string, with its escapes, to a text. */
bool sip_quoted_equal(struct text quoted, struct text text);

#endif
