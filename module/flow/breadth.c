// SPDX-License-Identifier: BSD-2-Clause
#include "flow/breadth.h"

uint32_t breadth_read(struct text value)
{
    uint32_t breadth = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return BREADTH_MOST;
        breadth = breadth * 10 + (uint32_t)(value.at[i] - '0');
        if (breadth > BREADTH_MOST)
            return BREADTH_MOST;
    }
    return value.length > 0 ? breadth : BREADTH_MOST;
}

uint32_t breadth_share(uint32_t left, uint32_t branches)
{
    uint32_t share = branches > 0 ? left / branches : left;
    return share == 0 && left > 0 ? 1 : share;
}
