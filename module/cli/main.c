// SPDX-License-Identifier: BSD-2-Clause
#include "cli/cli.h"

int main(int argc, char **argv)
{
    struct cli cli = {.in = stdin, .out = stdout, .err = stderr};
    return cli_run(&cli, argc, argv);
}
