// SPDX-License-Identifier: BSD-2-Clause
#include <pcap/pcap.h>

#include "replay_run.h"
#include "sip_corpus.h"
#include "test.h"

#include "cli/cli.h"

/* Captures, made here byte by byte: link layers, IPv4 and IPv6, UDP, TCP put together again, and what is broken. */

enum { PACKET_MOST = 4096, CAPTURE_MOST = 65536 };

struct capture {
    FILE *file;
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    char *bytes;
    size_t length;
    int link;
    int64_t time_us;
    uint32_t cut; /* bytes kept of the next packet; 0: all */
};

static void capture_create(struct capture *capture, int link)
{
    *capture = (struct capture){.link = link, .time_us = 1763816400000000};
    capture->file = open_memstream(&capture->bytes, &capture->length);
    capture->pcap = pcap_open_dead(link, PACKET_MOST);
    assert_non_null(capture->pcap);
    capture->dumper = pcap_dump_fopen(capture->pcap, capture->file);
    assert_non_null(capture->dumper);
}

static struct replay_run capture_run(struct capture *capture)
{
    pcap_dump_close(capture->dumper);
    pcap_close(capture->pcap);
    struct replay_run run = RUN(replay_file_make("capture.pcap", capture->bytes, capture->length));
    free(capture->bytes);
    return run;
}

static size_t put_link(int link, bool ipv6, uint8_t *out)
{
    switch (link) {
    case DLT_EN10MB:
        memset(out, 0, 14);
        memcpy(out + 12, ipv6 ? "\x86\xdd" : "\x08\x00", 2);
        return 14;
    case DLT_NULL:
        memcpy(out, ipv6 ? "\x1e\0\0\0" : "\x02\0\0\0", 4);
        return 4;
    case DLT_LINUX_SLL:
        memset(out, 0, 16);
        memcpy(out + 14, ipv6 ? "\x86\xdd" : "\x08\x00", 2);
        return 16;
    case DLT_LINUX_SLL2:
        memset(out, 0, 20);
        memcpy(out, ipv6 ? "\x86\xdd" : "\x08\x00", 2);
        return 20;
    default:
        return 0;
    }
}

static void put16(uint8_t *at, unsigned number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

static void put32(uint8_t *at, uint32_t number)
{
    put16(at, number >> 16);
    put16(at + 2, number & 0xffff);
}

struct packet {
    bool ipv6, tcp, syn, fin, rst, back;
    uint32_t sequence;
    uint16_t fragment; /* IPv4's flags and offset */
    struct text payload;
};

static size_t put_ip(const struct packet *packet, size_t transport, uint8_t *out)
{
    size_t from = packet->back ? 2 : 1, to = packet->back ? 1 : 2;
    if (packet->ipv6) {
        memset(out, 0, 40);
        out[0] = 0x60;
        put16(out + 4, (unsigned)transport);
        out[6] = packet->tcp ? 6 : 17;
        out[23] = (uint8_t)from;
        out[39] = (uint8_t)to;
        return 40;
    }
    memset(out, 0, 20);
    out[0] = 0x45;
    put16(out + 2, (unsigned)(transport + 20));
    put16(out + 6, packet->fragment);
    out[9] = packet->tcp ? 6 : 17;
    memcpy(out + 12, "\xc0\x00\x02", 3);
    memcpy(out + 16, "\xc0\x00\x02", 3);
    out[15] = (uint8_t)from;
    out[19] = (uint8_t)to;
    return 20;
}

static size_t put_transport(const struct packet *packet, uint8_t *out)
{
    put16(out, packet->back ? 5061 : 5060);
    put16(out + 2, packet->back ? 5060 : 5061);
    if (!packet->tcp) {
        put16(out + 4, (unsigned)packet->payload.length + 8);
        put16(out + 6, 0);
        return 8;
    }
    memset(out + 4, 0, 16);
    put32(out + 4, packet->sequence);
    out[12] = 0x50;
    out[13] = (uint8_t)(packet->fin | packet->syn << 1 | packet->rst << 2);
    return 20;
}

static void capture_add(struct capture *capture, const struct packet *packet)
{
    uint8_t bytes[PACKET_MOST];
    size_t header = packet->tcp ? 20 : 8;
    size_t length = put_link(capture->link, packet->ipv6, bytes);
    length += put_ip(packet, header + packet->payload.length, bytes + length);
    length += put_transport(packet, bytes + length);
    if (packet->payload.length > 0)
        memcpy(bytes + length, packet->payload.at, packet->payload.length);
    length += packet->payload.length;
    struct pcap_pkthdr pcap = {.caplen = (bpf_u_int32)length, .len = (bpf_u_int32)length};
    capture->time_us += 250000;
    pcap.ts.tv_sec = capture->time_us / 1000000;
    pcap.ts.tv_usec = capture->time_us % 1000000;
    if (capture->cut != 0 && capture->cut < pcap.caplen)
        pcap.caplen = capture->cut;
    pcap_dump((u_char *)capture->dumper, &pcap, bytes);
}
#define ADD(capture, ...) capture_add(capture, &(struct packet){__VA_ARGS__})

/* An INVITE with a body's worth of header, and its 486. */
struct call {
    char request[2048], response[2048], both[4096];
    struct text invite, busy, all;
};

static void call_create(struct call *call)
{
    const struct sip_words invite = {.start = "INVITE sip:bob@192.0.2.2 SIP/2.0", .branch = "a"};
    const struct sip_words busy = {.start = "SIP/2.0 486 Busy Here", .branch = "a"};
    call->invite = (struct text){call->request, sip_write(call->request, sizeof call->request, &invite)};
    call->busy = (struct text){call->response, sip_write(call->response, sizeof call->response, &busy)};
    memcpy(call->both, call->request, call->invite.length);
    memcpy(call->both + call->invite.length, call->response, call->busy.length);
    call->all = (struct text){call->both, call->invite.length + call->busy.length};
}

static struct text part(struct text text, size_t from, size_t to)
{
    return (struct text){text.at + from, (to < text.length ? to : text.length) - from};
}

static void assert_run(struct replay_run *run, const char *out, const char *err)
{
    if (strstr(run->out, out) == NULL)
        fail_msg("'%s' is not in: %s", out, run->out);
    if (err == NULL)
        assert_string_equal(run->err, "");
    else if (strstr(run->err, err) == NULL)
        fail_msg("'%s' is not in: %s", err, run->err);
    assert_int_equal(run->status, CLI_OK);
    replay_run_destroy(run);
}

static int remove_files(void **unused)
{
    (void)unused;
    replay_files_remove();
    return 0;
}

static const char FINE[] = "486 INVITE sip:15551234@example.com c1@host: fail 3261-16.7.e\n2 messages, 1 response\n";

static void test_udp_over_every_link_layer(void **unused)
{
    static const int links[] = {DLT_EN10MB, DLT_NULL, DLT_RAW, DLT_LINUX_SLL, DLT_LINUX_SLL2};
    struct call call;
    (void)unused;
    call_create(&call);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        for (int ipv6 = 0; ipv6 < 2; ipv6++) {
            struct capture capture;
            capture_create(&capture, links[i]);
            ADD(&capture, .ipv6 = ipv6 != 0, .payload = call.invite);
            ADD(&capture, .ipv6 = ipv6 != 0, .back = true, .payload = call.busy);
            struct replay_run run = capture_run(&capture);
            assert_int_equal(strncmp(run.out, "13:00:00.500 ", 13), 0);
            assert_run(&run, FINE, NULL);
            replay_files_remove();
        }
    }
}

static void test_tcp_messages_split_and_joined(void **unused)
{
    struct call call;
    (void)unused;
    call_create(&call);
    for (int ipv6 = 0; ipv6 < 2; ipv6++) {
        struct capture capture;
        uint32_t sequence = 0xfffffff0U; /* it goes round */
        capture_create(&capture, DLT_EN10MB);
        ADD(&capture, .ipv6 = ipv6 != 0, .tcp = true, .syn = true, .sequence = sequence);
        for (size_t at = 0; at < call.all.length; at += 100)
            ADD(&capture, .ipv6 = ipv6 != 0, .tcp = true, .sequence = sequence + 1 + (uint32_t)at,
                .payload = part(call.all, at, at + 100));
        struct replay_run run = capture_run(&capture);
        assert_run(&run, FINE, NULL);
        replay_files_remove();
    }
}

static void test_tcp_segments_out_of_order_and_repeated(void **unused)
{
    static const int order[] = {0, 2, 1, 1, 4, 3, 2, 0};
    struct call call;
    struct capture capture;
    (void)unused;
    call_create(&call);
    capture_create(&capture, DLT_RAW);
    ADD(&capture, .tcp = true, .syn = true, .sequence = 1000);
    size_t size = call.all.length / 5 + 1;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        size_t from = (size_t)order[i] * size;
        /* A repeated segment may hold more than it did at first. */
        ADD(&capture, .tcp = true, .sequence = 1001 + (uint32_t)from, .payload = part(call.all, from, from + size + i));
    }
    struct replay_run run = capture_run(&capture);
    assert_run(&run, FINE, NULL);
}

static void test_a_capture_that_began_in_a_connection(void **unused)
{
    struct call call;
    struct capture capture;
    (void)unused;
    call_create(&call);
    capture_create(&capture, DLT_EN10MB);
    ADD(&capture, .tcp = true, .sequence = 7, .payload = TEXT("tail of a body\r\n"));
    ADD(&capture, .tcp = true, .sequence = 23, .payload = call.all);
    ADD(&capture, .tcp = true, .sequence = 23 + (uint32_t)call.all.length, .payload = TEXT("\r\n\r\n"));
    struct replay_run run = capture_run(&capture);
    assert_run(&run, FINE, NULL);
}

/* With a SYN, or without where its numbers are far from those before. */
static void test_ports_that_are_used_again(void **unused)
{
    struct call call;
    struct capture capture;
    (void)unused;
    call_create(&call);
    capture_create(&capture, DLT_EN10MB);
    ADD(&capture, .tcp = true, .syn = true, .sequence = 0x40000000);
    ADD(&capture, .tcp = true, .sequence = 0x40000001, .payload = call.invite);
    ADD(&capture, .tcp = true, .syn = true, .sequence = 0x30000000);
    ADD(&capture, .tcp = true, .sequence = 0x30000001, .payload = call.busy);
    ADD(&capture, .tcp = true, .sequence = 0x20000001, .payload = call.busy);
    struct replay_run run = capture_run(&capture);
    assert_run(&run, "3 messages, 2 responses, 1 retransmitted response\n", NULL);
}

static void test_missing_bytes_are_told_and_passed_over(void **unused)
{
    struct call call;
    struct capture capture;
    (void)unused;
    call_create(&call);
    capture_create(&capture, DLT_EN10MB);
    ADD(&capture, .tcp = true, .syn = true, .sequence = 0);
    ADD(&capture, .tcp = true, .sequence = 1, .payload = part(call.invite, 0, 50));
    ADD(&capture, .tcp = true, .sequence = 2000, .payload = call.all);
    ADD(&capture, .tcp = true, .sequence = 2000 + (uint32_t)call.all.length, .payload = part(call.busy, 0, 60),
        .fin = true);
    struct replay_run run = capture_run(&capture);
    assert_run(&run, "1 response, 2 gaps in TCP streams\n", "bytes of the TCP stream are missing");
}

static void test_a_stream_that_ends_in_a_message(void **unused)
{
    struct call call;
    (void)unused;
    call_create(&call);
    for (int end = 0; end < 3; end++) {
        struct capture capture;
        capture_create(&capture, DLT_EN10MB);
        ADD(&capture, .tcp = true, .syn = true, .sequence = 0);
        ADD(&capture, .tcp = true, .sequence = 1, .payload = part(call.all, 0, call.all.length - 10));
        if (end > 0)
            ADD(&capture, .tcp = true, .sequence = (uint32_t)call.all.length - 9, .fin = end == 1, .rst = end == 2);
        struct replay_run run = capture_run(&capture);
        assert_run(&run, "1 message, 0 responses, 1 gap in TCP streams\n", "ends in the middle of a message");
        replay_files_remove();
    }
}

static void test_other_protocols_are_left_alone(void **unused)
{
    struct call call;
    struct capture capture;
    (void)unused;
    call_create(&call);
    capture_create(&capture, DLT_EN10MB);
    ADD(&capture, .tcp = true, .syn = true, .sequence = 0);
    ADD(&capture, .tcp = true, .sequence = 1, .payload = TEXT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    ADD(&capture, .back = true, .payload = TEXT("\x00\x01\x00\x00\x21\x12\xa4\x42"));
    ADD(&capture, .back = true, .payload = TEXT("\r\n\r\n"));
    ADD(&capture, .payload = call.invite);
    ADD(&capture, .payload = call.busy);
    struct replay_run run = capture_run(&capture);
    assert_run(&run, "2 messages, 1 response, 3 packets without SIP\n", NULL);
}

static void test_fragments_are_told(void **unused)
{
    struct call call;
    struct capture capture;
    (void)unused;
    call_create(&call);
    capture_create(&capture, DLT_EN10MB);
    ADD(&capture, .payload = call.invite, .fragment = 0x2000);
    ADD(&capture, .payload = call.busy, .fragment = 0x0010);
    struct replay_run run = capture_run(&capture);
    assert_run(&run, "0 messages, 0 responses, 2 IP fragments\n", "packet 2: a fragment of an IP datagram");
}

static void test_packets_cut_by_the_capture_are_told(void **unused)
{
    struct call call;
    struct capture capture;
    (void)unused;
    call_create(&call);
    capture_create(&capture, DLT_EN10MB);
    capture.cut = 96;
    ADD(&capture, .payload = call.invite);
    struct replay_run run = capture_run(&capture);
    assert_run(&run, "0 messages, 0 responses, 1 packet cut short\n", "kept only the beginning");
}

static void test_a_truncated_capture_is_told(void **unused)
{
    struct call call;
    struct capture capture;
    (void)unused;
    call_create(&call);
    capture_create(&capture, DLT_EN10MB);
    ADD(&capture, .payload = call.invite);
    ADD(&capture, .payload = call.busy);
    ADD(&capture, .payload = call.busy);
    pcap_dump_flush(capture.dumper);
    fflush(capture.file);
    struct replay_run run = RUN(replay_file_make("short.pcap", capture.bytes, capture.length - 100));
    pcap_dump_close(capture.dumper);
    pcap_close(capture.pcap);
    free(capture.bytes);
    assert_run(&run, "2 messages, 1 response, 1 broken\n", "packet 3: truncated dump file");
}

static void test_a_link_type_that_is_not_known_is_refused(void **unused)
{
    struct capture capture;
    (void)unused;
    capture_create(&capture, DLT_IEEE802_11);
    struct replay_run run = capture_run(&capture);
    assert_int_equal(run.status, CLI_USAGE);
    assert_non_null(strstr(run.err, "packets of link type IEEE802_11 cannot be read"));
    replay_run_destroy(&run);
}

/* pcapng, as tcpdump and dumpcap write it: a section, an interface of Ethernet, one packet. */
static void test_pcapng(void **unused)
{
    struct call call;
    uint8_t file[4096] = {0};
    (void)unused;
    call_create(&call);
    static const uint32_t start[] = {0x0a0d0d0a, 28, 0x1a2b3c4d,    1, 0xffffffff, 0xffffffff, 28,
                                     1,          20, 101 /* raw */, 0, 20};
    memcpy(file, start, sizeof start);
    const struct packet packet = {.payload = call.busy};
    uint8_t bytes[PACKET_MOST];
    size_t length = put_ip(&packet, 8 + call.busy.length, bytes);
    length += put_transport(&packet, bytes + length);
    memcpy(bytes + length, call.busy.at, call.busy.length);
    length += call.busy.length;
    uint32_t padded = (uint32_t)(length + 3) & ~3U, total = 32 + padded;
    const uint32_t head[] = {6, total, 0, 0x6412d, 0x2a7b1c00, (uint32_t)length, (uint32_t)length};
    memcpy(file + sizeof start, head, sizeof head);
    memcpy(file + sizeof start + sizeof head, bytes, length);
    memcpy(file + sizeof start + sizeof head + padded, &total, 4);
    struct replay_run run = RUN(replay_file_make("new.pcapng", file, sizeof start + sizeof head + padded + 4));
    assert_run(&run, "1 message, 1 response, 1 response without its request\n", NULL);
}

/* Any byte may be wrong: an exit status, no crash. */
static void test_broken_captures_are_survived(void **unused)
{
    struct call call;
    struct capture capture;
    uint32_t seed = 11;
    (void)unused;
    call_create(&call);
    capture_create(&capture, DLT_EN10MB);
    ADD(&capture, .payload = call.invite);
    ADD(&capture, .ipv6 = true, .payload = call.busy);
    ADD(&capture, .tcp = true, .syn = true, .sequence = 0);
    ADD(&capture, .tcp = true, .sequence = 1, .payload = part(call.all, 0, 300));
    ADD(&capture, .tcp = true, .sequence = 301, .payload = part(call.all, 300, 4096));
    pcap_dump_flush(capture.dumper);
    fflush(capture.file);
    char *bytes = malloc(CAPTURE_MOST);
    assert_non_null(bytes);
    for (int i = 0; i < 400; i++) {
        memcpy(bytes, capture.bytes, capture.length);
        size_t length = sip_mutate(bytes + 24, capture.length - 24, CAPTURE_MOST - 24, call.all, &seed);
        struct replay_run run = RUN(replay_file_make("mutated.pcap", bytes, length + 24));
        assert_true(run.status == CLI_OK || run.status == CLI_USAGE);
        replay_run_destroy(&run);
        replay_files_remove();
    }
    free(bytes);
    pcap_dump_close(capture.dumper);
    pcap_close(capture.pcap);
    free(capture.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_udp_over_every_link_layer, remove_files),
        cmocka_unit_test_teardown(test_tcp_messages_split_and_joined, remove_files),
        cmocka_unit_test_teardown(test_tcp_segments_out_of_order_and_repeated, remove_files),
        cmocka_unit_test_teardown(test_a_capture_that_began_in_a_connection, remove_files),
        cmocka_unit_test_teardown(test_ports_that_are_used_again, remove_files),
        cmocka_unit_test_teardown(test_missing_bytes_are_told_and_passed_over, remove_files),
        cmocka_unit_test_teardown(test_a_stream_that_ends_in_a_message, remove_files),
        cmocka_unit_test_teardown(test_other_protocols_are_left_alone, remove_files),
        cmocka_unit_test_teardown(test_fragments_are_told, remove_files),
        cmocka_unit_test_teardown(test_packets_cut_by_the_capture_are_told, remove_files),
        cmocka_unit_test_teardown(test_a_truncated_capture_is_told, remove_files),
        cmocka_unit_test_teardown(test_a_link_type_that_is_not_known_is_refused, remove_files),
        cmocka_unit_test_teardown(test_pcapng, remove_files),
        cmocka_unit_test_teardown(test_broken_captures_are_survived, remove_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
