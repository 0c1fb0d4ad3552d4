// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_NAT_PING_H
#define REFLOW_STANDALONE_NAT_PING_H

#include "standalone/server/server.h"

/*
 * Keeps phones without reg-id behind NAT alive (config.nat_ping): each flow over which such a phone is called gets a
 * ping in each interval, whatever the number of bindings on it. After three pings without an answer the flow is dead
 * and its bindings are removed. A user agent with reg-id keeps its flow itself (RFC 5626 4.4).
 */

/* A binding was added or updated: its flow is pinged from now on if the binding needs it. A REGISTER is a sign of life.
   Changes no binding. */
void nat_pings_note(struct server *server, const struct binding_view *view);
/* The number of flows that are pinged. */
size_t nat_pings_count(const struct server *server);
void nat_pings_clear(struct server *server);

#endif
