// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SITE_FOLDER_H
#define REFLOW_CLI_SITE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

/*
 * A site that is written into a new folder beside the one that it becomes, so that readers see the whole old site or
 * the whole new one. A site has the file .reflow-site, which lists all its files: that is how an older site is
 * recognised, and how files that somebody else has added to it are noticed.
 */
struct site_folder;

enum site_error {
    SITE_OK,
    SITE_REFUSED, /* the folder is not one that may be replaced: nothing was written */
    SITE_FAILED   /* no memory, or a file could not be written */
};

/* Makes the new folder beside `path`, which must not exist, be an empty folder, or be an older site without other
   files. On failure, `error` has the reason, with the path. */
enum site_error site_folder_new(struct site_folder **out, const char *path, char *error, size_t error_size);

/* Writes a file. Its path is relative and has neither ".." nor a name that was written before. */
enum site_error site_folder_write(struct site_folder *folder, const char *path, struct text bytes, char *error,
                                  size_t error_size);

/* How many files were written. */
size_t site_folder_count(const struct site_folder *folder);

/* Puts the new folder in the place of the old one, which is removed. */
enum site_error site_folder_publish(struct site_folder *folder, char *error, size_t error_size);

/* Removes the new folder unless it was published. NULL is fine. */
void site_folder_delete(struct site_folder *folder);

#endif
