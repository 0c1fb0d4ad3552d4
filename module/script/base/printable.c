// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/printable.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* The length of the UTF-8 character at this position; 0: not UTF-8 (RFC 3629). */
static size_t decode(const unsigned char *at, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = at[0] < 0x80 ? 1 : at[0] >> 5 == 6 ? 2 : at[0] >> 4 == 14 ? 3 : at[0] >> 3 == 30 ? 4 : 0;
    if (length == 0)
        return 0;
    *code = length == 1 ? at[0] : at[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if (at[i] >> 6 != 2)
            return 0;
        *code = *code << 6 | (at[i] & 0x3fU);
    }
    bool surrogate = *code >= 0xd800 && *code <= 0xdfff;
    return *code < least[length] || *code > 0x10ffff || surrogate ? 0 : length;
}

/* U+2028 and similar characters end a line or change the direction of the text after them. */
static bool is_control(uint32_t code)
{
    return code < ' ' || (code >= 0x7f && code < 0xa0) || code == 0x061c || code == 0xfeff ||
           (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

/* The length of the character at this position if it is printed unchanged; 0: it is escaped. */
static size_t plain(const char *text)
{
    uint32_t code = 0;
    size_t length = decode((const unsigned char *)text, &code);
    return length != 0 && !is_control(code) ? length : 0;
}

size_t printable_write(char *out, size_t size, const char *text)
{
    size_t used = 0;
    while (*text != '\0') {
        char escaped[8];
        const char *from = text;
        size_t length = plain(text), taken = length != 0 ? length : 1;
        if (length == 0) {
            bool is_space = strchr("\n\r\t", *text) != NULL;
            length = (size_t)snprintf(escaped, sizeof escaped, is_space ? " " : "\\x%02x", (unsigned char)*text);
            from = escaped;
        }
        if (used + length >= size)
            break;
        memcpy(out + used, from, length);
        used += length;
        text += taken;
    }
    if (size > 0)
        out[used] = '\0';
    return used;
}

bool printable_is(const char *text)
{
    while (*text != '\0') {
        size_t length = plain(text);
        if (length == 0)
            return false;
        text += length;
    }
    return true;
}
