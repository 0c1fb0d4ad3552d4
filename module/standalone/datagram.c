// SPDX-License-Identifier: BSD-2-Clause
#include "sip/frame.h"
#include "standalone/network_private.h"
#include "standalone/stun.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <unistd.h>

/*
 * UDP. libuv waits for the socket; reading in batches and the queue of ICMP errors, which tells whose datagram came
 * back (5626-7.f), are the kernel's own calls.
 */

static socklen_t address_size(const union address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

static int set_options(int fd, sa_family_t family)
{
    const int on = 1, bytes = 4 << 20;
    int error = family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on)
                                   : setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    if (error == 0 && family == AF_INET6)
        error = setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    /* A burst of registrations should find room; the kernel's own limit may give less. */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    return error;
}

int datagram_open(struct socket *socket_, const union address *address)
{
    int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (set_options(fd, address->any.sa_family) != 0 || bind(fd, &address->any, address_size(address)) != 0) {
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
        char control[512], byte;
        struct peer peer = {.transport = TRANSPORT_UDP, .listener = socket->index};
        struct iovec vector = {&byte, 1};
        struct msghdr header = {.msg_name = &peer.address,
                                .msg_namelen = sizeof peer.address,
                                .msg_iov = &vector,
                                .msg_iovlen = 1,
                                .msg_control = control,
                                .msg_controllen = sizeof control};
        if (recvmsg(socket->fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
            return;
        const struct sock_extended_err *error = extended_error(&header);
        if (error == NULL || !is_unreachable(error))
            continue;
        network->counters.icmp++;
        server_flow_down(network->server, peer_flow(&peer), "icmp");
    }
}

/* CRLF pings over UDP need no answer (RFC 5626 section 4.4 has STUN for that) and are no messages. */
static bool is_blank(const char *bytes, size_t length)
{
    return sip_padding_length(bytes, length) == length;
}

static void answer_stun(struct socket *socket, const union address *from, const char *bytes, size_t length)
{
    char answer[STUN_ANSWER_MOST];
    size_t size = stun_answer(bytes, length, from, answer);
    if (size == 0) {
        socket->network->counters.stun_dropped++;
        return;
    }
    socket->network->counters.pings++;
    datagram_send(socket, from, answer, size);
}

static void read_datagrams(struct socket *socket)
{
    struct network *network = socket->network;
    union address from[DATAGRAMS_AT_ONCE];
    struct iovec vectors[DATAGRAMS_AT_ONCE];
    struct mmsghdr headers[DATAGRAMS_AT_ONCE];
    for (size_t i = 0; i < DATAGRAMS_AT_ONCE; i++) {
        vectors[i] = (struct iovec){network->datagrams + i * DATAGRAM_MOST, DATAGRAM_MOST};
        headers[i] = (struct mmsghdr){
            .msg_hdr = {.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &vectors[i], .msg_iovlen = 1}};
    }
    int count = recvmmsg(socket->fd, headers, DATAGRAMS_AT_ONCE, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        struct peer peer = {.transport = TRANSPORT_UDP, .listener = socket->index, .address = from[i]};
        const char *bytes = vectors[i].iov_base;
        if (stun_is(bytes, headers[i].msg_len))
            answer_stun(socket, &from[i], bytes, headers[i].msg_len);
        else if (!is_blank(bytes, headers[i].msg_len))
            server_received(network->server, &peer, bytes, headers[i].msg_len);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct socket *socket = poll->data;
    (void)events;
    /* libuv stops a descriptor that has an error waiting: read the errors and go on. */
    if (status < 0)
        datagram_start(socket);
    read_errors(socket);
    read_datagrams(socket);
}

int datagram_start(struct socket *socket)
{
    if (!socket->open) {
        int error = uv_poll_init(socket->network->config.loop, &socket->uv.poll, socket->fd);
        if (error != 0)
            return error;
        socket->open = true;
        socket->uv.poll.data = socket;
    }
    return uv_poll_start(&socket->uv.poll, UV_READABLE, on_poll);
}

int datagram_send(struct socket *socket, const union address *to, const char *bytes, size_t length)
{
    ssize_t sent = -1;
    /* An error may be that of an earlier datagram, which the queue will tell: once more. */
    for (int i = 0; i < 2 && sent < 0; i++)
        sent = sendto(socket->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL, &to->any, address_size(to));
    if (sent >= 0)
        return 0;
    socket->network->counters.datagrams_unsent++;
    /* A full socket loses the datagram as the network might: retransmission mends it. */
    return errno == EAGAIN || errno == ENOBUFS || errno == ECONNREFUSED ? 0 : -errno;
}
