// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_BASE_TRANSPORT_H
#define REFLOW_BASE_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/text.h"

/* The transports of SIP. What differs between them is a column of one table in transport.c: ask for it, do not compare
   transports. The numbers are those in flow tokens and stay. A token may name a transport of a later version: any other
   number is called "?", and is a connection that cannot be opened. */
enum transport { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS, TRANSPORT_WS, TRANSPORT_WSS, TRANSPORT_COUNT };

const char *transport_name(unsigned transport);                      /* as in Via: "UDP" */
const char *transport_word(unsigned transport);                      /* "udp", as people, options and URIs write it */
bool transport_of_word(struct text word, enum transport *transport); /* in any case */

/* To write into a URI that leads back here: "" for UDP, ";transport=tcp". WSS is ";transport=ws" as WS is (RFC 7118
   5.2). */
const char *transport_uri_parameter(unsigned transport);
uint16_t transport_port(unsigned transport); /* the default port: 5060, 5061, 80, 443 */

bool transport_is_reliable(unsigned transport);   /* messages are not retransmitted (RFC 3261 17) */
bool transport_connects(unsigned transport);      /* a flow is a connection, and the peer's address is proved by it */
bool transport_may_be_called(unsigned transport); /* we may open a connection; a client of WebSocket opens it itself */
bool transport_is_secure(unsigned transport);     /* TLS and WSS */
bool transport_is_websocket(unsigned transport);

#endif
