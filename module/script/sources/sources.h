// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_SOURCES_H
#define REFLOW_SCRIPT_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/text.h"

/*
 * The files of a policy, read once: what was hashed is what is compiled, whatever happens to the files meanwhile.
 * A policy is one file, or layers: base, site and tenant folders, merged by declared priority. Of a folder all *.lua at
 * its top run, in the order of their names; lib/ is for require, from that layer alone; spec/ holds the policy's own
 * tests and is not part of the running version. Immutable, counted references, any thread.
 */

struct sources;

enum { LAYERS_MOST = 64 };

struct layer {
    char name[32];    /* "base", "site", "example.com" */
    char tenant[128]; /* a domain: its hooks are asked for AORs of that domain alone; empty: for all */
    char path[1024];  /* a file or a folder */
    int32_t priority; /* the higher is asked first; equal: the later one */
};

struct source_file {
    struct text name;  /* "base/10-trunks.lua": the layer's name and the path inside it; a lone file: its path */
    struct text bytes; /* terminated by a NUL that is not counted */
    size_t layer;      /* index */
    bool library;      /* of lib/: run by require only */
};

struct sources_limits {
    size_t file;  /* bytes of one file; 0: 1 MiB */
    size_t all;   /* bytes of all; 0: 8 MiB */
    size_t files; /* 0: 256 */
};

/* 0 and *out with one reference; -ENOENT, -EACCES, -EFBIG, -ENOMEM, -EINVAL; `error` says in one line which file. */
int sources_read(struct sources **out, const struct host *host, const struct layer *layers, size_t count,
                 const struct sources_limits *limits, char *error, size_t error_size);

/* Write to one file, and read it again: the last good version on disk. Written aside and renamed: whole or not at all.
   sources_save() returns 0, -ENOMEM, a negative errno of the file system, or -EEXIST if `path` is neither empty nor an
   earlier version: such a file stays as it is. sources_save_reason() gives the words for these. sources_load() returns
   -EBADMSG if the file is not what was written. */
int sources_save(const struct sources *sources, const char *path);
const char *sources_save_reason(int error);
int sources_load(struct sources **out, const struct host *host, const char *path, char *error, size_t error_size);

/* The bytes of that file, for other processes: in the host's memory, to be freed by its allocator with *size. 0 or
   -ENOMEM; sources_unpack() also -EBADMSG where they are not what was packed. */
int sources_pack(const struct sources *sources, char **bytes, size_t *size);
int sources_unpack(struct sources **out, const struct host *host, const char *bytes, size_t size);

struct sources *sources_hold(struct sources *sources);
void sources_release(struct sources *sources); /* NULL is fine */

uint64_t sources_hash(const struct sources *sources); /* over names, layers and bytes */
/* The same over the layers with a bit here, alone. */
uint64_t sources_hash_of(const struct sources *sources, uint64_t layers);
/* *out has the layers of `sources`, but for those with a bit here the files of `other`, whose layers are named alike.
   0, -ENOMEM, or -EINVAL where they are not. */
int sources_mix(struct sources **out, const struct sources *sources, const struct sources *other, uint64_t layers);
size_t sources_count(const struct sources *sources);
const struct source_file *sources_at(const struct sources *sources, size_t index);
size_t sources_layer_count(const struct sources *sources);
const struct layer *sources_layer(const struct sources *sources, size_t index);

#endif
