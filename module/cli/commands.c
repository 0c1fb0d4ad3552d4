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
    {"serve", command_serve, "run a registrar and proxy with a Lua routing script"},
    {"ctl", command_ctl, "reload, try, promote or roll back a server's policy"},
    {"codes", command_codes, "list the registered response codes"},
    {"explain", command_explain, "what a response code means and how to fix it; what a rule says"},
    {"explain-policy", command_explain_policy, "which hooks of a policy are asked, in what order"},
    {"compare", command_compare, "two response codes side by side: differences, when to use each"},
    {"decide", command_decide, "what a SIP element does with a response, and by which rule"},
    {"replay", command_replay, "recorded traffic decided again, by a policy or against one"},
    {"simulate", command_simulate, "edges die: who is unreachable, for how long, at what load"},
    {"check", command_check, "what is wrong with a policy, before it runs"},
    {"token", command_token, "what a flow token says, and whether it is genuine"},
    {"test", command_test, "run a policy's specs against the real core, on a virtual clock"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static int print_help(FILE *out)
{
    fputs("reflow decides what a SIP server does with each response it gets.\n\n"
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
