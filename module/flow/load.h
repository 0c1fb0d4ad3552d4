// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_FLOW_LOAD_H
#define REFLOW_FLOW_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/host.h"
#include "core/text.h"

/*
 * Counts the client transactions and bytes that requests cause a proxy to send: for each request from outside, for each
 * source, and in total. A request that returns through the proxy itself, or that reaches it in two ways, counts as the
 * same request. It is recognised by Call-ID, From tag, CSeq and method, which only the parties of the call know. So
 * targets in parallel, in sequence, after a failed flow and after a redirection are counted together, in whatever loop
 * they are.
 *
 * Every function takes the host's lock, if the host has one.
 */

struct load_table;
struct load; /* the load of one request from outside */

/* Limits for one request, which do not depend on the configurable limits below. */
enum { LOAD_TRANSACTIONS_MOST = 60, LOAD_BYTES_MOST = 1000000 };

/* Client transactions without a final response, and the bytes of their requests. 0: no limit. */
struct load_limits {
    uint32_t transactions, source_transactions;
    uint32_t bytes, source_bytes;
};

/* 0 or -ENOMEM. The host must outlive the table. */
int load_table_new(struct load_table **out, const struct host *host, const struct load_limits *limits);
void load_table_delete(struct load_table *table); /* table may be NULL; no request may be left */

struct load_request {
    struct text call_id, from_tag, method;
    uint32_t cseq;
    uint64_t source; /* the source that is charged; 0: limits per source do not apply */
};

/* Finds or creates the load of a request. If the request is known, the load keeps the source of the first one. Each
   load_enter() and load_hold() must be followed by a load_leave(). Returns 0 or -ENOMEM. */
int load_enter(struct load_table *table, const struct load_request *request, struct load **out);
/* Returns whether the request is known, and sets *source to what is charged for it; 0: nothing. */
bool load_find(struct load_table *table, const struct load_request *request, uint64_t *source);
void load_hold(struct load *load);
void load_leave(struct load *load); /* NULL is fine */

/* Records that the request is routed for this AOR, with the topmost branch parameter that it arrived with (RFC
   5393). Returns false if it was routed for the AOR before with another branch parameter, if it was routed for more
   AORs than the limit, or without memory. For a host that cannot detect loops by its own branch parameters. */
bool load_visit(struct load *load, struct text aor, struct text branch);

enum load_refusal {
    LOAD_FINE,
    LOAD_OF_REQUEST, /* the request has reached the limit of one request */
    LOAD_OF_SOURCE,
    LOAD_IN_TOTAL,
};

/* Checks whether the request may start one more client transaction, or one of this many bytes. */
enum load_refusal load_check(const struct load *load, size_t bytes);

/* Counts one more client transaction in flight. Call load_end() with the same bytes when it has a final response or
   is gone. */
void load_begin(struct load *load, size_t bytes);
void load_end(struct load *load, size_t bytes);

/* Counts other bytes: retransmissions, CANCEL. Returns false and counts nothing if the request would exceed its
   limit. */
bool load_send(struct load *load, size_t bytes);

struct load_counts {
    size_t requests, sources; /* currently known */
    uint32_t transactions;    /* in flight */
    uint64_t bytes;
};
struct load_counts load_count(const struct load_table *table);

#endif
