// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_EMBEDDED_H
#define REFLOW_SCRIPT_EMBEDDED_H

#include <stdbool.h>
#include <stddef.h>

/* The sources below lua/reflow, carried inside this object, so that one file is enough to run. */
struct embedded {
    const char *name;  /* path below lua/reflow without ".lua": "catalog/en" */
    const char *start; /* Lua source text, for ever good; not terminated */
    size_t length;
};

size_t embedded_count(void);

/* The source at an index below that; beyond it a name of NULL. */
struct embedded embedded_at(size_t index);

/* False, and *out untouched, where no source has this name. */
bool embedded_find(const char *name, struct embedded *out);

#endif
