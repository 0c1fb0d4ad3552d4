// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_USERS_H
#define REFLOW_STANDALONE_USERS_H

#include <stddef.h>

#include "base/host.h"
#include "sip/message.h"
#include "standalone/auth/auth_find.h"

/*
 * The users of a running server, read from the users file (users_file.h) for each request, so that a change counts at
 * once. A file that was replaced or written over is noticed within a quarter of a second. If the file cannot be read,
 * this is logged, once for each reason and again each minute, and it is tried again four times a second.
 */

struct users;

/* Returns 0, or a negative errno with one line in `error` that names the file. `path` is borrowed. With AOR_ANY_CASE,
   a file with users whose names differ only in case is refused (-EEXIST), because each could take the calls of the
   other. */
int users_new(struct users **out, const struct host *host, const char *path, enum aor_case aor_case, char *error,
              size_t error_size);
void users_delete(struct users *users); /* NULL is fine */

/* Opens the file again at the next request. */
void users_reopen(struct users *users);

/* Calls `each` for the AORs of all users. If the file cannot be read, it is called for none, or for some of them. */
void users_each(struct users *users, void (*each)(void *context, const char *aor), void *context);

/* An auth_find; context is struct users. -EAGAIN while another process has locked the file. */
int users_find(void *context, struct text user, struct text realm, enum auth_algorithm algorithm, char ha1[HA1_SIZE]);

#endif
