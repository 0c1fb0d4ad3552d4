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
} fake;

ssize_t getrandom(void *out, size_t size, unsigned flags)
{
    (void)flags;
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
        cmocka_unit_test(test_pieces_fill_the_whole),        cmocka_unit_test(test_a_failure_is_an_error),
        cmocka_unit_test(test_no_number_without_randomness), cmocka_unit_test(test_no_key_without_randomness),
        cmocka_unit_test(test_the_lua_module_does_not_load), cmocka_unit_test(test_the_server_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
