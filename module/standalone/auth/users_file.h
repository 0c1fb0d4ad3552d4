// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_USERS_FILE_H
#define REFLOW_STANDALONE_USERS_FILE_H

#include <sqlite3.h>

#include "standalone/auth/users_aor.h"

/*
 * The users file: an SQLite database with one row for each user, which holds HA1 for each algorithm and never the
 * password. Changes use a rollback journal, so that the file alone is complete between them and can be copied or
 * replaced by a rename.
 */

enum users_access {
    USERS_READ,
    USERS_CHANGE,
    USERS_CREATE /* also a missing or an empty file, with mode 0600 */
};

/* How long a command waits for the lock of another process. */
enum { USERS_LOCK_MS = 10000 };

/*
 * Opens the file. A file of another program is refused without a change to a single byte. USERS_READ follows symbolic
 * links, the others refuse them. The change of a process that was interrupted is rolled back, if this process may
 * write. Returns 0 and *out, to be closed by sqlite3_close(); or a negative errno with the reason in `error`, without
 * the name of the file: -ENOENT, -EBADMSG (another program's, or of another version), -EAGAIN (locked for longer than
 * wait_ms), -EIO (damaged, or a full disk), or the errno of opening it.
 */
int users_file_open(sqlite3 **out, const char *path, enum users_access access, int wait_ms, char *error,
                    size_t error_size);

/* Looks a normalised AOR up. Returns 1, 0: no such user, or an errno as above. */
int users_file_has(sqlite3 *database, const char *aor, char *error, size_t error_size);

/* Looks for two users whose names differ only in case, of which one is `aor` unless that is NULL. Returns 1 and both
   names, 0, or an errno as above. */
struct users_twins {
    char first[USERS_AOR_SIZE], second[USERS_AOR_SIZE];
};
int users_file_find_twins(sqlite3 *database, const char *aor, struct users_twins *twins, char *error,
                          size_t error_size);

/* Add a user, -EEXIST if it exists; replace its secrets or remove it, -ENOENT if there is no such user. Each is one
   transaction; other errors as above. */
int users_file_add(sqlite3 *database, const char *aor, const struct users_secrets *secrets, char *error,
                   size_t error_size);
int users_file_replace(sqlite3 *database, const char *aor, const struct users_secrets *secrets, char *error,
                       size_t error_size);
int users_file_remove(sqlite3 *database, const char *aor, char *error, size_t error_size);

/* Calls `each` for all AORs, sorted by their bytes. */
int users_file_list(sqlite3 *database, void (*each)(void *context, const char *aor), void *context, char *error,
                    size_t error_size);
/* The same for at most `most` AORs that come after this one. */
int users_file_list_after(sqlite3 *database, const char *after, int most, void (*each)(void *context, const char *aor),
                          void *context, char *error, size_t error_size);

/* Converts a result of SQLite to the errno above, and writes its reason. */
int users_file_error(sqlite3 *database, int code, char *error, size_t error_size);

/* The columns of `user` in the order of struct users_secrets. */
#define USERS_COLUMNS "sha256, sha256_aor, sha512_256, sha512_256_aor, md5, md5_aor"

#endif
