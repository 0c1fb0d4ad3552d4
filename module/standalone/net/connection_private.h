// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_CONNECTION_PRIVATE_H
#define REFLOW_STANDALONE_CONNECTION_PRIVATE_H

#include "sip/frame.h"
#include "standalone/net/network_private.h"
#include "standalone/proxied/proxy_header.h"
#include "standalone/tls/tls.h"
#include "standalone/websocket/websocket.h"

/*
 * A connection: a TCP socket (connection.c), and the layers that its transport needs (connection_layers.c): TLS,
 * WebSocket, or none. connection_stream.c finds the messages in a plain stream; connection_watch.c handles timeouts;
 * connection_proxied.c reads the PROXY header of a load balancer, which comes before all layers.
 */

struct connection {
    struct table_link link;
    struct table_link address;
    struct table_link share; /* in network.strange, if named_by is not 0 */
    uint64_t named_by;       /* as in struct peer; 0 also if the peer is one of --trust */
    struct network *network;
    uv_tcp_t tcp;
    uv_connect_t connect;
    struct peer peer;
    flow_id number;
    char *pending; /* bytes of an unfinished message, or of an unfinished PROXY header */
    size_t pending_length, pending_capacity;
    size_t resume;                 /* of sip_frame() */
    size_t stray;                  /* bytes skipped since the last message */
    struct tls_session *tls;       /* NULL: none */
    struct websocket *websocket;   /* NULL: none */
    struct connection *next_step;  /* next in the queue of handshakes */
    struct connection **step_back; /* NULL: not in the queue */
    struct connection *kept_before,
        *kept_after; /* neighbours in the list of connections that keep bytes, if kept > 0 */
    size_t kept;
    uint64_t kept_since_ms; /* since when it has kept bytes */
    size_t unsent;          /* bytes of memory that wait to be sent, including overhead */
    uint64_t heard_ms;      /* of the last bytes */
    uint64_t began_ms;      /* of the unfinished message or handshake */
    uint64_t held_until_ms; /* end of the registration that passed through here */
    struct timer check;
    struct connection_alias *alias;   /* NULL: none */
    const char *reason;               /* why it was closed; NULL: open */
    struct source_connection counted; /* counted for its source, if the server accepted it */
    struct text trunk;                /* that the peer's certificate proves; empty: none */
    bool pinged;                      /* for the Flow-Timer; nothing was received since */
    bool asked;                       /* by wire.ping; nothing was received since */
    bool has_spoken;                  /* a message or a keep-alive was received, or this server opened it */
    bool opening;                     /* opened by this server, and the TLS handshake is not finished */
    bool awaits_header; /* of the PROXY protocol: until then the peer is a load balancer, and not yet counted */
};

static inline uint64_t connection_now(const struct connection *connection)
{
    return uv_now(connection->network->config.loop);
}

static inline void connection_free_pending(struct connection *connection)
{
    memory_delete(connection->network->config.host, connection->pending, connection->pending_capacity);
    connection->pending = NULL;
    connection->pending_length = connection->pending_capacity = 0;
}

/* connection.c: writes bytes to the socket. Returns 0 or a negative errno; the connection is then closed, except
   after -ENOMEM. */
int connection_write(struct connection *connection, const char *bytes, size_t length);
/* Writes what the socket accepts at once, for a last message before closing. */
void connection_write_last(struct connection *connection, const char *bytes, size_t length);
bool connection_is_over_unsent(struct connection *connection, size_t length); /* then it is closed */
void connection_read_on(struct connection *connection);
void connection_read_pause(struct connection *connection);
void connection_is_open(struct connection *connection); /* opened by this server */
/* Closes a connection without an acceptable PROXY header, which is counted and logged. */
void connection_refuse_header(struct connection *connection, const char *fault);

/* connection_layers.c */
int layers_create(struct connection *connection, struct text domain, bool accepted);
void layers_destroy(struct connection *connection);
void layers_begin(struct connection *connection); /* the socket is connected; the side that opened it sends first */
void layers_put(struct connection *connection, const char *bytes, size_t length);
int layers_send(struct connection *connection, const char *bytes, size_t length); /* one message */
void layers_ping(struct connection *connection);
void layers_padding(struct connection *connection, enum frame frame, size_t length); /* of sip_padding() */
void layers_leave(struct connection *connection); /* the server is about to close the connection */
void layers_end(struct connection *connection);
bool layers_are_unfinished(const struct connection *connection);
bool layers_are_for(const struct connection *connection, struct text domain);
void handshakes_forget(struct connection *connection);

/* connection_proxied.c */

/* Returns whether connections from this address begin with a PROXY header. */
bool proxied_expects(const struct network *network, const union address *address);
/*
 * Takes bytes of a connection that awaits its header. *used is the number of those that belong to the header: all,
 * unless it is complete. Then the peer's address is that of the client (PROXY_NAMED), and began_ms is now. For
 * PROXY_BROKEN, *fault is the reason; NULL: there was no memory. The caller calls connection_note_kept().
 */
enum proxy_outcome proxied_put(struct connection *connection, const char *bytes, size_t length, size_t *used,
                               const char **fault);

/* connection_alias.c */
void alias_forget(struct connection *connection);

/* connection_share.c */

/* Counts a connection that this server is about to open to the peer. Returns false if it would exceed its share; the
   caller then closes it. */
bool share_take(struct connection *connection, const struct peer *peer);
void share_opened(struct connection *connection);
void share_give_back(struct connection *connection); /* also for accepted connections, which have no share */

/* connection_stream.c */
void stream_put(struct connection *connection, const char *bytes, size_t length);

/* To be called when pending_capacity, unsent, the websocket's bytes or reason have changed. It may close this
   connection, or another one. */
void connection_note_kept(struct connection *connection);

/* connection_kept.c */
void connection_count_kept(struct connection *connection);

/* connection_watch.c */
bool connection_is_unfinished(const struct connection *connection);
void connection_watch(struct connection *connection);
void connection_check_fires(struct timer *timer);

#endif
