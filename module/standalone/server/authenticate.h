// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_AUTHENTICATE_H
#define REFLOW_STANDALONE_AUTHENTICATE_H

#include "standalone/server/caller.h"

/*
 * Asks for credentials (RFC 3261 22): a REGISTER for this registrar needs those of the user in To, and any other new
 * request from a domain of this server those of the user in From. Requests inside a dialog, requests from trunks, and
 * urn:service:sos need none. It is done before there is a transaction, so that requests of strangers are not kept (RFC
 * 3261 26.3.2.4).
 */

struct route;

/* Returns true if the request may be handled, with the AOR of its credentials in `user`, which is empty if it needs
   none and has none. Otherwise it was answered. `route` is that of the request. */
bool authenticate_request(struct server *server, const struct sip_message *request, const struct peer *source,
                          const struct route *route, char user[CALLER_USER_MOST]);

#endif
