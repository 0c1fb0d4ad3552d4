// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/mask.h"

#include <string.h>
#include <strings.h>

enum { NUMBER_HEAD = 2, NUMBER_TAIL = 2, NUMBER_LEAST = 7 };

/* The user part of a URI, without parameters and password; of a tel URI its number. Empty where there is none. */
static struct text user_part(struct text uri)
{
    size_t start = 0, end;
    bool is_tel = uri.length > 4 && strncasecmp(uri.at, "tel:", 4) == 0;
    if (!is_tel && (uri.length == 0 || memchr(uri.at, '@', uri.length) == NULL))
        return (struct text){0};
    while (start < uri.length && uri.at[start] != ':')
        start++;
    start += start < uri.length;
    for (end = start; end < uri.length && uri.at[end] != ';' && uri.at[end] != ':' && uri.at[end] != '@';)
        end++;
    return (struct text){uri.at + start, end - start};
}

/* The length of "+", or of the same escaped, before a number. */
static size_t plus_length(struct text user)
{
    if (user.length > 0 && user.at[0] == '+')
        return 1;
    return user.length >= 3 && user.at[0] == '%' && user.at[1] == '2' && (user.at[2] | 0x20) == 'b' ? 3 : 0;
}

static bool is_number(struct text user)
{
    size_t digits = 0;
    for (size_t i = plus_length(user); i < user.length; i++) {
        if (user.at[i] >= '0' && user.at[i] <= '9')
            digits++;
        else if (user.at[i] == '\0' || strchr("-.()*#", user.at[i]) == NULL)
            return false;
    }
    return digits > 0;
}

bool mask_number(struct text uri, struct text *head, struct text *tail)
{
    struct text user = user_part(uri);
    if (!is_number(user))
        return false;
    size_t plus = plus_length(user);
    bool shows = user.length - plus >= NUMBER_LEAST;
    size_t start = (size_t)(user.at - uri.at) + (shows ? plus + NUMBER_HEAD : 0);
    size_t end = (size_t)(user.at - uri.at) + user.length - (shows ? NUMBER_TAIL : 0);
    *head = (struct text){uri.at, start};
    *tail = (struct text){uri.at + end, uri.length - end};
    return true;
}
