// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_RECONNECT_H
#define REFLOW_KAMAILIO_RECONNECT_H

#include "kamailio/base/ksr.h"

#include "kamailio/call/call.h"

/* A transaction whose connection was closed before it ended: where its last messages are sent. tm keeps the address
   and the number of the connection, and would connect to the port from which the peer had connected. */

/* 3261-18.2.2.a: from now on a response whose connection is gone is sent to Via's address and port. In mod_init.
   Returns 0 or -1. */
int reconnect_listen(void);

/* 3261-17.a, 5626-7.h: the flow of the INVITE has died, no other one was known, and the phone has answered over a new
   one: tm sends the ACK of the failure there. Under tm's reply lock, before tm handles the response. */
void reconnect_aim_ack(struct cell *t, const struct ksr_branch *branch, const struct receive_info *from);

#endif
