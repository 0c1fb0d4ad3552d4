// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_CALLER_H
#define REFLOW_STANDALONE_CALLER_H

#include "standalone/server/server.h"

/* Who sent a request. It is determined once for each request, before a policy sees the request. */

enum { CALLER_USER_MOST = 256 };

struct caller {
    char user[CALLER_USER_MOST]; /* the authenticated AOR without its scheme; empty: not authenticated */
    struct text trunk;           /* the text of the --trunk or --trunk-cert that names the sender; empty: no trunk */
    bool registered;             /* a current binding of the AOR in From was made over the flow of the request */
};

/* Sets everything but the user, which is empty then. */
void caller_determine(const struct server *server, const struct sip_message *request, const struct peer *source,
                      struct caller *caller);
/* The fields of `call` in hooks. The result borrows from the caller. */
void caller_show(const struct caller *caller, struct script_call *call);

/* The text of the --trunk-cert that the TLS peer has proved, or else of the --trunk that has the address; empty: the
   sender is no trunk. */
struct text caller_trunk(const struct server *server, const struct peer *source);
/* The limits of a source do not hold for it: a trunk, an address of --trust, loopback, the server itself. */
bool caller_is_exempt(const struct server *server, const struct peer *source);

#endif
