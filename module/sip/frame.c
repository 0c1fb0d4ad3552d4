// SPDX-License-Identifier: BSD-2-Clause
#include "sip/frame.h"
#include "sip/internal.h"

static uint32_t message_limit(const struct sip_limits *limits)
{
    return limits != NULL && limits->message != 0 ? limits->message : DEFAULT_MESSAGE;
}

static enum frame answer(enum frame frame, size_t length, size_t *out)
{
    *out = length;
    return frame;
}

/* Reads keep-alives between messages: as much of CRLFCRLF as is available. */
static enum frame frame_keep_alive(const char *bytes, size_t available, size_t *length)
{
    static const char PING[] = "\r\n\r\n";
    size_t same = 0;
    while (same < available && same < 4 && bytes[same] == PING[same])
        same++;
    if (same == 4)
        return answer(FRAME_PING, 4, length);
    if (same == available)
        return answer(FRAME_MORE, 0, length);
    return same >= 2 ? answer(FRAME_PONG, 2, length) : answer(FRAME_STRAY, 1, length);
}

/* Some devices send a NUL or a line feed after a message, in excess of Content-Length, or send one as a keep-alive. */
static bool is_stray(char c)
{
    return c == '\0' || c == ' ' || c == '\t' || c == '\n';
}

enum frame sip_padding(const char *bytes, size_t available, size_t *length)
{
    size_t stray = 0;
    if (available == 0)
        return answer(FRAME_MORE, 0, length);
    if (bytes[0] == '\r')
        return frame_keep_alive(bytes, available, length);
    while (stray < available && is_stray(bytes[stray]))
        stray++;
    return answer(stray > 0 ? FRAME_STRAY : FRAME_MESSAGE, stray, length);
}

size_t sip_padding_length(const char *bytes, size_t length)
{
    size_t padding = 0;
    while (padding < length && (bytes[padding] == '\r' || is_stray(bytes[padding])))
        padding++;
    return padding;
}

/* Finds the end of the empty line after the headers; NULL with FRAME_MORE or FRAME_BROKEN in *frame. *resume is set
   to the start of the first incomplete line. A bare LF breaks the stream: see scan.c. */
static const char *find_end(const char *bytes, size_t available, size_t *resume, enum frame *frame)
{
    const char *end = bytes + available, *start = bytes + (*resume <= available ? *resume : 0), *feed;
    while (start < end && (feed = memchr(start, '\n', (size_t)(end - start))) != NULL) {
        if (feed == start || feed[-1] != '\r') {
            *frame = FRAME_BROKEN;
            return NULL;
        }
        *resume = (size_t)(start - bytes);
        if (feed == start + 1)
            return feed + 1;
        start = feed + 1;
    }
    *resume = (size_t)(start - bytes);
    *frame = FRAME_MORE;
    return NULL;
}

/* Content-Length among complete header lines, all of which end in LF. -1: absent, repeated, or not a number. */
static int64_t content_length(const char *bytes, const char *end)
{
    int64_t found = -1;
    for (const char *at = bytes; at < end;) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        while (feed + 1 < end && (feed[1] == ' ' || feed[1] == '\t'))
            feed = memchr(feed + 1, '\n', (size_t)(end - feed - 1));
        const char *name_end = sip_token_end(at, feed), *colon = name_end;
        while (*colon == ' ' || *colon == '\t')
            colon++;
        uint64_t value = 0;
        if (*colon == ':' && sip_header_find(sip_between(at, name_end)) == HEADER_CONTENT_LENGTH) {
            if (found >= 0 || !sip_digits(sip_trim(sip_between(colon + 1, feed)), &value))
                return -1;
            found = (int64_t)value;
        }
        at = feed + 1;
    }
    return found;
}

/* A flag in *resume: the headers are complete, and the rest of the value is the length of the message. */
#define LENGTH_KNOWN (~(SIZE_MAX >> 1))

static enum frame frame_message(const char *bytes, size_t available, uint32_t limit, size_t *resume, size_t *length)
{
    enum frame frame = FRAME_MORE;
    const char *end = find_end(bytes, available, resume, &frame);
    if (end == NULL && frame == FRAME_MORE && available > limit)
        return answer(FRAME_TOO_LONG, available, length);
    if (end == NULL)
        return answer(frame, frame == FRAME_BROKEN ? available : 0, length);
    size_t header = (size_t)(end - bytes);
    int64_t body = content_length(bytes, end);
    if (header > limit || (body >= 0 && (uint64_t)body > limit - header))
        return answer(FRAME_TOO_LONG, header, length);
    if (body < 0)
        return answer(FRAME_BROKEN, header, length);
    if ((uint64_t)body > available - header) {
        *resume = LENGTH_KNOWN | (header + (size_t)body);
        return FRAME_MORE;
    }
    *resume = 0;
    return answer(FRAME_MESSAGE, header + (size_t)body, length);
}

enum frame sip_frame(const char *bytes, size_t available, const struct sip_limits *limits, size_t *resume,
                     size_t *length)
{
    *length = 0;
    if ((*resume & LENGTH_KNOWN) != 0) {
        size_t known = *resume & ~LENGTH_KNOWN;
        if (available < known)
            return FRAME_MORE;
        *resume = 0;
        return answer(FRAME_MESSAGE, known, length);
    }
    enum frame padding = sip_padding(bytes, available, length);
    if (padding != FRAME_MESSAGE)
        return padding;
    if (!sip_is(bytes[0], CHARACTER_TOKEN))
        return answer(FRAME_BROKEN, available, length);
    return frame_message(bytes, available, message_limit(limits), resume, length);
}
