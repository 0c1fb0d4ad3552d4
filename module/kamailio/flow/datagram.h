// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_DATAGRAM_H
#define REFLOW_KAMAILIO_DATAGRAM_H

/* Enables truncation: bytes that a datagram or a WebSocket message has after its body (by Content-Length) are
   removed before a route sees the message (RFC 3261 section 18.3). To be called in mod_init. Returns 0, or -1 with a
   line in the log. */
int datagram_listen(void);

#endif
