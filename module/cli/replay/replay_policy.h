// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_REPLAY_POLICY_H
#define REFLOW_CLI_REPLAY_POLICY_H

#include "cli/replay/replay_context.h"
#include "core/guard.h"
#include "script/engine/engine.h"

/* Passes a recorded response to a policy, and checks the verdict against the guardrails. */

struct replay_subject {
    const struct replay_call *call;
    const struct sip_message *response; /* NULL: from a decision log, or there was none */
    const struct facts *facts;
    const struct state *state;
    const struct decision *decision;
    struct text aor, destination, flow, instance; /* aor empty: from the request */
};

struct replay_answer {
    enum script_outcome outcome;
    struct script_verdict verdict; /* SCRIPT_VERDICT */
    enum rule_id refused;
    bool inside; /* refused: requests inside a dialog are not forked */
};

/* Returns whether a policy is called: not for 100, and not for responses that the transaction absorbs. */
bool replay_policy_is_asked(const struct facts *facts, const struct decision *decision);
void replay_policy_ask(struct script *script, const struct replay_subject *subject, struct replay_answer *answer);

/* The result as text: "relay sip:vm@media", "core", "error", "refused fail 430 (5626-11.5.a)". Different texts mean
   different effects. */
void replay_answer_words(const struct replay_answer *answer, bool mask, char *out, size_t size);

/* Builds a request from a response or a record if none was seen. NULL without memory, or if it is not possible. */
struct sip_message *replay_request_like(const struct host *host, const struct sip_message *response);
struct sip_message *replay_request_for(const struct host *host, const struct replay_record *record);

/* Digits of the user part of a URI become 'x'. In place. */
void replay_mask(char *uri);

#endif
