// SPDX-License-Identifier: BSD-2-Clause
#include "script/base/printable.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

bool printable_is_control(uint32_t code)
{
    return code < ' ' || (code >= 0x7f && code < 0xa0) || code == 0x061c || code == 0xfeff ||
           (code >= 0x200e && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

/* The length of the character at this position if it is printed unchanged; 0: it is escaped. */
static size_t plain(const char *text)
{
    uint32_t code = 0;
    size_t length = utf8_decode((struct text){text, strnlen(text, 4)}, &code);
    return length != 0 && !printable_is_control(code) ? length : 0;
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
