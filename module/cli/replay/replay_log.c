// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "cli/replay/replay_input.h"
#include "core/code.h"

/* Reads lines of JSON with SQLite: each member is found by its name at any depth, so that lines of later versions
   with more members can be read too. */

struct reader {
    struct replay *replay;
    sqlite3 *database;
    sqlite3_stmt *members;
};

struct text_member {
    const char *name;
    size_t offset, size;
};

#define TEXT_MEMBER(name, member)                                                                                      \
    {                                                                                                                  \
        name, offsetof(struct replay_record, member), sizeof((struct replay_record *)NULL)->member                     \
    }

static const struct text_member text_members[] = {
    TEXT_MEMBER("call", call_id), TEXT_MEMBER("call_id", call_id), TEXT_MEMBER("method", method),
    TEXT_MEMBER("aor", aor),      TEXT_MEMBER("target", target),   TEXT_MEMBER("instance", instance),
    TEXT_MEMBER("flow", flow),
};

static void read_text(struct replay_record *record, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof text_members / sizeof text_members[0]; i++)
        if (strcmp(text_members[i].name, name) == 0)
            snprintf((char *)record + text_members[i].offset, text_members[i].size, "%s", value);
}

/* Sets a member of struct facts or struct state by its name; the options of `reflow decide` have the same names. */
static void read_fact(struct replay_record *record, const char *name, const char *value)
{
    size_t count;
    const struct option *options = decide_options(&count);
    for (size_t i = 0; i < count; i++) {
        const char *a = options[i].name, *b = name;
        while (*a != '\0' && (*a == *b || (*a == '-' && *b == '_')))
            a++, b++;
        if (*a == '\0' && *b == '\0')
            decide_set(&record->input, i, value);
    }
}

/* Returns false if the line has no code or is not JSON. */
static bool read_record(const struct reader *reader, struct text line, struct replay_record *record)
{
    bool has_code = false;
    int result;
    sqlite3_bind_text(reader->members, 1, line.at, (int)line.length, SQLITE_STATIC);
    while ((result = sqlite3_step(reader->members)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(reader->members, 0);
        const char *value = (const char *)sqlite3_column_text(reader->members, 1);
        const char *path = (const char *)sqlite3_column_text(reader->members, 2);
        sqlite3_int64 number = sqlite3_column_int64(reader->members, 1);
        if (name == NULL || value == NULL)
            continue;
        record->complete |= path != NULL && strcmp(path, "$.facts") == 0;
        if (strcmp(name, "code") == 0) {
            has_code = number >= 0 && number <= UINT16_MAX;
            record->input.facts.code = (uint32_t)number;
        } else if (strcmp(name, "time_ms") == 0) {
            record->time_us = number > 0 && number < INT64_MAX / 1000 ? number * 1000 : 0;
        } else {
            read_text(record, name, value);
            read_fact(record, name, value);
        }
    }
    sqlite3_reset(reader->members);
    return result == SQLITE_DONE && has_code;
}

static void read_line(const struct reader *reader, struct text line, uint64_t number)
{
    struct replay_record record = {0};
    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    if (line.length == 0)
        return;
    if (!read_record(reader, line, &record)) {
        replay_trouble(reader->replay, TROUBLE_BROKEN, number, "no line of a decision log");
        return;
    }
    struct facts *facts = &record.input.facts;
    if (!record.complete) {
        facts->has_instance = record.instance[0] != '\0';
        facts->on_flow = record.flow[0] != '\0' && facts->reg_id != 0;
    }
    replay_record(reader->replay, &record);
}

int replay_decision_log(struct replay *replay, FILE *file)
{
    /* Flags that are false set nothing. */
    static const char query[] =
        "SELECT key, atom, path FROM json_tree(?1) WHERE atom IS NOT NULL AND type <> 'false' AND typeof(key) = 'text'";
    struct reader reader = {.replay = replay};
    struct replay_lines lines = {.file = file};
    struct text line;
    int status = -ENOMEM;
    if (sqlite3_open(":memory:", &reader.database) != SQLITE_OK ||
        sqlite3_prepare_v2(reader.database, query, -1, &reader.members, NULL) != SQLITE_OK)
        goto out;
    while (replay_lines_next(&lines, &line)) {
        if (lines.too_long)
            replay_trouble(replay, TROUBLE_BROKEN, lines.number, "the line is too long");
        else
            read_line(&reader, line, lines.number);
    }
    status = 0;
out:
    replay_lines_destroy(&lines);
    sqlite3_finalize(reader.members);
    sqlite3_close(reader.database);
    return status;
}
