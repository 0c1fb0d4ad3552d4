// SPDX-License-Identifier: BSD-2-Clause
#include <stdarg.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "script/base/printable.h"

/* Arguments and file names may have line ends and control characters in them. */
static void print_line(FILE *out, const char *text, size_t length)
{
    enum { ESCAPED = 4 }; /* bytes for one: \x1b */
    const size_t size = ESCAPED * length + 1;
    char *line = malloc(size);
    if (line != NULL)
        printable_write(line, size, text);
    fprintf(out, "%s\n", line != NULL ? line : "out of memory");
    free(line);
}

int cli_usage(struct cli *cli, const char *command, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    fprintf(cli->err, "reflow%s%s: ", command[0] ? " " : "", command);
    va_start(arguments, format);
    const int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    print_line(cli->err, length >= 0 ? text : "out of memory", length >= 0 ? (size_t)length : sizeof "out of memory");
    if (length >= 0)
        free(text);
    return CLI_USAGE;
}
