// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/blame.h"

static bool is_noted(const struct blame *blame, uint64_t source)
{
    for (unsigned i = 0; i < BLAME_SOURCES; i++)
        if (source != 0 && blame->sources[i] == source)
            return true;
    return false;
}

bool blame_add(struct blame *blame, const uint64_t sources[BLAME_AT_ONCE])
{
    for (unsigned i = 0; i < BLAME_AT_ONCE; i++)
        if (is_noted(blame, sources[i]))
            return false;
    for (unsigned i = 0; i < BLAME_AT_ONCE; i++)
        if (sources[i] != 0)
            blame->sources[blame->next++ % BLAME_SOURCES] = sources[i];
    return true;
}
