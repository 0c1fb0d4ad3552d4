// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_REACT_H
#define REFLOW_KAMAILIO_REACT_H

#include "kamailio/base/ksr.h"

#include "kamailio/call/call.h"

/* In mod_init: what is done when a route has ended. 0 or -1. */
int react_create(void);

/* 3261-16.9.a: until the route that is run ends, what tm cannot send fails as a branch does, and t_relay() succeeds. */
void react_to_sending(void);

/* For struct transaction_events. */
void react_on_branch_failure(struct cell *t, struct call *call, struct tmcb_params *params);
void react_on_failure(struct cell *t, struct call *call, struct tmcb_params *params);
void react_on_reply(struct cell *t, struct call *call, struct tmcb_params *params);
void react_on_cancel(struct cell *t, struct call *call);

/* No target is left and `code` would go up: asks the policy. True where it has added targets to the call. t NULL:
   nothing has been sent yet; reply NULL: no response has come. */
bool react_ask_exhausted(struct cell *t, struct call *call, struct sip_msg *request, struct sip_msg *reply,
                         struct call_branch *branch, uint32_t code);

#endif
