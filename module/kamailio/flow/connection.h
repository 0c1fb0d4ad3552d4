// SPDX-License-Identifier: GPL-2.0-or-later
#ifndef REFLOW_KAMAILIO_CONNECTION_H
#define REFLOW_KAMAILIO_CONNECTION_H

#include "kamailio/base/ksr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/transport.h"
#include "call/request_view.h"

/* Kamailio's stream connections, read under its own lock and without a reference: the holder of the last reference
   would have to free the connection, which only the core can. From any process. */

enum connection_state { CONNECTION_GONE, CONNECTION_OPENING, CONNECTION_OPEN };

enum connection_state connection_state(int id);

/* The connection is open, and its remote address is another one. */
bool connection_is_elsewhere(int id, const struct ip_addr *remote, unsigned port);

/* The connection that tm uses or will use for this destination, and whether it is open; 0: none. */
int connection_of_destination(const struct dest_info *destination, bool *open);

/* Writes "tcp 127.0.0.1:5060-127.0.0.1:40112" for an open connection; returns the length, or 0 if it is gone. */
size_t connection_describe(int id, char *out, size_t size);

/* The transport of Kamailio's PROTO_ number: UDP for SCTP, whose associations have no connection number, and for what
   is not known. */
enum transport transport_of_proto(int proto);

/* PROTO_WSS, for example; PROTO_NONE if the connection is gone. A WebSocket starts on a TCP or TLS listener, so that
   only its connection shows what it is. */
int connection_proto(int id);

/* The transport of a destination with this transport in its URI: `transport=ws` stands for WSS too (RFC 7118), and the
   listener shows which. NULL: not known, `proto` as it is. */
int proto_at_listener(int proto, const struct socket_info *listener);

/* The listener or local socket of the connection; NULL if it is gone. */
struct socket_info *connection_socket(int id);

/* "tcp", "sctp"; "udp" for what is not known. Kamailio's get_valid_proto_name() does not know WS and WSS. */
const char *proto_word(int proto);

/* ";transport=tcp": the parameter of a URI for this transport; "" for UDP. For WSS it is that of WS, as in RFC 7118:
   Kamailio distinguishes them by the connection. */
const char *proto_uri_parameter(int proto);

/* "sip:127.0.0.1:40112;transport=tcp": the remote side as a URI to send to; returns likewise. */
size_t connection_remote_uri(int id, char *out, size_t size);

/* The open connection that the peer has opened, from that address and port to this local one; 0: none. */
int connection_accepted(const struct receive_info *flow);

/* An IPv4 address that is written as IPv6 (::ffff:a.b.c.d) becomes IPv4; any other remains as it is. */
struct ip_addr ip_addr_unmapped(const struct ip_addr *ip);

/* The address from which a message came; an IPv4 address on an IPv6 socket, such as one on [::], is IPv4. */
struct ip_addr source_address_of(const struct receive_info *from);
/* Returns whether this connection is open and leads to the remote address of the flow, over its transport. Sets *socket
   to the one that it uses. */
bool connection_serves(int id, const struct receive_info *flow, struct socket_info **socket);

/* The address of 4 or 16 bytes. */
void ip_addr_read(const uint8_t *bytes, uint8_t length, struct ip_addr *address);

/* The number of the source: see flow/source_number.h. */
uint64_t source_number_of(const struct receive_info *from);
/* The same, but 0 for this machine, which no limit per source applies to: loopback and the server's own addresses. */
uint64_t limited_source_of(const struct receive_info *from);

/* "192.0.2.1:5060" or "[2001:db8::1]:5060", as policies name destinations. Returns the length. */
size_t sockaddr_text(const union sockaddr_union *address, char out[ADDRESS_TEXT_MOST]);

/* Where a message came from, as policies see it (call/request_view.h). Borrows `from`. */
struct request_source source_of(const struct receive_info *from);

#endif
