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

/* Is it framed as STUN? Its first two bits are zero, which no SIP message's are. */
bool stun_is(const char *bytes, size_t length);

/* The answer to a binding request, with XOR-MAPPED-ADDRESS, or the error 420 for attributes that must be understood and
   are not. Returns its length; 0: no answer is due (garbage, an indication, a response). */
size_t stun_answer(const char *bytes, size_t length, const union address *source, char out[STUN_ANSWER_MOST]);

#endif
