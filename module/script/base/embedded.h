// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_EMBEDDED_H
#define REFLOW_SCRIPT_EMBEDDED_H

#include <stdbool.h>
#include <stddef.h>

/* The files in lua/reflow, embedded in this object so that the program needs no other files. */
struct embedded {
    const char *name;  /* path below lua/reflow without ".lua": "catalog/en" */
    const char *start; /* Lua source text, always valid, not terminated */
    size_t length;
};

size_t embedded_count(void);

/* The source at an index below that number; beyond it, a source whose name is NULL. */
struct embedded embedded_at(size_t index);

/* Returns false and leaves *out unchanged if there is no source with this name. */
bool embedded_find(const char *name, struct embedded *out);

#endif
