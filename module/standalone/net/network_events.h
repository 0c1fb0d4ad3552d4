// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_NETWORK_EVENTS_H
#define REFLOW_STANDALONE_NETWORK_EVENTS_H

#include "core/text.h"
#include "standalone/net/peer.h"
#include "standalone/net/refusal.h"
#include "standalone/net/timer.h"

struct server;

/* The reasons of flow_down() for a connection that could not be opened, so that nothing was sent over it: it was not
   open in time, or it was refused. */
#define FLOW_UNOPENED "connect"
#define FLOW_REFUSED  "connect-refused"

/*
 * What the network tells and asks the server for which it receives. server/server.h has the contracts: each member is
 * the function server_<member>() there.
 */
struct network_events {
    void (*received)(struct server *server, const struct peer *source, const char *bytes, size_t length);
    void (*received_fault)(struct server *server, const struct peer *source, const char *bytes, size_t length,
                           uint16_t status);
    void (*connection_refused)(struct server *server, const struct peer *source, enum refusal reason, uint32_t status,
                               const char *detail);
    bool (*may_keep_alive)(struct server *server, const struct peer *source);
    void (*flow_down)(struct server *server, flow_id flow, const char *reason);
    void (*datagram_returned)(struct server *server, const struct peer *peer, struct text quoted);
    bool (*flow_is_bound)(const struct server *server, flow_id flow);
    bool (*flow_is_outbound)(const struct server *server, flow_id flow);
    struct timers *(*timers)(struct server *server);
};

#endif
