// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_KEEPER_H
#define REFLOW_KAMAILIO_KEEPER_H

#include "kamailio/base/ksr.h"

#include "flow/binding.h"

/*
 * A process of the module that handles dead flows: bindings are removed (with those at DMQ peers, by usrloc's
 * callbacks), waiting branches fail over, events run. It is informed by SREV_TCP_CLOSED in Kamailio's TCP main process,
 * by usrloc's expiry of a binding without keep-alives, and by a poll if the event is not available and for connections
 * that time out without one.
 */

enum flow_down_reason { FLOW_CLOSED, FLOW_KEEPALIVE, FLOW_SEND_FAILED, FLOW_RESPONSE };

/* The flow of a waiting branch is dead. Returns the branch's index if the branch must fail now (5626-7.h), or -1.
   Called without tm's locks. */
typedef int keeper_branch_down(struct cell *t, const str *ruid);

/* In mod_init: creates the pipe and the shared state, and registers one process. */
int keeper_create(keeper_branch_down *branch_down);
int keeper_listen(void); /* child_init(PROC_INIT): takes the event if it is free */
int keeper_start(void);  /* child_init(PROC_MAIN): forks */
void keeper_destroy(void);

/* Never blocks; may be called in TCP main. The next poll finds what does not fit into the pipe. */
void keeper_flow_down(flow_id flow, enum flow_down_reason reason);
/* The same for a flow for which flow_lives() is false. Nothing is marked, because a binding of the previous run may
   have the number of a later connection of this run. */
void keeper_flow_gone(flow_id flow);

const char *flow_down_reason_name(enum flow_down_reason reason); /* "closed", "keepalive", "send", "430" */

/* Removes one binding from usrloc, which runs its callbacks. FLOW_RESPONSE: whatever its flow. FLOW_CLOSED: only if its
   connection belongs to an earlier run. Returns 0; -ENOENT if it is gone; -EALREADY if it is kept. Not under usrloc's
   locks. */
int contact_drop(const char *table, unsigned aor_hash, const str *ruid, enum flow_down_reason reason);

#endif
