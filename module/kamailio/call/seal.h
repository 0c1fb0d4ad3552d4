// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_SEAL_H
#define REFLOW_KAMAILIO_SEAL_H

#include "kamailio/base/ksr.h"

/*
 * 3261-16.4.a: a Route of ours gives a right to be relayed only with a seal. The rr module writes Record-Route and
 * follows Route; here a parameter is added to the one, `seal`, that nobody else can make and that is worth something
 * with the same Call-ID alone, and is asked for in the other. Without it, anybody who makes up a To tag and a Route
 * that names this server could have anything sent anywhere.
 */

/* mod_init: reads the keys, or makes the file (modparam route_keys; without one they are of this run). 0 or -1. */
int seal_start(void);
void seal_end(void); /* in each process */

/* record_route() with the seal: 1, or -1. */
int sip_record_route(struct sip_msg *msg);

/* loose_route() for a request whose topmost Route, or Request-URI behind a strict router, is sealed: what it returns.
   -1 without a seal: nothing is changed. */
int sip_loose_route(struct sip_msg *msg);

#endif
