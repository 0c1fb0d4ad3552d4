// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/number.h"
#include "base/utf8.h"
#include "cli/replay/replay_private.h"
#include "core/code.h"
#include "core/rule.h"
#include "script/base/printable.h"

enum {
    TEXT_MOST = 512 /* bytes of one text in a line; six times that when every byte is escaped */
};

void replay_flush(struct replay *replay)
{
    struct replay_output *output = &replay->output;
    if (output->used == 0)
        return;
    bool drawn = replay->drawn;
    replay_progress_clear(replay);
    fwrite(output->bytes, 1, output->used, replay->config.cli->out);
    output->used = 0;
    if (drawn)
        fflush(replay->config.cli->out);
}

/* --- pieces of a line: there is room for REPLAY_LINE_OUT bytes --- */

static void put(struct replay_output *output, const char *bytes, size_t length)
{
    memcpy(output->bytes + output->used, bytes, length);
    output->used += length;
}

#define PUT(output, literal) put(output, literal, sizeof(literal) - 1)

static void put_string(struct replay_output *output, const char *string)
{
    put(output, string, strlen(string));
}

static void put_number(struct replay_output *output, uint64_t number)
{
    char digits[NUMBER_DIGITS];
    struct text text = number_text(number, digits);
    put(output, text.at, text.length);
}

static void put_padded(struct replay_output *output, uint64_t number, size_t width)
{
    for (size_t i = width; i-- > 0; number /= 10)
        output->bytes[output->used + i] = (char)('0' + number % 10);
    output->used += width;
}

/* Checks eight bytes at once: sets the high bit of each zero byte, and perhaps of bytes above it; 0 if there is
   none. */
static uint64_t zeros(uint64_t word)
{
    return (word - 0x0101010101010101U) & ~word & 0x8080808080808080U;
}

/* Returns whether the text is printable ASCII without characters that JSON escapes. */
static bool is_plain(const char *at, size_t length)
{
    const uint64_t each = 0x0101010101010101U;
    uint64_t odd = 0, word;
    for (; length > 0; at += sizeof word, length -= sizeof word) {
        size_t size = length < sizeof word ? length : sizeof word;
        word = each * ' ';
        memcpy(&word, at, size);
        odd |= (word | (word - each * ' ')) & each * 0x80;
        odd |= zeros(word ^ each * '"') | zeros(word ^ each * '\\') | zeros(word ^ each * 0x7f);
        if (size < sizeof word)
            break;
    }
    return odd == 0;
}

/* Characters that would end the line or control a terminal become '?'. */
static void put_plain(struct replay_output *output, struct text text)
{
    size_t length = text.length < TEXT_MOST ? text.length : TEXT_MOST;
    text.length = length;
    if (length == 0 || is_plain(text.at, length)) {
        put(output, text.at, length);
        return;
    }
    while (text.length > 0) {
        uint32_t code;
        size_t size = utf8_decode(text, &code);
        if (size == 0 || printable_is_control(code))
            PUT(output, "?");
        else
            put(output, text.at, size);
        size = size != 0 ? size : 1;
        text = (struct text){text.at + size, text.length - size};
    }
}

static void put_escaped(struct replay_output *output, struct text text)
{
    while (text.length > 0) {
        char escape[JSON_ESCAPE_MOST + 1];
        struct text piece = json_piece(&text, escape);
        put(output, piece.at, piece.length);
    }
}

static void put_json(struct replay_output *output, struct text text)
{
    text.length = text.length < TEXT_MOST ? text.length : TEXT_MOST;
    PUT(output, "\"");
    if (text.length > 0 && is_plain(text.at, text.length))
        put(output, text.at, text.length);
    else
        put_escaped(output, text);
    PUT(output, "\"");
}

/* A URI, with masked numbers if requested. */
static struct text masked(const struct replay *replay, struct text uri, char *copy)
{
    size_t length = uri.length < TEXT_MOST ? uri.length : TEXT_MOST;
    if (!replay->config.mask || length == 0)
        return uri;
    memcpy(copy, uri.at, length);
    copy[length] = '\0';
    replay_mask(copy);
    return (struct text){copy, length};
}

/* --- lines of text --- */

static void put_time(struct replay_output *output, int64_t time_us)
{
    if (time_us <= 0) {
        PUT(output, "-            ");
        return;
    }
    uint64_t ms = (uint64_t)time_us / 1000 % 86400000;
    put_padded(output, ms / 3600000, 2);
    PUT(output, ":");
    put_padded(output, ms / 60000 % 60, 2);
    PUT(output, ":");
    put_padded(output, ms / 1000 % 60, 2);
    PUT(output, ".");
    put_padded(output, ms % 1000, 3);
    PUT(output, " ");
}

static void put_head(struct replay *replay, const struct replay_line *line)
{
    struct replay_output *output = &replay->output;
    char copy[TEXT_MOST + 1];
    put_time(output, line->time_us);
    if (line->facts->origin == ORIGIN_WIRE)
        put_number(output, line->facts->code);
    else
        PUT(output, "---");
    PUT(output, " ");
    put_plain(output, line->method);
    PUT(output, " ");
    put_plain(output, masked(replay, line->to, copy));
    PUT(output, " ");
    put_plain(output, line->call_id);
}

static void put_decision(struct replay_output *output, const struct decision *decision)
{
    put_string(output, action_name((enum action)decision->action));
    if (decision->status != 0) {
        PUT(output, " ");
        put_number(output, decision->status);
    }
    PUT(output, " ");
    put_string(output, rule_at((enum rule_id)decision->rule)->id);
}

static void print_text(struct replay *replay, const struct replay_line *line)
{
    struct replay_output *output = &replay->output;
    char words[1200];
    put_head(replay, line);
    PUT(output, ": ");
    put_decision(output, line->decision);
    if (line->facts->role == ROLE_UAC)
        PUT(output, " (uac)");
    if (line->answer != NULL && line->answer->outcome > SCRIPT_DEFAULT) {
        replay_answer_words(line->answer, replay->config.mask, words, sizeof words);
        PUT(output, "; policy: ");
        put_plain(output, text_of(words));
    }
    PUT(output, "\n");
}

/* --- lines of JSON, with the names of the decision log --- */

#define JSON_TEXT(output, name, text)                                                                                  \
    do {                                                                                                               \
        PUT(output, ",\"" name "\":");                                                                                 \
        put_json(output, text);                                                                                        \
    } while (0)

/* A fixed word, which needs no escaping. */
#define JSON_WORD(output, name, word)                                                                                  \
    do {                                                                                                               \
        PUT(output, ",\"" name "\":\"");                                                                               \
        put_string(output, word);                                                                                      \
        PUT(output, "\"");                                                                                             \
    } while (0)

#define JSON_NUMBER(output, name, number)                                                                              \
    do {                                                                                                               \
        PUT(output, ",\"" name "\":");                                                                                 \
        put_number(output, number);                                                                                    \
    } while (0)

#define JSON_FLAG(output, name, flag)                                                                                  \
    do {                                                                                                               \
        if (flag)                                                                                                      \
            PUT(output, ",\"" name "\":true");                                                                         \
    } while (0)

static void json_decision(struct replay_output *output, const struct decision *decision)
{
    JSON_WORD(output, "action", action_name((enum action)decision->action));
    JSON_WORD(output, "rule", rule_at((enum rule_id)decision->rule)->id);
    JSON_WORD(output, "why", decision->why);
    if (decision->status != 0)
        JSON_NUMBER(output, "status", decision->status);
    if (decision->drop != DROP_NONE)
        JSON_WORD(output, "drop", drop_name((enum drop)decision->drop));
    if (decision->rest_s != 0)
        JSON_NUMBER(output, "rest_s", decision->rest_s);
}

static void json_head(struct replay *replay, const struct replay_line *line)
{
    struct replay_output *output = &replay->output;
    const struct facts *facts = line->facts;
    char copy[TEXT_MOST + 1];
    PUT(output, "{\"time_ms\":");
    put_number(output, line->time_us > 0 ? (uint64_t)line->time_us / 1000 : 0);
    JSON_TEXT(output, "call", line->call_id);
    JSON_TEXT(output, "method", line->method);
    if (line->to.length > 0)
        JSON_TEXT(output, "to", masked(replay, line->to, copy));
    JSON_WORD(output, "origin", origin_name(facts->origin));
    JSON_NUMBER(output, "code", line->decision->code);
    JSON_WORD(output, "role", role_name(facts->role == ROLE_UAC ? ROLE_UAC : ROLE_PROXY));
    JSON_FLAG(output, "in_dialog", facts->in_dialog);
    JSON_FLAG(output, "provisional_seen", facts->provisional_seen);
    JSON_FLAG(output, "unmatched", facts->unmatched);
    json_decision(output, line->decision);
}

static void print_json(struct replay *replay, const struct replay_line *line)
{
    char words[1200];
    json_head(replay, line);
    if (line->answer != NULL) {
        replay_answer_words(line->answer, replay->config.mask, words, sizeof words);
        JSON_TEXT(&replay->output, "policy", text_of(words));
    }
    PUT(&replay->output, "}\n");
}

static void make_place(struct replay *replay)
{
    if (replay->output.used >= REPLAY_OUTPUT_FULL)
        replay_flush(replay);
}

void replay_print(struct replay *replay, const struct replay_line *line)
{
    make_place(replay);
    if (replay->config.json)
        print_json(replay, line);
    else
        print_text(replay, line);
}

void replay_print_difference(struct replay *replay, const struct replay_line *line, const char *against,
                             const char *policy)
{
    struct replay_output *output = &replay->output;
    make_place(replay);
    if (replay->config.json) {
        json_head(replay, line);
        JSON_TEXT(output, "against", text_of(against));
        JSON_TEXT(output, "policy", text_of(policy));
        PUT(output, "}\n");
        return;
    }
    put_head(replay, line);
    PUT(output, ": ");
    put_plain(output, text_of(against));
    PUT(output, " -> ");
    put_plain(output, text_of(policy));
    PUT(output, " (core: ");
    put_decision(output, line->decision);
    PUT(output, ")\n");
}

/* --- counts --- */

struct count {
    const char *name, *singular, *plural;
    uint64_t value;
    bool always;
};

void replay_print_counts(struct replay *replay)
{
    const struct replay_counts *counts = &replay->counts;
    struct replay_output *output = &replay->output;
    const struct count rows[] = {
        {"messages", "message", "messages", counts->messages, true},
        {"responses", "response", "responses", counts->responses, true},
        {"records", "line of decision logs", "lines of decision logs", counts->records, false},
        {"differences", "difference", "differences", counts->differences, replay->config.compare},
        {"verdicts", "verdict", "verdicts", counts->verdicts, replay->policy != NULL},
        {"refused", "verdict refused", "verdicts refused", counts->refused, false},
        {"errors", "failed hook", "failed hooks", counts->errors, false},
        {"repeated", "retransmitted response", "retransmitted responses", counts->repeated, false},
        {"strays", "response without its request", "responses without their request", counts->strays, false},
        {"forgotten", "request forgotten", "requests forgotten", counts->forgotten, false},
        {"broken", "broken", "broken", counts->broken, false},
        {"cut", "packet cut short", "packets cut short", counts->cut, false},
        {"fragments", "IP fragment", "IP fragments", counts->fragments, false},
        {"gaps", "gap in TCP streams", "gaps in TCP streams", counts->gaps, false},
        {"others", "packet without SIP", "packets without SIP", counts->others, false},
    };
    const char *separator = "";
    make_place(replay);
    if (replay->config.json)
        PUT(output, "{\"counts\":{");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].value == 0 && !rows[i].always)
            continue;
        put_string(output, separator);
        if (replay->config.json) {
            PUT(output, "\"");
            put_string(output, rows[i].name);
            PUT(output, "\":");
            put_number(output, rows[i].value);
            separator = ",";
        } else {
            put_number(output, rows[i].value);
            PUT(output, " ");
            put_string(output, rows[i].value == 1 ? rows[i].singular : rows[i].plural);
            separator = ", ";
        }
    }
    if (replay->config.json)
        PUT(output, "}}\n");
    else
        PUT(output, "\n");
}

/* --- progress --- */

void replay_progress_clear(struct replay *replay)
{
    if (!replay->drawn)
        return;
    fputs("\r\033[K", replay->config.cli->err);
    fflush(replay->config.cli->err);
    replay->drawn = false;
}

void replay_progress_draw(struct replay *replay)
{
    enum { WIDTH = 30 };
    char bar[WIDTH + 1];
    FILE *err = replay->config.cli->err;
    unsigned share = replay->size > 0 ? (unsigned)(replay->done * 100 / replay->size) : 0;
    share = share < 100 ? share : 100;
    for (unsigned i = 0; i < WIDTH; i++)
        bar[i] = i < share * WIDTH / 100 ? '#' : '.';
    bar[WIDTH] = '\0';
    if (replay->size > 0)
        fprintf(err, "\r\033[K%s [%s] %u %%, %llu responses", replay->path, bar, share,
                (unsigned long long)replay->counts.responses);
    else
        fprintf(err, "\r\033[K%s: %llu responses", replay->path, (unsigned long long)replay->counts.responses);
    fflush(err);
    replay->drawn = true;
}
