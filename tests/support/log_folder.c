// SPDX-License-Identifier: BSD-2-Clause
#include "log_folder.h"

#include <dirent.h>
#include <unistd.h>

void log_folder_create(struct log_folder *folder)
{
    temporary_path(folder->path, sizeof folder->path, "reflow-log-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->log, sizeof folder->log, "%s/log", folder->path);
}

void log_folder_destroy(struct log_folder *folder)
{
    char path[400];
    struct dirent *entry;
    DIR *directory = opendir(folder->path);
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder->path, entry->d_name);
        if (entry->d_name[0] != '.')
            assert_int_equal(remove(path), 0);
    }
    closedir(directory);
    assert_int_equal(rmdir(folder->path), 0);
}

void assert_log(const struct log_folder *folder, unsigned number, const char *expected)
{
    char path[128], got[4096];
    snprintf(path, sizeof path, number == 0 ? "%s" : "%s.%u", folder->log, number);
    FILE *file = fopen(path, "r");
    if (expected == NULL) {
        assert_null(file);
        return;
    }
    assert_non_null(file);
    got[fread(got, 1, sizeof got - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(got, expected);
}
