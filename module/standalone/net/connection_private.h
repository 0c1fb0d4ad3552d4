// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_CONNECTION_PRIVATE_H
#define REFLOW_STANDALONE_CONNECTION_PRIVATE_H

#include "sip/frame.h"
#include "standalone/net/network_private.h"
#include "standalone/tls/tls.h"
#include "standalone/websocket/websocket.h"

/*
 * A connection: a TCP socket (connection.c), and above it what its transport needs (connection_layers.c): TLS,
 * WebSocket, or none of them. On a plain stream messages are cut (connection_stream.c); connection_watch.c looks after
 * the time.
 */

struct connection {
    struct table_link link;
    struct table_link address;
    struct network *network;
    uv_tcp_t tcp;
    uv_connect_t connect;
    struct peer peer;
    flow_id number;
    char *pending; /* bytes of an unfinished message */
    size_t pending_length, pending_capacity;
    size_t resume;                               /* of sip_frame() */
    size_t stray;                                /* bytes skipped since the last message */
    struct tls_session *tls;                     /* NULL: none */
    struct websocket *websocket;                 /* NULL: none */
    struct connection *next_step;                /* in the queue for a step of the handshake */
    struct connection **step_back;               /* NULL: not in it */
    struct connection *kept_before, *kept_after; /* among those that keep bytes, if kept > 0 */
    size_t kept;
    uint64_t kept_since_ms; /* began_ms of what it keeps */
    size_t unsent;          /* bytes of memory that wait to be sent, with their bookkeeping */
    uint64_t heard_ms;      /* of the last bytes */
    uint64_t began_ms;      /* of the unfinished message or handshake */
    uint64_t held_until_ms; /* a registration that went through here lasts so long */
    struct timer check;
    const char *reason;               /* why it was closed; NULL: open */
    struct source_connection counted; /* among those of its source, if we accepted it */
    bool pinged;
    bool has_spoken; /* a message or a keep-alive has come; we opened it */
    bool opening;    /* by us, and its TLS handshake is not done */
};

static inline uint64_t connection_now(const struct connection *connection)
{
    return uv_now(connection->network->config.loop);
}

/* connection.c: bytes to the socket. 0 or a negative errno, after which the connection is closed but for -ENOMEM. */
int connection_write(struct connection *connection, const char *bytes, size_t length);
/* What the socket takes at once: a last word. */
void connection_write_last(struct connection *connection, const char *bytes, size_t length);
bool connection_is_over_unsent(struct connection *connection, size_t length); /* then it is closed */
void connection_read_on(struct connection *connection);
void connection_read_pause(struct connection *connection);
void connection_is_open(struct connection *connection); /* one that we opened */

/* connection_layers.c */
int layers_create(struct connection *connection, struct text domain, bool accepted);
void layers_destroy(struct connection *connection);
void layers_begin(struct connection *connection); /* the socket is connected: who called speaks first */
void layers_put(struct connection *connection, const char *bytes, size_t length);
int layers_send(struct connection *connection, const char *bytes, size_t length); /* one message */
void layers_ping(struct connection *connection);
void layers_padding(struct connection *connection, enum frame frame, size_t length); /* of sip_padding() */
void layers_leave(struct connection *connection); /* we are about to close it of our own will */
void layers_end(struct connection *connection);
bool layers_are_unfinished(const struct connection *connection);
bool layers_are_for(const struct connection *connection, struct text domain);
void handshakes_forget(struct connection *connection);

/* connection_stream.c */
void stream_put(struct connection *connection, const char *bytes, size_t length);
void stream_destroy(struct connection *connection);

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
