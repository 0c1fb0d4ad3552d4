// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_WAY_BACK_H
#define REFLOW_STANDALONE_WAY_BACK_H

#include "core/text.h"
#include "standalone/net/peer.h"
#include "standalone/net/source.h"

/*
 * Responses whose connection is gone, and to whose sender no new one can be opened (3261-18.2.2.a). They go to the
 * servers of the name in sent-by, one after the other until a connection opens (RFC 3263 section 5).
 *
 * Anybody may write any name there. What a stranger sends is therefore answered only at the address that the lost
 * connection has proved, and the name can only tell the port: no third party gets a response. The responses that wait
 * are limited in number, for strangers in bytes too.
 */

enum {
    WAYS_BACK_MOST = 1024,
    WAYS_BACK_STRANGE = 512,  /* of these, for sources with a limit */
    WAYS_BACK_OF_SOURCE = 16, /* of these, for one of them */
    WAY_BACK_MS = 32000       /* how long each is kept, for a connection that does not open */
};

struct server;
struct sip_via;
struct way_back;

/* All zeros is an empty list. */
struct ways_back {
    struct way_back *first; /* oldest first */
    size_t count, strange;
};

struct way_back_response {
    const struct peer *source; /* of the request */
    const struct sip_via *via; /* its topmost one */
    source_id holder;          /* whom the response counts for; 0: a trunk or another peer that the operator knows */
    flow_id connection;        /* to which it was given; 0: none could be opened */
    struct text bytes;
};

/* Keeps a copy of a response that was given to a new connection to its sender, until the connection has had time to
   open. If it does not open, or could not be made, the name in Via is looked up. Does nothing if the name can only lead
   to the same place, or if the limits are reached. */
void way_back_keep(struct server *server, const struct way_back_response *response);

/* Finds the connection to another server of the name, over which an earlier response for this source and Via went. */
bool way_back_find(const struct server *server, const struct peer *source, const struct sip_via *via,
                   struct peer *back);

/* A flow has died, for one of the reasons of server_flow_down(). */
void ways_back_flow_down(struct server *server, flow_id flow, const char *reason);

/* Nothing may be looked up any more. */
void ways_back_clear(struct server *server);

#endif
