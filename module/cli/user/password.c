// SPDX-License-Identifier: BSD-2-Clause
#include "cli/user/password.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

static const char too_long[] = "the password is longer than 1024 bytes";

static const char *password_check(struct text password)
{
    if (password.length == 0)
        return "the password is empty";
    if (password.length > PASSWORD_SIZE - 2)
        return too_long;
    for (size_t i = 0; i < password.length; i++) {
        unsigned char byte = (unsigned char)password.at[i];
        if (byte < ' ' || byte == 0x7f)
            return "the password has a control character";
    }
    return NULL;
}

/* --- from standard input --- */

static const char *line_read(FILE *in, char buffer[PASSWORD_SIZE], struct text *password)
{
    size_t length = 0;
    int byte;
    while ((byte = getc(in)) != EOF && byte != '\n') {
        if (length == PASSWORD_SIZE)
            return too_long;
        buffer[length++] = (char)byte;
    }
    if (ferror(in))
        return "standard input cannot be read";
    if (byte == '\n' && getc(in) != EOF)
        return "there is more than one line on standard input";
    if (byte == '\n' && length > 0 && buffer[length - 1] == '\r')
        length--;
    *password = (struct text){buffer, length};
    return password_check(*password);
}

/* --- from the terminal --- */

struct terminal {
    int descriptor, signals; /* signals: of signalfd() */
    struct termios before;
    sigset_t mask_before;
};

/* A signal that ends the program waits until the echo is on again. */
static bool terminal_silence(struct terminal *terminal, int descriptor)
{
    sigset_t blocked;
    struct termios silent;
    terminal->descriptor = descriptor;
    if (tcgetattr(descriptor, &terminal->before) != 0)
        return false;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGQUIT);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGHUP);
    sigaddset(&blocked, SIGTSTP);
    terminal->signals = signalfd(-1, &blocked, SFD_CLOEXEC);
    if (terminal->signals < 0 || sigprocmask(SIG_BLOCK, &blocked, &terminal->mask_before) != 0)
        return false;
    silent = terminal->before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    silent.c_lflag |= ECHONL;
    return tcsetattr(descriptor, TCSAFLUSH, &silent) == 0;
}

static void terminal_restore(const struct terminal *terminal)
{
    tcsetattr(terminal->descriptor, TCSAFLUSH, &terminal->before);
    close(terminal->signals);
    sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
}

/* In canonical mode, one read returns one line. */
static const char *terminal_line(const struct terminal *terminal, char buffer[PASSWORD_SIZE], struct text *password)
{
    struct pollfd ready[2] = {{.fd = terminal->descriptor, .events = POLLIN},
                              {.fd = terminal->signals, .events = POLLIN}};
    if (poll(ready, 2, -1) < 0 || ready[1].revents != 0)
        return "interrupted";
    ssize_t length = read(terminal->descriptor, buffer, PASSWORD_SIZE);
    if (length < 0)
        return "the terminal cannot be read";
    if (length > 0 && buffer[length - 1] == '\n')
        length--;
    *password = (struct text){buffer, (size_t)length};
    return password_check(*password);
}

static const char *terminal_ask(struct cli *cli, const struct terminal *terminal, const char *prompt,
                                char buffer[PASSWORD_SIZE], struct text *password)
{
    fputs(prompt, cli->err);
    fflush(cli->err);
    return terminal_line(terminal, buffer, password);
}

static const char *terminal_read(struct cli *cli, int descriptor, char buffer[PASSWORD_SIZE], struct text *password)
{
    struct terminal terminal;
    char second[PASSWORD_SIZE];
    struct text repeated;
    if (!terminal_silence(&terminal, descriptor))
        return "the echo of the terminal cannot be switched off";
    const char *why = terminal_ask(cli, &terminal, "Password: ", buffer, password);
    if (why == NULL)
        why = terminal_ask(cli, &terminal, "Password again: ", second, &repeated);
    if (why == NULL && !text_equal(*password, repeated))
        why = "the passwords differ";
    explicit_bzero(second, sizeof second);
    terminal_restore(&terminal);
    return why;
}

const char *password_read(struct cli *cli, char buffer[PASSWORD_SIZE], struct text *password)
{
    int descriptor = fileno(cli->in);
    bool is_terminal = descriptor >= 0 && isatty(descriptor) == 1;
    return is_terminal ? terminal_read(cli, descriptor, buffer, password) : line_read(cli->in, buffer, password);
}
