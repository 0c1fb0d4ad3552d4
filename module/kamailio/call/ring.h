// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_RING_H
#define REFLOW_KAMAILIO_RING_H

#include "kamailio/call/call.h"

/* A policy's next_after: from now on, at this interval in ms (to a sixteenth of a second), the next target of the
   call is tried in addition to the pending ones, while there are targets and no final response was forwarded. The
   transaction is held meanwhile. Does nothing if it was started before or if there is nothing to try. */
void ring_start(struct cell *t, struct call *call);

/* Starts the next target now. Under call_lock(), in any process; returns true if there may be more targets. */
bool ring_beside(struct cell *t, struct call *call);

#endif
