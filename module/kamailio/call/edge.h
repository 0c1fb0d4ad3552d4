// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_EDGE_H
#define REFLOW_KAMAILIO_EDGE_H

#include "kamailio/base/ksr.h"

/*
 * RFC 5626 section 5.3: a request whose topmost Route (or, where there is none, Request-URI) is this server with a flow
 * token of the outbound module as its user. In a Route that is this server any user is read as a token: nothing else
 * puts one there.
 *
 * 1: it will go over the token's flow, the Route is gone: t_on_failure(), t_relay(). 2: the token is that of the very
 * flow the request came over (5626-5.3.a): it goes out, by loose_route(). -1: no token: loose_route() too. 0, the
 * script ends: answered with 403 (5626-5.3.b) or 430 (5626-5.3.c), or an ACK that can go nowhere.
 */
int sip_flow_forward(struct sip_msg *msg);

/* mod_init: warns of an outbound module whose secret is not used. 0. */
int edge_start(void);

#endif
