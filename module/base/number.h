// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_NUMBER_H
#define REFLOW_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/text.h"

/* For settings whose 0 stands for a standard value. */
static inline uint32_t number_or(uint32_t number, uint32_t standard)
{
    return number != 0 ? number : standard;
}

/* Reads a number from 0 to `most`, which is below 2^60, in decimal digits and nothing else. Returns false for anything
   else, and leaves *number. */
bool number_read(struct text text, uint64_t most, uint64_t *number);

enum { NUMBER_DIGITS = 20 };

/* The number in decimal digits, which lie in `digits`. */
static inline struct text number_text(uint64_t number, char digits[NUMBER_DIGITS])
{
    size_t start = NUMBER_DIGITS;
    do
        digits[--start] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    return (struct text){digits + start, NUMBER_DIGITS - start};
}

#endif
