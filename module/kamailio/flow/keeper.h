// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_KEEPER_H
#define REFLOW_KAMAILIO_KEEPER_H

#include "kamailio/base/ksr.h"

#include "flow/binding.h"

/*
 * A process of the module's own that carries out what follows from a dead flow: bindings go (and with them those at
 * DMQ peers, by usrloc's callbacks), waiting branches fail over, events run. It is told of by whoever notices:
 * SREV_TCP_CLOSED in Kamailio's TCP main process; usrloc's expiry of a binding that missed its keep-alives; a poll
 * where the event has no slot left, and for connections that time out without one.
 */

enum flow_down_reason { FLOW_CLOSED, FLOW_KEEPALIVE, FLOW_SEND_FAILED, FLOW_RESPONSE };

/* The flow that a waiting branch uses is dead. Returns the branch's index if the branch must fail now (5626-7.h), or
   -1. Called without tm's locks. */
typedef int keeper_branch_down(struct cell *t, const str *ruid);

/* In mod_init: makes the pipe and the shared state, and registers one process. */
int keeper_create(keeper_branch_down *branch_down);
int keeper_listen(void); /* child_init(PROC_INIT): takes the event if it is free */
int keeper_start(void);  /* child_init(PROC_MAIN): forks */
void keeper_destroy(void);

/* Never blocks; may be called in TCP main. What does not fit the pipe is found by the next poll. */
void keeper_flow_down(flow_id flow, enum flow_down_reason reason);
/* The same of one that flow_lives() denies. Nothing is marked: a binding of the run before may bear the number of a
   connection that this run has yet to see. */
void keeper_flow_gone(flow_id flow);

const char *flow_down_reason_name(enum flow_down_reason reason); /* "closed", "keepalive", "send", "430" */

/* Remove one binding from usrloc, its callbacks told. 0; -ENOENT where it is gone. Not under usrloc's locks. */
int contact_drop(const char *table, unsigned aor_hash, const str *ruid);

#endif
