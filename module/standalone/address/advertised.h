// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_ADVERTISED_H
#define REFLOW_STANDALONE_ADVERTISED_H

#include "standalone/names/host_name.h"
#include "standalone/net/source.h"
#include "standalone/net/wire.h"

/*
 * The addresses that messages name in place of the listeners' own: behind a 1:1 NAT or in a container, peers outside
 * reach the server by them. Peers in a local network get the listeners' own addresses.
 */

enum { LOCAL_NETS_MOST = 64 };

struct advertised {
    char host[HOST_NAME_MOST + 2]; /* an IPv6 address in brackets; empty: nothing is advertised for the listener */
    uint16_t port;
};

struct advertising {
    struct advertised listeners[LISTENERS_MOST]; /* by the index of the listener */
    struct cidr local_nets[LOCAL_NETS_MOST];
    size_t local_net_count;
};

/* Parses "203.0.113.5", "[2001:db8::5]:5060" or "sip.example.com:5060"; without a port it is `port`. Returns NULL, or
   the reason why the text is refused. */
const char *advertised_read(struct text text, uint16_t port, struct advertised *advertised);

/* What messages to a peer at this address name in place of the listener; NULL: the listener's own address. */
const struct advertised *advertised_to(const struct advertising *advertising, size_t listener,
                                       const union address *peer);

/* Returns whether this is advertised for the listener. */
bool advertised_is(const struct advertised *advertised, struct text host);

#endif
