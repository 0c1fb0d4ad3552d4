// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_WIRE_H
#define REFLOW_STANDALONE_WIRE_H

#include "flow/ack_watch.h"
#include "standalone/net/peer.h"
#include "standalone/net/source.h"

enum { LISTENERS_MOST = 16 };

struct listener {
    uint8_t transport; /* enum transport */
    uint16_t port;
    char host[64]; /* to write into Via and Record-Route; an IPv6 address in brackets */
};

/*
 * The network functions that the server needs. Sockets implement them; tests use a fake. Everything that arrives is
 * reported by server_received(), server_flow_down() and locate_done.
 */

/* 3263-4.a: what a URI tells about the servers to look for. */
struct locate_query {
    const char *host;   /* a name, or a numeric address without brackets; at most HOST_NAME_MOST bytes */
    uint16_t port;      /* 0: the URI has none */
    bool secure;        /* a sips URI: TLS alone */
    uint8_t transport;  /* enum transport that the URI names; TRANSPORT_COUNT: none */
    bool chosen;        /* nobody but the policy has named the host */
    uint32_t callable;  /* a bit 1 << transport for each transport by which this server may call */
    uint64_t selection; /* from which servers of the same priority are drawn by weight (RFC 2782); the same number and
                           the same records give the same order */
};

/* A server that was found. */
struct place {
    union address address; /* with port */
    uint8_t transport;     /* enum transport */
};

enum { PLACES_MOST = 16 };

/* The transport of a query where nothing is known from DNS (RFC 3263 4.1). */
static inline enum transport locate_transport(const struct locate_query *query)
{
    if (query->transport != TRANSPORT_COUNT)
        return (enum transport)query->transport;
    return query->secure ? TRANSPORT_TLS : TRANSPORT_UDP;
}

/* The places in the order in which to try them, at most PLACES_MOST; count 0: none. `again` is the value given to
   locate(). */
typedef void locate_done(void *again, const struct place *places, size_t count);

/* Looks for the servers of a URI on behalf of `source`; 0 is a source without a limit. The query is borrowed for the
   call. `done` is called once, later, unless a negative errno is returned. */
typedef int locate_names(void *context, source_id source, const struct locate_query *query, locate_done *done,
                         void *again);

struct wire {
    void *context;

    /*
     * Sends one message. For TCP (not TLS) with peer->connection 0, an open connection to the address is used or a new
     * one is opened, and its number is stored in peer->connection. Returns 0; -EPIPE: that connection is gone; -EAGAIN:
     * the peer does not read and too much data waits; or another negative errno of the network.
     */
    int (*send)(void *context, struct peer *peer, const char *bytes, size_t length);

    /* Gets an open connection to peer->address or opens one, and stores its number in peer->connection. A TLS
       connection is verified for this domain (RFC 5922); for TCP the domain is empty. Messages wait until it is open.
       If that fails, server_flow_down() is called later. Returns 0 or a negative errno. NULL: there is no TLS, and TCP
       connections are opened by send() alone. */
    int (*connect)(void *context, struct peer *peer, struct text domain);

    /* Gets an open connection to peer->address, or opens one, for a response whose own connection is gone (RFC 3261
       18.2.2), and stores its number in peer->connection. Over TLS it must be verified for this domain. The
       connection counts for its source as an accepted one, because the sender of the request has caused it. Returns 0
       or a negative errno. NULL: such responses are lost. */
    int (*reopen)(void *context, struct peer *peer, struct text domain);

    /* The path MTU to a peer over UDP, as far as the kernel knows it; 0: unknown. NULL: it is never known. */
    uint32_t (*path_mtu)(void *context, const struct peer *peer);

    /* A registration that passed through this connection (at an edge) lasts this long: the connection is not closed
       as idle, and its Flow-Timer is watched. NULL: nothing is closed as idle. */
    void (*hold)(void *context, flow_id connection, uint32_t seconds);

    /*
     * A request over the connection asks for its reuse (RFC 5923): later requests to the sender's own address, which is
     * `host` and `port` of its Via, go over this connection. Ignored, unless the peer is one of --trust or, over TLS,
     * has a verified certificate. NULL: connections are not reused in this way.
     */
    void (*alias)(void *context, flow_id connection, struct text host, uint16_t port);

    /* Finds the connection that alias() has named for peer->address, over TLS only if the peer's certificate is for
       this domain, and sets peer->connection, and listener and local to the socket of that connection. Returns false if
       no connection was named. NULL: as alias. */
    bool (*reuse)(void *context, struct peer *peer, struct text domain);

    /* Returns the domain of struct trunks that the verified certificate of a connection's peer contains; empty if
       it contains none of them. NULL: no trunk is known by its certificate. */
    struct text (*trunk)(void *context, flow_id connection);

    /* Closes a connection; server_flow_down() is called later. */
    void (*close)(void *context, flow_id connection);

    /* What the peer of an open connection has acknowledged (5626-7.i). Returns 0 or a negative errno. NULL: that is not
       known, and abort() is not needed. */
    int (*acks)(void *context, flow_id connection, struct ack_sample *sample);

    /* Closes a connection at once and discards everything that its peer has not acknowledged, so that none of it can
       arrive later. server_flow_down() is called later, with the reason "unacknowledged". */
    void (*abort)(void *context, flow_id connection);

    /* The remote side of an open connection. Returns false if it is gone. While the server is being informed of its
       end, *peer is set nevertheless, for the log; otherwise it is unchanged. */
    bool (*connection)(void *context, flow_id connection, struct peer *peer);

    /* Sends a keep-alive over an open connection: over WebSocket a ping frame, else CRLFCRLF. Sets *answered to whether
       bytes were received since the last one. Returns false if the connection is gone. NULL: there are no
       keep-alives. */
    bool (*ping)(void *context, flow_id connection, bool *answered);

    /* Looks for the servers of a URI (RFC 3263) for a request from `source`, which may have only a few lookups in
       progress. As locate_names. */
    int (*locate)(void *context, const struct peer *source, const struct locate_query *query, locate_done *done,
                  void *again);

    /* The functions below are only for peers of listeners on a wildcard address; NULL if there are none. */

    /* Sets peer->local, unless it is set, to the number of the address from which messages to the peer are sent:
       that of its connection, or the one that the kernel chooses. Returns 0, or a negative errno if there is no
       route. */
    int (*choose_local)(void *context, struct peer *peer);

    /* The address with this number. False: none has it. */
    bool (*local)(void *context, uint16_t number, union address *address);

    /* The number of an address from a token or a state file; 0: the machine does not have it. */
    uint16_t (*local_number)(void *context, const union address *address);

    /* Returns whether an interface of the machine has the address now. */
    bool (*is_local)(void *context, const union address *address);
};

#endif
