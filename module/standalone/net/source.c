// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/source.h"

#include <string.h>

#include "base/number.h"
#include "flow/source_number.h"

/* The 16 bytes of an address, IPv4 mapped into IPv6 as RFC 4291 2.5.5.2 does. */
static void bytes_of(const union address *address, uint8_t out[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (address->any.sa_family == AF_INET6) {
        memcpy(out, &address->v6.sin6_addr, 16);
        return;
    }
    memcpy(out, mapped, sizeof mapped);
    memcpy(out + sizeof mapped, &address->v4.sin_addr, 4);
}

static bool is_ipv4(const union address *address)
{
    return address->any.sa_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr);
}

source_id source_of(const union address *address)
{
    uint8_t bytes[16];
    bytes_of(address, bytes);
    return source_number(bytes, sizeof bytes);
}

bool source_is_loopback(const union address *address)
{
    static const uint8_t loopback4[4] = {127, 0, 0, 1}, loopback6[16] = {[15] = 1};
    uint8_t bytes[16];
    bytes_of(address, bytes);
    if (is_ipv4(address))
        return memcmp(bytes + 12, loopback4, sizeof loopback4) == 0;
    return memcmp(bytes, loopback6, sizeof bytes) == 0;
}

static bool read_prefix(struct text text, unsigned most, uint8_t *prefix)
{
    uint64_t number = 0;
    const bool fine = text.length <= 3 && number_read(text, most, &number);
    *prefix = (uint8_t)number;
    return fine;
}

/* Returns whether the first `prefix` bits of the 16 bytes are the same. */
static bool same_prefix(const uint8_t a[16], const uint8_t b[16], unsigned prefix)
{
    unsigned whole = prefix / 8, rest = prefix % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

/* RFC 1918, RFC 6598, RFC 3927, RFC 1122; RFC 4193, RFC 4291. The prefix is that of the 16 bytes. */
static const struct {
    uint8_t bytes[16];
    uint8_t prefix;
} private_blocks[] = {
    {{[10] = 0xff, 0xff, 10}, 96 + 8},
    {{[10] = 0xff, 0xff, 172, 16}, 96 + 12},
    {{[10] = 0xff, 0xff, 192, 168}, 96 + 16},
    {{[10] = 0xff, 0xff, 100, 64}, 96 + 10},
    {{[10] = 0xff, 0xff, 169, 254}, 96 + 16},
    {{[10] = 0xff, 0xff, 127}, 96 + 8},
    {{[10] = 0xff, 0xff, 0}, 96 + 8},
    {{0xfc}, 7},
    {{0xfe, 0x80}, 10},
    {{[15] = 0}, 127},
};

bool address_is_private_elsewhere(const union address *address, const union address *from)
{
    uint8_t bytes[16], other[16];
    bytes_of(address, bytes);
    bytes_of(from, other);
    for (size_t i = 0; i < sizeof private_blocks / sizeof private_blocks[0]; i++) {
        if (same_prefix(bytes, private_blocks[i].bytes, private_blocks[i].prefix))
            return !same_prefix(other, private_blocks[i].bytes, private_blocks[i].prefix);
    }
    return false;
}

enum { MAPPED_PREFIX = 96 }; /* of IPv4 addresses that are written as IPv6 */

static unsigned prefix_of_16(const struct cidr *cidr)
{
    return cidr->address.any.sa_family == AF_INET ? MAPPED_PREFIX + cidr->prefix : cidr->prefix;
}

static bool has_bits_past_prefix(const struct cidr *cidr)
{
    uint8_t bytes[16];
    bytes_of(&cidr->address, bytes);
    for (unsigned bit = prefix_of_16(cidr); bit < 128; bit++) {
        if (bytes[bit / 8] >> (7 - bit % 8) & 1)
            return true;
    }
    return false;
}

const char *cidr_parse(struct text text, struct cidr *cidr)
{
    const char *slash = text.length > 0 ? memchr(text.at, '/', text.length) : NULL;
    struct text host = {text.at, slash != NULL ? (size_t)(slash - text.at) : text.length};
    if (!address_read(host, 0, &cidr->address))
        return "not ADDRESS or ADDRESS/BITS: the address is not numeric";
    bool ipv4 = cidr->address.any.sa_family == AF_INET, mapped = !ipv4 && is_ipv4(&cidr->address);
    cidr->address = address_unmapped(&cidr->address);
    cidr->prefix = ipv4 || mapped ? 32 : 128;
    if (slash == NULL)
        return NULL;
    struct text prefix = {slash + 1, text.length - host.length - 1};
    if (!read_prefix(prefix, ipv4 ? 32 : 128, &cidr->prefix) || (mapped && cidr->prefix < MAPPED_PREFIX))
        return ipv4     ? "not ADDRESS or ADDRESS/BITS: BITS must be a number from 0 to 32"
               : mapped ? "not ADDRESS or ADDRESS/BITS: BITS of an IPv4 address as IPv6 must be a number from 96 to 128"
                        : "not ADDRESS or ADDRESS/BITS: BITS must be a number from 0 to 128";
    cidr->prefix = (uint8_t)(cidr->prefix - (mapped ? MAPPED_PREFIX : 0));
    return has_bits_past_prefix(cidr) ? "not ADDRESS or ADDRESS/BITS: the address has bits set after the first BITS"
                                      : NULL;
}

bool cidr_read(struct text text, struct cidr *cidr)
{
    return cidr_parse(text, cidr) == NULL;
}

bool cidr_has(const struct cidr *cidr, const union address *address)
{
    uint8_t own[16], other[16];
    bool four = cidr->address.any.sa_family == AF_INET;
    if (!four && is_ipv4(address))
        return false;
    bytes_of(&cidr->address, own);
    bytes_of(address, other);
    return same_prefix(own, other, prefix_of_16(cidr));
}

struct text trunk_of_address(const struct trunks *trunks, const union address *address)
{
    for (size_t i = 0; trunks != NULL && i < trunks->address_count; i++) {
        if (cidr_has(&trunks->addresses[i].cidr, address))
            return trunks->addresses[i].text;
    }
    return (struct text){NULL, 0};
}
