// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_SIP_FRAME_H
#define REFLOW_SIP_FRAME_H

#include <stddef.h>

#include "sip/message.h"

/* What the unread bytes of a stream begin with (RFC 3261 18.3, RFC 5626 4.4.1). */
enum frame {
    FRAME_MORE,    /* incomplete: read more bytes */
    FRAME_MESSAGE, /* `length` bytes are a message */
    FRAME_PING,    /* CRLFCRLF: answer CRLF; `length` is 4 */
    FRAME_PONG,    /* a single CRLF before a message or between messages: the peer's pong; `length` is 2 */
    FRAME_STRAY, /* `length` bytes of white space or NUL that belong to no message and no keep-alive: skip them. A peer
                    may send any number of them, so the caller has to set a limit */
    FRAME_TOO_LONG, /* over the limits: `length` bytes of header are available for a 413; then close */
    FRAME_BROKEN /* the end of the message is unknown (complete headers without a valid Content-Length): `length` bytes
                    of headers are available for a 400; then close */
};

/*
 * Examines the first `available` bytes. A CRLF that may be followed by a second one is FRAME_MORE only if `available`
 * is 2: the caller decides after a pause, or calls again with more bytes. `resume` is private to this function. The
 * caller keeps it and sets it to 0 when new bytes are at the start. It records how far the search has come, so that a
 * message that arrives byte by byte is not scanned from the start each time.
 */
enum frame sip_frame(const char *bytes, size_t available, const struct sip_limits *limits, size_t *resume,
                     size_t *length);

/* The same for the bytes before a message: FRAME_MESSAGE, with `length` 0, if a message begins here; otherwise
   FRAME_MORE, FRAME_PING, FRAME_PONG or FRAME_STRAY. */
enum frame sip_padding(const char *bytes, size_t available, size_t *length);

/* The number of bytes of white space and NUL at the start. */
size_t sip_padding_length(const char *bytes, size_t length);

#endif
