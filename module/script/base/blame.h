// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_BLAME_H
#define REFLOW_SCRIPT_BLAME_H

#include <stdbool.h>
#include <stdint.h>

/* The sources whose failures were counted in the current window, so that each source counts once. */

enum {
    BLAME_AT_ONCE = 2, /* the sender of the request and the sender of the response */
    BLAME_SOURCES = 16 /* beyond it the oldest is forgotten */
};

/* All zero: empty. */
struct blame {
    uint64_t sources[BLAME_SOURCES];
    uint32_t next;
};

/* Records the sources that may have caused a failure; 0 stands for an unknown source. Returns false if one of them
   was recorded before: then the failure must not be counted. Failures of unknown sources always count. */
bool blame_add(struct blame *blame, const uint64_t sources[BLAME_AT_ONCE]);

#endif
