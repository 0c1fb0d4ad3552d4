// SPDX-License-Identifier: BSD-2-Clause
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"

/* The commit and the mode: the Makefile defines it, analysers do without. */
#ifndef REFLOW_BUILD
#define REFLOW_BUILD NULL
#endif

/* Otherwise a file or socket of the program would get the number of a closed standard stream, and with it each line
   that is printed. Reading and writing these descriptors still fails, as it does on a closed one. */
static void fill_standard_descriptors(void)
{
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
        if (fcntl(i, F_GETFD) < 0 && open("/dev/null", i == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            abort();
    }
}

int main(int argc, char **argv)
{
    fill_standard_descriptors();
    struct cli cli = {.in = stdin, .out = stdout, .err = stderr, .build = REFLOW_BUILD};
    return cli_run(&cli, argc, argv);
}
