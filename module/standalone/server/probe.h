// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_PROBE_H
#define REFLOW_STANDALONE_PROBE_H

#include "standalone/server/server.h"

/* OPTIONS over a flow that an ICMP error has made doubtful (server_datagram_returned()), and for nat_ping.h. */

struct cause;
struct client_events;
struct client_transaction;
struct options;

/* Sends an OPTIONS to the peer. The transaction is charged to the cause and reports to `events`. Returns 0, -ENOMEM, or
   -EMSGSIZE if the request cannot be written. */
int probe_send_options(struct server *server, const struct peer *peer, const struct options *options,
                       struct cause *cause, const struct client_events *events, void *user,
                       struct client_transaction **out);

void probes_clear(struct server *server);

#endif
