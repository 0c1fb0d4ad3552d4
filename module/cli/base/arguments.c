// SPDX-License-Identifier: BSD-2-Clause
#include "cli/base/arguments.h"

#include <string.h>

#include "base/number.h"

static const struct option *find_option(const struct arguments *arguments, const char *name, size_t length)
{
    for (size_t i = 0; i < arguments->count; i++) {
        const struct option *option = &arguments->options[i];
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
            return option;
    }
    return NULL;
}

static enum argument bad(struct arguments *arguments, const char *what, const char *which)
{
    const char *command = arguments->argv[0];
    cli_usage(arguments->cli, command, "%s '%s' (see reflow %s --help)", what, which, command);
    return ARGUMENT_BAD;
}

static bool may_repeat(const struct option *option)
{
    size_t length = strlen(option->value);
    return length > 3 && strcmp(option->value + length - 3, "...") == 0;
}

/* Of two values, one would be ignored. */
static bool is_repeated(struct arguments *arguments, size_t index)
{
    uint64_t bit = (uint64_t)1 << index % 64;
    bool repeated = (arguments->seen & bit) != 0 && !may_repeat(&arguments->options[index]);
    arguments->seen |= bit;
    return repeated;
}

static enum argument long_option(struct arguments *arguments, const char *argument, size_t *index, const char **value)
{
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    const struct option *option = find_option(arguments, name, length);
    if (option == NULL)
        return strcmp(name, "help") == 0 ? ARGUMENT_HELP : bad(arguments, "unknown option", argument);
    *index = (size_t)(option - arguments->options);
    *value = NULL;
    if (option->value == NULL)
        return name[length] == '\0' ? ARGUMENT_OPTION : bad(arguments, "no value belongs to option", argument);
    if (is_repeated(arguments, *index))
        return bad(arguments, "more than one value for option", argument);
    if (name[length] == '=')
        *value = name + length + 1;
    else if (arguments->next < arguments->argc && strncmp(arguments->argv[arguments->next], "--", 2) != 0)
        *value = arguments->argv[arguments->next++];
    else
        return bad(arguments, "a value is missing after option", argument);
    return ARGUMENT_OPTION;
}

enum argument argument_next(struct arguments *arguments, size_t *index, const char **value)
{
    if (arguments->next == 0)
        arguments->next = 1;
    while (arguments->next < arguments->argc) {
        const char *argument = arguments->argv[arguments->next++];
        if (!arguments->ended && strcmp(argument, "--") == 0) {
            arguments->ended = true;
            continue;
        }
        if (!arguments->ended && strncmp(argument, "--", 2) == 0)
            return long_option(arguments, argument, index, value);
        if (!arguments->ended && strcmp(argument, "-h") == 0)
            return ARGUMENT_HELP;
        if (!arguments->ended && argument[0] == '-' && argument[1] != '\0')
            return bad(arguments, "unknown option", argument);
        *value = argument;
        return ARGUMENT_PLAIN;
    }
    return ARGUMENT_END;
}

void arguments_help(FILE *out, const struct option *options, size_t count)
{
    const struct option help = {"help", NULL, "this text"};
    int width = 0;
    for (size_t i = 0; i < count; i++) {
        int length = (int)(strlen(options[i].name) + (options[i].value ? 1 + strlen(options[i].value) : 0));
        width = length > width ? length : width;
    }
    for (size_t i = 0; i <= count; i++) {
        const struct option *option = i < count ? &options[i] : &help;
        int length =
            fprintf(out, "  --%s%s%s", option->name, option->value ? " " : "", option->value ? option->value : "");
        fprintf(out, "%*s%s\n", width + 6 - length, "", option->help);
    }
}

bool argument_number(const char *text, uint64_t limit, uint64_t *number)
{
    return number_read(text_of(text), limit, number);
}
