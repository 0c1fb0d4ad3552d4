// SPDX-License-Identifier: BSD-2-Clause
#include "flow/breadth.h"

#include "base/number.h"

uint32_t breadth_read(struct text value)
{
    uint64_t breadth;
    return number_read(value, BREADTH_MOST, &breadth) ? (uint32_t)breadth : BREADTH_MOST;
}

uint32_t breadth_share(uint32_t left, uint32_t branches)
{
    uint32_t share = branches > 0 ? left / branches : left;
    return share == 0 && left > 0 ? 1 : share;
}
