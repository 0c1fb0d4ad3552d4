// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"

#include <stdio.h>

/* A policy's answer to a request, within the guardrails. */

bool verdict_may_answer(struct server *server, const struct facts *request, const struct script_verdict *verdict)
{
    char line[160];
    const struct host *host = server->config.host;
    enum rule_id rule = verdict_guard_answer(verdict, request);
    if (rule == RULE_NONE)
        return true;
    server->counters.verdicts_refused++;
    snprintf(line, sizeof line, "verdict %s refused: it would break rule %s", verdict_name(verdict->kind),
             rule_at(rule)->id);
    host->log(host->context, LOG_WARNING, line);
    return false;
}
