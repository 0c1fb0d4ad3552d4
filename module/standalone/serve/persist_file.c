// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/persist_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "standalone/serve/persist_owner.h"

/* Each step migrates from one version to the next. A new file takes all steps, so that its tables are the same as
   those of a migrated file. A released step must never be changed. */
static const char *const steps[] = {
    "CREATE TABLE IF NOT EXISTS binding("
    "aor TEXT NOT NULL, key TEXT NOT NULL, contact TEXT NOT NULL, instance TEXT NOT NULL,"
    "reg_id INTEGER NOT NULL, path TEXT NOT NULL, call_id TEXT NOT NULL,"
    "cseq INTEGER NOT NULL, q INTEGER NOT NULL, flow TEXT NOT NULL,"
    "expires_at INTEGER NOT NULL, registered_at INTEGER NOT NULL, parameters TEXT NOT NULL,"
    "PRIMARY KEY(aor, key)) WITHOUT ROWID;"
    "PRAGMA user_version=1;",

    /* Version 1 stored "udp LOCAL REMOTE" for a datagram flow and "tcp" for every connection. Only the Contact hints
       at the transport of the connection. */
    "ALTER TABLE binding ADD COLUMN transport TEXT NOT NULL DEFAULT '';"
    "UPDATE binding SET transport=CASE "
    "WHEN flow='' THEN '' WHEN flow LIKE 'udp %' THEN 'udp' "
    "WHEN contact LIKE '%;transport=wss%' OR contact LIKE 'sips:%;transport=ws%' THEN 'wss' "
    "WHEN contact LIKE '%;transport=ws%' THEN 'ws' "
    "WHEN contact LIKE '%;transport=tls%' OR contact LIKE 'sips:%' THEN 'tls' ELSE 'tcp' END;"
    "UPDATE binding SET flow=CASE WHEN flow LIKE 'udp %' THEN substr(flow,5) ELSE '' END;"
    "PRAGMA user_version=2;",
};

enum { VERSION = sizeof steps / sizeof steps[0], PATH_MOST = 4200 };

struct state_file {
    const struct host *host;
    const char *path;
    sqlite3 *database;
    char *error;
    size_t error_size;
};

int persist_execute(sqlite3 *database, const char *statements)
{
    return sqlite3_exec(database, statements, NULL, NULL, NULL);
}

/* The first column of the first row, as text. */
static int ask(sqlite3 *database, const char *query, char out[64])
{
    sqlite3_stmt *row = NULL;
    out[0] = '\0';
    int code = sqlite3_prepare_v2(database, query, -1, &row, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(row, 0);
        snprintf(out, 64, "%s", text != NULL ? text : "");
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

__attribute__((format(printf, 3, 4))) static void state_file_log(const struct state_file *file, enum log_level level,
                                                                 const char *format, ...)
{
    char line[2 * PATH_MOST + 400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    file->host->log(file->host->context, level, line);
}

static void format_time(const struct state_file *file, char out[32])
{
    struct tm parts;
    time_t wall = (time_t)file->host->wall_s(file->host->context);
    gmtime_r(&wall, &parts);
    strftime(out, 32, "%Y%m%dT%H%M%SZ", &parts);
}

/* --- the copy --- */

/* Creates an empty file, as private as the original. */
static int copy_create(const struct state_file *file, const char *to)
{
    struct stat status;
    if (stat(file->path, &status) != 0 || (unlink(to) != 0 && errno != ENOENT))
        return -errno;
    int descriptor = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return -errno;
    int error = fchmod(descriptor, status.st_mode & 0777) != 0 ? -errno : 0;
    /* Only the superuser may give a file away; any other process can read its own files in any case. */
    if (error == 0 && geteuid() == 0 && fchown(descriptor, status.st_uid, status.st_gid) != 0)
        error = -errno;
    close(descriptor);
    return error;
}

/* Copies page by page into one file, including the write-ahead log. */
static bool copy_pages(struct state_file *file, const char *to, char *why, size_t size)
{
    sqlite3 *copy = NULL;
    int code = sqlite3_open_v2(to, &copy, SQLITE_OPEN_READWRITE, NULL);
    /* The journal of an interrupted copy would be applied to the next one. */
    if (code == SQLITE_OK)
        code = persist_execute(copy, "PRAGMA journal_mode=OFF");
    sqlite3_backup *backup = code == SQLITE_OK ? sqlite3_backup_init(copy, "main", file->database, "main") : NULL;
    if (backup != NULL) {
        code = sqlite3_backup_step(backup, -1);
        int finished = sqlite3_backup_finish(backup);
        code = code == SQLITE_DONE ? finished : code;
    } else if (code == SQLITE_OK) {
        code = sqlite3_errcode(copy);
    }
    if (code != SQLITE_OK)
        snprintf(why, size, "%s", sqlite3_errstr(code));
    sqlite3_close(copy);
    return code == SQLITE_OK;
}

static bool same_content(const char *a, const char *b)
{
    char left[4096], right[4096];
    FILE *one = fopen(a, "rbe"), *other = fopen(b, "rbe");
    bool same = one != NULL && other != NULL;
    size_t length = 1;
    while (same && length > 0) {
        length = fread(left, 1, sizeof left, one);
        same = fread(right, 1, sizeof right, other) == length && memcmp(left, right, length) == 0;
    }
    same = same && ferror(one) == 0 && ferror(other) == 0;
    if (one != NULL)
        fclose(one);
    if (other != NULL)
        fclose(other);
    return same;
}

static int sync_directory(const char *path)
{
    char directory[PATH_MOST];
    snprintf(directory, sizeof directory, "%s", path);
    char *slash = strrchr(directory, '/');
    if (slash == NULL)
        snprintf(directory, sizeof directory, ".");
    else
        slash[slash == directory ? 1 : 0] = '\0';
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    int error = fsync(descriptor) != 0 && errno != EINVAL ? -errno : 0;
    close(descriptor);
    return error;
}

/* Renames the finished copy. A copy from an interrupted attempt is identical and is used again. The lock on the
   state file keeps other servers away from these names. */
static int copy_publish(const struct state_file *file, const char *from, char *to)
{
    struct stat status;
    if (lstat(to, &status) == 0 && same_content(from, to))
        return unlink(from) == 0 ? 0 : -errno;
    if (lstat(to, &status) == 0) {
        char stamp[32];
        format_time(file, stamp);
        size_t length = strlen(to);
        snprintf(to + length, PATH_MOST - length, "-%s", stamp);
        if (lstat(to, &status) == 0)
            return -EEXIST;
    }
    return rename(from, to) == 0 ? sync_directory(to) : -errno;
}

static int state_file_copy(struct state_file *file, int version)
{
    char to[PATH_MOST], unfinished[PATH_MOST], why[128] = "";
    snprintf(to, sizeof to, "%s.v%d", file->path, version);
    snprintf(unfinished, sizeof unfinished, "%s.v%d.new", file->path, version);
    int error = copy_create(file, unfinished);
    if (error == 0 && !copy_pages(file, unfinished, why, sizeof why))
        error = -EIO;
    if (error == 0)
        error = copy_publish(file, unfinished, to);
    if (error == 0) {
        state_file_log(file, LOG_NOTICE, "state file %s of format %d: copied to %s", file->path, version, to);
        return 0;
    }
    unlink(unfinished);
    snprintf(file->error, file->error_size,
             "state file %s: cannot be copied to %s before its migration from format %d to %d: %s; it is unchanged",
             file->path, to, version, VERSION, why[0] != '\0' ? why : strerror(-error));
    return error;
}

/* --- the format --- */

static int run_steps(sqlite3 *database, int version)
{
    int code = persist_execute(database, "BEGIN IMMEDIATE");
    for (int step = version; code == SQLITE_OK && step < VERSION; step++)
        code = persist_execute(database, steps[step]);
    return code == SQLITE_OK ? persist_execute(database, "COMMIT") : code;
}

static int state_file_migrate(struct state_file *file, int version)
{
    int error = version > 0 ? state_file_copy(file, version) : 0;
    if (error != 0)
        return error;
    if (run_steps(file->database, version) != SQLITE_OK) {
        snprintf(file->error, file->error_size,
                 "state file %s: the migration from format %d to %d failed: %s; the file is unchanged", file->path,
                 version, VERSION, sqlite3_errmsg(file->database));
        persist_execute(file->database, "ROLLBACK");
        return -EIO;
    }
    if (version > 0)
        state_file_log(file, LOG_NOTICE, "state file %s: migrated from format %d to %d", file->path, version, VERSION);
    return 0;
}

/* Format 1 set its version after creating its table, so that an interruption in between left version 0. */
static int read_version(struct state_file *file, int *version)
{
    char answer[64], others[64];
    int code = ask(file->database, "PRAGMA user_version", answer);
    *version = atoi(answer);
    if (code != SQLITE_OK || *version != 0)
        return code;
    code = ask(file->database, "SELECT count(*) FROM sqlite_master WHERE name='binding'", answer);
    if (code == SQLITE_OK)
        code = ask(file->database, "SELECT count(*) FROM sqlite_master WHERE tbl_name<>'binding'", others);
    if (code == SQLITE_OK && atoi(others) > 0)
        return SQLITE_MISMATCH;
    *version = atoi(answer) > 0 ? 1 : 0;
    return code;
}

/* --- opening --- */

/* So that the first page alone identifies the file, also after a kill or damage. */
static int state_file_name_owner(sqlite3 *database)
{
    char answer[64];
    int code = ask(database, "PRAGMA application_id", answer);
    if (code != SQLITE_OK || strcmp(answer, PERSIST_APPLICATION_ID) == 0)
        return code;
    return persist_execute(database, "PRAGMA application_id=" PERSIST_APPLICATION_ID);
}

/* The file is locked while it is open. SQLITE_CORRUPT also if the check of the pages finds an error. */
static int state_file_lock(struct state_file *file, bool is_new)
{
    char answer[64] = "";
    int code = sqlite3_open_v2(file->path, &file->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL);
    if (code == SQLITE_OK && is_new)
        code = state_file_name_owner(file->database);
    if (code == SQLITE_OK)
        code = persist_execute(file->database, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
                                               "PRAGMA synchronous=NORMAL; BEGIN EXCLUSIVE; COMMIT;");
    if (code == SQLITE_OK)
        code = ask(file->database, "PRAGMA quick_check(1)", answer);
    return code == SQLITE_OK && strcmp(answer, "ok") != 0 ? SQLITE_CORRUPT : code;
}

static int state_file_set_aside(struct state_file *file)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char stamp[32], from[PATH_MOST], to[PATH_MOST];
    format_time(file, stamp);
    sqlite3_close(file->database);
    file->database = NULL;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        snprintf(from, sizeof from, "%s%s", file->path, endings[i]);
        snprintf(to, sizeof to, "%s.corrupt-%s%s", file->path, stamp, endings[i]);
        if (rename(from, to) != 0 && i == 0)
            return -errno;
    }
    state_file_log(file, LOG_ERROR, "state file %s is damaged: set aside as %s.corrupt-%s, starting without bindings",
                   file->path, file->path, stamp);
    return 0;
}

static bool is_damage(int code)
{
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

static int state_file_lock_sound(struct state_file *file, bool is_new, int *version)
{
    int code = state_file_lock(file, is_new);
    return code == SQLITE_OK ? read_version(file, version) : code;
}

static int state_file_refuse(struct state_file *file, int code)
{
    const char *why = code == SQLITE_MISMATCH ? "it is a database of another program"
                      : code == SQLITE_BUSY   ? "another process uses it"
                                              : sqlite3_errmsg(file->database);
    snprintf(file->error, file->error_size, "state file %s: %s", file->path, why);
    return -EIO;
}

/* Other users must not read who registers from where. SQLite gives its log and index the mode of the file. */
static int state_file_create(const struct state_file *file)
{
    int descriptor = open(file->path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return -errno;
    close(descriptor);
    return 0;
}

/* Files of earlier versions were readable for all. */
static void state_file_make_private(const struct state_file *file)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    char path[PATH_MOST];
    struct stat status;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        snprintf(path, sizeof path, "%s%s", file->path, endings[i]);
        if (stat(path, &status) != 0 || (status.st_mode & 0077) == 0)
            continue;
        bool done = chmod(path, 0600) == 0;
        state_file_log(file, done ? LOG_NOTICE : LOG_WARNING, "state file %s: its mode was %03o%s", path,
                       status.st_mode & 0777, done ? ", now it is 600" : ", which cannot be changed");
    }
}

/* Returns whether it is a state file, or can become one. */
static int state_file_claim(const struct state_file *file, bool *is_new)
{
    enum persist_owner owner;
    int error = persist_owner_read(file->path, &owner);
    if (error == 0 && owner == PERSIST_FOREIGN) {
        snprintf(file->error, file->error_size, "state file %s: it is not a state file of this program", file->path);
        return -EBADMSG;
    }
    *is_new = owner == PERSIST_UNUSED;
    if (error == 0 && *is_new)
        error = state_file_create(file);
    if (error != 0)
        snprintf(file->error, file->error_size, "state file %s: %s", file->path, strerror(-error));
    else
        state_file_make_private(file);
    return error;
}

/* Replaces a damaged file by an empty one. */
static int state_file_begin_anew(struct state_file *file, int *version)
{
    int error = state_file_set_aside(file);
    if (error == 0)
        error = state_file_create(file);
    if (error == 0)
        return state_file_lock_sound(file, true, version);
    snprintf(file->error, file->error_size, "state file %s is damaged and cannot be set aside: %s", file->path,
             strerror(-error));
    return error;
}

static int state_file_open(struct state_file *file)
{
    bool is_new;
    int version = 0, error = state_file_claim(file, &is_new);
    if (error != 0)
        return error;
    int code = state_file_lock_sound(file, is_new, &version);
    if (is_damage(code))
        code = state_file_begin_anew(file, &version);
    if (code < 0)
        return code;
    if (code != SQLITE_OK)
        return state_file_refuse(file, code);
    if (version > VERSION) {
        snprintf(file->error, file->error_size,
                 "state file %s: it was written by a later version (its format is %d, this version knows up to %d)",
                 file->path, version, VERSION);
        return -EIO;
    }
    error = version < VERSION ? state_file_migrate(file, version) : 0;
    if (error == 0)
        state_file_name_owner(file->database); /* if the disk is full, it is still recognised by its table */
    return error;
}

int persist_file_open(const struct host *host, const char *path, sqlite3 **out, char *error, size_t error_size)
{
    struct state_file file = {.host = host, .path = path, .error = error, .error_size = error_size};
    *out = NULL;
    error[0] = '\0';
    int result = state_file_open(&file);
    if (result == 0)
        *out = file.database;
    else
        sqlite3_close(file.database);
    return result;
}
