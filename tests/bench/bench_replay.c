// SPDX-License-Identifier: BSD-2-Clause
#include <time.h>

#include "base/plain_host.h"
#include "cli/replay/replay.h"
#include "sip/message.h"
#include "test.h"

/* Messages of many calls through a proxy, in memory: replayed, line by line to where nothing is kept, against reading
   the same messages and freeing them. One line: figure, value, baseline, ratio, target of the ratio, reached or missed.
 */

enum { CALLS = 2000, MESSAGES = 6, MESSAGE_MOST = 1024, ROUNDS = 15 };

static const char *const starts[MESSAGES] = {
    "INVITE sip:bob@192.0.2.4 SIP/2.0", "SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK",
    "BYE sip:bob@192.0.2.4 SIP/2.0",    "SIP/2.0 200 OK"};

struct corpus {
    char *bytes;
    struct text *messages;
    size_t count;
};

static size_t write_message(char *out, int call, int message)
{
    bool bye = message >= 4;
    int length = snprintf(out, MESSAGE_MOST,
                          "%s\r\n"
                          "Via: SIP/2.0/UDP server10.example.com:5060;branch=z9hG4bK4b43c2ff%d.%d;rport\r\n"
                          "Via: SIP/2.0/UDP pc33.example.com;branch=z9hG4bK77ef4c23%d.%d;received=192.0.2.2\r\n"
                          "Max-Forwards: 69\r\n"
                          "To: Bob <sip:bob@example.com>%s\r\n"
                          "From: Alice <sip:alice@example.org>;tag=1928301774\r\n"
                          "Call-ID: a84b4c76e66710-%d@pc33.example.com\r\n"
                          "CSeq: %d %s\r\n"
                          "Contact: <sip:bob@192.0.2.4>\r\n"
                          "User-Agent: example/1.0\r\n"
                          "Content-Length: 0\r\n"
                          "\r\n",
                          starts[message], call, bye, call, bye, bye || message > 1 ? ";tag=a6c85cf" : "", call,
                          bye ? 314160 : 314159, bye ? "BYE" : "INVITE");
    return (size_t)length;
}

static void corpus_create(struct corpus *corpus)
{
    corpus->count = (size_t)CALLS * MESSAGES;
    corpus->bytes = malloc(corpus->count * MESSAGE_MOST);
    corpus->messages = malloc(corpus->count * sizeof *corpus->messages);
    if (corpus->bytes == NULL || corpus->messages == NULL)
        abort();
    for (size_t i = 0; i < corpus->count; i++) {
        char *at = corpus->bytes + i * MESSAGE_MOST;
        corpus->messages[i] = (struct text){at, write_message(at, (int)(i / MESSAGES), (int)(i % MESSAGES))};
    }
}

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static double parse(const struct corpus *corpus)
{
    const struct host host = plain_host();
    double start = now_ns();
    for (size_t i = 0; i < corpus->count; i++) {
        struct sip_message *message;
        struct sip_fault fault;
        if (sip_message_new(&message, &host, corpus->messages[i].at, corpus->messages[i].length, NULL, &fault) != 0)
            abort();
        sip_message_delete(message);
    }
    return (now_ns() - start) / (double)corpus->count;
}

static double replay(const struct corpus *corpus, struct cli *cli, bool json)
{
    struct replay *replay;
    const struct replay_config config = {.cli = cli, .json = json};
    if (replay_new(&replay, &config) != CLI_OK)
        abort();
    double start = now_ns();
    for (size_t i = 0; i < corpus->count; i++) {
        const struct replay_message message = {.bytes = corpus->messages[i],
                                               .time_us = 1763816400000000 + (int64_t)i * 1000};
        replay_message(replay, &message);
    }
    double each = (now_ns() - start) / (double)corpus->count;
    replay_finish(replay);
    if (replay_counts(replay)->responses != (uint64_t)CALLS * 4 || replay_counts(replay)->strays != 0)
        abort();
    replay_delete(replay);
    return each;
}

/* In turns, so that both see the machine in the same moods; in CPU time, so that nobody else counts. */
static void measure(const char *figure, const struct corpus *corpus, struct cli *cli, bool json)
{
    const double target = 0.9;
    double parsed = 1e18, replayed = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double each = parse(corpus);
        parsed = each < parsed ? each : parsed;
        each = replay(corpus, cli, json);
        replayed = each < replayed ? each : replayed;
    }
    printf("%s\t%.0f/s\t%.0f/s\t%.2f\t%.2f\t%s\n", figure, 1e9 / replayed, 1e9 / parsed, parsed / replayed, target,
           parsed / replayed >= target ? "reached" : "missed");
}

int main(void)
{
    struct corpus corpus;
    struct cli cli = {.in = stdin, .out = fopen("/dev/null", "w"), .err = stderr};
    if (cli.out == NULL)
        abort();
    corpus_create(&corpus);
    measure("replay of messages in memory, to reading them alone", &corpus, &cli, false);
    measure("replay of messages in memory as JSON, to reading them alone", &corpus, &cli, true);
    fclose(cli.out);
    free(corpus.bytes);
    free(corpus.messages);
    return 0;
}
