// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/log/decision_log.h"

#include <stdio.h>

#include "core/code.h"
#include "standalone/net/mask.h"

enum { VALUE_MOST = 1024 };

static bool is_plain(char c)
{
    return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
}

/* Strangers choose the length of values, so a long value is truncated and ends in "...". */
void decision_log_escape(struct sip_buffer *out, struct text text)
{
    size_t at = 0;
    bool cut = text.length > VALUE_MOST;
    text.length = cut ? VALUE_MOST : text.length;
    while (at < text.length) {
        char escaped[8];
        size_t plain = at;
        while (plain < text.length && is_plain(text.at[plain]))
            plain++;
        sip_append(out, (struct text){text.at + at, plain - at});
        at = plain;
        if (at == text.length)
            break;
        unsigned char c = (unsigned char)text.at[at++];
        bool named = c == '"' || c == '\\';
        int length = snprintf(escaped, sizeof escaped, named ? "\\%c" : "\\u%04x", c);
        sip_append(out, (struct text){escaped, (size_t)length});
    }
    if (cut)
        sip_append(out, TEXT("..."));
}

static void name_member(struct sip_buffer *out, const char *name)
{
    sip_append(out, TEXT(",\""));
    sip_append(out, text_of(name));
    sip_append(out, TEXT("\":"));
}

static void text_member(struct sip_buffer *out, const char *name, struct text value)
{
    if (value.length == 0)
        return;
    name_member(out, name);
    sip_append(out, TEXT("\""));
    decision_log_escape(out, value);
    sip_append(out, TEXT("\""));
}

static void uri_member(struct sip_buffer *out, const char *name, struct text uri, bool mask_numbers)
{
    struct text head, tail;
    if (!mask_numbers || !mask_number(uri, &head, &tail)) {
        text_member(out, name, uri);
        return;
    }
    name_member(out, name);
    sip_append(out, TEXT("\""));
    decision_log_escape(out, head);
    sip_append(out, TEXT("****"));
    decision_log_escape(out, tail);
    sip_append(out, TEXT("\""));
}

/* --- members --- */

static void number_member(struct sip_buffer *out, const char *name, uint64_t value)
{
    name_member(out, name);
    sip_append_number(out, value);
}

static const char *origin_name(unsigned origin)
{
    static const char *const names[] = {"wire", "timeout", "transport", "flow_down"};
    return origin < sizeof names / sizeof names[0] ? names[origin] : "unknown";
}

static const char *role_name(unsigned role)
{
    static const char *const names[] = {"proxy", "edge", "registrar", "uac"};
    return role < sizeof names / sizeof names[0] ? names[role] : "unknown";
}

/* --- the facts --- */

enum fact_kind { FACT_U32, FACT_U16, FACT_FLAG, FACT_METHOD, FACT_ROLE, FACT_ORIGIN };

static void fact_word(struct sip_buffer *out, const char *name, const char *word)
{
    if (word[0] != '\0')
        text_member(out, name, text_of(word));
}

static void fact_member(struct sip_buffer *out, const char *name, enum fact_kind kind, uint32_t value)
{
    if (value == 0)
        return;
    switch (kind) {
    case FACT_FLAG:
        name_member(out, name);
        sip_append(out, TEXT("true"));
        return;
    case FACT_METHOD:
        fact_word(out, name, method_name((enum method)value));
        return;
    case FACT_ROLE:
        fact_word(out, name, role_name(value));
        return;
    case FACT_ORIGIN:
        fact_word(out, name, origin_name(value));
        return;
    default:
        number_member(out, name, value);
    }
}

static void put_facts(struct sip_buffer *out, const struct facts *facts, const struct state *state)
{
    sip_append(out, TEXT(",\"facts\":{\"code\":"));
    sip_append_number(out, facts->code);
#define SCHEMA_CONTEXT
#define FACT(member, kind, what)  fact_member(out, #member, FACT_##kind, facts->member);
#define STATE(member, kind, what) fact_member(out, #member, FACT_##kind, state->member);
#include "script/engine/schema.def"
    sip_append(out, TEXT("}"));
}

/* --- the line --- */

static void put_policy(struct sip_buffer *out, const struct decided *decided)
{
    static const char *const outcomes[SCRIPT_OUTCOME_COUNT] = {
        [SCRIPT_ERROR] = "error", [SCRIPT_OVERRUN] = "overrun", [SCRIPT_MEMORY] = "memory"};
    bool spoke = decided->outcome == SCRIPT_VERDICT || decided->outcome >= SCRIPT_ERROR;
    if (decided->version != 0)
        number_member(out, "version", decided->version);
    if (spoke)
        text_member(out, "hook", decided->hook.length > 0 ? decided->hook : TEXT("response"));
    text_member(out, "verdict", text_of(decided->verdict));
    if (decided->refused != RULE_NONE)
        text_member(out, "refused", text_of(rule_at(decided->refused)->id));
    if (outcomes[decided->outcome] != NULL)
        text_member(out, "outcome", text_of(outcomes[decided->outcome]));
    if (decided->ns != 0)
        number_member(out, "ns", decided->ns);
}

static void put_branch(struct sip_buffer *out, const struct decided *decided, bool mask_numbers)
{
    uri_member(out, "aor", decided->aor, mask_numbers);
    uri_member(out, "target", decided->target, mask_numbers);
    text_member(out, "instance", decided->instance);
    if (decided->facts->reg_id != 0)
        number_member(out, "reg_id", decided->facts->reg_id);
    text_member(out, "flow", decided->flow);
    if (decided->facts->has_instance)
        number_member(out, "flows_left", decided->facts->flows_left);
}

void decision_log_line(const struct decided *decided, int64_t wall_ms, bool mask_numbers, struct sip_buffer *out)
{
    const struct decision *decision = decided->decision;
    const struct state none = {0};
    sip_append(out, TEXT("{\"time_ms\":"));
    sip_append_number(out, (uint64_t)wall_ms);
    number_member(out, "ms", decided->elapsed_ms);
    text_member(out, "call", sip_call_id(decided->request));
    text_member(out, "method", sip_method_text(decided->request));
    text_member(out, "origin", text_of(origin_name(decided->facts->origin)));
    number_member(out, "code", decision->code);
    text_member(out, "action", text_of(action_name(decision->action)));
    text_member(out, "rule", text_of(rule_at(decision->rule)->id));
    text_member(out, "why", text_of(decision->why));
    if (decision->status != 0)
        number_member(out, "status", decision->status);
    if (decision->drop != DROP_NONE)
        text_member(out, "drop", text_of(drop_name(decision->drop)));
    put_branch(out, decided, mask_numbers);
    put_policy(out, decided);
    put_facts(out, decided->facts, decided->state != NULL ? decided->state : &none);
    sip_append(out, TEXT("}\n"));
}
