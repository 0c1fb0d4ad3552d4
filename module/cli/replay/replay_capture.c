// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#include "cli/replay/replay_input.h"
#include "cli/replay/replay_stream.h"

/* Parses the packets of a capture: link layer, IP, UDP and TCP. Every length is checked against the available bytes. */

enum { IP_TCP = 6, IP_UDP = 17, ETHERNET_HEADER = 14, VLAN_TAGS_MOST = 3 };

struct capture {
    struct replay *replay;
    struct replay_streams *streams;
    int link;
    uint64_t number;
    int64_t time_us;
    bool cut; /* the packet was longer than its recorded part */
};

/* The rest of a packet while its headers are removed. */
struct rest {
    const uint8_t *at;
    size_t length;
};

struct datagram {
    struct replay_address source, destination;
    uint8_t protocol;
    struct rest rest;
};

static uint16_t number16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t number32(const uint8_t *at)
{
    return (uint32_t)number16(at) << 16 | number16(at + 2);
}

static bool skip(struct rest *rest, size_t length)
{
    if (length > rest->length)
        return false;
    rest->at += length;
    rest->length -= length;
    return true;
}

/* --- link layers --- */

/* The type of an Ethernet frame, after the tags of virtual networks. */
static bool skip_ethernet(struct rest *rest)
{
    if (!skip(rest, ETHERNET_HEADER))
        return false;
    for (int tags = 0; tags < VLAN_TAGS_MOST; tags++) {
        uint16_t type = number16(rest->at - 2);
        if (type != 0x8100 && type != 0x88a8 && type != 0x9100)
            break;
        if (!skip(rest, 4))
            return false;
    }
    uint16_t type = number16(rest->at - 2);
    return type == 0x0800 || type == 0x86dd;
}

static bool link_is_known(int link)
{
    static const int known[] = {DLT_EN10MB, DLT_NULL, DLT_LOOP,      DLT_RAW,
                                DLT_IPV4,   DLT_IPV6, DLT_LINUX_SLL, DLT_LINUX_SLL2};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i] == link)
            return true;
    return false;
}

/* Advances to the IP header. For loopback and cooked packets the IP version decides. */
static bool skip_link(int link, struct rest *rest)
{
    switch (link) {
    case DLT_EN10MB:
        return skip_ethernet(rest);
    case DLT_NULL:
    case DLT_LOOP:
        return skip(rest, 4);
    case DLT_LINUX_SLL:
        return skip(rest, 16);
    case DLT_LINUX_SLL2:
        return skip(rest, 20);
    default:
        return true;
    }
}

/* --- IP --- */

static void cut_to(struct capture *capture, struct rest *rest, size_t length)
{
    if (length > rest->length)
        capture->cut = true;
    else
        rest->length = length; /* the rest is padding of a short Ethernet frame */
}

enum parsed { PARSED, PARSED_OTHER, PARSED_FRAGMENT };

static enum parsed read_ipv4(struct capture *capture, struct datagram *datagram)
{
    struct rest *rest = &datagram->rest;
    const uint8_t *header = rest->at;
    if (rest->length < 20)
        return PARSED_OTHER;
    size_t length = (size_t)(header[0] & 0x0f) * 4, total = number16(header + 2);
    if (length < 20 || (total != 0 && total < length)) // 0: a network card was to fill it in
        return PARSED_OTHER;
    if (total != 0)
        cut_to(capture, rest, total);
    if ((number16(header + 6) & 0x3fff) != 0)
        return PARSED_FRAGMENT;
    datagram->protocol = header[9];
    datagram->source.version = datagram->destination.version = 4;
    memcpy(datagram->source.bytes, header + 12, 4);
    memcpy(datagram->destination.bytes, header + 16, 4);
    return skip(rest, length) ? PARSED : PARSED_OTHER;
}

/* Extension headers between the IPv6 header and that of the transport. */
static enum parsed skip_extensions(struct datagram *datagram)
{
    enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, DESTINATION = 60 };
    struct rest *rest = &datagram->rest;
    for (;;) {
        uint8_t type = datagram->protocol;
        if (type != HOP_BY_HOP && type != ROUTING && type != FRAGMENT && type != DESTINATION)
            return PARSED;
        if (rest->length < 8)
            return PARSED_OTHER;
        if (type == FRAGMENT && (number16(rest->at + 2) & 0xfff9) != 0)
            return PARSED_FRAGMENT;
        datagram->protocol = rest->at[0];
        if (!skip(rest, type == FRAGMENT ? 8 : ((size_t)rest->at[1] + 1) * 8))
            return PARSED_OTHER;
    }
}

static enum parsed read_ipv6(struct capture *capture, struct datagram *datagram)
{
    struct rest *rest = &datagram->rest;
    const uint8_t *header = rest->at;
    if (rest->length < 40)
        return PARSED_OTHER;
    size_t payload = number16(header + 4);
    skip(rest, 40);
    if (payload != 0)
        cut_to(capture, rest, payload);
    datagram->protocol = header[6];
    datagram->source.version = datagram->destination.version = 6;
    memcpy(datagram->source.bytes, header + 8, 16);
    memcpy(datagram->destination.bytes, header + 24, 16);
    return skip_extensions(datagram);
}

static enum parsed read_ip(struct capture *capture, struct datagram *datagram)
{
    if (datagram->rest.length == 0)
        return PARSED_OTHER;
    switch (datagram->rest.at[0] >> 4) {
    case 4:
        return read_ipv4(capture, datagram);
    case 6:
        return read_ipv6(capture, datagram);
    default:
        return PARSED_OTHER;
    }
}

/* --- transports --- */

static bool is_keep_alive(struct text payload)
{
    for (size_t i = 0; i < payload.length; i++)
        if (payload.at[i] != '\r' && payload.at[i] != '\n')
            return false;
    return true;
}

static void tell_cut(const struct capture *capture)
{
    replay_trouble(capture->replay, TROUBLE_CUT, capture->number, "the capture kept only the beginning of the packet");
}

static void take_udp(struct capture *capture, struct datagram *datagram)
{
    struct rest *rest = &datagram->rest;
    if (rest->length < 8) {
        replay_other(capture->replay);
        return;
    }
    size_t length = number16(rest->at + 4);
    datagram->source.port = number16(rest->at);
    datagram->destination.port = number16(rest->at + 2);
    if (length >= 8)
        cut_to(capture, rest, length);
    skip(rest, 8);
    const struct replay_message message = {.bytes = {(const char *)rest->at, rest->length},
                                           .time_us = capture->time_us,
                                           .source = datagram->source,
                                           .destination = datagram->destination,
                                           .number = capture->number};
    if (is_keep_alive(message.bytes) || !replay_is_start(message.bytes))
        replay_other(capture->replay);
    else if (capture->cut)
        tell_cut(capture);
    else
        replay_message(capture->replay, &message);
}

static void take_tcp(struct capture *capture, struct datagram *datagram)
{
    enum { FIN = 1, SYN = 2, RST = 4 };
    struct rest *rest = &datagram->rest;
    const uint8_t *header = rest->at;
    size_t length = rest->length >= 20 ? (size_t)(header[12] >> 4) * 4 : 0;
    if (length < 20 || !skip(rest, length)) {
        replay_other(capture->replay);
        return;
    }
    datagram->source.port = number16(header);
    datagram->destination.port = number16(header + 2);
    const struct replay_segment segment = {.source = datagram->source,
                                           .destination = datagram->destination,
                                           .payload = {(const char *)rest->at, rest->length},
                                           .time_us = capture->time_us,
                                           .number = capture->number,
                                           .sequence = number32(header + 4),
                                           .syn = (header[13] & SYN) != 0,
                                           .fin = (header[13] & FIN) != 0,
                                           .rst = (header[13] & RST) != 0};
    if (capture->cut)
        tell_cut(capture);
    replay_streams_segment(capture->streams, &segment);
}

static void take_packet(struct capture *capture, const struct pcap_pkthdr *header, const uint8_t *bytes)
{
    struct datagram datagram = {.rest = {bytes, header->caplen}};
    capture->number++;
    capture->time_us = (int64_t)header->ts.tv_sec * 1000000 + header->ts.tv_usec;
    capture->cut = false;
    enum parsed parsed = skip_link(capture->link, &datagram.rest) ? read_ip(capture, &datagram) : PARSED_OTHER;
    if (parsed == PARSED_FRAGMENT)
        replay_trouble(capture->replay, TROUBLE_FRAGMENT, capture->number,
                       "a fragment of an IP datagram: those are not put together");
    else if (parsed == PARSED && datagram.protocol == IP_UDP)
        take_udp(capture, &datagram);
    else if (parsed == PARSED && datagram.protocol == IP_TCP)
        take_tcp(capture, &datagram);
    else
        replay_other(capture->replay);
}

static int take_packets(struct capture *capture, pcap_t *pcap)
{
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    int result;
    while ((result = pcap_next_ex(pcap, &header, &bytes)) == 1)
        take_packet(capture, header, bytes);
    if (result == PCAP_ERROR)
        replay_trouble(capture->replay, TROUBLE_BROKEN, capture->number + 1, pcap_geterr(pcap));
    return 0;
}

int replay_capture(struct replay *replay, FILE *file, char *error, size_t error_size)
{
    char reason[PCAP_ERRBUF_SIZE] = "";
    struct capture capture = {.replay = replay};
    pcap_t *pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_MICRO, reason);
    int status = CLI_OK;
    if (pcap == NULL) {
        fclose(file);
        snprintf(error, error_size, "%s", reason);
        return CLI_USAGE;
    }
    capture.link = pcap_datalink(pcap);
    if (!link_is_known(capture.link)) {
        const char *name = pcap_datalink_val_to_name(capture.link);
        snprintf(error, error_size, "packets of link type %s cannot be read", name != NULL ? name : "unknown");
        status = CLI_USAGE;
        goto out;
    }
    if (replay_streams_new(&capture.streams, replay) != 0) {
        snprintf(error, error_size, "out of memory");
        status = CLI_FAILED;
        goto out;
    }
    take_packets(&capture, pcap);
out:
    replay_streams_delete(capture.streams);
    pcap_close(pcap);
    return status;
}
