// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/layers.h"

#include "sip/message.h"

static struct text after(struct text text, const char *found)
{
    return (struct text){found + 1, text.length - (size_t)(found + 1 - text.at)};
}

struct text layers_domain(struct text aor)
{
    size_t end = 0;
    if (!sip_uri_is_sip(aor)) /* neither a telephone number nor a service has a domain */
        return (struct text){0};
    const char *found = aor.length != 0 ? memrchr(aor.at, '@', aor.length) : NULL;
    if (found == NULL && aor.length != 0)
        found = memchr(aor.at, ':', aor.length);
    if (found == NULL)
        return (struct text){0};
    struct text rest = after(aor, found);
    bool literal = rest.length != 0 && rest.at[0] == '[';
    while (end < rest.length && strchr(literal ? ";?>]" : ";?>:", rest.at[end]) == NULL)
        end++;
    return literal ? (struct text){rest.at + 1, end - 1} : (struct text){rest.at, end};
}
