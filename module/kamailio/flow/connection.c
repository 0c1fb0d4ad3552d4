// SPDX-License-Identifier: GPL-2.0-or-later
#include "kamailio/base/ksr.h"

#include "kamailio/flow/connection.h"

#include <stdio.h>
#include <string.h>

#include "flow/source_number.h"

/* The core's tables of connections. Its own commands read them in this way; no header declares them. */
extern gen_lock_t *tcpconn_lock;
extern struct tcp_connection **tcpconn_id_hash;
extern struct tcp_conn_alias **tcpconn_aliases_hash;

/* Under the lock. A connection that is being closed stays in the table for a moment. */
static const struct tcp_connection *find(int id)
{
    const struct tcp_connection *connection = tcpconn_id_hash[tcp_id_hash(id)];
    while (connection != NULL && (connection->id != id || connection->state == S_CONN_BAD))
        connection = connection->id_next;
    return connection;
}

static enum connection_state state_of(const struct tcp_connection *connection)
{
    if (connection == NULL || connection->state == S_CONN_ERROR || connection->state == S_CONN_EOF)
        return CONNECTION_GONE;
    return connection->state == S_CONN_CONNECT ? CONNECTION_OPENING : CONNECTION_OPEN;
}

enum connection_state connection_state(int id)
{
    if (id <= 0 || tcpconn_id_hash == NULL)
        return CONNECTION_GONE;
    TCPCONN_LOCK;
    enum connection_state state = state_of(find(id));
    TCPCONN_UNLOCK;
    return state;
}

bool connection_is_elsewhere(int id, const struct ip_addr *remote, unsigned port)
{
    if (tcpconn_id_hash == NULL)
        return false;
    TCPCONN_LOCK;
    const struct tcp_connection *connection = find(id);
    bool elsewhere =
        connection != NULL && (connection->rcv.src_port != port || !ip_addr_cmp(remote, &connection->rcv.src_ip));
    TCPCONN_UNLOCK;
    return elsewhere;
}

/* Two connections to one address may differ in the local side. */
static bool suits(const struct tcp_conn_alias *alias, struct ip_addr *remote, int port,
                  const struct dest_info *destination)
{
    const struct tcp_connection *connection = alias->parent;
    return connection->state != S_CONN_BAD && alias->port == port && ip_addr_cmp(remote, &alias->parent->rcv.src_ip) &&
           ((destination->send_flags.f & SND_F_FORCE_SOCKET) == 0 || destination->send_sock == NULL ||
            ip_addr_cmp(&destination->send_sock->address, &alias->parent->rcv.dst_ip));
}

/* Under the lock. */
static const struct tcp_connection *find_destination(const struct dest_info *destination)
{
    const int port = su_getport(&destination->to);
    struct ip_addr remote, any;
    const struct tcp_connection *connection = destination->id > 0 ? find(destination->id) : NULL;
    if (connection != NULL)
        return connection;
    su2ip_addr(&remote, (union sockaddr_union *)&destination->to);
    ip_addr_mk_any(remote.af, &any);
    const struct tcp_conn_alias *alias = tcpconn_aliases_hash[tcp_addr_hash(&remote, port, &any, 0)];
    while (alias != NULL && !suits(alias, &remote, port, destination))
        alias = alias->next;
    return alias != NULL ? alias->parent : NULL;
}

int connection_of_destination(const struct dest_info *destination, bool *open)
{
    *open = false;
    if (tcpconn_aliases_hash == NULL)
        return 0;
    TCPCONN_LOCK;
    const struct tcp_connection *connection = find_destination(destination);
    const int id = connection != NULL ? connection->id : 0;
    *open = state_of(connection) == CONNECTION_OPEN;
    TCPCONN_UNLOCK;
    return id;
}

static size_t print_address(char *out, size_t size, const struct ip_addr *address, unsigned port)
{
    return address_text(address->u.addr, address->len, (uint16_t)port, out, size);
}

size_t connection_describe(int id, char *out, size_t size)
{
    size_t length = 0;
    if (tcpconn_id_hash == NULL)
        return 0;
    TCPCONN_LOCK;
    const struct tcp_connection *connection = find(id);
    if (connection != NULL) {
        length = text_printed(snprintf(out, size, "%s ", proto_word((unsigned char)connection->rcv.proto)), size);
        length += print_address(out + length, size - length, &connection->rcv.dst_ip, connection->rcv.dst_port);
        if (length + 1 < size)
            out[length++] = '-';
        length += print_address(out + length, size - length, &connection->rcv.src_ip, connection->rcv.src_port);
    }
    TCPCONN_UNLOCK;
    return length;
}

enum transport transport_of_proto(int proto)
{
    switch (proto) {
    case PROTO_TCP:
        return TRANSPORT_TCP;
    case PROTO_TLS:
        return TRANSPORT_TLS;
    case PROTO_WS:
        return TRANSPORT_WS;
    case PROTO_WSS:
        return TRANSPORT_WSS;
    default:
        return TRANSPORT_UDP;
    }
}

int proto_at_listener(int proto, const struct socket_info *listener)
{
    if (!transport_is_websocket(transport_of_proto(proto)) || listener == NULL)
        return proto;
    return transport_is_secure(transport_of_proto(listener->proto)) ? PROTO_WSS : PROTO_WS;
}

const char *proto_word(int proto)
{
    return proto == PROTO_SCTP ? "sctp" : transport_word(transport_of_proto(proto));
}

const char *proto_uri_parameter(int proto)
{
    return proto == PROTO_SCTP ? ";transport=sctp" : transport_uri_parameter(transport_of_proto(proto));
}

size_t connection_remote_uri(int id, char *out, size_t size)
{
    char address[IP_ADDR_MAX_STR_SIZE + 16];
    size_t length = 0;
    int proto = PROTO_NONE;
    if (tcpconn_id_hash == NULL)
        return 0;
    TCPCONN_LOCK;
    const struct tcp_connection *connection = find(id);
    if (connection != NULL) {
        proto = (unsigned char)connection->rcv.proto;
        length = print_address(address, sizeof address, &connection->rcv.src_ip, connection->rcv.src_port);
    }
    TCPCONN_UNLOCK;
    if (length == 0)
        return 0;
    int written = snprintf(out, size, "sip:%.*s%s", (int)length, address, proto_uri_parameter(proto));
    return written > 0 && (size_t)written < size ? (size_t)written : 0;
}

int connection_proto(int id)
{
    if (id <= 0 || tcpconn_id_hash == NULL)
        return PROTO_NONE;
    TCPCONN_LOCK;
    const struct tcp_connection *connection = find(id);
    const int proto = connection != NULL ? (unsigned char)connection->rcv.proto : PROTO_NONE;
    TCPCONN_UNLOCK;
    return proto;
}

struct socket_info *connection_socket(int id)
{
    if (id <= 0 || tcpconn_id_hash == NULL)
        return NULL;
    TCPCONN_LOCK;
    const struct tcp_connection *connection = find(id);
    struct socket_info *socket = connection != NULL ? connection->rcv.bind_address : NULL;
    TCPCONN_UNLOCK;
    return socket;
}

static bool is_accepted(const struct tcp_connection *connection, const struct receive_info *flow)
{
    return state_of(connection) == CONNECTION_OPEN && (connection->flags & F_CONN_PASSIVE) != 0 &&
           connection->rcv.proto == flow->proto && connection->rcv.src_port == flow->src_port &&
           connection->rcv.dst_port == flow->dst_port &&
           ip_addr_cmp((struct ip_addr *)&flow->src_ip, (struct ip_addr *)&connection->rcv.src_ip) &&
           ip_addr_cmp((struct ip_addr *)&flow->dst_ip, (struct ip_addr *)&connection->rcv.dst_ip);
}

int connection_accepted(const struct receive_info *flow)
{
    struct ip_addr remote = flow->src_ip, local = flow->dst_ip;
    if (tcpconn_aliases_hash == NULL)
        return 0;
    TCPCONN_LOCK;
    const struct tcp_conn_alias *alias =
        tcpconn_aliases_hash[tcp_addr_hash(&remote, flow->src_port, &local, flow->dst_port)];
    while (alias != NULL && !is_accepted(alias->parent, flow))
        alias = alias->next;
    const int id = alias != NULL ? alias->parent->id : 0;
    TCPCONN_UNLOCK;
    return id;
}

bool connection_serves(int id, const struct receive_info *flow, struct socket_info **socket)
{
    bool serves = false;
    if (id <= 0 || tcpconn_id_hash == NULL)
        return false;
    TCPCONN_LOCK;
    const struct tcp_connection *connection = find(id);
    if (state_of(connection) == CONNECTION_OPEN) {
        serves = connection->rcv.proto == flow->proto && connection->rcv.src_port == flow->src_port &&
                 ip_addr_cmp((struct ip_addr *)&flow->src_ip, (struct ip_addr *)&connection->rcv.src_ip);
        *socket = connection->rcv.bind_address;
    }
    TCPCONN_UNLOCK;
    return serves;
}

void ip_addr_read(const uint8_t *bytes, uint8_t length, struct ip_addr *address)
{
    address->af = length == sizeof address->u.addr ? AF_INET6 : AF_INET;
    address->len = length;
    memcpy(address->u.addr, bytes, length);
}

uint64_t source_number_of(const struct receive_info *from)
{
    return source_number(from->src_ip.u.addr, from->src_ip.len);
}

struct ip_addr ip_addr_unmapped(const struct ip_addr *ip)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct ip_addr four = {.af = AF_INET, .len = 4};
    if (ip->af != AF_INET6 || memcmp(ip->u.addr, mapped, sizeof mapped) != 0)
        return *ip;
    memcpy(four.u.addr, ip->u.addr + sizeof mapped, 4);
    return four;
}

struct ip_addr source_address_of(const struct receive_info *from)
{
    return ip_addr_unmapped(&from->src_ip);
}

static bool is_loopback(const struct ip_addr *ip)
{
    static const unsigned char loopback6[16] = {[15] = 1};
    return ip->af == AF_INET ? ip->u.addr32[0] == htonl(INADDR_LOOPBACK) : memcmp(ip->u.addr, loopback6, 16) == 0;
}

static bool is_own(struct ip_addr *ip)
{
    char *text = ip_addr2a(ip);
    str host = {text, (int)strlen(text)};
    return grep_sock_info(&host, 0, 0) != NULL;
}

uint64_t limited_source_of(const struct receive_info *from)
{
    struct ip_addr source = source_address_of(from);
    return is_loopback(&source) || is_own(&source) ? 0 : source_number_of(from);
}

struct request_source source_of(const struct receive_info *from)
{
    return (struct request_source){.transport = proto_word((unsigned char)from->proto),
                                   .address = from->src_ip.u.addr,
                                   .length = from->src_ip.len,
                                   .port = from->src_port};
}

size_t sockaddr_text(const union sockaddr_union *address, char out[ADDRESS_TEXT_MOST])
{
    const bool ipv6 = address->s.sa_family == AF_INET6;
    const void *bytes = ipv6 ? (const void *)&address->sin6.sin6_addr : (const void *)&address->sin.sin_addr;
    const uint16_t port = ntohs(ipv6 ? address->sin6.sin6_port : address->sin.sin_port);
    return address_text(bytes, ipv6 ? sizeof(struct in6_addr) : sizeof(struct in_addr), port, out, ADDRESS_TEXT_MOST);
}
