// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_TRANSACTION_H
#define REFLOW_STANDALONE_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/message.h"
#include "sip/rewrite.h"
#include "standalone/transaction/amplification.h"
#include "standalone/transaction/holdings.h"
#include "standalone/net/peer.h"
#include "standalone/net/timer.h"
#include "standalone/net/wire.h"

/*
 * RFC 3261 section 17 as RFC 6026 mends it: server and client transactions, found by hash, on timers that tests can
 * move. libosip2's machines end INVITE transactions at a 2xx (before RFC 6026), keep all transactions in lists that are
 * walked for every lookup and timer, and read the clock themselves: they do not fit.
 */

struct timer_values {
    uint32_t t1, t2, t4; /* ms; 0: 500, 4000, 5000 */
};

struct load; /* flow/load.h */
struct transactions;
struct server_transaction;
struct client_transaction;

enum transaction_state {
    TRANSACTION_TRYING,     /* nothing sent back (server), nothing received (client: calling, trying) */
    TRANSACTION_PROCEEDING, /* a provisional was sent or received */
    TRANSACTION_ACCEPTED,   /* a 2xx to INVITE (RFC 6026) */
    TRANSACTION_COMPLETED,  /* a final response */
    TRANSACTION_CONFIRMED   /* server: the ACK came */
};

/* What happens to a client transaction. It may be told nothing more after `ended`, and is freed after that. */
struct client_events {
    /* A response: provisional, final, or a further 2xx to INVITE. Set *response to NULL to keep it. */
    void (*response)(void *user, struct client_transaction *transaction, struct sip_message **response);
    /* Timer B or F: no final response came (no response at all, for INVITE). The transaction has ended. */
    void (*timeout)(void *user, struct client_transaction *transaction);
    /* It could not be sent, or its flow died and it waits without one (`down`). It still lives until ended. */
    void (*failed)(void *user, struct client_transaction *transaction, bool down);
    void (*ended)(void *user, struct client_transaction *transaction);
    /* A response came from a place to which the request did not go: has who was asked moved there? NULL: never. */
    bool (*has_moved)(void *user, const struct peer *source);
};

struct server_events {
    /* May this response be sent? Asked once for each, before it is first sent; if not, the transaction goes on as if
       the response had been lost. `context` is that of the configuration. NULL: all may be sent. */
    bool (*may_respond)(void *context, const struct server_transaction *transaction, uint32_t status);
    void (*ended)(void *user, struct server_transaction *transaction);
};

struct transactions_config {
    const struct host *host;
    struct timers *timers;
    const struct wire *wire;
    struct amplification *amplification; /* NULL: what is sent is not limited */
    struct timer_values values;
    const struct client_events *client;
    const struct server_events *server;
    void *context; /* of server->may_respond */
};

int transactions_new(struct transactions **out, const struct transactions_config *config);
/* Frees every transaction, telling `ended` for each. NULL is fine. */
void transactions_delete(struct transactions *transactions);

size_t transactions_servers(const struct transactions *transactions);
size_t transactions_clients(const struct transactions *transactions);
/* Those that still wait for a final response (server side): what a drain waits for. */
size_t transactions_unanswered(const struct transactions *transactions);

/* --- server side --- */

/* The transaction that a request belongs to (17.2.3): a retransmission's, or for ACK its INVITE's. `method` is the
   request's own, or METHOD_INVITE to find what a CANCEL cancels. */
struct server_transaction *server_transaction_find(struct transactions *transactions, const struct sip_message *request,
                                                   enum method method);

/* Takes the request over on success. */
int server_transaction_new(struct transactions *transactions, struct sip_message *request, const struct peer *source,
                           struct server_transaction **out);

/* What the transaction keeps, its response to come among it, counts as held by this source until it ends. Call it once,
   right after server_transaction_new(). */
void server_transaction_charge(struct server_transaction *transaction, struct holdings *holdings, source_id source);
/* The bytes that a transaction for a request of this length is charged with before it is answered. */
size_t server_transaction_cost(size_t request);

/* A retransmission or an ACK has come: answer or absorb it. */
void server_transaction_again(struct server_transaction *transaction, const struct sip_message *request);

/* Send a response (its bytes, with status) and change state by it. Further 2xx to an INVITE are sent; any other second
   final is not. Returns what wire.send returned, or -EALREADY. Empty bytes, where there was no memory to write them,
   are not sent (-ENOMEM): the transaction goes on and ends as if they had been lost. So does one whose response must
   not be sent (struct server_events). */
int server_transaction_respond(struct server_transaction *transaction, uint32_t status, struct text bytes);

/* It ends soon without a response: dropped by policy, or a 408 that must not be sent (4320-4.a). */
void server_transaction_abandon(struct server_transaction *transaction);

/* Where a response goes (RFC 3261 18.2.2, RFC 3581). */
struct peer server_response_peer(const struct sip_message *request, const struct peer *source);

const struct sip_message *server_transaction_request(const struct server_transaction *transaction);
const struct peer *server_transaction_source(const struct server_transaction *transaction);
/* Of all that is sent because of the request; the transaction is one of its holders. */
struct cause *server_transaction_cause(const struct server_transaction *transaction);
bool server_transaction_is_accepted(const struct server_transaction *transaction); /* a 2xx to INVITE went out */
void server_transaction_set_user(struct server_transaction *transaction, void *user);
void *server_transaction_user(const struct server_transaction *transaction);

/* --- client side --- */

/* What the branch parameter of a request carries that is sent on. */
struct branch_id {
    uint64_t secret; /* unpredictable: only somebody who has seen the request can answer it (3261-17.1.3.a) */
    uint32_t digest; /* for the loop check */
};

/* Draws the secret from the host's random numbers. */
struct branch_id branch_draw(const struct transactions *transactions, uint32_t digest);

/* "z9hG4bKr", secret and digest, always in 33 characters: a branch has one way to be written. Returns the length, or 0
   if they and a NUL do not fit. */
size_t branch_write(struct branch_id id, char *out, size_t size);
/* False where the branch is not of ours. */
bool branch_read(struct text branch, struct branch_id *id);

/*
 * Send a request whose topmost Via carries branch_write(id). Bytes are copied. When sending fails, `failed` is told
 * before this returns 0: the caller must have set up `user`. -ENOMEM: nothing was sent. The cause, which is held, is
 * charged with all that the transaction sends; NULL: nothing limits that.
 */
int client_transaction_new(struct transactions *transactions, struct branch_id id, enum method method,
                           const struct peer *peer, struct cause *cause, struct text bytes, void *user,
                           struct client_transaction **out);

enum response_match {
    RESPONSE_UNKNOWN,    /* no transaction has its branch and method */
    RESPONSE_FOREIGN,    /* one has, but this source is not where its request went */
    RESPONSE_MATCHED,    /* it came from where the request went */
    RESPONSE_OTHER_PORT, /* from the same host by another port or connection, or from where who was asked has moved */
};

/*
 * The transaction of a response (17.1.3): the whole branch and the method of the CSeq are the request's, and the source
 * is where it went (3261-17.1.3.a). Over UDP that is the address; a NAT may have changed the port. Over a stream it is
 * the connection, or another one from the same host by the same transport (18.2.2). After
 * client_transaction_move() both places are good; it happens here if client_events.has_moved says so. NULL unless it is
 * RESPONSE_MATCHED or RESPONSE_OTHER_PORT.
 */
struct client_transaction *client_transaction_find(struct transactions *transactions,
                                                   const struct sip_message *response, const struct peer *source,
                                                   enum response_match *match);

/* What happens to it is told to these instead of transactions_config.client. */
void client_transaction_listen(struct client_transaction *transaction, const struct client_events *events);

/* 5626-7.j: the flow of a request over UDP that waits for a final response, whose branch the bytes hold that an ICMP
   error has quoted of a datagram to `peer`; 0: there is none. */
flow_id transactions_quoted_flow(const struct transactions *transactions, const struct peer *peer, struct text quoted);

/* A response has come for it: retransmissions are absorbed and acknowledged, the rest is told. */
void client_transaction_received(struct client_transaction *transaction, struct sip_message **response);

/* Cancel an INVITE: at once where a provisional came, else as soon as one does (rule 3261-9.a). */
void client_transaction_cancel(struct client_transaction *transaction);

/* Nobody waits for it any more, as its flow is dead, say: without a final response it ends 64*T1 from now at the
   latest. Until then a 2xx is told. */
void client_transaction_give_up(struct client_transaction *transaction);

/* Later messages of it (ACK, CANCEL) go there: its flow died and another of the instance lives, by which it may also
   answer. */
void client_transaction_move(struct client_transaction *transaction, const struct peer *peer);

/* What the transaction sends counts as the load of a request, from now until it has a final response; it holds the
   load while it lives, and so does its CANCEL. Call it once, right after client_transaction_new(). */
void client_transaction_charge(struct client_transaction *transaction, struct load *load);

/* A flow died: tell `failed` (down) to every client transaction on it that has no final response. */
void transactions_flow_down(struct transactions *transactions, flow_id flow);

#endif
