// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"
#include "standalone/server/answer.h"
#include "standalone/server/context.h"
#include "script/engine/judge.h"

#include <stdio.h>

/* Checks a policy's response to a request against the guardrails. */

void verdict_note_refused(struct server *server, const struct script_verdict *verdict, enum rule_id rule)
{
    char line[160];
    const struct host *host = server->config.host;
    server->counters.verdicts_refused++;
    snprintf(line, sizeof line, "verdict %s refused: it would break rule %s", verdict_name(verdict->kind),
             rule_at(rule)->id);
    host->log(host->context, LOG_WARNING, line);
}

bool verdict_may_answer(struct server *server, const struct facts *request, const struct script_verdict *verdict)
{
    enum rule_id rule = verdict_guard_answer(verdict, request);
    if (rule != RULE_NONE)
        verdict_note_refused(server, verdict, rule);
    return rule == RULE_NONE;
}
