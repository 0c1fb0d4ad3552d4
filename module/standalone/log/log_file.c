// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/log/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHECK_MS = 1000, MODE = 0640 };

static void close_file(struct log_file *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    file->descriptor = -1;
}

/* Not blocking: for a pipe that nobody reads. */
static int open_file(struct log_file *file)
{
    struct stat status;
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    file->descriptor = open(file->config.path, flags, MODE);
    if (file->descriptor < 0)
        return -errno;
    if (fstat(file->descriptor, &status) != 0) {
        int error = -errno;
        close_file(file);
        return error;
    }
    file->regular = S_ISREG(status.st_mode);
    file->size = file->regular ? (uint64_t)status.st_size : 0;
    file->device = status.st_dev;
    file->inode = status.st_ino;
    return 0;
}

int log_file_create(struct log_file *file, const struct log_file_config *config)
{
    *file = (struct log_file){.config = *config, .descriptor = -1};
    return open_file(file);
}

void log_file_destroy(struct log_file *file)
{
    close_file(file);
}

/* If the file was renamed or removed, closes it, so that a new one is created. If it was truncated, uses its present
   size. */
static void check(struct log_file *file, uint64_t now_ms)
{
    struct stat status;
    if (file->descriptor < 0 || (file->checked_ms != 0 && now_ms < file->checked_ms + CHECK_MS))
        return;
    file->checked_ms = now_ms;
    if (stat(file->config.path, &status) != 0 || status.st_dev != file->device || status.st_ino != file->inode)
        close_file(file);
    else if (file->regular)
        file->size = (uint64_t)status.st_size;
}

static int name_of(const struct log_file *file, uint32_t number, char *out)
{
    int length = number == 0 ? snprintf(out, PATH_MAX, "%s", file->config.path)
                             : snprintf(out, PATH_MAX, "%s.%u", file->config.path, number);
    return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Renames FILE.N-1 to FILE.N and so on; the oldest one is replaced. With none to keep, the file itself is removed. */
static int rotate(struct log_file *file)
{
    char from[PATH_MAX], to[PATH_MAX];
    if (file->config.keep == 0 && unlink(file->config.path) != 0 && errno != ENOENT)
        return -errno;
    for (uint32_t i = file->config.keep; i > 0; i--) {
        if (name_of(file, i - 1, from) != 0 || name_of(file, i, to) != 0)
            return -ENAMETOOLONG;
        if (rename(from, to) != 0 && errno != ENOENT)
            return -errno;
    }
    close_file(file);
    return 0;
}

static size_t line_length(const char *lines, size_t length)
{
    const char *end = memchr(lines, '\n', length);
    return end != NULL ? (size_t)(end - lines) + 1 : length;
}

/* Complete lines that fit into the file, at least one. A pipe or device gets one line at a time, which it accepts
   completely or not at all. */
static size_t fitting(const struct log_file *file, const char *lines, size_t length, bool bounded)
{
    size_t fits = line_length(lines, length);
    if (!file->regular)
        return fits;
    while (fits < length) {
        size_t next = line_length(lines + fits, length - fits);
        if (bounded && file->size + fits + next > file->config.size_most)
            break;
        fits += next;
    }
    return fits;
}

static int write_piece(struct log_file *file, const char *bytes, size_t length)
{
    ssize_t written;
    do
        written = write(file->descriptor, bytes, length);
    while (written < 0 && errno == EINTR);
    if (written == (ssize_t)length) {
        file->size += length;
        return 0;
    }
    if (written < 0)
        return -errno;
    /* Removes the incomplete part: the file is truncated to its former end. */
    off_t end = file->regular ? lseek(file->descriptor, 0, SEEK_CUR) : -1;
    if (end >= written && ftruncate(file->descriptor, end - written) != 0)
        return -errno;
    return -ENOSPC;
}

static size_t count_lines(const char *lines, size_t length)
{
    size_t count = 0;
    for (size_t at = 0; at < length; at += line_length(lines + at, length - at))
        count++;
    return count;
}

int log_file_write(struct log_file *file, const char *lines, size_t length, uint64_t now_ms, size_t *lost)
{
    int error = 0, trouble = 0;
    size_t done = 0;
    check(file, now_ms);
    while (done < length) {
        if (file->descriptor < 0 && (error = open_file(file)) != 0)
            break;
        bool bounded = file->regular && file->config.size_most > 0 && now_ms >= file->stuck_until_ms;
        size_t piece = fitting(file, lines + done, length - done, bounded);
        if (bounded && file->size > 0 && file->size + piece > file->config.size_most) {
            trouble = rotate(file);
            if (trouble != 0)
                file->stuck_until_ms = now_ms + CHECK_MS;
            continue;
        }
        error = write_piece(file, lines + done, piece);
        if (error != 0)
            break;
        done += piece;
    }
    *lost = count_lines(lines + done, length - done);
    return error != 0 ? error : trouble;
}
