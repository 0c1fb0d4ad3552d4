// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_WRITER_H
#define REFLOW_BASE_WRITER_H

#include <string.h>

#include "base/number.h"

/* Writes texts one after the other into memory of a fixed size; bytes that do not fit are only counted. For what is
   written many times for each call, where snprintf() would cost more than all else. */
struct writer {
    char *at; /* not terminated */
    size_t size, length;
};

static inline struct writer writer_begin(char *out, size_t size)
{
    return (struct writer){.at = out, .size = size};
}

static inline void writer_put(struct writer *writer, char c)
{
    if (writer->length < writer->size)
        writer->at[writer->length] = c;
    writer->length++;
}

static inline void writer_put_text(struct writer *writer, struct text text)
{
    size_t room = writer->length < writer->size ? writer->size - writer->length : 0;
    size_t length = text.length < room ? text.length : room;
    if (length > 0)
        memcpy(writer->at + writer->length, text.at, length);
    writer->length += text.length;
}

static inline void writer_put_number(struct writer *writer, uint64_t number)
{
    char digits[NUMBER_DIGITS];
    writer_put_text(writer, number_text(number, digits));
}

/* So many lower-case hexadecimal digits. */
static inline void writer_put_hex(struct writer *writer, unsigned digits, uint64_t number)
{
    while (digits-- > 0)
        writer_put(writer, "0123456789abcdef"[number >> 4 * digits & 15]);
}

/* Ends what was written with a NUL. Returns its length without the NUL, or 0 if it does not fit. */
static inline size_t writer_end(struct writer *writer)
{
    if (writer->length >= writer->size)
        return 0;
    writer->at[writer->length] = '\0';
    return writer->length;
}

#endif
