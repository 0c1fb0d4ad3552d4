// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "standalone/serve/serve_domains.h"

struct stand {
    struct fake_host fake;
    struct domains *domains;
    char path[64], error[256];
};

static int stand_setup(void **state)
{
    static struct stand stand;
    stand = (struct stand){.path = ""};
    temporary_path(stand.path, sizeof stand.path, "domains-XXXXXX");
    fake_host_create(&stand.fake);
    int file = mkstemp(stand.path);
    if (file < 0 || domains_new(&stand.domains, &stand.fake.host) != 0)
        return -1;
    close(file);
    *state = &stand;
    return 0;
}

static int stand_teardown(void **state)
{
    struct stand *stand = *state;
    domains_delete(stand->domains);
    unlink(stand->path);
    return stand->fake.allocated == 0 ? 0 : -1;
}

static void write_file(const struct stand *stand, const char *bytes, size_t length)
{
    FILE *file = fopen(stand->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static int read_file(struct stand *stand, const char *text)
{
    write_file(stand, text, strlen(text));
    return domains_add_file(stand->domains, stand->path, stand->error, sizeof stand->error);
}

static bool have(const struct stand *stand, const char *name)
{
    return domains_have(stand->domains, text_of(name));
}

static void test_names_are_equal_in_any_case_and_with_a_dot_at_the_end(void **state)
{
    struct stand *stand = *state;
    assert_int_equal(domains_add(stand->domains, TEXT("Example.COM.")), 0);
    assert_int_equal(domains_add(stand->domains, TEXT("example.com")), 0);
    assert_int_equal(domains_count(stand->domains), 1);
    assert_true(have(stand, "example.com") && have(stand, "EXAMPLE.com") && have(stand, "example.com."));
    assert_false(have(stand, "example.com.."));
    assert_false(have(stand, "www.example.com"));
    assert_false(have(stand, "example"));
    assert_false(have(stand, ""));
    assert_false(have(stand, "."));
    assert_false(domains_have(NULL, TEXT("example.com")));
}

static void test_5954_4_a_addresses_are_equal_by_value(void **state)
{
    struct stand *stand = *state;
    assert_int_equal(domains_add(stand->domains, TEXT("[2001:DB8::1]")), 0);
    assert_int_equal(domains_add(stand->domains, TEXT("192.0.2.1")), 0);
    assert_true(have(stand, "2001:db8:0:0::1") && have(stand, "[2001:db8::1]") && have(stand, "192.0.2.1"));
    assert_true(have(stand, "[::ffff:192.0.2.1]") && have(stand, "::FFFF:c000:201"));
    assert_false(have(stand, "2001:db8::2") || have(stand, "[::ffff:192.0.2.2]"));
}

static void test_what_is_no_host_name_is_refused(void **state)
{
    struct stand *stand = *state;
    char label[70], name[300];
    static const char *const bad[] = {
        "",    ".",         "..",        "a..b",     ".a",   "-a.example", "a b",     "a,b",
        "<a>", "bob@a.com", "sip:a.com", "a.com:80", "[::1", "::1]",       "[1.2.3]", "b\303\274cher.example",
        "a/b", "*.a.com"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (domains_add(stand->domains, text_of(bad[i])) != -EINVAL)
            fail_msg("\"%s\" was taken", bad[i]);
    }
    memset(label, 'a', sizeof label);
    assert_int_equal(domains_add(stand->domains, (struct text){label, 64}), -EINVAL);
    assert_int_equal(domains_add(stand->domains, (struct text){label, 63}), 0);
    for (size_t i = 0; i < sizeof name; i++)
        name[i] = i % 2 == 0 ? 'a' : '.';
    assert_int_equal(domains_add(stand->domains, (struct text){name, 255}), -EINVAL);
    assert_int_equal(domains_add(stand->domains, (struct text){name, 254}), 0); /* with the last dot */
    assert_int_equal(domains_add(stand->domains, TEXT("my_pbx-1.LOCAL")), 0);
    assert_int_equal(domains_count(stand->domains), 3);
    assert_false(domains_have(stand->domains, (struct text){name, sizeof name}));
}

static void test_there_are_at_most_4096(void **state)
{
    struct stand *stand = *state;
    char name[32];
    for (int i = 0; i < DOMAINS_MOST; i++) {
        snprintf(name, sizeof name, "d%d.example", i);
        assert_int_equal(domains_add(stand->domains, text_of(name)), 0);
    }
    assert_int_equal(domains_add(stand->domains, TEXT("one.more.example")), -ENOSPC);
    assert_int_equal(domains_add(stand->domains, TEXT("d17.example")), 0);
    for (int i = 0; i < DOMAINS_MOST; i++) {
        snprintf(name, sizeof name, "D%d.example", i);
        assert_true(have(stand, name));
    }
    assert_int_equal(read_file(stand, "\n# full\nd1.example\none.more.example\n"), -ENOSPC);
    assert_non_null(strstr(stand->error, "line 4: one.more.example: too many domains"));
}

static void test_a_file_has_a_name_on_each_line(void **state)
{
    struct stand *stand = *state;
    assert_int_equal(read_file(stand,
                               "# ours\r\n\r\na.example\r\n  b.example \t# the second\n\n\ta.example.\n#c.example\n"
                               "d.example"),
                     0);
    assert_int_equal(domains_count(stand->domains), 3);
    assert_true(have(stand, "a.example") && have(stand, "b.example") && have(stand, "d.example"));
    assert_false(have(stand, "c.example"));
    assert_int_equal(read_file(stand, ""), 0);
}

static void test_a_fault_is_named_with_its_line(void **state)
{
    struct stand *stand = *state;
    char line[1100];
    assert_int_equal(read_file(stand, "a.example\n# b\n\nnot a name\nc.example\n"), -EINVAL);
    assert_non_null(strstr(stand->error, "line 4: not a name: not a domain name"));
    assert_non_null(strstr(stand->error, stand->path));
    assert_null(strchr(stand->error, '\n'));
    write_file(stand, "a.example\nb\0c.example\n", 22);
    assert_int_equal(domains_add_file(stand->domains, stand->path, stand->error, sizeof stand->error), -EINVAL);
    assert_non_null(strstr(stand->error, "line 2: "));
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    assert_int_equal(read_file(stand, line), -E2BIG);
    assert_non_null(strstr(stand->error, "line 1: longer than"));
}

static void test_a_file_that_cannot_be_read(void **state)
{
    struct stand *stand = *state;
    assert_int_equal(domains_add_file(stand->domains, "/nonexistent/d", stand->error, sizeof stand->error), -ENOENT);
    assert_non_null(strstr(stand->error, "cannot open /nonexistent/d: No such file"));
    assert_int_equal(domains_add_file(stand->domains, "/tmp", stand->error, sizeof stand->error), -EINVAL);
    assert_non_null(strstr(stand->error, "cannot read /tmp: not a regular file"));
    assert_int_equal(domains_add_file(stand->domains, "/dev/zero", stand->error, sizeof stand->error), -EINVAL);
}

/* The server would wait for a writer, with all calls. */
static void test_a_pipe_is_not_waited_for(void **state)
{
    struct stand *stand = *state;
    assert_int_equal(unlink(stand->path), 0);
    assert_int_equal(mkfifo(stand->path, 0600), 0);
    alarm(30);
    assert_int_equal(domains_add_file(stand->domains, stand->path, stand->error, sizeof stand->error), -EINVAL);
    alarm(0);
    assert_non_null(strstr(stand->error, ": not a regular file"));
}

static void test_without_memory_nothing_is_half_done(void **state)
{
    struct stand *stand = *state;
    struct serve_options options = {.domains = {"a.example", "b.example"}, .domain_count = 2};
    options.domain_file = stand->path;
    write_file(stand, "c.example\n", 10);
    for (uint64_t call = 1; call < 20; call++) {
        struct domains *domains = NULL;
        stand->fake.fail_after = stand->fake.calls + call;
        int result = serve_domains_load(&domains, &stand->fake.host, &options, stand->error, sizeof stand->error);
        stand->fake.fail_after = 0;
        if (result == 0) {
            assert_int_equal(domains_count(domains), 3);
            assert_true(call > 4);
            domains_delete(domains);
            return;
        }
        assert_null(domains);
        assert_non_null(strstr(stand->error, "out of memory"));
    }
    fail_msg("not read with twenty allocations");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stand_setup, stand_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_names_are_equal_in_any_case_and_with_a_dot_at_the_end),
        TEST(test_5954_4_a_addresses_are_equal_by_value),
        TEST(test_what_is_no_host_name_is_refused),
        TEST(test_there_are_at_most_4096),
        TEST(test_a_file_has_a_name_on_each_line),
        TEST(test_a_fault_is_named_with_its_line),
        TEST(test_a_file_that_cannot_be_read),
        TEST(test_a_pipe_is_not_waited_for),
        TEST(test_without_memory_nothing_is_half_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
