// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_TRANSACTION_PRIVATE_H
#define REFLOW_STANDALONE_TRANSACTION_PRIVATE_H

#include "base/memory.h"
#include "base/table.h"
#include "core/code.h"
#include "flow/load.h"
#include "standalone/transaction/transaction.h"

struct transactions {
    struct transactions_config config;
    struct hash_key key;
    struct table servers; /* by digest of branch and sent-by */
    struct table clients; /* by the secret of the branch */
    struct table waiting; /* clients without a final response, by flow */
    size_t unanswered;
};

/* By which requests find their transaction (RFC 3261 17.2.3). Those of old clients, without the magic cookie, have no
   branch here; the others have neither Call-ID, CSeq nor From tag. */
struct request_key {
    struct text host, branch, call_id, from_tag, method;
    uint32_t port, cseq;
    uint8_t method_id; /* enum method */
};

struct server_transaction {
    struct table_link link;
    struct transactions *owner;
    struct sip_message *request; /* NULL: given up */
    struct request_key key;      /* its texts are in the request, or in `kept` */
    struct text kept;
    size_t cost; /* what holdings count for the request */
    struct peer source;
    struct peer back; /* where responses are sent */
    uint8_t state;    /* enum transaction_state */
    bool invite;
    bool reopened;     /* server_events.reopen was called */
    uint32_t interval; /* ms until the next retransmission of a final response (timer G) */
    struct text last;  /* the response to repeat */
    struct cause *cause;
    struct timer again; /* G */
    struct timer end;   /* H, I, J, L */
    void *user;
    struct holdings *holdings; /* NULL: its bytes are not counted */
    source_id holder;
};

struct client_transaction {
    struct table_link link;
    struct table_link flow;
    struct transactions *owner;
    struct peer peer;  /* where its messages are sent */
    struct peer first; /* where the request was sent, before a move */
    uint32_t digest;   /* of the branch, in addition to the secret */
    const struct client_events *events;
    struct text sent;         /* as sent */
    struct sip_message *read; /* the same, parsed when ACK or CANCEL is first needed */
    struct cause *cause;      /* NULL: what is sent is not limited */
    struct text ack;          /* sent again for each retransmitted final response */
    uint8_t method;           /* enum method */
    uint8_t state;            /* enum transaction_state */
    bool send_failed;         /* timer `end` reports it */
    bool cancel_wanted, cancelled;
    bool down;           /* its flow died */
    bool late;           /* ... because the connection was not opened in time */
    bool moved;          /* `first` is set */
    bool unacknowledged; /* its connection was aborted before a response came */
    uint32_t interval;   /* ms until the next retransmission (timers A, E) */
    struct timer again;  /* A, E; over a stream, when to look at the acknowledgements */
    struct timer end;    /* B, F, D, K, M */
    struct ack_watch acks;
    void *user;
    struct load *load; /* NULL: its requests are not counted */
    bool in_flight;    /* counted as waiting for a final response */
};

uint32_t transaction_t1(const struct transactions *transactions);
uint32_t transaction_t2(const struct transactions *transactions);
uint32_t transaction_t4(const struct transactions *transactions);
int transaction_send(struct transactions *transactions, struct cause *cause, struct peer *peer, struct text bytes);

void server_transaction_end(struct server_transaction *transaction);
/* The load of the client transaction whose branch the request has, because the request has returned to this server.
   NULL: it has not, or nothing limits it. */
struct cause *client_transaction_cause(const struct transactions *transactions, const struct sip_message *request);
void client_transaction_end(struct client_transaction *transaction);

#endif
