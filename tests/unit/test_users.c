// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "standalone/auth/users.h"
#include "standalone/auth/users_file.h"

/* The users of a running server: what it finds, how it sees changes, and what it does without a readable file. */

struct place {
    struct fake_host fake;
    char directory[256], path[300], other[300], error[512];
    sqlite3 *writer;
    struct users *users;
};

static sqlite3 *open_writer(struct place *place, const char *path)
{
    sqlite3 *database = NULL;
    assert_int_equal(users_file_open(&database, path, USERS_CREATE, 0, place->error, sizeof place->error), 0);
    return database;
}

static void add(struct place *place, sqlite3 *database, const char *aor, const char *password)
{
    struct users_secrets secrets;
    assert_int_equal(users_secrets_create(&secrets, aor, text_of(password)), 0);
    assert_int_equal(users_file_add(database, aor, &secrets, place->error, sizeof place->error), 0);
}

static void execute(sqlite3 *database, const char *statements)
{
    assert_int_equal(sqlite3_exec(database, statements, NULL, NULL, NULL), SQLITE_OK);
}

static int place_setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    fake_host_create(&place->fake);
    temporary_path(place->directory, sizeof place->directory, "reflow-users-XXXXXX");
    *state = place;
    if (mkdtemp(place->directory) == NULL)
        return -1;
    snprintf(place->path, sizeof place->path, "%s/users.db", place->directory);
    snprintf(place->other, sizeof place->other, "%s/other.db", place->directory);
    place->writer = open_writer(place, place->path);
    add(place, place->writer, "alice@example.com", "secret");
    return 0;
}

static int place_teardown(void **state)
{
    struct place *place = *state;
    static const char *const endings[] = {"", "-journal", "-wal", "-shm"};
    char path[320];
    users_delete(place->users);
    sqlite3_close(place->writer);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        snprintf(path, sizeof path, "%s%s", place->path, endings[i]);
        unlink(path);
        snprintf(path, sizeof path, "%s%s", place->other, endings[i]);
        unlink(path);
    }
    assert_int_equal(place->fake.allocated, 0);
    int removed = rmdir(place->directory);
    free(place);
    return removed;
}

static void start(struct place *place)
{
    assert_int_equal(
        users_new(&place->users, &place->fake.host, place->path, AOR_ANY_CASE, place->error, sizeof place->error), 0);
}

static int find(struct place *place, const char *user, const char *realm, char ha1[HA1_SIZE])
{
    return users_find(place->users, text_of(user), text_of(realm), AUTH_SHA256, ha1);
}

static void assert_finds(struct place *place, const char *user, int result)
{
    char ha1[HA1_SIZE];
    assert_int_equal(find(place, user, "example.com", ha1), result);
}

static void test_ha1_is_found_by_the_user_part_and_by_the_whole_aor(void **state)
{
    struct place *place = *state;
    struct users_secrets secrets;
    static const char *const users[USERS_NAMES] = {"alice", "alice@example.com"};
    users_secrets_create(&secrets, "alice@example.com", TEXT("secret"));
    start(place);
    for (int algorithm = 0; algorithm < AUTH_ALGORITHMS; algorithm++) {
        for (int name = 0; name < USERS_NAMES; name++) {
            char ha1[HA1_SIZE];
            assert_int_equal(users_find(place->users, text_of(users[name]), TEXT("example.com"), algorithm, ha1), 1);
            assert_string_equal(ha1, secrets.ha1[algorithm][name]);
            assert_true(users_ha1_is_valid(algorithm, text_of(ha1)));
        }
    }
    /* Of "Mufasa:http-auth:Circle of Life", computed by md5sum. */
    users_secrets_create(&secrets, "Mufasa@http-auth", TEXT("Circle of Life"));
    assert_string_equal(secrets.ha1[AUTH_MD5][USERS_USER_PART], "515a60ce2ae87d6f98c9ca15fa8996a7");
}

static void test_other_names_are_no_user(void **state)
{
    struct place *place = *state;
    char ha1[HA1_SIZE], longest[4000];
    static const struct {
        const char *user, *realm;
    } rows[] = {{"", "example.com"},
                {"alice", ""},
                {"@example.com", "example.com"},
                {"alice@", "example.com"},
                {"alice@other.example", "example.com"},
                {"alice@example.com@example.com", "example.com"},
                {"Alice", "example.com"},
                {"alice", "example.org"},
                {"al\xc3\xadice", "example.com"},
                {"alice' OR '1'='1", "example.com"},
                {"%", "example.com"},
                {"alice@EXAMPLE.COM", "example.com"}};
    start(place);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(find(place, rows[i].user, rows[i].realm, ha1), 0);
    memset(longest, 'a', sizeof longest);
    assert_int_equal(
        users_find(place->users, (struct text){longest, sizeof longest}, TEXT("example.com"), AUTH_MD5, ha1), 0);
    assert_int_equal(users_find(place->users, (struct text){"alice\0x", 7}, TEXT("example.com"), AUTH_MD5, ha1), 0);
    assert_int_equal(place->fake.logged[LOG_ERROR], 0);
}

static void test_5954_4_a_the_realm_of_an_ipv6_domain_has_no_brackets(void **state)
{
    struct place *place = *state;
    char ha1[HA1_SIZE];
    add(place, place->writer, "bob@[2001:db8::1]", "secret");
    start(place);
    assert_int_equal(find(place, "bob", "2001:db8::1", ha1), 1);
    assert_int_equal(find(place, "bob@[2001:db8::1]", "2001:db8::1", ha1), 1);
    assert_int_equal(find(place, "bob", "2001:db8::2", ha1), 0);
}

static void test_a_change_counts_at_once(void **state)
{
    struct place *place = *state;
    start(place);
    assert_finds(place, "bob", 0);
    add(place, place->writer, "bob@example.com", "secret");
    assert_finds(place, "bob", 1);
    assert_int_equal(users_file_remove(place->writer, "bob@example.com", place->error, sizeof place->error), 0);
    assert_finds(place, "bob", 0);
}

/* --- secrets in memory --- */

static void assert_recalls(struct place *place, const char *user, int result)
{
    char found[HA1_SIZE] = "", recalled[HA1_SIZE] = "";
    assert_int_equal(users_recall(place->users, text_of(user), TEXT("example.com"), AUTH_SHA256, recalled), result);
    if (result == 1) {
        find(place, user, "example.com", found);
        assert_string_equal(recalled, found);
    }
}

static void replace(struct place *place, const char *aor, const char *password)
{
    struct users_secrets secrets;
    assert_int_equal(users_secrets_create(&secrets, aor, text_of(password)), 0);
    assert_int_equal(users_file_replace(place->writer, aor, &secrets, place->error, sizeof place->error), 0);
}

static void test_a_secret_is_kept_once_it_was_found(void **state)
{
    struct place *place = *state;
    char ha1[HA1_SIZE];
    start(place);
    assert_recalls(place, "alice", 0);
    assert_finds(place, "alice", 1);
    assert_recalls(place, "alice", 1);
    /* Another name of the user, and another algorithm, have other secrets. */
    assert_recalls(place, "alice@example.com", 0);
    assert_int_equal(users_recall(place->users, TEXT("alice"), TEXT("example.com"), AUTH_MD5, ha1), 0);
    assert_int_equal(users_recall(place->users, TEXT("alice"), TEXT("example.org"), AUTH_SHA256, ha1), 0);
    assert_finds(place, "alice@example.com", 1);
    assert_recalls(place, "alice@example.com", 1);
    assert_finds(place, "nobody", 0);
    assert_recalls(place, "nobody", 0);
    fake_host_advance(&place->fake, 3600000);
    assert_recalls(place, "alice", 1);
}

static void test_a_kept_secret_goes_within_a_second_of_a_change(void **state)
{
    struct place *place = *state;
    add(place, place->writer, "bob@example.com", "secret");
    start(place);
    assert_finds(place, "alice", 1);
    assert_finds(place, "bob", 1);
    assert_int_equal(users_file_remove(place->writer, "bob@example.com", place->error, sizeof place->error), 0);
    fake_host_advance(&place->fake, 1000);
    assert_recalls(place, "bob", 0);
    assert_recalls(place, "alice", 0);
    assert_finds(place, "alice", 1);
    replace(place, "alice@example.com", "changed");
    /* Whoever looks the new password up replaces the old one at once. */
    assert_finds(place, "alice", 1);
    assert_recalls(place, "alice", 1);
    assert_int_equal(users_file_remove(place->writer, "alice@example.com", place->error, sizeof place->error), 0);
    assert_finds(place, "alice", 0);
    assert_recalls(place, "alice", 0);
}

/* The log of a WAL is another file, so that the users file itself does not change. */
static void test_a_change_in_a_write_ahead_log_is_seen(void **state)
{
    struct place *place = *state;
    add(place, place->writer, "bob@example.com", "secret");
    execute(place->writer, "PRAGMA journal_mode=WAL");
    start(place);
    assert_finds(place, "bob", 1);
    fake_host_advance(&place->fake, 1000);
    assert_recalls(place, "bob", 1);
    assert_int_equal(users_file_remove(place->writer, "bob@example.com", place->error, sizeof place->error), 0);
    fake_host_advance(&place->fake, 1000);
    assert_recalls(place, "bob", 0);
    assert_finds(place, "bob", 0);
}

static void test_no_secret_is_kept_of_a_file_that_cannot_be_read(void **state)
{
    struct place *place = *state;
    start(place);
    assert_finds(place, "alice", 1);
    execute(place->writer, "BEGIN EXCLUSIVE");
    fake_host_advance(&place->fake, 1000);
    assert_recalls(place, "alice", 0);
    assert_finds(place, "alice", -EAGAIN);
    execute(place->writer, "ROLLBACK");
    assert_finds(place, "alice", 1);
    assert_recalls(place, "alice", 1);
    assert_int_equal(rename(place->path, place->other), 0);
    fake_host_advance(&place->fake, 1000);
    assert_recalls(place, "alice", 0);
    assert_int_equal(rename(place->other, place->path), 0);
    users_reopen(place->users);
    assert_recalls(place, "alice", 0);
    assert_finds(place, "alice", 1);
}

/* --- who was removed --- */

static void note_removed(void *context, const char *aor)
{
    char *list = context;
    size_t length = strlen(list);
    snprintf(list + length, 256 - length, "%s ", aor);
}

/* What is reported within two seconds. */
static void assert_removed(struct place *place, const char *expected)
{
    char list[256] = "";
    for (unsigned ms = 0; ms < 2000;) {
        unsigned wait = users_watch(place->users, note_removed, list);
        assert_in_range(wait, 1, 1000);
        fake_host_advance(&place->fake, wait);
        ms += wait;
    }
    assert_string_equal(list, expected);
}

static void test_who_was_removed_is_reported_once(void **state)
{
    struct place *place = *state;
    add(place, place->writer, "Bob@example.com", "secret");
    add(place, place->writer, "carol@example.com", "secret");
    start(place);
    assert_removed(place, "");
    assert_int_equal(users_file_remove(place->writer, "Bob@example.com", place->error, sizeof place->error), 0);
    assert_removed(place, "Bob@example.com ");
    assert_removed(place, "");
    add(place, place->writer, "dave@example.com", "secret");
    replace(place, "carol@example.com", "changed");
    assert_removed(place, "");
    /* Another file in its place. */
    sqlite3 *other = open_writer(place, place->other);
    add(place, other, "carol@example.com", "secret");
    sqlite3_close(other);
    assert_int_equal(rename(place->other, place->path), 0);
    assert_removed(place, "alice@example.com dave@example.com ");
}

static void test_who_was_removed_between_the_start_and_the_first_look(void **state)
{
    struct place *place = *state;
    start(place);
    assert_int_equal(users_file_remove(place->writer, "alice@example.com", place->error, sizeof place->error), 0);
    assert_removed(place, "alice@example.com ");
}

/* The list has not been read meanwhile. */
static void test_who_was_added_and_removed_between_two_looks(void **state)
{
    struct place *place = *state;
    start(place);
    assert_removed(place, "");
    add(place, place->writer, "Zoe@example.com", "secret");
    assert_finds(place, "Zoe", 1);
    assert_int_equal(users_file_remove(place->writer, "Zoe@example.com", place->error, sizeof place->error), 0);
    assert_removed(place, "Zoe@example.com ");
    assert_removed(place, "");
}

static void test_nobody_is_removed_by_a_file_that_cannot_be_read(void **state)
{
    struct place *place = *state;
    start(place);
    execute(place->writer, "BEGIN EXCLUSIVE; DELETE FROM user");
    assert_removed(place, "");
    execute(place->writer, "ROLLBACK");
    assert_removed(place, "");
    assert_int_equal(rename(place->path, place->other), 0);
    assert_removed(place, "");
    assert_int_equal(place->fake.logged[LOG_ERROR], 1);
    assert_int_equal(rename(place->other, place->path), 0);
    assert_removed(place, "");
    assert_non_null(strstr(place->fake.last_log, "it can be read again"));
    assert_int_equal(users_file_remove(place->writer, "alice@example.com", place->error, sizeof place->error), 0);
    assert_removed(place, "alice@example.com ");
}

/* As a copy over it leaves it when the disk is full. The rest of the last page is read as zeros. */
static void test_nobody_is_removed_by_a_file_that_ends_within_a_page(void **state)
{
    struct place *place = *state;
    struct stat status;
    start(place);
    sqlite3_close(place->writer);
    place->writer = NULL;
    assert_int_equal(stat(place->path, &status), 0);
    for (off_t size = status.st_size - 1; size > 0; size -= 500) {
        assert_int_equal(truncate(place->path, size), 0);
        assert_removed(place, "");
    }
    assert_int_not_equal(place->fake.logged[LOG_ERROR], 0);
}

static void test_a_long_list_is_read_in_slices(void **state)
{
    struct place *place = *state;
    execute(place->writer, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<5000) "
                           "INSERT INTO user SELECT printf('u%05d@example.com', i), '', '', '', '', '', '' FROM n");
    start(place);
    execute(place->writer, "DELETE FROM user WHERE aor IN ('u00001@example.com', 'u04999@example.com')");
    assert_removed(place, "u00001@example.com u04999@example.com ");
}

/* --- reading takes no time --- */

static const char endless[] =
    "DROP TABLE user;"
    "CREATE VIEW user AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT 'u'||i AS aor,"
    "'' AS sha256, '' AS sha256_aor, '' AS sha512_256, '' AS sha512_256_aor, '' AS md5, '' AS md5_aor FROM n";

static void test_an_endless_view_ends(void **state)
{
    struct place *place = *state;
    start(place);
    assert_finds(place, "alice", 1);
    execute(place->writer, endless);
    assert_finds(place, "alice", -EIO);
    assert_non_null(strstr(place->fake.last_log, "reading it takes too long"));
    assert_non_null(strstr(place->fake.last_log, "requests that need it get 503"));
    for (int i = 0; i < 20; i++) {
        fake_host_advance(&place->fake, 100);
        assert_finds(place, "alice", -EIO);
        assert_recalls(place, "alice", 0);
    }
    assert_removed(place, "");
    assert_int_equal(place->fake.logged[LOG_ERROR], 1);
    execute(place->writer, "DROP VIEW user");
    sqlite3_close(place->writer);
    unlink(place->path);
    place->writer = open_writer(place, place->path);
    add(place, place->writer, "alice@example.com", "secret");
    fake_host_advance(&place->fake, 1000);
    assert_finds(place, "alice", 1);
    assert_non_null(strstr(place->fake.last_log, "it can be read again"));
}

static void test_one_step_makes_no_huge_value(void **state)
{
    struct place *place = *state;
    start(place);
    execute(place->writer, "DROP TABLE user;"
                           "CREATE VIEW user AS SELECT 'alice@example.com' AS aor, hex(zeroblob(400000000)) AS sha256,"
                           "'' AS sha256_aor, '' AS sha512_256, '' AS sha512_256_aor, '' AS md5, '' AS md5_aor");
    assert_finds(place, "alice", -EIO);
    assert_non_null(strstr(place->fake.last_log, "too big"));
}

/* So many that memory or the disk would be full long before the steps are used up. */
static void test_an_endless_view_of_long_rows_ends(void **state)
{
    struct place *place = *state;
    struct users *users = NULL;
    start(place);
    execute(place->writer, "DROP TABLE user;"
                           "CREATE VIEW user AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) "
                           "SELECT i||hex(zeroblob(10000)) AS aor, '' AS sha256, '' AS sha256_aor, '' AS sha512_256,"
                           "'' AS sha512_256_aor, '' AS md5, '' AS md5_aor FROM n");
    assert_finds(place, "alice", -EIO);
    assert_non_null(strstr(place->fake.last_log, "too big"));
    assert_removed(place, "");
    assert_int_equal(users_new(&users, &place->fake.host, place->path, AOR_ANY_CASE, place->error, sizeof place->error),
                     -EIO);
    assert_non_null(strstr(place->error, "too big"));
}

static void test_a_file_that_is_replaced_is_read_within_a_second(void **state)
{
    struct place *place = *state;
    start(place);
    assert_finds(place, "alice", 1);
    sqlite3 *other = open_writer(place, place->other);
    add(place, other, "carol@example.com", "secret");
    sqlite3_close(other);
    assert_int_equal(rename(place->other, place->path), 0);
    fake_host_advance(&place->fake, 1000);
    assert_finds(place, "carol", 1);
    assert_finds(place, "alice", 0);
}

static void test_a_file_that_is_written_over_in_place_is_read_within_a_second(void **state)
{
    struct place *place = *state;
    start(place);
    assert_finds(place, "alice", 1);
    sqlite3_close(place->writer);
    place->writer = NULL;
    sqlite3 *other = open_writer(place, place->other);
    add(place, other, "carol@example.com", "secret");
    sqlite3_close(other);
    char command[700];
    snprintf(command, sizeof command, "cat '%s' >'%s'", place->other, place->path);
    assert_int_equal(system(command), 0);
    fake_host_advance(&place->fake, 1000);
    char ha1[HA1_SIZE];
    find(place, "carol", "example.com", ha1); /* may notice damage, and opens anew at the next look */
    fake_host_advance(&place->fake, 1000);
    assert_finds(place, "carol", 1);
}

static void test_a_vanished_file_is_unknown_until_it_is_back(void **state)
{
    struct place *place = *state;
    start(place);
    assert_int_equal(rename(place->path, place->other), 0);
    fake_host_advance(&place->fake, 1000);
    for (int i = 0; i < 100; i++)
        assert_finds(place, "alice", -ENOENT);
    assert_int_equal(place->fake.logged[LOG_ERROR], 1);
    assert_non_null(strstr(place->fake.last_log, "No such file or directory; requests that need it get 503"));
    fake_host_advance(&place->fake, 60000);
    assert_finds(place, "alice", -ENOENT);
    assert_int_equal(place->fake.logged[LOG_ERROR], 2);
    assert_int_equal(rename(place->other, place->path), 0);
    fake_host_advance(&place->fake, 1000);
    assert_finds(place, "alice", 1);
    assert_non_null(strstr(place->fake.last_log, "it can be read again"));
}

static void test_a_locked_file_is_unknown_until_it_is_free(void **state)
{
    struct place *place = *state;
    start(place);
    assert_finds(place, "alice", 1);
    execute(place->writer, "BEGIN EXCLUSIVE");
    for (int i = 0; i < 100; i++)
        assert_finds(place, "alice", -EAGAIN);
    assert_int_equal(place->fake.logged[LOG_ERROR], 1);
    assert_non_null(strstr(place->fake.last_log, "another process has locked it"));
    execute(place->writer, "ROLLBACK");
    assert_finds(place, "alice", 1);
    assert_int_equal(place->fake.logged[LOG_NOTICE], 1);
}

static void test_a_reader_does_not_keep_a_writer_waiting(void **state)
{
    struct place *place = *state;
    start(place);
    assert_finds(place, "alice", 1);
    execute(place->writer, "BEGIN EXCLUSIVE; COMMIT");
    assert_finds(place, "alice", 1);
}

static void test_a_damaged_file_is_unknown_until_it_is_repaired(void **state)
{
    struct place *place = *state;
    start(place);
    assert_finds(place, "alice", 1);
    sqlite3_close(place->writer);
    place->writer = NULL;
    FILE *file = fopen(place->path, "r+b");
    assert_non_null(file);
    for (int i = 0; i < 8192; i++)
        fputc(0xff, file);
    fclose(file);
    char ha1[HA1_SIZE];
    fake_host_advance(&place->fake, 1000);
    assert_true(find(place, "alice", "example.com", ha1) < 0);
    for (int i = 0; i < 100; i++)
        assert_true(find(place, "alice", "example.com", ha1) < 0);
    assert_true(place->fake.logged[LOG_ERROR] <= 2);
    unlink(place->path);
    sqlite3_close(open_writer(place, place->path));
    fake_host_advance(&place->fake, 1000);
    assert_finds(place, "alice", 0);
}

static void test_a_hash_of_another_form_is_no_secret(void **state)
{
    struct place *place = *state;
    execute(place->writer, "UPDATE user SET sha256='ABC'");
    start(place);
    assert_finds(place, "alice", -EIO);
    assert_finds(place, "bob", 0);
    assert_finds(place, "alice@example.com", 1);
}

static void test_an_interrupted_change_is_rolled_back(void **state)
{
    struct place *place = *state;
    char journal[320], kept[320], command[1300];
    start(place);
    snprintf(journal, sizeof journal, "%s-journal", place->path);
    snprintf(kept, sizeof kept, "%s-journal", place->other);
    /* The journal of a change in progress and the database in its middle, as a power cut leaves them. */
    execute(place->writer, "PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN IMMEDIATE;");
    for (int i = 0; i < 200; i++) {
        char aor[64];
        snprintf(aor, sizeof aor, "user%03d@example.com", i);
        add(place, place->writer, aor, "secret");
    }
    snprintf(command, sizeof command, "cp '%s' '%s' && cp '%s' '%s'", place->path, place->other, journal, kept);
    assert_int_equal(system(command), 0);
    execute(place->writer, "ROLLBACK");
    assert_int_equal(rename(place->other, place->path), 0);
    assert_int_equal(rename(kept, journal), 0);
    fake_host_advance(&place->fake, 1000);
    assert_finds(place, "alice", 1);
    assert_finds(place, "user001", 0);
}

static void assert_refused(struct place *place, const char *why)
{
    struct users *users = NULL;
    assert_true(users_new(&users, &place->fake.host, place->path, AOR_ANY_CASE, place->error, sizeof place->error) < 0);
    assert_non_null(strstr(place->error, place->path));
    assert_non_null(strstr(place->error, why));
    assert_null(users);
}

static void test_what_is_no_users_file_is_refused_at_the_start(void **state)
{
    struct place *place = *state;
    execute(place->writer, "PRAGMA user_version=7");
    assert_refused(place, "its format is 7, this version reads format 1");
    execute(place->writer, "PRAGMA user_version=1; DROP TABLE user");
    assert_refused(place, "it does not have the table of a users file");
    execute(place->writer, "PRAGMA application_id=1");
    assert_refused(place, "it is not a users file");
    sqlite3_close(place->writer);
    place->writer = NULL;
    assert_int_equal(truncate(place->path, 0), 0);
    assert_refused(place, "it is empty");
    unlink(place->path);
    assert_refused(place, "No such file or directory; reflow user add creates it");
}

static void test_an_endless_view_is_refused_at_the_start(void **state)
{
    static const enum aor_case cases[] = {AOR_ANY_CASE, AOR_CASE_SENSITIVE};
    struct place *place = *state;
    execute(place->writer, endless);
    for (size_t i = 0; i < 2; i++) {
        struct users *users = NULL;
        assert_int_equal(users_new(&users, &place->fake.host, place->path, cases[i], place->error, sizeof place->error),
                         -EIO);
        assert_non_null(strstr(place->error, "reading it takes too long"));
        assert_null(users);
    }
}

static void test_users_that_differ_only_in_case_are_refused_at_the_start(void **state)
{
    struct place *place = *state;
    struct users *users = NULL;
    add(place, place->writer, "ALICE@example.com", "other");
    assert_refused(place, "ALICE@example.com and alice@example.com differ only in case");
    assert_int_equal(
        users_new(&users, &place->fake.host, place->path, AOR_CASE_SENSITIVE, place->error, sizeof place->error), 0);
    users_delete(users);
}

static void test_a_mode_that_lets_others_read_is_logged(void **state)
{
    struct place *place = *state;
    start(place);
    assert_int_equal(place->fake.logged[LOG_WARNING], 0);
    users_delete(place->users);
    assert_int_equal(chmod(place->path, 0644), 0);
    start(place);
    assert_int_equal(place->fake.logged[LOG_WARNING], 1);
    assert_non_null(strstr(place->fake.last_log, "its mode is 644"));
}

static void test_no_memory_is_no_user(void **state)
{
    struct place *place = *state;
    struct users *users = NULL;
    place->fake.fail_after = place->fake.calls + 1;
    assert_int_equal(users_new(&users, &place->fake.host, place->path, AOR_ANY_CASE, place->error, sizeof place->error),
                     -ENOMEM);
    assert_null(users);
    place->fake.fail_after = 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, place_setup, place_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_ha1_is_found_by_the_user_part_and_by_the_whole_aor),
        TEST(test_other_names_are_no_user),
        TEST(test_5954_4_a_the_realm_of_an_ipv6_domain_has_no_brackets),
        TEST(test_a_change_counts_at_once),
        TEST(test_a_secret_is_kept_once_it_was_found),
        TEST(test_a_kept_secret_goes_within_a_second_of_a_change),
        TEST(test_a_change_in_a_write_ahead_log_is_seen),
        TEST(test_no_secret_is_kept_of_a_file_that_cannot_be_read),
        TEST(test_who_was_removed_is_reported_once),
        TEST(test_who_was_removed_between_the_start_and_the_first_look),
        TEST(test_who_was_added_and_removed_between_two_looks),
        TEST(test_nobody_is_removed_by_a_file_that_cannot_be_read),
        TEST(test_nobody_is_removed_by_a_file_that_ends_within_a_page),
        TEST(test_a_long_list_is_read_in_slices),
        TEST(test_an_endless_view_ends),
        TEST(test_one_step_makes_no_huge_value),
        TEST(test_an_endless_view_of_long_rows_ends),
        TEST(test_a_file_that_is_replaced_is_read_within_a_second),
        TEST(test_a_file_that_is_written_over_in_place_is_read_within_a_second),
        TEST(test_a_vanished_file_is_unknown_until_it_is_back),
        TEST(test_a_locked_file_is_unknown_until_it_is_free),
        TEST(test_a_reader_does_not_keep_a_writer_waiting),
        TEST(test_a_damaged_file_is_unknown_until_it_is_repaired),
        TEST(test_a_hash_of_another_form_is_no_secret),
        TEST(test_an_interrupted_change_is_rolled_back),
        TEST(test_what_is_no_users_file_is_refused_at_the_start),
        TEST(test_an_endless_view_is_refused_at_the_start),
        TEST(test_users_that_differ_only_in_case_are_refused_at_the_start),
        TEST(test_a_mode_that_lets_others_read_is_logged),
        TEST(test_no_memory_is_no_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
