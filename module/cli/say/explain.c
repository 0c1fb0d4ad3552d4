// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "cli/base/arguments.h"
#include "cli/base/lua_text.h"
#include "cli/say/explain_rule.h"

enum { OPTION_LANG, OPTION_JSON, OPTIONS };

static const struct option options[OPTIONS] = {
    [OPTION_LANG] = {"lang", "en|es", "the language, English where not given"},
    [OPTION_JSON] = {"json", NULL, "one object"},
};

/* True: the arguments ask for one rule, "5626-7.c", and not for a code. They are read again where they do not. */
static bool asks_for_rule(struct cli *cli, int argc, char **argv, struct rule_question *question)
{
    FILE *silent = NULL;
    struct cli quiet = {.in = cli->in, .out = cli->out, .err = fopen("/dev/null", "w")};
    struct arguments arguments = {.cli = &quiet, .argc = argc, .argv = argv, .options = options, .count = OPTIONS};
    enum argument argument;
    const char *value;
    size_t index, plain = 0;
    silent = quiet.err;
    if (silent == NULL)
        return false;
    while ((argument = argument_next(&arguments, &index, &value)) == ARGUMENT_PLAIN || argument == ARGUMENT_OPTION) {
        if (argument == ARGUMENT_PLAIN && plain++ == 0)
            question->id = value;
        else if (argument == ARGUMENT_OPTION && index == OPTION_LANG)
            question->language = value;
        else if (argument == ARGUMENT_OPTION)
            question->json = true;
    }
    fclose(silent);
    return argument == ARGUMENT_END && plain == 1 && strpbrk(question->id, "-.") != NULL;
}

int command_explain(struct cli *cli, int argc, char **argv)
{
    struct rule_question question = {0};
    const struct lua_command command = {
        .function = "explain",
        .codes = 1,
        .usage = "Usage: reflow explain CODE [--lang en|es] [--json]\n"
                 "       reflow explain RULE [--lang en|es] [--json]\n\n"
                 "What a response code means, when you see it, and how to fix it. A code that is\n"
                 "not registered is explained as the one that it acts as. For a rule, by its id\n"
                 "(5626-7.c): what it says, whether a policy can change it, and which tests of\n"
                 "reflow prove it.\n\n",
        .options = options,
        .count = OPTIONS,
    };
    if (asks_for_rule(cli, argc, argv, &question))
        return explain_rule(cli, &question);
    return lua_command_run(cli, argc, argv, &command);
}
