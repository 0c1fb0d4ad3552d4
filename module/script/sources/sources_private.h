// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_SOURCES_PRIVATE_H
#define REFLOW_SCRIPT_SOURCES_PRIVATE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "script/sources/sources.h"

/* What sources.c (files that are read) and sources_save.c (the one file that keeps them) share. */

struct kept_file {
    struct source_file file;
    char *block; /* the name, then the bytes, each with a NUL */
    size_t size; /* of the block */
};

struct sources {
    const struct host *host;
    atomic_uint references;
    uint64_t hash;
    struct kept_file *files;
    size_t count, capacity;
    size_t layer_count;
    struct layer layers[];
};

#define FNV_START UINT64_C(0xcbf29ce484222325) /* FNV-1a, 64 bits */
#define FNV_PRIME UINT64_C(0x100000001b3)

uint64_t sources_checksum(const void *bytes, size_t length);

/* Until the end of file, or `size` bytes: a file that grows while it is read ends at the size it had. How many; or a
   negative errno. */
ssize_t sources_read_all(int file, char *bytes, size_t size);

/* One reference, no files; `layers` NULL: all zero. NULL: no memory. */
struct sources *sources_allocate(const struct host *host, const struct layer *layers, size_t count);

/* Adds a file with room for the bytes that `file` says, which the caller fills in; what `file` points to is copied but
   for them. 0 or -ENOMEM. */
int sources_add(struct sources *sources, const struct source_file *file, char **bytes);

/* Once all files are there: the hash. */
void sources_finish(struct sources *sources);

#endif
