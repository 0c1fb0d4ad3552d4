// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "standalone/websocket/websocket.h"
#include "test.h"

/* Opening requests and frames, whole and in pieces: what comes of them does not depend on where they are cut. The first
   byte says how: an even one, that a good opening request goes before the rest. */

enum { MESSAGE_MOST = 2000, SENT_MOST = 1 << 20 };

#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }
#define NO_MASK "\0\0\0\0"
#define OPENING                                                                                                        \
    "GET /sip HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"                        \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"                                     \
    "Sec-WebSocket-Protocol: chat, sip\r\n\r\n"

static const char opening[] = OPENING;

static const struct text texts[] = {
    BYTES("\1" OPENING "\x81\x84" NO_MASK "\r\n\r\n"),
    BYTES("\1GET / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    BYTES("\1POST /sip HTTP/1.1\r\nExpect: 100-continue\r\nUpgrade: h2c\r\n\r\n"),
    BYTES("\2\x81\x85" NO_MASK "hello\x82\x85" NO_MASK "world"),
    BYTES("\2\x01\x83" NO_MASK "REG\x89\x84" NO_MASK "ping\x00\x83" NO_MASK "IST\x80\x82" NO_MASK "ER"),
    BYTES("\2\x81\xfe\x00\x80" NO_MASK "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"
          "abcdef0123456789abcdef0123456789abcdef0123456789abcde\r"),
    BYTES("\2\x81\xff\0\0\0\0\0\x10\0\0" NO_MASK "a MiB"),
    BYTES("\2\x88\x82" NO_MASK "\x03\xe8\x81\x84" NO_MASK "late"),
    BYTES("\2\x8a\x84" NO_MASK "pong\x88\x80" NO_MASK),
    BYTES("\2\x81\x02hi"),
    BYTES("\2\x81\x84" NO_MASK "\xc3\x28\xed\xa0"),
};

struct seen {
    uint64_t digest; /* of the messages, in their order */
    size_t messages, sent;
    bool too_long;
    enum websocket_outcome outcome;
};

static void on_send(void *context, const char *bytes, size_t length)
{
    struct seen *seen = context;
    (void)bytes;
    seen->sent += length;
}

static void on_message(void *context, const char *bytes, size_t length)
{
    struct seen *seen = context;
    seen->messages++;
    seen->too_long |= length > MESSAGE_MOST;
    for (size_t i = 0; i < length; i++)
        seen->digest = (seen->digest ^ (unsigned char)bytes[i]) * 0x100000001b3ULL;
}

static void on_begun_or_pinged(void *context)
{
    (void)context;
}

static void put(struct websocket *websocket, struct seen *seen, struct text bytes, size_t piece)
{
    for (size_t at = 0; seen->outcome == WEBSOCKET_OK && at < bytes.length; at += piece) {
        size_t length = bytes.length - at < piece ? bytes.length - at : piece;
        seen->outcome = websocket_put(websocket, bytes.at + at, length);
    }
}

/* memory: which allocation fails; 0: none. False: memory is lost. */
static bool play(struct text bytes, size_t piece, uint64_t memory, struct seen *seen)
{
    struct fake_host fake;
    const struct websocket_events events = {seen, on_send, on_begun_or_pinged, on_message, on_begun_or_pinged};
    *seen = (struct seen){0};
    fake_host_create(&fake);
    fake.fail_after = memory;
    struct websocket *websocket = websocket_new(&fake.host, &events, NULL, MESSAGE_MOST);
    if (websocket != NULL) {
        if (bytes.length > 0 && bytes.at[0] % 2 == 0)
            put(websocket, seen, (struct text){opening, sizeof opening - 1}, sizeof opening);
        if (bytes.length > 0)
            put(websocket, seen, (struct text){bytes.at + 1, bytes.length - 1}, piece);
        websocket_send(websocket, "after", 5);
        websocket_end(websocket);
    }
    websocket_delete(websocket);
    return fake.allocated == 0;
}

static const char *exercise(const char *bytes, size_t length)
{
    struct seen whole, pieces;
    struct text text = {bytes, length};
    size_t piece = 1 + length % 5;
    if (!play(text, length + 1, 0, &whole) || !play(text, piece, 0, &pieces) ||
        !play(text, length + 1, 1 + length % 3, &(struct seen){0}))
        return "memory is lost";
    if (whole.too_long || pieces.too_long)
        return "a message is over the limit";
    if (whole.sent > SENT_MOST)
        return "more is sent than was asked for";
    if (whole.messages != pieces.messages || whole.digest != pieces.digest)
        return "the messages depend on where they were cut";
    /* Not so the outcome of a close frame: whether its reason is UTF-8, libwslay looks at by pieces. */
    return (whole.outcome == WEBSOCKET_REFUSED) != (pieces.outcome == WEBSOCKET_REFUSED)
               ? "whether it is refused depends on where it was cut"
               : NULL;
}

const struct fuzz fuzz_target = {texts, sizeof texts / sizeof texts[0], NULL, exercise};
