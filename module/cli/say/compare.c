// SPDX-License-Identifier: BSD-2-Clause
#include "cli/base/arguments.h"
#include "cli/base/lua_text.h"

static const struct option options[] = {
    {"lang", "en|es", "the language, English where not given"},
    {"json", NULL, "one object"},
    {"markdown", NULL, "a Markdown page"},
};

int command_compare(struct cli *cli, int argc, char **argv)
{
    const struct lua_command command = {
        .function = "compare",
        .codes = 2,
        .usage = "Usage: reflow compare A B [--lang en|es] [--json|--markdown]\n\n"
                 "Two response codes side by side: what each means, the key differences, and when\n"
                 "to use each.\n\n",
        .options = options,
        .count = sizeof options / sizeof options[0],
    };
    return lua_command_run(cli, argc, argv, &command);
}
