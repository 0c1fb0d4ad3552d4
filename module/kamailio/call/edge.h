// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_EDGE_H
#define REFLOW_KAMAILIO_EDGE_H

#include "kamailio/base/ksr.h"

/*
 * RFC 5626 section 5.3: handles a request whose topmost Route (or Request-URI, if there is none) is this server with a
 * flow token as its user, of this module or of the outbound module. With the parameter `ob` the user part of a Route
 * must be a token. Without it, only a user part that has the form of a token is one, because add_path("edge1") of the
 * path module writes other texts there. Returns 1: it will be sent over the token's flow, and the Route is removed:
 * t_on_failure(), t_relay(). 2: it is outgoing, by sip_loose_route(): the seal of the Route shows that the phone's side
 * has sent it (3261-16.4.a), or without a seal it arrived on the token's flow (5626-5.3.a). -1: no token: loose_route()
 * too. 0, the script ends: answered with 403 (5626-5.3.b) or 430 (5626-5.3.c), or an ACK that has no way.
 */
int sip_flow_forward(struct sip_msg *msg);

/* mod_init: warns if the outbound module does not use its secret. Returns 0. */
int edge_start(void);

#endif
