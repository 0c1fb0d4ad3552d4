// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_REMOTE_TARGET_H
#define REFLOW_KAMAILIO_REMOTE_TARGET_H

#include "kamailio/base/ksr.h"

/*
 * The remote target of a dialog (RFC 3261 12.2.1.1): the Contact that a user agent gives, and the Request-URI of the
 * other side. As nathelper does, Contact gets the address that it came from as a parameter `alias`; and beside that
 * `owner`, a digest that leads to the user agent after it has registered from another address.
 */

#define REMOTE_TARGET_OWNER ";owner="
enum { REMOTE_TARGET_OWNER_DIGITS = 8 };

/*
 * Adds `alias` to the Contact of a request, or of a 1xx or 2xx response, if the Contact is not the address that it came
 * from; and `owner` if a binding in `table` of the sender's user was made over this flow by an instance. Returns 1, 2
 * if there was nothing to add, or -1.
 */
int sip_add_alias(struct sip_msg *msg, const str *table);

/*
 * 3261-16.6.b: for a request inside a dialog without a further Route. Removes both parameters from the Request-URI, and
 * uses the flow of the other side: that of a binding in `table` of the user in To with that owner; or else the
 * connection of the alias if it is open; or else the flow of a binding with this Contact, because the phone has
 * registered again; or else, over UDP, the address of the alias. Without any of these, the Request-URI is used, over a
 * new connection. Returns 1: the request will be sent over a flow. 2: it will be sent to the Request-URI. 0, the script
 * ends: answered with 480, because an outbound flow, a WebSocket or a connection from behind a NAT is gone. -1: the
 * Request-URI cannot be set.
 */
int sip_handle_alias(struct sip_msg *msg, const str *table);

#endif
