// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "standalone/serve/serve.h"

static int command_serve(struct cli *cli, int argc, char **argv)
{
    (void)cli;
    return serve_main(argc, argv);
}

static const struct command {
    const char *name;
    int (*run)(struct cli *cli, int argc, char **argv);
    const char *summary;
} commands[] = {
    {"serve", command_serve, "run a registrar, proxy or edge proxy with a Lua policy"},
    {"ctl", command_ctl, "control a running server: reload, canary, rollback, status"},
    {"codes", command_codes, "list the registered response codes"},
    {"explain", command_explain, "what a response code means and how to fix it; what a rule says"},
    {"explain-policy", command_explain_policy, "list the hooks of a policy that a response passes, in order"},
    {"compare", command_compare, "compare two response codes: differences, when to use each"},
    {"site", command_site, "write a web site about all codes, pairs of codes and rules"},
    {"decide", command_decide, "show what a SIP element does with a response, and by which rule"},
    {"replay", command_replay, "decide recorded traffic again, with one policy or two"},
    {"simulate", command_simulate, "simulate an outage of edge proxies: unreachable users, load"},
    {"check", command_check, "find errors in a policy before it runs"},
    {"token", command_token, "decode a flow token and verify it"},
    {"user", command_user, "add, remove and list the users of a server, change passwords"},
    {"test", command_test, "run the specs of a policy on the real server, virtual clock"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static int print_help(FILE *out)
{
    fputs("reflow decides what a SIP server does with each response that it receives.\n\n"
          "Usage: reflow COMMAND [OPTIONS]\n\n"
          "Commands:\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].summary);
    fputs("\nOptions:\n  --help     this text; after a command: its options\n  --version  the version and its build\n",
          out);
    return CLI_OK;
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
    if (argc < 2)
        return cli_usage(cli, "", "a command is missing (see reflow --help)");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return print_help(cli->out);
    if (strcmp(argv[1], "--version") == 0) {
        fputs("reflow " REFLOW_VERSION, cli->out);
        if (cli->build != NULL)
            fprintf(cli->out, " (%s)", cli->build);
        fputc('\n', cli->out);
        return CLI_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(cli, argc - 1, argv + 1);
    }
    return cli_usage(cli, "", "unknown %s '%s' (see reflow --help)", argv[1][0] == '-' ? "option" : "command", argv[1]);
}

/* A full disk or a closed pipe is noticed only when stdio writes its buffer. */
int cli_run(struct cli *cli, int argc, char **argv)
{
    int status = dispatch(cli, argc, argv);
    errno = 0;
    if ((fflush(cli->out) != 0 || ferror(cli->out)) && status == CLI_OK) {
        fprintf(cli->err, "reflow: standard output: %s\n", errno != 0 ? strerror(errno) : "write error");
        status = CLI_FAILED;
    }
    return status;
}
