// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_AMPLIFICATION_H
#define REFLOW_STANDALONE_AMPLIFICATION_H

#include "base/hash.h"
#include "base/table.h"
#include "standalone/net/source.h"
#include "standalone/net/wire.h"

/*
 * Somebody who forges the source of a datagram, or names an address in Contact, Path or Via, could make the server send
 * to somebody who has asked for nothing. Over UDP, therefore, a message and its retransmissions cause at most
 * AMPLIFICATION_MOST times their bytes at addresses that have not proved to be there. This lies between those who send
 * and the wire.
 *
 * An address (with its port) is proved for an hour after an answer that only somebody who receives there can give: a
 * response with our unpredictable branch, or an ACK with our unpredictable To tag. Forged sources do not get in, and a
 * real source (source.h) has at most PROVED_OF_SOURCE places, so that strangers cannot flush the others.
 *
 * A REGISTER has a source that may be forged, too. What its answer leaves of its bytes is the credit of that address:
 * a phone that has not been called yet is called with it, and is proved when it answers. One thread.
 */

enum {
    AMPLIFICATION_MOST = 10,
    PROVED_MOST = 65536,
    PROVED_OF_SOURCE = 1024,
    PROVED_MS = 3600000,
    CREDITS_MOST = 65536,
    CREDIT_MOST = 65536,    /* bytes of one address */
    CREDIT_RESTORED = 4096, /* of the flow of a binding from an earlier life of the process */
    WITHHELD_WINDOW_MS = 60000
};

struct known_address;

/* Addresses in the order of their last use; the oldest goes when there are too many. */
struct address_list {
    struct table table;
    struct known_address *oldest, *newest;
    size_t most;
};

struct amplification {
    const struct host *host;
    const struct wire *wire;
    struct hash_key key;
    struct address_list proved, credits;
    struct table sources; /* how many proved addresses each has */
    /* The server's own addresses, and those that the operator named; NULL: none is. */
    bool (*is_trusted)(const void *context, const union address *address);
    const void *trusted_context;
    uint64_t *withheld;              /* messages, counted for the host */
    uint64_t pending, pending_bytes; /* not logged yet */
    uint64_t next_log_ms;
    union address last; /* to which something was not sent */
};

/* The datagrams that caused what is being sent: what they may still cause at the host that they came from (which may be
   forged), and at all others. */
struct cause {
    unsigned holders;
    union address source;
    size_t granted; /* to the source, in all */
    size_t to_source, to_others;
};

/* In place; `withheld` and is_trusted are the caller's to set then. 0 or -ENOMEM; destroy is fine after both. */
int amplification_create(struct amplification *amplification, const struct host *host, const struct wire *wire);
void amplification_destroy(struct amplification *amplification);

/* Forgets proofs that are too old and logs what was withheld; to be called about once a second. */
void amplification_sweep(struct amplification *amplification);

/* The peer has received what we sent to it. Other transports than UDP have proved that already. */
void amplification_prove(struct amplification *amplification, const struct peer *peer);
bool amplification_is_proved(const struct amplification *amplification, const struct peer *peer);

/* The peer has registered: what is left for the source of the cause is its credit from now on. */
void amplification_registered(struct amplification *amplification, struct cause *cause, const struct peer *peer);
/* The flow of a binding that was registered in an earlier life of the process. */
void amplification_restored(struct amplification *amplification, const struct peer *peer);

/* A message of so many bytes has come from there. On the stack of who needs it for one answer. */
struct cause cause_of(const struct peer *source, size_t bytes);
/* The same on the heap with one holder; NULL if memory is short. */
struct cause *cause_new(const struct host *host, const struct peer *source, size_t bytes);
struct cause *cause_hold(struct cause *cause);                    /* NULL is fine */
void cause_release(const struct host *host, struct cause *cause); /* NULL is fine */
void cause_add(struct cause *cause, size_t bytes);                /* it was repeated */

/* May so many bytes go to the peer? cause NULL: the operator or a policy named the peer, and nothing is counted. */
bool amplification_allows(const struct amplification *amplification, const struct cause *cause, const struct peer *peer,
                          size_t bytes);
/* Count a message that is not sent for this reason, for the log and the status. */
void amplification_withhold(struct amplification *amplification, const struct peer *peer, size_t bytes);

/* Send, if amplification_allows(), and charge the cause; else withhold. What wire->send() returns, or -EDQUOT. */
int amplification_send(struct amplification *amplification, struct cause *cause, struct peer *peer, struct text bytes);
/* The same for a provisional response: it leaves a quarter of what is the source's for the final one. */
int amplification_send_provisional(struct amplification *amplification, struct cause *cause, struct peer *peer,
                                   struct text bytes);

#endif
