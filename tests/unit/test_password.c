// SPDX-License-Identifier: BSD-2-Clause
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli/user/password.h"

/* The password at a terminal: asked for twice, without echo, and the echo is on again afterwards. */

enum { DEADLINE_MS = 60000 };

struct desk {
    int master;
    int result[2]; /* the child writes what it read, or the reason of the refusal */
    pid_t child;
    char screen[4096];
    size_t shown;
};

static _Noreturn void child_run(const char *terminal, int result)
{
    char buffer[PASSWORD_SIZE];
    struct text password;
    setsid(); /* the terminal becomes the controlling one, so that its keys raise signals */
    FILE *in = fopen(terminal, "r"), *err = fopen(terminal, "w");
    if (in == NULL || err == NULL)
        _exit(99);
    struct cli cli = {.in = in, .out = stdout, .err = err};
    const char *why = password_read(&cli, buffer, &password);
    dprintf(result, "%s%.*s", why != NULL ? "refused: " : "", why != NULL ? (int)strlen(why) : (int)password.length,
            why != NULL ? why : password.at);
    _exit(0);
}

static void desk_create(struct desk *desk)
{
    *desk = (struct desk){.master = posix_openpt(O_RDWR | O_NOCTTY)};
    assert_true(desk->master >= 0);
    assert_int_equal(grantpt(desk->master), 0);
    assert_int_equal(unlockpt(desk->master), 0);
    assert_int_equal(pipe(desk->result), 0);
    char *terminal = ptsname(desk->master);
    assert_non_null(terminal);
    desk->child = fork();
    assert_true(desk->child >= 0);
    if (desk->child == 0)
        child_run(terminal, desk->result[1]);
    close(desk->result[1]);
}

/* Reads the screen until it shows the text. */
static void desk_await(struct desk *desk, const char *text)
{
    while (strstr(desk->screen, text) == NULL) {
        struct pollfd ready = {.fd = desk->master, .events = POLLIN};
        assert_true(desk->shown + 1 < sizeof desk->screen);
        assert_int_equal(poll(&ready, 1, DEADLINE_MS), 1);
        ssize_t got = read(desk->master, desk->screen + desk->shown, sizeof desk->screen - 1 - desk->shown);
        assert_true(got > 0);
        desk->shown += (size_t)got;
    }
}

static void desk_type(const struct desk *desk, const char *keys)
{
    assert_int_equal(write(desk->master, keys, strlen(keys)), strlen(keys));
}

static bool desk_echoes(const struct desk *desk)
{
    struct termios settings;
    assert_int_equal(tcgetattr(desk->master, &settings), 0);
    return (settings.c_lflag & ECHO) != 0;
}

static int desk_end(struct desk *desk, char out[256])
{
    int status;
    size_t length = 0;
    ssize_t got;
    while ((got = read(desk->result[0], out + length, 255 - length)) > 0)
        length += (size_t)got;
    out[length] = '\0';
    assert_int_equal(waitpid(desk->child, &status, 0), desk->child);
    close(desk->result[0]);
    return status;
}

static void test_a_password_is_typed_twice_and_never_shown(void **unused)
{
    struct desk desk;
    char out[256];
    (void)unused;
    desk_create(&desk);
    desk_await(&desk, "Password: ");
    assert_false(desk_echoes(&desk));
    desk_type(&desk, "se cret\n");
    desk_await(&desk, "Password again: ");
    desk_type(&desk, "se cret\n");
    assert_int_equal(desk_end(&desk, out), 0);
    assert_string_equal(out, "se cret");
    assert_true(desk_echoes(&desk));
    assert_null(strstr(desk.screen, "cret"));
    close(desk.master);
}

static void test_two_different_passwords_are_refused(void **unused)
{
    struct desk desk;
    char out[256];
    (void)unused;
    desk_create(&desk);
    desk_await(&desk, "Password: ");
    desk_type(&desk, "secret\n");
    desk_await(&desk, "Password again: ");
    desk_type(&desk, "secreT\n");
    assert_int_equal(desk_end(&desk, out), 0);
    assert_string_equal(out, "refused: the passwords differ");
    assert_true(desk_echoes(&desk));
    close(desk.master);
}

static void test_an_empty_password_is_refused_at_once(void **unused)
{
    struct desk desk;
    char out[256];
    (void)unused;
    desk_create(&desk);
    desk_await(&desk, "Password: ");
    desk_type(&desk, "\n");
    assert_int_equal(desk_end(&desk, out), 0);
    assert_string_equal(out, "refused: the password is empty");
    close(desk.master);
}

static void test_a_signal_ends_the_program_with_the_echo_on(void **unused)
{
    static const char *const keys[] = {"\x03", NULL};
    (void)unused;
    for (int i = 0; i < 2; i++) {
        struct desk desk;
        char out[256];
        desk_create(&desk);
        desk_await(&desk, "Password: ");
        if (keys[i] != NULL)
            desk_type(&desk, keys[i]);
        else
            kill(desk.child, SIGTERM);
        int status = desk_end(&desk, out);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), keys[i] != NULL ? SIGINT : SIGTERM);
        assert_string_equal(out, "");
        assert_true(desk_echoes(&desk));
        close(desk.master);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_password_is_typed_twice_and_never_shown),
        cmocka_unit_test(test_two_different_passwords_are_refused),
        cmocka_unit_test(test_an_empty_password_is_refused_at_once),
        cmocka_unit_test(test_a_signal_ends_the_program_with_the_echo_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
