// SPDX-License-Identifier: BSD-2-Clause
#include "base/number.h"

bool number_read(struct text text, uint64_t most, uint64_t *number)
{
    uint64_t sum = 0;
    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        sum = sum * 10 + (uint64_t)(text.at[i] - '0');
        if (sum > most)
            return false;
    }
    *number = sum;
    return true;
}
