// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/persist_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* SQLite's file format, section 1.3: the header of the first page, and after it the rows of the schema. */
enum { HEADER = 100, USER_VERSION_AT = 60, APPLICATION_ID_AT = 68, ROWS_AT = HEADER + 3, PAGE_MOST = 65536 };

static const char magic[] = "SQLite format 3";
static const char application_id[] = "rflw";
static const char table[] = "CREATE TABLE binding(aor TEXT NOT NULL, key TEXT NOT NULL, contact TEXT NOT NULL,";

struct start {
    size_t length;
    char bytes[PAGE_MOST];
};

/* O_NONBLOCK: a FIFO without a writer would block the server. */
static int start_read(const char *path, struct start *start)
{
    struct stat status;
    start->length = 0;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return -errno;
    int error = fstat(descriptor, &status) != 0 ? -errno : 0;
    if (error == 0 && !S_ISREG(status.st_mode))
        error = -ENOTSUP;
    ssize_t got = 1;
    while (error == 0 && got > 0 && start->length < sizeof start->bytes) {
        got = read(descriptor, start->bytes + start->length, sizeof start->bytes - start->length);
        if (got < 0)
            error = -errno;
        else
            start->length += (size_t)got;
    }
    close(descriptor);
    return error;
}

static bool start_has_table(const struct start *start)
{
    return memmem(start->bytes, start->length, table, sizeof table - 1) != NULL;
}

static bool start_is_ours(const struct start *start)
{
    bool named = start->length >= HEADER && memcmp(start->bytes + APPLICATION_ID_AT, application_id, 4) == 0;
    return named || start_has_table(start);
}

/* An empty database: no table, no version, no name. */
static bool start_is_empty_database(const struct start *start)
{
    static const char zero[4];
    return start->length > ROWS_AT + 1 && memcmp(start->bytes, magic, sizeof magic) == 0 &&
           memcmp(start->bytes + USER_VERSION_AT, zero, 4) == 0 &&
           memcmp(start->bytes + APPLICATION_ID_AT, zero, 4) == 0 && memcmp(start->bytes + ROWS_AT, zero, 2) == 0;
}

/* After a kill, everything that format 1 has written may be in the write-ahead log and nothing in the file. */
static int owner_by_log(const char *path, struct start *start, enum persist_owner *owner)
{
    char log[4200];
    int length = snprintf(log, sizeof log, "%s-wal", path);
    int error = length > 0 && (size_t)length < sizeof log ? start_read(log, start) : -ENAMETOOLONG;
    bool absent = error == -ENOENT || (error == 0 && start->length == 0);
    if (absent)
        *owner = PERSIST_UNUSED;
    else if (error == 0)
        *owner = start_has_table(start) ? PERSIST_OURS : PERSIST_FOREIGN;
    return absent ? 0 : error;
}

static int owner_of(const char *path, struct start *start, enum persist_owner *owner)
{
    int error = start_read(path, start);
    *owner = PERSIST_FOREIGN;
    if (error == -ENOTSUP)
        return 0;
    if (error != 0 && error != -ENOENT)
        return error;
    if (start->length == 0 || start_is_empty_database(start))
        return owner_by_log(path, start, owner);
    if (start_is_ours(start))
        *owner = PERSIST_OURS;
    return 0;
}

int persist_owner_read(const char *path, enum persist_owner *owner)
{
    struct start start;
    return owner_of(path, &start, owner);
}
