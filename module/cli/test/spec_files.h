// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SPEC_FILES_H
#define REFLOW_CLI_SPEC_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* Paths, sorted within each folder; owned. All zero: empty. */
struct spec_files {
    char **paths;
    size_t count;
};

/* Adds a file; or a folder's spec/NAME.lua and NAME_spec.lua (all NAME.lua if the folder is named spec). Returns 0,
   -ENOENT for a folder without any, -ENOMEM, or the error of stat() or opendir(). */
int spec_files_add(struct spec_files *files, const char *path);

void spec_files_destroy(struct spec_files *files);

bool path_is_folder(const char *path);

#endif
