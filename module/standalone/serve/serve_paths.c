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

/* A log may have lost its beginning: then a later line is that of a decision, or a disk has left zeros. */
static bool may_be_decisions(const char *bytes, size_t length)
{
    static const char line[] = "\n{";
    return length == 0 || bytes[0] == '{' || bytes[0] == '\0' || memmem(bytes, length, line, sizeof line - 1) != NULL;
}

static bool is_standard_stream(const char *path)
{
    return strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0;
}

/* The server appends to this file, and later renames and removes it: it must not be one of another kind. */
static int check_decision_log(const char *path, char *error, size_t size)
{
    struct stat status;
    char bytes[4096];
    if (path == NULL || is_standard_stream(path) || stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return 0;
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return 0;
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    if (may_be_decisions(bytes, length))
        return 0;
    snprintf(error, size, "--decision-log %s: the file has no decisions in it", path);
    return -EEXIST;
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

/* --- one file for two options --- */

struct named {
    const char *option, *path; /* path NULL: the option was not given */
    bool written;              /* by the server */
};

enum { NAMED_OPTIONS = 12, NAMED_MOST = NAMED_OPTIONS + LAYERS_MOST };

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool same_folder(const char *a, const char *b)
{
    char folder[PATH_FOLDER_MOST];
    struct stat one, other;
    if (!path_folder(a, folder) || stat(folder, &one) != 0)
        return false;
    return path_folder(b, folder) && stat(folder, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* Also under two names, and also if the file does not exist yet. Devices and pipes may be shared. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;
    bool has_one = stat(a, &one) == 0, has_other = stat(b, &other) == 0;
    if (has_one != has_other)
        return false;
    if (has_one)
        return one.st_dev == other.st_dev && one.st_ino == other.st_ino &&
               (S_ISREG(one.st_mode) || S_ISSOCK(one.st_mode));
    return strcmp(name_of(a), name_of(b)) == 0 && same_folder(a, b);
}

static int check_shared(const struct named *files, size_t count, char *error, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            const struct named *one = &files[i], *other = &files[j];
            if (one->path == NULL || other->path == NULL || !(one->written || other->written) ||
                !is_same_file(one->path, other->path))
                continue;
            snprintf(error, size, "%s %s: this file is also that of %s", one->option, one->path, other->option);
            return -EINVAL;
        }
    }
    return 0;
}

static int check_all_shared(const struct serve_options *options, char *error, size_t size)
{
    struct named files[NAMED_MOST] = {
        {"--decision-log", options->decision_log, true},
        {"--state", options->state, true},
        {"--token-keys", options->token_keys, true},
        {"--last-good", options->last_good, true},
        {"--status", options->status, true},
        {"--control", options->control, true},
        {"--users", options->users, false},
        {"--domain-file", options->domain_file, false},
        {"--tls-cert", options->tls.certificate, false},
        {"--tls-key", options->tls.key, false},
        {"--tls-client-ca", options->tls.client_ca, false},
        {"--tls-ca", options->tls.ca, false},
    };
    for (size_t i = 0; i < options->policy.count; i++)
        files[NAMED_OPTIONS + i] = (struct named){"the policy", options->policy.layers[i].path, false};
    return check_shared(files, NAMED_OPTIONS + options->policy.count, error, size);
}

/* --- */

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
    if (code == 0)
        code = check_all_shared(options, error, error_size);
    return code == 0 ? check_decision_log(options->decision_log, error, error_size) : code;
}
