// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/connection_private.h"

/* The header of the PROXY protocol (proxy_header.h), before all layers of a connection. */

bool proxied_expects(const struct network *network, const union address *address)
{
    for (size_t i = 0; i < network->config.balancer_count; i++) {
        if (cidr_has(&network->config.balancers[i], address))
            return true;
    }
    return false;
}

/* A header fits, and the limits of memory count the bytes like those of an unfinished message. */
static bool keep_header(struct connection *connection, const char *bytes, size_t length)
{
    const struct host *host = connection->network->config.host;
    if (connection->pending == NULL)
        connection->pending = memory_new(host, PROXY_HEADER_MOST);
    if (connection->pending == NULL)
        return false;
    connection->pending_capacity = PROXY_HEADER_MOST;
    memcpy(connection->pending + connection->pending_length, bytes, length);
    connection->pending_length += length;
    return true;
}

static void set_client(const struct proxy_header *header, union address *address)
{
    *address = (union address){.v6 = {0}};
    if (header->ipv6) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(header->port);
        memcpy(&address->v6.sin6_addr, header->address, sizeof address->v6.sin6_addr);
    } else {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(header->port);
        memcpy(&address->v4.sin_addr, header->address, sizeof address->v4.sin_addr);
    }
}

/* Reads the header from what is kept and these bytes. Only the part of them that a header can have is kept. */
static enum proxy_outcome read_header(struct connection *connection, const char *bytes, size_t length,
                                      struct proxy_header *header)
{
    size_t room = PROXY_HEADER_MOST - connection->pending_length;
    size_t most = length < room ? length : room;
    *header = (struct proxy_header){0};
    if (connection->pending_length == 0) {
        enum proxy_outcome outcome = proxy_header_read(bytes, most, header);
        return outcome != PROXY_MORE || keep_header(connection, bytes, most) ? outcome : PROXY_BROKEN;
    }
    keep_header(connection, bytes, most);
    return proxy_header_read(connection->pending, connection->pending_length, header);
}

enum proxy_outcome proxied_put(struct connection *connection, const char *bytes, size_t length, size_t *used,
                               const char **fault)
{
    struct proxy_header header;
    size_t before = connection->pending_length;
    enum proxy_outcome outcome = read_header(connection, bytes, length, &header);
    *used = length;
    *fault = header.fault;
    if (outcome == PROXY_MORE || outcome == PROXY_BROKEN)
        return outcome;
    *used = header.length - before;
    connection_free_pending(connection);
    connection->awaits_header = false;
    connection->began_ms = connection_now(connection);
    if (outcome == PROXY_NAMED)
        set_client(&header, &connection->peer.address);
    return outcome;
}
