// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_POLICY_LOAD_H
#define REFLOW_CLI_POLICY_LOAD_H

#include "cli/cli.h"
#include "script/engine/engine.h"
#include "script/policy/layer_option.h"

/* Policies for commands: their files are named by the paths that the user typed. */

/* Two rows of a command's options; policy_option() takes their values. */
#define POLICY_OPTIONS                                                                                                 \
    {"layer", "NAME:PRIORITY=PATH...", "a layer beside the policy, as given to serve"},                                \
    {                                                                                                                  \
        "tenant", "DOMAIN=PATH...", "policies for one domain, as given to serve"                                       \
    }

/* Adds the value of --layer or --tenant. Returns CLI_OK, or CLI_USAGE with a line on cli->err. */
int policy_option(struct cli *cli, const char *command, struct layer_options *layers, const char *name,
                  const char *value);

/* A policy from one file or one folder, the layer "base" of `layers` (NULL: it is the only one). The sources are the
   script's. As script_new_of(). */
int policy_load(struct script **out, const struct host *host, const struct script_limits *limits,
                const struct layer_options *layers, const char *path, char *error, size_t error_size);

/* Lua shortens a long path at the beginning of a message, "...n/a/policy.lua:3: reason": puts back the whole of `path`
   where it is that one. */
void policy_place_restore(char *message, size_t size, const char *path);

/* Print why a policy could not be loaded on cli->err: as it is where it begins with FILE:LINE, otherwise as
   cli_usage(). Returns CLI_USAGE. */
int policy_error(struct cli *cli, const char *command, const char *error);

/* The length of "FILE:LINE" at the beginning of a message, before ": "; 0: it does not begin so. */
size_t policy_place_length(const char *message);

#endif
