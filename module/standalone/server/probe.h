// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_PROBE_H
#define REFLOW_STANDALONE_PROBE_H

#include "standalone/server/server.h"

/* OPTIONS over a flow that an ICMP error has made doubtful. */

/* ICMP errors; the rest of it is server_datagram_returned(). */

void probes_clear(struct server *server);

#endif
