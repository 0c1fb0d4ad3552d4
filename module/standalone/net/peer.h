// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_PEER_H
#define REFLOW_STANDALONE_PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/transport.h"
#include "core/text.h"
#include "flow/binding.h"

/* The source or destination of a message: an address and a socket (5626-7.e). */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct peer {
    uint8_t transport; /* enum transport */
    uint8_t listener;  /* index of the listener: the local side of a datagram, and the source of the Via */
    bool named;        /* a URI names the address, not a flow: over TCP and TLS this server may open the connection */
    uint64_t named_by; /* the source (source_of()) whose message named the address; 0: the policy, or a peer whose
                          connections have no share (connection_share.c) */
    uint16_t local;    /* for a listener on a wildcard address: the number of the address in use; 0: not known */
    flow_id
        connection; /* not UDP: the connection; 0: any connection to the address, which is opened if there is none */
    union address address; /* the remote side */
};

/*
 * The number of a flow. The transport assigns the number of a connection (below 2^62). A datagram flow over IPv4 is its
 * own number: listener (below 16), local address, address and port, so that no table is needed for conversion. Over
 * IPv6 the upper bits of the number are a keyed digest of the address, which peer_of_flow() cannot convert.
 */
flow_id peer_flow(const struct peer *peer);

/* Draws the key of the digests from the host's random source at the first call in this process. Earlier numbers of
   IPv6 flows are then no longer valid. */
void peer_draw_flow_key(const struct host *host);

/* True for a datagram flow over IPv4: *peer is then filled. */
bool peer_of_datagram_flow(flow_id flow, struct peer *peer);
bool flow_is_datagram(flow_id flow);

/* Link-local addresses are equal only on the same interface. */
bool address_equal(const union address *a, const union address *b);
/* The same without port and interface. */
bool address_same_host(const union address *a, const union address *b);
/* The same with the interface of link-local addresses, if both have one; an IPv4 address that is written as IPv6
   (::ffff:192.0.2.1) is treated as IPv4. */
bool address_same_machine(const union address *a, const union address *b);

/* An IPv4 address that is written as IPv6 becomes IPv4, with the same port; any other remains as it is. */
union address address_unmapped(const union address *address);

bool address_is_wildcard(const union address *address);

/* Returns whether a socket bound to `bound` serves the local address: the same address, or a wildcard of its family
   and port. */
bool address_serves(const union address *bound, const union address *local);
uint16_t address_port(const union address *address);
void address_set_port(union address *address, uint16_t port);

/* "127.0.0.1" or "::1", as in a Via's received (no brackets). Returns the length. */
size_t address_host(const union address *address, char *out, size_t size);

/* The other side as policies see it (call/request_view.h); borrows the peer. */
struct request_source;
struct request_source peer_source(const struct peer *peer);

/* "127.0.0.1:5060" or "[::1]:5060". Returns the length; 64 bytes are always enough. */
size_t address_format(const union address *address, char *out, size_t size);

/* A keyed hash of host and port. */
struct hash_key;
uint64_t address_hash(const struct hash_key *key, const union address *address);

/* Parses a numeric host (brackets allowed) and port. Returns false if the host is not numeric. */
bool address_read(struct text host, uint16_t port, union address *address);

#endif
