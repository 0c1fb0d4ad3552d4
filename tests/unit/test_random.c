// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/plain_host.h"
#include "base/random.h"
#include "flow/token.h"
#include "standalone/serve/serve.h"

/* A system whose random numbers fail, or come in pieces. */
static struct {
    int error;       /* what every call sets errno to; 0: it succeeds */
    int interrupted; /* so many calls are interrupted by a signal first */
    size_t most;     /* bytes of one call */
    unsigned char next;
    unsigned calls;
} fake;

ssize_t getrandom(void *out, size_t size, unsigned flags)
{
    (void)flags;
    fake.calls++;
    if (fake.interrupted > 0 || fake.error != 0) {
        errno = fake.interrupted-- > 0 ? EINTR : fake.error;
        return -1;
    }
    if (fake.most != 0 && size > fake.most)
        size = fake.most;
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)out)[i] = ++fake.next;
    return (ssize_t)size;
}

static void set_fake(int error, int interrupted, size_t most)
{
    fake.error = error;
    fake.interrupted = interrupted;
    fake.most = most;
    fake.next = 0;
}

static void test_pieces_fill_the_whole(void **state)
{
    (void)state;
    unsigned char bytes[5] = {0};
    set_fake(0, 3, 2);
    assert_int_equal(random_fill(bytes, sizeof bytes), 0);
    assert_memory_equal(bytes, "\1\2\3\4\5", sizeof bytes);
    set_fake(0, 0, 0);
    assert_int_equal(plain_random(NULL), 0x04030201);
}

static void test_a_failure_is_an_error(void **state)
{
    (void)state;
    unsigned char byte;
    set_fake(ENOSYS, 1, 0);
    assert_int_equal(random_fill(&byte, sizeof byte), -ENOSYS);
    set_fake(EIO, 0, 0);
    assert_int_equal(random_fill(&byte, sizeof byte), -EIO);
}

static void test_no_number_without_randomness(void **state)
{
    (void)state;
    int status;
    set_fake(ENOSYS, 0, 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        plain_random(NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static uint32_t take(struct random_pool *pool)
{
    uint32_t number = 0;
    assert_int_equal(random_pool_take(pool, &number), 0);
    return number;
}

/* The fake source counts bytes, so all words of 64 of its numbers differ. */
static void test_a_pool_gives_each_number_once(void **state)
{
    enum { NUMBERS = 64 };
    (void)state;
    struct random_pool pool;
    uint32_t taken[NUMBERS];
    set_fake(0, 0, 0);
    random_pool_create(&pool);
    assert_non_null(pool.page);
    for (size_t i = 0; i < NUMBERS; i++) {
        taken[i] = take(&pool);
        assert_int_not_equal(taken[i], 0);
        for (size_t earlier = 0; earlier < i; earlier++)
            assert_int_not_equal(taken[i], taken[earlier]);
    }
    random_pool_destroy(&pool);
    assert_null(pool.page);
}

/* The number of numbers until the source is asked again. */
static unsigned take_until_filled(struct random_pool *pool)
{
    unsigned taken = 0;
    for (fake.calls = 0; fake.calls == 0; taken++)
        take(pool);
    return taken;
}

static void test_a_pool_is_filled_again_and_erased(void **state)
{
    (void)state;
    struct random_pool pool;
    set_fake(0, 0, 0);
    random_pool_create(&pool);
    assert_int_equal(take_until_filled(&pool), 1);
    unsigned size = take_until_filled(&pool);
    assert_in_range(size, 64, 1024);
    for (unsigned i = 1; i < size; i++)
        take(&pool);
    for (size_t i = 0; i < size * sizeof(uint32_t); i++)
        assert_int_equal(((const char *)pool.page)[i], 0);
    random_pool_destroy(&pool);
}

/* What is left is given out, and then the failure shows, until there are numbers again. */
static void test_a_pool_without_randomness(void **state)
{
    (void)state;
    struct random_pool pool;
    uint32_t number;
    int error = 0, taken = 0;
    set_fake(0, 0, 0);
    random_pool_create(&pool);
    take(&pool);
    set_fake(ENOSYS, 0, 0);
    while (taken < 10000 && (error = random_pool_take(&pool, &number)) == 0)
        taken++;
    assert_in_range(taken, 1, 9999);
    assert_int_equal(error, -ENOSYS);
    assert_int_equal(random_pool_take(&pool, &number), -ENOSYS);
    set_fake(0, 0, 0);
    take(&pool);
    random_pool_destroy(&pool);
    random_pool_destroy(&pool);
}

static void test_a_child_takes_none_of_its_parent(void **state)
{
    (void)state;
    struct random_pool pool;
    uint32_t number;
    int status;
    set_fake(0, 0, 0);
    random_pool_create(&pool);
    take(&pool);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        set_fake(ENOSYS, 0, 0); /* so it can take only what is left from the parent */
        _exit(random_pool_take(&pool, &number) == -ENOSYS ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    take(&pool);
    random_pool_destroy(&pool);
}

static void test_no_key_without_randomness(void **state)
{
    (void)state;
    struct fake_host host;
    struct token_keys *keys = NULL;
    char error[320];
    fake_host_create(&host);
    set_fake(ENOSYS, 0, 0);
    assert_int_not_equal(token_keys_open(&keys, &host.host, NULL, error, sizeof error), 0);
    assert_null(keys);
    assert_int_equal(host.allocated, 0);
}

int luaopen_reflow(lua_State *L);

static void test_the_lua_module_does_not_load(void **state)
{
    (void)state;
    lua_State *L = luaL_newstate();
    set_fake(ENOSYS, 0, 0);
    lua_pushcfunction(L, luaopen_reflow);
    assert_int_equal(lua_pcall(L, 0, 1, 0), LUA_ERRRUN);
    assert_non_null(strstr(lua_tostring(L, -1), "cannot get random numbers"));
    lua_close(L);
}

static void test_the_server_does_not_start(void **state)
{
    (void)state;
    char name[] = "serve", script[] = "examples/registrar.lua", option[] = "--listen", address[] = "udp:127.0.0.1:5999";
    char *arguments[] = {name, script, option, address, NULL};
    char said[256] = "";
    FILE *file = tmpfile();
    int error_output = dup(STDERR_FILENO);
    assert_non_null(file);
    assert_true(error_output >= 0);
    set_fake(ENOSYS, 0, 0);
    dup2(fileno(file), STDERR_FILENO);
    int status = serve_main(4, arguments);
    dup2(error_output, STDERR_FILENO);
    close(error_output);
    rewind(file);
    assert_non_null(fgets(said, sizeof said, file));
    fclose(file);
    assert_string_equal(said, "reflow serve: cannot get random numbers: Function not implemented\n");
    assert_int_equal(status, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_fill_the_whole),         cmocka_unit_test(test_a_failure_is_an_error),
        cmocka_unit_test(test_no_number_without_randomness),  cmocka_unit_test(test_no_key_without_randomness),
        cmocka_unit_test(test_a_pool_gives_each_number_once), cmocka_unit_test(test_a_pool_is_filled_again_and_erased),
        cmocka_unit_test(test_a_pool_without_randomness),     cmocka_unit_test(test_a_child_takes_none_of_its_parent),
        cmocka_unit_test(test_the_lua_module_does_not_load),  cmocka_unit_test(test_the_server_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
