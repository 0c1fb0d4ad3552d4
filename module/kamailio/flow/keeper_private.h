// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_KEEPER_PRIVATE_H
#define REFLOW_KAMAILIO_KEEPER_PRIVATE_H

#include "kamailio/flow/keeper.h"

/* The functions of the keeper process; nothing else calls them. */

void keeper_ask_branches(keeper_branch_down *ask);

/* Fails every branch that waits on a connection, if the call wants it (5626-7.h). */
void keeper_fail_waits(int connection);

/* Removes every binding on a dead flow (5626-7.f), with hooks and event routes for each. Returns their number. */
size_t keeper_drop_bindings(flow_id flow, enum flow_down_reason reason);

/* Checks for connections that died without an event: those on which branches wait, and the next `most` of those with
   bindings. Returns true if a round of these is complete. */
void keeper_poll_waits(void);
bool keeper_poll_bindings(size_t most);

void keeper_carry_out(flow_id flow, enum flow_down_reason reason);

#endif
