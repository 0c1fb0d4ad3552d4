// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_LAYER_OPTION_H
#define REFLOW_SCRIPT_LAYER_OPTION_H

#include <stdbool.h>

#include "script/sources/sources.h"

/* The layers of a policy as command lines name them. */

enum { LAYER_TENANT_PRIORITY = 1000 };

struct layer_options {
    struct layer layers[LAYERS_MOST];
    size_t count;
};

/* The script itself: layer "base", priority 0, always the first. False where the path is too long. */
bool layer_option_base(struct layer_options *options, const char *path);

/* Adds "NAME:PRIORITY=PATH". Returns NULL, or the reason why it was not added. */
const char *layer_option_layer(struct layer_options *options, const char *text);

/* Adds "DOMAIN=PATH": hooks for AORs of this domain alone, asked before those of layers with a lower priority. A domain
   has one tenant. Returns as layer_option_layer(). */
const char *layer_option_tenant(struct layer_options *options, const char *text);

/* The index of the first layer whose path names nothing, with errno; options->count if there is none. Other faults of a
   policy may be repaired by its last good version; such a path is a mistake in the command or configuration. */
size_t layer_option_missing(const struct layer_options *options);

#endif
