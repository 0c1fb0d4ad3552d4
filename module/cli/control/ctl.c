// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/base/arguments.h"

/* `reflow ctl`: sends one command to the control socket of a server and prints the response. */

enum { OPTION_SOCKET, OPTION_JSON, OPTION_LIMIT, OPTIONS };

static const struct option options[OPTIONS] = {
    [OPTION_SOCKET] = {"socket", "PATH", "as given to serve --control (default: $REFLOW_CONTROL)"},
    [OPTION_JSON] = {"json", NULL, "flows, status, history: print one JSON object"},
    [OPTION_LIMIT] = {"limit", "N", "flows: list at most N bindings (1000)"},
};

static int print_help(struct cli *cli)
{
    fputs("Usage: reflow ctl [OPTIONS] COMMAND\n\n"
          "Commands to a running `reflow serve --control PATH`:\n\n"
          "  reload           build the policy anew and take it in use\n"
          "  canary SHARE     take what is on disk in use for SHARE per cent of the calls\n"
          "  shadow           run what is on disk beside, without effect, and compare\n"
          "  promote          take the canary, or the shadow, in use for all calls\n"
          "  canary off       end the canary; shadow off: likewise\n"
          "  rollback         take the version before this one, at once\n"
          "  status           versions in use, and what a shadow would do otherwise\n"
          "  history          all versions, the newest first\n"
          "  flows [AOR]      a line for each binding: AOR, instance, reg-id, transport,\n"
          "                   remote address, seconds since and until its REGISTER\n"
          "  rotate-keys      a new key signs flow tokens from now on\n\n"
          "Prints what was done, when it is done. Exit status 0: done, or there was nothing\n"
          "to change; 1: the server could not do it; 2: there is no such command or server.\n\n",
          cli->out);
    arguments_help(cli->out, options, OPTIONS);
    return CLI_OK;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server < 0 || connect(server, (struct sockaddr *)&address, sizeof address) == 0)
        return server;
    int error = errno;
    close(server);
    errno = error;
    return -1;
}

static bool send_line(int server, const char *line)
{
    size_t length = strlen(line), done = 0;
    while (done < length) {
        ssize_t sent = send(server, line + done, length - done, MSG_NOSIGNAL);
        if (sent < 0)
            return false;
        done += (size_t)sent;
    }
    return true;
}

static bool begins_with(const char *line, const char *start)
{
    return strncmp(line, start, strlen(start)) == 0;
}

/* Such as a --status socket, which answers everybody at once. */
static int refuse_peer(struct cli *cli, const char *path)
{
    return cli_usage(cli, "ctl", "%s: no answer of a server's --control socket; is it the one of --status?", path);
}

/* "ok", "unchanged: why", "error: why" or "usage: why". */
static int take_verdict(struct cli *cli, const char *path, const char *last)
{
    if (last == NULL) {
        cli_usage(cli, "ctl", "the server closed the connection");
        return CLI_FAILED;
    }
    if (strcmp(last, "ok\n") == 0)
        return CLI_OK;
    if (begins_with(last, "unchanged: ")) {
        fputs(last, cli->out);
        return CLI_OK;
    }
    bool usage = begins_with(last, "usage: ");
    if (!usage && !begins_with(last, "error: "))
        return refuse_peer(cli, path);
    fprintf(cli->err, "reflow ctl: %s", usage ? last + strlen("usage: ") : last);
    return usage ? CLI_USAGE : CLI_FAILED;
}

/* The lines of the response are printed as they arrive; the last one is the result. */
static int pass_on(struct cli *cli, const char *path, FILE *answer)
{
    char *line = NULL, *last = NULL;
    size_t size = 0;
    while (getline(&line, &size, answer) > 0) {
        if (last != NULL)
            fputs(last, cli->out);
        free(last);
        last = strdup(line);
        if (last == NULL)
            break;
    }
    int status = take_verdict(cli, path, last);
    free(last);
    free(line);
    return status;
}

static int refuse_socket(struct cli *cli, const char *path, int error)
{
    struct sockaddr_un *address = NULL;
    if (error == ENAMETOOLONG)
        return cli_usage(cli, "ctl", "--socket %s: the path has %zu bytes, that of a socket has at most %zu", path,
                         strlen(path), sizeof address->sun_path - 1);
    return cli_usage(cli, "ctl", "cannot connect to the server at %s: %s", path,
                     error == ECONNREFUSED ? "no server uses this socket" : strerror(error));
}

static int run(struct cli *cli, const char *path, const char *line)
{
    int server = connect_to(path);
    if (server < 0)
        return refuse_socket(cli, path, errno);
    FILE *answer = fdopen(server, "r");
    if (answer == NULL || !send_line(server, line)) {
        int error = errno;
        if (answer != NULL)
            fclose(answer);
        else
            close(server);
        return error == EPIPE ? refuse_peer(cli, path) : cli_usage(cli, "ctl", "%s: %s", path, strerror(error));
    }
    int status = pass_on(cli, path, answer);
    fclose(answer);
    return status;
}

/* Reserves room for the newline after the last word. */
static bool add_word(char *line, size_t size, const char *word)
{
    size_t length = strlen(line);
    bool ends = strcmp(word, "\n") == 0;
    if (!ends && (word[0] == '\0' || strpbrk(word, " \n\r\t") != NULL))
        return false;
    int more = snprintf(line + length, size - length, "%s%s", length > 0 && !ends ? " " : "", word);
    return more > 0 && length + (size_t)more + !ends < size;
}

int command_ctl(struct cli *cli, int argc, char **argv)
{
    struct arguments arguments = {.cli = cli, .argc = argc, .argv = argv, .options = options, .count = OPTIONS};
    const char *path = getenv("REFLOW_CONTROL"), *value;
    char line[1024] = "";
    size_t index;
    enum argument argument;
    while ((argument = argument_next(&arguments, &index, &value)) != ARGUMENT_END) {
        if (argument == ARGUMENT_HELP)
            return print_help(cli);
        if (argument == ARGUMENT_BAD)
            return CLI_USAGE;
        bool fine = true;
        if (argument == ARGUMENT_PLAIN)
            fine = add_word(line, sizeof line, value);
        else if (index == OPTION_SOCKET)
            path = value;
        else
            fine = add_word(line, sizeof line, index == OPTION_JSON ? "--json" : "--limit") &&
                   (index == OPTION_JSON || add_word(line, sizeof line, value));
        if (!fine)
            return cli_usage(cli, "ctl", "a word is empty, too long or has spaces in it");
    }
    if (line[0] == '\0')
        return cli_usage(cli, "ctl", "a command is missing (see reflow ctl --help)");
    if (path == NULL || path[0] == '\0')
        return cli_usage(cli, "ctl", "--socket PATH is missing, and REFLOW_CONTROL is not set");
    add_word(line, sizeof line, "\n");
    return run(cli, path, line);
}
