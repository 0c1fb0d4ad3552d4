// SPDX-License-Identifier: BSD-2-Clause
#include "cli/base/arguments.h"
#include "cli/base/lua_text.h"

static const struct option options[] = {
    {"lang", "en|es", "the language, English where not given"},
    {"json", NULL, "one object"},
};

int command_explain(struct cli *cli, int argc, char **argv)
{
    const struct lua_command command = {
        .function = "explain",
        .codes = 1,
        .usage = "Usage: reflow explain CODE [--lang en|es] [--json]\n\n"
                 "What a response code means, when you see it, and how to fix it. A code that is\n"
                 "not registered is explained as the one that it acts as.\n\n",
        .options = options,
        .count = sizeof options / sizeof options[0],
    };
    return lua_command_run(cli, argc, argv, &command);
}
