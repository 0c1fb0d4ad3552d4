// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SCRIPT_JUDGE_H
#define REFLOW_SCRIPT_JUDGE_H

#include "core/guard.h"
#include "script/engine/engine.h"

/* A script's verdict as the guardrails see it: the same in every host, and in the tools that tell beforehand. Pure. */

/* Does it take the place of the core's action, or go along with it (accept, rest, retry_after)? */
bool verdict_replaces_action(enum verdict_kind kind);

/* Does it add a branch: a new target, another flow? */
bool verdict_adds_branch(enum verdict_kind kind);

/* The guardrail that the verdict on a response would break; RULE_NONE where it may be carried out. */
enum rule_id verdict_guard_response(const struct script_verdict *verdict, const struct facts *facts,
                                    const struct state *state, const struct decision *decision);

/* The same where no target is left; facts are those of the response that would go up. */
enum rule_id verdict_guard_exhausted(const struct script_verdict *verdict, const struct facts *facts,
                                     const struct state *state);

/* The same for a request that the script answers itself (reply, fail; every other kind is fine). facts: of the
   request. */
enum rule_id verdict_guard_answer(const struct script_verdict *verdict, const struct facts *request);

/* Call it after a request hook. Changes a challenge that cannot be sent, and logs this: an ACK, a CANCEL (3261-22.a)
   and an emergency call to urn:service:sos are handled as without a verdict. A sender that has authenticated gets 403,
   because it would answer another challenge with the same credentials. */
void verdict_settle_challenge(const struct host *host, const struct script_call *call, enum script_outcome *outcome,
                              struct script_verdict *verdict);

#endif
