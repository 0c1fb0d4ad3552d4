// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_AUTH_FIND_H
#define REFLOW_STANDALONE_AUTH_FIND_H

#include "core/text.h"
#include "flow/digest.h"

/* The algorithms of digest authentication (RFC 8760), and how the secrets of users are found. */
enum auth_algorithm { AUTH_SHA256, AUTH_SHA512_256, AUTH_MD5, AUTH_ALGORITHMS };

enum digest auth_digest(enum auth_algorithm algorithm);

enum { HA1_SIZE = 65 }; /* hexadecimal and the terminating NUL */

/* Writes HA1 in lower-case hexadecimal of a digest username in a realm: the hash of "user:realm:password". Returns 1,
   0 if there is no such user, or a negative errno if this is not known at the moment (the answer is 503). */
typedef int auth_find(void *context, struct text user, struct text realm, enum auth_algorithm algorithm,
                      char ha1[HA1_SIZE]);

#endif
