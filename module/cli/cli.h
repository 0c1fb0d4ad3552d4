// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_CLI_H
#define REFLOW_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/version.h"

/* The exit statuses of every command. */
enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1, /* failure: no memory, or standard output cannot be written */
    CLI_USAGE = 2   /* invalid arguments; one line on standard error gives the reason */
};

/* The streams of a command. */
struct cli {
    FILE *in, *out, *err;
    const char *build; /* what the program was built from; NULL: not known */
};

/* Runs `reflow argv[1] ...` and returns the exit status. Flushes cli->out and checks it. */
int cli_run(struct cli *cli, int argc, char **argv);

/* One per file; argv[0] is the command's name. */
int command_ctl(struct cli *cli, int argc, char **argv);
int command_codes(struct cli *cli, int argc, char **argv);
int command_explain_policy(struct cli *cli, int argc, char **argv);
int command_explain(struct cli *cli, int argc, char **argv);
int command_compare(struct cli *cli, int argc, char **argv);
int command_decide(struct cli *cli, int argc, char **argv);
int command_replay(struct cli *cli, int argc, char **argv);
int command_site(struct cli *cli, int argc, char **argv);
int command_simulate(struct cli *cli, int argc, char **argv);
int command_check(struct cli *cli, int argc, char **argv);
int command_token(struct cli *cli, int argc, char **argv);
int command_user(struct cli *cli, int argc, char **argv);
int command_test(struct cli *cli, int argc, char **argv);

/* Print "reflow COMMAND: ..." on one line of cli->err and return CLI_USAGE. */
int cli_usage(struct cli *cli, const char *command, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
