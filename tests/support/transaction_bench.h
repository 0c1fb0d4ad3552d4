// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_TRANSACTION_BENCH_H
#define REFLOW_TRANSACTION_BENCH_H

#include "fake_wire.h"

#include "standalone/net/timer.h"
#include "standalone/transaction/transaction.h"

/* The transaction layer alone, on a fake wire and a fake clock; what it tells is counted. */
struct bench {
    struct fake_host fake;
    struct fake_wire wire;
    struct timers timers;
    struct transactions *transactions;
    uint64_t started_ms;
    unsigned responses, timeouts, failures, downs, ended; /* of client transactions */
    unsigned last_status;
    struct sip_message *kept; /* the last response, where keep_next was set */
    bool keep_next;
    unsigned server_ended;
};

int bench_setup(void **state);
int bench_teardown(void **state); /* asserts that every byte was given back */

struct sip_message *bench_message(struct bench *bench, const char *lines); /* \n for CRLF */
/* A request with this branch, and a response to it. */
struct sip_message *bench_request(struct bench *bench, const char *method, const char *branch);
struct sip_message *bench_response(struct bench *bench, const char *method, const char *branch, unsigned status);

void bench_advance(struct bench *bench, uint64_t ms); /* from timer to timer */

/* What was sent since the last call, as milliseconds since bench_mark(): "0 500 1500"; all must start so. */
void bench_mark(struct bench *bench);
void bench_instants(struct bench *bench, const char *start, char *out, size_t size);

#endif
