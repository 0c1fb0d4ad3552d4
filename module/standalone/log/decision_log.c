// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/log/decision_log.h"

#include "core/code.h"
#include "standalone/net/mask.h"

static void uri_member(struct json *json, const char *name, struct text uri, bool mask_numbers)
{
    struct text head, tail;
    if (!mask_numbers || !mask_number(uri, &head, &tail)) {
        json_put_foreign(json, name, uri);
        return;
    }
    json_quote(json, name);
    json_put_start(json, head, JSON_FOREIGN_MOST);
    json_put_part(json, TEXT("****"));
    json_put_start(json, tail, JSON_FOREIGN_MOST);
    json_unquote(json);
}

/* --- the facts --- */

enum fact_kind { FACT_U32, FACT_U16, FACT_FLAG, FACT_METHOD, FACT_ROLE, FACT_ORIGIN };

static void fact_word(struct json *json, const char *name, const char *word)
{
    if (word[0] != '\0')
        json_put_foreign(json, name, text_of(word));
}

static void fact_member(struct json *json, const char *name, enum fact_kind kind, uint32_t value)
{
    if (value == 0)
        return;
    switch (kind) {
    case FACT_FLAG:
        json_put_true(json, name);
        return;
    case FACT_METHOD:
        fact_word(json, name, method_name((enum method)value));
        return;
    case FACT_ROLE:
        fact_word(json, name, role_name(value));
        return;
    case FACT_ORIGIN:
        fact_word(json, name, origin_name(value));
        return;
    default:
        json_put_number(json, name, value);
    }
}

static void put_facts(struct json *json, const struct facts *facts, const struct state *state)
{
    json_open(json, "facts");
    json_put_number(json, "code", facts->code);
#define SCHEMA_CONTEXT
#define FACT(member, kind, what)  fact_member(json, #member, FACT_##kind, facts->member);
#define STATE(member, kind, what) fact_member(json, #member, FACT_##kind, state->member);
#include "script/engine/schema.def"
    json_close(json);
}

/* --- the line --- */

static void put_policy(struct json *json, const struct decided *decided)
{
    static const char *const outcomes[SCRIPT_OUTCOME_COUNT] = {
        [SCRIPT_ERROR] = "error", [SCRIPT_OVERRUN] = "overrun", [SCRIPT_MEMORY] = "memory"};
    bool spoke = decided->outcome == SCRIPT_VERDICT || decided->outcome >= SCRIPT_ERROR;
    if (decided->version != 0)
        json_put_number(json, "version", decided->version);
    if (spoke)
        json_put_foreign(json, "hook", decided->hook.length > 0 ? decided->hook : TEXT("response"));
    json_put_foreign(json, "verdict", text_of(decided->verdict));
    if (decided->refused != RULE_NONE)
        json_put_foreign(json, "refused", text_of(rule_at(decided->refused)->id));
    if (outcomes[decided->outcome] != NULL)
        json_put_foreign(json, "outcome", text_of(outcomes[decided->outcome]));
    if (decided->ns != 0)
        json_put_number(json, "ns", decided->ns);
}

static void put_branch(struct json *json, const struct decided *decided, bool mask_numbers)
{
    uri_member(json, "aor", decided->aor, mask_numbers);
    uri_member(json, "target", decided->target, mask_numbers);
    json_put_foreign(json, "instance", decided->instance);
    if (decided->facts->reg_id != 0)
        json_put_number(json, "reg_id", decided->facts->reg_id);
    json_put_foreign(json, "flow", decided->flow);
    if (decided->facts->has_instance)
        json_put_number(json, "flows_left", decided->facts->flows_left);
}

void decision_log_line(const struct decided *decided, int64_t wall_ms, bool mask_numbers, struct sip_buffer *out)
{
    const struct decision *decision = decided->decision;
    const struct state none = {0};
    struct json json = sip_json(out);
    json_open(&json, NULL);
    json_put_number(&json, "time_ms", (uint64_t)wall_ms);
    json_put_number(&json, "ms", decided->elapsed_ms);
    json_put_foreign(&json, "call", sip_call_id(decided->request));
    json_put_foreign(&json, "method", sip_method_text(decided->request));
    json_put_foreign(&json, "origin", text_of(origin_name(decided->facts->origin)));
    json_put_number(&json, "code", decision->code);
    json_put_foreign(&json, "action", text_of(action_name(decision->action)));
    json_put_foreign(&json, "rule", text_of(rule_at(decision->rule)->id));
    json_put_foreign(&json, "why", text_of(decision->why));
    if (decision->status != 0)
        json_put_number(&json, "status", decision->status);
    if (decision->drop != DROP_NONE)
        json_put_foreign(&json, "drop", text_of(drop_name(decision->drop)));
    put_branch(&json, decided, mask_numbers);
    put_policy(&json, decided);
    put_facts(&json, decided->facts, decided->state != NULL ? decided->state : &none);
    json_close(&json);
    sip_append(out, TEXT("\n"));
}
