// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_REACT_H
#define REFLOW_KAMAILIO_REACT_H

#include "kamailio/ksr.h"

#include "kamailio/call.h"

/* In mod_init: what is done when a failure route has ended. 0 or -1. */
int react_create(void);

/* tm's callbacks for a transaction that has a call: call.c registers them and looks the call up. The first two run
   under tm's reply lock, with params->rpl the response (FAKED_REPLY: none came); the third before it is taken. */
void react_on_branch_failure(struct cell *t, struct call *call, struct tmcb_params *params);
void react_on_failure(struct cell *t, struct call *call, struct tmcb_params *params);
void react_on_reply(struct cell *t, struct call *call, struct tmcb_params *params);

#endif
