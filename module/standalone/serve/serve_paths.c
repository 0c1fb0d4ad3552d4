// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/serve/serve_paths.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "standalone/serve/local_socket.h"

/* A file that the server creates if it is not there. */
static int check_written(const char *option, const char *path, char *error, size_t size)
{
    char folder[PATH_FOLDER_MOST];
    struct stat status;
    if (path == NULL)
        return 0;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        snprintf(error, size, "%s %s: this is a directory; expected a file", option, path);
        return -EISDIR;
    }
    if (!path_folder_is_missing(path, folder))
        return 0;
    snprintf(error, size, "%s %s: the folder %s does not exist", option, path, folder);
    return -ENOENT;
}

static int check_layers(const struct layer_options *policy, char *error, size_t size)
{
    size_t index = layer_option_missing(policy);
    int code = -errno;
    if (index == policy->count)
        return 0;
    const struct layer *layer = &policy->layers[index];
    const char *reason = strerror(-code);
    if (index == 0)
        snprintf(error, size, "cannot open the script %s: %s", layer->path, reason);
    else if (layer->tenant[0] != '\0')
        snprintf(error, size, "--tenant %s=%s: %s", layer->tenant, layer->path, reason);
    else
        snprintf(error, size, "--layer %s:%d=%s: %s", layer->name, layer->priority, layer->path, reason);
    return code;
}

int serve_paths_check(const struct serve_options *options, char *error, size_t error_size)
{
    const struct {
        const char *option, *path;
    } written[] = {
        {"--state", options->state},
        {"--last-good", options->last_good},
        {"--decision-log", options->decision_log},
        {"--token-keys", options->token_keys},
    };
    int code = check_layers(&options->policy, error, error_size);
    for (size_t i = 0; code == 0 && i < sizeof written / sizeof written[0]; i++)
        code = check_written(written[i].option, written[i].path, error, error_size);
    return code;
}
