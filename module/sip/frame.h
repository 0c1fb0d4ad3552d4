// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SIP_FRAME_H
#define REFLOW_SIP_FRAME_H

#include <stddef.h>

#include "sip/message.h"

/* What stands at the start of a stream's unread bytes (RFC 3261 18.3, RFC 5626 4.4.1). */
enum frame {
    FRAME_MORE,    /* not yet whole: read on */
    FRAME_MESSAGE, /* `length` bytes are a message */
    FRAME_PING,    /* CRLFCRLF: answer CRLF; `length` is 4 */
    FRAME_PONG,    /* a lone CRLF before a message or at rest: the other side's pong; `length` is 2 */
    FRAME_STRAY, /* `length` bytes of white space or NUL that belong to no message and no keep-alive: skip them. A peer
                    may send any number of them, so the caller has to set a limit */
    FRAME_TOO_LONG, /* over the limits: `length` bytes of header are at hand to answer 413 from; then close */
    FRAME_BROKEN    /* no message can be cut from this (no or bad Content-Length after whole headers): `length` bytes of
                       headers are at hand to answer 400 from; then close */
};

/*
 * Look at the first `available` bytes. A CRLF of which it is not clear yet whether a second one follows is FRAME_MORE
 * only when `available` is 2 and nothing else is there: the caller decides by a pause or calls again with more.
 * `resume` is the caller's to keep and not to read, 0 for new bytes at the start: how far the search has come, so that
 * a message that arrives byte by byte is not scanned anew each time.
 */
enum frame sip_frame(const char *bytes, size_t available, const struct sip_limits *limits, size_t *resume,
                     size_t *length);

/* The same for what may stand before a message: FRAME_MESSAGE, with `length` 0, where one begins; otherwise FRAME_MORE,
   FRAME_PING, FRAME_PONG or FRAME_STRAY. */
enum frame sip_padding(const char *bytes, size_t available, size_t *length);

/* The number of bytes of white space and NUL at the start. */
size_t sip_padding_length(const char *bytes, size_t length);

#endif
