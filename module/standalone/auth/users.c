// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/auth/users.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "standalone/auth/users_file.h"

enum { LOOK_MS = 250, LOG_MS = 60000, START_LOCK_MS = 2000, LOCK_MS = 50, LOCKED_LOOK_MS = 20 };

struct users {
    const struct host *host;
    const char *path;
    sqlite3 *database; /* NULL: to be opened */
    sqlite3_stmt *query;
    struct stat opened; /* the file when it was opened */
    uint64_t look_at;   /* when the path is looked at again */
    int failed;         /* why the file cannot be read; 0: it can */
    uint64_t log_at;    /* when the same failure is logged again */
};

static void users_close(struct users *users)
{
    sqlite3_finalize(users->query);
    sqlite3_close(users->database);
    users->query = NULL;
    users->database = NULL;
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
    int code = sqlite3_prepare_v3(users->database, "SELECT " USERS_COLUMNS " FROM user WHERE aor=?", -1,
                                  SQLITE_PREPARE_PERSISTENT, &users->query, NULL);
    if (code == SQLITE_OK)
        sqlite3_busy_timeout(users->database, LOCK_MS);
    else
        result = users_file_error(users->database, code, error, error_size);
    if (result != 0)
        users_close(users);
    return result;
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

static int users_check_twins(struct users *users, char *error, size_t error_size)
{
    struct users_twins twins;
    int result = users_file_find_twins(users->database, NULL, &twins, error, error_size);
    if (result <= 0)
        return result;
    snprintf(error, error_size, "%.100s and %.100s differ only in case: remove one, or use --case-sensitive",
             twins.first, twins.second);
    return -EEXIST;
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
        result = users_open(users, START_LOCK_MS, why, sizeof why);
        if (result == 0 && aor_case == AOR_ANY_CASE)
            result = users_check_twins(users, why, sizeof why);
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
    memory_delete(users->host, users, sizeof *users);
}

void users_reopen(struct users *users)
{
    users_close(users);
    users->look_at = 0;
}

void users_each(struct users *users, void (*each)(void *context, const char *aor), void *context)
{
    char why[300];
    /* The next request that needs the file logs why it cannot be read. */
    if (users->database != NULL || users_open(users, LOCK_MS, why, sizeof why) == 0)
        users_file_list(users->database, each, context, why, sizeof why);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* SQLite notices the changes of other SQLite connections alone: it would go on reading a file that was renamed or
   deleted, and its cache of one that was copied over. */
static void users_look(struct users *users)
{
    struct stat status;
    if (users->database == NULL || stat(users->path, &status) != 0 || !same_file(&users->opened, &status))
        users_close(users);
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
    int length = snprintf(aor, USERS_AOR_SIZE, ipv6 ? "%.*s@[%.*s]" : "%.*s@%.*s", (int)part.length, part.at,
                          (int)realm.length, realm.at);
    return (size_t)length == part.length + 1 + domain &&
           (at == NULL || text_equal(user, (struct text){aor, (size_t)length}));
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
static int users_step(struct users *users)
{
    sqlite3_busy_timeout(users->database, users->failed == -EAGAIN ? 0 : LOCK_MS);
    return sqlite3_step(users->query);
}

static int users_ask(struct users *users, const char *aor, enum auth_algorithm algorithm, enum users_name name,
                     char ha1[HA1_SIZE])
{
    char why[300];
    sqlite3_bind_text(users->query, 1, aor, -1, SQLITE_STATIC);
    int code = users_step(users), result = 0;
    if (code == SQLITE_ROW)
        result = users_row(users, algorithm, name, ha1);
    else if (code != SQLITE_DONE)
        result = users_file_error(users->database, code, why, sizeof why);
    sqlite3_reset(users->query);
    sqlite3_clear_bindings(users->query);
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return result;
    users_fail(users, result, why);
    /* What is damaged is opened anew, and so is a file with an interrupted change. */
    if (result != -EAGAIN)
        users_close(users);
    return result;
}

int users_find(void *context, struct text user, struct text realm, enum auth_algorithm algorithm, char ha1[HA1_SIZE])
{
    struct users *users = context;
    char aor[USERS_AOR_SIZE];
    enum users_name name;
    int result = users_ready(users);
    if (result != 0)
        return result;
    if (!users_name(user, realm, aor, &name))
        return 0;
    result = users_ask(users, aor, algorithm, name, ha1);
    if (result >= 0)
        users_recover(users);
    return result;
}
