// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_CORE_TEXT_H
#define REFLOW_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* A byte string that somebody else owns, not terminated. {NULL, 0} means absent. */
struct text {
    const char *at;
    size_t length;
};

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

static inline struct text text_of(const char *string)
{
    return (struct text){string, string ? strlen(string) : 0};
}

/* How many bytes of a line are in `size` bytes, where snprintf() has returned `result`. */
static inline size_t text_printed(int result, size_t size)
{
    return result < 0 ? 0 : (size_t)result < size ? (size_t)result : size - 1;
}

static inline bool text_equal(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.at, b.at, a.length) == 0);
}

static inline bool text_equal_nocase(struct text a, struct text b)
{
    return a.length == b.length && (a.length == 0 || strncasecmp(a.at, b.at, a.length) == 0);
}

#endif
