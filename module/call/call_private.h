// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CALL_CALL_PRIVATE_H
#define REFLOW_CALL_CALL_PRIVATE_H

#include "call/response_context.h"
#include "script/engine/judge.h"

/* Private declarations of this folder. */

/* follow.c */
void call_others_read(const struct response_context *context, struct call_others *others);
/* Drops what the decision says: the flow with its bindings, or one binding. */
void branch_drop(struct call_branch *branch, const struct decision *decision);
/* Marks the target of a branch that has ended: it is tried again or not, and its instance with it (5626-7.c). */
void branch_mark(struct call_branch *branch);

/* verdict.c */
/* Calls the policy's response hooks. A verdict that must not be carried out is refused, counted and logged. */
void verdict_ask(struct call_event *event);
/* Carries out the parts of a verdict that do not replace the decision: a rest, a Retry-After. */
void verdict_take_aside(struct call_event *event);
/* Stores the verdict's replacement of the decision's action in the branch, which has ended. */
void verdict_replace_action(struct call_event *event);
/* The branch continues: targets that the verdict adds are tried in addition to it. */
void verdict_try_beside(struct call_event *event);

#endif
