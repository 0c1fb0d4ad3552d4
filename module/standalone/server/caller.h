// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_CALLER_H
#define REFLOW_STANDALONE_CALLER_H

#include "standalone/server/server.h"

/* Who sent a request. It is determined once for each request, before a policy sees the request. */

enum { CALLER_USER_MOST = 256 };

/* What a request may do (3261-16.3.a). */
enum caller_right {
    CALLER_UNCHECKED, /* callers are not checked, or not for this request */
    CALLER_MAY_LEAVE, /* an authenticated user, or a trunk */
    CALLER_BOUND,     /* a stranger: to the bindings of this server alone */
    CALLER_REFUSED,   /* nothing: what From says has to be proved, or strangers are refused */
};

struct caller {
    char user[CALLER_USER_MOST]; /* the authenticated AOR without its scheme; empty: not authenticated */
    struct text trunk;           /* the text of the --trunk or --trunk-cert that names the sender; empty: no trunk */
    struct peer source;          /* of the first request, if this one has returned through the server itself */
    uint8_t right;               /* enum caller_right */
    bool registered;             /* a current binding of the AOR in From was made over the flow of the request */
};

/* Sets everything but the user, which is empty then, and the right. */
void caller_determine(const struct server *server, const struct sip_message *request, const struct peer *source,
                      struct caller *caller);
/* Sets the right, by the user and the trunk. Not for a request along the seal of a dialog or a flow token, which give
   rights of their own. */
void caller_judge(const struct server *server, const struct sip_message *request, struct caller *caller);
/* The branch by which this server has sent the request to itself, with the caller of the first one; NULL: it comes from
   somebody else. */
struct branch;
const struct branch *caller_returned_branch(const struct server *server, const struct sip_message *request,
                                            const struct peer *source);
/* The fields of `call` in hooks. The result borrows from the caller. */
void caller_show(const struct caller *caller, struct script_call *call);

/* The text of the --trunk-cert that the TLS peer has proved, or else of the --trunk that has the address; empty: the
   sender is no trunk. */
struct text caller_trunk(const struct server *server, const struct peer *source);
/* Whom the bytes count for that a message makes the server keep or send (holdings.h, load.h): the source of the first
   request where this one has returned through the server itself; 0: nobody. A datagram does not prove its source, so it
   counts apart from what comes from there over connections. */
source_id caller_holder(const struct server *server, const struct sip_message *request, const struct peer *source);

/* Whether a Proxy-Authorization field has credentials for a realm of this server, which are not sent on (RFC
   3261 22.3). For struct sip_forward; context is the server. */
bool caller_consumes(const void *context, const struct sip_field *field);

#endif
