// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_NAME_ANSWER_H
#define REFLOW_STANDALONE_NAME_ANSWER_H

#include "base/host.h"
#include "standalone/net/peer.h"
#include "standalone/names/host_name.h"

/* What is known about a name: the answer of a lookup, shared by the cache and by everything that waits for it. */

enum {
    NAME_ADDRESSES_MOST = 8,
    NAME_RECORDS_MOST = 32, /* of an answer; those with the lowest priority or order are kept */
    NAME_SIZE = HOST_NAME_MOST + 2
};

enum name_kind { NAME_ADDRESSES, NAME_SRV, NAME_NAPTR, NAME_KINDS };

enum name_outcome {
    NAME_FOUND,
    NAME_NOT_FOUND, /* there is no such record, no answer, or an answer that cannot be read */
    NAME_NOT_ASKED  /* no memory, no socket, or no server reachable: this says nothing about the name */
};

struct name_record {
    uint16_t priority;      /* of NAPTR: the order */
    uint16_t weight;        /* of NAPTR: the preference */
    uint16_t port;          /* of SRV */
    uint8_t transport;      /* of NAPTR: enum transport, as its service says */
    char target[NAME_SIZE]; /* SRV: a host, or empty: the service is not available; NAPTR: the name of SRV records */
};

struct name_answer {
    const struct host *host;
    uint32_t holders;
    enum name_outcome outcome;
    uint32_t ttl_s;                               /* 0: not to be cached, as for names in /etc/hosts */
    bool has_ttl;                                 /* of NAME_NOT_FOUND: ttl_s is that of the answer (RFC 2308) */
    size_t count;                                 /* of addresses or records */
    union address addresses[NAME_ADDRESSES_MOST]; /* in order of preference (RFC 6724), port 0 */
    size_t room;
    struct name_record records[]; /* sorted by priority, then by weight; `room` of them */
};

/* An answer without records, with one holder. NULL: no memory. */
struct name_answer *name_answer_new(const struct host *host, enum name_outcome outcome, size_t room);
/* The same answer of records in no more memory than they need, with one holder as before. */
struct name_answer *name_answer_shrink(struct name_answer *answer);
struct name_answer *name_answer_hold(struct name_answer *answer);
void name_answer_release(struct name_answer *answer); /* NULL is fine */

#endif
