// SPDX-License-Identifier: BSD-2-Clause
#include <stdarg.h>

#include "cli/cli.h"

int cli_usage(struct cli *cli, const char *command, const char *format, ...)
{
    va_list arguments;
    fprintf(cli->err, "reflow%s%s: ", command[0] ? " " : "", command);
    va_start(arguments, format);
    vfprintf(cli->err, format, arguments);
    va_end(arguments);
    fputc('\n', cli->err);
    return CLI_USAGE;
}
