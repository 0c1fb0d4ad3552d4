// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_NETWORK_PRIVATE_H
#define REFLOW_STANDALONE_NETWORK_PRIVATE_H

#include "base/memory.h"
#include "base/table.h"
#include "standalone/net/acceptor.h"
#include "standalone/net/local_addresses.h"
#include "standalone/net/network.h"

enum { DATAGRAM_MOST = 65536, DATAGRAMS_AT_ONCE = 16, READ_MOST = 65536 };

struct socket {
    struct network *network;
    struct acceptor acceptor; /* of connections */
    uv_poll_t poll;           /* UDP: libuv offers neither recvmmsg() nor the error queue */
    int fd;                   /* UDP */
    union address bound;      /* connections that are opened leave from it */
    uint8_t kind;             /* enum transport */
    uint8_t index;
    bool open;
    bool ipv6;
    bool wildcard; /* bound to a wildcard address: the local address is read for each message */
    /* UDP: the last read */
    uint64_t read_ms;
    uint8_t wanted; /* datagrams that it asked for */
    bool was_full;  /* it got as many */
};

struct network {
    struct network_config config;
    struct wire wire;
    struct server *server; /* NULL until network_start(), as events */
    const struct network_events *events;
    struct socket sockets[LISTENERS_MOST];
    size_t socket_count;
    struct local_addresses *locals; /* for sockets on a wildcard address */
    struct table connections;       /* by number */
    struct table dying;             /* connections that are being closed, until the server has been informed */
    struct table addresses;         /* connections by digest of the remote address */
    struct table aliases;           /* of connections by address, and by host (connection_alias.c) */
    struct table alias_hosts;
    struct hash_key address_key;
    flow_id last_connection;
    struct network_counters counters;
    char *datagrams; /* DATAGRAMS_AT_ONCE of DATAGRAM_MOST bytes */
    char *read;      /* READ_MOST bytes, lent to one read at a time */
    char *plain;     /* likewise, for bytes that TLS has decrypted from those */
    uv_idle_t turn;  /* runs while handshakes wait */
    struct connection *handshakes, **last_handshake;
    struct connection *kept_oldest, *kept_newest; /* those that keep bytes (connection_kept.c) */
    size_t kept_bytes;
    uint32_t opening;         /* connections that this server opens, and whose handshakes are not finished */
    uint32_t opening_strange; /* those of them that strangers have caused */
    struct table strange;     /* connections that strangers have caused, by digest of their sources */
    bool closing;
};

/* datagram.c */
int datagram_open(struct socket *socket, const union address *address);
int datagram_start(struct socket *socket);
/* Sends from the address with the number to->local, unless that is 0. */
int datagram_send(struct socket *socket, const struct peer *to, const char *bytes, size_t length);
/* The kernel's path MTU to the address; 0: unknown. */
uint32_t datagram_path_mtu(const union address *to);

/* connection.c */
struct connection;
int connection_listen(struct socket *socket, const union address *address);
int connection_send(struct network *network, struct peer *peer, const char *bytes, size_t length);
/* The number of the local address of the connection that connection_send() would use; 0: none. */
uint16_t connection_local(const struct network *network, const struct peer *peer);
struct connection *connection_find(const struct network *network, flow_id number);
struct connection *connection_find_dying(const struct network *network, flow_id number);
const struct peer *connection_peer(const struct connection *connection);
void connection_close(struct connection *connection, const char *reason);
void connections_close(struct network *network);
/* connection_watch.c: as acks() and abort() in struct wire */
int connection_acks(const struct connection *connection, struct ack_sample *sample);
void connection_abort(struct connection *connection);
int connection_open(struct network *network, struct peer *peer, struct text domain);
/* The same for a response; the connection counts for its source (wire.h). */
int connection_reopen(struct network *network, struct peer *peer, struct text domain);
void connection_banned(void *context, struct source_connection *counted); /* of source_limits_listen() */
void connection_hold(struct network *network, flow_id number, uint32_t seconds);
bool connection_ping(struct network *network, flow_id number, bool *answered); /* wire.ping */

/* connection_layers.c: contract of wire.trunk */
struct text connection_trunk(const struct connection *connection);

/* connection_alias.c */

/* A request over this connection asks for its reuse: contract of wire.alias. */
void alias_claim(struct connection *connection, struct text host, uint16_t port);
/* The connection that an alias names for requests to this address (and over TLS, for this domain); 0: none. */
flow_id alias_find(const struct network *network, const struct peer *peer, struct text domain);

/* connection_layers.c */
int handshakes_create(struct network *network);

#endif
