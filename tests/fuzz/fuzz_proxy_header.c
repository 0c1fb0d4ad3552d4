// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "standalone/proxied/proxy_header.h"

/* The first bytes of connections from a load balancer, cut anywhere. */

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

static const struct text texts[] = {
    BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 40112 5061\r\nOPTIONS sip:a SIP/2.0\r\n"),
    BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 40112 5061\r\n\x16\x03\x01"),
    BYTES("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 0 65535\r\n"),
    BYTES("PROXY UNKNOWN\r\n"),
    BYTES("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 "
          "65535\r\n"),
    BYTES("PROXY TCP4 192.0.02.1 198.51.100.1 040112 65536\r\n"),
    BYTES("PROXY TCP4  192.0.2.1 198.51.100.1 1 2 \r\n"),
    BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\1\x9c\xb0\x13\xc5GET / HTTP/1.1\r\n"),
    BYTES(SIGNATURE
          "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x9c\xb0\x13\xc5"),
    BYTES(SIGNATURE "\x21\x11\0\x13\xc0\0\2\1\xc6\x33\x64\1\x9c\xb0\x13\xc5\4\0\4abcd"),
    BYTES(SIGNATURE "\x20\0\0\0"),
    BYTES(SIGNATURE "\x21\0\0\0"),
    BYTES(SIGNATURE "\x21\x12\0\x0c\xc0\0\2\1\xc6\x33\x64\1\x9c\xb0\x13\xc5"),
    BYTES(SIGNATURE "\x21\x31\0\xd8"),
    BYTES(SIGNATURE "\x21\x11\x10\0"),
    BYTES("OPTIONS sip:a SIP/2.0\r\n\r\n"),
};

/* Reads a copy of exactly these bytes, so that one too many is seen. */
static enum proxy_outcome read_copy(const char *bytes, size_t length, struct proxy_header *header)
{
    char *copy = length > 0 ? malloc(length) : NULL;
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, length);
    enum proxy_outcome outcome = proxy_header_read(copy, length, header);
    free(copy);
    return outcome;
}

static const char *judge_complete(const char *bytes, size_t length, const struct proxy_header *header)
{
    struct proxy_header again;
    static const uint8_t nobody[16];
    if (header->length < 2 || header->length > length || header->length > PROXY_HEADER_MOST)
        return "the header's length is wrong";
    if (read_copy(bytes, header->length, &again) == PROXY_MORE || again.length != header->length)
        return "the header alone is another one";
    if (read_copy(bytes, header->length - 1, &again) != PROXY_MORE)
        return "the last byte of the header makes no difference";
    if (memcmp(again.address, nobody, sizeof nobody) != 0)
        return "an incomplete header names somebody";
    return NULL;
}

static const char *exercise(const char *bytes, size_t length)
{
    struct proxy_header header, part;
    static const uint8_t nobody[16];
    if (length == 0)
        return NULL;
    enum proxy_outcome outcome = read_copy(bytes, length, &header);
    if (outcome == PROXY_MORE && length >= PROXY_HEADER_MOST)
        return "no end of the header";
    if (outcome == PROXY_BROKEN && header.fault == NULL)
        return "no reason for the refusal";
    if (outcome == PROXY_NAMED && memcmp(header.address, nobody, header.ipv6 ? 16 : 4) == 0)
        return "the client is nobody";
    for (size_t cut = 1; cut < length && cut <= 256; cut++) {
        enum proxy_outcome early = read_copy(bytes, cut, &part);
        if (early != PROXY_MORE && early != outcome)
            return "more bytes change the result";
    }
    return outcome == PROXY_NAMED || outcome == PROXY_OWN ? judge_complete(bytes, length, &header) : NULL;
}

const struct fuzz fuzz_target = {texts, sizeof texts / sizeof texts[0], NULL, exercise};
