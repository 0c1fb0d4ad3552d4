// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_LUA_TEXT_H
#define REFLOW_CLI_LUA_TEXT_H

#include "cli/cli.h"

enum lua_form { LUA_FORM_TEXT, LUA_FORM_JSON, LUA_FORM_MARKDOWN };

/* A call of explain(code, language) or compare(a, b, language) in the module that `require "reflow"` gives. */
struct lua_text {
    const char *function;
    uint32_t codes[2];
    size_t count;         /* of codes: 1 for explain, 2 for compare */
    const char *language; /* NULL: "en" */
    enum lua_form form;
};

/* The common part of explain and compare: reads argv and prints. `codes` is 1 or 2. */
struct lua_command {
    const char *function;
    size_t codes;
    const char *usage;
    const struct option *options; /* "lang", "json", and "markdown" */
    size_t count;
};
int lua_command_run(struct cli *cli, int argc, char **argv, const struct lua_command *command);

#endif
