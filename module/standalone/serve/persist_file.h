// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_PERSIST_FILE_H
#define REFLOW_STANDALONE_PERSIST_FILE_H

#include <sqlite3.h>
#include <stddef.h>

#include "base/host.h"

/* The file of bindings as a database: opens it, checks it, and migrates it to the current format. */

/*
 * Opens or creates the database, for this process only. A file of an earlier version is first copied to PATH.vN (N is
 * its version) and then changed in one transaction, so that an interruption at any point leaves the old file or the new
 * one. If a PATH.vN with other content exists, it is kept, and the name of the copy gets the time as a further suffix.
 * A damaged state file is renamed and replaced by an empty one. Copies, migrations and damage are logged. The file has
 * mode 0600; one of an earlier version that others may read is changed to that.
 *
 * Returns 0 and *out, which the caller closes. Otherwise it returns a negative errno, *out is NULL, `error` has one
 * line, and the content of the file is unchanged: the file was written by a later version, is not a state file
 * (persist_owner.h), is used by another process, or could not be read, copied or migrated.
 */
int persist_file_open(const struct host *host, const char *path, sqlite3 **out, char *error, size_t error_size);

/* Runs SQL without results. Returns SQLite's code. */
int persist_execute(sqlite3 *database, const char *statements);

#endif
