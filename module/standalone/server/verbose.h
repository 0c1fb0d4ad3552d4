// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_VERBOSE_H
#define REFLOW_STANDALONE_VERBOSE_H

#include "standalone/server/server.h"

/* Lines in the log with --verbose. */

struct context;

/* A line in the log, with --verbose. */
void verbose_registered(const struct server *server, const struct peer *from, struct text aor, size_t contacts);
void verbose_register_refused(const struct server *server, const struct peer *from, struct text aor, uint32_t status);
void verbose_user_removed(const struct server *server, struct text aor, size_t bindings);
void verbose_flow_down(const struct server *server, flow_id flow, const char *reason);
void verbose_silent(const struct server *server, struct text destination);
/* `what` has happened: "has failed", "answers again". */
void verbose_address(const struct server *server, unsigned transport, const union address *address, const char *what);
void verbose_call_ended(const struct context *context, uint32_t status);

#endif
