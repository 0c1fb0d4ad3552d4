// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/auth/users_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* "rflu" */
#define APPLICATION_ID "1919315061"

enum { VERSION = 1, HEADER = 100, APPLICATION_ID_AT = 68 };

enum owner { OWNER_NONE, OWNER_US, OWNER_ANOTHER };

static const char schema[] =
    "CREATE TABLE user(aor TEXT NOT NULL PRIMARY KEY, sha256 TEXT NOT NULL, sha256_aor TEXT NOT NULL,"
    "sha512_256 TEXT NOT NULL, sha512_256_aor TEXT NOT NULL, md5 TEXT NOT NULL, md5_aor TEXT NOT NULL) WITHOUT ROWID;"
    "PRAGMA application_id=" APPLICATION_ID ";"
    "PRAGMA user_version=1;";

int users_file_error(sqlite3 *database, int code, char *error, size_t error_size)
{
    bool busy = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
    const char *why = busy                             ? "another process has locked it"
                      : (code & 0xff) == SQLITE_NOTADB ? "it is damaged, or not a users file"
                      : (code & 0xff) == SQLITE_FULL   ? "the disk is full"
                      : code == SQLITE_NOMEM           ? "out of memory"
                      : code == SQLITE_INTERRUPT
                          ? "reading it takes too long: users must be in a table as reflow user creates it"
                          : NULL;
    if (why == NULL)
        why = database != NULL ? sqlite3_errmsg(database) : sqlite3_errstr(code);
    snprintf(error, error_size, "%s", why);
    return busy ? -EAGAIN : code == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

static int fail(int result, const char *why, char *error, size_t error_size)
{
    snprintf(error, error_size, "%s", why);
    return result;
}

/* --- whose file is it --- */

/* Read without SQLite, which may write to a database that it opens. O_NONBLOCK: a FIFO would block. */
static int read_header(const char *path, enum users_access access, char header[HEADER], size_t *length)
{
    struct stat status;
    int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (access == USERS_READ ? 0 : O_NOFOLLOW);
    int descriptor = open(path, flags);
    if (descriptor < 0)
        return -errno;
    int result = fstat(descriptor, &status) != 0 ? -errno : S_ISREG(status.st_mode) ? 0 : -EBADMSG;
    ssize_t got = result == 0 ? read(descriptor, header, HEADER) : 0;
    if (got < 0)
        result = -errno;
    *length = got > 0 ? (size_t)got : 0;
    close(descriptor);
    return result;
}

static enum owner owner_of(const char *header, size_t length)
{
    static const char magic[] = "SQLite format 3";
    if (length == 0)
        return OWNER_NONE;
    bool is_database = length == HEADER && memcmp(header, magic, sizeof magic) == 0;
    return is_database && memcmp(header + APPLICATION_ID_AT, "rflu", 4) == 0 ? OWNER_US : OWNER_ANOTHER;
}

/* Whatever the umask is, the owner alone may read. */
static int create(const char *path)
{
    struct stat status;
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (descriptor < 0)
        return -errno;
    int result = fstat(descriptor, &status) == 0 ? 0 : -errno;
    if (result == 0 && S_ISREG(status.st_mode) && status.st_size == 0 && fchmod(descriptor, 0600) != 0)
        result = -errno;
    close(descriptor);
    return result;
}

static int refuse_header(int result, enum users_access access, char *error, size_t error_size)
{
    if (result == -ELOOP && access != USERS_READ)
        return fail(result, "it is a symbolic link; name the file itself", error, error_size);
    if (result == -EBADMSG)
        return fail(result, "it is not a file", error, error_size);
    return fail(result, strerror(-result), error, error_size);
}

static int claim(const char *path, enum users_access access, char *error, size_t error_size)
{
    char header[HEADER] = "";
    size_t length = 0;
    int result = read_header(path, access, header, &length);
    if (result != 0 && !(result == -ENOENT && access == USERS_CREATE))
        return refuse_header(result, access, error, error_size);
    enum owner owner = owner_of(header, length);
    if (owner == OWNER_ANOTHER)
        return fail(-EBADMSG, "it is not a users file", error, error_size);
    if (owner == OWNER_US)
        return 0;
    if (access != USERS_CREATE)
        return fail(-EBADMSG, "it is empty", error, error_size);
    result = create(path);
    return result == 0 ? 0 : refuse_header(result, access, error, error_size);
}

/* --- SQLite --- */

static int ask_number(sqlite3 *database, const char *query, int *number)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(database, query, -1, &row, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        *number = sqlite3_column_int(row, 0);
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code;
}

static int execute(sqlite3 *database, const char *statements)
{
    return sqlite3_exec(database, statements, NULL, NULL, NULL);
}

/* A failed COMMIT keeps the transaction open. */
static int commit(sqlite3 *database, int code)
{
    if (code == SQLITE_OK)
        code = execute(database, "COMMIT");
    if (code != SQLITE_OK && sqlite3_get_autocommit(database) == 0)
        execute(database, "ROLLBACK");
    return code;
}

static int create_table(sqlite3 *database)
{
    int version = 0, code = execute(database, "BEGIN IMMEDIATE");
    if (code == SQLITE_OK)
        code = ask_number(database, "PRAGMA user_version", &version);
    /* Another process may have created it meanwhile. */
    if (code == SQLITE_OK && version == 0)
        code = execute(database, schema);
    return commit(database, code);
}

/* SQLite reads the missing part of the last page as zeros: users would be missing from a file that was copied in part.
 */
static int check_size(sqlite3 *database, const char *path, char *error, size_t error_size)
{
    struct stat status;
    int page = 0, code = ask_number(database, "PRAGMA page_size", &page);
    if (code != SQLITE_OK)
        return users_file_error(database, code, error, error_size);
    if (stat(path, &status) != 0)
        return fail(-errno, strerror(errno), error, error_size);
    if (page <= 0 || status.st_size % page != 0)
        return fail(-EIO, "it is damaged: it ends within a page", error, error_size);
    return 0;
}

static int check_version(sqlite3 *database, char *error, size_t error_size)
{
    int version = 0, code = ask_number(database, "PRAGMA user_version", &version);
    if (code == SQLITE_OK && version != VERSION) {
        snprintf(error, error_size, "its format is %d, this version reads format %d", version, VERSION);
        return -EBADMSG;
    }
    sqlite3_stmt *probe = NULL;
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(database, "SELECT aor, " USERS_COLUMNS " FROM user", -1, &probe, NULL);
    sqlite3_finalize(probe);
    if (code == SQLITE_ERROR)
        return fail(-EBADMSG, "it does not have the table of a users file", error, error_size);
    return code == SQLITE_OK ? 0 : users_file_error(database, code, error, error_size);
}

/* Reading a file whose last change was interrupted needs a connection that may write: it plays the journal back. */
static int roll_back(const char *path, int wait_ms)
{
    sqlite3 *database = NULL;
    int tables, code = sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(database, wait_ms);
    if (code == SQLITE_OK)
        code = ask_number(database, "SELECT count(*) FROM sqlite_master", &tables);
    sqlite3_close(database);
    return code;
}

static int connect(sqlite3 **database, const char *path, enum users_access access, int wait_ms)
{
    int flags = access == USERS_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW;
    int tables, code = sqlite3_open_v2(path, database, flags, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_extended_result_codes(*database, 1);
    if (code == SQLITE_OK)
        code = sqlite3_busy_timeout(*database, wait_ms);
    /* Deleted rows are overwritten, so that no earlier secret remains in the file. */
    if (code == SQLITE_OK && access != USERS_READ)
        code = execute(*database, "PRAGMA secure_delete=ON");
    if (code == SQLITE_OK && access == USERS_CREATE)
        code = create_table(*database);
    if (code == SQLITE_OK)
        code = ask_number(*database, "SELECT count(*) FROM sqlite_master", &tables);
    return code;
}

int users_file_open(sqlite3 **out, const char *path, enum users_access access, int wait_ms, char *error,
                    size_t error_size)
{
    sqlite3 *database = NULL;
    int result = claim(path, access, error, error_size);
    if (result != 0)
        return result;
    int code = connect(&database, path, access, wait_ms);
    if (code == SQLITE_READONLY_ROLLBACK && roll_back(path, wait_ms) == SQLITE_OK) {
        sqlite3_close(database);
        code = connect(&database, path, access, wait_ms);
    }
    if (code == SQLITE_READONLY_ROLLBACK)
        result = fail(-EIO, "a change was interrupted; run reflow user list as the owner of the file to repair it",
                      error, error_size);
    else if (code != SQLITE_OK)
        result = users_file_error(database, code, error, error_size);
    else
        result = check_size(database, path, error, error_size);
    if (result == 0)
        result = check_version(database, error, error_size);
    if (result == 0)
        *out = database;
    else
        sqlite3_close(database);
    return result;
}

/* --- the rows --- */

static int prepare(sqlite3 *database, const char *query, const char *aor, sqlite3_stmt **statement)
{
    int code = sqlite3_prepare_v2(database, query, -1, statement, NULL);
    return code == SQLITE_OK ? sqlite3_bind_text(*statement, 1, aor, -1, SQLITE_STATIC) : code;
}

int users_file_has(sqlite3 *database, const char *aor, char *error, size_t error_size)
{
    sqlite3_stmt *statement = NULL;
    int code = prepare(database, "SELECT 1 FROM user WHERE aor=?", aor, &statement);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return users_file_error(database, code, error, error_size);
    return code == SQLITE_ROW;
}

int users_file_find_twins(sqlite3 *database, const char *aor, struct users_twins *twins, char *error, size_t error_size)
{
    sqlite3_stmt *row = NULL;
    int code =
        aor != NULL
            ? prepare(database, "SELECT ?1, aor FROM user WHERE lower(aor)=lower(?1) AND aor<>?1 LIMIT 1", aor, &row)
            : sqlite3_prepare_v2(database,
                                 "SELECT min(aor), max(aor) FROM user GROUP BY lower(aor) "
                                 "HAVING count(*)>1 LIMIT 1",
                                 -1, &row, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(row);
    if (code == SQLITE_ROW) {
        snprintf(twins->first, sizeof twins->first, "%s", (const char *)sqlite3_column_text(row, 0));
        snprintf(twins->second, sizeof twins->second, "%s", (const char *)sqlite3_column_text(row, 1));
    }
    sqlite3_finalize(row);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return users_file_error(database, code, error, error_size);
    return code == SQLITE_ROW;
}

/* Changes one row. Returns the number of changed rows, or a negative errno. */
static int change(sqlite3 *database, const char *query, const char *aor, const struct users_secrets *secrets,
                  char *error, size_t error_size)
{
    sqlite3_stmt *statement = NULL;
    int code = prepare(database, query, aor, &statement);
    for (int i = 0; code == SQLITE_OK && secrets != NULL && i < AUTH_ALGORITHMS * USERS_NAMES; i++)
        code = sqlite3_bind_text(statement, i + 2, secrets->ha1[i / USERS_NAMES][i % USERS_NAMES], -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    int changed = sqlite3_changes(database);
    int result = code == SQLITE_DONE ? changed : users_file_error(database, code, error, error_size);
    int finished = sqlite3_finalize(statement);
    if (result >= 0 && finished != SQLITE_OK)
        result = users_file_error(database, finished, error, error_size);
    return result;
}

int users_file_add(sqlite3 *database, const char *aor, const struct users_secrets *secrets, char *error,
                   size_t error_size)
{
    int result = change(database, "INSERT OR IGNORE INTO user(aor, " USERS_COLUMNS ") VALUES(?,?,?,?,?,?,?)", aor,
                        secrets, error, error_size);
    return result == 0 ? fail(-EEXIST, "this user exists", error, error_size) : result > 0 ? 0 : result;
}

int users_file_replace(sqlite3 *database, const char *aor, const struct users_secrets *secrets, char *error,
                       size_t error_size)
{
    int result = change(database,
                        "UPDATE user SET sha256=?2, sha256_aor=?3, sha512_256=?4, sha512_256_aor=?5, md5=?6, "
                        "md5_aor=?7 WHERE aor=?1",
                        aor, secrets, error, error_size);
    return result == 0 ? fail(-ENOENT, "there is no such user", error, error_size) : result > 0 ? 0 : result;
}

int users_file_remove(sqlite3 *database, const char *aor, char *error, size_t error_size)
{
    int result = change(database, "DELETE FROM user WHERE aor=?", aor, NULL, error, error_size);
    return result == 0 ? fail(-ENOENT, "there is no such user", error, error_size) : result > 0 ? 0 : result;
}

static int list_rows(sqlite3 *database, sqlite3_stmt *statement, void (*each)(void *context, const char *aor),
                     void *context, char *error, size_t error_size)
{
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *aor = (const char *)sqlite3_column_text(statement, 0);
        if (aor != NULL)
            each(context, aor);
    }
    int result = code == SQLITE_DONE ? 0 : users_file_error(database, code, error, error_size);
    sqlite3_finalize(statement);
    return result;
}

int users_file_list(sqlite3 *database, void (*each)(void *context, const char *aor), void *context, char *error,
                    size_t error_size)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database, "SELECT aor FROM user ORDER BY aor", -1, &statement, NULL);
    if (code != SQLITE_OK)
        return users_file_error(database, code, error, error_size);
    return list_rows(database, statement, each, context, error, error_size);
}

int users_file_list_after(sqlite3 *database, const char *after, int most, void (*each)(void *context, const char *aor),
                          void *context, char *error, size_t error_size)
{
    sqlite3_stmt *statement = NULL;
    int code = prepare(database, "SELECT aor FROM user WHERE aor>? ORDER BY aor LIMIT ?", after, &statement);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 2, most);
    if (code == SQLITE_OK)
        return list_rows(database, statement, each, context, error, error_size);
    sqlite3_finalize(statement);
    return users_file_error(database, code, error, error_size);
}
