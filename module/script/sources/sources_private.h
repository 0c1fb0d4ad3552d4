// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_SOURCES_PRIVATE_H
#define REFLOW_SCRIPT_SOURCES_PRIVATE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "script/sources/sources.h"

/* Shared by sources.c, which reads the files, and sources_save.c, which stores them in one file. */

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

/* Reads to the end of the file, or `size` bytes: a file that grows meanwhile ends at the size that it had. Returns
   the number of bytes, or a negative errno. */
ssize_t sources_read_all(int file, char *bytes, size_t size);

/* Creates sources with one reference and no files; `layers` NULL: all zero. Returns NULL without memory. */
struct sources *sources_allocate(const struct host *host, const struct layer *layers, size_t count);

/* Adds a file with room for its bytes, which the caller fills in; everything else that `file` points to is copied.
   Returns 0 or -ENOMEM. */
int sources_add(struct sources *sources, const struct source_file *file, char **bytes);

/* Computes the hash, after all files were added. */
void sources_finish(struct sources *sources);

#endif
