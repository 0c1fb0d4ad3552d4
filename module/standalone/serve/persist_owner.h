// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_PERSIST_OWNER_H
#define REFLOW_STANDALONE_PERSIST_OWNER_H

/*
 * Whose file a state file is. It is looked at without SQLite, which writes to a database when it opens and closes it:
 * not one byte of a file that is not ours changes.
 */

enum persist_owner {
    PERSIST_UNUSED, /* the file is missing or empty: it may become ours */
    PERSIST_OURS,   /* also if it is damaged or of another version */
    PERSIST_FOREIGN /* not a regular file, something else than a state file, or another program's database */
};

/* SQLite's application_id of state files: "rflw". Files of format 1 have none and are known by their table. */
#define PERSIST_APPLICATION_ID "1919315063"

/* A negative errno where the file cannot be read. */
int persist_owner_read(const char *path, enum persist_owner *owner);

#endif
