// SPDX-License-Identifier: BSD-2-Clause
#include "flow/source_number.h"

#include <string.h>

static uint64_t read_bytes(const uint8_t *bytes, unsigned count)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < count; i++)
        number = number << 8 | bytes[i];
    return number;
}

/* IPv4 addresses get numbers in ff00::/8, which are multicast addresses and never sources. */
uint64_t source_number(const void *address, size_t length)
{
    static const uint64_t ipv4 = 0xffff000000000000;
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    const uint8_t *bytes = address;
    if (length == 4)
        return ipv4 | read_bytes(bytes, 4);
    if (memcmp(bytes, mapped, sizeof mapped) == 0)
        return ipv4 | read_bytes(bytes + sizeof mapped, 4);
    uint64_t prefix = read_bytes(bytes, 8);
    return prefix != 0 ? prefix : 1;
}
