// SPDX-License-Identifier: BSD-2-Clause
#include <time.h>

#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>

#include "sip/message.h"
#include "test.h"

/* One line a figure: figure, value, baseline, ratio, target of the ratio, reached or missed. */

enum { ROUNDS = 9, RUNS = 20000 };

static const char RESPONSE[] =
    "SIP/2.0 200 OK\r\n"
    "Via: SIP/2.0/UDP server10.example.com:5060;branch=z9hG4bK4b43c2ff8.1;received=192.0.2.3\r\n"
    "Via: SIP/2.0/UDP pc33.example.com;branch=z9hG4bK77ef4c2312983.1;received=192.0.2.2\r\n"
    "To: Bob <sip:bob@example.com>;tag=a6c85cf\r\n"
    "From: Alice <sip:alice@example.org>;tag=1928301774\r\n"
    "Call-ID: a84b4c76e66710@pc33.example.com\r\n"
    "CSeq: 314159 INVITE\r\n"
    "Contact: <sip:bob@192.0.2.4>\r\n"
    "Server: example/1.0\r\n"
    "Content-Type: application/sdp\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

static const char REQUEST[] = "INVITE sip:bob@example.com SIP/2.0\r\n"
                              "Via: SIP/2.0/UDP pc33.example.com:5060;branch=z9hG4bK776asdhds;rport\r\n"
                              "Max-Forwards: 70\r\n"
                              "To: Bob <sip:bob@example.com>\r\n"
                              "From: Alice <sip:alice@example.org>;tag=1928301774\r\n"
                              "Call-ID: a84b4c76e66710@pc33.example.com\r\n"
                              "CSeq: 314159 INVITE\r\n"
                              "Contact: <sip:alice@pc33.example.com>\r\n"
                              "Supported: outbound, path\r\n"
                              "Content-Length: 0\r\n"
                              "\r\n";

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* What every message is asked for; a sum, so that nothing is optimised away. */
static size_t read_ours(const struct host *host, const char *bytes, size_t length)
{
    struct sip_message *message;
    struct sip_fault fault;
    if (sip_message_new(&message, host, bytes, length, NULL, &fault) != 0)
        abort();
    size_t sum = sip_top_via(message)->branch.length + sip_from_tag(message).length + sip_to_tag(message).length +
                 sip_cseq(message);
    sip_message_delete(message);
    return sum;
}

static size_t read_theirs(const struct host *host, const char *bytes, size_t length)
{
    osip_message_t *message;
    (void)host;
    if (osip_message_init(&message) != 0 || osip_message_parse(message, bytes, length) != 0)
        abort();
    osip_generic_param_t *from = NULL;
    osip_from_get_tag(message->from, &from);
    size_t sum = strlen(from->gvalue) + strlen(message->cseq->number);
    osip_message_free(message);
    return sum;
}

static double best_of(size_t (*read)(const struct host *, const char *, size_t), const struct host *host,
                      const char *bytes, size_t length)
{
    double best = 1e18;
    size_t sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int run = 0; run < RUNS; run++)
            sum += read(host, bytes, length);
        double each = (now_ns() - start) / RUNS;
        best = each < best ? each : best;
    }
    if (sum == 0)
        abort();
    return best;
}

static void print(const char *figure, double value, double baseline, double target)
{
    printf("%s\t%.0f ns\t%.0f ns\t%.2f\t%.2f\t%s\n", figure, value, baseline, value / baseline, target,
           value / baseline <= target ? "reached" : "missed");
}

int main(void)
{
    struct fake_host fake;
    fake_host_create(&fake);
    parser_init();
    print("message: response of ten header fields read, against osip_message_parse",
          best_of(read_ours, &fake.host, RESPONSE, sizeof RESPONSE - 1),
          best_of(read_theirs, &fake.host, RESPONSE, sizeof RESPONSE - 1), 0.45);
    print("message: request of nine header fields read, against osip_message_parse",
          best_of(read_ours, &fake.host, REQUEST, sizeof REQUEST - 1),
          best_of(read_theirs, &fake.host, REQUEST, sizeof REQUEST - 1), 0.45);
    return 0;
}
