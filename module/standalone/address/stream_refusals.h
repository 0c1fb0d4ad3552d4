// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_STREAM_REFUSALS_H
#define REFLOW_STANDALONE_STREAM_REFUSALS_H

#include "base/table.h"
#include "standalone/net/peer.h"

/*
 * Addresses to which no TCP connection could be opened. For an hour, requests that are too large for a datagram are not
 * tried over TCP there (3261-18.1.1.a), so that not each of them waits for the connection. Addresses that requests name
 * are stored, so their number is limited: the oldest entry is removed first.
 */

enum { STREAM_REFUSALS_MOST = 4096, STREAM_REFUSED_MS = 3600000 };

struct stream_refusal;

struct stream_refusals {
    const struct host *host;
    struct hash_key key;
    struct table table;
    struct stream_refusal *oldest, *newest;
};

int stream_refusals_create(struct stream_refusals *refusals, const struct host *host); /* 0 or -ENOMEM */
void stream_refusals_destroy(struct stream_refusals *refusals); /* also after a create that has failed */

/* Records that a connection to the address could not be opened. Without memory nothing is recorded. */
void stream_refusals_note(struct stream_refusals *refusals, const union address *address);
bool stream_refusals_have(const struct stream_refusals *refusals, const union address *address);

#endif
