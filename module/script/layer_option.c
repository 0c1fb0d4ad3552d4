// SPDX-License-Identifier: BSD-2-Clause
#include "script/layer_option.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Letters, digits, dots, hyphens and underscores: names stand in log lines and in names of files. */
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

static struct layer *next_layer(struct layer_options *options)
{
    if (options->count == 0)
        options->count = 1; /* the script's own place */
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

bool layer_option_layer(struct layer_options *options, const char *text)
{
    char *end;
    struct layer *layer = next_layer(options);
    const char *colon = strchr(text, ':'), *equals = strchr(text, '=');
    if (layer == NULL || colon == NULL || equals == NULL || equals < colon + 2 ||
        !is_name(text, (size_t)(colon - text)) ||
        !copy(layer->name, sizeof layer->name, text, (size_t)(colon - text)) ||
        !copy(layer->path, sizeof layer->path, equals + 1, strlen(equals + 1)))
        return false;
    errno = 0;
    long priority = strtol(colon + 1, &end, 10);
    if (errno != 0 || end != equals || priority < INT_MIN || priority > INT_MAX)
        return false;
    layer->priority = (int32_t)priority;
    options->count++;
    return true;
}

bool layer_option_tenant(struct layer_options *options, const char *text)
{
    struct layer *layer = next_layer(options);
    const char *equals = strchr(text, '=');
    size_t length = equals != NULL ? (size_t)(equals - text) : 0;
    /* An AOR has no dot at its end. */
    if (length > 1 && text[length - 1] == '.')
        length--;
    if (layer == NULL || !is_name(text, length) || !copy(layer->tenant, sizeof layer->tenant, text, length) ||
        !copy(layer->path, sizeof layer->path, equals + 1, strlen(equals + 1)))
        return false;
    copy(layer->name, sizeof layer->name, text, length < sizeof layer->name ? length : sizeof layer->name - 1);
    layer->priority = LAYER_TENANT_PRIORITY;
    options->count++;
    return true;
}
