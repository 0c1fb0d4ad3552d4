// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_STUN_H
#define REFLOW_STANDALONE_STUN_H

#include <stdbool.h>
#include <stddef.h>

#include "standalone/net/peer.h"

/*
 * STUN binding requests on the SIP port (RFC 8489; RFC 5626 sections 3.5.2 and 8, rule 5626-5.4.b): the keep-alive of
 * datagram flows. No authentication, no other method.
 */

enum { STUN_ANSWER_MOST = 128 };

/* Returns whether the packet is framed as STUN: its first two bits are zero, which is never so in a SIP message. */
bool stun_is(const char *bytes, size_t length);

/* Writes the response to a binding request, with XOR-MAPPED-ADDRESS, or the error 420 for unknown attributes that
   must be understood. Returns its length; 0: no response is due (garbage, an indication, a response). */
size_t stun_answer(const char *bytes, size_t length, const union address *source, char out[STUN_ANSWER_MOST]);

#endif
