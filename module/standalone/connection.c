// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/network_private.h"

#include <errno.h>

#include "core/code.h"
#include "flow/recovery.h"
#include "sip/frame.h"

/* TCP: connections, framing, keep-alive (RFC 3261 18.3, RFC 5626 4.4.1, 5.4). */

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
    size_t resume;     /* of sip_frame() */
    uint64_t heard_ms; /* of the last bytes */
    uint64_t began_ms; /* of the unfinished message */
    struct timer check;
    const char *reason; /* why it was closed; NULL: open */
    bool pinged;
};

static uint64_t now(const struct network *network)
{
    return uv_now(network->config.loop);
}

static uint64_t address_key(const struct network *network, const union address *address)
{
    const char *bytes =
        address->any.sa_family == AF_INET6 ? (const char *)&address->v6.sin6_addr : (const char *)&address->v4.sin_addr;
    size_t length = address->any.sa_family == AF_INET6 ? 16 : 4;
    return table_digest(network->seed + address_port(address), (struct text){bytes, length});
}

struct connection *connection_find(const struct network *network, flow_id number)
{
    struct table_link *link = table_find(&network->connections, number);
    return link != NULL ? TABLE_OWNER(link, struct connection, link) : NULL;
}

struct connection *connection_find_dying(const struct network *network, flow_id number)
{
    struct table_link *link = table_find(&network->dying, number);
    return link != NULL ? TABLE_OWNER(link, struct connection, link) : NULL;
}

const struct peer *connection_peer(const struct connection *connection)
{
    return &connection->peer;
}

static struct connection *find_by_address(const struct network *network, const union address *address)
{
    struct table_link *link = table_find(&network->addresses, address_key(network, address));
    for (; link != NULL; link = table_next(link)) {
        struct connection *connection = TABLE_OWNER(link, struct connection, address);
        if (address_equal(&connection->peer.address, address))
            return connection;
    }
    return NULL;
}

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct network *network = connection->network;
    const struct host *host = network->config.host;
    if (network->server != NULL && !network->closing)
        server_flow_down(network->server, connection->number, connection->reason);
    table_remove(&network->dying, &connection->link);
    memory_delete(host, connection->pending, connection->pending_capacity);
    memory_delete(host, connection, sizeof *connection);
}

/* The flow is told dead from the loop, not from here: whoever sends may be in the middle of something. */
void connection_close(struct connection *connection, const char *reason)
{
    struct network *network = connection->network;
    if (connection->reason != NULL)
        return;
    connection->reason = reason;
    table_remove(&network->connections, &connection->link);
    table_remove(&network->addresses, &connection->address);
    table_add(&network->dying, &connection->link, connection->number);
    network->counters.connections--;
    if (network->server != NULL)
        timer_stop(server_timers(network->server), &connection->check);
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

struct write {
    uv_write_t request;
    const struct host *host;
    size_t size;
    char bytes[];
};

static void on_written(uv_write_t *request, int status)
{
    struct write *write = request->data;
    struct connection *connection = request->handle->data;
    memory_delete(write->host, write, write->size);
    if (status < 0 && status != UV_ECANCELED)
        connection_close(connection, "write");
}

static int write_bytes(struct connection *connection, const char *bytes, size_t length)
{
    struct network *network = connection->network;
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    uv_buf_t buffer = uv_buf_init((char *)(size_t)bytes, (unsigned)length);
    int sent = uv_stream_get_write_queue_size(stream) == 0 ? uv_try_write(stream, &buffer, 1) : 0;
    if (sent == (int)length)
        return 0;
    if (sent < 0 && sent != UV_EAGAIN && sent != UV_EBADF) {
        connection_close(connection, "write");
        return -EPIPE;
    }
    size_t done = sent > 0 ? (size_t)sent : 0;
    if (uv_stream_get_write_queue_size(stream) + length - done > network->config.limits.unsent) {
        network->counters.slow++;
        connection_close(connection, "slow");
        return -EPIPE;
    }
    struct write *write =
        network->config.host->allocate(network->config.host->context, NULL, 0, sizeof *write + length - done);
    if (write == NULL)
        return -ENOMEM;
    write->host = network->config.host;
    write->size = sizeof *write + length - done;
    write->request.data = write;
    memcpy(write->bytes, bytes + done, length - done);
    buffer = uv_buf_init(write->bytes, (unsigned)(length - done));
    if (uv_write(&write->request, stream, &buffer, 1, on_written) != 0) {
        memory_delete(write->host, write, write->size);
        connection_close(connection, "write");
        return -EPIPE;
    }
    return 0;
}

/* --- reading --- */

static void broken(struct connection *connection, const char *bytes, size_t length, uint16_t status)
{
    connection->network->counters.oversized++;
    server_received_fault(connection->network->server, &connection->peer, bytes, length, status);
    connection_close(connection, "closed");
}

/* Take what is whole from the front; returns how many bytes were used. Stops when the connection was closed. */
static size_t take(struct connection *connection, const char *bytes, size_t available)
{
    struct network *network = connection->network;
    size_t used = 0, length;
    while (used < available && connection->reason == NULL) {
        const char *at = bytes + used;
        enum frame frame =
            sip_frame(at, available - used, &network->config.limits.message, &connection->resume, &length);
        if (frame == FRAME_MORE && available - used == 2 && connection->pinged && at[0] == '\r') {
            frame = FRAME_PONG;
            length = 2;
        }
        if (frame == FRAME_MORE)
            break;
        connection->resume = 0;
        used += length;
        if (frame == FRAME_MESSAGE) {
            server_received(network->server, &connection->peer, at, length);
        } else if (frame == FRAME_PING) {
            network->counters.pings++;
            write_bytes(connection, "\r\n", 2);
        } else if (frame == FRAME_TOO_LONG) {
            broken(connection, at, length, SIP_REQUEST_ENTITY_TOO_LARGE);
        } else if (frame == FRAME_BROKEN) {
            broken(connection, at, length, SIP_BAD_REQUEST);
        }
    }
    return used;
}

static bool reserve(struct connection *connection, size_t length)
{
    const struct host *host = connection->network->config.host;
    size_t capacity = connection->pending_capacity ? connection->pending_capacity : 2048;
    while (capacity < length)
        capacity *= 2;
    if (capacity == connection->pending_capacity)
        return true;
    char *pending = host->allocate(host->context, connection->pending, connection->pending_capacity, capacity);
    if (pending == NULL)
        return false;
    connection->pending = pending;
    connection->pending_capacity = capacity;
    return true;
}

static void release_pending(struct connection *connection)
{
    memory_delete(connection->network->config.host, connection->pending, connection->pending_capacity);
    connection->pending = NULL;
    connection->pending_length = connection->pending_capacity = 0;
}

static bool keep(struct connection *connection, const char *bytes, size_t length)
{
    if (connection->pending_length == 0)
        connection->began_ms = now(connection->network);
    if (!reserve(connection, connection->pending_length + length))
        return false;
    memcpy(connection->pending + connection->pending_length, bytes, length);
    connection->pending_length += length;
    return true;
}

static void feed(struct connection *connection, const char *bytes, size_t length)
{
    size_t used;
    if (connection->pending_length == 0) {
        used = take(connection, bytes, length);
        if (used < length && connection->reason == NULL && !keep(connection, bytes + used, length - used))
            connection_close(connection, "memory");
        return;
    }
    if (!keep(connection, bytes, length)) {
        connection_close(connection, "memory");
        return;
    }
    used = take(connection, connection->pending, connection->pending_length);
    if (used == connection->pending_length) {
        release_pending(connection);
    } else if (used > 0) {
        memmove(connection->pending, connection->pending + used, connection->pending_length - used);
        connection->pending_length -= used;
        connection->began_ms = now(connection->network);
    }
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct connection *connection = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(connection->network->read, READ_MOST);
}

static void watch(struct connection *connection);

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct connection *connection = stream->data;
    if (count < 0) {
        connection_close(connection, "closed");
    } else if (count > 0) {
        bool was_pending = connection->pending_length > 0;
        connection->heard_ms = now(connection->network);
        feed(connection, buffer->base, (size_t)count);
        connection->pinged = false;
        if (connection->reason == NULL && !was_pending && connection->pending_length > 0)
            watch(connection);
    }
}

/* --- time --- */

static bool has_bindings(const struct connection *connection)
{
    return binding_first_on_flow(server_bindings(connection->network->server), connection->number) != NULL;
}

/* When to look at the connection again: for an unfinished message, for the pong, for silence. */
static uint64_t next_look(const struct connection *connection)
{
    const struct network_limits *limits = &connection->network->config.limits;
    uint64_t due = connection->heard_ms + limits->idle_s * 1000ULL;
    if (connection->pinged)
        due = connection->heard_ms + keepalive_grace_ms(limits->flow_timer) + KEEPALIVE_PONG_MS;
    else if (limits->flow_timer != 0 && has_bindings(connection))
        due = connection->heard_ms + keepalive_grace_ms(limits->flow_timer);
    if (connection->pending_length > 0 && connection->began_ms + limits->message_s * 1000ULL < due)
        due = connection->began_ms + limits->message_s * 1000ULL;
    return due;
}

static void watch(struct connection *connection)
{
    uint64_t due = next_look(connection), at = now(connection->network);
    const struct network_limits *limits = &connection->network->config.limits;
    uint64_t wait = due > at ? due - at : 0;
    /* A REGISTER may put the flow under its Flow-Timer at any time: look at least that often. */
    if (limits->flow_timer != 0 && wait > keepalive_grace_ms(limits->flow_timer))
        wait = keepalive_grace_ms(limits->flow_timer);
    if (timer_start(server_timers(connection->network->server), &connection->check, wait) != 0)
        connection_close(connection, "memory");
}

static void check_fires(struct timer *timer)
{
    struct connection *connection = TABLE_OWNER(timer, struct connection, check);
    struct network_counters *counters = &connection->network->counters;
    const struct network_limits *limits = &connection->network->config.limits;
    uint64_t at = now(connection->network), silent = at - connection->heard_ms;
    if (connection->pending_length > 2 && at - connection->began_ms >= limits->message_s * 1000ULL) {
        counters->unfinished++;
        connection_close(connection, "unfinished");
    } else if (limits->flow_timer != 0 && has_bindings(connection)) {
        if (connection->pinged && silent >= keepalive_grace_ms(limits->flow_timer) + KEEPALIVE_PONG_MS) {
            counters->keepalive_lost++;
            connection_close(connection, "keepalive");
        } else if (!connection->pinged && silent >= keepalive_grace_ms(limits->flow_timer)) {
            counters->pings_sent++;
            connection->pinged = true;
            write_bytes(connection, "\r\n\r\n", 4);
        }
    } else if (silent >= limits->idle_s * 1000ULL && !has_bindings(connection)) {
        counters->idle++;
        connection_close(connection, "idle");
    }
    if (connection->reason == NULL)
        watch(connection);
}

/* --- coming and going --- */

static struct connection *connection_new(struct network *network, uint8_t listener)
{
    struct connection *connection = memory_new(network->config.host, sizeof *connection);
    if (connection == NULL)
        return NULL;
    if (uv_tcp_init(network->config.loop, &connection->tcp) != 0) {
        memory_delete(network->config.host, connection, sizeof *connection);
        return NULL;
    }
    connection->network = network;
    connection->tcp.data = connection;
    connection->number = ++network->last_connection;
    connection->peer =
        (struct peer){.transport = TRANSPORT_TCP, .listener = listener, .connection = connection->number};
    connection->heard_ms = now(network);
    connection->check.fire = check_fires;
    table_add(&network->connections, &connection->link, connection->number);
    network->counters.connections++;
    return connection;
}

static int begin(struct connection *connection)
{
    struct network *network = connection->network;
    table_add(&network->addresses, &connection->address, address_key(network, &connection->peer.address));
    uv_tcp_nodelay(&connection->tcp, 1);
    watch(connection);
    return connection->reason == NULL ? uv_read_start((uv_stream_t *)&connection->tcp, on_allocate, on_read) : 0;
}

static bool is_full(struct network *network)
{
    bool full = network->counters.connections > network->config.limits.connections;
    network->counters.refused += full;
    return full;
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct socket *socket = stream->data;
    struct network *network = socket->network;
    if (status < 0)
        return;
    struct connection *connection = connection_new(network, socket->index);
    if (connection == NULL)
        return;
    int size = sizeof connection->peer.address;
    int error = uv_accept(stream, (uv_stream_t *)&connection->tcp);
    if (error == 0)
        error = uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&connection->peer.address, &size);
    if (error == 0 && !is_full(network)) {
        network->counters.accepted++;
        error = begin(connection);
    } else {
        error = error != 0 ? error : -ENOSPC;
    }
    if (error != 0)
        connection_close(connection, "refused");
}

static void on_connected(uv_connect_t *request, int status)
{
    struct connection *connection = request->data;
    if (status == UV_ECANCELED || connection->reason != NULL)
        return;
    if (status < 0 || uv_read_start((uv_stream_t *)&connection->tcp, on_allocate, on_read) != 0)
        connection_close(connection, "connect");
}

static struct connection *open_to(struct network *network, const struct peer *peer)
{
    struct connection *connection = connection_new(network, peer->listener);
    if (connection == NULL)
        return NULL;
    connection->peer.address = peer->address;
    connection->connect.data = connection;
    table_add(&network->addresses, &connection->address, address_key(network, &peer->address));
    uv_tcp_nodelay(&connection->tcp, 1);
    watch(connection);
    if (is_full(network) ||
        uv_tcp_connect(&connection->connect, &connection->tcp, &peer->address.any, on_connected) != 0) {
        connection_close(connection, "connect");
        return NULL;
    }
    network->counters.opened++;
    return connection;
}

int connection_send(struct network *network, struct peer *peer, const char *bytes, size_t length)
{
    struct connection *connection;
    if (peer->connection != 0)
        connection = connection_find(network, peer->connection);
    else if ((connection = find_by_address(network, &peer->address)) == NULL)
        connection = open_to(network, peer);
    if (connection == NULL)
        return -EPIPE;
    peer->connection = connection->number;
    return write_bytes(connection, bytes, length);
}

int connection_listen(struct socket *socket, const union address *address)
{
    int error = uv_tcp_init(socket->network->config.loop, &socket->uv.tcp);
    if (error != 0)
        return error;
    socket->open = true;
    socket->uv.tcp.data = socket;
    error = uv_tcp_bind(&socket->uv.tcp, &address->any, address->any.sa_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0);
    /* The port is taken now, not at the first connection, so that a port in use is told at start. */
    return error != 0 ? error : uv_listen((uv_stream_t *)&socket->uv.tcp, 1024, on_connection);
}

void connections_close(struct network *network)
{
    struct table_link *link;
    while ((link = table_any(&network->connections)) != NULL)
        connection_close(TABLE_OWNER(link, struct connection, link), "closed");
}
