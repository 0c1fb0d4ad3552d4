// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_PERSIST_FILE_H
#define REFLOW_STANDALONE_PERSIST_FILE_H

#include <sqlite3.h>
#include <stddef.h>

#include "base/host.h"

/* The file of bindings as a database: opened, checked, and brought to the present version of its format. */

/*
 * Opens the database, or creates it, for this process alone. A file of an earlier version is migrated: it is first
 * copied to PATH.vN, N being its version, and then changed in one transaction, so that an end at any point leaves the
 * old file or the new one. An existing PATH.vN with other content is kept, and the copy gets the time as a further
 * ending. A damaged file of ours is renamed and an empty one takes its place. Copies, migrations and damage are logged.
 * Only its owner may read the file (0600); one of an earlier version that others may read is changed so.
 *
 * Returns 0 and *out, which the caller closes. Otherwise returns a negative errno, *out is NULL, `error` holds one
 * line, and the file's content is as it was: it was written by a later version, is not ours (persist_owner.h) or is
 * used by another process, or it could not be read, copied or migrated.
 */
int persist_file_open(const struct host *host, const char *path, sqlite3 **out, char *error, size_t error_size);

#endif
