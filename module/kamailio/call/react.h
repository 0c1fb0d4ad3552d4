// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_REACT_H
#define REFLOW_KAMAILIO_REACT_H

#include "kamailio/base/ksr.h"

#include "kamailio/call/call.h"

/* In mod_init: registers the functions that run when a route has ended. Returns 0 or -1. */
int react_create(void);

/* 3261-16.9.a: until the current route ends, a request that tm cannot send fails as a branch does, and t_relay()
   succeeds. */
void react_to_sending(void);

/* For struct transaction_events. */
void react_on_branch_failure(struct cell *t, struct call *call, struct tmcb_params *params);
void react_on_failure(struct cell *t, struct call *call, struct tmcb_params *params);
void react_on_reply(struct cell *t, struct call *call, struct tmcb_params *params);
void react_on_cancel(struct cell *t, struct call *call);

/* No target is left and `code` would be forwarded: calls the policy. Returns true if it has added targets to the
   call. t NULL: nothing was sent yet; reply NULL: there is no response. */
bool react_ask_exhausted(struct cell *t, struct call *call, struct sip_msg *request, struct sip_msg *reply,
                         struct call_branch *branch, uint32_t code);

/* No branch is pending, and no final response was sent: the policy may add targets, and otherwise the best response is
   forwarded. Under the reply lock. */
void react_to_exhaustion(struct sip_msg *msg, struct cell *t, struct call *call);

#endif
