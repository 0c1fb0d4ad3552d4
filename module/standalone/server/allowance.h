// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_ALLOWANCE_H
#define REFLOW_STANDALONE_ALLOWANCE_H

#include "standalone/server/server.h"

/* What is refused, and how much a source may send. */

/* Counts and logs a refused request (refusal.h). request NULL: what came is no request that could be read; status 0: it
   is dropped; detail NULL: nothing more to say. */
void server_refused(struct server *server, const struct sip_message *request, const struct peer *source,
                    enum refusal reason, uint32_t status, const char *detail);

/* The limits per source (source_limits.h). False: what has come is dropped, or the answer is not sent; it
   has been counted and logged. Over a stream the connection is closed then. */
bool server_may_read(struct server *server, const struct peer *source);
/* Failing answers are limited, except to calls for help. To be asked once for each answer, before it is first sent. */
bool server_may_answer(struct server *server, const struct sip_message *request, const struct peer *source,
                       uint32_t status);
/* The same for a failure that its status alone does not show: a challenge after wrong credentials. */
bool server_may_fail(struct server *server, const struct peer *source, bool proved);
/* A Request-URI of urn:service:sos or one of its kinds: never limited. */
bool server_is_emergency(struct text uri);
/* What a message begins with, before it is read. START_OTHER: a request, or nothing that could be read. */
enum message_start { START_OTHER, START_RESPONSE, START_EMERGENCY };
enum message_start message_start(const char *bytes, size_t length);

#endif
