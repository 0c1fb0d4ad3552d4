// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_PASSED_H
#define REFLOW_STANDALONE_PASSED_H

#include "standalone/server/server.h"

/*
 * The registrations that have passed through this server as an edge. A dialog finds in them the flow on which its user
 * agent has registered last. They give no right to be relayed, and no new request is sent to them: the registrar behind
 * the edge decides about that.
 */

/* A registrar has accepted the REGISTER, which came from `source`, for this time. */
void passed_note(struct server *server, const struct sip_message *request, const struct peer *source, uint32_t seconds);

#endif
