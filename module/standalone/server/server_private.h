// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_SERVER_PRIVATE_H
#define REFLOW_STANDALONE_SERVER_PRIVATE_H

#include "base/hash.h"
#include "base/memory.h"
#include "base/table.h"
#include "call/request_view.h"
#include "core/code.h"
#include "call/rest_name.h"
#include "flow/load.h"
#include "flow/token.h"
#include "standalone/address/stream_refusals.h"
#include "standalone/address/way_back.h"
#include "standalone/net/refusal.h"
#include "standalone/server/server.h"
#include "standalone/net/source.h"
#include "standalone/net/source_limits.h"

enum { CODES_MOST = 700, REST_OWNERS = LAYERS_MOST + 5 /* rest.c */ };

/* The other side of an IPv6 datagram flow with bindings, which its number does not contain. */
struct datagram6 {
    struct table_link link; /* by flow */
    struct peer peer;
    bool held; /* a binding is being stored on it */
};

/* An OPTIONS of this server. */
enum { OPTIONS_URI_MOST = 400 };
struct options {
    const char *uri; /* shorter than OPTIONS_URI_MOST; NULL: that of the first binding on the flow, or its address */
    unsigned max_forwards;
};

struct server {
    struct server_config config;
    struct timers timers;
    struct transactions *transactions;
    struct binding_store *bindings;
    struct binding_store *passed; /* registrations that have passed through an edge (passed.h) */
    struct policy *policy;
    bool own_policy;
    struct table datagram6; /* peers of IPv6 datagram flows with bindings, by flow */
    struct table probes;    /* OPTIONS after ICMP errors, by flow */
    struct table nat_pings; /* flows that are kept alive, by flow */
    struct table rests;     /* destinations that rest, by digest of their name */
    struct rest_owner {
        char tenant[128];
        uint32_t rests;
    } rest_owners[REST_OWNERS];        /* 0: for everybody; then tenants, when they have rests; then the silent ones */
    struct table failed, failed_names; /* addresses that have failed (failed_address.h), by address and by name */
    size_t failed_silent, failed_probes; /* of them, the silent ones, and those that are being probed */
    struct table heirs;                  /* former owners of dead flows, by flow */
    struct heir *heirs_oldest, *heirs_newest;
    struct timer sweep;          /* expired bindings and rests */
    struct token_keys *own_keys; /* if the configuration has none */
    uint32_t run;                /* part of flow tokens, because numbers of flows are valid only in one run */
    struct hash_key rest_key;
    struct hash_key tag_key;  /* for To tags of this server's responses */
    struct hash_key loop_key; /* for the digests in branch parameters, which strangers see */
    struct load_table *loads;
    struct holdings requests_kept, bindings_kept, emergencies_kept, acks_kept;
    struct server_counters counters;
    struct refusals refusals;
    struct amplification amplification;
    struct stream_refusals stream_refusals;
    struct ways_back ways_back; /* responses for which a connection is being opened */
    uint64_t decisions[CODES_MOST][ACTION_COUNT];
    struct sip_buffer out;    /* for the current message */
    struct sip_buffer routes; /* for its Record-Route */
    size_t contexts;
    bool draining;
    bool restoring; /* bindings of an earlier run are being stored */
    /* probe_send_options() */
    int (*send_options)(struct server *server, const struct peer *peer, const struct options *options,
                        struct cause *cause, const struct client_events *events, void *user,
                        struct client_transaction **out);
    void (*binding_put)(struct server *server, const struct binding_view *view); /* a binding was added or updated */
};

/* As server_flow_down() for a flow without reg-id whose user agent answers no pings: all its bindings are removed, and
   its connection is closed. */
void server_flow_lost(struct server *server, flow_id flow, const char *reason);

#endif
