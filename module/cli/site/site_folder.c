// SPDX-License-Identifier: BSD-2-Clause
#include "cli/site/site_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/site/site_list.h"

struct site_folder {
    char *target; /* the folder that it becomes, absolute and without symbolic links if it exists */
    char *aside;  /* the folder that is written; empty: not made */
    bool replaces, published;
    struct site_list *list;
};

static enum site_error fail(enum site_error kind, char *error, size_t size, const char *what, const char *path)
{
    snprintf(error, size, "%s %s: %s", what, path, strerror(errno));
    return kind;
}

static enum site_error no_memory(char *error, size_t size)
{
    snprintf(error, size, "out of memory");
    return SITE_FAILED;
}

/* --- removing --- */

static int remove_one(const char *path, const struct stat *unused, int kind, struct FTW *place)
{
    (void)unused;
    (void)kind;
    (void)place;
    return remove(path);
}

static int remove_tree(const char *path)
{
    enum { OPEN_FOLDERS = 16 };
    return nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* --- the target --- */

/* The path that a folder has or will have: resolved as far as it exists. NULL with errno on failure. */
static char *resolve(const char *path, bool *exists)
{
    char *whole = realpath(path, NULL), *parent, *name, *copy, *result = NULL;
    struct stat status;
    *exists = whole != NULL;
    if (whole != NULL || errno != ENOENT || *path == '\0' || lstat(path, &status) == 0)
        return whole;
    copy = strdup(path);
    name = strdup(path);
    parent = copy != NULL && name != NULL ? realpath(dirname(copy), NULL) : NULL;
    if (parent != NULL && asprintf(&result, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, basename(name)) < 0)
        result = NULL;
    free(parent);
    free(copy);
    free(name);
    return result;
}

/* A shell that stands in a folder that is replaced would go on in the old one, which is removed. */
static bool holds_current_folder(const char *target)
{
    const size_t length = strlen(target);
    char *current = getcwd(NULL, 0);
    const bool holds =
        current != NULL && strncmp(current, target, length) == 0 && (current[length] == '/' || current[length] == '\0');
    free(current);
    return holds;
}

/* Whether the folder that exists may be replaced. */
static enum site_error check_target(const char *target, char *error, size_t size)
{
    char other[PATH_MAX];
    struct stat status, above;
    char *parent = NULL;
    if (stat(target, &status) != 0)
        return fail(SITE_REFUSED, error, size, "cannot read", target);
    if (!S_ISDIR(status.st_mode)) {
        snprintf(error, size, "%s is not a folder", target);
        return SITE_REFUSED;
    }
    if (asprintf(&parent, "%s/..", target) < 0)
        return no_memory(error, size);
    const bool mounted = stat(parent, &above) == 0 && (above.st_dev != status.st_dev || above.st_ino == status.st_ino);
    free(parent);
    if (mounted) {
        snprintf(error, size, "%s is a mount point, which cannot be replaced: name a folder inside it", target);
        return SITE_REFUSED;
    }
    if (holds_current_folder(target)) {
        snprintf(error, size, "the current folder is in %s, which would be replaced: change to another one first",
                 target);
        return SITE_REFUSED;
    }
    switch (site_list_compare(target, other, sizeof other)) {
    case SITE_LIST_EMPTY:
    case SITE_LIST_OURS:
        return SITE_OK;
    case SITE_LIST_ADDED:
        snprintf(error, size, "%s is not a file of the site in %s, so the site is not replaced", other, target);
        return SITE_REFUSED;
    case SITE_LIST_FOREIGN:
        snprintf(error, size, "%s is neither empty nor a site of reflow: nothing was written", target);
        return SITE_REFUSED;
    default:
        return fail(SITE_REFUSED, error, size, "cannot read", target);
    }
}

/* --- the new folder --- */

/* The new folder is as accessible as the one that it replaces. If it cannot be given to its group, members of another
   one may do in it what everybody may. */
static int keep_access(const char *aside, const char *target)
{
    struct stat old;
    if (stat(target, &old) != 0)
        return -1;
    const uid_t owner = geteuid() == 0 ? old.st_uid : (uid_t)-1;
    mode_t mode = old.st_mode & 07777;
    if (chown(aside, owner, old.st_gid) != 0)
        mode &= ~(mode_t)070 | (mode & 07) << 3;
    return chmod(aside, mode);
}

static enum site_error make_aside(struct site_folder *folder, char *error, size_t size)
{
    const char *name = strrchr(folder->target, '/');
    const mode_t mask = umask(0);
    umask(mask);
    if (asprintf(&folder->aside, "%.*s/.%s.XXXXXX", (int)(name - folder->target), folder->target, name + 1) < 0) {
        folder->aside = NULL;
        return no_memory(error, size);
    }
    if (mkdtemp(folder->aside) == NULL) {
        free(folder->aside);
        folder->aside = NULL;
        return fail(SITE_FAILED, error, size, "cannot make a folder beside", folder->target);
    }
    if (folder->replaces && keep_access(folder->aside, folder->target) != 0)
        return fail(SITE_FAILED, error, size, "cannot keep the owner and the mode of", folder->target);
    if (!folder->replaces && chmod(folder->aside, 0777 & ~mask) != 0)
        return fail(SITE_FAILED, error, size, "cannot change the mode of", folder->aside);
    return SITE_OK;
}

static enum site_error open_folder(struct site_folder *folder, const char *path, char *error, size_t size)
{
    struct stat status;
    folder->target = resolve(path, &folder->replaces);
    if (folder->target == NULL && errno == ENOENT && lstat(path, &status) == 0) {
        snprintf(error, size, "%s is a symbolic link to a folder that does not exist", path);
        return SITE_REFUSED;
    }
    if (folder->target == NULL)
        return fail(SITE_REFUSED, error, size, "cannot make", *path != '\0' ? path : "''");
    if (folder->replaces) {
        const enum site_error checked = check_target(folder->target, error, size);
        if (checked != SITE_OK)
            return checked;
    }
    folder->list = site_list_new();
    return folder->list == NULL ? no_memory(error, size) : make_aside(folder, error, size);
}

enum site_error site_folder_new(struct site_folder **out, const char *path, char *error, size_t error_size)
{
    struct site_folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL)
        return no_memory(error, error_size);
    const enum site_error result = open_folder(folder, path, error, error_size);
    if (result != SITE_OK) {
        site_folder_delete(folder);
        return result;
    }
    *out = folder;
    return SITE_OK;
}

void site_folder_delete(struct site_folder *folder)
{
    if (folder == NULL)
        return;
    if (folder->aside != NULL && !folder->published)
        remove_tree(folder->aside);
    site_list_delete(folder->list);
    free(folder->aside);
    free(folder->target);
    free(folder);
}

/* --- files --- */

static int make_parents(char *path, size_t from)
{
    for (char *slash = strchr(path + from, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        const int made = mkdir(path, 0777);
        *slash = '/';
        if (made != 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

static int write_all(int fd, struct text bytes)
{
    while (bytes.length > 0) {
        const ssize_t written = write(fd, bytes.at, bytes.length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        bytes.at += written;
        bytes.length -= (size_t)written;
    }
    return 0;
}

/* A disk that is full may be noticed only when the file is closed. */
static int write_file(const char *path, struct text bytes)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return -1;
    const int written = write_all(fd, bytes);
    const int reason = errno;
    const int closed = close(fd);
    if (written != 0)
        errno = reason;
    return written != 0 ? -1 : closed;
}

static enum site_error put(struct site_folder *folder, const char *path, struct text bytes, char *error, size_t size)
{
    char whole[PATH_MAX];
    const size_t above = strlen(folder->aside) + 1;
    if ((size_t)snprintf(whole, sizeof whole, "%s/%s", folder->aside, path) >= sizeof whole) {
        errno = ENAMETOOLONG;
        return fail(SITE_FAILED, error, size, "cannot write", path);
    }
    if (make_parents(whole, above) != 0 || write_file(whole, bytes) != 0) {
        const int reason = errno;
        snprintf(error, size, "cannot write %s/%s: %s (nothing was changed there)", folder->target, path,
                 strerror(reason));
        return SITE_FAILED;
    }
    return SITE_OK;
}

enum site_error site_folder_write(struct site_folder *folder, const char *path, struct text bytes, char *error,
                                  size_t error_size)
{
    if (site_list_add(folder->list, path) != 0)
        return no_memory(error, error_size);
    return put(folder, path, bytes, error, error_size);
}

size_t site_folder_count(const struct site_folder *folder)
{
    return site_list_count(folder->list);
}

/* --- publishing --- */

/* Exchanges the two folders; on file systems that cannot do that, in two steps. */
static int exchange(struct site_folder *folder)
{
    char *old = NULL;
    if (!folder->replaces)
        return renameat2(AT_FDCWD, folder->aside, AT_FDCWD, folder->target, RENAME_NOREPLACE);
    if (renameat2(AT_FDCWD, folder->aside, AT_FDCWD, folder->target, RENAME_EXCHANGE) == 0)
        return 0;
    if ((errno != EINVAL && errno != ENOSYS) || asprintf(&old, "%s.old", folder->aside) < 0)
        return -1;
    int result = rename(folder->target, old);
    if (result == 0 && (result = rename(folder->aside, folder->target)) != 0)
        rename(old, folder->target);
    else if (result == 0)
        result = rename(old, folder->aside);
    free(old);
    return result;
}

enum site_error site_folder_publish(struct site_folder *folder, char *error, size_t error_size)
{
    const struct text list = site_list_text(folder->list);
    enum site_error result =
        list.at == NULL ? no_memory(error, error_size) : put(folder, SITE_LIST_NAME, list, error, error_size);
    /* Somebody may have written into the folder meanwhile. */
    if (result == SITE_OK && folder->replaces)
        result = check_target(folder->target, error, error_size);
    if (result != SITE_OK)
        return result;
    if (exchange(folder) != 0)
        return fail(SITE_FAILED, error, error_size, folder->replaces ? "cannot replace" : "cannot make",
                    folder->target);
    folder->published = true;
    if (folder->replaces && remove_tree(folder->aside) != 0)
        return fail(SITE_FAILED, error, error_size, "the new site is in place, but the old one cannot be removed from",
                    folder->aside);
    return SITE_OK;
}
