// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/address_text.h"
#include "cli/base/arguments.h"
#include "cli/replay/replay.h"

size_t replay_address_format(const struct replay_address *address, char *out, size_t size)
{
    if (address->version == 0)
        return 0;
    return address_text(address->bytes, address->version == 6 ? 16 : 4, address->port, out, size);
}

bool replay_address_read(struct text text, struct replay_address *address)
{
    char host[INET6_ADDRSTRLEN + 16];
    struct replay_address read = {0};
    uint64_t port;
    if (text.length >= sizeof host)
        return false;
    memcpy(host, text.at, text.length);
    host[text.length] = '\0';
    char *colon = strrchr(host, ':'), *start = host;
    if (colon == NULL || !argument_number(colon + 1, UINT16_MAX, &port))
        return false;
    *colon = '\0';
    if (*start == '[' && colon > start && colon[-1] == ']') {
        colon[-1] = '\0';
        start++;
    }
    if (inet_pton(AF_INET, start, read.bytes) == 1)
        read.version = 4;
    else if (inet_pton(AF_INET6, start, read.bytes) == 1)
        read.version = 6;
    else
        return false;
    read.port = (uint16_t)port;
    *address = read;
    return true;
}

bool replay_is_start(struct text bytes)
{
    enum { FIRST_LINE_MOST = 2048 };
    static const char version[] = "SIP/2.0";
    const size_t size = sizeof version - 1;
    size_t length = bytes.length < FIRST_LINE_MOST ? bytes.length : FIRST_LINE_MOST;
    if (length > size && memcmp(bytes.at, version, size) == 0)
        return bytes.at[size] == ' ' && length > size + 1 && bytes.at[size + 1] >= '0' && bytes.at[size + 1] <= '9';
    if (length == 0 || bytes.at[0] < 'A' || bytes.at[0] > 'z')
        return false;
    const char *feed = memchr(bytes.at, '\n', length);
    if (feed != NULL)
        length = (size_t)(feed - bytes.at);
    if (length > 0 && bytes.at[length - 1] == '\r')
        length--;
    return length > size + 1 && memcmp(bytes.at + length - size, version, size) == 0 &&
           bytes.at[length - size - 1] == ' ';
}
