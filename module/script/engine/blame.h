// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_BLAME_H
#define REFLOW_SCRIPT_BLAME_H

#include <stdbool.h>
#include <stdint.h>

/* The sources whose failures have been counted in a window, so that each counts once. */

enum {
    BLAME_AT_ONCE = 2, /* who sent the request, and who sent the response */
    BLAME_SOURCES = 16 /* beyond it the oldest is forgotten */
};

/* Zeroed it is empty. */
struct blame {
    uint64_t sources[BLAME_SOURCES];
    uint32_t next;
};

/* Notes who may have caused a failure; 0 stands for a source that is not known. False if one of them is noted already:
   the failure must not count then. Failures of unknown sources always count. */
bool blame_add(struct blame *blame, const uint64_t sources[BLAME_AT_ONCE]);

#endif
