// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_ORIGINS_H
#define REFLOW_STANDALONE_ORIGINS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/text.h"

/*
 * The web origins whose pages may open a WebSocket (RFC 6455 10.2). Origins are equal if scheme, host and port are
 * (RFC 6454 5): scheme and host without regard to case, and the port of the scheme (80, 443) stands for none. An IPv6
 * host is compared as it is written.
 */

enum { ORIGINS_MOST = 64, ORIGIN_LENGTH_MOST = 300 };

struct origins {
    struct text list[ORIGINS_MOST]; /* borrowed, as written */
    size_t count;                   /* 0: pages of all origins may */
};

/* Adds "SCHEME://HOST" or "SCHEME://HOST:PORT". 0; -EINVAL: it is not an origin ("null" is refused, because every page
   can send it); -ENOSPC. */
int origins_add(struct origins *origins, struct text origin);

/* May a page of this origin, as in the header field Origin, open a WebSocket? True for NULL or empty origins. */
bool origins_have(const struct origins *origins, struct text origin);

#endif
