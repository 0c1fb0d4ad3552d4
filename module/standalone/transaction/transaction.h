// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_TRANSACTION_H
#define REFLOW_STANDALONE_TRANSACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/holdings.h"
#include "sip/message.h"
#include "sip/rewrite.h"
#include "standalone/transaction/amplification.h"
#include "standalone/net/peer.h"
#include "standalone/net/source.h"
#include "standalone/net/timer.h"
#include "standalone/net/wire.h"

/*
 * RFC 3261 section 17, updated by RFC 6026: server and client transactions, found by hash, with timers that tests can
 * control. libosip2's state machines cannot be used: they end INVITE transactions at a 2xx (before RFC 6026), keep all
 * transactions in lists that are traversed for every lookup and timer, and read the clock themselves.
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

/* Events of a client transaction. After `ended` there are no further events, and the transaction is freed. */
struct client_events {
    /* A response: provisional, final, or a further 2xx to INVITE. Set *response to NULL to keep it. */
    void (*response)(void *user, struct client_transaction *transaction, struct sip_message **response);
    /* Timer B or F: no final response came (no response at all, for INVITE). The transaction has ended.
       NULL: that does not matter. */
    void (*timeout)(void *user, struct client_transaction *transaction);
    /* It could not be sent, or its flow died while it waits (`down`). It exists until ended. */
    void (*failed)(void *user, struct client_transaction *transaction, bool down);
    void (*ended)(void *user, struct client_transaction *transaction);
    /* A response came from another place than the request was sent to: returns whether the called party has moved
       there. NULL: never. */
    bool (*has_moved)(void *user, const struct peer *source);
    /* The peer of the connection acknowledges nothing (client_transaction_watch_acks()): returns whether the connection
       is to be aborted, after which `failed` is called. Otherwise it is asked again later. */
    bool (*may_abort)(void *user);
};

struct server_events {
    /* Returns whether this response may be sent; called once for each response, before it is first sent. If not, the
       transaction continues as if the response had been lost. `context` is that of the configuration. NULL: all may
       be sent. */
    bool (*may_respond)(void *context, const struct server_transaction *transaction, uint32_t status);
    /* The connection for responses is gone. Returns true and sets *back to another place where they go from now on
       (3261-18.2.2.a), with a connection. NULL: responses are lost. */
    bool (*reopen)(void *context, const struct server_transaction *transaction, struct peer *back);
    /* After reopen(), for each response: it was given to the connection in *back, which may not be open yet (result 0),
       or could not be sent (a negative errno). The bytes are borrowed. NULL: that does not matter. */
    void (*reopened)(void *context, const struct server_transaction *transaction, const struct peer *back, int result,
                     struct text bytes);
    void (*ended)(void *user, struct server_transaction *transaction);
};

struct transactions_config {
    const struct host *host;
    struct timers *timers;
    const struct wire *wire;
    struct amplification *amplification; /* NULL: sending is not limited */
    struct timer_values values;
    bool responses_to_source; /* over UDP also if the request has no rport */
    const struct client_events *client;
    const struct server_events *server;
    void *context; /* of the events of server_events that have one */
};

int transactions_new(struct transactions **out, const struct transactions_config *config);
/* Frees every transaction, with an event `ended` for each. NULL is allowed. */
void transactions_delete(struct transactions *transactions);

size_t transactions_servers(const struct transactions *transactions);
size_t transactions_clients(const struct transactions *transactions);
/* The server transactions that wait for a final response: a drain waits for them. */
size_t transactions_unanswered(const struct transactions *transactions);

/* --- server side --- */

/* The transaction that a request belongs to (17.2.3): a retransmission's, or for ACK its INVITE's. `method` is the
   request's own, or METHOD_INVITE to find what a CANCEL cancels. */
struct server_transaction *server_transaction_find(struct transactions *transactions, const struct sip_message *request,
                                                   enum method method);

/* Takes the request over on success. */
int server_transaction_new(struct transactions *transactions, struct sip_message *request, const struct peer *source,
                           struct server_transaction **out);

/* Counts the bytes that the transaction keeps, including its later response, for this source until it ends. Call it
   once, directly after server_transaction_new(). */
void server_transaction_charge(struct server_transaction *transaction, struct holdings *holdings, source_id source);
/* Where they are counted, and for whom; NULL: nowhere. */
struct holdings *server_transaction_holdings(const struct server_transaction *transaction, source_id *source);
/* The bytes that a transaction for a request of this length is charged with before it is answered. */
size_t server_transaction_cost(size_t request);

/* Handles a retransmission or an ACK: repeats the response or absorbs it. */
void server_transaction_again(struct server_transaction *transaction, const struct sip_message *request);

/* Sends a response (bytes with status) and changes the state. Further 2xx to an INVITE are sent; any other second
   final response is not. Returns the result of wire.send, or -EALREADY. Empty bytes, if there was no memory to write
   the response, are not sent (-ENOMEM): the transaction continues and ends as if they had been lost. The same
   applies if the response must not be sent (struct server_events). */
int server_transaction_respond(struct server_transaction *transaction, uint32_t status, struct text bytes);

/* Ends the transaction soon without a response: the policy has dropped the request, or it would be a 408 that must
   not be sent (4320-4.a). */
void server_transaction_abandon(struct server_transaction *transaction);

/* Frees the request, if it is not needed to repeat the response: that of a transaction over UDP, other than INVITE,
   which has no user and was answered. server_transaction_request() is NULL then. */
void server_transaction_give_up_request(struct server_transaction *transaction);

/* Where a response goes (RFC 3261 18.2.2, RFC 3581). to_source: as transactions_config.responses_to_source. */
struct peer server_response_peer(const struct sip_message *request, const struct peer *source, bool to_source);

const struct sip_message *server_transaction_request(const struct server_transaction *transaction);
const struct peer *server_transaction_source(const struct server_transaction *transaction);
/* The cause of everything that is sent because of the request; the transaction is one of its holders. */
struct cause *server_transaction_cause(const struct server_transaction *transaction);
bool server_transaction_is_accepted(const struct server_transaction *transaction); /* a 2xx to INVITE was sent */
void server_transaction_set_user(struct server_transaction *transaction, void *user);
void *server_transaction_user(const struct server_transaction *transaction);

/* --- client side --- */

/* The content of the branch parameter of a forwarded request. */
struct branch_id {
    uint64_t secret; /* unpredictable: only a receiver of the request can answer it (3261-17.1.3.a) */
    uint32_t digest; /* for the loop check */
};

/* Draws the secret from the host's random source. */
struct branch_id branch_draw(const struct transactions *transactions, uint32_t digest);

/* Writes "z9hG4bKr", secret and digest, always 33 characters: each branch has only one spelling. Returns the length,
   or 0 if it does not fit with a NUL. */
size_t branch_write(struct branch_id id, char *out, size_t size);
/* Returns false if this server did not make the branch. */
bool branch_read(struct text branch, struct branch_id *id);

/*
 * Sends a request whose topmost Via has branch_write(id). Bytes are copied. If sending fails, `failed` is called before
 * this returns 0, so `user` must be complete. -ENOMEM: nothing was sent. The cause is held and charged with everything
 * that the transaction sends; NULL: no limit.
 */
int client_transaction_new(struct transactions *transactions, struct branch_id id, enum method method,
                           const struct peer *peer, struct cause *cause, struct text bytes, void *user,
                           struct client_transaction **out);

/* 5626-7.i: from now until the first response, watches whether the peer of the connection acknowledges what was sent.
   Call it directly after client_transaction_new(), for an INVITE. Does nothing over UDP. */
void client_transaction_watch_acks(struct client_transaction *transaction, uint32_t patience_ms);

/* Whether the request waited for a first response on a connection that was aborted in this way. */
bool client_transaction_is_unacknowledged(const struct client_transaction *transaction);

/* The content of the branch parameter that the request was sent with. */
struct branch_id client_transaction_branch(const struct client_transaction *transaction);

/* `later` was made with the branch of `earlier`, to send the same request over another flow: it also gets responses
   from where `earlier` was sent, which ends here. */
void client_transaction_take_over(struct client_transaction *later, struct client_transaction *earlier);

enum response_match {
    RESPONSE_UNKNOWN,    /* no transaction with its branch and method */
    RESPONSE_FOREIGN,    /* there is one, but the request was not sent to this source */
    RESPONSE_MATCHED,    /* it came from where the request was sent */
    RESPONSE_OTHER_PORT, /* from another port or connection of the same host, or from where the called party has moved
                          */
};

/*
 * Finds the transaction of a response (17.1.3): the whole branch and the method of the CSeq must be those of the
 * request, and the source must be where the request was sent (3261-17.1.3.a). Over UDP that is the address, because a
 * NAT may have changed the port. Over a stream it is the connection, or another one from the same host with the same
 * transport (18.2.2). After client_transaction_move() both places are valid; client_events.has_moved can cause such a
 * move here, and so does a response over another connection after that of the request has died. NULL unless the result
 * is RESPONSE_MATCHED or RESPONSE_OTHER_PORT.
 */
struct client_transaction *client_transaction_find(struct transactions *transactions,
                                                   const struct sip_message *response, const struct peer *source,
                                                   enum response_match *match);

/* The user of the transaction with which this server sent the request to itself; NULL: none is known, or its events go
   to others than transactions_config.client. Whether the request came from an own address is for the caller to check:
   all who received the request know its branch. */
void *client_transaction_user_of(const struct transactions *transactions, const struct sip_message *request);

/* Whether its responses are those to a request that was received: not of a CANCEL or of an own request. */
bool client_transaction_forwards(const struct client_transaction *transaction);

/* Sends the events of this transaction here instead of to transactions_config.client. */
void client_transaction_listen(struct client_transaction *transaction, const struct client_events *events);

/* 5626-7.j: the flow of the UDP request that waits for a final response and whose branch is in the bytes that an
   ICMP error has quoted of a datagram to `peer`; 0: none. */
flow_id transactions_quoted_flow(const struct transactions *transactions, const struct peer *peer, struct text quoted);

/* Handles a response: retransmissions are absorbed and acknowledged, others are reported. */
void client_transaction_received(struct client_transaction *transaction, struct sip_message **response);

/* Cancels an INVITE: at once if a provisional response was received, otherwise after the first one (rule 3261-9.a). */
void client_transaction_cancel(struct client_transaction *transaction);

/* Nobody waits for the transaction any longer, for example because its flow is dead. Without a final response it
   ends after at most 64*T1. Until then a 2xx is reported. */
void client_transaction_give_up(struct client_transaction *transaction);

/* Ends the transaction soon, without any further event: the request goes on in another one. */
void client_transaction_forget(struct client_transaction *transaction);

/* Sends later messages (ACK, CANCEL) to this place: the flow died, and the instance has another one, over which it
   may also answer. */
void client_transaction_move(struct client_transaction *transaction, const struct peer *peer);

/* Where its messages are sent, with the number of a connection that was opened for it. */
const struct peer *client_transaction_peer(const struct client_transaction *transaction);

/* Its flow or connection has died. */
bool client_transaction_is_down(const struct client_transaction *transaction);

/* Counts everything that the transaction sends as the load of a request, from now until the final response. The
   transaction holds the load, and so does its CANCEL. Call it once, directly after client_transaction_new(). */
void client_transaction_charge(struct client_transaction *transaction, struct load *load);

/* Notes for every client transaction on the flow that its connection was not opened in time; to be called before
   transactions_flow_down(). */
void transactions_flow_late(struct transactions *transactions, flow_id flow);
bool client_transaction_is_late(const struct client_transaction *transaction);
/* Bytes of the ACK that it keeps, to repeat it. */
size_t client_transaction_kept_ack(const struct client_transaction *transaction);

/* Reports a dead flow: calls `failed` (down) for every client transaction on it without a final response. */
void transactions_flow_down(struct transactions *transactions, flow_id flow);

#endif
