// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SOURCE_LIMITS_H
#define REFLOW_STANDALONE_SOURCE_LIMITS_H

#include "base/host.h"
#include "standalone/net/source.h"

/*
 * Limits what one source (source.h) may use: requests, keep-alives, failing requests, connections. Network and server
 * share one table of the sources that were recently active.
 *
 * A datagram does not prove its source address. So datagrams are counted separately from streams. Datagrams that exceed
 * a limit are dropped, and nobody is banned for them, except for failures that show that their sender has received
 * something at the address (SOURCE_PROVED_FAILURE). A connection proves its address: a source that exceeds a limit over
 * streams is banned. Its connections are closed, and it gets no new ones until the ban ends.
 *
 * The table is bounded. When it is full, the source that has been inactive for the longest time and has no connection
 * is removed. It then has a new allowance, so forged addresses cannot harm a well-behaved source. Without memory, a
 * source is not limited.
 *
 * Loopback (127.0.0.1 and ::1) and trusted sources are exempt. One thread. All functions that take `limits` accept
 * NULL, which means no limits.
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

/* Named by --trust. Loopback counts only if it is named. */
bool source_is_trusted(const struct source_limits *limits, const union address *address);

/* Trusted or loopback: nothing is counted. With NULL everybody is exempt. */
bool source_is_exempt(const struct source_limits *limits, const union address *address);

/* SOURCE_PROVED_FAILURE: a failure over UDP by somebody who has received something at the address. It has an allowance
   of its own, beyond which the datagrams of the source are banned. */
enum source_use { SOURCE_REQUEST, SOURCE_KEEPALIVE, SOURCE_FAILURE, SOURCE_PROVED_FAILURE, SOURCE_USES };

/*
 * Counts one use by the peer's source. Returns false if it exceeds the limit or the source is banned: the caller must
 * then drop what was used, silently over UDP. Over a stream the source is then banned; its accepted connections have
 * been closed on return, and the caller closes peer->connection if it is another one.
 */
bool source_may(struct source_limits *limits, const struct peer *peer, enum source_use use);

/* --- connections --- */

struct limited_source;

/* Part of each accepted connection. Zeroed: not counted. */
struct source_connection {
    struct limited_source *source;
    struct source_connection *next, **back;
};

/* Counts an accepted connection until source_disconnect(). Returns 0, -EPERM if the source is banned, or -EDQUOT if
   it has too many connections; on error nothing was counted, and the caller closes the connection. */
int source_connect(struct source_limits *limits, const struct peer *peer, struct source_connection *connection);
/* May be called for a connection that is not counted. */
void source_disconnect(struct source_limits *limits, struct source_connection *connection);

/* Sets the function that closes the connections of a banned source. It is called for each of them, after it is no
   longer counted. */
typedef void source_banned(void *context, struct source_connection *connection);
void source_limits_listen(struct source_limits *limits, source_banned *banned, void *context);

/* --- to be called about once a second, and for the status --- */

/* Removes sources whose whole allowance is available again. */
void source_limits_sweep(struct source_limits *limits);
struct source_limits_counters source_limits_counters(const struct source_limits *limits);
size_t source_limits_count(const struct source_limits *limits); /* of the sources that are remembered */

#endif
