// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_EDGE_H
#define REFLOW_KAMAILIO_EDGE_H

#include "kamailio/ksr.h"

/* RFC 5626 section 5.3: a request whose topmost Route (or Request-URI) carries a flow token of the outbound module.
   2: the token is the request's own source, it goes out (5626-5.3.a); 1: it will go over the token's flow, relay it;
   0: answered with 403 (5626-5.3.b) or 430 (5626-5.3.c); -1: no token. */
int sip_flow_forward(struct sip_msg *msg);

int edge_start(void); /* mod_init: warns of an outbound module whose secret is the broken one */

#endif
