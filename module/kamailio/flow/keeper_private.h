// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_KEEPER_PRIVATE_H
#define REFLOW_KAMAILIO_KEEPER_PRIVATE_H

#include "kamailio/flow/keeper.h"

/* What the keeper's process does; nobody else calls these. */

void keeper_ask_branches(keeper_branch_down *ask);

/* Every branch that waits on a connection fails now, where the call wants it to (5626-7.h). */
void keeper_fail_waits(int connection);

/* Every binding on a dead flow goes (5626-7.f), each told to hooks and routes. Returns how many went. */
size_t keeper_drop_bindings(flow_id flow, enum flow_down_reason reason);

/* Look for connections that died without an event: those that branches wait on, and the next `most` of those that carry
   bindings; true where a round of these is complete. */
void keeper_poll_waits(void);
bool keeper_poll_bindings(size_t most);

void keeper_carry_out(flow_id flow, enum flow_down_reason reason);

#endif
