// SPDX-License-Identifier: BSD-2-Clause
#include "flow/token_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A key ring on disk: the line "reflow token keys 1", then one line for each key, oldest first: id, creation time
 * (seconds since 1970), 64 hexadecimal digits. Only its owner may read it. It is written to another file and renamed,
 * so that it is always complete.
 */

static const char header[] = "reflow token keys 1";

enum { FILE_MOST = 8192, LINE_MOST = 128 };

static int refuse(const char *path, int result, const char *what, char *error, size_t error_size)
{
    snprintf(error, error_size, "%s: %s", path, what);
    return result;
}

static bool read_secret(const char *hex, uint8_t secret[TOKEN_SECRET])
{
    for (size_t i = 0; i < TOKEN_SECRET; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i] != '\0' ? hex[2 * i + 1] : '\0', '\0'};
        if (strspn(pair, "0123456789abcdef") != 2)
            return false;
        unsigned value;
        sscanf(pair, "%2x", &value);
        secret[i] = (uint8_t)value;
    }
    return hex[(size_t)2 * TOKEN_SECRET] == '\0';
}

static bool read_key(const char *line, struct token_key_list *list)
{
    unsigned id;
    int64_t created_at;
    int at = 0;
    struct token_key *key = &list->keys[list->count];
    if (list->count == TOKEN_KEYS_MOST || sscanf(line, "%3u %18" SCNd64 " %n", &id, &created_at, &at) != 2 || at == 0 ||
        id == 0 || id > 255 || created_at < 0)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        if (list->keys[i].id == id)
            return false;
    }
    *key = (struct token_key){.id = (uint8_t)id, .created_at = created_at};
    if (!read_secret(line + at, key->secret))
        return false;
    list->count++;
    return true;
}

static int read_lines(FILE *file, const char *path, struct token_key_list *list, char *error, size_t error_size)
{
    char line[LINE_MOST], what[64];
    unsigned number = 0;
    int result = 0;
    while (result == 0 && fgets(line, sizeof line, file) != NULL) {
        number++;
        size_t length = strcspn(line, "\n");
        bool whole = line[length] == '\n';
        line[length] = '\0';
        bool good = whole && (number == 1 ? strcmp(line, header) == 0 : read_key(line, list));
        snprintf(what, sizeof what, "line %u is damaged", number);
        if (!good)
            result = refuse(path, -EBADMSG, number == 1 ? "no key ring of this program" : what, error, error_size);
    }
    if (result == 0 && list->count == 0)
        result = refuse(path, -EBADMSG, "no key in it", error, error_size);
    OPENSSL_cleanse(line, sizeof line);
    return result;
}

int token_file_read(const char *path, struct token_key_list *list, char *error, size_t error_size)
{
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 && errno == ENOENT)
        return refuse(path, -ENOENT, "no such file", error, error_size);
    if (descriptor < 0)
        return refuse(path, -EACCES, strerror(errno), error, error_size);
    int result = 0;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size > FILE_MOST)
        result = refuse(path, -EBADMSG, "no key ring of this program", error, error_size);
    else if ((status.st_mode & 077) != 0)
        result = refuse(path, -EACCES, "others may read these keys: chmod 600", error, error_size);
    FILE *file = result == 0 ? fdopen(descriptor, "r") : NULL;
    if (file == NULL) {
        close(descriptor);
        return result != 0 ? result : refuse(path, -ENOMEM, "no memory", error, error_size);
    }
    list->count = 0;
    result = read_lines(file, path, list, error, error_size);
    fclose(file);
    return result;
}

static bool write_keys(FILE *file, const struct token_key *keys, size_t count)
{
    bool good = fprintf(file, "%s\n", header) > 0;
    for (size_t i = 0; i < count; i++) {
        good &= fprintf(file, "%u %" PRId64 " ", keys[i].id, keys[i].created_at) > 0;
        for (size_t k = 0; k < TOKEN_SECRET; k++)
            good &= fprintf(file, "%02x", keys[i].secret[k]) == 2;
        good &= fputc('\n', file) == '\n';
    }
    return good && fflush(file) == 0 && fsync(fileno(file)) == 0;
}

enum { FOLDER_MOST = 4096 };

static void folder_of(const char *path, char folder[FOLDER_MOST])
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        snprintf(folder, FOLDER_MOST, ".");
    else
        snprintf(folder, FOLDER_MOST, "%.*s", (int)(slash == path ? 1 : slash - path), path);
}

/* The rename itself must be on disk too, or a crash would restore the old ring. */
static void sync_folder(const char *path)
{
    char folder[FOLDER_MOST];
    folder_of(path, folder);
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return;
    fsync(descriptor);
    close(descriptor);
}

static int publish(const char *aside, const char *path, bool only_new)
{
    if (only_new ? link(aside, path) != 0 : rename(aside, path) != 0)
        return -errno;
    if (only_new)
        unlink(aside);
    sync_folder(path);
    return 0;
}

int token_file_write(const char *path, const struct token_key *keys, size_t count, bool only_new)
{
    char aside[4096];
    int length = snprintf(aside, sizeof aside, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof aside)
        return -ENAMETOOLONG;
    int descriptor = mkostemp(aside, O_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    FILE *file = fdopen(descriptor, "w");
    int result = file != NULL && write_keys(file, keys, count) ? 0 : -errno;
    if ((file != NULL ? fclose(file) : close(descriptor)) != 0 && result == 0)
        result = -errno;
    if (result == 0)
        result = publish(aside, path, only_new);
    if (result != 0)
        unlink(aside);
    return result;
}

int token_file_lock(const char *path)
{
    struct stat named, locked;
    for (;;) {
        int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (descriptor < 0)
            return -errno;
        errno = 0;
        if (flock(descriptor, LOCK_EX) == 0 && fstat(descriptor, &locked) == 0 && stat(path, &named) == 0 &&
            named.st_ino == locked.st_ino && named.st_dev == locked.st_dev)
            return descriptor;
        int error = errno;
        close(descriptor);
        if (error != 0 && error != ENOENT && error != EINTR)
            return -error;
    }
}

void token_file_unlock(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}

int token_file_may_create(const char *path, char *error, size_t error_size)
{
    char folder[FOLDER_MOST];
    folder_of(path, folder);
    if (access(folder, W_OK | X_OK) == 0)
        return 0;
    int result = -errno;
    return refuse(path, result, strerror(-result), error, error_size);
}
