// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_WIRE_H
#define REFLOW_STANDALONE_WIRE_H

#include "standalone/net/peer.h"

enum { LISTENERS_MOST = 16 };

struct listener {
    uint8_t transport; /* enum transport */
    uint16_t port;
    char host[64]; /* to write into Via and Record-Route; an IPv6 address in brackets */
};

/*
 * What the server needs of the network; sockets implement it, tests fake it. Everything that arrives comes back through
 * struct network_events and resolve_done.
 */

/* The addresses of a name in order of preference; count 0: none. `again` is what resolve() was given. */
typedef void resolve_done(void *again, const union address *addresses, size_t count);

struct wire {
    void *context;

    /*
     * Send one message. For TCP (not TLS) with peer->connection 0 an open connection to the address is taken, or one is
     * opened, and its number put into peer->connection. 0; -EPIPE: that connection is no more; -EAGAIN: its peer does
     * not read and too much waits; other negative errno: the network's word.
     */
    int (*send)(void *context, struct peer *peer, const char *bytes, size_t length);

    /* Have a TLS connection to peer->address that is proven to be this domain's (RFC 5922), opened where there is none,
       and put its number into peer->connection. What is sent over it waits until it is open; where it does not come
       off, server_flow_down() follows. 0 or a negative errno. NULL: there is no TLS. */
    int (*connect)(void *context, struct peer *peer, struct text domain);

    /* A registration that went through this connection, as through an edge, lasts so long: it is not closed as idle,
       and is watched by its Flow-Timer. NULL: nothing is closed as idle. */
    void (*hold)(void *context, flow_id connection, uint32_t seconds);

    /* Close a connection; server_flow_down() follows, later. */
    void (*close)(void *context, flow_id connection);

    /* The remote side of a living connection. False where it is gone; *peer is filled all the same while the server is
       being told of its end, so that it can be named, and else left as it was. */
    bool (*connection)(void *context, flow_id connection, struct peer *peer);

    /* Look up a host name's addresses for a request that came from `source`, of which few may be in progress; done is
       called later, once, unless a negative errno is returned. */
    int (*resolve)(void *context, const struct peer *source, const char *host, uint16_t port, resolve_done *done,
                   void *again);

    /* The functions below are asked about peers of listeners on a wildcard address alone; NULL where there are none. */

    /* Set peer->local, unless it is set, to the number of the address that the peer's messages leave from: that of its
       connection, or what the kernel chooses on the way to it. 0, or a negative errno: there is no way. */
    int (*choose_local)(void *context, struct peer *peer);

    /* The address with this number. False: none has it. */
    bool (*local)(void *context, uint16_t number, union address *address);

    /* The number of an address, as it comes from a token or a state file; 0: the machine does not have it. */
    uint16_t (*local_number)(void *context, const union address *address);

    /* Does an interface of the machine have the address now? */
    bool (*is_local)(void *context, const union address *address);
};

#endif
