// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_NAME_LOOKUP_H
#define REFLOW_STANDALONE_NAME_LOOKUP_H

#include <uv.h>

#include "standalone/names/name_answer.h"

/*
 * A lookup of one name, by c-ares on a libuv loop: of addresses (/etc/hosts, then A and AAAA records, as
 * /etc/resolv.conf and /etc/nsswitch.conf say), or of SRV or NAPTR records. Each lookup has its own c-ares channel, and
 * so ports and query ids that no other lookup uses, and can be cancelled separately. For lookups.c.
 */

enum { NAME_SERVERS_MOST = 8 };

struct name_lookup;

/* Called when the lookup has ended, or when name_lookup_run() must be called at another time. The lookup may be
   deleted in this call. */
typedef void name_lookup_changed(void *context);

struct name_lookup_config {
    uv_loop_t *loop;
    const struct host *host;
    const union address *servers; /* with ports, at most NAME_SERVERS_MOST; borrowed for the call */
    size_t server_count;          /* 0: the servers of /etc/resolv.conf */
    enum name_kind kind;          /* of the records */
    int family;                   /* of addresses: AF_INET, AF_INET6 or AF_UNSPEC: both */
    name_lookup_changed *changed;
    void *context;
};

/* Returns 0 or -ENOMEM. `changed` is not called from here, but the look-up may have ended when this returns. */
int name_lookup_new(struct name_lookup **out, const struct name_lookup_config *config, const char *name);

/* Its sockets are closed in the next turn of the loop. */
void name_lookup_delete(struct name_lookup *lookup);

bool name_lookup_has_ended(const struct name_lookup *lookup);

/* The answer of a lookup that has ended, which belongs to it: hold it to keep it. NULL: no memory. */
struct name_answer *name_lookup_answer(const struct name_lookup *lookup);

/* The time in ms after which to call name_lookup_run(), for retransmissions. */
uint64_t name_lookup_wait_ms(const struct name_lookup *lookup);
void name_lookup_run(struct name_lookup *lookup);

/* Ends the lookup now. The answer has what was received, such as the A records if only AAAA is missing. */
void name_lookup_give_up(struct name_lookup *lookup);

#endif
