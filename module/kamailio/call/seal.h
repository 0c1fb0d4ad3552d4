// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_SEAL_H
#define REFLOW_KAMAILIO_SEAL_H

#include "kamailio/base/ksr.h"

/*
 * 3261-16.4.a: a Route of this server permits relaying only with a seal. The rr module writes Record-Route and follows
 * Route. This code adds a parameter `seal` to Record-Route, which nobody else can make and which is valid only with the
 * same Call-ID, and requires it in Route. Without it, anybody with a made-up To tag and a Route that names this server
 * could send anything anywhere.
 */

/* mod_init: reads the keys, or creates the file (modparam route_keys; without it the keys are valid for this run).
   Returns 0 or -1. */
int seal_start(void);
void seal_end(void); /* in each process */

/* record_route() with the seal: 1, or -1. */
int sip_record_route(struct sip_msg *msg);

/* loose_route() for a request whose topmost Route (or Request-URI after a strict router) is sealed; returns its
   result. Returns -1 without a seal, and changes nothing. */
int sip_loose_route(struct sip_msg *msg);

#endif
