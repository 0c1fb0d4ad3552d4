// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "standalone/serve/persist_file.h"

/* The state file's format: what an earlier version wrote is opened, migrated once, and never lost on the way. */

#define FORMAT_1 "tests/data/upgrade/state-1/"

enum { BINDINGS = 11, PAGE = 4096, OPENED = 17, REFUSED = 18 };

struct place {
    struct fake_host fake;
    char directory[256];
    char path[288], copy[304], unfinished[312];
    char error[1024];
    sqlite3 *database;
};

static int place_setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    fake_host_create(&place->fake);
    temporary_path(place->directory, sizeof place->directory, "reflow-persist-file-XXXXXX");
    *state = place;
    if (mkdtemp(place->directory) == NULL)
        return -1;
    snprintf(place->path, sizeof place->path, "%s/state.db", place->directory);
    snprintf(place->copy, sizeof place->copy, "%s.v1", place->path);
    snprintf(place->unfinished, sizeof place->unfinished, "%s.v1.new", place->path);
    return 0;
}

static void place_clear(const struct place *place)
{
    char path[600];
    DIR *directory = opendir(place->directory);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", place->directory, entry->d_name);
        remove(path);
    }
    closedir(directory);
}

static int place_teardown(void **state)
{
    struct place *place = *state;
    sqlite3_close(place->database);
    place_clear(place);
    int removed = rmdir(place->directory);
    free(place);
    return removed;
}

/* How many files of the place have this in their name; the name of one of them in `out`. */
static size_t find_files(const struct place *place, const char *part, char out[600])
{
    size_t count = 0;
    DIR *directory = opendir(place->directory);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strstr(entry->d_name, part) != NULL) {
            snprintf(out, 600, "%s/%s", place->directory, entry->d_name);
            count++;
        }
    }
    closedir(directory);
    return count;
}

static void copy_file(const char *from, const char *to)
{
    char buffer[4096];
    size_t length;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_non_null(in);
    assert_non_null(out);
    while ((length = fread(buffer, 1, sizeof buffer, in)) > 0)
        assert_int_equal(fwrite(buffer, 1, length, out), length);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void assert_file_is(const char *path, const char *text)
{
    char buffer[256] = "";
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    buffer[fread(buffer, 1, sizeof buffer - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(buffer, text);
}

/* A file of format 1, as a clean end left it. */
static void place_old(const struct place *place)
{
    copy_file(FORMAT_1 "state.db", place->path);
    assert_int_equal(chmod(place->path, 0600), 0);
}

static void change(const char *path, const char *statements)
{
    sqlite3 *database;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    if (sqlite3_exec(database, statements, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void ask_database(sqlite3 *database, const char *query, char *out, size_t size)
{
    sqlite3_stmt *row = NULL;
    snprintf(out, size, "-");
    if (sqlite3_prepare_v2(database, query, -1, &row, NULL) == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW)
        snprintf(out, size, "%s", (const char *)sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
}

static int64_t number_in(const char *path, const char *query)
{
    sqlite3 *database;
    char answer[64];
    assert_int_equal(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    ask_database(database, query, answer, sizeof answer);
    sqlite3_close(database);
    return strcmp(answer, "-") == 0 ? -1 : atoll(answer);
}

static int open_place(struct place *place)
{
    place->error[0] = '\0';
    return persist_file_open(&place->fake.host, place->path, &place->database, place->error, sizeof place->error);
}

static void close_place(struct place *place)
{
    sqlite3_close(place->database);
    place->database = NULL;
}

static void assert_refused(struct place *place, const char *why)
{
    assert_true(open_place(place) < 0);
    assert_null(place->database);
    if (strstr(place->error, why) == NULL)
        fail_msg("%s is not in: %s", why, place->error);
    assert_non_null(strstr(place->error, place->path));
    assert_null(strchr(place->error, '\n'));
}

/* All bindings in format 1, and no trace of a migration. */
static void assert_old(const struct place *place)
{
    assert_int_equal(number_in(place->path, "PRAGMA user_version"), 1);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM binding"), BINDINGS);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM binding WHERE flow LIKE 'udp %'"), 3);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM binding WHERE flow='tcp'"), 2);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM pragma_table_info('binding')"), 13);
}

/* All bindings in format 2. */
static void assert_new(const char *path)
{
    assert_int_equal(number_in(path, "PRAGMA user_version"), 2);
    assert_int_equal(number_in(path, "SELECT count(*) FROM binding"), BINDINGS);
    assert_int_equal(number_in(path, "SELECT count(*) FROM binding WHERE transport='udp'"), 3);
    assert_int_equal(number_in(path, "SELECT count(*) FROM binding WHERE transport='tcp' AND flow=''"), 1);
    assert_int_equal(number_in(path, "SELECT count(*) FROM binding WHERE transport='ws' AND flow=''"), 1);
    assert_int_equal(number_in(path, "SELECT count(*) FROM binding WHERE transport=''"), 6);
    assert_int_equal(number_in(path, "SELECT count(*) FROM binding WHERE flow LIKE 'udp%' OR flow='tcp'"), 0);
}

static void assert_copy_is_old(const char *path)
{
    assert_int_equal(number_in(path, "PRAGMA user_version"), 1);
    assert_int_equal(number_in(path, "SELECT count(*) FROM binding WHERE flow='tcp'"), 2);
    assert_int_equal(number_in(path, "SELECT count(*) FROM binding"), BINDINGS);
}

/* --- what is migrated --- */

static void test_a_new_file_has_the_present_format_and_no_copy(void **state)
{
    struct place *place = *state;
    char name[600];
    assert_int_equal(open_place(place), 0);
    close_place(place);
    assert_int_equal(number_in(place->path, "PRAGMA user_version"), 2);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM pragma_table_info('binding')"), 14);
    assert_int_equal(find_files(place, ".v", name), 0);
    assert_int_equal(place->fake.logged[LOG_NOTICE], 0);
}

static void test_a_file_of_format_1_is_copied_and_migrated_once(void **state)
{
    struct place *place = *state;
    struct stat status;
    char name[600];
    place_old(place);
    for (int opened = 0; opened < 2; opened++) {
        assert_int_equal(open_place(place), 0);
        close_place(place);
        assert_new(place->path);
        assert_int_equal(place->fake.logged[LOG_NOTICE], 2);
        assert_non_null(strstr(place->fake.last_log, "migrated from format 1 to 2"));
    }
    assert_int_equal(stat(place->copy, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(find_files(place, ".v1", name), 1);
    assert_copy_is_old(place->copy);
}

/* The bindings are in the write-ahead log: a copy of the file alone would be empty. */
static void test_what_a_kill_left_is_copied_and_migrated_with_its_log(void **state)
{
    struct place *place = *state;
    char wal[320];
    snprintf(wal, sizeof wal, "%s-wal", place->path);
    copy_file(FORMAT_1 "killed.db", place->path);
    copy_file(FORMAT_1 "killed.db-wal", wal);
    assert_int_equal(open_place(place), 0);
    close_place(place);
    assert_new(place->path);
    assert_copy_is_old(place->copy);
}

/* Format 1 made its table before it set its version. */
static void test_an_end_between_table_and_version_is_format_1(void **state)
{
    struct place *place = *state;
    place_old(place);
    change(place->path, "PRAGMA user_version=0");
    assert_int_equal(open_place(place), 0);
    close_place(place);
    assert_new(place->path);
    assert_int_equal(number_in(place->copy, "SELECT count(*) FROM binding"), BINDINGS);
}

/* Format 1 called every connection "tcp". */
static void test_the_contact_tells_what_connection_it_was(void **state)
{
    static const struct {
        const char *contact, *transport;
    } rows[] = {{"sip:a@h;transport=tcp", "tcp"}, {"sip:b@h;ob", "tcp"},
                {"sip:c@h;transport=TLS", "tls"}, {"sips:d@h", "tls"},
                {"sip:e@h;transport=ws", "ws"},   {"sips:f@h;transport=ws", "wss"},
                {"sip:g@h;transport=wss", "wss"}};
    struct place *place = *state;
    char statement[400], answer[64];
    place_old(place);
    change(place->path, "DELETE FROM binding");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(statement, sizeof statement,
                 "INSERT INTO binding VALUES('a','%zu','%s','i',1,'','c',1,1,'tcp',1,1,'')", i, rows[i].contact);
        change(place->path, statement);
    }
    assert_int_equal(open_place(place), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(statement, sizeof statement, "SELECT transport FROM binding WHERE key='%zu'", i);
        ask_database(place->database, statement, answer, sizeof answer);
        assert_string_equal(answer, rows[i].transport);
    }
}

/* --- the copy --- */

static void test_a_copy_that_is_there_already_is_used_again(void **state)
{
    struct place *place = *state;
    char name[600];
    for (int i = 0; i < 2; i++) {
        place_old(place);
        assert_int_equal(open_place(place), 0);
        close_place(place);
        assert_copy_is_old(place->copy);
        assert_int_equal(find_files(place, ".v1", name), 1);
    }
}

static void test_a_file_under_the_name_of_the_copy_is_never_overwritten(void **state)
{
    struct place *place = *state;
    char name[600];
    place_old(place);
    write_text(place->copy, "precious");
    assert_int_equal(open_place(place), 0);
    close_place(place);
    assert_new(place->path);
    assert_file_is(place->copy, "precious");
    assert_int_equal(find_files(place, ".v1-20231114T221320Z", name), 1);
    assert_copy_is_old(name);
}

static void test_no_name_is_left_for_the_copy(void **state)
{
    struct place *place = *state;
    char name[600], stamped[340];
    snprintf(stamped, sizeof stamped, "%s-20231114T221320Z", place->copy);
    place_old(place);
    write_text(place->copy, "precious");
    write_text(stamped, "dear");
    assert_refused(place, "cannot be copied to");
    assert_non_null(strstr(place->error, "File exists"));
    assert_file_is(place->copy, "precious");
    assert_file_is(stamped, "dear");
    assert_int_equal(find_files(place, ".new", name), 0);
    assert_old(place);
}

static void test_a_copy_that_cannot_be_made_leaves_the_file_as_it_was(void **state)
{
    struct place *place = *state;
    char inside[340], name[600];
    snprintf(inside, sizeof inside, "%s/full", place->unfinished);
    place_old(place);
    assert_int_equal(mkdir(place->unfinished, 0700), 0);
    assert_int_equal(mkdir(inside, 0700), 0);
    assert_refused(place, "cannot be copied to");
    assert_old(place);
    assert_int_equal(find_files(place, ".corrupt", name), 0);
    assert_int_equal(rmdir(inside), 0);
}

/* A limit on the size of files stands for a full disk: first the copy has no room, then the migration. */
static void test_a_full_disk_leaves_the_file_as_it_was(void **state)
{
    struct place *place = *state;
    struct rlimit limit, full;
    char name[600];
    size_t refused = 0;
    int opened = -1;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    for (rlim_t room = PAGE; opened != 0; room += PAGE) {
        place_clear(place);
        place_old(place);
        full = (struct rlimit){.rlim_cur = room, .rlim_max = limit.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
        opened = open_place(place);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        close_place(place);
        if (opened == 0)
            break;
        refused++;
        assert_non_null(strstr(place->error, "unchanged"));
        assert_old(place);
        assert_int_equal(find_files(place, ".new", name), 0);
        assert_int_equal(find_files(place, ".corrupt", name), 0);
    }
    assert_true(refused >= 2);
    assert_new(place->path);
}

/* --- the migration --- */

static void test_a_migration_that_fails_leaves_the_file_as_it_was(void **state)
{
    struct place *place = *state;
    place_old(place);
    change(place->path, "CREATE TRIGGER stop BEFORE UPDATE ON binding WHEN old.contact LIKE '%grace%' "
                        "BEGIN SELECT RAISE(ABORT, 'not this one'); END");
    for (int i = 0; i < 2; i++) {
        assert_refused(place, "the migration from format 1 to 2 failed: not this one; the file is unchanged");
        assert_old(place);
        assert_copy_is_old(place->copy);
    }
}

static int ends_at; /* opcodes of SQLite until the process is killed; 0: never */

static int count_down(void *context)
{
    (void)context;
    if (--ends_at == 0)
        raise(SIGKILL);
    return 0;
}

static int watch_opcodes(sqlite3 *database, char **message, const struct sqlite3_api_routines *routines)
{
    (void)message;
    (void)routines;
    sqlite3_progress_handler(database, 1, count_down, NULL);
    return SQLITE_OK;
}

/* Opens the file in a process of its own, which is killed after so many opcodes, or as soon as a file outgrows `room`.
   Returns whether it was not. */
static bool open_and_die(struct place *place, int opcodes, rlim_t room)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {.rlim_cur = room, .rlim_max = room}, none = {0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGXFSZ, SIG_DFL);
        ends_at = opcodes;
        sqlite3_auto_extension((void (*)(void))watch_opcodes);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(open_place(place) == 0 ? OPENED : REFUSED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), OPENED);
    else
        assert_true(WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGXFSZ);
    return WIFEXITED(status);
}

/* Whatever the kill left is the old file or the new one, and the next start makes it the new one. */
static void assert_survived(struct place *place)
{
    char name[600];
    if (number_in(place->path, "PRAGMA user_version") == 1)
        assert_old(place);
    else
        assert_new(place->path);
    assert_int_equal(open_place(place), 0);
    close_place(place);
    assert_new(place->path);
    assert_copy_is_old(place->copy);
    assert_int_equal(find_files(place, ".v1", name), 1);
    assert_int_equal(find_files(place, ".corrupt", name), 0);
}

static void test_a_kill_at_any_opcode_leaves_the_old_file_or_the_new(void **state)
{
    enum { STRIDE = 23 };
    struct place *place = *state;
    bool lived = false;
    size_t kills = 0;
    for (int opcodes = 1; !lived; opcodes += STRIDE) {
        place_clear(place);
        place_old(place);
        lived = open_and_die(place, opcodes, RLIM_INFINITY);
        kills += !lived;
        assert_survived(place);
    }
    assert_true(kills > 20);
}

static void test_a_kill_at_any_write_leaves_the_old_file_or_the_new(void **state)
{
    struct place *place = *state;
    bool lived = false;
    size_t kills = 0;
    for (rlim_t room = PAGE / 8; !lived; room += PAGE / 8) {
        place_clear(place);
        place_old(place);
        lived = open_and_die(place, 0, room);
        kills += !lived;
        assert_survived(place);
    }
    assert_true(kills > 8);
}

/* --- files that are not ours to migrate --- */

static char *read_file(const char *path, long *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = ftell(file);
    rewind(file);
    char *bytes = malloc((size_t)*size + 1);
    assert_int_equal(fread(bytes, 1, (size_t)*size, file), *size);
    fclose(file);
    return bytes;
}

/* Refused, with every byte, the mode and the folder as they were. */
static void assert_left_alone(struct place *place)
{
    char name[600];
    struct stat before, after;
    long size, left;
    size_t files = find_files(place, "", name);
    assert_int_equal(stat(place->path, &before), 0);
    char *bytes = read_file(place->path, &size);
    assert_refused(place, "not a state file of this program");
    char *still = read_file(place->path, &left);
    assert_int_equal(left, size);
    assert_memory_equal(still, bytes, (size_t)size);
    free(bytes);
    free(still);
    assert_int_equal(stat(place->path, &after), 0);
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    assert_int_equal(find_files(place, "", name), files);
}

static void test_a_file_that_is_not_ours_is_left_alone(void **state)
{
    static const char *const databases[] = {
        "CREATE TABLE bookmark(x); INSERT INTO bookmark VALUES(7)",
        "CREATE TABLE bookmark(x); PRAGMA user_version=1",
        "CREATE TABLE binding(id INTEGER, book TEXT)",
        "CREATE TABLE bookmark(x); PRAGMA user_version=2; PRAGMA journal_mode=WAL",
        "PRAGMA user_version=2",
        "PRAGMA application_id=5",
    };
    struct place *place = *state;
    for (size_t i = 0; i < sizeof databases / sizeof databases[0]; i++) {
        change(place->path, databases[i]);
        assert_left_alone(place);
        assert_int_equal(remove(place->path), 0);
    }
    write_text(place->path, "these are my memoirs, and they are longer than the header of a database, which has a "
                            "hundred bytes, so that nobody takes them for one");
    assert_left_alone(place);
    write_text(place->path, "short");
    assert_left_alone(place);
    write_text(place->path, "SQLite format 3");
    assert_left_alone(place);
}

/* Another program's database whose pages are in its log alone: its process was killed, or still runs. */
static void test_a_foreign_database_in_its_log_is_left_alone(void **state)
{
    struct place *place = *state;
    char from[320], to[320];
    sqlite3 *database;
    snprintf(from, sizeof from, "%s/open.db", place->directory);
    change(from, "PRAGMA journal_mode=WAL");
    assert_int_equal(sqlite3_open(from, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "CREATE TABLE bookmark(x)", NULL, NULL, NULL), SQLITE_OK);
    copy_file(from, place->path);
    snprintf(from, sizeof from, "%s/open.db-wal", place->directory);
    snprintf(to, sizeof to, "%s-wal", place->path);
    copy_file(from, to);
    sqlite3_close(database);
    assert_left_alone(place);
}

static void test_what_is_no_regular_file_is_left_alone(void **state)
{
    struct place *place = *state;
    struct stat status;
    assert_int_equal(mkfifo(place->path, 0600), 0);
    assert_refused(place, "not a state file of this program");
    assert_int_equal(lstat(place->path, &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    assert_int_equal(unlink(place->path), 0);
    assert_int_equal(mkdir(place->path, 0700), 0);
    assert_refused(place, "not a state file of this program");
    assert_int_equal(rmdir(place->path), 0);
}

static void test_an_empty_file_and_an_empty_database_are_taken(void **state)
{
    struct place *place = *state;
    write_text(place->path, "");
    assert_int_equal(open_place(place), 0);
    close_place(place);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM binding"), 0);
    assert_int_equal(remove(place->path), 0);
    change(place->path, "PRAGMA journal_mode=WAL"); /* as a kill in the first moments of format 1 left it */
    assert_int_equal(open_place(place), 0);
    close_place(place);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM binding"), 0);
}

static void test_a_later_version_is_refused(void **state)
{
    struct place *place = *state;
    char name[600];
    assert_int_equal(open_place(place), 0);
    close_place(place);
    change(place->path, "PRAGMA user_version=3");
    assert_refused(place, "later version (its format is 3, this version knows up to 2)");
    assert_int_equal(find_files(place, ".corrupt", name), 0);
}

static void test_a_file_with_a_damaged_header_is_still_ours(void **state)
{
    struct place *place = *state;
    char name[600];
    assert_int_equal(open_place(place), 0);
    close_place(place);
    FILE *file = fopen(place->path, "r+b");
    assert_non_null(file);
    fputs("SQLxxx", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(open_place(place), 0);
    close_place(place);
    assert_int_equal(find_files(place, ".corrupt-", name), 1);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM binding"), 0);
}

static void assert_private(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void assert_all_private(const struct place *place)
{
    char path[700];
    DIR *directory = opendir(place->directory);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", place->directory, entry->d_name);
        if (entry->d_name[0] != '.')
            assert_private(path);
    }
    closedir(directory);
}

static void test_nobody_else_reads_a_state_file(void **state)
{
    struct place *place = *state;
    char name[600];
    mode_t old_mask = umask(0);
    assert_int_equal(open_place(place), 0);
    assert_true(find_files(place, "state.db-wal", name) == 1);
    assert_all_private(place);
    close_place(place);
    assert_int_equal(chmod(place->path, 0644), 0);
    assert_int_equal(open_place(place), 0);
    assert_all_private(place);
    assert_int_equal(place->fake.logged[LOG_NOTICE], 1);
    close_place(place);
    place_clear(place);
    place_old(place); /* its copy of format 1 is private too */
    assert_int_equal(chmod(place->path, 0664), 0);
    assert_int_equal(open_place(place), 0);
    assert_all_private(place);
    close_place(place);
    umask(old_mask);
}

static void test_a_damaged_file_of_format_1_is_set_aside(void **state)
{
    struct place *place = *state;
    char name[600];
    place_old(place);
    FILE *file = fopen(place->path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, PAGE + 8, SEEK_SET), 0);
    for (int i = 0; i < PAGE - 8; i++)
        fputc(0xA5, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(open_place(place), 0);
    close_place(place);
    assert_int_equal(place->fake.logged[LOG_ERROR], 1);
    assert_int_equal(find_files(place, ".corrupt-", name), 1);
    assert_int_equal(find_files(place, ".v1", name), 0);
    assert_int_equal(number_in(place->path, "SELECT count(*) FROM binding"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_file_has_the_present_format_and_no_copy),
        TEST(test_a_file_of_format_1_is_copied_and_migrated_once),
        TEST(test_what_a_kill_left_is_copied_and_migrated_with_its_log),
        TEST(test_an_end_between_table_and_version_is_format_1),
        TEST(test_the_contact_tells_what_connection_it_was),
        TEST(test_a_copy_that_is_there_already_is_used_again),
        TEST(test_a_file_under_the_name_of_the_copy_is_never_overwritten),
        TEST(test_no_name_is_left_for_the_copy),
        TEST(test_a_copy_that_cannot_be_made_leaves_the_file_as_it_was),
        TEST(test_a_full_disk_leaves_the_file_as_it_was),
        TEST(test_a_migration_that_fails_leaves_the_file_as_it_was),
        TEST(test_a_kill_at_any_opcode_leaves_the_old_file_or_the_new),
        TEST(test_a_kill_at_any_write_leaves_the_old_file_or_the_new),
        TEST(test_a_file_that_is_not_ours_is_left_alone),
        TEST(test_a_foreign_database_in_its_log_is_left_alone),
        TEST(test_what_is_no_regular_file_is_left_alone),
        TEST(test_an_empty_file_and_an_empty_database_are_taken),
        TEST(test_a_later_version_is_refused),
        TEST(test_a_file_with_a_damaged_header_is_still_ours),
        TEST(test_nobody_else_reads_a_state_file),
        TEST(test_a_damaged_file_of_format_1_is_set_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
