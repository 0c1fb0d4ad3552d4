// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/base/arguments.h"

/* `reflow ctl`: one command to a server's control socket, and its answer. */

static const struct option options[] = {{"socket", "PATH", "as given to serve --control; else $REFLOW_CONTROL"}};

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
          "  rotate-keys      a new key signs flow tokens from now on\n\n"
          "Answers when it is done. Exit status 0: done; 1: nothing has changed, or the\n"
          "server refused the command, and why; 2: no command, or no such server.\n\n",
          cli->out);
    arguments_help(cli->out, options, sizeof options / sizeof options[0]);
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

/* The lines of the answer are passed on as they come; the last one is the verdict. */
static int pass_on(struct cli *cli, FILE *answer)
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
    int status = last != NULL && strcmp(last, "ok\n") == 0 ? CLI_OK : CLI_FAILED;
    if (status != CLI_OK)
        fprintf(cli->err, "reflow ctl: %s", last != NULL ? last : "the server went away\n");
    free(last);
    free(line);
    return status;
}

static int run(struct cli *cli, const char *path, const char *line)
{
    int server = connect_to(path);
    if (server < 0)
        return cli_usage(cli, "ctl", "%s: %s", path, strerror(errno));
    FILE *answer = fdopen(server, "r");
    if (answer == NULL || !send_line(server, line)) {
        int error = errno;
        if (answer != NULL)
            fclose(answer);
        else
            close(server);
        return cli_usage(cli, "ctl", "%s: %s", path, strerror(error));
    }
    int status = pass_on(cli, answer);
    fclose(answer);
    return status;
}

/* Room is kept for the newline behind the last word. */
static bool add_word(char *line, size_t size, const char *word)
{
    size_t length = strlen(line);
    bool ends = strcmp(word, "\n") == 0;
    if (!ends && strpbrk(word, " \n\r\t") != NULL)
        return false;
    int more = snprintf(line + length, size - length, "%s%s", length > 0 && !ends ? " " : "", word);
    return more > 0 && length + (size_t)more + !ends < size;
}

int command_ctl(struct cli *cli, int argc, char **argv)
{
    struct arguments arguments = {.cli = cli, .argc = argc, .argv = argv, .options = options, .count = 1};
    const char *path = getenv("REFLOW_CONTROL"), *value;
    char line[256] = "";
    size_t index;
    enum argument argument;
    while ((argument = argument_next(&arguments, &index, &value)) != ARGUMENT_END) {
        if (argument == ARGUMENT_HELP)
            return print_help(cli);
        if (argument == ARGUMENT_BAD)
            return CLI_USAGE;
        if (argument == ARGUMENT_OPTION)
            path = value;
        else if (!add_word(line, sizeof line, value))
            return cli_usage(cli, "ctl", "no such command");
    }
    if (line[0] == '\0')
        return cli_usage(cli, "ctl", "a command is missing (see reflow ctl --help)");
    if (path == NULL || path[0] == '\0')
        return cli_usage(cli, "ctl", "--socket PATH is missing, and REFLOW_CONTROL is not set");
    add_word(line, sizeof line, "\n");
    return run(cli, path, line);
}
