// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_PERSIST_OWNER_H
#define REFLOW_STANDALONE_PERSIST_OWNER_H

/*
 * Checks which program a state file belongs to. This is done without SQLite, which writes to a database when it opens
 * and closes it: not one byte of another program's file may change.
 */

enum persist_owner {
    PERSIST_UNUSED, /* the file is missing or empty: a state file may be created */
    PERSIST_OURS,   /* also if it is damaged or of another version */
    PERSIST_FOREIGN /* not a regular file, something else than a state file, or another program's database */
};

/* The application_id of state files in SQLite: "rflw". Files of format 1 have none and are recognised by their
   table. */
#define PERSIST_APPLICATION_ID "1919315063"

/* Returns a negative errno if the file cannot be read. */
int persist_owner_read(const char *path, enum persist_owner *owner);

#endif
