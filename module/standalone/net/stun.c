// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/stun.h"

enum {
    HEADER = 20,
    BINDING_REQUEST = 0x0001,
    BINDING_SUCCESS = 0x0101,
    BINDING_ERROR = 0x0111,
    XOR_MAPPED_ADDRESS = 0x0020,
    ERROR_CODE = 0x0009,
    UNKNOWN_ATTRIBUTES = 0x000a,
    COMPREHENSION_OPTIONAL = 0x8000,
    UNKNOWN_MOST = 8
};

static const unsigned char cookie[4] = {0x21, 0x12, 0xa4, 0x42};

static unsigned read16(const char *at)
{
    return (unsigned)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

static void write16(char *at, unsigned value)
{
    at[0] = (char)(value >> 8);
    at[1] = (char)value;
}

bool stun_is(const char *bytes, size_t length)
{
    return length >= HEADER && (bytes[0] & 0xc0) == 0 && memcmp(bytes + 4, cookie, sizeof cookie) == 0;
}

/* Attributes that a binding request without authentication does not need and that change nothing: USERNAME,
   MESSAGE-INTEGRITY, REALM, NONCE, MESSAGE-INTEGRITY-SHA256, PASSWORD-ALGORITHM, USERHASH, and ICE's PRIORITY and
   USE-CANDIDATE. */
static bool is_known(unsigned type)
{
    static const unsigned known[] = {0x0006, 0x0008, 0x0014, 0x0015, 0x001c, 0x001d, 0x001e, 0x0024, 0x0025};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i] == type)
            return true;
    }
    return type >= COMPREHENSION_OPTIONAL;
}

/* Returns false if the attributes do not fill the message exactly. */
static bool read_unknown(const char *bytes, size_t length, unsigned unknown[UNKNOWN_MOST], size_t *count)
{
    size_t at = HEADER;
    *count = 0;
    while (at + 4 <= length) {
        unsigned type = read16(bytes + at);
        size_t size = (read16(bytes + at + 2) + 3U) & ~3U;
        if (size > length - at - 4)
            return false;
        if (!is_known(type) && *count < UNKNOWN_MOST)
            unknown[(*count)++] = type;
        at += 4 + size;
    }
    return at == length;
}

static size_t write_error(const unsigned unknown[], size_t count, char *out)
{
    static const char reason[] = "Unknown Attribute";
    size_t reason_length = sizeof reason - 1, padded = (4 + reason_length + 3) & ~(size_t)3;
    write16(out, ERROR_CODE);
    write16(out + 2, (unsigned)(4 + reason_length));
    out[6] = 4;
    out[7] = 20;
    memcpy(out + 8, reason, reason_length);
    char *next = out + 4 + padded;
    write16(next, UNKNOWN_ATTRIBUTES);
    write16(next + 2, (unsigned)(2 * count));
    for (size_t i = 0; i < count; i++)
        write16(next + 4 + 2 * i, unknown[i]);
    return 4 + padded + 4 + ((2 * count + 3) & ~(size_t)3);
}

/* `mask` is the cookie and the transaction id, 16 bytes. */
static size_t write_address(const union address *source, const char *mask, char *out)
{
    bool v6 = source->any.sa_family == AF_INET6;
    const char *bytes = v6 ? (const char *)&source->v6.sin6_addr : (const char *)&source->v4.sin_addr;
    size_t size = v6 ? 16 : 4;
    write16(out, XOR_MAPPED_ADDRESS);
    write16(out + 2, (unsigned)(4 + size));
    out[5] = v6 ? 2 : 1;
    write16(out + 6, address_port(source) ^ 0x2112U);
    for (size_t i = 0; i < size; i++)
        out[8 + i] = (char)(bytes[i] ^ mask[i]);
    return 8 + size;
}

size_t stun_answer(const char *bytes, size_t length, const union address *source, char out[STUN_ANSWER_MOST])
{
    unsigned unknown[UNKNOWN_MOST];
    size_t count, body;
    if (!stun_is(bytes, length) || read16(bytes) != BINDING_REQUEST || read16(bytes + 2) != length - HEADER ||
        !read_unknown(bytes, length, unknown, &count))
        return 0;
    memset(out, 0, STUN_ANSWER_MOST);
    if (count > 0)
        body = write_error(unknown, count, out + HEADER);
    else
        body = write_address(source, bytes + 4, out + HEADER);
    write16(out, count > 0 ? BINDING_ERROR : BINDING_SUCCESS);
    write16(out + 2, (unsigned)body);
    memcpy(out + 4, bytes + 4, HEADER - 4);
    return HEADER + body;
}
