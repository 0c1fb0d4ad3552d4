// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_HOLDINGS_H
#define REFLOW_FLOW_HOLDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/table.h"

/*
 * The bytes that a server stores for a while because of what sources have sent, in total and for each source. Rates
 * are limited elsewhere, but a source within its rate may send messages of 64 kB, which are kept for 32 seconds, or
 * registrations, which are kept for hours.
 *
 * A source is a number as in source_number.h; 0 means a source without a limit, for which nothing is counted. One
 * thread, or under a lock of the host.
 */

struct holdings_limits {
    uint32_t bytes, source_bytes;
};

struct holdings {
    const struct host *host;
    struct holdings_limits limits;
    struct table sources;
    uint64_t bytes;
};

int holdings_create(struct holdings *holdings, const struct host *host, const struct holdings_limits *limits);
void holdings_destroy(struct holdings *holdings); /* fine where it is all zeros */

/* Returns whether this many additional bytes are within the limits. */
bool holdings_fit(const struct holdings *holdings, uint64_t source, size_t bytes);

/* Both always succeed, also beyond the limits. Without memory the bytes are counted only in total. */
void holdings_add(struct holdings *holdings, uint64_t source, size_t bytes);
void holdings_remove(struct holdings *holdings, uint64_t source, size_t bytes);

#endif
