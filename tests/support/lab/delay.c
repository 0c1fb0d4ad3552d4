// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * delay INTERFACE INTERFACE: a link that takes time. Each frame that comes in at one interface leaves by the other
 * DELAY ms later, give or take at most JITTER ms, so that frames may overtake each other; LOSS % of them are lost.
 * Standard input has lines of these three numbers; the first one starts it, each later one counts from then on, and
 * the program ends with its input. Frames of ARP and of neighbour discovery pass at once.
 *
 * The frames carry a virtio_net_hdr, because on a veth the kernel leaves checksums and segmentation to the receiver.
 */

enum { FRAME_MOST = 65536 + 256, WAITING_MOST = 20000 };

struct frame {
    TAILQ_ENTRY(frame) place;
    uint64_t due;
    int to;
    size_t length;
    unsigned char bytes[];
};

TAILQ_HEAD(frames, frame);

struct box {
    struct pollfd ports[3]; /* both interfaces, and standard input */
    struct frames frames;   /* the earliest first */
    size_t waiting;
    double delay_ms, jitter_ms, loss;
};

__attribute__((noreturn)) static void give_up(const char *what)
{
    fprintf(stderr, "delay: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static double chance(void)
{
    return (double)random() / ((double)RAND_MAX + 1);
}

static int port_open(const char *interface)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    address.sll_ifindex = (int)if_nametoindex(interface);
    int one = 1, port = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (port < 0 || address.sll_ifindex == 0 || setsockopt(port, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one) != 0 ||
        setsockopt(port, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) != 0 ||
        bind(port, (struct sockaddr *)&address, sizeof address) != 0)
        give_up(interface);
    return port;
}

/* A host that asks for the address of its neighbour would wait for it before it sends the first packet. */
static bool passes_at_once(const unsigned char *bytes, size_t length)
{
    const unsigned char *frame = bytes + sizeof(struct virtio_net_hdr);
    size_t most = length - sizeof(struct virtio_net_hdr), kind_at = ETH_HLEN + sizeof(struct ip6_hdr);
    unsigned protocol = (unsigned)frame[12] << 8 | frame[13];
    if (protocol == ETH_P_ARP)
        return true;
    if (protocol != ETH_P_IPV6 || most <= kind_at || frame[ETH_HLEN + 6] != IPPROTO_ICMPV6)
        return false;
    return frame[kind_at] >= ND_ROUTER_SOLICIT && frame[kind_at] <= ND_REDIRECT;
}

static void frame_insert(struct box *box, struct frame *frame)
{
    struct frame *before = TAILQ_LAST(&box->frames, frames);
    while (before != NULL && before->due > frame->due)
        before = TAILQ_PREV(before, frames, place);
    if (before != NULL)
        TAILQ_INSERT_AFTER(&box->frames, before, frame, place);
    else
        TAILQ_INSERT_HEAD(&box->frames, frame, place);
    box->waiting++;
}

static void frame_keep(struct box *box, int to, const unsigned char *bytes, size_t length)
{
    bool at_once = passes_at_once(bytes, length);
    if (box->waiting >= WAITING_MOST || (!at_once && chance() * 100 < box->loss))
        return;
    struct frame *frame = malloc(sizeof *frame + length);
    if (frame == NULL)
        give_up("malloc");
    double ms = at_once ? 0 : box->delay_ms + box->jitter_ms * (2 * chance() - 1);
    frame->due = now_ns() + (ms > 0 ? (uint64_t)(ms * 1000000) : 0);
    frame->to = to;
    frame->length = length;
    memcpy(frame->bytes, bytes, length);
    frame_insert(box, frame);
}

static void port_read(struct box *box, int from, int to)
{
    static unsigned char bytes[FRAME_MOST];
    ssize_t length;
    while ((length = recv(from, bytes, sizeof bytes, 0)) > 0)
        if ((size_t)length >= sizeof(struct virtio_net_hdr) + ETH_HLEN)
            frame_keep(box, to, bytes, (size_t)length);
}

static void due_send(struct box *box)
{
    struct frame *frame;
    uint64_t now = now_ns();
    while ((frame = TAILQ_FIRST(&box->frames)) != NULL && frame->due <= now) {
        TAILQ_REMOVE(&box->frames, frame, place);
        box->waiting--;
        /* A frame that the interface does not take is lost, as on any link. */
        if (send(frame->to, frame->bytes, frame->length, 0) < 0 && errno == EINVAL)
            give_up("send");
        free(frame);
    }
}

static void command_read(struct box *box)
{
    char line[128];
    if (fgets(line, sizeof line, stdin) == NULL)
        exit(0);
    if (sscanf(line, "%lf %lf %lf", &box->delay_ms, &box->jitter_ms, &box->loss) != 3) {
        fprintf(stderr, "delay: not DELAY JITTER LOSS: %s", line);
        exit(1);
    }
}

static void wait_for_event(struct box *box)
{
    struct frame *first = TAILQ_FIRST(&box->frames);
    uint64_t now = now_ns(), ns = first != NULL && first->due > now ? first->due - now : 0;
    struct timespec rest = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    if (ppoll(box->ports, 3, first != NULL ? &rest : NULL, NULL) < 0 && errno != EINTR)
        give_up("ppoll");
}

int main(int argc, char **argv)
{
    struct box box = {.ports = {{.events = POLLIN}, {.events = POLLIN}, {.events = POLLIN}}};
    if (argc != 3) {
        fprintf(stderr, "delay INTERFACE INTERFACE\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setvbuf(stdin, NULL, _IONBF, 0);
    TAILQ_INIT(&box.frames);
    box.ports[0].fd = port_open(argv[1]);
    box.ports[1].fd = port_open(argv[2]);
    command_read(&box);
    for (;;) {
        wait_for_event(&box);
        port_read(&box, box.ports[0].fd, box.ports[1].fd);
        port_read(&box, box.ports[1].fd, box.ports[0].fd);
        due_send(&box);
        if (box.ports[2].revents != 0)
            command_read(&box);
    }
}
