// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SOURCE_LIMITS_H
#define REFLOW_STANDALONE_SOURCE_LIMITS_H

#include "base/host.h"
#include "standalone/net/source.h"

/*
 * What one source (source.h) may use: requests, keep-alives, failing requests, connections. Network and server share
 * one table of the sources that have used something lately.
 *
 * A datagram does not prove its source address. Datagrams are therefore counted apart from streams, and what exceeds a
 * limit is dropped; nobody is banned for them. A connection proves its address: a source that exceeds a limit over
 * streams is banned, its connections are closed, and it gets no new ones until the ban is over.
 *
 * The table is bounded. When there is no room, the source that has been quiet for the longest time and has no
 * connection is forgotten. That gives it a new allowance, so forged addresses cannot harm a source that behaves. If
 * there is no memory, a source is not limited.
 *
 * Loopback (127.0.0.1 and ::1) and trusted sources are exempt. One thread. All functions that take `limits` accept
 * NULL, which stands for no limits.
 */

enum {
    SOURCE_BURST_S = 4,   /* the burst of requests and keep-alives, in seconds of their rate */
    SOURCES_MOST = 16384, /* remembered by datagrams, and as many without connections by streams */
    SOURCES_TRUSTED_MOST = 256
};

struct source_limits;

struct source_limits_config {
    const struct host *host;
    uint32_t requests;    /* a second, of requests and of keep-alives each; 0: no limit */
    uint32_t connections; /* accepted, at a time; 0: no limit */
    uint32_t failures;    /* a minute: requests that were answered with 400, 401, 403 or 404; 0: no limit */
    uint32_t ban_s;
    struct cidr trusted[SOURCES_TRUSTED_MOST];
    size_t trusted_count;
};

/* COUNTER(name, what is counted). */
#define SOURCE_LIMITS_COUNTERS(COUNTER)                                                                                \
    COUNTER(limited_requests, "messages beyond --limit-requests, dropped")                                             \
    COUNTER(limited_keepalives, "keep-alives beyond --limit-requests, dropped")                                        \
    COUNTER(limited_failures, "failing responses beyond --limit-failures, not sent")                                   \
    COUNTER(limited_connections, "connections beyond --limit-connections, closed")                                     \
    COUNTER(bans, "bans of sources that exceeded a limit over streams")                                                \
    COUNTER(banned_connections, "connections of banned sources, closed")

struct source_limits_counters {
#define COUNTER(name, what) uint64_t name;
    SOURCE_LIMITS_COUNTERS(COUNTER)
#undef COUNTER
};

/* 0 or -ENOMEM. */
int source_limits_new(struct source_limits **out, const struct source_limits_config *config);
void source_limits_delete(struct source_limits *limits);

/* Named by --trust. Loopback is not, unless it is named. */
bool source_is_trusted(const struct source_limits *limits, const union address *address);

/* Trusted or loopback: nothing is counted. Without limits (NULL) everybody is exempt. */
bool source_is_exempt(const struct source_limits *limits, const union address *address);

enum source_use { SOURCE_REQUEST, SOURCE_KEEPALIVE, SOURCE_FAILURE, SOURCE_USES };

/*
 * Counts one use by the peer's source. False: it exceeds the limit, or the source is banned, and what was used must be
 * dropped, silently over UDP. Over a stream the source is then banned: its accepted connections have been closed when
 * this returns, and the caller closes peer->connection if it is another one.
 */
bool source_may(struct source_limits *limits, const struct peer *peer, enum source_use use);

/* --- connections --- */

struct limited_source;

/* Part of each accepted connection. Zeroed: not counted. */
struct source_connection {
    struct limited_source *source;
    struct source_connection *next, **back;
};

/* Counts an accepted connection, until source_disconnect(). 0, or -EPERM: the source is banned; -EDQUOT: it has as many
   connections as it may; then nothing was counted, and the connection is to be closed. */
int source_connect(struct source_limits *limits, const struct peer *peer, struct source_connection *connection);
/* Fine for one that is not counted. */
void source_disconnect(struct source_limits *limits, struct source_connection *connection);

/* What closes the connections of a source that is being banned. It is called for each of them, which is not counted any
   more by then. */
typedef void source_banned(void *context, struct source_connection *connection);
void source_limits_listen(struct source_limits *limits, source_banned *banned, void *context);

/* --- to be called about once a second, and for the status --- */

/* Forgets sources that have their whole allowance. */
void source_limits_sweep(struct source_limits *limits);
struct source_limits_counters source_limits_counters(const struct source_limits *limits);
size_t source_limits_count(const struct source_limits *limits); /* of the sources that are remembered */

#endif
