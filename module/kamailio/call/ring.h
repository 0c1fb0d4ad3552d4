// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_RING_H
#define REFLOW_KAMAILIO_RING_H

#include "kamailio/call/call.h"

/* A policy's next_after: from now on, every so many ms (to a sixteenth of a second), the next target of the call is
   tried beside those that ring, while there are any and no final response has gone up. The transaction is held
   meanwhile. Nothing happens where it was started before, or there is nothing to try. */
void ring_start(struct cell *t, struct call *call);

/* The next target now. Under call_lock(), in any process; true where there may be one more to try. */
bool ring_beside(struct cell *t, struct call *call);

#endif
