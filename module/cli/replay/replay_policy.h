// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CLI_REPLAY_POLICY_H
#define REFLOW_CLI_REPLAY_POLICY_H

#include "cli/replay/replay_context.h"
#include "core/guard.h"
#include "script/engine/engine.h"

/* A policy asked about a recorded response, and what the guardrails make of its answer. */

struct replay_subject {
    const struct replay_call *call;
    const struct sip_message *response; /* NULL: from a decision log, or none came */
    const struct facts *facts;
    const struct state *state;
    const struct decision *decision;
    struct text aor, destination, flow, instance; /* aor empty: from the request */
};

struct replay_answer {
    enum script_outcome outcome;
    struct script_verdict verdict; /* SCRIPT_VERDICT */
    enum rule_id refused;
    bool inside; /* refused: inside a dialog nothing is forked */
};

/* Whether a policy is asked at all: not about 100, and not about what the transaction keeps to itself. */
bool replay_policy_is_asked(const struct facts *facts, const struct decision *decision);
void replay_policy_ask(struct script *script, const struct replay_subject *subject, struct replay_answer *answer);

/* "relay sip:vm@media", "core", "error", "refused fail 430 (5626-11.5.a)"; what differs in words differs in effect. */
void replay_answer_words(const struct replay_answer *answer, bool mask, char *out, size_t size);

/* A request made up from a response or a record, where none was seen. NULL: memory is out, or it makes no sense. */
struct sip_message *replay_request_like(const struct host *host, const struct sip_message *response);
struct sip_message *replay_request_for(const struct host *host, const struct replay_record *record);

/* Digits of the user part of a URI become 'x'. In place. */
void replay_mask(char *uri);

#endif
