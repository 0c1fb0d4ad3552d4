// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/proxied/proxy_header.h"

#include <arpa/inet.h>

#include "base/number.h"
#include "core/text.h"

enum { FIXED = 16, INET_LEAST = 12, INET6_LEAST = 36 }; /* bytes of version 2 */

static const struct text signature = {"\r\n\r\n\0\r\nQUIT\n", 12};
static const struct text word = {"PROXY ", 6};

static enum proxy_outcome fail(struct proxy_header *header, const char *fault)
{
    header->fault = fault;
    return PROXY_BROKEN;
}

/* --- the client's address --- */

static bool is_host4(const uint8_t *address)
{
    static const uint8_t nobody[4];
    return memcmp(address, nobody, 4) != 0 && address[0] < 224;
}

static bool is_host6(const uint8_t *address)
{
    static const uint8_t nobody[16];
    return memcmp(address, nobody, 16) != 0 && address[0] != 0xff;
}

static enum proxy_outcome name_client(struct proxy_header *header, const void *address, bool ipv6, uint16_t port)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    const uint8_t *bytes = address;
    if (ipv6 && memcmp(bytes, mapped, sizeof mapped) == 0) {
        bytes += sizeof mapped;
        ipv6 = false;
    }
    if (ipv6 ? !is_host6(bytes) : !is_host4(bytes))
        return fail(header, "the source address is not that of a host");
    header->ipv6 = ipv6;
    memcpy(header->address, bytes, ipv6 ? 16 : 4);
    header->port = port;
    return PROXY_NAMED;
}

/* --- version 1 --- */

/* The bytes before the next space, or the rest. Fields are separated by exactly one space. */
static struct text next_field(struct text *rest)
{
    const char *space = rest->length > 0 ? memchr(rest->at, ' ', rest->length) : NULL;
    struct text field = {rest->at, space != NULL ? (size_t)(space - rest->at) : rest->length};
    size_t used = field.length + (space != NULL);
    *rest = (struct text){rest->at + used, rest->length - used};
    return field;
}

/* inet_pton() does not accept leading zeros in an IPv4 address. */
static bool read_address(struct text text, int family, uint8_t out[16])
{
    char copy[INET6_ADDRSTRLEN];
    if (text.length >= sizeof copy || memchr(text.at, '\0', text.length) != NULL)
        return false;
    memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    return inet_pton(family, copy, out) == 1;
}

static bool read_port(struct text text, uint16_t *port)
{
    uint64_t number = 0;
    const bool fine = (text.length <= 1 || text.at[0] != '0') && number_read(text, UINT16_MAX, &number);
    *port = (uint16_t)number;
    return fine;
}

static enum proxy_outcome read_fields(struct text line, struct proxy_header *header)
{
    uint8_t source[16], destination[16];
    uint16_t port, destination_port;
    struct text family = next_field(&line);
    bool ipv6 = text_equal(family, TEXT("TCP6"));
    if (text_equal(family, TEXT("UNKNOWN")))
        return PROXY_OWN;
    if (!ipv6 && !text_equal(family, TEXT("TCP4")))
        return fail(header, "the protocol is not TCP4, TCP6 or UNKNOWN");
    int number = ipv6 ? AF_INET6 : AF_INET;
    if (!read_address(next_field(&line), number, source) || !read_address(next_field(&line), number, destination))
        return fail(header, "an address is not valid");
    struct text first = next_field(&line), second = line;
    if (!read_port(first, &port) || !read_port(second, &destination_port))
        return fail(header, "a port is not a number from 0 to 65535");
    return name_client(header, source, ipv6, port);
}

static enum proxy_outcome read_line(struct text bytes, struct proxy_header *header)
{
    size_t most = bytes.length < PROXY_HEADER_LINE ? bytes.length : PROXY_HEADER_LINE;
    const char *end = memchr(bytes.at, '\n', most);
    if (end == NULL && most < PROXY_HEADER_LINE)
        return PROXY_MORE;
    if (end == NULL)
        return fail(header, "the line is longer than 107 bytes");
    size_t length = (size_t)(end - bytes.at);
    if (end[-1] != '\r')
        return fail(header, "the line does not end with CRLF");
    header->length = length + 1;
    return read_fields((struct text){bytes.at + word.length, length - 1 - word.length}, header);
}

/* --- version 2 --- */

static uint16_t read16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static enum proxy_outcome read_source(const uint8_t *bytes, uint16_t length, struct proxy_header *header)
{
    enum { FAMILY_AT = 13, UNSPECIFIED = 0x00, TCP4 = 0x11, TCP6 = 0x21, PORT4_AT = 8, PORT6_AT = 32 };
    const uint8_t *addresses = bytes + FIXED;
    switch (bytes[FAMILY_AT]) {
    case UNSPECIFIED:
        return PROXY_OWN;
    case TCP4:
        if (length >= INET_LEAST)
            return name_client(header, addresses, false, read16(addresses + PORT4_AT));
        break;
    case TCP6:
        if (length >= INET6_LEAST)
            return name_client(header, addresses, true, read16(addresses + PORT6_AT));
        break;
    default:
        return fail(header, "the protocol is not TCP over IPv4 or IPv6");
    }
    return fail(header, "it is too short for its addresses");
}

/* A header with the command LOCAL is skipped, whatever the rest of it contains. */
static enum proxy_outcome read_binary(struct text bytes, struct proxy_header *header)
{
    enum { COMMAND_AT = 12, LENGTH_AT = 14, VERSION_2 = 0x20, LOCAL = 0, PROXY = 1 };
    const uint8_t *at = (const uint8_t *)bytes.at;
    if (bytes.length <= COMMAND_AT)
        return PROXY_MORE;
    uint8_t command = at[COMMAND_AT] & 0x0f;
    if ((at[COMMAND_AT] & 0xf0) != VERSION_2 || command > PROXY)
        return fail(header, "the version is not 2, or the command is unknown");
    if (bytes.length < FIXED)
        return PROXY_MORE;
    uint16_t length = read16(at + LENGTH_AT);
    if (length > PROXY_HEADER_MOST - FIXED)
        return fail(header, "it is longer than 4096 bytes");
    if (bytes.length < (size_t)FIXED + length)
        return PROXY_MORE;
    header->length = (size_t)FIXED + length;
    return command == LOCAL ? PROXY_OWN : read_source(at, length, header);
}

/* --- */

static bool may_begin_with(struct text bytes, struct text start)
{
    size_t length = bytes.length < start.length ? bytes.length : start.length;
    return memcmp(bytes.at, start.at, length) == 0;
}

enum proxy_outcome proxy_header_read(const char *bytes, size_t available, struct proxy_header *header)
{
    const struct text stream = {bytes, available};
    *header = (struct proxy_header){0};
    if (may_begin_with(stream, word))
        return available < word.length ? PROXY_MORE : read_line(stream, header);
    if (may_begin_with(stream, signature))
        return available < signature.length ? PROXY_MORE : read_binary(stream, header);
    return fail(header, "the connection does not begin with one");
}
