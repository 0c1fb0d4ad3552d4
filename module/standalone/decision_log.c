// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/decision_log.h"

#include <inttypes.h>
#include <stdio.h>

struct line {
    char *out;
    size_t length, size;
    bool full;
};

static void put(struct line *line, const char *bytes, size_t length)
{
    if (line->full || length >= line->size - line->length) {
        line->full = true;
        return;
    }
    memcpy(line->out + line->length, bytes, length);
    line->length += length;
}

static void put_escaped(struct line *line, struct text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.at[i];
        char escaped[8];
        if (c == '"' || c == '\\')
            put(line, (char[]){'\\', (char)c}, 2);
        else if (c < 0x20 || c > 0x7e)
            put(line, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", c));
        else
            put(line, (const char *)&c, 1);
    }
}

static void text_member(struct line *line, const char *name, struct text value)
{
    if (value.length == 0)
        return;
    put(line, ",\"", 2);
    put(line, name, strlen(name));
    put(line, "\":\"", 3);
    put_escaped(line, value);
    put(line, "\"", 1);
}

static void number_member(struct line *line, const char *name, uint64_t value)
{
    char buffer[64];
    int length = snprintf(buffer, sizeof buffer, ",\"%s\":%" PRIu64, name, value);
    put(line, buffer, (size_t)length);
}

static const char *origin_name(unsigned origin)
{
    static const char *const names[] = {"wire", "timeout", "transport", "flow_down"};
    return origin < sizeof names / sizeof names[0] ? names[origin] : "unknown";
}

size_t decision_log_line(const struct decided *decided, int64_t wall_ms, char *out, size_t size)
{
    struct line line = {.out = out, .size = size};
    const struct decision *decision = decided->decision;
    char start[48];
    put(&line, start, (size_t)snprintf(start, sizeof start, "{\"time_ms\":%" PRId64, wall_ms));
    number_member(&line, "ms", decided->elapsed_ms);
    text_member(&line, "call", sip_call_id(decided->request));
    text_member(&line, "method", sip_method_text(decided->request));
    text_member(&line, "origin", text_of(origin_name(decided->facts->origin)));
    number_member(&line, "code", decision->code);
    text_member(&line, "action", text_of(action_name(decision->action)));
    text_member(&line, "rule", text_of(rule_at(decision->rule)->id));
    text_member(&line, "why", text_of(decision->why));
    if (decision->status != 0)
        number_member(&line, "status", decision->status);
    if (decision->drop != DROP_NONE)
        text_member(&line, "drop", text_of(drop_name(decision->drop)));
    text_member(&line, "aor", decided->aor);
    text_member(&line, "target", decided->target);
    text_member(&line, "instance", decided->instance);
    if (decided->facts->reg_id != 0)
        number_member(&line, "reg_id", decided->facts->reg_id);
    text_member(&line, "flow", decided->flow);
    if (decided->facts->has_instance)
        number_member(&line, "flows_left", decided->facts->flows_left);
    text_member(&line, "verdict", text_of(decided->verdict));
    if (decided->refused != RULE_NONE)
        text_member(&line, "refused", text_of(rule_at(decided->refused)->id));
    put(&line, "}\n", 2);
    return line.full ? 0 : line.length;
}
