// SPDX-License-Identifier: BSD-2-Clause
#include "cli/test/spec_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool path_is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int add_path(struct spec_files *files, const char *folder, const char *name)
{
    char path[4096];
    char **paths = realloc(files->paths, (files->count + 1) * sizeof *paths);
    if (paths == NULL)
        return -ENOMEM;
    files->paths = paths;
    const char *between = folder[0] != '\0' && folder[strlen(folder) - 1] != '/' ? "/" : "";
    if (snprintf(path, sizeof path, "%s%s%s", folder, between, name) >= (int)sizeof path)
        return -ENAMETOOLONG;
    paths[files->count] = strdup(path);
    return paths[files->count] != NULL ? (files->count++, 0) : -ENOMEM;
}

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), wanted = strlen(end);
    return length > wanted && strcmp(name + length - wanted, end) == 0 && name[0] != '.';
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds all files of a folder whose names end with `end`. Errors as spec_files_add(), but a folder without any is fine.
 */
static int spec_files_of(struct spec_files *files, const char *folder, const char *end)
{
    const struct dirent *entry;
    size_t first = files->count;
    int error = 0;
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return -errno;
    while (error == 0 && (entry = readdir(directory)) != NULL) {
        if (ends_with(entry->d_name, end))
            error = add_path(files, folder, entry->d_name);
    }
    closedir(directory);
    if (files->count > first)
        qsort(files->paths + first, files->count - first, sizeof *files->paths, by_name);
    return error;
}

static bool is_called_spec(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return length >= 4 && strncmp(path + length - 4, "spec", 4) == 0 && (length == 4 || path[length - 5] == '/');
}

int spec_files_add(struct spec_files *files, const char *path)
{
    char inner[4096];
    struct stat status;
    size_t before = files->count;
    if (stat(path, &status) != 0)
        return -errno;
    if (!S_ISDIR(status.st_mode))
        return add_path(files, "", path);
    int error = spec_files_of(files, path, is_called_spec(path) ? ".lua" : "_spec.lua");
    if (snprintf(inner, sizeof inner, "%s/spec", path) >= (int)sizeof inner)
        return -ENAMETOOLONG;
    if (error == 0 && path_is_folder(inner))
        error = spec_files_of(files, inner, ".lua");
    return error != 0 ? error : files->count == before ? -ENOENT : 0;
}

void spec_files_destroy(struct spec_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
    *files = (struct spec_files){0};
}
