// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/server/server_private.h"

#include <stdio.h>

/* Verdicts of scripts that may not be carried out. */

void verdict_refuse(struct server *server, const struct script_verdict *verdict, uint32_t code, const char *why,
                    enum rule_id rule)
{
    char line[160], on[16] = "";
    const struct host *host = server->config.host;
    if (code != 0)
        snprintf(on, sizeof on, " on %u", code);
    server->counters.verdicts_refused++;
    snprintf(line, sizeof line, "verdict %s%s refused: %s%s%s", verdict_name(verdict->kind), on, why,
             rule != RULE_NONE ? " " : "", rule != RULE_NONE ? rule_at(rule)->id : "");
    host->log(host->context, LOG_WARNING, line);
}

bool verdict_may_answer(struct server *server, const struct facts *request, const struct script_verdict *verdict)
{
    enum rule_id rule = verdict_guard_answer(verdict, request);
    if (rule != RULE_NONE)
        verdict_refuse(server, verdict, 0, "it would break rule", rule);
    return rule == RULE_NONE;
}
