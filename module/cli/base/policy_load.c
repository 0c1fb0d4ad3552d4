// SPDX-License-Identifier: BSD-2-Clause
#include "cli/base/policy_load.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int policy_option(struct cli *cli, const char *command, struct layer_options *layers, const char *name,
                  const char *value)
{
    const char *why =
        strcmp(name, "tenant") == 0 ? layer_option_tenant(layers, value) : layer_option_layer(layers, value);
    return why == NULL ? CLI_OK : cli_usage(cli, command, "--%s %s: %s", name, value, why);
}

int policy_load(struct script **out, const struct host *host, const struct script_limits *limits,
                const struct layer_options *layers, const char *path, char *error, size_t error_size)
{
    struct sources *sources = NULL;
    struct layer_options all = {0};
    const struct script_config config = {.host = host, .limits = *limits};
    if (layers != NULL)
        all = *layers;
    if (!layer_option_base(&all, path)) {
        snprintf(error, error_size, "the path is empty or too long");
        return -ENAMETOOLONG;
    }
    const struct sources_limits names = {.paths = true};
    int code = sources_read(&sources, host, all.layers, all.count, &names, error, error_size);
    if (code == 0)
        code = script_new_of(out, &config, sources, error, error_size);
    for (size_t i = 0; code != 0 && sources != NULL && i < sources_count(sources); i++)
        policy_place_restore(error, error_size, sources_at(sources, i)->name.at);
    sources_release(sources);
    return code;
}

void policy_place_restore(char *message, size_t size, const char *path)
{
    char rest[2048];
    size_t place = policy_place_length(message), length = strlen(path);
    if (place < 4 || strncmp(message, "...", 3) != 0)
        return;
    size_t tail = place - 3;
    while (tail > 0 && message[3 + tail - 1] != ':')
        tail--;
    if (tail < 2 || tail - 1 > length || strncmp(message + 3, path + length - (tail - 1), tail - 1) != 0)
        return;
    snprintf(rest, sizeof rest, "%s", message + 3 + tail - 1);
    snprintf(message, size, "%s%s", path, rest);
}

size_t policy_place_length(const char *message)
{
    const char *end = strstr(message, ": "), *digit = end;
    while (digit != NULL && digit > message && isdigit((unsigned char)digit[-1]))
        digit--;
    bool placed = digit != NULL && digit < end && digit - 1 > message && digit[-1] == ':';
    return placed ? (size_t)(end - message) : 0;
}

int policy_error(struct cli *cli, const char *command, const char *error)
{
    if (policy_place_length(error) == 0)
        return cli_usage(cli, command, "%s", error);
    fprintf(cli->err, "%s\n", error);
    return CLI_USAGE;
}
