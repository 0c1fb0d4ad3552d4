// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_REST_H
#define REFLOW_STANDALONE_REST_H

#include "standalone/server/server.h"

/* Destinations that rest: nothing is sent there for a time. */

/* `tenant`: whose policy says so, and for whose calls alone it holds; empty: for all. */
void rest_set(struct server *server, struct text tenant, struct text destination, uint32_t seconds);
/* `aor`: of the call, which tells the tenant. */
bool rest_is_on(const struct server *server, struct text aor, struct text destination);
void rest_sweep(struct server *server);
void rest_clear(struct server *server);
size_t rest_count(const struct server *server);

#endif
