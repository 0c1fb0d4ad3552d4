// SPDX-License-Identifier: BSD-2-Clause
#include "transaction_bench.h"

static void on_response(void *user, struct client_transaction *transaction, struct sip_message **response)
{
    struct bench *bench = user;
    (void)transaction;
    bench->responses++;
    bench->last_status = sip_status(*response);
    if (!bench->keep_next)
        return;
    sip_message_delete(bench->kept);
    bench->kept = *response;
    *response = NULL;
}

static void on_timeout(void *user, struct client_transaction *transaction)
{
    (void)transaction;
    ((struct bench *)user)->timeouts++;
}

static void on_failed(void *user, struct client_transaction *transaction, bool down)
{
    struct bench *bench = user;
    (void)transaction;
    bench->failures += !down;
    bench->downs += down;
}

static void on_ended(void *user, struct client_transaction *transaction)
{
    (void)transaction;
    ((struct bench *)user)->ended++;
}

static void on_server_ended(void *user, struct server_transaction *transaction)
{
    (void)transaction;
    ((struct bench *)user)->server_ended++;
}

static const struct client_events client_events = {
    .response = on_response, .timeout = on_timeout, .failed = on_failed, .ended = on_ended};
static const struct server_events server_events = {.ended = on_server_ended};

int bench_setup(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    fake_host_create(&bench->fake);
    fake_wire_create(&bench->wire, &bench->fake);
    timers_create(&bench->timers, &bench->fake.host);
    const struct transactions_config config = {.host = &bench->fake.host,
                                               .timers = &bench->timers,
                                               .wire = &bench->wire.wire,
                                               .client = &client_events,
                                               .server = &server_events};
    *state = bench;
    bench_mark(bench);
    return transactions_new(&bench->transactions, &config);
}

int bench_teardown(void **state)
{
    struct bench *bench = *state;
    transactions_delete(bench->transactions);
    timers_destroy(&bench->timers);
    sip_message_delete(bench->kept);
    fake_wire_destroy(&bench->wire);
    size_t left = bench->fake.allocated;
    free(bench);
    return left == 0 ? 0 : -1;
}

struct sip_message *bench_message(struct bench *bench, const char *lines)
{
    char bytes[4096];
    size_t length = 0;
    struct sip_fault fault = {0};
    struct sip_message *message = NULL;
    for (; *lines != '\0' && length < sizeof bytes - 2; lines++) {
        if (*lines == '\n')
            bytes[length++] = '\r';
        bytes[length++] = *lines;
    }
    if (sip_message_new(&message, &bench->fake.host, bytes, length, NULL, &fault) != 0)
        fail_msg("%s", fault.what);
    return message;
}

struct sip_message *bench_request(struct bench *bench, const char *method, const char *branch)
{
    char lines[1024];
    snprintf(lines, sizeof lines,
             "%s sip:bob@127.0.0.1:5080 SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=%s;rport\nMax-Forwards: 70\n"
             "Route: <sip:127.0.0.1:5090;lr>\nFrom: <sip:alice@example.com>;tag=a\nTo: <sip:bob@example.com>\n"
             "Call-ID: call\nCSeq: 7 %s\nContent-Length: 0\n\n",
             method, branch, method);
    return bench_message(bench, lines);
}

struct sip_message *bench_response(struct bench *bench, const char *method, const char *branch, unsigned status)
{
    char lines[1024];
    snprintf(lines, sizeof lines,
             "SIP/2.0 %u Whatever\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=%s\nFrom: <sip:alice@example.com>;tag=a\n"
             "To: <sip:bob@example.com>;tag=b\nCall-ID: call\nCSeq: 7 %s\nContent-Length: 0\n\n",
             status, branch, method);
    return bench_message(bench, lines);
}

void bench_advance(struct bench *bench, uint64_t ms)
{
    uint64_t until = bench->fake.now_ms + ms;
    int64_t next;
    while ((next = timers_next(&bench->timers)) >= 0 && bench->fake.now_ms + (uint64_t)next <= until) {
        fake_host_advance(&bench->fake, (uint64_t)next);
        timers_run(&bench->timers);
    }
    fake_host_advance(&bench->fake, until - bench->fake.now_ms);
}

void bench_mark(struct bench *bench)
{
    bench->started_ms = bench->fake.now_ms;
}

void bench_instants(struct bench *bench, const char *start, char *out, size_t size)
{
    size_t length = 0;
    const struct sent *sent;
    out[0] = '\0';
    while ((sent = fake_wire_take(&bench->wire)) != NULL) {
        if (!sent_starts(sent, start))
            fail_msg("wanted %s, but sent was %s", start, sent->bytes);
        length += (size_t)snprintf(out + length, size - length, "%s%llu", length > 0 ? " " : "",
                                   (unsigned long long)(sent->at_ms - bench->started_ms));
        assert_true(length < size);
    }
}
