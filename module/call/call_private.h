// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CALL_CALL_PRIVATE_H
#define REFLOW_CALL_CALL_PRIVATE_H

#include "call/response_context.h"
#include "script/engine/judge.h"

/* Between the files of this folder. */

/* follow.c */
void call_others_read(const struct response_context *context, struct call_others *others);
/* What the decision drops: the flow with its bindings, or one binding. */
void branch_drop(struct call_branch *branch, const struct decision *decision);
/* The target of a branch that has ended is tried again or not, and its instance with it (5626-7.c). */
void branch_mark(struct call_branch *branch);

/* verdict.c */
/* Asks the policy's response hooks. A verdict that may not be carried out is refused, counted and logged. */
void verdict_ask(struct call_event *event);
/* What goes along with the decision: a rest, a Retry-After. */
void verdict_take_aside(struct call_event *event);
/* What the verdict puts in place of the decision's action, into the branch, which has ended. */
void verdict_replace_action(struct call_event *event);
/* The branch goes on: what the verdict adds is tried beside it. */
void verdict_try_beside(struct call_event *event);

#endif
