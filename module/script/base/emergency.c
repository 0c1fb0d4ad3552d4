// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/emergency.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static bool starts_with(struct text text, struct text with)
{
    return text.length >= with.length && strncasecmp(text.at, with.at, with.length) == 0;
}

static struct text skip(struct text text, size_t count)
{
    return (struct text){text.at + count, text.length - count};
}

/* Up to the first of these characters. */
static struct text until(struct text text, const char *ends)
{
    for (size_t i = 0; i < text.length; i++)
        if (strchr(ends, text.at[i]) != NULL)
            return (struct text){text.at, i};
    return text;
}

/* The digits without visual separators (RFC 3966 5.1.1); false if the text is not a number. */
static bool read_number(struct text text, char out[EMERGENCY_DIGITS])
{
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c == '-' || c == '.' || c == '(' || c == ')')
            continue;
        if ((!isdigit((unsigned char)c) && c != '*' && c != '#' && !(c == '+' && i == 0)) ||
            length == EMERGENCY_DIGITS - 1)
            return false;
        out[length++] = c;
    }
    out[length] = '\0';
    return length != 0;
}

static bool is_named(const struct emergency *emergency, const char *number)
{
    for (size_t i = 0; i < emergency->count; i++)
        if (strcmp(emergency->numbers[i], number) == 0)
            return true;
    return false;
}

int emergency_add(struct emergency *emergency, struct text number)
{
    char digits[EMERGENCY_DIGITS];
    if (!read_number(number, digits))
        return -EINVAL;
    if (is_named(emergency, digits))
        return 0;
    if (emergency->count == EMERGENCY_NUMBERS)
        return -ENOSPC;
    memcpy(emergency->numbers[emergency->count++], digits, sizeof digits);
    return 0;
}

static bool is_service(struct text uri)
{
    static const struct text sos = {"urn:service:sos", 15};
    if (!starts_with(uri, sos))
        return false;
    struct text rest = skip(uri, sos.length);
    return rest.length == 0 || strchr(".;?", rest.at[0]) != NULL;
}

bool emergency_is(const struct emergency *emergency, struct text uri)
{
    static const struct text schemes[] = {{"sip:", 4}, {"sips:", 5}, {"tel:", 4}};
    char digits[EMERGENCY_DIGITS];
    if (is_service(uri))
        return true;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0] && emergency->count != 0; i++) {
        if (!starts_with(uri, schemes[i]))
            continue;
        struct text user = skip(uri, schemes[i].length);
        bool has_user = schemes[i].at[0] == 't' || memchr(user.at, '@', user.length) != NULL;
        if (has_user && read_number(until(user, "@;:"), digits) && is_named(emergency, digits))
            return true;
    }
    return false;
}
