// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_ARGUMENTS_H
#define REFLOW_CLI_ARGUMENTS_H

#include "cli/cli.h"

/* One long option of a command. */
struct option {
    const char *name;  /* without "--" */
    const char *value; /* what stands for its value in the help, "SECONDS"; NULL: it takes none */
    const char *help;
};

/* A walk over argv, from argv[1] on. Zero `next` and `ended` to start. */
struct arguments {
    struct cli *cli;
    int argc;
    char **argv;
    const struct option *options;
    size_t count;
    int next;
    bool ended; /* "--" was seen */
};

enum argument {
    ARGUMENT_END,
    ARGUMENT_OPTION, /* *index of the option, *value where it takes one */
    ARGUMENT_PLAIN,  /* *value */
    ARGUMENT_HELP,   /* --help */
    ARGUMENT_BAD     /* told on cli->err; return CLI_USAGE */
};

/* The next argument: --name, --name VALUE, --name=VALUE, "--", or a plain one. */
enum argument argument_next(struct arguments *arguments, size_t *index, const char **value);

/* Indented lines of a command's help: one per option, and --help. */
void arguments_help(FILE *out, const struct option *options, size_t count);

/* A decimal number of digits alone, up to limit. False: anything else. */
bool argument_number(const char *text, uint64_t limit, uint64_t *number);

#endif
