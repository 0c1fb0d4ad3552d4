// SPDX-License-Identifier: BSD-2-Clause
#ifndef REFLOW_STANDALONE_NAMES_H
#define REFLOW_STANDALONE_NAMES_H

#include "standalone/net/name_lookup.h"
#include "standalone/net/source.h"
#include "standalone/net/wire.h"

/*
 * Host names to addresses, for a server whose names are chosen by strangers: a silent name server of one name must not
 * delay any other name. A look-up takes `lookup_ms` at most, however many servers are asked. A source has few look-ups
 * at a time, and all sources together leave a quarter of them to sources without a limit. What exceeds that waits for
 * its turn, as long as a look-up takes; when too many wait, it fails at once. Failures are remembered for `failure_ms`,
 * addresses for their TTL (an hour at most). Requests for a name that is being looked up share its answer. One loop,
 * one thread, and no other.
 */

struct names;

struct names_limits {
    uint32_t at_once;     /* look-ups; 0: 64 */
    uint32_t per_source;  /* of these; 0: 4 */
    uint32_t waiting;     /* requests that wait for their turn; 0: 256 */
    uint32_t source_wait; /* of these, from one source; 0: 16 */
    uint32_t lookup_ms;   /* 0: 5000 */
    uint32_t failure_ms;  /* 0: 30000 */
    uint32_t remembered;  /* names; 0: 1024 */
};

#define NAMES_COUNTERS(COUNTER)                                                                                        \
    COUNTER(names_looked_up, "look-ups of host names begun")                                                           \
    COUNTER(names_remembered, "host names whose answer was remembered")                                                \
    COUNTER(names_failed, "look-ups without an address, the late ones among them")                                     \
    COUNTER(names_late, "look-ups that were given up because they took too long")                                      \
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

/* AF_INET, AF_INET6 or AF_UNSPEC, which stands for both and is the default. Before the first request. */
void names_set_family(struct names *names, int family);

/*
 * Look up a name for this source; 0 stands for a source without a limit. `done` is called later, once, with `port` in
 * each address, unless a negative errno is returned: -EINVAL: not a host name; -EAGAIN: too many wait; -ENOMEM;
 * -ECANCELED: names_close() was called.
 */
int names_resolve(struct names *names, source_id source, const char *host, uint16_t port, resolve_done *done,
                  void *again);

/* Gives up what is looked up, whose `done` is called now, without addresses. Run the loop until it is empty, then
   delete. */
void names_close(struct names *names);
void names_delete(struct names *names); /* NULL is fine */

const struct names_counters *names_counters(const struct names *names);

#endif
