// SPDX-License-Identifier: BSD-2-Clause
#include "cli/base/policy_load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int policy_load(struct script **out, const struct host *host, const struct script_limits *limits, const char *path,
                char *error, size_t error_size)
{
    struct sources *sources = NULL;
    struct layer layer = {.name = "policy"};
    const struct script_config config = {.host = host, .limits = *limits};
    if (strlen(path) >= sizeof layer.path) {
        snprintf(error, error_size, "the path is too long");
        return -ENAMETOOLONG;
    }
    memcpy(layer.path, path, strlen(path) + 1);
    int code = sources_read(&sources, host, &layer, 1, NULL, error, error_size);
    if (code == 0)
        code = script_new_of(out, &config, sources, error, error_size);
    sources_release(sources);
    return code;
}
