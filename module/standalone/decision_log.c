// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/decision_log.h"

#include <stdio.h>

static void put_escaped(struct sip_buffer *out, struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        char escaped[8];
        if (c == '"' || c == '\\')
            sip_append(out, (struct text){(char[]){'\\', (char)c}, 2});
        else if (c < 0x20 || c > 0x7e)
            sip_append(out, (struct text){escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", c)});
        else
            sip_append(out, (struct text){text.at + i, 1});
    }
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
    put_escaped(out, value);
    sip_append(out, TEXT("\""));
}

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

void decision_log_line(const struct decided *decided, int64_t wall_ms, struct sip_buffer *out)
{
    const struct decision *decision = decided->decision;
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
    text_member(out, "aor", decided->aor);
    text_member(out, "target", decided->target);
    text_member(out, "instance", decided->instance);
    if (decided->facts->reg_id != 0)
        number_member(out, "reg_id", decided->facts->reg_id);
    text_member(out, "flow", decided->flow);
    if (decided->facts->has_instance)
        number_member(out, "flows_left", decided->facts->flows_left);
    text_member(out, "verdict", text_of(decided->verdict));
    if (decided->refused != RULE_NONE)
        text_member(out, "refused", text_of(rule_at(decided->refused)->id));
    sip_append(out, TEXT("}\n"));
}
