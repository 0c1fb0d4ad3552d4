// SPDX-License-Identifier: BSD-2-Clause
#include "base/address_text.h"

#include <arpa/inet.h>
#include <string.h>

enum { IPV6_BYTES = 16, HOST_MOST = INET6_ADDRSTRLEN, PORT_MOST = 6 };

/* Writes the decimal digits of `number` and returns the place behind them. */
static char *put_number(char *at, unsigned number)
{
    char digits[5];
    unsigned count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

static char *put_ipv4(char *at, const unsigned char *bytes)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *at++ = '.';
        at = put_number(at, bytes[i]);
    }
    return at;
}

static char *put_host(char *at, const void *address, size_t length)
{
    if (length != IPV6_BYTES)
        return put_ipv4(at, address);
    inet_ntop(AF_INET6, address, at, HOST_MOST);
    return at + strlen(at);
}

static size_t copy_text(const char *text, const char *end, char *out, size_t size)
{
    size_t length = (size_t)(end - text);
    if (size == 0)
        return 0;
    if (length >= size)
        length = size - 1;
    memcpy(out, text, length);
    out[length] = '\0';
    return length;
}

size_t host_text(const void *address, size_t length, char *out, size_t size)
{
    char text[HOST_MOST];
    return copy_text(text, put_host(text, address, length), out, size);
}

size_t address_text(const void *address, size_t length, uint16_t port, char *out, size_t size)
{
    char text[HOST_MOST + PORT_MOST + 2], *at = text;
    if (length == IPV6_BYTES)
        *at++ = '[';
    at = put_host(at, address, length);
    if (length == IPV6_BYTES)
        *at++ = ']';
    *at++ = ':';
    return copy_text(text, put_number(at, port), out, size);
}
