// SPDX-License-Identifier: BSD-2-Clause
#include "sip/frame.h"
#include "standalone/net/network_private.h"
#include "standalone/net/stun.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <unistd.h>

/*
 * UDP. libuv polls the socket. Reading in batches, and reading the queue of ICMP errors, which shows the unreachable
 * peer and how much of the datagram the error quotes (5626-7.j), use the kernel's own calls.
 */

enum {
    QUOTED_MOST = 1280, /* no ICMP error is longer (RFC 1812 4.3.2.3, RFC 4443 2.4) */
    SEND_TRIES = 4
};

/* Room for the control message that names a local address. */
union control {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static socklen_t address_size(const union address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

/* For a socket on a wildcard address, the kernel reports the local address of each datagram. */
static int tell_local(int fd, sa_family_t family)
{
    const int on = 1;
    return family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)
                              : setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
}

static int set_options(int fd, sa_family_t family)
{
    const int on = 1, bytes = 4 << 20;
    int error = family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on)
                                   : setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    if (error == 0 && family == AF_INET6)
        error = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    /* A burst of registrations should fit; the kernel may allow less. */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    return error;
}

int datagram_open(struct socket *socket_, const union address *address)
{
    int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (set_options(fd, address->any.sa_family) != 0 ||
        (socket_->wildcard && tell_local(fd, address->any.sa_family) != 0) ||
        bind(fd, &address->any, address_size(address)) != 0) {
        int error = -errno;
        close(fd);
        return error;
    }
    socket_->fd = fd;
    return 0;
}

static bool is_unreachable(const struct sock_extended_err *error)
{
    if (error->ee_origin == SO_EE_ORIGIN_ICMP)
        return error->ee_type == ICMP_DEST_UNREACH && error->ee_code != ICMP_FRAG_NEEDED;
    return error->ee_origin == SO_EE_ORIGIN_ICMP6 && error->ee_type == ICMP6_DST_UNREACH;
}

/* The local address in a control message. Responses to datagrams to a broadcast address are sent from the address
   that the kernel proposes. */
static bool read_local(const struct cmsghdr *part, bool is_error, union address *local)
{
    memset(local, 0, sizeof *local);
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(part), sizeof info);
        local->v4.sin_family = AF_INET;
        local->v4.sin_addr = is_error ? info.ipi_addr : info.ipi_spec_dst;
        return true;
    }
    if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(part), sizeof info);
        local->v6.sin6_family = AF_INET6;
        local->v6.sin6_addr = info.ipi6_addr;
        if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
            local->v6.sin6_scope_id = info.ipi6_ifindex;
        return !IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
    }
    return false;
}

/* The number of the local address of a datagram or an error; 0 for a socket with one address. */
static uint16_t local_of(const struct socket *socket, struct msghdr *header, bool is_error)
{
    union address local;
    if (!socket->wildcard)
        return 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL; part = CMSG_NXTHDR(header, part)) {
        if (read_local(part, is_error, &local))
            return local_addresses_number(socket->network->locals, &local);
    }
    return 0;
}

static const struct sock_extended_err *extended_error(struct msghdr *header)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL; part = CMSG_NXTHDR(header, part)) {
        bool v4 = part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR;
        bool v6 = part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR;
        if (v4 || v6)
            return (const struct sock_extended_err *)(const void *)CMSG_DATA(part);
    }
    return NULL;
}

static void read_errors(struct socket *socket)
{
    struct network *network = socket->network;
    for (;;) {
        char control[512], quoted[QUOTED_MOST];
        struct peer peer = {.transport = TRANSPORT_UDP, .listener = socket->index};
        struct iovec vector = {quoted, sizeof quoted};
        struct msghdr header = {.msg_name = &peer.address,
                                .msg_namelen = sizeof peer.address,
                                .msg_iov = &vector,
                                .msg_iovlen = 1,
                                .msg_control = control,
                                .msg_controllen = sizeof control};
        ssize_t length = recvmsg(socket->fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT);
        if (length < 0)
            return;
        const struct sock_extended_err *error = extended_error(&header);
        if (error == NULL || !is_unreachable(error))
            continue;
        peer.local = local_of(socket, &header, true);
        network->counters.icmp++;
        network->events->datagram_returned(network->server, &peer, (struct text){quoted, (size_t)length});
    }
}

/* CRLF keep-alives over UDP need no answer (RFC 5626 section 4.4 uses STUN) and are not messages. */
static bool is_blank(const char *bytes, size_t length)
{
    return sip_padding_length(bytes, length) == length;
}

static void answer_stun(struct socket *socket, const struct peer *from, const char *bytes, size_t length)
{
    char answer[STUN_ANSWER_MOST];
    size_t size = stun_answer(bytes, length, &from->address, answer);
    if (size == 0) {
        socket->network->counters.stun_dropped++;
        return;
    }
    if (!socket->network->events->may_keep_alive(socket->network->server, from))
        return;
    socket->network->counters.pings++;
    datagram_send(socket, from, answer, size);
}

static void received(struct socket *socket, struct mmsghdr *datagram)
{
    const struct network *network = socket->network;
    struct peer peer = {
        .transport = TRANSPORT_UDP, .listener = socket->index, .local = local_of(socket, &datagram->msg_hdr, false)};
    const char *bytes = datagram->msg_hdr.msg_iov->iov_base;
    memcpy(&peer.address, datagram->msg_hdr.msg_name, sizeof peer.address);
    if (stun_is(bytes, datagram->msg_len))
        answer_stun(socket, &peer, bytes, datagram->msg_len);
    else if (!is_blank(bytes, datagram->msg_len))
        network->events->received(network->server, &peer, bytes, datagram->msg_len);
}

/* A read of several datagrams costs time even if only one has arrived. So one is read at a time, and several only in a
   burst: after two in one millisecond, and after a read that got as many as it asked for. */
static unsigned datagrams_wanted(const struct socket *socket, uint64_t now)
{
    bool burst = socket->was_full && (socket->wanted > 1 || now == socket->read_ms);
    if (!burst)
        return 1;
    return socket->wanted * 2 < DATAGRAMS_AT_ONCE ? socket->wanted * 2U : DATAGRAMS_AT_ONCE;
}

/* These calls take the kernel less time than recvmmsg(). */
static int read_one(const struct socket *socket, struct mmsghdr *datagram)
{
    struct msghdr *header = &datagram->msg_hdr;
    ssize_t length = socket->wildcard ? recvmsg(socket->fd, header, MSG_DONTWAIT)
                                      : recvfrom(socket->fd, header->msg_iov->iov_base, header->msg_iov->iov_len,
                                                 MSG_DONTWAIT, header->msg_name, &header->msg_namelen);
    datagram->msg_len = length > 0 ? (unsigned)length : 0;
    return length >= 0 ? 1 : -1;
}

static void read_datagrams(struct socket *socket)
{
    struct network *network = socket->network;
    union address from[DATAGRAMS_AT_ONCE];
    struct iovec vectors[DATAGRAMS_AT_ONCE];
    struct mmsghdr headers[DATAGRAMS_AT_ONCE];
    union control controls[DATAGRAMS_AT_ONCE];
    uint64_t now = uv_now(network->config.loop);
    unsigned wanted = datagrams_wanted(socket, now);
    for (unsigned i = 0; i < wanted; i++) {
        vectors[i] = (struct iovec){network->datagrams + (size_t)i * DATAGRAM_MOST, DATAGRAM_MOST};
        headers[i] = (struct mmsghdr){
            .msg_hdr = {.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &vectors[i], .msg_iovlen = 1}};
        if (socket->wildcard) {
            controls[i] = (union control){0};
            headers[i].msg_hdr.msg_control = controls[i].bytes;
            headers[i].msg_hdr.msg_controllen = sizeof controls[i].bytes;
        }
    }
    int count = wanted == 1 ? read_one(socket, &headers[0]) : recvmmsg(socket->fd, headers, wanted, MSG_DONTWAIT, NULL);
    socket->wanted = (uint8_t)wanted;
    socket->was_full = count == (int)wanted;
    socket->read_ms = now;
    for (int i = 0; i < count; i++)
        received(socket, &headers[i]);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct socket *socket = poll->data;
    (void)events;
    /* Errors are pending. libuv has stopped polling the descriptor. */
    if (status < 0) {
        datagram_start(socket);
        read_errors(socket);
    }
    read_datagrams(socket);
}

int datagram_start(struct socket *socket)
{
    if (!socket->open) {
        int error = uv_poll_init(socket->network->config.loop, &socket->poll, socket->fd);
        if (error != 0)
            return error;
        socket->open = true;
        socket->poll.data = socket;
    }
    return uv_poll_start(&socket->poll, UV_READABLE, on_poll);
}

/* A link-local address is reached through the interface of the local address. */
static void name_scope(const union address *local, union address *to)
{
    if (IN6_IS_ADDR_LINKLOCAL(&to->v6.sin6_addr) && to->v6.sin6_scope_id == 0)
        to->v6.sin6_scope_id = local->v6.sin6_scope_id;
}

static void put_local(const union address *local, struct msghdr *header)
{
    struct cmsghdr *part = CMSG_FIRSTHDR(header);
    struct in_pktinfo v4 = {0};
    struct in6_pktinfo v6 = {0};
    bool ipv6 = local->any.sa_family == AF_INET6;
    size_t size = ipv6 ? sizeof v6 : sizeof v4;
    part->cmsg_level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    part->cmsg_type = ipv6 ? IPV6_PKTINFO : IP_PKTINFO;
    part->cmsg_len = CMSG_LEN(size);
    header->msg_controllen = CMSG_SPACE(size);
    if (ipv6) {
        v6.ipi6_addr = local->v6.sin6_addr;
        v6.ipi6_ifindex = local->v6.sin6_scope_id;
        memcpy(CMSG_DATA(part), &v6, sizeof v6);
    } else {
        v4.ipi_spec_dst = local->v4.sin_addr;
        memcpy(CMSG_DATA(part), &v4, sizeof v4);
    }
}

static ssize_t send_one(const struct socket *socket, const struct peer *peer, const char *bytes, size_t length)
{
    union address local, to = peer->address;
    if (!socket->wildcard || !local_addresses_get(socket->network->locals, peer->local, &local) ||
        local.any.sa_family != to.any.sa_family)
        return sendto(socket->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL, &to.any, address_size(&to));
    union control control = {0};
    struct iovec vector = {(char *)(size_t)bytes, length};
    struct msghdr header = {.msg_name = &to,
                            .msg_namelen = address_size(&to),
                            .msg_iov = &vector,
                            .msg_iovlen = 1,
                            .msg_control = control.bytes,
                            .msg_controllen = sizeof control.bytes};
    put_local(&local, &header);
    if (to.any.sa_family == AF_INET6)
        name_scope(&local, &to);
    return sendmsg(socket->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int datagram_send(struct socket *socket, const struct peer *to, const char *bytes, size_t length)
{
    ssize_t sent = -1;
    /* The error may belong to an earlier datagram, which the queue will report, and strangers can forge it: send
       again. */
    for (int i = 0; i < SEND_TRIES && sent < 0; i++)
        sent = send_one(socket, to, bytes, length);
    if (sent >= 0)
        return 0;
    socket->network->counters.datagrams_unsent++;
    /* If the socket is full, the datagram is lost, as in the network; it will be retransmitted. */
    return errno == EAGAIN || errno == ENOBUFS || errno == ECONNREFUSED ? 0 : -errno;
}

/* Only a connected socket shows what the kernel knows of the path. A socket of its own leaves the listener's as it is.
 */
uint32_t datagram_path_mtu(const union address *to)
{
    int mtu = 0, six = to->any.sa_family == AF_INET6;
    socklen_t size = sizeof mtu;
    int fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    if (connect(fd, &to->any, address_size(to)) != 0 ||
        getsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_MTU : IP_MTU, &mtu, &size) != 0)
        mtu = 0;
    close(fd);
    return mtu > 0 ? (uint32_t)mtu : 0;
}
