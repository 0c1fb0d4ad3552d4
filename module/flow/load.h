// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_LOAD_H
#define REFLOW_FLOW_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/text.h"

/*
 * What requests make a proxy send: how many client transactions and bytes, for each request from outside, for each
 * source and in total. A request that comes back through the proxy itself, or reaches it by two ways, is the request
 * that it was: it is known by Call-ID, From tag, CSeq and method, which only the parties of the call know. So targets
 * in parallel, in sequence, after a failed flow and after a redirection are counted together, whatever loop they are
 * in.
 *
 * Every function takes the host's lock where it has one.
 */

struct load_table;
struct load; /* of one request from outside */

/* For one request, whatever the limits below. */
enum { LOAD_TRANSACTIONS_MOST = 60, LOAD_BYTES_MOST = 1000000 };

/* Client transactions without a final response, and the bytes of their requests. 0: no limit. */
struct load_limits {
    uint32_t transactions, source_transactions;
    uint32_t bytes, source_bytes;
};

/* 0 or -ENOMEM. The host must outlive the table. */
int load_table_new(struct load_table **out, const struct host *host, const struct load_limits *limits);
void load_table_delete(struct load_table *table); /* NULL is fine; no request may be left */

struct load_request {
    struct text call_id, from_tag, method;
    uint32_t cseq;
    uint64_t source; /* whom it is charged to; 0: limits per source do not hold for it */
};

/* The load of a request, found or begun; a request that is known keeps the source of the first. Each load_enter() and
   load_hold() ends with a load_leave(). 0 or -ENOMEM. */
int load_enter(struct load_table *table, const struct load_request *request, struct load **out);
void load_hold(struct load *load);
void load_leave(struct load *load); /* NULL is fine */

/* RFC 5393: notes that the request is being routed for this AOR, as it came with that topmost branch parameter. False:
   it was routed for it before, with another branch parameter, or for more AORs than calls are forwarded to, or there is
   no memory. For a host whose own branch parameters cannot tell. */
bool load_visit(struct load *load, struct text aor, struct text branch);

enum load_refusal {
    LOAD_FINE,
    LOAD_OF_REQUEST, /* it has made as much as one request may */
    LOAD_OF_SOURCE,
    LOAD_IN_TOTAL,
};

/* Whether the request may make one more client transaction, or a transaction of so many bytes. */
enum load_refusal load_check(const struct load *load, size_t bytes);

/* One more client transaction is in flight; load_end() with the same bytes when it has a final response or is gone. */
void load_begin(struct load *load, size_t bytes);
void load_end(struct load *load, size_t bytes);

/* Bytes that are sent beside: retransmissions, CANCEL. False: more than one request may send, nothing is counted. */
bool load_send(struct load *load, size_t bytes);

/* Would a new request of this source be refused for what is in flight already? */
enum load_refusal load_check_source(const struct load_table *table, uint64_t source);

struct load_counts {
    size_t requests, sources; /* that are known now */
    uint32_t transactions;    /* in flight */
    uint64_t bytes;
};
struct load_counts load_count(const struct load_table *table);

#endif
