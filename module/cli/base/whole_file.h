// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_WHOLE_FILE_H
#define REFLOW_CLI_WHOLE_FILE_H

#include <stdio.h>

/* A file that a command writes for the user: complete, or left as it was. */

struct whole_file {
    FILE *out;
    char *path;  /* the file itself, if `path` was a symbolic link */
    char *aside; /* what is written until it is complete; NULL: a device or pipe, which is written directly */
};

/* Returns 0 if the file can probably be written, or a negative errno. Creates nothing, so that it can be called before
   a long computation. */
int whole_file_check(const char *path);

/* Opens a file beside `path` for writing. Returns 0 or a negative errno; then there is nothing to close. */
int whole_file_open(struct whole_file *file, const char *path);

/* Puts the complete file in its place; if something could not be written, removes it. Returns 0 or a negative errno. */
int whole_file_close(struct whole_file *file);

#endif
