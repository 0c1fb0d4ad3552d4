// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_NETWORK_H
#define REFLOW_STANDALONE_NETWORK_H

#include <uv.h>

#include "standalone/websocket/origins.h"
#include "sip/message.h"
#include "standalone/net/network_events.h"
#include "standalone/net/source_limits.h"
#include "standalone/tls/tls.h"
#include "standalone/net/wire.h"

/*
 * Sockets for struct wire, on libuv: listeners, connections (TCP, TLS, WebSocket). Received messages are passed to the
 * server. One loop, one thread.
 */

struct network;

enum { BALANCERS_MOST = 64 };

struct network_limits {
    uint32_t connections; /* at a time; further ones are closed; 0: 10000 */
    uint32_t idle_s;      /* a connection without traffic and bindings is closed; 0: 600 */
    uint32_t message_s;   /* time for a message to be complete; 0: 32 */
    uint32_t connect_s;   /* time for opening a connection, with the TLS handshake, and for a PROXY header; 0: 4 */
    uint32_t unsent; /* bytes on the wire that wait for a slow reader; beyond this the connection is closed; 0: 1 MiB */
    uint32_t kept;   /* bytes of unfinished messages and for slow readers, of all connections together; 0: 64000000 */
    uint32_t flow_timer;       /* s; a flow with bindings that was silent for longer gets a keep-alive; 0: never */
    struct sip_limits message; /* of a message */
};

#define NETWORK_COUNTERS(COUNTER)                                                                                      \
    COUNTER(connections, "connections open")                                                                           \
    COUNTER(accepted, "connections accepted")                                                                          \
    COUNTER(opened, "connections opened")                                                                              \
    COUNTER(connect_late, "connections that could not be opened in time")                                              \
    COUNTER(refused, "connections refused: too many, or no memory")                                                    \
    COUNTER(proxied, "connections whose client was named by a PROXY header")                                           \
    COUNTER(proxy_refused, "connections closed: from a balancer, without an acceptable PROXY header")                  \
    COUNTER(idle, "connections closed: idle")                                                                          \
    COUNTER(unfinished, "connections closed: a message was not finished in time")                                      \
    COUNTER(kept_closed, "connections closed: all of them kept too many bytes, and this one for the longest time")     \
    COUNTER(oversized, "connections closed: a message over the limits or without length")                              \
    COUNTER(stray, "bytes between messages that were skipped: NUL, white space")                                       \
    COUNTER(stray_closed, "connections closed: too many such bytes")                                                   \
    COUNTER(slow, "connections closed: the peer does not read")                                                        \
    COUNTER(keepalive_lost, "connections closed: a ping was not answered")                                             \
    COUNTER(unacknowledged,                                                                                            \
            "connections aborted: nothing of an INVITE was acknowledged, and its phone had another flow")              \
    COUNTER(tls, "TLS handshakes done")                                                                                \
    COUNTER(tls_resumed, "TLS handshakes by a ticket")                                                                 \
    COUNTER(tls_failed, "connections closed: no TLS, or TLS that is not allowed")                                      \
    COUNTER(websocket_refused, "connections closed: no WebSocket request for SIP")                                     \
    COUNTER(websocket_origin, "connections closed: a WebSocket request of a wrong origin")                             \
    COUNTER(websocket_broken, "connections closed: against the WebSocket protocol, or a message over the limits")      \
    COUNTER(pings, "pings answered")                                                                                   \
    COUNTER(stun_dropped, "STUN datagrams dropped: damaged, or no binding requests")                                   \
    COUNTER(pings_sent, "pings sent")                                                                                  \
    COUNTER(icmp, "datagrams that came back as unreachable")                                                           \
    COUNTER(datagrams_unsent, "datagrams that could not be sent")

struct network_counters {
#define COUNTER(name, what) uint64_t name;
    NETWORK_COUNTERS(COUNTER)
#undef COUNTER
};

struct network_config {
    uv_loop_t *loop;
    const struct host *host;
    struct network_limits limits;
    const struct tls *tls;                 /* borrowed; NULL: no TLS */
    locate_names *locate;                  /* for struct wire; NULL: there are no names */
    void *names;                           /* its context; borrowed */
    struct source_limits *sources;         /* borrowed, those of the server; NULL: no limits per source */
    const struct trunks *trunks;           /* borrowed, those of the server; NULL: none */
    const struct origins *origins;         /* borrowed, of WebSocket requests; NULL: all */
    struct cidr balancers[BALANCERS_MOST]; /* whose connections begin with a PROXY header */
    size_t balancer_count;
};

int network_new(struct network **out, const struct network_config *config);

/* The functions for server_new(); valid as long as the network. */
const struct wire *network_wire(struct network *network);

/*
 * Binds one listener, before the server exists; indexes count up from 0 in the order of calls. *listener is set to the
 * values for Via. Returns 0 or a negative errno (as libuv).
 */
int network_listen(struct network *network, enum transport kind, const union address *address,
                   struct listener *listener);

/* The address family of all listeners; AF_UNSPEC: both. Nothing can be sent to addresses of a family without one. */
int network_family(const struct network *network);

/* Reports that the machine's addresses may have changed: listeners on a wildcard address read them again. */
void network_refresh(struct network *network);

/* Starts receiving for this server. */
int network_start(struct network *network, struct server *server, const struct network_events *events);

/* Accepts no new connections from now on. */
void network_stop_listening(struct network *network);

/* Closes everything. Run the loop until it is empty, then delete. */
void network_close(struct network *network);
void network_delete(struct network *network);

const struct network_counters *network_counters(const struct network *network);

#endif
