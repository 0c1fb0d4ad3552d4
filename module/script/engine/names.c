// SPDX-License-Identifier: BSD-2-Clause
#include "script/engine/names.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>

#include "script/bind/bind.h"
#include "script/base/watch.h"

/* Reads a Lua program word by word; comments and strings are skipped. */
struct reader {
    const char *at, *end;
    unsigned line;
    struct text word, before; /* the current name, and the previous one if nothing is between them */
    bool is_field;            /* preceded by . or : */
};

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static void skip(struct reader *reader, size_t count)
{
    for (; count != 0 && reader->at < reader->end; count--, reader->at++)
        reader->line += *reader->at == '\n';
}

static size_t left(const struct reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

/* Skips [[...]] or [==[...]==] at this position; returns whether there was one. */
static bool skip_long(struct reader *reader)
{
    size_t level = 0;
    const char *at = reader->at;
    if (left(reader) < 2 || *at != '[')
        return false;
    while (at + 1 + level < reader->end && at[1 + level] == '=')
        level++;
    if (at + 1 + level >= reader->end || at[1 + level] != '[')
        return false;
    for (skip(reader, level + 2); reader->at < reader->end; skip(reader, 1)) {
        size_t same = 0;
        if (*reader->at != ']')
            continue;
        while (1 + same < left(reader) && reader->at[1 + same] == '=')
            same++;
        if (same == level && 1 + same < left(reader) && reader->at[1 + same] == ']') {
            skip(reader, level + 2);
            break;
        }
    }
    return true;
}

static void skip_comment(struct reader *reader)
{
    skip(reader, 2);
    if (skip_long(reader))
        return;
    while (reader->at < reader->end && *reader->at != '\n')
        skip(reader, 1);
}

static void skip_string(struct reader *reader)
{
    char quote = *reader->at;
    for (skip(reader, 1); reader->at < reader->end && *reader->at != quote && *reader->at != '\n';)
        skip(reader, *reader->at == '\\' ? 2 : 1);
    skip(reader, 1);
}

static void read_word(struct reader *reader)
{
    const char *begin = reader->at;
    while (reader->at < reader->end && is_name(*reader->at))
        reader->at++;
    reader->word = (struct text){begin, (size_t)(reader->at - begin)};
}

/* The next name (or number); false at the end. */
static bool next_word(struct reader *reader)
{
    char last = '\0';
    reader->before = reader->word;
    while (reader->at < reader->end) {
        char c = *reader->at;
        if (is_name(c)) {
            reader->is_field = last == '.' || last == ':';
            read_word(reader);
            return true;
        }
        if (!isspace((unsigned char)c))
            reader->before = (struct text){0};
        if (c == '-' && left(reader) > 1 && reader->at[1] == '-') {
            skip_comment(reader);
        } else if (c == '"' || c == '\'') {
            skip_string(reader);
            last = c;
        } else if (!skip_long(reader)) {
            bool joins = c == '.' && last == '.'; // "a .. b" reads no field
            last = joins ? '\0' : isspace((unsigned char)c) ? last : c;
            skip(reader, 1);
        }
    }
    return false;
}

static bool is_assigned(const struct reader *reader)
{
    const char *at = reader->at;
    while (at < reader->end && isspace((unsigned char)*at))
        at++;
    return at < reader->end && *at == '=' && (at + 1 == reader->end || at[1] != '=');
}

/* Returns whether the program assigns a value to this name. */
static bool is_bound(struct text program, struct text name)
{
    struct reader reader = {.at = program.at, .end = program.at + program.length, .line = 1};
    while (next_word(&reader))
        if (text_equal(reader.word, name) && (text_equal(reader.before, TEXT("local")) || is_assigned(&reader) ||
                                              text_equal(reader.before, TEXT("function"))))
            return true;
    return false;
}

/* Returns whether it is a global. Pushes the table of globals and the name. */
static bool is_known(lua_State *L, int globals, struct text name)
{
    lua_pushvalue(L, globals);
    lua_pushlstring(L, name.at, name.length);
    lua_pushvalue(L, -1);
    bool known = lua_rawget(L, -3) != LUA_TNIL;
    lua_pop(L, 1);
    return known;
}

static void warn(lua_State *L, const struct host *host, const char *path, const struct reader *reader)
{
    char line[400];
    snprintf(line, sizeof line, "%s:%u: no function %.*s; did you mean %s?", path, reader->line,
             (int)reader->word.length, reader->word.at, lua_tostring(L, -1));
    host->log(host->context, LOG_WARNING, line);
}

void names_check(lua_State *L, int globals, const struct host *host, const char *path, struct text program)
{
    struct reader reader = {.at = program.at, .end = program.at + program.length, .line = 1};
    unsigned warnings = 10; // more of them tell nobody more
    while (warnings != 0 && next_word(&reader)) {
        watch_check(L);
        if (reader.is_field || reader.word.length < 5 || memcmp(reader.word.at, "sip_", 4) != 0)
            continue;
        int top = lua_gettop(L);
        if (!is_known(L, globals, reader.word) && strict_nearest(L, top + 1, lua_tostring(L, -1)) &&
            !is_bound(program, reader.word)) {
            warn(L, host, path, &reader);
            warnings--;
        }
        lua_settop(L, top);
    }
}
