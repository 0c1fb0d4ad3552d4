// SPDX-License-Identifier: BSD-2-Clause
#include "cli/say/decide_print.h"

#include "cli/base/json.h"
#include "core/code.h"
#include "core/rule.h"

typedef const char *bit_name(uint32_t bit);

/* Removes and returns the lowest set bit of *bits; 0 if none is left. */
static uint32_t take_bit(uint32_t *bits)
{
    uint32_t bit = *bits & (~*bits + 1);
    *bits &= ~bit;
    return bit;
}

static void print_words(FILE *out, const char *label, uint32_t bits, bit_name *name)
{
    const char *separator = "";
    if (bits == 0)
        return;
    fprintf(out, "  %-9s ", label);
    while (bits != 0) {
        const char *word = name(take_bit(&bits));
        fprintf(out, "%s%s", separator, word != NULL ? word : "?");
        separator = ", ";
    }
    fputc('\n', out);
}

static void print_code(FILE *out, const char *label, unsigned code)
{
    fprintf(out, "  %-9s %u %s\n", label, code, code_phrase(code));
}

static void print_wait(FILE *out, const struct decision *decision)
{
    if (decision->wait_max_ms == 0)
        return;
    fprintf(out, "  %-9s %.3g", "wait", decision->wait_min_ms / 1000.0);
    if (decision->wait_max_ms != decision->wait_min_ms)
        fprintf(out, " to %.3g", decision->wait_max_ms / 1000.0);
    fputs(" s\n", out);
}

/* At most 80 columns: a line breaks at the last space before. */
static void print_wrapped(FILE *out, const char *label, const char *text)
{
    enum { WIDTH = 68 };
    while (strlen(text) > WIDTH) {
        int length = WIDTH;
        while (length > 1 && text[length] != ' ')
            length--;
        fprintf(out, "  %-9s %.*s\n", label, length, text);
        text += length + (text[length] == ' ');
        label = "";
    }
    fprintf(out, "  %-9s %s\n", label, text);
}

static void print_given(FILE *out, const struct decide_input *input)
{
    size_t count;
    const struct option *options = decide_options(&count);
    const char *separator = "";
    int column = 12;
    fprintf(out, "  %-9s ", "given");
    for (size_t i = 0; i < count; i++) {
        char value[96];
        const char *word = decide_word(input, i);
        uint64_t number = decide_get(input, i);
        if (number == 0 && (word == NULL || decide_member_at(i)->kind == KIND_ORIGIN))
            continue;
        if (word != NULL)
            snprintf(value, sizeof value, "%s", word);
        else if (options[i].value != NULL)
            snprintf(value, sizeof value, "%s %llu", options[i].name, (unsigned long long)number);
        else
            snprintf(value, sizeof value, "%s", options[i].name);
        column += (int)(strlen(separator) + strlen(value));
        if (column > 79)
            column = fprintf(out, ",\n%12s", "") - 2 + (int)strlen(value), separator = "";
        fprintf(out, "%s%s", separator, value);
        separator = ", ";
    }
    fputc('\n', out);
}

static void print_title(FILE *out, const struct decide_input *input)
{
    unsigned code = input->facts.code;
    unsigned folded = code_fold(code);
    if (input->facts.origin != ORIGIN_WIRE)
        fputs("No response\n", out);
    else if (folded == 0)
        fprintf(out, "%u: no SIP status code\n", code);
    else if (folded != code)
        fprintf(out, "%u, not registered: acts as %u %s\n", code, folded, code_phrase(folded));
    else
        fprintf(out, "%u %s\n", code, code_phrase(code));
}

void decide_print_text(FILE *out, const struct decide_input *input, const struct decision *decision)
{
    const struct rule *rule = rule_at((enum rule_id)decision->rule);
    print_title(out, input);
    print_given(out, input);
    if (decision->code != input->facts.code && decision->code != 0)
        print_code(out, "acts as", decision->code);
    fprintf(out, "  %-9s %s\n", "action", action_name((enum action)decision->action));
    if (decision->status != 0)
        print_code(out, "status", decision->status);
    print_words(out, "change", decision->change, change_name);
    if (decision->value != 0)
        fprintf(out, "  %-9s %u s\n", "value", (unsigned)decision->value);
    print_wait(out, decision);
    if (decision->rest_s != 0)
        fprintf(out, "  %-9s %u s\n", "rest", (unsigned)decision->rest_s);
    if (decision->drop != DROP_NONE)
        fprintf(out, "  %-9s %s\n", "drop", drop_name((enum drop)decision->drop));
    print_words(out, "flags", decision->flags, decision_flag_name);
    fprintf(out, "  %-9s %s%s\n", "rule", rule->id, rule->guardrail ? " (guardrail)" : "");
    print_wrapped(out, "", rule->line != NULL ? rule->line : "");
    print_wrapped(out, "why", decision->why != NULL ? decision->why : "");
}

static void json_word(FILE *out, const char *key, const char *word)
{
    fprintf(out, "  \"%s\": ", key);
    json_string(out, text_of(word != NULL ? word : ""));
    fputs(",\n", out);
}

static void json_number(FILE *out, const char *key, unsigned number)
{
    fprintf(out, "  \"%s\": %u,\n", key, number);
}

static void json_words(FILE *out, const char *key, uint32_t bits, bit_name *name)
{
    const char *separator = "";
    fprintf(out, "  \"%s\": [", key);
    while (bits != 0) {
        const char *word = name(take_bit(&bits));
        fputs(separator, out);
        json_string(out, text_of(word != NULL ? word : "?"));
        separator = ", ";
    }
    fputs("],\n", out);
}

/* Members have the names of struct facts and struct state: the name of the option with '_' for '-'. */
static void json_given(FILE *out, const struct decide_input *input)
{
    size_t count;
    const struct option *options = decide_options(&count);
    fprintf(out, "  \"given\": {\"code\": %u", (unsigned)input->facts.code);
    for (size_t i = 0; i < count; i++) {
        const char *word = decide_word(input, i);
        uint64_t number = decide_get(input, i);
        if (word == NULL && number == 0)
            continue;
        fputs(", \"", out);
        for (const char *at = options[i].name; *at != '\0'; at++)
            fputc(*at == '-' ? '_' : *at, out);
        fputs("\": ", out);
        if (word != NULL)
            json_string(out, text_of(word));
        else if (options[i].value != NULL)
            fprintf(out, "%llu", (unsigned long long)number);
        else
            fputs("true", out);
    }
    fputs("},\n", out);
}

void decide_print_json(FILE *out, const struct decide_input *input, const struct decision *decision)
{
    const struct rule *rule = rule_at((enum rule_id)decision->rule);
    fputs("{\n", out);
    json_given(out, input);
    json_number(out, "code", decision->code);
    json_word(out, "action", action_name((enum action)decision->action));
    json_number(out, "status", decision->status);
    json_words(out, "change", decision->change, change_name);
    json_number(out, "value", decision->value);
    json_number(out, "wait_min_ms", decision->wait_min_ms);
    json_number(out, "wait_max_ms", decision->wait_max_ms);
    json_number(out, "rest_s", decision->rest_s);
    json_word(out, "drop", drop_name((enum drop)decision->drop));
    json_words(out, "flags", decision->flags, decision_flag_name);
    json_word(out, "rule", rule->id);
    fprintf(out, "  \"guardrail\": %s,\n", rule->guardrail ? "true" : "false");
    fputs("  \"why\": ", out);
    json_string(out, text_of(decision->why != NULL ? decision->why : ""));
    fputs("\n}\n", out);
}
