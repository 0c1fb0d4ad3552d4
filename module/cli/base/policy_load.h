// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_POLICY_LOAD_H
#define REFLOW_CLI_POLICY_LOAD_H

#include "script/engine/engine.h"

/* A policy from one file or one folder, as the only layer; the sources are the script's. As script_new_of(). */
int policy_load(struct script **out, const struct host *host, const struct script_limits *limits, const char *path,
                char *error, size_t error_size);

#endif
