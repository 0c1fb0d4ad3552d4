// SPDX-License-Identifier: BSD-2-Clause
#include "script/policy/layer_option.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* Letters, digits, dots, hyphens and underscores, because names appear in log lines and in names of files. */
static bool is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && strchr(".-_", text[i]) == NULL)
            return false;
    }
    return length > 0;
}

static bool copy(char *out, size_t size, const char *text, size_t length)
{
    if (length == 0 || length >= size)
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

static const char too_many[] = "there are too many layers and tenants";

static struct layer *next_layer(struct layer_options *options)
{
    if (options->count == 0)
        options->count = 1; /* reserved for the script itself */
    if (options->count == LAYERS_MOST)
        return NULL;
    struct layer *layer = &options->layers[options->count];
    *layer = (struct layer){0};
    return layer;
}

bool layer_option_base(struct layer_options *options, const char *path)
{
    struct layer *layer = &options->layers[0];
    if (options->count == 0)
        options->count = 1;
    snprintf(layer->name, sizeof layer->name, "base");
    return copy(layer->path, sizeof layer->path, path, strlen(path));
}

static bool read_priority(const char *text, const char *end, int32_t *priority)
{
    char *stop;
    errno = 0;
    long number = strtol(text, &stop, 10);
    *priority = (int32_t)number;
    return stop != text && stop == end && errno == 0 && number >= INT_MIN && number <= INT_MAX;
}

/* Log lines and lists name layers; the script itself is "base". */
static bool has_layer(const struct layer_options *options, const char *name)
{
    for (size_t i = 1; i < options->count; i++) {
        if (options->layers[i].tenant[0] == '\0' && strcmp(options->layers[i].name, name) == 0)
            return true;
    }
    return strcmp(name, "base") == 0;
}

const char *layer_option_layer(struct layer_options *options, const char *text)
{
    struct layer *layer = next_layer(options);
    const char *colon = strchr(text, ':'), *equals = strchr(text, '=');
    if (layer == NULL)
        return too_many;
    if (colon == NULL || equals == NULL || equals < colon)
        return "expected NAME:PRIORITY=PATH";
    if (!is_name(text, (size_t)(colon - text)) || !copy(layer->name, sizeof layer->name, text, (size_t)(colon - text)))
        return "the name takes 1 to 31 letters, digits, dots, hyphens and underscores";
    if (has_layer(options, layer->name))
        return "there is a layer with this name already; that of the script is base";
    if (!read_priority(colon + 1, equals, &layer->priority))
        return "the priority must be a whole number";
    if (!copy(layer->path, sizeof layer->path, equals + 1, strlen(equals + 1)))
        return "the path is empty or too long";
    options->count++;
    return NULL;
}

static bool has_tenant(const struct layer_options *options, const char *tenant)
{
    for (size_t i = 1; i < options->count; i++) {
        if (strcasecmp(options->layers[i].tenant, tenant) == 0)
            return true;
    }
    return false;
}

const char *layer_option_tenant(struct layer_options *options, const char *text)
{
    struct layer *layer = next_layer(options);
    const char *equals = strchr(text, '=');
    size_t length = equals != NULL ? (size_t)(equals - text) : 0;
    if (layer == NULL)
        return too_many;
    if (equals == NULL)
        return "expected DOMAIN=PATH";
    /* An AOR has no final dot. */
    if (length > 1 && text[length - 1] == '.')
        length--;
    if (!is_name(text, length) || !copy(layer->tenant, sizeof layer->tenant, text, length))
        return "expected a domain name before '=', without \"sip:\" and without a port";
    if (has_tenant(options, layer->tenant))
        return "this domain has a tenant already; a tenant's policy in several files is a folder";
    if (!copy(layer->path, sizeof layer->path, equals + 1, strlen(equals + 1)))
        return "the path is empty or too long";
    copy(layer->name, sizeof layer->name, text, length < sizeof layer->name ? length : sizeof layer->name - 1);
    layer->priority = LAYER_TENANT_PRIORITY;
    options->count++;
    return NULL;
}

size_t layer_option_missing(const struct layer_options *options)
{
    struct stat status;
    size_t i = 0;
    while (i < options->count && (stat(options->layers[i].path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR)))
        i++;
    return i;
}
