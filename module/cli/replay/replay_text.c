// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/replay/replay_input.h"

/*
 * Finds SIP messages between other lines. A message begins with a start line, its header ends with an empty line, and
 * its body ends after Content-Length bytes or at a separator. Line ends become CRLF again; dumps that print a dot for
 * the CR are recognised.
 */

enum { MESSAGE_MOST = 131072, DASHES_LEAST = 20 /* boundaries in a body have fewer */ };

enum part { PART_BETWEEN, PART_HEADER, PART_BODY };

struct reader {
    struct replay *replay;
    struct replay_message message; /* time and addresses of the next message */
    enum part part;
    bool dotted; /* lines end in a dot for the CR */
    bool too_long;
    size_t body, length; /* start and expected length of the body */
    uint64_t line, found;
    size_t used;
    char *wire;
};

/* --- lines between messages --- */

static size_t digits_of(struct text text, size_t at, unsigned most, unsigned *number)
{
    size_t start = at;
    *number = 0;
    while (at < text.length && at - start < most && text.at[at] >= '0' && text.at[at] <= '9')
        *number = *number * 10 + (unsigned)(text.at[at++] - '0');
    return at - start;
}

/* Parses "2026-11-22 13:00:00.123456", also with / for - and T for the space; returns the length, or 0. */
static size_t read_time(struct text text, size_t start, int64_t *time_us)
{
    static const unsigned widths[] = {4, 2, 2, 2, 2, 2};
    unsigned field[6], fraction = 0;
    size_t at = start;
    for (size_t i = 0; i < 6; i++) {
        if (i > 0 && (at >= text.length || strchr("-/T \t:", text.at[at++]) == NULL))
            return 0;
        if (digits_of(text, at, widths[i], &field[i]) != widths[i])
            return 0;
        at += widths[i];
    }
    struct tm tm = {.tm_year = (int)field[0] - 1900,
                    .tm_mon = (int)field[1] - 1,
                    .tm_mday = (int)field[2],
                    .tm_hour = (int)field[3],
                    .tm_min = (int)field[4],
                    .tm_sec = (int)field[5]};
    if (at < text.length && (text.at[at] == '.' || text.at[at] == ',')) {
        size_t count = digits_of(text, at + 1, 6, &fraction);
        at += 1 + count;
        for (; count < 6; count++)
            fraction *= 10;
    }
    *time_us = (int64_t)timegm(&tm) * 1000000 + fraction;
    return at - start;
}

/* The first time in a line. */
static bool find_time(struct text line, int64_t *time_us)
{
    for (size_t i = 0; i + 19 <= line.length && i < 160; i++)
        if (line.at[i] >= '0' && line.at[i] <= '9' && read_time(line, i, time_us) > 0)
            return true;
    return false;
}

/* "192.0.2.1:5060 -> 192.0.2.2:5060" in a line. */
static void find_addresses(struct text line, struct replay_message *message)
{
    const char *arrow = memmem(line.at, line.length, " -> ", 4);
    if (arrow == NULL)
        return;
    const char *start = arrow, *end = line.at + line.length;
    while (start > line.at && start[-1] != ' ')
        start--;
    replay_address_read((struct text){start, (size_t)(arrow - start)}, &message->source);
    start = arrow + 4;
    const char *stop = start;
    while (stop < end && *stop != ' ' && *stop != '\r')
        stop++;
    replay_address_read((struct text){start, (size_t)(stop - start)}, &message->destination);
}

/* A line that separates messages: dashes, or the line before a packet. */
static bool separates(struct text line)
{
    size_t dashes = 0;
    while (dashes < line.length && line.at[dashes] == '-')
        dashes++;
    if (dashes >= DASHES_LEAST)
        return true;
    int64_t time_us;
    bool letter = line.length > 2 && (line.at[0] == 'U' || line.at[0] == 'T') && line.at[1] == ' ';
    if (letter && memmem(line.at, line.length, " -> ", 4) != NULL)
        return true;
    return read_time(line, 0, &time_us) > 0;
}

static void read_between(struct reader *reader, struct text line)
{
    if (separates(line))
        reader->message = (struct replay_message){0};
    find_time(line, &reader->message.time_us);
    find_addresses(line, &reader->message);
    if (line.length >= 3 && (memcmp(line.at, "TCP", 3) == 0 || memcmp(line.at, "T ", 2) == 0))
        reader->message.tcp = true;
}

/* --- messages --- */

static void put(struct reader *reader, struct text bytes)
{
    if (reader->too_long || bytes.length + 2 > MESSAGE_MOST - reader->used) {
        reader->too_long = true;
        return;
    }
    if (bytes.length > 0)
        memcpy(reader->wire + reader->used, bytes.at, bytes.length);
    memcpy(reader->wire + reader->used + bytes.length, "\r\n", 2);
    reader->used += bytes.length + 2;
}

static void end_message(struct reader *reader)
{
    if (reader->part == PART_BETWEEN)
        return;
    if (reader->part == PART_HEADER)
        put(reader, (struct text){0});
    if (reader->part == PART_BODY && reader->used - reader->body > reader->length)
        reader->used = reader->body + reader->length;
    reader->part = PART_BETWEEN;
    reader->found++;
    reader->message.bytes = (struct text){reader->wire, reader->used};
    reader->message.number = reader->line;
    if (reader->too_long)
        replay_trouble(reader->replay, TROUBLE_BROKEN, reader->line, "the message is too long");
    else
        replay_message(reader->replay, &reader->message);
    reader->message = (struct replay_message){0};
}

/* The position of a start line: at the beginning, or after a time. */
static bool find_start(struct text line, struct text *start, int64_t *time_us)
{
    size_t skipped = line.length > 0 && line.at[0] == '[';
    size_t length = read_time(line, skipped, time_us);
    skipped = length > 0 ? skipped + length : 0;
    while (skipped > 0 && skipped < line.length && strchr("] :Z\t", line.at[skipped]) != NULL)
        skipped++;
    *start = (struct text){line.at + skipped, line.length - skipped};
    if (replay_is_start(*start))
        return true;
    struct text undotted = *start;
    while (undotted.length > 0 && undotted.at[undotted.length - 1] == '.')
        undotted.length--;
    return undotted.length < start->length && replay_is_start(undotted);
}

static struct text without_dot(struct reader *reader, struct text line)
{
    if (!reader->dotted)
        return line;
    if (line.length > 0 && line.at[line.length - 1] == '.')
        line.length--;
    else
        reader->dotted = false;
    return line;
}

static void begin_message(struct reader *reader, struct text start, int64_t time_us)
{
    if (time_us != 0)
        reader->message.time_us = time_us;
    reader->part = PART_HEADER;
    reader->dotted = start.length > 0 && start.at[start.length - 1] == '.';
    reader->too_long = false;
    reader->used = reader->length = 0;
    put(reader, without_dot(reader, start));
}

static void read_header(struct reader *reader, struct text line)
{
    line = without_dot(reader, line);
    put(reader, line);
    if (line.length == 0) {
        reader->part = PART_BODY;
        reader->body = reader->used;
        if (reader->length == 0)
            end_message(reader);
        return;
    }
    const char *colon = memchr(line.at, ':', line.length);
    struct text name = {line.at, colon != NULL ? (size_t)(colon - line.at) : 0};
    while (name.length > 0 && name.at[name.length - 1] == ' ')
        name.length--;
    if (!text_equal_nocase(name, TEXT("Content-Length")) && !text_equal_nocase(name, TEXT("l")))
        return;
    size_t at = (size_t)(colon - line.at) + 1;
    while (at < line.length && line.at[at] == ' ')
        at++;
    unsigned length;
    digits_of(line, at, 6, &length);
    reader->length = length;
}

static void read_line(struct reader *reader, struct text line)
{
    struct text start;
    int64_t time_us = 0;
    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    if (find_start(line, &start, &time_us)) {
        end_message(reader);
        begin_message(reader, start, time_us);
        return;
    }
    if (reader->part != PART_BETWEEN && separates(line))
        end_message(reader);
    switch (reader->part) {
    case PART_BETWEEN:
        read_between(reader, line);
        break;
    case PART_HEADER:
        read_header(reader, line);
        break;
    case PART_BODY:
        put(reader, without_dot(reader, line));
        if (reader->used - reader->body >= reader->length)
            end_message(reader);
    }
}

int replay_text(struct replay *replay, FILE *file)
{
    struct reader reader = {.replay = replay, .wire = malloc(MESSAGE_MOST)};
    struct replay_lines lines = {.file = file};
    struct text line;
    if (reader.wire == NULL)
        return -ENOMEM;
    while (replay_lines_next(&lines, &line)) {
        reader.line = lines.number;
        if (lines.too_long)
            replay_trouble(replay, TROUBLE_BROKEN, lines.number, "the line is too long");
        else
            read_line(&reader, line);
    }
    end_message(&reader);
    replay_lines_destroy(&lines);
    free(reader.wire);
    return reader.found > 0 ? 0 : -ENODATA;
}
