// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/connection_private.h"

#include <errno.h>
#include <stdio.h>

#include "core/code.h"

/* The layers between a socket's bytes and messages: TLS, WebSocket, both or neither. */

/* The bytes of white space and NUL that a peer may send before or between messages, apart from keep-alives: enough
   for devices that send a NUL as keep-alive, and few enough to stop a peer that sends nothing else. */
enum { STRAY_MOST = 1024 };

/* The time for handshakes in one turn of the loop, however many wait, because their cryptography competes with
   calls. */
static const uint64_t handshakes_ns = 4000000;

static void close_broken(struct connection *connection, const char *fault);

/* --- below: the network --- */

static int flush(struct connection *connection)
{
    struct text output = tls_session_output(connection->tls);
    if (output.length == 0)
        return 0;
    int error = connection_write(connection, output.at, output.length);
    tls_session_sent(connection->tls);
    return error;
}

/* bytes of the stream */
static int layers_write(struct connection *connection, const char *bytes, size_t length)
{
    struct tls_session *tls = connection->tls;
    if (connection->reason != NULL)
        return -EPIPE;
    if (tls == NULL)
        return connection_write(connection, bytes, length);
    if (connection_is_over_unsent(connection, tls_session_kept(tls) + length))
        return -EPIPE;
    if (!tls_session_write(tls, bytes, length)) {
        close_broken(connection, tls_session_fault(tls));
        return -EPIPE;
    }
    return flush(connection);
}

/* --- above: WebSocket messages, or a stream's --- */

static void on_send(void *context, const char *bytes, size_t length)
{
    layers_write(context, bytes, length);
}

static void on_began(void *context)
{
    struct connection *connection = context;
    connection->began_ms = connection_now(connection);
}

/* RFC 7118 section 6: keep-alives of either kind, WebSocket's or CRLFCRLF in a message of their own. */
static void on_message(void *context, const char *bytes, size_t length)
{
    struct connection *connection = context;
    enum frame frame;
    size_t used;
    while (connection->reason == NULL && length > 0 && (frame = sip_padding(bytes, length, &used)) != FRAME_MESSAGE) {
        if (frame == FRAME_MORE) /* the message has no more bytes */
            return;
        layers_padding(connection, frame, used);
        bytes += used;
        length -= used;
    }
    if (connection->reason != NULL || length == 0)
        return;
    connection->stray = 0;
    connection->has_spoken = true;
    connection->network->events->received(connection->network->server, &connection->peer, bytes, length);
}

/* Returns true if it must be answered. */
static bool may_answer_ping(struct connection *connection)
{
    struct network *network = connection->network;
    connection->has_spoken = true;
    if (!network->events->may_keep_alive(network->server, &connection->peer))
        return false;
    network->counters.pings++;
    return true;
}

static void on_pinged(void *context)
{
    may_answer_ping(context);
}

/* This does not count as a failure of the source: a web page must not be able to get its visitors banned. */
static void forbid_origin(struct connection *connection)
{
    struct network *network = connection->network;
    char detail[128];
    struct text origin = websocket_origin(connection->websocket);
    snprintf(detail, sizeof detail, "Origin: %.*s", (int)(origin.length < 100 ? origin.length : 100), origin.at);
    network->counters.websocket_origin++;
    network->events->connection_refused(network->server, &connection->peer, REFUSAL_ORIGIN, SIP_FORBIDDEN, detail);
}

static void put_websocket(struct connection *connection, const char *bytes, size_t length)
{
    struct network_counters *counters = &connection->network->counters;
    bool was_open = websocket_is_open(connection->websocket);
    enum websocket_outcome outcome = websocket_put(connection->websocket, bytes, length);
    counters->websocket_refused += outcome == WEBSOCKET_REFUSED;
    counters->websocket_broken += outcome == WEBSOCKET_BROKEN;
    if (outcome == WEBSOCKET_FORBIDDEN)
        forbid_origin(connection);
    if (!was_open && !connection->has_spoken) /* its first message has the whole time */
        connection->began_ms =
            websocket_is_open(connection->websocket) ? connection_now(connection) : connection->began_ms;
    if (outcome != WEBSOCKET_OK)
        connection_close(connection, "closed");
}

static void put_plain(struct connection *connection, const char *bytes, size_t length)
{
    if (connection->websocket != NULL)
        put_websocket(connection, bytes, length);
    else
        stream_put(connection, bytes, length);
    connection_note_kept(connection);
}

/* --- TLS --- */

static void close_broken(struct connection *connection, const char *fault)
{
    char line[320], address[64];
    struct network *network = connection->network;
    const struct host *host = network->config.host;
    if (connection->reason != NULL)
        return;
    network->counters.tls_failed++;
    address_format(&connection->peer.address, address, sizeof address);
    snprintf(line, sizeof line, "TLS with %s: %s", address, fault[0] != '\0' ? fault : "out of memory");
    /* Incoming connections may come from anybody. Outgoing ones are requested by a policy, and somebody waits for
       them. */
    host->log(host->context, tls_session_domain(connection->tls).length > 0 ? LOG_WARNING : LOG_INFO, line);
    connection_close(connection, "tls");
}

/* They count like keep-alives, and are no sign of a peer that speaks SIP. */
static void limit_key_updates(struct connection *connection)
{
    struct network *network = connection->network;
    unsigned count = tls_session_take_key_updates(connection->tls);
    while (count-- > 0 && connection->reason == NULL)
        network->events->may_keep_alive(network->server, &connection->peer);
}

static void read_tls(struct connection *connection)
{
    struct network *network = connection->network;
    enum tls_outcome outcome = TLS_OK;
    size_t length = 1;
    while (outcome == TLS_OK && length > 0 && connection->reason == NULL) {
        outcome = tls_session_read(connection->tls, network->plain, READ_MOST, &length);
        limit_key_updates(connection);
        if (outcome == TLS_OK && length > 0 && connection->reason == NULL)
            put_plain(connection, network->plain, length);
    }
    if (connection->reason != NULL)
        return;
    flush(connection);
    if (outcome == TLS_CLOSED)
        connection_close(connection, "closed");
    else if (outcome == TLS_FAILED)
        close_broken(connection, tls_session_fault(connection->tls));
}

/* A trunk is exempt from the limits of its source. */
static void know_trunk(struct connection *connection)
{
    const struct trunks *trunks = connection->network->config.trunks;
    for (size_t i = 0; trunks != NULL && i < trunks->domain_count; i++) {
        if (!tls_session_proves(connection->tls, trunks->domains[i]))
            continue;
        connection->trunk = trunks->domains[i];
        source_disconnect(connection->network->config.sources, &connection->counted);
        return;
    }
}

struct text connection_trunk(const struct connection *connection)
{
    return connection->trunk;
}

static void step_handshake(struct connection *connection)
{
    enum tls_outcome outcome = tls_session_handshake(connection->tls);
    flush(connection);
    if (connection->reason != NULL)
        return;
    if (outcome != TLS_OK) {
        close_broken(connection, tls_session_fault(connection->tls));
        return;
    }
    if (tls_session_is_open(connection->tls)) {
        connection->network->counters.tls++;
        connection->network->counters.tls_resumed += tls_session_is_resumed(connection->tls);
        connection->began_ms = connection_now(connection);
        know_trunk(connection);
        if (connection->opening)
            connection_is_open(connection);
        read_tls(connection);
    }
    connection_read_on(connection);
}

/* --- the queue of handshakes --- */

void handshakes_forget(struct connection *connection)
{
    struct network *network = connection->network;
    if (connection->step_back == NULL)
        return;
    *connection->step_back = connection->next_step;
    if (connection->next_step != NULL)
        connection->next_step->step_back = connection->step_back;
    else
        network->last_handshake = connection->step_back;
    connection->step_back = NULL;
    connection->next_step = NULL;
}

static void on_turn(uv_idle_t *idle)
{
    struct network *network = idle->data;
    uint64_t began = uv_hrtime();
    while (network->handshakes != NULL && uv_hrtime() - began < handshakes_ns) {
        struct connection *connection = network->handshakes;
        handshakes_forget(connection);
        step_handshake(connection);
    }
    if (network->handshakes == NULL)
        uv_idle_stop(idle);
}

/* The connection waits for its turn; its bytes wait in the kernel meanwhile. */
static void queue_handshake(struct connection *connection)
{
    struct network *network = connection->network;
    if (connection->step_back != NULL)
        return;
    connection_read_pause(connection);
    connection->step_back = network->last_handshake;
    *network->last_handshake = connection;
    network->last_handshake = &connection->next_step;
    uv_idle_start(&network->turn, on_turn);
}

int handshakes_create(struct network *network)
{
    network->last_handshake = &network->handshakes;
    network->turn.data = network;
    return uv_idle_init(network->config.loop, &network->turn);
}

/* --- as a whole --- */

int layers_create(struct connection *connection, struct text domain, bool accepted)
{
    struct network *network = connection->network;
    uint8_t transport = connection->peer.transport;
    const struct websocket_events events = {
        .context = connection, .send = on_send, .began = on_began, .message = on_message, .pinged = on_pinged};
    if (transport_is_secure(transport)) {
        if (network->config.tls != NULL)
            connection->tls =
                accepted ? tls_session_accept(network->config.tls) : tls_session_connect(network->config.tls, domain);
        if (connection->tls == NULL)
            return -ENOMEM;
    }
    if (transport_is_websocket(transport)) {
        connection->websocket = websocket_new(network->config.host, &events, network->config.origins,
                                              network->config.limits.message.message);
        if (connection->websocket == NULL)
            return -ENOMEM;
    }
    return 0;
}

void layers_destroy(struct connection *connection)
{
    websocket_delete(connection->websocket);
    tls_session_delete(connection->tls);
}

void layers_begin(struct connection *connection)
{
    if (connection->reason == NULL && connection->tls != NULL)
        queue_handshake(connection);
}

void layers_put(struct connection *connection, const char *bytes, size_t length)
{
    if (connection->tls == NULL) {
        put_plain(connection, bytes, length);
        return;
    }
    if (!tls_session_put(connection->tls, bytes, length))
        connection_close(connection, "memory");
    else if (tls_session_is_open(connection->tls))
        read_tls(connection);
    else
        queue_handshake(connection);
}

int layers_send(struct connection *connection, const char *bytes, size_t length)
{
    if (connection->websocket == NULL)
        return layers_write(connection, bytes, length);
    bool sent = websocket_send(connection->websocket, bytes, length);
    return sent && connection->reason == NULL ? 0 : -EPIPE;
}

void layers_ping(struct connection *connection)
{
    if (connection->websocket != NULL)
        websocket_ping(connection->websocket);
    else
        layers_write(connection, "\r\n\r\n", 4);
}

void layers_padding(struct connection *connection, enum frame frame, size_t length)
{
    struct network_counters *counters = &connection->network->counters;
    if (frame == FRAME_PING) {
        if (may_answer_ping(connection))
            layers_send(connection, "\r\n", 2);
    } else if (frame == FRAME_STRAY) {
        counters->stray += length;
        connection->stray += length;
        if (connection->stray > STRAY_MOST) {
            counters->stray_closed++;
            connection_close(connection, "closed");
        }
    }
}

void layers_leave(struct connection *connection)
{
    if (connection->websocket != NULL && connection->reason == NULL)
        websocket_end(connection->websocket);
}

/* `reason` is set already, so that nothing is processed normally any more. */
void layers_end(struct connection *connection)
{
    if (connection->tls == NULL)
        return;
    tls_session_end(connection->tls);
    struct text output = tls_session_output(connection->tls);
    connection_write_last(connection, output.at, output.length);
}

bool layers_are_unfinished(const struct connection *connection)
{
    return (connection->tls != NULL && !tls_session_is_open(connection->tls)) ||
           (connection->websocket != NULL && websocket_is_unfinished(connection->websocket));
}

bool layers_are_for(const struct connection *connection, struct text domain)
{
    if (connection->tls == NULL)
        return true;
    struct text own = tls_session_domain(connection->tls);
    return own.length > 0 && sip_host_equal(own, domain);
}
