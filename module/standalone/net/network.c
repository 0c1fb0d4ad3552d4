// SPDX-License-Identifier: BSD-2-Clause
#include "standalone/net/network_private.h"

#include "base/number.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static int wire_send(void *context, struct peer *peer, const char *bytes, size_t length)
{
    struct network *network = context;
    if (transport_connects(peer->transport))
        return connection_send(network, peer, bytes, length);
    if (peer->listener >= network->socket_count)
        return -EINVAL;
    return datagram_send(&network->sockets[peer->listener], peer, bytes, length);
}

static int wire_connect(void *context, struct peer *peer, struct text domain)
{
    return connection_open(context, peer, domain);
}

static int wire_reopen(void *context, struct peer *peer, struct text domain)
{
    return connection_reopen(context, peer, domain);
}

static uint32_t wire_path_mtu(void *context, const struct peer *peer)
{
    (void)context;
    return datagram_path_mtu(&peer->address);
}

static void wire_hold(void *context, flow_id number, uint32_t seconds)
{
    connection_hold(context, number, seconds);
}

static void wire_alias(void *context, flow_id number, struct text host, uint16_t port)
{
    struct connection *connection = connection_find(context, number);
    if (connection != NULL)
        alias_claim(connection, host, port);
}

static bool wire_reuse(void *context, struct peer *peer, struct text domain)
{
    const struct connection *connection = connection_find(context, alias_find(context, peer, domain));
    if (connection == NULL)
        return false;
    const struct peer *own = connection_peer(connection);
    peer->connection = own->connection;
    peer->listener = own->listener;
    peer->local = own->local;
    return true;
}

static void wire_close(void *context, flow_id number)
{
    struct connection *connection = connection_find(context, number);
    if (connection != NULL)
        connection_close(connection, "closed");
}

static int wire_acks(void *context, flow_id number, struct ack_sample *sample)
{
    const struct connection *connection = connection_find(context, number);
    return connection != NULL ? connection_acks(connection, sample) : -ENOTCONN;
}

static void wire_abort(void *context, flow_id number)
{
    struct connection *connection = connection_find(context, number);
    if (connection != NULL)
        connection_abort(connection);
}

static bool wire_connection(void *context, flow_id number, struct peer *peer)
{
    const struct connection *connection = connection_find(context, number);
    const struct connection *known = connection != NULL ? connection : connection_find_dying(context, number);
    if (known != NULL)
        *peer = *connection_peer(known);
    return connection != NULL;
}

static bool wire_ping(void *context, flow_id number, bool *answered)
{
    return connection_ping(context, number, answered);
}

static int wire_choose_local(void *context, struct peer *peer)
{
    struct network *network = context;
    if (peer->local == 0 && transport_connects(peer->transport))
        peer->local = connection_local(network, peer);
    if (peer->local == 0)
        peer->local = local_addresses_route(network->locals, &peer->address);
    return peer->local != 0 ? 0 : -ENETUNREACH;
}

static bool wire_local(void *context, uint16_t number, union address *address)
{
    return local_addresses_get(((struct network *)context)->locals, number, address);
}

static uint16_t wire_local_number(void *context, const union address *address)
{
    return local_addresses_find(((struct network *)context)->locals, address);
}

static bool wire_is_local(void *context, const union address *address)
{
    return local_addresses_have(((struct network *)context)->locals, address);
}

static struct text wire_trunk(void *context, flow_id number)
{
    const struct connection *connection = connection_find(context, number);
    return connection != NULL ? connection_trunk(connection) : (struct text){NULL, 0};
}

static int wire_locate(void *context, const struct peer *source, const struct locate_query *query, locate_done *done,
                       void *again)
{
    struct network *network = context;
    bool exempt = source_is_loopback(&source->address) ||
                  source_is_trusted(network->config.sources, &source->address) ||
                  wire_trunk(network, source->connection).length > 0;
    source_id limited = exempt ? 0 : source_of(&source->address);
    if (network->config.locate == NULL)
        return -ENOSYS;
    return network->config.locate(network->config.names, limited, query, done, again);
}

int network_family(const struct network *network)
{
    bool four = false, six = false;
    for (size_t i = 0; i < network->socket_count; i++) {
        six |= network->sockets[i].ipv6;
        four |= !network->sockets[i].ipv6;
    }
    return four == six ? AF_UNSPEC : six ? AF_INET6 : AF_INET;
}

static void set_standards(struct network_limits *limits)
{
    limits->connections = number_or(limits->connections, 10000);
    limits->idle_s = number_or(limits->idle_s, 600);
    limits->message_s = number_or(limits->message_s, 32);
    limits->connect_s = number_or(limits->connect_s, 4);
    limits->unsent = number_or(limits->unsent, 1 << 20);
    limits->kept = number_or(limits->kept, 64000000);
    limits->message.message = number_or(limits->message.message, 65536);
}

/* Tokens contain the numbers of connections and survive the process together with their keys, so a number must not
   be used again. Below 2^61, which leaves room for counting (peer_flow()). */
static flow_id first_connection(const struct host *host)
{
    return host_random_64(host) >> 3;
}

int network_new(struct network **out, const struct network_config *config)
{
    const struct host *host = config->host;
    struct network *network = memory_new(host, sizeof *network);
    if (network == NULL)
        return -ENOMEM;
    network->config = *config;
    set_standards(&network->config.limits);
    hash_key_draw(&network->address_key, host);
    network->last_connection = first_connection(host);
    network->wire = (struct wire){.context = network,
                                  .send = wire_send,
                                  .connect = wire_connect,
                                  .reopen = wire_reopen,
                                  .path_mtu = wire_path_mtu,
                                  .hold = wire_hold,
                                  .trunk = wire_trunk,
                                  .alias = wire_alias,
                                  .reuse = wire_reuse,
                                  .close = wire_close,
                                  .acks = wire_acks,
                                  .abort = wire_abort,
                                  .connection = wire_connection,
                                  .ping = wire_ping,
                                  .locate = wire_locate,
                                  .choose_local = wire_choose_local,
                                  .local = wire_local,
                                  .local_number = wire_local_number,
                                  .is_local = wire_is_local};
    network->datagrams = memory_new(host, (size_t)DATAGRAMS_AT_ONCE * DATAGRAM_MOST);
    network->read = memory_new(host, READ_MOST);
    network->plain = memory_new(host, READ_MOST);
    if (local_addresses_new(&network->locals, host) != 0 || network->datagrams == NULL || network->read == NULL ||
        network->plain == NULL || table_create(&network->connections, host) != 0 ||
        table_create(&network->dying, host) != 0 || table_create(&network->addresses, host) != 0 ||
        table_create(&network->aliases, host) != 0 || table_create(&network->alias_hosts, host) != 0 ||
        table_create(&network->strange, host) != 0) {
        network_delete(network);
        return -ENOMEM;
    }
    *out = network;
    return handshakes_create(network);
}

const struct wire *network_wire(struct network *network)
{
    return &network->wire;
}

const struct network_counters *network_counters(const struct network *network)
{
    return &network->counters;
}

static void name_listener(const union address *address, enum transport kind, struct listener *listener)
{
    char host[INET6_ADDRSTRLEN];
    bool v6 = address->any.sa_family == AF_INET6;
    *listener = (struct listener){.transport = (uint8_t)kind, .port = address_port(address)};
    address_host(address, host, sizeof host);
    snprintf(listener->host, sizeof listener->host, v6 ? "[%s]" : "%s", host);
}

int network_listen(struct network *network, enum transport kind, const union address *address,
                   struct listener *listener)
{
    if (network->socket_count == LISTENERS_MOST)
        return -ENOSPC;
    struct socket *socket = &network->sockets[network->socket_count];
    *socket = (struct socket){.network = network, .fd = -1, .bound = *address, .kind = (uint8_t)kind};
    socket->index = (uint8_t)network->socket_count;
    socket->wildcard = address_is_wildcard(address);
    socket->ipv6 = address->any.sa_family == AF_INET6;
    int error = transport_connects(kind) ? connection_listen(socket, address) : datagram_open(socket, address);
    if (error != 0)
        return error;
    network->socket_count++;
    name_listener(address, kind, listener);
    return 0;
}

void network_refresh(struct network *network)
{
    local_addresses_refresh(network->locals);
}

int network_start(struct network *network, struct server *server, const struct network_events *events)
{
    int error = 0;
    network->server = server;
    network->events = events;
    source_limits_listen(network->config.sources, connection_banned, network);
    for (size_t i = 0; error == 0 && i < network->socket_count; i++) {
        if (!transport_connects(network->sockets[i].kind))
            error = datagram_start(&network->sockets[i]);
    }
    return error;
}

static void close_socket(struct socket *socket)
{
    acceptor_destroy(&socket->acceptor);
    if (socket->open)
        uv_close((uv_handle_t *)&socket->poll, NULL);
    socket->open = false;
}

void network_stop_listening(struct network *network)
{
    for (size_t i = 0; i < network->socket_count; i++) {
        if (transport_connects(network->sockets[i].kind))
            close_socket(&network->sockets[i]);
    }
}

void network_close(struct network *network)
{
    network->closing = true;
    connections_close(network);
    if (!uv_is_closing((uv_handle_t *)&network->turn))
        uv_close((uv_handle_t *)&network->turn, NULL);
    for (size_t i = 0; i < LISTENERS_MOST; i++)
        close_socket(&network->sockets[i]);
}

void network_delete(struct network *network)
{
    if (network == NULL)
        return;
    const struct host *host = network->config.host;
    for (size_t i = 0; i < network->socket_count; i++) {
        if (network->sockets[i].fd >= 0)
            close(network->sockets[i].fd);
    }
    local_addresses_delete(network->locals);
    table_destroy(&network->connections);
    table_destroy(&network->dying);
    table_destroy(&network->addresses);
    table_destroy(&network->aliases);
    table_destroy(&network->alias_hosts);
    table_destroy(&network->strange);
    memory_delete(host, network->datagrams, (size_t)DATAGRAMS_AT_ONCE * DATAGRAM_MOST);
    memory_delete(host, network->read, READ_MOST);
    memory_delete(host, network->plain, READ_MOST);
    memory_delete(host, network, sizeof *network);
}
