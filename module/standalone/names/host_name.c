// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/names/host_name.h"

#include <ctype.h>

#include "standalone/net/peer.h"

/* RFC 1123 2.1, with the underscore that private networks use; a label is neither empty nor longer than 63. */
static bool is_host_name(struct text name)
{
    size_t label = 0;
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.at[i];
        bool inner = c == '-' || c == '_' || isalnum(c) != 0;
        if (c == '.' ? label == 0 : !inner || (label == 0 && c == '-') || label == 63)
            return false;
        label = c == '.' ? 0 : label + 1;
    }
    return label > 0;
}

static struct text without_dot(struct text name)
{
    return name.length > 1 && name.at[name.length - 1] == '.' ? (struct text){name.at, name.length - 1} : name;
}

bool host_name_is_valid(struct text name)
{
    union address address;
    name = without_dot(name);
    return name.length <= HOST_NAME_MOST && (is_host_name(name) || address_read(name, 0, &address));
}
