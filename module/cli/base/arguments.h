// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_ARGUMENTS_H
#define REFLOW_CLI_ARGUMENTS_H

#include "cli/cli.h"

/* One long option of a command. */
struct option {
    const char *name;  /* without "--" */
    const char *value; /* the placeholder for its value in the help, "SECONDS"; NULL: no value. With "..." at its end,
                          the option may be given again */
    const char *help;
};

/* The state of an iteration over argv, from argv[1] on, with at most 64 options. Set `next`, `ended` and `seen` to 0 to
   start. */
struct arguments {
    struct cli *cli;
    int argc;
    char **argv;
    const struct option *options;
    size_t count;
    int next;
    bool ended;    /* "--" was seen */
    uint64_t seen; /* a bit for each of the options that had a value */
};

enum argument {
    ARGUMENT_END,
    ARGUMENT_OPTION, /* *index of the option, *value where it takes one */
    ARGUMENT_PLAIN,  /* *value */
    ARGUMENT_HELP,   /* --help */
    ARGUMENT_BAD     /* an error was printed to cli->err; return CLI_USAGE */
};

/* The next argument: --name, --name VALUE, --name=VALUE, "--", or a plain one. An option with a value that is given
   again is an error, unless its placeholder says that it may be. If the next argument begins with "--", the value is
   missing: such a value must be written as --name=VALUE. */
enum argument argument_next(struct arguments *arguments, size_t *index, const char **value);

/* Indented lines of a command's help: one per option, and --help. */
void arguments_help(FILE *out, const struct option *options, size_t count);

/* Parses a decimal number that consists only of digits, up to limit. Returns false for anything else. */
bool argument_number(const char *text, uint64_t limit, uint64_t *number);

#endif
