// SPDX-License-Identifier: BSD-2-Clause
#include "cli/cli.h"

/* The commit and the mode: the Makefile defines it, analysers do without. */
#ifndef REFLOW_BUILD
#define REFLOW_BUILD NULL
#endif

int main(int argc, char **argv)
{
    struct cli cli = {.in = stdin, .out = stdout, .err = stderr, .build = REFLOW_BUILD};
    return cli_run(&cli, argc, argv);
}
