// SPDX-License-Identifier: BSD-2-Clause
#include "cli/base/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that is not there yet needs the right to create it in its folder. */
static int check_folder(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return -ENOMEM;
    int error = path[0] == '\0' ? -ENOENT : access(dirname(copy), W_OK | X_OK) != 0 ? -errno : 0;
    free(copy);
    return error;
}

int whole_file_check(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return errno == ENOENT ? check_folder(path) : -errno;
    if (S_ISDIR(status.st_mode))
        return -EISDIR;
    return access(path, W_OK) == 0 ? 0 : -errno;
}

static void release(struct whole_file *file)
{
    free(file->path);
    free(file->aside);
    *file = (struct whole_file){0};
}

/* A file that replaces another one gets its mode, and its owner and group where that is permitted. */
static int open_aside(struct whole_file *file, const struct stat *status, bool exists)
{
    if (asprintf(&file->aside, "%s.%ld.new", file->path, (long)getpid()) < 0) {
        file->aside = NULL;
        return -ENOMEM;
    }
    int descriptor = open(file->aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return -errno;
    if (exists && fchown(descriptor, status->st_uid, status->st_gid) == 0)
        fchmod(descriptor, status->st_mode & 0777);
    else if (exists)
        fchmod(descriptor, status->st_mode & 0700);
    file->out = fdopen(descriptor, "w");
    if (file->out != NULL)
        return 0;
    close(descriptor);
    unlink(file->aside);
    return -ENOMEM;
}

static int open_directly(struct whole_file *file)
{
    file->out = fopen(file->path, "we");
    return file->out != NULL ? 0 : -errno;
}

/* In a folder that cannot be written, what is in the file is replaced. */
static int open_file(struct whole_file *file, const struct stat *status, bool exists)
{
    if (exists && !S_ISREG(status->st_mode))
        return open_directly(file);
    int error = open_aside(file, status, exists);
    if (!exists || (error != -EACCES && error != -EPERM && error != -EROFS))
        return error;
    free(file->aside);
    file->aside = NULL;
    return open_directly(file);
}

int whole_file_open(struct whole_file *file, const char *path)
{
    struct stat status = {0};
    bool exists = stat(path, &status) == 0;
    *file = (struct whole_file){.path = exists ? realpath(path, NULL) : strdup(path)};
    int error = file->path == NULL ? -errno : open_file(file, &status, exists);
    if (error != 0)
        release(file);
    errno = 0;
    return error;
}

/* The reason of a failure that was only noticed by stdio is the errno of the first one. */
int whole_file_close(struct whole_file *file)
{
    int error = fflush(file->out) == 0 && ferror(file->out) == 0 ? 0 : errno != 0 ? -errno : -EIO;
    if (fclose(file->out) != 0 && error == 0)
        error = -errno;
    if (error == 0 && file->aside != NULL && rename(file->aside, file->path) != 0)
        error = -errno;
    if (error != 0 && file->aside != NULL)
        unlink(file->aside);
    release(file);
    return error;
}
