// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_SEAL_H
#define REFLOW_KAMAILIO_SEAL_H

#include "kamailio/base/ksr.h"

#include "core/text.h"

/*
 * 3261-16.4.a: a Route of this server permits relaying only with a seal. The rr module writes Record-Route and follows
 * Route. This code adds a parameter `seal` to Record-Route, which nobody else can make and which is valid only with the
 * same Call-ID, and requires it in Route. Without it, anybody with a made-up To tag and a Route that names this server
 * could send anything anywhere.
 */

/* mod_init, after flow_token_start(): reads the keys, or creates the file (modparam route_keys, or else token_keys;
   without both the keys are valid for this run). Returns 0 or -1. */
int seal_start(void);

/* record_route() with the seal: 1, or -1. The seal also contains the From tag and, at an edge, which side is the phone
   and the addresses of its flow. */
int sip_record_route(struct sip_msg *msg);

/* loose_route() for a request whose topmost Route (or Request-URI after a strict router) is sealed; returns its
   result. A request that the phone's side has sent never follows the flow token in its Route. Returns -1 without a
   seal, and changes nothing. */
int sip_loose_route(struct sip_msg *msg);

/* The direction of a request inside a dialog at an edge, by the seal of its topmost Route, wherever it came from. */
enum seal_way {
    SEAL_UNKNOWN,    /* no valid seal, or it names no phone, or the tags are those of another dialog */
    SEAL_FROM_PHONE, /* *flow is not set */
    SEAL_TO_PHONE    /* *flow is the phone's flow when the dialog was recorded; protocol TCP without addresses for any
                        stream, because connections do not survive a restart */
};
enum seal_way seal_way(struct sip_msg *msg, struct receive_info *flow);

/* A digest of a user agent, the instance of that AOR, which only this server can make; 0: rr is not loaded. */
uint32_t seal_owner(struct text aor, struct text instance);

/* loose_route() of the rr module without the flow token of the topmost Route, which must exist; returns its result. */
int seal_loose_route(struct sip_msg *msg);

#endif
