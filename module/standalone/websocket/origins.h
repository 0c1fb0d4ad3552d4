// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_ORIGINS_H
#define REFLOW_STANDALONE_ORIGINS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

/*
 * The web origins whose pages may open a WebSocket (RFC 6455 10.2). Two origins are equal if scheme, host and port are
 * equal (RFC 6454 5). Scheme and host are compared without regard to case, and the default port of the scheme (80, 443)
 * may be omitted. An IPv6 host is compared as it is written.
 */

enum { ORIGINS_MOST = 64, ORIGIN_LENGTH_MOST = 300 };

struct origins {
    struct text list[ORIGINS_MOST]; /* borrowed, as written */
    size_t count;                   /* 0: all origins are allowed */
};

/* Adds "SCHEME://HOST" or "SCHEME://HOST:PORT". 0; -EINVAL: it is not an origin ("null" is refused, because every page
   can send it); -ENOSPC. */
int origins_add(struct origins *origins, struct text origin);

/* Returns whether a page of this origin (the header field Origin) may open a WebSocket. True for a NULL or empty
   origin. */
bool origins_have(const struct origins *origins, struct text origin);

#endif
