// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_USERS_AOR_H
#define REFLOW_STANDALONE_USERS_AOR_H

#include <stdbool.h>

#include "standalone/auth/auth_find.h"

/* A user as the users file names it, and the hashes of its password. */

enum { USERS_AOR_SIZE = 520, USERS_PASSWORD_MOST = 1024 };

/* The digest username of a user is the user part or the whole AOR, and HA1 depends on it: there are two for each
   algorithm. */
enum users_name { USERS_USER_PART, USERS_WHOLE_AOR, USERS_NAMES };

struct users_secrets {
    char ha1[AUTH_ALGORITHMS][USERS_NAMES][HA1_SIZE];
};

/* Reads "alice@example.com" or "sip:alice@example.com" and writes it without scheme as the server compares AORs: host
   in lower case, an IPv6 address as RFC 5952 spells it, unnecessary escapes decoded. Returns NULL, or the reason why
   it is refused. */
const char *users_aor_read(struct text text, char aor[USERS_AOR_SIZE]);

/* Computes the secrets of a normalised AOR in its realm. Returns 0; -ENOTSUP if OpenSSL does not offer an
   algorithm; -EMSGSIZE if the password is longer than USERS_PASSWORD_MOST bytes. */
int users_secrets_create(struct users_secrets *secrets, const char *aor, struct text password);

/* Lower-case hexadecimal with this number of digits? */
bool users_ha1_is_valid(enum auth_algorithm algorithm, struct text ha1);

#endif
