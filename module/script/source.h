// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_SOURCE_H
#define REFLOW_SCRIPT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "host/host.h"

/* The bytes of a script file. */
struct source {
    char *bytes;
    size_t length;
    size_t size; /* of the block */
    uint64_t hash;
};

/* 0; -EFBIG above `most` bytes; -ENOMEM; or what open and read gave. Safe to destroy after any return. */
int source_create(struct source *source, const struct host *host, const char *path, size_t most);
void source_destroy(struct source *source, const struct host *host);

#endif
