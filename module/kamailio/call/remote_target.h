// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_REMOTE_TARGET_H
#define REFLOW_KAMAILIO_REMOTE_TARGET_H

#include "kamailio/base/ksr.h"

/*
 * The remote target of a dialog (RFC 3261 12.2.1.1) as a Request-URI. nathelper's add_contact_alias() writes into a
 * Contact the address that it came from: `alias`. Its handle_ruri_alias() sends there, even if that connection is gone.
 */

/*
 * 3261-16.6.b: for a request inside a dialog without a further Route. Removes the alias from the Request-URI, and uses
 * the flow of the other side: the connection of the alias if it is open; or else the flow of the binding that To's
 * user has in `table` with this Contact, because the phone has registered again; or else, over UDP, the address of the
 * alias. If there is none, the Request-URI is used, over a new connection. Returns 1: the request will be sent over a
 * flow. 2: it will be sent to the Request-URI. 0, the script ends: answered with 480, because an outbound flow, a
 * WebSocket or a connection from behind a NAT is gone. -1: the Request-URI cannot be read.
 */
int sip_handle_alias(struct sip_msg *msg, const str *table);

#endif
