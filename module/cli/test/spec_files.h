// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_SPEC_FILES_H
#define REFLOW_CLI_SPEC_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* Paths, sorted within each folder; owned. Zeroed it is empty. */
struct spec_files {
    char **paths;
    size_t count;
};

/* Add a file; or a folder's spec/NAME.lua and NAME_spec.lua, all NAME.lua where it is called spec. 0, -ENOENT: a folder
   without any, -ENOMEM, or what stat and opendir gave. */
int spec_files_add(struct spec_files *files, const char *path);

void spec_files_destroy(struct spec_files *files);

bool path_is_folder(const char *path);

#endif
