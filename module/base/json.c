// SPDX-License-Identifier: BSD-2-Clause
#include "base/json.h"

#include <stdio.h>

#include "base/number.h"
#include "base/utf8.h"

static bool is_escaped(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == '"' || code == '\\';
}

static struct text without(struct text text, size_t length)
{
    return (struct text){text.at + length, text.length - length};
}

/* `length` 0: no UTF-8. */
static struct text write_escape(char escape[JSON_ESCAPE_MOST + 1], size_t length, uint32_t code)
{
    int written;
    if (length == 0)
        written = snprintf(escape, JSON_ESCAPE_MOST + 1, "\\ufffd");
    else if (code == '"' || code == '\\')
        written = snprintf(escape, JSON_ESCAPE_MOST + 1, "\\%c", (int)code);
    else
        written = snprintf(escape, JSON_ESCAPE_MOST + 1, "\\u%04x", code & 0xff);
    return (struct text){escape, (size_t)written};
}

struct text json_piece(struct text *text, char escape[JSON_ESCAPE_MOST + 1])
{
    struct text rest = *text;
    uint32_t code = 0;
    size_t length;
    while ((length = utf8_decode(rest, &code)) != 0 && !is_escaped(code))
        rest = without(rest, length);
    struct text plain = {text->at, text->length - rest.length};
    *text = rest;
    if (plain.length > 0)
        return plain;
    *text = without(rest, length != 0 ? length : 1);
    return write_escape(escape, length, code);
}

static void put(struct json *json, struct text bytes)
{
    json->put(json->context, bytes);
}

void json_put_part(struct json *json, struct text part)
{
    char escape[JSON_ESCAPE_MOST + 1];
    while (part.length > 0)
        put(json, json_piece(&part, escape));
}

void json_name(struct json *json, const char *name)
{
    put(json, json->has_member ? TEXT(",\"") : TEXT("\""));
    put(json, text_of(name));
    put(json, TEXT("\":"));
    json->has_member = true;
}

static void begin(struct json *json, const char *name, struct text bracket)
{
    if (name != NULL)
        json_name(json, name);
    else if (json->has_member)
        put(json, TEXT(","));
    put(json, bracket);
    json->has_member = false;
}

static void end(struct json *json, struct text bracket)
{
    put(json, bracket);
    json->has_member = true;
}

void json_open(struct json *json, const char *name)
{
    begin(json, name, TEXT("{"));
}

void json_close(struct json *json)
{
    end(json, TEXT("}"));
}

void json_open_array(struct json *json, const char *name)
{
    begin(json, name, TEXT("["));
}

void json_close_array(struct json *json)
{
    end(json, TEXT("]"));
}

void json_put_number(struct json *json, const char *name, uint64_t value)
{
    char digits[NUMBER_DIGITS];
    json_name(json, name);
    put(json, number_text(value, digits));
}

void json_put_true(struct json *json, const char *name)
{
    json_name(json, name);
    put(json, TEXT("true"));
}

void json_put_start(struct json *json, struct text part, size_t most)
{
    enum { UTF8_MOST = 4 };
    if (part.length <= most) {
        json_put_part(json, part);
        return;
    }
    part.length = most;
    for (int i = 1; i < UTF8_MOST && (part.at[part.length] & 0xc0) == 0x80; i++)
        part.length--; /* no half of a character */
    json_put_part(json, part);
    put(json, TEXT("..."));
}

void json_quote(struct json *json, const char *name)
{
    json_name(json, name);
    put(json, TEXT("\""));
}

void json_unquote(struct json *json)
{
    put(json, TEXT("\""));
}

void json_put_text(struct json *json, const char *name, struct text value)
{
    json_quote(json, name);
    json_put_part(json, value);
    json_unquote(json);
}

void json_put_foreign(struct json *json, const char *name, struct text value)
{
    if (value.length == 0)
        return;
    json_quote(json, name);
    json_put_start(json, value, JSON_FOREIGN_MOST);
    json_unquote(json);
}
