// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_AMPLIFICATION_H
#define REFLOW_STANDALONE_AMPLIFICATION_H

#include "base/hash.h"
#include "base/table.h"
#include "standalone/net/source.h"
#include "standalone/net/wire.h"

/*
 * Somebody who forges the source of a datagram, or names an address in Contact, Path or Via, could make the server send
 * to a victim. Over UDP, therefore, a message and its retransmissions may cause at most AMPLIFICATION_MOST times their
 * bytes at addresses that have not proved themselves. This layer is between the senders of messages and the wire.
 *
 * An address (with its port) is proved for an hour after an answer that only its owner can give: a response with the
 * unpredictable branch of this server, or an ACK with its unpredictable To tag. Forged sources are not added, and a
 * real source (source.h) has at most PROVED_OF_SOURCE places, so that strangers cannot push out the others.
 *
 * The source of a REGISTER may be forged too. The bytes of the REGISTER that its response has not used become the
 * credit of that address. A phone that has not been called yet is called with this credit, and is proved when it
 * answers. One thread.
 */

enum {
    AMPLIFICATION_MOST = 10,
    PROVED_MOST = 65536,
    PROVED_OF_SOURCE = 1024,
    PROVED_MS = 3600000,
    CREDITS_MOST = 65536,
    CREDIT_MOST = 65536,    /* bytes of one address */
    CREDIT_RESTORED = 4096, /* for the flow of a binding from an earlier run of the process */
    WITHHELD_WINDOW_MS = 60000
};

struct known_address;

/* Addresses in the order of their last use; the oldest is removed when there are too many. */
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
    struct table sources; /* the number of proved addresses of each source */
    /* The server's own addresses and those that the operator has named; NULL: none. */
    bool (*is_trusted)(const void *context, const union address *address);
    const void *trusted_context;
    uint64_t *withheld;              /* messages, counted for the host */
    uint64_t pending, pending_bytes; /* not logged yet */
    uint64_t next_log_ms;
    union address last; /* the last address to which something was not sent */
};

/* The datagrams that caused a message, and what they may still cause: at the host from which they came (which may be
   forged), and at all others. */
struct cause {
    unsigned holders;
    union address source;
    size_t granted; /* granted to the source, in total */
    size_t to_source, to_others;
};

/* Initialises in place; the caller then sets `withheld` and is_trusted. Returns 0 or -ENOMEM; destroy is safe after
   both. */
int amplification_create(struct amplification *amplification, const struct host *host, const struct wire *wire);
void amplification_destroy(struct amplification *amplification);

/* Forgets proofs that are too old and logs what was withheld; to be called about once a second. */
void amplification_sweep(struct amplification *amplification);

/* Records that the peer has received a message of this server. With transports other than UDP this is proved
   already. */
void amplification_prove(struct amplification *amplification, const struct peer *peer);
bool amplification_is_proved(const struct amplification *amplification, const struct peer *peer);

/* Records that the peer has registered: the bytes left for the source of the cause become its credit. */
void amplification_registered(struct amplification *amplification, struct cause *cause, const struct peer *peer);
/* Gives credit to the flow of a binding that was registered in an earlier run of the process. */
void amplification_restored(struct amplification *amplification, const struct peer *peer);

/* Records a message of this many bytes from there. On the stack of the caller, for one response. */
struct cause cause_of(const struct peer *source, size_t bytes);
/* The same on the heap with one holder; NULL if memory is short. */
struct cause *cause_new(const struct host *host, const struct peer *source, size_t bytes);
struct cause *cause_hold(struct cause *cause);                    /* NULL is fine */
void cause_release(const struct host *host, struct cause *cause); /* NULL is fine */
void cause_add(struct cause *cause, size_t bytes);                /* it was repeated */

/* Returns whether this many bytes may be sent to the peer. cause NULL: the operator or a policy has named the peer,
   and nothing is counted. */
bool amplification_allows(const struct amplification *amplification, const struct cause *cause, const struct peer *peer,
                          size_t bytes);
/* Charges the cause for a message that goes to the peer in another way, after amplification_allows(). */
void amplification_charge(struct amplification *amplification, struct cause *cause, const struct peer *peer,
                          size_t bytes);
/* Counts a message that is not sent for this reason, for the log and the status. */
void amplification_withhold(struct amplification *amplification, const struct peer *peer, size_t bytes);

/* Sends if amplification_allows(), and charges the cause; otherwise counts the message as withheld. Returns the
   result of wire->send(), or -EDQUOT. */
int amplification_send(struct amplification *amplification, struct cause *cause, struct peer *peer, struct text bytes);
/* The same for a provisional response: a quarter of the source's bytes is reserved for the final one. */
int amplification_send_provisional(struct amplification *amplification, struct cause *cause, struct peer *peer,
                                   struct text bytes);

#endif
