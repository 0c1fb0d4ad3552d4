// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/auth/users.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/writer.h"
#include "standalone/auth/users_file.h"
#include "standalone/auth/users_kept.h"
#include "standalone/auth/users_removed.h"

enum { LOOK_MS = 250, LOG_MS = 60000, START_LOCK_MS = 2000, LOCK_MS = 50, LOCKED_LOOK_MS = 20 };

/* The instructions of SQLite's virtual machine, in thousands, that a query may take. A secret takes less than one, and
   a user of a slice ten. A query over all users takes less than one for each 3000 bytes of the file. */
enum { STEPS = 1000, QUERY_STEPS = 200, START_STEPS = 10000, FILE_BYTES_PER_STEPS = 3000 };

/* Bytes of a value or a row. A row of the table takes less than 1000. A view could make a longer one with each step,
   and sorting would fill the memory and the disk. */
enum { VALUE_MOST = 4096 };

enum { SLICE_AORS = 500, SLICE_MS = 10 };

struct users {
    const struct host *host;
    const char *path;
    sqlite3 *database; /* NULL: to be opened */
    sqlite3_stmt *query, *version_query;
    int version;         /* changes with each change by another connection; -1: unknown */
    uint64_t steps_left; /* of the query that runs, in thousands */
    struct stat opened;  /* the file when it was opened */
    uint64_t look_at;    /* when the path is looked at again */
    int failed;          /* why the file cannot be read; 0: it can */
    uint64_t log_at;     /* when the same failure is logged again */
    struct users_kept kept;
    struct users_removed removed;
};

static void users_forget(struct users *users)
{
    users_kept_each(&users->kept, users_removed_found, &users->removed);
    users_kept_clear(&users->kept);
}

static void users_close(struct users *users)
{
    users_forget(users);
    sqlite3_finalize(users->query);
    sqlite3_finalize(users->version_query);
    sqlite3_close(users->database);
    users->query = users->version_query = NULL;
    users->database = NULL;
}

/* Called by SQLite after each thousand steps; true ends the query. */
static int users_count_steps(void *context)
{
    struct users *users = context;
    if (users->steps_left == 0)
        return 1;
    users->steps_left--;
    return 0;
}

/* A number that changes when another connection commits; -1 if the file cannot be read. */
static int users_read_version(struct users *users)
{
    users->steps_left = QUERY_STEPS;
    int version = sqlite3_step(users->version_query) == SQLITE_ROW ? sqlite3_column_int(users->version_query, 0) : -1;
    sqlite3_reset(users->version_query);
    return version;
}

static void users_log(const struct users *users, enum log_level level, const char *what)
{
    char line[640];
    snprintf(line, sizeof line, "users file %s: %s", users->path, what);
    users->host->log(users->host->context, level, line);
}

static uint64_t users_now(const struct users *users)
{
    return users->host->now_ms(users->host->context);
}

static int users_fail(struct users *users, int result, const char *why)
{
    char line[500];
    uint64_t now = users_now(users);
    if (users->failed != result || now >= users->log_at) {
        snprintf(line, sizeof line, "%s; requests that need it get 503", why);
        users_log(users, LOG_ERROR, line);
        users->log_at = now + LOG_MS;
    }
    users->failed = result;
    return result;
}

static void users_recover(struct users *users)
{
    if (users->failed != 0)
        users_log(users, LOG_NOTICE, "it can be read again");
    users->failed = 0;
}

static int users_prepare(struct users *users)
{
    int code = sqlite3_prepare_v3(users->database, "SELECT " USERS_COLUMNS " FROM user WHERE aor=?", -1,
                                  SQLITE_PREPARE_PERSISTENT, &users->query, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v3(users->database, "PRAGMA data_version", -1, SQLITE_PREPARE_PERSISTENT,
                                  &users->version_query, NULL);
    return code;
}

/* The file is identified before it is opened: if it is replaced in between, the next look notices. */
static int users_open(struct users *users, int wait_ms, char *error, size_t error_size)
{
    struct stat status;
    if (stat(users->path, &status) != 0) {
        int result = -errno;
        snprintf(error, error_size, "%s", strerror(-result));
        return result;
    }
    users->opened = status;
    int result = users_file_open(&users->database, users->path, USERS_READ, wait_ms, error, error_size);
    if (result != 0)
        return result;
    int code = users_prepare(users);
    if (code != SQLITE_OK) {
        result = users_file_error(users->database, code, error, error_size);
        users_close(users);
        return result;
    }
    sqlite3_progress_handler(users->database, STEPS, users_count_steps, users);
    sqlite3_limit(users->database, SQLITE_LIMIT_LENGTH, VALUE_MOST);
    sqlite3_busy_timeout(users->database, LOCK_MS);
    users->version = users_read_version(users);
    users_removed_begin(&users->removed);
    return 0;
}

static void users_warn_of_mode(const struct users *users)
{
    struct stat status;
    char line[128];
    if (stat(users->path, &status) != 0 || (status.st_mode & 0027) == 0)
        return;
    snprintf(line, sizeof line, "its mode is %03o: others can read or change it; 600 is safe",
             (unsigned)status.st_mode & 0777);
    users_log(users, LOG_WARNING, line);
}

/* Steps for a query over all users. */
static void users_allow_all(struct users *users)
{
    users->steps_left = START_STEPS + (uint64_t)users->opened.st_size / FILE_BYTES_PER_STEPS;
}

static int users_check_twins(struct users *users, char *error, size_t error_size)
{
    struct users_twins twins;
    users_allow_all(users);
    int result = users_file_find_twins(users->database, NULL, &twins, error, error_size);
    if (result <= 0)
        return result;
    snprintf(error, error_size, "%.100s and %.100s differ only in case: remove one, or use --case-sensitive",
             twins.first, twins.second);
    return -EEXIST;
}

/* The first time all at once, so that no user is overlooked who is removed after the start. */
static int users_read_names(struct users *users, char *error, size_t error_size)
{
    users_allow_all(users);
    int result = users_file_list(users->database, users_removed_see, &users->removed, error, error_size);
    if (result == 0)
        users_removed_end_slice(&users->removed, SIZE_MAX);
    return result;
}

static int users_start(struct users *users, enum aor_case aor_case, char *error, size_t error_size)
{
    if (users_kept_create(&users->kept, users->host, 0) != 0) {
        snprintf(error, error_size, "out of memory");
        return -ENOMEM;
    }
    int result = users_open(users, START_LOCK_MS, error, error_size);
    if (result == 0 && aor_case == AOR_ANY_CASE)
        result = users_check_twins(users, error, error_size);
    return result == 0 ? users_read_names(users, error, error_size) : result;
}

int users_new(struct users **out, const struct host *host, const char *path, enum aor_case aor_case, char *error,
              size_t error_size)
{
    char why[300] = "out of memory";
    struct users *users = memory_new(host, sizeof *users);
    int result = -ENOMEM;
    if (users != NULL) {
        *users = (struct users){.host = host, .path = path};
        users->look_at = users_now(users) + LOOK_MS;
        users_removed_create(&users->removed, host);
        result = users_start(users, aor_case, why, sizeof why);
    }
    if (result != 0) {
        snprintf(error, error_size, "users file %s: %s%s", path, why,
                 result == -ENOENT ? "; reflow user add creates it" : "");
        users_delete(users);
        return result;
    }
    users_warn_of_mode(users);
    *out = users;
    return 0;
}

void users_delete(struct users *users)
{
    if (users == NULL)
        return;
    users_close(users);
    users_kept_destroy(&users->kept);
    users_removed_destroy(&users->removed);
    memory_delete(users->host, users, sizeof *users);
}

void users_reopen(struct users *users)
{
    users_close(users);
    users->look_at = 0;
}

void users_each(const struct users *users, void (*each)(void *context, const char *aor), void *context)
{
    const struct users_names *known = &users->removed.known;
    for (size_t at = 0; at < known->length; at += strlen(known->bytes + at) + 1)
        each(context, known->bytes + at);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* While the file is locked, its version is not known: then nothing is kept. */
static void users_compare_version(struct users *users)
{
    sqlite3_busy_timeout(users->database, 0);
    int version = users_read_version(users);
    if (version >= 0 && version == users->version)
        return;
    users_forget(users);
    if (version < 0)
        return;
    users->version = version;
    users_removed_begin(&users->removed);
}

/* SQLite notices the changes of other SQLite connections alone: it would go on reading a file that was renamed or
   deleted, and its cache of one that was copied over. */
static void users_look(struct users *users)
{
    struct stat status;
    if (users->database == NULL || stat(users->path, &status) != 0 || !same_file(&users->opened, &status))
        users_close(users);
    else
        users_compare_version(users);
}

/* Without a readable file, the result of the last look holds until the next. */
static int users_ready(struct users *users)
{
    char why[300];
    uint64_t now = users_now(users);
    bool due = now >= users->look_at;
    if (due) {
        users->look_at = now + LOOK_MS;
        users_look(users);
    }
    if (users->database != NULL)
        return 0;
    if (!due)
        return users->failed != 0 ? users->failed : -EAGAIN;
    int result = users_open(users, users->failed == -EAGAIN ? 0 : LOCK_MS, why, sizeof why);
    if (result == -EAGAIN)
        users->look_at = now + LOCKED_LOOK_MS;
    return result == 0 ? 0 : users_fail(users, result, why);
}

/* The AOR that the credentials name, and which of its secrets is meant; false if there cannot be such a user. */
static bool users_name(struct text user, struct text realm, char aor[USERS_AOR_SIZE], enum users_name *name)
{
    bool ipv6 = memchr(realm.at, ':', realm.length) != NULL;
    size_t domain = realm.length + (ipv6 ? 2 : 0);
    const char *at = memrchr(user.at, '@', user.length);
    struct text part = {user.at, at != NULL ? (size_t)(at - user.at) : user.length};
    *name = at != NULL ? USERS_WHOLE_AOR : USERS_USER_PART;
    if (part.length == 0 || realm.length == 0 || part.length + 1 + domain >= USERS_AOR_SIZE)
        return false;
    struct writer writer = writer_begin(aor, USERS_AOR_SIZE);
    writer_put_text(&writer, part);
    writer_put_text(&writer, ipv6 ? TEXT("@[") : TEXT("@"));
    writer_put_text(&writer, realm);
    writer_put_text(&writer, ipv6 ? TEXT("]") : TEXT(""));
    const struct text written = {aor, writer_end(&writer)};
    return memchr(aor, '\0', written.length) == NULL && (at == NULL || text_equal(user, written));
}

static int users_row(struct users *users, enum auth_algorithm algorithm, enum users_name name, char ha1[HA1_SIZE])
{
    int column = (int)algorithm * USERS_NAMES + (int)name;
    const char *stored = (const char *)sqlite3_column_text(users->query, column);
    if (stored == NULL || !users_ha1_is_valid(algorithm, text_of(stored)))
        return users_fail(users, -EIO, "it is damaged: a user has a hash of another form");
    memcpy(ha1, stored, strlen(stored) + 1);
    return 1;
}

/* A writer locks the file for the moment of its commit. That is waited for once; while the lock stays, later requests
   do not wait. */
static void users_limit(struct users *users)
{
    users->steps_left = QUERY_STEPS;
    sqlite3_busy_timeout(users->database, users->failed == -EAGAIN ? 0 : LOCK_MS);
}

/* What is damaged is opened anew, and so is a file with an interrupted change. */
static int users_give_up(struct users *users, int result, const char *why)
{
    users_fail(users, result, why);
    if (result != -EAGAIN)
        users_close(users);
    return result;
}

static int users_ask(struct users *users, const char *aor, enum auth_algorithm algorithm, enum users_name name,
                     char ha1[HA1_SIZE])
{
    char why[300];
    users_limit(users);
    sqlite3_bind_text(users->query, 1, aor, -1, SQLITE_STATIC);
    int code = sqlite3_step(users->query), result = 0;
    if (code == SQLITE_ROW)
        result = users_row(users, algorithm, name, ha1);
    else if (code != SQLITE_DONE)
        result = users_file_error(users->database, code, why, sizeof why);
    sqlite3_reset(users->query);
    sqlite3_clear_bindings(users->query);
    return code == SQLITE_ROW || code == SQLITE_DONE ? result : users_give_up(users, result, why);
}

int users_find(void *context, struct text user, struct text realm, enum auth_algorithm algorithm, char ha1[HA1_SIZE])
{
    struct users *users = context;
    char aor[USERS_AOR_SIZE];
    struct users_key key = {.algorithm = algorithm};
    int result = users_ready(users);
    if (result != 0)
        return result;
    if (!users_name(user, realm, aor, &key.name))
        return 0;
    key.aor = text_of(aor);
    result = users_ask(users, aor, algorithm, key.name, ha1);
    if (result == 1)
        users_kept_put(&users->kept, &key, ha1);
    else
        users_kept_remove(&users->kept, &key);
    if (result >= 0)
        users_recover(users);
    return result;
}

int users_recall(void *context, struct text user, struct text realm, enum auth_algorithm algorithm, char ha1[HA1_SIZE])
{
    struct users *users = context;
    char aor[USERS_AOR_SIZE];
    struct users_key key = {.algorithm = algorithm};
    if (users_ready(users) != 0 || !users_name(user, realm, aor, &key.name))
        return 0;
    key.aor = text_of(aor);
    return users_kept_find(&users->kept, &key, ha1);
}

/* --- who was removed --- */

static void users_read_slice(struct users *users)
{
    char why[300];
    users_limit(users);
    int result = users_file_list_after(users->database, users_removed_after(&users->removed), SLICE_AORS,
                                       users_removed_see, &users->removed, why, sizeof why);
    if (result == 0) {
        users_removed_end_slice(&users->removed, SLICE_AORS);
        users_recover(users);
        return;
    }
    users_give_up(users, result, why);
    /* A locked file is read later. A part of this slice may have been seen, and the next one goes on behind it. */
    if (result != -EAGAIN)
        users_removed_give_up(&users->removed);
}

unsigned users_watch(struct users *users, void (*removed)(void *context, const char *aor), void *context)
{
    users->removed.report = removed;
    users->removed.context = context;
    /* Each slice must be of a file that is whole. */
    if (users->removed.reads && users->database != NULL)
        users->look_at = 0;
    if (users_ready(users) != 0)
        return LOOK_MS;
    if (users->removed.reads)
        users_read_slice(users);
    return users->removed.reads ? SLICE_MS : LOOK_MS;
}
