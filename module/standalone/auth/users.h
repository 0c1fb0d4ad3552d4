// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_USERS_H
#define REFLOW_STANDALONE_USERS_H

#include <stddef.h>

#include "base/host.h"
#include "sip/message.h"
#include "standalone/auth/auth_find.h"

/*
 * The users of a running server, read from the users file (users_file.h). Their secrets are kept in memory until the
 * file changes, which is noticed within a quarter of a second. Reading is limited in time, because a view in the place
 * of the table could be endless. If the file cannot be read, this is logged, once for each reason and again each
 * minute, and it is tried again four times a second.
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

/* Calls `each` for the AORs of all users, as they were when the file was last read for users_watch(). */
void users_each(const struct users *users, void (*each)(void *context, const char *aor), void *context);

/* Calls `removed` for each user that was in the file before and is no longer. If the file has changed, reads a part of
   it. Returns the time in ms after which it should be called again. `removed` must not use `users`. */
unsigned users_watch(struct users *users, void (*removed)(void *context, const char *aor), void *context);

/* An auth_find that reads the file; context is struct users. -EAGAIN while another process has locked the file. */
int users_find(void *context, struct text user, struct text realm, enum auth_algorithm algorithm, char ha1[HA1_SIZE]);

/* An auth_find that returns what users_find() has found since the file last changed. Never fails: 0 for a user who is
   not in memory. */
int users_recall(void *context, struct text user, struct text realm, enum auth_algorithm algorithm, char ha1[HA1_SIZE]);

#endif
