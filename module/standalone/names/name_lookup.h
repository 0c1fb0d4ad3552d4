// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_NAME_LOOKUP_H
#define REFLOW_STANDALONE_NAME_LOOKUP_H

#include <uv.h>

#include "base/host.h"
#include "standalone/net/peer.h"

/*
 * A lookup of one host name, by c-ares on a libuv loop: /etc/hosts, then A and AAAA records, as /etc/resolv.conf and
 * /etc/nsswitch.conf say. Each lookup has its own c-ares channel, and so ports and query ids that no other lookup uses,
 * and can be cancelled separately. For names.c.
 */

enum { NAME_ADDRESSES_MOST = 8, NAME_SERVERS_MOST = 8 };

enum name_outcome {
    NAME_FOUND,
    NAME_NOT_FOUND, /* there is no address, no answer, or an answer that cannot be read */
    NAME_NOT_ASKED  /* no memory, no socket, or no server reachable: this says nothing about the name */
};

struct name_answer {
    enum name_outcome outcome;
    union address addresses[NAME_ADDRESSES_MOST]; /* in order of preference (RFC 6724), port 0 */
    size_t count;
    uint32_t ttl_s; /* 0: not to be cached, as for names in /etc/hosts */
};

struct name_lookup;

/* Called when the lookup has ended, or when name_lookup_run() must be called at another time. The lookup may be
   deleted in this call. */
typedef void name_lookup_changed(void *context);

struct name_lookup_config {
    uv_loop_t *loop;
    const struct host *host;
    const union address *servers; /* with ports, at most NAME_SERVERS_MOST; borrowed for the call */
    size_t server_count;          /* 0: the servers of /etc/resolv.conf */
    int family;                   /* AF_INET, AF_INET6 or AF_UNSPEC: both */
    name_lookup_changed *changed;
    void *context;
};

/* Returns 0 or -ENOMEM. `changed` is not called from here, but the look-up may have ended when this returns. */
int name_lookup_new(struct name_lookup **out, const struct name_lookup_config *config, const char *name);

/* Its sockets are closed in the next turn of the loop. */
void name_lookup_delete(struct name_lookup *lookup);

/* NULL while it runs. */
const struct name_answer *name_lookup_answer(const struct name_lookup *lookup);

/* The time in ms after which to call name_lookup_run(), for retransmissions. */
uint64_t name_lookup_wait_ms(const struct name_lookup *lookup);
void name_lookup_run(struct name_lookup *lookup);

/* Ends the lookup now. The answer has what was received, such as the A records if only AAAA is missing. */
void name_lookup_give_up(struct name_lookup *lookup);

#endif
