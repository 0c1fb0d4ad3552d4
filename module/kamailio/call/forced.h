// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_FORCED_H
#define REFLOW_KAMAILIO_FORCED_H

#include "kamailio/call/call.h"

/*
 * 5626-7.e: a request for a stream flow is sent over its connection, and no connection is opened for it. Kamailio's
 * flag for that (SND_F_FORCE_CON_REUSE) belongs to the message, tm copies it to each branch, and the transaction keeps
 * it. Branches that lead elsewhere, such as those of the script, must not have it: so it is taken from the message as
 * soon as tm has copied it for the branch that it was set for, and other branches of stream flows get it in tm's
 * record.
 */

/* The branch is in the destination set; `alone`: tm builds it first. */
void forced_put(struct sip_msg *msg, struct call *call, const struct ksr_branch *branch, bool alone);

/* TMCB_REQUEST_FWDED: tm builds the branch that it will add next. A script may have changed its next hop: then it does
   not use the flow of the binding, and its end says nothing about that flow. */
void forced_built(struct cell *t, struct sip_msg *msg, struct call *call);

/* TMCB_REQUEST_OUT: the branch was sent, or could not be. One that has the flag although it leads elsewhere is sent
   again without it. */
void forced_sent(struct cell *t, struct call *call, int index);

/* For a request inside a dialog, which has no record: its first branch alone. */
void forced_first(struct sip_msg *msg);

#endif
