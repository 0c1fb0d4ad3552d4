// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_SOURCES_H
#define REFLOW_SCRIPT_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/text.h"

/*
 * The files of a policy, read once: the bytes that were hashed are the bytes that are compiled, even if the files
 * change meanwhile. A policy is one file, or layers: folders of the base, the site and the tenants, merged by priority.
 * In a folder, all *.lua files at the top run, in the order of their names; lib/ is for require from the same layer
 * only; spec/ contains the policy's tests and is not part of the running version. Immutable, reference-counted, usable
 * from any thread.
 */

struct sources;

enum { LAYERS_MOST = 64 };

struct layer {
    char name[32];    /* "base", "site", "example.com" */
    char tenant[128]; /* a domain: its hooks are called only for AORs of that domain; empty: for all */
    char path[1024];  /* a file or a folder */
    int32_t priority; /* a higher priority is called first; with equal priority, the later layer */
};

struct source_file {
    struct text name;  /* "base/10-trunks.lua": the layer's name and the path inside it; a lone file: its path */
    struct text bytes; /* followed by a NUL that is not counted */
    size_t layer;      /* index */
    bool library;      /* in lib/: run only by require */
};

struct sources_limits {
    size_t file;  /* bytes of one file; 0: 1 MiB */
    size_t all;   /* bytes of all; 0: 8 MiB */
    size_t files; /* 0: 256 */
    bool paths;   /* name files by the path that was given for their layer, not by its name: for people */
};

/* Returns 0 and *out with one reference, or -ENOENT, -EACCES, -EFBIG, -ENOMEM, -EINVAL; `error` then names the file
   in one line. */
int sources_read(struct sources **out, const struct host *host, const struct layer *layers, size_t count,
                 const struct sources_limits *limits, char *error, size_t error_size);

/* Writes the sources to one file, and reads it: the last good version on disk. The file is written elsewhere and
   renamed, so that it is always complete. sources_save() returns 0, -ENOMEM, a negative errno of the file system, or
   -EEXIST if `path` is neither empty nor an earlier version; such a file is unchanged. sources_save_reason() gives
   the text for these. sources_load() returns -EBADMSG if the file is damaged. */
int sources_save(const struct sources *sources, const char *path);
const char *sources_save_reason(int error);
int sources_load(struct sources **out, const struct host *host, const char *path, char *error, size_t error_size);

/* The bytes of that file, for other processes; in the host's memory, to be freed by its allocator with *size.
   Returns 0 or -ENOMEM; sources_unpack() also returns -EBADMSG if the bytes are damaged. */
int sources_pack(const struct sources *sources, char **bytes, size_t *size);
int sources_unpack(struct sources **out, const struct host *host, const char *bytes, size_t size);

struct sources *sources_hold(struct sources *sources);
void sources_release(struct sources *sources); /* NULL is fine */

uint64_t sources_hash(const struct sources *sources); /* over names, layers and bytes */
/* The same over the layers in this bit set only. */
uint64_t sources_hash_of(const struct sources *sources, uint64_t layers);
/* Sets *out to the layers of `sources`, with the layers in this bit set replaced by those of `other`, whose layers
   must have the same names. Returns 0, -ENOMEM, or -EINVAL if the names differ. */
int sources_mix(struct sources **out, const struct sources *sources, const struct sources *other, uint64_t layers);
size_t sources_count(const struct sources *sources);
const struct source_file *sources_at(const struct sources *sources, size_t index);
size_t sources_layer_count(const struct sources *sources);
const struct layer *sources_layer(const struct sources *sources, size_t index);

#endif
