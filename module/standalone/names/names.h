// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_NAMES_H
#define REFLOW_STANDALONE_NAMES_H

#include "standalone/names/name_lookup.h"
#include "standalone/net/source.h"
#include "standalone/net/wire.h"

/*
 * Locates the servers of names (3263-4.a), for a server whose names are chosen by strangers: a name whose server does
 * not answer must not delay any other name. To locate a name takes at most `lookup_ms`, whatever is looked up for it;
 * NAPTR and SRV records have at most `records_ms` each, after which they count as missing. The lookups of each source
 * are limited, and all sources with a limit together leave a quarter of the lookups to sources without one; half of
 * that quarter is also for names that the policy has chosen, which have a limit of their own for each source. Further
 * requests wait as long as a lookup may take; if too many wait, a request fails at once. Records and addresses are
 * cached for their TTL, and the absence of records for the time that DNS gives, at most an hour; other failures for
 * `failure_ms`. One loop and one thread.
 */

struct names;

struct names_limits {
    uint32_t at_once;     /* look-ups; 0: 64 */
    uint32_t per_source;  /* of these; 0: 4 */
    uint32_t waiting;     /* waiting requests; 0: 256. An eighth more for names of the policy, a quarter more for
                             sources without a limit */
    uint32_t source_wait; /* of these, from one source; 0: 16 */
    uint32_t lookup_ms;   /* for all lookups of a name; 0: 5000 */
    uint32_t records_ms;  /* for a lookup of records; 0: 1500 */
    uint32_t failure_ms;  /* 0: 30000 */
    uint32_t remembered;  /* answers; 0: 1024 */
};

#define NAMES_COUNTERS(COUNTER)                                                                                        \
    COUNTER(names_looked_up, "look-ups of host names begun")                                                           \
    COUNTER(names_srv, "of these, look-ups of SRV records")                                                            \
    COUNTER(names_naptr, "of these, look-ups of NAPTR records")                                                        \
    COUNTER(names_remembered, "look-ups that were spared because the answer was remembered")                           \
    COUNTER(names_failed, "look-ups of addresses without an address, the late ones among them")                        \
    COUNTER(names_unlocated, "names for which no server was found")                                                    \
    COUNTER(names_late, "look-ups of addresses that were given up because they took too long")                         \
    COUNTER(names_records_late, "look-ups of SRV and NAPTR records that were given up because they took too long")     \
    COUNTER(names_refused, "requests for look-ups beyond the limits")

struct names_counters {
#define COUNTER(name, what) uint64_t name;
    NAMES_COUNTERS(COUNTER)
#undef COUNTER
};

struct names_config {
    uv_loop_t *loop;
    const struct host *host;
    struct names_limits limits;
    union address servers[NAME_SERVERS_MOST]; /* with ports */
    size_t server_count;                      /* 0: the servers of /etc/resolv.conf */
};

int names_new(struct names **out, const struct names_config *config); /* 0 or -ENOMEM */

/* AF_INET, AF_INET6, or AF_UNSPEC for both, which is the default. Call it before the first request. */
void names_set_family(struct names *names, int family);

/*
 * As locate_names in wire.h, with struct names as the context. Returns 0, or -EINVAL: not a host name; -EAGAIN: too
 * many requests wait; -ENOMEM; -ECANCELED: names_close() was called.
 */
int names_locate(void *names, source_id source, const struct locate_query *query, locate_done *done, void *again);

/* Cancels all lookups and calls their `done` now, without addresses. Run the loop until it is empty, then delete. */
void names_close(struct names *names);
void names_delete(struct names *names); /* NULL is fine */

const struct names_counters *names_counters(const struct names *names);

#endif
